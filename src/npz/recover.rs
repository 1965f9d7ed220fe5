//! Members of archives without a directory, found by their local headers.
//!
//! # What is a member
//!
//! The file is searched forward for what looks like a local header. What a header states is believed if something else
//! confirms it, because one damaged number must not hide the members behind it, and anything may look like a header:
//!
//! - A member with sizes in its header is found if a record follows its bytes, or the file ends there. The search goes
//!   on behind it, so that members of an archive that is stored in it are not found.
//! - If nothing follows, the next record may be damaged, or the member's size. The checksum of a stored or deflated
//!   member tells. One whose checksum is not computed is found unless a member that is found later begins within it.
//! - A member without sizes is *open* until its descriptor is found, whose size leads back to the member's first byte.
//!   Unless the descriptor has its signature and a record follows, the checksum has to be right, too. Members that were
//!   found within the member meanwhile are then given up.
//!
//! Of any other header, the name is noted, and the search goes on behind its signature.
//!
//! # What it takes
//!
//! For each byte of a file, whatever is in it, a few bytes are read, a few operations are done, and a few bytes are
//! held:
//!
//! - The search visits each signature once and does not return. The window moves forward, by no less than half of what
//!   it reads, except for the 20 bytes of a descriptor in front of it.
//! - Of a header, the name and the extra fields are passed over up to the next header. If that begins within the name,
//!   nothing else is done. If the sizes are in the extra fields, 1024 bytes of these are searched.
//! - What follows a member far away is read without the window: four bytes for a header or a descriptor.
//! - Checksums are computed of four times as many bytes as the file has, in all, and 1 MiB. For each, 64 KiB more are
//!   counted, as what the decoder takes.
//! - No more than 512 members are open, which are found by the offset of their bytes. Of more, the first is given up.
//! - What was found lies one behind another. It is found once, and given up once at most.
//! - Names are read and decoded when all members are known, which do not overlap. Nor do the names that were noted,
//!   because no other header begins in one.

use super::decoder::{self, Decoder};
use super::records::{
    self, DESCRIPTOR, Directory, END, END64, ENTRY, HAS_DESCRIPTOR, LOCAL, LOCAL_LEN, Record, u16_at, u32_at, u64_at,
};
use super::{Archive, ZipFile, broken};
use crate::error::{Error, Result};
use crate::region::{self, At};
use flate2::Crc;
use rawzip::CompressionMethod as Method;
use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
use std::io::{self, Read};
use std::path::Path;

/// The most members that are open at one time.
const MOST_OPEN: usize = 512;

/// The number of bytes of the extra fields of a header that are searched for sizes.
const EXTRA_LEN: usize = 1024;

/// The number of bytes that are read at once to compute a checksum.
const SUMMED_LEN: u64 = 1 << 16;

/// The flag of an encrypted member.
const IS_ENCRYPTED: u16 = 1;

impl Archive {
    /// Opens an archive whose directory is missing or damaged, for example because the file was cut short: finds the
    /// members by the headers in front of them.
    ///
    /// The members are in the order of the file. Those whose header and bytes are whole are as in an archive that was
    /// [opened](Self::open), and can be mapped, wherever the file is damaged otherwise. [`damaged`](Self::damaged)
    /// returns the names of the others, for example of the member at which the file was cut. Members that were replaced
    /// or removed are found too, if their bytes are still there; of members of the same name, [`member`](Self::member)
    /// returns the last. Whether the bytes of a member are the right ones is checked by its checksum when it is loaded.
    ///
    /// If a member is itself an archive, its members are not found, unless the member is damaged.
    ///
    /// Only the headers are read, except in these cases: members whose size is behind their bytes, as in archives that
    /// were written to a pipe, are found by searching for it; behind damage, the next header is searched for; and the
    /// checksum of a member is computed if no record follows it, or a descriptor without its signature. Takes time in
    /// proportion to the length of the file at most. Uses up to 300 bytes of memory
    /// for each member, besides its name, and at most 600 KB more.
    ///
    /// # Errors
    ///
    /// [`Archive`](crate::ErrorKind::Archive) if the file contains no header of a member; otherwise see
    /// [`open`](Self::open).
    ///
    /// ```
    /// use mmap_array::{npy, npz};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("a.npz");
    /// let mut writer = npz::Writer::create(&path)?;
    /// writer.add("x", &vec![0.5, 1.5])?;
    /// writer.add("y", &vec![7_u8; 1000])?;
    /// writer.finish()?;
    /// let bytes = std::fs::read(&path)?;
    /// std::fs::write(&path, &bytes[..1000])?; //       the end is lost
    ///
    /// assert!(npz::Archive::open(&path).is_err());
    /// let archive = npz::Archive::recover(&path)?;
    /// assert_eq!(*npy::load::<f64>(archive.member("x")?)?, [0.5, 1.5]);
    /// assert!(archive.damaged().eq(["y"]));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn recover(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let recover = || recovered(region::open(path, false)?, path);
        recover().map_err(|error: Error| error.in_file(Some(path)))
    }

    /// Returns the names of the members that [`recover`](Self::recover) left out, in the order of the file: their
    /// headers were found, but not all of their bytes, or nothing confirms the sizes that the headers state. There are
    /// none in an archive that was [opened](Self::open).
    ///
    /// An empty member is left out, too, if no other directly follows it: a program that was killed while it wrote a
    /// member may leave the same. What looks like a header may be other data, so a name may be that of no member.
    pub fn damaged(&self) -> impl ExactSizeIterator<Item = &str> {
        self.damaged.iter().map(|name| name.strip_suffix(".npy").unwrap_or(name))
    }
}

