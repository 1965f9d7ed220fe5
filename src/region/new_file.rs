//! New files: written under a temporary name or none, and put in their place whole.
//!
//! # Order of steps
//!
//! 1. The content is written, and is on the disk before the file has its name.
//! 2. The target is looked up once more: whatever has appeared there since is replaced as it would have been at first,
//!    or not at all. Owner, permissions and access control list are those of the file that is replaced, or narrower.
//! 3. The file gets its name in one step, and the folder is on the disk before the function returns.
//!
//! So opening the target gives the old file or the whole new one, even if the program is killed or the power fails.
//!
//! # Where the file is until then
//!
//! On Linux the file has no name (`O_TMPFILE`) and is gone when the program ends. It can be linked to a new name. To
//! replace another file it first needs a temporary name, and also on a file system that may lose, at a power failure,
//! what was written to a file without a name (Btrfs may). On other systems, and without `O_TMPFILE`, it has a temporary
//! name from the beginning.
//!
//! A file that a killed program leaves by a temporary name is deleted when the next file is created for the same
//! target.

use super::file::{kind_of, open, set_len};
use super::forks::OwnFile;
use super::lock::Wait;
use super::names::{
    Found, Temporary, clean_up, creating, folder_of, name_of, rename_new, sweep, temporary_name, with_name,
};
use super::permissions::{make_private, take_over};
use crate::error::{Error, Reason, Result};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

pub(super) const EXISTS: &str =
    "create the file as a new one (`create`, `save` and `persist` replace an existing file, `open_mut` changes it)";

/// The number of times that a target may appear and disappear while a file is put in its place: for some seconds.
const MOST_CHANGES: usize = 100;

/// The place of a new file, and the file that is there now.
struct Target {
    /// The path behind symbolic links: the file that they lead to is replaced and not the link. Absolute, so that it is
    /// the same if the program changes its working directory.
    real: PathBuf,
    old: Option<fs::Metadata>,
}

impl Target {
    fn look(target: &Path, replace: bool) -> Result<Self> {
        let io = |action, source| Error::io(action, source);
        let exists = || io(EXISTS, io::ErrorKind::AlreadyExists.into());
        let name = target.as_os_str().as_encoded_bytes();
        let is_folder = name.last() == Some(&b'/') || cfg!(windows) && name.last() == Some(&b'\\');
        if is_folder || target.file_name().is_none() {
            let source = io::Error::new(io::ErrorKind::InvalidInput, "the path does not end with a file name");
            return Err(io("create the file", source));
        }
        // Through a symbolic link, the file it leads to is replaced and not the link.
        let real = match target.is_symlink() {
            true if !replace => return Err(exists()),
            true => fs::canonicalize(target).map_err(|source| io("follow the symbolic link", source))?,
            false => absolute(target),
        };
        let old = match fs::metadata(&real) {
            Ok(_) if !replace => return Err(exists()),
            Ok(metadata) if !metadata.is_file() => {
                let found = kind_of(&metadata);
                let advice = "; `write_to` and `npy::save_to` write to any open file";
                return Err(Reason::NotRegularFile { found, wanted: "replaced", advice }.error());
            }
            Ok(metadata) => {
                // Whoever may not write the old file may not replace it either, although the folder would let them.
                // Asked of the name that was given, so that the system's own rules for links are kept.
                open(target, true)?;
                Some(metadata)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(io(creating(&folder_of(&real)), source)),
        };
        Ok(Self { real, old })
    }
}

/// Returns a path that leads to the same file even if the program changes its working directory. Returns the path as it
/// is if there is no such path: in a folder that is deleted, too deep, or below one that may not be searched.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    if folder_of(&whole).metadata().is_err() && folder_of(path).metadata().is_ok() { path.to_path_buf() } else { whole }
}

/// A new file that has no final name yet. If it is dropped before [`persist`](Self::persist), it is deleted and the
/// target stays as it was.
pub(crate) struct NewFile {
    file: File,
    temporary: Option<Temporary>,
    /// The path as it was given, for errors.
    target: PathBuf,
    real: PathBuf,
    replace: bool,
    persisted: bool,
    process: u32,
}

/// The reason why a file did not get its name, and whether it has had any.
pub(super) struct NotNamed {
    pub(super) error: Error,
    pub(super) was_named: bool,
    /// Whether the system cannot give the file a name in this place.
    pub(super) impossible: bool,
}

impl NotNamed {
    fn new(error: Error) -> Self {
        Self { error, was_named: false, impossible: false }
    }
}

