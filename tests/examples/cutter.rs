//! Who reads what an example prints, and cuts the file that it is printed of.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// Keeps what is printed, and cuts the file to a length when the first of it comes.
pub(crate) struct Cutter<'a> {
    path: &'a Path,
    len: u64,
    pub(crate) printed: Vec<u8>,
}

impl<'a> Cutter<'a> {
    pub(crate) fn new(path: &'a Path, len: u64) -> Self {
        Self { path, len, printed: Vec::new() }
    }
}

impl Write for Cutter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.printed.is_empty() {
            File::options().write(true).open(self.path)?.set_len(self.len)?;
        }
        self.printed.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
