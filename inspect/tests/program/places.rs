//! Arrays that have no file of their own, or not a whole one: several in one file, behind other data, cut short,
//! compressed, from a pipe, and larger than the memory that the program may have.

use crate::{args, inspected, saved};
use mmap_array::{ArrayView, Order, npy};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// What the program prints of a file, without its description.
fn array(path: &Path, rest: &str) -> String {
    let printed = inspected(args(path, rest)).unwrap();
    printed.split_once("\n\n").unwrap().1.to_owned()
}

#[test]
fn arrays_of_one_file_are_listed_and_shown_by_their_first_byte() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.npy");
    let mut file = fs::File::create(&path).unwrap();
    npy::save_to(&mut file, &[0_u8, 1, 2, 3, 4]).unwrap();
    npy::save_to(&mut file, &[[1_i8, -1], [2, -2]]).unwrap();
    let listed = inspected([&path]).unwrap();
    assert_eq!(listed, "--at 0\t(5,)\t|u1\t5 bytes\n--at 133\t(2, 2)\t|i1\t4 bytes\n");
    assert_eq!(array(&path, "--at 133"), "[[ 1 -1]\n [ 2 -2]]\n");
    assert_eq!(array(&path, "--at 0"), "[0 1 2 3 4]\n");
    assert_eq!(array(&path, "--at 0x85 --rows -1"), "[[ 2 -2]]\n");
    let lines = inspected(args(&path, "--json")).unwrap();
    let starts: Vec<_> = lines.lines().map(|line| line.split_once(",\"version\"").unwrap().0).collect();
    assert_eq!(starts, ["{\"at\":0", "{\"at\":133"]);
    assert!(lines.ends_with("\"shape\":[2,2],\"data_offset\":261,\"itemsize\":1,\"nbytes\":4}\n"), "{lines}");
    let failure = inspected(args(&path, "--jsonl")).unwrap_err();
    assert!(
        failure.text.ends_with("c.npy: which array? Say --at BYTE; there are some at [0, 133]"),
        "{}",
        failure.text
    );
    let failure = inspected(args(&path, "--at 9")).unwrap_err();
    assert!(failure.text.contains("c.npy: from byte 9 on: not a `.npy` file"), "{}", failure.text);
    let rust = inspected(args(&path, "--at 133 --rust")).unwrap();
    assert!(rust.contains(".at(133).open_shared("), "{rust}");
    // What follows is no array, and is told too.
    file.write_all(b"and so on").unwrap();
    let listed = inspected([&path]).unwrap();
    assert!(
        listed.lines().nth(2).unwrap().contains("c.npy: from byte 265 on: not a `.npy` file: it begins with and so")
    );
    assert!(inspected(args(&path, "--json")).unwrap().lines().last().unwrap().starts_with("{\"error\":\""));
    let one = saved(folder.path(), "one.npy", &[1.0], &[1]);
    fs::OpenOptions::new().append(true).open(&one).unwrap().write_all(b"12").unwrap();
    assert!(inspected([&one]).unwrap().contains("behind   2 bytes, which are no `.npy` array"));
    assert!(inspected(args(&one, "--json")).unwrap().ends_with(",\"behind\":2}\n"));
    // The array that follows the one that is shown is not passed over.
    let shown = |rest: &str| inspected(args(&path, rest)).unwrap();
    assert!(shown("--at 0").contains("behind   another array, shown by --at 133\n"));
    // Limits of headers hold for all of them.
    assert!(inspected(args(&path, "--max-header 10 --rows 0")).unwrap_err().text.contains("--max-header N"));
    let long = folder.path().join("long.npy");
    let mut header = fs::read(&path).unwrap()[..133].to_vec();
    header.extend(b"\x93NUMPY\x02\0\x40\x9c\0\0{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }");
    header.resize(133 + 12 + 39_999, b' ');
    header.extend(b"\n\x08\x09");
    fs::write(&long, header).unwrap();
    let printed = inspected([&long]).unwrap();
    assert!(printed.contains("behind   another array, which cannot be read: --at 133 says why\n"), "{printed}");
    assert!(inspected(args(&long, "--at 133")).unwrap_err().text.contains("--max-header N"));
    let listed = inspected(args(&long, "--max-header 50000")).unwrap();
    assert_eq!(listed, "--at 0\t(5,)\t|u1\t5 bytes\n--at 133\t(2,)\t|u1\t2 bytes\n");
    assert_eq!(array(&long, "--max-header 50000 --at 133"), "[8 9]\n");
    let joined = inspected(args(&path, "--concat")).unwrap();
    assert!(joined.contains("behind   141 bytes after the arrays of the files, which are not shown\n"), "{joined}");
    assert!(!shown("--at 133").contains("behind"));
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn what_a_compressed_file_has_behind_the_array_is_told() {
    let Some(python) = crate::python::Python::get() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("two.npy.gz");
    let make = "import gzip, sys, zipfile, numpy as np\n\
                with gzip.open(sys.argv[1], 'wb') as file: np.save(file, np.arange(5)); np.save(file, np.ones(2))\n\
                whole = gzip.open(sys.argv[1]).read()\n\
                for method in [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]:\n\
                \x20   path = f'{sys.argv[1]}{method}.npz'\n\
                \x20   zipfile.ZipFile(path, 'w', method).writestr('x.npy', whole)";
    python.run(make, [&path]);
    for method in [0, 8] {
        let several = folder.path().join(format!("two.npy.gz{method}.npz"));
        let printed = inspected([&several]).unwrap();
        assert!(printed.contains("behind   144 bytes, which are not shown"), "{printed}");
        assert!(inspected(args(&several, "--json")).unwrap().ends_with(",\"behind\":144}\n"));
    }
    // Tapes have zeros behind a stream; anything else is no part of it.
    let whole = fs::read(&path).unwrap();
    let padded = folder.path().join("padded.npy.gz");
    fs::write(&padded, [&whole[..], &[0; 1000], &whole].concat()).unwrap();
    assert!(inspected([&padded]).unwrap().contains("behind   456 bytes"));
    fs::write(&padded, [&whole[..], b"garbage"].concat()).unwrap();
    let failure = inspected([&padded]).unwrap_err();
    assert!(failure.text.contains("bytes that are no gzip stream follow the compressed data"), "{failure}");
    let printed = inspected([&path]).unwrap();
    assert!(printed.contains("behind   144 bytes, which are not shown: unpack the file first\n"), "{printed}");
    assert!(printed.ends_with("[0 1 2 3 4]\n"), "{printed}");
    assert!(inspected(args(&path, "--json")).unwrap().ends_with(",\"behind\":144}\n"));
}

