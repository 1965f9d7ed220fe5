//! The sidecar: the file beside an array that is being filled, which records which parts are done.
//!
//! It consists of lines of text that describe the job and identify the array's file, followed by one byte for each
//! part. A worker claims a part by locking a byte of the part's own; the system releases the lock when the worker dies.
//! The mark of a part is written once the part's elements are on the disk, and is on the disk itself before the claim
//! is released. So no mark ever stands for missing elements, whatever happens, including a power failure.
//!
//! A complete array has a mark of its own in its header ([`Complete`]), so that an array whose sidecar was lost is not
//! taken for a complete one. The sidecar must get its name before the array does, because an array with neither mark
//! nor sidecar belongs to no job, and no array may ever be mistaken for the one that the sidecar describes. A process
//! that begins a job creates both files without their names, takes the setup lock, writes the identity of the array's
//! file into the sidecar, gives the sidecar its name, and then gives the array its name. A process that finds the
//! sidecar waits for the setup lock: after that, the array exists or never will.

use crate::error::{Error, Result};
use crate::region::{self, At, FileId, NewFile, OwnFile, RangeLock, Wait};
use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

const FIRST_LINE: &str = "mmap-array fill, version 1\n";

/// The mark of a part that is not done yet.
const OPEN: u8 = b'.';
const DONE: u8 = b'#';

/// The maximum number of parts of a job.
pub(super) const MAX_PARTS: usize = 1 << 24;

/// The offset of the locks: beyond anything that the file holds, because Windows keeps others from reading locked
/// bytes.
const LOCKS: u64 = 1 << 30;

/// The description of a job, as in its sidecar: the array's header and the number of parts.
pub(super) struct Job {
    pub(super) text: String,
    pub(super) parts: usize,
}

impl Job {
    pub(super) fn new(header: &str, parts: usize) -> Self {
        Self { text: format!("{FIRST_LINE}{}\nparts: {parts}\n", header.trim_end()), parts }
    }
}

/// The mark of a complete array: a tab in place of the third byte from the end of its header, which is a space in
/// headers that this crate writes. NumPy and other readers ignore both.
///
/// The mark is in the file itself, so that copying, archiving or moving the file does not lose it, as it loses hidden
/// files beside it and extended attributes. The mark stands for a complete array, so that a program that loses it by
/// writing the header anew never makes an incomplete array look complete.
pub(super) struct Complete<'a> {
    array: &'a File,
    at: u64,
}

impl<'a> Complete<'a> {
    const MARK: u8 = b'\t';

    /// Returns the mark of an array whose elements begin at `data_offset`.
    pub(super) fn of(array: &'a File, data_offset: u64) -> Self {
        Self { array, at: data_offset.saturating_sub(3) }
    }

    pub(super) fn is_set(&self) -> io::Result<bool> {
        let mut byte = [0];
        At { file: self.array, position: self.at }.read_exact(&mut byte)?;
        Ok(byte == [Self::MARK])
    }

    /// Sets the mark and waits until it is on the disk.
    pub(super) fn set(&self, path: &Path) -> io::Result<()> {
        region::write_through(&region::reopen(self.array, path)?, self.at, &[Self::MARK])
    }
}

pub(super) struct Sidecar {
    file: Arc<OwnFile>,
    path: PathBuf,
    /// The offset of the marks.
    marks: u64,
    parts: usize,
    /// The parts that are claimed through this handle. Locks taken through the same handle do not exclude one another.
    held: Mutex<HashSet<usize>>,
    seen: Mutex<Seen>,
    /// The process that opened the file. The locks do not exclude a fork of that process either, and the fork does not
    /// share `held`.
    process: u32,
}

/// The marks as they were read some time ago.
#[derive(Default)]
struct Seen {
    marks: Vec<u8>,
    done: usize,
    at: Option<Instant>,
}

/// A claimed part, which is released when this is dropped.
pub(super) struct Held<'a> {
    sidecar: &'a Sidecar,
    pub(super) part: usize,
    lock: Option<RangeLock>,
}

/// The result of a search for a free part.
pub(super) enum Next<C> {
    Part(C),
    /// Other workers are filling all remaining parts.
    Busy,
    /// All parts are done.
    Complete,
}

impl Sidecar {
    /// Returns the path of an array's sidecar.
    pub(super) fn name(target: &Path) -> PathBuf {
        let mut name = OsString::from(".");
        name.push(target.file_name().unwrap_or_default());
        name.push(".fill");
        target.with_file_name(name)
    }

