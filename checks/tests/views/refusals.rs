//! NumPy's own cases of views of another type, and which error or panic comes of what cannot be done.

use super::*;

/// Recorded with NumPy 2.4.6, where each error is a `ValueError`. Strides of empty arrays are left out: NumPy's are
/// zeros.
#[test]
fn another_size_is_viewed_by_numpys_rules() {
    macro_rules! views {
        ($($shape:expr, $old:ty $(, .$cut:ident($($argument:expr),*))* => $new:ty: $expected:expr;)*) => {$({
            let elements = [<$old>::zeroed(); 48];
            let view = ArrayView::from_slice(&elements[..count(&$shape)], $shape).unwrap()$(.$cut($($argument),*))*;
            let viewed = view.view_as::<$new>();
            let found = viewed.as_ref().map(|view| (view.shape(), view.strides())).map_err(|error| error.kind());
            let expected: Result<(&[usize], &[isize]), ErrorKind> = $expected;
            let strides = found.map(|(shape, strides)| if count(shape) > 0 { (shape, strides) } else { (shape, &[][..]) });
            assert_eq!(strides, expected, "{view:?} as {}", stringify!($new));
        })*};
    }
    let mismatch = Err(ErrorKind::SizeMismatch);
    let apart = Err(ErrorKind::NotContiguous);
    views! {
        // Nothing is there: the last axis must still divide, however it lies.
        [0, 3], u8 => u16: mismatch;
        [3, 0], u8 => u32: Ok((&[3, 0], &[]));
        [0, 4], u8 => u16: Ok((&[0, 2], &[]));
        [3, 0], u32 => u8: Ok((&[3, 0], &[]));
        [0, 3], u16 => u8: Ok((&[0, 6], &[]));
        [4, 6], u8, .rows(..0), .step_axis(1, 2) => u16: mismatch;
        [4, 6], u8, .rows(..0), .step_axis(1, 4) => u16: Ok((&[0, 1], &[]));
        // One element keeps its size.
        [0; 0], u16 => u8: mismatch;
        [0; 0], u16 => i16: Ok((&[], &[]));
        [0; 0], u16 => u32: mismatch;
        // The last axis must be contiguous, the others need not.
        [4, 6], u8, .step_axis(1, 2) => i8: Ok((&[4, 3], &[6, 2]));
        [4, 6], u8, .step_axis(1, 2) => u16: apart;
        [4, 6], u16, .step_axis(1, 2) => u8: apart;
        [4, 6], u8, .t() => u16: apart;
        [4, 6], u8, .slice_axis(1, 1..5) => u32: Ok((&[4, 1], &[6, 4]));
        [4, 6], u8, .step_axis(0, -1), .slice_axis(1, 1..3) => u16: Ok((&[4, 1], &[-6, 2]));
        // Or be of length 1, whatever its stride.
        [4, 6], u16, .slice_axis(1, ..1) => u8: Ok((&[4, 2], &[12, 1]));
        [4, 6], u16, .step_axis(1, -6) => u8: Ok((&[4, 2], &[12, 1]));
        [1, 6], u8, .t() => u16: mismatch;
        [6, 1], u8, .t() => u16: Ok((&[1, 3], &[1, 2]));
        [6, 1], u8 => u16: mismatch;
        [6, 1], u32 => u16: Ok((&[6, 2], &[4, 2]));
        // A larger size must divide the last axis, a smaller one the element.
        [2, 3], u32 => u64: mismatch;
        [2, 3], u32 => [u8; 6]: Ok((&[2, 2], &[12, 6]));
        [2, 2], [u8; 6] => u32: mismatch;
        [2, 2], [u8; 6] => [u8; 12]: Ok((&[2, 1], &[12, 12]));
        [2, 3], [u8; 6] => [u8; 9]: Ok((&[2, 2], &[18, 9]));
    }
}

thread_local! {
    /// The source file that the thread's last panic was laid to.
    static BLAMED: RefCell<String> = const { RefCell::new(String::new()) };
}

/// What a call panics with; the panic must name a line of the caller's, and none of the library's.
#[track_caller]
fn panic_of<R>(call: impl FnOnce() -> R) -> String {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            BLAMED.set(panic.location().map(|location| location.file().to_owned()).unwrap_or_default());
            print(panic);
        }));
    });
    let panic = panic::catch_unwind(AssertUnwindSafe(|| drop(call()))).expect_err("a panic");
    let text = match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast_ref::<&str>().map(ToString::to_string).unwrap_or_default(),
    };
    assert_eq!(BLAMED.take(), file!(), "{text}");
    text
}

#[track_caller]
fn assert_names<R>(call: impl FnOnce() -> R, names: &[&str]) {
    let text = panic_of(call);
    for name in names {
        assert!(text.contains(name), "{name:?} is not in {text:?}");
    }
}

const NUMBERS: [i32; 6] = [1, 2, 3, 4, 5, 6];

fn table() -> ArrayView<'static, i32> {
    ArrayView::from_slice(&NUMBERS, [2, 3]).unwrap()
}

