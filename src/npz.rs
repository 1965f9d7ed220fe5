//! NumPy's `.npz` archives of arrays: listing members, opening stored members in place, writing archives that can be
//! opened in place, adding members to them, and reading archives that were cut short.
//!
//! An archive is a zip file of `.npy` files. `np.savez` stores them uncompressed, so the elements of a member are
//! contiguous in the archive and can be memory-mapped there. NumPy itself does not do this: its `mmap_mode` has no
//! effect on archives. Members that `np.savez_compressed` deflates have to be read: [`npy::load`] streams them into
//! memory. So are members that other programs have compressed by other methods, each of which needs a Cargo feature:
//!
//! | method | feature | memory of the decoder |
//! | --- | --- | --- |
//! | deflate | `npz` | 100 KB |
//! | bzip2 | `bzip2` | 4 MB |
//! | lzma | `lzma-rust2` | the dictionary: 8 MB as Python writes it, at most 1 GiB, never more than the member |
//! | zstd | `ruzstd` | up to three windows: 8 MB each by default, at most 128 MiB, never much more than the member |
//!
//! ```
//! use mmap_array::{ArrayView, npy, npz};
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("both.npz");
//! let mut writer = npz::Writer::create(&path)?; //                       np.savez(path, x=…, n=…)
//! writer.add("x", &ArrayView::from_slice(&[0.5, 1.5, 2.5, 3.5], [2, 2])?)?;
//! writer.add("n", &ArrayView::from_slice(&[7_u8], ())?)?;
//! writer.finish()?;
//!
//! let archive = npz::Archive::open(&path)?; //                           np.load(path)
//! assert_eq!(archive.members().map(|member| member.name()).collect::<Vec<_>>(), ["x", "n"]);
//! let x = npy::options::<f64>().open_shared(archive.member("x")?)?; //    mapped, where it is
//! assert_eq!(x.at([1, 0])?, 2.5);
//! let row = npy::options::<f64>().rows(1..).open_shared(archive.member("x")?)?;
//! assert_eq!(row.read(|view| view.sum())?, 6.0);
//! let n = npy::load::<u8>(archive.member("n")?)?; //                     np.load(path)["n"], in memory
//! assert_eq!(*n, [7]);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! NumPy places members at any byte, so their elements are rarely aligned. [`open_shared`](crate::Options::open_shared)
//! and `load` accept any alignment. Slices of the file itself open everywhere only with an element type of alignment 1,
//! such as [`Le<f64>`](crate::Le) for `<f8`, or as arrays of the dtype that the file states ([`npy::dyn_options`]).
//! [`Writer`] aligns the elements to 64 bytes.
//!
//! Members that are not `.npy` files are bytes: [`Member::reader`] reads them, and the options of raw files open them
//! as arrays of any element type, such as `MmapArray::<u8>::options().open_shared(member)`.
//!
//! [`Writer::append`] adds members to an archive, replaces and removes them, without rewriting the others.
//! [`Archive::recover`] finds the members of an archive whose end was lost, or that is damaged elsewhere.
//!
//! Opening checks what a memory map depends on: that a member lies within the file and before the directory at its end,
//! that the name in front of its bytes is the member's, and that its elements lie within it. The checksum of a member,
//! which requires reading all of it, is checked by [`npy::load`] and [`reader`](Member::reader), but not when the
//! member is mapped.

mod decoder;
mod out;
mod records;
mod recover;
mod writer;

pub use writer::Writer;

use crate::array::Source;
use crate::array::source::{self, Bytes, FileBytes, FilePart, Stream, Want};
use crate::error::{Error, ErrorKind, Reason, Result};
use crate::npy::{self, Header};
use crate::region::{self, At};
use decoder::Decoder;
use rawzip::{CompressionMethod, ZipArchive, ZipArchiveEntryWayfinder, ZipFileHeaderRecord, ZipLocator};
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::Arc;

/// The number of times that the length of a file may change while its directory is looked for.
const MOST_TRIES: usize = 100;

/// An open `.npz` archive: the names and offsets of its members. See the [module](self).
pub struct Archive {
    zip: ZipArchive<ZipFile>,
    path: PathBuf,
    entries: Arc<[Entry]>,
    /// The names of the members that are not whole, if the archive was recovered.
    damaged: Vec<String>,
    /// The function that has opened the archive, to open it again.
    find: fn(File, &Path) -> Result<Self>,
}

