//! Access modes of mapped elements, as types: what a mode forbids does not compile.
//!
//! Which element types are sound depends on the mode. A file can hold any bit pattern, so reading requires
//! [`AnyBitPattern`]. Every byte that is written must be initialized, so writing also requires [`NoUninit`], which a
//! record with padding does not implement. [`Load`] and [`Store`] state these bounds in one place, and every element
//! that a view loads or stores passes through them. Only elements that are [`Stable`] can be borrowed.

pub(crate) mod atomic;
mod words;

pub use atomic::Atomic;

use bytemuck::{AnyBitPattern, NoUninit};
use std::borrow::Cow;

/// The mode of arrays that can be read, opened by [`open`](crate::MmapArray::open).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReadOnly {}

/// The mode of arrays that can be read and written, whose changes go to the file. Opened by
/// [`open_mut`](crate::Options::open_mut) and [`create`](crate::CreateOptions::create).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReadWrite {}

/// The mode of arrays that can be read and written, whose changes stay in memory, page by page; the file is unchanged.
/// Opened by [`open_cow`](crate::Options::open_cow).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CopyOnWrite {}

/// The mode of arrays that can be read while anybody may write the file, truncate it or append to it. Opened by
/// [`open_shared`](crate::Options::open_shared).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shared {}

/// The mode of arrays that can be read and written while anybody else may do the same. Opened by
/// [`open_shared_mut`](crate::Options::open_shared_mut).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SharedMut {}

/// An access mode: one of the types of this module. The trait is sealed.
pub trait Mode: sealed::Mode {
    /// The mode of read-only views of the same elements.
    type Reading: Reading;

    /// Whether pages of the elements may be lost while they are accessed.
    #[doc(hidden)]
    const SHARED: bool = false;

    /// Returns [`Stable::pointer`] in stable modes, and `None` in others.
    #[doc(hidden)]
    #[inline(always)]
    fn stable_pointer<T>(addr: Addr) -> Option<*mut T> {
        (!Self::SHARED).then(|| addr.0.cast())
    }
}

/// A mode in which elements do not change while they are borrowed: [`Stable`] for some element types. The trait is
/// sealed.
pub trait StableMode: Mode {}
impl StableMode for ReadOnly {}
impl StableMode for ReadWrite {}
impl StableMode for CopyOnWrite {}

/// A mode that allows many views of the same elements, so that views can be cloned. The trait is sealed.
pub trait Aliasing: Mode {}

/// A mode in which elements are only read. The trait is sealed.
pub trait Reading: Aliasing + Mode<Reading = Self> + sealed::Reading {}

impl Mode for ReadOnly {
    type Reading = Self;
}
impl Aliasing for ReadOnly {}
impl Reading for ReadOnly {}

impl Mode for ReadWrite {
    type Reading = ReadOnly;
}

impl Mode for CopyOnWrite {
    type Reading = ReadOnly;
}

impl Mode for Shared {
    type Reading = Self;
    const SHARED: bool = true;
}
impl Aliasing for Shared {}
impl Reading for Shared {}

impl Mode for SharedMut {
    type Reading = Shared;
    const SHARED: bool = true;
}
impl Aliasing for SharedMut {}

/// The address of a byte among elements.
///
/// Only the methods of [`Load`] and [`Store`] access it, and only [`Stable`] and similar code make a pointer of it. A
/// function that makes a reference to elements that others may change therefore does not compile. Addresses are
/// computed by wrapping arithmetic, which is always sound.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Addr(*mut u8);

impl Addr {
    /// Returns the address of a pointer.
    #[inline(always)]
    pub(crate) fn of<T>(ptr: *const T) -> Self {
        Self(ptr.cast_mut().cast())
    }

    /// Returns an address without elements.
    pub(crate) const fn dangling() -> Self {
        Self(std::ptr::dangling_mut())
    }

    #[inline(always)]
    pub(crate) fn offset(self, bytes: isize) -> Self {
        Self(self.0.wrapping_offset(bytes))
    }

    #[inline(always)]
    pub(crate) fn add(self, bytes: usize) -> Self {
        Self(self.0.wrapping_add(bytes))
    }

