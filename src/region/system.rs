//! The calls that differ between operating systems, one function each. `offset` and `len` count bytes of the raw map,
//! and the caller has checked that they lie within it.

use crate::error::Error;
use memmap2::{MmapOptions, MmapRaw};
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;

/// Advice to the operating system on how an array is going to be used: [`madvise(2)`].
///
/// Only kinds of advice that cannot change what is read are here; [`evict`](crate::MmapArray::evict) is the safe form
/// of `MADV_DONTNEED`. Advice that the operating system does not have is an error of kind
/// [`Unsupported`](crate::ErrorKind::Unsupported), except for the first four kinds, which are hints on every system and
/// do nothing on Windows. Advice that only a newer or differently configured kernel has is an error of kind
/// [`Io`](crate::ErrorKind::Io).
///
/// [`madvise(2)`]: https://man7.org/linux/man-pages/man2/madvise.2.html
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Advice {
    /// No special treatment, with moderate read-ahead. `MADV_NORMAL`
    Normal,
    /// Access in random order, without read-ahead. `MADV_RANDOM`
    Random,
    /// Access from the first element to the last, with aggressive read-ahead. `MADV_SEQUENTIAL`
    Sequential,
    /// Access soon, so that reading may begin now. `MADV_WILLNEED`
    WillNeed,
    /// Huge pages, if the file system or the memory has them. `MADV_HUGEPAGE`, Linux
    HugePage,
    /// No huge pages. `MADV_NOHUGEPAGE`, Linux
    NoHugePage,
    /// Reads all pages now, and reports an error if one cannot be read. `MADV_POPULATE_READ`, Linux 5.14
    PopulateRead,
    /// Prepares all pages for writing now, including their disk blocks, and reports an error if one cannot be prepared.
    /// For writable arrays. `MADV_POPULATE_WRITE`, Linux 5.14
    PopulateWrite,
    /// Pages to reclaim first when memory is short. `MADV_COLD`, Linux 5.4
    Cold,
    /// Pages to reclaim now, after writing them back if necessary. `MADV_PAGEOUT`, Linux 5.4
    PageOut,
    /// Leaves the elements out of core dumps. `MADV_DONTDUMP`, Linux
    DontDump,
    /// Undoes [`DontDump`](Self::DontDump). `MADV_DODUMP`, Linux
    DoDump,
    /// Lets the kernel merge equal pages of private memory. `MADV_MERGEABLE`, Linux
    Mergeable,
    /// Undoes [`Mergeable`](Self::Mergeable). `MADV_UNMERGEABLE`, Linux
    Unmergeable,
}

/// Returns the error for a call that not every system has.
pub(super) fn refused(action: &'static str, source: io::Error) -> Error {
    match source.kind() {
        io::ErrorKind::Unsupported => Error::unsupported(format!("cannot {action}: this system has no such call")),
        _ => Error::io(action, source),
    }
}

/// Returns the number of files that the process may have open: `RLIMIT_NOFILE`.
pub(crate) fn most_open_files() -> usize {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit};
        getrlimit(Resource::Nofile).current.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX))
    }
    #[cfg(not(unix))]
    usize::MAX
}

/// Returns whether a call failed because the process, or the system, has too many files open or too many maps.
pub(crate) fn is_exhausted(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM))
    }
    #[cfg(not(unix))]
    {
        error.kind() == io::ErrorKind::OutOfMemory
    }
}

/// Returns the page size of a file on `hugetlbfs`, which maps, unmaps and replaces only whole huge pages; `None` for
/// all other files, whose pages have the size of memory's.
pub(super) fn huge_page(file: &File) -> Option<usize> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        /// From `linux/magic.h`. The type of the field that it is compared with differs between machines.
        const HUGETLBFS: u32 = 0x9584_58f6;
        // A file system that does not say what it is, as some servers behind FUSE, is another.
        let system = rustix::fs::fstatfs(file).ok()?;
        let page = Some(system.f_bsize as usize).filter(|page| page.is_power_of_two())?;
        let claims = system.f_type as u32 == HUGETLBFS && page > rustix::param::page_size();
        // The server of another file system (9p) may say that it is this one, as it likes.
        (claims && refuses_single_pages(file)).then_some(page)
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        let _ = file;
        None
    }
}

/// Returns whether the system refuses to map a file from the second page of memory's size on, which lies within the
/// first huge page.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn refuses_single_pages(file: &File) -> bool {
    let page = rustix::param::page_size();
    let mapped = MmapOptions::new().offset(page as u64).len(page).no_probe_handle().map_raw_read_only(file);
    mapped.is_err_and(|error| error.kind() == io::ErrorKind::InvalidInput)
}

