//! Records: what the derive says of a struct, and what is found in one by name.
#![cfg(feature = "derive")]

use bytemuck::{AnyBitPattern, Pod, Zeroable};
use mmap_array::{
    ArrayView, ArrayViewMut, DType, Element, ErrorKind, MmapArray, Record,
    dtype::{Kind, RecordField},
};
use std::marker::PhantomData;
use std::mem::offset_of;

#[derive(Clone, Copy, Debug, PartialEq, Zeroable, Pod, Record)]
#[repr(C)]
struct Point {
    x: f32,
    y: f32,
}

/// Three bytes of padding before `mass`, none at the end.
#[derive(Clone, Copy, Debug, AnyBitPattern, Record)]
#[repr(C)]
struct Star {
    class: u8,
    mass: f32,
    pos: Point,
}

#[derive(Clone, Copy, Debug, PartialEq, Zeroable, Pod, Record)]
#[repr(C, packed)]
struct Trade {
    side: u8,
    px: f64,
    qty: u32,
    pos: Point,
    levels: [[u16; 3]; 2],
}

fn trades() -> Vec<Trade> {
    let trade = |i: u8| Trade {
        side: i,
        px: f64::from(i) + 0.5,
        qty: 100 * u32::from(i),
        pos: Point { x: f32::from(i), y: -f32::from(i) },
        levels: [[i.into(), 1, 2], [3, 4, 5]],
    };
    (0..6).map(trade).collect()
}

/// The names and offsets of a record's fields.
fn layout(dtype: &DType) -> Vec<(&str, usize)> {
    dtype.fields().iter().map(|field| (field.name.as_str(), field.offset)).collect()
}

/// The dtype of the only field.
fn only<R: Element>() -> RecordField {
    let dtype = R::dtype();
    assert_eq!(dtype.fields().len(), 1);
    dtype.fields()[0].clone()
}

// What the derive says -----------------------------------------------------------------------------------------------

#[test]
fn names_offsets_and_sizes_are_the_structs() {
    let star = Star::dtype();
    let offsets = [("class", 0), ("mass", offset_of!(Star, mass)), ("pos", offset_of!(Star, pos))];
    assert_eq!(layout(&star), offsets);
    assert_eq!((star.itemsize(), star.alignment()), (size_of::<Star>(), align_of::<Star>()));
    assert_eq!(star.fields()[1].dtype, f32::dtype());
    assert_eq!(star.fields()[2].dtype, Point::dtype());
}

#[test]
fn packed_structs_have_their_fields_side_by_side() {
    let trade = Trade::dtype();
    assert_eq!(layout(&trade), [("side", 0), ("px", 1), ("qty", 9), ("pos", 13), ("levels", 21)]);
    assert_eq!((trade.itemsize(), trade.alignment()), (33, 1));
    let listed = [
        ("side", u8::dtype()),
        ("px", f64::dtype()),
        ("qty", u32::dtype()),
        ("pos", Point::dtype()),
        ("levels", <[[u16; 3]; 2]>::dtype()),
    ];
    assert_eq!(trade, DType::packed_record(listed).unwrap());
}

#[test]
fn alignments_that_are_asked_for_are_kept() {
    #[derive(Clone, Copy, Record)]
    #[repr(C, packed(2))]
    struct Half(u8, u64);

    #[derive(Clone, Copy, Record)]
    #[repr(align(32))]
    #[repr(C)]
    struct Wide {
        x: u8,
    }

    assert_eq!(layout(&Half::dtype()), [("f0", 0), ("f1", 2)]);
    assert_eq!((Half::dtype().itemsize(), Half::dtype().alignment()), (10, 2));
    assert_eq!((Wide::dtype().itemsize(), Wide::dtype().alignment()), (32, 32));
}

#[test]
fn arrays_of_any_rank_are_subarrays() {
    #[derive(Clone, Copy, Record)]
    #[repr(C)]
    struct Arrays {
        one: [f64; 5],
        two: [[f64; 5]; 2],
        three: [[[u8; 4]; 3]; 2],
        points: [[Point; 7]; 1],
    }

    let arrays = Arrays::dtype();
    let shaped = |element: DType, shape: &[usize]| DType::array(element, shape).unwrap();
    let found = |name: &str| arrays.field(name).unwrap().1.clone();
    assert_eq!(found("one"), shaped(f64::dtype(), &[5]));
    assert_eq!(found("two"), shaped(f64::dtype(), &[2, 5]));
    assert_eq!(found("three"), shaped(u8::dtype(), &[2, 3, 4]));
    assert_eq!(found("points"), shaped(Point::dtype(), &[1, 7]));
}

