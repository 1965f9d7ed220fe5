//! Splitting an array by value into parts that share the mapping and need no lifetime, for threads.

use super::MmapArray;
use crate::error::{ArrayError, Error, Reason};
use crate::shape::Order;
use crate::view::resolve;
use std::marker::PhantomData;
use std::ops::{Range, RangeBounds};
use std::ptr::NonNull;

impl<T, A> MmapArray<T, A> {
    /// Returns a range of the array along its slowest axis, over the same mapping.
    fn part(&self, axis: usize, range: Range<usize>) -> Self {
        let dims = self.dims.with(axis, range.len());
        // Elements in one step of the slowest axis; where there are none at all, no part has any.
        let step = self.len.checked_div(self.dims[axis]).unwrap_or(0);
        let elements = range.start * step..range.end * step;
        let region = self.region.part(elements.start * size_of::<T>()..elements.end * size_of::<T>());
        let ptr = match elements.len() {
            0 => NonNull::dangling(),
            // SAFETY: the part's elements are some of the array's, so their first lies in the same map.
            _ => unsafe { self.ptr.add(elements.start) },
        };
        Self { region, ptr, len: elements.len(), dims, order: self.order, marker: PhantomData }
    }

    /// Returns a range of the first axis.
    #[track_caller]
    fn row_range(&self, rows: &impl RangeBounds<usize>) -> Range<usize> {
        let Some(&len) = self.dims.first() else { panic!("a 0-d array has no rows") };
        match resolve(rows, len) {
            Ok(rows) => rows,
            Err(error) => panic!("{error} along axis 0"),
        }
    }

    /// Checks that the rows are contiguous.
    fn check_rows(self) -> Result<Self, ArrayError<Self>> {
        if self.order == Order::C || self.dims.len() < 2 {
            return Ok(self);
        }
        let text = "rows of an array in Fortran order are not contiguous; use a view of them (`rows(…)`), or split the \
                    array along its last axis with `into_parts`";
        let error = Reason::NotContiguous(text.into()).error().in_file(self.path());
        Err(ArrayError::new(error, self))
    }

    /// Returns a range of the array's rows as an array of its own, and drops the others.
    ///
    /// Read-only arrays can be cloned: `array.clone().into_rows(a..b)` keeps the original array.
    ///
    /// # Panics
    ///
    /// Panics if the range is outside the array, or if the array is 0-d.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`NotContiguous`](crate::ErrorKind::NotContiguous) if the array has several axes and is
    /// in Fortran order. The error contains the array.
    ///
    /// ```
    /// let mut table = mmap_array::MmapArrayMut::<i32>::anonymous([10, 3])?;
    /// table[[4, 2]] = 1;
    /// let part = table.into_rows(4..6)?;
    /// assert_eq!(*part, [0, 0, 1, 0, 0, 0]);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[track_caller]
    pub fn into_rows(self, rows: impl RangeBounds<usize>) -> Result<Self, ArrayError<Self>> {
        let rows = self.row_range(&rows);
        Ok(self.check_rows()?.part(0, rows))
    }

    /// Splits the array into two arrays that do not overlap: the rows before `row`, and the rows from `row` on.
    ///
    /// # Panics
    ///
    /// Panics if `row` is greater than the number of rows, or if the array is 0-d.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`into_rows`](Self::into_rows).
    ///
    /// ```
    /// let table = mmap_array::MmapArrayMut::<u64>::scratch(1000)?;
    /// let (mut low, mut high) = table.into_split_at(300)?;
    /// let worker = std::thread::spawn(move || { high.fill(2); high });
    /// low.fill(1);
    /// assert_eq!(worker.join().unwrap().len(), 700);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[track_caller]
    pub fn into_split_at(self, row: usize) -> Result<(Self, Self), ArrayError<Self>> {
        let before = self.row_range(&..row);
        let whole = self.check_rows()?;
        let from = before.end..whole.dims[0];
        // Disjoint ranges of one array's elements: each element has one owner after, as before.
        Ok((whole.part(0, before), whole.part(0, from)))
    }

    /// Splits the array into `count` parts that do not overlap: `np.array_split`.
    ///
    /// The array is split along its slowest axis: the first in C order, the last in Fortran order. The lengths of the
    /// parts are as equal as possible, the longer ones first. Flushing a part writes only its own range. The file is
    /// unmapped when the last part is dropped.
    ///
    /// # Panics
    ///
    /// Panics if `count` is 0.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`OutOfRange`](crate::ErrorKind::OutOfRange) if the array is 0-d and `count` is greater
    /// than 1, or [`Overflow`](crate::ErrorKind::Overflow) if the allocation for the parts fails. The error contains
    /// the array.
    ///
    /// ```
    /// let table = mmap_array::MmapArrayMut::<f32>::scratch([10, 1000])?;
    /// let workers: Vec<_> = (table.into_parts(4)?.into_iter().enumerate())
    ///     .map(|(k, mut part)| std::thread::spawn(move || {
    ///         part.fill(k as f32);
    ///         part.flush().map(|()| part.shape()[0])
    ///     }))
    ///     .collect();
    /// let rows: Result<Vec<_>, _> = workers.into_iter().map(|worker| worker.join().unwrap()).collect();
    /// assert_eq!(rows?, [3, 3, 2, 2]);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[track_caller]
    pub fn into_parts(self, count: usize) -> Result<Vec<Self>, ArrayError<Self>> {
        assert!(count > 0, "an array cannot be cut into 0 parts");
        let Some(axis) = self.order.slowest_axis(self.dims.len()) else {
            if count == 1 {
                return Ok(vec![self]);
            }
            let error = Error::out_of_range(format!("an array without axes cannot be cut into {count} parts"));
            return Err(ArrayError::new(error.in_file(self.path()), self));
        };
        let (short, longer) = (self.dims[axis] / count, self.dims[axis] % count);
        let start = |part: usize| part * short + part.min(longer);
        let mut parts = Vec::new();
        if parts.try_reserve_exact(count).is_err() {
            let error = Error::overflow("the number of parts", count.to_string()).in_file(self.path());
            return Err(ArrayError::new(error, self));
        }
        parts.extend((0..count).map(|part| self.part(axis, start(part)..start(part + 1))));
        Ok(parts)
    }
}
