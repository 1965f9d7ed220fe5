//! Measures reading all elements of a mapped array, compared with a hand-written loop.
//!
//! The hand-written side is the best simple loop over the same file mapped by memmap2, with a layout that is known at
//! compile time. The arrays fit into the processor's second-level cache, so that nothing waits for memory, and contain
//! small integers, so that sums of floats are the same in every order.
//!
//! `cargo bench --bench scanning`. A ratio of 1.02 means that the array takes 2 % longer than the loop. Rows whose
//! additions depend on each other, such as those of floats, measure the cost of a scan. Rows of wrapping additions
//! measure nothing but the loop itself, and show how much the compiler gains from a stride that is known at compile
//! time, which a view does not have. The last table measures fixed costs, with arrays of three elements.

mod common;
#[path = "common/compare.rs"]
mod compare;

use bytemuck::{Pod, Zeroable, cast_slice};
use compare::{compare, head};
use memmap2::{Mmap, MmapOptions};
use mmap_array::{MmapArray, Order, field};
use std::fs::{self, File};
use std::io;
use tempfile::TempDir;

/// 16 bytes, aligned.
#[derive(Clone, Copy, Zeroable, Pod)]
#[repr(C)]
struct Sample {
    time: u64,
    value: f32,
    count: u32,
}

/// 13 bytes, packed, so that most `size` and `price` are unaligned.
#[derive(Clone, Copy, Zeroable, Pod)]
#[repr(C, packed)]
struct Tick {
    side: u8,
    size: u32,
    price: f64,
}

const FLOATS: usize = 200_000;
const RECORDS: usize = 50_000;
const ROWS: usize = 400;
const COLUMNS: usize = 500;

fn main() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    slices(&folder)?;
    whole_views(&folder)?;
    aligned_records(&folder)?;
    packed_records(&folder)?;
    matrices(&folder)?;
    short_runs(&folder)?;
    three_elements(&folder)
}

fn slices(folder: &TempDir) -> io::Result<()> {
    head("slices, through Deref", "array", "by hand");
    let (array, map) = &open(folder, "f32", f32_at, [FLOATS], Order::C)?;
    compare("iter().sum() of f32", (array, |a| a.iter().sum::<f32>()), (map, |m| f32s(m).iter().sum()));
    compare("by hand against itself", (map, |m| f32s(m).iter().sum::<f32>()), (map, |m| f32s(m).iter().sum()));
    let (array, map) = &open(folder, "f64", |i| small(i) as f64, [FLOATS / 2], Order::C)?;
    compare(
        "iter().sum() of f64",
        (array, |a| a.iter().sum::<f64>()),
        (map, |m| cast_slice::<u8, f64>(m).iter().sum()),
    );
    let (array, map) = &open(folder, "u8", |i| small(i) as u8, [FLOATS * 4], Order::C)?;
    compare(
        "sum of u8 as u64",
        (array, |a| a.iter().map(|&x| u64::from(x)).sum::<u64>()),
        (map, |m| m.iter().map(|&x| u64::from(x)).sum()),
    );
    Ok(())
}

fn whole_views(folder: &TempDir) -> io::Result<()> {
    head("views of whole arrays", "view", "by hand");
    let (array, map) = &open(folder, "f32", f32_at, [FLOATS], Order::C)?;
    let view = &array.view();
    compare("iter().sum() of f32", (view, |v| v.iter().sum::<f32>()), (map, |m| f32s(m).iter().sum()));
    compare("for of f32", (view, |v| total(v)), (map, |m| total(f32s(m).iter().copied())));
    compare("sum() of f32, pairwise", (view, |v| v.sum()), (map, |m| f32s(m).iter().sum()));
    compare("min() of f32", (view, |v| v.min()), (map, |m| Some(least(f32s(m).iter().copied()))));
    let (array, map) = &open(folder, "u8", |i| small(i) as u8, [FLOATS * 4], Order::C)?;
    let view = &array.view();
    compare("sum() of u8", (view, |v| v.sum()), (map, |m| m.iter().map(|&x| u64::from(x)).sum::<u64>().into()));
    compare("min() of u8", (view, |v| v.min()), (map, |m| m.iter().copied().min()));
    Ok(())
}

fn aligned_records(folder: &TempDir) -> io::Result<()> {
    head("fields of aligned records of 16 bytes", "view", "by hand");
    let sample = |i| Sample { time: i as u64, value: f32_at(i), count: i as u32 };
    let (array, map) = &open(folder, "samples", sample, [RECORDS], Order::C)?;
    let view = &array.project(field!(Sample, value));
    compare("iter().sum() of f32", (view, |v| v.iter().sum::<f32>()), (map, |m| samples(m).map(|s| s.value).sum()));
    compare("for of f32", (view, |v| total(v)), (map, |m| total(samples(m).map(|s| s.value))));
    compare("sum() of f32, pairwise", (view, |v| v.sum()), (map, |m| samples(m).map(|s| s.value).sum()));
    compare("min() of f32", (view, |v| v.min()), (map, |m| Some(least(samples(m).map(|s| s.value)))));
    compare("to_vec() of f32", (view, |v| v.to_vec()), (map, |m| samples(m).map(|s| s.value).collect()));
    let view = &array.project(field!(Sample, count));
    compare(
        "iter().fold() of u32, wrapping",
        (view, |v| v.iter().fold(0, u32::wrapping_add)),
        (map, |m| samples(m).map(|s| s.count).fold(0, u32::wrapping_add)),
    );
    compare("for of u32, wrapping", (view, |v| wrapped(v)), (map, |m| wrapped(samples(m).map(|s| s.count))));
    compare("sum() of u32", (view, |v| v.sum()), (map, |m| samples(m).map(|s| u64::from(s.count)).sum::<u64>().into()));
    compare("min() of u32", (view, |v| v.min()), (map, |m| samples(m).map(|s| s.count).min()));
    Ok(())
}

