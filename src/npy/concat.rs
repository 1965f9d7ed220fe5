//! Many `.npy` files as one array along the first axis.
//!
//! The headers are read when the array is created, and a file is mapped when one of its elements is first needed. A
//! process can have few files open and few maps compared with the number of files in a folder, so only some stay
//! mapped.

mod block;
mod mapped;

pub use block::{Block, TypedBlock};

use super::options::Npy;
use crate::access::{Exclusive, ReadOnly, ReadWrite, Shared};
use crate::array::elements::{Elements, Layout};
use crate::array::{Format, MmapArrayMut, Options};
use crate::dtype::DType;
use crate::dynamic::SharedDynArray;
use crate::element::{Number, Ordered};
use crate::error::Result;
use crate::shape::{Dims, NdIndex};
use crate::view::blocks::{self, Blocks};
use crate::view::{ArrayView, Reduced, outside_text, resolve};
use mapped::Files;
use std::fmt;
use std::iter::FusedIterator;
use std::ops::{Range, RangeBounds};
use std::path::Path;
use std::sync::Arc;

/// The arrays of many `.npy` files as one array, one after another along the first axis: `np.concatenate(arrays)`
/// without a copy.
///
/// [`concat`](super::concat()) makes one. `S` is the array type of a single file:
///
/// | method | `S` | access |
/// | --- | --- | --- |
/// | [`npy::concat::<T>`](super::concat()), [`npy::options::<T>().open_shared_all`](Options::open_shared_all) | [`SharedArray<T>`](crate::SharedArray) | by value, while others may write the files |
/// | [`npy::dyn_options().open_shared_all`](Options::open_shared_all) | [`SharedDynArray`] | the same, of the dtype that the files state |
/// | [`npy::options::<T>().open_all`](Options::open_all), which is `unsafe` | [`MmapArray<T>`](crate::MmapArray) | by reference |
///
/// All files have the same dtype and, but for the number of rows, the same shape. Some may be in C order and others in
/// Fortran order, and a file may have no rows.
///
/// **Only what is needed is mapped.** When the array is made, each file is opened, its header is read, and it is closed
/// again. A file is mapped when one of its elements is first needed. It stays mapped until there are too many: in the
/// shared modes, whose maps keep their files open, a quarter of those that the process may have open, and no more than
/// 1,000; by reference 2,048. Then any of them is unmapped. A mapped file takes some 1,040 bytes of memory, by
/// reference 300, and twice its name, so all of them less than 1 MiB unless their names are long. Each file takes some
/// 100 bytes and its name besides. [`rows`](Self::rows) selects a window, which costs what its files cost.
///
/// **A file is the one whose header was read, or an error**, as far as its number and its time of creation tell, if the
/// file system keeps that. If another file has its name by the time that it is mapped, or its array has another shape,
/// dtype or order, the error is of kind [`Changed`](crate::ErrorKind::Changed) or
/// [`DTypeMismatch`](crate::ErrorKind::DTypeMismatch); if it has become too short, of kind
/// [`PastEnd`](crate::ErrorKind::PastEnd) or [`Truncated`](crate::ErrorKind::Truncated). Each error names the file.
/// Rows that were added to an array in C order are not part of the concatenation. What others write to the elements is
/// read as by a [`SharedArray`](crate::SharedArray#guarantees).
///
/// A clone, or a window, has the same maps. It can be used by many threads.
///
/// ```
/// use mmap_array::npy;
/// # let dir = tempfile::tempdir()?;
/// let paths: Vec<_> = (0..3).map(|day| dir.path().join(format!("{day}.npy"))).collect();
/// npy::save(&paths[0], &vec![[1.0, 2.0], [3.0, 4.0]])?;
/// npy::save(&paths[1], &vec![[5.0, 6.0]])?;
/// npy::save(&paths[2], &vec![[7.0, 8.0], [9.0, 10.0]])?;
///
/// let all = npy::concat::<f64>(&paths)?; //                     np.concatenate([np.load(path) for path in paths])
/// assert_eq!(all.shape(), [5, 2]);
/// assert_eq!(all.at([3, 1])?, 8.0);
/// assert_eq!((all.sum()?, all.mean_axis(0)?), (55.0, (vec![2], vec![5.0, 6.0])));
///
/// let window = all.rows(1..4); //                               all[1:4], a part of each file
/// assert_eq!(*window.load()?, [3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
/// for block in window.blocks() {
///     let block = block?;
///     println!("{:?}: {}", block.path(), block.read(|view| view.to_string())?);
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Concat<S> {
    files: Arc<Files<S>>,
    /// The rows of all files that belong to the array.
    rows: Range<usize>,
    dims: Dims,
}

