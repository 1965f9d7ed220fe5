//! Text of 32-bit characters: NumPy's `U`.

use super::text::{SHOWN, too_long, trimmed, units_repr};
use crate::dtype::{DType, Endianness, Kind};
use crate::element::endian::{self, Scalar};
use crate::element::item::{Mark, write_marked};
use crate::element::{Element, scalar};
use crate::error::{Error, Result};
use bytemuck::{Pod, Zeroable};
use byteorder::ByteOrder;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

/// Text of at most `N` characters of 32 bits each, in the machine's byte order: NumPy's `U`.
///
/// Trailing zeros are not part of the text. A file may contain any codes of 32 bits, including unpaired surrogates,
/// which NumPy also stores, and numbers that are not characters. They are preserved, and reported when characters are
/// requested. Texts are compared, ordered and hashed by their codes, regardless of `N`.
///
/// `Be<Ucs4<N>>` and `Le<Ucs4<N>>` are texts in an explicit byte order: see [`Endian`](crate::element::Endian).
///
/// ```
/// use mmap_array::{element::Ucs4, Be};
///
/// let text = Ucs4::<5>::new("naïf")?;
/// assert_eq!(text.units(), [0x6e, 0x61, 0xef, 0x66]);
/// assert_eq!((text.to_string().as_str(), format!("{text:?}").as_str()), ("naïf", "'naïf'"));
/// assert_eq!(Be::new(text).to_bytes()[2], [0, 0, 0, 0xef]);
/// # Ok::<(), mmap_array::Error>(())
/// ```
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Ucs4<const N: usize>([u32; N]);

// SAFETY: transparent over an array of integers.
unsafe impl<const N: usize> Zeroable for Ucs4<N> {}
// SAFETY: as above; `Copy` and 'static.
unsafe impl<const N: usize> Pod for Ucs4<N> {}

impl<const N: usize> Element for Ucs4<N> {
    /// Returns `<UN` or `>UN`, depending on the machine's byte order.
    fn dtype() -> DType {
        scalar(Kind::Ucs4 { len: N, order: Endianness::NATIVE }, align_of::<Self>())
    }
}

impl<const N: usize> endian::sealed::Sealed for Ucs4<N> {}

impl<const N: usize> Scalar for Ucs4<N> {
    type Bytes = [[u8; 4]; N];

    #[inline(always)]
    fn decode<E: ByteOrder>(bytes: Self::Bytes) -> Self {
        Self(bytes.map(u32::decode::<E>))
    }

    #[inline(always)]
    fn encode<E: ByteOrder>(self) -> Self::Bytes {
        self.0.map(u32::encode::<E>)
    }
}

impl<const N: usize> Ucs4<N> {
    /// Creates a text from a string.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidValue`](crate::ErrorKind::InvalidValue) if the text has more than `N` characters, not counting
    /// trailing zeros. NumPy truncates such a text.
    pub fn new(text: impl AsRef<str>) -> Result<Self> {
        let text = text.as_ref().trim_end_matches('\0');
        let mut units = [0; N];
        let mut room = units.iter_mut();
        for c in text.chars() {
            match room.next() {
                Some(unit) => *unit = c.into(),
                None => {
                    let start: String = text.chars().take(SHOWN).collect();
                    return Err(too_long(&start, text.chars().count(), "characters", N));
                }
            }
        }
        Ok(Self(units))
    }

    /// Returns the codes of the text without trailing zeros.
    #[must_use]
    pub fn units(&self) -> &[u32] {
        trimmed(&self.0)
    }

    /// Returns an iterator over the characters, with an error in place of each code that is not a character: surrogates
    /// and codes above `0x10ffff`.
    ///
    /// ```
    /// let text = mmap_array::element::Ucs4::from(['a'.into(), 0xd800, 0]);
    /// assert!(text.chars().eq([Ok('a'), Err(0xd800)]));
    /// ```
    pub fn chars(&self) -> impl DoubleEndedIterator<Item = Result<char, u32>> + ExactSizeIterator + Clone + '_ {
        self.units().iter().map(|&unit| char::from_u32(unit).ok_or(unit))
    }

    /// Returns the text as a `String`, if all its codes are characters. `to_string` replaces other codes by `�`.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidValue`](crate::ErrorKind::InvalidValue) with the first code that is not a character.
    ///
    /// ```
    /// let text = mmap_array::element::Ucs4::from(['a'.into(), 0xd800, 0]);
    /// assert!(text.try_to_string().is_err());
    /// assert_eq!(text.to_string(), "a\u{fffd}");
    /// ```
    pub fn try_to_string(&self) -> Result<String> {
        let text: Result<String, u32> = self.chars().collect();
        text.map_err(|unit| Error::invalid_value(format!("{unit:#x} in {self:?} is not a character")))
    }

    /// Returns all `N` codes, including trailing zeros.
    #[must_use]
    pub fn to_array(self) -> [u32; N] {
        self.0
    }
}

/// Returns an empty text.
impl<const N: usize> Default for Ucs4<N> {
    fn default() -> Self {
        Self([0; N])
    }
}

/// Converts any codes, whether they are characters or not.
impl<const N: usize> From<[u32; N]> for Ucs4<N> {
    fn from(units: [u32; N]) -> Self {
        Self(units)
    }
}

impl<const N: usize> From<Ucs4<N>> for [u32; N] {
    fn from(text: Ucs4<N>) -> Self {
        text.0
    }
}

impl<const N: usize> TryFrom<&str> for Ucs4<N> {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self> {
        Self::new(text)
    }
}

impl<const N: usize> FromStr for Ucs4<N> {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::new(text)
    }
}

impl<const N: usize, const M: usize> PartialEq<Ucs4<M>> for Ucs4<N> {
    fn eq(&self, other: &Ucs4<M>) -> bool {
        self.units() == other.units()
    }
}

impl<const N: usize> Eq for Ucs4<N> {}

impl<const N: usize, const M: usize> PartialOrd<Ucs4<M>> for Ucs4<N> {
    fn partial_cmp(&self, other: &Ucs4<M>) -> Option<Ordering> {
        Some(self.units().cmp(other.units()))
    }
}

impl<const N: usize> Ord for Ucs4<N> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.units().cmp(other.units())
    }
}

impl<const N: usize> Hash for Ucs4<N> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.units().hash(state);
    }
}

impl<const N: usize> PartialEq<str> for Ucs4<N> {
    fn eq(&self, other: &str) -> bool {
        self.chars().eq(other.trim_end_matches('\0').chars().map(Ok))
    }
}

impl<const N: usize> PartialEq<&str> for Ucs4<N> {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

/// Formats the text, with `�` for codes that are not characters, and with `{:-}` as NumPy prints it in arrays: `'abc'`.
impl<const N: usize> fmt::Display for Ucs4<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.sign_minus() {
            return fmt::Debug::fmt(self, f);
        }
        let text: String = self.chars().map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        f.pad(&text)
    }
}

/// Formats the text as Python's `repr`: `'abc\n'`, a lone surrogate as `'\ud800'`.
impl<const N: usize> fmt::Debug for Ucs4<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_marked(f, Mark::Quoted, |f| f.write_str(&units_repr(self.units())))
    }
}
