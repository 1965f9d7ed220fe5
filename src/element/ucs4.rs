//! NumPy's `U`.

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
/// Zeros at the end are not part of the text. A file may hold any 32 bits: surrogates, of which NumPy stores single
/// ones without complaint, and numbers that are no characters at all; all of them come and go unchanged, and are told
/// where characters are asked for. Texts are equal, ordered and hashed by their units, whatever their `N`.
///
/// `Be<Ucs4<N>>` and `Le<Ucs4<N>>` are the same in the byte order of a file: see [`Endian`](crate::element::Endian).
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
    /// `<UN` or `>UN`, by the machine.
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
    /// The text.
    ///
    /// # Errors
    ///
    /// [`InvalidValue`](crate::ErrorKind::InvalidValue) for more than `N` characters, zeros at the end not counted.
    /// NumPy cuts such text off.
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

    /// The text as numbers, without the zeros at its end.
    #[must_use]
    pub fn units(&self) -> &[u32] {
        trimmed(&self.0)
    }

    /// The characters, and in their places the numbers that are none: surrogates and what is above `0x10ffff`.
    ///
    /// ```
    /// let text = mmap_array::element::Ucs4::from(['a'.into(), 0xd800, 0]);
    /// assert!(text.chars().eq([Ok('a'), Err(0xd800)]));
    /// ```
    pub fn chars(&self) -> impl DoubleEndedIterator<Item = Result<char, u32>> + ExactSizeIterator + Clone + '_ {
        self.units().iter().map(|&unit| char::from_u32(unit).ok_or(unit))
    }

    /// The text, where it is all characters. `to_string` puts `�` for what is none.
    ///
    /// # Errors
    ///
    /// [`InvalidValue`](crate::ErrorKind::InvalidValue), which names the number that is no character.
    ///
    /// ```
    /// let text = mmap_array::element::Ucs4::from(['a'.into(), 0xd800, 0]);
    /// assert!(text.try_to_string().is_err());
    /// assert_eq!(text.to_string(), "a\u{fffd}");
    /// ```
    pub fn try_to_string(&self) -> Result<String> {
        let text: Result<String, u32> = self.chars().collect();
        text.map_err(|unit| Error::invalid_value(format!("{unit:#x} in {self:?} is no character")))
    }

    /// All `N` numbers, those at the end too.
    #[must_use]
    pub fn to_array(self) -> [u32; N] {
        self.0
    }
}

/// Empty text.
impl<const N: usize> Default for Ucs4<N> {
    fn default() -> Self {
        Self([0; N])
    }
}

/// Any numbers, characters or not.
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

/// The text, with `�` for what is no character; `{:-}` as NumPy shows it in arrays, `'abc'`.
impl<const N: usize> fmt::Display for Ucs4<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.sign_minus() {
            return fmt::Debug::fmt(self, f);
        }
        let text: String = self.chars().map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        f.pad(&text)
    }
}

/// As Python shows text: `'abc\n'`, a single surrogate as `'\ud800'`.
impl<const N: usize> fmt::Debug for Ucs4<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_marked(f, Mark::Quoted, |f| f.write_str(&units_repr(self.units())))
    }
}
