//! Systems on which no signal reports a lost page, or on which this was never tried: the counterpart of `signal`.

use std::fs::File;
use std::io;

/// A value that does not exist on these systems.
#[derive(Debug)]
pub(crate) enum Entered {}

pub(super) fn install() {}

pub(super) fn enter() -> Option<Entered> {
    None
}

/// Returns some power of two, because pages are never replaced on these systems.
pub(super) fn page_size() -> usize {
    1
}

/// Returns the length of the file of a map that the caller has borrowed. Never called on these systems.
#[cfg(unix)]
pub(super) fn file_len_of(_: &super::Extent) -> io::Result<u64> {
    Ok(u64::MAX)
}

pub(super) fn descriptor(_: &File) -> i32 {
    -1
}

pub(super) fn file_len(file: &File) -> io::Result<u64> {
    file.metadata().map(|metadata| metadata.len())
}
