//! Lists where git stores its objects, from the tables of which the index of a pack consists.
//!
//! ```text
//! cargo run --release --example git_index .git/objects/pack/pack-….idx
//! cargo run --release --example git_index .git/objects/pack/pack-….idx --find 0c3f
//! ```
//!
//! An index consists of big-endian tables one after another: for each of the 256 first bytes, the number of objects
//! whose id begins with that byte or a smaller one; for each object, in the order of the ids, its id, its checksum and
//! its offset in the pack; and offsets of 64 bits for those that do not fit into 31. Each table is mapped as a window
//! of the file with its own type of elements. In version 1, which is older, offsets and ids are fields of records, and
//! the same code searches a field. Ids have 20 bytes, or 32 in repositories that use SHA-256; the length of the file
//! determines which.
//!
//! All objects are listed as `git show-index` lists them, in blocks that are checked before they are printed, even if
//! the file is truncated meanwhile. Finding the objects whose ids begin with some digits, by the first table and a
//! binary search, reads only a few pages of the file, whatever its size.
#![forbid(unsafe_code)]

use bytemuck::{Pod, Zeroable};
use mmap_array::{ArrayView, Be, MmapArray, SharedArray, access::Shared, field, shared};
use std::error::Error;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitCode;

/// The number of objects that are read together.
const BLOCK: usize = 1 << 12;

fn main() -> ExitCode {
    let mut out = BufWriter::new(io::stdout().lock());
    let printed = Request::parse(std::env::args_os().skip(1))
        .map_err(|error| (2, format!("{error}\nusage: git_index FILE [--find DIGITS]")))
        .and_then(|request| request.print(&mut out).map_err(|error| (1, error.to_string())))
        .and_then(|()| out.flush().map_err(|error| (1, error.to_string())));
    let Err((status, text)) = printed else { return ExitCode::SUCCESS };
    eprintln!("git_index: {text}");
    ExitCode::from(status)
}

/// The arguments.
pub(crate) struct Request {
    file: PathBuf,
    /// The first digits of the ids, each less than 16.
    find: Option<Vec<u8>>,
}

impl Request {
    pub(crate) fn parse(mut args: impl Iterator<Item = OsString>) -> Result<Self, String> {
        let (mut file, mut find) = (None, None);
        while let Some(arg) = args.next() {
            if arg == "--find" {
                let digits = args.next().and_then(|value| value.into_string().ok()).unwrap_or_default();
                let values = digits.chars().map(|digit| digit.to_digit(16).map(|value| value as u8));
                let values = values.collect::<Option<Vec<u8>>>().filter(|values| !values.is_empty());
                find = Some(values.ok_or_else(|| format!("--find cannot be {digits:?}"))?);
            } else if arg.to_string_lossy().starts_with('-') {
                return Err(format!("no such option: {}", arg.to_string_lossy()));
            } else if file.replace(PathBuf::from(arg)).is_some() {
                return Err("more than one file".into());
            }
        }
        Ok(Self { file: file.ok_or("no file")?, find })
    }

    /// Prints the requested objects.
    pub(crate) fn print(&self, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
        let printed = File::open(&self.file).map_err(Into::into);
        let printed = printed.and_then(|file| Index { file, find: self.find.as_deref() }.print(out));
        printed.map_err(|error| format!("{}: {error}", self.file.display()).into())
    }
}

/// An object in an index of version 1.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, packed)]
struct Entry<const N: usize> {
    offset: Be<u32>,
    id: [u8; N],
}

struct Index<'a> {
    file: File,
    find: Option<&'a [u8]>,
}

