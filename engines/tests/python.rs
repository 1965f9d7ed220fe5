//! A Python environment with pandas and DuckDB, for the tests that compare with them. The first of them that runs
//! creates it under `target/python`.

#[path = "../../tests/python/environment.rs"]
mod environment;

pub(crate) use environment::Python;
use std::path::Path;

/// Returns the interpreter, or `None` if the tests that need it are to be skipped.
pub(crate) fn python() -> Option<&'static Python> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/python");
    Python::with(include_str!("requirements.txt"), &folder)
}
