//! The position and type of a field in a record, as a value.
//!
//! NumPy finds a field by its name at run time. In Rust the compiler knows the record, so the usual way to access a
//! field is a [`Field`] made by [`field!`](crate::field!): the path is checked, the type inferred and the offset
//! computed at compile time, for any struct, including packed, nested and generic ones, without deriving anything for
//! it.

use crate::error::short_type_name;
use std::fmt;
use std::marker::PhantomData;

/// A field of type `F` at a byte offset in records of type `R`: the argument of
/// [`ArrayView::project`](crate::ArrayView::project).
///
/// Created by [`field!`](crate::field!). It is `Copy`, has the size of an offset, and can be a constant:
///
/// ```
/// use mmap_array::{view::Field, field};
///
/// #[repr(C, packed)]
/// struct Facet { normal: [f32; 3], vertices: [[f32; 3]; 3], attribute: u16 }
///
/// const ATTRIBUTE: Field<Facet, u16> = field!(Facet, attribute);
/// assert_eq!(ATTRIBUTE.offset(), 48);
/// ```
pub struct Field<R, F> {
    offset: usize,
    /// A function type, because a field holds neither a record nor a value: it is `Send` and `Sync` whatever their
    /// types.
    types: PhantomData<fn(R) -> F>,
}

impl<R, F> Field<R, F> {
    /// Creates a field at `offset` bytes from the start of the record, for records whose layout is known from
    /// elsewhere.
    ///
    /// This is safe for every offset at which an `F` fits, because each byte of a mapped record is initialized, and the
    /// views that take a field require that every bit pattern is an `F`.
    ///
    /// # Panics
    ///
    /// Panics if the field would end past the end of the record. In a `const`, this is a compile-time error.
    ///
    /// ```
    /// use mmap_array::view::Field;
    /// const IMAGINARY: Field<[f32; 2], f32> = Field::at(4);
    /// assert_eq!(IMAGINARY.offset(), 4);
    /// ```
    #[must_use]
    pub const fn at(offset: usize) -> Self {
        let fits = match offset.checked_add(size_of::<F>()) {
            Some(end) => end <= size_of::<R>(),
            None => false,
        };
        assert!(fits, "the field ends past the end of its record");
        Self { offset, types: PhantomData }
    }

    /// Creates a field as [`at`](Self::at) does, with the types of a function that reads the field. The function is
    /// never called.
    #[doc(hidden)]
    #[must_use]
    pub const fn inferred(offset: usize, _read: fn(R) -> F) -> Self {
        Self::at(offset)
    }

    /// Returns the offset of the field from the start of the record, in bytes.
    #[must_use]
    pub const fn offset(self) -> usize {
        self.offset
    }

    /// Returns the field `inner` of this field, as a field of the outer record.
    ///
    /// ```
    /// use mmap_array::{view::Field, field};
    /// #[repr(C)] struct Point { x: f32, y: f32 }
    /// #[repr(C)] struct Star { id: u32, position: Point }
    /// let y = field!(Star, position).then(field!(Point, y));
    /// assert_eq!(y.offset(), field!(Star, position.y).offset());
    /// ```
    #[must_use]
    pub const fn then<G>(self, inner: Field<F, G>) -> Field<R, G> {
        Field { offset: self.offset + inner.offset, types: PhantomData }
    }
}

impl<R, F> Clone for Field<R, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R, F> Copy for Field<R, F> {}

impl<R, F> PartialEq for Field<R, F> {
    fn eq(&self, other: &Self) -> bool {
        self.offset == other.offset
    }
}

impl<R, F> Eq for Field<R, F> {}

impl<R, F> fmt::Debug for Field<R, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Field<{}>({})", short_type_name::<F>(), self.offset)
    }
}

/// Creates the [`Field`](crate::view::Field) of a record type at a path: `field!(Record, path)`. Its type is inferred.
///
/// The path is one that [`offset_of!`](core::mem::offset_of) accepts: a name, a tuple index, or several of them joined
/// by dots. This works for packed and generic structs, in `const` contexts and without `unsafe`.
///
/// ```
/// use mmap_array::field;
///
/// #[repr(C, packed)]
/// struct Pair<T>(u8, T);
/// #[repr(C)]
/// struct Record { id: u16, pair: Pair<f64> }
///
/// assert_eq!(field!(Record, pair.1).offset(), 3);
/// fn second<T>() -> usize { field!(Pair<T>, 1).offset() }
/// assert_eq!(second::<u64>(), 1);
/// ```
///
/// A path does not lead to an element of an array. [`unpack`](crate::ArrayView::unpack) makes the array a further axis:
///
/// ```
/// use mmap_array::{ArrayView, bytemuck, field};
/// #[derive(Clone, Copy, bytemuck::Zeroable, bytemuck::Pod)]
/// #[repr(C)]
/// struct Particle { id: u32, pos: [f32; 3] }
/// let particles = [Particle { id: 1, pos: [1.0, 2.0, 3.0] }, Particle { id: 2, pos: [4.0, 5.0, 6.0] }];
/// let view = ArrayView::from_slice(&particles, 2)?;
/// let y = view.project(field!(Particle, pos)).unpack()?.index_axis(1, 1); // arr["pos"][:, 1]
/// assert_eq!(y.to_vec(), [2.0, 5.0]);
/// # Ok::<(), mmap_array::Error>(())
/// ```
///
/// A field that does not exist does not compile:
///
/// ```compile_fail
/// #[repr(C)] struct Rgba { r: u8, g: u8, b: u8, a: u8 }
/// mmap_array::field!(Rgba, alpha);
/// ```
#[macro_export]
macro_rules! field {
    ($record:ty, $($name:tt).+ [$($index:tt)*] $($rest:tt)*) => {
        ::core::compile_error!(
            "a path does not lead to an element of an array; `unpack` makes the array a further axis: \
             `view.project(field!(Record, array)).unpack()?.index_axis(axis, index)`"
        )
    };
    ($record:ty, $($path:tt)+) => {
        $crate::view::Field::<$record, _>::inferred(::core::mem::offset_of!($record, $($path)+), |record| record.$($path)+)
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[repr(C, packed)]
    #[derive(Clone, Copy)]
    struct Packed {
        tag: u8,
        value: f64,
        inner: (u8, [u16; 3]),
    }

    #[test]
    fn a_path_gives_the_offset_and_the_type() {
        const VALUE: Field<Packed, f64> = field!(Packed, value);
        assert_eq!(VALUE.offset(), 1);
        let nested: Field<Packed, [u16; 3]> = field!(Packed, inner.1);
        assert_eq!(nested.offset(), std::mem::offset_of!(Packed, inner.1));
        let deep: Field<(u8, (u32, u16)), u16> = field!((u8, (u32, u16)), 1.1);
        assert_eq!(deep.offset(), std::mem::offset_of!((u8, (u32, u16)), 1.1));
        assert_eq!(field!(Packed, tag).offset(), 0);
    }

    #[test]
    #[should_panic(expected = "ends past")]
    fn a_field_ends_within_its_record() {
        let _ = Field::<[u8; 7], u32>::at(4);
    }

    #[test]
    #[should_panic(expected = "ends past")]
    fn an_offset_that_overflows_is_outside_too() {
        let _ = Field::<[u8; 7], u32>::at(usize::MAX);
    }
}
