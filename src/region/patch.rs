//! The beginning of a file that changes when its array becomes longer, in an order that a crash may break off anywhere.
//!
//! 1. A mark says that elements are being added, where there is room for one.
//! 2. They are written behind the array.
//! 3. The new beginning, which speaks of them and has no mark, is written at once.
//!
//! Each is on the disk before the next. Undone it is in the other direction: the elements are off the disk before the mark
//! goes, so that what lies behind an array without the mark is never ours.

use super::At;
use crate::error::{Error, Result};
use std::fs::File;
use std::io::{self, Write};

/// Bytes in the place of others in a file.
pub(crate) struct Patch {
    pub(crate) at: u64,
    pub(crate) old: Vec<u8>,
    pub(crate) new: Vec<u8>,
    /// Where the mark stands, where there is room for it.
    pub(crate) adding: Option<u64>,
    /// Whether it has stood there before: somebody was killed who added elements.
    pub(crate) was_adding: bool,
}

/// What a file is asked to do. In tests, one that stops anywhere.
pub(crate) trait Storage {
    fn write_at(&mut self, position: u64, bytes: &[u8]) -> io::Result<()>;

    /// Waits until everything is on the disk.
    fn sync(&mut self) -> io::Result<()>;

    /// Takes off what was added behind a byte.
    fn cut(&mut self, len: u64) -> io::Result<()>;
}

impl Storage for &File {
    fn write_at(&mut self, position: u64, bytes: &[u8]) -> io::Result<()> {
        At { file: self, position }.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }
}

impl Patch {
    /// What says that elements are being added: what lies behind the array is theirs, and means nothing yet.
    pub(crate) const ADDING: u8 = b'\t';
    /// What stands there else.
    pub(crate) const NOT_ADDING: u8 = b' ';

    /// From the first to the last byte that differs in the beginning of a file, before and after, which nearly always
    /// lie in one sector: a disk writes that whole or not at all.
    pub(crate) fn of(old: &[u8], new: &[u8]) -> Self {
        let differ = || old.iter().zip(new).enumerate().filter(|(_, (old, new))| old != new).map(|(at, _)| at);
        let (first, end) = differ().next().zip(differ().next_back()).map_or((0, 0), |(first, last)| (first, last + 1));
        let (old, new) = (old[first..end].to_vec(), new[first..end].to_vec());
        Self { at: first as u64, old, new, adding: None, was_adding: false }
    }

    /// Says that elements are being added behind the array, which ends at a byte. After an error the mark is gone, if the
    /// system lets it be.
    pub(crate) fn begin(&self, file: &mut impl Storage, end: u64) -> Result<()> {
        let Some(at) = self.adding else { return Ok(()) };
        put(file, at, &[Self::ADDING]).map_err(no_header).inspect_err(|_| self.undo(file, end))
    }

    /// Takes off what was added behind the array, and then the mark, if the system lets us.
    pub(crate) fn undo(&self, file: &mut impl Storage, end: u64) {
        let cut = file.cut(end);
        let Some(at) = self.adding else { return };
        // Where nobody knows what lies behind the array, the mark stays, and the next who adds elements takes it off.
        if cut.and_then(|()| file.sync()).is_ok() {
            let _ = file.write_at(at, &[Self::NOT_ADDING]);
        }
    }

    /// Says that the elements are there, which are on the disk. After an error all is undone, unless the file may have
    /// its new beginning.
    pub(crate) fn apply(&self, file: &mut impl Storage, end: u64) -> Result<()> {
        put(file, self.at, &self.new).map_err(no_header).inspect_err(|_| {
            // Which beginning the file has now nobody knows. The elements go only when it is the old one.
            if put(file, self.at, &self.old).is_ok() {
                self.undo(file, end);
            }
        })
    }
}

fn put(file: &mut impl Storage, at: u64, bytes: &[u8]) -> io::Result<()> {
    file.write_at(at, bytes).and_then(|()| file.sync())
}

fn no_header(source: io::Error) -> Error {
    Error::io("write the header", source)
}
