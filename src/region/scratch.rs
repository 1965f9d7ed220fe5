//! Files without a name, which nobody else can open, and the name that such a file gets once it is finished.
//!
//! An array in such a file is safe to write as long as nobody else can open the file. So everything that can fail is
//! tried before the file has any name, and if something fails nevertheless, the caller is told whether the file has had
//! a name.

use super::file::{At, set_len};
use super::names::create_temporary;
#[cfg(any(target_os = "linux", target_os = "android"))]
use super::new_file::unnamed as unnamed_in;
use super::new_file::{NewFile, NotNamed};
#[cfg(not(windows))]
use super::permissions::make_private;
use crate::error::{Error, PersistError, Result};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::ops::Range;
use std::path::Path;

/// The reason why a file without a name got none, and whether others may have it open nevertheless.
pub(crate) struct NotPersisted {
    error: Error,
    /// Whether the file had a name at some time.
    was_named: bool,
}

impl NotPersisted {
    /// Returns the error with the array, unless others may have its file open.
    pub(crate) fn with<A>(self, array: A) -> PersistError<A> {
        PersistError::new(self.error, (!self.was_named).then_some(array))
    }
}

impl From<Error> for NotPersisted {
    fn from(error: Error) -> Self {
        Self { error, was_named: false }
    }
}

/// Gives a name to a file without one, whose content is on the disk. The name is on the disk, too, when this returns.
/// If the system cannot do this, as between two file systems, a copy gets the name.
pub(crate) fn persist(file: &File, path: &Path, replace: bool) -> Result<(), NotPersisted> {
    let at = |error: Error| error.in_file(Some(path));
    let io = |action: &'static str| move |source| at(Error::io(action, source));
    let own = file.try_clone().map_err(io("keep the file open"))?;
    let mut new = NewFile::of_unnamed(own, path, replace).map_err(at)?;
    let Err(NotNamed { error, was_named, impossible }) = new.put_in_place() else { return Ok(()) };
    if was_named {
        let error = match new.leave() {
            Some(beside) => {
                let text = format!("{error}; the file is complete, and is beside it as `{}`", beside.display());
                at(Error::io("put the new file in place", io::Error::other(text)))
            }
            None => error,
        };
        return Err(NotPersisted { error, was_named });
    }
    if !impossible {
        return Err(error.into());
    }
    let mut new = NewFile::create(path, replace)?;
    copy_data(file, &new.handle()?).map_err(io("copy the scratch file"))?;
    Ok(new.persist()?)
}

/// Copies the whole of a file, with its holes.
fn copy_data(from: &File, to: &File) -> io::Result<()> {
    let len = from.metadata()?.len();
    to.set_len(len)?;
    let mut buffer = vec![0; 1 << 18];
    let mut position = 0;
    while position < len {
        let data = next_data(from, position, len)?;
        let (mut from, mut to) = (At { file: from, position: data.start }, At { file: to, position: data.start });
        while from.position < data.end {
            let count = (data.end - from.position).min(buffer.len() as u64) as usize;
            from.read_exact(&mut buffer[..count])?;
            to.write_all(&buffer[..count])?;
        }
        position = data.end;
    }
    Ok(())
}

/// Returns the next range of a file, from `position` on, that is not a hole; an empty range at the end if there is
/// none.
fn next_data(file: &File, position: u64, len: u64) -> io::Result<Range<u64>> {
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
    {
        use rustix::fs::{SeekFrom, seek};
        use rustix::io::Errno;
        match seek(file, SeekFrom::Data(position)) {
            Ok(start) => {
                let end = seek(file, SeekFrom::Hole(start)).unwrap_or(len);
                return Ok(start..end.clamp(start, len));
            }
            Err(Errno::NXIO) => return Ok(len..len),
            // Not every file system knows.
            Err(_) => {}
        }
    }
    let _ = file;
    Ok(position..len)
}

/// Creates a file without a name, which is deleted with the last handle to it unless [`persist`] gives it a name.
pub(crate) fn scratch(folder: &Path, len: u64, reserve: bool) -> Result<File> {
    // The parent of a name alone is the folder in which the program is.
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let file = unnamed(folder)?;
    set_len(&file, len, reserve).map_err(|error| error.at_bytes(0..len))?;
    Ok(file)
}

#[cfg(not(windows))]
fn unnamed(folder: &Path) -> Result<File> {
    // With the permissions of a file that is created, since it may get a name.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Some(file) = unnamed_in(folder, 0o666) {
        return Ok(file);
    }
    // Not every system and file system has such files.
    let (path, file) = create_temporary(folder, make_private(&mut OpenOptions::new()))?;
    std::fs::remove_file(&path).map_err(|source| Error::io("unlink the scratch file", source).in_file(Some(&path)))?;
    Ok(file)
}

/// Creates a file that nobody else can open, and that is deleted with the last handle.
#[cfg(windows)]
fn unnamed(folder: &Path) -> Result<File> {
    use std::os::windows::fs::OpenOptionsExt;
    const FILE_FLAG_DELETE_ON_CLOSE: u32 = 0x0400_0000;
    const FILE_ATTRIBUTE_TEMPORARY: u32 = 0x0000_0100;
    let mut options = OpenOptions::new();
    options.share_mode(0).attributes(FILE_ATTRIBUTE_TEMPORARY).custom_flags(FILE_FLAG_DELETE_ON_CLOSE);
    Ok(create_temporary(folder, &mut options)?.1)
}
