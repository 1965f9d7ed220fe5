//! Views of the same bytes as other elements: by a field, a part of complex numbers, or another dtype.

use crate::dtype::{DType, Endianness, Kind};
use crate::element::Element;
use crate::error::{Error, Reason, Result, short_type_name};
use crate::view::RawView;
use crate::view::named::described;
use std::sync::LazyLock;

/// Returns the elements of a field and their dtype.
pub(super) fn field_of<'d>(mut raw: RawView, mut dtype: &'d DType, path: &str) -> Result<(RawView, &'d DType)> {
    let mut rest = path;
    loop {
        let (offset, field, inner) = dtype.step(rest).ok_or_else(|| dtype.unknown_field(rest))?;
        (raw, dtype) = raw.project(offset).unpack_dtype(field)?;
        match inner {
            Some(inner) => rest = inner,
            None => return Ok((raw, dtype)),
        }
    }
}

/// The dtypes of the parts of complex numbers.
static PARTS: LazyLock<[DType; 8]> = LazyLock::new(|| {
    let sizes = [4, 8, 12, 16].into_iter().flat_map(|size| [(size, Endianness::Little), (size, Endianness::Big)]);
    let mut floats = sizes.map(|(size, order)| DType::scalar(Kind::Float { size, order }).expect("NumPy has it"));
    std::array::from_fn(|_| floats.next().expect("as many as there are"))
});

/// Returns the first or the second parts of complex numbers and their dtype.
pub(super) fn part_of(raw: RawView, dtype: &DType, place: usize) -> Result<(RawView, &'static DType)> {
    let part = match *dtype.kind() {
        Kind::Complex { size, order } => {
            PARTS.iter().find(|part| *part.kind() == Kind::Float { size: size / 2, order })
        }
        _ => None,
    };
    let Some(part) = part else {
        let text = format!("the elements are {dtype}; only complex numbers have real and imaginary parts");
        return Err(Reason::DTypeMismatch(text).error());
    };
    Ok((raw.project(place * part.itemsize()), part))
}

/// Returns the elements of one dtype as elements of another, and their dtype.
pub(super) fn seen_as<'d>(raw: RawView, from: &DType, to: &'d DType) -> Result<(RawView, &'d DType)> {
    let (size, new_size) = (from.itemsize(), to.itemsize());
    if size != new_size && (size == 0 || new_size == 0) {
        let text = format!("elements of {size} bytes cannot be viewed as {to}, which has {new_size} bytes");
        return Err(Reason::SizeMismatch(text).error());
    }
    // The name, which is for the errors, may be long.
    let name = if size == new_size { String::new() } else { to.to_string() };
    raw.reinterpret(size, new_size, &name)?.unpack_dtype(to)
}

/// Returns the elements as elements of a Rust type, of its size.
pub(super) fn typed_of<T: Element>(mut raw: RawView, dtype: &DType) -> Result<RawView> {
    let wanted = described::<T>()?;
    if wanted != *dtype {
        let (element, axes) = wanted.flattened();
        if element != dtype || !raw.axes.ends_with(&axes, element.itemsize()) {
            return Err(mismatch::<T>(dtype, &wanted));
        }
        (0..axes.len()).for_each(|_| raw.axes.remove(raw.axes.ndim() - 1));
    }
    Ok(raw)
}

/// Returns the elements of a view of `T`, if the dtype has their size.
pub(super) fn dyn_of<T>(raw: &RawView, dtype: &DType) -> Result<RawView> {
    let (size, itemsize) = (size_of::<T>(), dtype.itemsize());
    if size != itemsize {
        let name = short_type_name::<T>();
        let text = format!("elements of `{name}` have {size} bytes, but those of {dtype} have {itemsize} bytes");
        return Err(Reason::SizeMismatch(text).error());
    }
    Ok(raw.clone())
}

/// Returns the error for a Rust type whose dtype is not that of the elements.
pub(crate) fn mismatch<T>(found: &DType, wanted: &DType) -> Error {
    let place = match found.first_difference(wanted) {
        Some((path, ..)) if !path.is_empty() => format!("; they differ from {path:?} on"),
        _ => String::new(),
    };
    let fit = match found.advice() {
        Some(fit) => format!("; {fit}"),
        // The same fields, but for the bytes between them.
        None if wanted.without_padding().is_ok_and(|packed| packed == *found) => {
            "; `repr(C, packed)` would do, which leaves no bytes between the fields".to_owned()
        }
        None if found.without_padding().is_ok_and(|packed| packed == *wanted) => {
            "; there are bytes between the fields: `repr(C)` may do, which aligns them".to_owned()
        }
        None => String::new(),
    };
    let is_record = matches!(found.flattened().0.kind(), Kind::Record { .. });
    let source = is_record.then(|| found.to_rust().ok()).flatten();
    let source = source.map_or_else(String::new, |source| format!("; in Rust they are:\n\n{source}"));
    Reason::DTypeMismatch(format!(
        "the elements are {found}, not {wanted}, the dtype of `{}`{place}{fit}{source}",
        short_type_name::<T>()
    ))
    .error()
}
