//! Arrays of files that others write, append to and cut while they are read.
//!
//! A slice of such a file is impossible: its elements change under it, and a page that was cut off ends the program. So a
//! [`SharedArray`] gives out elements by value, and says after each operation whether it has lost any. How a lost page
//! becomes an error is told in `region::fault`.

use super::elements::{Again, Elements, Layout, Strided, Typed, sealed::Described};
use super::source::Bytes;
use super::{MmapArrayMut, load};
use crate::access::{Addr, Aliasing, Atomic, Load, Mode, ReadWrite, Shared, SharedMut, Stable, Store};
use crate::error::{Error, ErrorKind, Reason, Result, short_type_name};
use crate::region::Region;
use crate::shape::{Axes, NdIndex, Order};
use crate::view::{ArrayView, RawView, resolve};
use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::ops::{Range, RangeBounds};
use std::path::Path;

/// A file, or a portion of one, as a typed and shaped array that anybody may write, cut or append to meanwhile.
///
/// It is what [`MmapArray`](crate::MmapArray) is, for files of which nothing can be promised, and opening one needs no
/// `unsafe`: by [`open_shared`](crate::Options::open_shared), of every kind of source, format and window. Elements come by
/// value, so there is no `Deref` and no slice. `A` is [`Shared`], or [`SharedMut`] ([`SharedArrayMut`] for short) where
/// elements can be written too.
///
/// **An operation, then one question.** [`read`](Self::read) lends a view, in which everything is found that views have:
/// sums, fields by name, axes, copies. When the closure is done the array asks whether anything was lost meanwhile, and if
/// so its result is an error of kind [`Truncated`](crate::ErrorKind::Truncated), or [`Io`](crate::ErrorKind::Io) where the
/// disk failed, with the first byte that was. The question costs less than a microsecond, whatever the size.
///
/// ```
/// use mmap_array::{ErrorKind, MmapArray};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("samples");
/// std::fs::write(&path, [1_u8; 100_000])?;
/// let samples = MmapArray::<u8>::options().open_shared(&path)?;
/// assert_eq!(samples.read(|view| view.sum())?, 100_000);
///
/// std::fs::write(&path, [2; 1000])?; // cuts it, and writes what is left
/// # if cfg!(unix) {
/// let error = samples.read(|view| view.sum()).unwrap_err();
/// assert_eq!((error.kind(), error.byte_range()), (ErrorKind::Truncated, Some(1000..100_000)));
/// # }
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # What is promised
///
/// At each moment an element that is loaded has the bits that the file's page had at that moment. An operation is an error
/// if a page was lost while it ran, or if the file is shorter at its end than the elements need. Nothing more:
///
/// - A file that is written meanwhile shows some elements before and some after the write, and an element of more than
///   eight bytes, or at an address that is no multiple of its size, may be half of each.
/// - A file that is cut and filled again between two looks is a file that was written, and may have been zero for a moment.
///   [`read_unchanged`](Self::read_unchanged) finds what was done by system calls.
/// - Within an operation lost pages are zeros. A closure that would never end, or panic, because of zeros has to ask
///   [`check`](Self::check) on its way, or to work on copies: [`chunks`](Self::chunks), [`load`](Self::load).
///
/// On Unix a handler of `SIGBUS` is installed when the first array is opened so; faults that are not of such arrays go to
/// whoever handled them before. Where another handler has taken its place since, and nothing else can be done, operations
/// copy the elements into memory first. Windows does not let files be cut that are mapped, by an error to whoever tries;
/// a disk that fails there still ends the program.
pub struct SharedArray<T, A = Shared> {
    portion: SharedPortion,
    marker: PhantomData<(T, A)>,
}

/// A shared array whose elements can be written, by this program and by others at once.
pub type SharedArrayMut<T> = SharedArray<T, SharedMut>;

/// What there is of a shared array but for what its elements are.
#[derive(Clone)]
pub(crate) struct SharedPortion {
    region: Region,
    /// Within the region.
    axes: Axes,
    layout: Layout,
    again: Again,
}

impl SharedPortion {
    pub(crate) fn new(region: Region, mut layout: Layout) -> Result<Self> {
        let again = layout.again.take().ok_or_else(|| Error::unsupported("this file cannot be opened shared"))?;
        Ok(Self { axes: layout.axes(), region, layout, again })
    }

