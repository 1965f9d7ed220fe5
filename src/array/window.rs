//! A portion of a file whose elements are not all contiguous.

use super::MmapArray;
use crate::access::{Addr, Exclusive, ReadOnly, ReadWrite};
use crate::error::Result;
use crate::shape::Axes;
use crate::view::{ArrayView, ArrayViewMut, RawView};
use std::fmt;
use std::path::Path;

/// A window of a mapped file whose elements have others between them: the rows of an array in Fortran order.
///
/// The elements are not a slice; access them through a [`view`](Self::view). The elements in between are not part of
/// the window: others may write them, and pages that hold none of the window's elements are never accessed. Created by
/// [`Options::strided`](crate::Options::strided).
pub struct MmapWindow<T, A = ReadOnly> {
    /// All elements from the first to the last of the window, to which no access is given.
    span: MmapArray<T, A>,
    /// The axes within the span.
    axes: Axes,
}

impl<T, A> MmapWindow<T, A> {
    /// Creates a window of the elements of the span along the axes.
    pub(crate) fn new(span: MmapArray<T, A>, axes: Axes) -> Self {
        Self { span, axes }
    }

    fn raw_view(&self) -> RawView {
        RawView { ptr: Addr::of(self.span.ptr.as_ptr()), axes: self.axes.clone() }
    }

    /// Returns the shape: the number of elements along each axis.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        self.axes.lens()
    }

    /// Returns the byte offset of the first element in the file.
    #[must_use]
    pub fn byte_offset(&self) -> u64 {
        self.span.byte_offset()
    }

    /// Returns the path of the file, as it was given, or `None` if an open file was passed.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.span.path()
    }

    /// Returns a read-only view of the elements.
    #[must_use]
    pub fn view(&self) -> ArrayView<'_, T> {
        // SAFETY: the axes lie within the span, whose bytes are initialized; nobody writes the window's elements while
        // `self` is borrowed, by the contract under which it was made.
        unsafe { ArrayView::from_raw(self.raw_view()) }
    }

    /// Returns a writable view of the elements.
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
    /// Writes the elements, and everything between them, to the disk and waits for completion. See
    /// [`MmapArray::flush`](crate::MmapArrayMut::flush).
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`Io`](crate::ErrorKind::Io) if the operating system could not write the data.
    pub fn flush(&self) -> Result<()> {
        self.span.flush()
    }
}
