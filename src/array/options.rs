//! What to map and how, said before it is mapped.

use super::plan::{Elements, Plan};
use super::{MmapArray, MmapArrayMut, check_alignment};
use crate::access::{Access, CopyOnWrite, ReadOnly, ReadWrite, assert_mappable};
use crate::error::{Error, Result, short_type_name};
use crate::region::{self, Mode};
use crate::shape::{IntoShape, Order};
use std::fmt;
use std::fs::File;
use std::marker::PhantomData;
use std::path::Path;

/// Which portion of a file to map, and how. Made by [`MmapArray::options`]; ends in a call that opens or creates.
///
/// Unless something else is said, the portion begins at byte 0, has one axis that reaches to the end of the file, and
/// lies in C order.
///
/// | call | file | elements can be | what is written goes to |
/// | --- | --- | --- | --- |
/// | [`open`](Self::open), [`map`](Self::map) | must exist | read | |
/// | [`open_mut`](Self::open_mut), [`map_mut`](Self::map_mut) | must exist and be long enough | read and written | the file |
/// | [`open_cow`](Self::open_cow), [`map_cow`](Self::map_cow) | must exist | read and written | memory |
/// | [`open_if_safe`](Self::open_if_safe), [`map_if_safe`](Self::map_if_safe) | must be sealed or verity-protected | read | |
/// | [`create`](Self::create) | is made, or replaced whole | read and written | the file |
/// | [`create_new`](Self::create_new) | must not exist | read and written | the file |
/// | [`scratch`](Self::scratch), [`scratch_in`](Self::scratch_in) | has no name and goes with the array | read and written | the file |
/// | [`anonymous`](Self::anonymous) | none | read and written | memory |
///
/// ```
/// use mmap_array::{MmapArray, Order};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("field.f64");
/// // SAFETY: nobody else writes or truncates the file.
/// let mut field = unsafe { MmapArray::<f64>::options().shape([3, 100]).order(Order::F).create(&path)? };
/// field[[2, 99]] = 1.5;
/// field.close()?;
///
/// // SAFETY: as above.
/// let field = unsafe { MmapArray::<f64>::options().shape([Some(3), None]).order(Order::F).open(&path)? };
/// assert_eq!(field.shape(), [3, 100]);
/// assert_eq!(field[299], 1.5);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct MmapArrayOptions<T> {
    plan: Plan,
    element: PhantomData<fn() -> T>,
}

impl<T> fmt::Debug for MmapArrayOptions<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MmapArrayOptions").field(&self.plan).finish()
    }
}

/// The elements of an array whose type is known when the program is compiled.
pub(crate) struct Typed<T>(pub(crate) PhantomData<T>);

impl<T> Elements for Typed<T> {
    fn size(&self) -> usize {
        size_of::<T>()
    }

    fn name(&self) -> String {
        short_type_name::<T>()
    }

    fn check_offset(&self, offset: u64, len: u64) -> Result<()> {
        check_alignment::<T>(offset, len)
    }
}

impl<T> Clone for MmapArrayOptions<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for MmapArrayOptions<T> {}

impl<T> MmapArrayOptions<T> {
    pub(super) fn new() -> Self {
        const { assert_mappable::<T>() }
        Self { plan: Plan::default(), element: PhantomData }
    }

    /// The byte of the file at which the first element lies. Pages are this crate's business; the element type's alignment
    /// is not. Bytes, arrays of bytes and packed records lie anywhere, and so do numbers that name their byte order:
    /// [`Le<f32>`](crate::Le), [`Be<f32>`](crate::Be). A plain number of more than one byte must begin at a multiple of
    /// its alignment. Opening says so where it does not.
    #[must_use]
    pub fn offset(mut self, bytes: u64) -> Self {
        self.plan.offset = bytes;
        self
    }

    /// The number of elements along each axis. Where a file is opened one of them may be `None`, with the others in
    /// `Some`, to follow from the file's length: `[None, Some(3)]`, for NumPy's `reshape(-1, 3)`.
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

    /// Reads all pages in when mapping (`MAP_POPULATE`, Linux; no effect elsewhere), so that no element has to be waited
    /// for later.
    #[must_use]
    pub fn populate(mut self) -> Self {
        self.plan.populate = true;
        self
    }