#[test]
fn a_name_may_be_any_text() {
    #[derive(Clone, Copy, Record)]
    #[repr(C)]
    struct Names {
        #[record(rename = "température °C")]
        a: f32,
        #[record(rename = "say \"it's\" \\ \n\0")]
        b: f32,
        #[record(rename = "pos.x")]
        c: f32,
        #[record(rename = " ")]
        d: f32,
        #[record(rename = "b")]
        e: f32,
        r#type: f32,
        größe: f32,
    }

    let names: Vec<String> = Names::dtype().fields().iter().map(|field| field.name.clone()).collect();
    assert_eq!(names, ["température °C", "say \"it's\" \\ \n\0", "pos.x", " ", "b", "type", "größe"]);
    assert_eq!(Names::dtype().field("pos.x").unwrap().0, offset_of!(Names, c));
    assert_eq!(Names::dtype().field("b").unwrap().0, offset_of!(Names, e));
}

#[test]
fn a_title_is_a_second_name() {
    #[derive(Clone, Copy, Record)]
    #[repr(C)]
    struct Titled {
        #[record(title = "flux density in W/m²", rename = "flux")]
        f: f32,
        #[record(rename = "id")]
        #[record(title = "")] // NumPy takes an empty one too
        i: u32,
    }

    let dtype = Titled::dtype();
    let titles: Vec<_> = dtype.fields().iter().map(|field| (&*field.name, field.title.as_deref())).collect();
    assert_eq!(titles, [("flux", Some("flux density in W/m²")), ("id", Some(""))]);
    assert_eq!(dtype.field("flux density in W/m²").unwrap(), dtype.field("flux").unwrap());
}

#[test]
fn padding_has_no_name() {
    struct NoElement;

    #[derive(Clone, Copy, Record)]
    #[repr(C)]
    struct Padded {
        #[record(pad)]
        _head: [u8; 8],
        x: u32,
        #[record(pad)]
        _tail: (usize, PhantomData<fn(NoElement)>),
    }

    #[derive(Clone, Copy, Record)]
    #[repr(C)]
    struct Opaque {
        #[record(pad)]
        _bytes: [u8; 8],
    }

    assert_eq!(layout(&Padded::dtype()), [("x", 8)]);
    assert_eq!(Padded::dtype().itemsize(), size_of::<Padded>());
    assert_eq!(layout(&Opaque::dtype()), []);
    assert_eq!(Opaque::dtype().itemsize(), 8);
}

