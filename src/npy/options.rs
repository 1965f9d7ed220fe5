//! Which window of a `.npy` file to open, and how to create one.

use super::header::{Header, MAX_HEADER};
use super::open::{check_as_asked, io_kind};
use super::window::Window;
use crate::access::{Access, CopyOnWrite, ReadOnly, ReadWrite};
use crate::array::{MmapArray, MmapArrayMut, MmapWindow};
use crate::dtype::DType;
use crate::dynamic::{DynArray, DynArrayMut};
use crate::element::Element;
use crate::error::{Error, Result};
use crate::region::{self, Mode};
use crate::shape::{IntoShape, Order, Shape, too_many_axes};
use crate::view::named::described;
use std::fs::File;
use std::io;
use std::ops::RangeBounds;
use std::path::Path;
use std::time::Duration;

/// Which window of a `.npy` file to open, or how to create one. Made by [`npy::options`](super::options); ends in a call
/// that opens or creates.
///
/// A window is one of these, the last that is called, and the whole array where nothing is said:
///
/// | call | window | NumPy |
/// | --- | --- | --- |
/// | [`rows(a..b)`](Self::rows) | along the leading axis | `arr[a:b]` |
/// | [`offset(n)`](Self::offset)[`.shape(dims)`](Self::shape) | from the element `n` in storage order on, of any shape | `arr.ravel("K")[n:][:k].reshape(dims)` |
/// | [`segment(k, n)`](Self::segment) | the part `k` of `n` along the slowest axis | `np.array_split(arr, n)[k]` |
/// | [`segments(n)`](Self::segments) | each of those, one after another | `np.array_split(arr, n)` |
/// | [`segment_aligned(k, n)`](Self::segment_aligned) | as before, cut only where pages begin | |
///
/// Only the pages that the window lies in are mapped, and only its elements can be reached: windows of one file that do
/// not overlap may be written at the same time by threads and processes.
///
/// ```
/// use mmap_array::npy;
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("squares.npy");
/// // SAFETY: nobody else writes or truncates the file, here and below.
/// unsafe { npy::create::<u32>(&path, [10, 4])? };
/// for k in 0..3 {
///     let mut mine = unsafe { npy::options().segment(k, 3).open_mut::<u32>(&path)? }; // in a process of its own
///     mine.fill(k as u32);
/// }
/// let column = unsafe { npy::options().offset(12).shape([2, 4]).open::<u32>(&path)? };
/// assert_eq!(*column, [0, 0, 0, 0, 1, 1, 1, 1]);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct NpyOptions {
    pub(super) window: Window,
    pub(super) shape: Option<Result<Shape, usize>>,
    pub(crate) max_header: usize,
    pub(super) order: Order,
    pub(super) populate: bool,
    pub(super) reserve: bool,
    pub(super) lock: bool,
    pub(super) version: Option<(u8, u8)>,
    pub(super) alignment: Option<usize>,
    /// The bytes of the file that are looked at, where they are not all: those of a member of an archive.
    pub(super) within: Option<(u64, u64)>,
}

impl Default for NpyOptions {
    fn default() -> Self {
        Self {
            window: Window::Whole,
            shape: None,
            max_header: MAX_HEADER,
            order: Order::C,
            populate: false,
            reserve: false,
            lock: false,
            version: None,
            alignment: None,
            within: None,
        }
    }
}

impl NpyOptions {
    /// A window of rows, the leading axis' range: `arr[a..b]`.
    ///
    /// In Fortran order the rows of a matrix do not lie together, so there they are no slice: they open as a
    /// [`MmapWindow`](Self::open_window), which is a view with strides, or as a [`DynArray`](Self::open_dyn).
    #[must_use]
    pub fn rows(mut self, rows: impl RangeBounds<usize>) -> Self {
        (self.window, self.shape) = (Window::Rows(rows.start_bound().cloned(), rows.end_bound().cloned()), None);
        self
    }

    /// The number of elements in front of the window, in the order in which the file has them. The window is what
    /// follows, along one axis, unless [`shape`](Self::shape) says more.
    #[must_use]
    pub fn offset(mut self, elements: u64) -> Self {
        self.window = Window::Elements(elements);
        self
    }

