//! Run-time descriptions of elements: NumPy's dtypes.
//!
//! A Rust type states at compile time what a file states at run time: the kinds of numbers, their byte order, and the
//! offsets and names of fields. A [`DType`] is a value that expresses both, so that the two can be compared, their
//! first difference can be named, and data whose type is known only at run time can be read.

mod descr;
mod dict;
mod display;
pub(crate) mod literal;
pub(crate) mod repr;
mod rust;
mod short;
mod typestr;

use crate::error::{Error, Reason, Result};
use crate::nearest::nearest_name;
use std::fmt;

/// The byte order of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Endianness {
    /// Little-endian: the least significant byte first, NumPy's `<`.
    Little,
    /// Big-endian: the most significant byte first, NumPy's `>`.
    Big,
}

impl Endianness {
    /// The byte order of the target machine.
    pub const NATIVE: Self = if cfg!(target_endian = "big") { Self::Big } else { Self::Little };
}

/// The unit that a `datetime64` or `timedelta64` counts, in the order of NumPy's units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum TimeUnit {
    Year,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
    Microsecond,
    Nanosecond,
    Picosecond,
    Femtosecond,
    Attosecond,
    /// No unit: NumPy's `generic`, written `M8`.
    Generic,
}

/// The kind of an element: a number, text, a time, opaque bytes, a subarray or a record.
///
/// `size` is the size of the whole element in bytes; `len` is the length of text or opaque bytes, in bytes or
/// characters; `order` is the byte order of a number or a character. A subarray of subarrays equals one subarray with
/// the axes of both.
///
/// ```
/// use mmap_array::{dtype::{Endianness, Kind}, DType, Element};
/// let times: DType = "'>M8[25s]'".parse()?;
/// assert!(matches!(times.kind(), Kind::DateTime64 { count: 25, order: Endianness::Big, .. }));
/// assert!(matches!(f32::dtype().kind(), Kind::Float { size: 4, .. }));
/// # Ok::<(), mmap_array::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the fields are named by the enum's own docs")]
pub enum Kind {
    /// A boolean of one byte: `|b1`. Any byte other than 0 is true.
    Bool,
    /// A signed integer of 1, 2, 4 or 8 bytes: `i`.
    Int { size: usize, order: Endianness },
    /// An unsigned integer of 1, 2, 4 or 8 bytes: `u`.
    UInt { size: usize, order: Endianness },
    /// A float of 2, 4, 8, 12 or 16 bytes: `f`. The sizes 12 and 16 are C's `long double`, whose format depends on the
    /// machine that wrote it. Without a Rust type that names the format, this crate reads it as the x87 extended
    /// format; see [`LongDouble`](crate::element::LongDouble).
    Float { size: usize, order: Endianness },
    /// A complex number of 8, 16, 24 or 32 bytes, half for the real and half for the imaginary part: `c`.
    Complex { size: usize, order: Endianness },
    /// Text of `len` bytes, without trailing zeros: `S`.
    Bytes { len: usize },
    /// Text of `len` characters of 4 bytes each, without trailing zeros: `U`.
    Ucs4 { len: usize, order: Endianness },
    /// Opaque bytes: `V`.
    Void { len: usize },
    /// A point in time: an `i64` that counts spans of `count` units since 1970: `M8`. `i64::MIN` represents NaT.
    DateTime64 { unit: TimeUnit, count: u32, order: Endianness },
    /// A span of time: an `i64` that counts spans of `count` units: `m8`. `i64::MIN` represents NaT.
    TimeDelta64 { unit: TimeUnit, count: u32, order: Endianness },
    /// A fixed number of elements of one dtype in C order: NumPy's subarray.
    Array { element: Box<DType>, shape: Vec<usize> },
    /// A record with named fields: NumPy's structured dtype.
    Record { fields: Vec<RecordField> },
}

/// A field of a record dtype (NumPy: structured dtype).
///
/// ```
/// use mmap_array::{dtype::RecordField, DType, Element};
/// let fields = [
///     RecordField::new("id", 0, u32::dtype()),
///     RecordField::new("flux", 8, f64::dtype()).with_title("W/m²"),
/// ];
/// let record = DType::record(fields, 16)?;
/// assert_eq!(record.field("W/m²")?, (8, &f64::dtype()));
/// # Ok::<(), mmap_array::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct RecordField {
    /// The name of the field.
    pub name: String,
    /// The title of the field: NumPy's second name for it.
    pub title: Option<String>,
    /// The offset of the field from the start of the record, in bytes.
    pub offset: usize,
    /// The dtype of the field.
    pub dtype: DType,
}

