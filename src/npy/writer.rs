//! Arrays written row by row, whose number is known when the last has come.

use super::header::Header;
use super::save::{ArrayLike, rows_of, write_elements};
use crate::access::assert_mappable;
use crate::dtype::DType;
use crate::element::Element;
use crate::error::{Error, Result};
use crate::region::NewFile;
use crate::shape::{IntoShape, Order, too_many_axes};
use crate::view::named::described;
use bytemuck::{AnyBitPattern, NoUninit};
use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

/// The bytes that are gathered before they are written.
const BUFFER: usize = 1 << 16;

/// Writes an array in C order whose rows come one after another, nobody knows how many: from a device, a parser, an
/// iterator.
///
/// The header has room for any number of rows, and [`finish`](Self::finish) puts the number in. What is written is,
/// byte for byte, what `np.save` makes of the whole array. It takes no memory but a small buffer.
///
/// [`create`](Self::create) builds a file that appears with `finish`, once it is on the disk. A writer that is dropped
/// before leaves the target as it was.
///
/// ```
/// use mmap_array::npy;
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("walk.npy");
/// let mut walk = npy::Writer::<f64>::create(&path, [3])?;
/// walk.extend([0.0; 3])?; //                            elements
/// walk.write_rows(&vec![[1.0, 0.0, 2.0], [1.5, 0.5, 2.0]])?; // rows: a view, a slice, an array
/// assert!(!path.exists());
/// walk.finish()?;
/// assert_eq!(npy::header(&path)?.shape(), [3, 3]);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Writer<T, W: Write + Seek = File> {
    // Dropped before the new file, so that it is closed when that goes.
    out: BufWriter<W>,
    new: Option<NewFile>,
    path: Option<PathBuf>,
    /// Where the header begins.
    start: u64,
    /// That of no rows.
    header: Header,
    /// The elements of each row, and those of the last one while it is not whole.
    row_len: u64,
    begun: u64,
    rows: usize,
    /// Whether nobody knows what has been written.
    failed: bool,
    marker: PhantomData<fn(T)>,
}

impl<T, W: Write + Seek> fmt::Debug for Writer<T, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, rows) = (&self.path, self.rows);
        f.debug_struct("Writer").field("path", path).field("rows", &rows).finish_non_exhaustive()
    }
}

impl<T: Element> Writer<T> {
    /// A file of rows of a shape, which is `()` for an array of one axis.
    ///
    /// # Errors
    ///
    /// As for [`Header::new`], and [`Io`](crate::ErrorKind::Io) where the system refuses.
    pub fn create(path: impl AsRef<Path>, row_shape: impl IntoShape) -> Result<Self> {
        Self::create_with(path.as_ref(), size_of::<T>(), || header::<T>(row_shape))
    }
}

impl<T> Writer<T> {
    fn create_with(path: &Path, size: usize, header: impl FnOnce() -> Result<Header>) -> Result<Self> {
        let create = || {
            let header = header()?;
            let new = NewFile::create(path, true)?;
            Self::begin(new.handle()?, header, size, Some(new), Some(path))
        };
        create().map_err(|error: Error| error.in_file(Some(path)))
    }
}

impl Writer<DType> {
    /// Creates a file of rows of a shape, of elements of a dtype that is known when the program runs.
    ///
    /// # Errors
    ///
    /// As for [`create`](Self::create).
    ///
    /// ```
    /// use mmap_array::{npy, DType, DynView};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("samples.npy");
    /// let dtype: DType = ">u2".parse()?;
    /// let mut samples = npy::Writer::create_dyn(&path, dtype.clone(), ())?;
    /// samples.write_rows(&DynView::from_bytes(&[0, 1, 0, 2], &dtype, 2)?)?;
    /// samples.finish()?;
    /// assert_eq!(npy::dyn_options().load(&path)?.to_string(), "[1 2]");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn create_dyn(path: impl AsRef<Path>, dtype: DType, row_shape: impl IntoShape) -> Result<Self> {
        Self::create_with(path.as_ref(), dtype.itemsize(), || header_of(dtype, row_shape))
    }
}

