//! Arrays whose dtype is known only at run time.
//!
//! A program that inspects or converts the files of others, or lets its user name a column, does not know their element
//! types at compile time. In this module the dtype is a value: fields are found by name, and elements are printed,
//! converted to numbers of a known type, or viewed as a Rust type whose dtype they have.

mod bytes;
mod complex;
mod convert;
mod options;
mod reduce;
mod retype;
mod shared;
mod value;
mod view;

pub use bytes::AnyView;
pub(crate) use bytes::Checked;
pub(crate) use retype::mismatch;
pub use shared::{SharedDynArray, SharedDynArrayMut};
pub use value::{DynIter, RecordValue, Value};
pub use view::{DynView, DynViewMut};

use crate::access::{Addr, Exclusive, ReadOnly, ReadWrite, Stable};
use crate::array::{CreateOptions, MmapArray, Options, Raw};
use crate::dtype::DType;
use crate::element::Element;
use crate::error::{ArrayError, PersistError, Reason, Result};
use crate::region::{Advice, Region};
use crate::shape::{Axes, Dims, IntoShape, NdIndex, Order};
use crate::view::named::described;
use crate::view::{ArrayView, RawView};
use std::fmt::{self, Debug, Display};
use std::marker::PhantomData;
use std::path::Path;

/// A file, or a part of one, as an array of elements of a [`DType`] that is known only at run time.
///
/// It is an [`MmapArray`] whose element type is a value. Elements may lie at any byte offset, regardless of their
/// alignment. Most operations are methods of its [`view`](Self::view).
///
/// ```
/// use mmap_array::{DType, DynArray};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("trades");
/// std::fs::write(&path, b"header:\0\0\0\x07\x40\x09\x21\xfb\x54\x44\x2d\x18")?;
///
/// let dtype = DType::from_descr("[('qty', '>u4'), ('px', '>f8')]")?;
/// let trades = DynArray::options(dtype).offset(7).load(&path)?;
/// assert_eq!(trades.to_string(), "[(7, 3.14159265)]");
/// assert_eq!(trades.field("px")?.to_vec_as::<f32>()?, [std::f32::consts::PI]);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Safety
///
/// Opening a file has [the contract](MmapArray#safety) of `MmapArray`.
pub struct DynArray<A = ReadOnly> {
    region: Region,
    dtype: DType,
    /// The axes within the region, for elements of the dtype.
    axes: Axes,
    /// The position in the region of the element at the first index.
    first: usize,
    order: Order,
    marker: PhantomData<A>,
}

/// A [`DynArray`] whose elements can be written through typed views, and are written to its file, if it has one.
pub type DynArrayMut = DynArray<ReadWrite>;

impl DynArray {
    /// Returns options to open elements of a dtype in a raw file. See [`Options`].
    ///
    /// ```
    /// use mmap_array::DynArray;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("samples");
    /// std::fs::write(&path, [0xff, 0, 1, 0, 2, 0, 3, 0, 4])?;
    /// let samples = DynArray::options(">i2".parse()?).offset(1).shape([2, 2]).load(&path)?;
    /// assert_eq!(samples.to_string(), "[[1 2]\n [3 4]]");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn options(dtype: DType) -> Options<DType> {
        Options::new(dtype, Raw::default())
    }

    /// Returns options to create an array of elements of a dtype, with the given number of elements along each axis, in
    /// a raw file or in memory. See [`CreateOptions`].
    ///
    /// ```
    /// use mmap_array::DynArray;
    /// let dtype = "[('id', '<u4'), ('px', '>f8')]".parse()?;
    /// let table = DynArray::create_options(dtype, [2]).anonymous()?;
    /// assert_eq!(table.to_string(), "[(0, 0.) (0, 0.)]");
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[must_use]
    pub fn create_options(dtype: DType, shape: impl IntoShape) -> CreateOptions<DType> {
        CreateOptions::new(dtype, Raw::default(), shape)
    }
}

