//! Arrow batches as records of a `.npy` file.

use super::types::{join, of_field};
use crate::dtype::{DType, Endianness, Kind, RecordField, TimeUnit};
use crate::dynamic::DynView;
use crate::error::{Error, Reason, Result};
use crate::npy;
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, RecordBatch, downcast_primitive_array};
use arrow_buffer::ToByteSlice;
use arrow_schema::{DataType, FieldRef, Fields, Schema, TimeUnit as ArrowUnit};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Seek, Write};
use std::path::Path;

/// Options for converting Arrow columns to the fields of records, which are NumPy's structured arrays.
///
/// | Arrow type | dtype |
/// | --- | --- |
/// | `Boolean` | `?` |
/// | `Int8` to `Int64`, `UInt8` to `UInt64`, `Float16` to `Float64` | `i1` to `i8`, `u1` to `u8`, `f2` to `f8` |
/// | `Utf8` and its variants | `U` of as many characters as the longest value has |
/// | `Binary` and its variants, `FixedSizeBinary` | `S` of as many bytes as the longest value has, `V` |
/// | `Date32`, `Date64` | `M8[D]`, `M8[ms]` |
/// | `Timestamp` of any time zone, which all count from 1970 in UTC | `M8` of its unit |
/// | `Time32`, `Time64`, `Duration` | `m8` of its unit |
/// | `FixedSizeList` | a subarray |
/// | `Struct` | a record; a complex number if the fields are `re` and `im`, both of the type `Float32` or `Float64` |
///
/// Numbers are written in native byte order, and records without padding. Other types are errors: lists of variable
/// length, dictionaries, decimals. Nulls are errors too, since NumPy's elements have none, unless
/// [`nulls_as_nan`](Self::nulls_as_nan) is set.
///
/// Requires the `arrow` feature.
///
/// ```
/// use arrow_array::{RecordBatch, StringArray, Int32Array, record_batch};
/// use mmap_array::{interop::FromArrow, npy};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("people.npy");
/// let batch = record_batch!(("name", Utf8, ["Ada", "Grace"]), ("born", Int32, [1815, 1906]))
///     .map_err(std::io::Error::other)?;
/// FromArrow::new().save(&path, &[batch])?;
/// let people = npy::dyn_options().load(&path)?;
/// assert_eq!(people.to_string(), "[('Ada', 1815) ('Grace', 1906)]");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct FromArrow {
    nan: bool,
    lens: BTreeMap<String, usize>,
}

impl FromArrow {
    /// Creates the default options.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes null times as NaT and null floats as NaN. Other nulls remain errors.
    #[must_use]
    pub fn nulls_as_nan(mut self) -> Self {
        self.nan = true;
        self
    }

    /// Sets the length of a text field in characters, or of a field of byte strings in bytes. The path of a nested
    /// field contains dots: `"address.city"`. Longer values are errors.
    #[must_use]
    pub fn text_len(mut self, path: impl Into<String>, len: usize) -> Self {
        self.lens.insert(path.into(), len);
        self
    }

    /// Returns the dtype of the records for a schema.
    ///
    /// # Errors
    ///
    /// [`DType`](crate::ErrorKind::DType) if a column's type has no dtype, if [`text_len`](Self::text_len) is not set
    /// for a text, with its path, or if a name occurs twice.
    pub fn dtype(&self, schema: &Schema) -> Result<DType> {
        self.record(schema.fields(), "")
    }

