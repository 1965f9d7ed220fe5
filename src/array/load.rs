//! Copying the elements of a window out of a file or a stream into memory.

use super::elements::{Layout, sealed::Described};
use super::source::{Bytes, FileBytes};
use crate::error::{Error, ErrorKind, Reason, Result};
use crate::region::{Advice, At, Portion, Region};
use crate::shape::Axes;
use std::cmp::Reverse;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::Range;

/// The size of the buffer for reading rows that are not contiguous, unless they take fewer bytes.
const BUFFER: usize = 1 << 18;

/// The size from which on memory is requested in huge pages.
const LARGE: usize = 4 << 20;

/// The most memory to allocate for what a stream only claims to have, before it arrives.
const CLAIMED: usize = 16 << 20;

/// Reads the elements of a layout into newly allocated memory, contiguously.
pub(super) fn read(elements: &impl Described, layout: &Layout, bytes: Bytes<'_>) -> Result<Region> {
    let (_, len) = layout.dims.checked_len(layout.size)?;
    let span = layout.span()?;
    let needed = span as u64;
    let past_end = |file_len: u64| {
        let (what, offset) = (layout.describe(&elements.name(layout)), layout.start());
        let error = Reason::PastEnd { what, offset, needed, file_len, hint: "" }.error();
        error.at_bytes(offset..offset.saturating_add(needed))
    };
    if let Some(axes) = &layout.strides {
        return gather(layout, axes, bytes, len, &past_end);
    }
    if layout.offset.checked_add(needed).is_none_or(|end| end > layout.end) {
        return Err(past_end(layout.end));
    }
    let first = match &bytes {
        Bytes::Stream(stream) if stream.len().is_none() => len.min(CLAIMED),
        _ => len,
    };
    let mut region = memory(first)?;
    let buffer = BUFFER.min(span);
    let rows = Rows { target: &mut region, len, layout };
    match bytes {
        Bytes::File(FileBytes { file, .. }) => {
            let mut at = At { file, position: layout.offset };
            let read = match layout.rows_of {
                None => rows.read(&mut at, |_, _| Ok(())),
                Some(_) => {
                    rows.read(BufReader::with_capacity(buffer, &mut at), |reader, gap| reader.seek_relative(gap))
                }
            };
            read.map_err(|source| match source.kind() {
                // The file has become shorter, and may be longer again.
                io::ErrorKind::UnexpectedEof => {
                    past_end(file.metadata().map_or(at.position, |file| file.len().min(at.position)))
                }
                _ => Error::io("read the elements", source),
            })?;
            // A read that was under way when the file was cut gives zeros for some of what is gone.
            let file_len = file.metadata().map_err(|source| Error::io("read the file's length", source))?.len();
            if file_len < layout.offset + needed {
                return Err(past_end(file_len));
            }
        }
        Bytes::Stream(mut stream) => {
            stream.skip_to(layout.offset)?;
            let read = match layout.rows_of {
                None => rows.read(&mut stream, |_, _| Ok(())),
                // Of what is behind the last row nothing is read here.
                Some(_) => rows.read(BufReader::with_capacity(buffer, (&mut stream).take(needed)), skip),
            };
            read.map_err(|source| match source.kind() {
                io::ErrorKind::UnexpectedEof if stream.len().is_none() => past_end(stream.position()),
                _ => Error::io("read the elements", source),
            })?;
            // What follows the array is the next to be read.
            let end = layout.offset + needed;
            stream.skip_to(end.saturating_add(layout.rest)).map_err(|error| match error.kind() {
                ErrorKind::PastEnd => past_end(stream.position()),
                _ => error,
            })?;
            stream.finish()?;
        }
    }
    Ok(region)
}

