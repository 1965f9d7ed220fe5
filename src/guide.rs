//! Pages on what a mapped array is: when it is safe, when it is fast, how to read what others write, how many write one, and
//! which engines ask questions of it.

#[doc = include_str!("guide/safety.md")]
pub mod safety {}

#[doc = include_str!("guide/sharing.md")]
pub mod sharing {}

#[doc = include_str!("guide/performance.md")]
pub mod performance {}

#[doc = include_str!("guide/processes.md")]
pub mod processes {}

#[doc = include_str!("guide/engines.md")]
pub mod engines {}