#[test]
fn of_a_file_that_is_cut_short_the_rows_that_are_complete_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = saved(folder.path(), "t.npy", &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[3, 2]);
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(128 + 21).unwrap();
    assert_eq!(array(&path, "--rows 0..2"), "[[1. 2.]\n [3. 4.]]\n");
    assert_eq!(inspected(args(&path, "--rows 1 --jsonl")).unwrap(), "[3.0,4.0]\n");
    assert!(inspected(args(&path, "--rows ..2 --stats")).unwrap().contains("4    0    0  1.0  4.0   2.5"));
    assert!(inspected(args(&path, "--json")).unwrap().ends_with(",\"nbytes\":24,\"truncated\":true}\n"));
    for rest in ["", "--rows 2", "--rows 1..3", "--jsonl", "--stats"] {
        let failure = inspected(args(&path, rest)).unwrap_err();
        assert!(failure.text.ends_with("incomplete; --rows ..2 shows those that are complete"), "{}", failure.text);
    }
}

#[test]
fn in_fortran_order_the_rows_are_complete_that_are_in_the_last_column() {
    let folder = tempfile::tempdir().unwrap();
    let numbers: Vec<u8> = (0..24).collect();
    let path = folder.path().join("f.npy");
    let view = ArrayView::from_slice(&numbers, [3, 2, 4]).unwrap();
    let view = view.t();
    for len in [23, 21, 20, 12, 0] {
        npy::save(&path, &view).unwrap();
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(128 + len).unwrap();
        let complete = (len as usize).saturating_sub(20);
        assert!(inspected(args(&path, "--json")).unwrap().ends_with(",\"truncated\":true}\n"));
        for rest in ["", "--rows 3"] {
            let failure = inspected(args(&path, rest)).unwrap_err();
            let advice = format!("; --rows ..{complete} shows those that are complete");
            assert_eq!(failure.text.contains("--rows"), complete > 0, "{failure}");
            assert!(complete == 0 || failure.text.ends_with(&advice), "{failure}");
        }
        if complete > 0 {
            let rows = view.rows(..complete);
            let printed = inspected(args(&path, &format!("--rows ..{complete}"))).unwrap();
            let line = format!("file     ends before the array does: {complete} of 4 rows are complete\n");
            assert!(printed.contains(&line) && printed.ends_with(&format!("\n{rows}\n")), "{printed}");
            let lines = inspected(args(&path, &format!("--rows ..{complete} --jsonl"))).unwrap();
            assert!(lines.starts_with("[[0,8,16],[4,12,20]]\n") && lines.lines().count() == complete, "{lines}");
            let stats = inspected(args(&path, &format!("--rows ..{complete} --stats"))).unwrap();
            assert!(stats.contains(&format!("|u1{:9}    -    -    0   {}", 6 * complete, 19 + complete)), "{stats}");
        }
    }
}

