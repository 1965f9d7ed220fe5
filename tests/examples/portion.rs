//! `portion`, against what NumPy prints.

#[allow(dead_code)]
#[path = "../../examples/portion.rs"]
mod example;

use example::{Failure, demonstrate, run};
use std::ffi::OsString;
use std::fs;

/// What `portion FILE args…` prints of a file.
fn printed(file: impl AsRef<[u8]>, args: &str) -> Result<String, Failure> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, file).unwrap();
    let args = std::iter::once(path.into_os_string()).chain(args.split_whitespace().map(OsString::from));
    let mut out = Vec::new();
    let printed = run(args, &mut out);
    assert!(printed.is_ok() || out.is_empty(), "what fails prints nothing");
    printed.map(|()| String::from_utf8(out).unwrap())
}

/// A file with some bytes before the numbers.
macro_rules! file {
    ($before:expr, $numbers:expr) => {
        [7].repeat($before).into_iter().chain($numbers.into_iter().flat_map(|x| x.to_ne_bytes())).collect::<Vec<u8>>()
    };
}

#[test]
fn it_prints_what_numpy_prints() {
    // Each text is that of `print(np.memmap(…))` in NumPy 2.4.6.
    let quarters = file!(3, (0..6).map(|k| k as f32 * 0.25 - 0.5));
    let shorts = file!(54, -1000..1000_i16);
    let doubles = file!(5, [1e10, -0.001, f64::NAN, f64::INFINITY, 1.0 / 3.0, 0.0]);
    for (file, args, expected) in [
        (&quarters, "--offset 3 --dtype f4 --shape 2,3", "[[-0.5  -0.25  0.  ]\n [ 0.25  0.5   0.75]]"),
        (&quarters, "--offset 3 --dtype =f4 --shape 2,-1", "[[-0.5  -0.25  0.  ]\n [ 0.25  0.5   0.75]]"),
        (&quarters, "--offset 3 --dtype f4 --shape 2,3 --order F", "[[-0.5   0.    0.5 ]\n [-0.25  0.25  0.75]]"),
        (&quarters, "--shape 3", "[7 7 7]"),
        (
            &shorts,
            "--offset 54 --dtype i2 --shape 40,50",
            "[[-1000  -999  -998 ...  -953  -952  -951]\n [ -950  -949  -948 ...  -903  -902  -901]\n \
             [ -900  -899  -898 ...  -853  -852  -851]\n ...\n [  850   851   852 ...   897   898   899]\n \
             [  900   901   902 ...   947   948   949]\n [  950   951   952 ...   997   998   999]]",
        ),
        (
            &doubles,
            "--offset 5 --dtype f8",
            "[ 1.00000000e+10 -1.00000000e-03             nan             inf\n  3.33333333e-01  0.00000000e+00]",
        ),
        (&file!(9, -4..4_i8), "--offset 9 --dtype i1 --shape 2,2,2", "[[[-4 -3]\n  [-2 -1]]\n\n [[ 0  1]\n  [ 2  3]]]"),
        (&vec![0, 200, 7], "--dtype >u1 --shape -1,1", "[[  0]\n [200]\n [  7]]"),
        (&file!(1, [0, 65535, 7_u16]), "--offset 1 --dtype |u2", "[    0 65535     7]"),
        (&file!(1, [u32::MAX, 65535, 7]), "--offset 1 --dtype u4", "[4294967295      65535          7]"),
        (&file!(1, [i32::MIN, 65535, 7]), "--offset 1 --dtype i4", "[-2147483648       65535           7]"),
        (
            &file!(1, [1 << 63, 1, u64::MAX]),
            "--offset 1 --dtype u8",
            "[ 9223372036854775808                    1 18446744073709551615]",
        ),
        (
            &file!(2, [i64::MIN, 1, 7]),
            "--offset 2 --dtype i8",
            "[-9223372036854775808                    1                    7]",
        ),
    ] {
        assert_eq!(printed(file, args).unwrap(), format!("{expected}\n"), "{args}");
    }
}

