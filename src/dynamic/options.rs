//! The builders' traits for elements of a [`DType`].

use super::DynArray;
use crate::access::StableMode;
use crate::array::elements::{Elements, Layout, sealed};
use crate::dtype::DType;
use crate::error::Result;
use crate::region::Region;

impl sealed::Described for DType {
    const STRIDED: bool = true;

    fn name(&self, _: &Layout) -> String {
        self.to_string()
    }

    fn check_offset(&self, _: u64, _: u64) -> Result<()> {
        Ok(())
    }
}

impl sealed::Sized for DType {
    fn size(&self) -> usize {
        self.itemsize()
    }
}

impl<A: StableMode> Elements<A> for DType {
    type Array = DynArray<A>;

    fn array(&self, region: Region, layout: Layout) -> Result<DynArray<A>> {
        let axes = layout.axes();
        // A format may have made axes of those that elements have within.
        DynArray::strided(region, layout.dtype.unwrap_or_else(|| self.clone()), axes, layout.order)
    }
}