impl RecordField {
    /// Creates a description of a field without a title, `offset` bytes from the start of the record. [`DType::record`]
    /// checks that the field is valid.
    #[must_use]
    pub fn new(name: impl Into<String>, offset: usize, dtype: DType) -> Self {
        Self { name: name.into(), title: None, offset, dtype }
    }

    /// Returns the field with a title, NumPy's second name for it.
    #[must_use]
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }
}

/// The description of an element: its [`Kind`], its size in bytes and its alignment.
///
/// Two dtypes are equal if elements of both are interpreted in the same way. The alignment is not compared, nor is the
/// byte order of integers of one byte.
///
/// ```
/// use mmap_array::{DType, Element};
/// let dtype = <[f32; 3]>::dtype();
/// assert_eq!(dtype.itemsize(), 12);
/// ```
#[derive(Clone)]
pub struct DType {
    kind: Kind,
    itemsize: usize,
    alignment: usize,
}

/// The deepest nesting of dtypes that is accepted: deeper than the records of any program, and far from exhausting the
/// stack.
pub(crate) const MAX_DEPTH: usize = 64;

/// The most axes that a subarray can have, as in NumPy.
pub(crate) const MAX_AXES: usize = 64;

impl DType {
    /// Creates a dtype without parts. [`Kind::Array`] and [`Kind::Record`] have constructors of their own:
    /// [`array`](Self::array) and [`record`](Self::record).
    ///
    /// # Errors
    ///
    /// Returns [`DType`](crate::ErrorKind::DType) if the kind does not have that size, if the size exceeds
    /// `isize::MAX`, if a count of time units is 0 or exceeds `i32::MAX`, and for [`Kind::Array`] and [`Kind::Record`].
    pub fn scalar(kind: Kind) -> Result<Self> {
        let sized = |size: usize, sizes: &[usize]| sizes.contains(&size).then_some(size);
        let itemsize = match kind {
            Kind::Bool => Some(1),
            Kind::Int { size, .. } | Kind::UInt { size, .. } => sized(size, &[1, 2, 4, 8]),
            Kind::Float { size, .. } => sized(size, &[2, 4, 8, 12, 16]),
            Kind::Complex { size, .. } => sized(size, &[8, 16, 24, 32]),
            Kind::Bytes { len } | Kind::Void { len } => Some(len),
            Kind::Ucs4 { len, .. } => len.checked_mul(4),
            Kind::DateTime64 { count, .. } | Kind::TimeDelta64 { count, .. } => {
                (1..=i32::MAX.unsigned_abs()).contains(&count).then_some(8)
            }
            Kind::Array { .. } | Kind::Record { .. } => None,
        };
        let itemsize = itemsize.filter(|&size| isize::try_from(size).is_ok());
        let itemsize = itemsize.ok_or_else(|| Reason::DType(format!("{kind:?} is not a valid scalar kind")).error())?;
        let alignment = match kind {
            // i386's, to which all alignments are 4.
            Kind::Float { size: 12, .. } | Kind::Complex { size: 24, .. } => 4,
            Kind::Complex { size, .. } => size / 2,
            Kind::Ucs4 { .. } => 4,
            Kind::Bytes { .. } | Kind::Void { .. } => 1,
            _ => itemsize,
        };
        let kind = match kind {
            // The order of one byte is no order.
            Kind::Int { size: 1, .. } => Kind::Int { size: 1, order: Endianness::NATIVE },
            Kind::UInt { size: 1, .. } => Kind::UInt { size: 1, order: Endianness::NATIVE },
            // So many of no unit are no unit.
            Kind::DateTime64 { unit: TimeUnit::Generic, order, .. } => {
                Kind::DateTime64 { unit: TimeUnit::Generic, count: 1, order }
            }
            Kind::TimeDelta64 { unit: TimeUnit::Generic, order, .. } => {
                Kind::TimeDelta64 { unit: TimeUnit::Generic, count: 1, order }
            }
            kind => kind,
        };
        Ok(Self { kind, itemsize, alignment })
    }

