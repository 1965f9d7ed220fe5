//! Views gone through by all processors at once, with [rayon].
//!
//! Arrays are slices, so what rayon has for slices works on them: `array.par_iter()`, `par_chunks_mut`. This is for views:
//! elements by value in C order, the views at each index of an axis, and slices of some of them at a time.

use crate::access::{Access, ReadOnly};
use crate::array::MmapArray;
use crate::error::Result;
use crate::view::{ArrayView, AxisIter, Iter};
use rayon::iter::plumbing::{Consumer, Producer, ProducerCallback, UnindexedConsumer, bridge};
use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};
use std::iter::Take;
use std::ops::RangeBounds;

impl<'a, T, A> ArrayView<'a, T, A> {
    /// The elements by value, in C order, by all processors: `view.iter()`, in parallel.
    ///
    /// With the feature `rayon`.
    ///
    /// ```
    /// use rayon::iter::ParallelIterator;
    /// let data: Vec<u32> = (0..1000).collect();
    /// let view = mmap_array::ArrayView::from_slice(&data, [10, 100])?;
    /// assert_eq!(view.t().par_iter().map(|x| u64::from(x)).sum::<u64>(), 499_500);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn par_iter(&self) -> ParIter<'_, T>
    where
        ReadOnly: Access<T>,
    {
        ParIter { view: self.view(), start: 0, end: self.len() }
    }

    /// The views at each index of an axis, by all processors: `view.axis_iter(axis)`, in parallel.
    ///
    /// With the feature `rayon`. Of a writable view each is writable.
    ///
    /// # Panics
    ///
    /// If there is no such axis.
    ///
    /// ```
    /// use rayon::iter::{IndexedParallelIterator, ParallelIterator};
    /// let mut grid = mmap_array::MmapArrayMut::<u32>::anonymous([100, 10])?;
    /// grid.view_mut().par_axis_iter(0).enumerate().for_each(|(k, mut row)| row.fill(k as u32));
    /// assert_eq!(grid[[99, 9]], 99);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn par_axis_iter(self, axis: usize) -> ParAxisIter<'a, T, A>
    where
        T: Send + Sync,
        A: Access<T>,
    {
        ParAxisIter(self.axis_iter(axis))
    }

    /// Views of so many indices of an axis each, the last of what is left, by all processors.
    ///
    /// With the feature `rayon`. Of a writable view each is writable.
    ///
    /// # Panics
    ///
    /// If there is no such axis, or `len` is 0.
    ///
    /// ```
    /// use rayon::iter::ParallelIterator;
    /// let data: Vec<u32> = (0..1000).collect();
    /// let view = mmap_array::ArrayView::from_slice(&data, 1000)?;
    /// assert_eq!(view.par_axis_chunks(0, 300).map(|chunk| chunk.len()).collect::<Vec<_>>(), [300, 300, 300, 100]);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn par_axis_chunks(self, axis: usize, len: usize) -> ParAxisChunks<'a, T, A>
    where
        T: Send + Sync,
        A: Access<T>,
    {
        assert!(axis < self.ndim(), "axis {axis} of a view with {} axes", self.ndim());
        assert!(len > 0, "chunks of no indices");
        ParAxisChunks { view: self, axis, len }
    }
}

impl<T, A> MmapArray<T, A>
where
    T: Sync,
    A: Access<T> + Sync,
{
    /// Reads rows in now, by all processors, and waits.
    ///
    /// With the feature `rayon`. Each page is touched once. Where the file lies on something fast this is sooner than one
    /// page after another, and sooner than what the system reads ahead.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`](crate::ErrorKind::OutOfRange) for rows that are not there.
    ///
    /// ```
    /// let frames = mmap_array::MmapArrayMut::<u8>::scratch([100, 480, 640])?;
    /// frames.par_prefetch(10..20)?;
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn par_prefetch(&self, rows: impl RangeBounds<usize>) -> Result<()> {
        /// As small as any page is, and no smaller than it has to be.
        const PAGE: usize = 4096;
        let bytes = self.row_bytes(&rows)?;
        let (start, end) = (bytes.start / size_of::<T>(), bytes.end / size_of::<T>());
        let step = (PAGE / size_of::<T>()).max(1);
        // The last element of the rows, too, which may lie on a page of its own.
        let elements = &self[start..end];
        let touched = (0..elements.len().div_ceil(step) + 1).into_par_iter().map(|page| {
            let place = (page * step).min(elements.len().saturating_sub(1));
            elements.get(place).map_or(0, |element| touch(element))
        });
        std::hint::black_box(touched.max());
        Ok(())
    }
}

