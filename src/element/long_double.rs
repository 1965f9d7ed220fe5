//! C's `long double`: NumPy's `longdouble`, `f16` and, on i386, `f12`.
//!
//! The format depends on the machine that writes it. On x86 it is the x87 extended format of 80 bits in 16 or 12 bytes;
//! on AArch64, RISC-V and s390x under Linux it is IEEE 754's format of 128 bits; on PowerPC it is the sum of two
//! `f64`s; on Windows and Apple's machines it is an `f64`, written as `f8`. NumPy's dtype only contains the number of
//! bytes, so NumPy reads the files of other machines in its own format, and the numbers are wrong. Since no file
//! identifies the format, the type does: [`LongDouble`], [`LongDouble96`] or [`Binary128`]. There is no type for
//! PowerPC's pairs.

use super::{Element, scalar};
use crate::dtype::{DType, Endianness, Kind};
use crate::element::endian;
use crate::element::item::Stored;
use crate::element::number::{self, Number, Ordered};
use crate::element::series::Series;
use crate::element::sum;
use crate::element::x87::X87;
use crate::print::{Item, PrintOptions, Rounding, Size, Wide};
use bytemuck::{Pod, Zeroable};
use std::cmp::Ordering;
use std::fmt;

/// The name, the size, the alignment, the docs, and the conversions to and from [`Wide`].
macro_rules! floats {
    ($($(#[doc = $doc:literal])* $name:ident($size:literal, $align:literal, $wide:expr, $of_wide:expr);)*) => {$(
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Default)]
        #[repr(C, align($align))]
        pub struct $name([u8; $size]);

        // SAFETY: an array of bytes whose length is a multiple of the alignment, and so without padding.
        unsafe impl Zeroable for $name {}
        // SAFETY: as above; `Copy` and 'static.
        unsafe impl Pod for $name {}

        const _: () = assert!(size_of::<$name>() == $size);

        impl $name {
            fn wide(self) -> Wide {
                $wide(self.0)
            }

            fn of_wide(wide: Wide) -> Self {
                Self($of_wide(wide))
            }

            /// Returns the nearest `f64`, ties to even, or an infinity if the number is too large.
            #[must_use]
            pub fn to_f64(self) -> f64 {
                self.wide().to_f64(Rounding::Nearest)
            }

            /// Returns `true` if this value is NaN.
            #[must_use]
            pub fn is_nan(self) -> bool {
                matches!(self.wide().size, Size::Nan)
            }
        }

        macro_rules! from {
            ($number:ident) => {
                /// Converts the number without loss.
                impl From<$number> for $name {
                    fn from(number: $number) -> Self {
                        Self::of_wide(number.into())
                    }
                }
            };
        }
        from!(f64);
        from!(f32);
        from!(i64);
        from!(u64);
        from!(i32);
        from!(u32);

        endian::by_bytes!($name: $size);
        endian::plain!(from $name);

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.wide() == other.wide()
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                self.wide().partial_cmp(&other.wide())
            }
        }

        /// Formats the number as NumPy prints a scalar.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                Item::Wide(self.wide()).write_alone(f)
            }
        }

        /// Formats the number as NumPy prints a scalar.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl number::sealed::Sealed for $name {}

        /// Sums and means are computed in `f64`, from the nearest `f64`s; NumPy computes them in `longdouble`.
        impl Number for $name {
            type Sum = f64;
            type Mean = f64;
            const ZERO: f64 = 0.0;

            #[inline(always)]
            fn add(a: f64, b: f64) -> f64 {
                a + b
            }

            #[inline(always)]
            fn sum_run(len: usize, run: impl Series<Self>) -> f64 {
                sum::pairwise(len, run.map(Self::to_f64))
            }

            #[inline(always)]
            fn mean_run(len: usize, run: impl Series<Self>) -> f64 {
                Self::sum_run(len, run)
            }

            number::lane_in_sum!(|element| element.to_f64());

            #[inline(always)]
            fn is_nan(self) -> bool {
                Self::is_nan(self)
            }

            number::mean_in_f64!(|element| element.to_f64());

            #[inline(always)]
            fn to_number<T: Number>(self) -> T {
                number::same(self).unwrap_or_else(|| T::of_wide(self.wide()))
            }

            #[inline(always)]
            fn of_wide(number: Wide) -> Self {
                Self::of_wide(number)
            }

            number::of_numbers!(number => Self::of_wide(number.into()));
        }

        impl Ordered for $name {
            number::itself!();
            number::nan_spreads!(|number: Self| number);
        }
    )*};
}

