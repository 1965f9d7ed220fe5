//! What a file says of the elements in it: nothing, where it is raw, or all that there is to know.
//!
//! A format finds where the elements of a source lie, and where those of a new file will. What is done then, mapping,
//! reading, creating, is the same for all formats, and is done by the builders.

use super::elements::{Layout, sealed::Sized as SizedElements};
use super::source::Bytes;
use crate::error::{Error, Reason, Result};
use crate::shape::{Dims, Order, Shape, fit_to_file, too_many_axes};
use std::fs::File;

/// Formats in which elements of the kind `E` can be found: [`Raw`] and [`Npy`](crate::npy::Npy). The trait is sealed.
pub trait Format<E>: sealed::Format<E> {}

/// Formats of which files can be made for elements of the kind `E`: [`Raw`] and [`Npy`](crate::npy::Npy). The trait is
/// sealed.
pub trait NewFormat<E>: sealed::NewFormat<E> {}

/// A file of elements alone, which says nothing of what they are.
#[derive(Clone, Copy, Debug, Default)]
pub struct Raw {
    pub(super) offset: u64,
    /// The number of axes, where they are too many.
    pub(super) shape: Option<Result<Shape, usize>>,
    pub(super) order: Order,
}

/// A file that is made for an array.
#[derive(Debug)]
pub struct NewLayout {
    pub(crate) layout: Layout,
    /// What lies in front of all elements.
    pub(crate) front: Vec<u8>,
    /// The bytes of the file.
    pub(crate) len: u64,
}

pub(crate) mod sealed {
    use super::{Bytes, Dims, File, Layout, NewLayout, Order, Result};

    pub trait Format<E> {
        /// Whether it is the file that says where the elements lie.
        const STATED: bool;

        /// Finds the elements in a source.
        fn find(&self, elements: &E, bytes: &mut Bytes<'_>) -> Result<Layout>;
    }

    pub trait NewFormat<E> {
        /// Lays out a new file for an array of that shape and order.
        fn lay_out(&self, elements: &E, dims: &Dims, order: Order) -> Result<NewLayout>;

        /// Finds the elements in a file that is there, and checks that the array in it is the one that would be made.
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
        let dims = fit_to_file(shape, elements.size(), offset, range.end)?;
        Ok(Layout::contiguous(offset, range.end, dims, self.order, elements.size()))
    }
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
            "the file is there with {found} bytes, and was to be created with {len}, {dims} elements of {} bytes from byte \
             {} on",
            elements.size(),
            self.offset
        ))
        .error())
    }
}
