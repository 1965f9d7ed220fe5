//! Arrays of all dtypes, as NumPy has them.

use crate::inspected;
use crate::python::Python;

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
    let (arrays, lines) = assert_as_numpy(&python.run(include_str!("arrays.py"), args));
    assert!(arrays >= 3700 && lines > 3700, "{arrays} arrays, {lines} lines");
    let short = format!("{}:b", folder.path().join("short.npz").display());
    let failure = inspected([&short, "--jsonl"]).unwrap_err();
    assert!(failure.text.contains("short.npz: the member \"b\": the [900] elements"), "{}", failure.text);
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn the_files_that_packages_bring_are_told_as_numpy_has_them() {
    let Some(python) = Python::get() else { return };
    let (arrays, lines) = assert_as_numpy(&python.run(include_str!("arrays.py"), ["installed"]));
    assert!(arrays >= 8 && lines > 5000, "{arrays} arrays, {lines} lines");
}

/// The columns of a line of `--stats`, by which its cells are cut.
fn cells(line: &str) -> Vec<&str> {
    line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()
}

/// A number, or the parts of a complex one, as Python writes it.
fn parts(text: &str) -> Option<Vec<f64>> {
    let Some(text) = text.strip_suffix("j)").or(text.strip_suffix('j')) else { return Some(vec![text.parse().ok()?]) };
    let text = text.trim_start_matches('(');
    let mut signs = text.match_indices(['+', '-']).map(|(at, _)| at).filter(|&at| at > 0 && !text[..at].ends_with('e'));
    let (re, im) = text.split_at(signs.next_back().unwrap_or(0));
    Some(vec![if re.is_empty() { 0.0 } else { re.parse().ok()? }, im.parse().ok()?])
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn statistics_are_those_of_numpy() {
    let Some(python) = Python::get() else { return };
    let folder = tempfile::tempdir().unwrap();
    let told = python.run(include_str!("stats.py"), [folder.path()]);
    let (mut files, mut fields) = (0, 0);
    for file in told.split("\n\n").filter(|file| !file.trim().is_empty()) {
        let mut expected = file.trim().lines();
        let args = strings(expected.next().unwrap());
        let printed = inspected(args.iter().map(String::as_str).chain(["--stats"])).unwrap();
        files += 1;
        let lines: Vec<&str> = printed.lines().collect();
        let expected: Vec<&str> = expected.collect();
        assert_eq!(lines.len(), 1 + expected.len(), "{args:?}: {printed}");
        for (line, expected) in lines[1..].iter().zip(&expected) {
            let (ours, theirs) = (cells(line), cells(expected));
            assert_eq!(ours.len(), theirs.len(), "{args:?}: {line} / {expected}");
            let last = ours.len() - 1;
            assert_eq!(ours[..last - 2], theirs[..last - 2], "{args:?}");
            // Zeros may have either sign, and the mean is rounded in another order, relative to what is added.
            let size = |cell: &str| parts(cell).map_or(0.0, |parts| parts.into_iter().fold(0.0, |a, b| b.abs().max(a)));
            let size = size(theirs[last - 2]).max(size(theirs[last - 1]));
            for (cell, rounding) in [(last - 2, 0.0), (last - 1, 0.0), (last, 1e-14)] {
                // Of long doubles, an f64 does not have all digits.
                let is_long = cell < last && theirs[last - 6].ends_with("f16");
                let (ours, theirs) = (ours[cell], theirs[cell]);
                if ours == theirs {
                    continue;
                }
                if let (Some(ours), Some(theirs)) = (parts(ours), parts(theirs)) {
                    let near = |a: f64, b: f64| {
                        (a == b && (a == 0.0 || !is_long))
                            || (a.is_nan() && b.is_nan())
                            || (a - b).abs() <= rounding * (size + 100.0 * b.abs())
                    };
                    let all = ours.len() == theirs.len() && ours.iter().zip(&theirs).all(|(&a, &b)| near(a, b));
                    assert!(all, "{ours:?} {theirs:?} {args:?}");
                } else {
                    assert_eq!(ours, theirs, "{args:?}");
                }
            }
            fields += 1;
        }
    }
    assert!(files > 260 && fields > 400, "{files} files, {fields} fields");
}
