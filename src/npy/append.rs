//! Adding rows to an array in a file, which stays valid whenever the program or the machine stops.

use super::grow::{front, grown, grown_len};
use super::header::{Header, MAX_HEADER, TRUNCATED};
use super::save::{ArrayLike, rows_of, write_elements};
use super::sidecar::Sidecar;
use crate::dynamic::AnyView;
use crate::error::{Error, Result};
use crate::region::{self, At, NewFile, OwnFile, Patch, RangeLock, Storage};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::thread;

/// Adds rows to the array in a file, along the first axis in C order or along the last in Fortran order, as
/// [`grow`](crate::MmapArrayMut::grow) does. Returns the new length of that axis.
///
/// `rows` must have as many axes as the array, with the same lengths except along the growing axis, and may have any
/// strides. The file becomes what `np.save` would have written for both together. If its header has no space for the
/// new number of rows and one more, as in files of small writers in other languages, or would change in several sectors
/// of the disk at once, a new file whose header has space replaces the old one. Programs that have the old file open or
/// mapped keep the old one. On Windows, which does not replace open files, space for the number is enough, and rows
/// that a killed program leaves behind an array whose header has no more are not removed.
///
/// # Crashes and concurrent use
///
/// The rows are written behind the array, and are on the disk before a single write to the header makes them part of
/// it. If the program is killed at any time, the file holds the old array or the new one. This is also true if the
/// power fails, provided that the disk writes the few bytes of the new number atomically.
///
/// The next call removes rows that a killed program has left behind the array. They are distinguished from other data
/// by a tab in place of the header's last space, which is there while rows are added, and until leftover rows are
/// removed. So do not store other data behind an array whose header ends with a tab. After an error the file is as it
/// was, if the system allows restoring it.
///
/// Only one process or thread can add rows at a time; others get an error and leave the file as it is. On systems and
/// file systems without locks that belong to an open file, such as FreeBSD and some network file systems, nothing
/// enforces this, and the caller must.
///
/// # Errors
///
/// [`Header`](crate::ErrorKind::Header) and [`PastEnd`](crate::ErrorKind::PastEnd) if the file is not a complete `.npy`
/// file; [`DTypeMismatch`](crate::ErrorKind::DTypeMismatch) and [`Shape`](crate::ErrorKind::Shape) if the rows do not
/// match the array; [`Unsupported`](crate::ErrorKind::Unsupported) if other data follow the array;
/// [`OutOfRange`](crate::ErrorKind::OutOfRange) for a 0-d array; [`Locked`](crate::ErrorKind::Locked) while another
/// process or thread changes the length of the array, with this function, [`grow`](crate::MmapArrayMut::grow) or
/// [`shrink`](crate::MmapArrayMut::shrink);
/// [`Sidecar`](crate::ErrorKind::Sidecar) for an array that [`fill`](super::fill()) is filling;
/// [`Io`](crate::ErrorKind::Io) if an I/O operation fails.
///
/// ```
/// use mmap_array::npy;
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("log.npy");
/// npy::save(&path, &vec![[1_u8, 2], [3, 4]])?;
/// assert_eq!(npy::append(&path, &vec![[5_u8, 6]])?, 3);
/// assert_eq!(npy::load::<[u8; 2]>(&path)?[..], [[1, 2], [3, 4], [5, 6]]);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn append(path: impl AsRef<Path>, rows: &(impl ArrayLike + ?Sized)) -> Result<usize> {
    let path = path.as_ref();
    let append = |rows: &dyn AnyView| {
        loop {
            let file = Arc::new(OwnFile::open(|| region::open(path, true))?);
            let _lock = RangeLock::of_length(&file)?;
            // Its parts would no longer lie where they are looked for.
            let sidecar = Sidecar::name(&fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf()));
            if sidecar.exists() {
                return Err(Error::sidecar(format!(
                    "cannot add rows to an array that is being filled, as the file `{}` beside it shows; add them once \
                     the array is complete, or delete that file if nobody will fill the array",
                    sidecar.display()
                )));
            }
            // It may have been replaced before it was locked, as by this function where a header has no room.
            if region::is_at(&file, path)? {
                if let Some(len) = append_to(&file, path, rows)? {
                    return Ok(len);
                }
            }
            thread::yield_now();
        }
    };
    rows.lend(append).map_err(|error| error.in_file(Some(path)))
}

