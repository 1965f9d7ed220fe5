//! A portion of a file as an array: typed elements, a shape, and the map that they live in.
//!
//! memmap2 maps bytes and bytemuck casts them; what is left to every program is the bookkeeping between: that the
//! offset may be any byte, that the shape must fit the file, that the type must fit the address, who may write, and
//! what happens to two windows of one map. This module does that bookkeeping once, so that an array can be used like a
//! slice that somebody has shaped. Formats stand above it and only say where the elements are.

mod align;
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
pub mod shared;
pub(crate) mod source;
mod window;

pub use crate::error::{ArrayError, PersistError};
pub use crate::region::Advice;
pub use create::CreateOptions;
pub use elements::{Elements, Strided, Typed};
pub use format::{Format, NewFormat, Raw};
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

/// A file, or a portion of one, as a typed and shaped array that is mapped and never loaded: `numpy.memmap`. Or a copy in
/// memory, or a file of its own: whatever has elements that nobody else changes, so that they can be borrowed. Of a file
/// that others may write or cut there is a [`SharedArray`].
///
/// `T` is the element type: a number, an array, or a record, whose bytes are the file's. `A` says what may be done with
/// it: [`ReadOnly`], [`ReadWrite`] ([`MmapArrayMut`] for short) or [`CopyOnWrite`](crate::access::CopyOnWrite). Opening
/// costs a few system calls and no memory, whatever the size; pages come in as they are touched. An array is `Send` and
/// `Sync` where its elements are both.
///
/// **The array is a slice, its [`view`](Self::view) knows the shape.** The array dereferences to the slice `[T]` of all
/// its elements in storage order: `array.len()`, `array[i]`, `array[2..5]`, `array.iter()` and `array.to_vec()` are
/// that slice's, also where there are several axes, and in Fortran order they go column by column. `array[[i, j]]`
/// takes one number per axis. Rows, columns, sums and everything else that knows of the shape is the view's, which
/// always goes in C order.
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
/// A map is a view of the file itself. Whoever opens one as an array promises, for as long as the array or a part or
/// clone of it lives:
///
/// 1. **Nobody else writes the mapped elements**: no other program, no other array of this program, no `write` call. A
///    reference to elements that change under it is undefined behaviour. Bytes of the file that are not elements of the
///    array may change: other windows may be written meanwhile. Others may read the elements of an array that you
///    write by system calls, or in another program through a map of which they hold no references, if they can live
///    with what is half written. In this program nobody reads them through any other map while they are borrowed
///    mutably.
/// 2. **Nobody makes the file shorter than the end of the elements**. Touching a page behind the end of a file stops the
///    program (`SIGBUS`, on Windows an exception).
///
/// That is the contract of every `unsafe fn` of this crate that opens or creates a file. Where it cannot be broken
/// there is no `unsafe`: [`anonymous`](MmapArrayMut::anonymous) memory, [`scratch`](MmapArrayMut::scratch) files
/// without a name, files that the operating system keeps from changing ([`open_sealed`](Options::open_sealed)), and
/// what a file holds now, on file systems that can keep it ([`open_snapshot`](Options::open_snapshot)). A file of which
/// nothing can be promised is opened by [`open_shared`](Options::open_shared), which gives no references.
pub struct MmapArray<T, A = ReadOnly> {
    region: Region,
    /// The first of the region's elements; dangling where there are none.
    ptr: NonNull<T>,
    len: usize,
    dims: Dims,
    order: Order,
    marker: PhantomData<(T, A)>,
}

/// An array whose elements can be written, and are written to its file, where it has one.
pub type MmapArrayMut<T> = MmapArray<T, ReadWrite>;

// SAFETY: an array is a slice of its elements, shared with clones where it is read-only, so it may go where `Arc<[T]>`
// may; the map it keeps is `Send` and `Sync`, and parts of one map never overlap where they can be written.
unsafe impl<T: Send + Sync, A> Send for MmapArray<T, A> {}
// SAFETY: as above; a shared array gives out `&[T]` and `&` of the map.
unsafe impl<T: Send + Sync, A> Sync for MmapArray<T, A> {}

impl<T, A> MmapArray<T, A> {
    /// An array over a region that was mapped for `dims`, which have passed `checked_len`.
    pub(crate) fn from_region(region: Region, dims: Dims, order: Order) -> Result<Self> {
        align::check_alignment::<T>(region.offset(), region.len() as u64)
            .map_err(|error| error.in_file(region.path()))?;
        Ok(Self::of_region(region, dims, order))
    }

    /// An array of a region in which elements of the type can live, and of which they are all the bytes.
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

