//! Parallel iteration over views with [rayon].
//!
//! Arrays dereference to slices, so rayon's methods for slices work on them: `array.par_iter()`, `par_chunks_mut`. This
//! module is for views: the elements by value in C order, the views at each index of an axis, and chunks of an axis.

use crate::access::{Aliasing, Load, Mode, ReadOnly, ReadWrite, Reading, Stable};
use crate::array::MmapArray;
use crate::error::Result;
use crate::region;
use crate::view::shaping::{Shaped, for_modes};
use crate::view::{ArrayView, AxisIter, Iter};
use rayon::iter::plumbing::{Consumer, Producer, ProducerCallback, UnindexedConsumer, bridge};
use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};
use std::fmt;
use std::iter::Take;
use std::ops::RangeBounds;

impl<T, A: Mode> ArrayView<'_, T, A> {
    /// Returns a parallel iterator over the elements by value, in C order: `view.iter()`, in parallel.
    ///
    /// Requires the `rayon` feature.
    ///
    /// ```
    /// use rayon::iter::ParallelIterator;
    /// let data: Vec<u32> = (0..1000).collect();
    /// let view = mmap_array::ArrayView::from_slice(&data, [10, 100])?;
    /// assert_eq!(view.t().par_iter().map(|x| u64::from(x)).sum::<u64>(), 499_500);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn par_iter(&self) -> ParIter<'_, T, A::Reading> {
        ParIter { view: self.view(), start: 0, end: self.len() }
    }
}

macro_rules! parallel_axes {
    ([$($generics:tt)*] $Mode:ident, [$($receiver:tt)+] $this:ident, $mut:literal, $make:literal) => {
        impl<T $($generics)*> ArrayView<'_, T, $Mode>
        where
            $Mode: Load<T>,
        {
            /// Returns a parallel iterator over the views at each index of an axis: `view.axis_iter(axis)`, in
            /// parallel.
            ///
            /// Requires the `rayon` feature. The views are writable if this view is.
            ///
            /// # Panics
            ///
            /// Panics if the axis does not exist.
            ///
            /// ```
            /// use rayon::iter::ParallelIterator;
            /// # use mmap_array::ArrayView;
            #[doc = concat!("let ", $mut, "data: Vec<u32> = (0..1000).collect();")]
            #[doc = concat!("let view = ", $make, "data, [100, 10])?;")]
            /// let firsts: Vec<u32> = view.par_axis_iter(0).map(|row| row.at([0])).collect();
            /// assert_eq!((firsts.len(), firsts[99]), (100, 990));
            /// # Ok::<(), mmap_array::Error>(())
            /// ```
            #[must_use]
            #[track_caller]
            pub fn par_axis_iter($($receiver)+, axis: usize) -> ParAxisIter<Self>
            where
                T: Send + Sync,
            {
                ParAxisIter($this.axis_iter(axis))
            }

            /// Returns a parallel iterator over chunks of `len` indices of an axis, as views. The last one may have
            /// fewer indices.
            ///
            /// Requires the `rayon` feature. The views are writable if this view is.
            ///
            /// # Panics
            ///
            /// Panics if the axis does not exist, or if `len` is 0.
            ///
            /// ```
            /// use rayon::iter::ParallelIterator;
            /// # use mmap_array::ArrayView;
            #[doc = concat!("let ", $mut, "data: Vec<u32> = (0..1000).collect();")]
            #[doc = concat!("let view = ", $make, "data, 1000)?;")]
            /// let lens: Vec<usize> = view.par_axis_chunks(0, 300).map(|chunk| chunk.len()).collect();
            /// assert_eq!(lens, [300, 300, 300, 100]);
            /// # Ok::<(), mmap_array::Error>(())
            /// ```
            #[must_use]
            #[track_caller]
            pub fn par_axis_chunks($($receiver)+, axis: usize, len: usize) -> ParAxisChunks<Self>
            where
                T: Send + Sync,
            {
                assert!(axis < $this.ndim(), "there is no axis {axis} in a view with {} axes", $this.ndim());
                assert!(len > 0, "the length of a chunk must not be 0");
                // SAFETY: these are the elements of this view, which is used up where it writes.
                let view = unsafe { $this.with_raw($this.raw().clone()) };
                ParAxisChunks { view, axis, len }
            }
        }
    };
}
for_modes!(parallel_axes);

