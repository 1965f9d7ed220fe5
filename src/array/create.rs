//! The methods that create arrays, each written once for all element types and formats.

use super::elements::{Elements, Layout, Typed, sealed::Described};
use super::format::{Fit, NewFormat, NewLayout, Raw};
use super::options::Options;
use super::settings::Settings;
use super::source::FileBytes;
use super::{MmapArray, MmapArrayMut};
use crate::access::{ReadWrite, SharedMut, Stable};
use crate::error::{Error, Result};
use crate::region::{self, Mode, NewFile, Region};
use crate::shape::{Dims, IntoShape, Order, Shape, too_many_axes};
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Options for creating a new array.
///
/// `E` is the [kind of elements](Elements), and `F` is the [format](NewFormat) of the file: [`Raw`], which is elements
/// and nothing else, or [`Npy`](crate::npy::Npy). All elements are initially zero.
///
/// | constructor | creates |
/// | --- | --- |
/// | [`MmapArray::<T>::create_options(shape)`](crate::MmapArray::create_options) | elements of type `T` in a raw file |
/// | [`DynArray::create_options(dtype, shape)`](crate::DynArray::create_options) | elements of a dtype that is known only at run time, in a raw file |
/// | [`npy::create_options::<T>(shape)`](crate::npy::create_options) | elements of type `T` in a `.npy` file |
/// | [`npy::dyn_create_options(dtype, shape)`](crate::npy::dyn_create_options) | elements of a dtype in a `.npy` file |
///
/// | method | file | `unsafe` |
/// | --- | --- | --- |
/// | [`scratch`](Self::scratch), [`scratch_in`](Self::scratch_in) | unnamed until [`persist`](crate::MmapArrayMut::persist) names it | no |
/// | [`anonymous`](Self::anonymous) | none: the array is in memory | no |
/// | [`create`](Self::create) | created, or replaced as a whole | yes |
/// | [`create_new`](Self::create_new) | created; must not exist | yes |
/// | [`open_or_create`](Self::open_or_create) | created if it does not exist | yes |
/// | [`open_or_create_shared`](Self::open_or_create_shared) | created if it does not exist | no |
///
/// A file that has a name from the beginning can be written by others while the array lives. Therefore it is `unsafe`
/// to create an array that dereferences to a slice of it, while a [`SharedArrayMut`](crate::SharedArrayMut) is accessed
/// by value. A program that makes a file alone can write it as a scratch file and name it once it is finished:
///
/// ```
/// use mmap_array::{MmapArray, Order};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("field.f64");
/// let mut field = MmapArray::<f64>::create_options([3, 100]).order(Order::F).scratch_in(&dir)?;
/// field[[2, 99]] = 1.5;
/// field.persist(&path)?; // now it is there, whole
/// let field = MmapArray::<f64>::options().shape([3, 100]).order(Order::F).load(&path)?;
/// assert_eq!(field[299], 1.5);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct CreateOptions<E, F = Raw> {
    pub(crate) elements: E,
    pub(crate) format: F,
    /// The shape, or the number of axes if there are too many.
    shape: Result<Shape, usize>,
    order: Order,
    settings: Settings,
}

impl<T> MmapArray<T> {
    /// Returns options for creating an array of elements of type `T` and of the given shape, in a raw file or in
    /// memory. See [`CreateOptions`].
    ///
    /// ```
    /// use mmap_array::{MmapArray, Order};
    /// let table = MmapArray::<u16>::create_options([100, 3]).order(Order::F).anonymous()?;
    /// assert_eq!((table.shape(), table.order()), (&[100, 3][..], Order::F));
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[must_use]
    pub fn create_options(shape: impl IntoShape) -> CreateOptions<Typed<T>> {
        CreateOptions::new(Typed::new(), Raw::default(), shape)
    }
}

