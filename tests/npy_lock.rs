//! Advisory locks on windows of `.npy` files.

#![cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows))]

use mmap_array::array::Typed;
use mmap_array::npy::{self, Npy};
use mmap_array::{Error, ErrorKind, MmapArray, MmapArrayMut, Order};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, thread};

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("array.npy");
    // SAFETY: nobody else uses the file, and the array goes at once.
    drop(unsafe { npy::create::<u16>(&path, [100, 3]) }.unwrap());
    (folder, path)
}

type Options = mmap_array::Options<Typed<u16>, Npy>;

fn segment(k: usize) -> Options {
    npy::options().segment(k, 4).lock_range()
}

fn write(path: &Path, options: Options) -> Result<MmapArrayMut<u16>, Error> {
    // SAFETY: whoever writes the file takes a lock, and nobody truncates it.
    unsafe { options.open_mut(path) }
}

fn read(path: &Path, options: Options) -> Result<MmapArray<u16>, Error> {
    // SAFETY: as above.
    unsafe { options.open(path) }
}

#[track_caller]
fn assert_locked<T>(opened: Result<T, Error>, path: &Path) {
    let error = opened.err().expect("somebody has a lock");
    assert_eq!((error.kind(), error.path()), (ErrorKind::Locked, Some(path)));
    assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn a_writer_keeps_others_out_of_its_segment_alone() {
    let (_folder, path) = folder();
    let mine = write(&path, segment(1)).unwrap();
    assert_locked(write(&path, segment(1)), &path);
    assert_locked(read(&path, segment(1)), &path);
    assert_locked(write(&path, npy::options().rows(49..51).lock_range()), &path);
    thread::scope(|scope| scope.spawn(|| assert_locked(write(&path, segment(1)), &path)).join().unwrap());
    write(&path, segment(0)).unwrap();
    write(&path, segment(2)).unwrap();
    // Who asks for no lock is not asked for one.
    read(&path, npy::options().segment(1, 4)).unwrap();
    drop(mine);
    write(&path, segment(1)).unwrap();
}

#[test]
fn readers_share_what_no_writer_has() {
    let (_folder, path) = folder();
    let readers = [0, 1].map(|_| read(&path, segment(3)).unwrap());
    assert_locked(write(&path, segment(3)), &path);
    // SAFETY: as above. What is written here is in memory only.
    drop(unsafe { segment(3).open_cow(&path) }.unwrap());
    drop(readers);
    write(&path, segment(3)).unwrap();
}

#[test]
fn the_lock_stays_with_the_last_part() {
    let (_folder, path) = folder();
    let mut parts = write(&path, segment(0)).unwrap().into_parts(2).unwrap();
    parts.truncate(1);
    assert_locked(write(&path, segment(0)), &path);
    drop(parts);
    write(&path, segment(0)).unwrap();
}

#[test]
fn a_window_without_elements_locks_nothing() {
    let (_folder, path) = folder();
    let _empty = write(&path, npy::options().rows(10..10).lock_range()).unwrap();
    write(&path, npy::options().lock_range()).unwrap();
}

#[test]
fn rows_in_fortran_order_lock_themselves_and_not_what_lies_between() {
    let (_folder, path) = folder();
    let open =
        |rows: std::ops::Range<usize>| npy::options::<u16>().strided().rows(rows).lock_range().open_shared_mut(&path);
    let columns = |part| npy::options::<u16>().segment(part, 2).lock_range().open_shared(&path);
    // Columns that are locked one by one, and too many for that.
    for (len, is_one_by_one) in [(50, true), (5000, false)] {
        let zeros = MmapArray::<u16>::create_options([40, len]).order(Order::F).anonymous().unwrap();
        npy::save(&path, &zeros).unwrap();
        let upper = open(0..10).unwrap();
        assert_locked(open(9..20), &path);
        assert_locked(columns(0), &path);
        assert_eq!(open(10..40).is_ok(), is_one_by_one, "{len} columns");
        drop(upper);
        let left = columns(0).unwrap();
        assert_locked(open(39..40), &path);
        columns(1).unwrap();
        drop(left);
        open(0..40).unwrap();
    }
}

#[test]
fn what_an_array_grows_by_is_locked_too() {
    let (_folder, path) = folder();
    let mut all = write(&path, npy::options().lock_range()).unwrap();
    all.grow(10).unwrap();
    assert_locked(write(&path, npy::options().rows(105..).lock_range()), &path);
    assert_locked(read(&path, npy::options().rows(109..).lock_range()), &path);
    all.grow(1).unwrap();
    assert_locked(read(&path, npy::options().rows(110..).lock_range()), &path);
    drop(all);
    // Also where there was nothing to be locked before.
    let mut tail = write(&path, npy::options().rows(111..).lock_range()).unwrap();
    tail.grow(1).unwrap();
    assert_locked(write(&path, npy::options().lock_range()), &path);
    drop(tail);
    write(&path, npy::options().lock_range()).unwrap();
}

/// What the child of the next test does: takes a lock, says so, and waits to be killed.
#[test]
#[ignore = "started by `a_lock_dies_with_its_holder` with what it is to do"]
fn holder() {
    let _mine = write(Path::new(&env::var_os("LOCK").unwrap()), segment(2)).unwrap();
    println!("locked");
    loop {
        thread::park();
    }
}

#[test]
#[cfg_attr(
    not(any(target_arch = "x86_64", target_vendor = "apple")),
    ignore = "under an emulator a test program cannot start itself"
)]
fn a_lock_dies_with_its_holder() {
    let (_folder, path) = folder();
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", "holder", "--ignored", "--nocapture"]).env("LOCK", &path).stdout(Stdio::piped());
    let mut child = child.spawn().unwrap();
    let told = BufReader::new(child.stdout.take().unwrap()).lines().any(|line| line.unwrap().ends_with("locked"));
    assert!(told);
    assert_locked(write(&path, segment(2)), &path);
    child.kill().unwrap();
    child.wait().unwrap();
    write(&path, segment(2)).unwrap();
}

