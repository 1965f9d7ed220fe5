//! Arrays whose dtype is known only when the program runs.

use mmap_array::{
    Be, DType, DynArray, DynView, Element, ErrorKind, Le, MmapArray, Order,
    dtype::{Kind, RecordField},
    dynamic::Value,
    element::{Bool, Bytes, LongDouble, LongDouble96, unit},
};
use std::fs;

fn dtype(descr: &str) -> DType {
    DType::from_descr(descr).unwrap()
}

/// Elements of no bytes, of which any number fit anywhere.
fn nothing() -> DType {
    DType::scalar(Kind::Void { len: 0 }).unwrap()
}

const MIXED: &str = "[('id', '>u2'), ('', '|V1'), ('pos', [('x', '<f4'), ('y', '<f4')]), ('tags', '|S2', (2, 3))]";

/// Two records of `MIXED`.
fn mixed() -> Vec<u8> {
    let record = |id: u16, x: f32, tags: &[u8; 12]| {
        let mut record = id.to_be_bytes().to_vec();
        record.push(0xee);
        record.extend([x, -x].map(f32::to_le_bytes).concat());
        record.extend(tags);
        record
    };
    [record(1, 0.5, b"abcdefghijkl"), record(258, 2.0, b"A\0B\0C\0D\0E\0F\0")].concat()
}

#[test]
fn fields_are_views_by_their_paths() {
    let (bytes, dtype) = (mixed(), dtype(MIXED));
    let view = DynView::from_bytes(&bytes, &dtype, 2).unwrap();
    assert_eq!((view.shape(), view.strides(), view.len()), (&[2][..], &[23][..], 2));
    assert_eq!(view.field("id").unwrap().to_vec_as::<i32>().unwrap(), [1, 258]);
    assert_eq!(view.field("pos.y").unwrap().to_vec_as::<f64>().unwrap(), [-0.5, -2.0]);
    assert_eq!(view.field("pos").unwrap().field("x").unwrap().at([1]), Value::F32(2.0));
    let tags = view.field("tags").unwrap();
    assert_eq!((tags.shape(), tags.strides()), (&[2, 2, 3][..], &[23, 6, 2][..]));
    assert_eq!(tags.slice((0, .., 1)).to_string(), "[b'cd' b'ij']");
    assert_eq!(tags.t().at([2, 1, 0]), Value::Bytes(b"kl".to_vec()));
    let error = view.field("pos.z").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownField);
    assert!(error.to_string().contains(r#"the fields are ["x", "y"]"#), "{error}");
}

#[test]
fn paths_lead_through_subarrays_of_records() {
    let dtype = dtype("[('p', [('x', '|u1'), ('q', [('y', '|u1')], (2,))], (2,))]");
    let bytes: Vec<u8> = (0..12).collect();
    let view = DynView::from_bytes(&bytes, &dtype, 2).unwrap();
    assert_eq!(view.field("p.x").unwrap().to_vec_as::<u8>().unwrap(), [0, 3, 6, 9]);
    let inner = view.field("p.q.y").unwrap();
    assert_eq!(inner.shape(), [2, 2, 2]);
    assert_eq!(inner.to_vec_as::<u8>().unwrap(), [1, 2, 4, 5, 7, 8, 10, 11]);
    assert_eq!(view.field("p.q.z").unwrap_err().kind(), ErrorKind::UnknownField);
    assert_eq!(view.field("p.").unwrap_err().kind(), ErrorKind::UnknownField);
}

#[test]
fn it_becomes_a_typed_view_where_the_dtype_is_the_types() {
    let (bytes, dtype) = (mixed(), dtype(MIXED));
    let view = DynView::from_bytes(&bytes, &dtype, 2).unwrap();
    assert_eq!(view.field("id").unwrap().typed::<Be<u16>>().unwrap().to_native_vec(), [1, 258]);
    assert_eq!(view.field("pos.x").unwrap().typed::<Le<f32>>().unwrap().sum(), 2.5);
    // Axes of the view's own may be the element's: all, or the last of them.
    let tags = view.field("tags").unwrap();
    assert_eq!(tags.typed::<Bytes<2>>().unwrap().shape(), [2, 2, 3]);
    assert_eq!(tags.typed::<[Bytes<2>; 3]>().unwrap().shape(), [2, 2]);
    assert_eq!(tags.typed::<[[Bytes<2>; 3]; 2]>().unwrap().at([1])[1][2], "F");
    for wrong in [tags.t(), tags.slice_axis(2, ..2), tags.step_axis(2, -1)] {
        assert_eq!(wrong.typed::<[[Bytes<2>; 3]; 2]>().unwrap_err().kind(), ErrorKind::DTypeMismatch);
    }
    assert_eq!(tags.typed::<[[Bytes<2>; 2]; 3]>().unwrap_err().kind(), ErrorKind::DTypeMismatch);
}

#[test]
fn a_mismatch_names_both_dtypes_and_what_would_do() {
    let foreign = if cfg!(target_endian = "big") { "<i4" } else { ">i4" };
    let dtype: DType = foreign.parse().unwrap();
    let error = DynView::from_bytes(&[0; 8], &dtype, 2).unwrap().typed::<i32>().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DTypeMismatch);
    let fit = if cfg!(target_endian = "big") { "`Le<i32>`" } else { "`Be<i32>`" };
    let text = error.to_string();
    assert!(text.starts_with(&format!("the elements are {foreign}, not {}", i32::dtype())), "{text}");
    assert!(text.ends_with(&format!("{fit} would do")), "{text}");
    for (descr, fit) in [
        ("'|b1'", "`Bool`"),
        ("'|S5'", "`Bytes<5>`"),
        ("'|V5'", "`Void<5>`"),
        (if cfg!(target_endian = "big") { "'>M8[25s]'" } else { "'<M8[25s]'" }, "`DateTime64<Second, 25>`"),
    ] {
        let dtype = self::dtype(descr);
        let bytes = vec![0; dtype.itemsize()];
        let error = DynView::from_bytes(&bytes, &dtype, 1).unwrap().typed::<u16>().unwrap_err().to_string();
        assert!(error.ends_with(&format!("{fit} would do")), "{error}");
    }
}

