//! `.npy` files as tables of [DataFusion](https://datafusion.apache.org): one file, a stored member of an `.npz`
//! archive, or a folder of files that are parts of one table.
//!
//! Nothing is converted or read before a query: each partition of a scan maps its rows and creates batches of the
//! requested columns. Files are opened by [`open_shared`](mmap_array::Options::open_shared), so that a query fails with
//! an error if a file is truncated while it runs.
//!
//! ```
//! use datafusion::prelude::SessionContext;
//! use mmap_array_datafusion::RegisterNpy;
//! # #[tokio::main]
//! # async fn main() -> datafusion::error::Result<()> {
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("prices.npy");
//! mmap_array::npy::save(&path, &[1.5, 2.5, 4.0]).map_err(std::io::Error::from)?;
//! let ctx = SessionContext::new();
//! ctx.register_npy("prices", &path)?;
//! let answer = ctx.sql("SELECT sum(value) AS total FROM prices WHERE value > 2").await?.collect().await?;
//! # use arrow::array::AsArray;
//! assert_eq!(answer[0].column(0).as_primitive::<arrow::datatypes::Float64Type>().value(0), 6.5);
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod analyze;
mod bisect;
mod factory;
mod files;
#[cfg(feature = "proto")]
pub mod proto;
mod shard;
mod source;
mod table;

pub use factory::NpyTableFactory;
pub use table::{NpyTable, RegisterNpy};
