//! Options for `.npy` files alone: the methods of [`Options`] and [`CreateOptions`] that select windows and set how a
//! header is written.

use super::compressed;
use super::grow::resized_front;
use super::header::{Header, IN_ARCHIVE, MAX_HEADER, TRUNCATED};
use super::window::Window;
use crate::access::{Shared, SharedMut, StableMode};
use crate::array::elements::{Elements, Layout, sealed as elements};
use crate::array::format::{Fit, NewLayout, sealed as format};
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

/// The `.npy` format: a [`Header`], which states dtype, shape and order, followed by the elements.
#[derive(Clone, Copy, Debug)]
pub struct Npy {
    window: Window,
    /// The shape of a window of elements; `Err` with the number of axes if there are too many.
    shape: Option<Result<Shape, usize>>,
    max_header: usize,
    /// The byte of the source at which the header begins.
    at: u64,
    /// Whether the file may end before the array does.
    truncated: bool,
    version: Option<(u8, u8)>,
    alignment: Option<usize>,
}

/// Elements of the dtype that the header states, opened as a [`DynArray`].
#[derive(Clone, Copy, Debug)]
pub struct FromHeader;

impl Npy {
    pub(super) fn new() -> Self {
        let (window, max_header) = (Window::Whole, MAX_HEADER);
        Self { window, shape: None, max_header, at: 0, truncated: false, version: None, alignment: None }
    }

    /// Returns whether the window is the whole array.
    pub(super) fn is_whole(&self) -> bool {
        matches!(self.window, Window::Whole)
    }

    /// Returns the same format for the whole array or for one part of it.
    pub(super) fn part(self, part: Option<(usize, usize)>) -> Self {
        let window = part.map_or(Window::Whole, |(part, count)| Window::Segment { part, count, aligned: false });
        Self { window, shape: None, ..self }
    }

    /// Returns the header of a new file.
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

    /// Returns where the window's elements lie in the bytes `within`, which begin with the header.
    fn layout(&self, elements: &impl InNpy, header: &Header, shape: &[usize], within: Range<u64>) -> Result<Layout> {
        if self.shape.is_some() && !matches!(self.window, Window::Elements(..)) {
            return Err(Error::shape(
                "rows and segments have their own shape; `shape` can only be set for a window of `elements`",
            ));
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
            strides: None,
            dtype: elements.dtype_in(header),
            again: None,
            front: Some(self.front()),
        };
        let behind = data_offset.saturating_add(header.nbytes()).saturating_sub(layout.offset);
        layout.rest = behind.saturating_sub(layout.span()? as u64);
        Ok(layout)
    }

    /// Reads the header, and returns it with the range of the source's bytes that can belong to the array and with the
    /// hint for the error if they are too few.
    fn read(&self, bytes: &mut Bytes<'_>) -> Result<(Header, Range<u64>, &'static str)> {
        // What is no file says so, rather than that it has no header.
        if let Bytes::File(bytes) = bytes {
            bytes.range()?;
        }
        let header = self.read_header(bytes)?;
        match bytes {
            Bytes::File(bytes) => {
                // Elements are there before the header says so, which somebody may be adding.
                let range = bytes.range()?;
                let ends_in_archive = bytes.member.as_ref().is_some_and(|member| member.bytes.end == range.end);
                let hint = if ends_in_archive { IN_ARCHIVE } else { TRUNCATED };
                Ok((header, range.start.saturating_add(self.at)..range.end, hint))
            }
            Bytes::Stream(stream) => {
                let end = match self.truncated {
                    // What follows the array is not read.
                    true => {
                        let ahead = stream.hold(header.nbytes());
                        stream.position() + ahead.map_err(|source| Error::io("read the elements", source))?
                    }
                    false => stream.len().unwrap_or(u64::MAX),
                };
                Ok((header, self.at..end, IN_ARCHIVE))
            }
        }
    }

