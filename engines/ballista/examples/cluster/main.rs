//! Runs a cluster on this machine: one scheduler and two executors as processes, over shards in a folder. Kills one of
//! the executors in the middle of a query, and checks that the answer is the same.
//!
//! ```text
//! cargo run --release --example cluster
//! ```
//!
//! The program creates eight temporary shards of readings, and deletes them at the end.
#![forbid(unsafe_code)]

mod processes;
mod readings;

use arrow::util::pretty::pretty_format_batches;
use clap::Parser;
use datafusion::error::Result;
use datafusion::prelude::{SessionConfig, SessionContext};
use mmap_array_ballista::{Arguments, connect};
use mmap_array_datafusion::RegisterNpy;
use processes::{Cluster, wait_for};
use readings::{Reading, make};
use std::process::ExitCode;
use std::time::Instant;

const SHARDS: usize = 8;
/// The number of rows in a shard, so that a query takes some seconds.
const ROWS: usize = if cfg!(debug_assertions) { 250_000 } else { 5_000_000 };

#[tokio::main]
async fn main() -> ExitCode {
    if std::env::args_os().len() > 1 {
        // This is one of the processes that are started below.
        env_logger::init();
        return Arguments::parse().run().await;
    }
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cluster: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let shards = folder.path().join("shards");
    make(&shards, SHARDS, ROWS)?;
    println!("{SHARDS} shards of {ROWS} records of {} bytes", size_of::<Reading>());
    let question = "SELECT sensor, count(*) AS n, avg(value) AS mean, max(time) AS last FROM readings GROUP BY sensor";
    let question = format!("SELECT count(*) AS sensors, sum(n) AS readings, max(mean), max(last) FROM ({question})");
    println!("{question}");

    let alone = SessionContext::new();
    let mut cluster = Cluster::start(&std::env::current_exe()?, folder.path(), &[folder.path(), folder.path()]);
    let config = SessionConfig::new().with_target_partitions(SHARDS);
    let clustered = connect(&format!("df://127.0.0.1:{}", cluster.port), config).await?;
    for ctx in [&alone, &clustered] {
        ctx.register_npy("readings", &shards)?;
    }
    let expected = answer("this process      ", &alone, &question).await?;
    let whole = answer("two executors     ", &clustered, &question).await?;

    let parts_before = cluster.parts(1);
    let asked = tokio::spawn(async move { answer("one of them killed", &clustered, &question).await });
    wait_for("the second executor's part of the answer", || cluster.parts(1) > parts_before || asked.is_finished());
    let in_the_middle = !asked.is_finished();
    cluster.kill_one();
    let killed = asked.await.map_err(|error| datafusion::error::DataFusionError::External(Box::new(error)))??;
    println!("{expected}");
    if whole != expected || killed != expected || !in_the_middle {
        eprintln!("two executors:\n{whole}\none killed (in the middle: {in_the_middle}):\n{killed}");
        return Err(datafusion::error::DataFusionError::Execution("the answers differ".to_owned()));
    }
    println!("all three answers are the same");
    Ok(())
}

async fn answer(who: &str, ctx: &SessionContext, question: &str) -> Result<String> {
    let start = Instant::now();
    let batches = ctx.sql(question).await?.collect().await?;
    println!("{who}  {:.2} s", start.elapsed().as_secs_f64());
    Ok(pretty_format_batches(&batches)?.to_string())
}
