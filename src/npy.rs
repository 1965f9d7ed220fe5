//! NumPy's own files, `.npy`: arrays that say what they are, opened in place, created on disk, and filled in parts.
//!
//! A `.npy` file is a [`Header`] and then the elements, and so it can be mapped: whole by [`open`], and, what NumPy's
//! `open_memmap` has no way to ask for, a window of it counted in elements by [`options`]. A file of any size is made by
//! [`create`] without a byte of it in memory, and any number of threads and processes then fill their own
//! [`segment`](NpyOptions::segment) of it. Where any of them may die, [`fill`](fill()) creates the file and hands out its
//! parts. [`save`] and [`load`] do without a map, and [`Writer`] and [`append`] take rows as they come. Which of the ways
//! to take for many writers is in the [guide](crate::guide::processes).
//!
//! ```
//! use mmap_array::npy;
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("table.npy");
//! // SAFETY: nobody else writes or truncates the file, here and below.
//! let mut table = unsafe { npy::create::<f64>(&path, [1_000_000, 3])? }; // np.lib.format.open_memmap(path, "w+", …)
//! table[[999_999, 2]] = 1.5;
//! table.close()?;
//!
//! let table = unsafe { npy::open::<f64>(&path)? }; //                          np.load(path, mmap_mode="r")
//! assert_eq!(table.shape(), [1_000_000, 3]);
//! let tail = unsafe { npy::options().rows(999_990..).open::<f64>(&path)? }; // the last ten rows, and no other page
//! assert_eq!((tail.shape(), tail[29]), (&[10, 3][..], 1.5));
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! The elements' type must be the file's. `<f8` is `f64` on a little-endian machine and [`Le<f64>`](crate::Le) on any;
//! where the type is not known when the program is written, [`open_dyn`] takes the file's. Errors name both.

mod append;
mod fill;
mod header;
pub(crate) mod io;
mod open;
mod options;
mod sidecar;
#[cfg(feature = "npz")]
mod stream;
mod window;
mod writer;

pub use append::append;
pub use fill::{Claim, Fill, FillOptions};
pub use header::{Header, MAX_HEADER};
pub use io::{Source, load, load_as, load_as_from, load_from, save, save_to};
pub use options::NpyOptions;
pub use writer::Writer;

use crate::access::{Access, CopyOnWrite, Exclusive, ReadOnly, ReadWrite};
use crate::array::{MmapArray, MmapArrayMut};
use crate::dynamic::DynArray;
use crate::element::Element;
use crate::error::Result;
use crate::shape::IntoShape;
use std::path::Path;

/// Which window of a `.npy` file to open, or how to create one. See [`NpyOptions`].
#[must_use]
pub fn options() -> NpyOptions {
    NpyOptions::default()
}

/// A job of filling one array by many processes and threads, part by part, which survives the death of any of them. See
/// [`FillOptions`].
///
/// Do not [`create`] the array first: the job does. One that is there, without the file beside it that says what is still
/// to be filled, counts as complete, and nothing is filled: [`run`](FillOptions::run) returns 0, and with
/// [`create_new`](FillOptions::create_new) an error.
///
/// ```
/// # #[cfg(any(target_os = "linux", target_os = "macos", windows))] {
/// use mmap_array::{Error, npy};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("squares.npy");
/// // SAFETY: nobody writes or truncates the file but those who make this call.
/// let job = unsafe { npy::fill::<u64>(&path) }.shape([1000]).parts(10).threads(2);
/// job.run(|part| {
///     let rows = part.rows();
///     part.iter_mut().zip(rows).for_each(|(square, row)| *square = (row * row) as u64);
///     Ok::<_, Error>(())
/// })?;
/// # }
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Safety
///
/// [The contract](MmapArray#safety), until the array is complete: nobody but those who claim parts of it by the same job
/// writes the elements, nobody makes the file shorter, and nobody writes or replaces the file beside it, which says whose
/// parts are whose.
pub unsafe fn fill<'a, T: Element>(path: impl AsRef<Path>) -> FillOptions<'a, T>
where
    ReadWrite: Exclusive<T>,
{
    FillOptions::new(path.as_ref())
}

/// The header of a file.
///
/// # Errors
///
/// [`Header`](crate::ErrorKind::Header) for what is no `.npy` file, [`Io`](crate::ErrorKind::Io) where the system
/// refuses.
///
/// ```
/// use mmap_array::npy;
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("a.npy");
/// # // SAFETY: nobody else uses the file.
/// # unsafe { npy::create::<u8>(&path, [2, 3])? };
/// let header = npy::header(&path)?;
/// assert_eq!((header.shape(), header.dtype().to_string().as_str()), (&[2, 3][..], "|u1"));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn header(path: impl AsRef<Path>) -> Result<Header> {
    options().header(path)
}

/// Opens a whole file to read: `np.load(path, mmap_mode="r")`.
///
/// # Safety
///
/// [The contract](MmapArray#safety): while the array lives, nobody else writes the elements, and nobody makes the file
/// shorter than them.
///
/// # Errors
///
/// As for [`NpyOptions::open`].
pub unsafe fn open<T: Element>(path: impl AsRef<Path>) -> Result<MmapArray<T>>
where
    ReadOnly: Access<T>,
{
    // SAFETY: the caller keeps the contract.
    unsafe { options().open(path) }
}

