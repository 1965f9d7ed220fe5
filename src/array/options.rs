//! The methods that open arrays, each written once for all element types, formats and sources.

use super::elements::{Elements, Layout, Strided, Typed, sealed::Described};
use super::format::{Format, Raw, StridedRaw};
use super::settings::Settings;
use super::source::{self, Bytes, FileBytes, Source, Stream, Want};
use super::{MmapArray, MmapArrayMut};
use crate::access::{CopyOnWrite, ReadOnly, ReadWrite, Shared, SharedMut, Stable};
use crate::dtype::DType;
use crate::error::{Error, Reason, Result};
use crate::region::{self, Mode, RangeLock};
use crate::shape::{IntoShape, Order};
use std::io::Read;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// Options for opening an array.
///
/// `E` is the [kind of elements](Elements), and `F` is the [format](Format) of the file: [`Raw`], which is elements and
/// nothing else, or [`Npy`](crate::npy::Npy).
///
/// | constructor | opens |
/// | --- | --- |
/// | [`MmapArray::<T>::options()`](crate::MmapArray::options) | elements of type `T` in a raw file |
/// | [`DynArray::options(dtype)`](crate::DynArray::options) | elements of a dtype that is known only at run time, in a raw file |
/// | [`npy::options::<T>()`](crate::npy::options) | elements of type `T` in a `.npy` file |
/// | [`npy::dyn_options()`](crate::npy::dyn_options) | elements of whatever dtype a `.npy` file states |
///
/// Call one of the following methods last, with a [`Source`]: a path, an open file, or a member of an archive.
///
/// | method | access | writes go to |
/// | --- | --- | --- |
/// | [`open`](Self::open) | read | |
/// | [`open_mut`](Self::open_mut) | read and write | the file |
/// | [`open_cow`](Self::open_cow) | read and write | memory, page by page |
/// | [`open_sealed`](Self::open_sealed), for a file that cannot change | read | |
/// | [`open_snapshot`](Self::open_snapshot), of the current contents | read | |
/// | [`open_shared`](Self::open_shared), while others may write and truncate the file | read | |
/// | [`open_shared_mut`](Self::open_shared_mut), while others may write and truncate the file | read and write | the file |
/// | [`load`](Self::load), [`load_from`](Self::load_from), which map nothing of the file | read and write | memory |
///
/// In a raw file, the elements begin at byte 0 unless [`offset`](Self::offset) is set, have one axis that extends to
/// the end of the file unless [`shape`](Self::shape) is set, and are in C order unless [`order`](Self::order) is set.
///
/// To create files, use [`CreateOptions`](super::CreateOptions).
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

/// An array in memory whose elements are to be written to a file.
pub(crate) struct StandIn<Array> {
    pub(crate) array: Array,
    /// The range of the file's bytes to which the elements will be written.
    pub(crate) bytes: Range<u64>,
    _lock: Option<RangeLock>,
}

impl<T> MmapArray<T> {
    /// Opens a whole file for reading, as a 1-d array whose length follows from the length of the file.
    ///
    /// To open a portion of a file, to set a shape or to open a file for writing, use [`options`](Self::options).
    ///
    /// # Safety
    ///
    /// See the [safety contract](MmapArray#safety): while the array lives, nobody else may write its elements or make
    /// the file shorter than their end.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`Io`](crate::ErrorKind::Io) if the operating system cannot open or map the file,
    /// [`NotRegularFile`](crate::ErrorKind::NotRegularFile) for a directory, pipe or device,
    /// [`EmptyFile`](crate::ErrorKind::EmptyFile) if the file is empty, or
    /// [`PartialElement`](crate::ErrorKind::PartialElement) if its length is not a whole number of elements.
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

    /// Opens a whole file for reading and writing, as a 1-d array whose length follows from the length of the file.
    ///
    /// This never changes the length of the file.
    ///
    /// # Safety
    ///
    /// See [`open`](Self::open).
    ///
    /// # Errors
    ///
    /// Returns the errors of [`open`](Self::open), and an error if the file may not be written.
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

    /// Returns options for opening elements of type `T` in a raw file: the whole file or a portion of it, with any
    /// shape. See [`Options`].
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
    /// Sets the byte offset of the first element in the source. Defaults to 0.
    ///
    /// The offset need not be page-aligned. The calls that return slices of the file need a multiple of
    /// `align_of::<T>()`; bytes, arrays of bytes, packed records and numbers with an explicit byte order, such as
    /// [`Le<f32>`](crate::Le) or [`Be<f32>`](crate::Be), may begin at any byte.
    #[must_use]
    pub fn offset(mut self, bytes: u64) -> Self {
        self.format.offset = bytes;
        self
    }

