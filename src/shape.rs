//! How many elements there are along each axis, and how far apart they lie.
//!
//! Every size a user or a file states passes through here before anything is mapped, so this is where a product that
//! does not fit is caught, where an inferred axis is worked out, and where the two storage orders become byte strides.
//! The axes of a view, [`MAX_NDIM`] at the most, are kept inline where they are few, so that making a view allocates
//! nothing and copies little.

use crate::error::{Error, Reason, Result};
use std::fmt;
use std::ops::Deref;

/// The most axes an array or a view can have: 32, as `NPY_MAXDIMS` was for NumPy 1.
pub const MAX_NDIM: usize = 32;

/// The order in which an array's elements follow one another in the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// Row by row: the last index varies fastest. NumPy's default, and C's.
    #[default]
    C,
    /// Column by column: the first index varies fastest. Fortran's, MATLAB's, R's and Julia's.
    F,
}

impl Order {
    /// The slowest of so many axes: the first in C order, the last in Fortran order; `None` where there are none.
    pub(crate) fn slowest_axis(self, ndim: usize) -> Option<usize> {
        match self {
            Self::C => (ndim > 0).then_some(0),
            Self::F => ndim.checked_sub(1),
        }
    }
}

pub(crate) fn too_many_axes(ndim: usize) -> Error {
    Error::shape(format!("a shape of {ndim} axes was given; an array has at most {MAX_NDIM}"))
}

/// The number of elements along each axis.
#[derive(Clone, Copy, Debug)]
pub struct Dims {
    ndim: usize,
    lens: [usize; MAX_NDIM],
}

impl Dims {
    pub(crate) fn new(dims: &[usize]) -> Result<Self> {
        let mut lens = [0; MAX_NDIM];
        match lens.get_mut(..dims.len()) {
            Some(head) => head.copy_from_slice(dims),
            None => return Err(too_many_axes(dims.len())),
        }
        Ok(Self { ndim: dims.len(), lens })
    }

    /// The number of elements and of bytes, for elements of `size` bytes.
    ///
    /// The product of the axes that are not 0 must fit too: a shape of (0, 2^62, 2^62) is refused, as by NumPy, so that
    /// every stride fits.
    pub(crate) fn checked_len(&self, size: usize) -> Result<(usize, usize)> {
        let nonzero = self.iter().filter(|&&dim| dim != 0).try_fold(1_usize, |product, &dim| product.checked_mul(dim));
        nonzero
            .and_then(|len| Some((len, len.checked_mul(size)?)))
            .filter(|&(_, bytes)| bytes <= isize::MAX as usize)
            .map(|sizes| if self.contains(&0) { (0, 0) } else { sizes })
            .ok_or_else(|| {
                let detail = format!("{self} elements of {size} bytes take more than the address space");
                Error::overflow("the shape", detail)
            })
    }

    /// The same axes with another length of one of them.
    pub(crate) fn with(mut self, axis: usize, len: usize) -> Self {
        self.lens[..self.ndim][axis] = len;
        self
    }

    /// The flat position of `index` in storage order, or `None` where it is outside.
    #[inline]
    pub(crate) fn position<const N: usize>(&self, order: Order, index: [usize; N]) -> Option<usize> {
        if self.ndim != N {
            return None;
        }
        let mut position = 0;
        let mut step = |axis: usize| {
            let inside = index[axis] < self.lens[axis];
            // Where every index is inside, this is below the number of elements, which fits.
            position = usize::wrapping_add(usize::wrapping_mul(position, self.lens[axis]), index[axis]);
            inside
        };
        let inside = match order {
            Order::C => (0..N).fold(true, |inside, axis| inside & step(axis)),
            Order::F => (0..N).rev().fold(true, |inside, axis| inside & step(axis)),
        };
        inside.then_some(position)
    }
}

impl Deref for Dims {
    type Target = [usize];

    #[inline]
    fn deref(&self) -> &[usize] {
        &self.lens[..self.ndim]
    }
}

/// As Rust writes it: `[480, 640]`.
impl fmt::Display for Dims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &self[..])
    }
}

