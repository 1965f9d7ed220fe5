//! Disks that fail, programs that are killed, and crowds: nothing that was said to be there is lost.
#![cfg(target_os = "linux")]

// Calls are counted by their numbers, which each machine has its own.

#[cfg(target_arch = "x86_64")]
mod calls;
mod creation;
mod crowd;
mod disks;
#[cfg(target_arch = "x86_64")]
mod inject;
#[path = "../mounts/mod.rs"]
mod mounts;
#[cfg(target_arch = "x86_64")]
mod operations;
#[cfg(target_arch = "x86_64")]
mod power;
#[path = "../random/mod.rs"]
mod random;
