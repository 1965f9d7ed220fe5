//! Sums, means and extremes of numeric views.
//!
//! The order of the elements does not matter to these, so they read memory in order: a matrix in Fortran order is
//! summed as fast as one in C order. Sums of floats are pairwise with eight partial sums, as NumPy's are: the error
//! grows with the logarithm of the length, and no addition waits for the one before. Sums of integers are exact.
//! Numbers in another byte order than the native one are swapped on the way, many at a time.

use super::runs::{Run, Runs, at_a_time, fetch};
use super::wide::{self, Kernel};
use super::{ArrayView, RawView};
use crate::access::{Addr, Load};
use crate::element::number::as_sum;
use crate::element::series::{By, Rest, Series};
use crate::element::{Number, Ordered};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
/// The sums of runs, which are added pairwise like the elements of a run, so that many short runs lose no more
/// precision than a long one.
pub(super) struct Cascade<S> {
    /// Level `k` holds the sum of 2^k runs if the number of runs so far has that bit. It was written when the bit
    /// became 1. The other levels are uninitialized, since most views have one run.
    levels: [MaybeUninit<S>; usize::BITS as usize],
    runs: usize,
}

impl<S: Copy> Cascade<S> {
    #[inline(always)]
    pub(super) fn new() -> Self {
        Self { levels: [const { MaybeUninit::uninit() }; usize::BITS as usize], runs: 0 }
    }

    #[inline(always)]
    pub(super) fn push(&mut self, mut sum: S, add: impl Fn(S, S) -> S) {
        let full = self.runs.trailing_ones() as usize;
        for level in &self.levels[..full] {
            // SAFETY: the bits below `full` are 1, so these levels have been written.
            sum = add(unsafe { level.assume_init() }, sum);
        }
        self.levels[full].write(sum);
        self.runs += 1;
    }

    /// Returns the sum of all runs, or `None` if there are none.
    #[inline(always)]
    pub(super) fn total(&self, add: impl Fn(S, S) -> S) -> Option<S> {
        let mut sum = None;
        let mut left = self.runs;
        while left != 0 {
            // SAFETY: the level's bit is 1, so it has been written.
            let level = unsafe { self.levels[left.trailing_zeros() as usize].assume_init() };
            sum = Some(sum.map_or(level, |sum| add(level, sum)));
            left &= left - 1;
        }
        sum
    }
}

/// Contiguous elements of a view.
pub(super) struct Dense<T, A> {
    ptr: Addr,
    is_long: bool,
    marker: PhantomData<(T, A)>,
}

/// Elements of a view with any stride.
pub(super) struct Sparse<T, A> {
    run: Run,
    is_long: bool,
    marker: PhantomData<(T, A)>,
}

impl<T, A> Dense<T, A> {
    /// Creates a series of the elements of a run, which must be contiguous.
    #[inline(always)]
    pub(super) fn of(run: Run, is_long: bool) -> Self {
        Self { ptr: run.ptr, is_long, marker: PhantomData }
    }
}

impl<T, A> Sparse<T, A> {
    #[inline(always)]
    pub(super) fn of(run: Run, is_long: bool) -> Self {
        Self { run, is_long, marker: PhantomData }
    }
}