    /// Sets the number of elements along each axis.
    ///
    /// One length may be `None`, with the others in `Some`, to be inferred from the length of the file:
    /// `[None, Some(3)]` is NumPy's `reshape(-1, 3)`.
    #[must_use]
    pub fn shape(mut self, shape: impl IntoShape) -> Self {
        self.format.shape = Some(shape.into_shape());
        self
    }

    /// Sets the order in which the elements are stored in the file: NumPy's `order`. Defaults to [`Order::C`].
    #[must_use]
    pub fn order(mut self, order: Order) -> Self {
        self.format.order = order;
        self
    }
}

macro_rules! strides {
    ($($elements:ty $(, $T:ident)?: $into:ty, $map:expr, $example:literal;)*) => {$(
        impl$(<$T>)? Options<$elements, Raw> {
            /// Sets the strides: the distance in bytes from one element to the next along each axis. NumPy:
            /// `np.ndarray(shape, dtype, buffer, offset, strides)`.
            ///
            /// There must be one stride per axis of the [`shape`](Self::shape), and this must be the last setting of
            /// the format. [`offset`](Self::offset) is the position of the element at the first index, from which
            /// negative strides lead backwards. If one length is `None`, there are as many elements along that axis as
            /// the file has. Elements may begin at any byte, and only the pages of the bytes from the first to the last
            /// of them are mapped.
            ///
            /// For reading, elements may overlap, as sliding windows do, or be the same, with a stride of 0. For
            /// writing, each stride must lead past all elements along the axes with smaller strides.
            /// [`lock_range`](Self::lock_range) locks the bytes between the elements too.
            ///
            /// Loading from a reader or a compressed member of an archive holds all bytes from the first element to the
            /// last in memory meanwhile; from a file, it does not.
            ///
            /// # Errors
            ///
            /// Opening returns an error of kind [`OutOfRange`](crate::ErrorKind::OutOfRange) if an element would lie
            /// before the beginning of the file, [`PastEnd`](crate::ErrorKind::PastEnd) if one would lie behind its
            /// end, [`Shape`](crate::ErrorKind::Shape) if the number of strides is not that of the axes, if an
            /// [`order`](Self::order) other than C was set, or if an axis of stride 0 is to be inferred, and
            /// [`Unsupported`](crate::ErrorKind::Unsupported) if the elements may overlap and the array is not opened
            /// for reading only.
            #[doc = $example]
            #[must_use]
            pub fn strides(self, bytes: impl AsRef<[isize]>) -> Options<$into, StridedRaw> {
                let format = StridedRaw::new(self.format, bytes.as_ref());
                Options { elements: $map(self.elements), format, settings: self.settings }
            }
        }
    )*};
}
strides! {
    Typed<T>, T: Strided<T>, |_| Strided::new(), r#"
The array is a [`MmapWindow`](super::MmapWindow), or a [`SharedArray`](crate::SharedArray). Every fourth sample, and
windows of 1000 samples that begin 250 samples apart:

```
use mmap_array::{Le, MmapArray};
# let dir = tempfile::tempdir()?;
# let path = dir.path().join("samples");
let samples: Vec<u8> = (0..4000_u16).flat_map(u16::to_le_bytes).collect();
std::fs::write(&path, samples)?;
let options = MmapArray::<Le<u16>>::options();
let fourths = options.shape(1000).strides([8]).open_shared(&path)?;
assert_eq!(fourths.at([999])?.get(), 3996);
let windows = options.shape([None, Some(1000)]).strides([500, 2]).open_shared(&path)?;
assert_eq!(windows.shape(), [13, 1000]);
assert_eq!(windows.at([12, 0])?.get(), 3000);
# Ok::<(), std::io::Error>(())
```
"#;
    DType: DType, |dtype| dtype, r#"
```
use mmap_array::DynArray;
# let dir = tempfile::tempdir()?;
# let path = dir.path().join("samples");
std::fs::write(&path, [1, 0, 9, 2, 0, 9, 3, 0, 9])?;
let options = DynArray::options("<u2".parse()?).offset(6).shape(3).strides([-3]);
assert_eq!(options.load(&path)?.to_string(), "[3 2 1]");
# Ok::<(), std::io::Error>(())
```
"#;
}

impl<E, F> Options<E, F> {
    pub(crate) fn new(elements: E, format: F) -> Self {
        Self { elements, format, settings: Settings::default() }
    }

