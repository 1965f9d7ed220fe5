//! Memory maps of portions of files, and everything that the operating system does for them.
//!
//! Only this module creates maps. The modules above it do not deal with pages: a region begins at any byte, is as long
//! as its elements, and is checked against the file's length before it is mapped, so that no byte of a map ever lies
//! past the end of the file. A region hands out a pointer and never a reference, because only the arrays above know
//! which of the bytes are theirs: regions of one map share it by reference count, and two of them may belong to two
//! threads.

mod fault;
mod file;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod filesystem;
mod forks;
mod identity;
mod lock;
mod names;
mod new_file;
mod patch;
mod permissions;
mod resize;
mod scratch;
mod sealed;
mod snapshot;
mod system;
mod write_back;

#[cfg(feature = "rayon")]
pub(crate) use fault::{Entered, enter};
pub(crate) use file::{At, is_at, mappable_len, open, open_to_read, reopen, reserve, write_through};
pub(crate) use forks::OwnFile;
pub(crate) use identity::FileId;
pub(crate) use lock::{RangeLock, Wait};
pub(crate) use names::remove;
pub(crate) use new_file::{NewFile, absolute, sync_folder};
#[cfg(test)]
pub(crate) use patch::recorded;
pub(crate) use patch::{Front, Patch, Storage};
pub(crate) use scratch::{NotPersisted, scratch};
pub use system::Advice;
use system::refused;
pub(crate) use system::{is_exhausted, most_open_files, prefer_huge_pages};
use write_back::WriteBack;

use crate::error::{Error, Reason, Result};
use fault::{GuardedMap, Why};
use memmap2::{MmapOptions, MmapRaw};
use std::fmt;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What backs the pages of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Backing {
    /// The file: writes go to it, and pages that are evicted are read back from it.
    SharedFile,
    /// The file until a page is written, then memory.
    PrivateFile,
    /// Memory alone.
    Memory,
}

/// How a file is mapped.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mode<'a> {
    Read,
    /// Like `Read`, for a file that the system guarantees not to change.
    Sealed,
    /// Like `Read`, of the bytes as they are now. The folder is the one in which to create the file that holds them, if
    /// it is not the file's own.
    Snapshot(Option<&'a Path>),
    ReadWrite,
    CopyOnWrite,
    /// Like `Read`, for a file that others may change at any time. The map keeps the file open to ask for its length.
    Shared(&'a Arc<File>),
    /// Like `ReadWrite`, for a file that others may change at any time.
    SharedMut(&'a Arc<File>),
}

impl<'a> Mode<'a> {
    /// Returns whether writes go to the file.
    pub(crate) fn writes(self) -> bool {
        matches!(self, Self::ReadWrite | Self::SharedMut(_))
    }

    /// Returns the file, if other programs may change it while it is mapped.
    fn shared_file(self) -> Option<&'a Arc<File>> {
        match self {
            Self::Shared(file) | Self::SharedMut(file) => Some(file),
            _ => None,
        }
    }
}

/// A memory map, shared by the regions cut from it.
struct Map {
    /// `None` if the map is guarded or has no bytes, since an empty region maps nothing.
    raw: Option<MmapRaw>,
    len: usize,
    backing: Backing,
    /// The offset in the file of the first mapped byte.
    offset: u64,
    path: Option<PathBuf>,
    /// What is held as long as the map lives, if anything; a map that is only read holds nothing.
    held: Option<Box<Held>>,
}

/// What is held with a map. Fields are dropped in this order, the lock last.
#[derive(Default)]
struct Held {
    /// The map, if its pages may be lost because others truncate the file.
    guarded: Option<GuardedMap>,
    /// The disk errors of the open file, shared with all that is mapped from it later; for maps that can be written.
    write_back: Option<Arc<WriteBack>>,
    /// The file, for `grow`, `shrink` and `persist`; for maps whose writes go to a file.
    kept: Option<Kept>,
    range_lock: Option<RangeLock>,
}

/// An open file that is kept with a map of it.
struct Kept {
    file: File,
    /// The open file that the caller gave, if `file` is the same file opened once more: the locks of the caller's open
    /// file are held as long as the map lives.
    given: Option<File>,
    /// Whether the file was created for the array and has no name.
    scratch: bool,
    /// Whether `grow` also allocates disk blocks.
    reserve: bool,
    /// The function whose result `grow` and `shrink` write at the beginning of the file.
    front: Option<Front>,
    /// Whether `grow` locks the bytes that it adds.
    lock: bool,
}

impl Kept {
    fn new(file: File, given: Option<File>, scratch: bool, portion: &Portion) -> Self {
        Self { file, given, scratch, reserve: portion.reserve, front: None, lock: portion.lock }
    }
}

/// Returns whether a file is open for reading and writing at any offset, as far as the system says: `O_RDWR` without
/// `O_APPEND`.
fn is_writable(file: &File) -> bool {
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        let asked = OFlags::RWMODE | OFlags::APPEND;
        rustix::fs::fcntl_getfl(file).is_ok_and(|flags| flags & asked == OFlags::RDWR)
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        false
    }
}

