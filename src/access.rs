//! What may be done with mapped elements, as types: what a mode forbids does not compile.
//!
//! Which element types are sound depends on the mode: any bit pattern can come out of a file, so reading asks
//! [`AnyBitPattern`]; whatever is written must be bytes and nothing but bytes, so writing asks [`NoUninit`] as well,
//! which a record with padding does not have. One marker trait over both, [`Access`], says it once, and every element
//! that a view loads or stores passes through it.

use bytemuck::{AnyBitPattern, NoUninit};

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

/// Arrays of this mode can have elements of type `T`.
///
/// [`ReadOnly`] takes every `T` that is [`AnyBitPattern`], records with padding among them; [`ReadWrite`] and
/// [`CopyOnWrite`] take every `T` that is [`NoUninit`] as well, which [`bytemuck::Pod`] implies. The trait is sealed.
///
/// A record with padding can be read:
///
/// ```
/// use bytemuck::AnyBitPattern;
/// use mmap_array::access::{Access, ReadOnly, ReadWrite};
///
/// #[derive(Clone, Copy, AnyBitPattern)]
/// #[repr(C)]
/// struct Padded { tag: u8, value: f64 } // seven bytes of padding
///
/// fn check<A: Access<Padded>>() {}
/// check::<ReadOnly>();
/// ```
///
/// but not written, since what its padding holds would go to the file:
///
/// ```compile_fail
/// # use bytemuck::AnyBitPattern;
/// # use mmap_array::access::{Access, ReadOnly, ReadWrite};
/// #
/// # #[derive(Clone, Copy, AnyBitPattern)]
/// # #[repr(C)]
/// # struct Padded { tag: u8, value: f64 } // seven bytes of padding
/// #
/// # fn check<A: Access<Padded>>() {}
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
pub trait Access<T>: sealed::SealedAccess<T> {
    /// Loads one element.
    ///
    /// # Safety
    ///
    /// `source` must point to `size_of::<T>()` initialised bytes, at any alignment, that stay as they are for the call.
    #[doc(hidden)]
    #[inline(always)]
    unsafe fn load(source: *const T) -> T {
        // SAFETY: the bytes are initialised by this function's contract, and every bit pattern is a `T`: each
        // implementation below asks `AnyBitPattern` of it.
        unsafe { source.read_unaligned() }
    }

    /// Loads `len` elements that lie one after another into memory of the caller's.
    ///
    /// # Safety
    ///
    /// As for [`load`](Self::load), for all of them; `target` must be valid for writes of `len` elements, and the two
    /// must not overlap.
    #[doc(hidden)]
    #[inline]
    unsafe fn load_run(source: *const T, target: *mut T, len: usize) {
        // SAFETY: both are valid for that many bytes and apart, by this function's contract. As bytes, so that padding
        // is carried along and no alignment is asked of the source.
        unsafe {
            target.cast::<u8>().copy_from_nonoverlapping(source.cast(), len * size_of::<T>());
        }
    }

    /// Stores one element. Called for modes that are [`Exclusive`] only.
    ///
    /// # Safety
    ///
    /// `target` must be valid for writes of `size_of::<T>()` bytes, at any alignment, that nobody else reads or writes
    /// during the call.
    #[doc(hidden)]
    #[inline(always)]
    unsafe fn store(target: *mut T, value: T)
    where
        Self: Exclusive<T>,
    {
        // SAFETY: the target is valid and ours by this function's contract. `Exclusive` modes ask `NoUninit`, so all
        // bytes of the value are initialised, and so are the target's after.
        unsafe { target.write_unaligned(value) }
    }
}

/// The array can be written in this mode: nobody else has the elements, so `&mut` references to them are sound.
/// The trait is sealed.
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
pub trait Exclusive<T>: Access<T> + sealed::SealedExclusive<T> {}

#[diagnostic::do_not_recommend]
impl<T: AnyBitPattern> Access<T> for ReadOnly {}

#[diagnostic::do_not_recommend]
impl<T: AnyBitPattern + NoUninit> Access<T> for ReadWrite {}
#[diagnostic::do_not_recommend]
impl<T: AnyBitPattern + NoUninit> Exclusive<T> for ReadWrite {}

#[diagnostic::do_not_recommend]
impl<T: AnyBitPattern + NoUninit> Access<T> for CopyOnWrite {}
#[diagnostic::do_not_recommend]
impl<T: AnyBitPattern + NoUninit> Exclusive<T> for CopyOnWrite {}

/// Refuses, when the program is compiled, element types that no map can hold: those of no bytes, since no file says how
/// many there are, and those whose alignment is more than that of the smallest page.
pub(crate) const fn assert_mappable<T>() {
    assert!(size_of::<T>() != 0, "an element of a mapped array must have at least one byte");
    assert!(
        align_of::<T>() <= 4096,
        "an element of a mapped array cannot be aligned to more than a page of 4096 bytes"
    );
}

/// The traits above hold for a mode *and* an element type, so both must be sealed: a trait of the mode alone would let
/// another crate say `impl Exclusive<Its> for ReadOnly`. Nobody else can name these two, whose bounds are the ones that
/// every `unsafe` block here rests on.
mod sealed {
    use super::{AnyBitPattern, CopyOnWrite, NoUninit, ReadOnly, ReadWrite};

    pub trait SealedAccess<T> {}
    impl<T: AnyBitPattern> SealedAccess<T> for ReadOnly {}
    impl<T: AnyBitPattern + NoUninit> SealedAccess<T> for ReadWrite {}
    impl<T: AnyBitPattern + NoUninit> SealedAccess<T> for CopyOnWrite {}

    pub trait SealedExclusive<T> {}
    impl<T: AnyBitPattern + NoUninit> SealedExclusive<T> for ReadWrite {}
    impl<T: AnyBitPattern + NoUninit> SealedExclusive<T> for CopyOnWrite {}
}
