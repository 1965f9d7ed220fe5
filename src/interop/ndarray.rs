//! Views as [ndarray]'s, and the other way round.
//!
//! Its views count strides in elements and give out references, so they can show what lies at its type's alignment and
//! at whole elements' distances: arrays, windows, transposes, every other row, and fields of records whose sizes fit.
//! What they cannot show is an error that says why.

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
    /// The same elements as a view of ndarray's, of a fixed rank (`ArrayView2<f64>`) or of any (`ArrayViewD<f64>`).
    ///
    /// With the feature `ndarray`.
    ///
    /// # Errors
    ///
    /// [`NotContiguous`](crate::ErrorKind::NotContiguous) where the elements do not lie as ndarray needs them, such as
    /// fields of packed records: [`to_vec`](Self::to_vec) copies them; [`Shape`](crate::ErrorKind::Shape) for another
    /// rank.
    ///
    /// ```
    /// let grid = mmap_array::MmapArrayMut::<f64>::anonymous([2, 3])?;
    /// let view: ndarray::ArrayView2<f64> = grid.view().into_ndarray()?;
    /// assert_eq!(view.row(1).sum(), 0.0);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn into_ndarray<D: Dimension>(self) -> Result<ndarray::ArrayView<'a, T, D>> {
        let Laid { first, shape, turned } = Laid::<T>::out::<ReadOnly>(self.raw())?;
        // SAFETY: `Laid` has the address of the element at the lowest, aligned, and strides that lead to elements of the
        // view only, all of them in one piece of memory.
        let mut raw = unsafe { RawArrayView::from_shape_ptr(shape, first.cast_const()) };
        turned.into_iter().for_each(|axis| raw.invert_axis(Axis(axis)));
        let raw = raw.into_dimensionality::<D>().map_err(|_| another_rank(self.ndim(), D::NDIM))?;
        // SAFETY: the elements are aligned, initialised, of a type that takes any bits, and not written for 'a, by the
        // contract of `from_raw`.
        Ok(unsafe { raw.deref_into_view() })
    }

    /// The elements of a view of ndarray's, to be saved, or cut and read as views here are.
    ///
    /// With the feature `ndarray`.
    ///
    /// # Errors
    ///
    /// [`Shape`](crate::ErrorKind::Shape) for more than [`MAX_NDIM`](crate::view::MAX_NDIM) axes,
    /// [`Overflow`](crate::ErrorKind::Overflow) for a broadcast view of more than the address space.
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
        // SAFETY: the elements are ndarray's, initialised, without padding, and borrowed for 'a. Two indices may give the
        // same one, as in a broadcast view, which no reader minds.
        Ok(unsafe { Self::from_raw(raw) })
    }
}

impl<'a, T> ArrayViewMut<'a, T>
where
    ReadWrite: Exclusive<T>,
{
    /// The same elements as a writable view of ndarray's. See [`into_ndarray`](ArrayView::into_ndarray).
    ///
    /// With the feature `ndarray`.
    ///
    /// # Errors
    ///
    /// As for [`into_ndarray`](ArrayView::into_ndarray).
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
        // SAFETY: as for `into_ndarray`; no two indices give overlapping elements, and nobody else reads or writes them for
        // 'a, by the contract of `from_raw`.
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

/// Saved in its own order: `npy::save("a.npy", &array)`.
///
/// With the feature `ndarray`.
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
    /// The one at the lowest address, where there is one.
    first: *mut T,
    /// With the strides counted in elements, none of them negative.
    shape: StrideShape<IxDyn>,
    /// The axes that go from higher addresses to lower ones.
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
                    "ndarray counts strides in elements, and along axis {axis} of {} they lie {stride} bytes apart, no \
                     multiple of the {size} of `{element}`; `to_vec` copies them",
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
                "ndarray gives out references, and the elements of {} lie at addresses that are no multiples of {align}, \
                 the alignment of `{element}`; `to_vec` copies them",
                view.describe()
            ))
            .error());
        }
        Ok(Self { first: A::pointer(first), shape: IxDyn(lens).strides(IxDyn(&strides)), turned })
    }
}