/// Returns the open file that a writable map keeps.
///
/// A file that the caller has opened is opened once more if possible, because the caller may map it again, and an open
/// file reports an error of the disk only once. The caller's open file is then kept as well.
fn to_write(file: &File, path: Option<&Path>) -> Result<(File, Option<File>)> {
    let io = |source| Error::io("keep the file open", source);
    let same = file.try_clone().map_err(io)?;
    // Never for more than it was opened for.
    match path.is_none() && is_writable(file) {
        true => Ok((reopen(file, Path::new("")).map_err(io)?, Some(same))),
        false => Ok((same, None)),
    }
}

/// A range of the bytes of a map.
///
/// Clones share the bytes. Whoever clones a region must make sure that only one of the clones writes.
#[derive(Clone)]
pub struct Region {
    map: Arc<Map>,
    start: usize,
    len: usize,
}

/// A portion of a file that is about to be mapped.
pub(crate) struct Portion {
    pub(crate) offset: u64,
    pub(crate) len: usize,
    pub(crate) populate: bool,
    /// Whether to allocate disk blocks, for a file that is created or grown.
    pub(crate) reserve: bool,
    /// Whether to take an advisory lock on the bytes, exclusive if they are to be written.
    pub(crate) lock: bool,
    /// The bytes to lock, if not all.
    pub(crate) strips: Option<Strips>,
}

/// The part of a file that has been mapped.
struct Pages {
    raw: Option<MmapRaw>,
    offset: u64,
    len: usize,
    /// The size of a page, if the pages are huge.
    huge: Option<usize>,
}

/// `count` runs of `len` bytes, each of which begins `step` bytes after the one before.
#[derive(Clone, Copy)]
pub(crate) struct Strips {
    pub(crate) len: u64,
    pub(crate) step: u64,
    pub(crate) count: usize,
}

impl Portion {
    /// Returns the range of the portion's bytes in the file; its end saturates.
    pub(crate) fn bytes(&self) -> Range<u64> {
        self.offset..self.offset.saturating_add(self.len as u64)
    }

    /// Checks that the portion lies within the file. `what` describes the portion for the error.
    fn check(&self, file_len: u64, mode: Mode<'_>, what: impl Fn() -> String) -> Result<()> {
        let (offset, needed) = (self.offset, self.len as u64);
        if offset.checked_add(needed).is_some_and(|end| end <= file_len) {
            return Ok(());
        }
        if offset > file_len {
            return Err(Reason::OffsetPastEnd { offset, file_len }.error());
        }
        let hint = match (file_len, mode) {
            (0, _) => ": it is empty",
            (_, mode) if mode.writes() => "; opening a file never makes it longer",
            _ => "",
        };
        Err(Reason::PastEnd { what: what(), offset, needed, file_len, hint }.error())
    }

