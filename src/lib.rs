//! A file, or any portion of it, as a typed, shaped array that is never loaded, only mapped: `numpy.memmap` for Rust.

mod access;
mod error;
mod field;
mod print;
mod region;
mod shape;
mod view;

pub use access::{Access, CopyOnWrite, Exclusive, ReadOnly, ReadWrite};
pub use error::{Error, ErrorKind, Result};
pub use field::Field;
pub use region::Advice;
pub use shape::{INFER, IntoShape, MAX_NDIM, Order};
pub use view::{ArrayView, ArrayViewMut, AxisIter, AxisSlice, Iter, Numeric, Slices};
