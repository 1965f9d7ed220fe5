//! Opaque bytes: NumPy's `V`.

use crate::dtype::{DType, Kind};
use crate::element::{Element, scalar};
use bytemuck::{Pod, Zeroable};
use std::fmt;

/// `N` opaque bytes: NumPy's `V`.
///
/// ```
/// use mmap_array::{element::Void, ArrayView};
/// let view = ArrayView::from_slice(b"ab\0\x01c\0", 6)?.view_as::<Void<3>>()?;
/// assert_eq!(view.at([1]).as_bytes(), b"\x01c\0");
/// assert_eq!(view.to_string(), r"[b'\x61\x62\x00' b'\x01\x63\x00']");
/// # Ok::<(), mmap_array::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Void<const N: usize>([u8; N]);

// SAFETY: transparent over an array of bytes.
unsafe impl<const N: usize> Zeroable for Void<N> {}
// SAFETY: as above; `Copy` and 'static.
unsafe impl<const N: usize> Pod for Void<N> {}

impl<const N: usize> Element for Void<N> {
    /// Returns `|VN`.
    fn dtype() -> DType {
        scalar(Kind::Void { len: N }, align_of::<Self>())
    }
}

impl<const N: usize> Void<N> {
    /// Returns all `N` bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; N] {
        &self.0
    }
}

/// Returns bytes of 0.
impl<const N: usize> Default for Void<N> {
    fn default() -> Self {
        Self([0; N])
    }
}

impl<const N: usize> From<[u8; N]> for Void<N> {
    fn from(bytes: [u8; N]) -> Self {
        Self(bytes)
    }
}

impl<const N: usize> From<Void<N>> for [u8; N] {
    fn from(void: Void<N>) -> Self {
        void.0
    }
}

impl<const N: usize> AsRef<[u8]> for Void<N> {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Formats the bytes as NumPy prints them, every byte in hexadecimal: `b'\x61\x00'`.
impl<const N: usize> fmt::Display for Void<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&super::text::hexadecimal(&self.0))
    }
}

/// Formats the bytes as `Display` does.
impl<const N: usize> fmt::Debug for Void<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
