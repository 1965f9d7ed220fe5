//! The number of elements along each axis, and their strides.
//!
//! Every size that a user or a file states is checked here before anything is mapped. This module detects products that
//! overflow, infers axes, and computes byte strides from the two storage orders. A view has at most [`MAX_NDIM`] axes.
//! If there are few, they are stored inline, so that creating a view allocates nothing and copies little.

mod axes;

pub(crate) use axes::Axes;

use crate::error::{Error, Reason, Result};
use std::fmt;
use std::ops::Deref;

/// The maximum number of axes of an array or a view: 64, as in NumPy 2 (`NPY_MAXDIMS`). NumPy 1 had 32.
pub const MAX_NDIM: usize = 64;

/// The storage order of an array's elements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// Row-major: the last index varies fastest. The default of NumPy, and the order of C.
    #[default]
    C,
    /// Column-major: the first index varies fastest. The order of Fortran, MATLAB, R and Julia.
    F,
}

impl Order {
    /// Returns the slowest of `ndim` axes: the first in C order, the last in Fortran order. Returns `None` if there are
    /// none.
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

/// The maximum number of axes that are stored inline.
const INLINE: usize = 6;

/// The number of elements along each axis.
///
/// Most arrays have few axes, which are stored inline; more are stored in one allocation. So an array is small and
/// cheap to move.
#[derive(Clone)]
pub struct Dims {
    ndim: usize,
    /// The axes are the first `ndim` of these, if there are at most [`INLINE`].
    few: [usize; INLINE],
    /// The axes, if there are more.
    many: Option<Box<[usize]>>,
}

impl Dims {
    pub(crate) fn new(dims: &[usize]) -> Result<Self> {
        if dims.len() > MAX_NDIM { Err(too_many_axes(dims.len())) } else { Ok(Self::of(dims)) }
    }

    /// Creates dims of at most [`MAX_NDIM`] lengths.
    fn of(dims: &[usize]) -> Self {
        let mut few = [0; INLINE];
        let many = match few.get_mut(..dims.len()) {
            // Not `copy_from_slice`: a call takes longer than so few axes.
            Some(few) => {
                few.iter_mut().zip(dims).for_each(|(to, &len)| *to = len);
                None
            }
            None => Some(dims.into()),
        };
        Self { ndim: dims.len(), few, many }
    }

    /// Returns the number of elements and of bytes, for elements of `size` bytes.
    ///
    /// The product of the nonzero lengths must fit too: as in NumPy, a shape of (0, 2^62, 2^62) is an error. Therefore
    /// every stride fits.
    pub(crate) fn checked_len(&self, size: usize) -> Result<(usize, usize)> {
        let (mut len, mut fits, mut is_empty) = (1_usize, true, false);
        for &dim in self.iter() {
            match len.checked_mul(dim) {
                Some(0) => is_empty |= dim == 0,
                Some(product) => len = product,
                None => fits = false,
            }
        }
        match len.checked_mul(size) {
            Some(bytes) if fits && bytes <= isize::MAX as usize => Ok(if is_empty { (0, 0) } else { (len, bytes) }),
            _ => {
                let detail = format!("{self} elements of {size} bytes exceed the address space");
                Err(Error::overflow("the shape", detail))
            }
        }
    }

    /// Returns the same dims with another length of one axis.
    pub(crate) fn with(&self, axis: usize, len: usize) -> Self {
        let mut dims = self.clone();
        let lens = match &mut dims.many {
            Some(many) => &mut many[..],
            None => &mut dims.few[..self.ndim],
        };
        lens[axis] = len;
        dims
    }

    /// Returns the position of `index` in storage order, or `None` if it is out of bounds.
    #[inline]
    pub(crate) fn position<const N: usize>(&self, order: Order, index: [usize; N]) -> Option<usize> {
        if self.ndim != N {
            return None;
        }
        // Not `deref`: of an index whose length the compiler knows, it knows where the axes lie.
        let lens = match &self.many {
            _ if N <= INLINE => &self.few[..],
            Some(many) => &many[..],
            None => return None,
        };
        let mut position = 0;
        let mut step = |axis: usize| {
            let inside = index[axis] < lens[axis];
            // Where every index is inside, this is below the number of elements, which fits.
            position = usize::wrapping_add(usize::wrapping_mul(position, lens[axis]), index[axis]);
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
        match (self.few.get(..self.ndim), &self.many) {
            (Some(few), _) => few,
            (None, many) => many.as_deref().unwrap_or_default(),
        }
    }
}

impl fmt::Debug for Dims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self[..], f)
    }
}

/// Formats the dims like a Rust array: `[480, 640]`.
impl fmt::Display for Dims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &self[..])
    }
}

/// A requested shape, in which some lengths may be inferred from the number of elements.
///
/// It has space for the maximum number of axes, so that options can be `Copy`.
#[derive(Clone, Copy)]
pub struct Shape {
    ndim: usize,
    /// The lengths, with 1 in place of an axis to infer.
    lens: [usize; MAX_NDIM],
    inferred: usize,
    /// The last of the axes to infer.
    axis: usize,
}

