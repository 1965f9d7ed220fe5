//! Rows of different lengths: one array that holds the elements of all rows, and one that holds the offsets between
//! them.

use super::ArrayView;
use crate::access::{Aliasing, Load, ReadOnly};
use crate::element::{Element, Endian, Scalar};
use crate::error::{Error, Result};
use byteorder::ByteOrder;
use std::fmt;
use std::ops::Range;

/// Rows of different lengths, which follow each other in one array: row `i` is `data[offsets[i]..offsets[i + 1]]`.
///
/// This is the layout of Arrow's [`List`] and string arrays, of awkward-array's `ListOffsetArray`, of SciPy's CSR
/// matrices (`indptr`) and of most datasets of tokens. `data` is an [`ArrayView`] or a [`DynView`](crate::DynView); its
/// rows are counted along its first axis, and the other axes are kept: of data with the shape `[n, 3]`, each row of the
/// ragged array has the shape `[_, 3]`. `offsets` has one axis, and one offset more than there are rows: see
/// [`Offset`] for their types. A row is a view of the data, so nothing is copied.
///
/// The offsets are read when a row is asked for, each once, and compared with the length of the data. Therefore the
/// views may be those of [`SharedArray`](crate::SharedArray)s, which others change meanwhile: read both in one call of
/// [`shared::try_read`](crate::shared::try_read). If others write offsets meanwhile, a row may have an old and a new
/// one, which are in range or an error; [`shared::try_read`](crate::shared::try_read) does not tell.
///
/// ```
/// use mmap_array::{Error, npy, shared, view::Ragged};
/// # let dir = tempfile::tempdir()?;
/// # let (tokens, offsets) = (dir.path().join("tokens.npy"), dir.path().join("offsets.npy"));
/// npy::save(&tokens, &vec![7_u16, 8, 9, 1, 2])?;
/// npy::save(&offsets, &vec![0_i64, 3, 3, 5])?;
///
/// let tokens = npy::options::<u16>().open_shared(&tokens)?;
/// let offsets = npy::options::<i64>().open_shared(&offsets)?;
/// let rows = shared::try_read((&tokens, &offsets), |(tokens, offsets)| {
///     let documents = Ragged::new(tokens, offsets)?;
///     documents.iter().map(|row| Ok::<_, Error>(row?.to_vec())).collect::<Result<Vec<_>, _>>()
/// })?;
/// assert_eq!(rows, [vec![7, 8, 9], vec![], vec![1, 2]]); // np.split(tokens, offsets[1:-1])
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// If a file has the lengths of the rows instead, the offsets are their cumulative sums, beginning with 0. NumPy:
/// `np.concatenate([[0], np.cumsum(lengths, dtype="i8")])`; without the dtype, unsigned lengths would give floats.
///
/// ```
/// use mmap_array::{ArrayView, view::Ragged};
/// let lengths = [2_u32, 0, 3];
/// let mut offsets = vec![0_u64];
/// for length in lengths {
///     offsets.push(offsets[offsets.len() - 1] + u64::from(length));
/// }
/// let data = ArrayView::from_slice(b"abcde", 5)?;
/// let rows = Ragged::new(data, ArrayView::from_slice(&offsets, offsets.len())?)?;
/// assert_eq!(rows.row(2)?.to_vec(), b"cde");
/// # Ok::<(), mmap_array::Error>(())
/// ```
///
/// [`List`]: https://arrow.apache.org/docs/format/Columnar.html#variable-size-list-layout
pub struct Ragged<'a, V, O, A = ReadOnly> {
    data: V,
    offsets: ArrayView<'a, O, A>,
}

/// Views that have rows: [`ArrayView`] and [`DynView`](crate::DynView), if they can be cloned. The trait is sealed.
pub trait Rows: sealed::Rows {}

/// Integers that are offsets of a [`Ragged`]: `i32`, `u32`, `i64` and `u64`, and [`Le`](crate::Le) and
/// [`Be`](crate::Be) of them. The trait is sealed.
pub trait Offset: Element + sealed::Offset {}

