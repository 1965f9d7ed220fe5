//! Arrays written row by row, whose number of rows is known only at the end.

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

/// The size of the write buffer in bytes.
const BUFFER: usize = 1 << 16;

/// A writer of an array in C order, whose rows arrive one after another and whose number is not known beforehand: from
/// a device, a parser, an iterator.
///
/// The header has space for any number of rows, and [`finish`](Self::finish) fills in the number. The output is, byte
/// for byte, what `np.save` writes for the whole array. The writer needs no memory except a small buffer.
///
/// With [`create`](Self::create), the file appears when `finish` is called, once it is on the disk. A writer that is
/// dropped before leaves the target as it was.
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
    /// The offset of the header in the output.
    start: u64,
    /// The header of an array without rows.
    header: Header,
    /// The number of elements of each row, and of the last row while it is incomplete.
    row_len: u64,
    begun: u64,
    rows: usize,
    /// Whether a write has failed, so that it is unknown what was written.
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
    /// Creates a file of rows of the given shape, which is `()` for an array of one axis.
    ///
    /// # Errors
    ///
    /// See [`Header::new`]. Also [`Io`](crate::ErrorKind::Io) if an I/O operation fails.
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
    /// Creates a file of rows of the given shape, with elements of a dtype that is known only at run time.
    ///
    /// # Errors
    ///
    /// See [`create`](Self::create).
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
    /// Creates a writer to an output that can seek, from its current position on.
    ///
    /// # Errors
    ///
    /// See [`create`](Writer::create).
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

/// Returns the header of an array without rows.
fn header<T: Element>(row_shape: impl IntoShape) -> Result<Header> {
    const { assert_mappable::<T>() }
    header_of(described::<T>()?, row_shape)
}

fn header_of(dtype: DType, row_shape: impl IntoShape) -> Result<Header> {
    let row = row_shape.into_shape().map_err(too_many_axes)?.given();
    let row =
        row.ok_or_else(|| Error::shape("the shape of a row must be given in full, because it cannot be inferred"))?;
    Header::new(dtype, [&[0], &row[..]].concat(), Order::C)
}

impl<T, W: Write + Seek> Writer<T, W> {
    /// Begins an array whose elements have `size` bytes.
    fn begin(mut writer: W, header: Header, size: usize, new: Option<NewFile>, path: Option<&Path>) -> Result<Self> {
        let start = writer.stream_position().map_err(|source| Error::io("find the position of the writer", source))?;
        let mut out = BufWriter::with_capacity(BUFFER, writer);
        header.write(&mut out)?;
        // The header has found that these can be counted.
        let bytes = header.shape()[1..].iter().fold(header.dtype().itemsize() as u64, |bytes, &len| bytes * len as u64);
        let (row_len, path) = (bytes.checked_div(size as u64).unwrap_or(0), path.map(Path::to_path_buf));
        let (begun, rows, failed) = (0, 0, false);
        Ok(Self { out, new, path, start, header, row_len, begun, rows, failed, marker: PhantomData })
    }

    /// Returns the number of complete rows that were written.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Writes rows: an array of any type that [`save`](super::save) accepts, with one axis more than a row and in any
    /// strides. Elements that are arrays count as further axes.
    ///
    /// # Errors
    ///
    /// [`DTypeMismatch`](crate::ErrorKind::DTypeMismatch) and [`Shape`](crate::ErrorKind::Shape) if the rows do not
    /// match this array, and `Shape` in the middle of a row; nothing is written then. [`Io`](crate::ErrorKind::Io) if
    /// the writer fails; the array cannot be finished after that.
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

    /// Writes elements in C order. Rows may begin and end anywhere among them, but the last row must be complete before
    /// [`write_rows`](Self::write_rows) and [`finish`](Self::finish).
    ///
    /// # Errors
    ///
    /// [`Shape`](crate::ErrorKind::Shape) if the rows have no elements; [`Io`](crate::ErrorKind::Io) if the writer
    /// fails; the array cannot be finished after that.
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

    /// Writes the number of rows into the header and, if [`create`](Writer::create) created a file, gives the file its
    /// name. Returns the output, positioned at the end of the array.
    ///
    /// # Errors
    ///
    /// [`Shape`](crate::ErrorKind::Shape) if the last row is incomplete; [`Io`](crate::ErrorKind::Io) if the writer
    /// fails or has failed before; [`Unsupported`](crate::ErrorKind::Unsupported) if the output can only append;
    /// [`Overflow`](crate::ErrorKind::Overflow) if the array is too large. The target is then as it was.
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
            let text = "cannot finish the array: its header was written elsewhere, as in a file in append mode; open \
                        the file in write mode";
            return Err(Error::unsupported(text));
        }
        if let Some(mut new) = new {
            new.persist()?;
        }
        Ok(writer)
    }

    /// Returns an error if an earlier write has failed.
    fn check(&self) -> Result<()> {
        if !self.failed {
            return Ok(());
        }
        Err(Error::io("continue the array", io::Error::other("an earlier write failed in the middle of the elements")))
    }

    fn broken_row(&self) -> Error {
        let (begun, row_len) = (self.begun, self.row_len);
        Error::shape(format!("row {} is incomplete: it has {begun} of {row_len} elements", self.rows))
    }
}

fn too_many_rows() -> Error {
    Error::overflow("the array", "it has more rows than can be counted")
}
