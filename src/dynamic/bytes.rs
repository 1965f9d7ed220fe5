//! The bytes of views: of any dtype, typed views among them, in C order and in pieces.

use super::view::DynView;
use crate::error::Result;
use crate::view::shaping::Shaped;
use crate::view::{ArrayView, RawView};

impl<'a> DynView<'a> {
    /// Calls `f` with the bytes of the elements, in C order, about `most` at a time.
    pub(crate) fn for_each_chunk(&self, most: usize, f: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
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

    /// The elements' bytes, as one more axis.
    fn bytes(&self) -> Result<ArrayView<'a, u8>> {
        let (raw, size) = (self.raw(), self.dtype().itemsize());
        // Fewer axes than there may be, so that there is room for one more.
        let raw = RawView { axes: raw.axes.joined(), ptr: raw.ptr }.unpack(size, 1)?;
        // SAFETY: every element of the view is that many initialised bytes, not written for 'a, by the contract of
        // `from_raw`.
        Ok(unsafe { ArrayView::from_raw(raw) })
    }

    /// Whether the elements lie one after another in Fortran order and not in C order as well: where NumPy's
    /// `flags.fnc` is.
    pub(crate) fn is_fortran(&self) -> bool {
        let (turned, size) = (self.raw().clone().transposed(), self.dtype().itemsize());
        !self.raw().axes.is_contiguous(size) && turned.axes.is_contiguous(size)
    }
}
