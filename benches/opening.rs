//! Measures opening a window of a file, reading its first element and closing it.
//!
//! The first table compares with hand-written code on memmap2 that has the same checks: it opens the file, reads its
//! length, compares the length with the end of the window, maps the window, casts it, reads, and drops it. The others
//! compare a file of a terabyte with smaller ones: nothing that is read or allocated grows with the file. The time that
//! the system itself takes longer to map a whole terabyte appears in the rows of memmap2 too.
//!
//! `cargo bench --bench opening`. A ratio of 1.10 means that the left side takes 10 % longer than the right.

mod common;
#[path = "common/compare.rs"]
mod compare;

use compare::{compare, head};
use memmap2::MmapOptions;
use mmap_array::{MmapArray, Order};
use std::fs::File;
use std::io;
use std::path::Path;

/// The byte at which the window begins, which is not the beginning of a page or a cache line.
const OFFSET: u64 = 1021 * 4;
const SHAPE: [usize; 2] = [200, 300];

fn main() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = |name| folder.path().join(name);
    let (megabyte, gigabyte, terabyte) = (&*path("megabyte"), &*path("gigabyte"), &*path("terabyte"));
    for (path, len) in [(megabyte, 1 << 20), (gigabyte, 1 << 30), (terabyte, 1 << 40)] {
        // The whole file is a hole, which takes no disk space and reads as 0.
        File::create(path)?.set_len(len)?;
    }

    head("a window of f32: open, first element, close", "options", "memmap2");
    compare("C order", ((megabyte, Order::C), window), (megabyte, window_by_hand));
    compare("Fortran order", ((megabyte, Order::F), window), (megabyte, window_by_hand));
    compare("rows to the end of the file", (megabyte, rows), (megabyte, rows_by_hand));
    compare("the whole file", (megabyte, whole), (megabyte, whole_by_hand));
    compare("memmap2 against itself", (megabyte, window_by_hand), (megabyte, window_by_hand));

    head("a window of two files", "1 TiB", "1 MiB");
    compare("options", ((terabyte, Order::C), window), ((megabyte, Order::C), window));
    compare("memmap2", (terabyte, window_by_hand), (megabyte, window_by_hand));

    head("the whole of two files", "1 TiB", "1 MiB");
    compare("options", (terabyte, whole), (megabyte, whole));
    compare("memmap2", (terabyte, whole_by_hand), (megabyte, whole_by_hand));

    head("the whole of two files", "1 TiB", "1 GiB");
    compare("options", (terabyte, whole), (gigabyte, whole));
    compare("memmap2", (terabyte, whole_by_hand), (gigabyte, whole_by_hand));
    Ok(())
}

fn window((path, order): (&Path, Order)) -> f32 {
    let options = MmapArray::<f32>::options().offset(OFFSET).shape(SHAPE).order(order);
    // SAFETY: the file is this program's own, and nothing writes or truncates it.
    unsafe { options.open(path) }.expect("the window lies within the file")[0]
}

fn window_by_hand(path: &Path) -> f32 {
    let file = File::open(path).expect("the file exists");
    let metadata = file.metadata().expect("its length can be read");
    let len = SHAPE.iter().try_fold(size_of::<f32>(), |len, &dim| len.checked_mul(dim)).expect("the shape fits");
    assert!(metadata.is_file() && OFFSET.checked_add(len as u64).is_some_and(|end| end <= metadata.len()));
    // SAFETY: the file is this program's own, and nothing writes or truncates it.
    let map = unsafe { MmapOptions::new().offset(OFFSET).len(len).map(&file) }.expect("the window can be mapped");
    bytemuck::cast_slice::<u8, f32>(&map)[0]
}

fn rows(path: &Path) -> f32 {
    let options = MmapArray::<f32>::options().offset(OFFSET).shape([None, Some(3)]);
    // SAFETY: the file is this program's own, and nothing writes or truncates it.
    unsafe { options.open(path) }.expect("the rows end with the file")[0]
}

fn rows_by_hand(path: &Path) -> f32 {
    let file = File::open(path).expect("the file exists");
    let metadata = file.metadata().expect("its length can be read");
    let len = metadata.len().checked_sub(OFFSET).expect("the window begins within the file");
    assert!(metadata.is_file() && len % (3 * size_of::<f32>()) as u64 == 0);
    let len = usize::try_from(len).expect("the window fits the address space");
    // SAFETY: the file is this program's own, and nothing writes or truncates it.
    let map = unsafe { MmapOptions::new().offset(OFFSET).len(len).map(&file) }.expect("the window can be mapped");
    bytemuck::cast_slice::<u8, f32>(&map)[0]
}

fn whole(path: &Path) -> f32 {
    // SAFETY: the file is this program's own, and nothing writes or truncates it.
    unsafe { MmapArray::<f32>::open(path) }.expect("the file is a whole number of elements")[0]
}

fn whole_by_hand(path: &Path) -> f32 {
    let file = File::open(path).expect("the file exists");
    // SAFETY: the file is this program's own, and nothing writes or truncates it.
    let map = unsafe { MmapOptions::new().map(&file) }.expect("the file can be mapped");
    bytemuck::cast_slice::<u8, f32>(&map)[0]
}
