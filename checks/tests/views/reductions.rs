//! Sums, means and extremes, against the plainest loop.

use super::*;

/// Shapes long enough for the blocks in which floats are summed, and chains that leave much of them.
fn long_shape() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        (0..700_usize).prop_map(|len| vec![len]),
        (1..9_usize, 0..150_usize).prop_map(|(rows, len)| vec![rows, len]),
        (1..6_usize, 1..6_usize, 1..20_usize).prop_map(|(planes, rows, len)| vec![planes, rows, len]),
    ]
}

fn turning() -> impl Strategy<Value = Vec<Op>> {
    use Kind::*;
    const KINDS: [Kind; 5] = [SliceAxis, StepAxis, Transpose, Permute, InsertAxis];
    let op = (prop::sample::select(&KINDS[..]), 0..65536_usize, 0..65536_usize, 0..65536_usize);
    prop::collection::vec(op.prop_map(|(kind, a, b, c)| Op { kind, a, b, c }), 0..4)
}

/// Random bits that a seed makes.
fn random(seed: u64) -> impl Iterator<Item = u64> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 27)
    })
}

/// Calls `check` with the view that a chain of operations leaves of these elements, and with the elements in it.
fn turned<T: Element>(
    elements: &[T],
    shape: &[usize],
    skew: usize,
    ops: &[Op],
    check: impl FnOnce(ArrayView<'_, T>, &[T]),
) where
    ReadOnly: Stable<T>,
{
    let bytes = [&vec![0; skew], bytemuck::cast_slice::<T, u8>(elements)].concat();
    let memory = Memory { address: bytes.as_ptr().addr(), bytes };
    let view = ArrayView::from_slice(&memory.bytes[skew..], memory.bytes.len() - skew).unwrap();
    let mut view = view.view_as::<T>().unwrap().reshape(shape).unwrap();
    let mut model = Model::contiguous(shape, Order::C, size_of::<T>(), skew);
    for &op in ops {
        (view, model) = shaped(view, &model, op);
    }
    check(view, &memory.elements(&model));
}

macro_rules! integers_reduce {
    ($($integer:ident, $sum:ty);*) => {$(
        proptest! {
            #![proptest_config(config(32))]

            #[test]
            fn $integer(shape in long_shape(), skew in 0..8_usize, ops in turning(), seed: u64) {
                let elements: Vec<$integer> = random(seed).map(|bits| bits as $integer).take(count(&shape)).collect();
                turned(&elements, &shape, skew, &ops, |view, elements| {
                    let sum = elements.iter().map(|&element| <$sum>::from(element)).sum::<$sum>();
                    assert_eq!(view.sum(), sum);
                    assert_eq!(view.min(), elements.iter().min().copied());
                    assert_eq!(view.max(), elements.iter().max().copied());
                    let mean = (!elements.is_empty()).then(|| sum as f64 / elements.len() as f64);
                    assert_eq!(view.mean().is_some(), mean.is_some());
                    if let (Some(got), Some(mean)) = (view.mean(), mean) {
                        let size = elements.iter().map(|&element| (element as f64).abs()).sum::<f64>();
                        assert!((got - mean).abs() <= 1e-14 * size / elements.len() as f64, "{got} and not {mean}");
                    }
                });
            }
        }
    )*};
}

macro_rules! floats_reduce {
    ($($float:ident),*) => {$(
        proptest! {
            #![proptest_config(config(64))]

            #[test]
            fn $float(shape in long_shape(), skew in 0..8_usize, ops in turning(), seed: u64, special in special()) {
                // Of either sign, and of magnitudes from 2^-20 to 2^20.
                let number = |bits: u64| (bits as i32 as f64 * 2_f64.powi((bits >> 40) as i32 % 41 - 51)) as $float;
                let mut elements: Vec<$float> = random(seed).map(number).take(count(&shape)).collect();
                for (at, number) in special {
                    if let Some(at) = at.checked_rem(elements.len()) {
                        elements[at] = number as $float;
                    }
                }
                turned(&elements, &shape, skew, &ops, |view, elements| {
                    let wide: Vec<f64> = elements.iter().map(|&element| f64::from(element)).collect();
                    // Each element takes part in some twenty additions, or in one for each run.
                    let error = 100.0 * f64::from(<$float>::EPSILON);
                    check_floats(&wide, f64::from(view.sum()), error, view.min().map(f64::from), view.max().map(f64::from));
                    let len = elements.len() as f64;
                    assert_eq!(view.mean().is_some(), !elements.is_empty());
                    if let Some(mean) = view.mean() {
                        check_floats(&wide, mean * len, 200.0 * f64::EPSILON, view.min().map(f64::from), view.max().map(f64::from));
                    }
                });
            }
        }
    )*};
}

/// Places for numbers that are none, or no finite ones; mostly there is none.
fn special() -> impl Strategy<Value = Vec<(usize, f64)>> {
    let number = prop::sample::select(&[f64::NAN, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0][..]);
    prop_oneof![Just(vec![]), prop::collection::vec((0..10_000_usize, number), 1..3)]
}

/// Holds reductions against the elements in `f64`; the sum may be off by `error` of the magnitudes that it adds up.
fn check_floats(elements: &[f64], sum: f64, error: f64, min: Option<f64>, max: Option<f64>) {
    if elements.iter().any(|element| element.is_nan()) {
        assert!(sum.is_nan());
        assert!(min.is_some_and(f64::is_nan) && max.is_some_and(f64::is_nan));
        return;
    }
    assert_eq!(min, elements.iter().copied().reduce(f64::min));
    assert_eq!(max, elements.iter().copied().reduce(f64::max));
    let expected: f64 = elements.iter().sum();
    if expected.is_finite() {
        let size: f64 = elements.iter().map(|element| element.abs()).sum();
        assert!((sum - expected).abs() <= error * size, "{sum} and not {expected}");
    } else {
        assert!(sum == expected || (sum.is_nan() && expected.is_nan()), "{sum} and not {expected}");
    }
}

mod integers_are_summed_exactly_and_compared {
    use super::*;
    integers_reduce!(i8, i128; i16, i128; i32, i128; i64, i128; u8, u128; u16, u128; u32, u128; u64, u128);
}

mod floats_are_summed_and_compared_and_a_nan_wins {
    use super::*;
    floats_reduce!(f32, f64);
}

#[test]
fn a_nan_wins_wherever_it_lies() {
    for len in 1..26 {
        for at in 0..len {
            let mut elements: Vec<f32> = (0..2 * len).map(|number| number as f32).collect();
            elements[2 * at] = f32::NAN;
            let all = ArrayView::from_slice(&elements, 2 * len).unwrap();
            for view in [all.clone(), all.step_axis(0, 2)] {
                assert!(view.min().unwrap().is_nan() && view.max().unwrap().is_nan(), "{at} of {len}");
                assert!(view.sum().is_nan() && view.mean().unwrap().is_nan(), "{at} of {len}");
            }
            let odd = all.slice_axis(0, 1..).step_axis(0, 2);
            assert_eq!((odd.min(), odd.max()), (Some(1.0), Some((2 * len - 1) as f32)), "none of {len}");
        }
    }
}

#[test]
fn sums_of_integers_go_past_their_type() {
    let most = [u64::MAX; 5];
    assert_eq!(ArrayView::from_slice(&most, 5).unwrap().sum(), 5 * u128::from(u64::MAX));
    let least = [i64::MIN; 5];
    assert_eq!(ArrayView::from_slice(&least, 5).unwrap().sum(), 5 * i128::from(i64::MIN));
    assert_eq!(ArrayView::from_slice(&least, 5).unwrap().mean(), Some(i64::MIN as f64));
}

#[test]
fn nothing_has_a_sum_of_zero_and_no_mean_or_extremes() {
    let view = ArrayView::<f64>::from_slice(&[], [3, 0]).unwrap();
    assert_eq!((view.sum(), view.mean(), view.min(), view.max()), (0.0, None, None, None));
    let view = ArrayView::<u8>::from_slice(&[], 0).unwrap();
    assert_eq!((view.sum(), view.mean(), view.min(), view.max()), (0, None, None, None));
}
