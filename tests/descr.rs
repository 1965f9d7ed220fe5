//! The text of a dtype in a `.npy` header, both ways. What NumPy says is recorded from NumPy 2.4.6 on a little-endian
//! machine.

use mmap_array::{
    DType, Element, ErrorKind,
    dtype::{Endianness, Kind, RecordField, TimeUnit},
};

fn read(text: &str) -> DType {
    DType::from_descr(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refused(text: &str) -> String {
    match DType::from_descr(text) {
        Ok(dtype) => panic!("{text} is {dtype:?}"),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::DType, "{text}");
            error.to_string()
        }
    }
}

fn field(name: &str, offset: usize, text: &str) -> RecordField {
    RecordField::new(name, offset, text.parse().unwrap())
}

/// The name, the offset and the size of a field.
type Placed = (&'static str, usize, usize);

/// The text that NumPy writes, the size of an item, and where its fields lie.
const RECORDS: &[(&str, usize, &[Placed])] = &[
    (
        "[('f0', '|i1'), ('', '|V3'), ('f1', '<i4'), ('f2', '|i1'), ('', '|V3')]",
        12,
        &[("f0", 0, 1), ("f1", 4, 4), ("f2", 8, 1)],
    ),
    ("[('', '|V1'), ('a', '<i4'), ('', '|V1'), ('b', '<i4')]", 10, &[("a", 1, 4), ("b", 6, 4)]),
    ("[('a', '<i4'), ('', '|V12')]", 16, &[("a", 0, 4)]),
    ("[('', '|V1'), (('aa', 'a'), '<i4'), ('', '|V1'), (('bb', 'b'), '<i4')]", 10, &[("a", 1, 4), ("b", 6, 4)]),
    ("[('p', [('x', '<f4'), ('y', '<f4')], (3,)), ('id', '>u2')]", 26, &[("p", 0, 24), ("id", 24, 2)]),
    ("[('c', ('<f8', (5,)), (2,))]", 80, &[("c", 0, 80)]),
    ("[('x', ([('a', '|i1'), ('', '|V3'), ('b', '|i1'), ('', '|V3')], (3,)), (4,))]", 96, &[("x", 0, 96)]),
    ("[]", 0, &[]),
    ("[('', '|V8')]", 8, &[]),
    (
        "[('e', '|V0'), ('s', '|S0'), ('u', '<U0'), ('n', []), ('z', '<i4', (0,)), ('last', '<i2')]",
        2,
        &[("e", 0, 0), ("s", 0, 0), ("u", 0, 0), ("n", 0, 0), ("z", 0, 0), ("last", 0, 2)],
    ),
    (
        "[('m', '|b1'), ('t', '>M8[25s]'), ('d', '<m8[2W]'), ('g', '<M8')]",
        25,
        &[("m", 0, 1), ("t", 1, 8), ("d", 9, 8), ("g", 17, 8)],
    ),
    (
        "[('r', [('q', [('p', '<c32')])]), ('h', '>f2', (2, 3, 4))]",
        80,
        &[("r", 0, 32), ("r.q", 0, 32), ("r.q.p", 0, 32), ("h", 32, 48)],
    ),
    (
        "[('label', '|S16'), ('name', '<U3'), ('raw', '|V7'), ('grid', '>i8', (1, 1, 5))]",
        75,
        &[("label", 0, 16), ("name", 16, 12), ("raw", 28, 7), ("grid", 35, 40)],
    ),
    (
        "[('a', '|u1'), ('', '|V7'), ('b', [('c', '|u1'), ('', '|V7'), ('d', '<i8')])]",
        24,
        &[("a", 0, 1), ("b", 8, 16), ("b.d", 16, 8)],
    ),
    (
        r#"[("it's", '|i1'), ('say "hi"', '|i1'), ('both\'"', '|i1'), ('a\\b\t\n', '|i1')]"#,
        4,
        &[("it's", 0, 1), ("say \"hi\"", 1, 1), ("both'\"", 2, 1), ("a\\b\t\n", 3, 1)],
    ),
    (
        r"[('\x00\x7f\x85\xa0\xad', '|i1'), ('é π 𝄞', '|i1'), ('\u2028\ue000\U0010ffff', '|i1')]",
        3,
        &[("\0\x7f\u{85}\u{a0}\u{ad}", 0, 1), ("é π 𝄞", 1, 1), ("\u{2028}\u{e000}\u{10ffff}", 2, 1)],
    ),
    (
        r#"[('', '|V3'), (("t'", 'x'), '<i2'), ('', '|V3'), (('both', ''), '<u2'), ('', '|V1')]"#,
        11,
        &[("x", 3, 2), ("t'", 3, 2), ("", 8, 2), ("both", 8, 2)],
    ),
];

#[test]
fn records_are_read_and_written_as_numpy_does() {
    for &(text, itemsize, placed) in RECORDS {
        let dtype = read(text);
        assert_eq!(dtype.itemsize(), itemsize, "{text}");
        for &(name, offset, size) in placed {
            let (found, part) = dtype.field(name).unwrap();
            assert_eq!((found, part.itemsize()), (offset, size), "{name:?} of {text}");
        }
        assert_eq!(dtype.descr().unwrap(), text);
        assert_eq!(dtype.to_string(), text);
        assert_eq!(text.parse::<DType>().unwrap(), dtype);
    }
}

#[test]
fn every_kind_of_element_is_read_and_written() {
    let (little, big) = (Endianness::Little, Endianness::Big);
    for (text, kind) in [
        ("|b1", Kind::Bool),
        ("|i1", Kind::Int { size: 1, order: big }),
        ("<i2", Kind::Int { size: 2, order: little }),
        (">i4", Kind::Int { size: 4, order: big }),
        ("<i8", Kind::Int { size: 8, order: little }),
        ("|u1", Kind::UInt { size: 1, order: little }),
        (">u2", Kind::UInt { size: 2, order: big }),
        ("<u4", Kind::UInt { size: 4, order: little }),
        (">u8", Kind::UInt { size: 8, order: big }),
        ("<f2", Kind::Float { size: 2, order: little }),
        (">f4", Kind::Float { size: 4, order: big }),
        ("<f8", Kind::Float { size: 8, order: little }),
        (">f16", Kind::Float { size: 16, order: big }),
        ("<c8", Kind::Complex { size: 8, order: little }),
        (">c16", Kind::Complex { size: 16, order: big }),
        ("<c32", Kind::Complex { size: 32, order: little }),
        ("|S5", Kind::Bytes { len: 5 }),
        ("|S0", Kind::Bytes { len: 0 }),
        ("<U3", Kind::Ucs4 { len: 3, order: little }),
        (">U0", Kind::Ucs4 { len: 0, order: big }),
        ("|V8", Kind::Void { len: 8 }),
        ("|V0", Kind::Void { len: 0 }),
        ("<M8", Kind::DateTime64 { unit: TimeUnit::Generic, count: 1, order: little }),
        ("<M8", Kind::DateTime64 { unit: TimeUnit::Generic, count: 9, order: little }),
        (">M8[ns]", Kind::DateTime64 { unit: TimeUnit::Nanosecond, count: 1, order: big }),
        ("<M8[25s]", Kind::DateTime64 { unit: TimeUnit::Second, count: 25, order: little }),
        ("<m8[2W]", Kind::TimeDelta64 { unit: TimeUnit::Week, count: 2, order: little }),
        (">m8[2147483647as]", Kind::TimeDelta64 { unit: TimeUnit::Attosecond, count: 2147483647, order: big }),
    ] {
        let dtype = DType::scalar(kind).unwrap();
        let quoted = format!("'{text}'");
        assert_eq!(dtype.descr().unwrap(), quoted);
        assert_eq!(read(&quoted), dtype, "{text}");
        assert_eq!((dtype.to_string().as_str(), text.parse().unwrap()), (text, dtype));
    }
}

#[test]
fn an_order_that_is_not_said_is_the_machines() {
    for text in ["'=i4'", "'i4'", "'|i4'", "'int32'", "'i'"] {
        assert_eq!(read(text), i32::dtype(), "{text}");
    }
    assert_eq!(read("'<u1'"), u8::dtype());
    assert_eq!(read("'>b1'"), read("'|b1'"));
}

/// Texts that NumPy reads and never writes, and what it writes in their place.
#[test]
fn what_others_write_is_read_as_numpy_reads_it() {
    for (text, written) in [
        ("\t [ # fields\n(\"a\",u'<i4' , ) ,\r\n]\n", "[('a', '<i4')]"),
        (r"[(r'\d', '<i' '4'), ('\x62\145\u0065', '''<i2''')]", r"[('\\d', '<i4'), ('bee', '<i2')]"),
        ("[['a', '<i4', 0x2], ['b', '<f8', [+2, 1_0]]]", "[('a', '<i4', (2,)), ('b', '<f8', (2, 10))]"),
        ("[('a', '<i4', 1), ('b', '<i4', ()), ('c', ('<i4', ()))]", "[('a', '<i4', (1,)), ('b', '<i4'), ('c', '<i4')]"),
        ("[('a', (('<i4', 2), 3))]", "[('a', ('<i4', (2,)), (3,))]"),
        ("[('a', '<i4'), ('', '|V1', (3,)), ('b', '<i4')]", "[('a', '<i4'), ('', '|V3'), ('b', '<i4')]"),
        ("[('', '<i4', (3,)), ('', '|V0'), ('', '|V1')]", "[('', '|V13')]"),
        ("[('', '<i4'), ('b', [('', '|V4')])]", "[('', '<i4'), ('b', [('', '|V4')])]"),
        ("[((None, 'a'), '<i4')]", "[('a', '<i4')]"),
        ("(('<i4', ()))", "'<i4'"),
        ("'>datetime64[us]'", "'>M8[us]'"),
        ("[('x', [], (3,))]", "[('x', [], (3,))]"),
        (
            "[('a', '|u1', (0, 2147483647, 2147483647, 2147483647))]",
            "[('a', '|u1', (0, 2147483647, 2147483647, 2147483647))]",
        ),
        ("'|V2147483647'", "'|V2147483647'"),
    ] {
        assert_eq!(read(text).descr().unwrap(), written, "{text}");
    }
}

#[test]
fn what_is_no_dtype_is_refused_at_its_place() {
    for (text, why) in [
        ("'<f3'", "there is no type \"<f3\" (at character 1, before \"'<f3'\")"),
        ("''", "there is no type"),
        ("None", "expected a type in quotes or a list of fields"),
        ("{'names': ['a'], 'formats': ['<i4']}", "expected a type in quotes"),
        ("'|S-1'", "there is no type"),
        ("'M8[xx]'", "there is no unit \"xx\""),
        ("b'<i4'", "bytes where text is needed"),
        ("[('a', '<i4'), ('a', '<i4')]", "the name \"a\" occurs a second time (at character 17"),
        ("[(('a', 'a'), '<i4')]", "the name \"a\" occurs a second time (at character 4"),
        ("[('a', '<i4'), (('a', 'b'), '<i4')]", "the name \"a\" occurs a second time (at character 18"),
        ("[('a', '<i4', (2,), 0)]", "expected a field, (name, dtype) or (name, dtype, shape)"),
        ("[('a',)]", "expected a field, (name, dtype) or (name, dtype, shape)"),
        ("['ab']", "expected a field"),
        ("[(b'a', '<i4')]", "bytes where text is needed"),
        ("[(1, '<i4')]", "expected the name of a field, a string or (title, name) (at character 3"),
        ("[((1, 'a'), '<i4')]", "expected the title of a field"),
        ("[(('a', 'b', 'c'), '<i4')]", "expected (title, name)"),
        ("[(['a', 'b'], '<i4')]", "expected the name of a field"),
        ("[('a', '<i4', -1)]", "a negative length of an axis (at character 15"),
        ("[('a', '<i4', (2, -1))]", "a negative length of an axis (at character 19"),
        ("[('a', '<i4', '2')]", "expected a shape"),
        ("[('a', '<i4', None)]", "expected a shape"),
        ("[('a', '<i4', [])]", "expected a shape"),
        ("[('a', '<i4', True)]", "expected a shape"),
        ("[('a', '<i4', (True,))]", "expected the length of an axis"),
        ("[('a', '<i4', (2.0,))]", "expected an integer, not a float"),
        ("[('a', '<i4', (02,))]", "leading zeros"),
        ("[('a', '<i4', (2L,))]", "`L` is Python 2's"),
        ("[('a', ('<i4', (2,), 3))]", "expected a subarray of two parts"),
        ("[('a', '|V0', (3,))]", "a subarray of elements of 0 bytes"),
        ("[('a', ('<i4', (0,)), (3,))]", "a subarray of elements of 0 bytes"),
        ("[('a', '|O')]", "\"|O\" denotes Python objects, which this crate never unpickles; save them as numbers"),
        ("'|O8'", "denotes Python objects"),
        ("[('a', [('b', 'object')], (2,))]", "denotes Python objects"),
        ("('<i4', (2,))", "a subarray outside a record; its axes belong to the array's shape"),
        ("'3i4'", "several elements"),
        ("[('a', 'i4,i4')]", "several elements"),
        ("[('\\ud800', '<i4')]", "half a surrogate pair"),
        ("[('a', '|V2147483647'), ('b', '|u1')]", "more than 2147483647 bytes"),
        ("[('a', '<i4', (2147483647,))]", "NumPy supports at most 2147483647 elements and bytes"),
        ("[('a', '|u1', (2147483648, 0))]", "an axis of 2147483648 elements"),
        ("'|V2147483648'", "there is no type"),
        ("", "expected a string"),
        ("[('a', '<i4')", "a bracket without its closing `]` (at character 1"),
        ("'<i4' '", "a string without its closing '"),
        ("'<i4'; ", "expected the end of the text"),
    ] {
        let error = refused(text);
        assert!(error.contains(why), "{text}: {error}");
    }
}

#[test]
fn nesting_is_limited() {
    let nested = |depth: usize| format!("{}'<i4'{}", "[('a', ".repeat(depth), ")]".repeat(depth));
    assert_eq!(read(&nested(64)).descr().unwrap(), nested(64));
    assert!(refused(&nested(65)).contains("nested more than 64 deep (at character 449,"));
    assert!(refused(&nested(101)).contains("more than 200 brackets"));
    let subarrays = |depth: usize| format!("[('a', {}'<i4'{})]", "(".repeat(depth), ", (1,))".repeat(depth));
    assert_eq!(read(&subarrays(63)).itemsize(), 4);
    assert!(refused(&subarrays(64)).contains("nested more than 64 deep"));
    let alternating = |depth: usize| format!("{}'<i4'{}", "[('a', ".repeat(depth), ", (1,))]".repeat(depth));
    read(&alternating(32));
    assert!(refused(&alternating(33)).contains("nested 65 deep; at most 64"));
    for open in ["[", "(", "[('a', ", "{'a': "] {
        refused(&open.repeat(100_000));
    }
    let axes = |count: usize| format!("[('a', '<i4', ({}))]", "1, ".repeat(count));
    read(&axes(64));
    assert!(refused(&axes(65)).contains("65 axes"));
}

#[test]
fn what_could_not_be_read_back_is_not_written() {
    let unwritable = |dtype: DType| {
        let error = dtype.descr().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DType);
        assert!(!dtype.to_string().is_empty() && !dtype.to_c().is_empty());
        error.to_string()
    };
    let record = |fields: Vec<RecordField>, itemsize| DType::record(fields, itemsize).unwrap();
    let overlapping = record(vec![field("a", 0, "<i4"), field("b", 2, "<i4")], 6);
    assert_eq!(
        unwritable(overlapping.clone()),
        "the dtype cannot be written to a header: the field \"b\" begins at offset 2, but the field before it ends at 4"
    );
    let nested = DType::array(overlapping, [2]).unwrap();
    unwritable(record(vec![RecordField::new("n", 0, nested)], 12));
    unwritable(record(vec![field("b", 4, "<i4"), field("a", 0, "<i4")], 8));
    unwritable(record(vec![field("b", 0, "<i4"), field("a", 0, "|V0")], 4));
    assert!(unwritable(record(vec![field("", 1, "|V2")], 4)).contains("at offset 1 would be read as padding"));
    assert!(unwritable(<[f32; 3]>::dtype()).contains("axes of the array"));
    let nothings = DType::array(DType::scalar(Kind::Void { len: 0 }).unwrap(), [3]).unwrap();
    assert!(unwritable(DType::packed_record([("a", nothings)]).unwrap()).contains("of 0 bytes"));
    if usize::BITS > 32 {
        assert!(unwritable(DType::scalar(Kind::Bytes { len: 1 << 31 }).unwrap()).contains("2147483648 bytes"));
        let large = DType::array(u16::dtype(), [1 << 30]).unwrap();
        unwritable(DType::packed_record([("a", large)]).unwrap());
    }
}