    pub(crate) fn axes(&self) -> &Axes {
        &self.axes
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    pub(crate) fn raw_view(&self) -> RawView {
        RawView { ptr: address(&self.region), axes: self.axes.clone() }
    }

    /// The elements of a copy that [`copy`](Self::copy) has made.
    pub(crate) fn raw_view_of(&self, copy: &Region) -> RawView {
        RawView { ptr: address(copy), axes: self.layout.clone().in_memory().axes() }
    }

    /// Copies the elements into memory by reading the file.
    pub(crate) fn copy(&self, elements: &impl Described) -> Result<Region> {
        self.copy_of(elements, &self.layout)
    }

    fn copy_of(&self, elements: &impl Described, layout: &Layout) -> Result<Region> {
        load::read(elements, layout, Bytes::File(self.again.bytes())).map_err(|error| match error.kind() {
            // It was longer when it was opened.
            ErrorKind::PastEnd => self.region.check().err().unwrap_or(error),
            _ => error,
        })
    }

    /// A range of rows copied into memory, and their layout.
    fn copy_rows(&self, elements: &impl Described, rows: Range<usize>) -> Result<(Region, Layout)> {
        let layout = self.layout.rows(rows);
        let copy = self.copy_of(elements, &layout).map_err(|error| error.in_file(self.path()))?;
        Ok((copy, layout.in_memory()))
    }

    /// A range of rows, over the same map.
    fn part(&self, rows: Range<usize>) -> Self {
        let layout = self.layout.rows(rows);
        let start = (layout.offset - self.layout.offset) as usize;
        // The rows of a portion that is mapped take no more of the address space than it.
        let len = layout.span().unwrap_or(0);
        Self { region: self.region.part(start..start + len), axes: layout.axes(), layout, again: self.again.clone() }
    }

    pub(crate) fn check(&self) -> Result<()> {
        self.region.check()
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        self.again.path.as_deref()
    }

    /// Calls `f`, which writes elements, and then asks once whether any was lost.
    pub(crate) fn write<R>(&self, f: impl FnOnce() -> R) -> Result<R> {
        let Some(result) = Region::enter(f) else {
            let text = "cannot write: another handler of SIGBUS has taken the place of the one that finds lost pages";
            return Err(Error::unsupported(text).in_file(self.path()));
        };
        self.check().map(|()| result)
    }

    pub(crate) fn flush(&self) -> Result<()> {
        self.region.flush(0..self.region.len())?;
        self.check()
    }

    /// Maps what there is now. Whether it is of another shape than before.
    pub(crate) fn refresh(&mut self) -> Result<bool> {
        let (region, layout) = (self.again.map)(self.again.bytes()).map_err(|error| error.in_file(self.path()))?;
        let is_other = layout.dims[..] != self.layout.dims[..] || layout.offset != self.layout.offset;
        let axes = layout.axes();
        (self.region, self.axes, self.layout) = (region, axes, layout);
        Ok(is_other)
    }

    /// The file's length and when it was last written, as far as the system tells.
    fn stamp(&self) -> Result<impl PartialEq> {
        let error = |source| Error::io("ask when the file was changed", source).in_file(self.path());
        let metadata = self.again.file.metadata().map_err(error)?;
        #[cfg(unix)]
        let changed = {
            use std::os::unix::fs::MetadataExt;
            (metadata.ctime(), metadata.ctime_nsec(), metadata.mtime(), metadata.mtime_nsec())
        };
        #[cfg(not(unix))]
        let changed = metadata.modified().map_err(error)?;
        Ok((metadata.len(), changed))
    }

    pub(crate) fn unchanged<R>(&self, read: impl FnOnce() -> Result<R>) -> Result<R> {
        let before = self.stamp()?;
        let result = read()?;
        match self.stamp()? == before {
            true => Ok(result),
            false => Err(Reason::Changed.error().in_file(self.path())),
        }
    }
}

fn address(region: &Region) -> Addr {
    region.as_ptr().map_or(Addr::dangling(), |ptr| Addr::of(ptr))
}

/// What several shared arrays are read together as: see [`read`].
///
/// `&SharedArray`, `&SharedDynArray` and tuples of them. The trait is sealed.
pub trait Readable: for<'a> Lend<'a> {}
impl<S: for<'a> Lend<'a>> Readable for S {}

/// What shared arrays are lent as for a lifetime, which they outlive. The trait is sealed.
pub trait Lend<'a, Outlived = &'a Self>: sealed::Readable {
    /// A view, or a tuple of views.
    type View;

