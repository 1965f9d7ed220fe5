//! `mmap-inspect`, against NumPy: what it is told of arrays of all dtypes and of the files that packages bring, and
//! every value. It is called as a function, so that it is tested also where a test cannot start another program.

#[path = "../../../tests/examples/cutter.rs"]
mod cutter;
mod gathered;
mod numpy;
mod places;
#[cfg(feature = "plot")]
mod plot;
#[allow(dead_code)]
#[path = "../../../tests/python/mod.rs"]
mod python;
mod ragged;
mod raw;
mod refusals;
mod rust;
mod shown;

use mmap_array::{Element, Order, npy};
use mmap_inspect::{Failure, Terminal, run};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// What `mmap-inspect args…` prints.
fn inspected<A: Into<OsString>>(args: impl IntoIterator<Item = A>) -> Result<String, Failure> {
    inspected_on(None, args)
}

/// What it prints on a terminal.
fn inspected_on<A: Into<OsString>>(
    terminal: Option<Terminal>,
    args: impl IntoIterator<Item = A>,
) -> Result<String, Failure> {
    let mut out = Vec::new();
    let args: Vec<OsString> = std::iter::once("mmap-inspect".into()).chain(args.into_iter().map(Into::into)).collect();
    let printed = run(args.clone(), terminal, &mut out);
    assert!(printed.is_ok() || out.is_empty(), "what fails prints nothing: {args:?}, {printed:?}");
    printed.map(|()| String::from_utf8(out).unwrap())
}

/// A file with an array of numbers.
fn saved(folder: &Path, name: &str, numbers: &[f32], shape: &[usize]) -> PathBuf {
    let header = npy::Header::new(<mmap_array::Le<f32>>::dtype(), shape, Order::C).unwrap();
    let mut file = header.to_bytes().unwrap();
    file.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    let path = folder.join(name);
    fs::write(&path, file).unwrap();
    path
}

/// The program itself, for what only a process of its own has.
fn program() -> Option<String> {
    // Cargo names it, when it compiles or when it runs, but not of a standard library built anew.
    let name = "CARGO_BIN_EXE_mmap-inspect";
    let program = option_env!("CARGO_BIN_EXE_mmap-inspect").map(str::to_owned).or_else(|| std::env::var(name).ok());
    if program.is_none() {
        eprintln!("left out: Cargo does not name the program");
    }
    program
}

fn args(path: &Path, rest: &str) -> Vec<OsString> {
    std::iter::once(path.as_os_str().to_owned()).chain(rest.split_whitespace().map(OsString::from)).collect()
}
