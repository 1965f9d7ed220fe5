//! Maps whose pages may be lost, and the handler that makes of a lost page an error and not the end of the program.
//!
//! # What happens without it
//!
//! A map promises nothing about the file behind it. Somebody else can make the file shorter, or the disk can fail, and
//! the next load of a page that is gone cannot be carried out. A load has no way to return an error, so the system
//! sends the thread `SIGBUS`, whose default is to kill the process. Nothing that the program checked before the load
//! helps: the file may be cut between the check and the load.
//!
//! A *signal handler* is a function that the system runs in the thread, between the instruction that could not be
//! carried out and the next. When it returns, the system puts all registers back and carries out *the same instruction
//! again*. That is the whole trick: if the handler puts a page of zeros in the place of the lost one, the load succeeds
//! the second time, and the loop that it stands in never knows. The handler leaves a record, and whoever ran the loop
//! asks for the record afterwards.
//!
//! # Why the repair is sound
//!
//! - *The memory is not Rust's.* No reference to it is ever made, and no atomic of Rust's: it is loaded and stored as
//!   volatile bytes, whose values the language leaves to the platform. The compiler assumes nothing about them, so it
//!   may not be surprised that they become zero. That a volatile load may fault, be repaired and go on is our
//!   assumption about the platform, as it is that of every virtual machine monitor; it is not in Rust's documents.
//! - *The pages are ours.* A page is replaced only where a [`GuardedMap`] is registered. It owns its map, and its slot
//!   is given back before the map is unmapped (`slots` has the argument). What others map never gets silent zeros.
//! - *The replacement is atomic.* `mmap` with `MAP_FIXED` swaps old pages for new ones under the lock that page faults
//!   take; other threads see the old or the new, never a hole.
//! - *Nothing is hidden.* The record is written first, and then the page is replaced. A thread that has loaded a byte
//!   of the new page comes later than the record. It asks by `fence(SeqCst)`, the record, and at last the file's
//!   length: that is what [`GuardedMap::check`] does. The other order lost 7 of 60,000 rounds.
//!
//! # What a handler may do
//!
//! It may interrupt any instruction, one that holds the allocator's lock among them. So it allocates nothing, takes no
//! lock, waits for nobody and cannot panic; it reads and writes atomics, and makes three system calls, `fstat`, `pread`
//! and `mmap`, which rustix makes itself on Linux and by libc's bare functions elsewhere. It leaves `errno` as it was.
//! A thread that has an alternate stack (`std` gives one to each of its threads) runs it there, `SA_ONSTACK`, unless a
//! handler was there before that did not ask for this; it needs 3.5 KiB without optimisation, and what the system
//! pushes for every handler. That is 11 KiB where the processor has AMX, which is all that `std`'s stacks have there,
//! so [`enter`] gives such a thread a larger one. The signal is blocked while it runs (no `SA_NODEFER`): should the
//! handler itself be paged in from a program file that was cut, the process dies at once and does not fault in circles.
//! System calls that a handled `kill -BUS` interrupts go on or fail as they did under the action that was there before
//! (`SA_RESTART` is taken from it).
//!
//! # Which pages are replaced
//!
//! The handler asks for the length of the map's own open file.
//!
//! | map | the file ends before the page | the file is long enough: the disk failed |
//! | --- | --- | --- |
//! | read-only | all pages from the file's end to the map's end, by one call | the page |
//! | writable | the page: what is behind may still be shared with others, if the file is longer again | the page |
//!
//! A page that faults though the file is long enough may also have been cut a moment ago, by somebody who has made the file
//! longer again since. So the handler asks for a byte of it by `pread`. If there is one, the page is recorded as cut, and
//! the instruction repeated as it is. If there is none, the disk has failed; or if the same page has faulted many times in
//! a row, as one that is written and for which a full disk has no block.
//!
//! So a cut file costs a read-only map one fault, in whatever order it is read. Where single pages are replaced, each
//! may split the map in two more, and a process has 65,530 maps (`vm.max_map_count`; beyond, *every* `mmap` fails).
//! After `SINGLE_PAGES` of them, a fault replaces the pages behind it too, twice as many each time; after
//! `ALL_SINGLE_PAGES` of all maps together, everything to its map's end. If `mmap` refuses all the same, the one page is
//! replaced; else everything from the lowest lost page to the map's end, which needs no further map; else some spare maps
//! are given up first. If that fails too, the fault is not handled, and the program dies of it. No memory is reserved for
//! what is replaced (`MAP_NORESERVE`): a page takes some when it is written.
//!
//! A store to a page that was lost goes to private memory and dies with the map. The record stays, so every later
//! question about these bytes is answered with the loss.
//!
//! # Who may be in the way
//!
//! A process has one action for `SIGBUS`. Whoever comes later takes the place of who was there, and ought to call him.
//!
//! - *Before us*: faults that are not ours, and `kill -BUS`, are handed on. `SIG_DFL`: the default is put back, and the
//!   fault kills when it repeats; the first process of a container the system lets no `kill` end. `SIG_IGN`: a `kill`
//!   is ignored, a fault kills, as the kernel does it. A handler is called with its own mask and flags. `std`'s own
//!   handler puts the default back and returns, which takes ours away as well: it is put back at once, and by
//!   [`enter`], and does from then on what the default does.
//! - *After us*: if the new handler hands on what it does not know (as the JVM's does) all is well, but nobody can see
//!   that from outside. Others kill the program (Python's `faulthandler`, enabled after us). So [`enter`] says that the
//!   handler is not ours, and the caller reads by `pread`.
//! - *A thread that blocks `SIGBUS`* is killed by a fault: the kernel handles no fault whose signal is blocked.
//!   [`enter`] unblocks it for as long as an operation runs, or several that overlap. A `kill -BUS` that was waiting for
//!   the thread arrives then. Other threads, to which an operation hands work, are entered by whoever hands it.
//! - *`fork`*: the child has the handler, the slots, the maps and the descriptors, all its own. *`exec`* begins anew.
//! - *Debuggers* stop at each fault: `handle SIGBUS nostop noprint pass`.
//!
//! # What it does not do
//!
//! A page that was cut and came back before anybody touched it is no fault: it is zero, and nothing is recorded. Bytes
//! between a new end and the end of its page are zero without a fault, and so can whole pages be while they are being
//! cut: Linux clears them before it takes them away, once or twice in a thousand races. The length of the file, which
//! is the new one by then, tells of both; so no question is answered by the records alone. A system call that is given
//! a lost page (`write` out of the map) fails with `EFAULT`, sends no signal and leaves no record: give system calls
//! copies. `SIGSEGV`, as for a store to a read-only map, is not touched. If somebody closes a descriptor that is not
//! his, ours, the handler is misled about the file's length.
//!
//! Tried on Linux. Of the others, macOS and the BSDs are written by their manuals; elsewhere [`enter`] finds nothing to
//! enter, and the promise is kept by `pread`.

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

