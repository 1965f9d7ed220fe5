//! Sums, means and extremes of numeric views.
//!
//! The order of the elements does not matter to these, so they go through memory as it lies: a matrix in Fortran order
//! is summed as fast as one in C order. Sums of floats are pairwise with eight partial sums, as NumPy's are: the error
//! grows with the logarithm of the length, and no addition waits for the one before. Sums of integers are exact. Numbers
//! in another byte order than the machine's are turned on the way, many at a time.

use super::iter::{Run, Runs};
use super::wide::{self, Kernel};
use super::{ArrayView, RawView};
use crate::access::Access;
use crate::element::endian::{Endian, Scalar};
use byteorder::ByteOrder;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::{Add, AddAssign, Neg, Range};

/// The numbers that can be summed: `i8` to `i64`, `u8` to `u64`, `f32`, `f64`, [`Bool`](crate::Bool), and
/// [`Endian`] of them; `half::f16` and `num_complex::Complex` with those features. The trait is sealed.
pub trait Numeric: Copy + sealed::Sealed {
    /// What a sum is: `f32` and `f64` for themselves, `i128` and `u128` for integers, which never overflow, `u128` for
    /// [`Bool`](crate::Bool), whose sum counts, and `f32` for `f16`.
    type Sum: Copy;

    /// What a mean is: `f64`, or `Complex<f64>` of complex numbers.
    type Mean: Copy;

    /// The sum of no elements.
    #[doc(hidden)]
    const ZERO: Self::Sum;

    #[doc(hidden)]
    fn add(a: Self::Sum, b: Self::Sum) -> Self::Sum;

    /// The sum of the elements `load(0)` to `load(len - 1)`, which lie one after another if they are `contiguous`.
    #[doc(hidden)]
    fn sum_run(len: usize, contiguous: bool, load: impl Fn(usize) -> Self + Copy) -> Self::Sum;

    /// The same in the type of the mean.
    #[doc(hidden)]
    fn mean_run(len: usize, contiguous: bool, load: impl Fn(usize) -> Self + Copy) -> Self::Mean;

    #[doc(hidden)]
    fn mean_add(a: Self::Mean, b: Self::Mean) -> Self::Mean;

    #[doc(hidden)]
    fn mean_of(sum: Self::Mean, len: usize) -> Self::Mean;
}

/// The elements that have a smallest and a largest among them: the real numbers of [`Numeric`],
/// [`DateTime64`](crate::DateTime64) and [`TimeDelta64`](crate::TimeDelta64), and [`Endian`] of them. The trait is
/// sealed.
///
/// ```
/// use mmap_array::{ArrayView, Be};
/// let depths = [Be::new(3_i16), Be::new(-1)];
/// let view = ArrayView::from_slice(&depths, 2)?;
/// assert_eq!(view.min(), Some(Be::new(-1)));
/// # Ok::<(), mmap_array::Error>(())
/// ```
pub trait Ordered: Copy + sealed::Sealed {
    /// What is compared, in the machine's byte order.
    #[doc(hidden)]
    type Native: Copy;

    /// Whether the smaller or larger of two is one instruction, as of integers.
    #[doc(hidden)]
    const PLAIN: bool = false;

    #[doc(hidden)]
    fn native(self) -> Self::Native;

    #[doc(hidden)]
    fn from_native(native: Self::Native) -> Self;

    /// Of two, the smaller; NaN (or NaT) where one is.
    #[doc(hidden)]
    fn smaller(a: Self::Native, b: Self::Native) -> Self::Native;

    /// Of two, the larger; NaN (or NaT) where one is.
    #[doc(hidden)]
    fn larger(a: Self::Native, b: Self::Native) -> Self::Native;
}

pub(crate) mod sealed {
    pub trait Sealed {}
}

/// Below this length a sum is taken in one go: NumPy's `PW_BLOCKSIZE`.
const BLOCK: usize = 128;