impl<T> MmapArrayMut<T> {
    /// Creates an array of zeros in memory, without a file. Memory is allocated page by page when it is first accessed.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`Overflow`](crate::ErrorKind::Overflow) if the shape exceeds the address space, or
    /// [`Io`](crate::ErrorKind::Io) if allocation fails.
    ///
    /// ```
    /// let mut grid = mmap_array::MmapArrayMut::<f64>::anonymous([100, 100])?;
    /// grid[[99, 99]] = 1.0;
    /// assert_eq!(grid.view().sum(), 1.0);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn anonymous(shape: impl IntoShape) -> Result<Self>
    where
        ReadWrite: Stable<T>,
    {
        MmapArray::create_options(shape).anonymous()
    }

    /// Creates an array of zeros in an unnamed file in the system's temporary directory, for data larger than memory.
    /// The file is deleted when the array is dropped.
    ///
    /// This is safe because no other program can open a file without a name. (A child process created by `fork` shares
    /// the file, as it does any open file, and `/proc/PID/fd` leads to it, just as `/proc/PID/mem` leads to all
    /// memory.) If the system's temporary directory is in memory, use [`scratch_in`](CreateOptions::scratch_in) with
    /// another directory.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`Overflow`](crate::ErrorKind::Overflow) if the shape exceeds the address space, or
    /// [`Io`](crate::ErrorKind::Io) if the file cannot be created.
    ///
    /// ```
    /// let mut table = mmap_array::MmapArrayMut::<[f32; 3]>::scratch(1_000_000)?;
    /// table[999_999] = [1.0, 2.0, 3.0];
    /// assert_eq!(table.view().unpack()?.sum(), 6.0);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn scratch(shape: impl IntoShape) -> Result<Self>
    where
        ReadWrite: Stable<T>,
    {
        MmapArray::create_options(shape).scratch()
    }
}

impl<E> CreateOptions<E, Raw> {
    /// Sets the byte offset of the first element in the file, which must be a multiple of `align_of::<T>()`. Defaults
    /// to 0.
    ///
    /// The bytes before it are zero. The file ends with the array, whatever the offset. A file that is larger than the
    /// address space (2 GiB on 32-bit systems) can therefore be created through its last window.
    #[must_use]
    pub fn offset(mut self, bytes: u64) -> Self {
        self.format.offset = bytes;
        self
    }

    /// Creates the array in memory, without a file.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`Shape`](crate::ErrorKind::Shape) if the shape has an axis to infer,
    /// [`Overflow`](crate::ErrorKind::Overflow) if it exceeds the address space, [`Io`](crate::ErrorKind::Io) if
    /// allocation fails, or [`Unsupported`](crate::ErrorKind::Unsupported) if an offset, reserved disk blocks or a lock
    /// were requested, which only a file has.
    pub fn anonymous(self) -> Result<E::Array>
    where
        E: Elements<ReadWrite>,
        Raw: NewFormat<E>,
    {
        if self.format.offset > 0 || self.settings.reserve || self.settings.lock {
            return Err(Error::unsupported(
                "an array in memory has no byte offset, disk blocks or locks; use `scratch` for an array in a file",
            ));
        }
        let NewLayout { layout, .. } = self.lay_out()?;
        let region = Region::anonymous(&self.settings.portion(0, layout.span()?))?;
        self.elements.array(region, layout)
    }
}

impl<E, F> CreateOptions<E, F> {
    pub(crate) fn new(elements: E, format: F, shape: impl IntoShape) -> Self {
        Self { elements, format, shape: shape.into_shape(), order: Order::C, settings: Settings::default() }
    }

    /// Sets the storage order of the elements: NumPy's `order`, and `fortran_order` of `open_memmap`. Defaults to
    /// [`Order::C`].
    #[must_use]
    pub fn order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// Reads all pages of the elements when they are mapped. See [`Options::populate`](super::Options::populate).
    #[must_use]
    pub fn populate(mut self) -> Self {
        self.settings.populate = true;
        self
    }

