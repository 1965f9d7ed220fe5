//! Arithmetic on numbers: sums, comparisons and conversions.
//!
//! This module contains the arithmetic of single elements and of runs of elements, which are accessed by index; the
//! loops over views that use it are in `view`. A number converts to another through a primitive type: the one in which
//! it is stored, or the smallest that represents all of its values, constructs the target type. Types therefore need
//! not know of each other, and a new type converts to and from all others.

use super::Element;
use super::endian::{Endian, Scalar};
use super::series::{By, Series};
use crate::print::{Rounding, Wide};
use bytemuck::Pod;
use byteorder::ByteOrder;
use std::ops::{Add, AddAssign, Neg, Range};

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

/// The greatest length of a run whose sum is not split: NumPy's `PW_BLOCKSIZE`.
pub(crate) const BLOCK: usize = 128;

/// Returns the length of the first half of a longer run.
#[inline(always)]
pub(crate) fn half(len: usize) -> usize {
    len / 2 - (len / 2) % 8
}

/// Returns the pairwise sum by the scheme of NumPy's `pairwise_sum`: the sum of the first half plus the sum of the
/// second half.
///
/// It does not recurse, since recursion cannot be compiled for wide instructions at the call site (see `wide`).
#[inline(always)]
pub(crate) fn pairwise<F>(len: usize, run: impl Series<F>) -> F
where
    F: Copy + Add<Output = F> + AddAssign + Neg<Output = F> + Default,
{
    if len <= BLOCK {
        return pairwise_block(0, len, run);
    }
    /// A half that is being summed, one for each halving of the length.
    #[derive(Clone, Copy)]
    enum Half<F> {
        /// The left half, with the length of the right half.
        Left(usize),
        /// The right half, with the sum of the left half.
        Right(F),
    }
    // More often than any length can be halved.
    let mut halves = [Half::<F>::Left(0); 72];
    let (mut depth, mut start, mut len) = (0, 0, len);
    loop {
        while len > BLOCK {
            let half = half(len);
            halves[depth] = Half::Left(len - half);
            depth += 1;
            len = half;
        }
        let mut sum = pairwise_block(start, len, run);
        start += len;
        loop {
            if depth == 0 {
                return sum;
            }
            match halves[depth - 1] {
                Half::Left(right) => {
                    halves[depth - 1] = Half::Right(sum);
                    len = right;
                    break;
                }
                Half::Right(left) => {
                    sum = left + sum;
                    depth -= 1;
                }
            }
        }
    }
}

