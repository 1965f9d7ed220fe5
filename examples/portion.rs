//! Maps small portions of files of any size, at any byte, as typed arrays, without reading the rest.
//!
//! ```text
//! cargo run --release --example portion
//! ```
//!
//! The program creates a file of 2^31 records of 32 bytes in a new temporary folder: 64 GiB that take almost no disk
//! space. It writes a few windows far apart, each through a separate map, maps them again to read them by field, and
//! prints the time and memory that this took. The file is deleted at the end, even after an error.
#![forbid(unsafe_code)]

use bytemuck::{Pod, Zeroable};
use mmap_array::{ErrorKind, MmapArray, field};
use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// The number of records in the file of the demonstration. It is smaller on Windows, where files are sparse only after
/// a call that the standard library does not make, so that 64 GiB would be written.
const COUNT: u64 = if cfg!(windows) { 1 << 20 } else { 1 << 31 };

/// The number of records in a window of the demonstration.
const WINDOW: u64 = 1000;

fn main() -> ExitCode {
    match demonstrate(COUNT, &std::env::temp_dir(), &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("portion: {}", failure.text);
            ExitCode::FAILURE
        }
    }
}

/// An error: the exit status of the program, and a text.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) text: String,
}

impl Failure {
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }
}

impl<E: Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(error.to_string())
    }
}

fn timed<R>(f: impl FnOnce() -> R) -> (R, Duration) {
    let start = Instant::now();
    let result = f();
    (result, start.elapsed())
}

/// One return of a laser scanner.
#[derive(Clone, Copy, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Point {
    time: u64,
    position: Position,
    intensity: f32,
    id: u32,
    class: u32,
}

#[derive(Clone, Copy, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Position {
    x: f32,
    y: f32,
    z: f32,
}

impl Point {
    /// Returns the point that the demonstration writes at an index.
    fn number(index: u64) -> Self {
        let position = Position { x: (index % 5000) as f32 / 10.0, y: (index % 70) as f32, z: -1.5 };
        Self { time: 250 * index, position, intensity: 0.5, id: index as u32, class: 2 }
    }
}

