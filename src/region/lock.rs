//! Advisory locks on ranges of a file's bytes, which are released when their holder dies.
//!
//! The locks belong to the open file and not to the process, so that two threads that have each opened a file exclude
//! one another as two processes do: open file description locks ([`fcntl_locking(2)`]), on Windows `LockFileEx`. The
//! older POSIX locks belong to the process and are released when any of its files on the same inode is closed; `flock`
//! has no ranges.
//!
//! [`fcntl_locking(2)`]: https://man7.org/linux/man-pages/man2/fcntl_locking.2.html

use super::forks::OwnFile;
use super::system::refused;
use crate::error::{Error, ErrorKind, Reason, Result};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// A wait that becomes longer each time, up to a limit, between attempts to get what others hold.
pub(crate) struct Wait(Duration);

impl Wait {
    const SHORTEST: Duration = Duration::from_millis(1);
    pub(crate) const LONGEST: Duration = Duration::from_millis(50);

    pub(crate) fn new() -> Self {
        Self(Self::SHORTEST)
    }

    pub(crate) fn again(&mut self) {
        thread::sleep(self.0);
        self.0 = (self.0 * 2).min(Self::LONGEST);
    }
}

/// A lock on bytes of an open file, held until it is dropped.
pub(crate) struct RangeLock {
    file: Arc<OwnFile>,
    /// The locked ranges, none of which is empty or overlaps another.
    ranges: Vec<Range<u64>>,
    /// The process that took the lock. A fork of it may share the open file, and with it the lock, but must not release
    /// it.
    process: u32,
}

impl RangeLock {
    /// Locks runs of bytes of an open file, none of which is empty, exclusively or shared with other locks that are not
    /// exclusive. Returns `None` if another lock conflicts. Locks of the same open file never conflict, whatever the
    /// handle.
    pub(crate) fn take(
        file: &File,
        runs: impl IntoIterator<Item = Range<u64>>,
        exclusive: bool,
    ) -> Result<Option<Self>> {
        // The handle first: once there is a lock, nothing can fail.
        let own = file.try_clone().map(OwnFile::new).map_err(not_locked)?;
        Self::take_by(&Arc::new(own), runs, exclusive)
    }

    /// Locks like [`take`](Self::take), through the given handle.
    pub(crate) fn take_by(
        file: &Arc<OwnFile>,
        runs: impl IntoIterator<Item = Range<u64>>,
        exclusive: bool,
    ) -> Result<Option<Self>> {
        let mut lock = Self { file: Arc::clone(file), ranges: Vec::new(), process: std::process::id() };
        Ok(lock.add(runs, exclusive)?.then_some(lock))
    }

    /// Locks those of the bytes that are not locked yet, of the same open file. Returns `false` if another lock
    /// conflicts; the locked bytes are then as before.
    pub(crate) fn add(&mut self, runs: impl IntoIterator<Item = Range<u64>>, exclusive: bool) -> Result<bool> {
        let before = self.ranges.clone();
        for rest in runs.into_iter().flat_map(|bytes| without(bytes, &before)) {
            let locked = system::try_lock(&self.file, &rest, exclusive);
            if let Ok(true) = locked {
                self.ranges.push(rest);
                continue;
            }
            self.keep(before);
            return locked.map_err(not_locked);
        }
        self.join_ranges();
        Ok(true)
    }

    /// Takes the lock that serializes changes of a file's length: a byte beyond anything that a file holds. Returns
    /// `None` if the system or the file system has no locks that belong to an open file.
    ///
    /// # Errors
    ///
    /// [`Locked`](crate::ErrorKind::Locked) if another open file has the lock.
    pub(crate) fn of_length(file: &Arc<OwnFile>) -> Result<Option<Self>> {
        const BYTE: u64 = 1 << 62;
        match Self::take_by(file, Some(BYTE..BYTE + 1), true) {
            Ok(None) => {
                let what = "another process or thread is making the file longer or shorter; try again once it is done";
                Err(Reason::Locked(what.into()).error())
            }
            Err(error) if error.kind() == ErrorKind::Unsupported => Ok(None),
            taken => taken,
        }
    }

