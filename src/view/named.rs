//! Fields by name: NumPy's `arr["px"]` and `arr[["px", "qty"]]`, checked when the program runs.
//!
//! A name that comes from outside the program cannot be a path in the source, so what `field!` has the compiler check
//! is checked here against the record's dtype: that there is such a field, and that it holds what the caller takes it
//! for. A dtype is only what a type says of itself, in safe code that may be wrong. So the sizes of the Rust types have
//! the last word, and no byte outside a record is reached whatever the dtypes say.

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
            /// Returns one field of every record, by its name, as a view of the same shape: NumPy's `arr["px"]`.
            ///
            /// `"pos.x"` is the field `x` of the records in the field `pos`; a title finds its field too
            /// ([`DType::field`]). The field's dtype must be that of `F`: arrays of arrays are subarrays of several
            /// axes, and a newtype is what it is made of. It is best written out, `field::<Be<f32>>("px")`: where it is
            /// left to the compiler, `fill(1.0)` makes it an `f64`. Where the name is known when the program is
            /// written, [`project`](Self::project) is checked by the compiler and cannot fail.
            ///
            /// # Errors
            ///
            /// [`UnknownField`](crate::ErrorKind::UnknownField), with the names that there are;
            /// [`DTypeMismatch`](crate::ErrorKind::DTypeMismatch) for a field of another dtype;
            /// [`DType`](crate::ErrorKind::DType) where an [`Element`] written by hand says another size than its type
            /// has.
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
                // SAFETY: all bytes of the records are initialised, the part lies within them, and `Load<F>` takes
                // any bits (and, to write, has no padding); borrowed as this view, which is used up where it writes.
                Ok(unsafe { ArrayView::from_raw(part) })
            }

            /// Returns several fields of every record, as records of a smaller type that has them under the same names:
            /// NumPy's `arr[["a", "c"]]`.
            ///
            /// As in NumPy the fields stay where they are, and what lies between them stays between them. So `R` must
            /// have its fields as far apart as `T` has them: next to one another where they are neighbours (`repr(C,
            /// packed)` leaves no room), and with a `#[record(pad)]` field of bytes where others lie between. `R` may
            /// begin at any byte of `T` but must end within it. A name with dots in it is a path, as for
            /// [`field`](Self::field).
            ///
            /// Writing an element of the view writes all bytes of an `R`, those of its padding fields too.
            ///
            /// # Errors
            ///
            /// [`UnknownField`](crate::ErrorKind::UnknownField) for a field of `R` that `T` has not;
            /// [`DTypeMismatch`](crate::ErrorKind::DTypeMismatch) for one of another dtype or in another place, and for
            /// an `R` that is no record; [`DType`](crate::ErrorKind::DType) as for [`field`](Self::field).
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

/// Where a field of `T` by that name begins, which holds an `F`.
fn field_offset<T: Element, F: Element>(path: &str) -> Result<usize> {
    let record = described::<T>()?;
    let (offset, found) = record.field(path)?;
    check_same(path, found, &described::<F>()?)?;
    Ok(offset)
}

/// Where an `R` begins in a `T` that has all its fields.
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
                 but at {first_wanted} and {wanted} of `{part}`: a view leaves fields where they are, so `{part}` \
                 must have them as far apart; a `#[record(pad)]` field of bytes makes room, `repr(C, packed)` leaves \
                 none"
            )));
        }
    }
    let Some((name, offset, wanted)) = first else {
        return Err(mismatch(format!("`{part}` ({smaller}) has no fields to look for; `field` finds a single one")));
    };
    let Some(start) = offset.checked_sub(wanted) else {
        return Err(mismatch(format!(
            "the field {name:?} begins at byte {offset} of `{whole}` but at byte {wanted} of `{part}`, which would \
             begin outside the record"
        )));
    };
    Ok(start)
}

/// What lies at `offset` in every record, a `T`, as a `P`, if all of it lies in the record.
fn part<T, P>(records: &RawView, offset: usize) -> Result<RawView> {
    const { assert_mappable::<P>() }
    let (record, size) = (size_of::<T>(), size_of::<P>());
    if offset.checked_add(size).is_none_or(|end| end > record) {
        return Err(mismatch(format!(
            "`{}` is {size} bytes, and from byte {offset} of the {record} bytes of `{}` there are fewer; \
             `repr(C, packed)` leaves padding out",
            short_type_name::<P>(),
            short_type_name::<T>()
        )));
    }
    Ok(records.clone().project(offset))
}

/// The dtype that a type gives of itself, which must be of the type's size.
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
