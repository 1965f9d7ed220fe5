//! Opens arbitrary bytes as `.npy` files. Each file is opened or refused without a panic, in memory that its length
//! bounds. An array that opens is printed and read element by element. Its windows must be the same bytes as the whole
//! array, and its header, written again, must read the same.
//!
//! The last bytes of the file select the windows.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mmap_array::npy::{self, FromHeader, Header, Npy};
use mmap_array::{
    Be, DynArray, DynView, Element, ErrorKind, Le, Options, Order, dynamic::Value, element::Bytes, view::MAX_NDIM,
};
use mmap_array_fuzz::{panic_without_limit, within};
use rustix::fs::{MemfdFlags, memfd_create};
use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

/// The memory that opening may take: `BYTES`, and `BYTES_PER_BYTE` for each byte of the file, as in the target `descr`.
const BYTES: usize = 16 << 10;
const BYTES_PER_BYTE: usize = 400;

/// The memory that creating a text, or a vector of converted numbers, may take.
const BYTES_OF_TEXT: usize = 64 << 20;

/// The maximum number of elements that are read one by one.
const MOST: usize = 2000;

fuzz_target!(init: panic_without_limit(), |input: &[u8]| {
    // Compressed files are those of the target `compressed`.
    if input.starts_with(&[0x1f, 0x8b]) || input.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        return;
    }
    let memory = BYTES + BYTES_PER_BYTE * input.len();
    let header = within(memory, || Header::read(&mut &input[..]));
    if let Ok(header) = &header {
        check_header(header, memory);
    }
    let mut file = File::from(memfd_create("array.npy", MemfdFlags::CLOEXEC).unwrap());
    file.write_all(input).unwrap();
    let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    let opened = within(memory, || open(npy::dyn_options(), &path));
    check_loaded(&opened, npy::dyn_options(), &path, input, memory);
    check_truncated(&header, &path, input, memory);
    check_headers(&header, &path, input, memory);
    match (header, opened) {
        (Ok(header), Ok(array)) => {
            assert_eq!((header.dtype(), header.shape(), header.order()), (array.dtype(), array.shape(), array.order()));
            assert_eq!((header.data_offset(), header.nbytes()), (array.byte_offset(), bytes(&array).len() as u64));
            check(&array);
            check_windows(&array, &path, input, memory);
            check_typed::<u8>(&path, &array);
            check_typed::<Le<f64>>(&path, &array);
            check_typed::<Be<i16>>(&path, &array);
            check_typed::<Bytes<3>>(&path, &array);
            check_typed::<[Le<i32>; 2]>(&path, &array);
        }
        (Err(error), Err(same)) => assert_eq!(error.kind(), same.kind()),
        (Err(error), Ok(_)) => panic!("the array opens, but its header does not: {error}"),
        (Ok(header), Err(error)) => match error.kind() {
            ErrorKind::PastEnd => assert!(header.data_offset() + header.nbytes() > input.len() as u64),
            // The axes, including those of subarrays, are more than an array can have.
            ErrorKind::Shape => assert!(header.shape().len() > MAX_NDIM || !header.dtype().fields().is_empty()),
            kind => assert_eq!(kind, ErrorKind::Overflow, "{error}"),
        },
    }
});

fn open(options: Options<FromHeader, Npy>, path: &Path) -> mmap_array::Result<DynArray> {
    // SAFETY: the file is this process's alone, and is not written while it is open.
    unsafe { options.open(path) }
}

