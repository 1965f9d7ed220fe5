//! Views for other libraries: what they work on is found, and not copied.

#[cfg(feature = "ndarray")]
mod ndarray;
#[cfg(feature = "rayon")]
pub(crate) mod rayon;
#[cfg(feature = "stable_deref_trait")]
mod stable_deref_trait;