#[test]
fn an_index_outside_panics_and_names_the_index_and_the_shape() {
    let names = ["[2, 0]", "[2, 3]"];
    assert_names(|| table().at([2, 0]), &names);
    assert_names(|| table().at([0, 3]), &["[0, 3]", "[2, 3]"]);
    assert_names(|| table().at([1]), &["[1]", "[2, 3]"]);
    assert_names(|| table().at([1, 1, 1]), &["[1, 1, 1]", "[2, 3]"]);
    let mut numbers = NUMBERS;
    assert_names(|| ArrayViewMut::from_slice_mut(&mut numbers, [2, 3]).unwrap().set([2, 0], 9), &names);
    assert_eq!(numbers, NUMBERS);
    for order in [Order::C, Order::F] {
        let mut array = MmapArray::<i32>::create_options([2, 3]).order(order).anonymous().unwrap();
        assert_names(|| array[[2, 0]], &names);
        assert_names(|| array[[0, 3]], &["[0, 3]", "[2, 3]"]);
        assert_names(|| array[[5]], &["[5]", "[2, 3]"]);
        assert_names(|| array[[2, 0]] = 1, &names);
        assert_names(|| array[6], &["6"]);
        assert_eq!(*array, [0; 6]);
    }
}

#[test]
fn an_axis_or_a_range_outside_panics_and_names_it() {
    assert_names(|| table().index_axis(1, 3), &["index 3", "axis 1", "length 3"]);
    assert_names(|| table().index_axis(2, 0), &["axis 2", "2 axes"]);
    assert_names(|| table().slice_axis(0, 1..3), &["1..3", "0..2", "axis 0"]);
    assert_names(|| table().slice_axis(0, ..=usize::MAX), &["overflow", "axis 0"]);
    assert_names(|| table().slice_axis(1, Range { start: 2, end: 1 }), &["2..1", "axis 1"]);
    assert_names(|| table().slice_axis(2, ..), &["axis 2", "2 axes"]);
    assert_names(|| table().rows(3..), &["3..2", "axis 0"]);
    assert_names(|| table().index_axis(0, 0).index_axis(0, 0).rows(..), &["axis 0", "0 axes"]);
    assert_names(|| table().split_at(1, 4), &["4", "0..3", "axis 1"]);
    assert_names(|| table().axis_iter(2), &["axis 2", "2 axes"]);
    assert_names(|| table().step_axis(2, 1), &["axis 2", "2 axes"]);
}

#[test]
fn a_step_of_zero_panics() {
    assert_names(|| table().step_axis(1, 0), &["step of 0", "axis 1"]);
}

#[test]
fn a_slice_outside_panics_and_names_the_range_the_axis_and_the_shape() {
    assert_names(|| table().slice((2,)), &["index 2 is outside 0..2 along axis 0", "[2, 3]"]);
    assert_names(|| table().slice((0, 4..)), &["range 4..3 is outside 0..3 along axis 1", "[2, 3]"]);
    let backwards = Range { start: 2, end: 1 };
    assert_names(|| table().slice((.., backwards)), &["range 2..1 ends before it begins", "axis 1", "[2, 3]"]);
    assert_names(|| table().slice((.., .., 0)), &["no axis 2", "[2, 3]"]);
    assert_names(|| table().slice((.., .., ..)), &["no axis 2", "[2, 3]"]);
}

#[test]
fn axes_that_are_no_permutation_panic() {
    for axes in [&[0][..], &[0, 0], &[0, 2], &[0, 1, 2], &[]] {
        assert_names(|| table().permute_axes(axes), &[&format!("{axes:?}"), "2 axes"]);
    }
}

#[test]
fn copies_between_different_shapes_panic_and_copy_nothing() {
    let mut numbers = [0; 6];
    assert_names(|| table().copy_to(&mut numbers[..5]), &["another length"]);
    let mut view = ArrayViewMut::from_slice_mut(&mut numbers, [3, 2]).unwrap();
    assert_names(|| view.copy_from(&table()), &["another shape", "[3, 2]", "[2, 3]"]);
    assert_eq!(numbers, [0; 6]);
}

#[test]
fn fields_that_overlap_are_not_both_written() {
    let mut records = [Record::zeroed(); 2];
    let (whole, half) = (field!(Record, pair), field!(Record, pair).then(Field::at(2)));
    let mut overlap = |first: Field<Record, [i16; 2]>, second: Field<Record, [i16; 1]>| {
        let view = ArrayViewMut::from_slice_mut(&mut records, 2).unwrap();
        assert_names(|| drop(view.project2(first, second)), &["overlap"]);
    };
    overlap(whole, half);
    overlap(Field::at(4), field!(Record, pair).then(Field::at(2)));
    let view = ArrayViewMut::from_slice_mut(&mut records, 2).unwrap();
    assert_names(|| drop(view.project2(half, half)), &["overlap"]);
}

