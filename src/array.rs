//! Typed, shaped arrays over a portion of a memory-mapped file.
//!
//! memmap2 maps bytes and bytemuck casts them. The bookkeeping in between is left to every program: the offset may be
//! any byte, the shape must fit the file, the address must be aligned for the type, and it must be clear who may write
//! and what happens to two windows of one mapping. This module does that bookkeeping once, so that an array can be used
//! like a slice with a shape. Formats build on it and only determine where the elements are.

mod align;
mod append;
mod create;
mod display;
pub(crate) mod elements;
pub(crate) mod format;
mod index;
mod load;
mod manage;
mod numbers;
mod options;
mod parts;
mod persist;
mod settings;
pub mod shared;
pub(crate) mod source;
mod window;

pub use crate::error::{ArrayError, PersistError};
pub use crate::region::Advice;
pub use create::CreateOptions;
pub use elements::{Elements, Strided, Typed};
pub use format::{Format, NewFormat, Raw, StridedRaw};
pub use index::ArrayIndex;
pub use options::Options;
pub(crate) use options::StandIn;
pub use shared::{SharedArray, SharedArrayMut};
pub use source::Source;
pub use window::MmapWindow;

use crate::access::{Addr, Exclusive, ReadOnly, ReadWrite, Stable, assert_mappable};
use crate::element::Element;
use crate::error::{Reason, Result, short_type_name};
use crate::field::Field;
use crate::region::Region;
use crate::shape::{Dims, Order};
use crate::view::{ArrayView, ArrayViewMut, RawView};
use std::borrow::Borrow;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut, RangeBounds};
use std::path::Path;
use std::ptr::NonNull;
use std::slice;

/// A typed, shaped array over a memory-mapped file or a portion of one: `numpy.memmap`.
///
/// An array can also hold a copy in memory or a file of its own. In all cases nobody else changes its elements, so they
/// can be borrowed. For a file that others may write or truncate, use [`SharedArray`].
///
/// `T` is the element type: a number, an array, or a record, with the same bytes as in the file. `A` is the access
/// mode: [`ReadOnly`], [`ReadWrite`] ([`MmapArrayMut`] for short) or [`CopyOnWrite`](crate::access::CopyOnWrite).
/// Opening an array takes a few system calls and no memory, whatever its size; pages are read when they are first
/// accessed. An array is `Send` and `Sync` if its elements are both.
///
/// **The array dereferences to a slice; its [`view`](Self::view) has the shape.** The array dereferences to the slice
/// `[T]` of all its elements in storage order: `array.len()`, `array[i]`, `array[2..5]`, `array.iter()` and
/// `array.to_vec()` work as for that slice, even if the array has several axes. In Fortran order, the slice goes column
/// by column. `array[[i, j]]` takes one number per axis. Rows, columns and everything else that depends on the shape
/// are methods of the view, which always iterates in C order.
///
/// ```
/// use mmap_array::MmapArray;
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("dem.i16");
/// let heights: Vec<u8> = (0..60_i16).flat_map(i16::to_ne_bytes).collect();
/// std::fs::write(&path, [&[0; 22][..], &heights].concat())?;
///
/// let dem = MmapArray::<i16>::options().offset(22).shape([6, 10]).load(&path)?;
/// assert_eq!(dem[[5, 9]], 59);
/// assert_eq!(dem[10..13], [10, 11, 12]);
/// assert_eq!(dem.view().index_axis(1, 0).to_vec(), [0, 10, 20, 30, 40, 50]);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Safety
///
/// A memory map is a view of the file itself. Whoever opens a file as an array must guarantee the following for as long
/// as the array, or a part or clone of it, lives:
///
/// 1. **Nobody else writes the mapped elements**: no other program, no other array of this program, no `write` call.
///    Changing elements behind a reference is undefined behavior. Bytes of the file that are not elements of the array
///    may change, so other windows may be written at the same time. Others may read the elements of a writable array by
///    system calls, or in another program through a mapping to which it holds no references, if they can cope with
///    partly written data. Within this program, nobody may read them through another mapping while they are mutably
///    borrowed.
/// 2. **Nobody makes the file shorter than the end of the elements.** Accessing a page past the end of a file
///    terminates the program by `SIGBUS`. (Windows refuses to truncate a file that is mapped.)
///
/// This is the contract of every `unsafe fn` of this crate that opens or creates a file. No `unsafe` is needed if the
/// contract cannot be broken: for [`anonymous`](MmapArrayMut::anonymous) memory, for unnamed
/// [`scratch`](MmapArrayMut::scratch) files, for files that the operating system keeps from changing
/// ([`open_sealed`](Options::open_sealed)), and for snapshots on file systems that support them
/// ([`open_snapshot`](Options::open_snapshot)). If nothing can be guaranteed about a file, open it with
/// [`open_shared`](Options::open_shared), which gives out no references.
pub struct MmapArray<T, A = ReadOnly> {
    region: Region,
    /// A pointer to the first element; dangling if there are none.
    ptr: NonNull<T>,
    len: usize,
    dims: Dims,
    order: Order,
    marker: PhantomData<(T, A)>,
}

