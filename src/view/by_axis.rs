//! Sums, means, extremes and counts along axes.

use super::ArrayView;
use super::along::{Plan, reduce};
use super::reduce::{AsMean, AsSum, total};
use super::reduction::{Count, Extremes, Lanes, Means, Places, Spread, Spreads, Sums, Truth};
use crate::access::Load;
use crate::element::{Number, Ordered};
use crate::error::{Error, Result};
use crate::shape::NdIndex;

/// The results of a reduction along axes: the lengths of the remaining axes, and the results in C order.
pub type Reduced<S> = (Vec<usize>, Vec<S>);

impl<T, A: Load<T>> ArrayView<'_, T, A> {
    /// Plans a reduction along axes, and returns the shape of the results and what `results` makes of the plan, in C
    /// order. `of` names a result if one of no elements is an error.
    pub(super) fn along<S: Copy>(
        &self,
        axes: impl NdIndex,
        of: Option<&str>,
        results: impl FnOnce(&Plan<'_, T, A>) -> Vec<S>,
    ) -> Result<Reduced<S>> {
        axes.with_index(|axes| {
            let plan = Plan::new(self, axes)?;
            of.map_or(Ok(()), |of| plan.check_elements(of))?;
            plan.check_memory::<S>()?;
            Ok((plan.shape(), plan.in_order(results(&plan))))
        })
    }
}

/// Returns the sum of each state's elements.
pub(super) fn sums<T: Number, A: Load<T>>(plan: &Plan<'_, T, A>) -> Vec<T::Sum> {
    if let Some(raw) = plan.raw_of_one() {
        return vec![total::<T, A, AsSum>(&raw)];
    }
    if plan.reduced as u64 > T::LANE_LEN {
        return reduce(plan, Sums);
    }
    reduce(plan, Lanes).into_iter().map(T::lane_sum).collect()
}

/// Returns the sum of each state's elements, in the type of the mean.
pub(super) fn mean_sums<T: Number, A: Load<T>>(plan: &Plan<'_, T, A>) -> Vec<T::Mean> {
    match plan.raw_of_one() {
        Some(raw) => vec![total::<T, A, AsMean>(&raw)],
        None => reduce(plan, Means),
    }
}

/// Returns the spread of each state's elements around their mean.
pub(super) fn spreads<T: Number<Mean = f64>, A: Load<T>>(plan: &Plan<'_, T, A>) -> Vec<Spread> {
    reduce(plan, Spreads)
}

/// Returns the smallest or the largest of each state's elements, of which there must be at least one.
pub(super) fn extremes<T: Ordered, A: Load<T>, const LARGEST: bool>(plan: &Plan<'_, T, A>) -> Vec<T> {
    reduce(plan, Extremes::<LARGEST>).into_iter().map(T::from_native).collect()
}

