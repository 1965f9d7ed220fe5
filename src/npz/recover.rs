//! Members of archives without a directory, found by their local headers.

use super::records::{
    self, DESCRIPTOR, Directory, END, END_LEN, END64, END64_LEN, ENTRY, ENTRY_LEN, HAS_DESCRIPTOR, LOCAL, LOCAL_LEN,
    LOCATOR, LOCATOR_LEN, Record, u16_at, u32_at, u64_at,
};
use super::{Archive, ZipFile, broken};
use crate::error::{Error, Result};
use crate::region::{self, At};
use rawzip::CompressionMethod as Method;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

impl Archive {
    /// Opens an archive whose directory is missing or damaged, for example because the file was cut short: finds the
    /// members by the headers in front of them.
    ///
    /// The members are in the order of the file. Those whose header and bytes are whole are as in an archive that was
    /// [opened](Self::open), and can be mapped. The member at which the file was cut is left out;
    /// [`cut_member`](Self::cut_member) returns its name. Members that were replaced or removed are found too, if their
    /// bytes are still there; of members of the same name, [`member`](Self::member) returns the last. Whether the bytes
    /// of a member are the right ones is checked by its checksum when it is loaded.
    ///
    /// Members whose size is behind their bytes, as in archives that were written to a pipe, are found by searching for
    /// it. In other archives, only the headers are read. Uses memory for the names of the members, and at most 300 KB
    /// more.
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
    /// assert_eq!(archive.cut_member(), Some("y"));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn recover(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let recover = || recovered(region::open(path, false)?, path);
        recover().map_err(|error: Error| error.in_file(Some(path)))
    }

    /// Returns the name of the member at which a [recovered](Self::recover) archive was cut short: its header is whole,
    /// and its bytes are not. `None` if there is none, or its header was cut too.
    #[must_use]
    pub fn cut_member(&self) -> Option<&str> {
        self.cut.as_ref().map(|name| name.strip_suffix(".npy").unwrap_or(name))
    }
}

/// Opens an archive by the headers of its members.
fn recovered(file: File, path: &Path) -> Result<Archive> {
    let len = region::mappable_len(&file)?;
    let window = Window { file: &file, len, start: 0, held: Vec::new() };
    let mut search = Search { window, found: Vec::new(), count: 0 };
    let cut = search.all()?;
    if search.count == 0 && cut.is_none() {
        return Err(broken("not an archive: it contains no header of a member of a zip file"));
    }
    let Search { mut found, count, .. } = search;
    let directory = Directory { count, len: found.len() as u64, offset: len };
    found.extend(directory.end(len + found.len() as u64, directory.is_zip64(), b""));
    let end = len + found.len() as u64;
    let mut archive = Archive::of_zip(ZipFile { file, len, behind: found }, end, path).map_err(|(_, error)| error)?;
    archive.cut = cut.flatten();
    archive.find = recovered;
    Ok(archive)
}

/// A search for the headers of members, which reads the file forward.
struct Search<'a> {
    window: Window<'a>,
    /// The records of a directory of what was found, and their number.
    found: Vec<u8>,
    count: u64,
}

/// What is at a local header.
enum Found {
    Member(Record, u64),
    /// A member whose bytes are not all there.
    Cut(Option<String>),
    /// A member without sizes, whose bytes are not all there.
    Endless(Option<String>),
    Other,
}

