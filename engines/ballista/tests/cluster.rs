//! Tests of a scheduler and two executors as processes on this machine, over shards in a common folder.
#![cfg(target_os = "linux")]

#[path = "../examples/cluster/processes.rs"]
mod processes;
#[path = "../examples/cluster/readings.rs"]
mod readings;

use arrow::util::pretty::pretty_format_batches;
use datafusion::error::Result;
use datafusion::prelude::{SessionConfig, SessionContext};
use mmap_array::npy;
use mmap_array_ballista::connect;
use mmap_array_datafusion::{NpyTable, RegisterNpy};
use processes::{Cluster, wait_for};
use readings::make;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// The time that an answer may take.
const PATIENCE: Duration = Duration::from_secs(240);

const PROGRAM: &str = env!("CARGO_BIN_EXE_npy-ballista");

async fn connected(cluster: &Cluster) -> Result<SessionContext> {
    let config = SessionConfig::new().with_target_partitions(8);
    connect(&format!("df://127.0.0.1:{}", cluster.port), config).await
}

async fn answer(ctx: &SessionContext, question: &str) -> Result<String> {
    Ok(pretty_format_batches(&ctx.sql(question).await?.collect().await?)?.to_string())
}

const QUESTIONS: [&str; 4] = [
    "SELECT count(*), sum(value), min(time), max(time) FROM readings",
    "SELECT sensor, count(*) AS n, avg(value) AS mean FROM readings GROUP BY sensor ORDER BY sensor LIMIT 20",
    "SELECT a.sensor, count(*) AS n FROM readings a JOIN sensors b ON a.sensor = b.value GROUP BY a.sensor ORDER BY a.sensor",
    "SELECT time, value FROM readings WHERE time >= 5000 AND time < 5010 ORDER BY time",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_answers_as_one_machine_does() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (shards, sensors) = (dir.path().join("shards"), dir.path().join("sensors.npy"));
    make(&shards, 6, 5000)?;
    npy::save(&sensors, &[3_u16, 5, 700]).map_err(std::io::Error::from)?;
    let cluster = Cluster::start(Path::new(PROGRAM), dir.path(), &[dir.path(), dir.path()]);
    let (ctx, alone) = (connected(&cluster).await?, SessionContext::new());
    for ctx in [&ctx, &alone] {
        ctx.register_table("readings", Arc::new(NpyTable::open(&shards)?.sorted_by("time")?))?;
        ctx.register_npy("sensors", &sensors)?;
    }
    for question in QUESTIONS {
        assert_eq!(answer(&ctx, question).await?, answer(&alone, question).await?, "{question}");
    }
    // By a statement, and with what is known of each shard.
    let create = format!(
        "CREATE EXTERNAL TABLE known STORED AS NPY LOCATION '{}' OPTIONS ('npy.analyze' 'true')",
        shards.display()
    );
    ctx.sql(&create).await?;
    alone.register_npy("known", &shards)?;
    let question = "SELECT count(*), max(value) FROM known WHERE time < 12000 AND sensor = 7";
    assert_eq!(answer(&ctx, question).await?, answer(&alone, question).await?);

    // By the program.
    let output = Command::new(PROGRAM)
        .args(["sql", "--scheduler", "127.0.0.1", "--scheduler-port", &cluster.port.to_string(), QUESTIONS[0]])
        .arg(format!("readings={}", shards.display()))
        .output()?;
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), answer(&alone, QUESTIONS[0]).await?);
    let output = Command::new(PROGRAM)
        .args(["sql", "--scheduler", "127.0.0.1", "--scheduler-port", &cluster.port.to_string(), "--first"])
        .arg(create.replace("known", "readings"))
        .arg(QUESTIONS[3])
        .output()?;
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), answer(&alone, QUESTIONS[3]).await?);
    assert!(cluster.parts(0) > 0 && cluster.parts(1) > 0);
    Ok(())
}

