//! Where an array is: a file of its own, behind others in one file, a member of an archive, or a file without a header.

use super::archive::{Archive, Member};
use super::gathered::{Gathered, Packed, Portions};
use super::spool::{Spooled, no_room};
use super::{Failure, told};
use mmap_array::access::Shared;
use mmap_array::array::{Elements, Format, StridedRaw};
use mmap_array::npy::{self, FromHeader, Npy};
use mmap_array::{DType, DynArray, Element, MmapArray, Options, Order};
use std::cell::OnceCell;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The rows of a compressed array that are read into memory before anything is written, in bytes.
const SMALL: u64 = 4 << 20;

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
    /// The path as it is shown.
    shown: String,
    /// Opened once, so that all is read of one file, also if another takes its name.
    file: File,
    place: Place,
    /// The elements of a compressed array, once they are unpacked.
    unpacked: OnceCell<File>,
}

enum Place {
    /// With the byte at which the header begins.
    Npy(Options<FromHeader, Npy>, u64),
    /// A file that is compressed as a whole, and how.
    Compressed(Options<FromHeader, Npy>, &'static str),
    /// The number of the member, since several may have one name.
    Member(Options<FromHeader, Npy>, Rc<Archive>, usize),
    /// A file without a header, or a member that has none, and the byte at which the first element begins in it.
    Raw(Options<DType>, u64, Option<(Rc<Archive>, usize)>),
    /// An array whose elements do not follow one another in a file, the byte at which the first begins, and the source
    /// with which the library opens it, as Rust source.
    Gathered(Gathered, u64, String),
}

/// What a file is.
pub(crate) enum Found {
    One(Box<Source>),
    Several(Several),
}

/// Several arrays in one file.
pub(crate) enum Several {
    Members(Rc<Archive>),
    /// One after another.
    Arrays(PathBuf),
}

impl Several {
    /// The error for those ways to show an array of which there can be only one.
    pub(crate) fn which(&self) -> Failure {
        match self {
            Self::Members(archive) => {
                let names: Vec<&str> = archive.members().map(Member::name).take(20).collect();
                let path = archive.path().display();
                Failure::new(match names.is_empty() {
                    true => format!("{path}: an archive without members"),
                    false => format!("{path}: which member? Say {path}:MEMBER; there are {names:?}"),
                })
            }
            Self::Arrays(path) => {
                let found = npy::headers(path).map(|headers| headers.map_while(Result::ok).take(20));
                let bytes: Vec<u64> = found.into_iter().flatten().map(|(byte, _)| byte).collect();
                Failure::new(format!("{}: which array? Say --at BYTE; there are some at {bytes:?}", path.display()))
            }
        }
    }
}

/// What is asked for of a file without a header.
#[derive(Default)]
pub(crate) struct Raw {
    pub(crate) dtype: Option<DType>,
    pub(crate) offset: Option<u64>,
    pub(crate) shape: Option<Vec<Option<usize>>>,
    pub(crate) order: Order,
    pub(crate) strides: Option<Vec<isize>>,
    pub(crate) packed: Option<Packed>,
}

impl Raw {
    /// The byte at which the first element begins, the dtype, and what opens them.
    fn options(&self) -> Result<(u64, DType, Options<DType>), Failure> {
        let offset = self.offset.unwrap_or(0);
        let dtype = match &self.dtype {
            Some(dtype) => dtype.clone(),
            None => "u1".parse()?,
        };
        let options = DynArray::options(dtype.clone()).offset(offset).order(self.order);
        Ok((offset, dtype, self.shape.as_ref().map_or(options.clone(), |shape| options.shape(shape.as_slice()))))
    }

    /// The shape of the array that a file of so many bytes is; `None` if it is none.
    fn shape_in(&self, itemsize: usize, file_len: u64) -> Option<Vec<usize>> {
        let lens = self.shape.clone().unwrap_or_else(|| vec![None]);
        let available = file_len.checked_sub(self.offset.unwrap_or(0))?;
        let given = |bytes: u64, len: &usize| bytes.checked_mul(*len as u64);
        let step = lens.iter().flatten().try_fold(itemsize as u64, given)?;
        let rest = match lens.iter().filter(|len| len.is_none()).count() {
            0 if step <= available => 0,
            1 if file_len > 0 && step > 0 && available % step == 0 => usize::try_from(available / step).ok()?,
            _ => return None,
        };
        Some(lens.into_iter().map(|len| len.unwrap_or(rest)).collect())
    }

