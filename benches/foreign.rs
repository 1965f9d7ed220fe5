//! Measures reading numbers that are in packed records, big-endian or unaligned.
//!
//! Each row is one operation on one file, executed in turns by a view, by the best simple loop over the same file
//! mapped by memmap2, and by NumPy on `np.memmap` of the same file, in a separate process that measures itself. All
//! three must give the same result. Each side sums in its own way: the view and NumPy sum floats pairwise, the loop one
//! after another; the view sums integers exactly, the others in 64 bits. "To native" creates a contiguous array in
//! native byte order: `to_vec`, `to_native_vec`, `astype`.
//!
//! `cargo bench --bench foreign`. The columns `/ hand` and `/ NumPy` are the view's time divided by the others': below
//! 1 the view is faster. Files of 100 kB are read from the processor's cache, and files of 64 MiB from the page cache.
//! A copy of the latter spends most of its time on allocating pages. Without Python (`WITHOUT_PYTHON=1`), NumPy is
//! skipped.

#[path = "common/beside.rs"]
mod beside;
mod common;
#[path = "common/numpy.rs"]
mod numpy;
#[path = "../tests/python/mod.rs"]
mod python;

use beside::{Bench, Tick, value};
use bytemuck::{Pod, Zeroable};
use memmap2::Mmap;
use mmap_array::{
    ArrayView, Be,
    access::{Load, ReadOnly},
    field,
};
use numpy::Numpy;
use std::io;

/// 13 bytes, big-endian.
#[derive(Clone, Copy, Zeroable, Pod)]
#[repr(C)]
struct Reading {
    kind: u8,
    count: Be<i32>,
    value: Be<f64>,
}

fn main() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut numpy = Numpy::start(folder.path())?;
    if numpy.is_none() {
        println!("WITHOUT_PYTHON is set: no column for NumPy");
    }
    for (bytes, rounds) in [(100_000, 401), (64 << 20, 31)] {
        let mut bench = Bench::new(folder.path(), numpy.as_mut(), bytes, rounds);
        packed_records(&mut bench)?;
        big_endian(&mut bench)?;
        big_endian_records(&mut bench)?;
        unaligned(&mut bench)?;
        conversions(&mut bench)?;
    }
    Ok(())
}

fn packed_records(bench: &mut Bench) -> io::Result<()> {
    let (array, map) = &bench.file("", Tick::new)?;
    let ticks = "np.memmap(folder + '/file', [('side', 'u1'), ('size', 'f4'), ('price', 'f8')], 'r')";
    bench.open(&format!("{ticks}['price']"))?;
    let prices = |m| records(m).map(|tick| f64::from_ne_bytes(parts(&tick[5..])));
    bench.column("packed record, f8 at byte 5", array.project(field!(Tick, price)), (map, prices))?;
    bench.open(&format!("{ticks}['size']"))?;
    let sizes = |m| records(m).map(|tick| f32::from_ne_bytes(parts(&tick[1..5])));
    bench.column("packed record, f4 at byte 1", array.project(field!(Tick, size)), (map, sizes))
}

fn big_endian(bench: &mut Bench) -> io::Result<()> {
    let (array, map) = &bench.file("", |i| Be::new(value(i)))?;
    bench.open("np.memmap(folder + '/file', '>f8', 'r')")?;
    bench.column(">f8", array.view(), (map, |m| m.chunks_exact(8).map(|b| f64::from_be_bytes(parts(b)))))?;
    let (array, map) = &bench.file("", |i| Be::new(value(i) as i32))?;
    bench.open("np.memmap(folder + '/file', '>i4', 'r')")?;
    bench.column(">i4", array.view(), (map, |m| m.chunks_exact(4).map(|b| i32::from_be_bytes(parts(b)))))?;
    let (array, map) = &bench.file("", |i| Be::new((value(i) + 300.0) as u16))?;
    bench.open("np.memmap(folder + '/file', '>u2', 'r')")?;
    bench.column(">u2", array.view(), (map, |m| m.chunks_exact(2).map(|b| u16::from_be_bytes(parts(b)))))
}

fn big_endian_records(bench: &mut Bench) -> io::Result<()> {
    let reading = |i| Reading { kind: i as u8, count: Be::new(value(i) as i32), value: Be::new(value(i)) };
    let (array, map) = &bench.file("", reading)?;
    let readings = "np.memmap(folder + '/file', [('kind', 'u1'), ('count', '>i4'), ('value', '>f8')], 'r')";
    bench.open(&format!("{readings}['value']"))?;
    let values = |m| records(m).map(|reading| f64::from_be_bytes(parts(&reading[5..])));
    bench.column("packed record, >f8", array.project(field!(Reading, value)), (map, values))?;
    bench.open(&format!("{readings}['count']"))?;
    let counts = |m| records(m).map(|reading| i32::from_be_bytes(parts(&reading[1..5])));
    bench.column("packed record, >i4", array.project(field!(Reading, count)), (map, counts))
}

/// Numbers at byte 1 of the file, where only bytes are aligned.
fn unaligned(bench: &mut Bench) -> io::Result<()> {
    let (array, map) = &bench.file("-", |i| value(i).to_ne_bytes())?;
    bench.open("np.memmap(folder + '/file', 'f8', 'r', 1)")?;
    bench.column(
        "f8 at byte 1",
        array.view().view_as::<f64>()?,
        (map, |m| m[1..].chunks_exact(8).map(|b| f64::from_ne_bytes(parts(b)))),
    )?;
    let (array, map) = &bench.file("-", |i| (value(i) as f32).to_ne_bytes())?;
    bench.open("np.memmap(folder + '/file', 'f4', 'r', 1)")?;
    bench.column(
        "f4 at byte 1",
        array.view().view_as::<f32>()?,
        (map, |m| m[1..].chunks_exact(4).map(|b| f32::from_ne_bytes(parts(b)))),
    )
}

