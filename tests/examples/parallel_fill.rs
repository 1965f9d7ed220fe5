//! `parallel_fill`, against the walks walked one after another.

#![cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows))]

#[allow(dead_code)]
#[path = "../../examples/parallel_fill.rs"]
mod example;

use example::{Request, Walk, work};
use mmap_array::npy;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, fs, io, thread};

/// What the processes do that the tests start.
#[test]
#[ignore = "started by the other tests with what it is to do"]
fn worker() {
    let number = |name| env::var(name).unwrap().parse().unwrap();
    work(&PathBuf::from(env::var_os("WALKS").unwrap()), number("ROWS")).unwrap();
}

fn process(path: &Path, rows: usize) -> io::Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command.args(["--exact", "parallel_fill::worker", "--ignored", "--quiet"]).stdout(Stdio::null());
    command.env("WALKS", path).env("ROWS", rows.to_string());
    Ok(command)
}

fn run(args: &[&str]) -> Result<String, String> {
    let mut out = Vec::new();
    let run = Request::parse(args.iter().map(OsString::from)).and_then(|request| request.run(process, &mut out));
    run.map(|()| String::from_utf8(out).unwrap()).map_err(|error| error.text)
}

#[track_caller]
fn assert_walked(path: &Path, rows: usize) {
    // SAFETY: nobody writes or truncates the file any more.
    let walks = unsafe { npy::open::<Walk>(path) }.unwrap();
    assert_eq!(walks.len(), rows);
    assert!(walks.iter().zip(0..).all(|(walk, row)| *walk == Walk::new(row)));
}

#[test]
#[cfg_attr(
    not(any(target_arch = "x86_64", target_vendor = "apple")),
    ignore = "under an emulator a test program cannot start itself"
)]
fn processes_fill_the_array_and_a_second_run_finds_it_complete() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("walks.npy");
    let args = [path.to_str().unwrap(), "--processes", "3", "--rows", "700"];
    let told = run(&args).unwrap();
    assert!(told.contains("700 walks of 2000 steps"), "{told}");
    assert!(
        told.contains("3 processes, 256 parts, of which 0 are done") && told.contains("checked  700 walks"),
        "{told}"
    );
    assert_walked(&path, 700);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert!(run(&args).unwrap().ends_with("The file was already complete.\n"));
    assert!(run(&[args[0], "--rows", "701"]).unwrap_err().contains("[700]"));
}

#[test]
#[cfg_attr(
    not(any(target_arch = "x86_64", target_vendor = "apple")),
    ignore = "under an emulator a test program cannot start itself"
)]
fn what_was_killed_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("walks.npy");
    let mut worker = process(&path, 20_000).unwrap().spawn().unwrap();
    let marks = || fs::read(folder.path().join(".walks.npy.fill")).unwrap_or_default();
    while marks().iter().filter(|&&mark| mark == b'#').count() < 3 {
        assert!(worker.try_wait().unwrap().is_none(), "it has much to do");
        thread::sleep(Duration::from_millis(1));
    }
    worker.kill().unwrap();
    worker.wait().unwrap();
    let told = run(&[path.to_str().unwrap(), "--rows", "20000"]).unwrap();
    let done = told.split("of which ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
    assert!((3..250).contains(&done.parse::<usize>().unwrap()), "{told}");
    assert_walked(&path, 20_000);
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    for (args, text) in [
        (&["--rows"][..], "--rows cannot be \"\""),
        (&["--rows", "-1"], "--rows cannot be \"-1\""),
        (&["--processes", "0"], "--processes cannot be 0"),
        (&["--fast"], "no such option: --fast"),
        (&["a", "b"], "more than one path"),
    ] {
        let error = run(args).unwrap_err();
        assert!(error.starts_with(text), "{error}");
    }
    assert!(run(&["/no/such/folder/walks.npy"]).unwrap_err().contains("walks.npy"));
}
