//! A file, or any portion of it, as a typed, shaped array that is never loaded, only mapped: `numpy.memmap` for Rust.

mod error;
mod region;
mod shape;

pub use error::{Error, ErrorKind, Result};
pub use region::Advice;
pub use shape::{INFER, IntoShape, MAX_NDIM, Order};
