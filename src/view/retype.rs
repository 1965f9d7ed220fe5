//! The same bytes as elements of another type: fields of records, NumPy's `arr.view(dtype)`, and the items of arrays.

use super::ArrayView;
use super::shaping::for_modes;
use crate::access::{Aliasing, Load, ReadWrite, assert_mappable};
use crate::error::{Result, short_type_name};
use crate::field::Field;

macro_rules! retyping {
    ([$($generics:tt)*] $Mode:ident, [$($receiver:tt)+] $this:ident, $mut:literal, $make:literal) => {
        impl<'a, T $($generics)*> ArrayView<'a, T, $Mode>
        where
            $Mode: Load<T>,
        {
            /// Returns one field of every record, as a view of the same shape, checked at compile time. NumPy:
            /// `arr["r"]`.
            ///
            /// The [`Field`] is created by [`field!`](crate::field!), which infers its type from the record's.
            ///
            /// ```
            /// use mmap_array::{field, ArrayView};
            /// # use bytemuck::{Pod, Zeroable};
            /// #[derive(Clone, Copy, Zeroable, Pod)]
            /// #[repr(C, packed)]
            /// struct Tick { side: u8, price: f64 }
            ///
            #[doc = concat!(
                "let ", $mut, "ticks = [Tick { side: 1, price: 2.5 }, Tick { side: 2, price: 3.5 }];\n",
                "let prices = ", $make, "ticks, 2)?.project(field!(Tick, price));"
            )]
            /// assert_eq!(prices.sum(), 6.0); // at addresses that no `&f64` could have
            /// assert_eq!(prices.strides(), [9]);
            /// # Ok::<(), mmap_array::Error>(())
            /// ```
            #[inline]
            #[must_use]
            pub fn project<F>($($receiver)+, field: Field<T, F>) -> ArrayView<'a, F, $Mode>
            where
                $Mode: Load<F>,
            {
                const { assert_mappable::<F>() }
                let raw = $this.raw.clone().project(field.offset());
                // SAFETY: every byte of a record in memory is initialized, `Field` lies within it, and `Load<F>`
                // takes any bits (and, to write, has no padding); borrowed as this view, which is used up where it
                // writes.
                unsafe { ArrayView::from_raw(raw) }
            }

            /// Returns the same bytes as elements of another type. NumPy: `arr.view(dtype)`, whose rules apply.
            ///
            /// A type of the same size always works. With another size the last axis becomes longer or shorter: it must
            /// be contiguous (or have length 1), and its bytes must be divisible into the new elements. Elements are
            /// read at any alignment, so alignment does not matter. Numbers are read in native byte order;
            /// [`Be`](crate::Be) and [`Le`](crate::Le) have an explicit byte order.
            ///
            /// # Errors
            ///
            /// [`SizeMismatch`](crate::ErrorKind::SizeMismatch) if the bytes are not divisible, or if the element size
            /// of a 0-d view would change; [`NotContiguous`](crate::ErrorKind::NotContiguous) if the last axis is not
            /// contiguous.
            ///
            /// ```
            /// # use mmap_array::ArrayView;
            #[doc = concat!("let ", $mut, "floats = [1.0_f32, -2.0];")]
            #[doc = concat!("let view = ", $make, "floats, 2)?;")]
            /// let words = view.view_as::<u32>()?;
            /// assert_eq!(words.to_vec(), [0x3f80_0000, 0xc000_0000]);
            /// let pairs = words.view_as::<[u8; 2]>()?;
            /// assert_eq!(pairs.shape(), [4]);
            /// assert!(pairs.view_as::<[u8; 3]>().is_err());
            /// # Ok::<(), mmap_array::Error>(())
            /// ```
            pub fn view_as<U>($($receiver)+) -> Result<ArrayView<'a, U, $Mode>>
            where
                $Mode: Load<U>,
            {
                const { assert_mappable::<U>() }
                let (raw, name) = ($this.raw.clone(), short_type_name::<U>());
                let raw = raw.reinterpret(size_of::<T>(), size_of::<U>(), &name)?;
                // SAFETY: all bytes are initialized, and `Load<U>` takes any bits (and, to write, has no padding);
                // borrowed as this view, which is used up where it writes.
                Ok(unsafe { ArrayView::from_raw(raw) })
            }
        }

        impl<'a, T $($generics)*, const N: usize> ArrayView<'a, [T; N], $Mode>
        where
            $Mode: Load<T> + Load<[T; N]>,
        {
            /// Returns the items of elements that are arrays, with one more axis, of length `N`, at the end.
            ///
            /// # Errors
            ///
            /// [`Shape`](crate::ErrorKind::Shape) if the view already has [`MAX_NDIM`](crate::view::MAX_NDIM) axes.
            ///
            /// ```
            /// # use mmap_array::ArrayView;
            #[doc = concat!("let ", $mut, "points = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];")]
            #[doc = concat!("let view = ", $make, "points, 2)?.unpack()?;")]
            /// assert_eq!(view.shape(), [2, 3]);
            /// assert_eq!(view.index_axis(1, 0).to_vec(), [1.0, 4.0]);
            /// # Ok::<(), mmap_array::Error>(())
            /// ```
            pub fn unpack($($receiver)+) -> Result<ArrayView<'a, T, $Mode>> {
                const { assert_mappable::<T>() }
                let raw = $this.raw.clone().unpack(N, size_of::<T>())?;
                // SAFETY: these are the items of this view's elements, borrowed as they are; it is used up where it
                // writes.
                Ok(unsafe { ArrayView::from_raw(raw) })
            }
        }
    };
}
for_modes!(retyping);
