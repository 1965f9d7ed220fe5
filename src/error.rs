//! The error type of the crate: what was requested of which bytes of which file, what was found, and what would work.
//!
//! Most errors of mapped arrays are numbers that do not fit a file: an offset past the end, a length that is not a
//! whole number of elements, an address that is not aligned for the element type. Such an error is useful only if it
//! states the numbers. Therefore the text of every error contains them, and [`Error::kind`], [`Error::path`] and
//! [`Error::byte_range`] provide them to programs.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The result type of the crate's fallible functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kind of an [`Error`], for programs; the text of the error is for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The operating system refused a call, for the reason in [`io_error`](Error::io_error).
    Io,
    /// The path is a directory, a pipe, a device or a file without a length of its own (in `/proc`), which cannot be
    /// mapped.
    NotRegularFile,
    /// The file is empty and no shape was given.
    EmptyFile,
    /// The file ends before the end, or even before the beginning, of the requested portion.
    PastEnd,
    /// The bytes up to the end of the file are not a whole number of elements, or of rows if the length of a row was
    /// given.
    PartialElement,
    /// The elements are at an address that is not a multiple of the alignment of their type.
    Misaligned,
    /// The shape is invalid: it has too many axes, two axes to infer, or another number of elements than there are.
    Shape,
    /// A size or an offset exceeds the address space or the largest possible length of a file.
    Overflow,
    /// A row, an axis or an index is outside the array.
    OutOfRange,
    /// The elements are not contiguous, as the operation requires.
    NotContiguous,
    /// The bytes of the elements do not divide into elements of the other type, or an existing file does not have the
    /// length of the array to create.
    SizeMismatch,
    /// The file is not a `.npy` file, or its header is malformed, too long, or not the expected one.
    Header,
    /// The file is not an archive or is damaged, or it has no member of that name, or the member cannot be read.
    Archive,
    /// There is no such dtype, or its textual description is malformed.
    DType,
    /// The elements have another dtype than the requested one.
    DTypeMismatch,
    /// There is no field of that name.
    UnknownField,
    /// The element type cannot represent the value, for example a text that is too long, or a time that is NaT or out
    /// of range.
    InvalidValue,
    /// The file may still change, so it cannot be mapped without `unsafe`.
    NotImmutable,
    /// Somebody else holds a lock on the elements.
    Locked,
    /// The sidecar file, which records the progress of filling an array, is damaged or belongs to another job.
    Sidecar,
    /// The file was made shorter while it was mapped, and elements were lost. [`byte_range`](Error::byte_range) begins
    /// at the first lost byte.
    Truncated,
    /// The file was written while it was read, or replaced after its header was read.
    Changed,
    /// The array or the operating system does not support the operation.
    Unsupported,
}

/// An error of this crate.
///
/// Its text states the file and the bytes, what was expected and found, and what would work. It includes the text of
/// the operating system's error, if any. Therefore [`source`](std::error::Error::source) skips that error;
/// [`io_error`](Self::io_error) returns it. The error is one pointer in size, and is `Send`, `Sync` and `'static`.
///
/// It can be converted from an [`io::Error`] (by `?`) and into one:
///
/// | kind | as an [`io::ErrorKind`] |
/// | --- | --- |
/// | [`Io`](ErrorKind::Io) | that of the operating system |
/// | [`PastEnd`](ErrorKind::PastEnd), [`Truncated`](ErrorKind::Truncated) | `UnexpectedEof` |
/// | [`Changed`](ErrorKind::Changed) | `ResourceBusy` |
/// | [`NotImmutable`](ErrorKind::NotImmutable) | `PermissionDenied` |
/// | [`Locked`](ErrorKind::Locked) | `WouldBlock` |
/// | [`Unsupported`](ErrorKind::Unsupported) | `Unsupported` |
/// | [`EmptyFile`](ErrorKind::EmptyFile), [`PartialElement`](ErrorKind::PartialElement) | `InvalidData` |
/// | all others, if a header, an archive, a sidecar, the pickle of a stack or the offsets of rows are invalid | `InvalidData` |
/// | all others, if the request is invalid or does not match the file | `InvalidInput` |
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
    /// The name of the member, if the file is an archive.
    member: Option<String>,
    bytes: Option<Range<u64>>,
    /// What may help, which the text ends with.
    advice: Option<&'static str>,
    /// Whether the contents of a file are at fault, rather than the request.
    damaged: bool,
}

