//! `safetensors`, against the crate of this name, and against NumPy's and ml_dtypes' texts of tensors that Python's
//! package wrote.

#![cfg(all(feature = "float8", feature = "half"))]

#[allow(dead_code)]
#[path = "../examples/safetensors.rs"]
mod example;
#[allow(dead_code)]
#[path = "../../tests/python/mod.rs"]
mod python;

use example::run;
use python::Python;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView, serialize};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

fn printed(file: &Path, args: &[&str]) -> Result<String, String> {
    let args: Vec<OsString> = [file.into()].into_iter().chain(args.iter().map(OsString::from)).collect();
    let mut out = Vec::new();
    run(&args, &mut out).map(|()| String::from_utf8(out).unwrap()).map_err(|error| error.to_string())
}

/// Writes files of all dtypes, one with tensors at odd bytes, and prints what is to be printed of them.
const MAKE: &str = r#"
import sys
import ml_dtypes, numpy as np
from safetensors.numpy import save_file

folder = sys.argv[1]
rng = np.random.default_rng(3)
names = ['bool', 'uint8', 'int8', 'uint16', 'int16', 'uint32', 'int32', 'uint64', 'int64', 'float16', 'float32',
         'float64', 'complex64', 'bfloat16', 'float8_e4m3fn', 'float8_e5m2', 'float8_e8m0fnu', 'float8_e4m3fnuz',
         'float8_e5m2fnuz']
tensors = {}
for name in names:
    dtype = np.dtype(getattr(ml_dtypes, name, name))
    for shape in [(), (7,), (0, 3), (3, 0), (5, 4), (40, 3, 12)]:
        numbers = rng.integers(0, 2, shape) if name == 'bool' else rng.integers(0, 120, shape)
        if dtype.kind in 'fcV':
            numbers = numbers / 8
        if dtype.kind == 'c':
            numbers = numbers * (1 - 0.5j)
        tensors[f'{name}.{"x".join(map(str, shape))}'] = np.asarray(numbers).astype(dtype)
save_file(tensors, f'{folder}/even.safetensors', {'made': 'here', 'é': '…'})
# A header may end with any number of spaces, so that tensors lie at any byte.
file = open(f'{folder}/even.safetensors', 'rb').read()
length = int.from_bytes(file[:8], 'little')
odd = (length + 1).to_bytes(8, 'little') + file[8:8 + length] + b' ' + file[8 + length:]
open(f'{folder}/odd.safetensors', 'wb').write(odd)
for name, tensor in tensors.items():
    print(name, '', tensor, sep='\n', end='\0')
    if tensor.ndim:
        half = len(tensor) // 2
        for start, end in [(0, half), (half, half), (half, len(tensor)), (1, half)]:
            if start <= end:
                print(name, f'{start}..{end}', tensor[start:end], sep='\n', end='\0')
"#;

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn tensors_of_every_dtype_at_any_byte_are_printed_as_numpy_and_ml_dtypes_print_them() {
    let Some(python) = Python::get() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut compared = 0;
    let expected = python.run(MAKE, [folder.path()]);
    for part in expected.split_terminator('\0') {
        let [name, rows, text] = part.splitn(3, '\n').collect::<Vec<_>>()[..] else { panic!("{part}") };
        let args = if rows.is_empty() { &[name][..] } else { &[name, rows] };
        for file in ["even", "odd"] {
            let ours = printed(&folder.path().join(file).with_extension("safetensors"), args).unwrap();
            assert_eq!(ours, format!("{text}\n"), "{file} {name} {rows}");
            compared += 1;
        }
    }
    // Without the range 1..0 of the array without rows.
    assert_eq!(compared, 2 * 19 * (1 + 5 * 5 - 1));

    for (name, shift) in [("even", 0), ("odd", 1)] {
        let path = folder.path().join(name).with_extension("safetensors");
        let bytes = fs::read(&path).unwrap();
        let (header, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
        assert_eq!(header % 8, shift);
        let mut names = metadata.offset_keys();
        names.sort_by_key(|name| (metadata.info(name).unwrap().data_offsets, name.clone()));
        let lines = names.into_iter().map(|name| {
            let info = metadata.info(&name).unwrap();
            let start = 8 + header + info.data_offsets.0;
            format!("{start:>12} {:?} {:?} {name:?}\n", info.dtype, info.shape)
        });
        assert_eq!(printed(&path, &[]).unwrap(), lines.collect::<String>());
    }
}

/// Two tensors, the second of which is at an odd byte.
fn file() -> Vec<u8> {
    let tensors = [
        ("a.weight", TensorView::new(Dtype::I16, vec![3, 2], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]).unwrap()),
        ("b", TensorView::new(Dtype::U8, vec![5], &[1, 2, 3, 4, 5]).unwrap()),
        ("c\x1b[2J", TensorView::new(Dtype::F4, vec![2], &[7]).unwrap()),
    ];
    serialize(tensors, None).unwrap()
}

