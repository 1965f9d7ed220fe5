//! `npy-ballista`: the scheduler, the executors and a client of a cluster that queries `.npy` files.
#![forbid(unsafe_code)]

use clap::Parser;
use mmap_array_ballista::Arguments;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    // What the engine says is for those who set RUST_LOG.
    env_logger::init();
    Arguments::parse().run().await
}
