//! Open files that a process does not share with its forks.
//!
//! A fork has all descriptors of its parent, and the locks of an open file are held as long as any process has it open.
//! So a part that a worker had claimed stayed claimed when the worker was killed, until the last of its forks had
//! ended. In a fork, another file replaces each file of this kind, from the beginning.

use super::file::reopen;
use std::fs::File;
use std::io;
use std::ops::Deref;
use std::path::Path;
use std::thread;
use std::time::Duration;

/// A file that forks of this process do not share, nor its locks: in a fork, `/dev/null` replaces it. (A process that
/// starts another program shares nothing with it, because all descriptors are closed then.)
pub(crate) struct OwnFile {
    /// Dropped before the file is closed.
    _kept: Kept,
    file: File,
}

impl OwnFile {
    /// Keeps a descriptor from future forks. An existing fork may have it.
    pub(crate) fn new(file: File) -> Self {
        Self { _kept: Kept::new(&file), file }
    }

    /// Opens a file and keeps it from all forks: opens it again if the process was forked meanwhile.
    pub(crate) fn open<E>(mut open: impl FnMut() -> Result<File, E>) -> Result<Self, E> {
        let mut tries = 0;
        loop {
            let before = forks();
            let own = Self::new(open()?);
            // Nothing is certain where forks cannot be counted, or follow upon one another.
            if before == forks() && before != Forks::Now || before == Forks::Unknown || tries == MOST_FORKS {
                return Ok(own);
            }
            tries += 1;
            thread::sleep(Duration::from_micros(50));
        }
    }

    /// Opens a file once more, so that nothing else holds its locks, even if others share the open file or have mapped
    /// it. (If the system has no forks, returns the same open file.)
    pub(crate) fn again(file: &File, path: Option<&Path>) -> io::Result<Self> {
        Self::open(|| if cfg!(unix) { reopen(file, path.unwrap_or(Path::new(""))) } else { file.try_clone() })
    }
}

/// The number of times that a process may fork while it opens a file.
const MOST_FORKS: usize = 100;

/// The number of times that this process has forked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Forks {
    Now,
    Unknown,
    So(usize),
}

impl Deref for OwnFile {
    type Target = File;

    fn deref(&self) -> &File {
        &self.file
    }
}

#[cfg(not(unix))]
struct Kept;

#[cfg(not(unix))]
fn forks() -> Forks {
    Forks::So(0)
}

#[cfg(not(unix))]
impl Kept {
    fn new(_: &File) -> Self {
        Self
    }
}

#[cfg(unix)]
use unix::{Kept, forks};

#[cfg(unix)]
mod unix {
    use super::{File, Forks};
    use std::os::fd::{AsRawFd, IntoRawFd, RawFd};
    use std::os::unix::fs::MetadataExt;
    use std::sync::atomic::Ordering::SeqCst;
    use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, AtomicUsize};

    /// The descriptors that are kept from forks. If there are more at a time, the others are shared.
    static KEPT: [AtomicI32; 1024] = [const { AtomicI32::new(NONE) }; 1024];

    const NONE: RawFd = -1;

    /// The descriptor of the file that replaces them in a fork, which is never closed.
    static INSTEAD: AtomicI32 = AtomicI32::new(NONE);

    /// The device number of that file.
    static DEVICE: AtomicU64 = AtomicU64::new(0);

    /// Opens the file that replaces others in forks, and registers the replacement. Returns `false` if that fails for
    /// now. Takes no locks, which would be locked forever in a fork.
    fn is_ready() -> bool {
        static REGISTERED: AtomicBool = AtomicBool::new(false);
        let instead = INSTEAD.load(SeqCst);
        if !is_empty_device(instead) {
            // None, or a daemon has closed all its descriptors, and the number is another file's or nobody's.
            let Ok(file) = File::open("/dev/null") else { return false };
            DEVICE.store(file.metadata().map_or(0, |device| device.rdev()), SeqCst);
            if INSTEAD.compare_exchange(instead, file.as_raw_fd(), SeqCst, SeqCst).is_ok() {
                let _ = file.into_raw_fd();
            }
        }
        // Twice, by two threads, does no harm.
        if !REGISTERED.load(SeqCst) {
            // SAFETY: the first two count, the third makes a system call for each descriptor, which may be made
            // wherever a thread has forked.
            let registered = unsafe { libc::pthread_atfork(Some(before_fork), Some(after_fork), Some(in_fork)) };
            REGISTERED.store(registered == 0, SeqCst);
        }
        REGISTERED.load(SeqCst)
    }

    /// Returns whether a descriptor is that of `/dev/null`.
    fn is_empty_device(descriptor: RawFd) -> bool {
        // SAFETY: a structure of integers, of which zeros are values.
        let mut found: libc::stat = unsafe { std::mem::zeroed() };
        // SAFETY: writes the structure, which lives, or fails where there is no such descriptor.
        let is_open = unsafe { libc::fstat(descriptor, &raw mut found) } == 0;
        is_open && found.st_mode & libc::S_IFMT == libc::S_IFCHR && found.st_rdev as u64 == DEVICE.load(SeqCst)
    }

    /// The number of forks that have begun, and of those that are over.
    static BEGUN: AtomicUsize = AtomicUsize::new(0);
    static OVER: AtomicUsize = AtomicUsize::new(0);

    unsafe extern "C" fn before_fork() {
        BEGUN.fetch_add(1, SeqCst);
    }

    unsafe extern "C" fn after_fork() {
        OVER.fetch_add(1, SeqCst);
    }

    pub(super) fn forks() -> Forks {
        if !is_ready() {
            return Forks::Unknown;
        }
        let over = OVER.load(SeqCst);
        if BEGUN.load(SeqCst) == over { Forks::So(over) } else { Forks::Now }
    }

    /// Runs in a fork, before `fork` returns there. The thread that forked is its only one.
    unsafe extern "C" fn in_fork() {
        OVER.store(BEGUN.load(SeqCst), SeqCst);
        let instead = INSTEAD.load(SeqCst);
        for kept in &KEPT {
            let descriptor = kept.swap(NONE, SeqCst);
            if descriptor == NONE {
                continue;
            }
            // SAFETY: both are descriptors of this process: the one is never closed, the other is a file's whose
            // `OwnFile` lives. The file stays open, as another one, of which nobody here expects anything: whoever has
            // such a file asks whether he is a fork.
            #[cfg(any(target_os = "linux", target_os = "android"))]
            unsafe {
                libc::dup3(instead, descriptor, libc::O_CLOEXEC)
            };
            // SAFETY: as above.
            #[cfg(not(any(target_os = "linux", target_os = "android")))]
            unsafe {
                libc::dup2(instead, descriptor)
            };
        }
    }

    /// While this lives, forks have another file by the same descriptor.
    pub(super) struct Kept(
        /// The index at which the descriptor is kept, and the descriptor.
        Option<(usize, RawFd)>,
    );

    impl Kept {
        pub(super) fn new(file: &File) -> Self {
            let descriptor = file.as_raw_fd();
            let take = |kept: &AtomicI32| kept.compare_exchange(NONE, descriptor, SeqCst, SeqCst).is_ok();
            let place = if is_ready() { KEPT.iter().position(take) } else { None };
            Self(place.map(|place| (place, descriptor)))
        }
    }

    impl Drop for Kept {
        fn drop(&mut self) {
            // In a fork the place may have become another's.
            if let Some((place, descriptor)) = self.0 {
                let _ = KEPT[place].compare_exchange(descriptor, NONE, SeqCst, SeqCst);
            }
        }
    }
}