/// Checks that loading from the file and from a reader gives the same array, or the same error, as opening.
fn check_loaded(
    opened: &mmap_array::Result<DynArray>,
    options: Options<FromHeader, Npy>,
    path: &Path,
    input: &[u8],
    memory: usize,
) {
    let loaded = within(memory, || options.load(path));
    match (opened, &loaded) {
        (Ok(opened), Ok(loaded)) => {
            assert_eq!(
                (opened.dtype(), opened.shape(), opened.order()),
                (loaded.dtype(), loaded.shape(), loaded.order())
            );
            // Rows in Fortran order have other elements between them, until they are copied.
            let copied = loaded.as_bytes().expect("the elements are contiguous");
            match opened.as_bytes() {
                Some(bytes) => assert_eq!(bytes, copied),
                None => assert_eq!(opened.view().to_string(), loaded.view().to_string()),
            }
        }
        (Err(error), Err(same)) => assert_eq!((error.kind(), error.to_string()), (same.kind(), same.to_string())),
        (opened, loaded) => panic!("opened: {:?}, loaded: {:?}", opened.as_ref().err(), loaded.as_ref().err()),
    }
    let streamed = within(memory, || options.load_from(&mut &input[..]));
    match (&loaded, streamed) {
        (Ok(loaded), Ok(streamed)) => {
            assert_eq!((loaded.dtype(), loaded.shape()), (streamed.dtype(), streamed.shape()));
            assert_eq!(loaded.as_bytes(), streamed.as_bytes());
        }
        // The length of a reader is unknown, so a window may be complete although the array is not.
        (Err(error), Ok(_)) => assert_eq!(error.kind(), ErrorKind::PastEnd, "{error}"),
        (Err(error), Err(same)) => assert!(
            error.kind() == same.kind() || [error.kind(), same.kind()].contains(&ErrorKind::PastEnd),
            "{error}\n{same}"
        ),
        (Ok(_), Err(error)) => panic!("the array loads from a file, but not from a reader: {error}"),
    }
}

/// Checks that of a truncated file the complete rows open, and of any other all of them.
fn check_truncated(header: &mmap_array::Result<Header>, path: &Path, input: &[u8], memory: usize) {
    let options = npy::dyn_options().allow_truncated();
    let opened = within(memory, || open(options, path));
    check_loaded(&opened, options, path, input, memory);
    let (Ok(header), Ok(array)) = (header, opened) else { return };
    let start = header.data_offset() as usize;
    assert_eq!(bytes(&array), &input[start..][..bytes(&array).len()]);
    let axis = if header.order() == Order::F { header.shape().len().checked_sub(1) } else { Some(0) };
    for (axis_, (&len, &declared)) in array.shape().iter().zip(header.shape()).enumerate() {
        assert!(len == declared || Some(axis_) == axis && len < declared);
    }
    if bytes(&array).len() as u64 == header.nbytes() {
        assert_eq!(array.shape(), header.shape());
    }
}

/// Checks that the arrays that follow one another in the file are found, and that each opens where it begins.
fn check_headers(header: &mmap_array::Result<Header>, path: &Path, input: &[u8], memory: usize) {
    let mut headers = within(memory, || npy::headers(path)).unwrap();
    let first = within(memory, || headers.next()).expect("a file has a header or an error");
    assert_eq!(first.is_ok(), header.is_ok());
    let mut end = first.map_or(0, |(_, header)| header.data_offset() + header.nbytes());
    while let Some(next) = within(memory, || headers.next()) {
        let Ok((at, header)) = next else { return assert!(headers.next().is_none()) };
        assert_eq!(at, end);
        end = at.saturating_add(header.data_offset()).saturating_add(header.nbytes());
        let options = npy::dyn_options().at(at);
        assert_eq!(options.header(path).unwrap(), header);
        match within(memory, || open(options, path)) {
            Ok(array) => assert_eq!(bytes(&array), &input[(end - header.nbytes()) as usize..end as usize]),
            Err(error) => assert!(matches!(error.kind(), ErrorKind::PastEnd | ErrorKind::Shape | ErrorKind::Overflow)),
        }
    }
}

fn check_header(header: &Header, memory: usize) {
    let bytes = match within(memory, || header.to_bytes()) {
        Ok(bytes) => bytes,
        // A dtype that NumPy would not write, or names that an escape has brought into a version that cannot hold them.
        Err(error) => return assert!(matches!(error.kind(), ErrorKind::DType | ErrorKind::Header), "{error}"),
    };
    assert_eq!(bytes.len() % 64, 0);
    let again = within(memory, || Header::read_limited(&mut &bytes[..], usize::MAX)).unwrap();
    assert_eq!((again.dtype(), again.shape(), again.order()), (header.dtype(), header.shape(), header.order()));
    assert_eq!((again.version(), again.data_offset()), (header.version(), bytes.len() as u64));
    assert_eq!(again.to_bytes().unwrap(), bytes);
    let new = Header::new(header.dtype().clone(), header.shape(), header.order()).unwrap();
    if new.version() == header.version() {
        assert_eq!(new.to_bytes().unwrap(), bytes);
    }
}

