//! Iteration over the elements of a view, by value, from both ends.
//!
//! A field of packed records should iterate as fast as the loop that one would write by hand. Axes that follow one
//! another evenly are joined first, so most views become one run of constant stride; the run's pointer, count and stride
//! stand apart from the outer axes, all inline; nothing out of line is called in `next`, so that the caller's
//! accumulators stay in registers; and `fold` walks whole runs, with the stride a constant where it can be.

use super::raw::RawView;
use crate::access::Access;
use crate::shape::{Axes, MAX_NDIM};
use std::iter::FusedIterator;
use std::marker::PhantomData;

/// Elements at a constant distance.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    pub(crate) ptr: *const u8,
    pub(crate) len: usize,
    pub(crate) stride: isize,
}

impl Run {
    /// The address of the element `index`, which must be below `len`.
    #[inline(always)]
    pub(crate) fn at<T>(&self, index: usize) -> *const T {
        self.ptr.wrapping_offset((index as isize).wrapping_mul(self.stride)).cast()
    }

    /// Calls `f` with each element's address, the stride being a constant where the elements lie one after another.
    #[inline(always)]
    pub(crate) fn fold<T, B>(&self, init: B, mut f: impl FnMut(B, *const T) -> B) -> B {
        let mut accumulator = init;
        if self.stride == size_of::<T>() as isize {
            let first = self.ptr.cast::<T>();
            for index in 0..self.len {
                accumulator = f(accumulator, first.wrapping_add(index));
            }
        } else {
            let mut ptr = self.ptr;
            for _ in 0..self.len {
                accumulator = f(accumulator, ptr.cast());
                ptr = ptr.wrapping_offset(self.stride);
            }
        }
        accumulator
    }
}

/// The runs of a view, one for each index of its outer axes, after joining.
#[derive(Clone)]
pub(crate) struct Runs {
    /// The start of the next run.
    ptr: *const u8,
    /// Where the view starts.
    base: *const u8,
    /// The length and stride of every run.
    len: usize,
    stride: isize,
    /// The next run from the front, and the end of those that are left.
    next: usize,
    end: usize,
    /// The outer axes, the slowest first.
    outer: Axes,
    /// The next run's index.
    index: [usize; MAX_NDIM],
}

impl Runs {
    #[inline]
    pub(crate) fn new(view: &RawView) -> Self {
        let mut outer = view.axes.joined();
        let (mut len, mut stride) = (1, 0);
        if let Some(last) = outer.ndim().checked_sub(1) {
            (len, stride) = (outer.lens()[last], outer.strides()[last]);
            outer.remove(last);
        }
        // Where there is no element there is no run either.
        let end = if len == 0 { 0 } else { outer.len() };
        Self { ptr: view.ptr, base: view.ptr, len, stride, next: 0, end, outer, index: [0; MAX_NDIM] }
    }

    #[inline(always)]
    pub(crate) fn next(&mut self) -> Option<Run> {
        if self.next == self.end {
            return None;
        }
        let run = Run { ptr: self.ptr, len: self.len, stride: self.stride };
        self.next += 1;
        let mut axis = self.outer.ndim();
        while axis > 0 {
            axis -= 1;
            let (len, stride) = (self.outer.lens()[axis], self.outer.strides()[axis]);
            self.index[axis] += 1;
            self.ptr = self.ptr.wrapping_offset(stride);
            if self.index[axis] < len {
                break;
            }
            self.index[axis] = 0;
            self.ptr = self.ptr.wrapping_offset(stride.wrapping_mul(len as isize).wrapping_neg());
        }
        Some(run)
    }

    #[inline(always)]
    fn next_back(&mut self) -> Option<Run> {
        if self.next == self.end {
            return None;
        }
        self.end -= 1;
        let mut position = self.end;
        let mut ptr = self.base;
        for axis in (0..self.outer.ndim()).rev() {
            let (len, stride) = (self.outer.lens()[axis], self.outer.strides()[axis]);
            ptr = ptr.wrapping_offset(((position % len) as isize).wrapping_mul(stride));
            position /= len;
        }
        Some(Run { ptr, len: self.len, stride: self.stride })
    }

    fn elements(&self) -> usize {
        (self.end - self.next) * self.len
    }
}

