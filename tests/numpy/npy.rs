//! `.npy` files: ours are NumPy's byte for byte, and NumPy's are read as NumPy reads them.

use crate::dynamic::{bytes, text};
use crate::python::Python;
use bytemuck::Pod;
use mmap_array::npy::{self, Header, Npy};
use mmap_array::{
    Be, CreateOptions, DType, DynArray, DynView, Element, Le, MmapArray, Order,
    dtype::{Endianness, Kind},
    dynamic::Value,
    element::Bool,
};
use std::fs;
use std::path::{Path, PathBuf};

const PROGRAM: &str = include_str!("npy.py");

/// What the program beside this file prints of the files in a folder.
pub(crate) fn run(python: &Python, way: &str, folder: &Path, count: usize) -> Vec<Vec<String>> {
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/numpy");
    let count = count.to_string();
    let printed = python.run(PROGRAM, [programs.as_os_str(), way.as_ref(), folder.as_os_str(), count.as_ref()]);
    printed.split_terminator('\n').map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

pub(crate) fn shape_of(text: &str) -> Vec<usize> {
    text.trim_matches('-').split_terminator(',').map(|len| len.parse().unwrap()).collect()
}

fn order_of(text: &str) -> Order {
    if text == "F" { Order::F } else { Order::C }
}

fn file(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("{number}.npy"))
}