    /// Whether the elements do not follow one another.
    fn is_gathered(&self) -> bool {
        self.strides.is_some() || self.packed.is_some()
    }

    /// Opens a file, or a member of an archive, whose elements do not follow one another.
    fn gathered(&self, path: PathBuf, member: Option<(Archive, usize)>) -> Result<Source, Failure> {
        let member = match &member {
            Some((archive, number)) => Some((archive, nth(archive, *number)?)),
            None => None,
        };
        let (name, from) = match member {
            Some((archive, member)) => (
                format!("{}:{}", path.display(), member.name()),
                format!("mmap_array::{}({path:?})?.member({:?})?", archive.opening(), member.name()),
            ),
            None => (path.display().to_string(), format!("{path:?}")),
        };
        let (offset, member) = (self.offset.unwrap_or(0), member.map(|(_, member)| member));
        let (array, dtype, shape) = match self.packed {
            Some(packed) => self.pixels(packed, &name, &path, member)?,
            None => self.apart(&path, member)?,
        };
        let start = match member {
            Some(member) => member.first_byte().map(|first| first + offset),
            None => Some(offset),
        };
        let (file, place) = (File::open(&path)?, Place::Gathered(array, offset, from));
        Ok(Source::without_header(name, Order::C, dtype, shape, start, path, file, place))
    }

    /// Opens elements that lie apart.
    fn apart(&self, path: &Path, member: Option<Member<'_>>) -> Result<(Gathered, DType, Vec<usize>), Failure> {
        let dtype = self.dtype.clone().map_or_else(|| "u1".parse(), Ok)?;
        let shape = self.shape.clone().unwrap_or_else(|| vec![None]);
        let strides = self.strides.clone().unwrap_or_default();
        let options = DynArray::options(dtype.clone()).offset(self.offset.unwrap_or(0)).shape(shape.as_slice());
        let array = strided(options.strides(&strides), path, member)?;
        let shape = array.shape().to_vec();
        Ok((Gathered::Apart { array, strides }, dtype, shape))
    }

