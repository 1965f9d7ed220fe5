//! Sums, means and extremes along axes.
//!
//! The elements are gone through once and as they lie in memory, whichever axes are reduced: a file larger than memory
//! is read from its beginning to its end. Where the innermost axis is reduced, each run of it is taken in one go, as a
//! whole view is. Where it is kept, its elements are taken side by side, each by a state of its own, and several rows
//! at a time, so that a state is loaded and stored once for all of them.

use super::ArrayView;
use super::iter::Run;
use super::reduce::{Dense, Sparse, choose, extreme_of_run, with_run};
use super::wide::{self, Kernel};
use crate::access::{Addr, Load};
use crate::element::number::pairwise;
use crate::element::series::{By, Series};
use crate::element::{Number, Ordered};
use crate::error::{Error, Result};
use crate::shape::NdIndex;
use std::marker::PhantomData;

/// What becomes of the elements that have the same place in the result.
pub(super) trait Reduction<T>: Copy {
    /// What is known of some of them.
    type State: Copy;

    /// Of none, or where there is nothing to say of none, of the first one, which comes again later.
    fn begin(self, first: impl FnOnce() -> T) -> Self::State;

    /// One more.
    fn push(self, state: Self::State, element: T) -> Self::State;

    /// A run of them, which has at least one.
    fn push_run(self, state: Self::State, len: usize, run: impl Series<T>) -> Self::State;
}

/// One axis of the elements and of the states.
#[derive(Clone, Copy)]
struct Axis {
    len: usize,
    /// In bytes.
    stride: isize,
    /// From one state to the next, as wrapping arithmetic has it; 0 along an axis that is reduced.
    step: usize,
}

/// Goes from index to index along axes, in C order.
struct Walk<'a> {
    axes: &'a [Axis],
    index: Vec<usize>,
    /// Where the element is.
    source: Addr,
    /// Where its state is.
    place: usize,
}

impl<'a> Walk<'a> {
    fn new(axes: &'a [Axis], source: Addr, place: usize) -> Self {
        Self { axes, index: vec![0; axes.len()], source, place }
    }

    /// Goes to the next index, from the last to the first one; whether there was a next.
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

/// In which order the elements of a view are gone through.
pub(super) struct Plan<'a, T, A> {
    /// Where the first of them lies.
    start: Addr,
    /// The slowest first, without those of one element, and as few as possible. No stride is negative.
    axes: Vec<Axis>,
    /// How many states there are.
    states: usize,
    /// How many elements each takes.
    reduced: usize,
    /// The axes that are kept, in the order of the view.
    results: Vec<Axis>,
    /// The state of the first result.
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
                None => return Err(Error::out_of_range(format!("axis {axis} of a view with {ndim} axes"))),
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

    fn shape(&self) -> Vec<usize> {
        self.results.iter().map(|axis| axis.len).collect()
    }

    /// Whether there are results of no elements, of which `what` is asked, and which have none.
    fn check_elements(&self, what: &str) -> Result<()> {
        if self.reduced > 0 || self.states == 0 {
            return Ok(());
        }
        Err(Error::out_of_range(format!("there is no {what} of no elements, of which a reduced axis has none")))
    }

    /// The places of the states, in the order of the results.
    fn places(&self) -> impl Iterator<Item = usize> + '_ {
        let mut walk = Walk::new(&self.results, self.start, self.first);
        (0..self.states).map(move |_| {
            let place = walk.place;
            walk.step();
            place
        })
    }

    /// Whether the states lie in the order of the results.
    fn is_in_order(&self) -> bool {
        let mut next = 1_usize;
        self.results.iter().rev().all(|axis| {
            let fits = axis.len == 1 || axis.step == next;
            next = next.wrapping_mul(axis.len);
            fits
        })
    }
}

/// The same axes, of which those of one element go, and two that follow one another evenly become one.
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

/// The elements of a view, gone through along axes.
struct Along<'a, T, A, R: Reduction<T>> {
    plan: &'a Plan<'a, T, A>,
    reduction: R,
    states: &'a mut [R::State],
}

/// Reduces a view, all of whose elements are initialised, to one state for each place of the result, in the order of
/// the results.
pub(super) fn reduce<T, A: Load<T>, R: Reduction<T>>(plan: &Plan<'_, T, A>, reduction: R) -> Vec<R::State> {
    let mut states = begun(plan, reduction);
    if plan.reduced > 0 && !states.is_empty() {
        wide::run(Along { plan, reduction, states: &mut states });
    }
    if plan.is_in_order() { states } else { plan.places().map(|place| states[place]).collect() }
}