/// A writable array, whose changes go to its file if it has one.
pub type MmapArrayMut<T> = MmapArray<T, ReadWrite>;

// SAFETY: an array is a slice of its elements, shared with clones where it is read-only, so it may go where `Arc<[T]>`
// may; the map it keeps is `Send` and `Sync`, and parts of one map never overlap where they can be written.
unsafe impl<T: Send + Sync, A> Send for MmapArray<T, A> {}
// SAFETY: as above; a shared array gives out `&[T]` and `&` of the map.
unsafe impl<T: Send + Sync, A> Sync for MmapArray<T, A> {}

impl<T, A> MmapArray<T, A> {
    /// Creates an array over a region that was mapped for `dims`, which must have passed `checked_len`.
    pub(crate) fn from_region(region: Region, dims: Dims, order: Order) -> Result<Self> {
        align::check_alignment::<T>(region.offset(), region.len() as u64)
            .map_err(|error| error.in_file(region.path()))?;
        Ok(Self::of_region(region, dims, order))
    }

    /// Creates an array over all bytes of a region, which must be aligned for the element type.
    fn of_region(region: Region, dims: Dims, order: Order) -> Self {
        const { assert_mappable::<T>() }
        let len = region.len() / size_of::<T>();
        debug_assert_eq!(dims.iter().product::<usize>(), len);
        let ptr = match region.as_ptr().and_then(NonNull::new) {
            Some(ptr) if len > 0 => ptr.cast(),
            _ => NonNull::dangling(),
        };
        Self { region, ptr, len, dims, order, marker: PhantomData }
    }

