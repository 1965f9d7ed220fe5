//! Copies of whole views: of the elements as they are, in native byte order, or converted to other numbers.
//!
//! All of these are one loop over runs, compiled for wide instructions (see `wide`), with the operation on an element
//! as a parameter. Rows of few elements are processed column by column, many rows at a time. If the result is large,
//! most of the time goes into the page faults of its memory, for which huge pages are requested, as NumPy does.

use super::ArrayView;
use super::runs::{Run, Runs, at_a_time};
use super::wide::{self, Kernel};
use crate::access::{Addr, Load};
use crate::element::Number;
use crate::region::prefer_huge_pages;
use bytemuck::Pod;
use std::marker::PhantomData;

impl<T, A: Load<T>> ArrayView<'_, T, A> {
    /// Copies the elements into a `Vec`, in C order.
    ///
    /// # Panics
    ///
    /// Panics or aborts if the result does not fit in memory, like [`Vec::with_capacity`].
    ///
    /// ```
    /// let view = mmap_array::ArrayView::from_slice(&[1, 2, 3, 4, 5, 6], [2, 3])?;
    /// assert_eq!(view.index_axis(1, 2).to_vec(), [3, 6]);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[must_use]
    pub fn to_vec(&self) -> Vec<T> {
        self.collect(Same)
    }

    /// Copies the elements, in C order, into a slice of the same length.
    ///
    /// # Panics
    ///
    /// Panics if the lengths differ, like [`slice::copy_from_slice`].
    ///
    /// ```
    /// let view = mmap_array::ArrayView::from_slice(&[1, 2, 3, 4, 5, 6], [2, 3])?;
    /// let mut column = [0; 2];
    /// view.index_axis(1, 0).copy_to(&mut column);
    /// assert_eq!(column, [1, 4]);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[track_caller]
    pub fn copy_to(&self, target: &mut [T]) {
        self.collect_to(target, Same);
    }
}

impl<S: Number<Mean = f64>, A: Load<S>> ArrayView<'_, S, A> {
    /// Converts the elements to numbers of type `T`, in C order. NumPy: `arr.astype(T)`.
    ///
    /// Conversion is that of Rust's `as`, which is the same as NumPy's for values that `T` can represent. Integers that
    /// are too large lose their upper bits, as in NumPy. Floats that are too large for an integer type saturate, and
    /// NaN becomes 0; NumPy leaves these cases undefined. Nonzero numbers become true.
    ///
    /// Many numbers are converted at once if the processor supports it, in either byte order, at any alignment and
    /// stride.
    ///
    /// # Panics
    ///
    /// Panics or aborts if the result does not fit in memory, like [`Vec::with_capacity`].
    ///
    /// ```
    /// use mmap_array::{ArrayView, Be};
    /// let file = [0_u8, 7, 0xff, 0xfe];
    /// let view = ArrayView::from_slice(&file, 4)?.view_as::<Be<i16>>()?;
    /// assert_eq!(view.to_vec_as::<f32>(), [7.0, -2.0]);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[must_use]
    pub fn to_vec_as<T: Number>(&self) -> Vec<T> {
        self.collect(With(S::to_number::<T>))
    }
}

