//! Cutting and turning views: NumPy's basic indexing, one axis or all of them at a time.

use super::{ArrayView, RawView, resolve};
use crate::access::{Access, ReadOnly};
use crate::error::Result;
use crate::shape::IntoShape;
use std::marker::PhantomData;
use std::ops::{Range, RangeBounds, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};

/// What [`ArrayView::slice`] takes for one axis: a range, or an index, which removes the axis. The trait is sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no range and no index of an axis",
    note = "an axis takes `a..b`, `a..`, `..b`, `..`, or a `usize`; steps are `step_axis`"
)]
pub trait AxisSlice: sealed::Sealed {
    /// The range along an axis of `len` elements, and whether the axis stays; what is wrong, outside.
    #[doc(hidden)]
    fn resolve(&self, len: usize) -> Result<(Range<usize>, bool), String>;
}

/// What [`ArrayView::slice`] takes: a tuple of up to eight [`AxisSlice`]s, for the leading axes, or one range for the
/// first. The trait is sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no tuple of ranges and indices",
    note = "a slice is `a..b` along the first axis, `(a..b, .., i)` along the leading ones; steps are `step_axis`"
)]
pub trait Slices: sealed::Sealed {
    /// Calls `f` with each axis in turn.
    #[doc(hidden)]
    fn for_each(&self, f: &mut dyn FnMut(&dyn AxisSlice));
}

mod sealed {
    pub trait Sealed {}
}

impl sealed::Sealed for usize {}
impl AxisSlice for usize {
    fn resolve(&self, len: usize) -> Result<(Range<usize>, bool), String> {
        let inside = (*self < len).then(|| (*self..*self + 1, false));
        inside.ok_or_else(|| format!("the index {self} is outside 0..{len}"))
    }
}

macro_rules! axis_slices {
    ($($range:ty),*) => {$(
        impl sealed::Sealed for $range {}
        impl AxisSlice for $range {
            fn resolve(&self, len: usize) -> Result<(Range<usize>, bool), String> {
                resolve(self, len).map(|range| (range, true)).map_err(|error| error.to_string())
            }
        }

        /// Along the first axis alone.
        impl Slices for $range {
            fn for_each(&self, f: &mut dyn FnMut(&dyn AxisSlice)) {
                f(self);
            }
        }
    )*};
}
axis_slices!(Range<usize>, RangeFrom<usize>, RangeTo<usize>, RangeFull, RangeInclusive<usize>, RangeToInclusive<usize>);

macro_rules! slices {
    ($($name:ident),*) => {
        impl<$($name: AxisSlice),*> sealed::Sealed for ($($name,)*) {}
        impl<$($name: AxisSlice),*> Slices for ($($name,)*) {
            #[allow(non_snake_case)]
            fn for_each(&self, f: &mut dyn FnMut(&dyn AxisSlice)) {
                let ($($name,)*) = self;
                $(f($name);)*
            }
        }
    };
}
slices!(A);
slices!(A, B);
slices!(A, B, C);
slices!(A, B, C, D);
slices!(A, B, C, D, E);
slices!(A, B, C, D, E, F);
slices!(A, B, C, D, E, F, G);
slices!(A, B, C, D, E, F, G, H);

impl RawView {
    /// A range or an index for each of the leading axes.
    #[track_caller]
    pub(crate) fn slice(self, slices: impl Slices) -> Self {
        let mut raw = self;
        let (mut axis, mut place) = (0, 0);
        let mut wrong = None;
        slices.for_each(&mut |slice| {
            if wrong.is_none() {
                match raw.axes.lens().get(axis).map(|&len| slice.resolve(len)) {
                    Some(Ok((range, true))) => {
                        raw = raw.slice_axis(axis, range);
                        axis += 1;
                    }
                    Some(Ok((range, false))) => raw = raw.index_axis(axis, range.start),
                    Some(Err(text)) => wrong = Some(format!("{text} along axis {place}")),
                    None => wrong = Some(format!("there is no axis {place}")),
                }
            }
            place += 1;
        });
        if let Some(wrong) = wrong {
            panic!("{wrong}: a slice of a view of shape {:?}", self.axes.lens());
        }
        raw
    }
}