/// A shape as it was asked for: dims, of which some may be left to follow from the number of elements.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// With 1 in the place of an axis to infer.
    dims: Dims,
    inferred: usize,
    /// The last of the axes to infer.
    axis: usize,
}

impl Shape {
    fn of(lens: impl ExactSizeIterator<Item = Option<usize>>) -> Result<Self, usize> {
        let ndim = lens.len();
        let mut shape = Self { dims: Dims { ndim, lens: [0; MAX_NDIM] }, inferred: 0, axis: 0 };
        if ndim > MAX_NDIM {
            return Err(ndim);
        }
        for (axis, len) in lens.enumerate() {
            shape.dims.lens[axis] = len.unwrap_or(1);
            if len.is_none() {
                shape.inferred += 1;
                shape.axis = axis;
            }
        }
        Ok(shape)
    }

    /// The dims, where none is to be inferred.
    pub(crate) fn given(&self) -> Option<Dims> {
        (self.inferred == 0).then_some(self.dims)
    }

    /// The axis to infer, which is one only.
    fn one_axis(&self) -> Result<usize> {
        match self.inferred {
            1 => Ok(self.axis),
            more => Err(Error::shape(format!("the shape leaves {more} axes to be inferred; only one can be"))),
        }
    }

    /// The dims, where there are `len` elements in all.
    pub(crate) fn fit(&self, len: usize) -> Result<Dims> {
        let mismatch = || Error::shape(format!("{len} elements cannot be given the shape {self}"));
        let (others, _) = self.dims.checked_len(1)?;
        let dims = match self.given() {
            Some(dims) if others == len => dims,
            Some(_) => return Err(mismatch()),
            None => {
                let axis = self.one_axis()?;
                let inferred = len.checked_div(others).filter(|inferred| inferred * others == len);
                self.dims.with(axis, inferred.ok_or_else(mismatch)?)
            }
        };
        Ok(dims)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.inferred {
            0 => write!(f, "{}", self.dims),
            _ => write!(f, "{} where axis {} stands for any length", self.dims, self.axis),
        }
    }
}

/// Anything that says a shape: an array, slice or `Vec` of lengths, or one number for one axis. `()` is 0-d.
///
/// A length is a number of elements, or `None` (with the others in `Some`) for the one axis that follows from the
/// number of elements there are: NumPy's `-1`. The trait is sealed.
///
/// ```
/// use mmap_array::MmapArray;
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("points.f32");
/// std::fs::write(&path, [0; 48])?;
/// // SAFETY: nobody else writes or truncates the file.
/// let points = unsafe { MmapArray::<f32>::options().shape([None, Some(3)]).open(&path)? };
/// assert_eq!(points.shape(), [4, 3]);
/// # Ok::<(), std::io::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no shape",
    note = "a shape is `[480, 640]`, a slice or `Vec` of such, a `usize`, or `()`",
    note = "NumPy's -1 is `None`, and the other lengths then go in `Some`: `[None, Some(640)]`"
)]
pub trait IntoShape: sealed::Sealed {
    /// The shape, or the number of axes where they are too many.
    #[doc(hidden)]
    fn into_shape(self) -> Result<Shape, usize>;
}

/// Anything that says an index: `[i, j]`, a slice, one number where there is one axis, `()` where there is none. The
/// trait is sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no index",
    note = "an index is `[i, j]`, a slice or `Vec` of such, a `usize` where there is one axis, or `()` where there is none"
)]
pub trait NdIndex: sealed::Sealed {
    #[doc(hidden)]
    fn with_index<R>(&self, f: impl FnOnce(&[usize]) -> R) -> R;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for usize {}
    impl Sealed for () {}
}

impl IntoShape for () {
    fn into_shape(self) -> Result<Shape, usize> {
        [0_usize; 0].into_shape()
    }
}

impl NdIndex for () {
    #[inline]
    fn with_index<R>(&self, f: impl FnOnce(&[usize]) -> R) -> R {
        f(&[])
    }
}

impl IntoShape for usize {
    fn into_shape(self) -> Result<Shape, usize> {
        [self].into_shape()
    }
}

impl NdIndex for usize {
    #[inline]
    fn with_index<R>(&self, f: impl FnOnce(&[usize]) -> R) -> R {
        f(&[*self])
    }
}

