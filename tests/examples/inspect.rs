//! `inspect`, against NumPy: what it is told of arrays of all dtypes and of the files that packages bring, and every value.

#[allow(dead_code)]
#[path = "../../examples/inspect.rs"]
mod example;

use crate::python::Python;
use example::{Failure, run};

use std::ffi::OsString;

/// What `inspect args…` prints.
fn inspected<A: Into<OsString>>(args: impl IntoIterator<Item = A>) -> Result<String, Failure> {
    let mut out = Vec::new();
    let printed = run(args.into_iter().map(Into::into), &mut out);
    assert!(printed.is_ok() || out.is_empty(), "what fails prints nothing: {printed:?}");
    printed.map(|()| String::from_utf8(out).unwrap())
}

/// The strings of a list in JSON.
fn strings(list: &str) -> Vec<String> {
    let mut strings = vec![];
    let mut characters = list.chars();
    while let Some(character) = characters.next() {
        if character != '"' {
            continue;
        }
        let (mut text, mut units) = (String::new(), vec![]);
        loop {
            let unit = match characters.next().unwrap() {
                '"' => break,
                '\\' => match characters.next().unwrap() {
                    'u' => u16::from_str_radix(&characters.by_ref().take(4).collect::<String>(), 16).unwrap(),
                    quoted => quoted as u16,
                },
                plain => plain as u16,
            };
            units.push(unit);
        }
        text.push_str(&String::from_utf16(&units).unwrap());
        strings.push(text);
    }
    strings
}

/// Compares with what the program says, and returns the numbers of arrays and of lines.
fn assert_as_numpy(told: &str) -> (usize, usize) {
    let (mut arrays, mut values) = (0, 0);
    let mut told = told.split_terminator('\n');
    while let Some(args) = told.next() {
        let args = strings(args);
        if cfg!(not(feature = "npz")) && args[0].contains(".npz") {
            told.by_ref().nth(1).and_then(|count| told.nth(count.parse::<usize>().ok()?.checked_sub(1)?));
            continue;
        }
        let (json, count) = (told.next().unwrap(), told.next().unwrap().parse::<i64>().unwrap());
        for option in ["--json", "--jsonl"] {
            let printed = inspected(args.iter().map(String::as_str).chain([option]));
            let (Ok(lines), Ok(printed)) = (usize::try_from(count), &printed) else {
                let failure = printed.map(|_| ()).expect_err(&args[0]);
                assert!(count < 0, "{args:?}: {}", failure.text);
                assert_eq!((failure.status, failure.text.lines().count()), (1, 1), "{args:?}: {}", failure.text);
                continue;
            };
            if option == "--json" {
                assert_eq!(printed.strip_suffix('\n').unwrap(), json, "{args:?}");
                continue;
            }
            assert_eq!(printed.split_terminator('\n').count(), lines, "{args:?}");
            for (line, expected) in printed.split_terminator('\n').zip(told.by_ref()) {
                assert_eq!(line, expected, "{args:?}");
            }
            values += lines;
        }
        arrays += usize::from(count >= 0);
    }
    (arrays, values)
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn arrays_of_any_dtype_are_told_as_numpy_has_them() {
    let Some(python) = Python::get() else { return };
    let folder = tempfile::tempdir().unwrap();
    let args = ["generate".as_ref(), folder.path().as_os_str(), "5".as_ref(), "3000".as_ref()];
    let (arrays, lines) = assert_as_numpy(&python.run(include_str!("inspect.py"), args));
    assert!(arrays >= 3000 && lines > 3000, "{arrays} arrays, {lines} lines");
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn the_files_that_packages_bring_are_told_as_numpy_has_them() {
    let Some(python) = Python::get() else { return };
    let (arrays, lines) = assert_as_numpy(&python.run(include_str!("inspect.py"), ["installed"]));
    assert!(arrays >= 8 && lines > 5000, "{arrays} arrays, {lines} lines");
}
