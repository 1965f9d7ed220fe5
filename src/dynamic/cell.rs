//! The bytes of one item and what its dtype makes of them.

use super::value::Value;
use super::view::DynView;
use crate::access::{Access, ReadOnly};
use crate::dtype::{DType, Endianness, Kind, RecordField};
use crate::element::endian::Scalar;
use crate::element::text::trimmed;
use crate::print::{Item, PrintOptions};
use crate::shape::Axes;
use crate::view::RawView;
use byteorder::{BigEndian, LittleEndian};
use std::marker::PhantomData;

/// One item in memory, of as many bytes as its dtype says.
#[derive(Clone, Copy)]
pub(super) struct Cell<'a> {
    ptr: *mut u8,
    dtype: &'a DType,
    marker: PhantomData<&'a u8>,
}

impl<'a> Cell<'a> {
    /// # Safety
    ///
    /// From `ptr` on there must be as many initialised bytes as the dtype's items have, which nobody writes for `'a`.
    pub(super) unsafe fn new(ptr: *mut u8, dtype: &'a DType) -> Self {
        Self { ptr, dtype, marker: PhantomData }
    }

    /// The part of the item at an offset, where its dtype says that this part is.
    fn part(&self, offset: usize, dtype: &'a DType) -> Self {
        debug_assert!(offset + dtype.itemsize() <= self.dtype.itemsize());
        // What a `DType` has for parts lies within it, which every function that makes one has checked; so the bytes are
        // some of those that `new` was told of.
        Self { ptr: self.ptr.wrapping_add(offset), dtype, marker: PhantomData }
    }

    /// The first bytes of the item.
    ///
    /// # Panics
    ///
    /// If the item has fewer.
    fn load(&self, target: &mut [u8]) {
        assert!(target.len() <= self.dtype.itemsize(), "no more than the item's bytes are read");
        // SAFETY: the item has that many initialised bytes, by the contract of `new`, and the target is memory of the
        // caller's, apart from them.
        unsafe { <ReadOnly as Access<u8>>::load_run(self.ptr, target.as_mut_ptr(), target.len()) };
    }

    /// All bytes of the item.
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

    /// The item by value.
    pub(super) fn value(&self) -> Value<'a> {
        match *self.dtype.kind() {
            Kind::Bool => Value::Bool(self.number::<u8>(Endianness::NATIVE) != 0),
            Kind::Int(1, order) => Value::Int(self.number::<i8>(order).into()),
            Kind::Int(2, order) => Value::Int(self.number::<i16>(order).into()),
            Kind::Int(4, order) => Value::Int(self.number::<i32>(order).into()),
            Kind::Int(_, order) => Value::Int(self.number(order)),
            Kind::UInt(1, order) => Value::UInt(self.number::<u8>(order).into()),
            Kind::UInt(2, order) => Value::UInt(self.number::<u16>(order).into()),
            Kind::UInt(4, order) => Value::UInt(self.number::<u32>(order).into()),
            Kind::UInt(_, order) => Value::UInt(self.number(order)),
            Kind::Float(2, order) => Value::F16(f32_of_half(self.number(order))),
            Kind::Float(4, order) => Value::F32(self.number(order)),
            Kind::Float(8, order) => Value::F64(self.number(order)),
            Kind::Complex(8, order) => Value::ComplexF32(self.pair(order)),
            Kind::Complex(16, order) => Value::ComplexF64(self.pair(order)),
            Kind::Bytes(_) => {
                let mut bytes = self.bytes();
                bytes.truncate(trimmed(&bytes).len());
                Value::Bytes(bytes)
            }
            Kind::Ucs4(_, order) => {
                let mut units: Vec<u32> = self.bytes().chunks_exact(4).map(|unit| order.u32(unit)).collect();
                units.truncate(trimmed(&units).len());
                Value::Ucs4(units)
            }
            Kind::DateTime64(unit, spans_of, order) => Value::DateTime64(self.number(order), unit, spans_of),
            Kind::TimeDelta64(unit, spans_of, order) => Value::TimeDelta64(self.number(order), unit, spans_of),
            // Floats of 16 bytes too: what they mean depends on the machine that wrote them.
            Kind::Void(_) | Kind::Float(..) | Kind::Complex(..) | Kind::Array(..) => Value::Void(self.bytes()),
            Kind::Record(_) => {
                let raw = RawView { ptr: self.ptr, axes: Axes::default() };
                // SAFETY: the view's one element is this item.
                Value::Record(Box::new(unsafe { DynView::from_raw(raw, self.dtype) }))
            }
        }
    }

    /// The item as the printer knows it, in an array.
    pub(super) fn item(&self, options: &PrintOptions) -> Item {
        if !options.take_room(1) {
            return Item::omitted();
        }
        match self.dtype.kind() {
            Kind::Record(fields) => {
                let mut items = Vec::new();
                for field in fields {
                    items.push(self.part(field.offset, &field.dtype).item(options));
                    if options.room.get() == 0 {
                        break;
                    }
                }
                Item::Record(items)
            }
            Kind::Array(..) => {
                let (element, shape) = self.dtype.flattened();
                let mut at = |position| self.part(position * element.itemsize(), element).item(options);
                Item::array(shape, element.leaves(), options, &mut at)
            }
            _ => self.value().item(true),
        }
    }

    /// Whether two items of one dtype are equal.
    pub(super) fn equals(&self, other: &Self) -> bool {
        match self.dtype.kind() {
            // Items of no bytes are equal, and may be too many to be looked at.
            _ if self.dtype.itemsize() == 0 => true,
            Kind::Record(fields) => {
                let part = |cell: &Self, field: &'a RecordField| cell.part(field.offset, &field.dtype);
                fields.iter().all(|field| part(self, field).equals(&part(other, field)))
            }
            Kind::Array(..) => {
                let (element, _) = self.dtype.flattened();
                let part = |cell: &Self, start| cell.part(start, element);
                let mut starts = (0..self.dtype.itemsize()).step_by(element.itemsize());
                starts.all(|start| part(self, start).equals(&part(other, start)))
            }
            _ => self.value() == other.value(),
        }
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
