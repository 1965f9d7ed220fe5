//! Which window of a `.npy` file to open, and how a file is written: what [`Options`] and [`CreateOptions`] have for
//! this format alone.

use super::grow::grown_front;
use super::header::{Header, IN_ARCHIVE, MAX_HEADER, TRUNCATED};
use super::window::Window;
use crate::access::{Shared, SharedMut, StableMode};
use crate::array::elements::{Elements, Layout, sealed as elements};
use crate::array::format::{NewLayout, sealed as format};
use crate::array::source::{Bytes, Want};
use crate::array::{CreateOptions, Format, NewFormat, Options, Source, Strided, Typed};
use crate::dtype::DType;
use crate::dynamic::{DynArray, SharedDynArray, mismatch};
use crate::element::Element;
use crate::error::{Error, Reason, Result};
use crate::region::{Front, Region};
use crate::shape::{Dims, IntoShape, Order, Shape};
use crate::view::named::described;
use std::fs::File;
use std::ops::{Range, RangeBounds};

/// The format of NumPy's files: a [`Header`], which states dtype, shape and order, and then the elements.
#[derive(Clone, Copy, Debug)]
pub struct Npy {
    window: Window,
    /// Of a window of elements; the number of axes, where they are too many.
    shape: Option<Result<Shape, usize>>,
    max_header: usize,
    version: Option<(u8, u8)>,
    alignment: Option<usize>,
}

/// Elements of whatever dtype the header states: a [`DynArray`].
#[derive(Clone, Copy, Debug)]
pub struct FromHeader;

impl Npy {
    pub(super) fn new() -> Self {
        Self { window: Window::Whole, shape: None, max_header: MAX_HEADER, version: None, alignment: None }
    }

    /// Whether it is of the whole array.
    pub(super) fn is_whole(&self) -> bool {
        matches!(self.window, Window::Whole)
    }

    /// The same format, of the whole array or of a part of it.
    pub(super) fn part(self, part: Option<(usize, usize)>) -> Self {
        let window = part.map_or(Window::Whole, |(part, count)| Window::Segment { part, count, aligned: false });
        Self { window, shape: None, ..self }
    }

    /// The header of a new file.
    pub(super) fn new_header(&self, dtype: DType, dims: &Dims, order: Order) -> Result<Header> {
        let mut header = Header::new(dtype, &dims[..], order)?;
        if let Some(alignment) = self.alignment {
            header = header.with_alignment(alignment)?;
        }
        match self.version {
            Some(version) => header.with_version(version),
            None => Ok(header),
        }
    }

    /// Where the window's elements lie in bytes of a file that begin with the header.
    fn layout(&self, elements: &impl InNpy, header: &Header, shape: &[usize], within: Range<u64>) -> Result<Layout> {
        if self.shape.is_some() && !matches!(self.window, Window::Elements(..)) {
            return Err(Error::shape("rows and segments have their shape; `shape` is for a window of `elements`"));
        }
        let size = elements.size_in(header);
        let data_offset = within.start.saturating_add(header.data_offset());
        let found = self.window.find(self.shape, data_offset, header.order(), shape, size)?;
        let mut layout = Layout {
            // Both are below the array's bytes, which a file can have.
            offset: data_offset + found.start * size as u64,
            end: within.end,
            rest: 0,
            dims: found.dims,
            order: header.order(),
            size,
            rows_of: found.rows_of.map(Box::new),
            dtype: elements.dtype_in(header),
            again: None,
            front: Some(self.front()),
        };
        let behind = data_offset.saturating_add(header.nbytes()).saturating_sub(layout.offset);
        layout.rest = behind.saturating_sub(layout.span()? as u64);
        Ok(layout)
    }

    /// Reads the header, and finds which bytes of the source can be the array's, and what to say where they are too
    /// few.
    fn read(&self, bytes: &mut Bytes<'_>) -> Result<(Header, Range<u64>, &'static str)> {
        match bytes {
            Bytes::File(bytes) => {
                // What is no file says so, rather than that it has no header.
                bytes.range()?;
                let header = Header::read_limited(&mut bytes.reader(), self.max_header)?;
                // Elements are there before the header says so, which somebody may be adding.
                let range = bytes.range()?;
                let ends_in_archive = bytes.member.as_ref().is_some_and(|member| member.bytes.end == range.end);
                Ok((header, range, if ends_in_archive { IN_ARCHIVE } else { TRUNCATED }))
            }
            Bytes::Stream(stream) => {
                let header = Header::read_limited(stream, self.max_header)?;
                Ok((header, 0..stream.len().unwrap_or(u64::MAX), IN_ARCHIVE))
            }
        }
    }

