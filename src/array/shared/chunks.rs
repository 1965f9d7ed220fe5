//! Copies of some rows at a time, each whole or an error.

use super::SharedArray;
use crate::access::{Mode, ReadWrite, Stable};
use crate::array::MmapArrayMut;
use crate::array::elements::{Elements, Typed};
use crate::error::Result;
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
    pub fn chunks(&self, rows: usize) -> Chunks<'_, Self>
    where
        ReadWrite: Stable<T>,
    {
        Chunks::new(self, rows)
    }
}

/// Copies of some rows of a shared array at a time. Made by [`SharedArray::chunks`] and
/// [`SharedDynArray::chunks`](crate::SharedDynArray::chunks).
#[derive(Debug)]
pub struct Chunks<'a, S> {
    array: &'a S,
    rows: usize,
    /// The numbers of those that are left.
    left: Range<usize>,
}

/// Arrays whose rows can be copied.
pub trait CopyRows {
    /// The array of the copy.
    type Copy;

    /// The number of rows; `None` of an array without axes.
    fn rows(&self) -> Option<usize>;

    /// Copies rows that there are, or all of an array without axes.
    fn copy_rows(&self, rows: Range<usize>) -> Result<Self::Copy>;
}

impl<T, A: Mode> CopyRows for SharedArray<T, A>
where
    ReadWrite: Stable<T>,
{
    type Copy = MmapArrayMut<T>;

    fn rows(&self) -> Option<usize> {
        self.shape().first().copied()
    }

    fn copy_rows(&self, rows: Range<usize>) -> Result<MmapArrayMut<T>> {
        let elements = Typed::<T>::new();
        let (copy, layout) = self.portion.copy_rows(&elements, rows)?;
        Elements::<ReadWrite>::array(&elements, copy, layout)
    }
}

impl<'a, S: CopyRows> Chunks<'a, S> {
    #[track_caller]
    pub(crate) fn new(array: &'a S, rows: usize) -> Self {
        assert!(rows > 0, "chunks of 0 rows");
        Self { array, rows, left: 0..array.rows().map_or(1, |len| len.div_ceil(rows)) }
    }

    fn at(&self, chunk: usize) -> Result<S::Copy> {
        let start = chunk * self.rows;
        self.array.copy_rows(start..self.array.rows().map_or(1, |len| len.min(start.saturating_add(self.rows))))
    }
}

impl<S: CopyRows> Iterator for Chunks<'_, S> {
    type Item = Result<S::Copy>;

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

impl<S: CopyRows> DoubleEndedIterator for Chunks<'_, S> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.left.next_back().map(|chunk| self.at(chunk))
    }
}

impl<S: CopyRows> ExactSizeIterator for Chunks<'_, S> {}
impl<S: CopyRows> FusedIterator for Chunks<'_, S> {}
