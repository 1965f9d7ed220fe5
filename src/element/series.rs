//! Sequences of elements accessed by index, one or several at a time, for the arithmetic of runs.

use std::marker::PhantomData;

/// A sequence of elements accessed by index.
#[doc(hidden)]
pub trait Series<T>: Copy {
    /// Whether several elements are loaded together, because the compiler may not combine single loads.
    const TOGETHER: bool;

    /// Returns whether the elements are contiguous.
    fn contiguous(self) -> bool;

    /// Returns the element at an index, which must be inside the sequence.
    fn at(self, index: usize) -> T;

    /// Returns `N` elements starting at an index, all of which must be inside the sequence.
    fn lanes<const N: usize>(self, index: usize) -> [T; N];

    /// Returns the number of elements to process per call of [`fetch`](Self::fetch); `usize::MAX` for a short sequence.
    #[inline(always)]
    fn at_a_time(self) -> usize {
        usize::MAX
    }

    /// Prefetches the data some distance after the `len` elements from an index.
    #[inline(always)]
    fn fetch(self, _index: usize, _len: usize) {}

    /// Returns a sequence of the results of a function.
    #[inline(always)]
    fn map<U, F: Fn(T) -> U + Copy>(self, make: F) -> Made<T, Self, F> {
        Made { run: self, make, marker: PhantomData }
    }
}

/// A sequence of the results of a function.
#[doc(hidden)]
#[derive(Debug)]
pub struct Made<T, R, F> {
    run: R,
    make: F,
    marker: PhantomData<T>,
}

impl<T, R: Copy, F: Copy> Clone for Made<T, R, F> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, R: Copy, F: Copy> Copy for Made<T, R, F> {}

impl<T: Copy, U, R: Series<T>, F: Fn(T) -> U + Copy> Series<U> for Made<T, R, F> {
    const TOGETHER: bool = R::TOGETHER;

    #[inline(always)]
    fn contiguous(self) -> bool {
        self.run.contiguous()
    }

    #[inline(always)]
    fn at(self, index: usize) -> U {
        (self.make)(self.run.at(index))
    }

    #[inline(always)]
    fn lanes<const N: usize>(self, index: usize) -> [U; N] {
        // Not `map`, of which the compiler makes less.
        let lanes: [T; N] = self.run.lanes(index);
        std::array::from_fn(|lane| (self.make)(lanes[lane]))
    }

    #[inline(always)]
    fn at_a_time(self) -> usize {
        self.run.at_a_time()
    }

    #[inline(always)]
    fn fetch(self, index: usize, len: usize) {
        self.run.fetch(index, len);
    }
}

/// The rest of a sequence from a start index.
#[derive(Clone, Copy)]
pub(crate) struct Rest<R> {
    pub(crate) run: R,
    pub(crate) start: usize,
}

impl<T, R: Series<T>> Series<T> for Rest<R> {
    const TOGETHER: bool = R::TOGETHER;

    #[inline(always)]
    fn contiguous(self) -> bool {
        self.run.contiguous()
    }

    #[inline(always)]
    fn at(self, index: usize) -> T {
        self.run.at(self.start + index)
    }

    #[inline(always)]
    fn lanes<const N: usize>(self, index: usize) -> [T; N] {
        self.run.lanes(self.start + index)
    }

    #[inline(always)]
    fn fetch(self, index: usize, len: usize) {
        self.run.fetch(self.start + index, len);
    }
}

/// The number of elements that a loop processes at a time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// One: the elements are contiguous, and the compiler combines their loads as it likes.
    One,
    /// Two: the elements are strided, and the compiler generates better code for two than for one, as it does not know
    /// the stride.
    Two,
    /// A few: the elements are strided, and the compiler may not combine their loads.
    Few,
    /// Many: the elements are contiguous, and the compiler may not combine their loads.
    Many,
}

impl By {
    #[inline(always)]
    pub(crate) fn of<T, R: Series<T>>(run: R) -> Self {
        match (run.contiguous(), R::TOGETHER) {
            (true, false) => Self::One,
            (false, false) => Self::Two,
            (false, true) => Self::Few,
            (true, true) => Self::Many,
        }
    }
}