    /// Joins the job of an existing sidecar, and returns the array's file too. `None` if the sidecar was removed
    /// meanwhile, or if its array does not exist and no part of it is done.
    pub(super) fn join(target: &Path, file: OwnFile, job: &Job) -> Result<Option<(Self, OwnFile)>> {
        let sidecar = Self::new(target, file, job);
        let join = || {
            let Some(_setup) = sidecar.set_up(|| sidecar.has_its_name())? else { return Ok(None) };
            let id = sidecar.check(job)?;
            match OwnFile::open(|| region::open(target, true)) {
                Ok(array) if sidecar.is_of(&id, &array)? => Ok(Some(array)),
                Ok(_) => Err(damaged(format!(
                    "it does not belong to the file `{}`, which was replaced or copied since the job began, or whose \
                     file system does not keep file numbers, so parts that are marked as done may be missing; delete \
                     it if the array is complete, or delete both to begin anew",
                    target.display()
                ))),
                Err(error) if error.io_kind() == Some(io::ErrorKind::NotFound) => match sidecar.done()? {
                    0 => sidecar.remove().map(|()| None),
                    done => Err(damaged(format!(
                        "the file `{}`, of which {done} parts are done, does not exist; move this file to the folder \
                         of the array, or delete it to begin anew",
                        target.display()
                    ))),
                },
                Err(error) => Err(error),
            }
        };
        match join() {
            Ok(array) => Ok(array.map(|array| (sidecar, array))),
            Err(error) => Err(error.in_file(Some(&sidecar.path))),
        }
    }

    /// Begins a job with an array that has no name yet; `None` if another process was first.
    pub(super) fn begin(target: &Path, job: &Job, mut new: NewFile) -> Result<Option<(Self, OwnFile)>> {
        let array = new.again()?;
        let path = Self::name(target);
        let at = |error: Error| error.in_file(Some(&path));
        let io = |action: &'static str| move |source| Error::io(action, source);
        let id = FileId::of(&array).map_err(io("identify the file")).map_err(at)?;
        let text = [&job.text, &*id_line(id)].concat();
        let Some(mut named) = unless_exists(NewFile::create(&path, false))? else { return Ok(None) };
        let sidecar = Self::new(target, named.again()?, job);
        // Nobody else knows of the file, so the lock is free.
        let Some(_setup) = sidecar.set_up(|| Ok(true)).map_err(at)? else { return Ok(None) };
        let bytes = [text.as_bytes(), &vec![OPEN; job.parts]].concat();
        let written = At { file: &sidecar.file, position: 0 }.write_all(&bytes);
        written.map_err(io("write the description of the job")).map_err(at)?;
        if unless_exists(named.persist())?.is_none() {
            return Ok(None);
        }
        // The sidecar is on the disk before the array has its name: without it the array would pass for complete.
        match unless_exists(new.persist()) {
            Ok(Some(())) => Ok(Some((sidecar, array))),
            // It has its name all the same: the folder has not been written.
            Err(error)
                if region::open(target, true)
                    .is_ok_and(|there| sidecar.is_of(&id_line(id), &there).unwrap_or(true)) =>
            {
                Err(error)
            }
            put => {
                sidecar.remove()?;
                put.map(|_| None)
            }
        }
    }

    fn new(target: &Path, file: OwnFile, job: &Job) -> Self {
        let marks = (job.text.len() + id_line(FileId { number: 0, created: 0 }).len()) as u64;
        let (path, parts, process) = (Self::name(target), job.parts, std::process::id());
        let (held, seen, file) = (Mutex::default(), Mutex::default(), Arc::new(file));
        Self { file, path, marks, parts, held, seen, process }
    }

    /// Waits for the lock that is held while the job begins and ends; `None` once `wanted` returns `false`.
    fn set_up(&self, wanted: impl Fn() -> Result<bool>) -> Result<Option<RangeLock>> {
        let mut wait = Wait::new();
        loop {
            let lock = RangeLock::take_by(&self.file, Some(LOCKS..LOCKS + 1), true)?;
            if !wanted()? {
                return Ok(None);
            }
            if lock.is_some() {
                return Ok(lock);
            }
            wait.again();
        }
    }

    /// Returns whether the sidecar's path still leads to the open file.
    fn has_its_name(&self) -> Result<bool> {
        let ids = File::open(&self.path).and_then(|named| Ok((FileId::of(&named)?, FileId::of(&self.file)?)));
        match ids {
            Ok((named, own)) => Ok(named == own),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(Error::io("open the file", source)),
        }
    }

