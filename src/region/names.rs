//! Names of files: temporary names, names that are given without replacing a file, and their removal.
//!
//! A temporary name is derived from the target's, and the file is locked as long as it has that name. If a program is
//! killed, the file stays and its lock is released; the next program that creates the same target finds the name, can
//! lock the file, and deletes it. The first of the names is for programs that all want to create the same file, which
//! only one of them is to do: the name belongs to the program that creates a file of that name, and the others wait.

use super::forks::OwnFile;
use super::lock::RangeLock;
use crate::error::{Error, Result};
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The byte, beyond anything that a file holds, that is locked while the file has a temporary name.
const LOCK: u64 = (1 << 62) + 1;

/// The number of temporary names of a target. If more programs create the same target, they use names that are never
/// cleaned up.
const NAMES: usize = 16;

/// The temporary name of a new file.
pub(super) struct Temporary {
    path: PathBuf,
    /// The lock on the file, if the system and the file system have locks.
    lock: Option<RangeLock>,
}

impl Temporary {
    /// Locks a file that was created by this name; `None` if another program found the file first and took it for a
    /// leftover.
    pub(super) fn of(path: PathBuf, file: &File) -> Result<Option<Self>> {
        let mut temporary = Self { path, lock: None };
        let found = match lock(file, &temporary.path) {
            Ok(None) => Ok(false),
            Ok(lock) => {
                temporary.lock = lock;
                temporary.is_of(file)
            }
            // It serves to clean up alone. Who has locks would take it for left behind.
            Err(_) => temporary.hide().and_then(|()| temporary.is_of(file)),
        };
        let found = found.inspect_err(|_| {
            let _ = temporary.remove(file);
        });
        let found = found.map_err(|source| Error::io("find the new file", source))?;
        Ok(found.then_some(temporary))
    }

