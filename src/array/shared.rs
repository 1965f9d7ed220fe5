//! Arrays over files that others write, append to and truncate while they are read.
//!
//! A slice of such a file is impossible: its elements change behind the reference, and accessing a page that was cut
//! off terminates the program. Therefore a [`SharedArray`] yields its elements by value, and reports after each
//! operation whether any of them were lost. `region::fault` describes how a lost page becomes an error.

mod chunks;
mod portion;
mod read;
mod write;

pub use chunks::Chunks;
pub(crate) use chunks::CopyRows;
pub(crate) use portion::SharedPortion;
pub(crate) use read::read_unasked;
pub(crate) use read::sealed;
pub use read::{Lend, Readable, read, try_read};

use super::MmapArrayMut;
use super::elements::{Elements, Layout, Strided, Typed};
use crate::access::{Aliasing, Load, Mode, ReadWrite, Shared, SharedMut, Stable};
use crate::error::{Error, Result, short_type_name};
use crate::region::Region;
use crate::shape::{NdIndex, Order};
use crate::view::ArrayView;
use std::fmt;
use std::marker::PhantomData;
use std::ops::RangeBounds;
use std::path::Path;

/// A typed, shaped array over a file or a portion of one that anybody may write, truncate or append to at the same
/// time.
///
/// It is the counterpart of [`MmapArray`](crate::MmapArray) for files about which nothing can be guaranteed.
/// [`open_shared`](crate::Options::open_shared) opens one without `unsafe`, for every kind of source, format and
/// window. Elements are accessed by value, so there is no `Deref` and no slice. `A` is [`Shared`], or [`SharedMut`]
/// ([`SharedArrayMut`] for short) if elements can be written too.
///
/// **Each operation is checked once.** [`read`](Self::read) passes a view to a closure, with all that views provide:
/// sums, fields by name, axes, copies. When the closure returns, the array checks whether anything was lost in the
/// meantime. If so, it returns an error of kind [`Truncated`](crate::ErrorKind::Truncated), or
/// [`Io`](crate::ErrorKind::Io) if the disk failed; the error states the first lost byte. The check takes less than a
/// microsecond, whatever the size.
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
/// # Guarantees
///
/// A loaded element has the bits that the page of the file had at that moment. An operation returns an error if a page
/// was lost while it ran, or if the file is too short for the elements when it ends. Nothing more is guaranteed:
///
/// - If the file is written at the same time, some elements may be from before and some from after the write. An
///   element of more than eight bytes (four on 32-bit systems), or at an address that is not a multiple of its size,
///   may be torn: part old, part new. The same holds for every element of more than one byte on machines that do not
///   load words at any address, such as some RISC-V ones, and on AArch64 before Armv8.4, which does not guarantee such
///   loads.
/// - A file that is truncated and filled again between two checks counts as written, and may have been zero for a
///   moment. [`read_unchanged`](Self::read_unchanged) detects what was done by system calls.
/// - During an operation, lost pages are zeros. A closure that would panic or never end because of zeros must call
///   [`check`](Self::check) itself, or work on copies: [`chunks`](Self::chunks), [`load`](Self::load).
///
/// On Unix, opening the first shared array installs a `SIGBUS` handler. Faults outside such arrays are passed on to the
/// previous handler. If another handler has replaced this one since, and nothing else can be done, operations first
/// copy the elements into memory. Windows does not allow mapped files to be truncated, and returns an error to whoever
/// tries; a failing disk still terminates the program there.
pub struct SharedArray<T, A = Shared> {
    portion: SharedPortion,
    marker: PhantomData<(T, A)>,
}

/// A shared array whose elements can be written, by this program and by others at the same time.
pub type SharedArrayMut<T> = SharedArray<T, SharedMut>;

impl<T, A: Mode> SharedArray<T, A> {
    fn new(region: Region, layout: Layout) -> Result<Self> {
        Ok(Self { portion: SharedPortion::new(region, layout)?, marker: PhantomData })
    }

    /// Returns the number of elements along each axis, as of when the array was opened or last
    /// [refreshed](Self::refresh).
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

    /// Returns the order in which the elements are stored in the file.
    #[must_use]
    pub fn order(&self) -> Order {
        self.portion.layout().order
    }

    /// Returns the byte offset of the first element in the file.
    #[must_use]
    pub fn byte_offset(&self) -> u64 {
        self.portion.layout().offset
    }