/// Opens an archive by the headers of its members.
fn recovered(file: File, path: &Path) -> Result<Archive> {
    let len = region::mappable_len(&file)?;
    let mut search = Search::new(&file, len);
    search.all()?;
    if !search.is_archive {
        return Err(broken("not an archive: it contains no header of a member of a zip file"));
    }
    let damaged = search.damaged_names()?;
    let (mut behind, count) = search.directory()?;
    let directory = Directory { count, len: behind.len() as u64, offset: len };
    behind.extend(directory.end(len + behind.len() as u64, directory.is_zip64(), b""));
    let end = len + behind.len() as u64;
    let mut archive = Archive::of_zip(ZipFile { file, len, behind }, end, path).map_err(|(_, error)| error)?;
    archive.damaged = damaged;
    archive.find = recovered;
    Ok(archive)
}

/// A member, or what looks like one.
struct Found {
    /// The contents of its records, without its name.
    record: Record,
    /// The offsets at which its name ends and its bytes begin.
    name_end: u64,
    start: u64,
    /// The offset at which its bytes end, or its descriptor if it has one.
    end: u64,
    /// Whether something confirms that it ends there.
    is_sure: bool,
}

/// A search for the headers of members, which reads the file forward.
struct Search<'a> {
    window: Window<'a>,
    /// The members that were found, one behind another.
    found: Vec<Found>,
    /// The members without sizes whose descriptors were not found yet, in the order of the file.
    open: VecDeque<Found>,
    /// For the offset of the first byte of each of them, that of its header.
    starts: HashMap<u64, u64>,
    /// The offsets of the headers of members that are not whole, and of the ends of their names.
    damaged: Vec<(u64, u64)>,
    /// The number of bytes for which checksums may still be computed.
    unsummed: u64,
    /// Whether there is any header.
    is_archive: bool,
}

impl<'a> Search<'a> {
    fn new(file: &'a File, len: u64) -> Self {
        let window = Window { file, len, start: 0, held: Vec::new() };
        let (found, open, starts, damaged) = (Vec::new(), VecDeque::new(), HashMap::new(), Vec::new());
        Self {
            window,
            found,
            open,
            starts,
            damaged,
            unsummed: len.saturating_mul(4).saturating_add(16 * SUMMED_LEN),
            is_archive: false,
        }
    }

    /// Finds all members.
    fn all(&mut self) -> Result<()> {
        let mut from = 0;
        loop {
            let at = match self.open.is_empty() {
                true => self.window.find(from, |signature| signature == LOCAL)?,
                false => self.window.find(from, is_signature)?,
            };
            let Some(at) = at else { break };
            let signature = self.window.get(at, 4)?;
            let (is_local, is_descriptor) = (signature == LOCAL, signature == DESCRIPTOR);
            let mut next = self.descriptor(at, is_descriptor)?;
            if next.is_none() && is_local {
                next = self.member(at)?;
            }
            from = next.unwrap_or(at + 1);
        }
        // The file may end behind a descriptor, or in the signature of the next record.
        for less in 0..4 {
            let at = self.window.len.saturating_sub(less);
            if self.is_followed(at)? {
                self.descriptor(at, false)?;
            }
        }
        while let Some(open) = self.open.pop_front() {
            self.note(&open);
        }
        Ok(())
    }

