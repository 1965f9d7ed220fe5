//! Regions that become longer or shorter, and their files with them.
//!
//! Whoever changes the length of a file has a lock on it meanwhile, and finds the file as long as the array says, but
//! for what a killed program has left behind the array. If the file begins with the length of its array, the order of
//! the steps is that of `patch`, so that the file holds the old or the new array whenever the program is killed.
//!
//! Windows does not cut a file of which anything is mapped, but makes it longer. So the map is replaced after a file
//! has grown, and goes before a file is cut.

use super::file;
use super::{At, Backing, Held, Kept, Map, Mode, OwnFile, Patch, Portion, RangeLock, Region, Storage};
use super::{WriteBack, mappable_len, system, write_back};
use crate::error::{Error, Result};
use memmap2::MmapRaw;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// A file that grows to a length while it is mapped.
struct Growing<'a> {
    file: &'a File,
    write_back: Option<&'a WriteBack>,
    len: u64,
}

impl Storage for Growing<'_> {
    fn write_at(&mut self, position: u64, bytes: &[u8]) -> io::Result<()> {
        io::Write::write_all(&mut At { file: self.file, position }, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        write_back::wait(self.write_back, || self.file.sync_data())
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        // Only what was added a moment ago goes.
        if self.file.metadata()?.len() == self.len { self.file.set_len(len) } else { Ok(()) }
    }
}

impl Growing<'_> {
    /// Makes the file longer, and maps a portion that ends where the longer file does. `old_end` is the byte at which
    /// the array has ended until now.
    fn map(mut self, portion: &Portion, old_end: u64, patch: &Patch) -> Result<Option<MmapRaw>> {
        patch.begin(&mut self, old_end)?;
        let longer = file::set_len(self.file, self.len, portion.reserve);
        let raw = longer.and_then(|()| portion.map(self.file, Mode::ReadWrite));
        let raw = raw.inspect_err(|_| patch.undo(&mut self, old_end))?;
        if !patch.is_empty() {
            // The file must be as long as its beginning says, whenever the power fails.
            let synced = self.sync().map_err(|source| Error::io("write the file's length back", source));
            synced.inspect_err(|_| patch.undo(&mut self, old_end))?;
            // Where the beginning may speak of the new elements already, they stay.
            patch.apply(&mut self, old_end)?;
        }
        Ok(raw)
    }
}

/// A mapped file that is cut. The map and its length change with it.
struct Shrinking<'a> {
    file: &'a File,
    write_back: Option<&'a WriteBack>,
    raw: &'a mut Option<MmapRaw>,
    len: &'a mut usize,
    /// The portion that is mapped until the file is cut.
    whole: Portion,
    /// The map of what is left and its length, unless it can only be made once the file is cut.
    left: Option<(Option<MmapRaw>, usize)>,
}

impl Storage for Shrinking<'_> {
    fn write_at(&mut self, position: u64, bytes: &[u8]) -> io::Result<()> {
        io::Write::write_all(&mut At { file: self.file, position }, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        write_back::wait(self.write_back, || self.file.sync_data())
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        // Nothing is mapped of what goes when it goes.
        (*self.raw, *self.len) = self.left.take().unwrap_or((None, 0));
        self.file.set_len(len).inspect_err(|_| {
            // If the system does not map it again, the array has fewer elements than the file.
            if let Ok(raw) = self.whole.map(self.file, Mode::ReadWrite) {
                (*self.raw, *self.len) = (raw, self.whole.len);
            }
        })
    }
}

/// Returns whether every write goes to the end of the file, whatever its offset: `O_APPEND`.
fn is_appending(file: &File) -> bool {
    #[cfg(unix)]
    return rustix::fs::fcntl_getfl(file).is_ok_and(|flags| flags.contains(rustix::fs::OFlags::APPEND));
    #[cfg(not(unix))]
    {
        let _ = file;
        false
    }
}

fn check_not_appending(file: &File, verb: &str) -> Result<()> {
    if is_appending(file) {
        return Err(Error::unsupported(format!(
            "cannot {verb}: the file is open in append mode, so nothing can be written within it; open it in write mode"
        )));
    }
    Ok(())
}