/// A member of an [`Archive`], as described by the archive's directory.
///
/// A member is a [`Source`]: whatever opens or loads a file accepts it as well, `.npy` files and raw files. A stored
/// member opens in place, for reading ([`open`](npy::open)) or copy-on-write; a compressed member can be loaded.
///
/// ```
/// use mmap_array::{MmapArray, npz};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("a.npz");
/// # let mut writer = npz::Writer::create(&path)?;
/// # writer.add("x", &7_u8)?;
/// # writer.finish()?;
/// let archive = npz::Archive::open(&path)?;
/// for member in archive.members() {
///     println!("{}: {}, {} bytes, array: {}", member.name(), member.compression(), member.size(), member.is_npy()?);
/// }
/// let bytes = MmapArray::<u8>::options().open_shared(archive.member("x")?)?; // also of what is no array
/// assert_eq!(bytes.at([0])?, b'\x93');
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Member<'a> {
    archive: &'a Archive,
    entry: &'a Entry,
}

impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.members().map(|member| member.name()).collect();
        f.debug_struct("Archive").field("path", &self.path).field("members", &names).finish_non_exhaustive()
    }
}

impl fmt::Debug for Member<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, name) = (&self.archive.path, self.name());
        f.debug_struct("Member").field("path", path).field("name", &name).finish_non_exhaustive()
    }
}

/// Members are equal if they are the same member of the same open archive.
impl PartialEq for Member<'_> {
    fn eq(&self, other: &Self) -> bool {
        ptr::eq(self.entry, other.entry)
    }
}

impl Eq for Member<'_> {}

/// The file of an archive, read at any offset.
struct ZipFile {
    file: File,
    /// The number of bytes of the file that are read.
    len: u64,
    /// The bytes that are read behind them: the directory of an archive that was recovered.
    behind: Vec<u8>,
}

impl rawzip::ReaderAt for ZipFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match offset.checked_sub(self.len) {
            // The zip library gives up where a read is interrupted.
            None => loop {
                match (At { file: &self.file, position: offset }).take(self.len - offset).read(buffer) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    read => return read,
                }
            },
            Some(place) => {
                let behind = usize::try_from(place).ok().and_then(|place| self.behind.get(place..));
                behind.unwrap_or_default().read(buffer)
            }
        }
    }
}

/// The directory's entry for a member.
struct Entry {
    /// The name with the `.npy` at its end, if it has that.
    name: String,
    place: ZipArchiveEntryWayfinder,
    method: CompressionMethod,
    encrypted: bool,
}

impl Entry {
    fn new(record: &ZipFileHeaderRecord<'_>) -> Self {
        let name = name_of(record.file_path().as_ref(), record.flags().is_utf8());
        let (method, encrypted) = (record.compression_method(), record.flags().is_encrypted());
        Self { name, place: record.wayfinder(), method, encrypted }
    }

    fn short_name(&self) -> &str {
        self.name.strip_suffix(".npy").unwrap_or(&self.name)
    }
}

/// Decodes a name as Python's `zipfile` does.
fn name_of(bytes: &[u8], is_utf8: bool) -> String {
    let bytes = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
    match is_utf8 {
        true => String::from_utf8_lossy(bytes).into_owned(),
        false => bytes.iter().map(|&byte| cp437(byte)).collect(),
    }
}

