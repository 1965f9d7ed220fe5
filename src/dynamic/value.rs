//! Single items of arrays whose dtype is known only at run time.

use super::view::DynView;
use crate::access::{ReadOnly, Reading};
use crate::dtype::{DType, Kind, TimeUnit};
use crate::element::LongDouble;
use crate::element::item::Leaf;
use crate::error::{Error, Result};
use crate::shape::{MAX_NDIM, NdIndex};
use crate::view::outside_text;
use std::borrow::Cow;
use std::fmt;
use std::iter::FusedIterator;

/// An item of a [`DynView`], by value, in the machine's byte order: the result of NumPy's `arr[i]`.
///
/// A record borrows its bytes, or contains a copy of them if others may change them. All other items are copies. A
/// subarray is not an item, since its axes belong to the view.
///
/// ```
/// use mmap_array::{dynamic::Value, DType, DynView};
/// let dtype = DType::from_descr("[('id', '>u2'), ('name', '|S3')]")?;
/// let view = DynView::from_bytes(b"\x01\x02ab\0\0\x07c\0\0", &dtype, 2)?;
/// assert_eq!(view.field("id")?.at([0]), Value::UInt(258));
/// assert_eq!(view.field("name")?.at([1]).to_string(), "b'c'");
/// let Value::Record(second) = view.at([1]) else { unreachable!() };
/// assert_eq!(second.field("id")?.at(()).as_i128(), Some(7));
/// # Ok::<(), mmap_array::Error>(())
/// ```
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// A truth value. Any byte other than 0 is true.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer.
    UInt(u64),
    /// A float of 2 bytes, whose value an `f32` represents exactly.
    F16(f32),
    /// A float of 4 bytes.
    F32(f32),
    /// A float of 8 bytes.
    F64(f64),
    /// A complex number of 8 bytes: the real and the imaginary part.
    ComplexF32([f32; 2]),
    /// A complex number of 16 bytes: the real and the imaginary part.
    ComplexF64([f64; 2]),
    /// C's `long double` of 12 or 16 bytes, read as the x87 extended format.
    LongDouble(LongDouble),
    /// A complex number of 24 or 32 bytes: two `long double`s, the real and the imaginary part.
    ComplexLongDouble([LongDouble; 2]),
    /// Text as bytes, without trailing zeros.
    Bytes(Vec<u8>),
    /// Text as character codes, without trailing zeros. A code may not be that of a character.
    Ucs4(Vec<u32>),
    /// Opaque bytes.
    Void(Vec<u8>),
    /// A point in time: the number of spans since 1970, the unit, and the number of units in a span. The number
    /// [`i64::MIN`] represents NaT.
    DateTime64(i64, TimeUnit, u32),
    /// A span of time: the number of spans, the unit, and the number of units in a span. The number [`i64::MIN`]
    /// represents NaT.
    TimeDelta64(i64, TimeUnit, u32),
    /// A record. [`RecordValue::field`] returns its fields.
    Record(RecordValue<'a>),
}

/// A record by value: NumPy's `np.void` of a structured dtype. See [`Value`].
///
/// ```
/// use mmap_array::{dynamic::Value, DType, DynView};
/// let dtype = DType::from_descr("[('id', '|u1'), ('at', '|u1', (2,))]")?;
/// let view = DynView::from_bytes(&[7, 1, 2, 8, 3, 4], &dtype, 2)?;
/// let Value::Record(record) = view.at([1]) else { unreachable!() };
/// assert_eq!(record.field("at")?.to_vec_as::<u8>()?, [3, 4]);
/// assert_eq!((record.as_bytes(), record.to_string()), (&[8, 3, 4][..], "(8, [3, 4])".into()));
/// # Ok::<(), mmap_array::Error>(())
/// ```
#[derive(Clone)]
pub struct RecordValue<'a> {
    bytes: Cow<'a, [u8]>,
    dtype: &'a DType,
}

