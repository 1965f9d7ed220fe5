//! Statistics of all elements of a view besides the sum, the mean and the extremes: the variance, positions, counts,
//! and versions that ignore NaN.

use super::ArrayView;
use super::along::{Plan, reduce};
use super::reduce::{
    Cascade, Dense, NotNan, Sparse, choose, extreme_of_run, for_blocks, nan_mean_sum, total, with_run,
};
use super::reduction::{Count, MinMax, NanExtreme, Reduction, Spread, Spreads, Truth};
use super::runs::{Run, Runs};
use super::wide::{self, Kernel};
use crate::access::Load;
use crate::element::number::as_sum;
use crate::element::series::Series;
use crate::element::sum::pairwise;
use crate::element::{Number, Ordered};
use crate::error::{Error, Result};
use std::fmt::Display;
use std::marker::PhantomData;

impl<T, A: Load<T>> ArrayView<'_, T, A> {
    /// Reduces all elements, in memory order. Returns `None` if there are none.
    fn of_all<R: Reduction<T>>(&self, reduction: R) -> Option<R::State> {
        let axes: Vec<usize> = (0..self.ndim()).collect();
        let plan = Plan::new(self, &axes).ok().filter(|_| !self.is_empty())?;
        reduce(&plan, reduction).pop()
    }

    /// Calls `f` with each element, in memory order.
    #[inline(always)]
    fn for_each_in_memory(&self, f: impl FnMut(T)) {
        wide::run(Each::<T, A, _> { runs: &mut self.runs_in_memory_order(), f, marker: PhantomData });
    }
}

struct Each<'a, T, A, F> {
    runs: &'a mut Runs,
    f: F,
    marker: PhantomData<(T, A)>,
}

impl<T, A: Load<T>, F: FnMut(T)> Kernel for Each<'_, T, A, F> {
    type Output = ();

    #[inline(always)]
    fn run(mut self) {
        while let Some(plane) = self.runs.next_rows(usize::MAX) {
            plane.for_each_run(|run, _, _| {
                with_run!(run, A, T, |len, run| (0..len).for_each(|index| (self.f)(run.at(index))))
            });
        }
    }
}

