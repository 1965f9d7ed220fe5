//! Disks that fail or get full under arrays that are shared: on file systems of a test's own.

use super::fuse;
use super::mounts::{self, Mounts};
use mmap_array::{Error, ErrorKind, MmapArray, Result};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::{env, process};

const PAGE: u64 = 4096;

fn folder() -> PathBuf {
    PathBuf::from(env::var_os("FOLDER").unwrap())
}

/// Asserts that the disk did not give bytes of the file, or has no room for them, and returns which.
#[track_caller]
fn failed<T: std::fmt::Debug>(result: Result<T>, path: &Path) -> std::ops::Range<u64> {
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Io, Some(path)), "{error}");
    error.byte_range().unwrap()
}

const WITH_FUSE: &str = r#"
test -r /dev/fuse || { echo "there is no /dev/fuse to read" >&2; exit 77; }
"$0" --exact "$TEST" --ignored --nocapture
"#;

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
fn pages_that_a_server_cannot_read_are_an_error() {
    mounts::run(Mounts::OfAnybody, "disks::the_server_fails", WITH_FUSE);
}

#[test]
#[ignore = "started by `pages_that_a_server_cannot_read_are_an_error`"]
fn the_server_fails() {
    const LEN: u64 = 200 * PAGE;
    let served = fuse::serve(&folder(), LEN).unwrap_or_else(|told| {
        eprintln!("{told}");
        process::exit(77)
    });
    served.byte.store(7, Ordering::Relaxed);
    *served.failing.lock().unwrap() = 120 * PAGE + 5..120 * PAGE + 9;
    let path = folder().join("data");
    let options = MmapArray::<u8>::options();
    let mut array = options.open_shared(&path).unwrap();
    let part = |pages: std::ops::Range<usize>| array.clone().into_rows(pages.start * 4096..pages.end * 4096);
    let (low, bad, high) = (part(0..120), part(119..121), part(121..200));
    // From both sides.
    assert_eq!(high.read(|view| view.sum()).unwrap(), 7 * 79 * 4096);
    assert_eq!(low.read(|view| view.sum()).unwrap(), 7 * 120 * 4096);
    bad.check().unwrap();
    assert_eq!(failed(bad.read(|view| view.sum()), &path), 120 * PAGE..121 * PAGE);
    assert_eq!(failed(array.read(|view| view.sum()), &path), 120 * PAGE..LEN);
    assert_eq!(failed(bad.at([4095]), &path), 120 * PAGE..121 * PAGE);
    // Good ones stay good, beside it too.
    assert_eq!((part(119..120).read(|view| view.sum()).unwrap(), high.at([0]).unwrap()), (7 * 4096, 7));
    low.check().unwrap();
    high.check().unwrap();
    assert_eq!(array.clone().into_rows(120 * 4096 - 1..120 * 4096).at([0]).unwrap(), 7);
    // Copies are made by reading the file, and fail where it does.
    let kinds = |rows: usize| array.chunks(rows).map(|chunk| chunk.err().map(|error| error.kind())).collect::<Vec<_>>();
    let bad_one: Vec<_> = (0..10).map(|chunk| (chunk == 6).then_some(ErrorKind::Io)).collect();
    assert_eq!(kinds(20 * 4096), bad_one);
    assert_eq!(array.load().unwrap_err().kind(), ErrorKind::Io);
    // Once the server can read it again the array is mapped anew.
    *served.failing.lock().unwrap() = 0..0;
    failed(array.check(), &path);
    assert!(!array.refresh().unwrap());
    assert_eq!(array.read(|view| view.sum()).unwrap(), 7 * u128::from(LEN));

    // All fails but one page.
    let path = folder().join("other");
    *served.failing.lock().unwrap() = PAGE..LEN;
    File::open(&path).and_then(|file| Ok(rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed)?)).unwrap();
    let array = options.open_shared(&path).unwrap();
    assert_eq!(failed(array.read(|view| view.sum()), &path), PAGE..LEN);
    assert_eq!(array.into_rows(..4096).read(|view| view.sum()).unwrap(), 7 * 4096);
}

/// A server that does not say what kind of file system it is can be read from all the same.
#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
fn a_file_system_that_says_nothing_of_itself_is_good_enough() {
    mounts::run(Mounts::OfAnybody, "disks::the_server_says_nothing", WITH_FUSE);
}

