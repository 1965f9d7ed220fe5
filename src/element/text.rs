//! Helpers for text of a fixed size, truth values and opaque bytes: NumPy's `S`, `U`, `b1` and `V`.
//!
//! The elements of an array have one size, so its strings have the length of the longest, padded with zeros. Rust's
//! `str` and `bool` forbid most bit patterns, and a mapped file may contain any of them, so these types accept every
//! pattern and check it when a value is requested: bytes that are not UTF-8, codes that are not characters, a truth
//! value of 2.

use crate::dtype::repr;
use crate::error::Error;
use std::fmt;

pub(crate) fn trimmed<T: Default + PartialEq>(units: &[T]) -> &[T] {
    let end = units.iter().rposition(|unit| *unit != T::default()).map_or(0, |last| last + 1);
    &units[..end]
}

/// The number of bytes or characters of a text that an error shows if the text is too long.
pub(super) const SHOWN: usize = 40;

pub(super) fn too_long(start: &dyn fmt::Debug, len: usize, unit: &str, most: usize) -> Error {
    let more = if len > SHOWN { "…" } else { "" };
    Error::invalid_value(format!("{start:?}{more} has {len} {unit}, but at most {most} fit"))
}

/// Returns the characters as Python's `repr`: `'abc\n'`, a lone surrogate as `'\ud800'`.
pub(crate) fn units_repr(units: &[u32]) -> String {
    let quote = repr::quote(units.contains(&'\''.into()), units.contains(&'"'.into()));
    let mut text = String::from(quote);
    units.iter().for_each(|&unit| repr::push_character(&mut text, unit, quote));
    text.push(quote);
    text
}

/// Returns opaque bytes as NumPy prints them: `b'\x61\x00'`.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("\\x{byte:02X}")).collect();
    format!("b'{digits}'")
}

/// Bytes whose `Debug` is Python's `repr`.
pub(crate) struct Repr<'a>(pub(crate) &'a [u8]);

impl fmt::Debug for Repr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quote = repr::quote(self.0.contains(&b'\''), self.0.contains(&b'"'));
        let mut text = format!("b{quote}");
        for &byte in self.0 {
            if byte.is_ascii() {
                repr::push_character(&mut text, byte.into(), quote);
            } else {
                text += &format!("\\x{byte:02x}");
            }
        }
        text.push(quote);
        f.write_str(&text)
    }
}

#[cfg(test)]
mod tests {
    use crate::dtype::{Endianness, Kind};
    use crate::element::endian::{Be, Le};
    use crate::element::{Bool, Bytes, Element, Ucs4, Void};
    use crate::error::ErrorKind;
    use std::collections::HashMap;

    // What Python shows was seen with NumPy 2.4.6.

    #[test]
    fn zeros_at_the_end_are_no_text_and_those_within_are() {
        assert_eq!(Bytes::from(*b"a\0b\0\0").as_bytes(), b"a\0b");
        assert_eq!(Bytes::from(*b"\0\0").as_bytes(), b"");
        assert_eq!(Bytes::from(*b"abc").as_bytes(), b"abc");
        assert_eq!(Ucs4::from([97, 0, 98, 0]).units(), [97, 0, 98]);
        assert_eq!(Bytes::<0>::default().as_bytes(), b"");
        assert_eq!(Ucs4::<0>::new("").unwrap().units(), [0_u32; 0]);
    }

