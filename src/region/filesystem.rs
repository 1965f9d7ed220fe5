//! The kind of file system that a file is on, according to the kernel.
//!
//! The kind can be trusted. To other questions about a file, FUSE and network file systems pass on the answers of a
//! server; to this one, each gives its own number.

use std::fmt;
use std::fs::File;
use std::io;

/// A kind of file system, identified by its number in [`statfs(2)`].
///
/// [`statfs(2)`]: https://man7.org/linux/man-pages/man2/statfs.2.html
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileSystem(u32);

impl FileSystem {
    /// The number is also that of ext2 and ext3.
    const EXT4: Self = Self(0xEF53);
    const F2FS: Self = Self(0xF2F5_2010);
    const BTRFS: Self = Self(0x9123_683E);
    const XFS: Self = Self(0x5846_5342);
    const TMPFS: Self = Self(0x0102_1994);

    /// Returns the kind of file system that a file is on.
    ///
    /// # Errors
    ///
    /// The errors of `fstatfs`, which a server can cause.
    pub(super) fn of(file: &File) -> io::Result<Self> {
        let found = rustix::fs::fstatfs(file)?;
        // The numbers have 32 bits, in a field that is wider and signed on some machines.
        Ok(Self(found.f_type as u32))
    }

    /// Returns whether a file that it reports as under fs-verity never changes: on file systems for which Linux has
    /// this built in. Ext2 and ext3 have the number of ext4; they have no such files, and report none.
    pub(super) fn enforces_verity(self) -> bool {
        matches!(self, Self::EXT4 | Self::F2FS | Self::BTRFS)
    }

    /// Returns whether two of its files can share blocks, and stay independent of one another. Others can too (NFS and
    /// SMB if the server does it, OCFS2, overlayfs above one of these), but this has not been tried or cannot be
    /// trusted.
    pub(super) fn shares_blocks(self) -> bool {
        matches!(self, Self::XFS | Self::BTRFS)
    }

    /// Returns whether the synced content of a file without a name survives a power failure once the file has a name
    /// and the name's folder is synced: for file systems on which this was tried. Btrfs records nothing of a file
    /// without a name; that syncing the folder makes up for it, as it does on Linux 6.18, is not guaranteed.
    pub(super) fn remembers_unnamed(self) -> bool {
        matches!(self, Self::EXT4 | Self::XFS | Self::TMPFS)
    }

    /// Returns whether a write with `RWF_DSYNC` waits until its bytes are on the disk. On a file system with a server,
    /// this depends on the server.
    #[cfg(target_os = "linux")]
    pub(super) fn writes_through(self) -> bool {
        matches!(self, Self::EXT4 | Self::XFS | Self::BTRFS | Self::F2FS | Self::TMPFS)
    }

    /// Returns whether two files must have attributes in common to share blocks.
    pub(super) fn has_attributes(self) -> bool {
        self == Self::BTRFS
    }
}

impl fmt::Display for FileSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            0xEF53 => "ext4",
            0xF2F5_2010 => "F2FS",
            0x9123_683E => "Btrfs",
            0x5846_5342 => "XFS",
            0x0102_1994 => "tmpfs",
            0x794C_7630 => "overlayfs",
            0x6573_5546 => "FUSE",
            0x6969 => "NFS",
            0xFE53_4D42 | 0xFF53_4D42 => "SMB",
            0x2FC1_2FC1 => "ZFS",
            0xCA45_1A4E => "bcachefs",
            other => return write!(f, "a file system of the type {other:#x}"),
        })
    }
}
