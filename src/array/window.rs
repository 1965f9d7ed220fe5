//! A portion of a file whose elements do not all lie together.

use super::MmapArray;
use crate::access::{Addr, Exclusive, ReadOnly, ReadWrite};
use crate::error::Result;
use crate::shape::Axes;
use crate::view::{ArrayView, ArrayViewMut, RawView};
use std::fmt;
use std::path::Path;

/// Elements of a mapped file with others between them: the rows of an array in Fortran order.
///
/// It is no slice, so everything that is done with it is done on its [`view`](Self::view). The elements between are not
/// part of it: others may write them, and of their pages none is touched that holds none of the window's. Made by
/// [`Options::strided`](crate::Options::strided).
pub struct MmapWindow<T, A = ReadOnly> {
    /// All elements from the first to the last, which nobody is given.
    span: MmapArray<T, A>,
    /// Within the span.
    axes: Axes,
}

impl<T, A> MmapWindow<T, A> {
    /// The elements of the span that lie along the axes.
    pub(crate) fn new(span: MmapArray<T, A>, axes: Axes) -> Self {
        Self { span, axes }
    }

    fn raw_view(&self) -> RawView {
        RawView { ptr: Addr::of(self.span.ptr.as_ptr()), axes: self.axes.clone() }
    }

    /// The number of elements along each axis.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        self.axes.lens()
    }

    /// Where the first element lies in the file, in bytes from its start.
    #[must_use]
    pub fn byte_offset(&self) -> u64 {
        self.span.byte_offset()
    }

    /// The file's path as it was given. `None` for files passed in open.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.span.path()
    }

    /// A read-only view of the elements.
    #[must_use]
    pub fn view(&self) -> ArrayView<'_, T> {
        // SAFETY: the axes lie within the span, whose bytes are initialised; nobody writes the window's elements while
        // `self` is borrowed, by the contract under which it was made.
        unsafe { ArrayView::from_raw(self.raw_view()) }
    }

    /// A writable view of the elements.
    #[must_use]
    pub fn view_mut(&mut self) -> ArrayViewMut<'_, T>
    where
        A: Exclusive<T>,
    {
        // SAFETY: as for `view`; `Exclusive` modes map the bytes writable, nobody else has the window's elements, and
        // `self` is borrowed exclusively.
        unsafe { ArrayView::from_raw(self.raw_view()) }
    }
}

impl<T, A> fmt::Debug for MmapWindow<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shape, offset) = (self.shape(), self.byte_offset());
        f.debug_struct("MmapWindow").field("shape", &shape).field("byte_offset", &offset).finish_non_exhaustive()
    }
}

impl<T> MmapWindow<T, ReadWrite> {
    /// Writes the elements to the disk and waits until they are there, with all that lies between them. See
    /// [`MmapArray::flush`](crate::MmapArrayMut::flush).
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io) where the system could not write.
    pub fn flush(&self) -> Result<()> {
        self.span.flush()
    }
}