#[test]
fn a_shape_of_another_number_of_elements_is_refused() {
    let refused = |shape: &[Option<usize>]| {
        assert_eq!(ArrayView::from_slice(&NUMBERS, shape).map(drop).unwrap_err().kind(), ErrorKind::Shape, "{shape:?}");
        assert_eq!(table().reshape(shape).map(drop).unwrap_err().kind(), ErrorKind::Shape, "{shape:?}");
    };
    for shape in [&[][..], &[5], &[7], &[0], &[2, 2], &[6, 0]] {
        refused(&shape.iter().copied().map(Some).collect::<Vec<_>>());
    }
    for shape in [&[None, Some(4)], &[None, Some(0)], &[None, None]] {
        refused(shape);
    }
    let large = [1 << (usize::BITS / 2); 3];
    assert_eq!(table().reshape(large).map(drop).unwrap_err().kind(), ErrorKind::Overflow);
    assert_eq!(table().reshape([None, Some(2)]).unwrap().shape(), [3, 2]);
}

#[test]
fn a_view_has_32_axes_at_the_most() {
    let mut view = ArrayView::from_slice(&[[7_u8, 8]], [0; 0]).unwrap();
    assert_eq!(view.insert_axis(1).map(drop).unwrap_err().kind(), ErrorKind::OutOfRange);
    for _ in 0..MAX_NDIM {
        view = view.insert_axis(view.ndim()).unwrap();
    }
    assert_eq!(view.shape(), [1; MAX_NDIM]);
    assert_eq!((view.at([0; MAX_NDIM]), view.iter().len()), ([7, 8], 1));
    assert_eq!(view.insert_axis(0).map(drop).unwrap_err().kind(), ErrorKind::Shape);
    assert_eq!(view.unpack().map(drop).unwrap_err().kind(), ErrorKind::Shape);
    assert_eq!(view.index_axis(31, 0).unpack().unwrap().t().to_vec(), [7, 8]);
    assert_eq!(view.reshape([1; MAX_NDIM + 1]).map(drop).unwrap_err().kind(), ErrorKind::Shape);
}

#[test]
fn what_a_view_of_the_array_gives_out_lives_as_long_as_the_array() {
    fn evens(array: &MmapArray<u16>) -> impl Iterator<Item = u16> + '_ {
        array.view().step_axis(0, 2).into_iter()
    }
    fn last_row(array: &MmapArray<u16>) -> ArrayView<'_, u16> {
        array.view().reshape([2, 3]).unwrap().axis_iter(0).next_back().unwrap()
    }
    let mut array = MmapArrayMut::<u16>::anonymous(6).unwrap();
    array.copy_from_slice(&[0, 1, 2, 3, 4, 5]);
    let array = array.freeze();
    assert!(evens(&array).eq([0, 2, 4]));
    assert_eq!(last_row(&array).to_vec(), [3, 4, 5]);
}

#[test]
fn arrays_are_equal_by_index_whatever_their_orders() {
    let filled = |order, shape: [usize; 2]| {
        let mut array = MmapArray::<i32>::create_options(shape).order(order).anonymous().unwrap();
        let mut view = array.view_mut();
        indices(&shape).iter().zip(1..).for_each(|(index, number)| view.set(index, number));
        array
    };
    let (c, mut f) = (filled(Order::C, [2, 3]), filled(Order::F, [2, 3]));
    assert_eq!((&c[..], &f[..]), (&[1, 2, 3, 4, 5, 6][..], &[1, 4, 2, 5, 3, 6][..]));
    assert!(c == f && f.view() == table());
    assert!(c != filled(Order::C, [3, 2]));
    f[[1, 1]] = 0;
    assert!(c != f);
}

#[test]
fn a_nan_equals_nothing() {
    let view = ArrayView::from_slice(&[f32::NAN], 1).unwrap();
    let same = view.clone();
    assert!(view != same);
}

#[test]
fn a_large_view_is_written_in_pieces_whatever_its_strides() {
    /// What was written, and the longest piece of it.
    #[derive(Default)]
    struct Pieces(Vec<u8>, usize);
    impl Write for Pieces {
        fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
            self.1 = self.1.max(piece.len());
            self.0.write(piece)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let numbers: Vec<u64> = (0..300_001).collect();
    let all = ArrayView::from_slice(&numbers, numbers.len()).unwrap();
    for view in [all.clone(), all.step_axis(0, -2), all.slice_axis(0, 1..).reshape([3, 100_000]).unwrap().t()] {
        let mut pieces = Pieces::default();
        view.write_to(&mut pieces).unwrap();
        assert!(pieces.0 == bytemuck::cast_slice::<u64, u8>(&view.to_vec()), "{view:?}");
        assert!(pieces.1 <= 3 << 19, "a piece of {} bytes", pieces.1);
    }
}

#[test]
fn views_of_other_threads_read_and_write_their_own_parts() {
    let mut array = MmapArrayMut::<u32>::anonymous([64, 100]).unwrap();
    std::thread::scope(|scope| {
        for (row, mut view) in array.view_mut().axis_iter(0).enumerate() {
            scope.spawn(move || view.fill(row as u32));
        }
    });
    let view = array.view();
    let sums: Vec<u128> = std::thread::scope(|scope| {
        let columns = view.axis_iter(1).map(|column| scope.spawn(move || column.sum()));
        columns.collect::<Vec<_>>().into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(sums, [63 * 64 / 2; 100]);
}