    /// Maps the portion, or the whole huge pages that contain it: memmap2 extends a portion to whole pages, but does
    /// not know the size of huge ones.
    fn map_pages(&self, file: &File, mode: Mode<'_>) -> Result<Pages> {
        let mapped = self.map(file, mode);
        // Of most maps nothing has to be asked: huge pages begin where few others do, and not at every byte of the
        // file.
        let may_be_huge = match &mapped {
            Ok(raw) => raw.as_ref().is_some_and(system::begins_as_huge),
            Err(error) => error.io_kind() == Some(io::ErrorKind::InvalidInput),
        };
        let Some(page) = may_be_huge.then(|| system::huge_page(file)).flatten() else {
            return Ok(self.as_mapped(mapped?));
        };
        if let Ok(Some(raw)) = mapped {
            system::unmap_huge(raw, page);
        }
        let offset = self.offset - self.offset % page as u64;
        // The file ends with a page. What is too long for a map is refused by the system.
        let len = self.bytes().end.next_multiple_of(page as u64) - offset;
        let pages = Self { offset, len: usize::try_from(len).unwrap_or(usize::MAX), ..*self };
        Ok(Pages { huge: Some(page), ..pages.as_mapped(pages.map(file, mode)?) })
    }

    fn as_mapped(&self, raw: Option<MmapRaw>) -> Pages {
        Pages { raw, offset: self.offset, len: self.len, huge: None }
    }

    #[inline]
    pub(crate) fn take_lock(&self, file: &File, mode: Mode<'_>) -> Result<Option<RangeLock>> {
        if !self.lock {
            return Ok(None);
        }
        let mut lock = None;
        self.lock_rest(file, mode, &mut lock).map(|()| lock)
    }

    /// Locks those of the bytes that a lock of the same open file does not cover yet.
    pub(crate) fn lock_rest(&self, file: &File, mode: Mode<'_>, lock: &mut Option<RangeLock>) -> Result<()> {
        // A range of no bytes is, for some systems, all the bytes that follow.
        if !self.lock || self.len == 0 {
            return Ok(());
        }
        let all = self.bytes();
        let Strips { len, step, count } = self.strips.unwrap_or(Strips { len: self.len as u64, step: 0, count: 1 });
        let runs = (0..count as u64).map(|number| all.start + number * step).map(|start| start..start + len);
        let locked = match lock {
            Some(lock) => lock.add(runs, mode.writes())?,
            None => {
                *lock = RangeLock::take(file, runs, mode.writes())?;
                lock.is_some()
            }
        };
        match locked {
            true => Ok(()),
            false => {
                let what = "another process or thread has locked elements of the window; try again once it is done";
                Err(Reason::Locked(what.into()).error().at_bytes(self.bytes()))
            }
        }
    }

    fn options(&self) -> MmapOptions {
        let mut options = MmapOptions::new();
        options.offset(self.offset).len(self.len).no_probe_handle();
        if self.populate {
            options.populate();
        }
        options
    }

    fn map(&self, file: &File, mode: Mode<'_>) -> Result<Option<MmapRaw>> {
        let options = self.options();
        let raw = match mode {
            // A window of no bytes is refused where one of some would be.
            Mode::Sealed => return sealed::map(file, &options).map(|raw| (self.len > 0).then_some(raw)),
            _ if self.len == 0 => return Ok(None),
            Mode::Read | Mode::Shared(_) => options.map_raw_read_only(file),
            // Never of the file itself: `map_snapshot` maps another.
            Mode::Snapshot(_) => Err(io::ErrorKind::Unsupported.into()),
            Mode::ReadWrite | Mode::SharedMut(_) => options.map_raw(file),
            // SAFETY: the contract is about references to the map's bytes. None is made of this `MmapMut`: it becomes a
            // raw map at once, and the arrays above answer for what they make of its pointer.
            Mode::CopyOnWrite => unsafe { options.map_copy(file) }.map(MmapRaw::from),
        };
        raw.map(Some).map_err(|source| {
            let action = match (mode, source.kind()) {
                (mode, io::ErrorKind::PermissionDenied) if mode.writes() => {
                    "map the file, which must be open for reading and writing"
                }
                (_, io::ErrorKind::PermissionDenied) => "map the file, which must be open for reading",
                _ => "map the file",
            };
            Error::io(action, source)
        })
    }