    /// Returns the same options for another kind of elements.
    pub(crate) fn with_elements<G>(self, elements: G) -> Options<G, F> {
        Options { elements, format: self.format, settings: self.settings }
    }

    /// Reads all pages of the elements when they are mapped, so that later accesses need not wait (`MAP_POPULATE` on
    /// Linux; no effect elsewhere).
    #[must_use]
    pub fn populate(mut self) -> Self {
        self.settings.populate = true;
        self
    }

    /// Takes an advisory lock on the bytes of the elements for as long as the array, or a part or clone of it, lives.
    ///
    /// The lock is exclusive if writes go to the file, as for [`open_mut`](Self::open_mut) and
    /// [`open_shared_mut`](Self::open_shared_mut), and otherwise shared with other readers. For [`load`](Self::load)
    /// and [`open_snapshot`](Self::open_snapshot) of a path, it is held while the elements are copied or the snapshot
    /// is taken. Elements that are added by [`grow`](crate::MmapArrayMut::grow) are locked too. Opening overlapping
    /// elements with a conflicting lock immediately returns an error of kind [`Locked`](crate::ErrorKind::Locked);
    /// opening them without a lock succeeds. Rows in Fortran order consist of one run of bytes for each column, and
    /// each run is locked by itself. If there are more than 1,024 runs, the bytes between them are locked as well.
    ///
    /// The lock belongs to the open file description, so threads exclude one another as processes do. It is released
    /// when its holder is killed, together with all children of it created by `fork`, which have the array too. It uses
    /// `F_OFD_SETLK` on Linux and macOS, and `LockFileEx` on Windows; other systems return an error of kind
    /// [`Unsupported`](crate::ErrorKind::Unsupported). Arrays that are mapped from the same open
    /// [`File`](std::fs::File) do not exclude one another, and bytes that two of them have locked are released when the
    /// first of them is dropped. On Windows, the lock also keeps others from reading and writing these bytes without a
    /// mapping.
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

    /// Opens a file for reading: NumPy's mode `"r"` of `np.memmap` and `mmap_mode="r"` of `np.load`.
    ///
    /// # Safety
    ///
    /// See the [safety contract](crate::MmapArray#safety): while the array lives, nobody else may write its elements or
    /// make the file shorter than their end.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be opened or is not a regular file, if the elements are not within it, are
    /// not a whole number or are not aligned for their type, or if the shape exceeds the address space. For a `.npy`
    /// file, it also returns an error of kind [`Header`](crate::ErrorKind::Header) if the file is not in that format,
    /// [`DTypeMismatch`](crate::ErrorKind::DTypeMismatch) if its elements have another dtype,
    /// [`OutOfRange`](crate::ErrorKind::OutOfRange) if the window is outside the array, or
    /// [`NotContiguous`](crate::ErrorKind::NotContiguous) for some of the rows of an array in Fortran order. The file
    /// is unchanged.
    ///
    /// # Examples
    ///
    /// [`open_shared`](Self::open_shared) needs no `unsafe`, and passes a view to a closure, which yields the elements
    /// by value. `open` returns an array that can be passed to functions that take slices, but requires the caller to
    /// know that nobody else writes or truncates the file:
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

    /// Opens a file for reading and writing: NumPy's mode `"r+"`.
    ///
    /// Only [`grow`](crate::MmapArrayMut::grow) makes the file longer; the array keeps the file open for this.
    ///
    /// # Safety
    ///
    /// See the [safety contract](crate::MmapArray#safety): while the array lives, nobody else may write its elements or
    /// make the file shorter than their end.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`open`](Self::open), and an error if the file may not be written.
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

    /// Opens a file for reading and for writing in memory only (copy-on-write): NumPy's mode `"c"`.
    ///
    /// A page is copied before it is first written. The file stays unchanged and need not be writable.
    ///
    /// # Safety
    ///
    /// See the [safety contract](crate::MmapArray#safety): while the array lives, nobody else may write its elements or
    /// make the file shorter than their end.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`open`](Self::open).
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

    /// Opens a file for reading, without `unsafe`, if the operating system keeps it from changing.
    ///
    /// Such a file is a `memfd` that is sealed against writing and shrinking (Linux, Android, FreeBSD), or a file under
    /// [fs-verity] (Linux, Android) on ext4, F2FS or Btrfs. On other file systems, the claims of a file about itself
    /// are not trusted: behind FUSE or a network there is a program that may claim one thing and do another.
    ///
    /// [fs-verity]: https://docs.kernel.org/filesystems/fsverity.html
    ///
    /// # Errors
    ///
    /// Returns the errors of [`open`](Self::open), and an error of kind
    /// [`NotImmutable`](crate::ErrorKind::NotImmutable) for any other file.
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

