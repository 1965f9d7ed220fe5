//! Views for other libraries: what they work on is found, and not copied. Descriptions for serde.

#[cfg(feature = "ndarray")]
mod ndarray;
#[cfg(feature = "rayon")]
mod rayon;
#[cfg(feature = "serde")]
mod serde;
#[cfg(feature = "stable_deref_trait")]
mod stable_deref_trait;

#[cfg(feature = "rayon")]
pub use self::rayon::{ParAxisChunks, ParAxisIter, ParIter};