/// The program, if it can run in little of the address space.
fn limited_program() -> Option<String> {
    if option_env!("RUSTFLAGS").is_some_and(|flags| flags.contains("sanitizer")) {
        eprintln!("left out: a sanitizer takes more of the address space than the limit");
        return None;
    }
    crate::program()
}

/// The program, which gets bytes on standard input, in a shell that may have set limits.
fn shell(program: &str, script: &str, path: &Path, input: &[u8]) -> Output {
    let mut command = Command::new("bash");
    command.args(["-c", script, program]).arg(path).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    // The program may not want all of it.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

#[test]
#[cfg_attr(not(all(target_arch = "x86_64", target_os = "linux")), ignore = "an emulator starts no other program")]
fn pipes_are_read_and_refused_in_words_where_they_may_have_no_writer() {
    let Some(program) = crate::program() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = saved(folder.path(), "a.npy", &[1.0, 2.0, 3.0, 4.0], &[4]);
    let whole = fs::read(&path).unwrap();
    let bytes = inspected([&path]).unwrap().into_bytes();
    for script in ["\"$0\" -", "\"$0\" - < \"$1\"", "\"$0\" <(cat \"$1\")", "cat \"$1\" | \"$0\" /dev/stdin"] {
        let output = shell(&program, script, &path, &whole);
        assert_eq!(output.stdout, bytes, "{script}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let output = shell(&program, "\"$0\" - --dtype '<f4' --offset 128 --rows -2.. --jsonl", &path, &whole);
    assert_eq!(output.stdout, b"3.0\n4.0\n");
    let output = shell(&program, "\"$0\" - --rust", &path, &whole);
    assert!(String::from_utf8(output.stdout).unwrap().contains(".open_shared(\"-\")?"));
    let output = shell(&program, "\"$0\" -", &path, b"neither one nor the other");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("mmap-inspect: -: not a `.npy` file: it begins with neithe"), "{said}");
    let script = "mkdir \"$1.d\"; (cat \"$1\"; sleep 2) | TMPDIR=\"$1.d\" timeout -s INT 1 \"$0\" -; ls -A \"$1.d\"";
    let output = shell(&program, script, &path, &whole);
    assert_eq!(output.stdout, b"", "a temporary file is left");
    // Members of an archive from a pipe, many files of which one is a pipe, and files that tell no length.
    let zip = folder.path().join("a.npz");
    let mut writer = mmap_array::npz::Writer::create(&zip).unwrap();
    writer.add("x", &[7_u8, 8]).unwrap();
    writer.add_compressed("y", &[9_u8]).unwrap();
    writer.finish().unwrap();
    let archive = fs::read(&zip).unwrap();
    for script in ["\"$0\" --jsonl -:y", "\"$0\" -:y --jsonl", "\"$0\" /dev/stdin:y --jsonl", "\"$0\" <(cat):y --jsonl"]
    {
        let output = shell(&program, script, &path, &archive);
        assert_eq!(output.stdout, b"9\n", "{script}: {}", String::from_utf8_lossy(&output.stderr));
    }
    // A value of another option is none of standard input.
    let output = shell(&program, "cd \"${1%/*}\"; \"$0\" -:y --plot=-:y.png; \"$0\" -:y --field -:y", &path, &archive);
    assert!(folder.path().join("-:y.png").exists() || !cfg!(feature = "plot"));
    assert_eq!(output.status.code(), Some(2));
    let output = shell(&program, "\"$0\" \"$1\" --offsets=-:o --jsonl", &path, &archive);
    assert!(String::from_utf8_lossy(&output.stderr).contains("-: there is no member \"o\""));
    // What has been read of a file is not read again.
    let script = "(head -c 1 >/dev/null; \"$0\" - --dtype u1 --rows ..2 --jsonl) < \"$1.numbers\"";
    fs::write(folder.path().join("a.npy.numbers"), [7; 100_000]).unwrap();
    let output = shell(&program, script, &path, b"");
    assert_eq!(output.stdout, b"7\n7\n", "{}", String::from_utf8_lossy(&output.stderr));
    // What is listed names what the arguments name.
    let cut = &[&whole[..], b"and so on"].concat();
    for script in ["cat | \"$0\" -", "\"$0\" - --json", "\"$0\" --json <(cat)"] {
        let two = [&whole[..], cut].concat();
        let output = shell(&program, script, &path, &two);
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains("from byte 288 on: not a `.npy` file") && !said.contains("/proc/"), "{said}");
    }
    let output = shell(&program, "\"$0\" -:y --jsonl < \"$1\"", &zip, b"");
    assert_eq!(output.stdout, b"9\n", "{}", String::from_utf8_lossy(&output.stderr));
    let output = shell(&program, "\"$0\" - --jsonl", &path, &archive);
    assert!(String::from_utf8_lossy(&output.stderr).contains("-: which member? Say -:MEMBER; there are"));
    let output = shell(&program, "\"$0\" -:y --rust", &path, &archive);
    assert!(String::from_utf8_lossy(&output.stdout).contains("Archive::open(\"-\")?.member(\"y\")"));
    for script in ["\"$0\" --concat \"$1\" - --jsonl", "\"$0\" --concat \"$1\" <(cat) --jsonl"] {
        let output = shell(&program, script, &path, &whole);
        assert_eq!(output.stdout, b"1.0\n2.0\n3.0\n4.0\n1.0\n2.0\n3.0\n4.0\n", "{script}");
    }
    let output = shell(&program, "\"$0\" --concat \"$1\" - --rust", &path, &whole);
    assert!(String::from_utf8_lossy(&output.stdout).contains(", \"-\"])?"));
    for script in [
        "\"$0\" /proc/self/status --dtype S5 --rows 0 --jsonl --shape 1",
        "\"$0\" - --dtype S5 --shape 1 --jsonl < /proc/self/status",
    ] {
        let output = shell(&program, script, &path, b"");
        assert_eq!(output.stdout, b"\"Name:\"\n", "{script}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let offsets = folder.path().join("offsets.npy");
    npy::save(&offsets, &[0_i64, 1, 4]).unwrap();
    let bytes = fs::read(&offsets).unwrap();
    let output = shell(&program, "\"$0\" \"$1\" --offsets - --jsonl", &path, &bytes);
    assert_eq!(output.stdout, b"[1.0]\n[2.0,3.0,4.0]\n");
    let output = shell(&program, "\"$0\" \"$1\" --offsets - --jsonl", &path, &bytes[..bytes.len() - 1]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("mmap-inspect: -: ") && said.lines().count() == 1, "{said}");
    for (script, expected) in [
        ("\"$0\" /dev/zero", "/dev/zero: it is a device; read it from standard input: mmap-inspect - </dev/zero\n"),
        ("\"$0\" - < /", "mmap-inspect: -: Is a directory"),
        ("mkfifo \"$1.f\"; \"$0\" \"$1.f:x\"", "it is a pipe; read it from standard input: mmap-inspect -:x <"),
        ("\"$0\" /dev/stdin", "mmap-inspect: -: the file ends within the first 8 bytes"),
        ("\"$0\" - --offsets -", "standard input can be read once, but is given twice"),
        ("\"$0\" - -", "standard input can be read once, but is given twice"),
        ("\"$0\" --concat \"$1\" \"${1%/*}/a.npz:x\"", "--concat joins `.npy` files, and this is a member of "),
        (
            "gzip -k \"$1\"; \"$0\" --concat \"$1\" \"$1.gz\"",
            "and this is one that is compressed by gzip; decompress it first",
        ),
        (": >\"$1.empty\"; \"$0\" \"$1.empty\" --dtype f4", "if an empty array is meant, say --shape -1, or"),
    ] {
        let output = shell(&program, script, &path, b"");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.stdout.is_empty() && said.contains(expected), "{script}: {said}");
    }
    let output = shell(&program, "TMPDIR=/nonexistent \"$0\" -", &path, &whole);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.starts_with("mmap-inspect: -: it cannot be copied into the temporary folder /nonexistent: "),
        "{said}"
    );
    let output = shell(&program, "mkfifo \"$1.fifo\" && \"$0\" \"$1.fifo\"", &path, b"");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("it is a pipe; read it from standard input: mmap-inspect - <"), "{said}");
    assert!(said.lines().count() == 1 && output.status.code() == Some(1));
}

