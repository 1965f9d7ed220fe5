//! Reductions along axes.
//!
//! The elements are read once and in memory order, for any choice of axes: a file larger than memory is read from its
//! beginning to its end. If the innermost axis is reduced, each run along it is reduced as a whole, like the run of a
//! whole view. If it is kept, its elements are processed side by side, each with a state of its own, and several rows
//! at a time, so that a state is loaded and stored once for all of them.

use super::ArrayView;
use super::RawView;
use super::reduce::{Dense, Sparse, with_run};
use super::reduction::Reduction;
use super::runs::Run;
use super::wide::{self, Kernel};
#[cfg(feature = "rayon")]
use crate::access::Reading;
use crate::access::{Addr, Load};
use crate::element::series::{By, Series};
#[cfg(feature = "rayon")]
use crate::element::sum::{BLOCK, half};
use crate::error::{Error, Result};
use crate::shape::Axes;
use std::marker::PhantomData;

/// One axis of the elements and of the states.
#[derive(Clone, Copy)]
struct Axis {
    len: usize,
    /// The distance between elements, in bytes.
    stride: isize,
    /// The distance between states, in wrapping arithmetic; 0 along an axis that is reduced.
    step: usize,
}

/// A walk over the indices of axes, in C order.
struct Walk<'a> {
    axes: &'a [Axis],
    index: Vec<usize>,
    /// The address of the current element.
    source: Addr,
    /// The position of its state.
    place: usize,
}

impl<'a> Walk<'a> {
    fn new(axes: &'a [Axis], source: Addr, place: usize) -> Self {
        Self { axes, index: vec![0; axes.len()], source, place }
    }

    /// Advances to the next index, or back to the first after the last. Returns whether there was a next index.
    #[inline(always)]
    fn step(&mut self) -> bool {
        for (index, axis) in self.index.iter_mut().zip(self.axes).rev() {
            *index += 1;
            self.source = self.source.offset(axis.stride);
            self.place = self.place.wrapping_add(axis.step);
            if *index < axis.len {
                return true;
            }
            self.source = self.source.offset(axis.stride.wrapping_mul(axis.len as isize).wrapping_neg());
            self.place = self.place.wrapping_sub(axis.step.wrapping_mul(axis.len));
            *index = 0;
        }
        false
    }
}

/// The order in which the elements of a view are reduced.
pub(super) struct Plan<'a, T, A> {
    /// The address of the first element in that order.
    start: Addr,
    /// The axes, slowest first, joined where possible and without those of length 1. No stride is negative.
    axes: Vec<Axis>,
    /// The number of states.
    states: usize,
    /// The number of elements per state.
    pub(super) reduced: usize,
    /// The axes that are kept, in the order of the view.
    results: Vec<Axis>,
    /// The position of the state of the first result.
    first: usize,
    marker: PhantomData<(&'a T, A)>,
}

impl<'a, T, A> Plan<'a, T, A> {
    pub(super) fn new(view: &ArrayView<'a, T, A>, reduced: &[usize]) -> Result<Self> {
        let raw = &view.raw;
        let ndim = raw.axes.ndim();
        let mut is_reduced = vec![false; ndim];
        for &axis in reduced {
            match is_reduced.get_mut(axis) {
                None => return Err(Error::out_of_range(format!("there is no axis {axis} in a view with {ndim} axes"))),
                Some(true) => return Err(Error::out_of_range(format!("axis {axis} is named twice in {reduced:?}"))),
                Some(reduced) => *reduced = true,
            }
        }
        let (lens, strides) = (raw.axes.lens(), raw.axes.strides());
        // The states lie as the elements that are kept do, so that both are gone through side by side.
        let mut start = raw.ptr;
        let mut steps = vec![0; ndim];
        let mut axes = Vec::with_capacity(ndim);
        let (mut states, mut first) = (1_usize, 0);
        for axis in raw.axes.slowest_first().into_iter().rev() {
            let (len, stride) = (lens[axis], strides[axis]);
            let step = if is_reduced[axis] { 0 } else { states };
            if !is_reduced[axis] {
                states *= len;
            }
            steps[axis] = step;
            if stride < 0 && len > 0 {
                start = start.offset(((len - 1) as isize).wrapping_mul(stride));
                first += (len - 1) * step;
                steps[axis] = step.wrapping_neg();
            }
            axes.push(Axis { len, stride: stride.wrapping_abs(), step });
        }
        axes.reverse();
        let kept = (0..ndim).filter(|&axis| !is_reduced[axis]);
        Ok(Self {
            start,
            axes: joined(axes),
            states,
            reduced: reduced.iter().map(|&axis| lens[axis]).product(),
            results: kept.map(|axis| Axis { len: lens[axis], stride: 0, step: steps[axis] }).collect(),
            first,
            marker: PhantomData,
        })
    }

