//! What this crate is for: small portions of files of any size, at any byte, as typed arrays, without reading the rest.
//!
//! ```text
//! cargo run --release --example portion
//! cargo run --release --example portion FILE --offset 54 --dtype f4 --shape 480,640
//! ```
//!
//! Without arguments it makes a file of 2^31 records of 32 bytes, 64 GiB that take next to nothing on disk, in a folder
//! of its own in the temporary one. It writes a few windows far apart, each through a map of its own, maps them again to
//! read them by field, and says what that cost. The file is gone at the end, also after an error.
//!
//! With a file it prints a portion of it exactly as `print(np.memmap(FILE, DTYPE, "r", OFFSET, SHAPE))` would, with
//! `[FIELD]` behind it where a field is asked for, and -1 in the shape being what it is to `reshape`; how long the opening
//! took goes to standard error. If it is cut meanwhile, that is an error.
#![forbid(unsafe_code)]

use bytemuck::{Pod, Zeroable};
use mmap_array::{DType, DynArray, ErrorKind, MmapArray, Order, field};
use std::error::Error;
use std::ffi::OsString;
use std::fmt::Display;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

const USAGE: &str = "\
usage: portion                      the demonstration, on a file of 64 GiB that takes next to nothing on disk
       portion FILE [OPTION]...     a portion of a file, as NumPy prints it
  --offset BYTES    where the first element lies, at any byte (0)
  --dtype DTYPE     what NumPy calls it: f4, >i2, <M8[s], S8, or fields: \"[('id', '<u4'), ('pos', '>f4', (3,))]\" (u1)
  --field PATH      one field of the records: pos, or pos.x of records in records
  --shape N[,N]...  the number of elements along each axis, -1 for one that follows from the file (-1)
  --order C|F       row by row or column by column (C)";

/// How many records the demonstration's file has. On Windows files are not sparse unless asked to be by a call that the
/// standard library does not make: 64 GiB would be written.
const COUNT: u64 = if cfg!(windows) { 1 << 20 } else { 1 << 31 };

/// How many records there are in a window of the demonstration.
const WINDOW: u64 = 1000;

fn main() -> ExitCode {
    match run(std::env::args_os().skip(1), &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if failure.status == 0 => {
            println!("{}", failure.text);
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("portion: {}", failure.text);
            ExitCode::from(failure.status)
        }
    }
}

/// An error as the shell sees it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: u8,
    pub(crate) text: String,
}

impl Failure {
    fn new(text: impl Into<String>) -> Self {
        Self { status: 1, text: text.into() }
    }

    fn usage(text: impl Display) -> Self {
        Self { status: 2, text: format!("{text}\n{USAGE}") }
    }
}

impl<E: Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(error.to_string())
    }
}

/// The whole program but for its exit status.
pub(crate) fn run(args: impl IntoIterator<Item = OsString>, out: &mut impl Write) -> Result<(), Failure> {
    let mut args = args.into_iter().peekable();
    match args.peek() {
        None => demonstrate(COUNT, &std::env::temp_dir(), out),
        Some(_) => Request::parse(args)?.print(out),
    }
}

/// What is asked for of the user's own file.
struct Request {
    file: PathBuf,
    offset: u64,
    dtype: String,
    field: Option<String>,
    shape: Option<Vec<Option<usize>>>,
    order: Order,
}

impl Request {
    fn parse(mut args: impl Iterator<Item = OsString>) -> Result<Self, Failure> {
        let (mut file, mut offset, mut dtype, mut field) = (None, 0, String::from("u1"), None);
        let (mut shape, mut order) = (None, Order::C);
        while let Some(arg) = args.next() {
            let Some(option) = arg.to_str().filter(|text| text.starts_with('-')) else {
                if file.replace(PathBuf::from(arg)).is_some() {
                    return Err(Failure::usage("more than one file"));
                }
                continue;
            };
            let value = args.next().and_then(|value| value.into_string().ok()).unwrap_or_default();
            let wrong = || Failure::usage(format!("{option} cannot be {value:?}"));
            match option {
                "--offset" => offset = value.parse().map_err(|_| wrong())?,
                "--dtype" => dtype = value,
                "--field" => field = Some(value),
                "--shape" => shape = Some(value.split(',').map(axis).collect::<Option<_>>().ok_or_else(wrong)?),
                "--order" if value == "C" => order = Order::C,
                "--order" if value == "F" => order = Order::F,
                "--order" => return Err(wrong()),
                "--help" | "-h" => return Err(Failure { status: 0, text: USAGE.into() }),
                _ => return Err(Failure::usage(format!("no such option: {option}"))),
            }
        }
        let file = file.ok_or_else(|| Failure::usage("no file"))?;
        Ok(Self { file, offset, dtype, field, shape, order })
    }

