//! Display of dtypes for people: on one line by [`Display`](fmt::Display), field by field by [`DType::to_c`].
//!
//! Errors name dtypes, and somebody who examines an unknown file first asks what its elements are. Unlike
//! [`DType::descr`], whose text must be readable again, these never fail.

use super::{DType, Endianness, Kind, RecordField, TimeUnit, repr, typestr};
use std::fmt::{self, Write as _};

/// Formats a dtype as NumPy prints it: a scalar as its type string, `<f8`, and a record as the text of a `.npy` header
/// or, if a header cannot express its layout, as a dict with the offsets of all fields.
///
/// ```
/// use mmap_array::DType;
/// assert_eq!(DType::from_descr("'>f8'")?.to_string(), ">f8");
/// let padded = DType::from_descr("[('id', '|u1'), ('', '|V3'), ('xyz', '>f4', (3,))]")?;
/// assert_eq!(padded.to_string(), "[('id', '|u1'), ('', '|V3'), ('xyz', '>f4', (3,))]");
/// let turned = DType::record(padded.fields().iter().rev().cloned().collect::<Vec<_>>(), 16)?;
/// assert_eq!(
///     turned.to_string(),
///     "{'names': ['xyz', 'id'], 'formats': [('>f4', (3,)), '|u1'], 'offsets': [4, 0], 'itemsize': 16}"
/// );
/// # Ok::<(), mmap_array::Error>(())
/// ```
impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        match &self.kind {
            Kind::Array { .. } | Kind::Record { .. } => push_nested(&mut out, self),
            kind => typestr::push(&mut out, kind),
        }
        f.write_str(&out)
    }
}

/// Appends the text of a part; a type string is put in quotes.
fn push_nested(out: &mut String, dtype: &DType) {
    match &dtype.kind {
        Kind::Array { element, shape } => {
            out.push('(');
            push_nested(out, element);
            out.push_str(", ");
            repr::push_shape(out, shape);
            out.push(')');
        }
        Kind::Record { fields } => {
            let start = out.len();
            if dtype.push_descr(out).is_err() {
                out.truncate(start);
                push_offsets(out, dtype, fields);
            }
        }
        kind => {
            out.push('\'');
            typestr::push(out, kind);
            out.push('\'');
        }
    }
}

/// Appends NumPy's dict of a record: `{'names': […], 'formats': […], 'offsets': […], 'itemsize': 8}`.
fn push_offsets(out: &mut String, dtype: &DType, fields: &[RecordField]) {
    out.push('{');
    push_list(out, "names", fields, |out, field| repr::push_text(out, &field.name));
    push_list(out, "formats", fields, |out, field| push_nested(out, &field.dtype));
    push_list(out, "offsets", fields, |out, field| out.push_str(&field.offset.to_string()));
    if fields.iter().any(|field| field.title.is_some()) {
        push_list(out, "titles", fields, |out, field| match &field.title {
            Some(title) => repr::push_text(out, title),
            None => out.push_str("None"),
        });
    }
    // Writing to a string does not fail.
    let _ = write!(out, "'itemsize': {}}}", dtype.itemsize);
}

fn push_list(out: &mut String, key: &str, fields: &[RecordField], push: impl Fn(&mut String, &RecordField)) {
    let _ = write!(out, "'{key}': [");
    for (i, field) in fields.iter().enumerate() {
        out.push_str(if i == 0 { "" } else { ", " });
        push(out, field);
    }
    out.push_str("], ");
}

