//! What std and other crates expect of this crate's types.

use mmap_array::npy::Header;
use mmap_array::{
    ArrayView, ArrayViewMut, DType, DynArray, Error, ErrorKind, MmapArray, MmapArrayMut, Order, access::CopyOnWrite,
};
use std::collections::HashSet;
use std::error::Error as _;
use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::io;
use std::str::FromStr;

fn value<T: Clone + Eq + Hash + Debug + Display + FromStr<Err = Error> + Send + Sync + 'static>() {}

fn shared<T: Send + Sync + Debug + 'static>() {}

#[test]
fn dtypes_and_headers_are_values_with_a_text() {
    value::<DType>();
    value::<Header>();
    let header = Header::new("[('a', '>f8'), ('b', 'S3')]".parse().unwrap(), [3, 2], Order::F).unwrap();
    assert_eq!(header.to_string().parse::<Header>().unwrap(), header);
    let texts = [
        "<i4",
        "[('a', '>f8'), ('b', 'S3', (2,))]",
        "{'names': ['a'], 'formats': ['<u2'], 'offsets': [6], 'itemsize': 9}",
    ];
    for text in texts {
        let dtype: DType = text.parse().unwrap();
        assert_eq!(dtype.to_string().parse::<DType>().unwrap(), dtype);
    }
}

#[test]
fn equal_dtypes_have_equal_hashes() {
    // The order of a single byte, and how many arrays the axes of subarrays are written in, make no difference.
    for same in [["|i1", "<i1"], ["[('a', ('<f4', (3,)), (2,))]", "[('a', '<f4', (2, 3))]"]] {
        let dtypes: HashSet<DType> = same.iter().filter_map(|text| text.parse().ok()).collect();
        assert_eq!(dtypes.len(), 1, "{same:?}");
    }
    let different = ["<i4", ">i4", "<u4", "[('a', '<i4')]", "[('b', '<i4')]", "S4", "V4"];
    assert_eq!(different.iter().map(|text| text.parse::<DType>().unwrap()).collect::<HashSet<_>>().len(), 7);
}

#[test]
fn arrays_go_from_thread_to_thread() {
    shared::<MmapArray<f64>>();
    shared::<MmapArrayMut<f64>>();
    shared::<MmapArray<f64, CopyOnWrite>>();
    shared::<DynArray>();
}

#[test]
fn an_error_goes_into_whatever_takes_errors() {
    shared::<Error>();
    // SAFETY: there is no such file.
    let error = unsafe { MmapArray::<u8>::open("there/is/none") }.unwrap_err();
    let system = error.io_error().expect("the system's error");
    assert_eq!(system.kind(), io::ErrorKind::NotFound);
    // Its text is told once, so it is no source.
    assert!(error.source().is_none() && error.to_string().contains(&system.to_string()), "{error}");
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::NotFound);
    let error = "<i3".parse::<DType>().unwrap_err();
    assert!(error.source().is_none() && error.kind() == ErrorKind::DType);
    let text = error.to_string();
    let boxed: Box<dyn std::error::Error + Send + Sync> = error.into();
    assert_eq!((boxed.to_string(), boxed.downcast::<Error>().unwrap().kind()), (text, ErrorKind::DType));
}

#[test]
fn io_errors_tell_a_fault_of_the_file_from_one_of_the_call() {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("array.npy");
    let kind = |error: Error| io::Error::from(error).kind();
    let load = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        kind(mmap_array::npy::options::<mmap_array::Le<u16>>().load(&path).unwrap_err())
    };
    let with_text =
        |text: &str| [b"\x93NUMPY\x01\x00", &(text.len() as u16).to_le_bytes()[..], text.as_bytes()].concat();
    let header = |descr: &str, shape: &str| {
        with_text(&format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n"))
    };
    // What the file holds is no array.
    assert_eq!(load(b"PK\x03\x04 and more"), InvalidData);
    assert_eq!(load(b"\x93NUM"), InvalidData);
    assert_eq!(load(&with_text("{")), InvalidData);
    assert_eq!(load(&header("<i3", "(1,)")), InvalidData);
    assert_eq!(load(&header("<i2", "(9223372036854775807, 4)")), InvalidData);
    assert_eq!(load(&header("<i2", &format!("({})", "1, ".repeat(65)))), InvalidData);
    assert_eq!(load(&header("<u2", "(4,)")), UnexpectedEof);
    // It is one, and what was asked of it is not what it is.
    assert_eq!(load(&header("<f8", "(0,)")), InvalidInput);
    assert_eq!(kind(mmap_array::npy::options::<f64>().rows(1..2).load(&path).unwrap_err()), InvalidInput);
    // There is no file.
    assert_eq!(kind("<i3".parse::<DType>().unwrap_err()), InvalidInput);
    assert_eq!(kind("{".parse::<Header>().unwrap_err()), InvalidInput);
    assert_eq!(kind(Header::new("<i2".parse().unwrap(), [1; 65], Order::C).unwrap_err()), InvalidInput);
}

/// `?` takes the errors of the standard library in what fails as the crate does, and the other way round.
#[test]
#[cfg(any(target_os = "linux", target_os = "macos", windows))]
fn errors_of_files_and_of_arrays_go_together() -> mmap_array::Result<()> {
    let folder = tempfile::tempdir()?;
    let job = mmap_array::npy::fill::<u8>(folder.path().join("ones.npy"), [4]).parts(2);
    job.run(|part| {
        part.fill(1);
        Ok::<_, Error>(())
    })?;
    assert_eq!(std::fs::metadata(folder.path().join("ones.npy"))?.len(), 132);
    Ok(())
}

#[test]
fn views_are_made_of_slices_and_equal_them() {
    let mut data = vec![1_u8, 2, 3];
    ArrayViewMut::from(&mut data).fill(7);
    ArrayViewMut::from(&mut data[1..]).fill(8);
    let mut array = [1_u8, 2, 3];
    ArrayViewMut::from(&mut array).map_in_place(|x| x + 1);
    let view = ArrayView::from(&data);
    let (slice, fixed) = (&data[..], &[7, 8, 8]);
    let equal = [view == *fixed, view == fixed, view == data, view == *slice, view == slice];
    let turned = [*fixed == view, fixed == view, data == view, *slice == view, slice == view];
    assert_eq!((equal, turned), ([true; 5], [true; 5]));
    assert_ne!(view, array);
    assert_ne!(array, view);
    assert_ne!(view, [7, 8]);
    assert_ne!(view, vec![7, 8, 9]);
    assert_eq!(ArrayView::from(&array), &[2, 3, 4]);
    let none = ArrayView::from(&array[..0]);
    assert_eq!(none, [0; 0]);
    // A slice has one axis.
    assert!(view.reshape([3, 1]).unwrap() != data && view.index_axis(0, 0) != [7]);
}

#[test]
fn arrays_are_borrowed_as_their_elements() {
    let parts = [2, 1].map(|len| MmapArrayMut::<u16>::anonymous(len).unwrap());
    assert_eq!(parts.concat(), [0; 3]);
    fn sum(elements: impl AsRef<[u16]>) -> u16 {
        elements.as_ref().iter().sum()
    }
    assert_eq!(sum(&parts[0]), 0);
}
