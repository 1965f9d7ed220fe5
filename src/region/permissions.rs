//! The permissions of a file that replaces another: never wider than the other's.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

/// Gives a file the owner, the group and the permissions of the file that it will replace, as far as the system allows,
/// and never wider permissions.
#[cfg(unix)]
pub(super) fn take_over(file: &File, path: &Path, old: &fs::Metadata) -> io::Result<()> {
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
pub(super) fn take_over(file: &File, _: &Path, old: &fs::Metadata) -> io::Result<()> {
    file.set_permissions(old.permissions())
}

/// Access control lists ([`acl(5)`](https://man7.org/linux/man-pages/man5/acl.5.html)), as stored by Linux.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod acl {
    use super::{File, Path, io};
    use rustix::fs::{XattrFlags, fremovexattr, fsetxattr, getxattr};
    use rustix::io::Errno;

    const NAME: &str = "system.posix_acl_access";

    /// Returns the list of a file, if it has more than the permissions.
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

/// Restricts a new file to its owner, until [`take_over`] sets other permissions.
pub(super) fn make_private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}
