//! `.npy` files as tables of a [Ballista](https://datafusion.apache.org/ballista/) cluster: DataFusion's queries on many
//! machines that see the same files by the same paths.
//!
//! What goes from machine to machine is which files a table has, how many rows each has and of what, and which rows and
//! fields each task reads; never the rows themselves. Each executor maps its own. A file that one of them does not find, or
//! finds shorter than the client did, is the query's error and names the file.
//!
//! Client, scheduler and executors must all be of this crate, since Ballista's own programs know of no such tables. The
//! program `npy-ballista` of this package is all three; [`connect`], [`scheduler`] and [`executor`] are for programs that
//! are more.
//!
//! ```no_run
//! use datafusion::prelude::SessionConfig;
//! use mmap_array_ballista::connect;
//! use mmap_array_datafusion::RegisterNpy;
//!
//! # async fn example() -> datafusion::error::Result<()> {
//! let ctx = connect("df://scheduler:50050", SessionConfig::new()).await?;
//! ctx.register_npy("ticks", "/shared/ticks/")?;
//! ctx.sql("SELECT symbol, avg(price) FROM ticks GROUP BY symbol").await?.show().await?;
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod command;

pub use command::Arguments;

use ballista::extension::{SessionConfigExt, SessionContextExt};
use ballista_core::error::{BallistaError, Result};
use ballista_core::serde::{BallistaLogicalExtensionCodec, BallistaPhysicalExtensionCodec};
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::SchedulerConfig;
use ballista_scheduler::scheduler_process::start_server;
use datafusion::execution::SessionStateBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use mmap_array_datafusion::RegisterNpy;
use mmap_array_datafusion::proto::{NpyLogicalCodec, NpyPhysicalCodec};
use std::net::ToSocketAddrs;
use std::sync::Arc;

fn logical_codec() -> Arc<NpyLogicalCodec> {
    Arc::new(NpyLogicalCodec::new(Arc::new(BallistaLogicalExtensionCodec::default())))
}

fn physical_codec() -> Arc<NpyPhysicalCodec> {
    Arc::new(NpyPhysicalCodec::new(Arc::new(BallistaPhysicalExtensionCodec::default())))
}

/// Connects to a scheduler, `df://HOST:PORT`, for queries of `.npy` files: by
/// [`register_npy`](RegisterNpy::register_npy), and `CREATE EXTERNAL TABLE … STORED AS NPY` in SQL.
///
/// Paths are made absolute, and are those of every machine.
///
/// # Errors
///
/// Where the address cannot be read. That there is no scheduler is the first query's error.
pub async fn connect(url: &str, config: SessionConfig) -> datafusion::error::Result<SessionContext> {
    let config = config
        .upgrade_for_ballista()
        .with_ballista_logical_extension_codec(logical_codec())
        .with_ballista_physical_extension_codec(physical_codec());
    let state = SessionStateBuilder::new().with_config(config).with_default_features().build();
    let ctx = SessionContext::remote_with_state(url, state).await?;
    ctx.register_npy_format();
    Ok(ctx)
}

/// Runs a scheduler that knows tables of `.npy` files. It does not return before it fails.
///
/// # Errors
///
/// Where it cannot listen, or the settings contradict each other.
pub async fn scheduler(config: SchedulerConfig) -> Result<()> {
    let config = SchedulerConfig {
        override_logical_codec: Some(logical_codec()),
        override_physical_codec: Some(physical_codec()),
        ..config
    };
    let place = (config.bind_host.as_str(), config.bind_port);
    let address = place.to_socket_addrs()?.next();
    let address = address.ok_or_else(|| BallistaError::Configuration(format!("{}: no such host", config.bind_host)))?;
    let cluster = BallistaCluster::new_from_config(&config).await?;
    start_server(cluster, address, Arc::new(config)).await
}

/// Runs an executor that reads `.npy` files. It returns when it is told to stop, by `SIGTERM` or by the scheduler.
///
/// # Errors
///
/// Where it cannot listen, or finds no scheduler.
pub async fn executor(config: ExecutorProcessConfig) -> Result<()> {
    let config = ExecutorProcessConfig {
        override_logical_codec: Some(logical_codec()),
        override_physical_codec: Some(physical_codec()),
        ..config
    };
    start_executor_process(Arc::new(config)).await
}
