//! The slots in which the handler finds the registered maps and leaves its records.
//!
//! The slots are in a list of chunks that only grows: a released slot is used again, and no memory is ever freed, so
//! the handler may walk the list at any time. A slot contains only atomics. All accesses are `SeqCst`: there is one
//! order of all of them, and none of them is hot.
//!
//! A slot's fields are written under a version that is odd meanwhile (a seqlock). The handler reads the version, the
//! fields, and the version again; if it was odd or has changed, the fields may belong to two maps, and the handler goes
//! on to the next slot without waiting. That skips no map that matters. *The map that faults is borrowed by the code
//! that accesses it, so its slot was registered before the access and is released after it: its own version does not
//! change meanwhile.* A slot that changes while the handler reads it is therefore another map's, even if the handler
//! has interrupted the very function that writes it.
//!
//! For the same reason, the slot that the handler has found remains the map's until the handler returns. A slot is
//! released before its map is unmapped. So if an address lies in a registered map, no other map can be at that address:
//! a later map is created after the earlier one was unmapped, which was after its slot was released, and the kernel's
//! lock on the address space is between them.

use std::ops::Range;
use std::ptr;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU32, AtomicUsize, fence};

/// The reason why bytes were lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The file had become shorter.
    Truncated,
    /// The system could not read the bytes from the file, or could not write them to it.
    Io,
}

/// The registered properties of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// The address of the first page.
    pub(super) start: usize,
    /// The length in bytes, in whole pages.
    pub(super) len: usize,
    /// The size of a page of this map, a power of two.
    pub(super) page: usize,
    /// The descriptor of the file.
    pub(super) file: i32,
    /// The offset in the file of the first byte of the first page.
    pub(super) offset: u64,
    pub(super) writable: bool,
}

/// The lost bytes, counted from the first byte of the map's first page: all lost bytes lie between the two fields.
struct Record {
    from: AtomicUsize,
    to: AtomicUsize,
}

impl Record {
    const fn new() -> Self {
        Self { from: AtomicUsize::new(usize::MAX), to: AtomicUsize::new(0) }
    }

    fn clear(&self) {
        self.from.store(usize::MAX, SeqCst);
        self.to.store(0, SeqCst);
    }

    fn add(&self, bytes: &Range<usize>) {
        self.from.fetch_min(bytes.start, SeqCst);
        self.to.fetch_max(bytes.end, SeqCst);
    }

    /// Returns the first byte of the range that lies in the record.
    fn first(&self, bytes: &Range<usize>) -> Option<usize> {
        let first = self.from.load(SeqCst).max(bytes.start);
        (first < self.to.load(SeqCst).min(bytes.end)).then_some(first)
    }
}

pub(super) struct Slot {
    taken: AtomicBool,
    /// Odd while the fields of the extent are written.
    version: AtomicUsize,
    start: AtomicUsize,
    /// Zero if no map is registered.
    len: AtomicUsize,
    page: AtomicUsize,
    file: AtomicI32,
    /// The lower and the upper half, because not all machines have 64-bit atomics.
    offset: [AtomicU32; 2],
    writable: AtomicBool,
    truncated: Record,
    failed: Record,
    /// The number of faults of the map, and the number of those that did not replace everything to its end.
    faults: AtomicUsize,
    singles: AtomicUsize,
    /// The pages that faulted last although the file had them, indexed by page number, and the number of times in a
    /// row.
    repeated: [[AtomicUsize; 2]; REPEATED],
    /// The number of such faults since a page was replaced.
    repeats: AtomicUsize,
}

const REPEATED: usize = 8;

/// The number of faults of the registered maps that did not replace everything to their map's end.
static ALL_SINGLES: AtomicUsize = AtomicUsize::new(0);

const SLOTS: usize = 64;

struct Chunk {
    slots: [Slot; SLOTS],
    /// Null, or a chunk that is never freed.
    next: AtomicPtr<Chunk>,
}

