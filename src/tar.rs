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

mod headers;

use crate::array::Source;
use crate::array::source::{self, Bytes, FileBytes, FilePart, Want};
use crate::error::{Error, Result};
use crate::npy::Header as NpyHeader;
use crate::region::{self, At};
use ::tar::Header;
use headers::{BLOCK, Damage, Entry, Headers, Kind, broken, checksum, plain, refused};
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::Arc;

/// An open tar archive: the names and offsets of its members. See the [module](self).
pub struct Archive {
    file: File,
    path: PathBuf,
    entries: Arc<[Entry]>,
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
        let (entries, damage) = Headers::new(&file, file_len).read()?;
        match damage {
            Some(damage) if entries.is_empty() => {
                let mut first = [0; BLOCK];
                let read = At { file: &file, position: 0 }.read_exact(&mut first);
                let begins = read.is_ok() && checksum(Header::from_byte_slice(&first)).is_some();
                Err(if begins { damage.error() } else { not_an_archive(&file) })
            }
            damage => Ok(Self { file, path: path.to_path_buf(), entries: entries.into(), damage }),
        }
    }

    /// Returns the archive's path as it was given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the open file.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
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

/// Members are equal if they are the same member of the same open archive.
impl PartialEq for Member<'_> {
    fn eq(&self, other: &Self) -> bool {
        ptr::eq(self.entry, other.entry)
    }
}

impl Eq for Member<'_> {}

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
        self.named(|| Ok(Whole { reader: self.file_bytes()?.reader(0), left: self.size() }))
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
        let (entries, start) = (Arc::clone(&archive.entries), self.entry.bytes.start);
        let find = move |file: &File| {
            // No other begins there. They are counted here, and not each time that a member is opened.
            let behind = entries.iter().rev().take_while(|entry| entry.bytes.start != start);
            let behind = behind.filter(|entry| entry.plain_name() == plain(&name)).count();
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

/// A reader that returns an error if bytes are missing at the end.
struct Whole<R> {
    reader: R,
    left: u64,
}

impl<R: Read> Read for Whole<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        if count == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= count as u64;
        Ok(count)
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