fn packed_records(folder: &TempDir) -> io::Result<()> {
    head("fields of packed records of 13 bytes", "view", "by hand");
    let tick = |i| Tick { side: i as u8, size: i as u32, price: small(i) as f64 };
    let (array, map) = &open(folder, "ticks", tick, [RECORDS], Order::C)?;
    let view = &array.project(field!(Tick, price));
    compare("iter().sum() of f64", (view, |v| v.iter().sum::<f64>()), (map, |m| prices(m).sum()));
    compare("for of f64", (view, |v| total(v)), (map, |m| total(prices(m))));
    compare("sum() of f64, pairwise", (view, |v| v.sum()), (map, |m| prices(m).sum()));
    compare("min() of f64", (view, |v| v.min()), (map, |m| Some(least(prices(m)))));
    compare("to_vec() of f64 against collect", (view, |v| v.to_vec()), (map, |m| prices(m).collect()));
    compare(
        "to_vec() of f64 against push",
        (view, |v| v.to_vec()),
        (map, |m| {
            let mut vec = Vec::with_capacity(m.len() / size_of::<Tick>());
            for price in prices(m) {
                vec.push(price);
            }
            vec
        }),
    );
    let view = &array.project(field!(Tick, size));
    compare(
        "iter().fold() of u32, wrapping",
        (view, |v| v.iter().fold(0, u32::wrapping_add)),
        (map, |m| sizes(m).fold(0, u32::wrapping_add)),
    );
    compare("for of u32, wrapping", (view, |v| wrapped(v)), (map, |m| wrapped(sizes(m))));
    compare("sum() of u32", (view, |v| v.sum()), (map, |m| sizes(m).map(u64::from).sum::<u64>().into()));
    compare("min() of u32", (view, |v| v.min()), (map, |m| sizes(m).min()));
    Ok(())
}

fn matrices(folder: &TempDir) -> io::Result<()> {
    head("a matrix of f32 in Fortran order", "array", "by hand");
    let (array, map) = &open(folder, "f32", f32_at, [ROWS, COLUMNS], Order::F)?;
    let view = &array.view();
    // Row by row, which is not memory order.
    let rows = |m: &Mmap| {
        let (data, mut sum) = (f32s(m), 0.0);
        for i in 0..ROWS {
            for j in 0..COLUMNS {
                sum += data[j * ROWS + i];
            }
        }
        sum
    };
    compare("iter().sum()", (view, |v| v.iter().sum::<f32>()), (map, rows));
    compare("for", (view, |v| total(v)), (map, rows));
    compare("sum(), in the order of memory, pairwise", (view, |v| v.sum()), (map, |m| f32s(m).iter().sum()));
    compare(
        "a[[i, j]] column by column",
        (array, |a| {
            let mut sum = 0.0;
            for j in 0..a.shape()[1] {
                for i in 0..a.shape()[0] {
                    sum += a[[i, j]];
                }
            }
            sum
        }),
        ((map, ROWS, COLUMNS), indexed),
    );

    head("a matrix of f32 in C order", "array", "by hand");
    let (array, map) = &open(folder, "f32", f32_at, [ROWS, COLUMNS], Order::C)?;
    let view = &array.view();
    compare(
        "a[[i, j]] row by row",
        (array, |a| {
            let mut sum = 0.0;
            for i in 0..a.shape()[0] {
                for j in 0..a.shape()[1] {
                    sum += a[[i, j]];
                }
            }
            sum
        }),
        ((map, COLUMNS, ROWS), indexed),
    );
    compare(
        "view.at([i, j]) row by row",
        (view, |v| {
            let mut sum = 0.0;
            for i in 0..v.shape()[0] {
                for j in 0..v.shape()[1] {
                    sum += v.at([i, j]);
                }
            }
            sum
        }),
        ((map, COLUMNS, ROWS), indexed),
    );
    Ok(())
}

/// Indexes by hand, with a shape that is known only at run time, like that of an array.
fn indexed((map, fast, slow): (&Mmap, usize, usize)) -> f32 {
    let (data, mut sum) = (f32s(map), 0.0);
    for i in 0..slow {
        for j in 0..fast {
            sum += data[i * fast + j];
        }
    }
    sum
}

