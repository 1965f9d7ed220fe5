//! What can be done with numbers: sums, comparisons and conversions, and the macros by which types implement them.
//!
//! This module contains the arithmetic of single elements and of runs of elements, which are accessed by index; the
//! loops over views that use it are in `view`. A number converts to another through a primitive type: the one in which
//! it is stored, or the smallest that represents all of its values, constructs the target type. Types therefore need
//! not know of each other, and a new type converts to and from all others.

use super::Element;
use super::endian::{Endian, Scalar};
use super::series::Series;
use crate::print::{Rounding, Wide};
use bytemuck::Pod;
use byteorder::ByteOrder;

/// Numbers, which can be summed and converted.
///
/// The trait is implemented by `i8` to `i64`, `u8` to `u64`, [`I24`](crate::element::I24) and the other integers of 3
/// to 7 bytes, `f32`, `f64`, [`LongDouble`](crate::element::LongDouble) and its variants,
/// [`Bool`](crate::element::Bool), and [`Endian`] of them; and by `half::f16`, `half::bf16`, `num_complex::Complex` and
/// the floats of 8 bits with the features `half`, `num-complex` and `float8`. The trait is sealed.
///
/// Every real number type converts to every number type: see [`to_vec_as`](crate::ArrayView::to_vec_as). The real
/// number types are those whose mean is an `f64`, `Number<Mean = f64>` in a bound.
///
/// ```
/// use mmap_array::{element::Number, ArrayView, Be};
/// fn centered<T: Number<Mean = f64>>(view: ArrayView<'_, T>) -> Vec<Be<f32>>
/// where
///     mmap_array::access::ReadOnly: mmap_array::access::Load<T>,
/// {
///     let mean = view.mean().unwrap_or(0.0) as f32;
///     view.to_vec_as::<f32>().into_iter().map(|number| Be::new(number - mean)).collect()
/// }
/// assert_eq!(centered(ArrayView::from_slice(&[1_u8, 2, 6], 3)?), [-2.0, -1.0, 3.0]);
/// # Ok::<(), mmap_array::Error>(())
/// ```
pub trait Number: Element + Pod + sealed::Sealed {
    /// The type of sums: `f32` and `f64` for themselves, `i128` and `u128` for integers, which never overflow, `u128`
    /// for [`Bool`](crate::element::Bool), whose sum is the number of true elements, `f32` for floats of 8 and 16 bits,
    /// `f64` for longer floats, and complex numbers for themselves.
    type Sum: Copy + Send + Sync;

    /// The type of means: `f64`, or `Complex<f64>` for complex numbers.
    type Mean: Copy + Send + Sync;

    /// The sum of no elements.
    #[doc(hidden)]
    const ZERO: Self::Sum;

    #[doc(hidden)]
    fn add(a: Self::Sum, b: Self::Sum) -> Self::Sum;

    /// Returns the sum of the first `len` elements of a run.
    #[doc(hidden)]
    fn sum_run(len: usize, run: impl Series<Self>) -> Self::Sum;

    /// Returns the sum of the first `len` elements of a run in the type of the mean.
    #[doc(hidden)]
    fn mean_run(len: usize, run: impl Series<Self>) -> Self::Mean;

    /// The accumulator of one of many sums that each take an element at a time; it is small, so that many are added to
    /// at once.
    #[doc(hidden)]
    type Lane: Copy;

    /// The accumulator of no elements.
    #[doc(hidden)]
    const NO_LANE: Self::Lane;

    /// The number of elements that an accumulator can take without overflow.
    #[doc(hidden)]
    const LANE_LEN: u64 = u64::MAX;

    #[doc(hidden)]
    fn lane_push(lane: Self::Lane, element: Self) -> Self::Lane;

    /// Adds the first `len` elements of a run to an accumulator.
    #[doc(hidden)]
    fn lane_push_run(lane: Self::Lane, len: usize, run: impl Series<Self>) -> Self::Lane;

    #[doc(hidden)]
    fn lane_sum(lane: Self::Lane) -> Self::Sum;

    /// The sum of no elements, in the type of the mean.
    #[doc(hidden)]
    const NO_MEAN: Self::Mean;

    #[doc(hidden)]
    fn is_nan(self) -> bool {
        false
    }

