//! The Arrow types of elements.

use crate::dtype::{DType, Kind, TimeUnit};
use crate::error::{Error, Reason, Result};
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Fields, IntervalUnit, Schema, TimeUnit as ArrowUnit};
use std::collections::HashMap;
use std::sync::Arc;

/// The name of the only column of elements that are not records.
pub(super) const VALUE: &str = "value";

/// The name of the items of a list.
const ITEM: &str = "item";

/// The unit in which Arrow counts a time, and how many of these units, or months, one NumPy unit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Time {
    /// Days, of a date that is counted in NumPy in units of so many months since 1970.
    MonthsToDays(i128),
    /// Days since 1970.
    Days(i128),
    /// A unit since 1970.
    Since(ArrowUnit, i128),
    /// Months.
    Months(i128),
    /// A unit of a duration.
    Span(ArrowUnit, i128),
}

impl Time {
    /// Returns the time of a kind, or `None` if the kind is not a time or has a unit that Arrow does not have.
    pub(super) fn of(kind: &Kind) -> Option<Self> {
        let (unit, count, since) = match *kind {
            Kind::DateTime64 { unit, count, .. } => (unit, i128::from(count), true),
            Kind::TimeDelta64 { unit, count, .. } => (unit, i128::from(count), false),
            _ => return None,
        };
        let (unit, count) = match (unit, since) {
            (TimeUnit::Year, true) => return Some(Self::MonthsToDays(12 * count)),
            (TimeUnit::Month, true) => return Some(Self::MonthsToDays(count)),
            (TimeUnit::Week, true) => return Some(Self::Days(7 * count)),
            (TimeUnit::Day, true) => return Some(Self::Days(count)),
            (TimeUnit::Year, false) => return Some(Self::Months(12 * count)),
            (TimeUnit::Month, false) => return Some(Self::Months(count)),
            (TimeUnit::Week, false) => (ArrowUnit::Second, 7 * 86_400 * count),
            (TimeUnit::Day, false) => (ArrowUnit::Second, 86_400 * count),
            (TimeUnit::Hour, _) => (ArrowUnit::Second, 3600 * count),
            (TimeUnit::Minute, _) => (ArrowUnit::Second, 60 * count),
            (TimeUnit::Second, _) => (ArrowUnit::Second, count),
            (TimeUnit::Millisecond, _) => (ArrowUnit::Millisecond, count),
            (TimeUnit::Microsecond, _) => (ArrowUnit::Microsecond, count),
            (TimeUnit::Nanosecond, _) => (ArrowUnit::Nanosecond, count),
            (TimeUnit::Picosecond | TimeUnit::Femtosecond | TimeUnit::Attosecond | TimeUnit::Generic, _) => {
                return None;
            }
        };
        Some(if since { Self::Since(unit, count) } else { Self::Span(unit, count) })
    }

    fn data_type(self) -> DataType {
        match self {
            Self::MonthsToDays(_) | Self::Days(_) => DataType::Date32,
            Self::Since(unit, _) => DataType::Timestamp(unit, None),
            Self::Months(_) => DataType::Interval(IntervalUnit::MonthDayNano),
            Self::Span(unit, _) => DataType::Duration(unit),
        }
    }
}

pub(super) fn no_rows() -> Error {
    Error::shape("a 0-d array has no rows to make a batch of; give it an axis with `reshape(1)`")
}

/// Returns the error for columns that Arrow rejects.
pub(super) fn refused(error: ArrowError) -> Error {
    Error::unsupported(format!("Arrow rejects the columns: {error}"))
}

/// Options for converting elements to Arrow.
///
/// Requires the `arrow` feature.
///
/// ```
/// use arrow_schema::DataType;
/// use mmap_array::{DType, interop::ArrowOptions};
/// let dtype: DType = "[('name', 'S8'), ('z', 'c16')]".parse()?;
/// let schema = ArrowOptions::new().bytes_as_utf8().schema(&dtype, &[100])?;
/// assert_eq!(schema.field(0).data_type(), &DataType::Utf8);
/// assert!(matches!(schema.field(1).data_type(), DataType::Struct(_)));
/// # Ok::<(), mmap_array::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArrowOptions {
    pub(super) utf8: bool,
    pub(super) lists: bool,
}

impl ArrowOptions {
    /// Creates the default options, which are those of [`ToArrow`](super::ToArrow).
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Interprets byte strings, `S`, as UTF-8.
    #[must_use]
    pub fn bytes_as_utf8(mut self) -> Self {
        self.utf8 = true;
        self
    }

    /// Converts complex numbers to lists of two numbers, which need not be copied.
    #[must_use]
    pub fn complex_as_list(mut self) -> Self {
        self.lists = true;
        self
    }

