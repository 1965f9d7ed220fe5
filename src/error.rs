//! The one error of the crate: what was asked of which bytes of which file, what was found there, and what would work.
//!
//! A mapped array fails where a number does not fit a file: an offset past the end, a tail that is no whole element, an
//! address that the element type cannot live at. Such a failure is useful only when it names the numbers, so every
//! error carries them in its text; [`Error::kind`], [`Error::path`] and [`Error::byte_range`] give them to programs.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The result of the crate's fallible functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, for programs that decide by it; the text of the [`Error`] is for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The operating system refused a call, for the reason in [`io_error`](Error::io_error).
    Io,
    /// The path names a directory, a pipe, a device or a file without a length of its own (`/proc`), none of which can
    /// be mapped.
    NotRegularFile,
    /// The file has no bytes at all and no shape was given.
    EmptyFile,
    /// The file ends before the portion that was asked for does, or before it begins.
    PastEnd,
    /// The bytes up to the end of the file are no whole number of elements (or of rows, where rows were given).
    PartialElement,
    /// The data lie at an address that is no multiple of the element type's alignment.
    Misaligned,
    /// The shape cannot be: too many axes, two inferred ones, or another number of elements than there are.
    Shape,
    /// A size or an offset is larger than the address space, or than a file can be.
    Overflow,
    /// A row, an axis or an index is outside the array.
    OutOfRange,
    /// The elements do not lie one after another as the operation needs them.
    NotContiguous,
    /// The bytes of the elements do not divide into elements of the other type.
    SizeMismatch,
    /// The file is no `.npy` file, or its header is malformed, too long, or another than was expected.
    Header,
    /// The file is no archive, or a broken one, or it has no member of that name, or none that can be read.
    Archive,
    /// There is no such dtype, or the text that describes one is malformed.
    DType,
    /// The elements are of another dtype than the one that was asked for.
    DTypeMismatch,
    /// No field has that name.
    UnknownField,
    /// The element type cannot hold the value: text that is too long, a time that is none or out of reach.
    InvalidValue,
    /// The file may still change, so it cannot be mapped without `unsafe`.
    NotImmutable,
    /// Somebody else holds a lock on the elements.
    Locked,
    /// The file that keeps account of an array being filled is damaged, or of another job.
    Sidecar,
    /// The file was made shorter while it was mapped, and elements were lost. [`byte_range`](Error::byte_range) begins at
    /// the first byte that was.
    Truncated,
    /// The file was written while it was read.
    Changed,
    /// This array, or this operating system, does not have the operation.
    Unsupported,
}

/// An error of this crate.
///
/// Its text says which file and bytes, what was expected and found, and what would work, and includes that of the
/// operating system's error, if any. So [`source`](std::error::Error::source) leaves that one out, which
/// [`io_error`](Self::io_error) returns. It is one pointer in size, `Send`, `Sync` and `'static`.
///
/// It is made from an [`io::Error`] by `?`, and converts into one for programs that pass those on:
///
/// | kind | as an [`io::ErrorKind`] |
/// | --- | --- |
/// | [`Io`](ErrorKind::Io) | the system's |
/// | [`PastEnd`](ErrorKind::PastEnd), [`Truncated`](ErrorKind::Truncated) | `UnexpectedEof` |
/// | [`Changed`](ErrorKind::Changed) | `ResourceBusy` |
/// | [`EmptyFile`](ErrorKind::EmptyFile), [`PartialElement`](ErrorKind::PartialElement), and any kind where what a file holds is no header, archive or sidecar, or a damaged one | `InvalidData` |
/// | [`NotImmutable`](ErrorKind::NotImmutable) | `PermissionDenied` |
/// | [`Locked`](ErrorKind::Locked) | `WouldBlock` |
/// | [`Unsupported`](ErrorKind::Unsupported) | `Unsupported` |
/// | all others: what was asked for is not what there is, or cannot be | `InvalidInput` |
///
/// ```
/// use mmap_array::{ErrorKind, MmapArray};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("samples.f32");
/// std::fs::write(&path, [0; 10])?;
/// let error = MmapArray::<f32>::options().open_shared(&path).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::PartialElement);
/// assert_eq!(error.path(), Some(path.as_path()));
/// assert_eq!(error.byte_range(), Some(8..10));
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    reason: Reason,
    path: Option<PathBuf>,
    /// The member, where the file is an archive.
    member: Option<String>,
    bytes: Option<Range<u64>>,
    /// Whether what a file holds is at fault, and not what was asked of it.
    damaged: bool,
}