static FIRST: Chunk = Chunk::new();

impl Chunk {
    const fn new() -> Self {
        Self { slots: [const { Slot::new() }; SLOTS], next: AtomicPtr::new(ptr::null_mut()) }
    }

    fn next(&self) -> Option<&'static Chunk> {
        // SAFETY: the pointer is null or one that `append` has put there, to a chunk that was leaked whole before, and
        // to which there are shared references only.
        unsafe { self.next.load(SeqCst).as_ref() }
    }

    /// Appends another chunk to the list.
    fn append(&'static self) {
        let new = ptr::from_mut(Box::leak(Box::new(Chunk::new())));
        let mut last = self;
        while last.next.compare_exchange(ptr::null_mut(), new, SeqCst, SeqCst).is_err() {
            // Somebody else has appended one; ours goes behind it.
            last = last.next().unwrap_or(last);
        }
    }
}

fn slots() -> impl Iterator<Item = &'static Slot> {
    std::iter::successors(Some(&FIRST), |chunk| chunk.next()).flat_map(|chunk| &chunk.slots)
}

/// Finds the slot of the map that contains an address. For the handler, and for code that borrows a registered map.
#[cfg_attr(not(unix), allow(dead_code, reason = "there is no handler"))]
pub(super) fn find(address: usize) -> Option<(&'static Slot, Extent)> {
    slots().find_map(|slot| {
        let extent = slot.read()?;
        (address.wrapping_sub(extent.start) < extent.len).then_some((slot, extent))
    })
}

impl Slot {
    const fn new() -> Self {
        Self {
            taken: AtomicBool::new(false),
            version: AtomicUsize::new(0),
            start: AtomicUsize::new(0),
            len: AtomicUsize::new(0),
            page: AtomicUsize::new(0),
            file: AtomicI32::new(-1),
            offset: [const { AtomicU32::new(0) }; 2],
            writable: AtomicBool::new(false),
            truncated: Record::new(),
            failed: Record::new(),
            faults: AtomicUsize::new(0),
            singles: AtomicUsize::new(0),
            repeated: [const { [AtomicUsize::new(usize::MAX), AtomicUsize::new(0)] }; REPEATED],
            repeats: AtomicUsize::new(0),
        }
    }

