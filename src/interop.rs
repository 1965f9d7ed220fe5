//! Integrations with other crates: zero-copy views for ndarray, columns for Arrow, parallel iterators with rayon, and
//! serialized descriptions for serde.

#[cfg(feature = "arrow")]
pub mod arrow;
#[cfg(feature = "ndarray")]
mod ndarray;
#[cfg(feature = "rayon")]
mod rayon;
#[cfg(feature = "serde")]
mod serde;
#[cfg(feature = "stable_deref_trait")]
mod stable_deref_trait;

#[cfg(feature = "arrow")]
#[doc(inline)]
pub use self::arrow::{ArrowOptions, FromArrow, RecordWriter, ToArrow};
#[cfg(feature = "rayon")]
pub use self::rayon::{ParAxisChunks, ParAxisIter, ParIter};
