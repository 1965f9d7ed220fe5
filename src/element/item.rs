//! What an element is to the printer.
//!
//! An element is printed from its bytes where they are, or from a copy of them: a record's padding belongs to no value.
//! What most bytes are, their dtype says, whether it is a type's or was read from a file; an element whose dtype does
//! not say it has an [`item`](super::Element::item) of its own.

use super::binary16::f32_of_half;
use super::text::{Repr, hexadecimal, trimmed, units_repr};
use super::time::text::{span_text, time_text};
use super::x87::X87;
use crate::dtype::{DType, Endianness, Kind, RecordField, TimeUnit};
use crate::print::{Item, PrintOptions};
use bytemuck::{AnyBitPattern, NoUninit};
use std::fmt::{self, Debug, Write};
use std::marker::PhantomData;

/// One element in memory, of as many bytes as its dtype says.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    ptr: *const u8,
    dtype: &'a DType,
    marker: PhantomData<&'a u8>,
}

impl<'a> Stored<'a> {
    /// # Safety
    ///
    /// From `ptr` on there must be as many initialised bytes as the dtype's items have, which nobody writes for `'a`.
    pub(crate) unsafe fn new(ptr: *const u8, dtype: &'a DType) -> Self {
        Self { ptr, dtype, marker: PhantomData }
    }

    /// A value in the program's own memory.
    ///
    /// # Panics
    ///
    /// If it has another size than the dtype's items.
    pub(super) fn of<T: NoUninit>(value: &'a T, dtype: &'a DType) -> Self {
        assert_eq!(size_of::<T>(), dtype.itemsize(), "a value is described by a dtype of its size");
        // SAFETY: the value has that many bytes, all initialised, and is borrowed for 'a.
        unsafe { Self::new(bytemuck::bytes_of(value).as_ptr(), dtype) }
    }

    /// The part of the element at an offset, where its dtype says that this part is.
    fn part(&self, offset: usize, dtype: &'a DType) -> Self {
        debug_assert!(offset + dtype.itemsize() <= self.dtype.itemsize());
        // What a `DType` has for parts lies within it, which every function that makes one has checked; so the bytes
        // are some of those that `new` was told of.
        Self { ptr: self.ptr.wrapping_add(offset), dtype, marker: PhantomData }
    }

    /// The value of a type of the element's size; `None` of another's.
    pub(crate) fn get<T: AnyBitPattern>(&self) -> Option<T> {
        (size_of::<T>() == self.dtype.itemsize()).then(|| {
            // SAFETY: the element has that many initialised bytes, by the contract of `new`.
            unsafe { self.ptr.cast::<T>().read_unaligned() }
        })
    }

