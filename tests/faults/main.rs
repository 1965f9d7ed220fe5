//! Disks that fail, programs that are killed, and crowds: nothing that was said to be there is lost.
#![cfg(target_os = "linux")]

mod calls;
mod creation;
mod crowd;
mod disks;
mod inject;
#[path = "../mounts/mod.rs"]
mod mounts;
mod operations;
mod power;