    /// Creates a subarray: elements of one dtype, in C order. Without axes it is the element itself, as in NumPy.
    ///
    /// # Errors
    ///
    /// Returns [`Overflow`](crate::ErrorKind::Overflow) if the subarray is larger than the address space, and
    /// [`DType`](crate::ErrorKind::DType) if dtypes are nested more than 64 deep or the subarray has more than 64 axes,
    /// those of nested subarrays included.
    pub fn array(element: Self, shape: impl Into<Vec<usize>>) -> Result<Self> {
        let shape = shape.into();
        if shape.is_empty() {
            return Ok(element);
        }
        let (_, axes) = element.within(&shape);
        if axes.len() > MAX_AXES {
            return Err(
                Reason::DType(format!("{} axes in a subarray; at most {MAX_AXES} are supported", axes.len())).error()
            );
        }
        let too_large = || Error::overflow("the dtype", format!("{shape:?} elements of {} bytes", element.itemsize));
        let len = shape.iter().try_fold(1_usize, |len, &dim| len.checked_mul(dim)).ok_or_else(too_large)?;
        let itemsize = len.checked_mul(element.itemsize).filter(|&size| isize::try_from(size).is_ok());
        let itemsize = itemsize.ok_or_else(too_large)?;
        let alignment = element.alignment;
        Self { kind: Kind::Array { element: Box::new(element), shape }, itemsize, alignment }.check_depth()
    }

    /// Creates a record of `itemsize` bytes with the given fields, at their offsets and in their order.
    ///
    /// # Errors
    ///
    /// Returns [`DType`](crate::ErrorKind::DType) if a name or title occurs twice, a field extends beyond `itemsize`,
    /// or dtypes are nested more than 64 deep, and [`Overflow`](crate::ErrorKind::Overflow) if `itemsize` exceeds
    /// `isize::MAX`.
    pub fn record(fields: impl Into<Vec<RecordField>>, itemsize: usize) -> Result<Self> {
        let fields = fields.into();
        let wrong = |text: String| Err(Reason::DType(text).error());
        if isize::try_from(itemsize).is_err() {
            return Err(Error::overflow("the dtype", format!("a record of {itemsize} bytes")));
        }
        let mut names = std::collections::HashSet::new();
        for field in &fields {
            for name in std::iter::once(&field.name).chain(&field.title) {
                if !names.insert(name.as_str()) {
                    return wrong(format!("the name {name:?} occurs twice in the record"));
                }
            }
            if field.offset.checked_add(field.dtype.itemsize).is_none_or(|end| end > itemsize) {
                let (offset, size) = (field.offset, field.dtype.itemsize);
                return wrong(format!(
                    "the field {:?} of {size} bytes at offset {offset} extends beyond the record's {itemsize} bytes",
                    field.name
                ));
            }
        }
        Self { kind: Kind::Record { fields }, itemsize, alignment: 1 }.check_depth()
    }

    /// Creates a record whose fields follow one another without padding: NumPy's `np.dtype([(name, dtype), …])`.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`record`](Self::record).
    pub fn packed_record<N: Into<String>>(fields: impl IntoIterator<Item = (N, Self)>) -> Result<Self> {
        let mut offset = 0_usize;
        let mut placed = Vec::new();
        for (name, dtype) in fields {
            let start = offset;
            offset = offset.saturating_add(dtype.itemsize);
            placed.push(RecordField::new(name, start, dtype));
        }
        Self::record(placed, offset)
    }

    /// Returns this dtype with the padding between the fields of records removed; the order of the fields is kept.
    pub(crate) fn without_padding(&self) -> Result<Self> {
        match &self.kind {
            Kind::Array { element, shape } => Self::array(element.without_padding()?, shape.clone()),
            Kind::Record { fields } => {
                let mut end = 0_usize;
                let fields = fields.iter().map(|field| {
                    let dtype = field.dtype.without_padding()?;
                    let offset = end;
                    end = end.saturating_add(dtype.itemsize);
                    Ok(RecordField { offset, dtype, ..field.clone() })
                });
                let fields = fields.collect::<Result<Vec<_>>>()?;
                Self::record(fields, end)
            }
            _ => Ok(self.clone()),
        }
    }

