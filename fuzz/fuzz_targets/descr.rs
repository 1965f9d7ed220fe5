//! Parses arbitrary texts as dtypes. Each text is accepted or refused without a panic, in memory that its length
//! bounds. An error states a position in the text. A dtype is written as text that parses as the same dtype.
//!
//! The text may be followed by a NUL, which no valid text contains, and the path of a field to look up.

#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use mmap_array::{DType, Error, ErrorKind, dtype::Endianness};
use mmap_array_fuzz::{panic_without_limit, within};

/// The memory that each operation may take: `BYTES`, and `BYTES_PER_BYTE` for each byte of text. Elements with two
/// bytes of text, `1,`, become nodes of 40 bytes in vectors that grow by doubling, and lines of C are indented by their
/// depth.
const BYTES: usize = 16 << 10;
const BYTES_PER_BYTE: usize = 400;

fuzz_target!(init: panic_without_limit(), |input: &[u8]| -> Corpus {
    let Ok(input) = str::from_utf8(input) else { return Corpus::Reject };
    let (text, path) = input.split_once('\0').unwrap_or((input, input));
    let memory = BYTES + BYTES_PER_BYTE * input.len();
    assert!(!input.contains('\0') || within(memory, || DType::from_descr(input).is_err()));
    let parsed = within(memory, || text.parse::<DType>());
    match within(memory, || DType::from_descr(text)) {
        Ok(dtype) => {
            assert_eq!(parsed.as_ref().ok(), Some(&dtype));
            check(&dtype, path, memory);
        }
        Err(error) => {
            check_error(text, &error);
            match parsed {
                // A type without its quotes, or a record described by offsets.
                Ok(dtype) => check(&dtype, path, memory),
                Err(error) => check_error(text, &error),
            }
        }
    }
    Corpus::Keep
});

fn check(dtype: &DType, path: &str, memory: usize) {
    // No header can express fields that overlap or are out of order.
    let descr = within(memory, || dtype.descr());
    if let Ok(descr) = &descr {
        assert_eq!(DType::from_descr(descr).as_ref().ok(), Some(dtype), "{descr}");
        assert_eq!(&DType::from_descr(descr).unwrap().descr().unwrap(), descr);
    }
    let shown = within(memory, || dtype.to_string());
    assert_eq!(shown.parse::<DType>().as_ref().ok(), Some(dtype), "{shown}");
    assert_eq!(within(memory, || format!("{dtype:?}")), format!("DType({shown})"));
    assert!(!within(memory, || dtype.to_c()).is_empty());

    for (order, other) in [(Endianness::Little, Endianness::Big), (Endianness::Big, Endianness::Little)] {
        let turned = within(memory, || dtype.clone().with_endianness(order));
        assert_eq!(turned.itemsize(), dtype.itemsize());
        assert_eq!(turned.clone().with_endianness(other).with_endianness(order), turned);
        assert_eq!(turned.to_string().parse::<DType>().as_ref().ok(), Some(&turned));
        let difference = within(memory, || turned.first_difference(dtype).is_some());
        assert_eq!(difference, turned != *dtype);
    }

    match within(memory, || dtype.field(path)) {
        Ok((offset, part)) => assert!(offset + part.itemsize() <= dtype.itemsize()),
        Err(error) => assert_eq!(error.kind(), ErrorKind::UnknownField),
    }
    let mut end = 0;
    for field in dtype.fields() {
        assert!(field.offset >= end || descr.is_err());
        end = end.max(field.offset + field.dtype.itemsize());
        for name in [Some(&field.name), field.title.as_ref()].into_iter().flatten() {
            assert_eq!(dtype.field(name).unwrap(), (field.offset, &field.dtype));
        }
        let nested = format!("{}.{path}", field.name);
        if let Ok((offset, part)) = within(memory, || dtype.field(&nested)) {
            assert!(offset + part.itemsize() <= dtype.itemsize());
        }
    }
    assert!(end <= dtype.itemsize() && dtype.itemsize() <= 2147483647);
}

/// Checks that the position that an error states is in the text, and that the text that the error shows is there.
fn check_error(text: &str, error: &Error) {
    assert_eq!(error.kind(), ErrorKind::DType);
    let message = error.to_string();
    let shown_at = |position: usize| {
        let rest = text.chars().skip(position - 1);
        let more = if rest.clone().nth(24).is_some() { "…" } else { "" };
        format!("before {:?})", rest.take(24).collect::<String>() + more)
    };
    // The message quotes the text, which may contain anything.
    let found = message.split("(at character ").skip(1).any(|told| {
        let digits = told.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        let position = digits.parse().ok().filter(|position| (1..=text.chars().count()).contains(position));
        position.is_some_and(|position| message.ends_with(&shown_at(position)))
    });
    let at_the_end = message.contains("(at the end, after ");
    assert!(found || at_the_end || text.is_empty() && message.ends_with("(in an empty text)"), "{text:?}: {message}");
}