impl DType {
    /// Returns the name of the Rust type of these elements, if Rust or this crate has one. Each record has a type of
    /// its own.
    pub(super) fn rust_type(&self) -> Option<String> {
        let in_order = |order: Endianness, name: String| match order {
            order if order == Endianness::NATIVE => name,
            Endianness::Big => format!("Be<{name}>"),
            Endianness::Little => format!("Le<{name}>"),
        };
        let time = |name: &str, unit: TimeUnit, spans_of: u32| match spans_of {
            1 => format!("{name}<{unit:?}>"),
            many => format!("{name}<{unit:?}, {many}>"),
        };
        Some(match self.kind {
            Kind::Bool => "Bool".into(),
            Kind::Int { size, order } => in_order(order, format!("i{}", 8 * size)),
            Kind::UInt { size, order } => in_order(order, format!("u{}", 8 * size)),
            Kind::Float { size: 2, order } => in_order(order, "half::f16".into()),
            Kind::Float { size: size @ (4 | 8), order } => in_order(order, format!("f{}", 8 * size)),
            Kind::Float { size: 12, order } => in_order(order, "LongDouble96".into()),
            Kind::Float { size: 16, order } => in_order(order, "LongDouble".into()),
            Kind::Complex { size: size @ (8 | 16), order } => {
                in_order(order, format!("num_complex::Complex<f{}>", 4 * size))
            }
            _ if self.itemsize == 0 => return None,
            Kind::Bytes { len } => format!("Bytes<{len}>"),
            Kind::Ucs4 { len, order } => in_order(order, format!("Ucs4<{len}>")),
            Kind::Void { len } => format!("Void<{len}>"),
            Kind::DateTime64 { unit, count, order } => in_order(order, time("DateTime64", unit, count)),
            Kind::TimeDelta64 { unit, count, order } => in_order(order, time("TimeDelta64", unit, count)),
            Kind::Float { .. } | Kind::Complex { .. } | Kind::Record { .. } => return None,
            Kind::Array { ref element, ref shape } => {
                shape.iter().rev().fold(element.rust_type()?, |name, len| format!("[{name}; {len}]"))
            }
        })
    }

    /// Returns the part of an error that suggests a Rust type for these elements, if there is one, and the feature that
    /// it needs, if that is not enabled.
    pub(crate) fn advice(&self) -> Option<String> {
        let name = self.rust_type()?;
        let features = [
            ("half::", "half", cfg!(feature = "half")),
            ("num_complex::", "num-complex", cfg!(feature = "num-complex")),
        ];
        let needed = features.iter().find(|(of, _, is_there)| !is_there && name.contains(of));
        Some(match needed {
            Some((_, feature, _)) => format!("`{name}` would do, with the feature `{feature}`"),
            None => format!("`{name}` would do"),
        })
    }

    /// Returns a declaration of the element in the style of C: one line for each field, with its offset in the record
    /// that contains it, its size, and the padding between fields.
    ///
    /// The text is for people, not for a compiler: C cannot express byte orders and units, has its own alignment rules,
    /// and restricts names.
    ///
    /// Fields are in the order of their offsets. Numbers are little-endian unless marked `big-endian`. A name that is
    /// not a C identifier is in quotes.
    ///
    /// ```
    /// use mmap_array::DType;
    /// let dtype = DType::from_descr(
    ///     "[('id', '<u2'), ('', '|V2'), ('pos', '>f4', (3,)), \
    ///       ('fills', [('at', '<M8[ns]'), ('by who', '|S4')], (2,))]",
    /// )?;
    /// let c = r#"
    /// struct {
    ///     uint16_t id;           // offset 0, 2 bytes
    ///                            // offset 2, 2 bytes of padding
    ///     float pos[3];          // offset 4, 12 bytes, big-endian
    ///     struct {
    ///         int64_t at;        // offset 0, 8 bytes, datetime64[ns]
    ///         char "by who"[4];  // offset 8, 4 bytes
    ///     } fills[2];            // offset 16, 24 bytes
    /// };                         // 40 bytes
    /// "#;
    /// assert_eq!(dtype.to_c(), c.trim());
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[must_use]
    pub fn to_c(&self) -> String {
        let mut lines = Vec::new();
        push_declaration(&mut lines, 0, "", self, bytes(self.itemsize));
        lines.iter_mut().for_each(|line| line.code.truncate(line.code.trim_end().len()));
        /// The most characters of code that comments are aligned behind.
        const WIDEST: usize = 48;
        let width =
            lines.iter().map(|line| line.code.chars().count()).filter(|&width| width <= WIDEST).max().unwrap_or(0);
        let mut out = String::new();
        for line in &lines {
            out.push_str(if out.is_empty() { "" } else { "\n" });
            match line.comment.as_str() {
                "" => out.push_str(&line.code),
                // Writing to a string does not fail.
                comment => _ = write!(out, "{:width$}  // {comment}", line.code),
            }
        }
        out
    }
}

/// A line of [`DType::to_c`].
struct Line {
    code: String,
    comment: String,
}

