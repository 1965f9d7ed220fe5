//! Opens arbitrary bytes as several `.npy` files that are one array, and as the pickle of a stack. Each is opened or
//! refused without a panic, in memory that the length of the input bounds. An array that opens must have the elements
//! of its files, in every way to read them.
//!
//! The input is a sequence of files, each preceded by its length in two bytes, least significant first. The last may be
//! shorter.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mmap_array::npy::{self, Concat};
use mmap_array::{Be, Element, ErrorKind, Le, SharedArray, element::Number, element::Ordered};
use mmap_array_fuzz::{panic_without_limit, within};
use rustix::fs::{MemfdFlags, memfd_create};
use std::fmt::Debug;
use std::fs::{self, File};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::PathBuf;

/// The memory that a call may take: `BYTES`, and `BYTES_PER_BYTE` for each byte of the input.
const BYTES: usize = 256 << 10;
const BYTES_PER_BYTE: usize = 400;

/// The most files of an input.
const MOST: usize = 8;

fuzz_target!(init: panic_without_limit(), |input: &[u8]| {
    check_stack(input);
    let memory = BYTES + BYTES_PER_BYTE * input.len();
    let mut files = Vec::new();
    let mut rest = input;
    while let (Some((len, after)), true) = (rest.split_first_chunk(), files.len() < MOST) {
        let (bytes, after) = after.split_at(after.len().min(u16::from_le_bytes(*len).into()));
        let mut file = File::from(memfd_create("array.npy", MemfdFlags::CLOEXEC).unwrap());
        file.write_all(bytes).unwrap();
        files.push(file);
        rest = after;
    }
    let paths: Vec<PathBuf> =
        files.iter().map(|file| PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))).collect();
    match within(memory, || npy::dyn_options().open_shared_all(&paths)) {
        Ok(all) => {
            let rows: usize = paths.iter().map(|path| npy::header(path).unwrap().shape()[0]).sum();
            assert_eq!(all.shape()[0], rows);
            let blocks: usize = all.blocks().map(|block| within(memory, || block.unwrap()).shape()[0]).sum();
            assert_eq!(blocks, rows);
            assert!(all.dtype().itemsize() > 0 || all.blocks().all(|block| block.unwrap().load().is_ok()));
        }
        Err(error) => assert!(!matches!(error.kind(), ErrorKind::Changed | ErrorKind::Truncated), "{error}"),
    }
    check::<u8>(&paths, memory);
    check::<Le<i16>>(&paths, memory);
    check::<Be<f64>>(&paths, memory);
    check::<Le<f32>>(&paths, memory);
});

/// Reads the input as the pickle of a stack.
fn check_stack(input: &[u8]) {
    let folder = std::env::temp_dir().join(format!("fuzz-concat-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("info"), input).unwrap();
    match within(BYTES + BYTES_PER_BYTE * input.len(), || npy::stack(&folder)) {
        Ok(files) => assert!(files.len() <= input.len()),
        Err(error) => assert!(matches!(error.kind(), ErrorKind::Header | ErrorKind::Unsupported), "{error}"),
    }
    fs::remove_dir_all(&folder).unwrap();
}

fn check<T: Number + Ordered + Element + PartialEq + Debug>(paths: &[PathBuf], memory: usize)
where
    T::Sum: Debug,
{
    let Ok(all) = within(memory, || npy::concat::<T>(paths)) else { return };
    let mut expected: Vec<T> = Vec::new();
    for path in paths {
        let array = npy::load::<T>(path).unwrap();
        expected.extend(array.view().iter());
    }
    let rows = all.shape()[0];
    assert_eq!(all.len(), expected.len());
    let bytes = |elements: &[T]| bytemuck::cast_slice::<T, u8>(elements).to_vec();
    assert_eq!(bytes(&within(memory, || all.load()).unwrap()), bytes(&expected));
    let elements: Vec<T> = within(memory, || all.iter().collect::<mmap_array::Result<_>>()).unwrap();
    assert_eq!(bytes(&elements), bytes(&expected));
    check_reductions(&all, memory);
    let window = all.rows(rows / 3..rows - rows / 4);
    let width = all.shape()[1..].iter().product::<usize>();
    let part = &expected[rows / 3 * width..(rows - rows / 4) * width];
    assert_eq!(bytes(&within(memory, || window.load()).unwrap()), bytes(part));
    check_reductions(&window, memory);
    if let Some(&last) = expected.last() {
        let index: Vec<usize> = all.shape().iter().map(|len| len - 1).collect();
        assert_eq!(bytes(&[within(memory, || all.at(&index)).unwrap()]), bytes(&[last]));
    }
    assert!(all.get(all.shape()).unwrap().is_none());
}

fn check_reductions<T: Number + Ordered + Element + PartialEq + Debug>(all: &Concat<SharedArray<T>>, memory: usize) {
    within(memory, || {
        all.sum().unwrap();
        assert_eq!(all.mean().unwrap().is_some(), !all.is_empty());
        assert_eq!(all.argmin().unwrap().is_some(), !all.is_empty());
        assert_eq!(all.min().unwrap().is_some(), all.max().unwrap().is_some());
    });
    for axis in 0..all.ndim() {
        let found = within(memory, || [all.sum_axis(axis).map(drop), all.max_axis(axis).map(drop)]);
        for result in found {
            if let Err(error) = result {
                // Too many results of no elements, or one.
                assert!(all.is_empty(), "{error}");
            }
        }
    }
}
