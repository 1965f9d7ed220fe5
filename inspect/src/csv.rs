//! Arrays as comma-separated values (RFC 4180), one line for each element of the leading axis.
//!
//! Each scalar has a column: there is one for each element of a subarray or of further axes, and one for each part of a
//! complex number. For records, the first line has the names of the columns: `pos.x`, `rgb[0]`, `z.real`. Numbers that
//! are not finite are `nan`, `inf` and `-inf`; booleans are `True` and `False`; times are as NumPy prints them.

use super::Failure;
use super::elements::{Elements, Number, find_field, step};
use super::number::{write_f32, write_f64, write_int};
use super::source::Source;
use mmap_array::DType;
use mmap_array::dtype::{Endianness, Kind, TimeUnit};
use mmap_array::dynamic::Value;
use std::io::{self, Write};
use std::ops::Range;

/// The largest number of columns in a table.
const MOST_COLUMNS: usize = 1 << 20;

/// Writes an array as lines of comma-separated values.
pub(crate) fn write(
    source: &Source,
    rows: Option<Range<usize>>,
    field: Option<&str>,
    out: &mut impl Write,
) -> Result<(), Failure> {
    source.check(rows.as_ref())?;
    let (dtype, shape) = (&source.dtype, &source.shape);
    let leaf = field.map_or(Ok(dtype), |path| find_field(dtype, path))?;
    // The axes of subarrays on the way to the field stand before its own.
    let mut inner = shape.get(1..).unwrap_or_default().to_vec();
    let mut part = dtype;
    let mut path = field;
    while let Some(rest) = path {
        match (part.kind(), step(part, rest)) {
            (Kind::Array { element, shape }, _) => {
                inner.extend(shape);
                part = element;
            }
            (_, Some((found, rest))) => (part, path) = (&found.dtype, rest),
            (_, None) => break,
        }
    }
    let items = inner.iter().fold(1_usize, |count, &len| count.saturating_mul(len));
    if columns(leaf).saturating_mul(items) > MOST_COLUMNS {
        return Err(Failure::new(format!(
            "{}: a table has at most {MOST_COLUMNS} columns; --jsonl has no limit",
            source.name
        )));
    }
    if is_record(leaf) {
        write_names(leaf, "", &inner, &mut true, out)?;
        out.write_all(b"\n")?;
    }
    let mut elements = Elements::new(source, rows.clone())?;
    let count = shape.get(1..).unwrap_or_default().iter().product::<usize>();
    for _ in 0..rows.map_or(1, |rows| rows.len()) {
        let mut first = true;
        for _ in 0..count {
            elements.write_cells(dtype, field, &mut first, out)?;
        }
        out.write_all(b"\n")?;
    }
    Ok(())
}

fn is_record(dtype: &DType) -> bool {
    match dtype.kind() {
        Kind::Array { element, .. } => is_record(element),
        Kind::Record { .. } => true,
        _ => false,
    }
}

/// Returns the number of columns of an item.
fn columns(dtype: &DType) -> usize {
    match dtype.kind() {
        Kind::Array { element, shape } => shape.iter().fold(columns(element), |count, &len| count.saturating_mul(len)),
        Kind::Record { fields } => {
            fields.iter().fold(0, |count: usize, field| count.saturating_add(columns(&field.dtype)))
        }
        Kind::Complex { .. } => 2,
        _ => 1,
    }
}

/// Writes the names of the columns of the items along axes.
fn write_names(dtype: &DType, before: &str, axes: &[usize], first: &mut bool, out: &mut impl Write) -> io::Result<()> {
    if !axes.is_empty() {
        let mut index = vec![0; axes.len()];
        for _ in 0..axes.iter().product::<usize>() {
            let numbers: Vec<String> = index.iter().map(usize::to_string).collect();
            write_names(dtype, &format!("{before}[{}]", numbers.join(",")), &[], first, out)?;
            for axis in (0..axes.len()).rev() {
                index[axis] += 1;
                if index[axis] < axes[axis] {
                    break;
                }
                index[axis] = 0;
            }
        }
        return Ok(());
    }
    let mut write = |name: &str| {
        if !std::mem::take(first) {
            out.write_all(b",")?;
        }
        write_quoted(name, out)
    };
    match dtype.kind() {
        Kind::Array { element, shape } => write_names(element, before, shape, first, out),
        Kind::Record { fields } => fields.iter().try_for_each(|field| {
            let joint = if before.is_empty() { "" } else { "." };
            write_names(&field.dtype, &format!("{before}{joint}{}", field.name), &[], first, out)
        }),
        Kind::Complex { .. } => {
            write(&format!("{before}.real"))?;
            write(&format!("{before}.imag"))
        }
        _ => write(before),
    }
}

