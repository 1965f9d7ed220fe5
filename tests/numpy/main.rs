//! What the crate says of dtypes and writes as bytes is what NumPy says and reads, in the same run.
//!
//! NumPy's side is in the Python programs beside the modules.

mod along;
#[cfg(feature = "half")]
mod bf16;
#[cfg(feature = "derive")]
mod concat;
mod dynamic;
#[cfg(target_os = "linux")]
mod faulthandler;
#[cfg(feature = "derive")]
mod fill;
#[cfg(feature = "float8")]
mod float8;
mod length;
mod long_double;
#[allow(dead_code)]
#[path = "../mutations/mod.rs"]
mod mutations;
mod npy;
mod npy_io;
mod npy_texts;
#[cfg(feature = "npz")]
mod npz;
mod places;
#[allow(dead_code)]
#[path = "../python/mod.rs"]
mod python;
mod ragged;
#[cfg(feature = "derive")]
mod records;
mod shared;
#[cfg(feature = "derive")]
mod structs;
#[cfg(feature = "derive")]
mod table;
#[cfg(feature = "tar")]
mod tar;
mod texts;
mod told;
#[cfg(feature = "derive")]
mod values;

use python::Python;

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn the_environment_has_the_numpy_that_is_pinned() {
    let Some(python) = Python::get() else { return };
    assert_eq!(python.run("import numpy; print(numpy.__version__)", [""; 0]), "2.4.6\n");
}
