//! Reductions along axes, against the same loops over single elements.

use mmap_array::element::Bool;
use mmap_array::{ArrayView, Be, ErrorKind, Le};

mod random;
use random::Random;

/// Axes of a view, in all subsets.
fn subsets(ndim: usize) -> impl Iterator<Item = Vec<usize>> {
    (0..1_usize << ndim).map(move |bits| (0..ndim).filter(|axis| bits >> axis & 1 == 1).collect())
}

/// The elements of each result, in C order, and the shape of the results.
fn gathered<T: Copy>(view: &ArrayView<'_, T>, axes: &[usize]) -> (Vec<usize>, Vec<Vec<T>>)
where
    mmap_array::access::ReadOnly: mmap_array::access::Load<T>,
{
    let kept: Vec<usize> = (0..view.ndim()).filter(|axis| !axes.contains(axis)).collect();
    let shape: Vec<usize> = kept.iter().map(|&axis| view.shape()[axis]).collect();
    let mut results = vec![Vec::new(); shape.iter().product()];
    for (number, element) in view.iter().enumerate() {
        let mut index = vec![0; view.ndim()];
        let mut rest = number;
        for axis in (0..view.ndim()).rev() {
            index[axis] = rest % view.shape()[axis];
            rest /= view.shape()[axis];
        }
        let place = kept.iter().fold(0, |place, &axis| place * view.shape()[axis] + index[axis]);
        results[place].push(element);
    }
    (shape, results)
}

/// Cuts and turns a view at random.
fn layout<'a, T>(view: ArrayView<'a, T>, random: &mut Random) -> ArrayView<'a, T>
where
    mmap_array::access::ReadOnly: mmap_array::access::Load<T>,
{
    let mut view = view;
    for axis in 0..view.ndim() {
        match random.below(5) {
            0 => view = view.step_axis(axis, -1),
            1 => view = view.step_axis(axis, 2),
            2 if view.shape()[axis] > 2 => view = view.slice_axis(axis, 1..view.shape()[axis] - 1),
            _ => {}
        }
    }
    match random.below(3) {
        0 => view.t(),
        1 if view.ndim() == 3 => view.permute_axes([1, 2, 0]),
        _ => view,
    }
}

/// The arrays: contiguous and not, long and short along each axis, one of them empty.
const SHAPES: [&[usize]; 12] = [
    &[],
    &[1],
    &[1000],
    &[7, 1],
    &[2, 500],
    &[500, 2],
    &[300, 7],
    &[40, 33],
    &[0, 4],
    &[3, 40, 5],
    &[40, 1, 9],
    &[3, 4, 5, 6],
];