    /// Checks that the sidecar is complete and belongs to this job, and returns the line that identifies the array's
    /// file.
    fn check(&self, job: &Job) -> Result<String> {
        let len = self.file.metadata().map_err(|source| Error::io("read the file's length", source))?.len();
        let mut head = Vec::new();
        let read = At { file: &self.file, position: 0 }.take(self.marks).read_to_end(&mut head);
        read.map_err(|source| Error::io("read the description of the job", source))?;
        let Some(id) = head.strip_prefix(job.text.as_bytes()) else {
            let found = String::from_utf8_lossy(&head);
            return Err(match (found.strip_prefix(FIRST_LINE), job.text.strip_prefix(FIRST_LINE)) {
                (Some(found), Some(asked)) => Error::sidecar(format!(
                    "the array is being filled by another job, `{}`, and this one is `{}`; make the same call as the \
                     other workers, or delete this file and the array to begin anew",
                    found.lines().take(2).collect::<Vec<_>>().join(", "),
                    asked.lines().collect::<Vec<_>>().join(", ")
                )),
                _ => Error::sidecar(format!(
                    "the file should record which parts of an array are filled, but begins with {:?}, not with \
                     {FIRST_LINE:?}; if it is not a file of yours, delete it and the array to begin anew",
                    found.chars().take(40).collect::<String>()
                ))
                .damaged(),
            });
        };
        let expected = self.marks + self.parts as u64;
        if len != expected {
            return Err(damaged(format!(
                "it has {len} bytes, and a job of {} parts takes {expected}; delete it and the array to begin anew",
                self.parts
            )));
        }
        self.marks(0..self.parts)?;
        Ok(String::from_utf8_lossy(id).into_owned())
    }

    fn is_of(&self, line: &str, array: &File) -> Result<bool> {
        let id = FileId::of(array).map_err(|source| Error::io("identify the file", source))?;
        let by_number = id_line(FileId { created: 0, ..id });
        // Not everybody is told when a file was made; on Windows nobody asks.
        let is_not_told = cfg!(not(windows)) && id.created == 0;
        let same_number = || line.split(' ').take(2).eq(by_number.split(' ').take(2));
        Ok(line == id_line(id) || line == by_number || is_not_told && same_number())
    }

    /// Returns an error in a fork of the process that joined the job, which has neither its files nor its locks.
    fn check_process(&self) -> Result<()> {
        if self.process == std::process::id() {
            return Ok(());
        }
        let text =
            "a fork of the process that joined the job does not share its claims; join the job again in the fork";
        Err(self.named(Error::unsupported(text)))
    }

    /// Returns one byte for each of these parts.
    fn marks(&self, parts: Range<usize>) -> Result<Vec<u8>> {
        self.check_process()?;
        let first = self.marks + parts.start as u64;
        let mut marks = vec![OPEN; parts.len()];
        let read = At { file: &self.file, position: first }.read_exact(&mut marks);
        read.map_err(|source| self.named(Error::io("read which parts are done", source)))?;
        match marks.iter().position(|mark| ![OPEN, DONE].contains(mark)) {
            None => Ok(marks),
            Some(index) => {
                let (part, byte, mark) = (parts.start + index, first + index as u64, marks[index]);
                let text = format!(
                    "the mark of part {part} at byte {byte} is {mark:#04x}, which means neither done ({DONE:#04x}) nor \
                     open ({OPEN:#04x}); delete the file and the array to begin anew"
                );
                Err(damaged(text).at_bytes(byte..byte + 1).in_file(Some(&self.path)))
            }
        }
    }

    /// Returns the number of parts that are done.
    pub(super) fn done(&self) -> Result<usize> {
        Ok(count(&self.marks(0..self.parts)?))
    }