/// Reads all pages of an element, which may have many.
fn touch<T>(element: &T) -> u8 {
    let first = std::ptr::from_ref(element).cast::<u8>();
    (0..size_of::<T>()).step_by(4096).chain([size_of::<T>() - 1]).fold(0, |sum: u8, at| {
        // SAFETY: a byte of an element, which is borrowed; of a map's elements all bytes are initialised.
        sum ^ unsafe { first.wrapping_add(at).read() }
    })
}

/// The elements of a view, by all processors. Made by [`ArrayView::par_iter`].
pub struct ParIter<'a, T> {
    view: ArrayView<'a, T>,
    /// Positions in C order.
    start: usize,
    end: usize,
}

impl<'a, T: Send + Sync> ParallelIterator for ParIter<'a, T>
where
    ReadOnly: Access<T>,
{
    type Item = T;

    fn drive_unindexed<C: UnindexedConsumer<T>>(self, consumer: C) -> C::Result {
        bridge(self, consumer)
    }

    fn opt_len(&self) -> Option<usize> {
        Some(self.len())
    }
}

impl<'a, T: Send + Sync> IndexedParallelIterator for ParIter<'a, T>
where
    ReadOnly: Access<T>,
{
    fn len(&self) -> usize {
        self.end - self.start
    }

    fn drive<C: Consumer<T>>(self, consumer: C) -> C::Result {
        bridge(self, consumer)
    }

    fn with_producer<CB: ProducerCallback<T>>(self, callback: CB) -> CB::Output {
        callback.callback(self)
    }
}

impl<'a, T: Send + Sync> Producer for ParIter<'a, T>
where
    ReadOnly: Access<T>,
{
    type Item = T;
    type IntoIter = Part<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        let mut elements = self.view.into_iter();
        if let Some(before) = self.start.checked_sub(1) {
            elements.nth(before);
        }
        Part(elements.take(self.end - self.start))
    }

    fn split_at(self, index: usize) -> (Self, Self) {
        let middle = self.start + index;
        (Self { end: middle, ..self }, Self { start: middle, ..self })
    }
}

/// Some elements of a view, one after another.
pub struct Part<'a, T>(Take<Iter<'a, T, ReadOnly>>);

impl<T> Iterator for Part<'_, T>
where
    ReadOnly: Access<T>,
{
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }

    #[inline]
    fn fold<B, F: FnMut(B, T) -> B>(self, init: B, f: F) -> B {
        self.0.fold(init, f)
    }
}

impl<T> DoubleEndedIterator for Part<'_, T>
where
    ReadOnly: Access<T>,
{
    #[inline]
    fn next_back(&mut self) -> Option<T> {
        self.0.next_back()
    }
}

impl<T> ExactSizeIterator for Part<'_, T> where ReadOnly: Access<T> {}

/// The views at each index of an axis, by all processors. Made by [`ArrayView::par_axis_iter`].
pub struct ParAxisIter<'a, T, A = ReadOnly>(AxisIter<'a, T, A>);

/// Slices of an axis, by all processors. Made by [`ArrayView::par_axis_chunks`].
pub struct ParAxisChunks<'a, T, A = ReadOnly> {
    view: ArrayView<'a, T, A>,
    axis: usize,
    len: usize,
}

