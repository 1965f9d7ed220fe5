//! Where an array is: a file of its own, or a member of an archive.

use super::Failure;
use mmap_array::npy::{self, FromHeader, Header, Npy};
use mmap_array::{DynArray, Options, SharedDynArray, npz::Archive};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// An array in a file, of which the header has been read.
pub(crate) struct Source {
    pub(crate) header: Header,
    /// Where the first element lies in the file; `None` where it is compressed.
    pub(crate) data_offset: Option<u64>,
    options: Options<FromHeader, Npy>,
    path: PathBuf,
    member: Option<(Archive, String)>,
}

/// The path of a file, and what stands behind it after a colon. A file's own name may have colons too.
fn split(file: &OsStr) -> (PathBuf, Option<&str>) {
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
    // What cannot be read gets its error where it is opened.
    !path.is_file()
        || File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok_and(|()| &start == b"\x93NUMPY")
}

impl Source {
    /// Opens what is named; `None` where that is an archive of several members, and none of them is named.
    pub(crate) fn open(file: &OsStr, options: Options<FromHeader, Npy>) -> Result<Option<Self>, Failure> {
        let (path, member) = split(file);
        match (is_npy(&path), member) {
            (true, None) => Ok(Some(Self::npy(path, options)?)),
            (true, Some(member)) => {
                Err(Failure::new(format!("{}: it is no archive, so it has no member {member:?}", path.display())))
            }
            (false, member) => Self::npz(path, member, options),
        }
    }

    fn npy(path: PathBuf, options: Options<FromHeader, Npy>) -> Result<Self, Failure> {
        let header = options.header(&path)?;
        let data_offset = Some(header.data_offset());
        Ok(Self { header, data_offset, options, path, member: None })
    }

    fn npz(path: PathBuf, member: Option<&str>, options: Options<FromHeader, Npy>) -> Result<Option<Self>, Failure> {
        let archive = open_archive(&path)?;
        let name = match (member, archive.members().len()) {
            (Some(name), _) => name.to_owned(),
            (None, 1) => archive.members().next().map(|member| member.name().to_owned()).unwrap_or_default(),
            (None, _) => return Ok(None),
        };
        let found = archive.member(&name)?;
        let header = options.header(found)?;
        let data_offset = if found.is_stored() { Some(found.data_offset()?) } else { None };
        Ok(Some(Self { header, data_offset, options, path, member: Some((archive, name)) }))
    }

    /// Checks that all elements are there and, as far as that means reading them anyway, unharmed.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        match &self.member {
            // A window of no elements takes no memory, and all of the member is read for it.
            Some((archive, name)) if self.data_offset.is_none() => {
                Ok(self.options.elements(..0).load(archive.member(name)?).map(drop)?)
            }
            _ => self.map_in_place().map(drop),
        }
    }

    /// The array as a map, of the file or of a temporary one.
    pub(crate) fn map(&self) -> Result<SharedDynArray, Failure> {
        if self.data_offset.is_some() {
            return self.map_in_place();
        }
        self.check()?;
        let (header, file) = (&self.header, self.temporary()?);
        let options = DynArray::options(header.dtype().clone()).shape(header.shape()).order(header.order());
        Ok(options.open_shared(&file)?)
    }

    fn map_in_place(&self) -> Result<SharedDynArray, Failure> {
        match &self.member {
            Some((archive, name)) => Ok(self.options.open_shared(archive.member(name)?)?),
            None => Ok(self.options.open_shared(&self.path)?),
        }
    }

    /// The bytes of the elements in a file without a name.
    fn temporary(&self) -> Result<File, Failure> {
        let mut file = tempfile::tempfile()?;
        io::copy(&mut self.stream()?, &mut file)?;
        file.rewind()?;
        Ok(file)
    }

    /// The bytes of the elements of a compressed member, one after another.
    fn stream(&self) -> Result<Box<dyn Read + '_>, Failure> {
        let Some((archive, name)) = &self.member else { return Ok(Box::new(io::empty())) };
        let mut stream = archive.member(name)?.reader()?;
        io::copy(&mut stream.by_ref().take(self.header.data_offset()), &mut io::sink())?;
        Ok(Box::new(BufReader::new(stream)))
    }

    /// The bytes of the elements as the file has them, from a byte on.
    pub(crate) fn bytes_from(&self, start: u64) -> Result<Box<dyn Read + '_>, Failure> {
        match self.data_offset {
            Some(offset) => {
                let mut file = File::open(&self.path)?;
                file.seek(SeekFrom::Start(offset + start))?;
                Ok(Box::new(BufReader::with_capacity(1 << 16, file)))
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
            Some(offset) => Ok((File::open(&self.path)?, offset)),
            None => Ok((self.temporary()?, 0)),
        }
    }
}

fn open_archive(path: &Path) -> Result<Archive, Failure> {
    // What is neither is told as what it most likely should be.
    Archive::open(path).map_err(|error| match npy::header(path) {
        Err(header) if error.to_string().contains("no archive") => {
            Failure::new(format!("{header}; nor is it an archive"))
        }
        _ => error.into(),
    })
}

/// The members of an archive.
pub(crate) fn list_members(
    file: &OsStr,
    options: Options<FromHeader, Npy>,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let archive = open_archive(&split(file).0)?;
    if archive.members().len() == 0 {
        writeln!(out, "an archive without members")?;
    }
    for member in archive.members() {
        let how = if member.is_stored() { "stored" } else { "deflated" };
        match options.header(member) {
            Ok(header) => {
                let (dtype, shape) = (header.dtype(), super::tuple(header.shape()));
                writeln!(out, "{}\t{shape}\t{dtype}\t{how}\t{} bytes", one_line(member.name()), member.size())?;
            }
            Err(error) => writeln!(out, "{}\t{}", one_line(member.name()), one_line(&super::told(&error)))?,
        }
    }
    Ok(())
}

/// A text as it is, but for line ends, tabs and the like, which are escaped.
fn one_line(text: &str) -> String {
    let plain = |character: char| {
        if character.is_control() { character.escape_default().to_string() } else { character.into() }
    };
    text.chars().map(plain).collect()
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