    /// Prefetches the cache line at the address, if there is one.
    #[inline(always)]
    pub(crate) fn prefetch(self) {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            // SAFETY: every processor of this architecture has the instruction, a hint that reads nothing and never
            // fails, whatever the address is.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(self.0.cast()) };
        }
    }

    /// Returns the number of bytes from another address to this one.
    pub(crate) fn bytes_from(self, other: Self) -> usize {
        self.0.addr().wrapping_sub(other.0.addr())
    }

    /// Returns the address as a number.
    pub(crate) fn number(self) -> usize {
        self.0.addr()
    }

    /// Returns whether the address is a multiple of a number of bytes.
    #[inline]
    pub(crate) fn is_multiple_of(self, bytes: usize) -> bool {
        self.0.addr() % bytes == 0
    }

    /// Returns whether the address is aligned for a `T`.
    #[inline]
    pub(crate) fn is_aligned_for<T>(self) -> bool {
        self.0.cast::<T>().is_aligned()
    }
}

/// Calls `f` with a pointer to bytes that do not change during the call: those at the address or, if the mode lets them
/// change, a copy of them.
///
/// # Safety
///
/// There must be `len` initialized bytes at `source`, as for [`Load::load`].
#[inline(always)]
pub(crate) unsafe fn lend<A: Reading, R>(source: Addr, len: usize, f: impl FnOnce(*const u8) -> R) -> R {
    // SAFETY: the bytes are there by this function's contract.
    unsafe { <A as sealed::Reading>::lend(source, len, f) }
}

/// Returns the bytes at an address or, if the mode lets them change, a copy of them.
///
/// # Safety
///
/// There must be `len` initialized bytes at `source`, as for [`Load::load`], for the lifetime `'a`.
pub(crate) unsafe fn bytes<'a, A: Reading>(source: Addr, len: usize) -> Cow<'a, [u8]> {
    // SAFETY: the bytes are there by this function's contract.
    unsafe { <A as sealed::Reading>::bytes(source, len) }
}

/// A mode in which elements of type `T` can be read.
///
/// [`ReadOnly`] and [`Shared`] implement this for every `T` that is [`AnyBitPattern`], including records with padding.
/// [`ReadWrite`], [`CopyOnWrite`] and [`SharedMut`] also require [`NoUninit`], which [`bytemuck::Pod`] implies. The
/// trait is sealed.
///
/// A record with padding can be read:
///
/// ```
/// use bytemuck::AnyBitPattern;
/// use mmap_array::access::{Load, ReadOnly, ReadWrite};
///
/// #[derive(Clone, Copy, AnyBitPattern)]
/// #[repr(C)]
/// struct Padded { tag: u8, value: f64 } // seven bytes of padding
///
/// fn check<A: Load<Padded>>() {}
/// check::<ReadOnly>();
/// ```
///
/// It cannot be written, because the contents of its padding would go to the file:
///
/// ```compile_fail
/// # use bytemuck::AnyBitPattern;
/// # use mmap_array::access::{Load, ReadOnly, ReadWrite};
/// #
/// # #[derive(Clone, Copy, AnyBitPattern)]
/// # #[repr(C)]
/// # struct Padded { tag: u8, value: f64 } // seven bytes of padding
/// #
/// # fn check<A: Load<Padded>>() {}
/// check::<ReadWrite>();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{T}` cannot be the element type of a `{Self}` mapped array",
    label = "`{T}` is not fit for `{Self}`",
    note = "to read, `{T}` must accept any bit pattern: `#[derive(Clone, Copy, bytemuck::AnyBitPattern)] #[repr(C)]`",
    note = "to write as well, it must have no padding: `#[derive(Clone, Copy, bytemuck::Zeroable, bytemuck::Pod)]`, with \
            padding turned into a field of bytes or removed by `#[repr(C, packed)]`",
    note = "use `mmap_array::element::Bool` for `bool`, `u32` for `char`, and a struct for a tuple"
)]
pub trait Load<T>: Mode + sealed::Load<T> {
    /// Loads one element.
    ///
    /// # Safety
    ///
    /// There must be `size_of::<T>()` initialized bytes at `source`, at any alignment. If the mode is [`Stable`], they
    /// must not change during the call.
    #[doc(hidden)]
    #[inline(always)]
    unsafe fn load(source: Addr) -> T {
        // SAFETY: the bytes are there by this function's contract, and every bit pattern is a `T`: each implementation
        // of this trait asks `AnyBitPattern` of it.
        unsafe { <Self::Reading as sealed::Reading>::load(source) }
    }

    /// Whether it is faster to load several elements together, because the compiler may not combine loads of single
    /// ones.
    #[doc(hidden)]
    const TOGETHER: bool = <Self::Reading as sealed::Reading>::TOGETHER;

    /// Loads contiguous elements.
    ///
    /// # Safety
    ///
    /// The requirements of [`load`](Self::load) must hold for all of them.
    #[doc(hidden)]
    #[inline(always)]
    unsafe fn load_lanes<const N: usize>(source: Addr) -> [T; N] {
        // SAFETY: as for `load`; as many `T` lie there.
        unsafe { <Self::Reading as sealed::Reading>::load_lanes(source) }
    }

