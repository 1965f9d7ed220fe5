//! Views of any number of axes: few are kept in the view, more of them elsewhere, and nobody is to notice.

use mmap_array::{ArrayView, ArrayViewMut, DType, DynView, MmapArray, Order, view::MAX_NDIM};
use std::thread;

/// The lengths of so many axes, of which at most ten are of two elements, the others of one.
fn lens(ndim: usize) -> Vec<usize> {
    (0..ndim).map(|axis| if axis % 3 == 0 && axis < 30 { 2 } else { 1 }).collect()
}

fn data(ndim: usize) -> Vec<u16> {
    (0..lens(ndim).iter().product::<usize>() as u16).collect()
}

#[test]
fn small_views_and_arrays_are_small() {
    assert!(size_of::<ArrayView<'_, u8>>() <= 15 * size_of::<usize>());
    assert!(size_of::<DynView<'_>>() <= 16 * size_of::<usize>());
    assert!(size_of::<MmapArray<u8>>() <= 16 * size_of::<usize>());
}

#[test]
fn arrays_of_every_number_of_axes_are_opened_cut_and_turned_alike() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("array");
    for ndim in 1..=MAX_NDIM {
        let (data, lens) = (data(ndim), lens(ndim));
        std::fs::write(&path, bytemuck::cast_slice(&data)).unwrap();
        let given = MmapArray::<u16>::options().shape(&lens);
        let array = given.load(&path).unwrap();
        assert_eq!((array.shape(), &array[..]), (&lens[..], &data[..]), "{ndim} axes");
        // The first axis follows from the file.
        let inferred = lens.iter().enumerate().map(|(axis, &len)| (axis > 0).then_some(len)).collect::<Vec<_>>();
        assert_eq!(MmapArray::<u16>::options().shape(inferred).load(&path).unwrap().shape(), lens);
        let columns = given.order(Order::F).open_shared(&path).unwrap();
        assert_eq!(columns.read(|view| view.t().to_vec()).unwrap(), data);
        let half = data.len() / 2;
        let mut low = array.into_rows(..1).unwrap();
        assert_eq!((low.shape()[0], &low.shape()[1..]), (1, &lens[1..]));
        low.view_mut().fill(7);
        assert_eq!(low[..], vec![7; half]);
    }
    let many = MmapArray::<u8>::options().shape([1; 65]).load(&path).unwrap_err();
    assert_eq!(many.kind(), mmap_array::ErrorKind::Shape);
}

#[test]
fn every_number_of_axes_is_cut_and_turned_alike() {
    for ndim in 1..=MAX_NDIM {
        let data = data(ndim);
        let view = ArrayView::from_slice(&data, lens(ndim)).unwrap();
        assert_eq!((view.ndim(), view.shape()), (ndim, &lens(ndim)[..]));
        assert!(view.iter().eq(data.iter().copied()), "{ndim} axes");
        assert_eq!(view.at(vec![0; ndim]), 0);
        let last: Vec<usize> = view.shape().iter().map(|len| len - 1).collect();
        assert_eq!((view.at(&last), view.get(vec![2; ndim])), (data[data.len() - 1], None));
        let half = data.len() / 2;
        assert_eq!(view.index_axis(0, 1).to_vec(), data[half..]);
        assert_eq!(view.rows(1..).to_vec(), data[half..]);
        assert_eq!(view.slice((0,)).to_vec(), data[..half]);
        assert!(view.axis_iter(0).flatten().eq(data.iter().copied()));
        let (low, high) = view.split_at(0, 1);
        assert_eq!((low.to_vec(), high.to_vec()), (data[..half].to_vec(), data[half..].to_vec()));
        let reversed: Vec<usize> = (0..ndim).rev().collect();
        let turned = view.permute_axes(&reversed);
        assert!(turned == view.t() && turned.t() == view);
        assert_eq!((turned.sum(), turned.min(), turned.max()), (view.sum(), view.min(), view.max()));
        assert_eq!(turned.iter().rev().collect::<Vec<_>>().len(), data.len());
        // Steps keep axes from being joined, so that iterators have many, too.
        let back = (0..ndim).fold(view.clone(), |view, axis| view.step_axis(axis, -1));
        assert!(back.iter().eq(data.iter().rev().copied()));
        assert_eq!(view.insert_axis(ndim).map(|view| view.ndim()).ok(), (ndim < MAX_NDIM).then_some(ndim + 1));
        assert_eq!(view.reshape(data.len()).unwrap(), data);
    }
}

#[test]
fn a_clone_outlives_its_view_and_goes_to_another_thread() {
    for ndim in [2, 6, 7, 8, MAX_NDIM] {
        let data = data(ndim);
        let view = ArrayView::from_slice(&data, lens(ndim)).unwrap();
        let turned = view.t().clone();
        let mut iter = turned.iter();
        let first = iter.next();
        let mut rest = iter.clone();
        drop(view);
        thread::scope(|scope| {
            let sum = scope.spawn(move || iter.map(u64::from).sum::<u64>() + u64::from(first.unwrap()));
            assert_eq!(sum.join().unwrap(), data.iter().copied().map(u64::from).sum());
        });
        assert_eq!(rest.nth_back(0), data.last().copied());
        assert_eq!(rest.len(), data.len() - 2);
    }
}

#[test]
fn what_many_axes_write_is_written() {
    for ndim in 1..=MAX_NDIM {
        let mut data = data(ndim);
        let expected: Vec<u16> = data.iter().map(|x| x + 1).collect();
        let mut view = ArrayViewMut::from_slice_mut(&mut data, lens(ndim)).unwrap();
        view.reborrow().t().map_in_place(|x| x + 1);
        assert_eq!(view.view().reshape(expected.len()).unwrap(), expected);
        let rows = view.axis_iter(0);
        rows.enumerate().for_each(|(row, mut view)| view.fill(row as u16));
        assert_eq!(data.iter().filter(|&&x| x == 1).count(), data.len() / 2);
    }
}

#[test]
fn dynamic_views_have_as_many() {
    let dtype = DType::from_descr("'|u1'").unwrap();
    for ndim in 1..=MAX_NDIM {
        let bytes: Vec<u8> = (0..lens(ndim).iter().product::<usize>()).map(|i| i as u8).collect();
        let view = DynView::from_bytes(&bytes, &dtype, lens(ndim)).unwrap();
        assert_eq!(view.t().t(), view.clone());
        let (low, high) = view.split_at(0, 1);
        assert_eq!(low.len() + high.len(), view.len());
        assert_eq!(view.axis_iter(0).map(|row| row.len()).sum::<usize>(), view.len());
        assert_eq!(view.insert_axis(0).is_ok(), ndim < MAX_NDIM);
        assert!(view.iter().rev().eq(view.t().t().into_iter().rev()));
        assert_eq!((&view).into_iter().count(), view.typed::<u8>().unwrap().len());
        assert_eq!(view.to_vec_as::<u8>().unwrap(), bytes);
    }
}
