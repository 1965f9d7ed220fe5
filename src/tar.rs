//! Members of uncompressed tar archives: listing them, and opening them in place.
//!
//! A tar archive is a sequence of members, each of which is a header of 512 bytes and the bytes of one file, padded to
//! a multiple of 512 bytes ([tar(5)]). So the bytes of a file are contiguous in the archive and begin at a multiple
//! of 512 bytes, and can be memory-mapped there: datasets of many files in one, such as WebDataset's shards, need no
//! extraction. The elements of a `.npy` file in an archive are aligned as they are in the file by itself: to 64 bytes,
//! if NumPy 1.14 or newer has written it.
//!
//! ```
//! use mmap_array::{Le, MmapArray, npy, tar};
//! # let dir = tempfile::tempdir()?;
//! # let (path, file) = (dir.path().join("shard.tar"), dir.path().join("x.npy"));
//! npy::save(&file, &vec![[0.5, 1.5], [2.5, 3.5]])?;
//! let mut builder = ::tar::Builder::new(std::fs::File::create(&path)?); // the crate `tar`
//! builder.append_path_with_name(&file, "train/x.npy")?;
//! let mut header = ::tar::Header::new_ustar();
//! header.set_size(4);
//! builder.append_data(&mut header, "train/y.bin", &[1_u8, 0, 2, 0][..])?;
//! builder.finish()?;
//!
//! let archive = tar::Archive::open(&path)?; //                             tarfile.open(path, "r:")
//! archive.check()?;
//! let names: Vec<_> = archive.members().map(|member| member.name()).collect();
//! assert_eq!(names, ["train/x.npy", "train/y.bin"]);
//! let x = npy::options::<f64>().rows(1..).open_shared(archive.member("train/x.npy")?)?; // mapped, where it is
//! assert_eq!(x.read(|view| view.sum())?, 6.0);
//! let y = MmapArray::<Le<u16>>::options().open_shared(archive.member("train/y.bin")?)?;
//! assert_eq!(y.read(|view| view.to_native_vec())?, [1, 2]);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Formats
//!
//! The formats are those that GNU tar, bsdtar and Python's `tarfile` write: V7, USTAR, GNU and PAX, members of more
//! than 8 GiB and long names included. An archive that is compressed as a whole (`.tar.gz`, `.tar.zst`) does not
//! contain the bytes of its members as such, so it is refused; so are members that are stored as sparse files, without
//! their holes. GNU tar stores them so if `--sparse` is given, bsdtar and the crate `tar` unless they are told not to
//! (`--no-read-sparse`, `Builder::sparse(false)`).
//!
//! A member is the source of an array only if it is a regular file. Links, folders and other kinds are not listed;
//! [`member`](Archive::member) follows hard links, and states what the others are.
//!
//! An extended header (a long name, or a PAX header with extended attributes) may have at most 1 MiB, and global PAX
//! headers may state no names and sizes: an archive is read up to a header that does not comply.
//!
//! # Archives that are cut or damaged
//!
//! Opening reads the headers one after another, up to the zeros that mark the end of an archive. If the file ends
//! before them, because it is cut or still being written, or if a header is damaged, the members in front of that place
//! are available, and [`check`](Archive::check) returns the error. A member that is only partly in the file is listed,
//! but does not open. A tar archive has no checksums of contents, so changed elements are not found.
//!
//! [tar(5)]: https://man.freebsd.org/cgi/man.cgi?tar(5)

use crate::array::Source;
use crate::array::source::{self, Bytes, FileBytes, FilePart, Want};
use crate::error::{Error, Reason, Result};
use crate::npy::Header as NpyHeader;
use crate::region::{self, At};
use ::tar::{EntryType, Header};
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::Arc;

/// The size of a header; contents are padded to a multiple of it.
const BLOCK: usize = 512;

/// The largest size of a long name or a PAX header.
const MAX_EXTENSION: u64 = 1 << 20;

/// An open tar archive: the names and offsets of its members. See the [module](self).
pub struct Archive {
    file: File,
    path: PathBuf,
    entries: Vec<Entry>,
    damage: Option<Damage>,
}

/// A member of an [`Archive`] that is a regular file.
///
/// A member is a [`Source`]: whatever opens or loads a file accepts it as well, and treats its bytes as the file. It
/// opens for reading or copy-on-write.
#[derive(Clone, Copy)]
pub struct Member<'a> {
    archive: &'a Archive,
    entry: &'a Entry,
}

impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members = self.members().count();
        f.debug_struct("Archive").field("path", &self.path).field("members", &members).finish_non_exhaustive()
    }
}

