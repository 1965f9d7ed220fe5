//! NumPy's type strings, which describe elements without parts.
//!
//! A type string such as `<f8`, `|S5` or `>M8[25s]` consists of byte order, kind, size, and the unit of times. NumPy
//! writes only this form, but reads more: sizes as C's `strtol` parses them, names such as `float64`, letters such as
//! `d`. This module also reads those that have the same meaning on every machine, and the names of ml_dtypes' floats,
//! which NumPy knows once that package is imported, as opaque bytes, which is what NumPy writes for their arrays. It
//! refuses those whose meaning depends on the C compiler of the machine (`l`, `int`, `longdouble`), since a file must
//! not change with the machine that reads it.

use super::{DType, Endianness, Kind, TimeUnit};
use std::fmt::Write as _;

/// The maximum size of an element in bytes: NumPy counts them in a C `int`.
pub(super) const MAX_ITEMSIZE: usize = i32::MAX as usize;

/// The units and NumPy's names for them.
const UNITS: [(&str, TimeUnit); 14] = [
    ("Y", TimeUnit::Year),
    ("M", TimeUnit::Month),
    ("W", TimeUnit::Week),
    ("D", TimeUnit::Day),
    ("h", TimeUnit::Hour),
    ("m", TimeUnit::Minute),
    ("s", TimeUnit::Second),
    ("ms", TimeUnit::Millisecond),
    ("us", TimeUnit::Microsecond),
    ("ns", TimeUnit::Nanosecond),
    ("ps", TimeUnit::Picosecond),
    ("fs", TimeUnit::Femtosecond),
    ("as", TimeUnit::Attosecond),
    ("generic", TimeUnit::Generic),
];

/// Appends the type string of a kind without parts, `dtype.str`; nothing for other kinds.
pub(super) fn push(out: &mut String, kind: &Kind) {
    let mark = |size: usize, order: &Endianness| match (size, order) {
        (1, _) => '|',
        (_, Endianness::Little) => '<',
        (_, Endianness::Big) => '>',
    };
    // Writing to a string does not fail.
    let _ = match kind {
        Kind::Bool => write!(out, "|b1"),
        Kind::Int { size, order } => write!(out, "{}i{size}", mark(*size, order)),
        Kind::UInt { size, order } => write!(out, "{}u{size}", mark(*size, order)),
        Kind::Float { size, order } => write!(out, "{}f{size}", mark(*size, order)),
        Kind::Complex { size, order } => write!(out, "{}c{size}", mark(*size, order)),
        Kind::Bytes { len } => write!(out, "|S{len}"),
        Kind::Ucs4 { len, order } => write!(out, "{}U{len}", mark(4, order)),
        Kind::Void { len } => write!(out, "|V{len}"),
        Kind::DateTime64 { unit, count, order } => {
            write!(out, "{}M8{}", mark(8, order), Counted(*unit, *count))
        }
        Kind::TimeDelta64 { unit, count, order } => {
            write!(out, "{}m8{}", mark(8, order), Counted(*unit, *count))
        }
        Kind::Array { .. } | Kind::Record { .. } => Ok(()),
    };
}

/// A unit and its count as `[25s]`, `[ns]`, or nothing for the generic unit.
pub(super) struct Counted(pub(super) TimeUnit, pub(super) u32);

impl std::fmt::Display for Counted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = UNITS.iter().find(|(_, unit)| *unit == self.0).map_or("", |(name, _)| name);
        match (self.0, self.1) {
            (TimeUnit::Generic, _) => Ok(()),
            (_, 1) => write!(f, "[{name}]"),
            (_, count) => write!(f, "[{count}{name}]"),
        }
    }
}