#[test]
fn fields_of_tuple_structs_are_numbered_as_numpy_does() {
    #[derive(Clone, Copy, Record)]
    #[repr(C)]
    struct Padded(u8, #[record(pad)] [u8; 3], u32, #[record(rename = "last")] f32, u16);

    assert_eq!(layout(&Padded::dtype()), [("f0", 0), ("f1", 4), ("last", 8), ("f3", 12)]);
}

#[test]
fn a_transparent_struct_is_what_it_holds() {
    #[derive(Clone, Copy, Zeroable, Pod, Record)]
    #[repr(transparent)]
    struct Metres(f64);

    #[derive(Clone, Copy, Record)]
    #[repr(transparent)]
    struct Id<T> {
        number: u64,
        #[record(pad)]
        _of: PhantomData<T>,
    }

    assert_eq!(Metres::dtype(), f64::dtype());
    assert_eq!(Metres::dtype().alignment(), align_of::<f64>());
    assert_eq!(Id::<char>::dtype(), u64::dtype());
    let heights = [Metres(1.5), Metres(2.5)];
    let prices = ArrayView::from_slice(&heights, 2).unwrap().view_as::<f64>().unwrap();
    assert_eq!(prices.sum(), 4.0);
    assert_eq!(<[Metres; 3]>::dtype(), <[f64; 3]>::dtype());
}

#[test]
fn generic_structs_are_records_where_their_fields_are_elements() {
    #[derive(Clone, Copy, Record)]
    #[repr(C)]
    struct Pair<T> {
        first: T,
        second: T,
    }

    #[derive(Clone, Copy, Record)]
    #[repr(C, packed)]
    struct Grid<T: Copy, const N: usize>
    where
        T: Default,
    {
        corner: u8,
        cells: [[T; N]; 2],
    }

    /// A parameter that is no element itself, but makes one.
    #[derive(Clone, Copy, Record)]
    #[repr(C)]
    struct Event<U: 'static> {
        time: Ticks<U>,
        value: f32,
    }

    struct Ticks<U>(i64, PhantomData<U>);
    impl<U> Clone for Ticks<U> {
        fn clone(&self) -> Self {
            *self
        }
    }
    impl<U> Copy for Ticks<U> {}
    impl<U: 'static> Element for Ticks<U> {
        fn dtype() -> DType {
            assert_eq!(size_of_val(&Self(0, PhantomData).0), 8);
            i64::dtype()
        }
    }
    #[derive(Clone, Copy)]
    struct Second;

    let pair = Pair::<Pair<f64>>::dtype();
    assert_eq!(pair.field("second.first").unwrap(), (16, &f64::dtype()));
    assert_eq!(Pair::<u8>::dtype().itemsize(), 2);
    let grid = Grid::<i16, 5>::dtype();
    assert_eq!(grid.field("cells").unwrap(), (1, &DType::array(i16::dtype(), [2, 5]).unwrap()));
    assert_eq!(layout(&Event::<Second>::dtype()), [("time", 0), ("value", 8)]);
}

#[test]
fn generic_records_are_read_by_name() {
    #[derive(Clone, Copy, AnyBitPattern, Record)]
    #[repr(C)]
    struct Sample<T> {
        channel: u8,
        value: T,
    }

    fn values<T: AnyBitPattern + Element>(bytes: &[u8]) -> Vec<T> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("samples");
        std::fs::write(&path, bytes).unwrap();
        // SAFETY: nobody writes or truncates the file while it is mapped.
        let samples = unsafe { MmapArray::<Sample<T>>::open(&path) }.unwrap();
        samples.field::<T>("value").unwrap().to_vec()
    }

    assert_eq!(values::<u8>(&[0, 1, 0, 2]), [1, 2]);
    assert_eq!(values::<[u8; 3]>(&[0, 1, 2, 3, 0, 4, 5, 6]), [[1, 2, 3], [4, 5, 6]]);
    assert_eq!(values::<i16>(&[0, 0, 3, 3, 0, 0, 4, 4]), [0x0303, 0x0404]);
}

#[test]
fn the_crate_may_go_by_another_path() {
    mod renamed {
        pub(crate) use mmap_array as arrays;
    }

    #[derive(Clone, Copy, Record)]
    #[repr(C)]
    #[record(crate = "renamed::arrays")]
    struct Elsewhere {
        x: u8,
    }

    assert_eq!(only::<Elsewhere>().name, "x");
}

/// What the derive writes asks nothing of the names around it.
mod hygiene {
    #![no_implicit_prelude]
    #![deny(warnings)]
    #![allow(dead_code)]

    struct Vec;
    struct Option;
    struct String;
    trait Element {}

    #[derive(::core::clone::Clone, ::core::marker::Copy, ::mmap_array::Record)]
    #[repr(C)]
    pub(super) struct Alone<T> {
        #[record(title = "t")]
        dtype: T,
        #[deprecated]
        record: u8,
    }

    macro_rules! made {
        ($name:ident: $($field:ident: $ty:ty),*) => {
            #[derive(::core::clone::Clone, ::core::marker::Copy, ::mmap_array::Record)]
            #[repr(C)]
            pub(super) struct $name { $($field: $ty,)* made: u8 }
        };
    }
    made!(Made: a: u16, b: [u8; 2]);
}

#[test]
fn the_derive_works_in_any_scope() {
    assert_eq!(layout(&hygiene::Alone::<u32>::dtype()), [("dtype", 0), ("record", 4)]);
    assert_eq!(layout(&hygiene::Made::dtype()), [("a", 0), ("b", 2), ("made", 4)]);
}