    /// Allocates the file's disk blocks immediately, including those that [`grow`](crate::MmapArrayMut::grow) adds
    /// later.
    ///
    /// Without this option the file is sparse: blocks are allocated as elements are written, and if the disk is full by
    /// then, a signal terminates the program instead of an error being returned.
    #[must_use]
    pub fn reserve(mut self) -> Self {
        self.settings.reserve = true;
        self
    }

    /// Takes an advisory lock on the bytes of the elements. See [`Options::lock_range`](super::Options::lock_range).
    #[must_use]
    pub fn lock_range(mut self) -> Self {
        self.settings.lock = true;
        self
    }

    /// Creates a file of zeros and opens it for reading and writing: NumPy's mode `"w+"`. An existing file of that name
    /// is replaced; whoever has it mapped or open keeps the old one intact.
    ///
    /// The file is built without a name, or next to the target under a name that begins with `.mmap-array-`, and gets
    /// its own name in one step once it is on the disk. The target is therefore never half-written, even if the program
    /// is killed or the power fails. What a killed program has left behind is removed when the same user next creates
    /// that target, if the file system supports locks that belong to an open file.
    ///
    /// The new file takes over the permission bits and, if the system permits, the owner, the group and (on Linux) the
    /// POSIX access control list of the old one; if the system does not permit it, the new file is accessible to nobody
    /// who had no access before. Access control lists of other kinds, such as those of Windows, are the ones that the
    /// directory gives to new files. Other hard links to the old file keep it. A symbolic link is followed if it leads
    /// to a file. The zeros are visible to everybody immediately; use [`scratch`](Self::scratch) for a file that is to
    /// become visible only once it is finished.
    ///
    /// # Safety
    ///
    /// See the [safety contract](crate::MmapArray#safety): while the array lives, nobody else may write its elements or
    /// make the file shorter than their end.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`Shape`](crate::ErrorKind::Shape) if the shape has an axis to infer,
    /// [`Misaligned`](crate::ErrorKind::Misaligned) if the elements would not be aligned,
    /// [`Overflow`](crate::ErrorKind::Overflow) if the shape exceeds the address space or the file the largest possible
    /// length, or [`Io`](crate::ErrorKind::Io) if the operating system refuses: because the directory does not exist,
    /// permission is denied or, with [`reserve`](Self::reserve), the disk is full. For a `.npy` file, it also returns
    /// the errors of [`Header::new`](crate::npy::Header::new), and [`OutOfRange`](crate::ErrorKind::OutOfRange) if the
    /// window is outside the array. On Windows, a file that is mapped cannot be replaced. If an error is returned, the
    /// target is unchanged.
    pub unsafe fn create(self, path: impl AsRef<Path>) -> Result<E::Array>
    where
        E: Elements<ReadWrite>,
        F: NewFormat<E>,
    {
        let path = path.as_ref();
        self.create_file(path, true).map_err(|error| error.in_file(Some(path)))
    }

    /// Creates a file as [`create`](Self::create) does, but returns an error if the target exists, and leaves it
    /// unchanged.
    ///
    /// On Windows, and on file systems that can neither rename without replacing nor link, the target is empty for a
    /// moment before it is complete.
    ///
    /// # Safety
    ///
    /// See the [safety contract](crate::MmapArray#safety): while the array lives, nobody else may write its elements or
    /// make the file shorter than their end.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`create`](Self::create), and an error of kind [`Io`](crate::ErrorKind::Io) with
    /// [`AlreadyExists`](std::io::ErrorKind::AlreadyExists) if the target exists.
    pub unsafe fn create_new(self, path: impl AsRef<Path>) -> Result<E::Array>
    where
        E: Elements<ReadWrite>,
        F: NewFormat<E>,
    {
        let path = path.as_ref();
        self.create_file(path, false).map_err(|error| error.in_file(Some(path)))
    }

