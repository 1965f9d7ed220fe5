//! The items of an array that are printed, read without the others.
//!
//! NumPy prints only a few items at each end of every axis of a long array. An array with only these items, and one
//! more in place of those that are left out, prints the same.

use super::input::Input;
use super::source::Source;
use super::{Failure, tuple};
use mmap_array::Order;
use std::io::{self, Read};
use std::ops::Range;

/// The largest number of bytes to be printed that are held in memory.
const MOST: usize = 256 << 20;

/// Items of an array, in C order.
pub(crate) struct Corners {
    pub(crate) bytes: Vec<u8>,
    pub(crate) shape: Vec<usize>,
}

impl Corners {
    /// Reads `edge` items at each end of every axis of some rows, in one pass forwards.
    pub(crate) fn read(source: &Source, rows: Option<Range<usize>>, edge: usize) -> Result<Self, Failure> {
        let axes = axes(source, rows, edge);
        if nbytes(source, &axes) > MOST {
            let shape: Vec<usize> = axes.iter().map(Axis::len).collect();
            let text = "are too many to be printed; choose some by --rows, or print them by --jsonl";
            return Err(Failure::new(format!("{}: the {} items {text}", source.name, tuple(&shape))));
        }
        Self::read_from(&mut None, source, &axes)
    }

    /// Reads the items at the ends of every axis of each of several ranges of rows, which are in ascending order.
    /// `edge` returns the number of items at each end for a range. Returns `None` if all of them are too large.
    pub(crate) fn read_each(
        source: &Source,
        ranges: &[Range<usize>],
        edge: impl Fn(&Range<usize>) -> usize,
    ) -> Result<Option<Vec<Self>>, Failure> {
        let each: Vec<Vec<Axis>> = ranges.iter().map(|rows| axes(source, Some(rows.clone()), edge(rows))).collect();
        if each.iter().fold(0, |all: usize, axes| all.saturating_add(nbytes(source, axes))) > MOST {
            return Ok(None);
        }
        let mut input = None;
        let goes_back = source.order == Order::F && source.shape.iter().skip(1).any(|&len| len != 1);
        if let ([first, .., last], false) = (ranges, goes_back) {
            // One input for all of them, since each new one of a compressed array begins anew.
            let row = source.nbytes.checked_div(source.shape[0] as u64).unwrap_or(0);
            input = Some(source.input(first.start as u64 * row..last.end as u64 * row)?);
        }
        let corners = |axes: &Vec<Axis>| {
            if goes_back {
                input = Some(source.input_anywhere()?);
            }
            Self::read_from(&mut input, source, axes)
        };
        each.iter().map(corners).collect::<Result<_, _>>().map(Some)
    }

    /// Reads the items at the ends of axes from `input`, or from a new input if it is `None`.
    fn read_from<'a>(input: &mut Option<Input<'a>>, source: &'a Source, axes: &[Axis]) -> Result<Self, Failure> {
        let shape: Vec<usize> = axes.iter().map(Axis::len).collect();
        let (size, len) = (source.dtype.itemsize(), nbytes(source, axes));
        if len == 0 {
            return Ok(Self { bytes: Vec::new(), shape });
        }
        let mut bytes = vec![0; len];
        // From the axis on which the items are farthest apart to the one on which they follow one another, each with
        // its steps in the file and here.
        let mut order: Vec<usize> = (0..axes.len()).collect();
        if source.order == Order::F {
            order.reverse();
        }
        let mut steps = vec![(0, 0); axes.len()];
        let mut step = size as u64;
        for &axis in order.iter().rev() {
            steps[axis].0 = step;
            step *= source.shape[axis] as u64;
        }
        let mut step = size;
        for axis in (0..axes.len()).rev() {
            steps[axis].1 = step;
            step *= shape[axis];
        }
        let walked: Vec<(Axis, u64, usize)> =
            order.iter().map(|&axis| (axes[axis].clone(), steps[axis].0, steps[axis].1)).collect();
        let (first, last) = walked.iter().fold((0, size as u64), |(first, last), (axis, step, _)| {
            (first + axis.range.start as u64 * step, last + (axis.range.end as u64 - 1) * step)
        });
        let input = match input {
            Some(input) => input,
            None => input.insert(source.input(first..last)?),
        };
        walk(&walked, 0, 0, size, &mut |from, to, count, step| {
            input.skip_to(from)?;
            let target = &mut bytes[to..];
            match step == size {
                true => input.read_exact(&mut target[..count * size]),
                false => (0..count).try_for_each(|item| input.read_exact(&mut target[item * step..][..size])),
            }
        })?;
        if last == source.nbytes && first == 0 {
            input.finish()?;
        }
        Ok(Self { bytes, shape })
    }
}

/// An axis, with the number of items that are read at each of its ends.
#[derive(Clone)]
struct Axis {
    range: Range<usize>,
    edge: usize,
}

impl Axis {
    fn new(range: Range<usize>, edge: usize) -> Self {
        Self { range, edge }
    }

    fn is_whole(&self) -> bool {
        self.range.len() <= self.edge.saturating_mul(2)
    }

    /// Returns the number of items that are read, plus one for those that are left out, if any.
    fn len(&self) -> usize {
        if self.is_whole() { self.range.len() } else { 2 * self.edge + 1 }
    }

    /// Returns the runs of items that are read: the index of the first in the file and in memory, and the length.
    fn runs(&self) -> Vec<(usize, usize, usize)> {
        match self.is_whole() {
            true => vec![(self.range.start, 0, self.range.len())],
            false => vec![(self.range.start, 0, self.edge), (self.range.end - self.edge, self.edge + 1, self.edge)],
        }
    }
}

/// Returns the axes of some rows, of which `edge` items at each end are taken.
fn axes(source: &Source, rows: Option<Range<usize>>, edge: usize) -> Vec<Axis> {
    let mut axes: Vec<Axis> = source.shape.iter().map(|&len| Axis::new(0..len, edge)).collect();
    if let (Some(axis), Some(rows)) = (axes.first_mut(), rows) {
        *axis = Axis::new(rows, edge);
    }
    axes
}

/// Returns the number of bytes of the items at the ends of axes, at most `usize::MAX`.
fn nbytes(source: &Source, axes: &[Axis]) -> usize {
    // Without items there are no bytes, however many items another axis has.
    if axes.iter().any(|axis| axis.len() == 0) {
        return 0;
    }
    axes.iter().fold(source.dtype.itemsize(), |bytes, axis| bytes.saturating_mul(axis.len()))
}

/// Calls `f` with each run along the last of the axes: its byte in the file and in memory, its number of items, and
/// their step in memory.
fn walk(
    axes: &[(Axis, u64, usize)],
    from: u64,
    to: usize,
    size: usize,
    f: &mut impl FnMut(u64, usize, usize, usize) -> io::Result<()>,
) -> io::Result<()> {
    let Some(((axis, in_file, here), inner)) = axes.split_first() else { return f(from, to, 1, size) };
    for (start, place, count) in axis.runs() {
        let (from, to) = (from + start as u64 * in_file, to + place * here);
        if inner.is_empty() {
            f(from, to, count, *here)?;
        } else {
            (0..count).try_for_each(|item| walk(inner, from + item as u64 * in_file, to + item * here, size, f))?;
        }
    }
    Ok(())
}
