//! What is shown of a file.

use crate::python::Python;
use crate::{args, inspected, inspected_on, saved};
use mmap_array::{DType, Order, npy};
use mmap_inspect::{Terminal, run};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

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
    assert!(inspected(args(&path, "--max-header 10")).unwrap().contains("`--max-header N` raises the limit\na:b\t"));
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
    for (name, rest, expected) in [("", "--jsonl", "which member?"), (":y", "", "there is no member \"y\"")] {
        let failure = inspected(args(&PathBuf::from(format!("{}{name}", path.display())), rest)).unwrap_err();
        assert!(failure.status == 1 && failure.text.contains(expected), "{}", failure.text);
    }
}

#[test]
fn raw_files_are_shown_by_what_is_said_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("raw");
    let bytes: Vec<u8> = [7; 3].into_iter().chain((0..6_i16).flat_map(|k| (100 * k - 200).to_be_bytes())).collect();
    fs::write(&path, bytes).unwrap();
    for (rest, expected) in [
        ("--dtype >i2 --offset 3 --shape 2,3", "[[-200 -100    0]\n [ 100  200  300]]"),
        ("--dtype >i2 --offset 0x3 --shape -1,2 --order F", "[[-200  100]\n [-100  200]\n [   0  300]]"),
        ("--dtype >i2 --offset 3 --rows 1..3", "[-100    0]"),
        ("--dtype >i2 --offset 3 --rows=-1", "[300]"),
        ("--dtype >i2 --offset 3 --shape 3,2 --rows 1", "[[  0 100]]"),
        ("--dtype >i2 --offset 3 --shape 3,2 --order F --rows 1", "[[-100  200]]"),
        ("--shape 3", "[7 7 7]"),
        ("--dtype S3 --offset 12", "[b'\\xc8\\x01,']"),
        ("--dtype [('a','>i2'),('b','>i2')] --offset 3 --field b", "[-100  100  300]"),
    ] {
        let printed = inspected(args(&path, rest));
        let printed = printed.unwrap_or_else(|failure| panic!("{rest}: {}", failure.text));
        assert!(printed.ends_with(&format!("\n\n{expected}\n")), "{rest}: {printed}");
    }
    let json = inspected(args(&path, "--dtype >i2 --offset 3 --shape 2,3 --json")).unwrap();
    assert_eq!(
        json,
        "{\"version\":null,\"descr\":\"'>i2'\",\"fortran_order\":false,\"shape\":[2,3],\"data_offset\":3,\"itemsize\":2,\
         \"nbytes\":12}\n"
    );
    assert_eq!(inspected(args(&path, "--dtype >i2 --offset 3 --rows 4.. --jsonl")).unwrap(), "200\n300\n");
}

#[test]
fn an_array_fits_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let numbers: Vec<f32> = (0..40_000_u16).map(f32::from).collect();
    let terminal = |columns, lines| Some(Terminal { columns, lines });
    let many = [&[10, 20, 20, 10][..], &[3; 6], &[5; 4], &[2; 10], &[20, 3, 40, 5], &[2; 5], &[2, 2, 1, 1, 1, 1, 1, 1]];
    for shape in
        [&[40_000][..], &[400, 100], &[20, 2000], &[50, 20, 40], &[30], &[4, 5], &[2, 60]].into_iter().chain(many)
    {
        let path = saved(folder.path(), "a.npy", &numbers[..shape.iter().product()], shape);
        let mut before = 0;
        for lines in [20, 24, 30, 60, 200] {
            let printed = inspected_on(terminal(100, lines), [&path]).unwrap();
            let count = printed.lines().count();
            assert!(printed.lines().all(|line| line.len() < 100), "{printed}");
            assert!(count + 1 < lines, "{shape:?}, {count} of {lines}:\n{printed}");
            assert!(count >= before, "{shape:?}: with more lines fewer are used");
            before = count;
        }
        // What has room is shown whole, also where NumPy would abridge it.
        if shape.len() <= 2 && shape.iter().product::<usize>() <= 120 {
            assert!(!inspected_on(terminal(100, 30), [&path]).unwrap().contains("..."));
        }
    }
    // Records and texts that take many lines each.
    let fields: String = (0..60).map(|field| format!("('field{field}', '<f8'), ")).collect();
    let records = of(folder.path(), "r.npy", &format!("[{fields}]"), &[50], &[0; 50 * 480]);
    let texts = of(folder.path(), "s.npy", "'|S300'", &[20], &[b'x'; 20 * 300]);
    let one = of(folder.path(), "t.npy", "'|S3000'", &[], &[b'x'; 3000]);
    for (path, (columns, lines)) in
        [&records, &texts, &one].into_iter().flat_map(|path| [(80, 24), (40, 16)].map(|size| (path, size)))
    {
        let printed = inspected_on(terminal(columns, lines), [path]).unwrap();
        let on_screen: usize = printed.lines().map(|line| line.chars().count().div_ceil(columns).max(1)).sum();
        assert!(on_screen < lines && printed.contains("..."), "{on_screen} of {lines}:\n{printed}");
    }
    // As many rows as there is room for.
    let path = saved(folder.path(), "a.npy", &numbers[..2000], &[1000, 2]);
    let printed = inspected_on(terminal(80, 40), [&path]).unwrap();
    assert!((35..=38).contains(&printed.lines().count()), "{printed}");
    // On a pipe it is as NumPy prints it.
    assert_eq!(inspected([&path]).unwrap().lines().count(), 8 + 7);
}

