//! Elements that come by their index, one or several at a time: what the arithmetic of runs goes through.

use std::marker::PhantomData;

/// Elements to go through by their index.
#[doc(hidden)]
pub trait Series<T>: Copy {
    /// Whether several are loaded together, because the compiler may not make such loads of single ones.
    const TOGETHER: bool;

    /// Whether they lie one after another.
    fn contiguous(self) -> bool;

    /// The element at an index, which must be one of them.
    fn at(self, index: usize) -> T;

    /// Those from an index on, all of which must be there.
    fn lanes<const N: usize>(self, index: usize) -> [T; N];

    /// How many are to be gone through at a time, after [`fetch`](Self::fetch) has been called for them; as many as
    /// there are where they are few.
    #[inline(always)]
    fn at_a_time(self) -> usize {
        usize::MAX
    }

    /// Has the processor fetch what comes some time after so many elements from an index on.
    #[inline(always)]
    fn fetch(self, _index: usize, _len: usize) {}

    /// What a function makes of each.
    #[inline(always)]
    fn map<U, F: Fn(T) -> U + Copy>(self, make: F) -> Made<T, Self, F> {
        Made { run: self, make, marker: PhantomData }
    }
}

/// What a function makes of elements.
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

/// The elements of a series from one on.
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

/// How many elements a loop takes at a time by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// One: they lie one after another, and the compiler joins their loads as it likes.
    One,
    /// Two: they lie apart, and the compiler makes more of these than of one, not knowing the stride.
    Two,
    /// A few: they lie apart, and the compiler may not join their loads.
    Few,
    /// Many: they lie one after another, and the compiler may not join their loads.
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
