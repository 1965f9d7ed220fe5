//! Complex numbers of any part type, for sums and means without the feature `num-complex`.

use super::value::{Sum, Value};
use crate::dtype::DType;
use crate::element::Element;
use crate::element::number::{self, Number, as_sum};
use crate::element::series::Series;
use crate::element::sum::pairwise;
use crate::error::Result;
use crate::print::Wide;
use bytemuck::{Pod, Zeroable};
use std::ops::{Add, AddAssign, Neg};

/// A complex number: the real and the imaginary part.
#[derive(Clone, Copy, Debug, Default)]
#[repr(transparent)]
pub(super) struct Complex<T>([T; 2]);

// SAFETY: transparent over an array of what is zeroable.
unsafe impl<T: Zeroable> Zeroable for Complex<T> {}
// SAFETY: as above, of what takes any bits and has no padding.
unsafe impl<T: Pod> Pod for Complex<T> {}

impl<F: Add<Output = F>> Add for Complex<F> {
    type Output = Self;

    #[inline(always)]
    fn add(self, Self([re, im]): Self) -> Self {
        let [own_re, own_im] = self.0;
        Self([own_re + re, own_im + im])
    }
}

impl<F: AddAssign> AddAssign for Complex<F> {
    #[inline(always)]
    fn add_assign(&mut self, Self([re, im]): Self) {
        self.0[0] += re;
        self.0[1] += im;
    }
}

impl<F: Neg<Output = F>> Neg for Complex<F> {
    type Output = Self;

    #[inline(always)]
    fn neg(self) -> Self {
        let [re, im] = self.0;
        Self([-re, -im])
    }
}

impl Sum for Complex<f32> {
    fn to_value(self) -> Result<Value<'static>> {
        Ok(Value::ComplexF32(self.0))
    }
}

impl Sum for Complex<f64> {
    fn to_value(self) -> Result<Value<'static>> {
        Ok(Value::ComplexF64(self.0))
    }
}

impl<T: Element> Element for Complex<T> {
    fn dtype() -> DType {
        <[T; 2]>::dtype()
    }
}

impl<T> number::sealed::Sealed for Complex<T> {}

/// The types of sums of floats.
pub(super) trait Float:
    Copy + Add<Output = Self> + AddAssign + Neg<Output = Self> + Default + Send + Sync
{
}
impl Float for f32 {}
impl Float for f64 {}

impl<T: Number<Sum: Float, Mean = f64>> Number for Complex<T> {
    type Sum = Complex<T::Sum>;
    type Mean = Complex<f64>;
    const ZERO: Self::Sum = Complex([T::ZERO; 2]);
    const NO_MEAN: Complex<f64> = Complex([0.0; 2]);

    #[inline(always)]
    fn add(a: Self::Sum, b: Self::Sum) -> Self::Sum {
        a + b
    }

    #[inline(always)]
    fn sum_run(len: usize, run: impl Series<Self>) -> Self::Sum {
        pairwise(len, run.map(|Self([re, im])| Complex([as_sum(re), as_sum(im)])))
    }

    #[inline(always)]
    fn mean_run(len: usize, run: impl Series<Self>) -> Complex<f64> {
        pairwise(len, run.map(Self::to_mean))
    }

    number::lane_in_sum!(|element| {
        let Self([re, im]) = element;
        Complex([as_sum(re), as_sum(im)])
    });

    #[inline(always)]
    fn is_nan(self) -> bool {
        self.0.into_iter().any(T::is_nan)
    }

    #[inline(always)]
    fn to_mean(self) -> Complex<f64> {
        let [re, im] = self.0;
        Complex([re.to_mean(), im.to_mean()])
    }

    #[inline(always)]
    fn mean_add(a: Complex<f64>, b: Complex<f64>) -> Complex<f64> {
        a + b
    }

    #[inline(always)]
    fn mean_of(Complex([re, im]): Complex<f64>, len: usize) -> Complex<f64> {
        Complex([re / len as f64, im / len as f64])
    }

    /// Returns the real part, as for num-complex's type.
    #[inline(always)]
    fn to_number<N: Number>(self) -> N {
        self.0[0].to_number()
    }

    number::of_numbers!(number => Self([number.to_number(), 0_u8.to_number()]));

    #[inline(always)]
    fn of_wide(number: Wide) -> Self {
        Self([T::of_wide(number), 0_u8.to_number()])
    }
}
