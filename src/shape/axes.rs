//! The axes of a view: the number of elements along each, and the byte strides.
//!
//! If there are few axes, they are stored inline, so that a view is small and allocates nothing. More are stored in one
//! allocation.

use super::{Dims, MAX_NDIM, Order};
use crate::error::{Error, Result};
use std::fmt;

/// The maximum number of axes that are stored inline.
const INLINE: usize = 6;

/// Axes with byte strides: everything in a view except its pointer. Defaults to no axes.
///
/// Most views have few axes, and many views are created, for example one for each row. Therefore up to six axes are
/// stored inline, in 14 words. More are stored in one allocation, which each clone copies.
#[derive(Clone, Default)]
pub(crate) struct Axes {
    ndim: usize,
    /// The axes are the first `ndim` of these, if there are at most [`INLINE`].
    lens: [usize; INLINE],
    strides: [isize; INLINE],
    /// The axes, if there are more.
    many: Option<Box<Many>>,
}

/// More axes than are stored inline; the first `ndim` are used.
#[derive(Clone)]
struct Many {
    lens: [usize; MAX_NDIM],
    strides: [isize; MAX_NDIM],
}

impl Axes {
    /// Creates `ndim` axes of length 0. There must be at most [`MAX_NDIM`].
    #[inline]
    fn of_none(ndim: usize) -> Self {
        let many = (ndim > INLINE).then(|| Box::new(Many { lens: [0; MAX_NDIM], strides: [0; MAX_NDIM] }));
        Self { ndim, many, ..Self::default() }
    }

    /// Returns the axes of contiguous elements of `size` bytes in `order`. `dims` must have passed
    /// [`Dims::checked_len`] for that size.
    #[inline]
    pub(crate) fn contiguous(dims: &Dims, order: Order, size: usize) -> Self {
        match dims[..] {
            [len] => Self::one(len, size as isize),
            _ => Self::contiguous_many(dims, order, size),
        }
    }

    fn contiguous_many(dims: &Dims, order: Order, size: usize) -> Self {
        let mut axes = Self::of_none(dims.ndim);
        let (lens, strides) = axes.parts_mut();
        lens.copy_from_slice(dims);
        let mut stride = size;
        let mut step = |(to, &len): (&mut isize, &usize)| {
            // `checked_len` holds the product of all axes that are not 0 within `isize`.
            *to = stride as isize;
            stride *= len.max(1);
        };
        match order {
            Order::C => strides.iter_mut().zip(dims.iter()).rev().for_each(&mut step),
            Order::F => strides.iter_mut().zip(dims.iter()).for_each(&mut step),
        }
        axes
    }

    /// Creates axes of the given lengths and strides, of which there must be the same number, at most [`MAX_NDIM`].
    pub(crate) fn new(lens: &[usize], strides: &[isize]) -> Self {
        let mut axes = Self::of_none(lens.len());
        let (to_lens, to_strides) = axes.parts_mut();
        to_lens.copy_from_slice(lens);
        to_strides.copy_from_slice(strides);
        axes
    }

    /// Creates one axis.
    #[inline]
    pub(crate) fn one(len: usize, stride: isize) -> Self {
        let mut axes = Self::of_none(1);
        axes.set(0, len, stride);
        axes
    }

    #[inline]
    pub(crate) fn ndim(&self) -> usize {
        self.ndim
    }

    #[inline]
    pub(crate) fn lens(&self) -> &[usize] {
        match self.lens.get(..self.ndim) {
            Some(lens) => lens,
            None => self.many().0,
        }
    }

    /// Returns the strides in bytes. An axis of at most one element may have any stride.
    #[inline]
    pub(crate) fn strides(&self) -> &[isize] {
        match self.strides.get(..self.ndim) {
            Some(strides) => strides,
            None => self.many().1,
        }
    }

    /// Returns the lengths and the strides if they are stored inline.
    #[inline(always)]
    pub(crate) fn few(&self) -> Option<(&[usize], &[isize])> {
        (self.ndim <= INLINE).then(|| (&self.lens[..self.ndim], &self.strides[..self.ndim]))
    }

    /// Returns the lengths and the strides if they are not stored inline.
    #[cold]
    fn many(&self) -> (&[usize], &[isize]) {
        let many = self.many.as_deref().expect("more axes than lie inline are allocated");
        (&many.lens[..self.ndim], &many.strides[..self.ndim])
    }

    #[inline]
    fn parts_mut(&mut self) -> (&mut [usize], &mut [isize]) {
        let ndim = self.ndim;
        match &mut self.many {
            None => (&mut self.lens[..ndim], &mut self.strides[..ndim]),
            Some(many) => (&mut many.lens[..ndim], &mut many.strides[..ndim]),
        }
    }

