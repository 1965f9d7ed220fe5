//! Alignment checks for elements in a file.

use crate::error::{Error, Reason, Result, short_type_name};

/// Checks that `len` bytes of elements of type `T` are aligned at a byte of a file.
#[inline]
pub(super) fn check_alignment<T>(offset: u64, len: u64) -> Result<()> {
    if offset % align_of::<T>() as u64 == 0 || len == 0 { Ok(()) } else { Err(misaligned::<T>(offset, len)) }
}

#[cold]
fn misaligned<T>(offset: u64, len: u64) -> Error {
    let (align, size) = (align_of::<T>(), size_of::<T>());
    let next = offset.checked_next_multiple_of(align as u64).unwrap_or(u64::MAX);
    let element = short_type_name::<T>();
    let advice = if element.starts_with(|first: char| first.is_ascii_lowercase()) {
        // A number, which the type of the machine's byte order reads at any byte.
        let order = if cfg!(target_endian = "little") { "Le" } else { "Be" };
        format!("use elements of type `{order}<{element}>`")
    } else {
        format!(
            "use a `repr(C, packed)` record, or elements of type `[u8; {size}]` and \
             `view().view_as::<{element}>()`"
        )
    };
    let reason = Reason::Misaligned { offset, align, element, next, advice };
    reason.error().at_bytes(offset..offset.saturating_add(len))
}
