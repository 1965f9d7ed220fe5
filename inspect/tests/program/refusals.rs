//! What is refused, and how.

use crate::cutter::Cutter;
use crate::{args, inspected, saved};
use mmap_inspect::run;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::Command;

#[test]
fn what_is_refused_is_one_line_and_nothing_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let path = saved(folder.path(), "a.npy", &[1.0, 2.0], &[3]);
    let none = folder.path().join("no\nsuch\nfile");
    let text = folder.path().join("text");
    fs::write(&text, "neither\none nor the other").unwrap();
    let good = saved(folder.path(), "good.npy", &[1.0, 2.0], &[2]);
    let zero_d = saved(folder.path(), "zero.npy", &[1.0], &[]);
    let member = PathBuf::from(format!("{}:x", good.display()));
    for (path, rest, expected) in [
        (&path, "", "need 12 bytes, but the file ends at byte 136"),
        (&path, "--rows 1..3", "incomplete; --rows ..2 shows those that are complete"),
        (&path, "--jsonl", "need 12 bytes"),
        (&path, "--csv", "need 12 bytes"),
        (&path, "--stats", "need 12 bytes"),
        (&none, "", "cannot open the file"),
        (&text, "", "not a `.npy` file: it begins with neithe"),
        (&member, "--json", "it is no archive, so it has no member \"x\""),
        (&good, "--max-header 10 --json", "at most 10 characters are read"),
        (&good, "--max-header 10 --json", "--max-header N"),
        (&good, "--rows 1..3", "there are no rows 1..3: the array has 2"),
        (&good, "--rows 2..1 --jsonl", "there are no rows 2..1"),
        (&good, "--field x --jsonl", "there is no field \"x\""),
        (&zero_d, "--rows 0..1 --jsonl", "a 0-d array has no rows"),
        (&good, "--rows 2", "there is no row 2: the array has 2"),
        (&good, "--rows -3..", "there are no rows -3..: the array has 2"),
        (&text, "--dtype f8 --shape 3,-1", "3"),
        (&text, "--offset 100", "the file at byte"),
        (
            &good,
            "--dtype f4",
            "good.npy: it is a `.npy` file, whose header says what the elements are; with --offset 0 it is read as raw bytes",
        ),
    ] {
        let failure = inspected(args(path, rest)).unwrap_err();
        assert_eq!((failure.status, failure.text.lines().count()), (1, 1), "{rest}: {}", failure.text);
        let expected = if cfg!(windows) { expected.replace("No such file", "os error") } else { expected.into() };
        assert!(failure.text.contains(&expected), "{rest}: {}", failure.text);
    }
    for (rest, expected) in [
        ("--rows 1..x", "\"x\" is not a row number"),
        ("--rows 18446744073709551615", "is not a row number"),
        ("--max-header x", "invalid value 'x' for '--max-header <N>'"),
        ("--plot", "a value is required for '--plot <OUT.png>'"),
        ("--plot a.jpg", "a PNG file is written, whose name must end in .png"),
        ("--plot png", "end in .png"),
        ("--json --jsonl", "the argument '--json' cannot be used with '--jsonl'"),
        ("--stats --rust", "cannot be used with"),
        ("--all", "unexpected argument '--all' found"),
        ("--dtype f3", "there is no type"),
        ("--dtype |O", "Python objects"),
        ("--offset -1", "unexpected argument '-1'"),
        ("--offset 0xg", "expected the number of a byte"),
        ("--shape 2,-3", "\"-3\" is not the length of an axis"),
        ("--order A", "[possible values: C, F]"),
        ("--dtype f4 --max-header 9", "cannot be used with"),
    ] {
        let failure = inspected(args(&good, rest)).unwrap_err();
        assert!(failure.status == 2 && failure.text.contains(expected), "{rest}: {}", failure.text);
    }
    assert!(inspected(["--json"]).unwrap_err().text.contains("<FILE[:MEMBER]>..."));
}

