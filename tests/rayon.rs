//! Views gone through by all processors give what they give to one.
#![cfg(feature = "rayon")]

use mmap_array::{ArrayView, Be, ErrorKind, MmapArrayMut};
use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};

#[test]
fn elements_come_in_order_from_every_form() {
    let data: Vec<u32> = (0..2 * 3 * 1000).collect();
    let view = ArrayView::from_slice(&data, [2, 3, 1000]).unwrap();
    let forms = [
        view.clone(),
        view.t(),
        view.permute_axes([2, 0, 1]),
        view.permute_axes([1, 2, 0]),
        view.step_axis(2, -7),
        view.slice((.., 1, 3..10)),
        view.slice((.., .., 5..5)),
        view.index_axis(0, 1).index_axis(0, 2).index_axis(0, 3),
    ];
    for view in forms {
        let expected = view.to_vec();
        assert_eq!(view.par_iter().collect::<Vec<u32>>(), expected);
        assert_eq!(view.par_iter().len(), expected.len());
        assert!(view.par_iter().with_max_len(1).zip(view.par_iter()).all(|(a, b)| a == b));
        assert_eq!(view.par_iter().rev().collect::<Vec<_>>(), expected.iter().rev().copied().collect::<Vec<_>>());
        for (position, element) in expected.iter().enumerate() {
            assert_eq!(view.iter().nth(position), Some(*element));
            assert_eq!(view.iter().nth_back(expected.len() - 1 - position), Some(*element));
        }
    }
    let file = 7_u32.to_be_bytes().repeat(1000);
    let view = ArrayView::from_slice(&file, 4000).unwrap().view_as::<Be<u32>>().unwrap();
    assert_eq!(view.par_iter().map(|x| u64::from(x.get())).sum::<u64>(), 7000);
}

#[test]
fn rows_columns_and_chunks_are_written_each_by_one() {
    let mut grid = MmapArrayMut::<u32>::scratch([101, 10]).unwrap();
    grid.view_mut().par_axis_iter(1).enumerate().for_each(|(k, mut column)| column.fill(k as u32));
    assert!(grid.view().axis_iter(0).all(|row| row.iter().eq(0..10)));
    grid.view_mut().par_axis_chunks(0, 7).enumerate().for_each(|(k, mut rows)| {
        assert!(rows.shape() == [7, 10] || (k == 14 && rows.shape() == [3, 10]));
        rows.fill(k as u32);
    });
    assert!((0..101).all(|row| grid[[row, 9]] == row as u32 / 7));
    let lens: Vec<usize> = grid.view().par_axis_chunks(0, 50).rev().map(|rows| rows.shape()[0]).collect();
    assert_eq!(lens, [1, 50, 50]);
    assert_eq!(grid.view().slice_axis(0, ..0).par_axis_chunks(0, 5).count(), 0);
    // The elements are a slice, and slices are rayon's own.
    assert_eq!(grid.par_iter().map(|&x| u64::from(x)).max(), Some(14));
}

#[test]
fn rows_are_read_in_by_all() {
    let frames = MmapArrayMut::<[u8; 3]>::scratch([100, 5000]).unwrap();
    frames.par_prefetch(..).unwrap();
    frames.par_prefetch(3..4).unwrap();
    frames.par_prefetch(5..5).unwrap();
    assert_eq!(frames.par_prefetch(99..101).unwrap_err().kind(), ErrorKind::OutOfRange);
    MmapArrayMut::<[u8; 10_000]>::scratch(3).unwrap().par_prefetch(1..).unwrap();
    MmapArrayMut::<u8>::anonymous(0).unwrap().par_prefetch(..).unwrap();
}

#[test]
#[should_panic(expected = "the length of a chunk must not be 0")]
fn chunks_have_some_length() {
    let _ = MmapArrayMut::<u8>::anonymous(3).unwrap().view().par_axis_chunks(0, 0);
}

/// Whether two numbers are near.
fn is_near(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-9 * one.abs().max(1.0)
}

