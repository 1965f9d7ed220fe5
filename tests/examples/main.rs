//! The examples do what their head comments say, against independent readers of the same files.
//!
//! They are built in as modules and called as functions, so that they are tested wherever the library is, also where a
//! test cannot start another program.

mod cutter;
mod elf_symbols;
mod fits_image;
mod git_index;
#[cfg(feature = "derive")]
mod nifti_slice;
mod normalize;
#[cfg(feature = "derive")]
mod parallel_fill;
mod portion;
#[allow(dead_code)]
#[path = "../python/mod.rs"]
mod python;
mod stl_bounds;
#[cfg(feature = "derive")]
mod ticks;
mod tokens;
mod tz_transitions;
mod wav_peaks;
