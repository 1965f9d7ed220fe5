//! Files without a name, which nobody can open, and the name that one gets once it is finished.
//!
//! An array in such a file is safe to write as long as nobody else can have the file. So whatever can fail is tried
//! before the file has any name, and whoever asked is told whether it has had one when something fails all the same.

#[cfg(not(windows))]
use super::file::private;
#[cfg(any(target_os = "linux", target_os = "android"))]
use super::file::temporary_name;
use super::file::{
    At, EXISTS, NewFile, Target, create_temporary, creating, folder_of, not_taken_over, set_len, sync_folder, take_over,
};
use crate::error::{Error, PersistError, Result};
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Why a file without a name got none, and whether others may have it open nevertheless.
pub(crate) struct NotPersisted {
    error: Error,
    /// It had a name at some time.
    was_named: bool,
}

impl NotPersisted {
    /// The error with the array, unless others may have its file.
    pub(crate) fn with<A>(self, array: A) -> PersistError<A> {
        PersistError::new(self.error, (!self.was_named).then_some(array))
    }
}

impl From<Error> for NotPersisted {
    fn from(error: Error) -> Self {
        Self { error, was_named: false }
    }
}

/// Gives a file without a name one, whose content is on the disk; the name is there, too, when this returns. Where
/// the system cannot, as between two file systems, a copy gets the name.
pub(crate) fn persist(file: &File, path: &Path, replace: bool) -> Result<(), NotPersisted> {
    let at = |error: Error| error.in_file(Some(path));
    let io = |action: &'static str| move |source| at(Error::io(action, source));
    let Target { real, old } = Target::look(path, replace)?;
    // What can be found out is, before the file has any name.
    let (folder, name) = folder_and_name(&real).map_err(io(creating(&folder_of(&real))))?;
    if let Some(old) = &old {
        take_over(file, &real, old).map_err(|source| at(not_taken_over(source)))?;
    }
    let named = |error: Error| NotPersisted { error: at(error), was_named: true };
    let linked = match link(file, &folder, name, old.is_some()) {
        // It has come in the meantime.
        Linked::Exists if replace => link(file, &folder, name, true),
        linked => linked,
    };
    match linked {
        Linked::Named => folder.sync().map_err(|source| {
            let text = "write the folder back; the file has its name, which a power failure may take from it";
            named(Error::io(text, source))
        }),
        Linked::Exists => Err(io(EXISTS)(io::ErrorKind::AlreadyExists.into()).into()),
        Linked::Left { temporary, source } => {
            let left = format!("{source}; the file is whole, and lies beside it as `{}`", temporary.display());
            Err(named(Error::io("put the new file in place", io::Error::new(source.kind(), left))))
        }
        Linked::Unsupported => {
            let (mut new, copy) = NewFile::create(path, 0, replace, false)?;
            let copied = copy_data(file, &copy).and_then(|()| copy.sync_all());
            copied.map_err(io("copy the scratch file"))?;
            drop(copy);
            new.persist()?;
            // Behind a symbolic link it is another folder than the link's.
            Ok(sync_folder(&real).map_err(at)?)
        }
    }
}

/// A folder that is open.
#[cfg_attr(
    not(any(target_os = "linux", target_os = "android")),
    allow(dead_code, reason = "only Linux can name a file that has no name")
)]
struct Folder {
    path: PathBuf,
    /// Where it may be read: not all that may be written can be.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    open: Option<File>,
}

/// The folder that a file goes to, and its name there.
fn folder_and_name(path: &Path) -> io::Result<(Folder, &OsStr)> {
    let is_folder = path.as_os_str().as_encoded_bytes().last().is_some_and(|&last| last == b'/');
    let name = path.file_name().filter(|_| !is_folder);
    let name = name.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path does not end with a name"))?;
    if let Err(error) = path.symlink_metadata() {
        if error.kind() != io::ErrorKind::NotFound {
            return Err(error);
        }
    }
    let path = folder_of(path);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let open = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => None,
            open => Some(open?),
        };
        Ok((Folder { path, open }, name))
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    Ok((Folder { path }, name))
}

