//! Sources of arrays: a file with one array or with several, a member of an archive, or a file without a header.

use super::archive::{Archive, Member};
use super::gathered::{Gathered, Portions};
use super::input::Input;
use super::raw::Raw;
use super::spool::{Spooled, no_room};
use super::{Failure, told};
use mmap_array::npy::{self, FromHeader, Npy};
use mmap_array::{DType, Options, Order};
use std::cell::OnceCell;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The largest part of a compressed array that is read into memory before any of it is written, in bytes.
const SMALL: u64 = 4 << 20;

/// An array in a file, with its dtype, shape and position.
pub(crate) struct Source {
    /// The name of the file, and of the member if the array is one.
    pub(crate) name: String,
    /// The version of the `.npy` format; `None` for a file without a header.
    pub(crate) version: Option<(u8, u8)>,
    pub(crate) dtype: DType,
    pub(crate) shape: Vec<usize>,
    pub(crate) order: Order,
    pub(crate) nbytes: u64,
    /// The byte of the file at which the first element begins; `None` if it is compressed or in one of several files.
    pub(crate) data_offset: Option<u64>,
    path: PathBuf,
    /// The path that is displayed, which is not that of a temporary file.
    shown: String,
    /// The file, opened once, so that all reads are from the same file even if another one takes its name. Only a file
    /// that is compressed as a whole is opened by its path again.
    file: File,
    place: Place,
    /// A temporary file with the elements of a compressed array, once they are unpacked.
    unpacked: OnceCell<File>,
    /// The unpacked length of a file that is compressed as a whole, once it has been read to its end.
    unpacked_len: OnceCell<u64>,
}

pub(crate) enum Place {
    /// An array in a `.npy` file, with the byte at which its header begins.
    Npy(Options<FromHeader, Npy>, u64),
    /// A file that is compressed as a whole, with the name of the compression.
    Compressed(Options<FromHeader, Npy>, &'static str),
    /// A member of an archive, by its number, since several members may have the same name.
    Member(Options<FromHeader, Npy>, Rc<Archive>, usize),
    /// A file or a member without a header, with the byte of it at which the first element begins.
    Raw(Options<DType>, u64, Option<(Rc<Archive>, usize)>),
    /// An array whose elements are not contiguous in one file, with the byte at which the first begins, and the
    /// argument of the call that opens it, as Rust source.
    Gathered(Gathered, u64, String),
}

/// The contents of a file: one array or several.
pub(crate) enum Found {
    One(Box<Source>),
    Several(Several),
}

/// The bytes that follow an array in its file or member.
pub(crate) struct Behind {
    pub(crate) bytes: u64,
    /// The byte at which another array begins, if one follows.
    pub(crate) array: Option<(u64, bool)>,
}

/// Several arrays in one file.
pub(crate) enum Several {
    Members(Rc<Archive>),
    /// `.npy` arrays in one file, one after another.
    /// Arrays one after another, and the maximum length of their headers.
    Arrays(PathBuf, usize),
}

impl Several {
    /// Returns the failure for output that shows only one array, which asks for a choice.
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
            Self::Arrays(path, most) => {
                let headers = npy::headers(path).map(|headers| headers.max_header(*most));
                let found = headers.map(|headers| headers.map_while(Result::ok).take(20));
                let bytes: Vec<u64> = found.into_iter().flatten().map(|(byte, _)| byte).collect();
                Failure::new(format!("{}: which array? Say --at BYTE; there are some at {bytes:?}", path.display()))
            }
        }
    }
}

/// Splits an argument into the path of a file and the member after a colon. The name of a file may contain colons, too.
pub(crate) fn split(file: &OsStr) -> (PathBuf, Option<&str>) {
    let whole = (PathBuf::from(file), None);
    if whole.0.exists() {
        return whole;
    }
    let Some(text) = file.to_str() else { return whole };
    let mut places = text.match_indices(':').map(|(at, _)| (&text[..at], &text[at + 1..]));
    places.find(|(path, _)| Path::new(path).is_file()).map_or(whole, |(path, member)| (path.into(), Some(member)))
}

/// Returns whether a file begins as `.npy` files do, or there is no regular file at `path`.
pub(crate) fn is_npy(path: &Path) -> bool {
    !path.is_file() || File::open(path).is_ok_and(|mut file| begins_npy(&mut file))
}

/// Returns whether the next bytes are those with which `.npy` files begin.
fn begins_npy(file: &mut File) -> bool {
    let mut start = [0; 6];
    file.read_exact(&mut start).is_ok_and(|()| &start == b"\x93NUMPY")
}