    /// Saves batches with the same schema as one array of records. Texts whose length is not set are as long as the
    /// longest.
    ///
    /// An existing file is replaced once everything is written.
    ///
    /// # Errors
    ///
    /// Those of [`dtype`](Self::dtype) and [`RecordWriter::write`]; [`Shape`](crate::ErrorKind::Shape) if there is no
    /// batch, since the columns are unknown then.
    pub fn save(&self, path: impl AsRef<Path>, batches: &[RecordBatch]) -> Result<()> {
        let first = batches.first().ok_or_else(|| Error::shape("no batch to save, so no columns are known"))?;
        let mut measured = self.clone();
        for batch in batches {
            for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
                measured.measure(column, field.name());
            }
        }
        measured.lens.extend(self.lens.clone());
        let mut writer = measured.create(path, first.schema_ref())?;
        batches.iter().try_for_each(|batch| writer.write(batch))?;
        writer.finish().map(drop)
    }

    /// Creates a file of records, to which batches are written one after another. The file appears when it is
    /// [finished](RecordWriter::finish), and replaces an existing one.
    ///
    /// # Errors
    ///
    /// Those of [`dtype`](Self::dtype) and [`npy::Writer::create`].
    pub fn create(&self, path: impl AsRef<Path>, schema: &Schema) -> Result<RecordWriter> {
        let path = path.as_ref();
        let dtype = self.dtype(schema).map_err(|error| error.in_file(Some(path)))?;
        let writer = npy::Writer::create_dyn(path, dtype.clone(), ())?;
        Ok(RecordWriter { writer, dtype, columns: schema.fields().clone(), nan: self.nan })
    }

    /// Extends the lengths of texts to the longest in a column.
    fn measure(&mut self, column: &dyn Array, path: &str) {
        let longest = match column.data_type() {
            DataType::Utf8 => longest(column.as_string::<i32>(), |text| text.chars().count()),
            DataType::LargeUtf8 => longest(column.as_string::<i64>(), |text| text.chars().count()),
            DataType::Utf8View => longest(column.as_string_view(), |text| text.chars().count()),
            DataType::Binary => longest(column.as_binary::<i32>(), <[u8]>::len),
            DataType::LargeBinary => longest(column.as_binary::<i64>(), <[u8]>::len),
            DataType::BinaryView => longest(column.as_binary_view(), <[u8]>::len),
            DataType::FixedSizeList(..) => return self.measure(column.as_fixed_size_list().values(), path),
            DataType::Struct(fields) => {
                let columns = fields.iter().zip(column.as_struct().columns());
                return columns.for_each(|(field, column)| self.measure(column, &join(path, field.name())));
            }
            _ => return,
        };
        // There is no text of no room.
        let len = self.lens.entry(path.to_owned()).or_insert(1);
        *len = longest.max(*len);
    }

    fn record(&self, fields: &Fields, path: &str) -> Result<DType> {
        let mut offset = 0_usize;
        let mut placed = Vec::new();
        for field in fields {
            let dtype = self.field(field.data_type(), &join(path, field.name()))?;
            let end = offset.saturating_add(dtype.itemsize());
            let placed_field = RecordField::new(field.name(), offset, dtype);
            placed.push(match field.metadata().get("title") {
                Some(title) => placed_field.with_title(title),
                None => placed_field,
            });
            offset = end;
        }
        DType::record(placed, offset)
    }

    fn field(&self, data_type: &DataType, path: &str) -> Result<DType> {
        let order = Endianness::NATIVE;
        let since = |unit| Kind::DateTime64 { unit, count: 1, order };
        let len = || {
            self.lens.get(path).copied().ok_or_else(|| {
                let text = format!("{}the length of its longest text must be set with `text_len`", of_field(path));
                Reason::DType(text).error()
            })
        };
        DType::scalar(match data_type {
            DataType::Boolean => Kind::Bool,
            DataType::Int8 => Kind::Int { size: 1, order },
            DataType::Int16 => Kind::Int { size: 2, order },
            DataType::Int32 => Kind::Int { size: 4, order },
            DataType::Int64 => Kind::Int { size: 8, order },
            DataType::UInt8 => Kind::UInt { size: 1, order },
            DataType::UInt16 => Kind::UInt { size: 2, order },
            DataType::UInt32 => Kind::UInt { size: 4, order },
            DataType::UInt64 => Kind::UInt { size: 8, order },
            DataType::Float16 => Kind::Float { size: 2, order },
            DataType::Float32 => Kind::Float { size: 4, order },
            DataType::Float64 => Kind::Float { size: 8, order },
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Kind::Ucs4 { len: len()?, order },
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView => Kind::Bytes { len: len()? },
            DataType::FixedSizeBinary(len) => Kind::Void { len: usize::try_from(*len).unwrap_or(0) },
            DataType::Date32 => since(TimeUnit::Day),
            DataType::Date64 => since(TimeUnit::Millisecond),
            DataType::Timestamp(unit, _) => since(unit_of(*unit)),
            DataType::Time32(unit) | DataType::Time64(unit) | DataType::Duration(unit) => {
                Kind::TimeDelta64 { unit: unit_of(*unit), count: 1, order }
            }
            DataType::FixedSizeList(of, len) => {
                let len = usize::try_from(*len).unwrap_or(0);
                return DType::array(self.field(of.data_type(), path)?, [len]);
            }
            DataType::Struct(fields) => match complex_size(fields) {
                Some(size) => Kind::Complex { size, order },
                None => return self.record(fields, path),
            },
            other => {
                let text = format!("{}{other} has no dtype; cast it to a type that has one", of_field(path));
                return Err(Reason::DType(text).error());
            }
        })
    }
}