    /// Returns the shape: the number of elements along each axis.
    #[inline]
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.dims
    }

    /// Returns the number of axes. A 0-d array has no axes and one element.
    #[inline]
    #[must_use]
    pub fn ndim(&self) -> usize {
        self.dims.len()
    }

    /// Returns the order in which the elements are stored in the file.
    #[inline]
    #[must_use]
    pub fn order(&self) -> Order {
        self.order
    }

    /// Returns the byte offset of the first element in the file: `memmap.offset`. It is 0 for arrays in memory.
    #[must_use]
    pub fn byte_offset(&self) -> u64 {
        self.region.offset()
    }

    /// Returns the path of the file, as it was given: `memmap.filename`. Returns `None` for arrays in memory, for
    /// scratch files, and if an open file was passed.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.region.path()
    }

    pub(crate) fn region(&self) -> &Region {
        &self.region
    }

    pub(crate) fn dims(&self) -> &Dims {
        &self.dims
    }

    /// Returns a read-only view of all elements, which has the methods that depend on the shape.
    #[must_use]
    #[inline]
    pub fn view(&self) -> ArrayView<'_, T> {
        // SAFETY: the region's bytes are initialized, being a file's or zeros or written from values without padding;
        // nobody writes them while `self` is borrowed, by the contract under which the array was made.
        unsafe { ArrayView::contiguous(Addr::of(self.ptr.as_ptr()), &self.dims, self.order, size_of::<T>()) }
    }

    /// Returns a writable view of all elements.
    ///
    /// ```
    /// let mut grid = mmap_array::MmapArrayMut::<i32>::anonymous([2, 3])?;
    /// grid.view_mut().index_axis(1, 1).fill(5);
    /// assert_eq!(*grid, [0, 5, 0, 0, 5, 0]);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[must_use]
    pub fn view_mut(&mut self) -> ArrayViewMut<'_, T>
    where
        A: Exclusive<T>,
    {
        // SAFETY: as for `view`; `Exclusive` modes map the bytes writable, no other array has them (parts of one map
        // never overlap), and `self` is borrowed exclusively.
        unsafe { ArrayView::contiguous(Addr::of(self.ptr.as_ptr()), &self.dims, self.order, size_of::<T>()) }
    }

    /// Returns an iterator over references to the elements in storage order, the order of the file: see
    /// [`slice::iter`].
    ///
    /// The iterator of [`view`](Self::view) yields the elements by value and in C order.
    ///
    /// ```
    /// use mmap_array::{MmapArray, Order};
    /// let mut grid = MmapArray::<u8>::create_options([2, 2]).order(Order::F).anonymous()?;
    /// grid.view_mut().index_axis(0, 1).fill(1);
    /// assert!(grid.iter().eq(&[0, 1, 0, 1]));
    /// assert!(grid.view().iter().eq([0, 0, 1, 1]));
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[inline]
    pub fn iter(&self) -> slice::Iter<'_, T>
    where
        A: Stable<T>,
    {
        (**self).iter()
    }

    /// Returns a read-only view of a range along the first axis: NumPy's `arr[2:5]`.
    ///
    /// This is the same as `view().rows(range)`. [`into_rows`](Self::into_rows) returns an owned array instead.
    ///
    /// # Panics
    ///
    /// Panics if the array is 0-d or if the range is outside its first axis.
    ///
    /// ```
    /// let mut table = mmap_array::MmapArrayMut::<i32>::anonymous([10, 3])?;
    /// table[[2, 1]] = 7;
    /// assert_eq!(table.rows(2..4).to_string(), "[[0 7 0]\n [0 0 0]]");
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn rows(&self, range: impl RangeBounds<usize>) -> ArrayView<'_, T>
    where
        ReadOnly: Stable<T>,
    {
        self.view().rows(range)
    }

    /// Returns a read-only view of one field of every record: NumPy's `arr["r"]`.
    ///
    /// This is the same as `view().project(field)`; see [`ArrayView::project`]. To write the field, use
    /// `view_mut().project(field)`.
    #[must_use]
    #[inline]
    pub fn project<F>(&self, field: Field<T, F>) -> ArrayView<'_, F>
    where
        ReadOnly: Stable<T> + Stable<F>,
    {
        const { assert_mappable::<F>() }
        let ptr = Addr::of(self.ptr.as_ptr()).add(field.offset());
        // SAFETY: as for `view`; `Field` lies within the record, and `Load<F>`, which `Stable` is, takes any bits.
        unsafe { ArrayView::contiguous(ptr, &self.dims, self.order, size_of::<T>()) }
    }

    /// Returns a read-only view of one field of every record, given its name: NumPy's `arr["r"]`. See
    /// [`ArrayView::field`].
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`UnknownField`](crate::ErrorKind::UnknownField) if there is no field of that name, or
    /// [`DTypeMismatch`](crate::ErrorKind::DTypeMismatch) if the field has another dtype than `F`.
    pub fn field<F: Element>(&self, path: &str) -> Result<ArrayView<'_, F>>
    where
        T: Element,
        ReadOnly: Stable<T> + Stable<F>,
    {
        self.view().field(path).map_err(|error| error.in_file(self.path()))
    }

    /// Returns a read-only view of several fields of every record, as records of a smaller type: NumPy's
    /// `arr[["a", "c"]]`. See [`ArrayView::fields`].
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`UnknownField`](crate::ErrorKind::UnknownField) if `T` lacks a field of `R`, or
    /// [`DTypeMismatch`](crate::ErrorKind::DTypeMismatch) if a field has another dtype or position, or if `R` is not a
    /// record.
    pub fn fields<R: Element>(&self) -> Result<ArrayView<'_, R>>
    where
        T: Element,
        ReadOnly: Stable<T> + Stable<R>,
    {
        self.view().fields().map_err(|error| error.in_file(self.path()))
    }

    /// Converts the array into an array of another element type over the same bytes: NumPy's `arr.view(dtype)`, owned.
    ///
    /// The rules of [`ArrayView::view_as`] apply. In addition, the elements must be aligned for the new type and, if
    /// the element size changes, in C order. Otherwise, use `view().view_as()`.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`SizeMismatch`](crate::ErrorKind::SizeMismatch),
    /// [`NotContiguous`](crate::ErrorKind::NotContiguous) or [`Misaligned`](crate::ErrorKind::Misaligned) if these
    /// conditions are not met. The error contains the array.
    ///
    /// ```
    /// let mut words = mmap_array::MmapArrayMut::<u32>::anonymous([2, 3])?;
    /// words[0] = 0x3f80_0000;
    /// let floats = words.cast::<f32>()?;
    /// assert_eq!(floats[[0, 0]], 1.0);
    /// assert_eq!(floats.cast::<[f32; 3]>()?.shape(), [2, 1]);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn cast<U>(self) -> Result<MmapArray<U, A>, ArrayError<Self>>
    where
        A: Stable<T> + Stable<U>,
    {
        const { assert_mappable::<U>() }
        match self.dims_as::<U>() {
            Ok((dims, order)) => Ok(MmapArray::of_region(self.region, dims, order)),
            Err(error) => Err(ArrayError::new(error.in_file(self.path()), self)),
        }
    }

    /// Returns the shape and order of the same bytes as elements of another type, after checking that they are valid
    /// for it.
    fn dims_as<U>(&self) -> Result<(Dims, Order)> {
        let size = size_of::<T>();
        let raw = RawView::contiguous(Addr::of(self.ptr.as_ptr()), &self.dims, self.order, size);
        let raw = raw.reinterpret(size, size_of::<U>(), &short_type_name::<U>())?;
        let order = if size_of::<T>() == size_of::<U>() {
            self.order
        } else if raw.axes.is_contiguous(size_of::<U>()) {
            Order::C
        } else {
            let text = format!("{} has no contiguous rows to cast; use `view().view_as()`", raw.describe());
            return Err(Reason::NotContiguous(text).error());
        };
        align::check_alignment::<U>(self.region.offset(), self.region.len() as u64)?;
        Ok((Dims::new(raw.axes.lens())?, order))
    }
}

