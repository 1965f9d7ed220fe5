//! `git_index`, against `git show-index`.

#[allow(dead_code)]
#[path = "../../examples/git_index.rs"]
mod example;

use crate::cutter::Cutter;
use example::Request;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::process::{Command, Stdio};

fn printed(path: &Path, options: &[&str]) -> Result<String, String> {
    let args = std::iter::once(path.as_os_str().to_owned()).chain(options.iter().map(OsString::from));
    let mut out = Vec::new();
    match Request::parse(args)?.print(&mut out) {
        Ok(()) => Ok(String::from_utf8(out).unwrap()),
        Err(error) => {
            assert!(out.is_empty(), "what fails prints nothing");
            Err(error.to_string())
        }
    }
}

/// The first bytes of the ids in [`index`], whose other bytes are 7.
const IDS: [[u8; 2]; 5] = [[0, 0], [0x0f, 0x13], [0x0f, 0x1a], [0xab, 0xcd], [0xff, 0xff]];

/// An index of five objects, with ids of some bytes. In version 2 the offset of the second is one of 64 bits.
fn index(version: u32, id_len: usize) -> Vec<u8> {
    let ids = IDS.map(|[first, second]| [vec![first, second], vec![7; id_len - 2]].concat());
    let up_to = |byte: u8| IDS.iter().filter(|id| id[0] <= byte).count() as u32;
    let first_bytes = (0..=255).flat_map(|byte| up_to(byte).to_be_bytes()).collect::<Vec<u8>>();
    let last = vec![0xee; 2 * id_len];
    if version == 1 {
        let entries = ids.iter().zip([12, 0x8000_0000_u32, 300, 400, 500]);
        let entries = entries.flat_map(|(id, offset)| [&offset.to_be_bytes(), &id[..]].concat()).collect();
        return [first_bytes, entries, last].concat();
    }
    let words = |values: [u32; 5]| values.map(u32::to_be_bytes).concat();
    let checksums = words([0x0123_4567, 1, 2, 3, 0xffff_ffff]);
    let offsets = [words([12, 0x8000_0000, 300, 400, 500]), 0x12_3456_789a_u64.to_be_bytes().to_vec()].concat();
    let head = [&b"\xfftOc"[..], &version.to_be_bytes(), &first_bytes].concat();
    [head, ids.concat(), checksums, offsets, last].concat()
}

#[test]
fn objects_are_listed_and_found_in_both_versions_and_with_ids_of_both_lengths() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pack.idx");
    for (version, id_len) in [(1, 20), (1, 32), (2, 20), (2, 32)] {
        fs::write(&path, index(version, id_len)).unwrap();
        let rest = "07".repeat(id_len - 2);
        let offsets =
            if version == 1 { [12, 0x8000_0000, 300, 400, 500] } else { [12, 0x12_3456_789a_u64, 300, 400, 500] };
        let checksums = ["01234567", "00000001", "00000002", "00000003", "ffffffff"];
        let line = |index: usize| {
            let [first, second] = IDS[index];
            let checksum = if version == 1 { String::new() } else { format!(" ({})", checksums[index]) };
            format!("{} {first:02x}{second:02x}{rest}{checksum}\n", offsets[index])
        };
        assert_eq!(printed(&path, &[]).unwrap(), (0..5).map(line).collect::<String>());
        for (digits, objects) in
            [("0", 0..3), ("0f", 1..3), ("0F1", 1..3), ("0f1a", 2..3), ("ab", 3..4), ("f", 4..5), ("0000", 0..1)]
        {
            assert_eq!(printed(&path, &["--find", digits]).unwrap(), objects.map(line).collect::<String>(), "{digits}");
        }
        let whole = format!("abcd{rest}");
        assert_eq!(printed(&path, &["--find", &whole]).unwrap(), line(3));
        for digits in ["1", "0e", "0f14", "abce", "fffe"] {
            let error = printed(&path, &["--find", digits]).unwrap_err();
            assert!(error.contains(&format!("no object has an id that begins with {digits}")), "{error}");
        }
        let error = printed(&path, &["--find", &format!("{whole}0")]).unwrap_err();
        assert!(error.contains(&format!("--find has {} digits, but an id has only", 2 * id_len + 1)), "{error}");
    }
}

