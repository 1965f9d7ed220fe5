//! Conversion between a dtype and the text that describes it in a `.npy` header.
//!
//! The header's `descr` is the only description of a file's elements, so it must be read as NumPy reads it, including
//! padding and titles, and written as NumPy writes it, byte for byte, so that the same data give the same file whoever
//! wrote it. The rules are those of `descr_to_dtype` and `dtype_to_descr` in `numpy.lib.format`, and of `dtype.descr`,
//! as of NumPy 2.4.
//!
//! # Differences from NumPy
//!
//! When reading, NumPy accepts whatever its Python code happens to accept. This module refuses:
//! - Python objects, `|O`, which would have to be unpickled; `T`, which no file can contain;
//! - a subarray at the top level, `('<i4', (2,))`, on which `np.load` fails and which `open_memmap` maps with one more
//!   axis;
//! - types that depend on the machine, `l`, `int`, `longdouble`; several types in one string, `3i4`, `i4,f8`; types by
//!   their internal number, `'\x0c'`;
//! - a time unit of length zero, `M8[0s]`, whose conversion fails in NumPy; fractions of a unit, `M8[s/10]`;
//! - a field given as a string, `['xf']`, or all fields as a set, a dict or bytes; a title that is not text; a name or
//!   title that no Rust string can represent;
//! - a type in place of a shape, by which one dtype takes the fields of another, and an empty string, which has no
//!   axes; a number in place of the length of a type without one, `('x', 'U', 3)`; more than two parts in a subarray's
//!   tuple, of which NumPy ignores the rest;
//! - nested subarrays with more than 64 axes in all, which no array can have;
//! - dtypes nested more than 64 deep; NumPy's limit is that of Python's parser, about 100;
//! - the Python syntax that [`literal`] leaves out.
//!
//! NumPy writes none of these, except `|O`. Conversely, `<f1`, which NumPy writes for ml_dtypes' `float8_e5m2` and does
//! not read, is read as an opaque byte, and white space between lines that Python treats as indentation is accepted.
//!
//! When writing, NumPy fails only for fields that overlap or are out of order. This module also refuses what NumPy
//! could not read back unchanged: a field without a name that would be read as padding, and sizes beyond a C `int`.

use super::literal::{self, Literal, Node, Python, error_at};
use super::typestr::{self, MAX_ITEMSIZE};
use super::{DType, Kind, MAX_AXES, MAX_DEPTH, RecordField, repr};
use crate::error::{Error, Reason, Result};
use std::collections::HashSet;
use std::str::FromStr;