/// Returns the character of a byte in names that are not marked as UTF-8: [code page 437].
///
/// [code page 437]: https://www.unicode.org/Public/MAPPINGS/VENDORS/MICSFT/PC/CP437.TXT
fn cp437(byte: u8) -> char {
    const UPPER: [char; 128] = [
        'Ç', 'ü', 'é', 'â', 'ä', 'à', 'å', 'ç', 'ê', 'ë', 'è', 'ï', 'î', 'ì', 'Ä', 'Å', 'É', 'æ', 'Æ', 'ô', 'ö', 'ò',
        'û', 'ù', 'ÿ', 'Ö', 'Ü', '¢', '£', '¥', '₧', 'ƒ', 'á', 'í', 'ó', 'ú', 'ñ', 'Ñ', 'ª', 'º', '¿', '⌐', '¬', '½',
        '¼', '¡', '«', '»', '░', '▒', '▓', '│', '┤', '╡', '╢', '╖', '╕', '╣', '║', '╗', '╝', '╜', '╛', '┐', '└', '┴',
        '┬', '├', '─', '┼', '╞', '╟', '╚', '╔', '╩', '╦', '╠', '═', '╬', '╧', '╨', '╤', '╥', '╙', '╘', '╒', '╓', '╫',
        '╪', '┘', '┌', '█', '▄', '▌', '▐', '▀', 'α', 'ß', 'Γ', 'π', 'Σ', 'σ', 'µ', 'τ', 'Φ', 'Θ', 'Ω', 'δ', '∞', 'φ',
        'ε', '∩', '≡', '±', '≥', '≤', '⌠', '⌡', '÷', '≈', '°', '∙', '·', '√', 'ⁿ', '²', '■', '\u{a0}',
    ];
    let upper = byte.checked_sub(128).map(|position| UPPER[usize::from(position)]);
    upper.unwrap_or(char::from(byte))
}

/// Returns the error for a file whose directory cannot be read: what else the file is.
fn explained(file: &File, error: Error) -> Error {
    if error.kind() != ErrorKind::Archive {
        return error;
    }
    if Header::read(&mut At { file, position: 0 }).is_ok() {
        return broken("not an archive but a `.npy` file: open it with `npy::open`");
    }
    let mut first = [0; 4];
    match (At { file, position: 0 }).read_exact(&mut first) {
        Ok(()) if first == records::LOCAL => broken(format!(
            "the archive was cut short, or its end is damaged: it begins with a member, but the directory at its end \
             cannot be read ({error}); `npz::Archive::recover` finds the members that are whole"
        )),
        _ => error,
    }
}

/// Returns the error for an archive that cannot be read.
fn broken(text: impl Into<String>) -> Error {
    refused(text).damaged()
}

/// Returns the error for an archive that lacks what is asked for, or cannot take what it is given.
fn refused(text: impl Into<String>) -> Error {
    Reason::Archive(text.into()).error()
}

/// Converts an error of the zip library.
fn zip_error(action: &'static str, error: rawzip::Error) -> Error {
    match error.into_kind() {
        rawzip::ErrorKind::IO(source) if source.kind() != io::ErrorKind::UnexpectedEof => Error::io(action, source),
        rawzip::ErrorKind::MissingEndOfCentralDirectory => {
            broken("not an archive: there is no directory of a zip file at the end of the file")
        }
        kind => broken(format!("cannot {action}, the archive is broken: {kind}")),
    }
}

