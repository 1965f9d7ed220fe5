//! What may be done with mapped elements, as types: what a mode forbids does not compile.
//!
//! Which element types are sound depends on the mode: any bit pattern can come out of a file, so reading asks
//! [`AnyBitPattern`]; whatever is written must be bytes and nothing but bytes, so writing asks [`NoUninit`] as well,
//! which a record with padding does not have. [`Load`] and [`Store`] say it once, and every element
//! that a view loads or stores passes through them. Only what is [`Stable`] can be referred to.

pub(crate) mod atomic;
mod words;

pub use atomic::Atomic;

use bytemuck::{AnyBitPattern, NoUninit};
use std::borrow::Cow;

/// The array can be read. The mode of [`open`](crate::MmapArray::open).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReadOnly {}

/// The array can be read and written, and what is written goes to the file. The mode of
/// [`open_mut`](crate::Options::open_mut) and [`create`](crate::CreateOptions::create).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReadWrite {}

/// The array can be read and written, and what is written stays in memory, page by page; the file keeps what it had.
/// The mode of [`open_cow`](crate::Options::open_cow).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CopyOnWrite {}

/// The array can be read, while anybody may write its elements, lose them or add some. The mode of
/// [`open_shared`](crate::Options::open_shared).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shared {}

/// The array can be read and written, while anybody else may do so too. The mode of
/// [`open_shared_mut`](crate::Options::open_shared_mut).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SharedMut {}

/// What may be done with elements: one of the modes of this module. The trait is sealed.
pub trait Mode: sealed::Mode {
    /// The mode of views that only read the same elements.
    type Reading: Reading;

    /// Whether pages of the elements may be lost while they are touched.
    #[doc(hidden)]
    const SHARED: bool = false;

    /// [`Stable::pointer`] in the modes that are, and `None` in others.
    #[doc(hidden)]
    #[inline(always)]
    fn stable_pointer<T>(addr: Addr) -> Option<*mut T> {
        (!Self::SHARED).then(|| addr.0.cast())
    }
}

/// A mode in which elements stay as they are while they are borrowed: [`Stable`] for some types of elements. The trait is
/// sealed.
pub trait StableMode: Mode {}
impl StableMode for ReadOnly {}
impl StableMode for ReadWrite {}
impl StableMode for CopyOnWrite {}

/// A mode in which there may be many views of the same elements, so that views can be cloned. The trait is sealed.
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
/// Nobody follows it but the methods of [`Load`] and [`Store`], and nobody makes a pointer of it but [`Stable`] and its like. So a
/// function that would make a reference to elements that others may change does not compile. Addresses are computed by
/// wrapping arithmetic, which is never unsound.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Addr(*mut u8);

impl Addr {
    /// The address that a pointer has.
    #[inline(always)]
    pub(crate) fn of<T>(ptr: *const T) -> Self {
        Self(ptr.cast_mut().cast())
    }

    /// Where there is nothing to be found.
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

    /// Has the processor fetch what is here, if anything is.
    #[inline(always)]
    pub(crate) fn prefetch(self) {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            // SAFETY: every processor of this architecture has the instruction, a hint that reads nothing and never fails,
            // whatever the address is.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(self.0.cast()) };
        }
    }

    /// How many bytes lie from another address to this one.
    pub(crate) fn bytes_from(self, other: Self) -> usize {
        self.0.addr().wrapping_sub(other.0.addr())
    }

    /// The address as a number.
    pub(crate) fn number(self) -> usize {
        self.0.addr()
    }

    /// Whether the address is a multiple of a number of bytes.
    #[inline]
    pub(crate) fn is_multiple_of(self, bytes: usize) -> bool {
        self.0.addr() % bytes == 0
    }

    /// Whether a `T` can live here.
    #[inline]
    pub(crate) fn is_aligned_for<T>(self) -> bool {
        self.0.cast::<T>().is_aligned()
    }
}

/// Calls `f` with a pointer to bytes that stay as they are for the call: those at the address, or a copy of them where
/// the mode does not keep them so.
///
/// # Safety
///
/// At `source` there must be `len` initialised bytes, as [`Load::load`] asks.
#[inline(always)]
pub(crate) unsafe fn lend<A: Reading, R>(source: Addr, len: usize, f: impl FnOnce(*const u8) -> R) -> R {
    // SAFETY: the bytes are there by this function's contract.
    unsafe { <A as sealed::Reading>::lend(source, len, f) }
}