/// Methods that open many `.npy` files as one array.
impl<E> Options<E, Npy> {
    /// Opens many files as one array along the first axis, for reading, without `unsafe`, while others may write,
    /// append to, truncate or replace them. See [`Concat`] and [`open_shared`](Self::open_shared).
    ///
    /// The files follow each other in the order of the paths. [`concat`](super::concat()) is short for elements of a
    /// type.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`open_shared`](Self::open_shared) if a header cannot be read, or
    /// [`Shape`](crate::ErrorKind::Shape) or [`DTypeMismatch`](crate::ErrorKind::DTypeMismatch) if a file does not fit
    /// to the first. Also returns [`Shape`](crate::ErrorKind::Shape) if there is no path or an array is 0-d, as NumPy
    /// does, [`Overflow`](crate::ErrorKind::Overflow) if there are too many elements to count, and
    /// [`Unsupported`](crate::ErrorKind::Unsupported) if the options have a window or a lock.
    ///
    /// ```
    /// use mmap_array::npy;
    /// # let dir = tempfile::tempdir()?;
    /// let paths = ["a.npy", "b.npy"].map(|name| dir.path().join(name));
    /// npy::save(&paths[0], &[1_u8, 2])?;
    /// npy::save(&paths[1], &[3_u8])?;
    /// let all = npy::dyn_options().open_shared_all(&paths)?;
    /// assert_eq!((all.dtype().to_string().as_str(), all.shape()), ("|u1", &[3][..]));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn open_shared_all<P: AsRef<Path>>(self, paths: impl IntoIterator<Item = P>) -> Result<Concat<E::Array>>
    where
        E: Elements<Shared, Array: Block> + Clone + Send + Sync + 'static,
        Npy: Format<E>,
    {
        let options = self.clone().for_many();
        let files = Files::read(&self, paths, |_| Ok(()), move |opened| options.open_shared_one(opened))?;
        Ok(Concat::of(files))
    }

    /// Opens many files as one array along the first axis, for reading by reference. See [`Concat`] and
    /// [`open`](Self::open).
    ///
    /// # Safety
    ///
    /// See the [safety contract](crate::MmapArray#safety): while the array, a clone of it or one of its
    /// [blocks](Concat::blocks) lives, nobody else may write the elements of any of the files or make a file shorter
    /// than their end.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`open_shared_all`](Self::open_shared_all), and
    /// [`Misaligned`](crate::ErrorKind::Misaligned) if elements are not aligned for their type.
    ///
    /// ```
    /// use mmap_array::npy;
    /// # let dir = tempfile::tempdir()?;
    /// let paths = ["a.npy", "b.npy"].map(|name| dir.path().join(name));
    /// npy::save(&paths[0], &[1.5_f32, 2.5])?;
    /// npy::save(&paths[1], &[3.5_f32])?;
    /// // SAFETY: nobody else writes or truncates the files.
    /// let all = unsafe { npy::options::<f32>().open_all(&paths)? };
    /// let blocks = all.blocks().collect::<mmap_array::Result<Vec<_>>>()?;
    /// let slices: Vec<&[f32]> = blocks.iter().map(|block| &block[..]).collect();
    /// assert_eq!(slices, [&[1.5, 2.5][..], &[3.5]]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub unsafe fn open_all<P: AsRef<Path>>(self, paths: impl IntoIterator<Item = P>) -> Result<Concat<E::Array>>
    where
        E: Elements<ReadOnly, Array: Block> + Clone + Send + Sync + 'static,
        Npy: Format<E>,
    {
        let options = self.clone();
        let check = |layout: &Layout| self.elements.check_offset(layout.offset, layout.span()? as u64);
        // SAFETY: the caller keeps the contract as long as the array lives, or one of those that this opens.
        let files = Files::read(&self, paths, check, move |opened| unsafe { options.clone().open(opened) })?;
        Ok(Concat::of(files))
    }
}

