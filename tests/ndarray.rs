//! Views shown as ndarray's and made from them.
#![cfg(feature = "ndarray")]

use mmap_array::{ArrayView, ErrorKind, MmapArrayMut, Order, field, npy};
use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewD, Axis, Dimension, Ix2, s};

/// Every way to cut and turn a view of two axes that ndarray can follow.
fn forms<'a>(view: &ArrayView<'a, i32>) -> Vec<ArrayView<'a, i32>> {
    let mut forms = vec![view.clone(), view.t(), view.step_axis(0, 2), view.step_axis(1, -2), view.slice((1.., ..3))];
    forms.extend([view.step_axis(0, -1).step_axis(1, -1).t(), view.slice((1..1, ..)), view.slice((.., 2..2))]);
    forms
}

#[test]
fn it_shows_the_same_elements_in_every_form() {
    let data: Vec<i32> = (0..20).collect();
    let ours = ArrayView::from_slice(&data, [4, 5]).unwrap();
    for view in forms(&ours) {
        let theirs: ArrayView2<i32> = view.clone().into_ndarray().unwrap();
        assert_eq!(theirs.shape(), view.shape());
        assert!(theirs.iter().copied().eq(view.iter()), "{view:?}");
        // And back.
        let back = ArrayView::from_ndarray(theirs).unwrap();
        assert!(back == view);
        let any: ArrayViewD<i32> = view.into_ndarray().unwrap();
        assert_eq!(any.ndim(), 2);
    }
    let one: ndarray::ArrayView0<i32> = ours.index_axis(0, 1).index_axis(0, 2).into_ndarray().unwrap();
    assert_eq!(one.into_scalar(), &7);
}

#[test]
fn fields_of_records_are_shown_where_their_strides_are_whole_elements() {
    #[derive(Clone, Copy, bytemuck::Zeroable, bytemuck::Pod)]
    #[repr(C)]
    struct Even {
        a: u32,
        b: [u16; 2],
    }
    #[derive(Clone, Copy, bytemuck::Zeroable, bytemuck::Pod)]
    #[repr(C, packed)]
    struct Odd {
        a: u8,
        b: u32,
    }
    let mut even = MmapArrayMut::<Even>::anonymous([3, 2]).unwrap();
    even[[2, 1]] = Even { a: 7, b: [8, 9] };
    let a: ArrayView2<u32> = even.project(field!(Even, a)).into_ndarray().unwrap();
    assert_eq!((a[[2, 1]], a.strides()), (7, &[4, 2][..]));
    let b: ndarray::ArrayView3<u16> = even.project(field!(Even, b)).unpack().unwrap().into_ndarray().unwrap();
    assert_eq!(b[[2, 1, 1]], 9);
    let odd = MmapArrayMut::<Odd>::anonymous(3).unwrap();
    let error = odd.project(field!(Odd, b)).into_ndarray::<ndarray::Ix1>().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotContiguous);
    assert!(error.to_string().contains("5 bytes apart"), "{error}");
    // One element alone has no distance to another, but an address.
    let error = odd.project(field!(Odd, b)).rows(..1).into_ndarray::<ndarray::Ix1>().unwrap_err();
    assert!(error.to_string().contains("alignment of `u32`"), "{error}");
    let none: ArrayView1<u32> = odd.project(field!(Odd, b)).rows(..0).into_ndarray().unwrap();
    assert_eq!(none.len(), 0);
}

#[test]
fn another_rank_is_an_error() {
    let view = MmapArrayMut::<u8>::anonymous([2, 3]).unwrap();
    let error = view.view().into_ndarray::<ndarray::Ix1>().unwrap_err();
    assert_eq!(error.to_string(), "the view has 2 axes, not 1");
    assert_eq!(ndarray::IxDyn::NDIM, None);
}

#[test]
fn what_is_written_through_it_is_in_the_array() {
    let mut array = mmap_array::MmapArray::<f64>::create_options([3, 4]).order(Order::F).anonymous().unwrap();
    {
        let view = array.view_mut().step_axis(1, -1);
        let mut theirs: ndarray::ArrayViewMut2<f64> = view.into_ndarray_mut().unwrap();
        theirs.slice_mut(s![.., 0]).fill(5.0);
        theirs.index_axis_mut(Axis(0), 1).mapv_inplace(|x| x + 1.0);
    }
    assert_eq!(array.view().to_vec(), [0., 0., 0., 5., 1., 1., 1., 6., 0., 0., 0., 5.]);
}

#[test]
fn orders_are_kept_both_ways() {
    let fortran = Array2::<u16>::from_shape_fn((3, 4), |(i, j)| (10 * i + j) as u16).reversed_axes();
    let view = ArrayView::from_ndarray(fortran.view()).unwrap();
    assert_eq!((view.shape(), view.strides(), view.at([3, 2])), (&[4, 3][..], &[2, 8][..], 23));
    let broadcast = ndarray::arr1(&[1_u8, 2]);
    let rows = broadcast.broadcast((3, 2)).unwrap();
    assert_eq!(ArrayView::from_ndarray(rows).unwrap().to_vec(), [1, 2, 1, 2, 1, 2]);
}

#[test]
fn arrays_are_saved_in_their_order_and_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npy");
    let array = Array2::<u16>::from_shape_fn((3, 4), |(i, j)| (10 * i + j) as u16);
    for (array, order) in [(array.clone(), Order::C), (array.reversed_axes(), Order::F)] {
        npy::save(&path, &array).unwrap();
        assert_eq!(npy::header(&path).unwrap().order(), order);
        let loaded = npy::load::<u16>(&path).unwrap();
        assert_eq!((loaded.view().into_ndarray::<Ix2>().unwrap(), loaded.order()), (array.view(), order));
    }
    npy::save(&path, &ndarray::arr0(7_i32)).unwrap();
    let loaded = npy::load::<i32>(&path).unwrap();
    assert_eq!((loaded.shape(), &*loaded), (&[][..], &[7][..]));
}

#[test]
fn a_broadcast_view_beyond_the_address_space_is_an_error() {
    let one = ndarray::arr0(1.0_f64);
    let error = ArrayView::from_ndarray(one.broadcast(1 << (usize::BITS - 2)).unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Overflow);
}
