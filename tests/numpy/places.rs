//! Arrays that have no `.npy` file of their own: one after another in one file, behind other data, or compressed.

use crate::python::Python;
use mmap_array::{DType, Order, npy};
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

/// An array that NumPy has written.
struct Saved {
    path: PathBuf,
    at: u64,
    dtype: DType,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

fn saved() -> Option<(TempDir, Vec<Saved>)> {
    let folder = tempfile::tempdir().unwrap();
    let text = Python::get()?.run(include_str!("places.py"), [folder.path().to_str().unwrap(), "5"]);
    let bytes = |hexadecimal: &str| -> Vec<u8> {
        let digits = hexadecimal.trim_matches('-').as_bytes();
        digits.chunks(2).map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap()).collect()
    };
    let of = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let descr = String::from_utf8(bytes(words[2])).unwrap();
        Saved {
            path: folder.path().join(words[0]),
            at: words[1].parse().unwrap(),
            dtype: DType::from_descr(&descr).unwrap(),
            shape: words[3].trim_matches('-').split_terminator(',').map(|len| len.parse().unwrap()).collect(),
            bytes: bytes(words[4]),
        }
    };
    let arrays = text.lines().map(of).collect();
    Some((folder, arrays))
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn arrays_behind_other_data_open_where_they_begin() {
    let Some((_folder, arrays)) = saved() else { return };
    let there: Vec<_> =
        arrays.iter().filter(|array| array.path.extension().is_none_or(|e| e == "npy" || e == "bin")).collect();
    assert!(there.len() > 50 && there.iter().any(|array| array.at % 2 == 1));
    for Saved { path, at, dtype, shape, bytes } in there {
        let options = npy::dyn_options().at(*at);
        let header = options.header(path).unwrap();
        assert_eq!((header.dtype(), header.shape()), (dtype, &shape[..]), "{path:?} {at}");
        let shared = options.open_shared(path).unwrap();
        assert_eq!(&shared.read(|view| view.to_bytes()).unwrap(), bytes, "{path:?} {at}");
        assert_eq!(options.load(&fs::File::open(path).unwrap()).unwrap().view().to_bytes(), *bytes);
        // SAFETY: nobody else writes or truncates the file.
        assert_eq!(unsafe { options.open(path) }.unwrap().view().to_bytes(), *bytes);
        let Some(&len) = shape.first().filter(|&&len| len > 1) else { continue };
        let rows = bytes.len() / len;
        let window = options.rows(1..len - 1).open_shared(path).unwrap();
        assert_eq!(window.read(|view| view.to_bytes()).unwrap(), bytes[rows..bytes.len() - rows], "{path:?} {at}");
        if header.order() == Order::C {
            let window = options.elements(1..).load(path).unwrap();
            assert_eq!(window.view().to_bytes(), bytes[dtype.itemsize()..]);
        }
    }
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn arrays_of_one_file_are_found_one_after_another() {
    let Some((_folder, arrays)) = saved() else { return };
    let mut rest = arrays.iter().filter(|array| array.path.extension().is_some_and(|e| e == "npy")).peekable();
    let mut files = 0;
    while let Some(path) = rest.peek().map(|array| array.path.clone()) {
        files += 1;
        for found in npy::headers(&path).unwrap() {
            let ((at, header), array) = (found.unwrap(), rest.next().unwrap());
            assert_eq!((&path, at, header.shape()), (&array.path, array.at, &array.shape[..]));
        }
    }
    assert_eq!(files, 25);
}

#[test]
#[cfg(all(feature = "flate2", feature = "ruzstd"))]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn compressed_files_load() {
    let Some((_folder, arrays)) = saved() else { return };
    let compressed = arrays.iter().filter(|array| array.path.extension().is_some_and(|e| e == "gz" || e == "zst"));
    let mut count = 0;
    for Saved { path, dtype, shape, bytes, .. } in compressed {
        count += 1;
        let header = npy::header(path).unwrap();
        assert_eq!((header.dtype(), header.shape()), (dtype, &shape[..]), "{path:?}");
        assert_eq!(&npy::dyn_options().load(path).unwrap().view().to_bytes(), bytes, "{path:?}");
        if let Some(&len) = shape.first().filter(|&&len| len > 1) {
            let rows = npy::dyn_options().rows(1..2).load(&fs::File::open(path).unwrap()).unwrap();
            assert_eq!(rows.view().to_bytes(), bytes[bytes.len() / len..][..bytes.len() / len], "{path:?}");
        }
        let error = npy::dyn_options().open_shared(path).unwrap_err();
        assert!(error.to_string().contains("so it cannot be mapped: `load` decompresses it"), "{error}");
        // Of what is cut or changed nothing is believed.
        let whole = fs::read(path).unwrap();
        for cut in [whole.len() / 3, whole.len() - 1] {
            fs::write(path, &whole[..cut]).unwrap();
            assert!(npy::dyn_options().load(path).is_err(), "{path:?} to {cut}");
        }
        let mut changed = whole.clone();
        let last = changed.len() - 12;
        changed[last] ^= 0x10;
        fs::write(path, &changed).unwrap();
        if path.extension().unwrap() == "gz" {
            assert!(npy::dyn_options().load(path).is_err(), "{path:?}");
        }
    }
    assert_eq!(count, 72);
}
