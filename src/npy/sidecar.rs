//! The file beside an array that is being filled, which says what is done.
//!
//! It is some lines of text, which say what the job is and of which file, and then one byte for each part. A part is
//! claimed by a lock on a byte of its own, which the system takes away when the holder dies. A mark is written once the
//! part's elements are on the disk, and is there itself before the claim goes; so whatever happens, and also when the
//! power fails, no mark stands for elements that are missing.
//!
//! A complete array has a mark of its own, in its header ([`Complete`]), so that none is taken for complete whose sidecar
//! was lost. The sidecar must have its name before the array has, since an array with neither belongs to no job, and no
//! array may ever be taken for the one that it speaks of. Who begins a job makes both files without their names, writes
//! the number of the array's file into the other, takes the lock for setting up, gives the sidecar its name, and then
//! the array. Whoever finds the sidecar waits for that lock: by then the array is there, or never will be.

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

/// What stands for a part that is still to be done.
const OPEN: u8 = b'.';
const DONE: u8 = b'#';

/// The most parts that a job can have.
pub(super) const MAX_PARTS: usize = 1 << 24;

/// Where the locks are: behind all that the file holds, since Windows keeps others from reading bytes that are locked.
const LOCKS: u64 = 1 << 30;

/// What a job is, as its sidecar says it: the array, the number of its parts.
pub(super) struct Job {
    pub(super) text: String,
    pub(super) parts: usize,
}

impl Job {
    pub(super) fn new(header: &str, parts: usize) -> Self {
        Self { text: format!("{FIRST_LINE}{}\nparts: {parts}\n", header.trim_end()), parts }
    }
}

/// The mark of a complete array: a tab in the place of the third byte from the end of its header, which is a space in the
/// headers that are written here. NumPy and others read over both.
///
/// It is in the file itself, so that no copy, archive or move loses it, as they lose hidden files beside it and extended
/// attributes; and it says that the array is complete, so that a program which loses it, by writing the header anew, makes
/// no incomplete array a complete one.
pub(super) struct Complete<'a> {
    array: &'a File,
    at: u64,
}

impl<'a> Complete<'a> {
    const MARK: u8 = b'\t';

    /// The mark of an array whose elements begin at a byte.
    pub(super) fn of(array: &'a File, data_offset: u64) -> Self {
        Self { array, at: data_offset.saturating_sub(3) }
    }

    pub(super) fn is_set(&self) -> io::Result<bool> {
        let mut byte = [0];
        At { file: self.array, position: self.at }.read_exact(&mut byte)?;
        Ok(byte == [Self::MARK])
    }

    /// Sets the mark, which is on the disk then.
    pub(super) fn set(&self, path: &Path) -> io::Result<()> {
        region::write_through(&region::reopen(self.array, path)?, self.at, &[Self::MARK])
    }
}

pub(super) struct Sidecar {
    file: Arc<OwnFile>,
    path: PathBuf,
    /// Where the marks begin.
    marks: u64,
    parts: usize,
    /// The parts that are claimed by this handle, to which its own locks are no hindrance.
    held: Mutex<HashSet<usize>>,
    seen: Mutex<Seen>,
    /// Who opened the file. The locks are no hindrance to a fork of that process either, which knows nothing of `held`.
    process: u32,
}

/// What was seen of the marks some time ago.
#[derive(Default)]
struct Seen {
    marks: Vec<u8>,
    done: usize,
    at: Option<Instant>,
}

/// A claimed part, free again when this is dropped.
pub(super) struct Held<'a> {
    sidecar: &'a Sidecar,
    pub(super) part: usize,
    lock: Option<RangeLock>,
}

/// What a look for a free part finds.
pub(super) enum Next<C> {
    Part(C),
    /// The parts that are left are being filled by others.
    Busy,
    /// All parts are done.
    Complete,
}

impl Sidecar {
    /// The name of the sidecar of an array.
    pub(super) fn name(target: &Path) -> PathBuf {
        let mut name = OsString::from(".");
        name.push(target.file_name().unwrap_or_default());
        name.push(".fill");
        target.with_file_name(name)
    }

