//! Elements as the columns of [Apache Arrow](https://arrow.apache.org/docs/format/Columnar.html), for the engines that
//! work on those.
//!
//! The rows of an array, along its first axis, become a [`RecordBatch`]. Of records each field is a column; any other
//! elements are one column, named `value`. Further axes, and those of subarrays, are lists of a fixed size.
//!
//! | dtype | Arrow's | |
//! | --- | --- | --- |
//! | `?` | `Boolean` | |
//! | `i1` to `i8`, `u1` to `u8` | `Int8` to `UInt64` | |
//! | `f2`, `f4`, `f8` | `Float16`, `Float32`, `Float64` | |
//! | `f12`, `f16` | `Float64` | the nearest ones |
//! | `c8`, `c16` and longer | `Struct` of `re` and `im` | a list of two where [asked for](ArrowOptions::complex_as_list) |
//! | `S` | `Binary` | without zeros at the end; `Utf8` where [asked for](ArrowOptions::bytes_as_utf8) |
//! | `U` | `Utf8` | without zeros at the end |
//! | `V` | `FixedSizeBinary` | `bfloat16` and floats of 8 bits too |
//! | `M8[Y]`, `M8[M]`, `M8[W]`, `M8[D]` | `Date32` | the first day; NaT is null, as for all times |
//! | `M8[h]`, `M8[m]`, `M8[s]` | `Timestamp` of seconds | |
//! | `M8[ms]`, `M8[us]`, `M8[ns]` | `Timestamp` of the same unit | |
//! | `m8[Y]`, `m8[M]` | `Interval` of months | `MonthDayNano`, which most engines know |
//! | `m8[W]` to `m8[s]` | `Duration` of seconds | |
//! | `m8[ms]`, `m8[us]`, `m8[ns]` | `Duration` of the same unit | |
//! | subarrays, further axes | `FixedSizeList` | one in the other |
//! | records | `Struct` | without padding; titles are metadata |
//!
//! Times of smaller units or of none, and elements of no bytes, have no type in Arrow, which is an error before anything
//! is read. So is a list longer than `i32` counts. A time that the type does not hold, text that is none, and more text
//! than 2 GiB in one batch are errors that name the field and the row.
//!
//! **What is copied.** The elements of a [`DynArray`] or [`MmapArray`] that is only read are not, where they are numbers,
//! times or void in the machine's byte order that lie one after another, at their type's alignment: the column keeps the
//! map. Truth values, texts, fields of records, and what others may change are copied.
//!
//! **Versions.** Arrow's crates of 59 and of 60 will do. Cargo takes the newest, also where another dependency, such as
//! DataFusion, asks for an older one, whose batches are another type then:
//! `cargo update -p arrow-array@60.1.0 --precise 59.3.2` makes them one. On big-endian machines columns are as Arrow has
//! them, but its crates' text views, IPC and Parquet are not; on 32-bit x86 others refuse what its IPC writes.

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
    /// Makes a batch of a range of the rows of an array: as [`ToArrow::to_record_batch`], by these options.
    ///
    /// # Errors
    ///
    /// As for [`ToArrow::to_record_batch`].
    pub fn record_batch(&self, array: &impl ToArrow, rows: impl RangeBounds<usize>) -> Result<RecordBatch> {
        let make = || {
            let len = *array.shape_of().first().ok_or_else(types::no_rows)?;
            array.batch(self, resolve(&rows, len)?)
        };
        make().map_err(|error: Error| error.in_file(array.path_of()))
    }
}

/// Arrays and views whose rows can be had as Arrow's: [`DynArray`], [`DynView`] and [`SharedDynArray`]. A [`MmapArray`] that
/// is only read has [`to_record_batch`](MmapArray::to_record_batch) of its own.
///
/// With the feature `arrow`. The trait is sealed. Which dtype becomes which type is told in
/// [the module](crate::interop::arrow).
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
/// drop(prices); // The batch keeps the map, of which nothing has been copied.
/// assert_eq!((batch.num_rows(), batch.schema().field(0).name().as_str()), (2, "value"));
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait ToArrow: sealed::Source {
    /// Returns the columns that the rows have.
    ///
    /// # Errors
    ///
    /// As for [`ArrowOptions::schema`].
    fn arrow_schema(&self) -> Result<SchemaRef> {
        let schema = ArrowOptions::new().schema(self.dtype_of(), self.shape_of());
        schema.map(Arc::new).map_err(|error| error.in_file(self.path_of()))
    }

    /// Makes a batch of a range of the rows.
    ///
    /// # Errors
    ///
    /// As for [`arrow_schema`](Self::arrow_schema); [`OutOfRange`](crate::ErrorKind::OutOfRange) for rows that are not
    /// there; [`InvalidValue`](crate::ErrorKind::InvalidValue) for an element that Arrow's type does not hold, with the
    /// field's name and the row, counted from the first of these; of a shared array also
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

        /// A batch of rows that are there.
        fn batch(&self, options: &ArrowOptions, rows: Range<usize>) -> Result<RecordBatch>;
    }
}

/// A batch of all rows of a view, of which the bytes that are kept need not be copied.
fn batch<A: Reading>(options: &ArrowOptions, view: &DynView<'_, A>, kept: Option<&Bytes>) -> Result<RecordBatch> {
    let schema = options.schema(view.dtype(), view.shape())?;
    let rows = view.shape()[0];
    let columns = Columns { options, kept }.of_rows(view)?;
    let counted = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::new(schema), columns, &counted).map_err(types::refused)
}

/// The bytes of an array that is only read, which are kept as long as a column of them is.
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
    /// Makes a batch of a range of the rows: as [`ToArrow::to_record_batch`] of the array without a type, whose map the
    /// batch keeps.
    ///
    /// With the feature `arrow`.
    ///
    /// # Errors
    ///
    /// As for [`ToArrow::to_record_batch`].
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