#[test]
fn an_element_type_that_lies_of_its_size_gets_nothing() {
    #[derive(Clone, Copy, Debug, bytemuck::Zeroable, bytemuck::Pod)]
    #[repr(transparent)]
    struct Liar([u8; 16]);
    impl Element for Liar {
        fn dtype() -> DType {
            u8::dtype()
        }
    }
    let dtype = u8::dtype();
    let view = DynView::from_bytes(&[1], &dtype, 1).unwrap();
    assert_eq!(view.typed::<Liar>().unwrap_err().kind(), ErrorKind::DType);
    let array = DynArray::create_options(u8::dtype(), 1).anonymous().unwrap();
    assert_eq!(array.into_typed::<Liar>().unwrap_err().error().kind(), ErrorKind::DType);
}

#[test]
fn numbers_of_every_kind_become_those_of_one() {
    macro_rules! check {
        ($($stored:ident: $($value:expr),*);* $(;)?) => {$(
            let values: &[$stored] = &[$($value),*];
            for (dtype, bytes) in [
                (Be::<$stored>::dtype(), values.iter().flat_map(|value| value.to_be_bytes()).collect::<Vec<u8>>()),
                (Le::<$stored>::dtype(), values.iter().flat_map(|value| value.to_le_bytes()).collect()),
            ] {
                let view = DynView::from_bytes(&bytes, &dtype, values.len()).unwrap();
                macro_rules! into {
                    ($target:ident) => {
                        let expected: Vec<$target> = values.iter().map(|&value| value as $target).collect();
                        assert_eq!(view.to_vec_as::<$target>().unwrap(), expected);
                        let mut copy = vec![7 as $target; values.len()];
                        view.copy_to_as(&mut copy).unwrap();
                        assert_eq!(copy, expected);
                    };
                }
                into!(i8);
                into!(i16);
                into!(i32);
                into!(i64);
                into!(u8);
                into!(u16);
                into!(u32);
                into!(u64);
                into!(f32);
                into!(f64);
            }
        )*};
    }
    check! {
        i8: 0, 1, -1, i8::MIN, i8::MAX;
        u8: 0, 1, 255;
        i16: 0, -1, i16::MIN, i16::MAX;
        u16: 0, 1, u16::MAX;
        i32: 0, -1, i32::MIN, i32::MAX;
        u32: 0, 1, u32::MAX;
        i64: 0, -1, i64::MIN, i64::MAX, 1 << 53 | 1;
        u64: 0, 1, u64::MAX;
        f32: 0.0, 1.5, -2.5, f32::MAX, f32::MIN, f32::INFINITY, 300.0;
        f64: 0.0, 1.5, -2.5, f64::MAX, f64::MIN_POSITIVE, f64::NEG_INFINITY, 1e10;
    }
    let halves: DType = ">f2".parse().unwrap();
    let bytes = [0x3e00_u16, 0xc100, 0x0001, 0x7c00].map(u16::to_be_bytes).concat();
    let view = DynView::from_bytes(&bytes, &halves, 4).unwrap();
    assert_eq!(view.to_vec_as::<f64>().unwrap(), [1.5, -2.5, 2_f64.powi(-24), f64::INFINITY]);
    assert_eq!(view.to_vec_as::<i8>().unwrap(), [1, -2, 0, 127]);
    let truths = Bool::dtype();
    let view = DynView::from_bytes(&[0, 1, 2, 255], &truths, 4).unwrap();
    assert_eq!(view.to_vec_as::<f32>().unwrap(), [0.0, 1.0, 1.0, 1.0]);
    let times: DType = "<M8[s]".parse().unwrap();
    let view = DynView::from_bytes(&[255; 8], &times, 1).unwrap();
    assert_eq!(view.to_vec_as::<i32>().unwrap(), [-1]);
}

