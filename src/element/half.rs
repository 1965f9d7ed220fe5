//! [half](::half)'s `f16`, NumPy's `f2`.
//!
//! NumPy has no `bfloat16`, so `half::bf16` is no element.

use super::{Element, scalar};
use crate::dtype::{DType, Endianness, Kind};
use crate::endian::{self, Scalar};
use crate::view::reduce::{self, Numeric, Ordered};
use ::half::f16;
use byteorder::ByteOrder;

/// `<f2` or `>f2`, by the machine.
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
        scalar(Kind::Float(2, Endianness::NATIVE), align_of::<Self>())
    }
}

impl endian::sealed::Sealed for f16 {}

impl Scalar for f16 {
    type Bytes = [u8; 2];

    #[inline(always)]
    fn decode<E: ByteOrder>(bytes: [u8; 2]) -> Self {
        Self::from_bits(u16::decode::<E>(bytes))
    }

    #[inline(always)]
    fn encode<E: ByteOrder>(self) -> [u8; 2] {
        self.to_bits().encode::<E>()
    }
}

endian::plain!(f16);

impl reduce::sealed::Sealed for f16 {}

/// Sums in `f32`, as NumPy's, which rounds the end result to `float16`.
impl Numeric for f16 {
    type Sum = f32;
    type Mean = f64;
    const ZERO: f32 = 0.0;

    #[inline(always)]
    fn add(a: f32, b: f32) -> f32 {
        a + b
    }

    #[inline(always)]
    fn sum_run(len: usize, load: impl Fn(usize) -> Self + Copy) -> f32 {
        reduce::pairwise(len, move |index| load(index).to_f32())
    }

    #[inline(always)]
    fn mean_run(len: usize, load: impl Fn(usize) -> Self + Copy) -> f64 {
        reduce::pairwise(len, move |index| load(index).to_f64())
    }

    reduce::mean_in_f64!();
}

impl Ordered for f16 {
    reduce::itself!();
    reduce::nan_spreads!();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ArrayView;
    use crate::endian::{Be, Le};

    #[test]
    fn it_is_an_element_in_either_order() {
        assert_eq!(f16::dtype().kind(), &Kind::Float(2, Endianness::NATIVE));
        assert_eq!(Be::<f16>::dtype().kind(), &Kind::Float(2, Endianness::Big));
        assert_eq!(Be::new(f16::ONE).to_bytes(), [0x3c, 0]);
        assert_eq!(Le::new(f16::ONE) + f16::ONE, f16::from_f32(2.0));
        assert_eq!([Be::new(f16::ONE); 3].iter().sum::<f16>(), f16::from_f32(3.0));
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
}