#[test]
fn what_cannot_be_described_is_bytes() {
    #[derive(Clone, Copy, Record)]
    #[repr(C)]
    struct Nest<T>(T);
    type Nest4<T> = Nest<Nest<Nest<Nest<T>>>>;
    type Nest16<T> = Nest4<Nest4<Nest4<Nest4<T>>>>;
    type Nest64<T> = Nest16<Nest16<Nest16<Nest16<T>>>>;

    assert!(matches!(Nest64::<u32>::dtype().kind(), Kind::Record { .. }));
    let deep = Nest::<Nest64<u32>>::dtype();
    assert_eq!((deep.kind(), deep.itemsize(), deep.alignment()), (&Kind::Void { len: 4 }, 4, 4));

    #[derive(Clone, Copy, Record)]
    #[repr(C)]
    struct Holds(u8, Boastful);
    assert_eq!(Holds::dtype().kind(), &Kind::Void { len: 2 });
}

// What is found by name ----------------------------------------------------------------------------------------------

/// An `Element` written by hand that says more than is there.
#[derive(Clone, Copy, Debug, Zeroable, Pod)]
#[repr(transparent)]
struct Boastful(u8);
impl Element for Boastful {
    fn dtype() -> DType {
        f64::dtype()
    }
}

#[test]
fn fields_of_a_file_are_read_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trades");
    let header = [0; 7];
    std::fs::write(&path, [&header, bytemuck::cast_slice(&trades())].concat()).unwrap();
    // SAFETY: nobody writes or truncates the file while it is mapped.
    let array = unsafe { MmapArray::<Trade>::options().offset(7).shape([2, 3]).open(&path) }.unwrap();

    assert_eq!(array.field::<f64>("px").unwrap().to_vec(), [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]);
    assert_eq!(array.field::<f32>("pos.y").unwrap().at([1, 2]), -5.0);
    assert_eq!(array.field::<Point>("pos").unwrap().at([0, 1]), Point { x: 1.0, y: -1.0 });
    assert_eq!(array.field::<[[u16; 3]; 2]>("levels").unwrap().at([1, 0]), [[3, 1, 2], [3, 4, 5]]);
    let view = array.field::<u8>("side").unwrap();
    assert_eq!((view.shape(), view.strides()), (&[2, 3][..], &[99, 33][..]));
    let turned = array.view().t().step_axis(0, -2).field::<u32>("qty").unwrap();
    assert_eq!(turned.to_vec(), [200, 500, 0, 300]);

    let error = array.field::<f64>("price").unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::UnknownField, Some(&*path)));
    let error = array.fields::<Star>().unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::UnknownField, Some(&*path)));
}

#[test]
fn padded_records_are_read_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stars");
    let star = [&[7, 9, 9, 9][..], &1.5_f32.to_ne_bytes(), &2.0_f32.to_ne_bytes(), &3.0_f32.to_ne_bytes()].concat();
    std::fs::write(&path, star.repeat(2)).unwrap();
    // SAFETY: nobody writes or truncates the file while it is mapped.
    let array = unsafe { MmapArray::<Star>::open(&path) }.unwrap();
    assert_eq!(array.field::<u8>("class").unwrap().to_vec(), [7, 7]);
    assert_eq!(array.field::<f32>("pos.y").unwrap().to_vec(), [3.0, 3.0]);
}

#[test]
fn fields_are_written_by_name() {
    let mut data = trades();
    let mut view = ArrayViewMut::from_slice_mut(&mut data, 6).unwrap();
    view.reborrow().field::<f32>("pos.x").unwrap().fill(9.0);
    view.field::<u32>("qty").unwrap().set([5], 1);
    let expected = |i: usize, trade: Trade| Trade {
        pos: Point { x: 9.0, ..trade.pos },
        qty: if i == 5 { 1 } else { trade.qty },
        ..trade
    };
    let expected: Vec<_> = trades().into_iter().enumerate().map(|(i, trade)| expected(i, trade)).collect();
    assert_eq!(data, expected);
}