impl<T, A: Exclusive<T>> MmapArray<T, A> {
    /// Returns the bytes of all elements, in storage order.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        // SAFETY: the bytes of a slice of elements, borrowed as it is; an element that can be written has no padding
        // (`A: Exclusive<T>`), so all of them are initialized.
        unsafe { slice::from_raw_parts(self.ptr.as_ptr().cast(), size_of_val(&self[..])) }
    }
}

impl<T, A: Stable<T>> Deref for MmapArray<T, A> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: `from_region` has checked the pointer and the length: `len` initialized, aligned elements in a live
        // map, of a type that takes any bits (`A: Stable<T>`). They do not change while `self` is borrowed, by the
        // contract under which the array was made.
        unsafe { slice::from_raw_parts(self.ptr.as_ptr(), self.len) }
    }
}

impl<T, A: Exclusive<T>> DerefMut for MmapArray<T, A> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as for `deref`; `Exclusive` modes map the bytes writable, and no other array has them.
        unsafe { slice::from_raw_parts_mut(self.ptr.as_ptr(), self.len) }
    }
}

impl<T, A: Stable<T>> AsRef<[T]> for MmapArray<T, A> {
    fn as_ref(&self) -> &[T] {
        self
    }
}

/// Borrows the elements in storage order.
///
/// Two arrays are equal only if their shapes are equal too. Slices have no shape, so arrays of several axes may differ
/// and still be equal when borrowed.
///
/// ```
/// let parts = [1, 2].map(|len| mmap_array::MmapArrayMut::<u8>::anonymous(len));
/// let parts: Vec<_> = parts.into_iter().collect::<Result<_, _>>()?;
/// assert_eq!(parts.concat(), [0; 3]);
/// # Ok::<(), mmap_array::Error>(())
/// ```
impl<T, A: Stable<T>> Borrow<[T]> for MmapArray<T, A> {
    fn borrow(&self) -> &[T] {
        self
    }
}

impl<T, A: Exclusive<T>> AsMut<[T]> for MmapArray<T, A> {
    fn as_mut(&mut self) -> &mut [T] {
        self
    }
}

impl<'a, T, A: Stable<T>> IntoIterator for &'a MmapArray<T, A> {
    type Item = &'a T;
    type IntoIter = slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, T, A: Exclusive<T>> IntoIterator for &'a mut MmapArray<T, A> {
    type Item = &'a mut T;
    type IntoIter = slice::IterMut<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

/// Compares shapes and the elements at each index, regardless of the storage orders.
impl<T, U, A, B> PartialEq<MmapArray<U, B>> for MmapArray<T, A>
where
    T: PartialEq<U>,
    A: Stable<T>,
    B: Stable<U>,
    ReadOnly: Stable<T> + Stable<U>,
{
    fn eq(&self, other: &MmapArray<U, B>) -> bool {
        self.view() == other.view()
    }
}

impl<T: Eq, A: Stable<T>> Eq for MmapArray<T, A> where ReadOnly: Stable<T> {}

impl<T> Clone for MmapArray<T, ReadOnly> {
    /// Returns another owner of the same mapping. Nothing is copied or mapped again.
    fn clone(&self) -> Self {
        Self { region: self.region.clone(), dims: self.dims.clone(), marker: PhantomData, ..*self }
    }
}

impl<T, A: Exclusive<T>> MmapArray<T, A> {
    /// Converts the array into a read-only array of the same elements, which can be cloned. Elements that were written
    /// stay written: in the file or, for copy-on-write arrays, in memory.
    ///
    /// ```
    /// let mut counts = mmap_array::MmapArrayMut::<u32>::anonymous(3)?;
    /// counts[1] = 7;
    /// let counts = counts.freeze();
    /// let other = counts.clone();
    /// std::thread::spawn(move || assert_eq!(other[1], 7)).join().unwrap();
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[must_use]
    pub fn freeze(self) -> MmapArray<T> {
        let Self { region, ptr, len, dims, order, .. } = self;
        MmapArray { region, ptr, len, dims, order, marker: PhantomData }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::CopyOnWrite;

    #[test]
    fn arrays_cross_threads_with_their_elements() {
        fn check<T: Send + Sync + 'static>() {}
        check::<MmapArray<f64>>();
        check::<MmapArrayMut<[u8; 3]>>();
        check::<MmapArray<u16, CopyOnWrite>>();
    }
}
