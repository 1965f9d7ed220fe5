//! Naming the scratch file of an array.

use super::MmapArrayMut;
use crate::error::PersistError;
use std::path::Path;

impl<T> MmapArrayMut<T> {
    /// Gives the scratch file of the array a name, once all elements are on the disk.
    ///
    /// The complete file appears in one step, and survives a power failure after this method has returned. An existing
    /// file of that name is replaced; whoever has it mapped or open keeps the old one. The new file takes over its
    /// permissions and, if the system permits, its owner and group.
    ///
    /// The array is closed, since others may write the file from now on. Nothing is copied if the target is on the file
    /// system of the scratch file, as after [`scratch_in`](super::CreateOptions::scratch_in) of the target's directory,
    /// and if the system can name an unnamed file (Linux, with `O_TMPFILE`). Otherwise, a copy of the file gets the
    /// name.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`Unsupported`](crate::ErrorKind::Unsupported) if the array is not in a scratch file or
    /// shares its mapping with other arrays, [`NotRegularFile`](crate::ErrorKind::NotRegularFile) if the target exists
    /// and is not a regular file, or [`Io`](crate::ErrorKind::Io) if the operating system refuses. The error contains
    /// the array, and the target is unchanged, unless the file had already been named when the operation failed: see
    /// [`PersistError`].
    ///
    /// ```
    /// use mmap_array::{MmapArray, fromfile};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("squares");
    /// let mut squares = MmapArray::<u64>::create_options(1000).scratch_in(&dir)?;
    /// for (n, square) in squares.iter_mut().enumerate() {
    ///     *square = (n * n) as u64;
    /// }
    /// assert!(!path.exists());
    /// squares.persist(&path)?;
    /// assert_eq!(fromfile::<u64>(&path, 0, None)?[999], 998_001);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn persist(self, path: impl AsRef<Path>) -> Result<(), PersistError<Self>> {
        self.region.persist(path.as_ref(), true).map_err(|failed| failed.with(self))
    }

    /// Gives the scratch file of the array a name as [`persist`](Self::persist) does, but returns an error if a file of
    /// that name exists, and leaves that file unchanged.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`persist`](Self::persist), and an error of kind [`Io`](crate::ErrorKind::Io) with
    /// [`AlreadyExists`](std::io::ErrorKind::AlreadyExists) if the target exists.
    ///
    /// ```
    /// use mmap_array::MmapArray;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("ones");
    /// std::fs::write(&path, "precious")?;
    /// let mut ones = MmapArray::<u8>::create_options(3).scratch_in(&dir)?;
    /// ones.fill(1);
    /// assert!(ones.persist_new(&path).is_err());
    /// assert_eq!(std::fs::read(&path)?, b"precious");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn persist_new(self, path: impl AsRef<Path>) -> Result<(), PersistError<Self>> {
        self.region.persist(path.as_ref(), false).map_err(|failed| failed.with(self))
    }
}
