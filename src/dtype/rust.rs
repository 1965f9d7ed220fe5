//! A dtype as Rust source: the struct that opens a file of it.

use super::{DType, Endianness, Kind, RecordField};
use crate::error::{Reason, Result};
use std::collections::BTreeSet;
use std::fmt::Write as _;

impl DType {
    /// Returns Rust source that declares the element type: structs with `#[derive(Record)]`, or for
    /// anything but records a type alias `Element`.
    ///
    /// The outermost struct is called `Row`, nested ones are named after their fields. A struct is `repr(C)` if every
    /// field lies at a multiple of its alignment and `repr(C, packed)` otherwise; padding becomes fields of its own.
    /// Numbers whose byte order is not the machine's are [`Be`](crate::Be) or [`Le`](crate::Le). A field whose name is
    /// not an identifier gets another one, and its name by an attribute.
    ///
    /// ```
    /// use mmap_array::DType;
    /// let dtype = DType::from_descr("[('id', '|u1'), ('', '|V3'), ('max px', '>u4', (3,)), ('side', '|S1')]")?;
    /// # #[cfg(target_endian = "little")]
    /// assert_eq!(dtype.to_rust()?, r#"
    /// use mmap_array::bytemuck::{self, Pod, Zeroable};
    /// use mmap_array::element::Bytes;
    /// use mmap_array::{Be, Record};
    ///
    /// #[derive(Clone, Copy, Debug, Zeroable, Pod, Record)]
    /// #[bytemuck(crate = "bytemuck")]
    /// #[repr(C)]
    /// struct Row {
    ///     id: u8,
    ///     #[record(pad)]
    ///     _pad: [u8; 3],
    ///     #[record(rename = "max px")]
    ///     max_px: [Be<u32>; 3],
    ///     side: Bytes<1>,
    /// }
    /// "#.trim_start());
    /// let native = DType::from_descr("'<f8'")?.with_endianness(mmap_array::dtype::Endianness::NATIVE);
    /// assert_eq!(native.to_rust()?, "type Element = f64;\n");
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`DType`](crate::ErrorKind::DType) if no Rust type describes a part of it: fields that overlap, fields without
    /// bytes, complex numbers of `long double`.
    pub fn to_rust(&self) -> Result<String> {
        let mut source = Source { structs: String::new(), made: Vec::new(), used: BTreeSet::new() };
        let body = match &self.kind {
            Kind::Record { fields } if self.itemsize > 0 || !fields.is_empty() => {
                source.push_struct("Row", self)?;
                std::mem::take(&mut source.structs)
            }
            _ => {
                let name = source.type_of("Row", self, "the elements")?;
                format!("{}{}type Element = {name};\n", source.structs, if source.made.is_empty() { "" } else { "\n" })
            }
        };
        Ok(source.imports() + &body)
    }

    /// Returns the alignment of the Rust type of the elements; for a record, that of the struct that declares it.
    fn rust_alignment(&self) -> usize {
        let in_order = |order: Endianness, alignment| if order == Endianness::NATIVE { alignment } else { 1 };
        let of_size = |size: usize| match size {
            2 => align_of::<u16>(),
            4 => align_of::<u32>(),
            8 => align_of::<u64>(),
            _ => 1,
        };
        match self.kind {
            Kind::Int { size, order } | Kind::UInt { size, order } => in_order(order, of_size(size)),
            // With their order named, since a packed struct cannot have fields that are aligned.
            Kind::Float { size: 12 | 16, .. } => 1,
            Kind::Float { size: 8, order } => in_order(order, align_of::<f64>()),
            Kind::Float { size, order } => in_order(order, of_size(size)),
            Kind::Complex { size, order } => in_order(order, of_size(size / 2)),
            Kind::Ucs4 { order, .. } => in_order(order, align_of::<u32>()),
            Kind::DateTime64 { order, .. } | Kind::TimeDelta64 { order, .. } => in_order(order, align_of::<i64>()),
            Kind::Bool | Kind::Bytes { .. } | Kind::Void { .. } => 1,
            Kind::Array { ref element, .. } => element.rust_alignment(),
            Kind::Record { .. } => self.aligned_fields().unwrap_or(1),
        }
    }

    /// Returns the greatest alignment of a record's fields, if each lies where that of a `repr(C)` struct does.
    fn aligned_fields(&self) -> Option<usize> {
        let mut greatest = 1;
        for field in self.fields() {
            let alignment = field.dtype.rust_alignment();
            greatest = greatest.max(alignment);
            if field.offset % alignment != 0 || self.itemsize % alignment != 0 {
                return None;
            }
        }
        Some(greatest)
    }
}

