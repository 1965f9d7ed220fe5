//! `half::bf16` beside ml_dtypes' `bfloat16`, over all that there are.

use crate::python::Python;
use half::bf16;
use mmap_array::{ArrayView, Le, npy};
use std::fs;

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn every_bfloat16_is_what_ml_dtypes_has() {
    let Some(python) = Python::get() else { return };
    let folder = tempfile::tempdir().unwrap();
    python.run(include_str!("bf16.py"), [folder.path()]);
    let file = |name: &str| folder.path().join(name);

    // SAFETY: nobody else has the file.
    let every = unsafe { npy::open::<Le<bf16>>(file("every.npy")) }.unwrap();
    assert!(every.iter().enumerate().all(|(bits, number)| number.get().to_bits() == bits as u16));
    let same = |ours: &[f64], theirs: &[f64]| {
        ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| a == b || (a.is_nan() && b.is_nan()))
    };
    let doubles = npy::dyn_options().load(file("doubles.npy")).unwrap().view().to_vec_as::<f64>().unwrap();
    assert!(same(&every.view().to_vec_as::<f64>(), &doubles));
    let floats: Vec<f64> = every.view().to_vec_as::<f32>().into_iter().map(f64::from).collect();
    assert!(same(&floats, &doubles));

    let texts = fs::read_to_string(file("texts")).unwrap();
    for (number, text) in every.iter().zip(texts.lines()) {
        assert_eq!(ArrayView::from_slice(&[number.get()], ()).unwrap().to_string(), text);
    }
    let array = fs::read_to_string(file("array")).unwrap();
    let grid = every.view().rows(..4000).reshape([4, 1000]).unwrap();
    assert_eq!(format!("{}\n{grid}", every.view().rows(16_200..16_500)), array);

    let floats = npy::dyn_options().load(file("floats.npy")).unwrap().view().to_vec_as::<f32>().unwrap();
    let doubles: Vec<f64> = floats.iter().copied().map(f64::from).collect();
    let (of_floats, of_doubles) = (
        ArrayView::from_slice(&floats, floats.len()).unwrap().to_vec_as::<Le<bf16>>(),
        ArrayView::from_slice(&doubles, doubles.len()).unwrap().to_vec_as::<Le<bf16>>(),
    );
    for (name, ours) in [("made.npy", &of_floats), ("made_of_doubles.npy", &of_doubles)] {
        // SAFETY: nobody else has the file.
        let made = unsafe { npy::open::<Le<bf16>>(file(name)) }.unwrap();
        assert_eq!(ours.len(), made.len());
        for ((ours, theirs), float) in ours.iter().zip(made.iter()).zip(&floats) {
            assert!(
                ours.to_bytes() == theirs.to_bytes() || (ours.get().is_nan() && theirs.get().is_nan()),
                "{float:e}"
            );
        }
    }

    // Where NumPy says what it is: in range.
    let ints = npy::dyn_options().load(file("ints.npy")).unwrap().view().to_vec_as::<i32>().unwrap();
    for (number, (ours, theirs)) in every.iter().zip(every.view().to_vec_as::<i32>().iter().zip(&ints)) {
        assert!(ours == theirs || number.get().is_nan() || number.get().to_f32().abs() >= 2e9, "{number}");
    }
    let integers: Vec<i32> = (-70_000..70_000).collect();
    // SAFETY: nobody else has the file.
    let theirs = unsafe { npy::open::<Le<bf16>>(file("of_ints.npy")) }.unwrap();
    let ours = ArrayView::from_slice(&integers, integers.len()).unwrap().to_vec_as::<bf16>();
    assert!(ours.iter().zip(theirs.iter()).all(|(ours, theirs)| theirs == ours));
}
