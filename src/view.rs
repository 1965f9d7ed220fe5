//! Strided views of borrowed elements.
//!
//! A field of packed records can have a stride that is not a multiple of its size and an address that is not aligned
//! for its type, so neither a slice nor an array with strides counted in elements can represent it. A view therefore
//! counts strides in bytes, and loads and stores elements by value, since a reference to an unaligned field cannot
//! exist. Slicing, transposing and reinterpreting a view only change its pointer and its axes. Elements are copied only
//! by methods such as [`to_vec`](ArrayView::to_vec).

mod along;
pub(crate) mod blocks;
mod by_axis;
pub(crate) mod convert;
mod decode;
pub(crate) mod display;
mod iter;
pub(crate) mod named;
#[cfg(feature = "rayon")]
mod parallel;
pub(crate) mod ragged;
mod raw;
pub(crate) mod reduce;
mod reduction;
mod retype;
mod runs;
pub(crate) mod shaping;
mod slice;
mod statistics;
pub(crate) mod wide;
mod write;

pub use crate::field::Field;
pub use crate::shape::{IntoShape, MAX_NDIM, NdIndex};
pub use by_axis::Reduced;
pub(crate) use convert::With;
pub use display::Display;
pub use iter::Iter;
pub use ragged::{Offset, Ragged, Rows};
pub(crate) use raw::{RawView, resolve};
pub use shaping::AxisIter;
pub use slice::{AxisSlice, Slices};

use crate::access::{Addr, Aliasing, Load, Mode, ReadOnly, ReadWrite, Reading, Stable, assert_mappable};
use crate::error::{Error, Result};
use crate::shape::{Axes, Dims, Order};
use bytemuck::{AnyBitPattern, NoUninit};
use runs::{Run, Runs};
use std::marker::PhantomData;

/// A shaped, strided view of borrowed elements of type `T`, which belong to a mapped array or a slice.
///
/// Each axis has a length ([`shape`](Self::shape)) and a stride in bytes ([`strides`](Self::strides)). An index has one
/// number per axis, and the element there is loaded by value, at any alignment. Iteration, copies and comparisons go in
/// C order (the last index varies fastest), whatever the order in memory.
///
/// `ArrayView<'a, T>` is read-only. It can be cloned, and the methods that slice, transpose or reinterpret it take
/// `&self` and return another view with the same lifetime; this copies a few words.
/// [`ArrayViewMut<'a, T>`](ArrayViewMut) is the same type for writing, and is exclusive: these methods consume it, and
/// [`reborrow`](ArrayViewMut::reborrow) lends it for a shorter time. As in NumPy, slicing, transposing and
/// reinterpreting do not copy elements.
///
/// Views of arrays that others may change have the mode [`Shared`](crate::access::Shared) or
/// [`SharedMut`](crate::access::SharedMut): see [`SharedArray`](crate::SharedArray). They cannot be borrowed as slices,
/// and there may be several writable ones of the same elements.
///
/// A view is `Send` and `Sync` if `T` is both.
///
/// ```
/// use mmap_array::{field, ArrayView};
/// # use bytemuck::{Pod, Zeroable};
/// #[derive(Clone, Copy, Zeroable, Pod)]
/// #[repr(C)]
/// struct Rgba { r: u8, g: u8, b: u8, a: u8 }
///
/// let pixels = [Rgba { r: 10, g: 20, b: 30, a: 255 }, Rgba { r: 40, g: 50, b: 60, a: 255 }];
/// let image = ArrayView::from_slice(&pixels, [1, 2])?;
/// let green = image.project(field!(Rgba, g));
/// assert_eq!(green.shape(), [1, 2]);
/// assert_eq!(green.strides(), [8, 4]);
/// assert_eq!(green.to_vec(), [20, 50]);
/// assert_eq!(image.view_as::<[u8; 2]>()?.shape(), [1, 4]);
/// # Ok::<(), mmap_array::Error>(())
/// ```
pub struct ArrayView<'a, T, A = ReadOnly> {
    raw: RawView,
    marker: PhantomData<(&'a T, A)>,
}

/// A view that can also write its elements. See [`ArrayView`].
pub type ArrayViewMut<'a, T> = ArrayView<'a, T, ReadWrite>;

impl<T, A: Aliasing> Clone for ArrayView<'_, T, A> {
    fn clone(&self) -> Self {
        Self { raw: self.raw.clone(), marker: PhantomData }
    }
}