/// The failures, each with its numbers; the text says what was expected, found, and would work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Reason {
    #[error("cannot {action}: {source}")]
    Io { action: &'static str, source: io::Error },
    /// One that a caller's code has met.
    #[error("{0}")]
    Other(io::Error),
    #[error("it is {found}, not a regular file, so it cannot be {wanted}{advice}")]
    NotRegularFile { found: &'static str, wanted: &'static str, advice: &'static str },
    #[error(
        "the file is empty, so no shape can be taken from it; give a shape with an axis of 0 if an empty array is meant"
    )]
    EmptyFile,
    #[error("{what} from byte {offset} on need {needed} bytes, but the file ends at byte {file_len}{hint}")]
    PastEnd { what: String, offset: u64, needed: u64, file_len: u64, hint: &'static str },
    #[error("{}", truncated_text(*.first, *.end, *.file_len))]
    Truncated { first: u64, end: u64, file_len: u64 },
    #[error("the file was written meanwhile: what was read may be half old and half new; read it again")]
    Changed,
    #[error("the offset {offset} lies behind the end of the file at byte {file_len}")]
    OffsetPastEnd { offset: u64, file_len: u64 },
    #[error(
        "from byte {offset} to the end at byte {file_len} there are {available} bytes, no whole number of {unit} of \
         {unit_bytes} bytes: {tail} are left over. Is the offset right, and the element's size (a `repr(C)` struct \
         may have padding; a packed one has none, as NumPy's dtypes mostly)? To leave them out on purpose, give {fit}"
    )]
    PartialElement {
        offset: u64,
        file_len: u64,
        available: u64,
        unit: &'static str,
        unit_bytes: u64,
        tail: u64,
        /// The shape, or the count, that would do.
        fit: String,
    },
    #[error(
        "the data start at byte {offset}, which is no multiple of {align}, the alignment of `{element}`: {advice} \
         (the next aligned offset is {next})"
    )]
    Misaligned { offset: u64, align: usize, next: u64, element: String, advice: String },
    #[error("{0}")]
    Shape(String),
    #[error("{what} is too large: {detail}")]
    Overflow { what: &'static str, detail: String },
    #[error("{0}")]
    OutOfRange(String),
    #[error("{0}")]
    NotContiguous(String),
    #[error("{0}")]
    SizeMismatch(String),
    #[error("{0}")]
    Header(String),
    #[cfg(feature = "npz")]
    #[error("{0}")]
    Archive(String),
    #[error("{0}")]
    DType(String),
    #[error("{what} ({place})")]
    Literal { what: String, place: String },
    #[error("{0}")]
    DTypeMismatch(String),
    #[error("{0}")]
    UnknownField(String),
    #[error("{0}")]
    InvalidValue(String),
    #[error(
        "the file may still change, so opening it needs `unsafe`: {source}; `open_sealed` takes a memfd sealed against \
         writing and shrinking, or a file under fs-verity on ext4, F2FS or Btrfs"
    )]
    NotImmutable { source: io::Error },
    #[error("{0}")]
    Locked(String),
    #[error("{0}")]
    Sidecar(String),
    #[error("{0}")]
    Unsupported(String),
}

/// The name of a type without the modules that its parts are in.
pub(crate) fn short_type_name<T: ?Sized>() -> String {
    by_order(&short_name(std::any::type_name::<T>()))
}