    fn check_depth(self) -> Result<Self> {
        fn depth(dtype: &DType) -> usize {
            match &dtype.kind {
                Kind::Array { element, .. } => 1 + depth(element),
                Kind::Record { fields } => 1 + fields.iter().map(|field| depth(&field.dtype)).max().unwrap_or(0),
                _ => 0,
            }
        }
        match depth(&self) {
            0..=MAX_DEPTH => Ok(self),
            deep => Err(Reason::DType(format!("dtypes nested {deep} deep; at most {MAX_DEPTH} are supported")).error()),
        }
    }

    /// Returns this dtype with another alignment, for types whose alignment the compiler knows.
    #[must_use]
    pub(crate) fn aligned_to(mut self, alignment: usize) -> Self {
        self.alignment = alignment;
        self
    }

    /// Returns the kind of the element.
    #[must_use]
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Returns the size of the element in bytes: NumPy's `dtype.itemsize`.
    #[must_use]
    pub fn itemsize(&self) -> usize {
        self.itemsize
    }

    /// Returns the alignment in bytes that the element has in memory unless it is packed: NumPy's `dtype.alignment`.
    #[must_use]
    pub fn alignment(&self) -> usize {
        self.alignment
    }

    /// Returns the fields of a record, in order, or an empty slice if the dtype is not a record.
    #[must_use]
    pub fn fields(&self) -> &[RecordField] {
        match &self.kind {
            Kind::Record { fields } => fields,
            _ => &[],
        }
    }

    /// Returns this dtype with every part in the given byte order: NumPy's `dtype.newbyteorder`.
    #[must_use]
    pub fn with_endianness(mut self, endianness: Endianness) -> Self {
        match &mut self.kind {
            Kind::Int { size: 1, order } | Kind::UInt { size: 1, order } => *order = Endianness::NATIVE,
            Kind::Int { order, .. }
            | Kind::UInt { order, .. }
            | Kind::Float { order, .. }
            | Kind::Complex { order, .. }
            | Kind::Ucs4 { order, .. }
            | Kind::DateTime64 { order, .. }
            | Kind::TimeDelta64 { order, .. } => *order = endianness,
            Kind::Array { element, .. } => {
                **element = std::mem::replace(&mut **element, Self::void(0)).with_endianness(endianness)
            }
            Kind::Record { fields } => {
                for field in fields {
                    field.dtype = std::mem::replace(&mut field.dtype, Self::void(0)).with_endianness(endianness);
                }
            }
            Kind::Bool | Kind::Bytes { .. } | Kind::Void { .. } => {}
        }
        self
    }

    fn void(len: usize) -> Self {
        Self { kind: Kind::Void { len }, itemsize: len, alignment: 1 }
    }

    /// Returns the byte offset and the dtype of a field by its path: `"id"`, or `"pos.x"` in nested records.
    ///
    /// A title also finds its field. A name may contain dots: the longest name that the path begins with is used.
    ///
    /// # Errors
    ///
    /// Returns [`UnknownField`](crate::ErrorKind::UnknownField), whose text lists the available fields and the one
    /// nearest to the requested name.
    pub fn field(&self, path: &str) -> Result<(usize, &Self)> {
        let (mut start, mut dtype, mut rest) = (0, self, path);
        loop {
            let (offset, inner, further) = dtype.step(rest).ok_or_else(|| dtype.unknown_field(rest))?;
            (start, dtype) = (start + offset, inner);
            match further {
                Some(further) => rest = further,
                None => return Ok((start, dtype)),
            }
        }
    }

