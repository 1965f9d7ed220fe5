//! The program `npy-ballista`: the scheduler, the executors and a client of a cluster that queries `.npy` files.
#![forbid(unsafe_code)]

use clap::Parser;
use mmap_array_ballista::Arguments;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    // The engine's log is printed only if RUST_LOG is set.
    env_logger::init();
    Arguments::parse().run().await
}