    /// Opens a snapshot of the current contents of a file for reading, without `unsafe`.
    ///
    /// The array does not change if others write, truncate or delete the file afterwards. Nothing is copied: the file
    /// system lets an unnamed file share the blocks that hold the elements, and allocates other blocks when somebody
    /// writes to them. The unnamed file is mapped instead of the source. It is created in the directory of the source,
    /// and deleted when the array is dropped.
    ///
    /// On Linux, snapshots need XFS or Btrfs (`FICLONERANGE`), and only the blocks of the window are shared; those of
    /// them that were written recently are written to the disk first. On macOS, snapshots need APFS (`clonefile`), and
    /// the whole file is shared. Pages are read from the disk when they are accessed, even if those of the source are
    /// in memory. Data that others write while the snapshot is taken may be in it partly, as in the result of
    /// [`load`](Self::load). The header of a `.npy` file is read before and after, and the snapshot is taken again if
    /// the file then holds another array.
    ///
    /// This is safe because nobody else can change the mapped file. It never has a name (on macOS it has one for a
    /// moment, in a directory that only its owner may enter), and no descriptor of it stays open. While it is created,
    /// which takes some milliseconds, a program of the same user can reach it through `/proc/PID/fd`, but only by first
    /// changing its mode, which lets nobody open it; a child created by `fork` at that moment keeps it open.
    /// Afterwards, an administrator can reach it through `/proc/PID/map_files`. As for every mapping, an I/O error of
    /// the disk raises a signal. A full disk has no effect, since the array is only read.
    ///
    /// [`lock_range`](Self::lock_range) locks the elements of a path while the snapshot is taken. For an open file and
    /// for a member of an archive it is an error, as for [`load`](Self::load).
    ///
    /// # Errors
    ///
    /// Returns the errors of [`open`](Self::open), and an error of kind [`Unsupported`](crate::ErrorKind::Unsupported)
    /// on other systems and file systems, or [`Io`](crate::ErrorKind::Io) if no file can be created in the directory of
    /// the source. To use another directory, see [`open_snapshot_in`](Self::open_snapshot_in).
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

    /// Opens a snapshot of the current contents of a file for reading, by way of an unnamed file in the given
    /// directory.
    ///
    /// Use this if the directory of the file is not writable or cannot be found. The given directory must be on the
    /// same file system as the file. See [`open_snapshot`](Self::open_snapshot).
    ///
    /// # Errors
    ///
    /// Returns the errors of [`open_snapshot`](Self::open_snapshot), and an error of kind [`Io`](crate::ErrorKind::Io)
    /// with [`CrossesDevices`](std::io::ErrorKind::CrossesDevices) if the directory is on another file system.
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

    /// Opens a file for reading, without `unsafe`, while others may write, append to, truncate or replace it.
    ///
    /// Elements are accessed by value, and each operation reports whether any of them were lost: see
    /// [`SharedArray`](crate::SharedArray). Rows of an array in Fortran order can be opened without
    /// [`strided`](Self::strided).
    ///
    /// # Errors
    ///
    /// Returns the errors of [`open`](Self::open), and an error of kind [`Io`](crate::ErrorKind::Io) if the process has
    /// too many open files, since the array keeps its file open.
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

    /// Opens a file for reading and writing, without `unsafe`, while others may do the same: see
    /// [`SharedArrayMut`](crate::SharedArrayMut).
    ///
    /// This never makes the file longer. It can violate the expectations of others who have mapped the file by an
    /// `unsafe` call, as [`std::fs::write`] can.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`open_shared`](Self::open_shared), and an error if the file may not be written.
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