#[test]
fn several_files_have_headings_and_lines_have_names() {
    let folder = tempfile::tempdir().unwrap();
    let [a, b] = ["a.npy", "b.npy"].map(|name| saved(folder.path(), name, &[1.0, 2.0], &[2]));
    let printed = inspected([&a, &b]).unwrap();
    assert!(printed.starts_with(&format!("{}\nversion  1.0\n", a.display())), "{printed}");
    assert!(printed.contains(&format!("\n[1. 2.]\n\n{}\nversion", b.display())), "{printed}");
    let json = inspected([a.as_os_str(), b.as_os_str(), "--json".as_ref()]).unwrap();
    let begin = |path: &PathBuf| {
        format!("{{\"file\":\"{}\",\"version\":[1,0],", path.display().to_string().replace('\\', "\\\\"))
    };
    assert!(json.lines().zip([&a, &b]).all(|(line, path)| line.starts_with(&begin(path))), "{json}");

    let archive = folder.path().join("a.npz");
    let mut writer = mmap_array::npz::Writer::create(&archive).unwrap();
    writer.add("x", &7_u8).unwrap();
    writer.add("y", &vec![[1_u8, 2]]).unwrap();
    writer.finish().unwrap();
    let json = inspected([archive.as_os_str(), "--json".as_ref()]).unwrap();
    let lines: Vec<&str> = json.lines().collect();
    assert!(
        lines.len() == 2 && lines[0].starts_with("{\"member\":\"x\",\"version\":[1,0],\"descr\":\"'|u1'\""),
        "{json}"
    );
    assert!(lines[1].starts_with("{\"member\":\"y\"") && lines[1].contains("\"shape\":[1,2]"), "{json}");
    let json = inspected(args(&archive, "--json --max-header 10")).unwrap();
    assert!(json.lines().all(|line| line.contains("\",\"error\":\"") && line.contains("--max-header N")), "{json}");
}

#[test]
fn tables_have_a_column_for_each_scalar() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.npy");
    let text = "{'descr': [('a', '|u1'), ('', '|V1'), ('p, q', [('x', '<i2', (2,)), ('z', '<c8')]), ('t', '|S4')], \
                'fortran_order': False, 'shape': (2,)}\n";
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend(u16::try_from(text.len()).unwrap().to_le_bytes());
    file.extend(text.as_bytes());
    for (a, x, z, t) in
        [(1, [-1_i16, 2], [0.5_f32, -1.0], b"a,b\0"), (2, [3, 4], [f32::NAN, f32::INFINITY], b"c\"\0\0")]
    {
        file.extend([a, 0]);
        file.extend(x.iter().flat_map(|x| x.to_le_bytes()));
        file.extend(z.iter().flat_map(|z| z.to_le_bytes()));
        file.extend(t);
    }
    fs::write(&path, file).unwrap();
    let expected = "\
a,\"p, q.x[0]\",\"p, q.x[1]\",\"p, q.z.real\",\"p, q.z.imag\",t
1,-1,2,0.5,-1.0,\"a,b\"
2,3,4,nan,inf,\"c\"\"\"
";
    assert_eq!(inspected(args(&path, "--csv")).unwrap(), expected);
    let field = ["--csv", "--rows", "1", "--field", "p, q.x"].map(OsString::from);
    assert_eq!(inspected(std::iter::once(path.clone().into()).chain(field)).unwrap(), "3,4\n");
    let matrix = saved(folder.path(), "m.npy", &[1.0, 2.5, 1e-5, f32::NEG_INFINITY], &[2, 2]);
    assert_eq!(inspected(args(&matrix, "--csv")).unwrap(), "1.0,2.5\n1e-05,-inf\n");
    let wide = saved(folder.path(), "w.npy", &[], &[0, 1 << 21]);
    let failure = inspected(args(&wide, "--csv")).unwrap_err();
    assert!(failure.text.contains("w.npy: a table has at most 1048576 columns"), "{}", failure.text);
}

