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
#[should_panic(expected = "chunks of no indices")]
fn chunks_have_some_length() {
    let _ = MmapArrayMut::<u8>::anonymous(3).unwrap().view().par_axis_chunks(0, 0);
}
