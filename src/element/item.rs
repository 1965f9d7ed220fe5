//! The printer's representation of elements.
//!
//! An element is printed from its bytes in memory, or from a copy of them, since the padding of a record is not part of
//! a value. For most elements the dtype describes the bytes, whether it is that of a Rust type or was read from a file.
//! An element whose dtype does not has an [`item`](super::Element::item) of its own.

use super::binary16::f32_of_half;
use super::text::{Repr, hexadecimal, trimmed, units_repr};
use super::time::text::{span_text, time_text};
use super::x87::X87;
use crate::dtype::{DType, Endianness, Kind, RecordField, TimeUnit};
use crate::print::{Item, PrintOptions};
use bytemuck::{AnyBitPattern, NoUninit};
use std::fmt::{self, Debug, Write};
use std::marker::PhantomData;

/// An element in memory, of the size of its dtype.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    ptr: *const u8,
    dtype: &'a DType,
    marker: PhantomData<&'a u8>,
}

impl<'a> Stored<'a> {
    /// # Safety
    ///
    /// `ptr` must point to as many initialized bytes as the dtype's items have, which nobody writes for `'a`.
    pub(crate) unsafe fn new(ptr: *const u8, dtype: &'a DType) -> Self {
        Self { ptr, dtype, marker: PhantomData }
    }

    /// Creates a stored element from a value in the program's own memory.
    ///
    /// # Panics
    ///
    /// Panics if the size of the value is not that of the dtype.
    pub(super) fn of<T: NoUninit>(value: &'a T, dtype: &'a DType) -> Self {
        assert_eq!(size_of::<T>(), dtype.itemsize(), "a value is described by a dtype of its size");
        // SAFETY: the value has that many bytes, all initialized, and is borrowed for 'a.
        unsafe { Self::new(bytemuck::bytes_of(value).as_ptr(), dtype) }
    }

    /// Returns the part of the element at an offset, with its dtype. The element's dtype must have this part.
    fn part(&self, offset: usize, dtype: &'a DType) -> Self {
        debug_assert!(offset + dtype.itemsize() <= self.dtype.itemsize());
        // What a `DType` has for parts lies within it, which every function that makes one has checked; so the bytes
        // are some of those that `new` was told of.
        Self { ptr: self.ptr.wrapping_add(offset), dtype, marker: PhantomData }
    }

    /// Returns the element as a value of a type of its size, or `None` if the sizes differ.
    pub(crate) fn get<T: AnyBitPattern>(&self) -> Option<T> {
        (size_of::<T>() == self.dtype.itemsize()).then(|| {
            // SAFETY: the element has that many initialized bytes, by the contract of `new`.
            unsafe { self.ptr.cast::<T>().read_unaligned() }
        })
    }

    /// Returns all bytes of the element.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.dtype.itemsize()];
        // SAFETY: the element has that many initialized bytes, by the contract of `new`, and the target is memory of
        // this function's, apart from them.
        unsafe { bytes.as_mut_ptr().copy_from_nonoverlapping(self.ptr, bytes.len()) };
        bytes
    }

    /// Returns `N` bytes at an offset, in the machine's byte order.
    ///
    /// # Panics
    ///
    /// Panics if the element has fewer bytes.
    fn native<const N: usize>(&self, offset: usize, order: Endianness) -> [u8; N] {
        let mut bytes = [0; N];
        assert!(offset + N <= self.dtype.itemsize(), "no more than the item's bytes are read");
        // SAFETY: the element has that many initialized bytes, by the contract of `new`, and the target is memory of
        // this function's, apart from them.
        unsafe { bytes.as_mut_ptr().copy_from_nonoverlapping(self.ptr.wrapping_add(offset), N) };
        if order != Endianness::NATIVE {
            bytes.reverse();
        }
        bytes
    }

    /// Returns the value of the element, which must not be a record; a subarray is represented by its bytes.
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

    /// Returns the printer's representation by the dtype, in an array or on its own.
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

    /// Returns whether two elements of one dtype are equal.
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

/// An element without parts, by value.
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
    /// Without trailing zeros.
    Bytes(Vec<u8>),
    /// Without trailing zeros.
    Ucs4(Vec<u32>),
    Void(Vec<u8>),
    DateTime64(i64, TimeUnit, u32),
    TimeDelta64(i64, TimeUnit, u32),
}

impl Leaf {
    /// Returns the printer's representation, in an array or on its own.
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

/// Returns the printer's representation of an element of any type in an array, by the output of its `Debug`.
///
/// This crate's texts and times identify themselves by the marks of [`write_marked`]. Any other element is represented
/// as the text that it writes.
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

/// The output of an element for [`written`]: the text, and whether marks, which are empty pieces, surround it.
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

/// The representation, in an array, of the text of an element's `Debug`.
pub(super) enum Mark {
    /// Text in quotes, which is not padded to a common width.
    Quoted,
    /// Text that is padded, and that `{:-?}` formats as NumPy prints it in arrays.
    Text,
}

/// Writes the output of an element's `Debug` with the marks by which [`written`] recognizes it: an empty piece before
/// it and, if it is quoted, one after it. They do not change the text.
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