/// Adds rows to a locked file; `None` if another file has replaced it meanwhile.
fn append_to(file: &File, path: &Path, rows: &dyn AnyView) -> Result<Option<usize>> {
    // What is no file says so, rather than that it has no header.
    let file_len = region::mappable_len(file)?;
    let header = Header::of_file(file, MAX_HEADER)?;
    let axis = header.order().slowest_axis(header.shape().len());
    let axis = axis.ok_or_else(|| Error::out_of_range("a 0-d array has no axis along which to add rows"))?;
    let count = rows_of(rows, &header, axis)?;
    header.check_end(&|| header.dtype().to_string(), header.data_offset(), file_len, TRUNCATED)?;
    let end = header.data_offset() + header.nbytes();
    let front = front(file, &header)?;
    if file_len > end && Patch::is_adding(&front) {
        file.set_len(end).map_err(|source| Error::io("cut off what a killed program has left", source))?;
    } else if file_len > end {
        return Err(Error::unsupported(format!(
            "cannot add rows: the array ends at byte {end} and the file at byte {file_len}, and the data between would \
             be lost; truncate the file to {end} bytes if nobody needs them"
        ))
        .at_bytes(end..file_len));
    }
    let len = grown_len(&header, axis, count)?;
    match grown(&front, &header, count)? {
        _ if count == 0 => {}
        // Windows does not replace a file that is open.
        Some(patch) if patch.is_safe() || cfg!(windows) => write_behind(&mut &*file, &header, rows, &patch)?,
        _ if !write_anew(file, path, &header, rows, len)? => return Ok(None),
        _ => {}
    }
    Ok(Some(len))
}

/// Writes the array and the rows to a new file, with a header that has space, and replaces the old file with it.
/// Returns `false` if another file has replaced the old one already.
fn write_anew(file: &File, path: &Path, header: &Header, rows: &dyn AnyView, len: usize) -> Result<bool> {
    let mut shape = header.shape().to_vec();
    header.order().slowest_axis(shape.len()).into_iter().for_each(|axis| shape[axis] = len);
    let mut new = NewFile::create(path, true)?;
    let mut out = new.handle()?;
    Header::new(header.dtype().clone(), shape, header.order())?.write(&mut out)?;
    let mut elements = At { file, position: header.data_offset() }.take(header.nbytes());
    let copied = io::copy(&mut elements, &mut out).and_then(|count| match count == header.nbytes() {
        true => Ok(()),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    });
    copied.map_err(|source| Error::io("copy the array, whose header has no space for more rows", source))?;
    write_elements(&mut out, rows, header.order())?;
    out.sync_all().map_err(|source| Error::io("write the new file to the disk", source))?;
    if !region::is_at(file, path)? {
        return Ok(false);
    }
    new.persist().map(|()| true)
}

/// A writer to a storage, from a position on.
struct Behind<'a, S> {
    storage: &'a mut S,
    position: u64,
}

impl<S: Storage> Write for Behind<'_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.storage.write_at(self.position, bytes)?;
        self.position += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes rows behind an array that ends where the file does, and then the change to the header.