impl<A> DynArray<A> {
    /// Creates an array over a region that was mapped from the first to the last of the elements along the axes. The
    /// element at the first index lies at a position of the region. The elements do not overlap unless the mode only
    /// reads.
    pub(crate) fn strided(region: Region, first: usize, dtype: DType, axes: Axes, order: Order) -> Result<Self> {
        let array = Self { region, dtype, axes, first, order, marker: PhantomData };
        array.raw_view().map(|_| ()).map_err(|error| error.in_file(array.path()))?;
        Ok(array)
    }

    /// Returns a raw view of the elements, with the axes of elements that are subarrays appended. Returns an error if
    /// there are too many axes, which the constructor has ruled out.
    fn raw_view(&self) -> Result<(RawView, &DType)> {
        let ptr = self.region.as_ptr().map_or(Addr::dangling(), |ptr| Addr::of(ptr).add(self.first));
        RawView { ptr, axes: self.axes.clone() }.unpack_dtype(&self.dtype)
    }

    /// Returns the dtype of the elements.
    #[must_use]
    pub fn dtype(&self) -> &DType {
        &self.dtype
    }

    /// Returns the number of elements along each axis. The axes of elements that are subarrays are not included; the
    /// shape of the [`view`](Self::view) includes them.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        self.axes.lens()
    }

    /// Returns the number of axes. A 0-d array has no axes and one element.
    #[must_use]
    pub fn ndim(&self) -> usize {
        self.axes.ndim()
    }

    /// Returns the number of elements: the product of the shape.
    #[must_use]
    pub fn len(&self) -> usize {
        self.axes.len()
    }

    /// Returns `true` if the array has no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shape().contains(&0)
    }

    /// Returns the order in which the elements are stored.
    #[must_use]
    pub fn order(&self) -> Order {
        self.order
    }

    /// Returns the offset of the first element in the file, in bytes; 0 for an array in memory.
    #[must_use]
    pub fn byte_offset(&self) -> u64 {
        self.region.offset() + self.first as u64
    }

    /// Returns the path of the file as it was given; `None` for memory, scratch files, and files passed as open
    /// handles.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.region.path()
    }

    /// Returns the bytes of the elements as they are stored, or `None` if the elements are not contiguous, as in a
    /// window of rows in Fortran order.
    ///
    /// ```
    /// use mmap_array::{DType, DynArray};
    /// let array = DynArray::create_options(DType::from_descr("'<u2'")?, 2).anonymous()?;
    /// assert_eq!(array.as_bytes(), Some(&[0; 4][..]));
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        if !self.is_dense() {
            return None;
        }
        let Some(ptr) = self.region.as_ptr() else { return Some(&[]) };
        // SAFETY: the region's bytes are those of the elements and no others', initialized, being a file's or zeros or
        // written from values without padding; nobody writes them while `self` is borrowed, by the contract under which
        // the array was made.
        Some(unsafe { std::slice::from_raw_parts(ptr, self.region.len()) })
    }

    /// Returns whether the region contains the elements in storage order and nothing else.
    fn is_dense(&self) -> bool {
        let size = self.dtype.itemsize();
        let contiguous = match self.order {
            Order::C => self.axes.is_contiguous(size),
            Order::F => {
                let mut turned = self.axes.clone();
                turned.reverse();
                turned.is_contiguous(size)
            }
        };
        // As many as are mapped, where they do not overlap.
        contiguous && self.axes.len() * size == self.region.len()
    }

    /// Returns a read-only view of all elements.
    #[must_use]
    pub fn view(&self) -> DynView<'_> {
        let (raw, dtype) = self.raw_view().expect("the axes were counted when the array was made");
        // SAFETY: the region was mapped from the first to the last of these elements, whose bytes are initialized,
        // being a file's or zeros or written from values without padding; nobody writes them while `self` is borrowed,
        // by the contract under which the array was made.
        unsafe { DynView::from_raw(raw, dtype) }
    }

    /// Returns a view of all elements whose [`typed`](DynView::typed) views, and those of its fields, can write.
    ///
    /// ```
    /// use mmap_array::{DType, DynArray};
    /// let dtype = DType::from_descr("[('id', '<u2'), ('px', '<f8')]")?;
    /// let mut array = DynArray::create_options(dtype, 2).anonymous()?;
    /// # #[cfg(target_endian = "little")] {
    /// array.view_mut().field("px")?.typed::<f64>()?.set([1], 2.5);
    /// assert_eq!(array.to_string(), "[(0, 0. ) (0, 2.5)]");
    /// # }
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[must_use]
    pub fn view_mut(&mut self) -> DynViewMut<'_>
    where
        A: Exclusive<u8>,
    {
        let (raw, dtype) = self.raw_view().expect("the axes were counted when the array was made");
        // SAFETY: as for `view`; `Exclusive` modes map the bytes writable, no other array has them, and `self` is
        // borrowed exclusively.
        unsafe { DynView::from_raw(raw, dtype) }
    }

    /// Returns a read-only view of one field of every record, by its path: NumPy's `arr["px"]`. See [`DynView::field`].
    ///
    /// # Errors
    ///
    /// Returns [`UnknownField`](crate::ErrorKind::UnknownField), which lists the available fields, and
    /// [`Shape`](crate::ErrorKind::Shape) if the field is a subarray with which the view would have too many axes.
    pub fn field(&self, path: &str) -> Result<DynView<'_>> {
        self.view().field(path).map_err(|error| error.in_file(self.path()))
    }

    /// Returns a read-only view of the elements as elements of a Rust type that has their dtype. See
    /// [`DynView::typed`].
    ///
    /// # Errors
    ///
    /// Returns [`DTypeMismatch`](crate::ErrorKind::DTypeMismatch) if the dtypes differ. Its text names the dtype of the
    /// elements.
    pub fn typed<T: Element>(&self) -> Result<ArrayView<'_, T>>
    where
        ReadOnly: Stable<T>,
    {
        self.view().typed().map_err(|error| error.in_file(self.path()))
    }

    /// Converts the array into an array of a Rust type that has the dtype of its elements.
    ///
    /// # Errors
    ///
    /// Returns [`DTypeMismatch`](crate::ErrorKind::DTypeMismatch) if the dtypes differ,
    /// [`Misaligned`](crate::ErrorKind::Misaligned) if the elements are not aligned for the type, and
    /// [`NotContiguous`](crate::ErrorKind::NotContiguous) if they are not contiguous. [`typed`](Self::typed) views
    /// support the last two cases. The error returns the array.
    ///
    /// ```
    /// use mmap_array::{Be, DType, DynArray};
    /// let array = DynArray::create_options(DType::from_descr("'>f4'")?, [2, 3]).anonymous()?;
    /// let mut array = array.into_typed::<Be<f32>>()?;
    /// array[[1, 2]] = 7.0.into();
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn into_typed<T: Element>(self) -> Result<MmapArray<T, A>, ArrayError<Self>>
    where
        A: Stable<T>,
    {
        match self.dims_as::<T>() {
            Ok(dims) => MmapArray::from_region(self.region.clone(), dims, self.order)
                .map_err(|error| ArrayError::new(error, self)),
            Err(error) => Err(ArrayError::new(error.in_file(self.path()), self)),
        }
    }

    /// Returns the shape of the array as an array of contiguous elements of a Rust type.
    fn dims_as<T: Element>(&self) -> Result<Dims> {
        let wanted = described::<T>()?;
        if wanted != self.dtype {
            return Err(mismatch::<T>(&self.dtype, &wanted));
        }
        let dims = Dims::new(self.shape())?;
        if !self.is_dense() {
            let text = format!("the elements of shape {dims} are not contiguous, so they are not a slice; use a view");
            return Err(Reason::NotContiguous(text).error());
        }
        Ok(dims)
    }

    /// Returns the item at an index with one number per axis of the [`view`](Self::view). See [`DynView::at`].
    ///
    /// # Panics
    ///
    /// Panics if the index is outside the shape or has another number of axes.
    #[must_use]
    #[track_caller]
    pub fn at(&self, index: impl NdIndex) -> Value<'_> {
        self.view().at(index)
    }

    /// Advises the operating system how the array will be used. See [`MmapArray::advise`].
    ///
    /// # Errors
    ///
    /// Returns [`Unsupported`](crate::ErrorKind::Unsupported) or [`Io`](crate::ErrorKind::Io) as [`MmapArray::advise`]
    /// does.
    pub fn advise(&self, advice: Advice) -> Result<()> {
        self.region.advise(0..self.region.len(), advice)
    }
}

