//! Where git keeps its objects: the index of a pack, as the tables that it consists of.
//!
//! ```text
//! cargo run --release --example git_index .git/objects/pack/pack-….idx
//! cargo run --release --example git_index .git/objects/pack/pack-….idx --find 0c3f
//! ```
//!
//! An index is big-endian tables one after another: how many objects have a first byte up to each of 256, then for each
//! object, sorted, its id, its checksum and its offset in the pack, and offsets of 64 bits where 31 are too few. Each is a
//! window of the one file with elements of its own. In the older version, 1, offsets and ids are records, and the same code
//! reads fields of these. Ids have 20 bytes, or 32 in repositories of SHA-256, by the length of the file.
//!
//! All objects are listed as `git show-index` lists them. To find those whose ids begin with some digits, the first table
//! and a binary search touch a few pages of the file, however large. Nobody may write or truncate it meanwhile.

use bytemuck::{Pod, Zeroable};
use mmap_array::{ArrayView, Be, MmapArray, field};
use std::error::Error;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

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

/// Which objects of which index.
pub(crate) struct Request {
    file: PathBuf,
    /// The digits that the ids begin with, each less than 16.
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

    /// Prints the objects that were asked for.
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
    /// Maps elements of the file.
    fn map<T: Pod>(&self, what: &str, offset: u64, count: u64) -> Result<MmapArray<T>, Box<dyn Error>> {
        let options = MmapArray::options().offset(offset).shape(usize::try_from(count)?);
        // SAFETY: whoever names a file to this program keeps it from being written or truncated, says the head comment.
        unsafe { options.open(&self.file) }.map_err(|error| format!("{what}: {error}").into())
    }

    fn print(&self, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
        let [magic, version] = self.map::<[[u8; 4]; 2]>("the first bytes", 0, 1)?[0];
        // The first version begins with the first table: no number of objects is as large as this.
        let version = if magic == [0xff, b't', b'O', b'c'] { Be::from_bytes(version).get() } else { 1 };
        let start = match version {
            1 => 0,
            2 => 8,
            _ => return Err(format!("an index of version {version}; only 1 and 2 are known").into()),
        };
        let first_bytes = self.map::<Be<u32>>("the number of objects by first byte", start, 256)?;
        if !first_bytes.is_sorted() {
            return Err("no index of a pack: its numbers of objects by first byte do not ascend".into());
        }
        let (count, objects) = (first_bytes[255].get().into(), start + 4 * 256);
        // Behind the objects are the checksums of the pack and of the index, as long as the ids.
        let (len, fixed) = (self.file.metadata()?.len(), |id: u64, entry: u64| objects + count * entry + 2 * id);
        // Whether the rest can be offsets of 64 bits. A file where it can for ids of both lengths there is not.
        let rest = |id: u64| len.checked_sub(fixed(id, id + 8)).filter(|rest| rest % 8 == 0 && rest / 8 <= count);
        match (version, rest(20), rest(32)) {
            (1, ..) if len == fixed(20, 24) => self.print_1::<20>(&first_bytes, objects, count, out),
            (1, ..) if len == fixed(32, 36) => self.print_1::<32>(&first_bytes, objects, count, out),
            (2, Some(rest), _) => self.print_2::<20>(&first_bytes, objects, count, rest / 8, out),
            (2, _, Some(rest)) => self.print_2::<32>(&first_bytes, objects, count, rest / 8, out),
            _ => Err(format!("no index of version {version} with {count} objects has {len} bytes").into()),
        }
    }

    /// Version 1: a table of records.
    fn print_1<const N: usize>(
        &self,
        first_bytes: &[Be<u32>],
        start: u64,
        count: u64,
        out: &mut impl Write,
    ) -> Result<(), Box<dyn Error>> {
        let entries = self.map::<Entry<N>>("the objects", start, count)?;
        let (ids, offsets) = (entries.project(field!(Entry<N>, id)), entries.project(field!(Entry<N>, offset)));
        self.print_objects(&Objects { first_bytes, ids, offsets, large: None, checksums: None }, out)
    }

    /// Version 2: one table after another.
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
        let (ids, offsets) = (ids.view(), offsets.view());
        let (large, checksums) = (Some(large.view()), Some(checksums.view()));
        self.print_objects(&Objects { first_bytes, ids, offsets, large, checksums }, out)
    }

    fn print_objects<const N: usize>(
        &self,
        objects: &Objects<'_, N>,
        out: &mut impl Write,
    ) -> Result<(), Box<dyn Error>> {
        let range = match self.find {
            None => 0..objects.ids.len(),
            Some(digits) => objects.find(digits)?,
        };
        // Nothing is printed of a broken index.
        range.clone().try_for_each(|index| objects.offset(index).map(drop))?;
        for index in range {
            let (offset, id) = (objects.offset(index)?, hex(&objects.ids.at(index)));
            match &objects.checksums {
                Some(checksums) => writeln!(out, "{offset} {id} ({:08x})", checksums.at(index))?,
                None => writeln!(out, "{offset} {id}")?,
            }
        }
        Ok(())
    }
}

/// The tables of an index, whichever way they lie in the file.
struct Objects<'a, const N: usize> {
    first_bytes: &'a [Be<u32>],
    ids: ArrayView<'a, [u8; N]>,
    offsets: ArrayView<'a, Be<u32>>,
    large: Option<ArrayView<'a, Be<u64>>>,
    checksums: Option<ArrayView<'a, Be<u32>>>,
}

impl<const N: usize> Objects<'_, N> {
    /// Where an object is in the pack.
    fn offset(&self, index: usize) -> Result<u64, Box<dyn Error>> {
        let offset = self.offsets.at(index).get();
        match &self.large {
            // The highest bit says that the others are an index.
            Some(large) if offset >> 31 == 1 => {
                let place = offset & (u32::MAX >> 1);
                let found = large.get(place as usize).map(Be::get);
                let text =
                    || format!("object {index} has offset {place} of 64 bits, of which there are {}", large.len());
                found.ok_or_else(|| text().into())
            }
            _ => Ok(offset.into()),
        }
    }

    /// The objects whose ids begin with some hexadecimal digits.
    fn find(&self, digits: &[u8]) -> Result<std::ops::Range<usize>, Box<dyn Error>> {
        let (mut lowest, mut highest) = ([0; N], [0xff; N]);
        for (index, digit) in digits.iter().enumerate() {
            let shift = if index % 2 == 0 { 4 } else { 0 };
            let too_many = || format!("{} digits are more than an id has, {}", digits.len(), 2 * N);
            let (low, high) = lowest.get_mut(index / 2).zip(highest.get_mut(index / 2)).ok_or_else(too_many)?;
            *low |= digit << shift;
            *high ^= (digit ^ 0xf) << shift;
        }
        let up_to = |byte: u8| self.first_bytes[usize::from(byte)].get() as usize;
        let (start, end) = (lowest[0].checked_sub(1).map_or(0, up_to), up_to(highest[0]));
        let start = start + partition_point(self.ids.rows(start..end), |id| id < lowest);
        let end = start + partition_point(self.ids.rows(start..end), |id| id <= highest);
        if start == end {
            let digits = digits.iter().filter_map(|&digit| char::from_digit(digit.into(), 16)).collect::<String>();
            return Err(format!("no object's id begins with {digits}").into());
        }
        Ok(start..end)
    }
}

/// How many of sorted elements come first, as [`slice::partition_point`].
fn partition_point<T: Pod>(view: ArrayView<T>, first: impl Fn(T) -> bool) -> usize {
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
