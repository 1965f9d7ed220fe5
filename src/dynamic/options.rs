//! What to map as elements of a dtype, and how.

use super::{DynArray, DynArrayMut};
use crate::access::CopyOnWrite;
use crate::array::plan::{Elements, Plan};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::region::{self, Mode};
use crate::shape::{IntoShape, Order};
use std::fs::File;
use std::path::Path;

/// Which portion of a file to map as elements of a [`DType`], and how. Made by [`DynArray::options`]; ends in a call that
/// opens or creates, each of which does what that of [`MmapArrayOptions`](crate::MmapArrayOptions) does.
///
/// Unless something else is said, the portion begins at byte 0, has one axis that reaches to the end of the file, and
/// lies in C order.
///
/// ```
/// use mmap_array::{DType, DynArray};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("samples");
/// std::fs::write(&path, [0xff, 0, 1, 0, 2, 0, 3, 0, 4])?;
/// // SAFETY: nobody else writes or truncates the file.
/// let samples = unsafe { DynArray::options(">i2".parse()?).offset(1).shape([2, 2]).open(&path)? };
/// assert_eq!(samples.to_string(), "[[1 2]\n [3 4]]");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct DynArrayOptions {
    plan: Plan,
    dtype: DType,
}

impl Elements for DType {
    fn size(&self) -> usize {
        self.itemsize()
    }

    fn name(&self) -> String {
        self.to_string()
    }

    fn check_offset(&self, _: u64, _: u64) -> Result<()> {
        Ok(())
    }
}

impl DynArrayOptions {
    pub(super) fn new(dtype: DType) -> Self {
        Self { plan: Plan::default(), dtype }
    }

    /// The byte of the file at which the first element lies: any.
    #[must_use]
    pub fn offset(mut self, bytes: u64) -> Self {
        self.plan.offset = bytes;
        self
    }

    /// The number of elements along each axis. Where a file is opened one of them may be `None`, with the others in
    /// `Some`, to follow from the file's length.
    #[must_use]
    pub fn shape(mut self, shape: impl IntoShape) -> Self {
        self.plan.set_shape(shape);
        self
    }

    /// The order in which the elements follow one another in the file.
    #[must_use]
    pub fn order(mut self, order: Order) -> Self {
        self.plan.order = order;
        self
    }

    /// Reads all pages in when mapping. See [`MmapArrayOptions::populate`](crate::MmapArrayOptions::populate).
    #[must_use]
    pub fn populate(mut self) -> Self {
        self.plan.populate = true;
        self
    }

    /// Gives a file that is created its blocks on the disk at once. See
    /// [`MmapArrayOptions::reserve`](crate::MmapArrayOptions::reserve).
    #[must_use]
    pub fn reserve(mut self) -> Self {
        self.plan.reserve = true;
        self
    }

    /// Opens a file to read.
    ///
    /// # Safety
    ///
    /// [The contract](crate::MmapArray#safety): while the array lives, nobody else writes the elements, and nobody makes
    /// the file shorter than them.
    ///
    /// # Errors
    ///
    /// Where the file cannot be opened or is no regular file; where the portion does not lie within it or is no whole
    /// number of elements; where the shape does not fit the address space, or has too many axes with those of elements
    /// that are subarrays.
    pub unsafe fn open(self, path: impl AsRef<Path>) -> Result<DynArray> {
        let path = path.as_ref();
        self.map_portion(&region::open(path, false)?, Some(path), Mode::Read)
    }

