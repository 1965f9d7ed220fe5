//! Reading and writing elements without mapping a file: `np.fromfile` and `ndarray.tofile`.
//!
//! A mapping is not always the best choice: pipes and files in `/proc` cannot be mapped, nothing can be guaranteed
//! about a file that others change, and a small file is read faster than it is mapped. These functions copy and need no
//! `unsafe`. Like those that map, they replace files without truncating the old file for those who read it.

use crate::access::{Load, Mode, ReadOnly, Shared, assert_mappable};
use crate::array::{MmapArray, SharedArray};
use crate::error::{Error, Reason, Result, short_type_name};
use crate::region::{self, NewFile, prefer_huge_pages};
use crate::view::shaping::Shaped;
use crate::view::{ArrayView, RawView};
use std::collections::TryReserveError;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// The number of bytes to read or write at once, so that memory use follows what a file contains and not what it
/// claims. With what a writer of an archive holds, it is less than 1 MiB.
pub(crate) const CHUNK: usize = 1 << 19;

/// Reads elements from a file into memory: `np.fromfile(path, dtype, count, offset=offset)`.
///
/// `offset` is in bytes. If `count` is `None`, reads to the end of the file. In contrast to a mapping, this works for
/// anything that can be opened, including pipes, devices and files in `/proc`. Numbers are read in the machine's byte
/// order.
///
/// # Errors
///
/// Returns an error of kind [`Io`](crate::ErrorKind::Io) if the operating system refuses,
/// [`PastEnd`](crate::ErrorKind::PastEnd) if the file ends before `offset` or before `count` elements (NumPy returns
/// fewer), or [`PartialElement`](crate::ErrorKind::PartialElement) if `count` is `None` and the file ends within an
/// element.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("samples");
/// std::fs::write(&path, [1, 0, 2, 0, 3, 0, 4, 0])?;
/// let two = mmap_array::fromfile::<[u8; 2]>(&path, 2, 2)?;
/// assert_eq!(two, [[2, 0], [3, 0]]);
/// let all = mmap_array::fromfile::<u8>(&path, 0, None)?;
/// assert_eq!(all.len(), 8);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn fromfile<T>(path: impl AsRef<Path>, offset: u64, count: impl Into<Option<usize>>) -> Result<Vec<T>>
where
    ReadOnly: Load<T>,
{
    let path = path.as_ref();
    let read = || {
        let mut file = File::open(path).map_err(|source| Error::io("open the file", source))?;
        let available = skip(&mut file, offset)?;
        let elements = read_elements(&mut file, offset, count.into(), available)?;
        let needed = size_of_val(&elements[..]) as u64;
        if available > 0 {
            // A read that was under way when the file was cut gives zeros for some of what is gone.
            let file_len = file.metadata().map_err(|source| Error::io("read the file's length", source))?.len();
            if file_len < offset + needed {
                return Err(past_end::<T>(elements.len(), offset, needed, file_len));
            }
        }
        Ok(elements)
    };
    read().map_err(|error: Error| error.in_file(Some(path)))
}

/// Skips `offset` bytes, by reading if the file cannot seek. Returns the number of bytes that follow, or 0 if it is
/// unknown.
fn skip(file: &mut File, offset: u64) -> Result<u64> {
    let error = |source| Error::io("read the file", source);
    let metadata = file.metadata().map_err(error)?;
    if metadata.is_file() && metadata.len() > 0 {
        if offset > metadata.len() {
            return Err(Reason::OffsetPastEnd { offset, file_len: metadata.len() }.error());
        }
        return file.seek(SeekFrom::Start(offset)).map(|_| metadata.len() - offset).map_err(error);
    }
    let skipped = io::copy(&mut file.take(offset), &mut io::sink()).map_err(error)?;
    if skipped < offset { Err(Reason::OffsetPastEnd { offset, file_len: skipped }.error()) } else { Ok(0) }
}

fn past_end<T>(count: usize, offset: u64, needed: u64, file_len: u64) -> Error {
    let what = format!("{count} elements of `{}`", short_type_name::<T>());
    let error: Error = Reason::PastEnd { what, offset, needed, file_len, hint: "" }.error();
    error.at_bytes(offset..offset.saturating_add(needed))
}