/// The name of a type with `Be<f32>` for `Endian<f32, BigEndian>`, as people write it.
fn by_order(name: &str) -> String {
    let mut text = name.to_owned();
    while let Some(start) = text.find("Endian<") {
        let inner = start + "Endian<".len();
        let mut depth = 1;
        let end = text[inner..].find(|c| {
            depth += i32::from(c == '<') - i32::from(c == '>');
            depth == 0
        });
        let Some(end) = end.map(|end| inner + end) else { break };
        let parameters = &text[inner..end];
        let short = (parameters.strip_suffix(", BigEndian").map(|of| format!("Be<{of}>")))
            .or_else(|| parameters.strip_suffix(", LittleEndian").map(|of| format!("Le<{of}>")));
        let Some(short) = short else { break };
        text.replace_range(start..=end, &short);
    }
    text
}

fn short_name(name: &str) -> String {
    let mut short = String::new();
    let mut start = 0; // of the current path in `short`
    for part in name.split_inclusive("::") {
        short.truncate(start);
        let word = part.strip_suffix("::").unwrap_or(part);
        short.push_str(word);
        start = word.rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(start, |end| start + end + 1);
    }
    short
}

/// What is said of elements that were lost; the file may have become long enough again.
fn truncated_text(first: u64, end: u64, file_len: u64) -> String {
    let now = if file_len < end { "it ends" } else { "it ends again" };
    format!(
        "the file was made shorter while it was mapped: elements up to byte {end} are expected, those from byte {first} on \
         were lost, and {now} at byte {file_len}; `refresh` maps what there is"
    )
}

impl Reason {
    /// The error.
    #[cold]
    pub(crate) fn error(self) -> Error {
        Error(Box::new(Inner { reason: self, path: None, member: None, bytes: None, damaged: false }))
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io { .. } | Self::Other(_) => ErrorKind::Io,
            Self::NotRegularFile { .. } => ErrorKind::NotRegularFile,
            Self::EmptyFile => ErrorKind::EmptyFile,
            Self::PastEnd { .. } | Self::OffsetPastEnd { .. } => ErrorKind::PastEnd,
            Self::PartialElement { .. } => ErrorKind::PartialElement,
            Self::Misaligned { .. } => ErrorKind::Misaligned,
            Self::Shape(_) => ErrorKind::Shape,
            Self::Overflow { .. } => ErrorKind::Overflow,
            Self::OutOfRange(_) => ErrorKind::OutOfRange,
            Self::NotContiguous(_) => ErrorKind::NotContiguous,
            Self::SizeMismatch(_) => ErrorKind::SizeMismatch,
            Self::Header(_) => ErrorKind::Header,
            #[cfg(feature = "npz")]
            Self::Archive(_) => ErrorKind::Archive,
            Self::DType(_) | Self::Literal { .. } => ErrorKind::DType,
            Self::DTypeMismatch(_) => ErrorKind::DTypeMismatch,
            Self::UnknownField(_) => ErrorKind::UnknownField,
            Self::InvalidValue(_) => ErrorKind::InvalidValue,
            Self::NotImmutable { .. } => ErrorKind::NotImmutable,
            Self::Locked(_) => ErrorKind::Locked,
            Self::Truncated { .. } => ErrorKind::Truncated,
            Self::Changed => ErrorKind::Changed,
            Self::Sidecar(_) => ErrorKind::Sidecar,
            Self::Unsupported(_) => ErrorKind::Unsupported,
        }
    }
}