    /// Opens a file to read and write. It is never made longer.
    ///
    /// # Safety
    ///
    /// As for [`open`](Self::open).
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open), and where the file may not be written.
    pub unsafe fn open_mut(self, path: impl AsRef<Path>) -> Result<DynArrayMut> {
        let path = path.as_ref();
        self.map_portion(&region::open(path, true)?, Some(path), Mode::ReadWrite)
    }

    /// Opens a file to read and to write in memory only.
    ///
    /// # Safety
    ///
    /// As for [`open`](Self::open).
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    pub unsafe fn open_cow(self, path: impl AsRef<Path>) -> Result<DynArray<CopyOnWrite>> {
        let path = path.as_ref();
        self.map_portion(&region::open(path, false)?, Some(path), Mode::CopyOnWrite)
    }

    /// As [`open`](Self::open), of a file that is open already.
    ///
    /// # Safety
    ///
    /// As for [`open`](Self::open).
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    pub unsafe fn map(self, file: &File) -> Result<DynArray> {
        self.map_portion(file, None, Mode::Read)
    }

    /// As [`open_mut`](Self::open_mut), of a file that is open already.
    ///
    /// # Safety
    ///
    /// As for [`open`](Self::open).
    ///
    /// # Errors
    ///
    /// As for [`open_mut`](Self::open_mut).
    pub unsafe fn map_mut(self, file: &File) -> Result<DynArrayMut> {
        self.map_portion(file, None, Mode::ReadWrite)
    }

    /// As [`open_cow`](Self::open_cow), of a file that is open already.
    ///
    /// # Safety
    ///
    /// As for [`open`](Self::open).
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    pub unsafe fn map_cow(self, file: &File) -> Result<DynArray<CopyOnWrite>> {
        self.map_portion(file, None, Mode::CopyOnWrite)
    }

    /// Opens a file to read, without `unsafe`: only where the operating system keeps it from changing. See
    /// [`MmapArrayOptions::open_if_safe`](crate::MmapArrayOptions::open_if_safe).
    ///
    /// # Errors
    ///
    /// [`NotImmutable`](crate::ErrorKind::NotImmutable) for any other file, and as for [`open`](Self::open).
    pub fn open_if_safe(self, path: impl AsRef<Path>) -> Result<DynArray> {
        let path = path.as_ref();
        self.map_portion(&region::open(path, false)?, Some(path), Mode::ReadIfSafe)
    }

    /// As [`open_if_safe`](Self::open_if_safe), of a file that is open already.
    ///
    /// # Errors
    ///
    /// As for [`open_if_safe`](Self::open_if_safe).
    pub fn map_if_safe(self, file: &File) -> Result<DynArray> {
        self.map_portion(file, None, Mode::ReadIfSafe)
    }

    /// Creates a file of zeros that ends with the array, or replaces one whole. See
    /// [`MmapArrayOptions::create`](crate::MmapArrayOptions::create).
    ///
    /// # Safety
    ///
    /// As for [`open`](Self::open).
    ///
    /// # Errors
    ///
    /// [`Shape`](crate::ErrorKind::Shape) where no shape was given, or one with an axis to infer, or too many axes;
    /// [`Overflow`](crate::ErrorKind::Overflow); [`Io`](crate::ErrorKind::Io) where the system refuses. After an error
    /// the target is as it was.
    pub unsafe fn create(self, path: impl AsRef<Path>) -> Result<DynArrayMut> {
        self.create_file(path.as_ref(), true)
    }

    /// As [`create`](Self::create), but a file that exists is an error, and stays.
    ///
    /// # Safety
    ///
    /// As for [`open`](Self::open).
    ///
    /// # Errors
    ///
    /// As for [`create`](Self::create), and [`Io`](crate::ErrorKind::Io) with
    /// [`AlreadyExists`](std::io::ErrorKind::AlreadyExists).
    pub unsafe fn create_new(self, path: impl AsRef<Path>) -> Result<DynArrayMut> {
        self.create_file(path.as_ref(), false)
    }

    /// A file of zeros without a name in the system's temporary folder, which goes with the array.
    ///
    /// # Errors
    ///
    /// As for [`create`](Self::create).
    pub fn scratch(self) -> Result<DynArrayMut> {
        self.scratch_in(std::env::temp_dir())
    }

    /// As [`scratch`](Self::scratch), in a folder of the caller's choice.
    ///
    /// # Errors
    ///
    /// As for [`create`](Self::create).
    pub fn scratch_in(self, folder: impl AsRef<Path>) -> Result<DynArrayMut> {
        let (region, dims) = self.plan.scratch(&self.dtype, folder.as_ref())?;
        DynArray::from_region(region, self.dtype, dims, self.plan.order)
    }

    /// Zeros in memory, without a file.
    ///
    /// # Errors
    ///
    /// As for [`create`](Self::create).
    pub fn anonymous(self) -> Result<DynArrayMut> {
        let (region, dims) = self.plan.anonymous(&self.dtype)?;
        DynArray::from_region(region, self.dtype, dims, self.plan.order)
    }

    fn map_portion<A>(self, file: &File, path: Option<&Path>, mode: Mode) -> Result<DynArray<A>> {
        let (region, dims) = self.plan.map(&self.dtype, file, path, mode)?;
        DynArray::from_region(region, self.dtype, dims, self.plan.order)
    }

    fn create_file(self, path: &Path, replace: bool) -> Result<DynArrayMut> {
        let create = || {
            // On an error the map is dropped first, then the new file, which removes it.
            let (mut new, region, dims) = self.plan.create(&self.dtype, path, replace)?;
            let array = DynArray::from_region(region, self.dtype, dims, self.plan.order)?;
            new.persist()?;
            Ok(array)
        };
        create().map_err(|error: Error| error.in_file(Some(path)))
    }
}