impl fmt::Debug for Member<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, name) = (&self.archive.path, self.name());
        f.debug_struct("Member").field("path", path).field("name", &name).finish_non_exhaustive()
    }
}

/// What the headers of a member state.
struct Entry {
    name: String,
    kind: Kind,
    /// The range of the contents in the file, which may end past the end of the file.
    bytes: Range<u64>,
    /// The checksum of the header in front of the contents.
    sum: u32,
}

enum Kind {
    File,
    Sparse,
    Folder,
    HardLink(String),
    SymbolicLink(String),
    Other(u8),
}

impl Entry {
    /// Returns the name as the path of the extracted file: `./a` is `a`.
    fn plain_name(&self) -> &str {
        plain(&self.name)
    }

    /// Returns why the entry is not the source of an array, if it is not.
    fn refusal(&self) -> Option<Error> {
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

fn plain(mut name: &str) -> &str {
    while let Some(rest) = name.strip_prefix("./") {
        name = rest.trim_start_matches('/');
    }
    name
}

/// Why the headers of an archive were not read up to the mark of its end.
struct Damage {
    bytes: Range<u64>,
    text: String,
}

impl Damage {
    fn error(&self) -> Error {
        broken(format!("the archive is not whole: {}", self.text)).at_bytes(self.bytes.clone())
    }
}

/// Returns the error for an archive that cannot be read.
fn broken(text: impl Into<String>) -> Error {
    refused(text).damaged()
}

/// Returns the error for an archive that lacks what is asked for.
fn refused(text: impl Into<String>) -> Error {
    Reason::Archive(text.into()).error()
}

/// What the extended headers in front of a member state about it.
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
fn checksum(header: &Header) -> Option<u32> {
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

/// Why reading the headers stops.
enum Stop {
    /// The file ends.
    Cut,
    /// A header or an extended header is invalid, for this reason.
    Invalid(&'static str),
    /// The system cannot read the file.
    Failed(Error),
}

/// The headers of an archive, read from the beginning to the end.
struct Headers<'a> {
    file: &'a File,
    file_len: u64,
    /// The offset of the next header.
    position: u64,
}

impl Headers<'_> {
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
    fn read(mut self) -> Result<(Vec<Entry>, Option<Damage>)> {
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
                    (text, self.file_len..self.position)
                }
            };
            return Ok((entries, Some(Damage { text, bytes })));
        }
    }
}

