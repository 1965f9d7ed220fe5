//! System calls that are counted, and one of which does not happen: the program is killed instead, or the call fails.
//!
//! A thread has the kernel ask before each of its calls that touch files (`SECCOMP_RET_USER_NOTIF`), and so do the
//! threads that it starts; another thread of the same program answers.

use std::os::fd::RawFd;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex};
use std::{io, mem, thread};

/// What is done at one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The program is killed, and the call not made.
    Kill,
    /// The call is not made, and fails with this error.
    Error(i32),
    /// Of what is to be written only half is.
    Short,
}

/// The calls by which files and their names change or are asked about.
const CALLS: [(i64, &str); 29] = [
    (libc::SYS_openat, "openat"),
    (libc::SYS_read, "read"),
    (libc::SYS_pread64, "pread64"),
    (libc::SYS_write, "write"),
    (libc::SYS_pwrite64, "pwrite64"),
    (libc::SYS_pwritev2, "pwritev2"),
    (libc::SYS_fsync, "fsync"),
    (libc::SYS_fdatasync, "fdatasync"),
    (libc::SYS_msync, "msync"),
    (libc::SYS_ftruncate, "ftruncate"),
    (libc::SYS_fallocate, "fallocate"),
    (libc::SYS_linkat, "linkat"),
    (libc::SYS_rename, "rename"),
    (libc::SYS_renameat, "renameat"),
    (libc::SYS_renameat2, "renameat2"),
    (libc::SYS_unlink, "unlink"),
    (libc::SYS_unlinkat, "unlinkat"),
    (libc::SYS_fcntl, "fcntl"),
    (libc::SYS_statx, "statx"),
    (libc::SYS_fstat, "fstat"),
    (libc::SYS_newfstatat, "newfstatat"),
    (libc::SYS_fstatfs, "fstatfs"),
    (libc::SYS_lseek, "lseek"),
    (libc::SYS_fchmod, "fchmod"),
    (libc::SYS_fchown, "fchown"),
    (libc::SYS_getxattr, "getxattr"),
    (libc::SYS_fsetxattr, "fsetxattr"),
    (libc::SYS_fremovexattr, "fremovexattr"),
    (libc::SYS_copy_file_range, "copy_file_range"),
];

/// Runs a function in a thread of its own, and something else in the place of one of its calls, counted from 0. Returns
/// the names of the calls too; `None` where the system does not let itself be asked.
pub(crate) fn run<R: Send>(
    fault: Option<(usize, Fault)>,
    f: impl FnOnce() -> R + Send,
) -> Option<(R, Vec<&'static str>)> {
    // A sanitizer makes calls of its own, other ones each time, and waits in them for the thread that is to answer.
    if option_env!("RUSTFLAGS").is_some_and(|flags| flags.contains("sanitizer")) {
        return None;
    }
    let (listener, calls) = (AtomicI32::new(-1), Arc::new(Mutex::new(Vec::new())));
    thread::scope(|threads| {
        let running = threads.spawn(|| {
            let Ok(descriptor) = ask_before_calls() else {
                listener.store(-2, Ordering::SeqCst);
                return None;
            };
            // Not by a channel, which might make a call that nobody answers yet.
            listener.store(descriptor, Ordering::SeqCst);
            Some(f())
        });
        let descriptor = loop {
            match listener.load(Ordering::SeqCst) {
                -1 => thread::yield_now(),
                descriptor => break descriptor,
            }
        };
        if descriptor >= 0 {
            let calls = Arc::clone(&calls);
            // It answers until the program ends.
            thread::spawn(move || answer(descriptor, fault, &calls));
        }
        let result = running.join().unwrap()?;
        Some((result, mem::take(&mut *calls.lock().unwrap())))
    })
}

/// Has the kernel ask before the calls of this thread.
fn ask_before_calls() -> io::Result<RawFd> {
    let (load, equal, answer) =
        (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, libc::BPF_JMP | libc::BPF_JEQ, libc::BPF_RET);
    let step = |code: u32, jf, k| libc::sock_filter { code: code as u16, jt: 0, jf, k };
    // The number of the call is the first word.
    let mut filter = vec![step(load, 0, 0)];
    for (number, _) in CALLS {
        filter.extend([step(equal, 1, number as u32), step(answer, 0, libc::SECCOMP_RET_USER_NOTIF)]);
    }
    filter.push(step(answer, 0, libc::SECCOMP_RET_ALLOW));
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: it takes rights from this thread, and needs no memory.
    if unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let (mode, flags) = (libc::SECCOMP_SET_MODE_FILTER, libc::SECCOMP_FILTER_FLAG_NEW_LISTENER);
    // SAFETY: a program that lives, for this thread.
    match unsafe { libc::syscall(libc::SYS_seccomp, mode, flags, &raw const program) } {
        -1 => Err(io::Error::last_os_error()),
        descriptor => Ok(descriptor as RawFd),
    }
}

fn answer(listener: RawFd, fault: Option<(usize, Fault)>, calls: &Mutex<Vec<&'static str>>) {
    loop {
        // SAFETY: integers, of which zeros are values, as the kernel wants them.
        let mut asked: libc::seccomp_notif = unsafe { mem::zeroed() };
        // SAFETY: the listener is open, and there is room for what is asked.
        if unsafe { libc::ioctl(listener, libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut asked) } != 0 {
            match io::Error::last_os_error().raw_os_error() {
                Some(libc::EINTR) => continue,
                // Nobody is left who could ask.
                _ => return,
            }
        }
        let name = CALLS.iter().find(|(number, _)| *number == i64::from(asked.data.nr)).unwrap().1;
        let mut calls = calls.lock().unwrap();
        let place = calls.len();
        calls.push(name);
        drop(calls);
        let go_on = libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32;
        let (val, error, flags) = match fault.filter(|(at, _)| *at == place) {
            None => (0, 0, go_on),
            Some((_, Fault::Kill)) => {
                // SAFETY: without conditions.
                unsafe { libc::kill(std::process::id() as libc::pid_t, libc::SIGKILL) };
                return;
            }
            Some((_, Fault::Error(code))) => (0, -code, 0),
            Some((_, Fault::Short)) => match write_half(name, asked.data.args) {
                Some(count) => (count, 0, 0),
                None => (0, 0, go_on),
            },
        };
        let told = libc::seccomp_notif_resp { id: asked.id, val, error, flags };
        // SAFETY: the listener is open, and the answer lives.
        unsafe { libc::ioctl(listener, libc::SECCOMP_IOCTL_NOTIF_SEND, &raw const told) };
    }
}

/// Writes half of what a call was to write, in its place.
fn write_half(name: &str, args: [u64; 6]) -> Option<i64> {
    let (file, at) = (args[0] as RawFd, args[1] as usize);
    let (bytes, len, offset) = match name {
        "write" | "pwrite64" => (at, args[2] as usize, args[3]),
        "pwritev2" => {
            // SAFETY: the caller's first vector, of the same program, who waits for the answer.
            let vector = unsafe { *std::ptr::with_exposed_provenance::<libc::iovec>(at) };
            (vector.iov_base.expose_provenance(), vector.iov_len, args[3])
        }
        _ => return None,
    };
    let (bytes, half) = (std::ptr::with_exposed_provenance::<libc::c_void>(bytes), len / 2);
    if half == 0 {
        return None;
    }
    let written = match name {
        // SAFETY: bytes that the caller was about to have written, who waits for the answer.
        "write" => unsafe { libc::write(file, bytes, half) },
        // SAFETY: as above.
        _ => unsafe { libc::pwrite(file, bytes, half, offset as i64) },
    };
    (written > 0).then_some(written as i64)
}
