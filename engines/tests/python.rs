//! A Python with pandas and DuckDB for the tests that compare with them, made by the first of them that runs, under
//! `target/python`.

#[path = "../../tests/python/environment.rs"]
mod environment;

pub(crate) use environment::Python;
use std::path::Path;

/// The interpreter; `None` where the tests that need it are to be left out.
pub(crate) fn python() -> Option<&'static Python> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/python");
    Python::with(include_str!("requirements.txt"), &folder)
}
