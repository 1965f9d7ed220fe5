//! Folders of `.npy` files as Dask writes them.

mod pickle;

use crate::error::{Error, Result};
use crate::region;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The most bytes of a pickle to read, which are enough for some 400,000 files.
const MOST: u64 = 2 << 20;

/// Returns the files of a stack in their order: a folder of files `0.npy`, `1.npy` and so on, as
/// [`dask.array.to_npy_stack`] writes it.
///
/// [`concat`](super::concat()) opens the files as one array. Their number, and the axis along which they follow each
/// other, are in the file `info`, a pickle. Pickles can make Python call any function; here only what is plain data is
/// read of it, and nothing is called. Other files in the folder are ignored.
///
/// The file `info` is held in memory while it is read, at most 2 MiB of it, with up to 100 bytes for each number in it
/// and 8 MiB for all else.
///
/// [`dask.array.to_npy_stack`]: https://docs.dask.org/en/stable/generated/dask.array.to_npy_stack.html
///
/// # Errors
///
/// Returns an error of kind [`Io`](crate::ErrorKind::Io) if `info` cannot be read,
/// [`NotRegularFile`](crate::ErrorKind::NotRegularFile) if it is a directory or a pipe,
/// [`Header`](crate::ErrorKind::Header) if it is not understood, or [`Unsupported`](crate::ErrorKind::Unsupported) if
/// several files follow each other along another axis than the first.
///
/// ```
/// use mmap_array::npy;
/// # let dir = tempfile::tempdir()?;
/// # let folder = dir.path();
/// // da.to_npy_stack(folder, da.arange(5, chunks=3)), by pickle protocol 4, without the dtype
/// std::fs::write(folder.join("info"), b"\x80\x04}(\x8c\x06chunksK\x03K\x02\x86\x85\x8c\x04axisK\0u.")?;
/// npy::save(folder.join("0.npy"), &[0_i64, 1, 2])?;
/// npy::save(folder.join("1.npy"), &[3_i64, 4])?;
///
/// let all = npy::concat::<i64>(npy::stack(folder)?)?;
/// assert_eq!((all.shape(), all.sum()?), (&[5][..], 10));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn stack(folder: impl AsRef<Path>) -> Result<Vec<PathBuf>> {
    let folder = folder.as_ref();
    let path = folder.join("info");
    let count = count(&path).map_err(|error| error.in_file(Some(&path)))?;
    Ok((0..count).map(|file| folder.join(format!("{file}.npy"))).collect())
}

/// Returns the number of files of a stack.
fn count(path: &Path) -> Result<usize> {
    let file = region::open(path, false).map_err(|error| {
        error.with_advice("it states the order of a stack's files; `concat` takes files in any order")
    })?;
    let len = region::mappable_len(&file)?.min(MOST);
    // With room for the byte that is too many.
    let mut bytes = Vec::with_capacity(len as usize + 1);
    file.take(MOST + 1).read_to_end(&mut bytes).map_err(|source| Error::io("read the file", source))?;
    if bytes.len() as u64 > MOST {
        return Err(pickle::malformed(format!("the pickle has more than {MOST} bytes, which no stack needs")));
    }
    let pickle::Info { axis, chunks } = pickle::read(&bytes)?;
    let (Some(axis), Some(chunks)) = (axis, chunks) else {
        let text = "the pickle does not state the `axis` as a number and the `chunks` as a tuple of tuples, as \
                    `dask.array.to_npy_stack` does";
        return Err(pickle::malformed(text));
    };
    // As Python counts, from the end.
    let place = if axis < 0 { axis.checked_add_unsigned(chunks.len() as u64) } else { Some(axis) };
    let count = place.and_then(|place| chunks.get(usize::try_from(place).ok()?)).copied();
    match (place, count) {
        // A single file is the array, whatever the axis.
        (Some(0), Some(count)) | (_, Some(count @ 1)) => Ok(count),
        (_, Some(count)) => Err(Error::unsupported(format!(
            "the {count} files of the stack follow each other along axis {axis}, but only those of axis 0 can be \
             concatenated without a copy; write the stack with `axis=0`"
        ))),
        _ => {
            let text = format!("the pickle states axis {axis} of an array with {} axes", chunks.len());
            Err(pickle::malformed(text))
        }
    }
}