macro_rules! shapes {
    ($len:ty: $(($container:ty $(, $n:ident)?)),*) => {$(
        impl$(<const $n: usize>)? sealed::Sealed for $container {}
        impl$(<const $n: usize>)? IntoShape for $container {
            fn into_shape(self) -> Result<Shape, usize> {
                Shape::of(self.iter().map(|&len: &$len| len.into()))
            }
        }
    )*};
}
shapes!(usize: ([usize; N], N), (&[usize; N], N), (&[usize]), (Vec<usize>), (&Vec<usize>));
shapes!(
    Option<usize>:
    ([Option<usize>; N], N),
    (&[Option<usize>; N], N),
    (&[Option<usize>]),
    (Vec<Option<usize>>),
    (&Vec<Option<usize>>)
);

macro_rules! indices {
    ($(($container:ty $(, $n:ident)?)),*) => {$(
        impl$(<const $n: usize>)? NdIndex for $container {
            #[inline]
            fn with_index<R>(&self, f: impl FnOnce(&[usize]) -> R) -> R {
                f(&self[..])
            }
        }
    )*};
}
indices!(([usize; N], N), (&[usize; N], N), (&[usize]), (Vec<usize>), (&Vec<usize>));

/// Works a shape out against the bytes that a file has for it.
///
/// `shape` of `None` is one axis over all there is. What a given shape needs is checked when it is mapped.
pub(crate) fn fit_to_file(shape: Option<Shape>, size: usize, offset: u64, file_len: u64) -> Result<Dims> {
    if let Some(dims) = shape.and_then(|shape| shape.given()) {
        return Ok(dims);
    }
    let available = file_len
        .checked_sub(offset)
        .ok_or_else(|| Reason::OffsetPastEnd { offset, file_len }.error().at_bytes(offset..offset))?;
    let (dims, axis) = match shape {
        None if file_len == 0 => return Err(Reason::EmptyFile.error()),
        None => (Dims::new(&[1])?, 0),
        Some(shape) => (shape.dims, shape.one_axis()?),
    };
    let (others, unit_bytes) = dims.checked_len(size)?;
    if others == 0 {
        return Err(Error::shape(format!("axis {axis} cannot be inferred: the other axes hold no element")));
    }
    if unit_bytes == 0 {
        let text = format!("axis {axis} cannot be inferred: elements of no bytes fit any file any number of times");
        return Err(Error::shape(text));
    }
    let unit_bytes = unit_bytes as u64;
    let tail = available % unit_bytes;
    if tail != 0 {
        let unit = match (dims.len(), axis) {
            (1, _) => "elements",
            (_, 0) => "rows",
            _ => "slices along the inferred axis",
        };
        let whole = usize::try_from(available / unit_bytes).unwrap_or(usize::MAX);
        let fit = format!("the shape {}", dims.with(axis, whole));
        let reason = Reason::PartialElement { offset, file_len, available, unit, unit_bytes, tail, fit };
        return Err(reason.error().at_bytes(file_len - tail..file_len));
    }
    let len = usize::try_from(available / unit_bytes);
    let len =
        len.map_err(|_| Error::overflow("the file", format!("{available} bytes do not fit the address space")))?;
    Ok(dims.with(axis, len))
}

/// The most axes that are kept inline.
const INLINE: usize = 6;

/// Axes with byte strides: everything of a view but its pointer. None by default.
///
/// Most views have few axes, and many are made: one for each row, say. So up to six lie inline, in 14 words; more of them
/// lie together in one allocation, of which each clone makes another.
#[derive(Clone, Default)]
pub(crate) struct Axes {
    ndim: usize,
    /// The first `ndim` are the axes, where they are [`INLINE`] at most.
    lens: [usize; INLINE],
    strides: [isize; INLINE],
    /// The axes, where they are more.
    many: Option<Box<Many>>,
}

/// More axes than lie inline; the first `ndim` of them.
#[derive(Clone)]
struct Many {
    lens: [usize; MAX_NDIM],
    strides: [isize; MAX_NDIM],
}

