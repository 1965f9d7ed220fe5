//! The elements of an array in C order, one after another, in bounded memory.

use super::Failure;
use super::source::Source;
use mmap_array::{
    DType, DynView, Order,
    dtype::{Endianness, Kind, RecordField},
    dynamic::Value,
};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::Range;

/// The number of bytes of an array in Fortran order that are in memory at once.
const BLOCK: usize = 4 << 20;

/// The size of the largest element that is read, in bytes.
const MOST: usize = 256 << 20;

/// The bytes of some rows, item by item in C order.
pub(crate) struct Elements<'a> {
    input: BufReader<Box<dyn Read + 'a>>,
    buffer: Vec<u8>,
}

impl<'a> Elements<'a> {
    pub(crate) fn new(source: &'a Source, rows: Option<Range<usize>>) -> Result<Self, Failure> {
        check_size(source)?;
        let size = source.dtype.itemsize();
        let rows = rows.unwrap_or(0..1);
        let others = source.shape.get(1..).unwrap_or_default();
        let input = if source.order == Order::F && others.iter().any(|&len| len != 1) && source.nbytes > 0 {
            let (file, start) = source.file()?;
            let file = BufReader::with_capacity(4096, file);
            let (all_rows, others, block) = (source.shape[0], others.to_vec(), Vec::new());
            let columns = others.iter().product();
            let at = (rows.start, 0);
            Box::new(Turned { file, position: 0, start, size, all_rows, rows, others, columns, at, block, read: 0 })
        } else {
            let row: u64 = if source.nbytes == 0 { 0 } else { others.iter().map(|&len| len as u64).product() };
            let byte = |row_number: usize| row_number as u64 * row * size as u64;
            Box::new(source.input(byte(rows.start)..byte(rows.end))?) as Box<dyn Read>
        };
        Ok(Self { input: BufReader::with_capacity(1 << 16, input), buffer: Vec::new() })
    }

    /// Creates a reader of the bytes of all items, in the order in which they are stored.
    pub(crate) fn stored(source: &'a Source) -> Result<Self, Failure> {
        check_size(source)?;
        let input = source.input(0..source.nbytes)?;
        Ok(Self { input: BufReader::with_capacity(1 << 16, Box::new(input)), buffer: Vec::new() })
    }

    /// Creates a reader of the bytes of one item.
    fn of_bytes(bytes: &'a [u8]) -> Self {
        Self { input: BufReader::with_capacity(64, Box::new(bytes)), buffer: Vec::new() }
    }

