//! Writing through views: single elements, whole views, and two fields of the same records.

use super::convert::Same;
use super::runs::Runs;
use super::{ArrayView, ArrayViewMut};
use crate::access::atomic::update;
use crate::access::{Addr, Atomic, Exclusive, Load, ReadWrite, SharedMut, Stable, Store, assert_mappable};
use crate::field::Field;
use crate::shape::NdIndex;
use std::marker::PhantomData;

/// Calls `f` with each element's address.
#[inline]
fn for_each_address<T>(mut runs: Runs, mut f: impl FnMut(Addr)) {
    while let Some(run) = runs.next() {
        run.fold::<T, _>((), |(), address| f(address));
    }
}

macro_rules! writing {
    ($Mode:ident, [$($receiver:tt)+] $this:ident) => {
        impl<T> ArrayView<'_, T, $Mode>
        where
            $Mode: Store<T>,
        {
            /// Stores a value in the element at an index.
            ///
            /// # Panics
            ///
            /// Panics if the index is out of bounds or has the wrong number of axes.
            ///
            /// ```
            /// let mut data = [0; 6];
            /// mmap_array::ArrayViewMut::from_slice_mut(&mut data, [2, 3])?.set([1, 1], 9);
            /// assert_eq!(data, [0, 0, 0, 0, 9, 0]);
            /// # Ok::<(), mmap_array::Error>(())
            /// ```
            #[inline]
            #[track_caller]
            pub fn set($($receiver)+, index: impl NdIndex, value: T) {
                // SAFETY: `address` gives only elements of the view, which are writable, and where the mode is
                // exclusive nobody else's while the view is borrowed so, by the contract of `from_raw`.
                unsafe { <$Mode as Store<T>>::store($this.address(index), value) }
            }

            /// Stores the same value in every element.
            ///
            /// ```
            /// let mut data = [0; 6];
            /// mmap_array::ArrayViewMut::from_slice_mut(&mut data, [2, 3])?.index_axis(1, 0).fill(1);
            /// assert_eq!(data, [1, 0, 0, 1, 0, 0]);
            /// # Ok::<(), mmap_array::Error>(())
            /// ```
            pub fn fill($($receiver)+, value: T)
            where
                T: Copy,
            {
                // SAFETY: each address is an element's of the view, as for `set`.
                for_each_address::<T>($this.runs_in_memory_order(), |target| unsafe {
                    <$Mode as Store<T>>::store(target, value)
                });
            }

            /// Replaces every element by the result of `f` for it, in C order.
            ///
            /// ```
            /// let mut data = [1, 2, 3];
            /// mmap_array::ArrayViewMut::from_slice_mut(&mut data, 3)?.map_in_place(|x| x * x);
            /// assert_eq!(data, [1, 4, 9]);
            /// # Ok::<(), mmap_array::Error>(())
            /// ```
            pub fn map_in_place($($receiver)+, mut f: impl FnMut(T) -> T) {
                for_each_address::<T>(Runs::new(&$this.raw), |target| {
                    // SAFETY: the address is an element's of the view, initialized, by the contract of `from_raw`.
                    let value = unsafe { <$Mode as Load<T>>::load(target) };
                    // SAFETY: as for `set`.
                    unsafe { <$Mode as Store<T>>::store(target, f(value)) }
                });
            }

            /// Calls `f` with a mutable slice of the elements of each row, in C order, whatever the strides. A row is
            /// the view at one index of the leading axis.
            ///
            /// If the elements of a row are contiguous and aligned, and other processes may not write them, the slice
            /// is the row itself. Otherwise it is a copy in memory, which is stored back after the call. A row should
            /// therefore fit in memory, but the view need not. `f` is not called if the view has no elements.
            ///
            /// # Panics
            ///
            /// Panics if the view has no axes.
            ///
            /// ```
            /// let mut frames = [1.0, 2.0, 5.0, 4.0];
            /// let mut view = mmap_array::ArrayViewMut::from_slice_mut(&mut frames, [2, 2])?;
            /// let (_, means) = view.mean_axis(0)?;
            /// view.map_rows_in_place(|frame| frame.iter_mut().zip(&means).for_each(|(pixel, mean)| *pixel -= mean));
            /// assert_eq!(frames, [-2.0, -1.0, 2.0, 1.0]);
            /// # Ok::<(), mmap_array::Error>(())
            /// ```
            #[track_caller]
            pub fn map_rows_in_place($($receiver)+, mut f: impl FnMut(&mut [T]))
            where
                T: Copy,
            {
                let mut buffer = Vec::new();
                let rows = $this.raw.axis(0).0;
                if $this.is_empty() {
                    return;
                }
                for index in 0..rows {
                    // SAFETY: the view is borrowed as it must be to write, and the row goes before the next one comes.
                    let row = unsafe { $this.row(index) };
                    // SAFETY: as above, nobody else has its elements.
                    unsafe { row.lend_mut(&mut buffer, &mut f) };
                }
            }

            /// Calls `f(row, target)` for each row: with a slice of the elements of that row of another view, and a
            /// mutable slice of the elements of that row of this view. The views must have the same number of rows, but
            /// the rows may have different lengths. See [`map_rows_in_place`](Self::map_rows_in_place).
            ///
            /// # Panics
            ///
            /// Panics if either view has no axes, or if the numbers of rows differ.
            ///
            /// ```
            /// use mmap_array::{ArrayView, ArrayViewMut};
            /// let raw = ArrayView::from_slice(&[1_u16, 3, 1, 5, 2, 0], [3, 2])?;
            /// let mut sums = [0_u32; 3];
            /// ArrayViewMut::from_slice_mut(&mut sums, 3)?
            ///     .map_rows_from(&raw, |row, sum| sum[0] = row.iter().map(|&x| u32::from(x)).sum());
            /// assert_eq!(sums, [4, 6, 2]);
            /// # Ok::<(), mmap_array::Error>(())
            /// ```
            #[track_caller]
            pub fn map_rows_from<S: Copy, B: Load<S>>(
                $($receiver)+,
                source: &ArrayView<'_, S, B>,
                mut f: impl FnMut(&[S], &mut [T]),
            ) where
                T: Copy,
            {
                let (rows, others) = ($this.raw.axis(0).0, source.raw.axis(0).0);
                assert_eq!(rows, others, "a view with {rows} rows cannot be made from one with {others}");
                let (mut buffer, mut source_buffer) = (Vec::new(), Vec::new());
                if $this.is_empty() && source.is_empty() {
                    return;
                }
                for index in 0..rows {
                    // SAFETY: the row is read alone, as the view may be that is borrowed.
                    let from = unsafe { source.row(index) };
                    from.lend(&mut source_buffer, |source| {
                        // SAFETY: as for `map_rows_in_place`.
                        let row = unsafe { $this.row(index) };
                        // SAFETY: as there.
                        unsafe { row.lend_mut(&mut buffer, |row| f(source, row)) };
                    });
                }
            }

            /// Copies the elements of a view of the same shape, whatever its strides.
            ///
            /// # Panics
            ///
            /// Panics if the shapes differ. There is no broadcasting.
            ///
            /// ```
            /// use mmap_array::{ArrayView, ArrayViewMut};
            /// let mut data = [0; 6];
            /// let source = ArrayView::from_slice(&[1, 2, 3, 4, 5, 6], [3, 2])?;
            /// ArrayViewMut::from_slice_mut(&mut data, [2, 3])?.copy_from(&source.t());
            /// assert_eq!(data, [1, 3, 5, 2, 4, 6]);
            /// # Ok::<(), mmap_array::Error>(())
            /// ```
            #[track_caller]
            pub fn copy_from<B: Load<T>>($($receiver)+, source: &ArrayView<'_, T, B>) {
                assert_eq!($this.shape(), source.shape(), "a view is copied from a view of another shape");
                let raw = &$this.raw;
                // In the order in which ours lie: nobody sees another, but in the time that it takes.
                let (ours, theirs) = match raw.axes.is_in_memory_order() {
                    true => (raw.clone(), source.raw.clone()),
                    false => {
                        let order = raw.axes.slowest_first();
                        (raw.clone().permuted(&order), source.raw.clone().permuted(&order))
                    }
                };
                // SAFETY: the same elements as of the two views that are borrowed, to find where they lie and to read
                // theirs.
                let ours = unsafe { ArrayView::<'_, T, $Mode>::from_raw(ours) };
                // SAFETY: as above.
                let theirs = unsafe { ArrayView::<'_, T, B>::from_raw(theirs) };
                if let (Some((target, len)), Some((source, _))) = (ours.slice_parts(), theirs.slice_parts()) {
                    // SAFETY: both are `len` elements one after another, the shapes being equal. Ours are writable, and
                    // where they are borrowed exclusively the two are apart.
                    return unsafe { <$Mode as Store<T>>::copy_run::<B>(target, source, len) };
                }
                let mut source = theirs.iter();
                for_each_address::<T>(Runs::new(&ours.raw), |target| {
                    if let Some(value) = source.next() {
                        // SAFETY: the address is an element's of the view, as for `set`.
                        unsafe { <$Mode as Store<T>>::store(target, value) }
                    }
                });
            }
        }
    };
}

impl<T: Copy, A: Load<T>> ArrayView<'_, T, A> {
    /// Returns the elements at an index of the leading axis.
    ///
    /// # Safety
    ///
    /// The row must be used like this view, while this view is borrowed, and no other view of the same elements may be
    /// used meanwhile.
    unsafe fn row(&self, index: usize) -> Self {
        // SAFETY: these are elements of the view, which are used as its own, by this function's contract.
        unsafe { Self::from_raw(self.raw.clone().index_axis(0, index)) }
    }

    /// Returns the pointer and the length of a slice of the elements, if they can be one and the mode is stable.
    fn stable_slice_parts(&self) -> Option<(*mut T, usize)> {
        let (addr, len) = self.slice_parts()?;
        Some((A::stable_pointer(addr)?, len))
    }

    /// Calls `f` with the elements in C order, which are copied to the buffer unless they are a slice.
    fn lend<R>(&self, buffer: &mut Vec<T>, f: impl FnOnce(&[T]) -> R) -> R {
        if let Some((pointer, len)) = self.stable_slice_parts() {
            // SAFETY: `slice_parts` has found the elements aligned and contiguous; they are initialized and, the mode
            // being stable, not written while they are borrowed, by the contract of `from_raw`.
            return f(unsafe { std::slice::from_raw_parts(pointer, len) });
        }
        self.collect_into(buffer);
        f(buffer)
    }

    /// Replaces the contents of the buffer by the elements, in C order.
    fn collect_into(&self, buffer: &mut Vec<T>) {
        buffer.clear();
        buffer.reserve(self.len());
        // SAFETY: the buffer has room for as many elements, in memory that the view cannot be part of.
        unsafe { self.make_all(buffer.as_mut_ptr(), Same) };
        // SAFETY: `make_all` has filled them all.
        unsafe { buffer.set_len(self.len()) };
    }
}

impl<T: Copy, A: Store<T>> ArrayView<'_, T, A> {
    /// Calls `f` with the elements in C order. Unless they are a slice, they are copied to the buffer, and stored back
    /// after the call.
    ///
    /// # Safety
    ///
    /// If the mode is exclusive, nobody else may have the elements during the call.
    unsafe fn lend_mut(&self, buffer: &mut Vec<T>, f: impl FnOnce(&mut [T])) {
        if let Some((pointer, len)) = self.stable_slice_parts() {
            // SAFETY: `slice_parts` has found the elements aligned and contiguous; they are initialized and writable,
            // by the contract of `from_raw`, and nobody else's: the mode is stable and so exclusive, and by this
            // function's contract.
            return f(unsafe { std::slice::from_raw_parts_mut(pointer, len) });
        }
        self.collect_into(buffer);
        f(buffer);
        let mut elements = buffer.iter();
        for_each_address::<T>(Runs::new(&self.raw), |target| {
            if let Some(&element) = elements.next() {
                // SAFETY: the address is an element's of the view, writable by the contract of `from_raw`, and where
                // the mode is exclusive nobody else's, by this function's.
                unsafe { <A as Store<T>>::store(target, element) }
            }
        });
    }
}

