//! Fields by name, checked at run time: NumPy's `arr["px"]` and `arr[["px", "qty"]]`.
//!
//! A name that comes from outside the program cannot be a path in the source, so what the compiler checks for `field!`
//! is checked here against the record's dtype: that the field exists, and that it has the type that the caller expects.
//! A dtype is only what a type says of itself, in safe code that may be wrong. The sizes of the Rust types therefore
//! have the last word: no byte outside a record is reached, whatever the dtypes say.

use super::shaping::for_modes;
use super::{ArrayView, RawView};
use crate::access::{Aliasing, Load, ReadWrite, assert_mappable};
use crate::dtype::DType;
use crate::element::Element;
use crate::error::{Error, Reason, Result, short_type_name};

macro_rules! naming {
    ([$($generics:tt)*] $Mode:ident, [$($receiver:tt)+] $this:ident, $mut:literal, $make:literal) => {
        impl<'a, T $($generics)*> ArrayView<'a, T, $Mode>
        where
            $Mode: Load<T>,
        {
            /// Returns the field of every record that has a name, as a view of the same shape. NumPy: `arr["px"]`.
            ///
            /// `"pos.x"` is the field `x` of the records in the field `pos`. A title names its field as well (see
            /// [`DType::field`]). The field's dtype must be that of `F`: nested arrays are subarrays with several axes,
            /// and a transparent newtype has the dtype of what it contains. It is best to write the type,
            /// `field::<Be<f32>>("px")`: if it is inferred, `fill(1.0)` makes it `f64`. If the name is known at compile
            /// time, [`project`](Self::project) is checked by the compiler and cannot fail.
            ///
            /// # Errors
            ///
            /// [`UnknownField`](crate::ErrorKind::UnknownField), with the names that exist, if there is no such field;
            /// [`DTypeMismatch`](crate::ErrorKind::DTypeMismatch) if the field has another dtype;
            /// [`DType`](crate::ErrorKind::DType) if a hand-written [`Element`] reports a dtype of another size than
            /// its type has.
            ///
            /// ```
            /// # #[cfg(feature = "derive")] {
            /// use bytemuck::{Pod, Zeroable};
            /// use mmap_array::{ArrayView, ErrorKind, Record};
            ///
            /// #[derive(Clone, Copy, Zeroable, Pod, Record)]
            /// #[repr(C, packed)]
            /// struct Trade { side: u8, px: f64, qty: [u32; 2] }
            ///
            #[doc = concat!(
                "let ", $mut, "trades = [\n",
                "    Trade { side: 1, px: 2.5, qty: [7, 8] },\n",
                "    Trade { side: 2, px: 3.5, qty: [9, 10] },\n",
                "];\n",
                "let trades = ", $make, "trades, 2)?;"
            )]
            /// let view = trades.view();
            /// assert_eq!(view.field::<[u32; 2]>("qty")?.to_vec(), [[7, 8], [9, 10]]);
            /// assert_eq!(view.field::<i64>("px").unwrap_err().kind(), ErrorKind::DTypeMismatch);
            /// assert_eq!(view.field::<f64>("price").unwrap_err().kind(), ErrorKind::UnknownField);
            /// assert_eq!(trades.field::<f64>("px")?.sum(), 6.0);
            /// # }
            /// # Ok::<(), mmap_array::Error>(())
            /// ```
            pub fn field<F: Element>($($receiver)+, path: &str) -> Result<ArrayView<'a, F, $Mode>>
            where
                T: Element,
                $Mode: Load<F>,
            {
                let part = part::<T, F>(&$this.raw, field_offset::<T, F>(path)?)?;
                // SAFETY: all bytes of the records are initialized, the part lies within them, and `Load<F>` takes
                // any bits (and, to write, has no padding); borrowed as this view, which is used up where it writes.
                Ok(unsafe { ArrayView::from_raw(part) })
            }

            /// Returns several fields of every record, as a view of smaller records that have these fields under the
            /// same names. NumPy: `arr[["a", "c"]]`.
            ///
            /// As in NumPy, the fields stay in place, together with the bytes between them. The fields of `R` must
            /// therefore be as far apart as in `T`: adjacent if they are adjacent there (`repr(C, packed)` adds no
            /// padding), and separated by `#[record(pad)]` fields of bytes if other fields lie between. `R` may begin
            /// at any byte of `T` but must end within it. A name that contains dots is a path, as for
            /// [`field`](Self::field).
            ///
            /// Writing an element of the view writes all bytes of an `R`, including its padding fields.
            ///
            /// # Errors
            ///
            /// [`UnknownField`](crate::ErrorKind::UnknownField) if `T` does not have a field of `R`;
            /// [`DTypeMismatch`](crate::ErrorKind::DTypeMismatch) if a field has another dtype or another position, and
            /// if `R` is not a record; [`DType`](crate::ErrorKind::DType) as for [`field`](Self::field).
            ///
            /// ```
            /// # #[cfg(feature = "derive")] {
            /// use bytemuck::{Pod, Zeroable};
            /// use mmap_array::{ArrayView, Record};
            ///
            /// #[derive(Clone, Copy, Zeroable, Pod, Record)]
            /// #[repr(C, packed)]
            /// struct Trade { time: i64, px: f64, side: u8, qty: u32 }
            ///
            /// #[derive(Clone, Copy, Debug, PartialEq, Zeroable, Pod, Record)]
            /// #[repr(C, packed)]
            /// struct Quote { px: f64, #[record(pad)] _side: u8, qty: u32 }
            ///
            #[doc = concat!("let ", $mut, "trades = [Trade { time: 9, px: 2.5, side: 1, qty: 7 }];")]
            #[doc = concat!("let quotes = ", $make, "trades, 1)?.fields::<Quote>()?;")]
            /// assert_eq!(quotes.at([0]), Quote { px: 2.5, _side: 1, qty: 7 });
            /// assert_eq!(quotes.strides(), [21]);
            /// # }
            /// # Ok::<(), mmap_array::Error>(())
            /// ```
            pub fn fields<R: Element>($($receiver)+) -> Result<ArrayView<'a, R, $Mode>>
            where
                T: Element,
                $Mode: Load<R>,
            {
                let part = part::<T, R>(&$this.raw, fields_offset::<T, R>()?)?;
                // SAFETY: as for `field`.
                Ok(unsafe { ArrayView::from_raw(part) })
            }
        }
    };
}
for_modes!(naming);