    /// Returns the sum of the elements that are not NaN. See [`sum_run`](Self::sum_run).
    #[doc(hidden)]
    fn nan_sum_run(len: usize, run: impl Series<Self>) -> Self::Sum {
        Self::sum_run(len, run.map(or_zero))
    }

    /// Returns the sum, in the type of the mean, of the elements that are not NaN. See [`mean_run`](Self::mean_run).
    #[doc(hidden)]
    fn nan_mean_run(len: usize, run: impl Series<Self>) -> Self::Mean {
        Self::mean_run(len, run.map(or_zero))
    }

    /// Converts the element to the type of the mean.
    #[doc(hidden)]
    fn to_mean(self) -> Self::Mean;

    #[doc(hidden)]
    fn mean_add(a: Self::Mean, b: Self::Mean) -> Self::Mean;

    #[doc(hidden)]
    fn mean_of(sum: Self::Mean, len: usize) -> Self::Mean;

    /// Converts the number to another number type, as Rust's `as` does.
    #[doc(hidden)]
    fn to_number<T: Number>(self) -> T;

    #[doc(hidden)]
    fn of_i8(number: i8) -> Self;

    #[doc(hidden)]
    fn of_i16(number: i16) -> Self;

    #[doc(hidden)]
    fn of_i32(number: i32) -> Self;

    #[doc(hidden)]
    fn of_i64(number: i64) -> Self;

    #[doc(hidden)]
    fn of_u8(number: u8) -> Self;

    #[doc(hidden)]
    fn of_u16(number: u16) -> Self;

    #[doc(hidden)]
    fn of_u32(number: u32) -> Self;

    #[doc(hidden)]
    fn of_u64(number: u64) -> Self;

    #[doc(hidden)]
    fn of_f32(number: f32) -> Self;

    #[doc(hidden)]
    fn of_f64(number: f64) -> Self;

    /// Returns the nearest number; integers round towards zero.
    #[doc(hidden)]
    fn of_wide(number: Wide) -> Self {
        // Of what goes on to fewer digits, or to a truth value, the last bit tells that there were more.
        Self::of_f64(number.to_f64(Rounding::Odd))
    }
}

/// Elements that have a minimum and a maximum.
///
/// The trait is implemented by the real numbers of [`Number`], [`DateTime64`](crate::element::DateTime64) and
/// [`TimeDelta64`](crate::element::TimeDelta64), and [`Endian`] of them. The trait is sealed.
///
/// ```
/// use mmap_array::{ArrayView, Be};
/// let depths = [Be::new(3_i16), Be::new(-1)];
/// let view = ArrayView::from_slice(&depths, 2)?;
/// assert_eq!(view.min(), Some(Be::new(-1)));
/// # Ok::<(), mmap_array::Error>(())
/// ```
pub trait Ordered: Copy + sealed::Sealed {
    /// The type that is compared, in the machine's byte order.
    #[doc(hidden)]
    type Native: Copy;

    /// Whether the minimum and maximum of two are single instructions, as for integers.
    #[doc(hidden)]
    const PLAIN: bool = false;

    #[doc(hidden)]
    fn native(self) -> Self::Native;

    #[doc(hidden)]
    fn from_native(native: Self::Native) -> Self;

    /// Returns the smaller of two elements, NaN (or NaT) if either is.
    #[doc(hidden)]
    fn smaller(a: Self::Native, b: Self::Native) -> Self::Native;

    /// Returns the larger of two elements, NaN (or NaT) if either is.
    #[doc(hidden)]
    fn larger(a: Self::Native, b: Self::Native) -> Self::Native;

    /// Returns whether two extremes are the same: equal, or both NaN (or NaT).
    #[doc(hidden)]
    fn is_same(a: Self::Native, b: Self::Native) -> bool;
}

pub(crate) mod sealed {
    pub trait Sealed {}
}

#[inline(always)]
fn or_zero<T: Number>(element: T) -> T {
    if element.is_nan() { T::of_u8(0) } else { element }
}

/// Returns the sum of one element.
#[inline(always)]
pub(crate) fn as_sum<T: Number>(element: T) -> T::Sum {
    T::lane_sum(T::lane_push(T::NO_LANE, element))
}

