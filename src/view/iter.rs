//! Iteration over the elements of a view, by value, from both ends.

use super::raw::RawView;
use super::runs::{Inner, Plane, Run, Runs};
use crate::access::{Addr, Load};
use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::mem;

/// An iterator over the elements of a view, by value, in C order. It is created by
/// [`ArrayView::iter`](crate::ArrayView::iter).
///
/// Internal iteration (`for_each`, `fold`, `sum`, `map(…).sum()`) is the fastest, since it processes whole runs.
///
/// It is `Send` and `Sync` if the element type is both.
pub struct Iter<'a, T, A> {
    /// What is left of the run at the front. Its stride is that of all runs.
    ptr: Addr,
    left: usize,
    /// What is left of the run at the back.
    back_ptr: Addr,
    back_left: usize,
    runs: Runs,
    marker: PhantomData<(&'a T, A)>,
}

impl<T, A> Iter<'_, T, A> {
    /// Creates an iterator over the elements of a view.
    ///
    /// # Safety
    ///
    /// The view's elements must be valid to load through `A` for the lifetime of the iterator.
    #[inline]
    pub(crate) unsafe fn new(view: &RawView) -> Self {
        let inner = Inner::of(&view.axes);
        // Not `Runs::new`: what a call may have returned has to be copied whole.
        if inner.more {
            return Self::of_runs(view.ptr, Runs::with_outer(view));
        }
        Self::of_runs(view.ptr, Runs::of_inner(view.ptr, inner))
    }

    #[inline(always)]
    fn of_runs(ptr: Addr, runs: Runs) -> Self {
        Self { ptr, left: 0, back_ptr: ptr, back_left: 0, runs, marker: PhantomData }
    }

    /// Takes the next run as that of the front. Returns whether there was one.
    #[inline(always)]
    fn refill(&mut self) -> bool {
        let Some(run) = self.runs.next() else { return false };
        (self.ptr, self.left) = (run.ptr, run.len);
        true
    }

    /// Returns what is left of the run at the front, then whole planes, then what is left of the run at the back.
    #[inline(always)]
    fn next_plane(&mut self) -> Option<Plane> {
        let (mut ptr, mut left) = (self.ptr, mem::take(&mut self.left));
        if left == 0 {
            let plane = self.runs.next_rows(usize::MAX);
            if plane.is_some() {
                return plane;
            }
            (ptr, left) = (self.back_ptr, mem::take(&mut self.back_left));
        }
        let run = Run { ptr, len: left, stride: self.runs.stride };
        (left > 0).then_some(Plane::of_run(run))
    }

    /// Takes the first element of what is left of the run at the back.
    #[inline(always)]
    fn next_of_back(&mut self) -> Option<Addr> {
        self.back_left = self.back_left.checked_sub(1)?;
        let next = self.back_ptr;
        self.back_ptr = self.back_ptr.offset(self.runs.stride);
        Some(next)
    }
}

impl<T, A: Load<T>> Iterator for Iter<'_, T, A> {
    type Item = T;

    #[inline(always)]
    fn next(&mut self) -> Option<T> {
        let next = if self.left > 0 || self.refill() {
            let next = self.ptr;
            self.left -= 1;
            self.ptr = self.ptr.offset(self.runs.stride);
            next
        } else {
            self.next_of_back()?
        };
        // SAFETY: a run's first element is one of the view's, all of them valid to load by the contract of `new`.
        Some(unsafe { A::load(next) })
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = self.left + self.runs.elements() + self.back_left;
        (len, Some(len))
    }

    #[inline]
    fn nth(&mut self, mut n: usize) -> Option<T> {
        // Whole runs are skipped; within one, the next element is a step away.
        while n >= self.left {
            n -= self.left;
            self.left = 0;
            let whole = n.checked_div(self.runs.len).map_or(0, |runs| runs.min(self.runs.left()));
            self.runs.skip(whole);
            n -= whole * self.runs.len;
            if !self.refill() {
                let skipped = n.min(self.back_left);
                self.back_left -= skipped;
                self.back_ptr = self.back_ptr.offset(self.runs.stride.wrapping_mul(skipped as isize));
                return self.next();
            }
        }
        self.ptr = self.ptr.offset(self.runs.stride.wrapping_mul(n as isize));
        self.left -= n;
        self.next()
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
        while let Some(plane) = self.next_plane() {
            if A::TOGETHER {
                // SAFETY: the plane's elements are the view's, valid by the contract of `new`.
                accumulator = unsafe { plane.fold_loaded::<T, A, B>(accumulator, &mut f) };
                continue;
            }
            accumulator = plane.fold::<T, B>(accumulator, |accumulator, source| {
                // SAFETY: each address is an element of a run of the view's, valid by the contract of `new`.
                f(accumulator, unsafe { A::load(source) })
            });
        }
        accumulator
    }
}

impl<T, A: Load<T>> DoubleEndedIterator for Iter<'_, T, A> {
    #[inline(always)]
    fn next_back(&mut self) -> Option<T> {
        if self.back_left == 0 {
            if let Some(run) = self.runs.next_back() {
                (self.back_ptr, self.back_left) = (run.ptr, run.len);
            } else if self.left > 0 {
                (self.back_ptr, self.back_left) = (self.ptr, self.left);
                self.left = 0;
            } else {
                return None;
            }
        }
        self.back_left -= 1;
        let last = Run { ptr: self.back_ptr, len: self.back_left, stride: self.runs.stride }.at(self.back_left);
        // SAFETY: the last element of a run is one of the view's, valid to load by the contract of `new`.
        Some(unsafe { A::load(last) })
    }

    #[inline]
    fn nth_back(&mut self, mut n: usize) -> Option<T> {
        // As `nth`, from the other end.
        while n >= self.back_left {
            n -= self.back_left;
            self.back_left = 0;
            let whole = n.checked_div(self.runs.len).map_or(0, |runs| runs.min(self.runs.left()));
            self.runs.skip_back(whole);
            n -= whole * self.runs.len;
            if let Some(run) = self.runs.next_back() {
                (self.back_ptr, self.back_left) = (run.ptr, run.len);
                continue;
            }
            self.left -= n.min(self.left);
            return self.next_back();
        }
        self.back_left -= n;
        self.next_back()
    }
}

impl<T, A: Load<T>> ExactSizeIterator for Iter<'_, T, A> {}
impl<T, A: Load<T>> FusedIterator for Iter<'_, T, A> {}

impl<T, A> fmt::Debug for Iter<'_, T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let len = self.left + self.runs.elements() + self.back_left;
        f.debug_struct("Iter").field("len", &len).finish_non_exhaustive()
    }
}

impl<T, A> Clone for Iter<'_, T, A> {
    fn clone(&self) -> Self {
        Self { runs: self.runs.clone(), ..*self }
    }
}

// SAFETY: an iterator is a shared borrow of its elements, which `&T` may be sent with where `T` is `Sync`, and gives
// them out by value, for which `T` must be `Send`.
unsafe impl<T: Send + Sync, A> Send for Iter<'_, T, A> {}
// SAFETY: as above; a shared iterator gives out nothing but its length and clones.
unsafe impl<T: Send + Sync, A> Sync for Iter<'_, T, A> {}