    /// Copies the elements into memory: `np.fromfile` and `np.load`.
    ///
    /// The file is read and not mapped. No `unsafe` is needed, and later changes of the file do not affect the array.
    /// Pipes, files in `/proc` and compressed members of archives can be loaded too. The copy is writable, so the
    /// element type must have no padding. Elements with padding can be loaded with the dtype that a `.npy` file states,
    /// or read by [`fromfile`](crate::fromfile).
    ///
    /// Rows of an array in Fortran order, which cannot be mapped as a slice, are contiguous in the copy. The array
    /// keeps the order of the file.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`open`](Self::open), and an error of kind [`Io`](crate::ErrorKind::Io) if the file cannot
    /// be read or allocation fails, or [`PastEnd`](crate::ErrorKind::PastEnd) if the file ends before the elements do.
    /// For a member of an archive, whose checksum is verified, it also returns an error of kind
    /// [`Archive`](crate::ErrorKind::Archive) if the member is damaged.
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
        source.lend(Want::Load, |bytes| self.format.unpack(bytes, |bytes| self.copied(bytes)))
    }

    /// Copies elements from a reader into memory: `np.load` of an open file.
    ///
    /// Nothing past the array is read, so what follows can be read next. If no shape is set for a raw file, everything
    /// is read.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`load`](Self::load).
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

    /// Returns whether the elements are to be locked.
    pub(crate) fn locks(&self) -> bool {
        self.settings.lock
    }

    /// Opens a source by mapping it.
    fn map<A>(&self, source: impl Source, mode: Mode<'_>) -> Result<E::Array>
    where
        E: Elements<A>,
        F: Format<E>,
    {
        source::lend_to_map(source, mode.writes(), |bytes| self.map_bytes(&bytes, mode))
    }

    /// Opens a source by mapping it while others may change it, so that it can be found and mapped again.
    fn map_shared<A>(self, source: impl Source, write: bool) -> Result<E::Array>
    where
        E: Elements<A> + Clone + Send + Sync + 'static,
        F: Format<E> + Clone + Send + Sync + 'static,
    {
        let format = self.format;
        let find = move |elements: &E, bytes: &FileBytes<'_>| format.find(elements, &mut Bytes::File(bytes.clone()));
        self.settings.map_source(self.elements, find, source, write)
    }

    /// Returns options for many sources, whose arrays have the format in common.
    pub(crate) fn for_many(self) -> Options<E, Arc<F>> {
        Options { elements: self.elements, format: Arc::new(self.format), settings: self.settings }
    }

    /// Checks that a file has the elements, without accessing them.
    pub(crate) fn check(&self, bytes: FileBytes<'_>) -> Result<()>
    where
        E: Described,
        F: Format<E>,
    {
        self.find(&bytes).map(drop)
    }

    /// Finds the elements of a file, and checks as much as possible without accessing them.
    pub(crate) fn find(&self, bytes: &FileBytes<'_>) -> Result<Layout>
    where
        E: Described,
        F: Format<E>,
    {
        let layout = self.format.find(&self.elements, &mut Bytes::File(bytes.clone()))?;
        self.elements.check(&layout)?;
        Ok(layout)
    }

    /// Finds and maps the elements of a file.
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
            "the header changed {TRIES} times while a snapshot was taken; try again when nobody replaces the array"
        );
        Err(Reason::Header(text).error())
    }

    /// Finds the elements of a file, reserves disk blocks for them, and creates an array of zeros in memory in their
    /// place.
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
            Error::io("allocate memory for a part (with more parts, each needs less)", error.into())
                .at_bytes(portion.bytes())
        })?;
        let array = self.elements.array(memory, layout.in_memory())?;
        Ok(StandIn { array, bytes: portion.bytes(), _lock: lock })
    }

    /// Opens a source by copying its elements.
    fn copied(&self, mut bytes: Bytes<'_>) -> Result<E::Array>
    where
        E: Elements<ReadWrite>,
        F: Format<E>,
    {
        let layout = self.format.find(&self.elements, &mut bytes)?;
        let _lock = match &bytes {
            Bytes::File(bytes) if bytes.path.is_some() && bytes.member.is_none() => {
                self.settings.portion_of(&layout)?.take_lock(bytes.file, Mode::Read)?
            }
            // The lock belongs to the open file, and would take an array's with it when it goes.
            _ if self.settings.lock => {
                return Err(Error::unsupported(
                    "cannot lock elements that are loaded from an open file, an archive or a reader",
                ));
            }
            _ => None,
        };
        let region = super::load::read(&self.elements, &layout, bytes)?;
        self.elements.array(region, layout.in_memory())
    }
}

impl<E: Clone, F> Options<E, Arc<F>> {
    /// Opens one of many sources: see [`open_shared`](Options::open_shared).
    pub(crate) fn open_shared_one(&self, source: impl Source) -> Result<E::Array>
    where
        E: Elements<Shared> + Send + Sync + 'static,
        F: Format<E> + Send + Sync + 'static,
    {
        let format = Arc::clone(&self.format);
        let find = move |elements: &E, bytes: &FileBytes<'_>| format.find(elements, &mut Bytes::File(bytes.clone()));
        self.settings.map_source(self.elements.clone(), find, source, false)
    }
}
