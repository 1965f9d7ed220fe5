//! Conversion of arrays to and from columns of [Apache Arrow](https://arrow.apache.org/docs/format/Columnar.html).
//!
//! The rows of an array, along its first axis, become a [`RecordBatch`]. For records, each field is a column; any other
//! elements are one column, named `value`. Further axes, and those of subarrays, become lists of a fixed size.
//!
//! | dtype | Arrow type | |
//! | --- | --- | --- |
//! | `?` | `Boolean` | |
//! | `i1` to `i8`, `u1` to `u8` | `Int8` to `UInt64` | |
//! | `f2`, `f4`, `f8` | `Float16`, `Float32`, `Float64` | |
//! | `f12`, `f16` | `Float64` | rounded |
//! | `c8`, `c16` and longer | `Struct` of `re` and `im` | a list of two [on request](ArrowOptions::complex_as_list) |
//! | `S` | `Binary` | without trailing zeros; `Utf8` [on request](ArrowOptions::bytes_as_utf8) |
//! | `U` | `Utf8` | without trailing zeros |
//! | `V` | `FixedSizeBinary` | also `bfloat16` and floats of 8 bits |
//! | `M8[Y]`, `M8[M]`, `M8[W]`, `M8[D]` | `Date32` | the first day; NaT is null, as for all times |
//! | `M8[h]`, `M8[m]`, `M8[s]` | `Timestamp` of seconds | |
//! | `M8[ms]`, `M8[us]`, `M8[ns]` | `Timestamp` of the same unit | |
//! | `m8[Y]`, `m8[M]` | `Interval` of months | `MonthDayNano`, which most engines support |
//! | `m8[W]` to `m8[s]` | `Duration` of seconds | |
//! | `m8[ms]`, `m8[us]`, `m8[ns]` | `Duration` of the same unit | |
//! | subarrays, further axes | `FixedSizeList` | nested |
//! | records | `Struct` | without padding; titles become metadata |
//!
//! Times of smaller units or without a unit, and elements of zero bytes, have no Arrow type, and neither have lists
//! longer than `i32::MAX`: these are errors before anything is read. A time that the Arrow type cannot represent and
//! invalid text are errors that name the field and the row. More than 2 GiB of text in one batch is an error that names
//! the field.
//!
//! **What is copied.** Elements of a read-only [`DynArray`] or [`MmapArray`] are not copied if they are numbers, void,
//! or times that Arrow counts in the same unit, in native byte order, contiguous, and aligned for their type: the
//! column keeps the memory map. Truth values, text, fields of records, converted numbers and times, and elements that
//! others may change are copied.
//!
//! **Versions.** Versions 59 and 60 of the Arrow crates are supported. Cargo selects the newest, even if another
//! dependency, such as DataFusion, requires an older one, whose batches are then a different type:
//! `cargo update -p arrow-array@60.1.0 --precise 59.3.2` selects one version for both. On big-endian machines the
//! columns conform to the Arrow format, but the text views, IPC and Parquet of the Arrow crates do not; on 32-bit x86,
//! other implementations reject what their IPC writes.

mod columns;
mod types;
mod write;

use crate::access::{Aliasing, CopyOnWrite, Mode, ReadOnly, ReadWrite, Reading, Shared};
use crate::array::MmapArray;
use crate::dtype::DType;
use crate::dynamic::{DynArray, DynView, SharedDynArray};
use crate::element::Element;
use crate::error::{Error, Result};
use crate::view::resolve;
use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::SchemaRef;
use bytes::Bytes;
use columns::Columns;
use std::ops::{Range, RangeBounds};
use std::path::Path;
use std::sync::Arc;
pub use types::ArrowOptions;
pub use write::{FromArrow, RecordWriter};

impl ArrowOptions {
    /// Makes a batch of a range of the rows of an array, with these options. See [`ToArrow::to_record_batch`].
    ///
    /// # Errors
    ///
    /// Those of [`ToArrow::to_record_batch`].
    pub fn record_batch(&self, array: &impl ToArrow, rows: impl RangeBounds<usize>) -> Result<RecordBatch> {
        let make = || {
            let len = *array.shape_of().first().ok_or_else(types::no_rows)?;
            array.batch(self, resolve(&rows, len)?)
        };
        make().map_err(|error: Error| error.in_file(array.path_of()))
    }
}