fn bytes(count: usize) -> String {
    format!("{count} byte{}", if count == 1 { "" } else { "s" })
}

/// Appends the lines that declare one field, or the whole element, which has no name.
fn push_declaration(lines: &mut Vec<Line>, depth: usize, name: &str, dtype: &DType, mut comment: String) {
    let indent = "    ".repeat(depth);
    let mut name = name.to_owned();
    let mut leaf = dtype;
    while let Kind::Array { element, shape } = &leaf.kind {
        shape.iter().for_each(|dim| name.push_str(&format!("[{dim}]")));
        leaf = element;
    }
    let Kind::Record { fields } = &leaf.kind else {
        let (of_type, order) = c_type(&leaf.kind);
        match &leaf.kind {
            Kind::Bytes { len } | Kind::Ucs4 { len, .. } | Kind::Void { len } => name.push_str(&format!("[{len}]")),
            Kind::DateTime64 { unit, count, .. } => {
                comment.push_str(&format!(", datetime64{}", typestr::Counted(*unit, *count)));
            }
            Kind::TimeDelta64 { unit, count, .. } => {
                comment.push_str(&format!(", timedelta64{}", typestr::Counted(*unit, *count)));
            }
            _ => {}
        }
        if order == Some(Endianness::Big) {
            comment.push_str(", big-endian");
        }
        let space = if name.is_empty() { "" } else { " " };
        lines.push(Line { code: format!("{indent}{of_type}{space}{name};"), comment });
        return;
    };
    lines.push(Line { code: format!("{indent}struct {{"), comment: String::new() });
    let mut fields: Vec<&RecordField> = fields.iter().collect();
    fields.sort_by_key(|field| field.offset);
    let mut end = 0;
    for field in fields {
        push_gap(lines, end, field.offset);
        let mut comment = format!("offset {}, {}", field.offset, bytes(field.dtype.itemsize));
        if field.offset < end {
            comment.push_str(", overlapping");
        }
        if let Some(title) = &field.title {
            comment.push_str(&format!(", title {title:?}"));
        }
        end = end.max(field.offset + field.dtype.itemsize);
        push_declaration(lines, depth + 1, &c_name(&field.name), &field.dtype, comment);
    }
    push_gap(lines, end, leaf.itemsize);
    let space = if name.is_empty() { "" } else { " " };
    lines.push(Line { code: format!("{indent}}}{space}{name};"), comment });
}

fn push_gap(lines: &mut Vec<Line>, from: usize, to: usize) {
    if from < to {
        let comment = format!("offset {from}, {} of padding", bytes(to - from));
        lines.push(Line { code: String::new(), comment });
    }
}

fn c_name(name: &str) -> String {
    let is_name = name.chars().all(|character| character == '_' || character.is_ascii_alphanumeric())
        && name.starts_with(|first: char| !first.is_ascii_digit());
    if is_name { name.to_owned() } else { format!("{name:?}") }
}