/// Reads elements with strides into newly allocated memory, contiguously in C order.
fn gather(
    layout: &Layout,
    axes: &Axes,
    bytes: Bytes<'_>,
    len: usize,
    past_end: &dyn Fn(u64) -> Error,
) -> Result<Region> {
    let (start, span) = (layout.start(), layout.span()?);
    let end = start.checked_add(span as u64).filter(|&end| end <= layout.end);
    let end = end.ok_or_else(|| past_end(layout.end))?;
    let runs = ByteRuns::new(axes, layout.before(), layout.size);
    match bytes {
        Bytes::File(FileBytes { file, .. }) => {
            let mut region = memory(len)?;
            let mut near = Near::new(file, start, span, &runs);
            let read = runs.copy_to(region.memory_mut(), |at, to| near.read(at, to));
            let file_len = file.metadata().map_err(|source| Error::io("read the file's length", source))?.len();
            match read {
                // The file has become shorter, and may be longer again.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(past_end(file_len.min(end - 1))),
                Err(source) => Err(Error::io("read the elements", source)),
                // A read that was under way when the file was cut gives zeros for some of what is gone.
                Ok(()) if file_len < end => Err(past_end(file_len)),
                Ok(()) => Ok(region),
            }
        }
        Bytes::Stream(mut stream) => {
            stream.skip_to(start)?;
            let mut all = Vec::new();
            let read = (&mut stream).take(span as u64).read_to_end(&mut all);
            read.map_err(|source| Error::io("read the elements", source))?;
            if all.len() < span {
                return Err(past_end(stream.position()));
            }
            let mut region = memory(len)?;
            let copied = runs.copy_to(region.memory_mut(), |at, to| {
                to.copy_from_slice(&all[at..at + to.len()]);
                Ok(())
            });
            copied.map_err(|source| Error::io("read the elements", source))?;
            stream.finish()?;
            Ok(region)
        }
    }
}

/// The runs of bytes that hold elements with strides, in the order of the file, and their places in C order.
struct ByteRuns {
    /// The axes along which the runs lie, from the one on which they are farthest apart in the file.
    axes: Vec<Steps>,
    /// The position of the first run in the file, and its place.
    first: (usize, usize),
    /// The length of a run.
    len: usize,
}

/// An axis: its length, and the distance of two runs in the file and of their places.
struct Steps {
    len: usize,
    in_file: isize,
    here: isize,
}

impl ByteRuns {
    /// Returns the runs of bytes that hold elements of `size` bytes along axes, of which the first begins at `first`.
    fn new(axes: &Axes, first: usize, size: usize) -> Self {
        let joined = axes.joined();
        let (mut first, mut here) = ((first, 0_usize), size as isize);
        let mut axes = Vec::with_capacity(joined.ndim());
        for (&len, &in_file) in joined.lens().iter().zip(joined.strides()).rev() {
            let mut steps = Steps { len, in_file, here };
            here *= len as isize;
            if in_file < 0 && len > 0 {
                let last = len as isize - 1;
                first.0 = first.0.wrapping_add_signed(last * in_file);
                first.1 = first.1.wrapping_add_signed(last * steps.here);
                (steps.in_file, steps.here) = (-in_file, -steps.here);
            }
            axes.push(steps);
        }
        axes.sort_by_key(|steps| Reverse(steps.in_file));
        let mut len = size;
        if let Some(last) = axes.last().filter(|last| (last.in_file, last.here) == (size as isize, size as isize)) {
            len *= last.len;
            axes.pop();
        }
        Self { axes, first, len }
    }

    /// Copies the runs to `target`, in the order of the file, by calls of `copy` with the position of a run and its
    /// place.
    fn copy_to(&self, target: &mut [u8], mut copy: impl FnMut(usize, &mut [u8]) -> io::Result<()>) -> io::Result<()> {
        // Elements of no bytes have no runs.
        if target.is_empty() {
            return Ok(());
        }
        let (mut index, (mut at, mut here)) = (vec![0; self.axes.len()], self.first);
        loop {
            copy(at, &mut target[here..here + self.len])?;
            let mut axes = index.iter_mut().zip(&self.axes).rev();
            loop {
                let Some((index, steps)) = axes.next() else { return Ok(()) };
                let count = if *index + 1 < steps.len { 1 } else { -(*index as isize) };
                *index = index.wrapping_add_signed(count);
                at = at.wrapping_add_signed(count * steps.in_file);
                here = here.wrapping_add_signed(count * steps.here);
                if count == 1 {
                    break;
                }
            }
        }
    }

