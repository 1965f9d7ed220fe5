//! Files that are about to be mapped: opening them without waiting, refusing those that cannot be mapped, and setting
//! their length and allocating their disk blocks.

use super::identity::is_same;
use crate::error::{Error, Reason, Result};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Opens an existing file to be mapped. Does not block, as opening a pipe for reading would.
pub(crate) fn open(path: &Path, write: bool) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(write);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        // A pipe would wait for its other end, a terminal would become ours. Regular files ignore both.
        options.custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits() as i32);
        match options.open(path) {
            // A regular file does wait in one case: another program holds a lease on it, which it is asked to give up.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && path.is_file() => {
                options.custom_flags(OFlags::NOCTTY.bits() as i32);
            }
            opened => return opened.map_err(|source| refused(path, write, source)),
        }
    }
    options.open(path).map_err(|source| refused(path, write, source))
}

/// Opens a file that is open once more, for reading and writing, whatever its name is by now, if the system can. The
/// new open file has errors of its own: Linux reports a write that fails later, on its way to the disk, only once to
/// each open file, through whichever handle.
pub(crate) fn reopen(file: &File, path: &Path) -> io::Result<File> {
    let names = by_number(file).into_iter().chain([path.to_path_buf()]);
    for name in names {
        if let Ok(again) = OpenOptions::new().read(true).write(true).open(name) {
            if is_same(&again, file)? {
                return Ok(again);
            }
        }
    }
    // It has another name by now, or none.
    file.try_clone()
}

/// Returns the names by which a descriptor's file may be found. In a thread with descriptors of its own, the second
/// name is that of another file; not every container has a `/proc`, nor every kernel the first name.
pub(super) fn by_number(file: &File) -> Vec<PathBuf> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use std::os::fd::AsRawFd;
        let number = file.as_raw_fd();
        ["thread-self", "self"].map(|who| format!("/proc/{who}/fd/{number}").into()).to_vec()
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        let _ = file;
        Vec::new()
    }
}

/// Returns whether a path leads to an open file.
pub(crate) fn is_at(file: &File, path: &Path) -> Result<bool> {
    match open(path, false) {
        Ok(named) => is_same(file, &named).map_err(|source| Error::io("identify the file", source)),
        Err(error) if error.io_kind() == Some(io::ErrorKind::NotFound) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Writes bytes to a file, and waits until they are on the disk. Waits for no other bytes, if the system can do that.
pub(crate) fn write_through(file: &File, position: u64, bytes: &[u8]) -> io::Result<()> {
    // Elsewhere such a write may be one like any other: a FUSE server hears of the wish, and need not know it.
    #[cfg(target_os = "linux")]
    let (position, bytes) = match super::filesystem::FileSystem::of(file) {
        Ok(kind) if kind.writes_through() => match write_each_through(file, position, bytes)? {
            0 => return Ok(()),
            left => (position + (bytes.len() - left) as u64, &bytes[bytes.len() - left..]),
        },
        _ => (position, bytes),
    };
    At { file, position }.write_all(bytes)?;
    file.sync_data()
}

/// Writes bytes by calls that each wait for what they have written ([`pwritev2(2)`], `RWF_DSYNC`). Returns the number
/// of bytes that are left if the system does not support these calls.
///
/// [`pwritev2(2)`]: https://man7.org/linux/man-pages/man2/pwritev2.2.html
#[cfg(target_os = "linux")]
fn write_each_through(file: &File, mut position: u64, mut bytes: &[u8]) -> io::Result<usize> {
    use rustix::io::{Errno, ReadWriteFlags, pwritev2};
    while !bytes.is_empty() {
        match pwritev2(file, &[io::IoSlice::new(bytes)], position, ReadWriteFlags::DSYNC) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => (position, bytes) = (position + count as u64, &bytes[count..]),
            Err(Errno::INTR) => {}
            // A kernel before 4.7, or a file system that has no such calls.
            Err(Errno::NOSYS | Errno::OPNOTSUPP | Errno::INVAL) => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(bytes.len())
}

/// Opens a file to be read from its beginning to its end, which may be a pipe or a file of `/proc` too.
pub(crate) fn open_to_read(path: &Path) -> Result<File> {
    let file = File::open(path).map_err(|source| refused(path, false, source))?;
    match file.metadata() {
        Ok(metadata) if metadata.is_dir() => {
            let reason = Reason::NotRegularFile { found: kind_of(&metadata), wanted: "read", advice: "" };
            Err(reason.error().in_file(Some(path)))
        }
        _ => Ok(file),
    }
}

/// Returns the error for a failed open. A directory or pipe is named as such, whatever the system's own error.
fn refused(path: &Path, write: bool, source: io::Error) -> Error {
    let error = match fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => not_mappable(kind_of(&metadata)),
        _ => {
            let action = match (write, source.kind()) {
                (true, io::ErrorKind::NotFound) => "open the file for writing (`npy::save` or `create` creates one)",
                (true, _) => "open the file for writing",
                (false, _) => "open the file",
            };
            Error::io(action, source)
        }
    };
    error.in_file(Some(path))
}

/// Returns the length of a file, after checking that it can be mapped.
pub(crate) fn mappable_len(file: &File) -> Result<u64> {
    let metadata = file.metadata().map_err(|source| Error::io("read the file's length", source))?;
    if !metadata.is_file() {
        return Err(not_mappable(kind_of(&metadata)));
    }
    if metadata.len() == 0 && has_content(file) {
        return Err(not_mappable("a file that reports a length of 0 but has content, like those of /proc"));
    }
    Ok(metadata.len())
}

fn not_mappable(found: &'static str) -> Error {
    let advice = match found {
        "a directory" | "a socket" => "",
        _ => "; `fromfile` reads what cannot be mapped, and `npy::load` such `.npy` files",
    };
    Reason::NotRegularFile { found, wanted: "mapped", advice }.error()
}

pub(super) fn kind_of(metadata: &fs::Metadata) -> &'static str {
    let kind = metadata.file_type();
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return "a pipe";
        }
        if kind.is_socket() {
            return "a socket";
        }
        if kind.is_block_device() || kind.is_char_device() {
            return "a device";
        }
    }
    if kind.is_dir() { "a directory" } else { "something else" }
}