// SAFETY: a view is a borrow of elements, shared or exclusive, and may go where `&T` and `&mut T` both may.
unsafe impl<T: Send + Sync, A> Send for ArrayView<'_, T, A> {}
// SAFETY: a shared view only reads, as `&T` does. That of a `SharedMut` array also stores, by instructions that others'
// loads and stores may meet: to memory that is no part of Rust's (see `access::words`).
unsafe impl<T: Send + Sync, A> Sync for ArrayView<'_, T, A> {}

impl<'a, T> ArrayView<'a, T, ReadOnly> {
    /// Creates a view of a slice, in C order. One axis of `shape` may be `None`: its length is inferred from the number
    /// of elements.
    ///
    /// `T` must not have padding, unlike the elements of a mapped file: padding in the program's own memory may be
    /// uninitialized, and [`view_as`](Self::view_as) would read it.
    ///
    /// # Errors
    ///
    /// [`Shape`](crate::ErrorKind::Shape) if the slice does not have as many elements as the shape.
    ///
    /// ```
    /// let view = mmap_array::ArrayView::from_slice(&[1, 2, 3, 4, 5, 6], [2, 3])?;
    /// assert_eq!(view.at([1, 0]), 4);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn from_slice(slice: &'a [T], shape: impl IntoShape) -> Result<Self>
    where
        T: AnyBitPattern + NoUninit,
    {
        // SAFETY: a slice's elements are initialized, without padding, and borrowed for 'a.
        Ok(unsafe { Self::from_raw(RawView::of_elements::<T>(slice.as_ptr(), slice.len(), shape)?) })
    }
}

impl<'a, T> ArrayViewMut<'a, T> {
    /// Creates a writable view of a slice, in C order. One axis of `shape` may be `None`: its length is inferred from
    /// the number of elements.
    ///
    /// # Errors
    ///
    /// [`Shape`](crate::ErrorKind::Shape) if the slice does not have as many elements as the shape.
    ///
    /// ```
    /// let mut data = [0; 6];
    /// mmap_array::ArrayViewMut::from_slice_mut(&mut data, [2, 3])?.index_axis(1, 2).fill(7);
    /// assert_eq!(data, [0, 0, 7, 0, 0, 7]);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn from_slice_mut(slice: &'a mut [T], shape: impl IntoShape) -> Result<Self>
    where
        T: AnyBitPattern + NoUninit,
    {
        // SAFETY: a slice's elements are initialized, without padding, and borrowed exclusively for 'a.
        Ok(unsafe { Self::from_raw(RawView::of_elements::<T>(slice.as_mut_ptr(), slice.len(), shape)?) })
    }
}

impl RawView {
    /// Creates a view with one axis of a slice's elements.
    #[inline]
    fn of_slice<T>(ptr: *const T, len: usize) -> Self {
        const { assert_mappable::<T>() }
        // Its bytes fit the address space.
        Self { ptr: Addr::of(ptr), axes: Axes::one(len, size_of::<T>() as isize) }
    }

    fn of_elements<T>(ptr: *const T, len: usize, shape: impl IntoShape) -> Result<Self> {
        Self::of_slice(ptr, len).reshape(shape, size_of::<T>())
    }
}

impl<'a, T, A> ArrayView<'a, T, A> {
    /// Creates a view from its untyped parts.
    ///
    /// # Safety
    ///
    /// For the lifetime `'a`, every element of `raw` must be `size_of::<T>()` initialized bytes. If `A` is [`Stable`],
    /// nobody else may write them; if it is [`Store`](crate::access::Store), they must be writable; if it is
    /// [`Exclusive`](crate::access::Exclusive), nobody else may read them either.
    #[inline]
    pub(crate) unsafe fn from_raw(raw: RawView) -> Self {
        Self { raw, marker: PhantomData }
    }

    /// Creates a view of contiguous elements of `size` bytes that begin at `ptr`. A `T` may be only the beginning of
    /// each.
    ///
    /// # Safety
    ///
    /// The contract of [`from_raw`](Self::from_raw) must hold for the result of [`RawView::contiguous`].
    #[inline]
    pub(crate) unsafe fn contiguous(ptr: Addr, dims: &Dims, order: Order, size: usize) -> Self {
        #[inline(never)]
        fn many(ptr: Addr, dims: &Dims, order: Order, size: usize) -> RawView {
            RawView::contiguous(ptr, dims, order, size)
        }
        // Each in its place at once: a view is much to copy for a few elements.
        match dims[..] {
            [len] => Self { raw: RawView { ptr, axes: Axes::one(len, size as isize) }, marker: PhantomData },
            _ => Self { raw: many(ptr, dims, order, size), marker: PhantomData },
        }
    }