    fn print(&self, out: &mut impl Write) -> Result<(), Failure> {
        let dtype: DType = (self.dtype.parse())
            .map_err(|error| Failure::usage(format!("--dtype cannot be {:?}: {error}", self.dtype)))?;
        let mut options = DynArray::options(dtype).offset(self.offset).order(self.order);
        if let Some(shape) = &self.shape {
            options = options.shape(shape.as_slice());
        }
        let (opened, took) = timed(|| options.open_shared(&self.file));
        let text = opened?.try_read(|view| match &self.field {
            Some(path) => view.field(path).map(|field| field.to_string()),
            None => Ok(view.to_string()),
        })?;
        writeln!(out, "{text}")?;
        eprintln!("portion: opened in {took:.1?}");
        Ok(())
    }
}

/// One axis of a shape as NumPy writes it: -1 is an axis without a length yet.
fn axis(text: &str) -> Option<Option<usize>> {
    if text == "-1" { Some(None) } else { text.parse().ok().map(Some) }
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
    /// What the demonstration writes at an index.
    fn number(index: u64) -> Self {
        let position = Position { x: (index % 5000) as f32 / 10.0, y: (index % 70) as f32, z: -1.5 };
        Self { time: 250 * index, position, intensity: 0.5, id: index as u32, class: 2 }
    }
}

/// Makes a file of `count` records in the folder, some thousands at least, and shows what portions of it cost.
pub(crate) fn demonstrate(count: u64, folder: &Path, out: &mut impl Write) -> Result<(), Failure> {
    // Goes with the file in it when this function ends, however it ends.
    let folder = tempfile::Builder::new().prefix("portion-").tempdir_in(folder)?;
    let path = folder.path().join("points");
    let length = count * size_of::<Point>() as u64;
    let resident_before = resident();

    let (created, took) = timed(|| create(&path, count));
    let how = created.map_err(|error| {
        let what = format!("a file of {}, for which TMPDIR can name another folder, could not be made", amount(length));
        Failure::new(format!("{what}: {}", error.text))
    })?;
    writeln!(out, "{count} records of {} bytes in {}", size_of::<Point>(), path.display())?;
    writeln!(out, "made in {took:.1?} as {how}\n")?;

    let written = [1, count / 3, count - WINDOW];
    writeln!(out, "{WINDOW} records written through a map each")?;
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

    writeln!(out, "\n{WINDOW} records read through a map each, the third where nothing was written")?;
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
            return Err(Failure::new(format!("what was read at byte {offset} is not what was written")));
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
    writeln!(out, "x from the second: {x}\n")?;

    let (whole, took) = timed(|| MmapArray::<Point>::options().open_shared(&path));
    let whole_says = match &whole {
        Ok(whole) => format!("opened in {took:.1?}, its last id is {}", whole.at(whole.len() - 1)?.id),
        Err(error) if exceeds_address_space(error) => "larger than the address space that this program has".into(),
        Err(error) => return Err(Failure::new(error.to_string())),
    };
    let unknown = || "not known here".into();
    let metadata = fs::metadata(&path)?;
    writeln!(out, "the file as one array   {whole_says}")?;
    writeln!(out, "the file's length       {} bytes, {}", metadata.len(), amount(metadata.len()))?;
    writeln!(out, "its blocks on disk      {}", on_disk(&metadata).map_or_else(unknown, amount))?;
    let memory = resident_before.zip(resident());
    let memory = memory.map(|(before, now)| format!("{}, before the first map {}", amount(now), amount(before)));
    writeln!(out, "resident memory         {}", memory.unwrap_or_else(unknown))?;

    drop((windows, whole));
    folder.close()?;
    writeln!(out, "The file is removed.")?;
    Ok(())
}

/// Whether a file as a whole is more than there are addresses for: on a machine of 32 bits, or under a limit.
fn exceeds_address_space(error: &mmap_array::Error) -> bool {
    let refused = error.io_error().is_some_and(|error| error.kind() == io::ErrorKind::OutOfMemory);
    error.kind() == ErrorKind::Overflow || refused
}

/// Creates a file of zeros, and says how: as one array, or where that is more than the address space, as its last
/// window, with which the file ends too.
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
    // Nobody has seen the file before it has its name.
    array.persist(path)?;
    Ok(how)
}

/// The bytes of the file's blocks on the disk, where the platform says.
#[cfg(unix)]
fn on_disk(metadata: &fs::Metadata) -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    Some(metadata.blocks() * 512)
}

#[cfg(not(unix))]
fn on_disk(_: &fs::Metadata) -> Option<u64> {
    None
}

/// The bytes of memory that this process has, where the platform says: Linux does.
fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

/// A number of bytes, in the largest unit of which there is one.
fn amount(bytes: u64) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let unit = bytes.checked_ilog2().unwrap_or(0) / 10;
    let value = bytes as f64 / (1_u64 << (10 * unit)) as f64;
    format!("{} {}", (10.0 * value).round() / 10.0, units[unit as usize])
}