    /// Returns the lengths of the axes that are kept.
    pub(super) fn shape(&self) -> Vec<usize> {
        self.results.iter().map(|axis| axis.len).collect()
    }

    /// Returns an error if a result would be that of no elements. `what` names the result, which is undefined then.
    pub(super) fn check_elements(&self, what: &str) -> Result<()> {
        if self.reduced > 0 || self.states == 0 {
            return Ok(());
        }
        Err(Error::out_of_range(format!("a reduced axis has length 0, and there is no {what} of no elements")))
    }

    /// Returns an error if there is no memory for the results: a file may have any number of them along an axis if
    /// another has length 0.
    pub(super) fn check_memory<S>(&self) -> Result<()> {
        // With some for what is known of each on the way.
        let room = Vec::<(S, [u64; 4])>::new().try_reserve_exact(self.states);
        room.map_err(|_| Error::overflow("the reduction", format!("there is no memory for {} results", self.states)))
    }

    /// Reorders the states, which are in memory order, to the C order of the results.
    pub(super) fn in_order<S: Copy>(&self, states: Vec<S>) -> Vec<S> {
        if self.is_in_order() { states } else { self.places().map(|place| states[place]).collect() }
    }

    /// Returns the positions of the states, in the order of the results.
    fn places(&self) -> impl Iterator<Item = usize> + '_ {
        let mut walk = Walk::new(&self.results, self.start, self.first);
        (0..self.states).map(move |_| {
            let place = walk.place;
            walk.step();
            place
        })
    }

    /// Returns the elements if all of them have one state.
    pub(super) fn raw_of_one(&self) -> Option<RawView> {
        (self.states == 1).then(|| self.raw())
    }

    /// Returns the elements in the order in which they are reduced.
    fn raw(&self) -> RawView {
        let (lens, strides): (Vec<_>, Vec<_>) = self.axes.iter().map(|axis| (axis.len, axis.stride)).unzip();
        RawView { ptr: self.start, axes: Axes::new(&lens, &strides) }
    }

    /// Returns whether the states are in the order of the results.
    fn is_in_order(&self) -> bool {
        let mut next = 1_usize;
        self.results.iter().rev().all(|axis| {
            let fits = axis.len == 1 || axis.step == next;
            next = next.wrapping_mul(axis.len);
            fits
        })
    }
}

// SAFETY: a plan is a shared borrow of elements, as `&T` is.
#[cfg(feature = "rayon")]
unsafe impl<T: Send + Sync, A> Send for Plan<'_, T, A> {}
// SAFETY: as above.
#[cfg(feature = "rayon")]
unsafe impl<T: Send + Sync, A> Sync for Plan<'_, T, A> {}

/// The fewest bytes of elements that are given to another thread.
#[cfg(feature = "rayon")]
pub(super) const FEWEST: usize = 1 << 20;