    /// The number of elements along each axis.
    #[inline]
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.dims
    }

    /// The number of axes; a 0-d array has none, and one element.
    #[inline]
    #[must_use]
    pub fn ndim(&self) -> usize {
        self.dims.len()
    }

    /// The order in which the elements follow one another in the file.
    #[inline]
    #[must_use]
    pub fn order(&self) -> Order {
        self.order
    }

    /// Where the first element lies in the file, in bytes from its start: `memmap.offset`. 0 for memory.
    #[must_use]
    pub fn byte_offset(&self) -> u64 {
        self.region.offset()
    }

    /// The file's path as it was given: `memmap.filename`. `None` for memory, scratch files, and files passed in open.
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

    /// A read-only view of all elements, in which everything that knows of the shape is found.
    #[must_use]
    #[inline]
    pub fn view(&self) -> ArrayView<'_, T> {
        // SAFETY: the region's bytes are initialised, being a file's or zeros or written from values without padding;
        // nobody writes them while `self` is borrowed, by the contract under which the array was made.
        unsafe { ArrayView::contiguous(Addr::of(self.ptr.as_ptr()), &self.dims, self.order, size_of::<T>()) }
    }

    /// A writable view of all elements.
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

    /// Returns an iterator of references to the elements in storage order, that of the file: [`slice::iter`]. The
    /// [`view`](Self::view)'s goes in C order, by value.
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

    /// Returns the elements of a range along the first axis, to read: NumPy's `arr[2:5]`. The same as
    /// `view().rows(range)`.
    ///
    /// [`into_rows`](Self::into_rows) makes an array of them that needs no other.
    ///
    /// # Panics
    ///
    /// If the array is 0-d or the range is outside its first axis.
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

    /// One field of every record, to read: `view().project(field)`, NumPy's `arr["r"]`. See [`ArrayView::project`]; to
    /// write it, `view_mut().project(field)`.
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

    /// One field of every record, by its name: NumPy's `arr["r"]`. See [`ArrayView::field`].
    ///
    /// # Errors
    ///
    /// [`UnknownField`](crate::ErrorKind::UnknownField), [`DTypeMismatch`](crate::ErrorKind::DTypeMismatch).
    pub fn field<F: Element>(&self, path: &str) -> Result<ArrayView<'_, F>>
    where
        T: Element,
        ReadOnly: Stable<T> + Stable<F>,
    {
        self.view().field(path).map_err(|error| error.in_file(self.path()))
    }

    /// Several fields of every record, as records of a smaller type: NumPy's `arr[["a", "c"]]`. See
    /// [`ArrayView::fields`].
    ///
    /// # Errors
    ///
    /// [`UnknownField`](crate::ErrorKind::UnknownField), [`DTypeMismatch`](crate::ErrorKind::DTypeMismatch).
    pub fn fields<R: Element>(&self) -> Result<ArrayView<'_, R>>
    where
        T: Element,
        ReadOnly: Stable<T> + Stable<R>,
    {
        self.view().fields().map_err(|error| error.in_file(self.path()))
    }

    /// Turns the array into one of the same bytes as elements of another type: NumPy's `arr.view(dtype)`, owned.
    ///
    /// The rules are those of [`ArrayView::view_as`], and the elements must lie at the new type's alignment and, where
    /// the size changes, in C order. Use `view().view_as()` where they do not.
    ///
    /// # Errors
    ///
    /// [`SizeMismatch`](crate::ErrorKind::SizeMismatch), [`NotContiguous`](crate::ErrorKind::NotContiguous) or
    /// [`Misaligned`](crate::ErrorKind::Misaligned). The array comes back with the error.
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

    /// The shape and order of the same bytes as elements of another type, which can live where they are.
    fn dims_as<U>(&self) -> Result<(Dims, Order)> {
        let size = size_of::<T>();
        let raw = RawView::contiguous(Addr::of(self.ptr.as_ptr()), &self.dims, self.order, size);
        let raw = raw.reinterpret(size, size_of::<U>(), &short_type_name::<U>())?;
        let order = if size_of::<T>() == size_of::<U>() {
            self.order
        } else if raw.axes.is_contiguous(size_of::<U>()) {
            Order::C
        } else {
            let text = format!("{} in Fortran order has no contiguous rows to cast", raw.describe());
            return Err(Reason::NotContiguous(text).error());
        };
        align::check_alignment::<U>(self.region.offset(), self.region.len() as u64)?;
        Ok((Dims::new(raw.axes.lens())?, order))
    }
}

impl<T, A: Exclusive<T>> MmapArray<T, A> {
    /// The bytes of all elements, in the order in which they lie.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        // SAFETY: the bytes of a slice of elements, borrowed as it is; an element that can be written has no padding
        // (`A: Exclusive<T>`), so all of them are initialised.
        unsafe { slice::from_raw_parts(self.ptr.as_ptr().cast(), size_of_val(&self[..])) }
    }
}

impl<T, A: Stable<T>> Deref for MmapArray<T, A> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: `from_region` has checked the pointer and the length: `len` initialised, aligned elements in a live
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

/// The elements in storage order. Arrays are equal where their shapes are, too; slices have none, so arrays of several
/// axes that differ may be equal when borrowed.
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

/// Equal shapes and equal elements at each index, whatever the orders.
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
    /// Another owner of the same map: nothing is copied or mapped anew.
    fn clone(&self) -> Self {
        Self { region: self.region.clone(), dims: self.dims.clone(), marker: PhantomData, ..*self }
    }
}

impl<T, A: Exclusive<T>> MmapArray<T, A> {
    /// Gives up writing: a read-only array of the same elements, which can be cloned. What was written stays written,
    /// in the file or, copied on write, in memory.
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
