//! Files that are made: built where nobody looks for them, and put in their place whole.
//!
//! # In which order
//!
//! 1. The content is written, and is on the disk before the file has its name.
//! 2. The target is looked at once more: what has come there since is replaced as it would have been at first, or not at
//!    all. Owner, permissions and access control list are those of the file that is replaced, or narrower.
//! 3. The file gets its name in one step, and the folder is on the disk before anybody is told so.
//!
//! So whoever opens the target finds the old file or the whole new one, when the program is killed and when the power
//! fails.
//!
//! # Where it is until then
//!
//! On Linux it has no name (`O_TMPFILE`) and goes with the program. It can be linked to a new name; to replace another
//! file it needs a temporary one first, and so it does on a file system that forgets at a power failure what was written
//! to a file without a name (Btrfs may). Elsewhere, and where there is no `O_TMPFILE`, it has a temporary name from the
//! beginning.
//!
//! A temporary name follows from the target's, and the file is locked as long as it has it. A program that is killed
//! leaves the file, and its lock goes; whoever makes the same target next finds the name, and a file that he can lock,
//! and deletes it. The first of the names is for those who all want to make the same file, of whom one is to do it: it
//! belongs to whoever makes the file of that name, and the others wait.

use super::FileId;
use super::file::{kind_of, open, set_len};
use super::lock::{RangeLock, Wait};
use crate::error::{Error, ErrorKind, Reason, Result};
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

pub(super) const EXISTS: &str =
    "create the file as a new one (`create` replaces one that exists, `open_mut` changes it)";

/// The byte, behind all that a file holds, that is locked while it has a temporary name.
const LOCK: u64 = (1 << 62) + 1;

/// How many temporary names a target has. More programs than these make the same one with names that nobody cleans up.
const NAMES: usize = 16;

/// Where a new file goes, and what is there now.
struct Target {
    /// Behind symbolic links: of them, the file they lead to is replaced and not the link. Absolute, so that it is the
    /// same wherever the program goes meanwhile.
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
            let source = io::Error::new(io::ErrorKind::InvalidInput, "the path does not end with a name");
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
                let advice = "; `write_to` and `npy::save_to` write to anything that is open";
                return Err(Reason::NotRegularFile { found, wanted: "replaced", advice }.error());
            }
            Ok(metadata) => {
                // Whoever may not write the old file may not replace it either, although the folder would let them. Asked
                // of the name that was given, so that the system's own rules for links are kept.
                open(target, true)?;
                Some(metadata)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(io(creating(&folder_of(&real)), source)),
        };
        Ok(Self { real, old })
    }
}

/// The path that leads to the same file wherever the program goes meanwhile; as it is, where none does: in a folder that
/// is gone, lies too deep, or below one that may not be searched.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    if folder_of(&whole).metadata().is_err() && folder_of(path).metadata().is_ok() { path.to_path_buf() } else { whole }
}

/// A file on its way to its name. Dropped before [`persist`](Self::persist), it goes and the target stays as it was.
pub(crate) struct NewFile {
    file: File,
    temporary: Option<Temporary>,
    /// As it was given, for errors.
    target: PathBuf,
    real: PathBuf,
    replace: bool,
    persisted: bool,
}

/// A name for a while.
struct Temporary {
    path: PathBuf,
    /// Where the system and the file system have locks.
    _lock: Option<RangeLock>,
}

/// Why a file has not got its name, and whether it has had any.
pub(super) struct NotNamed {
    pub(super) error: Error,
    pub(super) was_named: bool,
    /// Whether the system cannot give it a name in this place.
    pub(super) impossible: bool,
}

impl NotNamed {
    fn new(error: Error) -> Self {
        Self { error, was_named: false, impossible: false }
    }
}

impl NewFile {
    /// Begins an empty file, which is to be put in the target's place, or to be new there.
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