    /// What writes the header of a longer array.
    fn front(&self) -> Front {
        match self.window {
            Window::Whole | Window::Rows(..) | Window::Segment { .. } => grown_front,
            Window::Elements(..) => |_, _, _| {
                let text = "cannot grow: a window of `elements` has rows of its own; grow the whole array";
                Err(Error::unsupported(text))
            },
        }
    }
}

macro_rules! windows {
    () => {
        /// Takes a window of rows, which is a range of the leading axis: `arr[a:b]`.
        ///
        /// In Fortran order the rows of a matrix do not lie together, so they are no slice: they open
        /// [`strided`](Options::strided), as a view with strides, or of the dtype that the file states, and
        /// [`load`](Options::load) copies them.
        #[must_use]
        pub fn rows(mut self, rows: impl RangeBounds<usize>) -> Self {
            let window = Window::Rows(rows.start_bound().cloned(), rows.end_bound().cloned());
            (self.format.window, self.format.shape) = (window, None);
            self
        }

        /// Takes the part `part` of `count` along the slowest axis (the first in C order, the last in Fortran order):
        /// `np.array_split(arr, count)[part]`. The parts differ in length by one at most, the longer ones first.
        /// Together they are the array, and no two overlap, so each of `count` processes opens one to write.
        #[must_use]
        pub fn segment(mut self, part: usize, count: usize) -> Self {
            self.format = self.format.part(Some((part, count)));
            self
        }

        /// Takes a part as [`segment`](Self::segment) does, of parts that are cut only where a page of 4096 bytes
        /// begins in the file: for hosts that share a file system which writes whole pages (NFS), two of which must not
        /// write one page. Hosts whose pages are larger (16 KiB on Apple's, up to 64 KiB on some Arm and POWER) may
        /// still share one.
        ///
        /// The parts are as equal as that allows, and one may be empty. Which rows begin on pages depends on where the
        /// elements begin: a file that is created with [`align(4096)`](CreateOptions::align) has such rows, whatever
        /// their size.
        #[must_use]
        pub fn segment_aligned(mut self, part: usize, count: usize) -> Self {
            (self.format.window, self.format.shape) = (Window::Segment { part, count, aligned: true }, None);
            self
        }
    };
}

/// For `.npy` files. A window is one of these, the last that is called, and the whole array by default:
///
/// | call | window | NumPy |
/// | --- | --- | --- |
/// | [`rows(a..b)`](Self::rows) | along the leading axis | `arr[a:b]` |
/// | [`elements(a..)`](Self::elements)[`.shape(dims)`](Self::shape) | elements in storage order, of any shape | `arr.ravel("K")[a:][:k].reshape(dims)` |
/// | [`segment(k, n)`](Self::segment) | the part `k` of `n` along the slowest axis | `np.array_split(arr, n)[k]` |
/// | [`segments(n)`](Self::segments) | each of those, one after another | `np.array_split(arr, n)` |
/// | [`segment_aligned(k, n)`](Self::segment_aligned) | as before, cut only where pages begin | |
///
/// Only the pages that the window lies in are mapped, and only its elements can be reached: windows of one file that do
/// not overlap may be written at the same time by threads and processes.
///
/// ```
/// use mmap_array::npy;
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("squares.npy");
/// npy::create_options::<u32>([10, 4]).scratch_in(&dir)?.persist(&path)?;
/// for k in 0..3 {
///     let mine = npy::options::<u32>().segment(k, 3).open_shared_mut(&path)?; // in a process of its own
///     mine.fill(k as u32)?;
/// }
/// let rows = npy::options::<u32>().elements(12..).shape([2, 4]).open_shared(&path)?;
/// assert_eq!(rows.read(|view| view.to_vec())?, [0, 0, 0, 0, 1, 1, 1, 1]);
/// # Ok::<(), std::io::Error>(())
/// ```
impl<E> Options<E, Npy> {
    windows!();