/// Whether the dims fit the address space, which those that NumPy of 64 bits writes need not here.
fn fits(shape: &str) -> bool {
    shape.trim_matches('-').split_terminator(',').all(|len| len.parse::<usize>().is_ok())
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn every_file_and_every_header_is_what_numpy_writes() {
    let Some(python) = Python::get() else { return };
    let folder = tempfile::tempdir().unwrap();
    let count = 5000;
    let cases = run(python, "headers", folder.path(), count);
    assert_eq!(cases.len(), count);
    let (mut headers, mut files, mut refused) = (0, 0, 0);
    for (number, case) in cases.iter().enumerate() {
        let [way, order, version, shape, descr] = &case[..] else { panic!("{case:?}") };
        if !fits(shape) {
            continue;
        }
        let dtype = DType::from_descr(&text(descr)).unwrap();
        let (order, shape) = (order_of(order), shape_of(shape));
        let version = match version.as_str() {
            "-" => None,
            version => version.split_once('.').map(|(major, minor)| (major.parse().unwrap(), minor.parse().unwrap())),
        };
        let header = Header::new(dtype.clone(), &shape[..], order).unwrap();
        let header = version.map_or(Ok(header.clone()), |version| header.with_version(version));
        if way == "refused" {
            header.unwrap_err();
            refused += 1;
            continue;
        }
        let (header, path) = (header.unwrap(), file(folder.path(), number));
        let whole = fs::read(&path).unwrap();
        let start = usize::try_from(header.data_offset()).unwrap();
        let name = || format!("{number}: {way} {} {shape:?} {version:?}", text(descr));
        assert!(header.to_bytes().unwrap() == whole[..start], "{}", name());
        headers += 1;
        // It is read as what was written.
        let read = Header::read_limited(&mut &whole[..], usize::MAX).unwrap();
        assert_eq!(read, header, "{}", name());
        if way == "header" {
            continue;
        }
        files += 1;
        let ours = path.with_extension("ours");
        let mut options = npy::dyn_create_options(dtype, &shape[..]).order(order);
        if let Some((major, minor)) = version {
            options = options.version(major, minor);
        }
        create(options, &ours, &whole[start..]);
        assert!(fs::read(&ours).unwrap() == whole, "{}", name());
        // SAFETY: nobody else uses the file.
        let array = unsafe { npy::dyn_options().max_header(usize::MAX).open(&path) }.unwrap();
        assert_eq!(
            (array.shape(), array.order(), array.as_bytes().unwrap()),
            (&shape[..], order, &whole[start..]),
            "{}",
            name()
        );
    }
    println!("{headers} headers, {files} files, {refused} refused");
    assert!(headers > 3500 && files > 2500 && refused > 300);
}

/// A file whose elements are these bytes, as they lie there.
fn create(options: CreateOptions<DType, Npy>, path: &Path, data: &[u8]) {
    let byte = DType::scalar(Kind::UInt { size: 1, order: Endianness::NATIVE }).unwrap();
    // SAFETY: nobody else uses the file.
    let mut array = unsafe { options.create(path) }.unwrap();
    if !data.is_empty() {
        let (order, len) = (array.order(), array.len());
        let view = if order == Order::F { array.view_mut().t() } else { array.view_mut() };
        let mut target = view.reshape(len).unwrap().view_as(&byte).unwrap().typed::<u8>().unwrap();
        target.as_slice_mut().unwrap().copy_from_slice(data);
    }
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn every_file_of_numpys_is_read_and_printed_as_numpy_does() {
    let Some(python) = Python::get() else { return };
    let folder = tempfile::tempdir().unwrap();
    let count = 2500;
    let cases = run(python, "arrays", folder.path(), count);
    assert_eq!(cases.len(), count);
    let (mut fortran, mut typed) = (0, 0);
    for (number, case) in cases.iter().enumerate() {
        let [shape, order, printed, data] = &case[..] else { panic!("{case:?}") };
        let (shape, path, data) = (shape_of(shape), file(folder.path(), number), bytes(data));
        // SAFETY: nobody else uses the file.
        let array = unsafe { npy::dyn_options().open(&path) }.unwrap();
        assert_eq!((array.shape(), array.order()), (&shape[..], order_of(order)), "{}", array.dtype());
        assert_eq!(array.to_string(), text(printed), "{} {shape:?}", array.dtype());
        assert_eq!(elements(&array), data, "{} {shape:?}", array.dtype());
        fortran += usize::from(array.order() == Order::F && data.len() > array.dtype().itemsize());
        typed += usize::from(check_typed(&path, array.dtype(), &data));
    }
    println!("{fortran} in Fortran order, {typed} of a Rust type");
    assert!(fortran > 300 && typed > 300);
}

/// The elements' bytes one after another in C order.
fn elements(array: &DynArray) -> Vec<u8> {
    let void = DType::scalar(Kind::Void { len: array.dtype().itemsize() }).unwrap();
    let mut bytes = Vec::new();
    push_elements(array.view().view_as(&void).unwrap(), &mut bytes);
    bytes
}

fn push_elements(view: DynView<'_>, bytes: &mut Vec<u8>) {
    if view.ndim() > 0 {
        (0..view.shape()[0]).for_each(|row| push_elements(view.index_axis(0, row), bytes));
    } else if let Value::Void(item) = view.at(()) {
        bytes.extend(item);
    }
}

/// Whether there is a Rust type of the dtype; then the file opens as such, with the same elements, and as no other.
fn check_typed(path: &Path, dtype: &DType, data: &[u8]) -> bool {
    fn check<T: Element + Pod>(path: &Path, data: &[u8]) -> bool {
        // SAFETY: nobody else uses the file, here and below.
        let array: MmapArray<T> = unsafe { npy::open(path) }.unwrap();
        let elements: Vec<u8> = array.view().iter().flat_map(|element| bytemuck::bytes_of(&element).to_vec()).collect();
        assert_eq!(elements, data, "{}", T::dtype());
        // SAFETY: as above.
        unsafe { npy::open::<[mmap_array::element::Bytes<3>; 7]>(path) }.unwrap_err();
        true
    }
    macro_rules! check {
        ($($text:literal $type:ty),*) => {
            match dtype.to_string().as_str() {
                $($text => check::<$type>(path, data),)*
                _ => false,
            }
        };
    }
    check!(
        "|b1" Bool, "|i1" i8, "|u1" u8, "<i2" Le<i16>, ">i2" Be<i16>, "<u2" Le<u16>, ">u2" Be<u16>, "<i4" Le<i32>,
        ">i4" Be<i32>, "<u4" Le<u32>, ">u4" Be<u32>, "<i8" Le<i64>, ">i8" Be<i64>, "<u8" Le<u64>, ">u8" Be<u64>,
        "<f4" Le<f32>, ">f4" Be<f32>, "<f8" Le<f64>, ">f8" Be<f64>, "|S3" mmap_array::element::Bytes<3>, "<U2" Le<mmap_array::element::Ucs4<2>>
    )
}
