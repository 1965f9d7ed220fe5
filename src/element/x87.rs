//! The x87 extended format, which is C's `long double` on x86: floating-point numbers of 80 bits, stored as 10 bytes
//! and unused padding bytes.
//!
//! Unlike the other formats, this one stores the first bit of the mantissa. Since the 80387, no processor produces
//! numbers in which that bit is 0 and the exponent is not the smallest; processors treat them as invalid operands,
//! which result in NaN, as does NumPy in calculations, and this module. (Intel's manual, volume 1, chapters 4.8 and
//! 8.2.)

use crate::print::{Rounding, Size, Wide};

/// The exponent of the last bit of the smallest number.
const LEAST: i32 = 1 - 16_383 - 63;

/// A number of 80 bits, the least significant byte first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct X87(pub(super) [u8; 10]);

impl X87 {
    /// Creates a number from the bytes of an element in the machine's byte order, of which the first ten are used, or
    /// the last ten on a big-endian machine.
    #[inline(always)]
    pub(super) fn of_native<const N: usize>(bytes: [u8; N]) -> Self {
        Self(std::array::from_fn(|index| bytes[if cfg!(target_endian = "big") { N - 1 - index } else { index }]))
    }

    /// Returns the bytes of an element in the machine's byte order, with zeros in the unused bytes.
    pub(super) fn to_native<const N: usize>(self) -> [u8; N] {
        let mut bytes = [0; N];
        bytes[..10].copy_from_slice(&self.0);
        if cfg!(target_endian = "big") {
            bytes.reverse();
        }
        bytes
    }

    pub(crate) fn wide(self) -> Wide {
        let [m0, m1, m2, m3, m4, m5, m6, m7, e0, e1] = self.0;
        let mantissa = u64::from_le_bytes([m0, m1, m2, m3, m4, m5, m6, m7]);
        let (exponent, negative) = (i32::from(u16::from_le_bytes([e0, e1 & 0x7f])), e1 & 0x80 != 0);
        let one = 1 << 63;
        let size = match exponent {
            0x7fff if mantissa == one => Size::Infinite,
            0x7fff => Size::Nan,
            1.. if mantissa < one => Size::Nan,
            _ => Size::Finite {
                mantissa: mantissa.into(),
                exponent: exponent.max(1) - 1 + LEAST,
                uneven: mantissa == one && exponent > 1,
            },
        };
        Wide { negative, size }
    }

    /// Returns the nearest number, ties to even.
    pub(super) fn of_wide(Wide { negative, size }: Wide) -> Self {
        let (exponent, mantissa) = match size {
            Size::Nan => (0x7fff, 3 << 62),
            Size::Infinite => (0x7fff, 1 << 63),
            Size::Finite { mantissa: 0, .. } => (0, 0),
            Size::Finite { mantissa, exponent, .. } => {
                let (digits, last) = Wide::rounded_to(mantissa, exponent, 64, LEAST, Rounding::Nearest);
                // Rounded up to one more digit, which is a power of two; or too small for the first of them.
                let (digits, last) = if digits >> 64 == 1 { (digits >> 1, last + 1) } else { (digits, last) };
                let exponent = last - LEAST + (digits >> 63) as i32;
                if exponent < 0x7fff { (exponent as u16, digits as u64) } else { (0x7fff, 1 << 63) }
            }
        };
        let ([m0, m1, m2, m3, m4, m5, m6, m7], [e0, e1]) = (mantissa.to_le_bytes(), exponent.to_le_bytes());
        Self([m0, m1, m2, m3, m4, m5, m6, m7, e0, e1 | if negative { 0x80 } else { 0 }])
    }
}

/// Compares the numbers.
impl PartialEq for X87 {
    fn eq(&self, other: &Self) -> bool {
        self.wide() == other.wide()
    }
}
