//! The header of a file whose array becomes longer.
//!
//! While elements are added, a tab stands in the place of the header's last space, which NumPy and others read over. It
//! is on the disk before anything is added, and goes by the same write by which the array becomes longer. So whoever adds
//! elements next can tell what a program that was killed has left behind the array from what others have put there.

use super::header::Header;
use crate::error::{Error, Result};
use crate::region::{At, Patch};
use std::fs::File;
use std::io::Read;

/// What changes in the header of a file when bytes are added to its array, which must end at a byte and take them as
/// whole steps of its slowest axis: the array that grows may have another element type or other axes.
pub(super) fn grown_front(file: &File, end: u64, added: u64) -> Result<Patch> {
    let header = Header::of_file(file, usize::MAX)?;
    let file_end = header.data_offset() + header.nbytes();
    if file_end != end {
        return Err(Error::unsupported(format!(
            "cannot grow: this is a window that ends at byte {end}, and the file's array, of shape {:?}, ends at byte \
             {file_end}; open the whole array to grow it",
            header.shape()
        )));
    }
    let rows = header.rows_in(added);
    let rows = rows.ok_or_else(|| {
        Error::unsupported(format!(
            "cannot grow: {added} bytes behind byte {end} are no whole steps of the slowest axis of the file's array, of \
             shape {:?} and {} bytes from byte {} on; grow an array that was opened whole, as the file's own type",
            header.shape(),
            header.nbytes(),
            header.data_offset()
        ))
    })?;
    grown(front(file, &header)?, &header, rows)?.ok_or_else(|| {
        Error::unsupported(format!(
            "cannot grow: the header of {} bytes has no room for the length of {rows} rows more; `npy::append` writes such a \
             file anew",
            header.data_offset()
        ))
    })
}

/// The length of the slowest axis with so many rows more.
pub(super) fn grown_len(header: &Header, axis: usize, rows: usize) -> Result<usize> {
    let len = header.shape().get(axis).and_then(|len| len.checked_add(rows));
    len.ok_or_else(|| Error::overflow("the array", format!("{:?} with {rows} rows more", header.shape())))
}

/// The header of a file, byte for byte.
pub(super) fn front(file: &File, header: &Header) -> Result<Vec<u8>> {
    // It was read a moment ago, and is no longer than was allowed then.
    let mut front = vec![0; header.data_offset() as usize];
    let read = At { file, position: 0 }.read_exact(&mut front);
    read.map_err(|source| Error::io("read the header", source)).map(|()| front)
}

/// Whether somebody was killed while elements were added, or adds them now.
pub(super) fn is_adding(front: &[u8]) -> bool {
    front.ends_with(&[Patch::ADDING, b'\n'])
}

/// What changes in a header when so many rows are added; `None` where it has no room for their number.
pub(super) fn grown(mut old: Vec<u8>, header: &Header, rows: usize) -> Result<Option<Patch>> {
    let axis = header.order().slowest_axis(header.shape().len());
    let axis = axis.ok_or_else(|| Error::out_of_range("a 0-d array has no rows to add to"))?;
    let Some(new) = header.regrown(axis, grown_len(header, axis, rows)?)? else { return Ok(None) };
    let was_adding = is_adding(&old);
    if !was_adding && !old.ends_with(&[Patch::NOT_ADDING, b'\n']) {
        return Ok(Some(Patch::of(&old, &new)));
    }
    let place = old.len() - 2;
    // As it is when the new one is written.
    old[place] = Patch::ADDING;
    Ok(Some(Patch { adding: Some(place as u64), was_adding, ..Patch::of(&old, &new) }))
}