#[test]
fn what_is_no_number_is_not_converted() {
    for descr in ["'|S4'", "'<U1'", "'|V4'", "'<c8'", "'<c32'", "[('a', '<i4')]"] {
        let dtype = dtype(descr);
        let bytes = vec![0; dtype.itemsize()];
        let view = DynView::from_bytes(&bytes, &dtype, 1).unwrap();
        assert_eq!(view.to_vec_as::<f64>().unwrap_err().kind(), ErrorKind::DTypeMismatch, "{descr}");
        assert_eq!(view.copy_to_as(&mut [0_u8]).unwrap_err().kind(), ErrorKind::DTypeMismatch, "{descr}");
    }
}

#[test]
fn the_same_bytes_are_seen_as_another_dtype() {
    let (words, bytes) = (dtype("'>u2'"), dtype("'|u1'"));
    let pairs = DType::array(u8::dtype(), [2]).unwrap();
    let data = [0, 1, 0, 2, 0, 3, 0, 4];
    let view = DynView::from_bytes(&data, &words, [2, 2]).unwrap();
    assert_eq!(view.view_as(&bytes).unwrap().to_string(), "[[0 1 0 2]\n [0 3 0 4]]");
    assert_eq!(view.view_as(&pairs).unwrap().shape(), [2, 2, 2]);
    assert_eq!(view.t().view_as(&bytes).unwrap_err().kind(), ErrorKind::NotContiguous);
    let nothing = nothing();
    assert_eq!(view.view_as(&nothing).unwrap_err().kind(), ErrorKind::SizeMismatch);
    let none = DynView::from_bytes(&[], &nothing, 3).unwrap();
    assert_eq!(none.view_as(&bytes).unwrap_err().kind(), ErrorKind::SizeMismatch);
}

#[test]
fn bytes_that_are_no_elements_are_refused() {
    let dtype = dtype("'<i4'");
    for (len, shape) in [(7, vec![None]), (8, vec![Some(3)]), (8, vec![Some(0)]), (0, vec![Some(1)])] {
        let bytes = vec![0; len];
        let error = DynView::from_bytes(&bytes, &dtype, shape).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Shape | ErrorKind::SizeMismatch), "{error}");
    }
    assert_eq!(DynView::from_bytes(&[], &dtype, [0, 3]).unwrap().to_string(), "[]");
    assert!(DynView::from_bytes(&[0; 4], &dtype, ()).unwrap() == DynView::from_bytes(&[0; 4], &dtype, ()).unwrap());
    assert_eq!(DynView::from_bytes(&[0], &nothing(), 1).unwrap_err().kind(), ErrorKind::SizeMismatch);
    assert_eq!(DynView::from_bytes(&[], &nothing(), [None]).unwrap_err().kind(), ErrorKind::SizeMismatch);
}

#[test]
fn elements_of_no_bytes_are_any_number_and_cost_nothing() {
    let many = usize::MAX >> 2;
    let nothing = nothing();
    let view = DynView::from_bytes(&[], &nothing, many).unwrap();
    assert_eq!((view.len(), view.at([many - 1])), (many, Value::Void(vec![])));
    assert_eq!(view.to_string(), "[b'' b'' b'' ... b'' b'' b'']");
    assert!(view == view.step_axis(0, -1));
    // As a field, with more of them than can be counted along all axes.
    let part = DType::array(nothing.clone(), [many]).unwrap();
    let record = DType::packed_record([("n", part), ("a", u8::dtype())]).unwrap();
    let view = DynView::from_bytes(&[1, 2, 3, 4, 5], &record, 5).unwrap();
    assert!(view.to_string().starts_with("[([b'', b'', b'', ..., b'', b'', b''], 1)\n"));
    assert_eq!(view.field("n").unwrap_err().kind(), ErrorKind::Overflow);
    assert_eq!(view.rows(..1).field("n").unwrap().shape(), [1, many]);
    // Brackets, too, can be too many to print.
    let empty = DType::array(u8::dtype(), [many, 0]).unwrap();
    let record = DType::packed_record([("n", empty), ("a", u8::dtype())]).unwrap();
    assert_eq!(DynView::from_bytes(&[1], &record, 1).unwrap().to_string(), "[([..., []], 1)]");
}