/// Opens a whole file to read and write: `np.load(path, mmap_mode="r+")`. It is never made longer, but by
/// [`grow`](MmapArrayMut::grow).
///
/// # Safety
///
/// [The contract](MmapArray#safety): while the array lives, nobody else writes the elements, and nobody makes the file
/// shorter than them.
///
/// # Errors
///
/// As for [`NpyOptions::open`], and where the file may not be written.
pub unsafe fn open_mut<T: Element>(path: impl AsRef<Path>) -> Result<MmapArrayMut<T>>
where
    ReadWrite: Access<T>,
{
    // SAFETY: the caller keeps the contract.
    unsafe { options().open_mut(path) }
}

/// Opens a whole file to read and to write in memory only: `np.load(path, mmap_mode="c")`.
///
/// # Safety
///
/// [The contract](MmapArray#safety): while the array lives, nobody else writes the elements, and nobody makes the file
/// shorter than them.
///
/// # Errors
///
/// As for [`NpyOptions::open`].
pub unsafe fn open_cow<T: Element>(path: impl AsRef<Path>) -> Result<MmapArray<T, CopyOnWrite>>
where
    CopyOnWrite: Access<T>,
{
    // SAFETY: the caller keeps the contract.
    unsafe { options().open_cow(path) }
}

/// Opens a whole file to read, whatever its elements are.
///
/// # Safety
///
/// [The contract](MmapArray#safety): while the array lives, nobody else writes the elements, and nobody makes the file
/// shorter than them.
///
/// # Errors
///
/// As for [`NpyOptions::open`], but for those of the elements' type.
///
/// ```
/// use mmap_array::{Be, npy};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("a.npy");
/// # // SAFETY: nobody else uses the file.
/// # unsafe { npy::create::<Be<i16>>(&path, [2])? };
/// // SAFETY: nobody else writes or truncates the file.
/// let any = unsafe { npy::open_dyn(&path)? };
/// assert_eq!(any.dtype().to_string(), ">i2");
/// assert_eq!(any.view().to_vec_as::<f32>()?, [0.0, 0.0]);
/// # Ok::<(), std::io::Error>(())
/// ```
pub unsafe fn open_dyn(path: impl AsRef<Path>) -> Result<DynArray> {
    // SAFETY: the caller keeps the contract.
    unsafe { options().open_dyn(path) }
}

/// Creates a file of zeros, or replaces one whole, and opens it to read and write:
/// `np.lib.format.open_memmap(path, "w+", dtype, shape)`.
///
/// It takes no memory, and blocks on the disk only as elements are written. See [`NpyOptions::create`].
///
/// # Safety
///
/// [The contract](MmapArray#safety): while the array lives, nobody else writes the elements, and nobody makes the file
/// shorter than them.
///
/// # Errors
///
/// As for [`NpyOptions::create`].
pub unsafe fn create<T: Element>(path: impl AsRef<Path>, shape: impl IntoShape) -> Result<MmapArrayMut<T>>
where
    ReadWrite: Access<T>,
{
    // SAFETY: the caller keeps the contract.
    unsafe { options().create(path, shape) }
}

/// As [`create`], but a file that exists is an error, and stays.
///
/// # Safety
///
/// As for [`create`].
///
/// # Errors
///
/// As for [`NpyOptions::create_new`].
pub unsafe fn create_new<T: Element>(path: impl AsRef<Path>, shape: impl IntoShape) -> Result<MmapArrayMut<T>>
where
    ReadWrite: Access<T>,
{
    // SAFETY: the caller keeps the contract.
    unsafe { options().create_new(path, shape) }
}

/// Opens a file to read and write, and creates it first where there is none: for many processes that all make the same
/// call. See [`NpyOptions::open_or_create`].
///
/// # Safety
///
/// As for [`create`].
///
/// # Errors
///
/// As for [`NpyOptions::open_or_create`].
pub unsafe fn open_or_create<T: Element>(path: impl AsRef<Path>, shape: impl IntoShape) -> Result<MmapArrayMut<T>>
where
    ReadWrite: Access<T>,
{
    // SAFETY: the caller keeps the contract.
    unsafe { options().open_or_create(path, shape) }
}

/// Creates a file of zeros for an array of the type, the shape and the order of another: `np.zeros_like`, on disk. See
/// [`create`].
///
/// # Safety
///
/// As for [`create`].
///
/// # Errors
///
/// As for [`NpyOptions::create`].
///
/// ```
/// use mmap_array::{Order, npy};
/// # let dir = tempfile::tempdir()?;
/// # let (path, other) = (dir.path().join("a.npy"), dir.path().join("b.npy"));
/// // SAFETY: nobody else writes or truncates the files.
/// let image = unsafe { npy::options().order(Order::F).create::<u16>(&path, [480, 640])? };
/// let mask = unsafe { npy::create_like(&other, &image)? };
/// assert_eq!((mask.shape(), mask.order()), (&[480, 640][..], Order::F));
/// # Ok::<(), std::io::Error>(())
/// ```
pub unsafe fn create_like<T: Element, A>(path: impl AsRef<Path>, other: &MmapArray<T, A>) -> Result<MmapArrayMut<T>>
where
    ReadWrite: Access<T>,
{
    // SAFETY: the caller keeps the contract.
    unsafe { options().order(other.order()).create(path, other.shape()) }
}