    /// Returns the number of bytes that are read at once: those from a run to the last that is near it.
    fn near(&self) -> usize {
        /// The distance up to which the bytes between two runs are read as well.
        const CLOSE: usize = 1 << 13;
        let mut extent = self.len;
        for steps in self.axes.iter().rev() {
            // None is negative.
            let step = steps.in_file as usize;
            if step > extent.saturating_add(CLOSE) || extent >= BUFFER {
                break;
            }
            extent = extent.saturating_add(step.saturating_mul(steps.len.saturating_sub(1)));
        }
        extent
    }
}

/// A reader of bytes of a file, which keeps those behind the last that were read if others near them are read next.
struct Near<'a> {
    file: &'a File,
    /// The position in the file of the first byte.
    start: u64,
    /// The number of bytes.
    span: usize,
    /// The bytes that are kept, and their position.
    kept: Vec<u8>,
    from: usize,
    /// The number of bytes to read at once, or 0 to keep none.
    most: usize,
}

impl<'a> Near<'a> {
    fn new(file: &'a File, start: u64, span: usize, runs: &ByteRuns) -> Self {
        let near = runs.near();
        let most = if near > runs.len && runs.len < BUFFER { BUFFER.min(span).min(near) } else { 0 };
        Self { file, start, span, kept: Vec::new(), from: 0, most }
    }

    fn read(&mut self, at: usize, to: &mut [u8]) -> io::Result<()> {
        let end = at + to.len();
        if self.most == 0 {
            return At { file: self.file, position: self.start + at as u64 }.read_exact(to);
        }
        if at < self.from || end > self.from + self.kept.len() {
            self.from = at;
            self.kept.resize(self.most.min(self.span - at), 0);
            let read = At { file: self.file, position: self.start + at as u64 }.read_exact(&mut self.kept);
            // Nothing is kept of what could not be read.
            read.inspect_err(|_| self.kept.clear())?;
        }
        to.copy_from_slice(&self.kept[at - self.from..end - self.from]);
        Ok(())
    }
}

/// Allocates zeroed memory that is about to be written.
pub(super) fn memory(len: usize) -> Result<Region> {
    let portion = Portion { offset: 0, len, populate: false, reserve: false, lock: false, strips: None };
    let region = Region::anonymous(&portion)?;
    if len >= LARGE {
        // Not all systems have them, and none need them.
        let _ = region.advise(0..len, Advice::HugePage);
    }
    Ok(region)
}

fn skip(reader: &mut impl Read, gap: i64) -> io::Result<()> {
    io::copy(&mut reader.take(gap.unsigned_abs()), &mut io::sink()).map(drop)
}

/// The destination of the rows of a window.
struct Rows<'a> {
    /// Memory that grows as rows arrive.
    target: &'a mut Region,
    len: usize,
    layout: &'a Layout,
}

impl Rows<'_> {
    /// Reads the rows one after another, and skips the bytes between them.
    fn read<R: Read>(self, mut reader: R, skip: impl Fn(&mut R, i64) -> io::Result<()>) -> io::Result<()> {
        let Self { target, len, layout: Layout { rows_of, dims, size, .. } } = self;
        let (Some(whole), true) = (rows_of, len > 0) else { return read_part(&mut reader, target, 0..len, len) };
        // In Fortran order the rows of each column lie together, and so many bytes between those of two columns. All of
        // them are bytes of a file.
        let (column, gap) = (dims[0] * size, (whole[0] - dims[0]) * size);
        for start in (0..len).step_by(column) {
            if start > 0 {
                skip(&mut reader, gap as i64)?;
            }
            read_part(&mut reader, target, start..start + column, len)?;
        }
        Ok(())
    }
}

/// Reads into a range of memory that will have `len` bytes in the end, and grows it if the range is past its end.
fn read_part(reader: &mut impl Read, target: &mut Region, part: Range<usize>, len: usize) -> io::Result<()> {
    let mut start = part.start;
    while start < part.end {
        if start == target.len() {
            target.grow(len.min(start.saturating_mul(2)), false)?;
        }
        let end = part.end.min(target.len());
        reader.read_exact(&mut target.memory_mut()[start..end])?;
        start = end;
    }
    Ok(())
}