/// A shuffle between machines keeps no order, so a plan must not rely on that of the rows in the files.
#[tokio::test(flavor = "multi_thread")]
async fn groups_of_a_sorted_column_come_in_order_every_time() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let shards = dir.path().join("shards");
    make(&shards, 8, 5000)?;
    let cluster = Cluster::start(Path::new(PROGRAM), dir.path(), &[dir.path(), dir.path()]);
    let config = SessionConfig::new().with_target_partitions(4);
    let ctx = connect(&format!("df://127.0.0.1:{}", cluster.port), config).await?;
    let alone = SessionContext::new();
    for ctx in [&ctx, &alone] {
        ctx.register_table("readings", Arc::new(NpyTable::open(&shards)?.sorted_by("time")?))?;
    }
    for question in [
        "SELECT time, count(*) AS n FROM readings GROUP BY time ORDER BY time LIMIT 3",
        "SELECT DISTINCT time FROM readings ORDER BY time LIMIT 5",
        "SELECT time, sum(n) OVER (ORDER BY time) AS running
         FROM (SELECT time, count(*) AS n FROM readings GROUP BY time) ORDER BY time LIMIT 4",
    ] {
        let expected = answer(&alone, question).await?;
        for _ in 0..5 {
            assert_eq!(answer(&ctx, question).await?, expected, "{question}");
        }
        // Which answers are wrong otherwise depends on which executor is quicker. The plan does not.
        let explained = |plan: &str| plan.contains("output_ordering");
        let explain = format!("EXPLAIN {question}");
        assert!(
            explained(&answer(&alone, &explain).await?) && !explained(&answer(&ctx, &explain).await?),
            "{question}"
        );
    }
    Ok(())
}

/// Subarrays, further axes and nested records are indexed on executors too.
#[tokio::test(flavor = "multi_thread")]
async fn functions_of_lists_and_structs_run_in_a_cluster() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("matrix.npy");
    let rows: Vec<[i32; 3]> = (0..3000).map(|row| [row, 2 * row, 3 * row]).collect();
    npy::save(&path, &rows).map_err(std::io::Error::from)?;
    let cluster = Cluster::start(Path::new(PROGRAM), dir.path(), &[dir.path(), dir.path()]);
    let (ctx, alone) = (connected(&cluster).await?, SessionContext::new());
    for ctx in [&ctx, &alone] {
        ctx.register_npy("matrix", &path)?;
    }
    for question in [
        "SELECT sum(value[2]) AS second, max(array_length(value)) AS length FROM matrix",
        "SELECT max(named_struct('a', value[1])['a']) AS a FROM matrix",
    ] {
        assert_eq!(answer(&ctx, question).await?, answer(&alone, question).await?, "{question}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_executor_that_is_killed_is_made_up_for() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let shards = dir.path().join("shards");
    make(&shards, 8, 250_000)?;
    let mut cluster = Cluster::start(Path::new(PROGRAM), dir.path(), &[dir.path(), dir.path()]);
    let (ctx, alone) = (connected(&cluster).await?, SessionContext::new());
    ctx.register_npy("readings", &shards)?;
    alone.register_npy("readings", &shards)?;
    let question = "SELECT sensor, count(*) AS n, sum(value) AS total FROM readings GROUP BY sensor ORDER BY sensor";
    let expected = answer(&alone, question).await?;
    let asked = tokio::spawn({
        let ctx = ctx.clone();
        async move { answer(&ctx, question).await }
    });
    // It has done some of its tasks, of which there are more.
    wait_for("the second executor's work", || cluster.parts(1) > 0);
    assert!(!asked.is_finished());
    cluster.kill_one();
    let found = tokio::time::timeout(PATIENCE, asked).await.expect("an answer").expect("no panic")?;
    assert_eq!(found, expected);
    Ok(())
}

/// If one of the executors does not find a shard, or finds it truncated, the query fails with an error that names it.
#[tokio::test(flavor = "multi_thread")]
async fn a_shard_that_one_executor_does_not_have_is_named() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (whole, without) = (dir.path().join("whole"), dir.path().join("without"));
    for folder in [&whole, &without] {
        fs::create_dir(folder)?;
        make(&folder.join("shards"), 4, 20_000)?;
    }
    fs::remove_dir_all(without.join("shards"))?;
    // One path, and of each process another folder.
    let cluster = Cluster::start(Path::new(PROGRAM), dir.path(), &[&whole, &without]);
    std::env::set_current_dir(&whole)?;
    let ctx = connected(&cluster).await?;
    ctx.register_npy("readings", "/proc/self/cwd/shards")?;
    let question = "SELECT sensor, sum(value) AS total FROM readings GROUP BY sensor ORDER BY sensor";
    let asked = tokio::time::timeout(PATIENCE, answer(&ctx, question)).await.expect("an answer");
    match asked {
        // The other executor may be so quick that it does all.
        Ok(found) => {
            let alone = SessionContext::new();
            alone.register_npy("readings", whole.join("shards"))?;
            assert_eq!(found, answer(&alone, question).await?);
        }
        Err(error) => assert!(error.to_string().contains("/proc/self/cwd/shards/0"), "{error}"),
    }
    File::options().write(true).open(whole.join("shards/01.npy"))?.set_len(5000)?;
    let error = tokio::time::timeout(PATIENCE, answer(&ctx, question)).await.expect("an answer");
    let error = error.unwrap_err().to_string();
    assert!(error.contains("/proc/self/cwd/shards/0"), "{error}");
    Ok(())
}
