//! File formats, which state nothing about the elements (raw files) or everything.
//!
//! A format finds the elements in a source, and lays out a new file. Mapping, reading and creating are the same for all
//! formats and are done by the builders.

use super::elements::{Layout, sealed::Sized as SizedElements};
use super::source::{Bytes, FileBytes};
use crate::error::{Error, Reason, Result};
use crate::shape::{Dims, Order, Shape, fit_to_file, too_many_axes};
use std::fs::File;
use std::io::Read;

/// A format in which elements of kind `E` can be found: [`Raw`] or [`Npy`](crate::npy::Npy). The trait is sealed.
pub trait Format<E>: sealed::Format<E> {}

/// A format in which files for elements of kind `E` can be created: [`Raw`] or [`Npy`](crate::npy::Npy). The trait is
/// sealed.
pub trait NewFormat<E>: sealed::NewFormat<E> {}

/// The format of raw files, which hold elements and no description of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Raw {
    pub(super) offset: u64,
    /// The shape, or the number of axes if there are too many.
    pub(super) shape: Option<Result<Shape, usize>>,
    pub(super) order: Order,
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
    use super::{Bytes, Dims, File, Layout, NewLayout, Order, Result};

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
        fn find_made(&self, elements: &E, dims: &Dims, order: Order, file: &File) -> Result<Layout>;
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

fn begins_as_npy(bytes: &FileBytes<'_>) -> bool {
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

    fn find_made(&self, elements: &E, dims: &Dims, order: Order, file: &File) -> Result<Layout> {
        let NewLayout { layout, len, .. } = self.lay_out(elements, dims, order)?;
        let found = crate::region::mappable_len(file)?;
        if found == len {
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