/// Rust source that is being written.
struct Source {
    structs: String,
    /// The dtypes of the structs that are declared, with their names.
    made: Vec<(DType, String)>,
    /// The names that types consist of, some of which are imported.
    used: BTreeSet<String>,
}

/// The names that structs must not have, because the source may import or use them.
const TAKEN: &[&str] = &[
    "Be",
    "Binary128",
    "Bool",
    "Bytes",
    "DateTime64",
    "Element",
    "Le",
    "LongDouble",
    "LongDouble96",
    "Pod",
    "Record",
    "Self",
    "TimeDelta64",
    "Ucs4",
    "Void",
    "Zeroable",
];

/// The types that are units of times.
const UNITS: &[&str] = &[
    "Attosecond",
    "Day",
    "Femtosecond",
    "Generic",
    "Hour",
    "Microsecond",
    "Millisecond",
    "Minute",
    "Month",
    "Nanosecond",
    "Picosecond",
    "Second",
    "Week",
    "Year",
];

impl Source {
    fn imports(&self) -> String {
        let mut out = String::new();
        for (crate_name, feature) in [("half", "half"), ("num_complex", "num-complex")] {
            if self.used.contains(crate_name) {
                let _ = writeln!(out, "// Needs the crate `{feature}`, and the feature `{feature}` of mmap-array.");
            }
        }
        let any = |names: &[&str]| -> Vec<&str> {
            self.used.iter().map(String::as_str).filter(|name| names.contains(name)).collect()
        };
        let mut import = |path: &str, names: Vec<&str>| {
            let _ = match &names[..] {
                [] => Ok(()),
                [name] => writeln!(out, "use mmap_array::{path}{name};"),
                names => writeln!(out, "use mmap_array::{path}{{{}}};", names.join(", ")),
            };
        };
        let mut root = any(&["Be", "Le"]);
        if !self.made.is_empty() {
            import("bytemuck::", vec!["self", "Pod", "Zeroable"]);
            root.push("Record");
        }
        import("element::unit::", any(UNITS));
        let elements = ["Bool", "Bytes", "DateTime64", "LongDouble", "LongDouble96", "TimeDelta64", "Ucs4", "Void"];
        import("element::", any(&elements));
        import("", root);
        if !out.is_empty() {
            out.push('\n');
        }
        out
    }

    /// Returns the name of the Rust type of elements. For records, adds a struct, which is called `name` if possible.
    fn type_of(&mut self, name: &str, dtype: &DType, what: &str) -> Result<String> {
        match &dtype.kind {
            Kind::Array { element, shape } if dtype.itemsize > 0 => {
                let element = self.type_of(name, element, what)?;
                Ok(shape.iter().rev().fold(element, |name, len| format!("[{name}; {len}]")))
            }
            Kind::Record { .. } if dtype.itemsize > 0 => self.push_struct(name, dtype),
            _ => {
                let none = || Reason::DType(format!("there is no Rust type for {what}, of dtype {dtype}")).error();
                let mut name = dtype.rust_type().ok_or_else(none)?;
                if name.starts_with("LongDouble") {
                    let order = if Endianness::NATIVE == Endianness::Big { "Be" } else { "Le" };
                    name = format!("{order}<{name}>");
                }
                let words = name.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
                self.used.extend(words.filter(|word| !word.is_empty()).map(str::to_owned));
                Ok(name)
            }
        }
    }