    /// Gives a file that is created its blocks on the disk at once. Without it the file is sparse: blocks are taken as
    /// elements are written, and a disk that is full by then stops the program with a signal instead of an error.
    #[must_use]
    pub fn reserve(mut self) -> Self {
        self.plan.reserve = true;
        self
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
    /// Where the file cannot be opened or is no regular file; where the portion does not lie within it, is no whole
    /// number of elements, or is not aligned for `T`; where the shape does not fit the address space. The file is as it
    /// was.
    pub unsafe fn open(self, path: impl AsRef<Path>) -> Result<MmapArray<T>>
    where
        ReadOnly: Access<T>,
    {
        let path = path.as_ref();
        self.map_portion(&region::open(path, false)?, Some(path), Mode::Read)
    }

    /// Opens a file to read and write. It is never made longer, but by [`grow`](MmapArrayMut::grow), for which the
    /// array keeps the file open.
    ///
    /// # Safety
    ///
    /// [The contract](MmapArray#safety): while the array lives, nobody else writes the elements, and nobody makes the file
    /// shorter than them.
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
    pub unsafe fn open_mut(self, path: impl AsRef<Path>) -> Result<MmapArrayMut<T>>
    where
        ReadWrite: Access<T>,
    {
        let path = path.as_ref();
        self.map_portion(&region::open(path, true)?, Some(path), Mode::ReadWrite)
    }

    /// Opens a file to read and to write in memory only: a page that is written is copied first, and the file stays as it
    /// was. NumPy's mode `'c'`. The file need not be writable.
    ///
    /// # Safety
    ///
    /// [The contract](MmapArray#safety): while the array lives, nobody else writes the elements, and nobody makes the file
    /// shorter than them.
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
    pub unsafe fn open_cow(self, path: impl AsRef<Path>) -> Result<MmapArray<T, CopyOnWrite>>
    where
        CopyOnWrite: Access<T>,
    {
        let path = path.as_ref();
        self.map_portion(&region::open(path, false)?, Some(path), Mode::CopyOnWrite)
    }

    /// As [`open`](Self::open), of a file that is open already. The file's own position does not matter, and the file
    /// may be closed afterwards.
    ///
    /// # Safety
    ///
    /// [The contract](MmapArray#safety): while the array lives, nobody else writes the elements, and nobody makes the file
    /// shorter than them.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    ///
    /// ```
    /// use mmap_array::MmapArray;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("data");
    /// # std::fs::write(&path, [7; 8])?;
    /// let file = std::fs::File::open(&path)?;
    /// // SAFETY: nobody else writes or truncates the file.
    /// let bytes = unsafe { MmapArray::<u8>::options().offset(3).shape(2).map(&file)? };
    /// assert_eq!(*bytes, [7, 7]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub unsafe fn map(self, file: &File) -> Result<MmapArray<T>>
    where
        ReadOnly: Access<T>,
    {
        self.map_portion(file, None, Mode::Read)
    }

    /// As [`open_mut`](Self::open_mut), of a file that is open already, to read and write.
    ///
    /// # Safety
    ///
    /// [The contract](MmapArray#safety): while the array lives, nobody else writes the elements, and nobody makes the file
    /// shorter than them.
    ///
    /// # Errors
    ///
    /// As for [`open_mut`](Self::open_mut).
    pub unsafe fn map_mut(self, file: &File) -> Result<MmapArrayMut<T>>
    where
        ReadWrite: Access<T>,
    {
        self.map_portion(file, None, Mode::ReadWrite)
    }

    /// As [`open_cow`](Self::open_cow), of a file that is open already.
    ///
    /// # Safety
    ///
    /// [The contract](MmapArray#safety): while the array lives, nobody else writes the elements, and nobody makes the file
    /// shorter than them.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    pub unsafe fn map_cow(self, file: &File) -> Result<MmapArray<T, CopyOnWrite>>
    where
        CopyOnWrite: Access<T>,
    {
        self.map_portion(file, None, Mode::CopyOnWrite)
    }

    /// Opens a file to read, without `unsafe`: only where the operating system keeps it from changing. That is a
    /// `memfd` sealed against writing and shrinking (Linux, Android, FreeBSD), or a file under [fs-verity] (Linux,
    /// Android).
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
    /// let refused = MmapArray::<u8>::options().open_if_safe(&path).unwrap_err();
    /// assert_eq!(refused.kind(), ErrorKind::NotImmutable);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn open_if_safe(self, path: impl AsRef<Path>) -> Result<MmapArray<T>>
    where
        ReadOnly: Access<T>,
    {
        let path = path.as_ref();
        self.map_portion(&region::open(path, false)?, Some(path), Mode::ReadIfSafe)
    }

    /// As [`open_if_safe`](Self::open_if_safe), of a file that is open already.
    ///
    /// # Errors
    ///
    /// As for [`open_if_safe`](Self::open_if_safe).
    pub fn map_if_safe(self, file: &File) -> Result<MmapArray<T>>
    where
        ReadOnly: Access<T>,
    {
        self.map_portion(file, None, Mode::ReadIfSafe)
    }

    /// Creates a file of zeros that ends with the array, and opens it to read and write. A file that has the name is
    /// replaced; whoever has it mapped or open keeps the old one, whole.
    ///
    /// The file is as long as offset and array together, whatever the offset: so a file that is longer than the address
    /// space (2 GiB on 32 bit) is created by its last window.
    ///
    /// It is built beside the target, under a name that begins with `.mmap-array-`, and then renamed, so the
    /// target never exists half made. Permissions, and where the system lets us owner and group, are taken over; other
    /// hard links to the old file stay with it, and an access control list is not taken over (the group then gets what
    /// everybody has). A symbolic link is followed, if it leads to a file. It is sparse unless [`reserve`](Self::reserve) was asked for.
    ///
    /// # Safety
    ///
    /// [The contract](MmapArray#safety): while the array lives, nobody else writes the elements, and nobody makes the file
    /// shorter than them.
    ///
    /// # Errors
    ///
    /// [`Shape`](crate::ErrorKind::Shape) where no shape was given, or one with an axis to infer;
    /// [`Misaligned`](crate::ErrorKind::Misaligned), [`Overflow`](crate::ErrorKind::Overflow);
    /// [`Io`](crate::ErrorKind::Io) where the system refuses: no such folder, no permission, and with `reserve` a full
    /// disk. On Windows a file that somebody has mapped cannot be replaced. After an error the target is as it was.
    pub unsafe fn create(self, path: impl AsRef<Path>) -> Result<MmapArrayMut<T>>
    where
        ReadWrite: Access<T>,
    {
        self.create_file(path.as_ref(), true)
    }

    /// As [`create`](Self::create), but a file that exists is an error, and stays. (On Windows, and on file systems that can
    /// neither rename without replacing nor link, the target is there with no bytes for a moment before it is there
    /// whole.)
    ///
    /// # Safety
    ///
    /// [The contract](MmapArray#safety): while the array lives, nobody else writes the elements, and nobody makes the file
    /// shorter than them.
    ///
    /// # Errors
    ///
    /// As for [`create`](Self::create), and [`Io`](crate::ErrorKind::Io) with
    /// [`AlreadyExists`](std::io::ErrorKind::AlreadyExists).
    pub unsafe fn create_new(self, path: impl AsRef<Path>) -> Result<MmapArrayMut<T>>
    where
        ReadWrite: Access<T>,
    {
        self.create_file(path.as_ref(), false)
    }

    /// A file of zeros without a name in the system's temporary folder ([`std::env::temp_dir`]), which goes with the
    /// array.
    ///
    /// # Errors
    ///
    /// As for [`create`](Self::create).
    pub fn scratch(self) -> Result<MmapArrayMut<T>>
    where
        ReadWrite: Access<T>,
    {
        self.scratch_in(std::env::temp_dir())
    }

    /// As [`scratch`](Self::scratch), in a folder of the caller's choice.
    ///
    /// # Errors
    ///
    /// As for [`create`](Self::create).
    pub fn scratch_in(self, folder: impl AsRef<Path>) -> Result<MmapArrayMut<T>>
    where
        ReadWrite: Access<T>,
    {
        let (region, dims) = self.plan.scratch(&Typed::<T>(PhantomData), folder.as_ref())?;
        MmapArray::from_region(region, dims, self.plan.order)
    }

    /// Zeros in memory, without a file. The byte offset has no meaning here.
    ///
    /// # Errors
    ///
    /// [`Shape`](crate::ErrorKind::Shape) where no shape was given, or one with an axis to infer;
    /// [`Overflow`](crate::ErrorKind::Overflow); [`Io`](crate::ErrorKind::Io) where the system has not the memory.
    pub fn anonymous(self) -> Result<MmapArrayMut<T>>
    where
        ReadWrite: Access<T>,
    {
        let (region, dims) = self.plan.anonymous(&Typed::<T>(PhantomData))?;
        MmapArray::from_region(region, dims, self.plan.order)
    }

    fn map_portion<A>(self, file: &File, path: Option<&Path>, mode: Mode) -> Result<MmapArray<T, A>> {
        let (region, dims) = self.plan.map(&Typed::<T>(PhantomData), file, path, mode)?;
        MmapArray::from_region(region, dims, self.plan.order)
    }

    fn create_file(self, path: &Path, replace: bool) -> Result<MmapArrayMut<T>> {
        let create = || {
            // On an error the map is dropped first, then the new file, which removes it.
            let (mut new, region, dims) = self.plan.create(&Typed::<T>(PhantomData), path, replace)?;
            let array = MmapArray::from_region(region, dims, self.plan.order)?;
            new.persist()?;
            Ok(array)
        };
        create().map_err(|error: Error| error.in_file(Some(path)))
    }
}
