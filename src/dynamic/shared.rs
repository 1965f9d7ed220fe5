//! Arrays of files that others may change, whose dtype is known only at run time.

use super::{DynArrayMut, DynView, Value};
use crate::access::{Aliasing, Mode, ReadWrite, Shared, SharedMut};
use crate::array::elements::{Elements, Layout};
use crate::array::shared::{self, Chunks, CopyRows, Lend, SharedPortion, sealed};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::region::Region;
use crate::shape::{NdIndex, Order};
use crate::view::outside_text;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Range, RangeBounds};
use std::path::Path;

/// A file, or a part of one, as an array of elements of a [`DType`] that is known only at run time, while anybody may
/// write, truncate or extend the file.
///
/// It is a [`DynArray`](super::DynArray) that is opened without `unsafe` by
/// [`open_shared`](crate::Options::open_shared). See [`SharedArray`](crate::SharedArray) for its guarantees.
///
/// ```
/// use mmap_array::npy;
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("counts.npy");
/// npy::save(&path, &[3_u16, 4, 5])?;
/// let counts = npy::dyn_options().open_shared(&path)?;
/// assert_eq!(counts.dtype().to_string(), npy::header(&path)?.dtype().to_string());
/// assert_eq!(counts.try_read(|view| view.to_vec_as::<f64>())?, [3.0, 4.0, 5.0]);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct SharedDynArray<A: Aliasing = Shared> {
    portion: SharedPortion,
    dtype: DType,
    marker: PhantomData<A>,
}

/// A [`SharedDynArray`] whose elements can be written through typed views.
pub type SharedDynArrayMut = SharedDynArray<SharedMut>;

impl<A: Aliasing + Mode<Reading = Shared>> SharedDynArray<A> {
    fn new(region: Region, layout: Layout, dtype: DType) -> Result<Self> {
        let array = Self { portion: SharedPortion::new(region, layout)?, dtype, marker: PhantomData };
        // That the axes are not too many.
        array.portion.raw_view().unpack_dtype(&array.dtype).map_err(|error| error.in_file(array.path()))?;
        Ok(array)
    }

    /// Returns the dtype of the elements.
    #[must_use]
    pub fn dtype(&self) -> &DType {
        &self.dtype
    }