/// Takes the lock on a file's length.
fn lock_length(file: &File, path: Option<&Path>) -> Result<Option<RangeLock>> {
    let own = OwnFile::again(file, path).map_err(|source| Error::io("open the file once more", source))?;
    RangeLock::of_length(&Arc::new(own))
}

/// Returns the length of a file, after checking that it has the array, which ends at byte `end`.
fn checked_len(file: &File, end: u64, verb: &str) -> Result<u64> {
    let len = mappable_len(file)?;
    if len >= end {
        return Ok(len);
    }
    Err(Error::unsupported(format!(
        "cannot {verb}: the file ends at byte {len}, and the array at byte {end}: the file was truncated while it was \
         mapped, which is not allowed"
    )))
}

/// Returns the error for data behind an array, which are not what a killed program has left. `what` says what would
/// become of them.
fn data_behind(verb: &str, end: u64, len: u64, what: &str, is_whole: bool) -> Error {
    let advice = match is_whole {
        true => format!("truncate the file to {end} bytes if nobody needs them"),
        false => format!("open the whole file to {verb} it"),
    };
    Error::unsupported(format!(
        "cannot {verb}: the array ends at byte {end} and the file at byte {len}, and the data between would {what}; \
         {advice}"
    ))
}

impl Region {
    /// Makes a region that is the whole of its map `len` bytes long, and its file with it. The new bytes are zero.
    ///
    /// On an error, the region and the file are as they were. `&mut self` and a reference count of one ensure that
    /// there is no pointer into the old map.
    pub(crate) fn grow(&mut self, len: usize, reserve: bool) -> Result<()> {
        self.resize(len, "grow", |map| map.grow(len, reserve))
    }

    /// Makes a region that is the whole of its map only `len` bytes long, and its file with it.
    ///
    /// On an error, the file is as it was, and so is the region, unless the system does not map the file another time:
    /// the region is then shorter. It may be mapped at another address, on an error too, so the caller must not use the
    /// pointer that it had. `&mut self` and a reference count of one ensure that nobody else has one.
    pub(crate) fn shrink(&mut self, len: usize) -> Result<()> {
        self.resize(len, "shrink", |map| map.shrink(len))
    }

    fn resize(&mut self, len: usize, verb: &str, resize: impl FnOnce(&mut Map) -> Result<()>) -> Result<()> {
        let bytes = self.len.min(len)..self.len.max(len);
        let path = self.map.path.clone();
        let (start, in_memory) = (self.offset(), self.map.backing == Backing::Memory);
        let named = |error: Error| match in_memory {
            // Its bytes are no file's.
            true => error,
            false => error.at_bytes(start + bytes.start as u64..start + bytes.end as u64).in_file(path.as_deref()),
        };
        let whole = self.start == 0 && self.len == self.map.len;
        let Some(map) = Arc::get_mut(&mut self.map).filter(|_| whole) else {
            return Err(named(Error::unsupported(format!(
                "cannot {verb} a part: other arrays share the map; {verb} the array before splitting it, or drop the \
                 others"
            ))));
        };
        let resized = resize(map).map_err(named);
        self.len = map.len;
        resized
    }
}

