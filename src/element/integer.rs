//! Integers of 3, 5, 6 and 7 bytes.
//!
//! Audio samples of 24 bits, the outputs of many analog-to-digital converters, and fields of packed records have these
//! sizes. NumPy has no dtype for them, so their dtype is opaque bytes, `V3`. They have no arithmetic of their own: each
//! converts to the next wider integer of Rust, through which views compute sums, extremes and conversions.

use super::{Element, scalar};
use crate::dtype::{DType, Kind};
use crate::element::endian::{self, Endian};
use crate::element::item::Stored;
use crate::element::number::{self, Number, Ordered};
use crate::element::series::Series;
use crate::error::Error;
use crate::print::{Item, PrintOptions, Wide};
use bytemuck::{Pod, Zeroable};
use byteorder::{ByteOrder, NativeEndian};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// The name, the size, the next wider integer, and the functions that read it, convert it to another number and sum it.
macro_rules! integers {
    ($(
        $name:ident $size:literal $dtype:literal $wide:ident $read:ident $signed:literal $to:ident $sum:ident:
        $($narrow:ident)*;
    )*) => {$(
        #[doc = concat!($signed, " integer of ", $size, " bytes in the machine's byte order, at any")]
        #[doc = concat!("alignment. Its NumPy dtype is opaque bytes, `", $dtype, "`.")]
        ///
        #[doc = concat!("Files mostly contain [`Le<", stringify!($name), ">`](crate::Le) or")]
        #[doc = concat!("[`Be<", stringify!($name), ">`](crate::Be). It is compared, ordered, hashed and printed by")]
        #[doc = concat!("value, and [`get`](Self::get) returns the value as `", stringify!($wide), "`.")]
        ///
        /// ```
        #[doc = concat!("use mmap_array::{ArrayView, Be, ErrorKind, element::", stringify!($name), "};")]
        #[doc = concat!("let mut file = [0_u8; 2 * ", $size, "];")]
        /// file[file.len() - 1] = 7;
        #[doc = concat!("type Integer = ", stringify!($name), ";")]
        /// let view = ArrayView::from_slice(&file, file.len())?.view_as::<Be<Integer>>()?;
        #[doc = concat!("assert_eq!(view.to_vec_as::<", stringify!($wide), ">(), [0, 7]);")]
        /// assert_eq!((view.to_string(), view.sum(), view.at([1]).get().get()), ("[0 7]".into(), 7, 7));
        #[doc = concat!("assert_eq!(Integer::try_from(7_", stringify!($wide), ")?, Integer::from(7_u8));")]
        #[doc = concat!("let error = Integer::try_from(", stringify!($wide), "::MAX).unwrap_err();")]
        /// assert_eq!(error.kind(), ErrorKind::InvalidValue);
        /// # Ok::<(), mmap_array::Error>(())
        /// ```
        #[derive(Clone, Copy, Default)]
        #[repr(transparent)]
        pub struct $name([u8; $size]);

        // SAFETY: transparent over an array of bytes.
        unsafe impl Zeroable for $name {}
        // SAFETY: as above; `Copy` and 'static.
        unsafe impl Pod for $name {}

        impl $name {
            /// The size of this integer type in bits.
            pub const BITS: u32 = 8 * $size;

            /// The smallest value of this integer type.
            pub const MIN: Self = Self::of_low_bytes($wide::MIN >> ($wide::BITS - Self::BITS));

            /// The largest value of this integer type.
            pub const MAX: Self = Self::of_low_bytes($wide::MAX >> ($wide::BITS - Self::BITS));

            /// Returns the value.
            #[inline(always)]
            #[must_use]
            pub fn get(self) -> $wide {
                NativeEndian::$read(&self.0, $size) as $wide
            }

            /// Returns the integer of the lowest bytes of a value, as `as` does.
            #[inline(always)]
            const fn of_low_bytes(value: $wide) -> Self {
                let (bytes, mut low) = (value.to_le_bytes(), [0; $size]);
                let mut index = 0;
                while index < $size {
                    low[if cfg!(target_endian = "big") { $size - 1 - index } else { index }] = bytes[index];
                    index += 1;
                }
                Self(low)
            }
        }

        #[doc = concat!("`|", $dtype, "`: NumPy has no integers of this size.")]
        // The compiler names a few types, and these are rare.
        #[diagnostic::do_not_recommend]
        impl Element for $name {
            fn dtype() -> DType {
                scalar(Kind::Void { len: $size }, align_of::<Self>())
            }

            fn item(stored: &Stored<'_>, in_array: bool, options: &PrintOptions) -> Item {
                match stored.get::<Self>() {
                    Some(integer) => Item::Int(integer.get().into()),
                    None => stored.item(in_array, options),
                }
            }
        }

        endian::by_bytes!($name: $size);
        endian::plain!(from $name);

        impl From<$name> for $wide {
            fn from(integer: $name) -> Self {
                integer.get()
            }
        }

        impl<E: ByteOrder> From<Endian<$name, E>> for $wide {
            fn from(stored: Endian<$name, E>) -> Self {
                stored.get().get()
            }
        }

        /// Converts a value, if it fits.
        ///
        /// # Errors
        ///
        /// Returns [`InvalidValue`](crate::ErrorKind::InvalidValue) if the value does not fit.
        impl TryFrom<$wide> for $name {
            type Error = Error;

            fn try_from(value: $wide) -> Result<Self, Error> {
                match Self::of_low_bytes(value) {
                    integer if integer.get() == value => Ok(integer),
                    _ => Err(Error::invalid_value(format!(
                        "{value} does not fit in the {} bits of `{}`, {} to {}",
                        Self::BITS,
                        stringify!($name),
                        Self::MIN,
                        Self::MAX
                    ))),
                }
            }
        }

        $(
            impl From<$narrow> for $name {
                fn from(value: $narrow) -> Self {
                    Self::of_low_bytes(value.into())
                }
            }
        )*

        impl PartialEq for $name {
            #[inline]
            fn eq(&self, other: &Self) -> bool {
                self.get() == other.get()
            }
        }

        impl Eq for $name {}

        impl PartialOrd for $name {
            #[inline]
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $name {
            #[inline]
            fn cmp(&self, other: &Self) -> Ordering {
                self.get().cmp(&other.get())
            }
        }

        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.get().hash(state);
            }
        }

        /// Formats the value.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.get(), f)
            }
        }

        /// Formats the value.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.get(), f)
            }
        }

        impl number::sealed::Sealed for $name {}

        impl Number for $name {
            type Sum = $sum;
            type Mean = f64;
            const ZERO: $sum = 0;

            #[inline(always)]
            fn add(a: $sum, b: $sum) -> $sum {
                a + b
            }

            #[inline(always)]
            fn sum_run(len: usize, run: impl Series<Self>) -> $sum {
                $wide::sum_run(len, run.map(Self::get))
            }

            #[inline(always)]
            fn mean_run(len: usize, run: impl Series<Self>) -> f64 {
                $wide::mean_run(len, run.map(Self::get))
            }

            number::delegated_lanes!($wide, Self::get);

            #[inline(always)]
            fn to_number<T: Number>(self) -> T {
                T::$to(self.get())
            }

            integers! {
                $wide: of_i8 i8, of_i16 i16, of_i32 i32, of_i64 i64, of_u8 u8, of_u16 u16, of_u32 u32, of_u64 u64
            }

            integers! { $wide clamped: of_f32 f32, of_f64 f64 }

            #[inline(always)]
            fn of_wide(number: Wide) -> Self {
                Self::of_low_bytes($wide::of_wide(number).clamp(Self::MIN.get(), Self::MAX.get()))
            }
        }

        impl Ordered for $name {
            type Native = $wide;
            const PLAIN: bool = true;

            #[inline(always)]
            fn native(self) -> $wide {
                self.get()
            }

            #[inline(always)]
            fn from_native(native: $wide) -> Self {
                Self::of_low_bytes(native)
            }

            #[inline(always)]
            fn smaller(a: $wide, b: $wide) -> $wide {
                a.min(b)
            }

            #[inline(always)]
            fn larger(a: $wide, b: $wide) -> $wide {
                a.max(b)
            }

            #[inline(always)]
            fn is_same(a: $wide, b: $wide) -> bool {
                a == b
            }
        }
    )*};
    // As Rust's `as`: of integers the lowest bits.
    ($wide:ident: $($of:ident $number:ident),*) => {$(
        #[inline(always)]
        fn $of(number: $number) -> Self {
            Self::of_low_bytes(number as $wide)
        }
    )*};
    // As Rust's `as`: of floats the nearest.
    ($wide:ident clamped: $($of:ident $number:ident),*) => {$(
        #[inline(always)]
        fn $of(number: $number) -> Self {
            Self::of_low_bytes((number as $wide).clamp(Self::MIN.get(), Self::MAX.get()))
        }
    )*};
}

integers! {
    I24 3 "V3" i32 read_int "A signed" of_i32 i128: i8 u8 i16 u16;
    U24 3 "V3" u32 read_uint "An unsigned" of_u32 u128: u8 u16;
    I40 5 "V5" i64 read_int "A signed" of_i64 i128: i8 u8 i16 u16 i32 u32;
    U40 5 "V5" u64 read_uint "An unsigned" of_u64 u128: u8 u16 u32;
    I48 6 "V6" i64 read_int "A signed" of_i64 i128: i8 u8 i16 u16 i32 u32;
    U48 6 "V6" u64 read_uint "An unsigned" of_u64 u128: u8 u16 u32;
    I56 7 "V7" i64 read_int "A signed" of_i64 i128: i8 u8 i16 u16 i32 u32;
    U56 7 "V7" u64 read_uint "An unsigned" of_u64 u128: u8 u16 u32;
}