impl<T: Element, A> MmapArray<T, A> {
    /// Converts the array into one whose dtype is a value, which prints records as NumPy does and finds fields by name.
    /// [`DynArray::into_typed`] is the reverse.
    ///
    /// # Errors
    ///
    /// Returns [`DType`](crate::ErrorKind::DType) if a hand-written [`Element`] declares a size that differs from the
    /// size of its type. The error returns the array.
    ///
    /// ```
    /// # #[cfg(feature = "derive")] {
    /// # use bytemuck::{Pod, Zeroable};
    /// # use mmap_array::{MmapArrayMut, Record};
    /// #[derive(Clone, Copy, Zeroable, Pod, Record)]
    /// #[repr(C)]
    /// struct Point { x: f32, y: f32 }
    ///
    /// let points = MmapArrayMut::<Point>::anonymous(2)?;
    /// assert_eq!(points.into_dyn()?.to_string(), "[(0., 0.) (0., 0.)]");
    /// # }
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn into_dyn(self) -> Result<DynArray<A>, ArrayError<Self>> {
        let made = described::<T>().and_then(|dtype| {
            let axes = Axes::contiguous(self.dims(), self.order(), dtype.itemsize());
            DynArray::strided(self.region().clone(), 0, dtype, axes, self.order())
        });
        made.map_err(|error| ArrayError::new(error.in_file(self.path()), self))
    }
}

