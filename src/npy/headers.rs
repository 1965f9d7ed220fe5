//! Arrays that were saved one after another in one file.

use super::header::{Header, MAX_HEADER};
use crate::error::{Error, Result};
use crate::region::{self, At};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// Returns an iterator over the arrays that were saved one after another in one file, as by several calls of `np.save`
/// with one open file: of each, the byte at which it begins, and its header.
///
/// [`at`](crate::Options::at) opens the array at such a byte, in place. Only the headers are read.
///
/// The iterator ends at the end of the file. Bytes behind an array that are no header are an error, which is the last
/// item. If the file ends before the last array does, that array is returned, and opening it is an error.
///
/// # Errors
///
/// [`Io`](crate::ErrorKind::Io) and [`NotRegularFile`](crate::ErrorKind::NotRegularFile) if the file cannot be opened.
///
/// ```
/// use mmap_array::npy;
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("steps.npy");
/// let mut file = std::fs::File::create(&path)?;
/// for step in 1..=3 {
///     npy::save_to(&mut file, &vec![step as f32; step])?; // np.save(file, np.full(step, step, "f4"))
/// }
/// for array in npy::headers(&path)? {
///     let (at, header) = array?;
///     let step = npy::options::<f32>().at(at).open_shared(&path)?; // np.load(file)
///     assert_eq!(step.read(|view| view.sum())?, (header.shape()[0] * header.shape()[0]) as f32);
/// }
/// assert_eq!(npy::headers(&path)?.count(), 3);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn headers(path: impl AsRef<Path>) -> Result<Headers> {
    let path = path.as_ref();
    let open = || {
        let file = region::open(path, false)?;
        region::mappable_len(&file)?;
        Ok(file)
    };
    let file = open().map_err(|error: Error| error.in_file(Some(path)))?;
    Ok(Headers { file, path: path.to_path_buf(), next: Some(0), most: MAX_HEADER })
}

/// An iterator over the arrays in one file, returned by [`headers`].
#[derive(Debug)]
pub struct Headers {
    file: File,
    path: PathBuf,
    /// The byte at which the next array begins, or `None` at the end.
    next: Option<u64>,
    /// The maximum length of a header, in characters.
    most: usize,
}

impl Headers {
    /// Sets the maximum length of a header that is read, in characters. Defaults to [`MAX_HEADER`]. See
    /// [`Options::max_header`](crate::Options::max_header).
    ///
    /// ```
    /// use mmap_array::npy;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("a.npy");
    /// npy::save(&path, &[1_u8])?;
    /// assert!(npy::headers(&path)?.max_header(10).next().is_some_and(|array| array.is_err()));
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[must_use]
    pub fn max_header(mut self, characters: usize) -> Self {
        self.most = characters;
        self
    }

    /// Returns the header at a byte, and where the next array begins.
    fn read(&self, start: u64) -> Result<Option<(Header, u64)>> {
        // An empty file is no `.npy` file.
        if start > 0 && start >= region::mappable_len(&self.file)? {
            return Ok(None);
        }
        let mut reader = BufReader::new(At { file: &self.file, position: start });
        let header = Header::read_limited(&mut reader, self.most).map_err(|error| error.of_header_at(start))?;
        let next = start.saturating_add(header.data_offset()).saturating_add(header.nbytes());
        Ok(Some((header, next)))
    }
}

impl Iterator for Headers {
    type Item = Result<(u64, Header)>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.next.take()?;
        match self.read(start) {
            Ok(found) => {
                let (header, next) = found?;
                self.next = Some(next);
                Some(Ok((start, header)))
            }
            Err(error) => Some(Err(error.in_file(Some(&self.path)))),
        }
    }
}

impl std::iter::FusedIterator for Headers {}