    /// Maps a snapshot of the bytes.
    fn map_snapshot(
        &self,
        file: &File,
        path: Option<&Path>,
        folder: Option<&Path>,
        what: impl Fn() -> String,
    ) -> Result<Option<MmapRaw>> {
        let Some(twin) = snapshot::take(file, path, folder, &self.bytes())? else { return Ok(None) };
        // The file may have become shorter since it was measured.
        self.check(mappable_len(&twin.file)?.saturating_add(twin.start), Mode::Read, what)?;
        let portion = Self { offset: self.offset - twin.start, ..*self };
        // The second file is closed when this returns.
        portion.map(&twin.file, Mode::Read)
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Region").field("offset", &self.offset()).field("len", &self.len).finish_non_exhaustive()
    }
}

/// Checks whether bytes of memory were lost that may lie in a region of a file that others may truncate: the same as
/// [`Region::check`], for callers that have borrowed the bytes and not the region.
pub(crate) fn check_memory(addresses: &Range<usize>) -> Result<()> {
    // Windows does not cut files that are mapped.
    #[cfg(unix)]
    {
        let at = |error: Error| error.in_file(Some(Path::new("the file that is mapped")));
        let lost = fault::check_memory(addresses);
        let lost = lost.map_err(|source| at(Error::io("ask for the length of the file", source)))?;
        lost.map_or(Ok(()), |lost| Err(at(lost_error(lost.bytes, lost.why, lost.file_len))))
    }
    #[cfg(not(unix))]
    {
        let _ = addresses;
        Ok(())
    }
}

fn lost_error(bytes: Range<u64>, why: Why, file_len: u64) -> Error {
    let error = match why {
        Why::Truncated => Reason::Truncated { first: bytes.start, end: bytes.end, file_len }.error(),
        Why::Io => Error::io("access the elements: the disk cannot read them, or has no space for them", disk_failed()),
    };
    error.at_bytes(bytes)
}

impl Region {
    /// Maps a portion of an open file whose length has just been read.
    pub(crate) fn map(
        file: &File,
        path: Option<&Path>,
        file_len: u64,
        portion: &Portion,
        mode: Mode<'_>,
        what: impl Fn() -> String,
    ) -> Result<Self> {
        let map = || {
            portion.check(file_len, mode, &what)?;
            let lock = portion.take_lock(file, mode)?;
            let kept = match mode {
                Mode::ReadWrite => {
                    let (file, given) = to_write(file, path)?;
                    Some(Kept::new(file, given, false, portion))
                }
                _ => None,
            };
            let file = kept.as_ref().map_or(file, |kept| &kept.file);
            let (pages, lock) = match mode {
                // Once it is taken nobody needs to be kept out.
                Mode::Snapshot(folder) => (portion.as_mapped(portion.map_snapshot(file, path, folder, what)?), None),
                _ => (portion.map_pages(file, mode)?, lock),
            };
            let (start, huge) = ((portion.offset - pages.offset) as usize, pages.huge);
            let backing = if matches!(mode, Mode::CopyOnWrite) { Backing::PrivateFile } else { Backing::SharedFile };
            let mut map = Map::new(pages, backing, path);
            if mode.writes() || mode.shared_file().is_some() || lock.is_some() {
                let write_back = mode.writes().then(Arc::default);
                let mut held = Held { guarded: None, write_back, kept, range_lock: lock };
                if let Some(file) = mode.shared_file() {
                    // Pages that are lost are an error, and not the end of the program.
                    let guard = |raw| GuardedMap::new(raw, Arc::clone(file), map.offset, mode.writes(), huge);
                    let guarded = map.raw.take().map(guard).transpose();
                    held.guarded = guarded.map_err(|source| Error::io("find the file's pages", source))?;
                }
                map.held = Some(Box::new(held));
            }
            Ok(Self { map: Arc::new(map), start, len: portion.len })
        };
        map().map_err(|error: Error| error.at_bytes(portion.bytes()).in_file(path))
    }

