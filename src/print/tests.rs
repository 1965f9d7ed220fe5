use super::*;

const INFINITY: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

fn with(options: PrintOptions, shape: &[usize], items: Vec<Item>) -> String {
    let mut out = String::new();
    let mut at = |index: &[usize]| {
        let place = index.iter().zip(shape).fold(0, |place, (i, n)| place * n + i);
        items[place].clone()
    };
    write_array(&mut out, shape, &mut at, &options).unwrap();
    out
}

fn str(shape: &[usize], items: Vec<Item>) -> String {
    with(PrintOptions::str(), shape, items)
}

fn repr(shape: &[usize], items: Vec<Item>) -> String {
    with(PrintOptions::repr(), shape, items)
}

fn bools<const N: usize>(values: [bool; N]) -> Vec<Item> {
    values.map(Item::Bool).into()
}

fn ints<const N: usize>(values: [i128; N]) -> Vec<Item> {
    values.map(Item::Int).into()
}

fn f32s<const N: usize>(values: [f32; N]) -> Vec<Item> {
    values.map(Item::F32).into()
}

fn f64s<const N: usize>(values: [f64; N]) -> Vec<Item> {
    values.map(Item::F64).into()
}

fn texts<const N: usize>(values: [&str; N]) -> Vec<Item> {
    values.map(|text| Item::Text(text.into())).into()
}

fn count(size: i128) -> Vec<Item> {
    (0..size).map(Item::Int).collect()
}

// What is expected below is what NumPy 2.4.6 prints.

#[test]
fn an_array_of_many_short_axes_shows_few_elements() {
    let mut asked = 0;
    let mut text = String::new();
    let mut at = |_: &[usize]| {
        asked += 1;
        Item::Int(7)
    };
    write_array(&mut text, &[2; 32], &mut at, &PrintOptions::str()).unwrap();
    assert!(asked <= MOST_SHOWN && text.len() < 10_000 && text.contains("..."), "{asked} {text}");
    let mut many = String::new();
    write_array(&mut many, &[6; 8], &mut |_| Item::Int(7), &PrintOptions::str()).unwrap();
    assert!(many.len() < 1_000_000);
}

#[test]
fn integers_and_booleans() {
    // Integers share a width.
    assert_eq!(str(&[3], ints([1, -20, 300])), "[  1 -20 300]");
    // The widest integers fit.
    assert_eq!(str(&[2], ints([u64::MAX.into(), 0])), "[18446744073709551615                    0]");
    // And the most negative.
    assert_eq!(str(&[2], ints([i64::MIN.into(), 7])), "[-9223372036854775808                    7]");
    // Booleans leave room for `False`.
    assert_eq!(repr(&[2], bools([true, true])), "[ True,  True]");
}

#[test]
fn floats_without_exponent() {
    // Decimal points stand below each other.
    assert_eq!(
        str(&[3, 1], f64s([1.5, -20.25, 300.0])),
        "\
[[  1.5 ]
 [-20.25]
 [300.  ]]"
    );
    // There are no more than 8 digits after the point.
    assert_eq!(str(&[2], f64s([1.0 / 3.0, 0.1])), "[0.33333333 0.1       ]");
    // An `f32` prints the digits it takes to name an `f32`.
    assert_eq!(str(&[2], f32s([0.1, 1.0 / 3.0])), "[0.1        0.33333334]");
    // A tie between shortest digits goes to even.
    assert_eq!(str(&[1], f64s([67_108_864.0 + 1.0 / 512.0])), "[67108864.00195312]");
    // Precision is the most digits shown.
    let options = PrintOptions { precision: 2, ..PrintOptions::str() };
    assert_eq!(with(options, &[2], f64s([0.125, 9.996])), "[ 0.12 10.  ]");
    // `nan` and `inf` end where the numbers do.
    assert_eq!(str(&[4], f64s([1.25, NAN, INFINITY, -INFINITY])), "[1.25  nan  inf -inf]");
    // With no number beside them, they have a width of their own.
    assert_eq!(str(&[2], f64s([NAN, -INFINITY])), "[ nan -inf]");
}

#[test]
fn floats_with_exponent() {
    // An exponent is used from 1e8.
    assert_eq!(str(&[2], f64s([1e8, 1e6])), "[1.e+08 1.e+06]");
    // But not below.
    assert_eq!(str(&[1], f64s([99_999_999.0])), "[99999999.]");
    // It is used from 1e6 for `f32`.
    assert_eq!(str(&[1], f32s([1e6])), "[1.e+06]");
    // It is used below 1e-4, leaving zero aside.
    assert_eq!(str(&[2], f64s([0.00009, -0.0])), "[ 9.e-05 -0.e+00]");
    // It is used when one number is more than 1000 times another.
    assert_eq!(str(&[2], f64s([0.1, 101.0])), "[1.00e-01 1.01e+02]");
    // But not 1000 times.
    assert_eq!(str(&[2], f64s([0.125, 125.0])), "[  0.125 125.   ]");
    // All show the digits of the longest.
    assert_eq!(str(&[3], f64s([1.25e10, -3.0, NAN])), "[ 1.25e+10 -3.00e+00       nan]");
    // Exponents share a width.
    assert_eq!(str(&[3], f64s([5e-324, f64::MAX, 1.0])), "[4.94065646e-324 1.79769313e+308 1.00000000e+000]");
    // An `f32` may be subnormal or the largest.
    assert_eq!(str(&[2], f32s([1e-45, f32::MAX])), "[1.4012985e-45 3.4028235e+38]");
}