/// The pairwise sum, by the scheme of NumPy's `pairwise_sum`: the sum of the one half and that of the other.
///
/// Without recursion, which could not be compiled for wide instructions where it is called from (see `wide`).
#[inline(always)]
pub(crate) fn pairwise<F>(len: usize, load: impl Fn(usize) -> F + Copy) -> F
where
    F: Copy + Add<Output = F> + AddAssign + Neg<Output = F> + Default,
{
    if len <= BLOCK {
        return pairwise_block(0, len, load);
    }
    /// What a half is for, one for each time that the length was halved.
    #[derive(Clone, Copy)]
    enum Half<F> {
        /// It is the left one; the right one has that length.
        Left(usize),
        /// It is the right one; the left one's sum is this.
        Right(F),
    }
    // More often than any length can be halved.
    let mut halves = [Half::<F>::Left(0); 72];
    let (mut depth, mut start, mut len) = (0, 0, len);
    loop {
        while len > BLOCK {
            let half = len / 2 - (len / 2) % 8;
            halves[depth] = Half::Left(len - half);
            depth += 1;
            len = half;
        }
        let mut sum = pairwise_block(start, len, load);
        start += len;
        loop {
            if depth == 0 {
                return sum;
            }
            match halves[depth - 1] {
                Half::Left(right) => {
                    halves[depth - 1] = Half::Right(sum);
                    len = right;
                    break;
                }
                Half::Right(left) => {
                    sum = left + sum;
                    depth -= 1;
                }
            }
        }
    }
}

/// The sum of at most [`BLOCK`] elements.
#[inline(always)]
fn pairwise_block<F>(start: usize, len: usize, load: impl Fn(usize) -> F + Copy) -> F
where
    F: Copy + Add<Output = F> + AddAssign + Neg<Output = F> + Default,
{
    if len < 8 {
        // -0, so that a sum of negative zeros is one.
        let mut sum = -F::default();
        for index in start..start + len {
            sum += load(index);
        }
        return sum;
    }
    let mut partial: [F; 8] = std::array::from_fn(|lane| load(start + lane));
    let whole = len - len % 8;
    let mut index = start + 8;
    while index < start + whole {
        for (lane, sum) in partial.iter_mut().enumerate() {
            *sum += load(index + lane);
        }
        index += 8;
    }
    let [a, b, c, d, e, f, g, h] = partial;
    let mut sum = ((a + b) + (c + d)) + ((e + f) + (g + h));
    for index in start + whole..start + len {
        sum += load(index);
    }
    sum
}

/// The parts of [`Numeric`] for a mean in `f64`.
macro_rules! mean_in_f64 {
    () => {
        #[inline(always)]
        fn mean_add(a: f64, b: f64) -> f64 {
            a + b
        }

        #[inline(always)]
        fn mean_of(sum: f64, len: usize) -> f64 {
            sum / len as f64
        }
    };
}
pub(crate) use mean_in_f64;

/// The parts of [`Ordered`] for elements in the machine's byte order.
macro_rules! itself {
    () => {
        type Native = Self;

        #[inline(always)]
        fn native(self) -> Self {
            self
        }

        #[inline(always)]
        fn from_native(native: Self) -> Self {
            native
        }
    };
}
pub(crate) use itself;

/// The parts of [`Ordered`] for floats.
macro_rules! nan_spreads {
    () => {
        #[inline(always)]
        fn smaller(a: Self, b: Self) -> Self {
            // A NaN on the left stays, since nothing is smaller; one on the right is taken.
            if b < a || b.is_nan() { b } else { a }
        }

        #[inline(always)]
        fn larger(a: Self, b: Self) -> Self {
            if b > a || b.is_nan() { b } else { a }
        }
    };
}
#[cfg(feature = "half")]
pub(crate) use nan_spreads;

