//! The header of a file whose array grows or shrinks.
//!
//! While elements are added or removed, a tab replaces the header's last space; NumPy and other readers ignore both.
//! The tab is on the disk before anything else changes, and is removed at the end. So the next program that changes the
//! array's length can tell what a killed program has left behind the array from other data.

use super::header::Header;
use crate::error::{Error, Result};
use crate::region::{At, Patch};
use std::fs::File;
use std::io::Read;

/// Returns the change to a file's header if its array, which must end at byte `end`, is to end at byte `new_end`. The
/// bytes between must be whole steps along its slowest axis, because the array that grows or shrinks may have another
/// element type or other axes than the file's.
pub(super) fn resized_front(file: &File, end: u64, new_end: u64) -> Result<Patch> {
    let verb = if new_end < end { "shrink" } else { "grow" };
    let header = Header::of_file(file, usize::MAX)?;
    let file_end = header.data_offset() + header.nbytes();
    if file_end != end {
        return Err(Error::unsupported(format!(
            "cannot {verb}: this is a window that ends at byte {end}, and the file's array, of shape {:?}, ends at byte \
             {file_end}; open the whole array to {verb} it",
            header.shape()
        )));
    }
    let bytes = end.abs_diff(new_end);
    let rows = header.rows_in(bytes);
    let rows = rows.ok_or_else(|| {
        Error::unsupported(format!(
            "cannot {verb}: {bytes} bytes from byte {} on are not whole steps along the slowest axis of the file's \
             array, of shape {:?} and {} bytes from byte {} on; open the whole array as the file's own type to {verb} \
             it",
            end.min(new_end),
            header.shape(),
            header.nbytes(),
            header.data_offset()
        ))
    })?;
    let old = front(file, &header)?;
    let patch = if new_end < end { shrunk(&old, &header, rows)? } else { grown(&old, &header, rows)? };
    patch.ok_or_else(|| {
        Error::unsupported(format!(
            "cannot {verb}: the header of {} bytes has no space for the new length as NumPy writes it; `npy::append` \
             rewrites such a file",
            header.data_offset()
        ))
    })
}

/// Returns the length of the slowest axis with `rows` more rows.
pub(super) fn grown_len(header: &Header, axis: usize, rows: usize) -> Result<usize> {
    let len = header.shape().get(axis).and_then(|len| len.checked_add(rows));
    len.ok_or_else(|| Error::overflow("the array", format!("the shape {:?} with {rows} more rows", header.shape())))
}

/// Reads the bytes of a file's header.
pub(super) fn front(file: &File, header: &Header) -> Result<Vec<u8>> {
    // It was read a moment ago, and is no longer than was allowed then.
    let mut front = vec![0; header.data_offset() as usize];
    let read = At { file, position: 0 }.read_exact(&mut front);
    read.map_err(|source| Error::io("read the header", source)).map(|()| front)
}

/// Returns the change to a header if `rows` rows are added; `None` if it has no space for their number.
pub(super) fn grown(old: &[u8], header: &Header, rows: usize) -> Result<Option<Patch>> {
    let axis = header.order().slowest_axis(header.shape().len());
    let axis = axis.ok_or_else(|| Error::out_of_range("a 0-d array has no axis along which to add rows"))?;
    let new = header.regrown(axis, grown_len(header, axis, rows)?)?;
    Ok(new.map(|new| Patch::of(old, &new)))
}

/// Returns the change to a header if the last `rows` rows are removed; `None` if it has no space for their number.
fn shrunk(old: &[u8], header: &Header, rows: usize) -> Result<Option<Patch>> {
    let len = |axis: usize| header.shape()[axis].checked_sub(rows);
    let axis = header.order().slowest_axis(header.shape().len());
    let Some((axis, len)) = axis.and_then(|axis| len(axis).map(|len| (axis, len))) else {
        let text = format!("cannot remove {rows} rows from an array of shape {:?}", header.shape());
        return Err(Error::out_of_range(text));
    };
    Ok(header.regrown(axis, len)?.map(|new| Patch::of(old, &new)))
}