    /// Returns the number of elements along each axis.
    #[inline]
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        self.raw.axes.lens()
    }

    /// Returns the distance in bytes between consecutive elements along each axis. NumPy: `arr.strides`. An axis of
    /// length 0 or 1 may have any stride.
    #[inline]
    #[must_use]
    pub fn strides(&self) -> &[isize] {
        self.raw.axes.strides()
    }

    /// Returns the number of axes. A 0-d view has no axes and one element.
    #[inline]
    #[must_use]
    pub fn ndim(&self) -> usize {
        self.raw.axes.ndim()
    }

    /// Returns the number of elements, which is the product of the shape.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.raw.axes.len()
    }

    /// Returns `true` if the view has no elements.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shape().contains(&0)
    }

    /// Returns a read-only view of the same elements, which borrows this one.
    ///
    /// ```
    /// let mut data = [1, 2, 3];
    /// let mut view = mmap_array::ArrayViewMut::from_slice_mut(&mut data, 3)?;
    /// let sum = view.view().sum();
    /// view.set([0], sum as i32);
    /// assert_eq!(data, [6, 2, 3]);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[inline]
    #[must_use]
    pub fn view(&self) -> ArrayView<'_, T, A::Reading>
    where
        A: Mode,
    {
        ArrayView { raw: self.raw.clone(), marker: PhantomData }
    }

    #[cold]
    #[track_caller]
    pub(crate) fn outside(&self, index: impl NdIndex) -> ! {
        let index = index.with_index(<[usize]>::to_vec);
        panic!("{}", outside_text(&index, self.shape(), "a view"))
    }

    /// Returns the address of an element.
    #[inline(always)]
    #[track_caller]
    fn address(&self, index: impl NdIndex) -> Addr {
        match index.with_index(|index| self.raw.at(index)) {
            Some(address) => address,
            None => self.outside(index),
        }
    }
}

impl<'a, T, A: Load<T>> ArrayView<'a, T, A> {
    /// Returns the element at an index, by value. The index has one number per axis: `view.at([i, j])`, or `view.at(i)`
    /// for one axis and `view.at(())` for none.
    ///
    /// # Panics
    ///
    /// Panics if the index is out of bounds or has the wrong number of axes. [`get`](Self::get) returns `None` instead.
    ///
    /// ```
    /// let view = mmap_array::ArrayView::from_slice(&[1, 2, 3, 4, 5, 6], [2, 3])?;
    /// assert_eq!(view.at([1, 2]), 6);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[inline]
    #[must_use]
    #[track_caller]
    pub fn at(&self, index: impl NdIndex) -> T {
        // SAFETY: `address` gives only elements of the view, which are initialized, and stay as they are where the mode
        // keeps them so, by the contract of `from_raw`.
        unsafe { A::load(self.address(index)) }
    }

    /// Returns the element at an index, by value, or `None` if [`at`](Self::at) would panic.
    ///
    /// ```
    /// let view = mmap_array::ArrayView::from_slice(&[1, 2, 3, 4, 5, 6], [2, 3])?;
    /// assert_eq!(view.get([0, 1]), Some(2));
    /// assert_eq!(view.get([2, 0]), None);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[inline]
    #[must_use]
    pub fn get(&self, index: impl NdIndex) -> Option<T> {
        let address = index.with_index(|index| self.raw.at(index))?;
        // SAFETY: the address is an element's of the view, initialized by the contract of `from_raw`.
        Some(unsafe { A::load(address) })
    }

