//! `inspect`, against NumPy: what it is told of arrays of all dtypes and of the files that packages bring, and every value.

#[allow(dead_code)]
#[path = "../../examples/inspect.rs"]
mod example;

use crate::cutter::Cutter;
use crate::python::Python;
use example::{Failure, run};
use mmap_array::{Element, Order, npy};

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

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
    let short = format!("{}:b", folder.path().join("short.npz").display());
    let failure = inspected([&short, "--jsonl"]).unwrap_err();
    assert!(failure.text.contains("short.npz: the member \"b\": the [900] elements"), "{}", failure.text);
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn the_files_that_packages_bring_are_told_as_numpy_has_them() {
    let Some(python) = Python::get() else { return };
    let (arrays, lines) = assert_as_numpy(&python.run(include_str!("inspect.py"), ["installed"]));
    assert!(arrays >= 8 && lines > 5000, "{arrays} arrays, {lines} lines");
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

fn args(path: &Path, rest: &str) -> Vec<OsString> {
    std::iter::once(path.as_os_str().to_owned()).chain(rest.split_whitespace().map(OsString::from)).collect()
}

#[test]
fn it_says_what_a_file_is_and_prints_it_as_numpy_does() {
    let folder = tempfile::tempdir().unwrap();
    // A colon is no character of a name to Windows.
    let name = if cfg!(windows) { "ab.npy" } else { "a:b.npy" };
    let path = saved(folder.path(), name, &[0.5, 1.0, -2.0, 3.25, 4.0, 5.0], &[3, 2]);
    let printed = inspected(args(&path, "--rows 1..")).unwrap();
    let expected = "\
version  1.0
dtype    <f4
shape    (3, 2)
order    C
bytes    24 of 4 each
data     from byte 128 on
mapped   in place and aligned: every number lies at a multiple of its alignment

[[-2.    3.25]
 [ 4.    5.  ]]
";
    assert_eq!(printed, expected);

    let text = "{'descr': [('a', '|u1'), ('b', '<i2', (2,))], 'fortran_order': False, 'shape': (2,)}\n";
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend(u16::try_from(text.len()).unwrap().to_le_bytes());
    file.extend(text.as_bytes());
    file.extend([1, 2, 0, 3, 0, 4, 5, 0, 6, 0]);
    fs::write(&path, file).unwrap();
    let printed = inspected(args(&path, "")).unwrap();
    assert!(printed.contains(&format!("data     from byte {} on", 10 + text.len())), "{printed}");
    assert!(printed.contains("mapped   in place, unaligned"), "{printed}");
    assert!(printed.contains("    int16_t b[2];  // offset 1, 4 bytes"), "{printed}");
    assert!(printed.ends_with("\n[(1, [2, 3]) (4, [5, 6])]\n"), "{printed}");
    assert!(inspected(args(&path, "--field b")).unwrap().ends_with("\n[[2 3]\n [5 6]]\n"));
}

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
        (&path, "--json", "need 12 bytes"),
        (&path, "--jsonl", "need 12 bytes"),
        (&path, "--plot no/such/folder/a.png", "need 12 bytes"),
        (&none, "", "cannot open the file"),
        (&text, "", "no `.npy` file: it begins with neithe"),
        (&member, "--json", "it is no archive, so it has no member \"x\""),
        (&good, "--max-header 10 --json", "no more than 10 characters are read"),
        (&good, "--max-header 10 --json", "--max-header N"),
        (&good, "--rows 1..3", "there are no rows 1..3, but 0..2"),
        (&good, "--rows 2..1 --jsonl", "there are no rows 2..1"),
        (&good, "--field x --jsonl", "there is no field \"x\""),
        (&zero_d, "--rows 0..1 --jsonl", "a 0-d array has no rows"),
        (&zero_d, "--plot a.png", "0 axes cannot be drawn"),
        (&good, "--plot no/such/folder/a.png", "No such file"),
        (&good, "--plot no/such/folder/a.png", "no/such/folder/a.png: the picture cannot be written"),
    ] {
        let failure = inspected(args(path, rest)).unwrap_err();
        assert_eq!((failure.status, failure.text.lines().count()), (1, 1), "{rest}: {}", failure.text);
        let expected = if cfg!(windows) { expected.replace("No such file", "os error") } else { expected.into() };
        assert!(failure.text.contains(&expected), "{rest}: {}", failure.text);
    }
    for (rest, expected) in [
        ("--rows 3", "--rows cannot be \"3\"; one row is 3..4\n"),
        ("--rows -1..2", "--rows cannot be \"-1..2\"\n"),
        ("--rows 18446744073709551615", "--rows cannot be"),
        ("--max-header x", "--max-header cannot be"),
        ("--plot", "--plot needs a value"),
        ("--plot a.jpg", "--plot writes a PNG file, whose name ends in .png, which \"a.jpg\" does not"),
        ("--plot png", "ends in .png"),
        ("--json --jsonl", "only one of --json, --jsonl and --plot"),
        ("--all", "no such option"),
        ("another", "more than one file"),
    ] {
        let failure = inspected(args(&good, rest)).unwrap_err();
        assert!(failure.status == 2 && failure.text.contains(expected), "{rest}: {}", failure.text);
    }
    assert!(inspected(["--json"]).unwrap_err().text.contains("no file"));
}

