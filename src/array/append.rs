//! Adding rows to raw files, whose length is all that says how many there are.

use super::elements::{Typed, sealed::Sized as SizedElements};
use super::format::{Raw, begins_as_npy};
use super::options::Options;
use super::source::FileBytes;
use crate::access::{Load, Reading};
use crate::error::{Error, Reason, Result};
use crate::io::check_lost;
use crate::region::{self, At, Mode, OwnFile, RangeLock};
use crate::shape::{Dims, Order, too_many_axes};
use crate::view::ArrayView;
use crate::view::shaping::Shaped;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::thread;

/// A function that writes all elements of some rows in the order in which the file stores them.
pub(crate) type WriteRows<'a> = dyn FnMut(&mut dyn Write) -> Result<()> + 'a;

impl<T> Options<Typed<T>, Raw> {
    /// Adds rows to the array in a file, along the first axis in C order or along the last in Fortran order, as
    /// [`grow`](crate::MmapArrayMut::grow) does: `rows.tofile(open(path, "ab"))`. Returns the new length of that axis.
    ///
    /// The options are those with which the array is opened. The growing axis must be the one that is inferred from the
    /// length of the file, as `None` is in the [`shape`](Self::shape) `[None, Some(3)]`; the rows must have the other
    /// lengths, and may have any strides. If no shape is set, rows are single elements. From [`offset`](Self::offset)
    /// on, the file must consist of whole rows. It must exist, but may be empty.
    ///
    /// The rows are on the disk when this returns. Open arrays keep their shape; a
    /// [`SharedArray`](crate::SharedArray) finds the new rows when it is [refreshed](crate::SharedArray::refresh).
    ///
    /// # Crashes and concurrent use
    ///
    /// A raw file has no header that counts its rows, so its length says how many there are as soon as it changes.
    /// While rows are added, and if the program is killed meanwhile, the file has all of the old rows and some of the
    /// new ones, from the first on; the last of them may be torn, which makes opening the array to its end and the next
    /// call of `append` an error of kind [`PartialElement`](crate::ErrorKind::PartialElement).
    /// [`cut_partial_row`](Self::cut_partial_row) removes a torn row. If the power fails, rows that were being added
    /// may also be zero, depending on the file system. For rows that are there completely or not at all, use
    /// [`npy::append`](crate::npy::append). After an error the file is as it was, if the system allows restoring it.
    ///
    /// Only one process or thread can add rows at a time; others get an error and leave the file as it is. On systems
    /// and file systems without locks that belong to an open file, such as FreeBSD and some network file systems,
    /// nothing enforces this, and the caller must. Programs that do not use this crate do not know of the lock.
    ///
    /// # Errors
    ///
    /// [`PartialElement`](crate::ErrorKind::PartialElement) if the bytes from the offset on are not whole rows;
    /// [`PastEnd`](crate::ErrorKind::PastEnd) if the file ends before the offset; [`Shape`](crate::ErrorKind::Shape) if
    /// the rows do not match the shape, or the shape has another axis to infer than the growing one;
    /// [`Locked`](crate::ErrorKind::Locked) while another process or thread adds rows with this function or
    /// [`grow`](crate::MmapArrayMut::grow), or if [`lock_range`](Self::lock_range) is set and somebody has locked the
    /// bytes behind the array; [`Io`](crate::ErrorKind::Io) if an I/O operation fails;
    /// [`Truncated`](crate::ErrorKind::Truncated) if elements of a shared view were lost.
    ///
    /// ```
    /// use mmap_array::{ArrayView, MmapArray};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("points.f32");
    /// std::fs::write(&path, b"a header of mine")?;
    /// let options = MmapArray::<f32>::options().offset(16).shape([None, Some(3)]);
    /// let rows = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    /// assert_eq!(options.append(&path, &ArrayView::from_slice(&rows, [2, 3])?)?, 2);
    /// assert_eq!(options.append(&path, &ArrayView::from_slice(&rows[..3], [1, 3])?)?, 3);
    /// assert_eq!(options.load(&path)?.to_string(), "[[1. 2. 3.]\n [4. 5. 6.]\n [1. 2. 3.]]");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn append<A>(self, path: impl AsRef<Path>, rows: &ArrayView<'_, T, A>) -> Result<usize>
    where
        A: Reading + Load<T>,
    {
        let in_order = match self.format.order {
            Order::C => rows.clone(),
            Order::F => rows.t(),
        };
        self.append_rows(path.as_ref(), rows.shape(), &mut |file| {
            in_order.write_to(file).map_err(|source| Error::io("write the elements", source))?;
            check_lost::<A>(rows.raw(), size_of::<T>())
        })
    }
}

