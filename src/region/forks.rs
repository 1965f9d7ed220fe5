//! Open files that a process does not share with its forks.
//!
//! A fork has all descriptors of its parent, and the locks of an open file are held as long as anybody has it: so a part
//! that a worker had claimed stayed claimed when the worker was killed, until the last of its forks had ended. A fork has
//! another file in the place of each that is kept from it, from its first moment on.

use std::fs::File;

/// As long as it lives, a fork of this process does not have the file that it was made of, nor its locks.
///
/// It must be dropped before the file is closed. (A process that starts another program shares nothing with it: all
/// descriptors are closed then.)
pub(crate) struct KeptFromForks(
    /// Where the descriptor is kept, and which it is.
    #[cfg_attr(not(unix), allow(dead_code, reason = "there are no forks"))]
    Option<(usize, i32)>,
);

#[cfg(not(unix))]
impl KeptFromForks {
    pub(crate) fn new(_: &File) -> Self {
        Self(None)
    }
}

#[cfg(unix)]
mod unix {
    use super::{File, KeptFromForks};
    use std::os::fd::{AsRawFd, IntoRawFd};
    use std::sync::OnceLock;
    use std::sync::atomic::AtomicI32;
    use std::sync::atomic::Ordering::SeqCst;

    /// The descriptors that are kept. Of more at a time, the others are shared.
    static KEPT: [AtomicI32; 256] = [const { AtomicI32::new(NONE) }; 256];

    const NONE: i32 = -1;

    /// The descriptor of what a fork has in their place, which is never closed; `None` where there can be none.
    static INSTEAD: OnceLock<Option<i32>> = OnceLock::new();

    fn instead() -> Option<i32> {
        *INSTEAD.get_or_init(|| {
            let file = File::open("/dev/null").ok()?;
            // SAFETY: `in_fork` makes one system call for each descriptor, which may be made wherever a thread has forked.
            let registered = unsafe { libc::pthread_atfork(None, None, Some(in_fork)) };
            (registered == 0).then(|| file.into_raw_fd())
        })
    }

    /// What is called in a fork, before `fork` returns there. The thread that forked is its only one.
    unsafe extern "C" fn in_fork() {
        let Some(&Some(instead)) = INSTEAD.get() else { return };
        for kept in &KEPT {
            let descriptor = kept.swap(NONE, SeqCst);
            if descriptor == NONE {
                continue;
            }
            // SAFETY: both are descriptors of this process: the one is never closed, the other is a file's whose
            // `KeptFromForks` lives. The file stays open, as another one, of which nobody here expects anything: whoever
            // has such a file asks whether he is a fork.
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

    impl KeptFromForks {
        pub(crate) fn new(file: &File) -> Self {
            let descriptor = file.as_raw_fd();
            let take = |kept: &AtomicI32| kept.compare_exchange(NONE, descriptor, SeqCst, SeqCst).is_ok();
            Self(instead().and_then(|_| KEPT.iter().position(take)).map(|place| (place, descriptor)))
        }
    }

    impl Drop for KeptFromForks {
        fn drop(&mut self) {
            // In a fork the place may have become another's.
            if let Some((place, descriptor)) = self.0 {
                let _ = KEPT[place].compare_exchange(descriptor, NONE, SeqCst, SeqCst);
            }
        }
    }
}
