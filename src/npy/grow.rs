//! The header of a file whose array grows.
//!
//! While elements are added, a tab replaces the header's last space; NumPy and other readers ignore both. The tab is on
//! the disk before anything is added, and the write that makes the array longer removes it. So the next program that
//! adds elements can tell what a killed program has left behind the array from other data.

use super::header::Header;
use crate::error::{Error, Result};
use crate::region::{At, Patch};
use std::fs::File;
use std::io::Read;

/// Returns the change to a file's header if `added` bytes are appended to its array. The array must end at byte `end`,
/// and the bytes must be whole steps along its slowest axis, because the array that grows may have another element type
/// or other axes than the file's.
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
            "cannot grow: {added} bytes behind byte {end} are not whole steps along the slowest axis of the file's \
             array, of shape {:?} and {} bytes from byte {} on; open the whole array as the file's own type to grow it",
            header.shape(),
            header.nbytes(),
            header.data_offset()
        ))
    })?;
    grown(front(file, &header)?, &header, rows)?.ok_or_else(|| {
        Error::unsupported(format!(
            "cannot grow: the header of {} bytes has no space for the length with {rows} more rows; `npy::append` \
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

/// Returns whether elements are being added, or a program was killed while it added them.
pub(super) fn is_adding(front: &[u8]) -> bool {
    front.ends_with(&[Patch::ADDING, b'\n'])
}

/// Returns the change to a header if `rows` rows are added; `None` if it has no space for their number.
pub(super) fn grown(mut old: Vec<u8>, header: &Header, rows: usize) -> Result<Option<Patch>> {
    let axis = header.order().slowest_axis(header.shape().len());
    let axis = axis.ok_or_else(|| Error::out_of_range("a 0-d array has no axis along which to add rows"))?;
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
