//! Arrays of files that others write, append to and cut while they are read.
//!
//! A slice of such a file is impossible: its elements change under it, and a page that was cut off ends the program. So a
//! [`SharedArray`] gives out elements by value, and says after each operation whether it has lost any. How a lost page
//! becomes an error is told in `region::fault`.

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
///   eight bytes (on 32 bits, of four), or at an address that is no multiple of its size, may be half of each. So may any of
///   more than one byte on machines that do not load words at any address, as some RISC-V ones, and as AArch64 before
///   Armv8.4 does not promise to.
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

impl<T, A: Mode> SharedArray<T, A> {
    fn new(region: Region, layout: Layout) -> Result<Self> {
        Ok(Self { portion: SharedPortion::new(region, layout)?, marker: PhantomData })
    }

    /// Returns the number of elements along each axis, as they were when the array was opened or last
    /// [refreshed](Self::refresh).
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        self.portion.axes().lens()
    }

    /// Returns the number of axes; a 0-d array has none, and one element.
    #[must_use]
    pub fn ndim(&self) -> usize {
        self.portion.axes().ndim()
    }

    /// Returns the number of elements: the product of the shape.
    #[must_use]
    pub fn len(&self) -> usize {
        self.portion.axes().len()
    }

    /// Returns whether there is no element.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shape().contains(&0)
    }

    /// Returns the order in which the elements follow one another in the file.
    #[must_use]
    pub fn order(&self) -> Order {
        self.portion.layout().order
    }

    /// Returns where the first element lies in the file, in bytes from its start.
    #[must_use]
    pub fn byte_offset(&self) -> u64 {
        self.portion.layout().offset
    }

    /// Returns the file's path as it was given; `None` for files passed in open.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.portion.path()
    }

    /// Returns a view of all elements, to read. What it has seen is good if [`check`](Self::check) says so afterwards.
    ///
    /// It is for iterators and closures that outlive one call. [`read`](Self::read) asks by itself, gets by where another
    /// handler has taken the place of this crate's, unblocks `SIGBUS` in a thread that blocks it, and sees to a stack for
    /// the handler where a thread's is too small (as `std`'s are beside AMX); with a view these are the caller's business.
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
    /// It is for the thread that calls it, and, with the feature `rayon`, for those to which parallel iterators over the view
    /// hand work. Another thread that `f` hands a view to must not block `SIGBUS`, as threads of programs that wait for all
    /// signals in one place do; or it calls `read` by itself.
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
    /// The file's length and its times of change are compared before and after. What system calls do is found if it begins
    /// in between. Three things are not: a write that is under way all the while, as one call that writes many megabytes
    /// can be; what others store through maps, which the system counts now or later; and on file systems that count time in
    /// steps of some milliseconds, what comes within one.
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
        match index.with_index(|index| self.get(index))? {
            Some(value) => Ok(value),
            None => self.view().outside(index),
        }
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
        Elements::<ReadWrite>::array(&Typed::new(), copy, self.portion.layout().clone().in_memory())
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
        Self { portion: self.portion.part(&rows), marker: PhantomData }
    }

    /// Maps what the file holds now, by what the array was opened with: elements that were appended are there then, those
    /// that were cut off are not, and what was lost is forgotten. Returns whether the shape is another.
    ///
    /// The file is the one that was opened, also where another has its name now. An array of [`rows`](Self::into_rows)
    /// is one of these rows again. Clones keep the old map.
    ///
    /// # Errors
    ///
    /// As for opening: where the elements are no longer there, or are no whole number; and
    /// [`OutOfRange`](crate::ErrorKind::OutOfRange) where not all rows of such an array are. The array is as it was.
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