    /// Returns the first field of a path: its offset, its dtype, and the rest of the path, if any. The longest name
    /// that the path begins with is used.
    pub(crate) fn step<'p>(&self, path: &'p str) -> Option<(usize, &Self, Option<&'p str>)> {
        let find = |name: &str| self.fields().iter().find(|f| f.name == name || f.title.as_deref() == Some(name));
        if let Some(field) = find(path) {
            return Some((field.offset, &field.dtype, None));
        }
        let mut dots = path.rmatch_indices('.');
        dots.find_map(|(dot, _)| find(&path[..dot]).map(|field| (field.offset, &field.dtype, Some(&path[dot + 1..]))))
    }

    /// Returns the number of scalars in an item.
    pub(crate) fn leaves(&self) -> usize {
        match &self.kind {
            Kind::Array { element, shape } => {
                shape.iter().fold(element.leaves(), |leaves, &len| leaves.saturating_mul(len))
            }
            Kind::Record { fields } => {
                fields.iter().fold(1, |leaves: usize, field| leaves.saturating_add(field.dtype.leaves()))
            }
            _ => 1,
        }
    }

    /// Returns a record of some of the fields, given by their names or titles, in the given order: the dtype of NumPy's
    /// `arr[["a", "c"]]`. The fields keep their offsets and the record keeps its size, so that the other fields become
    /// padding.
    ///
    /// ```
    /// use mmap_array::DType;
    /// let trade = DType::from_descr("[('time', '<i8'), ('px', '<f8'), ('qty', '<u4')]")?;
    /// let part = trade.select(["qty", "time"])?;
    /// assert_eq!((part.itemsize(), part.field("qty")?.0, part.fields()[1].offset), (20, 16, 0));
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`UnknownField`](crate::ErrorKind::UnknownField) if a name is not that of a field, and
    /// [`DType`](crate::ErrorKind::DType) if a name is given twice or the dtype is not a record.
    pub fn select<N: AsRef<str>>(&self, names: impl IntoIterator<Item = N>) -> Result<Self> {
        let find = |name: &str| self.fields().iter().find(|f| f.name == name || f.title.as_deref() == Some(name));
        if !matches!(self.kind, Kind::Record { .. }) {
            return Err(Reason::DType(format!("{self} is not a record and has no fields to select")).error());
        }
        let fields = names.into_iter().map(|name| {
            let name = name.as_ref();
            find(name).cloned().ok_or_else(|| self.unknown_field(name))
        });
        let fields: Vec<RecordField> = fields.collect::<Result<_>>()?;
        Ok(Self::record(fields, self.itemsize)?.aligned_to(self.alignment))
    }

    pub(crate) fn unknown_field(&self, path: &str) -> Error {
        let names: Vec<&str> = self.fields().iter().map(|field| field.name.as_str()).collect();
        let hint =
            nearest_name(&names, path).map_or_else(String::new, |nearest| format!("; the nearest is {nearest:?}"));
        let text = match names.len() {
            0 => format!("there is no field {path:?}: the elements are {self}, not records"),
            1..=20 => format!("there is no field {path:?}; the fields are {names:?}{hint}"),
            many => format!(
                "there is no field {path:?} among the {many} fields, the first of which is {:?}{hint}",
                names[0]
            ),
        };
        Reason::UnknownField(text).error()
    }

    /// Returns the element dtype and the shape of a subarray, with the axes of nested subarrays merged, or the dtype
    /// itself and no axes if it is not a subarray.
    pub(crate) fn flattened(&self) -> (&Self, Vec<usize>) {
        self.within(&[])
    }

    /// Returns the element dtype and the shape of a subarray that has these axes and elements of this dtype.
    fn within(&self, axes: &[usize]) -> (&Self, Vec<usize>) {
        let (mut element, mut shape) = (self, axes.to_vec());
        while let Kind::Array { element: inner, shape: axes } = &element.kind {
            shape.extend_from_slice(axes);
            element = inner;
        }
        (element, shape)
    }

    /// Returns the path of the first part in which two dtypes differ, and the two dtypes there, or `None` if they are
    /// equal. An empty path denotes the whole dtype.
    ///
    /// If a field differs in its name, title or offset, the path ends with the field's name, and the two dtypes are
    /// those of the records that contain it.
    #[must_use]
    pub fn first_difference<'a>(&'a self, other: &'a Self) -> Option<(String, &'a Self, &'a Self)> {
        if self == other {
            return None;
        }
        let within = |path: &str, (inner, a, b): (String, &'a Self, &'a Self)| {
            let joint = if path.is_empty() || inner.is_empty() { "" } else { "." };
            Some((format!("{path}{joint}{inner}"), a, b))
        };
        match (&self.kind, &other.kind) {
            (Kind::Record { fields: ours }, Kind::Record { fields: theirs }) => {
                for (our, their) in ours.iter().zip(theirs) {
                    if (&our.name, our.offset) == (&their.name, their.offset) {
                        if let Some(inner) = our.dtype.first_difference(&their.dtype) {
                            return within(&our.name, inner);
                        }
                    }
                    if our != their {
                        return Some((our.name.clone(), self, other));
                    }
                }
            }
            (Kind::Array { .. }, Kind::Array { .. }) => {
                let ((ours, our_shape), (theirs, their_shape)) = (self.flattened(), other.flattened());
                if our_shape == their_shape {
                    return ours.first_difference(theirs);
                }
            }
            _ => {}
        }
        Some((String::new(), self, other))
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bool, Self::Bool) => true,
            (Self::Int { size: a, order: e }, Self::Int { size: b, order: f })
            | (Self::UInt { size: a, order: e }, Self::UInt { size: b, order: f })
            | (Self::Float { size: a, order: e }, Self::Float { size: b, order: f })
            | (Self::Complex { size: a, order: e }, Self::Complex { size: b, order: f })
            | (Self::Ucs4 { len: a, order: e }, Self::Ucs4 { len: b, order: f }) => (a, e) == (b, f),
            (Self::Bytes { len: a }, Self::Bytes { len: b }) | (Self::Void { len: a }, Self::Void { len: b }) => a == b,
            (Self::DateTime64 { unit: u, count: a, order: e }, Self::DateTime64 { unit: v, count: b, order: f })
            | (Self::TimeDelta64 { unit: u, count: a, order: e }, Self::TimeDelta64 { unit: v, count: b, order: f }) => {
                (u, a, e) == (v, b, f)
            }
            (Self::Array { element: a, shape: axes }, Self::Array { element: b, shape: others }) => {
                a.within(axes) == b.within(others)
            }
            (Self::Record { fields: a }, Self::Record { fields: b }) => a == b,
            _ => false,
        }
    }
}

