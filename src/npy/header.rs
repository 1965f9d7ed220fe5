//! The header of a `.npy` file, read and written exactly as NumPy does.
//!
//! The header alone describes the elements, so nothing about it is approximate: the header of an array has the same
//! bytes as NumPy's, and a header that NumPy refuses is refused. The rules are those of [NEP 1] and of
//! `numpy.lib.format`, as observed in NumPy 2.4.
//!
//! [NEP 1]: https://numpy.org/neps/nep-0001-npy-format.html

use crate::dtype::literal::{self, Literal, Node, Python, error_at};
use crate::dtype::repr::push_shape;
use crate::dtype::{DType, MAX_AXES};
use crate::error::{Error, Reason, Result};
use crate::region::At;
use crate::shape::Order;
use std::fmt;
use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::str::FromStr;

pub(crate) const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// The default limit on the length of a header, in characters: NumPy's `max_header_size`.
pub const MAX_HEADER: usize = 10_000;

/// The hint in the error for a file that ends before its elements do.
pub(super) const TRUNCATED: &str =
    ": it is truncated or incomplete; `allow_truncated` opens the rows that are complete";

/// The hint in the error for an archive member that ends before its elements do.
pub(super) const IN_ARCHIVE: &str = " (the end of the archive member): it is incomplete";

/// The default alignment of the elements in the file, in bytes, as in NumPy.
const ALIGNMENT: usize = 64;

/// The digits reserved for the length of the axis along which an array grows.
const GROWTH_DIGITS: usize = 21;

/// The header of a `.npy` file: the dtype, shape and order of the elements, and the offset of the first one.
///
/// For programs that do their own reading and writing. The functions of [`npy`](crate::npy) open and create arrays in
/// files.
///
/// ```
/// use mmap_array::npy::Header;
/// use mmap_array::{Element, Order};
///
/// let header = Header::new(f64::dtype(), [2, 3], Order::C)?;
/// let mut file = header.to_bytes()?;
/// assert_eq!((file.len(), header.data_offset(), header.nbytes()), (128, 128, 48));
/// file.extend([0; 48]);
///
/// let read = Header::read(&mut &file[..])?;
/// assert_eq!(read, header);
/// assert_eq!((read.version(), read.shape()), ((1, 0), &[2, 3][..]));
/// # Ok::<(), mmap_array::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Header {
    version: (u8, u8),
    dtype: DType,
    order: Order,
    shape: Vec<usize>,
    /// The size of the header, which is the offset of the elements in the file, in bytes.
    len: usize,
    /// The alignment of the elements' offset when the header is written.
    alignment: usize,
}

/// Returns the error for an invalid header.
fn malformed(text: impl Into<String>) -> Error {
    Reason::Header(text.into()).error()
}

impl Header {
    /// Creates the header of an array of `shape`, in the version that NumPy would choose.
    ///
    /// This is 1.0, or 2.0 for a text of more than 65,535 bytes, or 3.0 for names with characters outside Latin-1.
    ///
    /// If `dtype` is a subarray, its axes are appended to `shape`, as in NumPy.
    ///
    /// # Errors
    ///
    /// [`DType`](crate::ErrorKind::DType) for a dtype that a header cannot describe ([`DType::descr`]);
    /// [`Overflow`](crate::ErrorKind::Overflow) for more bytes than a file can have; [`Shape`](crate::ErrorKind::Shape)
    /// for a subarray dtype in Fortran order, in which the subarray's axes would have to come first, and for more than
    /// 64 axes.
    pub fn new(dtype: DType, shape: impl Into<Vec<usize>>, order: Order) -> Result<Self> {
        let (element, axes) = dtype.flattened();
        let mut shape = shape.into();
        if order == Order::F && !axes.is_empty() && !shape.is_empty() {
            return Err(Error::shape(format!(
                "elements of {dtype} cannot be written in Fortran order, in which a subarray's axes would have to come \
                 first; use C order"
            )));
        }
        shape.extend(axes);
        checked_bytes(&shape, element.itemsize())?;
        let header = Self { version: (1, 0), dtype: element.clone(), order, shape, len: 0, alignment: ALIGNMENT };
        header.sized()
    }