/// Arrays and views whose rows can be converted to Arrow batches: [`DynArray`], [`DynView`] and [`SharedDynArray`]. A
/// read-only [`MmapArray`] has its own [`to_record_batch`](MmapArray::to_record_batch).
///
/// Requires the `arrow` feature. This trait is sealed. [The module](crate::interop::arrow) lists the Arrow type of each
/// dtype.
///
/// ```
/// use arrow_array::{Array, cast::AsArray, types::Float64Type};
/// use mmap_array::{interop::ToArrow, npy};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("prices.npy");
/// npy::save(&path, &[1.5, 2.5, 4.0])?;
/// // SAFETY: nobody else writes or truncates the file.
/// let prices = unsafe { npy::dyn_options().open(&path)? };
/// let batch = prices.to_record_batch(1..)?;
/// assert_eq!(batch.column(0).as_primitive::<Float64Type>().values()[..], [2.5, 4.0]);
/// drop(prices); // The batch keeps the memory map; no element has been copied.
/// assert_eq!((batch.num_rows(), batch.schema().field(0).name().as_str()), (2, "value"));
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait ToArrow: sealed::Source {
    /// Returns the schema of the rows.
    ///
    /// # Errors
    ///
    /// Those of [`ArrowOptions::schema`].
    fn arrow_schema(&self) -> Result<SchemaRef> {
        let schema = ArrowOptions::new().schema(self.dtype_of(), self.shape_of());
        schema.map(Arc::new).map_err(|error| error.in_file(self.path_of()))
    }

    /// Makes a batch of a range of the rows.
    ///
    /// # Errors
    ///
    /// Those of [`arrow_schema`](Self::arrow_schema); [`OutOfRange`](crate::ErrorKind::OutOfRange) if the range is
    /// outside the array; [`InvalidValue`](crate::ErrorKind::InvalidValue) if the Arrow type cannot represent an
    /// element, with the field's name and the row, counted from the start of the range;
    /// [`Overflow`](crate::ErrorKind::Overflow) if a column has more than 2 GiB of text; for a shared array also
    /// [`Truncated`](crate::ErrorKind::Truncated).
    fn to_record_batch(&self, rows: impl RangeBounds<usize>) -> Result<RecordBatch>
    where
        Self: Sized,
    {
        ArrowOptions::new().record_batch(self, rows)
    }
}

impl<S: sealed::Source> ToArrow for S {}

mod sealed {
    use super::{ArrowOptions, DType, RecordBatch, Result};
    use std::ops::Range;
    use std::path::Path;

    pub trait Source {
        fn dtype_of(&self) -> &DType;

        fn shape_of(&self) -> &[usize];

        fn path_of(&self) -> Option<&Path>;

        /// Makes a batch of rows that exist.
        fn batch(&self, options: &ArrowOptions, rows: Range<usize>) -> Result<RecordBatch>;
    }
}

/// Makes a batch of all rows of a view. Elements that lie in `kept` need not be copied.
fn batch<A: Reading>(options: &ArrowOptions, view: &DynView<'_, A>, kept: Option<&Bytes>) -> Result<RecordBatch> {
    let schema = options.schema(view.dtype(), view.shape())?;
    let rows = view.shape()[0];
    let columns = Columns { options, kept }.of_rows(view)?;
    let counted = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::new(schema), columns, &counted).map_err(types::refused)
}

/// The bytes of a read-only array, which live as long as any column of them.
struct Kept(DynArray);

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes().unwrap_or(&[])
    }
}

macro_rules! source {
    ($(($($generics:tt)*) $source:ty, $path:expr, |$this:ident, $options:ident, $rows:ident| $batch:expr;)*) => {$(
        impl<$($generics)*> sealed::Source for $source {
            fn dtype_of(&self) -> &DType {
                self.dtype()
            }

            fn shape_of(&self) -> &[usize] {
                self.shape()
            }

            fn path_of(&self) -> Option<&Path> {
                let path: fn(&Self) -> Option<&Path> = $path;
                path(self)
            }

            fn batch(&self, $options: &ArrowOptions, $rows: Range<usize>) -> Result<RecordBatch> {
                let $this = self;
                $batch
            }
        }
    )*};
}
source! {
    (A: Reading) DynView<'_, A>, |_| None, |view, options, rows| batch(options, &view.rows(rows), None);
    () DynArray<ReadWrite>, Self::path, |array, options, rows| batch(options, &array.view().rows(rows), None);
    () DynArray<CopyOnWrite>, Self::path, |array, options, rows| batch(options, &array.view().rows(rows), None);
    () DynArray<ReadOnly>, Self::path, |array, options, rows| {
        let kept = Bytes::from_owner(Kept(array.clone()));
        batch(options, &array.view().rows(rows), Some(&kept))
    };
    (A: Aliasing + Mode<Reading = Shared>) SharedDynArray<A>, Self::path, |array, options, rows| {
        array.try_read(|view| batch(options, &view.rows(rows), None))
    };
}

impl<T: Element> MmapArray<T, ReadOnly> {
    /// Makes a batch of a range of the rows, which keeps the memory map. See [`ToArrow::to_record_batch`].
    ///
    /// Requires the `arrow` feature.
    ///
    /// # Errors
    ///
    /// Those of [`ToArrow::to_record_batch`].
    ///
    /// ```
    /// use arrow_array::{cast::AsArray, types::Int32Type};
    /// let counts = mmap_array::MmapArrayMut::<i32>::anonymous([2, 3])?.freeze();
    /// let batch = counts.to_record_batch(..)?;
    /// let rows = batch.column(0).as_fixed_size_list();
    /// assert_eq!((rows.len(), rows.value_length()), (2, 3));
    /// assert_eq!(rows.values().as_primitive::<Int32Type>().values()[..], [0; 6]);
    /// # use arrow_array::Array;
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn to_record_batch(&self, rows: impl RangeBounds<usize>) -> Result<RecordBatch> {
        self.clone().into_dyn().map_err(Error::from)?.to_record_batch(rows)
    }
}