    /// Adds a struct, after those of its fields, and returns its name.
    fn push_struct(&mut self, wanted: &str, dtype: &DType) -> Result<String> {
        if let Some((_, name)) = self.made.iter().find(|(made, _)| made == dtype) {
            return Ok(name.clone());
        }
        let is_free = |name: &String| {
            !TAKEN.contains(&name.as_str())
                && !UNITS.contains(&name.as_str())
                && self.made.iter().all(|(_, made)| made != name)
                && (name != "Row" || wanted == "Row")
        };
        let mut numbered = (2..).map(|number| format!("{wanted}{number}"));
        let first = Some(wanted.to_owned()).filter(&is_free);
        let name = first.or_else(|| numbered.find(&is_free)).unwrap_or_default();
        // The name is taken before those of the fields.
        self.made.push((dtype.clone(), name.clone()));

        let mut fields: Vec<&RecordField> = dtype.fields().iter().collect();
        fields.sort_by_key(|field| field.offset);
        let (mut lines, mut end) = (String::new(), 0);
        let mut idents = BTreeSet::new();
        for field in &fields {
            idents.insert(identifier(&field.name));
        }
        let (mut pads, mut taken) = (0, BTreeSet::new());
        let mut push_pad = |lines: &mut String, len: usize| {
            if len == 0 {
                return;
            }
            loop {
                pads += 1;
                let pad = if pads == 1 { "_pad".to_owned() } else { format!("_pad{pads}") };
                if !idents.contains(&pad) {
                    let _ = write!(lines, "    #[record(pad)]\n    {pad}: [u8; {len}],\n");
                    return;
                }
            }
        };
        let mut snake = true;
        for field in fields {
            let RecordField { name: text, title, offset, dtype: part } = field;
            let Some(gap) = offset.checked_sub(end) else {
                let text = format!(
                    "there is no Rust struct with the field {text:?}, which overlaps another, of dtype {dtype}"
                );
                return Err(Reason::DType(text).error());
            };
            push_pad(&mut lines, gap);
            let ident = unique(identifier(text), &mut taken);
            snake &= !ident.contains("__") && !ident.chars().any(char::is_uppercase);
            let mut attributes = Vec::new();
            if ident.strip_prefix("r#").unwrap_or(&ident) != text {
                attributes.push(format!("rename = {text:?}"));
            }
            attributes.extend(title.iter().map(|title| format!("title = {title:?}")));
            if !attributes.is_empty() {
                let _ = writeln!(lines, "    #[record({})]", attributes.join(", "));
            }
            let type_name = self.type_of(&camel_case(&ident), part, &format!("the field {text:?}"))?;
            let _ = writeln!(lines, "    {ident}: {type_name},");
            end = offset + part.itemsize;
        }
        push_pad(&mut lines, dtype.itemsize - end);

        let separator = if self.structs.is_empty() { "" } else { "\n" };
        let repr = if dtype.aligned_fields().is_some() { "C" } else { "C, packed" };
        let lint = if snake { "" } else { "#[allow(non_snake_case)]\n" };
        let derives = "#[derive(Clone, Copy, Debug, Zeroable, Pod, Record)]\n#[bytemuck(crate = \"bytemuck\")]";
        let _ = write!(self.structs, "{separator}{derives}\n#[repr({repr})]\n{lint}struct {name} {{\n{lines}}}\n");
        Ok(name)
    }
}

/// Converts a name to a Rust identifier of a field.
fn identifier(name: &str) -> String {
    let plain = |character: char| character == '_' || character.is_ascii_alphanumeric();
    let mut ident = String::new();
    for character in name.chars() {
        if plain(character) {
            ident.push(character);
        } else if !ident.ends_with('_') {
            ident.push('_');
        }
    }
    if ident.bytes().all(|byte| byte == b'_') || ident.starts_with(|first: char| first.is_ascii_digit()) {
        ident.insert_str(0, "field");
    }
    // Those that cannot even be raw identifiers, and the others.
    const PATHS: &[&str] = &["crate", "self", "super", "Self"];
    const KEYWORDS: &[&str] = &[
        "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else", "enum",
        "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
        "move", "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait", "true", "try", "type",
        "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
    ];
    match ident.as_str() {
        path if PATHS.contains(&path) => format!("{path}_"),
        keyword if KEYWORDS.contains(&keyword) => format!("r#{keyword}"),
        _ => ident,
    }
}

/// Returns the identifier, with a number appended if it is taken, and adds the result to those that are taken.
fn unique(ident: String, taken: &mut BTreeSet<String>) -> String {
    let mut numbered = (2..).map(|number| format!("{ident}_{number}"));
    let mut found = ident.clone();
    while !taken.insert(found.clone()) {
        found = numbered.next().unwrap_or_default();
    }
    found
}

