//! Writing archives whose members map.

use super::{refused, zip_error};
use crate::dynamic::AnyView;
use crate::error::{Error, Result};
use crate::npy::save::{header_of, write_array};
use crate::npy::{ArrayLike, Header};
use crate::region::NewFile;
use rawzip::extra_fields::ExtraFieldId;
use rawzip::path::{EntryPath, ZipFilePath};
use rawzip::{Header as ZipHeader, ZipArchiveWriter};
use std::collections::HashSet;
use std::fmt;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

/// A `.npz` archive that is being written, member by member: `np.savez`.
///
/// Members are stored, and their elements begin at multiples of 64 bytes of the archive, so that
/// [`Member::open`](super::Member) maps them as any type. NumPy reads it, and every program that goes by an archive's
/// directory; what reads archives from a pipe may not, as the sizes of members stand behind them. Arrays of any size
/// and any number of them are written; no more than a piece of one is in memory.
///
/// The archive appears whole, by [`finish`](Self::finish), once it is on the disk. Dropped before, it goes, and what was
/// there stays.
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
    zip: ZipArchiveWriter<BufWriter<File>>,
    new: NewFile,
    path: PathBuf,
    names: HashSet<String>,
    /// Whether a member has been left half written.
    broken: bool,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, members) = (&self.path, self.names.len());
        f.debug_struct("Writer").field("path", path).field("members", &members).finish_non_exhaustive()
    }
}

impl Writer {
    /// Begins an archive. A file of that name is replaced when the archive is finished.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io) where the system refuses,
    /// [`NotRegularFile`](crate::ErrorKind::NotRegularFile) where the target is something else.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let new = NewFile::create(path, true)?;
        let zip = ZipArchiveWriter::new(BufWriter::with_capacity(1 << 16, new.handle()?));
        Ok(Self { zip, new, path: path.to_path_buf(), names: HashSet::new(), broken: false })
    }

    /// Adds an array, as the member `name` with `.npy` behind it. One that lies in Fortran order is written in that,
    /// any other in C order.
    ///
    /// # Errors
    ///
    /// [`Archive`](crate::ErrorKind::Archive) for a name that there is already or that cannot be written,
    /// [`DType`](crate::ErrorKind::DType) for elements that no header can tell, [`Io`](crate::ErrorKind::Io) where the
    /// system refuses. Where that was in the middle of the member, nothing more is added, and the archive cannot be
    /// finished; after any other error it is as before.
    pub fn add(&mut self, name: &str, array: &(impl ArrayLike + ?Sized)) -> Result<()> {
        array.lend(|view| self.add_view(name, view)).map_err(|error| error.of_member(name).in_file(Some(&self.path)))
    }

    fn add_view(&mut self, name: &str, view: &dyn AnyView) -> Result<()> {
        self.check_unbroken()?;
        let header = header_of(view)?;
        let member = self.entry_path(name)?;
        self.broken = true;
        self.write_member(name, member, &header, view)?;
        self.names.insert(name.to_owned());
        self.broken = false;
        Ok(())
    }

    fn check_unbroken(&self) -> Result<()> {
        if self.broken { Err(refused("a member before could not be written to its end")) } else { Ok(()) }
    }

    fn write_member(&mut self, name: &str, member: EntryPath<'_>, header: &Header, view: &dyn AnyView) -> Result<()> {
        let failed = |error| zip_error("write the archive", error);
        let padding = padding(self.zip.stream_offset() + name.len() as u64 + 4);
        let entry = self.zip.new_file(member);
        let entry = match &padding[..] {
            [] => entry,
            padding => {
                entry.extra_field(ExtraFieldId::ANDROID_ZIP_ALIGNMENT, padding, ZipHeader::LOCAL).map_err(failed)?
            }
        };
        let (mut entry, config) = entry.start().map_err(failed)?;
        let mut writer = config.wrap(&mut entry);
        write_array(&mut writer, header, view)?;
        let (_, sums) = writer.finish().map_err(failed)?;
        entry.finish(sums).map_err(failed)?;
        Ok(())
    }

    /// The name as the archive has it: as it is, which the zip library changes if it has parts that lead elsewhere.
    fn entry_path(&self, name: &str) -> Result<EntryPath<'static>> {
        if self.names.contains(name) {
            return Err(refused("there is a member of that name already"));
        }
        let name = format!("{name}.npy");
        if name.len() > usize::from(u16::MAX) {
            return Err(refused(format!("a name of {} bytes is too long: with `.npy` 65,535 are most", name.len())));
        }
        if name.contains('\0') {
            return Err(refused("a name cannot have a zero in it"));
        }
        match name.is_ascii() {
            true => Ok(EntryPath::verbatim(name.into_bytes())),
            false if AsRef::<str>::as_ref(&ZipFilePath::from_str(&name)) == name => Ok(EntryPath::conformant(name)),
            false => Err(refused("a path that leads elsewhere is no name in this archive, unless it is ASCII")),
        }
    }

    /// Writes the directory at the end and gives the file its name.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io) where the system refuses, [`Archive`](crate::ErrorKind::Archive) where it refused in the
    /// middle of a member. The target is as it was then.
    pub fn finish(mut self) -> Result<()> {
        self.check_unbroken().map_err(|error| error.in_file(Some(&self.path)))?;
        let finish = || {
            let buffered = self.zip.finish().map_err(|error| zip_error("write the directory", error))?;
            buffered.into_inner().map_err(|error| Error::io("write the directory", error.into_error()))?;
            self.new.persist()
        };
        finish().map_err(|error: Error| error.in_file(Some(&self.path)))
    }
}