    fn join_ranges(&mut self) {
        // Windows gives up whole ranges alone, as they were locked.
        if !cfg!(windows) {
            self.ranges.sort_unstable_by_key(|bytes| bytes.start);
            self.ranges.dedup_by(|next, last| {
                let meet = last.end == next.start;
                if meet {
                    last.end = next.end;
                }
                meet
            });
        }
    }

    /// Returns the locked ranges.
    pub(crate) fn ranges(&self) -> &[Range<u64>] {
        &self.ranges
    }

    /// Releases the bytes from `end` on. Windows releases only whole ranges.
    pub(crate) fn cut(&mut self, end: u64) {
        let kept = |bytes: &Range<u64>| bytes.start..if cfg!(windows) { bytes.end } else { bytes.end.min(end) };
        let kept = self.ranges.iter().filter(|bytes| bytes.start < end).map(kept).collect();
        self.keep(kept);
    }

    /// Releases all but these ranges, which must have been the [`ranges`](Self::ranges) before others were added.
    pub(crate) fn keep(&mut self, ranges: Vec<Range<u64>>) {
        if self.process == std::process::id() {
            for bytes in self.ranges.drain(..).flat_map(|bytes| without(bytes, &ranges)) {
                // Should that fail, the lock goes with the open file.
                let _ = system::unlock(&self.file, &bytes);
            }
        }
        self.ranges = ranges;
    }
}

fn not_locked(source: io::Error) -> Error {
    refused("lock bytes of the file", source)
}

/// Returns the parts of `bytes` that are in none of the ranges.
fn without(bytes: Range<u64>, ranges: &[Range<u64>]) -> Vec<Range<u64>> {
    ranges.iter().fold(vec![bytes], |left, range| {
        let around =
            |bytes: Range<u64>| [bytes.start..bytes.end.min(range.start), bytes.start.max(range.end)..bytes.end];
        left.into_iter().flat_map(around).filter(|bytes| !bytes.is_empty()).collect()
    })
}

impl Drop for RangeLock {
    fn drop(&mut self) {
        self.keep(Vec::new());
    }
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
mod system {
    use super::{File, Range, io};
    use std::os::fd::AsRawFd;
    use std::ptr;

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

    /// Converts the errors that mean that there are no such locks. A system without them (Linux before 3.15, gVisor)
    /// reports an invalid argument, and ours are valid. A server without them, or one that cannot be asked, reports
    /// that no locks are "available".
    pub(super) fn told(error: io::Error) -> io::Error {
        match error.raw_os_error() {
            Some(libc::EINVAL | libc::ENOLCK | libc::ENOTSUP) => io::ErrorKind::Unsupported.into(),
            _ => error,
        }
    }