macro_rules! copied {
    ($($Run:ident)*) => {$(
        impl<T, A> Clone for $Run<T, A> {
            #[inline(always)]
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<T, A> Copy for $Run<T, A> {}
    )*};
}
copied!(Dense Sparse);

// What makes them sees to it that all of their elements are a view's, which are initialized by the contract of
// `from_raw`; whoever asks for one asks for one that is there.

impl<T, A: Load<T>> Series<T> for Dense<T, A> {
    const TOGETHER: bool = A::TOGETHER;

    #[inline(always)]
    fn contiguous(self) -> bool {
        true
    }

    #[inline(always)]
    fn at(self, index: usize) -> T {
        // SAFETY: the address is an element's: see above.
        unsafe { A::load(self.ptr.add(index * size_of::<T>())) }
    }

    #[inline(always)]
    fn lanes<const N: usize>(self, index: usize) -> [T; N] {
        // SAFETY: as above, for all of them, which lie one after another.
        unsafe { A::load_lanes(self.ptr.add(index * size_of::<T>())) }
    }

    #[inline(always)]
    fn at_a_time(self) -> usize {
        if self.is_long { at_a_time(size_of::<T>()) } else { usize::MAX }
    }

    #[inline(always)]
    fn fetch(self, index: usize, len: usize) {
        if self.is_long {
            fetch(self.ptr.add(index * size_of::<T>()), len * size_of::<T>());
        }
    }
}

impl<T, A: Load<T>> Series<T> for Sparse<T, A> {
    const TOGETHER: bool = A::TOGETHER;

    #[inline(always)]
    fn contiguous(self) -> bool {
        false
    }

    #[inline(always)]
    fn at(self, index: usize) -> T {
        // SAFETY: the address is an element's: see above.
        unsafe { A::load(self.run.at(index)) }
    }

    #[inline(always)]
    fn lanes<const N: usize>(self, index: usize) -> [T; N] {
        std::array::from_fn(|lane| self.at(index + lane))
    }

    #[inline(always)]
    fn at_a_time(self) -> usize {
        if self.is_long { at_a_time(self.run.stride.unsigned_abs()) } else { usize::MAX }
    }

    #[inline(always)]
    fn fetch(self, index: usize, len: usize) {
        if self.is_long {
            self.run.fetch(index, len);
        }
    }
}

/// Evaluates an expression of a run's length and its elements, whose stride is a constant if they are contiguous. The
/// optional argument says whether the run is long, or one of many that are long together.
macro_rules! with_run {
    ($run:expr, $access:ty, $element:ty, |$len:ident, $elements:ident| $body:expr) => {{
        let run: Run = $run;
        with_run!(run, run.is_long(), $access, $element, |$len, $elements| $body)
    }};
    ($run:expr, $is_long:expr, $access:ty, $element:ty, |$len:ident, $elements:ident| $body:expr) => {{
        let (run, is_long): (Run, bool) = ($run, $is_long);
        let $len = run.len;
        if run.stride == size_of::<$element>() as isize {
            let $elements = Dense::<$element, $access>::of(run, is_long);
            $body
        } else {
            let $elements = Sparse::<$element, $access>::of(run, is_long);
            $body
        }
    }};
}

pub(super) use with_run;

impl<T, A> ArrayView<'_, T, A> {
    /// Returns the elements as one run if they are one, and fewer than would be added in lanes.
    #[inline(always)]
    fn few(&self) -> Option<Run> {
        let run = Runs::only(&self.raw).filter(|run| run.len < 8)?;
        // In the order of memory.
        match run.stride < 0 && run.len > 0 {
            true => Some(Run { ptr: run.at(run.len - 1), len: run.len, stride: run.stride.wrapping_neg() }),
            false => Some(run),
        }
    }

    /// Returns the runs of the view in memory order.
    pub(super) fn runs_in_memory_order(&self) -> Runs {
        self.in_memory_order(Runs::new)
    }

    /// Calls `f` with the elements in memory order.
    #[inline(always)]
    pub(super) fn in_memory_order<S>(&self, f: impl FnOnce(&RawView) -> S) -> S {
        if self.raw.axes.is_in_memory_order() {
            return f(&self.raw);
        }
        let (axes, offset) = self.raw.axes.in_memory_order();
        f(&RawView { ptr: self.raw.ptr.offset(offset), axes })
    }
}

/// Returns what `of` makes of the runs of elements that are in memory order, combined by `add` if the runs come in two
/// parts.
#[inline(always)]
fn reduced<S>(raw: &RawView, mut of: impl FnMut(&mut Runs) -> Option<S>, add: impl Fn(S, S) -> S) -> Option<S> {
    let mut runs = Runs::new(raw);
    if !runs.has_small_planes() {
        return of(&mut runs);
    }
    let parts = Runs::tiles(raw).into_iter().flatten();
    parts.filter_map(|mut runs| of(&mut runs)).reduce(add)
}