#[test]
fn completions_and_help_are_printed() {
    let bash = inspected(["--completions", "bash"]).unwrap();
    assert!(bash.contains("_mmap__inspect()") && bash.contains("--max-header"), "{bash}");
    assert!(inspected(["--help"]).unwrap().contains("--rows <A..B>"));
    assert_eq!(inspected(["--version"]).unwrap(), concat!("mmap-inspect ", env!("CARGO_PKG_VERSION"), "\n"));
}

/// A file of elements of a dtype.
fn of(folder: &Path, name: &str, descr: &str, shape: &[usize], bytes: &[u8]) -> PathBuf {
    let header = npy::Header::new(DType::from_descr(descr).unwrap(), shape, Order::C).unwrap();
    let path = folder.join(name);
    fs::write(&path, [&header.to_bytes().unwrap()[..], bytes].concat()).unwrap();
    path
}

#[test]
fn fields_that_lie_in_another_order_are_shown_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("raw");
    fs::write(&path, [1_u8, 0, 2, 0, 3, 0, 4, 0]).unwrap();
    let with = |offsets: &str, rest: &str| {
        let dtype = format!("{{'names':['a','b'],'formats':['<i2','<i2'],'offsets':{offsets},'itemsize':4}}");
        inspected([path.as_os_str(), "--dtype".as_ref(), dtype.as_ref(), rest.as_ref()]).unwrap()
    };
    assert_eq!(with("[2, 0]", "--jsonl"), "{\"a\":2,\"b\":1}\n{\"a\":4,\"b\":3}\n");
    assert_eq!(with("[2, 0]", "--csv"), "a,b\n2,1\n4,3\n");
    assert_eq!(with("[0, 0]", "--csv"), "a,b\n1,1\n3,3\n");
    assert!(
        with("[2, 0]", "--stats").contains("a      <i2        2    -    -    2    4   3.0\n"),
        "{}",
        with("[2, 0]", "--stats")
    );
}

#[test]
fn subarrays_and_empty_arrays_have_statistics() {
    let folder = tempfile::tempdir().unwrap();
    let path = of(
        folder.path(),
        "a.npy",
        "[('s', '|u1', (3, 2)), ('t', '|u1')]",
        &[2],
        &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14],
    );
    let last = |rest: &str| {
        inspected(args(&path, rest))
            .unwrap()
            .lines()
            .last()
            .unwrap()
            .split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(last("--stats --field s"), ["s", "|u1", "12", "-", "-", "1", "13", "7.0"]);
    let raw = folder.path().join("raw");
    fs::write(&raw, [1, 2, 3, 4]).unwrap();
    assert!(
        inspected(args(&raw, "--dtype (2,)u1 --stats")).unwrap().ends_with("|u1        4    -    -    1    4   2.5\n")
    );
    // No more work than there are bytes.
    for shape in [[1_000_000_000_000_000_000, 0], [0, 1_000_000_000_000_000_000]] {
        if usize::BITS == 64 {
            let empty = of(folder.path(), "empty.npy", "'<f8'", &shape.map(|len: u64| len as usize), &[]);
            assert!(inspected(args(&empty, "--stats")).unwrap().contains("<f8        0    0    0"), "{shape:?}");
        }
    }
}

