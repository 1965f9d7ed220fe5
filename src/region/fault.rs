//! Maps whose pages may be lost, and the signal handler that turns a lost page into an error instead of the end of the
//! program.
//!
//! # Without the handler
//!
//! A map guarantees nothing about the file behind it. Another program can make the file shorter, or the disk can fail,
//! and the next load from a page that is gone cannot be carried out. A load cannot return an error, so the system sends
//! `SIGBUS` to the thread, whose default action is to kill the process. Checks before the load do not help, because the
//! file may be truncated between the check and the load.
//!
//! A *signal handler* is a function that the system runs in the thread, between the instruction that could not be
//! carried out and the next. When it returns, the system restores all registers and carries out *the same instruction
//! again*. So if the handler replaces the lost page with a page of zeros, the load succeeds the second time, and the
//! surrounding loop does not notice. The handler leaves a record, and the caller of the loop asks for the record
//! afterwards.
//!
//! # Why the repair is sound
//!
//! - *The memory is not Rust's.* No reference to it is ever made, and no atomic of Rust's: it is loaded and stored as
//!   volatile bytes, whose values the language leaves to the platform. The compiler assumes nothing about these bytes,
//!   so they may become zero. That a volatile load may fault, be repaired and continue is an assumption about the
//!   platform, which every virtual machine monitor makes too; it is not in Rust's documentation.
//! - *The pages are ours.* A page is replaced only if it belongs to a registered [`GuardedMap`]. The `GuardedMap` owns
//!   its map, and its slot is released before the map is unmapped (`slots` has the argument). Maps of other code never
//!   silently get zeros.
//! - *The replacement is atomic.* `mmap` with `MAP_FIXED` swaps old pages for new ones under the lock that page faults
//!   take; other threads see the old pages or the new ones, never a hole.
//! - *Nothing is hidden.* The record is written first, and then the page is replaced. A thread that has loaded a byte
//!   of the new page did so after the record was written. It executes `fence(SeqCst)`, reads the record, and finally
//!   asks for the file's length: that is what [`GuardedMap::check`] does. The opposite order lost 7 of 60,000 rounds.
//!
//! # What a handler may do
//!
//! A handler may interrupt any instruction, including one that holds the allocator's lock. So it allocates nothing,
//! takes no lock, waits for nothing and cannot panic. It reads and writes atomics, and makes three system calls,
//! `fstat`, `pread` and `mmap`, which rustix makes itself on Linux and by libc's bare functions elsewhere. It leaves
//! `errno` as it was. In a thread that has an alternate stack (`std` gives one to each of its threads) it runs on that
//! stack, `SA_ONSTACK`, unless an earlier handler did not ask for this. It needs 3.5 KiB without optimization, and what
//! the system pushes for every handler. That is 11 KiB on a processor with AMX, which is the whole of `std`'s stacks
//! there, so [`enter`] gives such a thread a larger one. The signal is blocked while the handler runs (no
//! `SA_NODEFER`): if the handler itself has to be paged in from a program file that was truncated, the process dies at
//! once instead of faulting forever. System calls that a handled `kill -BUS` interrupts are restarted or fail as they
//! did under the earlier action (`SA_RESTART` is taken from it).
//!
//! # Which pages are replaced
//!
//! The handler asks for the length of the map's own open file:
//!
//! | map | the file ends before the page | the file is long enough: the disk failed |
//! | --- | --- | --- |
//! | read-only | all pages from the file's end to the map's end, by one call | the page |
//! | writable | the page: the pages behind it may be shared with others again, if the file becomes longer | the page |
//!
//! A page that faults although the file is long enough may also have been cut off a moment ago, by a program that has
//! made the file longer again since. So the handler asks for a byte of the page by `pread`. If there is one, the page
//! is recorded as cut off, and the instruction is repeated as it is. If there is none, the disk has failed. The disk is
//! also taken to have failed if the same page has faulted many times in a row, such as a page that is written and for
//! which a full disk has no block.
//!
//! So a truncated file costs a read-only map one fault, in whatever order the map is read. Each single page that is
//! replaced may split the map into two more maps, and a process can have 65,530 (`vm.max_map_count`; beyond that,
//! *every* `mmap` fails). After `SINGLE_PAGES` of them, a fault also replaces the pages behind it, twice as many each
//! time; after `ALL_SINGLE_PAGES` in all maps together, everything up to its map's end. If `mmap` still fails, the one
//! page is replaced; if that fails, everything from the lowest lost page to the map's end, which needs no further map;
//! if that fails, some spare maps are unmapped first. If that fails too, the fault is not handled, and the program dies
//! of it. No memory is reserved for the replacement (`MAP_NORESERVE`): a page takes memory when it is written.
//!
//! A store to a page that was lost goes to private memory and is lost with the map. The record stays, so every later
//! check of these bytes reports the loss.
//!
//! # Interference
//!
//! A process has one action for `SIGBUS`. A handler that is installed later replaces the earlier one, and ought to call
//! it.
//!
//! - *Before us*: faults that are not ours, and `kill -BUS`, are handed on to the earlier action. `SIG_DFL`: the
//!   default is restored, and the fault kills when it repeats; the system lets no `kill` end the first process of a
//!   container. `SIG_IGN`: a `kill` is ignored, and a fault kills, as in the kernel. A handler is called with its own
//!   mask and flags. `std`'s own handler restores the default and returns, which removes our handler as well: it is
//!   restored at once, and by [`enter`], and from then on does what the default does.
//! - *After us*: if a later handler hands on what it does not know (as the JVM's does), everything works, but this
//!   cannot be seen from outside. Others kill the program (Python's `faulthandler`, if enabled after us). So [`enter`]
//!   reports that the handler is not ours, and the caller reads by `pread`.
//! - *A thread that blocks `SIGBUS`* is killed by a fault: the kernel handles no fault whose signal is blocked.
//!   [`enter`] unblocks it while an operation runs, or several that overlap. A `kill -BUS` that was pending for the
//!   thread arrives then. Other threads, to which an operation hands work, are entered by the code that hands the work
//!   to them.
//! - *`fork`*: the child has the handler, the slots, the maps and the descriptors, all its own. *`exec`* starts without
//!   them.
//! - *Debuggers* stop at each fault: `handle SIGBUS nostop noprint pass`.
//!
//! # Limitations
//!
//! A page that was cut off and came back before it was accessed causes no fault: it is zero, and nothing is recorded.
//! Bytes between a new end and the end of its page are zero without a fault, and so can whole pages be while they are
//! being cut off: Linux clears them before it removes them, once or twice in a thousand races. The length of the file,
//! which is the new one by then, reveals both; so no check relies on the records alone. A system call that is given a
//! lost page (`write` from the map) fails with `EFAULT`, sends no signal and leaves no record: give copies to system
//! calls. `SIGSEGV`, as for a store to a read-only map, is not handled. If other code closes a descriptor of ours, the
//! handler is misled about the file's length.
//!
//! This was tried on Linux. For macOS and the BSDs it was written from their manuals. On all other systems, [`enter`]
//! returns `None`, and the elements are read by `pread`.