impl<'a, T, A: Access<T>> ArrayView<'a, T, A> {
    /// A range or an index for each of the leading axes: NumPy's `arr[2:5, :, 3]`. An index removes its axis; axes
    /// that the tuple does not reach stay whole.
    ///
    /// # Panics
    ///
    /// If a range or an index is outside its axis, or the tuple has more places than there are axes.
    ///
    /// ```
    /// let data: Vec<i32> = (0..24).collect();
    /// let view = mmap_array::ArrayView::from_slice(&data, [2, 3, 4])?;
    /// let part = view.slice((1, .., 2..));
    /// assert_eq!(part.shape(), [3, 2]);
    /// assert_eq!(part.to_vec(), [14, 15, 18, 19, 22, 23]);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn slice(self, slices: impl Slices) -> Self {
        let raw = self.raw.slice(slices);
        self.map_raw(raw)
    }

    /// The elements of a range along one axis: `arr[:, 2:5]` is `slice_axis(1, 2..5)`.
    ///
    /// # Panics
    ///
    /// If there is no such axis or the range is outside it.
    ///
    /// ```
    /// let view = mmap_array::ArrayView::from_slice(&[1, 2, 3, 4, 5, 6], [2, 3])?;
    /// assert_eq!(view.slice_axis(1, 1..).to_vec(), [2, 3, 5, 6]);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn slice_axis(self, axis: usize, range: impl RangeBounds<usize>) -> Self {
        let raw = self.raw.slice_axis(axis, range);
        self.map_raw(raw)
    }

    /// The elements of a range along the first axis: `arr[2:5]`.
    ///
    /// # Panics
    ///
    /// If the view is 0-d or the range is outside its first axis.
    #[must_use]
    #[track_caller]
    pub fn rows(self, range: impl RangeBounds<usize>) -> Self {
        self.slice_axis(0, range)
    }

    /// The elements at one index of an axis, as a view with that axis less: `arr[:, 3]` is `index_axis(1, 3)`.
    ///
    /// # Panics
    ///
    /// If there is no such axis or the index is outside it.
    #[must_use]
    #[track_caller]
    pub fn index_axis(self, axis: usize, index: usize) -> Self {
        let raw = self.raw.index_axis(axis, index);
        self.map_raw(raw)
    }

    /// Every `step`-th element along an axis: `arr[::2]` is `step_axis(0, 2)`, and `arr[::-1]`, which begins at the
    /// last, is `step_axis(0, -1)`.
    ///
    /// # Panics
    ///
    /// If there is no such axis, or the step is 0.
    ///
    /// ```
    /// let view = mmap_array::ArrayView::from_slice(&[1, 2, 3, 4, 5], 5)?;
    /// assert_eq!(view.step_axis(0, -2).to_vec(), [5, 3, 1]);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn step_axis(self, axis: usize, step: isize) -> Self {
        let raw = self.raw.step_axis(axis, step);
        self.map_raw(raw)
    }

    /// The axes in reverse order: NumPy's `arr.T`.
    ///
    /// ```
    /// let view = mmap_array::ArrayView::from_slice(&[1, 2, 3, 4, 5, 6], [2, 3])?;
    /// assert_eq!(view.t().shape(), [3, 2]);
    /// assert_eq!(view.t().at([2, 1]), 6);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[must_use]
    pub fn t(self) -> Self {
        let raw = self.raw.transposed();
        self.map_raw(raw)
    }

    /// The axes in another order: axis `k` of the result is axis `axes[k]` of this view, as for `np.transpose`.
    ///
    /// # Panics
    ///
    /// If `axes` is no permutation of the view's.
    ///
    /// ```
    /// let data: Vec<i32> = (0..24).collect();
    /// let view = mmap_array::ArrayView::from_slice(&data, [2, 3, 4])?;
    /// assert_eq!(view.permute_axes([1, 2, 0]).shape(), [3, 4, 2]);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn permute_axes(self, axes: impl AsRef<[usize]>) -> Self {
        let raw = self.raw.permuted(axes.as_ref());
        self.map_raw(raw)
    }

    /// A new axis of length 1 before `axis`: NumPy's `np.expand_dims`.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`](crate::ErrorKind::OutOfRange) if `axis` is larger than the number of axes,
    /// [`Shape`](crate::ErrorKind::Shape) if there are [`MAX_NDIM`](crate::MAX_NDIM) already.
    pub fn insert_axis(self, axis: usize) -> Result<Self> {
        let raw = self.raw.insert_axis(axis)?;
        Ok(self.map_raw(raw))
    }

    /// The same elements, in C order, under another shape, without a copy. One axis may be `None`, to follow
    /// from the others.
    ///
    /// # Errors
    ///
    /// [`Shape`](crate::ErrorKind::Shape) for another number of elements, [`NotContiguous`](crate::ErrorKind::NotContiguous)
    /// where the elements do not lie one after another in C order (NumPy's `reshape` copies then).
    ///
    /// ```
    /// use mmap_array::ArrayView;
    /// let view = ArrayView::from_slice(&[1, 2, 3, 4, 5, 6], 6)?;
    /// assert_eq!(view.reshape([None, Some(2)])?.shape(), [3, 2]);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn reshape(self, shape: impl IntoShape) -> Result<Self> {
        let raw = self.raw.reshape(shape, size_of::<T>())?;
        Ok(self.map_raw(raw))
    }

    /// The two parts before and from `index` along an axis. Of a writable view both are writable: they do not overlap.
    ///
    /// # Panics
    ///
    /// If there is no such axis or `index` is larger than its length.
    ///
    /// ```
    /// let mut data = [1, 2, 3, 4, 5, 6];
    /// let view = mmap_array::ArrayViewMut::from_slice_mut(&mut data, [2, 3])?;
    /// let (mut left, right) = view.split_at(1, 1);
    /// left.copy_from(&right.index_axis(1, 0).insert_axis(1)?);
    /// assert_eq!(data, [2, 2, 3, 5, 5, 6]);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn split_at(self, axis: usize, index: usize) -> (Self, Self) {
        let (before, from) = self.raw.split_at(axis, index);
        // Each element is in one of the two, so two writable views of them are apart.
        (ArrayView { raw: before, marker: PhantomData }, ArrayView { raw: from, marker: PhantomData })
    }

    /// The views at each index of an axis, in turn: the rows of a matrix for axis 0, its columns for axis 1. Of a
    /// writable view each is writable.
    ///
    /// # Panics
    ///
    /// If there is no such axis.
    ///
    /// ```
    /// let view = mmap_array::ArrayView::from_slice(&[1, 2, 3, 4, 5, 6], [2, 3])?;
    /// let sums: Vec<i128> = view.axis_iter(0).map(|row| row.sum()).collect();
    /// assert_eq!(sums, [6, 15]);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn axis_iter(self, axis: usize) -> AxisIter<'a, T, A> {
        let (len, stride) = self.raw.axis(axis);
        let mut item = self.raw;
        item.axes.remove(axis);
        AxisIter { item, len, stride, marker: PhantomData }
    }
}

