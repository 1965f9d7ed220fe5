//! Cutting an array up by value: parts that own their share of the map and need no lifetime, for threads.

use super::MmapArray;
use crate::error::{ArrayError, Error, Reason};
use crate::shape::Order;
use crate::view::resolve;
use std::marker::PhantomData;
use std::ops::{Range, RangeBounds};
use std::ptr::NonNull;

impl<T, A> MmapArray<T, A> {
    /// The part of the array that is a range of its slowest axis, over the same map.
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

    /// A range of the first axis.
    #[track_caller]
    fn row_range(&self, rows: &impl RangeBounds<usize>) -> Range<usize> {
        let Some(&len) = self.dims.first() else { panic!("a 0-d array has no rows") };
        match resolve(rows, len) {
            Ok(rows) => rows,
            Err(error) => panic!("{error} along axis 0"),
        }
    }

    /// Checks that rows lie one after another.
    fn check_rows(self) -> Result<Self, ArrayError<Self>> {
        if self.order == Order::C || self.dims.len() < 2 {
            return Ok(self);
        }
        let text = "rows of an array in Fortran order do not lie one after another; cut a view of it with `rows(…)`, or the \
                    array along its last axis with `into_parts`";
        let error = Reason::NotContiguous(text.into()).error().in_file(self.path());
        Err(ArrayError::new(error, self))
    }

    /// Returns rows of the array as an array of their own, and drops the others. Of an array that is read-only, and can
    /// be cloned, `array.clone().into_rows(a..b)` leaves the array as it is.
    ///
    /// # Panics
    ///
    /// If the range is outside the array, or the array has no axes.
    ///
    /// # Errors
    ///
    /// [`NotContiguous`](crate::ErrorKind::NotContiguous) for several axes in Fortran order. The array comes back with it.
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

    /// Returns the rows before `row` and those from it on, as two arrays that do not overlap.
    ///
    /// # Panics
    ///
    /// If `row` is above the number of rows, or the array has no axes.
    ///
    /// # Errors
    ///
    /// As for [`into_rows`](Self::into_rows).
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

    /// Cuts the array along its slowest axis (the first in C order, the last in Fortran order) into `count` parts that
    /// do not overlap: `np.array_split`. Their lengths are as equal as can be, the longer ones first. A part flushes
    /// its own range; the map goes with the last of them.
    ///
    /// # Panics
    ///
    /// If `count` is 0.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`](crate::ErrorKind::OutOfRange) if `count` is above 1 for an array without axes, which cannot be cut;
    /// [`Overflow`](crate::ErrorKind::Overflow) where there is no memory for so many. The array comes back with the error.
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