    /// Returns the number of elements along each axis when the array was opened or last [refreshed](Self::refresh). The
    /// axes of elements that are subarrays are not included; the shape of the [`view`](Self::view) includes them.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        self.portion.axes().lens()
    }

    /// Returns the number of axes. A 0-d array has no axes and one element.
    #[must_use]
    pub fn ndim(&self) -> usize {
        self.portion.axes().ndim()
    }

    /// Returns the number of elements: the product of the shape.
    #[must_use]
    pub fn len(&self) -> usize {
        self.portion.axes().len()
    }

    /// Returns `true` if the array has no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shape().contains(&0)
    }

    /// Returns the order in which the elements are stored.
    #[must_use]
    pub fn order(&self) -> Order {
        self.portion.layout().order
    }

    /// Returns the offset of the first element in the file, in bytes.
    #[must_use]
    pub fn byte_offset(&self) -> u64 {
        self.portion.layout().offset
    }

    /// Returns the path of the file as it was given; `None` for files passed as open handles.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.portion.path()
    }

    /// Returns a read-only view of all elements. See [`SharedArray::view`](crate::SharedArray::view).
    #[must_use]
    pub fn view(&self) -> DynView<'_, Shared> {
        self.lent(None)
    }

    /// Returns a view of the mapped elements, or of a copy of them.
    fn lent<'a>(&'a self, copy: Option<&'a Region>) -> DynView<'a, Shared> {
        let raw = copy.map_or_else(|| self.portion.raw_view(), |copy| self.portion.raw_view_of(copy));
        let (raw, dtype) = raw.unpack_dtype(&self.dtype).expect("the axes were counted when the array was made");
        // SAFETY: the axes lie within the region, whose bytes are a file's, initialized, or zeros in the place of those
        // that were lost; or within a copy of them.
        unsafe { DynView::from_raw(raw, dtype) }
    }

    /// Checks that the array has not lost an element. See [`SharedArray::check`](crate::SharedArray::check).
    ///
    /// # Errors
    ///
    /// Returns [`Truncated`](crate::ErrorKind::Truncated) or [`Io`](crate::ErrorKind::Io) as
    /// [`SharedArray::check`](crate::SharedArray::check) does.
    pub fn check(&self) -> Result<()> {
        self.portion.check()
    }

    /// Calls `f` with a view of the elements, and then checks once whether any of them was lost meanwhile. See
    /// [`SharedArray::read`](crate::SharedArray::read).
    ///
    /// # Errors
    ///
    /// Returns the errors of [`check`](Self::check).
    pub fn read<R>(&self, f: impl FnOnce(DynView<'_, Shared>) -> R) -> Result<R> {
        shared::read(self, f)
    }

    /// Calls a fallible `f` as [`read`](Self::read) does. The loss of an element takes precedence over the error of
    /// `f`.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`check`](Self::check), and the error of `f`.
    pub fn try_read<R, E: From<Error>>(&self, f: impl FnOnce(DynView<'_, Shared>) -> Result<R, E>) -> Result<R, E> {
        self.read(f)?
    }

    /// Calls `f` as [`read`](Self::read) does, and returns an error if the file was written meanwhile. See
    /// [`SharedArray::read_unchanged`](crate::SharedArray::read_unchanged).
    ///
    /// # Errors
    ///
    /// Returns the errors of [`check`](Self::check), and [`Changed`](crate::ErrorKind::Changed).
    pub fn read_unchanged<R>(&self, f: impl FnOnce(DynView<'_, Shared>) -> R) -> Result<R> {
        self.portion.unchanged(|| self.read(f))
    }

    /// Returns the item at an index with one number per axis of the [`view`](Self::view). See [`DynView::at`].
    ///
    /// # Errors
    ///
    /// Returns the errors of [`check`](Self::check).
    ///
    /// # Panics
    ///
    /// Panics if the index is outside the shape or has another number of axes. [`get`](Self::get) does not panic.
    #[track_caller]
    pub fn at(&self, index: impl NdIndex) -> Result<Value<'_>> {
        match index.with_index(|index| self.get(index))? {
            Some(value) => Ok(value),
            None => {
                let index = index.with_index(<[usize]>::to_vec);
                panic!("{}", outside_text(&index, self.view().shape(), "a view"))
            }
        }
    }

    /// Returns the item at an index, as [`at`](Self::at) does, or `None` if the index is outside the shape.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`check`](Self::check).
    pub fn get(&self, index: impl NdIndex) -> Result<Option<Value<'_>>> {
        let value = |view: DynView<'_, Shared>, index: &[usize]| {
            view.get(index).map(|value| value.with_dtype(self.dtype.flattened().0))
        };
        let copied = |index: &[usize]| -> Result<Option<Value<'_>>> {
            let Some((outer, inner)) = index.split_at_checked(self.ndim()) else { return Ok(None) };
            let Some(portion) = self.portion.element(outer) else { return Ok(None) };
            let copy = portion.copy(&self.dtype)?;
            let one = Self { portion, dtype: self.dtype.clone(), marker: PhantomData };
            Ok(value(one.lent(Some(&copy)), inner))
        };
        let value = index.with_index(|index| match Region::enter(|| value(self.view(), index)) {
            Some(value) => Ok(value),
            None => copied(index),
        })?;
        self.check().map(|()| value)
    }

    /// Copies the elements into memory, and returns them as an array that owns the copy.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`check`](Self::check), and [`Io`](crate::ErrorKind::Io) if memory allocation fails.
    ///
    /// ```
    /// use mmap_array::npy;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("counts.npy");
    /// npy::save(&path, &[3_u16, 4, 5])?;
    /// let copy = npy::dyn_options().open_shared(&path)?.load()?;
    /// assert_eq!(copy.to_string(), "[3 4 5]");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn load(&self) -> Result<DynArrayMut> {
        let copy = self.portion.copy(&self.dtype)?;
        Elements::<ReadWrite>::array(&self.dtype, copy, self.portion.layout().clone().in_memory())
    }

    /// Returns an iterator over copies of `rows` rows at a time, each of which is complete or an error. See
    /// [`SharedArray::chunks`](crate::SharedArray::chunks).
    ///
    /// # Panics
    ///
    /// Panics if `rows` is 0.
    ///
    /// ```
    /// use mmap_array::npy;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("counts.npy");
    /// npy::save(&path, &[3_u16, 4, 5])?;
    /// let counts = npy::dyn_options().open_shared(&path)?;
    /// let texts = counts.chunks(2).map(|chunk| Ok(chunk?.to_string())).collect::<mmap_array::Result<Vec<_>>>()?;
    /// assert_eq!(texts, ["[3 4]", "[5]"]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn chunks(&self, rows: usize) -> Chunks<'_, Self> {
        Chunks::new(self, rows)
    }

    /// Converts the array into an array of some of its rows, over the same memory map. See
    /// [`SharedArray::into_rows`](crate::SharedArray::into_rows).
    ///
    /// # Panics
    ///
    /// Panics if the range is outside the array or the array has no axes.
    #[must_use]
    #[track_caller]
    pub fn into_rows(self, rows: impl RangeBounds<usize>) -> Self {
        Self { portion: self.portion.part(&rows), ..self }
    }

    /// Maps the current contents of the file. See [`SharedArray::refresh`](crate::SharedArray::refresh).
    ///
    /// # Errors
    ///
    /// Returns an error, as opening the file does, if the elements no longer exist, are not a whole number, or have
    /// another dtype. The array is then unchanged.
    pub fn refresh(&mut self) -> Result<bool> {
        let (mut portion, dtype) = (self.portion.clone(), &self.dtype);
        let is_other = portion.refresh()?;
        if portion.layout().dtype.as_ref().is_some_and(|found| found != dtype) {
            let text = format!("the dtype of the file is no longer {dtype}; open the file again");
            return Err(crate::error::Reason::DTypeMismatch(text).error().in_file(self.path()));
        }
        self.portion = portion;
        Ok(is_other)
    }
}

