//! Reductions of the elements that have the same place in the result: sums, extremes, spreads, counts.
//!
//! Each has a state, to which an element or a run of elements is added. The loops over the elements are in `along`.

use super::reduce::{BLOCK, choose, extreme_of_run, for_blocks};
use crate::element::number::as_sum;
use crate::element::series::{Rest, Series};
use crate::element::sum::pairwise;
use crate::element::{Bool, Number, Ordered};

/// A reduction of the elements that have the same place in the result.
pub(super) trait Reduction<T>: Copy {
    /// The result of the elements so far.
    type State: Copy;

    /// Returns the state of no elements, or, if that is undefined, of the first element, which is pushed again later.
    fn begin(self, first: impl FnOnce() -> T) -> Self::State;

    /// Adds one element.
    fn push(self, state: Self::State, element: T) -> Self::State;

    /// Adds a run of elements, of which there must be at least one.
    fn push_run(self, state: Self::State, len: usize, run: impl Series<T>) -> Self::State;
}

/// The sum in lanes, which must be large enough for all elements of a state.
#[derive(Clone, Copy)]
pub(super) struct Lanes;

impl<T: Number> Reduction<T> for Lanes {
    type State = T::Lane;

    #[inline(always)]
    fn begin(self, _: impl FnOnce() -> T) -> T::Lane {
        T::NO_LANE
    }

    #[inline(always)]
    fn push(self, state: T::Lane, element: T) -> T::Lane {
        T::lane_push(state, element)
    }

    #[inline(always)]
    fn push_run(self, state: T::Lane, len: usize, run: impl Series<T>) -> T::Lane {
        T::lane_push_run(state, len, run)
    }
}

/// The sum of any number of elements.
#[derive(Clone, Copy)]
pub(super) struct Sums;

impl<T: Number> Reduction<T> for Sums {
    type State = T::Sum;

    #[inline(always)]
    fn begin(self, _: impl FnOnce() -> T) -> T::Sum {
        T::ZERO
    }

    #[inline(always)]
    fn push(self, state: T::Sum, element: T) -> T::Sum {
        T::add(state, as_sum(element))
    }

    #[inline(always)]
    fn push_run(self, state: T::Sum, len: usize, run: impl Series<T>) -> T::Sum {
        T::add(state, T::sum_run(len, run))
    }
}

/// The sum in the type of the mean.
#[derive(Clone, Copy)]
pub(super) struct Means;

impl<T: Number> Reduction<T> for Means {
    type State = T::Mean;

    #[inline(always)]
    fn begin(self, _: impl FnOnce() -> T) -> T::Mean {
        T::NO_MEAN
    }

    #[inline(always)]
    fn push(self, state: T::Mean, element: T) -> T::Mean {
        T::mean_add(state, element.to_mean())
    }

    #[inline(always)]
    fn push_run(self, state: T::Mean, len: usize, run: impl Series<T>) -> T::Mean {
        T::mean_add(state, T::mean_run(len, run))
    }
}

/// The smallest or the largest element.
#[derive(Clone, Copy)]
pub(super) struct Extremes<const LARGEST: bool>;

impl<T: Ordered, const LARGEST: bool> Reduction<T> for Extremes<LARGEST> {
    type State = T::Native;

    #[inline(always)]
    fn begin(self, first: impl FnOnce() -> T) -> T::Native {
        first().native()
    }

    #[inline(always)]
    fn push(self, state: T::Native, element: T) -> T::Native {
        choose::<T, LARGEST>(state, element.native())
    }

    #[inline(always)]
    fn push_run(self, state: T::Native, len: usize, run: impl Series<T>) -> T::Native {
        choose::<T, LARGEST>(state, extreme_of_run::<T, LARGEST>(len, run))
    }
}

/// The spread of elements around their mean: the mean, and the sum of the squared distances from it.
#[derive(Clone, Copy)]
pub(super) struct Spread {
    /// The origin of the elements and their mean: one of the elements, so that no precision is lost if all are large.
    origin: f64,
    count: f64,
    mean: f64,
    squares: f64,
}

impl Spread {
    pub(super) const NONE: Self = Self { origin: 0.0, count: 0.0, mean: 0.0, squares: 0.0 };