/// Calls `check` with views of all layouts, and with all axes.
fn each<T: bytemuck::Pod>(elements: &[T], mut check: impl FnMut(&ArrayView<'_, T>, &[usize])) {
    let mut random = Random(5);
    for shape in SHAPES {
        let len = shape.iter().product();
        for _ in 0..6 {
            let view = layout(ArrayView::from_slice(&elements[..len], shape).unwrap(), &mut random);
            for axes in subsets(view.ndim()) {
                check(&view, &axes);
            }
        }
        // Fields of packed records at odd bytes.
        let bytes: &[u8] = bytemuck::cast_slice(&elements[..len]);
        let (size, record) = (size_of::<T>(), size_of::<T>() + 3);
        let mut records = vec![0xa5; len * record];
        for (record, element) in records.chunks_exact_mut(record).zip(bytes.chunks_exact(size)) {
            record[1..=size].copy_from_slice(element);
        }
        let all = ArrayView::from_slice(&records, [len, record]).unwrap().slice((.., 1..=size));
        let field = if len == 0 { continue } else { all.view_as::<T>().unwrap().index_axis(1, 0) };
        let axes: Vec<usize> = if shape.is_empty() { vec![] } else { vec![0] };
        let field = if shape.is_empty() { field.index_axis(0, 0) } else { field };
        check(&field, &axes);
    }
}

/// Numbers of both signs with fractions that are exact in any float of four bytes.
fn numbers() -> Vec<f64> {
    let mut random = Random(1);
    (0..2100).map(|_| random.below(1 << 12) as f64 / 16.0 - 100.0).collect()
}

#[test]
fn sums_are_those_of_the_elements_whatever_the_layout() {
    macro_rules! check {
        ($($number:ty),*) => {$(
            let elements: Vec<$number> = numbers().into_iter().map(|number| number as $number).collect();
            each(&elements, |view, axes| {
                let (shape, results) = gathered(view, axes);
                // All sums are exact, so that no order matters.
                let sums: Vec<_> = results.iter().map(|elements| {
                    ArrayView::from_slice(elements, elements.len()).unwrap().sum()
                }).collect();
                assert_eq!(view.sum_axis(axes).unwrap(), (shape, sums), "{axes:?} of {:?}", view.strides());
            });
            let (big, little): (Vec<Be<$number>>, Vec<Le<$number>>) =
                elements.iter().map(|&element| (Be::new(element), Le::new(element))).unzip();
            each(&big, |view, axes| {
                let native = view.to_native_vec();
                let native = ArrayView::from_slice(&native, view.shape()).unwrap();
                assert_eq!(view.sum_axis(axes).unwrap(), native.sum_axis(axes).unwrap());
            });
            each(&little, |view, axes| {
                let native = view.to_native_vec();
                let native = ArrayView::from_slice(&native, view.shape()).unwrap();
                assert_eq!(view.sum_axis(axes).unwrap(), native.sum_axis(axes).unwrap());
            });
        )*};
    }
    check!(i8, i16, i32, i64, u8, u16, u32, u64, f32, f64);
}

#[test]
fn extremes_are_those_of_the_elements_whatever_the_layout() {
    macro_rules! check {
        ($($number:ty),*) => {$(
            let elements: Vec<$number> = numbers().into_iter().map(|number| number as $number).collect();
            each(&elements, |view, axes| {
                let (shape, results) = gathered(view, axes);
                let found = (view.min_axis(axes), view.max_axis(axes));
                let extremes = results.iter().map(|elements| {
                    let of = ArrayView::from_slice(elements, elements.len()).unwrap();
                    Some((of.min()?, of.max()?))
                });
                match extremes.collect::<Option<(Vec<_>, Vec<_>)>>() {
                    Some((smallest, largest)) => {
                        assert_eq!(found.0.unwrap(), (shape.clone(), smallest), "{axes:?} of {:?}", view.strides());
                        assert_eq!(found.1.unwrap(), (shape, largest));
                    }
                    None => {
                        let kinds = [found.0.unwrap_err(), found.1.unwrap_err()].map(|error| error.kind());
                        assert_eq!(kinds, [ErrorKind::OutOfRange; 2]);
                    }
                }
            });
        )*};
    }
    check!(i8, i64, u16, f32, f64);
}

#[test]
fn a_nan_is_the_extreme_of_its_results_alone() {
    let mut elements = numbers();
    elements[503] = f64::NAN;
    let view = ArrayView::from_slice(&elements[..600], [30, 20]).unwrap();
    for axis in [0, 1] {
        for view in [view.clone(), view.step_axis(0, -1), view.t()] {
            let (_, found) = view.min_axis(axis).unwrap();
            let (_, results) = gathered(&view, &[axis]);
            for (found, elements) in found.iter().zip(&results) {
                assert_eq!(found.is_nan(), elements.iter().any(|element| element.is_nan()));
            }
        }
    }
}

#[test]
fn variances_are_those_of_two_passes() {
    let elements: Vec<f64> = numbers().into_iter().map(|number| number + 1e9).collect();
    each(&elements, |view, axes| {
        let (shape, results) = gathered(view, axes);
        if results.iter().any(Vec::is_empty) {
            assert_eq!(view.var_axis(axes, 0).unwrap_err().kind(), ErrorKind::OutOfRange);
            return;
        }
        let (found_shape, found) = view.var_axis(axes, 1).unwrap();
        assert_eq!(found_shape, shape);
        for (found, elements) in found.into_iter().zip(results) {
            let count = elements.len() as f64;
            let shifted: Vec<f64> = elements.iter().map(|element| element - 1e9).collect();
            let mean = shifted.iter().sum::<f64>() / count;
            let expected = shifted.iter().map(|element| (element - mean).powi(2)).sum::<f64>() / (count - 1.0);
            match elements.len() {
                1 => assert!(found.is_nan() && expected.is_nan()),
                _ => assert!((found - expected).abs() <= 1e-6 * expected, "{found} and {expected}"),
            }
        }
    });
    let few = ArrayView::from_slice(&[1.0, 2.0, 4.0, 4.0], [2, 2]).unwrap();
    assert_eq!(few.std_axis((), 0).unwrap(), (vec![2, 2], vec![0.0; 4]));
    assert_eq!(few.var_axis(0, 2).unwrap().1, [f64::INFINITY; 2]);
}

#[test]
fn a_large_mean_costs_variances_no_digits() {
    for mean in [0.0, 1e6, 1e9, 1e12] {
        // Multiples of 1/8, of which an `f64` has all, and whose variances are known.
        let elements: Vec<f64> = (0..100_000).map(|k| mean + f64::from(k) / 8.0).collect();
        let exact = (1e10 - 1.0) / 12.0 / 64.0;
        let near = |variance: f64| assert!((variance / exact - 1.0).abs() < 1e-14, "of mean {mean}: {variance}");
        let view = ArrayView::from_slice(&elements, 100_000).unwrap();
        near(view.var(0).unwrap());
        for shape in [[100_000, 1], [1, 100_000]] {
            let view = view.reshape(shape).unwrap();
            near(view.var_axis(usize::from(shape[0] == 1), 0).unwrap().1[0]);
        }
        let two: Vec<[f64; 2]> = elements.iter().map(|&element| [element, -element]).collect();
        let columns = ArrayView::from_slice(&two, 100_000).unwrap().view_as::<f64>().unwrap();
        let columns = columns.reshape([100_000, 2]).unwrap();
        columns.var_axis(0, 0).unwrap().1.into_iter().for_each(near);
    }
}

#[test]
fn axes_that_are_not_there_or_named_twice_are_refused() {
    let view = ArrayView::from_slice(&[0_u8; 6], [2, 3]).unwrap();
    for axes in [&[2][..], &[0, 0], &[0, 1, 0]] {
        assert_eq!(view.sum_axis(axes).unwrap_err().kind(), ErrorKind::OutOfRange);
    }
    let empty = ArrayView::<f32>::from_slice(&[], [0, 2]).unwrap();
    assert_eq!(empty.sum_axis(0).unwrap(), (vec![2], vec![0.0; 2]));
    assert_eq!(empty.sum_axis(1).unwrap(), (vec![0], vec![]));
    assert_eq!(empty.min_axis(1).unwrap(), (vec![0], vec![]));
    assert!(empty.mean_axis(0).is_err());
}

#[test]
fn what_is_said_of_all_elements_is_the_same_in_every_layout() {
    let mut elements: Vec<f32> = numbers().into_iter().map(|number| number as f32).collect();
    let edges = [-50.0, -1.0, 0.0, 3.5, 100.0];
    let even: Vec<f64> = (0..20).map(|edge| f64::from(edge) * 5.0).collect();
    for nan in [None, Some(700), Some(2)] {
        if let Some(place) = nan {
            elements[place] = f32::NAN;
        }
        each(&elements, |view, _| {
            let copy = view.to_vec();
            let copy = ArrayView::from_slice(&copy, copy.len()).unwrap();
            let bits = |number: Option<f32>| number.map(f32::to_bits);
            assert_eq!((view.argmin(), view.argmax()), (copy.argmin(), copy.argmax()), "{:?}", view.strides());
            assert_eq!(bits(view.nan_min()), bits(copy.iter().filter(|x| !x.is_nan()).reduce(f32::min)));
            assert_eq!(bits(view.nan_max()), bits(copy.iter().filter(|x| !x.is_nan()).reduce(f32::max)));
            assert_eq!(view.nan_sum(), copy.iter().filter(|x| !x.is_nan()).sum::<f32>() + 0.0);
            let both = view.min_max().map(|(a, b)| [bits(Some(a)), bits(Some(b))]);
            assert_eq!(both, view.min().map(|a| [bits(Some(a)), bits(view.max())]));
            for edges in [&edges[..], &even] {
                let last = edges.len() - 2;
                let count = |bin: usize| {
                    let above = |x: f64| x < edges[bin + 1] || bin == last && x == edges[bin + 1];
                    copy.iter().map(f64::from).filter(|&x| edges[bin] <= x && above(x)).count() as u64
                };
                assert_eq!(view.histogram(edges).unwrap(), (0..=last).map(count).collect::<Vec<_>>());
            }
            // QEMU 7.2 multiplies two `f32` to an `f64`, the instruction MDEBR, wrongly.
            if cfg!(target_arch = "s390x") {
                return;
            }
            let squares: f64 = copy.iter().map(|x| f64::from(x).powi(2)).sum();
            let dot = view.dot(view).unwrap();
            assert!(dot == squares || dot.is_nan() && squares.is_nan(), "{dot} and {squares}");
            let reversed = (0..view.ndim()).fold(view.clone(), |view, axis| view.step_axis(axis, -1));
            let products = copy.iter().zip(copy.step_axis(0, -1)).map(|(a, b)| f64::from(a) * f64::from(b));
            let (dot, products) = (view.dot(&reversed).unwrap(), products.sum::<f64>());
            assert!(dot == products || dot.is_nan() && products.is_nan(), "{dot} and {products}");
        });
    }
}

#[test]
fn the_first_of_equal_extremes_is_found() {
    let elements = [3_u8, 1, 2, 1, 3, 1];
    let view = ArrayView::from_slice(&elements, [2, 3]).unwrap();
    assert_eq!((view.argmin(), view.argmax()), (Some(1), Some(0)));
    // 3 1, 1 3, 2 1
    assert_eq!((view.t().argmin(), view.t().argmax()), (Some(1), Some(0)));
    let backwards = ArrayView::from_slice(&elements, 6).unwrap().step_axis(0, -1);
    assert_eq!((backwards.argmin(), backwards.argmax()), (Some(0), Some(1)));
    assert_eq!(ArrayView::<f64>::from_slice(&[], 0).unwrap().argmin(), None);
    let nans = [f64::NAN, 1.0, f64::NAN];
    let nans = ArrayView::from_slice(&nans, 3).unwrap();
    assert_eq!((nans.argmin(), nans.step_axis(0, -1).argmax()), (Some(0), Some(0)));
    assert_eq!(nans.rows(1..).argmax(), Some(1));
}

/// Many equal ones, truths and NaN.
fn few_kinds() -> Vec<f32> {
    let mut random = Random(9);
    (0..2100).map(|_| [0.0, -0.0, 1.0, 2.0, -1.0, f32::NAN][random.below(400).saturating_sub(394) as usize]).collect()
}

#[test]
fn places_along_an_axis_are_those_of_the_first_extremes() {
    fn check<T: bytemuck::Pod + mmap_array::element::Ordered>(elements: &[T]) {
        each(elements, |view, axes| {
            let &[axis] = axes else { return };
            let (shape, results) = gathered(view, axes);
            let found = (view.argmin_axis(axis), view.argmax_axis(axis));
            let places = results.iter().map(|elements| {
                let of = ArrayView::from_slice(elements, elements.len()).unwrap();
                Some((of.argmin()?, of.argmax()?))
            });
            let Some((smallest, largest)) = places.collect::<Option<(Vec<_>, Vec<_>)>>() else {
                assert_eq!(found.0.unwrap_err().kind(), ErrorKind::OutOfRange);
                return;
            };
            assert_eq!(found.0.unwrap(), (shape.clone(), smallest), "{axis} of {:?}", view.strides());
            assert_eq!(found.1.unwrap(), (shape, largest), "{axis} of {:?}", view.strides());
        });
    }
    check(&few_kinds());
    check(&few_kinds().into_iter().map(|number| number as i8).collect::<Vec<_>>());
    check(&numbers());
    let view = ArrayView::from_slice(&[0_u8; 6], [2, 3]).unwrap();
    assert_eq!(view.argmin_axis(2).unwrap_err().kind(), ErrorKind::OutOfRange);
}

#[test]
fn truths_are_those_of_the_elements_whatever_the_layout() {
    fn check<T: bytemuck::Pod + mmap_array::element::Number<Mean = f64>>(
        elements: &[T],
        is_true: impl Fn(&T) -> bool + Copy,
    ) {
        each(elements, |view, axes| {
            let (shape, results) = gathered(view, axes);
            let any = results.iter().map(|elements| elements.iter().any(is_true)).collect();
            let all = results.iter().map(|elements| elements.iter().all(is_true)).collect();
            let counts = results.iter().map(|elements| elements.iter().filter(|x| is_true(x)).count()).collect();
            assert_eq!(view.any_axis(axes).unwrap(), (shape.clone(), any), "{axes:?} of {:?}", view.strides());
            assert_eq!(view.all_axis(axes).unwrap(), (shape.clone(), all), "{axes:?} of {:?}", view.strides());
            assert_eq!(view.count_nonzero_axis(axes).unwrap(), (shape, counts));
            let copy = view.to_vec();
            let whole = (view.any(), view.all(), view.count_nonzero());
            let count = copy.iter().filter(|x| is_true(x)).count();
            assert_eq!(whole, (count > 0, count == copy.len(), count));
        });
    }
    check(&few_kinds(), |&number| number != 0.0);
    check(&few_kinds().into_iter().map(|number| Be::new(number as i16)).collect::<Vec<_>>(), |number| {
        number.get() != 0
    });
    check(&few_kinds().into_iter().map(|number| Bool::from(number == 0.0)).collect::<Vec<_>>(), |truth| truth.get());
    check(&vec![7_u64; 2100], |_| true);
    check(&vec![Bool::from(false); 2100], |_| false);
}

#[test]
fn results_go_into_a_slice_that_has_room_for_them_and_no_other() {
    let view = ArrayView::from_slice(&[1_u8, 2, 3, 4, 5, 6], [2, 3]).unwrap();
    let mut sums = [0; 3];
    assert_eq!(view.sum_axis_to(0, &mut sums).unwrap(), [3]);
    assert_eq!(sums, [5, 7, 9]);
    for len in [2, 4] {
        let mut means = vec![-1.0; len];
        let error = view.mean_axis_to(0, &mut means).unwrap_err();
        assert_eq!((error.kind(), means), (ErrorKind::Shape, vec![-1.0; len]));
        assert_eq!(error.to_string(), format!("3 results of shape [3] do not fit a slice of {len}"));
    }
    assert_eq!(view.std_axis_to((), 0, &mut [1.0; 6]).unwrap(), [2, 3]);
    assert_eq!(view.min_axis_to(2, &mut [0; 6]).unwrap_err().kind(), ErrorKind::OutOfRange);
}

#[test]
fn uneven_edges_are_found_as_even_ones_are() {
    let elements: Vec<f64> = (0..50_000).map(|k| f64::from(k * 7919 % 50_000) / 50_000.0).collect();
    let view = ArrayView::from_slice(&elements, 50_000).unwrap();
    for power in [1.0, 1.3, 0.5, 3.0] {
        for bins in [1_i32, 2, 1000, 20_000] {
            let edges: Vec<f64> = (0..=bins).map(|k| (f64::from(k) / f64::from(bins)).powf(power)).collect();
            let mut counts = vec![0_u64; edges.len() - 1];
            for element in &elements {
                let bin = edges[1..edges.len() - 1].partition_point(|edge| edge <= element);
                counts[bin] += 1;
            }
            assert_eq!(view.histogram(&edges).unwrap(), counts, "{bins} bins, to the power of {power}");
        }
    }
    // Of more than an `f64` holds between them.
    let all = [f64::MIN, -1.0, 0.0, 2.0, f64::MAX];
    let counts = ArrayView::from_slice(&all, 5).unwrap().histogram(&[f64::MIN, -1.0, 1.0, f64::MAX]).unwrap();
    assert_eq!(counts, [1, 2, 2]);
}

#[test]
fn histograms_and_counts_refuse_what_they_cannot_count() {
    let view = ArrayView::from_slice(&[-1_i32, 5], 2).unwrap();
    for edges in [&[][..], &[0.0], &[0.0, 0.0], &[1.0, 0.0], &[0.0, f64::NAN], &[f64::NAN, 1.0]] {
        assert_eq!(view.histogram(edges).unwrap_err().kind(), ErrorKind::OutOfRange, "{edges:?}");
    }
    assert_eq!(view.histogram(&[f64::NEG_INFINITY, 0.0, f64::INFINITY]).unwrap(), [1, 1]);
    let error = view.bincount(10).unwrap_err();
    assert_eq!(error.to_string(), "the number -1 is outside the counted range 0..10");
    assert!(view.rows(1..).bincount(5).unwrap_err().to_string().contains("the number 5"));
    assert_eq!(view.rows(1..).bincount(6).unwrap(), [0, 0, 0, 0, 0, 1]);
    assert_eq!(view.dot(&view.reshape([2, 1]).unwrap()).unwrap_err().kind(), ErrorKind::Shape);
    let huge = ArrayView::from_slice(&[u64::MAX], 1).unwrap().bincount(5).unwrap_err();
    assert!(huge.to_string().contains("18446744073709551615"), "{huge}");
}