#[test]
#[ignore = "started by `a_file_system_that_says_nothing_of_itself_is_good_enough`"]
fn the_server_says_nothing() {
    fuse::serve(&folder(), 3 * PAGE).unwrap_or_else(|told| {
        eprintln!("{told}");
        process::exit(77)
    });
    let path = folder().join("data");
    assert!(rustix::fs::statfs(&path).is_err());
    assert_eq!(MmapArray::<u8>::options().open_shared(&path).unwrap().read(|view| view.sum()).unwrap(), 0);
}

/// A disk of which the end is not there any more.
#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
fn blocks_that_a_disk_does_not_give_are_an_error() {
    let script = r#"
PATH="$PATH:/usr/sbin:/sbin"
cd "$FOLDER" && mkdir disk || exit 1
truncate -s 16M image && mkfs.ext4 -q -F -b 4096 -O ^has_journal image >&2 && mount -o loop image disk || exit 77
"$0" --exact "$TEST" --ignored --nocapture
code=$?
truncate -s 16M image
umount disk
exit $code
"#;
    mounts::run(Mounts::OfRoot, "disks::the_disk_fails", script);
}

#[test]
#[ignore = "started by `blocks_that_a_disk_does_not_give_are_an_error`"]
fn the_disk_fails() {
    const LEN: u64 = 2500;
    let path = folder().join("disk").join("data");
    // Each element says its own index, from 1 on.
    let numbers: Vec<u64> = (1..=LEN * 512).collect();
    let file = File::options().read(true).write(true).create_new(true).open(&path).unwrap();
    file.write_all_at(bytemuck::cast_slice(&numbers), 0).unwrap();
    file.sync_all().unwrap();
    // What is in memory would be read from there.
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
    let image = File::options().read(true).write(true).open(folder().join("image")).unwrap();
    let mut blocks = vec![0; 16 << 20];
    image.read_exact_at(&mut blocks, 0).unwrap();
    let first: &[u8] = bytemuck::cast_slice(&numbers[..512]);
    let at = blocks.chunks(4096).position(|block| block == first).unwrap() as u64 * PAGE;
    image.set_len(at + (1 << 20)).unwrap();
    for writable in [false, true] {
        let options = MmapArray::<u64>::options();
        // Both kinds of arrays, read in the same way.
        let read = |from: usize, to: usize| -> Result<Vec<u64>> {
            match writable {
                false => options.open_shared(&path)?.into_rows(from..to).read(|view| view.to_vec()),
                true => options.open_shared_mut(&path)?.into_rows(from..to).read(|view| view.to_vec()),
            }
        };
        let lost = failed(read(0, numbers.len()), &path);
        assert_eq!((lost.start % PAGE, lost.end), (0, LEN * PAGE));
        assert!(lost.start > 0, "the first megabyte of blocks is there");
        let good = lost.start as usize / 8;
        assert!(read(0, good).unwrap() == numbers[..good]);
        assert_eq!(failed(read(good, good + 1), &path), lost.start..lost.start + 8);
        assert!(file.read_at(&mut [0], lost.start).is_err());
        // In any order.
        let array = options.open_shared(&path).unwrap();
        let places = (0..20_000).map(|n| n * 7919 * 512 % numbers.len());
        let seen = array.view();
        let seen: Vec<_> = places.map(|at| (at as u64, seen.at([at]))).collect();
        let lost = failed(array.check(), &path).start / 8;
        assert!(seen.iter().all(|&(at, number)| number == at + 1 || (number == 0 && at >= lost)));
        assert!(seen.iter().any(|&(at, _)| at < lost) && seen.iter().any(|&(_, number)| number == 0));
    }
}

