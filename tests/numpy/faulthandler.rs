//! Shared arrays in a Python program that has a handler of `SIGBUS` of its own, `faulthandler`, enabled before the
//! first array is opened or after.
//!
//! A library of C's kind is built of this crate for it, with the dependencies that it is tested with, and without the
//! network.
#![forbid(unsafe_code)]

use crate::python::Python;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::{env, fs};

const LIBRARY: &str = include_str!("faulthandler/library.rs");
const PROGRAM: &str = include_str!("faulthandler/program.py");

/// Builds the library.
fn library() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("faulthandler");
        fs::create_dir_all(&folder).unwrap();
        let manifest = format!(
            r#"
[package]
name = "faulthandler"
version = "0.0.0"
edition = "2024"

[workspace]

[lib]
path = "library.rs"
crate-type = ["cdylib"]

[dependencies]
mmap-array = {{ path = {root:?}, default-features = false }}
"#
        );
        fs::write(folder.join("Cargo.toml"), manifest).unwrap();
        fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
        fs::write(folder.join("library.rs"), LIBRARY).unwrap();
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["build", "--offline", "--target-dir", "target"]).current_dir(&folder);
        let built = cargo.env("CARGO_PROFILE_DEV_DEBUG", "0").output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        folder.join("target/debug/libfaulthandler.so")
    })
}

/// Runs the Python program in a case; `None` where it is to be left out.
fn run(case: &str) -> Option<Output> {
    if option_env!("RUSTFLAGS").is_some_and(|flags| flags.contains("sanitizer")) {
        println!("left out: Python has not the sanitizer that the library would be built with");
        return None;
    }
    let python = Python::get()?;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    let output = python.command().args(["-c", PROGRAM, case]).arg(library()).arg(path).output().unwrap();
    println!("{case}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    Some(output)
}

#[track_caller]
fn assert_survives(case: &str) {
    let Some(output) = run(case) else { return };
    assert!(output.status.success() && output.stdout == b"done\n", "{}", output.status);
}

/// Asserts that a page which is lost of a map that is none of the library's ends the program, as Python ends.
#[track_caller]
fn assert_is_told_by_python(case: &str) {
    let Some(output) = run(case) else { return };
    const SIGBUS: i32 = 7;
    assert_eq!((output.status.signal(), &*output.stdout), (Some(SIGBUS), &b"dies\n"[..]), "{}", output.status);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("Fatal Python error: Bus error") && told.contains("in die"), "{told}");
}

#[test]
#[cfg_attr(
    not(all(target_arch = "x86_64", target_env = "gnu")),
    ignore = "the library is built for this machine, which may emulate the test's"
)]
fn pythons_handler_from_before_is_not_in_the_way() {
    assert_survives("before");
}

#[test]
#[cfg_attr(
    not(all(target_arch = "x86_64", target_env = "gnu")),
    ignore = "the library is built for this machine, which may emulate the test's"
)]
fn pythons_handler_from_after_is_seen_and_the_file_read_otherwise() {
    assert_survives("after");
}

#[test]
#[cfg_attr(
    not(all(target_arch = "x86_64", target_env = "gnu")),
    ignore = "the library is built for this machine, which may emulate the test's"
)]
fn a_fault_of_pythons_own_is_pythons() {
    assert_is_told_by_python("before stranger");
    assert_is_told_by_python("after stranger");
}
