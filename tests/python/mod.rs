//! A Python with NumPy for the tests that compare with it, made by the first of them that runs.
//!
//! It is a virtual environment under `target/python`, with the packages that `requirements.txt` pins. A change of that
//! file makes another one. Where there is no Python the tests fail and say what to install; with `WITHOUT_PYTHON=1` in
//! the environment they are left out.

mod environment;

pub(crate) use environment::Python;
use std::path::Path;

impl Python {
    /// The interpreter with NumPy; `None` where the tests that need it are to be left out.
    ///
    /// # Panics
    ///
    /// Where there is no Python, or its packages cannot be installed.
    pub(crate) fn get() -> Option<&'static Self> {
        // A workspace has one for all its packages.
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let workspace = package.ancestors().find(|folder| folder.join("Cargo.lock").exists()).unwrap_or(package);
        let folder = workspace.join("target").join("python");
        Self::with(include_str!("requirements.txt"), &folder)
    }
}
