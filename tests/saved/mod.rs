//! Places for `.npy` files, and what they are.

use mmap_array::npy;
use std::path::PathBuf;

/// A folder that goes with the test, and the path of a file there.
pub(crate) fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("array.npy");
    (folder, path)
}

/// Returns what a file is that `np.save` makes.
pub(crate) fn saved(array: &(impl npy::ArrayLike + ?Sized)) -> Vec<u8> {
    let mut file = Vec::new();
    npy::save_to(&mut file, array).unwrap();
    file
}