#[test]
fn what_takes_few_characters_to_describe_prints_few() {
    // A gigabyte of numbers in records in records.
    let inner = DType::packed_record([("b", DType::array(u8::dtype(), [1000]).unwrap())]).unwrap();
    let large = DType::packed_record([("a", DType::array(inner, [1000]).unwrap())]).unwrap();
    let array = DynArray::create_options(large, 1000).scratch().unwrap();
    let text = array.to_string();
    assert!(text.len() < 8 << 20 && text.starts_with("[([([0, 0, 0, 0,") && text.ends_with(" ...]"), "{}", text.len());
    // Fields of no bytes, many times a great many; brackets around nothing.
    let fields: String = (0..60).map(|k| format!("('{k}', '|V0'), ")).collect();
    let brackets: String = (0..60).map(|k| format!("('{k}', '|u1', (65536, 0)), ")).collect();
    for (descr, shape) in [
        (format!("[('x', [{fields}], (983000,))]"), vec![1]),
        (format!("[{fields}]"), vec![7; 6]),
        (format!("[{brackets}]"), vec![1000]),
        (format!("[('y', [{brackets}], (1000, 1000))]"), vec![]),
    ] {
        let dtype = dtype(&descr);
        let text = DynView::from_bytes(&[], &dtype, shape).unwrap().to_string();
        assert!(text.len() < 8 << 20, "{}", text.len());
    }
}

#[test]
fn deep_dtypes_neither_overflow_the_stack_nor_take_long() {
    let axes = vec![1; 31];
    let mut element = u8::dtype();
    for _ in 0..30 {
        element = DType::packed_record([("x", DType::array(element, axes.clone()).unwrap())]).unwrap();
    }
    let check = move || {
        let view = DynView::from_bytes(&[7], &element, 1).unwrap();
        assert!(view == view && view.to_string().contains('7'));
        assert!(view != DynView::from_bytes(&[8], &element, 1).unwrap());
    };
    std::thread::Builder::new().stack_size(512 << 10).spawn(check).unwrap().join().unwrap();
    // Subarrays of subarrays are one, and have no more axes than NumPy's.
    let many = DType::array(DType::array(u8::dtype(), [1; 40]).unwrap(), [1; 24]).unwrap();
    assert_eq!(DType::array(many.clone(), [1]).unwrap_err().kind(), ErrorKind::DType);
    // More than a view can have, which is no matter for what does not look at them one by one.
    let record = DType::packed_record([("x", many)]).unwrap();
    let view = DynView::from_bytes(&[7], &record, 1).unwrap();
    assert!(view == view && view.to_string().contains("[7]"));
    // As many fields as in a table of a database of genes.
    let wide = DType::packed_record((0..20_000).map(|k| (k.to_string(), u8::dtype()))).unwrap();
    let bytes = vec![7; 20 * 20_000];
    let view = DynView::from_bytes(&bytes, &wide, 20).unwrap();
    assert!(view == view);
    assert_eq!(view.field(&".".repeat(20_000)).unwrap_err().kind(), ErrorKind::UnknownField);
}

#[test]
fn of_the_names_that_a_path_begins_with_the_longest_is_taken() {
    let dtype = dtype("[('a', '|u1'), ('a.b', [('c', '|u1')]), ('d', [('e.f', '|u1', (2,))])]");
    let view = DynView::from_bytes(&[1, 2, 3, 4], &dtype, 1).unwrap();
    assert_eq!(view.field("a.b.c").unwrap().at([0]), Value::UInt(2));
    assert_eq!(view.field("d.e.f").unwrap().shape(), [1, 2]);
    assert_eq!(dtype.field("d.e.f").unwrap().0, 2);
    assert_eq!(view.field("a.c").unwrap_err().kind(), ErrorKind::UnknownField);
}

