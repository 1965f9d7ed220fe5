//! What must not compile, and what the compiler says of it: the files of `tests/ui`, each beside the text it gives.
//!
//! Compilers word their errors differently, so the texts are those of one, and others are only asked to refuse.
//! `TRYBUILD=overwrite cargo test -p mmap-array-ui` writes the texts anew.

use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The compiler that the texts are of.
const RUSTC: &str = "rustc 1.95.";

/// The version of the compiler that Cargo calls: the one beside it, and not `rustup`'s stand-in on the path.
fn version() -> String {
    let beside = env::var_os("CARGO").map(|cargo| Path::new(&cargo).with_file_name("rustc"));
    let rustc = env::var_os("RUSTC").map(PathBuf::from).or(beside.filter(|rustc| rustc.exists()));
    let output = Command::new(rustc.unwrap_or_else(|| "rustc".into())).arg("--version").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Tells what was not tested. Not by `eprintln!`, which the test harness would keep to itself.
fn tell(text: &str) {
    let _ = writeln!(std::io::stderr(), "checks/ui: {text}");
}

#[test]
#[cfg_attr(
    not(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu")),
    ignore = "the compiler is called on x86-64 Linux only, since elsewhere this may be another machine's program"
)]
fn what_must_not_compile_says_what_to_do() {
    if env::var_os("RUSTC_BOOTSTRAP").is_some() {
        return tell("left out, since RUSTC_BOOTSTRAP is set, as for a standard library built anew");
    }
    let version = version();
    if version.starts_with(RUSTC) {
        return trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
    }
    tell(&format!("the texts are those of {RUSTC}* and are not compared, since this is {version}"));
    let copies = tempfile::tempdir().unwrap();
    for file in fs::read_dir("tests/ui").unwrap().map(Result::unwrap) {
        if file.path().extension().is_some_and(|extension| extension == "rs") {
            fs::copy(file.path(), copies.path().join(file.file_name())).unwrap();
        }
    }
    // SAFETY: this is the only test of the program, so no other thread reads the environment.
    unsafe { env::set_var("TRYBUILD", "overwrite") };
    trybuild::TestCases::new().compile_fail(copies.path().join("*.rs"));
}
