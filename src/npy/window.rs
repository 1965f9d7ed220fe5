//! Windows: selections of an array's elements.
//!
//! Windows are counted in elements and mapped in bytes. This module converts the one to the other, for arrays of either
//! order. No product exceeds the array's size in bytes, which the header's reader has checked.

use crate::error::{Error, Result};
use crate::shape::{Dims, Order, Shape, too_many_axes};
use crate::view::row_range;
use std::ops::{Bound, Range};

/// A selection of the elements.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Window {
    Whole,
    Rows(Bound<usize>, Bound<usize>),
    /// A range in storage order, with the shape that the options set, or along one axis.
    Elements(Bound<u64>, Bound<u64>),
    Segment {
        part: usize,
        count: usize,
        aligned: bool,
    },
}

/// The location of a window's elements.
pub(super) struct Found {
    /// The index of the first element, in storage order.
    pub(super) start: u64,
    pub(super) dims: Dims,
    /// The shape of the array whose rows these are, if they are not contiguous: in Fortran order.
    pub(super) rows_of: Option<Dims>,
}

impl Window {
    /// Returns where the window's elements are in an array of the given shape and order, whose elements have `size`
    /// bytes and begin at byte `data_offset` of the file. `asked` is the shape that was set for a window of elements.
    pub(super) fn find(
        self,
        asked: Option<Result<Shape, usize>>,
        data_offset: u64,
        order: Order,
        shape: &[usize],
        size: usize,
    ) -> Result<Found> {
        let dims = || Dims::new(shape);
        let slowest = order.slowest_axis(shape.len());
        // The elements in each step of an axis that is the slowest.
        let step =
            |axis: usize| shape.iter().enumerate().filter(|&(k, _)| k != axis).map(|(_, &len)| len as u64).product();
        let along = |axis: usize, rows: Range<usize>| -> Result<Found> {
            let step: u64 = if shape.contains(&0) { 0 } else { step(axis) };
            Ok(Found { start: rows.start as u64 * step, dims: dims()?.with(axis, rows.len()), rows_of: None })
        };
        match self {
            Window::Whole => Ok(Found { start: 0, dims: dims()?, rows_of: None }),
            Window::Rows(start, end) => {
                let Some(&len) = shape.first() else { return Err(Error::out_of_range("a 0-d array has no rows")) };
                let rows = row_range(&(start, end), len)?;
                if slowest != Some(0) && rows.len() != len && !shape[1..].iter().all(|&len| len == 1) {
                    let start = if shape.contains(&0) { 0 } else { rows.start as u64 };
                    return Ok(Found { start, dims: dims()?.with(0, rows.len()), rows_of: Some(dims()?) });
                }
                // Where the other axes have one element each, any axis is the slowest.
                along(0, rows)
            }
            Window::Elements(start, end) => {
                let len: u64 = shape.iter().map(|&len| len as u64).product();
                let range = element_range(start, end, len)?;
                let left = range.end - range.start;
                let fits = || {
                    let too_many = |_| Error::overflow("the window", format!("{left} elements"));
                    usize::try_from(left).map_err(too_many)
                };
                let dims = match asked.transpose().map_err(too_many_axes)? {
                    None => Dims::new(&[fits()?])?,
                    Some(asked) => match asked.given().filter(|_| end == Bound::Unbounded) {
                        None => asked.fit(fits()?)?,
                        Some(dims) => {
                            let (count, _) = dims.checked_len(size)?;
                            if count as u64 > left {
                                return Err(Error::out_of_range(format!(
                                    "a window of {dims} elements from element {} on ends behind the {len} elements \
                                     of the array",
                                    range.start
                                )));
                            }
                            dims
                        }
                    },
                };
                Ok(Found { start: range.start, dims, rows_of: None })
            }
            Window::Segment { part, count, aligned } => {
                let Some(axis) = slowest.filter(|_| part < count) else {
                    let text =
                        format!("an array of shape {shape:?} has no part {part} of {count}; parts are counted from 0");
                    return Err(Error::out_of_range(text));
                };
                let start = |part: usize| split(shape[axis], part, count);
                let (from, to) = (start(part), start(part + 1));
                if !aligned {
                    return along(axis, from..to);
                }
                let bytes = if shape.contains(&0) { 0 } else { step(axis) * size as u64 };
                let at_page = |part: usize, row: usize| match part {
                    0 => Some(0),
                    part if part == count => Some(shape[axis]),
                    _ => row_on_page(data_offset, bytes, row, shape[axis]),
                };
                match (at_page(part, from), at_page(part + 1, to)) {
                    (Some(from), Some(to)) => along(axis, from..to),
                    _ => Err(Error::unsupported(format!(
                        "no row begins at a page boundary, because the elements begin at byte {} and each row has \
                         {bytes} bytes; create the file with `align(4096)`",
                        data_offset
                    ))),
                }
            }
        }
    }
}

/// Returns the range of elements between two bounds, in an array of `len` elements.
fn element_range(start: Bound<u64>, end: Bound<u64>, len: u64) -> Result<Range<u64>> {
    let first = match start {
        Bound::Included(start) => start,
        Bound::Excluded(start) => start.saturating_add(1),
        Bound::Unbounded => 0,
    };
    let behind = match end {
        Bound::Included(end) => end.saturating_add(1),
        Bound::Excluded(end) => end,
        Bound::Unbounded => len,
    };
    if first > len {
        let text = format!("the window begins at element {first}, but the array has {len} elements");
        return Err(Error::out_of_range(text));
    }
    if behind < first || behind > len {
        let text = format!("the elements {first}..{behind} are not a range of the {len} elements of the array");
        return Err(Error::out_of_range(text));
    }
    Ok(first..behind)
}

/// Returns the first row of part `part`, if `len` rows are split into `count` parts as equally as possible, with the
/// longer parts first.
pub(super) fn split(len: usize, part: usize, count: usize) -> usize {
    part * (len / count) + part.min(len % count)
}

/// The page size of most machines.
const PAGE: u64 = 4096;

/// Returns the first row from `row` on that begins on a page, or the end; `None` if no row does.
fn row_on_page(data_offset: u64, bytes: u64, row: usize, rows: usize) -> Option<usize> {
    if bytes == 0 {
        return Some(row);
    }
    let begins = |row: usize| (data_offset + (bytes % PAGE) * (row as u64 % PAGE)) % PAGE == 0;
    // Beginnings repeat after as many rows as a page has bytes.
    let found = (row..row.saturating_add(PAGE as usize)).find(|&row| begins(row));
    found.map(|row| row.min(rows))
}
