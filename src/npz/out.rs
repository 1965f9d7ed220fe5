//! The output of a writer of archives: a new file, or an archive that becomes longer and stays whole meanwhile.
//!
//! # Adding to an archive
//!
//! An archive is found by the records at its end, which say where its directory is. So the file must end with such
//! records at any time, while members are written behind it: the last bytes of the file are a copy of the old
//! directory, the *guard*, and the members are written in front of the guard.
//!
//! 1. A first write, of a few bytes far behind the end of the archive, makes the file longer: the records at the end of
//!    a directory, which refer to the old one. The bytes between are a hole, which takes no space on the disk (except
//!    on file systems without holes).
//! 2. Once they are on the disk, the old directory is copied in front of these records. Once it is on the disk, too, a
//!    second write makes the records refer to the copy. Programs that expect a directory directly in front of its end,
//!    such as Python's `zipfile`, read the archive from now on.
//! 3. The members and the new directory are written into the hole. If it is too small, another guard is made farther
//!    behind, and is on the disk before the first is overwritten.
//! 4. Once everything is on the disk, the file is cut off at the end of the new directory. This is one operation of the
//!    file system, and the only one that replaces the old archive.
//!
//! The comment of a guard states where the archive ends, so that the next writer cuts off what is behind if this one is
//! killed. An archive that is opened meanwhile is the old one, and is read as if it ended there.

use super::records::{Directory, END, END_LEN, END64_LEN, LOCATOR_LEN, u16_at};
use crate::region::{At, OwnFile, Storage};
use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::Arc;

/// The number of bytes that are written at once.
const HELD: usize = 1 << 16;

/// The minimum and maximum size of the hole in front of a guard, in addition to what is requested.
const LEAST_SPACE: u64 = 1 << 16;
const MOST_SPACE: u64 = 1 << 26;

/// The size of a sector of a disk. A guard ends at a multiple of it, so that the records there lie in one sector.
const SECTOR: u64 = 512;

/// Returns the comment of a guard: the length of the archive and the offset of the record that has the comment.
fn mark(archive: u64, at: u64) -> String {
    format!("mmap-array adds to the first {archive:020} bytes, before byte {at:020}")
}

/// The length of the comment of a guard.
const MARK_LEN: usize = 89;

/// Returns whether a comment is that of a guard, which is no comment of the archive.
pub(super) fn is_mark(comment: &[u8]) -> bool {
    numbers(comment).is_some()
}

fn numbers(comment: &[u8]) -> Option<(u64, u64)> {
    let text = std::str::from_utf8(comment).ok().filter(|text| text.len() == MARK_LEN)?;
    let mut numbers = text.split(' ').filter_map(|word| word.parse().ok());
    let (archive, at) = (numbers.next()?, numbers.next()?);
    (mark(archive, at) == text).then_some((archive, at))
}

/// Returns the length of the archive in a file of `len` bytes. It is less than `len` if a program is adding members, or
/// was killed while it did.
pub(super) fn archive_len(file: &File, len: u64) -> io::Result<u64> {
    let Some(at) = len.checked_sub((END_LEN + MARK_LEN) as u64) else { return Ok(len) };
    let mut end = [0; END_LEN + MARK_LEN];
    At { file, position: at }.read_exact(&mut end)?;
    let is_end = end.starts_with(&END) && usize::from(u16_at(&end, 20)) == MARK_LEN;
    // Of a guard that another program has moved, as part of an archive that it has changed, the offset is wrong.
    let archive = numbers(&end[END_LEN..]).filter(|&(archive, place)| is_end && place == at && archive < at);
    Ok(archive.map_or(len, |(archive, _)| archive))
}