macro_rules! floats {
    ($($float:ty),*) => {$(
        impl sealed::Sealed for $float {}
        impl Numeric for $float {
            type Sum = $float;
            type Mean = f64;
            const ZERO: $float = 0.0;

            #[inline(always)]
            fn add(a: $float, b: $float) -> $float {
                a + b
            }

            #[inline(always)]
            fn sum_run(len: usize, _: bool, load: impl Fn(usize) -> Self + Copy) -> $float {
                pairwise(len, load)
            }

            #[inline(always)]
            fn mean_run(len: usize, _: bool, load: impl Fn(usize) -> Self + Copy) -> f64 {
                pairwise(len, move |index| f64::from(load(index)))
            }

            mean_in_f64!();
        }

        impl Ordered for $float {
            itself!();
            nan_spreads!();
        }
    )*};
}
floats!(f32, f64);

macro_rules! integers {
    ($($integer:ty: $chunk:ty, $sum:ty, $sum_of:ident);*) => {$(
        impl sealed::Sealed for $integer {}
        impl Numeric for $integer {
            type Sum = $sum;
            type Mean = f64;
            const ZERO: $sum = 0;

            #[inline(always)]
            fn add(a: $sum, b: $sum) -> $sum {
                a + b
            }

            #[inline(always)]
            fn sum_run(len: usize, contiguous: bool, load: impl Fn(usize) -> Self + Copy) -> $sum {
                let mut sum: $sum = 0;
                let mut start = 0;
                while start < len {
                    // As many as cannot overflow 64 bits: 2^30 of 32 bits stay within 62.
                    let end = len.min(start.saturating_add(1 << 30));
                    sum += $sum_of!($integer, $chunk, $sum, start..end, contiguous, load);
                    start = end;
                }
                sum
            }

            #[inline(always)]
            fn mean_run(len: usize, contiguous: bool, load: impl Fn(usize) -> Self + Copy) -> f64 {
                Self::sum_run(len, contiguous, load) as f64
            }

            mean_in_f64!();
        }

        impl Ordered for $integer {
            itself!();
            const PLAIN: bool = true;

            #[inline(always)]
            fn smaller(a: Self, b: Self) -> Self {
                a.min(b)
            }

            #[inline(always)]
            fn larger(a: Self, b: Self) -> Self {
                a.max(b)
            }
        }
    )*};
}

/// The sum of some integers of up to 32 bits, in 64.
macro_rules! narrow {
    ($integer:ty, $chunk:ty, $sum:ty, $range:expr, $contiguous:ident, $load:ident) => {{
        let mut chunk: $chunk = 0;
        let range: Range<usize> = $range;
        // By twos at a stride that the compiler does not know: it makes more of them. Else it knows better by itself.
        let even = if $contiguous { range.start } else { range.end - range.len() % 2 };
        for index in (range.start..even).step_by(2) {
            chunk += <$chunk>::from($load(index)) + <$chunk>::from($load(index + 1));
        }
        for index in even..range.end {
            chunk += <$chunk>::from($load(index));
        }
        <$sum>::from(chunk)
    }};
}

/// The sum of some integers of 64 bits: of their upper halves and of their lower ones, in 64 bits each.
macro_rules! halves {
    ($integer:ty, $chunk:ty, $sum:ty, $range:expr, $contiguous:ident, $load:ident) => {{
        // At any stride.
        let _: bool = $contiguous;
        let (mut upper, mut lower): ($chunk, u64) = (0, 0);
        for index in $range {
            let value: $integer = $load(index);
            upper += value >> 32;
            lower += u64::from(value as u32);
        }
        (<$sum>::from(upper) << 32) + <$sum>::from(lower)
    }};
}

integers! {
    i8: i64, i128, narrow; i16: i64, i128, narrow; i32: i64, i128, narrow; i64: i64, i128, halves;
    u8: u64, u128, narrow; u16: u64, u128, narrow; u32: u64, u128, narrow; u64: u64, u128, halves
}

impl<T: Scalar, E: ByteOrder> sealed::Sealed for Endian<T, E> {}

impl<T: Scalar + Numeric, E: ByteOrder> Numeric for Endian<T, E> {
    type Sum = T::Sum;
    type Mean = T::Mean;
    const ZERO: T::Sum = T::ZERO;