    /// The elements where they are, or in a copy.
    #[doc(hidden)]
    fn lend(&'a self, copy: Option<&'a Self::Copy>) -> Self::View;
}

pub(crate) mod sealed {
    use super::Result;

    pub trait Readable {
        /// The elements in memory.
        type Copy;

        fn copy(&self) -> Result<Self::Copy>;

        fn check(&self) -> Result<()>;
    }
}

impl<T, A: Mode> sealed::Readable for &SharedArray<T, A> {
    type Copy = Region;

    fn copy(&self) -> Result<Region> {
        self.portion.copy(&Typed::<T>::new())
    }

    fn check(&self) -> Result<()> {
        self.portion.check()
    }
}

impl<'a, T, A: Mode> Lend<'a> for &SharedArray<T, A> {
    type View = ArrayView<'a, T, Shared>;

    fn lend(&'a self, copy: Option<&'a Region>) -> ArrayView<'a, T, Shared> {
        match copy {
            None => self.view(),
            // SAFETY: the copy has all the elements, whose bytes were read, and nobody else has it.
            Some(copy) => unsafe { ArrayView::from_raw(self.portion.raw_view_of(copy)) },
        }
    }
}

macro_rules! tuples {
    ($($($Array:ident $place:tt),+;)*) => {$(
        impl<$($Array: Readable),+> sealed::Readable for ($($Array,)+) {
            type Copy = ($($Array::Copy,)+);

            fn copy(&self) -> Result<Self::Copy> {
                Ok(($(self.$place.copy()?,)+))
            }

            fn check(&self) -> Result<()> {
                $(self.$place.check()?;)+
                Ok(())
            }
        }

        impl<'a, $($Array: Readable),+> Lend<'a> for ($($Array,)+) {
            type View = ($(<$Array as Lend<'a>>::View,)+);

            fn lend(&'a self, copy: Option<&'a Self::Copy>) -> Self::View {
                ($(self.$place.lend(copy.map(|copy| &copy.$place)),)+)
            }
        }
    )*};
}
tuples! {
    B 0;
    B 0, C 1;
    B 0, C 1, D 2;
    B 0, C 1, D 2, E 3;
    B 0, C 1, D 2, E 3, F 4;
    B 0, C 1, D 2, E 3, F 4, G 5;
    B 0, C 1, D 2, E 3, F 4, G 5, H 6;
    B 0, C 1, D 2, E 3, F 4, G 5, H 6, I 7;
}

/// Calls `f` with views of several shared arrays, and then asks once whether any of them has lost an element: as
/// [`SharedArray::read`] for one.
///
/// # Errors
///
/// As for [`SharedArray::read`], of the first array that has lost elements.
///
/// ```
/// use mmap_array::{MmapArray, shared};
/// # let dir = tempfile::tempdir()?;
/// # let (left, right) = (dir.path().join("left"), dir.path().join("right"));
/// std::fs::write(&left, [1, 2, 3])?;
/// std::fs::write(&right, [4, 5, 6])?;
/// let left = MmapArray::<u8>::options().open_shared(&left)?;
/// let right = MmapArray::<u8>::options().open_shared(&right)?;
/// let dot = shared::read((&left, &right), |(left, right)| left.iter().zip(&right).map(|(a, b)| a * b).sum::<u8>())?;
/// assert_eq!(dot, 32);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn read<S: Readable, R>(arrays: S, f: impl for<'a> FnOnce(<S as Lend<'a>>::View) -> R) -> Result<R> {
    let mut f = Some(f);
    let entered = Region::enter(|| f.take().map(|f| f(arrays.lend(None))));
    if let Some(Some(result)) = entered {
        return arrays.check().map(|()| result);
    }
    let copy = arrays.copy()?;
    let Some(f) = f else { unreachable!("it has not been called") };
    Ok(f(arrays.lend(Some(&copy))))
}

impl<T, A: Mode> SharedArray<T, A> {
    fn new(region: Region, layout: Layout) -> Result<Self> {
        Ok(Self { portion: SharedPortion::new(region, layout)?, marker: PhantomData })
    }

    /// Returns the number of elements along each axis, as they were when the array was opened or last
    /// [refreshed](Self::refresh).
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        self.portion.axes.lens()
    }

    /// Returns the number of axes; a 0-d array has none, and one element.
    #[must_use]
    pub fn ndim(&self) -> usize {
        self.portion.axes.ndim()
    }

    /// Returns the number of elements: the product of the shape.
    #[must_use]
    pub fn len(&self) -> usize {
        self.portion.axes.len()
    }

    /// Returns whether there is no element.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shape().contains(&0)
    }

    /// Returns the order in which the elements follow one another in the file.
    #[must_use]
    pub fn order(&self) -> Order {
        self.portion.layout.order
    }

    /// Returns where the first element lies in the file, in bytes from its start.
    #[must_use]
    pub fn byte_offset(&self) -> u64 {
        self.portion.layout.offset
    }

    /// Returns the file's path as it was given; `None` for files passed in open.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.portion.path()
    }

    /// Returns a view of all elements, to read. What it has seen is good if [`check`](Self::check) says so afterwards.
    ///
    /// It is for iterators and closures that outlive one call. [`read`](Self::read) asks by itself, gets by where another
    /// handler has taken the place of this crate's, and unblocks `SIGBUS` in a thread that blocks it; with a view these
    /// are the caller's business.
    ///
    /// ```
    /// use mmap_array::MmapArray;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("samples");
    /// std::fs::write(&path, [1, 2, 3])?;
    /// let samples = MmapArray::<u8>::options().open_shared(&path)?;
    /// let sum: u8 = samples.view().iter().sum();
    /// samples.check()?;
    /// assert_eq!(sum, 6);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// There are no references to its elements:
    ///
    /// ```compile_fail
    /// fn first(samples: &mmap_array::SharedArray<u8>) -> Option<&[u8]> {
    ///     samples.view().into_slice()
    /// }
    /// ```
    ///
    /// ```compile_fail
    /// fn first(samples: &mmap_array::SharedArray<u8>) -> &u8 {
    ///     &samples[0]
    /// }
    /// ```
    #[must_use]
    pub fn view(&self) -> ArrayView<'_, T, Shared> {
        // SAFETY: the axes lie within the region, whose bytes are a file's, initialised, or zeros in the place of those that
        // were lost.
        unsafe { ArrayView::from_raw(self.portion.raw_view()) }
    }

    /// Finds out whether the array has lost an element since it was opened or last [refreshed](Self::refresh).
    ///
    /// # Errors
    ///
    /// [`Truncated`](crate::ErrorKind::Truncated) where the file was made shorter than the elements need: also where it was
    /// longer again before anybody looked, if a page was found missing meanwhile. [`Io`](crate::ErrorKind::Io) where the
    /// disk did not give a page. The error's [`byte_range`](crate::Error::byte_range) begins at the first byte that may be
    /// lost; the bytes before it are good.
    pub fn check(&self) -> Result<()> {
        self.portion.check()
    }

    /// Calls `f` with a view of the elements, and then asks once whether any of them was lost meanwhile. Its result is
    /// what `f` has made of the file, or an error: never of zeros in the place of what was lost.
    ///
    /// Where the handler of lost pages has been replaced by another, the elements are copied into memory first.
    ///
    /// # Errors
    ///
    /// As for [`check`](Self::check).
    ///
    /// ```
    /// use mmap_array::npy;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("table.npy");
    /// npy::save(&path, &vec![[1.0, 2.0], [3.0, 4.0]])?;
    /// let table = npy::options::<f64>().open_shared(&path)?;
    /// let (sum, last) = table.read(|view| (view.sum(), view.index_axis(0, 1).to_vec()))?;
    /// assert_eq!((sum, last), (10.0, vec![3.0, 4.0]));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn read<R>(&self, f: impl FnOnce(ArrayView<'_, T, Shared>) -> R) -> Result<R> {
        read(self, f)
    }

    /// As [`read`](Self::read), for an `f` that may fail. That something was lost outranks its error.
    ///
    /// # Errors
    ///
    /// As for [`check`](Self::check), and `f`'s.
    ///
    /// ```
    /// use mmap_array::npy;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("counts.npy");
    /// npy::save(&path, &[1_u32, 2, 3])?;
    /// let counts = npy::options::<u32>().open_shared(&path)?;
    /// let pairs = counts.try_read(|view| view.reshape([None, Some(2)]).map(|pairs| pairs.to_vec()));
    /// assert_eq!(pairs.unwrap_err().kind(), mmap_array::ErrorKind::Shape);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn try_read<R, E: From<Error>>(
        &self,
        f: impl FnOnce(ArrayView<'_, T, Shared>) -> Result<R, E>,
    ) -> Result<R, E> {
        self.read(f)?
    }

    /// As [`read`](Self::read), and an error where the file was written meanwhile, by whomever and wherever: for readers
    /// who need all elements of one state.
    ///
    /// The file's length and its times of change are compared before and after, so that everything is found that was done
    /// by system calls. What others store through maps is not: the system counts it now or later. Some file systems count
    /// time in steps of some milliseconds, and a write that comes within one is not found.
    ///
    /// # Errors
    ///
    /// As for [`check`](Self::check), and [`Changed`](crate::ErrorKind::Changed).
    ///
    /// ```
    /// use mmap_array::{ErrorKind, MmapArray};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("samples");
    /// std::fs::write(&path, [1, 2, 3])?;
    /// let samples = MmapArray::<u8>::options().open_shared(&path)?;
    /// assert_eq!(samples.read_unchanged(|view| view.sum())?, 6);
    /// let error = samples.read_unchanged(|_| std::fs::write(&path, [1, 2, 3, 4]));
    /// # if cfg!(unix) {
    /// assert_eq!(error.unwrap_err().kind(), ErrorKind::Changed);
    /// # }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn read_unchanged<R>(&self, f: impl FnOnce(ArrayView<'_, T, Shared>) -> R) -> Result<R> {
        self.portion.unchanged(|| self.read(f))
    }

    /// Returns the element at an index of one number per axis.
    ///
    /// For many of them, [`read`](Self::read) with the view's [`at`](ArrayView::at) asks once.
    ///
    /// # Errors
    ///
    /// As for [`check`](Self::check).
    ///
    /// # Panics
    ///
    /// If the index is outside the shape or has another number of axes. [`get`](Self::get) does not panic.
    ///
    /// ```
    /// use mmap_array::MmapArray;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("samples");
    /// std::fs::write(&path, [1, 2, 3, 4])?;
    /// let samples = MmapArray::<u8>::options().shape([2, 2]).open_shared(&path)?;
    /// assert_eq!((samples.at([1, 0])?, samples.get([2, 0])?), (3, None));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn at(&self, index: impl NdIndex) -> Result<T>
    where
        Shared: Load<T>,
    {
        self.read(|view| view.at(index))
    }

    /// As [`at`](Self::at), with `None` for an index outside.
    ///
    /// # Errors
    ///
    /// As for [`check`](Self::check).
    pub fn get(&self, index: impl NdIndex) -> Result<Option<T>>
    where
        Shared: Load<T>,
    {
        self.read(|view| view.get(index))
    }

    /// Copies the elements into memory, as an array of its own.
    ///
    /// # Errors
    ///
    /// As for [`check`](Self::check), and [`Io`](crate::ErrorKind::Io) where there is not enough memory.
    ///
    /// ```
    /// use mmap_array::MmapArray;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("samples");
    /// std::fs::write(&path, [1, 2, 3])?;
    /// let samples = MmapArray::<u8>::options().open_shared(&path)?;
    /// let mut copy = samples.load()?;
    /// copy.sort_by(|a, b| b.cmp(a));
    /// assert_eq!(*copy, [3, 2, 1]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn load(&self) -> Result<MmapArrayMut<T>>
    where
        ReadWrite: Stable<T>,
    {
        let copy = self.portion.copy(&Typed::<T>::new())?;
        Elements::<ReadWrite>::array(Typed::new(), copy, self.portion.layout.clone().in_memory())
    }

    /// Returns an iterator of copies of so many rows at a time, the last of what is left. Each is whole, or an error: so
    /// they are for loops that do something with each row, which cannot be taken back.
    ///
    /// An array without axes is one copy.
    ///
    /// # Panics
    ///
    /// If `rows` is 0.
    ///
    /// ```
    /// use mmap_array::npy;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("frames.npy");
    /// npy::save(&path, &vec![[1_u8; 3]; 5])?;
    /// let frames = npy::options::<u8>().open_shared(&path)?;
    /// for chunk in frames.chunks(2) {
    ///     let chunk = chunk?;
    ///     println!("{} rows: {chunk}", chunk.shape()[0]);
    /// }
    /// # assert_eq!(frames.chunks(2).len(), 3);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn chunks(&self, rows: usize) -> Chunks<'_, T, A>
    where
        ReadWrite: Stable<T>,
    {
        assert!(rows > 0, "chunks of 0 rows");
        let count = self.shape().first().map_or(1, |len| len.div_ceil(rows));
        Chunks { array: self, rows, left: 0..count }
    }

    /// Returns rows of the array as an array of their own, over the same map, which asks about its own bytes alone.
    ///
    /// # Panics
    ///
    /// If the range is outside the array, or the array has no axes.
    ///
    /// ```
    /// use mmap_array::npy;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("frames.npy");
    /// npy::save(&path, &vec![[1_u8; 3]; 5])?;
    /// let frames = npy::options::<u8>().open_shared(&path)?;
    /// assert_eq!(frames.into_rows(1..3).shape(), [2, 3]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn into_rows(self, rows: impl RangeBounds<usize>) -> Self {
        let Some(&len) = self.shape().first() else { panic!("a 0-d array has no rows") };
        match resolve(&rows, len) {
            Ok(rows) => Self { portion: self.portion.part(rows), marker: PhantomData },
            Err(error) => panic!("{error} along axis 0"),
        }
    }

    /// Maps what the file holds now, by what the array was opened with: elements that were appended are there then, those
    /// that were cut off are not, and what was lost is forgotten. Returns whether the shape is another.
    ///
    /// The file is the one that was opened, also where another has its name now. An array of [`rows`](Self::into_rows)
    /// becomes the one that it was cut from. Clones keep the old map.
    ///
    /// # Errors
    ///
    /// As for opening: where the elements are no longer there, or are no whole number. The array is as it was.
    ///
    /// ```
    /// use mmap_array::MmapArray;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("log");
    /// std::fs::write(&path, [1, 2, 3])?;
    /// let mut log = MmapArray::<u8>::options().open_shared(&path)?;
    /// std::io::Write::write_all(&mut std::fs::File::options().append(true).open(&path)?, &[4])?;
    /// assert!(log.refresh()?);
    /// assert_eq!(log.read(|view| view.to_vec())?, [1, 2, 3, 4]);
    /// assert!(!log.refresh()?);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn refresh(&mut self) -> Result<bool> {
        self.portion.refresh()
    }
}

