//! Sums, means, extremes and copies on all processors.
//!
//! Where the elements are split depends on their layout alone, and the results of the parts are combined in order. The
//! results are therefore the same for any number of threads and in every run. Each part is processed by the loops for
//! one processor.

use super::ArrayView;
use super::along::{FEWEST, Halves, Plan};
use super::by_axis::{Reduced, extremes, mean_sums, spreads, sums};
use super::convert::{Make, Same, With};
use super::reduce::best;
use super::reduction::Spread;
use crate::access::{Load, Reading};
use crate::element::endian::{Endian, Scalar};
use crate::element::{Number, Ordered};
use crate::error::Result;
use crate::region::{self, prefer_huge_pages};
use crate::shape::NdIndex;
use bytemuck::Zeroable;
use byteorder::ByteOrder;
use rayon::join;
use std::mem::MaybeUninit;

/// Combines, by `add`, what `of` makes of the parts of a plan, for each state.
fn gather<'a, T, A, S>(
    plan: &Plan<'a, T, A>,
    of: &(impl Fn(&Plan<'a, T, A>) -> Vec<S> + Sync),
    add: &(impl Fn(S, S) -> S + Sync),
    states: &mut [S],
) where
    T: Send + Sync,
    A: Load<T>,
    S: Copy + Send,
{
    let Some(Halves { parts: [one, other], share_states }) = plan.halves() else {
        let _entered = A::SHARED.then(region::enter).flatten();
        states.copy_from_slice(&of(plan));
        return;
    };
    if share_states {
        let mut others = states.to_vec();
        join(|| gather(&one, of, add, states), || gather(&other, of, add, &mut others));
        states.iter_mut().zip(others).for_each(|(state, other)| *state = add(*state, other));
    } else {
        let (states, others) = states.split_at_mut(one.states());
        join(|| gather(&one, of, add, states), || gather(&other, of, add, others));
    }
}

impl<'a, T: Send + Sync, A: Reading + Load<T>> ArrayView<'a, T, A> {
    /// Combines, by `add`, what `of` makes of parts of the view. Returns `None` if there are no elements.
    fn gathered<S: Copy + Send + Sync>(
        &self,
        of: impl Fn(&ArrayView<'a, T, A>) -> Option<S> + Sync,
        add: impl Fn(S, S) -> S + Sync,
    ) -> Option<S> {
        let axes: Vec<usize> = (0..self.ndim()).collect();
        let plan = Plan::new(self, &axes).ok()?;
        let mut result = [None];
        let add = |one, other| Option::zip(one, other).map(|(one, other)| add(one, other));
        gather(&plan, &|plan: &Plan<'a, T, A>| vec![of(&plan.to_view())], &add, &mut result);
        result[0]
    }

    /// Does what [`gathered`](Self::gathered) does along axes. `none` is the result for no elements.
    fn gathered_along<S: Copy + Send + Sync, R: Copy>(
        &self,
        axes: impl NdIndex,
        what: Option<&str>,
        of: impl Fn(&Plan<'_, T, A>) -> Vec<S> + Sync,
        (none, add): (S, impl Fn(S, S) -> S + Sync),
        finish: impl Fn(S, usize) -> R,
    ) -> Result<Reduced<R>> {
        self.along(axes, what, |plan| {
            let mut states = vec![none; plan.states()];
            gather(plan, &of, &add, &mut states);
            states.into_iter().map(|state| finish(state, plan.reduced)).collect()
        })
    }
}

macro_rules! parallel {
    ($(
        [$($Number:tt)+] $serial:ident($arguments:literal), $name:ident(&$this:ident $(, $argument:ident: $Type:ty)*)
            -> $Output:ty $body:block
    )*) => {$(
        impl<T: $($Number)+ + Send + Sync, A: Load<T>> ArrayView<'_, T, A>
        where
            A::Reading: Load<T>,
        {
            #[doc = concat!(
                "Computes [`", stringify!($serial), "`](Self::", stringify!($serial), ") in parallel."
            )]
            ///
            /// Requires the `rayon` feature. The result is the same for any number of threads and in every run. It
            /// equals that of the sequential method for extremes, for sums of integers, and for sums of contiguous
            /// floats. Otherwise the parts are added in another order, and the last bits may differ.
            ///
            /// ```
            /// let view = mmap_array::ArrayView::from_slice(&[3.0, 1.0, 2.0, 4.5], [2, 2])?;
            #[doc = concat!(
                "assert_eq!(view.", stringify!($name), "(", $arguments, "), view.", stringify!($serial), "(", $arguments, "));"
            )]
            /// # Ok::<(), mmap_array::Error>(())
            /// ```
            #[must_use]
            pub fn $name(&$this $(, $argument: $Type)*) -> $Output $body
        }
    )*};
    // Along axes.
    ($(
        [$($Number:tt)+] $serial:ident(axes $(, $arguments:literal)?), $name:ident(&$this:ident, $axes:ident $(, $argument:ident: $Type:ty)*)
            -> $Output:ty $body:block
    )*) => {$(
        impl<T: $($Number)+ + Send + Sync, A: Load<T>> ArrayView<'_, T, A>
        where
            A::Reading: Load<T>,
        {
            #[doc = concat!(
                "Computes [`", stringify!($serial), "`](Self::", stringify!($serial), ") in parallel."
            )]
            ///
            /// Requires the `rayon` feature. The results are the same for any number of threads and in every run. They
            /// equal those of the sequential method for extremes and for sums of integers. Otherwise the elements may
            /// be added in another order.
            ///
            /// # Errors
            ///
            #[doc = concat!("Those of [`", stringify!($serial), "`](Self::", stringify!($serial), ").")]
            ///
            /// ```
            /// let view = mmap_array::ArrayView::from_slice(&[3.0, 1.0, 2.0, 4.5], [2, 2])?;
            #[doc = concat!(
                "assert_eq!(view.", stringify!($name), "(0", $(", ", $arguments, )? ")?, view.", stringify!($serial),
                "(0", $(", ", $arguments, )? ")?);"
            )]
            /// # Ok::<(), mmap_array::Error>(())
            /// ```
            pub fn $name(&$this, $axes: impl NdIndex $(, $argument: $Type)*) -> Result<Reduced<$Output>> $body
        }
    )*};
}