    /// Calls `f` with the bytes of a source, decompressed if it is a whole `.npy` file that is compressed.
    fn decompress<R>(&self, bytes: Bytes<'_>, f: impl FnOnce(Bytes<'_>) -> Result<R>) -> Result<R> {
        if self.at == 0 { compressed::unpack(bytes, f) } else { f(bytes) }
    }

    /// Reads the header alone.
    fn read_header(&self, bytes: &mut Bytes<'_>) -> Result<Header> {
        let header = match bytes {
            Bytes::File(bytes) => {
                let range = bytes.range()?;
                let offset = range.start.saturating_add(self.at);
                if offset > range.end {
                    return Err(Reason::OffsetPastEnd { offset, file_len: range.end }.error().at_bytes(offset..offset));
                }
                Header::read_limited(&mut bytes.reader(self.at), self.max_header)
            }
            Bytes::Stream(stream) => {
                stream.skip_to(self.at)?;
                Header::read_limited(stream, self.max_header)
            }
        };
        header.map_err(|error| error.of_header_at(self.at))
    }

    /// Returns the function that changes the header when the array grows or shrinks.
    fn front(&self) -> Front {
        match self.window {
            _ if self.at > 0 => |_, _, _| {
                let text = "cannot grow or shrink: the array does not begin at the beginning of the file";
                Err(Error::unsupported(text))
            },
            _ if self.truncated => |_, _, _| {
                let text = "cannot grow or shrink: the array may be truncated; open it without `allow_truncated`";
                Err(Error::unsupported(text))
            },
            Window::Whole | Window::Rows(..) | Window::Segment { .. } => resized_front,
            Window::Elements(..) => |_, _, _| {
                Err(Error::unsupported(
                    "cannot grow or shrink: a window of `elements` does not have the rows of the array; open the whole \
                     array",
                ))
            },
        }
    }
}

macro_rules! windows {
    () => {
        /// Selects a window of rows, which is a range of the leading axis: `arr[a:b]`.
        ///
        /// In Fortran order the rows of a matrix are not contiguous, so they cannot be opened as a slice. They can be
        /// opened with [`strided`](Options::strided), as a view with strides, or with the dtype that the file states,
        /// and [`load`](Options::load) copies them.
        #[must_use]
        pub fn rows(mut self, rows: impl RangeBounds<usize>) -> Self {
            let window = Window::Rows(rows.start_bound().cloned(), rows.end_bound().cloned());
            (self.format.window, self.format.shape) = (window, None);
            self
        }

        /// Selects part `part` of `count` along the slowest axis: `np.array_split(arr, count)[part]`.
        ///
        /// The slowest axis is the first in C order and the last in Fortran order. The lengths of the parts differ by
        /// at most one, and the longer parts come first. Together the parts are the whole array and no two overlap, so
        /// each of `count` processes can open one for writing.
        #[must_use]
        pub fn segment(mut self, part: usize, count: usize) -> Self {
            self.format = self.format.part(Some((part, count)));
            self
        }

        /// Selects a part like [`segment`](Self::segment), but splits the array only at boundaries of 4096-byte pages
        /// in the file.
        ///
        /// Use it if several hosts share a file system that writes whole pages (NFS), because two hosts must not write
        /// the same page. Hosts with larger pages (16 KiB on Apple's, up to 64 KiB on some Arm and POWER) may still
        /// share a page.
        ///
        /// The parts are as equal as page boundaries allow, and some may be empty. Which rows begin on pages depends on
        /// the offset of the elements: a file created with [`align(4096)`](CreateOptions::align) has such rows,
        /// whatever the size of a row.
        #[must_use]
        pub fn segment_aligned(mut self, part: usize, count: usize) -> Self {
            (self.format.window, self.format.shape) = (Window::Segment { part, count, aligned: true }, None);
            self
        }
    };
}