writing!(ReadWrite, [&mut self] self);
writing!(SharedMut, [&self] self);

/// Atomic operations on elements that others may write meanwhile.
impl<T: Atomic> ArrayView<'_, T, SharedMut> {
    /// Returns the address of an element, which must be aligned for atomic instructions.
    #[track_caller]
    fn atomic_address(&self, index: impl NdIndex) -> Addr {
        let address = self.address(index);
        assert!(address.is_multiple_of(size_of::<T>()), "atomic operations need an element aligned to its size");
        address
    }

    /// Adds a value to an element atomically, and returns the previous value. Integers wrap around on overflow.
    ///
    /// # Panics
    ///
    /// Panics if the index is out of bounds or has the wrong number of axes, or if the element's address is not a
    /// multiple of its size.
    ///
    /// ```
    /// use mmap_array::MmapArray;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("histogram");
    /// std::fs::write(&path, [0; 40])?;
    /// let histogram = MmapArray::<u32>::options().open_shared_mut(&path)?;
    /// histogram.write(|view| {
    ///     std::thread::scope(|threads| {
    ///         for _ in 0..4 {
    ///             threads.spawn(|| (0..1000).for_each(|n| drop(view.fetch_add([n % 10], 1))));
    ///         }
    ///     });
    /// })?;
    /// assert_eq!(histogram.read(|view| view.to_vec())?, [400; 10]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn fetch_add(&self, index: impl NdIndex, value: T) -> T {
        // SAFETY: an element of the view, writable by the contract of `from_raw`, and aligned.
        unsafe { update(self.atomic_address(index), |number: T| number.plus(value)) }
    }

    /// Replaces an element atomically by the larger of it and a value, and returns the previous value. Nothing changes
    /// if the value is NaN.
    ///
    /// # Panics
    ///
    /// The same as for [`fetch_add`](Self::fetch_add).
    #[track_caller]
    pub fn fetch_max(&self, index: impl NdIndex, value: T) -> T {
        // SAFETY: as for `fetch_add`.
        unsafe { update(self.atomic_address(index), |number: T| number.larger(value)) }
    }

    /// Replaces an element atomically by the smaller of it and a value, and returns the previous value. Nothing changes
    /// if the value is NaN.
    ///
    /// # Panics
    ///
    /// The same as for [`fetch_add`](Self::fetch_add).
    #[track_caller]
    pub fn fetch_min(&self, index: impl NdIndex, value: T) -> T {
        // SAFETY: as for `fetch_add`.
        unsafe { update(self.atomic_address(index), |number: T| number.smaller(value)) }
    }

    /// Stores `new` in an element atomically if its bits are those of `current`. Returns the previous value, as `Ok` if
    /// it was replaced.
    ///
    /// # Errors
    ///
    /// The element's value if it is not `current`.
    ///
    /// # Panics
    ///
    /// The same as for [`fetch_add`](Self::fetch_add).
    #[track_caller]
    pub fn compare_exchange(&self, index: impl NdIndex, current: T, new: T) -> Result<T, T> {
        // SAFETY: as for `fetch_add`.
        unsafe { T::compare_exchange(self.atomic_address(index), current, new) }
    }
}