/// Returns the offset of the field of `T` with a name, which must hold an `F`.
fn field_offset<T: Element, F: Element>(path: &str) -> Result<usize> {
    let record = described::<T>()?;
    let (offset, found) = record.field(path)?;
    check_same(path, found, &described::<F>()?)?;
    Ok(offset)
}

/// Returns the offset of an `R` in a `T` that has all of its fields.
fn fields_offset<T: Element, R: Element>() -> Result<usize> {
    let (record, smaller) = (described::<T>()?, described::<R>()?);
    let (whole, part) = (short_type_name::<T>(), short_type_name::<R>());
    let mut first = None;
    for field in smaller.fields() {
        let (offset, found) = record.field(&field.name)?;
        check_same(&field.name, found, &field.dtype)?;
        let (name, wanted) = (&field.name, field.offset);
        let &mut (first_name, first_offset, first_wanted) = first.get_or_insert((name, offset, wanted));
        // Both distances from the first field, negative where this one lies before it.
        if offset.wrapping_sub(first_offset) != wanted.wrapping_sub(first_wanted) {
            return Err(mismatch(format!(
                "the fields {first_name:?} and {name:?} begin at the bytes {first_offset} and {offset} of `{whole}` \
                 but at {first_wanted} and {wanted} of `{part}`: a view does not move fields, so `{part}` must have \
                 them as far apart; a `#[record(pad)]` field of bytes adds space between them, and `repr(C, packed)` \
                 removes padding"
            )));
        }
    }
    let Some((name, offset, wanted)) = first else {
        return Err(mismatch(format!("`{part}` ({smaller}) has no fields; use `field` for a single one")));
    };
    let Some(start) = offset.checked_sub(wanted) else {
        return Err(mismatch(format!(
            "the field {name:?} begins at byte {offset} of `{whole}` but at byte {wanted} of `{part}`, so the \
             `{part}` would begin outside the record"
        )));
    };
    Ok(start)
}

/// Returns the `P` at `offset` in every record, a `T`, if all of it lies in the record.
fn part<T, P>(records: &RawView, offset: usize) -> Result<RawView> {
    const { assert_mappable::<P>() }
    let (record, size) = (size_of::<T>(), size_of::<P>());
    if offset.checked_add(size).is_none_or(|end| end > record) {
        return Err(mismatch(format!(
            "`{}` has {size} bytes and does not fit from byte {offset} on into the {record} bytes of `{}`; \
             `repr(C, packed)` removes padding",
            short_type_name::<P>(),
            short_type_name::<T>()
        )));
    }
    Ok(records.clone().project(offset))
}

/// Returns the dtype that a type reports, which must have the type's size.
pub(crate) fn described<T: Element>() -> Result<DType> {
    let dtype = T::dtype();
    if dtype.itemsize() == size_of::<T>() {
        return Ok(dtype);
    }
    let (name, says, has) = (short_type_name::<T>(), dtype.itemsize(), size_of::<T>());
    Err(Reason::DType(format!("`{name}` has {has} bytes, but its `Element::dtype` says {says}: {dtype}")).error())
}

fn check_same(path: &str, found: &DType, wanted: &DType) -> Result<()> {
    let Some((inner, ..)) = found.first_difference(wanted) else { return Ok(()) };
    let place = if inner.is_empty() { String::new() } else { format!("; they differ from {inner:?} on") };
    let fit = found.advice().map_or_else(String::new, |fit| format!("; {fit}"));
    Err(mismatch(format!("the field {path:?} holds {found}, not {wanted}{place}{fit}")))
}

fn mismatch(text: String) -> Error {
    Reason::DTypeMismatch(text).error()
}
