//! Access by words to memory that others may write, remove or add at any moment.
//!
//! Such memory is outside of what Rust reasons about: it is a mapping of a file that another process, or another
//! mapping of this process, writes. No reference to it is ever made, and none of Rust's atomics is used on it (except
//! by `atomic`, on machines for which it has no instruction). It is accessed by volatile loads, and by stores that are
//! opaque to the compiler, each of one word that the processor has an instruction for. A load returns bits that were
//! there at that moment. Any bits are a value, since every load requires `AnyBitPattern`. The documentation of
//! [`read_volatile`](std::ptr::read_volatile) leaves memory outside of Rust's own to the platform. We assume that on
//! all platforms a faulting load can be repaired and then continues, as every virtual machine monitor does.
//!
//! On machines that load words at any address (x86, AArch64 and most others), a number of at most pointer size, at an
//! address that is a multiple of its size, is loaded as a whole. Anything else may be torn: on some machines, such as
//! RISC-V and older Arm, words that are not known to be aligned are loaded byte by byte. For numbers of less than eight
//! bytes, of which several are loaded at a time, AArch64 guarantees this only from Armv8.4 on.

use std::mem::MaybeUninit;

/// A word at any address, which is still loaded by one instruction.
#[derive(Clone, Copy)]
#[repr(C, packed)]
struct Unaligned<W>(W);

/// The vectors that are loaded at once. The wide one takes two loads if a loop is not compiled for AVX.
#[cfg(all(any(target_arch = "x86", target_arch = "x86_64"), target_feature = "sse2"))]
mod vectors {
    #[cfg(target_arch = "x86")]
    pub(super) use std::arch::x86::{__m128i as Half, __m256i as Wide};
    #[cfg(target_arch = "x86_64")]
    pub(super) use std::arch::x86_64::{__m128i as Half, __m256i as Wide};
}
#[cfg(target_arch = "aarch64")]
mod vectors {
    pub(super) use std::arch::aarch64::{uint8x16_t as Half, uint8x16_t as Wide};
}
#[cfg(not(any(
    all(any(target_arch = "x86", target_arch = "x86_64"), target_feature = "sse2"),
    target_arch = "aarch64"
)))]
mod vectors {
    pub(super) use std::primitive::{u64 as Half, u64 as Wide};
}
use vectors::{Half, Wide};

/// Loads a word and stores it elsewhere.
///
/// # Safety
///
/// `source` must be valid for reads of a `W`, except that its bits may change, and `target` must be valid for writes.
/// Any bits must be a `W`.
#[inline(always)]
unsafe fn move_word<W: Copy>(source: *const u8, target: *mut u8) {
    // SAFETY: the source is valid by this function's contract, and any bits are a `W`; packed, it lies anywhere.
    let word = unsafe { source.cast::<Unaligned<W>>().read_volatile() };
    // SAFETY: the target is valid for writes by this function's contract.
    unsafe { target.cast::<Unaligned<W>>().write(word) }
}

/// Copies at most 16 bytes by one word, or by two that may overlap, so that no loads of odd bytes are left.
///
/// # Safety
///
/// See [`copy`].
#[inline(always)]
unsafe fn move_few(source: *const u8, target: *mut u8, len: usize) {
    macro_rules! words {
        ($($word:ty)*) => {$(
            if len >= size_of::<$word>() {
                let last = len - size_of::<$word>();
                // SAFETY: the first bytes are some of those of the contract, and any bits are such a word.
                unsafe { move_word::<$word>(source, target) };
                if last > 0 {
                    // SAFETY: so are the last ones.
                    unsafe { move_word::<$word>(source.wrapping_add(last), target.wrapping_add(last)) };
                }
                return;
            }
        )*};
    }
    words!(u64 u32 u16 u8);
}

/// Copies the bytes from `at` on by words of `W`, and then the remaining bytes.
///
/// # Safety
///
/// See [`copy`]. Any bits must be a `W`, and `at` must be at most `len`.
#[inline(always)]
unsafe fn move_many<W: Copy>(source: *const u8, target: *mut u8, mut at: usize, len: usize) {
    macro_rules! words {
        ($($word:ty)*) => {$(
            while len - at >= size_of::<$word>() {
                // SAFETY: these bytes are some of those of the contract, and any bits are such a word.
                unsafe { move_word::<$word>(source.wrapping_add(at), target.wrapping_add(at)) };
                at += size_of::<$word>();
            }
        )*};
    }
    words!(W Half);
    // SAFETY: so are those that are left.
    unsafe { move_few(source.wrapping_add(at), target.wrapping_add(at), len - at) };
}