/// Runs of elements to reduce, all of them initialized. Runs are held by reference because they are large, and the view
/// may be small.
struct Elements<'a, T, A> {
    runs: &'a mut Runs,
    marker: PhantomData<(T, A)>,
}

impl<'a, T, A> Elements<'a, T, A> {
    fn of(runs: &'a mut Runs) -> Self {
        Self { runs, marker: PhantomData }
    }
}

/// A way of adding the elements of runs.
pub(super) trait Adding<T> {
    type Sum: Copy;

    /// The sum of no elements.
    const NONE: Self::Sum;

    fn of_run(len: usize, run: impl Series<T>) -> Self::Sum;

    fn add(one: Self::Sum, other: Self::Sum) -> Self::Sum;
}

/// Adds in the type of the sum.
pub(super) enum AsSum {}

/// Adds in the type of the mean.
pub(super) enum AsMean {}

/// Adds the elements that are not NaN, in the type of the sum.
pub(super) enum NotNan {}

impl<T: Number> Adding<T> for AsSum {
    type Sum = T::Sum;
    const NONE: T::Sum = T::ZERO;

    #[inline(always)]
    fn of_run(len: usize, run: impl Series<T>) -> T::Sum {
        T::sum_run(len, run)
    }

    #[inline(always)]
    fn add(one: T::Sum, other: T::Sum) -> T::Sum {
        T::add(one, other)
    }
}

impl<T: Number> Adding<T> for AsMean {
    type Sum = T::Mean;
    const NONE: T::Mean = T::NO_MEAN;

    #[inline(always)]
    fn of_run(len: usize, run: impl Series<T>) -> T::Mean {
        T::mean_run(len, run)
    }

    #[inline(always)]
    fn add(one: T::Mean, other: T::Mean) -> T::Mean {
        T::mean_add(one, other)
    }
}

impl<T: Number> Adding<T> for NotNan {
    type Sum = T::Sum;
    const NONE: T::Sum = T::ZERO;

    #[inline(always)]
    fn of_run(len: usize, run: impl Series<T>) -> T::Sum {
        T::nan_sum_run(len, run)
    }

    #[inline(always)]
    fn add(one: T::Sum, other: T::Sum) -> T::Sum {
        T::add(one, other)
    }
}

struct Added<'a, T, A, R> {
    elements: Elements<'a, T, A>,
    how: PhantomData<R>,
}

impl<T, A: Load<T>, R: Adding<T>> Kernel for Added<'_, T, A, R> {
    type Output = Option<R::Sum>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        let mut sums = Cascade::new();
        while let Some(plane) = self.elements.runs.next_rows(usize::MAX) {
            let is_long = plane.is_long();
            plane.for_each_run(|run, _, _| {
                sums.push(with_run!(run, is_long, A, T, |len, run| R::of_run(len, run)), R::add)
            });
        }
        sums.total(R::add)
    }
}

/// Returns the sum of elements that are in memory order, all of them initialized, or `None` if there are none.
pub(super) fn added<T, A: Load<T>, R: Adding<T>>(raw: &RawView) -> Option<R::Sum> {
    let of = |runs: &mut Runs| wide::run(Added::<T, A, R> { elements: Elements::of(runs), how: PhantomData });
    reduced(raw, of, R::add)
}

/// Returns the sum of elements that are in memory order, added to the sum of none, so that the sum of negative zeros is
/// 0.
pub(super) fn total<T, A: Load<T>, R: Adding<T>>(raw: &RawView) -> R::Sum {
    added::<T, A, R>(raw).map_or(R::NONE, |sum| R::add(R::NONE, sum))
}

/// The kernel of the sum, in the type of the mean, and the count of the elements that are not NaN.
struct NanMean<'a, T, A>(Elements<'a, T, A>);

