//! Every operation that writes, killed before each of its system calls, and with each of them failing once.
//!
//! After each the target is the old or the new one, whole; the same call then succeeds, and leaves nothing else behind.

use crate::inject::{self, Fault};
use crate::operations::{self, Operation};
use mmap_array::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

/// What a child found out.
pub(crate) struct Done {
    /// `None` where it was killed.
    pub(crate) result: Option<Result<(), String>>,
    pub(crate) calls: Vec<String>,
}

/// Runs an operation in a child, with a fault.
pub(crate) fn run(operation: &Operation, folder: &Path, fault: Option<(usize, Fault)>) -> Done {
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", "calls::child", "--ignored", "--nocapture"]);
    child.env("OPERATION", operation.name).env("FOLDER", folder);
    if let Some((at, fault)) = fault {
        let (kind, code) = match fault {
            Fault::Kill => ("kill", 0),
            Fault::Error(code) => ("error", code),
            Fault::Short => ("short", 0),
        };
        child.env("FAULT", format!("{at} {kind} {code}"));
    }
    let done = child.output().unwrap();
    read(&done).unwrap_or_else(|| panic!("{}: {}", operation.name, String::from_utf8_lossy(&done.stderr)))
}

fn read(done: &Output) -> Option<Done> {
    let text = String::from_utf8_lossy(&done.stdout);
    let line = |name: &str| text.lines().find_map(|line| Some(line.split_once(name)?.1.to_owned()));
    if std::os::unix::process::ExitStatusExt::signal(&done.status) == Some(libc::SIGKILL) {
        return Some(Done { result: None, calls: Vec::new() });
    }
    let result = match line("failed: ") {
        Some(error) => Err(error),
        None => line("made: ").map(drop).map(Ok)?,
    };
    let calls = line("calls: ").map_or(Vec::new(), |calls| calls.split(' ').map(str::to_owned).collect());
    Some(Done { result: Some(result), calls })
}

#[test]
#[ignore = "started by the tests below with what it is to do"]
fn child() {
    let (name, folder) = (env::var("OPERATION").unwrap(), PathBuf::from(env::var_os("FOLDER").unwrap()));
    let fault = env::var("FAULT").ok().map(|text| {
        let mut words = text.split(' ');
        let (at, kind, code) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
        let fault = match kind {
            "kill" => Fault::Kill,
            "error" => Fault::Error(code.parse().unwrap()),
            _ => Fault::Short,
        };
        (at.parse().unwrap(), fault)
    });
    let operation = operations::all().into_iter().find(|operation| operation.name == name).unwrap();
    let Some((result, calls)) = inject::run(fault, || (operation.run)(&folder)) else {
        println!("made: nothing, since the system does not let itself be asked");
        return;
    };
    // One write, so that no line is cut.
    let told = match result {
        Ok(()) => "made: all".to_owned(),
        Err(error) => format!("failed: {error}"),
    };
    println!("\n{told}\ncalls: {}", calls.join(" "));
}

/// A folder in memory, where nobody waits for a disk, or an ordinary one.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Runs each operation with each of the faults in the place of each of its calls.
fn with_each_call(
    faults: &[Fault],
    applies: impl Fn(&str, Fault) -> bool,
    check: impl Fn(&Operation, &str, &Done, &Path),
) {
    let only = env::var("ONLY").ok();
    for operation in operations::all() {
        if only.as_ref().is_some_and(|only| only != operation.name) {
            continue;
        }
        let whole = folder();
        (operation.prepare)(whole.path());
        let Done { result, calls } = run(&operation, whole.path(), None);
        assert_eq!(result, Some(Ok(())), "{}", operation.name);
        if calls.is_empty() {
            return println!(
                "left out: nobody is asked before calls, by this system or beside a sanitizer's own calls"
            );
        }
        operation.assert_new(whole.path(), "without a fault");
        let mut missed = 0;
        for (at, call) in calls.iter().enumerate() {
            for &fault in faults.iter().filter(|&&fault| applies(call, fault)) {
                let folder = folder();
                (operation.prepare)(folder.path());
                let done = run(&operation, folder.path(), Some((at, fault)));
                let what = format!("{}, {fault:?} at call {at}, {call}", operation.name);
                if done.result.is_some() && done.calls.len() <= at {
                    // A lock was free this time, which a program that was just starting had kept: one call less.
                    missed += 1;
                    operation.assert_new(folder.path(), &what);
                } else {
                    check(&operation, &what, &done, folder.path());
                }
                // What is left on purpose is told, and whole.
                if let Some(Err(error)) = &done.result {
                    if let Some((_, beside)) = error.split_once("is beside it as `") {
                        fs::remove_file(beside.split_once('`').unwrap().0).unwrap();
                    }
                }
                // The same call once more.
                let again: Result<(), Error> = (operation.run)(folder.path());
                match again {
                    Err(error) if operation.is_new_only && operation.is_new(folder.path()) => {
                        assert!(error.to_string().contains("exists"), "{what}, again: {error}");
                    }
                    again => again.unwrap_or_else(|error| panic!("{what}, again: {error}")),
                }
                operation.assert_new(folder.path(), &format!("{what}, again"));
                let mut names: Vec<_> =
                    fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
                names.sort();
                assert_eq!(names, ["target"], "{what}, again: what is left");
            }
        }
        assert!(missed <= 2, "{}: {missed} faults met no call", operation.name);
        println!("{}: {} calls", operation.name, calls.len());
    }
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
fn whatever_call_a_program_is_killed_before_the_file_is_the_old_or_the_new() {
    with_each_call(
        &[Fault::Kill],
        |_, _| true,
        |operation, what, done, folder| {
            assert_eq!(done.result, None, "{what}");
            operation.assert_old_or_new(folder, what);
        },
    );
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
fn whatever_call_fails_the_file_is_the_old_with_an_error_or_the_new() {
    let faults = [Fault::Error(libc::EIO), Fault::Error(libc::ENOSPC), Fault::Error(libc::EINTR), Fault::Short];
    // What the kernel's manual says can fail so.
    let applies = |call: &str, fault: Fault| match fault {
        Fault::Kill | Fault::Error(libc::EIO) => true,
        Fault::Error(libc::ENOSPC) => !call.contains("stat") && call != "read" && call != "pread64" && call != "lseek",
        Fault::Error(_) => [
            "openat",
            "write",
            "pwrite64",
            "pwritev2",
            "fsync",
            "fdatasync",
            "ftruncate",
            "fallocate",
            "read",
            "pread64",
        ]
        .contains(&call),
        Fault::Short => ["write", "pwrite64", "pwritev2"].contains(&call),
    };
    with_each_call(&faults, applies, |operation, what, done, folder| {
        match done.result.as_ref().unwrap_or_else(|| panic!("{what}: killed")) {
            Ok(()) => operation.assert_new(folder, what),
            Err(error) => {
                assert!(!what.contains("Short") && !what.contains("Error(4)"), "{what}: {error}");
                operation.assert_old_or_new(folder, what);
            }
        }
    });
}