    /// Opens pixels that share bytes.
    fn pixels(
        &self,
        packed: Packed,
        name: &str,
        path: &Path,
        member: Option<Member<'_>>,
    ) -> Result<(Gathered, DType, Vec<usize>), Failure> {
        let refused = |text: String| Failure::new(format!("{name}: {text}"));
        if self.order != Order::C {
            return Err(refused("packed pixels lie row by row; leave out --order".into()));
        }
        let Some((&Some(width), others)) = self.shape.as_ref().and_then(|shape| shape.split_last()) else {
            let text = "packed pixels need --shape, whose last number is that of the pixels in a row";
            return Err(refused(text.into()));
        };
        let row = packed.packing.row_bytes(packed.bits, width).map_err(|error| named(name, &error))?;
        let strides = match &self.strides {
            Some(strides) if strides.len() == others.len() => strides.clone(),
            Some(strides) => {
                let (found, wanted) = (strides.len(), others.len());
                let text = "packed pixels need a stride along each axis but the last";
                return Err(refused(format!("{text}: expected {wanted}, found {found}")));
            }
            // One row after another.
            None => {
                let inner = |axis: usize| others[axis + 1..].iter().flatten();
                let stride = |axis| inner(axis).fold(row, |bytes, &len| bytes.saturating_mul(len)) as isize;
                (0..others.len()).map(stride).collect()
            }
        };
        let shape: Vec<Option<usize>> = others.iter().copied().chain([Some(row)]).collect();
        let options = MmapArray::<u8>::options().offset(self.offset.unwrap_or(0)).shape(shape.as_slice());
        let rows = strided(options.strides([&strides[..], &[1]].concat()), path, member)?;
        let mut shape = rows.shape().to_vec();
        shape[others.len()] = width;
        Ok((Gathered::Pixels { rows, strides, packed, width }, <u16 as Element>::dtype(), shape))
    }
}

/// Opens elements that lie apart in a file, or in a member of an archive.
fn strided<E>(options: Options<E, StridedRaw>, path: &Path, member: Option<Member<'_>>) -> Result<E::Array, Failure>
where
    E: Elements<Shared> + Clone + Send + Sync + 'static,
    StridedRaw: Format<E>,
{
    Ok(member.map_or_else(|| options.clone().open_shared(path), |member| member.strided(options.clone()))?)
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

/// How a file is compressed that begins so.
fn compression(path: &Path) -> Option<&'static str> {
    let mut start = [0; 4];
    File::open(path).and_then(|mut file| file.read_exact(&mut start)).ok()?;
    match start {
        [0x1f, 0x8b, ..] => Some("gzip"),
        [0x28, 0xb5, 0x2f, 0xfd] => Some("Zstandard"),
        _ => None,
    }
}

impl Source {
    /// Opens what is named.
    pub(crate) fn open(
        file: &OsStr,
        options: Options<FromHeader, Npy>,
        at: Option<u64>,
        recover: bool,
    ) -> Result<Found, Failure> {
        let (path, member) = split(file);
        let one = |source: Self| Found::One(Box::new(source));
        if at.is_none() && member.is_none() && path.join("info").is_file() {
            return Self::stack(&path, options).map(one);
        }
        if path.is_dir() {
            let path = path.display();
            let text = "no array and no stack of Dask; `--concat` shows files as one array, as in";
            return Err(Failure::new(format!("{path}: it is a folder, {text}: mmap-inspect --concat {path}/*.npy")));
        }
        let is_npy = at.is_some() || is_npy(&path);
        let Some(member) = member else {
            if is_npy {
                return match at.is_none() && npy::headers(&path)?.take(2).filter(Result::is_ok).count() > 1 {
                    true => Ok(Found::Several(Several::Arrays(path))),
                    false => Self::npy(path, options, at.unwrap_or(0)).map(one),
                };
            }
            if compression(&path).is_some() {
                return Self::compressed(path, options).map(one);
            }
            let archive = Rc::new(Archive::open(&path, recover)?);
            let count = archive.members().take(2).count();
            return match count {
                1 if archive.damage().is_none() => Self::member(options, archive, 0).map(one),
                _ => Ok(Found::Several(Several::Members(archive))),
            };
        };
        if is_npy || compression(&path).is_some() {
            let text = if at.is_some() { "--at takes files alone" } else { "it is no archive" };
            return Err(Failure::new(format!("{}: {text}, so it has no member {member:?}", path.display())));
        }
        let archive = Archive::open(&path, recover)?;
        let number = archive.find(member)?;
        Self::member(options, Rc::new(archive), number).map(one)
    }

    /// Opens a `.npy` file, or an array within a file.
    pub(crate) fn npy(path: PathBuf, options: Options<FromHeader, Npy>, at: u64) -> Result<Self, Failure> {
        let options = options.at(at);
        // The library says what cannot be opened, and names it, before a pipe is waited for.
        options.header(&path)?;
        let file = File::open(&path)?;
        let name = path.display().to_string();
        let header = options.header(&file).map_err(|error| named(&name, &error))?;
        let offset = at.saturating_add(header.data_offset());
        Ok(Self::new(name, &header, Some(offset), path, file, Place::Npy(options, at)))
    }

    /// Opens a file that is compressed as a whole.
    fn compressed(path: PathBuf, options: Options<FromHeader, Npy>) -> Result<Self, Failure> {
        let how = compression(&path).unwrap_or("another program");
        let header = options
            .header(&path)
            .map_err(|error| Failure::new(format!("{}, once it is decompressed by {how}", told(&error))))?;
        let (name, file) = (path.display().to_string(), File::open(&path)?);
        Ok(Self::new(name, &header, None, path, file, Place::Compressed(options, how)))
    }

    /// Opens a member of an archive.
    pub(crate) fn member(
        options: Options<FromHeader, Npy>,
        archive: Rc<Archive>,
        number: usize,
    ) -> Result<Self, Failure> {
        let found = nth(&archive, number)?;
        if found.is_other() {
            let raw = Raw::default();
            return Self::raw_member(archive, number, &raw);
        }
        let header = found.header(options)?;
        let offset = found.first_byte().map(|start| start + header.data_offset());
        let path = archive.path().to_owned();
        let shown = format!("{}:{}", path.display(), found.name());
        let file = archive.file().try_clone()?;
        Ok(Self::new(shown, &header, offset, path, file, Place::Member(options, archive, number)))
    }

    fn new(
        name: String,
        header: &npy::Header,
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
            shown: path.display().to_string(),
            path,
            file,
            place,
            unpacked: OnceCell::new(),
        }
    }

    /// Opens many files as one array, one after another along the first axis.
    pub(crate) fn concat(paths: Vec<PathBuf>, options: Options<FromHeader, Npy>) -> Result<Self, Failure> {
        let from = format!("{paths:?}");
        let name = match &paths[..] {
            [first, _, ..] => format!("{} and {} more", first.display(), paths.len() - 1),
            paths => paths.iter().map(|path| path.display().to_string()).collect(),
        };
        Self::files(paths, options, name, from)
    }

    /// Opens the files of a folder that Dask has written.
    fn stack(folder: &Path, options: Options<FromHeader, Npy>) -> Result<Self, Failure> {
        let from = format!("mmap_array::npy::stack({folder:?})?");
        Self::files(npy::stack(folder)?, options, folder.display().to_string(), from)
    }

    fn files(
        paths: Vec<PathBuf>,
        options: Options<FromHeader, Npy>,
        name: String,
        from: String,
    ) -> Result<Self, Failure> {
        let all = options.open_shared_all(&paths).map_err(|error| named(&name, &error))?;
        let (dtype, shape, first) = (all.dtype().clone(), all.shape().to_vec(), paths[0].clone());
        let array = Gathered::Files { all, paths };
        let (file, place) = (File::open(&first)?, Place::Gathered(array, 0, from));
        Ok(Self::without_header(name, Order::C, dtype, shape, None, first, file, place))
    }

    /// A file without a header, or a member of an archive as such.
    pub(crate) fn raw(file: &OsStr, raw: &Raw, recover: bool) -> Result<Self, Failure> {
        if let (path, Some(member)) = split(file) {
            let archive = Archive::open(&path, recover)?;
            let number = archive.find(member)?;
            return match raw.is_gathered() {
                true => raw.gathered(path, Some((archive, number))),
                false => Self::raw_member(Rc::new(archive), number, raw),
            };
        }
        let path = PathBuf::from(file);
        if raw.offset.is_none() && path.is_file() && is_npy(&path) {
            return Err(Failure::new(format!(
                "{}: it is a `.npy` file, whose header says what the elements are; with --offset 0 it is read as raw \
                 bytes",
                path.display()
            )));
        }
        if raw.is_gathered() {
            return raw.gathered(path, None);
        }
        let (offset, dtype, options) = raw.options()?;
        let metadata = path.metadata().ok().filter(|metadata| metadata.is_file());
        let shape = match metadata.and_then(|metadata| raw.shape_in(dtype.itemsize(), metadata.len())) {
            Some(shape) => shape,
            // The library says what is wrong.
            None => options.clone().open_shared(&path)?.shape().to_vec(),
        };
        let (name, file) = (path.display().to_string(), File::open(&path)?);
        let place = Place::Raw(options, offset, None);
        Ok(Self::without_header(name, raw.order, dtype, shape, Some(offset), path, file, place))
    }

    fn raw_member(archive: Rc<Archive>, number: usize, raw: &Raw) -> Result<Self, Failure> {
        let member = nth(&archive, number)?;
        let (offset, dtype, options) = raw.options()?;
        let shape = match raw.shape_in(dtype.itemsize(), member.size()) {
            Some(shape) => shape,
            None if member.is_stored() => member.raw_shape(options.clone())?,
            None => {
                let text = "its bytes are not a whole number of these elements, or are fewer";
                return Err(Failure::new(format!("{}:{}: {text}", archive.path().display(), member.name())));
            }
        };
        let start = member.first_byte().map(|start| start + offset);
        let name = format!("{}:{}", archive.path().display(), member.name());
        let path = archive.path().to_owned();
        let file = archive.file().try_clone()?;
        let place = Place::Raw(options, offset, Some((archive, number)));
        Ok(Self::without_header(name, raw.order, dtype, shape, start, path, file, place))
    }

    #[allow(clippy::too_many_arguments, reason = "they are the fields")]
    fn without_header(
        name: String,
        order: Order,
        dtype: DType,
        shape: Vec<usize>,
        data_offset: Option<u64>,
        path: PathBuf,
        file: File,
        place: Place,
    ) -> Self {
        let nbytes = shape.iter().fold(dtype.itemsize() as u64, |bytes, &len| bytes * len as u64);
        let (shown, unpacked) = (path.display().to_string(), OnceCell::new());
        Self { name, version: None, dtype, shape, order, nbytes, data_offset, path, shown, file, place, unpacked }
    }

    /// A failure to show the array, with the name of the array unless the text begins with that of its file.
    pub(crate) fn about(&self, failure: Failure) -> Failure {
        if self.is_named_in(&failure) { failure } else { Failure::new(format!("{}: {}", self.name, failure.text)) }
    }

    /// Whether a failure's text begins with the name of the array's file.
    pub(crate) fn is_named_in(&self, failure: &Failure) -> bool {
        let begins = |name: &str| failure.text.strip_prefix(name).is_some_and(|rest| rest.starts_with(':'));
        begins(&self.shown) || begins(&self.name) || self.paths().any(|path| begins(&path.to_string_lossy()))
    }

    /// The paths of its files.
    fn paths(&self) -> impl Iterator<Item = &Path> {
        let all = if let Place::Gathered(Gathered::Files { paths, .. }, ..) = &self.place { &paths[..] } else { &[] };
        all.iter().chain([&self.path]).map(PathBuf::as_path)
    }

    /// Has the names that the arguments have, in place of a temporary file's.
    pub(crate) fn rename(&mut self, spooled: &Spooled) {
        self.name = spooled.rename(&self.name);
        self.shown = spooled.rename(&self.shown);
    }

    /// Whether the file has this name.
    #[cfg(feature = "plot")]
    pub(crate) fn is(&self, path: &Path) -> bool {
        let real = |path: &Path| std::fs::canonicalize(path).ok();
        real(path).is_some_and(|path| self.paths().any(|file| real(file).as_ref() == Some(&path)))
    }

    /// The call that opens the array as elements of a type, as Rust source.
    pub(crate) fn opening(&self, element: &str) -> String {
        let path = &self.shown;
        match &self.place {
            Place::Gathered(array, offset, from) => array.opening(element, from, *offset, &self.shape),
            &Place::Npy(_, at) => {
                let at = if at > 0 { format!(".at({at})") } else { String::new() };
                format!("mmap_array::npy::options::<{element}>(){at}.open_shared({path:?})?")
            }
            Place::Compressed(..) => format!("mmap_array::npy::options::<{element}>().load({path:?})?"),
            Place::Member(_, archive, number) => {
                let call = if self.data_offset.is_some() { "open_shared" } else { "load" };
                format!("mmap_array::npy::options::<{element}>().{call}({})?", self.member_call(archive, *number))
            }
            Place::Raw(_, offset, member) => {
                let shape = &self.shape;
                let order = if self.order == Order::F { ".order(mmap_array::Order::F)" } else { "" };
                let source = member
                    .as_ref()
                    .map_or_else(|| format!("{path:?}"), |(archive, number)| self.member_call(archive, *number));
                let call = if self.data_offset.is_some() { "open_shared" } else { "load" };
                format!(
                    "mmap_array::MmapArray::<{element}>::options()\
                     .offset({offset}).shape({shape:?}){order}.{call}({source})?"
                )
            }
        }
    }

    fn member_call(&self, archive: &Archive, number: usize) -> String {
        let name = nth(archive, number).map_or("", Member::name);
        format!("mmap_array::{}({:?})?.member({name:?})?", archive.opening(), self.shown)
    }

    /// Whether the elements must be unpacked to be read.
    fn is_compressed(&self) -> bool {
        self.data_offset.is_none() && !matches!(self.place, Place::Gathered(..))
    }

    /// The array, if its elements do not follow one another.
    pub(crate) fn gathered(&self) -> Option<&Gathered> {
        if let Place::Gathered(array, ..) = &self.place { Some(array) } else { None }
    }

    /// How the elements are compressed, if they are.
    pub(crate) fn compression(&self) -> Option<String> {
        match &self.place {
            Place::Compressed(_, how) => Some((*how).to_owned()),
            Place::Member(_, archive, number) | Place::Raw(_, _, Some((archive, number)))
                if self.data_offset.is_none() =>
            {
                nth(archive, *number).ok().map(Member::how)
            }
            _ => None,
        }
    }

    /// The bytes of the file behind the array, if it has a file of its own.
    pub(crate) fn behind(&self) -> io::Result<u64> {
        match (&self.place, self.data_offset) {
            (Place::Npy(_, 0), Some(start)) => {
                Ok(self.file.metadata()?.len().saturating_sub(start.saturating_add(self.nbytes)))
            }
            _ => Ok(0),
        }
    }

    /// The rows that are complete in the file, if it ends before the array does.
    pub(crate) fn complete_rows(&self) -> io::Result<Option<usize>> {
        let (Place::Npy(..), Some(start)) = (&self.place, self.data_offset) else { return Ok(None) };
        let left = self.file.metadata()?.len().saturating_sub(start);
        if left >= self.nbytes {
            return Ok(None);
        }
        let lies_in_rows = self.order == Order::C || self.shape.len() == 1;
        let len = self.shape.first().filter(|_| lies_in_rows).map_or(0, |&len| len as u64);
        Ok(Some(left.checked_div(self.nbytes.checked_div(len).unwrap_or(0)).unwrap_or(0) as usize))
    }

    /// Checks that the elements of some rows are there and, as far as that means reading them anyway, unharmed.
    pub(crate) fn check(&self, rows: Option<&Range<usize>>) -> Result<(), Failure> {
        let is_part = rows.is_some_and(|rows| rows.len() < self.shape.first().copied().unwrap_or(0));
        let complete = self.complete_rows()?;
        if let (Some(complete), Some(rows)) = (complete, rows) {
            if is_part && rows.end <= complete {
                return Ok(());
            }
        }
        let checked = match &self.place {
            Place::Npy(options, _) => options.elements(..0).open_shared(&self.file).map(drop),
            Place::Gathered(..) if is_part => return Ok(()),
            Place::Gathered(array, ..) => array.check(),
            // A window of no elements takes no memory, and all of the array is read for it.
            _ if self.data_offset.is_none() && is_part => return Ok(()),
            Place::Compressed(options, _) => options.elements(..0).load(&self.path).map(drop),
            Place::Member(options, archive, number) => nth(archive, *number)?.check(*options),
            Place::Raw(_, _, Some((archive, number))) if self.data_offset.is_none() => {
                io::copy(&mut nth(archive, *number)?.reader()?, &mut io::sink())?;
                return Ok(());
            }
            Place::Raw(options, ..) => {
                let end = self.data_offset.and_then(|start| start.checked_add(self.nbytes));
                if end.is_some_and(|end| self.file.metadata().is_ok_and(|metadata| end <= metadata.len())) {
                    return Ok(());
                }
                options.clone().shape(self.shape.as_slice()).open_shared(&self.file).map(drop)
            }
        };
        checked.map_err(|error| {
            let mut failure = named(&self.path.display().to_string(), &error);
            let rows = format!("--rows ..{} shows those", complete.unwrap_or(0));
            failure.text = failure.text.replace("`allow_truncated` opens the rows", &rows);
            failure
        })
    }

    /// The bytes of the elements of a compressed array, one after another.
    fn stream(&self) -> Result<Box<dyn Read + '_>, Failure> {
        let (mut stream, before): (Box<dyn Read + '_>, _) = match &self.place {
            Place::Member(options, archive, number) => {
                let member = nth(archive, *number)?;
                (member.reader()?, member.header(*options)?.data_offset())
            }
            Place::Raw(_, offset, Some((archive, number))) => (nth(archive, *number)?.reader()?, *offset),
            Place::Compressed(options, _) => {
                (Box::new(npy::reader(&self.path)?), options.header(&self.path)?.data_offset())
            }
            _ => return Ok(Box::new(io::empty())),
        };
        io::copy(&mut stream.by_ref().take(before), &mut io::sink())?;
        Ok(stream)
    }