    /// Opens a file for reading and writing, and creates it first if it does not exist.
    ///
    /// This is for many processes that all make the same call: one of them creates the file while the others wait, and
    /// all of them open it.
    ///
    /// # Safety
    ///
    /// See the [safety contract](crate::MmapArray#safety): while the array lives, nobody else may write its elements or
    /// make the file shorter than their end.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`create_new`](Self::create_new) and [`open_mut`](super::Options::open_mut). If the file
    /// exists and holds another array, it returns an error: for a `.npy` file of kind
    /// [`Header`](crate::ErrorKind::Header) if the shape or order differs and
    /// [`DTypeMismatch`](crate::ErrorKind::DTypeMismatch) if the dtype differs; for a raw file of kind
    /// [`SizeMismatch`](crate::ErrorKind::SizeMismatch) if the length differs.
    ///
    /// ```
    /// use mmap_array::npy;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("out.npy");
    /// for k in 0..4 {
    ///     let options = npy::create_options::<f32>([1000, 2]).segment(k, 4);
    ///     // SAFETY: each process writes its own segment, and nobody truncates the file.
    ///     let mut mine = unsafe { options.open_or_create(&path)? };
    ///     mine.fill(k as f32);
    /// }
    /// assert_eq!(npy::header(&path)?.shape(), [1000, 2]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub unsafe fn open_or_create(self, path: impl AsRef<Path>) -> Result<E::Array>
    where
        E: Elements<ReadWrite> + Clone,
        F: NewFormat<E> + Clone,
    {
        let path = path.as_ref();
        let open_or_create = || {
            let (dims, empty) = (self.dims()?, self.lay_out()?.len == 0);
            let open = |file: File| {
                let layout = self.format.find_made(&self.elements, &dims, self.order, &file, Fit::Exact)?;
                self.elements.check(&layout)?;
                let bytes = FileBytes { file: &file, path: Some(path), member: None };
                self.settings.map_elements(self.elements.clone(), layout, &bytes, Mode::ReadWrite)
            };
            open_or_make(path, empty, open, |new| {
                let made = self.checked_slice()?;
                self.clone().map_built(self.built(new, &made)?, path, made.layout)
            })
        };
        open_or_create().map_err(|error: Error| error.in_file(Some(path)))
    }

