//! The `bf16` of [half](::half): the upper half of an `f32`.
//!
//! NumPy itself has no such type. The Python package ml_dtypes adds it as `bfloat16`, whose arrays NumPy writes as
//! opaque bytes, `<V2`; this is therefore its dtype, which does not contain a byte order. Arrays print as they do with
//! ml_dtypes.

use super::{Element, scalar};
use crate::dtype::{DType, Kind};
use crate::element::endian;
use crate::element::item::Stored;
use crate::element::number::{self, Number, Ordered};
use crate::element::series::Series;
use crate::print::{Item, PrintOptions, six_digits};
use ::half::bf16;

/// `|V2`, in the machine's byte order. Files of ml_dtypes' `bfloat16` open as this type, or as `Le<bf16>` on any
/// machine.
///
/// ```
/// use half::bf16;
/// use mmap_array::{ArrayView, Be, DType, Element};
/// let view = ArrayView::from_slice(&[0x3f_u8, 0xc0, 0xbd, 0xcd], 4)?.view_as::<Be<bf16>>()?;
/// assert_eq!(view.at([0]).get(), bf16::from_f32(1.5));
/// assert_eq!(view.to_string(), "[1.5 -0.100098]");
/// assert_eq!(view.sum(), 1.3999023); // in f32
/// assert_eq!(bf16::dtype(), "'<V2'".parse::<DType>()?);
/// # Ok::<(), mmap_array::Error>(())
/// ```
// Else what the compiler says of other types would depend on the features.
#[diagnostic::do_not_recommend]
impl Element for bf16 {
    fn dtype() -> DType {
        scalar(Kind::Void { len: 2 }, align_of::<Self>())
    }

    fn item(stored: &Stored<'_>, in_array: bool, options: &PrintOptions) -> Item {
        match stored.get::<Self>() {
            Some(number) => Item::Quoted(six_digits(number.to_f32())),
            None => stored.item(in_array, options),
        }
    }
}

endian::by_bits!(bf16: u16);
endian::plain!(bf16);

impl number::sealed::Sealed for bf16 {}

/// Sums are computed in `f32`, as for `f16`; ml_dtypes rounds to `bfloat16` after every addition.
impl Number for bf16 {
    number::added_in_f32!();

    number::rounded!(Self::from_f32);
}

impl Ordered for bf16 {
    number::itself!();
    number::nan_spreads!();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ArrayView;
    use crate::element::endian::{Be, Le};

    /// Returns the nearest number, ties to even, found among all numbers.
    fn nearest(number: i128) -> bf16 {
        let magnitude = number.unsigned_abs();
        let above = (0..0x7f80).find(|&bits| bf16::from_bits(bits).to_f64() as u128 >= magnitude).unwrap();
        let value = |bits: u16| bf16::from_bits(bits).to_f64() as u128;
        let below = if value(above) == magnitude { above } else { above - 1 };
        let (up, down) = (value(above) - magnitude, magnitude - value(below));
        let bits = if up < down || (up == down && above % 2 == 0) { above } else { below };
        if number < 0 { -bf16::from_bits(bits) } else { bf16::from_bits(bits) }
    }

    #[test]
    fn it_is_two_raw_bytes_in_either_order() {
        assert_eq!((bf16::dtype().kind(), bf16::dtype().alignment()), (&Kind::Void { len: 2 }, align_of::<bf16>()));
        assert_eq!((Be::<bf16>::dtype(), Le::<bf16>::dtype()), (bf16::dtype(), bf16::dtype()));
        assert_eq!(Be::new(bf16::ONE).to_bytes(), [0x3f, 0x80]);
        assert_eq!(Le::new(bf16::ONE) + bf16::ONE, bf16::from_f32(2.0));
        assert_eq!([Be::new(bf16::ONE); 3].iter().sum::<bf16>(), bf16::from_f32(3.0));
    }

    #[test]
    fn every_number_is_rounded_once() {
        let power = |exponent| 2_f64.powi(exponent);
        for (number, bits) in [
            (1.0 + power(-8) + power(-40), 0x3f81),
            (1.0 + power(-8), 0x3f80),
            (1.0 + 3.0 * power(-8) - power(-40), 0x3f81),
            (-1.0 - power(-8) - power(-40), 0xbf81),
            (f64::from(f32::MAX), 0x7f80),
            (power(-134) + power(-180), 0x0001),
            (power(-134), 0x0000),
            (-power(-200), 0x8000),
            (f64::MAX, 0x7f80),
            (f64::NEG_INFINITY, 0xff80),
        ] {
            assert_eq!(bf16::of_f64(number).to_bits(), bits, "{number}");
        }
        assert!(bf16::of_f64(f64::NAN).is_nan());
        for middle in [(0x101_i64) << 46, 0x181 << 54, 0x1ff << 54, 0x101 << 20, 0x101 << 1, 0x1f7 << 22] {
            for number in [middle - 1, middle, middle + 1, -middle - 1, -middle, 1 - middle] {
                assert_eq!(bf16::of_i64(number), nearest(number.into()), "{number}");
                if let Ok(number) = u64::try_from(number) {
                    assert_eq!(bf16::of_u64(2 * number), nearest(2 * i128::from(number)), "{number}");
                }
                if let Ok(number) = i32::try_from(number) {
                    assert_eq!(bf16::of_i32(number), nearest(number.into()), "{number}");
                }
            }
        }
        for number in [0, 1, -1, i64::MAX, i64::MIN, (1 << 53) + 1, -(1 << 53) - 1] {
            assert_eq!(bf16::of_i64(number), nearest(number.into()), "{number}");
        }
        assert_eq!(bf16::of_u64(u64::MAX).to_f64(), power(64));
    }

    #[test]
    fn sums_extremes_and_whole_views() {
        let values: Vec<bf16> = (0..1000).map(|i| bf16::from_f32((i % 256) as f32)).collect();
        let turned: Vec<Be<bf16>> = values.iter().copied().map(Be::new).collect();
        let (view, turned) =
            (ArrayView::from_slice(&values, 1000).unwrap(), ArrayView::from_slice(&turned, 1000).unwrap());
        assert_eq!((view.sum(), turned.sum(), view.mean()), (124_716.0, 124_716.0, Some(124.716)));
        assert_eq!((view.max(), turned.min().map(Be::get)), (Some(bf16::from_f32(255.0)), Some(bf16::ZERO)));
        assert_eq!((turned.to_native_vec(), turned.to_vec_as::<bf16>()), (values.clone(), values.clone()));
        assert_eq!(view.to_vec_as::<u8>(), (0..1000).map(|i| (i % 256) as u8).collect::<Vec<_>>());
        assert_eq!(view.to_vec_as::<::half::f16>()[255].to_f32(), 255.0);
        let pairs = [[values[1], values[3]]; 2];
        let pairs = ArrayView::from_slice(&pairs, 2).unwrap();
        assert_eq!((pairs.to_string(), view.index_axis(0, 7).to_string()), ("[[1 3]\n [1 3]]".into(), "7".into()));
    }
}
