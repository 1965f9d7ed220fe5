//! Slicing and transposing views of every kind, implemented once, on the address, the axes and the strides that all of
//! them have.
//!
//! There may be many read-only views of the same elements, so their methods take `&self` and return another view with
//! the same lifetime. There may be only one writable view, so its methods consume it. This is the only difference, and
//! an argument of [`shaping`].

use super::{ArrayView, RawView};
use crate::access::{Aliasing, Load, Mode, ReadWrite};
use crate::error::{ErrorKind, Result};
use crate::shape::IntoShape;
use crate::view::Slices;
use std::fmt;
use std::iter::FusedIterator;
use std::ops::RangeBounds;

/// A view of any kind: a [`RawView`], and a description of its elements.
pub(crate) trait Shaped: Sized {
    /// Whether pages of the elements may be lost while they are accessed.
    #[cfg(feature = "rayon")]
    const SHARED: bool;

    /// What gives the elements in C order, for errors.
    const COPY: &'static str;

    fn raw(&self) -> &RawView;

    /// Creates a view of the same kind and lifetime, of elements of the same type.
    ///
    /// # Safety
    ///
    /// The elements of `raw` must be elements of this view, or of the one that it was made from by this function. If
    /// views of this kind write, no other view that is used may have any of them, including this one.
    unsafe fn with_raw(&self, raw: RawView) -> Self;

    /// Returns the size of an element in bytes.
    fn itemsize(&self) -> usize;

    /// Returns the two parts before and from an index of an axis.
    ///
    /// # Safety
    ///
    /// The same as for [`with_raw`](Self::with_raw): if views of this kind write, this one must not be used any more.
    #[track_caller]
    unsafe fn parts(&self, axis: usize, index: usize) -> (Self, Self) {
        let (before, from) = self.raw().clone().split_at(axis, index);
        // SAFETY: these are elements of this view, which is as this function's contract says; the other part has none
        // of them.
        let before = unsafe { self.with_raw(before) };
        // SAFETY: as above.
        (before, unsafe { self.with_raw(from) })
    }
}

impl<T, A: Mode> Shaped for ArrayView<'_, T, A> {
    #[cfg(feature = "rayon")]
    const SHARED: bool = A::SHARED;

    const COPY: &'static str = "`to_vec` copies them in that order";

    #[inline(always)]
    fn raw(&self) -> &RawView {
        &self.raw
    }

    #[inline(always)]
    unsafe fn with_raw(&self, raw: RawView) -> Self {
        // SAFETY: what `from_raw` asks holds for the elements of this view, and by this function's contract `raw` has
        // no others.
        unsafe { Self::from_raw(raw) }
    }

    #[inline(always)]
    fn itemsize(&self) -> usize {
        size_of::<T>()
    }
}

