//! The headers of tar archives: what they state of members, read one after another.

use crate::error::{Error, Reason, Result};
use crate::region::At;
use ::tar::{EntryType, Header};
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;

/// The size of a header; contents are padded to a multiple of it.
pub(super) const BLOCK: usize = 512;

/// The largest size of a long name or a PAX header.
const MAX_EXTENSION: u64 = 1 << 20;

/// A member, as its headers describe it.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// The range of the contents in the file, which may end past the end of the file.
    pub(super) bytes: Range<u64>,
    /// The checksum of the header in front of the contents.
    pub(super) sum: u32,
}

pub(super) enum Kind {
    File,
    Sparse,
    Folder,
    HardLink(String),
    SymbolicLink(String),
    Other(u8),
}

impl Entry {
    /// Returns the name as the path of the extracted file: `./a` is `a`.
    pub(super) fn plain_name(&self) -> &str {
        plain(&self.name)
    }

    /// Returns why the entry is not the source of an array, if it is not.
    pub(super) fn refusal(&self) -> Option<Error> {
        let refusal = match &self.kind {
            Kind::File => return None,
            Kind::Sparse => Error::unsupported(
                "it is stored as a sparse file, without its holes, so it cannot be mapped: extract it, or store it \
                 whole (`tar` without `--sparse`)",
            ),
            Kind::Folder => refused("it is a folder"),
            Kind::HardLink(to) => {
                refused(format!("it is a hard link to the member {to:?}, which is not in front of it"))
            }
            Kind::SymbolicLink(to) => refused(format!("it is a symbolic link to {to:?}")),
            Kind::Other(kind) => {
                refused(format!("it is of the type '{}', not a regular file", char::from(*kind).escape_default()))
            }
        };
        Some(refusal)
    }
}

pub(super) fn plain(mut name: &str) -> &str {
    while let Some(rest) = name.strip_prefix("./") {
        name = rest.trim_start_matches('/');
    }
    name
}

/// The reason why the headers of an archive were not read up to the mark of its end.
pub(super) struct Damage {
    bytes: Range<u64>,
    pub(super) text: String,
}

impl Damage {
    pub(super) fn error(&self) -> Error {
        broken(format!("the archive is not whole: {}", self.text)).at_bytes(self.bytes.clone())
    }
}

/// Returns the error for an archive that cannot be read.
pub(super) fn broken(text: impl Into<String>) -> Error {
    refused(text).damaged()
}

/// Returns the error for an archive that lacks what is asked for.
pub(super) fn refused(text: impl Into<String>) -> Error {
    Reason::Archive(text.into()).error()
}

/// The contents of the extended headers in front of a member.
#[derive(Default, PartialEq)]
struct Extensions {
    /// GNU tar's long name, and that of the link's target.
    long_name: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
    /// The records of a PAX header; an empty one is none.
    path: Option<Vec<u8>>,
    link_path: Option<Vec<u8>>,
    size: Option<u64>,
    /// The name of a sparse file, whose `path` is an invented one.
    sparse_path: Option<Vec<u8>>,
    sparse: bool,
}

impl Extensions {
    /// Adds the records of a PAX header: `LENGTH KEY=VALUE\n`, where the length is that of the whole record ([pax]).
    /// Returns the reason if they are malformed.
    ///
    /// [pax]: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_03
    fn read_pax(&mut self, mut text: &[u8]) -> Result<(), &'static str> {
        // Python's `tarfile` also stops at a NUL.
        while text.first().is_some_and(|&byte| byte != 0) {
            let (record, rest) = split_record(text).ok_or("a record of a PAX header is malformed")?;
            let equals = record.iter().position(|&byte| byte == b'=').ok_or("a record of a PAX header has no value")?;
            let (key, value) = (&record[..equals], &record[equals + 1..]);
            let stated = (!value.is_empty()).then(|| value.to_vec());
            match key {
                b"path" => self.path = stated,
                b"linkpath" => self.link_path = stated,
                b"size" => {
                    let size = stated.map(|size| number(&size).ok_or("the size in a PAX header is not a number"));
                    self.size = size.transpose()?;
                }
                _ if key.starts_with(b"GNU.sparse.") => {
                    self.sparse = true;
                    if key == b"GNU.sparse.name" {
                        self.sparse_path = stated;
                    }
                }
                _ => {}
            }
            text = rest;
        }
        Ok(())
    }

    fn name(&mut self, header: &Header) -> String {
        let stated = self.sparse_path.take().or(self.path.take()).or(self.long_name.take());
        text_of(&stated.map_or_else(|| header.path_bytes(), Into::into))
    }

    fn link(&mut self, header: &Header) -> String {
        let stated = self.link_path.take().or(self.long_link.take());
        text_of(&stated.map_or_else(|| header.link_name_bytes().unwrap_or_default(), Into::into))
    }
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Returns the first record of a PAX header without its length and newline, and the rest.
fn split_record(text: &[u8]) -> Option<(&[u8], &[u8])> {
    // The length of the longest header has seven digits.
    let space = text.iter().take(8).position(|&byte| byte == b' ')?;
    let len = usize::try_from(number(&text[..space])?).ok()?;
    let (record, rest) = text.split_at_checked(len)?;
    Some((record.get(space + 1..)?.strip_suffix(b"\n")?, rest))
}

