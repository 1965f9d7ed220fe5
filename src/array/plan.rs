//! Which portion of a file an array is, worked out before it is mapped, whatever its elements are.

use crate::error::{Error, Result};
use crate::region::{self, Mode, NewFile, Portion, Region};
use crate::shape::{Dims, IntoShape, Order, Shape, fit_to_file, too_many_axes};
use std::fs::File;
use std::path::Path;

/// Where the elements lie and how they follow one another.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) offset: u64,
    /// The number of axes, where they are too many.
    pub(crate) shape: Option<Result<Shape, usize>>,
    pub(crate) order: Order,
    pub(crate) populate: bool,
    pub(crate) reserve: bool,
    pub(crate) lock: bool,
}

/// What a plan knows of its elements.
pub(crate) trait Elements {
    /// The bytes of one.
    fn size(&self) -> usize;

    /// The type, for errors.
    fn name(&self) -> String;

    /// Whether so many bytes of them can live at a byte of a file that is made for them.
    fn check_offset(&self, offset: u64, len: u64) -> Result<()>;
}

impl Plan {
    pub(crate) fn set_shape(&mut self, shape: impl IntoShape) {
        self.shape = Some(shape.into_shape());
    }

    /// Maps the portion of an open file.
    pub(crate) fn map(
        &self,
        elements: &impl Elements,
        file: &File,
        path: Option<&Path>,
        mode: Mode,
    ) -> Result<(Region, Dims)> {
        let map = || {
            let file_len = region::mappable_len(file)?;
            let shape = self.shape.transpose().map_err(too_many_axes)?;
            let dims = fit_to_file(shape, elements.size(), self.offset, file_len)?;
            let (_, len) = dims.checked_len(elements.size())?;
            let portion =
                Portion { offset: self.offset, len, populate: self.populate, reserve: self.reserve, lock: self.lock };
            let what = || format!("{dims} elements of `{}`", elements.name());
            Ok((Region::map(file, path, file_len, &portion, mode, what)?, dims))
        };
        map().map_err(|error: Error| error.in_file(path))
    }

    /// The portion of a file, or of memory, that is made for the array.
    fn new_portion(&self, elements: &impl Elements) -> Result<(Dims, Portion)> {
        let Some(shape) = self.shape.transpose().map_err(too_many_axes)? else {
            return Err(Error::shape("a new array needs a shape: give one with `options().shape(…)`"));
        };
        let dims = shape.given().ok_or_else(|| {
            Error::shape(format!(
                "{shape}: an axis of a new array cannot be inferred, there is no file to infer it from"
            ))
        })?;
        let (_, len) = dims.checked_len(elements.size())?;
        elements.check_offset(self.offset, len as u64)?;
        let (populate, reserve) = (self.populate, self.reserve);
        Ok((dims, Portion { offset: self.offset, len, populate, reserve, lock: false }))
    }

    /// Creates a file of zeros that ends with the array, and maps it. It has its name only once it is persisted; on an
    /// error the region must be dropped before the file is.
    pub(crate) fn create(
        &self,
        elements: &impl Elements,
        path: &Path,
        replace: bool,
    ) -> Result<(NewFile, Region, Dims)> {
        let (dims, portion) = self.new_portion(elements).map_err(|error| error.in_file(Some(path)))?;
        let (new, region) = Region::create(path, &portion, replace)?;
        Ok((new, region, dims))
    }

    /// A file of zeros without a name.
    pub(crate) fn scratch(&self, elements: &impl Elements, folder: &Path) -> Result<(Region, Dims)> {
        let (dims, portion) = self.new_portion(elements)?;
        Ok((Region::scratch(folder, &portion)?, dims))
    }

    /// Zeros in memory, where the byte offset has no meaning.
    pub(crate) fn anonymous(mut self, elements: &impl Elements) -> Result<(Region, Dims)> {
        self.offset = 0;
        let (dims, portion) = self.new_portion(elements)?;
        Ok((Region::anonymous(&portion)?, dims))
    }
}