    #[test]
    fn text_that_is_too_long_is_refused_and_not_cut() {
        assert_eq!(Bytes::<3>::new(b"abc").unwrap(), b"abc");
        assert_eq!(Bytes::<3>::new(b"abc\0\0").unwrap(), b"abc");
        let error = Bytes::<3>::new(b"abcd").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidValue);
        assert_eq!(error.to_string(), "b'abcd' has 4 bytes, but at most 3 fit");
        assert_eq!(Ucs4::<3>::new("äöü").unwrap(), "äöü");
        let error = "äöüß".parse::<Ucs4<3>>().unwrap_err();
        assert_eq!(error.to_string(), "\"äöüß\" has 4 characters, but at most 3 fit");
        assert!(Bytes::<10>::new(vec![7; 1 << 20]).unwrap_err().to_string().len() < 300);
        assert!(Ucs4::<10>::new("é".repeat(1 << 20)).unwrap_err().to_string().len() < 300);
    }

    #[test]
    fn texts_compare_as_numpy_compares_them_whatever_their_room() {
        assert_eq!(Bytes::from(*b"ab"), Bytes::from(*b"ab\0\0"));
        assert!(Bytes::from(*b"ab") < Bytes::from(*b"b\0\0"));
        assert!(Bytes::from(*b"a\x7f") < Bytes::from(*b"a\x80"));
        assert_eq!(Bytes::from(*b"ab\0"), "ab");
        assert_ne!(Bytes::from(*b"ab\0"), b"abc");
        assert!(Ucs4::from([0xffff]) < Ucs4::from([0x10000, 0]));
        assert_eq!(Ucs4::<5>::new("naïf").unwrap(), "naïf");
        assert_ne!(Ucs4::from([0xd800]), "\u{fffd}");
        let ages = HashMap::from([(Bytes::<8>::new("ada").unwrap(), 36)]);
        assert_eq!(ages.get(&b"ada"[..]), Some(&36));
    }

    #[test]
    fn bytes_show_as_in_python() {
        assert_eq!(format!("{:?}", Bytes::from(*b"abc\0")), "b'abc'");
        assert_eq!(format!("{:?}", Bytes::from(*b"it's")), r#"b"it's""#);
        assert_eq!(format!("{:?}", Bytes::from(*b"q\"'\\\n\t\r\x7f\xff\0z")), r#"b'q"\'\\\n\t\r\x7f\xff\x00z'"#);
        assert_eq!(format!("{:-}", Bytes::from(*b"abc\0")), "b'abc'");
        assert_eq!(format!("{:>5}|{:<5}|", Bytes::from(*b"abc\0"), Bytes::from(*b"\xff")), "  abc|\u{fffd}    |");
    }

    #[test]
    fn characters_show_as_in_python() {
        let shown = |text: &str| format!("{:?}", Ucs4::<16>::new(text).unwrap());
        assert_eq!(shown("abc"), "'abc'");
        assert_eq!(shown("it's"), r#""it's""#);
        assert_eq!(shown("q\"'\\\n\t\r\0\x7f\u{a0}é"), r#"'q"\'\\\n\t\r\x00\x7f\xa0é'"#);
        assert_eq!(shown("\u{301}\u{ad}\u{85}\u{2028}\u{e000}\u{1f600}"), r"'́\xad\x85\u2028\ue000😀'");
        assert_eq!(shown("\u{10ffff}"), r"'\U0010ffff'");
        assert_eq!(format!("{:?}", Ucs4::from([0xd83d, 0xde00])), r"'\ud83d\ude00'");
        assert_eq!(format!("{:?}", Ucs4::from([0x11_0000])), r"'\U00110000'");
        assert_eq!(format!("{:-}", Ucs4::from([97, 0])), "'a'");
    }

    #[test]
    fn what_is_no_character_comes_back_as_it_was() {
        let units = [0xd800, 97, u32::MAX, 0];
        let text = Ucs4::from(units);
        assert_eq!(text.to_array(), units);
        assert!(text.chars().eq([Err(0xd800), Ok('a'), Err(u32::MAX)]));
        assert_eq!(text.try_to_string().unwrap_err().kind(), ErrorKind::InvalidValue);
        assert_eq!(text.to_string(), "\u{fffd}a\u{fffd}");
        assert_eq!(Be::new(text).get().to_array(), units);
    }

    #[test]
    fn the_byte_order_of_text_is_that_of_each_character() {
        let text = Ucs4::<2>::new("aé").unwrap();
        assert_eq!(Be::new(text).to_bytes(), [[0, 0, 0, 97], [0, 0, 0, 233]]);
        assert_eq!(Le::new(text).to_bytes(), [[97, 0, 0, 0], [233, 0, 0, 0]]);
        assert_eq!((size_of::<Be<Ucs4<2>>>(), align_of::<Be<Ucs4<2>>>()), (8, 1));
        assert_eq!(Be::<Ucs4<2>>::dtype().kind(), &Kind::Ucs4 { len: 2, order: Endianness::Big });
        assert_eq!(format!("{} {:?}", Be::new(text), Be::new(text)), "aé 'aé'");
        assert_eq!(Be::new(text), Le::new(text));
    }

    #[test]
    fn any_byte_but_zero_is_true() {
        let truths: &[Bool] = bytemuck::cast_slice(&[0_u8, 1, 2, 255]);
        assert_eq!(truths.iter().map(|truth| truth.get()).collect::<Vec<_>>(), [false, true, true, true]);
        assert_eq!(truths[1], truths[3]);
        assert!(truths[0] == false && truths[2] == true);
        assert_eq!(bytemuck::bytes_of(&Bool::from(true)), [1]);
        assert_eq!((!truths[0], truths[2].to_string()), (true, "true".into()));
    }

    #[test]
    fn truths_are_counted() {
        let view = crate::ArrayView::from_slice(&[0_u8, 1, 2, 255], 4).unwrap().view_as::<Bool>().unwrap();
        assert_eq!((view.sum(), view.mean()), (3, Some(0.75)));
        assert_eq!((view.min().map(bool::from), view.max().map(bool::from)), (Some(false), Some(true)));
    }

    #[test]
    fn dtypes_and_sizes() {
        assert_eq!((Bytes::<5>::dtype().kind(), Bytes::<5>::dtype().itemsize()), (&Kind::Bytes { len: 5 }, 5));
        assert_eq!((Ucs4::<5>::dtype().itemsize(), Ucs4::<5>::dtype().alignment()), (20, align_of::<u32>()));
        assert_eq!((Bool::dtype().kind(), Void::<7>::dtype().kind()), (&Kind::Bool, &Kind::Void { len: 7 }));
        assert_eq!((size_of::<Bytes<5>>(), size_of::<Ucs4<5>>(), size_of::<Bool>()), (5, 20, 1));
    }
}