    /// Examines a local header. Returns where the search goes on, if that is not behind its signature.
    fn member(&mut self, at: u64) -> Result<Option<u64>> {
        let Some(&fixed) = self.window.get(at, LOCAL_LEN)?.first_chunk::<LOCAL_LEN>() else {
            self.is_archive = true;
            return Ok(None);
        };
        let (name_len, extra_len) = (u16_at(&fixed, 26), u16_at(&fixed, 28));
        if name_len == 0 {
            return Ok(None);
        }
        self.is_archive = true;
        let mut time = [0; 4];
        time.copy_from_slice(&fixed[10..14]);
        let (flags, method, crc) = (u16_at(&fixed, 6), u16_at(&fixed, 8), u32_at(&fixed, 14));
        let record = Record { flags, method, time, crc, compressed: 0, size: 0, name: Vec::new(), offset: at };
        let name_end = at + LOCAL_LEN as u64 + u64::from(name_len);
        let start = name_end + u64::from(extra_len);
        let mut found = Found { record, name_end, start, end: start, is_sure: false };
        // Of a damaged name or length, other headers are a part.
        let other = self.header_within(at, start)?;
        if name_end > self.window.len || other.is_some_and(|other| other < name_end) {
            return Ok(None);
        }
        if start > self.window.len || other.is_some() {
            self.note(&found);
        } else if flags & HAS_DESCRIPTOR != 0 {
            self.begin(found);
        } else {
            let (compressed, size) = self.sizes(at, &fixed, extra_len)?;
            (found.record.compressed, found.record.size) = (compressed, size);
            let end = start.checked_add(compressed).filter(|&end| end <= self.window.len);
            found.end = end.unwrap_or(start);
            // A writer that is killed leaves a header that has no sizes yet.
            let is_begun = (compressed, size, crc) == (0, 0, 0);
            let mut is_member = false;
            if end.is_some() && is_possible(&found.record) {
                let is_within = self.found.last().is_some_and(|last| last.end > at);
                let is_followed = self.is_followed(found.end)?;
                let is_whole =
                    if is_followed || is_begun { Some(is_followed) } else { self.is_whole(&found.record, start)? };
                found.is_sure = is_whole == Some(true);
                is_member = is_whole.unwrap_or(!is_within);
            }
            if is_member {
                let next = found.is_sure.then_some(found.end);
                self.accept(found);
                return Ok(next);
            }
            self.note(&found);
        }
        Ok(None)
    }

    /// Returns the sizes that a header states, compressed and not.
    fn sizes(&mut self, at: u64, fixed: &[u8], extra_len: u16) -> Result<(u64, u64)> {
        let is_long = [18, 22].iter().any(|&place| u32_at(fixed, place) == u32::MAX);
        let extra_at = LOCAL_LEN + usize::from(u16_at(fixed, 26));
        let extra_len = if is_long { usize::from(extra_len).min(EXTRA_LEN) } else { 0 };
        let header = if is_long { self.window.get(at, extra_at + extra_len)? } else { &[] };
        Ok(records::local_sizes(fixed, header.get(extra_at..).unwrap_or_default()))
    }

    /// Returns the offset at which another header begins within a header.
    fn header_within(&mut self, at: u64, start: u64) -> Result<Option<u64>> {
        let header = self.window.get(at, (start - at) as usize)?;
        let place = header.windows(4).skip(1).position(|four| four == LOCAL);
        Ok(place.map(|place| at + 1 + place as u64))
    }

    /// Returns whether the bytes of a member are those that its header describes; `None` if that would take too much to
    /// know.
    fn is_whole(&mut self, record: &Record, start: u64) -> Result<Option<bool>> {
        let Record { flags, method, crc, compressed, size, .. } = *record;
        let method = Method::from(method);
        let left = self.unsummed.checked_sub(compressed.max(size).saturating_add(SUMMED_LEN));
        let is_known = flags & IS_ENCRYPTED == 0 && matches!(method, Method::STORE | Method::DEFLATE);
        let Some(left) = left.filter(|_| is_known) else { return Ok(None) };
        self.unsummed = left;
        let reader = At { file: self.window.file, position: start }.take(compressed);
        let mut reader = Decoder::new(method, reader, size)?.take(size + 1);
        let (mut sum, mut bytes) = (Crc::new(), Vec::new());
        let mut len = 0;
        while len <= size {
            bytes.clear();
            match reader.by_ref().take(SUMMED_LEN).read_to_end(&mut bytes) {
                Ok(0) => break,
                Ok(count) => len += count as u64,
                Err(error) => match error.kind() {
                    // They cannot be decompressed.
                    InvalidInput | InvalidData | UnexpectedEof => return Ok(Some(false)),
                    _ => return Err(read_error(error)),
                },
            }
            sum.update(&bytes);
        }
        // Its decoder ignores what is behind the end of deflated bytes.
        let used = if let Decoder::Deflate(decoder) = reader.get_ref() { decoder.total_in() } else { compressed };
        Ok(Some((used, len, sum.sum()) == (compressed, size, crc)))
    }