#[test]
fn a_wrong_name_or_type_is_an_error_that_says_what_there_is() {
    let data = trades();
    let view = ArrayView::from_slice(&data, 6).unwrap();
    let fails = |error: mmap_array::Error, kind: ErrorKind, words: &[&str]| {
        assert_eq!(error.kind(), kind, "{error}");
        for word in words {
            assert!(error.to_string().contains(word), "{word:?} is not in: {error}");
        }
    };
    let (f8, i4) = (f64::dtype(), i32::dtype());
    fails(
        view.field::<u8>("sidr").unwrap_err(),
        ErrorKind::UnknownField,
        &["\"sidr\"", "\"px\"", "nearest is \"side\""],
    );
    fails(view.field::<f32>("pos.z").unwrap_err(), ErrorKind::UnknownField, &["\"z\"", "\"x\", \"y\""]);
    fails(view.field::<f32>("px.x").unwrap_err(), ErrorKind::UnknownField, &["\"x\"", "not records"]);
    fails(
        view.field::<i32>("px").unwrap_err(),
        ErrorKind::DTypeMismatch,
        &[&format!("the field \"px\" holds {f8}, not {i4}")],
    );
    fails(view.field::<[u16; 6]>("levels").unwrap_err(), ErrorKind::DTypeMismatch, &["\"levels\""]);
    fails(view.field::<[f32; 2]>("pos").unwrap_err(), ErrorKind::DTypeMismatch, &["\"pos\""]);

    #[derive(Clone, Copy, Debug, Zeroable, Pod, Record)]
    #[repr(C)]
    struct IntPoint {
        x: f32,
        y: i32,
    }
    fails(view.field::<IntPoint>("pos").unwrap_err(), ErrorKind::DTypeMismatch, &["\"pos\"", "differ from \"y\" on"]);
}

#[test]
fn a_dtype_that_is_wrong_about_its_type_reaches_nothing() {
    let bytes = [Boastful(1); 16];
    let view = ArrayView::from_slice(&bytes, 16).unwrap();
    assert_eq!(view.field::<u8>("x").unwrap_err().kind(), ErrorKind::DType);
    assert_eq!(view.fields::<Point>().unwrap_err().kind(), ErrorKind::DType);
    let data = trades();
    let view = ArrayView::from_slice(&data, 6).unwrap();
    assert_eq!(view.field::<Boastful>("px").unwrap_err().kind(), ErrorKind::DType);
    assert_eq!(view.fields::<Boastful>().unwrap_err().kind(), ErrorKind::DType);
}

// Several fields at once ---------------------------------------------------------------------------------------------

#[test]
fn several_fields_are_a_view_of_a_smaller_record() {
    #[derive(Clone, Copy, Debug, PartialEq, Zeroable, Pod, Record)]
    #[repr(C, packed)]
    struct Quote {
        px: f64,
        qty: u32,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Zeroable, Pod, Record)]
    #[repr(C, packed)]
    struct Ends {
        side: u8,
        #[record(pad)]
        _between: [u8; 20],
        levels: [[u16; 3]; 2],
    }

    let mut data = trades();
    let view = ArrayView::from_slice(&data, [2, 3]).unwrap();
    let quotes = view.fields::<Quote>().unwrap();
    assert_eq!((quotes.shape(), quotes.strides()), (&[2, 3][..], &[99, 33][..]));
    assert_eq!(quotes.at([1, 1]), Quote { px: 4.5, qty: 400 });
    assert_eq!(quotes.field::<u32>("qty").unwrap().sum(), 1500);
    let ends = view.fields::<Ends>().unwrap().at([0, 2]);
    assert_eq!((ends.side, { ends.levels }), (2, [[2, 1, 2], [3, 4, 5]]));

    let view = ArrayViewMut::from_slice_mut(&mut data, 6).unwrap();
    view.fields::<Quote>().unwrap().fill(Quote { px: 1.0, qty: 2 });
    let expected: Vec<_> = trades().into_iter().map(|trade| Trade { px: 1.0, qty: 2, ..trade }).collect();
    assert_eq!(data, expected);
}

#[test]
fn several_fields_may_lie_in_nested_records_and_in_another_order() {
    #[derive(Clone, Copy, Debug, PartialEq, Zeroable, Pod, Record)]
    #[repr(C, packed)]
    struct Flat {
        #[record(rename = "qty")]
        amount: u32,
        #[record(rename = "pos.x")]
        x: f32,
        #[record(rename = "pos.y")]
        y: f32,
    }

    let data = trades();
    let view = ArrayView::from_slice(&data, 6).unwrap();
    assert_eq!(view.fields::<Flat>().unwrap().at([3]), Flat { amount: 300, x: 3.0, y: -3.0 });
    assert_eq!(view.fields::<Trade>().unwrap().to_vec(), data);
}