    /// Returns the number of elements. It cannot overflow, because every view is a part or a reinterpretation of a
    /// checked array.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.lens().iter().product()
    }

    /// Returns the byte offset of an index from the first element, or `None` if the index is out of bounds or has
    /// another number of axes.
    #[inline]
    pub(crate) fn offset(&self, index: &[usize]) -> Option<isize> {
        if index.len() != self.ndim {
            return None;
        }
        // Not `lens` and `strides`: of an index whose length the compiler knows, it knows where the axes lie.
        let (lens, strides) = match &self.many {
            _ if index.len() <= INLINE => (&self.lens[..], &self.strides[..]),
            Some(many) => (&many.lens[..], &many.strides[..]),
            None => return None,
        };
        let mut offset = 0_isize;
        let mut inside = true;
        for (&index, (&len, &stride)) in index.iter().zip(lens.iter().zip(strides)) {
            inside &= index < len;
            // Within the view's memory where every index is inside, and unused where one is not.
            offset = offset.wrapping_add((index as isize).wrapping_mul(stride));
        }
        inside.then_some(offset)
    }

    #[inline]
    pub(crate) fn set(&mut self, axis: usize, len: usize, stride: isize) {
        let (lens, strides) = self.parts_mut();
        (lens[axis], strides[axis]) = (len, stride);
    }

    /// Returns whether the last axes have these lengths and are contiguous in C order, for elements of `size` bytes.
    pub(crate) fn ends_with(&self, lens: &[usize], size: usize) -> bool {
        let Some(first) = self.ndim.checked_sub(lens.len()) else { return false };
        let mut stride = size as isize;
        let own = self.lens()[first..].iter().zip(&self.strides()[first..]);
        own.zip(lens).rev().all(|((&own_len, &own_stride), &len)| {
            let fits = own_len == len && (len == 1 || own_stride == stride);
            stride = stride.wrapping_mul(len as isize);
            fits
        })
    }

    #[inline]
    pub(crate) fn remove(&mut self, axis: usize) {
        match &mut self.many {
            // All that there is room for, which the compiler makes a few moves of.
            None => {
                for to in 0..INLINE - 1 {
                    let from = if to < axis { to } else { to + 1 };
                    (self.lens[to], self.strides[to]) = (self.lens[from], self.strides[from]);
                }
            }
            Some(many) => {
                many.lens.copy_within(axis + 1.., axis);
                many.strides.copy_within(axis + 1.., axis);
            }
        }
        self.truncate(self.ndim - 1);
    }

    /// Inserts an axis before `axis`, or returns an error if there already are [`MAX_NDIM`].
    pub(crate) fn insert(&mut self, axis: usize, len: usize, stride: isize) -> Result<()> {
        if self.ndim == MAX_NDIM {
            return Err(Error::shape(format!("cannot add an axis: a view has at most {MAX_NDIM} axes")));
        }
        self.ndim += 1;
        if self.ndim == INLINE + 1 {
            let mut many = Many { lens: [0; MAX_NDIM], strides: [0; MAX_NDIM] };
            many.lens[..INLINE].copy_from_slice(&self.lens);
            many.strides[..INLINE].copy_from_slice(&self.strides);
            self.many = Some(Box::new(many));
        }
        let last = self.ndim - 1;
        let (lens, strides) = self.parts_mut();
        lens.copy_within(axis..last, axis + 1);
        strides.copy_within(axis..last, axis + 1);
        self.set(axis, len, stride);
        Ok(())
    }

    /// Returns the axes in another order: axis `k` is what axis `order[k]` was. `order` must be a permutation of the
    /// axes.
    pub(crate) fn permuted(&self, order: &[usize]) -> Self {
        let mut axes = self.clone();
        let (lens, strides) = axes.parts_mut();
        for (axis, &from) in order.iter().enumerate() {
            (lens[axis], strides[axis]) = (self.lens()[from], self.strides()[from]);
        }
        axes
    }

    pub(crate) fn reverse(&mut self) {
        let (lens, strides) = self.parts_mut();
        lens.reverse();
        strides.reverse();
    }

    /// Returns whether elements of `size` bytes are contiguous in C order. Axes of one element do not matter, and a
    /// view without elements is contiguous.
    pub(crate) fn is_contiguous(&self, size: usize) -> bool {
        let mut expected = size as isize;
        for (&len, &stride) in self.lens().iter().zip(self.strides()).rev() {
            match len {
                0 => return true,
                1 => {}
                len => {
                    if stride != expected {
                        return self.lens().contains(&0);
                    }
                    expected = expected.wrapping_mul(len as isize);
                }
            }
        }
        true
    }

    /// Returns the same elements in the same order over as few axes as possible: axes of one element are removed, and
    /// adjacent axes are merged if their strides allow it.
    pub(crate) fn joined(&self) -> Self {
        let mut joined = self.clone();
        let (lens, strides) = joined.parts_mut();
        let mut count = 0_usize;
        for (&len, &stride) in self.lens().iter().zip(self.strides()) {
            if len == 1 {
                continue;
            }
            match count.checked_sub(1) {
                Some(last) if strides[last] == stride.wrapping_mul(len as isize) => {
                    lens[last] *= len;
                    strides[last] = stride;
                }
                _ => {
                    (lens[count], strides[count]) = (len, stride);
                    count += 1;
                }
            }
        }
        joined.truncate(count);
        joined
    }

    /// Keeps only the first `ndim` axes.
    #[inline]
    fn truncate(&mut self, ndim: usize) {
        self.ndim = ndim;
        if ndim <= INLINE {
            if let Some(many) = self.many.take() {
                self.lens.copy_from_slice(&many.lens[..INLINE]);
                self.strides.copy_from_slice(&many.strides[..INLINE]);
            }
        }
    }

    /// Returns the distances in bytes from the first element to the elements at the lowest and at the highest address,
    /// of which there must be one. They saturate.
    pub(crate) fn reach(&self) -> (i128, i128) {
        let far = |(&len, &stride): (&usize, &isize)| (len as i128 - 1) * stride as i128;
        let ends = self.lens().iter().zip(self.strides()).map(far);
        ends.fold((0, 0), |(low, high): (i128, i128), end| {
            (low.saturating_add(end.min(0)), high.saturating_add(end.max(0)))
        })
    }

    /// Returns whether elements of `size` bytes may overlap: whether a stride does not lead past all elements along the
    /// axes with smaller strides.
    pub(crate) fn may_overlap(&self, size: usize) -> bool {
        let mut taken = size as i128;
        !self.lens().contains(&0)
            && self.slowest_first().into_iter().rev().any(|axis| {
                let (len, stride) = (self.lens()[axis], self.strides()[axis].unsigned_abs() as i128);
                let overlaps = len > 1 && stride < taken;
                taken = taken.saturating_add((len as i128 - 1) * stride);
                overlaps
            })
    }

    /// Returns whether the strides are nonnegative and in descending order.
    #[inline]
    pub(crate) fn is_in_memory_order(&self) -> bool {
        self.strides().is_sorted_by(|slower, faster| slower >= faster) && self.strides().last().is_none_or(|&s| s >= 0)
    }

    /// Returns the axes from the slowest to the fastest.
    pub(crate) fn slowest_first(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.ndim()).collect();
        order.sort_by_key(|&axis| std::cmp::Reverse(self.strides()[axis].unsigned_abs()));
        order
    }

    /// Returns the same elements in memory order, and the byte offset of the first of them.
    pub(crate) fn in_memory_order(&self) -> (Self, isize) {
        let mut axes = self.clone();
        let (lens, strides) = axes.parts_mut();
        let mut offset = 0;
        for (&len, stride) in lens.iter().zip(strides.iter_mut()) {
            if *stride < 0 && len > 0 {
                offset += ((len - 1) as isize).wrapping_mul(*stride);
                *stride = stride.wrapping_neg();
            }
        }
        // Insertion sort, stable: a view has few axes and they are mostly in order.
        for end in 1..lens.len() {
            let mut axis = end;
            while axis > 0 && strides[axis - 1] < strides[axis] {
                lens.swap(axis - 1, axis);
                strides.swap(axis - 1, axis);
                axis -= 1;
            }
        }
        (axes, offset)
    }
}

