//! Reductions along axes beside NumPy's.

use crate::python::Python;
use bytemuck::Pod;
use mmap_array::element::{Bool, DateTime64, Number, Ordered, unit::Second};
use mmap_array::{ArrayView, Be, DynView, Element, Le, dynamic::Value, npy};
use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};

/// What NumPy has made of one array by one reduction along some axes.
struct Made {
    reduction: String,
    axes: Vec<usize>,
    path: PathBuf,
}

/// How near two results must be.
#[derive(Clone, Copy, PartialEq)]
enum Near {
    /// Bit for bit, but for NaN.
    Bits,
    /// To so many parts of the largest element, whatever the order is in which they are added.
    Parts(f64),
}

impl Near {
    fn is(self, ours: f64, theirs: f64, largest: f64) -> bool {
        match self {
            _ if ours.is_nan() || theirs.is_nan() => ours.is_nan() && theirs.is_nan(),
            _ if ours.is_infinite() || theirs.is_infinite() => ours == theirs,
            Self::Bits => ours.to_bits() == theirs.to_bits(),
            Self::Parts(parts) => (ours - theirs).abs() <= parts * largest,
        }
    }
}

fn doubles(path: &Path) -> (Vec<usize>, Vec<f64>) {
    let array = npy::dyn_options().load(path).unwrap();
    (array.shape().to_vec(), array.view().to_vec_as::<f64>().unwrap())
}

#[track_caller]
fn assert_near(made: &Made, (shape, ours): (Vec<usize>, Vec<f64>), near: Near, largest: f64) {
    let (expected_shape, theirs) = doubles(&made.path);
    assert_eq!(shape, expected_shape, "{}", made.path.display());
    for (place, (&ours, &theirs)) in ours.iter().zip(&theirs).enumerate() {
        assert!(near.is(ours, theirs, largest), "{} at {place}: {ours:e} and {theirs:e}", made.path.display());
    }
}

/// Compares what there is for all elements that have extremes.
fn extremes<T: Ordered + Element + Pod + PartialEq + Debug>(
    view: &ArrayView<'_, T>,
    made: &Made,
    is_nan: impl Fn(T) -> bool,
) -> bool {
    let places = match (&*made.reduction, &made.axes[..]) {
        ("argmin", []) => view.argmin().map(|place| (vec![], vec![place])),
        ("argmax", []) => view.argmax().map(|place| (vec![], vec![place])),
        ("argmin", &[axis]) => view.argmin_axis(axis).ok(),
        ("argmax", &[axis]) => view.argmax_axis(axis).ok(),
        _ => None,
    };
    if let Some((shape, places)) = places {
        let places = places.into_iter().map(|place| place as f64).collect();
        assert_eq!(doubles(&made.path), (shape, places), "{}", made.path.display());
        return true;
    }
    let ours = match &*made.reduction {
        "min" => view.min_axis(&made.axes[..]),
        "max" => view.max_axis(&made.axes[..]),
        _ => return false,
    };
    let theirs = npy::options::<T>().load(&made.path).unwrap();
    let (shape, ours) = ours.unwrap();
    assert_eq!(shape, theirs.shape(), "{}", made.path.display());
    for (&ours, theirs) in ours.iter().zip(theirs.view().iter()) {
        assert!(ours == theirs || is_nan(ours) && is_nan(theirs), "{}: {ours:?}, {theirs:?}", made.path.display());
    }
    true
}