impl Folder {
    /// Waits until the names in it are on the disk.
    fn sync(&self) -> io::Result<()> {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        match self.open.as_ref().map(File::sync_all) {
            // Not every file system can.
            Some(Err(error)) if error.kind() == io::ErrorKind::InvalidInput => {}
            Some(synced) => return synced,
            None => {}
        }
        Ok(())
    }
}

/// What came of a name for a file that had none.
#[cfg_attr(
    not(any(target_os = "linux", target_os = "android")),
    allow(dead_code, reason = "only Linux can name a file that has no name")
)]
enum Linked {
    /// It has the name.
    Named,
    /// Another file has it, which was not to be replaced.
    Exists,
    /// It has a temporary name, and could not get the other one.
    Left { temporary: PathBuf, source: io::Error },
    /// The system cannot name it.
    Unsupported,
}

/// Gives a file that never had a name one, where the system can: at once, or to replace another by way of a temporary
/// one.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn link(file: &File, folder: &Folder, name: &OsStr, replace: bool) -> Linked {
    use rustix::fs::{AtFlags, CWD, linkat, renameat};
    use rustix::io::Errno;
    use std::os::fd::AsRawFd;
    let Some(open) = &folder.open else { return Linked::Unsupported };
    let by_number = format!("/proc/self/fd/{}", file.as_raw_fd());
    // The first way needs a privilege, or Linux 6.10; the second /proc.
    let link = |name: &OsStr| {
        linkat(file, "", open, name, AtFlags::EMPTY_PATH).or_else(|error| match error {
            Errno::EXIST => Err(error),
            _ => linkat(CWD, &by_number, open, name, AtFlags::SYMLINK_FOLLOW),
        })
    };
    if !replace {
        return match link(name) {
            Ok(()) => Linked::Named,
            Err(Errno::EXIST) => Linked::Exists,
            Err(_) => Linked::Unsupported,
        };
    }
    loop {
        let temporary = temporary_name(&folder.path);
        let Some(beside) = temporary.file_name() else { return Linked::Unsupported };
        match link(beside) {
            Ok(()) => {
                return match renameat(open, beside, open, name) {
                    Ok(()) => Linked::Named,
                    Err(error) => Linked::Left { temporary, source: error.into() },
                };
            }
            Err(Errno::EXIST) => {}
            Err(_) => return Linked::Unsupported,
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn link(_: &File, _: &Folder, _: &OsStr, _: bool) -> Linked {
    Linked::Unsupported
}

/// Copies a file with its holes, as long as it is.
fn copy_data(from: &File, to: &File) -> io::Result<()> {
    let len = from.metadata()?.len();
    to.set_len(len)?;
    let mut buffer = vec![0; 1 << 20];
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

/// The next bytes of a file, from a position on, that are no hole; none at its end where there are no more.
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

/// A file without a name, which goes with the last handle to it unless [`persist`] gives it one.
pub(crate) fn scratch(folder: &Path, len: u64, reserve: bool) -> Result<File> {
    let file = unnamed(folder)?;
    set_len(&file, len, reserve).map_err(|error| error.at_bytes(0..len))?;
    Ok(file)
}

#[cfg(not(windows))]
fn unnamed(folder: &Path) -> Result<File> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use rustix::fs::{Mode, OFlags};
        // With the permissions of a file that is created, since it may get a name.
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        if let Ok(file) = rustix::fs::open(folder, flags, Mode::from_raw_mode(0o666)) {
            return Ok(file.into());
        }
        // Not every file system has O_TMPFILE.
    }
    let (path, file) = create_temporary(folder, folder, private(&mut OpenOptions::new()))?;
    std::fs::remove_file(&path).map_err(|source| Error::io("unlink the scratch file", source).in_file(Some(&path)))?;
    Ok(file)
}

/// Opened by nobody else, and deleted with the last handle.
#[cfg(windows)]
fn unnamed(folder: &Path) -> Result<File> {
    use std::os::windows::fs::OpenOptionsExt;
    const FILE_FLAG_DELETE_ON_CLOSE: u32 = 0x0400_0000;
    const FILE_ATTRIBUTE_TEMPORARY: u32 = 0x0000_0100;
    let mut options = OpenOptions::new();
    options.share_mode(0).attributes(FILE_ATTRIBUTE_TEMPORARY).custom_flags(FILE_FLAG_DELETE_ON_CLOSE);
    Ok(create_temporary(folder, folder, &mut options)?.1)
}