    /// Opens a file for reading and writing by value, and creates it first if it does not exist.
    ///
    /// The file may be a `.npy` file or a raw one, whose only property that is checked is its length. This needs no
    /// `unsafe`, since others may read and write the file at the same time; see
    /// [`SharedArrayMut`](crate::SharedArrayMut). It is for many processes that all make the same call. To get the
    /// elements as a slice, use [`open_or_create`](Self::open_or_create).
    ///
    /// If others append rows to the file, the array keeps its shape, also when it is
    /// [refreshed](crate::SharedArray::refresh). To find the new rows, open the file with
    /// [`open_shared_mut`](super::Options::open_shared_mut).
    ///
    /// # Errors
    ///
    /// Returns the errors of [`open_or_create`](Self::open_or_create) and
    /// [`open_shared_mut`](super::Options::open_shared_mut).
    ///
    /// ```
    /// use mmap_array::npy;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("out.npy");
    /// for k in 0..4_u8 {
    ///     let options = npy::create_options::<f32>([1000, 2]).segment(k.into(), 4);
    ///     let mine = options.open_or_create_shared(&path)?; // in a process of its own
    ///     mine.fill(k.into())?;
    /// }
    /// assert_eq!(npy::load::<f32>(&path)?[[999, 1]], 3.0);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// A counter for all processes, in a raw file of eight bytes:
    ///
    /// ```
    /// use mmap_array::MmapArray;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("next");
    /// let counter = MmapArray::<u64>::create_options(1).open_or_create_shared(&path)?;
    /// assert_eq!(counter.fetch_add([0], 1)?, 0);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn open_or_create_shared(self, path: impl AsRef<Path>) -> Result<E::Array>
    where
        E: Elements<SharedMut> + Clone + Send + Sync + 'static,
        F: NewFormat<E> + Send + Sync + 'static,
    {
        let path = path.as_ref();
        let open_or_create = || {
            let (dims, made) = (self.dims()?, self.checked_layout()?);
            let make = |new| {
                let mut new = self.built(new, &made)?;
                let file = new.handle()?;
                new.persist().map(|()| file)
            };
            let file = open_or_make(path, made.len == 0, Ok, make)?;
            let (format, order) = (self.format, self.order);
            let is_first = AtomicBool::new(true);
            let find = move |elements: &E, bytes: &FileBytes<'_>| {
                let fit = if is_first.swap(false, Ordering::Relaxed) { Fit::Exact } else { Fit::Longer };
                format.find_made(elements, &dims, order, bytes.file, fit)
            };
            let bytes = FileBytes { file: &file, path: Some(path), member: None };
            self.settings.map_shared(self.elements, find, &bytes, true)
        };
        open_or_create().map_err(|error: Error| error.in_file(Some(path)))
    }

    /// Creates an unnamed file of zeros in the system's temporary directory ([`std::env::temp_dir`]).
    ///
    /// The file is deleted when the array is dropped, unless [`persist`](crate::MmapArrayMut::persist) gives it a name.
    /// No other program can open a file without a name, so no `unsafe` is needed.
    ///
    /// The file can be larger than memory: the system writes pages to the disk when it needs the memory. With
    /// [`reserve`](Self::reserve), this method returns an error if the disk has no space for all of them. Without it,
    /// writing an element for which there is no space terminates the program (`SIGBUS`), as with every mapping of a new
    /// file.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`create`](Self::create).
    pub fn scratch(self) -> Result<E::Array>
    where
        E: Elements<ReadWrite>,
        F: NewFormat<E>,
    {
        self.scratch_in(std::env::temp_dir())
    }

    /// Creates an unnamed file of zeros in a directory. See [`scratch`](Self::scratch).
    ///
    /// If [`persist`](crate::MmapArrayMut::persist) later names the file in the same directory, nothing has to be
    /// copied.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`create`](Self::create).
    ///
    /// ```
    /// use mmap_array::npy;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("squares.npy");
    /// let mut squares = npy::create_options::<u64>([1000]).reserve().scratch_in(&dir)?;
    /// squares.iter_mut().enumerate().for_each(|(n, square)| *square = (n * n) as u64);
    /// squares.persist(&path)?;
    /// assert_eq!(npy::load::<u64>(&path)?[999], 998_001);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn scratch_in(self, folder: impl AsRef<Path>) -> Result<E::Array>
    where
        E: Elements<ReadWrite>,
        F: NewFormat<E>,
    {
        let folder = folder.as_ref();
        let scratch = || {
            let made = self.checked_slice()?;
            let file = region::scratch(folder, made.len, self.settings.reserve)?;
            write_front(&file, &made)?;
            self.map_new(file, None, made.layout)
        };
        scratch().map_err(|error: Error| error.in_file(Some(folder)))
    }

    /// Returns the options for opening what has been created, in a format that states shape and order.
    pub(crate) fn into_open(self) -> Options<E, F> {
        Options { elements: self.elements, format: self.format, settings: self.settings }
    }

    /// Returns the lengths of the axes, and the order.
    pub(crate) fn shape_and_order(&self) -> Result<(Dims, Order)> {
        Ok((self.dims()?, self.order))
    }

    /// Returns the lengths of the axes.
    fn dims(&self) -> Result<Dims> {
        let shape = self.shape.map_err(too_many_axes)?;
        shape.given().ok_or_else(|| {
            let text =
                format!("an axis of a new array cannot be inferred: there is no file to infer the shape {shape} from");
            Error::shape(text)
        })
    }

    fn lay_out(&self) -> Result<NewLayout>
    where
        F: NewFormat<E>,
    {
        self.format.lay_out(&self.elements, &self.dims()?, self.order)
    }
}