/// Returns the error for a file that does not begin with a header, which names the format that it seems to have.
fn not_an_archive(file: &File) -> Error {
    let mut start = Vec::new();
    if let Err(source) = (At { file, position: 0 }).take(BLOCK as u64).read_to_end(&mut start) {
        return Error::io("read the first header", source);
    }
    let packed = |program: &str| {
        Error::unsupported(format!(
            "the file is compressed, as a `.tar` file is by `{program}`, so the bytes of its members are not in it as \
             such and cannot be mapped: decompress it first (`{program} -d`), or read it with the crate `tar` and pass \
             a member to `load_from`"
        ))
    };
    match &start[..] {
        [0x1f, 0x8b, ..] => packed("gzip"),
        [b'B', b'Z', b'h', ..] => packed("bzip2"),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => packed("xz"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => packed("zstd"),
        [0x04, 0x22, 0x4d, 0x18, ..] => packed("lz4"),
        [b'L', b'Z', b'I', b'P', ..] => packed("lzip"),
        [0x1f, 0x9d, ..] => packed("compress"),
        [b'P', b'K', 3, 4, ..] => broken("not a tar archive but a zip file: open it with `npz::Archive::open`"),
        [] => broken("not a tar archive: the file is empty"),
        _ => match NpyHeader::read(&mut At { file, position: 0 }) {
            Ok(_) => broken("not a tar archive but a `.npy` file: open it with `npy::open`"),
            Err(_) => broken("not a tar archive: there is no valid header in its first 512 bytes").at_bytes(0..512),
        },
    }
}

impl Archive {
    /// Opens an archive and reads the headers of its members, one after another. The contents are skipped.
    ///
    /// This takes a system call for each header, however large the members are, and memory for their names.
    ///
    /// # Errors
    ///
    /// [`Archive`](crate::ErrorKind::Archive) if the file is not an archive, or no member can be read;
    /// [`Unsupported`](crate::ErrorKind::Unsupported) if it is compressed; [`Io`](crate::ErrorKind::Io) and
    /// [`NotRegularFile`](crate::ErrorKind::NotRegularFile) if the file cannot be opened. For archives that are cut or
    /// damaged behind a member, see [`check`](Self::check).
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let open = || Self::of_file(region::open(path, false)?, path);
        open().map_err(|error: Error| error.in_file(Some(path)))
    }

    fn of_file(file: File, path: &Path) -> Result<Self> {
        let file_len = region::mappable_len(&file)?;
        let (entries, damage) = Headers { file: &file, file_len, position: 0 }.read()?;
        match damage {
            Some(damage) if entries.is_empty() => {
                let mut first = [0; BLOCK];
                let read = At { file: &file, position: 0 }.read_exact(&mut first);
                let begins = read.is_ok() && checksum(Header::from_byte_slice(&first)).is_some();
                Err(if begins { damage.error() } else { not_an_archive(&file) })
            }
            damage => Ok(Self { file, path: path.to_path_buf(), entries, damage }),
        }
    }

    /// Returns the archive's path as it was given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns an error if the headers could not be read up to the mark of the archive's end when it was opened: if the
    /// file is cut, still being written, or damaged. [`members`](Self::members) are then those in front of that place.
    ///
    /// # Errors
    ///
    /// [`Archive`](crate::ErrorKind::Archive), with the place in [`byte_range`](Error::byte_range).
    ///
    /// ```
    /// use mmap_array::{MmapArray, tar};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("a.tar");
    /// let mut builder = ::tar::Builder::new(Vec::new());
    /// for name in ["a", "b"] {
    ///     let mut header = ::tar::Header::new_ustar();
    ///     header.set_size(1000);
    ///     builder.append_data(&mut header, name, &[7; 1000][..])?;
    /// }
    /// std::fs::write(&path, &builder.into_inner()?[..2100])?; // two members of 512 + 1024 bytes
    ///
    /// let archive = tar::Archive::open(&path)?;
    /// let a = MmapArray::<u8>::options().open_shared(archive.member("a")?)?;
    /// assert_eq!(a.shape(), [1000]);
    /// assert!(archive.check().unwrap_err().to_string().contains("ends at byte 2100, within the member \"b\""));
    /// assert!(MmapArray::<u8>::options().open_shared(archive.member("b")?).is_err());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn check(&self) -> Result<()> {
        self.damage.as_ref().map_or(Ok(()), |damage| Err(damage.error().in_file(Some(&self.path))))
    }

    /// Returns the members that are regular files, in the order of the archive.
    ///
    /// A name may occur several times. To look up many names, collect them into a map: each call of
    /// [`member`](Self::member) goes through all of them.
    pub fn members(&self) -> impl DoubleEndedIterator<Item = Member<'_>> {
        let files = self.entries.iter().filter(|entry| matches!(entry.kind, Kind::File));
        files.map(|entry| Member { archive: self, entry })
    }

    /// Returns the member of the given name. If there are several, returns the last, which is the one that remains when
    /// the archive is extracted. A `./` at the beginning of a name does not count. A hard link, as programs write for
    /// the second name of a file, leads to the last member of the name that it states in front of it.
    ///
    /// # Errors
    ///
    /// [`Archive`](crate::ErrorKind::Archive) if there is none (the error lists the names that exist), or if the last
    /// one is not a regular file (the error states what it is); [`Unsupported`](crate::ErrorKind::Unsupported) if it is
    /// stored as a sparse file.
    pub fn member(&self, name: &str) -> Result<Member<'_>> {
        self.last_but(name, 0)
    }

    /// Returns the member of a name that has `behind` others of that name behind it.
    fn last_but(&self, name: &str, behind: usize) -> Result<Member<'_>> {
        let named = |name, entries: &'_ [Entry], behind| {
            let mut found = entries.iter().enumerate().rev().filter(|(_, entry)| entry.plain_name() == plain(name));
            found.nth(behind).map(|(index, _)| index)
        };
        let mut index = named(name, &self.entries, behind).ok_or_else(|| self.no_member(name))?;
        // Each step is towards the beginning.
        while let Kind::HardLink(to) = &self.entries[index].kind {
            let Some(target) = named(to, &self.entries[..index], 0) else { break };
            index = target;
        }
        let entry = &self.entries[index];
        match entry.refusal() {
            None => Ok(Member { archive: self, entry }),
            Some(error) => Err(error.of_member(&entry.name).in_file(Some(&self.path))),
        }
    }

    fn no_member(&self, name: &str) -> Error {
        let mut members = self.members().map(|member| member.name());
        let names: Vec<&str> = members.by_ref().take(20).collect();
        let more = if members.next().is_some() { " and more" } else { "" };
        let damage = self.damage.as_ref().map_or_else(String::new, |damage| format!("; {}", damage.text));
        let text = format!("there is no member {name:?}; the members are {names:?}{more}{damage}");
        refused(text).in_file(Some(&self.path))
    }
}