/// The reason of an error, with its numbers. The text states what was expected, what was found, and what would work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Reason {
    #[error("cannot {action}: {source}")]
    Io { action: &'static str, source: io::Error },
    /// An error of the caller's code.
    #[error("{0}")]
    Other(io::Error),
    #[error("it is {found}, not a regular file, so it cannot be {wanted}{advice}")]
    NotRegularFile { found: &'static str, wanted: &'static str, advice: &'static str },
    #[error(
        "the file is empty, so no shape can be inferred; if an empty array is meant, give a shape: `[None]`, or one with \
         an axis of 0"
    )]
    EmptyFile,
    #[error("{what} from byte {offset} on need {needed} bytes, but the file ends at byte {file_len}{hint}")]
    PastEnd { what: String, offset: u64, needed: u64, file_len: u64, hint: &'static str },
    #[error("{}", truncated_text(*.first, *.end, *.file_len))]
    Truncated { first: u64, end: u64, file_len: u64 },
    #[error("the file was written while it was read, so the elements may be partly old and partly new; read it again")]
    Changed,
    #[error("the file is not as it was when its header was read: {0}; open the files again")]
    Replaced(String),
    #[error("the offset {offset} is past the end of the file at byte {file_len}")]
    OffsetPastEnd { offset: u64, file_len: u64 },
    #[error(
        "the {available} bytes from byte {offset} to the end of the file at byte {file_len} are not a whole number of \
         {unit} of {unit_bytes} bytes: {tail} are left over. Check the offset and the element size (a `repr(C)` struct \
         may have padding; packed structs and most NumPy dtypes have none). To leave out the rest, give {fit}"
    )]
    PartialElement {
        offset: u64,
        file_len: u64,
        available: u64,
        unit: &'static str,
        unit_bytes: u64,
        tail: u64,
        /// The shape or the count that would fit.
        fit: String,
    },
    #[error(
        "the elements begin at byte {offset}, which is not a multiple of {align}, the alignment of `{element}`: \
         {advice} (the next aligned offset is {next})"
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
    #[cfg(any(feature = "npz", feature = "tar"))]
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

/// Returns the name of a type without module paths.
pub(crate) fn short_type_name<T: ?Sized>() -> String {
    by_order(&short_name(std::any::type_name::<T>()))
}

/// Returns the name of a type with `Be<f32>` in place of `Endian<f32, BigEndian>`, as people write it.
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

/// Returns the text for lost elements. The file may have become long enough again.
fn truncated_text(first: u64, end: u64, file_len: u64) -> String {
    let now = if file_len < end { "ends" } else { "ends again" };
    format!(
        "the file was truncated while it was mapped: elements up to byte {end} are expected, those from byte {first} \
         on were lost, and the file {now} at byte {file_len}; `refresh` maps the current contents"
    )
}

/// What may help if the operating system has no address space for a map.
const NO_ADDRESSES: &str = "this process may use too much address space (see `ulimit -v`) or have too many maps (on \
                            Linux 65,530, see `sysctl vm.max_map_count`): map a smaller window, or divide one map by \
                            `into_parts`";

impl Reason {
    /// Creates the error.
    #[cold]
    pub(crate) fn error(self) -> Error {
        Error(Box::new(Inner { reason: self, path: None, member: None, bytes: None, advice: None, damaged: false }))
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
            #[cfg(any(feature = "npz", feature = "tar"))]
            Self::Archive(_) => ErrorKind::Archive,
            Self::DType(_) | Self::Literal { .. } => ErrorKind::DType,
            Self::DTypeMismatch(_) => ErrorKind::DTypeMismatch,
            Self::UnknownField(_) => ErrorKind::UnknownField,
            Self::InvalidValue(_) => ErrorKind::InvalidValue,
            Self::NotImmutable { .. } => ErrorKind::NotImmutable,
            Self::Locked(_) => ErrorKind::Locked,
            Self::Truncated { .. } => ErrorKind::Truncated,
            Self::Changed | Self::Replaced(_) => ErrorKind::Changed,
            Self::Sidecar(_) => ErrorKind::Sidecar,
            Self::Unsupported(_) => ErrorKind::Unsupported,
        }
    }
}