    /// Adds one element, by Welford, *Technometrics* 4 (1962).
    #[inline(always)]
    fn push(self, element: f64) -> Self {
        let element = element - self.origin;
        let count = self.count + 1.0;
        let distance = element - self.mean;
        let mean = self.mean + distance / count;
        Self { count, mean, squares: self.squares + distance * (element - mean), ..self }
    }

    /// Combines two spreads, by Chan, Golub, LeVeque, *The American Statistician* 37 (1983).
    #[inline(always)]
    pub(super) fn join(self, other: Self) -> Self {
        if self.count == 0.0 {
            return other;
        }
        if other.count == 0.0 {
            return self;
        }
        let count = self.count + other.count;
        let distance = (other.origin - self.origin) + (other.mean - self.mean);
        let mean = self.mean + distance * (other.count / count);
        let between = distance * distance * (self.count * (other.count / count));
        Self { count, mean, squares: self.squares + other.squares + between, ..self }
    }

    /// Adds a run, whose elements are read twice.
    #[inline(always)]
    pub(super) fn push_run<T: Number<Mean = f64>>(mut self, len: usize, run: impl Series<T>) -> Self {
        let origin = self.origin;
        for_blocks(len, run, |count, block| {
            let block = block.map(move |element: T| element.to_mean() - origin);
            let mean = pairwise(count, block) / count as f64;
            let squares = pairwise(
                count,
                block.map(move |element: f64| {
                    let distance = element - mean;
                    distance * distance
                }),
            );
            self = self.join(Self { origin, count: count as f64, mean, squares });
        });
        self
    }

    /// Returns the bits of the fields.
    #[cfg(test)]
    pub(super) fn bits(self) -> Vec<u64> {
        [self.origin, self.count, self.mean, self.squares].map(f64::to_bits).to_vec()
    }

    /// Returns the variance, or what NumPy returns if there are no more elements than `ddof`: NaN or infinity.
    pub(super) fn variance(self, ddof: usize) -> f64 {
        self.squares / (self.count - ddof as f64).max(0.0)
    }
}

#[derive(Clone, Copy)]
pub(super) struct Spreads;

impl<T: Number<Mean = f64>> Reduction<T> for Spreads {
    type State = Spread;

    #[inline(always)]
    fn begin(self, first: impl FnOnce() -> T) -> Spread {
        Spread { origin: first().to_mean(), ..Spread::NONE }
    }

    #[inline(always)]
    fn push(self, state: Spread, element: T) -> Spread {
        state.push(element.to_mean())
    }

    #[inline(always)]
    fn push_run(self, state: Spread, len: usize, run: impl Series<T>) -> Spread {
        state.push_run(len, run)
    }
}

/// The smallest or the largest of the elements that are not NaN, or NaN.
#[derive(Clone, Copy)]
pub(super) struct NanExtreme<const LARGEST: bool>;

impl<T: Number + Ordered, const LARGEST: bool> Reduction<T> for NanExtreme<LARGEST> {
    type State = T;

    #[inline(always)]
    fn begin(self, first: impl FnOnce() -> T) -> T {
        first()
    }

    #[inline(always)]
    fn push(self, state: T, element: T) -> T {
        let (known, next) = if element.is_nan() { (state, state) } else { (state, element) };
        if known.is_nan() { next } else { T::from_native(choose::<T, LARGEST>(known.native(), next.native())) }
    }

    #[inline(always)]
    fn push_run(self, state: T, len: usize, run: impl Series<T>) -> T {
        (0..len).fold(state, |state, index| self.push(state, run.at(index)))
    }
}

/// The smallest and the largest element.
#[derive(Clone, Copy)]
pub(super) struct MinMax;

impl<T: Ordered> Reduction<T> for MinMax {
    type State = (T::Native, T::Native);

    #[inline(always)]
    fn begin(self, first: impl FnOnce() -> T) -> Self::State {
        let first = first().native();
        (first, first)
    }

    #[inline(always)]
    fn push(self, (smallest, largest): Self::State, element: T) -> Self::State {
        let element = element.native();
        (T::smaller(smallest, element), T::larger(largest, element))
    }