impl<T: Number, A: Load<T>> ArrayView<'_, T, A> {
    /// Returns the sums along one axis, `sum_axis(0)`, or several, `sum_axis([0, 2])`. NumPy: `arr.sum(axis=0)`.
    ///
    /// The result has the lengths of the remaining axes, and the sums in C order. The sums have the same type as that
    /// of [`sum`](Self::sum), and equal it if all axes are reduced.
    ///
    /// The elements are read once, in memory order, for any choice of axes. Floats are added pairwise along the
    /// innermost axis in memory if that axis is reduced, and sequentially along other axes. Sums of native floats along
    /// one axis are bit for bit those of NumPy, unless the view has a negative stride: NumPy adds in the order of the
    /// view, this method in memory order.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`](crate::ErrorKind::OutOfRange) if an axis does not exist or is given twice;
    /// [`Overflow`](crate::ErrorKind::Overflow) if there is no memory for the results (if another axis has length 0,
    /// there can be any number of them).
    ///
    /// ```
    /// let view = mmap_array::ArrayView::from_slice(&[1_u8, 2, 3, 4, 5, 6], [2, 3])?;
    /// assert_eq!(view.sum_axis(0)?, (vec![3], vec![5, 7, 9]));
    /// assert_eq!(view.sum_axis(1)?, (vec![2], vec![6, 15]));
    /// assert_eq!(view.sum_axis([0, 1])?, (vec![], vec![21]));
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn sum_axis(&self, axes: impl NdIndex) -> Result<Reduced<T::Sum>> {
        self.along(axes, None, sums)
    }

    /// Returns the means along one axis or several, in `f64`. NumPy: `arr.mean(axis=0, dtype=np.float64)`. See
    /// [`sum_axis`](Self::sum_axis) and [`mean`](Self::mean).
    ///
    /// # Errors
    ///
    /// Those of [`sum_axis`](Self::sum_axis); [`OutOfRange`](crate::ErrorKind::OutOfRange) also if a mean
    /// would be that of no elements, for which NumPy returns NaN.
    ///
    /// ```
    /// let view = mmap_array::ArrayView::from_slice(&[1_u8, 2, 3, 4, 5, 6], [2, 3])?;
    /// assert_eq!(view.mean_axis(0)?, (vec![3], vec![2.5, 3.5, 4.5]));
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn mean_axis(&self, axes: impl NdIndex) -> Result<Reduced<T::Mean>> {
        self.along(axes, Some("mean"), |plan| {
            mean_sums(plan).into_iter().map(|sum| T::mean_of(sum, plan.reduced)).collect()
        })
    }
}

impl<T: Number<Mean = f64>, A: Load<T>> ArrayView<'_, T, A> {
    /// Returns the variances along one axis or several, in `f64`: the sum of the squared distances from the mean,
    /// divided by the number of elements minus `ddof`. NumPy: `arr.var(axis=0, ddof=1, dtype=np.float64)`.
    ///
    /// They are computed in one pass over the elements (Welford; Chan, Golub and LeVeque), relative to one of them, so
    /// that a large mean costs no precision. If there are no more elements than `ddof`, they are NaN or infinite, as in
    /// NumPy.
    ///
    /// # Errors
    ///
    /// Those of [`mean_axis`](Self::mean_axis).
    ///
    /// ```
    /// let view = mmap_array::ArrayView::from_slice(&[1.0, 2.0, 3.0, 4.0], [2, 2])?;
    /// assert_eq!(view.var_axis(0, 0)?, (vec![2], vec![1.0, 1.0]));
    /// assert_eq!(view.var_axis(0, 1)?, (vec![2], vec![2.0, 2.0]));
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn var_axis(&self, axes: impl NdIndex, ddof: usize) -> Result<Reduced<f64>> {
        self.along(axes, Some("variance"), |plan| {
            spreads(plan).into_iter().map(|spread| spread.variance(ddof)).collect()
        })
    }

    /// Returns the standard deviations along one axis or several: the square roots of the [variances](Self::var_axis).
    /// NumPy: `arr.std(axis=0, ddof=1, dtype=np.float64)`.
    ///
    /// # Errors
    ///
    /// Those of [`mean_axis`](Self::mean_axis).
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
    /// Returns the smallest elements along one axis or several. NumPy: `arr.min(axis=0)`. If one of the elements is NaN
    /// (or NaT), so is the result. See [`sum_axis`](Self::sum_axis).
    ///
    /// # Errors
    ///
    /// Those of [`sum_axis`](Self::sum_axis); [`OutOfRange`](crate::ErrorKind::OutOfRange) also if a result
    /// would be that of no elements, as in NumPy.
    ///
    /// ```
    /// let view = mmap_array::ArrayView::from_slice(&[3, 1, 2, 4], [2, 2])?;
    /// assert_eq!(view.min_axis(0)?, (vec![2], vec![2, 1]));
    /// assert_eq!(view.max_axis(1)?, (vec![2], vec![3, 4]));
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn min_axis(&self, axes: impl NdIndex) -> Result<Reduced<T>> {
        self.along(axes, Some("smallest element"), extremes::<T, A, false>)
    }

    /// Returns the largest elements along one axis or several. NumPy: `arr.max(axis=0)`. See
    /// [`min_axis`](Self::min_axis).
    ///
    /// # Errors
    ///
    /// Those of [`min_axis`](Self::min_axis).
    pub fn max_axis(&self, axes: impl NdIndex) -> Result<Reduced<T>> {
        self.along(axes, Some("largest element"), extremes::<T, A, true>)
    }
    fn places<const LARGEST: bool>(&self, axis: usize, of: &str) -> Result<Reduced<usize>> {
        self.along(axis, Some(of), |plan| {
            let (len, stride) = self.raw.axis(axis);
            let backwards = stride < 0;
            let places = reduce(plan, Places::<LARGEST> { backwards });
            places.into_iter().map(|(_, place, _)| if backwards { len - 1 - place } else { place }).collect()
        })
    }

    /// Returns the indices of the smallest elements along one axis: of the first if several are equal, and of NaN (or
    /// NaT) if there is one. NumPy: `arr.argmin(axis=0)`. See [`sum_axis`](Self::sum_axis).
    ///
    /// # Errors
    ///
    /// Those of [`min_axis`](Self::min_axis).
    ///
    /// ```
    /// let view = mmap_array::ArrayView::from_slice(&[3, 1, 2, 4], [2, 2])?;
    /// assert_eq!(view.argmin_axis(0)?, (vec![2], vec![1, 0]));
    /// assert_eq!(view.argmax_axis(1)?, (vec![2], vec![0, 1]));
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn argmin_axis(&self, axis: usize) -> Result<Reduced<usize>> {
        self.places::<false>(axis, "smallest element")
    }

    /// Returns the indices of the largest elements along one axis. NumPy: `arr.argmax(axis=0)`. See
    /// [`argmin_axis`](Self::argmin_axis).
    ///
    /// # Errors
    ///
    /// Those of [`min_axis`](Self::min_axis).
    pub fn argmax_axis(&self, axis: usize) -> Result<Reduced<usize>> {
        self.places::<true>(axis, "largest element")
    }
}

