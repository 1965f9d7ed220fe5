//! Advisory locks on ranges of a file's bytes, which die with whoever holds them.
//!
//! They belong to the open file and not to the process, so that two threads that opened a file each exclude one another
//! just as two processes do: open file description locks ([`fcntl_locking(2)`]), on Windows `LockFileEx`. The older
//! locks of POSIX belong to the process and go when any of its files on the same inode is closed; `flock` knows no
//! ranges.
//!
//! [`fcntl_locking(2)`]: https://man7.org/linux/man-pages/man2/fcntl_locking.2.html

use super::system::refused;
use crate::error::Result;
use std::fs::File;
use std::io;
use std::ops::Range;

/// A lock on bytes of a file, held until it is dropped.
pub(crate) struct RangeLock {
    file: File,
    bytes: Range<u64>,
    /// Who took it. A fork of that process shares the open file, and with it the lock, but it is not the fork's to give
    /// up.
    process: u32,
}

impl RangeLock {
    /// Locks bytes of an open file, of which there is at least one, exclusively or together with others who do not ask
    /// for more; `None` where somebody else has a lock in the way. Locks of the same open file, by whichever handle,
    /// never are.
    pub(crate) fn take(file: &File, bytes: Range<u64>, exclusive: bool) -> Result<Option<Self>> {
        let refused = |source| refused("lock bytes of the file", source);
        // The handle first: once there is a lock, nothing can fail.
        let own = file.try_clone().map_err(refused)?;
        let taken = system::try_lock(&own, &bytes, exclusive).map_err(refused)?;
        Ok(taken.then(|| Self { file: own, bytes, process: std::process::id() }))
    }
}

/// What of some bytes none of the locks is on.
pub(super) fn without(bytes: Range<u64>, locks: &[RangeLock]) -> Vec<Range<u64>> {
    locks.iter().fold(vec![bytes], |left, lock| {
        let around = |bytes: Range<u64>| {
            [bytes.start..bytes.end.min(lock.bytes.start), bytes.start.max(lock.bytes.end)..bytes.end]
        };
        left.into_iter().flat_map(around).filter(|bytes| !bytes.is_empty()).collect()
    })
}

impl Drop for RangeLock {
    fn drop(&mut self) {
        if self.process == std::process::id() {
            // Should that fail, the lock goes with the open file.
            let _ = system::unlock(&self.file, &self.bytes);
        }
    }
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
mod system {
    use super::{File, Range, io};
    use std::os::fd::AsRawFd;

    pub(super) fn try_lock(file: &File, bytes: &Range<u64>, exclusive: bool) -> io::Result<bool> {
        match set(file, bytes, if exclusive { libc::F_WRLCK } else { libc::F_RDLCK } as libc::c_short) {
            // POSIX has both for a lock that somebody else holds.
            Err(error) if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EACCES)) => Ok(false),
            set => set.map(|()| true).map_err(told),
        }
    }

    pub(super) fn unlock(file: &File, bytes: &Range<u64>) -> io::Result<()> {
        set(file, bytes, libc::F_UNLCK as libc::c_short)
    }

    /// A system without these locks (Linux before 3.15, gVisor) takes the command for a wrong argument. Ours are right.
    pub(super) fn told(error: io::Error) -> io::Error {
        match error.raw_os_error() {
            Some(libc::EINVAL) => io::ErrorKind::Unsupported.into(),
            _ => error,
        }
    }

    fn set(file: &File, bytes: &Range<u64>, kind: libc::c_short) -> io::Result<()> {
        // Where a file's offsets have 32 bits, what lies behind them cannot be locked.
        let offset = |byte: u64| libc::off_t::try_from(byte).map_err(|_| io::Error::from(io::ErrorKind::Unsupported));
        // SAFETY: a structure of integers, of which zeros are values. Systems have more of them than the ones set below.
        let mut lock: libc::flock = unsafe { std::mem::zeroed() };
        lock.l_type = kind;
        lock.l_whence = libc::SEEK_SET as libc::c_short;
        lock.l_start = offset(bytes.start)?;
        lock.l_len = offset(bytes.end - bytes.start)?;
        // SAFETY: the descriptor is open as long as `file` is borrowed, and the command reads one `flock`, which lives.
        match unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const lock) } {
            -1 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    }
}

