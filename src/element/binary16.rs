//! Conversion of floats of 2 bytes: [IEEE 754] binary16.
//!
//! [IEEE 754]: https://en.wikipedia.org/wiki/Half-precision_floating-point_format

/// Returns the value of the bits.
#[inline(always)]
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

/// Returns the bits of the nearest number, ties to even.
#[inline(always)]
pub(crate) fn half_of_f32(number: f32) -> u16 {
    let bits = number.to_bits();
    let magnitude = bits & 0x7fff_ffff;
    let half = match f32::from_bits(magnitude) {
        nan if nan.is_nan() => 0x7e00 | magnitude >> 13 & 0x3ff,
        65520.0.. => 0x7c00,
        // Below 2^-14, of whose multiples by 2^-10 there are as many as numbers.
        small if small < 1.0 / (1 << 14) as f32 => (small * (1 << 24) as f32).round_ties_even() as u32,
        _ => ((magnitude + 0xfff + (magnitude >> 13 & 1)) >> 13) - (112 << 10),
    };
    half as u16 | (bits >> 16 & 0x8000) as u16
}

#[cfg(all(test, feature = "half"))]
mod tests {
    use super::*;
    use half::f16;

    #[test]
    fn every_half_has_its_value_and_comes_back_from_all_that_round_to_it() {
        for bits in 0..=u16::MAX {
            let (ours, theirs) = (f32_of_half(bits), f16::from_bits(bits).to_f32());
            assert!(ours.to_bits() == theirs.to_bits() || (ours.is_nan() && theirs.is_nan()), "{bits:#x}");
            let (above, below) = (f32::from_bits(ours.to_bits() + 1), f32::from_bits(ours.to_bits().saturating_sub(1)));
            let middle = (f64::from(ours) + f64::from(f16::from_bits(bits.wrapping_add(1)).to_f32())) / 2.0;
            let beside = f32::from_bits((middle as f32).to_bits().saturating_sub(1));
            for number in [ours, above, below, middle as f32, beside] {
                let (ours, theirs) = (half_of_f32(number), f16::from_f32(number));
                assert!(ours == theirs.to_bits() || f32_of_half(ours).is_nan() && theirs.is_nan(), "{number:e}");
            }
        }
        for number in [65504.0, 65519.9, 65520.0, 1e30, f32::INFINITY, -0.0, -1e-30, f32::MIN_POSITIVE] {
            assert_eq!(half_of_f32(number), f16::from_f32(number).to_bits(), "{number:e}");
        }
    }
}