impl<T: Element, W: Write + Seek> Writer<T, W> {
    /// Writes to anything that can seek, from where it is on.
    ///
    /// # Errors
    ///
    /// As for [`create`](Writer::create).
    ///
    /// ```
    /// use mmap_array::npy;
    /// use std::io::Cursor;
    /// let mut writer = npy::Writer::<u8, _>::new(Cursor::new(Vec::new()), ())?;
    /// writer.extend((0..100).filter(|n| n % 7 == 0))?;
    /// let bytes = writer.finish()?.into_inner();
    /// assert_eq!(npy::options::<u8>().load_from(&bytes[..])?.shape(), [15]);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn new(writer: W, row_shape: impl IntoShape) -> Result<Self> {
        Self::begin(writer, header::<T>(row_shape)?, size_of::<T>(), None, None)
    }
}

/// The header of an array of no rows.
fn header<T: Element>(row_shape: impl IntoShape) -> Result<Header> {
    const { assert_mappable::<T>() }
    header_of(described::<T>()?, row_shape)
}

fn header_of(dtype: DType, row_shape: impl IntoShape) -> Result<Header> {
    let row = row_shape.into_shape().map_err(too_many_axes)?.given();
    let row = row.ok_or_else(|| Error::shape("the shape of a row is to be given, and cannot be inferred"))?;
    Header::new(dtype, [&[0], &row[..]].concat(), Order::C)
}

impl<T, W: Write + Seek> Writer<T, W> {
    /// Begins an array whose elements are of so many bytes.
    fn begin(mut writer: W, header: Header, size: usize, new: Option<NewFile>, path: Option<&Path>) -> Result<Self> {
        let start = writer.stream_position().map_err(|source| Error::io("find where the writer is", source))?;
        let mut out = BufWriter::with_capacity(BUFFER, writer);
        header.write(&mut out)?;
        // The header has found that these can be counted.
        let bytes = header.shape()[1..].iter().fold(header.dtype().itemsize() as u64, |bytes, &len| bytes * len as u64);
        let (row_len, path) = (bytes.checked_div(size as u64).unwrap_or(0), path.map(Path::to_path_buf));
        let (begun, rows, failed) = (0, 0, false);
        Ok(Self { out, new, path, start, header, row_len, begun, rows, failed, marker: PhantomData })
    }

    /// The number of whole rows that are written.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Writes rows: an array with one axis more than a row has, as [`save`](super::save) takes it, of any strides.
    /// Elements that are arrays are further axes.
    ///
    /// # Errors
    ///
    /// [`DTypeMismatch`](crate::ErrorKind::DTypeMismatch) and [`Shape`](crate::ErrorKind::Shape) for rows that are none of
    /// this array, and in the middle of a row; nothing is written then. [`Io`](crate::ErrorKind::Io) where the writer
    /// fails, after which it cannot be finished.
    pub fn write_rows(&mut self, rows: &(impl ArrayLike + ?Sized)) -> Result<()> {
        let write = |this: &mut Self| {
            this.check()?;
            if this.begun > 0 {
                return Err(this.broken_row());
            }
            rows.lend(|view| {
                let count = rows_of(view, &this.header, 0)?;
                let rows = this.rows.checked_add(count).ok_or_else(too_many_rows)?;
                this.failed = true;
                write_elements(&mut this.out, view, Order::C)?;
                (this.failed, this.rows) = (false, rows);
                Ok(())
            })
        };
        write(self).map_err(|error| error.in_file(self.path.as_deref()))
    }

