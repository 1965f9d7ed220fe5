//! How a `.npy` file, found or new, becomes mapped elements.
//!
//! What is asked for is [`NpyOptions`]'; here it meets the file: the header is read or written, the window found in the
//! array, and its bytes mapped.

use super::header::Header;
use super::options::NpyOptions;
use super::window::{Found, Window};
use crate::array::plan::{Elements, Plan};
use crate::array::{MmapArray, MmapArrayMut, MmapWindow, Typed};
use crate::dtype::DType;
use crate::dynamic::{DynArray, DynArrayMut, mismatch};
use crate::element::Element;
use crate::error::{Error, ErrorKind, Reason, Result};
use crate::region::{self, At, Mode, NewFile, Patch, Region};
use crate::shape::{Dims, Order};
use crate::view::named::described;
use std::fs::File;
use std::io::{self, Read};
use std::marker::PhantomData;
use std::path::Path;

impl NpyOptions {
    pub(super) fn new_header(&self, dtype: DType, shape: Vec<usize>) -> Result<Header> {
        let mut header = Header::new(dtype, shape, self.order)?;
        if let Some(alignment) = self.alignment {
            header = header.with_alignment(alignment)?;
        }
        match self.version {
            Some(version) => header.with_version(version),
            None => Ok(header),
        }
    }

    pub(super) fn create_typed<T: Element>(
        self,
        path: &Path,
        shape: Vec<usize>,
        replace: bool,
    ) -> Result<MmapArrayMut<T>> {
        let create = || {
            let header = self.new_header(described::<T>()?, shape.clone())?;
            // On an error the map is dropped first, then the new file, which removes it.
            let elements = Typed::<T>(PhantomData);
            let (mut new, region, dims) = self.create_region(&elements, &header, shape, path, replace)?;
            let array = MmapArray::from_region(region, dims, header.order())?;
            new.persist()?;
            Ok(array)
        };
        create().map_err(|error: Error| error.in_file(Some(path)))
    }

    pub(super) fn create_any(self, path: &Path, dtype: DType, shape: Vec<usize>) -> Result<DynArrayMut> {
        let create = || {
            let header = self.new_header(dtype, shape)?;
            let dtype = header.dtype().clone();
            let (mut new, region, dims) = self.create_region(&dtype, &header, header.shape().to_vec(), path, true)?;
            let array = DynArray::from_region(region, dtype, dims, header.order())?;
            new.persist()?;
            Ok(array)
        };
        create().map_err(|error: Error| error.in_file(Some(path)))
    }

    /// A new file with the header, and the region of the window's elements.
    fn create_region(
        &self,
        elements: &impl Elements,
        header: &Header,
        shape: Vec<usize>,
        path: &Path,
        replace: bool,
    ) -> Result<(NewFile, Region, Dims)> {
        let found = self.find(header, &shape, elements.size())?;
        let (new, file) = self.new_file(elements, header, path, replace)?;
        let (region, dims) = self.map_found(elements, header, &found, &file, Some(path), Mode::ReadWrite)?;
        Ok((new, region, dims))
    }

    /// A new file with the header, and zeros for elements.
    pub(super) fn new_file(
        &self,
        elements: &impl Elements,
        header: &Header,
        path: &Path,
        replace: bool,
    ) -> Result<(NewFile, File)> {
        elements.check_offset(header.data_offset(), header.nbytes())?;
        let len = header.data_offset().saturating_add(header.nbytes());
        let (new, file) = NewFile::create(path, len, replace, self.reserve)?;
        region::write_front(&file, &header.to_bytes()?)?;
        Ok((new, file))
    }

    /// The same without a window.
    pub(super) fn whole(self) -> Self {
        Self { window: Window::Whole, shape: None, ..self }
    }

    /// Looks only at these bytes of a file.
    #[cfg(feature = "npz")]
    pub(crate) fn within(mut self, bytes: std::ops::Range<u64>) -> Self {
        self.within = Some((bytes.start, bytes.end));
        self
    }

    /// The header of the file, or of the member of an archive that the options are for, if it is not longer than is asked
    /// for.
    pub(crate) fn read_header(&self, file: &File) -> Result<Header> {
        // What is no file says so, rather than that it has no header.
        region::mappable_len(file)?;
        let (start, end) = self.within.unwrap_or((0, u64::MAX));
        let bytes = At { file, position: start }.take(end.saturating_sub(start));
        Header::read_limited(&mut io::BufReader::new(bytes), self.max_header)
    }

    /// The byte of the file at which the first element of the whole array lies.
    pub(crate) fn data_offset(&self, header: &Header) -> u64 {
        self.within.map_or(0, |(start, _)| start).saturating_add(header.data_offset())
    }