impl<S, A: Load<S>> ArrayView<'_, S, A> {
    /// Collects what `make` makes of the elements, in C order.
    pub(crate) fn collect<T>(&self, make: impl Make<S, T, A>) -> Vec<T> {
        let len = self.len();
        let mut vec = Vec::with_capacity(len);
        prefer_huge_pages(vec.spare_capacity_mut());
        // SAFETY: the vector has room for `len` elements, in memory that the view cannot be part of.
        unsafe { self.make_all(vec.as_mut_ptr(), make) };
        // SAFETY: `make_all` has filled them all.
        unsafe { vec.set_len(len) };
        vec
    }

    /// Fills a slice with what `make` makes of the elements, in C order.
    #[track_caller]
    pub(crate) fn collect_to<T>(&self, target: &mut [T], make: impl Make<S, T, A>) {
        assert_eq!(self.len(), target.len(), "a view is copied to a slice of another length");
        // SAFETY: the slice has as many elements as the view, and nobody else can reach them, so they are apart.
        unsafe { self.make_all(target.as_mut_ptr(), make) };
    }

    /// Writes what `make` makes of the elements to `target`, in C order.
    ///
    /// # Safety
    ///
    /// `target` must be valid for writes of `len` elements and must not overlap the view's.
    pub(super) unsafe fn make_all<T>(&self, target: *mut T, make: impl Make<S, T, A>) {
        wide::run(MakeAll { runs: &mut Runs::new(&self.raw), target, make, marker: PhantomData::<(S, A)> });
    }
}

/// An operation on each element that is copied.
pub(crate) trait Make<S, T, A>: Copy {
    /// Whether contiguous elements are copied as bytes, for which the system knows the fastest way.
    const COPIES: bool = false;

    /// Makes an element from another.
    ///
    /// # Safety
    ///
    /// `source` must be valid to load through `A`.
    unsafe fn make(self, source: Addr) -> T;

    /// Makes contiguous elements from contiguous elements.
    ///
    /// # Safety
    ///
    /// For all of the elements, `source` must be valid to load through `A` and `target` must be valid to write. The two
    /// must not overlap.
    unsafe fn make_run(self, source: Addr, target: *mut T, len: usize);

    /// Makes contiguous elements from the elements of a run.
    ///
    /// # Safety
    ///
    /// The same as for [`make_run`](Self::make_run), for the elements of the run.
    unsafe fn make_apart(self, run: Run, target: *mut T);
}

/// Copies the elements unchanged.
#[derive(Clone, Copy)]
pub(super) struct Same;

impl<T, A: Load<T>> Make<T, T, A> for Same {
    const COPIES: bool = true;

    #[inline(always)]
    unsafe fn make(self, source: Addr) -> T {
        // SAFETY: valid by this function's contract.
        unsafe { A::load(source) }
    }

    #[inline(always)]
    unsafe fn make_run(self, source: Addr, target: *mut T, len: usize) {
        // SAFETY: both are valid, and apart, by this function's contract.
        unsafe { A::load_run(source, target, len) };
    }

    #[inline(always)]
    unsafe fn make_apart(self, run: Run, target: *mut T) {
        if size_of::<T>() == 4 {
            // SAFETY: the addresses are the run's, by this function's contract; an element is 4 initialized bytes.
            let load = |source| unsafe { <A::Reading as Load<[u8; 4]>>::load(source) };
            // SAFETY: the target is as this function's contract says, with room for as many bytes, which are no
            // padding.
            return unsafe { write_apart(run, target.cast::<[u8; 4]>(), load) };
        }
        // SAFETY: the addresses are the run's, by this function's contract.
        let load = |source| unsafe { A::load(source) };
        // SAFETY: the target is as this function's contract says; the elements are not of 4 bytes.
        unsafe { write_apart(run, target, load) };
    }
}

/// Applies a function to the elements.
#[derive(Clone, Copy)]
pub(crate) struct With<F>(pub(crate) F);

impl<S, T: Pod, A: Load<S>, F: Fn(S) -> T + Copy> Make<S, T, A> for With<F> {
    #[inline(always)]
    unsafe fn make(self, source: Addr) -> T {
        // SAFETY: valid by this function's contract.
        (self.0)(unsafe { A::load(source) })
    }

    #[inline(always)]
    unsafe fn make_run(self, source: Addr, target: *mut T, len: usize) {
        match size_of::<S>() {
            // SAFETY: as this function's contract says.
            ..=4 if A::TOGETHER => unsafe { self.make_lanes::<S, T, A, 16>(source, target, len) },
            // SAFETY: as above.
            ..=16 if A::TOGETHER => unsafe { self.make_lanes::<S, T, A, 4>(source, target, len) },
            // SAFETY: as above.
            _ => unsafe { self.make_lanes::<S, T, A, 1>(source, target, len) },
        }
    }

