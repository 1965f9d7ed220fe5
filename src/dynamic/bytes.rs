//! The bytes of views of any dtype, in C order and in chunks.

use super::view::DynView;
use crate::access::{Reading, Shared};
use crate::dtype::DType;
use crate::error::Result;
use crate::io::check_lost;
use crate::region::prefer_huge_pages;
use crate::shape::Order;
use crate::view::shaping::Shaped;
use crate::view::{ArrayView, RawView};

/// A view in any access mode, for code that writes its elements elsewhere.
pub trait AnyView {
    /// Returns the dtype of the elements.
    fn dtype(&self) -> &DType;

    /// Returns the number of elements along each axis.
    fn shape(&self) -> &[usize];

    /// Returns whether the elements are contiguous in Fortran order but not in C order: NumPy's `flags.fnc`.
    fn is_fortran(&self) -> bool;

    /// Calls `f` with the bytes of the elements in the given order, about `most` bytes at a time.
    fn for_each_chunk(&self, order: Order, most: usize, f: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()>;

    /// Checks that no element was lost while the view was read, before the written data are relied upon.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// A view of an array that may lose elements, with the check for it.
pub(crate) struct Checked<'a, C> {
    pub(crate) view: DynView<'a, Shared>,
    pub(crate) check: C,
}

impl<C: Fn() -> Result<()>> AnyView for Checked<'_, C> {
    fn dtype(&self) -> &DType {
        self.view.dtype()
    }

    fn shape(&self) -> &[usize] {
        self.view.shape()
    }

    fn is_fortran(&self) -> bool {
        AnyView::is_fortran(&self.view)
    }

    fn for_each_chunk(&self, order: Order, most: usize, f: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        AnyView::for_each_chunk(&self.view, order, most, f)
    }

    fn check(&self) -> Result<()> {
        (self.check)()
    }
}

impl<A: Reading> AnyView for DynView<'_, A> {
    fn dtype(&self) -> &DType {
        self.dtype()
    }

    fn shape(&self) -> &[usize] {
        self.shape()
    }

    fn is_fortran(&self) -> bool {
        let (turned, size) = (self.raw().clone().transposed(), self.dtype().itemsize());
        !self.raw().axes.is_contiguous(size) && turned.axes.is_contiguous(size)
    }

    fn for_each_chunk(&self, order: Order, most: usize, f: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        match order {
            Order::C => self.for_each_chunk(most, f),
            Order::F => self.t().for_each_chunk(most, f),
        }
    }

    fn check(&self) -> Result<()> {
        check_lost::<A>(self.raw(), self.dtype().itemsize())
    }
}

impl<'a, A: Reading> DynView<'a, A> {
    /// Calls `f` with the bytes of the elements in C order, about `most` bytes at a time.
    fn for_each_chunk(&self, most: usize, f: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        // A few sizes are copied by the processor's instructions for them.
        match self.dtype().itemsize() {
            0 => Ok(()),
            1 => self.elements::<u8>().for_each_chunk(most, f),
            2 => self.elements::<[u8; 2]>().for_each_chunk(most, f),
            4 => self.elements::<[u8; 4]>().for_each_chunk(most, f),
            8 => self.elements::<[u8; 8]>().for_each_chunk(most, f),
            16 => self.elements::<[u8; 16]>().for_each_chunk(most, f),
            _ => self.bytes()?.for_each_chunk(most, f),
        }
    }

    /// Returns the bytes of all elements in C order.
    pub(super) fn collect_bytes(&self) -> Vec<u8> {
        const MOST: usize = 1 << 16;
        if self.is_empty() {
            return Vec::new();
        }
        let mut bytes = Vec::with_capacity(self.len().saturating_mul(self.dtype().itemsize()));
        prefer_huge_pages(bytes.spare_capacity_mut());
        let chunks = self.for_each_chunk(MOST, |chunk| {
            bytes.extend_from_slice(chunk);
            Ok(())
        });
        if chunks.is_err() {
            // There was no room for one more axis.
            self.axis_iter(0).for_each(|part| bytes.extend(part.collect_bytes()));
        }
        bytes
    }

    /// Returns a view of the bytes of the elements, along one more axis.
    fn bytes(&self) -> Result<ArrayView<'a, u8, A>> {
        let (raw, size) = (self.raw(), self.dtype().itemsize());
        // Fewer axes than there may be, so that there is room for one more.
        let raw = RawView { axes: raw.axes.joined(), ptr: raw.ptr }.unpack(size, 1)?;
        // SAFETY: every element of the view is that many initialized bytes for 'a, by the contract of `from_raw`.
        Ok(unsafe { ArrayView::from_raw(raw) })
    }
}