impl<T: Number<Mean = f64>, A: Load<T>> ArrayView<'_, T, A> {
    /// Returns the variance of all elements, in `f64`: the sum of the squared distances from the mean, divided by the
    /// number of elements minus `ddof`. Returns `None` if there are no elements. NumPy:
    /// `arr.var(ddof=1, dtype=np.float64)`.
    ///
    /// It is computed in one pass over the elements: see [`var_axis`](Self::var_axis).
    ///
    /// ```
    /// let view = mmap_array::ArrayView::from_slice(&[1_u8, 2, 3, 6], 4)?;
    /// assert_eq!((view.var(0), view.std(0)), (Some(3.5), Some(3.5_f64.sqrt())));
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[must_use]
    pub fn var(&self, ddof: usize) -> Option<f64> {
        Some(self.spread()?.variance(ddof))
    }

    /// Returns the spread of all elements around their mean, or `None` if there are none.
    pub(super) fn spread(&self) -> Option<Spread> {
        self.of_all(Spreads)
    }

    /// Returns the standard deviation of all elements, which is the square root of the [variance](Self::var), or `None`
    /// if there are none. NumPy: `arr.std(ddof=1, dtype=np.float64)`.
    #[must_use]
    pub fn std(&self, ddof: usize) -> Option<f64> {
        self.var(ddof).map(f64::sqrt)
    }

    /// Returns the sum of the products of the elements with those of another view of the same shape, added pairwise in
    /// `f64`. NumPy: `np.dot(a.astype("f8"), b.astype("f8"))` for one axis, and `np.vdot` for more.
    ///
    /// # Errors
    ///
    /// [`Shape`](crate::ErrorKind::Shape) if the shapes differ.
    ///
    /// ```
    /// use mmap_array::{ArrayView, Be};
    /// let (weights, grades) = ([0.5_f32, 0.25, 0.25], [Be::new(8_u16), Be::new(4), Be::new(6)]);
    /// let (weights, grades) = (ArrayView::from_slice(&weights, 3)?, ArrayView::from_slice(&grades, 3)?);
    /// assert_eq!(weights.dot(&grades)?, 6.5);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn dot<U: Number<Mean = f64>, B: Load<U>>(&self, other: &ArrayView<'_, U, B>) -> Result<f64> {
        if self.shape() != other.shape() {
            return Err(Error::shape(format!(
                "the shapes {:?} and {:?} of a dot product differ",
                self.shape(),
                other.shape()
            )));
        }
        let (left, right) = (&mut Runs::new(&self.raw), &mut Runs::new(&other.raw));
        Ok(wide::run(Dot::<T, U, A, B> { left, right, marker: PhantomData }))
    }

    /// Counts the elements between every two consecutive edges, which must increase. NumPy:
    /// `np.histogram(arr, edges)[0]`. An element that equals an edge belongs to the bin above it, or, at the last edge,
    /// to the bin below. Elements outside the edges, and NaN, are not counted.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`](crate::ErrorKind::OutOfRange) if there are fewer than two edges or they do not increase.
    ///
    /// ```
    /// let view = mmap_array::ArrayView::from_slice(&[0.0, 0.5, 1.0, 1.5, 2.0, 7.0], 6)?;
    /// assert_eq!(view.histogram(&[0.0, 1.0, 2.0])?, [2, 3]);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn histogram(&self, edges: &[f64]) -> Result<Vec<u64>> {
        let increase = edges.windows(2).all(|pair| pair[0] < pair[1]);
        let (&[first, .., last], true) = (edges, increase) else {
            let text = format!("a histogram needs two or more increasing edges; {} edges were given", edges.len());
            return Err(Error::out_of_range(text));
        };
        let bins = edges.len() - 1;
        let mut counts = vec![0; bins];
        // A guess is wrong by few bins where each edge lies within one of where it would if all were as wide.
        let (per_bin, width) = (bins as f64 / (last - first), (last - first) / bins as f64);
        let is_near = |(bin, &edge): (usize, &f64)| (edge - (first + bin as f64 * width)).abs() <= width;
        let is_even = per_bin.is_normal() && width.is_normal() && edges.iter().enumerate().all(is_near);
        self.for_each_in_memory(|element| {
            let number = element.to_mean();
            if !(first <= number && number <= last) {
                return;
            }
            let bin = if is_even {
                let mut bin = (((number - first) * per_bin) as usize).min(bins - 1);
                while number < edges[bin] {
                    bin -= 1;
                }
                while bin < bins - 1 && number >= edges[bin + 1] {
                    bin += 1;
                }
                bin
            } else {
                edges[1..bins].partition_point(|&edge| edge <= number)
            };
            counts[bin] += 1;
        });
        Ok(counts)
    }
}

impl<T: Number<Mean = f64>, A: Load<T>> ArrayView<'_, T, A> {
    /// Returns whether any element is nonzero. NumPy: `arr.any()`. NaN is nonzero, and the result for no elements is
    /// `false`. Stops soon after the first nonzero element.
    ///
    /// ```
    /// use mmap_array::{ArrayView, element::Bool};
    /// let mask = ArrayView::from_slice(&[0_u8, 1, 0, 1], [2, 2])?.view_as::<Bool>()?;
    /// assert_eq!((mask.any(), mask.all(), mask.count_nonzero()), (true, false, 2));
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[must_use]
    pub fn any(&self) -> bool {
        wide::run(Found::<T, A, false> { runs: &mut self.runs_in_memory_order(), marker: PhantomData })
    }

    /// Returns whether all elements are nonzero. NumPy: `arr.all()`. NaN is nonzero, and the result for no elements is
    /// `true`. See [`any`](Self::any).
    #[must_use]
    pub fn all(&self) -> bool {
        !wide::run(Found::<T, A, true> { runs: &mut self.runs_in_memory_order(), marker: PhantomData })
    }

    /// Counts the nonzero elements. NumPy: `np.count_nonzero(arr)`. NaN is nonzero.
    #[must_use]
    pub fn count_nonzero(&self) -> usize {
        self.of_all(Count).unwrap_or(0)
    }
}

/// The kernel that looks for a nonzero element, or for a zero, in the runs of a view, all of them initialized.
struct Found<'a, T, A, const ZERO: bool> {
    runs: &'a mut Runs,
    marker: PhantomData<(T, A)>,
}