/// Methods for `.npy` files.
///
/// Each call in this table selects a window and replaces the one selected before. The default is the whole array:
///
/// | call | window | NumPy |
/// | --- | --- | --- |
/// | [`rows(a..b)`](Self::rows) | a range of the leading axis | `arr[a:b]` |
/// | [`elements(a..)`](Self::elements)[`.shape(dims)`](Self::shape) | elements in storage order, of any shape | `arr.ravel("K")[a:][:k].reshape(dims)` |
/// | [`segment(k, n)`](Self::segment) | part `k` of `n` along the slowest axis | `np.array_split(arr, n)[k]` |
/// | [`segments(n)`](Self::segments) | all `n` of these parts, as an iterator of options | `np.array_split(arr, n)` |
/// | [`segment_aligned(k, n)`](Self::segment_aligned) | part `k` of `n`, split only at page boundaries | |
///
/// Only the pages that contain the window are mapped, and only its elements are accessible. Threads and processes may
/// write non-overlapping windows of one file at the same time.
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

    /// Selects a window of elements, counted in the order in which the file stores them: along one axis, unless
    /// [`shape`](Self::shape) is called too.
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

    /// Sets the shape of a window of [`elements`](Self::elements), in the file's order.
    ///
    /// If no window was selected before, the window begins at the first element. One axis may be `None`, with the
    /// others in `Some`, to extend to the end of the range. After [`rows`](Self::rows) or [`segment`](Self::segment), a
    /// shape makes opening an error.
    #[must_use]
    pub fn shape(mut self, shape: impl IntoShape) -> Self {
        if matches!(self.format.window, Window::Whole) {
            self = self.elements(..);
        }
        self.format.shape = Some(shape.into_shape());
        self
    }

    /// Returns the options of each of the `count` parts of [`segment`](Self::segment), for one process that hands them
    /// to its threads.
    ///
    /// [`into_parts`](crate::MmapArray::into_parts) splits an array that is already open into the same parts over one
    /// map.
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

    /// Sets the maximum number of characters in a header: NumPy's `max_header_size`. Defaults to [`MAX_HEADER`].
    #[must_use]
    pub fn max_header(mut self, characters: usize) -> Self {
        self.format.max_header = characters;
        self
    }

    /// Sets the byte of the file at which the `.npy` header begins, if the array lies within another file: behind other
    /// data, or behind other arrays ([`npy::headers`](super::headers())). Defaults to 0.
    ///
    /// In a member of an archive, the byte is counted from the member's beginning. Any window can be opened there, but
    /// the array cannot grow.
    ///
    /// ```
    /// use mmap_array::npy;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("frame");
    /// let mut frame = b"camera 3\n".to_vec();
    /// npy::save_to(&mut frame, &vec![[1_u8, 2, 3], [4, 5, 6]])?;
    /// std::fs::write(&path, &frame)?;
    /// let row = npy::options::<u8>().at(9).rows(1..).open_shared(&path)?;
    /// assert_eq!(row.read(|view| view.to_vec())?, [4, 5, 6]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn at(mut self, byte: u64) -> Self {
        self.format.at = byte;
        self
    }

    /// Opens a file that ends before its array does, as one whose writer was killed or is not done, as the array of the
    /// rows that are complete.
    ///
    /// The array is shorter along its slowest axis than the header states: the first axis in C order and the last in
    /// Fortran order. Windows are those of the shorter array. [`refresh`](crate::SharedArray::refresh) of a shared
    /// array finds the rows that have been added to the file since. The array cannot grow. For a file that is whole,
    /// this has no effect, and a 0-d array has no rows, so its element must be in the file.
    ///
    /// Of a reader or a compressed file, the bytes that are there are counted before they become elements, so loading
    /// takes up to twice as much memory as the array besides.
    ///
    /// ```
    /// use mmap_array::npy;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("run.npy");
    /// npy::save(&path, &vec![[1_u8, 2, 3], [4, 5, 6], [7, 8, 9]])?;
    /// std::fs::OpenOptions::new().write(true).open(&path)?.set_len(128 + 7)?;
    /// assert_eq!(npy::header(&path)?.shape(), [3, 3]);
    /// let rows = npy::options::<u8>().allow_truncated().open_shared(&path)?;
    /// assert_eq!((rows.shape(), rows.at([1, 2])?), (&[2, 3][..], 6));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn allow_truncated(mut self) -> Self {
        self.format.truncated = true;
        self
    }

    /// Reads the header of a file or of a member of an archive, decompressed as by [`load`](Self::load).
    ///
    /// # Errors
    ///
    /// [`Header`](crate::ErrorKind::Header) if the source is not a `.npy` file; [`Io`](crate::ErrorKind::Io) if an I/O
    /// operation fails.
    pub fn header(self, source: impl Source) -> Result<Header> {
        // Of a stream no more is read than the header.
        source
            .lend(Want::Header, |bytes| self.format.decompress(bytes, |mut bytes| self.format.read_header(&mut bytes)))
    }
}

impl<T> Options<Typed<T>, Npy> {
    /// Sets the array type to [`MmapWindow`](crate::array::MmapWindow), which opens rows of an array in Fortran order
    /// in place.
    ///
    /// Other elements lie between such rows, so a `MmapWindow` is not a slice. Its views have strides.
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

/// Methods for `.npy` files. A window selects the part that is opened of a file that is created, or found by
/// [`open_or_create`](Self::open_or_create).
impl<E> CreateOptions<E, Npy> {
    windows!();

