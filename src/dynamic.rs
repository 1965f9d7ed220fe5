//! Arrays whose dtype is known only when the program runs.
//!
//! A program that looks into files of others, converts them, or lets its user name a column, does not know their types
//! when it is compiled. Here the dtype is a value: what an array holds is found field by field, printed, converted to
//! numbers of a known type, or, once it has turned out to be what a Rust type says, used as an array of that type.

mod bytes;
mod complex;
mod convert;
mod options;
mod reduce;
mod shared;
mod value;
mod view;

pub use bytes::AnyView;
pub(crate) use bytes::Checked;
pub use shared::{SharedDynArray, SharedDynArrayMut};
pub use value::{DynIter, RecordValue, Value};
pub(crate) use view::mismatch;
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

/// A file, or a portion of it, as an array of elements of a [`DType`] that is known only when the program runs.
///
/// It is what [`MmapArray`] is, with the elements' type as a value. Elements lie at any byte, whatever their alignment.
/// Everything that is done with them is done on its [`view`](Self::view).
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
/// [The contract](MmapArray#safety) of opening a file is that of `MmapArray`.
pub struct DynArray<A = ReadOnly> {
    region: Region,
    dtype: DType,
    /// Within the region, for elements of the dtype.
    axes: Axes,
    order: Order,
    marker: PhantomData<A>,
}

/// An array whose elements can be written, through a typed view, and are written to its file, where it has one.
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

    /// Returns options to create an array of elements of a dtype, of that many along each axis, in a raw file or in
    /// memory. See [`CreateOptions`].
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
    /// An array over a region that was mapped from the first to the last of the elements along the axes.
    pub(crate) fn strided(region: Region, dtype: DType, axes: Axes, order: Order) -> Result<Self> {
        let array = Self { region, dtype, axes, order, marker: PhantomData };
        array.raw_view().map(|_| ()).map_err(|error| error.in_file(array.path()))?;
        Ok(array)
    }

    /// The elements, with the axes of those that are subarrays; an error where these are too many, which `from_region`
    /// has found not to be so.
    fn raw_view(&self) -> Result<(RawView, &DType)> {
        let ptr = self.region.as_ptr().map_or(Addr::dangling(), |ptr| Addr::of(ptr));
        RawView { ptr, axes: self.axes.clone() }.unpack_dtype(&self.dtype)
    }

    /// What the elements are.
    #[must_use]
    pub fn dtype(&self) -> &DType {
        &self.dtype
    }

    /// The number of elements along each axis. The axes of elements that are subarrays are the [`view`](Self::view)'s.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        self.axes.lens()
    }

    /// The number of axes; a 0-d array has none, and one element.
    #[must_use]
    pub fn ndim(&self) -> usize {
        self.axes.ndim()
    }

    /// The number of elements: the product of the shape.
    #[must_use]
    pub fn len(&self) -> usize {
        self.axes.len()
    }

    /// Whether there is no element.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shape().contains(&0)
    }

    /// The order in which the elements follow one another in the file.
    #[must_use]
    pub fn order(&self) -> Order {
        self.order
    }

    /// Where the first element lies in the file, in bytes from its start. 0 for memory.
    #[must_use]
    pub fn byte_offset(&self) -> u64 {
        self.region.offset()
    }

    /// The file's path as it was given. `None` for memory, scratch files, and files passed in open.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.region.path()
    }

    /// The bytes of the elements, as they lie in the file; `None` where others lie between them, as in a window of rows
    /// in Fortran order.
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
        // SAFETY: the region's bytes are those of the elements and no others', initialised, being a file's or zeros or
        // written from values without padding; nobody writes them while `self` is borrowed, by the contract under which
        // the array was made.
        Some(unsafe { std::slice::from_raw_parts(ptr, self.region.len()) })
    }

    /// Whether the region has the elements and nothing else.
    fn is_dense(&self) -> bool {
        // What is mapped fits the address space.
        self.axes.len() * self.dtype.itemsize() == self.region.len()
    }

    /// A read-only view of all elements, in which everything that knows of them is found.
    #[must_use]
    pub fn view(&self) -> DynView<'_> {
        let (raw, dtype) = self.raw_view().expect("the axes were counted when the array was made");
        // SAFETY: the region was mapped from the first to the last of these elements, whose bytes are initialised, being a
        // file's or zeros or written from values without padding; nobody writes them while `self` is borrowed, by the
        // contract under which the array was made.
        unsafe { DynView::from_raw(raw, dtype) }
    }

    /// A writable view of all elements: [`typed`](DynView::typed) views of it and of its fields write.
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

    /// One field of every record, to read, by its path: NumPy's `arr["px"]`. See [`DynView::field`].
    ///
    /// # Errors
    ///
    /// [`UnknownField`](crate::ErrorKind::UnknownField), with the names that there are;
    /// [`Shape`](crate::ErrorKind::Shape) for a subarray whose axes are too many.
    pub fn field(&self, path: &str) -> Result<DynView<'_>> {
        self.view().field(path).map_err(|error| error.in_file(self.path()))
    }

    /// The elements as those of a Rust type, to read, where the dtype is that type's. See [`DynView::typed`].
    ///
    /// # Errors
    ///
    /// [`DTypeMismatch`](crate::ErrorKind::DTypeMismatch), which says what the elements are.
    pub fn typed<T: Element>(&self) -> Result<ArrayView<'_, T>>
    where
        ReadOnly: Stable<T>,
    {
        self.view().typed().map_err(|error| error.in_file(self.path()))
    }

    /// The array as one of elements of a Rust type, where the dtype is that type's.
    ///
    /// # Errors
    ///
    /// [`DTypeMismatch`](crate::ErrorKind::DTypeMismatch), which says what the elements are;
    /// [`Misaligned`](crate::ErrorKind::Misaligned) where they lie at addresses that the type cannot live at, and
    /// [`NotContiguous`](crate::ErrorKind::NotContiguous) where others lie between them, which views do not mind. The
    /// array comes back with the error.
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

    /// The shape of the array as one of elements of a Rust type that lie one after another.
    fn dims_as<T: Element>(&self) -> Result<Dims> {
        let wanted = described::<T>()?;
        if wanted != self.dtype {
            return Err(mismatch::<T>(&self.dtype, &wanted));
        }
        let dims = Dims::new(self.shape())?;
        if !self.is_dense() {
            let text = format!("the elements of shape {dims} have others between them, and are no slice");
            return Err(Reason::NotContiguous(text).error());
        }
        Ok(dims)
    }

    /// The item at an index of one number per axis of the [`view`](Self::view). See [`DynView::at`].
    ///
    /// # Panics
    ///
    /// If the index is outside the shape or has another number of axes.
    #[must_use]
    #[track_caller]
    pub fn at(&self, index: impl NdIndex) -> Value<'_> {
        self.view().at(index)
    }

    /// Tells the operating system how the array is going to be used. See [`MmapArray::advise`].
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::ErrorKind::Unsupported), [`Io`](crate::ErrorKind::Io) as there.
    pub fn advise(&self, advice: Advice) -> Result<()> {
        self.region.advise(0..self.region.len(), advice)
    }
}