impl DynArrayMut {
    /// Writes the array to the disk and waits for completion. See [`MmapArray::flush`](crate::MmapArrayMut::flush).
    ///
    /// # Errors
    ///
    /// Returns [`Io`](crate::ErrorKind::Io) if the operating system cannot write.
    pub fn flush(&self) -> Result<()> {
        self.region.flush(0..self.region.len())
    }

    /// Gives the scratch file of the array a name. See [`MmapArray::persist`](crate::MmapArrayMut::persist).
    ///
    /// # Errors
    ///
    /// Returns the errors of [`MmapArray::persist`](crate::MmapArrayMut::persist).
    pub fn persist(self, path: impl AsRef<Path>) -> Result<(), PersistError<Self>> {
        self.region.persist(path.as_ref(), true).map_err(|failed| failed.with(self))
    }

    /// Gives the scratch file of the array a name that no file has yet. See
    /// [`MmapArray::persist_new`](crate::MmapArrayMut::persist_new).
    ///
    /// # Errors
    ///
    /// Returns the errors of [`MmapArray::persist_new`](crate::MmapArrayMut::persist_new).
    pub fn persist_new(self, path: impl AsRef<Path>) -> Result<(), PersistError<Self>> {
        self.region.persist(path.as_ref(), false).map_err(|failed| failed.with(self))
    }

    /// Flushes and unmaps the array, and returns the errors that a drop would ignore.
    ///
    /// # Errors
    ///
    /// Returns [`Io`](crate::ErrorKind::Io) if the operating system cannot write. The array is unmapped nevertheless.
    pub fn close(self) -> Result<()> {
        self.flush()
    }
}

impl Clone for DynArray {
    /// Returns another owner of the same memory map. Only the dtype and the axes are copied.
    fn clone(&self) -> Self {
        Self { region: self.region.clone(), dtype: self.dtype.clone(), axes: self.axes.clone(), ..*self }
    }
}

/// Formats the array as its [`DynView`] does.
impl<A> Display for DynArray<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.view(), f)
    }
}

/// Formats the array as NumPy's `repr(arr)`, always with the dtype.
impl<A> Debug for DynArray<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().debug("DynArray(", f)
    }
}
