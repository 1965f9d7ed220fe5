//! A portion of a file whose elements have strides.

use crate::access::{Addr, Exclusive, ReadOnly, ReadWrite};
use crate::error::Result;
use crate::region::Region;
use crate::shape::Axes;
use crate::view::{ArrayView, ArrayViewMut, RawView};
use std::fmt;
use std::marker::PhantomData;
use std::path::Path;

/// A window of a mapped file whose elements need not be contiguous: rows of an array in Fortran order
/// ([`strided`](crate::Options::strided)), or elements with given [strides](crate::Options::strides).
///
/// The elements are not a slice, and may be at any address; access them through a [`view`](Self::view). The elements in
/// between are not part of the window: others may write them, and pages that hold none of the window's elements are
/// never accessed.
pub struct MmapWindow<T, A = ReadOnly> {
    /// All bytes from the first to the last of the window, to which no access is given.
    region: Region,
    /// The position in the region of the element at the first index.
    first: usize,
    /// The axes, all of whose elements lie within the region.
    axes: Axes,
    marker: PhantomData<(T, A)>,
}

impl<T, A> MmapWindow<T, A> {
    /// Creates a window of the elements along the axes, the first of which lies at a position of the region. All of
    /// them lie within the region. They do not overlap unless the mode only reads.
    pub(crate) fn new(region: Region, first: usize, axes: Axes) -> Self {
        Self { region, first, axes, marker: PhantomData }
    }

    fn raw_view(&self) -> RawView {
        let ptr = self.region.as_ptr().map_or(Addr::dangling(), |ptr| Addr::of(ptr).add(self.first));
        RawView { ptr, axes: self.axes.clone() }
    }

    /// Returns the shape: the number of elements along each axis.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        self.axes.lens()
    }

    /// Returns the offset in the file of the element at the first index, in bytes.
    #[must_use]
    pub fn byte_offset(&self) -> u64 {
        self.region.offset() + self.first as u64
    }

    /// Returns the path of the file, as it was given, or `None` if an open file was passed.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.region.path()
    }

    /// Returns a read-only view of the elements.
    #[must_use]
    pub fn view(&self) -> ArrayView<'_, T> {
        // SAFETY: the elements lie within the region, whose bytes are initialized, being a file's or copies; nobody
        // writes the window's elements while `self` is borrowed, by the contract under which it was made.
        unsafe { ArrayView::from_raw(self.raw_view()) }
    }

    /// Returns a writable view of the elements.
    #[must_use]
    pub fn view_mut(&mut self) -> ArrayViewMut<'_, T>
    where
        A: Exclusive<T>,
    {
        // SAFETY: as for `view`; `Exclusive` modes map the bytes writable, the elements do not overlap in them, nobody
        // else has them, and `self` is borrowed exclusively.
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
        self.region.flush(0..self.region.len())
    }
}
