//! Sources of arrays: a path, an open file, or a member of an archive.
//!
//! A method that opens an array asks the source for bytes for a stated purpose. A path is opened and closed again, an
//! open file is borrowed, and a member of an archive is either a range of the file's bytes or, if it is compressed, a
//! stream. Therefore each method is written once, and each source is one implementation of [`Source`].

use crate::error::{Error, Reason, Result};
use crate::region::{self, At};
use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A source that an array can be opened from.
///
/// - A path: a `str`, [`Path`] or [`OsStr`] or an owned equivalent, borrowed or not.
/// - An open file: a [`&File`](File). Its position does not matter, and it may be closed afterwards.
/// - A member of an archive (`npz::Member` and `tar::Member`, with the features `npz` and `tar`), whose bytes are
///   treated as the file.
///
/// The trait is sealed.
///
/// ```
/// use mmap_array::MmapArray;
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("data");
/// # std::fs::write(&path, [7; 8])?;
/// let file = std::fs::File::open(&path)?;
/// let options = MmapArray::<u8>::options().offset(3).shape(2);
/// let (by_path, by_file) = (options.open_shared(&path)?, options.open_shared(&file)?);
/// assert_eq!((by_path.at([1])?, by_file.at([1])?), (7, 7));
/// # Ok::<(), std::io::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "an array cannot be opened from `{Self}`",
    note = "use a path, a `&File` or a member of an archive; call `as_ref` on other types that are paths, and read a \
            reader with `load_from`"
)]
pub trait Source: sealed::Source {}

/// The purpose for which a source is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// The bytes of a regular file, to be mapped.
    Map { write: bool },
    /// The first bytes.
    Header,
    /// The elements, to be copied into memory.
    Load,
}

/// The bytes that a source lends.
#[derive(Debug)]
pub enum Bytes<'a> {
    /// A regular file, or a range of its bytes.
    File(FileBytes<'a>),
    /// The output of a reader, from its beginning.
    Stream(Stream<'a>),
}

/// A regular file, or a range of its bytes.
#[derive(Clone, Debug)]
pub struct FileBytes<'a> {
    pub(crate) file: &'a File,
    pub(crate) path: Option<&'a Path>,
    /// The part of the file that is the source, if not the whole file.
    pub(crate) member: Option<FilePart>,
}

/// A range of a file's bytes, and how to find it again after the file was rewritten.
#[derive(Clone)]
pub(crate) struct FilePart {
    pub(crate) bytes: Range<u64>,
    pub(crate) find: Arc<FindPart>,
}

type FindPart = dyn Fn(&File) -> Result<Range<u64>> + Send + Sync;

impl FilePart {
    /// Returns the part at its current position in the file.
    pub(crate) fn again(&self, file: &File) -> Result<Self> {
        Ok(Self { bytes: (self.find)(file)?, find: Arc::clone(&self.find) })
    }
}

impl fmt::Debug for FilePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilePart").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

/// A stream of bytes from a reader.
pub struct Stream<'a> {
    reader: &'a mut dyn Read,
    /// The number of bytes that have been returned.
    position: u64,
    /// The total number of bytes, if known.
    len: Option<u64>,
    /// The bytes that were read in order to count them.
    held: io::Cursor<Vec<u8>>,
    /// Whether to read past the elements to the end, for readers that verify everything at their end.
    to_end: bool,
}

impl fmt::Debug for Stream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("position", &self.position).field("len", &self.len).finish_non_exhaustive()
    }
}

impl<'a> Stream<'a> {
    /// Creates a stream of all bytes of a reader.
    pub(crate) fn new(reader: &'a mut dyn Read) -> Self {
        Self { reader, position: 0, len: None, held: io::Cursor::default(), to_end: false }
    }

    /// Creates a stream of the bytes of a reader that verifies them at its end, and of their number if it is known.
    pub(crate) fn checked(reader: &'a mut dyn Read, len: Option<u64>) -> Self {
        Self { len, to_end: true, ..Self::new(reader) }
    }

    /// Returns the next bytes of the stream without reading past them: `count`, or all if they are fewer.
    pub(crate) fn peek(&mut self, count: u64) -> io::Result<&[u8]> {
        self.hold(count)?;
        Ok(self.held.get_ref())
    }

    /// Returns the total number of bytes, if known.
    pub(crate) fn len(&self) -> Option<u64> {
        self.len
    }

    /// Returns the number of bytes that have been returned.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Skips to a byte that has not been returned yet.
    pub(crate) fn skip_to(&mut self, offset: u64) -> Result<()> {
        let count = offset.saturating_sub(self.position);
        let skipped = io::copy(&mut self.take(count), &mut io::sink());
        match skipped.map_err(|source| Error::io("read the elements", source))? {
            skipped if skipped < count => Err(Reason::OffsetPastEnd { offset, file_len: self.position }.error()),
            _ => Ok(()),
        }
    }

    /// Reads everything to find out the number of bytes.
    pub(crate) fn measure(&mut self) -> Result<u64> {
        if let Some(len) = self.len {
            return Ok(len);
        }
        let ahead = self.hold(u64::MAX).map_err(|source| Error::io("read the elements", source))?;
        let len = self.position + ahead;
        self.len = Some(len);
        Ok(len)
    }

