//! The `Complex` of [num-complex](::num_complex): NumPy's `c8` and `c16`.

use super::{Element, scalar};
use crate::dtype::{DType, Endianness, Kind};
use crate::element::endian::{self, Scalar};
use crate::element::number::{self, Number};
use crate::element::series::Series;
use crate::element::sum;
use crate::print::Wide;
use byteorder::ByteOrder;
use num_complex::Complex;

/// Returns the two halves of an array.
fn parts<const N: usize, const HALF: usize>(bytes: [u8; N]) -> ([u8; HALF], [u8; HALF]) {
    const { assert!(N == 2 * HALF) }
    (std::array::from_fn(|index| bytes[index]), std::array::from_fn(|index| bytes[HALF + index]))
}

macro_rules! complex {
    ($($float:ty: $size:literal, $name:literal);*) => {$(
        #[doc = concat!("`<", $name, "` or `>", $name, "`, depending on the machine's byte order.")]
        // Else what the compiler says of other types would depend on the features.
        #[diagnostic::do_not_recommend]
        impl Element for Complex<$float> {
            fn dtype() -> DType {
                scalar(Kind::Complex { size: $size, order: Endianness::NATIVE }, align_of::<Self>())
            }
        }

        impl endian::sealed::Sealed for Complex<$float> {}

        impl Scalar for Complex<$float> {
            type Bytes = [u8; $size];

            #[inline(always)]
            fn decode<E: ByteOrder>(bytes: Self::Bytes) -> Self {
                let (re, im) = parts(bytes);
                Self::new(<$float>::decode::<E>(re), <$float>::decode::<E>(im))
            }

            #[inline(always)]
            fn encode<E: ByteOrder>(self) -> Self::Bytes {
                let (re, im) = (self.re.encode::<E>(), self.im.encode::<E>());
                std::array::from_fn(|index| if index < $size / 2 { re[index] } else { im[index - $size / 2] })
            }
        }

        endian::plain!(Complex<$float>);

        impl number::sealed::Sealed for Complex<$float> {}

        /// Sums are pairwise, as for floats. Complex numbers have no minimum and no maximum.
        ///
        /// ```
        /// use mmap_array::{ArrayView, Be};
        /// use num_complex::Complex;
        #[doc = concat!("let values: [Be<Complex<", stringify!($float), ">>; 2] =")]
        ///     [Be::new(Complex::new(1.0, 2.0)), Be::new(Complex::new(0.5, -1.0))];
        /// let view = ArrayView::from_slice(&values, 2)?;
        /// assert_eq!(view.sum(), Complex::new(1.5, 1.0));
        /// assert_eq!(view.to_string(), "[1. +2.j 0.5-1.j]");
        /// # Ok::<(), mmap_array::Error>(())
        /// ```
        impl Number for Complex<$float> {
            type Sum = Self;
            type Mean = Complex<f64>;
            const ZERO: Self = Self::new(0.0, 0.0);

            #[inline(always)]
            fn add(a: Self, b: Self) -> Self {
                a + b
            }

            #[inline(always)]
            fn sum_run(len: usize, run: impl Series<Self>) -> Self {
                sum::pairwise(len, run)
            }

            #[inline(always)]
            fn mean_run(len: usize, run: impl Series<Self>) -> Complex<f64> {
                sum::pairwise(len, run.map(Self::to_mean))
            }

            number::lane_in_sum!(|element| element);

            const NO_MEAN: Complex<f64> = Complex::new(0.0, 0.0);

            #[inline(always)]
            fn is_nan(self) -> bool {
                self.re.is_nan() || self.im.is_nan()
            }

            #[inline(always)]
            fn to_mean(self) -> Complex<f64> {
                Complex::new(f64::from(self.re), f64::from(self.im))
            }

            #[inline(always)]
            fn mean_add(a: Complex<f64>, b: Complex<f64>) -> Complex<f64> {
                a + b
            }

            #[inline(always)]
            fn mean_of(sum: Complex<f64>, len: usize) -> Complex<f64> {
                sum / len as f64
            }

            /// Returns the real part. Views of complex numbers do not convert to real numbers, so that no imaginary
            /// part is lost silently.
            #[inline(always)]
            fn to_number<T: Number>(self) -> T {
                self.re.to_number()
            }

            number::of_numbers!(number => Self::new(number as $float, 0.0));

            #[inline(always)]
            fn of_wide(number: Wide) -> Self {
                Self::new(<$float>::of_wide(number), 0.0)
            }
        }
    )*};
}
complex!(f32: 8, "c8"; f64: 16, "c16");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ArrayView;
    use crate::element::endian::{Be, Le};

    #[test]
    fn it_is_an_element_in_either_order_of_each_part() {
        assert_eq!(Complex::<f32>::dtype().kind(), &Kind::Complex { size: 8, order: Endianness::NATIVE });
        assert_eq!(Be::<Complex<f64>>::dtype().kind(), &Kind::Complex { size: 16, order: Endianness::Big });
        let (one, i) = (Complex::new(1.0_f32, 0.0), Complex::new(0.0_f32, 1.0));
        assert_eq!(Be::new(one + i).to_bytes(), [0x3f, 0x80, 0, 0, 0x3f, 0x80, 0, 0]);
        assert_eq!(Le::new(i).to_bytes(), [0, 0, 0, 0, 0, 0, 0x80, 0x3f]);
        assert_eq!(Be::new(i) * i, -one);
        assert_eq!([Be::new(i); 3].iter().sum::<Complex<f32>>(), Complex::new(0.0, 3.0));
    }

    #[test]
    fn sums_means_and_whole_views() {
        let values: Vec<Complex<f32>> = (0..1000).map(|i| Complex::new(i as f32, -1.0)).collect();
        let view = ArrayView::from_slice(&values, 1000).unwrap();
        assert_eq!(view.sum(), Complex::new(499_500.0, -1000.0));
        assert_eq!(view.mean(), Some(Complex::new(499.5, -1.0)));
        let turned: Vec<Be<Complex<f32>>> = values.iter().copied().map(Be::new).collect();
        let turned = ArrayView::from_slice(&turned, 1000).unwrap();
        assert_eq!((turned.sum(), turned.mean(), turned.to_native_vec()), (view.sum(), view.mean(), values.clone()));
        assert_eq!(ArrayView::<Complex<f64>>::from_slice(&[], 0).unwrap().sum(), Complex::new(0.0, 0.0));
    }
}