#[cfg(windows)]
mod system {
    use super::{File, Range, io};
    use std::os::windows::io::AsRawHandle;
    use windows_sys::Win32::Foundation::{ERROR_IO_PENDING, ERROR_LOCK_VIOLATION};
    use windows_sys::Win32::Storage::FileSystem::{
        LOCKFILE_EXCLUSIVE_LOCK, LOCKFILE_FAIL_IMMEDIATELY, LockFileEx, UnlockFileEx,
    };
    use windows_sys::Win32::System::IO::OVERLAPPED;

    pub(super) fn try_lock(file: &File, bytes: &Range<u64>, exclusive: bool) -> io::Result<bool> {
        let flags = LOCKFILE_FAIL_IMMEDIATELY | if exclusive { LOCKFILE_EXCLUSIVE_LOCK } else { 0 };
        let (mut from, [low, high]) = (at(bytes.start), halves(bytes.end - bytes.start));
        // SAFETY: the handle is open as long as `file` is borrowed. It was not opened for overlapped work, so the call is
        // over, and done with `from`, when it returns.
        if unsafe { LockFileEx(file.as_raw_handle(), flags, 0, low, high, &raw mut from) } != 0 {
            return Ok(true);
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error().map(|code| code as u32) {
            Some(ERROR_LOCK_VIOLATION | ERROR_IO_PENDING) => Ok(false),
            _ => Err(error),
        }
    }

    pub(super) fn unlock(file: &File, bytes: &Range<u64>) -> io::Result<()> {
        let (mut from, [low, high]) = (at(bytes.start), halves(bytes.end - bytes.start));
        // SAFETY: as for `LockFileEx`.
        match unsafe { UnlockFileEx(file.as_raw_handle(), 0, low, high, &raw mut from) } {
            0 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    }

    fn halves(number: u64) -> [u32; 2] {
        [number as u32, (number >> 32) as u32]
    }

    fn at(offset: u64) -> OVERLAPPED {
        let mut from = OVERLAPPED::default();
        let [low, high] = halves(offset);
        from.Anonymous.Anonymous.Offset = low;
        from.Anonymous.Anonymous.OffsetHigh = high;
        from
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows)))]
mod system {
    use super::{File, Range, io};

    pub(super) fn try_lock(_: &File, _: &Range<u64>, _: bool) -> io::Result<bool> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn unlock(_: &File, _: &Range<u64>) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows))]
mod tests {
    use super::*;

    #[test]
    fn an_exclusive_lock_keeps_others_out_of_its_bytes_alone() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let (one, other) = (file.reopen().unwrap(), file.reopen().unwrap());
        let held = RangeLock::take(&one, 10..20, true).unwrap().unwrap();
        assert!(RangeLock::take(&other, 19..30, true).unwrap().is_none());
        assert!(RangeLock::take(&other, 0..11, false).unwrap().is_none());
        assert!(RangeLock::take(&other, 20..30, true).unwrap().is_some());
        drop(held);
        assert!(RangeLock::take(&other, 19..30, true).unwrap().is_some());
    }

    #[cfg(unix)]
    #[test]
    fn a_system_without_such_locks_is_named_as_one() {
        let told = |code| refused("lock bytes", system::told(io::Error::from_raw_os_error(code))).kind();
        assert_eq!([libc::EINVAL, libc::ENOLCK].map(told), [crate::ErrorKind::Unsupported, crate::ErrorKind::Io]);
    }

    #[test]
    fn shared_locks_go_together() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let (one, other) = (file.reopen().unwrap(), file.reopen().unwrap());
        let held = [&one, &other].map(|file| RangeLock::take(file, 0..5, false).unwrap().unwrap());
        assert!(RangeLock::take(&one, 0..5, true).unwrap().is_none());
        drop(held);
        assert!(RangeLock::take(&one, 0..5, true).unwrap().is_some());
    }
}
