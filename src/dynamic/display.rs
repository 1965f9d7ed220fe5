//! Elements printed by their dtype, where their type has no text of its own.

use crate::access::{Access, ReadOnly};
use crate::element::Element;
use crate::view::ArrayView;
use crate::view::named::described;
use std::fmt;

impl<'a, T: Element> ArrayView<'a, T>
where
    ReadOnly: Access<T>,
{
    /// The elements as NumPy prints them, of any type that has a dtype: `print(arr)` of records, which have no `Display`
    /// of their own.
    ///
    /// ```
    /// # #[cfg(feature = "derive")] {
    /// # use bytemuck::{Pod, Zeroable};
    /// use mmap_array::{ArrayView, Be, Bytes, Record};
    /// #[derive(Clone, Copy, Zeroable, Pod, Record)]
    /// #[repr(C, packed)]
    /// struct Trade { tag: Bytes<2>, px: Be<f32> }
    ///
    /// let trades = [Trade { tag: Bytes::new("AA")?, px: 2.5.into() }];
    /// assert_eq!(ArrayView::from_slice(&trades, 1)?.display().to_string(), "[(b'AA', 2.5)]");
    /// # }
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn display(&self) -> impl fmt::Display + use<'a, T> {
        Displayed(self.clone())
    }
}

/// A view that is printed by its elements' dtype.
struct Displayed<'a, T>(ArrayView<'a, T>);

impl<T: Element> fmt::Display for Displayed<'_, T>
where
    ReadOnly: Access<T>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let described = described::<T>();
        match described.as_ref().map(|dtype| self.0.to_dyn(dtype)) {
            Ok(Ok(view)) => fmt::Display::fmt(&view, f),
            // A type that tells a wrong dtype of itself.
            Ok(Err(error)) => fmt::Display::fmt(&error, f),
            Err(error) => fmt::Display::fmt(error, f),
        }
    }
}