impl<'a> Member<'a> {
    /// Returns the name as it is in the archive, with `/` between the folders. Bytes that are not UTF-8 are replaced by
    /// U+FFFD.
    #[must_use]
    pub fn name(&self) -> &'a str {
        &self.entry.name
    }

    /// Returns the size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.entry.bytes.end - self.entry.bytes.start
    }

    /// Returns the offset of the member's first byte, in bytes from the beginning of the archive: a multiple of 512.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.entry.bytes.start
    }

    /// Returns a reader of the member's bytes, for members that are not arrays.
    ///
    /// # Errors
    ///
    /// [`Archive`](crate::ErrorKind::Archive) if the file does not have all of the member's bytes, or no longer has its
    /// header in front of them.
    ///
    /// ```
    /// use mmap_array::tar;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("a.tar");
    /// let mut builder = ::tar::Builder::new(std::fs::File::create(&path)?);
    /// let mut header = ::tar::Header::new_ustar();
    /// header.set_size(11);
    /// builder.append_data(&mut header, "x.json", &br#"{"class":3}"#[..])?;
    /// builder.finish()?;
    /// let text = std::io::read_to_string(tar::Archive::open(&path)?.member("x.json")?.reader()?)?;
    /// assert_eq!(text, r#"{"class":3}"#);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn reader(&self) -> Result<impl Read + use<'a>> {
        self.named(|| Ok(self.file_bytes()?.reader(0)))
    }

    /// Returns the range of the member's bytes in the file, after checking that the file still has them.
    fn bytes(&self) -> Result<Range<u64>> {
        let Range { start, end } = self.entry.bytes;
        let file = &self.archive.file;
        let file_len = region::mappable_len(file)?;
        if end > file_len {
            let text = format!(
                "its bytes {start}..{end} reach beyond the end of the file at byte {file_len}: the archive is cut, or \
                 still being written"
            );
            return Err(broken(text).at_bytes(start..end));
        }
        let mut block = [0; BLOCK];
        let position = start - BLOCK as u64;
        let read = At { file, position }.read_exact(&mut block);
        read.map_err(|source| Error::io("read its header", source))?;
        if checksum(Header::from_byte_slice(&block)) != Some(self.entry.sum) {
            let text = "its header is no longer in front of its bytes: the archive was written since it was opened; \
                        open it again";
            return Err(broken(text).at_bytes(position..start));
        }
        Ok(start..end)
    }

    /// Returns the member's bytes, with a function that finds them by the member's name after the archive has been
    /// replaced: as the last member of that name, or with as many of that name behind it as now.
    fn file_bytes(&self) -> Result<FileBytes<'a>> {
        let archive = self.archive;
        let (path, name) = (archive.path.clone(), self.entry.name.clone());
        let behind = archive.entries.iter().rev().take_while(|entry| !ptr::eq(*entry, self.entry));
        let behind = behind.filter(|entry| entry.plain_name() == plain(&name)).count();
        let find = move |file: &File| {
            let file = file.try_clone().map_err(|source| Error::io("keep the file open", source))?;
            let archive = Archive::of_file(file, &path).map_err(|error| error.in_file(Some(&path)))?;
            let member = archive.last_but(&name, behind)?;
            member.named(|| member.bytes())
        };
        let part = FilePart { bytes: self.bytes()?, find: Arc::new(find) };
        Ok(FileBytes { file: &archive.file, path: Some(&archive.path), member: Some(part) })
    }

    /// Adds the archive and the member to errors.
    fn named<R>(&self, f: impl FnOnce() -> Result<R>) -> Result<R> {
        f().map_err(|error| error.of_member(self.name()).in_file(Some(&self.archive.path)))
    }
}

impl Source for Member<'_> {}
impl source::sealed::Source for Member<'_> {
    fn lend<R>(self, want: Want, f: impl FnOnce(Bytes<'_>) -> Result<R>) -> Result<R> {
        self.named(|| match want {
            Want::Map { write: true } => {
                let text = "a member of an archive cannot be opened for writing; `open_cow` and `load` give an array \
                            that can be changed in memory";
                Err(Error::unsupported(text))
            }
            Want::Map { write: false } | Want::Header | Want::Load => f(Bytes::File(self.file_bytes()?)),
        })
    }
}

impl Source for &Member<'_> {}
impl source::sealed::Source for &Member<'_> {
    fn lend<R>(self, want: Want, f: impl FnOnce(Bytes<'_>) -> Result<R>) -> Result<R> {
        (*self).lend(want, f)
    }
}