impl<T> SharedArrayMut<T>
where
    SharedMut: Store<T>,
{
    /// Calls `f` with a view of the elements that can be written, and then asks once whether any of them was lost
    /// meanwhile. What others write at the same time is not kept apart.
    ///
    /// # Errors
    ///
    /// As for [`check`](Self::check): stores to what was lost are lost too. Where another handler of `SIGBUS` has taken
    /// the place of this crate's, [`Unsupported`](crate::ErrorKind::Unsupported), and nothing was written.
    ///
    /// ```
    /// use mmap_array::MmapArray;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("counts");
    /// std::fs::write(&path, [0; 8])?;
    /// let counts = MmapArray::<u8>::options().shape([2, 4]).open_shared_mut(&path)?;
    /// counts.write(|view| view.index_axis(0, 1).fill(7))?;
    /// assert_eq!(std::fs::read(&path)?, [0, 0, 0, 0, 7, 7, 7, 7]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn write<R>(&self, f: impl FnOnce(ArrayView<'_, T, SharedMut>) -> R) -> Result<R> {
        self.portion.write(|| f(self.view_mut()))
    }

    /// Returns a view of all elements, to read and write. What it has stored is in the file if [`check`](Self::check) says
    /// so afterwards; see [`view`](Self::view).
    #[must_use]
    pub fn view_mut(&self) -> ArrayView<'_, T, SharedMut> {
        // SAFETY: as for `view`; the mode maps the bytes writable.
        unsafe { ArrayView::from_raw(self.portion.raw_view()) }
    }

    /// Stores an element.
    ///
    /// # Errors
    ///
    /// As for [`write`](Self::write).
    ///
    /// # Panics
    ///
    /// If the index is outside the shape or has another number of axes.
    ///
    /// ```
    /// use mmap_array::MmapArray;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("flags");
    /// std::fs::write(&path, [0; 3])?;
    /// let flags = MmapArray::<u8>::options().open_shared_mut(&path)?;
    /// flags.set([1], 9)?;
    /// assert_eq!(std::fs::read(&path)?, [0, 9, 0]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn set(&self, index: impl NdIndex, value: T) -> Result<()> {
        self.write(|view| view.set(index, value))
    }

    /// Stores the same value in every element.
    ///
    /// # Errors
    ///
    /// As for [`write`](Self::write).
    pub fn fill(&self, value: T) -> Result<()>
    where
        T: Copy,
    {
        self.write(|view| view.fill(value))
    }

    /// Copies the elements of a view of the same shape.
    ///
    /// # Errors
    ///
    /// As for [`write`](Self::write).
    ///
    /// # Panics
    ///
    /// If the shapes differ: nothing is broadcast.
    #[track_caller]
    pub fn copy_from<B: Load<T>>(&self, source: &ArrayView<'_, T, B>) -> Result<()> {
        self.write(|view| view.copy_from(source))
    }

    /// Replaces every element by what `f` makes of it. What others store between the load and the store of an element is
    /// overwritten.
    ///
    /// # Errors
    ///
    /// As for [`write`](Self::write).
    pub fn map_in_place(&self, f: impl FnMut(T) -> T) -> Result<()> {
        self.write(|view| view.map_in_place(f))
    }

    /// Writes the elements to the disk and waits until they are there.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io) where the system could not write, and as for [`check`](Self::check).
    pub fn flush(&self) -> Result<()> {
        self.portion.flush()
    }
}

