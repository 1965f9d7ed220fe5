//! Sums, means and extremes of numeric views.
//!
//! The order of the elements does not matter to these, so they go through memory as it lies: a matrix in Fortran order
//! is summed as fast as one in C order. Sums of floats are pairwise with eight partial sums, as NumPy's are: the error
//! grows with the logarithm of the length, and no addition waits for the one before. Sums of integers are exact.

use super::ArrayView;
use super::iter::{Run, Runs};
use crate::access::Access;

/// The numbers that can be summed and compared: `i8` to `i64`, `u8` to `u64`, `f32` and `f64`. The trait is sealed.
pub trait Numeric: Copy + PartialOrd + sealed::Sealed {
    /// What a sum is: `f32` and `f64` for themselves, `i128` and `u128` for integers, which never overflow.
    type Sum: Copy;

    /// The sum of no elements.
    #[doc(hidden)]
    const ZERO: Self::Sum;

    #[doc(hidden)]
    fn add(a: Self::Sum, b: Self::Sum) -> Self::Sum;

    /// The sum of the elements `load(0)` to `load(len - 1)`.
    #[doc(hidden)]
    fn sum_run(len: usize, load: impl Fn(usize) -> Self + Copy) -> Self::Sum;

    /// The same in `f64`, for the mean.
    #[doc(hidden)]
    fn sum_run_f64(len: usize, load: impl Fn(usize) -> Self + Copy) -> f64;

    /// Of two, the smaller; NaN where one is.
    #[doc(hidden)]
    fn smaller(self, other: Self) -> Self;

    /// Of two, the larger; NaN where one is.
    #[doc(hidden)]
    fn larger(self, other: Self) -> Self;
}

mod sealed {
    pub trait Sealed {}
}

/// Below this length a sum is taken in one go: NumPy's `PW_BLOCKSIZE`.
const BLOCK: usize = 128;