#[test]
fn digits_after_the_point_are_set_for_single_items_too() {
    let number = 12345.678_f64;
    let dtype = DType::packed_record([("n", f64::dtype()), ("k", i32::dtype())]).unwrap();
    let bytes = [&number.to_ne_bytes()[..], &(-12345_i32).to_ne_bytes()].concat();
    let view = DynView::from_bytes(&bytes, &dtype, ()).unwrap();
    assert_eq!(format!("{:.2}", view.field("n").unwrap()), "12345.68");
    assert_eq!(
        format!("{:.1} {0:.1?}", view.field("k").unwrap()),
        "-12345 DynView(-12345, dtype='<i4')".replace('<', if cfg!(target_endian = "little") { "<" } else { ">" })
    );
    assert_eq!(format!("{view} {view:.1}"), "(12345.678, -12345) (12345.7, -12345)");
    assert_eq!(format!("{:>12.1}|{:<9}|", Value::F64(number), Value::Int(-3)), "     12345.7|-3       |");
}

#[test]
fn axes_are_counted_with_those_of_the_elements() {
    let matrix = DType::array(f64::dtype(), [1; 52]).unwrap();
    let array = DynArray::create_options(matrix.clone(), [1; 12]).anonymous().unwrap();
    assert_eq!((array.ndim(), array.view().ndim()), (12, 64));
    let error = DynArray::create_options(matrix.clone(), [1; 13]).anonymous().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape);
    let record = DType::packed_record([("m", matrix)]).unwrap();
    let array = DynArray::create_options(record, [1; 13]).anonymous().unwrap();
    assert_eq!(array.field("m").unwrap_err().kind(), ErrorKind::Shape);
    assert!(array.to_string().contains("0."));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let matrix = DType::array(u8::dtype(), [1; 64]).unwrap();
    // SAFETY: nobody else uses the file.
    let error = unsafe { DynArray::create_options(matrix, 1).create(&path) }.unwrap_err();
    assert_eq!((error.kind(), error.path(), path.exists()), (ErrorKind::Shape, Some(&*path), false));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_portion_of_a_file_is_mapped_at_any_byte() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, [&[0xff; 5][..], &mixed()].concat()).unwrap();
    let options = DynArray::options(dtype(MIXED)).offset(5);
    // SAFETY: nobody else uses the file.
    let array = unsafe { options.clone().open(&path) }.unwrap();
    assert_eq!((array.shape(), array.byte_offset(), array.path()), (&[2][..], 5, Some(&*path)));
    assert_eq!(array.as_bytes().unwrap(), mixed());
    assert_eq!(array.clone().at([1]).to_string(), array.view().at([1]).to_string());
    // SAFETY: nobody else uses the file.
    let array = unsafe { options.clone().shape([None, Some(1)]).open(&path) }.unwrap();
    assert_eq!(array.shape(), [2, 1]);
    // SAFETY: nobody else uses the file.
    let error = unsafe { options.clone().shape(3).open(&path) }.unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::PastEnd, Some(&*path)));
    // SAFETY: nobody else uses the file.
    let error = unsafe { options.offset(6).open(&path) }.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PartialElement);
    // SAFETY: nobody else uses the file.
    let error = unsafe { DynArray::options(nothing()).open(&path) }.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape);
    // SAFETY: nobody else uses the file.
    let none = unsafe { DynArray::options(nothing()).shape(1 << 20).open(&path) }.unwrap();
    assert_eq!(none.len(), 1 << 20);
    assert_eq!(none.as_bytes().unwrap(), []);
}

#[test]
fn what_is_written_through_typed_views_is_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let dtype = dtype("[('id', '>u2'), ('px', '<f8')]");
    let create_options = DynArray::create_options(dtype.clone(), [2, 2]).offset(3).order(Order::F);
    let options = DynArray::options(dtype).offset(3).shape([2, 2]).order(Order::F);
    // SAFETY: nobody else uses the file.
    let mut array = unsafe { create_options.clone().create(&path) }.unwrap();
    array.view_mut().field("px").unwrap().typed::<Le<f64>>().unwrap().set([1, 0], 2.5.into());
    array.view_mut().field("id").unwrap().index_axis(1, 1).typed::<Be<u16>>().unwrap().fill(7.into());
    array.close().unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), 43);
    // SAFETY: nobody else uses the file.
    let array = unsafe { options.clone().open(&path) }.unwrap();
    assert_eq!(array.to_string(), "[[(0, 0. ) (7, 0. )]\n [(0, 2.5) (7, 0. )]]");
    assert_eq!(array.view().strides(), [10, 20]);
    drop(array);
    // SAFETY: nobody else uses the file.
    let mut copy = unsafe { options.clone().open_cow(&path) }.unwrap();
    copy.view_mut().field("id").unwrap().typed::<Be<u16>>().unwrap().fill(9.into());
    assert_eq!(copy.field("id").unwrap().to_vec_as::<u8>().unwrap(), [9; 4]);
    drop(copy);
    // SAFETY: nobody else uses the file.
    let error = unsafe { create_options.create_new(&path) }.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    // SAFETY: nobody else uses the file.
    let mut array = unsafe { options.open_mut(&path) }.unwrap();
    assert_eq!(array.field("id").unwrap().to_vec_as::<u8>().unwrap(), [0, 7, 0, 7]);
    array.view_mut().field("id").unwrap().typed::<Be<u16>>().unwrap().fill(1.into());
    array.flush().unwrap();
}