impl Error {
    /// Returns the kind of the error, for programs.
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

    /// Returns the path of the file that the error is about, or `None` for memory and if an open file was passed.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// Returns the range of the file's bytes that the error is about, if any. A range that was requested may end past
    /// the end of the file.
    #[must_use]
    pub fn byte_range(&self) -> Option<Range<u64>> {
        self.0.bytes.clone()
    }

    /// Returns the operating system's error, if the kind is [`Io`](ErrorKind::Io).
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

    /// Returns the kind of the operating system's error, if there is one.
    pub(crate) fn io_kind(&self) -> Option<io::ErrorKind> {
        self.io_error().map(io::Error::kind)
    }

    /// Returns the kind as an [`io::Error`], by the table at the type.
    fn as_io_kind(&self) -> io::ErrorKind {
        match self.kind() {
            ErrorKind::Io => self.io_kind().unwrap_or(io::ErrorKind::Other),
            ErrorKind::PastEnd | ErrorKind::Truncated => io::ErrorKind::UnexpectedEof,
            ErrorKind::Changed => io::ErrorKind::ResourceBusy,
            ErrorKind::NotImmutable => io::ErrorKind::PermissionDenied,
            ErrorKind::Locked => io::ErrorKind::WouldBlock,
            ErrorKind::Unsupported => io::ErrorKind::Unsupported,
            ErrorKind::EmptyFile | ErrorKind::PartialElement => io::ErrorKind::InvalidData,
            ErrorKind::NotRegularFile
            | ErrorKind::Misaligned
            | ErrorKind::Shape
            | ErrorKind::Overflow
            | ErrorKind::OutOfRange
            | ErrorKind::NotContiguous
            | ErrorKind::SizeMismatch
            | ErrorKind::Header
            | ErrorKind::Archive
            | ErrorKind::DType
            | ErrorKind::DTypeMismatch
            | ErrorKind::UnknownField
            | ErrorKind::InvalidValue
            | ErrorKind::Sidecar => {
                if self.0.damaged {
                    io::ErrorKind::InvalidData
                } else {
                    io::ErrorKind::InvalidInput
                }
            }
        }
    }

    /// Creates an error from one of the operating system. `action` completes "cannot …".
    #[cold]
    pub(crate) fn io(action: &'static str, source: io::Error) -> Self {
        let no_addresses = cfg!(unix) && action.starts_with("map") && source.kind() == io::ErrorKind::OutOfMemory;
        let error = Reason::Io { action, source }.error();
        if no_addresses { error.with_advice(NO_ADDRESSES) } else { error }
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

    /// States that the text at fault is in a header.
    pub(crate) fn in_header(mut self) -> Self {
        if let Reason::Literal { .. } | Reason::DType(_) = self.0.reason {
            self.0.reason = Reason::Header(format!("the header cannot be read: {}", self.0.reason));
        }
        self
    }

    /// Marks the contents of a file as at fault, rather than the request.
    pub(crate) fn damaged(mut self) -> Self {
        self.0.damaged = true;
        self
    }

    /// Adds the path of the file, unless there is one already.
    #[cold]
    pub(crate) fn in_file(mut self, path: Option<&Path>) -> Self {
        if self.0.path.is_none() {
            self.0.path = path.map(Path::to_path_buf);
        }
        self
    }

    /// Adds the name of a member of an archive. If the member cannot be decompressed or its checksum is wrong, states
    /// that it is damaged, rather than that a system call failed.
    #[cfg(any(feature = "npz", feature = "tar"))]
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

    /// Turns an error about elements past the end of a file into one about elements that the file has lost.
    pub(crate) fn into_truncated(self) -> Self {
        let Reason::PastEnd { offset, needed, file_len, .. } = self.0.reason else { return self };
        let (first, end) = (offset.max(file_len), offset.saturating_add(needed));
        Reason::Truncated { first, end, file_len }.error().at_bytes(first..end)
    }

    /// States that the header at fault begins at byte `start` of the source, unless that is its beginning.
    pub(crate) fn of_header_at(mut self, start: u64) -> Self {
        if let (Reason::Header(text), true) = (&mut self.0.reason, start > 0) {
            *text = format!("from byte {start} on: {text}");
        }
        self
    }

    /// Adds what may help.
    #[cold]
    pub(crate) fn with_advice(mut self, advice: &'static str) -> Self {
        self.0.advice = Some(advice);
        self
    }

    /// Adds the bytes of the file.
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
        // The others tell of their bytes themselves.
        if let (Reason::Io { .. } | Reason::Other(_), Some(bytes)) = (&self.0.reason, &self.0.bytes) {
            write!(f, " (bytes {}..{})", bytes.start, bytes.end)?;
        }
        self.0.advice.map_or(Ok(()), |advice| write!(f, "; {advice}"))
    }
}