impl Shape {
    fn of(lens: impl ExactSizeIterator<Item = Option<usize>>) -> Result<Self, usize> {
        let ndim = lens.len();
        let mut shape = Self { ndim, lens: [0; MAX_NDIM], inferred: 0, axis: 0 };
        if ndim > MAX_NDIM {
            return Err(ndim);
        }
        for (axis, len) in lens.enumerate() {
            shape.lens[axis] = len.unwrap_or(1);
            if len.is_none() {
                shape.inferred += 1;
                shape.axis = axis;
            }
        }
        Ok(shape)
    }

    /// Returns the dims, with 1 in place of an axis to infer.
    pub(crate) fn dims(&self) -> Dims {
        Dims::of(&self.lens[..self.ndim])
    }

    /// Returns whether there is no axis to infer.
    pub(crate) fn is_given(&self) -> bool {
        self.inferred == 0
    }

    /// Returns the dims, or `None` if there is an axis to infer.
    pub(crate) fn given(&self) -> Option<Dims> {
        self.is_given().then(|| self.dims())
    }

    /// Returns the axis to infer, which must be only one.
    pub(crate) fn one_axis(&self) -> Result<usize> {
        match self.inferred {
            1 => Ok(self.axis),
            more => Err(Error::shape(format!("the shape leaves {more} axes to be inferred; only one can be"))),
        }
    }

    /// Returns the dims for a total of `len` elements.
    pub(crate) fn fit(&self, len: usize) -> Result<Dims> {
        let mismatch = || Error::shape(format!("cannot reshape {len} elements into the shape {self}"));
        let dims = self.dims();
        let (others, _) = dims.checked_len(1)?;
        if self.is_given() {
            return if others == len { Ok(dims) } else { Err(mismatch()) };
        }
        let axis = self.one_axis()?;
        let inferred = len.checked_div(others).filter(|inferred| inferred * others == len);
        Ok(dims.with(axis, inferred.ok_or_else(mismatch)?))
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.inferred {
            0 => write!(f, "{}", self.dims()),
            _ => write!(f, "{} with axis {} inferred", self.dims(), self.axis),
        }
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A type that describes a shape: an array, slice or `Vec` of lengths, or one number for one axis. `()` is 0-d.
///
/// A length is a number of elements. One length may be `None`, with the others in `Some`, to be inferred from the total
/// number of elements: NumPy's `-1`. The trait is sealed.
///
/// ```
/// use mmap_array::MmapArray;
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("points.f32");
/// std::fs::write(&path, [0; 48])?;
/// let points = MmapArray::<f32>::options().shape([None, Some(3)]).open_shared(&path)?;
/// assert_eq!(points.shape(), [4, 3]);
/// # Ok::<(), std::io::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a shape",
    note = "a shape is `[480, 640]`, a slice or `Vec` of lengths, a `usize`, or `()`",
    note = "NumPy's -1 is `None`, and the other lengths then go in `Some`: `[None, Some(640)]`"
)]
pub trait IntoShape: sealed::Sealed {
    /// Returns the shape, or the number of axes if there are too many.
    #[doc(hidden)]
    fn into_shape(self) -> Result<Shape, usize>;
}

/// A type that describes an index: `[i, j]`, a slice, one number for one axis, or `()` for none. The trait is sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an index",
    note = "an index is `[i, j]`, a slice or `Vec` of numbers, a `usize` for one axis, or `()` for none"
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

/// Returns the dims of a shape for a file of `file_len` bytes.
///
/// A `shape` of `None` is one axis to the end of the file. Whether a given shape fits is checked when it is mapped.
pub(crate) fn fit_to_file(shape: Option<&Shape>, size: usize, offset: u64, file_len: u64) -> Result<Dims> {
    match shape.and_then(Shape::given) {
        Some(dims) => Ok(dims),
        None => fit_rest_to_file(shape, size, offset, file_len),
    }
}

/// Returns the dims of a shape with an axis to infer from the length of the file.
fn fit_rest_to_file(shape: Option<&Shape>, size: usize, offset: u64, file_len: u64) -> Result<Dims> {
    let available = file_len
        .checked_sub(offset)
        .ok_or_else(|| Reason::OffsetPastEnd { offset, file_len }.error().at_bytes(offset..offset))?;
    let (dims, axis) = match shape {
        None if file_len == 0 => return Err(Reason::EmptyFile.error()),
        None => (Dims::new(&[1])?, 0),
        Some(shape) => (shape.dims(), shape.one_axis()?),
    };
    let (others, unit_bytes) = dims.checked_len(size)?;
    if others == 0 {
        return Err(Error::shape(format!("axis {axis} cannot be inferred: another axis has length 0")));
    }
    if unit_bytes == 0 {
        let text = format!("axis {axis} cannot be inferred: any number of elements of 0 bytes fits any file");
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn dims(dims: &[usize]) -> Dims {
        Dims::new(dims).unwrap()
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
    fn sixty_four_axes_and_no_more() {
        assert_eq!(dims(&[1; 64]).len(), 64);
        assert_eq!(Dims::new(&[1; 65]).err().unwrap().kind(), ErrorKind::Shape);
        assert_eq!([1; 65].into_shape().err(), Some(65));
    }

    #[test]
    fn one_axis_follows_from_the_file() {
        let fit = |shape: &[Option<usize>], offset, len| {
            fit_to_file(shape.into_shape().ok().as_ref(), 4, offset, len).map(|dims| dims.to_vec())
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
}
