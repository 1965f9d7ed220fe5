//! Files on their way to a map: opened without waiting, refused where they cannot be mapped, created beside their
//! target so that no reader of an older file is ever cut off.

use super::FileId;
use crate::error::{Error, Reason, Result};
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Opens an existing file to be mapped. Never waits, as opening a pipe to read would.
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

/// Opens a file that is open once more, to read and write, whatever name it has by now: with locks of its own, and with
/// errors of its own. A write that fails later, on its way to the disk, is told to each open file once and to no other
/// handle of it.
pub(crate) fn reopen(file: &File, path: &Path) -> io::Result<File> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use std::os::fd::AsRawFd;
        let by_number = format!("/proc/self/fd/{}", file.as_raw_fd());
        if let Ok(again) = OpenOptions::new().read(true).write(true).open(by_number) {
            return Ok(again);
        }
        // Not every container has a /proc.
    }
    let again = OpenOptions::new().read(true).write(true).open(path)?;
    match FileId::of(&again)? == FileId::of(file)? {
        true => Ok(again),
        false => Err(io::Error::new(io::ErrorKind::NotFound, "another file has its name by now")),
    }
}

/// Writes bytes to a file, and waits until they are on the disk. No others are waited for, where the system can.
pub(crate) fn write_through(file: &File, position: u64, bytes: &[u8]) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    let (position, bytes) = match write_each_through(file, position, bytes)? {
        0 => return Ok(()),
        left => (position + (bytes.len() - left) as u64, &bytes[bytes.len() - left..]),
    };
    At { file, position }.write_all(bytes)?;
    file.sync_data()
}

/// Does this by calls that each wait for what they have written ([`pwritev2(2)`], `RWF_DSYNC`). Returns how many bytes
/// are left where they are not known.
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

/// Opens a file to be read from its beginning to its end, as pipes and the files of `/proc` can be too.
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

/// The error of a failed open; a directory or pipe is named as such, whichever words the system has for it.
fn refused(path: &Path, write: bool, source: io::Error) -> Error {
    let error = match fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => not_mappable(kind_of(&metadata)),
        _ => {
            let action = match (write, source.kind()) {
                (true, io::ErrorKind::NotFound) => "open the file to write (`create` makes one)",
                (true, _) => "open the file to write",
                (false, _) => "open the file",
            };
            Error::io(action, source)
        }
    };
    error.in_file(Some(path))
}

