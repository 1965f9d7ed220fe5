//! Cutting an array up by value: parts that own their share of the map and need no lifetime, for threads.
//!
//! These take the array by value, and where they fail it is dropped: nothing of a file is lost by that, but what lives in
//! memory alone (anonymous, scratch, copy on write) is. A check of the shape beforehand keeps them from failing.

use super::MmapArray;
use crate::error::{Error, Reason, Result};
use crate::shape::Order;
use crate::view::row_range;
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

    /// The first axis and a range of it, where rows lie one after another.
    fn contiguous_rows(&self, rows: &impl RangeBounds<usize>) -> Result<Range<usize>> {
        let check = || {
            let Some(&len) = self.dims.first() else {
                return Err(Error::out_of_range("a 0-d array has no rows"));
            };
            if self.order == Order::F && self.dims.len() > 1 {
                let text = "rows of an array in Fortran order do not lie one after another; cut a view of it with \
                            `view().rows(…)`, or the array along its last axis with `into_parts`";
                return Err(Reason::NotContiguous(text.into()).error());
            }
            row_range(rows, len)
        };
        check().map_err(|error| error.in_file(self.path()))
    }

    /// Rows of the array as an array of their own, by value; the others are dropped. Of an array that is read-only, and
    /// can be cloned, `array.clone().into_rows(a..b)` leaves the array as it is.
    ///
    /// # Errors
    ///
    /// The array is dropped then, and with it what lives in memory alone.
    ///
    /// [`OutOfRange`](crate::ErrorKind::OutOfRange) for rows that are not there,
    /// [`NotContiguous`](crate::ErrorKind::NotContiguous) for several axes in Fortran order.
    ///
    /// ```
    /// let mut table = mmap_array::MmapArrayMut::<i32>::anonymous([10, 3])?;
    /// table[[4, 2]] = 1;
    /// let part = table.into_rows(4..6)?;
    /// assert_eq!(*part, [0, 0, 1, 0, 0, 0]);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn into_rows(self, rows: impl RangeBounds<usize>) -> Result<Self> {
        let rows = self.contiguous_rows(&rows)?;
        Ok(self.part(0, rows))
    }

    /// The rows before `row` and those from it on, as two arrays that do not overlap.
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
    pub fn into_split_at(self, row: usize) -> Result<(Self, Self)> {
        let before = self.contiguous_rows(&..row)?;
        let from = before.end..self.dims[0];
        // Disjoint ranges of one array's elements: each element has one owner after, as before.
        Ok((self.part(0, before), self.part(0, from)))
    }

    /// Cuts the array along its slowest axis (the first in C order, the last in Fortran order) into `count` parts that
    /// do not overlap. Their lengths are those of NumPy's `array_split`: as equal as can be, the longer ones first. A
    /// part flushes its own range; the map goes with the last of them.
    ///
    /// # Errors
    ///
    /// The array is dropped then. [`OutOfRange`](crate::ErrorKind::OutOfRange) if `count` is 0, or above 1 for a 0-d array, which has no axis to cut.
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
    pub fn into_parts(self, count: usize) -> Result<Vec<Self>> {
        let axis = self.order.slowest_axis(self.dims.len());
        match (count, axis) {
            (1, None) => Ok(vec![self]),
            (1.., Some(axis)) => {
                let (short, longer) = (self.dims[axis] / count, self.dims[axis] % count);
                let start = |part: usize| part * short + part.min(longer);
                let mut parts = Vec::new();
                let no_memory = |_| Error::overflow("the number of parts", count.to_string()).in_file(self.path());
                parts.try_reserve_exact(count).map_err(no_memory)?;
                parts.extend((0..count).map(|part| self.part(axis, start(part)..start(part + 1))));
                Ok(parts)
            }
            _ => {
                let text = format!("an array of {} axes cannot be cut into {count} parts", self.dims.len());
                Err(Error::out_of_range(text).in_file(self.path()))
            }
        }
    }
}
