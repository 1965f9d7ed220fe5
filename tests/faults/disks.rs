//! A disk that takes nothing more, though its file system believes that there is room: an image on a file system that
//! is full, as storage is that was promised more than once.

use crate::mounts::{self, Mounts};
use mmap_array::npy::{self, FillOptions};
use mmap_array::{Error, ErrorKind, MmapArray, MmapArrayMut};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::{env, thread};

const ON_A_DISK_THAT_FAILS: &str = r#"
cd "$FOLDER" && mkdir back disk && mount -t tmpfs -o size=32m none back || exit 77
truncate -s 64M back/image && mkfs.ext4 -q -F -O ^has_journal -E nodiscard,lazy_itable_init=0 back/image || exit 77
mount -o loop back/image disk || exit 77
"$0" --exact "$TEST" --ignored --nocapture
code=$?
rm -f back/filler
umount disk
exit $code
"#;

fn on_a_disk_that_fails(test: &str) {
    mounts::run(Mounts::OfRoot, &format!("disks::{test}"), ON_A_DISK_THAT_FAILS);
}

fn folder() -> PathBuf {
    PathBuf::from(env::var_os("FOLDER").unwrap())
}

/// A path on the disk.
fn path() -> PathBuf {
    folder().join("disk/array.npy")
}

/// Has the disk fail, for all that has no blocks yet.
fn fail() {
    rustix::fs::sync();
    let mut filler = File::create(folder().join("back/filler")).unwrap();
    while filler.write_all(&[1; 1 << 12]).is_ok() {}
}

fn recover() {
    fs::remove_file(folder().join("back/filler")).unwrap();
}

/// What the disk has of a file, and not memory.
fn on_the_disk(path: &Path) -> Vec<u8> {
    let file = File::open(path).unwrap();
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
    fs::read(path).unwrap()
}

/// A job of 8 parts of 1 MiB.
fn job(path: &Path) -> FillOptions<'_, u8> {
    npy::fill(path, [8 << 20]).parts(8)
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
fn no_part_is_done_that_the_disk_has_not_taken() {
    on_a_disk_that_fails("filled");
}

#[test]
#[ignore = "started by `no_part_is_done_that_the_disk_has_not_taken`"]
fn filled() {
    let path = path();
    let opened = job(&path).open().unwrap();
    let claims: Vec<_> = (0..8).map(|_| opened.claim().unwrap().unwrap()).collect();
    fail();
    let together = Barrier::new(8);
    let done = thread::scope(|threads| {
        let workers = claims.into_iter().map(|mut claim| {
            let together = &together;
            threads.spawn(move || {
                let rows = claim.rows();
                claim.fill(7);
                together.wait();
                claim.done().map(|()| rows)
            })
        });
        let workers: Vec<_> = workers.collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect::<Vec<_>>()
    });
    let bytes = on_the_disk(&path);
    println!("{} parts of 8 are done", done.iter().filter(|done| done.is_ok()).count());
    assert!(done.iter().any(Result::is_err), "the disk has not room for all");
    for done in &done {
        match done {
            Ok(rows) => assert!(bytes[128..][rows.clone()].iter().all(|&byte| byte == 7), "{rows:?} were lost"),
            Err(error) => assert_eq!((error.kind(), error.path()), (ErrorKind::Io, Some(&*path)), "{error}"),
        }
    }
    assert_eq!(opened.progress().unwrap().0, done.iter().filter(|done| done.is_ok()).count());
    drop(opened);
    recover();
    let all = |part: &mut npy::Claim<'_, u8>| {
        part.fill(7);
        Ok::<_, Error>(())
    };
    assert_eq!(job(&path).run(all).unwrap(), done.iter().filter(|done| done.is_err()).count());
    assert!(on_the_disk(&path)[128..].iter().all(|&byte| byte == 7));
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
fn every_part_of_a_map_is_told_that_the_disk_has_not_taken_it() {
    on_a_disk_that_fails("flushed");
}

#[test]
#[ignore = "started by `every_part_of_a_map_is_told_that_the_disk_has_not_taken_it`"]
fn flushed() {
    let path = path();
    File::create(&path).unwrap().set_len(16 << 20).unwrap();
    // SAFETY: nobody else uses the file.
    let open = || unsafe { MmapArray::<u8>::open_mut(&path) }.unwrap();
    let mut parts: Vec<MmapArrayMut<u8>> = open().into_parts(2).unwrap();
    fail();
    parts.iter_mut().for_each(|part| part.fill(7));
    for round in 0..3 {
        for (number, part) in parts.iter().enumerate() {
            let error = part.flush().unwrap_err();
            assert_eq!((error.kind(), error.path()), (ErrorKind::Io, Some(&*path)), "{round}, {number}: {error}");
        }
    }
    recover();
    assert!(parts.into_iter().all(|part| part.close().is_err()), "what was lost is lost");
    // Two arrays of one open file are told as two of two files are.
    let file = File::options().read(true).write(true).open(&path).unwrap();
    // SAFETY: nobody else uses the file, and the arrays have halves of it.
    let mut halves = [0, 8 << 20]
        .map(|start| unsafe { MmapArray::<u8>::options().offset(start).shape([8 << 20]).open_mut(&file).unwrap() });
    fail();
    halves.iter_mut().for_each(|half| half.fill(8));
    halves.iter().for_each(|half| drop(half.flush().unwrap_err()));
    drop(halves);
    recover();
    // Nor is it forgotten by an array that is mapped anew.
    fail();
    let mut shared = MmapArray::<u8>::options().open_shared_mut(&path).unwrap();
    shared.fill(9).unwrap();
    shared.flush().unwrap_err();
    recover();
    assert!(!shared.refresh().unwrap());
    shared.flush().unwrap_err();
    // Opened anew, it is another try.
    let mut array = open();
    array.fill(8);
    array.flush().unwrap();
    assert!(on_the_disk(&path).iter().all(|&byte| byte == 8));
}