impl Storage for Arc<OwnFile> {
    fn write_at(&mut self, position: u64, bytes: &[u8]) -> io::Result<()> {
        (&mut &***self).write_at(position, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }
}

/// A storage whose length others may change.
pub(super) trait Measured: Storage {
    fn len(&mut self) -> io::Result<u64>;
}

impl Measured for Arc<OwnFile> {
    fn len(&mut self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }
}

/// The archive to which members are added.
#[derive(Clone, Default)]
pub(super) struct Old {
    /// The length of the file.
    pub(super) len: u64,
    /// The offset of the directory in the file.
    pub(super) directory_at: u64,
    /// The directory's records, whose offsets count from the beginning of the file, and their number.
    pub(super) directory: Arc<[u8]>,
    pub(super) count: u64,
}

/// The directory at the end of a file in front of which members are written.
struct Guard {
    old: Old,
    /// The offset of the guard; if there is none yet, the end of the archive.
    at: u64,
    /// The length that the file has with the guard at its end, once there is one.
    file_end: Option<u64>,
    /// The process that writes. A fork has the guard too, but must not undo what its parent writes.
    process: u32,
}

impl Guard {
    /// Makes sure that everything up to byte `end` can be written.
    fn reserve(&mut self, storage: &mut impl Storage, end: u64) -> io::Result<()> {
        if end <= self.at {
            return Ok(());
        }
        let Old { len, directory_at, ref directory, count } = self.old;
        let space = (end - len).clamp(LEAST_SPACE, MOST_SPACE);
        let too_large = || io::Error::from(io::ErrorKind::FileTooLarge);
        let least = end.checked_add(space).and_then(|end| end.checked_add(directory.len() as u64 + 2 * SECTOR));
        let file_end = least.and_then(|end| end.checked_next_multiple_of(SECTOR)).ok_or_else(too_large)?;
        let copy = |offset| Directory { count, len: directory.len() as u64, offset };
        let zip64 = copy(file_end).is_zip64();
        let mark_at = file_end - (END_LEN + MARK_LEN) as u64;
        let records_at = if zip64 { mark_at - (END64_LEN + LOCATOR_LEN) as u64 } else { mark_at };
        let records = |directory| copy(directory).end(records_at, zip64, mark(len, mark_at).as_bytes());
        let at = records_at - directory.len() as u64;
        self.file_end = Some(file_end);
        storage.write_at(records_at, &records(directory_at))?;
        storage.sync()?;
        storage.write_at(at, directory)?;
        storage.sync()?;
        storage.write_at(records_at, &records(at))?;
        self.at = at;
        Ok(())
    }
}

/// A buffered output, of which what was written can be changed.
pub(super) struct Out<S: Measured> {
    storage: S,
    /// The bytes that are not written yet, and their offset.
    held: Vec<u8>,
    start: u64,
    guard: Option<Guard>,
}

impl<S: Measured> Out<S> {
    /// Creates an output that writes a new file.
    pub(super) fn new(storage: S) -> Self {
        Self { storage, held: Vec::with_capacity(HELD), start: 0, guard: None }
    }

    /// Creates an output that writes behind an archive. If it is dropped without being [finished](Self::finish), the
    /// archive is as before.
    pub(super) fn behind(storage: S, old: Old) -> Self {
        let mut out = Self::new(storage);
        out.start = old.len;
        out.guard = Some(Guard { at: old.len, old, file_end: None, process: std::process::id() });
        out
    }

    /// Returns the offset of the next byte.
    pub(super) fn position(&self) -> u64 {
        self.start + self.held.len() as u64
    }

    /// Makes sure at once that `len` bytes can be written, rather than piece by piece.
    pub(super) fn reserve(&mut self, len: u64) -> io::Result<()> {
        let end = self.position().checked_add(len).ok_or(io::ErrorKind::FileTooLarge)?;
        self.guard.as_mut().map_or(Ok(()), |guard| guard.reserve(&mut self.storage, end))
    }

    /// Replaces bytes that were written.
    pub(super) fn patch(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let written = self.start.saturating_sub(at).min(bytes.len() as u64) as usize;
        let (written, held) = bytes.split_at(written);
        if !written.is_empty() {
            self.storage.write_at(at, written)?;
        }
        if !held.is_empty() {
            let place = (at + written.len() as u64 - self.start) as usize;
            self.held[place..place + held.len()].copy_from_slice(held);
        }
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(guard) = &mut self.guard {
            guard.reserve(&mut self.storage, self.start + bytes.len() as u64)?;
        }
        self.storage.write_at(self.start, bytes)?;
        self.start += bytes.len() as u64;
        Ok(())
    }

    /// Writes what is held, and makes an archive that was added to the new one. It is on the disk when this returns.
    /// After an error it is the old one, but if the last step fails it is the new one, which may not be on the disk.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        if let Some(guard) = &self.guard {
            self.storage.sync()?;
            let len = self.storage.len()?;
            if let Some(wanted) = guard.file_end.filter(|&end| end != len) {
                return Err(io::Error::other(format!(
                    "another program has made the file {len} bytes long, which had {wanted}, while members were added"
                )));
            }
            self.storage.cut(self.start)?;
            // From here on, others read the new archive, and may have mapped its members.
            self.guard = None;
            self.storage.sync()?;
        }
        Ok(())
    }
}

impl<S: Measured> Write for Out<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.held.len() + bytes.len() > HELD {
            self.flush()?;
        }
        match bytes.len() {
            HELD.. => self.put(bytes)?,
            _ => self.held.extend_from_slice(bytes),
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let held = std::mem::take(&mut self.held);
        let put = if held.is_empty() { Ok(()) } else { self.put(&held) };
        self.held = held;
        if put.is_ok() {
            self.held.clear();
        }
        put
    }
}

