//! Zip and tar archives, and their members.

use super::{Failure, told};
use mmap_array::access::Shared;
use mmap_array::array::{Elements, Format, StridedRaw};
use mmap_array::npy::{self, FromHeader, Header, Npy};
use mmap_array::{DType, DynArray, Options, npz, tar};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// An archive of files.
pub(crate) enum Archive {
    Zip(npz::Archive),
    /// A zip archive whose members are found without its directory.
    Recovered(npz::Archive),
    Tar(tar::Archive),
}

/// A member of an archive.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Member<'a> {
    Zip(npz::Member<'a>),
    Tar(tar::Member<'a>),
}

/// Evaluates the same expression for a member of either kind of archive.
macro_rules! of {
    ($member:expr, $inner:ident => $result:expr) => {
        match $member {
            Member::Zip($inner) => $result,
            Member::Tar($inner) => $result,
        }
    };
}

impl Archive {
    /// Opens an archive, or, if `recover` is set, what can be recovered of a zip archive that was cut short or damaged.
    pub(crate) fn open(path: &Path, recover: bool) -> Result<Self, Failure> {
        let begins = |offset: u64, magic: &[u8]| {
            let mut start = vec![0; magic.len()];
            let read = File::open(path).and_then(|mut file| {
                file.seek(SeekFrom::Start(offset))?;
                file.read_exact(&mut start)
            });
            read.is_ok() && start == magic
        };
        // Of one that was cut, all members before the cut are found anyway.
        if begins(257, b"ustar") {
            return Ok(Self::Tar(tar::Archive::open(path)?));
        }
        if recover {
            return Ok(Self::Recovered(npz::Archive::recover(path)?));
        }
        // What is neither is told as what it most likely should be.
        let error = match npz::Archive::open(path) {
            Ok(archive) => return Ok(Self::Zip(archive)),
            // One that was cut says so.
            Err(error) if begins(0, b"PK") => {
                let text = told(&error).replace("`npz::Archive::recover` finds", "--recover shows");
                return Err(Failure::new(text));
            }
            Err(error) => error,
        };
        // The oldest format has no magic.
        if let Ok(archive) = tar::Archive::open(path) {
            return Ok(Self::Tar(archive));
        }
        Err(match npy::header(path) {
            Err(header) if error.to_string().contains("not an archive") => {
                Failure::new(format!("{header}; nor is it an archive; --dtype reads a file of raw numbers"))
            }
            _ => error.into(),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Zip(archive) | Self::Recovered(archive) => archive.path(),
            Self::Tar(archive) => archive.path(),
        }
    }

    pub(crate) fn is_tar(&self) -> bool {
        matches!(self, Self::Tar(_))
    }

    /// Returns the open file, for which the offsets of the members are valid even if another file takes its name.
    pub(crate) fn file(&self) -> &File {
        match self {
            Self::Zip(archive) | Self::Recovered(archive) => archive.file(),
            Self::Tar(archive) => archive.file(),
        }
    }

    pub(crate) fn members(&self) -> Box<dyn Iterator<Item = Member<'_>> + '_> {
        match self {
            Self::Zip(archive) | Self::Recovered(archive) => Box::new(archive.members().map(Member::Zip)),
            Self::Tar(archive) => Box::new(archive.members().map(Member::Tar)),
        }
    }

    /// Returns the number of the member with this name.
    pub(crate) fn find(&self, name: &str) -> Result<usize, Failure> {
        // The library's own error names the members that there are.
        let wanted = match self {
            Self::Zip(archive) | Self::Recovered(archive) => Member::Zip(archive.member(name)?),
            Self::Tar(archive) => Member::Tar(archive.member(name)?),
        };
        Ok(self.members().position(|member| member == wanted).unwrap_or(0))
    }

    /// Returns the name of the library's function that opens the archive.
    pub(crate) fn opening(&self) -> &'static str {
        match self {
            Self::Recovered(_) => "npz::Archive::recover",
            Self::Zip(_) => "npz::Archive::open",
            Self::Tar(_) => "tar::Archive::open",
        }
    }

    /// Returns a description of what is cut short or damaged in the archive, if anything is known to be.
    pub(crate) fn damage(&self) -> Option<String> {
        match self {
            Self::Zip(_) => None,
            Self::Recovered(archive) => {
                let names: Vec<&str> = archive.damaged().take(20).collect();
                let more = if archive.damaged().len() > names.len() { " and more" } else { "" };
                let text = format!("the members {names:?}{more} are cut short or damaged, and are left out");
                Some(text).filter(|_| !names.is_empty())
            }
            Self::Tar(archive) => archive.check().err().map(|error| told(&error)),
        }
    }
}

impl<'a> Member<'a> {
    pub(crate) fn name(self) -> &'a str {
        of!(self, member => member.name())
    }

    pub(crate) fn size(self) -> u64 {
        of!(self, member => member.size())
    }

    /// Returns whether the archive contains the member's bytes without compression.
    pub(crate) fn is_stored(self) -> bool {
        match self {
            Self::Zip(member) => member.is_stored(),
            Self::Tar(_) => true,
        }
    }

    pub(crate) fn reader(self) -> Result<Box<dyn Read + 'a>, Failure> {
        Ok(of!(self, member => Box::new(member.reader()?)))
    }

    /// Returns the name of the member's compression, or `stored`.
    pub(crate) fn how(self) -> String {
        match self {
            Self::Zip(member) => member.compression(),
            Self::Tar(_) => "stored".to_owned(),
        }
    }

    /// Returns whether the member can be read and is not a `.npy` file.
    pub(crate) fn is_other(self) -> bool {
        let mut start = Vec::new();
        let read = self.reader().is_ok_and(|reader| reader.take(6).read_to_end(&mut start).is_ok());
        read && start != b"\x93NUMPY"
    }

    /// Returns the position of the member's first byte in the archive, if the member is stored.
    pub(crate) fn first_byte(self) -> Option<u64> {
        let bytes = DynArray::options("u1".parse().ok()?).shape([0]);
        of!(self, member => bytes.open_shared(member)).ok().map(|none| none.byte_offset())
    }

    pub(crate) fn header(self, options: Options<FromHeader, Npy>) -> mmap_array::Result<Header> {
        of!(self, member => options.header(member))
    }

    /// Checks that all elements are there and, if they are compressed, undamaged.
    pub(crate) fn check(self, options: Options<FromHeader, Npy>) -> mmap_array::Result<()> {
        // A window of no elements takes no memory. All of a compressed array is read for it.
        let none = options.elements(..0);
        let is_stored = self.is_stored();
        of!(self, member => if is_stored { none.open_shared(member).map(drop) } else { none.load(member).map(drop) })
    }

    /// Returns the shape of the array that the member's bytes are.
    pub(crate) fn raw_shape(self, options: Options<DType>) -> mmap_array::Result<Vec<usize>> {
        of!(self, member => Ok(options.open_shared(member)?.shape().to_vec()))
    }

    /// Opens elements with strides in the member's bytes.
    pub(crate) fn strided<E>(self, options: Options<E, StridedRaw>) -> mmap_array::Result<E::Array>
    where
        E: Elements<Shared> + Clone + Send + Sync + 'static,
        StridedRaw: Format<E>,
    {
        of!(self, member => options.open_shared(member))
    }
}