#[test]
fn a_file_that_is_cut_while_it_is_written_out_is_an_error_and_no_zeros() {
    let folder = tempfile::tempdir().unwrap();
    let path = saved(folder.path(), "a.npy", &[1.5; 100_000], &[100_000]);
    let cut = path.clone();
    let mut cutter = Cutter::new(&cut, 1000);
    let failure = run(["mmap-inspect".into(), path.into(), "--jsonl".into()], None, &mut cutter).unwrap_err();
    assert_eq!((failure.status, failure.text.lines().count()), (1, 1), "{}", failure.text);
    assert!(failure.text.contains("need 400000 bytes, but the file ends at byte 1000"), "{}", failure.text);
    let printed = String::from_utf8(cutter.printed).unwrap();
    assert!(printed.ends_with('\n') && printed.lines().all(|line| line == "1.5"), "{printed}");
    assert!((1..100_000).contains(&printed.lines().count()));
}

/// A stream that fails at some byte.
struct Failing(usize, io::ErrorKind);

impl io::Write for Failing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0 {
            0 => Err(self.1.into()),
            left => {
                let count = bytes.len().min(left);
                self.0 -= count;
                Ok(count)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_closed_pipe_ends_it_quietly_and_a_full_device_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = saved(folder.path(), "a.npy", &[1.5; 100_000], &[100_000]);
    for option in ["", "--json", "--jsonl", "--csv", "--stats", "--help", "--version"] {
        for room in [0, 3] {
            let args = || ["mmap-inspect", path.to_str().unwrap(), option].into_iter().filter(|arg| !arg.is_empty());
            let written = |kind| run(args().map(Into::into), None, Failing(room, kind));
            written(io::ErrorKind::BrokenPipe).unwrap();
            let failure = written(io::ErrorKind::StorageFull).unwrap_err();
            assert_eq!(failure.status, 1, "{option}");
            assert_eq!(failure.to_string(), "mmap-inspect: standard output: no storage space", "{option}");
        }
    }
}

#[test]
fn of_several_files_one_that_fails_does_not_hide_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let good = saved(folder.path(), "good.npy", &[1.0, 2.0], &[2]);
    let none = folder.path().join("none");
    let mut out = Vec::new();
    let files = ["mmap-inspect".into(), none.clone().into(), good.clone().into(), none.into(), "--jsonl".into()];
    let failure = run(files, None, &mut out).unwrap_err();
    assert_eq!((failure.status, failure.text.lines().count()), (1, 2), "{}", failure.text);
    assert!(failure.to_string().lines().all(|line| line.starts_with("mmap-inspect: ")), "{failure}");
    assert_eq!(out, b"1.0\n2.0\n");
}

#[test]
#[cfg_attr(
    not(all(target_arch = "x86_64", unix)),
    ignore = "no program under an emulator starts another, and elsewhere other variables name the folder"
)]
fn a_temporary_folder_that_is_missing_or_full_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let Some(python) = crate::python::Python::get() else { return };
    let (row_by_row, path) = (folder.path().join("c.npz"), folder.path().join("f.npz"));
    let make = "import sys, numpy as np; a = np.arange(9).reshape(3, 3)\n\
                np.savez_compressed(sys.argv[1], x=a); np.savez_compressed(sys.argv[2], x=a.T)";
    python.run(make, [&row_by_row, &path]);
    let Some(program) = crate::program() else { return };
    // Only a process of its own has another environment.
    let run_of = |path: &PathBuf, options: &[&str]| {
        let mut command = Command::new(&program);
        command.arg(path).args(options).env("TMPDIR", "/nonexistent").output().unwrap()
    };
    let output = run_of(&path, &["--jsonl"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len(), said.lines().count()), (Some(1), 0, 1), "{said}");
    let named = "f.npz:x: the array cannot be unpacked into the temporary folder /nonexistent: ";
    assert!(said.contains(named), "{said}");
    assert!(said.ends_with("; the environment variable TMPDIR can name another folder\n"), "{said}");
    // What is read from the beginning on needs no temporary file.
    for options in [&["--rows", "0"][..], &[], &["--jsonl"], &["--stats"]] {
        let output = run_of(&row_by_row, options);
        assert!(output.status.success() && output.stdout.ends_with(b"\n"), "{options:?}");
    }
}
