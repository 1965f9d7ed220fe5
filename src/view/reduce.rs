//! Sums, means and extremes of numeric views.
//!
//! The order of the elements does not matter to these, so they go through memory as it lies: a matrix in Fortran order
//! is summed as fast as one in C order, and short rows column by column. Sums of floats are pairwise with eight partial
//! sums, as NumPy's are: the error grows with the logarithm of the length, and no addition waits for the one before. Sums
//! of integers are exact.

use super::iter::{Run, Runs};
use super::{ArrayView, RawView};
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

    /// The sum of the elements `load(0)` to `load(len - 1)`, which lie one after another or further apart.
    #[doc(hidden)]
    fn sum_run(len: usize, load: impl Fn(usize) -> Self + Copy, contiguous: bool) -> Self::Sum;

    /// The same in `f64`, for the mean.
    #[doc(hidden)]
    fn sum_run_f64(len: usize, load: impl Fn(usize) -> Self + Copy, contiguous: bool) -> f64;

    /// Of the elements `load(0)` to `load(len - 1)`, at least one, the one that comes before the others; NaN where one
    /// is.
    #[doc(hidden)]
    fn first_of_run(
        len: usize,
        load: impl Fn(usize) -> Self + Copy,
        contiguous: bool,
        before: impl Fn(Self, Self) -> bool,
    ) -> Self;
}

mod sealed {
    pub trait Sealed {}
}

/// Below this length a sum is taken in one go: NumPy's `PW_BLOCKSIZE`.
const BLOCK: usize = 128;

/// The pairwise sum, by the scheme of NumPy's `pairwise_sum`.
#[inline(always)]
fn pairwise<F>(len: usize, load: impl Fn(usize) -> F + Copy) -> F
where
    F: Copy + std::ops::Add<Output = F> + std::ops::AddAssign + std::ops::Neg<Output = F> + Default,
{
    if len >= 8 {
        return pairwise_blocks(0, len, load);
    }
    // -0, so that a sum of negative zeros is one.
    (0..len).fold(-F::default(), |sum, index| sum + load(index))
}

