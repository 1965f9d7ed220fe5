//! Numbers, times and text with an explicit byte order and an alignment of 1.
//!
//! A file keeps the byte order of the machine or the standard that produced it, whichever machine reads it: network
//! formats and FITS are big-endian, most `.npy` files little-endian. An [`Endian`] consists of the bytes as they are in
//! the file, with the byte order in its type, so that a wrong byte order is a wrong type and is detected when a file is
//! opened. Its alignment is 1, so `Le<f64>` also represents unaligned numbers. [`get`](Endian::get) returns the value;
//! [`to_native_vec`](crate::ArrayView::to_native_vec) converts whole views.

use crate::dtype::{DType, Endianness};
use crate::element::Element;
use crate::element::item::Stored;
use crate::print::{Item, PrintOptions};
use bytemuck::{Pod, Zeroable};
use byteorder::{BigEndian, ByteOrder, LittleEndian};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Rem, RemAssign, Sub, SubAssign};
use std::str::FromStr;

/// The element types that have a byte order, for which [`Endian`] is defined.
///
/// It is implemented by the integers and floats of 8 to 64 bits, [`I24`](crate::element::I24) and the other integers of
/// 3 to 7 bytes, [`LongDouble`](crate::element::LongDouble) and its variants,
/// [`DateTime64`](crate::element::DateTime64), [`TimeDelta64`](crate::element::TimeDelta64) and
/// [`Ucs4`](crate::element::Ucs4), each of whose characters has the byte order; and with the features `half`,
/// `num-complex` and `float8` by `half::f16`, `half::bf16`, `num_complex::Complex`, each of whose parts has the byte
/// order, and the floats of 8 bits. The trait is sealed.
///
/// ```
/// use mmap_array::{element::Scalar, Be, Le};
/// fn turned<T: Scalar>(stored: Be<T>) -> Le<T> {
///     Le::new(stored.get())
/// }
/// assert_eq!(turned(Be::<u16>::from_bytes([1, 2])).to_bytes(), [2, 1]);
/// ```
pub trait Scalar: Element + Pod + Default + sealed::Sealed {
    /// The bytes of a value: an array of bytes, or for text an array of 4 bytes per character.
    type Bytes: Pod;

    #[doc(hidden)]
    fn decode<E: ByteOrder>(bytes: Self::Bytes) -> Self;

    #[doc(hidden)]
    fn encode<E: ByteOrder>(self) -> Self::Bytes;
}

pub(crate) mod sealed {
    pub trait Sealed {}
}

/// A number, time or text whose bytes are stored in the byte order `E`, regardless of the machine's: NumPy's `>f8`,
/// `<i4`.
///
/// It has the size of `T` and an alignment of 1. [`Be`] and [`Le`] are aliases for the two byte orders. It is compared,
/// ordered, hashed and printed by value, and arithmetic on it returns plain numbers.
///
/// ```
/// use mmap_array::{ArrayView, Be};
///
/// let file = [0x42_u8, 0x28, 0, 0, 0xc0, 0, 0, 0]; // two big-endian floats
/// let view = ArrayView::from_slice(&file, 8)?.view_as::<Be<f32>>()?;
/// assert_eq!(view.at([0]).get(), 42.0);
/// assert_eq!(view.at([0]) + view.at([1]), 40.0);
/// assert_eq!(view.to_native_vec(), [42.0, -2.0]);
/// assert_eq!(view.to_string(), "[42. -2.]");
/// # Ok::<(), mmap_array::Error>(())
/// ```
///
/// In records it replaces the number:
///
/// ```
/// use mmap_array::{Be, Le};
/// # use bytemuck::{Pod, Zeroable};
/// #[derive(Clone, Copy, Zeroable, Pod)]
/// #[repr(C)]
/// struct Packet { kind: u8, length: Be<u16>, time: Le<u64> } // no padding: nothing here is aligned
///
/// assert_eq!(size_of::<Packet>(), 11);
/// ```
#[repr(transparent)]
pub struct Endian<T: Scalar, E: ByteOrder> {
    bytes: T::Bytes,
    order: PhantomData<E>,
}

/// A big-endian number: the most significant byte first, NumPy's `>`.
///
/// ```
/// assert_eq!(mmap_array::Be::new(258_u16).to_bytes(), [1, 2]);
/// ```
pub type Be<T> = Endian<T, BigEndian>;