    /// Takes a window of elements, counted in the order in which the file has them: along one axis, unless
    /// [`shape`](Self::shape) says more.
    ///
    /// ```
    /// use mmap_array::npy;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("a.npy");
    /// npy::save(&path, &[[1_i16, 2, 3], [4, 5, 6]])?;
    /// let options = npy::options::<i16>().elements(2..5); // arr.ravel()[2:5]
    /// assert_eq!(*options.load(&path)?, [3, 4, 5]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn elements(mut self, range: impl RangeBounds<u64>) -> Self {
        self.format.window = Window::Elements(range.start_bound().cloned(), range.end_bound().cloned());
        self
    }

    /// Sets the shape of a window of [`elements`](Self::elements), from the first one on where no window was given; of
    /// rows and segments it is an error to open. It is in the file's order. One axis may be `None`, with the others in
    /// `Some`, to reach to the end of the range.
    #[must_use]
    pub fn shape(mut self, shape: impl IntoShape) -> Self {
        if matches!(self.format.window, Window::Whole) {
            self = self.elements(..);
        }
        self.format.shape = Some(shape.into_shape());
        self
    }

    /// Returns the options of all `count` parts of [`segment`](Self::segment), for one process that hands them to its
    /// threads. An array that is open already is cut by [`into_parts`](crate::MmapArray::into_parts), into the same
    /// parts over one map.
    ///
    /// ```
    /// use mmap_array::npy;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("out.npy");
    /// npy::create_options::<u16>([1000, 3]).scratch_in(&dir)?.persist(&path)?;
    /// std::thread::scope(|scope| {
    ///     for (k, segment) in npy::options::<u16>().segments(4).enumerate() {
    ///         let part = segment.open_shared_mut(&path)?;
    ///         scope.spawn(move || part.fill(k as u16));
    ///     }
    ///     Ok::<_, mmap_array::Error>(())
    /// })?;
    /// let numbers = npy::load::<u16>(&path)?;
    /// assert_eq!((numbers.shape(), numbers[749], numbers[750]), (&[1000, 3][..], 0, 1));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn segments(self, count: usize) -> impl DoubleEndedIterator<Item = Self> + ExactSizeIterator + Clone
    where
        E: Clone,
    {
        (0..count).map(move |part| self.clone().segment(part, count))
    }

    /// Sets the most characters of a header that are read: NumPy's `max_header_size`. Defaults to [`MAX_HEADER`].
    #[must_use]
    pub fn max_header(mut self, characters: usize) -> Self {
        self.format.max_header = characters;
        self
    }

    /// Reads the header of a file, or of a member of an archive.
    ///
    /// # Errors
    ///
    /// [`Header`](crate::ErrorKind::Header) for what is no `.npy` file, [`Io`](crate::ErrorKind::Io) where the system
    /// refuses.
    pub fn header(self, source: impl Source) -> Result<Header> {
        source.lend(Want::Header, |mut bytes| match &mut bytes {
            // Of a stream no more is read than the header.
            Bytes::Stream(stream) => Header::read_limited(stream, self.format.max_header),
            Bytes::File(bytes) => Header::read_limited(&mut bytes.reader(), self.format.max_header),
        })
    }
}

impl<T> Options<Typed<T>, Npy> {
    /// Opens rows of an array in Fortran order where they are, with other elements between them: as a
    /// [`MmapWindow`](crate::array::MmapWindow), which is no slice and has views with strides.
    ///
    /// ```
    /// use mmap_array::{ArrayView, npy};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("f.npy");
    /// npy::save(&path, &ArrayView::from_slice(&[1, 2, 3, 4, 5, 6], [2, 3])?.t())?; // in Fortran order, 3 x 2
    /// let options = npy::options::<i32>().rows(1..3).strided();
    /// // SAFETY: nobody else writes or truncates the file.
    /// let window = unsafe { options.open(&path)? };
    /// assert_eq!(window.view().to_vec(), [2, 5, 3, 6]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn strided(self) -> Options<Strided<T>, Npy> {
        self.with_elements(Strided::new())
    }
}

/// For `.npy` files. Of a file that is created, or found by [`open_or_create`](Self::open_or_create), a window can be
/// opened.
impl<E> CreateOptions<E, Npy> {
    windows!();

    /// Sets the version of the format, `(1, 0)`, `(2, 0)` or `(3, 0)`: NumPy's `version`. Defaults to the lowest that
    /// can hold the header.
    #[must_use]
    pub fn version(mut self, major: u8, minor: u8) -> Self {
        self.format.version = Some((major, minor));
        self
    }

    /// Sets what the byte at which the elements begin is a multiple of: a power of two, 64 by default as in NumPy. With
    /// 4096, windows can be cut where pages begin; see [`segment_aligned`](Self::segment_aligned).
    #[must_use]
    pub fn align(mut self, bytes: usize) -> Self {
        self.format.alignment = Some(bytes);
        self
    }
}

/// What elements have to do with a header.
pub trait InNpy {
    /// The shape of the array that a file has of them.
    fn shape_in(&self, header: &Header) -> Result<Vec<usize>>;

    /// The bytes of one.
    fn size_in(&self, header: &Header) -> usize;

    /// The dtype, where it is the header's.
    fn dtype_in(&self, header: &Header) -> Option<DType>;

    /// What they are called in errors.
    fn name_in(&self, header: &Header) -> String;
}

macro_rules! of_a_type {
    ($($name:ident)*) => {$(
        impl<T: Element> InNpy for $name<T> {
            fn shape_in(&self, header: &Header) -> Result<Vec<usize>> {
                shape_as::<T>(header)
            }

            fn size_in(&self, _: &Header) -> usize {
                size_of::<T>()
            }

            fn dtype_in(&self, _: &Header) -> Option<DType> {
                None
            }

            fn name_in(&self, _: &Header) -> String {
                crate::error::short_type_name::<T>()
            }
        }
    )*};
}
of_a_type!(Typed Strided);