impl NewFile {
    /// Creates an empty file, which is to replace the target, or to be new there.
    pub(crate) fn create(target: &Path, replace: bool) -> Result<Self> {
        let create = || {
            let Target { real, old } = Target::look(target, replace)?;
            sweep(&real);
            let (file, temporary) = begin(&real, old.is_some())?;
            let new = Self::new(file, temporary, target, real, replace);
            if let Some(old) = old {
                take_over(&new.file, &new.real, &old).map_err(not_taken_over)?;
            }
            Ok(new)
        };
        create().map_err(|error: Error| error.in_file(Some(target)))
    }

    /// Creates an empty file that is to be new, for programs that all want to create the same file at the same time:
    /// one of them does, and the others wait. Returns `None` once the target exists. If the one fails or is killed, the
    /// next creates it.
    pub(crate) fn create_alone(target: &Path) -> Result<Option<Self>> {
        let mut wait = Wait::new();
        loop {
            let real = match Target::look(target, false) {
                Ok(Target { real, .. }) => real,
                Err(error) if error.io_kind() == Some(io::ErrorKind::AlreadyExists) => return Ok(None),
                Err(error) => return Err(error.in_file(Some(target))),
            };
            let path = name_of(&real, 0);
            match OpenOptions::new().read(true).write(true).create_new(true).open(&path) {
                Ok(file) => {
                    let temporary = Temporary::of(path, &file).map_err(|error| error.in_file(Some(target)))?;
                    let Some(temporary) = temporary else { continue };
                    let new = Self::new(file, Some(temporary), target, real, false);
                    // It may have come before the name was free.
                    match new.real.symlink_metadata() {
                        Ok(_) => return Ok(None),
                        Err(_) => return Ok(Some(new)),
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match clean_up(&path) {
                    Found::Gone => {}
                    Found::Used => wait.again(),
                    Found::Unknown => return Self::create(target, false).map(Some),
                },
                Err(source) => {
                    return Err(Error::io(creating(&folder_of(&real)), source).in_file(Some(target)));
                }
            }
        }
    }

    /// Takes a file that has no name.
    pub(super) fn of_unnamed(file: File, target: &Path, replace: bool) -> Result<Self> {
        let Target { real, .. } = Target::look(target, replace)?;
        sweep(&real);
        Ok(Self::new(file, None, target, real, replace))
    }

    fn new(file: File, temporary: Option<Temporary>, target: &Path, real: PathBuf, replace: bool) -> Self {
        let (target, process) = (target.to_path_buf(), std::process::id());
        Self { file, temporary, target, real, replace, persisted: false, process }
    }

    /// Returns the file, for writing.
    pub(crate) fn handle(&self) -> Result<File> {
        let handle = self.file.try_clone();
        handle.map_err(|source| Error::io("keep the file open", source).in_file(Some(&self.target)))
    }

    /// Opens the file once more, so that nothing else shares its locks.
    pub(crate) fn again(&self) -> Result<OwnFile> {
        let path = self.temporary.as_ref().map(Temporary::path);
        let again = OwnFile::again(&self.file, path);
        again.map_err(|source| Error::io("open the file once more", source).in_file(Some(&self.target)))
    }

    /// Extends the file to `len` bytes of zeros; with `reserve`, also allocates their disk blocks.
    pub(crate) fn set_len(&self, len: u64, reserve: bool) -> Result<()> {
        set_len(&self.file, len, reserve).map_err(|error| error.at_bytes(0..len).in_file(Some(&self.target)))
    }

    /// Gives the file its name, in one step, once its content is on the disk. The name is on the disk, too, when this
    /// returns.
    pub(crate) fn persist(&mut self) -> Result<()> {
        self.put_in_place().map_err(|failed| failed.error)
    }

    /// Does the work of [`persist`](Self::persist).
    pub(super) fn put_in_place(&mut self) -> Result<(), NotNamed> {
        if self.persisted {
            return Ok(());
        }
        let synced = self.file.sync_all();
        synced.map_err(|source| self.failed(Error::io("write the new file to the disk", source)))?;
        let remembered = remembers_unnamed(&self.file);
        let (mut changes, mut wait) = (0, Wait::new());
        loop {
            let Target { real, old } = Target::look(&self.real, self.replace).map_err(|error| self.failed(error))?;
            if real != self.real {
                let text = "a symbolic link has appeared in its place";
                let error = io::Error::new(io::ErrorKind::AlreadyExists, text);
                return Err(self.failed(Error::io("put the new file in place", error)));
            }
            let named = match &old {
                None if self.temporary.is_none() && remembered => link(&self.file, &self.real),
                old => {
                    self.prepare(old.as_ref(), remembered)?;
                    self.rename(old.is_some())
                }
            };
            match named {
                Ok(()) => break,
                // It has come in the meantime. Some file systems say so for a while of one that has gone.
                Err(error)
                    if error.kind() == io::ErrorKind::AlreadyExists && self.replace && changes < MOST_CHANGES =>
                {
                    changes += 1;
                    wait.again();
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && !self.replace => {
                    return Err(self.failed(Error::io(EXISTS, error)));
                }
                Err(source) => {
                    let impossible = self.temporary.is_none();
                    let failed = self.failed(Error::io("put the new file in place", source));
                    return Err(NotNamed { impossible, ..failed });
                }
            }
        }
        (self.temporary, self.persisted) = (None, true);
        sync_folder(&self.real).map_err(|error| {
            let failed = self.failed(error);
            NotNamed { was_named: true, ..failed }
        })
    }

    /// Prepares the file for being renamed.
    fn prepare(&mut self, old: Option<&fs::Metadata>, remembered: bool) -> Result<(), NotNamed> {
        if let Some(old) = old {
            let taken = take_over(&self.file, &self.real, old);
            taken.map_err(|source| self.failed(not_taken_over(source)))?;
        }
        if self.temporary.is_none() {
            let named = Temporary::link(&self.file, &self.real, |path| link(&self.file, path));
            self.temporary = Some(named.map_err(|source| {
                let failed = self.failed(Error::io("put the new file in place", source));
                NotNamed { impossible: true, ..failed }
            })?);
        }
        if !remembered {
            let synced = self.file.sync_all();
            synced.map_err(|source| self.failed(Error::io("write the new file to the disk", source)))?;
        }
        Ok(())
    }

    fn rename(&self, replace: bool) -> io::Result<()> {
        let Some(temporary) = &self.temporary else { return Err(io::ErrorKind::NotFound.into()) };
        if !temporary.is_of(&self.file)? {
            let text = "its temporary name is now that of another file, as when the folder was replaced";
            return Err(io::Error::new(io::ErrorKind::NotFound, text));
        }
        let path = temporary.path();
        if replace { fs::rename(path, &self.real) } else { rename_new(path, &self.real) }
    }

    fn failed(&self, error: Error) -> NotNamed {
        let was_named = self.temporary.is_some();
        NotNamed { was_named, ..NotNamed::new(error.in_file(Some(&self.target))) }
    }

    /// Leaves the file in its folder, by a name that is never cleaned up, if it has a name. Returns that name.
    pub(super) fn leave(mut self) -> Option<PathBuf> {
        // Locked until it has that name.
        let temporary = self.temporary.take()?;
        let kept = temporary_name(&folder_of(&self.real));
        match rename_new(temporary.path(), &kept) {
            Ok(()) => Some(kept),
            Err(_) => Some(temporary.path().to_path_buf()),
        }
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // In a fork the file is not its own.
        if let Some(temporary) = self.temporary.as_ref().filter(|_| self.process == std::process::id()) {
            // While it is locked. Nothing more can be done about a file that does not go.
            let _ = temporary.remove(&self.file);
        }
    }
}

/// Creates a file without a name, if the system can give it one later, or with a temporary name.
fn begin(target: &Path, private: bool) -> Result<(File, Option<Temporary>)> {
    let folder = folder_of(target);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Some(file) =
        unnamed(&folder, if private { 0o600 } else { 0o666 }).filter(|file| found_by_number(file).is_some())
    {
        return Ok((file, None));
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    if private {
        make_private(&mut options);
    }
    loop {
        let made = with_name(target, true, |path| options.open(path));
        let (path, file) = made.map_err(|source| Error::io(creating(&folder), source))?;
        if let Some(temporary) = Temporary::of(path, &file)? {
            return Ok((file, Some(temporary)));
        }
    }
}

/// Creates a file without a name, if the file system supports it.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn unnamed(folder: &Path, mode: u32) -> Option<File> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    rustix::fs::open(folder, flags, Mode::from_raw_mode(mode)).ok().map(File::from)
}

/// Returns the name by which [`link`] finds the file, if there is one.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn found_by_number(file: &File) -> Option<PathBuf> {
    use std::os::unix::fs::MetadataExt;
    let own = file.metadata().ok()?;
    let is_own = |found: fs::Metadata| (found.dev(), found.ino()) == (own.dev(), own.ino());
    super::file::by_number(file).into_iter().find(|name| fs::metadata(name).is_ok_and(is_own))
}

/// Gives a file without a name a name that no other file has.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn link(file: &File, path: &Path) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, linkat};
    use rustix::io::Errno;
    // The first way needs a privilege, or Linux 6.10; the second /proc.
    let linked = linkat(file, "", CWD, path, AtFlags::EMPTY_PATH).or_else(|error| match error {
        Errno::EXIST => Err(error),
        _ => match found_by_number(file) {
            Some(name) => linkat(CWD, name, CWD, path, AtFlags::SYMLINK_FOLLOW),
            None => Err(error),
        },
    });
    linked.map_err(io::Error::from)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn link(_: &File, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Returns whether the synced content of a file without a name survives a power failure, once the file has a name that
/// was synced.
fn remembers_unnamed(file: &File) -> bool {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    return super::filesystem::FileSystem::of(file).is_ok_and(super::filesystem::FileSystem::remembers_unnamed);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        let _ = file;
        true
    }
}

/// Writes the names in a file's folder to the disk, so that they survive a power failure. Windows has no such call, and
/// writes names in their order.
pub(crate) fn sync_folder(path: &Path) -> Result<()> {
    #[cfg(unix)]
    {
        let synced = File::open(folder_of(path)).and_then(|folder| folder.sync_all());
        match synced {
            // Not every file system can, nor may every folder that is written be read.
            Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::PermissionDenied) => {}
            synced => synced.map_err(|source| {
                let text = "write the folder to the disk; the file has its name, but may lose it at a power failure";
                Error::io(text, source).in_file(Some(path))
            })?,
        }
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

fn not_taken_over(source: io::Error) -> Error {
    Error::io("keep the permissions of the file", source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::RangeLock;
    use std::io::Write;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;
    use std::time::Duration;

    fn has_locks() -> bool {
        RangeLock::take(&tempfile::tempfile().unwrap(), Some(0..1), true).is_ok()
    }

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_new_file_that_is_not_persisted_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out");
        let new = NewFile::create(&target, true).unwrap();
        new.set_len(100, false).unwrap();
        drop(new);
        assert!(names(folder.path()).is_empty());
        let new = NewFile::create_alone(&target).unwrap().unwrap();
        new.set_len(100, false).unwrap();
        assert_eq!(names(folder.path()).len(), 1);
        drop(new);
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn what_was_left_goes_with_the_next_file_and_what_is_used_stays() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out");
        let left = [0, 1, 5].map(|number| name_of(&target, number));
        left.iter().for_each(|path| fs::write(path, "left").unwrap());
        let used = File::create(name_of(&target, 2)).unwrap();
        let _used = Temporary::of(name_of(&target, 2), &used).unwrap();
        let mut new = NewFile::create(&target, true).unwrap();
        new.handle().unwrap().write_all(b"new").unwrap();
        new.persist().unwrap();
        assert_eq!(names(folder.path()).len(), if has_locks() { 2 } else { 5 });
        assert_eq!(fs::read(&target).unwrap(), b"new");
    }

    #[test]
    fn what_is_left_on_purpose_is_not_cleaned_up() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out");
        let new = NewFile::create_alone(&target).unwrap().unwrap();
        new.handle().unwrap().write_all(b"all there is").unwrap();
        let left = new.leave().unwrap();
        NewFile::create(&target, true).unwrap().persist().unwrap();
        assert_eq!(fs::read(left).unwrap(), b"all there is");
    }

    #[test]
    #[cfg(unix)]
    fn a_name_that_has_become_anothers_is_neither_renamed_nor_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out");
        let mut new = NewFile::create_alone(&target).unwrap().unwrap();
        let name = name_of(&target, 0);
        fs::remove_file(&name).unwrap();
        fs::write(&name, "another's").unwrap();
        new.persist().unwrap_err();
        drop(new);
        assert_eq!((fs::read(&name).unwrap(), target.exists()), (b"another's".to_vec(), false));
    }

    #[test]
    fn of_many_who_want_to_make_a_file_one_does_and_the_next_when_it_fails() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out");
        let made = AtomicUsize::new(0);
        thread::scope(|threads| {
            for _ in 0..8 {
                threads.spawn(|| {
                    let Some(mut new) = NewFile::create_alone(&target).unwrap() else { return };
                    let before = made.fetch_add(1, Ordering::SeqCst);
                    thread::sleep(Duration::from_millis(20));
                    // Where nothing can be locked, all do, and one gets the name.
                    if before > 2 || !has_locks() {
                        let _ = new.persist();
                    }
                });
            }
        });
        assert!(target.exists() && made.load(Ordering::SeqCst) >= 4);
        assert_eq!(names(folder.path()), ["out"]);
    }
}
