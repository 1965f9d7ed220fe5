//! The commands of `npy-ballista`.

use crate::{connect, executor, scheduler};
use ballista_executor::executor_process::ExecutorProcessConfig;
use ballista_scheduler::config::SchedulerConfig;
use clap::{Parser, Subcommand};
use datafusion::prelude::SessionConfig;
use mmap_array_datafusion::RegisterNpy;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

/// Queries `.npy` files with many machines that have the same files at the same paths.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the scheduler, to which clients and executors connect.
    Scheduler {
        /// The address to listen on; 0.0.0.0 listens on all addresses of this machine.
        #[arg(long, default_value = "127.0.0.1")]
        bind: String,
        #[arg(long, default_value_t = 50050)]
        port: u16,
        /// The name by which executors connect to this machine.
        #[arg(long, default_value = "localhost")]
        host: String,
        /// The number of seconds without a heartbeat after which an executor is considered dead and others repeat its
        /// tasks: several times `executor --heartbeat`.
        #[arg(long, default_value_t = 60)]
        timeout: u64,
    },
    /// Runs an executor, which reads files for the scheduler.
    Executor {
        /// The name of the scheduler's machine.
        #[arg(long, default_value = "localhost")]
        scheduler: String,
        #[arg(long, default_value_t = 50050)]
        scheduler_port: u16,
        /// The address to listen on; 0.0.0.0 listens on all addresses of this machine.
        #[arg(long, default_value = "127.0.0.1")]
        bind: String,
        /// The name by which the other machines connect to this one.
        #[arg(long)]
        host: Option<String>,
        #[arg(long, default_value_t = 50051)]
        port: u16,
        #[arg(long, default_value_t = 50052)]
        grpc_port: u16,
        /// The folder for intermediate results [default: a temporary folder].
        #[arg(long)]
        work_dir: Option<PathBuf>,
        /// The number of tasks to run at once; 0 for the number of processors.
        #[arg(long, default_value_t = 0)]
        tasks: usize,
        /// The number of seconds between heartbeats to the scheduler.
        #[arg(long, default_value_t = 10)]
        heartbeat: u64,
    },
    /// Runs a query in SQL and prints its result.
    Sql {
        /// The name of the scheduler's machine.
        #[arg(long, default_value = "localhost")]
        scheduler: String,
        #[arg(long, default_value_t = 50050)]
        scheduler_port: u16,
        /// The number of partitions of scans [default: the number of processors of this machine].
        #[arg(long)]
        partitions: Option<usize>,
        /// Statements to run first, such as `CREATE EXTERNAL TABLE … STORED AS NPY …`.
        #[arg(long)]
        first: Vec<String>,
        question: String,
        /// Tables as `name=path`, where the path is a file, or a folder of files that are parts of one table.
        tables: Vec<String>,
    },
}

impl Arguments {
    /// Runs the command, and returns the exit status of the program. A scheduler or an executor runs until it ends.
    pub async fn run(self) -> ExitCode {
        match run(self.command).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("npy-ballista: {error}");
                ExitCode::FAILURE
            }
        }
    }
}

async fn run(command: Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::Scheduler { bind, port, host, timeout } => {
            let config = SchedulerConfig {
                bind_host: bind,
                bind_port: port,
                external_host: host,
                executor_timeout_seconds: timeout,
                no_executors_grace_period_seconds: timeout,
                expire_dead_executor_interval_seconds: (timeout / 4).max(1),
                ..SchedulerConfig::default()
            };
            scheduler(config).await?;
        }
        Command::Executor { scheduler, scheduler_port, bind, host, port, grpc_port, work_dir, tasks, heartbeat } => {
            let work_dir = work_dir.map(|dir| std::path::absolute(dir).map(|dir| dir.display().to_string()));
            let config = ExecutorProcessConfig {
                scheduler_host: scheduler,
                scheduler_port,
                bind_host: bind,
                external_host: host,
                port,
                grpc_port,
                work_dir: work_dir.transpose()?,
                vcores: tasks,
                executor_heartbeat_interval_seconds: heartbeat,
                // The results of executors that were killed are deleted after a day.
                job_data_clean_up_interval_seconds: 3600,
                job_data_ttl_seconds: 24 * 3600,
                ..ExecutorProcessConfig::default()
            };
            executor(config).await?;
        }
        Command::Sql { scheduler, scheduler_port, partitions, first, question, tables } => {
            let config = SessionConfig::new();
            let config = match partitions {
                Some(partitions) => config.with_target_partitions(partitions),
                None => config,
            };
            let ctx = connect(&format!("df://{scheduler}:{scheduler_port}"), config).await?;
            for table in tables {
                let (name, path) =
                    table.split_once('=').ok_or_else(|| format!("{table}: expected a table as name=path"))?;
                ctx.register_npy(name, path)?;
            }
            for statement in first {
                ctx.sql(&statement).await?.collect().await?;
            }
            ctx.sql(&question).await?.show().await?;
        }
    }
    Ok(())
}