#[test]
fn a_file_that_is_cut_while_it_is_written_out_is_an_error_and_no_zeros() {
    let folder = tempfile::tempdir().unwrap();
    let path = saved(folder.path(), "a.npy", &[1.5; 100_000], &[100_000]);
    let mut cutter = Cutter::new(&path, 1000);
    let failure = run(args(&path, "--jsonl"), &mut cutter).unwrap_err();
    assert_eq!((failure.status, failure.text.lines().count()), (1, 1), "{}", failure.text);
    assert!(failure.text.contains("need 400000 bytes, but the file ends at byte 1000"), "{}", failure.text);
    let printed = String::from_utf8(cutter.printed).unwrap();
    assert!(printed.ends_with('\n') && printed.lines().all(|line| line == "1.5"), "{printed}");
    assert!((1..100_000).contains(&printed.lines().count()));
}

/// The colours of a picture, row by row.
fn pixels(path: &Path) -> (u32, Vec<[u8; 3]>) {
    let mut reader = png::Decoder::new(std::io::BufReader::new(fs::File::open(path).unwrap())).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    (info.width, bytes.chunks_exact(3).map(|pixel| pixel.try_into().unwrap()).collect())
}

#[test]
fn numbers_are_drawn_as_a_line_or_an_image() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("a.png");
    let plot = |file: &Path| {
        let args = [file.as_os_str().to_owned(), "--plot".into(), picture.as_os_str().to_owned()];
        assert_eq!(inspected(args).unwrap(), "");
        pixels(&picture)
    };
    // Up on the left, down on the right.
    let fall: Vec<f32> = (0..5000_i16).map(|number| -f32::from(number)).collect();
    let (width, line) = plot(&saved(folder.path(), "line.npy", &fall, &[5000]));
    let first_blue = |x: u32| {
        let column = line.iter().skip(x as usize).step_by(width as usize);
        column.take(400).position(|&[red, _, blue]| blue > red.saturating_add(60)).unwrap()
    };
    assert!(first_blue(200) + 150 < first_blue(850), "{} {}", first_blue(200), first_blue(850));

    // Dark above and light below.
    let image: Vec<f32> = (0..600_i16).map(|number| f32::from(number / 30)).collect();
    let (width, image) = plot(&saved(folder.path(), "image.npy", &image, &[20, 30]));
    let at = |x: u32, y: u32| image[(y * width + x) as usize];
    assert_eq!(at(300, 50), at(800, 50));
    let light = |[red, green, blue]: [u8; 3]| u32::from(red) + u32::from(green) + u32::from(blue);
    assert!(light(at(500, 50)) + 100 < light(at(500, 520)), "{:?} {:?}", at(500, 50), at(500, 520));
    // Its cells are squares, so below there is room.
    assert!(at(500, 520) != [255; 3] && at(500, 600) == [255; 3], "{:?} {:?}", at(500, 520), at(500, 600));

    // One row of a leading axis is an image too.
    let stack = saved(folder.path(), "stack.npy", &[0.0; 24], &[2, 3, 4]);
    let target = picture.display().to_string();
    let failure = |path: &Path, rows: &str| inspected(args(path, &format!("{rows} --plot {target}"))).unwrap_err().text;
    let three = "3 axes cannot be drawn, but one or two, besides those of length 1";
    assert_eq!(failure(&stack, ""), format!("{three}; --rows 0..1 takes one row of the first"));
    assert_eq!(inspected(args(&stack, &format!("--rows 0..1 --plot {target}"))).unwrap(), "");
    assert_eq!(inspected(args(&stack, &format!("--rows 1..2 --plot {target}"))).unwrap(), "");
    let higher = saved(folder.path(), "higher.npy", &[0.0; 60], &[5, 2, 3, 2]);
    assert_eq!(failure(&higher, "--rows 2..4"), three.replace('3', "4"), "one row has three axes");
    assert_eq!(failure(&higher, "--rows 2..3"), three);
    let stack = saved(folder.path(), "stack.npy", &[0.0; 60], &[5, 1, 4, 3]);
    assert_eq!(failure(&stack, "--rows 2.."), format!("{three}; --rows 2..3 takes one row of the first"));
    assert_eq!(inspected(args(&stack, &format!("--rows 2..3 --plot {target}"))).unwrap(), "");
    assert_eq!(
        inspected(args(&saved(folder.path(), "one.npy", &[1.0], &[1, 1, 1]), &format!("--plot {target}"))).unwrap(),
        ""
    );
    assert!(inspected(args(&stack, "--rows 2..3 --plot a.jpg")).unwrap_err().text.contains(".png"));

    for odd in [&[][..], &[f32::NAN], &[1.0; 3], &[0.0, f32::MAX, f32::MIN], &[1e-45, 2e-45], &[f32::INFINITY, 1.0]] {
        plot(&saved(folder.path(), "odd.npy", odd, &[odd.len()]));
        plot(&saved(folder.path(), "odd.npy", odd, &[odd.len(), 1]));
    }
}

