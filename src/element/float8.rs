//! Floats of 8 bits, as used in machine learning: the `F8E4M3` and `F8E5M2` of [float8](::float8), and related types.
//!
//! NumPy itself has none. The Python package ml_dtypes has eight, named by their bit layouts; printing them, and
//! converting to and from them, works as with ml_dtypes. NumPy writes their arrays as opaque bytes, `<V1`, except for
//! those of `float8_e5m2`, which it writes as `<f1` and then does not read. Their dtype is therefore an opaque byte,
//! which identifies neither the type nor a byte order.
//!
//! The conversions and comparisons are implemented by this crate on the bits, because those of [float8](::float8)
//! saturate to the largest number, where ml_dtypes returns an infinity, or NaN if the type has no infinity, and because
//! its `is_nan` returns `false` for two of the three NaNs of `F8E5M2`. ml_dtypes rounds an `f64` to `f32` first, and
//! thus twice; this crate rounds once.

use super::{Element, scalar};
use crate::dtype::{DType, Kind};
use crate::element::endian;
use crate::element::item::Stored;
use crate::element::number::{self, Number, Ordered};
use crate::element::series::Series;
use crate::print::{Item, PrintOptions, six_digits};
use ::float8::{F8E4M3, F8E5M2};
use bytemuck::{Pod, Zeroable};
use std::cmp::Ordering;
use std::fmt;

/// The bit layout of a type.
#[derive(Clone, Copy)]
struct Format {
    /// The number of low bits that are the fraction. The highest bit is the sign, and the bits between are the
    /// exponent.
    fraction: u32,
    /// The exponent bits of 1.
    bias: i32,
    beyond: Beyond,
}

/// The values that are not finite numbers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beyond {
    /// The largest exponent denotes infinities and NaN, as in IEEE 754.
    Infinities,
    /// The largest magnitude of either sign denotes NaN: `fn`, finite.
    Nan,
    /// The bits of -0 denote NaN: `fnuz`, finite with an unsigned zero.
    OneNan,
}

/// Returns 2 to an exponent that a normal `f32` can have.
const fn power(exponent: i32) -> f32 {
    f32::from_bits(((exponent + 127) as u32) << 23)
}

impl Format {
    /// Returns the smallest bits, without the sign, that are not a finite number.
    const fn end(self) -> u32 {
        match self.beyond {
            Beyond::Infinities => 0x80 - (1 << self.fraction),
            Beyond::Nan => 0x7f,
            Beyond::OneNan => 0x80,
        }
    }

    const fn value(self, bits: u8) -> f32 {
        let (size, one) = (bits & 0x7f, 1 << self.fraction);
        let (exponent, fraction) = ((size >> self.fraction) as i32, size & (one - 1));
        let value = match exponent {
            _ if matches!(self.beyond, Beyond::OneNan) && bits == 0x80 => f32::NAN,
            _ if matches!(self.beyond, Beyond::Infinities) && size as u32 == self.end() => f32::INFINITY,
            _ if size as u32 >= self.end() => f32::NAN,
            0 => fraction as f32 * power(1 - self.bias - self.fraction as i32),
            _ => (one | fraction) as f32 * power(exponent - self.bias - self.fraction as i32),
        };
        if bits & 0x80 == 0 { value } else { -value }
    }

    const fn values(self) -> [f32; 256] {
        let mut values = [0.0; 256];
        let mut bits = 0;
        while bits < 256 {
            values[bits] = self.value(bits as u8);
            bits += 1;
        }
        values
    }

    /// Returns the bits of the nearest number, ties to even.
    #[inline(always)]
    fn nearest(self, number: f32) -> u8 {
        let (size, least) = (number.abs(), 1 - self.bias);
        let bits = if size.is_finite() {
            // That of the last bits of the numbers around.
            let exponent = ((size.to_bits() >> 23) as i32 - 127).max(least);
            let units = (size * power(self.fraction as i32 - exponent)).round_ties_even();
            (((exponent - least) as u32) << self.fraction) + units as u32
        } else {
            u32::MAX
        };
        let sign = if number.is_sign_negative() { 0x80 } else { 0 };
        match self.beyond {
            Beyond::Infinities if number.is_nan() => sign | (0x80 - (1 << (self.fraction - 1))),
            Beyond::Infinities | Beyond::Nan => sign | bits.min(self.end()) as u8,
            Beyond::OneNan if bits >= self.end() => 0x80,
            Beyond::OneNan if bits == 0 => 0,
            Beyond::OneNan => sign | bits as u8,
        }
    }
}