#[cfg(feature = "half")]
#[test]
fn halves_have_their_own_digits() {
    let f16s = |values: &[f32]| values.iter().map(|&value| Item::F16(half::f16::from_f32(value).into())).collect();
    // Four digits tell most of them.
    assert_eq!(str(&[3], f16s(&[1.0 / 3.0, 0.1, -2.0])), "[ 0.3333  0.1    -2.    ]");
    // An exponent is used from 1000.
    assert_eq!(str(&[3], f16s(&[1.0, 0.5, 1000.0])), "[1.e+00 5.e-01 1.e+03]");
    // But not below.
    assert_eq!(str(&[2], f16s(&[160.75, 999.5])), "[160.8 999.5]");
    // The least and the greatest.
    assert_eq!(str(&[2], f16s(&[6e-8, 65504.0])), "[5.96e-08 6.55e+04]");
    // At a power of two the nearest text of four digits is another number's.
    assert_eq!(str(&[1], f16s(&[0.015625])), "[0.01563]");
    // What `f16::from_f64` rounds wrongly.
    assert_eq!(str(&[1], vec![Item::F16(half::f16::from_bits(987).into())]), "[5.88e-05]");
    // Alone, an exponent is used from 1000, too.
    assert_eq!(str(&[], f16s(&[1234.0])), "1.234e+03");
    assert_eq!(repr(&[], f16s(&[-0.0])), "-0.");
}

#[cfg(feature = "num-complex")]
#[test]
fn complex_numbers() {
    let c16s = |values: &[[f64; 2]]| values.iter().copied().map(Item::Complex64).collect();
    // Parts stand below each other, the imaginary ones with a sign.
    assert_eq!(str(&[3], c16s(&[[1.0, 2.0], [-3.25, -0.5], [NAN, 0.0]])), "[ 1.  +2.j  -3.25-0.5j   nan+0.j ]");
    // Each part has its own format.
    assert_eq!(str(&[2], c16s(&[[0.0, 1e20], [1.0, -1.0]])), "[0.+1.e+20j 1.-1.e+00j]");
    // `inf` and `nan` end where the numbers do.
    assert_eq!(
        str(&[2, 1], c16s(&[[1.0 / 3.0, 1.0 / 3.0], [INFINITY, -INFINITY]])),
        "\
[[0.33333333+0.33333333j]
 [       inf       -infj]]"
    );
    assert_eq!(repr(&[1], c16s(&[[NAN, NAN]])), "[nan+nanj]");
    // Parts of `f32` have the digits of `f32`.
    assert_eq!(str(&[1], vec![Item::Complex32([0.1, 1.0 / 3.0])]), "[0.1+0.33333334j]");
    // Alone, as Python prints one.
    assert_eq!(str(&[], c16s(&[[1.0, -0.0]])), "(1-0j)");
    assert_eq!(str(&[], c16s(&[[0.0, 2.0]])), "2j");
    assert_eq!(str(&[], vec![Item::Complex32([1e6, f32::NAN])]), "(1e+06+nanj)");
    assert_eq!(repr(&[], c16s(&[[1.0, 2.0]])), "1.+2.j");
}

#[test]
fn arrays_of_no_axes_and_of_no_elements() {
    // `str` is that of the element alone.
    assert_eq!(str(&[], f64s([1.5])), "1.5");
    // Which takes an exponent from 1e16.
    assert_eq!(str(&[], f64s([1e20])), "1e+20");
    // Or from 1e6 for f32.
    assert_eq!(str(&[], f32s([1_234_567.0])), "1.234567e+06");
    // `repr` is that of an element among others.
    assert_eq!(repr(&[], f64s([1e20])), "1.e+20");
    // Except that a boolean is not padded.
    assert_eq!(repr(&[], bools([true])), "True");
    // No elements are always one pair of brackets.
    assert_eq!(repr(&[3, 0, 2], vec![]), "[]");
}