/// The states before the first element.
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
    /// Where a row begins.
    #[inline(always)]
    fn at(&self, row: usize) -> Addr {
        self.source.offset((row as isize).wrapping_mul(self.rows.stride))
    }

    #[inline(always)]
    fn reduce<R: Reduction<T>>(self, reduction: R, states: &mut [R::State]) {
        let Axis { len, stride, step } = self.row;
        if step == 0 {
            let mut place = 0;
            for row in 0..self.rows.len {
                let run = Run { ptr: self.at(row), len, stride };
                let state = &mut states[place];
                *state = with_run!(run, A, T, |len, run| reduction.push_run(*state, len, run));
                place += self.rows.step;
            }
        } else if stride == size_of::<T>() as isize {
            self.side_by_side(reduction, states, |ptr| Dense::<T, A>(ptr, PhantomData));
        } else {
            self.side_by_side(reduction, states, |ptr| Sparse::<T, A>(Run { ptr, len, stride }, PhantomData));
        }
    }

    /// Of rows whose elements each have a state of their own.
    #[inline(always)]
    fn side_by_side<R: Reduction<T>, S: Series<T>>(
        &self,
        reduction: R,
        states: &mut [R::State],
        series: impl Fn(Addr) -> S,
    ) {
        const TOGETHER: usize = 4;
        let (width, count) = (self.row.len, self.rows.len);
        if self.rows.step > 0 {
            for row in 0..count {
                push_rows(reduction, &mut states[row * self.rows.step..][..width], [series(self.at(row))]);
            }
            return;
        }
        let states = &mut states[..width];
        let rows = |row: usize| series(self.at(row));
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

/// Pushes the elements of some rows each to its state, row by row.
#[inline(always)]
fn push_rows<T, R: Reduction<T>, S: Series<T>, const ROWS: usize>(
    reduction: R,
    states: &mut [R::State],
    rows: [S; ROWS],
) {
    const LANES: usize = 16;
    let len = states.len();
    let mut index = 0;
    if matches!(By::of(rows[0]), By::Many) {
        while len - index >= LANES {
            let states = &mut states[index..index + LANES];
            for row in rows {
                for (state, element) in states.iter_mut().zip(row.lanes::<LANES>(index)) {
                    *state = reduction.push(*state, element);
                }
            }
            index += LANES;
        }
    }
    for (index, state) in states.iter_mut().enumerate().skip(index) {
        *state = rows.into_iter().fold(*state, |state, row| reduction.push(state, row.at(index)));
    }
}

/// The same of rows of a few elements, whose states are kept in registers.
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

/// The sum, in lanes, which must have room for all elements of a state.
#[derive(Clone, Copy)]
struct Lanes;

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

/// The sum of one element.
#[inline(always)]
pub(super) fn as_sum<T: Number>(element: T) -> T::Sum {
    T::lane_sum(T::lane_push(T::NO_LANE, element))
}

/// The sum of as many elements as there are.
#[derive(Clone, Copy)]
struct Sums;

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
struct Means;

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

/// The smallest or the largest.
#[derive(Clone, Copy)]
struct Extremes<const LARGEST: bool>;

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

/// How far elements lie from their mean: the mean and the sum of the squares of the distances from it.
#[derive(Clone, Copy)]
pub(super) struct Spread {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Spread {
    pub(super) const NONE: Self = Self { count: 0.0, mean: 0.0, squares: 0.0 };

    /// Of one element more: by Welford, *Technometrics* 4 (1962).
    #[inline(always)]
    fn push(self, element: f64) -> Self {
        let count = self.count + 1.0;
        let distance = element - self.mean;
        let mean = self.mean + distance / count;
        Self { count, mean, squares: self.squares + distance * (element - mean) }
    }

    /// Of both: by Chan, Golub, LeVeque, *The American Statistician* 37 (1983).
    #[inline(always)]
    pub(super) fn join(self, other: Self) -> Self {
        if self.count == 0.0 {
            return other;
        }
        let count = self.count + other.count;
        let distance = other.mean - self.mean;
        let mean = self.mean + distance * (other.count / count);
        let between = distance * distance * (self.count * (other.count / count));
        Self { count, mean, squares: self.squares + other.squares + between }
    }

    /// Of a run, whose elements are gone through twice.
    #[inline(always)]
    pub(super) fn push_run<T: Number<Mean = f64>>(mut self, len: usize, run: impl Series<T>) -> Self {
        for_blocks(len, run, |count, block| {
            let mean = T::mean_run(count, block) / count as f64;
            let squares = pairwise(
                count,
                block.map(move |element: T| {
                    let distance = element.to_mean() - mean;
                    distance * distance
                }),
            );
            self = self.join(Self { count: count as f64, mean, squares });
        });
        self
    }

    /// The variance, or where there are no more elements than `ddof`, what NumPy makes of it: NaN or infinity.
    pub(super) fn variance(self, ddof: usize) -> f64 {
        self.squares / (self.count - ddof as f64).max(0.0)
    }
}

/// Calls `f` with the elements of a run, so many at a time that they are in the cache when they are looked at twice.
#[inline(always)]
pub(super) fn for_blocks<T, R: Series<T>>(len: usize, run: R, mut f: impl FnMut(usize, Rest<R>)) {
    const BLOCK: usize = 1 << 10;
    let mut start = 0;
    while start < len {
        let count = BLOCK.min(len - start);
        f(count, Rest { run, start });
        start += count;
    }
}

/// The elements of a series from one on.
#[derive(Clone, Copy)]
pub(super) struct Rest<R> {
    pub(super) run: R,
    pub(super) start: usize,
}

impl<T, R: Series<T>> Series<T> for Rest<R> {
    const TOGETHER: bool = R::TOGETHER;

    #[inline(always)]
    fn contiguous(self) -> bool {
        self.run.contiguous()
    }

    #[inline(always)]
    fn at(self, index: usize) -> T {
        self.run.at(self.start + index)
    }

    #[inline(always)]
    fn lanes<const N: usize>(self, index: usize) -> [T; N] {
        self.run.lanes(self.start + index)
    }
}

#[derive(Clone, Copy)]
pub(super) struct Spreads;

impl<T: Number<Mean = f64>> Reduction<T> for Spreads {
    type State = Spread;

    #[inline(always)]
    fn begin(self, _: impl FnOnce() -> T) -> Spread {
        Spread::NONE
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

/// Results along axes: their shape, which is that of the kept axes, and the results in C order.
pub type Reduced<S> = (Vec<usize>, Vec<S>);

impl<T, A: Load<T>> ArrayView<'_, T, A> {
    /// Plans a reduction along axes, and gives the shape of the results and what `results` makes of the plan.
    fn along<S>(
        &self,
        axes: impl NdIndex,
        results: impl FnOnce(&Plan<'_, T, A>) -> Result<Vec<S>>,
    ) -> Result<Reduced<S>> {
        axes.with_index(|axes| {
            let plan = Plan::new(self, axes)?;
            Ok((plan.shape(), results(&plan)?))
        })
    }
}

impl<T: Number, A: Load<T>> ArrayView<'_, T, A> {
    /// Adds up the elements along one axis, `sum_axis(0)`, or several, `sum_axis([0, 2])`: NumPy's `arr.sum(axis=0)`.
    /// Returns the lengths of the axes that are kept, and the sums in C order.
    ///
    /// The elements are gone through once, as they lie in memory, whichever the axes are. Sums are what
    /// [`sum`](Self::sum) makes of their elements, in the same type, and bit for bit what NumPy makes of native floats:
    /// pairwise where the innermost axis in memory is among those that are reduced, and one after another where it is
    /// not.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`](crate::ErrorKind::OutOfRange) where there is no such axis, or one is named twice.
    ///
    /// ```
    /// let view = mmap_array::ArrayView::from_slice(&[1_u8, 2, 3, 4, 5, 6], [2, 3])?;
    /// assert_eq!(view.sum_axis(0)?, (vec![3], vec![5, 7, 9]));
    /// assert_eq!(view.sum_axis(1)?, (vec![2], vec![6, 15]));
    /// assert_eq!(view.sum_axis([0, 1])?, (vec![], vec![21]));
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn sum_axis(&self, axes: impl NdIndex) -> Result<Reduced<T::Sum>> {
        self.along(axes, |plan| {
            if plan.reduced == 0 {
                return Ok(vec![T::ZERO; plan.states]);
            }
            if plan.reduced as u64 > T::LANE_LEN {
                return Ok(reduce(plan, Sums));
            }
            Ok(reduce(plan, Lanes).into_iter().map(T::lane_sum).collect())
        })
    }

    /// Returns the means along one axis or several, in `f64`: NumPy's `arr.mean(axis=0, dtype=np.float64)`. See
    /// [`sum_axis`](Self::sum_axis) and [`mean`](Self::mean).
    ///
    /// # Errors
    ///
    /// As for [`sum_axis`](Self::sum_axis), and where an axis that is reduced has no elements, of which NumPy makes
    /// NaN.
    ///
    /// ```
    /// let view = mmap_array::ArrayView::from_slice(&[1_u8, 2, 3, 4, 5, 6], [2, 3])?;
    /// assert_eq!(view.mean_axis(0)?, (vec![3], vec![2.5, 3.5, 4.5]));
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn mean_axis(&self, axes: impl NdIndex) -> Result<Reduced<T::Mean>> {
        self.along(axes, |plan| {
            plan.check_elements("mean")?;
            let sums = reduce(plan, Means);
            Ok(sums.into_iter().map(|sum| T::mean_of(sum, plan.reduced)).collect())
        })
    }
}

impl<T: Number<Mean = f64>, A: Load<T>> ArrayView<'_, T, A> {
    /// Returns the variances along one axis or several, in `f64`: the sum of the squared distances from the mean,
    /// divided by the number of elements less `ddof`. NumPy's `arr.var(axis=0, ddof=1, dtype=np.float64)`.
    ///
    /// They are computed in one pass over the elements, to a relative error of some units in the last place, also where
    /// the mean is large (Welford; Chan, Golub and LeVeque). Where there are no more elements than `ddof` they are NaN
    /// or infinite, as NumPy's.
    ///
    /// # Errors
    ///
    /// As for [`mean_axis`](Self::mean_axis).
    ///
    /// ```
    /// let view = mmap_array::ArrayView::from_slice(&[1.0, 2.0, 3.0, 4.0], [2, 2])?;
    /// assert_eq!(view.var_axis(0, 0)?, (vec![2], vec![1.0, 1.0]));
    /// assert_eq!(view.var_axis(0, 1)?, (vec![2], vec![2.0, 2.0]));
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn var_axis(&self, axes: impl NdIndex, ddof: usize) -> Result<Reduced<f64>> {
        self.along(axes, |plan| {
            plan.check_elements("variance")?;
            let spreads = reduce(plan, Spreads);
            Ok(spreads.into_iter().map(|spread| spread.variance(ddof)).collect())
        })
    }

    /// Returns the standard deviations along one axis or several, the square roots of the
    /// [variances](Self::var_axis): NumPy's `arr.std(axis=0, ddof=1, dtype=np.float64)`.
    ///
    /// # Errors
    ///
    /// As for [`mean_axis`](Self::mean_axis).
    ///
    /// ```
    /// let view = mmap_array::ArrayView::from_slice(&[1.0, 2.0, 5.0, 4.0], [2, 2])?;
    /// assert_eq!(view.std_axis(0, 0)?, (vec![2], vec![2.0, 1.0]));
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn std_axis(&self, axes: impl NdIndex, ddof: usize) -> Result<Reduced<f64>> {
        let (shape, mut deviations) = self.var_axis(axes, ddof)?;
        deviations.iter_mut().for_each(|variance| *variance = variance.sqrt());
        Ok((shape, deviations))
    }
}

impl<T: Ordered, A: Load<T>> ArrayView<'_, T, A> {
    fn extremes<const LARGEST: bool>(&self, axes: impl NdIndex, what: &str) -> Result<Reduced<T>> {
        self.along(axes, |plan| {
            plan.check_elements(what)?;
            Ok(reduce(plan, Extremes::<LARGEST>).into_iter().map(T::from_native).collect())
        })
    }

    /// Returns the smallest elements along one axis or several, NaN (or NaT) where one is: NumPy's `arr.min(axis=0)`.
    /// See [`sum_axis`](Self::sum_axis).
    ///
    /// # Errors
    ///
    /// As for [`sum_axis`](Self::sum_axis), and where an axis that is reduced has no elements, as in NumPy.
    ///
    /// ```
    /// let view = mmap_array::ArrayView::from_slice(&[3, 1, 2, 4], [2, 2])?;
    /// assert_eq!(view.min_axis(0)?, (vec![2], vec![2, 1]));
    /// assert_eq!(view.max_axis(1)?, (vec![2], vec![3, 4]));
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn min_axis(&self, axes: impl NdIndex) -> Result<Reduced<T>> {
        self.extremes::<false>(axes, "smallest element")
    }

    /// Returns the largest elements along one axis or several: NumPy's `arr.max(axis=0)`. See
    /// [`min_axis`](Self::min_axis).
    ///
    /// # Errors
    ///
    /// As for [`min_axis`](Self::min_axis).
    pub fn max_axis(&self, axes: impl NdIndex) -> Result<Reduced<T>> {
        self.extremes::<true>(axes, "largest element")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::ReadOnly;

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
                        let narrow: Vec<_> = plan.places().map(|place| bits(states[place])).collect();
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
        check::<f32, _>(Spreads, |spread| vec![spread.mean.to_bits(), spread.squares.to_bits()]);
    }
}