impl Archive {
    /// Opens an archive and reads its directory, which is at the end of the file. The members are not read.
    ///
    /// Archives of any size and number of members (Zip64) are supported. Archives that follow other data
    /// (self-extracting ones) are supported too, but without members, with more than 65,535 members or 4 GiB, or behind
    /// another archive only if the offsets in the directory count these data.
    ///
    /// An archive to which members are being added, or were when the program was killed, is opened without these
    /// members. See [`Writer::append`].
    ///
    /// # Errors
    ///
    /// [`Archive`](crate::ErrorKind::Archive) if the file is not an archive or its directory is broken, for example
    /// because the file was cut short: see [`recover`](Self::recover).
    /// [`Io`](crate::ErrorKind::Io) and [`NotRegularFile`](crate::ErrorKind::NotRegularFile) if the file cannot be
    /// opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let open = || Self::of_file(region::open(path, false)?, path);
        open().map_err(|error: Error| error.in_file(Some(path)))
    }

    fn of_file(file: File, path: &Path) -> Result<Self> {
        let mut zip = ZipFile { file, len: u64::MAX, behind: Vec::new() };
        let mut file_len = region::mappable_len(&zip.file)?;
        let mut tries = 0;
        loop {
            let len = out::archive_len(&zip.file, file_len).unwrap_or(file_len);
            let opened = Self::of_zip(zip, len, path).and_then(|archive| archive.check_end(len));
            let file = opened.as_ref().map_or_else(|(zip, _)| &zip.file, |archive| &archive.zip.get_ref().file);
            // Where somebody adds members, what was the end of the file may have become anything.
            let len_now = region::mappable_len(file)?;
            if len_now == file_len || tries == MOST_TRIES {
                return opened.map_err(|(zip, error)| explained(&zip.file, error));
            }
            zip = opened.map_or_else(|(zip, _)| zip, |archive| archive.zip.into_inner());
            (file_len, tries) = (len_now, tries + 1);
        }
    }

    /// Reads the directory of an archive that ends at byte `end` of a file. Returns the file with the error.
    fn of_zip(zip: ZipFile, end: u64, path: &Path) -> Result<Self, (ZipFile, Error)> {
        // The largest record of a directory, so that any can be read.
        let mut buffer = vec![0; rawzip::MAX_CENTRAL_DIRECTORY_RECORD_SIZE];
        let located = ZipLocator::new().locate_in_reader(zip, &mut buffer, end);
        let zip = located.map_err(|(zip, error)| (zip, zip_error("find the directory", error)))?;
        let mut entries = Vec::new();
        let mut records = zip.entries(&mut buffer);
        loop {
            match records.next_entry() {
                Ok(Some(record)) => entries.push(Entry::new(&record)),
                Ok(None) => break,
                Err(error) => return Err((zip.into_inner(), zip_error("read the directory", error))),
            }
        }
        Ok(Self { zip, path: path.to_path_buf(), entries: entries.into(), damaged: Vec::new(), find: Self::of_file })
    }

    /// Checks that no members follow the archive's directory, up to byte `end`.
    fn check_end(self, end: u64) -> Result<Self, (ZipFile, Error)> {
        let mut next = Vec::new();
        let (file, position) = (&self.zip.get_ref().file, self.zip.end_offset());
        let read = At { file, position }.take(end.saturating_sub(position).min(4)).read_to_end(&mut next);
        // The file may be cut within the first of the bytes that begin a record, too.
        let is_record = |mark: &[u8; 4]| !next.is_empty() && mark.starts_with(&next);
        let marks = [records::LOCAL, records::ENTRY, records::END64, records::END];
        match read {
            Ok(_) if !marks.iter().any(is_record) => Ok(self),
            Ok(_) => Err((self.zip.into_inner(), broken("members or another directory follow the directory"))),
            Err(source) => Err((self.zip.into_inner(), Error::io("read what follows the directory", source))),
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
        &self.zip.get_ref().file
    }

    /// Returns all members in the order of the directory, including those that are not `.npy` files.
    pub fn members(&self) -> impl DoubleEndedIterator<Item = Member<'_>> + ExactSizeIterator {
        self.entries.iter().map(|entry| Member { archive: self, entry })
    }

    /// Returns the member of the given name, with or without the `.npy` at its end. If there are several, returns the
    /// last, as NumPy does. It looks at the names of all members.
    ///
    /// # Errors
    ///
    /// [`Archive`](crate::ErrorKind::Archive) if there is none; the error lists the names that exist.
    pub fn member(&self, name: &str) -> Result<Member<'_>> {
        let whole = self.members().rev().find(|member| member.entry.name == name);
        let member = whole.or_else(|| self.members().rev().find(|member| member.name() == name));
        member.ok_or_else(|| self.no_member(name))
    }

    fn no_member(&self, name: &str) -> Error {
        let names: Vec<&str> = self.members().map(|member| member.name()).take(20).collect();
        let more = if self.entries.len() > names.len() { " and more" } else { "" };
        refused(format!("there is no member {name:?}; the members are {names:?}{more}")).in_file(Some(&self.path))
    }
}