    /// Sets the version of the format, `(1, 0)`, `(2, 0)` or `(3, 0)`: NumPy's `version`. Defaults to the lowest
    /// version that can hold the header.
    #[must_use]
    pub fn version(mut self, major: u8, minor: u8) -> Self {
        self.format.version = Some((major, minor));
        self
    }

    /// Sets the alignment of the elements in the file, in bytes: a power of two from 64 to 8192. Defaults to 64, as in
    /// NumPy.
    ///
    /// With 4096, windows can be split at page boundaries; see [`segment_aligned`](Self::segment_aligned).
    #[must_use]
    pub fn align(mut self, bytes: usize) -> Self {
        self.format.alignment = Some(bytes);
        self
    }
}

/// The elements that options open, in relation to the header of a file.
pub trait InNpy {
    /// Returns the shape of the file's array in these elements.
    fn shape_in(&self, header: &Header) -> Result<Vec<usize>>;

    /// Returns the size of one element in bytes.
    fn size_in(&self, header: &Header) -> usize;

    /// Returns the dtype, if the header determines it.
    fn dtype_in(&self, header: &Header) -> Option<DType>;

    /// Returns the name of the elements for errors.
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
        let dtype = layout.dtype.take().ok_or_else(|| Error::unsupported("the file does not state a dtype"))?;
        Elements::<A>::array(&dtype, region, layout)
    }
}

macro_rules! shared {
    ($($Mode:ident)*) => {$(
        impl Elements<$Mode> for FromHeader {
            type Array = SharedDynArray<$Mode>;

            fn array(&self, region: Region, layout: Layout) -> Result<SharedDynArray<$Mode>> {
                let dtype = layout.dtype.clone().ok_or_else(|| Error::unsupported("the file does not state a dtype"))?;
                Elements::<$Mode>::array(&dtype, region, layout)
            }
        }
    )*};
}
shared!(Shared SharedMut);

impl<E: InNpy> Format<E> for Npy {}
impl<E: InNpy> format::Format<E> for Npy {
    const STATED: bool = true;

    fn unpack<R>(&self, bytes: Bytes<'_>, f: impl FnOnce(Bytes<'_>) -> Result<R>) -> Result<R> {
        self.decompress(bytes, f)
    }

    fn find(&self, elements: &E, bytes: &mut Bytes<'_>) -> Result<Layout> {
        let (mut header, within, hint) = self.read(bytes)?;
        if self.truncated {
            let start = within.start.saturating_add(header.data_offset());
            header = header.cut_to(within.end.saturating_sub(start));
        }
        // What the elements are is told before how many of them are missing.
        let shape = elements.shape_in(&header)?;
        let offset = within.start.saturating_add(header.data_offset());
        header.check_end(&|| elements.name_in(&header), offset, within.end, hint)?;
        self.layout(elements, &header, &shape, within)
    }
}

/// Elements for which a new file can be created.
pub trait NewInNpy: elements::Sized {
    /// Returns the dtype to write in the header.
    fn dtype(&self) -> Result<DType>;

    /// Returns the layout of the window to open in a new file.
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

    fn find_made(&self, elements: &E, dims: &Dims, order: Order, file: &File, fit: Fit) -> Result<Layout> {
        let asked = self.new_header(elements.dtype()?, dims, order)?;
        let len = crate::region::mappable_len(file)?;
        // A header as long as the one that would be written is read.
        let mut header = Header::of_file(file, self.max_header.max(asked.data_offset() as usize))?;
        if fit == Fit::Longer {
            header = header.shortened(&asked);
        }
        check_as_asked(&header, &asked)?;
        let layout = elements.layout(self, &header, 0..len)?;
        header.check_end(&|| header.dtype().to_string(), header.data_offset(), len, TRUNCATED)?;
        Ok(layout)
    }
}

/// Returns the shape of the array in elements of `T`. If `T` is a subarray, the last axes of the file's array belong to
/// the elements.
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

/// Checks that an existing file has the shape and order of the array that was to be created. The dtype is checked when
/// the file is mapped.
pub(super) fn check_as_asked(found: &Header, asked: &Header) -> Result<()> {
    // One axis has no order.
    let same_order = found.order() == asked.order() || found.shape().len() < 2;
    if found.shape() == asked.shape() && same_order {
        return Ok(());
    }
    Err(Reason::Header(format!(
        "the file exists with the shape {:?} in {:?} order, but was to be created with {:?} in {:?} order",
        found.shape(),
        found.order(),
        asked.shape(),
        asked.order()
    ))
    .error())
}
