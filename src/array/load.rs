//! Copying the elements of a window out of a file or a stream into memory.

use super::elements::{Layout, sealed::Described};
use super::source::{Bytes, FileBytes};
use crate::error::{Error, ErrorKind, Reason, Result};
use crate::region::{Advice, At, Portion, Region};
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
        let (what, offset) = (format!("{} elements of `{}`", layout.dims, elements.name(layout)), layout.offset);
        let error = Reason::PastEnd { what, offset, needed, file_len, hint: "" }.error();
        error.at_bytes(offset..offset.saturating_add(needed))
    };
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