    /// Maps a portion of a file that was created for it, and has no name or none yet.
    pub(crate) fn of_new(file: File, path: Option<&Path>, portion: &Portion) -> Result<Self> {
        let named = |error: Error| error.at_bytes(portion.bytes()).in_file(path);
        let lock = portion.take_lock(&file, Mode::ReadWrite).map_err(named)?;
        let raw = portion.map(&file, Mode::ReadWrite).map_err(named)?;
        let mut map = Map::new(portion.as_mapped(raw), Backing::SharedFile, path);
        let kept = Some(Kept::new(file, None, path.is_none(), portion));
        map.held = Some(Box::new(Held { guarded: None, write_back: Some(Arc::default()), kept, range_lock: lock }));
        Ok(Self { map: Arc::new(map), start: 0, len: portion.len })
    }

    /// Maps zeroed memory without a file.
    pub(crate) fn anonymous(portion: &Portion) -> Result<Self> {
        let raw = match portion.len {
            0 => None,
            _ => {
                let mut options = portion.options();
                let map = options.offset(0).map_anon().map_err(|source| Error::io("map memory", source))?;
                Some(MmapRaw::from(map))
            }
        };
        let map = Map::new(portion.as_mapped(raw), Backing::Memory, None);
        Ok(Self { map: Arc::new(map), start: 0, len: portion.len })
    }

    /// Returns a pointer to the first byte; `None` if the region maps nothing. The pointer is valid for `len` bytes as
    /// long as a clone of the region lives, and for writes if the mode was writable.
    pub(crate) fn as_ptr(&self) -> Option<*mut u8> {
        // `wrapping_add`, since a region is made only within its map: `start + len <= map.len`.
        self.map.raw().map(|raw| raw.as_mut_ptr().wrapping_add(self.start))
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        self.map.path.as_deref()
    }

    /// Returns the offset in the file of the region's first byte.
    pub(crate) fn offset(&self) -> u64 {
        self.map.offset + self.start as u64
    }

    /// Returns a range of this region's bytes over the same map.
    pub(crate) fn part(&self, bytes: Range<usize>) -> Self {
        assert!(bytes.start <= bytes.end && bytes.end <= self.len, "a part lies within its region");
        Self { map: Arc::clone(&self.map), start: self.start + bytes.start, len: bytes.end - bytes.start }
    }

    /// Returns the bytes of memory that nothing else shares.
    ///
    /// # Panics
    ///
    /// Panics if the bytes are a file's, or shared.
    pub(crate) fn memory_mut(&mut self) -> &mut [u8] {
        assert!(self.map.backing == Backing::Memory, "memory of the region's own");
        let len = self.len;
        assert!(Arc::get_mut(&mut self.map).is_some(), "memory that nobody shares");
        match self.as_ptr() {
            // SAFETY: the map is that many bytes of memory, zero or written since, and writable; the region is borrowed
            // exclusively and holds the only count of the map.
            Some(ptr) => unsafe { std::slice::from_raw_parts_mut(ptr, len) },
            None => &mut [],
        }
    }

