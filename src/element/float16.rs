//! Floats of 2 bytes, `f2`, which views without a type read regardless of the feature `half`.

use super::binary16::{f32_of_half, half_of_f32};
use super::{Element, scalar};
use crate::dtype::{DType, Endianness, Kind};
use crate::element::endian;
use crate::element::number::{self, Number, Ordered};
use crate::element::series::Series;
use bytemuck::{Pod, Zeroable};

/// A float of 2 bytes.
#[derive(Clone, Copy, Debug, Default)]
#[repr(transparent)]
pub(crate) struct Float16(u16);

// SAFETY: transparent over an integer.
unsafe impl Zeroable for Float16 {}
// SAFETY: as above; `Copy` and 'static.
unsafe impl Pod for Float16 {}

// Else the compiler would name it, which has no public name, where a type is no element.
#[diagnostic::do_not_recommend]
impl Element for Float16 {
    fn dtype() -> DType {
        scalar(Kind::Float { size: 2, order: Endianness::NATIVE }, align_of::<Self>())
    }
}

impl Float16 {
    #[inline(always)]
    const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    #[inline(always)]
    const fn to_bits(self) -> u16 {
        self.0
    }

    #[inline(always)]
    fn to_f32(self) -> f32 {
        f32_of_half(self.0)
    }

    #[inline(always)]
    fn from_f32(number: f32) -> Self {
        Self(half_of_f32(number))
    }
}

endian::by_bits!(Float16: u16);

impl number::sealed::Sealed for Float16 {}

impl Number for Float16 {
    number::added_in_f32!();

    number::rounded!(Self::from_f32);
}

impl Ordered for Float16 {
    number::itself!();
    number::nan_spreads!(Self::to_f32);
}
