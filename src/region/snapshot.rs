//! Snapshots: the bytes of a file at one moment, in a file that nothing else has open.
//!
//! The file system lets a second file share the blocks that contain the bytes, and gives new blocks to whichever file
//! is written later. So the source can be written, truncated and deleted, and the second file does not change.
//! References to its bytes are sound for these reasons:
//!
//! - The second file has no name and can get none (`O_TMPFILE` with `O_EXCL`), and the one descriptor that creates it
//!   is closed before the array exists. Until then, its mode lets nobody open it by `/proc/PID/fd`, although its owner
//!   could change the mode. Afterwards only `/proc/PID/map_files` leads to it, for the administrator
//!   (`CAP_CHECKPOINT_RESTORE`). A scratch file is more accessible than that as long as its array lives.
//! - Its length is compared with the end of the elements after it shares the blocks, when nobody can change it any
//!   more.
//! - The file system guarantees that two files share blocks and nothing else. Only file systems whose own code in the
//!   kernel keeps this guarantee are trusted: a server, of FUSE or of a network, may do anything.
//!
//! All that is read is on the disk, so a full disk does not affect reads. A disk that fails raises a signal, as for
//! every map.

use crate::error::{Error, Result};
use std::fs::File;
use std::ops::Range;
use std::path::Path;

/// A file that nothing else has open, and that shares blocks with another.
#[cfg_attr(
    not(any(target_os = "linux", target_os = "android", target_vendor = "apple")),
    allow(dead_code, reason = "other systems have none")
)]
pub(super) struct Twin {
    pub(super) file: File,
    /// The offset in the other file of this file's first byte.
    pub(super) start: u64,
}

/// Takes a snapshot of bytes of a file, in a file that is created in `folder` or else beside the first; `None` if there
/// are no bytes. If the first file has become shorter, the second ends before the bytes do.
///
/// Nothing may be kept of the second file except a read-only map.
pub(super) fn take(
    file: &File,
    path: Option<&Path>,
    folder: Option<&Path>,
    bytes: &Range<u64>,
) -> Result<Option<Twin>> {
    system::check(file)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    match folder {
        Some(folder) => system::twin(file, folder, bytes).map(Some),
        None => system::twin(file, &system::folder_of(file, path)?, bytes).map(Some),
    }
}