#[cfg(any(
    target_os = "linux",
    target_os = "android",
    target_vendor = "apple",
    target_os = "freebsd",
    target_os = "dragonfly",
    target_os = "netbsd",
    target_os = "openbsd",
))]
mod signal;
#[cfg(not(any(
    target_os = "linux",
    target_os = "android",
    target_vendor = "apple",
    target_os = "freebsd",
    target_os = "dragonfly",
    target_os = "netbsd",
    target_os = "openbsd",
)))]
#[path = "fault/no_signal.rs"]
mod signal;
mod slots;

pub(crate) use signal::Entered;
pub(crate) use slots::Why;

use memmap2::MmapRaw;
use slots::{Extent, Registered};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// A shared map of a file, whose lost pages become zero and are recorded, in threads that hold an [`Entered`].
///
/// Its bytes must be accessed only by volatile loads and stores (or by what the hardware does as one instruction), in a
/// thread that holds an [`Entered`], and must be checked by [`check`](Self::check) afterwards.
pub(crate) struct GuardedMap {
    /// Precedes the map and the file, because fields are dropped in this order: the slot is released while the map is
    /// still mapped and the file still open.
    slot: Registered,
    raw: MmapRaw,
    file: Arc<File>,
    offset: u64,
    /// The bytes of the map's first page that lie before the first byte of `raw`.
    head: usize,
}

/// The loss in a range of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lost {
    /// The first byte of the range that may be lost, counted from the first byte of the map. The bytes before it are
    /// valid.
    pub(crate) at: usize,
    pub(crate) why: Why,
    /// The length of the file now, which may be sufficient again.
    pub(crate) file_len: u64,
}

