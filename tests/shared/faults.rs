//! Lost pages: of one part of a map and not of another, of many in any order, and beside memory that is others'.

use super::{append, cut, folder, truncated};
use crate::random::Random;
use mmap_array::{ErrorKind, MmapArray, MmapArrayMut, SharedArray, SharedArrayMut};
use std::fs::{self, File};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Counts the maps that the process has.
#[cfg(target_os = "linux")]
pub(super) fn maps() -> usize {
    fs::read_to_string("/proc/self/maps").unwrap().lines().count()
}

/// Counts those that it has of a file.
#[cfg(target_os = "linux")]
pub(super) fn maps_of(path: &Path) -> usize {
    let of_file = |map: &&str| map.contains(path.to_str().unwrap());
    fs::read_to_string("/proc/self/maps").unwrap().lines().filter(of_file).count()
}

/// Appends rows of 8 KiB, of which each element is the row's number.
fn rows(path: &Path, rows: std::ops::Range<u64>) {
    let numbers: Vec<u64> = rows.flat_map(|row| [row; 1024]).collect();
    append(path, bytemuck::cast_slice(&numbers));
}

#[test]
#[cfg_attr(
    not(any(target_arch = "x86", target_arch = "x86_64", target_vendor = "apple")),
    ignore = "qemu's user mode dies of a lost page"
)]
fn a_part_that_is_lost_leaves_the_others_good() {
    const ROWS: u64 = 16;
    let options = MmapArray::<u64>::options().shape([None, Some(1024)]);
    let check = |low: SharedArray<u64>, path: &Path, high: &dyn Fn(u64) -> mmap_array::Result<u128>| {
        let (done, rounds) = (AtomicBool::new(false), AtomicUsize::new(0));
        // Should the test fail, it ends.
        let until = Instant::now() + Duration::from_secs(20);
        thread::scope(|scope| {
            let readers = [(); 2].map(|()| {
                scope.spawn(|| {
                    while !done.load(Ordering::SeqCst) && Instant::now() < until {
                        assert_eq!(low.read(|view| view.sum()).unwrap(), 1024 * (1 + 2 + 3));
                        low.check().unwrap();
                        rounds.fetch_add(1, Ordering::SeqCst);
                    }
                })
            });
            for end in [12, 9, 5, 4] {
                cut(path, end * 8192);
                let error = high(end).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Truncated, "{error}");
                let first = error.byte_range().unwrap().start;
                assert_eq!(first, end * 8192, "{error}");
                let before = rounds.load(Ordering::SeqCst);
                while rounds.load(Ordering::SeqCst) < before + 10 {
                    assert!(readers.iter().all(|reader| !reader.is_finished()), "a part that is there was not read");
                    thread::yield_now();
                }
            }
            // Longer again: what is lost stays lost.
            rows(path, 4..ROWS);
            assert_eq!(high(ROWS).unwrap_err().kind(), ErrorKind::Truncated);
            low.check().unwrap();
            done.store(true, Ordering::SeqCst);
        });
    };
    let (_folder, path) = folder();
    fs::write(&path, []).unwrap();
    rows(&path, 1..1 + ROWS);
    // The rows are numbered from 1 on, so that no good one is zero.
    let whole = options.open_shared(&path).unwrap();
    let high = whole.clone().into_rows(3..);
    check(whole.into_rows(..3), &path, &|_| high.read(|view| view.sum()));

    fs::write(&path, []).unwrap();
    rows(&path, 1..1 + ROWS);
    let whole: SharedArrayMut<u64> = options.open_shared_mut(&path).unwrap();
    let (middle, high) = (whole.clone().into_rows(3..4), whole.clone().into_rows(3..));
    let low = options.open_shared(&path).unwrap().into_rows(..3);
    check(low, &path, &|_| {
        // A part that is written goes on as well, with the map's last row lost by another.
        middle.write(|view| view.fill(7))?;
        middle.check()?;
        high.read(|view| view.sum())
    });
    assert_eq!(middle.read(|view| view.sum()).unwrap(), 7 * 1024);
    assert_eq!(whole.into_rows(..4).read(|view| view.sum()).unwrap(), 1024 * (1 + 2 + 3 + 7));
    assert!(MmapArray::<u64>::options().load(&path).unwrap()[3 * 1024..4 * 1024] == [7; 1024]);
}

