//! A file, or any portion of it, as a typed, shaped array that is mapped and never loaded: `numpy.memmap` for Rust.
//!
//! ```
//! use bytemuck::{Pod, Zeroable};
//! use mmap_array::{Error, MmapArray, field};
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("image.bmp");
//! # std::fs::write(&path, vec![7; 54 + 480 * 640 * 4])?;
//!
//! #[derive(Clone, Copy, Zeroable, Pod)]
//! #[repr(C)]
//! struct Rgba { r: u8, g: u8, b: u8, a: u8 }
//!
//! let image = MmapArray::<Rgba>::options()
//!     .offset(54).shape([480, 640]).open_shared(&path)?;
//! assert_eq!(image.at([479, 639])?.a, 7);
//!
//! // arr["r"].mean() in NumPy
//! let mean = image.read(|view| view.project(field!(Rgba, r)).mean())?;
//! assert_eq!(mean, Some(7.0));
//!
//! // arr.view(np.uint32)[10:20, :5]
//! let words = image.try_read(|view| {
//!     Ok::<_, Error>(view.view_as::<u32>()?.slice((10..20, ..5)).to_vec())
//! })?;
//! assert_eq!(words, [0x0707_0707; 50]);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
#![doc = include_str!("guide/pages.svg")]
//!
//! An array begins at any byte of a file and has any shape. Opening it takes a few system calls, for a window of a
//! terabyte as for one of a megabyte; elements are read from the disk when they are first accessed.
//!
//! # The four types
//!
//! | type | elements | access |
//! | --- | --- | --- |
//! | [`SharedArray`] | in a file that others may write, append to and truncate | by value, through a view that is passed to a closure; an operation that lost elements returns an error |
//! | [`MmapArray`] | that nobody else changes: a copy in memory, an unnamed file, a snapshot or, by an `unsafe` call, a file | as a slice |
//! | [`ArrayView`] | borrowed from one of these or from a slice | by index, slice, transpose, field or another type, with strides, at any alignment |
//! | [`DynArray`], [`DynView`] | of a [`DType`] that is known only at run time | fields by name, values, conversions, printing |
//!
//! [`Options`] and [`CreateOptions`] list the ways to open and to create them. [`npy`] does the same for NumPy's files,
//! and `npz` and `tar` for the members of archives. [`npy::fill`](npy::fill()) lets many processes fill one file, any
//! of which may be killed. Elements are numbers, arrays of them, the types in [`element`], and
//! [records](guide::records): structs whose fields have names.
//!
//! # Safety
//!
//! Other programs may change a file at any time, and truncate it. There are three ways to open one:
//!
//! | call | access | `unsafe` |
//! | --- | --- | --- |
//! | [`open_shared`](Options::open_shared), [`open_shared_mut`](Options::open_shared_mut), [`open_or_create_shared`](CreateOptions::open_or_create_shared) | any file, by value | no |
//! | [`load`](Options::load), [`scratch`](CreateOptions::scratch), [`anonymous`](CreateOptions::anonymous), [`open_snapshot`](Options::open_snapshot), [`open_sealed`](Options::open_sealed) | memory and files that nobody else can change, by reference | no |
//! | [`open`](Options::open), [`open_mut`](Options::open_mut), [`open_cow`](Options::open_cow), [`create`](CreateOptions::create) and others | any file, by reference | yes: while the array lives, nobody else may write its elements or make the file shorter than their end ([the contract](MmapArray#safety)) |
//!
//! Everything after the opening is safe, whatever the file contains. What a mode forbids does not compile: writing to a
//! read-only array ([`Exclusive`](access::Exclusive)), writing elements with padding ([`Load`](access::Load)), and
//! elements of zero bytes:
//!
//! ```compile_fail
//! let array = mmap_array::MmapArrayMut::<[u8; 0]>::anonymous([10]);
//! ```
//!
//! # Performance
//!
//! A loop over the slice or over a view takes as long as the same loop over a `&[T]`, and [`sum`](ArrayView::sum), the
//! other reductions and the conversions take less. To be fast, open the window and not the file, go through it in
//! storage order, and announce what is needed next ([`prefetch`](MmapArray::prefetch), [`advise`](MmapArray::advise))
//! if the disk is slow. Each operation on a [`SharedArray`] ends with one check, which takes half a microsecond, so do
//! much in one operation. [Measurements](guide::performance).
//!
//! # Features
//!
//! Integrations and archives are behind Cargo features.
//!
//! | feature | adds |
//! | --- | --- |
//! | `derive` (default) | `#[derive(Record)]`, for structs whose fields have names |
//! | `npz` | the module `npz`: NumPy's archives |
//! | `flate2`, `ruzstd` | loading of `.npy.gz` and `.npy.zst` files, and of members of archives |
//! | `bzip2`, `lzma-rust2` | loading of members of `.npz` archives that are compressed by bzip2 and lzma |
//! | `tar` | the module `tar`: members of uncompressed tar archives |
//! | `ndarray` | conversions of views to and from ndarray's, without a copy |
//! | `arrow` | rows as Arrow's columns, without a copy if their layout is Arrow's, and Arrow's batches as records |
//! | `rayon` | parallel iteration, reductions and copies |
//! | `serde` | [`DType`] and [`npy::Header`] as strings in serde's formats |
//! | `half`, `float8`, `num-complex` | the element types `f16` and `bf16`, 8-bit floats, `Complex<f32>` and `Complex<f64>` |
//! | `chrono` | conversions of times to and from chrono's |
//! | `stable_deref_trait` | `StableDeref` for arrays |
//!
//! # Guide
//!
//! - [Tutorial](guide::tutorial): from `cargo new` to a printed result.
//! - [Cookbook](guide::cookbook): tasks from images to shared counters, each a whole program.
//! - [Which way to open](guide::opening), [records and padding](guide::records), [errors](guide::errors).
//! - [From NumPy](guide::numpy): a table of names.
//! - [Safety](guide::safety), [performance](guide::performance).
//! - [Reading what others write](guide::sharing), [many writers](guide::processes), [SQL and clusters](guide::engines).

// On docs.rs each item says which feature it needs.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod access;
pub mod array;
pub mod dtype;
pub mod dynamic;
pub mod element;
mod error;
mod field;
pub mod guide;
#[cfg(any(
    feature = "arrow",
    feature = "ndarray",
    feature = "rayon",
    feature = "serde",
    feature = "stable_deref_trait"
))]
pub mod interop;
mod io;
mod nearest;
pub mod npy;
#[cfg(feature = "npz")]
pub mod npz;
pub mod packed;
mod print;
mod region;
mod shape;
#[cfg(feature = "tar")]
pub mod tar;
pub mod view;

#[doc(inline)]
pub use array::{CreateOptions, MmapArray, MmapArrayMut, Options, SharedArray, SharedArrayMut, shared};
pub use bytemuck;
#[doc(inline)]
pub use dtype::DType;
#[doc(inline)]
pub use dynamic::{DynArray, DynArrayMut, DynView, DynViewMut, SharedDynArray};
#[cfg(feature = "derive")]
pub use element::record::Record;
#[doc(inline)]
pub use element::{Be, Element, Le};
pub use error::{Error, ErrorKind, Result};
pub use io::fromfile;
pub use shape::Order;
#[doc(inline)]
pub use view::{ArrayView, ArrayViewMut};

/// What the code that `#[derive(Record)]` writes calls.
#[doc(hidden)]
pub mod __private {
    pub use crate::element::record::{field, record};
}

/// The README's code, run as a test.
#[cfg(all(doctest, feature = "derive"))]
#[doc = include_str!("../README.md")]
struct Readme;
