//! Elements as Arrow arrays.

use super::types::{ArrowOptions, Time, item, join, list_len, of_field, refused};
use crate::access::Reading;
use crate::dtype::{DType, Endianness, Kind};
use crate::dynamic::DynView;
use crate::element::{Number, days_since_1970};
use crate::error::{Error, Result};
use arrow_array::types::*;
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanArray, FixedSizeBinaryArray, FixedSizeListArray,
    PrimitiveArray, StringArray, StructArray,
};
use arrow_buffer::{BooleanBuffer, Buffer, IntervalMonthDayNano, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{Field, FieldRef, TimeUnit};
use bytes::Bytes;
use std::sync::{Arc, LazyLock};

/// The maker of columns.
#[derive(Clone, Copy)]
pub(super) struct Columns<'a> {
    pub(super) options: &'a ArrowOptions,
    /// Bytes in which elements may lie, which then need not be copied.
    pub(super) kept: Option<&'a Bytes>,
}

impl Columns<'_> {
    /// Makes the columns of rows.
    pub(super) fn of_rows<A: Reading>(self, view: &DynView<'_, A>) -> Result<Vec<ArrayRef>> {
        match view.dtype().kind() {
            Kind::Record { .. } if view.ndim() == 1 => self.of_fields(view, ""),
            _ => Ok(vec![self.of(view, 1, "")?]),
        }
    }

    /// Makes the columns of the fields of records.
    fn of_fields<A: Reading>(self, view: &DynView<'_, A>, path: &str) -> Result<Vec<ArrayRef>> {
        let fields = view.dtype().fields().iter();
        let column =
            |field: &crate::dtype::RecordField| self.of(&view.of_field(field)?, view.ndim(), &join(path, &field.name));
        fields.map(column).collect()
    }

    /// Makes a column of the elements along the `outer` first axes, with lists for the others.
    fn of<A: Reading>(self, view: &DynView<'_, A>, outer: usize, path: &str) -> Result<ArrayRef> {
        let mut array = self.flat(view, path)?;
        let mut nullable = Time::of(view.dtype().kind()).is_some();
        for axis in (outer..view.ndim()).rev() {
            let (count, len) = (view.shape()[..axis].iter().product(), list_len(view.shape()[axis], path)?);
            let of = item(array.data_type(), nullable);
            let list = FixedSizeListArray::try_new_with_length(of, len, array, None, count);
            (array, nullable) = (Arc::new(list.map_err(refused)?), false);
        }
        Ok(array)
    }

    /// Makes a column of all elements, in C order.
    fn flat<A: Reading>(self, view: &DynView<'_, A>, path: &str) -> Result<ArrayRef> {
        Ok(match *view.dtype().kind() {
            Kind::Bool => {
                let bytes = view.to_vec_as::<u8>()?;
                Arc::new(BooleanArray::from(bits(&bytes, |byte| *byte != 0)))
            }
            Kind::Int { size: 1, .. } => self.numbers::<Int8Type, A>(view)?,
            Kind::Int { size: 2, .. } => self.numbers::<Int16Type, A>(view)?,
            Kind::Int { size: 4, .. } => self.numbers::<Int32Type, A>(view)?,
            Kind::Int { .. } => self.numbers::<Int64Type, A>(view)?,
            Kind::UInt { size: 1, .. } => self.numbers::<UInt8Type, A>(view)?,
            Kind::UInt { size: 2, .. } => self.numbers::<UInt16Type, A>(view)?,
            Kind::UInt { size: 4, .. } => self.numbers::<UInt32Type, A>(view)?,
            Kind::UInt { .. } => self.numbers::<UInt64Type, A>(view)?,
            // No arithmetic is done with the bits.
            Kind::Float { size: 2, order } => {
                let bits = self.values::<u16, A>(&view.view().view_as(bits_of_halves(order))?)?;
                Arc::new(PrimitiveArray::<Float16Type>::new(ScalarBuffer::new(bits, 0, view.len()), None))
            }
            Kind::Float { size: 4, .. } => self.numbers::<Float32Type, A>(view)?,
            Kind::Float { .. } => self.numbers::<Float64Type, A>(view)?,
            Kind::Complex { .. } => self.complex(view)?,
            Kind::Bytes { .. } => bytes(view, self.options.utf8, path)?,
            Kind::Ucs4 { order, .. } => texts(view, order, path)?,
            Kind::Void { len } => {
                let bytes = self.kept_of(view, 1).unwrap_or_else(|| view.to_bytes().into());
                Arc::new(FixedSizeBinaryArray::try_new(list_len(len, path)?, bytes, None).map_err(refused)?)
            }
            Kind::DateTime64 { .. } | Kind::TimeDelta64 { .. } => self.times(view, path)?,
            Kind::Record { ref fields } => {
                let columns = self.of_fields(view, path)?;
                let fields = self.options.fields(fields, path)?;
                Arc::new(StructArray::try_new_with_length(fields, columns, None, view.len()).map_err(refused)?)
            }
            Kind::Array { .. } => unreachable!("the axes of subarrays are the view's"),
        })
    }

    /// Returns the bytes of the elements if they are kept, contiguous and aligned.
    fn kept_of<A: Reading>(self, view: &DynView<'_, A>, alignment: usize) -> Option<Buffer> {
        let kept = self.kept?;
        let (address, len) = view.contiguous_bytes()?;
        let start = address.checked_sub(kept.as_ptr().addr())?;
        let lies_within = address % alignment == 0 && start.checked_add(len)? <= kept.len();
        lies_within.then(|| Buffer::from(kept.clone()).slice_with_length(start, len))
    }

    /// Returns the numbers, of any size and byte order, as those of a type.
    fn values<T: Number + arrow_buffer::ArrowNativeType, A: Reading>(self, view: &DynView<'_, A>) -> Result<Buffer> {
        let is_native = match *view.dtype().kind() {
            Kind::Int { order, size } | Kind::UInt { order, size } | Kind::Float { order, size } => {
                order == Endianness::NATIVE && size == size_of::<T>()
            }
            Kind::DateTime64 { order, .. } | Kind::TimeDelta64 { order, .. } => order == Endianness::NATIVE,
            _ => false,
        };
        match is_native.then(|| self.kept_of(view, align_of::<T>())).flatten() {
            Some(kept) => Ok(kept),
            None => Ok(Buffer::from_vec(view.to_vec_as::<T>()?)),
        }
    }

    fn numbers<T: ArrowPrimitiveType<Native: Number>, A: Reading>(self, view: &DynView<'_, A>) -> Result<ArrayRef> {
        let values = self.values::<T::Native, A>(view)?;
        Ok(Arc::new(PrimitiveArray::<T>::new(ScalarBuffer::new(values, 0, view.len()), None)))
    }

    fn complex<A: Reading>(self, view: &DynView<'_, A>) -> Result<ArrayRef> {
        if self.options.lists {
            // The two parts are one more axis.
            let parts = view.parts()?;
            return self.of(&parts, view.ndim(), "");
        }
        let part = |name, part| -> Result<(FieldRef, ArrayRef)> {
            let part = self.flat(&part, "")?;
            Ok((Arc::new(Field::new(name, part.data_type().clone(), false)), part))
        };
        Ok(Arc::new(StructArray::from(vec![part("re", view.re()?)?, part("im", view.im()?)?])))
    }

    fn times<A: Reading>(self, view: &DynView<'_, A>, path: &str) -> Result<ArrayRef> {
        let time = Time::of(view.dtype().kind())
            .ok_or_else(|| Error::unsupported(format!("{}{} has no type in Arrow", of_field(path), view.dtype())))?;
        let (alone, counts) = match time {
            // As they are counted, where they need no arithmetic.
            Time::Since(_, 1) | Time::Span(_, 1) => {
                (true, ScalarBuffer::<i64>::new(self.values::<i64, A>(view)?, 0, view.len()))
            }
            _ => (false, view.to_vec_as::<i64>()?.into()),
        };
        let has_null = counts.contains(&NAT);
        let nulls = has_null.then(|| bits(&counts, |count| *count != NAT));
        let nulls = nulls.map(NullBuffer::new);
        let convert = Convert { counts: &counts, rows: view.shape()[0], path, dtype: view.dtype() };
        Ok(match time {
            Time::MonthsToDays(months) => {
                let days = convert.all(|count| days_since_1970(count * months, crate::dtype::TimeUnit::Month))?;
                of_times::<Date32Type>(days, nulls)
            }
            Time::Days(days) => of_times::<Date32Type>(convert.all(|count| Some(count * days))?, nulls),
            Time::Months(months) => {
                let months: ScalarBuffer<i32> = convert.all(|count| Some(count * months))?;
                let spans = months.iter().map(|&months| IntervalMonthDayNano::new(months, 0, 0));
                of_times::<IntervalMonthDayNanoType>(spans.collect(), nulls)
            }
            Time::Since(unit, factor) | Time::Span(unit, factor) => {
                let counts = if alone { counts } else { convert.all(|count| Some(count * factor))? };
                match (unit, time) {
                    (TimeUnit::Second, Time::Since(..)) => of_times::<TimestampSecondType>(counts, nulls),
                    (TimeUnit::Millisecond, Time::Since(..)) => of_times::<TimestampMillisecondType>(counts, nulls),
                    (TimeUnit::Microsecond, Time::Since(..)) => of_times::<TimestampMicrosecondType>(counts, nulls),
                    (TimeUnit::Nanosecond, Time::Since(..)) => of_times::<TimestampNanosecondType>(counts, nulls),
                    (TimeUnit::Second, _) => of_times::<DurationSecondType>(counts, nulls),
                    (TimeUnit::Millisecond, _) => of_times::<DurationMillisecondType>(counts, nulls),
                    (TimeUnit::Microsecond, _) => of_times::<DurationMicrosecondType>(counts, nulls),
                    (TimeUnit::Nanosecond, _) => of_times::<DurationNanosecondType>(counts, nulls),
                }
            }
        })
    }
}