    /// Returns a double-ended iterator over the elements by value, in C order, whatever the order in memory.
    ///
    /// Its `for_each`, `fold` and `sum` run as fast as a hand-written loop over the same memory. The iterator borrows
    /// this view. To iterate for as long as the elements are borrowed, call `into_iter` on a read-only view.
    ///
    /// ```
    /// let view = mmap_array::ArrayView::from_slice(&[1, 2, 3, 4, 5, 6], [2, 3])?;
    /// assert!(view.t().iter().eq([1, 4, 2, 5, 3, 6]));
    /// assert_eq!(view.iter().rev().next(), Some(6));
    /// assert_eq!(view.iter().len(), 6);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[inline]
    #[must_use]
    pub fn iter(&self) -> Iter<'_, T, A> {
        // SAFETY: the elements are initialized by the contract of `from_raw`, and the borrow keeps them from being
        // written while the iterator lives.
        unsafe { Iter::new(&self.raw) }
    }

    /// Returns `true` if the elements are contiguous in C order.
    #[must_use]
    pub fn is_contiguous(&self) -> bool {
        self.raw.axes.is_contiguous(size_of::<T>())
    }

    /// Returns the elements as a slice, or `None` if they are not contiguous in C order or not aligned for `T`.
    #[must_use]
    pub fn as_slice(&self) -> Option<&[T]>
    where
        A: Stable<T>,
    {
        let (addr, len) = self.slice_parts()?;
        // SAFETY: `slice_parts` has found the elements aligned and contiguous; they are initialized and, the mode being
        // `Stable`, not written while the view is borrowed, by the contract of `from_raw`.
        Some(unsafe { std::slice::from_raw_parts(A::pointer(addr), len) })
    }

    /// Returns the address and the length of the elements as a slice, if they can be one.
    fn slice_parts(&self) -> Option<(Addr, usize)> {
        if self.is_empty() {
            return Some((Addr::of(std::ptr::dangling::<T>()), 0));
        }
        (self.is_contiguous() && self.raw.ptr.is_aligned_for::<T>()).then(|| (self.raw.ptr, self.len()))
    }

    /// Calls `f` with the bytes of the elements, in C order, in chunks of whole elements and about `most` bytes.
    pub(crate) fn for_each_chunk<E>(&self, most: usize, mut f: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let size = size_of::<T>();
        let mut buffer: Vec<u8> = Vec::new();
        let mut runs = Runs::new(&self.raw);
        while let Some(run) = runs.next() {
            let mut start = 0;
            while start < run.len {
                // Up to the buffer's rest; at least one element, which may be larger than all of it.
                let count = ((most.saturating_sub(buffer.len())) / size).clamp(1, run.len - start);
                buffer.reserve(count * size);
                let part = Run { ptr: run.at(start), len: count, stride: run.stride };
                // SAFETY: the part's elements are the view's, and the buffer has room for them behind its bytes.
                unsafe { load_bytes::<T, A>(part, buffer.as_mut_ptr().wrapping_add(buffer.len()).cast()) };
                // SAFETY: `load_bytes` has filled them, copying bytes that are all initialized.
                unsafe { buffer.set_len(buffer.len() + count * size) };
                start += count;
                if buffer.len() + size > most {
                    f(&buffer)?;
                    buffer.clear();
                }
            }
        }
        if buffer.is_empty() { Ok(()) } else { f(&buffer) }
    }
}

/// Copies the elements of a run, including their padding, to contiguous memory of any alignment.
///
/// # Safety
///
/// The run's elements must be valid to load through `A`. `target` must be valid for writes of as many elements and must
/// not overlap them.
unsafe fn load_bytes<T, A: Load<T>>(run: Run, target: *mut T) {
    // A few elements are copied sooner than a function for it is called.
    if run.stride == size_of::<T>() as isize && run.len >= 8 {
        // SAFETY: the elements lie one after another, valid on both sides by this function's contract.
        return unsafe { A::load_run(run.ptr, target, run.len) };
    }
    run.fold::<T, _>(target, |target, source| {
        // SAFETY: one element of the run's, and its place in the target, by this function's contract.
        unsafe { A::load_run(source, target, 1) };
        target.wrapping_add(1)
    });
}

impl<'a, T> ArrayView<'a, T>
where
    ReadOnly: Stable<T>,
{
    /// Returns the elements as a slice that lives as long as they are borrowed, or `None` in the cases of
    /// [`as_slice`](Self::as_slice).
    ///
    /// ```
    /// use mmap_array::MmapArray;
    /// fn second_row(array: &MmapArray<f32>) -> Option<&[f32]> {
    ///     array.view().index_axis(0, 1).into_slice()
    /// }
    /// ```
    #[must_use]
    pub fn into_slice(self) -> Option<&'a [T]> {
        let (addr, len) = self.slice_parts()?;
        let ptr = <ReadOnly as Stable<T>>::pointer(addr);
        // SAFETY: as for `as_slice`; the elements are not written for 'a, by the contract of `from_raw`.
        Some(unsafe { std::slice::from_raw_parts(ptr, len) })
    }
}

impl<'a, T, A: Reading + Load<T>> IntoIterator for ArrayView<'a, T, A> {
    type Item = T;
    type IntoIter = Iter<'a, T, A>;

    fn into_iter(self) -> Self::IntoIter {
        // SAFETY: the elements are the view's for 'a, by the contract of `from_raw`, and the mode only reads.
        unsafe { Iter::new(&self.raw) }
    }
}