/// The pairwise sum, by the scheme of NumPy's `pairwise_sum`.
#[inline]
fn pairwise<F>(start: usize, len: usize, load: impl Fn(usize) -> F + Copy) -> F
where
    F: Copy + std::ops::Add<Output = F> + std::ops::AddAssign + std::ops::Neg<Output = F> + Default,
{
    if len < 8 {
        // -0, so that a sum of negative zeros is one.
        let mut sum = -F::default();
        for index in start..start + len {
            sum += load(index);
        }
        return sum;
    }
    if len > BLOCK {
        let half = len / 2 - (len / 2) % 8;
        return pairwise_split(start, half, load) + pairwise_split(start + half, len - half, load);
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

/// The recursion of [`pairwise`], out of line so that the block stays small enough to be inlined.
fn pairwise_split<F>(start: usize, len: usize, load: impl Fn(usize) -> F + Copy) -> F
where
    F: Copy + std::ops::Add<Output = F> + std::ops::AddAssign + std::ops::Neg<Output = F> + Default,
{
    pairwise(start, len, load)
}

macro_rules! floats {
    ($($float:ty),*) => {$(
        impl sealed::Sealed for $float {}
        impl Numeric for $float {
            type Sum = $float;
            const ZERO: $float = 0.0;

            #[inline]
            fn add(a: $float, b: $float) -> $float {
                a + b
            }

            #[inline]
            fn sum_run(len: usize, load: impl Fn(usize) -> Self + Copy) -> $float {
                pairwise(0, len, load)
            }

            #[inline]
            fn sum_run_f64(len: usize, load: impl Fn(usize) -> Self + Copy) -> f64 {
                pairwise(0, len, move |index| f64::from(load(index)))
            }

            #[inline(always)]
            fn smaller(self, other: Self) -> Self {
                // A NaN on the left stays, since nothing is smaller; one on the right is taken.
                if other < self || other.is_nan() { other } else { self }
            }

            #[inline(always)]
            fn larger(self, other: Self) -> Self {
                if other > self || other.is_nan() { other } else { self }
            }
        }
    )*};
}
floats!(f32, f64);

macro_rules! integers {
    ($($integer:ty, $chunk:ty, $sum:ty);*) => {$(
        impl sealed::Sealed for $integer {}
        impl Numeric for $integer {
            type Sum = $sum;
            const ZERO: $sum = 0;

            #[inline]
            fn add(a: $sum, b: $sum) -> $sum {
                a + b
            }

            #[inline]
            fn sum_run(len: usize, load: impl Fn(usize) -> Self + Copy) -> $sum {
                let mut sum: $sum = 0;
                let mut start = 0;
                while start < len {
                    // As many as cannot overflow the narrower type: 2^30 of 32 bits stay within 62.
                    let end = len.min(start.saturating_add(1 << 30));
                    let mut chunk: $chunk = 0;
                    for index in start..end {
                        chunk += <$chunk>::from(load(index));
                    }
                    sum += <$sum>::from(chunk);
                    start = end;
                }
                sum
            }

            #[inline]
            fn sum_run_f64(len: usize, load: impl Fn(usize) -> Self + Copy) -> f64 {
                Self::sum_run(len, load) as f64
            }

            #[inline(always)]
            fn smaller(self, other: Self) -> Self {
                self.min(other)
            }

            #[inline(always)]
            fn larger(self, other: Self) -> Self {
                self.max(other)
            }
        }
    )*};
}
integers!(i8, i64, i128; i16, i64, i128; i32, i64, i128; i64, i128, i128; u8, u64, u128; u16, u64, u128; u32, u64, u128; u64, u128, u128);

/// The sums of runs, added up pairwise as the elements of a run are, so that many short runs lose no more than a long one:
/// level `k` holds the sum of 2^k runs, where the number of runs so far has that bit.
struct Cascade<S, F> {
    levels: [S; usize::BITS as usize],
    runs: usize,
    add: F,
}

impl<S: Copy, F: Fn(S, S) -> S> Cascade<S, F> {
    fn new(zero: S, add: F) -> Self {
        Self { levels: [zero; usize::BITS as usize], runs: 0, add }
    }

    #[inline]
    fn push(&mut self, mut sum: S) {
        let full = self.runs.trailing_ones() as usize;
        for level in &self.levels[..full] {
            sum = (self.add)(*level, sum);
        }
        self.levels[full] = sum;
        self.runs += 1;
    }

    /// The sum of all, or `None` of no runs.
    fn total(&self) -> Option<S> {
        let full = |level: &usize| self.runs >> level & 1 == 1;
        let sums = (0..self.levels.len()).filter(full).map(|level| self.levels[level]);
        sums.reduce(|small, large| (self.add)(large, small))
    }
}

/// Calls `f` with the length of a run and a way to load its elements, whose stride is a constant where it can be.
macro_rules! with_run {
    ($run:expr, $access:ty, $element:ty, |$len:ident, $load:ident| $body:expr) => {{
        let run: Run = $run;
        let $len = run.len;
        if run.stride == size_of::<$element>() as isize {
            let first = run.ptr.cast::<$element>();
            // SAFETY: below the run's length each address is an element of the view's, initialised by the contract of
            // `from_raw`.
            let $load = |index: usize| unsafe { <$access>::load(first.wrapping_add(index)) };
            $body
        } else {
            // SAFETY: as above.
            let $load = |index: usize| unsafe { <$access>::load(run.at::<$element>(index)) };
            $body
        }
    }};
}

impl<T: Numeric, A: Access<T>> ArrayView<'_, T, A> {
    /// The runs of the view in the order of memory.
    fn runs_in_memory_order(&self) -> Runs {
        let mut raw = self.raw;
        let (axes, offset) = raw.axes.in_memory_order();
        raw.axes = axes;
        raw.ptr = raw.ptr.wrapping_offset(offset);
        Runs::new(&raw)
    }

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
        let mut runs = self.runs_in_memory_order();
        let mut sums = Cascade::new(T::ZERO, T::add);
        while let Some(run) = runs.next() {
            sums.push(with_run!(run, A, T, |len, load| T::sum_run(len, load)));
        }
        sums.total().unwrap_or(T::ZERO)
    }

    /// The mean of all elements in `f64`, whatever their type; `None` where there are none.
    ///
    /// NumPy's `arr.mean()` of `float32` adds in `float32`; this adds in `f64`, as `arr.mean(dtype=np.float64)`.
    ///
    /// ```
    /// let view = mmap_array::ArrayView::from_slice(&[1_u8, 2, 6], 3)?;
    /// assert_eq!(view.mean(), Some(3.0));
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        let mut runs = self.runs_in_memory_order();
        let mut sums = Cascade::new(0.0, |a: f64, b: f64| a + b);
        while let Some(run) = runs.next() {
            sums.push(with_run!(run, A, T, |len, load| T::sum_run_f64(len, load)));
        }
        sums.total().map(|sum| sum / self.len() as f64)
    }

    /// The smallest element, or NaN where one is, as `arr.min()`; `None` where there are none.
    ///
    /// ```
    /// let view = mmap_array::ArrayView::from_slice(&[3.5, -1.0, 2.0], 3)?;
    /// assert_eq!((view.min(), view.max()), (Some(-1.0), Some(3.5)));
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[must_use]
    pub fn min(&self) -> Option<T> {
        self.extreme(T::smaller)
    }

    /// The largest element, or NaN where one is, as `arr.max()`; `None` where there are none.
    #[must_use]
    pub fn max(&self) -> Option<T> {
        self.extreme(T::larger)
    }

    #[inline(always)]
    fn extreme(&self, choose: impl Fn(T, T) -> T + Copy) -> Option<T> {
        let mut runs = self.runs_in_memory_order();
        let mut extreme: Option<T> = None;
        while let Some(run) = runs.next() {
            let of_run = with_run!(run, A, T, |len, load| {
                // Eight at a time, so that no comparison waits for the one before.
                let mut lanes = [load(0); 8];
                let whole = len - len % 8;
                let mut index = 0;
                while index < whole {
                    for (lane, best) in lanes.iter_mut().enumerate() {
                        *best = choose(*best, load(index + lane));
                    }
                    index += 8;
                }
                let best = (whole..len).fold(lanes[0], |best, index| choose(best, load(index)));
                lanes[1..].iter().fold(best, |best, &lane| choose(best, lane))
            });
            extreme = Some(extreme.map_or(of_run, |best| choose(best, of_run)));
        }
        extreme
    }
}

#[cfg(test)]
mod tests {
    use crate::ArrayView;

    #[test]
    fn many_short_runs_lose_no_more_than_a_long_one() {
        let tenths = vec![0.1_f32; 3 * 1_000_000];
        let pairs = ArrayView::from_slice(&tenths, [1_000_000, 3]).unwrap().slice((.., ..2));
        assert!((f64::from(pairs.sum()) - 200_000.0).abs() < 0.1, "{}", pairs.sum());
        assert!((pairs.mean().unwrap() - f64::from(0.1_f32)).abs() < 1e-12);
    }

    #[test]
    fn sums_keep_the_sign_of_zero_and_are_zero_of_nothing() {
        let zeros = [-0.0_f64; 20];
        let view = ArrayView::from_slice(&zeros, [10, 2]).unwrap();
        assert!(view.slice((.., ..1)).sum().is_sign_negative());
        assert!(view.rows(..0).sum().is_sign_positive());
        assert_eq!(view.rows(..0).mean(), None);
    }
}