/// Parses a decimal number, which consists of digits only.
fn number(digits: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(digits).ok()?;
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Returns the size of the contents, if the header states a valid one.
fn size_of_contents(header: &Header) -> Option<u64> {
    match header.as_old().size {
        // GNU tar writes none for the label of a volume.
        [0 | b' ', ..] if header.as_old().size.iter().all(|&byte| matches!(byte, 0 | b' ')) => Some(0),
        // Octal digits, or a binary number, of which the crate reads the last eight bytes.
        [..0x80, ..] | [0x80, 0, 0, 0, ..] => header.entry_size().ok(),
        // A negative number, or one that is too large.
        _ => None,
    }
}

/// Returns the checksum of a header, if it is the one that the header states.
pub(super) fn checksum(header: &Header) -> Option<u32> {
    let stated = header.cksum().ok()?;
    let bytes = header.as_bytes();
    // The checksum itself counts as spaces.
    let summed = || bytes[..148].iter().chain(&bytes[156..]);
    let sum = 8 * 32 + summed().map(|&byte| u32::from(byte)).sum::<u32>();
    // Some old programs have added signed bytes.
    let signed = 8 * 32 + summed().map(|&byte| i64::from(byte as i8)).sum::<i64>();
    (sum == stated || signed == i64::from(stated)).then_some(stated)
}

/// Returns the characters in front of the first NUL.
fn until_nul(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len()));
    bytes
}

/// The reason why reading the headers stops.
enum Stop {
    /// An unexpected end of the file.
    Cut,
    /// An invalid header or extended header, with the reason.
    Invalid(&'static str),
    /// An error of the operating system.
    Failed(Error),
}

/// The headers of an archive, read from the beginning to the end.
pub(super) struct Headers<'a> {
    file: &'a File,
    file_len: u64,
    /// The offset of the next header.
    position: u64,
}

impl<'a> Headers<'a> {
    pub(super) fn new(file: &'a File, file_len: u64) -> Self {
        Self { file, file_len, position: 0 }
    }

    /// Reads bytes from an offset on.
    fn read_at(&self, position: u64, target: &mut [u8]) -> Result<(), Stop> {
        At { file: self.file, position }.read_exact(target).map_err(|source| match source.kind() {
            io::ErrorKind::UnexpectedEof => Stop::Cut,
            _ => Stop::Failed(Error::io("read a header", source).at_bytes(position..position + target.len() as u64)),
        })
    }

    /// Reads the block at the position, and steps over it.
    fn block(&mut self) -> Result<[u8; BLOCK], Stop> {
        let mut block = [0; BLOCK];
        let end = self.position.checked_add(BLOCK as u64).filter(|&end| end <= self.file_len).ok_or(Stop::Cut)?;
        self.read_at(self.position, &mut block)?;
        self.position = end;
        Ok(block)
    }

    /// Steps over contents of a size, and returns their range.
    fn contents(&mut self, size: Option<u64>) -> Result<Range<u64>, Stop> {
        let size = size.ok_or(Stop::Invalid("a header states no valid size"))?;
        let too_large = Stop::Invalid("a header states a size beyond 2^64");
        let end = self.position.checked_add(size).filter(|&end| end <= u64::MAX - BLOCK as u64).ok_or(too_large)?;
        let bytes = self.position..end;
        self.position = end.next_multiple_of(BLOCK as u64);
        Ok(bytes)
    }

