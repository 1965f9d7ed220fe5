//! NumPy's `.npy` files: opened in place, created on disk, and filled in parts.
//!
//! A `.npy` file is a [`Header`], which states dtype, shape and order, followed by the elements, so it can be
//! memory-mapped. [`options`] opens the whole array or, unlike NumPy's `open_memmap`, a window of it, counted in
//! elements. [`create_options`] creates a file of any size without holding it in memory; any number of threads and
//! processes can then fill their own [`segment`](Options::segment) of it. If any of them may die, use [`fill`](fill()),
//! which creates the file and hands out its parts. [`save`] and [`load`] write and read without mapping the file, and
//! [`Writer`] and [`append`] accept rows as they arrive. The [guide](crate::guide::processes) compares the ways to
//! write from several processes.
//!
//! ```
//! use mmap_array::npy;
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("table.npy");
//! let mut table = npy::create_options::<f64>([1_000_000, 3]).scratch_in(&dir)?; // np.lib.format.open_memmap(…, "w+")
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
//! The element type must match the file's dtype: `<f8` is `f64` on a little-endian machine and [`Le<f64>`](crate::Le)
//! on any machine. If the dtype is not known at compile time, [`dyn_options`] takes it from the file. The error for a
//! mismatch names both.

mod append;
pub(crate) mod compressed;
mod concat;
mod fill;
mod grow;
mod header;
mod headers;
mod options;
pub(crate) mod save;
mod sidecar;
mod stack;
mod window;
mod writer;

pub use append::append;
pub use compressed::{Reader, reader};
pub use concat::{Block, Concat, TypedBlock};
pub use fill::{Claim, Fill, FillOptions};
#[cfg(feature = "npz")]
pub(crate) use header::MAGIC;
pub use header::{Header, MAX_HEADER};
pub use headers::{Headers, headers};
pub use options::{FromHeader, Npy};
pub use save::{ArrayLike, save, save_to};
pub use stack::stack;
pub use writer::Writer;

use crate::access::{Exclusive, Load, ReadOnly, ReadWrite, Shared, Stable};
use crate::array::{CreateOptions, MmapArray, MmapArrayMut, Options, SharedArray, Source, Typed};
use crate::dtype::DType;
use crate::element::Element;
use crate::error::Result;
use crate::shape::IntoShape;
use std::path::Path;

/// Returns options to open a `.npy` file, or a window of it, as elements of `T`. See [`Options`].
#[must_use]
pub fn options<T: Element>() -> Options<Typed<T>, Npy> {
    Options::new(Typed::new(), Npy::new())
}

/// Returns options to open a `.npy` file with the dtype that its header states, as a [`DynArray`](crate::DynArray). See
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

/// Returns options to create an array of elements of `T` and of the given shape in a `.npy` file:
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

/// Returns options to create an array of the given dtype and shape in a `.npy` file. See [`CreateOptions`].
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

/// Reads the header of a `.npy` file.
///
/// # Errors
///
/// [`Header`](crate::ErrorKind::Header) if the source is not a `.npy` file; [`Io`](crate::ErrorKind::Io) if an I/O
/// operation fails.
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

/// Copies the array of a file into memory: `np.load(path)`. [`Options::load`] also loads windows and arrays of any
/// dtype.
///
/// # Errors
///
/// See [`Options::load`].
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

/// Opens many files as one array, one after another along the first axis: `np.concatenate` without a copy.
///
/// Only the headers are read now, and a file is mapped when one of its elements is first needed. Others may write the
/// files meanwhile: elements are accessed by value. See [`Concat`] for what the array can do, [`stack`] for folders
/// that Dask has written, and [`Options::open_all`] for access by reference.
///
/// # Errors
///
/// See [`Options::open_shared_all`].
///
/// ```
/// use mmap_array::npy;
/// # let dir = tempfile::tempdir()?;
/// let paths = ["monday.npy", "tuesday.npy"].map(|name| dir.path().join(name));
/// npy::save(&paths[0], &[[1_u8, 2, 3], [4, 5, 6]])?;
/// npy::save(&paths[1], &[[7_u8, 8, 9]])?;
/// let week = npy::concat::<u8>(&paths)?;
/// assert_eq!((week.shape(), week.at([2, 0])?, week.max()?), (&[3, 3][..], 7, Some(9)));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn concat<T: Element>(paths: impl IntoIterator<Item: AsRef<Path>>) -> Result<Concat<SharedArray<T>>>
where
    Shared: Load<T>,
{
    options().open_shared_all(paths)
}

/// Opens a whole file for reading: `np.load(path, mmap_mode="r")`.
///
/// # Safety
///
/// See [Safety](MmapArray#safety): while the array lives, nothing else may write the elements, and nothing may truncate
/// the file before their end.
///
/// # Errors
///
/// See [`Options::open`].
pub unsafe fn open<T: Element>(source: impl Source) -> Result<MmapArray<T>>
where
    ReadOnly: Stable<T>,
{
    // SAFETY: the caller keeps the contract.
    unsafe { options().open(source) }
}

/// Opens a whole file for reading and writing: `np.load(path, mmap_mode="r+")`.
///
/// Opening never makes the file longer; only [`grow`](MmapArrayMut::grow) does.
///
/// # Safety
///
/// See [Safety](MmapArray#safety): while the array lives, nothing else may write the elements, and nothing may truncate
/// the file before their end.
///
/// # Errors
///
/// See [`Options::open`]. Also returns an error if the file is not writable.
pub unsafe fn open_mut<T: Element>(source: impl Source) -> Result<MmapArrayMut<T>>
where
    ReadWrite: Stable<T>,
{
    // SAFETY: the caller keeps the contract.
    unsafe { options().open_mut(source) }
}

/// Creates a file of zeros, or replaces an existing one, and opens it for reading and writing:
/// `np.lib.format.open_memmap(path, "w+", dtype, shape)`.
///
/// The elements need no memory, and disk blocks are allocated only as elements are written. See
/// [`CreateOptions::create`].
///
/// # Safety
///
/// See [Safety](MmapArray#safety): while the array lives, nothing else may write the elements, and nothing may truncate
/// the file before their end.
///
/// # Errors
///
/// See [`CreateOptions::create`].
pub unsafe fn create<T: Element>(path: impl AsRef<Path>, shape: impl IntoShape) -> Result<MmapArrayMut<T>>
where
    ReadWrite: Stable<T>,
{
    // SAFETY: the caller keeps the contract.
    unsafe { create_options(shape).create(path) }
}

/// Returns a job that fills one array with many processes and threads, part by part, and survives the death of any of
/// them. See [`FillOptions`].
///
/// Do not [`create`] the array first: the job does. If a job has already completed the array, nothing is filled:
/// [`run`](FillOptions::run) returns 0, or an error with [`create_new`](FillOptions::create_new). Any other existing
/// array is refused, unless the file that records what is still to be filled is beside it.
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