#[test]
fn names_rows_and_dtypes_that_are_not_there_are_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    fs::write(&path, file()).unwrap();
    assert_eq!(printed(&path, &["a.weight", "1..3"]).unwrap(), "[[1284 1798]\n [2312 2826]]\n");
    // What a terminal would interpret is printed as an escape.
    assert!(printed(&path, &[]).unwrap().ends_with(" F4 [2] \"c\\u{1b}[2J\"\n"));
    for (args, text) in [
        (&["a"][..], "model.safetensors, tensor \"a\": does not exist; list the file to see those that do"),
        (&["a.weight", "2..4"], "tensor \"a.weight\": has shape [3, 2], and no rows 2..4"),
        (&["a.weight", "2..1"], "has shape [3, 2], and no rows 2..1"),
        (&["a.weight", "2"], "expected rows as FROM..TO, found \"2\""),
        (&["a.weight", "..2"], "expected rows as FROM..TO"),
        (&["a.weight", "-1..2"], "expected rows as FROM..TO"),
        (&["c\x1b[2J"], "its dtype, F4, has no whole bytes"),
        (&["a.weight", "0..1", "x"], "usage: "),
    ] {
        let error = printed(&path, args).unwrap_err();
        assert!(error.contains(text), "{error}");
    }
    assert!(printed(folder.path(), &[]).unwrap_err().contains("a directory"));
    assert!(printed(&folder.path().join("none"), &[]).unwrap_err().contains("none"));
}

#[test]
fn headers_that_claim_too_much_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let refused = |json: &str, len: u64, data: &[u8]| {
        fs::write(&path, [&len.to_le_bytes(), json.as_bytes(), data].concat()).unwrap();
        for args in [&[][..], &["a"], &["a", "0..1"]] {
            let error = printed(&path, args).unwrap_err();
            assert!(error.contains("model.safetensors"), "{error}");
        }
        printed(&path, &[]).unwrap_err()
    };
    assert!(
        refused("{}", u64::MAX, &[]).contains("expected a safetensors file, found a header of 18446744073709551615")
    );
    assert!(refused("{}", 100_000_001, &[]).contains("more than 100000000"));
    assert!(refused("{}", 100_000_000, &[]).contains("ends at byte 10"));
    let one = |shape: &str, start: u64, end: u64| {
        format!(r#"{{"a":{{"dtype":"U8","shape":{shape},"data_offsets":[{start},{end}]}}}}"#)
    };
    for json in [
        one("[4]", 0, 5),
        one("[4]", 1, 5),
        one("[4]", 4, 0),
        one("[4]", 0, u64::MAX),
        one("[18446744073709551615]", 0, u64::MAX),
        one("[4294967296,4294967296]", 0, 0),
        one("[18446744073709551616]", 0, 4),
        one("[-4]", 0, 4),
        "[".repeat(10_000),
        r#"{"a":"#.repeat(10_000),
        "\u{0}".into(),
        String::new(),
    ] {
        refused(&json, json.len() as u64, &[7; 4]);
    }
    let json = one("[4]", 0, 4);
    assert!(refused(&json, json.len() as u64, &[7; 3]).contains("states 4 bytes of tensors"));
    assert!(refused(&json, json.len() as u64, &[7; 5]).contains("states 4 bytes of tensors"));
    fs::write(&path, [&(json.len() as u64).to_le_bytes(), json.as_bytes(), &[7; 4]].concat()).unwrap();
    assert_eq!(printed(&path, &["a"]).unwrap(), "[7 7 7 7]\n");
}

