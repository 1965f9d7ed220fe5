//! The elements of a `.npy` file that cannot be mapped, for being compressed, read into memory from a stream.

use super::header::Header;
use super::open::{IN_ARCHIVE, check_end, shape_as};
use super::options::NpyOptions;
use crate::access::{Access, ReadWrite};
use crate::array::plan::{Elements, Plan};
use crate::array::{MmapArrayMut, Typed};
use crate::dynamic::DynArrayMut;
use crate::element::Element;
use crate::error::{Error, Result};
use crate::region::Region;
use crate::shape::{Dims, Order};
use std::io::{self, Read};
use std::marker::PhantomData;

impl NpyOptions {
    /// Reads the window's elements from a stream of `size` bytes, which begins with the header, and then the rest of it.
    pub(crate) fn read<T: Element>(self, stream: &mut impl Read, size: u64) -> Result<MmapArrayMut<T>>
    where
        ReadWrite: Access<T>,
    {
        let header = Header::read_limited(stream, self.max_header)?;
        let found = self.find(&header, &shape_as::<T>(&header)?, size_of::<T>())?;
        found.check_contiguous()?;
        let elements = Typed::<T>(PhantomData);
        let region = read_region(stream, size, &header, &elements, found.start, &found.dims)?;
        MmapArrayMut::from_region(region, found.dims, header.order())
    }

    /// As [`read`](Self::read), whatever the elements are.
    pub(crate) fn read_dyn(self, stream: &mut impl Read, size: u64) -> Result<DynArrayMut> {
        let header = Header::read_limited(stream, self.max_header)?;
        let dtype = header.dtype();
        let found = self.find(&header, header.shape(), dtype.itemsize())?;
        let (axes, span) = found.axes(header.order(), dtype.itemsize())?;
        let dims = if found.rows_of.is_some() { Dims::new(&[span])? } else { found.dims };
        let region = read_region(stream, size, &header, dtype, found.start, &dims)?;
        DynArrayMut::strided(region, dtype.clone(), axes, header.order())
    }
}

/// Memory with the elements from the element `start` on.
fn read_region(
    stream: &mut impl Read,
    size: u64,
    header: &Header,
    elements: &impl Elements,
    start: u64,
    dims: &Dims,
) -> Result<Region> {
    check_end(header, elements, header.data_offset(), size, IN_ARCHIVE)?;
    let failed = |source| Error::io("read the elements", source);
    let mut plan = Plan { order: Order::C, ..Plan::default() };
    plan.set_shape(&dims[..]);
    let (region, _) = plan.anonymous(elements)?;
    // Both are below the array's bytes, which were counted.
    io::copy(&mut stream.take(start * elements.size() as u64), &mut io::sink()).map_err(failed)?;
    if let Some(ptr) = region.as_ptr() {
        // SAFETY: the region is that many bytes of memory, zero and writable, of which nobody else knows yet.
        let bytes = unsafe { std::slice::from_raw_parts_mut(ptr, region.len()) };
        stream.read_exact(bytes).map_err(failed)?;
    }
    // What checks the stream does so at its end.
    io::copy(stream, &mut io::sink()).map_err(failed)?;
    Ok(region)
}