    #[inline(always)]
    fn add(a: T::Sum, b: T::Sum) -> T::Sum {
        T::add(a, b)
    }

    #[inline(always)]
    fn sum_run(len: usize, contiguous: bool, load: impl Fn(usize) -> Self + Copy) -> T::Sum {
        T::sum_run(len, contiguous, move |index| load(index).get())
    }

    #[inline(always)]
    fn mean_run(len: usize, contiguous: bool, load: impl Fn(usize) -> Self + Copy) -> T::Mean {
        T::mean_run(len, contiguous, move |index| load(index).get())
    }

    #[inline(always)]
    fn mean_add(a: T::Mean, b: T::Mean) -> T::Mean {
        T::mean_add(a, b)
    }

    #[inline(always)]
    fn mean_of(sum: T::Mean, len: usize) -> T::Mean {
        T::mean_of(sum, len)
    }
}

impl<T: Scalar + Ordered, E: ByteOrder> Ordered for Endian<T, E> {
    type Native = T::Native;
    const PLAIN: bool = T::PLAIN;

    #[inline(always)]
    fn native(self) -> T::Native {
        self.get().native()
    }

    #[inline(always)]
    fn from_native(native: T::Native) -> Self {
        Self::new(T::from_native(native))
    }

    #[inline(always)]
    fn smaller(a: T::Native, b: T::Native) -> T::Native {
        T::smaller(a, b)
    }

    #[inline(always)]
    fn larger(a: T::Native, b: T::Native) -> T::Native {
        T::larger(a, b)
    }
}

/// The sums of runs, added up pairwise as the elements of a run are, so that many short runs lose no more than a long one.
struct Cascade<S> {
    /// Level `k` holds the sum of 2^k runs, where the number of runs so far has that bit. It was written when the bit
    /// became 1. The others are left as they are, since most views have one run.
    levels: [MaybeUninit<S>; usize::BITS as usize],
    runs: usize,
}

impl<S: Copy> Cascade<S> {
    #[inline(always)]
    fn new() -> Self {
        Self { levels: [const { MaybeUninit::uninit() }; usize::BITS as usize], runs: 0 }
    }

    #[inline(always)]
    fn push(&mut self, mut sum: S, add: impl Fn(S, S) -> S) {
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
    fn total(&self, add: impl Fn(S, S) -> S) -> Option<S> {
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

/// Evaluates an expression of a run's length, whether it is contiguous and a way to load its elements, whose stride is a
/// constant where it is.
macro_rules! with_run {
    ($run:expr, $access:ty, $element:ty, |$len:ident, $contiguous:ident, $load:ident| $body:expr) => {{
        let run: Run = $run;
        let $len = run.len;
        if run.stride == size_of::<$element>() as isize {
            let $contiguous = true;
            let first = run.ptr.cast::<$element>();
            // SAFETY: below the run's length each address is an element of the view's, initialised by the contract of
            // `from_raw`.
            let $load = |index: usize| unsafe { <$access>::load(first.wrapping_add(index)) };
            $body
        } else {
            let $contiguous = false;
            // SAFETY: as above.
            let $load = |index: usize| unsafe { <$access>::load(run.at::<$element>(index)) };
            $body
        }
    }};
}

impl<T, A> ArrayView<'_, T, A> {
    /// The runs of the view in the order of memory.
    fn runs_in_memory_order(&self) -> Runs {
        if self.raw.axes.is_in_memory_order() {
            return Runs::new(&self.raw);
        }
        let (axes, offset) = self.raw.axes.in_memory_order();
        Runs::new(&RawView { ptr: self.raw.ptr.wrapping_offset(offset), axes })
    }
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

struct Sum<'a, T, A>(Elements<'a, T, A>);

impl<T: Numeric, A: Access<T>> Kernel for Sum<'_, T, A> {
    type Output = Option<T::Sum>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        let mut sums = Cascade::new();
        while let Some(plane) = self.0.runs.next_rows(usize::MAX) {
            plane.for_each_run(|run, _, _| {
                sums.push(with_run!(run, A, T, |len, contiguous, load| T::sum_run(len, contiguous, load)), T::add)
            });
        }
        sums.total(T::add)
    }
}

