//! Waiting for the disk, such that its errors are reported to all that wait.
//!
//! Linux reports to an open file only once that bytes written to it did not reach the disk: the first to wait gets the
//! error, whatever bytes it waits for, and for all others the bytes seem to be on the disk from then on. (PostgreSQL
//! lost data by this in 2018: <https://wiki.postgresql.org/wiki/Fsync_Errors>.) Parts of an array share one open file,
//! and an array may be flushed twice. So an error is kept, and returned to all that wait later or at the same time.

use std::io;
use std::sync::{OnceLock, PoisonError, RwLock};

/// A record of whether the disk ever failed to write what was written through a map.
#[derive(Default)]
pub(super) struct WriteBack {
    /// Locked for reading by each waiter. Locking it for writing waits for all waiters that began before.
    waiting: RwLock<()>,
    failed: OnceLock<Failed>,
}

/// An error to be returned again.
#[derive(Clone, Copy)]
enum Failed {
    Os(i32),
    Other(io::ErrorKind),
}

/// Waits for the disk by a system call: like [`WriteBack::wait`], if there is a record of errors.
pub(super) fn wait(write_back: Option<&WriteBack>, sync: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    match write_back {
        Some(write_back) => write_back.wait(sync),
        None => sync(),
    }
}

impl WriteBack {
    /// Waits by a system call that reports an error only once.
    pub(super) fn wait(&self, sync: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        self.check()?;
        let waiting = self.waiting.read().unwrap_or_else(PoisonError::into_inner);
        let synced = sync();
        if let Some(failed) = synced.as_ref().err().and_then(Failed::of) {
            let _ = self.failed.set(failed);
        }
        drop(waiting);
        synced?;
        // What was ours may have been told to those who waited at the same time.
        drop(self.waiting.write().unwrap_or_else(PoisonError::into_inner));
        self.check()
    }

    fn check(&self) -> io::Result<()> {
        let Some(&failed) = self.failed.get() else { return Ok(()) };
        let source = match failed {
            Failed::Os(code) => io::Error::from_raw_os_error(code),
            Failed::Other(kind) => kind.into(),
        };
        let text =
            format!("{source} (reported before, for this or another part; elements in memory may not be on the disk)");
        Err(io::Error::new(source.kind(), text))
    }
}

impl Failed {
    /// Returns `None` if the call has not tried to write.
    fn of(error: &io::Error) -> Option<Self> {
        match error.kind() {
            io::ErrorKind::Interrupted | io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported => None,
            kind => Some(error.raw_os_error().map_or(Self::Other(kind), Self::Os)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;
    use std::thread;

    #[test]
    fn an_error_is_told_to_all_who_wait_at_the_same_time_or_later() {
        let write_back = WriteBack::default();
        let both = Barrier::new(2);
        thread::scope(|threads| {
            let told = threads.spawn(|| {
                write_back.wait(|| {
                    both.wait();
                    Err(io::ErrorKind::StorageFull.into())
                })
            });
            let other = write_back.wait(|| {
                both.wait();
                Ok(())
            });
            let kinds = [told.join().unwrap(), other].map(|result| result.unwrap_err().kind());
            assert_eq!(kinds, [io::ErrorKind::StorageFull; 2]);
        });
        let later = write_back.wait(|| unreachable!("nobody is asked again"));
        assert!(later.unwrap_err().to_string().contains("reported before"));
    }

    #[test]
    fn what_was_not_tried_is_no_error_of_others() {
        let write_back = WriteBack::default();
        write_back.wait(|| Err(io::ErrorKind::Interrupted.into())).unwrap_err();
        write_back.wait(|| Ok(())).unwrap();
    }
}