    /// Writes elements, in C order. Rows may begin and end anywhere among them, but the last must be whole before
    /// [`write_rows`](Self::write_rows) and [`finish`](Self::finish).
    ///
    /// # Errors
    ///
    /// [`Shape`](crate::ErrorKind::Shape) where rows have no elements, [`Io`](crate::ErrorKind::Io) where the writer fails,
    /// after which it cannot be finished.
    ///
    /// ```
    /// # use mmap_array::npy;
    /// # let out = std::io::Cursor::new(Vec::new());
    /// let mut writer = npy::Writer::<[f32; 2], _>::new(out, ())?; // one element each row
    /// writer.extend((0..10).map(|x| x as f32).map(|x| [x, x * x]))?;
    /// # let bytes = writer.finish()?.into_inner();
    /// # assert_eq!(npy::options::<f32>().load_from(&bytes[..])?.shape(), [10, 2]);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn extend(&mut self, elements: impl IntoIterator<Item = T>) -> Result<()>
    where
        T: Element + AnyBitPattern + NoUninit,
    {
        let write = |this: &mut Self| {
            this.check()?;
            for element in elements {
                if this.row_len == 0 {
                    return Err(Error::shape("the rows of this array have no elements"));
                }
                this.failed = true;
                let written = this.out.write_all(bytemuck::bytes_of(&element));
                written.map_err(|source| Error::io("write the elements", source))?;
                this.failed = false;
                this.begun += 1;
                if this.begun == this.row_len {
                    this.begun = 0;
                    this.rows = this.rows.checked_add(1).ok_or_else(too_many_rows)?;
                }
            }
            Ok(())
        };
        write(self).map_err(|error| error.in_file(self.path.as_deref()))
    }

    /// Puts the number of rows into the header and, where it is a file that was created, gives the file its name.
    /// Returns the writer, at the end of the array.
    ///
    /// # Errors
    ///
    /// [`Shape`](crate::ErrorKind::Shape) where the last row is not whole; [`Io`](crate::ErrorKind::Io) where the writer
    /// fails, or has failed; [`Unsupported`](crate::ErrorKind::Unsupported) where it can only append;
    /// [`Overflow`](crate::ErrorKind::Overflow). The target is as it was then.
    pub fn finish(self) -> Result<W> {
        let path = self.path.clone();
        self.finished().map_err(|error| error.in_file(path.as_deref()))
    }

    fn finished(self) -> Result<W> {
        self.check()?;
        if self.begun > 0 {
            return Err(self.broken_row());
        }
        let shape = [&[self.rows], &self.header.shape()[1..]].concat();
        // The room for the number's digits makes all such headers of one length.
        let header = Header::new(self.header.dtype().clone(), shape, Order::C)?;
        let bytes = header.to_bytes()?;
        let Self { out, new, start, .. } = self;
        let mut writer = out.into_inner().map_err(|error| Error::io("write the elements", error.into_error()))?;
        let end = start.saturating_add(header.data_offset()).saturating_add(header.nbytes());
        let mut rewrite = || {
            writer.seek(SeekFrom::Start(start))?;
            writer.write_all(&bytes)?;
            let behind = writer.stream_position()?;
            writer.seek(SeekFrom::Start(end))?;
            writer.flush().map(|()| behind)
        };
        let behind = rewrite().map_err(|source| Error::io("write the header", source))?;
        if behind != start.saturating_add(header.data_offset()) {
            // Whoever opens a file to append has all that is written at its end, wherever it was to be.
            let text = "cannot finish the array: its header was written elsewhere, as in a file that is open to append; open \
                        it to write";
            return Err(Error::unsupported(text));
        }
        if let Some(mut new) = new {
            new.persist()?;
        }
        Ok(writer)
    }

    /// Refuses what cannot go on.
    fn check(&self) -> Result<()> {
        if !self.failed {
            return Ok(());
        }
        Err(Error::io(
            "go on with the array",
            io::Error::other("writing has failed before, in the middle of the elements"),
        ))
    }

    fn broken_row(&self) -> Error {
        let (begun, row_len) = (self.begun, self.row_len);
        Error::shape(format!("the row {} is not whole: it has {begun} of {row_len} elements", self.rows))
    }
}

fn too_many_rows() -> Error {
    Error::overflow("the array", "its rows are more than can be counted")
}