/// The conversions of [`Number`] from primitive numbers, all by one expression, or `f64` by another.
macro_rules! of_numbers {
    ($number:ident => $make:expr) => {
        crate::element::number::of_numbers!($number => $make, f64 => $make);
    };
    ($number:ident => $make:expr, f64 => $of_double:expr) => {
        #[inline(always)]
        fn of_i8($number: i8) -> Self {
            $make
        }

        #[inline(always)]
        fn of_i16($number: i16) -> Self {
            $make
        }

        #[inline(always)]
        fn of_i32($number: i32) -> Self {
            $make
        }

        #[inline(always)]
        fn of_i64($number: i64) -> Self {
            $make
        }

        #[inline(always)]
        fn of_u8($number: u8) -> Self {
            $make
        }

        #[inline(always)]
        fn of_u16($number: u16) -> Self {
            $make
        }

        #[inline(always)]
        fn of_u32($number: u32) -> Self {
            $make
        }

        #[inline(always)]
        fn of_u64($number: u64) -> Self {
            $make
        }

        #[inline(always)]
        fn of_f32($number: f32) -> Self {
            $make
        }

        #[inline(always)]
        fn of_f64($number: f64) -> Self {
            $of_double
        }
    };
}
pub(crate) use of_numbers;

/// Returns the number itself, if it has the requested type.
#[inline(always)]
pub(crate) fn same<S: Copy + 'static, T: Copy + 'static>(number: S) -> Option<T> {
    (&number as &dyn std::any::Any).downcast_ref().copied()
}

/// Returns the number as an `f32` from which a narrower float, with at most `f32`'s range of exponents, can be rounded
/// without rounding twice.
///
/// The last bit is 1 if bits were discarded, so that the result is on the same side of every midpoint as the number.
#[inline(always)]
pub(crate) fn rounded_to_odd(number: f64) -> f32 {
    let nearest = number as f32;
    let bits = nearest.to_bits();
    let beyond = f64::from(nearest).abs() > number.abs();
    let inexact = f64::from(nearest) != number && !number.is_nan();
    let towards_zero = bits - u32::from(beyond);
    f32::from_bits(if inexact { towards_zero | 1 } else { bits })
}

/// The accumulators of [`Number`] that are sums of floats, each converted from an element.
macro_rules! lane_in_sum {
    (|$element:ident| $make:expr) => {
        type Lane = Self::Sum;
        const NO_LANE: Self::Sum = <Self as Number>::ZERO;

        #[inline(always)]
        fn lane_push(lane: Self::Sum, $element: Self) -> Self::Sum {
            lane + $make
        }

        #[inline(always)]
        fn lane_push_run(lane: Self::Sum, len: usize, run: impl Series<Self>) -> Self::Sum {
            lane + Self::sum_run(len, run)
        }

        #[inline(always)]
        fn lane_sum(lane: Self::Sum) -> Self::Sum {
            lane
        }
    };
}
pub(crate) use lane_in_sum;

/// The accumulators of [`Number`] that are integers.
macro_rules! lane_in_integer {
    ($lane:ty, $len:expr, |$element:ident| $make:expr) => {
        type Lane = $lane;
        const NO_LANE: $lane = 0;
        const LANE_LEN: u64 = $len;

        #[inline(always)]
        fn lane_push(lane: $lane, $element: Self) -> $lane {
            lane + <$lane>::from($make)
        }

        #[inline(always)]
        fn lane_push_run(lane: $lane, len: usize, run: impl Series<Self>) -> $lane {
            // No longer than a lane has room for.
            lane + Self::sum_run(len, run) as $lane
        }

        #[inline(always)]
        fn lane_sum(lane: $lane) -> Self::Sum {
            lane.into()
        }
    };
}
pub(crate) use lane_in_integer;

/// The means of [`Number`] that are `f64`.
macro_rules! mean_in_f64 {
    (|$element:ident| $make:expr) => {
        const NO_MEAN: f64 = 0.0;

        #[inline(always)]
        fn to_mean(self) -> f64 {
            let $element = self;
            $make
        }

        #[inline(always)]
        fn mean_add(a: f64, b: f64) -> f64 {
            a + b
        }

        #[inline(always)]
        fn mean_of(sum: f64, len: usize) -> f64 {
            sum / len as f64
        }
    };
}
pub(crate) use mean_in_f64;

