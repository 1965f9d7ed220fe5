//! Indexing of arrays. An `Index` impl of its own hides the slice's, which `Deref` would otherwise provide, so one
//! trait covers both kinds of index: those of a slice, over the elements in storage order, and one number per axis.

use super::MmapArray;
use crate::access::{Exclusive, Stable};
use crate::view::outside_text;
use std::ops::{Bound, Index, IndexMut, Range, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};
use std::slice::SliceIndex;

/// A type that an array can be indexed by: `usize` and ranges over the elements in storage order, as for a slice, and
/// `[usize; N]` with one number per axis. The trait is sealed.
///
/// ```
/// let mut a = mmap_array::MmapArrayMut::<i32>::anonymous([2, 3])?;
/// a[[1, 0]] = 7;
/// assert_eq!(a[3], 7);
/// assert_eq!(a[2..4], [0, 7]);
/// # Ok::<(), mmap_array::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "an array cannot be indexed by `{Self}`",
    note = "one number per axis is written `array[[i, j]]`; `array[i]` and `array[a..b]` count elements in storage order",
    note = "ranges along several axes are the view's: `array.view().slice((a..b, ..))`"
)]
pub trait ArrayIndex<T>: sealed::Sealed {
    /// An element, or a slice of elements.
    type Output: ?Sized;

    /// Panics if the index is out of bounds.
    #[doc(hidden)]
    fn of<A: Stable<T>>(self, array: &MmapArray<T, A>) -> &Self::Output;

    /// Panics if the index is out of bounds.
    #[doc(hidden)]
    fn of_mut<A: Exclusive<T>>(self, array: &mut MmapArray<T, A>) -> &mut Self::Output;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! slice_indices {
    ($($index:ty),*) => {$(
        impl sealed::Sealed for $index {}
        impl<T> ArrayIndex<T> for $index {
            type Output = <$index as SliceIndex<[T]>>::Output;

            #[inline]
            #[track_caller]
            fn of<A: Stable<T>>(self, array: &MmapArray<T, A>) -> &Self::Output {
                &(**array)[self]
            }

            #[inline]
            #[track_caller]
            fn of_mut<A: Exclusive<T>>(self, array: &mut MmapArray<T, A>) -> &mut Self::Output {
                &mut (**array)[self]
            }
        }
    )*};
}
slice_indices!(
    usize,
    Range<usize>,
    RangeFrom<usize>,
    RangeTo<usize>,
    RangeFull,
    RangeInclusive<usize>,
    RangeToInclusive<usize>,
    (Bound<usize>, Bound<usize>)
);

impl<const N: usize> sealed::Sealed for [usize; N] {}
impl<T, const N: usize> ArrayIndex<T> for [usize; N] {
    type Output = T;

    #[inline]
    #[track_caller]
    fn of<A: Stable<T>>(self, array: &MmapArray<T, A>) -> &T {
        let position = position(array, self);
        // SAFETY: `position` has checked the index against the shape, whose product is the number of elements.
        unsafe { array.get_unchecked(position) }
    }

    #[inline]
    #[track_caller]
    fn of_mut<A: Exclusive<T>>(self, array: &mut MmapArray<T, A>) -> &mut T {
        let position = position(array, self);
        // SAFETY: as for `of`.
        unsafe { array.get_unchecked_mut(position) }
    }
}

/// Returns the position of an element in storage order, which is less than the number of elements.
#[inline(always)]
#[track_caller]
fn position<T, A, const N: usize>(array: &MmapArray<T, A>, index: [usize; N]) -> usize {
    match array.dims.position(array.order, index) {
        Some(position) => position,
        None => outside(&index, array.shape()),
    }
}

#[cold]
#[inline(never)]
#[track_caller]
fn outside(index: &[usize], shape: &[usize]) -> ! {
    panic!("{}", outside_text(index, shape, "an array"))
}

impl<T, A: Stable<T>, I: ArrayIndex<T>> Index<I> for MmapArray<T, A> {
    type Output = I::Output;

    #[inline]
    #[track_caller]
    fn index(&self, index: I) -> &I::Output {
        index.of(self)
    }
}

impl<T, A: Exclusive<T>, I: ArrayIndex<T>> IndexMut<I> for MmapArray<T, A> {
    #[inline]
    #[track_caller]
    fn index_mut(&mut self, index: I) -> &mut I::Output {
        index.of_mut(self)
    }
}