impl Error {
    /// What went wrong, for programs.
    ///
    /// ```
    /// use mmap_array::{ErrorKind, MmapArrayMut};
    /// let error = MmapArrayMut::<u8>::anonymous([usize::MAX / 2, 3]).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Overflow);
    /// ```
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.reason.kind()
    }

    /// The file it happened to; `None` for memory, and for a file that was passed in already open.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// The bytes of the file that the failure is about, where it is about some. The range may end past the file's end:
    /// that is what was asked for.
    #[must_use]
    pub fn byte_range(&self) -> Option<Range<u64>> {
        self.0.bytes.clone()
    }

    /// Returns the operating system's error, where the kind is [`Io`](ErrorKind::Io).
    ///
    /// ```
    /// use mmap_array::npy;
    /// use std::io::ErrorKind;
    /// let error = npy::header("there/is/no/such.npy").unwrap_err();
    /// assert_eq!(error.io_error().map(|error| error.kind()), Some(ErrorKind::NotFound));
    /// ```
    #[must_use]
    pub fn io_error(&self) -> Option<&io::Error> {
        match &self.0.reason {
            Reason::Io { source, .. } | Reason::Other(source) => Some(source),
            _ => None,
        }
    }

    /// The kind of the system's error, where this is one.
    pub(crate) fn io_kind(&self) -> Option<io::ErrorKind> {
        self.io_error().map(io::Error::kind)
    }

    /// Wraps the operating system's refusal; `action` completes "cannot …".
    #[cold]
    pub(crate) fn io(action: &'static str, source: io::Error) -> Self {
        Reason::Io { action, source }.error()
    }

    #[cold]
    pub(crate) fn shape(text: impl Into<String>) -> Self {
        Reason::Shape(text.into()).error()
    }

    #[cold]
    pub(crate) fn out_of_range(text: impl Into<String>) -> Self {
        Reason::OutOfRange(text.into()).error()
    }

    #[cold]
    pub(crate) fn invalid_value(text: impl Into<String>) -> Self {
        Reason::InvalidValue(text.into()).error()
    }

    #[cold]
    pub(crate) fn overflow(what: &'static str, detail: impl Into<String>) -> Self {
        Reason::Overflow { what, detail: detail.into() }.error()
    }

    #[cold]
    pub(crate) fn unsupported(text: impl Into<String>) -> Self {
        Reason::Unsupported(text.into()).error()
    }

    #[cold]
    pub(crate) fn sidecar(text: impl Into<String>) -> Self {
        Reason::Sidecar(text.into()).error()
    }

    /// Says that the text at fault is a header's.
    pub(crate) fn in_header(mut self) -> Self {
        if let Reason::Literal { .. } | Reason::DType(_) = self.0.reason {
            self.0.reason = Reason::Header(format!("the header cannot be read: {}", self.0.reason));
        }
        self
    }

    /// Says that what a file holds is at fault, and not what was asked of it.
    pub(crate) fn damaged(mut self) -> Self {
        self.0.damaged = true;
        self
    }

    /// Names the file, unless a more exact place has named it already.
    #[cold]
    pub(crate) fn in_file(mut self, path: Option<&Path>) -> Self {
        if self.0.path.is_none() {
            self.0.path = path.map(Path::to_path_buf);
        }
        self
    }

    /// Names the member of an archive, and says of one that cannot be decompressed or has another checksum that it is
    /// damaged, which no call of the system's is to blame for.
    #[cfg(feature = "npz")]
    pub(crate) fn of_member(mut self, name: &str) -> Self {
        use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        match &self.0.reason {
            Reason::Io { action, source }
                if action.starts_with("read")
                    && matches!(source.kind(), InvalidData | InvalidInput | UnexpectedEof) =>
            {
                self.0.reason = Reason::Archive(format!("it is damaged: {source}"));
                self.0.damaged = true;
            }
            _ => {}
        }
        self.0.member = Some(name.to_owned());
        self
    }

    /// Says of elements that a file does not have that it had them before.
    pub(crate) fn into_truncated(self) -> Self {
        let Reason::PastEnd { offset, needed, file_len, .. } = self.0.reason else { return self };
        let (first, end) = (offset.max(file_len), offset.saturating_add(needed));
        Reason::Truncated { first, end, file_len }.error().at_bytes(first..end)
    }

    /// Names the bytes of the file.
    #[cold]
    pub(crate) fn at_bytes(mut self, bytes: Range<u64>) -> Self {
        self.0.bytes = Some(bytes);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.0.path {
            write!(f, "{}: ", path.display())?;
        }
        if let Some(member) = &self.0.member {
            write!(f, "the member {member:?}: ")?;
        }
        self.0.reason.fmt(f)?;
        match (&self.0.reason, &self.0.bytes) {
            // The others tell of their bytes themselves.
            (Reason::Io { .. } | Reason::Other(_), Some(bytes)) => write!(f, " (bytes {}..{})", bytes.start, bytes.end),
            _ => Ok(()),
        }
    }
}

/// The kind and the text: what a `main` that returns the error shows.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.kind())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.reason {
            // Their text is part of this error's, so what follows is the cause of the cause.
            Reason::Io { source, .. } | Reason::Other(source) | Reason::NotImmutable { source } => source.source(),
            _ => None,
        }
    }
}