impl Eq for Kind {}

impl std::hash::Hash for Kind {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        match self {
            Self::Bool => {}
            Self::Int { size, order }
            | Self::UInt { size, order }
            | Self::Float { size, order }
            | Self::Complex { size, order }
            | Self::Ucs4 { len: size, order } => (size, order).hash(state),
            Self::Bytes { len } | Self::Void { len } => len.hash(state),
            Self::DateTime64 { unit, count, order } | Self::TimeDelta64 { unit, count, order } => {
                (unit, count, order).hash(state);
            }
            Self::Array { element, shape: axes } => element.within(axes).hash(state),
            Self::Record { fields } => fields.hash(state),
        }
    }
}

impl PartialEq for DType {
    fn eq(&self, other: &Self) -> bool {
        (&self.kind, self.itemsize) == (&other.kind, other.itemsize)
    }
}

impl Eq for DType {}

impl std::hash::Hash for DType {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (&self.kind, self.itemsize).hash(state);
    }
}

impl fmt::Debug for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DType({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element::Element;
    use std::hash::{BuildHasher, RandomState};

    #[test]
    fn a_subarray_of_subarrays_is_one_of_more_axes() {
        let nested = DType::array(DType::array(f64::dtype(), [5]).unwrap(), [2]).unwrap();
        let flat = <[[f64; 5]; 2]>::dtype();
        assert_eq!((&nested, nested.first_difference(&flat)), (&flat, None));
        let hasher = RandomState::new();
        assert_eq!(hasher.hash_one(&nested), hasher.hash_one(&flat));
        assert_ne!(nested, <[[f64; 2]; 5]>::dtype());
        assert_ne!(nested, <[[f32; 5]; 2]>::dtype());
        let other = <[[f32; 5]; 2]>::dtype();
        let difference = nested.first_difference(&other);
        assert_eq!(difference, Some((String::new(), &f64::dtype(), &f32::dtype())));
    }

    #[test]
    fn selected_fields_stay_where_they_are() {
        let record = DType::packed_record([("a", u8::dtype()), ("b", f64::dtype()), ("c", u8::dtype())]).unwrap();
        let part = record.select(["c", "a"]).unwrap();
        assert_eq!((part.itemsize(), part.fields()[0].offset, part.fields()[1].offset), (10, 9, 0));
        assert_eq!(record.select(["a", "d"]).unwrap_err().kind(), crate::ErrorKind::UnknownField);
        assert_eq!(record.select(["a", "a"]).unwrap_err().kind(), crate::ErrorKind::DType);
        assert_eq!(record.select::<&str>([]).unwrap().fields(), []);
    }
}
