//! NumPy's own files, `.npy`: arrays that say what they are, opened in place, created on disk, and filled in parts.
//!
//! A `.npy` file is a [`Header`] and then the elements, and so it can be mapped: by [`options`], whole or, what NumPy's
//! `open_memmap` has no way to ask for, a window of it counted in elements. A file of any size is made
//! by [`create_options`] without a byte of it in memory, and any number of threads and processes can then fill their
//! own [`segment`](Options::segment) of it. Where any of them may die, [`fill`](fill()) creates the file and hands out
//! its parts. [`save`] and [`load`] do without a map, and [`Writer`] and [`append`] take rows as they come. Which of
//! the ways to take for many writers is in the [guide](crate::guide::processes).
//!
//! ```
//! use mmap_array::npy;
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("table.npy");
//! let mut table = npy::create_options::<f64>([1_000_000, 3]).scratch_in(&dir)?; // np.lib.format.open_memmap(…, "w+", …)
//! table[[999_999, 2]] = 1.5;
//! table.persist(&path)?; //                                                       now the file is there, whole
//!
//! let table = npy::options::<f64>().open_shared(&path)?; //                       np.load(path, mmap_mode="r")
//! assert_eq!((table.shape(), table.at([999_999, 2])?), (&[1_000_000, 3][..], 1.5));
//! let tail = npy::options::<f64>().rows(999_990..).open_shared(&path)?; //        the last ten rows, and no other page
//! assert_eq!((tail.shape(), tail.read(|view| view.sum())?), (&[10, 3][..], 1.5));
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! The elements' type must be the file's. `<f8` is `f64` on a little-endian machine and [`Le<f64>`](crate::Le) on any;
//! where the type is not known when the program is written, [`dyn_options`] takes the file's. Errors name both.

mod append;
mod fill;
mod grow;
mod header;
mod options;
pub(crate) mod save;
mod sidecar;
mod window;
mod writer;

pub use append::append;
pub use fill::{Claim, Fill, FillOptions};
pub use header::{Header, MAX_HEADER};
pub use options::{FromHeader, Npy};
pub use save::{ArrayLike, save, save_to};
pub use writer::Writer;

use crate::access::{Exclusive, ReadOnly, ReadWrite, Stable};
use crate::array::{CreateOptions, MmapArray, MmapArrayMut, Options, Source, Typed};
use crate::dtype::DType;
use crate::element::Element;
use crate::error::Result;
use crate::shape::IntoShape;
use std::path::Path;

/// Returns options to open elements of `T` in a `.npy` file: a window of it, and then one of the ways to open. See
/// [`Options`].
#[must_use]
pub fn options<T: Element>() -> Options<Typed<T>, Npy> {
    Options::new(Typed::new(), Npy::new())
}

/// Returns options to open elements of whatever dtype the file states, as a [`DynArray`](crate::DynArray). See
/// [`Options`].
///
/// ```
/// use mmap_array::{Be, npy};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("a.npy");
/// npy::save(&path, &[Be::new(1_i16), Be::new(2)])?;
/// let any = npy::dyn_options().load(&path)?;
/// assert_eq!(any.dtype().to_string(), ">i2");
/// assert_eq!(any.view().to_vec_as::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use]
pub fn dyn_options() -> Options<FromHeader, Npy> {
    Options::new(FromHeader, Npy::new())
}

/// Returns options to create an array of elements of `T`, of that many along each axis, in a `.npy` file:
/// `np.lib.format.open_memmap(path, "w+", dtype, shape)`. See [`CreateOptions`].
///
/// ```
/// use mmap_array::{Order, npy};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("image.npy");
/// let image = npy::create_options::<u16>([480, 640]).order(Order::F).scratch_in(&dir)?;
/// image.persist(&path)?;
/// assert_eq!(npy::header(&path)?.order(), Order::F);
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use]
pub fn create_options<T: Element>(shape: impl IntoShape) -> CreateOptions<Typed<T>, Npy> {
    CreateOptions::new(Typed::new(), Npy::new(), shape)
}