    /// The shape of the window, which begins at [`offset`](Self::offset) and is in the file's order. One axis may be
    /// `None`, with the others in `Some`, to reach to the array's end.
    #[must_use]
    pub fn shape(mut self, shape: impl IntoShape) -> Self {
        if !matches!(self.window, Window::Elements(_)) {
            self.window = Window::Elements(0);
        }
        self.shape = Some(shape.into_shape());
        self
    }

    /// The part `part` of `count` along the slowest axis (the first in C order, the last in Fortran order), which differ
    /// in length by one at most, the longer ones first: `np.array_split`. Together they are the array, and no two
    /// overlap, so each of `count` processes opens one to write.
    #[must_use]
    pub fn segment(mut self, part: usize, count: usize) -> Self {
        (self.window, self.shape) = (Window::Segment { part, count, aligned: false }, None);
        self
    }

    /// All `count` parts of [`segment`](Self::segment), for one process that hands them to its threads. An array that is
    /// open already is cut by [`into_parts`](MmapArray::into_parts), into the same parts over one map.
    ///
    /// ```
    /// use mmap_array::npy;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("out.npy");
    /// # // SAFETY: nobody else uses the file.
    /// unsafe { npy::create::<u16>(&path, [1000, 3])? };
    /// std::thread::scope(|scope| {
    ///     for (k, segment) in npy::options().segments(4).enumerate() {
    ///         // SAFETY: no two segments overlap, and nobody truncates the file.
    ///         let mut part = unsafe { segment.open_mut::<u16>(&path)? };
    ///         scope.spawn(move || part.fill(k as u16));
    ///     }
    ///     Ok::<_, mmap_array::Error>(())
    /// })?;
    /// let (shape, numbers) = npy::load::<u16>(&path)?;
    /// assert_eq!((shape, numbers[749], numbers[750]), (vec![1000, 3], 0, 1));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn segments(self, count: usize) -> impl DoubleEndedIterator<Item = Self> + ExactSizeIterator + Clone {
        (0..count).map(move |part| self.segment(part, count))
    }

    /// As [`segment`](Self::segment), with parts that are cut only where a page of 4096 bytes begins in the file: for
    /// hosts that share a file system which writes whole pages (NFS), two of which must not write one page. Hosts whose
    /// pages are larger (16 KiB on Apple's, up to 64 KiB on some Arm and POWER) may still share one.
    ///
    /// The parts are as equal as that allows, and one may be empty. Which rows begin on pages depends on where the
    /// elements begin: a file that is created with [`align(4096)`](Self::align) has such rows, whatever their size.
    #[must_use]
    pub fn segment_aligned(mut self, part: usize, count: usize) -> Self {
        (self.window, self.shape) = (Window::Segment { part, count, aligned: true }, None);
        self
    }

    /// The most characters of a header that are read: NumPy's `max_header_size`. [`MAX_HEADER`] where nothing is said.
    #[must_use]
    pub fn max_header(mut self, characters: usize) -> Self {
        self.max_header = characters;
        self
    }

    /// Reads all pages of the window in when mapping (`MAP_POPULATE`, Linux; no effect elsewhere).
    #[must_use]
    pub fn populate(mut self) -> Self {
        self.populate = true;
        self
    }

    /// The order of the elements in a file that is created. One that is opened has its own.
    #[must_use]
    pub fn order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// Gives a file that is created its blocks on the disk at once, so that a full disk is an error now and not a signal
    /// later.
    #[must_use]
    pub fn reserve(mut self) -> Self {
        self.reserve = true;
        self
    }

    /// Takes an advisory lock on the window's bytes in the file for as long as the array, a part or a clone of it lives:
    /// exclusive where it is opened to write to the file, otherwise shared with others who read. What the array
    /// [grows](MmapArrayMut::grow) by is locked too. Whoever else asks for an overlapping window with a lock gets an error
    /// of kind [`Locked`](crate::ErrorKind::Locked) at once; whoever asks for none is not kept out.
    ///
    /// The lock belongs to the open file, so that threads exclude one another as processes do, and goes when its holder
    /// is killed (`F_OFD_SETLK` on Linux and macOS, `LockFileEx` on Windows; elsewhere an error of kind
    /// [`Unsupported`](crate::ErrorKind::Unsupported)). Arrays that are mapped from one open [`File`] do not exclude one
    /// another, and what two of them have locked is free when the first of them goes. Windows also keeps others from
    /// reading and writing these bytes without a map.
    ///
    /// ```
    /// # #[cfg(any(target_os = "linux", target_os = "macos", windows))] {
    /// use mmap_array::{ErrorKind, npy};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("a.npy");
    /// // SAFETY: whoever writes the file takes a lock; nobody truncates it.
    /// unsafe { npy::create::<f64>(&path, [100])? };
    /// let mine = unsafe { npy::options().segment(0, 2).lock_range().open_mut::<f64>(&path)? };
    /// let other = unsafe { npy::options().rows(49..).lock_range().open_mut::<f64>(&path) };
    /// assert_eq!(other.unwrap_err().kind(), ErrorKind::Locked);
    /// drop(mine);
    /// unsafe { npy::options().rows(49..).lock_range().open_mut::<f64>(&path)? };
    /// # }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn lock_range(mut self) -> Self {
        self.lock = true;
        self
    }

    /// The format's version of a file that is created, where it is not to be the one that NumPy chooses. See
    /// [`Header::with_version`](super::Header::with_version).
    #[must_use]
    pub fn version(mut self, major: u8, minor: u8) -> Self {
        self.version = Some((major, minor));
        self
    }

    /// Begins the elements of a file that is created at a multiple of so many bytes. See
    /// [`Header::with_alignment`](super::Header::with_alignment).
    #[must_use]
    pub fn align(mut self, bytes: usize) -> Self {
        self.alignment = Some(bytes);
        self
    }

    /// The header of a file, of as many characters as [`max_header`](Self::max_header) allows.
    ///
    /// # Errors
    ///
    /// As for [`npy::header`](super::header).
    pub fn header(self, path: impl AsRef<Path>) -> Result<Header> {
        let path = path.as_ref();
        self.read_header(&region::open(path, false)?).map_err(|error| error.in_file(Some(path)))
    }

    /// Opens a file to read.
    ///
    /// # Safety
    ///
    /// [The contract](MmapArray#safety): while the array lives, nobody else writes the elements, and nobody makes the file
    /// shorter than them.
    ///
    /// # Errors
    ///
    /// [`Header`](crate::ErrorKind::Header) for what is no `.npy` file or has a malformed header;
    /// [`DTypeMismatch`](crate::ErrorKind::DTypeMismatch) where `T` is not what the file holds, which names both and what
    /// would do; [`Misaligned`](crate::ErrorKind::Misaligned) where the elements lie at addresses that `T` cannot live
    /// at, as those of other programs' files and odd windows do ([`Le`](crate::Le) and [`Be`](crate::Be) can);
    /// [`PastEnd`](crate::ErrorKind::PastEnd) where the file is shorter than its header says;
    /// [`OutOfRange`](crate::ErrorKind::OutOfRange) and [`Shape`](crate::ErrorKind::Shape) for a window that is not
    /// there; [`NotContiguous`](crate::ErrorKind::NotContiguous) for rows in Fortran order;
    /// [`Io`](crate::ErrorKind::Io) where the system refuses.
    pub unsafe fn open<T: Element>(self, path: impl AsRef<Path>) -> Result<MmapArray<T>>
    where
        ReadOnly: Access<T>,
    {
        let path = path.as_ref();
        self.open_typed(&region::open(path, false)?, Some(path), Mode::Read)
    }

    /// Opens a file to read and write. It is never made longer, but by [`grow`](MmapArrayMut::grow).
    ///
    /// # Safety
    ///
    /// As for [`open`](Self::open).
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open), and where the file may not be written.
    pub unsafe fn open_mut<T: Element>(self, path: impl AsRef<Path>) -> Result<MmapArrayMut<T>>
    where
        ReadWrite: Access<T>,
    {
        let path = path.as_ref();
        self.open_typed(&region::open(path, true)?, Some(path), Mode::ReadWrite)
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
    pub unsafe fn open_cow<T: Element>(self, path: impl AsRef<Path>) -> Result<MmapArray<T, CopyOnWrite>>
    where
        CopyOnWrite: Access<T>,
    {
        let path = path.as_ref();
        self.open_typed(&region::open(path, false)?, Some(path), Mode::CopyOnWrite)
    }

    /// As [`open`](Self::open), of any window, one that is no slice too: rows in Fortran order.
    ///
    /// # Safety
    ///
    /// As for [`open`](Self::open).
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open), but for [`NotContiguous`](crate::ErrorKind::NotContiguous).
    ///
    /// ```
    /// use mmap_array::{Order, npy};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("f.npy");
    /// // SAFETY: nobody else writes or truncates the file.
    /// unsafe { npy::options().order(Order::F).create::<f32>(&path, [100, 3])? };
    /// let rows = unsafe { npy::options().rows(10..20).open_window::<f32>(&path)? };
    /// assert_eq!((rows.shape(), rows.view().strides()), (&[10, 3][..], &[4, 400][..]));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub unsafe fn open_window<T: Element>(self, path: impl AsRef<Path>) -> Result<MmapWindow<T>>
    where
        ReadOnly: Access<T>,
    {
        let path = path.as_ref();
        self.open_strided(&region::open(path, false)?, Some(path), Mode::Read)
    }

    /// As [`open_window`](Self::open_window), to read and write.
    ///
    /// # Safety
    ///
    /// As for [`open`](Self::open).
    ///
    /// # Errors
    ///
    /// As for [`open_window`](Self::open_window), and where the file may not be written.
    pub unsafe fn open_window_mut<T: Element>(self, path: impl AsRef<Path>) -> Result<MmapWindow<T, ReadWrite>>
    where
        ReadWrite: Access<T>,
    {
        let path = path.as_ref();
        self.open_strided(&region::open(path, true)?, Some(path), Mode::ReadWrite)
    }

    /// As [`open`](Self::open), of a file that is open already. The file's own position does not matter.
    ///
    /// # Safety
    ///
    /// As for [`open`](Self::open).
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    pub unsafe fn map<T: Element>(self, file: &File) -> Result<MmapArray<T>>
    where
        ReadOnly: Access<T>,
    {
        self.open_typed(file, None, Mode::Read)
    }

    /// As [`open_mut`](Self::open_mut), of a file that is open already, to read and write.
    ///
    /// # Safety
    ///
    /// As for [`open`](Self::open).
    ///
    /// # Errors
    ///
    /// As for [`open_mut`](Self::open_mut).
    pub unsafe fn map_mut<T: Element>(self, file: &File) -> Result<MmapArrayMut<T>>
    where
        ReadWrite: Access<T>,
    {
        self.open_typed(file, None, Mode::ReadWrite)
    }

    /// Opens a file to read, whatever its elements are.
    ///
    /// # Safety
    ///
    /// As for [`open`](Self::open).
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open), but for those of the elements' type.
    pub unsafe fn open_dyn(self, path: impl AsRef<Path>) -> Result<DynArray> {
        let path = path.as_ref();
        self.open_any(&region::open(path, false)?, path, Mode::Read)
    }

    /// As [`open_dyn`](Self::open_dyn), to read and write.
    ///
    /// # Safety
    ///
    /// As for [`open`](Self::open).
    ///
    /// # Errors
    ///
    /// As for [`open_dyn`](Self::open_dyn), and where the file may not be written.
    pub unsafe fn open_dyn_mut(self, path: impl AsRef<Path>) -> Result<DynArrayMut> {
        let path = path.as_ref();
        self.open_any(&region::open(path, true)?, path, Mode::ReadWrite)
    }

    /// Creates a file of zeros, or replaces one whole, and opens the window of it to read and write. Whoever has the old
    /// one mapped or open keeps it. The header is NumPy's, byte for byte.
    ///
    /// The file is built beside the target and then renamed, so the target never exists half made. No memory is taken,
    /// and blocks on the disk only as elements are written, unless [`reserve`](Self::reserve) was asked for.
    ///
    /// # Safety
    ///
    /// As for [`open`](Self::open).
    ///
    /// # Errors
    ///
    /// As for [`Header::new`](super::Header::new), [`OutOfRange`](crate::ErrorKind::OutOfRange) for a window that is not there, and
    /// [`Io`](crate::ErrorKind::Io) where the system refuses. After an error the target is as it was.
    pub unsafe fn create<T: Element>(self, path: impl AsRef<Path>, shape: impl IntoShape) -> Result<MmapArrayMut<T>>
    where
        ReadWrite: Access<T>,
    {
        self.create_typed(path.as_ref(), given(path.as_ref(), shape)?, true)
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
    pub unsafe fn create_new<T: Element>(self, path: impl AsRef<Path>, shape: impl IntoShape) -> Result<MmapArrayMut<T>>
    where
        ReadWrite: Access<T>,
    {
        self.create_typed(path.as_ref(), given(path.as_ref(), shape)?, false)
    }

    /// Opens the window of a file to read and write, and creates the file first where there is none: for many processes
    /// that all make the same call, of which one creates and all open.
    ///
    /// # Safety
    ///
    /// As for [`open`](Self::open).
    ///
    /// # Errors
    ///
    /// As for [`create_new`](Self::create_new) and [`open_mut`](Self::open_mut), and
    /// [`Header`](crate::ErrorKind::Header) where a file is there that says another shape or order.
    ///
    /// ```
    /// use mmap_array::npy;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("out.npy");
    /// for k in 0..4 {
    ///     // SAFETY: each process writes its own segment, and nobody truncates the file.
    ///     let mut mine = unsafe { npy::options().segment(k, 4).open_or_create::<f32>(&path, [1000, 2])? };
    ///     mine.fill(k as f32);
    /// }
    /// assert_eq!(npy::header(&path)?.shape(), [1000, 2]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub unsafe fn open_or_create<T: Element>(
        self,
        path: impl AsRef<Path>,
        shape: impl IntoShape,
    ) -> Result<MmapArrayMut<T>>
    where
        ReadWrite: Access<T>,
    {
        let path = path.as_ref();
        let shape = given(path, shape)?;
        let asked = self.new_header(described::<T>()?, shape.clone())?;
        let missing = |error: &Error| io_kind(error) == Some(io::ErrorKind::NotFound);
        let file = match open_made(path) {
            Err(error) if missing(&error) => match self.create_typed(path, shape, false) {
                // Another process was first.
                Err(error) if io_kind(&error) == Some(io::ErrorKind::AlreadyExists) => open_made(path)?,
                created => return created,
            },
            opened => opened?,
        };
        let found = self.read_header(&file).map_err(|error| error.in_file(Some(path)))?;
        check_as_asked(&found, &asked).map_err(|error| error.in_file(Some(path)))?;
        self.open_typed(&file, Some(path), Mode::ReadWrite)
    }

    /// As [`create`](Self::create), of elements whose dtype is known only at run time.
    ///
    /// # Safety
    ///
    /// As for [`open`](Self::open).
    ///
    /// # Errors
    ///
    /// As for [`create`](Self::create).
    ///
    /// ```
    /// use mmap_array::npy;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("out.npy");
    /// let dtype = "[('id', '<u4'), ('px', '>f8')]".parse()?;
    /// // SAFETY: nobody else writes or truncates the file.
    /// let table = unsafe { npy::options().create_dyn(&path, dtype, [2])? };
    /// assert_eq!(table.to_string(), "[(0, 0.) (0, 0.)]");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub unsafe fn create_dyn(self, path: impl AsRef<Path>, dtype: DType, shape: impl IntoShape) -> Result<DynArrayMut> {
        self.create_any(path.as_ref(), dtype, given(path.as_ref(), shape)?)
    }
}

/// The shape of a file that is created.
pub(super) fn given(path: &Path, shape: impl IntoShape) -> Result<Vec<usize>> {
    let shape = shape.into_shape().map_err(too_many_axes).and_then(|shape| {
        let inferred =
            || Error::shape(format!("{shape}: an axis of a new array cannot be inferred, there is no file yet"));
        shape.given().ok_or_else(inferred)
    });
    shape.map(|dims| dims.to_vec()).map_err(|error| error.in_file(Some(path)))
}

/// Opens a file to write. Some systems cannot give a new file its name without replacing another, so that one may be
/// there for a moment with no bytes, before the process that makes it puts the whole one in its place.
fn open_made(path: &Path) -> Result<File> {
    const MOMENT: Duration = Duration::from_millis(10);
    for _ in 0..200 {
        let file = region::open(path, true)?;
        if region::mappable_len(&file).map_or(true, |len| len > 0) {
            return Ok(file);
        }
        std::thread::sleep(MOMENT);
    }
    region::open(path, true)
}
