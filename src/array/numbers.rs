//! Reductions over all elements of an array, without going through a view.

use super::MmapArray;
use crate::access::{ReadOnly, Stable};
use crate::element::{Number, Ordered};

impl<T: Number, A> MmapArray<T, A>
where
    ReadOnly: Stable<T>,
{
    /// Returns the sum of all elements: NumPy's `arr.sum()`. See [`ArrayView::sum`](crate::ArrayView::sum).
    ///
    /// ```
    /// let mut arr = mmap_array::MmapArrayMut::<u8>::anonymous([2, 3])?;
    /// arr.fill(100);
    /// assert_eq!((arr.sum(), arr.mean()), (600, Some(100.0)));
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[must_use]
    pub fn sum(&self) -> T::Sum {
        self.view().sum()
    }

    /// Returns the mean of all elements in `f64`, or `None` if there are none: NumPy's `arr.mean()`. See
    /// [`ArrayView::mean`](crate::ArrayView::mean).
    #[must_use]
    pub fn mean(&self) -> Option<T::Mean> {
        self.view().mean()
    }
}

impl<T: Ordered, A> MmapArray<T, A>
where
    ReadOnly: Stable<T>,
{
    /// Returns the smallest element, or `None` if there are none: NumPy's `arr.min()`. See
    /// [`ArrayView::min`](crate::ArrayView::min).
    ///
    /// ```
    /// let mut arr = mmap_array::MmapArrayMut::<f32>::anonymous(3)?;
    /// arr.copy_from_slice(&[2.0, -1.0, 5.0]);
    /// assert_eq!((arr.min(), arr.max()), (Some(-1.0), Some(5.0)));
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[must_use]
    pub fn min(&self) -> Option<T> {
        self.view().min()
    }

    /// Returns the largest element, or `None` if there are none: NumPy's `arr.max()`. See
    /// [`ArrayView::max`](crate::ArrayView::max).
    #[must_use]
    pub fn max(&self) -> Option<T> {
        self.view().max()
    }
}