    /// Returns the header in another version of the format: (1, 0), (2, 0) or (3, 0).
    ///
    /// # Errors
    ///
    /// [`Header`](crate::ErrorKind::Header) for any other version, and for a version that cannot hold the text: 1.0
    /// holds at most 65,535 bytes, and 1.0 and 2.0 only Latin-1 characters.
    ///
    /// ```
    /// use mmap_array::{Element, Order, npy::Header};
    /// let header = Header::new(u8::dtype(), [3], Order::C)?.with_version((3, 0))?;
    /// assert_eq!(header.to_bytes()?[6..12], [3, 0, 0x74, 0, 0, 0]);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn with_version(mut self, version: (u8, u8)) -> Result<Self> {
        let text = self.text()?;
        self.version = version;
        self.len = self.encode(&text)?.len();
        Ok(self)
    }

    /// Returns the header with elements that begin at a multiple of `alignment` bytes instead of 64.
    ///
    /// Any reader finds the elements there, as long as the header has no more than the 10,000 characters that readers
    /// accept. If the alignment is the page size, the array can be split at page boundaries
    /// ([`segment_aligned`](crate::Options::segment_aligned)).
    ///
    /// # Errors
    ///
    /// [`Header`](crate::ErrorKind::Header) if `alignment` is not a power of two from 64 to 8192.
    ///
    /// ```
    /// use mmap_array::{Element, Order, npy::Header};
    /// let header = Header::new(u8::dtype(), [3], Order::C)?.with_alignment(4096)?;
    /// assert_eq!(header.data_offset(), 4096);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn with_alignment(mut self, alignment: usize) -> Result<Self> {
        if !alignment.is_power_of_two() || !(ALIGNMENT..=8192).contains(&alignment) {
            return Err(malformed(format!(
                "elements cannot begin at a multiple of {alignment}, but of a power of two from 64 to 8192"
            )));
        }
        self.alignment = alignment;
        self.sized()
    }

    /// Sets the version and the length.
    fn sized(mut self) -> Result<Self> {
        let text = self.text()?;
        for version in [self.version, (1, 0), (2, 0), (3, 0)] {
            self.version = version;
            if let Ok(bytes) = self.encode(&text) {
                self.len = bytes.len();
                return Ok(self);
            }
        }
        Err(malformed("the header is too large for any version of the format"))
    }

    /// Reads a header and leaves the reader at the first element.
    ///
    /// Reads and allocates no more bytes than the header has, and at most those that [`MAX_HEADER`] characters can
    /// take.
    ///
    /// # Errors
    ///
    /// [`Header`](crate::ErrorKind::Header) if the input is not a `.npy` file, has an unknown version, or has a
    /// malformed or too long header; [`Io`](crate::ErrorKind::Io) if the reader fails.
    pub fn read(reader: &mut impl Read) -> Result<Self> {
        Self::read_limited(reader, MAX_HEADER)
    }

    /// Returns the header of as many steps along the slowest axis as `bytes` bytes of elements hold completely, if the
    /// array has more.
    pub(super) fn cut_to(mut self, bytes: u64) -> Self {
        let nbytes = self.nbytes();
        if let (Some(axis), true) = (self.order.slowest_axis(self.shape.len()), bytes < nbytes) {
            // Nobody has more bytes than an array of no elements.
            let step = nbytes / self.shape[axis] as u64;
            self.shape[axis] = (bytes / step) as usize;
        }
        self
    }

    /// Returns the header with as many rows as another header, if it has more.
    pub(super) fn shortened(mut self, other: &Self) -> Self {
        let len = |axis: usize| other.shape.get(axis).copied();
        if let Some((axis, len)) = self.order.slowest_axis(self.shape.len()).and_then(|axis| Some((axis, len(axis)?))) {
            self.shape[axis] = self.shape[axis].min(len);
        }
        self
    }

    /// Reads the header at the beginning of a file.
    pub(super) fn of_file(file: &File, most: usize) -> Result<Self> {
        Self::read_limited(&mut BufReader::new(At { file, position: 0 }), most)
    }

    /// Checks that the elements, which begin at byte `offset` and are called `name` in errors, end at byte `last` or
    /// before.
    pub(super) fn check_end(
        &self,
        name: &dyn Fn() -> String,
        offset: u64,
        last: u64,
        hint: &'static str,
    ) -> Result<()> {
        let needed = self.nbytes();
        if offset.checked_add(needed).is_some_and(|end| end <= last) {
            return Ok(());
        }
        let what = format!("the {:?} elements of `{}` that the header declares", self.shape, name());
        let error = Reason::PastEnd { what, offset, needed, file_len: last, hint }.error();
        Err(error.at_bytes(offset..offset.saturating_add(needed)))
    }

    /// Reads a header of up to `most` characters, instead of [`MAX_HEADER`]: NumPy's `max_header_size`. See
    /// [`read`](Self::read).
    ///
    /// # Errors
    ///
    /// See [`read`](Self::read).
    pub fn read_limited(reader: &mut impl Read, most: usize) -> Result<Self> {
        Self::read_up_to(reader, most).map_err(Error::damaged)
    }

    fn read_up_to(reader: &mut impl Read, most: usize) -> Result<Self> {
        let start: [u8; 8] = read_array(reader, "the first 8 bytes of a `.npy` file")?;
        let [magic @ .., major, minor] = start;
        if &magic != MAGIC {
            // https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.7 and 4.3.16.
            let advice = match &magic[..4] {
                b"PK\x03\x04" | b"PK\x05\x06" => {
                    "; it is a zip archive, as `np.savez` writes: open it with `npz::Archive::open`".to_owned()
                }
                _ => super::compressed::advice(&magic),
            };
            return Err(malformed(format!(
                "not a `.npy` file: it begins with {}, not with {}{advice}",
                magic.escape_ascii(),
                MAGIC.escape_ascii()
            )));
        }
        let version = (major, minor);
        let (size, python) = match version {
            (1, 0) => (usize::from(u16::from_le_bytes(read_array(reader, "the header's length")?)), Python::Two),
            (2, 0) => (read_size(reader)?, Python::Two),
            (3, 0) => (read_size(reader)?, Python::Three),
            _ => {
                return Err(malformed(format!(
                    "the version {major}.{minor} of the `.npy` file is unknown; 1.0, 2.0 and 3.0 are supported"
                )));
            }
        };
        let too_long = |len: usize, unit: &str| {
            malformed(format!(
                "the header is {len} {unit} long, but at most {most} characters are read; `max_header` raises the limit"
            ))
        };
        // A character of Latin-1 is one byte, of UTF-8 up to four.
        let bytes_per_character = if version == (3, 0) { 4 } else { 1 };
        if size > most.saturating_mul(bytes_per_character) {
            return Err(too_long(size, "bytes"));
        }
        let mut bytes = Vec::new();
        let got =
            reader.take(size as u64).read_to_end(&mut bytes).map_err(|source| Error::io("read the header", source))?;
        if got < size {
            return Err(malformed(format!(
                "the file ends at byte {} of its header, which is {size} bytes long from byte {} on",
                got,
                prefix(version)
            )));
        }
        let text = if version == (3, 0) {
            String::from_utf8(bytes).map_err(|error| {
                malformed(format!("the header is not valid UTF-8 at its byte {}", error.utf8_error().valid_up_to()))
            })?
        } else {
            bytes.iter().copied().map(char::from).collect()
        };
        let characters = text.chars().count();
        if characters > most {
            return Err(too_long(characters, "characters"));
        }
        let (dtype, order, shape) = parse(&text, python).map_err(Error::in_header)?;
        checked_bytes(&shape, dtype.itemsize())?;
        let mut header = Self { version, dtype, order, shape, len: prefix(version) + size, alignment: ALIGNMENT };
        // Of one that was written with another alignment, what is written again is the same.
        let written =
            |alignment| Self { alignment, ..header.clone() }.to_bytes().is_ok_and(|it| it.len() == header.len);
        let alignments = (ALIGNMENT.ilog2()..=13).map(|bits| 1 << bits).filter(|alignment| header.len % alignment == 0);
        if let Some(alignment) = alignments.into_iter().find(|&alignment| written(alignment)) {
            header.alignment = alignment;
        }
        Ok(header)
    }

    /// Returns the header as it is written to a file: padded to a multiple of 64 bytes, as by NumPy, or of its
    /// [alignment](Self::with_alignment), whatever it was read from.
    ///
    /// # Errors
    ///
    /// None for a header made by [`new`](Self::new). For a header that was read, [`DType`](crate::ErrorKind::DType) if
    /// NumPy would not write the dtype, and [`Header`](crate::ErrorKind::Header) if escapes in the text stand for names
    /// that the version cannot hold unescaped (`'\u03c0'` in 1.0).
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.encode(&self.text()?)
    }

    /// Writes the header to a writer.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io) if the writer fails. See also [`to_bytes`](Self::to_bytes).
    pub fn write(&self, writer: &mut impl Write) -> Result<()> {
        writer.write_all(&self.to_bytes()?).map_err(|source| Error::io("write the header", source))
    }

    /// Returns the version of the format: (1, 0), (2, 0) or (3, 0).
    #[must_use]
    pub fn version(&self) -> (u8, u8) {
        self.version
    }

    /// Returns the dtype of the elements.
    #[must_use]
    pub fn dtype(&self) -> &DType {
        &self.dtype
    }

    /// Returns the order of the elements: `fortran_order` in the header.
    #[must_use]
    pub fn order(&self) -> Order {
        self.order
    }

    /// Returns the number of elements along each axis.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Returns the offset of the first element, in bytes from the beginning of the file.
    #[must_use]
    pub fn data_offset(&self) -> u64 {
        self.len as u64
    }

    /// Returns the total size of the elements in bytes.
    #[must_use]
    pub fn nbytes(&self) -> u64 {
        self.shape.iter().fold(self.dtype.itemsize() as u64, |bytes, &dim| bytes * dim as u64)
    }

    /// Returns the number of steps along the slowest axis that `bytes` bytes of elements are, if it is a whole number.
    pub(crate) fn rows_in(&self, bytes: u64) -> Option<usize> {
        let others = match self.order {
            Order::C => self.shape.get(1..)?,
            Order::F => self.shape.split_last()?.1,
        };
        let step = others.iter().fold(self.dtype.itemsize() as u64, |step, &len| step * len as u64);
        let rows = bytes.checked_div(step).filter(|rows| rows * step == bytes)?;
        usize::try_from(rows).ok()
    }

    /// Returns the bytes of the header with another length of the slowest axis and the elements at the same offset: the
    /// header of the array after it has grown. `None` if the header has no space for the digits.
    pub(crate) fn regrown(&self, axis: usize, len: usize) -> Result<Option<Vec<u8>>> {
        let mut header = self.clone();
        header.shape[axis] = len;
        checked_bytes(&header.shape, header.dtype.itemsize())?;
        let text = header.text()?;
        let bare = text.trim_end_matches(' ');
        let Some(room) = (self.len - prefix(self.version)).checked_sub(1) else { return Ok(None) };
        let mut bytes = header.prefix_bytes(room + 1)?;
        let start = bytes.len();
        bytes.extend(encoded(bare, self.version)?);
        if bytes.len() - start > room {
            return Ok(None);
        }
        bytes.resize(start + room, b' ');
        bytes.push(b'\n');
        Ok(Some(bytes))
    }

    /// Returns the dict, followed by the spaces that let the slowest axis grow.
    pub(super) fn text(&self) -> Result<String> {
        let fortran_order = if self.order == Order::F { "True" } else { "False" };
        let mut text = format!("{{'descr': {}, 'fortran_order': {fortran_order}, 'shape': ", self.dtype.descr()?);
        push_shape(&mut text, &self.shape);
        text.push_str(", }");
        if let Some(axis) = self.order.slowest_axis(self.shape.len()) {
            let spaces = GROWTH_DIGITS.saturating_sub(self.shape[axis].to_string().len());
            text.extend(std::iter::repeat_n(' ', spaces));
        }
        Ok(text)
    }

    /// Returns the whole header with this text, if the version can hold it.
    fn encode(&self, text: &str) -> Result<Vec<u8>> {
        let text = encoded(text, self.version)?;
        let used = prefix(self.version) + text.len() + 1;
        // At least one, as NumPy has it.
        let padding = self.alignment - used % self.alignment;
        let mut bytes = self.prefix_bytes(text.len() + padding + 1)?;
        bytes.extend(text);
        bytes.resize(bytes.len() + padding, b' ');
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Returns the bytes that precede a text of `size` bytes.
    fn prefix_bytes(&self, size: usize) -> Result<Vec<u8>> {
        let (major, minor) = self.version;
        let mut bytes = [&MAGIC[..], &[major, minor]].concat();
        let too_long = |_| malformed(format!("a header of {size} bytes is too long for version {major}.{minor}"));
        match self.version {
            (1, 0) => bytes.extend(u16::try_from(size).map_err(too_long)?.to_le_bytes()),
            _ => bytes.extend(u32::try_from(size).map_err(too_long)?.to_le_bytes()),
        }
        Ok(bytes)
    }
}