/// Returns the sum of at most [`BLOCK`] elements.
#[inline(always)]
pub(crate) fn pairwise_block<F>(start: usize, len: usize, run: impl Series<F>) -> F
where
    F: Copy + Add<Output = F> + AddAssign + Neg<Output = F> + Default,
{
    if len < 8 {
        // -0, so that a sum of negative zeros is one.
        let mut sum = -F::default();
        for index in start..start + len {
            sum += run.at(index);
        }
        return sum;
    }
    run.fetch(start, len);
    let mut partial: [F; 8] = run.lanes(start);
    let whole = len - len % 8;
    let mut index = start + 8;
    while index < start + whole {
        for (sum, element) in partial.iter_mut().zip(run.lanes::<8>(index)) {
            *sum += element;
        }
        index += 8;
    }
    let [a, b, c, d, e, f, g, h] = partial;
    let mut sum = ((a + b) + (c + d)) + ((e + f) + (g + h));
    for index in start + whole..start + len {
        sum += run.at(index);
    }
    sum
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
            crate::element::number::pairwise(len, run.map($value))
        }

        #[inline(always)]
        fn mean_run(len: usize, run: impl Series<Self>) -> f64 {
            crate::element::number::pairwise(len, run.map(|number| f64::from($value(number))))
        }

        // Zero is an `f32`'s, since not all of these have one.
        #[inline(always)]
        fn nan_sum_run(len: usize, run: impl Series<Self>) -> f32 {
            let or_zero = |value: f32| if value.is_nan() { 0.0 } else { value };
            crate::element::number::pairwise(len, run.map(move |number| or_zero($value(number))))
        }

        #[inline(always)]
        fn nan_mean_run(len: usize, run: impl Series<Self>) -> f64 {
            let or_zero = |value: f32| if value.is_nan() { 0.0 } else { f64::from(value) };
            crate::element::number::pairwise(len, run.map(move |number| or_zero($value(number))))
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

macro_rules! floats {
    ($($float:ident: $from:ident),*) => {$(
        impl sealed::Sealed for $float {}
        impl Number for $float {
            type Sum = $float;
            type Mean = f64;
            const ZERO: $float = 0.0;

            #[inline(always)]
            fn add(a: $float, b: $float) -> $float {
                a + b
            }

            #[inline(always)]
            fn sum_run(len: usize, run: impl Series<Self>) -> $float {
                pairwise(len, run)
            }

            #[inline(always)]
            fn mean_run(len: usize, run: impl Series<Self>) -> f64 {
                pairwise(len, run.map(f64::from))
            }

            lane_in_sum!(|element| element);

            #[inline(always)]
            fn is_nan(self) -> bool {
                $float::is_nan(self)
            }

            mean_in_f64!(|element| f64::from(element));

            #[inline(always)]
            fn to_number<T: Number>(self) -> T {
                T::$from(self)
            }

            of_numbers!(number => number as $float);

            #[inline(always)]
            fn of_wide(number: Wide) -> Self {
                // Of the last bit, which tells that there were more, a narrower one is rounded.
                let rounding = if size_of::<Self>() < 8 { Rounding::Odd } else { Rounding::Nearest };
                number.to_f64(rounding) as $float
            }
        }

        impl Ordered for $float {
            itself!();
            nan_spreads!();
        }
    )*};
}
floats!(f32: of_f32, f64: of_f64);

macro_rules! integers {
    ($($integer:ident: $from:ident, $chunk:ty, $sum:ty, $small:ty, $lanes:literal, $sum_of:ident, $lane:ty, $len:expr);*) => {$(
        impl sealed::Sealed for $integer {}
        impl Number for $integer {
            type Sum = $sum;
            type Mean = f64;
            const ZERO: $sum = 0;

            #[inline(always)]
            fn add(a: $sum, b: $sum) -> $sum {
                a + b
            }

            #[inline(always)]
            fn sum_run(len: usize, run: impl Series<Self>) -> $sum {
                let mut sum: $sum = 0;
                let mut start = 0;
                // As many as cannot overflow 64 bits: 2^30 of 32 bits stay within 62.
                let most = run.at_a_time().saturating_mul(4).min(1 << 30);
                while start < len {
                    let end = len.min(start.saturating_add(most));
                    run.fetch(start, end - start);
                    sum += $sum_of!($integer, $chunk, $sum, $small, $lanes, start..end, run);
                    start = end;
                }
                sum
            }

            #[inline(always)]
            fn mean_run(len: usize, run: impl Series<Self>) -> f64 {
                Self::sum_run(len, run) as f64
            }

            lane_in_integer!($lane, $len, |element| element);
            mean_in_f64!(|element| element as f64);

            #[inline(always)]
            fn to_number<T: Number>(self) -> T {
                T::$from(self)
            }

            of_numbers!(number => number as $integer);

            #[inline(always)]
            fn of_wide(number: Wide) -> Self {
                number.integer().map_or(0, |integer| integer.clamp(<$integer>::MIN.into(), <$integer>::MAX.into()) as Self)
            }
        }

        impl Ordered for $integer {
            itself!();
            const PLAIN: bool = true;

            #[inline(always)]
            fn smaller(a: Self, b: Self) -> Self {
                a.min(b)
            }

            #[inline(always)]
            fn larger(a: Self, b: Self) -> Self {
                a.max(b)
            }

            #[inline(always)]
            fn is_same(a: Self, b: Self) -> bool {
                a == b
            }
        }
    )*};
}

/// Returns the sum of integers of up to 32 bits, in 64 bits. `Small` can represent the sum of 2^15 of them.
#[inline(always)]
fn narrow<T, Small, Chunk, const N: usize>(range: Range<usize>, run: impl Series<T>) -> Chunk
where
    Small: Copy + Default + AddAssign + From<T>,
    Chunk: Copy + Default + Add<Output = Chunk> + AddAssign + From<T> + From<Small>,
{
    let Range { start: mut index, end } = range;
    let mut sum = match By::of(run) {
        // The compiler knows better by itself.
        By::One => Chunk::default(),
        By::Two => {
            let mut sum = Chunk::default();
            while end - index >= 2 {
                let [a, b] = run.lanes(index);
                sum += Chunk::from(a) + Chunk::from(b);
                index += 2;
            }
            sum
        }
        By::Few => narrow_lanes::<T, Small, Chunk, 4>(&mut index, end, run),
        By::Many => narrow_lanes::<T, Small, Chunk, N>(&mut index, end, run),
    };
    for index in index..end {
        sum += Chunk::from(run.at(index));
    }
    sum
}

#[inline(always)]
fn narrow_lanes<T, Small, Chunk, const N: usize>(index: &mut usize, end: usize, run: impl Series<T>) -> Chunk
where
    Small: Copy + Default + AddAssign + From<T>,
    Chunk: Default + AddAssign + From<Small>,
{
    let mut sum = Chunk::default();
    while end - *index >= N {
        let mut small = [Small::default(); N];
        let stop = *index + ((end - *index) / N).min(1 << 15) * N;
        while *index < stop {
            for (sum, element) in small.iter_mut().zip(run.lanes::<N>(*index)) {
                *sum += Small::from(element);
            }
            *index += N;
        }
        small.into_iter().for_each(|small| sum += Chunk::from(small));
    }
    sum
}

/// Returns the sum of integers of 64 bits.
macro_rules! wide {
    ($integer:ty, $chunk:ty, $sum:ty, $small:ty, $lanes:literal, $range:expr, $run:ident) => {{
        let range: Range<usize> = $range;
        if By::of($run) == By::One {
            // Of their upper halves and of their lower ones, in 64 bits each.
            let (mut upper, mut lower): ($chunk, u64) = (0, 0);
            for index in range {
                let value: $integer = $run.at(index);
                upper += value >> 32;
                lower += u64::from(value as u32);
            }
            (<$sum>::from(upper) << 32) + <$sum>::from(lower)
        } else {
            // Counted from the smallest one on, so that all are positive.
            const TURN: u64 = <$integer>::MIN as u64;
            let count = range.len() as $sum;
            let (upper, all) = halves(range, $run.map(|value: $integer| value as u64 ^ TURN));
            // The lower halves are fewer than 2^31, so their sum is what all are, modulo 2^64, without the upper ones.
            let lower = all.wrapping_sub(upper << 32);
            (<$sum>::from(upper) << 32) + <$sum>::from(lower) - count * (TURN as $sum)
        }
    }};
}

/// Returns the sum of the upper halves of numbers, and the sum of the numbers modulo 2^64.
#[inline(always)]
fn halves(range: Range<usize>, run: impl Series<u64>) -> (u64, u64) {
    let Range { start: mut index, end } = range;
    let (mut upper, mut all) = match By::of(run) {
        By::One => (0, 0),
        By::Two => halves_lanes::<2>(&mut index, end, run),
        By::Few | By::Many => halves_lanes::<4>(&mut index, end, run),
    };
    for index in index..end {
        let value = run.at(index);
        upper += value >> 32;
        all = all.wrapping_add(value);
    }
    (upper, all)
}

#[inline(always)]
fn halves_lanes<const N: usize>(index: &mut usize, end: usize, run: impl Series<u64>) -> (u64, u64) {
    let (mut uppers, mut alls) = ([0_u64; N], [0_u64; N]);
    while end - *index >= N {
        for (lane, value) in run.lanes::<N>(*index).into_iter().enumerate() {
            uppers[lane] += value >> 32;
            alls[lane] = alls[lane].wrapping_add(value);
        }
        *index += N;
    }
    (uppers.into_iter().sum(), alls.into_iter().fold(0, u64::wrapping_add))
}

macro_rules! up_to_32_bits {
    ($integer:ty, $chunk:ty, $sum:ty, $small:ty, $lanes:literal, $range:expr, $run:ident) => {
        <$sum>::from(narrow::<$integer, $small, $chunk, $lanes>($range, $run))
    };
}

integers! {
    i8: of_i8, i64, i128, i32, 16, up_to_32_bits, i64, 1 << 48;
    i16: of_i16, i64, i128, i32, 16, up_to_32_bits, i64, 1 << 48;
    i32: of_i32, i64, i128, i64, 4, up_to_32_bits, i64, 1 << 32;
    i64: of_i64, i64, i128, i64, 4, wide, i128, u64::MAX;
    u8: of_u8, u64, u128, u32, 16, up_to_32_bits, u64, 1 << 48;
    u16: of_u16, u64, u128, u32, 16, up_to_32_bits, u64, 1 << 48;
    u32: of_u32, u64, u128, u64, 4, up_to_32_bits, u64, 1 << 32;
    u64: of_u64, u64, u128, u64, 4, wide, u128, u64::MAX
}

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