impl Elements<'_> {
    /// Writes the cells of an item, or of one field of it.
    fn write_cells(
        &mut self,
        dtype: &DType,
        field: Option<&str>,
        first: &mut bool,
        out: &mut impl Write,
    ) -> io::Result<()> {
        match dtype.kind() {
            Kind::Array { element, shape } => {
                (0..shape.iter().product()).try_for_each(|_| self.write_cells(element, field, first, out))
            }
            Kind::Record { .. } => self
                .fields(dtype, field, |elements, _, part, inner| elements.write_cells(&part.dtype, inner, first, out)),
            _ => {
                if !std::mem::take(first) {
                    out.write_all(b",")?;
                }
                self.write_cell(dtype, out)
            }
        }
    }

    fn write_cell(&mut self, dtype: &DType, out: &mut impl Write) -> io::Result<()> {
        match dtype.kind() {
            Kind::Bool | Kind::Int { .. } | Kind::UInt { .. } | Kind::Float { size: 4 | 8, .. } => {
                match self.number(dtype)? {
                    Number::Bool(truth) => out.write_all(if truth { b"True" } else { b"False" }),
                    Number::Int(number) => write_int(number, out),
                    Number::UInt(number) => write_int(number, out),
                    Number::F32(number) if number.is_finite() => write_f32(number, out),
                    Number::F32(number) => write_special(number.into(), out),
                    Number::F64(number) if number.is_finite() => write_f64(number, out),
                    Number::F64(number) => write_special(number, out),
                }
            }
            Kind::Bytes { len } => {
                let bytes = self.items(*len)?;
                let len = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
                let text: String = bytes[..len].iter().map(|&byte| char::from(byte)).collect();
                write_quoted(&text, out)
            }
            Kind::Ucs4 { len, order } => {
                let bytes = self.items(4 * len)?;
                let unit = |bytes: &[u8]| match *order {
                    Endianness::Little => u32::from_le_bytes(bytes.try_into().unwrap_or_default()),
                    Endianness::Big => u32::from_be_bytes(bytes.try_into().unwrap_or_default()),
                };
                let characters = bytes.chunks_exact(4).map(|bytes| char::from_u32(unit(bytes)));
                let text: String = characters.map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
                write_quoted(text.trim_end_matches('\0'), out)
            }
            Kind::Void { len } => {
                let bytes = self.items(*len)?;
                bytes.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
            }
            Kind::Complex { size: 8 | 16, .. } => match self.value(dtype)? {
                Value::ComplexF32([re, im]) => {
                    write_part(re.into(), Value::F32(re), out)?;
                    out.write_all(b",")?;
                    write_part(im.into(), Value::F32(im), out)
                }
                Value::ComplexF64([re, im]) => {
                    write_part(re, Value::F64(re), out)?;
                    out.write_all(b",")?;
                    write_part(im, Value::F64(im), out)
                }
                _ => Ok(()),
            },
            Kind::Complex { size, .. } => {
                for part in 0..2 {
                    out.write_all(if part == 0 { b"" } else { b"," })?;
                    let bytes = self.items(size / 2)?;
                    bytes.iter().try_for_each(|byte| write!(out, "{byte:02x}"))?;
                }
                Ok(())
            }
            Kind::Float { size: 12 | 16, .. } => {
                let bytes = self.items(dtype.itemsize())?;
                bytes.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
            }
            _ => match self.value(dtype)? {
                Value::F16(number) => write_part(number.into(), Value::F16(number), out),
                Value::DateTime64(i64::MIN, ..) | Value::TimeDelta64(i64::MIN, ..) => out.write_all(b"NaT"),
                Value::TimeDelta64(count, ..) | Value::DateTime64(count, TimeUnit::Generic, _) => write_int(count, out),
                value => write_quoted(&value.to_string(), out),
            },
        }
    }
}

fn write_part(number: f64, value: Value<'_>, out: &mut impl Write) -> io::Result<()> {
    match value {
        _ if !number.is_finite() => write_special(number, out),
        Value::F32(number) => write_f32(number, out),
        Value::F64(number) => write_f64(number, out),
        value => write!(out, "{value}"),
    }
}

fn write_special(number: f64, out: &mut impl Write) -> io::Result<()> {
    out.write_all(match number {
        f64::INFINITY => b"inf",
        f64::NEG_INFINITY => b"-inf",
        _ => b"nan",
    })
}

/// Writes a text, in quotes if it is empty or could be taken for more than one cell.
fn write_quoted(text: &str, out: &mut impl Write) -> io::Result<()> {
    // An empty line would be skipped by many readers.
    if !text.is_empty() && !text.contains(['"', ',', '\n', '\r']) {
        return out.write_all(text.as_bytes());
    }
    out.write_all(b"\"")?;
    out.write_all(text.replace('"', "\"\"").as_bytes())?;
    out.write_all(b"\"")
}