/// Returns whether a byte can be read from a file whose length is reported as 0.
#[cfg(unix)]
fn has_content(file: &File) -> bool {
    use std::os::unix::fs::FileExt;
    matches!(file.read_at(&mut [0], 0), Ok(1))
}

#[cfg(not(unix))]
fn has_content(_: &File) -> bool {
    false
}

/// A reader and writer of a file with a position of its own. It ignores the file's position and, except on Windows,
/// does not change it.
pub(crate) struct At<'a> {
    pub(crate) file: &'a File,
    pub(crate) position: u64,
}

impl Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // No file has a byte behind that. The system refuses such an offset, which may come from a damaged file.
        let left = (i64::MAX as u64).saturating_sub(self.position);
        if left == 0 {
            return Ok(0);
        }
        let len = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let buffer = &mut buffer[..len];
        #[cfg(unix)]
        let count = std::os::unix::fs::FileExt::read_at(self.file, buffer, self.position)?;
        #[cfg(windows)]
        let count = std::os::windows::fs::FileExt::seek_read(self.file, buffer, self.position)?;
        #[cfg(not(any(unix, windows)))]
        let count = {
            let mut file = self.file;
            file.seek(SeekFrom::Start(self.position))?;
            file.read(buffer)?
        };
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for At<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.file.metadata()?.len().checked_add_signed(by),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

impl Write for At<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        #[cfg(unix)]
        let count = std::os::unix::fs::FileExt::write_at(self.file, buffer, self.position)?;
        #[cfg(windows)]
        let count = std::os::windows::fs::FileExt::seek_write(self.file, buffer, self.position)?;
        #[cfg(not(any(unix, windows)))]
        let count = {
            let mut file = self.file;
            file.seek(SeekFrom::Start(self.position))?;
            file.write(buffer)?
        };
        self.position += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Sets the length of a file; new bytes are zero. With `reserve`, allocates their disk blocks.
pub(crate) fn set_len(file: &File, len: u64, reserve: bool) -> Result<()> {
    let old_len = file.metadata().map_err(|source| Error::io("read the file's length", source))?.len();
    file.set_len(len).map_err(|source| Error::io("set the length of the file", source))?;
    if reserve && len > old_len {
        allocate(file, old_len, len).map_err(|source| Error::io("allocate the disk blocks of the file", source))?;
    }
    Ok(())
}

/// Allocates the disk blocks of bytes of a file that are zero, so that a full disk is an error now and not a signal at
/// a later write through the map.
fn allocate(file: &File, start: u64, end: u64) -> io::Result<()> {
    if fallocate(file, start..end)? { Ok(()) } else { write_zeros(file, start, end) }
}

/// Allocates the disk blocks of bytes of any value, which do not change, if the system and the file system support it.
pub(crate) fn reserve(file: &File, bytes: Range<u64>) -> Result<()> {
    let reserved = fallocate(file, bytes.clone()).map(drop);
    reserved.map_err(|source| Error::io("allocate the disk blocks of the file", source).at_bytes(bytes))
}

/// Allocates the disk blocks of bytes that lie within a file ([`fallocate(2)`]); returns `false` if this is not
/// supported.
///
/// [`fallocate(2)`]: https://man7.org/linux/man-pages/man2/fallocate.2.html
fn fallocate(file: &File, bytes: Range<u64>) -> io::Result<bool> {
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
    loop {
        use rustix::fs::FallocateFlags;
        use rustix::io::Errno;
        match rustix::fs::fallocate(file, FallocateFlags::empty(), bytes.start, bytes.end - bytes.start) {
            Ok(()) => return Ok(true),
            Err(Errno::INTR) => {}
            Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
    {
        let _ = (file, bytes);
        Ok(false)
    }
}

fn write_zeros(file: &File, start: u64, end: u64) -> io::Result<()> {
    let zeros = vec![0; 1 << 18];
    let mut at = At { file, position: start };
    while at.position < end {
        let count = (end - at.position).min(zeros.len() as u64);
        at.write_all(&zeros[..count as usize])?;
    }
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_written_where_blocks_cannot_be_reserved_otherwise() {
        let file = tempfile::tempfile().unwrap();
        set_len(&file, 10, false).unwrap();
        set_len(&file, (1 << 20) + 5, true).unwrap();
        write_zeros(&file, 10, (1 << 20) + 5).unwrap();
        assert_eq!(file.metadata().unwrap().len(), (1 << 20) + 5);
    }
}