impl<T: Element, A> MmapArray<T, A> {
    /// The array as one whose dtype is a value: printed as NumPy prints records, and handled by the names of fields.
    /// The other way is [`DynArray::into_typed`].
    ///
    /// # Errors
    ///
    /// [`DType`](crate::ErrorKind::DType) where an [`Element`] written by hand says another size than its type has. The
    /// array comes back with the error.
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
            DynArray::strided(self.region().clone(), dtype, axes, self.order())
        });
        made.map_err(|error| ArrayError::new(error.in_file(self.path()), self))
    }
}

impl DynArrayMut {
    /// Writes the array to the disk and waits until it is there. See [`MmapArray::flush`](crate::MmapArrayMut::flush).
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io) where the system could not write.
    pub fn flush(&self) -> Result<()> {
        self.region.flush(0..self.region.len())
    }

    /// Gives the scratch file of the array a name. See [`MmapArray::persist`](crate::MmapArrayMut::persist).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn persist(self, path: impl AsRef<Path>) -> Result<(), PersistError<Self>> {
        self.region.persist(path.as_ref(), true).map_err(|failed| failed.with(self))
    }

    /// Gives the scratch file of the array a name that no file has. See
    /// [`MmapArray::persist_new`](crate::MmapArrayMut::persist_new).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn persist_new(self, path: impl AsRef<Path>) -> Result<(), PersistError<Self>> {
        self.region.persist(path.as_ref(), false).map_err(|failed| failed.with(self))
    }

    /// Flushes and unmaps, and reports what a drop would not.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io) where the system could not write. The map is gone all the same.
    pub fn close(self) -> Result<()> {
        self.flush()
    }
}

impl Clone for DynArray {
    /// Another owner of the same map: nothing is copied or mapped anew, but the dtype.
    fn clone(&self) -> Self {
        Self { region: self.region.clone(), dtype: self.dtype.clone(), axes: self.axes.clone(), ..*self }
    }
}

/// As [`DynView`] prints.
impl<A> Display for DynArray<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.view(), f)
    }
}

/// As `repr(arr)` in NumPy, always with the dtype.
impl<A> Debug for DynArray<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().debug("DynArray(", f)
    }
}
