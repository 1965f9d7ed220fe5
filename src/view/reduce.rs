//! Sums, means and extremes of numeric views.
//!
//! The order of the elements does not matter to these, so they go through memory as it lies: a matrix in Fortran order
//! is summed as fast as one in C order. Sums of floats are pairwise with eight partial sums, as NumPy's are: the error
//! grows with the logarithm of the length, and no addition waits for the one before. Sums of integers are exact.
//! Numbers in another byte order than the machine's are turned on the way, many at a time.

use super::iter::{Run, Runs, at_a_time, fetch};
use super::wide::{self, Kernel};
use super::{ArrayView, RawView};
use crate::access::{Addr, Load};
use crate::element::number::as_sum;
use crate::element::series::{By, Rest, Series};
use crate::element::{Number, Ordered};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
/// The sums of runs, added up pairwise as the elements of a run are, so that many short runs lose no more than a long
/// one.
pub(super) struct Cascade<S> {
    /// Level `k` holds the sum of 2^k runs, where the number of runs so far has that bit. It was written when the bit
    /// became 1. The others are left as they are, since most views have one run.
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

    /// The sum of all, or `None` of no runs.
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

/// Elements of a view that lie one after another.
pub(super) struct Dense<T, A> {
    ptr: Addr,
    is_long: bool,
    marker: PhantomData<(T, A)>,
}

/// Elements of a view at any distance.
pub(super) struct Sparse<T, A> {
    run: Run,
    is_long: bool,
    marker: PhantomData<(T, A)>,
}

impl<T, A> Dense<T, A> {
    /// The elements of a run, which do lie so.
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

// What makes them sees to it that all of their elements are a view's, which are initialised by the contract of `from_raw`;
// whoever asks for one asks for one that is there.

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

/// Evaluates an expression of a run's length and its elements, whose stride is a constant where they lie one after another.
/// Whether the run is long, or one of many that make up a long one, is said where it is known.
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
    /// The elements as one run, where they are one, of fewer than have lanes of their own.
    #[inline(always)]
    fn few(&self) -> Option<Run> {
        let run = Runs::only(&self.raw).filter(|run| run.len < 8)?;
        // In the order of memory.
        match run.stride < 0 && run.len > 0 {
            true => Some(Run { ptr: run.at(run.len - 1), len: run.len, stride: run.stride.wrapping_neg() }),
            false => Some(run),
        }
    }

    /// The runs of the view in the order of memory.
    pub(super) fn runs_in_memory_order(&self) -> Runs {
        self.in_memory_order(Runs::new)
    }

    /// Calls `f` with the elements in the order of memory.
    #[inline(always)]
    pub(super) fn in_memory_order<S>(&self, f: impl FnOnce(&RawView) -> S) -> S {
        if self.raw.axes.is_in_memory_order() {
            return f(&self.raw);
        }
        let (axes, offset) = self.raw.axes.in_memory_order();
        f(&RawView { ptr: self.raw.ptr.offset(offset), axes })
    }
}

/// What `of` makes of the runs of elements that are in the order of memory, put together by `add` where they come in two
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

/// Runs of elements to reduce, all of them initialised. By reference: they are large, and the view may be small.
struct Elements<'a, T, A> {
    runs: &'a mut Runs,
    marker: PhantomData<(T, A)>,
}

impl<'a, T, A> Elements<'a, T, A> {
    fn of(runs: &'a mut Runs) -> Self {
        Self { runs, marker: PhantomData }
    }
}

/// How the elements of runs are added up.
pub(super) trait Adding<T> {
    type Sum: Copy;

    /// The sum of no elements.
    const NONE: Self::Sum;

    fn of_run(len: usize, run: impl Series<T>) -> Self::Sum;

    fn add(one: Self::Sum, other: Self::Sum) -> Self::Sum;
}

/// In the type of the sum.
pub(super) enum AsSum {}

/// In the type of the mean.
pub(super) enum AsMean {}

/// Those that are not NaN, in the type of the sum.
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

/// The sum of elements that are in the order of memory, all of them initialised; `None` where there are none.
fn added<T, A: Load<T>, R: Adding<T>>(raw: &RawView) -> Option<R::Sum> {
    let of = |runs: &mut Runs| wide::run(Added::<T, A, R> { elements: Elements::of(runs), how: PhantomData });
    reduced(raw, of, R::add)
}

/// The same, from the sum of none on, by which the sum of negative zeros is 0.
pub(super) fn total<T, A: Load<T>, R: Adding<T>>(raw: &RawView) -> R::Sum {
    added::<T, A, R>(raw).map_or(R::NONE, |sum| R::add(R::NONE, sum))
}

/// The sum of the elements that are not NaN in the type of the mean, and how many there are.
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

/// The same of elements that are in the order of memory, all of them initialised.
pub(super) fn nan_mean_sum<T: Number, A: Load<T>>(raw: &RawView) -> Option<(T::Mean, usize)> {
    let of = |runs: &mut Runs| wide::run(NanMean(Elements::<T, A>::of(runs)));
    reduced(raw, of, |(one, count), (other, more)| (T::mean_add(one, other), count + more))
}

/// The smallest element, or the largest.
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

/// How many elements are looked at twice at a time.
pub(super) const BLOCK: usize = 1 << 10;

/// Calls `f` with the elements of a run, so many at a time that they are in the cache when they are looked at twice.
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

/// Of two, the smaller or the larger.
#[inline(always)]
pub(super) fn choose<T: Ordered, const LARGEST: bool>(a: T::Native, b: T::Native) -> T::Native {
    if LARGEST { T::larger(a, b) } else { T::smaller(a, b) }
}

/// Of two elements, the smaller or the larger.
pub(super) fn best<T: Ordered, const LARGEST: bool>(one: T, other: T) -> T {
    T::from_native(choose::<T, LARGEST>(one.native(), other.native()))
}

/// The smallest or the largest element of a run, which has one.
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

/// The same by so many at a time, or by none that are together.
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
    /// The sum of all elements: NumPy's `arr.sum()`.
    ///
    /// Floats are summed pairwise in their own type. Integers give `i128` or `u128`, exact where NumPy's `int64` would
    /// wrap around. The sum of no elements is 0.
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
                // SAFETY: the addresses are those of elements of the view, initialised by the contract of `from_raw`.
                T::add(sum, as_sum(unsafe { A::load(source) }))
            }),
            None => self.sum_of_many(),
        }
    }

    fn sum_of_many(&self) -> T::Sum {
        self.in_memory_order(total::<T, A, AsSum>)
    }

    /// The mean of all elements in `f64`, whatever their type (complex numbers give complex ones); `None` where there
    /// are none.
    ///
    /// NumPy's `arr.mean()` of `float32` adds in `float32`; this adds in `f64`, as `arr.mean(dtype=np.float64)`.
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

    /// The sum in the type of the mean.
    pub(super) fn mean_sum(&self) -> Option<T::Mean> {
        self.in_memory_order(added::<T, A, AsMean>)
    }
}

impl<T: Ordered, A: Load<T>> ArrayView<'_, T, A> {
    /// The smallest element, or NaN (or NaT) where one is, as `arr.min()`; `None` where there are none.
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

    /// The largest element, or NaN (or NaT) where one is, as `arr.max()`; `None` where there are none.
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