    /// Loads `len` contiguous elements into memory of the caller.
    ///
    /// # Safety
    ///
    /// The requirements of [`load`](Self::load) must hold for all of them. `target` must be valid for writes of `len`
    /// elements, and must not overlap `source`.
    #[doc(hidden)]
    #[inline(always)]
    unsafe fn load_run(source: Addr, target: *mut T, len: usize) {
        // SAFETY: as above; the target is as the callee asks by this function's contract.
        unsafe { <Self::Reading as sealed::Reading>::load_bytes(source, target.cast(), len * size_of::<T>()) }
    }
}

/// A mode in which elements of type `T` do not change while they are borrowed, so that there may be references to them.
/// The trait is sealed.
///
/// Slices of elements require it: [`MmapArray`](crate::MmapArray) dereferences to a slice, and
/// [`as_slice`](crate::ArrayView::as_slice) returns one.
#[diagnostic::on_unimplemented(
    message = "there can be no reference to elements of type `{T}` in an array that is `{Self}`",
    label = "`{T}` cannot be referred to",
    note = "an array that is `Shared` or `SharedMut` gives its elements by value, of whatever type, since others may change \
            them: `iter`, `at` and `to_vec` do, and `load` copies the array",
    note = "to read, `{T}` must accept any bit pattern: `#[derive(Clone, Copy, bytemuck::AnyBitPattern)] #[repr(C)]`",
    note = "to write as well, it must have no padding: `#[derive(Clone, Copy, bytemuck::Zeroable, bytemuck::Pod)]`, with \
            padding turned into a field of bytes or removed by `#[repr(C, packed)]`",
    note = "use `mmap_array::element::Bool` for `bool`, `u32` for `char`, and a struct for a tuple"
)]
pub trait Stable<T>: Load<T> + StableMode {
    /// Returns the pointer to an element, from which references may be made. It may be written only in modes that are
    /// [`Exclusive`].
    #[doc(hidden)]
    #[inline(always)]
    fn pointer(addr: Addr) -> *mut T {
        addr.0.cast()
    }
}

/// A mode in which elements of type `T` can be written. The trait is sealed.
#[diagnostic::on_unimplemented(
    message = "a mapped array that is `{Self}` cannot be written as elements of type `{T}`",
    label = "not writable",
    note = "open it with `open_mut` to write to the file, or with `open_cow` to write to memory only"
)]
pub trait Store<T>: Load<T> + sealed::Store<T> {
    /// Stores one element.
    ///
    /// # Safety
    ///
    /// `target` must be valid for writes of `size_of::<T>()` bytes, at any alignment. If the mode is [`Exclusive`],
    /// nobody else may read or write them during the call.
    #[doc(hidden)]
    #[inline(always)]
    unsafe fn store(target: Addr, value: T) {
        // SAFETY: the target is as the callee asks by this function's contract. Each implementation of this trait asks
        // `NoUninit`, so all bytes of the value are initialized, and so are the target's after.
        unsafe { <Self as sealed::Store<T>>::store(target, value) }
    }

    /// Copies `len` contiguous elements to contiguous elements.
    ///
    /// # Safety
    ///
    /// The requirements of [`store`](Self::store), and of [`Load::load`] of `B`, must hold for all of them. If the mode
    /// is [`Exclusive`], source and target must not overlap.
    #[doc(hidden)]
    #[inline]
    unsafe fn copy_run<B: Load<T>>(target: Addr, source: Addr, len: usize) {
        // SAFETY: as above.
        unsafe { <Self as sealed::Store<T>>::copy_run::<B>(target, source, len) }
    }
}

/// A mode in which elements of type `T` can be written and nobody else accesses them, so `&mut` references to them are
/// sound. The trait is sealed.
///
/// ```
/// fn clear(array: &mut mmap_array::MmapArrayMut<f32>) {
///     array[0] = 1.0;
/// }
/// ```
///
/// The same does not compile for a read-only array:
///
/// ```compile_fail
/// fn clear(array: &mut mmap_array::MmapArray<f32>) {
///     array[0] = 1.0;
/// }
/// ```
///
/// No other crate can implement the trait, even for its own types:
///
/// ```compile_fail
/// # use bytemuck::{Pod, Zeroable};
/// # #[derive(Clone, Copy, Zeroable, Pod)]
/// # #[repr(transparent)]
/// # struct Mine(u32);
/// impl mmap_array::access::Exclusive<Mine> for mmap_array::access::ReadOnly {}
/// ```
#[diagnostic::on_unimplemented(
    message = "a mapped array that is `{Self}` cannot be written as elements of type `{T}`",
    label = "not writable",
    note = "open it with `open_mut` to write to the file, or with `open_cow` to write to memory only"
)]
pub trait Exclusive<T>: Stable<T> + Store<T> {}