/// The content of an [extra field] of the local header after which the data begin at a multiple of 64, where the header
/// without it would end at the byte `end`; empty where no field is needed.
///
/// It is the field by which Android's archives are aligned: the alignment, and zeros.
///
/// [extra field]: https://android.googlesource.com/platform/tools/base/+/refs/heads/main/apkzlib/README.md
fn padding(local_header: u64) -> Vec<u8> {
    const ALIGNMENT: u64 = 64;
    /// Of a local header, without name and extra fields.
    const FIXED: u64 = 30;
    /// A field's number and length, and the alignment.
    const LEAST: u64 = 6;
    let end = local_header + FIXED;
    if end % ALIGNMENT == 0 {
        return Vec::new();
    }
    let len = (end + LEAST).next_multiple_of(ALIGNMENT) - end - LEAST;
    let mut content = (ALIGNMENT as u16).to_le_bytes().to_vec();
    content.resize(2 + len as usize, 0);
    content
}

#[cfg(test)]
mod tests {
    use super::padding;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_leaves_nothing_to_finish() {
        use super::Writer;
        use crate::error::ErrorKind;
        use rawzip::ZipArchiveWriter;
        use std::{fs, io};

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npz");
        fs::write(&path, "before").unwrap();
        let mut writer = Writer::create(&path).unwrap();
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        writer.zip = ZipArchiveWriter::new(io::BufWriter::with_capacity(1000, full));
        let error = writer.add("large", &vec![1_u8; 2000]).unwrap_err();
        assert!(error.to_string().contains("a.npz: the member \"large\": cannot write"), "{error}");
        assert_eq!((error.kind(), io::Error::from(error).kind()), (ErrorKind::Io, io::ErrorKind::StorageFull));
        let error = writer.add("small", &vec![1_u8; 10]).unwrap_err();
        assert!(error.to_string().contains("a member before could not be written to its end"), "{error}");
        assert_eq!(writer.finish().unwrap_err().kind(), ErrorKind::Archive);
        assert_eq!(fs::read_to_string(&path).unwrap(), "before");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_follows_the_padding_is_aligned() {
        for start in 0..200 {
            let content = padding(start).len() as u64;
            let field = if content == 0 { 0 } else { 4 + content };
            assert_eq!((start + 30 + field) % 64, 0, "{start}");
            assert!(field < 70, "{start}");
        }
    }
}