/// Compares sums, which `sum` makes doubles of where they are floats, means and variances.
fn numbers<T: Number<Mean = f64> + Ordered + Pod>(
    view: &ArrayView<'_, T>,
    made: &Made,
    float: Option<fn(T::Sum) -> f64>,
) where
    T::Sum: Debug,
{
    let axes = &made.axes[..];
    let sizes = view.to_vec_as::<f64>().into_iter().filter(|number| number.is_finite()).map(f64::abs);
    let largest = sizes.fold(0.0, f64::max) * view.len() as f64;
    match &*made.reduction {
        "sum" => {
            let (shape, sums) = view.sum_axis(axes).unwrap();
            let Some(float) = float else {
                let text = fs::read_to_string(&made.path).unwrap();
                let ours = sums.iter().map(|sum| format!("{sum:?}"));
                let ours: Vec<_> = std::iter::once(format!("{shape:?}")).chain(ours).collect();
                return assert_eq!(ours, text.lines().collect::<Vec<_>>(), "{}", made.path.display());
            };
            // Of several axes, and of numbers that have to be turned, NumPy adds by its buffers.
            let is_plain = axes.len() == 1 && !T::dtype().to_string().starts_with('>');
            let near = if is_plain { Near::Bits } else { Near::Parts(f64::from(f32::EPSILON)) };
            assert_near(made, (shape, sums.into_iter().map(float).collect()), near, largest);
        }
        // Of no elements NumPy makes NaN.
        "mean" | "var" if axes.iter().any(|&axis| view.shape()[axis] == 0) && !doubles(&made.path).1.is_empty() => {
            assert!(view.mean_axis(axes).is_err() && view.var_axis(axes, 1).is_err());
        }
        "mean" => assert_near(made, view.mean_axis(axes).unwrap(), Near::Parts(1e-15), largest),
        "var" => assert_near(made, view.var_axis(axes, 1).unwrap(), Near::Parts(1e-12), largest * largest),
        "any" => assert_eq!(truths(view.any_axis(axes)), doubles(&made.path), "{}", made.path.display()),
        "all" => assert_eq!(truths(view.all_axis(axes)), doubles(&made.path), "{}", made.path.display()),
        "count_nonzero" => {
            let (shape, found) = view.count_nonzero_axis(axes).unwrap();
            assert_eq!((shape, counts(found)), doubles(&made.path), "{}", made.path.display());
        }
        "whole_any" => assert_eq!([f64::from(u8::from(view.any()))], doubles(&made.path).1[..]),
        "whole_all" => assert_eq!([f64::from(u8::from(view.all()))], doubles(&made.path).1[..]),
        "whole_count" => assert_eq!([view.count_nonzero() as f64], doubles(&made.path).1[..]),
        "whole_var" => assert_near(made, one(view.var(0)), Near::Parts(1e-12), largest * largest),
        "nan_mean" => assert_near(made, one(view.nan_mean()), Near::Parts(1e-15), largest),
        "nan_min" => assert_near(made, one(view.nan_min().map(as_double)), Near::Bits, 0.0),
        "nan_max" => assert_near(made, one(view.nan_max().map(as_double)), Near::Bits, 0.0),
        "nan_sum" => {
            let sum = float.expect("of floats alone")(view.nan_sum());
            assert_near(made, one(Some(sum)), Near::Parts(f64::from(f32::EPSILON)), largest);
        }
        // QEMU 7.2 multiplies two `f32` to an `f64`, the instruction MDEBR, wrongly.
        "dot" if cfg!(target_arch = "s390x") => {}
        "dot" => {
            let reversed = (0..view.ndim()).fold(view.clone(), |view, axis| view.step_axis(axis, -1));
            let largest = largest * largest / view.len() as f64;
            assert_near(made, one(view.dot(&reversed).ok()), Near::Parts(1e-15), largest);
        }
        "even" => {
            let (_, edges) = doubles(&made.path.with_file_name("edges.npy"));
            assert_eq!(counts(view.histogram(&edges).unwrap()), doubles(&made.path).1, "{}", made.path.display());
        }
        "uneven" => {
            let counted = view.histogram(&[-100.0, -1.0, 0.0, 0.5, 7.0, 1e300]).unwrap();
            assert_eq!(counts(counted), doubles(&made.path).1, "{}", made.path.display());
        }
        other => panic!("{other}"),
    }
}

fn as_double<T: Number<Mean = f64> + Pod>(number: T) -> f64 {
    ArrayView::from_slice(&[number], ()).unwrap().mean().unwrap()
}

fn one(result: Option<f64>) -> (Vec<usize>, Vec<f64>) {
    (vec![], vec![result.unwrap()])
}

fn counts<T: TryInto<u32, Error: Debug>>(counts: Vec<T>) -> Vec<f64> {
    counts.into_iter().map(|count| f64::from(count.try_into().unwrap())).collect()
}

fn truths(results: mmap_array::Result<(Vec<usize>, Vec<bool>)>) -> (Vec<usize>, Vec<f64>) {
    let (shape, truths) = results.unwrap();
    (shape, truths.into_iter().map(|truth| f64::from(u8::from(truth))).collect())
}