impl DType {
    /// Parses the text that describes a dtype in a `.npy` header: a type string in quotes, or a list of fields.
    ///
    /// NumPy: `numpy.lib.format.descr_to_dtype(ast.literal_eval(text))`.
    ///
    /// ```
    /// use mmap_array::DType;
    /// let dtype = DType::from_descr("[('id', '<u2'), ('', '|V2'), ('pos', '>f4', (3,))]")?;
    /// assert_eq!(dtype.itemsize(), 16);
    /// assert_eq!(dtype.field("pos")?.0, 4);
    ///
    /// let error = DType::from_descr("[('id', '<u3')]").unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     r#"there is no type "<u3" (at character 9, after "[('id', " and before "'<u3')]")"#
    /// );
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`DType`](crate::ErrorKind::DType) if the text is not a Python literal, does not describe a dtype, or
    /// describes one that the elements of an array cannot have: Python objects, subarrays (their axes belong to the
    /// array's shape), items of more than 2147483647 bytes. The text of the error gives the position as a character,
    /// counted from 1.
    pub fn from_descr(text: &str) -> Result<Self> {
        Self::from_literal(text, &literal::parse(text, Python::Three)?)
    }

    /// Returns the dtype that a literal, which is a part of the text, describes.
    pub(crate) fn from_literal(text: &str, node: &Node) -> Result<Self> {
        Reader { text, dicts: false, aligned: false }.element(node)
    }

    /// Returns the text that describes the dtype in a `.npy` header, byte for byte as NumPy writes it.
    ///
    /// NumPy: `repr(numpy.lib.format.dtype_to_descr(dtype))`.
    ///
    /// ```
    /// use mmap_array::{DType, Element};
    /// assert_eq!(u8::dtype().descr()?, "'|u1'");
    /// let dtype = DType::packed_record([("it's", u8::dtype()), ("rgb", <[u8; 3]>::dtype())])?;
    /// assert_eq!(dtype.descr()?, r#"[("it's", '|u1'), ('rgb', '|u1', (3,))]"#);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`DType`](crate::ErrorKind::DType) if the text could not be read back as the same dtype: fields that
    /// overlap or are out of order, a void field or subarray with an empty name (NumPy's padding), a subarray of
    /// elements of size 0, a subarray outside a record (its axes belong to the array's shape), sizes beyond 2147483647
    /// bytes.
    pub fn descr(&self) -> Result<String> {
        let mut out = String::new();
        self.push_descr(&mut out)
            .map_err(|text| Reason::DType(format!("the dtype cannot be written to a header: {text}")).error())?;
        Ok(out)
    }

    pub(super) fn push_descr(&self, out: &mut String) -> Result<(), String> {
        match &self.kind {
            Kind::Array { .. } => {
                Err("a subarray outside a record is not an element: its axes are axes of the array".to_owned())
            }
            Kind::Record { fields } => self.push_fields(out, fields),
            kind => {
                self.check_itemsize()?;
                out.push('\'');
                typestr::push(out, kind);
                out.push('\'');
                Ok(())
            }
        }
    }

    fn push_fields(&self, out: &mut String, fields: &[RecordField]) -> Result<(), String> {
        self.check_itemsize()?;
        let mut end = 0;
        out.push('[');
        for field in fields {
            let RecordField { name, title, offset, dtype } = field;
            if *offset < end {
                return Err(format!(
                    "the field {name:?} begins at offset {offset}, but the field before it ends at {end}"
                ));
            }
            if name.is_empty() && title.is_none() && is_padding(dtype) {
                return Err(format!("the field without a name at offset {offset} would be read as padding"));
            }
            push_padding(out, offset - end);
            separate(out);
            out.push('(');
            match title {
                Some(title) => {
                    out.push('(');
                    repr::push_text(out, title);
                    out.push_str(", ");
                    repr::push_text(out, name);
                    out.push(')');
                }
                None => repr::push_text(out, name),
            }
            out.push_str(", ");
            match &dtype.kind {
                Kind::Array { element, shape } => dtype.push_subarray(out, element, shape)?,
                _ => dtype.push_descr(out)?,
            }
            out.push(')');
            end = offset + dtype.itemsize;
        }
        push_padding(out, self.itemsize - end);
        out.push(']');
        Ok(())
    }

    /// Appends `'<i4', (3,)`: the end of a field's tuple, or the contents of a nested subarray's.
    fn push_subarray(&self, out: &mut String, element: &Self, shape: &[usize]) -> Result<(), String> {
        self.check_itemsize()?;
        check_shape(element, shape)?;
        match &element.kind {
            Kind::Array { element: inner, shape: inner_shape } => {
                out.push('(');
                element.push_subarray(out, inner, inner_shape)?;
                out.push(')');
            }
            _ => element.push_descr(out)?,
        }
        out.push_str(", ");
        repr::push_shape(out, shape);
        Ok(())
    }

    fn check_itemsize(&self) -> Result<(), String> {
        match self.itemsize {
            0..=MAX_ITEMSIZE => Ok(()),
            large => Err(format!("an item of {large} bytes; NumPy supports at most {MAX_ITEMSIZE} bytes")),
        }
    }
}

/// Appends a comma if fields precede.
fn separate(out: &mut String) {
    if !out.ends_with('[') {
        out.push_str(", ");
    }
}

fn push_padding(out: &mut String, len: usize) {
    if len > 0 {
        separate(out);
        out.push_str(&format!("('', '|V{len}')"));
    }
}