impl<E: SizedElements> Options<E, Raw> {
    /// Removes the bytes behind the last whole row of a file, which a program leaves that is killed in
    /// [`append`](Options::append). Returns the number of bytes removed.
    ///
    /// The options are those with which the array is opened; the slowest axis must be the one to infer.
    ///
    /// # Errors
    ///
    /// [`PastEnd`](crate::ErrorKind::PastEnd) if the file ends before the offset; [`Shape`](crate::ErrorKind::Shape) if
    /// another axis than the slowest is to be inferred; [`Locked`](crate::ErrorKind::Locked) while another process or
    /// thread adds rows; [`Io`](crate::ErrorKind::Io) if an I/O operation fails. On Windows, a file that is mapped
    /// cannot be made shorter.
    ///
    /// ```
    /// use mmap_array::{ErrorKind, MmapArray};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("points");
    /// std::fs::write(&path, [1, 0, 2, 0, 3])?;
    /// let options = MmapArray::<u16>::options();
    /// assert_eq!(options.append(&path, &(&[4]).into()).unwrap_err().kind(), ErrorKind::PartialElement);
    /// assert_eq!(options.cut_partial_row(&path)?, 1);
    /// assert_eq!(options.append(&path, &(&[4]).into())?, 3);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn cut_partial_row(self, path: impl AsRef<Path>) -> Result<u64> {
        let path = path.as_ref();
        let row = || Row::of(&self.format, self.elements.size());
        let cut = row().and_then(|row| {
            locked(path, |file| {
                let (len, rest) = row.rows_in(file)?;
                if rest > 0 {
                    let cut = file.set_len(len - rest).and_then(|()| file.sync_data());
                    cut.map_err(|source| Error::io("cut off what is not a whole row", source))?;
                }
                Ok(rest)
            })
        });
        cut.map_err(|error| error.in_file(Some(path)))
    }

    /// Adds rows of the given shape, which `write` writes.
    pub(crate) fn append_rows(&self, path: &Path, shape: &[usize], write: &mut WriteRows<'_>) -> Result<usize> {
        let mut append = || {
            let row = Row::of(&self.format, self.elements.size())?;
            let count = row.count(shape)?;
            locked(path, |file| {
                let (len, rest) = row.rows_in(file)?;
                if rest > 0 {
                    return Err(row.partial(len, rest));
                }
                let before = usize::try_from((len - row.offset) / row.bytes).ok();
                let after = before.and_then(|before| before.checked_add(count));
                let after = after.ok_or_else(|| Error::overflow("the array", format!("{count} rows more")))?;
                if count == 0 {
                    return Ok(after);
                }
                // Of rows that lie in memory the bytes can be counted.
                let portion = self.settings.portion(len, count * row.bytes as usize);
                let _lock = portion.take_lock(file, Mode::ReadWrite)?;
                let synced = write(&mut At { file, position: len })
                    .and_then(|()| file.sync_data().map_err(|source| Error::io("write the file to the disk", source)));
                synced.map(|()| after).inspect_err(|_| {
                    let _ = file.set_len(len);
                })
            })
        };
        append().map_err(|error: Error| error.in_file(Some(path)))
    }
}

