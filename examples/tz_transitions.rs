//! Prints when the clocks of a time zone change, from unaligned big-endian numbers in a file.
//!
//! ```text
//! cargo run --release --example tz_transitions
//! cargo run --release --example tz_transitions Europe/Berlin
//! cargo run --release --example tz_transitions FILE 1940..1950
//! ```
//!
//! Without a name, it prints the zone of the machine. A zoneinfo file (TZif, RFC 9636) consists of a few tables one
//! after another, whose lengths are in its header: big-endian times of 64 bits, for each of them a byte that identifies
//! the kind of time that begins, the kinds as packed records, and names. Nothing in it is aligned. The tables are
//! small, so each is loaded into memory as an array, a copy that later changes of the file do not affect.
//!
//! The file may contain anything: if it is damaged, the program returns an error that describes the problem.
#![forbid(unsafe_code)]

use bytemuck::{Pod, Zeroable};
use mmap_array::element::unit::{Second, Year};
use mmap_array::{
    Be, MmapArray, MmapArrayMut,
    element::{Bool, Bytes, DateTime64, Scalar, TimeDelta64},
    field,
};
use std::cmp::Ordering;
use std::error::Error;
use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "\
usage: tz_transitions [FILE or ZONE [YEARS]]
  FILE, ZONE  a file, or a name such as Europe/Berlin in the folder TZDIR or the system's (the machine's zone)
  YEARS       A..B, from the beginning of year A to the beginning of year B; both are optional (all)";

/// The folders in which systems store their zones.
const FOLDERS: [&str; 4] = ["/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo"];

/// The number of bytes of the names that are read. A name begins at one of the first 256.
const NAMES: u64 = 512;

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let (zone, years) = match &args[..] {
        [zone, ..] if zone.as_encoded_bytes().starts_with(b"-") => (None, None),
        [] => (Some(PathBuf::from("/etc/localtime")), Some("..")),
        [zone] => (Some(find(zone)), Some("..")),
        [zone, years] => (Some(find(zone)), years.to_str()),
        _ => (None, None),
    };
    let Some((zone, years)) = zone.zip(years) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let Err(error) = list(&zone, years, &mut io::stdout().lock()) else { return ExitCode::SUCCESS };
    let hint = if args.is_empty() { "; name a zone or a file: tz_transitions Europe/Berlin" } else { "" };
    eprintln!("tz_transitions: {error}{hint}");
    ExitCode::FAILURE
}

/// Returns the path of the file with the name, or of the zone.
fn find(zone: &OsString) -> PathBuf {
    let own = std::env::var_os("TZDIR").map(PathBuf::from);
    let folders = own.into_iter().chain(FOLDERS.map(PathBuf::from)).map(|folder| folder.join(zone));
    [PathBuf::from(zone)].into_iter().chain(folders).find(|path| path.is_file()).unwrap_or_else(|| zone.into())
}

type Time = DateTime64<Second>;

/// The header of a file, or of its second part. The tables, whose lengths it contains, follow it.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Header {
    magic: Bytes<4>,
    version: u8,
    reserved: [u8; 15],
    ut_flags: Be<u32>,
    standard_flags: Be<u32>,
    leaps: Be<u32>,
    times: Be<u32>,
    kinds: Be<u32>,
    names: Be<u32>,
}

/// A kind of time: its offset from UTC in seconds, whether it is daylight saving time, and the index of its name's
/// first byte.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Kind {
    offset: Be<i32>,
    dst: Bool,
    name: u8,
}

/// The time from which on times exceed UTC by a number of leap seconds.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, packed)]
struct Leap<T> {
    time: T,
    correction: Be<i32>,
}

/// A time in the file: of 32 bits in the first part, of 64 bits in the second.
trait Stamp: Scalar + PartialOrd {
    fn time(self) -> Time;
}

impl Stamp for i32 {
    fn time(self) -> Time {
        Time::new(self.into())
    }
}

impl Stamp for Time {
    fn time(self) -> Time {
        self
    }
}