#[test]
#[cfg_attr(not(all(target_arch = "x86_64", target_os = "linux")), ignore = "an emulator starts no other program")]
fn arrays_larger_than_the_address_space_are_shown_in_part() {
    let Some(program) = limited_program() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("h.npy");
    let limited = |rest: &str| {
        let output = shell(&program, &format!("ulimit -v 500000; ulimit -t 5; \"$0\" \"$1\" {rest}"), &path, b"");
        assert!(output.status.success(), "{rest}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    for order in [Order::C, Order::F] {
        // Elsewhere than here, an address may have 32 bits.
        for shape in [&[10_000_000_000_u64 as usize][..], &[2_000_000_000, 5], &[5, 2_000_000_000]] {
            let dtype = "<f8".parse().unwrap();
            let header = npy::Header::new(dtype, shape, order).unwrap();
            let mut file = fs::File::create(&path).unwrap();
            header.write(&mut file).unwrap();
            file.set_len(128 + 80_000_000_000).unwrap();
            let zeros = |count: usize| ["0."; 5][..count].join(" ");
            let rows = match shape {
                [_] => "[0. 0.]\n".to_owned(),
                [_, 5] => format!("[[{0}]\n [{0}]]\n", zeros(5)),
                _ => "[[0. 0. 0. ... 0. 0. 0.]\n [0. 0. 0. ... 0. 0. 0.]]\n".to_owned(),
            };
            assert!(limited("--rows 0..2").ends_with(&format!("\n\n{rows}")), "{shape:?}");
            assert!(limited("").contains("...") && limited("--rust").contains("open_shared"));
            assert!(limited("--json").ends_with("\"nbytes\":80000000000}\n"));
            if shape.len() == 1 || shape[1] == 5 {
                assert_eq!(limited("--rows -1.. --jsonl").lines().count(), 1);
            }
            let raw = "--dtype f8 --offset 128 --shape 10000000000 --rows 1..3";
            assert!(limited(raw).ends_with("\n\n[0. 0.]\n"));
            // What is behind the array is not read.
            assert!(limited("--dtype f8 --offset 128 --shape 2").ends_with("\n\n[0. 0.]\n"));
        }
    }
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn members_of_archives_are_shown_whatever_they_are() {
    let Some(python) = crate::python::Python::get() else { return };
    let folder = tempfile::tempdir().unwrap();
    let make = "import io, sys, tarfile, zipfile, numpy as np\n\
                file = io.BytesIO(); np.save(file, np.arange(6, dtype='<i2').reshape(2, 3))\n\
                members = [('meta.json', b'{}'), ('d/x.npy', file.getvalue()), ('none', b'')]\n\
                with zipfile.ZipFile(sys.argv[1], 'w') as archive:\n\
                \x20   for name, content in members: archive.writestr(name, content)\n\
                \x20   archive.writestr('deflated', b'abc' * 500, zipfile.ZIP_DEFLATED)\n\
                \x20   archive.writestr('nothing', b'', zipfile.ZIP_DEFLATED)\n\
                with zipfile.ZipFile(sys.argv[2], 'w') as archive: archive.writestr('meta.json', '{}')\n\
                with tarfile.open(sys.argv[3], 'w') as archive:\n\
                \x20   for name, content in members:\n\
                \x20       info = tarfile.TarInfo(name); info.size = len(content)\n\
                \x20       archive.addfile(info, io.BytesIO(content))";
    let [zip, one, tar] = ["a.npz", "one.npz", "a.tar"].map(|name| folder.path().join(name));
    python.run(make, [&zip, &one, &tar]);
    let member = |path: &Path, name: &str, rest: &str| {
        let file = Path::new(&format!("{}:{name}", path.display())).to_owned();
        inspected(args(&file, rest)).map_err(|failure| failure.text)
    };
    assert_eq!(
        inspected([&zip]).unwrap(),
        "meta.json\tno .npy file\tstored\t2 bytes\nd/x\t(2, 3)\t<i2\tstored\t140 bytes\n\
         none\tno .npy file\tstored\t0 bytes\ndeflated\tno .npy file\tdeflated\t1500 bytes\n\
         nothing\tno .npy file\tdeflated\t0 bytes\n"
    );
    assert_eq!(
        inspected([&tar]).unwrap(),
        "meta.json\tno .npy file\tstored\t2 bytes\nd/x.npy\t(2, 3)\t<i2\tstored\t140 bytes\n\
         none\tno .npy file\tstored\t0 bytes\n"
    );
    let printed = inspected([&one]).unwrap();
    assert!(printed.starts_with("file     meta.json, which is no `.npy` file: its bytes\n"), "{printed}");
    assert!(printed.ends_with("\n\n[123 125]\n"), "{printed}");
    for (path, name) in [(&zip, "d/x"), (&tar, "d/x.npy")] {
        assert!(member(path, name, "").unwrap().ends_with("\n\n[[0 1 2]\n [3 4 5]]\n"));
        assert_eq!(member(path, name, "--jsonl --rows 1").unwrap(), "[3,4,5]\n");
        assert_eq!(member(path, name, "--dtype <i2 --offset 134 --jsonl").unwrap(), "3\n4\n5\n");
        assert!(member(path, name, "--rust").unwrap().contains("Archive::open("));
        assert!(member(path, "none", "").unwrap().ends_with("\n\n[]\n"));
        assert_eq!(member(path, "none", "--jsonl").unwrap(), "");
        assert_eq!(member(path, "meta.json", "--jsonl").unwrap(), "123\n125\n");
        assert!(member(path, "meta.json", "--dtype <i4").unwrap_err().contains("meta.json"));
        assert!(member(path, "other", "").unwrap_err().contains("there is no member \"other\""));
        let lines = inspected(args(path, "--json")).unwrap();
        let of_json = lines.lines().next().unwrap();
        assert!(of_json.starts_with("{\"member\":\"meta.json\",\"version\":null,\"descr\":\"'|u1'\""), "{of_json}");
    }
    assert!(member(&zip, "nothing", "").unwrap().ends_with("\n\n[]\n"));
    let stats = member(&zip, "deflated", "--stats").unwrap();
    assert!(stats.ends_with("1500    -    -   97   99  98.0\n"), "{stats}");
    assert_eq!(member(&zip, "deflated", "--dtype S3 --rows -1 --jsonl").unwrap(), "\"abc\"\n");
    // What is wrong with its bytes names it.
    let mut bytes = fs::read(&zip).unwrap();
    let start = bytes.windows(8).position(|name| name == b"deflated").unwrap() + 8;
    bytes[start] |= 6;
    let broken = folder.path().join("broken.npz");
    fs::write(&broken, bytes).unwrap();
    for rest in ["", "--jsonl", "--stats", "--rows 3"] {
        let text = member(&broken, "deflated", rest).unwrap_err();
        assert!(text.contains("broken.npz"), "{rest}: {text}");
    }
    let lines = inspected(args(&broken, "--json")).unwrap();
    let line = lines.lines().find(|line| line.contains("\"member\":\"deflated\"")).unwrap();
    assert!(line.contains("\"error\":\"") && line.contains("broken.npz"), "{line}");
    let zeros = folder.path().join("zeros");
    fs::write(&zeros, [0; 2000]).unwrap();
    assert!(inspected([&zeros]).unwrap().contains("--dtype says what they are"));
    // Of a tar archive that is cut, what is in front is listed, and where it ends.
    let whole = fs::read(&tar).unwrap();
    fs::write(&tar, &whole[..1600]).unwrap();
    let listed = inspected([&tar]).unwrap();
    assert_eq!(listed.lines().count(), 3, "{listed}");
    assert_eq!(inspected(args(&tar, "--recover")).unwrap(), listed);
    let lines = inspected(args(&tar, "--json")).unwrap();
    assert!(lines.lines().count() == 3 && lines.lines().last().unwrap().starts_with("{\"error\":\""), "{lines}");
    assert!(member(&tar, "d/x.npy", "").is_err());
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn of_an_archive_without_its_directory_it_is_told_that_it_was_cut() {
    let Some(python) = crate::python::Python::get() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    python.run("import sys, numpy as np; np.savez(sys.argv[1], x=np.arange(9), y=np.ones(3))", [&path]);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 30]).unwrap();
    for rest in ["", "--json"] {
        let failure = inspected(args(&path, rest)).unwrap_err();
        assert!(failure.text.contains("a.npz: the archive was cut short"), "{}", failure.text);
        assert!(failure.text.ends_with("--recover shows the members that are whole"), "{}", failure.text);
        assert_eq!((failure.status, failure.text.lines().count()), (1, 1));
    }
    let listed = inspected(args(&path, "--recover")).unwrap();
    assert_eq!(listed, "x\t(9,)\t<i8\tstored\t200 bytes\ny\t(3,)\t<f8\tstored\t152 bytes\n");
    let member = Path::new(&format!("{}:y", path.display())).to_owned();
    assert_eq!(inspected(args(&member, "--recover --jsonl")).unwrap(), "1.0\n1.0\n1.0\n");
    assert!(inspected(args(&member, "--recover --rust")).unwrap().contains("npz::Archive::recover("));
    let end = whole.len() - 200;
    fs::write(&path, &whole[..end]).unwrap();
    let listed = inspected(args(&path, "--recover")).unwrap();
    assert!(listed.ends_with("the members [\"y\"] are cut short or damaged, and are left out\n"), "{listed}");
    let lines = inspected(args(&path, "--recover --json")).unwrap();
    let last = lines.lines().last().unwrap();
    assert_eq!(last, "{\"error\":\"the members [\\\"y\\\"] are cut short or damaged, and are left out\"}");
}

/// An archive with a member of 80 GB, which is a hole but for its header.
const SPARSE: &str = "
import sys, zipfile, numpy as np
order, path = sys.argv[1:]
with zipfile.ZipFile(path, 'w') as archive:
    info = zipfile.ZipInfo('x.npy')
    header = {'descr': '<f8', 'fortran_order': order == 'F', 'shape': (2 * 10**9, 5)}
    info.header_offset, info.flag_bits, info.CRC = 0, 0, 0
    info.file_size = info.compress_size = 80 * 10**9
    start = archive.fp.tell()
    archive.fp.write(info.FileHeader(zip64=True))
    data = archive.fp.tell()
    np.lib.format.write_array_header_1_0(archive.fp, header)
    info.file_size = info.compress_size = archive.fp.tell() - data + 80 * 10**9
    end = data + info.file_size
    archive.fp.seek(start)
    archive.fp.write(info.FileHeader(zip64=True))
    archive.fp.seek(end)
    archive.start_dir, archive._didModify = end, True
    archive.filelist.append(info)
    archive.NameToInfo[info.filename] = info
";

#[test]
#[cfg_attr(not(all(target_arch = "x86_64", target_os = "linux")), ignore = "an emulator starts no other program")]
fn members_larger_than_the_address_space_are_shown_in_part() {
    let (Some(program), Some(python)) = (limited_program(), crate::python::Python::get()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("h.npz");
    for order in ["C", "F"] {
        python.run(SPARSE, [order, path.to_str().unwrap()]);
        for (rest, expected) in [
            ("--rows 0..2", "\n\n[[0. 0. 0. 0. 0.]\n [0. 0. 0. 0. 0.]]\n"),
            ("--rows -1 --jsonl", "[0.0,0.0,0.0,0.0,0.0]\n"),
            ("", "[0. 0. 0. 0. 0.]]\n"),
            ("--json", "\"nbytes\":80000000000}\n"),
        ] {
            let output = shell(&program, &format!("ulimit -v 500000; \"$0\" \"$1\" {rest}"), &path, b"");
            let printed = String::from_utf8(output.stdout).unwrap();
            assert!(printed.ends_with(expected), "{rest}: {printed}{}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn compressed_files_are_shown_as_what_they_hold() {
    let Some(python) = crate::python::Python::get() else { return };
    let folder = tempfile::tempdir().unwrap();
    let make = "import gzip, sys, numpy as np, pyarrow as pa\n\
                for name, a in [('c', np.arange(60000).reshape(-1, 3)), ('f', np.arange(600.).reshape(3, 200).T)]:\n\
                \x20   path = f'{sys.argv[1]}/{name}.npy'\n\
                \x20   np.save(path, a); whole = open(path, 'rb').read()\n\
                \x20   open(path + '.gz', 'wb').write(gzip.compress(whole))\n\
                \x20   zst = pa.compress(whole, codec='zstd', asbytes=True)\n\
                \x20   open(path + '.zst', 'wb').write(zst)\n\
                \x20   open(path + '.parallel.zst', 'wb').write(b'\\x50\\x2a\\x4d\\x18\\x04\\0\\0\\0size' + zst)\n\
                \x20   np.savez_compressed(path + '.npz', x=a)";
    python.run(make, [folder.path()]);
    for name in ["c.npy", "f.npy"] {
        let path = folder.path().join(name);
        for kind in ["gz", "zst", "parallel.zst", "npz"] {
            let packed = folder.path().join(format!("{name}.{kind}"));
            for rest in ["", "--rows 1..4", "--rows -2.."] {
                assert_eq!(array(&packed, rest), array(&path, rest), "{kind} {rest}");
            }
            for rest in ["--jsonl", "--jsonl --rows 100..150", "--csv", "--stats", "--stats --rows 7..90"] {
                let both = [&packed, &path].map(|path| inspected(args(path, rest)).unwrap());
                assert!(both[0] == both[1], "{name}.{kind} {rest}");
            }
            let json = inspected(args(&packed, "--json")).unwrap();
            assert!(json.contains("\"data_offset\":null"), "{json}");
            // What is cut or changed is an error, and nothing is printed.
            let whole = fs::read(&packed).unwrap();
            fs::write(&packed, &whole[..whole.len() / 2]).unwrap();
            for rest in ["", "--json", "--jsonl", "--stats"] {
                let failure = inspected(args(&packed, rest)).unwrap_err();
                assert_eq!((failure.status, failure.text.lines().count()), (1, 1), "{kind} {rest}: {}", failure.text);
            }
        }
    }
}