impl<S> Concat<S> {
    fn of(files: Files<S>) -> Self {
        let dims = files.dims().clone();
        Self { files: Arc::new(files), rows: 0..dims[0], dims }
    }

    /// Returns the shape: the number of rows of all files, or of the window, and the lengths of the other axes.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.dims
    }

    /// Returns the number of axes, which is at least one.
    #[must_use]
    pub fn ndim(&self) -> usize {
        self.dims.len()
    }

    /// Returns the number of elements: the product of the shape.
    #[must_use]
    pub fn len(&self) -> usize {
        self.dims.iter().product()
    }

    /// Returns `true` if the array has no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.dims.contains(&0)
    }

    /// Returns a window of the array, a range of its rows: `arr[a:b]`. Nothing is mapped.
    ///
    /// # Panics
    ///
    /// Panics if the range is outside the array.
    ///
    /// ```
    /// use mmap_array::npy;
    /// # let dir = tempfile::tempdir()?;
    /// let paths = ["a.npy", "b.npy"].map(|name| dir.path().join(name));
    /// npy::save(&paths[0], &[1, 2, 3])?;
    /// npy::save(&paths[1], &[4, 5, 6])?;
    /// let all = npy::concat::<i32>(&paths)?;
    /// assert_eq!((all.rows(2..5).sum()?, all.rows(1..).rows(..1).at(0)?), (12, 2));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn rows(&self, range: impl RangeBounds<usize>) -> Self {
        let rows = resolve(&range, self.rows.len()).unwrap_or_else(|error| panic!("{error} along axis 0"));
        let dims = self.dims.with(0, rows.len());
        Self { files: Arc::clone(&self.files), rows: self.rows.start + rows.start..self.rows.start + rows.end, dims }
    }

    /// Returns the files that have some of the rows, with the rows of each, counted from its first.
    fn parts(&self) -> impl DoubleEndedIterator<Item = (usize, Range<usize>)> + use<'_, S> {
        self.files.within(self.rows.clone())
    }
}

impl<S: Block> Concat<S> {
    /// Returns an iterator over the arrays of the files, one after another, or of the rows of each that are in the
    /// window. Files without rows are left out.
    ///
    /// A file is mapped when the iterator reaches it. The arrays are owned: they can be sent to other threads, and each
    /// keeps its map as long as it lives. In the shared modes, each also keeps its file open, so hold few of them at a
    /// time.
    ///
    /// # Errors
    ///
    /// An item is an error if the file cannot be opened or mapped, or is not the one whose header was read: see
    /// [`Concat`]. A window with some of the rows of a file in Fortran order is not contiguous; by reference, its item
    /// is an error of kind [`NotContiguous`](crate::ErrorKind::NotContiguous).
    ///
    /// ```
    /// use mmap_array::npy;
    /// # let dir = tempfile::tempdir()?;
    /// let paths = ["a.npy", "b.npy"].map(|name| dir.path().join(name));
    /// npy::save(&paths[0], &[1.0, 2.0, 4.0])?;
    /// npy::save(&paths[1], &[8.0, 16.0])?;
    /// let all = npy::concat::<f64>(&paths)?;
    /// let mut bins = [0; 2];
    /// for block in all.rows(1..).blocks() {
    ///     let counts = block?.try_read(|view| view.histogram(&[0.0, 5.0, 10.0]))?;
    ///     bins.iter_mut().zip(counts).for_each(|(bin, count)| *bin += count);
    /// }
    /// assert_eq!(bins, [2, 1]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn blocks(&self) -> impl DoubleEndedIterator<Item = Result<S>> + use<'_, S> {
        self.parts().map(|(file, rows)| S::clone(&*self.files.get(file)?).into_rows(rows))
    }
}

