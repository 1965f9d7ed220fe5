//! Stores to elements that others may write too, and atomic changes of single elements.

use super::SharedArrayMut;
use crate::access::{Atomic, Load, SharedMut, Store};
use crate::error::{Error, Result};
use crate::shape::NdIndex;
use crate::view::ArrayView;
use crate::view::shaping::Shaped;
use std::ops::Range;

impl<T> SharedArrayMut<T>
where
    SharedMut: Store<T>,
{
    /// Calls `f` with a writable view of the elements, and then checks once whether any of them were lost in the
    /// meantime.
    ///
    /// This does not synchronize with others that write at the same time. Stores to lost elements are kept in memory
    /// until the array is dropped. If `f` writes more than fits into memory, it must call [`check`](Self::check)
    /// repeatedly, as [`fill`](Self::fill) does.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`check`](Self::check); stores to lost elements are lost too. If another `SIGBUS` handler
    /// has replaced this crate's, returns an error of kind [`Unsupported`](crate::ErrorKind::Unsupported) and writes
    /// nothing.
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

    /// Returns a writable view of all elements. What is stored through it is in the file if [`check`](Self::check)
    /// succeeds afterwards; see [`view`](Self::view).
    #[must_use]
    pub fn view_mut(&self) -> ArrayView<'_, T, SharedMut> {
        // SAFETY: as for `view`; the mode maps the bytes writable.
        unsafe { ArrayView::from_raw(self.portion.raw_view()) }
    }

    /// Stores an element.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`write`](Self::write).
    ///
    /// # Panics
    ///
    /// Panics if the index is outside the shape or has another number of axes.
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

    /// Stores the same value in every element, some megabytes at a time, and stops if elements were lost.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`write`](Self::write). The elements before the failure have then been written.
    pub fn fill(&self, value: T) -> Result<()>
    where
        T: Copy,
    {
        self.write_pieces(|view, _| view.fill(value))
    }

    /// Copies the elements of a view of the same shape, and stops if elements were lost.
    ///
    /// If the view overlaps the array, elements are copied one by one, including those already overwritten. To avoid
    /// this, [`load`](Self::load) the elements first.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`fill`](Self::fill).
    ///
    /// # Panics
    ///
    /// Panics if the shapes differ. Nothing is broadcast.
    #[track_caller]
    pub fn copy_from<B: Load<T>>(&self, source: &ArrayView<'_, T, B>) -> Result<()> {
        assert_eq!(self.shape(), source.shape(), "an array cannot be copied from a view of another shape");
        self.write_pieces(|view, ranges| {
            let piece =
                ranges.iter().fold(source.raw().clone(), |raw, (axis, range)| raw.slice_axis(*axis, range.clone()));
            // SAFETY: elements of a view that is borrowed, to read what can be read of it.
            view.copy_from(&unsafe { ArrayView::<'_, T, B>::from_raw(piece) });
        })
    }

    /// Replaces every element with the result of `f`, and stops if elements were lost.
    ///
    /// Elements are visited in C order if the array is in C order. What others store between the load and the store of
    /// an element is overwritten.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`fill`](Self::fill).
    pub fn map_in_place(&self, mut f: impl FnMut(T) -> T) -> Result<()> {
        self.write_pieces(|view, _| view.map_in_place(&mut f))
    }

    /// Calls `f` with pieces of the array in memory order, each of which spans at most some megabytes, and checks after
    /// each. A piece is described by ranges along axes. Stores to lost elements take memory page by page, which the
    /// checks limit.
    fn write_pieces(&self, mut f: impl FnMut(ArrayView<'_, T, SharedMut>, &[(usize, Range<usize>)])) -> Result<()> {
        self.write_pieces_of(self.view_mut(), &mut Vec::new(), &mut f)
    }

    fn write_pieces_of(
        &self,
        view: ArrayView<'_, T, SharedMut>,
        ranges: &mut Vec<(usize, Range<usize>)>,
        f: &mut impl FnMut(ArrayView<'_, T, SharedMut>, &[(usize, Range<usize>)]),
    ) -> Result<()> {
        const BYTES: usize = 16 << 20;
        let axes = &view.raw().axes;
        let slowest = axes.slowest_first().into_iter().find(|&axis| axes.lens()[axis] > 1);
        let Some(axis) = slowest.filter(|_| view.raw().addresses(size_of::<T>()).len() > BYTES) else {
            return self.portion.write(|| f(view, ranges));
        };
        let (len, stride) = view.raw().axis(axis);
        let most = (BYTES / stride.unsigned_abs().max(1)).clamp(1, len - 1);
        for start in (0..len).step_by(most) {
            let range = start..len.min(start.saturating_add(most));
            ranges.push((axis, range.clone()));
            self.write_pieces_of(view.slice_axis(axis, range), ranges, f)?;
            ranges.pop();
        }
        Ok(())
    }

    /// Writes the elements to the disk and waits for completion.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`Io`](crate::ErrorKind::Io) if the operating system could not write the data, and the
    /// errors of [`check`](Self::check).
    pub fn flush(&self) -> Result<()> {
        self.portion.flush()
    }
}

/// Atomic changes of single elements, which lose no changes by others. For many elements, use
/// [`write`](SharedArrayMut::write) and the view's methods of the same names, which are checked once.
impl<T: Atomic> SharedArrayMut<T>
where
    SharedMut: Store<T>,
{
    fn change<R>(&self, f: impl FnOnce(ArrayView<'_, T, SharedMut>) -> R) -> Result<R> {
        let size = size_of::<T>();
        let axes = self.portion.axes();
        if let Some(axis) =
            (0..axes.ndim()).find(|&axis| axes.lens()[axis] > 1 && axes.strides()[axis] % size as isize != 0)
        {
            let stride = axes.strides()[axis];
            let text = format!(
                "cannot change elements atomically: along axis {axis} they lie {stride} bytes apart, which is not a \
                 multiple of {size}"
            );
            return Err(Error::unsupported(text).in_file(self.path()));
        }
        if self.byte_offset() % size as u64 != 0 {
            let address = format!("byte {} of the file, which is not a multiple of {size}", self.byte_offset());
            let text = format!("cannot change elements atomically: they begin at {address}");
            return Err(Error::unsupported(text).in_file(self.path()));
        }
        self.write(f)
    }

    /// Adds to an element, and returns the previous value: see [`ArrayView::fetch_add`].
    ///
    /// # Errors
    ///
    /// Returns the errors of [`write`](Self::write), and an error of kind
    /// [`Unsupported`](crate::ErrorKind::Unsupported) if the elements are not aligned to their size.
    ///
    /// # Panics
    ///
    /// Panics if the index is outside the shape or has another number of axes.
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

    /// Replaces an element with the maximum of it and a value, and returns the previous value.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`fetch_add`](Self::fetch_add).
    ///
    /// # Panics
    ///
    /// See [`fetch_add`](Self::fetch_add).
    #[track_caller]
    pub fn fetch_max(&self, index: impl NdIndex, value: T) -> Result<T> {
        self.change(|view| view.fetch_max(index, value))
    }

    /// Replaces an element with the minimum of it and a value, and returns the previous value.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`fetch_add`](Self::fetch_add).
    ///
    /// # Panics
    ///
    /// See [`fetch_add`](Self::fetch_add).
    #[track_caller]
    pub fn fetch_min(&self, index: impl NdIndex, value: T) -> Result<T> {
        self.change(|view| view.fetch_min(index, value))
    }

    /// Stores `new` if the element has the same bits as `current`. Returns the previous value, as `Ok` if it was
    /// replaced and as `Err` otherwise.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`fetch_add`](Self::fetch_add).
    ///
    /// # Panics
    ///
    /// See [`fetch_add`](Self::fetch_add).
    #[track_caller]
    pub fn compare_exchange(&self, index: impl NdIndex, current: T, new: T) -> Result<Result<T, T>> {
        self.change(|view| view.compare_exchange(index, current, new))
    }
}