    /// Reads the contents of an extended header, and steps over them.
    fn extension(&mut self, header: &Header) -> Result<Vec<u8>, Stop> {
        let bytes = self.contents(size_of_contents(header))?;
        let size = bytes.end - bytes.start;
        if size > MAX_EXTENSION {
            return Err(Stop::Invalid("a long name or a PAX header has more than 1 MiB"));
        }
        if bytes.end > self.file_len {
            return Err(Stop::Cut);
        }
        let mut contents = vec![0; size as usize];
        self.read_at(bytes.start, &mut contents)?;
        Ok(contents)
    }

    /// Reads the headers of the next member, and steps over its contents. Returns `None` at the mark of the end.
    fn next(&mut self) -> Result<Option<Entry>, Stop> {
        let mut extensions = Extensions::default();
        loop {
            let block = self.block()?;
            if block == [0; BLOCK] {
                return match extensions == Extensions::default() {
                    true => Ok(None),
                    false => Err(Stop::Invalid("an extended header is of a member that does not follow")),
                };
            }
            let header = Header::from_byte_slice(&block);
            let sum = checksum(header).ok_or(Stop::Invalid("the checksum of a header is wrong"))?;
            match header.entry_type() {
                EntryType::GNULongName => extensions.long_name = Some(until_nul(self.extension(header)?)),
                EntryType::GNULongLink => extensions.long_link = Some(until_nul(self.extension(header)?)),
                // Solaris writes PAX headers as `X`.
                EntryType::XHeader | EntryType::__Nonexhaustive(b'X') => {
                    extensions.read_pax(&self.extension(header)?).map_err(Stop::Invalid)?;
                }
                EntryType::XGlobalHeader => {
                    let mut global = Extensions::default();
                    global.read_pax(&self.extension(header)?).map_err(Stop::Invalid)?;
                    if global != Extensions::default() {
                        return Err(Stop::Invalid("a global PAX header states the name or the size of members"));
                    }
                }
                _ => return self.entry(header, sum, extensions).map(Some),
            }
        }
    }

    /// Returns the member of a header, and steps over its contents.
    fn entry(&mut self, header: &Header, sum: u32, mut extensions: Extensions) -> Result<Entry, Stop> {
        let name = extensions.name(header);
        let kind = match header.as_old().linkflag[0] {
            // In V7's format, folders are only told by their names.
            0 if name.ends_with('/') => Kind::Folder,
            0 | b'0' | b'7' if extensions.sparse => Kind::Sparse,
            0 | b'0' | b'7' => Kind::File,
            b'1' => Kind::HardLink(extensions.link(header)),
            b'2' => Kind::SymbolicLink(extensions.link(header)),
            b'5' => Kind::Folder,
            b'S' => {
                // Behind the header of a sparse file, more of its extents may follow: tar(5), `isextended`.
                let mut more = header.as_bytes()[482] != 0;
                while more {
                    more = self.block()?[504] != 0;
                }
                Kind::Sparse
            }
            kind => Kind::Other(kind),
        };
        // POSIX: no contents follow, whatever the size of these.
        let size = match kind {
            Kind::HardLink(_) | Kind::SymbolicLink(_) | Kind::Folder | Kind::Other(b'3' | b'4' | b'6') => Some(0),
            _ => extensions.size.or_else(|| size_of_contents(header)),
        };
        Ok(Entry { name, kind, bytes: self.contents(size)?, sum })
    }

    /// Reads all headers. Returns the entries in the order of the archive, and why there may be more, if so.
    pub(super) fn read(mut self) -> Result<(Vec<Entry>, Option<Damage>)> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let start = self.position;
            let (text, bytes) = match self.next() {
                Ok(Some(entry)) => {
                    entries.push(entry);
                    continue;
                }
                Ok(None) => return Ok((entries, None)),
                Err(Stop::Failed(error)) => return Err(error),
                Err(Stop::Invalid(text)) => (format!("{text} (from byte {start} on)"), start..self.position),
                Err(Stop::Cut) => {
                    let last = entries.last().filter(|entry| entry.bytes.end > self.file_len);
                    let place = last.map_or("before the zeros that end an archive".to_owned(), |entry| {
                        format!("within the member {:?}, which has bytes up to {}", entry.name, entry.bytes.end)
                    });
                    let text =
                        format!("the file ends at byte {}, {place}; it is cut, or still being written", self.file_len);
                    (text, self.file_len..self.position.max(self.file_len.saturating_add(1)))
                }
            };
            return Ok((entries, Some(Damage { text, bytes })));
        }
    }
}