/// A little-endian number: the least significant byte first, NumPy's `<`.
///
/// ```
/// assert_eq!(mmap_array::Le::new(258_u16).to_bytes(), [2, 1]);
/// ```
pub type Le<T> = Endian<T, LittleEndian>;

/// Returns the byte order that a marker type of byteorder denotes.
#[inline(always)]
pub(super) fn endianness<E: ByteOrder>() -> Endianness {
    if E::read_u16(&[0, 1]) == 1 { Endianness::Big } else { Endianness::Little }
}

impl<T: Scalar, E: ByteOrder> Endian<T, E> {
    /// Creates an element from a value, stored in the byte order `E`.
    ///
    /// ```
    /// let big = mmap_array::Be::new(1_i32);
    /// assert_eq!(big.to_bytes(), [0, 0, 0, 1]);
    /// ```
    #[inline(always)]
    #[must_use]
    pub fn new(value: T) -> Self {
        Self::from_bytes(value.encode::<E>())
    }

    /// Returns the value, in the machine's byte order.
    ///
    /// ```
    /// assert_eq!(mmap_array::Le::<i16>::from_bytes([0xfe, 0xff]).get(), -2);
    /// ```
    #[inline(always)]
    #[must_use]
    pub fn get(self) -> T {
        T::decode::<E>(self.bytes)
    }

    /// Replaces the value.
    ///
    /// ```
    /// let mut count = mmap_array::Be::new(7_u64);
    /// count.set(count.get() * 2);
    /// assert_eq!(count, 14);
    /// ```
    #[inline(always)]
    pub fn set(&mut self, value: T) {
        *self = Self::new(value);
    }

    /// Creates an element from its bytes, which are in the byte order `E`. See [`get`](Self::get).
    #[inline(always)]
    #[must_use]
    pub fn from_bytes(bytes: T::Bytes) -> Self {
        Self { bytes, order: PhantomData }
    }

    /// Returns the bytes as they are stored.
    ///
    /// ```
    /// assert_eq!(mmap_array::Be::new(1.0_f32).to_bytes(), [0x3f, 0x80, 0, 0]);
    /// ```
    #[inline(always)]
    #[must_use]
    pub fn to_bytes(self) -> T::Bytes {
        self.bytes
    }
}

impl<T: Scalar, E: ByteOrder> Clone for Endian<T, E> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Scalar, E: ByteOrder> Copy for Endian<T, E> {}

// SAFETY: transparent over `T::Bytes`, which may be all zeros, being `Pod`.
unsafe impl<T: Scalar, E: ByteOrder> Zeroable for Endian<T, E> {}

// SAFETY: transparent over `T::Bytes`, which is `Pod`, beside a `PhantomData`, which has no bytes; `Copy` and 'static.
unsafe impl<T: Scalar, E: ByteOrder + 'static> Pod for Endian<T, E> {}

/// The dtype is that of `T` in the byte order `E`.
///
/// ```
/// use mmap_array::{dtype::Endianness, Be, DType, Element};
/// assert_eq!(Be::<f64>::dtype(), f64::dtype().with_endianness(Endianness::Big));
/// ```
impl<T: Scalar, E: ByteOrder + 'static> Element for Endian<T, E> {
    fn dtype() -> DType {
        T::dtype().with_endianness(endianness::<E>()).aligned_to(align_of::<Self>())
    }

    fn item(stored: &Stored<'_>, in_array: bool, options: &PrintOptions) -> Item {
        match stored.get::<Self>() {
            Some(element) => T::item(&Stored::of(&element.get(), &T::dtype()), in_array, options),
            None => stored.item(in_array, options),
        }
    }
}

/// Returns the default value of `T`: 0 for numbers.
impl<T: Scalar, E: ByteOrder> Default for Endian<T, E> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: Scalar, E: ByteOrder> From<T> for Endian<T, E> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: Scalar + FromStr, E: ByteOrder> FromStr for Endian<T, E> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        text.parse().map(Self::new)
    }
}

impl<T: Scalar + PartialEq, E: ByteOrder, F: ByteOrder> PartialEq<Endian<T, F>> for Endian<T, E> {
    #[inline]
    fn eq(&self, other: &Endian<T, F>) -> bool {
        self.get() == other.get()
    }
}