/// Returns whether a folder has the file in which Dask states the order of a stack.
fn is_stack(folder: &Path) -> bool {
    folder.join("info").is_file()
}

/// The library's advice for files that end before their array does.
pub(crate) const ALLOW_TRUNCATED: &str = "; `allow_truncated` opens the rows that are complete";

/// Returns the name of the compression with whose signature a file begins.
fn compression(path: &Path) -> Option<&'static str> {
    let mut start = [0; 4];
    File::open(path).and_then(|mut file| file.read_exact(&mut start)).ok()?;
    match start {
        [0x1f, 0x8b, ..] => Some("gzip"),
        [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => Some("Zstandard"),
        _ => None,
    }
}

impl Source {
    /// Opens the array or arrays that an argument names.
    pub(crate) fn open(file: &OsStr, most: usize, at: Option<u64>, recover: bool) -> Result<Found, Failure> {
        let options = npy::dyn_options().max_header(most);
        let (path, member) = split(file);
        let one = |source: Self| Found::One(Box::new(source));
        if at.is_none() && member.is_none() && is_stack(&path) {
            return Self::stack(&path, options).map(one);
        }
        if path.is_dir() {
            let path = path.display();
            let text = "and not a stack that Dask has written; `--concat` shows files as one array, as in";
            return Err(Failure::new(format!("{path}: it is a folder, {text}: mmap-inspect --concat {path}/*.npy")));
        }
        let is_npy = at.is_some() || is_npy(&path);
        let Some(member) = member else {
            if is_npy {
                let mut headers = npy::headers(&path)?.max_header(most);
                return match at.is_none() && headers.by_ref().take(2).filter(Result::is_ok).count() > 1 {
                    true => Ok(Found::Several(Several::Arrays(path, most))),
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
            let text = if at.is_some() { "with --at it is not opened as an archive" } else { "it is no archive" };
            return Err(Failure::new(format!("{}: {text}, so it has no member {member:?}", path.display())));
        }
        let archive = Archive::open(&path, recover)?;
        let number = archive.find(member)?;
        Self::member(options, Rc::new(archive), number).map(one)
    }

    /// Opens the array whose header begins at byte `at` of a file.
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
            unpacked_len: OnceCell::new(),
        }
    }

    /// Opens many files as one array, one after another along the first axis.
    pub(crate) fn concat(paths: Vec<PathBuf>, options: Options<FromHeader, Npy>) -> Result<Self, Failure> {
        if let [folder] = &paths[..] {
            if is_stack(folder) {
                return Self::stack(folder, options);
            }
        }
        for path in &paths {
            let refused = |what: &str| {
                let text = format!("{}: --concat joins `.npy` files, and this is {what}", path.display());
                Err(Failure::new(text))
            };
            if let (archive, Some(_)) = split(path.as_os_str()) {
                return refused(&format!("a member of {}; extract it first", archive.display()));
            }
            if path.is_dir() {
                return refused(&format!("a folder: name its files, as in {}/*.npy", path.display()));
            }
            if let Some(how) = compression(path) {
                return refused(&format!("one that is compressed by {how}; decompress it first"));
            }
        }
        let from = format!("{paths:?}");
        let name = match &paths[..] {
            [first, _, ..] => format!("{} and {} more", first.display(), paths.len() - 1),
            paths => paths.iter().map(|path| path.display().to_string()).collect(),
        };
        Self::files(paths, options, name, from)
    }