#[diagnostic::do_not_recommend]
impl<T: AnyBitPattern, A: Reading> Load<T> for A {}
#[diagnostic::do_not_recommend]
impl<T: AnyBitPattern> Stable<T> for ReadOnly {}

macro_rules! writable {
    ($($Mode:ty)*) => {$(
        #[diagnostic::do_not_recommend]
        impl<T: AnyBitPattern + NoUninit> Load<T> for $Mode {}
        #[diagnostic::do_not_recommend]
        impl<T: AnyBitPattern + NoUninit> Store<T> for $Mode {}
    )*};
}
writable!(ReadWrite CopyOnWrite SharedMut);

macro_rules! exclusive {
    ($($Mode:ty)*) => {$(
        #[diagnostic::do_not_recommend]
        impl<T: AnyBitPattern + NoUninit> Stable<T> for $Mode {}
        #[diagnostic::do_not_recommend]
        impl<T: AnyBitPattern + NoUninit> Exclusive<T> for $Mode {}
    )*};
}
exclusive!(ReadWrite CopyOnWrite);

/// Rejects element types that cannot be mapped, at compile time: zero-sized types, because a file does not determine
/// their number, and types that are aligned to more than the smallest page.
pub(crate) const fn assert_mappable<T>() {
    assert!(size_of::<T>() != 0, "an element of a mapped array must have at least one byte");
    assert!(
        align_of::<T>() <= 4096,
        "an element of a mapped array cannot be aligned to more than a page of 4096 bytes"
    );
}

/// Sealing traits. The traits above hold for a mode *and* an element type, so they must be sealed for both: a sealing
/// trait of the mode alone would let another crate write `impl Exclusive<Its> for ReadOnly`. Other crates cannot name
/// the traits in this module, whose bounds every `unsafe` block relies on.
mod sealed {
    use super::{Addr, AnyBitPattern, CopyOnWrite, Cow, NoUninit, ReadOnly, ReadWrite, Shared, SharedMut};

    pub trait Mode {}
    impl Mode for ReadOnly {}
    impl Mode for ReadWrite {}
    impl Mode for CopyOnWrite {}
    impl Mode for Shared {}
    impl Mode for SharedMut {}

    /// How the bytes of elements are read.
    pub trait Reading {
        const TOGETHER: bool;

        /// # Safety
        ///
        /// See [`Load::load`](super::Load::load). Every bit pattern must be a `T`.
        unsafe fn load<T>(source: Addr) -> T;

        /// # Safety
        ///
        /// See [`Load::load_lanes`](super::Load::load_lanes). Every bit pattern must be a `T`.
        unsafe fn load_lanes<T, const N: usize>(source: Addr) -> [T; N];

        /// # Safety
        ///
        /// See [`Load::load_run`](super::Load::load_run), for `len` bytes.
        unsafe fn load_bytes(source: Addr, target: *mut u8, len: usize);

        /// Calls `f` with a pointer to bytes that do not change during the call: these or a copy of them.
        ///
        /// # Safety
        ///
        /// See [`Load::load`](super::Load::load), for `len` bytes.
        unsafe fn lend<R>(source: Addr, len: usize, f: impl FnOnce(*const u8) -> R) -> R;

        /// # Safety
        ///
        /// See [`lend`](Self::lend), for the lifetime `'a`.
        unsafe fn bytes<'a>(source: Addr, len: usize) -> Cow<'a, [u8]>;
    }

    impl Reading for ReadOnly {
        const TOGETHER: bool = false;

        #[inline(always)]
        unsafe fn load<T>(source: Addr) -> T {
            // SAFETY: the bytes are initialized, stay as they are, and are a `T`, by this function's contract.
            unsafe { source.0.cast::<T>().read_unaligned() }
        }

        #[inline(always)]
        unsafe fn load_lanes<T, const N: usize>(source: Addr) -> [T; N] {
            // SAFETY: as above, for as many.
            unsafe { source.0.cast::<[T; N]>().read_unaligned() }
        }

        #[inline(always)]
        unsafe fn load_bytes(source: Addr, target: *mut u8, len: usize) {
            // SAFETY: both are valid for that many bytes and apart, by this function's contract. As bytes, so that
            // padding is carried along and no alignment is asked of the source.
            unsafe { target.copy_from_nonoverlapping(source.0, len) }
        }

