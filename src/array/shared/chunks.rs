//! Iteration over copies of some rows at a time, each of which is complete or an error.

use super::SharedArray;
use crate::access::{Mode, ReadWrite, Stable};
use crate::array::MmapArrayMut;
use crate::array::elements::{Elements, Typed};
use crate::error::Result;
use std::iter::FusedIterator;
use std::ops::Range;

impl<T, A: Mode> SharedArray<T, A> {
    /// Returns an iterator over copies of `rows` rows at a time; the last copy has the rows that remain.
    ///
    /// Each item is a complete copy or an error. Use this for loops that do something with each row that cannot be
    /// undone. A 0-d array yields one copy.
    ///
    /// # Panics
    ///
    /// Panics if `rows` is 0.
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

/// An iterator over copies of some rows of a shared array at a time.
///
/// Created by [`SharedArray::chunks`] and [`SharedDynArray::chunks`](crate::SharedDynArray::chunks).
#[derive(Debug)]
pub struct Chunks<'a, S> {
    array: &'a S,
    rows: usize,
    /// The indices of the remaining chunks.
    left: Range<usize>,
}

/// An array whose rows can be copied.
pub trait CopyRows {
    /// The type of the copy.
    type Copy;

    /// Returns the number of rows, or `None` if the array is 0-d.
    fn rows(&self) -> Option<usize>;

    /// Copies a range of rows, which must exist, or all of a 0-d array.
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
        assert!(rows > 0, "chunks cannot have 0 rows");
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