pub(crate) mod sealed {
    use std::ops::Range;

    pub trait Rows: Sized {
        /// Returns the length of the first axis, or `None` if the view is 0-d.
        fn len(&self) -> Option<usize>;

        /// Returns the elements in a range of the first axis, which must be within it.
        fn rows(&self, rows: Range<usize>) -> Self;
    }

    pub trait Offset: Copy {
        fn value(self) -> i128;
    }
}

impl<T, A: Aliasing + Load<T>> Rows for ArrayView<'_, T, A> {}
impl<T, A: Aliasing + Load<T>> sealed::Rows for ArrayView<'_, T, A> {
    #[inline]
    fn len(&self) -> Option<usize> {
        self.shape().first().copied()
    }

    #[inline]
    fn rows(&self, rows: Range<usize>) -> Self {
        self.rows(rows)
    }
}

macro_rules! offsets {
    ($($integer:ty)*) => {$(
        impl Offset for $integer {}
        impl sealed::Offset for $integer {
            #[inline(always)]
            fn value(self) -> i128 {
                self.into()
            }
        }
    )*};
}
offsets!(i32 u32 i64 u64);

impl<T: Offset + Scalar, E: ByteOrder + 'static> Offset for Endian<T, E> {}
impl<T: Offset + Scalar, E: ByteOrder + 'static> sealed::Offset for Endian<T, E> {
    #[inline(always)]
    fn value(self) -> i128 {
        self.get().value()
    }
}

impl<V, O, A> fmt::Debug for Ragged<'_, V, O, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ragged").field("rows", &self.len()).finish_non_exhaustive()
    }
}

