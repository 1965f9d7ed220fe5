//! Operating system services for arrays: flushing, prefetching, evicting, locking, growing and shrinking.

use super::{MmapArray, MmapArrayMut};
use crate::error::{Error, Result};
use crate::region::Advice;
use crate::shape::{Dims, Order};
use crate::view::row_range;
use std::ops::{Range, RangeBounds};
use std::ptr::NonNull;

impl<T, A> MmapArray<T, A> {
    /// Returns the range of the array's bytes that holds the rows. In Fortran order, rows are spread over the whole
    /// array, so this range goes from the first element of the first row to the last element of the last row.
    pub(crate) fn row_bytes(&self, rows: &impl RangeBounds<usize>) -> Result<Range<usize>> {
        let Some(&len) = self.dims.first() else {
            return Err(Error::out_of_range("a 0-d array has no rows").in_file(self.path()));
        };
        let rows = row_range(rows, len).map_err(|error| error.in_file(self.path()))?;
        if rows.is_empty() || self.len == 0 {
            return Ok(0..0);
        }
        let elements = match self.order {
            Order::C => rows.start * (self.len / len)..rows.end * (self.len / len),
            Order::F => rows.start..self.len - (len - rows.end),
        };
        Ok(elements.start * size_of::<T>()..elements.end * size_of::<T>())
    }

    /// Advises the operating system how the whole array is going to be used: [`madvise(2)`].
    ///
    /// [`madvise(2)`]: https://man7.org/linux/man-pages/man2/madvise.2.html
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`Unsupported`](crate::ErrorKind::Unsupported) if the operating system does not have
    /// the advice, or [`Io`](crate::ErrorKind::Io) if it refuses it.
    ///
    /// ```
    /// use mmap_array::array::Advice;
    /// let table = mmap_array::MmapArrayMut::<u64>::scratch(100_000)?;
    /// table.advise(Advice::Random)?;
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn advise(&self, advice: Advice) -> Result<()> {
        self.region.advise(0..self.region.len(), advice)
    }

    /// Starts reading rows that will be used soon (`MADV_WILLNEED`), without waiting for them.
    ///
    /// `..` stands for all rows. In Fortran order, everything between the rows is read as well. This does nothing on
    /// Windows.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`OutOfRange`](crate::ErrorKind::OutOfRange) if the rows are outside the array, or
    /// [`Io`](crate::ErrorKind::Io) if the operating system refuses.
    ///
    /// ```
    /// let frames = mmap_array::MmapArrayMut::<u8>::scratch([100, 480, 640])?;
    /// frames.prefetch(10..12)?;
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn prefetch(&self, rows: impl RangeBounds<usize>) -> Result<()> {
        self.region.advise(self.row_bytes(&rows)?, Advice::WillNeed)
    }

    /// Releases the resident memory of rows that will not be used soon (`MADV_DONTNEED`).
    ///
    /// The next access reads them from the file again. Nothing is lost: the operating system keeps data that was
    /// written but not flushed, and writes it to the disk later. This does nothing on Windows.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`Unsupported`](crate::ErrorKind::Unsupported) for anonymous and copy-on-write arrays,
    /// whose elements would be lost, [`OutOfRange`](crate::ErrorKind::OutOfRange) if the rows are outside the array, or
    /// [`Io`](crate::ErrorKind::Io) if they are locked.
    ///
    /// ```
    /// let mut frames = mmap_array::MmapArrayMut::<u8>::scratch([100, 480, 640])?;
    /// frames.fill(7);
    /// frames.evict(..99)?;
    /// assert_eq!(frames[[0, 0, 0]], 7);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn evict(&self, rows: impl RangeBounds<usize>) -> Result<()> {
        self.region.evict(self.row_bytes(&rows)?)
    }

    /// Reads the array's pages and keeps them in memory until [`unlock`](Self::unlock) is called or the file is
    /// unmapped: [`mlock(2)`].
    ///
    /// Pages that the array shares with another part of the same mapping are locked too.
    ///
    /// [`mlock(2)`]: https://man7.org/linux/man-pages/man2/mlock.2.html
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`Io`](crate::ErrorKind::Io) if the limit of the system (`ulimit -l`) is exceeded, or
    /// [`Unsupported`](crate::ErrorKind::Unsupported) on Windows.
    pub fn lock(&self) -> Result<()> {
        self.region.lock()
    }

    /// Undoes [`lock`](Self::lock): [`munlock(2)`](https://man7.org/linux/man-pages/man2/mlock.2.html).
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`Unsupported`](crate::ErrorKind::Unsupported) on Windows.
    pub fn unlock(&self) -> Result<()> {
        self.region.unlock()
    }
}