    /// Adds a member whose header has no sizes to those that are open.
    fn begin(&mut self, found: Found) {
        // Of two headers that end at the same byte, one is within the other.
        if self.starts.contains_key(&found.start) {
            return self.note(&found);
        }
        if self.open.len() == MOST_OPEN {
            if let Some(first) = self.open.pop_front() {
                self.starts.remove(&first.start);
                self.note(&first);
            }
        }
        self.starts.insert(found.start, found.record.offset);
        self.open.push_back(found);
    }

    /// Adds a member, in place of those that are within it, and of those that it refutes.
    fn accept(&mut self, found: Found) {
        let at = found.record.offset;
        while self.found.last().is_some_and(|last| last.end > at) {
            if let Some(last) = self.found.pop().filter(|last| last.record.offset < at) {
                self.note(&last);
            }
        }
        self.found.push(found);
    }

    /// Notes the name of a member that is not whole.
    fn note(&mut self, found: &Found) {
        self.damaged.push((found.record.offset, found.name_end));
    }

    /// Examines the descriptor at a byte or, as its own signature may be missing, directly in front of the record
    /// there. Returns where it ends if it is that of an open member, which is found then.
    fn descriptor(&mut self, at: u64, is_own: bool) -> Result<Option<u64>> {
        if self.open.is_empty() {
            return Ok(None);
        }
        // The member, its record with the descriptor's numbers, and where the descriptor ends.
        let mut best = None;
        for len in [20_u64, 12] {
            let fields = if is_own { Some(at + 4) } else { at.checked_sub(len) };
            let Some(fields) = fields else { continue };
            let bytes = self.window.get(fields, len as usize)?;
            if bytes.len() < len as usize {
                continue;
            }
            let crc = u32_at(bytes, 0);
            let (compressed, size) = match len {
                20 => (u64_at(bytes, 4), u64_at(bytes, 12)),
                _ => (u32_at(bytes, 4).into(), u32_at(bytes, 8).into()),
            };
            let end = if is_own { at } else { fields };
            // Without its signature, the descriptor of another member looks like one.
            if self.found.last().is_some_and(|last| last.is_sure && last.end > end) {
                continue;
            }
            let header = end.checked_sub(compressed).and_then(|start| self.starts.get(&start));
            let index = header.and_then(|at| self.open.binary_search_by_key(at, |open| open.record.offset).ok());
            let Some(index) = index else { continue };
            let record = Record { crc, compressed, size, ..self.open[index].record.clone() };
            if !is_possible(&record) {
                continue;
            }
            // Its signature, its size and a record behind it are enough. Of less, the checksum has to be right, too.
            let is_sure = is_own && self.is_followed(fields + len)?;
            if is_sure || best.is_none() && self.is_whole(&record, end - compressed)? != Some(false) {
                best = Some((index, record, fields + len));
            }
            if is_sure {
                break;
            }
        }
        let Some((index, record, end)) = best else { return Ok(None) };
        // Those that began within it are given up.
        let mut closed = None;
        for open in self.open.drain(index..) {
            self.starts.remove(&open.start);
            closed.get_or_insert(open);
        }
        if let Some(found) = closed {
            self.accept(Found { record, end, is_sure: true, ..found });
        }
        Ok(Some(end))
    }

    /// Returns whether a record begins at a byte, even if it is cut short, or the file ends there.
    fn is_followed(&mut self, at: u64) -> Result<bool> {
        let (bytes, len) = self.window.peek(at)?;
        let records = [LOCAL, ENTRY, END64, END];
        Ok(at <= self.window.len && records.iter().any(|signature| signature.starts_with(&bytes[..len])))
    }