    /// Gives a scratch file a name, once everything that was written is on the disk.
    pub(crate) fn persist(&self, path: &Path, replace: bool) -> Result<(), NotPersisted> {
        let at = |error: Error| error.in_file(Some(path));
        if self.start > 0 || self.len < self.map.len {
            let text = "cannot persist a part, only the whole array; write through parts of a view \
                        (`view_mut().split_at(…)`, `axis_iter`) in `std::thread::scope`, and then persist the array";
            return Err(at(Error::unsupported(text)).into());
        }
        if Arc::strong_count(&self.map) > 1 {
            return Err(at(Error::unsupported("cannot persist: other arrays share the map; drop them first")).into());
        }
        let Some(Kept { file, .. }) = self.map.kept().filter(|kept| kept.scratch) else {
            return Err(at(Error::unsupported(
                "cannot persist: the array is not in a scratch file; `tofile` and `npy::save` write a copy of any \
                 array",
            ))
            .into());
        };
        self.flush(0..self.len).map_err(at)?;
        write_back::wait(self.map.write_back(), || file.sync_all())
            .map_err(|source| at(Error::io("write the file to the disk", source)))?;
        scratch::persist(file, path, replace)
    }

    /// Calls `f`, which may access the bytes of regions that may be lost. Returns `None`, without calling it, if a lost
    /// page would kill the process. Afterwards, [`check`](Self::check) of each region says what was lost.
    pub(crate) fn enter<R>(f: impl FnOnce() -> R) -> Option<R> {
        // Windows does not cut files that are mapped, and has no signal to catch.
        if cfg!(windows) {
            return Some(f());
        }
        let _entered = fault::enter()?;
        Some(f())
    }

    /// Checks whether bytes of the region were lost since it was mapped, or lie behind the end of the file now.
    pub(crate) fn check(&self) -> Result<()> {
        let Some(map) = self.map.guarded() else { return Ok(()) };
        let (whole, end) = (0..self.len, self.offset() + self.len as u64);
        let lost = map.check(self.start..self.start + self.len);
        let Some(lost) =
            lost.map_err(|source| self.named(Error::io("ask for the length of the file", source), &whole))?
        else {
            return Ok(());
        };
        let first = self.map.offset + lost.at as u64;
        Err(lost_error(first..end, lost.why, lost.file_len).in_file(self.path()))
    }

    /// Adds the file and the bytes of the region to the error of an operation.
    fn named(&self, error: Error, bytes: &Range<usize>) -> Error {
        let base = self.offset();
        error.at_bytes(base + bytes.start as u64..base + bytes.end as u64).in_file(self.path())
    }

    /// Returns the raw map and the range of its bytes, for a range of the region's; `None` if there is nothing to do.
    fn mapped(&self, bytes: &Range<usize>) -> Option<(&MmapRaw, usize, usize)> {
        assert!(bytes.start <= bytes.end && bytes.end <= self.len, "an operation lies within its region");
        let raw = self.map.raw().filter(|_| !bytes.is_empty())?;
        Some((raw, self.start + bytes.start, bytes.end - bytes.start))
    }

    /// Writes the pages of these bytes to the file and waits until they are written: `msync(MS_SYNC)`, on Windows
    /// `FlushViewOfFile` and `FlushFileBuffers`.
    pub(crate) fn flush(&self, bytes: Range<usize>) -> Result<()> {
        let Some((raw, offset, len)) = self.mapped(&bytes).filter(|_| self.is_file()) else { return Ok(()) };
        let flushed = write_back::wait(self.map.write_back(), || raw.flush_range(offset, len));
        flushed.map_err(|source| self.named(Error::io("write the elements back", source), &bytes))
    }

    /// Starts to write the pages of these bytes and does not wait: `msync(MS_ASYNC)`, `FlushViewOfFile`.
    pub(crate) fn flush_async(&self, bytes: Range<usize>) -> Result<()> {
        let Some((raw, offset, len)) = self.mapped(&bytes).filter(|_| self.is_file()) else { return Ok(()) };
        raw.flush_async_range(offset, len)
            .map_err(|source| self.named(Error::io("start writing the elements back", source), &bytes))
    }

    fn is_file(&self) -> bool {
        self.map.backing == Backing::SharedFile
    }

