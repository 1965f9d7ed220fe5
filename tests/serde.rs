//! Descriptions of arrays through serde's formats.
#![cfg(feature = "serde")]

use mmap_array::npy::Header;
use mmap_array::{
    DType, Element, Order,
    dtype::{Endianness, TimeUnit},
};
use serde_json::{Value, from_str, from_value, json, to_string, to_value};
use std::fmt::Debug;

fn there_and_back<T>(value: &T, json: Value)
where
    T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + Debug,
{
    assert_eq!(to_value(value).unwrap(), json);
    assert_eq!(&from_value::<T>(json).unwrap(), value);
    // Out of a reader, texts are not borrowed.
    let text = to_string(value).unwrap();
    assert_eq!(&serde_json::from_reader::<_, T>(text.as_bytes()).unwrap(), value);
}

#[test]
fn a_dtype_is_its_text() {
    let texts = [
        "|u1",
        ">f8",
        "<c16",
        "<M8[25s]",
        "|S5",
        ">U3",
        "[('id', '|u1'), ('', '|V3'), ('xyz', '>f4', (3,))]",
        "[('p', [('x', '<f4'), ('y', '<f4')], (2, 3))]",
        "[((\"it's\", 'naïve \\n \"π\"'), '<i2')]",
        "{'names': ['xyz', 'id'], 'formats': [('>f4', (3,)), '|u1'], 'offsets': [4, 0], 'itemsize': 16}",
        "{'names': ['a', 'b'], 'formats': ['<u4', '<u4'], 'offsets': [0, 0], 'itemsize': 4}",
        "{'names': ['a', 'b'], 'formats': ['<u4', '|u1'], 'offsets': [0, 1], 'titles': ['A', None], 'itemsize': 4}",
        "('<f4', (3,))",
    ];
    for text in texts {
        let dtype: DType = text.parse().unwrap();
        there_and_back(&dtype, json!(dtype.to_string()));
        // Whatever way it is written.
        assert_eq!(from_value::<DType>(json!(text)).unwrap(), dtype);
    }
}

// No type of 32 bits is as large as what cannot be read back.
#[cfg(target_pointer_width = "64")]
#[test]
fn a_dtype_that_cannot_be_read_back_is_not_written() {
    use mmap_array::element::Bytes;
    let most = Bytes::<{ i32::MAX as usize }>::dtype();
    assert_eq!(from_str::<DType>(&to_string(&most).unwrap()).unwrap(), most);
    let more = Bytes::<{ i32::MAX as usize + 1 }>::dtype();
    assert!(to_string(&more).unwrap_err().to_string().contains("could not be read back"), "{more}");
}

#[test]
fn a_header_is_its_dict() {
    for (dtype, shape, order) in [
        (f64::dtype(), vec![], Order::C),
        (u8::dtype(), vec![3], Order::C),
        ("[('π', '<i4'), ('b', '|S3')]".parse().unwrap(), vec![0, 4], Order::F),
    ] {
        let header = Header::new(dtype, shape, order).unwrap();
        there_and_back(&header, json!(header.to_string()));
    }
}

#[test]
fn a_header_says_what_is_in_the_file_and_not_how_the_file_is() {
    let plain = Header::new(u8::dtype(), [3], Order::C).unwrap();
    let special = plain.clone().with_version((3, 0)).unwrap().with_alignment(4096).unwrap();
    assert_ne!(special, plain);
    assert_eq!(to_string(&special).unwrap(), to_string(&plain).unwrap());
    assert_eq!(from_str::<Header>(&to_string(&special).unwrap()).unwrap(), plain);
}

#[test]
fn plain_enums_are_their_names() {
    there_and_back(&Order::C, json!("C"));
    there_and_back(&Order::F, json!("F"));
    there_and_back(&Endianness::Little, json!("Little"));
    there_and_back(&Endianness::Big, json!("Big"));
    for (unit, name) in [
        (TimeUnit::Year, "Year"),
        (TimeUnit::Month, "Month"),
        (TimeUnit::Week, "Week"),
        (TimeUnit::Day, "Day"),
        (TimeUnit::Hour, "Hour"),
        (TimeUnit::Minute, "Minute"),
        (TimeUnit::Second, "Second"),
        (TimeUnit::Millisecond, "Millisecond"),
        (TimeUnit::Microsecond, "Microsecond"),
        (TimeUnit::Nanosecond, "Nanosecond"),
        (TimeUnit::Picosecond, "Picosecond"),
        (TimeUnit::Femtosecond, "Femtosecond"),
        (TimeUnit::Attosecond, "Attosecond"),
        (TimeUnit::Generic, "Generic"),
    ] {
        there_and_back(&unit, json!(name));
    }
}

#[test]
fn what_is_wrong_is_told() {
    let of = |error: serde_json::Error| error.to_string();
    let dtype = |json: &str| of(from_str::<DType>(json).unwrap_err());
    assert!(dtype(r#""<u3""#).starts_with("there is no type \"<u3\""), "{}", dtype(r#""<u3""#));
    assert!(dtype(r#""|O""#).contains("object"), "{}", dtype(r#""|O""#));
    assert!(dtype("8").starts_with("invalid type: integer `8`, expected the text of a NumPy dtype"));
    let deep = format!("\"{}\"", "[('a', ".repeat(50_000));
    assert!(from_str::<DType>(&deep).is_err());

    let header = |json: &str| of(from_str::<Header>(json).unwrap_err());
    assert!(header("null").starts_with("invalid type: null, expected the dict of a `.npy` header"));
    let most = u64::MAX;
    let large = format!("\"{{'descr': '<f8', 'fortran_order': False, 'shape': ({most}, {most})}}\"");
    assert!(from_str::<Header>(&large).is_err());

    let order = |json: &str| of(from_str::<Order>(json).unwrap_err());
    assert!(order(r#""K""#).starts_with("unknown variant `K`, expected `C` or `F`"), "{}", order(r#""K""#));
    assert!(order(r#"{"C": 1}"#).contains("expected unit"), "{}", order(r#"{"C": 1}"#));
}

#[test]
fn formats_without_names_count_the_variants() {
    use serde::de::Deserialize;
    use serde::de::value::{EnumAccessDeserializer, Error, MapAccessDeserializer, MapDeserializer};
    let by_place = |place: u64| {
        let entry = [(place, ())].into_iter();
        let access = MapAccessDeserializer::new(MapDeserializer::<_, Error>::new(entry));
        TimeUnit::deserialize(EnumAccessDeserializer::new(access))
    };
    assert_eq!(by_place(6), Ok(TimeUnit::Second));
    assert_eq!(by_place(13), Ok(TimeUnit::Generic));
    assert!(by_place(14).is_err());
    assert!(by_place(u64::MAX).is_err());
}