impl<T: Number<Mean = f64>, A: Load<T>, const ZERO: bool> Kernel for Found<'_, T, A, ZERO> {
    type Output = bool;

    #[inline(always)]
    fn run(self) -> bool {
        // So many that to look whether it is known costs little.
        const ROWS: usize = 64;
        let mut state = ZERO;
        while let Some(plane) = self.runs.next_rows(ROWS).filter(|_| state == ZERO) {
            plane.for_each_run(|run, _, _| {
                state = with_run!(run, A, T, |len, run| Truth::<ZERO>.push_run(state, len, run))
            });
        }
        state != ZERO
    }
}

/// Pairs of elements of two series.
#[derive(Clone, Copy)]
struct Pair<L, R>(L, R);

impl<T, U, L: Series<T>, R: Series<U>> Series<(T, U)> for Pair<L, R> {
    const TOGETHER: bool = L::TOGETHER || R::TOGETHER;

    #[inline(always)]
    fn contiguous(self) -> bool {
        self.0.contiguous() && self.1.contiguous()
    }

    #[inline(always)]
    fn at(self, index: usize) -> (T, U) {
        (self.0.at(index), self.1.at(index))
    }

    #[inline(always)]
    fn lanes<const N: usize>(self, index: usize) -> [(T, U); N] {
        std::array::from_fn(|lane| self.at(index + lane))
    }

    #[inline(always)]
    fn fetch(self, index: usize, len: usize) {
        self.0.fetch(index, len);
        self.1.fetch(index, len);
    }
}

/// The kernel of the sum of products of the elements of runs, which have as many on either side, all of them
/// initialized.
struct Dot<'a, T, U, A, B> {
    left: &'a mut Runs,
    right: &'a mut Runs,
    marker: PhantomData<(T, U, A, B)>,
}

impl<T: Number<Mean = f64>, U: Number<Mean = f64>, A: Load<T>, B: Load<U>> Kernel for Dot<'_, T, U, A, B> {
    type Output = f64;

    #[inline(always)]
    fn run(self) -> f64 {
        let mut sums = Cascade::new();
        let (mut left, mut right) = (self.left.next(), self.right.next());
        while let (Some(one), Some(other)) = (&mut left, &mut right) {
            let len = one.len.min(other.len);
            let sum = with_run!(one.first(len), A, T, |len, one| {
                with_run!(other.first(len), B, U, |len, other| {
                    pairwise(len, Pair(one, other).map(|(one, other): (T, U)| one.to_mean() * other.to_mean()))
                })
            });
            sums.push(sum, |one, other| one + other);
            if one.skip(len) {
                left = self.left.next();
            }
            if other.skip(len) {
                right = self.right.next();
            }
        }
        sums.total(|one, other| one + other).unwrap_or(0.0)
    }
}

impl<T: Number, A: Load<T>> ArrayView<'_, T, A>
where
    T::Sum: TryInto<usize> + Display,
{
    /// Counts the occurrences of each number from 0 to `len`, exclusive. NumPy: `np.bincount(arr, minlength=len)`.
    ///
    /// NumPy's result is as long as the largest number requires, which in a file may be any. Here `len` is the length
    /// of the result.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`](crate::ErrorKind::OutOfRange) if a number is negative or not less than `len`.
    ///
    /// ```
    /// let view = mmap_array::ArrayView::from_slice(&[1_u16, 3, 1, 0], 4)?;
    /// assert_eq!(view.bincount(5)?, [1, 2, 0, 1, 0]);
    /// assert!(view.bincount(3).is_err());
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn bincount(&self, len: usize) -> Result<Vec<u64>> {
        let mut counts = vec![0; len];
        let mut outside = None;
        self.for_each_in_memory(|element| {
            let place: Option<usize> = as_sum(element).try_into().ok();
            match place.and_then(|place| counts.get_mut(place)) {
                Some(count) => *count += 1,
                None => outside = Some(as_sum(element)),
            }
        });
        match outside {
            None => Ok(counts),
            Some(number) => {
                Err(Error::out_of_range(format!("the number {number} is outside the counted range 0..{len}")))
            }
        }
    }
}

