//! The ways to create, each written once for all elements and formats.

use super::elements::{Elements, Layout, Typed, sealed::Described};
use super::format::{NewFormat, NewLayout, Raw};
use super::options::{Options, Settings};
use super::source::FileBytes;
use super::{MmapArray, MmapArrayMut};
use crate::access::{ReadWrite, SharedMut, Stable};
use crate::error::{Error, Result};
use crate::region::{self, Mode, NewFile, Region};
use crate::shape::{Dims, IntoShape, Order, Shape, too_many_axes};
use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

/// A new array, and how it is made.
///
/// `E` is [what the elements are](Elements), `F` the [format](NewFormat) of the file: [`Raw`], elements and nothing
/// else, or [`Npy`](crate::npy::Npy). All elements are zero at first.
///
/// | made by | creates |
/// | --- | --- |
/// | [`MmapArray::<T>::create_options(shape)`](crate::MmapArray::create_options) | elements of the type `T` in a raw file |
/// | [`DynArray::create_options(dtype, shape)`](crate::DynArray::create_options) | elements of a dtype that is known only at run time, in a raw file |
/// | [`npy::create_options::<T>(shape)`](crate::npy::create_options) | elements of the type `T` in a `.npy` file |
/// | [`npy::dyn_create_options(dtype, shape)`](crate::npy::dyn_create_options) | elements of a dtype in a `.npy` file |
///
/// | call | file | `unsafe` |
/// | --- | --- | --- |
/// | [`scratch`](Self::scratch), [`scratch_in`](Self::scratch_in) | has no name, until [`persist`](crate::MmapArrayMut::persist) gives it one | no |
/// | [`anonymous`](Self::anonymous) | none, the array is in memory | no |
/// | [`create`](Self::create) | is made, or replaced whole | yes |
/// | [`create_new`](Self::create_new) | is made, and must not exist | yes |
/// | [`open_or_create`](Self::open_or_create) | is made where there is none | yes |
/// | [`open_or_create_shared`](Self::open_or_create_shared) | is made where there is none | no |
///
/// A file that has a name from the beginning can be written by others while the array lives, which is why slices of it
/// are `unsafe`; a [`SharedArrayMut`](crate::SharedArrayMut) is written by value. What one program makes, it makes as a
/// scratch file that gets its name once it is finished:
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
    /// The number of axes, where they are too many.
    shape: Result<Shape, usize>,
    order: Order,
    settings: Settings,
}

impl<T> MmapArray<T> {
    /// Returns options to create an array of elements of `T`, of that many along each axis, in a raw file or in memory.
    /// See [`CreateOptions`].
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
    /// An array of zeros in memory, without a file. Pages are taken as they are touched.
    ///
    /// # Errors
    ///
    /// [`Overflow`](crate::ErrorKind::Overflow) for a shape beyond the address space, [`Io`](crate::ErrorKind::Io)
    /// where the system has not the memory.
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

    /// An array of zeros in a file without a name in the system's temporary folder: for data larger than memory. The
    /// file goes with the array.
    ///
    /// Safe, because the file has no name by which another program could open it. (A child made by `fork` shares it, as
    /// it does any file, and `/proc/PID/fd` leads to it, as `/proc/PID/mem` leads to all memory.)
    /// [`scratch_in`](CreateOptions::scratch_in) takes another folder, for systems whose temporary folder is memory.
    ///
    /// # Errors
    ///
    /// [`Overflow`](crate::ErrorKind::Overflow) for a shape beyond the address space, [`Io`](crate::ErrorKind::Io)
    /// where the file cannot be made.
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
    /// Sets the byte of the file at which the first element lies, 0 by default: a multiple of `align_of::<T>()`. What
    /// is in front of it is zero. The file ends with the array, whatever the offset, so that one which is longer than
    /// the address space (2 GiB on 32 bits) can be created by its last window.
    #[must_use]
    pub fn offset(mut self, bytes: u64) -> Self {
        self.format.offset = bytes;
        self
    }