/// Parses a type string: the part of `numpy.dtype(str)` that describes one element without parts. An error describes
/// what is wrong.
pub(super) fn parse(text: &str) -> Result<DType, String> {
    let unknown = || Err(format!("there is no type {text:?}"));
    if is_list(text) {
        return Err(format!("{text:?} describes several elements: write a list of fields, or a field with a shape"));
    }
    let (order, word) = match text.as_bytes().first() {
        Some(b'<') => (Endianness::Little, &text[1..]),
        Some(b'>') => (Endianness::Big, &text[1..]),
        Some(b'=' | b'|') => (Endianness::NATIVE, &text[1..]),
        _ => (Endianness::NATIVE, text),
    };
    for (names, point) in [(["M8", "datetime64"], true), (["m8", "timedelta64"], false)] {
        if let Some(unit) = names.iter().find_map(|name| word.strip_prefix(name)) {
            let (unit, count) = time_unit(unit)?;
            let kind = match point {
                true => Kind::DateTime64 { unit, count, order },
                false => Kind::TimeDelta64 { unit, count, order },
            };
            return DType::scalar(kind).map_err(|error| error.to_string());
        }
    }
    let mut letters = word.chars();
    let (Some(letter), rest) = (letters.next(), letters.as_str()) else { return unknown() };
    let kind = match strtol(rest) {
        // As `S`, but without an order.
        _ if text == "a" => Found::Kind(Kind::Bytes { len: 0 }),
        _ if rest.is_empty() => by_letter(letter, order),
        Some((size, "")) => sized(letter, size, order),
        // A name has no order in front of it.
        _ if word.len() == text.len() => by_name(word),
        _ => return unknown(),
    };
    match kind {
        Found::Kind(kind) => DType::scalar(kind).or_else(|_| unknown()),
        Found::Objects => Err(format!(
            "{text:?} denotes Python objects, which this crate never unpickles; save them as numbers, text or records"
        )),
        Found::Varies(fixed) => Err(format!("the size of {text:?} depends on the machine: write {fixed}")),
        Found::Nothing => unknown(),
    }
}

/// Returns whether a text is one that NumPy reads as more than one type or a repeated one: `i4,f8`, `3i4`, `(2,)i4`.
pub(super) fn is_list(text: &str) -> bool {
    let word = text.strip_prefix(['<', '>', '=', '|']).unwrap_or(text);
    let mut brackets = 0_i32;
    let commas = text.chars().any(|character| {
        brackets += i32::from(character == '[') - i32::from(character == ']');
        character == ',' && brackets == 0
    });
    word.starts_with(|first: char| first.is_ascii_digit()) || word.starts_with('(') || commas
}