impl<S: Measured> Drop for Out<S> {
    fn drop(&mut self) {
        let Some(Guard { old, file_end: Some(_), process, .. }) = self.guard.take() else { return };
        // What others have cut off is not to become zeros. Should this fail, the next who adds members does it.
        if process == std::process::id() && self.storage.len().is_ok_and(|len| len > old.len) {
            let _ = self.storage.cut(old.len);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::npz::records::{EPOCH, Record};
    use crate::npz::{Archive, Writer};
    use crate::region::recorded::{Disk, Step};
    use crate::{MmapArray, Result};
    use std::fs;
    use std::path::Path;

    impl Measured for Disk {
        fn len(&mut self) -> io::Result<u64> {
            Ok(self.file.borrow().len() as u64)
        }
    }

    fn old_archive(folder: &Path) -> Vec<u8> {
        let path = folder.join("old.npz");
        let mut writer = Writer::create(&path).unwrap();
        writer.add("a", &vec![1_u8; 100]).unwrap();
        writer.add("b", &vec![2_u8; 300]).unwrap();
        writer.finish().unwrap();
        fs::read(path).unwrap()
    }

    /// Returns the name of each member of an archive, its length and the sum of its bytes.
    fn members(path: &Path) -> Result<Vec<(String, usize, u64)>> {
        let archive = Archive::open(path)?;
        let member = |member: crate::npz::Member<'_>| {
            let bytes = MmapArray::<u8>::options().load(member)?;
            Ok((member.name().to_owned(), bytes.len(), bytes.iter().map(|&byte| u64::from(byte)).sum()))
        };
        archive.members().map(member).collect()
    }

    /// Adds a member `c` of `len` bytes to an archive, in pieces.
    fn add(disk: Disk, old: &[u8], len: usize) -> io::Result<()> {
        let records_at = old.len() - END_LEN;
        let number = |at: usize| u32::from_le_bytes(old[records_at + at..][..4].try_into().unwrap());
        let directory_at = u64::from(number(16));
        let directory: Arc<[u8]> = old[directory_at as usize..records_at].into();
        let old = Old { len: old.len() as u64, directory_at, directory, count: 2 };
        let mut out = Out::behind(disk, old.clone());
        let bytes = vec![3; len];
        let (name, size, offset) = (b"c".to_vec(), len as u64, out.position());
        let mut crc = flate2::Crc::new();
        crc.update(&bytes);
        let (flags, method, crc) = (0, 0, crc.sum());
        let record = Record { flags, method, time: EPOCH, crc, compressed: size, size, name, offset };
        let header = record.local(false, &[]);
        out.write_all(&vec![0; header.len()])?;
        for piece in bytes.chunks(100_000) {
            out.write_all(piece)?;
        }
        out.patch(offset, &header)?;
        let offset = out.position();
        let records = [&old.directory[..], &record.entry()].concat();
        out.write_all(&records)?;
        let end = Directory { count: 3, len: records.len() as u64, offset }.end(out.position(), false, b"");
        out.write_all(&end)?;
        out.finish()
    }

    #[test]
    fn whatever_of_the_steps_is_on_the_disk_the_archive_is_the_old_or_the_new() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("a.npz"), folder.path().join("b.npz"));
        let old = old_archive(folder.path());
        fs::write(&path, &old).unwrap();
        let old_members = members(&path).unwrap();
        for len in [1000, 500_000] {
            let disk = Disk::new(&old, 0..0, 0);
            add(disk.clone(), &old, len).unwrap();
            fs::write(&path, &*disk.file.borrow()).unwrap();
            let new_members = members(&path).unwrap();
            assert_eq!((&new_members[..2], new_members[2].1), (&old_members[..], len));
            let steps = disk.steps.borrow();
            assert!(steps.iter().filter(|step| matches!(step, Step::Sync)).count() >= 3, "{steps:?}");
            let (mut safe, mut open, mut seen) = (old.clone(), Vec::new(), [0, 0]);
            for step in [None].into_iter().chain(steps.iter().map(Some)) {
                match step {
                    Some(Step::Sync) => open.drain(..).for_each(|step: &Step| step.apply(&mut safe)),
                    Some(step) => open.push(step),
                    None => {}
                }
                // Of what was not synced, any of it may be there; that all that came first is, is what a killed program
                // leaves.
                for states in 0..1_usize << open.len().min(6) {
                    let mut file = safe.clone();
                    let is_there = |place: usize| open.len() - place > 6 || states >> (open.len() - place - 1) & 1 == 1;
                    for (_, step) in open.iter().enumerate().filter(|(place, _)| is_there(*place)) {
                        step.apply(&mut file);
                    }
                    fs::write(&path, &file).unwrap();
                    let found = members(&path).unwrap_or_else(|error| panic!("{error}: {} bytes", file.len()));
                    let is_new = found == new_members;
                    assert!(is_new || found == old_members);
                    seen[usize::from(is_new)] += 1;
                    if is_new {
                        continue;
                    }
                    // The next writer leaves nothing of this one.
                    let mut results = [&path, &other].map(|path| {
                        if path == &other {
                            fs::write(path, &old).unwrap();
                        }
                        let mut writer = Writer::append(path).unwrap();
                        writer.add("d", &vec![4_u8; 10]).unwrap();
                        writer.finish().unwrap();
                        fs::read(path).unwrap()
                    });
                    let [after, clean] = &mut results;
                    assert!(after == clean, "{} bytes, and {} of a whole file", after.len(), clean.len());
                }
            }
            assert!(seen[0] > 10 && seen[1] > 0, "{seen:?}");
        }
    }

    #[test]
    fn after_an_error_the_file_is_as_it_was_unless_all_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let old = old_archive(folder.path());
        let disk = Disk::new(&old, 0..0, 0);
        add(disk.clone(), &old, 500_000).unwrap();
        let (steps, new) = (disk.steps.borrow().len(), disk.file.take());
        assert!(steps > 15);
        for step in 0..steps {
            let disk = Disk::new(&old, step..step + 1, 0);
            assert_eq!(add(disk.clone(), &old, 500_000).unwrap_err().kind(), io::ErrorKind::StorageFull);
            // Others may have mapped the new members when the last step fails.
            let expected = if step + 1 < steps { &old } else { &new };
            assert!(*disk.file.borrow() == *expected, "step {step} of {steps}");
        }
    }

    #[test]
    fn a_fork_does_not_undo_what_its_parent_writes() {
        let folder = tempfile::tempdir().unwrap();
        let old = old_archive(folder.path());
        let disk = Disk::new(&old, 0..0, 0);
        let mut out = Out::behind(disk.clone(), Old { len: old.len() as u64, ..Old::default() });
        out.write_all(&[7; 1000]).unwrap();
        out.flush().unwrap();
        let before = disk.file.borrow().clone();
        out.guard.as_mut().unwrap().process += 1;
        drop(out);
        assert!(*disk.file.borrow() == before);
    }

    #[test]
    fn what_others_do_to_the_file_meanwhile_is_an_error_and_no_zeros() {
        let folder = tempfile::tempdir().unwrap();
        let old = old_archive(folder.path());
        for change in [-1, 1, i64::MIN] {
            let disk = Disk::new(&old, 0..0, 0);
            let len = old.len() as u64;
            let mut out = Out::behind(disk.clone(), Old { len, ..Old::default() });
            out.write_all(&[7; 1000]).unwrap();
            out.flush().unwrap();
            let now = (disk.file.borrow().len() as i64).saturating_add(change).max(100) as usize;
            disk.file.borrow_mut().resize(now, 0);
            let error = out.finish().unwrap_err();
            assert!(error.to_string().contains("another program has made the file"), "{error}");
            assert_eq!(*disk.file.borrow(), old[..now.min(old.len())]);
        }
    }

    #[test]
    fn a_mark_is_known_by_its_place_alone() {
        assert_eq!(mark(u64::MAX, 0).len(), MARK_LEN);
        assert_eq!(numbers(mark(5, u64::MAX).as_bytes()), Some((5, u64::MAX)));
        assert_eq!(numbers(mark(5, 7).replace('7', "8").replace("adds", "subs").as_bytes()), None);
        let guard = |archive, at| Directory { count: 0, len: 0, offset: 0 }.end(0, false, mark(archive, at).as_bytes());
        let mut file = tempfile::tempfile().unwrap();
        let end = [vec![0; 100], guard(50, 100)].concat();
        file.write_all(&end).unwrap();
        let len = end.len() as u64;
        assert_eq!(archive_len(&file, len).unwrap(), 50);
        for (archive, at, before) in [(50, 100, 101), (50, 99, 100), (100, 100, 100), (101, 100, 100)] {
            let mut file = tempfile::tempfile().unwrap();
            let end = [vec![0; before], guard(archive, at)].concat();
            file.write_all(&end).unwrap();
            assert_eq!(archive_len(&file, end.len() as u64).unwrap(), end.len() as u64, "{archive} {at} {before}");
        }
    }
}