fn check(array: &DynArray) {
    within(BYTES_OF_TEXT, || format!("{array}\n{array:?}"));
    let view = array.view();
    check_elements(&view);
    within(BYTES_OF_TEXT, || view.t().to_string());
    for field in array.dtype().fields() {
        // A name with a dot may be another field's path.
        let Ok(part) = array.field(&field.name) else { continue };
        check_elements(&part);
        let doubles = within(BYTES_OF_TEXT, || part.to_vec_as::<f64>());
        if let Ok(doubles) = doubles {
            assert_eq!(doubles.len(), part.len());
            assert_eq!(part.to_vec_as::<i64>().unwrap().len(), part.len());
        }
    }
}

fn check_elements(view: &DynView<'_>) {
    let mut index = [0; MAX_NDIM];
    let index = &mut index[..view.ndim()];
    if view.is_empty() {
        assert!(view.get(&*index).is_none());
        return;
    }
    for _ in 0..MOST {
        match view.at(&*index) {
            Value::Record(record) => record.dtype().fields().iter().take(20).for_each(|field| {
                if let Ok(field) = record.field(&field.name) {
                    let _ = field.get([0; MAX_NDIM].get(..field.ndim()).unwrap());
                }
            }),
            value => drop(within(BYTES_OF_TEXT, || value.to_string())),
        }
        let Some(axis) = (0..index.len()).rev().find(|&axis| index[axis] + 1 < view.shape()[axis]) else { return };
        index[axis] += 1;
        index[axis + 1..].fill(0);
    }
}

/// Checks that windows are the same bytes as the parts of the whole array.
fn check_windows(whole: &DynArray, path: &Path, input: &[u8], memory: usize) {
    let &[.., a, b, c] = input else { return };
    let open = |options: Options<FromHeader, Npy>| within(memory, || open(options, path));
    let (itemsize, len) = (whole.dtype().itemsize(), whole.len());

    let count = usize::from(c % 5) + 1;
    let parts: mmap_array::Result<Vec<DynArray>> =
        (0..count).map(|k| open(npy::dyn_options().segment(k, count))).collect();
    match parts {
        Ok(parts) => {
            let parts_bytes: Vec<&[u8]> = parts.iter().map(bytes).collect();
            assert_eq!(parts_bytes.concat(), bytes(whole));
            assert_eq!(parts.iter().map(DynArray::len).sum::<usize>(), len);
        }
        Err(error) => assert!(whole.ndim() == 0, "{error}"),
    }

    let (start, end) = (usize::from(a.min(b)), usize::from(a.max(b)));
    let rows = npy::dyn_options().rows(start..end);
    let opened = open(rows);
    check_loaded(&opened, rows, path, input, memory);
    match opened {
        Ok(rows) => {
            assert_eq!(rows.shape()[0], end - start);
            assert_eq!(rows.to_string(), whole.view().rows(start..end).to_string());
        }
        Err(error) => match error.kind() {
            ErrorKind::OutOfRange => assert!(whole.ndim() == 0 || end > whole.shape()[0]),
            kind => assert_eq!((kind, whole.order()), (ErrorKind::NotContiguous, Order::F), "{error}"),
        },
    }

    match open(npy::dyn_options().elements(start as u64..).shape(end - start)) {
        Ok(window) => assert_eq!(bytes(&window), &bytes(whole)[start * itemsize..end * itemsize]),
        Err(error) => assert!(error.kind() == ErrorKind::OutOfRange && end > len, "{error}"),
    }
    match open(npy::dyn_options().elements(start as u64..)) {
        Ok(window) => assert_eq!(bytes(&window), &bytes(whole)[start * itemsize..]),
        Err(error) => assert!(error.kind() == ErrorKind::OutOfRange && start > len, "{error}"),
    }
}

fn check_typed<T: Element + bytemuck::Pod>(path: &Path, array: &DynArray) {
    // SAFETY: as for `open`.
    match unsafe { npy::open::<T>(path) } {
        Ok(typed) => assert_eq!(bytemuck::cast_slice::<T, u8>(&typed), bytes(array)),
        Err(error) => assert_eq!(error.kind(), ErrorKind::DTypeMismatch, "{error}"),
    }
}

/// Returns the bytes of an array whose elements are contiguous, as in all windows here.
fn bytes(array: &DynArray) -> &[u8] {
    array.as_bytes().expect("the elements are contiguous")
}