/// Returns whether NumPy reads a field of this dtype with an empty name as padding; its subarrays are void too.
fn is_padding(dtype: &DType) -> bool {
    matches!(dtype.kind, Kind::Void { .. } | Kind::Array { .. })
}

/// Checks NumPy's limits for a subarray: at most 64 axes, elements that are records or larger than 0 bytes, and no
/// number beyond a C `int`. Axes after one of length 0 do not count in the product.
pub(super) fn check_shape(element: &DType, shape: &[usize]) -> Result<(), String> {
    if shape.len() > MAX_AXES {
        return Err(format!("{} axes in a subarray; NumPy supports at most {MAX_AXES}", shape.len()));
    }
    if element.itemsize == 0 && !matches!(element.kind, Kind::Record { .. }) {
        return Err("a subarray of elements of 0 bytes, which NumPy does not support".to_owned());
    }
    if let Some(dim) = shape.iter().find(|&&dim| dim > MAX_ITEMSIZE) {
        return Err(format!("an axis of {dim} elements; NumPy supports at most {MAX_ITEMSIZE}"));
    }
    let mut items = Some(1_i64);
    for &dim in shape {
        items = items.and_then(|items| items.checked_mul(i64::try_from(dim).ok()?));
        if dim == 0 {
            break;
        }
    }
    let bytes = items.and_then(|items| {
        let items = usize::try_from(items).ok().filter(|&items| items <= MAX_ITEMSIZE)?;
        items.checked_mul(element.itemsize).filter(|&bytes| bytes <= MAX_ITEMSIZE)
    });
    match bytes {
        Some(_) => Ok(()),
        None => Err(format!(
            "{shape:?} elements of {} bytes; NumPy supports at most {MAX_ITEMSIZE} elements and bytes",
            element.itemsize
        )),
    }
}

#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    text: &'a str,
    /// Whether records may be given as dicts with the offsets of their fields, which no header contains.
    dicts: bool,
    /// Whether the offsets of fields are multiples of their alignments, as inside a record with `aligned`.
    aligned: bool,
}

