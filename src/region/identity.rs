//! The identity of a file, whatever its name.

use std::fs::File;
use std::io;

/// The identity of a file within its file system, which differs from that of later files of the same name: its number
/// and, if the file system keeps it, its creation time, because numbers are reused. (On Windows numbers are not reused,
/// but a new file may get the creation time of an older one of the same name.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileId {
    pub(crate) number: u64,
    pub(crate) created: u64,
}

impl FileId {
    pub(crate) fn of(file: &File) -> io::Result<Self> {
        let created = if cfg!(windows) { None } else { file.metadata()?.created().ok() };
        let created = created.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        Ok(Self { number: number(file)?, created: created.map_or(0, |time| time.as_nanos() as u64) })
    }
}

/// Returns whether two open files are the same file, whatever their names.
pub(crate) fn is_same(one: &File, other: &File) -> io::Result<bool> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let [one, other] = [one.metadata()?, other.metadata()?];
        // Both are open, so that neither number is used again.
        Ok((one.dev(), one.ino()) == (other.dev(), other.ino()))
    }
    #[cfg(not(unix))]
    Ok(FileId::of(one)? == FileId::of(other)?)
}

#[cfg(unix)]
fn number(file: &File) -> io::Result<u64> {
    Ok(std::os::unix::fs::MetadataExt::ino(&file.metadata()?))
}

#[cfg(windows)]
fn number(file: &File) -> io::Result<u64> {
    use std::os::windows::io::AsRawHandle;
    use windows_sys::Win32::Storage::FileSystem::{BY_HANDLE_FILE_INFORMATION, GetFileInformationByHandle};
    let mut found = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the handle is open as long as `file` is borrowed, and `found` is what the call writes to.
    match unsafe { GetFileInformationByHandle(file.as_raw_handle(), &raw mut found) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(u64::from(found.nFileIndexHigh) << 32 | u64::from(found.nFileIndexLow)),
    }
}

#[cfg(not(any(unix, windows)))]
fn number(_: &File) -> io::Result<u64> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
#[cfg(any(unix, windows))]
mod tests {
    use super::*;

    #[test]
    fn a_file_keeps_its_identity_and_shares_it_with_no_other() {
        let (one, other) = (tempfile::NamedTempFile::new().unwrap(), tempfile::NamedTempFile::new().unwrap());
        let id = FileId::of(one.as_file()).unwrap();
        assert_eq!(FileId::of(&one.reopen().unwrap()).unwrap(), id);
        assert_ne!(FileId::of(other.as_file()).unwrap(), id);
    }
}
