//! A name for an array that was made without one.

use super::MmapArrayMut;
use crate::error::PersistError;
use std::path::Path;

impl<T> MmapArrayMut<T> {
    /// Gives the scratch file of the array a name, once all elements are on the disk: from one moment to the next the
    /// file is there, whole, and stays when the power fails after this returns. A file that has the name is replaced,
    /// and whoever has it mapped or open keeps the old one; its permissions, and where the system lets us owner and
    /// group, are taken over.
    ///
    /// The array is closed, since others may write the file from now on. Nothing is copied where the target is on the
    /// file system of the scratch file, as with [`scratch_in`](super::CreateOptions::scratch_in) of its folder, and the
    /// system can give a file a name later (Linux, with `O_TMPFILE`); otherwise a copy gets the name.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::ErrorKind::Unsupported) where the array is not in a scratch file or shares its map with
    /// others; [`NotRegularFile`](crate::ErrorKind::NotRegularFile) for a target that is none;
    /// [`Io`](crate::ErrorKind::Io) where the system refuses. The array comes back with the error, and the target is as
    /// it was, unless the file had got a name when the system failed: see [`PersistError`].
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

    /// Gives the scratch file of the array a name as [`persist`](Self::persist) does, but a file that has the name is
    /// an error, and stays.
    ///
    /// # Errors
    ///
    /// As for [`persist`](Self::persist), and [`Io`](crate::ErrorKind::Io) with
    /// [`AlreadyExists`](std::io::ErrorKind::AlreadyExists).
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