/// Conversions to other types.
fn conversions(bench: &mut Bench) -> io::Result<()> {
    let (array, map) = &bench.file("", |i| Be::new(value(i) as i16))?;
    bench.open("np.memmap(folder + '/file', '>i2', 'r')")?;
    bench.conversion(
        ">i2 to f4",
        array.view(),
        (map, |m| m.chunks_exact(2).map(|b| f32::from(i16::from_be_bytes(parts(b)))).collect()),
    )?;
    let (array, map) = &bench.file("", |i| Be::new(value(i)))?;
    bench.open("np.memmap(folder + '/file', '>f8', 'r')")?;
    bench.conversion(
        ">f8 to f4",
        array.view(),
        (map, |m| m.chunks_exact(8).map(|b| f64::from_be_bytes(parts(b)) as f32).collect()),
    )?;
    let (array, map) = &bench.file("", Tick::new)?;
    bench.open("np.memmap(folder + '/file', [('side', 'u1'), ('size', 'f4'), ('price', 'f8')], 'r')['size']")?;
    bench.conversion(
        "packed record, f4 to f8",
        array.project(field!(Tick, size)),
        (map, |m| records(m).map(|tick| f64::from(f32::from_ne_bytes(parts(&tick[1..5])))).collect()),
    )
}

/// Returns the records of 13 bytes.
fn records(map: &Mmap) -> impl ExactSizeIterator<Item = &[u8]> {
    map.chunks_exact(13)
}

#[inline(always)]
fn parts<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("as many bytes as the number has")
}

/// A number in native byte order, and its sum by a simple loop.
trait Number: Pod + PartialOrd {
    const DTYPE: &str;
    type Sum: Pod;
    fn total(numbers: impl Iterator<Item = Self>) -> Self::Sum;
}

/// A number as stored in the file, and the operations of a view on it.
trait Stored: Copy {
    type Number: Number;
    fn sum(view: &ArrayView<Self>) -> <Self::Number as Number>::Sum;
    fn to_native(view: &ArrayView<Self>) -> Vec<Self::Number>;
    fn min(view: &ArrayView<Self>) -> Option<Self::Number>;
}

macro_rules! numbers {
    ($($number:ty, $dtype:literal, $sum:ty);*) => {$(
        impl Number for $number {
            const DTYPE: &str = $dtype;
            type Sum = $sum;
            fn total(numbers: impl Iterator<Item = Self>) -> $sum {
                numbers.map(<$sum>::from).sum()
            }
        }

        impl Stored for $number {
            type Number = $number;
            fn sum(view: &ArrayView<Self>) -> $sum {
                view.sum() as $sum
            }
            fn to_native(view: &ArrayView<Self>) -> Vec<$number> {
                view.to_vec()
            }
            fn min(view: &ArrayView<Self>) -> Option<$number> {
                view.min()
            }
        }

        impl Stored for Be<$number> {
            type Number = $number;
            fn sum(view: &ArrayView<Self>) -> $sum {
                view.sum() as $sum
            }
            fn to_native(view: &ArrayView<Self>) -> Vec<$number> {
                view.to_native_vec()
            }
            fn min(view: &ArrayView<Self>) -> Option<$number> {
                view.min().map(Be::get)
            }
        }
    )*};
}
numbers!(f32, "f4", f32; f64, "f8", f64; i32, "i4", i64; u16, "u2", u64);

impl Bench<'_, '_> {
    /// Prints the rows for all operations on a column, given as a view and as the numbers of a simple loop over the
    /// map.
    fn column<'m, S: Stored, I: ExactSizeIterator<Item = S::Number>>(
        &mut self,
        name: &str,
        view: ArrayView<S>,
        (map, numbers): (&'m Mmap, impl Fn(&'m Mmap) -> I),
    ) -> io::Result<()> {
        let total = |m| [S::Number::total(numbers(m))];
        let view = &view;
        self.row(&format!("{name}: sum"), (view, |v| [S::sum(v)]), (map, total), "a.sum()")?;
        let native = "a.astype(a.dtype.newbyteorder('='))";
        self.row(&format!("{name}: to native"), (view, S::to_native), (map, |m| numbers(m).collect()), native)?;
        let least = |m| numbers(m).reduce(|least, number| if number < least { number } else { least });
        let some = "there are some";
        self.row(
            &format!("{name}: min"),
            (view, |v| [S::min(v).expect(some)]),
            (map, |m| [least(m).expect(some)]),
            "a.min()",
        )
    }

    /// Prints the row for the conversion of a column to another type.
    fn conversion<'m, S: mmap_array::element::Number<Mean = f64>, T: mmap_array::element::Number + Number>(
        &mut self,
        name: &str,
        view: ArrayView<S>,
        by_hand: (&'m Mmap, impl Fn(&'m Mmap) -> Vec<T>),
    ) -> io::Result<()>
    where
        ReadOnly: Load<S>,
    {
        let astype = format!("a.astype('{}')", T::DTYPE);
        self.row(name, (&view, |v| v.to_vec_as::<T>()), by_hand, &astype)
    }
}