impl<T: Number, A: Load<T>> ArrayView<'_, T, A> {
    /// Returns the sum of the elements that are not NaN. NumPy: `np.nansum(arr)`. See [`sum`](Self::sum).
    ///
    /// ```
    /// let view = mmap_array::ArrayView::from_slice(&[1.0, f64::NAN, 3.0], 3)?;
    /// assert_eq!((view.nan_sum(), view.nan_mean()), (4.0, Some(2.0)));
    /// assert_eq!((view.nan_min(), view.nan_max()), (Some(1.0), Some(3.0)));
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[must_use]
    pub fn nan_sum(&self) -> T::Sum {
        self.in_memory_order(total::<T, A, NotNan>)
    }

    /// Returns the mean of the elements that are not NaN, or `None` if there are none. NumPy:
    /// `np.nanmean(arr, dtype=np.float64)`. See [`mean`](Self::mean).
    #[must_use]
    pub fn nan_mean(&self) -> Option<T::Mean> {
        let (sum, count) = self.in_memory_order(nan_mean_sum::<T, A>)?;
        (count > 0).then(|| T::mean_of(T::mean_add(T::NO_MEAN, sum), count))
    }
}

impl<T: Number + Ordered, A: Load<T>> ArrayView<'_, T, A> {
    /// Returns the smallest of the elements that are not NaN, or `None` if there are none. NumPy: `np.nanmin(arr)`.
    #[must_use]
    pub fn nan_min(&self) -> Option<T> {
        self.of_all(NanExtreme::<false>).filter(|element| !element.is_nan())
    }

    /// Returns the largest of the elements that are not NaN, or `None` if there are none. NumPy: `np.nanmax(arr)`.
    #[must_use]
    pub fn nan_max(&self) -> Option<T> {
        self.of_all(NanExtreme::<true>).filter(|element| !element.is_nan())
    }
}

/// The kernel that finds the smallest or the largest element, and its position, in the runs of a view in C order, all
/// of them initialized.
struct Place<'a, T, A, const LARGEST: bool> {
    runs: &'a mut Runs,
    marker: PhantomData<(T, A)>,
}

impl<T: Ordered, A: Load<T>, const LARGEST: bool> Kernel for Place<'_, T, A, LARGEST> {
    type Output = Option<(T::Native, usize)>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        let mut best: Option<(T::Native, usize)> = None;
        let mut before = 0;
        while let Some(plane) = self.runs.next_rows(usize::MAX) {
            plane.for_each_run(|run, first, step| {
                with_run!(run, A, T, |len, run| {
                    for_blocks(len, run, |len, block| {
                        let found = extreme_of_run::<T, LARGEST>(len, block);
                        let is_better =
                            best.is_none_or(|(best, _)| !T::is_same(choose::<T, LARGEST>(best, found), best));
                        if is_better || best.is_some_and(|(best, _)| T::is_same(best, found)) {
                            let index = (0..len).find(|&index| T::is_same(block.at(index).native(), found));
                            let place = before + first + (block.start + index.unwrap_or(0)) * step;
                            let earlier = best.map_or(place, |(_, earlier)| place.min(earlier));
                            best = Some((found, if is_better { place } else { earlier }));
                        }
                    })
                })
            });
            before += plane.len();
        }
        best
    }
}

impl<T: Ordered, A: Load<T>> ArrayView<'_, T, A> {
    /// Returns the smallest and the largest element, in one pass: `(view.min(), view.max())`. Returns `None` if there
    /// are no elements.
    ///
    /// ```
    /// let view = mmap_array::ArrayView::from_slice(&[3, 1, 2], 3)?;
    /// assert_eq!(view.min_max(), Some((1, 3)));
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[must_use]
    pub fn min_max(&self) -> Option<(T, T)> {
        self.of_all(MinMax).map(|(smallest, largest)| (T::from_native(smallest), T::from_native(largest)))
    }

    /// Returns the position of the smallest element in C order: of the first if several are equal, and of NaN (or NaT)
    /// if there is one. NumPy: `arr.argmin()`. Returns `None` if there are no elements.
    ///
    /// ```
    /// let view = mmap_array::ArrayView::from_slice(&[3, 1, 2, 1], [2, 2])?;
    /// assert_eq!((view.argmin(), view.argmax()), (Some(1), Some(0)));
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[must_use]
    pub fn argmin(&self) -> Option<usize> {
        self.place::<false>().map(|(_, place)| place)
    }

    /// Returns the position of the largest element in C order. NumPy: `arr.argmax()`. See [`argmin`](Self::argmin).
    #[must_use]
    pub fn argmax(&self) -> Option<usize> {
        self.place::<true>().map(|(_, place)| place)
    }

    /// Returns the smallest or the largest element and its position in C order.
    pub(super) fn place<const LARGEST: bool>(&self) -> Option<(T::Native, usize)> {
        wide::run(Place::<T, A, LARGEST> { runs: &mut Runs::new(&self.raw), marker: PhantomData })
    }
}