/// The bytes at an address, or a copy of them where the mode does not keep them as they are.
///
/// # Safety
///
/// At `source` there must be `len` initialised bytes, as [`Load::load`] asks, for the lifetime `'a`.
pub(crate) unsafe fn bytes<'a, A: Reading>(source: Addr, len: usize) -> Cow<'a, [u8]> {
    // SAFETY: the bytes are there by this function's contract.
    unsafe { <A as sealed::Reading>::bytes(source, len) }
}

/// Elements of type `T` can be read in this mode.
///
/// [`ReadOnly`] and [`Shared`] take every `T` that is [`AnyBitPattern`], records with padding among them;
/// [`ReadWrite`], [`CopyOnWrite`] and [`SharedMut`] take every `T` that is [`NoUninit`] as well, which
/// [`bytemuck::Pod`] implies. The trait is sealed.
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
/// but not written, since what its padding holds would go to the file:
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
    note = "to read, `{T}` must take any bit pattern: `#[derive(Clone, Copy, bytemuck::AnyBitPattern)] #[repr(C)]`",
    note = "to write as well, it must have no padding: `#[derive(Clone, Copy, bytemuck::Zeroable, bytemuck::Pod)]`, with \
            padding made a field of bytes or taken away by `#[repr(C, packed)]`",
    note = "for `bool` take `mmap_array::element::Bool`, for `char` take `u32`, for a tuple a struct"
)]
pub trait Load<T>: Mode + sealed::Load<T> {
    /// Loads one element.
    ///
    /// # Safety
    ///
    /// At `source` there must be `size_of::<T>()` initialised bytes, at any alignment. If the mode is [`Stable`] they
    /// stay as they are for the call.
    #[doc(hidden)]
    #[inline(always)]
    unsafe fn load(source: Addr) -> T {
        // SAFETY: the bytes are there by this function's contract, and every bit pattern is a `T`: each implementation
        // of this trait asks `AnyBitPattern` of it.
        unsafe { <Self::Reading as sealed::Reading>::load(source) }
    }

    /// Whether several elements are better loaded together, because the compiler may not make such loads of single ones.
    #[doc(hidden)]
    const TOGETHER: bool = <Self::Reading as sealed::Reading>::TOGETHER;

    /// Loads elements that lie one after another.
    ///
    /// # Safety
    ///
    /// As for [`load`](Self::load), for all of them.
    #[doc(hidden)]
    #[inline(always)]
    unsafe fn load_lanes<const N: usize>(source: Addr) -> [T; N] {
        // SAFETY: as for `load`; as many `T` lie there.
        unsafe { <Self::Reading as sealed::Reading>::load_lanes(source) }
    }

    /// Loads `len` elements that lie one after another into memory of the caller's.
    ///
    /// # Safety
    ///
    /// As for [`load`](Self::load), for all of them; `target` must be valid for writes of `len` elements, and the two
    /// must not overlap.
    #[doc(hidden)]
    #[inline(always)]
    unsafe fn load_run(source: Addr, target: *mut T, len: usize) {
        // SAFETY: as above; the target is as the callee asks by this function's contract.
        unsafe { <Self::Reading as sealed::Reading>::load_bytes(source, target.cast(), len * size_of::<T>()) }
    }
}

/// Elements of type `T` stay as they are while they are borrowed in this mode, so there may be references to them. The
/// trait is sealed.
///
/// It is what slices of elements ask: [`MmapArray`](crate::MmapArray) dereferences to one, and
/// [`as_slice`](crate::ArrayView::as_slice) gives one.
#[diagnostic::on_unimplemented(
    message = "there can be no reference to elements of type `{T}` in an array that is `{Self}`",
    label = "`{T}` cannot be referred to",
    note = "an array that is `Shared` or `SharedMut` gives its elements by value, of whatever type, since others may change \
            them: `iter`, `at` and `to_vec` do, and `load` copies the array",
    note = "to read, `{T}` must take any bit pattern: `#[derive(Clone, Copy, bytemuck::AnyBitPattern)] #[repr(C)]`",
    note = "to write as well, it must have no padding: `#[derive(Clone, Copy, bytemuck::Zeroable, bytemuck::Pod)]`, with \
            padding made a field of bytes or taken away by `#[repr(C, packed)]`",
    note = "for `bool` take `mmap_array::element::Bool`, for `char` take `u32`, for a tuple a struct"
)]
pub trait Stable<T>: Load<T> + StableMode {
    /// The pointer to an element, through which there may be references to it, to write only in modes that are
    /// [`Exclusive`].
    #[doc(hidden)]
    #[inline(always)]
    fn pointer(addr: Addr) -> *mut T {
        addr.0.cast()
    }
}

