//! A file, or any portion of it, as a typed, shaped array that is never loaded, only mapped: `numpy.memmap` for Rust.
//!
//! ```
//! use bytemuck::{Pod, Zeroable};
//! use mmap_array::{MmapArray, field};
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("image.bmp");
//! # std::fs::write(&path, vec![7; 54 + 480 * 640 * 4])?;
//!
//! #[derive(Clone, Copy, Zeroable, Pod)]
//! #[repr(C)]
//! struct Rgba { r: u8, g: u8, b: u8, a: u8 }
//!
//! // SAFETY: nobody writes or truncates the file while `image` lives.
//! let image = unsafe { MmapArray::<Rgba>::options().offset(54).shape([480, 640]).open(&path)? };
//! let reds = image.project(field!(Rgba, r)); //        arr["r"]
//! assert_eq!(reds.mean(), Some(7.0));
//! let words = image.view().view_as::<u32>()?; //       arr.view(np.uint32)
//! assert_eq!(words.slice((10..20, ..5)).shape(), [10, 5]);
//! assert_eq!(image[[479, 639]].a, 7);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # The file, the array, the view
//!
//! - A [`MmapArray`] owns a map of a portion of a file: elements of a type, at any byte offset, of any shape, in C or
//!   Fortran order. It dereferences to the slice of its elements. Opening costs the same for a megabyte and a terabyte.
//!   [`MmapArrayOptions`] lists the ways to open and create.
//! - An [`ArrayView`] borrows elements, with strides in bytes: cut, turned, projected onto a field of its records or seen
//!   as another type without a copy. Elements come and go by value, so no alignment is ever wrong.
//! - Arrays cut into parts by value ([`into_parts`](MmapArray::into_parts)) go to threads without lifetimes, and each
//!   part writes back only its own bytes.
//! - A [`DynArray`] and its [`DynView`] are the same of a [`DType`] that is known only when the program runs; what they
//!   hold is found field by field, printed, converted, or turned into a typed view once it is known.
//! - [`npy`] opens and creates NumPy's own files, windows of them counted in elements, `npz` (with the feature of that
//!   name) opens members of its archives in place, and [`fromfile`] and [`tofile`](ArrayView::tofile) do without a map.
//!
//! # When it is safe
//!
//! Opening a file by [`open`](MmapArray::open) and its like is `unsafe`, with one contract, [told
//! here](MmapArray#safety): while the array lives, nobody else writes the elements, and nobody makes the file shorter.
//! Everything after the opening is safe, whatever the file holds and whatever the arguments are. Memory, scratch files
//! and files that the operating system keeps from changing open without `unsafe`.
//!
//! # When it is fast
//!
//! Opening takes some microseconds, for a window of a terabyte as for one of a megabyte; the elements are read from the
//! disk as they are touched, page by page, and again from memory by whoever comes next. A loop over the slice or over a
//! view costs what the same loop by hand costs, and [`sum`](ArrayView::sum) and its like less. So: open the window and not
//! the file, go through it in storage order, say what comes ([`prefetch`](MmapArray::prefetch),
//! [`advise`](MmapArray::advise)) where the disk is slow, and copy ([`fromfile`]) what is small or read once.
//!
//! More on all this, with figures, and on many writers of one file is in the [`guide`].
//!
//! # What the types forbid
//!
//! A read-only array cannot be written ([`Exclusive`]), an element type with padding cannot be written at all
//! ([`Access`]), and a type of no bytes is no element:
//!
//! ```
//! let array = mmap_array::MmapArrayMut::<[u8; 1]>::anonymous([10]);
//! ```
//!
//! compiles, but how many of these are there in a file?
//!
//! ```compile_fail
//! let array = mmap_array::MmapArrayMut::<[u8; 0]>::anonymous([10]);
//! ```
//!
//! # Elements
//!
//! Any struct of bytes and numbers is an element ([`bytemuck::Pod`]; to read only, [`bytemuck::AnyBitPattern`]), and so
//! are the types that NumPy's files are made of. All of them take any bits, and the values are checked where they are
//! asked for:
//!
//! | NumPy | here |
//! | --- | --- |
//! | `i1` to `i8`, `u1` to `u8`, `f4`, `f8` | `i8` to `i64`, `u8` to `u64`, `f32`, `f64` |
//! | `>f8`, `<i4` on any machine and unaligned | [`Be<f64>`](Be), [`Le<i32>`](Le): [`Endian`] |
//! | `f2`; `c8`, `c16` | `half::f16`; `num_complex::Complex`, with the features `half` and `num-complex` |
//! | `?` | [`Bool`] |
//! | `S5`, `U5`, `V5` | [`Bytes<5>`](Bytes), [`Ucs4<5>`](Ucs4), [`Void<5>`](Void) |
//! | `M8[ns]`, `m8[25s]` | [`DateTime64<Nanosecond>`](DateTime64), [`TimeDelta64<Second, 25>`](TimeDelta64), of a [`unit`](mod@unit); with the feature `chrono` to and from that crate's types |
//! | `(3,)f4` | `[f32; 3]` |
//!
//! # Features
//!
//! | feature | what it brings |
//! | --- | --- |
//! | `derive`, on by default | `#[derive(Record)]` for structs whose fields have names |
//! | `npz` | the module `npz`: NumPy's archives |
//! | `ndarray` | views as ndarray's and the other way round, without a copy |
//! | `rayon` | elements, views along an axis and chunks for all processors; `par_prefetch` |
//! | `half`, `num-complex`, `chrono` | the element types `f16`, `Complex<f32>` and `Complex<f64>`; times as chrono's |
//!
//! # From NumPy
//!
//! | NumPy | here |
//! | --- | --- |
//! | `np.memmap(f, dtype, "r", offset, shape)` | `MmapArray::<T>::options().offset(n).shape([…]).open(f)` |
//! | mode `"r+"` (makes short files longer), `"c"`, `"w+"` | `.open_mut(f)` (does not), `.open_cow(f)`, `.create(f)` |
//! | `.reshape(-1, 3)`, `order="F"` | `.shape([None, Some(3)])`, `.order(Order::F)` |
//! | `np.dtype([("x", "<f4"), …])`, with `align=True` | a `#[repr(C, packed)]` struct, a `#[repr(C)]` one |
//! | `arr["r"]`, `arr["pos"]["x"]` | `arr.project(field!(Rgba, r))`, `arr.project(field!(Star, pos.x))` |
//! | `arr["r"]` with a name known at run time | `arr.field::<u8>("r")?`, `arr.field::<f32>("pos.x")?` |
//! | `arr[["a", "c"]]` | `arr.fields::<Small>()?`, a record with those fields |
//! | `np.memmap(f, dtype)` with a dtype known at run time | `DynArray::options("[('a', '<i4'), …]".parse()?).open(f)` |
//! | `arr["a"].astype("f8")`, `arr[3]["a"]`, of such | `arr.field("a")?.to_vec_as::<f64>()?`, `arr.field("a")?.at([3])` |
//! | `arr[["a", "c"]]` of such | `arr.view().view_as(&arr.dtype().select(["a", "c"])?)?` |
//! | `np.dtype([("a", "<i4"), …])` | `#[derive(Record)]` on a `repr(C)` struct, then `T::dtype()` |
//! | `arr.view(np.uint32)` | `arr.view().view_as::<u32>()?`, owned: `arr.cast::<u32>()?` |
//! | `arr[2:5, :, 3]`, `arr[::-1]`, `arr.T` | `arr.view().slice((2..5, .., 3))`, `.step_axis(0, -1)`, `.t()` |
//! | `arr[arr["r"] > 3]` | `arr.iter().filter(\|pixel\| pixel.r > 3)` |
//! | `arr["r"] += 1`, `arr[:, 2] = 0` | `arr.view_mut().project(field!(Rgba, r)).map_in_place(\|r\| r + 1)`, `arr.view_mut().index_axis(1, 2).fill(0)` |
//! | `len(arr)`, `arr[i]` of two axes | `arr.shape()[0]`, `arr.view().index_axis(0, i)`; `arr.len()` and `arr[i]` count elements |
//! | `arr[-1]`, a slice that reaches beyond the end | no negative indices; a range outside panics, as a slice's does |
//! | `arr.astype(arr.dtype.newbyteorder("="))` | `arr.view().to_native_vec()` |
//! | `arr.astype("f4")` of numbers | `arr.view().to_vec_as::<f32>()` |
//! | `arr.sum()`, `.mean()`, `.min()` | `arr.view().sum()`, `.mean()`, `.min()` |
//! | `arr.flush()` | `arr.flush()?`, for some rows `arr.flush_rows(a..b)?` |
//! | `np.load(f, mmap_mode="r")`, `"r+"`, `"c"` | `npy::open::<T>(f)`, `npy::open_mut::<T>(f)`, `npy::open_cow::<T>(f)` |
//! | `np.load(f, mmap_mode="r")[a:b]`, dtype as in the file | `npy::options().rows(a..b).open::<T>(f)`, `.open_dyn(f)` |
//! | `np.save(f, arr)`, `np.load(f)` | `npy::save(f, &arr)?`, `npy::load::<T>(f)?` |
//! | `np.lib.format.open_memmap(f, "w+", dtype, shape)` | `npy::create::<T>(f, shape)` |
//! | `np.load("a.npz")["x"]` | `npz::Archive::open("a.npz")?.member("x")?.load::<T>()`, mapped: `.open::<T>()`, with the feature `npz` |
//! | `np.savez("a.npz", x=arr)` | `npz::Writer::create("a.npz")?`, `.add("x", &arr.view())?`, `.finish()?` |
//! | `np.array_split(arr, n)[k]` of a file | `npy::options().segment(k, n).open_mut::<T>(f)` |
//! | `np.asarray(arr)` for what works on arrays | `arr.view().into_ndarray::<Ix2>()?`, with the feature `ndarray` |
//! | `np.fromfile(f, dtype, count, offset=n)` | `fromfile::<T>(f, n, count)` |
//! | `arr.tofile(f)` | `arr.tofile(f)?`, to any writer `arr.view().write_to(&mut w)?` |
//! | `print(arr)`, `repr(arr)` | `println!("{arr}")`, `{arr:?}`; of records `arr.view().to_dyn(&T::dtype())?` |
//! | `arr.sum(axis=0)`, `.std()`, `.argmin()` | there are none: `view.axis_iter(1)` goes through the columns |