#[test]
fn a_whole_array_becomes_a_typed_one() {
    let array = DynArray::create_options(Be::<f32>::dtype(), [2, 3]).order(Order::F).anonymous().unwrap();
    let mut array = array.into_typed::<Be<f32>>().unwrap();
    assert_eq!((array.shape(), array.order()), (&[2, 3][..], Order::F));
    array[[1, 2]] = 7.0.into();
    let array = DynArray::create_options(f64::dtype(), 2).anonymous().unwrap();
    assert_eq!(array.into_typed::<i64>().unwrap_err().error().kind(), ErrorKind::DTypeMismatch);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, [0; 20]).unwrap();
    // SAFETY: nobody else uses the file.
    let array = unsafe { DynArray::options(f64::dtype()).offset(2).shape(2).open(&path) }.unwrap();
    assert_eq!(array.typed::<f64>().unwrap().len(), 2);
    assert_eq!(array.into_typed::<f64>().unwrap_err().error().kind(), ErrorKind::Misaligned);
    // SAFETY: nobody else uses the file.
    let array = unsafe { DynArray::options(Le::<f64>::dtype()).offset(3).shape(2).open(&path) }.unwrap();
    let array: MmapArray<Le<f64>> = array.into_typed().unwrap();
    assert_eq!(array.len(), 2);
}

#[test]
fn items_have_values() {
    let dtype = dtype(
        "[('b', '|b1'), ('i', '>i2'), ('u', '<u4'), ('h', '<f2'), ('f', '>f4'), ('d', '<f8'), ('c', '>c8'), ('C', '<c16'), \
         ('s', '|S4'), ('t', '>U2'), ('v', '|V2'), ('M', '>M8[D]'), ('m', '<m8[25s]'), ('l', '<f16'), ('L', '>c24')]",
    );
    let mut bytes = vec![2];
    bytes.extend((-2_i16).to_be_bytes());
    bytes.extend(3_u32.to_le_bytes());
    bytes.extend(0x3e00_u16.to_le_bytes());
    bytes.extend(0.1_f32.to_be_bytes());
    bytes.extend(0.2_f64.to_le_bytes());
    bytes.extend([1.0_f32, -2.0].map(f32::to_be_bytes).concat());
    bytes.extend([3.0_f64, 4.5].map(f64::to_le_bytes).concat());
    bytes.extend(b"a\0b\0");
    bytes.extend([0xd800_u32, 0].map(u32::to_be_bytes).concat());
    bytes.extend([1, 0xab]);
    bytes.extend(i64::MIN.to_be_bytes());
    bytes.extend((-3_i64).to_le_bytes());
    // What lies behind the 80 bits of an x87 means nothing.
    bytes.extend([0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0xbf, 9, 9, 9, 9, 9, 9]);
    bytes.extend([9, 9, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 9, 9, 0x3f, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0]);
    let view = DynView::from_bytes(&bytes, &dtype, ()).unwrap();
    let value = |name: &str| view.field(name).unwrap().at(());
    assert_eq!(value("b"), Value::Bool(true));
    assert_eq!(value("i"), Value::Int(-2));
    assert_eq!(value("u"), Value::UInt(3));
    assert_eq!(value("h"), Value::F16(1.5));
    assert_eq!(value("f"), Value::F32(0.1));
    assert_eq!(value("d"), Value::F64(0.2));
    assert_eq!(value("c"), Value::ComplexF32([1.0, -2.0]));
    assert_eq!(value("C"), Value::ComplexF64([3.0, 4.5]));
    assert_eq!(value("s"), Value::Bytes(b"a\0b".to_vec()));
    assert_eq!(value("t"), Value::Ucs4(vec![0xd800]));
    assert_eq!(value("v"), Value::Void(vec![1, 0xab]));
    assert_eq!(value("M"), Value::DateTime64(i64::MIN, mmap_array::dtype::TimeUnit::Day, 1));
    assert_eq!(value("m"), Value::TimeDelta64(-3, mmap_array::dtype::TimeUnit::Second, 25));
    assert_eq!(value("l"), Value::LongDouble((-1.5).into()));
    assert_eq!(value("l").as_f64(), Some(-1.5));
    assert_eq!(value("L"), Value::ComplexLongDouble([2.0.into(), 0.5.into()]));
    let Value::Record(record) = view.at(()) else { panic!("{view}") };
    assert!(record.view() == view);
    let texts =
        ["True", "-2", "3", "1.5", "0.1", "0.2", "(1-2j)", "(3+4.5j)", r"b'a\x00b'", "\u{fffd}", r"b'\x01\xAB'"];
    for (field, expected) in dtype.fields().iter().zip(texts) {
        assert_eq!(value(&field.name).to_string(), expected);
        // NumPy tells bytes in an array without axes, and no others, from those that are an item.
        let array = if field.name == "s" { format!("np.bytes_({expected})") } else { expected.to_owned() };
        assert_eq!(view.field(&field.name).unwrap().to_string(), array);
    }
    assert_eq!((value("M").to_string(), value("m").to_string()), ("NaT".into(), "-75 seconds".into()));
    assert_eq!(format!("{:?} {:?}", value("i"), value("t")), r"Int(-2) Ucs4('\ud800')");
    assert_eq!((value("b").as_i128(), value("u").as_f64(), value("d").as_i128()), (Some(1), Some(3.0), None));
    assert_eq!((value("s").to_text().as_deref(), value("t").to_text()), (Some("a\0b"), None));
    assert_eq!((view.get([0]), view.field("i").unwrap().get(())), (None, Some(Value::Int(-2))));
}