#[test]
fn members_of_archives_are_listed_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let mut writer = mmap_array::npz::Writer::create(&path).unwrap();
    writer.add("x", &mmap_array::ArrayView::from_slice(&[1_u8, 2, 3], 3).unwrap()).unwrap();
    let alone = folder.path().join("one.npz");
    writer.finish().unwrap();
    fs::copy(&path, &alone).unwrap();
    let mut writer = mmap_array::npz::Writer::create(&path).unwrap();
    writer.add("x", &mmap_array::ArrayView::from_slice(&[1_u8, 2, 3], 3).unwrap()).unwrap();
    writer.add("a:b", &mmap_array::ArrayView::from_slice(&[[true as u8; 2]], 1).unwrap()).unwrap();
    writer.finish().unwrap();
    let listed = "x\t(3,)\t|u1\tstored\t131 bytes\na:b\t(1, 2)\t|u1\tstored\t130 bytes\n";
    assert_eq!(inspected([&path]).unwrap(), listed);
    assert!(inspected(args(&path, "--max-header 10")).unwrap().contains("`--max-header N` takes more\na:b\t"));
    assert_eq!(inspected(args(&alone, "--jsonl")).unwrap(), "1\n2\n3\n");
    let odd = folder.path().join("odd.npz");
    let mut writer = mmap_array::npz::Writer::create(&odd).unwrap();
    writer.add("a\n\tb", &7_u8).unwrap();
    writer.add("c", &vec![7_u8]).unwrap();
    writer.finish().unwrap();
    assert_eq!(inspected([&odd]).unwrap().split_once("\t(").unwrap().0, "a\\n\\tb", "a line for each");
    mmap_array::npz::Writer::create(&odd).unwrap().finish().unwrap();
    assert_eq!(inspected([&odd]).unwrap(), "an archive without members\n");
    assert!(inspected(args(&odd, "--jsonl")).unwrap_err().text.ends_with("an archive without members"));
    let named = PathBuf::from(format!("{}:a:b", path.display()));
    assert_eq!(inspected(args(&named, "--jsonl")).unwrap(), "[1,1]\n");
    for (name, rest, expected) in [("", "--json", "which member?"), (":y", "", "there is no member \"y\"")] {
        let failure = inspected(args(&PathBuf::from(format!("{}{name}", path.display())), rest)).unwrap_err();
        assert!(failure.status == 1 && failure.text.contains(expected), "{}", failure.text);
    }
}