// On docs.rs each item says which feature it needs.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod access;
mod array;
mod dtype;
mod dynamic;
mod element;
mod endian;
mod error;
mod field;
pub mod guide;
#[cfg(any(feature = "ndarray", feature = "rayon"))]
mod interop;
mod io;
pub mod npy;
#[cfg(feature = "npz")]
pub mod npz;
mod print;
mod record;
mod region;
mod shape;
mod text;
mod time;
mod view;

pub use access::{Access, CopyOnWrite, Exclusive, ReadOnly, ReadWrite};
pub use array::{ArrayIndex, MmapArray, MmapArrayMut, MmapArrayOptions, MmapWindow};
pub use byteorder::{BigEndian, ByteOrder, LittleEndian};
pub use dtype::{DType, Endianness, Kind, RecordField, TimeUnit};
pub use dynamic::{DynArray, DynArrayMut, DynArrayOptions, DynView, DynViewMut, Value};
pub use element::Element;
pub use endian::{Be, Endian, Le, Scalar};
pub use error::{Error, ErrorKind, Result};
pub use field::Field;
#[cfg(feature = "rayon")]
pub use interop::rayon::{ParAxisChunks, ParAxisIter, ParIter};
pub use io::fromfile;
#[cfg(feature = "derive")]
pub use record::Record;
pub use region::Advice;
pub use shape::{IntoShape, MAX_NDIM, NdIndex, Order};
pub use text::{Bool, Bytes, Ucs4, Void};
pub use time::{DateTime64, TimeDelta64, unit};
pub use view::{ArrayView, ArrayViewMut, AxisIter, AxisSlice, FromNumber, Iter, Number, Numeric, Ordered, Slices};

/// What the code that `#[derive(Record)]` writes calls.
#[doc(hidden)]
pub mod __private {
    pub use crate::record::{field, record};
}

/// The README's code, run as a test.
#[cfg(all(doctest, feature = "derive"))]
#[doc = include_str!("../README.md")]
struct Readme;
