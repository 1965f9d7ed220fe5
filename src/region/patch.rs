//! Changes to the beginning of a file whose array becomes longer or shorter, in an order that a crash may interrupt
//! anywhere.
//!
//! An array becomes longer:
//!
//! 1. A mark is written that says that elements are being added, if there is space for one.
//! 2. The elements are written behind the array.
//! 3. The new beginning, which counts the elements and has no mark, is written at once.
//!
//! Each step is on the disk before the next. The steps are undone in reverse: the elements are off the disk before the
//! mark is removed, so that whatever lies behind an array without the mark is other data.
//!
//! An array becomes shorter:
//!
//! 1. The new beginning, which counts fewer elements and has the mark, is written at once.
//! 2. What lies behind the new array is cut off.
//! 3. The mark is removed.
//!
//! Each step is on the disk before the next, here too. From the first step on, the array is the new one, and what is
//! behind it is marked as what a killed program leaves when it adds elements.

use super::At;
use crate::error::{Error, Result};
use std::fs::File;
use std::io::{self, Write};

/// Bytes that replace others in a file.
pub(crate) struct Patch {
    pub(crate) at: u64,
    pub(crate) old: Vec<u8>,
    pub(crate) new: Vec<u8>,
    /// The offset of the mark, if there is space for one.
    pub(crate) adding: Option<u64>,
    /// Whether the mark was there before: a program was killed while it added elements.
    pub(crate) was_adding: bool,
}

/// A function that returns the change to the beginning of a file whose array ends at byte `end`, and is to end at byte
/// `new_end`.
pub(crate) type Front = fn(file: &File, end: u64, new_end: u64) -> Result<Patch>;

/// Operations on a file. In tests, a storage that stops anywhere.
pub(crate) trait Storage {
    fn write_at(&mut self, position: u64, bytes: &[u8]) -> io::Result<()>;

    /// Waits until everything is on the disk.
    fn sync(&mut self) -> io::Result<()>;

    /// Removes what was added behind byte `len`.
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
    /// The mark: elements are being added, and what lies behind the array belongs to them but does not count yet.
    pub(crate) const ADDING: u8 = b'\t';
    /// The byte in place of the mark at other times.
    pub(crate) const NOT_ADDING: u8 = b' ';

    /// Returns the change from the first to the last byte that differs between the old and the new beginning of a file.
    /// These bytes nearly always lie in one sector, which a disk writes whole or not at all.
    pub(crate) fn of(old: &[u8], new: &[u8]) -> Self {
        let differ = || old.iter().zip(new).enumerate().filter(|(_, (old, new))| old != new).map(|(at, _)| at);
        let (first, end) = differ().next().zip(differ().next_back()).map_or((0, 0), |(first, last)| (first, last + 1));
        let (old, new) = (old[first..end].to_vec(), new[first..end].to_vec());
        Self { at: first as u64, old, new, adding: None, was_adding: false }
    }

    /// Marks that elements are being added behind the array, which ends at byte `end`. After an error, the mark is
    /// removed if the system allows it.
    pub(crate) fn begin(&self, file: &mut impl Storage, end: u64) -> Result<()> {
        let Some(at) = self.adding else { return Ok(()) };
        put(file, at, &[Self::ADDING]).map_err(no_header).inspect_err(|_| self.undo(file, end))
    }

    /// Removes what was added behind the array, and then the mark, if the system allows it.
    pub(crate) fn undo(&self, file: &mut impl Storage, end: u64) {
        let cut = file.cut(end);
        let Some(at) = self.adding else { return };
        // Where nobody knows what lies behind the array, the mark stays, and the next who adds elements takes it off.
        if cut.and_then(|()| file.sync()).is_ok() {
            let _ = file.write_at(at, &[Self::NOT_ADDING]);
        }
    }

    /// Writes the new beginning, once the elements are on the disk. After an error, everything is undone, unless the
    /// file may have its new beginning.
    pub(crate) fn apply(&self, file: &mut impl Storage, end: u64) -> Result<()> {
        put(file, self.at, &self.new).map_err(no_header).inspect_err(|_| {
            // Which beginning the file has now nobody knows. The elements go only when it is the old one.
            if put(file, self.at, &self.old).is_ok() {
                self.undo(file, end);
            }
        })
    }