/// Elements of type `T` can be written in this mode. The trait is sealed.
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
    /// `target` must be valid for writes of `size_of::<T>()` bytes, at any alignment. If the mode is [`Exclusive`]
    /// nobody else reads or writes them during the call.
    #[doc(hidden)]
    #[inline(always)]
    unsafe fn store(target: Addr, value: T) {
        // SAFETY: the target is as the callee asks by this function's contract. Each implementation of this trait asks
        // `NoUninit`, so all bytes of the value are initialised, and so are the target's after.
        unsafe { <Self as sealed::Store<T>>::store(target, value) }
    }

    /// Stores `len` elements that lie one after another where others do so too.
    ///
    /// # Safety
    ///
    /// As for [`store`](Self::store) and for [`Load::load`] of `B`, for all of them. If the mode is [`Exclusive`] the two
    /// must not overlap.
    #[doc(hidden)]
    #[inline]
    unsafe fn copy_run<B: Load<T>>(target: Addr, source: Addr, len: usize) {
        // SAFETY: as above.
        unsafe { <Self as sealed::Store<T>>::copy_run::<B>(target, source, len) }
    }
}

/// The array can be written in this mode, and nobody else has the elements, so `&mut` references to them are sound. The
/// trait is sealed.
///
/// ```
/// fn clear(array: &mut mmap_array::MmapArrayMut<f32>) {
///     array[0] = 1.0;
/// }
/// ```
///
/// does not compile for a read-only array:
///
/// ```compile_fail
/// fn clear(array: &mut mmap_array::MmapArray<f32>) {
///     array[0] = 1.0;
/// }
/// ```
///
/// and no other crate can say that it should, not even for types of its own:
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

/// Refuses, when the program is compiled, element types that no map can hold: those of no bytes, since no file says how
/// many there are, and those whose alignment is more than that of the smallest page.
pub(crate) const fn assert_mappable<T>() {
    assert!(size_of::<T>() != 0, "an element of a mapped array must have at least one byte");
    assert!(
        align_of::<T>() <= 4096,
        "an element of a mapped array cannot be aligned to more than a page of 4096 bytes"
    );
}

/// The traits above hold for a mode *and* an element type, so these must be sealed for both: a trait of the mode alone
/// would let another crate say `impl Exclusive<Its> for ReadOnly`. Nobody else can name those here, whose bounds are the
/// ones that every `unsafe` block rests on.
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
        /// As for [`Load::load`](super::Load::load), and every bit pattern must be a `T`.
        unsafe fn load<T>(source: Addr) -> T;

        /// # Safety
        ///
        /// As for [`Load::load_lanes`](super::Load::load_lanes), and every bit pattern must be a `T`.
        unsafe fn load_lanes<T, const N: usize>(source: Addr) -> [T; N];

        /// # Safety
        ///
        /// As for [`Load::load_run`](super::Load::load_run), for so many bytes.
        unsafe fn load_bytes(source: Addr, target: *mut u8, len: usize);

        /// Calls `f` with a pointer to bytes that stay as they are for the call: these or a copy of them.
        ///
        /// # Safety
        ///
        /// As for [`Load::load`](super::Load::load), for so many bytes.
        unsafe fn lend<R>(source: Addr, len: usize, f: impl FnOnce(*const u8) -> R) -> R;

        /// # Safety
        ///
        /// As for [`lend`](Self::lend), for the lifetime `'a`.
        unsafe fn bytes<'a>(source: Addr, len: usize) -> Cow<'a, [u8]>;
    }

    impl Reading for ReadOnly {
        const TOGETHER: bool = false;

        #[inline(always)]
        unsafe fn load<T>(source: Addr) -> T {
            // SAFETY: the bytes are initialised, stay as they are, and are a `T`, by this function's contract.
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
            // SAFETY: the bytes are initialised and stay as they are for 'a, by this function's contract.
            Cow::Borrowed(unsafe { std::slice::from_raw_parts(source.0, len) })
        }
    }

    /// A run of words is read by volatile loads of one word each, which nothing but the processor sees.
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
        /// As for [`Store::store`](super::Store::store); all bytes of the value must be initialised.
        unsafe fn store(target: Addr, value: T);

        /// # Safety
        ///
        /// As for [`Store::copy_run`](super::Store::copy_run).
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