#[test]
fn a_shared_array_keeps_its_lock_through_refreshes_and_as_long_as_a_clone_lives() {
    let (_folder, path) = folder();
    let open = |rows| npy::options::<u16>().rows(rows).lock_range().open_shared_mut(&path);
    let mut array = open(50..100).unwrap();
    let old = array.clone();
    assert!(!array.refresh().unwrap());
    assert_locked(open(99..100), &path);
    drop(old);
    assert_locked(open(99..100), &path);
    open(0..50).unwrap();
    let part = array.into_rows(10..20);
    assert_locked(open(50..51), &path);
    drop(part);
    open(0..100).unwrap();
}

#[test]
fn what_a_shared_array_finds_new_is_locked_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    std::fs::write(&path, [1; 10]).unwrap();
    let append = || std::fs::write(&path, [1; 20]).unwrap();
    let open = |offset| MmapArray::<u8>::options().offset(offset).shape(5).lock_range().open_shared_mut(&path);
    // Windows keeps others from writing what is locked.
    if cfg!(windows) {
        return println!("left out: nobody else can append there");
    }
    let mut log = MmapArray::<u8>::options().lock_range().open_shared_mut(&path).unwrap();
    append();
    let other = open(12).unwrap();
    assert_locked(log.refresh(), &path);
    assert_eq!(log.len(), 10, "it is as it was");
    assert_locked(open(5), &path);
    drop(other);
    assert!(log.refresh().unwrap());
    assert_locked(open(12), &path);
    assert_locked(open(5), &path);
}

#[test]
#[cfg(target_os = "linux")]
fn a_lock_that_becomes_longer_takes_no_descriptors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    std::fs::write(&path, [1]).unwrap();
    let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let mut log = MmapArray::<u8>::options().lock_range().open_shared_mut(&path).unwrap();
    let before = open();
    for len in 2..=300 {
        std::fs::write(&path, vec![1; len]).unwrap();
        assert!(log.refresh().unwrap());
    }
    drop(log);
    // SAFETY: nobody else writes or truncates the file.
    let mut log = unsafe { MmapArray::<u8>::options().lock_range().open_mut(&path) }.unwrap();
    for _ in 0..300 {
        log.grow(1).unwrap();
    }
    assert_eq!(log.len(), 600);
    // Other tests open files meanwhile, but not hundreds.
    assert!(open() < before + 100, "{} descriptors, and {before} before", open());
}

#[test]
#[cfg(unix)]
fn what_arrays_of_one_open_file_have_locked_is_one_lock() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    std::fs::write(&path, [1; 10]).unwrap();
    let file = std::fs::File::options().read(true).write(true).open(&path).unwrap();
    let options = MmapArray::<u8>::options().lock_range();
    // SAFETY: nobody else writes the elements, nor makes the file shorter.
    let mut log = unsafe { options.open_mut(&file) }.unwrap();
    log.grow(10).unwrap();
    // SAFETY: as above, and nobody writes what it has of the same elements meanwhile.
    let added = unsafe { options.offset(10).shape(10).open_mut(&file) }.unwrap();
    // SAFETY: as above.
    let others = || unsafe { options.offset(10).shape(10).open_mut(&path) };
    assert_locked(others(), &path);
    drop(added);
    others().unwrap();
}

#[test]
#[cfg(target_os = "linux")]
fn the_locks_of_an_open_file_are_held_as_long_as_the_array_that_was_mapped_from_it() {
    use rustix::fs::{FlockOperation::NonBlockingLockExclusive, flock};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    std::fs::write(&path, [1; 10]).unwrap();
    let open = || std::fs::File::options().read(true).write(true).open(&path).unwrap();
    let (file, other) = (open(), open());
    flock(&file, NonBlockingLockExclusive).unwrap();
    // SAFETY: nobody else uses the file.
    let array = unsafe { MmapArray::<u8>::options().open_mut(&file) }.unwrap();
    drop(file);
    assert!(flock(&other, NonBlockingLockExclusive).is_err());
    drop(array);
    flock(&other, NonBlockingLockExclusive).unwrap();
}
