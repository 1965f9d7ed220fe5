//! Floats of 8 bits beside ml_dtypes', over all that there are.

use crate::python::Python;
use float8::{F8E4M3, F8E5M2};
use mmap_array::element::{
    Float8E3M4, Float8E4M3, Float8E4M3B11Fnuz, Float8E4M3Fnuz, Float8E5M2Fnuz, Float8E8M0Fnu, Number, Ordered, Void,
};
use mmap_array::{ArrayView, Be, DType, Le, dynamic::Value, npy};
use std::fs;
use std::path::Path;

/// What the file holds as numbers of a type.
fn numbers<T: Number>(path: impl AsRef<Path>) -> Vec<T> {
    npy::dyn_options().load(path.as_ref()).unwrap().view().to_vec_as().unwrap()
}

macro_rules! types {
    ($folder:ident, $($name:literal $float:ident),*) => {
        const NAMES: &[&str] = &[$($name),*];

        /// Compares all types, in the folder that the Python program has filled.
        fn compare($folder: &Path) {
            $(compare_one::<$float>($folder, $name, |number| number.to_bits());)*
        }
    };
}

fn compare_one<T>(folder: &Path, name: &str, bits: fn(T) -> u8)
where
    T: Number<Sum = f32, Mean = f64> + Ordered + mmap_array::element::Scalar + PartialEq + std::fmt::Debug,
{
    let file = |what: &str| folder.join(format!("{name}{what}.npy"));
    // SAFETY: nobody else has the files.
    let open = |what: &str| unsafe { npy::open::<T>(file(what)) }.unwrap();
    let every = open("");
    assert!(every.iter().enumerate().all(|(index, number)| bits(*number) == index as u8), "{name}");
    assert_eq!(open("_named")[..].len(), 256);
    // SAFETY: as above.
    let raw = unsafe { npy::open::<Void<1>>(file("")) }.unwrap();
    assert!(raw.iter().enumerate().all(|(index, byte)| byte.as_bytes()[0] == index as u8), "{name}");
    for what in ["", "_named"] {
        let any = npy::dyn_options().load(file(what)).unwrap();
        assert_eq!((any.dtype(), any.dtype()), (&T::dtype(), &name.parse::<DType>().unwrap()));
        assert_eq!(any.view().at([77]), Value::Void(vec![77]));
        let typed = any.view().typed::<T>().unwrap().to_string();
        assert_eq!(typed, every.view().to_string());
    }
    let records = npy::dyn_options().load(file("_records")).unwrap();
    assert_eq!(records.view().field("b").unwrap().typed::<T>().unwrap().to_vec(), every[1..4]);

    let values = numbers::<f64>(file("_values"));
    let same = |ours: &[f64]| ours.iter().zip(&values).all(|(a, b)| a == b || (a.is_nan() && b.is_nan()));
    assert!(same(&every.view().to_vec_as::<f64>()), "{name}");
    assert!(same(&every.view().to_vec_as::<f32>().into_iter().map(f64::from).collect::<Vec<_>>()), "{name}");
    // Of a NaN of any bits and another number the smaller and the larger is NaN.
    for (&number, value) in every.iter().zip(&values) {
        let pair = [number, every[0x44]];
        let view = ArrayView::from_slice(&pair, 2).unwrap();
        for (ours, theirs) in [(view.min(), value.min(values[0x44])), (view.max(), value.max(values[0x44]))] {
            let ours = values[usize::from(bits(ours.unwrap()))];
            assert!(ours == theirs && !value.is_nan() || ours.is_nan() && value.is_nan(), "{name}");
        }
    }

    let texts = fs::read_to_string(folder.join(format!("{name}_texts"))).unwrap();
    let ours = every.iter().map(|number| ArrayView::from_slice(&[*number], ()).unwrap().to_string());
    let square = every.view().reshape([16, 16]).unwrap().to_string();
    let ours: Vec<String> = ours.chain(square.lines().map(str::to_owned)).collect();
    assert_eq!(ours, texts.lines().collect::<Vec<_>>(), "{name}");

    let floats = numbers::<f32>(folder.join("floats.npy"));
    let doubles: Vec<f64> = floats.iter().copied().map(f64::from).collect();
    let integers = numbers::<i64>(folder.join("integers.npy"));
    let (of_floats, of_doubles, of_integers) = (
        ArrayView::from_slice(&floats, floats.len()).unwrap().to_vec_as::<T>(),
        ArrayView::from_slice(&doubles, doubles.len()).unwrap().to_vec_as::<Be<T>>(),
        ArrayView::from_slice(&integers, integers.len()).unwrap().to_vec_as::<Le<T>>(),
    );
    // To ml_dtypes, 2^-126 is the nearest of all numbers between 2^-127 and it.
    let least = 2_f64.powi(-127);
    let strange = |number: f64| name == "float8_e8m0fnu" && number > least && number < 1.5 * least;
    let compare = |what: &str, ours: Vec<T>, of: &dyn Fn(usize) -> f64| {
        let theirs = open(what);
        assert_eq!(ours.len(), theirs.len());
        for (index, (&ours, &theirs)) in ours.iter().zip(theirs.iter()).enumerate() {
            let (a, b) = (bits(ours), bits(theirs));
            let nans = [a, b].iter().all(|&bits| values[usize::from(bits)].is_nan());
            assert!(
                a == b || nans || (strange(of(index)) && (a, b) == (0, 1)),
                "{name} of {:e}: {a:#x}, not {b:#x}",
                of(index)
            );
        }
    };
    compare("_made", of_floats, &|index| doubles[index]);
    let of_doubles = of_doubles.into_iter().map(Be::get).collect();
    compare("_made_of_doubles", of_doubles, &|index| doubles[index]);
    let of_integers = of_integers.into_iter().map(Le::get).collect();
    compare("_of_integers", of_integers, &|index| integers[index] as f64);
}

types! {
    folder,
    "float8_e4m3fn" F8E4M3, "float8_e5m2" F8E5M2, "float8_e3m4" Float8E3M4, "float8_e4m3" Float8E4M3,
    "float8_e4m3fnuz" Float8E4M3Fnuz, "float8_e4m3b11fnuz" Float8E4M3B11Fnuz, "float8_e5m2fnuz" Float8E5M2Fnuz,
    "float8_e8m0fnu" Float8E8M0Fnu
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn every_float_of_8_bits_is_what_ml_dtypes_has() {
    let Some(python) = Python::get() else { return };
    let folder = tempfile::tempdir().unwrap();
    let names = NAMES.iter().map(std::ffi::OsStr::new);
    python.run(include_str!("float8.py"), std::iter::once(folder.path().as_os_str()).chain(names));
    compare(folder.path());
}