#[test]
fn a_large_subarray_does_not_fill_the_screen() {
    let folder = tempfile::tempdir().unwrap();
    let path = of(folder.path(), "a.npy", "[('id', '|u1'), ('image', '|u1', (200, 200))]", &[10], &[7; 10 * 40_001]);
    let printed = inspected_on(Some(Terminal { columns: 80, lines: 30 }), [&path]).unwrap();
    assert!(printed.len() < 6000 && printed.contains("..."), "{} bytes", printed.len());
}

#[test]
fn what_a_terminal_obeys_is_escaped_there_and_in_errors() {
    let folder = tempfile::tempdir().unwrap();
    let text: Vec<u8> = "\u{1b}[31m".chars().flat_map(|character| u32::from(character).to_le_bytes()).collect();
    let path = of(folder.path(), "a.npy", "'<U5'", &[], &text);
    let terminal = Some(Terminal { columns: 80, lines: 30 });
    assert!(inspected_on(terminal, [&path]).unwrap().ends_with("\\u{1b}[31m\n"));
    let failure = inspected([folder.path().join("no\u{1b}[31m\u{202e}.npy")]).unwrap_err();
    assert!(!failure.text.contains(['\u{1b}', '\u{202e}']), "{:?}", failure.text);
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn members_of_one_name_are_told_apart_and_empty_texts_keep_their_lines() {
    let folder = tempfile::tempdir().unwrap();
    let path = of(folder.path(), "s.npy", "'|S1'", &[3], b"\0a\0");
    assert_eq!(inspected(args(&path, "--csv")).unwrap(), "\"\"\na\n\"\"\n");
    let Some(python) = Python::get() else { return };
    let archive = folder.path().join("twice.npz");
    let program = "
import io, sys, zipfile, numpy as np, warnings
warnings.simplefilter('ignore')
with zipfile.ZipFile(sys.argv[1], 'w') as archive:
    for values in [np.arange(3, dtype='u1'), np.zeros((2, 2), 'f4')]:
        file = io.BytesIO(); np.save(file, values); archive.writestr('x.npy', file.getvalue())
";
    python.run(program, [&archive]);
    let json = inspected(args(&archive, "--json")).unwrap();
    let lines: Vec<&str> = json.lines().collect();
    assert!(lines[0].contains("\"shape\":[3]") && lines[1].contains("\"shape\":[2,2]"), "{json}");
    // By its name, the one that NumPy takes is shown, also if they are compressed, and a whole name is that of one.
    for how in ["STORED", "DEFLATED"] {
        let program = "
import io, sys, zipfile, numpy as np, warnings
warnings.simplefilter('ignore')
with zipfile.ZipFile(sys.argv[1], 'w', getattr(zipfile, 'ZIP_' + sys.argv[2])) as archive:
    archive.writestr('x', 'text')
    for value in 1, 2:
        file = io.BytesIO(); np.save(file, np.full(3, value, 'u1')); archive.writestr('x.npy', file.getvalue())
print(*np.load(sys.argv[1])['x.npy'], end='')
";
        let numpy = python.run(program, [archive.to_str().unwrap(), how]);
        let named = |name: &str| Path::new(&format!("{}:{name}", archive.display())).to_owned();
        assert_eq!(inspected(args(&named("x.npy"), "--jsonl")).unwrap().lines().collect::<Vec<_>>().join(" "), numpy);
        assert!(inspected([named("x")]).unwrap().ends_with("\n\n[116 101 120 116]\n"));
    }
}

/// Gives another file the name of the one that is read, as soon as something is written.
struct Replacer<'a>(&'a Path, &'a Path, Vec<u8>);

impl io::Write for Replacer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.2.is_empty() {
            fs::rename(self.1, self.0)?;
        }
        self.2.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
#[cfg_attr(windows, ignore = "a file that is open cannot be replaced")]
fn all_is_of_one_file_also_if_another_takes_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = saved(folder.path(), "a.npy", &vec![1.0; 300_000], &[300_000]);
    let other = saved(folder.path(), "b.npy", &vec![2.0; 300_000], &[300_000]);
    let mut out = Replacer(&path, &other, Vec::new());
    run(["mmap-inspect".into(), path.clone().into(), "--jsonl".into()], None, &mut out).unwrap();
    let printed = String::from_utf8(out.2).unwrap();
    assert!(printed.lines().count() == 300_000 && printed.lines().all(|line| line == "1.0"));
}