    /// Joins the job whose sidecar is there. Gives the array's file too; `None` where the sidecar went meanwhile, or
    /// was that of an array that never came to be, or is no more.
    pub(super) fn join(target: &Path, file: OwnFile, job: &Job) -> Result<Option<(Self, OwnFile)>> {
        let sidecar = Self::new(target, file, job);
        let join = || {
            let Some(_setup) = sidecar.set_up(|| sidecar.has_its_name())? else { return Ok(None) };
            let id = sidecar.check(job)?;
            match OwnFile::open(|| region::open(target, true)) {
                Ok(array) if sidecar.is_of(&id, &array)? => Ok(Some(array)),
                Ok(_) => Err(damaged(format!(
                    "it is not of the file `{}`, which was replaced or copied since the job began, or lies where files get \
                     other numbers each time, so that what is marked as done may be missing; delete it if the array is \
                     complete, and both to begin anew",
                    target.display()
                ))),
                Err(error) if error.io_kind() == Some(io::ErrorKind::NotFound) => match sidecar.done()? {
                    0 => sidecar.remove().map(|()| None),
                    done => Err(damaged(format!(
                        "the file `{}` is not there, of which {done} parts are done; move this file to where the array is, \
                         or delete it to begin anew",
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

    /// Begins a job, with an array that has not got its name yet; `None` where another process was first.
    pub(super) fn begin(target: &Path, job: &Job, mut new: NewFile) -> Result<Option<(Self, OwnFile)>> {
        let array = new.again()?;
        let path = Self::name(target);
        let at = |error: Error| error.in_file(Some(&path));
        let io = |action: &'static str| move |source| Error::io(action, source);
        let id = FileId::of(&array).map_err(io("tell the file from others")).map_err(at)?;
        let text = [&job.text, &*id_line(id)].concat();
        let Some(mut named) = unless_exists(NewFile::create(&path, false))? else { return Ok(None) };
        let sidecar = Self::new(target, named.again()?, job);
        // Nobody else knows of the file, so the lock is free.
        let Some(_setup) = sidecar.set_up(|| Ok(true)).map_err(at)? else { return Ok(None) };
        let bytes = [text.as_bytes(), &vec![OPEN; job.parts]].concat();
        let written = At { file: &sidecar.file, position: 0 }.write_all(&bytes);
        written.map_err(io("write what the job is")).map_err(at)?;
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

    /// Waits for the lock that is held while the job begins and ends; `None` once it is not wanted any more.
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

    /// Whether the file is still the one that whoever opens the sidecar gets.
    fn has_its_name(&self) -> Result<bool> {
        let ids = File::open(&self.path).and_then(|named| Ok((FileId::of(&named)?, FileId::of(&self.file)?)));
        match ids {
            Ok((named, own)) => Ok(named == own),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(Error::io("open the file", source)),
        }
    }

    /// Checks that the sidecar is of this job and whole, and gives the number of the array's file.
    fn check(&self, job: &Job) -> Result<String> {
        let len = self.file.metadata().map_err(|source| Error::io("read the file's length", source))?.len();
        let mut head = Vec::new();
        let read = At { file: &self.file, position: 0 }.take(self.marks).read_to_end(&mut head);
        read.map_err(|source| Error::io("read what the job is", source))?;
        let Some(id) = head.strip_prefix(job.text.as_bytes()) else {
            let found = String::from_utf8_lossy(&head);
            return Err(match (found.strip_prefix(FIRST_LINE), job.text.strip_prefix(FIRST_LINE)) {
                (Some(found), Some(asked)) => Error::sidecar(format!(
                    "the array is being filled by another job, `{}`, and this one is `{}`; make the same call as the \
                     others, or delete this file and the array to begin anew",
                    found.lines().take(2).collect::<Vec<_>>().join(", "),
                    asked.lines().collect::<Vec<_>>().join(", ")
                )),
                _ => Error::sidecar(format!(
                    "the file says what is done of an array that is being filled, but begins with {:?}, not with \
                     {FIRST_LINE:?}; if it is no file of yours, delete it, and the array to begin anew",
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
        let id = FileId::of(array).map_err(|source| Error::io("tell the file from others", source))?;
        let by_number = id_line(FileId { created: 0, ..id });
        // Not everybody is told when a file was made; on Windows nobody asks.
        let is_not_told = cfg!(not(windows)) && id.created == 0;
        let same_number = || line.split(' ').take(2).eq(by_number.split(' ').take(2));
        Ok(line == id_line(id) || line == by_number || is_not_told && same_number())
    }

    /// Checks that this is no fork of the process that joined the job, which has neither its files nor its locks.
    fn check_process(&self) -> Result<()> {
        if self.process == std::process::id() {
            return Ok(());
        }
        let text = "a fork of the process that joined the job has no part in it; join it anew";
        Err(self.named(Error::unsupported(text)))
    }

    /// One byte for each of these parts.
    fn marks(&self, parts: Range<usize>) -> Result<Vec<u8>> {
        self.check_process()?;
        let first = self.marks + parts.start as u64;
        let mut marks = vec![OPEN; parts.len()];
        let read = At { file: &self.file, position: first }.read_exact(&mut marks);
        read.map_err(|source| self.named(Error::io("read what is done", source)))?;
        match marks.iter().position(|mark| ![OPEN, DONE].contains(mark)) {
            None => Ok(marks),
            Some(index) => {
                let (part, byte, mark) = (parts.start + index, first + index as u64, marks[index]);
                let text = format!(
                    "the mark of part {part} at byte {byte} is {mark:#04x}, which says neither done ({DONE:#04x}) nor \
                     open ({OPEN:#04x}); delete it and the array to begin anew"
                );
                Err(damaged(text).at_bytes(byte..byte + 1).in_file(Some(&self.path)))
            }
        }
    }

    /// How many parts are done.
    pub(super) fn done(&self) -> Result<usize> {
        Ok(count(&self.marks(0..self.parts)?))
    }

    /// How many parts are known to be done: those of this handle, and those of others as they were a moment ago. For
    /// whoever asks after each of many parts.
    pub(super) fn seen_done(&self) -> Result<usize> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.at.is_none_or(|at| at.elapsed() >= Wait::LONGEST) {
            let marks = self.marks(0..self.parts)?;
            *seen = Seen { done: count(&marks), marks, at: Some(Instant::now()) };
        }
        Ok(seen.done)
    }

    /// Claims a part that nobody has, of those from `first` on if there is one. `take` may leave one to others.
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

    /// Marks a complete array, and takes its sidecar away.
    pub(super) fn finish(&self, mark: impl Fn() -> Result<()>) -> Result<()> {
        // The lock keeps other handles out, this keeps out the threads that share this one.
        let _held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let finish = || match self.set_up(|| self.has_its_name())? {
            None => Ok(()),
            Some(_setup) => mark().and_then(|()| self.remove()),
        };
        finish().map_err(|error: Error| self.named(error))
    }

    /// To be called with the lock for setting up, and only while the file has its name.
    fn remove(&self) -> Result<()> {
        region::remove(&self.path).map_err(|source| self.named(Error::io("delete the file", source)))?;
        region::sync_folder(&self.path)
    }

    fn named(&self, error: Error) -> Error {
        error.in_file(Some(&self.path))
    }
}

impl Held<'_> {
    /// Writes the part's elements, and marks it once they are on the disk.
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

/// A range in pieces that are quickly read: whoever claims one of millions of parts does not look at them all.
fn blocks(parts: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    const BLOCK: usize = 1 << 12;
    let end = parts.end;
    parts.step_by(BLOCK).map(move |start| start..end.min(start + BLOCK))
}

/// The line that says which file the array is in, always of the same length.
fn id_line(id: FileId) -> String {
    format!("file: {:016x} {:016x}\n", id.number, id.created)
}

fn damaged(what: String) -> Error {
    Error::sidecar(format!("the file says what is done of an array that is being filled, but {what}")).damaged()
}

/// `None` where a file could not be made or named since there is one.
pub(super) fn unless_exists<T>(made: Result<T>) -> Result<Option<T>> {
    match made {
        Err(error) if error.io_kind() == Some(io::ErrorKind::AlreadyExists) => Ok(None),
        made => made.map(Some),
    }
}