    /// Returns the names of the members that are not whole, but for those within members that were found.
    fn damaged_names(&mut self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        let mut damaged = std::mem::take(&mut self.damaged);
        damaged.sort_unstable();
        for (at, end) in damaged {
            let before = self.found.partition_point(|found| found.record.offset < end);
            if self.found[..before].last().is_some_and(|found| found.end > at) {
                continue;
            }
            let header = self.window.get(at, (end - at) as usize)?;
            if let Some(name) = header.get(LOCAL_LEN..) {
                names.push(super::name_of(name, u16_at(header, 6) & records::IS_UTF8 != 0));
            }
        }
        Ok(names)
    }

    /// Returns the records of a directory of the members that were found, and their number.
    fn directory(mut self) -> Result<(Vec<u8>, u64)> {
        let count = self.found.len() as u64;
        let mut records = Vec::new();
        for Found { mut record, name_end, .. } in self.found {
            let name_at = record.offset + LOCAL_LEN as u64;
            record.name = self.window.get(name_at, (name_end - name_at) as usize)?.to_vec();
            records.extend(record.entry());
        }
        Ok((records, count))
    }
}

/// Returns whether the sizes of a member can be right.
fn is_possible(record: &Record) -> bool {
    // Those of an encrypted one are not of the bytes alone.
    let is_encrypted = record.flags & IS_ENCRYPTED != 0;
    is_encrypted || decoder::is_possible(record.method.into(), record.compressed, record.size)
}

fn is_signature(bytes: [u8; 4]) -> bool {
    [LOCAL, DESCRIPTOR, ENTRY, END64, END].contains(&bytes)
}

/// Returns the error for a file that cannot be read.
fn read_error(source: io::Error) -> Error {
    match source.kind() {
        UnexpectedEof => broken("the file became shorter while it was read"),
        _ => Error::io("read the archive", source),
    }
}

/// The part of a file that is in memory.
struct Window<'a> {
    file: &'a File,
    /// The length of the file.
    len: u64,
    start: u64,
    held: Vec<u8>,
}

impl Window<'_> {
    /// The least number of bytes to read: if the search continues, and if it begins anew.
    const LEN: usize = 1 << 16;
    const SHORT: usize = 1 << 12;

    /// The number of bytes kept in front of the requested ones: the size of a descriptor.
    const BEHIND: u64 = 20;

    /// Returns the end of what is in memory.
    fn end(&self) -> u64 {
        self.start + self.held.len() as u64
    }

    /// Returns `count` bytes of the file from byte `at` on, or fewer at its end.
    fn get(&mut self, at: u64, count: usize) -> Result<&[u8]> {
        let end = at.saturating_add(count as u64).min(self.len).max(at);
        if at < self.start || end > self.end() {
            let least = if (self.start..=self.end()).contains(&at) { Self::LEN } else { Self::SHORT };
            let start = at.saturating_sub(Self::BEHIND);
            // Twice as much, so that the next header with a long name is in memory, too.
            self.read(start, least.max(2 * count) + (at - start) as usize)?;
        }
        let place = self.held.len().min((at - self.start) as usize);
        Ok(&self.held[place..self.held.len().min(place + count)])
    }

    fn read(&mut self, at: u64, count: usize) -> Result<()> {
        self.held.clear();
        self.held.reserve_exact(count);
        self.start = at;
        let read = At { file: self.file, position: at }.take(count as u64).read_to_end(&mut self.held);
        read.map(drop).map_err(read_error)
    }

    /// Returns four bytes, and how many of them the file has, without changing what is in memory.
    fn peek(&self, at: u64) -> Result<([u8; 4], usize)> {
        let mut bytes = [0; 4];
        let count = self.len.saturating_sub(at).min(4) as usize;
        let place = at.checked_sub(self.start).map_or(usize::MAX, |place| place.try_into().unwrap_or(usize::MAX));
        match self.held.get(place..).and_then(|held| held.get(..count)) {
            Some(held) => bytes[..count].copy_from_slice(held),
            None => At { file: self.file, position: at }.read_exact(&mut bytes[..count]).map_err(read_error)?,
        }
        Ok((bytes, count))
    }

    /// Returns the offset of the first four bytes for which `is` returns `true`, from byte `from` on.
    fn find(&mut self, mut from: u64, is: impl Fn([u8; 4]) -> bool) -> Result<Option<u64>> {
        loop {
            if self.get(from, 4)?.len() < 4 {
                return Ok(None);
            }
            let bytes = &self.held[(from - self.start) as usize..];
            let found = bytes.windows(4).position(|four| four[0] == b'P' && is([four[0], four[1], four[2], four[3]]));
            if let Some(place) = found {
                return Ok(Some(from + place as u64));
            }
            from = self.end() - 3;
        }
    }
}
