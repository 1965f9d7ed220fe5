//! The untyped part of a shared array: its mapping, the layout of the elements, and how to find them again.

use crate::access::Addr;
use crate::array::elements::{Again, Layout, sealed::Described};
use crate::array::load;
use crate::array::source::Bytes;
use crate::error::{Error, Reason, Result};
use crate::region::Region;
use crate::shape::{Axes, Dims};
use crate::view::{RawView, resolve};
use std::ops::{Range, RangeBounds};
use std::path::Path;
use std::sync::Arc;

/// The untyped part of a shared array.
#[derive(Clone)]
pub(crate) struct SharedPortion {
    region: Region,
    /// The axes within the region.
    axes: Axes,
    layout: Layout,
    again: Arc<Again>,
    /// The range of the rows that are found again, unless this is all of them.
    rows: Option<Range<usize>>,
}

impl SharedPortion {
    pub(crate) fn new(region: Region, mut layout: Layout) -> Result<Self> {
        let again = layout.again.take().ok_or_else(|| Error::unsupported("this file cannot be opened shared"))?;
        Ok(Self { axes: layout.axes(), region, layout, again, rows: None })
    }

    pub(crate) fn axes(&self) -> &Axes {
        &self.axes
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    pub(crate) fn raw_view(&self) -> RawView {
        RawView { ptr: address(&self.region).add(self.layout.before()), axes: self.axes.clone() }
    }

    /// Returns a view of a copy made by [`copy`](Self::copy).
    pub(crate) fn raw_view_of(&self, copy: &Region) -> RawView {
        let layout = self.layout.clone().in_memory();
        assert!(layout.span().is_ok_and(|span| span == copy.len()), "a copy of the elements as they lie now");
        RawView { ptr: address(copy), axes: layout.axes() }
    }

    /// Copies the elements into memory by reading the file.
    pub(crate) fn copy(&self, elements: &impl Described) -> Result<Region> {
        self.copy_of(elements, &self.layout)
    }

    fn copy_of(&self, elements: &impl Described, layout: &Layout) -> Result<Region> {
        // It was longer when it was opened.
        let error = |error: Error| error.into_truncated().in_file(self.path());
        load::read(elements, layout, Bytes::File(self.again.bytes())).map_err(error)
    }

    /// Copies a range of rows into memory, or all of a 0-d array, and returns the copy and its layout.
    pub(crate) fn copy_rows(&self, elements: &impl Described, rows: Range<usize>) -> Result<(Region, Layout)> {
        let layout = if self.layout.dims.is_empty() { self.layout.clone() } else { self.layout.rows(rows) };
        let copy = self.copy_of(elements, &layout)?;
        Ok((copy, layout.in_memory()))
    }

    /// Returns one element over the same mapping, or `None` if the index is outside the shape.
    pub(crate) fn element(&self, index: &[usize]) -> Option<Self> {
        let start = self.layout.before().wrapping_add_signed(self.axes.offset(index)?);
        let (offset, dims) = (self.layout.start() + start as u64, Dims::new(&[]).ok()?);
        let layout = Layout { offset, dims, rows_of: None, strides: None, ..self.layout.clone() };
        let region = self.region.part(start..start + layout.size);
        Some(Self { region, axes: layout.axes(), layout, again: Arc::clone(&self.again), rows: None })
    }

    /// Returns a range of rows over the same mapping.
    ///
    /// # Panics
    ///
    /// Panics if the range is outside the array, or if the array is 0-d.
    #[track_caller]
    pub(crate) fn part(&self, rows: &impl RangeBounds<usize>) -> Self {
        let Some(&len) = self.layout.dims.first() else { panic!("a 0-d array has no rows") };
        let rows = resolve(rows, len).unwrap_or_else(|error| panic!("{error} along axis 0"));
        let (region, layout) = cut(&self.region, &self.layout, rows.clone());
        let first = self.rows.as_ref().map_or(0, |of_all| of_all.start);
        let rows = Some(first + rows.start..first + rows.end);
        Self { region, axes: layout.axes(), layout, again: Arc::clone(&self.again), rows }
    }

    pub(crate) fn check(&self) -> Result<()> {
        self.region.check()
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        self.again.path.as_deref()
    }

    /// Calls `f`, which writes elements, and then checks once whether any of them were lost.
    pub(crate) fn write<R>(&self, f: impl FnOnce() -> R) -> Result<R> {
        let Some(result) = Region::enter(f) else {
            let text = "cannot write: another SIGBUS handler has replaced the one that detects lost pages";
            return Err(Error::unsupported(text).in_file(self.path()));
        };
        self.check().map(|()| result)
    }

    pub(crate) fn flush(&self) -> Result<()> {
        self.region.flush(0..self.region.len())?;
        self.check()
    }

    /// Maps the current contents of the file, and returns whether the shape or the offset has changed.
    pub(crate) fn refresh(&mut self) -> Result<bool> {
        let (mut region, layout) = self.map_again().map_err(|error| error.in_file(self.path()))?;
        region.set_write_back_of(&self.region);
        let is_other = layout.dims[..] != self.layout.dims[..] || layout.offset != self.layout.offset;
        let axes = layout.axes();
        (self.region, self.axes, self.layout) = (region, axes, layout);
        Ok(is_other)
    }

    fn map_again(&self) -> Result<(Region, Layout)> {
        let (region, layout) = self.again.map()?;
        match (&self.rows, layout.dims.first()) {
            (None, _) => Ok((region, layout)),
            (Some(rows), Some(&len)) if rows.end <= len => Ok(cut(&region, &layout, rows.clone())),
            (Some(rows), _) => {
                let text = format!("the rows {rows:?} no longer exist: the shape is now {}", layout.dims);
                Err(Error::out_of_range(text))
            }
        }
    }

    /// Returns the file's length and the times of its last changes, as far as the system records them.
    fn stamp(&self) -> Result<impl PartialEq> {
        let error = |source| Error::io("get the modification time of the file", source).in_file(self.path());
        let metadata = self.again.file.metadata().map_err(error)?;
        #[cfg(unix)]
        let changed = {
            use std::os::unix::fs::MetadataExt;
            (metadata.ctime(), metadata.ctime_nsec(), metadata.mtime(), metadata.mtime_nsec())
        };
        #[cfg(not(unix))]
        let changed = metadata.modified().map_err(error)?;
        Ok((metadata.len(), changed))
    }

    pub(crate) fn unchanged<R>(&self, read: impl FnOnce() -> Result<R>) -> Result<R> {
        let before = self.stamp()?;
        let result = read()?;
        match self.stamp()? == before {
            true => Ok(result),
            false => Err(Reason::Changed.error().in_file(self.path())),
        }
    }
}

/// Returns a range of the rows of a region.
fn cut(region: &Region, layout: &Layout, rows: Range<usize>) -> (Region, Layout) {
    let part = layout.rows(rows);
    let start = (part.start() - layout.start()) as usize;
    // The rows of a portion that is mapped take no more of the address space than it.
    let len = part.span().unwrap_or(0);
    (region.part(start..start + len), part)
}

fn address(region: &Region) -> Addr {
    region.as_ptr().map_or(Addr::dangling(), |ptr| Addr::of(ptr))
}
