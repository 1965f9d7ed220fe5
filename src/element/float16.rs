//! Floats of 2 bytes, `f2`, which views without a type read whether or not the feature `half` is there.

use super::{Element, scalar};
use crate::dtype::{DType, Endianness, Kind};
use crate::element::endian;
use crate::element::number::{self, Number, Ordered};
use crate::element::series::Series;
use bytemuck::{Pod, Zeroable};

/// A float of 2 bytes: [IEEE 754] binary16.
///
/// [IEEE 754]: https://en.wikipedia.org/wiki/Half-precision_floating-point_format
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
    pub(crate) const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    #[inline(always)]
    const fn to_bits(self) -> u16 {
        self.0
    }

    #[inline(always)]
    pub(crate) fn to_f32(self) -> f32 {
        let (sign, exponent, fraction) = (self.0 >> 15, self.0 >> 10 & 0x1f, u32::from(self.0 & 0x3ff));
        let magnitude = match exponent {
            // Multiples of 2^-24, of which an `f32` holds all exactly.
            0 => fraction as f32 / (1 << 24) as f32,
            0x1f => f32::from_bits(0x7f80_0000 | fraction << 13),
            _ => f32::from_bits((u32::from(exponent) + 127 - 15) << 23 | fraction << 13),
        };
        f32::from_bits(magnitude.to_bits() | u32::from(sign) << 31)
    }

    /// The nearest, the even one of two.
    #[inline(always)]
    fn from_f32(number: f32) -> Self {
        let bits = number.to_bits();
        let magnitude = bits & 0x7fff_ffff;
        let half = match f32::from_bits(magnitude) {
            nan if nan.is_nan() => 0x7e00 | magnitude >> 13 & 0x3ff,
            65520.0.. => 0x7c00,
            small if small < f32::MIN_POSITIVE * (1_u128 << 112) as f32 => {
                (small * (1 << 24) as f32).round_ties_even() as u32
            }
            _ => ((magnitude + 0xfff + (magnitude >> 13 & 1)) >> 13) - (112 << 10),
        };
        Self(half as u16 | (bits >> 16 & 0x8000) as u16)
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

#[cfg(all(test, feature = "half"))]
mod tests {
    use super::*;
    use ::half::f16;

    #[test]
    fn every_half_has_its_value_and_comes_back_from_all_that_round_to_it() {
        for bits in 0..=u16::MAX {
            let (ours, theirs) = (Float16(bits).to_f32(), f16::from_bits(bits).to_f32());
            assert!(ours.to_bits() == theirs.to_bits() || (ours.is_nan() && theirs.is_nan()), "{bits:#x}");
            let (above, below) = (f32::from_bits(ours.to_bits() + 1), f32::from_bits(ours.to_bits().saturating_sub(1)));
            let middle = (f64::from(ours) + f64::from(f16::from_bits(bits.wrapping_add(1)).to_f32())) / 2.0;
            let beside = f32::from_bits((middle as f32).to_bits().saturating_sub(1));
            for number in [ours, above, below, middle as f32, beside] {
                let (ours, theirs) = (Float16::from_f32(number), f16::from_f32(number));
                assert!(ours.0 == theirs.to_bits() || (ours.to_f32().is_nan() && theirs.is_nan()), "{number:e}");
            }
        }
        for number in [65504.0, 65519.9, 65520.0, 1e30, f32::INFINITY, -0.0, -1e-30, f32::MIN_POSITIVE] {
            assert_eq!(Float16::from_f32(number).0, f16::from_f32(number).to_bits(), "{number:e}");
        }
    }
}