parallel! {
    [Number] sum(""), par_sum(&self) -> T::Sum {
        self.view().gathered(|part| Some(part.sum()), T::add).unwrap_or(T::ZERO)
    }
    [Number] mean(""), par_mean(&self) -> Option<T::Mean> {
        let sum = self.view().gathered(ArrayView::mean_sum, T::mean_add)?;
        Some(T::mean_of(T::mean_add(T::NO_MEAN, sum), self.len()))
    }
    [Number<Mean = f64>] var("1"), par_var(&self, ddof: usize) -> Option<f64> {
        let spread = self.view().gathered(ArrayView::spread, Spread::join)?;
        Some(spread.variance(ddof))
    }
    [Number<Mean = f64>] std("1"), par_std(&self, ddof: usize) -> Option<f64> {
        self.par_var(ddof).map(f64::sqrt)
    }
    [Ordered] min(""), par_min(&self) -> Option<T> {
        self.view().gathered(ArrayView::min, best::<T, false>)
    }
    [Ordered] max(""), par_max(&self) -> Option<T> {
        self.view().gathered(ArrayView::max, best::<T, true>)
    }
}

parallel! {
    [Number] sum_axis(axes), par_sum_axis(&self, axes) -> T::Sum {
        self.view().gathered_along(axes, None, sums, (T::ZERO, T::add), |sum, _| sum)
    }
    [Number] mean_axis(axes), par_mean_axis(&self, axes) -> T::Mean {
        self.view().gathered_along(axes, Some("mean"), mean_sums, (T::NO_MEAN, T::mean_add), T::mean_of)
    }
    [Number<Mean = f64>] var_axis(axes, "1"), par_var_axis(&self, axes, ddof: usize) -> f64 {
        let variance = |spread: Spread, _| spread.variance(ddof);
        self.view().gathered_along(axes, Some("variance"), spreads, (Spread::NONE, Spread::join), variance)
    }
    [Number<Mean = f64>] std_axis(axes, "1"), par_std_axis(&self, axes, ddof: usize) -> f64 {
        let deviation = |spread: Spread, _| spread.variance(ddof).sqrt();
        self.view().gathered_along(axes, Some("variance"), spreads, (Spread::NONE, Spread::join), deviation)
    }
    [Ordered + Zeroable] min_axis(axes), par_min_axis(&self, axes) -> T {
        let extremes = extremes::<T, A::Reading, false>;
        self.view().gathered_along(axes, Some("smallest element"), extremes, (T::zeroed(), best::<T, false>), |best, _| best)
    }
    [Ordered + Zeroable] max_axis(axes), par_max_axis(&self, axes) -> T {
        let extremes = extremes::<T, A::Reading, true>;
        self.view().gathered_along(axes, Some("largest element"), extremes, (T::zeroed(), best::<T, true>), |best, _| best)
    }
}