/// The conversions of [`Number`] from primitive numbers that round once through `f32`, which `$make` converts.
macro_rules! rounded {
    ($make:expr) => {
        crate::element::number::rounded! {
            $make => i8 of_i8 narrow, i16 of_i16 narrow, u8 of_u8 narrow, u16 of_u16 narrow, f32 of_f32 narrow,
            i32 of_i32 wide, u32 of_u32 wide, f64 of_f64 wide, i64 of_i64 widest, u64 of_u64 widest
        }
    };
    ($make:expr => $($number:ident $of:ident $by:ident),*) => {$(
        #[inline(always)]
        fn $of(number: $number) -> Self {
            // An `f32` has all of the narrow ones, an `f64` those of 32 bits.
            $make(crate::element::number::rounded!(@$by number))
        }
    )*};
    (@narrow $number:ident) => { $number as f32 };
    (@wide $number:ident) => { crate::element::number::rounded_to_odd($number as f64) };
    (@widest $number:ident) => {
        // The last bits, which an `f64` has no room for, become one, so that the number stays on its side of every
        // middle.
        crate::element::number::rounded_to_odd(match $number as i128 {
            -0x20_0000_0000_0000..=0x20_0000_0000_0000 => $number as f64,
            _ if $number % (1 << 11) != 0 => (($number >> 11) | 1) as f64 * 2048.0,
            _ => $number as f64,
        })
    };
}
pub(crate) use rounded;

/// The implementation of [`Number`] for floats of one or two bytes, which are summed in `f32` and converted through
/// `f32`, which represents all of them and to which `$value` converts them.
macro_rules! added_in_f32 {
    () => {
        crate::element::number::added_in_f32!(|number: Self| number.to_f32());
    };
    ($value:expr) => {
        type Sum = f32;
        type Mean = f64;
        const ZERO: f32 = 0.0;

        #[inline(always)]
        fn add(a: f32, b: f32) -> f32 {
            a + b
        }

        #[inline(always)]
        fn sum_run(len: usize, run: impl Series<Self>) -> f32 {
            crate::element::sum::pairwise(len, run.map($value))
        }

        #[inline(always)]
        fn mean_run(len: usize, run: impl Series<Self>) -> f64 {
            crate::element::sum::pairwise(len, run.map(|number| f64::from($value(number))))
        }

        // Zero is an `f32`'s, since not all of these have one.
        #[inline(always)]
        fn nan_sum_run(len: usize, run: impl Series<Self>) -> f32 {
            let or_zero = |value: f32| if value.is_nan() { 0.0 } else { value };
            crate::element::sum::pairwise(len, run.map(move |number| or_zero($value(number))))
        }

        #[inline(always)]
        fn nan_mean_run(len: usize, run: impl Series<Self>) -> f64 {
            let or_zero = |value: f32| if value.is_nan() { 0.0 } else { f64::from(value) };
            crate::element::sum::pairwise(len, run.map(move |number| or_zero($value(number))))
        }

        crate::element::number::lane_in_sum!(|element| $value(element));

        #[inline(always)]
        fn is_nan(self) -> bool {
            $value(self).is_nan()
        }

        crate::element::number::mean_in_f64!(|element| f64::from($value(element)));

        #[inline(always)]
        fn to_number<T: Number>(self) -> T {
            crate::element::number::same(self).unwrap_or_else(|| T::of_f32($value(self)))
        }
    };
}
pub(crate) use added_in_f32;

/// The conversions of [`Ordered`] for elements in the machine's byte order.
macro_rules! itself {
    () => {
        type Native = Self;

        #[inline(always)]
        fn native(self) -> Self {
            self
        }

        #[inline(always)]
        fn from_native(native: Self) -> Self {
            native
        }
    };
}
pub(crate) use itself;

/// The comparisons of [`Ordered`] for floats, which are compared by the result of `$value`.
macro_rules! nan_spreads {
    () => {
        crate::element::number::nan_spreads!(|number: Self| number);
    };
    ($value:expr) => {
        #[inline(always)]
        fn smaller(a: Self, b: Self) -> Self {
            // A NaN on the left stays, since nothing is smaller; one on the right is taken.
            let (left, right) = ($value(a), $value(b));
            if right < left || right.is_nan() { b } else { a }
        }

        #[inline(always)]
        fn larger(a: Self, b: Self) -> Self {
            let (left, right) = ($value(a), $value(b));
            if right > left || right.is_nan() { b } else { a }
        }

        #[inline(always)]
        fn is_same(a: Self, b: Self) -> bool {
            let (left, right) = ($value(a), $value(b));
            left == right || left.is_nan() && right.is_nan()
        }
    };
}
pub(crate) use nan_spreads;