/// The length of a file that can be mapped.
pub(crate) fn mappable_len(file: &File) -> Result<u64> {
    let metadata = file.metadata().map_err(|source| Error::io("read the file's length", source))?;
    if !metadata.is_file() {
        return Err(not_mappable(kind_of(&metadata)));
    }
    if metadata.len() == 0 && has_content(file) {
        return Err(not_mappable("a file that reports no length but has content, as those of /proc do"));
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

fn kind_of(metadata: &fs::Metadata) -> &'static str {
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

/// Whether a byte can be read from a file that says it has none.
#[cfg(unix)]
fn has_content(file: &File) -> bool {
    use std::os::unix::fs::FileExt;
    matches!(file.read_at(&mut [0], 0), Ok(1))
}

#[cfg(not(unix))]
fn has_content(_: &File) -> bool {
    false
}

pub(super) const EXISTS: &str =
    "create the file as a new one (`create` replaces one that exists, `open_mut` changes it)";

/// Where a new file goes, and what is there now.
pub(super) struct Target {
    /// Behind symbolic links: of them, the file they lead to is replaced and not the link.
    pub(super) real: PathBuf,
    pub(super) old: Option<fs::Metadata>,
}

impl Target {
    pub(super) fn look(target: &Path, replace: bool) -> Result<Self> {
        let at = |error: Error| error.in_file(Some(target));
        let io = |action, source| at(Error::io(action, source));
        let exists = || io(EXISTS, io::ErrorKind::AlreadyExists.into());
        // Through a symbolic link, the file it leads to is replaced and not the link.
        let real = match target.is_symlink() {
            true if !replace => return Err(exists()),
            true => fs::canonicalize(target).map_err(|source| io("follow the symbolic link", source))?,
            false => target.to_path_buf(),
        };
        let old = match fs::metadata(&real) {
            Ok(_) if !replace => return Err(exists()),
            Ok(metadata) if !metadata.is_file() => {
                let found = kind_of(&metadata);
                let advice = "; `write_to` and `npy::save_to` write to anything that is open";
                return Err(at(Reason::NotRegularFile { found, wanted: "replaced", advice }.error()));
            }
            Ok(metadata) => {
                // Whoever may not write the old file may not replace it either, although the folder would let them. Asked
                // of the name that was given, so that the system's own rules for links are kept.
                open(target, true)?;
                Some(metadata)
            }
            Err(_) => None,
        };
        Ok(Self { real, old })
    }
}

/// A file being built beside its target. Dropped before [`persist`](Self::persist), it goes and the target stays as it
/// was.
pub(crate) struct NewFile {
    temporary: Option<PathBuf>,
    target: PathBuf,
    replace: bool,
    /// The file itself, where it takes the place of another.
    file: Option<File>,
}

impl NewFile {
    /// Creates a file of `len` zero bytes in the target's folder, with `reserve` in blocks of its own on the disk.
    pub(crate) fn create(target: &Path, len: u64, replace: bool, reserve: bool) -> Result<(Self, File)> {
        let at = |error: Error| error.in_file(Some(target));
        let Target { real, old } = Target::look(target, replace)?;
        let mut options = OpenOptions::new();
        if old.is_some() {
            private(&mut options);
        }
        let (temporary, file) = create_temporary(&folder_of(&real), target, &mut options)?;
        let mut new = Self { temporary: Some(temporary), target: real, replace, file: None };
        if let Some(old) = old {
            let kept = file.try_clone().map_err(|source| at(Error::io("keep the file open", source)))?;
            new.file = Some(kept);
            take_over(&file, &new.target, &old).map_err(|source| at(not_taken_over(source)))?;
        }
        set_len(&file, len, reserve).map_err(|error| at(error.at_bytes(0..len)))?;
        Ok((new, file))
    }

    /// Gives the file its name, in one step: whoever opens the target finds the old file or the whole new one, also
    /// when the power fails, since the new one is on the disk by then.
    pub(crate) fn persist(&mut self) -> Result<()> {
        let Some(temporary) = &self.temporary else { return Ok(()) };
        if let Some(file) = &self.file {
            let synced = file.sync_all();
            synced.map_err(|source| Error::io("write the new file back", source).in_file(Some(&self.target)))?;
        }
        let renamed =
            if self.replace { fs::rename(temporary, &self.target) } else { rename_new(temporary, &self.target) };
        renamed.map_err(|source| {
            let exists = !self.replace && source.kind() == io::ErrorKind::AlreadyExists;
            Error::io(if exists { EXISTS } else { "put the new file in place" }, source).in_file(Some(&self.target))
        })?;
        self.temporary = None;
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            // Nothing more can be done about a file that does not go.
            let _ = fs::remove_file(temporary);
        }
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
            synced => synced.map_err(|source| Error::io("write the folder back", source).in_file(Some(path)))?,
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

pub(super) fn not_taken_over(source: io::Error) -> Error {
    Error::io("keep the permissions of the file", source)
}

/// Gives a file the owner, the group and the permissions of the one that it will replace, as far as the system lets us,
/// and never wider ones.
#[cfg(unix)]
pub(super) fn take_over(file: &File, path: &Path, old: &fs::Metadata) -> io::Result<()> {
    use rustix::fs::{Gid, Uid, fchown};
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let (owner, group) = (Some(Uid::from_raw(old.uid())), Some(Gid::from_raw(old.gid())));
    let mine = file.metadata()?;
    let moved = (mine.uid(), mine.gid()) == (old.uid(), old.gid())
        || fchown(file, owner, group).is_ok()
        || mine.gid() == old.gid()
        || fchown(file, None, group).is_ok();
    // Never the bits by which a program runs as its owner: they were given to other bytes.
    let mut mode = old.mode() & 0o777;
    if !moved || has_acl(path) {
        // What the old file's group was allowed is not for ours; beside an access control list these bits are not the
        // group's at all. The group gets what everybody has.
        mode = mode & !0o070 | (mode & 0o007) << 3;
    }
    if file.metadata()?.mode() & 0o777 == mode {
        // Not every file system can change what is right already.
        return Ok(());
    }
    file.set_permissions(fs::Permissions::from_mode(mode))
}

/// Whether a file has an access control list ([`acl(5)`](https://man7.org/linux/man-pages/man5/acl.5.html)), which its
/// replacement does not get.
#[cfg(unix)]
fn has_acl(path: &Path) -> bool {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let found = rustix::fs::getxattr(path, "system.posix_acl_access", &mut [0_u8; 256]);
        matches!(found, Ok(1..) | Err(rustix::io::Errno::RANGE))
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        let _ = path;
        false
    }
}

#[cfg(not(unix))]
pub(super) fn take_over(file: &File, _: &Path, old: &fs::Metadata) -> io::Result<()> {
    file.set_permissions(old.permissions())
}

/// Makes a new file its owner's alone, until [`take_over`] says more.
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// What fails where a file cannot be created in a folder.
pub(super) fn creating(folder: &Path) -> &'static str {
    match folder.is_dir() {
        true => "create a file in the folder",
        false => "create the file: its parent folder does not exist or is no folder",
    }
}

/// A name in the folder that nobody is likely to have taken.
pub(super) fn temporary_name(folder: &Path) -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    // Nobody else is to guess it.
    let random = RandomState::new().hash_one(count);
    folder.join(format!(".mmap-array-{:x}-{random:016x}.tmp", std::process::id()))
}