impl GuardedMap {
    /// Registers a map of an open regular file, in which `offset` is the first byte of the map.
    ///
    /// The map must be `MAP_SHARED` and of this file, which is kept open and asked for its length as long as the map
    /// lives. `writable` says whether the map's pages may be written. `huge` is the size of its pages if they are huge;
    /// the map must then consist of whole pages.
    ///
    /// # Errors
    ///
    /// Returns an error if the map does not begin at `offset`.
    pub(crate) fn new(
        raw: MmapRaw,
        file: Arc<File>,
        offset: u64,
        writable: bool,
        huge: Option<usize>,
    ) -> io::Result<Self> {
        signal::install();
        let page = huge.unwrap_or_else(signal::page_size);
        let head = (offset % page as u64) as usize;
        let start = raw.as_mut_ptr().expose_provenance().wrapping_sub(head);
        let len = raw.len().checked_add(head).and_then(|len| len.checked_next_multiple_of(page));
        let Some(len) = len.filter(|len| start % page == 0 && start.checked_add(*len).is_some()) else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the map does not begin at this byte of the file"));
        };
        let extent =
            Extent { start, len, page, file: signal::descriptor(&file), offset: offset - head as u64, writable };
        Ok(Self { slot: Registered::new(extent), raw, file, offset, head })
    }

    /// Returns the map. No references to its bytes are allowed: see the type.
    pub(crate) fn raw(&self) -> &MmapRaw {
        &self.raw
    }

    /// Returns the length of the file now, by one system call.
    fn file_len(&self) -> io::Result<u64> {
        signal::file_len(&*self.file)
    }

    /// Returns the first of these bytes of the map that a fault has taken, and why. Makes no system call.
    ///
    /// For each reason, a map records the lowest and the highest byte that were lost; the bytes between them count as
    /// lost. Must be called after the last load, in the thread that loaded the bytes, or in one that has synchronized
    /// with it.
    fn taken(&self, bytes: &Range<usize>) -> Option<(usize, Why)> {
        let within = bytes.start.saturating_add(self.head)..bytes.end.saturating_add(self.head);
        self.slot.first_lost(&within).map(|(at, why)| (at - self.head, why))
    }

    /// Returns which of these bytes of the map were lost since it was mapped, or lie behind the end of the file now.
    ///
    /// Must be called after an operation. `None` means that each byte that was loaded from the range had, at that
    /// moment, the value in the file's page, and that the file still reaches to the end of the range.
    ///
    /// # Errors
    ///
    /// Returns an error if the system does not report the file's length.
    pub(crate) fn check(&self, bytes: Range<usize>) -> io::Result<Option<Lost>> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let taken = self.taken(&bytes);
        let file_len = self.file_len()?;
        let end = usize::try_from(file_len.saturating_sub(self.offset)).unwrap_or(usize::MAX);
        let behind = (end < bytes.end).then(|| (end.max(bytes.start), Why::Truncated));
        let first = taken.into_iter().chain(behind).min_by_key(|&(at, _)| at);
        Ok(first.map(|(at, why)| Lost { at, why, file_len }))
    }
}

/// The loss in memory that lies in a map: the bytes of the file, and the file's length.
#[derive(Debug)]
#[cfg_attr(not(unix), allow(dead_code, reason = "no file is cut that is mapped"))]
pub(crate) struct LostMemory {
    pub(crate) bytes: Range<u64>,
    pub(crate) why: Why,
    pub(crate) file_len: u64,
}

/// Returns what was lost of memory, if it lies in a [`GuardedMap`]: the same as [`GuardedMap::check`], for callers that
/// have borrowed bytes of a map and not the map.
///
/// # Errors
///
/// Returns an error if the system does not report the file's length.
#[cfg(unix)]
pub(crate) fn check_memory(addresses: &Range<usize>) -> io::Result<Option<LostMemory>> {
    let Some((slot, extent)) = slots::find(addresses.start).filter(|_| !addresses.is_empty()) else { return Ok(None) };
    let within = addresses.start - extent.start..addresses.end - extent.start;
    let taken = slot.first_lost(&within);
    let file_len = signal::file_len_of(&extent)?;
    let end = usize::try_from(file_len.saturating_sub(extent.offset)).unwrap_or(usize::MAX);
    let behind = (end < within.end).then(|| (end.max(within.start), Why::Truncated));
    let first = taken.into_iter().chain(behind).min_by_key(|&(at, _)| at);
    let in_file = |at: usize| extent.offset + at as u64;
    Ok(first.map(|(at, why)| LostMemory { bytes: in_file(at)..in_file(within.end), why, file_len }))
}

/// Lets lost pages of every [`GuardedMap`] be repaired in this thread until the value is dropped. To be called once for
/// each operation.
///
/// Unblocks `SIGBUS` in the thread, and checks whether the handler is still ours, by two system calls. Returns `None`
/// if it is not and cannot be, and on systems without this signal: maps must not be accessed then, but their files must
/// be read by `pread`. Work in other threads (rayon's workers) must enter there.
pub(crate) fn enter() -> Option<Entered> {
    signal::enter()
}

#[cfg(all(test, any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
mod scenarios;
#[cfg(all(test, any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
mod tests;