    /// Creates the array in memory, without a file.
    ///
    /// # Errors
    ///
    /// [`Shape`](crate::ErrorKind::Shape) for a shape with an axis to infer; [`Overflow`](crate::ErrorKind::Overflow);
    /// [`Io`](crate::ErrorKind::Io) if allocation fails; [`Unsupported`](crate::ErrorKind::Unsupported) where an
    /// offset, blocks on the disk or a lock were asked for, which only a file has.
    pub fn anonymous(self) -> Result<E::Array>
    where
        E: Elements<ReadWrite>,
        Raw: NewFormat<E>,
    {
        if self.format.offset > 0 || self.settings.reserve || self.settings.lock {
            return Err(Error::unsupported(
                "memory has no byte offset, no blocks on a disk and no locks; `scratch` is a file",
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

    /// Sets the order in which the elements follow one another: NumPy's `order`, and `fortran_order` of `open_memmap`.
    #[must_use]
    pub fn order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// Reads all pages of the elements in when they are mapped. See [`Options::populate`](super::Options::populate).
    #[must_use]
    pub fn populate(mut self) -> Self {
        self.settings.populate = true;
        self
    }

    /// Gives the file its blocks on the disk at once, and those that [`grow`](crate::MmapArrayMut::grow) adds. Without
    /// it the file is sparse: blocks are taken as elements are written, and a disk that is full by then stops the
    /// program with a signal instead of an error.
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

    /// Creates a file of zeros and opens it to read and write: NumPy's mode `"w+"`. A file that has the name is
    /// replaced; whoever has it mapped or open keeps the old one, whole.
    ///
    /// It is built without a name, or beside the target under one that begins with `.mmap-array-`, and gets its own in
    /// one step once it is on the disk, so that the target never exists half made, when the program is killed or the
    /// power fails. What a killed program has left of a target goes when its owner creates that the next time, where
    /// the file system has locks that belong to an open file. The permission bits are taken over, and where the system
    /// lets us owner, group and (on Linux) the access control list of POSIX; where it does not, these let in nobody who
    /// was kept out before. Access control lists of other kinds, as Windows has, are those that the folder gives to new
    /// files. Other hard links to the old file stay with it. A symbolic link is followed, if it leads to a file. The
    /// zeros can be seen by everybody at once; [`scratch`](Self::scratch) is for what is to be seen when it is
    /// finished.
    ///
    /// # Safety
    ///
    /// [The contract](crate::MmapArray#safety): while the array lives, nobody else writes the elements, and nobody
    /// makes the file shorter than them.
    ///
    /// # Errors
    ///
    /// [`Shape`](crate::ErrorKind::Shape) for a shape with an axis to infer;
    /// [`Misaligned`](crate::ErrorKind::Misaligned), [`Overflow`](crate::ErrorKind::Overflow);
    /// [`Io`](crate::ErrorKind::Io) where the system refuses: no such folder, no permission, and with `reserve` a full
    /// disk. Of a `.npy` file also as for [`Header::new`](crate::npy::Header::new), and
    /// [`OutOfRange`](crate::ErrorKind::OutOfRange) for a window that is not there. On Windows a file that somebody has
    /// mapped cannot be replaced. After an error the target is as it was.
    pub unsafe fn create(self, path: impl AsRef<Path>) -> Result<E::Array>
    where
        E: Elements<ReadWrite>,
        F: NewFormat<E>,
    {
        let path = path.as_ref();
        self.create_file(path, true).map_err(|error| error.in_file(Some(path)))
    }

    /// Creates a file as [`create`](Self::create) does, but a file that exists is an error, and stays. (On Windows, and
    /// on file systems that can neither rename without replacing nor link, the target is there with no bytes for a
    /// moment before it is there whole.)
    ///
    /// # Safety
    ///
    /// [The contract](crate::MmapArray#safety): while the array lives, nobody else writes the elements, and nobody
    /// makes the file shorter than them.
    ///
    /// # Errors
    ///
    /// As for [`create`](Self::create), and [`Io`](crate::ErrorKind::Io) with
    /// [`AlreadyExists`](std::io::ErrorKind::AlreadyExists).
    pub unsafe fn create_new(self, path: impl AsRef<Path>) -> Result<E::Array>
    where
        E: Elements<ReadWrite>,
        F: NewFormat<E>,
    {
        let path = path.as_ref();
        self.create_file(path, false).map_err(|error| error.in_file(Some(path)))
    }

    /// Opens a file to read and write, and creates it first where there is none: for many processes that all make the
    /// same call, of which one creates, while the others wait, and all open.
    ///
    /// # Safety
    ///
    /// [The contract](crate::MmapArray#safety): while the array lives, nobody else writes the elements, and nobody
    /// makes the file shorter than them.
    ///
    /// # Errors
    ///
    /// As for [`create_new`](Self::create_new) and [`open_mut`](super::Options::open_mut). Where a file is there that
    /// holds another array: in a `.npy` file [`Header`](crate::ErrorKind::Header) for another shape or order and
    /// [`DTypeMismatch`](crate::ErrorKind::DTypeMismatch); in a raw file
    /// [`SizeMismatch`](crate::ErrorKind::SizeMismatch) for another length.
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
                let layout = self.format.find_made(&self.elements, &dims, self.order, &file)?;
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

    /// Opens a file to read and write by value, without `unsafe`, while others may do so too, and creates it first
    /// where there is none: for many processes that all make the same call. See
    /// [`SharedArrayMut`](crate::SharedArrayMut).
    ///
    /// [`open_or_create`](Self::open_or_create) is for those who need the elements as a slice.
    ///
    /// # Errors
    ///
    /// As for [`open_or_create`](Self::open_or_create) and [`open_shared_mut`](super::Options::open_shared_mut).
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
            let find = move |elements: &E, bytes: &FileBytes<'_>| format.find_made(elements, &dims, order, bytes.file);
            let bytes = FileBytes { file: &file, path: Some(path), member: None };
            self.settings.map_shared(self.elements, find, &bytes, true)
        };
        open_or_create().map_err(|error: Error| error.in_file(Some(path)))
    }

    /// Creates a file of zeros without a name in the system's temporary folder ([`std::env::temp_dir`]). It goes with
    /// the array, unless [`persist`](crate::MmapArrayMut::persist) gives it a name. Without one no other program can
    /// open it, so no `unsafe` is needed.
    ///
    /// The file can be larger than memory: pages are written to the disk as the system needs the memory. With
    /// [`reserve`](Self::reserve) a disk that has no room for all of them is an error here. Without it, it is a signal
    /// that ends the program, when an element is written for which there is none (`SIGBUS`), as under every map of a
    /// new file.
    ///
    /// # Errors
    ///
    /// As for [`create`](Self::create).
    pub fn scratch(self) -> Result<E::Array>
    where
        E: Elements<ReadWrite>,
        F: NewFormat<E>,
    {
        self.scratch_in(std::env::temp_dir())
    }

    /// Creates a file of zeros without a name in a folder: that in which [`persist`](crate::MmapArrayMut::persist) will
    /// give it one, so that nothing has to be copied then. See [`scratch`](Self::scratch), also for what
    /// [`reserve`](Self::reserve) does.
    ///
    /// # Errors
    ///
    /// As for [`create`](Self::create).
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

    /// The options by which what has been created is opened, in a format that states shape and order.
    pub(crate) fn into_open(self) -> Options<E, F> {
        Options { elements: self.elements, format: self.format, settings: self.settings }
    }

    /// The lengths of the axes, and the order.
    pub(crate) fn shape_and_order(&self) -> Result<(Dims, Order)> {
        Ok((self.dims()?, self.order))
    }

    /// The lengths of the axes.
    fn dims(&self) -> Result<Dims> {
        let shape = self.shape.map_err(too_many_axes)?;
        shape.given().ok_or_else(|| {
            let text = format!("{shape}: an axis of a new array cannot be inferred, there is no file to infer it from");
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
    /// The layout, once it is known that it can be mapped.
    fn checked_layout(&self) -> Result<NewLayout> {
        let new = self.lay_out()?;
        self.elements.check_offset(new.layout.offset, new.layout.span()? as u64)?;
        Ok(new)
    }

    /// A new file as the array needs it, of which one program makes only one at a time; `None` where there is one.
    pub(crate) fn new_file_alone(&self, path: &Path) -> Result<Option<NewFile>> {
        let made = self.checked_layout()?;
        NewFile::create_alone(path)?.map(|new| self.built(new, &made)).transpose()
    }

    /// Makes a new file as long as the array needs it, with what is in front of that.
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
    /// The layout, once it is known that it can be mapped as a slice, where the array is one.
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

    /// Maps a file that has been made for the array.
    fn map_new(self, file: File, path: Option<&Path>, layout: Layout) -> Result<E::Array> {
        let mut region = Region::of_new(file, path, &self.settings.portion(layout.offset, layout.span()?))?;
        if let Some(front) = layout.front {
            region.set_front(front);
        }
        self.elements.array(region, layout)
    }
}

/// Writes what lies in front of the elements.
fn write_front(file: &File, made: &NewLayout) -> Result<()> {
    if made.front.is_empty() { Ok(()) } else { region::write_front(file, &made.front) }
}

/// Opens a file that was made by whomever, or makes it, if nobody else does.
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

/// Opens a file to write. Some systems cannot give a new file its name without replacing another, so that one may be
/// there for a moment with no bytes, before the process that makes it puts the whole one in its place. One that is to
/// be empty is not waited for.
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
