//! Writing archives whose members can be mapped.

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

/// A writer of a `.npz` archive, member by member: `np.savez`.
///
/// Members are stored uncompressed, and their elements begin at multiples of 64 bytes in the archive, so that
/// [members](super::Member) can be mapped as any type. NumPy reads such an archive, and so does every program that uses
/// an archive's directory. Programs that read archives from a pipe may fail, because the size of a member is stored
/// behind it. Arrays may be of any size and number; only a piece of one is in memory at a time.
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
    zip: ZipArchiveWriter<BufWriter<File>>,
    new: NewFile,
    path: PathBuf,
    names: HashSet<String>,
    /// Whether a member has been written only in part.
    broken: bool,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, members) = (&self.path, self.names.len());
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
        let zip = ZipArchiveWriter::new(BufWriter::with_capacity(1 << 16, new.handle()?));
        Ok(Self { zip, new, path: path.to_path_buf(), names: HashSet::new(), broken: false })
    }

    /// Adds an array as the member `name`, to which `.npy` is appended. An array that is contiguous in Fortran order
    /// and not in C order is written in Fortran order, any other in C order.
    ///
    /// # Errors
    ///
    /// [`Archive`](crate::ErrorKind::Archive) if a member of that name exists or the name cannot be written;
    /// [`DType`](crate::ErrorKind::DType) for a dtype that a header cannot describe; [`Io`](crate::ErrorKind::Io) if an
    /// I/O operation fails. After an error in the middle of a member, nothing more can be added and the archive cannot
    /// be finished; after any other error the archive is as before.
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
        if self.broken { Err(refused("an earlier member could not be written completely")) } else { Ok(()) }
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

    /// Returns the name that the archive stores: `name` with `.npy`, otherwise unchanged. The zip library would change
    /// a name with parts that lead elsewhere.
    fn entry_path(&self, name: &str) -> Result<EntryPath<'static>> {
        if self.names.contains(name) {
            return Err(refused("a member of that name exists already"));
        }
        let name = format!("{name}.npy");
        if name.len() > usize::from(u16::MAX) {
            return Err(refused(format!(
                "a name of {} bytes is too long: the maximum is 65,535 bytes, including `.npy`",
                name.len()
            )));
        }
        if name.contains('\0') {
            return Err(refused("a name cannot contain a NUL character"));
        }
        match name.is_ascii() {
            true => Ok(EntryPath::verbatim(name.into_bytes())),
            false if AsRef::<str>::as_ref(&ZipFilePath::from_str(&name)) == name => Ok(EntryPath::conformant(name)),
            false => Err(refused("a name that is not ASCII must be a plain relative path, without parts such as `..`")),
        }
    }

    /// Writes the directory at the end and gives the file its name.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io) if an I/O operation fails; [`Archive`](crate::ErrorKind::Archive) if an earlier
    /// operation failed in the middle of a member. The target is then as it was.
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

/// Returns the content of an [extra field] of the local header, which aligns the data behind the header to 64 bytes;
/// empty if no field is needed. `local_header` is the offset of the header plus the length of the name.
///
/// It is the field that aligns the members of Android's archives: the alignment, and zeros.
///
/// [extra field]: https://android.googlesource.com/platform/tools/base/+/refs/heads/main/apkzlib/README.md
fn padding(local_header: u64) -> Vec<u8> {
    const ALIGNMENT: u64 = 64;
    /// The size of a local header without name and extra fields.
    const FIXED: u64 = 30;
    /// The size of a field's number and length and of the alignment.
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
        assert!(error.to_string().contains("an earlier member could not be written completely"), "{error}");
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
