//! Writing archives whose members can be mapped.

use super::out::{Old, Out, archive_len, is_mark};
use super::records::{self, Directory, ENTRY, ENTRY_LEN, EPOCH, IS_UTF8, Record, aligning, u16_at, u32_at};
use super::{Archive, broken, refused};
use crate::dynamic::AnyView;
use crate::error::{Error, Result};
use crate::npy::ArrayLike;
use crate::npy::save::{header_of, write_array};
use crate::region::{self, At, NewFile, OwnFile, RangeLock};
use flate2::{Compression, Crc, write::DeflateEncoder};
use rawzip::CompressionMethod as Method;
use std::collections::HashMap;
use std::fmt;
use std::io::{self, BufReader, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

/// A writer of a `.npz` archive, member by member: `np.savez` and `np.savez_compressed`. Also adds members to an
/// existing archive, and removes or replaces members, without rewriting the others.
///
/// Members that [`add`](Self::add) writes are stored uncompressed, and their elements begin at multiples of 64 bytes in
/// the archive, so that [members](super::Member) can be mapped as any type. NumPy and other programs read such
/// archives, also from a pipe. Arrays may be of any size and number; only a piece of one is in memory at a time.
///
/// The archive appears, complete, when [`finish`](Self::finish) is called, once it is on the disk. A writer that is
/// dropped before leaves the target as it was.
///
/// ```
/// use mmap_array::{MmapArrayMut, Order, npz};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("a.npz");
/// let image = MmapArrayMut::<u16>::anonymous([480, 640])?;
/// let mut writer = npz::Writer::create(&path)?;
/// writer.add("image", &image.view())?;
/// writer.add("turned", &image.view().t())?; // in Fortran order, as `np.savez` would
/// writer.finish()?;
/// let archive = npz::Archive::open(&path)?;
/// assert_eq!(archive.member("image")?.data_offset()? % 64, 0);
/// assert_eq!(archive.member("turned")?.header()?.order(), Order::F);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Writer {
    out: Out<Arc<OwnFile>>,
    /// The file that is to get its name, unless members are added to an archive.
    new: Option<NewFile>,
    /// The lock on the archive to which members are added, released after the output is dropped.
    _lock: Option<RangeLock>,
    path: PathBuf,
    /// The names of the members, with `.npy`.
    names: HashMap<String, Vec<usize>>,
    old: Old,
    /// The directory's records of new members.
    directory: Vec<u8>,
    /// The records that the directory is to have, as ranges of the old and the new directory's bytes together.
    records: Vec<Range<usize>>,
    comment: Vec<u8>,
    /// Whether a member has been written only in part.
    broken: bool,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, members) = (&self.path, self.names.values().map(Vec::len).sum::<usize>());
        f.debug_struct("Writer").field("path", path).field("members", &members).finish_non_exhaustive()
    }
}

