//! As many files as one array as a folder can have, and what they cost.

use cap::Cap;
use mmap_array::npy;
use std::alloc::System;
use std::path::{Path, PathBuf};

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, 1 << 30);

const FILES: usize = 100_000;
const ROWS: usize = 1000;

/// Calls `f`, which may take no more than `most` bytes of memory at any time.
#[track_caller]
fn within<R>(most: usize, f: impl FnOnce() -> R) -> R {
    HEAP.set_limit(HEAP.allocated() + most).unwrap();
    let result = f();
    HEAP.set_limit(1 << 30).unwrap();
    result
}

/// Many names of a few files.
fn paths(folder: &Path) -> Vec<PathBuf> {
    let numbers: Vec<u32> = (0..ROWS as u32).collect();
    let paths: Vec<PathBuf> = (0..10).map(|file| folder.join(format!("{file}.npy"))).collect();
    paths.iter().for_each(|path| npy::save(path, &numbers).unwrap());
    paths.iter().cycle().take(FILES).cloned().collect()
}

#[test]
#[cfg_attr(
    not(all(target_arch = "x86_64", unix)),
    ignore = "opening 200,000 files takes many minutes under an emulator"
)]
fn a_hundred_thousand_files_take_little_memory_and_few_maps() {
    const MIB: usize = 1 << 20;
    let folder = tempfile::tempdir().unwrap();
    let paths = paths(folder.path());
    // The names, and a few words of each file.
    let names: usize = paths.iter().map(|path| path.as_os_str().len()).sum();
    let all = within(MIB + 2 * names + 130 * FILES, || npy::concat::<u32>(&paths)).unwrap();
    assert_eq!(all.shape(), [FILES * ROWS]);
    let last = (FILES - 1) * ROWS + 7;
    assert_eq!(within(MIB, || all.at(last)).unwrap(), 7);
    let window = all.rows((FILES - 3) * ROWS - 1..last);
    assert_eq!(within(MIB, || window.iter().map(Result::unwrap).count()), 2 * ROWS + 8);
    let part = all.rows(500 * ROWS..3500 * ROWS);
    let sum = 3000 * (0..ROWS as u128).sum::<u128>();
    // Up to 1,000 files stay mapped.
    assert_eq!(within(MIB, || part.sum()).unwrap(), sum);
    assert_eq!(within(MIB, || part.blocks().map(|block| block.unwrap().len()).sum::<usize>()), 3000 * ROWS);

    drop((all, window, part));
    // SAFETY: nobody else has the files.
    let all = unsafe { npy::options::<u32>().open_all(&paths) }.unwrap();
    let part = all.rows(..5000 * ROWS);
    assert_eq!(part.sum().unwrap(), 5000 * (0..ROWS as u128).sum::<u128>());
    #[cfg(target_os = "linux")]
    {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let maps = maps.lines().filter(|line| line.contains(folder.path().to_str().unwrap())).count();
        assert!((1..=2048).contains(&maps), "{maps}");
    }
    assert_eq!(all.at(last).unwrap(), 7);
}
