//! Open files that a process does not share with its forks.
//!
//! A fork has all descriptors of its parent, and the locks of an open file are held as long as anybody has it: so a part
//! that a worker had claimed stayed claimed when the worker was killed, until the last of its forks had ended. A fork has
//! another file in the place of each that is kept from it, from its first moment on.

use super::file::reopen;
use std::fs::File;
use std::io;
use std::ops::Deref;
use std::path::Path;

/// A file that forks of this process do not have, nor its locks: an empty one stands for it there. (A process that starts another program shares nothing with it: all descriptors are closed then.)
pub(crate) struct OwnFile {
    /// Dropped before the file is closed.
    _kept: Kept,
    file: File,
}

impl OwnFile {
    pub(crate) fn new(file: File) -> Self {
        Self { _kept: Kept::new(&file), file }
    }

    /// Opens a file once more, so that its locks are held by nobody else, also where others share the open file or have
    /// mapped it. (Where the system has no forks, the same open file does.)
    pub(crate) fn again(file: &File, path: Option<&Path>) -> io::Result<Self> {
        let again = if cfg!(unix) { reopen(file, path.unwrap_or(Path::new(""))) } else { file.try_clone() };
        again.map(Self::new)
    }
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
impl Kept {
    fn new(_: &File) -> Self {
        Self
    }
}

#[cfg(unix)]
use unix::Kept;

#[cfg(unix)]
mod unix {
    use super::File;
    use std::os::fd::{AsRawFd, IntoRawFd, RawFd};
    use std::sync::atomic::Ordering::SeqCst;
    use std::sync::atomic::{AtomicBool, AtomicI32};

    /// The descriptors that are kept. Of more at a time, the others are shared.
    static KEPT: [AtomicI32; 1024] = [const { AtomicI32::new(NONE) }; 1024];

    const NONE: RawFd = -1;

    /// The descriptor of what a fork has in their place, which is never closed.
    static INSTEAD: AtomicI32 = AtomicI32::new(NONE);

    /// Opens what forks have instead and has them get it; `false` where that cannot be, for the moment. Nothing is
    /// locked meanwhile, which a fork would find locked for ever.
    fn is_ready() -> bool {
        static REGISTERED: AtomicBool = AtomicBool::new(false);
        if INSTEAD.load(SeqCst) == NONE {
            let Ok(file) = File::open("/dev/null") else { return false };
            if INSTEAD.compare_exchange(NONE, file.as_raw_fd(), SeqCst, SeqCst).is_ok() {
                let _ = file.into_raw_fd();
            }
        }
        // Twice, by two threads, does no harm.
        if !REGISTERED.load(SeqCst) {
            // SAFETY: `in_fork` makes one system call for each descriptor, which may be made wherever a thread has forked.
            let registered = unsafe { libc::pthread_atfork(None, None, Some(in_fork)) };
            REGISTERED.store(registered == 0, SeqCst);
        }
        REGISTERED.load(SeqCst)
    }

    /// What is called in a fork, before `fork` returns there. The thread that forked is its only one.
    unsafe extern "C" fn in_fork() {
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

    /// As long as it lives, forks have another file by the same descriptor.
    pub(super) struct Kept(
        /// Where the descriptor is kept, and which it is.
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
