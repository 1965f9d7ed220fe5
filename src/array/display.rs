//! Formatting of arrays as text, through their views.

use super::MmapArray;
use crate::access::{ReadOnly, Stable};
use crate::element::Element;
use crate::view::display::{debug, display};
use std::fmt::{self, Debug, Display};

/// Formats the array as `print(arr)` does in NumPy: with brackets, aligned columns, and `...` in the middle of more
/// than 1000 elements, of which only the displayed ones are read. `{:.3}` sets the number of digits after the decimal
/// point, like `np.set_printoptions(precision=3)`.
///
/// Each [`Element`] type determines how its values are printed. Records are printed in parentheses, as their dtype
/// describes them.
///
/// ```
/// let mut grid = mmap_array::MmapArrayMut::<f32>::anonymous([2, 3])?;
/// grid[[1, 2]] = -0.5;
/// assert_eq!(grid.to_string(), "[[ 0.   0.   0. ]\n [ 0.   0.  -0.5]]");
/// # Ok::<(), mmap_array::Error>(())
/// ```
///
/// ```
/// # #[cfg(feature = "derive")] {
/// # use bytemuck::{Pod, Zeroable};
/// use mmap_array::{element::Bytes, Be, MmapArrayMut, Record};
/// #[derive(Clone, Copy, Zeroable, Pod, Record)]
/// #[repr(C, packed)]
/// struct Trade { tag: Bytes<2>, px: Be<f32> }
///
/// let mut trades = MmapArrayMut::<Trade>::anonymous(2)?;
/// trades[0] = Trade { tag: Bytes::new("AA")?, px: 2.5.into() };
/// assert_eq!(trades.to_string(), "[(b'AA', 2.5) (b'', 0. )]");
/// # }
/// # Ok::<(), mmap_array::Error>(())
/// ```
impl<T: Element, A: Stable<T>> Display for MmapArray<T, A>
where
    ReadOnly: Stable<T>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(&self.view(), f)
    }
}

/// Formats the array as `repr(arr)` does in NumPy, with Rust's name of the element type.
///
/// ```
/// let grid = mmap_array::MmapArrayMut::<u16>::anonymous([2, 3])?;
/// assert_eq!(format!("{grid:?}"), "MmapArray([[0, 0, 0],\n           [0, 0, 0]], dtype=u16)");
/// # Ok::<(), mmap_array::Error>(())
/// ```
impl<T: Debug + 'static, A: Stable<T>> Debug for MmapArray<T, A>
where
    ReadOnly: Stable<T>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug(&self.view(), "MmapArray(", f)
    }
}