    /// Returns the path of the file, as it was given, or `None` if an open file was passed.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.portion.path()
    }

    /// Returns a read-only view of all elements. What is read through it is valid if [`check`](Self::check) succeeds
    /// afterwards.
    ///
    /// Use this for iterators and closures that outlive one call. It leaves to the caller what [`read`](Self::read)
    /// does: call [`check`](Self::check), work even if another handler has replaced this crate's, unblock `SIGBUS` in a
    /// thread that blocks it, and provide a stack for the handler if the thread's is too small (as those of `std` are
    /// with AMX).
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
    /// It gives out no references to elements:
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
        // SAFETY: the axes lie within the region, whose bytes are a file's, initialized, or zeros in the place of those
        // that were lost.
        unsafe { ArrayView::from_raw(self.portion.raw_view()) }
    }

    /// Checks whether the array has lost an element since it was opened or last [refreshed](Self::refresh).
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`Truncated`](crate::ErrorKind::Truncated) if the file is shorter than the elements
    /// need, or if it was shorter when a missing page was accessed, even if it is long enough again. Returns an error
    /// of kind [`Io`](crate::ErrorKind::Io) if the disk could not provide a page. The
    /// [`byte_range`](crate::Error::byte_range) of the error begins at the first byte that may be lost; the bytes
    /// before it are valid.
    pub fn check(&self) -> Result<()> {
        self.portion.check()
    }

    /// Calls `f` with a view of the elements, and then checks once whether any of them were lost in the meantime.
    ///
    /// Returns what `f` computed from the file, or an error; never what it computed from zeros in place of lost
    /// elements. If another handler has replaced the handler of lost pages, the elements are first copied into memory.
    ///
    /// The view may be used in the calling thread and, with the feature `rayon`, in the threads to which its parallel
    /// iterators hand work. Any other thread to which `f` passes a view must not block `SIGBUS` (as the threads of
    /// programs do that wait for all signals in one place), or must call `read` itself.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`check`](Self::check).
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

    /// Calls `f`, which may fail, as [`read`](Self::read) does. If elements were lost, that error is returned instead
    /// of the one of `f`.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`check`](Self::check) and of `f`.
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

    /// Calls `f` as [`read`](Self::read) does, and returns an error if anybody wrote the file in the meantime: for
    /// readers that need all elements of one state.
    ///
    /// The length and the change times of the file are compared before and after the call. Changes by system calls are
    /// detected if they begin in between. The following are not detected: a write that is in progress the whole time,
    /// such as one call that writes many megabytes; stores through mappings, for which the system updates the times now
    /// or later; and on file systems whose timestamps have a resolution of some milliseconds, a change within one step.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`check`](Self::check), and an error of kind [`Changed`](crate::ErrorKind::Changed) if the
    /// file was written.
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

    /// Returns the element at an index, which has one number per axis.
    ///
    /// For many elements, use [`read`](Self::read) and the view's [`at`](ArrayView::at), which are checked once.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`check`](Self::check).
    ///
    /// # Panics
    ///
    /// Panics if the index is outside the shape or has another number of axes. [`get`](Self::get) does not panic.
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
        match index.with_index(|index| self.get(index))? {
            Some(value) => Ok(value),
            None => self.view().outside(index),
        }
    }

    /// Returns the element at an index, or `None` if the index is outside the shape or has another number of axes. See
    /// [`at`](Self::at).
    ///
    /// # Errors
    ///
    /// Returns the errors of [`check`](Self::check).
    pub fn get(&self, index: impl NdIndex) -> Result<Option<T>>
    where
        Shared: Load<T>,
    {
        let copied = |index: &[usize]| -> Result<Option<T>> {
            let Some(one) = self.portion.element(index) else { return Ok(None) };
            let copy = one.copy(&Typed::<T>::new())?;
            // SAFETY: the copy has the element, whose bytes were read, and nobody else has it.
            Ok(Some(unsafe { ArrayView::<'_, T, Shared>::from_raw(one.raw_view_of(&copy)) }.at(())))
        };
        let value = index.with_index(|index| match Region::enter(|| self.view().get(index)) {
            Some(value) => Ok(value),
            None => copied(index),
        })?;
        self.check().map(|()| value)
    }

    /// Copies the elements into memory and returns an array of the copies.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`check`](Self::check), and an error of kind [`Io`](crate::ErrorKind::Io) if allocation
    /// fails.
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
        Elements::<ReadWrite>::array(&Typed::new(), copy, self.portion.layout().clone().in_memory())
    }

    /// Returns a range of the array's rows as an array of its own over the same mapping, which checks only its own
    /// bytes.
    ///
    /// # Panics
    ///
    /// Panics if the range is outside the array, or if the array is 0-d.
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
        Self { portion: self.portion.part(&rows), marker: PhantomData }
    }

    /// Maps the current contents of the file, and returns whether the shape or the offset of the array has changed.
    ///
    /// The file is found with the options with which the array was opened. Elements that were appended become part of
    /// the array, elements that were cut off no longer are, and earlier losses are forgotten. The file is the one that
    /// was opened, even if another file has its name now. An array made by [`into_rows`](Self::into_rows) keeps its
    /// range of rows. Clones keep the old mapping.
    ///
    /// # Errors
    ///
    /// Returns the errors of opening the array, for example if the elements no longer exist or are not a whole number,
    /// and an error of kind [`OutOfRange`](crate::ErrorKind::OutOfRange) if an array made by
    /// [`into_rows`](Self::into_rows) has lost some of its rows. If an error is returned, the array is unchanged.
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

impl<T, A: Mode> sealed::Readable for &SharedArray<T, A> {
    type Copy = Region;

    fn copy(&self, _: sealed::Token) -> Result<Region> {
        self.portion.copy(&Typed::<T>::new())
    }

    fn check(&self, _: sealed::Token) -> Result<()> {
        self.portion.check()
    }
}

impl<'a, T, A: Mode> Lend<'a> for &SharedArray<T, A> {
    type View = ArrayView<'a, T, Shared>;

    fn lend(&'a self, copy: Option<&'a Region>, _: sealed::Token) -> ArrayView<'a, T, Shared> {
        match copy {
            None => self.view(),
            // SAFETY: the copy has all the elements, whose bytes were read, and nobody else has it.
            Some(copy) => unsafe { ArrayView::from_raw(self.portion.raw_view_of(copy)) },
        }
    }
}

impl<T, A: Aliasing> Clone for SharedArray<T, A> {
    /// Returns another owner of the same mapping. Nothing is copied or mapped again.
    fn clone(&self) -> Self {
        Self { portion: self.portion.clone(), marker: PhantomData }
    }
}

/// Formats the properties of the array. To format its elements, use a view: `array.read(|view| view.to_string())`.
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

macro_rules! elements {
    ($($Elements:ident $Mode:ident;)*) => {$(
        impl<T> Elements<$Mode> for $Elements<T>
        where
            $Mode: Load<T>,
        {
            type Array = SharedArray<T, $Mode>;

            fn array(&self, region: Region, layout: Layout) -> Result<SharedArray<T, $Mode>> {
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
