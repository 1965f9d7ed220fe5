//! `normalize`, against NumPy, on stacks of several dtypes and orders that NumPy writes.

#[allow(dead_code)]
#[path = "../../examples/normalize.rs"]
mod example;

use crate::python::Python;
use mmap_array::{ErrorKind, Le, npy};
use std::fs;

const STACKS: &str = r#"
import sys
from pathlib import Path
import numpy as np

folder = Path(sys.argv[1])
rng = np.random.default_rng(3)
for dtype in ["u1", "<u2", ">i4", "<f2", ">f4", "<f8", "?"]:
    for shape in [(50, 30, 41), (7, 100000), (1, 3, 2, 2), (9,), (0, 4)]:
        stack = (rng.random(shape) * 250).astype(dtype)
        if len(shape) == 3:
            stack = np.asfortranarray(stack)
        name = f"{stack.dtype.name}.{len(shape)}.{shape[0]}"
        np.save(folder / f"{name}.npy", stack)
        if shape[0]:
            normal = (stack - stack.mean(axis=0, dtype="f8")).astype("f4")
        else:
            normal = stack.astype("f4")
        np.save(folder / f"{name}.expected", normal)
"#;

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn stacks_are_what_numpy_makes_of_them() {
    let Some(python) = Python::get() else { return };
    let folder = tempfile::tempdir().unwrap();
    python.run(STACKS, [folder.path()]);
    let mut compared = 0;
    for entry in fs::read_dir(folder.path()).unwrap() {
        let stack = entry.unwrap().path();
        let Some(expected) = stack.to_str().and_then(|path| path.strip_suffix(".expected.npy")) else { continue };
        let (stack, target) = (format!("{expected}.npy"), folder.path().join("normal"));
        let mut out = Vec::new();
        example::normalize(stack.as_ref(), &target, &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert!(out.contains("read twice") || out.contains("no pixels"), "{out}");
        let ours = npy::load::<f32>(&target).unwrap();
        let theirs = npy::load::<Le<f32>>(format!("{expected}.expected.npy")).unwrap();
        assert_eq!(ours.shape(), theirs.shape(), "{stack}");
        for (ours, theirs) in ours.view().iter().zip(theirs.view().to_native_vec()) {
            assert!((ours - theirs).abs() <= 1e-5 * theirs.abs().max(1.0), "{stack}: {ours} and {theirs}");
        }
        compared += 1;
    }
    assert_eq!(compared, 35);
}

#[test]
fn what_is_no_stack_of_numbers_is_refused_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (stack, target) = (folder.path().join("stack.npy"), folder.path().join("normal.npy"));
    let refused = || example::normalize(&stack, &target, &mut Vec::new()).unwrap_err().to_string();
    npy::save(&stack, &[[1_u8; 3]; 2].map(mmap_array::element::Void::<3>::from)).unwrap();
    assert!(refused().contains("cannot be converted to numbers"));
    fs::write(&stack, b"\x93NUMPY").unwrap();
    assert!(refused().contains("stack.npy"));
    fs::remove_file(&stack).unwrap();
    assert_eq!(npy::header(&stack).unwrap_err().kind(), ErrorKind::Io);
    assert!(refused().contains("stack.npy"));
    assert!(!target.exists());
}
