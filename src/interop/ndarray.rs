//! Conversion of views to and from views of [ndarray].
//!
//! ndarray's views count strides in elements and return references, so they can represent elements that are aligned and
//! whole elements apart: arrays, windows, transposes, every other row, and fields of records whose sizes fit. For other
//! views an error says why.

use crate::access::{Addr, Exclusive, ReadOnly, ReadWrite, Stable, assert_mappable};
use crate::dynamic::AnyView;
use crate::element::Element;
use crate::error::{Error, Reason, Result, short_type_name};
use crate::npy;
use crate::shape::{Axes, Dims, Order};
use crate::view::shaping::Shaped;
use crate::view::{ArrayView, ArrayViewMut, RawView};
use bytemuck::{AnyBitPattern, NoUninit};
use ndarray::{ArrayBase, Axis, Data, Dimension, IxDyn, RawArrayView, RawArrayViewMut, ShapeBuilder, StrideShape};

impl<'a, T> ArrayView<'a, T>
where
    ReadOnly: Stable<T>,
{
    /// Converts the view to an ndarray view of the same elements, with a fixed number of axes (`ArrayView2<f64>`) or
    /// any (`ArrayViewD<f64>`).
    ///
    /// Requires the `ndarray` feature.
    ///
    /// # Errors
    ///
    /// [`NotContiguous`](crate::ErrorKind::NotContiguous) if ndarray cannot represent the strides or the alignment of
    /// the elements, for example of fields of packed records, which [`to_vec`](Self::to_vec) copies;
    /// [`Shape`](crate::ErrorKind::Shape) if the number of axes differs.
    ///
    /// ```
    /// let grid = mmap_array::MmapArrayMut::<f64>::anonymous([2, 3])?;
    /// let view: ndarray::ArrayView2<f64> = grid.view().into_ndarray()?;
    /// assert_eq!(view.row(1).sum(), 0.0);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn into_ndarray<D: Dimension>(self) -> Result<ndarray::ArrayView<'a, T, D>> {
        let Laid { first, shape, turned } = Laid::<T>::out::<ReadOnly>(self.raw())?;
        // SAFETY: `Laid` has the address of the element at the lowest, aligned, and strides that lead to elements of
        // the view only, all of them in one piece of memory.
        let mut raw = unsafe { RawArrayView::from_shape_ptr(shape, first.cast_const()) };
        turned.into_iter().for_each(|axis| raw.invert_axis(Axis(axis)));
        let raw = raw.into_dimensionality::<D>().map_err(|_| another_rank(self.ndim(), D::NDIM))?;
        // SAFETY: the elements are aligned, initialized, of a type that takes any bits, and not written for 'a, by the
        // contract of `from_raw`.
        Ok(unsafe { raw.deref_into_view() })
    }

    /// Creates a view of the elements of an ndarray view, for example to save them.
    ///
    /// Requires the `ndarray` feature.
    ///
    /// # Errors
    ///
    /// [`Shape`](crate::ErrorKind::Shape) if there are more than [`MAX_NDIM`](crate::view::MAX_NDIM) axes;
    /// [`Overflow`](crate::ErrorKind::Overflow) if a broadcast view is larger than the address space.
    ///
    /// ```
    /// let squares = ndarray::Array2::from_shape_fn((2, 3), |(i, j)| (i * j) as u32);
    /// let view = mmap_array::ArrayView::from_ndarray(squares.t())?;
    /// assert_eq!((view.shape(), view.at([2, 1])), (&[3, 2][..], 2));
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn from_ndarray<D: Dimension>(view: ndarray::ArrayView<'a, T, D>) -> Result<Self>
    where
        T: AnyBitPattern + NoUninit,
    {
        const { assert_mappable::<T>() }
        let dims = Dims::new(view.shape())?;
        // A broadcast view may have more elements than memory.
        dims.checked_len(size_of::<T>())?;
        let mut axes = Axes::contiguous(&dims, Order::C, size_of::<T>());
        for (axis, (&len, &stride)) in view.shape().iter().zip(view.strides()).enumerate() {
            axes.set(axis, len, stride.wrapping_mul(size_of::<T>() as isize));
        }
        let raw = RawView { ptr: Addr::of(view.as_ptr()), axes };
        // SAFETY: the elements are ndarray's, initialized, without padding, and borrowed for 'a. Two indices may give
        // the same one, as in a broadcast view, which no reader minds.
        Ok(unsafe { Self::from_raw(raw) })
    }
}