/// Defines the methods that shape a view. The arguments are the type, whether the methods take `&self` or `self`, and
/// the lines with which an example makes `view` from the elements `[[1 2 3] [4 5 6]]`.
macro_rules! shaping {
    ([$($generics:tt)*] $View:ty, [$($bounds:tt)*], [$($receiver:tt)+] $this:ident, $make:expr) => {
        impl<$($generics)*> $View
        where
            $($bounds)*
        {
            /// Returns the part that a range or an index selects along each of the leading axes. NumPy:
            /// `arr[2:5, :, 3]`.
            ///
            /// An index removes its axis. Axes that the tuple does not reach are kept whole.
            ///
            /// # Panics
            ///
            /// Panics if a range or an index is outside its axis, or if there are more of them than axes.
            ///
            /// ```
            #[doc = $make]
            /// assert_eq!(view.slice((1, ..2)).to_string(), "[4 5]");
            /// # Ok::<(), mmap_array::Error>(())
            /// ```
            #[must_use]
            #[inline]
            #[track_caller]
            pub fn slice($($receiver)+, slices: impl Slices) -> Self {
                let raw = $this.raw().slice(slices);
                // SAFETY: these are elements of this view, which is used up where it writes.
                unsafe { $this.with_raw(raw) }
            }

            /// Returns the elements in a range of one axis. NumPy: `arr[:, 2:5]` is `slice_axis(1, 2..5)`.
            ///
            /// # Panics
            ///
            /// Panics if the axis does not exist or the range is outside it.
            ///
            /// ```
            #[doc = $make]
            /// assert_eq!(view.slice_axis(1, 1..).to_string(), "[[2 3]\n [5 6]]");
            /// # Ok::<(), mmap_array::Error>(())
            /// ```
            #[must_use]
            #[inline]
            #[track_caller]
            pub fn slice_axis($($receiver)+, axis: usize, range: impl RangeBounds<usize>) -> Self {
                let raw = $this.raw().clone().slice_axis(axis, range);
                // SAFETY: these are elements of this view, which is used up where it writes.
                unsafe { $this.with_raw(raw) }
            }

            /// Returns the elements in a range of the first axis. NumPy: `arr[2:5]`.
            ///
            /// # Panics
            ///
            /// Panics if the view is 0-d or the range is outside its first axis.
            ///
            /// ```
            #[doc = $make]
            /// assert_eq!(view.rows(1..).to_string(), "[[4 5 6]]");
            /// # Ok::<(), mmap_array::Error>(())
            /// ```
            #[must_use]
            #[inline]
            #[track_caller]
            pub fn rows($($receiver)+, range: impl RangeBounds<usize>) -> Self {
                let raw = $this.raw().clone().slice_axis(0, range);
                // SAFETY: these are elements of this view, which is used up where it writes.
                unsafe { $this.with_raw(raw) }
            }

            /// Returns the elements at one index of an axis, as a view without that axis. NumPy: `arr[:, 3]` is
            /// `index_axis(1, 3)`.
            ///
            /// # Panics
            ///
            /// Panics if the axis does not exist or the index is outside it.
            ///
            /// ```
            #[doc = $make]
            /// assert_eq!(view.index_axis(1, 2).to_string(), "[3 6]");
            /// # Ok::<(), mmap_array::Error>(())
            /// ```
            #[must_use]
            #[inline]
            #[track_caller]
            pub fn index_axis($($receiver)+, axis: usize, index: usize) -> Self {
                let raw = $this.raw().clone().index_axis(axis, index);
                // SAFETY: these are elements of this view, which is used up where it writes.
                unsafe { $this.with_raw(raw) }
            }

            /// Returns every `step`-th element along an axis. NumPy: `arr[::2]` is `step_axis(0, 2)`, and `arr[::-1]`,
            /// which begins at the last element, is `step_axis(0, -1)`.
            ///
            /// # Panics
            ///
            /// Panics if the axis does not exist or the step is 0.
            ///
            /// ```
            #[doc = $make]
            /// assert_eq!(view.step_axis(1, -2).to_string(), "[[3 1]\n [6 4]]");
            /// # Ok::<(), mmap_array::Error>(())
            /// ```
            #[must_use]
            #[inline]
            #[track_caller]
            pub fn step_axis($($receiver)+, axis: usize, step: isize) -> Self {
                let raw = $this.raw().clone().step_axis(axis, step);
                // SAFETY: these are elements of this view, which is used up where it writes.
                unsafe { $this.with_raw(raw) }
            }

            /// Returns the same elements with the axes in reverse order. NumPy: `arr.T`.
            ///
            /// ```
            #[doc = $make]
            /// assert_eq!(view.t().to_string(), "[[1 4]\n [2 5]\n [3 6]]");
            /// # Ok::<(), mmap_array::Error>(())
            /// ```
            #[must_use]
            pub fn t($($receiver)+) -> Self {
                let raw = $this.raw().clone().transposed();
                // SAFETY: these are elements of this view, which is used up where it writes.
                unsafe { $this.with_raw(raw) }
            }

            /// Returns the same elements with the axes in another order. NumPy: `np.transpose(arr, axes)`. Axis `k` of
            /// the result is axis `axes[k]` of this view.
            ///
            /// # Panics
            ///
            /// Panics if `axes` is not a permutation of the view's axes.
            ///
            /// ```
            #[doc = $make]
            /// assert_eq!(view.permute_axes([1, 0]).shape(), [3, 2]);
            /// # Ok::<(), mmap_array::Error>(())
            /// ```
            #[must_use]
            #[inline]
            #[track_caller]
            pub fn permute_axes($($receiver)+, axes: impl AsRef<[usize]>) -> Self {
                let raw = $this.raw().clone().permuted(axes.as_ref());
                // SAFETY: these are elements of this view, which is used up where it writes.
                unsafe { $this.with_raw(raw) }
            }

            /// Returns the same elements with a new axis of length 1 before `axis`. NumPy: `np.expand_dims(arr, axis)`.
            ///
            /// # Errors
            ///
            /// [`OutOfRange`](crate::ErrorKind::OutOfRange) if `axis` is greater than the number of axes;
            /// [`Shape`](crate::ErrorKind::Shape) if the view already has [`MAX_NDIM`](crate::view::MAX_NDIM) axes.
            ///
            /// ```
            #[doc = $make]
            /// assert_eq!(view.insert_axis(1)?.shape(), [2, 1, 3]);
            /// # Ok::<(), mmap_array::Error>(())
            /// ```
            pub fn insert_axis($($receiver)+, axis: usize) -> Result<Self> {
                let raw = $this.raw().clone().insert_axis(axis)?;
                // SAFETY: these are elements of this view, which is used up where it writes.
                Ok(unsafe { $this.with_raw(raw) })
            }

            /// Returns the same elements, in C order, with another shape, without copying them. NumPy:
            /// `arr.reshape(shape)`. One axis may be `None`: its length is inferred from the others.
            ///
            /// # Errors
            ///
            /// [`Shape`](crate::ErrorKind::Shape) if the number of elements differs;
            /// [`NotContiguous`](crate::ErrorKind::NotContiguous) if the elements are not contiguous in C order
            /// (NumPy's `reshape` copies them then).
            ///
            /// ```
            #[doc = $make]
            /// assert_eq!(view.reshape([None, Some(2)])?.to_string(), "[[1 2]\n [3 4]\n [5 6]]");
            /// # Ok::<(), mmap_array::Error>(())
            /// ```
            pub fn reshape($($receiver)+, shape: impl IntoShape) -> Result<Self> {
                let raw = $this.raw().clone().reshape(shape, $this.itemsize()).map_err(|error| match error.kind() {
                    ErrorKind::NotContiguous => error.with_advice(Self::COPY),
                    _ => error,
                })?;
                // SAFETY: these are elements of this view, which is used up where it writes.
                Ok(unsafe { $this.with_raw(raw) })
            }

            /// Returns the two parts before and from `index` along an axis. NumPy: `np.split(arr, [index], axis)`. The
            /// parts of a writable view are both writable, since they do not overlap.
            ///
            /// # Panics
            ///
            /// Panics if the axis does not exist or `index` is greater than its length.
            ///
            /// ```
            #[doc = $make]
            /// let (left, right) = view.split_at(1, 1);
            /// assert_eq!(left.to_string(), "[[1]\n [4]]");
            /// assert_eq!(right.to_string(), "[[2 3]\n [5 6]]");
            /// # Ok::<(), mmap_array::Error>(())
            /// ```
            #[must_use]
            #[inline]
            #[track_caller]
            pub fn split_at($($receiver)+, axis: usize, index: usize) -> (Self, Self) {
                // SAFETY: this view is used up where it writes.
                unsafe { $this.parts(axis, index) }
            }

            /// Returns an iterator over the views at each index of an axis: for a matrix, over its rows for axis 0 and
            /// its columns for axis 1. The views are writable if this view is.
            ///
            /// # Panics
            ///
            /// Panics if the axis does not exist.
            ///
            /// ```
            #[doc = $make]
            /// let columns: Vec<String> = view.axis_iter(1).map(|column| column.to_string()).collect();
            /// assert_eq!(columns, ["[1 4]", "[2 5]", "[3 6]"]);
            /// # Ok::<(), mmap_array::Error>(())
            /// ```
            #[must_use]
            #[inline]
            #[track_caller]
            pub fn axis_iter($($receiver)+, axis: usize) -> crate::view::AxisIter<Self> {
                // SAFETY: this view is used up where it writes.
                unsafe { crate::view::AxisIter::new(&$this, axis) }
            }
        }
    };
}
pub(crate) use shaping;

