//! Untyped views: an address, lengths and strides in bytes, and the arithmetic that all views share.

use crate::access::Addr;
use crate::dtype::DType;
use crate::error::{Error, Reason, Result};
use crate::shape::{Axes, Dims, IntoShape, Order, too_many_axes};
use std::ops::{Bound, Range, RangeBounds};

/// Elements of some size in memory: the address of the first, the axes and their strides.
///
/// Invariants: for each index within the axes, the element there lies wholly within the memory that the view was made
/// for, and elements at two indices never overlap, unless they can only be read. A view that is sliced, transposed or
/// reinterpreted from one that satisfies both satisfies them too, and all methods here do only that. If there are no
/// elements, the pointer may be anything. Addresses are computed by wrapping arithmetic, so that computing one is never
/// unsound.
#[derive(Clone)]
pub(crate) struct RawView {
    pub(crate) ptr: Addr,
    pub(crate) axes: Axes,
}

impl RawView {
    /// Creates a view of contiguous elements of `size` bytes that begin at `ptr`, which must be valid for all of them.
    /// `dims` must have passed `checked_len` for that size.
    #[inline]
    pub(crate) fn contiguous(ptr: Addr, dims: &Dims, order: Order, size: usize) -> Self {
        Self { ptr, axes: Axes::contiguous(dims, order, size) }
    }

    /// Returns the address of an element, or `None` if the index finds none.
    #[inline(always)]
    pub(crate) fn at(&self, index: &[usize]) -> Option<Addr> {
        self.axes.offset(index).map(|offset| self.ptr.offset(offset))
    }

    /// Returns the range of addresses that contains all elements, which have `size` bytes.
    pub(crate) fn addresses(&self, size: usize) -> Range<usize> {
        let first = self.ptr.number();
        if self.axes.lens().contains(&0) {
            return first..first;
        }
        let ends = self.axes.lens().iter().zip(self.axes.strides()).map(|(&len, &stride)| (len as isize - 1) * stride);
        let (before, behind) = ends.fold((0, 0), |(before, behind), end| (before + end.min(0), behind + end.max(0)));
        first.wrapping_add_signed(before)..first.wrapping_add_signed(behind).wrapping_add(size)
    }

    /// Returns the length and the stride of an axis.
    ///
    /// # Panics
    ///
    /// Panics if the axis does not exist.
    #[inline]
    #[track_caller]
    pub(crate) fn axis(&self, axis: usize) -> (usize, isize) {
        assert!(axis < self.axes.ndim(), "there is no axis {axis} in a view with {} axes", self.axes.ndim());
        (self.axes.lens()[axis], self.axes.strides()[axis])
    }

    /// Returns the elements in a range of one axis.
    #[inline]
    #[track_caller]
    pub(crate) fn slice_axis(mut self, axis: usize, range: impl RangeBounds<usize>) -> Self {
        self.cut(axis, range);
        self
    }

    /// Keeps only the elements in a range of one axis.
    #[inline]
    #[track_caller]
    pub(super) fn cut(&mut self, axis: usize, range: impl RangeBounds<usize>) {
        let (len, stride) = self.axis(axis);
        let range = match resolve(&range, len) {
            Ok(range) => range,
            Err(error) => panic!("{error} along axis {axis}"),
        };
        self.skip(range.start, stride);
        self.axes.set(axis, range.len(), stride);
    }

    #[inline]
    fn skip(&mut self, count: usize, stride: isize) {
        self.ptr = self.ptr.offset((count as isize).wrapping_mul(stride));
    }

    /// Returns the elements at one index of an axis, and removes the axis.
    #[inline]
    #[track_caller]
    pub(crate) fn index_axis(mut self, axis: usize, index: usize) -> Self {
        self.pick(axis, index);
        self
    }

    /// Keeps only the elements at one index of an axis, and removes the axis.
    #[inline]
    #[track_caller]
    pub(super) fn pick(&mut self, axis: usize, index: usize) {
        let (len, stride) = self.axis(axis);
        assert!(index < len, "index {index} is outside axis {axis} of length {len}");
        self.skip(index, stride);
        self.axes.remove(axis);
    }

    /// Returns every `step`-th element along an axis, backwards from the last if the step is negative.
    #[inline]
    #[track_caller]
    pub(crate) fn step_axis(mut self, axis: usize, step: isize) -> Self {
        assert!(step != 0, "a step of 0 along axis {axis} is not allowed");
        let (len, stride) = self.axis(axis);
        if step < 0 && len > 0 {
            self.skip(len - 1, stride);
        }
        let count = len.div_ceil(step.unsigned_abs());
        // Where the product does not fit, the step is longer than the axis and one element at most is left.
        self.axes.set(axis, count, stride.wrapping_mul(step));
        self
    }

    /// Returns the two parts before and from an index of an axis.
    #[track_caller]
    pub(crate) fn split_at(self, axis: usize, index: usize) -> (Self, Self) {
        (self.clone().slice_axis(axis, ..index), self.slice_axis(axis, index..))
    }

    #[track_caller]
    pub(crate) fn permuted(mut self, order: &[usize]) -> Self {
        let mut seen = [false; crate::shape::MAX_NDIM];
        let is_permutation = order.len() == self.axes.ndim()
            && order.iter().all(|&axis| axis < order.len() && !std::mem::replace(&mut seen[axis], true));
        assert!(is_permutation, "{order:?} is not a permutation of the {} axes", self.axes.ndim());
        self.axes = self.axes.permuted(order);
        self
    }