/// Reads `count` elements, or all there are. `offset` is the position of the first, for errors. `available` is the
/// number of bytes that the source is known to have, for which memory is allocated at once, or 0 if it is unknown.
pub(crate) fn read_elements<T>(
    source: &mut impl Read,
    offset: u64,
    count: Option<usize>,
    available: u64,
) -> Result<Vec<T>>
where
    ReadOnly: Load<T>,
{
    const { assert_mappable::<T>() }
    let size = size_of::<T>();
    let wanted = match count {
        Some(count) => {
            Some(count.checked_mul(size).filter(|&bytes| bytes <= isize::MAX as usize).ok_or_else(|| {
                Error::overflow("the count", format!("{count} elements of {size} bytes exceed the address space"))
            })?)
        }
        None => None,
    };
    let no_memory = |error: TryReserveError| Error::io("allocate memory for the elements", error.into());
    let mut elements: Vec<T> = Vec::new();
    let known = usize::try_from(available).unwrap_or(usize::MAX).min(wanted.unwrap_or(usize::MAX));
    if known >= size {
        // One more where the end is to be found. A file may be longer than the address space.
        let count = (known / size).saturating_add(usize::from(wanted.is_none()));
        elements.try_reserve_exact(count).map_err(no_memory)?;
        prefer_huge_pages(elements.spare_capacity_mut());
    }
    let mut have = 0; // bytes
    loop {
        let most = (CHUNK / size).max(1) * size;
        let most = wanted.map_or(most, |wanted| most.min(wanted - have));
        if most == 0 {
            return Ok(elements);
        }
        if elements.len() == elements.capacity() {
            elements.try_reserve(most / size).map_err(no_memory)?;
        }
        let room = most.min((elements.capacity() - elements.len()) * size);
        let spare = elements.spare_capacity_mut().as_mut_ptr().cast::<u8>();
        // SAFETY: the spare capacity is the vector's own, at least `room` bytes of it.
        unsafe { spare.write_bytes(0, room) };
        // SAFETY: the same bytes, initialized now; no `T` is there yet, and nothing else reaches them meanwhile.
        let buffer = unsafe { std::slice::from_raw_parts_mut(spare, room) };
        let got = read_full(source, buffer).map_err(|source| Error::io("read the file", source))?;
        have += got;
        let tail = got % size;
        // SAFETY: `got` is no more than `room`, so `got / size` more elements lie in the capacity, all their bytes
        // initialized, and `ReadOnly: Load<T>` takes any bits.
        unsafe { elements.set_len(elements.len() + got / size) };
        if got == room {
            continue;
        }
        let file_len = offset.saturating_add(have as u64);
        return match wanted {
            Some(wanted) => Err(past_end::<T>(wanted / size, offset, wanted as u64, file_len)),
            None if tail > 0 => {
                let (unit_bytes, tail) = (size as u64, tail as u64);
                let reason = Reason::PartialElement {
                    offset,
                    file_len,
                    available: have as u64,
                    unit: "elements",
                    unit_bytes,
                    tail,
                    fit: format!("a count of {}", have as u64 / unit_bytes),
                };
                Err(reason.error().at_bytes(file_len - tail..file_len))
            }
            None => Ok(elements),
        };
    }
}

/// Fills the buffer as far as the source goes, and returns the number of bytes, which is at most the length of the
/// buffer.
fn read_full(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        let room = buffer.len() - filled;
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            // A reader is anybody's safe code, and what it says is not to be relied on.
            Ok(count) if count > room => {
                let text = format!("the reader claims to have read {count} bytes, but was asked for {room}");
                return Err(io::Error::other(text));
            }
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Checks whether any element of a view was lost, in a mode in which the file may be truncated at the same time.
pub(crate) fn check_lost<A: Mode>(view: &RawView, size: usize) -> Result<()> {
    if A::SHARED { region::check_memory(&view.addresses(size)) } else { Ok(()) }
}

impl<T, A: Load<T>> ArrayView<'_, T, A> {
    /// Writes the bytes of the elements in C order to a file, which is created or replaced: `ndarray.tofile`.
    ///
    /// As for [`create`](crate::CreateOptions::create), the complete file takes the place of the target in one step
    /// once it is on the disk. Whoever has the old file mapped keeps it, and the array may even be a mapping of the
    /// target itself (except on Windows, which does not replace mapped files).
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`Io`](crate::ErrorKind::Io) if the operating system refuses, or
    /// [`Truncated`](crate::ErrorKind::Truncated) if elements of a [`Shared`] view were lost. The target is then
    /// unchanged.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("column");
    /// let view = mmap_array::ArrayView::from_slice(&[1_u8, 2, 3, 4, 5, 6], [2, 3])?;
    /// view.index_axis(1, 2).tofile(&path)?;
    /// assert_eq!(std::fs::read(&path)?, [3, 6]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn tofile(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let mut new = NewFile::create(path, true)?;
        let mut file = new.handle()?;
        let written = self.write_to(&mut file);
        drop(file);
        written.map_err(|source| Error::io("write the elements", source).in_file(Some(path)))?;
        check_lost::<A>(self.raw(), size_of::<T>())?;
        new.persist()
    }

    /// Writes the bytes of the elements in C order to a [`Write`]: `file.write(arr.tobytes())` without the copy.
    ///
    /// # Errors
    ///
    /// Returns the errors of the writer.
    ///
    /// ```
    /// let view = mmap_array::ArrayView::from_slice(&[[1_u8, 2], [3, 4]], 2)?;
    /// let mut bytes = Vec::new();
    /// view.step_axis(0, -1).write_to(&mut bytes)?;
    /// assert_eq!(bytes, [3, 4, 1, 2]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn write_to(&self, writer: &mut (impl Write + ?Sized)) -> io::Result<()> {
        self.for_each_chunk(CHUNK, |bytes| writer.write_all(bytes))
    }
}

impl<T, A: Load<T>> MmapArray<T, A> {
    /// Writes the bytes of the elements in C order to a file, which is created or replaced. See [`ArrayView::tofile`].
    ///
    /// # Errors
    ///
    /// Returns the errors of [`ArrayView::tofile`].
    pub fn tofile(&self, path: impl AsRef<Path>) -> Result<()>
    where
        ReadOnly: Load<T>,
    {
        self.view().tofile(path)
    }
}

impl<T, A: Mode> SharedArray<T, A>
where
    Shared: Load<T>,
{
    /// Writes the bytes of the elements in C order to a file, which is created or replaced. See [`ArrayView::tofile`].
    ///
    /// # Errors
    ///
    /// Returns the errors of [`ArrayView::tofile`] and of [`check`](Self::check). If elements were lost, the target is
    /// unchanged.
    pub fn tofile(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let mut new = NewFile::create(path, true)?;
        let mut file = new.handle()?;
        let written = self.read(|view| view.write_to(&mut file))?;
        drop(file);
        written.map_err(|source| Error::io("write the elements", source).in_file(Some(path)))?;
        new.persist()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_longer_than_the_address_space_is_an_error_of_memory() {
        let error = read_elements::<u8>(&mut io::empty(), 0, None, u64::MAX).unwrap_err();
        assert!(error.to_string().starts_with("cannot allocate memory for the elements"), "{error}");
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::OutOfMemory);
    }
}