impl<T: Scalar + PartialEq, E: ByteOrder> PartialEq<T> for Endian<T, E> {
    #[inline]
    fn eq(&self, other: &T) -> bool {
        self.get() == *other
    }
}

impl<T: Scalar + Eq, E: ByteOrder> Eq for Endian<T, E> {}

impl<T: Scalar + PartialOrd, E: ByteOrder, F: ByteOrder> PartialOrd<Endian<T, F>> for Endian<T, E> {
    #[inline]
    fn partial_cmp(&self, other: &Endian<T, F>) -> Option<Ordering> {
        self.get().partial_cmp(&other.get())
    }
}

impl<T: Scalar + PartialOrd, E: ByteOrder> PartialOrd<T> for Endian<T, E> {
    #[inline]
    fn partial_cmp(&self, other: &T) -> Option<Ordering> {
        self.get().partial_cmp(other)
    }
}

impl<T: Scalar + Ord, E: ByteOrder> Ord for Endian<T, E> {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.get().cmp(&other.get())
    }
}

impl<T: Scalar + Hash, E: ByteOrder> Hash for Endian<T, E> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.get().hash(state);
    }
}

macro_rules! formats {
    ($($format:ident)*) => {$(
        impl<T: Scalar + fmt::$format, E: ByteOrder> fmt::$format for Endian<T, E> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::$format::fmt(&self.get(), f)
            }
        }
    )*};
}
formats!(Debug Display LowerExp UpperExp LowerHex UpperHex Octal Binary);

macro_rules! operators {
    ($($operator:ident $operate:ident $assigning:ident $assign:ident)*) => {$(
        impl<T: Scalar + $operator, E: ByteOrder> $operator<T> for Endian<T, E> {
            type Output = T::Output;

            #[inline]
            fn $operate(self, other: T) -> T::Output {
                self.get().$operate(other)
            }
        }

        impl<T: Scalar + $operator, E: ByteOrder, F: ByteOrder> $operator<Endian<T, F>> for Endian<T, E> {
            type Output = T::Output;

            #[inline]
            fn $operate(self, other: Endian<T, F>) -> T::Output {
                self.get().$operate(other.get())
            }
        }

        impl<T: Scalar + $operator<Output = T>, E: ByteOrder> $assigning<T> for Endian<T, E> {
            #[inline]
            fn $assign(&mut self, other: T) {
                self.set(self.get().$operate(other));
            }
        }

        impl<T: Scalar + $operator<Output = T>, E: ByteOrder, F: ByteOrder> $assigning<Endian<T, F>> for Endian<T, E> {
            #[inline]
            fn $assign(&mut self, other: Endian<T, F>) {
                self.set(self.get().$operate(other.get()));
            }
        }
    )*};
}
operators! {
    Add add AddAssign add_assign
    Sub sub SubAssign sub_assign
    Mul mul MulAssign mul_assign
    Div div DivAssign div_assign
    Rem rem RemAssign rem_assign
}

impl<T: Scalar + Neg, E: ByteOrder> Neg for Endian<T, E> {
    type Output = T::Output;

    #[inline]
    fn neg(self) -> T::Output {
        -self.get()
    }
}