/// The two halves of the elements of a plan.
#[cfg(feature = "rayon")]
pub(super) struct Halves<'a, T, A> {
    pub(super) parts: [Plan<'a, T, A>; 2],
    /// Whether both halves have all states, to each of which both contribute elements. Otherwise the states of the
    /// first half come before those of the second.
    pub(super) share_states: bool,
}

#[cfg(feature = "rayon")]
impl<'a, T, A> Plan<'a, T, A> {
    /// Splits the elements in two, at a place that depends only on their layout. Returns `None` if they are few.
    pub(super) fn halves(&self) -> Option<Halves<'a, T, A>> {
        let len = self.axes.iter().map(|axis| axis.len).product::<usize>();
        if self.states == 0 || len.saturating_mul(size_of::<T>()) < 2 * FEWEST {
            return None;
        }
        // The slowest axis, so that each part lies together. One that is reduced only where a second set of states does
        // not cost much.
        let has_few_states = self.states.saturating_mul(64) <= len;
        let cut = self.axes.iter().position(|axis| axis.step > 0 || has_few_states)?;
        let Axis { len, stride, step } = self.axes[cut];
        // Where a run is cut by pairwise sums, too.
        let middle = if len > BLOCK { half(len) } else { len / 2 };
        let part = |from: usize, to: usize| {
            let mut axes = self.axes.clone();
            axes[cut].len = to - from;
            let share_states = step == 0;
            Self {
                start: self.start.offset((from as isize).wrapping_mul(stride)),
                axes: joined(axes),
                states: if share_states { self.states } else { (to - from) * step },
                reduced: if share_states { self.reduced / len * (to - from) } else { self.reduced },
                results: Vec::new(),
                first: 0,
                marker: PhantomData,
            }
        };
        Some(Halves { parts: [part(0, middle), part(middle, len)], share_states: step == 0 })
    }

    /// Returns the number of states.
    pub(super) fn states(&self) -> usize {
        self.states
    }
}

#[cfg(feature = "rayon")]
impl<'a, T, A: Reading> Plan<'a, T, A> {
    /// Returns the elements in the order in which they are reduced.
    pub(super) fn to_view(&self) -> ArrayView<'a, T, A> {
        // SAFETY: these are elements of the view that the plan was made of, which only reads.
        unsafe { ArrayView::from_raw(self.raw()) }
    }
}

/// Removes axes of length 1, and joins pairs of axes that can be traversed as one.
fn joined(axes: Vec<Axis>) -> Vec<Axis> {
    let mut joined: Vec<Axis> = Vec::with_capacity(axes.len());
    for axis in axes.into_iter().filter(|axis| axis.len != 1) {
        match joined.last_mut() {
            Some(last)
                if last.stride == axis.stride.wrapping_mul(axis.len as isize)
                    && last.step == axis.step * axis.len
                    && (last.step == 0) == (axis.step == 0) =>
            {
                *last = Axis { len: last.len * axis.len, ..axis };
            }
            _ => joined.push(axis),
        }
    }
    joined
}

/// The kernel that reduces the elements of a view along axes.
struct Along<'a, T, A, R: Reduction<T>> {
    plan: &'a Plan<'a, T, A>,
    reduction: R,
    states: &'a mut [R::State],
}

/// Reduces a view, all of whose elements are initialized, to one state per result, in memory order.
pub(super) fn reduce<T, A: Load<T>, R: Reduction<T>>(plan: &Plan<'_, T, A>, reduction: R) -> Vec<R::State> {
    let mut states = begun(plan, reduction);
    if plan.reduced > 0 && !states.is_empty() {
        wide::run(Along { plan, reduction, states: &mut states });
    }
    states
}