    /// Returns the schema of the rows of an array with a dtype and a shape.
    ///
    /// # Errors
    ///
    /// [`DType`](crate::ErrorKind::DType) if an element has no Arrow type, with the field's name;
    /// [`Shape`](crate::ErrorKind::Shape) for a 0-d array, which has no rows; [`Overflow`](crate::ErrorKind::Overflow)
    /// if a list would be longer than `i32::MAX`.
    pub fn schema(&self, dtype: &DType, shape: &[usize]) -> Result<Schema> {
        let (_, inner) = shape.split_first().ok_or_else(no_rows)?;
        let (element, axes) = dtype.flattened();
        if inner.is_empty() && axes.is_empty() {
            if let Kind::Record { fields } = element.kind() {
                return Ok(Schema::new(self.fields(fields, "")?));
            }
        }
        let axes: Vec<usize> = inner.iter().copied().chain(axes).collect();
        Ok(Schema::new(vec![self.field(VALUE, "", element, &axes)?]))
    }

    /// Returns the Arrow fields of records at a path.
    pub(super) fn fields(&self, fields: &[crate::dtype::RecordField], path: &str) -> Result<Fields> {
        let named = fields.iter().map(|field| {
            let path = join(path, &field.name);
            let (element, axes) = field.dtype.flattened();
            let made = self.field(&field.name, &path, element, &axes)?;
            Ok(match &field.title {
                Some(title) => made.with_metadata(HashMap::from([("title".to_owned(), title.clone())])),
                None => made,
            })
        });
        named.collect()
    }

    /// Returns the Arrow field of elements, with lists for their axes.
    fn field(&self, name: &str, path: &str, element: &DType, axes: &[usize]) -> Result<Field> {
        let (mut data_type, mut nullable) = self.data_type(element, path)?;
        for &len in axes.iter().rev() {
            let item = Arc::new(Field::new(ITEM, data_type, nullable));
            (data_type, nullable) = (DataType::FixedSizeList(item, list_len(len, path)?), false);
        }
        Ok(Field::new(name, data_type, nullable))
    }

    /// Returns the type of an element that is not a subarray, and whether it can be null.
    fn data_type(&self, element: &DType, path: &str) -> Result<(DataType, bool)> {
        let none = |why: &str| Reason::DType(format!("{}{element} has no type in Arrow{why}", of_field(path))).error();
        if element.itemsize() == 0 {
            return Err(none(", since it has no bytes"));
        }
        let nullable = Time::of(element.kind()).is_some();
        let data_type = match *element.kind() {
            Kind::Bool => DataType::Boolean,
            Kind::Int { size: 1, .. } => DataType::Int8,
            Kind::Int { size: 2, .. } => DataType::Int16,
            Kind::Int { size: 4, .. } => DataType::Int32,
            Kind::Int { .. } => DataType::Int64,
            Kind::UInt { size: 1, .. } => DataType::UInt8,
            Kind::UInt { size: 2, .. } => DataType::UInt16,
            Kind::UInt { size: 4, .. } => DataType::UInt32,
            Kind::UInt { .. } => DataType::UInt64,
            Kind::Float { size: 2, .. } => DataType::Float16,
            Kind::Float { size: 4, .. } => DataType::Float32,
            Kind::Float { .. } => DataType::Float64,
            Kind::Complex { size, .. } => {
                let part = if size == 8 { DataType::Float32 } else { DataType::Float64 };
                let part = |name| Field::new(name, part.clone(), false);
                match self.lists {
                    true => DataType::FixedSizeList(Arc::new(part(ITEM)), 2),
                    false => DataType::Struct([part("re"), part("im")].into_iter().collect()),
                }
            }
            Kind::Bytes { .. } => {
                if self.utf8 {
                    DataType::Utf8
                } else {
                    DataType::Binary
                }
            }
            Kind::Ucs4 { .. } => DataType::Utf8,
            Kind::Void { len } => DataType::FixedSizeBinary(list_len(len, path)?),
            Kind::DateTime64 { .. } | Kind::TimeDelta64 { .. } => {
                Time::of(element.kind()).ok_or_else(|| none(", whose units are seconds to nanoseconds"))?.data_type()
            }
            Kind::Record { ref fields } => DataType::Struct(self.fields(fields, path)?),
            Kind::Array { .. } => return Err(none(" as it is")),
        };
        Ok((data_type, nullable))
    }
}

/// Returns the field of the items of a list.
pub(super) fn item(data_type: &DataType, nullable: bool) -> FieldRef {
    Arc::new(Field::new(ITEM, data_type.clone(), nullable))
}

/// Returns the path of a field within another.
pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Returns the beginning of an error text about a field.
pub(super) fn of_field(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("the field {path:?}: ") }
}

pub(super) fn list_len(len: usize, path: &str) -> Result<i32> {
    i32::try_from(len).map_err(|_| {
        Error::overflow("the list", format!("{}{len} elements are more than Arrow's limit of 2^31 - 1", of_field(path)))
    })
}