/// The conversions from [`Endian`] to a plain number, which can only be written for one number type at a time: `From`,
/// `Sum` and `Product`, or `From` alone for types that have no such sums.
///
/// `f64: PartialEq<Be<f64>>` and `f64: Add<Be<f64>>` are left out, since with them `1.0 + x.into()` would no longer
/// compile in programs that use this crate.
macro_rules! plain {
    (from $number:ty) => {
        impl<E: ::byteorder::ByteOrder> From<$crate::element::Endian<$number, E>> for $number {
            fn from(stored: $crate::element::Endian<$number, E>) -> Self {
                stored.get()
            }
        }
    };
    ($($number:ty)*) => {$(
        $crate::element::endian::plain!(from $number);

        impl<E: ::byteorder::ByteOrder> ::std::iter::Sum<$crate::element::Endian<$number, E>> for $number {
            #[inline]
            fn sum<I: Iterator<Item = $crate::element::Endian<$number, E>>>(stored: I) -> Self {
                stored.map($crate::element::Endian::get).sum()
            }
        }

        impl<'a, E: ::byteorder::ByteOrder + 'a> ::std::iter::Sum<&'a $crate::element::Endian<$number, E>> for $number {
            #[inline]
            fn sum<I: Iterator<Item = &'a $crate::element::Endian<$number, E>>>(stored: I) -> Self {
                stored.copied().sum()
            }
        }

        impl<E: ::byteorder::ByteOrder> ::std::iter::Product<$crate::element::Endian<$number, E>> for $number {
            #[inline]
            fn product<I: Iterator<Item = $crate::element::Endian<$number, E>>>(stored: I) -> Self {
                stored.map($crate::element::Endian::get).product()
            }
        }

        impl<'a, E: ::byteorder::ByteOrder + 'a> ::std::iter::Product<&'a $crate::element::Endian<$number, E>> for $number {
            #[inline]
            fn product<I: Iterator<Item = &'a $crate::element::Endian<$number, E>>>(stored: I) -> Self {
                stored.copied().product()
            }
        }
    )*};
}
pub(crate) use plain;

/// Implements `Scalar` for floats that consist of the bits of an integer.
macro_rules! by_bits {
    ($number:ident: $bits:ident) => {
        impl crate::element::endian::sealed::Sealed for $number {}

        impl crate::element::endian::Scalar for $number {
            type Bytes = [u8; size_of::<$bits>()];

            #[inline(always)]
            fn decode<E: ::byteorder::ByteOrder>(bytes: Self::Bytes) -> Self {
                Self::from_bits(<$bits as crate::element::endian::Scalar>::decode::<E>(bytes))
            }

            #[inline(always)]
            fn encode<E: ::byteorder::ByteOrder>(self) -> Self::Bytes {
                crate::element::endian::Scalar::encode::<E>(self.to_bits())
            }
        }
    };
}
pub(crate) use by_bits;

/// Implements `Scalar` for types that are arrays of bytes in the machine's byte order.
macro_rules! by_bytes {
    ($name:ident: $size:literal) => {
        impl crate::element::endian::sealed::Sealed for $name {}

        impl crate::element::endian::Scalar for $name {
            type Bytes = [u8; $size];

            #[inline(always)]
            fn decode<E: ::byteorder::ByteOrder>(mut bytes: Self::Bytes) -> Self {
                use crate::element::endian::endianness;
                if endianness::<E>() != endianness::<::byteorder::NativeEndian>() {
                    bytes.reverse();
                }
                Self(bytes)
            }

            #[inline(always)]
            fn encode<E: ::byteorder::ByteOrder>(self) -> Self::Bytes {
                Self::decode::<E>(self.0).0
            }
        }
    };
}
pub(crate) use by_bytes;

macro_rules! bytes {
    ($($number:ty)*) => {$(
        impl sealed::Sealed for $number {}
        impl Scalar for $number {
            type Bytes = [u8; 1];

            #[inline(always)]
            fn decode<E: ByteOrder>(bytes: [u8; 1]) -> Self {
                Self::from_ne_bytes(bytes)
            }

            #[inline(always)]
            fn encode<E: ByteOrder>(self) -> [u8; 1] {
                self.to_ne_bytes()
            }
        }
    )*};
}
bytes!(i8 u8);

macro_rules! numbers {
    ($($number:ty: $read:ident $write:ident),*) => {$(
        impl sealed::Sealed for $number {}
        impl Scalar for $number {
            type Bytes = [u8; size_of::<$number>()];

            #[inline(always)]
            fn decode<E: ByteOrder>(bytes: Self::Bytes) -> Self {
                E::$read(&bytes)
            }

            #[inline(always)]
            fn encode<E: ByteOrder>(self) -> Self::Bytes {
                let mut bytes = [0; size_of::<$number>()];
                E::$write(&mut bytes, self);
                bytes
            }
        }
    )*};
}
numbers! {
    i16: read_i16 write_i16, i32: read_i32 write_i32, i64: read_i64 write_i64,
    u16: read_u16 write_u16, u32: read_u32 write_u32, u64: read_u64 write_u64,
    f32: read_f32 write_f32, f64: read_f64 write_f64
}

