//! Where an array is: a file of its own, a member of an archive, or a file without a header.

use super::{Failure, told};
use mmap_array::npy::{self, FromHeader, Npy};
use mmap_array::npz::{Archive, Member};
use mmap_array::{DType, DynArray, Options, Order, SharedDynArray};
use std::cell::OnceCell;
use std::env;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// An array in a file, of which it is known how it lies.
pub(crate) struct Source {
    /// The file's name, and the member's.
    pub(crate) name: String,
    /// The version of the `.npy` format; `None` of a file without a header.
    pub(crate) version: Option<(u8, u8)>,
    pub(crate) dtype: DType,
    pub(crate) shape: Vec<usize>,
    pub(crate) order: Order,
    pub(crate) nbytes: u64,
    /// Where the first element lies in the file; `None` if it is compressed.
    pub(crate) data_offset: Option<u64>,
    path: PathBuf,
    /// Opened once, so that all is read of one file, also if another takes its name.
    file: File,
    place: Place,
    /// The elements of a compressed member, once they are unpacked.
    unpacked: OnceCell<File>,
}

enum Place {
    Npy(Options<FromHeader, Npy>),
    /// The number of the member, since several may have one name.
    Member(Options<FromHeader, Npy>, Rc<Archive>, usize),
    Raw,
}

/// What is asked for of a file without a header.
pub(crate) struct Raw {
    pub(crate) dtype: Option<DType>,
    pub(crate) offset: Option<u64>,
    pub(crate) shape: Option<Vec<Option<usize>>>,
    pub(crate) order: Order,
}

/// The path of a file, and what stands behind it after a colon. A file's own name may have colons too.
pub(crate) fn split(file: &OsStr) -> (PathBuf, Option<&str>) {
    let whole = (PathBuf::from(file), None);
    if whole.0.exists() {
        return whole;
    }
    let Some(text) = file.to_str() else { return whole };
    let mut places = text.match_indices(':').map(|(at, _)| (&text[..at], &text[at + 1..]));
    places.find(|(path, _)| Path::new(path).is_file()).map_or(whole, |(path, member)| (path.into(), Some(member)))
}

/// Whether a file begins as `.npy` files do.
fn is_npy(path: &Path) -> bool {
    let mut start = [0; 6];
    // What cannot be read gets its error when it is opened.
    !path.is_file()
        || File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok_and(|()| &start == b"\x93NUMPY")
}

impl Source {
    /// Opens what is named; `None` if that is an archive of several members, none of which is named.
    pub(crate) fn open(file: &OsStr, options: Options<FromHeader, Npy>) -> Result<Option<Self>, Failure> {
        let (path, member) = split(file);
        match (is_npy(&path), member) {
            (true, None) => {
                // The library says what cannot be opened, and names it, before a pipe is waited for.
                options.header(&path)?;
                let file = File::open(&path)?;
                let name = path.display().to_string();
                let header = options.header(&file).map_err(|error| named(&name, &error))?;
                let offset = Some(header.data_offset());
                Ok(Some(Self::new(name, header, offset, path, file, Place::Npy(options))))
            }
            (true, Some(member)) => {
                Err(Failure::new(format!("{}: it is no archive, so it has no member {member:?}", path.display())))
            }
            (false, member) => {
                let archive = open_archive(&path)?;
                let number = match (member, archive.members().len()) {
                    (Some(name), _) => {
                        // The library's own error names the members that there are.
                        let wanted = archive.member(name)?.data_offset().ok();
                        let same = |member: &Member<'_>| member.name() == name && member.data_offset().ok() == wanted;
                        archive.members().position(|member| same(&member)).unwrap_or(0)
                    }
                    (None, 1) => 0,
                    (None, _) => return Ok(None),
                };
                Self::member(options, Rc::new(archive), number).map(Some)
            }
        }
    }

    /// Opens a member of an archive.
    pub(crate) fn member(
        options: Options<FromHeader, Npy>,
        archive: Rc<Archive>,
        number: usize,
    ) -> Result<Self, Failure> {
        let found = nth(&archive, number)?;
        let name = found.name().to_owned();
        let header = options.header(found)?;
        let offset = if found.is_stored() { Some(found.data_offset()?) } else { None };
        let path = archive.path().to_owned();
        let shown = format!("{}:{name}", path.display());
        let file = File::open(&path)?;
        Ok(Self::new(shown, header, offset, path, file, Place::Member(options, archive, number)))
    }

    fn new(
        name: String,
        header: npy::Header,
        data_offset: Option<u64>,
        path: PathBuf,
        file: File,
        place: Place,
    ) -> Self {
        Self {
            name,
            version: Some(header.version()),
            dtype: header.dtype().clone(),
            shape: header.shape().to_vec(),
            order: header.order(),
            nbytes: header.nbytes(),
            data_offset,
            path,
            file,
            place,
            unpacked: OnceCell::new(),
        }
    }