fn write_behind<S: Storage>(file: &mut S, header: &Header, rows: &dyn AnyView, patch: &Patch) -> Result<()> {
    let end = header.data_offset() + header.nbytes();
    patch.begin(file, end)?;
    let written = write_elements(&mut Behind { storage: file, position: end }, rows, header.order());
    let synced = written.and_then(|()| file.sync().map_err(|source| Error::io("write the file to the disk", source)));
    // The header does not speak of what was added.
    synced.inspect_err(|_| patch.undo(file, end))?;
    patch.apply(file, end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element::Element;
    use crate::npy::options;
    use crate::region::recorded::{Disk, Step, put};
    use crate::shape::Order;
    use crate::view::ArrayView;
    use std::ops::Range;

    /// A file before and after rows are added, which take three writes.
    struct Case {
        /// The length of the header.
        front: usize,
        old: Vec<u8>,
        new: Vec<u8>,
        rows: Vec<[u8; 1 << 9]>,
    }

    impl Case {
        /// Returns files whose elements begin at a byte.
        fn new(front: usize) -> Self {
            let rows: Vec<[u8; 1 << 9]> = (0..2508_u32).map(|row| [row.to_le_bytes()[0] | 1; 1 << 9]).collect();
            let file = |rows: &[[u8; 1 << 9]]| {
                let header = Header::new(u8::dtype(), [rows.len(), 1 << 9], Order::C).unwrap();
                let mut file = header.with_alignment(front.max(64)).unwrap().to_bytes().unwrap();
                assert_eq!(file.len(), front);
                file.extend_from_slice(rows.as_flattened());
                file
            };
            Self { front, old: file(&rows[..8]), new: file(&rows), rows: rows[8..].to_vec() }
        }

        /// Returns cases whose headers lie in one sector, and in several pages.
        fn all() -> [Self; 2] {
            [128, 8192].map(Self::new)
        }

        /// Returns a disk with a file, which fails in a range of steps.
        fn disk(&self, file: &[u8], fails: Range<usize>) -> Disk {
            Disk::new(file, fails, self.front as u64)
        }

        /// Returns a file with the mark.
        fn marked(&self, file: &[u8]) -> Vec<u8> {
            let mut file = file.to_vec();
            file[self.front - 2] = Patch::ADDING;
            file
        }

        fn run(&self, disk: &mut Disk) -> Result<()> {
            let header = Header::read(&mut &self.old[..]).unwrap();
            let view = ArrayView::from_slice(&self.rows, self.rows.len()).unwrap();
            let patch = Patch::of(&self.old[..self.front], &self.new[..self.front]);
            assert!(patch.is_safe());
            view.lend(|rows| write_behind(disk, &header, rows, &patch))
        }

        /// Returns whether a file is read as the new array; otherwise it must be the old one.
        fn is_new(&self, file: &[u8]) -> bool {
            let elements = options::<u8>().load_from(&mut &file[..]).unwrap();
            let shape = elements.shape();
            let array = if shape == [2508, 1 << 9] { &self.new } else { &self.old };
            assert!(elements[..] == array[self.front..], "{shape:?}");
            // What lies behind the array is told from what others put there.
            assert!(file.len() == array.len() || file[self.front - 2] == Patch::ADDING);
            shape[0] != 8
        }
    }

    #[test]
    fn whatever_of_the_steps_is_on_the_disk_the_file_is_the_old_or_the_new() {
        for case in Case::all() {
            let mut disk = case.disk(&case.old, 0..0);
            case.run(&mut disk).unwrap();
            assert!(*disk.file.borrow() == case.new);
            let steps = disk.steps.borrow();
            let kinds: String = steps
                .iter()
                .map(|step| match step {
                    Step::Write(at, bytes) if *at == case.front as u64 - 2 && bytes.len() == 1 => 'm',
                    Step::Write(at, bytes) if *at < 128 && bytes.len() < 80 => 'h',
                    Step::Write(..) => 'w',
                    Step::Sync => 's',
                    Step::Cut(_) => 'c',
                })
                .collect();
            assert_eq!(kinds, "mswwwshsm");
            let begun = case.marked(&case.old);
            // Of the writes between two syncs, any may have come to the disk whole, half, as zeros, or not at all.
            for states in 0..4_usize.pow(3) {
                let mut file = begun.clone();
                for (index, step) in steps[2..5].iter().enumerate() {
                    let Step::Write(at, bytes) = step else { panic!("{step:?}") };
                    match states / 4_usize.pow(index as u32) % 4 {
                        0 => {}
                        1 => put(&mut file, *at, &bytes[..bytes.len() / 2]),
                        2 => put(&mut file, *at, &vec![0; bytes.len()]),
                        _ => put(&mut file, *at, bytes),
                    }
                }
                assert!(!case.is_new(&file));
            }
            // All of them have when the header is written, and it has or has not.
            let mut file = case.old.clone();
            for (index, step) in steps.iter().enumerate() {
                if let Step::Write(at, bytes) = step {
                    put(&mut file, *at, bytes);
                }
                assert_eq!(case.is_new(&file), index > 5);
            }
        }
    }

    #[test]
    fn after_an_error_the_file_is_as_it_was() {
        for case in Case::all() {
            for step in 0..8 {
                let mut disk = case.disk(&case.old, step..step + 1);
                assert_eq!(case.run(&mut disk).unwrap_err().kind(), crate::ErrorKind::Io);
                assert!(*disk.file.borrow() == case.old, "step {step}");
            }
            // The array is the new one, and the mark behind it does no harm.
            let mut disk = case.disk(&case.old, 8..9);
            case.run(&mut disk).unwrap();
            assert!(*disk.file.borrow() == case.marked(&case.new));
        }
    }

    impl Case {
        /// Checks everything that may be on the disk if the power fails after any of the steps: any subset of the
        /// writes that were not synced. Writes to the header are subsets of the sectors that they change.
        fn left_by_power(&self, old: &[u8], steps: &[Step], failed: &Range<usize>) {
            let (mut safe, mut open) = (old.to_vec(), Vec::new());
            for (index, step) in steps.iter().enumerate() {
                let fails = failed.contains(&index);
                match step {
                    Step::Sync if fails => {}
                    Step::Sync => open.drain(..).for_each(|step: Step| step.apply(&mut safe)),
                    Step::Write(at, bytes) if *at < self.front as u64 => {
                        let (mut at, mut rest) = (*at, &bytes[..]);
                        while !rest.is_empty() {
                            let (piece, behind) = rest.split_at(rest.len().min(512 - at as usize % 512));
                            open.push(Step::Write(at, piece.to_vec()));
                            (at, rest) = (at + piece.len() as u64, behind);
                        }
                    }
                    Step::Write(at, bytes) if fails => open.push(Step::Write(*at, bytes[..bytes.len() / 2].to_vec())),
                    Step::Cut(_) if fails => {}
                    step => open.push(step.clone()),
                }
                for subset in 0..1 << open.len() {
                    let mut file = safe.clone();
                    let there = open.iter().enumerate().filter(|(place, _)| subset >> place & 1 == 1);
                    there.for_each(|(_, step)| step.apply(&mut file));
                    self.is_new(&file);
                }
            }
        }
    }

    #[test]
    fn when_the_power_fails_what_is_left_behind_the_array_is_told_from_what_others_put_there() {
        for case in Case::all() {
            for start in 0..=8 {
                for end in [start, start + 1, start + 2, 12] {
                    let mut disk = case.disk(&case.old, start..end);
                    assert_eq!(case.run(&mut disk).is_ok(), start == end || start == 8);
                    case.left_by_power(&case.old, &disk.steps.borrow(), &disk.fails);
                }
            }
        }
    }

    #[test]
    fn whichever_steps_fail_the_file_is_valid() {
        for case in Case::all() {
            for start in 0..8 {
                for end in start + 1..13 {
                    let mut disk = case.disk(&case.old, start..end);
                    assert_eq!(case.run(&mut disk).unwrap_err().kind(), crate::ErrorKind::Io);
                    // The new header has been written when waiting for it fails, and stays where the old one cannot be.
                    assert_eq!(case.is_new(&disk.file.borrow()), start == 7 && end > 8, "{start}..{end}");
                }
            }
        }
    }

    #[test]
    fn an_array_that_becomes_shorter_is_the_old_or_the_new_whichever_steps_fail_and_when_the_power_fails() {
        for case in Case::all() {
            for was_marked in [false, true] {
                let longer = if was_marked { case.marked(&case.new) } else { case.new.clone() };
                let patch = Patch::of(&longer[..case.front], &case.old[..case.front]);
                assert_eq!(patch.was_adding, was_marked);
                for start in 0..8 {
                    for end in start..12 {
                        let mut disk = case.disk(&longer, start..end);
                        let done = patch.cut_off(&mut disk, case.old.len() as u64);
                        case.left_by_power(&longer, &disk.steps.borrow(), &disk.fails);
                        // Once the elements are cut off it is done.
                        assert_eq!(done.is_ok(), start == end || start > 4, "{start}..{end}");
                        assert!(!case.is_new(&disk.file.borrow()) || done.is_err());
                        if start == end || start > 6 {
                            assert!(*disk.file.borrow() == case.old);
                        } else if end == start + 1 && start < 5 {
                            assert!(*disk.file.borrow() == longer, "{start}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_mark_that_only_the_shorter_header_has_space_for_is_written_with_the_number() {
        let header = |text: &str| [b"\x93NUMPY\x01\0", &[text.len() as u8, 0][..], text.as_bytes()].concat();
        let (old, new) = (header("{'shape': (10,), }\n"), header("{'shape': (9,), } \n"));
        let mut disk = Disk::new(&[&old[..], &[7; 10]].concat(), 0..0, 0);
        Patch::of(&old, &new).cut_off(&mut disk, new.len() as u64 + 9).unwrap();
        assert_eq!(*disk.file.borrow(), [&new[..], &[7; 9]].concat());
        let steps = disk.steps.borrow();
        let [Step::Write(21, marked), Step::Sync, Step::Cut(38), Step::Sync, Step::Write(27, space)] = &steps[..]
        else {
            panic!("{steps:?}")
        };
        assert_eq!((&marked[..], &space[..]), (&b"9,), }\t"[..], &b" "[..]));
        // Such a header has no space for a mark before rows are added.
        assert!(!Patch::of(&header("{'shape': (10,), }\n"), &header("{'shape': (11,), }\n")).is_safe());
        assert!(Patch::of(&new, &old).is_safe());
    }
}