impl Axes {
    /// So many axes, of no length yet. At most [`MAX_NDIM`].
    #[inline]
    fn of_none(ndim: usize) -> Self {
        let many = (ndim > INLINE).then(|| Box::new(Many { lens: [0; MAX_NDIM], strides: [0; MAX_NDIM] }));
        Self { ndim, many, ..Self::default() }
    }

    /// The axes of elements of `size` bytes that lie one after another in `order`. `dims` must have passed
    /// [`Dims::checked_len`] for that size.
    pub(crate) fn contiguous(dims: &Dims, order: Order, size: usize) -> Self {
        let mut axes = Self::of_none(dims.ndim);
        let (lens, strides) = axes.parts_mut();
        lens.copy_from_slice(dims);
        let mut stride = size;
        let mut step = |(to, &len): (&mut isize, &usize)| {
            // `checked_len` holds the product of all axes that are not 0 within `isize`.
            *to = stride as isize;
            stride *= len.max(1);
        };
        match order {
            Order::C => strides.iter_mut().zip(dims.iter()).rev().for_each(&mut step),
            Order::F => strides.iter_mut().zip(dims.iter()).for_each(&mut step),
        }
        axes
    }

    /// One axis.
    #[inline]
    pub(crate) fn one(len: usize, stride: isize) -> Self {
        let mut axes = Self::of_none(1);
        axes.set(0, len, stride);
        axes
    }

    #[inline]
    pub(crate) fn ndim(&self) -> usize {
        self.ndim
    }

    #[inline]
    pub(crate) fn lens(&self) -> &[usize] {
        match self.lens.get(..self.ndim) {
            Some(lens) => lens,
            None => self.many().0,
        }
    }

    /// In bytes; an axis of one element or none may have any stride.
    #[inline]
    pub(crate) fn strides(&self) -> &[isize] {
        match self.strides.get(..self.ndim) {
            Some(strides) => strides,
            None => self.many().1,
        }
    }

    /// The lengths and the strides, where all lie inline.
    #[inline(always)]
    pub(crate) fn few(&self) -> Option<(&[usize], &[isize])> {
        (self.ndim <= INLINE).then(|| (&self.lens[..self.ndim], &self.strides[..self.ndim]))
    }

    /// The same, where there are more than that.
    #[cold]
    fn many(&self) -> (&[usize], &[isize]) {
        let many = self.many.as_deref().expect("more axes than lie inline are allocated");
        (&many.lens[..self.ndim], &many.strides[..self.ndim])
    }

    #[inline]
    fn parts_mut(&mut self) -> (&mut [usize], &mut [isize]) {
        let ndim = self.ndim;
        match &mut self.many {
            None => (&mut self.lens[..ndim], &mut self.strides[..ndim]),
            Some(many) => (&mut many.lens[..ndim], &mut many.strides[..ndim]),
        }
    }