/// The views at each index of an axis. Made by [`ArrayView::axis_iter`].
pub struct AxisIter<'a, T, A = ReadOnly> {
    /// The next view from the front.
    item: RawView,
    len: usize,
    stride: isize,
    marker: PhantomData<(&'a T, A)>,
}

impl<'a, T, A> AxisIter<'a, T, A> {
    /// The view `index` steps from the next. Below `len`, each is given out once.
    fn item(&self, index: usize) -> ArrayView<'a, T, A> {
        let mut raw = self.item;
        raw.ptr = raw.ptr.wrapping_offset((index as isize).wrapping_mul(self.stride));
        ArrayView { raw, marker: PhantomData }
    }
}

#[cfg(feature = "rayon")]
impl<T, A> AxisIter<'_, T, A> {
    /// The first so many, and the others.
    pub(crate) fn split_at(self, index: usize) -> (Self, Self) {
        assert!(index <= self.len, "index {index} of {} views", self.len);
        let from = self.item(index).into_raw();
        let len = self.len - index;
        (Self { len: index, ..self }, Self { item: from, len, stride: self.stride, marker: PhantomData })
    }
}

impl<'a, T, A> Iterator for AxisIter<'a, T, A> {
    type Item = ArrayView<'a, T, A>;

    fn next(&mut self) -> Option<Self::Item> {
        self.nth(0)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.len, Some(self.len))
    }

    fn nth(&mut self, n: usize) -> Option<Self::Item> {
        let taken = n.checked_add(1).filter(|&taken| taken <= self.len);
        let item = taken.map(|_| self.item(n));
        let taken = taken.unwrap_or(self.len);
        self.item.ptr = self.item.ptr.wrapping_offset((taken as isize).wrapping_mul(self.stride));
        self.len -= taken;
        item
    }
}

impl<T, A> DoubleEndedIterator for AxisIter<'_, T, A> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.len = self.len.checked_sub(1)?;
        Some(self.item(self.len))
    }
}

impl<T, A> ExactSizeIterator for AxisIter<'_, T, A> {}
impl<T, A> std::iter::FusedIterator for AxisIter<'_, T, A> {}

// SAFETY: it is the views that it gives out, and may go where they may.
unsafe impl<T: Send + Sync, A> Send for AxisIter<'_, T, A> {}
// SAFETY: as above; a shared one gives out nothing but its length.
unsafe impl<T: Send + Sync, A> Sync for AxisIter<'_, T, A> {}
