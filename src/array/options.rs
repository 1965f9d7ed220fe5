//! The ways to open, each written once for all elements, formats and sources.

use super::elements::{Again, Elements, Layout, Typed, sealed::Described};
use super::format::{Format, Raw};
use super::source::{Bytes, FileBytes, Source, Stream, Want};
use super::{MmapArray, MmapArrayMut};
use crate::access::{CopyOnWrite, ReadOnly, ReadWrite, Shared, SharedMut, Stable};
use crate::error::{Error, Reason, Result};
use crate::region::{self, Mode, Portion, RangeLock, Region};
use crate::shape::{IntoShape, Order};
use std::io::Read;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Which elements to open, and where they lie.
///
/// `E` is [what the elements are](Elements), `F` the [format](Format) of what they lie in: [`Raw`], elements and
/// nothing else, or [`Npy`](crate::npy::Npy).
///
/// | made by | opens |
/// | --- | --- |
/// | [`MmapArray::<T>::options()`](crate::MmapArray::options) | elements of the type `T` in a raw file |
/// | [`DynArray::options(dtype)`](crate::DynArray::options) | elements of a dtype that is known only at run time, in a raw file |
/// | [`npy::options::<T>()`](crate::npy::options) | elements of the type `T` in a `.npy` file |
/// | [`npy::dyn_options()`](crate::npy::dyn_options) | elements of whatever dtype a `.npy` file states |
///
/// It ends in a call that opens a [`Source`]: a path, an open file, or a member of an archive.
///
/// | call | elements can be | what is written goes to |
/// | --- | --- | --- |
/// | [`open`](Self::open) | read | |
/// | [`open_mut`](Self::open_mut) | read and written | the file |
/// | [`open_cow`](Self::open_cow) | read and written | memory, page by page |
/// | [`open_sealed`](Self::open_sealed), for a file that cannot change | read | |
/// | [`open_snapshot`](Self::open_snapshot), of what is there now | read | |
/// | [`open_shared`](Self::open_shared), while others write and cut the file | read | |
/// | [`open_shared_mut`](Self::open_shared_mut), likewise | read and written | the file |
/// | [`load`](Self::load), [`load_from`](Self::load_from), which map nothing of the file | read and written | memory |
///
/// In a raw file the elements begin at byte 0 unless [`offset`](Self::offset) says where, have one axis that reaches to
/// the end of the file unless [`shape`](Self::shape) gives the axes, and lie in C order unless [`order`](Self::order)
/// says otherwise.
///
/// Files are made by [`CreateOptions`](super::CreateOptions).
///
/// ```
/// use mmap_array::{MmapArray, Order};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("field.f64");
/// let column_by_column: Vec<u8> = (0..300).flat_map(|n| f64::from(n).to_ne_bytes()).collect();
/// std::fs::write(&path, [&[0; 16][..], &column_by_column].concat())?;
///
/// let options = MmapArray::<f64>::options().offset(16).shape([Some(3), None]).order(Order::F);
/// let copy = options.load(&path)?;
/// assert_eq!((copy.shape(), copy[[2, 99]]), (&[3, 100][..], 299.0));
/// let field = options.open_shared(&path)?;
/// assert!(field.read(|view| view == copy.view())?);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Options<E, F = Raw> {
    pub(crate) elements: E,
    pub(crate) format: F,
    pub(super) settings: Settings,
}

/// How a portion of a file is mapped, whatever lies in it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Settings {
    pub(super) populate: bool,
    pub(super) lock: bool,
    pub(super) reserve: bool,
}

/// An array in memory whose elements are to be written to a file.
pub(crate) struct StandIn<Array> {
    pub(crate) array: Array,
    /// Where they lie in it.
    pub(crate) bytes: Range<u64>,
    _lock: Option<RangeLock>,
}