    /// A file without a header.
    pub(crate) fn raw(file: &OsStr, raw: &Raw) -> Result<Self, Failure> {
        let path = PathBuf::from(file);
        if raw.offset.is_none() && path.is_file() && is_npy(&path) {
            return Err(Failure::new(format!(
                "{}: it is a `.npy` file, whose header says what the elements are; with --offset 0 it is read as raw bytes",
                path.display()
            )));
        }
        let offset = raw.offset.unwrap_or(0);
        let dtype = match &raw.dtype {
            Some(dtype) => dtype.clone(),
            None => "u1".parse()?,
        };
        // All of it is mapped, which takes addresses only, so that the library says what is wrong.
        let mut options = DynArray::options(dtype).offset(offset).order(raw.order);
        if let Some(shape) = &raw.shape {
            options = options.shape(shape.as_slice());
        }
        let array = options.open_shared(&path)?;
        let file = File::open(&path)?;
        let nbytes = array.len() as u64 * array.dtype().itemsize() as u64;
        Ok(Self {
            name: path.display().to_string(),
            version: None,
            dtype: array.dtype().clone(),
            shape: array.shape().to_vec(),
            order: raw.order,
            nbytes,
            data_offset: Some(offset),
            path,
            file,
            place: Place::Raw,
            unpacked: OnceCell::new(),
        })
    }

    /// Whether the file has this name.
    #[cfg(feature = "plot")]
    pub(crate) fn is(&self, path: &Path) -> bool {
        let real = |path: &Path| std::fs::canonicalize(path).ok();
        real(path).is_some_and(|path| real(&self.path) == Some(path))
    }

    /// The call that opens the array as elements of a type, as Rust source.
    pub(crate) fn opening(&self, element: &str) -> String {
        let path = self.path.display().to_string();
        match &self.place {
            Place::Npy(_) => format!("mmap_array::npy::options::<{element}>().open_shared({path:?})?"),
            Place::Member(_, archive, number) => {
                let name = nth(archive, *number).map_or_else(|_| String::new(), |member| member.name().to_owned());
                let call = if self.data_offset.is_some() { "open_shared" } else { "load" };
                format!(
                    "mmap_array::npy::options::<{element}>().{call}(mmap_array::npz::Archive::open({path:?})?.member({name:?})?)?"
                )
            }
            Place::Raw => {
                let (offset, shape) = (self.data_offset.unwrap_or(0), &self.shape);
                let order = if self.order == Order::F { ".order(mmap_array::Order::F)" } else { "" };
                format!(
                    "mmap_array::MmapArray::<{element}>::options().offset({offset}).shape({shape:?}){order}.open_shared({path:?})?"
                )
            }
        }
    }