    /// The bytes of the elements as the file has them, of which those in `wanted` will be read, one after another.
    pub(crate) fn input(&self, wanted: Range<u64>) -> Result<Input<'_>, Failure> {
        let mut input = match (&self.place, self.data_offset) {
            (Place::Gathered(array, ..), _) => Input {
                reader: Reader::Portions(Portions::new(array, self.dtype.itemsize(), self.nbytes)),
                position: 0,
            },
            (_, Some(start)) => {
                // It shares its place in the file with others, of which none is read meanwhile.
                let mut file = self.file.try_clone()?;
                file.seek(SeekFrom::Start(start))?;
                Input { reader: Reader::File(BufReader::with_capacity(1 << 16, file)), position: 0 }
            }
            (_, None) => Input { reader: Reader::Stream(Box::new(BufReader::new(self.stream()?))), position: 0 },
        };
        input.skip_to(wanted.start)?;
        let len = wanted.end - wanted.start;
        if self.is_compressed() && len <= SMALL && len < self.nbytes {
            // What is wrong with them is known before any is shown.
            let mut bytes = Vec::new();
            if (&mut input).take(len).read_to_end(&mut bytes)? < len as usize {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            input = Input { reader: Reader::Stream(Box::new(Cursor::new(bytes))), position: wanted.start };
        }
        Ok(input)
    }