/// Changes of single elements that lose none of others', by one instruction each. For many of them,
/// [`write`](SharedArrayMut::write) with the view's methods of the same names asks once.
impl<T: Atomic> SharedArrayMut<T>
where
    SharedMut: Store<T>,
{
    fn change<R>(&self, f: impl FnOnce(ArrayView<'_, T, SharedMut>) -> R) -> Result<R> {
        let size = size_of::<T>();
        if self.byte_offset() % size as u64 != 0 {
            let address = format!("byte {} of the file, no multiple of {size}", self.byte_offset());
            let text = format!("cannot change elements atomically: they lie at {address}");
            return Err(Error::unsupported(text).in_file(self.path()));
        }
        self.write(f)
    }

    /// Adds to an element, and returns what it was: see [`ArrayView::fetch_add`].
    ///
    /// # Errors
    ///
    /// As for [`write`](Self::write), and [`Unsupported`](crate::ErrorKind::Unsupported) where the elements do not lie at
    /// multiples of their size.
    ///
    /// # Panics
    ///
    /// If the index is outside the shape or has another number of axes.
    ///
    /// ```
    /// use mmap_array::MmapArray;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("counters");
    /// std::fs::write(&path, [0; 16])?;
    /// let counters = MmapArray::<u64>::options().open_shared_mut(&path)?;
    /// assert_eq!((counters.fetch_add([1], 5)?, counters.fetch_max([1], 4)?, counters.at([1])?), (0, 5, 5));
    /// assert_eq!(counters.compare_exchange([1], 7, 8)?, Err(5));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn fetch_add(&self, index: impl NdIndex, value: T) -> Result<T> {
        self.change(|view| view.fetch_add(index, value))
    }

    /// Replaces an element by the larger of it and a value, and returns what it was.
    ///
    /// # Errors
    ///
    /// As for [`fetch_add`](Self::fetch_add).
    ///
    /// # Panics
    ///
    /// As for [`fetch_add`](Self::fetch_add).
    #[track_caller]
    pub fn fetch_max(&self, index: impl NdIndex, value: T) -> Result<T> {
        self.change(|view| view.fetch_max(index, value))
    }

    /// Replaces an element by the smaller of it and a value, and returns what it was.
    ///
    /// # Errors
    ///
    /// As for [`fetch_add`](Self::fetch_add).
    ///
    /// # Panics
    ///
    /// As for [`fetch_add`](Self::fetch_add).
    #[track_caller]
    pub fn fetch_min(&self, index: impl NdIndex, value: T) -> Result<T> {
        self.change(|view| view.fetch_min(index, value))
    }

    /// Stores `new` if the element is `current`, by its bits. Returns what the element was: as `Ok` if it was replaced.
    ///
    /// # Errors
    ///
    /// As for [`fetch_add`](Self::fetch_add).
    ///
    /// # Panics
    ///
    /// As for [`fetch_add`](Self::fetch_add).
    #[track_caller]
    pub fn compare_exchange(&self, index: impl NdIndex, current: T, new: T) -> Result<Result<T, T>> {
        self.change(|view| view.compare_exchange(index, current, new))
    }
}