    /// Opens the files of a folder that Dask has written as one array.
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
        // Each file has to have all of its rows.
        let whole = |text: String| text.replace(ALLOW_TRUNCATED, "");
        let all = options.open_shared_all(&paths).map_err(|error| named(&name, &error).map_text(whole))?;
        let (dtype, shape, first) = (all.dtype().clone(), all.shape().to_vec(), paths[0].clone());
        let array = Gathered::Files { all, paths, options: Box::new(options) };
        let (file, place) = (File::open(&first)?, Place::Gathered(array, 0, from));
        Ok(Self::without_header(name, Order::C, dtype, shape, None, first, file, place))
    }

    #[allow(clippy::too_many_arguments, reason = "they are the fields")]
    pub(crate) fn without_header(
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
        let (shown, unpacked, unpacked_len) = (path.display().to_string(), OnceCell::new(), OnceCell::new());
        let version = None;
        Self {
            name,
            version,
            dtype,
            shape,
            order,
            nbytes,
            data_offset,
            path,
            shown,
            file,
            place,
            unpacked,
            unpacked_len,
        }
    }

    /// Puts the name of the array before the text of a failure, unless the text begins with the name of its file.
    pub(crate) fn about(&self, failure: Failure) -> Failure {
        if self.is_named_in(&failure) { failure } else { Failure::new(format!("{}: {}", self.name, failure.text)) }
    }

    /// Returns whether the text of a failure begins with the name of the array or of one of its files.
    pub(crate) fn is_named_in(&self, failure: &Failure) -> bool {
        let begins = |name: &str| failure.text.strip_prefix(name).is_some_and(|rest| rest.starts_with(':'));
        begins(&self.shown) || begins(&self.name) || self.paths().any(|path| begins(&path.to_string_lossy()))
    }

    /// Returns the paths of the array's files.
    fn paths(&self) -> impl Iterator<Item = &Path> {
        let all = if let Place::Gathered(Gathered::Files { paths, .. }, ..) = &self.place { &paths[..] } else { &[] };
        all.iter().chain([&self.path]).map(PathBuf::as_path)
    }

    /// Replaces the name of a temporary file by the name in the arguments.
    pub(crate) fn rename(&mut self, spooled: &Spooled) {
        let from = if let Place::Gathered(_, _, from) = &mut self.place { Some(from) } else { None };
        for name in [&mut self.name, &mut self.shown].into_iter().chain(from) {
            *name = spooled.rename(name);
        }
    }

    /// Returns whether `path` is one of the array's files.
    pub(crate) fn is(&self, path: &Path) -> bool {
        let real = |path: &Path| std::fs::canonicalize(path).ok();
        real(path).is_some_and(|path| self.paths().any(|file| real(file).as_ref() == Some(&path)))
    }

    /// Returns the call that opens the array with elements of the type `element`, as Rust source.
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

    /// Returns whether the elements must be unpacked to be read.
    fn is_compressed(&self) -> bool {
        self.data_offset.is_none() && !matches!(self.place, Place::Gathered(..))
    }

    /// Returns the array if its elements are not contiguous in one file.
    pub(crate) fn gathered(&self) -> Option<&Gathered> {
        if let Place::Gathered(array, ..) = &self.place { Some(array) } else { None }
    }

    /// Returns the name of the compression, or `None` if the elements are not compressed.
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

    /// Returns the number of bytes after the array in its file or member, and the byte at which another array begins
    /// there, as far as they are known. If the array does not begin at byte 0 of a file, only another array is
    /// returned, since anything else may follow.
    pub(crate) fn behind(&self) -> Result<Option<Behind>, Failure> {
        let bytes = match (&self.place, self.data_offset) {
            (&Place::Npy(options, at), Some(start)) => {
                let end = start.saturating_add(self.nbytes);
                let bytes = self.file.metadata()?.len().saturating_sub(end);
                let mut file = self.file.try_clone()?;
                file.seek(SeekFrom::Start(end))?;
                return Ok(match begins_npy(&mut file) {
                    true => Some(Behind { bytes, array: Some((end, options.at(end).header(&self.file).is_ok())) }),
                    false => Some(Behind { bytes, array: None }).filter(|_| bytes > 0 && at == 0),
                });
            }
            (Place::Member(options, archive, number), _) => {
                let member = nth(archive, *number)?;
                member.size().saturating_sub(member.header(*options)?.data_offset().saturating_add(self.nbytes))
            }
            (Place::Gathered(Gathered::Files { paths, options, .. }, ..), _) => {
                let behind = |path: &PathBuf| {
                    let header = options.header(path)?;
                    let end = header.data_offset().saturating_add(header.nbytes());
                    Ok::<_, Failure>(path.metadata()?.len().saturating_sub(end))
                };
                paths.iter().map(behind).sum::<Result<u64, _>>()?
            }
            (Place::Compressed(options, _), _) => {
                let before = options.header(&self.path)?.data_offset();
                self.unpacked_len.get().map_or(0, |len| len.saturating_sub(before.saturating_add(self.nbytes)))
            }
            _ => 0,
        };
        Ok(Some(Behind { bytes, array: None }).filter(|_| bytes > 0))
    }

    /// Returns whether the array is made of several files.
    pub(crate) fn is_concat(&self) -> bool {
        matches!(self.place, Place::Gathered(Gathered::Files { .. }, ..))
    }

    /// Returns whether the array is in a `.npy` file that is not compressed, possibly after other data.
    pub(crate) fn is_file(&self) -> bool {
        matches!(self.place, Place::Npy(..))
    }

    /// Returns the name of the member whose bytes the array is, if it is not a `.npy` file.
    pub(crate) fn other_member(&self) -> Option<&str> {
        let Place::Raw(_, _, Some((archive, number))) = &self.place else { return None };
        nth(archive, *number).ok().filter(|member| member.is_other()).map(Member::name)
    }

    /// Returns the number of rows that are complete in the file, or `None` unless the file ends before the array does.
    pub(crate) fn complete_rows(&self) -> io::Result<Option<usize>> {
        let (Place::Npy(..), Some(start)) = (&self.place, self.data_offset) else { return Ok(None) };
        let left = self.file.metadata()?.len().saturating_sub(start);
        if left >= self.nbytes {
            return Ok(None);
        }
        let Some(&len) = self.shape.first() else { return Ok(Some(0)) };
        let complete = match self.order {
            Order::C => left / (self.nbytes / len as u64),
            // In Fortran order the last elements of the array are those of the last rows.
            Order::F => (len as u64).saturating_sub((self.nbytes - left).div_ceil(self.dtype.itemsize() as u64)),
        };
        Ok(Some(complete as usize))
    }

    /// Checks that the elements of `rows`, or all elements, are in the file. All elements of a compressed array are
    /// read for this, which finds damage too; some rows of a compressed array, or of one that is not contiguous in one
    /// file, are not checked.
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
            Place::Compressed(options, _) => {
                let end = options.header(&self.path)?.data_offset().saturating_add(self.nbytes);
                match npy::reader(&self.path).map(|mut reader| io::copy(&mut reader, &mut io::sink())) {
                    Ok(Ok(len)) if len >= end => {
                        self.unpacked_len.get_or_init(|| len);
                        return Ok(());
                    }
                    // The library says what is wrong.
                    _ => options.elements(..0).load(&self.path).map(drop),
                }
            }
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
            let advice = match complete {
                None | Some(0) => String::new(),
                Some(complete) => format!("; --rows ..{complete} shows those that are complete"),
            };
            failure.text = failure.text.replace(ALLOW_TRUNCATED, &advice);
            failure
        })
    }

    /// Returns a reader of the elements of a compressed array.
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

    /// Returns an input of the bytes of the elements, at the start of `wanted`, the range that will be read forwards.
    pub(crate) fn input(&self, wanted: Range<u64>) -> Result<Input<'_>, Failure> {
        let mut input = match (&self.place, self.data_offset) {
            (Place::Gathered(array, ..), _) => {
                Input::of_portions(Portions::new(array, self.dtype.itemsize(), self.nbytes))
            }
            // It shares its place in the file with others, of which none is read meanwhile.
            (_, Some(start)) => Input::of_file(self.file.try_clone()?, start)?,
            (_, None) => Input::of_stream(Box::new(BufReader::new(self.stream()?)), 0),
        };
        input.skip_to(wanted.start)?;
        let len = wanted.end - wanted.start;
        if self.is_compressed() && len <= SMALL && len < self.nbytes {
            // What is wrong with them is known before any is shown.
            let mut bytes = Vec::new();
            if (&mut input).take(len).read_to_end(&mut bytes)? < len as usize {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            input = Input::of_stream(Box::new(Cursor::new(bytes)), wanted.start);
        }
        Ok(input)
    }

    /// Returns an input of the bytes of the elements that skips bytes without reading them. A compressed array is
    /// unpacked first.
    pub(crate) fn input_anywhere(&self) -> Result<Input<'_>, Failure> {
        if self.gathered().is_some() {
            return self.input(0..self.nbytes);
        }
        let (file, start) = self.file()?;
        Ok(Input::of_file(file, start)?)
    }

    /// Returns a file from which the elements can be read in any order, and the byte at which they begin.
    pub(crate) fn file(&self) -> Result<(File, u64), Failure> {
        // A clone has the same place in the file.
        let (mut file, start) = match self.data_offset {
            Some(offset) => (self.file.try_clone()?, offset),
            None => (self.unpacked()?.try_clone()?, 0),
        };
        file.rewind()?;
        Ok((file, start))
    }

    /// Returns a temporary file without a name, with the elements of a compressed array.
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

/// Returns the member with this number.
pub(crate) fn nth(archive: &Archive, number: usize) -> Result<Member<'_>, Failure> {
    archive.members().nth(number).ok_or_else(|| Failure::new(format!("{}: no such member", archive.path().display())))
}

/// Converts an error into a failure that begins with `name`, unless the error has a path. An error of an open file has
/// none.
pub(crate) fn named(name: &str, error: &mmap_array::Error) -> Failure {
    match error.path() {
        Some(_) => Failure::new(told(error)),
        None => Failure::new(format!("{name}: {}", told(error))),
    }
}