/// Packs one bit per item, the first in the lowest bit of a byte. Arrow's own function packs native words, which on
/// big-endian machines puts the first bit last.
fn bits<T>(of: &[T], is_set: impl Fn(&T) -> bool) -> BooleanBuffer {
    let byte = |eight: &[T]| eight.iter().rev().fold(0_u8, |byte, one| byte << 1 | u8::from(is_set(one)));
    let bytes: Vec<u8> = of.chunks(8).map(byte).collect();
    BooleanBuffer::new(Buffer::from_vec(bytes), 0, of.len())
}

fn of_times<T: ArrowPrimitiveType>(counts: ScalarBuffer<T::Native>, nulls: Option<NullBuffer>) -> ArrayRef {
    Arc::new(PrimitiveArray::<T>::new(counts, nulls))
}

/// NumPy's NaT.
const NAT: i64 = i64::MIN;

/// A conversion of times to another unit.
struct Convert<'a> {
    counts: &'a [i64],
    rows: usize,
    path: &'a str,
    dtype: &'a DType,
}

impl Convert<'_> {
    /// Applies a function to each time, with 0 for NaT. Returns an error for the first that does not fit.
    fn all<T>(&self, make: impl Fn(i128) -> Option<i128>) -> Result<ScalarBuffer<T>>
    where
        T: TryFrom<i128> + Default + arrow_buffer::ArrowNativeType,
    {
        let one = |(index, &count): (usize, &i64)| match count {
            NAT => Ok(T::default()),
            count => make(count.into()).and_then(|count| count.try_into().ok()).ok_or_else(|| {
                let (size, row) = (8 * size_of::<T>(), row_of(index, self.counts.len(), self.rows));
                Error::invalid_value(format!(
                    "{}the time {count} of {} in row {row} does not fit Arrow's {size} bits",
                    of_field(self.path),
                    self.dtype
                ))
            }),
        };
        Ok(self.counts.iter().enumerate().map(one).collect::<Result<Vec<T>>>()?.into())
    }
}