    pub(crate) fn advise(&self, bytes: Range<usize>, advice: Advice) -> Result<()> {
        let Some((raw, offset, len)) = self.mapped(&bytes) else { return Ok(()) };
        system::advise(raw, offset, len, advice)
            .map_err(|source| self.named(refused("advise the system", source), &bytes))
    }

    /// Evicts the resident pages of these bytes, which are read back from the file at the next access.
    ///
    /// Only for shared maps of files: in any other map, the same call would reset elements to zero, or to the file's,
    /// under live references.
    pub(crate) fn evict(&self, bytes: Range<usize>) -> Result<()> {
        if !self.is_file() {
            return Err(self.named(
                Error::unsupported(
                    "cannot evict elements that are in memory alone (anonymous or copy-on-write): they would be lost",
                ),
                &bytes,
            ));
        }
        let Some((raw, offset, len)) = self.mapped(&bytes) else { return Ok(()) };
        system::evict(raw, offset, len).map_err(|source| self.named(refused("evict the elements", source), &bytes))
    }

    pub(crate) fn lock(&self) -> Result<()> {
        let Some((raw, offset, len)) = self.mapped(&(0..self.len)) else { return Ok(()) };
        system::lock(raw, offset, len)
            .map_err(|source| self.named(refused("lock the elements in memory", source), &(0..self.len)))
    }

    pub(crate) fn unlock(&self) -> Result<()> {
        let Some((raw, offset, len)) = self.mapped(&(0..self.len)) else { return Ok(()) };
        system::unlock(raw, offset, len)
            .map_err(|source| self.named(refused("unlock the elements", source), &(0..self.len)))
    }

    /// Shares the record of disk errors with a region of the same open file. Must be called before the region is
    /// shared.
    pub(crate) fn set_write_back_of(&mut self, other: &Self) {
        if let (Some(held), Some(other)) = (self.held_mut(), &other.map.held) {
            held.write_back = other.write_back.clone();
        }
    }

    /// Sets the function whose result is written at the beginning of the file whenever the region becomes longer or
    /// shorter, if the region can. Must be called before the region is shared.
    pub(crate) fn set_front(&mut self, front: Front) {
        if let Some(kept) = self.held_mut().and_then(|held| held.kept.as_mut()) {
            kept.front = Some(front);
        }
    }

    fn held_mut(&mut self) -> Option<&mut Held> {
        Arc::get_mut(&mut self.map)?.held.as_deref_mut()
    }
}

/// Returns the error that the system has for a failed disk, for failures that it reports by a signal.
fn disk_failed() -> io::Error {
    #[cfg(unix)]
    return rustix::io::Errno::IO.into();
    #[cfg(not(unix))]
    io::ErrorKind::Other.into()
}

impl Map {
    fn new(Pages { raw, offset, len, .. }: Pages, backing: Backing, path: Option<&Path>) -> Self {
        let path = path.map(Path::to_path_buf);
        Self { raw, len, backing, offset, path, held: None }
    }

    fn raw(&self) -> Option<&MmapRaw> {
        self.raw.as_ref().or_else(|| self.guarded().map(GuardedMap::raw))
    }

    fn guarded(&self) -> Option<&GuardedMap> {
        self.held.as_deref()?.guarded.as_ref()
    }

    fn kept(&self) -> Option<&Kept> {
        self.held.as_deref()?.kept.as_ref()
    }

    fn write_back(&self) -> Option<&WriteBack> {
        self.held.as_deref()?.write_back.as_deref()
    }
}

/// Writes the bytes with which a new file begins, and waits until they are on the disk, so that a later flush writes
/// the elements alone.
pub(crate) fn write_front(file: &File, front: &[u8]) -> Result<()> {
    io::Write::write_all(&mut At { file, position: 0 }, front)
        .and_then(|()| file.sync_data())
        .map_err(|source| Error::io("write the header", source))
}