impl<T, A: Aliasing> Clone for SharedArray<T, A> {
    /// Another owner of the same map: nothing is copied or mapped anew.
    fn clone(&self) -> Self {
        Self { portion: self.portion.clone(), marker: PhantomData }
    }
}

/// What the array is. The elements are printed by a view: `array.read(|view| view.to_string())`.
impl<T, A: Mode> fmt::Debug for SharedArray<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedArray")
            .field("dtype", &format_args!("{}", short_type_name::<T>()))
            .field("shape", &self.shape())
            .field("path", &self.path())
            .field("byte_offset", &self.byte_offset())
            .finish_non_exhaustive()
    }
}

/// Copies of some rows of a shared array at a time. Made by [`SharedArray::chunks`].
pub struct Chunks<'a, T, A = Shared> {
    array: &'a SharedArray<T, A>,
    rows: usize,
    /// The numbers of those that are left.
    left: Range<usize>,
}

impl<T, A: Mode> Chunks<'_, T, A>
where
    ReadWrite: Stable<T>,
{
    fn at(&self, chunk: usize) -> Result<MmapArrayMut<T>> {
        let Some(&len) = self.array.shape().first() else { return self.array.load() };
        let start = chunk * self.rows;
        let (copy, layout) =
            self.array.portion.copy_rows(&Typed::<T>::new(), start..len.min(start.saturating_add(self.rows)))?;
        Elements::<ReadWrite>::array(Typed::new(), copy, layout)
    }
}