impl<T> MmapArray<T> {
    /// Opens a whole file to read: a 1-d array whose length follows from the file's.
    ///
    /// [`options`](Self::options) opens a portion, gives a shape, and opens to write.
    ///
    /// # Safety
    ///
    /// [The contract](MmapArray#safety): while the array lives, nobody else writes the elements, and nobody makes the
    /// file shorter than them.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io) where the system cannot open or map the file,
    /// [`NotRegularFile`](crate::ErrorKind::NotRegularFile) for a directory, pipe or device,
    /// [`EmptyFile`](crate::ErrorKind::EmptyFile), and [`PartialElement`](crate::ErrorKind::PartialElement) where the
    /// length is no whole number of elements.
    ///
    /// ```
    /// use mmap_array::MmapArray;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("samples.f32");
    /// std::fs::write(&path, 1.5_f32.to_ne_bytes().repeat(1000))?;
    /// // SAFETY: nobody else writes or truncates the file.
    /// let samples = unsafe { MmapArray::<f32>::open(&path)? };
    /// assert_eq!(samples.len(), 1000);
    /// assert_eq!(samples.iter().sum::<f32>(), 1500.0);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub unsafe fn open(source: impl Source) -> Result<Self>
    where
        ReadOnly: Stable<T>,
    {
        // SAFETY: the caller keeps the contract.
        unsafe { Self::options().open(source) }
    }

    /// Opens a whole file to read and write: a 1-d array whose length follows from the file's, and does not change it.
    ///
    /// # Safety
    ///
    /// As for [`open`](Self::open).
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open), and where the file may not be written.
    ///
    /// ```
    /// use mmap_array::{Be, MmapArray};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("counts");
    /// std::fs::write(&path, [0, 1, 0, 2])?;
    /// // SAFETY: nobody else uses the file.
    /// let mut counts = unsafe { MmapArray::<Be<u16>>::open_mut(&path)? };
    /// counts[1] += 40;
    /// counts.close()?;
    /// assert_eq!(std::fs::read(&path)?, [0, 1, 0, 42]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub unsafe fn open_mut(source: impl Source) -> Result<MmapArrayMut<T>>
    where
        ReadWrite: Stable<T>,
    {
        // SAFETY: the caller keeps the contract.
        unsafe { Self::options().open_mut(source) }
    }

    /// Returns options to open elements of `T` in a raw file: a portion of it, of any shape, and then one of the ways
    /// to open. See [`Options`].
    ///
    /// ```
    /// use mmap_array::MmapArray;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("image");
    /// # std::fs::write(&path, [7; 54 + 12])?;
    /// let image = MmapArray::<[u8; 3]>::options().offset(54).shape([2, 2]).load(&path)?;
    /// assert_eq!(image[[1, 1]], [7, 7, 7]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn options() -> Options<Typed<T>> {
        Options::new(Typed::new(), Raw::default())
    }
}

impl<E> Options<E, Raw> {
    /// Sets the byte of the source at which the first element lies, 0 by default. It need not be page-aligned, but must
    /// be a multiple of `align_of::<T>()`. Bytes, arrays of bytes, packed records and numbers that name their byte
    /// order, [`Le<f32>`](crate::Le) or [`Be<f32>`](crate::Be), lie anywhere.
    #[must_use]
    pub fn offset(mut self, bytes: u64) -> Self {
        self.format.offset = bytes;
        self
    }

    /// Sets the number of elements along each axis. One of them may be `None`, with the others in `Some`, to follow
    /// from the length of the file: `[None, Some(3)]` is NumPy's `reshape(-1, 3)`.
    #[must_use]
    pub fn shape(mut self, shape: impl IntoShape) -> Self {
        self.format.shape = Some(shape.into_shape());
        self
    }

    /// Sets the order in which the elements follow one another in the file: NumPy's `order`.
    #[must_use]
    pub fn order(mut self, order: Order) -> Self {
        self.format.order = order;
        self
    }
}

impl<E, F> Options<E, F> {
    pub(crate) fn new(elements: E, format: F) -> Self {
        Self { elements, format, settings: Settings::default() }
    }

    /// The same options for other elements.
    pub(crate) fn with_elements<G>(self, elements: G) -> Options<G, F> {
        Options { elements, format: self.format, settings: self.settings }
    }