    #[inline(always)]
    unsafe fn make_apart(self, run: Run, target: *mut T) {
        // SAFETY: the addresses are the run's, by this function's contract.
        let make = |source| (self.0)(unsafe { A::load(source) });
        // SAFETY: the target is as this function's contract says, and a `Pod` has no padding.
        unsafe { write_apart(run, target, make) };
    }
}

/// Writes what `make` makes of the addresses of a run's elements to contiguous memory.
///
/// Elements of 4 bytes are written four at a time, as one vector: the compiler would write single ones, and the
/// processor can execute fewer stores than loads at a time.
///
/// # Safety
///
/// `target` must be valid to write for all of them. What `make` makes must have no padding if its size is 4 bytes.
#[inline(always)]
unsafe fn write_apart<T>(run: Run, target: *mut T, make: impl Fn(Addr) -> T) {
    #[cfg_attr(not(target_arch = "x86_64"), expect(unused_mut, reason = "others write one at a time"))]
    let mut start = 0;
    #[cfg(target_arch = "x86_64")]
    while size_of::<T>() == 4 && run.len - start >= 4 {
        use std::arch::x86_64::{_mm_set_epi32, _mm_storeu_si128};
        // SAFETY: of the same size, and without padding by this function's contract.
        let bits = |index| unsafe { std::mem::transmute_copy::<T, i32>(&make(run.at(start + index))) };
        // SAFETY: every processor of this architecture has SSE2.
        let four = unsafe { _mm_set_epi32(bits(3), bits(2), bits(1), bits(0)) };
        // SAFETY: the places of these four, by this function's contract; any alignment will do.
        unsafe { _mm_storeu_si128(target.wrapping_add(start).cast(), four) };
        start += 4;
    }
    for index in start..run.len {
        // SAFETY: a place of one of them, by this function's contract.
        unsafe { target.wrapping_add(index).write(make(run.at(index))) };
    }
}

impl<F> With<F> {
    /// Makes contiguous elements from contiguous elements, `N` at a time.
    ///
    /// # Safety
    ///
    /// The same as for [`Make::make_run`].
    #[inline(always)]
    unsafe fn make_lanes<S, T, A: Load<S>, const N: usize>(self, source: Addr, target: *mut T, len: usize)
    where
        F: Fn(S) -> T + Copy,
    {
        // So that the compiler's vectors lie within lines of the cache.
        let mut start = if N == 1 && size_of::<T>().is_power_of_two() { target.align_offset(32).min(len) } else { 0 };
        for index in 0..start {
            // SAFETY: one of the elements that this function's contract speaks of.
            let element = unsafe { A::load(source.add(index * size_of::<S>())) };
            // SAFETY: its place, by the same contract.
            unsafe { target.wrapping_add(index).write((self.0)(element)) };
        }
        while N > 1 && len - start >= N {
            // SAFETY: elements that this function's contract speaks of, which lie one after another.
            let elements = unsafe { A::load_lanes::<N>(source.add(start * size_of::<S>())) };
            // SAFETY: their places, by the same contract.
            unsafe { target.wrapping_add(start).cast::<[T; N]>().write(elements.map(self.0)) };
            start += N;
        }
        for index in start..len {
            // SAFETY: one of the elements that this function's contract speaks of.
            let element = unsafe { A::load(source.add(index * size_of::<S>())) };
            // SAFETY: its place, by the same contract.
            unsafe { target.wrapping_add(index).write((self.0)(element)) };
        }
    }
}

/// A kernel that writes what is made of the elements of runs, all of them initialized, to `target`, which must be valid
/// for writes of as many and must not overlap them.
struct MakeAll<'a, S, T, A, M> {
    runs: &'a mut Runs,
    target: *mut T,
    make: M,
    marker: PhantomData<(S, A)>,
}

