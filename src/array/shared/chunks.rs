//! Copies of some rows at a time, each whole or an error.

use super::SharedArray;
use crate::access::{Mode, ReadWrite, Shared, Stable};
use crate::array::MmapArrayMut;
use crate::array::elements::{Elements, Typed};
use crate::error::Result;
use std::fmt;
use std::iter::FusedIterator;
use std::ops::Range;

impl<T, A: Mode> SharedArray<T, A> {
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