impl Map {
    fn grow(&mut self, len: usize, reserve: bool) -> Result<()> {
        let mut nothing = Held::default();
        let Held { kept, write_back, range_lock, .. } = self.held.as_deref_mut().unwrap_or(&mut nothing);
        let reserve = reserve || kept.as_ref().is_some_and(|kept| kept.reserve);
        let portion = Portion { offset: self.offset, len, populate: false, reserve, lock: false, strips: None };
        match (kept, self.backing) {
            (Some(Kept { file, given, front, lock, .. }), Backing::SharedFile) => {
                let _lock = lock_length(file, self.path.as_deref())?;
                let old_end = self.offset + self.len as u64;
                let old_len = checked_len(file, old_end, "grow")?;
                let new_len = file_len_for(&portion)?;
                let added = Portion { offset: old_end, len: len - self.len, lock: *lock, ..portion };
                let patch = front.map(|front| front(file, old_end, new_len)).transpose()?;
                if old_len > old_end {
                    // A window within the file's array has been told so.
                    if !patch.as_ref().is_some_and(|patch| patch.was_adding) {
                        return Err(data_behind("grow", old_end, old_len, "become elements", patch.is_some()));
                    }
                    // Windows does not cut a file that is mapped: `npy::append` can, while it is not.
                    let cut = file.set_len(old_end);
                    cut.map_err(|source| Error::io("cut off what a killed program has left", source))?;
                }
                if patch.is_some() || reserve {
                    check_not_appending(file, "grow")?;
                }
                let locked = range_lock.as_ref().map_or(Vec::new(), |lock| lock.ranges().to_vec());
                added.lock_rest(given.as_ref().unwrap_or(file), Mode::ReadWrite, range_lock)?;
                let growing = Growing { file, write_back: write_back.as_deref(), len: new_len };
                // Without a mark or a beginning that changes, all that is undone is the length.
                let patch = patch.unwrap_or_default();
                let raw = growing.map(&portion, old_end, &patch);
                self.raw = raw.inspect_err(|_| {
                    if let Some(lock) = range_lock {
                        lock.keep(locked);
                    }
                })?;
            }
            (_, Backing::Memory) => {
                system::grow_memory(&mut self.raw, self.len, portion.options().offset(0), portion.len)
                    .map_err(|source| Error::io("map more memory", source))?
            }
            _ => return Err(Error::unsupported("cannot grow: the array was not opened for writing to a file")),
        }
        self.len = len;
        Ok(())
    }

    fn shrink(&mut self, len: usize) -> Result<()> {
        let mut nothing = Held::default();
        let Held { kept, write_back, range_lock, .. } = self.held.as_deref_mut().unwrap_or(&mut nothing);
        let portion =
            |len| Portion { offset: self.offset, len, populate: false, reserve: false, lock: false, strips: None };
        match (kept, self.backing) {
            (Some(Kept { file, front, .. }), Backing::SharedFile) => {
                let _lock = lock_length(file, self.path.as_deref())?;
                let (whole, left) = (portion(self.len), portion(len));
                let (old_end, new_end) = (whole.bytes().end, left.bytes().end);
                let old_len = checked_len(file, old_end, "shrink")?;
                let patch = front.map(|front| front(file, old_end, new_end)).transpose()?;
                // What a killed program has left behind the array goes with the elements.
                if old_len > old_end && !patch.as_ref().is_some_and(|patch| patch.was_adding) {
                    return Err(data_behind("shrink", old_end, old_len, "be lost", patch.is_some()));
                }
                if patch.is_some() {
                    check_not_appending(file, "shrink")?;
                }
                let shorter = match cfg!(windows) {
                    true => None,
                    false => Some((left.map(file, Mode::ReadWrite)?, len)),
                };
                let write_back = write_back.as_deref();
                let mut shrinking =
                    Shrinking { file, write_back, raw: &mut self.raw, len: &mut self.len, whole, left: shorter };
                patch.unwrap_or_default().cut_off(&mut shrinking, new_end)?;
                if let Some(lock) = range_lock {
                    lock.cut(new_end);
                }
                if self.len != len {
                    self.raw = left.map(file, Mode::ReadWrite)?;
                }
            }
            (_, Backing::Memory) => system::shrink_memory(&mut self.raw, portion(len).options().offset(0), len)
                .map_err(|source| Error::io("map less memory", source))?,
            _ => return Err(Error::unsupported("cannot shrink: the array was not opened for writing to a file")),
        }
        self.len = len;
        Ok(())
    }
}

/// Returns the length of a file that ends with the portion.
fn file_len_for(portion: &Portion) -> Result<u64> {
    let end = portion.offset.checked_add(portion.len as u64).filter(|&end| i64::try_from(end).is_ok());
    end.ok_or_else(|| {
        let detail = format!("{} bytes from byte {} on reach beyond 2^63", portion.len, portion.offset);
        Error::overflow("the file", detail)
    })
}