impl<E, F> CreateOptions<E, F>
where
    E: Described,
    F: NewFormat<E>,
{
    /// Returns the layout, after checking that it can be mapped.
    fn checked_layout(&self) -> Result<NewLayout> {
        let new = self.lay_out()?;
        self.elements.check_offset(new.layout.offset, new.layout.span()? as u64)?;
        Ok(new)
    }

    /// Creates a new file of the array's size, which only one program does at a time. Returns `None` if the file
    /// exists.
    pub(crate) fn new_file_alone(&self, path: &Path) -> Result<Option<NewFile>> {
        let made = self.checked_layout()?;
        NewFile::create_alone(path)?.map(|new| self.built(new, &made)).transpose()
    }

    /// Gives a new file the length that the array needs, and writes what precedes the elements.
    fn built(&self, new: NewFile, made: &NewLayout) -> Result<NewFile> {
        new.set_len(made.len, self.settings.reserve)?;
        write_front(&new.handle()?, made)?;
        Ok(new)
    }
}

impl<E, F> CreateOptions<E, F>
where
    E: Elements<ReadWrite>,
    F: NewFormat<E>,
{
    /// Returns the layout, after checking that it can be mapped and, if the array is a slice, that it is contiguous.
    fn checked_slice(&self) -> Result<NewLayout> {
        let new = self.checked_layout()?;
        self.elements.check(&new.layout).map(|()| new)
    }

    fn create_file(self, path: &Path, replace: bool) -> Result<E::Array> {
        let made = self.checked_slice()?;
        let new = self.built(NewFile::create(path, replace)?, &made)?;
        self.map_built(new, path, made.layout)
    }

    /// Maps a new file and puts it in its place.
    fn map_built(self, mut new: NewFile, path: &Path, layout: Layout) -> Result<E::Array> {
        // On an error the map is dropped first, then the new file, which removes it.
        let array = self.map_new(new.handle()?, Some(path), layout)?;
        new.persist()?;
        Ok(array)
    }

    /// Maps a file that was made for the array.
    fn map_new(self, file: File, path: Option<&Path>, layout: Layout) -> Result<E::Array> {
        let mut region = Region::of_new(file, path, &self.settings.portion(layout.offset, layout.span()?))?;
        if let Some(front) = layout.front {
            region.set_front(front);
        }
        self.elements.array(region, layout)
    }
}

/// Writes the bytes that precede the elements.
fn write_front(file: &File, made: &NewLayout) -> Result<()> {
    if made.front.is_empty() { Ok(()) } else { region::write_front(file, &made.front) }
}

/// Opens a file, whoever made it, or makes it if nobody else does.
fn open_or_make<T>(
    path: &Path,
    empty: bool,
    open: impl FnOnce(File) -> Result<T>,
    make: impl FnOnce(NewFile) -> Result<T>,
) -> Result<T> {
    let is_missing = |error: &Error| error.io_kind() == Some(io::ErrorKind::NotFound);
    let file = match open_made(path, empty) {
        Err(error) if is_missing(&error) => match NewFile::create_alone(path)?.map(make) {
            None => open_made(path, empty)?,
            Some(Ok(made)) => return Ok(made),
            // Another may have done all the same, who has not waited.
            Some(Err(error)) => match open_made(path, empty) {
                Err(missing) if is_missing(&missing) => return Err(error),
                opened => opened?,
            },
        },
        opened => opened?,
    };
    open(file)
}

/// Opens a file for writing, and waits for it to have bytes unless it is to be empty.
///
/// Some systems cannot name a new file without replacing another. The file may then be empty for a moment, before the
/// process that makes it puts the complete one in its place.
fn open_made(path: &Path, empty: bool) -> Result<File> {
    const MOMENT: Duration = Duration::from_millis(10);
    for _ in 0..200 {
        let file = region::open(path, true)?;
        if region::mappable_len(&file).map_or(true, |len| empty || len > 0) {
            return Ok(file);
        }
        std::thread::sleep(MOMENT);
    }
    region::open(path, true)
}