/// Formats the dict as NumPy writes it.
///
/// ```
/// use mmap_array::{Element, Order, npy::Header};
/// let header = Header::new(u8::dtype(), [3], Order::C)?;
/// assert_eq!(header.to_string(), "{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }");
/// assert_eq!(header.to_string().parse::<Header>()?, header);
/// # Ok::<(), mmap_array::Error>(())
/// ```
impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text() {
            Ok(text) => f.write_str(text.trim_end()),
            // What was read and cannot be written is shown all the same.
            Err(_) => write!(f, "{{'descr': {}, 'fortran_order': …, 'shape': {:?}, }}", self.dtype, self.shape),
        }
    }
}

/// Parses the dict, without the bytes that precede it in a file.
impl FromStr for Header {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (dtype, order, shape) = parse(text, Python::Three).map_err(Error::in_header)?;
        Self::new(dtype, shape, order)
    }
}

/// Returns the number of bytes that precede the text.
fn prefix(version: (u8, u8)) -> usize {
    if version == (1, 0) { 10 } else { 12 }
}

/// Returns the text in the version's encoding.
fn encoded(text: &str, (major, minor): (u8, u8)) -> Result<Vec<u8>> {
    match (major, minor) {
        (1 | 2, 0) => {
            text.chars().map(|character| u8::try_from(u32::from(character))).collect::<Result<_, _>>().map_err(|_| {
                malformed(format!("a header with names outside Latin-1 cannot have version {major}.0; use 3.0"))
            })
        }
        (3, 0) => Ok(text.into()),
        _ => Err(malformed(format!("the format has no version {major}.{minor}; the versions are 1.0, 2.0 and 3.0"))),
    }
}