/// Returns whether a map begins where a map of huge pages could begin: they are aligned to their size, and few maps
/// are.
pub(super) fn begins_as_huge(raw: &MmapRaw) -> bool {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        const SHORTEST: usize = if cfg!(any(target_arch = "x86", target_arch = "x86_64")) { 2 << 20 } else { 64 << 10 };
        // The first byte lies within what would be the first page if it were not huge.
        raw.as_ptr().addr() % SHORTEST < rustix::param::page_size()
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        let _ = raw;
        false
    }
}

/// Unmaps a map of huge pages, whose size memmap2 does not know.
pub(super) fn unmap_huge(raw: MmapRaw, page: usize) {
    #[cfg(unix)]
    {
        let raw = std::mem::ManuallyDrop::new(raw);
        let before = raw.as_ptr().addr() % page;
        let (start, len) = (raw.as_mut_ptr().wrapping_sub(before), (before + raw.len()).next_multiple_of(page));
        // SAFETY: all pages of a map that nobody else has, and that is not unmapped another time.
        let _ = unsafe { rustix::mm::munmap(start.cast(), len) };
    }
    #[cfg(not(unix))]
    {
        let _ = page;
        drop(raw);
    }
}

/// Makes an anonymous map longer, or leaves it as it was on an error. The new bytes are zero.
pub(super) fn grow_memory(
    raw: &mut Option<MmapRaw>,
    old_len: usize,
    options: &MmapOptions,
    len: usize,
) -> io::Result<()> {
    if len == old_len {
        return Ok(());
    }
    let Some(old) = raw.as_mut() else {
        *raw = Some(options.map_anon()?.into());
        return Ok(());
    };
    #[cfg(target_os = "linux")]
    {
        // SAFETY: the region that calls holds the only count of the map and hands out no pointer that outlives
        // `&mut self`, so nothing points into the old place. The map is private memory and becomes longer, never past
        // the end of a file.
        unsafe { old.remap(len, memmap2::RemapOptions::new().may_move(true)) }
    }
    #[cfg(not(target_os = "linux"))]
    {
        let new = MmapRaw::from(options.map_anon()?);
        // SAFETY: both maps are live, `old_len` bytes is the whole of the old and no more than the new, and two maps
        // never overlap.
        unsafe { old.as_ptr().copy_to_nonoverlapping(new.as_mut_ptr(), old_len) };
        *old = new;
        Ok(())
    }
}

/// Makes an anonymous map shorter, or leaves it as it was on an error. What [`grow_memory`] adds to it later is zero.
pub(super) fn shrink_memory(raw: &mut Option<MmapRaw>, options: &MmapOptions, len: usize) -> io::Result<()> {
    let Some(old) = raw.as_mut().filter(|old| len < old.len()) else { return Ok(()) };
    if len == 0 {
        *raw = None;
        return Ok(());
    }
    #[cfg(target_os = "linux")]
    {
        let _ = options;
        let old_len = old.len();
        // SAFETY: as for `grow_memory`: nothing points into what goes.
        unsafe { old.remap(len, memmap2::RemapOptions::new()) }?;
        // The last page stays whole.
        let zeros = len.next_multiple_of(rustix::param::page_size()).min(old_len) - len;
        // SAFETY: bytes of the map's last page, which were the map's before and are writable private memory.
        unsafe { old.as_mut_ptr().wrapping_add(len).write_bytes(0, zeros) };
        Ok(())
    }
    #[cfg(not(target_os = "linux"))]
    {
        let new = MmapRaw::from(options.map_anon()?);
        // SAFETY: both maps are live, `len` bytes are the whole of the new and less than the old, and two maps never
        // overlap.
        unsafe { old.as_ptr().copy_to_nonoverlapping(new.as_mut_ptr(), len) };
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

/// Extends the bytes to the start of the page in which they begin. That page belongs to the map, because maps begin on
/// pages.
#[cfg(unix)]
fn pages(raw: &MmapRaw, offset: usize, len: usize) -> (*mut u8, usize) {
    let start = raw.as_mut_ptr().wrapping_add(offset);
    let before = start.addr() % rustix::param::page_size();
    (start.wrapping_sub(before), len + before)
}

/// Asks the system for huge pages for memory of many pages that is about to be filled, when page faults would otherwise
/// take longer than filling it. NumPy does the same, from the same size on.
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_huge_pages_cannot_be_mapped_from_the_second_page_on() {
        let file = tempfile::tempfile().unwrap();
        assert!(!refuses_single_pages(&file), "also where the file has no bytes there");
        match rustix::fs::memfd_create("huge", rustix::fs::MemfdFlags::HUGETLB) {
            Ok(file) => assert!(refuses_single_pages(&file.into())),
            Err(error) => println!("left out: the system has no huge pages: {error}"),
        }
    }
}