#[test]
#[should_panic(expected = "index [2] is outside a view of shape [2]")]
fn an_index_outside_panics_as_that_of_a_slice() {
    let _ = DynView::from_bytes(&[0; 2], &u8::dtype(), 2).unwrap().at([2]);
}

#[test]
fn the_debug_text_is_numpys_repr_with_the_dtype() {
    let (bytes, dtype) = (mixed(), dtype("[('id', '>u2'), ('x', '|u1', (21,))]"));
    let view = DynView::from_bytes(&bytes, &dtype, 2).unwrap().rows(..1);
    let text = format!("{view:?}");
    assert!(text.starts_with("DynView([(1, [238,   0,   0,   0,  63,"), "{text}");
    assert!(text.ends_with("],\n        dtype=[('id', '>u2'), ('x', '|u1', (21,))])"), "{text}");
    let array = DynArray::create_options(">i2".parse().unwrap(), [0, 3]).anonymous().unwrap();
    assert_eq!(format!("{array:?}"), "DynArray([], shape=[0, 3], dtype='>i2')");
    assert_eq!(array.to_string(), "[]");
}

#[test]
fn records_print_their_fields_in_columns() {
    let fields = [RecordField::new("n", 0, f32::dtype()), RecordField::new("ok", 5, Bool::dtype())];
    let dtype = DType::record(fields, 8).unwrap();
    let mut array = DynArray::create_options(dtype, 2).anonymous().unwrap();
    array.view_mut().field("n").unwrap().typed::<f32>().unwrap().set([1], -12.25);
    array.view_mut().field("ok").unwrap().typed::<Bool>().unwrap().set([0], true.into());
    assert_eq!(array.to_string(), "[(  0.  ,  True) (-12.25, False)]");
    assert_eq!(format!("{array:.1}"), "[(  0. ,  True) (-12.2, False)]");
    assert_eq!(array.view().index_axis(0, 0).to_string(), "(0.0, True)");
    assert_eq!(array.at([0]).to_string(), "(0.0, True)");
    // One field alone keeps its comma.
    let dtype = DType::packed_record([("t", mmap_array::element::DateTime64::<unit::Day>::dtype())]).unwrap();
    assert_eq!(DynArray::create_options(dtype, 1).anonymous().unwrap().to_string(), "[('1970-01-01',)]");
}