impl InNpy for FromHeader {
    fn shape_in(&self, header: &Header) -> Result<Vec<usize>> {
        Ok(header.shape().to_vec())
    }

    fn size_in(&self, header: &Header) -> usize {
        header.dtype().itemsize()
    }

    fn dtype_in(&self, header: &Header) -> Option<DType> {
        Some(header.dtype().clone())
    }

    fn name_in(&self, header: &Header) -> String {
        header.dtype().to_string()
    }
}

impl elements::Described for FromHeader {
    const STRIDED: bool = true;

    fn name(&self, layout: &Layout) -> String {
        layout.dtype.as_ref().map_or_else(String::new, DType::to_string)
    }

    fn check_offset(&self, _: u64, _: u64) -> Result<()> {
        Ok(())
    }
}

impl<A: StableMode> Elements<A> for FromHeader {
    type Array = DynArray<A>;

    fn array(&self, region: Region, mut layout: Layout) -> Result<DynArray<A>> {
        let dtype = layout.dtype.take().ok_or_else(|| Error::unsupported("the file states no dtype"))?;
        Elements::<A>::array(&dtype, region, layout)
    }
}

macro_rules! shared {
    ($($Mode:ident)*) => {$(
        impl Elements<$Mode> for FromHeader {
            type Array = SharedDynArray<$Mode>;

            fn array(&self, region: Region, layout: Layout) -> Result<SharedDynArray<$Mode>> {
                let dtype = layout.dtype.clone().ok_or_else(|| Error::unsupported("the file states no dtype"))?;
                Elements::<$Mode>::array(&dtype, region, layout)
            }
        }
    )*};
}
shared!(Shared SharedMut);

impl<E: InNpy> Format<E> for Npy {}
impl<E: InNpy> format::Format<E> for Npy {
    const STATED: bool = true;

    fn find(&self, elements: &E, bytes: &mut Bytes<'_>) -> Result<Layout> {
        let (header, within, hint) = self.read(bytes)?;
        // What the elements are is told before how many of them are missing.
        let shape = elements.shape_in(&header)?;
        let offset = within.start.saturating_add(header.data_offset());
        header.check_end(&|| elements.name_in(&header), offset, within.end, hint)?;
        self.layout(elements, &header, &shape, within)
    }
}

/// Elements that a new file is made for.
pub trait NewInNpy: elements::Sized {
    /// What the header says of them.
    fn dtype(&self) -> Result<DType>;

    /// The layout of the window that is opened of a new file.
    fn layout(&self, format: &Npy, header: &Header, within: Range<u64>) -> Result<Layout>;
}

impl<T: Element> NewInNpy for Typed<T> {
    fn dtype(&self) -> Result<DType> {
        described::<T>()
    }

    fn layout(&self, format: &Npy, header: &Header, within: Range<u64>) -> Result<Layout> {
        format.layout(self, header, &shape_as::<T>(header)?, within)
    }
}

impl NewInNpy for DType {
    fn dtype(&self) -> Result<DType> {
        Ok(self.clone())
    }

    fn layout(&self, format: &Npy, header: &Header, within: Range<u64>) -> Result<Layout> {
        if header.dtype() != self.flattened().0 {
            return Err(Reason::DTypeMismatch(format!("the elements are {}, not {self}", header.dtype())).error());
        }
        format.layout(&FromHeader, header, header.shape(), within)
    }
}

impl<E: NewInNpy> NewFormat<E> for Npy {}
impl<E: NewInNpy> format::NewFormat<E> for Npy {
    fn lay_out(&self, elements: &E, dims: &Dims, order: Order) -> Result<NewLayout> {
        let header = self.new_header(elements.dtype()?, dims, order)?;
        let len = header.data_offset().saturating_add(header.nbytes());
        Ok(NewLayout { layout: elements.layout(self, &header, 0..len)?, front: header.to_bytes()?, len })
    }

    fn find_made(&self, elements: &E, dims: &Dims, order: Order, file: &File) -> Result<Layout> {
        let asked = self.new_header(elements.dtype()?, dims, order)?;
        let len = crate::region::mappable_len(file)?;
        // A header as long as the one that would be written is read.
        let header = Header::of_file(file, self.max_header.max(asked.data_offset() as usize))?;
        check_as_asked(&header, &asked)?;
        let layout = elements.layout(self, &header, 0..len)?;
        header.check_end(&|| header.dtype().to_string(), header.data_offset(), len, TRUNCATED)?;
        Ok(layout)
    }
}

/// The shape of the array as one of elements of `T`, which may be subarrays: then the last axes are theirs.
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
