//! Power that fails: the disk as it is at a moment, which is mounted elsewhere and looked at.
//!
//! The disk is a file, behind a file system of the kernel's. What the file system has not written by then is lost, as
//! it is when the power fails; what it has written is all there, while a real disk may lose that too, until it is
//! flushed.

use crate::calls;
use crate::inject::Fault;
use crate::mounts::{self, Mounts};
use crate::operations::{self, Operation};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, io};

fn on_a_disk(make: &str, mount: &str) {
    let script = format!(
        r#"
PATH="$PATH:/usr/sbin:/sbin"
mount -t tmpfs none "$FOLDER" && cd "$FOLDER" && mkdir disk copy || exit 77
truncate -s 320M image && {make} image >&2 && mount -o loop image disk || exit 77
MOUNT="{mount}" "$0" --exact "$TEST" --ignored --nocapture
code=$?
umount disk
exit $code
"#
    );
    mounts::run(Mounts::OfRoot, "power::on_disk", &script);
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
fn what_is_there_on_ext4_is_whole_when_the_power_fails() {
    on_a_disk("mkfs.ext4 -q -F", "loop");
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
fn what_is_there_on_xfs_is_whole_when_the_power_fails() {
    on_a_disk("mkfs.xfs -q", "loop,nouuid");
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
fn what_is_there_on_btrfs_is_whole_when_the_power_fails() {
    on_a_disk("mkfs.btrfs -q", "loop");
}

fn folder() -> PathBuf {
    PathBuf::from(env::var_os("FOLDER").unwrap())
}

/// A copy of the disk as it is now, mounted.
struct Copy;

impl Copy {
    fn take() -> Self {
        let (image, copy) = (folder().join("image"), folder().join("copied"));
        let (mut from, mut to) = (File::open(&image).unwrap(), File::create(&copy).unwrap());
        to.set_len(from.metadata().unwrap().len()).unwrap();
        // Without what was never written.
        let mut at = 0;
        while let Ok(start) = rustix::fs::seek(&from, rustix::fs::SeekFrom::Data(at)) {
            let end = rustix::fs::seek(&from, rustix::fs::SeekFrom::Hole(start)).unwrap();
            for file in [&from, &to] {
                rustix::fs::seek(file, rustix::fs::SeekFrom::Start(start)).unwrap();
            }
            io::copy(&mut io::Read::take(&mut from, end - start), &mut to).unwrap();
            at = end;
        }
        let options = env::var("MOUNT").unwrap();
        let done = Command::new("mount").args(["-o", &options]).arg(&copy).arg(folder().join("copy")).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        Self
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        assert!(Command::new("umount").arg(folder().join("copy")).status().unwrap().success());
    }
}

/// Has another program wait until what it has written is on the disk, and its name, which may bring along what others
/// have.
fn another_syncs(folder: &Path) {
    let mut file = File::create(folder.join("other")).unwrap();
    file.write_all(b"something else").unwrap();
    file.sync_all().unwrap();
    File::open(folder).unwrap().sync_all().unwrap();
}

/// Looks at the disk as it is after an operation, in the middle of it, or after one of its calls has failed.
fn look(operation: &Operation, number: usize, fault: Option<(usize, Fault)>, what: &str) {
    let name = format!("{number}");
    let (here, there) = (folder().join("disk").join(&name), folder().join("copy").join(&name));
    fs::create_dir(&here).unwrap();
    (operation.prepare)(&here);
    rustix::fs::syncfs(File::open(&here).unwrap()).unwrap();
    let done = calls::run(operation, &here, fault);
    for synced in [false, true] {
        if synced {
            another_syncs(&here);
        }
        let what = format!("{what}{}", if synced { ", and another program syncs" } else { "" });
        let _copy = Copy::take();
        match &done.result {
            Some(Ok(())) if operation.is_durable => operation.assert_new(&there, &what),
            Some(Err(error)) if fault.is_none() => panic!("{what}: {error}"),
            _ => operation.assert_old_or_new(&there, &what),
        }
        again(operation, &there, &what);
    }
    fs::remove_dir_all(&here).unwrap();
}

/// The same call once more, on the disk as it is after the power has failed.
fn again(operation: &Operation, folder: &Path, what: &str) {
    match (operation.run)(folder) {
        Err(_) if operation.is_new_only && operation.is_new(folder) => {}
        again => again.unwrap_or_else(|error| panic!("{what}, again: {error}")),
    }
    operation.assert_new(folder, &format!("{what}, again"));
}

#[test]
#[ignore = "started by the tests above on a disk of its own"]
fn on_disk() {
    // All calls take half an hour for each kind of disk; else those alone at which names and lengths change.
    let all = env::var_os("ALL_CALLS").is_some();
    let only = env::var("ONLY").ok();
    let mut number = 0;
    let mut next = || {
        number += 1;
        number
    };
    for operation in operations::all() {
        if only.as_ref().is_some_and(|only| only != operation.name) {
            continue;
        }
        let first = folder().join("disk").join(operation.name);
        fs::create_dir(&first).unwrap();
        (operation.prepare)(&first);
        let calls = calls::run(&operation, &first, None).calls;
        if calls.is_empty() {
            return println!(
                "left out: nobody is asked before calls, by this system or beside a sanitizer's own calls"
            );
        }
        look(&operation, next(), None, &format!("{}, done", operation.name));
        // The call behind one that changes something: it was made.
        let changes = ["fsync", "fdatasync", "pwritev2", "linkat", "rename", "renameat2", "ftruncate", "unlink"];
        for (at, call) in calls.iter().enumerate().skip(1) {
            if all || changes.contains(&&*calls[at - 1]) {
                look(&operation, next(), Some((at, Fault::Kill)), &format!("{} at call {at}, {call}", operation.name));
            }
        }
        // Those that change a file in its place undo what they have done, which may be on the disk in part.
        let undone = ["fdatasync", "ftruncate", "pwrite64"];
        let fails = |call: &str| operation.is_in_place && undone.contains(&call);
        for (at, call) in calls.iter().enumerate().filter(|(_, call)| fails(call)) {
            let fault = Fault::Error(libc::EIO);
            look(&operation, next(), Some((at, fault)), &format!("{} failed at call {at}, {call}", operation.name));
        }
        println!("{}: {} calls", operation.name, calls.len());
    }
}