impl fmt::Debug for Axes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Axes").field("lens", &self.lens()).field("strides", &self.strides()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dims(dims: &[usize]) -> Dims {
        Dims::new(dims).unwrap()
    }

    fn axes(lens: &[usize], strides: &[isize]) -> Axes {
        let mut axes = Axes::of_none(lens.len());
        axes.parts_mut().0.copy_from_slice(lens);
        axes.parts_mut().1.copy_from_slice(strides);
        axes
    }

    #[test]
    fn axes_that_follow_one_another_are_joined() {
        let lens = |axes: &Axes| axes.joined().lens().to_vec();
        assert_eq!(lens(&axes(&[2, 3, 4], &[12, 4, 1])), [24]);
        assert_eq!(lens(&axes(&[2, 3, 4], &[24, 4, 1])), [2, 12]);
        assert_eq!(lens(&axes(&[2, 1, 4], &[4, 99, 1])), [8]);
        assert_eq!(lens(&axes(&[2, 3], &[1, 2])), [2, 3]);
        assert_eq!(lens(&axes(&[1, 1], &[7, 7])), [0; 0]);
        assert_eq!(lens(&axes(&[3, 4], &[-4, -1])), [12]);
    }

    #[test]
    fn memory_order_sorts_strides_and_turns_negative_ones() {
        let (sorted, offset) = axes(&[2, 3], &[-8, 16]).in_memory_order();
        assert_eq!((sorted.lens(), sorted.strides(), offset), (&[3, 2][..], &[16, 8][..], -8));
    }

    #[test]
    fn axes_of_any_number_keep_their_order() {
        for ndim in 0..=MAX_NDIM {
            let lens: Vec<usize> = (0..ndim).map(|axis| 2 + axis).collect();
            let strides: Vec<isize> = (0..ndim as isize).map(|axis| 1000 - axis).collect();
            let made = axes(&lens, &strides);
            let is = |axes: &Axes, lens: &[usize], strides: &[isize]| {
                assert_eq!((axes.ndim(), axes.lens(), axes.strides()), (lens.len(), lens, strides));
            };
            is(&made.clone(), &lens, &strides);
            assert_eq!(made.many.is_some(), ndim > INLINE);
            let order: Vec<usize> = (0..ndim).rev().collect();
            let mut reversed = made.permuted(&order);
            reversed.reverse();
            is(&reversed, &lens, &strides);
            assert_eq!(made.offset(&vec![1; ndim]), Some(strides.iter().sum()));
            assert_eq!(made.offset(&vec![1; ndim + 1]), None);
            assert!(made.ends_with(&[], 1));
            for axis in 0..ndim {
                let (mut lens, mut strides, mut cut) = (lens.clone(), strides.clone(), made.clone());
                cut.remove(axis);
                lens.remove(axis);
                strides.remove(axis);
                is(&cut, &lens, &strides);
                assert_eq!(cut.many.is_some(), ndim - 1 > INLINE);
                lens.insert(axis, 9);
                strides.insert(axis, -9);
                cut.insert(axis, 9, -9).unwrap();
                is(&cut, &lens, &strides);
            }
            assert_eq!(made.clone().insert(ndim, 1, 0).is_err(), ndim == MAX_NDIM);
            // 2^31 bytes are the most of an address space of 32 bits.
            let twos = dims(&vec![2; ndim.min(30)]);
            assert_eq!(Axes::contiguous(&twos, Order::C, 1).joined().ndim(), usize::from(ndim > 0));
        }
    }

    #[test]
    fn elements_overlap_where_a_model_says_so_unless_they_interlock() {
        let mut cases = 0;
        for (a, b, c) in (1..4).flat_map(|a| (1..4).flat_map(move |b| (1..4).map(move |c| (a, b, c)))) {
            for (i, j) in (-9..10).flat_map(|i| (-9..10).map(move |j| (i, j))) {
                let axes = axes(&[a, b, c], &[i, 5, j]);
                for size in 1..4 {
                    let index = |n: usize| [n / (b * c), n / c % b, n % c];
                    let all: Vec<isize> = (0..a * b * c).map(|n| axes.offset(&index(n)).unwrap()).collect();
                    let (low, high) = axes.reach();
                    assert_eq!(all.iter().min().map(|&low| low as i128), Some(low));
                    assert_eq!(all.iter().max().map(|&high| high as i128), Some(high));
                    let mut bytes: Vec<isize> = all.iter().flat_map(|&at| at..at + size as isize).collect();
                    bytes.sort_unstable();
                    let overlap = bytes.windows(2).any(|pair| pair[0] == pair[1]);
                    assert!(!overlap || axes.may_overlap(size), "{axes:?} {size}", axes = (a, b, c, i, j));
                    cases += usize::from(!overlap && !axes.may_overlap(size));
                }
            }
        }
        assert!(cases > 5000, "{cases}");
        assert!(!axes(&[0, 5], &[0, 0]).may_overlap(4) && axes(&[2], &[0]).may_overlap(1));
        // Every other, and those between.
        assert!(axes(&[2, 3], &[3, 2]).may_overlap(1));
    }

    #[test]
    fn contiguity_ignores_axes_of_one_and_empty_views() {
        assert!(axes(&[2, 3], &[12, 4]).is_contiguous(4));
        assert!(axes(&[1, 3], &[-5, 4]).is_contiguous(4));
        assert!(axes(&[], &[]).is_contiguous(4));
        assert!(axes(&[5, 0], &[3, 3]).is_contiguous(4));
        assert!(axes(&[0, 5], &[3, 3]).is_contiguous(4));
        assert!(!axes(&[2, 3], &[4, 8]).is_contiguous(4));
    }
}
