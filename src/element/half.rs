//! The `f16` of [half](::half): NumPy's `f2`.

use super::{Element, scalar};
use crate::dtype::{DType, Endianness, Kind};
use crate::element::endian;
use crate::element::number::{self, Number, Ordered};
use crate::element::series::Series;
use ::half::f16;

/// `<f2` or `>f2`, depending on the machine's byte order.
///
/// ```
/// use half::f16;
/// use mmap_array::{ArrayView, Be};
/// let view = ArrayView::from_slice(&[0x3c_u8, 0, 0x2e, 0x66], 4)?.view_as::<Be<f16>>()?;
/// assert_eq!(view.at([0]).get(), f16::ONE);
/// assert_eq!(view.to_string(), "[1.  0.1]");
/// assert_eq!(view.sum(), 1.0999756); // in f32
/// # Ok::<(), mmap_array::Error>(())
/// ```
// Else what the compiler says of other types would depend on the features.
#[diagnostic::do_not_recommend]
impl Element for f16 {
    fn dtype() -> DType {
        scalar(Kind::Float { size: 2, order: Endianness::NATIVE }, align_of::<Self>())
    }
}

endian::by_bits!(f16: u16);
endian::plain!(f16);

impl number::sealed::Sealed for f16 {}

/// Sums are computed in `f32`, as in NumPy, which rounds the result to `float16`.
impl Number for f16 {
    number::added_in_f32!();

    // By way of `f32`, which has all integers that are not too large for an `f16`. `f16::from_f64` leaves out the last
    // bits, and by way of the nearest `f32` an `f64` would be rounded twice.
    number::of_numbers!(number => Self::from_f32(number as f32), f64 => {
        Self::from_f32(number::rounded_to_odd(number))
    });
}

impl Ordered for f16 {
    number::itself!();
    number::nan_spreads!();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ArrayView;
    use crate::element::Bool;
    use crate::element::endian::{Be, Le};

    #[test]
    fn it_is_an_element_in_either_order() {
        assert_eq!(f16::dtype().kind(), &Kind::Float { size: 2, order: Endianness::NATIVE });
        assert_eq!(Be::<f16>::dtype().kind(), &Kind::Float { size: 2, order: Endianness::Big });
        assert_eq!(Be::new(f16::ONE).to_bytes(), [0x3c, 0]);
        assert_eq!(Le::new(f16::ONE) + f16::ONE, f16::from_f32(2.0));
        assert_eq!([Be::new(f16::ONE); 3].iter().sum::<f16>(), f16::from_f32(3.0));
    }

    #[test]
    fn doubles_are_rounded_once() {
        let power = |exponent| 2_f64.powi(exponent);
        // As NumPy 2.4.6 rounds them.
        for (number, bits) in [
            (1.0 + power(-11) + power(-40), 0x3c01),
            (1.0 + power(-11), 0x3c00),
            (1.0 + 3.0 * power(-11) - power(-40), 0x3c01),
            (-1.0 - power(-11) - power(-40), 0xbc01),
            (65519.999999999, 0x7bff),
            (65520.0, 0x7c00),
            (power(-25) + power(-60), 0x0001),
            (power(-25), 0x0000),
            (power(-24) * 1.5, 0x0002),
            (-power(-200), 0x8000),
            (f64::MAX, 0x7c00),
            (f64::NEG_INFINITY, 0xfc00),
            (0.1, 0x2e66),
        ] {
            assert_eq!(f16::of_f64(number).to_bits(), bits, "{number}");
        }
        assert!(f16::of_f64(f64::NAN).is_nan());
        for bits in (0..0x7c00).chain(0x8000..0xfc00) {
            assert_eq!(f16::of_f64(f16::from_bits(bits).to_f64()).to_bits(), bits);
        }
    }

    #[test]
    fn sums_are_as_numpy_takes_them() {
        // As float16 the sum is 65504 at most; NumPy 2.4.6 gives inf here, being f32's 1e5 rounded.
        let values: Vec<f16> = (0..1000).map(|_| f16::from_f32(100.0)).collect();
        let view = ArrayView::from_slice(&values, 1000).unwrap();
        assert_eq!((view.sum(), view.mean()), (100_000.0, Some(100.0)));
        let values = [1.5, -2.0, f32::NAN].map(f16::from_f32);
        let view = ArrayView::from_slice(&values, 3).unwrap();
        assert!(view.min().is_some_and(f16::is_nan));
        assert_eq!((view.slice((..2,)).min(), view.slice((..2,)).max()), (Some(values[1]), Some(values[0])));
    }

    #[test]
    fn whole_views_are_turned() {
        let values: Vec<Be<f16>> = (0..100).map(|i| Be::new(f16::from_f32(i as f32))).collect();
        let native = ArrayView::from_slice(&values, 100).unwrap().to_native_vec();
        assert_eq!(native[99].to_f32(), 99.0);
    }

    #[test]
    fn other_numbers_become_it_and_it_becomes_others() {
        let view = ArrayView::from_slice(&[1.5, -2.0, 1e6, f64::NAN], 4).unwrap();
        let halves = view.to_vec_as::<f16>();
        assert_eq!(halves[..3], [f16::from_f32(1.5), f16::from_f32(-2.0), f16::INFINITY]);
        let halves: Vec<Be<f16>> = halves.into_iter().map(Be::new).collect();
        let view = ArrayView::from_slice(&halves, 4).unwrap();
        assert_eq!(view.to_vec_as::<f32>()[..3], [1.5, -2.0, f32::INFINITY]);
        assert_eq!(view.to_vec_as::<i8>(), [1, -2, 127, 0]);
        assert_eq!(view.to_vec_as::<Bool>(), [true; 4]);
        let view = ArrayView::from_slice(&[2049_i32, -1, 70_000], 3).unwrap();
        assert_eq!(view.to_vec_as::<f16>(), [2048.0, -1.0, f32::INFINITY].map(f16::from_f32));
    }
}