impl Writer {
    /// Creates a writer of an archive. An existing file at `path` is replaced when the archive is finished.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io) if an I/O operation fails; [`NotRegularFile`](crate::ErrorKind::NotRegularFile) if
    /// the target exists and is not a regular file.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let new = NewFile::create(path, true)?;
        let out = Out::new(Arc::new(OwnFile::new(new.handle()?)));
        Ok(Self::new(out, Some(new), None, path))
    }

    fn new(out: Out<Arc<OwnFile>>, new: Option<NewFile>, lock: Option<RangeLock>, path: &Path) -> Self {
        let (path, names, old) = (path.to_path_buf(), HashMap::new(), Old::default());
        let (directory, records, comment) = (Vec::new(), Vec::new(), Vec::new());
        Self { out, new, _lock: lock, path, names, old, directory, records, comment, broken: false }
    }

    /// Creates a writer that adds members to an existing archive, and may [`remove`](Self::remove) members from it. The
    /// other members stay where they are, and may be mapped meanwhile. (Members that [`Archive::recover`] has found
    /// behind the end of the archive are none of it: what a killed program has left there is cut off.) Any archive that
    /// [`Archive::open`] opens can be added to, whatever its members are; Python: `zipfile.ZipFile(path, "a")`.
    ///
    /// New members are written behind the archive, and a new directory behind them. The old directory and the bytes of
    /// members that were removed stay in the file, but are not part of the archive any more: write a new archive to be
    /// rid of them.
    ///
    /// # Crashes and concurrent use
    ///
    /// The archive is the old one until [`finish`](Self::finish) makes it the new one, in one step, once everything is
    /// on the disk. This is also true if the program is killed or the power fails: nothing of the old archive is
    /// overwritten, and while members are written, the file ends with a copy of the old directory, behind a hole.
    /// (If the power fails, this requires that the file system does not make a file longer before it has written the
    /// bytes at its new end, as ext4, XFS and Btrfs by default.) Dropping the writer truncates the file to its former
    /// length. After a killed program, the file may be much longer than the archive, but takes little more space on the
    /// disk than was written; the next writer that adds members truncates it first.
    ///
    /// Other programs read the old archive, too, while members are written and after a program was killed: NumPy, and
    /// all that find the directory by the end of the file. There is one exception. At the beginning, and each time that
    /// the hole becomes too small, there is a moment until the copy of the directory is on the disk in which Python's
    /// `zipfile` finds no directory. If the program is killed in this moment, `zipfile` finds none until the next
    /// writer adds members; [`Archive::open`] does. Other programs must not change the archive at the same time. If
    /// they change it after a program was killed, the members that it has written remain in the file as unused bytes.
    ///
    /// Only one process or thread can add members at a time; others get an error and leave the file as it is. On
    /// systems and file systems without locks that belong to an open file, such as FreeBSD and some network file
    /// systems, nothing enforces this, and the caller must. On Windows, `finish` fails if another program has mapped
    /// the file while members were written.
    ///
    /// # Errors
    ///
    /// See [`Archive::open`]. Also [`Locked`](crate::ErrorKind::Locked) while another process or thread adds members;
    /// [`Unsupported`](crate::ErrorKind::Unsupported) for an archive of almost 4 GiB that follows other data, which the
    /// offsets in its directory do not count.
    ///
    /// ```
    /// use mmap_array::{npy, npz};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("a.npz");
    /// let mut writer = npz::Writer::create(&path)?;
    /// writer.add("x", &vec![0.5, 1.5])?;
    /// writer.add("version", &1_u32)?;
    /// writer.finish()?;
    ///
    /// let mut writer = npz::Writer::append(&path)?;
    /// writer.add("y", &vec![7_u8; 1000])?;
    /// writer.remove("version")?; //        replaced
    /// writer.add("version", &2_u32)?;
    /// writer.finish()?;
    /// let archive = npz::Archive::open(&path)?;
    /// assert_eq!(archive.members().map(|member| member.name()).collect::<Vec<_>>(), ["x", "y", "version"]);
    /// assert_eq!(*npy::load::<u32>(archive.member("version")?)?, [2]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn append(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let append = || {
            loop {
                let file = Arc::new(OwnFile::open(|| region::open(path, true))?);
                let lock = RangeLock::of_length(&file)?;
                // It may have been replaced before it was locked.
                if region::is_at(&file, path)? {
                    return Self::behind(file, lock, path);
                }
                thread::yield_now();
            }
        };
        append().map_err(|error: Error| error.in_file(Some(path)))
    }

    /// Creates a writer that adds to the archive in a locked file.
    fn behind(file: Arc<OwnFile>, lock: Option<RangeLock>, path: &Path) -> Result<Self> {
        let failed = |source| Error::io("read the directory", source);
        let file_len = region::mappable_len(&file)?;
        let archive = Archive::of_file(file.try_clone().map_err(failed)?, path)?;
        let len = archive_len(&file, file_len).map_err(failed)?;
        if len < file_len {
            file.set_len(len).map_err(|source| Error::io("cut off what a killed program has left", source))?;
        }
        let directory_at = archive.zip.directory_offset();
        let mut offset = [0; 4];
        let read = At { file: &file, position: archive.zip.eocd_offset() + 16 }.read_exact(&mut offset);
        read.map_err(failed)?;
        // The length of other data in front of the archive that its offsets do not count. Those of 64 bits do.
        let uncounted = match u32_at(&offset, 0) {
            u32::MAX => 0,
            offset => directory_at.saturating_sub(offset.into()),
        };
        let mut reader = BufReader::new(At { file: &file, position: directory_at });
        let (mut directory, mut records) = (Vec::new(), Vec::new());
        let mut names: HashMap<String, Vec<usize>> = HashMap::new();
        for (number, entry) in archive.entries.iter().enumerate() {
            let start = directory.len();
            directory.resize(start + ENTRY_LEN, 0);
            reader.read_exact(&mut directory[start..]).map_err(failed)?;
            let record = &mut directory[start..];
            if !record.starts_with(&ENTRY) {
                return Err(broken("cannot read the directory: the file was changed while it was read"));
            }
            if !records::shift(record, uncounted) {
                return Err(Error::unsupported(format!(
                    "cannot add members: the archive follows {uncounted} bytes of other data, which its offsets do not \
                     count, and is too large for its offsets to count them"
                )));
            }
            let end = start + records::entry_len(record);
            directory.resize(end, 0);
            reader.read_exact(&mut directory[start + ENTRY_LEN..]).map_err(failed)?;
            records.push(start..end);
            names.entry(entry.name.clone()).or_default().push(number);
        }
        let mut comment = Vec::new();
        archive.zip.comment().read_to_end(&mut comment).map_err(failed)?;
        // What another program made of an archive that was being added to.
        comment = if is_mark(&comment) { Vec::new() } else { comment };
        let count = records.len() as u64;
        let old = Old { len, directory_at, directory: directory.into(), count };
        let out = Out::behind(file, old.clone());
        Ok(Self { names, old, records, comment, ..Self::new(out, None, lock, path) })
    }

    /// Adds an array as the member `name`, to which `.npy` is appended. An array that is contiguous in Fortran order
    /// and not in C order is written in Fortran order, any other in C order.
    ///
    /// # Errors
    ///
    /// [`Archive`](crate::ErrorKind::Archive) if a member of that name exists ([`remove`](Self::remove) it first to
    /// replace it) or the name cannot be written; [`DType`](crate::ErrorKind::DType) for a dtype that a header cannot
    /// describe; [`Io`](crate::ErrorKind::Io) if an I/O operation fails. After an error in the middle of a member,
    /// nothing more can be added and the archive cannot be finished; after any other error the archive is as before.
    pub fn add(&mut self, name: &str, array: &(impl ArrayLike + ?Sized)) -> Result<()> {
        self.add_by(Method::STORE, name, array)
    }

    /// Adds an array as the member `name`, compressed by deflate: `np.savez_compressed`. Such a member cannot be
    /// mapped, but loaded. See [`add`](Self::add).
    ///
    /// # Errors
    ///
    /// See [`add`](Self::add).
    ///
    /// ```
    /// use mmap_array::{npy, npz};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("a.npz");
    /// let mut writer = npz::Writer::create(&path)?;
    /// writer.add_compressed("zeros", &vec![0.0; 100_000])?;
    /// writer.finish()?;
    /// assert!(std::fs::metadata(&path)?.len() < 2000);
    /// let archive = npz::Archive::open(&path)?;
    /// assert_eq!(*npy::load::<f64>(archive.member("zeros")?)?, [0.0; 100_000]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn add_compressed(&mut self, name: &str, array: &(impl ArrayLike + ?Sized)) -> Result<()> {
        self.add_by(Method::DEFLATE, name, array)
    }

    fn add_by(&mut self, method: Method, name: &str, array: &(impl ArrayLike + ?Sized)) -> Result<()> {
        let add = |view: &dyn AnyView| self.add_view(method, name, view);
        array.lend(add).map_err(|error| error.of_member(name).in_file(Some(&self.path)))
    }

    fn add_view(&mut self, method: Method, name: &str, view: &dyn AnyView) -> Result<()> {
        self.check_unbroken()?;
        let header = header_of(view)?;
        let name = self.new_name(name)?;
        let failed = |source| Error::io("write the archive", source);
        let size = header.data_offset().saturating_add(header.nbytes());
        let flags = if name.is_ascii() { 0 } else { IS_UTF8 };
        let (method_number, raw_name, offset) = (method.as_u16(), name.clone().into_bytes(), self.out.position());
        let (time, crc) = (EPOCH, 0);
        let record = Record { flags, method: method_number, time, crc, compressed: 0, size: 0, name: raw_name, offset };
        // What deflate cannot make smaller becomes longer by less than this.
        let zip64 = size >= u64::from(u32::MAX) - (1 << 24);
        let unaligned = record.local(zip64, &[]).len() as u64;
        let extra = match method {
            Method::STORE => aligning(offset + unaligned),
            _ => Vec::new(),
        };
        let header_len = unaligned as usize + extra.len();
        self.broken = true;
        if method == Method::STORE {
            self.out.reserve(size.saturating_add(header_len as u64)).map_err(failed)?;
        }
        // The header comes last, when it is known what it says.
        self.out.write_all(&vec![0; header_len]).map_err(failed)?;
        let start = self.out.position();
        let (crc, size) = match method {
            Method::STORE => {
                let mut summed = Summed { writer: &mut self.out, sum: Crc::new(), len: 0 };
                write_array(&mut summed, &header, view)?;
                (summed.sum.sum(), summed.len)
            }
            _ => {
                let encoder = DeflateEncoder::new(&mut self.out, Compression::default());
                let mut summed = Summed { writer: encoder, sum: Crc::new(), len: 0 };
                write_array(&mut summed, &header, view)?;
                summed.writer.finish().map_err(failed)?;
                (summed.sum.sum(), summed.len)
            }
        };
        let record = Record { crc, size, compressed: self.out.position() - start, ..record };
        self.out.patch(offset, &record.local(zip64, &extra)).map_err(failed)?;
        let entry = record.entry();
        let start = self.old.directory.len() + self.directory.len();
        self.names.insert(name, vec![self.records.len()]);
        self.records.push(start..start + entry.len());
        self.directory.extend(entry);
        self.broken = false;
        Ok(())
    }

    /// Removes the member of the given name, with or without the `.npy` at its end; if there are several of the same
    /// name, all of them. Its bytes stay in the file. A member that is added later may have its name.
    ///
    /// # Errors
    ///
    /// [`Archive`](crate::ErrorKind::Archive) if there is none, or if several have names that are not the same bytes
    /// but are read as this name.
    pub fn remove(&mut self, name: &str) -> Result<()> {
        let find = |this: &Self| {
            this.check_unbroken()?;
            let whole = [name.to_owned(), format!("{name}.npy")].into_iter().find(|name| this.names.contains_key(name));
            let whole = whole.ok_or_else(|| refused("there is no member of that name, so it cannot be removed"))?;
            let mut stored = this.names[&whole].iter().map(|&number| this.stored_name(&this.records[number]));
            let first = stored.next();
            if stored.any(|other| Some(other) != first) {
                let text = "several members have names that are read as this one, but are stored as different bytes, so \
                            none of them is removed";
                return Err(refused(text));
            }
            Ok(whole)
        };
        let whole = find(self).map_err(|error| error.of_member(name).in_file(Some(&self.path)))?;
        for number in self.names.remove(&whole).unwrap_or_default() {
            self.records[number] = 0..0;
        }
        Ok(())
    }

    /// Returns whether members have been added or removed.
    fn is_changed(&self) -> bool {
        !self.directory.is_empty() || self.records.iter().any(Range::is_empty)
    }

    /// Returns the bytes of a record.
    fn record(&self, range: &Range<usize>) -> &[u8] {
        match range.start.checked_sub(self.old.directory.len()) {
            None => &self.old.directory[range.clone()],
            Some(start) => &self.directory[start..start + range.len()],
        }
    }

    /// Returns the bytes of the name in a record.
    fn stored_name(&self, range: &Range<usize>) -> &[u8] {
        let record = self.record(range);
        &record[ENTRY_LEN..ENTRY_LEN + usize::from(u16_at(record, 28))]
    }

    fn check_unbroken(&self) -> Result<()> {
        if self.broken { Err(refused("an earlier member could not be written completely")) } else { Ok(()) }
    }

    /// Returns the name that the archive stores: `name` with `.npy`.
    fn new_name(&self, name: &str) -> Result<String> {
        let name = format!("{name}.npy");
        if self.names.contains_key(&name) {
            return Err(refused("a member of that name exists already; `remove` it first to replace it"));
        }
        if name.len() > usize::from(u16::MAX) {
            return Err(refused(format!(
                "a name of {} bytes is too long: the maximum is 65,535 bytes, including `.npy`",
                name.len()
            )));
        }
        if name.contains('\0') {
            return Err(refused("a name cannot contain a NUL character"));
        }
        Ok(name)
    }

    /// Writes the directory at the end. Then gives a new file its name, or makes the archive to which members were
    /// added the new one. If no member was added or removed, an existing archive stays as it is.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io) if an I/O operation fails, or another program has made the archive longer or
    /// shorter; [`Archive`](crate::ErrorKind::Archive) if an earlier operation failed in the middle of a member. The
    /// target is then as it was, but if the system fails to write the new length of an existing archive to the disk,
    /// the archive is the new one until the power fails.
    pub fn finish(mut self) -> Result<()> {
        let finish = |this: &mut Self| {
            this.check_unbroken()?;
            if this.new.is_none() && !this.is_changed() {
                return Ok(false);
            }
            this.write_directory().map(|()| true).map_err(|source| Error::io("write the directory", source))
        };
        if !finish(&mut self).map_err(|error| error.in_file(Some(&self.path)))? {
            return Ok(());
        }
        let Self { out, new, path, _lock, .. } = self;
        let finished = out.finish().map_err(|source| Error::io("write the archive to the disk", source));
        let named = finished.and_then(|()| new.map_or(Ok(()), |mut new| new.persist()));
        named.map_err(|error| error.in_file(Some(&path)))
    }

    fn write_directory(&mut self) -> io::Result<()> {
        let offset = self.out.position();
        let out = &mut self.out;
        for record in &self.records {
            let bytes = match record.start.checked_sub(self.old.directory.len()) {
                None => &self.old.directory[record.clone()],
                Some(start) => &self.directory[start..start + record.len()],
            };
            out.write_all(bytes)?;
        }
        let at = out.position();
        let (count, len) = (self.records.iter().filter(|record| !record.is_empty()).count() as u64, at - offset);
        let directory = Directory { count, len, offset };
        out.write_all(&directory.end(at, directory.is_zip64(), &self.comment))
    }
}

/// A writer that computes the checksum and the number of the bytes.
struct Summed<W> {
    writer: W,
    sum: Crc,
    len: u64,
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.writer.write(bytes)?;
        self.sum.update(&bytes[..count]);
        self.len += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_leaves_nothing_to_finish() {
        use super::{Out, OwnFile, Writer};
        use crate::error::ErrorKind;
        use std::sync::Arc;
        use std::{fs, io};

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npz");
        fs::write(&path, "before").unwrap();
        let mut writer = Writer::create(&path).unwrap();
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        writer.out = Out::new(Arc::new(OwnFile::new(full)));
        let error = writer.add("large", &vec![1_u8; 1 << 17]).unwrap_err();
        assert!(error.to_string().contains("a.npz: the member \"large\": cannot write"), "{error}");
        assert_eq!((error.kind(), io::Error::from(error).kind()), (ErrorKind::Io, io::ErrorKind::StorageFull));
        let error = writer.add("small", &vec![1_u8; 10]).unwrap_err();
        assert!(error.to_string().contains("an earlier member could not be written completely"), "{error}");
        assert_eq!(writer.finish().unwrap_err().kind(), ErrorKind::Archive);
        assert_eq!(fs::read_to_string(&path).unwrap(), "before");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