/// Creates a file of a name that no file has yet.
pub(super) fn create_temporary(folder: &Path, target: &Path, options: &mut OpenOptions) -> Result<(PathBuf, File)> {
    options.read(true).write(true).create_new(true);
    loop {
        let path = temporary_name(folder);
        match options.open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) => {
                return Err(Error::io(creating(folder), source).in_file(Some(target)));
            }
        }
    }
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

/// Deletes a file that others may have open. Its name is free at once.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    // Not every Windows, nor every file system there, lets go of a name before the last handle is closed, but all give a
    // file another one.
    #[cfg(windows)]
    if let Ok((other, file)) = create_temporary(&folder_of(path), path, &mut OpenOptions::new()) {
        drop(file);
        let renamed = fs::rename(path, &other);
        let _ = fs::remove_file(&other);
        if renamed.is_ok() {
            return Ok(());
        }
    }
    fs::remove_file(path)
}

/// Claims the name with an empty file, which nobody can while another has it, then puts the file over the claim.
fn claim_and_rename(from: &Path, to: &Path) -> io::Result<()> {
    File::create_new(to)?;
    fs::rename(from, to).inspect_err(|_| {
        // The claim is ours, and empty.
        let _ = fs::remove_file(to);
    })
}

/// A file read and written from a position of its own on: where the file's own position is does not matter, and but for
/// Windows it stays.
pub(crate) struct At<'a> {
    pub(crate) file: &'a File,
    pub(crate) position: u64,
}

impl Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
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

/// Makes a file longer, by zeros, with `reserve` in blocks of its own on the disk.
pub(crate) fn set_len(file: &File, len: u64, reserve: bool) -> Result<()> {
    let old_len = file.metadata().map_err(|source| Error::io("read the file's length", source))?.len();
    file.set_len(len).map_err(|source| Error::io("give the file its length", source))?;
    if reserve && len > old_len {
        allocate(file, old_len, len).map_err(|source| Error::io("reserve the file's blocks on the disk", source))?;
    }
    Ok(())
}

/// Gives bytes of a file that are zero their blocks on the disk, so that a full disk is an error now and not a signal
/// at a later write through the map.
fn allocate(file: &File, start: u64, end: u64) -> io::Result<()> {
    if fallocate(file, start..end)? { Ok(()) } else { write_zeros(file, start, end) }
}

/// The same for bytes that may be anything but zero and stay what they are, where the system and the file system can.
pub(crate) fn reserve(file: &File, bytes: Range<u64>) -> Result<()> {
    let reserved = fallocate(file, bytes.clone()).map(drop);
    reserved.map_err(|source| Error::io("reserve the file's blocks on the disk", source).at_bytes(bytes))
}

/// Gives bytes that lie within a file their blocks on the disk ([`fallocate(2)`]); `false` where nobody can.
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

fn write_zeros(mut file: &File, start: u64, end: u64) -> io::Result<()> {
    let zeros = vec![0; 1 << 20];
    file.seek(SeekFrom::Start(start))?;
    let mut left = end - start;
    while left > 0 {
        let count = left.min(zeros.len() as u64);
        file.write_all(&zeros[..count as usize])?;
        left -= count;
    }
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_that_is_not_persisted_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out");
        drop(NewFile::create(&target, 100, true, false).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
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

    #[test]
    fn zeros_are_written_where_blocks_cannot_be_reserved_otherwise() {
        let file = tempfile::tempfile().unwrap();
        set_len(&file, 10, false).unwrap();
        set_len(&file, (1 << 20) + 5, true).unwrap();
        write_zeros(&file, 10, (1 << 20) + 5).unwrap();
        assert_eq!(file.metadata().unwrap().len(), (1 << 20) + 5);
    }
}