impl<T: Number<Mean = f64>, A: Load<T>> ArrayView<'_, T, A> {
    /// Returns whether any element is nonzero, along one axis or several. NumPy: `arr.any(axis=0)`. NaN is nonzero, and
    /// the result for no elements is `false`. See [`sum_axis`](Self::sum_axis).
    ///
    /// # Errors
    ///
    /// Those of [`sum_axis`](Self::sum_axis).
    ///
    /// ```
    /// use mmap_array::{ArrayView, element::Bool};
    /// let mask = ArrayView::from_slice(&[1_u8, 0, 1, 0, 0, 1], [2, 3])?.view_as::<Bool>()?;
    /// assert_eq!(mask.any_axis(0)?, (vec![3], vec![true, false, true]));
    /// assert_eq!(mask.all_axis(0)?, (vec![3], vec![false, false, true]));
    /// assert_eq!(mask.count_nonzero_axis(1)?, (vec![2], vec![2, 1]));
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn any_axis(&self, axes: impl NdIndex) -> Result<Reduced<bool>> {
        self.along(axes, None, |plan| reduce(plan, Truth::<false>))
    }

    /// Returns whether all elements are nonzero, along one axis or several. NumPy: `arr.all(axis=0)`. NaN is nonzero,
    /// and the result for no elements is `true`. See [`sum_axis`](Self::sum_axis).
    ///
    /// # Errors
    ///
    /// Those of [`sum_axis`](Self::sum_axis).
    pub fn all_axis(&self, axes: impl NdIndex) -> Result<Reduced<bool>> {
        self.along(axes, None, |plan| reduce(plan, Truth::<true>))
    }

    /// Counts the nonzero elements along one axis or several. NumPy: `np.count_nonzero(arr, axis=0)`. See
    /// [`any_axis`](Self::any_axis).
    ///
    /// # Errors
    ///
    /// Those of [`sum_axis`](Self::sum_axis).
    pub fn count_nonzero_axis(&self, axes: impl NdIndex) -> Result<Reduced<usize>> {
        self.along(axes, None, |plan| reduce(plan, Count))
    }
}