impl<S: Send + Sync, A: Reading + Load<S>> ArrayView<'_, S, A> {
    /// Collects what `make` makes of the elements, in C order, on all processors.
    fn par_collect<T: Send>(&self, make: impl Make<S, T, A> + Send + Sync) -> Vec<T> {
        let len = self.len();
        let mut vec = Vec::with_capacity(len);
        prefer_huge_pages(vec.spare_capacity_mut());
        self.par_collect_to(&mut vec.spare_capacity_mut()[..len], make);
        // SAFETY: `par_collect_to` has written as many elements.
        unsafe { vec.set_len(len) };
        vec
    }

    /// Writes what `make` makes of the elements to a target of the same length.
    fn par_collect_to<T: Send>(&self, target: &mut [MaybeUninit<T>], make: impl Make<S, T, A> + Send + Sync) {
        assert_eq!(self.len(), target.len(), "a view is copied to a slice of another length");
        let cut = self.shape().iter().position(|&len| len > 1);
        match cut {
            Some(axis) if size_of_val(target) >= 2 * FEWEST => {
                let (one, other) = self.split_at(axis, self.shape()[axis] / 2);
                let (target, others) = target.split_at_mut(one.len());
                join(|| one.par_collect_to(target, make), || other.par_collect_to(others, make));
            }
            _ => {
                let _entered = A::SHARED.then(region::enter).flatten();
                // SAFETY: the target has as many elements as the view, and nobody else can reach them.
                unsafe { self.make_all(target.as_mut_ptr().cast(), make) };
            }
        }
    }
}

macro_rules! copies {
    ($([$($generics:tt)*] $S:ty: $serial:ident, $name:ident$([$To:ident = $example:literal])? -> $T:ty = $make:expr;)*) => {$(
        impl<$($generics)*, A: Load<$S>> ArrayView<'_, $S, A>
        where
            $S: Send + Sync,
            A::Reading: Load<$S>,
        {
            #[doc = concat!(
                "Does what [`", stringify!($serial), "`](Self::", stringify!($serial), ") does, in parallel."
            )]
            ///
            /// Requires the `rayon` feature.
            ///
            /// # Panics
            ///
            /// Panics or aborts if the result does not fit in memory, like [`Vec::with_capacity`].
            ///
            /// ```
            /// use mmap_array::{ArrayView, Be};
            /// let numbers = [Be::new(3_u16), Be::new(1)];
            /// let view = ArrayView::from_slice(&numbers, 2)?;
            #[doc = concat!(
                "assert_eq!(view.", stringify!($name), $("::<", $example, ">",)? "(), view.", stringify!($serial),
                $("::<", $example, ">",)? "());"
            )]
            /// # Ok::<(), mmap_array::Error>(())
            /// ```
            #[must_use]
            pub fn $name$(<$To: Number + Send>)?(&self) -> Vec<$T> {
                self.view().par_collect($make)
            }
        }
    )*};
}

copies! {
    [T] T: to_vec, par_to_vec -> T = Same;
    [T: Number<Mean = f64>] T: to_vec_as, par_to_vec_as[To = "f64"] -> To = With(T::to_number::<To>);
    [T: Scalar + Send, E: ByteOrder] Endian<T, E>: to_native_vec, par_to_native_vec -> T = With(Endian::get);
}