macro_rules! parallel {
    ($($name:ident)*) => {$(
        impl<'a, T: Send + Sync, A: Access<T>> ParallelIterator for $name<'a, T, A> {
            type Item = ArrayView<'a, T, A>;

            fn drive_unindexed<C: UnindexedConsumer<Self::Item>>(self, consumer: C) -> C::Result {
                bridge(self, consumer)
            }

            fn opt_len(&self) -> Option<usize> {
                Some(IndexedParallelIterator::len(self))
            }
        }
    )*};
}
parallel!(ParAxisIter ParAxisChunks);

impl<'a, T: Send + Sync, A: Access<T>> IndexedParallelIterator for ParAxisIter<'a, T, A> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn drive<C: Consumer<Self::Item>>(self, consumer: C) -> C::Result {
        bridge(self, consumer)
    }

    fn with_producer<CB: ProducerCallback<Self::Item>>(self, callback: CB) -> CB::Output {
        callback.callback(self)
    }
}

impl<'a, T: Send + Sync, A: Access<T>> Producer for ParAxisIter<'a, T, A> {
    type Item = ArrayView<'a, T, A>;
    type IntoIter = AxisIter<'a, T, A>;

    fn into_iter(self) -> Self::IntoIter {
        self.0
    }

    fn split_at(self, index: usize) -> (Self, Self) {
        let (before, from) = self.0.split_at(index);
        (Self(before), Self(from))
    }
}

impl<'a, T: Send + Sync, A: Access<T>> IndexedParallelIterator for ParAxisChunks<'a, T, A> {
    fn len(&self) -> usize {
        self.view.shape()[self.axis].div_ceil(self.len)
    }

    fn drive<C: Consumer<Self::Item>>(self, consumer: C) -> C::Result {
        bridge(self, consumer)
    }

    fn with_producer<CB: ProducerCallback<Self::Item>>(self, callback: CB) -> CB::Output {
        callback.callback(self)
    }
}

impl<'a, T: Send + Sync, A: Access<T>> Producer for ParAxisChunks<'a, T, A> {
    type Item = ArrayView<'a, T, A>;
    type IntoIter = Chunks<'a, T, A>;

    fn into_iter(self) -> Self::IntoIter {
        let left = self.view.shape()[self.axis].div_ceil(self.len);
        Chunks { view: Some(self.view), axis: self.axis, len: self.len, left }
    }

    fn split_at(self, index: usize) -> (Self, Self) {
        let Self { view, axis, len } = self;
        let middle = index.saturating_mul(len).min(view.shape()[axis]);
        let (before, from) = view.split_at(axis, middle);
        (Self { view: before, axis, len }, Self { view: from, axis, len })
    }
}

/// Slices of an axis, one after another.
pub struct Chunks<'a, T, A> {
    /// What is left; `None` only while it is being cut.
    view: Option<ArrayView<'a, T, A>>,
    axis: usize,
    len: usize,
    left: usize,
}

impl<'a, T, A: Access<T>> Chunks<'a, T, A> {
    /// Cuts what is left after so many slices.
    fn cut(&mut self, slices: usize) -> Option<(ArrayView<'a, T, A>, ArrayView<'a, T, A>)> {
        let view = self.view.take()?;
        let middle = slices.saturating_mul(self.len).min(view.shape()[self.axis]);
        self.left -= 1;
        Some(view.split_at(self.axis, middle))
    }
}

impl<'a, T, A: Access<T>> Iterator for Chunks<'a, T, A> {
    type Item = ArrayView<'a, T, A>;

    fn next(&mut self) -> Option<Self::Item> {
        let (first, rest) = if self.left > 0 { self.cut(1)? } else { return None };
        self.view = Some(rest);
        Some(first)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T, A: Access<T>> DoubleEndedIterator for Chunks<'_, T, A> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let (rest, last) = if self.left > 0 { self.cut(self.left - 1)? } else { return None };
        self.view = Some(rest);
        Some(last)
    }
}

impl<T, A: Access<T>> ExactSizeIterator for Chunks<'_, T, A> {}