#[test]
fn several_fields_must_lie_as_they_do_in_the_record() {
    #[derive(Clone, Copy, Debug, Zeroable, Pod, Record)]
    #[repr(C, packed)]
    struct Swapped {
        qty: u32,
        px: f64,
    }

    #[derive(Clone, Copy, Debug, Zeroable, Pod, Record)]
    #[repr(C, packed)]
    struct Long {
        levels: [[u16; 3]; 2],
        #[record(pad)]
        _more: u8,
    }

    #[derive(Clone, Copy, Debug, Zeroable, Pod, Record)]
    #[repr(C, packed)]
    struct Early {
        #[record(pad)]
        _before: u8,
        side: u8,
    }

    #[derive(Clone, Copy, Debug, Zeroable, Pod, Record)]
    #[repr(C, packed)]
    struct Other {
        px: f64,
        qty: f32,
    }

    #[derive(Clone, Copy, Debug, Zeroable, Pod, Record)]
    #[repr(C)]
    struct Nothing {
        #[record(pad)]
        _bytes: u8,
    }

    let data = trades();
    let view = ArrayView::from_slice(&data, 6).unwrap();
    let text = |error: mmap_array::Error| {
        assert_eq!(error.kind(), ErrorKind::DTypeMismatch);
        error.to_string()
    };
    let swapped = text(view.fields::<Swapped>().unwrap_err());
    assert!(swapped.starts_with("the fields \"qty\" and \"px\" begin at the bytes 9 and 1 of"), "{swapped}");
    assert!(swapped.contains("but at 0 and 4 of"), "{swapped}");
    let long = text(view.fields::<Long>().unwrap_err());
    assert!(long.contains("has 13 bytes and does not fit from byte 21 on into the 33 bytes"), "{long}");
    let early = text(view.fields::<Early>().unwrap_err());
    assert!(early.contains("begins at byte 0 of") && early.contains("but at byte 1 of"), "{early}");
    let other = text(view.fields::<Other>().unwrap_err());
    assert!(other.starts_with("the field \"qty\" holds"), "{other}");
    assert!(text(view.fields::<Nothing>().unwrap_err()).contains("has no fields"));
    assert!(text(view.fields::<f64>().unwrap_err()).contains("has no fields"));
}

#[test]
fn the_layout_that_would_do_is_told_where_only_padding_differs() {
    #[derive(Clone, Copy, Debug, AnyBitPattern, Record)]
    #[repr(C, packed)]
    struct Packed {
        class: u8,
        mass: f32,
        pos: Point,
    }
    let told = |dtype: DType, wanted: fn(mmap_array::DynView<'_>) -> Option<mmap_array::Error>| {
        let bytes = vec![0; 2 * dtype.itemsize()];
        let error = wanted(mmap_array::DynView::from_bytes(&bytes, &dtype, 2).unwrap()).unwrap();
        error.to_string()
    };
    let text = told(Packed::dtype(), |view| view.typed::<Star>().err());
    assert!(text.contains("; `repr(C, packed)` would do, which leaves no bytes between the fields"), "{text}");
    assert!(text.ends_with(&format!("; in Rust they are:\n\n{}", Packed::dtype().to_rust().unwrap())), "{text}");
    let text = told(Star::dtype(), |view| view.typed::<Packed>().err());
    assert!(text.contains("; there are bytes between the fields: `repr(C)` may do, which aligns them"), "{text}");
}

#[test]
fn records_are_displayed_as_numpy_prints_them() {
    let trades = trades();
    let view = ArrayView::from_slice(&trades[1..2], 1).unwrap();
    assert_eq!(view.to_string(), "[(1, 1.5, 100, (1., -1.), [[1, 1, 2], [3, 4, 5]])]");
    let mut array = mmap_array::MmapArrayMut::<Trade>::anonymous(1).unwrap();
    array[0] = trades[1];
    assert_eq!(array.to_string(), view.to_string());
}