    #[cfg(not(all(
        any(target_os = "linux", target_os = "android"),
        target_pointer_width = "32",
        not(target_arch = "x86_64")
    )))]
    use libc::flock as Lock;
    /// On 32-bit machines the kernel takes the 64-bit structure for these locks, which the C library's `fcntl` does not
    /// do everywhere (glibc before 2.28, Bionic).
    #[cfg(all(
        any(target_os = "linux", target_os = "android"),
        target_pointer_width = "32",
        not(target_arch = "x86_64")
    ))]
    use libc::flock64 as Lock;

    fn set(file: &File, bytes: &Range<u64>, kind: libc::c_short) -> io::Result<()> {
        let offset = |byte: u64| i64::try_from(byte).map_err(|_| io::Error::from(io::ErrorKind::Unsupported));
        // SAFETY: a structure of integers, of which zeros are values. Systems have more of them than the ones set
        // below.
        let mut lock: Lock = unsafe { std::mem::zeroed() };
        lock.l_type = kind;
        lock.l_whence = libc::SEEK_SET as libc::c_short;
        lock.l_start = offset(bytes.start)?;
        lock.l_len = offset(bytes.end - bytes.start)?;
        match set_lock(file, &lock) {
            -1 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    }

    #[cfg(all(
        any(target_os = "linux", target_os = "android"),
        target_pointer_width = "32",
        not(target_arch = "x86_64")
    ))]
    fn set_lock(file: &File, lock: &Lock) -> libc::c_long {
        // SAFETY: the descriptor is open as long as `file` is borrowed, and the command reads one `flock64`, which
        // lives.
        unsafe { libc::syscall(libc::SYS_fcntl64, file.as_raw_fd(), libc::F_OFD_SETLK, ptr::from_ref(lock)) }
    }

    #[cfg(not(all(
        any(target_os = "linux", target_os = "android"),
        target_pointer_width = "32",
        not(target_arch = "x86_64")
    )))]
    fn set_lock(file: &File, lock: &Lock) -> libc::c_int {
        // SAFETY: the descriptor is open as long as `file` is borrowed, and the command reads one `flock`, which lives.
        unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, ptr::from_ref(lock)) }
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
        // SAFETY: the handle is open as long as `file` is borrowed. It was not opened for overlapped work, so the call
        // is over, and done with `from`, when it returns.
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
        let held = RangeLock::take(&one, Some(10..20), true).unwrap().unwrap();
        assert!(RangeLock::take(&other, Some(19..30), true).unwrap().is_none());
        assert!(RangeLock::take(&other, Some(0..11), false).unwrap().is_none());
        assert!(RangeLock::take(&other, Some(20..30), true).unwrap().is_some());
        drop(held);
        assert!(RangeLock::take(&other, Some(19..30), true).unwrap().is_some());
    }

    #[cfg(unix)]
    #[test]
    fn a_system_without_such_locks_is_named_as_one() {
        let told = |code| refused("lock bytes", system::told(io::Error::from_raw_os_error(code))).kind();
        let (none, io) = (crate::ErrorKind::Unsupported, crate::ErrorKind::Io);
        assert_eq!([libc::EINVAL, libc::ENOLCK, libc::ENOTSUP, libc::EIO].map(told), [none, none, none, io]);
    }

    #[test]
    fn what_is_added_to_a_lock_goes_again_without_the_rest() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let [one, other] = [(); 2].map(|()| file.reopen().unwrap());
        let free = |bytes: Range<u64>| RangeLock::take(&other, Some(bytes), true).unwrap().is_some();
        let mut held = RangeLock::take(&one, Some(10..20), true).unwrap().unwrap();
        let first = held.ranges().to_vec();
        assert!(held.add(Some(20..30), true).unwrap() && held.add(Some(5..40), true).unwrap());
        assert_eq!(held.ranges().len(), if cfg!(windows) { 4 } else { 1 }, "ranges that meet are one");
        let in_the_way = RangeLock::take(&other, Some(60..61), true).unwrap().unwrap();
        assert!(!held.add(Some(3..70), true).unwrap());
        drop(in_the_way);
        assert!(free(3..5) && free(40..70) && !free(5..6) && !free(39..40));
        held.keep(first);
        assert!(free(5..10) && free(20..40) && !free(10..20));
        drop(held);
        assert!(free(0..100));
    }

    #[test]
    fn bytes_that_32_bits_do_not_count_are_locked_too() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let [one, other] = [(); 2].map(|()| file.reopen().unwrap());
        let far = 5 << 40;
        let _held = RangeLock::take(&one, Some(far..far + (1 << 33)), true).unwrap().unwrap();
        assert!(RangeLock::take(&other, Some(far + (1 << 33) - 1..far + (1 << 33)), true).unwrap().is_none());
        assert!(RangeLock::take(&other, Some(0..far), true).unwrap().is_some());
    }

    #[test]
    fn shared_locks_go_together() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let (one, other) = (file.reopen().unwrap(), file.reopen().unwrap());
        let held = [&one, &other].map(|file| RangeLock::take(file, Some(0..5), false).unwrap().unwrap());
        assert!(RangeLock::take(&one, Some(0..5), true).unwrap().is_none());
        drop(held);
        assert!(RangeLock::take(&one, Some(0..5), true).unwrap().is_some());
    }
}