impl Reader<'_> {
    pub(super) fn error(&self, node: &Node, what: impl Into<String>) -> Error {
        error_at(self.text, node.at, what)
    }

    pub(super) fn expected<T>(&self, node: &Node, what: &str) -> Result<T> {
        Err(self.error(node, format!("expected {what}")))
    }

    /// Returns the dtype that a whole text describes.
    fn element(&self, node: &Node) -> Result<DType> {
        let dtype = self.dtype(node, 0)?;
        match dtype.kind {
            // Such is a dtype, and no header's.
            Kind::Array { .. } if !self.dicts => {
                Err(self.error(node, "a subarray outside a record; its axes belong to the array's shape"))
            }
            _ => Ok(dtype),
        }
    }

    /// Returns the dtype of a literal nested inside `depth` others. The recursion ends at the depth at which [`DType`]
    /// would refuse the result, so that no text can exhaust the stack.
    pub(super) fn dtype(&self, node: &Node, depth: usize) -> Result<DType> {
        match &node.literal {
            Literal::Text(text) => typestr::parse(text).map_err(|what| self.error(node, what)),
            Literal::List(_) | Literal::Tuple(_) | Literal::Dict(_) if depth == MAX_DEPTH => {
                Err(self.error(node, format!("dtypes nested more than {MAX_DEPTH} deep")))
            }
            Literal::Dict(entries) if self.dicts => self.placed_record(node, entries, depth),
            Literal::List(fields) => self.record(node, fields, depth),
            Literal::Tuple(parts) => match parts.as_slice() {
                [element, shape] => self.array(self.dtype(element, depth + 1)?, shape),
                _ => self.expected(node, "a subarray of two parts, (dtype, shape)"),
            },
            _ => self.expected(node, "a type in quotes or a list of fields"),
        }
    }

    fn array(&self, element: DType, shape: &Node) -> Result<DType> {
        let mut dims = Vec::new();
        match &shape.literal {
            Literal::Int(_) => dims.push(self.dim(shape)?),
            Literal::Tuple(nodes) => {
                for node in nodes {
                    dims.push(self.dim(node)?);
                }
            }
            // An empty list is a record without fields to NumPy, and no shape.
            Literal::List(nodes) if !nodes.is_empty() => {
                for node in nodes {
                    dims.push(self.dim(node)?);
                }
            }
            _ => return self.expected(shape, "a shape: an integer or a tuple of integers"),
        }
        check_shape(&element, &dims).map_err(|what| self.error(shape, what))?;
        DType::array(element, dims).map_err(|error| self.error(shape, error.to_string()))
    }

    fn dim(&self, node: &Node) -> Result<usize> {
        match &node.literal {
            Literal::Int(dim) => usize::try_from(*dim).map_err(|_| self.error(node, "a negative length of an axis")),
            _ => self.expected(node, "the length of an axis, an integer"),
        }
    }

    fn record(&self, node: &Node, nodes: &[Node], depth: usize) -> Result<DType> {
        let mut fields = Vec::new();
        let mut names = HashSet::new();
        let (mut end, mut alignment) = (0_usize, 1_usize);
        for node in nodes {
            let (name, dtype) = self.field(node, depth + 1)?;
            let of_field = self.alignment(&dtype);
            let offset = end.next_multiple_of(of_field);
            alignment = alignment.max(of_field);
            end = self.record_size(node, offset.saturating_add(dtype.itemsize))?;
            if matches!(&name.literal, Literal::Text(name) if name.is_empty()) && is_padding(&dtype) {
                continue;
            }
            let (title, name) = self.title_and_name(name)?;
            for (text, node) in std::iter::once(name).chain(title) {
                if !names.insert(text) {
                    return Err(self.error(node, format!("the name {text:?} occurs a second time")));
                }
            }
            let title = title.map(|(title, _)| title.to_owned());
            fields.push(RecordField { name: name.0.to_owned(), title, offset, dtype });
        }
        let record = DType::record(fields, self.record_size(node, end.next_multiple_of(alignment))?);
        Ok(record.map_err(|error| self.error(node, error.to_string()))?.aligned_to(alignment))
    }

    /// Checks that NumPy can count the bytes of a record, or of its first fields, and returns their number.
    pub(super) fn record_size(&self, node: &Node, size: usize) -> Result<usize> {
        match size {
            0..=MAX_ITEMSIZE => Ok(size),
            _ => Err(self.error(node, format!("a record of more than {MAX_ITEMSIZE} bytes, NumPy's maximum"))),
        }
    }

    /// Returns a reader for the contents of an aligned record.
    pub(super) fn aligned(self) -> Self {
        Self { aligned: true, ..self }
    }

    /// Returns the number that the offset of a field is a multiple of.
    pub(super) fn alignment(&self, dtype: &DType) -> usize {
        if self.aligned { dtype.alignment.max(1) } else { 1 }
    }

    /// Returns the name and the dtype of a field, or of padding.
    fn field<'n>(&self, node: &'n Node, depth: usize) -> Result<(&'n Node, DType)> {
        if let Literal::Tuple(parts) | Literal::List(parts) = &node.literal {
            match parts.as_slice() {
                [name, dtype] => return Ok((name, self.dtype(dtype, depth)?)),
                [name, dtype, shape] => return Ok((name, self.array(self.dtype(dtype, depth)?, shape)?)),
                _ => {}
            }
        }
        self.expected(node, "a field, (name, dtype) or (name, dtype, shape)")
    }

    fn title_and_name<'n>(&self, node: &'n Node) -> Result<(Option<Named<'n>>, Named<'n>)> {
        let (title, name) = match &node.literal {
            Literal::Tuple(parts) => match parts.as_slice() {
                [title, name] => (Some(title), name),
                _ => return self.expected(node, "(title, name)"),
            },
            _ => (None, node),
        };
        let title = match title.map(|node| (&node.literal, node)) {
            None | Some((Literal::None, _)) => None,
            Some((Literal::Text(title), node)) => Some((title.as_str(), node)),
            Some((_, node)) => return self.expected(node, "the title of a field, a string"),
        };
        match &name.literal {
            Literal::Text(text) => Ok((title, (text, name))),
            _ => self.expected(name, "the name of a field, a string or (title, name)"),
        }
    }
}