#[test]
#[cfg_attr(windows, ignore = "Windows does not let mapped files be cut")]
#[cfg_attr(
    not(any(target_arch = "x86", target_arch = "x86_64", target_vendor = "apple")),
    ignore = "qemu's user mode dies of a lost page"
)]
fn an_index_that_is_cut_while_it_is_listed_is_an_error_and_no_zeros() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pack.idx");
    const COUNT: u32 = 20_000;
    let words = |words: &mut dyn Iterator<Item = u32>| words.flat_map(u32::to_be_bytes).collect::<Vec<u8>>();
    // All ids begin with a zero.
    let first_bytes = words(&mut (0..256).map(|_| COUNT));
    let id = |number: u32| [&number.to_be_bytes()[..], &[7; 16]].concat();
    let entries = (0..COUNT).flat_map(|number| [&number.to_be_bytes()[..], &id(number)].concat()).collect::<Vec<u8>>();
    let tables = [(0..COUNT).flat_map(id).collect(), words(&mut (0..COUNT)), words(&mut (0..COUNT))].concat();
    let (head, last) = (&[0xff, b't', b'O', b'c', 0, 0, 0, 2][..], &[0xee; 40][..]);
    for index in [[&first_bytes, &entries, last].concat(), [head, &first_bytes, &tables, last].concat()] {
        fs::write(&path, index).unwrap();
        let whole = printed(&path, &[]).unwrap();
        let mut cutter = Cutter::new(&path, 5000);
        let error = Request::parse([path.clone().into()].into_iter()).unwrap().print(&mut cutter).unwrap_err();
        assert!(error.to_string().contains("at byte 5000"), "{error}");
        let printed = String::from_utf8(cutter.printed).unwrap();
        assert!(whole.starts_with(&printed) && printed.ends_with('\n') && printed.len() < whole.len(), "{printed}");
    }
}

#[test]
fn a_broken_index_is_an_error_or_another_list_but_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pack.idx");
    let print = |file: &[u8], options: &[&str]| {
        fs::write(&path, file).unwrap();
        printed(&path, options)
    };
    for (version, id_len) in [(1, 20), (2, 20), (2, 32)] {
        let whole = index(version, id_len);
        fs::write(&path, &whole).unwrap();
        let mut file = File::options().write(true).open(&path).unwrap();
        // Most of the file is the first table: of its middle, some bytes.
        let some = |byte: usize| !(40..1000).contains(&byte) || byte % 23 == 0;
        for (byte, &right) in whole.iter().enumerate().filter(|&(byte, _)| some(byte)) {
            // In place: another file each time takes twenty times as long.
            let mut put = |value| {
                file.seek(SeekFrom::Start(byte as u64)).unwrap();
                file.write_all(&[value]).unwrap();
            };
            for value in [0, 0xff, right ^ 1, right ^ 0x80] {
                put(value);
                for options in [&[][..], &["--find", "0f1"]] {
                    match printed(&path, options) {
                        Ok(text) => assert!(text.lines().count() <= 5, "{byte}: {text}"),
                        Err(error) => assert!(error.contains("pack.idx: "), "{byte}: {error}"),
                    }
                }
            }
            put(right);
        }
        for len in (0..whole.len()).rev().filter(|&len| some(len)) {
            file.set_len(len as u64).unwrap();
            let error = printed(&path, &[]).unwrap_err();
            assert!(error.contains("pack.idx: "), "{len}: {error}");
        }
        assert!(print(&[&whole[..], &[0]].concat(), &[]).unwrap_err().contains("with 5 objects has a length of"));
    }
    let whole = index(2, 20);
    let error = print(&whole[..whole.len() - 8], &[]).unwrap_err();
    assert!(error.contains("object 1 refers to the offset 0 of 64 bits, but there are only 0"), "{error}");
    let mut many = whole.clone();
    many[8..8 + 1024].fill(0xff);
    assert!(print(&many, &[]).unwrap_err().contains("with 4294967295 objects has a length of"));
    assert!(print(&index(3, 20), &[]).unwrap_err().contains("an index of version 3"));
    assert!(print(&[&[0; 1024][..], &[7; 40]].concat(), &[]).unwrap().is_empty());
    assert!(print(&[b'a'; 2000], &[]).unwrap_err().contains("no index of version 1"));
    assert!(print(&(0..=255).rev().collect::<Vec<u8>>().repeat(8), &[]).unwrap_err().contains("do not ascend"));
    for (options, text) in [
        (&["--find", "xyz"][..], "--find cannot be \"xyz\""),
        (&["--find"], "--find cannot be \"\""),
        (&["--verify"], "no such option: --verify"),
        (&["another"], "more than one file"),
    ] {
        assert!(printed(&path, options).unwrap_err().contains(text), "{text}");
    }
    assert!(printed(folder.path(), &[]).is_err());
    assert!(printed(&folder.path().join("none.idx"), &[]).unwrap_err().contains("none.idx: "));
}

