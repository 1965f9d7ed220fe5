//! Other crates read what this one writes.

use mmap_array::{Error, npy};
use std::fs;

#[test]
#[cfg_attr(
    not(any(target_os = "linux", target_os = "macos", windows)),
    ignore = "there are no locks that a job could take"
)]
fn other_readers_read_over_the_mark_of_a_complete_array() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npy");
    let filled = npy::fill::<u32>(&path, [20, 3]).parts(5).run(|part| {
        let first = 3 * part.rows().start as u32;
        part.iter_mut().zip(first..).for_each(|(number, index)| *number = index);
        Ok::<_, Error>(())
    });
    assert_eq!(filled.unwrap(), 5);
    let bytes = fs::read(&path).unwrap();
    assert_eq!(bytes[125], b'\t', "the mark");
    let numbers: Vec<u32> = (0..60).collect();
    assert_eq!(npyz::NpyFile::new(&bytes[..]).unwrap().into_vec::<u32>().unwrap(), numbers);
    let array: ndarray::Array2<u32> = ndarray_npy::read_npy(&path).unwrap();
    assert_eq!((array.dim(), array.into_iter().collect::<Vec<_>>()), ((20, 3), numbers));
}