impl<'a> Member<'a> {
    /// Returns the name as NumPy shows it, without the `.npy`.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.entry.short_name()
    }

    /// Returns whether the member is stored uncompressed, so that it can be mapped.
    #[must_use]
    pub fn is_stored(&self) -> bool {
        self.entry.method == CompressionMethod::STORE
    }

    /// Returns the uncompressed size in bytes, according to the directory.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.entry.place.uncompressed_size_hint()
    }

    /// Returns the size in the archive in bytes, according to the directory.
    #[must_use]
    pub fn compressed_size(&self) -> u64 {
        self.entry.place.compressed_size_hint()
    }

    /// Returns the name of the method by which the member is compressed: `stored` if it is not, `deflate`, `bzip2`,
    /// `lzma`, `zstd`, or `method` and a number of the [specification].
    ///
    /// [specification]: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
    #[must_use]
    pub fn compression(&self) -> String {
        decoder::name(self.entry.method)
    }

    /// Returns whether the member is a `.npy` file, according to its first bytes.
    ///
    /// # Errors
    ///
    /// See [`reader`](Self::reader); [`Io`](crate::ErrorKind::Io) if the archive cannot be read.
    pub fn is_npy(&self) -> Result<bool> {
        let read = || {
            let mut first = Vec::new();
            let read = self.stream()?.into_inner().take(npy::MAGIC.len() as u64).read_to_end(&mut first);
            read.map_err(|source| Error::io("read the member", source)).map(|_| first == npy::MAGIC)
        };
        self.named(read)
    }

    /// Reads the header of the `.npy` file.
    ///
    /// # Errors
    ///
    /// [`Header`](crate::ErrorKind::Header) if the member is not a `.npy` file; [`Archive`](crate::ErrorKind::Archive)
    /// if it cannot be read.
    pub fn header(&self) -> Result<Header> {
        npy::header(self)
    }

    /// Returns the offset of the first element of the whole array, in bytes from the beginning of the archive.
    ///
    /// # Errors
    ///
    /// See [`header`](Self::header). Also [`Unsupported`](crate::ErrorKind::Unsupported) for a compressed member, whose
    /// elements are not in the archive as such.
    pub fn data_offset(&self) -> Result<u64> {
        // What is no `.npy` file says so, deflated too.
        if !self.is_stored() {
            self.header()?;
        }
        let start = self.named(|| self.stored_bytes())?.start;
        Ok(start + self.header()?.data_offset())
    }

    /// Returns a reader of the member's decompressed bytes, whether it is a `.npy` file or not.
    ///
    /// For members that can neither be mapped nor fit in memory. The reader checks the size and the checksum at the
    /// end.
    ///
    /// # Errors
    ///
    /// [`Archive`](crate::ErrorKind::Archive) for a member that is encrypted, a folder, not within the file, or
    /// compressed by a method that is not supported, or not without a feature.
    ///
    /// ```
    /// use mmap_array::{ArrayView, npz};
    /// # use std::io::Read;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("a.npz");
    /// let mut writer = npz::Writer::create(&path)?;
    /// writer.add("x", &ArrayView::from_slice(&[7_u8, 8, 9], 3)?)?;
    /// writer.finish()?;
    /// let mut bytes = Vec::new();
    /// npz::Archive::open(&path)?.member("x")?.reader()?.read_to_end(&mut bytes)?;
    /// assert_eq!((bytes.len(), &bytes[128..]), (131, &[7, 8, 9][..]));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn reader(&self) -> Result<impl Read + use<'a>> {
        self.named(|| self.stream())
    }

    fn stream(&self) -> Result<rawzip::ZipVerifier<Decoder<rawzip::ZipReader<&'a ZipFile>>>> {
        self.bytes()?;
        let entry = self.zip_entry()?;
        let reader = entry.reader();
        Ok(entry.verifying_reader(Decoder::new(self.entry.method, reader, self.size())?))
    }

    fn zip_entry(&self) -> Result<rawzip::ZipEntry<'a, ZipFile>> {
        self.archive.zip.get_entry(self.entry.place).map_err(|error| zip_error("find its bytes", error))
    }

    /// Checks that the bytes are the member's: that the header in front of them has the member's name too.
    fn check_name(&self, entry: &rawzip::ZipEntry<'_, ZipFile>) -> Result<()> {
        // The longest name and extra fields.
        let mut buffer = vec![0; 2 * usize::from(u16::MAX)];
        let header = entry.local_header(&mut buffer).map_err(|error| zip_error("find its bytes", error))?;
        // A program that writes another directory may encode names anew in it alone.
        let name = name_of(header.file_path().as_ref(), header.flags().is_utf8());
        if name != self.entry.name {
            let text = format!(
                "its bytes are those of {name:?}, according to the header in front of them: the archive is broken"
            );
            return Err(broken(text));
        }
        Ok(())
    }

    /// Returns the range of the member's bytes in the file, after checking that the file has them.
    fn bytes(&self) -> Result<Range<u64>> {
        if self.entry.encrypted {
            return Err(broken("it is encrypted"));
        }
        if self.entry.name.ends_with('/') {
            return Err(refused("it is a folder"));
        }
        let entry = self.zip_entry()?;
        let (start, end) = entry.compressed_data_range();
        let file_len = region::mappable_len(&self.archive.zip.get_ref().file)?;
        let last = file_len.min(self.archive.zip.directory_offset());
        if end > last {
            let text =
                format!("its bytes {start}..{end} reach beyond those of the archive's members, which end at {last}");
            return Err(broken(text).at_bytes(start..end));
        }
        let (size, compressed) = (self.size(), self.compressed_size());
        if !decoder::is_possible(self.entry.method, compressed, size) {
            let text = format!(
                "its {compressed} bytes in the archive cannot become the {size} bytes that the directory states"
            );
            return Err(broken(text).at_bytes(start..end));
        }
        self.check_name(&entry)?;
        Ok(start..end)
    }

    fn stored_bytes(&self) -> Result<Range<u64>> {
        if !self.is_stored() {
            let text = "it is compressed, so it cannot be mapped: `load` reads it into memory";
            return Err(Error::unsupported(text));
        }
        self.bytes()
    }

    /// Returns the member's bytes, with a function that finds them by the member's whole name after the archive has
    /// been replaced: as the last member of that name, or with as many of that name behind it as now.
    fn part(&self, bytes: Range<u64>) -> FilePart {
        let (path, name, open) = (self.archive.path.clone(), self.entry.name.clone(), self.archive.find);
        let (entries, address) = (Arc::clone(&self.archive.entries), ptr::from_ref(self.entry).addr());
        let find = move |file: &File| {
            // They are counted here, and not each time that a member is opened.
            let behind = entries.iter().rev().take_while(|entry| ptr::from_ref(*entry).addr() != address);
            let behind = behind.filter(|entry| entry.name == name).count();
            let file = file.try_clone().map_err(|source| Error::io("keep the file open", source))?;
            let archive = open(file, &path).map_err(|error| error.in_file(Some(&path)))?;
            let found = archive.members().rev().filter(|member| member.entry.name == name).nth(behind);
            let member = found.ok_or_else(|| archive.no_member(&name))?;
            member.named(|| member.stored_bytes())
        };
        FilePart { bytes, find: Arc::new(find) }
    }

    /// Adds the archive and the member to errors.
    fn named<R>(&self, f: impl FnOnce() -> Result<R>) -> Result<R> {
        f().map_err(|error| error.of_member(self.name()).in_file(Some(&self.archive.path)))
    }
}