fn unsupported(found: impl std::fmt::Display) -> Error {
    Error::unsupported(format!(
        "cannot take a snapshot: {found}; `open_shared` reads the file as it changes, `load` copies the elements into memory"
    ))
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod system {
    use super::super::filesystem::FileSystem;
    use super::super::names::folder_of as parent_of;
    use super::{Error, File, Path, Range, Result, Twin, unsupported};
    use rustix::fs::{IFlags, Mode, OFlags, ioctl_getflags, ioctl_setflags};
    use rustix::io::Errno;
    use std::fs;
    use std::io;
    use std::os::fd::AsRawFd;
    use std::path::PathBuf;

    /// Checks that the file is on a file system whose files share blocks.
    pub(super) fn check(file: &File) -> Result<()> {
        match FileSystem::of(file) {
            Ok(system) if system.shares_blocks() => Ok(()),
            Ok(system) => Err(unsupported(format!("the file is on {system}, but files share blocks on XFS and Btrfs"))),
            Err(error) => Err(unsupported(format!("its file system does not report its kind ({error})"))),
        }
    }

    /// Returns the folder of a file. If the file has been moved meanwhile, any folder of the same file system will do.
    pub(super) fn folder_of(file: &File, path: Option<&Path>) -> Result<PathBuf> {
        let real = match path {
            // Behind symbolic links.
            Some(path) => fs::canonicalize(path),
            None => fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())),
        };
        let real = real.map_err(|source| {
            Error::io("find the folder of the file (`open_snapshot_in` takes one of the same file system)", source)
        })?;
        Ok(parent_of(&real))
    }

    /// Creates a file in the folder that shares the blocks that contain the bytes, if the file still has them.
    pub(super) fn twin(file: &File, folder: &Path, bytes: &Range<u64>) -> Result<Twin> {
        let told = |action: &'static str, error: Errno, advice: &str| {
            let source = io::Error::from(error);
            let text = format!("{source}, in the folder `{}`{advice}", folder.display());
            Error::io(action, io::Error::new(source.kind(), text))
        };
        let flags = OFlags::TMPFILE | OFlags::EXCL | OFlags::RDWR | OFlags::CLOEXEC;
        let twin = rustix::fs::open(folder, flags, Mode::empty()).map_err(|error| {
            let advice = "; `open_snapshot_in` takes another one of the same file system";
            told("create a file without a name", error, advice)
        })?;
        let twin = File::from(twin);
        copy_attributes(file, &twin)
            .map_err(|error| told("give the snapshot the attributes of the file", error, ""))?;
        match share(file, &twin, bytes) {
            Ok(start) => Ok(Twin { file: twin, start }),
            Err(Errno::XDEV) => {
                let advice = ", which must be on the file's own file system";
                Err(told("share the blocks of the file", Errno::XDEV, advice))
            }
            Err(error @ (Errno::OPNOTSUPP | Errno::NOSYS | Errno::NOTTY | Errno::INVAL | Errno::TXTBSY)) => {
                let error = io::Error::from(error);
                Err(unsupported(format!("its file system does not share the blocks of this file ({error})")))
            }
            Err(error) => Err(told("share the blocks of the file", error, "")),
        }
    }

    /// Shares whole blocks with an empty file, where they become the first blocks: those that contain the bytes or, if
    /// the file system shares only larger units, all. Returns the offset of the first shared byte.
    fn share(file: &File, twin: &File, bytes: &Range<u64>) -> Result<u64, Errno> {
        let found = rustix::fs::fstatfs(file)?;
        // Whole pages, too, so that elements are aligned as they are in the file.
        let unit = (found.f_bsize as u64).max(rustix::param::page_size() as u64);
        let start = bytes.start - bytes.start % unit;
        // What does not end with a block ends with the file, wherever that is when it is shared.
        let end = bytes.end.checked_next_multiple_of(unit);
        let end = end.filter(|&end| rustix::fs::fstat(file).is_ok_and(|found| end <= found.st_size as u64));
        match share_range(file, twin, start, end) {
            Err(Errno::INVAL) => share_range(file, twin, 0, None).map(|()| 0),
            shared => shared.map(|()| start),
        }
    }

    /// Shares the blocks from byte `start` on, to byte `end` or to the end of the file: [`ioctl_ficlonerange(2)`].
    ///
    /// [`ioctl_ficlonerange(2)`]: https://man7.org/linux/man-pages/man2/ioctl_ficlonerange.2.html
    fn share_range(file: &File, twin: &File, start: u64, end: Option<u64>) -> Result<(), Errno> {
        /// `struct file_clone_range`
        #[repr(C)]
        struct CloneRange {
            src_fd: i64,
            src_offset: u64,
            /// 0 for all bytes up to the end of the file.
            src_length: u64,
            dest_offset: u64,
        }
        const FICLONERANGE: rustix::ioctl::Opcode = rustix::ioctl::opcode::write::<CloneRange>(0x94, 13);
        let src_length = end.map_or(0, |end| end - start);
        let range = CloneRange { src_fd: file.as_raw_fd().into(), src_offset: start, src_length, dest_offset: 0 };
        // SAFETY: this call takes a pointer to such a structure, and reads it.
        let call = unsafe { rustix::ioctl::Setter::<FICLONERANGE, CloneRange>::new(range) };
        // SAFETY: both files are open as long as they are borrowed. Of memory the call touches the structure alone, and
        // of files it changes the second, which nobody has mapped.
        unsafe { rustix::ioctl::ioctl(twin, call) }
    }

    /// Gives an empty file the attributes that it must have in common with a file whose blocks it is to share: Btrfs
    /// writes files without checksums (`chattr +C`) in other ways, and a new file inherits this attribute from its
    /// folder, or not.
    fn copy_attributes(file: &File, twin: &File) -> Result<(), Errno> {
        const FS_NOCOMP_FL: IFlags = IFlags::from_bits_retain(0x400);
        if !FileSystem::of(file).is_ok_and(FileSystem::has_attributes) {
            return Ok(());
        }
        let (wanted, found) = (ioctl_getflags(file)?, ioctl_getflags(twin)?);
        if (wanted ^ found).contains(IFlags::NOCOW) {
            // What says whether a file is compressed has to go first, if it comes from the folder too.
            let mut flags = found - IFlags::COMPRESSED - FS_NOCOMP_FL;
            if flags != found {
                ioctl_setflags(twin, flags)?;
            }
            flags.set(IFlags::NOCOW, wanted.contains(IFlags::NOCOW));
            ioctl_setflags(twin, flags)?;
        }
        Ok(())
    }
}

