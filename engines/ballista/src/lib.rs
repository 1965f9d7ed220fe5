//! `.npy` files as tables of a [Ballista](https://datafusion.apache.org/ballista/) cluster: DataFusion queries on many
//! machines that have the same files at the same paths.
//!
//! The machines send each other the files of a table, their dtype and numbers of rows, and the rows and fields that
//! each task reads, but never the contents of the files. Each executor maps its own rows. If an executor does not find
//! a file, or finds it shorter than the client did, the query fails with an error that names the file.
//!
//! Client, scheduler and executors must all use this crate, because Ballista's own programs do not support these
//! tables. The program `npy-ballista` of this package contains all three; [`connect`], [`scheduler`] and [`executor`]
//! are for use in other programs.
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
use ballista_core::registry::BallistaFunctionRegistry;
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

/// Connects to a scheduler, `df://HOST:PORT`, to query `.npy` files.
///
/// Tables are created by [`register_npy`](RegisterNpy::register_npy), or by `CREATE EXTERNAL TABLE … STORED AS NPY` in
/// SQL. Their paths are made absolute, and must name the same files on every machine.
///
/// # Errors
///
/// Returns an error if the address is invalid. If there is no scheduler at the address, the first query fails.
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

/// Runs a scheduler that supports tables of `.npy` files. Returns only if it fails.
///
/// # Errors
///
/// Returns an error if it cannot listen on the address, or if the settings contradict each other.
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

/// Runs an executor that reads `.npy` files. Returns when it is stopped by `SIGTERM` or by the scheduler.
///
/// # Errors
///
/// Returns an error if it cannot listen on its ports, or cannot connect to the scheduler.
pub async fn executor(config: ExecutorProcessConfig) -> Result<()> {
    // All functions of the engine: by default an executor has none of arrays and records.
    let state = SessionStateBuilder::new().with_default_features().build();
    let config = ExecutorProcessConfig {
        override_logical_codec: Some(logical_codec()),
        override_physical_codec: Some(physical_codec()),
        override_function_registry: Some(Arc::new(BallistaFunctionRegistry::from(&state))),
        ..config
    };
    start_executor_process(Arc::new(config)).await
}
