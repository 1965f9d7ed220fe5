//! File formats, which state nothing about the elements (raw files) or everything.
//!
//! A format finds the elements in a source, and lays out a new file. Mapping, reading and creating are the same for all
//! formats and are done by the builders.

use super::elements::{Layout, sealed::Sized as SizedElements};
use super::source::{Bytes, FileBytes};
use crate::error::{Error, Reason, Result};
use crate::shape::{Axes, Dims, MAX_NDIM, Order, Shape, fit_to_file, too_many_axes};
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::ops::Range;

/// A format in which elements of kind `E` can be found: [`Raw`], [`StridedRaw`] or [`Npy`](crate::npy::Npy). The trait
/// is sealed.
pub trait Format<E>: sealed::Format<E> {}

/// A format in which files for elements of kind `E` can be created: [`Raw`] or [`Npy`](crate::npy::Npy). The trait is
/// sealed.
pub trait NewFormat<E>: sealed::NewFormat<E> {}

/// Whether an existing file must hold exactly the array that would be created, or may have become longer since then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// Must hold exactly the array.
    Exact,
    /// May have more rows, which others have appended and which are ignored.
    Longer,
}

/// The format of raw files, which hold elements and no description of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Raw {
    pub(super) offset: u64,
    /// The shape, or the number of axes if there are too many.
    pub(super) shape: Option<Result<Shape, usize>>,
    pub(super) order: Order,
}

/// The format of raw files whose elements have given [strides](super::Options::strides).
#[derive(Clone, Copy)]
pub struct StridedRaw {
    raw: Raw,
    /// The number of strides, and as many of them as there may be axes.
    count: usize,
    strides: [isize; MAX_NDIM],
}

impl StridedRaw {
    pub(super) fn new(raw: Raw, given: &[isize]) -> Self {
        let mut strides = [0; MAX_NDIM];
        strides.iter_mut().zip(given).for_each(|(to, &stride)| *to = stride);
        Self { raw, count: given.len(), strides }
    }

    /// Returns the strides, of which there must not be too many.
    fn strides(&self) -> Result<&[isize]> {
        self.strides.get(..self.count).ok_or_else(|| too_many_axes(self.count))
    }

    /// Returns the axes, the first element of which is at byte `first` of a file, in which elements of `size` bytes may
    /// lie within the bytes `within`.
    fn axes(&self, size: usize, first: u64, within: &Range<u64>) -> Result<Axes> {
        let strides = self.strides()?;
        let shape = self.raw.shape.as_ref().map(Result::as_ref).transpose().map_err(|&ndim| too_many_axes(ndim))?;
        let dims = shape.map_or_else(|| Dims::new(&[1]), |shape| Ok(shape.dims()))?;
        if dims.len() != strides.len() {
            let (text, ndim) = (shape.map_or("[n]".to_owned(), ToString::to_string), dims.len());
            return Err(Error::shape(format!("{} strides were given for the {ndim} axes of {text}", strides.len())));
        }
        if self.raw.order != Order::C {
            return Err(Error::shape("elements with strides have no other order than these: leave out `order`"));
        }
        dims.checked_len(size)?;
        let mut axes = Axes::new(&dims, strides);
        let axis = match shape {
            None => Some(0),
            Some(shape) if shape.is_given() => None,
            Some(shape) => Some(shape.one_axis()?),
        };
        if let Some(axis) = axis {
            let len = rest_of(&axes, axis, size, first, within)?;
            dims.with(axis, len).checked_len(size)?;
            axes.set(axis, len, strides[axis]);
        }
        // An axis of one element has any stride, and so have all if there is no element.
        for axis in 0..axes.ndim() {
            let len = axes.lens()[axis];
            if len < 2 {
                axes.set(axis, len, 0);
            }
        }
        Ok(axes)
    }
}

/// Returns the number of elements along an axis with which all elements still lie within the bytes of a file.
fn rest_of(axes: &Axes, axis: usize, size: usize, first: u64, within: &Range<u64>) -> Result<usize> {
    let stride = axes.strides()[axis];
    if axes.lens().contains(&0) {
        return Err(Error::shape(format!("axis {axis} cannot be inferred: another axis has length 0")));
    }
    if stride == 0 {
        let text = format!("axis {axis} cannot be inferred: any number of elements with a stride of 0 fits any file");
        return Err(Error::shape(text));
    }
    // The axis has one element.
    let (low, high) = axes.reach();
    let before = (i128::from(first) - i128::from(within.start)).saturating_add(low);
    let behind = (i128::from(within.end) - i128::from(first)).saturating_sub(high).saturating_sub(size as i128);
    if before < 0 || behind < 0 {
        return Ok(0);
    }
    let more = if stride > 0 { behind / stride as i128 } else { before / (stride as i128).abs() };
    usize::try_from(more + 1)
        .map_err(|_| Error::overflow("the file", format!("{} elements along axis {axis}", more + 1)))
}

impl fmt::Debug for StridedRaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let strides = &self.strides[..self.count.min(MAX_NDIM)];
        f.debug_struct("StridedRaw").field("raw", &self.raw).field("strides", &strides).finish()
    }
}

impl Raw {
    pub(crate) fn order(&self) -> Order {
        self.order
    }
}

/// The layout of a new file for an array.
#[derive(Debug)]
pub struct NewLayout {
    pub(crate) layout: Layout,
    /// The bytes before the elements.
    pub(crate) front: Vec<u8>,
    /// The length of the file in bytes.
    pub(crate) len: u64,
}