impl RecordValue<'_> {
    /// Returns the dtype of the record.
    #[must_use]
    pub fn dtype(&self) -> &DType {
        self.dtype
    }

    /// Returns the bytes of the record, including the padding between its fields.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the record as a view without axes.
    #[must_use]
    pub fn view(&self) -> DynView<'_> {
        DynView::of_element(&self.bytes, self.dtype)
    }

    /// Returns a view of a field of the record, by its path. The view has the axes of a field that is a subarray. See
    /// [`DynView::field`].
    ///
    /// # Errors
    ///
    /// Returns [`UnknownField`](crate::ErrorKind::UnknownField), which lists the available fields, and
    /// [`Shape`](crate::ErrorKind::Shape) if the field is a subarray with too many axes.
    pub fn field(&self, path: &str) -> Result<DynView<'_>> {
        self.view().field(path)
    }
}

/// Compares the dtypes and the fields.
impl PartialEq for RecordValue<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.view() == other.view()
    }
}

/// Formats the record as NumPy prints it.
impl fmt::Display for RecordValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.view(), f)
    }
}

/// Formats the record as NumPy prints it, with its dtype.
impl fmt::Debug for RecordValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordValue({self}, dtype={})", self.dtype)
    }
}

impl Value<'_> {
    /// Returns the same value unless it is a record, which borrows its dtype.
    pub(super) fn without_record(&self) -> Option<Value<'static>> {
        self.leaf().map(Value::of)
    }

    /// Returns the same value with a borrowed dtype; a record gets bytes of its own.
    pub(super) fn with_dtype(self, dtype: &DType) -> Value<'_> {
        match (self.leaf(), self) {
            (_, Self::Record(record)) => {
                Value::Record(RecordValue { bytes: Cow::Owned(record.bytes.into_owned()), dtype })
            }
            (Some(leaf), _) => Value::of(leaf),
            (None, _) => unreachable!("what is no record is a leaf"),
        }
    }

    /// Returns the value if it is an integer or a truth value, and `None` otherwise.
    ///
    /// ```
    /// use mmap_array::dynamic::Value;
    /// assert_eq!(Value::UInt(u64::MAX).as_i128(), Some(18446744073709551615));
    /// assert_eq!(Value::F64(1.0).as_i128(), None);
    /// ```
    #[must_use]
    pub fn as_i128(&self) -> Option<i128> {
        match *self {
            Self::Bool(truth) => Some(truth.into()),
            Self::Int(number) => Some(number.into()),
            Self::UInt(number) => Some(number.into()),
            _ => None,
        }
    }

    /// Returns the nearest `f64` if the value is an integer, a real float or a truth value, and `None` otherwise.
    ///
    /// ```
    /// assert_eq!(mmap_array::dynamic::Value::Int(-3).as_f64(), Some(-3.0));
    /// ```
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match *self {
            Self::F16(number) | Self::F32(number) => Some(number.into()),
            Self::F64(number) => Some(number),
            Self::LongDouble(number) => Some(number.to_f64()),
            _ => self.as_i128().map(|number| number as f64),
        }
    }

    /// Returns the text of [`Bytes`](Self::Bytes), if it is UTF-8, or of [`Ucs4`](Self::Ucs4), if all its codes are
    /// characters, and `None` otherwise.
    ///
    /// ```
    /// use mmap_array::dynamic::Value;
    /// assert_eq!(Value::Ucs4(vec![0xe9]).to_text().as_deref(), Some("é"));
    /// assert_eq!(Value::Bytes(vec![0xff]).to_text(), None);
    /// ```
    #[must_use]
    pub fn to_text(&self) -> Option<String> {
        match self {
            Self::Bytes(bytes) => String::from_utf8(bytes.clone()).ok(),
            Self::Ucs4(units) => units.iter().map(|&unit| char::from_u32(unit)).collect(),
            _ => None,
        }
    }

    /// Returns a value that is not a record in the printer's representation.
    fn leaf(&self) -> Option<Leaf> {
        Some(match *self {
            Self::Bool(truth) => Leaf::Bool(truth),
            Self::Int(number) => Leaf::Int(number),
            Self::UInt(number) => Leaf::UInt(number),
            Self::F16(number) => Leaf::F16(number),
            Self::F32(number) => Leaf::F32(number),
            Self::F64(number) => Leaf::F64(number),
            Self::ComplexF32(number) => Leaf::ComplexF32(number),
            Self::ComplexF64(number) => Leaf::ComplexF64(number),
            Self::LongDouble(number) => Leaf::X87(number.x87()),
            Self::ComplexLongDouble(parts) => Leaf::ComplexX87(parts.map(|part| part.x87())),
            Self::Bytes(ref bytes) => Leaf::Bytes(bytes.clone()),
            Self::Ucs4(ref units) => Leaf::Ucs4(units.clone()),
            Self::Void(ref bytes) => Leaf::Void(bytes.clone()),
            Self::DateTime64(count, unit, spans_of) => Leaf::DateTime64(count, unit, spans_of),
            Self::TimeDelta64(count, unit, spans_of) => Leaf::TimeDelta64(count, unit, spans_of),
            Self::Record(_) => return None,
        })
    }
}