fn read_array<const N: usize>(reader: &mut impl Read, what: &str) -> Result<[u8; N]> {
    let mut bytes = Vec::new();
    reader.take(N as u64).read_to_end(&mut bytes).map_err(|error| Error::io("read the header", error))?;
    let len = bytes.len();
    let missing = |_| malformed(format!("the file ends within {what}, after {len} of {N} bytes"));
    bytes.try_into().map_err(missing)
}

fn read_size(reader: &mut impl Read) -> Result<usize> {
    let size = u32::from_le_bytes(read_array(reader, "the header's length")?);
    Ok(usize::try_from(size).unwrap_or(usize::MAX))
}

/// Returns the size of an array in bytes, after checking that a file can have that many. As in NumPy, the product of
/// the nonzero axes must fit even if another axis is zero, and there are at most 64 axes, although this crate's arrays
/// may have fewer.
fn checked_bytes(shape: &[usize], itemsize: usize) -> Result<u64> {
    if shape.len() > MAX_AXES {
        return Err(Error::shape(format!("{} axes are too many; NumPy supports at most {MAX_AXES}", shape.len())));
    }
    let fits = |bytes: &u64| i64::try_from(*bytes).is_ok();
    let nonzero = shape.iter().filter(|&&dim| dim != 0).try_fold(1_u64, |len, &dim| len.checked_mul(dim as u64));
    let bytes =
        nonzero.filter(fits).and_then(|len| len.checked_mul(itemsize as u64)).filter(fits).ok_or_else(|| {
            let mut text = String::new();
            push_shape(&mut text, shape);
            Error::overflow("the array", format!("{text} elements of {itemsize} bytes are more than 2^63 bytes"))
        })?;
    Ok(if shape.contains(&0) { 0 } else { bytes })
}