pub(crate) mod sealed {
    use super::{Bytes, Dims, File, Fit, Layout, NewLayout, Order, Result};

    pub trait Format<E> {
        /// Whether the file states where the elements are.
        const STATED: bool;

        /// Calls `f` with the bytes of a source that is to be copied, decompressed if the format says so.
        fn unpack<R>(&self, bytes: Bytes<'_>, f: impl FnOnce(Bytes<'_>) -> Result<R>) -> Result<R> {
            f(bytes)
        }

        /// Finds the elements in a source.
        fn find(&self, elements: &E, bytes: &mut Bytes<'_>) -> Result<Layout>;
    }

    pub trait NewFormat<E> {
        /// Lays out a new file for an array of the given shape and order.
        fn lay_out(&self, elements: &E, dims: &Dims, order: Order) -> Result<NewLayout>;

        /// Finds the elements in an existing file, and checks that it holds the array that would be created.
        fn find_made(&self, elements: &E, dims: &Dims, order: Order, file: &File, fit: Fit) -> Result<Layout>;
    }
}

impl<E: SizedElements> Format<E> for Raw {}
impl<E: SizedElements> sealed::Format<E> for Raw {
    const STATED: bool = false;

    fn find(&self, elements: &E, bytes: &mut Bytes<'_>) -> Result<Layout> {
        let shape = self.shape.as_ref().map(Result::as_ref).transpose().map_err(|&ndim| too_many_axes(ndim))?;
        let range = match bytes {
            Bytes::File(bytes) => bytes.range()?,
            // What is not asked for is not read.
            Bytes::Stream(stream) if shape.is_some_and(Shape::is_given) => 0..stream.len().unwrap_or(u64::MAX),
            Bytes::Stream(stream) => {
                stream.skip_to(self.offset)?;
                0..stream.measure()?
            }
        };
        let offset = range.start.saturating_add(self.offset);
        let dims = fit_to_file(shape, elements.size(), offset, range.end).map_err(|error| match bytes {
            Bytes::File(bytes) if begins_as_npy(bytes) => {
                error.with_advice("it is a `.npy` file, which states what its elements are: `npy::options` opens it")
            }
            _ => error,
        })?;
        Ok(Layout::contiguous(offset, range.end, dims, self.order, elements.size()))
    }
}

pub(super) fn begins_as_npy(bytes: &FileBytes<'_>) -> bool {
    let mut start = [0; 6];
    bytes.reader(0).read_exact(&mut start).is_ok() && &start == b"\x93NUMPY"
}

impl<E: SizedElements> NewFormat<E> for Raw {}
impl<E: SizedElements> sealed::NewFormat<E> for Raw {
    fn lay_out(&self, elements: &E, dims: &Dims, order: Order) -> Result<NewLayout> {
        let (_, bytes) = dims.checked_len(elements.size())?;
        let end = self.offset.checked_add(bytes as u64).filter(|&end| i64::try_from(end).is_ok());
        let len = end.ok_or_else(|| {
            let detail = format!("{bytes} bytes from byte {} on reach beyond 2^63", self.offset);
            Error::overflow("the file", detail)
        })?;
        let layout = Layout::contiguous(self.offset, len, dims.clone(), order, elements.size());
        Ok(NewLayout { layout, front: Vec::new(), len })
    }

    fn find_made(&self, elements: &E, dims: &Dims, order: Order, file: &File, fit: Fit) -> Result<Layout> {
        let NewLayout { layout, len, .. } = self.lay_out(elements, dims, order)?;
        let found = crate::region::mappable_len(file)?;
        if found == len || found > len && fit == Fit::Longer {
            return Ok(layout);
        }
        Err(Reason::SizeMismatch(format!(
            "the file exists with {found} bytes, but {dims} elements of {} bytes from byte {} on need a file of {len} \
             bytes",
            elements.size(),
            self.offset
        ))
        .error())
    }
}

impl<E: SizedElements> Format<E> for StridedRaw {}
impl<E: SizedElements> sealed::Format<E> for StridedRaw {
    const STATED: bool = false;

    fn find(&self, elements: &E, bytes: &mut Bytes<'_>) -> Result<Layout> {
        let is_given = self.raw.shape.as_ref().is_some_and(|shape| shape.as_ref().is_ok_and(Shape::is_given));
        let within = match bytes {
            Bytes::File(bytes) => bytes.range()?,
            // What is not asked for is not read.
            Bytes::Stream(stream) if is_given => 0..stream.len().unwrap_or(u64::MAX),
            Bytes::Stream(stream) => 0..stream.measure()?,
        };
        let (size, offset) = (elements.size(), within.start.saturating_add(self.raw.offset));
        let axes = self.axes(size, offset, &within)?;
        let layout = Layout::contiguous(offset, within.end, Dims::new(axes.lens())?, Order::C, size);
        if axes.lens().contains(&0) {
            return Ok(layout);
        }
        let before = i128::from(self.raw.offset).saturating_add(axes.reach().0);
        if before < 0 {
            return Err(Error::out_of_range(format!(
                "{} elements with strides of {:?} bytes begin {} bytes before the file, since the element at the first \
                 index is at byte {}",
                layout.dims,
                axes.strides(),
                -before,
                self.raw.offset
            )));
        }
        let layout = Layout { strides: Some(axes.into()), ..layout };
        layout.span().map(|_| layout)
    }
}