    /// All bytes of the element.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.dtype.itemsize()];
        // SAFETY: the element has that many initialised bytes, by the contract of `new`, and the target is memory of
        // this function's, apart from them.
        unsafe { bytes.as_mut_ptr().copy_from_nonoverlapping(self.ptr, bytes.len()) };
        bytes
    }

    /// The bytes from an offset on, in the machine's order.
    ///
    /// # Panics
    ///
    /// If the element has fewer.
    fn native<const N: usize>(&self, offset: usize, order: Endianness) -> [u8; N] {
        let mut bytes = [0; N];
        assert!(offset + N <= self.dtype.itemsize(), "no more than the item's bytes are read");
        // SAFETY: the element has that many initialised bytes, by the contract of `new`, and the target is memory of
        // this function's, apart from them.
        unsafe { bytes.as_mut_ptr().copy_from_nonoverlapping(self.ptr.wrapping_add(offset), N) };
        if order != Endianness::NATIVE {
            bytes.reverse();
        }
        bytes
    }

    /// What the element is, which is no record; a subarray is its bytes.
    pub(crate) fn leaf(&self) -> Leaf {
        macro_rules! number {
            ($number:ty, $order:expr) => {
                <$number>::from_ne_bytes(self.native(0, $order))
            };
        }
        macro_rules! complex {
            ($float:ty, $order:expr) => {
                [0, size_of::<$float>()].map(|offset| <$float>::from_ne_bytes(self.native(offset, $order)))
            };
        }
        match *self.dtype.kind() {
            Kind::Bool => Leaf::Bool(number!(u8, Endianness::NATIVE) != 0),
            Kind::Int { size: 1, order } => Leaf::Int(number!(i8, order).into()),
            Kind::Int { size: 2, order } => Leaf::Int(number!(i16, order).into()),
            Kind::Int { size: 4, order } => Leaf::Int(number!(i32, order).into()),
            Kind::Int { order, .. } => Leaf::Int(number!(i64, order)),
            Kind::UInt { size: 1, order } => Leaf::UInt(number!(u8, order).into()),
            Kind::UInt { size: 2, order } => Leaf::UInt(number!(u16, order).into()),
            Kind::UInt { size: 4, order } => Leaf::UInt(number!(u32, order).into()),
            Kind::UInt { order, .. } => Leaf::UInt(number!(u64, order)),
            Kind::Float { size: 2, order } => Leaf::F16(f32_of_half(number!(u16, order))),
            Kind::Float { size: 4, order } => Leaf::F32(number!(f32, order)),
            Kind::Float { size: 8, order } => Leaf::F64(number!(f64, order)),
            Kind::Complex { size: 8, order } => Leaf::ComplexF32(complex!(f32, order)),
            Kind::Complex { size: 16, order } => Leaf::ComplexF64(complex!(f64, order)),
            Kind::Float { size: 12, order } => Leaf::X87(X87::of_native(self.native::<12>(0, order))),
            Kind::Float { size: 16, order } => Leaf::X87(X87::of_native(self.native::<16>(0, order))),
            Kind::Complex { size: 24, order } => {
                Leaf::ComplexX87([0, 12].map(|offset| X87::of_native(self.native::<12>(offset, order))))
            }
            Kind::Complex { size: 32, order } => {
                Leaf::ComplexX87([0, 16].map(|offset| X87::of_native(self.native::<16>(offset, order))))
            }
            Kind::Bytes { .. } => {
                let mut bytes = self.bytes();
                bytes.truncate(trimmed(&bytes).len());
                Leaf::Bytes(bytes)
            }
            Kind::Ucs4 { len, order } => {
                let mut units: Vec<u32> =
                    (0..len).map(|index| u32::from_ne_bytes(self.native(4 * index, order))).collect();
                units.truncate(trimmed(&units).len());
                Leaf::Ucs4(units)
            }
            Kind::DateTime64 { unit, count, order } => Leaf::DateTime64(number!(i64, order), unit, count),
            Kind::TimeDelta64 { unit, count, order } => Leaf::TimeDelta64(number!(i64, order), unit, count),
            // There are no floats of other sizes.
            Kind::Void { .. }
            | Kind::Float { .. }
            | Kind::Complex { .. }
            | Kind::Array { .. }
            | Kind::Record { .. } => Leaf::Void(self.bytes()),
        }
    }

    /// The element as the printer knows it by its dtype, in an array or on its own.
    pub(crate) fn item(&self, in_array: bool, options: &PrintOptions) -> Item {
        if !options.take_room(1) {
            return Item::omitted();
        }
        match self.dtype.kind() {
            Kind::Record { fields } => {
                let mut items = Vec::new();
                for field in fields {
                    items.push(self.part(field.offset, &field.dtype).item(true, options));
                    if options.room.get() == 0 {
                        break;
                    }
                }
                Item::Record(items)
            }
            Kind::Array { .. } => {
                let (element, shape) = self.dtype.flattened();
                let mut at = |position| self.part(position * element.itemsize(), element).item(true, options);
                Item::array(shape, element.leaves(), options, &mut at)
            }
            _ => self.leaf().item(in_array),
        }
    }

    /// Whether two elements of one dtype are equal.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        match self.dtype.kind() {
            // Items of no bytes are equal, and may be too many to be looked at.
            _ if self.dtype.itemsize() == 0 => true,
            Kind::Record { fields } => {
                let part = |stored: &Self, field: &'a RecordField| stored.part(field.offset, &field.dtype);
                fields.iter().all(|field| part(self, field).equals(&part(other, field)))
            }
            Kind::Array { .. } => {
                let (element, _) = self.dtype.flattened();
                let part = |stored: &Self, start| stored.part(start, element);
                let mut starts = (0..self.dtype.itemsize()).step_by(element.itemsize());
                starts.all(|start| part(self, start).equals(&part(other, start)))
            }
            _ => self.leaf() == other.leaf(),
        }
    }
}