    /// Begins an empty file that is to be new, where many want to make the same one at the same time: of them, one does,
    /// and the others wait. `None` once the target is there. Should the one fail or be killed, the next does.
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
        Self { file, temporary, target: target.to_path_buf(), real, replace, persisted: false }
    }

    /// The file, to be written.
    pub(crate) fn handle(&self) -> Result<File> {
        let handle = self.file.try_clone();
        handle.map_err(|source| Error::io("keep the file open", source).in_file(Some(&self.target)))
    }

    /// Gives the file its length, of zeros, with `reserve` in blocks of its own on the disk.
    pub(crate) fn set_len(&self, len: u64, reserve: bool) -> Result<()> {
        set_len(&self.file, len, reserve).map_err(|error| error.at_bytes(0..len).in_file(Some(&self.target)))
    }

    /// Gives the file its name, in one step, once its content is on the disk; the name is there, too, when this returns.
    pub(crate) fn persist(&mut self) -> Result<()> {
        self.put_in_place().map_err(|failed| failed.error)
    }

    /// As [`persist`](Self::persist).
    pub(super) fn put_in_place(&mut self) -> Result<(), NotNamed> {
        if self.persisted {
            return Ok(());
        }
        let synced = self.file.sync_all();
        synced.map_err(|source| self.failed(Error::io("write the new file to the disk", source)))?;
        let remembered = remembers_unnamed(&self.file);
        loop {
            let Target { real, old } = Target::look(&self.real, self.replace).map_err(|error| self.failed(error))?;
            if real != self.real {
                let text = "a symbolic link has come in its place";
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
                // It has come in the meantime.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && self.replace => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
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

    /// Makes the file one that can be renamed.
    fn prepare(&mut self, old: Option<&fs::Metadata>, remembered: bool) -> Result<(), NotNamed> {
        if let Some(old) = old {
            let taken = take_over(&self.file, &self.real, old);
            taken.map_err(|source| self.failed(not_taken_over(source)))?;
        }
        if self.temporary.is_none() {
            // Locked before anybody can find it.
            let lock = RangeLock::take(&self.file, Some(LOCK..LOCK + 1), true).ok().flatten();
            let named = with_name(&self.real, lock.is_some(), |path| link(&self.file, path));
            let (path, ()) = named.map_err(|source| {
                let failed = self.failed(Error::io("put the new file in place", source));
                NotNamed { impossible: true, ..failed }
            })?;
            self.temporary = Some(Temporary { path, _lock: lock });
        }
        if !remembered {
            let synced = self.file.sync_all();
            synced.map_err(|source| self.failed(Error::io("write the new file to the disk", source)))?;
        }
        Ok(())
    }

    fn rename(&self, replace: bool) -> io::Result<()> {
        let Some(Temporary { path, .. }) = &self.temporary else { return Err(io::ErrorKind::NotFound.into()) };
        if !is_named(&self.file, path)? {
            let text = "its temporary name has become another's, as when the folder was replaced";
            return Err(io::Error::new(io::ErrorKind::NotFound, text));
        }
        if replace { fs::rename(path, &self.real) } else { rename_new(path, &self.real) }
    }

    fn failed(&self, error: Error) -> NotNamed {
        let was_named = self.temporary.is_some();
        NotNamed { was_named, ..NotNamed::new(error.in_file(Some(&self.target))) }
    }

    /// Leaves the file where it is, by a name that nobody cleans up, if it has one.
    pub(super) fn leave(mut self) -> Option<PathBuf> {
        // Locked until it has that name.
        let temporary = self.temporary.take()?;
        let kept = temporary_name(&folder_of(&self.real));
        match rename_new(&temporary.path, &kept) {
            Ok(()) => Some(kept),
            Err(_) => Some(temporary.path.clone()),
        }
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if let Some(Temporary { path, .. }) = &self.temporary {
            // While it is locked. Nothing more can be done about a file that does not go.
            let _ = remove_named(&self.file, path);
        }
    }
}

impl Temporary {
    /// Locks a file that was made by this name; `None` where somebody has found it before and taken it for left behind.
    fn of(path: PathBuf, file: &File) -> Result<Option<Self>> {
        let taken = RangeLock::take(file, Some(LOCK..LOCK + 1), true);
        let named = |lock| match is_named(file, &path) {
            Ok(true) => Ok(Some(Self { path: path.clone(), _lock: lock })),
            Ok(false) => Ok(None),
            Err(source) => Err(Error::io("find the new file", source)),
        };
        let found = match taken {
            Ok(Some(lock)) => named(Some(lock)),
            Ok(None) => Ok(None),
            Err(error) if error.kind() == ErrorKind::Unsupported => named(None),
            Err(error) => Err(error),
        };
        found.inspect_err(|_| {
            let _ = fs::remove_file(&path);
        })
    }
}

/// Whether a name is that of an open file, itself and not by a symbolic link.
fn is_named(file: &File, path: &Path) -> io::Result<bool> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let own = file.metadata()?;
        match path.symlink_metadata() {
            Ok(named) => Ok((named.dev(), named.ino()) == (own.dev(), own.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
    #[cfg(not(unix))]
    match open_to_look(path) {
        Ok(named) => is_same(file, &named),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether a path leads to an open file.
pub(crate) fn is_at(file: &File, path: &Path) -> Result<bool> {
    match open(path, false) {
        Ok(named) => is_same(file, &named).map_err(|source| Error::io("tell the file from others", source)),
        Err(error) if error.io_kind() == Some(io::ErrorKind::NotFound) => Ok(false),
        Err(error) => Err(error),
    }
}

fn is_same(one: &File, other: &File) -> io::Result<bool> {
    Ok(FileId::of(one)? == FileId::of(other)?)
}

/// Deletes a name of an open file, unless it has become another's.
fn remove_named(file: &File, path: &Path) -> io::Result<()> {
    if is_named(file, path)? { fs::remove_file(path) } else { Ok(()) }
}

/// Opens what may be anybody's, and anything.
fn open_to_look(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        std::os::unix::fs::OpenOptionsExt::custom_flags(
            &mut options,
            (OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY).bits() as i32,
        );
    }
    options.open(path)
}

/// Whether a file belongs to the user that this program runs as.
fn is_mine(file: &File) -> bool {
    #[cfg(unix)]
    {
        // SAFETY: without conditions.
        let user = unsafe { libc::geteuid() };
        file.metadata().is_ok_and(|metadata| std::os::unix::fs::MetadataExt::uid(&metadata) == user)
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        true
    }
}

/// What a temporary name was found to be.
enum Found {
    /// Nobody's any more.
    Gone,
    /// Somebody's who lives.
    Used,
    /// Nobody can tell.
    Unknown,
}

/// Deletes what a program that was killed has left by a temporary name.
fn clean_up(path: &Path) -> Found {
    let file = match open_to_look(path) {
        Ok(file) if file.metadata().is_ok_and(|metadata| metadata.is_file()) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Found::Gone,
        _ => return Found::Unknown,
    };
    match RangeLock::take(&file, Some(LOCK..LOCK + 1), true) {
        // Another user's may be locked for ever, to no end but that.
        Ok(None) if !is_mine(&file) => Found::Unknown,
        Ok(None) => Found::Used,
        Err(_) => Found::Unknown,
        // Whoever deletes a file of such a name has it locked. So it stays while this lock is held.
        Ok(Some(_lock)) => match remove_named(&file, path) {
            Ok(()) => Found::Gone,
            Err(_) => Found::Unknown,
        },
    }
}

/// Deletes what programs that were killed have left of a target.
fn sweep(target: &Path) {
    for number in 0..NAMES {
        clean_up(&name_of(target, number));
    }
}

/// One of the temporary names of a target, in its folder.
fn name_of(target: &Path, number: usize) -> PathBuf {
    // FNV-1a: the same in every program. Targets that share a name share its locks as well.
    let name = target.file_name().unwrap_or_default().as_encoded_bytes();
    let hash = name
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    folder_of(target).join(format!(".mmap-array-{hash:016x}-{number}.tmp"))
}

/// Makes a file by a temporary name of the target's, or by one that nobody cleans up where it is not `locked`.
fn with_name<T>(target: &Path, locked: bool, mut make: impl FnMut(&Path) -> io::Result<T>) -> io::Result<(PathBuf, T)> {
    let mut names = (1..NAMES).filter(|_| locked).map(|number| name_of(target, number));
    let folder = folder_of(target);
    loop {
        let path = names.next().unwrap_or_else(|| temporary_name(&folder));
        match make(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|made| (path, made)),
        }
    }
}

/// Begins a file without a name, where the system can give it one later, or with a temporary one.
fn begin(target: &Path, private: bool) -> Result<(File, Option<Temporary>)> {
    let folder = folder_of(target);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Some(file) = unnamed(&folder, if private { 0o600 } else { 0o666 }).filter(can_be_linked) {
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

/// A file without a name, where the file system has such.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn unnamed(folder: &Path, mode: u32) -> Option<File> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    rustix::fs::open(folder, flags, Mode::from_raw_mode(mode)).ok().map(File::from)
}

/// Whether [`link`] will find the file.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn can_be_linked(file: &File) -> bool {
    by_number(file).symlink_metadata().is_ok()
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn by_number(file: &File) -> PathBuf {
    use std::os::fd::AsRawFd;
    format!("/proc/self/fd/{}", file.as_raw_fd()).into()
}

/// Gives a file that has no name one that no file has.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn link(file: &File, path: &Path) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, linkat};
    use rustix::io::Errno;
    // The first way needs a privilege, or Linux 6.10; the second /proc.
    let linked = linkat(file, "", CWD, path, AtFlags::EMPTY_PATH).or_else(|error| match error {
        Errno::EXIST => Err(error),
        _ => linkat(CWD, by_number(file), CWD, path, AtFlags::SYMLINK_FOLLOW),
    });
    linked.map_err(io::Error::from)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn link(_: &File, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Deletes a file that others may have open. Its name is free at once.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    // Not every Windows, nor every file system there, lets go of a name before the last handle is closed, but all give a
    // file another one.
    #[cfg(windows)]
    if let Ok((other, file)) = create_temporary(&folder_of(path), &mut OpenOptions::new()) {
        drop(file);
        let renamed = fs::rename(path, &other);
        let _ = fs::remove_file(&other);
        if renamed.is_ok() {
            return Ok(());
        }
    }
    fs::remove_file(path)
}

/// Renames unless the target exists, in one step where the system can.
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            // A file system, or a kernel, that cannot.
            Err(error) if matches!(error, Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) || error == Errno::NOTSUP => {
            }
            renamed => return renamed.map_err(io::Error::from),
        }
    }
    #[cfg(windows)]
    match move_new(from, to) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {}
        moved => return moved,
    }
    #[cfg(unix)]
    match fs::hard_link(from, to) {
        Ok(()) => {
            // The file has its name; another one that does not go is no reason to say that it has not.
            let _ = fs::remove_file(from);
            return Ok(());
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
        Err(_) => {}
    }
    claim_and_rename(from, to)
}

/// Renames unless the target exists, as [`fs::rename`] never does.
#[cfg(windows)]
fn move_new(from: &Path, to: &Path) -> io::Result<()> {
    use std::os::windows::ffi::OsStrExt;
    use windows_sys::Win32::Storage::FileSystem::MoveFileExW;
    let [from, to] = [from, to].map(|path| path.as_os_str().encode_wide().chain([0]).collect::<Vec<u16>>());
    // SAFETY: both are strings that end with a zero and outlive the call.
    match unsafe { MoveFileExW(from.as_ptr(), to.as_ptr(), 0) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Claims the name with an empty file, which nobody can while another has it, then puts the file over the claim.
fn claim_and_rename(from: &Path, to: &Path) -> io::Result<()> {
    File::create_new(to)?;
    fs::rename(from, to).inspect_err(|_| {
        // The claim is ours, and empty.
        let _ = fs::remove_file(to);
    })
}

/// Whether what was synced of a file without a name is there after a power failure, once it has a name that was synced.
fn remembers_unnamed(file: &File) -> bool {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    return super::filesystem::FileSystem::of(file).is_ok_and(super::filesystem::FileSystem::remembers_unnamed);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        let _ = file;
        true
    }
}

/// Has the names of the files in a file's folder written to the disk, so that they outlast a power failure. Windows has
/// no such call, and writes them in their order.
pub(crate) fn sync_folder(path: &Path) -> Result<()> {
    #[cfg(unix)]
    {
        let synced = File::open(folder_of(path)).and_then(|folder| folder.sync_all());
        match synced {
            // Not every file system can, nor may every folder that is written be read.
            Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::PermissionDenied) => {}
            synced => synced.map_err(|source| {
                let text =
                    "write the folder to the disk; the file has its name, which a power failure may take from it";
                Error::io(text, source).in_file(Some(path))
            })?,
        }
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

pub(super) fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

/// What fails where a file cannot be created in a folder.
pub(super) fn creating(folder: &Path) -> &'static str {
    match folder.is_dir() {
        true => "create a file in the folder",
        false => "create the file: its parent folder does not exist or is no folder",
    }
}

/// A name in the folder that nobody is likely to have taken.
fn temporary_name(folder: &Path) -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    // Nobody else is to guess it.
    let random = RandomState::new().hash_one(count);
    folder.join(format!(".mmap-array-{:x}-{random:016x}.tmp", std::process::id()))
}

/// Creates a file of a name that no file has yet.
pub(super) fn create_temporary(folder: &Path, options: &mut OpenOptions) -> Result<(PathBuf, File)> {
    options.read(true).write(true).create_new(true);
    let made = with_name(&folder.join(OsStr::new("_")), false, |path| options.open(path));
    made.map_err(|source| Error::io(creating(folder), source))
}

fn not_taken_over(source: io::Error) -> Error {
    Error::io("keep the permissions of the file", source)
}

/// Gives a file the owner, the group and the permissions of the one that it will replace, as far as the system lets us,
/// and never wider ones.
#[cfg(unix)]
fn take_over(file: &File, path: &Path, old: &fs::Metadata) -> io::Result<()> {
    use rustix::fs::{Gid, Uid, fchown};
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let (owner, group) = (Some(Uid::from_raw(old.uid())), Some(Gid::from_raw(old.gid())));
    let mine = file.metadata()?;
    let is_same = (mine.uid(), mine.gid()) == (old.uid(), old.gid()) || fchown(file, owner, group).is_ok();
    let has_group = is_same || mine.gid() == old.gid() || fchown(file, None, group).is_ok();
    let list = acl::of(path)?;
    if list.is_some() && is_same && acl::set(file, list.as_deref()).is_ok() {
        // The list has the permissions too.
        return Ok(());
    }
    // One that the folder gives to every file would let in whoever was kept out.
    acl::set(file, None)?;
    // Never the bits by which a program runs as its owner: they were given to other bytes.
    let mut mode = old.mode() & 0o777;
    if list.is_some() {
        // It may keep anybody out whom nobody knows here.
        mode &= 0o700;
    }
    let (user, group) = (mode >> 6 & 0o7, mode >> 3 & 0o7);
    if !has_group {
        // Who was of the old group is anybody now, and the new one is another: both get what either had.
        mode = mode & 0o700 | ((mode & 0o007 & group) * 0o11);
    }
    if file.metadata()?.uid() != old.uid() {
        // So is who was the owner.
        mode = mode & 0o770 | mode & 0o007 & user;
    }
    if file.metadata()?.mode() & 0o777 == mode {
        // Not every file system can change what is right already.
        return Ok(());
    }
    file.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn take_over(file: &File, _: &Path, old: &fs::Metadata) -> io::Result<()> {
    file.set_permissions(old.permissions())
}

/// Access control lists ([`acl(5)`](https://man7.org/linux/man-pages/man5/acl.5.html)), as Linux keeps them.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod acl {
    use super::{File, Path, io};
    use rustix::fs::{XattrFlags, fremovexattr, fsetxattr, getxattr};
    use rustix::io::Errno;

    const NAME: &str = "system.posix_acl_access";

    /// The list of a file, which has more than the permissions have.
    pub(super) fn of(path: &Path) -> io::Result<Option<Vec<u8>>> {
        // The most that an attribute can have.
        let mut bytes = vec![0; 1 << 16];
        match getxattr(path, NAME, &mut bytes) {
            Ok(0) | Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::NOSYS) => Ok(None),
            Ok(len) => {
                bytes.truncate(len);
                Ok(Some(bytes))
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn set(file: &File, list: Option<&[u8]>) -> io::Result<()> {
        let set = match list {
            Some(list) => fsetxattr(file, NAME, list, XattrFlags::empty()),
            None => match fremovexattr(file, NAME) {
                Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
                removed => removed,
            },
        };
        set.map_err(io::Error::from)
    }
}

#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
mod acl {
    use super::{File, Path, io};

    pub(super) fn of(_: &Path) -> io::Result<Option<Vec<u8>>> {
        Ok(None)
    }

    pub(super) fn set(_: &File, _: Option<&[u8]>) -> io::Result<()> {
        Ok(())
    }
}

/// Makes a new file its owner's alone, until [`take_over`] says more.
pub(super) fn make_private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::thread;
    use std::time::Duration;

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
        let used = Temporary::of(name_of(&target, 2), &used).unwrap();
        let mut new = NewFile::create(&target, true).unwrap();
        new.handle().unwrap().write_all(b"new").unwrap();
        new.persist().unwrap();
        let has_locks = used.as_ref().unwrap()._lock.is_some();
        assert_eq!(names(folder.path()).len(), if has_locks { 2 } else { 5 });
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
                    if before > 2 || new.temporary.as_ref().unwrap()._lock.is_none() {
                        let _ = new.persist();
                    }
                });
            }
        });
        assert!(target.exists() && made.load(Ordering::SeqCst) >= 4);
        assert_eq!(names(folder.path()), ["out"]);
    }

    #[test]
    fn a_new_name_is_never_taken_from_another_file() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        for rename in [rename_new, claim_and_rename] {
            fs::write(&from, "new").unwrap();
            fs::write(&to, "old").unwrap();
            assert_eq!(rename(&from, &to).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(fs::read(&to).unwrap(), b"old");
            fs::remove_file(&to).unwrap();
            rename(&from, &to).unwrap();
            assert_eq!((fs::read(&to).unwrap(), from.exists()), (b"new".to_vec(), false));
            assert_eq!(rename(&from, &to.with_extension("none")).unwrap_err().kind(), io::ErrorKind::NotFound);
            assert!(!to.with_extension("none").exists());
        }
    }
}