#[test]
#[cfg_attr(
    not(any(target_arch = "x86", target_arch = "x86_64", target_vendor = "apple")),
    ignore = "qemu's user mode dies of a lost page"
)]
fn pages_that_are_lost_in_any_order_use_up_no_maps() {
    const TOUCHED: usize = 80_000;
    let pages = if usize::BITS == 64 { 1 << 20 } else { 1 << 16 };
    let (_folder, path) = folder();
    let full = pages as u64 * 4096;
    let fresh = || {
        fs::write(&path, [7; 4096]).unwrap();
        cut(&path, full);
    };
    let places = || {
        let mut random = Random(1);
        (0..TOUCHED).map(move |_| random.below(pages as u64 * 4096) as usize)
    };
    #[cfg(target_os = "linux")]
    let before = maps();
    let few_maps = |more: usize| {
        #[cfg(target_os = "linux")]
        assert!(maps() <= before + more, "{} maps, {before} before", maps());
        // Threads of other tests may have come and gone.
        let _ = more;
    };

    fresh();
    let mut array = MmapArray::<u8>::options().open_shared(&path).unwrap();
    cut(&path, 4096);
    let sum = array.read(|view| places().map(|at| u64::from(view.at([at]))).sum::<u64>());
    truncated(sum, &path, 4096);
    few_maps(100);
    assert_eq!(array.clone().into_rows(..4096).read(|view| view.sum()).unwrap(), 7 * 4096);
    cut(&path, full);
    truncated(array.check(), &path, 4096);
    assert!(!array.refresh().unwrap());
    assert_eq!(array.read(|view| view.rows(..1 << 20).sum()).unwrap(), 7 * 4096);
    assert_eq!(array.read(|view| view.at([pages * 4096 - 1])).unwrap(), 0);

    // Of a map that can be written single pages are lost, and so the maps of the process become more at first.
    fresh();
    let mut array = MmapArray::<u8>::options().open_shared_mut(&path).unwrap();
    cut(&path, 4096);
    truncated(array.write(|view| places().for_each(|at| view.set([at], 1))), &path, 4096);
    truncated(array.read(|view| places().map(|at| u64::from(view.at([at]))).sum::<u64>()), &path, 4096);
    few_maps(200);
    let first = array.clone().into_rows(..4096);
    first.write(|view| view.fill(8)).unwrap();
    cut(&path, full);
    assert_eq!(array.check().unwrap_err().kind(), ErrorKind::Truncated);
    assert!(!array.refresh().unwrap());
    let last = pages * 4096 - 1;
    array.set([last], 9).unwrap();
    assert_eq!((first.at([4095]).unwrap(), array.at([0]).unwrap(), array.at([last]).unwrap()), (8, 8, 9));
    let again = MmapArray::<u8>::options().offset(full - 4096).open_shared(&path).unwrap();
    assert_eq!(again.read(|view| view.sum()).unwrap(), 9);
}

/// What is put in the place of lost pages is put where the array lies and nowhere else, also where maps come and go all
/// the time, and a place is one array's now and somebody's memory in a moment.
#[test]
#[cfg_attr(
    not(any(target_arch = "x86", target_arch = "x86_64", target_vendor = "apple")),
    ignore = "qemu's user mode dies of a lost page"
)]
fn memory_of_others_beside_lost_pages_keeps_what_is_in_it() {
    const ENOUGH: usize = 100;
    let begin = Instant::now();
    let (lost, kept) = (AtomicUsize::new(0), AtomicUsize::new(0));
    // Longer where the machine is slow, and has other things to do.
    let goes_on = || {
        let enough = lost.load(Ordering::Relaxed).min(kept.load(Ordering::Relaxed)) > ENOUGH;
        let since = begin.elapsed();
        since < Duration::from_secs(3) || !enough && since < Duration::from_secs(120)
    };
    thread::scope(|scope| {
        let (lost, kept, goes_on) = (&lost, &kept, &goes_on);
        for thread in 0..4 {
            scope.spawn(move || {
                let (_folder, path) = folder();
                let file = File::create(&path).unwrap();
                let mut random = Random(thread);
                while goes_on() {
                    // Of all sizes, so that a place fits now one and now another.
                    let len = (2 + random.below(30)) * 4096;
                    let end = random.below(len);
                    file.set_len(len).unwrap();
                    let options = MmapArray::<u64>::options();
                    let writable = options.open_shared_mut(&path).unwrap();
                    let array = options.open_shared(&path).unwrap();
                    writable.fill(!0).unwrap();
                    assert_eq!(array.read(|view| view.min()).unwrap(), Some(!0));
                    file.set_len(end).unwrap();
                    truncated(array.read(|view| view.sum()), &path, end);
                    truncated(writable.fill(5), &path, end);
                    lost.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for thread in 0..4_u64 {
            scope.spawn(move || {
                let mut random = Random(100 + thread);
                while goes_on() {
                    let len = (1 + random.below(30) as usize) * 512;
                    let number = 1 + random.below(1 << 31);
                    let mut memory = MmapArrayMut::<u64>::anonymous(len).unwrap();
                    assert!(memory.iter().all(|&element| element == 0), "new memory is zero");
                    memory.fill(number);
                    for _ in 0..random.below(8) {
                        thread::yield_now();
                        assert!(memory.iter().all(|&element| element == number), "it holds what was put there");
                    }
                    kept.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    println!("{lost:?} files were cut, and {kept:?} pieces of memory kept what was in them");
    assert!(lost.into_inner() > ENOUGH && kept.into_inner() > ENOUGH);
}
