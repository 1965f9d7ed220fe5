//! Disks that fail, programs that are killed, and crowds: nothing that was said to be there is lost.
#![cfg(target_os = "linux")]

mod creation;
mod disks;
#[path = "../mounts/mod.rs"]
mod mounts;