/// Returns the name of the struct for a field.
fn camel_case(ident: &str) -> String {
    let words = ident.strip_prefix("r#").unwrap_or(ident).split('_');
    let mut name = String::new();
    for word in words {
        let mut characters = word.chars();
        name.extend(characters.next().map(|first| first.to_ascii_uppercase()));
        name.extend(characters);
    }
    if name.starts_with(|first: char| first.is_ascii_alphabetic()) { name } else { format!("Field{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dtype(text: &str) -> DType {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn field(name: &str, offset: usize, text: &str) -> RecordField {
        RecordField::new(name, offset, dtype(text))
    }

    /// Returns the lines of the structs as one, without the attributes in front of a struct and closing braces.
    fn declared(dtype: &DType) -> String {
        let source = dtype.to_rust().unwrap();
        let lines = source.lines().filter(|line| line.starts_with("    ") || line.starts_with("struct"));
        lines.map(str::trim).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_name_becomes_an_identifier_of_its_own() {
        let names = ["type", "self", "x y", "x_y", "3d", "", "é", "_", "A__b", "_pad", "Row"];
        let fields = names.iter().enumerate().map(|(at, name)| field(name, at, "u1")).collect::<Vec<_>>();
        let source = DType::record(fields, 12).unwrap().to_rust().unwrap();
        for line in [
            "    r#type: u8,",
            "    #[record(rename = \"self\")]\n    self_: u8,",
            "    #[record(rename = \"x y\")]\n    x_y: u8,",
            "    #[record(rename = \"x_y\")]\n    x_y_2: u8,",
            "    #[record(rename = \"3d\")]\n    field3d: u8,",
            "    #[record(rename = \"é\")]\n    field_: u8,",
            "    #[record(rename = \"_\")]\n    field__2: u8,",
            "    _pad: u8,",
            "#[allow(non_snake_case)]",
            "    #[record(pad)]\n    _pad2: [u8; 1],",
        ] {
            assert!(source.contains(line), "{line}\n{source}");
        }
    }

    #[test]
    fn nested_records_become_structs_once() {
        let pair = dtype("[('a', 'u1'), ('b', 'u1')]");
        let three = DType::packed_record([
            ("le", pair.clone()),
            ("p", DType::array(pair, [2, 3]).unwrap()),
            ("row", dtype("[('x', 'S3')]")),
        ]);
        let expected =
            "struct Le2 { a: u8, b: u8, struct Row2 { x: Bytes<3>, struct Row { le: Le2, p: [[Le2; 3]; 2], row: Row2,";
        assert_eq!(declared(&three.unwrap()), expected);
        let stack = DType::array(dtype("[('x', 'u1')]"), [4]).unwrap().to_rust().unwrap();
        assert!(stack.ends_with("}\n\ntype Element = [Row; 4];\n"), "{stack}");
    }

    #[test]
    fn structs_are_packed_only_if_they_have_to_be() {
        let native = |text: &str| dtype(text).with_endianness(Endianness::NATIVE);
        let fields = |second| [RecordField::new("a", 0, native("u1")), RecordField::new("b", second, native("f4"))];
        let packed = |second, size| DType::record(fields(second), size).unwrap().to_rust().unwrap().contains("packed");
        assert_eq!([packed(1, 5), packed(4, 8), packed(4, 9), packed(2, 8)], [true, false, true, true]);
        let foreign = if Endianness::NATIVE == Endianness::Big { Endianness::Little } else { Endianness::Big };
        let record = DType::record(fields(1), 5).unwrap().with_endianness(foreign).to_rust().unwrap();
        assert!(record.contains("#[repr(C)]") && record.contains("e<f32>"), "{record}");
        // Sixty records in one another are looked at once each.
        let deep = (0..60).fold(native("f8"), |inner, _| DType::packed_record([("x", inner)]).unwrap());
        assert_eq!(deep.to_rust().unwrap().matches("#[repr(C)]").count(), 60);
    }

    #[test]
    fn what_no_type_is_for_is_named() {
        let error = |dtype: &DType| dtype.to_rust().unwrap_err().to_string();
        let overlapping = DType::record([field("a", 0, "u4"), field("b", 3, "u1")], 8).unwrap();
        assert!(
            error(&overlapping).starts_with("there is no Rust struct with the field \"b\", which overlaps another")
        );
        let of = |text: &str| DType::packed_record([("x", dtype(text))]).unwrap();
        for text in ["S0", "c32", "(0,)f4", "[]"] {
            assert!(error(&of(text)).contains("there is no Rust type for the field \"x\""), "{}", error(&of(text)));
            if text != "(0,)f4" {
                assert!(
                    error(&dtype(text)).starts_with("there is no Rust type for the elements"),
                    "{}",
                    error(&dtype(text))
                );
            }
        }
    }
}
