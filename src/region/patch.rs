//! Changes to the beginning of a file whose array becomes longer or shorter, in an order that a crash may interrupt
//! anywhere.
//!
//! An array becomes longer:
//!
//! 1. A mark is written that says that elements are being added, if there is space for one.
//! 2. The elements are written behind the array.
//! 3. The new number of elements is written at once.
//! 4. The mark is removed.
//!
//! An array becomes shorter:
//!
//! 1. The mark is written, if there is space for it. If only the new beginning has the space, the next step writes it.
//! 2. The new number of elements is written at once.
//! 3. What lies behind the new array is cut off.
//! 4. The mark is removed.
//!
//! Each step is on the disk before the next. The steps are undone in reverse: what was added is off the disk before the
//! mark is removed, so that whatever lies behind an array without the mark is other data. From the moment that the
//! number is written, the array is the new one.
//!
//! The number and the mark are not written together, because a beginning may have thousands of spaces between them,
//! and a disk writes no more than a sector whole or not at all.

use super::At;
use crate::error::{Error, Result};
use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;

/// Bytes that replace others at the beginning of a file.
#[derive(Default)]
pub(crate) struct Patch {
    /// The offset of the bytes that count the elements.
    at: u64,
    old: Vec<u8>,
    new: Vec<u8>,
    /// The offset of the mark, if the old beginning has space for one.
    mark: Option<u64>,
    /// Whether the mark was there before: a program was killed while it added or removed elements.
    pub(crate) was_adding: bool,
    /// The offset of the spaces that replace the mark and others in the end, and those spaces.
    rest: (u64, Vec<u8>),
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

    /// The number of bytes to which a disk writes all or nothing.
    const SECTOR: u64 = 512;

    /// Returns the change to the beginning of a file, whose length stays. Spaces, one of which may be the mark, may be
    /// at its end, before a line break.
    pub(crate) fn of(old: &[u8], new: &[u8]) -> Self {
        let place = old.len().saturating_sub(2);
        let marked = |front: &[u8]| {
            let mut front = front.to_vec();
            let has_space = front.ends_with(&[Self::NOT_ADDING, b'\n']) || Self::is_adding(&front);
            if has_space {
                front[place] = Self::ADDING;
            }
            (front, has_space)
        };
        let ((mut before, has_space), (after, _)) = (marked(old), marked(new));
        let spaces = before.trim_ascii_end().len().max(after.trim_ascii_end().len());
        let number = difference(&before[..spaces], &after[..spaces]);
        let (old_number, new_number) = (before[number.clone()].to_vec(), after[number.clone()].to_vec());
        before[..spaces].copy_from_slice(&after[..spaces]);
        let rest = difference(&before, new);
        Self {
            at: number.start as u64,
            old: old_number,
            new: new_number,
            mark: has_space.then_some(place as u64),
            was_adding: Self::is_adding(old),
            rest: (rest.start as u64, new[rest].to_vec()),
        }
    }

    /// Returns whether the beginning of a file has the mark.
    pub(crate) fn is_adding(front: &[u8]) -> bool {
        front.ends_with(&[Self::ADDING, b'\n'])
    }

    /// Returns whether there is anything to write.
    pub(crate) fn is_empty(&self) -> bool {
        self.new.is_empty() && self.rest.1.is_empty()
    }

    /// Returns whether a program may be killed anywhere between the steps: there is space for the mark, and the number
    /// is a few bytes, which nearly always lie in one sector, or lies in one.
    pub(crate) fn is_safe(&self) -> bool {
        let last = self.at + (self.new.len() as u64).saturating_sub(1);
        self.mark.is_some() && (self.new.len() <= 64 || self.at / Self::SECTOR == last / Self::SECTOR)
    }

    /// Marks that elements are being added behind the array, which ends at byte `end`. After an error, the mark is
    /// removed if the system allows it.
    pub(crate) fn begin(&self, file: &mut impl Storage, end: u64) -> Result<()> {
        let Some(at) = self.mark else { return Ok(()) };
        put(file, at, &[Self::ADDING]).map_err(no_header).inspect_err(|_| self.undo(file, end))
    }

    /// Removes what was added behind the array, and then the mark, if the system allows it.
    pub(crate) fn undo(&self, file: &mut impl Storage, end: u64) {
        let cut = file.cut(end);
        let Some(at) = self.mark else { return };
        // Where nobody knows what lies behind the array, the mark stays, and the next who adds elements takes it off.
        if cut.and_then(|()| file.sync()).is_ok() {
            let _ = file.write_at(at, &[Self::NOT_ADDING]);
        }
    }

    /// Writes the new number, once the elements are on the disk, and removes the mark. After an error, everything is
    /// undone, unless the file may have its new number.
    pub(crate) fn apply(&self, file: &mut impl Storage, end: u64) -> Result<()> {
        put(file, self.at, &self.new).map_err(no_header).inspect_err(|_| {
            // Which number the file has now nobody knows. The elements go only when it is the old one.
            if put(file, self.at, &self.old).is_ok() {
                self.undo(file, end);
            }
        })?;
        self.finish(file);
        Ok(())
    }

    /// Writes the mark, if there is space for it, and the new number, and then cuts off what lies behind byte `end`,
    /// where the new array ends. After an error, the old beginning is restored if the system allows it.
    pub(crate) fn cut_off(&self, file: &mut impl Storage, end: u64) -> Result<()> {
        let unmark = |file: &mut _| {
            if let Some(at) = self.mark.filter(|_| !self.was_adding) {
                let _ = Storage::write_at(file, at, &[Self::NOT_ADDING]);
            }
        };
        let restore = |file: &mut _| {
            // What lies behind the array, if the number is the new one, has the mark.
            if self.new.is_empty() || put(file, self.at, &self.old).is_ok() {
                unmark(file);
            }
        };
        if let Some(at) = self.mark {
            put(file, at, &[Self::ADDING]).map_err(no_header).inspect_err(|_| unmark(file))?;
        }
        if !self.new.is_empty() {
            put(file, self.at, &self.new).map_err(no_header).inspect_err(|_| restore(file))?;
        }
        let cut = file.cut(end).map_err(|source| Error::io("make the file shorter", source));
        cut.inspect_err(|_| restore(file))?;
        // It is done. Where the disk fails now, the mark stays, and the next who changes the length takes it off.
        if !self.rest.1.is_empty() && file.sync().is_ok() {
            self.finish(file);
        }
        Ok(())
    }

    /// Removes the mark. Nothing lies behind the array, so that it does no harm where the system does not allow it.
    fn finish(&self, file: &mut impl Storage) {
        let (at, spaces) = &self.rest;
        if !spaces.is_empty() {
            let _ = file.write_at(*at, spaces);
        }
    }
}

/// Returns the range from the first to the last byte that differs.
fn difference(old: &[u8], new: &[u8]) -> Range<usize> {
    let mut differ = old.iter().zip(new).enumerate().filter(|(_, (old, new))| old != new).map(|(at, _)| at);
    let Some(first) = differ.next() else { return 0..0 };
    first..differ.next_back().unwrap_or(first) + 1
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