    /// Returns the number of parts that are known to be done: those of this handle, and those of others as of a moment
    /// ago. For callers that ask after each of many parts.
    pub(super) fn seen_done(&self) -> Result<usize> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.at.is_none_or(|at| at.elapsed() >= Wait::LONGEST) {
            let marks = self.marks(0..self.parts)?;
            *seen = Seen { done: count(&marks), marks, at: Some(Instant::now()) };
        }
        Ok(seen.done)
    }

    /// Claims a free part, one from `first` on if there is one. `take` may decline a part.
    pub(super) fn next<'a, C>(
        &'a self,
        first: usize,
        mut take: impl FnMut(Held<'a>) -> Result<Option<C>>,
    ) -> Result<Next<C>> {
        self.check_process()?;
        let first = first.min(self.parts);
        let mut busy = false;
        for parts in blocks(first..self.parts).chain(blocks(0..first)) {
            match self.claim(parts, &mut take)? {
                Next::Complete => {}
                Next::Busy => busy = true,
                claimed => return Ok(claimed),
            }
        }
        // What was open a moment ago may be done by now; the next look will tell.
        Ok(if busy { Next::Busy } else { Next::Complete })
    }

    /// Claims one of these parts.
    fn claim<'a, C>(
        &'a self,
        parts: Range<usize>,
        take: &mut impl FnMut(Held<'a>) -> Result<Option<C>>,
    ) -> Result<Next<C>> {
        let mut busy = false;
        for (part, _) in parts.clone().zip(self.marks(parts)?).filter(|&(_, mark)| mark == OPEN) {
            busy = true;
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            if held.contains(&part) {
                continue;
            }
            let byte = LOCKS + 1 + part as u64;
            let lock = RangeLock::take_by(&self.file, Some(byte..byte + 1), true).map_err(|error| self.named(error))?;
            if lock.is_none() {
                continue;
            }
            held.insert(part);
            drop(held);
            let claim = Held { sidecar: self, part, lock };
            // It may have been done since the marks were read.
            if self.marks(part..part + 1)? == [OPEN] {
                if let Some(claimed) = take(claim)? {
                    return Ok(Next::Part(claimed));
                }
            }
        }
        Ok(if busy { Next::Busy } else { Next::Complete })
    }

    /// Marks a complete array, and deletes its sidecar.
    pub(super) fn finish(&self, mark: impl Fn() -> Result<()>) -> Result<()> {
        // The lock keeps other handles out, this keeps out the threads that share this one.
        let _held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let finish = || match self.set_up(|| self.has_its_name())? {
            None => Ok(()),
            Some(_setup) => mark().and_then(|()| self.remove()),
        };
        finish().map_err(|error: Error| self.named(error))
    }

    /// Deletes the sidecar. Must be called with the setup lock held, and only while the file has its name.
    fn remove(&self) -> Result<()> {
        region::remove(&self.path).map_err(|source| self.named(Error::io("delete the file", source)))?;
        region::sync_folder(&self.path)
    }

    fn named(&self, error: Error) -> Error {
        error.in_file(Some(&self.path))
    }
}

impl Held<'_> {
    /// Writes the part's elements, and marks the part as done once they are on the disk.
    pub(super) fn done(&self, write: impl FnOnce() -> Result<()>) -> Result<()> {
        let Self { sidecar, part, .. } = self;
        sidecar.check_process()?;
        write()?;
        let written = region::write_through(&sidecar.file, sidecar.marks + *part as u64, &[DONE]);
        written.map_err(|source| sidecar.named(Error::io("mark a part as done", source)))?;
        let mut seen = sidecar.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.marks.get(*part) == Some(&OPEN) {
            seen.marks[*part] = DONE;
            seen.done += 1;
        }
        Ok(())
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let mut held = self.sidecar.held.lock().unwrap_or_else(PoisonError::into_inner);
        // Before anybody else who shares the handle can take it again.
        self.lock = None;
        held.remove(&self.part);
    }
}

fn count(marks: &[u8]) -> usize {
    marks.iter().filter(|&&mark| mark == DONE).count()
}

/// Splits a range into pieces that are quick to read, so that claiming one of millions of parts does not read all
/// marks.
fn blocks(parts: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    const BLOCK: usize = 1 << 12;
    let end = parts.end;
    parts.step_by(BLOCK).map(move |start| start..end.min(start + BLOCK))
}

/// Returns the line that identifies the array's file, which always has the same length.
fn id_line(id: FileId) -> String {
    format!("file: {:016x} {:016x}\n", id.number, id.created)
}

fn damaged(what: String) -> Error {
    Error::sidecar(format!("the file records which parts of an array are filled, but {what}")).damaged()
}

/// Returns `None` if a file could not be created or named because there is one already.
pub(super) fn unless_exists<T>(made: Result<T>) -> Result<Option<T>> {
    match made {
        Err(error) if error.io_kind() == Some(io::ErrorKind::AlreadyExists) => Ok(None),
        made => made.map(Some),
    }
}