#[test]
fn reductions_are_those_of_one_processor_and_the_same_by_any_number() {
    let pools: Vec<_> = [1, 3].map(|n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap()).into();
    let numbers: Vec<f32> = (0..600_000_u32).map(|i| (i.wrapping_mul(2_654_435_769) >> 9) as f32 - 4e6).collect();
    let big: Vec<Be<f32>> = numbers.iter().copied().map(Be::new).collect();
    // Contiguous, turned, narrow, wide, backwards, apart.
    for shape in [&[600_000][..], &[200_000, 3], &[3, 1000, 200]] {
        let plain = ArrayView::from_slice(&numbers, shape).unwrap();
        let big = ArrayView::from_slice(&big, shape).unwrap();
        for view in [plain.clone(), plain.t().step_axis(0, -1)] {
            let whole = pools.iter().map(|pool| {
                pool.install(|| (view.par_sum(), view.par_mean(), view.par_var(1), view.par_min(), view.par_max()))
            });
            let whole: Vec<_> = whole.collect();
            assert!(whole.iter().all(|results| *results == whole[0]), "{:?}", view.strides());
            let (sum, mean, var, min, max) = whole[0];
            assert_eq!((min, max), (view.min(), view.max()));
            assert!(is_near(mean.unwrap(), view.mean().unwrap()) && is_near(var.unwrap(), view.var(1).unwrap()));
            assert!((f64::from(sum) - mean.unwrap() * view.len() as f64).abs() < 1e-6 * 4e6 * view.len() as f64);
            if view.ndim() == 1 {
                assert_eq!(sum.to_bits(), view.sum().to_bits());
            }
            for axes in [&[0][..], &[shape.len() - 1], &(0..shape.len()).collect::<Vec<_>>()] {
                let along = pools.iter().map(|pool| {
                    pool.install(|| {
                        let sums = view.par_sum_axis(axes).unwrap();
                        (sums, view.par_mean_axis(axes).unwrap(), view.par_std_axis(axes, 0).unwrap())
                    })
                });
                let along: Vec<_> = along.collect();
                assert!(along.iter().all(|results| *results == along[0]), "{axes:?} of {:?}", view.strides());
                let (sums, means, deviations) = &along[0];
                let serial =
                    (view.sum_axis(axes).unwrap(), view.mean_axis(axes).unwrap(), view.std_axis(axes, 0).unwrap());
                assert_eq!((&sums.0, &means.0, &deviations.0), (&serial.0.0, &serial.1.0, &serial.2.0));
                assert!(
                    means.1.iter().zip(&serial.1.1).all(|(&a, &b)| is_near(a, b)),
                    "{axes:?} of {:?}",
                    view.strides()
                );
                assert!(deviations.1.iter().zip(&serial.2.1).all(|(&a, &b)| is_near(a, b)));
                let count = view.len() as f64 / sums.1.len() as f64;
                let near = |(&sum, &mean): (&f32, &f64)| (f64::from(sum) - mean * count).abs() < 1e-3 * 4e6 * count;
                assert!(sums.1.iter().zip(&means.1).all(near), "{axes:?} of {:?}", view.strides());
                assert_eq!(view.par_min_axis(axes).unwrap(), view.min_axis(axes).unwrap());
                assert_eq!(view.par_max_axis(axes).unwrap(), view.max_axis(axes).unwrap());
            }
            assert_eq!(view.par_to_vec(), view.to_vec());
            assert_eq!(view.par_to_vec_as::<i16>(), view.to_vec_as::<i16>());
        }
        assert_eq!(big.par_sum(), plain.par_sum());
        assert_eq!(big.par_sum_axis(0).unwrap(), plain.par_sum_axis(0).unwrap());
        assert_eq!(big.t().par_to_native_vec(), plain.t().to_vec());
    }
}

#[test]
fn integers_are_summed_exactly_and_nothing_is_reduced_as_by_one_processor() {
    let numbers: Vec<u8> = (0..2_500_000).map(|i| (i % 251) as u8).collect();
    let view = ArrayView::from_slice(&numbers, [5, 500_000]).unwrap();
    assert_eq!((view.par_sum(), view.t().par_sum()), (view.sum(), view.sum()));
    for axes in [&[0][..], &[1], &[0, 1], &[]] {
        assert_eq!(view.par_sum_axis(axes).unwrap(), view.sum_axis(axes).unwrap());
    }
    let none = view.rows(..0);
    assert_eq!((none.par_sum(), none.par_mean(), none.par_min(), none.par_var(0)), (0, None, None, None));
    assert_eq!(none.t().par_sum_axis(1).unwrap(), none.t().sum_axis(1).unwrap());
    assert_eq!(none.par_max_axis(0).unwrap_err().kind(), ErrorKind::OutOfRange);
    assert_eq!(none.par_to_vec(), [0; 0]);
    assert_eq!(view.par_sum_axis(2).unwrap_err().kind(), ErrorKind::OutOfRange);
}