/// Fills a disk, and then has the number of the row that had no room tried again in another process.
fn on_a_small_disk(mounts: Mounts, mount: &str, again: &str) {
    let script = format!(
        r#"
PATH="$PATH:/usr/sbin:/sbin"
cd "$FOLDER" && mkdir disk || exit 1
{mount} || exit 77
"$0" --exact "$TEST" --ignored --nocapture || exit 1
{again} || exit 1
AGAIN=1 "$0" --exact "$TEST" --ignored --nocapture
"#
    );
    mounts::run(mounts, "disks::the_disk_gets_full", &script);
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
fn stores_that_memory_has_no_room_for_are_an_error() {
    on_a_small_disk(Mounts::OfAnybody, "mount -t tmpfs -o size=3m none disk", "true");
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
fn stores_that_a_disk_has_no_room_for_are_an_error() {
    let mount = "truncate -s 4M image && mkfs.ext4 -q -F -b 4096 image >&2 && mount -o loop image disk";
    on_a_small_disk(Mounts::OfRoot, mount, "umount disk && mount -o loop image disk");
}

#[test]
#[ignore = "started by the two above"]
fn the_disk_gets_full() {
    const ROWS: usize = 256;
    const ROW: usize = 8192;
    const ROW_BYTES: u64 = 8 * ROW as u64;
    let disk = folder().join("disk");
    let (path, filler, told) = (disk.join("data"), disk.join("filler"), folder().join("row"));
    let options = MmapArray::<u64>::options().shape([ROWS, ROW]);
    let sum = |row: usize| (row as u128 + 1) * ROW as u128;
    /// Writes rows until there is no room for one.
    fn fill(array: &mmap_array::SharedArrayMut<u64>, first: usize) -> (usize, Error) {
        for row in first..ROWS {
            let rows = array.clone().into_rows(row..=row);
            if let Err(error) = rows.write(|view| view.fill(row as u64 + 1)) {
                assert!(rows.check().is_err());
                return (row, error);
            }
            rows.check().unwrap();
        }
        panic!("there is room for all");
    }
    let is_full = |row: usize, error: Error| {
        println!("{error}");
        assert!(error.to_string().contains("no space"), "{error}");
        let bytes = failed::<()>(Err(error), &path);
        let start = row as u64 * ROW_BYTES;
        assert!((start..start + ROW_BYTES).contains(&bytes.start) && bytes.end == start + ROW_BYTES, "{bytes:?}");
    };
    let assert_good = |row: usize| {
        let array = options.open_shared(&path).unwrap().into_rows(..row);
        array.read(|view| (0..row).for_each(|row| assert_eq!(view.index_axis(0, row).sum(), sum(row)))).unwrap();
        let bytes = fs::read(&path).unwrap();
        assert_eq!(bytes.len() as u64, ROWS as u64 * ROW_BYTES);
        let numbers = bytes.chunks_exact(8).map(|bytes| u64::from_ne_bytes(bytes.try_into().unwrap()));
        assert!(numbers.clone().take(row * ROW).enumerate().all(|(at, number)| number == (at / ROW) as u64 + 1));
        // Of the row that had no room some elements may be there.
        let mut rest = numbers.skip(row * ROW).enumerate();
        assert!(rest.all(|(at, number)| number == 0 || (at < ROW && number == row as u64 + 1)));
    };
    if env::var_os("AGAIN").is_none() {
        fs::write(&filler, vec![1; 1 << 20]).unwrap();
        File::create_new(&path).unwrap().set_len(ROWS as u64 * ROW_BYTES).unwrap();
        let array = options.open_shared_mut(&path).unwrap();
        let (row, error) = fill(&array, 0);
        println!("there was room for {row} rows");
        assert!(row > 10);
        is_full(row, error);
        assert_good(row);
        // All that comes from the whole array says so too, and the rows before it do not.
        assert_eq!(failed(array.check(), &path).start / ROW_BYTES, row as u64);
        let good = array.clone().into_rows(..row);
        good.set([0, 0], 9).unwrap();
        good.fetch_add([0, 0], 1).unwrap();
        good.set([0, 0], 1).unwrap();
        good.flush().unwrap();
        // The last row has no blocks. What is read of it is zeros, or an error where that needs some, as in memory.
        let holes = options.open_shared(&path).unwrap().into_rows(ROWS - 1..);
        match holes.read(|view| view.sum()) {
            Ok(sum) => assert_eq!(sum, 0),
            Err(error) => assert!(failed::<()>(Err(error), &path).start >= ROW_BYTES * (ROWS as u64 - 1)),
        }
        assert_eq!(holes.load().unwrap().sum(), 0);
        fs::write(&told, row.to_string()).unwrap();
    } else {
        let row: usize = fs::read_to_string(&told).unwrap().parse().unwrap();
        assert_good(row);
        fs::remove_file(&filler).unwrap();
        let array = options.open_shared_mut(&path).unwrap();
        let (next, error) = fill(&array, row);
        assert!(next > row + 10, "there is room again");
        is_full(next, error);
        assert_good(next);
    }
}