    /// Reads up to `count` bytes ahead, and returns how many there are.
    pub(crate) fn hold(&mut self, count: u64) -> io::Result<u64> {
        let mut held = Vec::new();
        let read = self.take(count).read_to_end(&mut held)? as u64;
        self.position -= read;
        self.held = io::Cursor::new(held);
        Ok(read)
    }

    /// Finishes reading.
    pub(crate) fn finish(mut self) -> Result<()> {
        if self.to_end {
            io::copy(&mut self, &mut io::sink()).map_err(|source| Error::io("read the elements", source))?;
        }
        Ok(())
    }
}

impl Read for Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut count = self.held.read(buffer)?;
        if count == 0 {
            count = self.reader.read(buffer)?;
        }
        // A reader is anybody's safe code, and what it says is not to be relied on.
        if count > buffer.len() {
            let text = format!("the reader claims to have read {count} bytes, but was asked for {}", buffer.len());
            return Err(io::Error::other(text));
        }
        self.position += count as u64;
        Ok(count)
    }
}

impl<'a> FileBytes<'a> {
    /// Returns the range of the file's bytes that is the source.
    pub(crate) fn range(&self) -> Result<Range<u64>> {
        let file_len = region::mappable_len(self.file)?;
        Ok(self.member.as_ref().map_or(0..file_len, |member| member.bytes.start..member.bytes.end.min(file_len)))
    }

    /// Returns a reader of the source, from byte `from` on.
    pub(crate) fn reader(&self, from: u64) -> impl Read + use<'a> {
        let (start, end) = self.member.as_ref().map_or((0, u64::MAX), |member| (member.bytes.start, member.bytes.end));
        let start = start.saturating_add(from);
        BufReader::new(At { file: self.file, position: start }.take(end.saturating_sub(start)))
    }
}

pub(crate) mod sealed {
    use super::{Bytes, Result, Want};

    pub trait Source {
        /// Lends the bytes, and names the source in each error.
        fn lend<R>(self, want: Want, f: impl FnOnce(Bytes<'_>) -> Result<R>) -> Result<R>;
    }
}

/// Lends the file of a source that is to be mapped.
pub(super) fn lend_to_map<R>(
    source: impl Source,
    write: bool,
    f: impl FnOnce(FileBytes<'_>) -> Result<R>,
) -> Result<R> {
    source.lend(Want::Map { write }, |bytes| match bytes {
        Bytes::File(bytes) => f(bytes),
        Bytes::Stream(_) => Err(Error::unsupported("this source cannot be mapped; use `load` to copy it into memory")),
    })
}

/// Types of the standard library that are paths.
pub trait AsPath: AsRef<Path> {}
impl AsPath for str {}
impl AsPath for String {}
impl AsPath for Path {}
impl AsPath for PathBuf {}
impl AsPath for OsStr {}
impl AsPath for OsString {}
impl AsPath for Box<Path> {}
impl AsPath for Cow<'_, OsStr> {}
impl AsPath for Cow<'_, Path> {}
impl<P: AsPath + ?Sized> AsPath for &P {}

macro_rules! paths {
    ($($path:ty $(, for $generic:ident)?;)*) => {$(
        impl$(<$generic: AsPath + ?Sized>)? Source for $path {}
        impl$(<$generic: AsPath + ?Sized>)? sealed::Source for $path {
            fn lend<R>(self, want: Want, f: impl FnOnce(Bytes<'_>) -> Result<R>) -> Result<R> {
                lend_path(self.as_ref(), want, f)
            }
        }
    )*};
}
paths!(&P, for P; String; PathBuf; OsString; Box<Path>; Cow<'_, Path>;);

fn lend_path<R>(path: &Path, want: Want, f: impl FnOnce(Bytes<'_>) -> Result<R>) -> Result<R> {
    let lend = || match want {
        Want::Map { write } => {
            let file = region::open(path, write)?;
            f(Bytes::File(FileBytes { file: &file, path: Some(path), member: None }))
        }
        Want::Header => {
            let file = region::open(path, false)?;
            // What is no file says so, rather than that it has no header.
            region::mappable_len(&file)?;
            f(Bytes::File(FileBytes { file: &file, path: Some(path), member: None }))
        }
        Want::Load => lend_to_load(&region::open_to_read(path)?, Some(path), f),
    };
    lend().map_err(|error: Error| error.in_file(Some(path)))
}

impl Source for &File {}
impl sealed::Source for &File {
    fn lend<R>(self, want: Want, f: impl FnOnce(Bytes<'_>) -> Result<R>) -> Result<R> {
        match want {
            Want::Load => lend_to_load(self, None, f),
            _ => f(Bytes::File(FileBytes { file: self, path: None, member: None })),
        }
    }
}

/// Lends an open file for reading: from any byte if it is a regular file with bytes, or else (pipes, files in `/proc`)
/// from its current position.
fn lend_to_load<R>(file: &File, path: Option<&Path>, f: impl FnOnce(Bytes<'_>) -> Result<R>) -> Result<R> {
    match file.metadata() {
        Ok(metadata) if metadata.is_file() && metadata.len() > 0 => {
            f(Bytes::File(FileBytes { file, path, member: None }))
        }
        _ => f(Bytes::Stream(Stream::new(&mut &*file))),
    }
}