/// The same of eight elements or more. Out of line, so that a few are summed without a call.
#[inline(never)]
fn pairwise_blocks<F>(start: usize, len: usize, load: impl Fn(usize) -> F + Copy) -> F
where
    F: Copy + std::ops::Add<Output = F> + std::ops::AddAssign,
{
    if len > BLOCK {
        let half = len / 2 - (len / 2) % 8;
        return pairwise_blocks(start, half, load) + pairwise_blocks(start + half, len - half, load);
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

macro_rules! floats {
    ($($float:ty, $mask:ty);*) => {$(
        impl sealed::Sealed for $float {}
        impl Numeric for $float {
            type Sum = $float;
            const ZERO: $float = 0.0;

            #[inline]
            fn add(a: $float, b: $float) -> $float {
                a + b
            }

            #[inline]
            fn sum_run(len: usize, load: impl Fn(usize) -> Self + Copy, _: bool) -> $float {
                pairwise(len, load)
            }

            #[inline]
            fn sum_run_f64(len: usize, load: impl Fn(usize) -> Self + Copy, _: bool) -> f64 {
                pairwise(len, move |index| f64::from(load(index)))
            }

            #[inline(always)]
            fn first_of_run(
                len: usize,
                load: impl Fn(usize) -> Self + Copy,
                _: bool,
                before: impl Fn(Self, Self) -> bool,
            ) -> Self {
                // Eight at a time, so that no comparison waits for the one before. NaN comes before nothing and nothing
                // before it, so it is looked for apart.
                let (mut best, mut nan) = ([load(0); 8], [0; 8]);
                let mut take = |lane: usize, value: Self| {
                    best[lane] = if before(value, best[lane]) { value } else { best[lane] };
                    nan[lane] |= -<$mask>::from(value.is_nan());
                };
                let whole = len - len % 8;
                let mut index = 0;
                while index < whole {
                    for lane in 0..8 {
                        take(lane, load(index + lane));
                    }
                    index += 8;
                }
                for index in whole..len {
                    take(index - whole, load(index));
                }
                if nan != [0; 8] {
                    return Self::NAN;
                }
                best[1..].iter().fold(best[0], |best, &value| if before(value, best) { value } else { best })
            }
        }
    )*};
}
floats!(f32, i32; f64, i64);

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
            fn sum_run(len: usize, load: impl Fn(usize) -> Self + Copy, contiguous: bool) -> $sum {
                let mut sum: $sum = 0;
                let mut start = 0;
                while start < len {
                    // As many as cannot overflow the narrower type: 2^30 of 32 bits stay within 62.
                    let end = len.min(start.saturating_add(1 << 30));
                    let load = |index| <$chunk>::from(load(index));
                    // The compiler takes many at a time where they are contiguous, and needs help where they are not.
                    let whole = if contiguous { start } else { end - (end - start) % 4 };
                    let mut partial: [$chunk; 4] = [0; 4];
                    for index in (start..whole).step_by(4) {
                        for (lane, sum) in partial.iter_mut().enumerate() {
                            *sum += load(index + lane);
                        }
                    }
                    let mut chunk: $chunk = partial.iter().sum();
                    for index in whole..end {
                        chunk += load(index);
                    }
                    sum += <$sum>::from(chunk);
                    start = end;
                }
                sum
            }

            #[inline]
            fn sum_run_f64(len: usize, load: impl Fn(usize) -> Self + Copy, contiguous: bool) -> f64 {
                Self::sum_run(len, load, contiguous) as f64
            }

            #[inline(always)]
            fn first_of_run(
                len: usize,
                load: impl Fn(usize) -> Self + Copy,
                contiguous: bool,
                before: impl Fn(Self, Self) -> bool,
            ) -> Self {
                let choose = |best, value| if before(value, best) { value } else { best };
                if contiguous {
                    // From 0 on and not from 1, so that the loads are aligned where the elements are.
                    return (0..len).map(load).fold(load(0), choose);
                }
                let mut best = [load(0); 4];
                let whole = len - len % 4;
                for index in (0..whole).step_by(4) {
                    for (lane, best) in best.iter_mut().enumerate() {
                        *best = choose(*best, load(index + lane));
                    }
                }
                (whole..len).map(load).chain(best).fold(load(0), choose)
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
        let used = (usize::BITS - self.runs.leading_zeros()) as usize;
        let sums = (0..used).filter(full).map(|level| self.levels[level]);
        sums.reduce(|small, large| (self.add)(large, small))
    }
}

/// Calls `f` with the length of a run, a way to load its elements, and whether they lie one after another, which it is
/// compiled for both ways.
macro_rules! with_run {
    ($run:expr, $access:ty, $element:ty, |$len:ident, $load:ident, $contiguous:ident| $body:expr) => {{
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

impl<T: Numeric, A: Access<T>> ArrayView<'_, T, A> {
    /// Calls `f` with runs that hold all elements, about as they lie in memory.
    #[inline(always)]
    fn for_each_run(&self, mut f: impl FnMut(Run)) {
        let strides = self.strides();
        let mut runs = if strides.iter().all(|&stride| stride >= 0) && strides.is_sorted_by(|a, b| a >= b) {
            Runs::new(&self.raw)
        } else {
            self.runs_in_memory_order()
        };
        while let Some(plane) = runs.next_rows(usize::MAX) {
            plane.for_each_run(&mut f);
        }
    }

    #[inline(never)]
    fn runs_in_memory_order(&self) -> Runs {
        let (axes, offset) = self.raw.axes.in_memory_order();
        Runs::new(&RawView { axes, ptr: self.raw.ptr.wrapping_offset(offset) })
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
        let mut sums = Cascade::new(T::ZERO, T::add);
        self.for_each_run(|run| {
            sums.push(with_run!(run, A, T, |len, load, contiguous| T::sum_run(len, load, contiguous)));
        });
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
        let mut sums = Cascade::new(0.0, |a: f64, b: f64| a + b);
        self.for_each_run(|run| {
            sums.push(with_run!(run, A, T, |len, load, contiguous| T::sum_run_f64(len, load, contiguous)));
        });
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
        self.first(|a, b| a < b)
    }

    /// The largest element, or NaN where one is, as `arr.max()`; `None` where there are none.
    #[must_use]
    pub fn max(&self) -> Option<T> {
        self.first(|a, b| a > b)
    }

    /// The element that comes before all others, or NaN where one is.
    #[inline(always)]
    fn first(&self, before: impl Fn(T, T) -> bool + Copy) -> Option<T> {
        let mut first: Option<T> = None;
        self.for_each_run(|run| {
            let of_run = with_run!(run, A, T, |len, load, contiguous| T::first_of_run(len, load, contiguous, before));
            first = Some(match first {
                Some(first) if !before(of_run, first) && of_run.partial_cmp(&of_run).is_some() => first,
                _ => of_run,
            });
        });
        first
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
