use super::*;
use std::error::Error as _;

#[test]
fn the_text_names_the_file_and_the_cause() {
    let error = Error::io("open the file", io::ErrorKind::NotFound.into()).in_file(Some(Path::new("a/b")));
    assert_eq!(error.to_string(), "a/b: cannot open the file: entity not found");
    assert!(error.source().is_none(), "the text has it");
    assert_eq!(error.io_error().unwrap().kind(), io::ErrorKind::NotFound);
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::NotFound);
}

/// Returns the first reason, or the one after another; each comes once.
fn reason_after(reason: Option<&Reason>) -> Option<Reason> {
    use Reason::*;
    let (text, io) = (String::new, || io::Error::from(io::ErrorKind::NotFound));
    let Some(reason) = reason else { return Some(Io { action: "read", source: io() }) };
    Some(match reason {
        Io { .. } => Other(io()),
        Other(_) => NotRegularFile { found: "a pipe", wanted: "mapped", advice: "" },
        NotRegularFile { .. } => EmptyFile,
        EmptyFile => PastEnd { what: text(), offset: 0, needed: 2, file_len: 1, hint: "" },
        PastEnd { .. } => Truncated { first: 1, end: 2, file_len: 1 },
        Truncated { .. } => Changed,
        Changed => Replaced(text()),
        Replaced(_) => OffsetPastEnd { offset: 2, file_len: 1 },
        OffsetPastEnd { .. } => PartialElement {
            offset: 0,
            file_len: 3,
            available: 3,
            unit: "elements",
            unit_bytes: 2,
            tail: 1,
            fit: text(),
        },
        PartialElement { .. } => Misaligned { offset: 1, align: 2, next: 2, element: text(), advice: text() },
        Misaligned { .. } => Shape(text()),
        Shape(_) => Overflow { what: "the array", detail: text() },
        Overflow { .. } => OutOfRange(text()),
        OutOfRange(_) => NotContiguous(text()),
        NotContiguous(_) => SizeMismatch(text()),
        #[cfg(any(feature = "npz", feature = "tar"))]
        SizeMismatch(_) => Archive(text()),
        #[cfg(any(feature = "npz", feature = "tar"))]
        Archive(_) => Header(text()),
        #[cfg(not(any(feature = "npz", feature = "tar")))]
        SizeMismatch(_) => Header(text()),
        Header(_) => DType(text()),
        DType(_) => Literal { what: text(), place: text() },
        Literal { .. } => DTypeMismatch(text()),
        DTypeMismatch(_) => UnknownField(text()),
        UnknownField(_) => InvalidValue(text()),
        InvalidValue(_) => NotImmutable { source: io() },
        NotImmutable { .. } => Locked(text()),
        Locked(_) => Sidecar(text()),
        Sidecar(_) => Unsupported(text()),
        Unsupported(_) => return None,
    })
}

#[test]
fn every_reason_has_the_io_kind_that_the_table_states() {
    // The rows of the table at `Error`: what is in the left cell, and in the right one.
    let rows = include_str!("../error.rs").lines().filter_map(|line| line.strip_prefix("/// | "));
    let rows: Vec<_> = rows.filter_map(|row| row.strip_suffix(" |")?.split_once(" | ")).skip(2).collect();
    let stated = |kind: ErrorKind, damaged: bool| {
        let link = format!("(ErrorKind::{kind:?})");
        let others = if damaged { "all others, if a header, " } else { "all others, if the request " };
        let find = |text: &str| rows.iter().find(|(kinds, _)| kinds.contains(text)).map(|&(_, stated)| stated);
        find(&link).or_else(|| find(others)).unwrap().trim_matches('`')
    };
    let (mut last, mut count) = (None, 0);
    while let Some(reason) = reason_after(last.as_ref()) {
        for damaged in [false, true] {
            let error = reason_after(last.as_ref()).unwrap().error().in_file(Some(Path::new("a")));
            let error = if damaged { error.damaged() } else { error };
            let expected = match stated(error.kind(), damaged) {
                "that of the operating system" => "NotFound",
                stated => stated,
            };
            assert_eq!(format!("{:?}", io::Error::from(error).kind()), expected, "{reason:?}");
        }
        (last, count) = (Some(reason), count + 1);
    }
    assert!(count > 20, "{count} reasons");
}

#[test]
fn the_first_place_to_name_a_file_wins() {
    let error = Error::shape("no").in_file(Some(Path::new("inner"))).in_file(Some(Path::new("outer")));
    assert_eq!(error.path(), Some(Path::new("inner")));
}

#[test]
fn type_names_lose_their_modules() {
    assert_eq!(short_name("f32"), "f32");
    assert_eq!(short_name("my_crate::ticks::Trade"), "Trade");
    assert_eq!(short_name("[a::B; 3]"), "[B; 3]");
    assert_eq!(short_name("a::Le<b::c::Wide<d::E>, f64>"), "Le<Wide<E>, f64>");
    assert_eq!(by_order("[Endian<Ucs4<3>, LittleEndian>; 2]"), "[Le<Ucs4<3>>; 2]");
    assert_eq!(by_order("Pair<Endian<f32, BigEndian>, Endian<u8, LittleEndian>>"), "Pair<Be<f32>, Le<u8>>");
    assert_eq!(by_order("Endian<f32, Mine>"), "Endian<f32, Mine>");
}

#[test]
fn no_text_is_said_twice_along_the_sources() {
    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] io::Error);
    let inner = || io::Error::other(Outer(io::Error::other("inner")));
    let errors = [
        Error::io("open the file", inner()),
        Error::io("open the file", io::ErrorKind::NotFound.into()),
        Reason::NotImmutable { source: inner() }.error(),
        inner().into(),
        Error::shape("no"),
    ];
    for error in errors {
        let (mut texts, mut next) = (vec![error.to_string()], error.source());
        while let Some(source) = next {
            let text = source.to_string();
            assert!(texts.iter().all(|said| !said.contains(&text)), "{text} after {texts:?}");
            texts.push(text);
            next = source.source();
        }
    }
}

#[test]
fn an_error_that_was_an_io_error_meanwhile_is_itself_again() {
    let error = Error::from(io::Error::from(Error::shape("no").in_file(Some(Path::new("a")))));
    assert_eq!((error.kind(), error.path()), (ErrorKind::Shape, Some(Path::new("a"))));
    let error = Error::from(io::Error::from(io::ErrorKind::NotFound));
    assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Io, "entity not found"));
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::NotFound);
    let error = Error::from(io::Error::from_raw_os_error(2));
    assert_eq!(io::Error::from(error).raw_os_error(), Some(2));
    let error = io::Error::from(Error::from(io::Error::from_raw_os_error(2)).in_file(Some(Path::new("a"))));
    assert_eq!(error.to_string(), format!("a: {}", io::Error::from_raw_os_error(2)));
}

#[test]
fn it_is_small_and_crosses_threads() {
    fn check<T: Send + Sync + 'static>() {}
    check::<Error>();
    assert_eq!(size_of::<Error>(), size_of::<usize>());
}