enum Found {
    Kind(Kind),
    /// A type whose size depends on the machine's C compiler, and what to write instead.
    Varies(&'static str),
    Objects,
    Nothing,
}

const VARIES_INT: Found = Found::Varies("<i4 or <i8");
const VARIES_FLOAT: &str = "<f8, <f12 or <f16";
const VARIES_COMPLEX: &str = "<c16, <c24 or <c32";
const VARIES_UINT: Found = Found::Varies("<u4 or <u8");

/// Returns the kind of a letter and a size, such as `f8` or `S5`.
fn sized(letter: char, size: i64, order: Endianness) -> Found {
    let Some(size) = usize::try_from(size).ok().filter(|&size| size <= MAX_ITEMSIZE) else { return Found::Nothing };
    Found::Kind(match letter {
        'b' if size == 1 => Kind::Bool,
        'i' => Kind::Int { size, order },
        'u' => Kind::UInt { size, order },
        // ml_dtypes' `float8_e5m2`: so NumPy writes it, and does not read it. No dtype of NumPy's says what it means.
        'f' if size == 1 => Kind::Void { len: 1 },
        'f' => Kind::Float { size, order },
        'c' => Kind::Complex { size, order },
        // `a` is an old name of `S`.
        'S' | 'a' => Kind::Bytes { len: size },
        'U' if size <= MAX_ITEMSIZE / 4 => Kind::Ucs4 { len: size, order },
        'V' => Kind::Void { len: size },
        // `M8` itself, which may have a unit, is read before; this is `M08`.
        'M' if size == 8 => Kind::DateTime64 { unit: TimeUnit::Generic, count: 1, order },
        'm' if size == 8 => Kind::TimeDelta64 { unit: TimeUnit::Generic, count: 1, order },
        'O' => return Found::Objects,
        _ => return Found::Nothing,
    })
}

/// Returns the kind of one of NumPy's letters for C types, such as `d`. C's `int` is an `i32` on every machine.
fn by_letter(letter: char, order: Endianness) -> Found {
    Found::Kind(match letter {
        '?' => Kind::Bool,
        'b' => Kind::Int { size: 1, order },
        'h' => Kind::Int { size: 2, order },
        'i' => Kind::Int { size: 4, order },
        'q' => Kind::Int { size: 8, order },
        'B' => Kind::UInt { size: 1, order },
        'H' => Kind::UInt { size: 2, order },
        'I' => Kind::UInt { size: 4, order },
        'Q' => Kind::UInt { size: 8, order },
        'e' => Kind::Float { size: 2, order },
        'f' => Kind::Float { size: 4, order },
        'd' => Kind::Float { size: 8, order },
        'F' => Kind::Complex { size: 8, order },
        'D' => Kind::Complex { size: 16, order },
        'S' => Kind::Bytes { len: 0 },
        'c' => Kind::Bytes { len: 1 },
        'U' => Kind::Ucs4 { len: 0, order },
        'V' => Kind::Void { len: 0 },
        'M' => Kind::DateTime64 { unit: TimeUnit::Generic, count: 1, order },
        'm' => Kind::TimeDelta64 { unit: TimeUnit::Generic, count: 1, order },
        'l' | 'n' | 'p' => return VARIES_INT,
        'L' | 'N' | 'P' => return VARIES_UINT,
        'g' => return Found::Varies(VARIES_FLOAT),
        'G' => return Found::Varies(VARIES_COMPLEX),
        'O' => return Found::Objects,
        _ => return Found::Nothing,
    })
}

/// Returns the kind of a name of a NumPy type, such as `float64`.
fn by_name(name: &str) -> Found {
    let native = Endianness::NATIVE;
    Found::Kind(match name {
        "bool" | "bool_" => Kind::Bool,
        "int8" | "byte" => Kind::Int { size: 1, order: native },
        "int16" | "short" => Kind::Int { size: 2, order: native },
        "int32" | "intc" => Kind::Int { size: 4, order: native },
        "int64" | "longlong" => Kind::Int { size: 8, order: native },
        "uint8" | "ubyte" => Kind::UInt { size: 1, order: native },
        "uint16" | "ushort" => Kind::UInt { size: 2, order: native },
        "uint32" | "uintc" => Kind::UInt { size: 4, order: native },
        "uint64" | "ulonglong" => Kind::UInt { size: 8, order: native },
        "float16" | "half" => Kind::Float { size: 2, order: native },
        "float32" | "single" => Kind::Float { size: 4, order: native },
        "float64" | "double" | "float" => Kind::Float { size: 8, order: native },
        "float96" => Kind::Float { size: 12, order: native },
        "float128" => Kind::Float { size: 16, order: native },
        "complex64" | "csingle" => Kind::Complex { size: 8, order: native },
        "complex128" | "cdouble" | "complex" => Kind::Complex { size: 16, order: native },
        "complex192" => Kind::Complex { size: 24, order: native },
        "complex256" => Kind::Complex { size: 32, order: native },
        "bytes" | "bytes_" => Kind::Bytes { len: 0 },
        "str" | "str_" | "unicode" => Kind::Ucs4 { len: 0, order: native },
        "void" => Kind::Void { len: 0 },
        // ml_dtypes', whose arrays NumPy writes as `<V2` and `<V1`.
        "bfloat16" => Kind::Void { len: 2 },
        "float8_e3m4" | "float8_e4m3" | "float8_e4m3b11fnuz" | "float8_e4m3fn" | "float8_e4m3fnuz" | "float8_e5m2"
        | "float8_e5m2fnuz" | "float8_e8m0fnu" => Kind::Void { len: 1 },
        "int" | "int_" | "intp" | "long" => return VARIES_INT,
        "uint" | "uintp" | "ulong" => return VARIES_UINT,
        "longdouble" => return Found::Varies(VARIES_FLOAT),
        "clongdouble" => return Found::Varies(VARIES_COMPLEX),
        "object" | "object_" => return Found::Objects,
        _ => return Found::Nothing,
    })
}

/// Parses the text after `M8`: nothing, or a unit and its count in brackets.
fn time_unit(text: &str) -> Result<(TimeUnit, u32), String> {
    if text.is_empty() {
        return Ok((TimeUnit::Generic, 1));
    }
    let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let inner = inner.ok_or_else(|| format!("{text:?} is not a unit in brackets, such as [ns] or [25s]"))?;
    let (count, name) = strtol(inner).unwrap_or((1, inner));
    let count = u32::try_from(count).ok().filter(|count| (1..=i32::MAX.unsigned_abs()).contains(count));
    let count =
        count.ok_or_else(|| format!("{text:?} has a count of units that is less than 1 or more than 2147483647"))?;
    // Greek mu.
    let name = if name == "μs" { "us" } else { name };
    match UNITS.iter().find(|(unit, _)| *unit == name) {
        Some((_, TimeUnit::Generic)) => Ok((TimeUnit::Generic, 1)),
        Some((_, unit)) => Ok((*unit, count)),
        None => {
            let units = UNITS.map(|(unit, _)| unit).join(", ");
            Err(format!("there is no unit {name:?}; the units are {units}"))
        }
    }
}

/// Parses an integer at the start of the text, and returns the rest, by the rules of the C function of this name, which
/// NumPy uses: white space and a sign may precede the digits. A number beyond `i64::MAX` becomes `i64::MAX`.
fn strtol(text: &str) -> Option<(i64, &str)> {
    let signed = text.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
    let digits = signed.strip_prefix(['+', '-']).unwrap_or(signed);
    let end = digits.find(|next: char| !next.is_ascii_digit()).unwrap_or(digits.len());
    let (digits, rest) = digits.split_at(end);
    if digits.is_empty() {
        return None;
    }
    let value = digits.parse().unwrap_or(i64::MAX);
    Some((if signed.starts_with('-') { -value } else { value }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the type string that is written for the type that the text names.
    fn written(text: &str) -> String {
        let dtype = parse(text).unwrap_or_else(|error| panic!("{error}"));
        let mut out = String::new();
        push(&mut out, dtype.kind());
        out
    }

    /// NumPy 2.4.6 on a little-endian machine.
    #[cfg(target_endian = "little")]
    #[test]
    fn each_way_of_naming_a_type() {
        for (texts, as_written) in [
            ("|b1 b1 >b1 ? <? bool bool_", "|b1"),
            ("|i1 i1 <i1 >i1 b int8 byte", "|i1"),
            ("<u1 B uint8 ubyte", "|u1"),
            ("<i4 =i4 i4 |i4 i <i intc int32 i+4 i04", "<i4"),
            (">u8 >Q", ">u8"),
            ("f2 e half float16", "<f2"),
            ("f4 f single", "<f4"),
            ("f8 d double float float64", "<f8"),
            (">f16", ">f16"),
            ("f16 float128", "<f16"),
            // NumPy's on i386.
            ("f12 float96", "<f12"),
            (">c24", ">c24"),
            ("c8 F csingle complex64", "<c8"),
            ("c16 D complex", "<c16"),
            (">c32", ">c32"),
            ("|S5 S5 >S5 a5 S05", "|S5"),
            ("S |S0 bytes a", "|S0"),
            ("c", "|S1"),
            ("<U3 U3 |U3", "<U3"),
            (">U3", ">U3"),
            ("U str unicode", "<U0"),
            ("|V8 V8 <V8", "|V8"),
            ("<V1 <f1 >f1 float8_e5m2 float8_e4m3fn float8_e8m0fnu", "|V1"),
            ("<V2 bfloat16", "|V2"),
            ("V void", "|V0"),
            ("M8 M <M8 datetime64 M8[generic] M8[7generic] M08", "<M8"),
            (">M8[ns] >datetime64[ns]", ">M8[ns]"),
            ("M8[us] M8[μs] M8[1us]", "<M8[us]"),
            (">m+8", ">m8"),
            ("m8[2W] timedelta64[+2W]", "<m8[2W]"),
            ("M8[2147483647as]", "<M8[2147483647as]"),
            ("S2147483647", "|S2147483647"),
            ("U536870911", "<U536870911"),
        ] {
            for text in texts.split(' ') {
                assert_eq!(written(text), as_written, "{text}");
            }
        }
        assert_eq!(written("f 8"), "<f8");
        assert_eq!(written("M8[ 5s]"), "<M8[5s]");
    }

    #[test]
    fn what_is_no_type_says_why() {
        for (text, why) in [
            ("", "there is no type \"\""),
            ("<", "no type"),
            ("<f3", "there is no type \"<f3\""),
            ("i0", "no type"),
            ("|S-1", "no type"),
            ("S2147483648", "no type"),
            ("U536870912", "no type"),
            ("S99999999999999999999", "no type"),
            ("i4 ", "no type"),
            (" i4", "no type"),
            ("|>i4", "no type"),
            ("|a", "no type"),
            ("<float64", "no type"),
            ("<bfloat16", "no type"),
            ("float8", "no type"),
            ("f0x8", "no type"),
            ("?1", "no type"),
            ("é", "no type"),
            ("fé", "no type"),
            ("T", "no type"),
            ("\x0c", "no type"),
            ("|O", "\"|O\" denotes Python objects"),
            ("O8", "Python objects"),
            ("object", "Python objects"),
            ("l", "depends on the machine: write <i4 or <i8"),
            ("uint", "write <u4 or <u8"),
            (">g", "write <f8, <f12 or <f16"),
            ("3i4", "describes several elements"),
            ("<3i4", "describes several elements"),
            ("i4,f8", "describes several elements"),
            ("(2,)i4", "describes several elements"),
            ("M8[xx]", "there is no unit \"xx\"; the units are Y, M, W, D, h, m, s, ms, us, ns, ps, fs, as, generic"),
            ("M8[]", "there is no unit"),
            ("M8[5]", "there is no unit"),
            ("M8[s/2]", "there is no unit"),
            ("M8[s]]", "there is no unit"),
            ("M8ns", "not a unit in brackets"),
            ("M8[s", "not a unit in brackets"),
            ("M08[s]", "no type"),
            ("M4", "no type"),
            ("M8[0s]", "less than 1"),
            ("M8[-1s]", "less than 1"),
            ("M8[2147483648s]", "more than 2147483647"),
        ] {
            let error = parse(text).map(|dtype| format!("{dtype:?}")).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