impl<'v, T, A: Load<T>> IntoIterator for &'v ArrayView<'_, T, A> {
    type Item = T;
    type IntoIter = Iter<'v, T, A>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Creates a view with one axis of a slice, an array or a `Vec`. `T` must not have padding: see
/// [`from_slice`](ArrayView::from_slice).
///
/// ```
/// use mmap_array::{ArrayView, ArrayViewMut};
/// let mut data = vec![1, 2, 3];
/// ArrayViewMut::from(&mut data).map_in_place(|x| x * 2);
/// assert_eq!(ArrayView::from(&data), [2, 4, 6]);
/// ```
impl<'a, T: AnyBitPattern + NoUninit> From<&'a [T]> for ArrayView<'a, T> {
    #[inline]
    fn from(slice: &'a [T]) -> Self {
        // SAFETY: a slice's elements are initialized, without padding, and borrowed for 'a.
        unsafe { Self::from_raw(RawView::of_slice(slice.as_ptr(), slice.len())) }
    }
}

/// Creates a writable view with one axis of a slice, an array or a `Vec`.
impl<'a, T: AnyBitPattern + NoUninit> From<&'a mut [T]> for ArrayViewMut<'a, T> {
    #[inline]
    fn from(slice: &'a mut [T]) -> Self {
        // SAFETY: a slice's elements are initialized, without padding, and borrowed exclusively for 'a.
        unsafe { Self::from_raw(RawView::of_slice(slice.as_mut_ptr(), slice.len())) }
    }
}

macro_rules! one_axis {
    ($($Container:ty $(, $N:ident)?;)*) => {$(
        impl<'a, T: AnyBitPattern + NoUninit $(, const $N: usize)?> From<&'a $Container> for ArrayView<'a, T> {
            #[inline]
            fn from(elements: &'a $Container) -> Self {
                Self::from(&elements[..])
            }
        }

        impl<'a, T: AnyBitPattern + NoUninit $(, const $N: usize)?> From<&'a mut $Container> for ArrayViewMut<'a, T> {
            #[inline]
            fn from(elements: &'a mut $Container) -> Self {
                Self::from(&mut elements[..])
            }
        }
    )*};
}
one_axis!([T; N], N; Vec<T>;);

/// Implements equality with slices, arrays and `Vec`s, in both directions.
macro_rules! equal {
    ($($Container:ty $(, $N:ident)?;)*) => {$(
        /// Equal if the view has one axis, the lengths are equal, and the elements are equal.
        impl<T, U, A $(, const $N: usize)?> PartialEq<$Container> for ArrayView<'_, T, A>
        where
            T: PartialEq<U>,
            A: Load<T>,
        {
            fn eq(&self, other: &$Container) -> bool {
                self.shape() == [other.len()] && self.iter().zip(other.iter()).all(|(left, right)| left == *right)
            }
        }

        /// Equal if the view has one axis, the lengths are equal, and the elements are equal.
        impl<T, U, A $(, const $N: usize)?> PartialEq<ArrayView<'_, T, A>> for $Container
        where
            U: PartialEq<T>,
            A: Load<T>,
        {
            fn eq(&self, other: &ArrayView<'_, T, A>) -> bool {
                other.shape() == [self.len()] && self.iter().zip(other).all(|(left, right)| *left == right)
            }
        }
    )*};
}
equal!([U]; &[U]; &mut [U]; [U; N], N; &[U; N], N; Vec<U>;);

/// Equal if the shapes are equal and the elements are equal.
impl<T, U, A, B> PartialEq<ArrayView<'_, U, B>> for ArrayView<'_, T, A>
where
    T: PartialEq<U>,
    A: Load<T>,
    B: Load<U>,
{
    fn eq(&self, other: &ArrayView<'_, U, B>) -> bool {
        self.shape() == other.shape() && self.iter().zip(other).all(|(left, right)| left == right)
    }
}

impl<T: Eq, A: Load<T>> Eq for ArrayView<'_, T, A> {}

/// Returns the error text for an index that finds no element.
pub(crate) fn outside_text(index: &[usize], shape: &[usize], what: &str) -> String {
    if index.len() == shape.len() {
        return format!("index {index:?} is outside {what} of shape {shape:?}");
    }
    format!("index {index:?} has {} numbers, but {what} of shape {shape:?} has {} axes", index.len(), shape.len())
}

/// Resolves a range of rows, for an array that has `len` of them.
pub(crate) fn row_range(range: &impl std::ops::RangeBounds<usize>, len: usize) -> Result<std::ops::Range<usize>> {
    resolve(range, len).map_err(|error| Error::out_of_range(format!("rows: {error}")))
}