    /// Gives one of the target's temporary names to a file without a name, which is locked before anybody can find it.
    pub(super) fn link(file: &File, target: &Path, link: impl FnMut(&Path) -> io::Result<()>) -> io::Result<Self> {
        let lock = lock(file, target).ok().flatten();
        let (path, ()) = with_name(target, lock.is_some(), link)?;
        Ok(Self { path, lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns whether this is still the name of the file.
    pub(super) fn is_of(&self, file: &File) -> io::Result<bool> {
        is_named(file, &self.path)
    }

    /// Deletes the name, unless it has become another file's.
    pub(super) fn remove(&self, file: &File) -> io::Result<()> {
        remove_named(file, &self.path)
    }

    /// Changes the name to one that is never cleaned up.
    fn hide(&mut self) -> io::Result<()> {
        let hidden = temporary_name(&folder_of(&self.path));
        rename_new(&self.path, &hidden)?;
        self.path = hidden;
        Ok(())
    }
}

/// Locks a file that has a temporary name; `None` if another program has locked it.
fn lock(file: &File, path: &Path) -> Result<Option<RangeLock>> {
    let own = OwnFile::again(file, Some(path)).map_err(|source| Error::io("open the file once more", source))?;
    RangeLock::take_by(&Arc::new(own), Some(LOCK..LOCK + 1), true)
}

/// Returns whether a name is that of an open file itself, and not of a symbolic link to it.
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
        Ok(named) => super::identity::is_same(file, &named),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Deletes a name of an open file, unless it has become another file's.
fn remove_named(file: &File, path: &Path) -> io::Result<()> {
    if is_named(file, path)? { fs::remove_file(path) } else { Ok(()) }
}

/// Opens a file that may belong to anybody and be of any type.
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

/// Returns whether a file belongs to the user that this program runs as.
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

/// The state of a temporary name.
pub(super) enum Found {
    /// Nobody uses the name any more.
    Gone,
    /// A running program uses the name.
    Used,
    /// It is unknown whether the name is used.
    Unknown,
}

/// Deletes the file that a killed program has left by a temporary name.
pub(super) fn clean_up(path: &Path) -> Found {
    let file = match OwnFile::open(|| open_to_look(path)) {
        Ok(file) if file.metadata().is_ok_and(|metadata| metadata.is_file()) => Arc::new(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Found::Gone,
        _ => return Found::Unknown,
    };
    match RangeLock::take_by(&file, Some(LOCK..LOCK + 1), true) {
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

/// Deletes the files that killed programs have left by the temporary names of a target.
pub(super) fn sweep(target: &Path) {
    for number in 0..NAMES {
        clean_up(&name_of(target, number));
    }
}

/// Returns one of the temporary names of a target, in its folder.
pub(super) fn name_of(target: &Path, number: usize) -> PathBuf {
    // FNV-1a: the same in every program. Targets that share a name share its locks as well.
    let name = target.file_name().unwrap_or_default().as_encoded_bytes();
    let hash = name
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    folder_of(target).join(format!(".mmap-array-{hash:016x}-{number}.tmp"))
}

/// Creates a file by a temporary name of the target's, or by a name that is never cleaned up if it is not `locked`.
pub(super) fn with_name<T>(
    target: &Path,
    locked: bool,
    mut make: impl FnMut(&Path) -> io::Result<T>,
) -> io::Result<(PathBuf, T)> {
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

/// Returns a name in the folder that is unlikely to be taken.
pub(super) fn temporary_name(folder: &Path) -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    // Nobody else is to guess it.
    let random = RandomState::new().hash_one(count);
    folder.join(format!(".mmap-array-{:x}-{random:016x}.tmp", std::process::id()))
}

/// Creates a file by a name that no file has yet.
pub(super) fn create_temporary(folder: &Path, options: &mut OpenOptions) -> Result<(PathBuf, File)> {
    options.read(true).write(true).create_new(true);
    let made = with_name(&folder.join(OsStr::new("_")), false, |path| options.open(path));
    made.map_err(|source| Error::io(creating(folder), source))
}

/// Deletes a file that others may have open. Its name is free at once.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    // Not every Windows, nor every file system there, lets go of a name before the last handle is closed, but all give
    // a file another one.
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

/// Renames a file unless the target exists, in one step if the system can.
pub(super) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
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
    // A path may be too long for this call, which takes it as it is.
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

/// Renames a file unless the target exists, which [`fs::rename`] does not check.
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

/// Claims the name by creating an empty file, which fails if another file has the name, and then renames the file over
/// the claim.
fn claim_and_rename(from: &Path, to: &Path) -> io::Result<()> {
    let claim = File::create_new(to)?;
    fs::rename(from, to).inspect_err(|_| {
        // Somebody may have put another file there, or written to this one.
        if claim.metadata().is_ok_and(|metadata| metadata.len() == 0) {
            let _ = remove_named(&claim, to);
        }
    })
}

pub(super) fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

/// Returns the action that failed if a file cannot be created in a folder.
pub(super) fn creating(folder: &Path) -> &'static str {
    match folder.is_dir() {
        true => "create a file in the folder",
        false => "create the file: its parent folder does not exist or is not a folder",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_name_is_never_taken_from_another_file() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        let renames: &[fn(&Path, &Path) -> io::Result<()>] = &[
            rename_new,
            // Wine replaces no file that is open, as Windows does since 2018.
            #[cfg(not(windows))]
            claim_and_rename,
        ];
        for rename in renames {
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

    /// The child of the next test: creates a file, forks, reports the fork, and waits to be killed. The fork lives on.
    #[cfg(unix)]
    #[test]
    #[ignore = "started by `a_file_is_left_behind_when_its_maker_is_killed_although_a_fork_of_him_lives`"]
    fn leaving_a_fork() {
        use std::io::{Read, Write};
        let path = PathBuf::from(std::env::var_os("TEMPORARY").unwrap());
        let file = File::create_new(&path).unwrap();
        let _temporary = Temporary::of(path, &file).unwrap().unwrap();
        let wait = || std::thread::sleep(std::time::Duration::from_secs(60));
        let (mut ours, mut forks) = std::os::unix::net::UnixStream::pair().unwrap();
        // SAFETY: no other thread of this process does anything, and the fork ends without coming back.
        let fork = unsafe { libc::fork() };
        if fork == 0 {
            // It has let go of its copy of the lock before it comes here.
            forks.write_all(&[0]).unwrap();
            wait();
            // SAFETY: ends the process, and runs nothing of the other's.
            unsafe { libc::_exit(0) };
        }
        ours.read_exact(&mut [0]).unwrap();
        println!("\nfork: {fork}");
        wait();
    }

    #[cfg(unix)]
    #[test]
    #[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
    fn a_file_is_left_behind_when_its_maker_is_killed_although_a_fork_of_him_lives() {
        use std::io::{BufRead, BufReader};
        use std::process::{Command, Stdio};
        let folder = tempfile::tempdir().unwrap();
        let path = name_of(&folder.path().join("out"), 3);
        let mut maker = Command::new(std::env::current_exe().unwrap());
        maker.args(["--exact", "region::names::tests::leaving_a_fork", "--ignored", "--nocapture"]);
        let mut maker = maker.env("TEMPORARY", &path).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(maker.stdout.take().unwrap()).lines();
        let fork = lines.find_map(|line| line.unwrap().strip_prefix("fork: ").map(str::to_owned)).unwrap();
        let before = clean_up(&path);
        maker.kill().unwrap();
        maker.wait().unwrap();
        let after = clean_up(&path);
        // SAFETY: the fork, which nobody waits for.
        unsafe { libc::kill(fork.parse().unwrap(), libc::SIGKILL) };
        assert!(matches!(before, Found::Used | Found::Unknown) && !matches!(after, Found::Used));
        assert_eq!(path.exists(), matches!(before, Found::Unknown), "without locks it stays");
    }
}