impl From<io::Error> for Error {
    /// The error that is in it, where one of this crate has become an [`io::Error`].
    fn from(error: io::Error) -> Self {
        error.downcast().unwrap_or_else(|other| Reason::Other(other).error())
    }
}

impl From<Error> for io::Error {
    /// Keeps the operating system's [`io::ErrorKind`] where there is one, and the whole error as the inner one; the
    /// [`io::Error`] that it was made from, where nothing has been added.
    fn from(error: Error) -> Self {
        let error = match *error.0 {
            Inner { reason: Reason::Other(other), path: None, member: None, bytes: None, .. } => return other,
            inner => Error(Box::new(inner)),
        };
        let kind = match &error.0.reason {
            Reason::Io { source, .. } | Reason::Other(source) => source.kind(),
            Reason::PastEnd { .. } | Reason::OffsetPastEnd { .. } | Reason::Truncated { .. } => {
                io::ErrorKind::UnexpectedEof
            }
            Reason::Changed => io::ErrorKind::ResourceBusy,
            Reason::EmptyFile | Reason::PartialElement { .. } => io::ErrorKind::InvalidData,
            Reason::NotImmutable { .. } => io::ErrorKind::PermissionDenied,
            Reason::Locked(_) => io::ErrorKind::WouldBlock,
            Reason::Unsupported(_) => io::ErrorKind::Unsupported,
            _ if error.0.damaged => io::ErrorKind::InvalidData,
            _ => io::ErrorKind::InvalidInput,
        };
        Self::new(kind, error)
    }
}

/// An error of a method that takes an array by value, and the array, as it was.
///
/// What lives in memory alone is not lost by an error. `?` turns it into an [`Error`], or an [`io::Error`], and drops
/// the array; [`into_array`](Self::into_array) gives it back, as [`std::string::FromUtf8Error`] does with bytes.
///
/// ```
/// use mmap_array::MmapArrayMut;
/// let mut table = MmapArrayMut::<[u8; 3]>::anonymous(5)?;
/// table[4] = [7; 3];
/// let error = table.cast::<u16>().unwrap_err(); // 15 bytes
/// assert!(error.error().to_string().contains("do not divide"));
/// let table = error.into_array();
/// assert_eq!(table[4], [7; 3]);
/// # Ok::<(), mmap_array::Error>(())
/// ```
pub struct ArrayError<A>(Box<(Error, A)>);

impl<A> ArrayError<A> {
    pub(crate) fn new(error: Error, array: A) -> Self {
        Self(Box::new((error, array)))
    }

    /// Returns what went wrong.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.0.0
    }

    /// Returns the array, as it was.
    #[must_use]
    pub fn into_array(self) -> A {
        self.0.1
    }

    /// Returns what went wrong and the array, as it was.
    #[must_use]
    pub fn into_parts(self) -> (Error, A) {
        *self.0
    }
}

/// An error of `persist`, and the array, unless its file has got a name.
///
/// As long as nobody else can have the file of the array, the array comes back. Where the system has named the file and
/// then failed, as by not writing the folder back, others may have it, so the array is closed; its file is whole, and
/// the error says under which name.
///
/// ```
/// use mmap_array::MmapArrayMut;
/// # let dir = tempfile::tempdir()?;
/// let mut ones = MmapArrayMut::<u8>::scratch(3)?;
/// ones.fill(1);
/// let error = ones.persist(dir.path().join("no/such/folder/ones")).unwrap_err();
/// assert!(error.to_string().contains("no/such/folder"));
/// assert_eq!(error.into_array().as_deref(), Some(&[1, 1, 1][..]));
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct PersistError<A>(Box<(Error, Option<A>)>);

impl<A> PersistError<A> {
    pub(crate) fn new(error: Error, array: Option<A>) -> Self {
        Self(Box::new((error, array)))
    }