    /// Writes the new beginning, which has the mark if there is space for one, and then cuts off what lies behind byte
    /// `end`, where the new array ends. After an error, the old beginning is restored if the system allows it.
    pub(crate) fn cut_off(&self, file: &mut impl Storage, end: u64) -> Result<()> {
        let restore = |file: &mut _| {
            let _ = put(file, self.at, &self.old);
        };
        if !self.new.is_empty() {
            put(file, self.at, &self.new).map_err(no_header).inspect_err(|_| restore(file))?;
        }
        let cut = file.cut(end).map_err(|source| Error::io("make the file shorter", source));
        cut.inspect_err(|_| {
            if !self.old.is_empty() {
                restore(file);
            }
        })?;
        // It is done. Where the disk fails now, the mark stays, and the next who changes the length takes it off.
        if let Some(at) = self.adding.filter(|_| file.sync().is_ok()) {
            let _ = put(file, at, &[Self::NOT_ADDING]);
        }
        Ok(())
    }
}

fn put(file: &mut impl Storage, at: u64, bytes: &[u8]) -> io::Result<()> {
    file.write_at(at, bytes).and_then(|()| file.sync())
}

fn no_header(source: io::Error) -> Error {
    Error::io("write the header", source)
}

/// A storage in memory, for tests.
#[cfg(test)]
pub(crate) mod recorded {
    use super::Storage;
    use std::cell::RefCell;
    use std::io;
    use std::ops::Range;
    use std::rc::Rc;

    #[derive(Clone, Debug)]
    pub(crate) enum Step {
        Write(u64, Vec<u8>),
        Sync,
        Cut(u64),
    }

    impl Step {
        pub(crate) fn apply(&self, file: &mut Vec<u8>) {
            match self {
                Self::Write(at, bytes) => put(file, *at, bytes),
                Self::Cut(len) => file.truncate(*len as usize),
                Self::Sync => {}
            }
        }
    }

    pub(crate) fn put(file: &mut Vec<u8>, at: u64, bytes: &[u8]) {
        let (start, end) = (at as usize, at as usize + bytes.len());
        file.resize(file.len().max(end), 0);
        file[start..end].copy_from_slice(bytes);
    }

    /// A disk that records what it was asked to do, and fails in a range of steps. A clone is the same disk.
    #[derive(Clone)]
    pub(crate) struct Disk {
        pub(crate) file: Rc<RefCell<Vec<u8>>>,
        pub(crate) steps: Rc<RefCell<Vec<Step>>>,
        pub(crate) fails: Range<usize>,
        /// Of a write that fails, the first half is written if it begins at this byte or behind it.
        pub(crate) sector: u64,
    }

    impl Disk {
        pub(crate) fn new(file: &[u8], fails: Range<usize>, sector: u64) -> Self {
            Self { file: Rc::new(RefCell::new(file.to_vec())), steps: Rc::default(), fails, sector }
        }

        fn step(&mut self, step: Step) -> io::Result<()> {
            let fails = self.fails.contains(&self.steps.borrow().len());
            self.steps.borrow_mut().push(step.clone());
            let mut file = self.file.borrow_mut();
            match step {
                Step::Write(at, bytes) if fails && at >= self.sector => put(&mut file, at, &bytes[..bytes.len() / 2]),
                step if !fails => step.apply(&mut file),
                _ => {}
            }
            if fails { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        }
    }

    impl Storage for Disk {
        fn write_at(&mut self, position: u64, bytes: &[u8]) -> io::Result<()> {
            self.step(Step::Write(position, bytes.to_vec()))
        }

        fn sync(&mut self) -> io::Result<()> {
            self.step(Step::Sync)
        }

        fn cut(&mut self, len: u64) -> io::Result<()> {
            self.step(Step::Cut(len))
        }
    }
}