impl<T, A: Load<T>> ArrayView<'_, T, A> {
    /// Returns an error if the length of a slice is not the number of results.
    fn check_target(&self, axes: &impl NdIndex, len: usize) -> Result<()> {
        let shape = axes.with_index(|axes| Plan::new(self, axes).map(|plan| plan.shape()))?;
        let results = shape.iter().product::<usize>();
        if results == len {
            return Ok(());
        }
        Err(Error::shape(format!("{results} results of shape {shape:?} do not fit a slice of {len}")))
    }
}

macro_rules! into_slices {
    ($([$($Number:tt)+] $name:ident, $name_to:ident($axes:ident: $Axes:ty $(, $ddof:ident, $one:literal)?) -> $S:ty;)*) => {$(
        impl<T: $($Number)+, A: Load<T>> ArrayView<'_, T, A> {
            #[doc = concat!("Writes the results of [`", stringify!($name), "`](Self::", stringify!($name), ") to a")]
            /// slice in C order, for example that of a mapped array, and returns their shape.
            ///
            /// # Errors
            ///
            #[doc = concat!("Those of [`", stringify!($name), "`](Self::", stringify!($name), "), and")]
            /// [`Shape`](crate::ErrorKind::Shape) if the slice has the wrong length. If an error is returned, nothing
            /// is written.
            ///
            /// ```
            /// let view = mmap_array::ArrayView::from_slice(&[3, 1, 2, 4], [2, 2])?;
            /// let mut results = [Default::default(); 2];
            #[doc = concat!("let shape = view.", stringify!($name_to), "(0, " $(, $one, ", ")?, "&mut results)?;")]
            #[doc = concat!("assert_eq!((shape, results.to_vec()), view.", stringify!($name), "(0" $(, ", ", $one)?, ")?);")]
            /// # Ok::<(), mmap_array::Error>(())
            /// ```
            pub fn $name_to(&self, $axes: $Axes $(, $ddof: usize)?, target: &mut [$S]) -> Result<Vec<usize>> {
                self.check_target(&$axes, target.len())?;
                let (shape, results) = self.$name($axes $(, $ddof)?)?;
                target.copy_from_slice(&results);
                Ok(shape)
            }
        }
    )*};
}
into_slices! {
    [Number] sum_axis, sum_axis_to(axes: impl NdIndex) -> T::Sum;
    [Number] mean_axis, mean_axis_to(axes: impl NdIndex) -> T::Mean;
    [Number<Mean = f64>] var_axis, var_axis_to(axes: impl NdIndex, ddof, "1") -> f64;
    [Number<Mean = f64>] std_axis, std_axis_to(axes: impl NdIndex, ddof, "1") -> f64;
    [Ordered] min_axis, min_axis_to(axes: impl NdIndex) -> T;
    [Ordered] max_axis, max_axis_to(axes: impl NdIndex) -> T;
    [Ordered] argmin_axis, argmin_axis_to(axis: usize) -> usize;
    [Ordered] argmax_axis, argmax_axis_to(axis: usize) -> usize;
    [Number<Mean = f64>] any_axis, any_axis_to(axes: impl NdIndex) -> bool;
    [Number<Mean = f64>] all_axis, all_axis_to(axes: impl NdIndex) -> bool;
    [Number<Mean = f64>] count_nonzero_axis, count_nonzero_axis_to(axes: impl NdIndex) -> usize;
}