    /// Returns what went wrong.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.0.0
    }

    /// Returns the array, as it was; `None` where its file has got a name.
    #[must_use]
    pub fn into_array(self) -> Option<A> {
        self.0.1
    }

    /// Returns what went wrong and the array, as it was; `None` where its file has got a name.
    #[must_use]
    pub fn into_parts(self) -> (Error, Option<A>) {
        *self.0
    }
}

macro_rules! errors_with_arrays {
    ($($name:ident)*) => {$(
        impl<A> fmt::Display for $name<A> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self.error(), f)
            }
        }

        impl<A> fmt::Debug for $name<A> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.error(), f)
            }
        }

        impl<A> std::error::Error for $name<A> {
            fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
                self.error().source()
            }
        }

        impl<A> From<$name<A>> for Error {
            fn from(error: $name<A>) -> Self {
                error.into_parts().0
            }
        }

        impl<A> From<$name<A>> for io::Error {
            fn from(error: $name<A>) -> Self {
                Error::from(error).into()
            }
        }
    )*};
}
errors_with_arrays!(ArrayError PersistError);

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error as _;

    #[test]
    fn the_text_names_the_file_and_the_cause() {
        let error = Error::io("open the file", io::ErrorKind::NotFound.into()).in_file(Some(Path::new("a/b")));
        assert_eq!(error.to_string(), "a/b: cannot open the file: entity not found");
        assert!(error.source().is_none(), "the text has it");
        assert_eq!(error.io_error().unwrap().kind(), io::ErrorKind::NotFound);
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn the_first_place_to_name_a_file_wins() {
        let error = Error::shape("no").in_file(Some(Path::new("inner"))).in_file(Some(Path::new("outer")));
        assert_eq!(error.path(), Some(Path::new("inner")));
    }

    #[test]
    fn type_names_lose_their_modules() {
        assert_eq!(short_name("f32"), "f32");
        assert_eq!(short_name("my_crate::ticks::Trade"), "Trade");
        assert_eq!(short_name("[a::B; 3]"), "[B; 3]");
        assert_eq!(short_name("a::Le<b::c::Wide<d::E>, f64>"), "Le<Wide<E>, f64>");
        assert_eq!(by_order("[Endian<Ucs4<3>, LittleEndian>; 2]"), "[Le<Ucs4<3>>; 2]");
        assert_eq!(by_order("Pair<Endian<f32, BigEndian>, Endian<u8, LittleEndian>>"), "Pair<Be<f32>, Le<u8>>");
        assert_eq!(by_order("Endian<f32, Mine>"), "Endian<f32, Mine>");
    }

    #[test]
    fn no_text_is_said_twice_along_the_sources() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] io::Error);
        let inner = || io::Error::other(Outer(io::Error::other("inner")));
        let errors = [
            Error::io("open the file", inner()),
            Error::io("open the file", io::ErrorKind::NotFound.into()),
            Reason::NotImmutable { source: inner() }.error(),
            inner().into(),
            Error::shape("no"),
        ];
        for error in errors {
            let (mut texts, mut next) = (vec![error.to_string()], error.source());
            while let Some(source) = next {
                let text = source.to_string();
                assert!(texts.iter().all(|said| !said.contains(&text)), "{text} after {texts:?}");
                texts.push(text);
                next = source.source();
            }
        }
    }

    #[test]
    fn an_error_that_was_an_io_error_meanwhile_is_itself_again() {
        let error = Error::from(io::Error::from(Error::shape("no").in_file(Some(Path::new("a")))));
        assert_eq!((error.kind(), error.path()), (ErrorKind::Shape, Some(Path::new("a"))));
        let error = Error::from(io::Error::from(io::ErrorKind::NotFound));
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Io, "entity not found"));
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::NotFound);
        let error = Error::from(io::Error::from_raw_os_error(2));
        assert_eq!(io::Error::from(error).raw_os_error(), Some(2));
        let error = io::Error::from(Error::from(io::Error::from_raw_os_error(2)).in_file(Some(Path::new("a"))));
        assert_eq!(error.to_string(), format!("a: {}", io::Error::from_raw_os_error(2)));
    }

    #[test]
    fn it_is_small_and_crosses_threads() {
        fn check<T: Send + Sync + 'static>() {}
        check::<Error>();
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }
}