impl Concat<SharedDynArray> {
    /// Returns the dtype of the elements.
    #[must_use]
    pub fn dtype(&self) -> &DType {
        self.files.dtype().expect("a file was opened with the dtype that it states")
    }
}

impl<S: TypedBlock> Concat<S> {
    /// Returns the element at an index, which has one number per axis.
    ///
    /// # Errors
    ///
    /// Returns an error if the file of the element cannot be mapped, is not the one whose header was read, or has lost
    /// elements: see [`Concat`].
    ///
    /// # Panics
    ///
    /// Panics if the index is outside the shape or has another number of axes. [`get`](Self::get) does not panic.
    #[track_caller]
    pub fn at(&self, index: impl NdIndex) -> Result<S::Element> {
        match index.with_index(|index| self.get(index))? {
            Some(element) => Ok(element),
            None => {
                let index = index.with_index(<[usize]>::to_vec);
                panic!("{}", outside_text(&index, self.shape(), "an array"))
            }
        }
    }

    /// Returns the element at an index, or `None` if the index is outside the shape or has another number of axes. See
    /// [`at`](Self::at).
    ///
    /// # Errors
    ///
    /// Returns the errors of [`at`](Self::at).
    pub fn get(&self, index: impl NdIndex) -> Result<Option<S::Element>> {
        index.with_index(|index| {
            let is_inside = index.len() == self.ndim() && index.iter().zip(&self.dims[..]).all(|(at, len)| at < len);
            if !is_inside {
                return Ok(None);
            }
            let (file, row) = self.files.find(self.rows.start + index[0]);
            let index = Dims::new(index)?.with(0, row);
            self.files.get(file)?.element(&index)
        })
    }

    /// Returns an iterator over the elements by value, in C order.
    ///
    /// They are copied in portions of 64 KiB, and each portion is complete or an error, after which the iterator ends.
    /// The views of [`blocks`](Self::blocks) iterate faster.
    ///
    /// ```
    /// use mmap_array::npy;
    /// # let dir = tempfile::tempdir()?;
    /// let paths = ["a.npy", "b.npy"].map(|name| dir.path().join(name));
    /// npy::save(&paths[0], &[1_u16, 2])?;
    /// npy::save(&paths[1], &[3_u16])?;
    /// let all = npy::concat::<u16>(&paths)?;
    /// assert_eq!(all.iter().collect::<mmap_array::Result<Vec<_>>>()?, [1, 2, 3]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn iter(&self) -> impl FusedIterator<Item = Result<S::Element>> + use<'_, S> {
        Iter { array: self, next: 0, copied: Vec::new().into_iter() }
    }

    /// Copies the elements into memory, in C order.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`at`](Self::at) for any of the files, and an error of kind
    /// [`Overflow`](crate::ErrorKind::Overflow) or [`Io`](crate::ErrorKind::Io) if the elements do not fit in memory.
    pub fn load(&self) -> Result<MmapArrayMut<S::Element>>
    where
        ReadWrite: Exclusive<S::Element>,
    {
        let mut copy = MmapArrayMut::anonymous(self.shape())?;
        let mut start = 0;
        for (file, rows) in self.parts().filter(|_| !self.is_empty()) {
            let end = start + rows.len();
            let mut target = copy.view_mut().rows(start..end);
            self.files.get(file)?.read_rows(rows, |view| target.copy_from(&view))?;
            start = end;
        }
        Ok(copy)
    }

    /// Copies the elements of some rows from index `start` on in C order, and returns at most `most` bytes of them.
    fn copied(&self, start: usize, most: usize) -> Result<Vec<S::Element>> {
        let width = self.dims[1..].iter().product::<usize>();
        let (first, skipped) = (start / width, start % width);
        let (file, row) = self.files.find(self.rows.start + first);
        let left = self.files.rows_from(self.rows.start + first).min(self.rows.len() - first);
        let count = (most / size_of::<S::Element>()).max(1).min(left.saturating_mul(width) - skipped);
        let rows = row..row + (skipped + count).div_ceil(width);
        self.files.get(file)?.read_rows(rows, |view| view.iter().skip(skipped).take(count).collect())
    }
}

