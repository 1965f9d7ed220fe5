//! Arrays of random dtypes print as NumPy prints them, and their numbers convert as NumPy converts them.

use crate::python::Python;
use mmap_array::{DType, DynView, element::Number};
use std::fmt::Debug;

pub(crate) fn bytes(hexadecimal: &str) -> Vec<u8> {
    let digits = hexadecimal.trim_matches('-').as_bytes();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

pub(crate) fn text(hexadecimal: &str) -> String {
    String::from_utf8(bytes(hexadecimal)).unwrap()
}

/// Each line that the program prints, as its parts.
fn cases(seed: u32, count: u32) -> Option<Vec<Vec<String>>> {
    let printed = Python::get()?.run(include_str!("dynamic.py"), [seed.to_string(), count.to_string()]);
    Some(printed.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect())
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn arrays_of_any_dtype_print_and_convert_as_in_numpy() {
    // Fewer where an emulated machine takes minutes for them.
    let count =
        if cfg!(any(target_arch = "x86_64", target_arch = "x86", target_arch = "aarch64")) { 3000 } else { 300 };
    let Some(cases) = cases(7, count) else { return };
    assert_eq!(cases.len(), count as usize);
    for case in cases {
        let [descr, shape, data, expected, fields @ ..] = &case[..] else { panic!("{case:?}") };
        let dtype = DType::from_descr(&text(descr)).unwrap();
        let shape: Vec<usize> = shape.trim_matches('-').split_terminator(',').map(|len| len.parse().unwrap()).collect();
        let data = bytes(data);
        let view = DynView::from_bytes(&data, &dtype, &shape).unwrap();
        assert_eq!(view.to_string(), text(expected), "{dtype} {shape:?}");
        for field in fields.chunks(7) {
            let [path, doubles, dtype, numbers, converted @ ..] = field else { panic!("{field:?}") };
            let field = view.field(&text(path)).unwrap();
            assert_converts(&field, doubles, f64::from_le_bytes);
            let (dtype, numbers) = (dtype.parse().unwrap(), bytes(numbers));
            let numbers = DynView::from_bytes(&numbers, &dtype, field.len()).unwrap();
            assert_converts(&numbers, &converted[0], f32::from_le_bytes);
            assert_converts(&numbers, &converted[1], i64::from_le_bytes);
            assert_converts(&numbers, &converted[2], u8::from_le_bytes);
        }
    }
}

/// The text of a number tells zeros apart, and not one NaN from another.
#[track_caller]
fn assert_converts<T: Number + Debug, const N: usize>(view: &DynView<'_>, expected: &str, read: fn([u8; N]) -> T) {
    let expected: Vec<T> = bytes(expected).chunks(N).map(|number| read(number.try_into().unwrap())).collect();
    assert_eq!(format!("{:?}", view.to_vec_as::<T>().unwrap()), format!("{expected:?}"), "{}", view.dtype());
}