impl<T, A> MmapArray<T, A>
where
    T: Sync,
    A: Stable<T> + Sync,
{
    /// Reads rows into memory now, in parallel, and waits until they are read.
    ///
    /// Requires the `rayon` feature. Each page is accessed once. On fast storage this is faster than reading one page
    /// after another, and faster than the system's readahead.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`](crate::ErrorKind::OutOfRange) if the range is outside the array.
    ///
    /// ```
    /// let frames = mmap_array::MmapArrayMut::<u8>::scratch([100, 480, 640])?;
    /// frames.par_prefetch(10..20)?;
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn par_prefetch(&self, rows: impl RangeBounds<usize>) -> Result<()> {
        /// The smallest size of a page.
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
        // SAFETY: a byte of an element, which is borrowed; of a map's elements all bytes are initialized.
        sum ^ unsafe { first.wrapping_add(at).read() }
    })
}

/// A parallel iterator over the elements of a view. It is created by [`ArrayView::par_iter`].
///
/// It is `Send` and `Sync` if the element type is both.
pub struct ParIter<'a, T, A = ReadOnly> {
    view: ArrayView<'a, T, A>,
    /// Positions in C order.
    start: usize,
    end: usize,
}

impl<T, A> fmt::Debug for ParIter<'_, T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParIter").field("positions", &(self.start..self.end)).finish_non_exhaustive()
    }
}

impl<'a, T: Send + Sync, A: Reading + Load<T>> ParallelIterator for ParIter<'a, T, A> {
    type Item = T;

    fn drive_unindexed<C: UnindexedConsumer<T>>(self, consumer: C) -> C::Result {
        bridge(self, consumer)
    }

    fn opt_len(&self) -> Option<usize> {
        Some(self.len())
    }
}

impl<'a, T: Send + Sync, A: Reading + Load<T>> IndexedParallelIterator for ParIter<'a, T, A> {
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

impl<'a, T: Send + Sync, A: Reading + Load<T>> Producer for ParIter<'a, T, A> {
    type Item = T;
    type IntoIter = Job<Take<Iter<'a, T, A>>>;

    fn into_iter(self) -> Self::IntoIter {
        // To go to the first element loads the one before it.
        let elements = || {
            let mut elements = self.view.into_iter();
            if let Some(before) = self.start.checked_sub(1) {
                elements.nth(before);
            }
            elements.take(self.end - self.start)
        };
        Job::new(A::SHARED, elements)
    }

    fn split_at(self, index: usize) -> (Self, Self) {
        let middle = self.start + index;
        (Self { view: self.view.clone(), start: self.start, end: middle }, Self { start: middle, ..self })
    }
}

/// The items of one job, in the thread that runs it.
#[derive(Debug)]
pub struct Job<I> {
    items: I,
    /// Has pages repaired that are lost in this thread, if any can be lost.
    entered: Option<region::Entered>,
}

impl<I> Job<I> {
    fn new(shared: bool, items: impl FnOnce() -> I) -> Self {
        let entered = shared.then(region::enter).flatten();
        Self { items: items(), entered }
    }
}

impl<I: Iterator> Iterator for Job<I> {
    type Item = I::Item;

    #[inline]
    fn next(&mut self) -> Option<I::Item> {
        self.items.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }

    #[inline]
    fn fold<B, F: FnMut(B, I::Item) -> B>(self, init: B, f: F) -> B {
        let Self { items, entered } = self;
        let folded = items.fold(init, f);
        drop(entered);
        folded
    }
}

impl<I: DoubleEndedIterator> DoubleEndedIterator for Job<I> {
    #[inline]
    fn next_back(&mut self) -> Option<I::Item> {
        self.items.next_back()
    }
}

impl<I: ExactSizeIterator> ExactSizeIterator for Job<I> {}

/// A parallel iterator over the views at each index of an axis. It is created by [`ArrayView::par_axis_iter`].
#[derive(Debug)]
pub struct ParAxisIter<V>(AxisIter<V>);

/// A parallel iterator over chunks of an axis. It is created by [`ArrayView::par_axis_chunks`].
pub struct ParAxisChunks<V> {
    view: V,
    axis: usize,
    len: usize,
}

impl<V> fmt::Debug for ParAxisChunks<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { axis, len, .. } = self;
        f.debug_struct("ParAxisChunks").field("axis", axis).field("len", len).finish_non_exhaustive()
    }
}