/// Prints the transitions of a zone in a range of years.
pub(crate) fn list(path: &Path, years: &str, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let zone = Zone { path };
    let (from, to) = years.split_once("..").ok_or_else(|| format!("expected years as A..B, found {years:?}"))?;
    let (from, to) = (year(from)?, year(to)?);
    let header = zone.header(0)?;
    if header.version == 0 {
        return zone.list::<i32>(0, &header, from, to, out);
    }
    // The first part, which may be empty, has times of 32 bits, for programs that do not read the second.
    let second = HEADER + zone.tables::<i32>(&header).iter().sum::<u64>();
    let (version, header) = (header.version, zone.header(second)?);
    if header.version != version {
        return Err(zone.error(format!("the header at byte {second} has another version than the header at byte 0")));
    }
    zone.list::<Time>(second, &header, from, to, out)
}

/// Returns the beginning of a year, or `None` if the text is empty.
fn year(text: &str) -> Result<Option<Time>, Box<dyn Error>> {
    if text.is_empty() {
        return Ok(None);
    }
    let year: DateTime64<Year> = text.parse()?;
    let time = year.to_unit::<Second, 1>();
    if time.is_nat() { Err(format!("the year {text} exceeds 64 bits of seconds").into()) } else { Ok(Some(time)) }
}

const HEADER: u64 = size_of::<Header>() as u64;

struct Zone<'a> {
    path: &'a Path,
}