fn longest<'a, T: ?Sized + 'a>(texts: impl IntoIterator<Item = Option<&'a T>>, len: impl Fn(&T) -> usize) -> usize {
    texts.into_iter().flatten().map(len).max().unwrap_or(0)
}

fn unit_of(unit: ArrowUnit) -> TimeUnit {
    match unit {
        ArrowUnit::Second => TimeUnit::Second,
        ArrowUnit::Millisecond => TimeUnit::Millisecond,
        ArrowUnit::Microsecond => TimeUnit::Microsecond,
        ArrowUnit::Nanosecond => TimeUnit::Nanosecond,
    }
}

/// Returns the size of a complex number in bytes if the fields are those of one.
fn complex_size(fields: &Fields) -> Option<usize> {
    let [re, im] = &fields[..] else { return None };
    let names = re.name() == "re" && im.name() == "im";
    match (re.data_type(), im.data_type()) {
        (DataType::Float32, DataType::Float32) if names => Some(8),
        (DataType::Float64, DataType::Float64) if names => Some(16),
        _ => None,
    }
}

/// A writer of Arrow batches as the records of one `.npy` file. It is created by [`FromArrow::create`].
///
/// ```
/// use arrow_array::record_batch;
/// use mmap_array::{interop::FromArrow, npy};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("ticks.npy");
/// let day = |px: f64| record_batch!(("symbol", Utf8, ["XY"]), ("px", Float64, [px])).map_err(std::io::Error::other);
/// let way = FromArrow::new().text_len("symbol", 4);
/// let mut ticks = way.create(&path, &day(1.0)?.schema())?;
/// for px in [1.5, 2.5, 3.5] {
///     ticks.write(&day(px)?)?;
/// }
/// ticks.finish()?;
/// assert_eq!(npy::dyn_options().load(&path)?.field("px")?.to_vec_as::<f64>()?, [1.5, 2.5, 3.5]);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct RecordWriter<W: Write + Seek = File> {
    writer: npy::Writer<DType, W>,
    dtype: DType,
    columns: Fields,
    nan: bool,
}

impl<W: Write + Seek> RecordWriter<W> {
    /// Returns the dtype of the records.
    #[must_use]
    pub fn dtype(&self) -> &DType {
        &self.dtype
    }

    /// Writes the rows of a batch.
    ///
    /// # Errors
    ///
    /// [`DTypeMismatch`](crate::ErrorKind::DTypeMismatch) if the columns are not those of the schema;
    /// [`InvalidValue`](crate::ErrorKind::InvalidValue), with the field and the row, for a null, for a text that is too
    /// long, and for a text that ends with a zero, which NumPy would drop: some of the batch's rows may then have been
    /// written, and the file should not be finished; [`Io`](crate::ErrorKind::Io) if the file cannot be written.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        /// The bytes of the records that are made at a time, so that memory does not grow with the batch.
        const BYTES: usize = 1 << 20;
        let Self { writer, dtype, nan, columns } = self;
        let found = batch.schema_ref().fields();
        let is_same = |(one, other): (&FieldRef, &FieldRef)| {
            one.name() == other.name() && one.data_type().equals_datatype(other.data_type())
        };
        if found.len() != columns.len() || !found.iter().zip(&*columns).all(is_same) {
            let [found, wanted] = [found, &*columns].map(|fields| {
                let named = fields.iter().map(|field| format!("{}: {}", field.name(), field.data_type()));
                named.collect::<Vec<_>>().join(", ")
            });
            let text = format!("the columns of the batch are {found}, but those of the file are {wanted}");
            return Err(Reason::DTypeMismatch(text).error());
        }
        let size = dtype.itemsize();
        let at_a_time = BYTES.checked_div(size).unwrap_or(1).max(1);
        for start in (0..batch.num_rows()).step_by(at_a_time) {
            let rows = batch.slice(start, at_a_time.min(batch.num_rows() - start));
            let mut records = Records { bytes: vec![0; rows.num_rows() * size], nan: *nan, first: start };
            let places = Places { offset: 0, axes: vec![(rows.num_rows(), size)] };
            records.fields(rows.columns(), dtype, &places, "")?;
            writer.write_rows(&DynView::from_bytes(&records.bytes, dtype, rows.num_rows())?)?;
        }
        Ok(())
    }

    /// Gives the file its name, once it is on the disk: see [`npy::Writer::finish`].
    ///
    /// # Errors
    ///
    /// Those of [`npy::Writer::finish`].
    pub fn finish(self) -> Result<W> {
        self.writer.finish()
    }
}