#[test]
fn what_cannot_be_printed_is_an_error() {
    for (args, status, text) in [
        ("--offset 9", 1, "lies behind the end of the file at byte 8"),
        ("--dtype f4 --shape 3", 1, "from byte 0 on need 12 bytes, but the file ends at byte 8"),
        ("--offset 1 --dtype i2", 1, "1 are left over"),
        ("--shape -1,-1", 1, "leaves 2 axes to be inferred"),
        ("--shape 4000000000,4000000000,4000000000", 1, "too large"),
        ("--dtype f3", 2, "--dtype cannot be \"f3\": there is no type"),
        ("--dtype |O", 2, "--dtype cannot be"),
        ("--field x", 1, "there is no field \"x\""),
        ("--dtype <<f4", 2, "--dtype cannot be"),
        ("--shape 2,-3", 2, "--shape cannot be \"2,-3\""),
        ("--offset -1", 2, "--offset cannot be \"-1\""),
        ("--offset", 2, "--offset cannot be \"\""),
        ("--order A", 2, "--order cannot be \"A\""),
        ("--mode r", 2, "no such option: --mode"),
        ("another", 2, "more than one file"),
    ] {
        let failure = printed([0; 8], args).unwrap_err();
        assert_eq!(failure.status, status, "{args}: {}", failure.text);
        assert!(failure.text.contains(text), "{args}: {}", failure.text);
        assert_eq!(failure.text.contains("usage:"), status == 2, "{args}: {}", failure.text);
    }
    let failure = run(["no/such/file".into()], &mut Vec::new()).unwrap_err();
    assert!(failure.status == 1 && failure.text.contains("cannot open the file"), "{}", failure.text);
    let failure = run(["--offset".into(), "3".into()], &mut Vec::new()).unwrap_err();
    assert!(failure.status == 2 && failure.text.contains("no file"), "{}", failure.text);
}

#[test]
fn any_dtype_is_printed_and_any_field_of_records() {
    let file = [0, 1, 0x3f, 0xc0, 0, 0, 0, 2, 0xc0, 0, 0, 0];
    assert_eq!(printed(file, "--dtype >u2 --shape 2,-1").unwrap(), "[[    1 16320     0]\n [    2 49152     0]]\n");
    let records = "--dtype [('n','>i2'),('x','>f4')]";
    assert_eq!(printed(file, records).unwrap(), "[(1,  1.5) (2, -2. )]\n");
    assert_eq!(printed(file, &format!("{records} --field x")).unwrap(), "[ 1.5 -2. ]\n");
    assert_eq!(printed(b"ab\0c\0\0", "--dtype S3").unwrap(), "[b'ab' b'c']\n");
    assert_eq!(printed([1, 0, 0, 0, 0, 0, 0, 0], "--dtype <M8[D]").unwrap(), "['1970-01-02']\n");
}

#[test]
fn the_demonstration_reads_what_it_wrote_and_leaves_nothing() {
    // The full size where a hole in a file is sure to cost nothing. Elsewhere it may not: NTFS would reserve 64 GiB
    // on the disk, and wine may write them. Not for PowerPC either, which is tested under QEMU: it maps what lies
    // above 4 GiB at the offset's lower 32 bits.
    let holes = cfg!(target_os = "linux") && !cfg!(target_arch = "powerpc");
    let counts: &[u64] = if holes { &[1 << 20, 1 << 31] } else { &[1 << 20] };
    for &count in counts {
        let folder = tempfile::tempdir().unwrap();
        let mut out = Vec::new();
        demonstrate(count, folder.path(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains(&format!("{} bytes", 32 * count)), "{text}");
        assert_eq!(text.lines().filter(|line| line.ends_with(&format!(" {}", 250 * (count - 1)))).count(), 1, "{text}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let failure = demonstrate(count, &folder.path().join("missing"), &mut Vec::new()).unwrap_err();
        assert_eq!(failure.status, 1);
    }
}
