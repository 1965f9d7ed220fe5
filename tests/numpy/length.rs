//! Arrays that become longer and shorter here and are read by NumPy, and files of NumPy's that were cut.

use crate::npy::shape_of;
use crate::python::Python;
use bytemuck::Pod;
use mmap_array::{Be, Element, Le, MmapArray, Order, npy};
use std::fmt::Debug;
use std::fs;
use std::path::Path;

const PROGRAM: &str = include_str!("length.py");

/// An array of NumPy's, as `N.npy` and as `N.raw`.
struct Case<'a> {
    folder: &'a Path,
    number: &'a str,
    order: Order,
    shape: Vec<usize>,
}

impl Case<'_> {
    /// The axis along which the array becomes longer and shorter.
    fn axis(&self) -> usize {
        if self.order == Order::C { 0 } else { self.shape.len() - 1 }
    }

    /// The path of a file that belongs to the array.
    fn path(&self, end: &str) -> std::path::PathBuf {
        self.folder.join(format!("{}.{end}", self.number))
    }

    /// A copy of one of its files.
    fn copy(&self, end: &str, kind: &str, rows: usize) -> std::path::PathBuf {
        let to = self.path(&format!("{kind}.{rows}"));
        fs::copy(self.path(end), &to).unwrap();
        to
    }

    /// Makes the files that NumPy checks, and returns their number.
    fn change<T: Element + Pod + PartialEq>(&self) -> usize {
        let (axis, len) = (self.axis(), self.shape[self.axis()]);
        let mut lens = vec![0, 1, len / 3, len - len.min(1), len];
        lens.retain(|&left| left <= len);
        lens.sort_unstable();
        lens.dedup();
        let options = MmapArray::<T>::options().offset(3).shape(&self.shape[..]).order(self.order);
        let whole = options.load(self.path("raw")).unwrap();
        let growing: Vec<Option<usize>> =
            self.shape.iter().enumerate().map(|(k, &len)| (k != axis).then_some(len)).collect();
        for &rows in &lens {
            // SAFETY: nobody else uses the files, here and below.
            let mut array = unsafe { npy::open_mut::<T>(self.copy("npy", "shrunk", rows)) }.unwrap();
            assert_eq!((array.order(), array.shrink(len - rows).unwrap()), (self.order, rows));
            // SAFETY: as above.
            let mut array = unsafe { options.open_mut(self.copy("raw", "cut_raw", rows)) }.unwrap();
            assert_eq!(array.shrink(len - rows).unwrap(), rows);
            let added = whole.view().step_axis(axis, -1).slice_axis(axis, ..rows);
            let path = self.copy("raw", "appended", rows);
            assert_eq!(options.shape(&growing[..]).append(&path, &added).unwrap(), len + rows);
            let mut shape = self.shape.clone();
            shape[axis] = rows;
            let options = MmapArray::<T>::create_options(&shape[..]).offset(3).order(self.order);
            let path = self.path(&format!("made.{rows}"));
            // Made, and opened by another.
            let first = options.open_or_create_shared(&path).unwrap();
            // SAFETY: as above; the other is not read.
            let mut array = unsafe { options.open_or_create(&path) }.unwrap();
            array.view_mut().copy_from(&whole.view().slice_axis(axis, ..rows));
            assert!(first.read(|view| view == array.view()).unwrap());
        }
        4 * lens.len()
    }

    /// Opens files that were cut.
    fn open_cut<T: Element + Pod + PartialEq + Debug>(&self) {
        for cut in 0..8 {
            let path = self.path(&format!("{cut}.cut"));
            let expected = npy::load::<T>(self.path(&format!("{cut}.npy"))).unwrap();
            let options = npy::options::<T>().allow_truncated();
            let shared = options.open_shared(&path).unwrap();
            assert_eq!(shared.shape(), expected.shape(), "{path:?}");
            assert_eq!(shared.load().unwrap().view(), expected.view(), "{path:?}");
            assert_eq!(options.load(&path).unwrap().view(), expected.view(), "{path:?}");
            assert_eq!(options.load_from(fs::File::open(&path).unwrap()).unwrap().view(), expected.view(), "{path:?}");
            // SAFETY: nobody else uses the file.
            assert_eq!(unsafe { options.open(&path) }.unwrap().view(), expected.view(), "{path:?}");
        }
    }
}

/// Calls a method for the type of a dtype.
macro_rules! with_type {
    ($dtype:expr, $case:ident.$method:ident) => {
        match $dtype {
            "|u1" => $case.$method::<u8>(),
            "<i2" => $case.$method::<Le<i16>>(),
            ">i2" => $case.$method::<Be<i16>>(),
            ">u4" => $case.$method::<Be<u32>>(),
            "<f8" => $case.$method::<Le<f64>>(),
            ">f8" => $case.$method::<Be<f64>>(),
            other => panic!("{other}"),
        }
    };
}

fn cases<'a>(printed: &'a str, folder: &'a Path) -> impl Iterator<Item = (&'a str, Case<'a>)> {
    printed.lines().map(move |line| {
        let [number, dtype, order, shape] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let order = if order == "F" { Order::F } else { Order::C };
        (dtype, Case { folder, number, order, shape: shape_of(shape) })
    })
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn numpy_reads_what_has_become_longer_and_shorter() {
    let Some(python) = Python::get() else { return };
    let folder = tempfile::tempdir().unwrap();
    let run = |task: &str| python.run(PROGRAM, [task.as_ref(), folder.path().as_os_str()]);
    let printed = run("make");
    let count: usize = cases(&printed, folder.path()).map(|(dtype, case)| with_type!(dtype, case.change)).sum();
    assert!(count > 1000, "{count}");
    assert_eq!(run("check"), format!("{count}\n"));
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn the_rows_that_numpy_finds_in_a_truncated_file_are_opened() {
    let Some(python) = Python::get() else { return };
    let folder = tempfile::tempdir().unwrap();
    let printed = python.run(PROGRAM, ["make".as_ref(), folder.path().as_os_str()]);
    assert_eq!(printed.lines().count(), 6 * (8 + 6));
    cases(&printed, folder.path()).for_each(|(dtype, case)| with_type!(dtype, case.open_cut));
}