/// An element that has no parts, by value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Leaf {
    Bool(bool),
    Int(i64),
    UInt(u64),
    F16(f32),
    F32(f32),
    F64(f64),
    ComplexF32([f32; 2]),
    ComplexF64([f64; 2]),
    X87(X87),
    ComplexX87([X87; 2]),
    /// Without the zeros at the end.
    Bytes(Vec<u8>),
    /// Without the zeros at the end.
    Ucs4(Vec<u32>),
    Void(Vec<u8>),
    DateTime64(i64, TimeUnit, u32),
    TimeDelta64(i64, TimeUnit, u32),
}

impl Leaf {
    /// As the printer knows it, in an array or on its own.
    pub(crate) fn item(&self, in_array: bool) -> Item {
        match *self {
            Self::Bool(truth) => Item::Bool(truth),
            Self::Int(number) => Item::Int(number.into()),
            Self::UInt(number) => Item::Int(number.into()),
            Self::F16(number) => Item::F16(number),
            Self::F32(number) => Item::F32(number),
            Self::F64(number) => Item::F64(number),
            Self::ComplexF32(number) => Item::Complex32(number),
            Self::ComplexF64(number) => Item::Complex64(number),
            Self::X87(number) => Item::Wide(number.wide()),
            Self::ComplexX87(parts) => Item::ComplexWide(parts.map(X87::wide)),
            Self::Bytes(ref bytes) => Item::Bytes(format!("{:?}", Repr(bytes))),
            Self::Ucs4(ref units) if in_array => Item::Quoted(units_repr(units)),
            Self::Ucs4(ref units) => {
                let character = |&unit: &u32| char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER);
                Item::Quoted(units.iter().map(character).collect())
            }
            Self::Void(ref bytes) => Item::Text(hexadecimal(bytes)),
            Self::DateTime64(count, unit, spans_of) => Item::Text(time_text(count, unit, spans_of, in_array)),
            Self::TimeDelta64(count, unit, spans_of) => Item::Text(span_text(count, unit, spans_of, in_array)),
        }
    }
}

/// What an element of any type is to the printer by what its `Debug` writes, in an array.
///
/// This crate's texts and times say themselves what they are, by the marks that [`write_marked`] makes. Anything else
/// is what it writes.
pub(super) fn written(element: &impl Debug) -> Item {
    let mut page = Page::default();
    // An element whose `Debug` fails shows what it has written.
    let _ = write!(page, "{element:?}");
    match (page.begins_marked, page.ends_marked) {
        (true, true) => Item::Quoted(page.text),
        (true, false) => Item::Text(format!("{element:-?}")),
        (false, _) => Item::Text(page.text),
    }
}

/// What [`written`] has an element write on: text, and the marks around it, which are pieces of no characters.
#[derive(Default)]
struct Page {
    text: String,
    begins_marked: bool,
    ends_marked: bool,
}

impl Write for Page {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        if self.text.is_empty() {
            self.begins_marked |= piece.is_empty();
        } else {
            self.ends_marked = piece.is_empty();
        }
        self.text.push_str(piece);
        Ok(())
    }
}

/// What stands in an array for the text of an element's `Debug`.
pub(super) enum Mark {
    /// Text in quotes, which is not brought to a common width.
    Quoted,
    /// Text that is, and that `{:-?}` gives as NumPy shows it in arrays.
    Text,
}

/// Writes what an element's `Debug` shows, so that [`written`] knows it for an element's: with an empty piece before
/// it and, where it is quoted, one behind it. Nobody else sees them.
pub(super) fn write_marked(
    f: &mut fmt::Formatter<'_>,
    mark: Mark,
    write: impl FnOnce(&mut fmt::Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    f.write_str("")?;
    write(f)?;
    match mark {
        Mark::Quoted => f.write_str(""),
        Mark::Text => Ok(()),
    }
}
