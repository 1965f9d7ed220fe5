//! Measures reading a file that others may write and truncate, compared with references to the same file.
//!
//! The left side is an array opened by `open_shared`. Each row is one operation by `read`, including the check after
//! it. The right side is the same operation on an array of the same file opened by `unsafe` `open`. The files have
//! 64 KiB, 1 MiB, and 256 MiB, which exceeds the processors' caches; all are in the page cache. The last table measures
//! one check, for single elements outside of `read`.
//!
//! `cargo bench --bench sharing`. A ratio below 1 means that the shared array is faster.

mod common;
#[path = "common/compare.rs"]
mod compare;

use bytemuck::{AnyBitPattern, Pod, Zeroable};
use compare::{compare, compare_in, head};
use mmap_array::access::Load;
use mmap_array::{ArrayView, Be, MmapArray, Result, SharedArray, field};
use std::fs;
use std::hint::black_box;
use std::path::Path;

/// 13 bytes, packed, so that most numbers are unaligned.
#[derive(Clone, Copy, Zeroable, Pod)]
#[repr(C, packed)]
struct Tick {
    side: u8,
    size: u32,
    price: f64,
}

fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    for (name, bytes, rounds) in [("64 KiB", 64 << 10, 801), ("1 MiB", 1 << 20, 401), ("256 MiB", 256 << 20, 21)] {
        let path = folder.path().join("data");
        let numbers: Vec<u8> = (0..bytes / 8).flat_map(|n| ((n * 7 % 1000) as f64 / 8.0).to_ne_bytes()).collect();
        fs::write(&path, numbers)?;
        head(&format!("{name}, {rounds} rounds"), "shared", "references");
        size(&path, rounds)?;
    }
    let path = folder.path().join("data");
    head("one element", "shared", "references");
    let (shared, stable) = open::<f64>(&path)?;
    compare("at, and its question", (&shared, |array| array.at([7]).unwrap()), (&stable, |array| array[7]));
    compare("view().at, without", (&shared, |array| array.view().at([7])), (&stable, |array| array[7]));
    Ok(())
}

fn open<T: AnyBitPattern>(path: &Path) -> Result<(SharedArray<T>, MmapArray<T>)> {
    let options =
        || MmapArray::<T>::options().shape((fs::metadata(path).unwrap().len() / size_of::<T>() as u64) as usize);
    // SAFETY: nobody writes or cuts the file while the bench runs.
    Ok((options().open_shared(path)?, unsafe { options().open(path)? }))
}

/// Prints the row of one operation on both.
macro_rules! both {
    ($rounds:expr, $path:expr, $element:ty, $name:literal, |$view:ident| $operation:expr) => {{
        let (shared, stable) = open::<$element>($path)?;
        compare_in(
            $rounds,
            $name,
            (&shared, |array: &SharedArray<$element>| array.read(|$view| $operation).unwrap()),
            (&stable, |array: &MmapArray<$element>| {
                let $view = array.view();
                $operation
            }),
        );
    }};
}

fn size(path: &Path, rounds: usize) -> Result<()> {
    both!(rounds, path, f64, "sum of f64", |view| view.sum());
    both!(rounds, path, f32, "sum of f32", |view| view.sum().to_bits());
    both!(rounds, path, i64, "sum of i64", |view| view.sum());
    both!(rounds, path, u32, "sum of u32", |view| view.sum());
    both!(rounds, path, i16, "sum of i16", |view| view.sum());
    both!(rounds, path, u8, "sum of u8", |view| view.sum());
    both!(rounds, path, f64, "min of f64", |view| view.min());
    both!(rounds, path, i32, "min of i32", |view| view.min());
    both!(rounds, path, u8, "max of u8", |view| view.max());
    both!(rounds, path, Be<i32>, "sum of big-endian i32", |view| view.sum());
    both!(rounds, path, Be<f64>, "min of big-endian f64", |view| view.min().map(|number| number.to_bytes()));
    both!(rounds, path, Tick, "sum of packed f64", |view| view.project(field!(Tick, price)).sum().to_bits());
    both!(rounds, path, Tick, "sum of packed u32", |view| view.project(field!(Tick, size)).sum());
    both!(rounds, path, f64, "iter().sum() of f64", |view| view.iter().sum::<f64>());
    both!(rounds, path, u32, "iter().fold() of u32", |view| view.iter().fold(0_u32, u32::wrapping_add));
    both!(rounds, path, u16, "to_vec_as::<f32>() of u16", |view| last(&view.to_vec_as::<f32>()));
    both!(rounds, path, f64, "to_vec() of f64", |view| last(&view.to_vec()));
    both!(rounds, path, Be<f64>, "to_native_vec() of big-endian f64", |view| last(&view.to_native_vec()).to_bits());
    both!(rounds, path, f64, "at in a random walk, 1000 steps", |view| walk(&view));
    Ok(())
}

/// Returns the last element of a copy, which the compiler must therefore make.
fn last<T: Copy>(copy: &[T]) -> T {
    black_box(copy)[copy.len() - 1]
}

fn walk<A: Load<f64>>(view: &ArrayView<'_, f64, A>) -> f64 {
    let (len, mut place, mut sum) = (view.len(), 0_u64, 0.0);
    for _ in 0..1000 {
        place = place.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        sum += view.at([(place >> 33) as usize % len]);
    }
    sum
}
