//! Arrays as lines of JSON.

use super::Failure;
use super::elements::{Elements, Number, step};
use super::number::{write_f32, write_f64, write_int};
use super::source::Source;
use mmap_array::{
    DType,
    dtype::{Endianness, Kind, TimeUnit},
    dynamic::Value,
};
use std::io::{self, Write};
use std::ops::Range;

/// Writes each element of the leading axis, or the only element of a 0-d array, as a line.
pub(crate) fn write(
    source: &Source,
    rows: Option<Range<usize>>,
    field: Option<&str>,
    out: &mut impl Write,
) -> Result<(), Failure> {
    // Before anything is written, everything that can be wrong with the file is found.
    source.check(rows.as_ref())?;
    let mut elements = Elements::new(source, rows.clone())?;
    let (shape, dtype) = (&source.shape, &source.dtype);
    match (shape.split_first(), rows) {
        (Some((_, inner)), Some(rows)) => elements.write_lines(rows.len(), inner, dtype, field, out)?,
        _ => elements.write_fields_lines(dtype, field, out)?,
    }
    Ok(())
}

impl Elements<'_> {
    /// Writes `count` lines, each with the items along the axes `inner`.
    pub(crate) fn write_lines(
        &mut self,
        count: usize,
        inner: &[usize],
        dtype: &DType,
        field: Option<&str>,
        out: &mut impl Write,
    ) -> io::Result<()> {
        (0..count).try_for_each(|_| {
            self.write_axes(inner, dtype, field, out)?;
            out.write_all(b"\n")
        })
    }

    /// Writes the only item of a 0-d array, or a field of it, as a line; a subarray has a line for each element of its
    /// leading axis.
    fn write_fields_lines(&mut self, dtype: &DType, field: Option<&str>, out: &mut impl Write) -> io::Result<()> {
        match (dtype.kind(), field.and_then(|path| step(dtype, path))) {
            (Kind::Array { element, shape }, _) if !shape.is_empty() => {
                self.write_lines(shape[0], &shape[1..], element, field, out)
            }
            (_, Some((found, inner))) => {
                self.skip(found.offset)?;
                self.write_fields_lines(&found.dtype, inner, out)
            }
            (_, None) => self.write_lines(1, &[], dtype, None, out),
        }
    }

    /// Writes items along axes as nested arrays.
    fn write_axes(
        &mut self,
        axes: &[usize],
        dtype: &DType,
        field: Option<&str>,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let Some((&len, inner)) = axes.split_first() else { return self.write_item(dtype, field, out) };
        out.write_all(b"[")?;
        for index in 0..len {
            out.write_all(if index == 0 { b"" } else { b"," })?;
            self.write_axes(inner, dtype, field, out)?;
        }
        out.write_all(b"]")
    }

    fn write_item(&mut self, dtype: &DType, field: Option<&str>, out: &mut impl Write) -> io::Result<()> {
        match dtype.kind() {
            Kind::Array { element, shape } => self.write_axes(shape, element, field, out),
            Kind::Record { .. } => {
                let is_whole = field.and_then(|path| step(dtype, path)).is_none();
                out.write_all(if is_whole { b"{" } else { b"" })?;
                self.fields(dtype, field, |elements, index, part, inner| {
                    if is_whole {
                        out.write_all(if index == 0 { b"" } else { b"," })?;
                        write_text(&part.name, out)?;
                        out.write_all(b":")?;
                    }
                    elements.write_item(&part.dtype, inner, out)
                })?;
                out.write_all(if is_whole { b"}" } else { b"" })
            }
            Kind::Bytes { len } => {
                self.write_units(*len, |elements| elements.bytes().map(|[byte]: [u8; 1]| byte.into()), out)
            }
            Kind::Ucs4 { len, order: Endianness::Big } => {
                self.write_units(*len, |elements| elements.bytes().map(u32::from_be_bytes), out)
            }
            Kind::Ucs4 { len, order: Endianness::Little } => {
                self.write_units(*len, |elements| elements.bytes().map(u32::from_le_bytes), out)
            }
            Kind::Void { len } => self.write_hexadecimal(*len, out),
            Kind::Bool | Kind::Int { .. } | Kind::UInt { .. } | Kind::Float { size: 4 | 8, .. } => {
                match self.number(dtype)? {
                    Number::Bool(truth) => out.write_all(if truth { b"true" } else { b"false" }),
                    Number::Int(number) => write_int(number, out),
                    Number::UInt(number) => write_int(number, out),
                    Number::F32(number) if number.is_finite() => write_f32(number, out),
                    Number::F32(number) => write_special(number.into(), out),
                    Number::F64(number) if number.is_finite() => write_f64(number, out),
                    Number::F64(number) => write_special(number, out),
                }
            }
            Kind::Float { size: size @ (12 | 16), .. } => self.write_hexadecimal(*size, out),
            Kind::Complex { size: size @ (24 | 32), .. } => {
                out.write_all(b"[")?;
                self.write_hexadecimal(size / 2, out)?;
                out.write_all(b",")?;
                self.write_hexadecimal(size / 2, out)?;
                out.write_all(b"]")
            }
            _ => write_value(&self.value(dtype)?, out),
        }
    }

    /// Writes `len` characters as a string, without the zeros at its end.
    fn write_units(
        &mut self,
        len: usize,
        mut next: impl FnMut(&mut Self) -> io::Result<u32>,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let mut zeros = 0;
        out.write_all(b"\"")?;
        for _ in 0..len {
            match next(self)? {
                0 => zeros += 1,
                unit => {
                    for _ in 0..std::mem::take(&mut zeros) {
                        write_unit(0, out)?;
                    }
                    write_unit(unit, out)?;
                }
            }
        }
        out.write_all(b"\"")
    }

    fn write_hexadecimal(&mut self, len: usize, out: &mut impl Write) -> io::Result<()> {
        out.write_all(b"\"")?;
        for _ in 0..len {
            let [byte] = self.bytes()?;
            write!(out, "{byte:02x}")?;
        }
        out.write_all(b"\"")
    }
}

