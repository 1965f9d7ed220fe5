//! The extended floating-point numbers of x87, which are C's `long double` on x86: 80 bits, in memory 10 bytes, and
//! some behind them that mean nothing.
//!
//! Unlike the other formats this one has the first bit of the mantissa in it. Where that bit is 0 and the exponent is
//! not the least, no processor since the 80387 makes such a number, and each takes it for an invalid operand, of which
//! NaN comes; so does NumPy where it calculates, and so here. (Chapter 4.8 and 8.2 of Intel's manual, volume 1.)

use crate::print::{Rounding, Size, Wide};

/// The exponent of the last bit of the smallest number.
const LEAST: i32 = 1 - 16_383 - 63;

/// A number of 80 bits, the lowest byte first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct X87(pub(super) [u8; 10]);

impl X87 {
    /// Of the bytes of an element in the machine's order, of which the first ten mean something, or the last ten where
    /// the highest is the first.
    #[inline(always)]
    pub(super) fn of_native<const N: usize>(bytes: [u8; N]) -> Self {
        Self(std::array::from_fn(|index| bytes[if cfg!(target_endian = "big") { N - 1 - index } else { index }]))
    }

    /// The bytes of an element in the machine's order, with zeros where nothing is meant.
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

    /// The nearest number, the even one of two.
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

/// Equal numbers.
impl PartialEq for X87 {
    fn eq(&self, other: &Self) -> bool {
        self.wide() == other.wide()
    }
}