#[test]
fn the_sums_of_complex_numbers_are_those_of_their_parts() {
    for (descr, size) in [("'<c8'", 4), ("'>c8'", 4), ("'<c16'", 8), ("'>c16'", 8), ("'<c24'", 12), ("'<c32'", 16)] {
        let dtype = dtype(descr);
        // Numbers of every magnitude, so that the order in which they are added shows.
        let mut state = 1_u64;
        let mut bytes = Vec::new();
        for _ in 0..2 * 7 * 300 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let number = (state >> 33) as f32 * ((state >> 20) % 1000) as f32 - 1e9;
            let part = match size {
                4 => number.to_be_bytes().to_vec(),
                8 => (f64::from(number) / 3.0).to_be_bytes().to_vec(),
                12 => Le::<LongDouble96>::new(LongDouble96::from(f64::from(number))).to_bytes().to_vec(),
                _ => Le::<LongDouble>::new(LongDouble::from(f64::from(number))).to_bytes().to_vec(),
            };
            let turned = part.iter().rev().copied().collect();
            bytes.extend(if size < 12 && descr.contains('<') { turned } else { part });
        }
        let view = DynView::from_bytes(&bytes, &dtype, [7, 300]).unwrap();
        let (re, im) = (view.re().unwrap(), view.im().unwrap());
        let both = |re: Vec<Value<'static>>, im: Vec<Value<'static>>| -> Vec<Value<'static>> {
            re.into_iter()
                .zip(im)
                .map(|parts| match parts {
                    (Value::F32(re), Value::F32(im)) => Value::ComplexF32([re, im]),
                    (Value::F64(re), Value::F64(im)) => Value::ComplexF64([re, im]),
                    parts => panic!("{parts:?}"),
                })
                .collect()
        };
        assert_eq!(vec![view.sum().unwrap()], both(vec![re.sum().unwrap()], vec![im.sum().unwrap()]), "{descr}");
        let means = [&view, &re, &im].map(|view| vec![view.mean().unwrap().unwrap()]);
        let [mean, re_mean, im_mean] = means;
        assert_eq!(mean, both(re_mean, im_mean), "{descr}");
        for axis in 0..2 {
            let [sums, re_sums, im_sums] = [&view, &re, &im].map(|view| view.sum_axis(axis).unwrap());
            assert_eq!(sums, (re_sums.0, both(re_sums.1, im_sums.1)), "{descr}, axis {axis}");
            let [means, re_means, im_means] = [&view, &re, &im].map(|view| view.mean_axis(axis).unwrap());
            assert_eq!(means, (re_means.0, both(re_means.1, im_means.1)), "{descr}, axis {axis}");
        }
        assert_eq!(view.min().unwrap_err().kind(), ErrorKind::DTypeMismatch);
    }
    let (none, dtype) = (&[], dtype("'<c8'"));
    let none = DynView::from_bytes(none, &dtype, 0).unwrap();
    assert_eq!((none.sum().unwrap(), none.mean().unwrap()), (Value::ComplexF32([0.0, 0.0]), None));
}

#[test]
fn the_bytes_of_no_elements_are_none_however_many_axes_there_are() {
    let dtype = dtype("'|V3'");
    for most in [1_u64 << 29, 1 << 40, 1 << 50] {
        let mut shape = vec![0; 64];
        shape[0] = usize::try_from(most).unwrap_or(1 << 29);
        let view = DynView::from_bytes(&[], &dtype, &shape).unwrap();
        assert_eq!((view.to_bytes(), view.t().to_bytes()), (vec![], vec![]));
    }
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn more_results_than_memory_holds_are_an_error() {
    if option_env!("RUSTFLAGS").is_some_and(|flags| flags.contains("sanitizer")) {
        return println!("left out: a sanitizer takes more of the address space than the limit");
    }
    let script = "ulimit -v 600000 && exec \"$0\" --exact results_within_a_limit --ignored";
    let child = std::process::Command::new("sh").args(["-c", script]).arg(std::env::current_exe().unwrap()).output();
    let output = child.unwrap();
    assert!(output.status.success(), "{}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
}

#[test]
#[ignore = "started by `more_results_than_memory_holds_are_an_error`"]
fn results_within_a_limit() {
    let mut refused = 0;
    for descr in ["'|u1'", "'<c16'"] {
        let dtype = dtype(descr);
        for millions in [2, 4, 6, 8, 10, 12] {
            let view = DynView::from_bytes(&[], &dtype, [0, millions * 1_000_000]).unwrap();
            match view.sum_axis(0) {
                Ok((_, sums)) => assert_eq!(sums.len(), millions * 1_000_000),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Overflow, "{error}");
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > 1, "{refused} refused");
}