/// Returns the row of the element `index`, of `len` elements in `rows` rows.
fn row_of(index: usize, len: usize, rows: usize) -> usize {
    index / (len / rows).max(1)
}

/// Makes a column of byte strings of a fixed length, without their trailing zeros.
fn bytes<A: Reading>(view: &DynView<'_, A>, as_text: bool, path: &str) -> Result<ArrayRef> {
    let (stored, size) = (view.to_bytes(), view.dtype().itemsize());
    let mut packed = Packed::new(path, view.len());
    for (index, element) in stored.chunks_exact(size).enumerate() {
        let len = element.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        let element = &element[..len];
        if as_text {
            if let Err(error) = std::str::from_utf8(element) {
                let row = row_of(index, view.len(), view.shape()[0]);
                return Err(Error::invalid_value(format!(
                    "{}the text in row {row} is not UTF-8 from its byte {} on; without `bytes_as_utf8` it is bytes",
                    of_field(path),
                    error.valid_up_to()
                )));
            }
        }
        packed.bytes.extend_from_slice(element);
        packed.end()?;
    }
    let (offsets, bytes) = packed.finish();
    Ok(match as_text {
        true => Arc::new(StringArray::try_new(offsets, bytes, None).map_err(refused)?),
        false => Arc::new(BinaryArray::try_new(offsets, bytes, None).map_err(refused)?),
    })
}