struct Iter<'a, S: TypedBlock> {
    array: &'a Concat<S>,
    /// The index of the first element that has not been copied.
    next: usize,
    copied: std::vec::IntoIter<S::Element>,
}

impl<S: TypedBlock> Iterator for Iter<'_, S> {
    type Item = Result<S::Element>;

    fn next(&mut self) -> Option<Result<S::Element>> {
        const PORTION: usize = 1 << 16;
        if let Some(element) = self.copied.next() {
            return Some(Ok(element));
        }
        let len = self.array.len();
        if self.next >= len {
            return None;
        }
        match self.array.copied(self.next, PORTION) {
            Ok(copied) => {
                self.next += copied.len();
                self.copied = copied.into_iter();
                self.copied.next().map(Ok)
            }
            Err(error) => {
                self.next = len;
                Some(Err(error))
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.array.len() - self.next + self.copied.len();
        // An error ends it.
        (left.min(1), Some(left))
    }
}

impl<S: TypedBlock> FusedIterator for Iter<'_, S> {}

impl<S: TypedBlock> Blocks<S::Element, S::Mode> for Concat<S> {
    fn shape(&self) -> &[usize] {
        self.shape()
    }

    fn is_contiguous(&self) -> bool {
        self.files.is_contiguous()
    }

    fn for_each(&self, mut f: impl FnMut(&ArrayView<'_, S::Element, S::Mode>) -> Result<()>) -> Result<()> {
        for (file, rows) in self.parts().filter(|_| !self.is_empty()) {
            self.files.get(file)?.read_rows(rows, |view| f(&view))??;
        }
        Ok(())
    }
}

macro_rules! reductions {
    ($(
        $(#[$doc:meta])*
        [$($Number:tt)+] $name:ident $of:ident $([$($generics:tt)+])? ($($argument:ident: $Type:ty)?) -> $Output:ty;
    )*) => {$(
        impl<S: TypedBlock> Concat<S>
        where
            S::Element: $($Number)+,
        {
            $(#[$doc])*
            ///
            /// # Errors
            ///
            /// Returns the errors of [`at`](Self::at) for any of the files
            #[doc = concat!("and those of [`ArrayView::", stringify!($name), "`].")]
            pub fn $name(&self $(, $argument: $Type)?) -> Result<$Output> {
                blocks::$of$($($generics)+)?(self $(, $argument)?)
            }
        }
    )*};
}

reductions! {
    /// Returns the sum of all elements: `arr.sum()`. See [`ArrayView::sum`].
    ///
    /// The sum equals that of one array of all the elements: bit for bit if all files are in C order, whatever the
    /// number of rows of each. Otherwise the last bits of a sum of floats may differ.
    ///
    /// ```
    /// use mmap_array::{ArrayView, npy};
    /// # let dir = tempfile::tempdir()?;
    /// let numbers: Vec<f32> = (1..1000).map(|n| 1.0 / n as f32).collect();
    /// let paths = [0..7, 7..300, 300..999].map(|part| {
    ///     let path = dir.path().join(format!("{part:?}.npy"));
    ///     npy::save(&path, &numbers[part]).map(|()| path)
    /// });
    /// let all = npy::concat::<f32>(paths.into_iter().collect::<mmap_array::Result<Vec<_>>>()?)?;
    /// assert_eq!(all.sum()?, ArrayView::from_slice(&numbers, 999)?.sum());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    [Number] sum sum() -> <S::Element as Number>::Sum;
    /// Returns the mean of all elements, or `None` if there are none: `arr.mean(dtype=np.float64)`. See
    /// [`ArrayView::mean`] and [`sum`](Self::sum).
    [Number] mean mean() -> Option<<S::Element as Number>::Mean>;
    /// Returns the variance of all elements, or `None` if there are none: `arr.var(ddof=1, dtype=np.float64)`. See
    /// [`ArrayView::var`]. The last bits may differ from those of one array.
    [Number<Mean = f64>] var var(ddof: usize) -> Option<f64>;
    /// Returns the standard deviation of all elements, or `None` if there are none: `arr.std(ddof=1,
    /// dtype=np.float64)`. See [`var`](Self::var).
    [Number<Mean = f64>] std std(ddof: usize) -> Option<f64>;
    /// Returns the smallest element, or NaN (or NaT) if there is one, or `None` if there are no elements: `arr.min()`.
    [Ordered] min extreme[::<_, _, _, false>]() -> Option<S::Element>;
    /// Returns the largest element, or NaN (or NaT) if there is one, or `None` if there are no elements: `arr.max()`.
    [Ordered] max extreme[::<_, _, _, true>]() -> Option<S::Element>;
    /// Returns the position of the smallest element in C order, or `None` if there are no elements: `arr.argmin()`. See
    /// [`ArrayView::argmin`].
    [Ordered] argmin place[::<_, _, _, false>]() -> Option<usize>;
    /// Returns the position of the largest element in C order, or `None` if there are no elements: `arr.argmax()`. See
    /// [`ArrayView::argmax`].
    [Ordered] argmax place[::<_, _, _, true>]() -> Option<usize>;
    /// Returns the sums along one axis or several, and their shape: `arr.sum(axis=0)`. See [`ArrayView::sum_axis`].
    ///
    /// Along the first axis, the sums of the files are added, so the last bits of floats may differ from those of one
    /// array. Along other axes, the sums are the same.
    [Number] sum_axis sum_axis(axes: impl NdIndex) -> Reduced<<S::Element as Number>::Sum>;
    /// Returns the means along one axis or several, and their shape: `arr.mean(axis=0, dtype=np.float64)`. See
    /// [`ArrayView::mean_axis`] and [`sum_axis`](Self::sum_axis).
    [Number] mean_axis mean_axis(axes: impl NdIndex) -> Reduced<<S::Element as Number>::Mean>;
    /// Returns the smallest elements along one axis or several, and their shape: `arr.min(axis=0)`. See
    /// [`ArrayView::min_axis`].
    [Ordered] min_axis extreme_axis[::<_, _, _, _, false>](axes: impl NdIndex) -> Reduced<S::Element>;
    /// Returns the largest elements along one axis or several, and their shape: `arr.max(axis=0)`. See
    /// [`ArrayView::max_axis`].
    [Ordered] max_axis extreme_axis[::<_, _, _, _, true>](axes: impl NdIndex) -> Reduced<S::Element>;
}

impl<S> Clone for Concat<S> {
    /// Returns another array of the same files, with the same maps.
    fn clone(&self) -> Self {
        Self { files: Arc::clone(&self.files), rows: self.rows.clone(), dims: self.dims.clone() }
    }
}

/// Formats the properties of the array. To format elements, use [`load`](Self::load) or the views of
/// [`blocks`](Self::blocks).
impl<S> fmt::Debug for Concat<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Concat").field("shape", &self.shape()).field("files", &self.files.len()).finish_non_exhaustive()
    }
}