        #[inline(always)]
        unsafe fn lend<R>(source: Addr, _: usize, f: impl FnOnce(*const u8) -> R) -> R {
            f(source.0)
        }

        unsafe fn bytes<'a>(source: Addr, len: usize) -> Cow<'a, [u8]> {
            // SAFETY: the bytes are initialized and stay as they are for 'a, by this function's contract.
            Cow::Borrowed(unsafe { std::slice::from_raw_parts(source.0, len) })
        }
    }

    /// Reads a run of words by volatile loads of one word each.
    impl Reading for Shared {
        const TOGETHER: bool = true;

        #[inline(always)]
        unsafe fn load<T>(source: Addr) -> T {
            // SAFETY: the bytes are there, and are a `T`, by this function's contract.
            unsafe { super::words::load(source.0) }
        }

        #[inline(always)]
        unsafe fn load_lanes<T, const N: usize>(source: Addr) -> [T; N] {
            // SAFETY: as above, for as many.
            unsafe { super::words::load_lanes(source.0) }
        }

        #[inline(always)]
        unsafe fn load_bytes(source: Addr, target: *mut u8, len: usize) {
            // SAFETY: both are valid for that many bytes and apart, by this function's contract.
            unsafe { super::words::copy(source.0, target, len) }
        }

        #[inline]
        unsafe fn lend<R>(source: Addr, len: usize, f: impl FnOnce(*const u8) -> R) -> R {
            const FEW: usize = 64;
            if len > FEW {
                // SAFETY: the bytes are there, by this function's contract.
                return f(unsafe { Self::bytes(source, len) }.as_ptr());
            }
            let mut copy = [0; FEW];
            // SAFETY: the bytes are there, by this function's contract; the copy is a place of its own for as many.
            unsafe { Self::load_bytes(source, copy.as_mut_ptr(), len) };
            f(copy.as_ptr())
        }

        unsafe fn bytes<'a>(source: Addr, len: usize) -> Cow<'a, [u8]> {
            let mut copy = vec![0; len];
            // SAFETY: the bytes are there, by this function's contract; the copy is a place of its own for as many.
            unsafe { Self::load_bytes(source, copy.as_mut_ptr(), len) };
            Cow::Owned(copy)
        }
    }

    pub trait Load<T> {}
    impl<T: AnyBitPattern, A: super::Reading> Load<T> for A {}
    impl<T: AnyBitPattern + NoUninit> Load<T> for ReadWrite {}
    impl<T: AnyBitPattern + NoUninit> Load<T> for CopyOnWrite {}
    impl<T: AnyBitPattern + NoUninit> Load<T> for SharedMut {}

    /// How the bytes of elements are written.
    pub trait Store<T> {
        /// # Safety
        ///
        /// See [`Store::store`](super::Store::store). All bytes of the value must be initialized.
        unsafe fn store(target: Addr, value: T);

        /// # Safety
        ///
        /// See [`Store::copy_run`](super::Store::copy_run).
        unsafe fn copy_run<B: super::Load<T>>(target: Addr, source: Addr, len: usize);
    }

    macro_rules! plain {
        ($($Mode:ty)*) => {$(
            impl<T: AnyBitPattern + NoUninit> Store<T> for $Mode {
                #[inline(always)]
                unsafe fn store(target: Addr, value: T) {
                    // SAFETY: the target is valid and nobody else's by this function's contract.
                    unsafe { target.0.cast::<T>().write_unaligned(value) }
                }

                #[inline]
                unsafe fn copy_run<B: super::Load<T>>(target: Addr, source: Addr, len: usize) {
                    // SAFETY: both are valid and apart by this function's contract.
                    unsafe { B::load_run(source, target.0.cast(), len) }
                }
            }
        )*};
    }
    plain!(ReadWrite CopyOnWrite);

    impl<T: AnyBitPattern + NoUninit> Store<T> for SharedMut {
        #[inline(always)]
        unsafe fn store(target: Addr, value: T) {
            // SAFETY: the target is valid for writes by this function's contract.
            unsafe { super::words::store(target.0, value) }
        }

        #[inline]
        unsafe fn copy_run<B: super::Load<T>>(target: Addr, source: Addr, len: usize) {
            for index in 0..len {
                let place = index * size_of::<T>();
                // SAFETY: one of the elements that this function's contract speaks of.
                let value = unsafe { B::load(source.add(place)) };
                // SAFETY: its place, by the same contract.
                unsafe { Self::store(target.add(place), value) }
            }
        }
    }
}
