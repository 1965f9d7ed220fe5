//! The builders' traits for elements of a [`DType`].

use super::bytes::AnyView;
use super::{DynArray, DynView};
use crate::access::{Reading, StableMode};
use crate::array::Options;
use crate::array::elements::{Elements, Layout, sealed};
use crate::dtype::DType;
use crate::error::{Error, Reason, Result};
use crate::io::CHUNK;
use crate::region::Region;
use crate::shape::Order;
use std::path::Path;

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
        let (first, axes) = (layout.before(), layout.axes());
        // A format may have made axes of those that elements have within.
        DynArray::strided(region, first, layout.dtype.unwrap_or_else(|| self.clone()), axes, layout.order)
    }
}

impl Options<DType> {
    /// Adds rows to the array in a raw file. See the [method of typed options](Options::append).
    ///
    /// # Errors
    ///
    /// The errors of the [method of typed options](Options::append), and
    /// [`DTypeMismatch`](crate::ErrorKind::DTypeMismatch) if the rows have another dtype.
    ///
    /// ```
    /// use mmap_array::{ArrayView, DynArray, Element};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("counts");
    /// std::fs::write(&path, [])?;
    /// let (options, dtype) = (DynArray::options(u16::dtype()), u16::dtype());
    /// assert_eq!(options.append(&path, &ArrayView::from(&[3_u16, 4]).to_dyn(&dtype)?)?, 2);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn append<A: Reading>(self, path: impl AsRef<Path>, rows: &DynView<'_, A>) -> Result<usize> {
        let (path, order) = (path.as_ref(), self.format.order());
        let (dtype, inner) = self.elements.flattened();
        let shape = || {
            if let Some((place, ..)) = dtype.first_difference(rows.dtype()) {
                let place = if place.is_empty() { String::new() } else { format!("; they first differ at {place:?}") };
                let text = format!("the rows have the dtype {}, but the array has {dtype}{place}", rows.dtype());
                return Err(Reason::DTypeMismatch(text).error());
            }
            let outer = rows.shape().strip_suffix(&inner[..]).ok_or_else(|| {
                Error::shape(format!(
                    "expected rows that end with the axes {inner:?} of the dtype, found {:?}",
                    rows.shape()
                ))
            })?;
            // The axes of the elements would have to stay behind the others.
            match order == Order::F && outer.len() > 1 && !inner.is_empty() {
                true => Err(Error::unsupported("cannot add rows of subarrays to an array in Fortran order")),
                false => Ok(outer),
            }
        };
        let shape = shape().map_err(|error| error.in_file(Some(path)))?;
        let order = if shape.len() > 1 { order } else { Order::C };
        self.append_rows(path, shape, &mut |file| {
            AnyView::for_each_chunk(rows, order, CHUNK, &mut |bytes| {
                file.write_all(bytes).map_err(|source| Error::io("write the elements", source))
            })?;
            AnyView::check(rows)
        })
    }
}
