//! Files without a header, as NumPy prints them.

use crate::{args, inspected};
use std::fs;

/// The array that `mmap-inspect FILE args…` prints of a file.
fn printed(file: impl AsRef<[u8]>, rest: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, file).unwrap();
    let printed = inspected(args(&path, rest)).unwrap_or_else(|failure| panic!("{rest}: {failure}"));
    let (_, array) = printed.split_once("\n\n").unwrap();
    // Of records, what they are stands before them.
    let array = array.rsplit_once(" bytes\n\n").map_or(array, |(_, array)| array);
    array.strip_suffix('\n').unwrap().to_owned()
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
        assert_eq!(printed(file, args), expected, "{args}");
    }
}

#[test]
fn any_dtype_is_printed_and_any_field_of_records() {
    let file = [0, 1, 0x3f, 0xc0, 0, 0, 0, 2, 0xc0, 0, 0, 0];
    assert_eq!(printed(file, "--dtype >u2 --shape 2,-1"), "[[    1 16320     0]\n [    2 49152     0]]");
    let records = "--dtype [('n','>i2'),('x','>f4')]";
    assert_eq!(printed(file, records), "[(1,  1.5) (2, -2. )]");
    assert_eq!(printed(file, &format!("{records} --field x")), "[ 1.5 -2. ]");
    assert_eq!(printed(b"ab\0c\0\0", "--dtype S3"), "[b'ab' b'c']");
    assert_eq!(printed([1, 0, 0, 0, 0, 0, 0, 0], "--dtype <M8[D]"), "['1970-01-02']");
}