impl Source for Member<'_> {}
impl source::sealed::Source for Member<'_> {
    fn lend<R>(self, want: Want, f: impl FnOnce(Bytes<'_>) -> Result<R>) -> Result<R> {
        let (file, path) = (&self.archive.zip.get_ref().file, Some(&*self.archive.path));
        self.named(|| match want {
            Want::Map { write: true } => {
                let text = "a member of an archive cannot be opened for writing; `open_cow` and `load` give an array \
                            that can be changed in memory";
                Err(Error::unsupported(text))
            }
            Want::Map { write: false } => {
                f(Bytes::File(FileBytes { file, path, member: Some(self.part(self.stored_bytes()?)) }))
            }
            Want::Header if self.is_stored() => {
                f(Bytes::File(FileBytes { file, path, member: Some(self.part(self.bytes()?)) }))
            }
            // The checksum is of the whole.
            Want::Header => f(Bytes::Stream(Stream::new(&mut self.stream()?.into_inner()))),
            Want::Load => f(Bytes::Stream(Stream::checked(&mut self.stream()?, Some(self.size())))),
        })
    }
}

impl Source for &Member<'_> {}
impl source::sealed::Source for &Member<'_> {
    fn lend<R>(self, want: Want, f: impl FnOnce(Bytes<'_>) -> Result<R>) -> Result<R> {
        (*self).lend(want, f)
    }
}
