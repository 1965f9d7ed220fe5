//! Atomic changes of numbers in memory that others write.
//!
//! All operations are built on compare-and-exchange of the number's bits. On common processors it is an inline assembly
//! instruction, because Rust's atomics must not be used on memory that is also accessed non-atomically. Elsewhere it is
//! Rust's atomic, at an address that this crate accesses only by single words.

use super::Addr;

/// A number that can be changed atomically while others write it: `i32`, `u32`, `f32`, and `i64`, `u64`, `f64` if the
/// processor supports it. The trait is sealed.
///
/// The number must be aligned to its size, as the numbers in `.npy` files are.
pub trait Atomic: Copy + sealed::Atomic {}

pub(crate) mod sealed {
    use super::Addr;

    pub trait Atomic: Sized {
        /// Stores `new` if the number has the same bits as `current`, and returns the previous value.
        ///
        /// # Safety
        ///
        /// The address must be valid for reads and writes of the number, and a multiple of its size.
        unsafe fn compare_exchange(target: Addr, current: Self, new: Self) -> Result<Self, Self>;

        fn same(self, other: Self) -> bool;
        fn plus(self, other: Self) -> Self;
        fn larger(self, other: Self) -> Self;
        fn smaller(self, other: Self) -> Self;
    }
}

macro_rules! exchange {
    ($name:ident $word:ident $atomic:ident $x86:literal $x86_register:tt $load:literal $compare:literal $store:literal) => {
        /// # Safety
        ///
        /// The target must be valid for reads and writes of a word, and aligned for it.
        #[inline]
        unsafe fn $name(target: *mut u8, current: $word, new: $word) -> $word {
            #[cfg(target_arch = "x86_64")]
            {
                let found;
                // SAFETY: one locked `cmpxchg` of a target that is valid for reads and writes.
                unsafe {
                    std::arch::asm!(
                        $x86,
                        target = in(reg) target,
                        new = in(reg) new,
                        inout($x86_register) current => found,
                        options(nostack)
                    );
                }
                found
            }
            #[cfg(target_arch = "aarch64")]
            {
                let found;
                // SAFETY: loads and stores of a target that is valid for both, repeated until nobody came between.
                unsafe {
                    std::arch::asm!(
                        "2:",
                        $load,
                        $compare,
                        "b.ne 3f",
                        $store,
                        "cbnz {status:w}, 2b",
                        "3:",
                        target = in(reg) target,
                        current = in(reg) current,
                        new = in(reg) new,
                        found = out(reg) found,
                        status = out(reg) _,
                        options(nostack)
                    );
                }
                found
            }
            #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
            {
                use std::sync::atomic::Ordering::SeqCst;
                // SAFETY: the target is valid for reads and writes of a word for the call, and aligned.
                let word = unsafe { std::sync::atomic::$atomic::from_ptr(target.cast()) };
                word.compare_exchange(current, new, SeqCst, SeqCst).unwrap_or_else(|found| found)
            }
        }
    };
}
exchange! {
    exchange_32 u32 AtomicU32 "lock cmpxchg dword ptr [{target}], {new:e}" "eax"
    "ldaxr {found:w}, [{target}]" "cmp {found:w}, {current:w}" "stlxr {status:w}, {new:w}, [{target}]"
}
#[cfg(target_has_atomic = "64")]
exchange! {
    exchange_64 u64 AtomicU64 "lock cmpxchg qword ptr [{target}], {new}" "rax"
    "ldaxr {found:x}, [{target}]" "cmp {found:x}, {current:x}" "stlxr {status:w}, {new:x}, [{target}]"
}

macro_rules! atomic {
    ($($number:ident $exchange:ident $plus:expr, $to_bits:expr, $of_bits:expr;)*) => {$(
        impl Atomic for $number {}
        impl sealed::Atomic for $number {
            #[inline]
            unsafe fn compare_exchange(target: Addr, current: Self, new: Self) -> Result<Self, Self> {
                let current = $to_bits(current);
                // SAFETY: valid and aligned by this function's contract.
                let found = unsafe { $exchange(target.0, current, $to_bits(new)) };
                if found == current { Ok($of_bits(found)) } else { Err($of_bits(found)) }
            }

            fn same(self, other: Self) -> bool {
                $to_bits(self) == $to_bits(other)
            }

            fn plus(self, other: Self) -> Self {
                $plus(self, other)
            }

            fn larger(self, other: Self) -> Self {
                self.max(other)
            }

            fn smaller(self, other: Self) -> Self {
                self.min(other)
            }
        }
    )*};
}
atomic! {
    u32 exchange_32 u32::wrapping_add, |number: u32| number, |bits: u32| bits;
    i32 exchange_32 i32::wrapping_add, |number: i32| number as u32, |bits: u32| bits as i32;
    f32 exchange_32 |a, b| a + b, f32::to_bits, f32::from_bits;
}
#[cfg(target_has_atomic = "64")]
atomic! {
    u64 exchange_64 u64::wrapping_add, |number: u64| number, |bits: u64| bits;
    i64 exchange_64 i64::wrapping_add, |number: i64| number as u64, |bits: u64| bits as i64;
    f64 exchange_64 |a, b| a + b, f64::to_bits, f64::from_bits;
}

/// Replaces a number with the result of `f`, and returns the previous value.
///
/// # Safety
///
/// The address must be valid for reads and writes of the number, and a multiple of its size.
#[inline]
pub(crate) unsafe fn update<T: Atomic>(target: Addr, f: impl Fn(T) -> T) -> T {
    // SAFETY: valid by this function's contract; any bits are a number.
    let mut found = unsafe { super::words::load::<T>(target.0) };
    loop {
        let new = f(found);
        if found.same(new) {
            return found;
        }
        // SAFETY: valid and aligned by this function's contract.
        match unsafe { T::compare_exchange(target, found, new) } {
            Ok(found) => return found,
            Err(other) => found = other,
        }
    }
}