/// The elements of a view, by value, in C order. Made by [`ArrayView::iter`](crate::ArrayView::iter).
///
/// Internal iteration (`for_each`, `fold`, `sum`, `map(…).sum()`) is the fastest: it works through whole runs.
pub struct Iter<'a, T, A> {
    front: Run,
    runs: Runs,
    back: Run,
    marker: PhantomData<(&'a T, A)>,
}

impl<T, A> Iter<'_, T, A> {
    /// # Safety
    ///
    /// The view's elements must be initialised and stay valid, and unwritten, for the lifetime of the iterator.
    #[inline]
    pub(crate) unsafe fn new(view: &RawView) -> Self {
        let mut runs = Runs::new(view);
        let none = Run { ptr: view.ptr, len: 0, stride: runs.stride };
        let front = runs.next().unwrap_or(none);
        Self { front, runs, back: none, marker: PhantomData }
    }
}

impl<T, A: Access<T>> Iterator for Iter<'_, T, A> {
    type Item = T;

    #[inline(always)]
    fn next(&mut self) -> Option<T> {
        if self.front.len == 0 {
            match self.runs.next() {
                Some(run) => self.front = run,
                None if self.back.len > 0 => {
                    self.front = self.back;
                    self.back.len = 0;
                }
                None => return None,
            }
        }
        // SAFETY: a run's first element is one of the view's, all of them valid to load by the contract of `new`.
        let value = unsafe { A::load(self.front.ptr.cast()) };
        self.front.len -= 1;
        self.front.ptr = self.front.ptr.wrapping_offset(self.front.stride);
        Some(value)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = self.front.len + self.runs.elements() + self.back.len;
        (len, Some(len))
    }

    #[inline]
    fn nth(&mut self, mut n: usize) -> Option<T> {
        // Whole runs are skipped; within one, the next element is a step away.
        loop {
            if n < self.front.len {
                self.front.ptr = self.front.at::<u8>(n);
                self.front.len -= n;
                return self.next();
            }
            n -= self.front.len;
            self.front.len = 0;
            match self.runs.next() {
                Some(run) => self.front = run,
                None if self.back.len > 0 => {
                    self.front = self.back;
                    self.back.len = 0;
                }
                None => return None,
            }
        }
    }

    #[inline]
    fn count(self) -> usize {
        self.len()
    }

    #[inline]
    fn last(mut self) -> Option<T> {
        self.next_back()
    }

    #[inline]
    fn fold<B, F: FnMut(B, T) -> B>(mut self, init: B, mut f: F) -> B {
        let mut accumulator = init;
        let mut run = Some(self.front);
        while let Some(current) = run {
            accumulator = current.fold(accumulator, |accumulator, source| {
                // SAFETY: each address is an element of a run of the view's, valid by the contract of `new`.
                f(accumulator, unsafe { A::load(source) })
            });
            run = self.runs.next();
        }
        self.back.fold(accumulator, |accumulator, source| {
            // SAFETY: as above; the back run is what `next_back` has left of one.
            f(accumulator, unsafe { A::load(source) })
        })
    }
}

impl<T, A: Access<T>> DoubleEndedIterator for Iter<'_, T, A> {
    #[inline(always)]
    fn next_back(&mut self) -> Option<T> {
        if self.back.len == 0 {
            match self.runs.next_back() {
                Some(run) => self.back = run,
                None if self.front.len > 0 => {
                    self.back = self.front;
                    self.front.len = 0;
                }
                None => return None,
            }
        }
        self.back.len -= 1;
        // SAFETY: the last element of a run is one of the view's, valid to load by the contract of `new`.
        Some(unsafe { A::load(self.back.at(self.back.len)) })
    }
}

impl<T, A: Access<T>> ExactSizeIterator for Iter<'_, T, A> {}
impl<T, A: Access<T>> FusedIterator for Iter<'_, T, A> {}

impl<T, A> Clone for Iter<'_, T, A> {
    fn clone(&self) -> Self {
        Self { front: self.front, runs: self.runs.clone(), back: self.back, marker: PhantomData }
    }
}

// SAFETY: an iterator is a shared borrow of its elements, which `&T` may be sent with where `T` is `Sync`, and gives
// them out by value, for which `T` must be `Send`.
unsafe impl<T: Send + Sync, A> Send for Iter<'_, T, A> {}
// SAFETY: as above; a shared iterator gives out nothing but its length and clones.
unsafe impl<T: Send + Sync, A> Sync for Iter<'_, T, A> {}