#[test]
fn a_subarray_without_axes_is_its_element() {
    assert_eq!(DType::array(u16::dtype(), []).unwrap(), u16::dtype());
}

#[test]
fn a_type_may_be_parsed_without_its_quotes() {
    for text in ["<f8", "|S5", "=i4", "?", "float64", ">M8[25s]"] {
        assert_eq!(text.parse::<DType>().unwrap(), read(&format!("'{text}'")));
        DType::from_descr(text).unwrap_err();
    }
    for text in ["u'<f8'", " '<f8'", "# why\n'<f8'", "('<f8')"] {
        assert_eq!(text.parse::<DType>().unwrap(), read("'<f8'"));
    }
    for text in ["", "<f3", "(2,i4", "3", "True", "x", "<f8 "] {
        assert_eq!(text.parse::<DType>().unwrap_err().kind(), ErrorKind::DType, "{text}");
    }
}

#[test]
fn a_record_told_by_offsets_is_no_text_of_a_header_but_one_of_a_dtype() {
    const CHILD: &str = "{'names': ['c'], 'formats': ['|u1'], 'offsets': [3], 'itemsize': 4}";
    let text = "{'names': ['b', 'a'], 'formats': [('<f4', (2,)), {'names': ['c'], 'formats': ['|u1'], 'offsets': [3], \
                'itemsize': 4}], 'offsets': [4, 0], 'titles': [None, 'A'], 'itemsize': 16}";
    let dtype: DType = text.parse().unwrap();
    assert_eq!((dtype.itemsize(), dtype.field("b").unwrap().0, dtype.field("a.c").unwrap().0), (16, 4, 3));
    assert_eq!(dtype.to_string(), text.replace(CHILD, "[('', '|V3'), ('c', '|u1')]"));
    assert!(DType::from_descr(text).unwrap_err().to_string().starts_with("expected a type in quotes or a list"));
}