/// The positions of a column's elements among the bytes of records.
#[derive(Clone)]
struct Places {
    offset: usize,
    /// The number of elements along each axis, and their distance in bytes.
    axes: Vec<(usize, usize)>,
}

impl Places {
    fn within(&self, offset: usize) -> Self {
        Self { offset: self.offset + offset, axes: self.axes.clone() }
    }

    /// Adds an axis of `len` elements of `size` bytes.
    fn along(&self, len: usize, size: usize) -> Self {
        let mut places = self.clone();
        places.axes.push((len, size));
        places
    }

    fn at(&self, index: usize) -> usize {
        let place =
            |(rest, place): (usize, usize), &(len, step): &(usize, usize)| (rest / len, place + rest % len * step);
        self.axes.iter().rev().fold((index, self.offset), place).1
    }

    /// Returns the row of an element.
    fn row(&self, index: usize) -> usize {
        index / self.axes[1..].iter().map(|axis| axis.0).product::<usize>().max(1)
    }
}

/// The bytes of records that are being made.
struct Records {
    bytes: Vec<u8>,
    nan: bool,
    /// The row of the batch that is the first of the records.
    first: usize,
}

impl Records {
    fn fields(&mut self, columns: &[ArrayRef], dtype: &DType, places: &Places, path: &str) -> Result<()> {
        dtype.fields().iter().zip(columns).try_for_each(|(field, column)| {
            self.column(column, &field.dtype, &places.within(field.offset), &join(path, &field.name))
        })
    }

    /// Writes a column, from whose type the dtype was made, to its positions.
    fn column(&mut self, column: &dyn Array, dtype: &DType, places: &Places, path: &str) -> Result<()> {
        let size = dtype.itemsize();
        if let (Kind::Array { element, shape }, DataType::FixedSizeList(..)) = (dtype.kind(), column.data_type()) {
            self.refuse_nulls(column, places, path)?;
            // Of subarrays of subarrays a dtype has all axes in one.
            let (list, inner) = (column.as_fixed_size_list(), DType::array((**element).clone(), &shape[1..])?);
            // They begin with the first list's, also where the lists are a slice of others.
            let values = list.values().slice(0, list.len() * shape[0]);
            return self.column(&values, &inner, &places.along(shape[0], inner.itemsize()), path);
        }
        match (column.data_type(), dtype.kind()) {
            (DataType::Struct(_), kind) => {
                self.refuse_nulls(column, places, path)?;
                let columns = column.as_struct().columns();
                match kind {
                    Kind::Complex { order, .. } => {
                        let part = DType::scalar(Kind::Float { size: size / 2, order: *order })?;
                        self.column(&columns[0], &part, places, path)?;
                        self.column(&columns[1], &part, &places.within(size / 2), path)
                    }
                    _ => self.fields(columns, dtype, places, path),
                }
            }
            (DataType::Boolean, _) => {
                self.refuse_nulls(column, places, path)?;
                let truths = column.as_boolean().values().iter().enumerate();
                truths.for_each(|(index, truth)| self.bytes[places.at(index)] = truth.into());
                Ok(())
            }
            (DataType::Utf8, _) => self.texts(column.as_string::<i32>(), dtype, places, path),
            (DataType::LargeUtf8, _) => self.texts(column.as_string::<i64>(), dtype, places, path),
            (DataType::Utf8View, _) => self.texts(column.as_string_view(), dtype, places, path),
            (DataType::Binary, _) => self.binaries(column.as_binary::<i32>(), dtype, places, path),
            (DataType::LargeBinary, _) => self.binaries(column.as_binary::<i64>(), dtype, places, path),
            (DataType::BinaryView, _) => self.binaries(column.as_binary_view(), dtype, places, path),
            (DataType::FixedSizeBinary(_), _) => {
                self.refuse_nulls(column, places, path)?;
                for (index, value) in column.as_fixed_size_binary().iter().enumerate() {
                    self.put(places.at(index), value.unwrap_or(&[]));
                }
                Ok(())
            }
            // Of 32 bits, which a dtype has 64 for.
            (DataType::Date32, _) => self.counts(column.as_primitive::<Date32Type>().values(), column, places, path),
            (DataType::Time32(ArrowUnit::Second), _) => {
                self.counts(column.as_primitive::<Time32SecondType>().values(), column, places, path)
            }
            (DataType::Time32(_), _) => {
                self.counts(column.as_primitive::<Time32MillisecondType>().values(), column, places, path)
            }
            _ => {
                let none = match *dtype.kind() {
                    Kind::Float { size: 2, .. } => Some(0x7e00_u16.to_ne_bytes().to_vec()),
                    Kind::Float { size: 4, .. } => Some(f32::NAN.to_ne_bytes().to_vec()),
                    Kind::Float { .. } => Some(f64::NAN.to_ne_bytes().to_vec()),
                    Kind::DateTime64 { .. } | Kind::TimeDelta64 { .. } => Some(i64::MIN.to_ne_bytes().to_vec()),
                    _ => None,
                };
                downcast_primitive_array! {
                    column => self.numbers(column.values().to_byte_slice(), none, size, column, places, path),
                    other => Err(Error::unsupported(format!("{}{other} does not convert to numbers", of_field(path)))),
                }
            }
        }
    }

