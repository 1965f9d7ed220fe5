//! Conversion of whole views between an explicit byte order and the native one.

use super::convert::With;
use super::runs::Runs;
use super::wide::{self, Kernel};
use super::{ArrayView, ArrayViewMut};
use crate::access::{Load, ReadWrite, Store};
use crate::element::endian::{Endian, Scalar};
use byteorder::ByteOrder;
use std::marker::PhantomData;

impl<T: Scalar, E: ByteOrder, A: Load<Endian<T, E>>> ArrayView<'_, Endian<T, E>, A> {
    /// Copies the elements' values into a `Vec`, in C order and native byte order. NumPy:
    /// `arr.astype(arr.dtype.newbyteorder("="))`.
    ///
    /// Many bytes are swapped at once if the processor supports it, at any alignment and stride.
    ///
    /// # Panics
    ///
    /// Panics or aborts if the result does not fit in memory, like [`Vec::with_capacity`].
    ///
    /// ```
    /// use mmap_array::{ArrayView, Be};
    /// let file = [0_u8, 1, 0, 2, 0, 3, 0, 4];
    /// let view = ArrayView::from_slice(&file, 8)?.view_as::<Be<u16>>()?.reshape([2, 2])?;
    /// assert_eq!(view.to_native_vec(), [1_u16, 2, 3, 4]);
    /// assert_eq!(view.index_axis(1, 0).to_native_vec(), [1, 3]);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[must_use]
    pub fn to_native_vec(&self) -> Vec<T> {
        self.collect(With(Endian::get))
    }

    /// Copies the elements' values, in C order and native byte order, into a slice of the same length.
    ///
    /// # Panics
    ///
    /// Panics if the lengths differ, like [`slice::copy_from_slice`].
    ///
    /// ```
    /// use mmap_array::{ArrayView, Be};
    /// let view = ArrayView::from_slice(&[0_u8, 1, 0, 2], 4)?.view_as::<Be<i16>>()?;
    /// let mut values = [0; 2];
    /// view.copy_to_native(&mut values);
    /// assert_eq!(values, [1, 2]);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[track_caller]
    pub fn copy_to_native(&self, target: &mut [T]) {
        self.collect_to(target, With(Endian::get));
    }
}

impl<T: Scalar, E: ByteOrder> ArrayViewMut<'_, Endian<T, E>>
where
    E: 'static,
{
    /// Copies a slice of values in native byte order into the elements, in C order: the inverse of
    /// [`copy_to_native`](Self::copy_to_native), and as fast.
    ///
    /// # Panics
    ///
    /// Panics if the lengths differ, like [`slice::copy_from_slice`].
    ///
    /// ```
    /// use mmap_array::{ArrayViewMut, Be};
    /// let mut file = [Be::new(0_u16); 3];
    /// ArrayViewMut::from_slice_mut(&mut file, 3)?.copy_from_native(&[1, 2, 3]);
    /// assert_eq!(file[2].to_bytes(), [0, 3]);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[track_caller]
    pub fn copy_from_native(&mut self, source: &[T]) {
        assert_eq!(self.len(), source.len(), "a view is copied from a slice of another length");
        wide::run(Encode::<T, E> { runs: &mut Runs::new(&self.raw), source, marker: PhantomData });
    }
}

/// A kernel that encodes a slice into the elements of runs. There must be as many elements, and they must be writable
/// and exclusively borrowed.
struct Encode<'a, T, E> {
    runs: &'a mut Runs,
    source: &'a [T],
    marker: PhantomData<E>,
}

impl<T: Scalar, E: ByteOrder + 'static> Kernel for Encode<'_, T, E> {
    type Output = ();

    #[inline(always)]
    fn run(mut self) {
        while let Some(run) = self.runs.next() {
            let (values, rest) = self.source.split_at(run.len);
            self.source = rest;
            run.fold::<Endian<T, E>, _>(values.as_ptr(), |value, target| {
                // SAFETY: there are as many values as elements in the run.
                let encoded = Endian::new(unsafe { value.read() });
                // SAFETY: `fold` gives the addresses of the run's elements, writable and nobody else's while the view
                // is borrowed exclusively, by the contract of `from_raw`.
                unsafe { <ReadWrite as Store<Endian<T, E>>>::store(target, encoded) };
                value.wrapping_add(1)
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element::Ucs4;
    use crate::element::endian::{Be, Le};

    #[test]
    fn every_number_comes_back_in_either_order_and_at_any_alignment() {
        macro_rules! check {
            ($($number:ty),*) => {$(
                // More than any vector register, and no multiple of one.
                let values: Vec<$number> = (0..199_u32).map(|i| (i * 77) as $number / 3 as $number).collect();
                let size = size_of::<$number>();
                for shift in 0..size {
                    let mut file = vec![0_u8; shift];
                    file.extend(values.iter().flat_map(|value| value.to_be_bytes()));
                    let view = ArrayView::from_slice(&file[shift..], values.len() * size).unwrap();
                    assert_eq!(view.view_as::<Be<$number>>().unwrap().to_native_vec(), values);
                    file.truncate(shift);
                    file.extend(values.iter().flat_map(|value| value.to_le_bytes()));
                    let view = ArrayView::from_slice(&file[shift..], values.len() * size).unwrap();
                    assert_eq!(view.view_as::<Le<$number>>().unwrap().to_native_vec(), values);
                    let mut written = file.clone();
                    let target = ArrayViewMut::from_slice_mut(&mut written[shift..], values.len() * size).unwrap();
                    target.view_as::<Be<$number>>().unwrap().copy_from_native(&values);
                    assert!(written[shift..].iter().copied().eq(values.iter().flat_map(|value| value.to_be_bytes())));
                }
            )*};
        }
        check!(i8, i16, i32, i64, u8, u16, u32, u64, f32, f64);
    }

    #[test]
    fn views_of_any_shape_go_in_logical_order() {
        let mut file: Vec<Be<u16>> = (0..24).map(Be::new).collect();
        let view = ArrayView::from_slice(&file, [2, 3, 4]).unwrap();
        for view in [view.clone(), view.t(), view.step_axis(1, -2), view.index_axis(2, 1), view.slice((.., 1..1))] {
            assert_eq!(view.to_native_vec(), view.iter().map(Be::get).collect::<Vec<u16>>());
        }
        assert_eq!(ArrayView::from_slice(&file, 24).unwrap().index_axis(0, 5).to_native_vec(), [5]);
        let mut turned = ArrayViewMut::from_slice_mut(&mut file, [2, 12]).unwrap().t();
        turned.copy_from_native(&(100..124).collect::<Vec<u16>>());
        assert_eq!((file[0].get(), file[1].get(), file[12].get(), file[23].get()), (100, 102, 101, 123));
    }

    #[test]
    fn text_is_turned_character_by_character() {
        let names = ["ab", "é"].map(|name| Be::new(Ucs4::<3>::new(name).unwrap()));
        assert_eq!(ArrayView::from_slice(&names, 2).unwrap().to_native_vec(), ["ab", "é"]);
    }

    #[test]
    #[should_panic(expected = "another length")]
    fn a_slice_of_another_length_is_refused() {
        ArrayView::from_slice(&[Be::new(1_i32)], 1).unwrap().copy_to_native(&mut [0; 2]);
    }

    #[test]
    #[should_panic(expected = "another length")]
    fn and_so_is_one_to_write() {
        ArrayViewMut::from_slice_mut(&mut [Be::new(1_i32)], 1).unwrap().copy_from_native(&[]);
    }
}