/// Calls `f` with the file at a path, while nobody else who asks for the lock changes its length.
fn locked<R>(path: &Path, f: impl FnOnce(&File) -> Result<R>) -> Result<R> {
    loop {
        let file = Arc::new(OwnFile::open(|| region::open(path, true))?);
        let _lock = RangeLock::of_length(&file)?;
        // It may have been replaced before it was locked.
        if region::is_at(&file, path)? {
            if begins_as_npy(&FileBytes { file: &file, path: Some(path), member: None }) {
                let text = "it is a `.npy` file, whose header states the number of rows: `npy::append` adds rows to it";
                return Err(Error::unsupported(text));
            }
            return f(&file);
        }
        thread::yield_now();
    }
}

/// The rows of a raw file.
struct Row {
    /// The byte offset of the first row.
    offset: u64,
    /// The lengths of the axes, with 1 in place of the growing one.
    dims: Dims,
    axis: usize,
    order: Order,
    /// The number of bytes of a row, which is not 0.
    bytes: u64,
}

impl Row {
    fn of(&Raw { offset, ref shape, order }: &Raw, size: usize) -> Result<Self> {
        let shape = shape.as_ref().map(Result::as_ref).transpose().map_err(|&ndim| too_many_axes(ndim))?;
        let (dims, inferred) = match shape {
            None => (Dims::new(&[1])?, Some(0)),
            Some(shape) if shape.is_given() => (shape.dims(), None),
            Some(shape) => (shape.dims(), Some(shape.one_axis()?)),
        };
        let Some(axis) = order.slowest_axis(dims.len()).filter(|&axis| inferred == Some(axis)) else {
            let shape = shape.map_or(String::new(), ToString::to_string);
            let place = if order == Order::C { "first" } else { "last" };
            return Err(Error::shape(format!(
                "rows are added along the {place} axis, whose length the file says, but the shape is {shape}: give \
                 `None` for that axis and `Some` for the others"
            )));
        };
        let (_, bytes) = dims.checked_len(size)?;
        match bytes {
            0 => Err(Error::shape(format!(
                "rows of no bytes cannot be counted in a file: the other axes of the shape {dims} and the element size \
                 of {size} bytes must not be 0"
            ))),
            bytes => Ok(Self { offset, dims, axis, order, bytes: bytes as u64 }),
        }
    }

    /// Returns the number of rows in an array of the given shape.
    fn count(&self, shape: &[usize]) -> Result<usize> {
        let is_other = |axis: usize| axis != self.axis && shape[axis] != self.dims[axis];
        if shape.len() == self.dims.len() && !(0..shape.len()).any(is_other) {
            return Ok(shape[self.axis]);
        }
        let len = |axis: usize| if axis == self.axis { "n".to_owned() } else { self.dims[axis].to_string() };
        let lens: Vec<String> = (0..self.dims.len()).map(len).collect();
        let order = match self.order {
            Order::F => " (in Fortran order an array grows along its last axis)",
            Order::C => "",
        };
        Err(Error::shape(format!("expected rows of shape [{}], found {shape:?}{order}", lens.join(", "))))
    }

    /// Returns the length of a file, and the number of bytes at its end that are not a whole row.
    fn rows_in(&self, file: &File) -> Result<(u64, u64)> {
        let (file_len, offset) = (region::mappable_len(file)?, self.offset);
        let available = file_len.checked_sub(offset);
        let available = available.ok_or_else(|| Reason::OffsetPastEnd { offset, file_len }.error())?;
        Ok((file_len, available % self.bytes))
    }

    fn partial(&self, file_len: u64, tail: u64) -> Error {
        let reason = Reason::PartialElement {
            offset: self.offset,
            file_len,
            available: file_len - self.offset,
            unit: if self.dims.len() == 1 { "elements" } else { "rows" },
            unit_bytes: self.bytes,
            tail,
            fit: format!("the file {} bytes, as `cut_partial_row` does", file_len - tail),
        };
        reason.error().at_bytes(file_len - tail..file_len)
    }
}
