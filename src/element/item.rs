//! What an element is to the printer.
//!
//! An element is printed from its bytes where they are, or from a copy of them: a record's padding belongs to no value.
//! What most bytes are, their dtype says, whether it is a type's or was read from a file; an element whose dtype does
//! not say it has an [`item`](super::Element::item) of its own.

use super::endian::{Be, Le, Scalar};
use super::text::{Repr, hexadecimal, trimmed, units_repr};
use super::time::{span_text, time_text};
use super::{Bool, Element};
use crate::access::{Access, ReadOnly};
use crate::dtype::{DType, Endianness, Kind, RecordField, TimeUnit};
use crate::print::{Item, PrintOptions};
use bytemuck::{AnyBitPattern, NoUninit, Pod};
use byteorder::{BigEndian, LittleEndian};
use std::any::Any;
use std::fmt::{self, Debug, Write};
use std::marker::PhantomData;
use std::mem::MaybeUninit;

/// One element in memory, of as many bytes as its dtype says.
#[derive(Clone, Copy)]
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
    fn of<T: NoUninit>(value: &'a T, dtype: &'a DType) -> Self {
        assert_eq!(size_of::<T>(), dtype.itemsize(), "a value is described by a dtype of its size");
        // SAFETY: the value has that many bytes, all initialised, and is borrowed for 'a.
        unsafe { Self::new(bytemuck::bytes_of(value).as_ptr(), dtype) }
    }

    /// Where the element is.
    pub(crate) fn ptr(&self) -> *const u8 {
        self.ptr
    }

    /// What the element is.
    pub(crate) fn dtype(&self) -> &'a DType {
        self.dtype
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
            unsafe { <ReadOnly as Access<T>>::load(self.ptr.cast()) }
        })
    }

    /// The first bytes of the element.
    ///
    /// # Panics
    ///
    /// If the element has fewer.
    fn load(&self, target: &mut [u8]) {
        assert!(target.len() <= self.dtype.itemsize(), "no more than the item's bytes are read");
        // SAFETY: the element has that many initialised bytes, by the contract of `new`, and the target is memory of
        // the caller's, apart from them.
        unsafe { <ReadOnly as Access<u8>>::load_run(self.ptr, target.as_mut_ptr(), target.len()) };
    }

    /// All bytes of the element.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.dtype.itemsize()];
        self.load(&mut bytes);
        bytes
    }

    /// The number that the first bytes are.
    fn number<T: Scalar>(&self, order: Endianness) -> T {
        let mut bytes = <T::Bytes as bytemuck::Zeroable>::zeroed();
        self.load(bytemuck::bytes_of_mut(&mut bytes));
        match order {
            Endianness::Big => T::decode::<BigEndian>(bytes),
            Endianness::Little => T::decode::<LittleEndian>(bytes),
        }
    }

    /// Both parts of a complex number.
    fn pair<T: Scalar>(&self, order: Endianness) -> [T; 2] {
        let second = Self { ptr: self.ptr.wrapping_add(size_of::<T>()), ..*self };
        assert!(2 * size_of::<T>() <= self.dtype.itemsize(), "no more than the item's bytes are read");
        [self.number(order), second.number(order)]
    }

    /// What the element is, which is no record; a subarray is its bytes.
    pub(crate) fn leaf(&self) -> Leaf {
        match *self.dtype.kind() {
            Kind::Bool => Leaf::Bool(self.number::<u8>(Endianness::NATIVE) != 0),
            Kind::Int { size: 1, order } => Leaf::Int(self.number::<i8>(order).into()),
            Kind::Int { size: 2, order } => Leaf::Int(self.number::<i16>(order).into()),
            Kind::Int { size: 4, order } => Leaf::Int(self.number::<i32>(order).into()),
            Kind::Int { order, .. } => Leaf::Int(self.number(order)),
            Kind::UInt { size: 1, order } => Leaf::UInt(self.number::<u8>(order).into()),
            Kind::UInt { size: 2, order } => Leaf::UInt(self.number::<u16>(order).into()),
            Kind::UInt { size: 4, order } => Leaf::UInt(self.number::<u32>(order).into()),
            Kind::UInt { order, .. } => Leaf::UInt(self.number(order)),
            Kind::Float { size: 2, order } => Leaf::F16(f32_of_half(self.number(order))),
            Kind::Float { size: 4, order } => Leaf::F32(self.number(order)),
            Kind::Float { size: 8, order } => Leaf::F64(self.number(order)),
            Kind::Complex { size: 8, order } => Leaf::ComplexF32(self.pair(order)),
            Kind::Complex { size: 16, order } => Leaf::ComplexF64(self.pair(order)),
            Kind::Bytes { .. } => {
                let mut bytes = self.bytes();
                bytes.truncate(trimmed(&bytes).len());
                Leaf::Bytes(bytes)
            }
            Kind::Ucs4 { order, .. } => {
                let mut units: Vec<u32> = self.bytes().chunks_exact(4).map(|unit| order.u32(unit)).collect();
                units.truncate(trimmed(&units).len());
                Leaf::Ucs4(units)
            }
            Kind::DateTime64 { unit, count, order } => Leaf::DateTime64(self.number(order), unit, count),
            Kind::TimeDelta64 { unit, count, order } => Leaf::TimeDelta64(self.number(order), unit, count),
            // Floats of 16 bytes too: what they mean depends on the machine that wrote them.
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
            Self::Bytes(ref bytes) => Item::Quoted(format!("{:?}", Repr(bytes))),
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

/// What a stored number, time or text in another byte order is: what its value is.
pub(super) fn of_value<T: Element + Pod>(value: T, in_array: bool, options: &PrintOptions) -> Item {
    T::item(&Stored::of(&value, &T::dtype()), in_array, options)
}

/// What `T` is to the printer, of which a copy is made through `A`: the part at an offset, of that dtype.
///
/// # Safety
///
/// `source` must be valid to load through `A`. From the offset on, the element must have as many bytes as the dtype's
/// items.
pub(crate) unsafe fn of_part<T: Element, A: Access<T>>(
    source: *const T,
    (offset, dtype): (usize, &DType),
    in_array: bool,
    options: &PrintOptions,
) -> Item {
    let mut copy = MaybeUninit::<T>::uninit();
    // SAFETY: the source is valid by this function's contract, and the copy is a place of its own.
    unsafe { A::load_run(source, copy.as_mut_ptr(), 1) };
    let part = copy.as_ptr().cast::<u8>().wrapping_add(offset);
    // SAFETY: all bytes of the copy have been written, those of padding too, with initialised ones, and the part is
    // within it, by this function's contract.
    let stored = unsafe { Stored::new(part, dtype) };
    T::item(&stored, in_array, options)
}

/// What an element of any type is to the printer by its `Debug`, in an array.
///
/// Numbers are numbers, whose own `Debug` is that of other libraries. This crate's texts and times say themselves what
/// they are, by the marks that [`write_marked`] makes. Anything else is what it writes.
pub(crate) fn of_debug<T: Debug + 'static>(element: &T) -> Item {
    let any: &dyn Any = element;
    macro_rules! numbers {
        ($($number:ty => |$value:ident| $item:expr),* $(,)?) => {$(
            let own = any.downcast_ref::<$number>().copied();
            let big = || any.downcast_ref::<Be<$number>>().map(|stored| stored.get());
            let little = || any.downcast_ref::<Le<$number>>().map(|stored| stored.get());
            if let Some($value) = own.or_else(big).or_else(little) {
                return $item;
            }
        )*};
    }
    let truth = any.downcast_ref::<Bool>().map(|truth| truth.get());
    if let Some(truth) = truth.or_else(|| any.downcast_ref::<bool>().copied()) {
        return Item::Bool(truth);
    }
    numbers!(f32 => |number| Item::F32(number), f64 => |number| Item::F64(number));
    #[cfg(feature = "half")]
    numbers!(half::f16 => |number| Item::F16(number.into()));
    #[cfg(feature = "num-complex")]
    numbers! {
        num_complex::Complex<f32> => |number| Item::Complex32([number.re, number.im]),
        num_complex::Complex<f64> => |number| Item::Complex64([number.re, number.im]),
    }
    let mut page = Page::default();
    // An element whose `Debug` fails shows what it has written.
    let _ = write!(page, "{element:?}");
    match (page.begins_marked, page.ends_marked) {
        (true, true) => Item::Quoted(page.text),
        (true, false) => Item::Text(format!("{element:-?}")),
        (false, _) => Item::Text(page.text),
    }
}

/// What [`of_debug`] has an element write on: text, and the marks around it, which are pieces of no characters.
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

/// Writes what an element's `Debug` shows, so that [`of_debug`] knows it for an element's: with an empty piece before
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

impl Endianness {
    /// The number that four bytes are.
    fn u32(self, bytes: &[u8]) -> u32 {
        use byteorder::ByteOrder;
        match self {
            Self::Big => BigEndian::read_u32(bytes),
            Self::Little => LittleEndian::read_u32(bytes),
        }
    }
}

/// The value of a float of 2 bytes by its bits: [IEEE 754] binary16.
///
/// [IEEE 754]: https://en.wikipedia.org/wiki/Half-precision_floating-point_format
pub(crate) fn f32_of_half(bits: u16) -> f32 {
    let (sign, exponent, fraction) = (bits >> 15, bits >> 10 & 0x1f, u32::from(bits & 0x3ff));
    let magnitude = match exponent {
        // Multiples of 2^-24, of which an `f32` holds all exactly.
        0 => fraction as f32 / (1 << 24) as f32,
        0x1f => f32::from_bits(0x7f80_0000 | fraction << 13),
        _ => f32::from_bits((u32::from(exponent) + 127 - 15) << 23 | fraction << 13),
    };
    f32::from_bits(magnitude.to_bits() | u32::from(sign) << 31)
}

#[cfg(all(test, feature = "half"))]
mod tests {
    use super::*;

    #[test]
    fn every_half_has_its_value() {
        for bits in 0..=u16::MAX {
            let (ours, theirs) = (f32_of_half(bits), half::f16::from_bits(bits).to_f32());
            assert!(ours.to_bits() == theirs.to_bits() || (ours.is_nan() && theirs.is_nan()), "{bits:#x}");
        }
    }
}
