//! `LongDouble` beside NumPy's `longdouble` on x86, and `Binary128` beside Python's fractions.

use crate::python::Python;
use mmap_array::element::{Binary128, Bool, LongDouble};
use mmap_array::{ArrayView, Be, DynView, Element, Le, npy};
use std::fs;
use std::path::Path;

fn doubles(path: impl AsRef<Path>) -> Vec<f64> {
    npy::dyn_options().load(path.as_ref()).unwrap().view().to_vec_as().unwrap()
}

fn same(ours: f64, theirs: f64) -> bool {
    ours.to_bits() == theirs.to_bits() || (ours.is_nan() && theirs.is_nan())
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn every_kind_of_bits_is_what_numpy_has_on_x86() {
    let Some(python) = Python::get() else { return };
    let is_x87 = "import numpy as np; print(np.dtype('g').itemsize == 16 and np.finfo('g').nmant == 63)";
    if python.run(is_x87, [""; 0]).trim() != "True" {
        return eprintln!("left out: this Python's `longdouble` is another");
    }
    let folder = tempfile::tempdir().unwrap();
    python.run(include_str!("long_double.py"), [folder.path()]);
    let file = |name: &str| folder.path().join(name);
    let numbers = npy::options::<Le<LongDouble>>().load(file("numbers.npy")).unwrap();
    let big = npy::options::<Be<LongDouble>>().load(file("big.npy")).unwrap();
    let valid = npy::options::<Bool>().load(file("valid.npy")).unwrap();
    let in_range = npy::options::<Bool>().load(file("in_range.npy")).unwrap();

    for view in [numbers.view().to_vec_as::<f64>(), big.view().to_vec_as::<f64>()] {
        let theirs = doubles(file("doubles.npy"));
        assert!(view.len() == theirs.len() && view.iter().zip(theirs).all(|(&ours, theirs)| same(ours, theirs)));
    }
    let any = npy::dyn_options().load(file("big.npy")).unwrap();
    let floats = doubles(file("floats.npy"));
    let ours = any.view().to_vec_as::<f32>().unwrap();
    assert!(ours.iter().zip(floats).all(|(&ours, theirs)| same(ours.into(), theirs)));
    #[cfg(feature = "half")]
    {
        let halves = doubles(file("halves.npy"));
        let ours = numbers.view().to_vec_as::<half::f16>();
        assert!(ours.iter().zip(halves).all(|(&ours, theirs)| same(ours.into(), theirs)));
    }
    let integers: Vec<i64> = npy::dyn_options().load(file("integers.npy")).unwrap().view().to_vec_as().unwrap();
    for ((ours, theirs), in_range) in numbers.view().to_vec_as::<i64>().iter().zip(&integers).zip(&in_range[..]) {
        assert!(ours == theirs || !in_range.get());
    }

    let texts = fs::read_to_string(file("texts")).unwrap();
    for ((number, text), valid) in numbers.iter().zip(texts.lines()).zip(&valid[..]) {
        assert!(number.to_string() == text || !valid.get(), "{number}, not {text}");
        assert_eq!(valid.get() && number.get().is_nan(), text == "nan" && valid.get());
    }
    let kept = numbers.iter().zip(&valid[..]).filter(|(_, valid)| valid.get());
    let kept: Vec<Le<LongDouble>> = kept.map(|(number, _)| *number).collect();
    let kept = ArrayView::from_slice(&kept, kept.len()).unwrap();
    let text = |view: &DynView<'_>| {
        let rows: Vec<String> = (0..view.len())
            .step_by(900)
            .map(|start| view.rows(start..view.len().min(start + 900)).to_string())
            .collect();
        rows.join("\n")
    };
    assert_eq!(text(&kept.to_dyn(&Le::<LongDouble>::dtype()).unwrap()), fs::read_to_string(file("array")).unwrap());
    let ordinary = npy::dyn_options().load(file("ordinary.npy")).unwrap();
    let (row, column) = (ordinary.view(), ordinary.view().reshape([ordinary.len(), 1]).unwrap());
    let texts = format!("{}\n{}", text(&row), text(&column));
    assert_eq!(texts, fs::read_to_string(file("ordinary")).unwrap());
}

/// Where `long double` is x87's nobody prints these; Python knows what they are.
const BINARY128: &str = r#"
import random
from fractions import Fraction
rng = random.Random(3)
for _ in range(3000):
    exponent = rng.choice([0, 1, 16383, 16382, 16384, 16383 - 1075, 16383 + 1023, 16383 + 52, rng.randrange(32767)])
    fraction = rng.choice([0, 1, (1 << 112) - 1, 1 << 59, 3 << 59, (1 << 59) + 1, rng.randrange(1 << 112)])
    if (exponent, fraction) == (0, 0):
        continue
    mantissa = fraction + ((1 << 112) if exponent else 0)
    value = Fraction(mantissa) * Fraction(2) ** (max(exponent, 1) - 16383 - 112)
    try:
        double = float(value)
    except OverflowError:
        double = float('inf')
    print(f'{exponent << 112 | fraction:032x}', repr(double), sep='\t')
"#;

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn every_binary128_is_its_nearest_double() {
    let Some(python) = Python::get() else { return };
    for line in python.run(BINARY128, [""; 0]).lines() {
        let [bits, double] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let bits = u128::from_str_radix(bits, 16).unwrap();
        let number = Be::<Binary128>::from_bytes(bits.to_be_bytes());
        assert_eq!(number.get().to_f64(), double.parse::<f64>().unwrap(), "{line}");
        assert_eq!(Le::<Binary128>::from_bytes(bits.to_le_bytes()), number);
    }
}