fn short_runs(folder: &TempDir) -> io::Result<()> {
    head("two columns of three", "view", "by hand");
    let (array, map) = &open(folder, "f32", f32_at, [FLOATS / 3, 3], Order::C)?;
    let view = &array.view().slice((.., ..2));
    let pairs = |m: &Mmap| {
        let mut sum = 0.0;
        for row in f32s(m).chunks_exact(3) {
            sum += row[0];
            sum += row[1];
        }
        sum
    };
    compare("iter().sum() of f32", (view, |v| v.iter().sum::<f32>()), (map, pairs));
    compare("for of f32", (view, |v| total(v)), (map, pairs));
    compare("sum() of f32", (view, |v| v.sum()), (map, pairs));
    compare(
        "to_vec() of f32",
        (view, |v| v.to_vec()),
        (map, |m| f32s(m).chunks_exact(3).flat_map(|row| [row[0], row[1]]).collect()),
    );

    head("blocks of two by two of three by three", "view", "by hand");
    let (array, map) = &open(folder, "f32", f32_at, [FLOATS / 9, 3, 3], Order::C)?;
    let view = &array.view().slice((.., ..2, ..2));
    let blocks = |m: &Mmap| {
        let mut sum = 0.0;
        for block in f32s(m).chunks_exact(9) {
            for at in [0, 1, 3, 4] {
                sum += block[at];
            }
        }
        sum
    };
    compare("iter().sum() of f32", (view, |v| v.iter().sum::<f32>()), (map, blocks));
    compare("for of f32", (view, |v| total(v)), (map, blocks));
    compare("sum() of f32", (view, |v| v.sum()), (map, blocks));
    Ok(())
}

fn three_elements(folder: &TempDir) -> io::Result<()> {
    head("a field of three records", "view", "by hand");
    let sample = |i| Sample { time: i as u64, value: f32_at(i), count: i as u32 };
    let (array, map) = &open(folder, "three", sample, [3], Order::C)?;
    let view = &array.project(field!(Sample, value));
    let sum = |m: &Mmap| samples(m).map(|s| s.value).sum::<f32>();
    compare("project().iter().sum()", (array, |a| a.project(field!(Sample, value)).iter().sum::<f32>()), (map, sum));
    compare("iter().sum()", (view, |v| v.iter().sum::<f32>()), (map, sum));
    compare("for", (view, |v| total(v)), (map, sum));
    compare("sum()", (view, |v| v.sum()), (map, sum));
    compare("iter().next()", (view, |v| v.iter().next()), (map, |m| samples(m).map(|s| s.value).next()));
    Ok(())
}

/// Creates a file of elements and maps it as an array and by memmap2.
fn open<T: Pod, const N: usize>(
    folder: &TempDir,
    name: &str,
    element: impl Fn(usize) -> T,
    shape: [usize; N],
    order: Order,
) -> io::Result<(MmapArray<T>, Mmap)> {
    let path = folder.path().join(name);
    let elements: Vec<T> = (0..shape.iter().product()).map(element).collect();
    fs::write(&path, cast_slice::<T, u8>(&elements))?;
    // SAFETY: the file is this program's own; it goes, and another takes its name, but nothing writes or truncates it.
    let array = unsafe { MmapArray::<T>::options().shape(shape).order(order).open(&path)? };
    // SAFETY: as above.
    let map = unsafe { MmapOptions::new().map(&File::open(&path)?)? };
    fs::remove_file(&path)?;
    Ok((array, map))
}

fn small(i: usize) -> usize {
    i * 7 % 31
}

fn f32_at(i: usize) -> f32 {
    small(i) as f32
}

fn f32s(map: &Mmap) -> &[f32] {
    cast_slice(map)
}

fn samples(map: &Mmap) -> impl ExactSizeIterator<Item = &Sample> {
    cast_slice(map).iter()
}

fn prices(map: &Mmap) -> impl ExactSizeIterator<Item = f64> {
    map.chunks_exact(13).map(|tick| f64::from_ne_bytes(tick[5..].try_into().expect("eight bytes")))
}

fn sizes(map: &Mmap) -> impl ExactSizeIterator<Item = u32> {
    map.chunks_exact(13).map(|tick| u32::from_ne_bytes(tick[1..5].try_into().expect("four bytes")))
}

/// Returns the sum by a `for` loop, one element at a time.
#[inline(always)]
fn total<T: Default + std::ops::AddAssign>(values: impl IntoIterator<Item = T>) -> T {
    let mut sum = T::default();
    for value in values {
        sum += value;
    }
    sum
}

/// Returns the wrapping sum by a `for` loop, one element at a time.
#[inline(always)]
fn wrapped(values: impl IntoIterator<Item = u32>) -> u32 {
    let mut sum = 0_u32;
    for value in values {
        sum = sum.wrapping_add(value);
    }
    sum
}

/// Returns the minimum of some floats, none of which is NaN.
fn least<T: PartialOrd>(values: impl Iterator<Item = T>) -> T {
    values.reduce(|least, value| if value < least { value } else { least }).expect("there are some")
}
