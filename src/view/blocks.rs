//! Reductions of one array whose elements are in several views, one after another along the first axis.
//!
//! Sums of floats of contiguous views are bit for bit those of one view of all the elements: the halves into which the
//! pairwise sum divides the elements are those of the whole, wherever the views begin.

use super::along::Plan;
use super::by_axis::{Reduced, extremes, mean_sums, sums};
use super::reduce::{Adding, AsMean, AsSum, Cascade, Dense, added, best, choose};
use super::reduction::Spread;
use super::wide::{self, Kernel};
use super::{ArrayView, RawView, Run};
use crate::access::{Addr, Load, ReadOnly};
use crate::element::sum::{BLOCK, half};
use crate::element::{Number, Ordered};
use crate::error::Result;
use crate::shape::{Axes, NdIndex};
use std::marker::PhantomData;

/// The elements of an array as views, one after another along its first axis.
pub(crate) trait Blocks<T, A: Load<T>> {
    /// Returns the shape of the array, which has one axis at least.
    fn shape(&self) -> &[usize];

    /// Returns whether each view is contiguous in C order.
    fn is_contiguous(&self) -> bool;

    /// Calls `f` with each view that has elements, in their order. What `f` makes of a view is to be discarded if an
    /// error is returned.
    fn for_each(&self, f: impl FnMut(&ArrayView<'_, T, A>) -> Result<()>) -> Result<()>;
}

/// The pairwise sum of contiguous elements that come in parts.
struct Pairwise<T, R: Adding<T>> {
    /// The halves that are being summed, as in `number::pairwise`.
    halves: Vec<Half<R::Sum>>,
    /// The number of elements to sum next, as one part of the whole. 0 at the end.
    len: usize,
    /// The first of these elements, if they are in several parts; no more than [`BLOCK`].
    held: Vec<T>,
    sum: Option<R::Sum>,
    /// Whether the whole is longer than the caches, so that it is fetched ahead.
    is_long: bool,
}

enum Half<S> {
    /// The left half, with the length of the right half.
    Left(usize),
    /// The right half, with the sum of the left half.
    Right(S),
}

/// The kernel of the sum of contiguous elements, all of them initialized.
struct Added<T, A, R> {
    run: Run,
    is_long: bool,
    marker: PhantomData<(T, A, R)>,
}

impl<T, A: Load<T>, R: Adding<T>> Kernel for Added<T, A, R> {
    type Output = R::Sum;

    #[inline(always)]
    fn run(self) -> R::Sum {
        R::of_run(self.run.len, Dense::<T, A>::of(self.run, self.is_long))
    }
}

impl<T: Number, R: Adding<T>> Pairwise<T, R> {
    /// Creates the sum of `len` elements.
    fn new(len: usize) -> Self {
        let is_long = Run { ptr: Addr::dangling(), len, stride: size_of::<T>() as isize }.is_long();
        Self { halves: Vec::new(), len, held: Vec::new(), sum: None, is_long }
    }

    /// Adds the elements of the next part, which must be contiguous.
    fn push<A: Load<T>>(&mut self, view: &ArrayView<'_, T, A>) {
        assert!(view.is_contiguous(), "blocks are contiguous if they say so");
        let all = Run { ptr: view.raw.ptr, len: view.len(), stride: size_of::<T>() as isize };
        let mut start = 0;
        while start < all.len && self.len > 0 {
            let missing = self.len - self.held.len();
            if missing > all.len - start && self.len > BLOCK {
                let left = half(self.len);
                self.halves.push(Half::Left(self.len - left));
                self.len = left;
                continue;
            }
            let len = missing.min(all.len - start);
            let run = Run { ptr: all.at(start), len, ..all };
            start += len;
            if len == self.len {
                self.add(wide::run(Added::<T, A, R> { run, is_long: self.is_long, marker: PhantomData }));
                continue;
            }
            let raw = RawView { ptr: run.ptr, axes: Axes::one(len, run.stride) };
            // SAFETY: these are elements of the view.
            self.held.extend(unsafe { ArrayView::<'_, T, A>::from_raw(raw) }.iter());
            if self.held.len() == self.len {
                let run = Run { ptr: Addr::of(self.held.as_ptr()), len: self.len, ..all };
                let sum = wide::run(Added::<T, ReadOnly, R> { run, is_long: false, marker: PhantomData });
                self.held.clear();
                self.add(sum);
            }
        }
    }

    /// Adds the sum of the elements that were to be summed next.
    fn add(&mut self, mut sum: R::Sum) {
        loop {
            match self.halves.pop() {
                Some(Half::Left(right)) => {
                    self.halves.push(Half::Right(sum));
                    self.len = right;
                    return;
                }
                Some(Half::Right(left)) => sum = R::add(left, sum),
                None => {
                    (self.len, self.sum) = (0, Some(sum));
                    return;
                }
            }
        }
    }
}

/// Returns the sum of all elements, or `None` if there are none.
fn total<T: Number, A: Load<T>, R: Adding<T>>(blocks: &impl Blocks<T, A>) -> Result<Option<R::Sum>> {
    if blocks.is_contiguous() {
        let mut sum = Pairwise::<T, R>::new(blocks.shape().iter().product());
        blocks.for_each(|view| {
            sum.push(view);
            Ok(())
        })?;
        return Ok(sum.sum);
    }
    let mut sums = Cascade::new();
    blocks.for_each(|view| {
        if let Some(sum) = view.in_memory_order(added::<T, A, R>) {
            sums.push(sum, R::add);
        }
        Ok(())
    })?;
    Ok(sums.total(R::add))
}

pub(crate) fn sum<T: Number, A: Load<T>>(blocks: &impl Blocks<T, A>) -> Result<T::Sum> {
    Ok(total::<T, A, AsSum>(blocks)?.map_or(T::ZERO, |sum| T::add(T::ZERO, sum)))
}

pub(crate) fn mean<T: Number, A: Load<T>>(blocks: &impl Blocks<T, A>) -> Result<Option<T::Mean>> {
    let len = blocks.shape().iter().product();
    let mean = |sum| T::mean_of(T::mean_add(T::NO_MEAN, sum), len);
    Ok(total::<T, A, AsMean>(blocks)?.map(mean))
}

pub(crate) fn var<T: Number<Mean = f64>, A: Load<T>>(blocks: &impl Blocks<T, A>, ddof: usize) -> Result<Option<f64>> {
    Ok(gathered(blocks, |view| view.spread(), Spread::join)?.map(|spread| spread.variance(ddof)))
}

pub(crate) fn std<T: Number<Mean = f64>, A: Load<T>>(blocks: &impl Blocks<T, A>, ddof: usize) -> Result<Option<f64>> {
    Ok(var(blocks, ddof)?.map(f64::sqrt))
}

pub(crate) fn extreme<T: Ordered, A: Load<T>, B: Blocks<T, A>, const LARGEST: bool>(blocks: &B) -> Result<Option<T>> {
    let of = |view: &ArrayView<'_, T, A>| if LARGEST { view.max() } else { view.min() };
    gathered(blocks, of, best::<T, LARGEST>)
}

/// Returns the position of the smallest or the largest element in C order.
pub(crate) fn place<T: Ordered, A: Load<T>, B: Blocks<T, A>, const LARGEST: bool>(blocks: &B) -> Result<Option<usize>> {
    let (mut found, mut before) = (None, 0);
    blocks.for_each(|view| {
        let place = view.place::<LARGEST>().map(|(element, place)| (element, before + place));
        before += view.len();
        // A later one that is no better is not the first.
        found = match (found, place) {
            (Some((first, at)), Some((later, _))) if T::is_same(choose::<T, LARGEST>(first, later), first) => {
                Some((first, at))
            }
            (found, place) => place.or(found),
        };
        Ok(())
    })?;
    Ok(found.map(|(_, place)| place))
}

/// Returns what `add` makes of the results of the views, or `None` if there are none.
fn gathered<T, A: Load<T>, S: Copy>(
    blocks: &impl Blocks<T, A>,
    of: impl Fn(&ArrayView<'_, T, A>) -> Option<S>,
    add: impl Fn(S, S) -> S,
) -> Result<Option<S>> {
    let mut result = None;
    blocks.for_each(|view| {
        result = result.into_iter().chain(of(view)).reduce(&add);
        Ok(())
    })?;
    Ok(result)
}

pub(crate) fn sum_axis<T: Number, A: Load<T>>(
    blocks: &impl Blocks<T, A>,
    axes: impl NdIndex,
) -> Result<Reduced<T::Sum>> {
    along(blocks, axes, None, sums, T::add, |sum, _| sum)
}

pub(crate) fn mean_axis<T: Number, A: Load<T>>(
    blocks: &impl Blocks<T, A>,
    axes: impl NdIndex,
) -> Result<Reduced<T::Mean>> {
    along(blocks, axes, Some("mean"), mean_sums, T::mean_add, T::mean_of)
}

pub(crate) fn extreme_axis<T: Ordered, A: Load<T>, B: Blocks<T, A>, I: NdIndex, const LARGEST: bool>(
    blocks: &B,
    axes: I,
) -> Result<Reduced<T>> {
    let what = if LARGEST { "largest element" } else { "smallest element" };
    along(blocks, axes, Some(what), extremes::<T, A, LARGEST>, best::<T, LARGEST>, |best, _| best)
}

/// Reduces along axes: combines the results of the views by `add` if the first axis is reduced, or else puts them one
/// after another. `finish` makes the results of the states and of the number of elements of each.
fn along<T, A: Load<T>, S: Copy, R>(
    blocks: &impl Blocks<T, A>,
    axes: impl NdIndex,
    what: Option<&str>,
    of: impl Fn(&Plan<'_, T, A>) -> Vec<S>,
    add: impl Fn(S, S) -> S,
    finish: impl Fn(S, usize) -> R,
) -> Result<Reduced<R>> {
    axes.with_index(|axes| {
        let shape = blocks.shape();
        let mut result: Option<Reduced<S>> = None;
        if shape.contains(&0) {
            let none = RawView { ptr: Addr::dangling(), axes: Axes::new(shape, &vec![0; shape.len()]) };
            // SAFETY: a view without elements.
            result = Some(unsafe { ArrayView::<'_, T, A>::from_raw(none) }.along(axes, what, &of)?);
        }
        blocks.for_each(|view| {
            let (lens, states) = view.along(axes, what, &of)?;
            match &mut result {
                None => result = Some((lens, states)),
                Some((_, all)) if axes.contains(&0) => {
                    all.iter_mut().zip(states).for_each(|(state, other)| *state = add(*state, other));
                }
                Some((all_lens, all)) => {
                    all_lens[0] += lens[0];
                    all.extend(states);
                }
            }
            Ok(())
        })?;
        let (lens, states) = result.unwrap_or_default();
        let reduced = axes.iter().map(|&axis| shape[axis]).product();
        Ok((lens, states.into_iter().map(|state| finish(state, reduced)).collect()))
    })
}