impl<S, T, A: Load<S>, M: Make<S, T, A>> Kernel for MakeAll<'_, S, T, A, M> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { runs, mut target, make, .. } = self;
        while let Some(plane) = runs.next_rows(usize::MAX) {
            plane.for_each_run(|run, first, step| {
                let target = target.wrapping_add(first);
                let is_dense = run.stride == size_of::<S>() as isize;
                if step == 1 {
                    let most = match run.is_long() && !(is_dense && M::COPIES) {
                        true => at_a_time(run.stride.unsigned_abs()),
                        false => run.len,
                    };
                    // The first part so long that the places of the others begin with lines of the cache.
                    let lead = if most < run.len { target.align_offset(64).min(most) } else { 0 };
                    let mut start = 0;
                    while start < run.len {
                        let len = if start == 0 && lead > 0 { lead } else { most };
                        let part = Run { ptr: run.at(start), len: len.min(run.len - start), ..run };
                        let target = target.wrapping_add(start);
                        if most < run.len {
                            part.fetch(0, part.len);
                        }
                        match is_dense {
                            // SAFETY: the run's elements are the view's, and the target has room for all that are left.
                            true => unsafe { make.make_run(part.ptr, target, part.len) },
                            // SAFETY: as above.
                            false => unsafe { make.make_apart(part, target) },
                        }
                        start += part.len;
                    }
                    return;
                }
                for index in 0..run.len {
                    // SAFETY: the addresses of the run are those of elements of the view's.
                    let element = unsafe { make.make(run.at(index)) };
                    // SAFETY: the place of this one in C order, which the target has room for.
                    unsafe { target.wrapping_add(index * step).write(element) };
                }
            });
            target = target.wrapping_add(plane.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::ReadOnly;
    use crate::element::{Be, Bool, Le};
    use bytemuck::Pod;

    /// Returns views for each code path of the loops: contiguous, a field of records at an odd address, short rows,
    /// backwards, transposed, one element, none. There are up to 8 bytes for each number.
    fn views<S: Pod>(bytes: &[u8]) -> Vec<ArrayView<'_, S>>
    where
        ReadOnly: Load<S>,
    {
        let size = size_of::<S>();
        let all = ArrayView::from_slice(&bytes[1..1 + 1200 * size], 1200 * size).unwrap().view_as::<S>().unwrap();
        let records = ArrayView::from_slice(&bytes[..13 * 301], [301, 13]).unwrap();
        let field = records.slice_axis(1, 5..5 + size).view_as::<S>().unwrap().index_axis(1, 0);
        let rows = all.reshape([300, 4]).unwrap().slice((.., 1..3));
        let cube = all.reshape([10, 12, 10]).unwrap();
        vec![
            all.clone(),
            field.clone(),
            field.step_axis(0, -2),
            rows.clone(),
            rows.t(),
            cube.t(),
            cube.slice((.., ..3, ..2)),
            all.rows(7..8),
            all.rows(..0),
        ]
    }

    /// Compares the converted numbers of every view of some bytes with those converted one by one.
    fn check<S: Pod + PartialEq + Number<Mean = f64>, T: Number + PartialEq + std::fmt::Debug>(bytes: &[u8])
    where
        ReadOnly: Load<S>,
    {
        for view in views::<S>(bytes) {
            let expected: Vec<T> = view.iter().map(S::to_number::<T>).collect();
            assert!(same(&view.to_vec_as::<T>(), &expected), "strides {:?}", view.strides());
        }
    }

    /// Returns whether two slices are equal, where NaN equals NaN.
    #[expect(clippy::eq_op, reason = "NaN is what does not equal itself")]
    fn same<T: PartialEq>(left: &[T], right: &[T]) -> bool {
        left.len() == right.len() && left.iter().zip(right).all(|(l, r)| l == r || (l != l && r != r))
    }

    /// Returns irregular bytes, some of which make numbers that are too large for others, infinities and NaN.
    fn bytes() -> Vec<u8> {
        (0..10_000_u32)
            .map(|i| (i.wrapping_mul(2_654_435_769) >> 23) as u8 | if i % 64 < 9 { 0x7f } else { 0 })
            .collect()
    }

    #[test]
    fn every_number_becomes_every_other_at_any_stride_and_in_either_order() {
        macro_rules! check_all {
            ($($from:ty)*) => {$( check_all!($from => i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 Bool); )*};
            ($from:ty => $($to:ty)*) => {$(
                check::<$from, $to>(&bytes());
                check::<Be<$from>, $to>(&bytes());
                check::<Le<$from>, $to>(&bytes());
            )*};
        }
        check_all!(i8 i16 i32 i64 u8 u16 u32 u64 f32 f64);
        check::<Bool, Bool>(&bytes());
        check::<Bool, f32>(&bytes());
        check::<Bool, u64>(&bytes());
    }

    #[test]
    fn elements_are_copied_whatever_they_are() {
        fn check<T: Pod + PartialEq>() {
            let bytes = bytes();
            for view in views::<T>(&bytes) {
                let expected: Vec<T> = view.iter().collect();
                assert!(same(&view.to_vec(), &expected));
                let mut copy = vec![T::zeroed(); view.len()];
                view.copy_to(&mut copy);
                assert!(same(&copy, &expected));
            }
        }
        check::<u8>();
        check::<[u8; 3]>();
        check::<u32>();
        check::<f64>();
        check::<[u16; 4]>();
    }

    #[test]
    fn conversion_is_as_numpys_in_range() {
        let view = |numbers| ArrayView::from_slice(numbers, 4).unwrap();
        // np.array([…]).astype(…) of NumPy 2.4.6.
        assert_eq!(view(&[1.9, -1.9, 255.0, -0.5]).to_vec_as::<i32>(), [1, -1, 255, 0]);
        let view = ArrayView::from_slice(&[-1_i32, 256, 70_000, i32::MIN], 4).unwrap();
        assert_eq!(view.to_vec_as::<u8>(), [255, 0, 112, 0]);
        assert_eq!(view.to_vec_as::<i16>(), [-1, 256, 4464, 0]);
        assert_eq!(view.to_vec_as::<u64>(), [u64::MAX, 256, 70_000, 0xffff_ffff_8000_0000]);
        let view = ArrayView::from_slice(&[u64::MAX, (1 << 53) + 1], 2).unwrap();
        assert_eq!(view.to_vec_as::<f64>(), [18_446_744_073_709_551_616.0, 9_007_199_254_740_992.0]);
        let view = ArrayView::from_slice(&[f64::NAN, -0.0, 1e300, -1e300], 4).unwrap();
        assert_eq!(view.to_vec_as::<Bool>(), [true, false, true, true]);
        assert_eq!(view.to_vec_as::<f32>()[2..], [f32::INFINITY, f32::NEG_INFINITY]);
        // Where NumPy says nothing.
        assert_eq!(view.to_vec_as::<i16>(), [0, 0, i16::MAX, i16::MIN]);
        let truths = ArrayView::from_slice(&[0_u8, 1, 255], 3).unwrap().view_as::<Bool>().unwrap();
        assert_eq!(truths.to_vec_as::<i64>(), [0, 1, 1]);
    }

    #[test]
    fn large_results_come_in_pages_of_any_size() {
        let numbers: Vec<Be<u16>> = (0..3_000_000).map(|i| Be::new(i as u16)).collect();
        let turned = ArrayView::from_slice(&numbers, numbers.len()).unwrap().to_vec_as::<u32>();
        assert!(turned.iter().enumerate().all(|(i, &number)| number == u32::from(i as u16)));
    }
}