/// A shared map of a file, whose lost pages become zero and are recorded, where [`enter`] has been let in.
///
/// Its bytes must be touched by volatile loads and stores only (or by what the hardware does as one instruction), in a
/// thread that holds an [`Entered`]; and asked about by [`check`](Self::check) once they have been.
pub(crate) struct GuardedMap {
    /// Stands before the map and the file, because fields are dropped in this order: the slot is given back while the
    /// map is still mapped and the file still open.
    slot: Registered,
    raw: MmapRaw,
    file: Arc<File>,
    offset: u64,
    /// The bytes of the map's first page that lie before the first byte of `raw`.
    head: usize,
}

/// What was lost of a range of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lost {
    /// The first byte of the range that may be lost, counted from the first byte of the map. Bytes before it are good.
    pub(crate) at: usize,
    pub(crate) why: Why,
    /// The length of the file now. It may have become long enough again.
    pub(crate) file_len: u64,
}

impl GuardedMap {
    /// Registers a map of an open regular file, in which `offset` is the first byte of the map.
    ///
    /// The map must be `MAP_SHARED` and of this file, which is held, and whose length is asked for, as long as the map
    /// lives. `writable` says whether the map's pages may be written. `huge` is the length of its pages where they are not
    /// memory's, and then it is whole ones.
    ///
    /// # Errors
    ///
    /// If the map is not one of `offset`.
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
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the map does not begin at that byte of the file"));
        };
        let extent =
            Extent { start, len, page, file: signal::descriptor(&file), offset: offset - head as u64, writable };
        Ok(Self { slot: Registered::new(extent), raw, file, offset, head })
    }

    /// Returns the map. Its bytes are lent to nobody: see the type.
    pub(crate) fn raw(&self) -> &MmapRaw {
        &self.raw
    }

    /// Asks for the length of the file now: one system call.
    fn file_len(&self) -> io::Result<u64> {
        signal::file_len(&*self.file)
    }

    /// Returns the first of these bytes of the map that a fault has taken, and why. No system call.
    ///
    /// A map keeps, for either reason, the lowest and the highest byte that were lost; what lies between counts as
    /// lost. To be asked in the thread that loaded the bytes, or in one that has synchronised with it, after the last
    /// load.
    fn taken(&self, bytes: &Range<usize>) -> Option<(usize, Why)> {
        let within = bytes.start.saturating_add(self.head)..bytes.end.saturating_add(self.head);
        self.slot.first_lost(&within).map(|(at, why)| (at - self.head, why))
    }

    /// Returns what of these bytes of the map was lost since it was mapped, or lies behind the file's end now.
    ///
    /// The question after an operation. `None` says that each byte that was loaded from the range had, at that moment,
    /// the value that the file's page had, and that the file still reaches to the range's end.
    ///
    /// # Errors
    ///
    /// If the system does not give the file's length.
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

/// What was lost of memory that may lie in a map: the bytes of the file, and the file.
#[derive(Debug)]
#[cfg_attr(not(unix), allow(dead_code, reason = "no file is cut that is mapped"))]
pub(crate) struct LostMemory {
    pub(crate) bytes: Range<u64>,
    pub(crate) why: Why,
    pub(crate) file_len: u64,
}

/// Returns what was lost of memory, if it lies in a [`GuardedMap`]: the same question as [`GuardedMap::check`]'s, of those
/// who have borrowed bytes of a map and not the map.
///
/// # Errors
///
/// If the system does not give the file's length.
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

/// Has lost pages of every [`GuardedMap`] repaired in this thread until the value is dropped: once an operation.
///
/// Unblocks `SIGBUS` in the thread, and looks whether the handler is still ours; two system calls. `None` where it is
/// not and cannot be, and on systems that have no such signal: then maps must not be touched, but their
/// files be read by `pread`. Whatever runs in other threads (rayon's workers) enters there.
pub(crate) fn enter() -> Option<Entered> {
    signal::enter()
}

#[cfg(all(test, any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
mod scenarios;
#[cfg(all(test, any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
mod tests;