    /// A file that has the elements from the byte on that is returned too, to be read in any order.
    pub(crate) fn file(&self) -> Result<(File, u64), Failure> {
        // A clone has the same place in the file.
        let (mut file, start) = match self.data_offset {
            Some(offset) => (self.file.try_clone()?, offset),
            None => (self.unpacked()?.try_clone()?, 0),
        };
        file.rewind()?;
        Ok((file, start))
    }

    /// The elements of a compressed array in a file without a name.
    fn unpacked(&self) -> Result<&File, Failure> {
        if let Some(file) = self.unpacked.get() {
            return Ok(file);
        }
        let failed = |error: io::Error| no_room(&self.name, "the array cannot be unpacked", &error);
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
}

/// The bytes of an array's elements, read forwards.
pub(crate) struct Input<'a> {
    reader: Reader<'a>,
    /// The next byte, counted from the first of the elements.
    position: u64,
}

enum Reader<'a> {
    File(BufReader<File>),
    Stream(Box<dyn Read + 'a>),
    Portions(Portions<'a>),
}

impl Input<'_> {
    /// Reads what is left of a stream, whose end may be a checksum.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        match &mut self.reader {
            Reader::Stream(stream) => io::copy(stream, &mut io::sink()).map(drop),
            Reader::File(_) | Reader::Portions(_) => Ok(()),
        }
    }

    /// Leaves out bytes up to one that has not been read yet.
    pub(crate) fn skip_to(&mut self, position: u64) -> io::Result<()> {
        let count = position - self.position;
        match &mut self.reader {
            // Both are places in a file.
            Reader::File(file) => file.seek_relative(count as i64)?,
            Reader::Portions(portions) => portions.skip_to(position),
            Reader::Stream(stream) => {
                if io::copy(&mut stream.take(count), &mut io::sink())? < count {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
        }
        self.position = position;
        Ok(())
    }
}

impl Read for Input<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match &mut self.reader {
            Reader::File(file) => file.read(buffer),
            Reader::Stream(stream) => stream.read(buffer),
            Reader::Portions(portions) => portions.read(buffer),
        }?;
        self.position += count as u64;
        Ok(count)
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