/// Implements an element of 8 bits by functions that convert it to `f32`, exactly, and an `f32` to the nearest number.
macro_rules! element {
    ($name:ident, $summary:literal, $ml_dtypes:literal, $value:expr, $make:expr) => {
        #[doc = concat!("`|V1`. ", $summary)]
        // Else what the compiler says of other types would depend on the features.
        #[diagnostic::do_not_recommend]
        impl Element for $name {
            fn dtype() -> DType {
                scalar(Kind::Void { len: 1 }, align_of::<Self>())
            }

            fn item(stored: &Stored<'_>, in_array: bool, options: &PrintOptions) -> Item {
                match stored.get::<Self>() {
                    Some(number) => Item::Quoted(six_digits($value(number))),
                    None => stored.item(in_array, options),
                }
            }
        }

        endian::by_bits!($name: u8);
        endian::plain!(from $name);

        impl number::sealed::Sealed for $name {}

        #[doc = concat!("Sums are computed in `f32`; ml_dtypes rounds to `", $ml_dtypes, "` after every addition.")]
        impl Number for $name {
            number::added_in_f32!($value);
            number::rounded!($make);
        }

        impl Ordered for $name {
            number::itself!();
            number::nan_spreads!($value);
        }
    };
}

const E4M3FN: Format = Format { fraction: 3, bias: 7, beyond: Beyond::Nan };
const E5M2: Format = Format { fraction: 2, bias: 15, beyond: Beyond::Infinities };

element! {
    F8E4M3,
    "Files of ml_dtypes' `float8_e4m3fn` open as this type.\n\n\
    ```\n\
    use float8::F8E4M3;\n\
    use mmap_array::{ArrayView, DType, Element};\n\
    let view = ArrayView::from_slice(&[0x38_u8, 0xc4, 0x01, 0x7f], 4)?.view_as::<F8E4M3>()?;\n\
    assert_eq!(view.to_string(), \"[1 -3 0.00195312 nan]\");\n\
    assert_eq!(view.rows(..2).sum(), -2.0); // in f32\n\
    assert_eq!(F8E4M3::dtype(), \"'<V1'\".parse::<DType>()?);\n\
    # Ok::<(), mmap_array::Error>(())\n\
    ```",
    "float8_e4m3fn",
    |number: Self| const { &E4M3FN.values() }[usize::from(number.to_bits())],
    |number| Self::from_bits(E4M3FN.nearest(number))
}
element! {
    F8E5M2,
    "Files of ml_dtypes' `float8_e5m2`, which NumPy writes as `<f1` and does not read, open as this type.\n\n\
    ```\n\
    use float8::F8E5M2;\n\
    use mmap_array::{ArrayView, DType, Element};\n\
    let numbers = ArrayView::from_slice(&[1.0, -3.1, 1e9], 3)?.to_vec_as::<F8E5M2>();\n\
    assert_eq!(ArrayView::from_slice(&numbers, 3)?.to_string(), \"[1 -3 inf]\");\n\
    assert_eq!(F8E5M2::dtype(), \"'<f1'\".parse::<DType>()?);\n\
    # Ok::<(), mmap_array::Error>(())\n\
    ```",
    "float8_e5m2",
    |number: Self| const { &E5M2.values() }[usize::from(number.to_bits())],
    |number| Self::from_bits(E5M2.nearest(number))
}

