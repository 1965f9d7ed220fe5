use super::*;
use crate::element::sum::{BLOCK, pairwise_block};
use crate::element::{Be, Le};

fn view<T: bytemuck::Pod>(elements: &[T]) -> ArrayView<'_, T> {
    ArrayView::from_slice(elements, elements.len()).unwrap()
}

/// Computes NumPy's `pairwise_sum`, written as it is there.
fn recursive(values: &[f64]) -> f64 {
    if values.len() <= BLOCK {
        return pairwise_block(
            0,
            values.len(),
            Dense::<f64, crate::access::ReadOnly>::of(
                Run { ptr: Addr::of(values.as_ptr()), len: values.len(), stride: 8 },
                false,
            ),
        );
    }
    let half = values.len() / 2 - values.len() / 2 % 8;
    recursive(&values[..half]) + recursive(&values[half..])
}

#[test]
fn sums_add_in_numpys_order() {
    let values: Vec<f64> = (0..100_000).map(|i| 1.0 / f64::from(i + 1)).collect();
    for len in (0..1200).chain([4096, 65_535, 65_537, 100_000]) {
        assert_eq!(view(&values[..len]).sum().to_bits(), (0.0 + recursive(&values[..len])).to_bits(), "{len}");
    }
    // numpy.add.reduce(1 / np.arange(1, 100001)) of NumPy 2.4.6.
    assert_eq!(view(&values).sum(), 12.090146129863431);
    assert_eq!(view(&[-0.0_f64; 3]).sum().to_bits(), 0.0_f64.to_bits(), "as NumPy's");
}

#[test]
fn sums_of_integers_are_exact() {
    let extremes = [i64::MIN, i64::MAX, -1, i64::MIN, 1 << 32, -(1 << 32) - 1, u32::MAX.into()];
    assert_eq!(view(&extremes).sum(), extremes.iter().map(|&x| i128::from(x)).sum());
    assert_eq!(view(&[u64::MAX; 1000]).sum(), u128::from(u64::MAX) * 1000);
    assert_eq!(view(&[i64::MIN; 1000]).sum(), i128::from(i64::MIN) * 1000);
    assert_eq!(view(&[i32::MIN; 1000]).sum(), i128::from(i32::MIN) * 1000);
    assert_eq!(view(&[u8::MAX; 1000]).sum(), 255_000);
    assert_eq!((view::<i64>(&[]).sum(), view::<u8>(&[]).mean()), (0, None));
}

#[test]
fn the_byte_order_makes_no_difference() {
    macro_rules! check {
        ($($number:ty),*) => {$(
            let values: Vec<$number> = (0..1003_u32).map(|i| (i * 7 % 31) as $number - 3 as $number).collect();
            let (big, little): (Vec<Be<$number>>, Vec<Le<$number>>) =
                values.iter().map(|&value| (Be::new(value), Le::new(value))).unzip();
            let (native, big, little) = (view(&values), view(&big), view(&little));
            for step in [1, 2, -1, -5] {
                let (native, big, little) =
                    (native.step_axis(0, step), big.step_axis(0, step), little.step_axis(0, step));
                assert_eq!((big.sum(), little.sum()), (native.sum(), native.sum()));
                assert_eq!((big.mean(), little.mean()), (native.mean(), native.mean()));
                assert_eq!((big.min().map(Be::get), little.max().map(Le::get)), (native.min(), native.max()));
            }
        )*};
    }
    check!(i16, i32, i64, f32, f64, i8);
}

#[test]
fn wide_and_narrow_instructions_give_the_same() {
    let values: Vec<Be<f32>> = (0..5000).map(|i| Be::new(1.0 / i as f32 - 0.01)).skip(1).collect();
    let view = view(&values);
    let mut runs = view.runs_in_memory_order();
    assert_eq!(
        Some(view.sum()),
        Added::<Be<f32>, crate::access::ReadOnly, AsSum> { elements: Elements::of(&mut runs), how: PhantomData }.run()
    );
    let mut runs = view.runs_in_memory_order();
    assert_eq!(view.min(), Extreme::<Be<f32>, crate::access::ReadOnly, false>(Elements::of(&mut runs)).run());
}

#[test]
fn nan_spreads_and_negative_zero_does_not_matter() {
    assert!(view(&[1.0, f64::NAN, -1.0]).min().is_some_and(f64::is_nan));
    assert!(view(&[Be::new(1.0_f32), Be::new(f32::NAN)]).max().is_some_and(|max| max.get().is_nan()));
    assert_eq!(view(&[0.0, -0.0]).max(), Some(0.0));
}

#[test]
fn many_short_runs_lose_no_more_than_a_long_one() {
    let tenths = vec![0.1_f32; 3 * 1_000_000];
    let pairs = ArrayView::from_slice(&tenths, [1_000_000, 3]).unwrap().slice((.., ..2));
    assert!((f64::from(pairs.sum()) - 200_000.0).abs() < 0.1, "{}", pairs.sum());
    assert!((pairs.mean().unwrap() - f64::from(0.1_f32)).abs() < 1e-12);
}

#[test]
fn sums_of_negative_zeros_and_of_nothing_are_zero() {
    let zeros = [-0.0_f64; 20];
    let view = ArrayView::from_slice(&zeros, [10, 2]).unwrap();
    // As `np.sum` and `np.mean` of NumPy 2.4.6 have it.
    assert!(view.slice((.., ..1)).sum().is_sign_positive());
    assert!(view.mean().is_some_and(f64::is_sign_positive));
    assert!(view.rows(..0).sum().is_sign_positive());
    assert_eq!(view.rows(..0).mean(), None);
}