plain!(i8 i16 i32 i64 u8 u16 u32 u64 f32 f64);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtype::Kind;
    use std::collections::HashSet;

    #[test]
    fn the_order_is_that_of_the_type_on_every_machine() {
        assert_eq!(Be::new(0x0102_0304_u32).to_bytes(), [1, 2, 3, 4]);
        assert_eq!(Le::new(0x0102_0304_u32).to_bytes(), [4, 3, 2, 1]);
        assert_eq!(Be::new(-2_i64).to_bytes(), [255, 255, 255, 255, 255, 255, 255, 254]);
        assert_eq!(Be::new(1.0_f64).to_bytes(), [0x3f, 0xf0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(Le::<f32>::from_bytes([0, 0, 0x80, 0x3f]).get(), 1.0);
        assert_eq!((Be::new(-3_i8).to_bytes(), Le::new(7_u8).get()), ([253], 7));
    }

    #[test]
    fn it_has_the_size_of_the_number_and_no_alignment() {
        assert_eq!((size_of::<Be<f64>>(), align_of::<Be<f64>>()), (8, 1));
        assert_eq!((size_of::<Le<i16>>(), align_of::<Le<i16>>()), (2, 1));
        assert_eq!(Be::<f64>::dtype().alignment(), 1);
    }

    #[test]
    fn every_bit_comes_back() {
        for bits in [0x7ff0_0000_0000_0001, 0xfff8_dead_beef_0000, 1, u64::MAX] {
            let nan = f64::from_bits(bits);
            assert_eq!(Be::<f64>::from_bytes(bits.to_be_bytes()).to_bytes(), bits.to_be_bytes());
            assert_eq!(Be::new(nan).get().is_nan(), nan.is_nan());
            assert_eq!(Be::new(bits).get(), bits);
            assert_eq!(Le::new(bits).get(), bits);
        }
    }

    #[test]
    fn dtypes_name_the_order_and_single_bytes_have_none() {
        assert_eq!(Be::<i32>::dtype().kind(), &Kind::Int { size: 4, order: Endianness::Big });
        assert_eq!(Le::<u16>::dtype().kind(), &Kind::UInt { size: 2, order: Endianness::Little });
        assert_eq!(Be::<u8>::dtype(), u8::dtype());
        assert_eq!(<[Be<f32>; 3]>::dtype().itemsize(), 12);
    }

    #[test]
    fn values_are_compared_and_not_bytes() {
        assert_eq!(Be::new(5_u16), Le::new(5_u16));
        assert_eq!(Be::new(5_u16), 5);
        assert!(Be::new(256_u16) > Be::new(2_u16));
        assert!(Le::new(-1_i32) < Le::new(1_i32));
        assert!(Be::new(f64::NAN) != Be::new(f64::NAN));
        assert_eq!(Be::new(-0.0_f32), 0.0);
        assert_eq!(Be::new(3_u8).max(Be::new(4)), 4);
        assert_eq!([Be::new(1_i64), Be::new(1)].into_iter().collect::<HashSet<_>>().len(), 1);
    }

    #[test]
    fn arithmetic_gives_plain_numbers() {
        let (a, b) = (Be::new(7.0_f64), Le::new(2.0_f64));
        assert_eq!((a + b, a - 2.0, a * b, a / b, a % b, -a), (9.0, 5.0, 14.0, 3.5, 1.0, -7.0));
        let mut count = Be::new(40_u32);
        count += 2;
        count -= Le::new(1);
        assert_eq!(count.to_bytes(), [0, 0, 0, 41]);
        assert_eq!([Be::new(2_i32), Be::new(3)].iter().sum::<i32>(), 5);
        assert_eq!([Be::new(2_i32), Be::new(3)].into_iter().product::<i32>(), 6);
        assert_eq!(u16::from(Be::new(9_u16)), 9);
    }

    #[test]
    fn text_is_that_of_the_value() {
        assert_eq!(
            format!("{:>6.2}|{:?}|{:e}", Be::new(1.5_f32), Le::new(1.5_f64), Be::new(1500.0_f64)),
            "  1.50|1.5|1.5e3"
        );
        assert_eq!(format!("{:#x} {:b}", Be::new(255_u16), Le::new(5_u8)), "0xff 101");
        assert_eq!("12".parse::<Be<i16>>(), Ok(Be::new(12)));
    }
}