impl<'a> Value<'a> {
    /// Returns the value of the element at an index of a view, or `None` if the index is outside.
    fn at<A: Reading>(view: &DynView<'a, A>, index: &[usize]) -> Option<Self> {
        match view.dtype().kind() {
            Kind::Record { .. } => {
                let bytes = view.element_bytes(index)?;
                Some(Self::Record(RecordValue { bytes, dtype: view.dtype() }))
            }
            _ => view.with_stored(index, |stored| Self::of(stored.leaf())),
        }
    }

    /// Returns the value of an element that is not a record.
    fn of(leaf: Leaf) -> Self {
        match leaf {
            Leaf::Bool(truth) => Self::Bool(truth),
            Leaf::Int(number) => Self::Int(number),
            Leaf::UInt(number) => Self::UInt(number),
            Leaf::F16(number) => Self::F16(number),
            Leaf::F32(number) => Self::F32(number),
            Leaf::F64(number) => Self::F64(number),
            Leaf::ComplexF32(number) => Self::ComplexF32(number),
            Leaf::ComplexF64(number) => Self::ComplexF64(number),
            Leaf::X87(number) => Self::LongDouble(LongDouble::of_x87(number)),
            Leaf::ComplexX87(parts) => Self::ComplexLongDouble(parts.map(LongDouble::of_x87)),
            Leaf::Bytes(bytes) => Self::Bytes(bytes),
            Leaf::Ucs4(units) => Self::Ucs4(units),
            Leaf::Void(bytes) => Self::Void(bytes),
            Leaf::DateTime64(count, unit, spans_of) => Self::DateTime64(count, unit, spans_of),
            Leaf::TimeDelta64(count, unit, spans_of) => Self::TimeDelta64(count, unit, spans_of),
        }
    }
}

/// Sums of numbers, which convert to values.
pub(super) trait Sum: Copy {
    fn to_value(self) -> Result<Value<'static>>;
}

macro_rules! integers {
    ($($sum:ty: $Value:ident),*) => {$(
        impl Sum for $sum {
            fn to_value(self) -> Result<Value<'static>> {
                let number = self.try_into().map(Value::$Value);
                number.map_err(|_| Error::out_of_range(format!("the sum {self} does not fit in 64 bits")))
            }
        }
    )*};
}
integers!(i128: Int, u128: UInt);

macro_rules! floats {
    ($($sum:ty: $Value:ident),*) => {$(
        impl Sum for $sum {
            fn to_value(self) -> Result<Value<'static>> {
                Ok(Value::$Value(self))
            }
        }
    )*};
}
floats!(f32: F32, f64: F64);

