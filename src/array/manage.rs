//! What the operating system does for an array: writing back, reading ahead, giving up, locking, growing.

use super::{MmapArray, MmapArrayMut};
use crate::error::{Error, Result};
use crate::region::Advice;
use crate::shape::Order;
use crate::view::row_range;
use std::ops::{Range, RangeBounds};
use std::ptr::NonNull;

impl<T, A> MmapArray<T, A> {
    /// The bytes of the array in which the rows lie. In Fortran order rows lie across the whole array, so these are
    /// all the bytes from the first element of the first row to the last of the last.
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

    /// Tells the operating system how the whole array is going to be used: [`madvise(2)`].
    ///
    /// [`madvise(2)`]: https://man7.org/linux/man-pages/man2/madvise.2.html
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::ErrorKind::Unsupported) where the operating system has no such advice,
    /// [`Io`](crate::ErrorKind::Io) where it refuses.
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

    /// Lets the operating system begin to read rows that will be used soon (`MADV_WILLNEED`). Does not wait, and does
    /// nothing on Windows. `..` are all rows; in Fortran order everything between the rows is read as well.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`](crate::ErrorKind::OutOfRange) for rows that are not there, [`Io`](crate::ErrorKind::Io) where the
    /// system refuses.
    ///
    /// ```
    /// let frames = mmap_array::MmapArrayMut::<u8>::scratch([100, 480, 640])?;
    /// frames.prefetch(10..12)?;
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn prefetch(&self, rows: impl RangeBounds<usize>) -> Result<()> {
        self.region.advise(self.row_bytes(&rows)?, Advice::WillNeed)
    }

    /// Gives up the resident memory of rows that will not be used soon (`MADV_DONTNEED`); the next touch brings them
    /// back from the file. Nothing is lost: what was written and not flushed stays with the operating system, which
    /// writes it in its time. Does nothing on Windows.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::ErrorKind::Unsupported) for anonymous and copy-on-write arrays, whose elements would be
    /// lost; [`OutOfRange`](crate::ErrorKind::OutOfRange) for rows that are not there; [`Io`](crate::ErrorKind::Io) for
    /// locked ones.
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

    /// Keeps the array's pages in memory until [`unlock`](Self::unlock) or the map's end: [`mlock(2)`]. Reads them in.
    /// Pages that another part of the same map shares are locked too.
    ///
    /// [`mlock(2)`]: https://man7.org/linux/man-pages/man2/mlock.2.html
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io) beyond the limit that the system sets (`ulimit -l`),
    /// [`Unsupported`](crate::ErrorKind::Unsupported) on Windows.
    pub fn lock(&self) -> Result<()> {
        self.region.lock()
    }

    /// Takes [`lock`](Self::lock) back: [`munlock(2)`](https://man7.org/linux/man-pages/man2/mlock.2.html).
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::ErrorKind::Unsupported) on Windows.
    pub fn unlock(&self) -> Result<()> {
        self.region.unlock()
    }
}

impl<T> MmapArrayMut<T> {
    /// Writes the array to the disk and waits until it is there: [`msync(2)`] with `MS_SYNC`, on Windows
    /// `FlushViewOfFile` and `FlushFileBuffers`. Other programs see what is written without it; `flush` is for when the
    /// power fails. For a part, only its own pages are written. Memory has nothing to flush.
    ///
    /// [`msync(2)`]: https://man7.org/linux/man-pages/man2/msync.2.html
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io) where the system could not write. It says so once, and takes all for written from then
    /// on; so the error is kept, and every part of the array gets it, at this time and later. What memory shows may not be
    /// on the disk: write it to another file, or open the array anew and fill it again.
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

    /// As [`flush`](Self::flush), for some rows. In Fortran order everything between them is written as well.
    ///
    /// # Errors
    ///
    /// As for `flush`, and [`OutOfRange`](crate::ErrorKind::OutOfRange) for rows that are not there.
    pub fn flush_rows(&self, rows: impl RangeBounds<usize>) -> Result<()> {
        self.region.flush(self.row_bytes(&rows)?)
    }

    /// Has the system begin to write the array to the disk, and does not wait: `msync` with `MS_ASYNC`, which does
    /// nothing on Linux, where writing begins by itself; on Windows `FlushViewOfFile`.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io) where the system refuses.
    pub fn flush_async(&self) -> Result<()> {
        self.region.flush_async(0..self.region.len())
    }

    /// Flushes, then unmaps. Dropping an array unmaps it too, and the system writes what is left in its time, but an
    /// error of that writing reaches nobody: `close` reports it.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io) where the system could not write. The array is unmapped all the same.
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

    /// Makes the array `rows` rows longer, and its file too. The new elements are zero and come after the others: along
    /// the first axis in C order, along the last in Fortran order. Returns the new length of that axis.
    ///
    /// The array must be a whole one and no [part](Self::into_parts), and must end where its file ends. While it grows
    /// nobody else may change the file's length. An array in a file is mapped anew: [`lock`](Self::lock) and
    /// [`advise`](Self::advise) are to be repeated. Where the array was created with
    /// [`reserve`](crate::CreateOptions::reserve), what is added has its blocks on the disk too.
    ///
    /// The header of a `.npy` file gets the new shape, after the file has its new length: a crash at any point leaves
    /// the one or the other, and each is valid.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::ErrorKind::Unsupported) for a part, and where the file goes on behind the array;
    /// [`OutOfRange`](crate::ErrorKind::OutOfRange) for a 0-d array; [`Overflow`](crate::ErrorKind::Overflow);
    /// [`Misaligned`](crate::ErrorKind::Misaligned) where an array that was empty begins at such a byte;
    /// [`Locked`](crate::ErrorKind::Locked) while another process or thread makes an array in the file longer, and where
    /// the elements are [locked](crate::Options::lock_range) and somebody has locked what is to come;
    /// [`Io`](crate::ErrorKind::Io) where the file cannot be made longer. The array and the file are as they were then.
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

    /// Makes the array longer as [`grow`](Self::grow) does, and gives what is added its blocks on the disk at once,
    /// also where the file was not [created](crate::CreateOptions::reserve) so: a full disk is an error then, and the
    /// array stays as it was.
    ///
    /// # Errors
    ///
    /// As for [`grow`](Self::grow).
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
        let (len, bytes) = dims.checked_len(size_of::<T>()).map_err(named)?;
        // An array that was empty may begin anywhere; once it has elements it may not.
        super::align::check_alignment::<T>(self.region.offset(), bytes as u64).map_err(named)?;
        self.region.grow(bytes, reserve)?;
        if let Some(ptr) = self.region.as_ptr().and_then(NonNull::new).filter(|_| len > 0) {
            self.ptr = ptr.cast();
        }
        (self.dims, self.len) = (dims, len);
        Ok(len_of_axis)
    }
}