    pub(crate) fn skip(&mut self, bytes: usize) -> io::Result<()> {
        match io::copy(&mut self.input.by_ref().take(bytes as u64), &mut io::sink())? {
            skipped if skipped == bytes as u64 => Ok(()),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Reads the next `N` bytes, which are a number or a character.
    #[inline]
    pub(crate) fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.input.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// Calls `f` with each field of a record and its number, or only with the field with which `path` begins and the
    /// rest of the path. The fields may be stored in any order.
    pub(crate) fn fields(
        &mut self,
        dtype: &DType,
        path: Option<&str>,
        mut f: impl FnMut(&mut Elements<'_>, usize, &RecordField, Option<&str>) -> io::Result<()>,
    ) -> io::Result<()> {
        let (fields, found) = (dtype.fields(), path.and_then(|path| step(dtype, path)));
        let is_asked = |part: &RecordField| found.is_none_or(|(wanted, _)| wanted.name == part.name);
        let mut parts = fields.iter().enumerate().filter(|(_, part)| is_asked(part));
        let inner = found.and_then(|(_, inner)| inner);
        if !follow_one_another(fields) {
            let item = self.items(dtype.itemsize())?.to_vec();
            return parts
                .try_for_each(|(index, part)| f(&mut Elements::of_bytes(&item[part.offset..]), index, part, inner));
        }
        let mut end = 0;
        for (index, part) in parts {
            self.skip(part.offset - end)?;
            f(self, index, part, inner)?;
            end = part.offset + part.dtype.itemsize();
        }
        self.skip(dtype.itemsize() - end)
    }

    /// Reads the next `len` bytes, which are whole items.
    pub(crate) fn items(&mut self, len: usize) -> io::Result<&[u8]> {
        self.buffer.resize(len, 0);
        self.input.read_exact(&mut self.buffer)?;
        Ok(&self.buffer)
    }

    /// Reads the next item, which is a number or a time.
    pub(crate) fn value(&mut self, dtype: &DType) -> io::Result<Value<'static>> {
        self.buffer.resize(dtype.itemsize(), 0);
        self.input.read_exact(&mut self.buffer)?;
        let view = DynView::from_bytes(&self.buffer, dtype, ())?;
        Ok(match view.at(()) {
            Value::Bool(truth) => Value::Bool(truth),
            Value::Int(number) => Value::Int(number),
            Value::UInt(number) => Value::UInt(number),
            Value::F16(number) => Value::F16(number),
            Value::F32(number) => Value::F32(number),
            Value::F64(number) => Value::F64(number),
            Value::ComplexF32(number) => Value::ComplexF32(number),
            Value::ComplexF64(number) => Value::ComplexF64(number),
            Value::DateTime64(count, unit, spans_of) => Value::DateTime64(count, unit, spans_of),
            Value::TimeDelta64(count, unit, spans_of) => Value::TimeDelta64(count, unit, spans_of),
            _ => Value::Void(self.buffer.clone()),
        })
    }
}

/// A number of a file, in the machine's byte order. Integers are widened to 64 bits.
pub(crate) enum Number {
    Bool(bool),
    Int(i64),
    UInt(u64),
    F32(f32),
    F64(f64),
}

impl Elements<'_> {
    /// Reads the next item, which is a boolean, an integer, or a float of 4 or 8 bytes.
    #[inline]
    pub(crate) fn number(&mut self, dtype: &DType) -> io::Result<Number> {
        macro_rules! read {
            ($order:expr, $type:ty) => {{
                let bytes = self.bytes()?;
                match $order {
                    Endianness::Little => <$type>::from_le_bytes(bytes),
                    Endianness::Big => <$type>::from_be_bytes(bytes),
                }
            }};
        }
        Ok(match *dtype.kind() {
            Kind::Int { size: 1, order } => Number::Int(read!(order, i8).into()),
            Kind::Int { size: 2, order } => Number::Int(read!(order, i16).into()),
            Kind::Int { size: 4, order } => Number::Int(read!(order, i32).into()),
            Kind::Int { order, .. } => Number::Int(read!(order, i64)),
            Kind::UInt { size: 1, order } => Number::UInt(read!(order, u8).into()),
            Kind::UInt { size: 2, order } => Number::UInt(read!(order, u16).into()),
            Kind::UInt { size: 4, order } => Number::UInt(read!(order, u32).into()),
            Kind::UInt { order, .. } => Number::UInt(read!(order, u64)),
            Kind::Float { size: 4, order } => Number::F32(read!(order, f32)),
            Kind::Float { order, .. } => Number::F64(read!(order, f64)),
            _ => Number::Bool(self.bytes::<1>()? != [0]),
        })
    }
}

/// Checks that an element is not larger than [`MOST`] bytes.
fn check_size(source: &Source) -> Result<(), Failure> {
    match source.dtype.itemsize() {
        size if size <= MOST => Ok(()),
        size => Err(Failure::new(format!(
            "{}: an element of {size} bytes is larger than {MOST} bytes, and is not read",
            source.name
        ))),
    }
}

/// Returns whether each field begins at or after the end of the one before it, as in a header.
fn follow_one_another(fields: &[RecordField]) -> bool {
    let ends = fields.iter().map(|field| field.offset + field.dtype.itemsize());
    fields.iter().skip(1).zip(ends).all(|(field, end)| end <= field.offset)
}

/// Returns the field with which a path begins, and the rest of the path. If several names match, the longest is taken.
pub(crate) fn step<'d, 'p>(dtype: &'d DType, path: &'p str) -> Option<(&'d RecordField, Option<&'p str>)> {
    let find =
        |name: &str| dtype.fields().iter().find(|field| field.name == name || field.title.as_deref() == Some(name));
    if let Some(field) = find(path) {
        return Some((field, None));
    }
    path.rmatch_indices('.').find_map(|(dot, _)| Some((find(&path[..dot])?, Some(&path[dot + 1..]))))
}

/// Returns the dtype of a field, or an error if there is no such field.
pub(crate) fn find_field<'d>(dtype: &'d DType, path: &str) -> Result<&'d DType, Failure> {
    match (dtype.kind(), step(dtype, path)) {
        (Kind::Array { element, .. }, _) => find_field(element, path),
        (_, Some((field, Some(rest)))) => find_field(&field.dtype, rest),
        (_, Some((field, None))) => Ok(&field.dtype),
        // The library's own error names the fields that there are.
        (_, None) => Ok(dtype.field(path)?.1),
    }
}

/// A reader of an array in Fortran order that returns its bytes in C order, block by block.
struct Turned {
    file: BufReader<File>,
    position: u64,
    /// The byte of the file at which the first element begins.
    start: u64,
    size: usize,
    all_rows: usize,
    rows: Range<usize>,
    /// The lengths of the other axes, and their product.
    others: Vec<usize>,
    columns: usize,
    /// The row and the column with which the next block begins; columns are counted in C order.
    at: (usize, usize),
    block: Vec<u8>,
    read: usize,
}

impl Turned {
    /// Reads the next block: as many whole rows as fit, or a part of one row if it does not fit.
    fn fill(&mut self) -> io::Result<()> {
        let (row, column) = self.at;
        let columns = (self.columns - column).min((BLOCK / self.size).max(1));
        let rows = if columns < self.columns { 1 } else { (BLOCK / self.size / columns).clamp(1, self.rows.end - row) };
        self.block.resize(rows * columns * self.size, 0);
        let mut run = vec![0; rows * self.size];
        for index in 0..columns {
            self.read_run(row, column + index, &mut run)?;
            for (row, item) in run.chunks_exact(self.size).enumerate() {
                let target = (row * columns + index) * self.size;
                self.block[target..target + self.size].copy_from_slice(item);
            }
        }
        self.read = 0;
        self.at = if column + columns < self.columns { (row, column + columns) } else { (row + rows, 0) };
        Ok(())
    }

    /// Reads items of one column, which are contiguous in the file.
    fn read_run(&mut self, row: usize, column: usize, run: &mut [u8]) -> io::Result<()> {
        // The column's number in the file, where the first axis varies fastest.
        let (mut left, mut number) = (column, 0);
        for (axis, len) in self.others.iter().enumerate().rev() {
            let before: usize = self.others[..axis].iter().product();
            number += left % len * before;
            left /= len;
        }
        let element = number as u64 * self.all_rows as u64 + row as u64;
        let wanted = self.start + element * self.size as u64;
        // Both are places in a file.
        self.file.seek_relative(wanted as i64 - self.position as i64)?;
        self.file.read_exact(run)?;
        self.position = wanted + run.len() as u64;
        Ok(())
    }
}

impl Read for Turned {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.block.len() && self.at.0 < self.rows.end {
            self.fill()?;
        }
        let count = (&self.block[self.read..]).read(buffer)?;
        self.read += count;
        Ok(count)
    }
}