/// The accumulators and means of [`Number`] that delegate to another number type, to which a function converts the
/// element.
macro_rules! delegated_lanes {
    ($number:ty, $get:expr) => {
        type Lane = <$number as Number>::Lane;
        const NO_LANE: Self::Lane = <$number as Number>::NO_LANE;
        const LANE_LEN: u64 = <$number as Number>::LANE_LEN;

        #[inline(always)]
        fn lane_push(lane: Self::Lane, element: Self) -> Self::Lane {
            <$number as Number>::lane_push(lane, $get(element))
        }

        #[inline(always)]
        fn lane_push_run(lane: Self::Lane, len: usize, run: impl Series<Self>) -> Self::Lane {
            <$number as Number>::lane_push_run(lane, len, run.map($get))
        }

        #[inline(always)]
        fn lane_sum(lane: Self::Lane) -> Self::Sum {
            <$number as Number>::lane_sum(lane)
        }

        const NO_MEAN: Self::Mean = <$number as Number>::NO_MEAN;

        #[inline(always)]
        fn is_nan(self) -> bool {
            $get(self).is_nan()
        }

        #[inline(always)]
        fn nan_sum_run(len: usize, run: impl Series<Self>) -> Self::Sum {
            <$number as Number>::nan_sum_run(len, run.map($get))
        }

        #[inline(always)]
        fn nan_mean_run(len: usize, run: impl Series<Self>) -> Self::Mean {
            <$number as Number>::nan_mean_run(len, run.map($get))
        }

        #[inline(always)]
        fn to_mean(self) -> Self::Mean {
            $get(self).to_mean()
        }

        #[inline(always)]
        fn mean_add(a: Self::Mean, b: Self::Mean) -> Self::Mean {
            <$number as Number>::mean_add(a, b)
        }

        #[inline(always)]
        fn mean_of(sum: Self::Mean, len: usize) -> Self::Mean {
            <$number as Number>::mean_of(sum, len)
        }
    };
}
pub(crate) use delegated_lanes;

impl<T: Scalar, E: ByteOrder> sealed::Sealed for Endian<T, E> {}

impl<T: Scalar + Number, E: ByteOrder + 'static> Number for Endian<T, E> {
    type Sum = T::Sum;
    type Mean = T::Mean;
    const ZERO: T::Sum = T::ZERO;

    #[inline(always)]
    fn add(a: T::Sum, b: T::Sum) -> T::Sum {
        T::add(a, b)
    }

    #[inline(always)]
    fn sum_run(len: usize, run: impl Series<Self>) -> T::Sum {
        T::sum_run(len, run.map(Endian::get))
    }

    #[inline(always)]
    fn mean_run(len: usize, run: impl Series<Self>) -> T::Mean {
        T::mean_run(len, run.map(Endian::get))
    }

    delegated_lanes!(T, Endian::get);

    #[inline(always)]
    fn to_number<N: Number>(self) -> N {
        self.get().to_number()
    }

    of_numbers!(number => Self::new(number.to_number()));

    #[inline(always)]
    fn of_wide(number: Wide) -> Self {
        Self::new(T::of_wide(number))
    }
}

impl<T: Scalar + Ordered, E: ByteOrder> Ordered for Endian<T, E> {
    type Native = T::Native;
    const PLAIN: bool = T::PLAIN;

    #[inline(always)]
    fn native(self) -> T::Native {
        self.get().native()
    }

    #[inline(always)]
    fn from_native(native: T::Native) -> Self {
        Self::new(T::from_native(native))
    }

    #[inline(always)]
    fn smaller(a: T::Native, b: T::Native) -> T::Native {
        T::smaller(a, b)
    }

    #[inline(always)]
    fn larger(a: T::Native, b: T::Native) -> T::Native {
        T::larger(a, b)
    }

    #[inline(always)]
    fn is_same(a: T::Native, b: T::Native) -> bool {
        T::is_same(a, b)
    }
}