/// Loads a value of any type.
///
/// # Safety
///
/// `source` must be valid for reads of `size_of::<T>()` bytes, except that their bits may change. Any bits must be a
/// `T`.
#[inline(always)]
pub(super) unsafe fn load<T>(source: *const u8) -> T {
    let mut value = MaybeUninit::<T>::uninit();
    let target = value.as_mut_ptr().cast();
    match size_of::<T>() {
        // SAFETY: the source is valid by this function's contract; the target is a place of its own for as many bytes.
        few @ ..=16 => unsafe { move_few(source, target, few) },
        // SAFETY: as above.
        many => unsafe { move_many::<Half>(source, target, 0, many) },
    }
    // SAFETY: all its bytes have been written, and any bits are a `T` by this function's contract.
    unsafe { value.assume_init() }
}

/// Loads contiguous values.
///
/// # Safety
///
/// The requirements of [`load`] must hold for all of them.
#[inline(always)]
pub(super) unsafe fn load_lanes<T, const N: usize>(source: *const u8) -> [T; N] {
    let mut values = MaybeUninit::<[T; N]>::uninit();
    // SAFETY: the source is valid by this function's contract; the target is a place of its own for as many bytes.
    unsafe { move_many::<Wide>(source, values.as_mut_ptr().cast(), 0, size_of::<[T; N]>()) };
    // SAFETY: all bytes have been written, and any bits are a `T` by this function's contract.
    unsafe { values.assume_init() }
}

/// Copies bytes.
///
/// # Safety
///
/// `source` must be valid for reads of `len` bytes, except that their bits may change. `target` must be valid for
/// writes of `len` bytes, and must not overlap the source.
#[inline(always)]
pub(super) unsafe fn copy(source: *const u8, target: *mut u8, len: usize) {
    const WIDE: usize = size_of::<Wide>();
    let mut at = 0;
    if len >= 2 * WIDE {
        // SAFETY: the first bytes of those of this function's contract.
        unsafe { move_word::<Wide>(source, target) };
        // From the next place in the target on that is aligned: a store across two lines costs two. But not from within
        // a number in the source, whose halves would be loaded at two times.
        let aligned = WIDE - target.addr() % WIDE;
        let number = 1 << source.addr().trailing_zeros().min(3);
        at = if aligned % number == 0 { aligned } else { 0 };
    }
    // SAFETY: as this function's contract says.
    unsafe { move_many::<Wide>(source, target, at, len) }
}

/// Stores a value of any type without padding.
///
/// # Safety
///
/// `target` must be valid for writes of `size_of::<T>()` bytes. All bytes of the value must be initialized.
#[inline(always)]
pub(super) unsafe fn store<T>(target: *mut u8, value: T) {
    let source = (&raw const value).cast::<u8>();
    let (mut at, len) = (0, size_of::<T>());
    macro_rules! words {
        ($($word:ident)*) => {$(
            while len - at >= size_of::<$word>() {
                // SAFETY: these bytes are some of the value's, all initialized.
                let word = unsafe { source.wrapping_add(at).cast::<$word>().read_unaligned() };
                // SAFETY: these bytes lie within those of this function's contract.
                unsafe { store_word::$word(target.wrapping_add(at), word) };
                at += size_of::<$word>();
            }
        )*};
    }
    words!(u64 u32 u16 u8);
}

/// Stores of one word each.
///
/// If possible, the store is an instruction that is opaque to the compiler: an ordinary store would be a data race with
/// whoever loads the word. Otherwise, the store is volatile.
mod store_word {
    macro_rules! store {
        ($($word:ident $x86:literal $x86_class:ident $arm:literal;)*) => {$(
            /// # Safety
            ///
            /// `target` must be valid for writes of a word, at any alignment.
            #[inline(always)]
            pub(super) unsafe fn $word(target: *mut u8, word: $word) {
                #[cfg(target_arch = "x86_64")]
                // SAFETY: one `mov` to a target that is valid for writes.
                unsafe {
                    std::arch::asm!($x86, in(reg) target, in($x86_class) word, options(nostack, preserves_flags));
                }
                #[cfg(target_arch = "aarch64")]
                // SAFETY: one `str` to a target that is valid for writes.
                unsafe {
                    std::arch::asm!($arm, in(reg) target, in(reg) word, options(nostack, preserves_flags));
                }
                #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
                // SAFETY: the target is valid for writes.
                unsafe {
                    target.cast::<super::Unaligned<$word>>().write_volatile(super::Unaligned(word));
                }
            }
        )*};
    }
    store! {
        u64 "mov qword ptr [{}], {}" reg "str {1:x}, [{0}]";
        u32 "mov dword ptr [{}], {:e}" reg "str {1:w}, [{0}]";
        u16 "mov word ptr [{}], {:x}" reg "strh {1:w}, [{0}]";
        u8 "mov byte ptr [{}], {}" reg_byte "strb {1:w}, [{0}]";
    }
}