fn write_value(value: &Value<'_>, out: &mut impl Write) -> io::Result<()> {
    match *value {
        Value::F16(number) if number.is_finite() => write!(out, "{value}"),
        Value::F32(number) if number.is_finite() => write_f32(number, out),
        Value::F64(number) if number.is_finite() => write_f64(number, out),
        Value::F16(number) | Value::F32(number) => write_special(number.into(), out),
        Value::F64(number) => write_special(number, out),
        Value::ComplexF32(parts) => write_pair(parts.map(Value::F32), out),
        Value::ComplexF64(parts) => write_pair(parts.map(Value::F64), out),
        Value::DateTime64(i64::MIN, ..) | Value::TimeDelta64(i64::MIN, ..) => out.write_all(b"\"NaT\""),
        Value::DateTime64(count, TimeUnit::Generic, _) | Value::TimeDelta64(count, ..) => write!(out, "{count}"),
        Value::DateTime64(count, unit, spans_of) => {
            // NumPy counts the spans, and the days of weeks, in 64 bits, and beyond them from the other end on.
            let (days, unit) = if unit == TimeUnit::Week { (7, TimeUnit::Day) } else { (1, unit) };
            let count = count.wrapping_mul(spans_of.into()).wrapping_mul(days);
            write_text(&Value::DateTime64(count, unit, 1).to_string(), out)
        }
        _ => write_text(&value.to_string(), out),
    }
}

fn write_pair([re, im]: [Value<'_>; 2], out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"[")?;
    write_value(&re, out)?;
    out.write_all(b",")?;
    write_value(&im, out)?;
    out.write_all(b"]")
}

/// Writes a float that JSON cannot represent as a number, as a string.
fn write_special(number: f64, out: &mut impl Write) -> io::Result<()> {
    out.write_all(match number {
        f64::INFINITY => b"\"Infinity\"",
        f64::NEG_INFINITY => b"\"-Infinity\"",
        _ => b"\"NaN\"",
    })
}

pub(crate) fn write_text(text: &str, out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"\"")?;
    text.chars().try_for_each(|character| write_unit(character.into(), out))?;
    out.write_all(b"\"")
}

/// Writes a character or a surrogate. Any other value that is not in Unicode becomes U+FFFD.
fn write_unit(unit: u32, out: &mut impl Write) -> io::Result<()> {
    match (unit, char::from_u32(unit)) {
        (_, Some(quoted @ ('"' | '\\'))) => write!(out, "\\{quoted}"),
        (8, _) => out.write_all(b"\\b"),
        (9, _) => out.write_all(b"\\t"),
        (10, _) => out.write_all(b"\\n"),
        (12, _) => out.write_all(b"\\f"),
        (13, _) => out.write_all(b"\\r"),
        (0..0x20 | 0xd800..0xe000, _) => write!(out, "\\u{unit:04x}"),
        (_, Some(character)) => write!(out, "{character}"),
        (_, None) => write!(out, "{}", char::REPLACEMENT_CHARACTER),
    }
}
