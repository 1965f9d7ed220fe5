//! Whether elements can live where they lie.

use crate::error::{Reason, Result, short_type_name};

/// Checks that elements of `T` can live at a byte of a file, `len` bytes of them.
pub(super) fn check_alignment<T>(offset: u64, len: u64) -> Result<()> {
    let (align, size) = (align_of::<T>(), size_of::<T>());
    match offset % align as u64 {
        0 => Ok(()),
        _ if len == 0 => Ok(()),
        past => {
            let next = offset.saturating_add(align as u64 - past);
            let element = short_type_name::<T>();
            let advice = if element.starts_with(|first: char| first.is_ascii_lowercase()) {
                // A number, which the type of the machine's byte order reads at any byte.
                let order = if cfg!(target_endian = "little") { "Le" } else { "Be" };
                format!("take elements of `{order}<{element}>`")
            } else {
                format!(
                    "take a `repr(C, packed)` record, or elements of `[u8; {size}]` and read them through \
                     `view().view_as::<{element}>()`"
                )
            };
            let reason = Reason::Misaligned { offset, align, element, next, advice };
            Err(reason.error().at_bytes(offset..offset.saturating_add(len)))
        }
    }
}