impl<T: Number, A: Load<T>> Kernel for NanMean<'_, T, A> {
    type Output = Option<(T::Mean, usize)>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        let (mut sums, mut count) = (Cascade::new(), 0);
        while let Some(plane) = self.0.runs.next_rows(usize::MAX) {
            let is_long = plane.is_long();
            plane.for_each_run(|run, _, _| {
                with_run!(run, is_long, A, T, |len, run| for_blocks(len, run, |len, run| {
                    count += (0..len).map(|index| usize::from(!run.at(index).is_nan())).sum::<usize>();
                    sums.push(T::nan_mean_run(len, run), T::mean_add);
                }))
            });
        }
        sums.total(T::mean_add).map(|sum| (sum, count))
    }
}

/// Returns the sum, in the type of the mean, and the count of the elements that are not NaN. All elements must be
/// initialized and in memory order.
pub(super) fn nan_mean_sum<T: Number, A: Load<T>>(raw: &RawView) -> Option<(T::Mean, usize)> {
    let of = |runs: &mut Runs| wide::run(NanMean(Elements::<T, A>::of(runs)));
    reduced(raw, of, |(one, count), (other, more)| (T::mean_add(one, other), count + more))
}

/// The kernel of the smallest or the largest element.
struct Extreme<'a, T, A, const LARGEST: bool>(Elements<'a, T, A>);

impl<T: Ordered, A: Load<T>, const LARGEST: bool> Kernel for Extreme<'_, T, A, LARGEST> {
    type Output = Option<T>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        let mut extreme: Option<T::Native> = None;
        while let Some(plane) = self.0.runs.next_rows(usize::MAX) {
            let is_long = plane.is_long();
            plane.for_each_run(|run, _, _| {
                let of_run = with_run!(run, is_long, A, T, |len, run| extreme_of_run::<T, LARGEST>(len, run));
                extreme = Some(extreme.map_or(of_run, |best| choose::<T, LARGEST>(best, of_run)));
            });
        }
        extreme.map(T::from_native)
    }
}

/// The number of elements in a block that is read twice.
pub(super) const BLOCK: usize = 1 << 10;

/// Calls `f` with the elements of a run in blocks, which are still in the cache when they are read a second time.
#[inline(always)]
pub(super) fn for_blocks<T, R: Series<T>>(len: usize, run: R, mut f: impl FnMut(usize, Rest<R>)) {
    let mut start = 0;
    while start < len {
        let count = BLOCK.min(len - start);
        run.fetch(start, count);
        f(count, Rest { run, start });
        start += count;
    }
}

/// Returns the smaller or the larger of two numbers.
#[inline(always)]
pub(super) fn choose<T: Ordered, const LARGEST: bool>(a: T::Native, b: T::Native) -> T::Native {
    if LARGEST { T::larger(a, b) } else { T::smaller(a, b) }
}

/// Returns the smaller or the larger of two elements.
pub(super) fn best<T: Ordered, const LARGEST: bool>(one: T, other: T) -> T {
    T::from_native(choose::<T, LARGEST>(one.native(), other.native()))
}

/// Returns the smallest or the largest element of a run, which must have at least one.
#[inline(always)]
pub(super) fn extreme_of_run<T: Ordered, const LARGEST: bool>(len: usize, run: impl Series<T>) -> T::Native {
    match By::of(run) {
        // So that no comparison waits for the one before.
        _ if !T::PLAIN => extreme_of_lanes::<T, LARGEST, 16>(len, run),
        // What is compared by one instruction the compiler takes many at a time by itself.
        By::One => extreme_of_lanes::<T, LARGEST, 0>(len, run),
        By::Two => extreme_of_lanes::<T, LARGEST, 2>(len, run),
        // Of small ones as many as a vector has, by whose minimum the compiler then compares them.
        By::Few if size_of::<T>() <= 2 => extreme_of_lanes::<T, LARGEST, 16>(len, run),
        By::Few => extreme_of_lanes::<T, LARGEST, 4>(len, run),
        By::Many => extreme_of_lanes::<T, LARGEST, 32>(len, run),
    }
}