impl Zone<'_> {
    fn error(&self, text: impl AsRef<str>) -> Box<dyn Error> {
        format!("{}: {}", self.path.display(), text.as_ref()).into()
    }

    /// Loads `len` elements of the file, or all up to its end; `what` names them in errors.
    fn load<T: Pod>(
        &self,
        what: &str,
        offset: u64,
        len: impl Into<Option<u64>>,
    ) -> Result<MmapArrayMut<T>, Box<dyn Error>> {
        let mut options = MmapArray::options().offset(offset);
        if let Some(len) = len.into() {
            options = options.shape(usize::try_from(len).map_err(|_| self.error(format!("{what}: too many, {len}")))?);
        }
        options.load(self.path).map_err(|error| format!("{what}: {error}").into())
    }

    fn header(&self, offset: u64) -> Result<Header, Box<dyn Error>> {
        let header = self.load::<Header>("the header", offset, 1)?[0];
        let (magic, version) = (header.magic, header.version);
        if magic != "TZif" {
            return Err(self.error(format!("expected TZif at byte {offset}, found {magic:?}: not a zoneinfo file")));
        }
        if ![0, b'2', b'3', b'4'].contains(&version) {
            return Err(
                self.error(format!("the version at byte {} is {version:#x}; expected 0 or 0x32 to 0x34", offset + 4))
            );
        }
        Ok(header)
    }

    /// Returns the lengths in bytes of the tables after a header, each below 2^36: times, the kinds that begin at them,
    /// kinds, names, leap seconds, and two tables of flags.
    fn tables<T: Stamp>(&self, header: &Header) -> [u64; 7] {
        let (time, kind, leap) = (size_of::<Be<T>>(), size_of::<Kind>(), size_of::<Leap<Be<T>>>());
        let Header { times, kinds, names, leaps, standard_flags, ut_flags, .. } = *header;
        [(times, time), (times, 1), (kinds, kind), (names, 1), (leaps, leap), (standard_flags, 1), (ut_flags, 1)]
            .map(|(count, size)| u64::from(count.get()) * size as u64)
    }

    fn list<T: Stamp>(
        &self,
        start: u64,
        header: &Header,
        from: Option<Time>,
        to: Option<Time>,
        out: &mut impl Write,
    ) -> Result<(), Box<dyn Error>> {
        let mut end = start + HEADER;
        let offsets = self.tables::<T>(header).map(|len| {
            end += len;
            end - len
        });
        let [times_at, begins_at, kinds_at, names_at, leaps_at, ..] = offsets;
        let times = self.load::<Be<T>>("the times", times_at, u64::from(header.times.get()))?;
        let begins = self.load::<u8>("the kinds that begin", begins_at, u64::from(header.times.get()))?;
        let kinds = self.load::<Kind>("the kinds of time", kinds_at, u64::from(header.kinds.get()))?;
        let names = self.load::<u8>("the names", names_at, u64::from(header.names.get()).min(NAMES))?;
        let leaps = self.load::<Leap<Be<T>>>("the leap seconds", leaps_at, u64::from(header.leaps.get()))?;
        // Files of all versions except the first end with a rule for later times, between two line feeds.
        let rule = if header.version == 0 { None } else { Some(self.load::<u8>("the rule at the end", end, None)?) };
        let rule =
            match rule.as_ref().map(|bytes| bytes.splitn(3, |byte| *byte == b'\n').collect::<Vec<_>>()).as_deref() {
                None => None,
                Some([[], rule, _]) => Some(*rule),
                Some(_) => {
                    return Err(self.error(format!("expected a line feed, a rule and a line feed at byte {end}")));
                }
            };

        let wrong = begins.iter().position(|kind| usize::from(*kind) >= kinds.len());
        if let Some(index) = wrong {
            let (kind, at, kinds) = (begins[index], begins_at + index as u64, kinds.len());
            return Err(self.error(format!("byte {at} refers to kind of time {kind}, but there are only {kinds}")));
        }
        // Every name must be terminated by a zero.
        let zero = names.iter().rposition(|byte| *byte == 0);
        let last = kinds.project(field!(Kind, name)).max().map(usize::from);
        if last.is_none() {
            return Err(self.error("has no kind of time"));
        }
        if last > zero {
            let found = format!("a name without a final zero in {} bytes from byte {names_at} on", names.len());
            return Err(self.error(format!("a kind of time has {found}")));
        }
        if let Some(index) = times.windows(2).position(|pair| pair[0].partial_cmp(&pair[1]) != Some(Ordering::Less)) {
            let at = times_at + (index as u64 + 1) * size_of::<T>() as u64;
            return Err(self.error(format!("the time at byte {at} is not after the one before it")));
        }

        let utc = |time: Be<T>| {
            let time = time.get().time();
            let leap = leaps.partition_point(|leap| leap.time.get().time() <= time).checked_sub(1);
            time - TimeDelta64::new(leap.map_or(0, |leap| leaps[leap].correction.get().into()))
        };
        let position = |year: Time| times.partition_point(|time| utc(*time) < year);
        let first = from.map_or(0, position);
        let behind = to.map_or(times.len(), position).max(first);

        let version = if header.version == 0 { '1' } else { header.version.into() };
        let (count, bits) = (times.len(), 8 * size_of::<T>());
        write!(out, "{}: TZif of version {version}, {count} times of {bits} bits from byte ", self.path.display())?;
        writeln!(out, "{times_at} on, {} kinds, {} leap seconds", kinds.len(), leaps.len())?;
        writeln!(out, "\n{:<20}  {:<9}  {:<3}  Name", "From (UTC)", "Offset", "DST")?;
        let mut row = |time: &dyn Display, kind: u8| {
            let Kind { offset, dst, name } = kinds[usize::from(kind)];
            let name = names[usize::from(name)..].split(|byte| *byte == 0).next().unwrap_or_default();
            let (offset, dst) = (hours(offset.get()), if dst.get() { "dst" } else { "std" });
            writeln!(out, "{time:<20}  {offset:<9}  {dst}  {}", name.escape_ascii())
        };
        // The kind of time before the range; before the first time it is the first kind.
        row(&"", first.checked_sub(1).map_or(0, |before| begins[before]))?;
        for (time, kind) in times[first..behind].iter().zip(&begins[first..behind]) {
            row(&utc(*time), *kind)?;
        }
        if let Some(rule) = rule.filter(|rule| !rule.is_empty()) {
            writeln!(out, "\nthen {}", rule.escape_ascii())?;
        }
        Ok(())
    }
}

/// Formats an offset in seconds as +HH:MM:SS.
fn hours(offset: i32) -> String {
    let (sign, seconds) = (if offset < 0 { '-' } else { '+' }, offset.unsigned_abs());
    format!("{sign}{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