/// Returns the states before the first element.
fn begun<T, A: Load<T>, R: Reduction<T>>(plan: &Plan<'_, T, A>, reduction: R) -> Vec<R::State> {
    // Those that are kept lie in the order of the states.
    let kept: Vec<Axis> = plan.axes.iter().copied().filter(|axis| axis.step > 0).collect();
    let mut walk = Walk::new(&kept, plan.start, 0);
    let begin = |_| {
        let source = walk.source;
        walk.step();
        // SAFETY: where the view has elements, those whose indices along the reduced axes are 0 are some of them; who
        // asks for one has seen to it that there are some (`check_elements`).
        reduction.begin(|| unsafe { A::load(source) })
    };
    (0..plan.states).map(begin).collect()
}

impl<T, A: Load<T>, R: Reduction<T>> Kernel for Along<'_, T, A, R> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { plan, reduction, states, .. } = self;
        let none = Axis { len: 1, stride: 0, step: 0 };
        let (outer, [rows, row]) = match plan.axes[..] {
            [] => (&[][..], [none, none]),
            [row] => (&[][..], [none, row]),
            [ref outer @ .., rows, row] => (outer, [rows, row]),
        };
        let mut walk = Walk::new(outer, plan.start, 0);
        loop {
            let plane = Rows::<T, A> { source: walk.source, rows, row, marker: PhantomData };
            plane.reduce(reduction, &mut states[walk.place..]);
            if !walk.step() {
                return;
            }
        }
    }
}

/// Elements along two axes.
struct Rows<T, A> {
    source: Addr,
    rows: Axis,
    row: Axis,
    marker: PhantomData<(T, A)>,
}

impl<T, A: Load<T>> Rows<T, A> {
    /// Returns the address of the first element of a row.
    #[inline(always)]
    fn at(&self, row: usize) -> Addr {
        self.source.offset((row as isize).wrapping_mul(self.rows.stride))
    }

    #[inline(always)]
    fn reduce<R: Reduction<T>>(self, reduction: R, states: &mut [R::State]) {
        let Axis { len, stride, step } = self.row;
        let rows = Run { ptr: self.source, len: self.rows.len, stride: self.rows.stride };
        let run = Run { ptr: self.source, len, stride };
        let is_long = run.is_long() || rows.is_long() && rows.is_close_to(&run);
        if step == 0 {
            let mut place = 0;
            for row in 0..self.rows.len {
                let run = Run { ptr: self.at(row), len, stride };
                let state = &mut states[place];
                *state = with_run!(run, is_long, A, T, |len, run| reduction.push_run(*state, len, run));
                place += self.rows.step;
            }
        } else if stride == size_of::<T>() as isize {
            self.side_by_side(reduction, states, |run| Dense::<T, A>::of(run, is_long));
        } else {
            self.side_by_side(reduction, states, |run| Sparse::<T, A>::of(run, is_long));
        }
    }

    /// Reduces rows in which each element has a state of its own.
    #[inline(always)]
    fn side_by_side<R: Reduction<T>, S: Series<T>>(
        &self,
        reduction: R,
        states: &mut [R::State],
        series: impl Fn(Run) -> S,
    ) {
        const TOGETHER: usize = 4;
        let (width, count) = (self.row.len, self.rows.len);
        let rows = |row: usize| series(Run { ptr: self.at(row), len: width, stride: self.row.stride });
        if self.rows.step > 0 {
            for row in 0..count {
                push_rows(reduction, &mut states[row * self.rows.step..][..width], [rows(row)]);
            }
            return;
        }
        let states = &mut states[..width];
        macro_rules! narrow {
            ($($width:literal)*) => {
                match width {
                    $($width => return push_narrow::<T, R, S, $width>(reduction, states, (0..count).map(rows)),)*
                    _ => {}
                }
            };
        }
        narrow!(2 3 4 5 6 7 8);
        let mut row = 0;
        while count - row >= TOGETHER {
            push_rows::<T, R, S, TOGETHER>(reduction, states, std::array::from_fn(|next| rows(row + next)));
            row += TOGETHER;
        }
        (row..count).for_each(|row| push_rows(reduction, states, [rows(row)]));
    }
}