impl<V, O, A> Ragged<'_, V, O, A> {
    /// Returns the number of rows: one less than there are offsets, or 0 if there are none.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Returns `true` if there are no rows.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<'a, V: Rows, O: Offset, A: Load<O>> Ragged<'a, V, O, A> {
    /// Creates the rows of `data` between `offsets`. The offsets are not read.
    ///
    /// The first offset need not be 0, and the last need not be the length of the data: of Arrow's arrays, a slice has
    /// others. No offsets are no rows, as in Arrow.
    ///
    /// # Errors
    ///
    /// [`Shape`](crate::ErrorKind::Shape) if the data are 0-d, or if the offsets do not have one axis.
    ///
    /// ```
    /// use mmap_array::{ArrayView, Be, view::Ragged};
    /// let points = ArrayView::from_slice(&[0.0, 0.5, 1.0, 1.5, 2.0, 2.5], [3, 2])?;
    /// let offsets = [0, 1, 3].map(Be::<i32>::new);
    /// let lines = Ragged::new(points, ArrayView::from_slice(&offsets, 3)?)?;
    /// assert_eq!(lines.row(1)?.to_string(), "[[1.  1.5]\n [2.  2.5]]");
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn new(data: V, offsets: ArrayView<'a, O, A>) -> Result<Self> {
        if data.len().is_none() {
            return Err(Error::shape("the data of ragged rows need at least one axis, but are 0-d"));
        }
        if offsets.ndim() != 1 {
            let text =
                format!("the offsets of ragged rows must have one axis, but their shape is {:?}", offsets.shape());
            return Err(Error::shape(text));
        }
        Ok(Self { data, offsets })
    }

    /// Returns a row: the elements of the data between two consecutive offsets.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`](crate::ErrorKind::OutOfRange) if there is no such row, if its offsets decrease, or if they are
    /// outside the data. The error states the row, its offsets and the length of the data.
    ///
    /// ```
    /// use mmap_array::{ArrayView, view::Ragged};
    /// let data = ArrayView::from_slice(&[1_i32, 2, 3], 3)?;
    /// let rows = Ragged::new(data, ArrayView::from_slice(&[0_u32, 2, 5], 3)?)?;
    /// assert_eq!(rows.row(0)?.to_vec(), [1, 2]);
    /// let error = rows.row(1).unwrap_err();
    /// assert!(error.to_string().starts_with("row 1 is 2..5 of the data, which have only 3 rows"));
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[inline]
    pub fn row(&self, row: usize) -> Result<V> {
        let Some((start, end)) = self.offsets_of(row) else {
            return Err(Error::out_of_range(format!("row {row} is outside the {} ragged rows", self.len())));
        };
        match self.range(start, end) {
            Some(range) => Ok(self.data.rows(range)),
            None => Err(self.outside(row, start, end)),
        }
    }

    /// Returns a row, or `None` if [`row`](Self::row) would return an error.
    ///
    /// ```
    /// use mmap_array::{ArrayView, view::Ragged};
    /// let data = ArrayView::from_slice(&[1_i32, 2, 3], 3)?;
    /// let rows = Ragged::new(data, ArrayView::from_slice(&[0_u32, 2, 5], 3)?)?;
    /// assert_eq!(rows.get(0).map(|row| row.sum()), Some(3));
    /// assert!(rows.get(1).is_none() && rows.get(2).is_none());
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[inline]
    #[must_use]
    pub fn get(&self, row: usize) -> Option<V> {
        let (start, end) = self.offsets_of(row)?;
        Some(self.data.rows(self.range(start, end)?))
    }

    /// Returns an iterator over the results of [`row`](Self::row) for each row.
    ///
    /// ```
    /// use mmap_array::{ArrayView, view::Ragged};
    /// let data = ArrayView::from_slice(&[1_i32, 2, 3], 3)?;
    /// let rows = Ragged::new(data, ArrayView::from_slice(&[0_u64, 2, 2, 3], 4)?)?;
    /// let sums = rows.iter().map(|row| Ok(row?.sum())).collect::<mmap_array::Result<Vec<_>>>()?;
    /// assert_eq!(sums, [3, 0, 3]);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Result<V>> + ExactSizeIterator {
        (0..self.len()).map(|row| self.row(row))
    }

    /// Checks all rows, in one pass over the offsets. The data are not read.
    ///
    /// # Errors
    ///
    /// The error of [`row`](Self::row) for the first row that has one.
    ///
    /// ```
    /// use mmap_array::{ArrayView, ErrorKind, view::Ragged};
    /// let data = ArrayView::from_slice(&[1_i32, 2, 3], 3)?;
    /// let lengths = ArrayView::from_slice(&[2_u32, 0, 1], 3)?; // not offsets
    /// let error = Ragged::new(data, lengths)?.check().unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::OutOfRange);
    /// assert!(error.to_string().starts_with("row 0 begins at 2 but ends at 0"));
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn check(&self) -> Result<()> {
        let mut offsets = self.offsets.iter().map(sealed::Offset::value);
        let Some(mut start) = offsets.next() else { return Ok(()) };
        for (row, end) in offsets.enumerate() {
            if self.range(start, end).is_none() {
                return Err(self.outside(row, start, end));
            }
            start = end;
        }
        Ok(())
    }

    /// Returns the offsets of a row, each of which is read once.
    #[inline]
    fn offsets_of(&self, row: usize) -> Option<(i128, i128)> {
        let end = row.checked_add(1).and_then(|next| self.offsets.get(next))?;
        Some((self.offsets.get(row)?.value(), end.value()))
    }

    /// Returns the range between two offsets, if it is one of the data.
    #[inline]
    fn range(&self, start: i128, end: i128) -> Option<Range<usize>> {
        let (start, end) = (usize::try_from(start).ok()?, usize::try_from(end).ok()?);
        (start <= end && end <= self.data.len()?).then_some(start..end)
    }

    #[cold]
    fn outside(&self, row: usize, start: i128, end: i128) -> Error {
        let text = if start > end {
            format!(
                "row {row} begins at {start} but ends at {end}: offsets must not decrease; those of rows with these \
                 lengths are the cumulative sums of the lengths, beginning with 0"
            )
        } else {
            let len = self.data.len().unwrap_or(0);
            format!(
                "row {row} is {start}..{end} of the data, which have only {len} rows: the offsets must count rows of \
                 the data, not bytes, and be those of these data"
            )
        };
        Error::out_of_range(text).damaged()
    }
}