#[test]
fn rows_and_brackets() {
    // A row wraps at column 75.
    assert_eq!(
        str(&[30], count(30)),
        "\
[ 0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16 17 18 19 20 21 22 23
 24 25 26 27 28 29]"
    );
    // And goes on under the prefix.
    assert_eq!(
        repr(&[22], count(22)),
        "\
[ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16,
       17, 18, 19, 20, 21]"
    );
    // With room for the suffix and the closing brackets.
    let options = PrintOptions { line_width: 20, suffix: "))", ..PrintOptions::repr() };
    assert_eq!(
        with(options, &[1, 5], count(5)),
        "\
[[0, 1, 2,
        3, 4]]"
    );
    // A word too wide for any line is not moved.
    let options = PrintOptions { line_width: 2, ..PrintOptions::str() };
    assert_eq!(
        with(options, &[2], ints([12345, 6])),
        "\
[12345
     6]"
    );
    // A matrix has a row to a line.
    assert_eq!(
        repr(&[2, 3], count(6)),
        "\
[[0, 1, 2],
       [3, 4, 5]]"
    );
    // Planes are set apart by a blank line.
    assert_eq!(
        str(&[2, 2, 2], count(8)),
        "\
[[[0 1]
  [2 3]]

 [[4 5]
  [6 7]]]"
    );
    // And volumes by two.
    assert_eq!(
        repr(&[2, 1, 2, 1], count(4)),
        "\
[[[[0],
         [1]]],


       [[[2],
         [3]]]]"
    );
}

#[test]
fn abridging() {
    // An array as large as the threshold prints whole.
    assert_eq!(str(&[1, 1000], count(1000)).len(), 4113);
    // A larger one keeps three items at each end.
    assert_eq!(repr(&[1001], count(1001)), "[   0,    1,    2, ...,  998,  999, 1000]");
    // Along its long axes only.
    assert_eq!(
        str(&[6, 200], count(1200)),
        "\
[[   0    1    2 ...  197  198  199]
 [ 200  201  202 ...  397  398  399]
 [ 400  401  402 ...  597  598  599]
 [ 600  601  602 ...  797  798  799]
 [ 800  801  802 ...  997  998  999]
 [1000 1001 1002 ... 1197 1198 1199]]"
    );
    // Or as many as asked for.
    let options = PrintOptions { threshold: 5, edge_items: 1, ..PrintOptions::str() };
    assert_eq!(
        with(options, &[3, 3, 2], count(18)),
        "\
[[[ 0  1]
  ...
  [ 4  5]]

 ...

 [[12 13]
  ...
  [16 17]]]"
    );
    // The format follows what is shown.
    let options = PrintOptions { threshold: 2, edge_items: 1, ..PrintOptions::str() };
    assert_eq!(with(options, &[3], f64s([1.0, 1e-9, 2.5])), "[1.  ... 2.5]");
}

#[test]
fn text_is_aligned_and_keeps_its_lines() {
    // Words of one line end in one column.
    assert_eq!(str(&[2], texts(["é", "(1, 2)"])), "[     é (1, 2)]");
    // As NumPy 2.4.6 prints objects with these representations.
    assert_eq!(repr(&[2], texts(["x: 1\ny: 22", "x: 3"])), "[x: 1\n       y: 22, x: 3]");
    // Strings are not aligned.
    let strings = ["'a'", "'bbb'"].map(|text| Item::Quoted(text.into()));
    assert_eq!(str(&[2], strings.into()), "['a' 'bbb']");
    // Alone, text is left as it is.
    assert_eq!(repr(&[], texts(["x: 1\ny: 22"])), "x: 1\ny: 22");
}

#[test]
fn only_what_is_shown_is_read() {
    let mut read = Vec::new();
    let mut out = String::new();
    let mut at = |index: &[usize]| {
        read.push(index.to_vec());
        Item::Int(7)
    };
    let shape = [1 << 20, 1 << 20];
    write_array(&mut out, &shape, &mut at, &PrintOptions::str()).unwrap();
    assert_eq!(read.len(), 36);
    assert_eq!(read[35], [(1 << 20) - 1, (1 << 20) - 1]);
    assert_eq!(out.lines().count(), 7);
    assert_eq!(out.lines().last(), Some(" [7 7 7 ... 7 7 7]]"));
}

#[test]
fn a_size_past_usize_is_abridged() {
    let options = PrintOptions::str();
    assert!(options.abridges(&[usize::MAX, usize::MAX]));
    assert!(!options.abridges(&[usize::MAX, usize::MAX, 0]));
    let mut out = String::new();
    write_array(&mut out, &[usize::MAX; 2], &mut |_| Item::Bool(true), &options).unwrap();
    assert_eq!(out.lines().count(), 7);
}

#[test]
fn no_setting_is_too_small_or_too_large() {
    for extreme in [0, usize::MAX] {
        let options = PrintOptions {
            precision: extreme,
            threshold: extreme,
            edge_items: extreme,
            line_width: extreme,
            ..PrintOptions::repr()
        };
        for number in [0.1, 5e-324, f64::MAX, NAN] {
            with(options.clone(), &[2], f64s([number, -1.0]));
        }
        let long = "x".repeat(100_000);
        with(options, &[1, 3], texts([&long, "", "\n\n"]));
    }
    // NumPy, too, shows the last item.
    let options = PrintOptions { threshold: 0, edge_items: 0, ..PrintOptions::str() };
    assert_eq!(with(options, &[9], count(9)), "[... 8]");
}

#[test]
fn items_of_unlike_kinds_print() {
    let items = vec![Item::F64(1.5), Item::Int(2), Item::F32(0.1)];
    assert_eq!(str(&[3], items), "[1.5 2 0.1]");
}
