//! Measures many files as one array, compared with one file of the same elements, and with opening a file by its name.
//!
//! The elements are small integers, so that sums are the same in every order. The files are in the page cache.
//!
//! `cargo bench --bench concat`. A ratio of 1.02 means that the many files take 2 % longer.

mod common;
#[path = "common/compare.rs"]
mod compare;

use compare::{compare, compare_in, head};
use mmap_array::npy::{self, Concat};
use mmap_array::{ArrayView, MmapArray, SharedArray};
use std::io;
use std::path::{Path, PathBuf};

const FILES: usize = 1000;

/// The rows of a file, of 32 elements each.
const ROWS: usize = 1 << 13;
const COLUMNS: usize = 32;

fn main() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let numbers: Vec<f32> = (0..ROWS * COLUMNS).map(|i| (i * 7 % 31) as f32 - 15.0).collect();
    let rows = ArrayView::from_slice(&numbers, [ROWS, COLUMNS])?;
    let paths: Vec<PathBuf> = (0..FILES).map(|file| folder.path().join(format!("{file}.npy"))).collect();
    let whole = folder.path().join("whole.npy");
    let mut writer = npy::Writer::<f32>::create(&whole, [COLUMNS])?;
    for path in &paths {
        npy::save(path, &rows)?;
        writer.write_rows(&rows)?;
    }
    writer.finish()?;
    let (paths, whole) = (&paths[..], &*whole);

    let all = &shared(paths);
    let last = &npy::options::<f32>().open_shared(&paths[FILES - 1])?;
    head("the first row of file 999 of 1,000", "concat", "the file");
    compare("mapped", (all, row_of_last), (last, first_row));
    head("the first row of file 999 of 1,000", "concat", "headers");
    compare_in(31, "opened and mapped", (paths, open_and_row), (paths, headers_and_row));

    head("the sum of 1,000 files of 1 MiB", "concat", "one file");
    let one = &npy::options::<f32>().open_shared(whole)?;
    // All of them stay mapped, if the process may have four times as many files open.
    compare_in(31, "by value", (all, sum), (one, sum_of_one));
    compare_in(31, "by value, opened too", (paths, open_and_sum), (whole, open_and_sum_of_one));
    let all = &stable(paths);
    // SAFETY: the file is this program's own, and nothing writes or truncates it.
    let one = &unsafe { npy::open::<f32>(whole)? };
    compare_in(31, "by reference", (all, sum_by_reference), (one, sum_of_one_by_reference));
    Ok(())
}

fn shared(paths: &[PathBuf]) -> Concat<SharedArray<f32>> {
    npy::concat(paths).expect("the files have one shape")
}

fn stable(paths: &[PathBuf]) -> Concat<MmapArray<f32>> {
    // SAFETY: the files are this program's own, and nothing writes or truncates them.
    unsafe { npy::options().open_all(paths) }.expect("the files have one shape")
}

fn row_of_last(all: &Concat<SharedArray<f32>>) -> f32 {
    let row = (FILES - 1) * ROWS;
    all.rows(row..=row).sum().expect("nobody cuts the file")
}

fn first_row(file: &SharedArray<f32>) -> f32 {
    file.read(|view| view.rows(..1).sum()).expect("nobody cuts the file")
}

fn open_and_row(paths: &[PathBuf]) -> f32 {
    row_of_last(&shared(paths))
}

fn headers_and_row(paths: &[PathBuf]) -> f32 {
    let rows: usize = paths.iter().map(|path| npy::header(path).expect("the file has a header").shape()[0]).sum();
    assert_eq!(rows, FILES * ROWS);
    first_row(&npy::options().open_shared(&paths[FILES - 1]).expect("the file has the array"))
}

fn sum(all: &Concat<SharedArray<f32>>) -> f32 {
    all.sum().expect("nobody cuts the files")
}

fn sum_of_one(file: &SharedArray<f32>) -> f32 {
    file.read(|view| view.sum()).expect("nobody cuts the file")
}

fn open_and_sum(paths: &[PathBuf]) -> f32 {
    sum(&shared(paths))
}

fn open_and_sum_of_one(path: &Path) -> f32 {
    sum_of_one(&npy::options().open_shared(path).expect("the file has the array"))
}

fn sum_by_reference(all: &Concat<MmapArray<f32>>) -> f32 {
    all.sum().expect("nobody cuts the files")
}

fn sum_of_one_by_reference(file: &MmapArray<f32>) -> f32 {
    file.view().sum()
}