/// A name and its position.
type Named<'n> = (&'n str, &'n Node);

/// Parses a text as `numpy.dtype` does.
///
/// The text may be one that [`from_descr`](DType::from_descr) parses, a type string without quotes, a record as a dict
/// with the offsets of its fields, several types separated by commas, whose fields are named `f0`, `f1` and so on, or a
/// type with a shape. This includes every text that [`Display`](std::fmt::Display) produces for a dtype within NumPy's
/// limits.
///
/// ```
/// use mmap_array::DType;
/// let dtype: DType = ">M8[25s]".parse()?;
/// assert_eq!(dtype, "'>M8[25s]'".parse()?);
/// assert_eq!(dtype.to_string().parse::<DType>()?, dtype);
///
/// let three_of_many: DType = "{'names': ['id', 'mass', 'spin'], 'formats': ['<u2', '<f8', ('<f4', (3,))],
///                              'offsets': [6, 16, 40], 'itemsize': 96}".parse()?;
/// assert_eq!((three_of_many.itemsize(), three_of_many.field("mass")?.0), (96, 16));
///
/// let short: DType = "i4,(10,)>f4,3i4".parse()?;
/// assert_eq!(short, "[('f0', 'i4'), ('f1', '>f4', (10,)), ('f2', 'i4', (3,))]".parse()?);
/// assert_eq!("(3,3)f8".parse::<DType>()?, <[[f64; 3]; 3] as mmap_array::Element>::dtype());
/// # Ok::<(), mmap_array::Error>(())
/// ```
impl FromStr for DType {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let is_quoted = text.contains(['\'', '"']) || text.starts_with(['[', '{']);
        if !is_quoted && typestr::is_list(text) {
            // A comma may also be in a comment of a longer text.
            return Self::from_short(text).or_else(|error| Self::from_descr(text).map_err(|_| error));
        }
        let bare = text.starts_with(|first: char| first.is_ascii_alphabetic() || "<>=|?".contains(first));
        if bare && !is_quoted {
            return typestr::parse(text).map_err(|what| error_at(text, 0, what));
        }
        Reader { text, dicts: true, aligned: false }.element(&literal::parse(text, Python::Three)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_header_is_read_at_its_place() {
        let header = "{'descr': [('a', '<i4', (2L,)), ('b', '<f3')], 'shape': (), }";
        let Literal::Dict(mut entries) = literal::parse(header, Python::Two).unwrap().literal else { panic!() };
        let error = DType::from_literal(header, &entries.remove(0).1).unwrap_err();
        assert!(error.to_string().starts_with("there is no type \"<f3\" (at character 39, after"), "{error}");
    }

    #[test]
    fn a_subarray_is_read_as_it_is_printed_and_is_no_headers() {
        for text in ["3i4", "(2,3)>f8", "(2,)i4,f4"] {
            let dtype: DType = text.parse().unwrap();
            assert_eq!(dtype.to_string().parse::<DType>().unwrap(), dtype, "{dtype}");
        }
        assert!(DType::from_descr("('<i4', (3,))").is_err());
        assert_eq!("\n[] # i4,f8".parse::<DType>().unwrap().itemsize(), 0);
    }

    #[test]
    fn dims_behind_a_zero_count_as_nothing() {
        let byte = DType::scalar(Kind::UInt { size: 1, order: crate::dtype::Endianness::NATIVE }).unwrap();
        let most = MAX_ITEMSIZE;
        for fits in [&[0, most, most, most][..], &[most, most, 0], &[most], &[1; 64]] {
            assert_eq!(check_shape(&byte, fits), Ok(()), "{fits:?}");
        }
        for too_large in [&[most, most, most, 0][..], &[most, 4, most, 0], &[most, 2], &[most + 1, 0], &[1; 65]] {
            assert!(check_shape(&byte, too_large).is_err(), "{too_large:?}");
        }
    }
}
