//! Measures reductions along axes, compared with NumPy's and with a hand-written loop.
//!
//! Each row is one reduction of one file, executed in turns by a view, by a simple loop over the same file mapped by
//! memmap2, and by NumPy on `np.memmap` of the same file, in a separate process that measures itself. All three must
//! give the same result: the numbers are small integers, so the order of additions does not matter. The hand-written
//! sum along the slow axis adds one row after another to a vector; the sum along the fast axis adds the elements of
//! each row one after another.
//!
//! `cargo bench --bench reducing`. The columns `/ hand` and `/ NumPy` are the view's time divided by the others': below
//! 1 the view is faster. Files of 1 MiB are read from the processor's cache, and files of 512 MiB from the page cache.
//! Without Python (`WITHOUT_PYTHON=1`), NumPy is skipped.

#[path = "common/beside.rs"]
mod beside;
mod common;
#[path = "common/numpy.rs"]
mod numpy;
#[path = "../tests/python/mod.rs"]
mod python;

use beside::{Bench, Tick, value};
use bytemuck::Pod;
use memmap2::Mmap;
use mmap_array::{
    ArrayView, Be,
    access::{Load, ReadOnly},
    element::{Number, Ordered},
    field,
};
use numpy::Numpy;
use std::io;
use std::ops::AddAssign;

/// The length of the fast axis.
const COLUMNS: usize = 768;

fn main() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut numpy = Numpy::start(folder.path())?;
    if numpy.is_none() {
        println!("WITHOUT_PYTHON is set: no column for NumPy");
    }
    for (bytes, rounds) in [(1 << 20, 201), (512 << 20, 15)] {
        let mut bench = Bench::new(folder.path(), numpy.as_mut(), bytes, rounds);
        floats::<f32>(&mut bench, "f4")?;
        floats::<f64>(&mut bench, "f8")?;
        big_endian(&mut bench)?;
        records(&mut bench)?;
    }
    Ok(())
}

fn floats<T: Float>(bench: &mut Bench, dtype: &str) -> io::Result<()> {
    let (array, map) = &bench.file("", |i| T::of(value(i)))?;
    let rows = array.len() / COLUMNS;
    let len = rows * COLUMNS;
    let whole = array.view().rows(..rows * COLUMNS);
    let open = format!("np.memmap(folder + '/file', '{dtype}', 'r')[:{}]", rows * COLUMNS);

    let view = whole.reshape([rows, COLUMNS])?;
    bench.open(&format!("{open}.reshape({rows}, {COLUMNS})"))?;
    reductions(
        bench,
        dtype,
        &view,
        |axis| {
            move |map: &Mmap| {
                by_hand(numbers::<T>(map, len).chunks_exact(COLUMNS).map(|row| row.iter().copied()), axis, COLUMNS)
            }
        },
        map,
    )?;
    let view = whole.reshape([COLUMNS, rows])?.t();
    bench.open(&format!("{open}.reshape({COLUMNS}, {rows}).T"))?;
    reductions(
        bench,
        &format!("{dtype}, F order"),
        &view,
        |axis| {
            move |map: &Mmap| {
                by_hand(numbers::<T>(map, len).chunks_exact(rows).map(|row| row.iter().copied()), 1 - axis, rows)
            }
        },
        map,
    )
}

fn big_endian(bench: &mut Bench) -> io::Result<()> {
    let (array, map) = &bench.file("", |i| Be::new(value(i) as f32))?;
    let rows = array.len() / COLUMNS;
    let view = array.view().rows(..rows * COLUMNS).reshape([rows, COLUMNS])?;
    bench.open(&format!("np.memmap(folder + '/file', '>f4', 'r')[:{}].reshape({rows}, {COLUMNS})", rows * COLUMNS))?;
    let number = |bytes: &[u8]| f32::from_be_bytes(bytes.try_into().expect("four bytes"));
    reductions_of_bytes::<4, _>(bench, ">f4", &view, number, map)
}

fn records(bench: &mut Bench) -> io::Result<()> {
    let (array, map) = &bench.file("", Tick::new)?;
    let rows = array.len() / COLUMNS;
    let view = array.view().rows(..rows * COLUMNS).reshape([rows, COLUMNS])?.project(field!(Tick, size));
    let ticks = "np.memmap(folder + '/file', [('side', 'u1'), ('size', 'f4'), ('price', 'f8')], 'r')['size']";
    bench.open(&format!("{ticks}[:{}].reshape({rows}, {COLUMNS})", rows * COLUMNS))?;
    let number = |bytes: &[u8]| f32::from_ne_bytes(bytes[1..5].try_into().expect("four bytes"));
    reductions_of_bytes::<{ size_of::<Tick>() }, _>(bench, "packed record, f4", &view, number, map)
}

/// Prints the rows for sums along either axis; the hand-written loop reads each number from `SIZE` bytes.
fn reductions_of_bytes<const SIZE: usize, S: Number<Sum = f32>>(
    bench: &mut Bench,
    name: &str,
    view: &ArrayView<S>,
    number: impl Fn(&[u8]) -> f32 + Copy,
    map: &Mmap,
) -> io::Result<()>
where
    ReadOnly: Load<S>,
{
    let rows = |map: &Mmap, axis| {
        let rows = map.chunks_exact(SIZE * COLUMNS).map(|row| row.chunks_exact(SIZE).map(number));
        by_hand(rows, axis, COLUMNS)
    };
    reductions(bench, name, view, |axis| move |map: &Mmap| rows(map, axis), map)
}

/// Returns the first `len` numbers of a file.
fn numbers<T: Pod>(map: &Mmap, len: usize) -> &[T] {
    &bytemuck::cast_slice(map)[..len]
}

trait Float: Pod + Number<Sum = Self> + Ordered + AddAssign + PartialOrd {
    fn of(number: f64) -> Self;
}

impl Float for f32 {
    fn of(number: f64) -> Self {
        number as Self
    }
}

impl Float for f64 {
    fn of(number: f64) -> Self {
        number
    }
}

/// Returns the sums along an axis of rows of `columns` numbers.
fn by_hand<T: Float>(rows: impl Iterator<Item = impl Iterator<Item = T>>, axis: usize, columns: usize) -> Vec<T> {
    if axis == 1 {
        return rows
            .map(|row| {
                row.fold(T::of(0.0), |mut sum, number| {
                    sum += number;
                    sum
                })
            })
            .collect();
    }
    let mut sums = vec![T::of(0.0); columns];
    for row in rows {
        sums.iter_mut().zip(row).for_each(|(sum, number)| *sum += number);
    }
    sums
}

/// Prints the rows for sums along either axis.
fn reductions<'m, S: Number<Sum = T>, T: Float, F: Fn(&'m Mmap) -> Vec<T>>(
    bench: &mut Bench,
    name: &str,
    view: &ArrayView<S>,
    by_hand: impl Fn(usize) -> F,
    map: &'m Mmap,
) -> io::Result<()>
where
    ReadOnly: Load<S>,
{
    for axis in [0, 1] {
        let sums = |view: &ArrayView<S>| view.sum_axis(axis).expect("there is such an axis").1;
        let operation = format!("a.sum(axis={axis})");
        bench.row(&format!("{name}: sum_axis({axis})"), (view, sums), (map, by_hand(axis)), &operation)?;
    }
    Ok(())
}
