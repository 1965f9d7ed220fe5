//! What kind of file system a file lies on, as the kernel has it.
//!
//! The kind can be believed. For other questions about a file, FUSE and the file systems of networks pass on what a
//! server answers; for this one each gives its own number.

use std::fmt;
use std::fs::File;
use std::io;

/// A kind of file system, by the number that [`statfs(2)`] has for it.
///
/// [`statfs(2)`]: https://man7.org/linux/man-pages/man2/statfs.2.html
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileSystem(u32);

impl FileSystem {
    /// Also ext2's and ext3's.
    const EXT4: Self = Self(0xEF53);
    const F2FS: Self = Self(0xF2F5_2010);
    const BTRFS: Self = Self(0x9123_683E);
    const XFS: Self = Self(0x5846_5342);
    const TMPFS: Self = Self(0x0102_1994);

    /// # Errors
    ///
    /// Those of `fstatfs`, which a server can bring about.
    pub(super) fn of(file: &File) -> io::Result<Self> {
        let found = rustix::fs::fstatfs(file)?;
        // The numbers have 32 bits, in a field that is wider and signed on some machines.
        Ok(Self(found.f_type as u32))
    }

    /// Whether a file of which it says that it is under fs-verity never changes: where Linux has that built in. Ext2
    /// and ext3 have the number of ext4; they know no such files, and say so.
    pub(super) fn enforces_verity(self) -> bool {
        matches!(self, Self::EXT4 | Self::F2FS | Self::BTRFS)
    }

    /// Whether two files of it can share blocks, and stay independent of one another. Others can too (NFS and SMB by a
    /// server's doing, OCFS2, overlayfs above one of these), of which that has not been tried or cannot be believed.
    pub(super) fn shares_blocks(self) -> bool {
        matches!(self, Self::XFS | Self::BTRFS)
    }

    /// Whether what was synced of a file without a name is there after a power failure once the file has a name and the
    /// folder of that is synced: where that was tried. Btrfs writes nothing down of a file that has no name; that the
    /// sync of the folder makes up for it, as it does on Linux 6.18, nobody promises.
    pub(super) fn remembers_unnamed(self) -> bool {
        matches!(self, Self::EXT4 | Self::XFS | Self::TMPFS)
    }

    /// Whether a write with `RWF_DSYNC` waits until its bytes are on the disk. Where a server writes, it is for the server
    /// to know what it was asked.
    #[cfg(target_os = "linux")]
    pub(super) fn writes_through(self) -> bool {
        matches!(self, Self::EXT4 | Self::XFS | Self::BTRFS | Self::F2FS | Self::TMPFS)
    }

    /// Whether two files must have attributes in common to share blocks.
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