    pub(crate) fn transposed(mut self) -> Self {
        self.axes.reverse();
        self
    }

    pub(crate) fn insert_axis(mut self, axis: usize) -> Result<Self> {
        if axis > self.axes.ndim() {
            let text = format!("a new axis cannot be inserted at {axis} in a view with {} axes", self.axes.ndim());
            return Err(Error::out_of_range(text));
        }
        self.axes.insert(axis, 1, 0)?;
        Ok(self)
    }

    /// Returns the same elements with another shape. They must be contiguous.
    pub(crate) fn reshape(mut self, shape: impl IntoShape, size: usize) -> Result<Self> {
        let shape = shape.into_shape().map_err(too_many_axes)?;
        if !self.axes.is_contiguous(size) {
            let text = format!(
                "the elements of {} are not contiguous in C order, so they cannot be given the shape {shape} in place",
                self.describe()
            );
            return Err(Reason::NotContiguous(text).error());
        }
        let dims = shape.fit(self.axes.len())?;
        dims.checked_len(size)?;
        self.axes = Axes::contiguous(&dims, Order::C, size);
        Ok(self)
    }

    /// Returns the part of every element that begins at `offset`. The caller must have checked that it fits.
    #[inline]
    pub(crate) fn project(mut self, offset: usize) -> Self {
        self.ptr = self.ptr.add(offset);
        self
    }

    /// Returns the same bytes as elements of another size, by the rules of `ndarray.view`.
    pub(crate) fn reinterpret(mut self, size: usize, new_size: usize, new_type: &str) -> Result<Self> {
        if size == new_size {
            return Ok(self);
        }
        let wrong = |text: String| Reason::SizeMismatch(text).error();
        let Some(axis) = self.axes.ndim().checked_sub(1) else {
            return Err(wrong(format!(
                "one element of {size} bytes cannot be seen as `{new_type}` of {new_size} bytes: a 0-d view cannot \
                 change its element size"
            )));
        };
        let (len, stride) = (self.axes.lens()[axis], self.axes.strides()[axis]);
        if len != 1 && stride != size as isize && !self.axes.lens().contains(&0) {
            let text = format!(
                "elements of {size} bytes can be seen as `{new_type}` of {new_size} bytes only if the last axis is \
                 contiguous, but in {} its stride is {stride} bytes",
                self.describe()
            );
            return Err(Reason::NotContiguous(text).error());
        }
        let bytes = len * size;
        let divides = if new_size < size { size % new_size == 0 } else { bytes % new_size == 0 };
        if !divides {
            return Err(wrong(format!(
                "the last axis of {} holds {bytes} bytes in elements of {size} bytes, which cannot be divided into \
                 `{new_type}` of {new_size} bytes",
                self.describe()
            )));
        }
        self.axes.set(axis, bytes / new_size, new_size as isize);
        // Where there are elements they fit as they did; of none at all, larger ones may not.
        Dims::new(self.axes.lens())?.checked_len(new_size)?;
        Ok(self)
    }

    /// Adds an axis at the end, for the `len` parts of `size` bytes of every element.
    pub(crate) fn unpack(mut self, len: usize, size: usize) -> Result<Self> {
        self.axes.insert(self.axes.ndim(), len, size as isize)?;
        Ok(self)
    }

    /// Returns the elements of subarrays, whose axes follow the others.
    pub(crate) fn unpack_dtype(mut self, dtype: &DType) -> Result<(Self, &DType)> {
        let (element, shape) = dtype.flattened();
        if !shape.is_empty() {
            let (dims, size) = (Dims::new(&shape)?, element.itemsize());
            dims.checked_len(size)?;
            let inner = Axes::contiguous(&dims, Order::C, size);
            for (&len, &stride) in inner.lens().iter().zip(inner.strides()) {
                self.axes.insert(self.axes.ndim(), len, stride)?;
            }
            // Elements of no bytes can be more than can be counted.
            Dims::new(self.axes.lens())?.checked_len(size)?;
        }
        Ok((self, element))
    }

    pub(crate) fn describe(&self) -> String {
        format!("a view of shape {:?} and strides {:?}", self.axes.lens(), self.axes.strides())
    }
}

/// Resolves a range over `len` items to its start and its end.
pub(crate) fn resolve(range: &impl RangeBounds<usize>, len: usize) -> Result<Range<usize>> {
    let start = match range.start_bound() {
        Bound::Included(&start) => Some(start),
        Bound::Excluded(&start) => start.checked_add(1),
        Bound::Unbounded => Some(0),
    };
    let end = match range.end_bound() {
        Bound::Included(&end) => end.checked_add(1),
        Bound::Excluded(&end) => Some(end),
        Bound::Unbounded => Some(len),
    };
    match (start, end) {
        (Some(start), Some(end)) if start <= end && end <= len => Ok(start..end),
        _ => {
            let show = |bound: Option<usize>| bound.map_or("overflow".to_string(), |bound| bound.to_string());
            let backwards = range.end_bound() != Bound::Unbounded && end < start;
            let why = if backwards { "ends before it begins, in" } else { "is outside" };
            Err(Error::out_of_range(format!("the range {}..{} {why} 0..{len}", show(start), show(end))))
        }
    }
}