/// Access to items by value.
impl<'a, A: Reading> DynView<'a, A> {
    /// Returns the item at an index with one number per axis.
    ///
    /// # Panics
    ///
    /// Panics if the index is outside the shape or has another number of axes. [`get`](Self::get) does not panic.
    ///
    /// ```
    /// use mmap_array::{dynamic::Value, DType, DynView};
    /// let dtype = DType::from_descr("'<M8[D]'")?;
    /// let day = DynView::from_bytes(&[1, 0, 0, 0, 0, 0, 0, 0], &dtype, 1)?.at([0]);
    /// assert_eq!(day.to_string(), "1970-01-02");
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn at(&self, index: impl NdIndex) -> Value<'a> {
        match index.with_index(|index| Value::at(self, index)) {
            Some(value) => value,
            None => {
                let index = index.with_index(<[usize]>::to_vec);
                panic!("{}", outside_text(&index, self.shape(), "a view"))
            }
        }
    }

    /// Returns a double-ended iterator over the items, in C order.
    ///
    /// ```
    /// use mmap_array::{dynamic::Value, DType, DynView};
    /// let dtype = DType::from_descr("'|S1'")?;
    /// let view = DynView::from_bytes(b"abcd", &dtype, [2, 2])?;
    /// assert_eq!(view.t().iter().filter_map(|value| value.to_text()).collect::<String>(), "acbd");
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[must_use]
    pub fn iter(&self) -> DynIter<'a, A> {
        DynIter { view: self.clone(), next: 0, end: self.len() }
    }

    /// Returns the item at an index, or `None` if the index is outside the shape or has another number of axes. See
    /// [`at`](Self::at).
    #[must_use]
    pub fn get(&self, index: impl NdIndex) -> Option<Value<'a>> {
        index.with_index(|index| Value::at(self, index))
    }
}

/// A double-ended iterator over the items of a [`DynView`], in C order. Created by [`DynView::iter`].
#[derive(Clone, Debug)]
pub struct DynIter<'a, A: Reading = ReadOnly> {
    view: DynView<'a, A>,
    /// Positions in C order.
    next: usize,
    end: usize,
}

impl<'a, A: Reading> DynIter<'a, A> {
    fn at(&self, position: usize) -> Option<Value<'a>> {
        let (mut left, mut index) = (position, [0; MAX_NDIM]);
        for (axis, &len) in self.view.shape().iter().enumerate().rev() {
            (index[axis], left) = (left % len, left / len);
        }
        Value::at(&self.view, &index[..self.view.ndim()])
    }
}

impl<'a, A: Reading> Iterator for DynIter<'a, A> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        self.nth(0)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = self.end - self.next;
        (len, Some(len))
    }

    fn nth(&mut self, n: usize) -> Option<Value<'a>> {
        let position = self.next.checked_add(n).filter(|&position| position < self.end);
        self.next = position.map_or(self.end, |position| position + 1);
        self.at(position?)
    }
}

impl<A: Reading> DoubleEndedIterator for DynIter<'_, A> {
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.next == self.end {
            return None;
        }
        self.end -= 1;
        self.at(self.end)
    }
}

impl<A: Reading> ExactSizeIterator for DynIter<'_, A> {}
impl<A: Reading> FusedIterator for DynIter<'_, A> {}

impl<'a, A: Reading> IntoIterator for DynView<'a, A> {
    type Item = Value<'a>;
    type IntoIter = DynIter<'a, A>;

    fn into_iter(self) -> DynIter<'a, A> {
        self.iter()
    }
}

impl<'a, A: Reading> IntoIterator for &DynView<'a, A> {
    type Item = Value<'a>;
    type IntoIter = DynIter<'a, A>;

    fn into_iter(self) -> DynIter<'a, A> {
        self.iter()
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record(record) => fmt::Display::fmt(record, f),
            value => value.leaf().map_or(Ok(()), |leaf| leaf.item(false).write_alone(f)),
        }
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Bool(_) => "Bool",
            Self::Int(_) => "Int",
            Self::UInt(_) => "UInt",
            Self::F16(_) => "F16",
            Self::F32(_) => "F32",
            Self::F64(_) => "F64",
            Self::ComplexF32(_) => "ComplexF32",
            Self::ComplexF64(_) => "ComplexF64",
            Self::LongDouble(_) => "LongDouble",
            Self::ComplexLongDouble(_) => "ComplexLongDouble",
            Self::Bytes(_) => "Bytes",
            Self::Ucs4(_) => "Ucs4",
            Self::Void(_) => "Void",
            Self::DateTime64(..) => "DateTime64",
            Self::TimeDelta64(..) => "TimeDelta64",
            Self::Record(_) => "Record",
        };
        match (self, self.leaf()) {
            (Self::Record(record), _) => write!(f, "{name}({record})"),
            (_, Some(leaf)) => write!(f, "{name}({})", leaf.item(true)),
            (_, None) => f.write_str(name),
        }
    }
}