/// Creates a file of `count` records in the folder, some thousands at least, and prints what accessing portions costs.
pub(crate) fn demonstrate(count: u64, folder: &Path, out: &mut impl Write) -> Result<(), Failure> {
    // Deleted with the file in it when this function returns, even with an error.
    let folder = tempfile::Builder::new().prefix("portion-").tempdir_in(folder)?;
    let path = folder.path().join("points");
    let length = count * size_of::<Point>() as u64;
    let resident_before = resident();

    let (created, took) = timed(|| create(&path, count));
    let how = created.map_err(|error| {
        let what = format!("cannot create a file of {} (TMPDIR can name another folder)", amount(length));
        Failure::new(format!("{what}: {}", error.text))
    })?;
    writeln!(out, "{count} records of {} bytes in {}", size_of::<Point>(), path.display())?;
    writeln!(out, "created in {took:.1?} as {how}\n")?;

    let written = [1, count / 3, count - WINDOW];
    writeln!(out, "{WINDOW} records written through each of these maps")?;
    writeln!(out, "{:>14} {:>11}", "at byte", "opened in")?;
    for start in written {
        let offset = start * size_of::<Point>() as u64;
        let options = MmapArray::options().offset(offset).shape(WINDOW as usize);
        let (opened, took) = timed(|| options.open_shared_mut(&path));
        let window = opened?;
        window.write(|points| {
            for (place, index) in (start..start + WINDOW).enumerate() {
                points.set(place, Point::number(index));
            }
        })?;
        window.flush()?;
        writeln!(out, "{offset:>14} {took:>11.1?}")?;
    }

    writeln!(out, "\n{WINDOW} records read through each of these maps; nothing was written at the third")?;
    let titles = ["at byte", "mod 4096", "opened in", "ids from", "to", "mean x", "last time"];
    let [at, past, took, from, to, mean, time] = titles;
    writeln!(out, "{at:>14} {past:>9} {took:>11} {from:>11} {to:>11} {mean:>9} {time:>13}")?;
    let mut windows = Vec::new();
    for start in [written[0], written[1], count / 2 + 1, written[2]] {
        let offset = start * size_of::<Point>() as u64;
        let options = MmapArray::<Point>::options().offset(offset).shape(WINDOW as usize);
        let (opened, took) = timed(|| options.open_shared(&path));
        let window = opened?;
        let expected = |index| if written.contains(&start) { Point::number(index) } else { Point::zeroed() };
        if !window.read(|points| points.iter().zip(start..).all(|(point, index)| point == expected(index)))? {
            return Err(Failure::new(format!("the records read at byte {offset} differ from those written")));
        }
        let ((from, to), mean, time) = window.read(|points| {
            let ids = points.project(field!(Point, id));
            let mean = points.project(field!(Point, position.x)).mean();
            let time = points.project(field!(Point, time)).max();
            (ids.min().zip(ids.max()).unwrap_or_default(), mean.unwrap_or_default(), time.unwrap_or_default())
        })?;
        let past = offset % 4096;
        writeln!(out, "{offset:>14} {past:>9} {took:>11.1?} {from:>11} {to:>11} {mean:>9.2} {time:>13}")?;
        windows.push(window);
    }
    let x = windows[1].read(|points| points.project(field!(Point, position.x)).rows(..8).to_string())?;
    writeln!(out, "x in the second: {x}\n")?;

    let (whole, took) = timed(|| MmapArray::<Point>::options().open_shared(&path));
    let whole_says = match &whole {
        Ok(whole) => format!("opened in {took:.1?}, its last id is {}", whole.at(whole.len() - 1)?.id),
        Err(error) if exceeds_address_space(error) => "larger than the address space of this program".into(),
        Err(error) => return Err(Failure::new(error.to_string())),
    };
    let unknown = || "unknown on this system".into();
    let metadata = fs::metadata(&path)?;
    writeln!(out, "the file as one array   {whole_says}")?;
    writeln!(out, "the file's length       {} bytes, {}", metadata.len(), amount(metadata.len()))?;
    writeln!(out, "its blocks on disk      {}", on_disk(&metadata).map_or_else(unknown, amount))?;
    let memory = resident_before.zip(resident());
    let memory = memory.map(|(before, now)| format!("{}, before the first map {}", amount(now), amount(before)));
    writeln!(out, "resident memory         {}", memory.unwrap_or_else(unknown))?;

    drop((windows, whole));
    folder.close()?;
    writeln!(out, "The file is deleted.")?;
    Ok(())
}

/// Returns whether a file exceeds the address space, as on a machine of 32 bits or under a limit.
fn exceeds_address_space(error: &mmap_array::Error) -> bool {
    let refused = error.io_error().is_some_and(|error| error.kind() == io::ErrorKind::OutOfMemory);
    error.kind() == ErrorKind::Overflow || refused
}

/// Creates a file of zeros and returns a description of how: as one array, or, if that exceeds the address space, as
/// the last window of the file.
fn create(path: &Path, count: u64) -> Result<&'static str, Failure> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let whole = MmapArray::<Point>::create_options(usize::try_from(count)?);
    let (array, how) = match whole.scratch_in(folder) {
        Err(error) if exceeds_address_space(&error) => {
            let before = (count - WINDOW) * size_of::<Point>() as u64;
            let last = MmapArray::<Point>::create_options(WINDOW as usize).offset(before);
            (last.scratch_in(folder)?, "the last window of an array larger than the address space")
        }
        array => (array?, "one array"),
    };
    // The file is inaccessible to others until it has its name.
    array.persist(path)?;
    Ok(how)
}

/// Returns the number of bytes in the file's disk blocks, if the platform reports it.
#[cfg(unix)]
fn on_disk(metadata: &fs::Metadata) -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    Some(metadata.blocks() * 512)
}

#[cfg(not(unix))]
fn on_disk(_: &fs::Metadata) -> Option<u64> {
    None
}

/// Returns the resident memory of this process in bytes, if the platform reports it as Linux does.
fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

/// Formats a number of bytes in the largest unit that does not exceed it.
fn amount(bytes: u64) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let unit = bytes.checked_ilog2().unwrap_or(0) / 10;
    let value = bytes as f64 / (1_u64 << (10 * unit)) as f64;
    format!("{} {}", (10.0 * value).round() / 10.0, units[unit as usize])
}