    /// Reads all pages of the elements in when they are mapped (`MAP_POPULATE`, Linux; no effect elsewhere), so that no
    /// element has to be waited for later.
    #[must_use]
    pub fn populate(mut self) -> Self {
        self.settings.populate = true;
        self
    }

    /// Takes an advisory lock on the bytes of the elements for as long as the array, a part or a clone of it lives:
    /// exclusive for [`open_mut`](Self::open_mut), otherwise shared with others who read; for [`load`](Self::load) and
    /// [`open_snapshot`](Self::open_snapshot) of a path, while the elements are copied or the snapshot is taken. What
    /// the array [grows](crate::MmapArrayMut::grow) by is locked too. Whoever else asks for overlapping elements with a
    /// lock gets an error of kind [`Locked`](crate::ErrorKind::Locked) at once; whoever asks for none is not kept out.
    /// Rows in Fortran order lie in as many runs as there are columns, each of which is locked by itself; of more than
    /// 1,024, what lies between is locked as well.
    ///
    /// The lock belongs to the open file, so that threads exclude one another as processes do, and goes when its holder
    /// is killed, with all forks of it, which have the array too (`F_OFD_SETLK` on Linux and macOS, `LockFileEx` on
    /// Windows; elsewhere an error of kind [`Unsupported`](crate::ErrorKind::Unsupported)). Arrays that are mapped from
    /// one open [`File`](std::fs::File) do not exclude one another, and what two of them have locked is free when the
    /// first of them goes. Windows also keeps others from reading and writing these bytes without a map.
    ///
    /// ```
    /// # #[cfg(any(target_os = "linux", target_os = "macos", windows))] {
    /// use mmap_array::{ErrorKind, npy};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("a.npy");
    /// npy::save(&path, &[0.0; 100])?;
    /// let mine = npy::options::<f64>().segment(0, 2).lock_range().open_shared_mut(&path)?;
    /// let other = npy::options::<f64>().rows(49..).lock_range().open_shared_mut(&path);
    /// assert_eq!(other.unwrap_err().kind(), ErrorKind::Locked);
    /// drop(mine);
    /// npy::options::<f64>().rows(49..).lock_range().open_shared_mut(&path)?;
    /// # }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn lock_range(mut self) -> Self {
        self.settings.lock = true;
        self
    }

    /// Opens a file to read: NumPy's modes `"r"` of `np.memmap` and `mmap_mode="r"` of `np.load`.
    ///
    /// # Safety
    ///
    /// [The contract](crate::MmapArray#safety): while the array lives, nobody else writes the elements, and nobody
    /// makes the file shorter than them.
    ///
    /// # Errors
    ///
    /// Where the file cannot be opened or is no regular file; where the elements do not lie within it, are no whole
    /// number, or are not aligned for their type; where the shape does not fit the address space. Of a `.npy` file also
    /// [`Header`](crate::ErrorKind::Header) where it is none, [`DTypeMismatch`](crate::ErrorKind::DTypeMismatch) where
    /// its elements are others, [`OutOfRange`](crate::ErrorKind::OutOfRange) for a window that is not there, and
    /// [`NotContiguous`](crate::ErrorKind::NotContiguous) for rows in Fortran order. The file is as it was.
    ///
    /// # Both ways
    ///
    /// Without `unsafe`, a closure has a view of elements that come by value. Slices of the file itself go to functions
    /// that want slices, and ask the caller to know that nobody else writes the file or cuts it:
    ///
    /// ```
    /// use mmap_array::MmapArray;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("samples.f32");
    /// std::fs::write(&path, 1.5_f32.to_ne_bytes().repeat(1000))?;
    /// let options = MmapArray::<f32>::options().shape(1000);
    ///
    /// let samples = options.open_shared(&path)?;
    /// let loudest = samples.read(|view| view.iter().fold(0.0, f32::max))?;
    ///
    /// // SAFETY: this program has just made the file, and tells nobody its name.
    /// let samples = unsafe { options.open(&path)? };
    /// assert_eq!(samples.iter().copied().fold(0.0, f32::max), loudest);
    /// assert_eq!(samples.windows(2).filter(|pair| pair[0] != pair[1]).count(), 0);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub unsafe fn open(self, source: impl Source) -> Result<E::Array>
    where
        E: Elements<ReadOnly>,
        F: Format<E>,
    {
        self.map(source, Mode::Read)
    }

    /// Opens a file to read and write: NumPy's mode `"r+"`. The file is never made longer, except by
    /// [`grow`](crate::MmapArrayMut::grow), for which the array keeps it open.
    ///
    /// # Safety
    ///
    /// [The contract](crate::MmapArray#safety): while the array lives, nobody else writes the elements, and nobody
    /// makes the file shorter than them.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open), and where the file may not be written.
    ///
    /// ```
    /// use mmap_array::MmapArray;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("counts");
    /// std::fs::write(&path, [0; 8])?;
    /// // SAFETY: nobody else uses the file.
    /// let mut tail = unsafe { MmapArray::<u16>::options().offset(4).open_mut(&path)? };
    /// tail[1] = 0x0101;
    /// tail.flush()?;
    /// assert_eq!(std::fs::read(&path)?, [0, 0, 0, 0, 0, 0, 1, 1]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub unsafe fn open_mut(self, source: impl Source) -> Result<E::Array>
    where
        E: Elements<ReadWrite>,
        F: Format<E>,
    {
        self.map(source, Mode::ReadWrite)
    }

    /// Opens a file to read, and to write in memory only: NumPy's mode `"c"`. A page that is written is copied first,
    /// and the file, which need not be writable, stays as it was.
    ///
    /// # Safety
    ///
    /// [The contract](crate::MmapArray#safety): while the array lives, nobody else writes the elements, and nobody
    /// makes the file shorter than them.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    ///
    /// ```
    /// use mmap_array::MmapArray;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("dem.u16");
    /// std::fs::write(&path, [1; 8])?;
    /// // SAFETY: nobody else writes or truncates the file.
    /// let mut dem = unsafe { MmapArray::<u16>::options().open_cow(&path)? };
    /// dem.fill(0);
    /// assert_eq!(std::fs::read(&path)?, [1; 8]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub unsafe fn open_cow(self, source: impl Source) -> Result<E::Array>
    where
        E: Elements<CopyOnWrite>,
        F: Format<E>,
    {
        self.map(source, Mode::CopyOnWrite)
    }

    /// Opens a file to read, without `unsafe`: only where the operating system keeps it from changing. That is a
    /// `memfd` sealed against writing and shrinking (Linux, Android, FreeBSD), or a file under [fs-verity] (Linux,
    /// Android) on ext4, F2FS or Btrfs. On other file systems nothing that a file says of itself is believed: behind
    /// FUSE, or a network, is a program that may say one thing and do another.
    ///
    /// [fs-verity]: https://docs.kernel.org/filesystems/fsverity.html
    ///
    /// # Errors
    ///
    /// [`NotImmutable`](crate::ErrorKind::NotImmutable) for any other file, and as for [`open`](Self::open).
    ///
    /// ```
    /// use mmap_array::{ErrorKind, MmapArray};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("data");
    /// std::fs::write(&path, [0; 8])?;
    /// let refused = MmapArray::<u8>::options().open_sealed(&path).unwrap_err();
    /// assert_eq!(refused.kind(), ErrorKind::NotImmutable);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn open_sealed(self, source: impl Source) -> Result<E::Array>
    where
        E: Elements<ReadOnly>,
        F: Format<E>,
    {
        self.map(source, Mode::Sealed)
    }

    /// Opens a file to read, as it is now, without `unsafe`: whether others write to it then, cut it or delete it is
    /// all the same to the array. Nothing is copied. The file system lets a file without a name share the blocks in
    /// which the elements lie, and gives those who write to them others; that file is mapped. It is made in the folder
    /// of the source, and goes with the array.
    ///
    /// On Linux this is for XFS and Btrfs (`FICLONERANGE`), and for the blocks of the window alone, of which those that
    /// have been written lately are written to the disk first. On macOS it is for APFS (`clonefile`), and for the whole
    /// file. Pages come from the disk when they are touched, also where the source's own are in memory. What others
    /// write while the snapshot is taken may be in it in part, as in what [`load`](Self::load) reads. The header of a
    /// `.npy` file is read before and after, and the snapshot taken anew if another array is there.
    ///
    /// Safe, because nobody else can change the file that is mapped. It never has a name (on macOS one in a folder that
    /// only its owner may enter, for a moment), and no descriptor of it stays open. While it is made, which takes some
    /// milliseconds, `/proc/PID/fd` leads to it, for a program of the same user that looks there and first changes its
    /// mode, by which nobody may open it; a child made by `fork` just then keeps it. Afterwards `/proc/PID/map_files`
    /// leads to it, for the administrator. An I/O error of the disk is a signal, as it is under every map; a full disk
    /// is not in the way of what only reads.
    ///
    /// [`lock_range`](Self::lock_range) locks the elements of a path while the snapshot is taken. For an open file and
    /// a member of an archive it is an error, as for `load`.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open); [`Unsupported`](crate::ErrorKind::Unsupported) on other systems and file systems,
    /// and [`Io`](crate::ErrorKind::Io) where no file can be made in the folder, for which
    /// [`open_snapshot_in`](Self::open_snapshot_in) takes another.
    ///
    /// ```
    /// use mmap_array::{ErrorKind, npy};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("state.npy");
    /// npy::save(&path, &[1.0, 2.0, 3.0])?;
    /// let options = npy::options::<f64>().rows(1..);
    /// let state = match options.open_snapshot(&path) {
    ///     // Where there are no snapshots, by a copy.
    ///     Err(error) if error.kind() == ErrorKind::Unsupported => options.load(&path)?.freeze(),
    ///     opened => opened?,
    /// };
    /// std::fs::write(&path, "something else")?;
    /// assert_eq!(*state, [2.0, 3.0]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn open_snapshot(self, source: impl Source) -> Result<E::Array>
    where
        E: Elements<ReadOnly>,
        F: Format<E>,
    {
        self.map(source, Mode::Snapshot(None))
    }

    /// Opens a file to read, as it is now, through a file without a name in a folder: where the file's own may not be
    /// written, or cannot be found. It must be on the same file system. See [`open_snapshot`](Self::open_snapshot).
    ///
    /// # Errors
    ///
    /// As for [`open_snapshot`](Self::open_snapshot), and [`Io`](crate::ErrorKind::Io) with
    /// [`CrossesDevices`](std::io::ErrorKind::CrossesDevices) for a folder on another file system.
    ///
    /// ```
    /// use mmap_array::{ErrorKind, MmapArray};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("state");
    /// std::fs::write(&path, [7; 100])?;
    /// let file = std::fs::File::open(&path)?;
    /// match MmapArray::<u8>::options().offset(90).open_snapshot_in(&file, &dir) {
    ///     Ok(tail) => assert_eq!(*tail, [7; 10]),
    ///     Err(error) => assert_eq!(error.kind(), ErrorKind::Unsupported), // neither XFS, Btrfs nor APFS
    /// }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn open_snapshot_in(self, source: impl Source, folder: impl AsRef<Path>) -> Result<E::Array>
    where
        E: Elements<ReadOnly>,
        F: Format<E>,
    {
        self.map(source, Mode::Snapshot(Some(folder.as_ref())))
    }

    /// Opens a file to read, without `unsafe`, whatever others do to it meanwhile: write, append, cut, replace.
    ///
    /// Elements come by value, and each operation says afterwards whether any were lost: see
    /// [`SharedArray`](crate::SharedArray).
    /// Rows of an array in Fortran order need no [`strided`](Self::strided) to be opened so.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open), and [`Io`](crate::ErrorKind::Io) where the process may not have more files open:
    /// the array keeps its file open.
    ///
    /// ```
    /// use mmap_array::{MmapArray, npy};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("table.npy");
    /// npy::save(&path, &vec![[1.0, 2.0], [3.0, 4.0]])?;
    /// let table = npy::options::<f64>().open_shared(&path)?;
    /// assert_eq!(table.read(|view| view.index_axis(1, 0).sum())?, 4.0);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn open_shared(self, source: impl Source) -> Result<E::Array>
    where
        E: Elements<Shared> + Clone + Send + Sync + 'static,
        F: Format<E> + Clone + Send + Sync + 'static,
    {
        self.map_shared(source, false)
    }

    /// Opens a file to read and write, without `unsafe`, while others may do so too: see
    /// [`SharedArrayMut`](crate::SharedArrayMut). The file is
    /// never made longer.
    ///
    /// Others who have mapped the file through an `unsafe` call, and rely on it, can be disturbed so, as they can by
    /// [`std::fs::write`].
    ///
    /// # Errors
    ///
    /// As for [`open_shared`](Self::open_shared), and where the file may not be written.
    ///
    /// ```
    /// use mmap_array::MmapArray;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("counts");
    /// std::fs::write(&path, [0; 8])?;
    /// let counts = MmapArray::<u16>::options().open_shared_mut(&path)?;
    /// counts.set([3], 0x0101)?;
    /// assert_eq!(std::fs::read(&path)?, [0, 0, 0, 0, 0, 0, 1, 1]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn open_shared_mut(self, source: impl Source) -> Result<E::Array>
    where
        E: Elements<SharedMut> + Clone + Send + Sync + 'static,
        F: Format<E> + Clone + Send + Sync + 'static,
    {
        self.map_shared(source, true)
    }

    /// Copies the elements into memory: `np.fromfile` and `np.load`. The file is read and not mapped, so no `unsafe` is
    /// needed, and whatever happens to it afterwards the array stays. Pipes, the files of `/proc` and compressed
    /// members of archives can be loaded too. The copy can be written, so the elements must have no padding; those that
    /// have some are loaded of the dtype that a `.npy` file states, or read by [`fromfile`](crate::fromfile).
    ///
    /// Rows of an array in Fortran order, which cannot be mapped as one slice, lie together in the copy. The array
    /// keeps the order of the file.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open); [`Io`](crate::ErrorKind::Io) where the file cannot be read or there is not enough
    /// memory, [`PastEnd`](crate::ErrorKind::PastEnd) where it ends before the elements do. For a member of an archive,
    /// whose checksum is compared, also [`Archive`](crate::ErrorKind::Archive) where it is damaged.
    ///
    /// ```
    /// use mmap_array::{ArrayView, npy};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("table.npy");
    /// npy::save(&path, &ArrayView::from_slice(&[1, 2, 3, 4, 5, 6], [3, 2])?)?;
    /// let mut rows = npy::options::<i32>().rows(1..).load(&path)?; // np.load(path)[1:]
    /// rows[[1, 0]] = 50;
    /// assert_eq!(*rows, [3, 4, 50, 6]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn load(self, source: impl Source) -> Result<E::Array>
    where
        E: Elements<ReadWrite>,
        F: Format<E>,
    {
        source.lend(Want::Load, |bytes| self.copied(bytes))
    }

    /// Copies elements out of a reader into memory: `np.load` of an open file. Nothing behind the array is read, so
    /// that what follows can be read next; of a raw file without a shape everything is read.
    ///
    /// # Errors
    ///
    /// As for [`load`](Self::load).
    ///
    /// ```
    /// use mmap_array::npy;
    /// let mut file = Vec::new();
    /// npy::save_to(&mut file, &[1.5, 2.5])?;
    /// npy::save_to(&mut file, &[7_u8])?;
    /// let mut reader = &file[..];
    /// assert_eq!(*npy::options::<f64>().load_from(&mut reader)?, [1.5, 2.5]);
    /// assert_eq!(*npy::options::<u8>().load_from(&mut reader)?, [7]);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn load_from(self, mut reader: impl Read) -> Result<E::Array>
    where
        E: Elements<ReadWrite>,
        F: Format<E>,
    {
        self.copied(Bytes::Stream(Stream::new(&mut reader)))
    }

    /// The way of all that is mapped.
    fn map<A>(&self, source: impl Source, mode: Mode<'_>) -> Result<E::Array>
    where
        E: Elements<A>,
        F: Format<E>,
    {
        source.lend(Want::Map { write: mode.writes() }, |bytes| match bytes {
            Bytes::File(bytes) => self.map_bytes(&bytes, mode),
            Bytes::Stream(_) => Err(Error::unsupported("what cannot be mapped can be read by `load`")),
        })
    }

    /// The way of all that is mapped while others change it: what is opened can be found and mapped again.
    fn map_shared<A>(self, source: impl Source, write: bool) -> Result<E::Array>
    where
        E: Elements<A> + Clone + Send + Sync + 'static,
        F: Format<E> + Clone + Send + Sync + 'static,
    {
        source.lend(Want::Map { write }, |bytes| {
            let Bytes::File(bytes) = bytes else {
                return Err(Error::unsupported("what cannot be mapped can be read by `load`"));
            };
            let format = self.format;
            let find =
                move |elements: &E, bytes: &FileBytes<'_>| format.find(elements, &mut Bytes::File(bytes.clone()));
            self.settings.map_shared(self.elements, find, &bytes, write)
        })
    }

    /// Checks that a file has the elements, whatever its pages hold.
    pub(crate) fn check(&self, bytes: FileBytes<'_>) -> Result<()>
    where
        E: Described,
        F: Format<E>,
    {
        self.find(&bytes).map(drop)
    }

    fn find(&self, bytes: &FileBytes<'_>) -> Result<Layout>
    where
        E: Described,
        F: Format<E>,
    {
        let layout = self.format.find(&self.elements, &mut Bytes::File(bytes.clone()))?;
        self.elements.check(&layout)?;
        Ok(layout)
    }

    /// Maps the elements that are found in a file.
    pub(crate) fn map_bytes<A>(&self, bytes: &FileBytes<'_>, mode: Mode<'_>) -> Result<E::Array>
    where
        E: Elements<A>,
        F: Format<E>,
    {
        let is_snapshot = matches!(mode, Mode::Snapshot(_));
        if is_snapshot && self.settings.lock && (bytes.path.is_none() || bytes.member.is_some()) {
            // The lock belongs to the open file, and would take an array's with it when it goes.
            return Err(Error::unsupported("cannot lock an open file or an archive while a snapshot is taken of it"));
        }
        const TRIES: usize = 16;
        for _ in 0..TRIES {
            let layout = self.find(bytes)?;
            let region = self.settings.map_layout(&self.elements, &layout, bytes, mode)?;
            // Somebody else may have changed the header, and put other elements where these were, since it was read.
            if !(is_snapshot && F::STATED) || layout.is_within(&self.find(bytes)?) {
                return self.elements.array(region, layout);
            }
        }
        let text = format!(
            "the header has changed {TRIES} times while a snapshot was taken; try again when nobody replaces the array"
        );
        Err(Reason::Header(text).error())
    }

    /// Makes an array of zeros in memory for the elements that are found in a file, and gives those blocks on the disk.
    pub(crate) fn stand_in(self, bytes: FileBytes<'_>) -> Result<StandIn<E::Array>>
    where
        E: Elements<ReadWrite>,
        F: Format<E>,
    {
        let layout = self.find(&bytes)?;
        let portion = self.settings.portion_of(&layout)?;
        let lock = portion.take_lock(bytes.file, Mode::ReadWrite).map_err(|error| error.at_bytes(portion.bytes()))?;
        region::reserve(bytes.file, portion.bytes())?;
        let memory = super::load::memory(portion.len).map_err(|error| {
            Error::io("take memory for a part (with more parts each needs less)", error.into())
                .at_bytes(portion.bytes())
        })?;
        let array = self.elements.array(memory, layout.in_memory())?;
        Ok(StandIn { array, bytes: portion.bytes(), _lock: lock })
    }

    /// The way of all that is copied.
    fn copied(&self, mut bytes: Bytes<'_>) -> Result<E::Array>
    where
        E: Elements<ReadWrite>,
        F: Format<E>,
    {
        let layout = self.format.find(&self.elements, &mut bytes)?;
        let _lock = match &bytes {
            Bytes::File(bytes) if bytes.path.is_some() => {
                self.settings.portion_of(&layout)?.take_lock(bytes.file, Mode::Read)?
            }
            // The lock belongs to the open file, and would take an array's with it when it goes.
            _ if self.settings.lock => {
                return Err(Error::unsupported("cannot lock what is loaded from an open file, an archive or a reader"));
            }
            _ => None,
        };
        let region = super::load::read(&self.elements, &layout, bytes)?;
        self.elements.array(region, layout.in_memory())
    }
}

impl Settings {
    /// Maps elements that have been found.
    pub(super) fn map_elements<E: Elements<A>, A>(
        self,
        elements: E,
        layout: Layout,
        bytes: &FileBytes<'_>,
        mode: Mode<'_>,
    ) -> Result<E::Array> {
        let region = self.map_layout(&elements, &layout, bytes, mode)?;
        elements.array(region, layout)
    }

    /// Maps elements that others may change: what finds them will find and map them again.
    pub(super) fn map_shared<E, A>(
        self,
        elements: E,
        find: impl Fn(&E, &FileBytes<'_>) -> Result<Layout> + Send + Sync + 'static,
        bytes: &FileBytes<'_>,
        write: bool,
    ) -> Result<E::Array>
    where
        E: Elements<A> + Clone + Send + Sync + 'static,
    {
        let file = bytes.file.try_clone().map_err(|source| Error::io("keep the file open", source))?;
        // Of a member of an archive it is the first time where it was found a moment ago.
        let (these, member, first) = (elements.clone(), bytes.member.clone(), AtomicBool::new(true));
        // It belongs to the open file, and so to all that is ever mapped of it here: an old map takes none of it away.
        let lock = Mutex::new(None);
        let map = move |again: &Again| {
            let member = match &member {
                Some(member) if !first.swap(false, Ordering::Relaxed) => Some(member.again(&again.file)?),
                member => member.clone(),
            };
            let bytes = FileBytes { member, ..again.bytes() };
            let layout = find(&these, &bytes)?;
            let mode = if write { Mode::SharedMut(&again.file) } else { Mode::Shared(&again.file) };
            let lock = &mut *lock.lock().unwrap_or_else(PoisonError::into_inner);
            let before = lock.as_ref().map_or(Vec::new(), |lock: &RangeLock| lock.ranges().to_vec());
            self.portion_of(&layout)?.lock_rest(&again.file, mode, lock)?;
            let unlocked = Self { lock: false, ..self };
            match unlocked.map_layout(&these, &layout, &bytes, mode) {
                Ok(region) => Ok((region, layout)),
                Err(error) => {
                    if let Some(lock) = lock {
                        lock.keep(before);
                    }
                    Err(error)
                }
            }
        };
        let path = bytes.path.map(Path::to_path_buf);
        let again = Again { file: Arc::new(file), path, map: Box::new(map) };
        let (region, layout) = again.map()?;
        elements.array(region, Layout { again: Some(again.into()), ..layout })
    }

    fn map_layout(
        self,
        elements: &impl Described,
        layout: &Layout,
        bytes: &FileBytes<'_>,
        mode: Mode<'_>,
    ) -> Result<Region> {
        let portion = self.portion_of(layout)?;
        let what = || format!("{} elements of `{}`", layout.dims, elements.name(layout));
        let mut region = Region::map(bytes.file, bytes.path, layout.end, &portion, mode, what)?;
        if let Some(front) = layout.front {
            region.set_front(front);
        }
        Ok(region)
    }

    pub(super) fn portion(self, offset: u64, len: usize) -> Portion {
        Portion { offset, len, populate: self.populate, reserve: self.reserve, lock: self.lock, strips: None }
    }

    /// The portion that the elements of a layout take, of which they alone are locked where others lie between them.
    fn portion_of(self, layout: &Layout) -> Result<Portion> {
        Ok(Portion { strips: layout.strips(), ..self.portion(layout.offset, layout.span()?) })
    }
}