/// Returns options to create an array of elements of a dtype, of that many along each axis, in a `.npy` file. See
/// [`CreateOptions`].
///
/// ```
/// use mmap_array::npy;
/// let dtype = "[('id', '<u4'), ('px', '>f8')]".parse()?;
/// let table = npy::dyn_create_options(dtype, [2]).scratch()?;
/// assert_eq!(table.to_string(), "[(0, 0.) (0, 0.)]");
/// # Ok::<(), mmap_array::Error>(())
/// ```
#[must_use]
pub fn dyn_create_options(dtype: DType, shape: impl IntoShape) -> CreateOptions<DType, Npy> {
    CreateOptions::new(dtype, Npy::new(), shape)
}

/// Reads the header of a file.
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
/// npy::save(&path, &[[1_u8, 2, 3], [4, 5, 6]])?;
/// let header = npy::header(&path)?;
/// assert_eq!((header.shape(), header.dtype().to_string().as_str()), (&[2, 3][..], "|u1"));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn header(source: impl Source) -> Result<Header> {
    dyn_options().header(source)
}

/// Copies the array of a file into memory: `np.load(path)`. See [`Options::load`], by which windows and arrays of any
/// dtype are loaded too.
///
/// # Errors
///
/// As for [`Options::load`].
///
/// ```
/// use mmap_array::npy;
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("a.npy");
/// npy::save(&path, &[[1.5, 2.5], [3.5, 4.5]])?;
/// let array = npy::load::<f64>(&path)?;
/// assert_eq!((array.shape(), array[[1, 0]]), (&[2, 2][..], 3.5));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn load<T: Element>(source: impl Source) -> Result<MmapArrayMut<T>>
where
    ReadWrite: Stable<T>,
{
    options().load(source)
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
/// As for [`Options::open`].
pub unsafe fn open<T: Element>(source: impl Source) -> Result<MmapArray<T>>
where
    ReadOnly: Stable<T>,
{
    // SAFETY: the caller keeps the contract.
    unsafe { options().open(source) }
}

/// Opens a whole file to read and write: `np.load(path, mmap_mode="r+")`. It is never made longer, except by
/// [`grow`](MmapArrayMut::grow).
///
/// # Safety
///
/// [The contract](MmapArray#safety): while the array lives, nobody else writes the elements, and nobody makes the file
/// shorter than them.
///
/// # Errors
///
/// As for [`Options::open`], and where the file may not be written.
pub unsafe fn open_mut<T: Element>(source: impl Source) -> Result<MmapArrayMut<T>>
where
    ReadWrite: Stable<T>,
{
    // SAFETY: the caller keeps the contract.
    unsafe { options().open_mut(source) }
}

/// Creates a file of zeros, or replaces one whole, and opens it to read and write:
/// `np.lib.format.open_memmap(path, "w+", dtype, shape)`.
///
/// It takes no memory, and blocks on the disk only as elements are written. See [`CreateOptions::create`].
///
/// # Safety
///
/// [The contract](MmapArray#safety): while the array lives, nobody else writes the elements, and nobody makes the file
/// shorter than them.
///
/// # Errors
///
/// As for [`CreateOptions::create`].
pub unsafe fn create<T: Element>(path: impl AsRef<Path>, shape: impl IntoShape) -> Result<MmapArrayMut<T>>
where
    ReadWrite: Stable<T>,
{
    // SAFETY: the caller keeps the contract.
    unsafe { create_options(shape).create(path) }
}

/// A job of filling one array by many processes and threads, part by part, which survives the death of any of them. See
/// [`FillOptions`].
///
/// Do not [`create`] the array first: the job does. Of one that a job has completed nothing is filled:
/// [`run`](FillOptions::run) returns 0, and with [`create_new`](FillOptions::create_new) an error. Any other array that
/// is there is refused, unless the file is beside it that says what is still to be filled.
///
/// ```
/// # #[cfg(any(target_os = "linux", target_os = "macos", windows))] {
/// use mmap_array::{Error, npy};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("squares.npy");
/// let job = npy::fill::<u64>(&path, [1000]).parts(10).threads(2);
/// job.run(|part| {
///     let rows = part.rows();
///     part.iter_mut().zip(rows).for_each(|(square, row)| *square = (row * row) as u64);
///     Ok::<_, Error>(())
/// })?;
/// # }
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn fill<'a, T: Element>(path: impl AsRef<Path>, shape: impl IntoShape) -> FillOptions<'a, T>
where
    ReadWrite: Exclusive<T>,
{
    create_options(shape).fill(path)
}