#[test]
fn what_numpy_lays_out_itself_in_a_record_told_by_a_dict() {
    let itemsize_and_offsets = |text: &str| {
        let dtype: DType = text.parse().unwrap();
        (dtype.itemsize(), dtype.fields().iter().map(|field| field.offset).collect::<Vec<_>>())
    };
    let packed = "{'names': ['a', 'b', 'c'], 'formats': ['u1', '<i4', 'u1']}";
    let aligned = "{'names': ['a', 'b', 'c'], 'formats': ['u1', '<i4', 'u1'], 'aligned': True}";
    let overlapping = "{'names': ['whole', 'half'], 'formats': ['<u4', '<u2'], 'offsets': [0, 2]}";
    assert_eq!(itemsize_and_offsets(packed), (6, vec![0, 1, 5]));
    assert_eq!(itemsize_and_offsets(aligned), (12, vec![0, 4, 8]));
    assert_eq!(itemsize_and_offsets(overlapping), (4, vec![0, 2]));
    assert_eq!(itemsize_and_offsets("{'names': [], 'formats': []}"), (0, vec![]));
}

#[test]
fn a_record_told_by_a_dict_is_refused_where_it_does_not_fit() {
    for (text, expected) in [
        ("{}", "expected a record with its 'names' and its 'formats'"),
        ("{'a': ('<i4', 0)}", "expected one of 'names', 'formats', 'offsets', 'titles', 'aligned', 'itemsize' (at"),
        (
            "{'names': ['a', 'b'], 'formats': ['<i4']}",
            "expected 2 entries, one for each name; found 1 (at character 34",
        ),
        ("{'names': 'a', 'formats': ['<i4']}", "expected a list (at character 11"),
        ("{'names': ['a'], 'formats': ['<i4'], 'offsets': [-1]}", "-1 bytes; expected 0 to 2147483647"),
        ("{'names': ['a'], 'formats': ['<i4'], 'offsets': [2147483647]}", "a record of more than 2147483647 bytes"),
        // With the bytes behind the last field that make an aligned one a multiple of 2.
        (
            "{'names': ['a', 'b'], 'formats': ['<i2', 'V2147483645'], 'aligned': True}",
            "a record of more than 2147483647 bytes",
        ),
        (
            "{'names': ['c'], 'formats': [[('a', '<i2'), ('b', 'V2147483645')]], 'aligned': True}",
            "a record of more than 2147483647 bytes",
        ),
        (
            "{'names': ['a'], 'formats': ['<i4'], 'itemsize': 3}",
            "the field \"a\" of 4 bytes at offset 0 extends beyond",
        ),
        (
            "{'names': ['a'], 'formats': ['<i4'], 'offsets': [2], 'aligned': True}",
            "an offset of 2, but the offset of this aligned field",
        ),
        (
            "{'names': ['a'], 'formats': ['<i4'], 'itemsize': 6, 'aligned': True}",
            "6 bytes, which is not a multiple of the alignment, 4",
        ),
        ("{'names': ['a', 'a'], 'formats': ['<i4', '<i4']}", "the name \"a\" occurs twice"),
        ("{'names': ['a'], 'formats': ['<i4'], 'aligned': 1}", "expected True or False"),
        ("{'names': [1], 'formats': ['<i4']}", "expected the name of a field, a string"),
    ] {
        let error = text.parse::<DType>().unwrap_err();
        assert!(error.to_string().starts_with(expected), "{text}: {error}");
    }
}