    /// Checks that all elements are there and, as far as that means reading them anyway, unharmed.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let Some(offset) = self.data_offset else {
            // A window of no elements takes no memory, and all of the member is read for it.
            return match &self.place {
                Place::Member(options, archive, number) => {
                    Ok(options.elements(..0).load(nth(archive, *number)?).map(drop)?)
                }
                _ => Ok(()),
            };
        };
        let ends = offset.checked_add(self.nbytes);
        match self.file.metadata() {
            Ok(metadata) if metadata.is_file() && ends.is_some_and(|end| end <= metadata.len()) => Ok(()),
            // The library says what is wrong.
            _ => {
                self.map_in_place(None)?;
                Err(Failure::new(format!("{}: the file changes while it is read", self.name)))
            }
        }
    }

    /// Some rows as a map, of the file or of a temporary one; of a 0-d array the element.
    pub(crate) fn map(&self, rows: Option<Range<usize>>) -> Result<SharedDynArray, Failure> {
        if self.data_offset.is_some() {
            return self.map_in_place(rows);
        }
        let options = DynArray::options(self.dtype.clone()).shape(self.shape.as_slice()).order(self.order);
        let array = options.open_shared(self.unpacked()?)?;
        Ok(match rows {
            Some(rows) => array.into_rows(rows),
            None => array,
        })
    }

    fn map_in_place(&self, rows: Option<Range<usize>>) -> Result<SharedDynArray, Failure> {
        // Only in C order do rows lie together, and can be mapped without the others.
        let window = rows.clone().filter(|_| self.order == Order::C && self.nbytes > 0);
        let array = match (&self.place, window.clone()) {
            (Place::Npy(options), None) => options.open_shared(&self.file),
            (Place::Npy(options), Some(rows)) => options.rows(rows).open_shared(&self.file),
            (Place::Member(options, archive, number), None) => options.open_shared(nth(archive, *number)?),
            (Place::Member(options, archive, number), Some(rows)) => {
                options.rows(rows).open_shared(nth(archive, *number)?)
            }
            (Place::Raw, rows) => {
                let mut shape = self.shape.clone();
                let mut offset = self.data_offset.unwrap_or(0);
                if let (Some(rows), Some(len)) = (rows, shape.first_mut()) {
                    offset += rows.start as u64 * (self.nbytes / *len as u64);
                    *len = rows.len();
                }
                let options = DynArray::options(self.dtype.clone()).offset(offset).order(self.order);
                options.shape(shape.as_slice()).open_shared(&self.file)
            }
        };
        let array = array.map_err(|error| named(&self.path.display().to_string(), &error))?;
        Ok(match (rows, window) {
            (Some(rows), None) => array.into_rows(rows),
            _ => array,
        })
    }

    /// The elements of a compressed member in a file without a name.
    fn unpacked(&self) -> Result<&File, Failure> {
        if let Some(file) = self.unpacked.get() {
            return Ok(file);
        }
        self.check()?;
        let failed = |error: io::Error| {
            let folder = env::temp_dir();
            let text = "which the environment variable TMPDIR can name, the member cannot be unpacked";
            Failure::new(format!("{}: into the temporary folder {}, {text}: {error}", self.name, folder.display()))
        };
        let mut file = tempfile::tempfile().map_err(failed)?;
        let (mut stream, mut buffer) = (self.stream()?, vec![0; 1 << 16]);
        loop {
            match stream.read(&mut buffer)? {
                0 => break,
                count => file.write_all(&buffer[..count]).map_err(failed)?,
            }
        }
        Ok(self.unpacked.get_or_init(|| file))
    }

    /// The bytes of the elements of a compressed member, one after another.
    fn stream(&self) -> Result<Box<dyn Read + '_>, Failure> {
        let Place::Member(options, archive, number) = &self.place else { return Ok(Box::new(io::empty())) };
        let member = nth(archive, *number)?;
        let mut stream = member.reader()?;
        let before = options.header(member)?.data_offset();
        io::copy(&mut stream.by_ref().take(before), &mut io::sink())?;
        Ok(Box::new(stream))
    }

    /// The bytes of the elements as the file has them, from a byte on.
    pub(crate) fn bytes_from(&self, start: u64) -> Result<Box<dyn Read + '_>, Failure> {
        match self.data_offset {
            Some(offset) => {
                // It shares its place in the file with others, of which none is read meanwhile.
                let mut file = self.file.try_clone()?;
                file.seek(SeekFrom::Start(offset + start))?;
                Ok(Box::new(file))
            }
            None => {
                let mut stream = self.stream()?;
                io::copy(&mut stream.by_ref().take(start), &mut io::sink())?;
                Ok(stream)
            }
        }
    }

    /// A file that has the elements from the byte on that is returned too.
    pub(crate) fn file(&self) -> Result<(File, u64), Failure> {
        match self.data_offset {
            Some(offset) => {
                let mut file = self.file.try_clone()?;
                file.rewind()?;
                Ok((file, offset))
            }
            None => {
                // A clone has the same place in the file, which is its end.
                let mut file = self.unpacked()?.try_clone()?;
                file.rewind()?;
                Ok((file, 0))
            }
        }
    }
}

/// The member of that number.
fn nth(archive: &Archive, number: usize) -> Result<Member<'_>, Failure> {
    archive.members().nth(number).ok_or_else(|| Failure::new(format!("{}: no such member", archive.path().display())))
}

/// An error of a file that is open, which does not name it.
fn named(name: &str, error: &mmap_array::Error) -> Failure {
    match error.path() {
        Some(_) => Failure::new(told(error)),
        None => Failure::new(format!("{name}: {}", told(error))),
    }
}

pub(crate) fn open_archive(path: &Path) -> Result<Archive, Failure> {
    let mut start = [0; 2];
    let is_zip = File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok_and(|()| &start == b"PK");
    // What is neither is told as what it most likely should be.
    Archive::open(path).map_err(|error| match npy::header(path) {
        _ if is_zip => Failure::new(format!("{}; was the archive cut short?", told(&error))),
        Err(header) if error.to_string().contains("not an archive") => {
            Failure::new(format!("{header}; nor is it an archive; --dtype says what raw elements are"))
        }
        _ => error.into(),
    })
}

pub(crate) fn which_member(file: &OsStr) -> Result<String, Failure> {
    let path = split(file).0;
    let archive = open_archive(&path)?;
    let names: Vec<&str> = archive.members().map(|member| member.name()).take(20).collect();
    let path = path.display();
    Ok(match names.is_empty() {
        true => format!("{path}: an archive without members"),
        false => format!("{path}: which member? Say {path}:MEMBER; there are {names:?}"),
    })
}

/// A reader with room enough that numbers are taken one by one.
pub(crate) fn buffered(reader: Box<dyn Read + '_>) -> BufReader<Box<dyn Read + '_>> {
    BufReader::with_capacity(1 << 16, reader)
}
