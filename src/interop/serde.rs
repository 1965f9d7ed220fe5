//! Descriptions of arrays in the formats of [serde](::serde).
//!
//! A dtype and a header are written as their texts, which NumPy reads too. They are read back by the parsers that read
//! files, and therefore under the same limits, whatever the text is. Writing a dtype that could not be read back is an
//! error.

use crate::dtype::{DType, Endianness, TimeUnit};
use crate::npy::Header;
use crate::shape::Order;
use serde::de::{self, Deserialize, Deserializer, EnumAccess, Unexpected, VariantAccess, Visitor};
use serde::ser::{self, Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

/// Serializes a dtype as its [`Display`](fmt::Display) text: a string such as `">f8"` or
/// `"[('id', '<u4'), ('pos', '>f4', (3,))]"`.
///
/// Requires the `serde` feature.
///
/// # Errors
///
/// Returns an error if the dtype cannot be read back from its text, which is the case for a size that NumPy does not
/// have.
///
/// ```
/// use mmap_array::DType;
/// let dtype: DType = serde_json::from_str(r#""[('id', '<u4'), ('px', '>f8')]""#)?;
/// assert_eq!(dtype.field("px")?.0, 4);
/// assert_eq!(serde_json::to_string(&dtype)?, r#""[('id', '<u4'), ('px', '>f8')]""#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl Serialize for DType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_text(self, DType::eq, serializer)
    }
}

/// Deserializes a dtype from its text, like its [`FromStr`] implementation.
///
/// Requires the `serde` feature.
impl<'de> Deserialize<'de> for DType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text("the text of a NumPy dtype", PhantomData))
    }
}

/// Serializes a header as its [`Display`](fmt::Display) text, a dict of the dtype, the order and the shape. The version
/// of the format and the alignment belong to the file and are not included.
///
/// Requires the `serde` feature.
///
/// # Errors
///
/// Returns an error if NumPy would not write the header's dtype: see [`Header::to_bytes`].
///
/// ```
/// use mmap_array::{Element, Order, npy::Header};
/// let header = Header::new(u8::dtype(), [3], Order::C)?;
/// let json = serde_json::to_string(&header)?;
/// assert_eq!(json, r#""{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }""#);
/// assert_eq!(serde_json::from_str::<Header>(&json)?, header);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl Serialize for Header {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let same = |a: &Self, b: &Self| (a.dtype(), a.order(), a.shape()) == (b.dtype(), b.order(), b.shape());
        serialize_text(self, same, serializer)
    }
}

/// Deserializes a header from its dict, like its [`FromStr`] implementation. The version is the one that NumPy would
/// choose, and the elements begin at a multiple of 64 bytes.
///
/// Requires the `serde` feature.
impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text("the dict of a `.npy` header", PhantomData))
    }
}

/// Serializes a value as its text, if the same value is read back from it.
fn serialize_text<T, S>(value: &T, same: impl Fn(&T, &T) -> bool, serializer: S) -> Result<S::Ok, S::Error>
where
    T: fmt::Display + FromStr<Err: fmt::Display>,
    S: Serializer,
{
    let text = value.to_string();
    match text.parse() {
        Ok(read) if same(&read, value) => serializer.serialize_str(&text),
        Ok(_) => Err(ser::Error::custom(format_args!("{text} would be read back as a different value"))),
        Err(error) => Err(ser::Error::custom(format_args!("{text} could not be read back: {error}"))),
    }
}

/// A visitor that parses a text. The first field says what is expected.
struct Text<T>(&'static str, PhantomData<fn() -> T>);

impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

/// A variant of an enum, read by its name, or by its position in formats without names.
struct Name<E>(E);

/// A visitor that reads the name of a variant of a plain enum.
struct NameVisitor<E>(PhantomData<fn() -> E>);

/// A visitor that reads a variant of a plain enum.
struct VariantVisitor<E>(PhantomData<fn() -> E>);

/// An enum whose variants have no fields.
trait Plain: Copy + PartialEq + 'static {
    const NAME: &'static str;
    const VARIANTS: &'static [Self];
    const NAMES: &'static [&'static str];
}

impl<E: Plain> Visitor<'_> for NameVisitor<E> {
    type Value = Name<E>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a variant")
    }

    fn visit_u64<R: de::Error>(self, place: u64) -> Result<Name<E>, R> {
        let variant = usize::try_from(place).ok().and_then(|place| E::VARIANTS.get(place));
        variant.map(|&variant| Name(variant)).ok_or_else(|| R::invalid_value(Unexpected::Unsigned(place), &self))
    }

    fn visit_str<R: de::Error>(self, name: &str) -> Result<Name<E>, R> {
        let variant = E::NAMES.iter().position(|&known| known == name).map(|place| E::VARIANTS[place]);
        variant.map(Name).ok_or_else(|| R::unknown_variant(name, E::NAMES))
    }

    fn visit_bytes<R: de::Error>(self, name: &[u8]) -> Result<Name<E>, R> {
        match std::str::from_utf8(name) {
            Ok(name) => self.visit_str(name),
            Err(_) => Err(R::invalid_value(Unexpected::Bytes(name), &self)),
        }
    }
}

impl<'de, E: Plain> Deserialize<'de> for Name<E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_identifier(NameVisitor(PhantomData))
    }
}

impl<'de, E: Plain> Visitor<'de> for VariantVisitor<E> {
    type Value = E;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a variant of {}", E::NAME)
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<E, A::Error> {
        let (Name(variant), rest) = data.variant::<Name<E>>()?;
        rest.unit_variant()?;
        Ok(variant)
    }
}

macro_rules! plain {
    ($($name:ident: $($variant:ident)*;)*) => {$(
        impl Plain for $name {
            const NAME: &'static str = stringify!($name);
            const VARIANTS: &'static [Self] = &[$(Self::$variant),*];
            const NAMES: &'static [&'static str] = &[$(stringify!($variant)),*];
        }

        /// Serializes the variant by its name, like serde's derive.
        ///
        /// Requires the `serde` feature.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                // One that is not in the list does not compile.
                let name = match self {
                    $(Self::$variant => stringify!($variant),)*
                };
                let place = Self::VARIANTS.iter().take_while(|variant| *variant != self).count();
                serializer.serialize_unit_variant(Self::NAME, place as u32, name)
            }
        }

        /// Deserializes the name of a variant, like serde's derive.
        ///
        /// Requires the `serde` feature.
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_enum(Self::NAME, Self::NAMES, VariantVisitor(PhantomData))
            }
        }
    )*};
}

plain! {
    Order: C F;
    Endianness: Little Big;
    TimeUnit: Year Month Week Day Hour Minute Second Millisecond Microsecond Nanosecond Picosecond Femtosecond
        Attosecond Generic;
}
