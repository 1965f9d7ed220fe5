//! Arrays that several processes fill, which are killed over it, or fork.

#![cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows))]

#[cfg(unix)]
use mmap_array::ErrorKind;
use mmap_array::npy::{self, FillOptions};
use mmap_array::{Error, Le};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, fs, thread};

mod random;
use random::Random;

/// What the children of the next test do: fill, slowly, so that most of them die over it.
#[test]
#[ignore = "started by `an_array_is_right_however_often_its_workers_are_killed` with what it is to do"]
fn worker() {
    let path = PathBuf::from(env::var("FILL").unwrap());
    let filled = many(&path).run(|part| {
        for index in part.rows() {
            let at = index - part.rows().start;
            part[at].set(square(index));
            if index % 64 == 0 {
                thread::sleep(Duration::from_millis(2));
            }
        }
        Ok::<_, Error>(())
    });
    filled.unwrap();
}

/// A job of 40 parts, whose ends lie on no page.
fn many(path: &Path) -> FillOptions<'_, Le<u64>> {
    npy::fill(path, [10_007]).parts(40)
}

fn square(index: usize) -> u64 {
    (index * index) as u64 + 1
}

fn start(path: &Path) -> Child {
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", "worker", "--ignored", "--quiet"]).env("FILL", path).stdout(Stdio::null());
    child.spawn().unwrap()
}

#[test]
#[cfg_attr(
    not(any(target_arch = "x86_64", target_vendor = "apple")),
    ignore = "under an emulator a test program cannot start itself"
)]
fn an_array_is_right_however_often_its_workers_are_killed() {
    let mut random = Random(1);
    let (mut killed, mut rounds) = (0, 0);
    // How many die over their work depends on the machine.
    while killed < 60 {
        rounds += 1;
        assert!(rounds <= 200, "of 800 workers {killed} were killed before all was done");
        let folder = tempfile::tempdir().unwrap();
        let (path, sidecar) = (folder.path().join("array.npy"), folder.path().join(".array.npy.fill"));
        let mut workers: Vec<Child> = (0..4).map(|_| start(&path)).collect();
        // Each is killed once, the first maybe while it creates the array, and another one started for it.
        for k in 0..4 {
            thread::sleep(Duration::from_millis(random.below(15)));
            let worker = &mut workers[(k + random.below(4) as usize) % 4];
            worker.kill().unwrap();
            killed += usize::from(!worker.wait().unwrap().success() && sidecar.exists());
            if let Ok(array) = npy::header(&path) {
                assert_eq!(array.shape(), [10_007], "the array is never there half made");
            }
            *worker = start(&path);
        }
        for mut worker in workers {
            assert!(worker.wait().unwrap().success());
        }
        assert!(!sidecar.exists());
        // SAFETY: nobody writes or truncates the file any more.
        let array = unsafe { npy::open::<Le<u64>>(&path) }.unwrap();
        assert!(array.iter().enumerate().all(|(index, number)| number.get() == square(index)));
        let left = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let other: Vec<_> = left.filter(|name| name != "array.npy").collect();
        assert!(other.iter().all(|name| name.to_string_lossy().starts_with(".mmap-array-")), "{other:?}");
    }
    println!("{killed} workers were killed in {rounds} rounds");
}

/// What the child of the next test does: forks, as programs do that call others without starting them anew.
#[cfg(unix)]
#[test]
#[ignore = "started by `a_fork_of_a_worker_takes_nothing_from_it`, since it has few threads then"]
fn forking() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("array.npy");
    let one = many(&path).parts(2).open().unwrap();
    let claim = one.claim().unwrap().unwrap();
    // SAFETY: no other thread of this process does anything, and the fork ends without coming back.
    let fork = unsafe { libc::fork() };
    if fork == 0 {
        let refused = |error: Option<Error>| error.is_some_and(|error| error.kind() == ErrorKind::Unsupported);
        let refused = [one.try_claim().err(), one.progress().err(), claim.done().err()].into_iter().all(refused);
        // SAFETY: ends the process, and runs nothing of the other's.
        unsafe { libc::_exit(if refused { 0 } else { 1 }) };
    }
    let mut status = 0;
    // SAFETY: writes the status, which lives.
    assert_eq!(unsafe { libc::waitpid(fork, &raw mut status, 0) }, fork);
    assert_eq!(status, 0, "the fork has no parts of the same job");
    assert_eq!(many(&path).parts(2).open().unwrap().claim().unwrap().unwrap().rows(), 5004..10_007);
    assert_eq!(claim.rows(), 0..5004);
}