impl Index<'_> {
    /// Maps elements of the file; `what` names them in errors.
    fn map<T: Pod>(&self, what: &str, offset: u64, count: u64) -> Result<SharedArray<T>, Box<dyn Error>> {
        let options = MmapArray::options().offset(offset).shape(usize::try_from(count)?);
        options.open_shared(&self.file).map_err(|error| format!("{what}: {error}").into())
    }

    fn print(&self, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
        let [magic, version] = self.map::<[[u8; 4]; 2]>("the first bytes", 0, 1)?.at(0)?;
        // Version 1 begins with the first table, in which no number of objects is as large as this.
        let version = if magic == [0xff, b't', b'O', b'c'] { Be::from_bytes(version).get() } else { 1 };
        let start = match version {
            1 => 0,
            2 => 8,
            _ => return Err(format!("an index of version {version}; only versions 1 and 2 are supported").into()),
        };
        let first_bytes = self.map::<Be<u32>>("the number of objects by first byte", start, 256)?.load()?;
        if !first_bytes.is_sorted() {
            return Err("not the index of a pack: the numbers of objects by first byte do not ascend".into());
        }
        let (count, objects) = (first_bytes[255].get().into(), start + 4 * 256);
        // After the objects are the checksums of the pack and of the index, which are as long as the ids.
        let (len, fixed) = (self.file.metadata()?.len(), |id: u64, entry: u64| objects + count * entry + 2 * id);
        // The rest, if it can be offsets of 64 bits. In no file can it be for both lengths of ids.
        let rest = |id: u64| len.checked_sub(fixed(id, id + 8)).filter(|rest| rest % 8 == 0 && rest / 8 <= count);
        match (version, rest(20), rest(32)) {
            (1, ..) if len == fixed(20, 24) => self.print_1::<20>(&first_bytes, objects, count, out),
            (1, ..) if len == fixed(32, 36) => self.print_1::<32>(&first_bytes, objects, count, out),
            (2, Some(rest), _) => self.print_2::<20>(&first_bytes, objects, count, rest / 8, out),
            (2, _, Some(rest)) => self.print_2::<32>(&first_bytes, objects, count, rest / 8, out),
            _ => Err(format!("no index of version {version} with {count} objects has a length of {len} bytes").into()),
        }
    }

    /// Prints an index of version 1: one table of records.
    fn print_1<const N: usize>(
        &self,
        first_bytes: &[Be<u32>],
        start: u64,
        count: u64,
        out: &mut impl Write,
    ) -> Result<(), Box<dyn Error>> {
        let entries = self.map::<Entry<N>>("the objects", start, count)?;
        let found = entries.try_read(|entries| self.find(first_bytes, &entries.project(field!(Entry<N>, id))))?;
        for block in entries.into_rows(found).chunks(BLOCK) {
            for &Entry { offset, id } in block?.iter() {
                writeln!(out, "{offset} {}", hex(&id))?;
            }
        }
        Ok(())
    }

    /// Prints an index of version 2: one table after another.
    fn print_2<const N: usize>(
        &self,
        first_bytes: &[Be<u32>],
        start: u64,
        count: u64,
        large_count: u64,
        out: &mut impl Write,
    ) -> Result<(), Box<dyn Error>> {
        let ids = self.map::<[u8; N]>("the ids", start, count)?;
        let start = start + N as u64 * count;
        let checksums = self.map::<Be<u32>>("the checksums", start, count)?;
        let offsets = self.map::<Be<u32>>("the offsets", start + 4 * count, count)?;
        let large = self.map::<Be<u64>>("the offsets of 64 bits", start + 8 * count, large_count)?;
        let found = ids.try_read(|ids| self.find(first_bytes, &ids))?;
        // All offsets are checked before anything is printed.
        shared::read((&offsets, &large), |(offsets, large)| {
            found.clone().try_for_each(|index| offset(&offsets, &large, index).map(drop))
        })??;
        for start in found.clone().step_by(BLOCK) {
            let block = start..found.end.min(start + BLOCK);
            let lines = shared::read((&ids, &checksums, &offsets, &large), |(ids, checksums, offsets, large)| {
                let mut lines = Vec::new();
                for index in block {
                    let (offset, id) = (offset(&offsets, &large, index)?, hex(&ids.at(index)));
                    writeln!(lines, "{offset} {id} ({:08x})", checksums.at(index))?;
                }
                Ok::<_, Box<dyn Error>>(lines)
            })??;
            out.write_all(&lines)?;
        }
        Ok(())
    }

    /// Returns the range of the requested objects: all, or those whose ids begin with the digits.
    fn find<const N: usize>(
        &self,
        first_bytes: &[Be<u32>],
        ids: &ArrayView<'_, [u8; N], Shared>,
    ) -> Result<Range<usize>, Box<dyn Error>> {
        let Some(digits) = self.find else { return Ok(0..ids.len()) };
        let (mut lowest, mut highest) = ([0; N], [0xff; N]);
        for (index, digit) in digits.iter().enumerate() {
            let shift = if index % 2 == 0 { 4 } else { 0 };
            let too_many = || format!("--find has {} digits, but an id has only {}", digits.len(), 2 * N);
            let (low, high) = lowest.get_mut(index / 2).zip(highest.get_mut(index / 2)).ok_or_else(too_many)?;
            *low |= digit << shift;
            *high ^= (digit ^ 0xf) << shift;
        }
        let up_to = |byte: u8| first_bytes[usize::from(byte)].get() as usize;
        let (start, end) = (lowest[0].checked_sub(1).map_or(0, up_to), up_to(highest[0]));
        let start = start + partition_point(ids.rows(start..end), |id| id < lowest);
        let end = start + partition_point(ids.rows(start..end), |id| id <= highest);
        if start == end {
            let digits = digits.iter().filter_map(|&digit| char::from_digit(digit.into(), 16)).collect::<String>();
            return Err(format!("no object has an id that begins with {digits}").into());
        }
        Ok(start..end)
    }
}

/// Returns the offset of an object in the pack.
fn offset(
    offsets: &ArrayView<'_, Be<u32>, Shared>,
    large: &ArrayView<'_, Be<u64>, Shared>,
    index: usize,
) -> Result<u64, Box<dyn Error>> {
    let offset = offsets.at(index).get();
    // If the highest bit is set, the others are an index of an offset of 64 bits.
    if offset >> 31 == 0 {
        return Ok(offset.into());
    }
    let place = offset & (u32::MAX >> 1);
    let found = large.get(place as usize).map(Be::get);
    let text = || format!("object {index} refers to the offset {place} of 64 bits, but there are only {}", large.len());
    found.ok_or_else(|| text().into())
}

/// Returns the number of leading elements for which `first` is true, like [`slice::partition_point`].
fn partition_point<T: Pod>(view: ArrayView<T, Shared>, first: impl Fn(T) -> bool) -> usize {
    let (mut start, mut end) = (0, view.len());
    while start < end {
        let middle = start + (end - start) / 2;
        if first(view.at(middle)) { start = middle + 1 } else { end = middle }
    }
    start
}

fn hex(id: &[u8]) -> String {
    let digits = id.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}