#[test]
fn many_small_planes_are_taken_each_once() {
    let numbers: Vec<i32> = (0..20_000_i32).map(|i| i.wrapping_mul(0x9e37_79b9_u32 as i32) >> 8).collect();
    let floats: Vec<f32> = numbers.iter().map(|&number| number as f32).collect();
    for shape in
        [&[15, 3, 3][..], &[16, 3, 3], &[64, 3, 3], &[65, 3, 3], &[200, 4, 9], &[3, 130, 3, 4], &[2, 2, 70, 5, 4]]
    {
        let len: usize = shape.iter().product();
        let all = ArrayView::from_slice(&numbers[..len], shape).unwrap();
        let all_floats = ArrayView::from_slice(&floats[..len], shape).unwrap();
        for (height, width) in [(2, 2), (1, 2), (2, 1), (3, 2)] {
            let (rows, columns) = (shape.len() - 2, shape.len() - 1);
            let view = all.slice_axis(rows, ..height).slice_axis(columns, 1..1 + width);
            let floats = all_floats.slice_axis(rows, ..height).slice_axis(columns, 1..1 + width);
            for view in [view.clone(), view.t(), view.step_axis(shape.len() - 3, -1), view.step_axis(rows, -1)] {
                let each: Vec<i32> = view.iter().collect();
                assert_eq!(view.sum(), each.iter().map(|&x| i128::from(x)).sum(), "{shape:?} {:?}", view.strides());
                assert_eq!((view.min(), view.max()), (each.iter().min().copied(), each.iter().max().copied()));
                assert_eq!(view.mean(), Some(view.sum() as f64 / each.len() as f64));
            }
            let exact: f64 = floats.iter().map(f64::from).sum();
            assert!((f64::from(floats.sum()) - exact).abs() <= 1e-5 * 8.4e6 * floats.len() as f64);
        }
    }
}

#[test]
fn few_elements_are_added_in_the_order_of_memory_too() {
    let values = [1.0, 2_f64.powi(53), -2_f64.powi(53), 1.0];
    let all = view(&values);
    for view in [all.rows(..3), all.rows(1..), all.rows(..0)] {
        let (sum, backwards) = (view.sum(), view.step_axis(0, -1));
        assert_eq!([backwards.sum(), backwards.sum_axis(0).unwrap().1[0], view.sum_axis(0).unwrap().1[0]], [sum; 3]);
    }
    let square = all.reshape([2, 2]).unwrap();
    assert_eq!(square.step_axis(0, -1).step_axis(1, -1).sum(), all.sum());
}

#[test]
fn short_rows_are_added_pairwise_by_all_that_adds() {
    // 0.1 has an error that grows where it is added to a large sum.
    let tenths = vec![0.1_f32; 3_000_000];
    let rows = view(&tenths).reshape([1_000_000, 3]).unwrap().slice_axis(1, 0..2);
    let exact = 0.1_f32 as f64 * 2e6;
    let near = |sum: f64, what: &str| assert!((sum / exact - 1.0).abs() < 1e-6, "{what}: {sum}");
    near(rows.sum().into(), "sum");
    near(rows.sum_axis([0, 1]).unwrap().1[0].into(), "sum_axis");
    near(rows.nan_sum().into(), "nan_sum");
    near(rows.mean_axis([1, 0]).unwrap().1[0] * 2e6, "mean_axis");
    let ones = vec![1.0_f32; 3_000_000];
    let ones = view(&ones).reshape([1_000_000, 3]).unwrap().slice_axis(1, 0..2);
    // QEMU 7.2 multiplies two `f32` to an `f64`, the instruction MDEBR, wrongly.
    if cfg!(not(target_arch = "s390x")) {
        let dot = rows.dot(&ones).unwrap();
        assert!((dot / exact - 1.0).abs() < 1e-14, "dot: {dot}");
    }
    // In planes of few elements, too, which are gone through in another order.
    let planes = view(&tenths).reshape([1000, 30, 100]).unwrap().slice_axis(1, 0..3).slice_axis(2, 0..5);
    for rows in [rows, planes] {
        let axes: Vec<usize> = (0..rows.ndim()).collect();
        assert_eq!(rows.sum_axis(&axes).unwrap().1[0].to_bits(), rows.sum().to_bits());
        assert_eq!(rows.mean_axis(&axes).unwrap().1[0].to_bits(), rows.mean().unwrap().to_bits());
        assert_eq!(rows.nan_sum().to_bits(), rows.sum().to_bits());
    }
}

/// Runs are prefetched block by block: an extreme is found wherever in a block it is.
#[test]
fn extremes_of_long_runs_are_found_at_the_edges_of_blocks() {
    fn of<T: Ordered + bytemuck::Pod + PartialEq + std::fmt::Debug>(values: &mut [T], step: usize, low: T, high: T) {
        let len = values.len() / step;
        // As many lie in a kibibyte as are gone through at a time.
        let block = 1024 / (size_of::<T>() * step);
        for index in [0, block - 1, block, 2 * block + 1, len / 2, len - block, len - 2, len - 1] {
            let before = values[index * step];
            for (extreme, is_least) in [(low, true), (high, false)] {
                values[index * step] = extreme;
                let view = view(values).step_axis(0, step as isize);
                assert_eq!(if is_least { view.min() } else { view.max() }, Some(extreme), "{index} of {len}");
                let back = view.step_axis(0, -1);
                assert_eq!(if is_least { back.min() } else { back.max() }, Some(extreme), "{index} of {len}");
            }
            values[index * step] = before;
        }
    }
    of(&mut vec![0.0_f32; (1 << 18) + 77], 1, -1.0, 1.0);
    of(&mut vec![0.0_f64; (1 << 17) + 3], 3, -1.0, 1.0);
    of(&mut vec![0_i32; (1 << 18) + 9], 15, -1, 1);
}