/// The sum in the type of the mean.
struct Mean<'a, T, A>(Elements<'a, T, A>);

impl<T: Numeric, A: Access<T>> Kernel for Mean<'_, T, A> {
    type Output = Option<T::Mean>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        let mut sums = Cascade::new();
        while let Some(plane) = self.0.runs.next_rows(usize::MAX) {
            plane.for_each_run(|run, _, _| {
                sums.push(with_run!(run, A, T, |len, contiguous, load| T::mean_run(len, contiguous, load)), T::mean_add)
            });
        }
        sums.total(T::mean_add)
    }
}

/// The smallest element, or the largest.
struct Extreme<'a, T, A, const LARGEST: bool>(Elements<'a, T, A>);

impl<T: Ordered, A: Access<T>, const LARGEST: bool> Kernel for Extreme<'_, T, A, LARGEST> {
    type Output = Option<T>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        let choose = |a, b| if LARGEST { T::larger(a, b) } else { T::smaller(a, b) };
        let mut extreme: Option<T::Native> = None;
        while let Some(plane) = self.0.runs.next_rows(usize::MAX) {
            plane.for_each_run(|run, _, _| {
                let of_run = with_run!(run, A, T, |len, contiguous, load| {
                    let first = load(0).native();
                    // What is compared by one instruction the compiler takes many at a time by itself.
                    let whole = if T::PLAIN { 0 } else { len - len % 8 };
                    // Eight at a time, so that no comparison waits for the one before.
                    let mut lanes = [first; 8];
                    let mut index = 0;
                    while index < whole {
                        for (lane, best) in lanes.iter_mut().enumerate() {
                            *best = choose(*best, load(index + lane).native());
                        }
                        index += 8;
                    }
                    let mut best = first;
                    // As for sums of integers.
                    while T::PLAIN && !contiguous && len - index >= 2 {
                        best = choose(best, choose(load(index).native(), load(index + 1).native()));
                        index += 2;
                    }
                    for index in index..len {
                        best = choose(best, load(index).native());
                    }
                    if T::PLAIN { best } else { lanes.iter().fold(best, |best, &lane| choose(best, lane)) }
                });
                extreme = Some(extreme.map_or(of_run, |best| choose(best, of_run)));
            });
        }
        extreme.map(T::from_native)
    }
}

impl<T: Numeric, A: Access<T>> ArrayView<'_, T, A> {
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
    pub fn sum(&self) -> T::Sum {
        wide::run(Sum(Elements::<T, A>::of(&mut self.runs_in_memory_order()))).unwrap_or(T::ZERO)
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
        wide::run(Mean(Elements::<T, A>::of(&mut self.runs_in_memory_order()))).map(|sum| T::mean_of(sum, self.len()))
    }
}

impl<T: Ordered, A: Access<T>> ArrayView<'_, T, A> {
    /// The smallest element, or NaN (or NaT) where one is, as `arr.min()`; `None` where there are none.
    ///
    /// ```
    /// let view = mmap_array::ArrayView::from_slice(&[3.5, -1.0, 2.0], 3)?;
    /// assert_eq!((view.min(), view.max()), (Some(-1.0), Some(3.5)));
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[must_use]
    pub fn min(&self) -> Option<T> {
        wide::run(Extreme::<T, A, false>(Elements::of(&mut self.runs_in_memory_order())))
    }

    /// The largest element, or NaN (or NaT) where one is, as `arr.max()`; `None` where there are none.
    #[must_use]
    pub fn max(&self) -> Option<T> {
        wide::run(Extreme::<T, A, true>(Elements::of(&mut self.runs_in_memory_order())))
    }
}

#[cfg(test)]
mod tests;