    #[inline(always)]
    fn push_run(self, mut state: Self::State, len: usize, run: impl Series<T>) -> Self::State {
        for_blocks(len, run, |len, run| {
            let (smallest, largest) = state;
            state = (
                T::smaller(smallest, extreme_of_run::<T, false>(len, run)),
                T::larger(largest, extreme_of_run::<T, true>(len, run)),
            );
        });
        state
    }
}

/// Returns whether an element is nonzero, which NumPy considers true.
#[inline(always)]
fn is_true<T: Number<Mean = f64>>(element: T) -> bool {
    element.to_number::<Bool>().get()
}

/// Returns the number of nonzero elements of a run.
#[inline(always)]
fn true_of_run<T: Number<Mean = f64>>(len: usize, run: impl Series<T>) -> usize {
    u8::sum_run(len, run.map(|element| u8::from(is_true(element)))) as usize
}

/// Whether all elements, or any of them, are nonzero.
#[derive(Clone, Copy)]
pub(super) struct Truth<const ALL: bool>;

impl<T: Number<Mean = f64>, const ALL: bool> Reduction<T> for Truth<ALL> {
    type State = bool;

    #[inline(always)]
    fn begin(self, _: impl FnOnce() -> T) -> bool {
        ALL
    }

    #[inline(always)]
    fn push(self, state: bool, element: T) -> bool {
        if ALL { state & is_true(element) } else { state | is_true(element) }
    }

    #[inline(always)]
    fn push_run(self, mut state: bool, len: usize, run: impl Series<T>) -> bool {
        let mut start = 0;
        // Until it is known.
        while state == ALL && start < len {
            let count = BLOCK.min(len - start);
            run.fetch(start, count);
            let not_zero = true_of_run(count, Rest { run, start });
            state = if ALL { not_zero == count } else { not_zero > 0 };
            start += count;
        }
        state
    }
}

/// The number of nonzero elements.
#[derive(Clone, Copy)]
pub(super) struct Count;

impl<T: Number<Mean = f64>> Reduction<T> for Count {
    type State = usize;

    #[inline(always)]
    fn begin(self, _: impl FnOnce() -> T) -> usize {
        0
    }

    #[inline(always)]
    fn push(self, state: usize, element: T) -> usize {
        state + usize::from(is_true(element))
    }

    #[inline(always)]
    fn push_run(self, state: usize, len: usize, run: impl Series<T>) -> usize {
        state + true_of_run(len, run)
    }
}

/// The index of the smallest or the largest element along an axis, or of the first of several.
#[derive(Clone, Copy)]
pub(super) struct Places<const LARGEST: bool> {
    /// Whether the elements are pushed from the last along the axis to the first.
    pub(super) backwards: bool,
}

impl<const LARGEST: bool> Places<LARGEST> {
    /// Returns whether a later element replaces the best so far.
    #[inline(always)]
    fn replaces<T: Ordered>(self, best: T::Native, later: T::Native) -> bool {
        let chosen = choose::<T, LARGEST>(best, later);
        if self.backwards { T::is_same(chosen, later) } else { !T::is_same(chosen, best) }
    }
}

impl<T: Ordered, const LARGEST: bool> Reduction<T> for Places<LARGEST> {
    /// The best element so far, its index, and the index of the next element.
    type State = (T::Native, usize, usize);

    #[inline(always)]
    fn begin(self, first: impl FnOnce() -> T) -> Self::State {
        (first().native(), 0, 0)
    }

    #[inline(always)]
    fn push(self, (best, place, next): Self::State, element: T) -> Self::State {
        let element = element.native();
        if self.replaces::<T>(best, element) { (element, next, next + 1) } else { (best, place, next + 1) }
    }

    #[inline(always)]
    fn push_run(self, mut state: Self::State, len: usize, run: impl Series<T>) -> Self::State {
        for_blocks(len, run, |len, block| {
            let (best, _, next) = state;
            let found = extreme_of_run::<T, LARGEST>(len, block);
            if self.replaces::<T>(best, found) {
                let is_it = |&index: &usize| T::is_same(block.at(index).native(), found);
                let index = if self.backwards { (0..len).rev().find(is_it) } else { (0..len).find(is_it) };
                (state.0, state.1) = (found, next + index.unwrap_or(0));
            }
            state.2 = next + len;
        });
        state
    }
}