    fn put(&mut self, place: usize, bytes: &[u8]) {
        self.bytes[place..place + bytes.len()].copy_from_slice(bytes);
    }

    /// Writes numbers as their bytes, and `none` for nulls.
    fn numbers(
        &mut self,
        values: &[u8],
        none: Option<Vec<u8>>,
        size: usize,
        column: &dyn Array,
        places: &Places,
        path: &str,
    ) -> Result<()> {
        let none = none.filter(|_| self.nan);
        if none.is_none() {
            self.refuse_nulls(column, places, path)?;
        }
        for (index, value) in values.chunks_exact(size).enumerate() {
            let value = if column.is_null(index) { none.as_deref().unwrap_or(value) } else { value };
            self.put(places.at(index), value);
        }
        Ok(())
    }

    /// Writes times of 32 bits.
    fn counts(&mut self, values: &[i32], column: &dyn Array, places: &Places, path: &str) -> Result<()> {
        let values: Vec<u8> = values.iter().flat_map(|&count| i64::from(count).to_ne_bytes()).collect();
        self.numbers(&values, Some(i64::MIN.to_ne_bytes().to_vec()), 8, column, places, path)
    }

    fn texts<'t>(
        &mut self,
        texts: impl IntoIterator<Item = Option<&'t str>>,
        dtype: &DType,
        places: &Places,
        path: &str,
    ) -> Result<()> {
        for (index, text) in texts.into_iter().enumerate() {
            let text = text.ok_or_else(|| self.null(index, places, path))?;
            let characters: Vec<u8> = text.chars().flat_map(|character| u32::from(character).to_ne_bytes()).collect();
            if text.ends_with('\0') || characters.len() > dtype.itemsize() {
                return Err(self.no_text(
                    text.chars().count(),
                    dtype.itemsize() / 4,
                    "characters",
                    index,
                    places,
                    path,
                ));
            }
            self.put(places.at(index), &characters);
        }
        Ok(())
    }

    fn binaries<'t>(
        &mut self,
        values: impl IntoIterator<Item = Option<&'t [u8]>>,
        dtype: &DType,
        places: &Places,
        path: &str,
    ) -> Result<()> {
        for (index, value) in values.into_iter().enumerate() {
            let value = value.ok_or_else(|| self.null(index, places, path))?;
            if value.last() == Some(&0) || value.len() > dtype.itemsize() {
                return Err(self.no_text(value.len(), dtype.itemsize(), "bytes", index, places, path));
            }
            self.put(places.at(index), value);
        }
        Ok(())
    }

    fn refuse_nulls(&self, column: &dyn Array, places: &Places, path: &str) -> Result<()> {
        match (0..column.len()).find(|&index| column.is_null(index)).filter(|_| column.null_count() > 0) {
            Some(index) => Err(self.null(index, places, path)),
            None => Ok(()),
        }
    }

    fn row(&self, index: usize, places: &Places) -> usize {
        self.first + places.row(index)
    }

    #[cold]
    fn null(&self, index: usize, places: &Places, path: &str) -> Error {
        let row = self.row(index, places);
        Error::invalid_value(format!(
            "{}row {row} is null, which no NumPy element can be; fill it, or for times and floats use `nulls_as_nan`",
            of_field(path)
        ))
    }

    #[cold]
    fn no_text(&self, len: usize, room: usize, of: &str, index: usize, places: &Places, path: &str) -> Error {
        let (row, field) = (self.row(index, places), of_field(path));
        Error::invalid_value(match len > room {
            true => format!("{field}the value in row {row} has {len} {of}, and there is room for {room}"),
            false => format!("{field}the value in row {row} ends with a zero, which NumPy would drop"),
        })
    }
}