impl Search<'_> {
    /// Finds all members. Returns the one at which the file was cut, with its name if that is known.
    fn all(&mut self) -> Result<Option<Option<String>>> {
        // Where the last record ended, the next is expected, and elsewhere what looks like one may be anything.
        let (mut at, mut expected) = (0, 0);
        loop {
            let bytes = self.window.get(at, END64_LEN)?;
            let has = |len: usize| bytes.len() >= len;
            let next = match bytes.first_chunk::<4>() {
                None => return Ok(None),
                Some(&LOCAL) => match self.member(at)? {
                    Found::Member(record, end) => {
                        self.found.extend(record.entry());
                        self.count += 1;
                        Some(end)
                    }
                    Found::Cut(name) if at == expected => return Ok(Some(name)),
                    Found::Endless(name) => return Ok(Some(name)),
                    Found::Cut(_) | Found::Other => None,
                },
                // The directory of an archive to which members were added later.
                Some(&ENTRY) if has(ENTRY_LEN) => Some(at + records::entry_len(bytes) as u64),
                Some(&END64) if has(END64_LEN) => Some(at + END64_LEN as u64),
                Some(&LOCATOR) if has(LOCATOR_LEN) => Some(at + LOCATOR_LEN as u64),
                Some(&END) if has(END_LEN) => Some(at + (END_LEN + usize::from(u16_at(bytes, 20))) as u64),
                Some(_) => None,
            };
            match next {
                Some(next) => (at, expected) = (next, next),
                None => match self.window.find(at + 1, |signature| signature == LOCAL)? {
                    Some(next) => at = next,
                    None => return Ok(None),
                },
            }
        }
    }

    /// Examines a local header.
    fn member(&mut self, at: u64) -> Result<Found> {
        let bytes = self.window.get(at, LOCAL_LEN)?;
        if bytes.len() < LOCAL_LEN {
            return Ok(Found::Cut(None));
        }
        let mut fixed = [0; LOCAL_LEN];
        fixed.copy_from_slice(bytes);
        let (name_len, extra_len) = (usize::from(u16_at(&fixed, 26)), usize::from(u16_at(&fixed, 28)));
        // No version of the format is newer than 6.3.
        if u16_at(&fixed, 4) & 0xff > 63 || name_len == 0 {
            return Ok(Found::Other);
        }
        let header_len = LOCAL_LEN + name_len + extra_len;
        let header = self.window.get(at, header_len)?;
        let Some(name) = header.get(LOCAL_LEN..LOCAL_LEN + name_len) else { return Ok(Found::Cut(None)) };
        let flags = u16_at(&fixed, 6);
        let text = super::name_of(name, flags & records::IS_UTF8 != 0);
        if header.len() < header_len {
            return Ok(Found::Cut(Some(text)));
        }
        let (compressed, size) = records::local_sizes(&fixed, &header[LOCAL_LEN + name_len..]);
        let mut time = [0; 4];
        time.copy_from_slice(&fixed[10..14]);
        let (method, crc, name) = (u16_at(&fixed, 8), u32_at(&fixed, 14), name.to_vec());
        let mut record = Record { flags, method, time, crc, compressed, size, name, offset: at };
        let start = at + header_len as u64;
        if flags & HAS_DESCRIPTOR != 0 {
            let end = self.descriptor(start, &mut record)?;
            return Ok(end.map_or(Found::Endless(Some(text)), |end| Found::Member(record, end)));
        }
        // A writer that is killed leaves a header that has no sizes yet.
        let is_begun = (compressed, size, crc) == (0, 0, 0) && !self.is_followed(start)?;
        match start.checked_add(compressed) {
            Some(end) if end <= self.window.len && !is_begun => Ok(Found::Member(record, end)),
            _ => Ok(Found::Cut(Some(text))),
        }
    }

    /// Finds the descriptor behind the bytes of a member, which states their number, and returns where it ends.
    fn descriptor(&mut self, start: u64, record: &mut Record) -> Result<Option<u64>> {
        let mut from = start;
        while let Some(at) = self.window.find(from, is_signature)? {
            let is_own = self.window.get(at, 4)? == DESCRIPTOR;
            if let Some(end) = self.descriptor_at(start, at, is_own, record)? {
                return Ok(Some(end));
            }
            from = at + 1;
        }
        // The file may end behind it, or in the signature of the next record.
        for less in 0..4 {
            let end = self.descriptor_at(start, self.window.len.saturating_sub(less), false, record)?;
            if end.is_some() {
                return Ok(end);
            }
        }
        Ok(None)
    }

    /// Reads the descriptor at a byte or, as its own signature may be missing, directly in front of it.
    fn descriptor_at(&mut self, start: u64, at: u64, is_own: bool, record: &mut Record) -> Result<Option<u64>> {
        for len in [20_u64, 12] {
            let (end, fields) = if is_own { (at, at + 4) } else { (at.saturating_sub(len), at.saturating_sub(len)) };
            let behind = fields + len;
            if end < start || !self.is_followed(behind)? {
                continue;
            }
            let bytes = self.window.get(fields, len as usize)?;
            if bytes.len() < len as usize {
                continue;
            }
            let crc = u32_at(bytes, 0);
            let (compressed, size) = match len {
                20 => (u64_at(bytes, 4), u64_at(bytes, 12)),
                _ => (u32_at(bytes, 4).into(), u32_at(bytes, 8).into()),
            };
            let is_stored = record.method == Method::STORE.as_u16();
            if compressed == end - start && (!is_stored || size == compressed) {
                (record.crc, record.compressed, record.size) = (crc, compressed, size);
                return Ok(Some(behind));
            }
        }
        Ok(None)
    }

    /// Returns whether a record begins at a byte, even if it is cut short, or the file ends there.
    fn is_followed(&mut self, at: u64) -> Result<bool> {
        let is_within = at <= self.window.len;
        let bytes = self.window.get(at, 4)?;
        Ok(is_within && [LOCAL, ENTRY, END64, END].iter().any(|signature| signature.starts_with(bytes)))
    }
}

fn is_signature(bytes: [u8; 4]) -> bool {
    [LOCAL, DESCRIPTOR, ENTRY, END64, END].contains(&bytes)
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
    const LEN: usize = 1 << 16;

    /// Returns so many bytes of the file, fewer only at its end.
    fn get(&mut self, at: u64, count: usize) -> Result<&[u8]> {
        let place = at.checked_sub(self.start).and_then(|place| usize::try_from(place).ok());
        let place = match place.filter(|place| place.checked_add(count).is_some_and(|end| end <= self.held.len())) {
            Some(place) => place,
            None => {
                self.read(at, count.max(Self::LEN))?;
                0
            }
        };
        Ok(&self.held[place..self.held.len().min(place + count)])
    }

    fn read(&mut self, at: u64, count: usize) -> Result<()> {
        self.held.clear();
        self.start = at;
        let read = At { file: self.file, position: at }.take(count as u64).read_to_end(&mut self.held);
        read.map(drop).map_err(|source| match source.kind() {
            io::ErrorKind::UnexpectedEof => broken("the file became shorter while it was read"),
            _ => Error::io("read the archive", source),
        })
    }

    /// Finds the first four bytes of a kind, from byte `from` on.
    fn find(&mut self, mut from: u64, is: impl Fn([u8; 4]) -> bool) -> Result<Option<u64>> {
        loop {
            // What is in memory first, so that nothing is read for each of many finds.
            let place = from.checked_sub(self.start).map_or(usize::MAX, |place| place.try_into().unwrap_or(usize::MAX));
            let bytes = self.held.get(place..).unwrap_or_default();
            let found = bytes.windows(4).position(|four| four[0] == b'P' && is([four[0], four[1], four[2], four[3]]));
            if let Some(place) = found {
                return Ok(Some(from + place as u64));
            }
            from += bytes.len().saturating_sub(3) as u64;
            self.read(from, Self::LEN)?;
            if self.held.len() < 4 {
                return Ok(None);
            }
        }
    }
}
