//! Byte strings: NumPy's `S`.

use super::text::{Repr, SHOWN, too_long, trimmed};
use crate::dtype::{DType, Kind};
use crate::element::item::{Mark, write_marked};
use crate::element::{Element, scalar};
use crate::error::{Error, Result};
use bytemuck::{Pod, Zeroable};
use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::{FromStr, Utf8Error};

/// Text of at most `N` bytes, in the encoding of the file: NumPy's `S`.
///
/// Trailing zeros are not part of the text, as in NumPy; other zeros are. Texts are compared, ordered and hashed by
/// their bytes, regardless of `N`.
///
/// ```
/// use mmap_array::{element::Bytes, ArrayView};
///
/// let view = ArrayView::from_slice(b"abc\0de\0\0", 8)?.view_as::<Bytes<4>>()?;
/// assert_eq!(view.at([1]).as_bytes(), b"de");
/// assert_eq!(view.at([0]), "abc");
/// assert_eq!(view.to_string(), "[b'abc' b'de']");
/// assert_eq!(Bytes::<4>::new("fg")?.to_array(), *b"fg\0\0");
/// # Ok::<(), mmap_array::Error>(())
/// ```
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Bytes<const N: usize>([u8; N]);

// SAFETY: transparent over an array of bytes.
unsafe impl<const N: usize> Zeroable for Bytes<N> {}
// SAFETY: as above; `Copy` and 'static.
unsafe impl<const N: usize> Pod for Bytes<N> {}

impl<const N: usize> Element for Bytes<N> {
    /// Returns `|SN`.
    fn dtype() -> DType {
        scalar(Kind::Bytes { len: N }, align_of::<Self>())
    }
}

impl<const N: usize> Bytes<N> {
    /// Creates a text from a string in UTF-8 or from any bytes.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidValue`](crate::ErrorKind::InvalidValue) if the text has more than `N` bytes, not counting
    /// trailing zeros. NumPy truncates such a text.
    ///
    /// ```
    /// use mmap_array::{element::Bytes, ErrorKind};
    /// assert_eq!(Bytes::<5>::new("naïf")?.as_bytes().len(), 5);
    /// assert_eq!(Bytes::<4>::new("naïf").unwrap_err().kind(), ErrorKind::InvalidValue);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn new(text: impl AsRef<[u8]>) -> Result<Self> {
        let text = trimmed(text.as_ref());
        let mut bytes = [0; N];
        match bytes.get_mut(..text.len()) {
            Some(start) => start.copy_from_slice(text),
            None => return Err(too_long(&Repr(&text[..text.len().min(SHOWN)]), text.len(), "bytes", N)),
        }
        Ok(Self(bytes))
    }

    /// Returns the text without trailing zeros.
    ///
    /// ```
    /// assert_eq!(mmap_array::element::Bytes::from(*b"\0a\0\0").as_bytes(), b"\0a");
    /// ```
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        trimmed(&self.0)
    }

    /// Returns the text as a `str`, if it is UTF-8.
    ///
    /// # Errors
    ///
    /// Returns the error of [`std::str::from_utf8`] if the text is not UTF-8. `to_string` replaces invalid bytes by
    /// `�`.
    ///
    /// ```
    /// let text = mmap_array::element::Bytes::from([b'a', 0xff, 0]);
    /// assert!(text.to_str().is_err());
    /// assert_eq!(text.to_string(), "a\u{fffd}");
    /// ```
    pub fn to_str(&self) -> Result<&str, Utf8Error> {
        std::str::from_utf8(self.as_bytes())
    }

    /// Returns all `N` bytes, including trailing zeros.
    #[must_use]
    pub fn to_array(self) -> [u8; N] {
        self.0
    }
}

/// Returns an empty text.
impl<const N: usize> Default for Bytes<N> {
    fn default() -> Self {
        Self([0; N])
    }
}

impl<const N: usize> From<[u8; N]> for Bytes<N> {
    fn from(bytes: [u8; N]) -> Self {
        Self(bytes)
    }
}

impl<const N: usize> From<Bytes<N>> for [u8; N] {
    fn from(text: Bytes<N>) -> Self {
        text.0
    }
}

impl<const N: usize> TryFrom<&[u8]> for Bytes<N> {
    type Error = Error;

    fn try_from(text: &[u8]) -> Result<Self> {
        Self::new(text)
    }
}

impl<const N: usize> TryFrom<&str> for Bytes<N> {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self> {
        Self::new(text)
    }
}

impl<const N: usize> FromStr for Bytes<N> {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::new(text)
    }
}

impl<const N: usize> AsRef<[u8]> for Bytes<N> {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

/// Borrows the text as its bytes, which compare and hash as the text does, so that a map with keys of `Bytes` can be
/// searched by `&[u8]`.
impl<const N: usize> Borrow<[u8]> for Bytes<N> {
    fn borrow(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl<const N: usize, const M: usize> PartialEq<Bytes<M>> for Bytes<N> {
    fn eq(&self, other: &Bytes<M>) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl<const N: usize> Eq for Bytes<N> {}

impl<const N: usize, const M: usize> PartialOrd<Bytes<M>> for Bytes<N> {
    fn partial_cmp(&self, other: &Bytes<M>) -> Option<Ordering> {
        Some(self.as_bytes().cmp(other.as_bytes()))
    }
}

impl<const N: usize> Ord for Bytes<N> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl<const N: usize> Hash for Bytes<N> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl<const N: usize> PartialEq<[u8]> for Bytes<N> {
    fn eq(&self, other: &[u8]) -> bool {
        self.as_bytes() == trimmed(other)
    }
}

impl<const N: usize> PartialEq<&[u8]> for Bytes<N> {
    fn eq(&self, other: &&[u8]) -> bool {
        *self == **other
    }
}

impl<const N: usize, const M: usize> PartialEq<&[u8; M]> for Bytes<N> {
    fn eq(&self, other: &&[u8; M]) -> bool {
        *self == other[..]
    }
}

impl<const N: usize> PartialEq<str> for Bytes<N> {
    fn eq(&self, other: &str) -> bool {
        *self == *other.as_bytes()
    }
}

impl<const N: usize> PartialEq<&str> for Bytes<N> {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

/// Formats the text as UTF-8, with `�` for invalid bytes, and with `{:-}` as NumPy prints it in arrays: `b'abc'`.
impl<const N: usize> fmt::Display for Bytes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.sign_minus() {
            return fmt::Debug::fmt(self, f);
        }
        f.pad(&String::from_utf8_lossy(self.as_bytes()))
    }
}

/// Formats the text as Python's `repr` of bytes: `b'abc\x00'`.
impl<const N: usize> fmt::Debug for Bytes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_marked(f, Mark::Quoted, |f| Repr(self.as_bytes()).fmt(f))
    }
}