impl<T, A: Mode> Iterator for Chunks<'_, T, A>
where
    ReadWrite: Stable<T>,
{
    type Item = Result<MmapArrayMut<T>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left.next().map(|chunk| self.at(chunk))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.left.size_hint()
    }

    fn nth(&mut self, n: usize) -> Option<Self::Item> {
        self.left.nth(n).map(|chunk| self.at(chunk))
    }
}

impl<T, A: Mode> DoubleEndedIterator for Chunks<'_, T, A>
where
    ReadWrite: Stable<T>,
{
    fn next_back(&mut self) -> Option<Self::Item> {
        self.left.next_back().map(|chunk| self.at(chunk))
    }
}

impl<T, A: Mode> ExactSizeIterator for Chunks<'_, T, A> where ReadWrite: Stable<T> {}
impl<T, A: Mode> FusedIterator for Chunks<'_, T, A> where ReadWrite: Stable<T> {}

impl<T, A> fmt::Debug for Chunks<'_, T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunks").field("rows", &self.rows).field("left", &self.left).finish_non_exhaustive()
    }
}

macro_rules! elements {
    ($($Elements:ident $Mode:ident;)*) => {$(
        impl<T> Elements<$Mode> for $Elements<T>
        where
            $Mode: Load<T>,
        {
            type Array = SharedArray<T, $Mode>;

            fn array(self, region: Region, layout: Layout) -> Result<SharedArray<T, $Mode>> {
                SharedArray::new(region, layout)
            }
        }
    )*};
}
elements! {
    Typed Shared;
    Typed SharedMut;
    Strided Shared;
    Strided SharedMut;
}