impl<'a, T> ArrayViewMut<'a, T>
where
    ReadWrite: Exclusive<T>,
{
    /// Converts the view to a writable ndarray view of the same elements. See
    /// [`into_ndarray`](ArrayView::into_ndarray).
    ///
    /// Requires the `ndarray` feature.
    ///
    /// # Errors
    ///
    /// Those of [`into_ndarray`](ArrayView::into_ndarray).
    ///
    /// ```
    /// let mut grid = mmap_array::MmapArrayMut::<f64>::anonymous([2, 3])?;
    /// let mut view: ndarray::ArrayViewMutD<f64> = grid.view_mut().into_ndarray_mut()?;
    /// view += 1.0;
    /// assert_eq!(*grid, [1.0; 6]);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn into_ndarray_mut<D: Dimension>(self) -> Result<ndarray::ArrayViewMut<'a, T, D>> {
        let rank = self.ndim();
        let Laid { first, shape, turned } = Laid::<T>::out::<ReadWrite>(self.raw())?;
        // SAFETY: as for `into_ndarray`.
        let mut raw = unsafe { RawArrayViewMut::from_shape_ptr(shape, first) };
        turned.into_iter().for_each(|axis| raw.invert_axis(Axis(axis)));
        let raw = raw.into_dimensionality::<D>().map_err(|_| another_rank(rank, D::NDIM))?;
        // SAFETY: as for `into_ndarray`; no two indices give overlapping elements, and nobody else reads or writes them
        // for 'a, by the contract of `from_raw`.
        Ok(unsafe { raw.deref_into_view_mut() })
    }
}

impl<S, D> npy::save::sealed::Sealed for ArrayBase<S, D>
where
    S: Data,
    S::Elem: Element + AnyBitPattern + NoUninit,
    D: Dimension,
{
}

/// Saves an array in its own memory order: `npy::save("a.npy", &array)`.
///
/// Requires the `ndarray` feature.
impl<S, D> npy::ArrayLike for ArrayBase<S, D>
where
    S: Data,
    S::Elem: Element + AnyBitPattern + NoUninit,
    D: Dimension,
{
    fn lend<R>(&self, f: impl FnOnce(&dyn AnyView) -> Result<R>) -> Result<R> {
        ArrayView::from_ndarray(self.view())?.lend(f)
    }
}

fn another_rank(rank: usize, wanted: Option<usize>) -> Error {
    let wanted = wanted.map_or_else(String::new, |ndim| format!(", not {ndim}"));
    Error::shape(format!("the view has {rank} axes{wanted}"))
}

/// Elements as ndarray describes them.
struct Laid<T> {
    /// The element at the lowest address, if there is one.
    first: *mut T,
    /// The shape, with strides that are counted in elements and are not negative.
    shape: StrideShape<IxDyn>,
    /// The axes whose strides were negative.
    turned: Vec<usize>,
}

impl<T> Laid<T> {
    fn out<A: Stable<T>>(view: &RawView) -> Result<Self> {
        let (size, align, element) = (size_of::<T>() as isize, align_of::<T>(), short_type_name::<T>());
        let lens = view.axes.lens();
        if lens.contains(&0) {
            return Ok(Self { first: std::ptr::dangling_mut(), shape: IxDyn(lens).into(), turned: Vec::new() });
        }
        let (mut first, mut strides, mut turned) = (view.ptr, Vec::new(), Vec::new());
        for (axis, (&len, &stride)) in lens.iter().zip(view.axes.strides()).enumerate() {
            // What there is one of has no distance.
            let stride = if len > 1 { stride } else { 0 };
            if stride % size != 0 {
                return Err(Reason::NotContiguous(format!(
                    "ndarray counts strides in elements, but along axis {axis} of {} they lie {stride} bytes apart, \
                     which is not a multiple of the {size} bytes of `{element}`; `to_vec` copies them",
                    view.describe()
                ))
                .error());
            }
            if stride < 0 {
                first = first.offset(stride.wrapping_mul(len as isize - 1));
                turned.push(axis);
            }
            strides.push((stride / size).unsigned_abs());
        }
        if !first.is_aligned_for::<T>() {
            return Err(Reason::NotContiguous(format!(
                "ndarray returns references, but the elements of {} lie at addresses that are not multiples of \
                 {align}, the alignment of `{element}`; `to_vec` copies them",
                view.describe()
            ))
            .error());
        }
        Ok(Self { first: A::pointer(first), shape: IxDyn(lens).strides(IxDyn(&strides)), turned })
    }
}