/// Runs git in a folder, out of reach of the user's and the system's settings, and returns what it prints.
#[track_caller]
fn git(folder: &Path, args: &[&str], input: Option<&Path>) -> String {
    let mut command = Command::new("git");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GIT_")) {
        command.env_remove(name);
    }
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", folder).env("XDG_CONFIG_HOME", folder).env("LC_ALL", "C");
    let input = input.map_or_else(Stdio::null, |path| File::open(path).unwrap().into());
    let output = command.current_dir(folder).args(args).stdin(input).output();
    let output = output.unwrap_or_else(|error| panic!("this test needs git: {error}"));
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Commits for `git fast-import`, each of which changes one file.
fn history() -> String {
    let commit = |number: usize| {
        let text = format!("{number}\n").repeat(1 + number % 50);
        format!(
            "commit refs/heads/main\ncommitter A <a@example.org> {} +0000\ndata 2\n.\n\
             M 644 inline file{}\ndata {}\n{text}\n",
            1_700_000_000 + number,
            number % 9,
            text.len()
        )
    };
    (0..300).map(commit).collect()
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no git")]
fn real_indexes_are_listed_and_searched_as_git_lists_them() {
    for format in ["--object-format=sha1", "--object-format=sha256"] {
        let folder = tempfile::tempdir().unwrap();
        let git = |args: &[&str], input| git(folder.path(), args, input);
        let (commits, index) = (folder.path().join("commits"), folder.path().join("made.idx"));
        fs::write(&commits, history()).unwrap();
        git(&["init", "--quiet", "--bare", format, "."], None);
        git(&["fast-import", "--quiet"], Some(&commits));
        git(&["repack", "-a", "-d", "--quiet"], None);
        let mut files = fs::read_dir(folder.path().join("objects/pack")).unwrap().map(|entry| entry.unwrap().path());
        let pack = files.find(|path| path.extension().is_some_and(|end| end == "pack")).unwrap();

        let mut lens = Vec::new();
        // Offsets beyond the last number have 64 bits.
        for version in ["1", "2", "2,0x1000", "2,1"] {
            let option = format!("--index-version={version}");
            git(&["index-pack", &option, "-o", "made.idx", pack.to_str().unwrap()], None);
            let expected = git(&["show-index", format], Some(&index));
            assert!(printed(&index, &[]).unwrap() == expected, "{format} {version}");

            let lines: Vec<(&str, &str)> =
                expected.lines().map(|line| (line.split(' ').nth(1).unwrap(), line)).collect();
            assert!(lines.len() > 800, "{}", lines.len());
            for (id, _) in lines.iter().step_by(50) {
                for digits in [&id[..1], &id[..2], &id[..3], id] {
                    let found = printed(&index, &["--find", digits]).unwrap();
                    let expected = lines.iter().filter(|(id, _)| id.starts_with(digits)).map(|(_, line)| *line);
                    assert!(found.lines().eq(expected), "{format} {version} {digits}: {found}");
                }
            }
            lens.push(fs::metadata(&index).unwrap().len());
            fs::remove_file(&index).unwrap();
        }
        assert!(lens[0] < lens[1] && lens[1] < lens[2] && lens[2] < lens[3], "{lens:?}");
    }
}