    /// Takes a free slot.
    fn take() -> &'static Self {
        loop {
            let free = |slot: &&Self| slot.taken.compare_exchange(false, true, SeqCst, SeqCst).is_ok();
            if let Some(slot) = slots().find(free) {
                return slot;
            }
            FIRST.append();
        }
    }

    /// Writes the extent. Only for the owner of the slot.
    fn write(&self, extent: &Extent) {
        self.version.fetch_add(1, SeqCst);
        self.start.store(extent.start, SeqCst);
        self.len.store(extent.len, SeqCst);
        self.page.store(extent.page, SeqCst);
        self.file.store(extent.file, SeqCst);
        self.offset[0].store(extent.offset as u32, SeqCst);
        self.offset[1].store((extent.offset >> 32) as u32, SeqCst);
        self.writable.store(extent.writable, SeqCst);
        self.version.fetch_add(1, SeqCst);
    }

    /// Reads the extent; returns `None` while it is being written.
    fn read(&self) -> Option<Extent> {
        let version = self.version.load(SeqCst);
        let extent = Extent {
            start: self.start.load(SeqCst),
            len: self.len.load(SeqCst),
            page: self.page.load(SeqCst),
            file: self.file.load(SeqCst),
            offset: u64::from(self.offset[0].load(SeqCst)) | u64::from(self.offset[1].load(SeqCst)) << 32,
            writable: self.writable.load(SeqCst),
        };
        (version % 2 == 0 && self.version.load(SeqCst) == version).then_some(extent)
    }

    fn record(&self, why: Why) -> &Record {
        match why {
            Why::Truncated => &self.truncated,
            Why::Io => &self.failed,
        }
    }

    /// Records that bytes are lost, before they are replaced.
    #[cfg_attr(not(unix), allow(dead_code, reason = "there is no handler"))]
    pub(super) fn lose(&self, bytes: &Range<usize>, why: Why) {
        self.record(why).add(bytes);
    }

    /// Returns the lowest byte that is lost for any reason; `usize::MAX` if none is.
    #[cfg_attr(not(unix), allow(dead_code, reason = "there is no handler"))]
    pub(super) fn lowest(&self) -> usize {
        self.truncated.from.load(SeqCst).min(self.failed.from.load(SeqCst))
    }

    /// Returns the first byte of the range that is lost, and why.
    pub(super) fn first_lost(&self, bytes: &Range<usize>) -> Option<(usize, Why)> {
        // The loads that the question is about stay before it.
        fence(SeqCst);
        let first = |why| self.record(why).first(bytes).map(|at| (at, why));
        // What cannot be written is taken for a file that was cut until it is clear that it is there.
        [first(Why::Io), first(Why::Truncated)].into_iter().flatten().min_by_key(|&(at, _)| at)
    }

    /// Returns whether an instruction may be repeated that has faulted on a page which the file has. Returns `false`
    /// after so many repetitions that there must be another cause, such as a full disk under a page that is written.
    #[cfg_attr(not(unix), allow(dead_code, reason = "there is no handler"))]
    pub(super) fn may_repeat(&self, page: usize) -> bool {
        const OFTEN: usize = 16;
        // Threads on pages that have one place count from 0 again and again. That must end too.
        const VERY_OFTEN: usize = 1 << 20;
        let [last, times] = &self.repeated[page % REPEATED];
        if last.swap(page, SeqCst) != page {
            times.store(0, SeqCst);
        }
        times.fetch_add(1, SeqCst) < OFTEN && self.repeats.fetch_add(1, SeqCst) < VERY_OFTEN
    }

    /// Counts a fault.
    #[cfg_attr(not(unix), allow(dead_code, reason = "there is no handler"))]
    pub(super) fn count(&self) {
        self.faults.fetch_add(1, SeqCst);
    }

    /// Counts a fault that does not replace everything to the map's end, and returns the numbers of earlier ones: of
    /// the map, and of all registered maps.
    #[cfg_attr(not(unix), allow(dead_code, reason = "there is no handler"))]
    pub(super) fn count_single(&self) -> (usize, usize) {
        self.repeats.store(0, SeqCst);
        (self.singles.fetch_add(1, SeqCst), ALL_SINGLES.fetch_add(1, SeqCst))
    }
}

/// The slot of a map, which is released when this is dropped, while the map is still mapped.
pub(super) struct Registered(&'static Slot);

impl Registered {
    /// Registers a map that has been mapped and that nothing accesses yet.
    pub(super) fn new(extent: Extent) -> Self {
        let slot = Slot::take();
        // Nobody adds to the records now: the map that had the slot before is gone.
        slot.truncated.clear();
        slot.failed.clear();
        slot.faults.store(0, SeqCst);
        slot.singles.store(0, SeqCst);
        slot.repeats.store(0, SeqCst);
        slot.repeated.iter().for_each(|[page, _]| page.store(usize::MAX, SeqCst));
        slot.write(&extent);
        Self(slot)
    }

    /// Returns the first byte of the range that is lost, and why. See [`Slot::first_lost`].
    pub(super) fn first_lost(&self, bytes: &Range<usize>) -> Option<(usize, Why)> {
        self.0.first_lost(bytes)
    }

    #[cfg(all(test, any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
    pub(super) fn faults(&self) -> usize {
        self.0.faults.load(SeqCst)
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        ALL_SINGLES.fetch_sub(self.0.singles.load(SeqCst), SeqCst);
        self.0.write(&Extent { start: 0, len: 0, page: 0, file: -1, offset: 0, writable: false });
        self.0.taken.store(false, SeqCst);
    }
}
