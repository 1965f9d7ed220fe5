//! Structs whose dtypes are NumPy's, and whose values in files are the same to both.
//!
//! Each struct has its dtype in `records.py`, under its name.

use crate::python::Python;
use crate::structs::*;
use crate::values::{Value, sample};
use bytemuck::{AnyBitPattern, Pod};
use mmap_array::element::unit::{
    Attosecond, Day, Femtosecond, Generic, Hour, Microsecond, Millisecond, Minute, Month, Nanosecond, Picosecond,
    Second, Week, Year,
};
use mmap_array::{
    ArrayView, ArrayViewMut, Be, DType, Element, Le, MmapArray,
    element::{Bool, Bytes, DateTime64, TimeDelta64, Ucs4, Void},
};
use std::fs;
use std::path::Path;

const PROGRAM: &str = include_str!("records.py");

/// The fields of a record, by their paths.
trait Columns: Element + AnyBitPattern {
    const NAME: &'static str;

    /// As `show` in `records.py`.
    fn show(view: ArrayView<'_, Self>) -> Vec<String>;
}

trait Fill: Columns + Pod {
    fn fill(view: ArrayViewMut<'_, Self>);
}

macro_rules! columns {
    (mut $record:ident: $($path:literal $field:ty),* $(,)?) => {
        columns!($record: $($path $field),*);

        impl Fill for $record {
            fn fill(mut view: ArrayViewMut<'_, Self>) {
                $(fill::<Self, $field>(view.reborrow(), $path);)*
            }
        }
    };
    ($record:ident: $($path:literal $field:ty),* $(,)?) => {
        impl Columns for $record {
            const NAME: &'static str = stringify!($record);

            fn show(view: ArrayView<'_, Self>) -> Vec<String> {
                vec![$(show::<Self, $field>(&view, $path)),*]
            }
        }
    };
}

fn show<R: Columns, F: Value>(view: &ArrayView<'_, R>, path: &str) -> String {
    let told = |value: F| {
        let mut words = Vec::new();
        value.tell(&mut words);
        words.join(",")
    };
    let column: Vec<String> = view.field::<F>(path).unwrap().iter().map(told).collect();
    format!("{path:?} of {} {}", R::NAME, column.join(";"))
}

fn fill<R: Fill, F: Value>(view: ArrayViewMut<'_, R>, path: &str) {
    let mut column = view.field::<F>(path).unwrap();
    for row in 0..column.len() {
        column.set([row], sample(row));
    }
}

columns!(mut Native: "truth" Bool, "i1" i8, "i2" i16, "i4" i32, "i8" i64, "u1" u8, "u2" u16, "u4" u32, "u8" u64,
    "f4" f32, "f8" f64, "text" Bytes<5>, "name" Ucs4<3>, "raw" Void<3>, "time" DateTime64<Nanosecond>,
    "week" DateTime64<Day, 7>, "span" TimeDelta64<Millisecond>, "spans" TimeDelta64<Second, 25>,
    "count" TimeDelta64<Generic>);
columns!(mut Turned: "i2" Be<i16>, "i4" Be<i32>, "i8" Be<i64>, "u2" Le<u16>, "u4" Le<u32>, "u8" Le<u64>,
    "f4" Be<f32>, "f8" Be<f64>, "little" Le<f64>, "name" Be<Ucs4<3>>, "little_name" Le<Ucs4<2>>,
    "time" Be<DateTime64<Microsecond>>, "span" Le<TimeDelta64<Day>>);
#[cfg(all(feature = "half", feature = "num-complex"))]
columns!(mut Optional: "f2" half::f16, "c8" num_complex::Complex<f32>, "c16" num_complex::Complex<f64>,
    "big_f2" Be<half::f16>, "little_c8" Le<num_complex::Complex<f32>>, "big_c16" Be<num_complex::Complex<f64>>,
    "plane" [[num_complex::Complex<f32>; 2]; 2]);
columns!(mut Units: "Y" DateTime64<Year>, "M" DateTime64<Month>, "W" DateTime64<Week>, "D" DateTime64<Day>,
    "h" DateTime64<Hour>, "m" DateTime64<Minute>, "s" DateTime64<Second>, "ms" DateTime64<Millisecond>,
    "us" DateTime64<Microsecond>, "ns" DateTime64<Nanosecond>, "ps" DateTime64<Picosecond>,
    "fs" DateTime64<Femtosecond>, "as" DateTime64<Attosecond>, "generic" DateTime64<Generic>);
columns!(Aligned: "flag" Bool, "point" Point, "point.x" f32, "point.y" f32, "class" u8, "name" Ucs4<1>,
    "inner" [[Inner; 3]; 2], "half" i16, "last" i8);
columns!(Wide: "flag" Bool, "time" DateTime64<Second>, "class" u8, "value" f64, "last" i8);
columns!(mut Filled: "id" u16, "value" f64, "code" Bytes<1>);
columns!(mut Nested: "kind" i8, "point" Point, "point.x" f32, "point.y" f32, "corners" [Point; 2], "grid" [[u16; 3]; 2],
    "cube" [[[Be<f32>; 3]; 1]; 2], "lattice" [[[Point; 2]; 2]; 1], "outer" Outer, "outer.inner" Deep,
    "outer.inner.deep" [i32; 2], "outer.inner.word" Bytes<2>, "outer.pair" Pair<i16>, "outer.pair.first" i16,
    "outer.pair.second" i16);
columns!(mut Titled: "flux" f32, "id" u32, "p" Point, "p.x" f32, "p.y" f32);
columns!(mut Named: "it's" i16, "say \"hi\"" i16, "both'\"" i16, "back\\slash" i16, "tab\tand\nline" i16, "point.x" i16,
    "température °C" i16, "語" i16, " " i16, "\0" i16);
columns!(Halved: "f0" u8, "f1" u64, "f2" u8);
columns!(mut Numbered: "f0" u8, "f1" u32, "last" Metres, "f3" [i16; 2]);

struct Case {
    name: &'static str,
    dtype: DType,
    read: fn(&Path) -> Vec<String>,
    write: Option<fn(&Path)>,
}

fn case<R: Columns>() -> Case {
    // SAFETY: nobody else uses the files of these tests while they are mapped.
    let read = |path: &Path| R::show(unsafe { MmapArray::<R>::open(path) }.unwrap().view());
    Case { name: R::NAME, dtype: R::dtype(), read, write: None }
}

fn writable<R: Fill>() -> Case {
    let write = |path: &Path| {
        // SAFETY: as above.
        let mut array = unsafe { MmapArray::<R>::create_options(ROWS).create(path) }.unwrap();
        R::fill(array.view_mut());
        array.tofile(path.with_extension("tofile")).unwrap();
        array.close().unwrap();
    };
    Case { write: Some(write), ..case::<R>() }
}

const ROWS: usize = 16;
/// The byte order of numbers that name none.
const ORDER: &str = if cfg!(target_endian = "big") { ">" } else { "<" };

/// Not all with some features left out, nor on 32-bit x86, where C and Rust align 64-bit numbers to 4 bytes. So does
/// NumPy there, but not the NumPy for 64 bits that such a machine may run.
fn cases() -> Vec<Case> {
    vec![
        writable::<Native>(),
        writable::<Turned>(),
        #[cfg(all(feature = "half", feature = "num-complex"))]
        writable::<Optional>(),
        writable::<Units>(),
        case::<Aligned>(),
        #[cfg(not(target_arch = "x86"))]
        case::<Wide>(),
        writable::<Filled>(),
        writable::<Nested>(),
        writable::<Titled>(),
        writable::<Named>(),
        case::<Halved>(),
        writable::<Numbered>(),
    ]
}

/// The lines about one struct, as `show` has them.
fn lines(printed: &str, name: &str) -> Vec<String> {
    let line = |line: &str| {
        let [of, path, text] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let path: Vec<u8> =
            (0..path.len()).step_by(2).map(|i| u8::from_str_radix(&path[i..i + 2], 16).unwrap()).collect();
        (of == name).then(|| format!("{:?} of {name} {text}", String::from_utf8(path).unwrap()))
    };
    printed.split_terminator('\n').filter_map(line).collect()
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn structs_have_the_dtypes_that_numpy_gives_them() {
    let Some(python) = Python::get() else { return };
    let printed = python.run(PROGRAM, [ORDER, "describe"]);
    let described: Vec<Vec<&str>> = printed.lines().map(|line| line.split('\t').collect()).collect();
    for Case { name, dtype, .. } in cases() {
        let numpys = described.iter().find(|line| line[0] == name).unwrap();
        let ours = [dtype.descr().unwrap(), dtype.itemsize().to_string()];
        assert_eq!(ours, numpys[1..3], "{name}");
        if ["Aligned", "Wide"].contains(&name) {
            assert_eq!(dtype.alignment().to_string(), numpys[3], "{name}");
        }
    }
    if cfg!(all(feature = "half", feature = "num-complex", not(target_arch = "x86"))) {
        assert_eq!(cases().len(), described.len());
    }
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn values_that_numpy_writes_are_found_by_name() {
    let Some(python) = Python::get() else { return };
    let folder = tempfile::tempdir().unwrap();
    let printed = python.run(PROGRAM, [ORDER.as_ref(), "write".as_ref(), folder.path().as_os_str()]);
    for Case { name, read, .. } in cases() {
        assert_eq!(read(&folder.path().join(name)), lines(&printed, name));
    }
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn values_that_are_written_by_name_are_read_by_numpy() {
    let Some(python) = Python::get() else { return };
    let folder = tempfile::tempdir().unwrap();
    let cases: Vec<Case> = cases().into_iter().filter(|case| case.write.is_some()).collect();
    for Case { name, write, .. } in &cases {
        let path = folder.path().join(name);
        write.unwrap()(&path);
        assert_eq!(fs::read(path.with_extension("tofile")).unwrap(), fs::read(&path).unwrap(), "{name}");
    }
    let printed = python.run(PROGRAM, [ORDER.as_ref(), "read".as_ref(), folder.path().as_os_str()]);
    for Case { name, read, .. } in cases {
        let read = read(&folder.path().join(name));
        assert!(read.iter().all(|line| line.matches(';').count() == ROWS - 1), "{name}");
        assert_eq!(lines(&printed, name), read);
    }
}