/// Adds the elements of some rows to their states, row by row.
#[inline(always)]
fn push_rows<T, R: Reduction<T>, S: Series<T>, const ROWS: usize>(
    reduction: R,
    states: &mut [R::State],
    rows: [S; ROWS],
) {
    let most = rows[0].at_a_time();
    let mut start = 0;
    while start < states.len() {
        let end = states.len().min(start.saturating_add(most));
        rows.into_iter().for_each(|row| row.fetch(start, end - start));
        push_block(reduction, &mut states[start..end], start, rows);
        start = end;
    }
}

/// Adds the elements from index `start` on, for as many as there are states.
#[inline(always)]
fn push_block<T, R: Reduction<T>, S: Series<T>, const ROWS: usize>(
    reduction: R,
    states: &mut [R::State],
    start: usize,
    rows: [S; ROWS],
) {
    const LANES: usize = 16;
    let len = states.len();
    let mut index = 0;
    if matches!(By::of(rows[0]), By::Many) {
        while len - index >= LANES {
            let states = &mut states[index..index + LANES];
            for row in rows {
                for (state, element) in states.iter_mut().zip(row.lanes::<LANES>(start + index)) {
                    *state = reduction.push(*state, element);
                }
            }
            index += LANES;
        }
    }
    for (index, state) in states.iter_mut().enumerate().skip(index) {
        *state = rows.into_iter().fold(*state, |state, row| reduction.push(state, row.at(start + index)));
    }
}

/// Does what [`push_rows`] does for rows of few elements, whose states are kept in registers.
#[inline(always)]
fn push_narrow<T, R: Reduction<T>, S: Series<T>, const WIDTH: usize>(
    reduction: R,
    states: &mut [R::State],
    rows: impl Iterator<Item = S>,
) {
    let mut narrow: [R::State; WIDTH] = std::array::from_fn(|index| states[index]);
    for row in rows {
        for (index, state) in narrow.iter_mut().enumerate() {
            *state = reduction.push(*state, row.at(index));
        }
    }
    states.copy_from_slice(&narrow);
}

#[cfg(test)]
mod tests {
    use super::super::reduction::{Extremes, Lanes, Means, Spread, Spreads, Sums};
    use super::*;
    use crate::access::ReadOnly;
    use crate::element::Number;

    #[test]
    fn wide_and_narrow_instructions_give_the_same() {
        fn check<T: Number + bytemuck::Pod, R: Reduction<T>>(reduction: R, bits: impl Fn(R::State) -> Vec<u64>)
        where
            ReadOnly: Load<T>,
        {
            let elements: Vec<T> = (0..6000).map(|number| T::of_f64(f64::from(number % 97) * 0.3 - 11.0)).collect();
            for shape in [[60, 100], [1000, 6], [6, 1000]] {
                let view = ArrayView::from_slice(&elements, shape).unwrap();
                for view in [view.clone(), view.t(), view.step_axis(1, 2)] {
                    for axis in 0..2 {
                        let plan = Plan::new(&view, &[axis]).unwrap();
                        let mut states = begun(&plan, reduction);
                        Along { plan: &plan, reduction, states: &mut states }.run();
                        let narrow: Vec<_> = states.into_iter().map(&bits).collect();
                        let wide: Vec<_> = reduce(&plan, reduction).into_iter().map(&bits).collect();
                        assert_eq!(wide, narrow);
                    }
                }
            }
        }
        check::<f32, _>(Lanes, |sum| vec![sum.to_bits().into()]);
        check::<f64, _>(Sums, |sum| vec![sum.to_bits()]);
        check::<u8, _>(Lanes, |sum| vec![sum]);
        check::<i64, _>(Lanes, |sum| vec![sum as u64]);
        check::<f32, _>(Means, |sum| vec![sum.to_bits()]);
        check::<f64, _>(Extremes::<true>, |best| vec![best.to_bits()]);
        check::<f32, _>(Spreads, Spread::bits);
    }
}