impl SharedDynArrayMut {
    /// Calls `f` with a view whose typed views can write, and then checks once whether any element was lost meanwhile.
    /// See [`SharedArray::write`](crate::SharedArrayMut::write).
    ///
    /// # Errors
    ///
    /// Returns the errors of [`SharedArray::write`](crate::SharedArrayMut::write).
    ///
    /// ```
    /// use mmap_array::{DynArray, Le};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("counts");
    /// std::fs::write(&path, [0; 8])?;
    /// let counts = DynArray::options("[('id', '<u2'), ('n', '<u2')]".parse()?).open_shared_mut(&path)?;
    /// counts.write(|view| view.field("n")?.typed::<Le<u16>>().map(|n| n.fill(7.into())))??;
    /// assert_eq!(std::fs::read(&path)?, [0, 0, 7, 0, 0, 0, 7, 0]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn write<R>(&self, f: impl FnOnce(DynView<'_, SharedMut>) -> R) -> Result<R> {
        let written = self.portion.write(|| {
            let (raw, dtype) = self
                .portion
                .raw_view()
                .unpack_dtype(&self.dtype)
                .expect("the axes were counted when the array was made");
            // SAFETY: as for `lent`; the mode maps the bytes writable.
            f(unsafe { DynView::from_raw(raw, dtype) })
        });
        written.map_err(|error| error.in_file(self.path()))
    }

    /// Writes the elements to the disk and waits for completion.
    ///
    /// # Errors
    ///
    /// Returns [`Io`](crate::ErrorKind::Io) if the operating system cannot write, and the errors of
    /// [`check`](Self::check).
    pub fn flush(&self) -> Result<()> {
        self.portion.flush()
    }
}

impl<A: Aliasing + Mode<Reading = Shared>> CopyRows for SharedDynArray<A> {
    type Copy = DynArrayMut;

    fn rows(&self) -> Option<usize> {
        self.portion.layout().dims.first().copied()
    }

    fn copy_rows(&self, rows: Range<usize>) -> Result<DynArrayMut> {
        let (copy, layout) = self.portion.copy_rows(&self.dtype, rows)?;
        Elements::<ReadWrite>::array(&self.dtype, copy, layout)
    }
}

impl<A: Aliasing + Mode<Reading = Shared>> sealed::Readable for &SharedDynArray<A> {
    type Copy = Region;

    fn copy(&self, _: sealed::Token) -> Result<Region> {
        self.portion.copy(&self.dtype)
    }

    fn check(&self, _: sealed::Token) -> Result<()> {
        self.portion.check()
    }
}

impl<'a, A: Aliasing + Mode<Reading = Shared>> Lend<'a> for &SharedDynArray<A> {
    type View = DynView<'a, Shared>;

    fn lend(&'a self, copy: Option<&'a Region>, _: sealed::Token) -> DynView<'a, Shared> {
        self.lent(copy)
    }
}

macro_rules! elements {
    ($($Mode:ident)*) => {$(
        impl Elements<$Mode> for DType {
            type Array = SharedDynArray<$Mode>;

            fn array(&self, region: Region, layout: Layout) -> Result<SharedDynArray<$Mode>> {
                // A format may have made axes of those that elements have within.
                let dtype = layout.dtype.clone().unwrap_or_else(|| self.clone());
                SharedDynArray::new(region, layout, dtype)
            }
        }
    )*};
}
elements!(Shared SharedMut);

/// Formats a description of the array. A view formats the elements: `array.read(|view| view.to_string())`.
impl<A: Aliasing + Mode<Reading = Shared>> fmt::Debug for SharedDynArray<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedDynArray")
            .field("dtype", &format_args!("{}", self.dtype))
            .field("shape", &self.shape())
            .field("path", &self.path())
            .field("byte_offset", &self.byte_offset())
            .finish_non_exhaustive()
    }
}