/// Invokes a macro for read-only views, which can be cloned, and for writable views, which cannot. The arguments are
/// the mode, which may be a parameter, the receiver of the methods, and how an example writes `mut` and makes a view of
/// an array or a slice.
macro_rules! for_modes {
    ($methods:ident) => {
        $methods!([, A: Aliasing] A, [&self] self, "", "ArrayView::from_slice(&");
        $methods!([] ReadWrite, [self] self, "mut ", "mmap_array::ArrayViewMut::from_slice_mut(&mut ");
    };
}
pub(crate) use for_modes;

shaping!(
    ['a, T, A: Aliasing] ArrayView<'a, T, A>,
    [A: Load<T>],
    [&self] self,
    "use mmap_array::ArrayView;

let view = ArrayView::from_slice(&[1, 2, 3, 4, 5, 6], [2, 3])?;"
);
shaping!(
    ['a, T] ArrayView<'a, T, ReadWrite>,
    [ReadWrite: Load<T>],
    [self] self,
    "use mmap_array::ArrayViewMut;

let mut data = [1, 2, 3, 4, 5, 6];
let view = ArrayViewMut::from_slice_mut(&mut data, [2, 3])?;"
);

/// An iterator over the views at each index of an axis. `V` is an [`ArrayView`] or a [`DynView`](crate::DynView), and
/// may be writable.
///
/// It is created by [`ArrayView::axis_iter`] and [`DynView::axis_iter`](crate::DynView::axis_iter).
///
/// It is `Send` and `Sync` if the views are.
pub struct AxisIter<V> {
    /// The view at index 0, which only this iterator has. It is there even if no index is left.
    first: V,
    /// The indices that are left.
    next: usize,
    end: usize,
    stride: isize,
}

#[expect(private_bounds, reason = "its methods are as private as the trait")]
impl<V: Shaped> AxisIter<V> {
    /// Creates an iterator over the views at each index of an axis.
    ///
    /// # Safety
    ///
    /// The same as for [`Shaped::with_raw`]: if views of this kind write, `view` must not be used any more.
    #[inline]
    #[track_caller]
    pub(crate) unsafe fn new(view: &V, axis: usize) -> Self {
        let (end, stride) = view.raw().axis(axis);
        let mut first = view.raw().clone();
        first.axes.remove(axis);
        // SAFETY: these are elements of the view, which is used no more where it writes. Nobody is given this one: it
        // stands for where the views that are given out lie.
        let first = unsafe { view.with_raw(first) };
        Self { first, next: 0, end, stride }
    }

    /// Returns the view at an index that is left and is then removed.
    #[inline]
    fn at(&self, index: usize) -> V {
        let mut raw = self.first.raw().clone();
        raw.ptr = raw.ptr.offset((index as isize).wrapping_mul(self.stride));
        // SAFETY: these are elements of the view that `first` was made from, which is used no more where it writes, as
        // `first` is not. Each index is given out once, and none overlaps another.
        unsafe { self.first.with_raw(raw) }
    }

    /// Splits the iterator into one over the first `index` views, and one over the others.
    #[cfg(feature = "rayon")]
    pub(crate) fn split_at(self, index: usize) -> (Self, Self) {
        assert!(index <= self.len(), "index {index} is past the end of {} views", self.len());
        let middle = self.next + index;
        // SAFETY: as in `new`, nobody is given this one either. The views at the indices from the middle on are given
        // out by the other iterator alone.
        let first = unsafe { self.first.with_raw(self.first.raw().clone()) };
        let others = Self { first, next: middle, ..self };
        (Self { end: middle, ..self }, others)
    }
}

impl<V: Shaped> Iterator for AxisIter<V> {
    type Item = V;

    #[inline]
    fn next(&mut self) -> Option<V> {
        self.nth(0)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = self.end - self.next;
        (len, Some(len))
    }

    #[inline]
    fn nth(&mut self, n: usize) -> Option<V> {
        let index = self.next.checked_add(n).filter(|&index| index < self.end);
        self.next = index.map_or(self.end, |index| index + 1);
        index.map(|index| self.at(index))
    }
}

impl<V: Shaped> DoubleEndedIterator for AxisIter<V> {
    #[inline]
    fn next_back(&mut self) -> Option<V> {
        if self.next == self.end {
            return None;
        }
        self.end -= 1;
        Some(self.at(self.end))
    }
}

impl<V: Shaped> ExactSizeIterator for AxisIter<V> {}
impl<V: Shaped> FusedIterator for AxisIter<V> {}

impl<V> fmt::Debug for AxisIter<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AxisIter").field("indices", &(self.next..self.end)).finish_non_exhaustive()
    }
}