impl<T> MmapArrayMut<T> {
    /// Writes the array to the disk and waits for completion: [`msync(2)`] with `MS_SYNC`, or on Windows
    /// `FlushViewOfFile` and `FlushFileBuffers`.
    ///
    /// Other programs see written elements without a flush; `flush` protects against a power failure. For a part of an
    /// array, only the pages of that part are written. For arrays in memory, this does nothing.
    ///
    /// [`msync(2)`]: https://man7.org/linux/man-pages/man2/msync.2.html
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`Io`](crate::ErrorKind::Io) if the operating system could not write the data. The
    /// system reports this only once and considers the data written from then on. Therefore the error is kept, and
    /// every concurrent and later flush of any part of the array returns it. The elements in memory may then not be on
    /// the disk: write them to another file, or open the array again and fill it again.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("out.f64");
    /// // SAFETY: nobody else uses the file.
    /// let mut out = unsafe { mmap_array::MmapArray::<f64>::create_options(10).create(&path)? };
    /// out[3] = 1.5;
    /// out.flush()?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn flush(&self) -> Result<()> {
        self.region.flush(0..self.region.len())
    }

    /// Flushes a range of rows, as [`flush`](Self::flush) does. In Fortran order, everything between the rows is
    /// written as well.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`flush`](Self::flush), and an error of kind [`OutOfRange`](crate::ErrorKind::OutOfRange)
    /// if the rows are outside the array.
    pub fn flush_rows(&self, rows: impl RangeBounds<usize>) -> Result<()> {
        self.region.flush(self.row_bytes(&rows)?)
    }

    /// Starts writing the array to the disk, without waiting for completion: `msync` with `MS_ASYNC`, or on Windows
    /// `FlushViewOfFile`.
    ///
    /// This does nothing on Linux, where writing starts by itself.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`Io`](crate::ErrorKind::Io) if the operating system refuses.
    pub fn flush_async(&self) -> Result<()> {
        self.region.flush_async(0..self.region.len())
    }

    /// Flushes and unmaps the array.
    ///
    /// Dropping an array unmaps it too, and the operating system writes the remaining data later, but errors are not
    /// reported. `close` reports them.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`Io`](crate::ErrorKind::Io) if the operating system could not write the data. The
    /// array is unmapped even then.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("out");
    /// // SAFETY: nobody else uses the file.
    /// let mut out = unsafe { mmap_array::MmapArray::<u8>::create_options(3).create(&path)? };
    /// out.copy_from_slice(b"abc");
    /// out.close()?;
    /// assert_eq!(std::fs::read(&path)?, b"abc");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn close(self) -> Result<()> {
        self.flush()
    }

    /// Appends `rows` rows of zeros to the array and to its file, and returns the new length of the axis that grew.
    ///
    /// The array grows along its first axis in C order, and along its last axis in Fortran order. It must be a whole
    /// array and not a [part](Self::into_parts), and must end where its file ends. Nobody else may change the length of
    /// the file at the same time. An array in a file is mapped again, so [`lock`](Self::lock) and
    /// [`advise`](Self::advise) must be repeated. If the array was created with
    /// [`reserve`](crate::CreateOptions::reserve), disk blocks are allocated for the new rows too.
    ///
    /// The header of a `.npy` file receives the new shape after the file has its new length. If the header is as NumPy
    /// or this crate writes it, a crash at any point leaves either the old or the new array. The next call of
    /// [`npy::append`](crate::npy::append), `grow` or [`shrink`](Self::shrink) removes rows that are in the file and do
    /// not belong to the array, unless the header has no space for the mark that distinguishes them from other data.
    ///
    /// # Errors
    ///
    /// Returns an error of kind:
    ///
    /// - [`Unsupported`](crate::ErrorKind::Unsupported) if the array is a part, or if the file continues past the
    ///   array;
    /// - [`OutOfRange`](crate::ErrorKind::OutOfRange) if the array is 0-d;
    /// - [`Overflow`](crate::ErrorKind::Overflow) if the array would exceed the address space;
    /// - [`Misaligned`](crate::ErrorKind::Misaligned) if the array was empty and its offset is not aligned;
    /// - [`Locked`](crate::ErrorKind::Locked) while another process or thread appends to an array in the file, or if
    ///   the elements are [locked](crate::Options::lock_range) and somebody else has locked the bytes to be added;
    /// - [`Io`](crate::ErrorKind::Io) if the file cannot be made longer.
    ///
    /// If an error is returned, the array and the file are unchanged.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("log");
    /// // SAFETY: nobody else uses the file.
    /// let mut log = unsafe { mmap_array::MmapArray::<u16>::create_options([1, 4]).create(&path)? };
    /// assert_eq!(log.grow(2)?, 3);
    /// log[[2, 3]] = 9;
    /// assert_eq!(log.shape(), [3, 4]);
    /// assert_eq!(std::fs::metadata(&path)?.len(), 24);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn grow(&mut self, rows: usize) -> Result<usize> {
        self.grow_by(rows, false)
    }

    /// Appends rows to the array as [`grow`](Self::grow) does, and allocates disk blocks for them immediately.
    ///
    /// It does so even if the file was not [created](crate::CreateOptions::reserve) with reserved blocks. If the disk
    /// is full, an error is returned and the array is unchanged.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`grow`](Self::grow).
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("log");
    /// std::fs::write(&path, [1, 2])?;
    /// // SAFETY: nobody else uses the file.
    /// let mut log = unsafe { mmap_array::MmapArray::<u8>::open_mut(&path)? };
    /// assert_eq!(log.grow_reserved(1 << 20)?, 1_048_578);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn grow_reserved(&mut self, rows: usize) -> Result<usize> {
        self.grow_by(rows, true)
    }

    fn grow_by(&mut self, rows: usize, reserve: bool) -> Result<usize> {
        let named = |error: Error| error.in_file(self.region.path());
        let axis = self.order.slowest_axis(self.dims.len());
        let axis = axis.ok_or_else(|| named(Error::out_of_range("a 0-d array has no rows to grow by")))?;
        let too_long = || named(Error::overflow("the array", format!("{} with {rows} rows more", self.dims)));
        let len_of_axis = self.dims[axis].checked_add(rows).ok_or_else(too_long)?;
        let dims = self.dims.with(axis, len_of_axis);
        let (_, bytes) = dims.checked_len(size_of::<T>()).map_err(named)?;
        // An array that was empty may begin anywhere; once it has elements it may not.
        super::align::check_alignment::<T>(self.region.offset(), bytes as u64).map_err(named)?;
        self.region.grow(bytes, reserve)?;
        self.set_dims(dims);
        Ok(len_of_axis)
    }

    /// Removes the last `rows` rows from the array and from its file, and returns the new length of the axis that
    /// shrank.
    ///
    /// The array shrinks along its first axis in C order, and along its last axis in Fortran order. As for
    /// [`grow`](Self::grow), it must be a whole array and not a [part](Self::into_parts), must end where its file ends,
    /// and is mapped again, so [`lock`](Self::lock) and [`advise`](Self::advise) must be repeated. The removed elements
    /// are unmapped before the file is cut. If they were [locked](crate::Options::lock_range), they no longer are,
    /// except on Windows.
    ///
    /// A [`SharedArray`](crate::SharedArray) of the removed elements reports that they were lost
    /// ([`Truncated`](crate::ErrorKind::Truncated)). On Windows, a file of which anything else is mapped cannot be made
    /// shorter.
    ///
    /// The header of a `.npy` file receives the new shape, and is on the disk, before the file is cut. If the program
    /// is killed at any time, the file holds the old or the new array. Removed rows that are still in the file are
    /// treated as those that a killed [`npy::append`](crate::npy::append) has left: the next call of `append`,
    /// [`grow`](Self::grow) or `shrink` removes them, unless the header has no space for the mark that distinguishes
    /// them from other data. The length of a raw file changes in one step, which is not waited for.
    ///
    /// # Errors
    ///
    /// Returns an error of kind:
    ///
    /// - [`Unsupported`](crate::ErrorKind::Unsupported) if the array is a part, or if the file continues past the
    ///   array;
    /// - [`OutOfRange`](crate::ErrorKind::OutOfRange) if the array is 0-d or has fewer rows;
    /// - [`Locked`](crate::ErrorKind::Locked) while another process or thread changes the length of the array in the
    ///   file;
    /// - [`Io`](crate::ErrorKind::Io) if the file cannot be made shorter.
    ///
    /// If an error is returned, the array and the file are unchanged. Only if the operating system also refuses to map
    /// the file again, the array has fewer rows than before, or none; see [`shape`](Self::shape).
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("log.npy");
    /// mmap_array::npy::save(&path, &vec![[1_u8, 2], [3, 4], [5, 6]])?;
    /// // SAFETY: nobody else uses the file.
    /// let mut log = unsafe { mmap_array::npy::open_mut::<u8>(&path)? };
    /// assert_eq!(log.shrink(2)?, 1);
    /// assert_eq!((log.shape(), &log[..]), (&[1, 2][..], &[1, 2][..]));
    /// assert_eq!(std::fs::metadata(&path)?.len(), 128 + 2);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn shrink(&mut self, rows: usize) -> Result<usize> {
        let named = |error: Error| error.in_file(self.region.path());
        let axis = self.order.slowest_axis(self.dims.len());
        let axis = axis.ok_or_else(|| named(Error::out_of_range("a 0-d array has no rows to remove")))?;
        let len_of_axis = self.dims[axis].checked_sub(rows).ok_or_else(|| {
            named(Error::out_of_range(format!("cannot remove {rows} rows from an array of shape {}", self.dims)))
        })?;
        let dims = self.dims.with(axis, len_of_axis);
        let (_, bytes) = dims.checked_len(size_of::<T>()).map_err(named)?;
        let old_bytes = self.region.len();
        match self.region.shrink(bytes) {
            Ok(()) => {
                self.set_dims(dims);
                Ok(len_of_axis)
            }
            Err(error) => {
                // The file may have been mapped again, elsewhere, and less of it.
                match self.region.len() {
                    len if len == old_bytes => self.set_dims(self.dims.clone()),
                    len if len == bytes => self.set_dims(dims),
                    _ => self.set_dims(dims.with(axis, 0)),
                }
                Err(error)
            }
        }
    }

    /// Sets the dims of the region, which has another length and another map than before.
    fn set_dims(&mut self, dims: Dims) {
        self.len = self.region.len() / size_of::<T>();
        self.ptr = match self.region.as_ptr().and_then(NonNull::new) {
            Some(ptr) if self.len > 0 => ptr.cast(),
            _ => NonNull::dangling(),
        };
        self.dims = dims;
    }
}