/// Returns the type in C, and the byte order if the type has one.
fn c_type(kind: &Kind) -> (&'static str, Option<Endianness>) {
    match *kind {
        Kind::Bool => ("bool", None),
        Kind::Int { size: 1, .. } => ("int8_t", None),
        Kind::Int { size: 2, order } => ("int16_t", Some(order)),
        Kind::Int { size: 4, order } => ("int32_t", Some(order)),
        Kind::Int { order, .. } | Kind::DateTime64 { order, .. } | Kind::TimeDelta64 { order, .. } => {
            ("int64_t", Some(order))
        }
        Kind::UInt { size: 1, .. } => ("uint8_t", None),
        Kind::UInt { size: 2, order } => ("uint16_t", Some(order)),
        Kind::UInt { size: 4, order } => ("uint32_t", Some(order)),
        Kind::UInt { order, .. } => ("uint64_t", Some(order)),
        Kind::Float { size: 2, order } => ("_Float16", Some(order)),
        Kind::Float { size: 4, order } => ("float", Some(order)),
        Kind::Float { size: 8, order } => ("double", Some(order)),
        Kind::Float { order, .. } => ("long double", Some(order)),
        Kind::Complex { size: 8, order } => ("float complex", Some(order)),
        Kind::Complex { size: 16, order } => ("double complex", Some(order)),
        Kind::Complex { order, .. } => ("long double complex", Some(order)),
        Kind::Bytes { .. } => ("char", None),
        Kind::Ucs4 { order, .. } => ("char32_t", Some(order)),
        Kind::Void { .. } => ("unsigned char", None),
        Kind::Array { .. } | Kind::Record { .. } => ("struct", None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dtype(text: &str) -> DType {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn field(name: &str, offset: usize, text: &str) -> RecordField {
        RecordField { name: name.to_owned(), title: None, offset, dtype: dtype(text) }
    }

    #[test]
    fn a_number_is_its_type_string() {
        for text in ["|b1", "|i1", "<i4", ">u8", "<f16", ">c32", "|S5", "<U0", "|V8", "<M8", ">m8[25s]"] {
            assert_eq!(dtype(text).to_string(), text);
        }
        assert_eq!(format!("{:?}", dtype(">f4")), "DType(>f4)");
    }

    #[test]
    fn a_subarray_shows_its_shape() {
        let pairs = DType::array(dtype("<f4"), [2]).unwrap();
        assert_eq!(pairs.to_string(), "('<f4', (2,))");
        assert_eq!(DType::array(pairs, [3, 4]).unwrap().to_string(), "(('<f4', (2,)), (3, 4))");
        let records = DType::array(dtype("[('a', '<i2')]"), [2]).unwrap();
        assert_eq!(records.to_string(), "([('a', '<i2')], (2,))");
    }

    #[test]
    fn what_no_header_can_say_shows_its_offsets() {
        let overlapping = DType::record([field("a", 0, "<i4"), field("it's", 2, "|u1")], 8).unwrap();
        let shown = r#"{'names': ['a', "it's"], 'formats': ['<i4', '|u1'], 'offsets': [0, 2], 'itemsize': 8}"#;
        assert_eq!(overlapping.to_string(), shown);

        let inner = RecordField { title: Some("T".into()), dtype: overlapping, ..field("in", 0, "?") };
        let outer = DType::record([inner, field("x", 8, "[('y', '<i4')]")], 12).unwrap();
        assert_eq!(
            outer.to_string(),
            format!(
                "{{'names': ['in', 'x'], 'formats': [{shown}, [('y', '<i4')]], 'offsets': [0, 8], \
                 'titles': ['T', None], 'itemsize': 12}}"
            )
        );
        // More than a header can say, where there are addresses for it.
        #[cfg(target_pointer_width = "64")]
        {
            let huge = DType::packed_record([("a", DType::scalar(Kind::Void { len: 1 << 31 }).unwrap())]).unwrap();
            assert!(huge.to_string().starts_with("{'names': ['a']"));
        }
    }

    /// Checks that every suggested type exists, without which this test would not compile, and has the dtype.
    #[test]
    fn errors_advise_types_that_there_are() {
        #[cfg(target_endian = "little")]
        use crate::element::Be;
        #[cfg(target_endian = "big")]
        use crate::element::Le;
        use crate::element::unit::{Generic, Nanosecond, Second};
        use crate::element::{Bool, Bytes, DateTime64, Element, LongDouble, LongDouble96, TimeDelta64, Ucs4, Void};
        macro_rules! advised {
            ($($advised:ty),*) => {$(
                let squeezed = stringify!($advised).replace(' ', "");
                let dtype = <$advised>::dtype();
                assert_eq!(dtype.advice().map(|text| text.replace(' ', "")), Some(format!("`{squeezed}`woulddo")));
            )*};
        }
        advised!(
            Bool, i8, u8, i16, u64, f32, f64, LongDouble, LongDouble96, [f32; 3], [[Bytes<2>; 3]; 2], Bytes<5>, Ucs4<5>, Void<1>, Void<2>,
            DateTime64<Generic>, DateTime64<Second, 25>, TimeDelta64<Nanosecond>
        );
        // Of the two orders, the one that is not the machine's.
        #[cfg(target_endian = "little")]
        advised!(Be<i16>, Be<LongDouble>, Be<u64>, Be<f32>, [Be<f64>; 3], Be<Ucs4<5>>, Be<DateTime64<Second, 25>>);
        #[cfg(target_endian = "big")]
        advised!(Le<i16>, Le<LongDouble>, Le<u64>, Le<f32>, [Le<f64>; 3], Le<Ucs4<5>>, Le<DateTime64<Second, 25>>);
        #[cfg(feature = "half")]
        advised!(half::f16, [half::f16; 2]);
        #[cfg(feature = "num-complex")]
        advised!(num_complex::Complex<f32>, [num_complex::Complex<f64>; 2]);

        // Raw bytes are all that is said of those that ml_dtypes writes.
        for (text, advice) in [("<V2", Some("`Void<2>` would do")), (">V1", Some("`Void<1>` would do")), ("V0", None)] {
            assert_eq!(dtype(text).advice().as_deref(), advice);
        }
        for (text, feature, is_there) in
            [("f2", "half", cfg!(feature = "half")), ("c8", "num-complex", cfg!(feature = "num-complex"))]
        {
            let advice = dtype(text).advice().unwrap();
            assert_eq!(advice.ends_with(&format!("would do, with the feature `{feature}`")), !is_there, "{advice}");
        }
    }

    #[test]
    fn c_shows_every_kind() {
        let types = "? i1 >i2 <i4 >i8 u1 <u2 >u4 <u8 <f2 >f4 <f8 >f16 <c8 >c16 <c32 S3 >U2 V5 >M8[7D] <m8";
        let fields = types.split(' ').enumerate().map(|(i, text)| (format!("f{i}"), dtype(text)));
        let shown = DType::packed_record(fields).unwrap().to_c();
        for (line, expected) in shown.lines().skip(1).zip([
            "bool f0; // offset 0, 1 byte",
            "int8_t f1; // offset 1, 1 byte",
            "int16_t f2; // offset 2, 2 bytes, big-endian",
            "int32_t f3; // offset 4, 4 bytes",
            "int64_t f4; // offset 8, 8 bytes, big-endian",
            "uint8_t f5; // offset 16, 1 byte",
            "uint16_t f6; // offset 17, 2 bytes",
            "uint32_t f7; // offset 19, 4 bytes, big-endian",
            "uint64_t f8; // offset 23, 8 bytes",
            "_Float16 f9; // offset 31, 2 bytes",
            "float f10; // offset 33, 4 bytes, big-endian",
            "double f11; // offset 37, 8 bytes",
            "long double f12; // offset 45, 16 bytes, big-endian",
            "float complex f13; // offset 61, 8 bytes",
            "double complex f14; // offset 69, 16 bytes, big-endian",
            "long double complex f15; // offset 85, 32 bytes",
            "char f16[3]; // offset 117, 3 bytes",
            "char32_t f17[2]; // offset 120, 8 bytes, big-endian",
            "unsigned char f18[5]; // offset 128, 5 bytes",
            "int64_t f19; // offset 133, 8 bytes, datetime64[7D], big-endian",
            "int64_t f20; // offset 141, 8 bytes, timedelta64",
            "}; // 149 bytes",
        ]) {
            assert_eq!(line.split_whitespace().collect::<Vec<_>>().join(" "), expected);
        }
        assert_eq!(shown.lines().count(), 23);
    }

    #[test]
    fn c_shows_layouts_that_c_has_not() {
        assert_eq!(dtype("<f4").to_c(), "float;  // 4 bytes");
        assert_eq!(DType::array(dtype("|S4"), [2, 3]).unwrap().to_c(), "char [2][3][4];  // 24 bytes");
        assert_eq!(dtype("[]").to_c(), "struct {\n};        // 0 bytes");
        let titled = RecordField { title: Some("a\nb".into()), ..field("8 \"bit", 5, "<i2") };
        let mixed = DType::record([titled, field("whole", 1, "[('x', '|u1', (2, 2)), ('', '|V2')]")], 8).unwrap();
        let shown = r#"
struct {
                         // offset 0, 1 byte of padding
    struct {
        uint8_t x[2][2];  // offset 0, 4 bytes
                          // offset 4, 2 bytes of padding
    } whole;              // offset 1, 6 bytes
    int16_t "8 \"bit";    // offset 5, 2 bytes, overlapping, title "a\nb"
                          // offset 7, 1 byte of padding
};                        // 8 bytes"#;
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(&mixed.to_c()), words(shown));
    }
}