impl<'a, T> ArrayViewMut<'a, T>
where
    ReadWrite: Exclusive<T>,
{
    /// Borrows the view for a shorter time, so that methods that take a view by value do not consume this one.
    ///
    /// ```
    /// let mut data = [0; 6];
    /// let mut view = mmap_array::ArrayViewMut::from_slice_mut(&mut data, [2, 3])?;
    /// view.reborrow().index_axis(0, 0).fill(1);
    /// view.reborrow().index_axis(0, 1).fill(2);
    /// assert_eq!(view.to_vec(), [1, 1, 1, 2, 2, 2]);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[inline]
    #[must_use]
    pub fn reborrow(&mut self) -> ArrayViewMut<'_, T> {
        ArrayView { raw: self.raw.clone(), marker: PhantomData }
    }

    /// Returns the elements as a mutable slice, or `None` if they are not contiguous in C order or not aligned for `T`.
    #[must_use]
    pub fn as_slice_mut(&mut self) -> Option<&mut [T]> {
        self.reborrow().into_slice_mut()
    }

    /// Returns the elements as a mutable slice that lives as long as they are borrowed, or `None` in the cases of
    /// [`as_slice_mut`](Self::as_slice_mut).
    #[must_use]
    pub fn into_slice_mut(self) -> Option<&'a mut [T]> {
        let (addr, len) = self.slice_parts()?;
        let ptr = <ReadWrite as Stable<T>>::pointer(addr);
        // SAFETY: `slice_parts` has found the elements aligned and contiguous; they are initialized, writable and
        // nobody else's for 'a, by the contract of `from_raw`, and this view is used up.
        Some(unsafe { std::slice::from_raw_parts_mut(ptr, len) })
    }

    /// Returns two fields of every record, both as writable views.
    ///
    /// # Panics
    ///
    /// Panics if the fields overlap.
    ///
    /// ```
    /// use mmap_array::{field, ArrayViewMut};
    /// # use bytemuck::{Pod, Zeroable};
    /// #[derive(Clone, Copy, Zeroable, Pod)]
    /// #[repr(C)]
    /// struct Body { position: f64, speed: f64 }
    ///
    /// let mut bodies = [Body { position: 0.0, speed: 2.0 }; 3];
    /// let view = ArrayViewMut::from_slice_mut(&mut bodies, 3)?;
    /// let (mut positions, speeds) = view.project2(field!(Body, position), field!(Body, speed));
    /// positions.copy_from(&speeds);
    /// assert_eq!(bodies[2].position, 2.0);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn project2<F, G>(self, first: Field<T, F>, second: Field<T, G>) -> (ArrayViewMut<'a, F>, ArrayViewMut<'a, G>)
    where
        ReadWrite: Exclusive<F> + Exclusive<G>,
    {
        const { assert_mappable::<F>() }
        const { assert_mappable::<G>() }
        let (start, end) = (first.offset(), first.offset() + size_of::<F>());
        let apart = end <= second.offset() || second.offset() + size_of::<G>() <= start;
        assert!(apart, "the fields {first:?} and {second:?} overlap, so they cannot both be written");
        let (f, g) = (self.raw.clone().project(first.offset()), self.raw.project(second.offset()));
        // No byte is in both, and no two records overlap, so the two views are apart.
        (ArrayView { raw: f, marker: PhantomData }, ArrayView { raw: g, marker: PhantomData })
    }
}
