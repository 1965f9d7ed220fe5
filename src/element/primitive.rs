//! Rust's own numbers as [`Number`] and [`Ordered`].

use super::number::{
    Number, Ordered, itself, lane_in_integer, lane_in_sum, mean_in_f64, nan_spreads, of_numbers, sealed,
};
use super::series::{By, Series};
use super::sum::{halves, narrow, pairwise};
use crate::print::{Rounding, Wide};
use std::ops::Range;

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