/// Makes a column of texts of a fixed number of characters, without their trailing zeros.
fn texts<A: Reading>(view: &DynView<'_, A>, order: Endianness, path: &str) -> Result<ArrayRef> {
    let (stored, size) = (view.to_bytes(), view.dtype().itemsize());
    let mut packed = Packed::new(path, view.len());
    for (index, element) in stored.chunks_exact(size).enumerate() {
        let len = element.iter().rposition(|&byte| byte != 0).map_or(0, |last| last / 4 + 1);
        for (position, character) in element.chunks_exact(4).take(len).enumerate() {
            let bytes = character.try_into().expect("four bytes");
            let code = match order {
                Endianness::Little => u32::from_le_bytes(bytes),
                Endianness::Big => u32::from_be_bytes(bytes),
            };
            let character = char::from_u32(code).ok_or_else(|| {
                let row = row_of(index, view.len(), view.shape()[0]);
                let field = of_field(path);
                Error::invalid_value(format!(
                    "{field}the character {position} in row {row} is {code:#x}, which is not in Unicode"
                ))
            })?;
            packed.bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
        packed.end()?;
    }
    let (offsets, bytes) = packed.finish();
    Ok(Arc::new(StringArray::try_new(offsets, bytes, None).map_err(refused)?))
}

/// Texts one after another, with their offsets.
struct Packed<'a> {
    path: &'a str,
    bytes: Vec<u8>,
    offsets: Vec<i32>,
}

impl<'a> Packed<'a> {
    fn new(path: &'a str, len: usize) -> Self {
        let mut offsets = Vec::with_capacity(len + 1);
        offsets.push(0);
        Self { path, bytes: Vec::new(), offsets }
    }

    /// Ends a text.
    fn end(&mut self) -> Result<()> {
        let end = i32::try_from(self.bytes.len()).map_err(|_| {
            let text = format!("{}more than 2 GiB of text; make batches of fewer rows", of_field(self.path));
            Error::overflow("the batch", text)
        })?;
        self.offsets.push(end);
        Ok(())
    }

    fn finish(self) -> (OffsetBuffer<i32>, Buffer) {
        (OffsetBuffer::new(self.offsets.into()), self.bytes.into())
    }
}

/// Returns the dtype of the bits of 16-bit floats.
fn bits_of_halves(order: Endianness) -> &'static DType {
    static BITS: LazyLock<[DType; 2]> = LazyLock::new(|| {
        [Endianness::Little, Endianness::Big]
            .map(|order| DType::scalar(Kind::UInt { size: 2, order }).expect("NumPy has it"))
    });
    &BITS[usize::from(order == Endianness::Big)]
}
