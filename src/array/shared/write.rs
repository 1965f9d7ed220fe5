//! Stores to elements that others may write too, and changes of single ones that lose none of others'.

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
    /// Calls `f` with a view of the elements that can be written, and then asks once whether any of them was lost
    /// meanwhile. What others write at the same time is not kept apart.
    ///
    /// What is stored to lost elements is kept in memory until the array goes. So an `f` that writes more than there is
    /// memory asks [`check`](Self::check) on its way, as [`fill`](Self::fill) does.
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

    /// Stores the same value in every element, some megabytes after others, and stops where some were lost.
    ///
    /// # Errors
    ///
    /// As for [`write`](Self::write); what came before is written then.
    pub fn fill(&self, value: T) -> Result<()>
    where
        T: Copy,
    {
        self.write_pieces(|view, _| view.fill(value))
    }

    /// Copies the elements of a view of the same shape, and stops where some were lost. Where the view is of the same
    /// elements in other places, one after another is copied, also what has been copied: [`load`](Self::load) them first.
    ///
    /// # Errors
    ///
    /// As for [`fill`](Self::fill).
    ///
    /// # Panics
    ///
    /// If the shapes differ: nothing is broadcast.
    #[track_caller]
    pub fn copy_from<B: Load<T>>(&self, source: &ArrayView<'_, T, B>) -> Result<()> {
        assert_eq!(self.shape(), source.shape(), "an array is copied from a view of another shape");
        self.write_pieces(|view, ranges| {
            let piece =
                ranges.iter().fold(source.raw().clone(), |raw, (axis, range)| raw.slice_axis(*axis, range.clone()));
            // SAFETY: elements of a view that is borrowed, to read what can be read of it.
            view.copy_from(&unsafe { ArrayView::<'_, T, B>::from_raw(piece) });
        })
    }

    /// Replaces every element by what `f` makes of it, in C order if that is the array's, and stops where some were lost.
    /// What others store between the load and the store of an element is overwritten.
    ///
    /// # Errors
    ///
    /// As for [`fill`](Self::fill).
    pub fn map_in_place(&self, mut f: impl FnMut(T) -> T) -> Result<()> {
        self.write_pieces(|view, _| view.map_in_place(&mut f))
    }

    /// Calls `f` with pieces of the array, one after another as they lie in memory and each within some megabytes, and
    /// asks after each: stores to what was lost take memory, page by page. A piece is what ranges along axes leave.
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