    /// Checks that the file has all the elements that its header speaks of, whatever the window is.
    pub(super) fn check_complete(&self, file: &File, header: &Header, elements: &impl Elements) -> Result<()> {
        let file_len = region::mappable_len(file)?;
        let member_end = self.within.map(|(_, end)| end).filter(|&end| end < file_len);
        let hint = if member_end.is_some() { IN_ARCHIVE } else { ": it is truncated, or was not written to its end" };
        let offset = self.data_offset(header);
        check_end(header, elements, offset, member_end.unwrap_or(file_len), hint)
            .map_err(|error| error.at_bytes(offset..offset.saturating_add(header.nbytes())))
    }

    /// Where the window's elements are, in the array of that shape that the header tells of.
    pub(super) fn find(&self, header: &Header, shape: &[usize], size: usize) -> Result<Found> {
        self.window.find(self.shape, self.data_offset(header), header.order(), shape, size)
    }

    /// The order of the elements in a file that is created.
    pub(super) fn created_order(&self) -> Order {
        self.order
    }

    fn plan(&self) -> Plan {
        Plan { populate: self.populate, reserve: self.reserve, lock: self.lock, ..Plan::default() }
    }

    /// Maps the elements of a window that lie together.
    fn map_found(
        &self,
        elements: &impl Elements,
        header: &Header,
        found: &Found,
        file: &File,
        path: Option<&Path>,
        mode: Mode,
    ) -> Result<(Region, Dims)> {
        found.check_contiguous()?;
        self.map_span(elements, header, found.start, &found.dims, file, path, mode)
    }

    /// Maps elements one after another, from one on.
    #[allow(clippy::too_many_arguments)]
    fn map_span(
        &self,
        elements: &impl Elements,
        header: &Header,
        start: u64,
        dims: &Dims,
        file: &File,
        path: Option<&Path>,
        mode: Mode,
    ) -> Result<(Region, Dims)> {
        let mut plan = Plan { order: header.order(), ..self.plan() };
        // Both are below the array's bytes, which a file can have.
        plan.offset = self.data_offset(header) + start * elements.size() as u64;
        plan.set_shape(&dims[..]);
        let (mut region, dims) = plan.map(elements, file, path, mode)?;
        region.set_front(self.front());
        Ok((region, dims))
    }

    pub(crate) fn open_strided<T: Element, A>(
        self,
        file: &File,
        path: Option<&Path>,
        mode: Mode,
    ) -> Result<MmapWindow<T, A>> {
        let open = || {
            let header = self.read_header(file)?;
            let shape = shape_as::<T>(&header)?;
            let elements = Typed::<T>(PhantomData);
            self.check_complete(file, &header, &elements)?;
            let found = self.find(&header, &shape, size_of::<T>())?;
            let (axes, span) = found.axes(header.order(), size_of::<T>())?;
            let dims = Dims::new(&[span])?;
            let (region, dims) = self.map_span(&elements, &header, found.start, &dims, file, path, mode)?;
            Ok(MmapWindow::new(MmapArray::from_region(region, dims, Order::C)?, axes))
        };
        open().map_err(|error: Error| error.in_file(path))
    }

    pub(crate) fn open_typed<T: Element, A>(
        self,
        file: &File,
        path: Option<&Path>,
        mode: Mode,
    ) -> Result<MmapArray<T, A>> {
        let open = || {
            let header = self.read_header(file)?;
            let shape = shape_as::<T>(&header)?;
            let (region, dims) = self.map_region(&Typed::<T>(PhantomData), &header, &shape, file, path, mode)?;
            MmapArray::from_region(region, dims, header.order())
        };
        open().map_err(|error: Error| error.in_file(path))
    }

    pub(crate) fn open_any<A>(self, file: &File, path: &Path, mode: Mode) -> Result<DynArray<A>> {
        let open = || {
            let header = self.read_header(file)?;
            let dtype = header.dtype();
            self.check_complete(file, &header, dtype)?;
            let found = self.find(&header, header.shape(), dtype.itemsize())?;
            let (axes, span) = found.axes(header.order(), dtype.itemsize())?;
            // Elements of no bytes have no span of their own.
            let dims = if found.rows_of.is_some() { Dims::new(&[span])? } else { found.dims };
            let (region, _) = self.map_span(dtype, &header, found.start, &dims, file, Some(path), mode)?;
            DynArray::strided(region, dtype.clone(), axes, header.order())
        };
        open().map_err(|error: Error| error.in_file(Some(path)))
    }

    fn map_region(
        &self,
        elements: &impl Elements,
        header: &Header,
        shape: &[usize],
        file: &File,
        path: Option<&Path>,
        mode: Mode,
    ) -> Result<(Region, Dims)> {
        self.check_complete(file, header, elements)?;
        let found = self.find(header, shape, elements.size())?;
        self.map_found(elements, header, &found, file, path, mode)
    }

