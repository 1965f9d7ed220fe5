//! Arrays of many files beside `np.concatenate`.

use crate::python::Python;
use bytemuck::{Pod, Zeroable};
use mmap_array::element::{Bytes, DateTime64, Number, Ordered, unit::Second};
use mmap_array::npy::{self, Concat, TypedBlock};
use mmap_array::{Be, Element, Le, MmapArray, SharedArray};
use std::fmt::Debug;
use std::path::{Path, PathBuf};

const PROGRAM: &str = include_str!("concat.py");

/// `[('id', '<u2'), ('value', '>f4')]`
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable, mmap_array::Record)]
#[repr(C, packed)]
struct Record {
    id: Le<u16>,
    value: Be<f32>,
}

/// A window of an array of some files.
struct Window<'a> {
    files: Vec<PathBuf>,
    whole: PathBuf,
    start: usize,
    end: usize,
    answers: &'a [&'a str],
}

impl Window<'_> {
    /// The window by value and by reference, which must have the elements that NumPy's has.
    fn elements<T: Element + Pod>(&self) -> (Concat<SharedArray<T>>, Concat<MmapArray<T>>) {
        let shared = npy::concat::<T>(&self.files).unwrap();
        // SAFETY: nobody else has the files.
        let stable = unsafe { npy::options::<T>().open_all(&self.files) }.unwrap();
        let whole = npy::load::<T>(&self.whole).unwrap();
        assert_eq!((shared.shape(), stable.shape()), (whole.shape(), whole.shape()));
        let (shared, stable) = (shared.rows(self.start..self.end), stable.rows(self.start..self.end));
        let window = whole.rows(self.start..self.end);
        let bytes = |elements: &[T]| bytemuck::cast_slice::<T, u8>(elements).to_vec();
        for copy in [shared.load().unwrap(), stable.load().unwrap()] {
            assert_eq!((copy.shape(), bytes(&copy)), (window.shape(), bytes(&window.to_vec())), "{:?}", self.whole);
        }
        let elements: Vec<T> = shared.iter().map(Result::unwrap).collect();
        assert_eq!(bytes(&elements), bytes(&window.to_vec()));
        (shared, stable)
    }

    fn numbers<T: Number + Ordered>(&self, sum: impl Fn(T::Sum, &str)) {
        let (shared, stable) = self.elements::<T>();
        self.reductions(&shared, &sum);
        self.reductions(&stable, &sum);
    }

    fn reductions<S: TypedBlock>(&self, all: &Concat<S>, sum: &impl Fn(<S::Element as Number>::Sum, &str))
    where
        S::Element: Number + Ordered,
    {
        let &[of_all, smallest, largest] = self.answers else { panic!("{:?}", self.answers) };
        sum(all.sum().unwrap(), of_all);
        let text = |place: Option<usize>| place.map_or("-".to_owned(), |place| place.to_string());
        assert_eq!((&*text(all.argmin().unwrap()), &*text(all.argmax().unwrap())), (smallest, largest));
    }
}

fn integer(ours: impl Debug, theirs: &str) {
    assert_eq!(format!("{ours:?}"), theirs);
}

/// Bit for bit if the elements are in C order and in the machine's byte order, of which NumPy makes one run.
fn float(ours: f64, theirs: &str, size: usize, exact: bool) {
    let bytes: Vec<u8> =
        (0..theirs.len()).step_by(2).map(|at| u8::from_str_radix(&theirs[at..at + 2], 16).unwrap()).collect();
    let theirs = match size {
        4 => f64::from(f32::from_le_bytes(bytes.try_into().unwrap())),
        _ => f64::from_le_bytes(bytes.try_into().unwrap()),
    };
    let near = (ours - theirs).abs() <= 1e-3 * theirs.abs().max(1.0);
    assert!(if exact { ours == theirs } else { near }, "{ours:e} and {theirs:e}");
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn many_files_are_what_numpy_concatenates() {
    let Some(python) = Python::get() else { return };
    let dir = tempfile::tempdir().unwrap();
    let printed = python.run(PROGRAM, [dir.path()]);
    assert_eq!(printed.lines().count(), 64 * 4);
    for line in printed.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let &[case, dtype, count, start, end, ref answers @ ..] = &words[..] else { panic!("{line}") };
        let folder: &Path = &dir.path().join(case);
        let [count, start, end] = [count, start, end].map(|number| number.parse().unwrap());
        let files = (0..count).map(|file| folder.join(format!("{file}.npy"))).collect();
        let window = Window { files, whole: folder.join("whole.npy"), start, end, answers };
        // The later ones have files in Fortran order.
        let exact = case.parse::<usize>().unwrap() < 48;
        match dtype {
            "<f4" => window.numbers::<Le<f32>>(|sum, theirs| float(sum.into(), theirs, 4, exact)),
            "<f8" => window.numbers::<Le<f64>>(|sum, theirs| float(sum, theirs, 8, exact)),
            ">f8" => window.numbers::<Be<f64>>(|sum, theirs| float(sum, theirs, 8, false)),
            "<i4" => window.numbers::<Le<i32>>(integer),
            "|u1" => window.numbers::<u8>(integer),
            "|S3" => drop(window.elements::<Bytes<3>>()),
            "<M8[s]" => drop(window.elements::<Le<DateTime64<Second>>>()),
            "record" => drop(window.elements::<Record>()),
            other => panic!("{other}"),
        }
    }
}