/// Defines a type of this crate from its name, the name in ml_dtypes, a description of its numbers, their values by
/// their bits, and the bits of the number nearest to an `f32`.
macro_rules! own {
    ($name:ident, $ml_dtypes:literal, $numbers:literal, $values:expr, $nearest:expr) => {
        #[doc = concat!("A float of 8 bits with ", $numbers, ": ml_dtypes' `", $ml_dtypes, "`, `<V1` in files.")]
        ///
        /// It has no arithmetic. It converts to `f32`, which represents all of its numbers, one by one or by
        /// [`to_vec_as`](crate::ArrayView::to_vec_as).
        ///
        /// ```
        #[doc = concat!("use mmap_array::{ArrayView, element::", stringify!($name), "};")]
        #[doc = concat!("let one = ", stringify!($name), "::from_f32(1.0);")]
        /// assert_eq!((one.to_f32(), one > one, one.to_string()), (1.0, false, "1".into()));
        /// let pair = [one, one];
        /// let view = ArrayView::from_slice(&pair, 2)?;
        /// assert_eq!((view.to_string(), view.sum(), view.to_vec_as::<i16>()), ("[1 1]".into(), 2.0, vec![1, 1]));
        /// # Ok::<(), mmap_array::Error>(())
        /// ```
        #[derive(Clone, Copy)]
        #[repr(transparent)]
        pub struct $name(u8);

        // SAFETY: transparent over a byte.
        unsafe impl Zeroable for $name {}
        // SAFETY: as above; `Copy` and 'static.
        unsafe impl Pod for $name {}

        impl $name {
            /// Returns the number with the given bits.
            #[must_use]
            pub const fn from_bits(bits: u8) -> Self {
                Self(bits)
            }

            /// Returns the bits of the number.
            #[must_use]
            pub const fn to_bits(self) -> u8 {
                self.0
            }

            /// Rounds an `f32` to the nearest number of this type, ties to even. A number beyond the largest one
            /// becomes an infinity, or NaN if the type has no infinities. This is also the rounding of ml_dtypes,
            /// except that it may round numbers below 2^-126 up for `float8_e8m0fnu`.
            #[inline(always)]
            #[must_use]
            pub fn from_f32(number: f32) -> Self {
                Self($nearest(number))
            }

            /// Rounds an `f64` as [`from_f32`](Self::from_f32) does, in one step.
            #[inline(always)]
            #[must_use]
            pub fn from_f64(number: f64) -> Self {
                Self::from_f32(number::rounded_to_odd(number))
            }

            /// Returns the number as an `f32`, exactly.
            #[inline(always)]
            #[must_use]
            pub const fn to_f32(self) -> f32 {
                const VALUES: [f32; 256] = $values;
                VALUES[self.0 as usize]
            }

            /// Returns the number as an `f64`, exactly.
            #[inline(always)]
            #[must_use]
            pub const fn to_f64(self) -> f64 {
                self.to_f32() as f64
            }

            /// Returns `true` if this value is NaN.
            #[must_use]
            pub const fn is_nan(self) -> bool {
                self.to_f32().is_nan()
            }
        }

        /// Returns the number whose bits are 0.
        impl Default for $name {
            fn default() -> Self {
                Self(0)
            }
        }

        impl From<$name> for f32 {
            fn from(number: $name) -> Self {
                number.to_f32()
            }
        }

        impl From<$name> for f64 {
            fn from(number: $name) -> Self {
                number.to_f64()
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.to_f32() == other.to_f32()
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                self.to_f32().partial_cmp(&other.to_f32())
            }
        }

        /// Formats the number as an `f32`.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.to_f32(), f)
            }
        }

        /// Formats the number as an `f32`.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.to_f32(), f)
            }
        }

        element! { $name, "", $ml_dtypes, |number: Self| number.to_f32(), Self::from_f32 }
    };
    ($name:ident, $ml_dtypes:literal, $numbers:literal, $fraction:literal, $bias:literal, $beyond:ident) => {
        own! {
            $name, $ml_dtypes, $numbers,
            Format { fraction: $fraction, bias: $bias, beyond: Beyond::$beyond }.values(),
            |number| Format { fraction: $fraction, bias: $bias, beyond: Beyond::$beyond }.nearest(number)
        }
    };
}

own! { Float8E3M4, "float8_e3m4", "3 bits of exponent and 4 of fraction, infinities and NaN", 4, 3, Infinities }
own! { Float8E4M3, "float8_e4m3", "4 bits of exponent and 3 of fraction, infinities and NaN", 3, 7, Infinities }
own! {
    Float8E4M3Fnuz, "float8_e4m3fnuz",
    "4 bits of exponent and 3 of fraction, one NaN, no infinities and no -0", 3, 8, OneNan
}
own! {
    Float8E4M3B11Fnuz, "float8_e4m3b11fnuz",
    "4 bits of exponent, of a bias of 11, and 3 of fraction, one NaN, no infinities and no -0", 3, 11, OneNan
}
own! {
    Float8E5M2Fnuz, "float8_e5m2fnuz",
    "5 bits of exponent and 2 of fraction, one NaN, no infinities and no -0", 2, 16, OneNan
}
own! {
    Float8E8M0Fnu, "float8_e8m0fnu", "8 bits of exponent alone, the powers of 2 from 2^-127 to 2^127, and NaN",
    powers(), nearest_power
}

const fn powers() -> [f32; 256] {
    let mut values = [f32::NAN; 256];
    values[0] = power(-126) / 2.0;
    let mut bits = 1;
    while bits < 255 {
        values[bits] = power(bits as i32 - 127);
        bits += 1;
    }
    values
}