    /// What keeps the header true where the array grows.
    fn front(&self) -> region::Front {
        match self.window {
            Window::Whole | Window::Rows(..) | Window::Segment { .. } => grown_front,
            Window::Elements(_) => |_, _, _| {
                let text = "cannot grow: a window by `offset` and `shape` has rows of its own; grow the whole array";
                Err(Error::unsupported(text))
            },
        }
    }
}

/// Why elements are missing where a member of an archive ends before them.
pub(super) const IN_ARCHIVE: &str = ", as far as the member of the archive goes: it was not written to its end";

/// Checks that the elements that a header speaks of, from the byte `offset` on, end at the byte `last` at the latest.
pub(super) fn check_end(
    header: &Header,
    elements: &impl Elements,
    offset: u64,
    last: u64,
    hint: &'static str,
) -> Result<()> {
    let needed = header.nbytes();
    if offset.checked_add(needed).is_some_and(|end| end <= last) {
        return Ok(());
    }
    let what = format!("the {:?} elements of `{}` that the header speaks of", header.shape(), elements.name());
    Err(Reason::PastEnd { what, offset, needed, file_len: last, hint }.error())
}

/// What changes in the header of a file when bytes are added to its array, which must end at a byte and take them as
/// whole steps of its slowest axis: the array that grows may have another element type or other axes.
fn grown_front(file: &File, end: u64, added: u64) -> Result<Patch> {
    let header = NpyOptions::default().max_header(usize::MAX).read_header(file)?;
    let file_end = header.data_offset() + header.nbytes();
    if file_end != end {
        return Err(Error::unsupported(format!(
            "cannot grow: this is a window that ends at byte {end}, and the file's array, of shape {:?}, ends at byte \
             {file_end}; open the whole array to grow it",
            header.shape()
        )));
    }
    let rows = header.rows_in(added);
    let rows = rows.ok_or_else(|| {
        Error::unsupported(format!(
            "cannot grow: {added} bytes behind byte {end} are no whole steps of the slowest axis of the file's array, of \
             shape {:?} and {} bytes from byte {} on; grow an array that was opened whole, as the file's own type",
            header.shape(),
            header.nbytes(),
            header.data_offset()
        ))
    })?;
    grown(file, &header, rows)
}

/// What changes in the header of a file when so many rows are added.
pub(super) fn grown(file: &File, header: &Header, rows: usize) -> Result<Patch> {
    let (axis, len) = (header.order().slowest_axis(header.shape().len()))
        .and_then(|axis| Some((axis, header.shape().get(axis)?.checked_add(rows)?)))
        .ok_or_else(|| Error::overflow("the array", format!("{:?} with {rows} rows more", header.shape())))?;
    let new = header.regrown(axis, len)?.ok_or_else(|| {
        Error::unsupported(format!(
            "cannot grow: the header of {} bytes has no room for a length of {len}",
            header.data_offset()
        ))
    })?;
    let mut old = vec![0; new.len()];
    let read = At { file, position: 0 }.read_exact(&mut old);
    read.map_err(|source| Error::io("read the header", source))?;
    Ok(Patch::of(&old, &new))
}

/// The shape of the array whose elements are of the type `T`.
pub(super) fn shape_as<T: Element>(header: &Header) -> Result<Vec<usize>> {
    let (wanted, shape) = (described::<T>()?, header.shape());
    if wanted == *header.dtype() {
        return Ok(shape.to_vec());
    }
    let (element, axes) = wanted.flattened();
    // In Fortran order the last axes vary slowest, so their elements do not lie together.
    let in_order = header.order() == Order::C || shape.len() < 2;
    match shape.strip_suffix(&axes[..]) {
        Some(outer) if element == header.dtype() && in_order && !axes.is_empty() => Ok(outer.to_vec()),
        _ => Err(mismatch::<T>(header.dtype(), &wanted)),
    }
}

/// Checks that a file that was there has the array that was to be created. Its dtype is checked where it is mapped.
pub(super) fn check_as_asked(found: &Header, asked: &Header) -> Result<()> {
    // One axis has no order.
    let same_order = found.order() == asked.order() || found.shape().len() < 2;
    if found.shape() == asked.shape() && same_order {
        return Ok(());
    }
    Err(Reason::Header(format!(
        "the file is there with the shape {:?} in {:?} order, and was to be created with {:?} in {:?} order",
        found.shape(),
        found.order(),
        asked.shape(),
        asked.order()
    ))
    .error())
}

/// What the operating system said, where it is what an error is about.
pub(super) fn io_kind(error: &Error) -> Option<io::ErrorKind> {
    use std::error::Error as _;
    (error.kind() == ErrorKind::Io).then(|| error.source()?.downcast_ref::<io::Error>().map(io::Error::kind))?
}