/// Returns the smallest or the largest element of a run, in `N` lanes, or without lanes if `N` is 0.
#[inline(always)]
fn extreme_of_lanes<T: Ordered, const LARGEST: bool, const N: usize>(len: usize, run: impl Series<T>) -> T::Native {
    let (mut best, most) = (run.at(0).native(), run.at_a_time());
    let (mut lanes, mut index) = ([best; N], 0);
    while index < len {
        let end = len.min(index.saturating_add(most));
        run.fetch(index, end - index);
        while N > 0 && end - index >= N {
            for (best, element) in lanes.iter_mut().zip(run.lanes::<N>(index)) {
                *best = choose::<T, LARGEST>(*best, element.native());
            }
            index += N;
        }
        // The next ones begin where the lanes have come to, so that few are left over in the end.
        if N == 0 || end == len || end - index == most {
            for index in index..end {
                best = choose::<T, LARGEST>(best, run.at(index).native());
            }
            index = end;
        }
    }
    lanes.into_iter().fold(best, choose::<T, LARGEST>)
}

impl<T: Number, A: Load<T>> ArrayView<'_, T, A> {
    /// Returns the sum of all elements. NumPy: `arr.sum()`.
    ///
    /// Floats are summed pairwise in their own type (those of 8 and 16 bits in `f32`, long doubles in `f64`). The sums
    /// of integers are `i128` or `u128` and exact, while NumPy's `int64` would wrap around. The sum of no elements is
    /// 0.
    ///
    /// ```
    /// let view = mmap_array::ArrayView::from_slice(&[200_u8, 100, 50], 3)?;
    /// assert_eq!(view.sum(), 350);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[must_use]
    #[inline]
    pub fn sum(&self) -> T::Sum {
        match self.few() {
            // As the loops do it.
            Some(run) => run.fold::<T, _>(T::ZERO, |sum, source| {
                // SAFETY: the addresses are those of elements of the view, initialized by the contract of `from_raw`.
                T::add(sum, as_sum(unsafe { A::load(source) }))
            }),
            None => self.sum_of_many(),
        }
    }

    fn sum_of_many(&self) -> T::Sum {
        self.in_memory_order(total::<T, A, AsSum>)
    }

    /// Returns the mean of all elements, or `None` if there are none. It is computed in `f64` for any type of elements
    /// (complex numbers have a complex mean).
    ///
    /// NumPy's `arr.mean()` of `float32` adds in `float32`; this method adds in `f64`, like
    /// `arr.mean(dtype=np.float64)`.
    ///
    /// ```
    /// let view = mmap_array::ArrayView::from_slice(&[1_u8, 2, 6], 3)?;
    /// assert_eq!(view.mean(), Some(3.0));
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[must_use]
    pub fn mean(&self) -> Option<T::Mean> {
        self.mean_sum().map(|sum| T::mean_of(T::mean_add(T::NO_MEAN, sum), self.len()))
    }

    /// Returns the sum in the type of the mean, or `None` if there are no elements.
    pub(super) fn mean_sum(&self) -> Option<T::Mean> {
        self.in_memory_order(added::<T, A, AsMean>)
    }
}

impl<T: Ordered, A: Load<T>> ArrayView<'_, T, A> {
    /// Returns the smallest element, or NaN (or NaT) if there is one, or `None` if there are no elements. NumPy:
    /// `arr.min()`.
    ///
    /// ```
    /// let view = mmap_array::ArrayView::from_slice(&[3.5, -1.0, 2.0], 3)?;
    /// assert_eq!((view.min(), view.max()), (Some(-1.0), Some(3.5)));
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[must_use]
    pub fn min(&self) -> Option<T> {
        self.extreme::<false>()
    }

    /// Returns the largest element, or NaN (or NaT) if there is one, or `None` if there are no elements. NumPy:
    /// `arr.max()`.
    #[must_use]
    pub fn max(&self) -> Option<T> {
        self.extreme::<true>()
    }

    fn extreme<const LARGEST: bool>(&self) -> Option<T> {
        let of = |runs: &mut Runs| wide::run(Extreme::<T, A, LARGEST>(Elements::of(runs)));
        self.in_memory_order(|raw| reduced(raw, of, best::<T, LARGEST>))
    }
}

#[cfg(test)]
mod tests;