floats! {
    /// C's `long double` on x86-64: the x87 extended format of 80 bits in 16 bytes, NumPy's `<f16` on that machine.
    ///
    /// The dtype does not distinguish it from [`Binary128`]; see there. Bit patterns that are invalid on an x87 are
    /// NaN.
    ///
    /// ```
    /// use mmap_array::{ArrayView, Le, element::LongDouble};
    /// let third = [0xab_u8, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xfd, 0x3f, 0, 0, 0, 0, 0, 0];
    /// let view = ArrayView::from_slice(&third, 16)?.view_as::<Le<LongDouble>>()?;
    /// assert_eq!(view.to_string(), "[0.33333333]");
    /// assert_eq!(view.at([0]).to_string(), "0.33333333333333333334");
    /// assert_eq!((view.to_vec_as::<f64>(), view.sum()), (vec![1.0 / 3.0], 1.0 / 3.0));
    /// assert!(view.at([0]).get() > LongDouble::from(1.0 / 3.0));
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    LongDouble(16, 16, |bytes| X87::of_native(bytes).wide(), |wide| X87::of_wide(wide).to_native());

    /// C's `long double` on i386: the x87 extended format of 80 bits in 12 bytes, NumPy's `<f12` on that machine.
    ///
    /// NumPy does not read it on any other machine.
    ///
    /// ```
    /// use mmap_array::{DType, Element, Le, element::LongDouble96};
    /// let one = Le::<LongDouble96>::from_bytes([0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0x3f, 0, 0]);
    /// assert_eq!((one.get().to_f64(), one.to_string()), (1.0, "1.0".into()));
    /// assert_eq!(Le::<LongDouble96>::dtype(), "<f12".parse::<DType>()?);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    LongDouble96(12, 4, |bytes| X87::of_native(bytes).wide(), |wide| X87::of_wide(wide).to_native());

    /// C's `long double` on AArch64, RISC-V and s390x: IEEE 754's format of 128 bits, NumPy's `<f16` or `>f16` on those
    /// machines.
    ///
    /// The dtype is also that of [`LongDouble`], and NumPy reads files in the format of its own machine. This type must
    /// therefore be chosen by those who know where a file comes from. Without a type, as in a
    /// [`DynView`](crate::DynView), the numbers are read as the x87 extended format.
    ///
    /// ```
    /// use mmap_array::{Be, Element, Le, element::{Binary128, LongDouble}};
    /// let third = Be::<Binary128>::from_bytes(0x3ffd_5555_5555_5555_5555_5555_5555_5555_u128.to_be_bytes());
    /// assert_eq!(third.to_string(), "0.3333333333333333333333333333333333");
    /// assert_eq!(third.get().to_f64(), 1.0 / 3.0);
    /// assert_eq!(Le::<Binary128>::dtype(), Le::<LongDouble>::dtype());
    /// ```
    Binary128(16, 16, |bytes| of_binary128(u128::from_ne_bytes(bytes)), |wide| to_binary128(wide).to_ne_bytes());
}

/// The exponent of the last bit of the smallest number.
const LEAST: i32 = 1 - 16_383 - 112;

fn of_binary128(bits: u128) -> Wide {
    let (exponent, fraction) = ((bits >> 112 & 0x7fff) as i32, bits & ((1 << 112) - 1));
    let size = match (exponent, fraction) {
        (0x7fff, 0) => Size::Infinite,
        (0x7fff, _) => Size::Nan,
        _ => Size::Finite {
            mantissa: fraction | u128::from(exponent > 0) << 112,
            exponent: exponent.max(1) - 1 + LEAST,
            uneven: fraction == 0 && exponent > 1,
        },
    };
    Wide { negative: bits >> 127 == 1, size }
}

/// Returns the bits of the nearest number, ties to even.
fn to_binary128(Wide { negative, size }: Wide) -> u128 {
    let size = match size {
        Size::Nan => 0xffff << 111,
        Size::Infinite => 0x7fff << 112,
        Size::Finite { mantissa: 0, .. } => 0,
        Size::Finite { mantissa, exponent, .. } => {
            let (digits, last) = Wide::rounded_to(mantissa, exponent, 113, LEAST, Rounding::Nearest);
            // With the bit that is not stored, which carries over into the exponent.
            (((last - LEAST) as u128) << 112).saturating_add(digits).min(0x7fff << 112)
        }
    };
    size | u128::from(negative) << 127
}

/// `<f16` or `>f16`, depending on the machine's byte order.
#[diagnostic::do_not_recommend]
impl Element for LongDouble {
    fn dtype() -> DType {
        scalar(Kind::Float { size: 16, order: Endianness::NATIVE }, align_of::<Self>())
    }
}

/// `<f12` or `>f12`, depending on the machine's byte order.
#[diagnostic::do_not_recommend]
impl Element for LongDouble96 {
    fn dtype() -> DType {
        scalar(Kind::Float { size: 12, order: Endianness::NATIVE }, align_of::<Self>())
    }
}

/// `<f16` or `>f16`, depending on the machine's byte order.
#[diagnostic::do_not_recommend]
impl Element for Binary128 {
    fn dtype() -> DType {
        LongDouble::dtype()
    }

    fn item(stored: &Stored<'_>, in_array: bool, options: &PrintOptions) -> Item {
        match stored.get::<Self>() {
            Some(number) => Item::Wide(number.wide()),
            None => stored.item(in_array, options),
        }
    }
}

impl LongDouble {
    pub(crate) fn of_x87(number: X87) -> Self {
        Self(number.to_native())
    }

