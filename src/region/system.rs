//! The calls that differ between operating systems, one function each. `offset` and `len` count bytes of the raw map,
//! and the caller has checked that they lie within it.

use super::{Advice, Portion};
use memmap2::MmapRaw;
use std::io;
use std::mem::MaybeUninit;

/// Makes an anonymous map longer, or leaves it as it was. The new bytes are zero.
pub(super) fn grow_memory(raw: &mut Option<MmapRaw>, old_len: usize, portion: &Portion) -> io::Result<()> {
    if portion.len == old_len {
        return Ok(());
    }
    let Some(old) = raw.as_mut() else {
        *raw = Some(portion.options().offset(0).map_anon()?.into());
        return Ok(());
    };
    #[cfg(target_os = "linux")]
    {
        // SAFETY: the region that calls holds the only count of the map and hands out no pointer that outlives
        // `&mut self`, so nothing points into the old place. The map is private memory and becomes longer, never past
        // the end of a file.
        unsafe { old.remap(portion.len, memmap2::RemapOptions::new().may_move(true)) }
    }
    #[cfg(not(target_os = "linux"))]
    {
        let new = MmapRaw::from(portion.options().offset(0).map_anon()?);
        // SAFETY: both maps are live, `old_len` bytes is the whole of the old and no more than the new, and two maps
        // never overlap.
        unsafe { old.as_ptr().copy_to_nonoverlapping(new.as_mut_ptr(), old_len) };
        *old = new;
        Ok(())
    }
}

#[cfg(unix)]
pub(super) fn advise(raw: &MmapRaw, offset: usize, len: usize, advice: Advice) -> io::Result<()> {
    use rustix::mm::Advice as System;
    let advice = match advice {
        Advice::Normal => System::Normal,
        Advice::Random => System::Random,
        Advice::Sequential => System::Sequential,
        Advice::WillNeed => System::WillNeed,
        #[cfg(any(target_os = "linux", target_os = "android"))]
        linux => match linux {
            Advice::HugePage => System::LinuxHugepage,
            Advice::NoHugePage => System::LinuxNoHugepage,
            Advice::PopulateRead => System::LinuxPopulateRead,
            Advice::PopulateWrite => System::LinuxPopulateWrite,
            Advice::Cold => System::LinuxCold,
            Advice::PageOut => System::LinuxPageOut,
            Advice::DontDump => System::LinuxDontDump,
            Advice::DoDump => System::LinuxDoDump,
            Advice::Mergeable => System::LinuxMergeable,
            Advice::Unmergeable => System::LinuxUnmergeable,
            Advice::Normal | Advice::Random | Advice::Sequential | Advice::WillNeed => return Ok(()),
        },
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        _ => return Err(io::ErrorKind::Unsupported.into()),
    };
    let (start, len) = pages(raw, offset, len);
    // SAFETY: the pages are those of a live map. Every kind above leaves what is read from them as it is.
    unsafe { rustix::mm::madvise(start.cast(), len, advice) }.map_err(io::Error::from)
}

#[cfg(unix)]
pub(super) fn evict(raw: &MmapRaw, offset: usize, len: usize) -> io::Result<()> {
    // SAFETY: the caller calls this for shared maps of files alone. There `MADV_DONTNEED` takes pages from the process,
    // dirty ones staying in the system's cache of the file, and the next touch maps the same bytes again.
    unsafe { raw.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, offset, len) }
}

#[cfg(unix)]
pub(super) fn lock(raw: &MmapRaw, offset: usize, len: usize) -> io::Result<()> {
    let (start, len) = pages(raw, offset, len);
    // SAFETY: the pages are those of a live map; that they are resident changes nothing that Rust can see.
    unsafe { rustix::mm::mlock(start.cast(), len) }.map_err(io::Error::from)
}

#[cfg(unix)]
pub(super) fn unlock(raw: &MmapRaw, offset: usize, len: usize) -> io::Result<()> {
    let (start, len) = pages(raw, offset, len);
    // SAFETY: as for `lock`.
    unsafe { rustix::mm::munlock(start.cast(), len) }.map_err(io::Error::from)
}

/// The bytes from the start of the page in which they begin. That page belongs to the map, since maps begin on pages.
#[cfg(unix)]
fn pages(raw: &MmapRaw, offset: usize, len: usize) -> (*mut u8, usize) {
    let start = raw.as_mut_ptr().wrapping_add(offset);
    let before = start.addr() % rustix::param::page_size();
    (start.wrapping_sub(before), len + before)
}

/// Asks the system for large pages where memory of many pages is about to be filled, and finding them one by one would
/// take longer than that. As NumPy does, from the same size on.
pub(crate) fn prefer_huge_pages<T>(memory: &mut [MaybeUninit<T>]) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if size_of_val(memory) >= 4 << 20 {
        let page = rustix::param::page_size();
        let before = memory.as_ptr().addr().wrapping_neg() % page;
        let start = memory.as_mut_ptr().wrapping_byte_add(before);
        let len = (size_of_val(memory) - before) / page * page;
        // Not all systems have them, and none need them.
        // SAFETY: whole pages of memory that is the caller's; the advice leaves what is in them as it is.
        let _ = unsafe { rustix::mm::madvise(start.cast(), len, rustix::mm::Advice::LinuxHugepage) };
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = memory;
}

#[cfg(not(unix))]
pub(super) fn advise(_: &MmapRaw, _: usize, _: usize, advice: Advice) -> io::Result<()> {
    match advice {
        Advice::Normal | Advice::Random | Advice::Sequential | Advice::WillNeed => Ok(()),
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

#[cfg(not(unix))]
pub(super) fn evict(_: &MmapRaw, _: usize, _: usize) -> io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn lock(_: &MmapRaw, _: usize, _: usize) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(unix))]
pub(super) fn unlock(_: &MmapRaw, _: usize, _: usize) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