/// Parses the dict.
fn parse(text: &str, python: Python) -> Result<(DType, Order, Vec<usize>)> {
    let node = literal::parse(text, python)?;
    let Literal::Dict(entries) = &node.literal else {
        return Err(error_at(text, node.at, "expected a dict"));
    };
    let (mut descr, mut fortran_order, mut shape) = (None, None, None);
    for (key, value) in entries {
        // Where a key occurs twice Python takes the last.
        match &key.literal {
            Literal::Text(name) if name == "descr" => descr = Some(value),
            Literal::Text(name) if name == "fortran_order" => fortran_order = Some(value),
            Literal::Text(name) if name == "shape" => shape = Some(value),
            _ => return Err(error_at(text, key.at, "expected only the keys 'descr', 'fortran_order' and 'shape'")),
        }
    }
    let missing = |key: &str| error_at(text, node.at, format!("the dict has no key '{key}'"));
    let order = fortran_order.ok_or_else(|| missing("fortran_order"))?;
    let order = match order.literal {
        Literal::Bool(true) => Order::F,
        Literal::Bool(false) => Order::C,
        _ => return Err(error_at(text, order.at, "fortran_order is neither True nor False")),
    };
    let shape = shape.ok_or_else(|| missing("shape"))?;
    let Literal::Tuple(dims) = &shape.literal else {
        return Err(error_at(text, shape.at, "the shape is not a tuple of integers"));
    };
    let shape: Vec<usize> = dims.iter().map(|dim| parse_dim(text, dim)).collect::<Result<_>>()?;
    let dtype = DType::from_literal(text, descr.ok_or_else(|| missing("descr"))?)?;
    Ok((dtype, order, shape))
}

fn parse_dim(text: &str, dim: &Node) -> Result<usize> {
    let Literal::Int(len) = dim.literal else {
        return Err(error_at(text, dim.at, "expected an integer, the length of an axis"));
    };
    usize::try_from(len).map_err(|_| {
        let what = if len < 0 { "is negative" } else { "is beyond this machine's address space" };
        error_at(text, dim.at, format!("the length {len} of an axis {what}"))
    })
}