/// APFS shares the blocks of whole files, and gives the second file a name. Until the name is removed, it is in a
/// folder of its own, which nobody else may enter.
#[cfg(target_vendor = "apple")]
mod system {
    use super::super::names::{folder_of as parent_of, temporary_name};
    use super::{Error, File, Path, Range, Result, Twin, unsupported};
    use rustix::fs::{CWD, CloneFlags, fclonefileat};
    use std::ffi::OsStr;
    use std::fs::{self, DirBuilder};
    use std::io;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{DirBuilderExt, MetadataExt};
    use std::path::PathBuf;

    pub(super) fn check(file: &File) -> Result<()> {
        let found = rustix::fs::fstatfs(file)
            .map_err(|source| Error::io("ask for the kind of the file system", source.into()))?;
        let name: Vec<u8> = found.f_fstypename.iter().map(|&byte| byte as u8).take_while(|&byte| byte != 0).collect();
        match &name[..] {
            b"apfs" => Ok(()),
            name => {
                let name = String::from_utf8_lossy(name);
                Err(unsupported(format!("the file is on {name}, but files share blocks on APFS")))
            }
        }
    }

    pub(super) fn folder_of(file: &File, path: Option<&Path>) -> Result<PathBuf> {
        let real = match path {
            Some(path) => fs::canonicalize(path),
            None => rustix::fs::getpath(file)
                .map(|path| PathBuf::from(OsStr::from_bytes(path.as_bytes())))
                .map_err(io::Error::from),
        };
        let real = real.map_err(|source| {
            Error::io("find the folder of the file (`open_snapshot_in` takes one of the same file system)", source)
        })?;
        Ok(parent_of(&real))
    }

    pub(super) fn twin(file: &File, folder: &Path, _: &Range<u64>) -> Result<Twin> {
        let told = |action: &'static str, source: io::Error, advice: &str| {
            let text = format!("{source}, in the folder `{}`{advice}", folder.display());
            Error::io(action, io::Error::new(source.kind(), text))
        };
        let own = temporary_name(folder);
        DirBuilder::new().mode(0o700).create(&own).map_err(|source| {
            let advice = "; `open_snapshot_in` takes another one of the same file system";
            told("create a folder for the snapshot", source, advice)
        })?;
        let path = own.join("snapshot");
        let cloned = fclonefileat(file, CWD, &path, CloneFlags::NOFOLLOW | CloneFlags::NOOWNERCOPY);
        let opened = cloned.map_err(io::Error::from).and_then(|()| File::open(&path));
        // Where there is no file, the error is the one above.
        let removed = fs::remove_file(&path);
        let _ = fs::remove_dir(&own);
        let twin = opened.map_err(|source| told("share the blocks of the file", source, ""))?;
        removed.map_err(|source| told("unlink the snapshot", source, ""))?;
        match twin.metadata() {
            Ok(metadata) if metadata.nlink() == 0 => Ok(Twin { file: twin, start: 0 }),
            Ok(_) => Err(unsupported("another program has given the snapshot a name")),
            Err(source) => Err(told("read the snapshot's length", source, "")),
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
mod system {
    use super::{File, Path, Range, Result, Twin, unsupported};
    use std::path::PathBuf;

    const NONE: &str = "it requires a file system of Linux or macOS on which files share blocks";

    pub(super) fn check(_: &File) -> Result<()> {
        Err(unsupported(NONE))
    }

    pub(super) fn folder_of(_: &File, _: Option<&Path>) -> Result<PathBuf> {
        Err(unsupported(NONE))
    }

    pub(super) fn twin(_: &File, _: &Path, _: &Range<u64>) -> Result<Twin> {
        Err(unsupported(NONE))
    }
}
