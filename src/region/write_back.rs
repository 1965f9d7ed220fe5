//! Waiting for the disk, so that what it has not taken is told to all who wait.
//!
//! Linux tells an open file once that bytes written to it did not come to the disk: whoever waits first is told, whatever
//! bytes he asked about, and for all others they are on the disk from then on. (PostgreSQL lost data by this in 2018:
//! <https://wiki.postgresql.org/wiki/Fsync_Errors>.) Parts of an array have one open file, and so has an array that is
//! flushed twice. So an error is kept, and returned to all who wait later, or at the same time.

use std::io;
use std::sync::{OnceLock, PoisonError, RwLock};

/// Whether the disk has ever refused what was written through a map.
#[derive(Default)]
pub(super) struct WriteBack {
    /// Read by each who is waiting. Who has the lock alone knows that none of those is who began before.
    waiting: RwLock<()>,
    failed: OnceLock<Failed>,
}

/// An error to be told again.
#[derive(Clone, Copy)]
enum Failed {
    Os(i32),
    Other(io::ErrorKind),
}

/// Waits for the disk by a system call: as [`WriteBack::wait`], where there is something to be waited for.
pub(super) fn wait(write_back: Option<&WriteBack>, sync: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    match write_back {
        Some(write_back) => write_back.wait(sync),
        None => sync(),
    }
}

impl WriteBack {
    /// Waits by a system call that tells of an error once.
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
        let text = format!("{source} (told before, of this or another part; what memory shows may not be on the disk)");
        Err(io::Error::new(source.kind(), text))
    }
}

impl Failed {
    /// `None` where nothing was tried.
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
        assert!(later.unwrap_err().to_string().contains("told before"));
    }

    #[test]
    fn what_was_not_tried_is_no_error_of_others() {
        let write_back = WriteBack::default();
        write_back.wait(|| Err(io::ErrorKind::Interrupted.into())).unwrap_err();
        write_back.wait(|| Ok(())).unwrap();
    }
}