/// Compares what there is for views without a type, of values that are `f64` or two.
fn dynamic(view: &DynView<'_>, made: &Made) -> bool {
    let axes = &made.axes[..];
    let reduced = match &*made.reduction {
        "sum" => view.sum_axis(axes),
        "mean" => view.mean_axis(axes),
        "min" => view.min_axis(axes),
        "max" => view.max_axis(axes),
        _ => return false,
    };
    // The sums of integers are text, and of no elements NumPy makes NaN.
    let is_text = made.path.extension().is_some_and(|extension| extension == "txt");
    if is_text || made.reduction == "mean" && axes.iter().any(|&axis| view.shape()[axis] == 0) {
        return false;
    }
    let theirs = npy::dyn_options().load(&made.path).unwrap();
    let (shape, ours) = reduced.unwrap();
    assert_eq!(shape, theirs.shape(), "{}", made.path.display());
    let near = |one: f64, other: f64| {
        one == other || one.is_nan() && other.is_nan() || (one - other).abs() <= 1e-3 * one.abs().max(1.0)
    };
    for (ours, theirs) in ours.iter().zip(theirs.view().iter()) {
        let parts = |value: &Value<'_>| match *value {
            Value::ComplexF32(parts) => parts.map(f64::from),
            Value::ComplexF64(parts) => parts,
            Value::DateTime64(count, ..) | Value::TimeDelta64(count, ..) => [count as f64, 0.0],
            _ => [value.as_f64().unwrap(), 0.0],
        };
        let is_one = made.reduction == "mean" || std::mem::discriminant(ours) == std::mem::discriminant(&theirs);
        let [(re, im), (their_re, their_im)] = [parts(ours), parts(&theirs)].map(|[re, im]| (re, im));
        assert!(is_one && near(re, their_re) && near(im, their_im), "{}: {ours:?}, {theirs:?}", made.path.display());
    }
    true
}

fn made(folder: &Path, number: usize) -> Vec<Made> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let mut parts = name.split('.');
        if parts.next() != Some(&number.to_string()) {
            continue;
        }
        let (Some(reduction), Some(axes)) = (parts.next(), parts.next()) else { continue };
        let axes = axes.split('-').filter(|axis| !axis.is_empty()).map(|axis| axis.parse().unwrap()).collect();
        found.push(Made { reduction: reduction.to_owned(), axes, path: path.clone() });
    }
    found
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn reductions_along_axes_are_numpys() {
    let Some(python) = Python::get() else { return };
    let folder = tempfile::tempdir().unwrap();
    python.run(include_str!("along.py"), [folder.path()]);
    let (mut compared, mut without_type) = (0, 0);
    for number in 0.. {
        let path = folder.path().join(format!("{number}.npy"));
        let Ok(header) = npy::header(&path) else { break };
        let made = made(folder.path(), number);
        compared += made.len();
        let array = npy::dyn_options().load(&path).unwrap();
        without_type += made.iter().filter(|made| dynamic(&array.view(), made)).count();
        macro_rules! compare {
            ($type:ty, $float:expr, $is_nan:expr) => {{
                let array = npy::options::<$type>().load(&path).unwrap();
                for made in made.iter().filter(|made| made.reduction != "bincount") {
                    if !extremes(&array.view(), made, $is_nan) {
                        numbers(&array.view(), made, $float);
                    }
                }
            }};
            ($type:ty) => {
                compare!($type, None, |_| false)
            };
        }
        macro_rules! bincount {
            ($type:ty) => {{
                let array = npy::options::<$type>().load(&path).unwrap();
                for made in made.iter().filter(|made| made.reduction == "bincount") {
                    assert_eq!(counts(array.view().bincount(1 << 16).unwrap()), doubles(&made.path).1);
                }
            }};
        }
        // Native numbers where the machine has their order, and turned ones where it has not.
        macro_rules! little {
            ($number:ty, $float:expr) => {
                if cfg!(target_endian = "little") {
                    compare!($number, $float, |number| as_double(number).is_nan());
                } else {
                    compare!(Le<$number>, $float, |number| as_double(number).is_nan());
                }
            };
            ($number:ty) => {
                little!($number, None)
            };
        }
        match &*header.dtype().to_string() {
            "<f4" => little!(f32, Some(f64::from)),
            "<f8" => little!(f64, Some(|sum| sum)),
            ">f4" => compare!(Be<f32>, Some(f64::from), |number: Be<f32>| number.get().is_nan()),
            ">f8" => compare!(Be<f64>, Some(|sum| sum), |number: Be<f64>| number.get().is_nan()),
            "|i1" => compare!(i8),
            "<i2" => little!(i16),
            ">i4" => compare!(Be<i32>),
            "<i8" => little!(i64),
            "|u1" => {
                compare!(u8);
                bincount!(u8);
            }
            "<u2" => {
                little!(u16);
                bincount!(Le<u16>);
            }
            "<u4" => little!(u32),
            "<u8" => little!(u64),
            "|b1" => {
                compare!(Bool);
                bincount!(Bool);
            }
            "<M8[s]" => {
                let array = npy::options::<Le<DateTime64<Second>>>().load(&path).unwrap();
                assert!(made.iter().all(|made| extremes(&array.view(), made, |time| time.get().is_nat())));
            }
            "<f2" | ">f2" | "<c8" | ">c16" | ">m8[D]" => {}
            other => panic!("{other}"),
        }
    }
    println!("{compared} results, {without_type} of them also without a type");
    assert!(compared > 4800 && without_type > 1500, "{compared}, {without_type}");
}