macro_rules! parallel {
    ($($name:ident)*) => {$(
        impl<V: Shaped + Send> ParallelIterator for $name<V> {
            type Item = V;

            fn drive_unindexed<C: UnindexedConsumer<V>>(self, consumer: C) -> C::Result {
                bridge(self, consumer)
            }

            fn opt_len(&self) -> Option<usize> {
                Some(IndexedParallelIterator::len(self))
            }
        }
    )*};
}
parallel!(ParAxisIter ParAxisChunks);

impl<V: Shaped + Send> IndexedParallelIterator for ParAxisIter<V> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn drive<C: Consumer<V>>(self, consumer: C) -> C::Result {
        bridge(self, consumer)
    }

    fn with_producer<CB: ProducerCallback<V>>(self, callback: CB) -> CB::Output {
        callback.callback(self)
    }
}

impl<V: Shaped + Send> Producer for ParAxisIter<V> {
    type Item = V;
    type IntoIter = Job<AxisIter<V>>;

    fn into_iter(self) -> Self::IntoIter {
        Job::new(V::SHARED, || self.0)
    }

    fn split_at(self, index: usize) -> (Self, Self) {
        let (before, from) = self.0.split_at(index);
        (Self(before), Self(from))
    }
}

#[expect(private_bounds, reason = "its methods are as private as the trait")]
impl<V: Shaped> ParAxisChunks<V> {
    /// Returns the number of indices.
    fn indices(&self) -> usize {
        self.view.raw().axes.lens()[self.axis]
    }
}

impl<V: Shaped + Send> IndexedParallelIterator for ParAxisChunks<V> {
    fn len(&self) -> usize {
        self.indices().div_ceil(self.len)
    }

    fn drive<C: Consumer<V>>(self, consumer: C) -> C::Result {
        bridge(self, consumer)
    }

    fn with_producer<CB: ProducerCallback<V>>(self, callback: CB) -> CB::Output {
        callback.callback(self)
    }
}

impl<V: Shaped + Send> Producer for ParAxisChunks<V> {
    type Item = V;
    type IntoIter = Job<Chunks<V>>;

    fn into_iter(self) -> Self::IntoIter {
        let left = self.indices().div_ceil(self.len);
        Job::new(V::SHARED, || Chunks { chunks: self, left })
    }

    fn split_at(self, index: usize) -> (Self, Self) {
        let Self { ref view, axis, len } = self;
        let middle = index.saturating_mul(len).min(self.indices());
        // SAFETY: the view is used up.
        let (before, from) = unsafe { view.parts(axis, middle) };
        (Self { view: before, axis, len }, Self { view: from, axis, len })
    }
}

/// An iterator over chunks of an axis.
#[derive(Debug)]
pub struct Chunks<V> {
    /// The part of the view that is left.
    chunks: ParAxisChunks<V>,
    left: usize,
}

#[expect(private_bounds, reason = "its methods are as private as the trait")]
impl<V: Shaped> Chunks<V> {
    /// Splits what is left after the first `slices` chunks.
    ///
    /// # Safety
    ///
    /// One of the parts must then replace what is left.
    unsafe fn cut(&self, slices: usize) -> (V, V) {
        let ParAxisChunks { view, axis, len } = &self.chunks;
        let middle = slices.saturating_mul(*len).min(self.chunks.indices());
        // SAFETY: one of the parts takes the view's place, by this function's contract.
        unsafe { view.parts(*axis, middle) }
    }
}

impl<V: Shaped> Iterator for Chunks<V> {
    type Item = V;

    fn next(&mut self) -> Option<V> {
        let left = self.left.checked_sub(1)?;
        // SAFETY: the rest takes the place of what is left.
        let (first, rest) = unsafe { self.cut(1) };
        (self.chunks.view, self.left) = (rest, left);
        Some(first)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<V: Shaped> DoubleEndedIterator for Chunks<V> {
    fn next_back(&mut self) -> Option<V> {
        let left = self.left.checked_sub(1)?;
        // SAFETY: as above.
        let (rest, last) = unsafe { self.cut(left) };
        (self.chunks.view, self.left) = (rest, left);
        Some(last)
    }
}

impl<V: Shaped> ExactSizeIterator for Chunks<V> {}
