//! Handlers of `SIGBUS` that others have installed, before ours and after, and threads that block it.
//!
//! Each case is a process of its own, in which a file is cut under an array. What must not happen is that it dies.

use super::cut;
use mmap_array::{ErrorKind, MmapArray, SharedArray};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// Runs a case in a process of its own.
fn child(case: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "handlers::one_case", "--ignored", "--nocapture"]);
    child.env("HANDLERS_CASE", case).env("HANDLERS_FOLDER", folder.path()).output().unwrap()
}

fn open(path: &Path) -> SharedArray<u8> {
    fs::write(path, vec![1; 100_000]).unwrap();
    MmapArray::<u8>::options().open_shared(path).unwrap()
}

/// An array whose file is cut says so, in a thread of its own as well, and is good again once it is refreshed.
fn check(path: &Path) {
    let mut array = open(path);
    assert_eq!(array.read(|view| view.sum()).unwrap(), 100_000);
    cut(path, 50_000);
    let error = array.read(|view| view.sum()).unwrap_err();
    assert_eq!((error.kind(), error.byte_range().unwrap().start), (ErrorKind::Truncated, 50_000), "{error}");
    assert_eq!(array.at([99_999]).unwrap_err().kind(), ErrorKind::Truncated);
    assert!(array.refresh().unwrap());
    std::thread::scope(|threads| threads.spawn(|| array.read(|view| view.sum()).unwrap()).join().unwrap());
    assert_eq!(array.read(|view| view.sum()).unwrap(), 50_000);
}

#[test]
#[ignore = "started by the tests below with what it is to do"]
fn one_case() {
    let folder = std::env::var_os("HANDLERS_FOLDER").unwrap();
    let path = Path::new(&folder).join("data");
    match std::env::var("HANDLERS_CASE").unwrap().as_str() {
        "alone" => check(&path),
        // The shell that started us ignores the signal, or blocks it.
        "inherited" => check(&path),
        "kill" => {
            check(&path);
            let _ = Command::new("kill").args(["-BUS", &std::process::id().to_string()]).status();
            std::thread::sleep(std::time::Duration::from_millis(50));
            check(&path);
        }
        other => panic!("{other}"),
    }
}

fn passes(output: &Output) {
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{:?}: {text}", output.status);
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
fn a_program_of_its_own_survives() {
    passes(&child("alone"));
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
fn a_signal_that_is_ignored_by_whoever_started_us_is_caught() {
    let folder = tempfile::tempdir().unwrap();
    let script = "trap '' BUS; exec \"$0\" --exact handlers::one_case --ignored --nocapture";
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).arg(std::env::current_exe().unwrap());
    passes(&shell.env("HANDLERS_CASE", "inherited").env("HANDLERS_FOLDER", folder.path()).output().unwrap());
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
fn a_signal_that_somebody_sends_takes_the_handler_away_for_a_moment_only() {
    if option_env!("RUSTFLAGS").is_some_and(|flags| flags.contains("sanitizer")) {
        return println!("left out: a sanitizer's handler takes the signal for a fault");
    }
    passes(&child("kill"));
}