    pub(crate) fn x87(self) -> X87 {
        X87::of_native(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ArrayView;
    use crate::element::{Be, Bool, I24, Le, U56};

    fn to<S: Number<Mean = f64>, T: Number>(numbers: &[S]) -> Vec<T> {
        ArrayView::from_slice(numbers, numbers.len()).unwrap().to_vec_as()
    }

    #[test]
    fn they_become_other_numbers_as_f64_does() {
        let numbers = [3e9, -1.0, 300.7, -5.5, 0.0, -0.0, 1e300, -1e300, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
        let (wide, quads) = (numbers.map(LongDouble::from), numbers.map(Binary128::from));
        macro_rules! same {
            ($($to:ty)*) => {$(
                assert_eq!(to::<_, $to>(&wide), to::<_, $to>(&numbers));
                assert_eq!(to::<_, $to>(&wide.map(Be::new)), to::<_, $to>(&numbers));
                assert_eq!(to::<_, $to>(&quads), to::<_, $to>(&numbers));
            )*};
        }
        same!(i8 i16 i32 i64 u8 u16 u32 u64 I24 U56 Bool Be<i32> Le<u16> Be<I24>);
        let bits = |numbers: Vec<f32>| numbers.into_iter().map(f32::to_bits).collect::<Vec<_>>();
        assert_eq!(bits(to(&wide)), bits(to(&numbers)));
        // Integers that no `f64` has.
        let large = [i64::MAX, i64::MIN + 1, 0x7fff_ffff_ffff_fff1].map(LongDouble::from);
        assert_eq!(to::<_, i64>(&large), [i64::MAX, i64::MIN + 1, 0x7fff_ffff_ffff_fff1]);
        assert_eq!(to::<_, u64>(&[LongDouble::from(u64::MAX)]), [u64::MAX]);
    }

    #[test]
    fn they_keep_their_digits_among_each_other() {
        let third = Le::<LongDouble>::from_bytes([
            0xab, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xfd, 0x3f, 0, 0, 0, 0, 0, 0,
        ]);
        let text = "0.33333333333333333334";
        assert_eq!(to::<_, LongDouble>(&[third])[0].to_string(), text);
        assert_eq!(to::<_, Be<LongDouble>>(&[third])[0].to_string(), text);
        assert_eq!(to::<_, LongDouble96>(&[third])[0].to_string(), text);
        let quad = to::<_, Binary128>(&[third]);
        assert_eq!(to::<_, LongDouble>(&quad)[0].to_string(), text);
        assert_eq!(to::<_, Be<Binary128>>(&quad)[0].get(), quad[0]);

        // A quad has more digits, which are rounded to the nearest even ones.
        let quads = |bits: u128| Le::<Binary128>::from_bytes(bits.to_le_bytes());
        let rounded = |bits: u128| to::<_, LongDouble>(&[quads(bits)])[0];
        let one = LongDouble::from(1.0);
        assert_eq!(rounded(0x3fff << 112 | 1 << 48), one);
        assert!(rounded(0x3fff << 112 | 1 << 48 | 1) > one);
        assert_eq!(rounded((0x3fff << 112) - 1), one);
        assert_eq!(rounded((0x7fff << 112) - 1).to_string(), "inf");
        // The smallest numbers of either.
        assert_eq!(rounded(1).to_f64(), 0.0);
        let least = to::<_, Binary128>(&[LongDouble::of_x87(X87([1, 0, 0, 0, 0, 0, 0, 0, 0, 0]))]);
        assert_eq!(to::<_, LongDouble>(&least)[0].x87().0, [1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(rounded(0x7fff << 112 | 7).to_string(), "nan");
        assert_eq!(
            to::<_, Binary128>(&[f64::from_bits(1), f64::MAX, -0.0, f64::NEG_INFINITY])
                .into_iter()
                .map(Binary128::to_f64)
                .map(f64::to_bits)
                .collect::<Vec<_>>(),
            [f64::from_bits(1), f64::MAX, -0.0, f64::NEG_INFINITY].map(f64::to_bits)
        );
    }

    #[test]
    fn they_print_as_numpys_where_no_f64_tells() {
        // str(np.longdouble('0.0001')), and of numbers that are hardly more than 1000 times apart.
        let ten_thousandth = LongDouble::of_x87(X87([0x2c, 0x65, 0x19, 0xe2, 0x58, 0x17, 0xb7, 0xd1, 0xf1, 0x3f]));
        assert_eq!(ten_thousandth.to_string(), "0.0001");
        let less = LongDouble::of_x87(X87([0x2b, 0x65, 0x19, 0xe2, 0x58, 0x17, 0xb7, 0xd1, 0xf1, 0x3f]));
        assert!(less.to_string().ends_with("e-05"), "{less}");
        let thousand = |more: u8| LongDouble::of_x87(X87([more, 0, 0, 0, 0, 0, 0, 0xfa, 0x08, 0x40]));
        let print = |more| ArrayView::from_slice(&[thousand(more), LongDouble::from(1.0)], 2).unwrap().to_string();
        assert_eq!(print(0), "[1000.    1.]");
        assert_eq!(print(16), "[1.e+03 1.e+00]");
    }
}