#[cfg(unix)]
#[test]
#[cfg_attr(
    not(any(target_arch = "x86_64", target_vendor = "apple")),
    ignore = "under an emulator a test program cannot start itself"
)]
fn a_fork_of_a_worker_takes_nothing_from_it() {
    let mut child = Command::new(env::current_exe().unwrap());
    let done = child.args(["--exact", "forking", "--ignored"]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
}

/// A job of two parts, of which the elements are locked as well.
#[cfg(unix)]
fn locked(path: &Path) -> FillOptions<'_, Le<u64>> {
    npy::create_options([10_007]).lock_range().fill(path).parts(2)
}

/// What the child of the next test does: claims a part, forks meanwhile and afterwards, says so and waits to be killed.
/// The forks live on.
#[cfg(unix)]
#[test]
#[ignore = "started by `a_claim_goes_with_its_worker_although_forks_of_it_live`"]
fn leaving_forks() {
    fn fork() -> libc::pid_t {
        // SAFETY: the fork makes two system calls, and ends without coming back.
        let fork = unsafe { libc::fork() };
        if fork == 0 {
            // SAFETY: without conditions.
            unsafe { libc::sleep(60) };
            // SAFETY: ends the process, and runs nothing of the other's.
            unsafe { libc::_exit(0) };
        }
        fork
    }
    let begun = std::sync::atomic::AtomicBool::new(false);
    let (job, mut forks) = thread::scope(|threads| {
        let forks = threads.spawn(|| {
            let mut forks = Vec::new();
            while !begun.load(std::sync::atomic::Ordering::Relaxed) && forks.len() < 200 {
                forks.push(fork());
                thread::sleep(Duration::from_micros(500));
            }
            forks
        });
        let job = locked(&PathBuf::from(env::var("FILL").unwrap())).open().unwrap();
        begun.store(true, std::sync::atomic::Ordering::Relaxed);
        (job, forks.join().unwrap())
    });
    let claim = job.claim().unwrap().unwrap();
    forks.push(fork());
    println!("\nforks: {}", forks.iter().map(i32::to_string).collect::<Vec<_>>().join(" "));
    thread::sleep(Duration::from_secs(60));
    drop(claim);
}

#[cfg(unix)]
#[test]
#[cfg_attr(
    not(any(target_arch = "x86_64", target_vendor = "apple")),
    ignore = "under an emulator a test program cannot start itself"
)]
fn a_claim_goes_with_its_worker_although_forks_of_it_live() {
    use std::io::{BufRead, BufReader};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("array.npy");
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", "leaving_forks", "--ignored", "--nocapture"]).env("FILL", &path).stdout(Stdio::piped());
    let mut child = child.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let forks = lines.find_map(|line| line.unwrap().strip_prefix("forks: ").map(str::to_owned)).unwrap();
    let forks: Vec<libc::pid_t> = forks.split(' ').map(|fork| fork.parse().unwrap()).collect();
    let job = locked(&path).open().unwrap();
    assert_eq!(job.claim().unwrap().unwrap().rows(), 5004..10_007, "the worker has the first");
    child.kill().unwrap();
    child.wait().unwrap();
    // SAFETY: asks whether a process is there.
    let alive = forks.iter().filter(|&&fork| unsafe { libc::kill(fork, 0) } == 0).count();
    let other = locked(&path).open().unwrap();
    // A fork has the files until it has run for a moment.
    let claim = (0..200).find_map(|_| {
        let rows = other.try_claim().unwrap().map(|claim| claim.rows());
        rows.filter(|rows| rows.start == 0).or_else(|| {
            thread::sleep(Duration::from_millis(50));
            None
        })
    });
    for &fork in &forks {
        // SAFETY: a fork of the child, which nobody waits for.
        unsafe { libc::kill(fork, libc::SIGKILL) };
    }
    assert_eq!((alive, claim), (forks.len(), Some(0..5004)), "all forks live");
}
