//! The guide: pages about tasks, concepts and measurements, beside the reference of the items.
//!
//! | page | contents |
//! | --- | --- |
//! | [`tutorial`] | from `cargo new` to a printed result |
//! | [`cookbook`] | tasks from images to shared counters, each a whole program |
//! | [`opening`] | which call opens or creates an array |
//! | [`records`] | files of structs, padding, packed fields |
//! | [`errors`] | kinds of errors, panics, signals |
//! | [`numpy`] | NumPy's names, and what does the same here |
//! | [`safety`] | what other programs can do to a mapped file |
//! | [`performance`] | what makes a mapped array fast or slow, with measurements |
//! | [`sharing`] | reading files that others write and truncate |
//! | [`processes`] | many threads, processes or hosts that write one file |
//! | [`engines`] | SQL and clusters over the same files |

#[doc = include_str!("guide/tutorial.md")]
pub mod tutorial {}

#[doc = include_str!("guide/cookbook.md")]
pub mod cookbook {}

/// Which way to open or create an array.
///
#[doc = include_str!("guide/orders.svg")]
#[doc = ""]
#[doc = include_str!("guide/opening.md")]
pub mod opening {}

#[doc = include_str!("guide/records.md")]
pub mod records {}

#[doc = include_str!("guide/errors.md")]
pub mod errors {}

#[doc = include_str!("guide/numpy.md")]
pub mod numpy {}

#[doc = include_str!("guide/safety.md")]
pub mod safety {}

#[doc = include_str!("guide/performance.md")]
pub mod performance {}

#[doc = include_str!("guide/sharing.md")]
pub mod sharing {}

/// Many writers: threads, processes and hosts that fill one file.
///
#[doc = include_str!("guide/fill.svg")]
#[doc = ""]
#[doc = include_str!("guide/processes.md")]
pub mod processes {}

#[doc = include_str!("guide/engines.md")]
pub mod engines {}