/// Returns the bits of the nearest power of 2, ties to the larger one, or those of NaN if the number is not greater
/// than 0.
#[inline(always)]
fn nearest_power(number: f32) -> u8 {
    match number {
        _ if number.is_nan() || number <= 0.0 => 0xff,
        // The least number is one that `f32` writes without an exponent. ml_dtypes takes for it what is not greater,
        // and so rounds up all between it and the middle.
        _ if number < 0.75 * power(-126) => 0,
        // The middle of two carries over into the exponent.
        _ => ((number.to_bits() + (1 << 22)) >> 23).min(0xff) as u8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ArrayView;
    use crate::element::endian::{Be, Le};

    #[test]
    fn it_is_a_raw_byte_in_either_order() {
        assert_eq!((F8E4M3::dtype().kind(), F8E5M2::dtype().itemsize()), (&Kind::Void { len: 1 }, 1));
        assert_eq!((Be::<Float8E3M4>::dtype(), Le::<Float8E3M4>::dtype()), (Float8E3M4::dtype(), F8E4M3::dtype()));
        assert_eq!((Be::new(F8E4M3::ONE).to_bytes(), Le::new(Float8E4M3::from_f32(1.0)).to_bytes()), ([0x38], [0x38]));
        assert_eq!(Float8E8M0Fnu::default().to_f64(), 2_f64.powi(-127));
        assert_eq!(format!("{:?} {}", Float8E4M3Fnuz::from_f32(-0.0), Float8E5M2Fnuz::from_bits(0x80)), "0.0 NaN");
    }

    /// Checks conversions from `f64`, and from integers that no `f64` represents, like those from `f32`.
    #[test]
    fn every_number_is_rounded_once() {
        fn compare<T: Number>(value: impl Fn(T) -> f64, all: impl Iterator<Item = T>) {
            let mut values: Vec<f64> = all.map(&value).filter(|value| value.is_finite()).collect();
            values.sort_by(f64::total_cmp);
            values.dedup();
            for pair in values.windows(2) {
                let (below, above) = (pair[0], pair[1]);
                let middle = (below + above) / 2.0;
                for (number, nearest) in [(middle.next_down(), below), (middle.next_up(), above), (below, below)] {
                    assert_eq!(value(T::of_f64(number)), nearest, "{number:e}");
                }
            }
        }
        macro_rules! compare {
            ($($float:ident)*) => {$(
                compare(|number: $float| f64::of_f32(number.to_f32()), (0..=255).map($float::from_bits));
            )*};
        }
        compare!(F8E4M3 F8E5M2 Float8E3M4 Float8E4M3 Float8E4M3Fnuz Float8E4M3B11Fnuz Float8E5M2Fnuz Float8E8M0Fnu);

        // 1.5 times a power of 2, and one more or less, which no `f64` has.
        for (number, power) in [((3_i64 << 61) - 1, 62), (3 << 61, 63), ((3 << 61) + 1, 63)] {
            assert_eq!(Float8E8M0Fnu::of_i64(number).to_f64(), 2_f64.powi(power), "{number}");
            assert_eq!(Float8E8M0Fnu::of_u64(number as u64 * 2).to_f64(), 2_f64.powi(power + 1), "{number}");
        }
        assert_eq!(Float8E5M2Fnuz::of_i64(i64::MIN).to_bits(), 0x80);
    }

    #[test]
    fn what_is_not_nan_is_added_up_also_where_there_is_no_zero() {
        let values = [2.0, f32::NAN, 4.0].map(Float8E8M0Fnu::from_f32);
        let view = ArrayView::from_slice(&values, 3).unwrap();
        assert_eq!((view.nan_sum(), view.nan_mean()), (6.0, Some(3.0)));
        assert!(view.sum().is_nan());
        let values = [2.0, f32::NAN, 4.0].map(|value| Be::new(F8E4M3::from_f32(value)));
        let view = ArrayView::from_slice(&values, 3).unwrap();
        assert_eq!((view.nan_sum(), view.nan_mean()), (6.0, Some(3.0)));
    }

    #[test]
    fn sums_extremes_and_whole_views() {
        let values: Vec<F8E4M3> = (0..1000).map(|i| F8E4M3::of_i32(i % 16)).collect();
        let view = ArrayView::from_slice(&values, 1000).unwrap();
        assert_eq!((view.sum(), view.mean(), view.max()), (7468.0, Some(7.468), Some(F8E4M3::of_u8(15))));
        let turned = view.to_vec_as::<Be<F8E5M2>>();
        let turned = ArrayView::from_slice(&turned, 1000).unwrap();
        // 9, 11, 13 and 15 are none of these.
        assert_eq!(turned.rows(..16).to_vec_as::<u8>(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 10, 12, 12, 12, 14, 16]);
        assert_eq!(view.to_vec_as::<F8E4M3>(), values);
    }
}