/// Formats the kind and the text, as shown by a `main` that returns the error.
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
    /// Returns the error of this crate that the [`io::Error`] was made from, if any, or else wraps the [`io::Error`].
    fn from(error: io::Error) -> Self {
        error.downcast().unwrap_or_else(|other| Reason::Other(other).error())
    }
}

impl From<Error> for io::Error {
    /// Wraps the error in an [`io::Error`], with the [`io::ErrorKind`] of the operating system's error if there is one.
    /// If the error was made from an [`io::Error`] and nothing was added, returns that one.
    fn from(error: Error) -> Self {
        let error = match *error.0 {
            Inner { reason: Reason::Other(other), path: None, member: None, bytes: None, .. } => return other,
            inner => Error(Box::new(inner)),
        };
        Self::new(error.as_io_kind(), error)
    }
}

/// An error of a method that takes an array by value, together with the unchanged array.
///
/// So an error does not lose elements that exist only in memory. `?` converts it into an [`Error`] or an [`io::Error`]
/// and drops the array. [`into_array`](Self::into_array) returns the array, as [`std::string::FromUtf8Error`] does for
/// bytes.
///
/// ```
/// use mmap_array::MmapArrayMut;
/// let mut table = MmapArrayMut::<[u8; 3]>::anonymous(5)?;
/// table[4] = [7; 3];
/// let error = table.cast::<u16>().unwrap_err(); // 15 bytes
/// assert!(error.error().to_string().contains("cannot be divided"));
/// let table = error.into_array();
/// assert_eq!(table[4], [7; 3]);
/// # Ok::<(), mmap_array::Error>(())
/// ```
pub struct ArrayError<A>(Box<(Error, A)>);

impl<A> ArrayError<A> {
    pub(crate) fn new(error: Error, array: A) -> Self {
        Self(Box::new((error, array)))
    }

    /// Returns the error.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.0.0
    }

    /// Returns the unchanged array.
    #[must_use]
    pub fn into_array(self) -> A {
        self.0.1
    }

    /// Returns the error and the unchanged array.
    #[must_use]
    pub fn into_parts(self) -> (Error, A) {
        *self.0
    }
}

/// An error of `persist`, together with the array unless its file has been named.
///
/// The array is returned as long as nobody else can access its file. If the operating system has named the file and
/// then failed, for example to write the directory to the disk, others may access the file, so the array is closed. The
/// file is complete, and the error states its name.
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

    /// Returns the error.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.0.0
    }

    /// Returns the unchanged array, or `None` if its file has been named.
    #[must_use]
    pub fn into_array(self) -> Option<A> {
        self.0.1
    }

    /// Returns the error and the unchanged array, or `None` in its place if its file has been named.
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
mod tests;
