//! Disks that get full while arrays are filled and grow. That is an error, never a signal, and what was there stays.
#![cfg(target_os = "linux")]

mod mounts;

use mmap_array::npy::{self, FillOptions};
use mmap_array::{Error, ErrorKind, MmapArray};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// A program that makes a file system of 1 MiB on a folder, which is nobody else's, and runs this test program there;
/// twice, with room for all the second time.
const ON_A_SMALL_DISK: &str = r#"
mount -t tmpfs -o size=1m none "$FOLDER" || exit 77
"$0" --exact "$TEST" --ignored || exit 1
mount -o remount,size=8m "$FOLDER" || exit 1
ROOM=1 "$0" --exact "$TEST" --ignored
"#;

/// Runs a test on a small disk, where the system lets us have one.
fn on_a_small_disk(test: &str) {
    mounts::run(mounts::Mounts::OfAnybody, test, ON_A_SMALL_DISK);
}

/// The array's path on the small disk, and whether it has room by now.
fn disk() -> (PathBuf, bool) {
    (Path::new(&env::var_os("FOLDER").unwrap()).join("array.npy"), env::var_os("ROOM").is_some())
}

#[track_caller]
fn assert_full(error: Error, path: &Path) {
    assert_eq!((error.kind(), error.path()), (ErrorKind::Io, Some(path)), "{error}");
    assert!(error.byte_range().is_some(), "{error}");
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::StorageFull);
}

/// A job of 32 parts of 64 KiB.
fn job(path: &Path) -> FillOptions<'_, u64> {
    npy::fill(path, [32, 1 << 13]).rows_per_part(1)
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
fn a_job_on_a_full_disk_fails_and_goes_on_when_there_is_room() {
    on_a_small_disk("filled");
}

#[test]
#[ignore = "started by `a_job_on_a_full_disk_fails_and_goes_on_when_there_is_room`"]
fn filled() {
    let (path, room) = disk();
    let (done, _) = job(&path).open().unwrap().progress().unwrap();
    let filled = job(&path).threads(2).run(|part| {
        let row = part.rows().start as u64;
        part.fill(row + 1);
        Ok::<_, Error>(())
    });
    if room {
        assert!(done >= 8, "{done} parts were done before");
        filled.unwrap();
        // SAFETY: nobody writes or truncates the file any more.
        let array = unsafe { npy::open::<u64>(&path) }.unwrap();
        assert!(array.chunks_exact(1 << 13).zip(1..).all(|(row, number)| row.iter().all(|&it| it == number)));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    } else {
        assert_full(filled.unwrap_err(), &path);
    }
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
fn an_array_on_a_full_disk_does_not_grow_until_there_is_room() {
    on_a_small_disk("grown");
}

#[test]
#[ignore = "started by `an_array_on_a_full_disk_does_not_grow_until_there_is_room`"]
fn grown() {
    let (path, room) = disk();
    let raw = path.with_extension("raw");
    if !room {
        // SAFETY: nobody else uses the files, here and below.
        unsafe { npy::create_options::<u64>([8, 1 << 13]).reserve().create(&path) }.unwrap().fill(7);
        // SAFETY: as above.
        unsafe { MmapArray::<u64>::create_options(1 << 10).reserve().create(&raw) }.unwrap().fill(7);
    }
    let lens = || [&path, &raw].map(|path| fs::metadata(path).unwrap().len());
    let before = lens();
    // SAFETY: as above.
    let mut array = unsafe { npy::open_mut::<u64>(&path) }.unwrap();
    // SAFETY: as above.
    let mut flat = unsafe { MmapArray::<u64>::open_mut(&raw) }.unwrap();
    let (rows, more) = (array.grow_reserved(16), flat.grow_reserved(1 << 17));
    if room {
        rows.unwrap();
        more.unwrap();
        assert_eq!((array.shape(), npy::header(&path).unwrap().shape()), (&[24, 1 << 13][..], &[24, 1 << 13][..]));
        array[8 << 13..].fill(8);
        flat[1 << 10..].fill(8);
    } else {
        assert_full(rows.unwrap_err(), &path);
        assert_full(more.unwrap_err(), &raw);
        assert_eq!(lens(), before);
        assert_eq!((array.shape(), npy::header(&path).unwrap().shape()), (&[8, 1 << 13][..], &[8, 1 << 13][..]));
    }
    assert!(array[..8 << 13].iter().chain(&flat[..1 << 10]).all(|&number| number == 7));
}

/// `/dev/shm` is a file system in memory, which says at once that it has not so many blocks.
#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "an emulator has less address space than twice the machine's memory")]
fn a_part_that_has_no_room_on_the_disk_is_an_error_and_free_again() {
    let shm = Path::new("/dev/shm");
    let Ok(system) = rustix::fs::statvfs(shm) else { return println!("left out: no /dev/shm") };
    let too_many = usize::try_from(system.f_blocks * system.f_frsize + (1 << 20));
    let Some(len) = too_many.ok().and_then(|len| len.checked_mul(2)).filter(|&len| len as u64 <= 1 << 46) else {
        return println!("left out: /dev/shm is larger than the address space");
    };
    let folder = tempfile::tempdir_in(shm).unwrap();
    let path = folder.path().join("array.npy");
    let job = npy::fill::<u8>(&path, [len]).parts(2).open().unwrap();
    for _ in 0..3 {
        assert_full(job.claim().map(drop).unwrap_err(), &path);
    }
    assert_eq!(job.progress().unwrap(), (0, 2));
}