#[test]
fn a_broken_file_is_an_error_or_other_tensors_but_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let whole = file();
    fs::write(&path, &whole).unwrap();
    let mut file = File::options().write(true).open(&path).unwrap();
    let requests = [&[][..], &["a.weight"], &["a.weight", "1..2"], &["b", "0..5"]];
    for (byte, &right) in whole.iter().enumerate() {
        let mut put = |value| {
            file.seek(SeekFrom::Start(byte as u64)).unwrap();
            file.write_all(&[value]).unwrap();
        };
        for value in [0, 0xff, right ^ 1, right ^ 0x80, b'"', b'9', b'0', b'-', b'{', b'\\'] {
            put(value);
            let broken: Vec<u8> = [&whole[..byte], &[value], &whole[byte + 1..]].concat();
            // The crate, which has the whole file, refuses the same.
            let theirs = SafeTensors::deserialize(&broken).is_ok();
            for args in requests {
                match printed(&path, args) {
                    Ok(_) => assert!(theirs, "{byte} {value}"),
                    Err(error) => {
                        assert!(error.contains("model.safetensors"), "{error}");
                        assert!(!theirs || !args.is_empty(), "{byte} {value}: {error}");
                    }
                }
            }
        }
        put(right);
    }
    for len in (0..whole.len()).rev() {
        file.set_len(len as u64).unwrap();
        for args in requests {
            let error = printed(&path, args).unwrap_err();
            assert!(error.contains("model.safetensors"), "{len}: {error}");
        }
    }
}

#[test]
// Elsewhere a file of 100 GB may not be free: NTFS would reserve it. Emulators keep some bytes for each page that is
// mapped, or map what lies above 4 GiB at the lower 32 bits of the offset.
#[cfg_attr(not(target_os = "linux"), ignore = "a hole in a file may take space on the disk")]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "an emulator may not map 100 GB")]
fn of_a_file_of_100_gb_only_the_header_and_the_window_are_read() {
    const ROWS: u64 = 25_000_000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let end = ROWS * 4000;
    let small = r#"{"dtype":"U8","shape":[3],"data_offsets":[0,3]}"#;
    let large = format!(r#"{{"dtype":"BF16","shape":[{ROWS},2000],"data_offsets":[3,{}]}}"#, end + 3);
    let json = format!(r#"{{"small":{small},"large":{large}}}"#);
    let data = 8 + json.len() as u64;
    let mut file = File::create(&path).unwrap();
    file.write_all(&[&(json.len() as u64).to_le_bytes(), json.as_bytes(), &[1, 2, 3]].concat()).unwrap();
    file.set_len(data + 3 + end).unwrap();
    let row = ROWS / 2 + 1;
    file.seek(SeekFrom::Start(data + 3 + row * 4000)).unwrap();
    // 1.5, in the upper half of a float32.
    file.write_all(&[0xc0, 0x3f].repeat(2000)).unwrap();

    let before = peak();
    let list = printed(&path, &[]).unwrap();
    let large = data + 3;
    assert!(list.ends_with(&format!("{large:>12} BF16 [{ROWS}, 2000] \"large\"\n")), "{list}");
    assert_eq!(printed(&path, &["small"]).unwrap(), "[1 2 3]\n");
    let window = printed(&path, &["large", &format!("{}..{}", row - 1, row + 2)]).unwrap();
    assert_eq!(window, "[[0 0 0 ... 0 0 0]\n [1.5 1.5 1.5 ... 1.5 1.5 1.5]\n [0 0 0 ... 0 0 0]]\n");
    // The whole tensor: of its corners.
    let whole = printed(&path, &["large"]).unwrap();
    assert_eq!(whole.lines().count(), 7, "{whole}");
    let grown = peak() - before;
    assert!(grown < 64 << 20, "{grown}");
}

/// The largest memory that this process has had, in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
}

#[test]
fn the_demonstration_lists_and_prints_its_own_file() {
    let mut out = Vec::new();
    run(&[], &mut out).unwrap();
    let out = String::from_utf8(out).unwrap();
    assert!(out.contains("BF16 [64, 4] \"layer.weight\"\n"), "{out}");
    assert!(out.contains("[[15 15.125 15.25 15.375]\n [15.5 "), "{out}");
}
