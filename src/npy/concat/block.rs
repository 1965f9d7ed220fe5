//! The array types of the files of a concatenation.

use crate::access::{Load, ReadOnly, Shared, Stable};
use crate::array::{MmapArray, SharedArray};
use crate::dtype::DType;
use crate::dynamic::SharedDynArray;
use crate::error::Result;
use crate::shape::Order;
use crate::view::ArrayView;
use std::ops::Range;

/// The array type of a single file of a [`Concat`](super::Concat): [`SharedArray<T>`](SharedArray), [`SharedDynArray`]
/// or [`MmapArray<T>`](MmapArray). The trait is sealed.
pub trait Block: sealed::Block {}

/// A [`Block`] of elements of a Rust type: [`SharedArray<T>`](SharedArray) or [`MmapArray<T>`](MmapArray). The trait is
/// sealed.
pub trait TypedBlock: Block {
    /// The type of the elements.
    type Element;

    /// The mode of the views.
    type Mode: Load<Self::Element>;

    /// Calls `f` with a view of a range of the rows, and then checks whether any of them were lost.
    #[doc(hidden)]
    fn read_rows<R>(
        &self,
        rows: Range<usize>,
        f: impl FnOnce(ArrayView<'_, Self::Element, Self::Mode>) -> R,
    ) -> Result<R>;

    /// Returns the element at an index, or `None` if the index is outside the shape.
    #[doc(hidden)]
    fn element(&self, index: &[usize]) -> Result<Option<Self::Element>>;
}

pub(super) mod sealed {
    use super::{DType, Order, Range, Result};

    pub trait Block: Clone {
        /// Whether an array keeps its file open.
        const KEEPS_FILE: bool;

        fn shape(&self) -> &[usize];

        fn order(&self) -> Order;

        /// Returns the dtype, unless it is that of a type.
        fn dtype(&self) -> Option<&DType>;

        /// Returns a range of the rows over the same map.
        fn into_rows(self, rows: Range<usize>) -> Result<Self>;
    }
}

/// Implements the methods by the inherent ones of the same names.
macro_rules! described {
    () => {
        fn shape(&self) -> &[usize] {
            self.shape()
        }

        fn order(&self) -> Order {
            self.order()
        }
    };
}

impl<T> Block for SharedArray<T> {}
impl<T> sealed::Block for SharedArray<T> {
    const KEEPS_FILE: bool = true;

    described!();

    fn dtype(&self) -> Option<&DType> {
        None
    }

    fn into_rows(self, rows: Range<usize>) -> Result<Self> {
        Ok(self.into_rows(rows))
    }
}

impl<T> TypedBlock for SharedArray<T>
where
    Shared: Load<T>,
{
    type Element = T;
    type Mode = Shared;

    fn read_rows<R>(&self, rows: Range<usize>, f: impl FnOnce(ArrayView<'_, T, Shared>) -> R) -> Result<R> {
        // Of a part, only its own rows are checked.
        if rows.len() == self.shape()[0] { self.read(f) } else { self.clone().into_rows(rows).read(f) }
    }

    fn element(&self, index: &[usize]) -> Result<Option<T>> {
        self.get(index)
    }
}

impl Block for SharedDynArray {}
impl sealed::Block for SharedDynArray {
    const KEEPS_FILE: bool = true;

    described!();

    fn dtype(&self) -> Option<&DType> {
        Some(self.dtype())
    }

    fn into_rows(self, rows: Range<usize>) -> Result<Self> {
        Ok(self.into_rows(rows))
    }
}

impl<T> Block for MmapArray<T> {}
impl<T> sealed::Block for MmapArray<T> {
    const KEEPS_FILE: bool = false;

    described!();

    fn dtype(&self) -> Option<&DType> {
        None
    }

    fn into_rows(self, rows: Range<usize>) -> Result<Self> {
        if rows.len() == self.shape()[0] { Ok(self) } else { Ok(self.into_rows(rows)?) }
    }
}

impl<T> TypedBlock for MmapArray<T>
where
    ReadOnly: Stable<T>,
{
    type Element = T;
    type Mode = ReadOnly;

    fn read_rows<R>(&self, rows: Range<usize>, f: impl FnOnce(ArrayView<'_, T, ReadOnly>) -> R) -> Result<R> {
        Ok(f(self.rows(rows)))
    }

    fn element(&self, index: &[usize]) -> Result<Option<T>> {
        Ok(self.view().get(index))
    }
}