    /// The number of elements; it fits, since every view is a part or a reinterpretation of a checked array.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.lens().iter().product()
    }

    /// The byte offset of an index from the first element; `None` outside, or for another number of axes.
    #[inline]
    pub(crate) fn offset(&self, index: &[usize]) -> Option<isize> {
        if index.len() != self.ndim {
            return None;
        }
        // Not `lens` and `strides`: of an index whose length the compiler knows, it knows where the axes lie.
        let (lens, strides) = match &self.many {
            _ if index.len() <= INLINE => (&self.lens[..], &self.strides[..]),
            Some(many) => (&many.lens[..], &many.strides[..]),
            None => return None,
        };
        let mut offset = 0_isize;
        let mut inside = true;
        for (&index, (&len, &stride)) in index.iter().zip(lens.iter().zip(strides)) {
            inside &= index < len;
            // Within the view's memory where every index is inside, and unused where one is not.
            offset = offset.wrapping_add((index as isize).wrapping_mul(stride));
        }
        inside.then_some(offset)
    }

    #[inline]
    pub(crate) fn set(&mut self, axis: usize, len: usize, stride: isize) {
        let (lens, strides) = self.parts_mut();
        (lens[axis], strides[axis]) = (len, stride);
    }

    /// Whether the last axes have these lengths and lie one after another in C order, for elements of `size` bytes.
    pub(crate) fn ends_with(&self, lens: &[usize], size: usize) -> bool {
        let Some(first) = self.ndim.checked_sub(lens.len()) else { return false };
        let mut stride = size as isize;
        let own = self.lens()[first..].iter().zip(&self.strides()[first..]);
        own.zip(lens).rev().all(|((&own_len, &own_stride), &len)| {
            let fits = own_len == len && (len == 1 || own_stride == stride);
            stride = stride.wrapping_mul(len as isize);
            fits
        })
    }

    #[inline]
    pub(crate) fn remove(&mut self, axis: usize) {
        match &mut self.many {
            // All that there is room for, which the compiler makes a few moves of.
            None => {
                for to in 0..INLINE - 1 {
                    let from = if to < axis { to } else { to + 1 };
                    (self.lens[to], self.strides[to]) = (self.lens[from], self.strides[from]);
                }
            }
            Some(many) => {
                many.lens.copy_within(axis + 1.., axis);
                many.strides.copy_within(axis + 1.., axis);
            }
        }
        self.truncate(self.ndim - 1);
    }

    /// Puts an axis before `axis`; an error where there are [`MAX_NDIM`] already.
    pub(crate) fn insert(&mut self, axis: usize, len: usize, stride: isize) -> Result<()> {
        if self.ndim == MAX_NDIM {
            return Err(Error::shape(format!("one more axis than {MAX_NDIM}, the most a view can have")));
        }
        self.ndim += 1;
        if self.ndim == INLINE + 1 {
            let mut many = Many { lens: [0; MAX_NDIM], strides: [0; MAX_NDIM] };
            many.lens[..INLINE].copy_from_slice(&self.lens);
            many.strides[..INLINE].copy_from_slice(&self.strides);
            self.many = Some(Box::new(many));
        }
        let last = self.ndim - 1;
        let (lens, strides) = self.parts_mut();
        lens.copy_within(axis..last, axis + 1);
        strides.copy_within(axis..last, axis + 1);
        self.set(axis, len, stride);
        Ok(())
    }

    /// Axis `k` becomes what axis `order[k]` was. `order` must be a permutation of the axes.
    pub(crate) fn permuted(&self, order: &[usize]) -> Self {
        let mut axes = self.clone();
        let (lens, strides) = axes.parts_mut();
        for (axis, &from) in order.iter().enumerate() {
            (lens[axis], strides[axis]) = (self.lens()[from], self.strides()[from]);
        }
        axes
    }

    pub(crate) fn reverse(&mut self) {
        let (lens, strides) = self.parts_mut();
        lens.reverse();
        strides.reverse();
    }

    /// Whether the elements of `size` bytes lie one after another in C order. Axes of one element do not matter, and
    /// where there is no element there is nothing to be out of place.
    pub(crate) fn is_contiguous(&self, size: usize) -> bool {
        let mut expected = size as isize;
        for (&len, &stride) in self.lens().iter().zip(self.strides()).rev() {
            match len {
                0 => return true,
                1 => {}
                len => {
                    if stride != expected {
                        return self.lens().contains(&0);
                    }
                    expected = expected.wrapping_mul(len as isize);
                }
            }
        }
        true
    }

    /// The same elements in the same order over as few axes as possible: axes of one element go, and two that follow
    /// one another evenly become one.
    pub(crate) fn joined(&self) -> Self {
        let mut joined = self.clone();
        let (lens, strides) = joined.parts_mut();
        let mut count = 0_usize;
        for (&len, &stride) in self.lens().iter().zip(self.strides()) {
            if len == 1 {
                continue;
            }
            match count.checked_sub(1) {
                Some(last) if strides[last] == stride.wrapping_mul(len as isize) => {
                    lens[last] *= len;
                    strides[last] = stride;
                }
                _ => {
                    (lens[count], strides[count]) = (len, stride);
                    count += 1;
                }
            }
        }
        joined.truncate(count);
        joined
    }

    /// Leaves the first so many axes.
    #[inline]
    fn truncate(&mut self, ndim: usize) {
        self.ndim = ndim;
        if ndim <= INLINE {
            if let Some(many) = self.many.take() {
                self.lens.copy_from_slice(&many.lens[..INLINE]);
                self.strides.copy_from_slice(&many.strides[..INLINE]);
            }
        }
    }

    /// Whether the axes go from the slowest to the fastest, and all of them forwards.
    #[inline]
    pub(crate) fn is_in_memory_order(&self) -> bool {
        self.strides().is_sorted_by(|slower, faster| slower >= faster) && self.strides().last().is_none_or(|&s| s >= 0)
    }

    /// The same elements in the order in which they lie in memory, and the byte offset of the first of them.
    pub(crate) fn in_memory_order(&self) -> (Self, isize) {
        let mut axes = self.clone();
        let (lens, strides) = axes.parts_mut();
        let mut offset = 0;
        for (&len, stride) in lens.iter().zip(strides.iter_mut()) {
            if *stride < 0 && len > 0 {
                offset += ((len - 1) as isize).wrapping_mul(*stride);
                *stride = stride.wrapping_neg();
            }
        }
        // Insertion sort, stable: a view has few axes and they are mostly in order.
        for end in 1..lens.len() {
            let mut axis = end;
            while axis > 0 && strides[axis - 1] < strides[axis] {
                lens.swap(axis - 1, axis);
                strides.swap(axis - 1, axis);
                axis -= 1;
            }
        }
        (axes, offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn dims(dims: &[usize]) -> Dims {
        Dims::new(dims).unwrap()
    }

    fn axes(lens: &[usize], strides: &[isize]) -> Axes {
        let mut axes = Axes::of_none(lens.len());
        axes.parts_mut().0.copy_from_slice(lens);
        axes.parts_mut().1.copy_from_slice(strides);
        axes
    }

    #[test]
    fn a_length_is_the_product_and_zero_wins() {
        assert_eq!(dims(&[]).checked_len(4).unwrap(), (1, 4));
        assert_eq!(dims(&[2, 3]).checked_len(4).unwrap(), (6, 24));
        assert_eq!(dims(&[2, 0, 3]).checked_len(4).unwrap(), (0, 0));
    }

    #[test]
    fn a_product_that_does_not_fit_is_refused_even_beside_a_zero() {
        let half = 1 << (usize::BITS / 2);
        for shape in [&[half, half][..], &[0, half, half], &[isize::MAX as usize, 2]] {
            assert_eq!(dims(shape).checked_len(1).unwrap_err().kind(), ErrorKind::Overflow, "{shape:?}");
        }
        assert!(dims(&[isize::MAX as usize]).checked_len(1).is_ok());
        assert!(dims(&[isize::MAX as usize]).checked_len(2).is_err());
    }

    #[test]
    fn thirty_two_axes_and_no_more() {
        assert_eq!(dims(&[1; 32]).len(), 32);
        assert_eq!(Dims::new(&[1; 33]).err().unwrap().kind(), ErrorKind::Shape);
        assert_eq!([1; 33].into_shape().err(), Some(33));
    }

    #[test]
    fn one_axis_follows_from_the_file() {
        let fit = |shape: &[Option<usize>], offset, len| {
            fit_to_file(shape.into_shape().ok(), 4, offset, len).map(|dims| dims.to_vec())
        };
        assert_eq!(fit(&[None, Some(3)], 0, 48).unwrap(), [4, 3]);
        assert_eq!(fit(&[Some(2), None], 8, 48).unwrap(), [2, 5]);
        assert_eq!(fit(&[None, Some(3)], 48, 48).unwrap(), [0, 3]);
        assert_eq!(fit(&[None, Some(3)], 0, 49).unwrap_err().kind(), ErrorKind::PartialElement);
        assert_eq!(fit(&[None, Some(0)], 0, 48).unwrap_err().kind(), ErrorKind::Shape);
        assert_eq!(fit(&[None, None], 0, 48).unwrap_err().kind(), ErrorKind::Shape);
        assert_eq!(fit(&[None], 49, 48).unwrap_err().kind(), ErrorKind::PastEnd);
        assert_eq!(fit_to_file(None, 4, 0, 0).err().unwrap().kind(), ErrorKind::EmptyFile);
    }

    #[test]
    fn both_orders_place_an_index_as_their_strides_do() {
        let shape = dims(&[2, 3, 4]);
        for order in [Order::C, Order::F] {
            let axes = Axes::contiguous(&shape, order, 1);
            for (i, j, k) in (0..2).flat_map(|i| (0..3).flat_map(move |j| (0..4).map(move |k| (i, j, k)))) {
                let position = shape.position(order, [i, j, k]).unwrap();
                assert_eq!(axes.offset(&[i, j, k]), Some(position as isize));
            }
            assert_eq!(shape.position(order, [2, 0, 0]), None);
            assert_eq!(shape.position(order, [0, 0]), None);
        }
    }

    #[test]
    fn axes_that_follow_one_another_are_joined() {
        let lens = |axes: &Axes| axes.joined().lens().to_vec();
        assert_eq!(lens(&axes(&[2, 3, 4], &[12, 4, 1])), [24]);
        assert_eq!(lens(&axes(&[2, 3, 4], &[24, 4, 1])), [2, 12]);
        assert_eq!(lens(&axes(&[2, 1, 4], &[4, 99, 1])), [8]);
        assert_eq!(lens(&axes(&[2, 3], &[1, 2])), [2, 3]);
        assert_eq!(lens(&axes(&[1, 1], &[7, 7])), [0; 0]);
        assert_eq!(lens(&axes(&[3, 4], &[-4, -1])), [12]);
    }

    #[test]
    fn memory_order_sorts_strides_and_turns_negative_ones() {
        let (sorted, offset) = axes(&[2, 3], &[-8, 16]).in_memory_order();
        assert_eq!((sorted.lens(), sorted.strides(), offset), (&[3, 2][..], &[16, 8][..], -8));
    }

    #[test]
    fn axes_of_any_number_keep_their_order() {
        for ndim in 0..=MAX_NDIM {
            let lens: Vec<usize> = (0..ndim).map(|axis| 2 + axis).collect();
            let strides: Vec<isize> = (0..ndim as isize).map(|axis| 1000 - axis).collect();
            let made = axes(&lens, &strides);
            let is = |axes: &Axes, lens: &[usize], strides: &[isize]| {
                assert_eq!((axes.ndim(), axes.lens(), axes.strides()), (lens.len(), lens, strides));
            };
            is(&made.clone(), &lens, &strides);
            assert_eq!(made.many.is_some(), ndim > INLINE);
            let order: Vec<usize> = (0..ndim).rev().collect();
            let mut reversed = made.permuted(&order);
            reversed.reverse();
            is(&reversed, &lens, &strides);
            assert_eq!(made.offset(&vec![1; ndim]), Some(strides.iter().sum()));
            assert_eq!(made.offset(&vec![1; ndim + 1]), None);
            assert!(made.ends_with(&[], 1));
            for axis in 0..ndim {
                let (mut lens, mut strides, mut cut) = (lens.clone(), strides.clone(), made.clone());
                cut.remove(axis);
                lens.remove(axis);
                strides.remove(axis);
                is(&cut, &lens, &strides);
                assert_eq!(cut.many.is_some(), ndim - 1 > INLINE);
                lens.insert(axis, 9);
                strides.insert(axis, -9);
                cut.insert(axis, 9, -9).unwrap();
                is(&cut, &lens, &strides);
            }
            assert_eq!(made.clone().insert(ndim, 1, 0).is_err(), ndim == MAX_NDIM);
            // 2^31 bytes are the most of an address space of 32 bits.
            let twos = dims(&vec![2; ndim.min(30)]);
            assert_eq!(Axes::contiguous(&twos, Order::C, 1).joined().ndim(), usize::from(ndim > 0));
        }
    }

    #[test]
    fn contiguity_ignores_axes_of_one_and_empty_views() {
        assert!(axes(&[2, 3], &[12, 4]).is_contiguous(4));
        assert!(axes(&[1, 3], &[-5, 4]).is_contiguous(4));
        assert!(axes(&[], &[]).is_contiguous(4));
        assert!(axes(&[5, 0], &[3, 3]).is_contiguous(4));
        assert!(axes(&[0, 5], &[3, 3]).is_contiguous(4));
        assert!(!axes(&[2, 3], &[4, 8]).is_contiguous(4));
    }
}
