//! Fills an array of records, one random walk each, by several processes, any of which may be killed.
//!
//! ```text
//! cargo run --release --example parallel_fill
//! cargo run --release --example parallel_fill walks.npy --processes 4 --rows 10000000
//! ```
//!
//! The program creates the file and starts itself several times. Each process claims parts of the array and fills them
//! until none is left, while a progress bar shows their common progress. If some processes are killed, the others fill
//! their parts; if all are killed, the same command continues where they stopped. At the end the program computes some
//! walks again to check the file, which NumPy can open: `np.load("walks.npy", mmap_mode="r")["highest"].mean()`.
//!
//! Without a path, the file is temporary and is deleted at the end.
#![forbid(unsafe_code)]

use bytemuck::{Pod, Zeroable};
use indicatif::{ProgressBar, ProgressStyle};
use mmap_array::npy::{self, FillOptions};
use mmap_array::{Error, Record, field};
use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode};
use std::thread;
use std::time::{Duration, Instant};

const USAGE: &str = "usage: parallel_fill [PATH] [--processes N] [--rows R]";

/// The number of steps of each walk.
const STEPS: u32 = 2000;

/// The number of parts into which the array is divided.
const PARTS: usize = 256;

/// The number of walks that are computed again at the end.
const CHECKED: usize = 1000;

fn main() -> ExitCode {
    let done = Request::parse(std::env::args_os().skip(1)).and_then(|request| match request.worker {
        true => request.work().map(drop).map_err(Failure::from),
        false => request.run(own_process, &mut io::stdout().lock()),
    });
    let Err(Failure { status, text }) = done else { return ExitCode::SUCCESS };
    eprintln!("parallel_fill: {text}");
    ExitCode::from(status)
}

/// Returns the command that starts a process of this program that fills parts of the array.
fn own_process(path: &Path, rows: usize) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--worker").arg("--rows").arg(rows.to_string()).arg("--").arg(path);
    Ok(command)
}

/// An error: the exit status of the program, and a text.
#[derive(Debug)]
pub(crate) struct Failure {
    status: u8,
    pub(crate) text: String,
}

impl Failure {
    fn usage(text: impl Display) -> Self {
        Self { status: 2, text: format!("{text}\n{USAGE}") }
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { status: 1, text: error.to_string() }
    }
}

/// The end and the extremes of a random walk.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable, Record)]
#[repr(C)]
pub(crate) struct Walk {
    row: u64,
    end: f64,
    lowest: f64,
    highest: f64,
    crossings: u32,
    steps: u32,
}

impl Walk {
    /// Computes the walk of a row, which depends on nothing else.
    pub(crate) fn new(row: u64) -> Self {
        let mut walk = Self { row, end: 0.0, lowest: 0.0, highest: 0.0, crossings: 0, steps: STEPS };
        let mut state = row;
        for _ in 0..STEPS {
            // SplitMix64, whose upper bits make a step between -1 and 1.
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            let step = ((mixed ^ mixed >> 31) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0;
            let next = walk.end + step;
            walk.crossings += u32::from((walk.end < 0.0) != (next < 0.0));
            walk.end = next;
            walk.lowest = walk.lowest.min(next);
            walk.highest = walk.highest.max(next);
        }
        walk
    }
}

/// The arguments.
pub(crate) struct Request {
    path: Option<PathBuf>,
    processes: usize,
    rows: usize,
    /// Whether this is one of the processes that were started to fill the array.
    worker: bool,
}

impl Request {
    pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Self, Failure> {
        let mut request = Self { path: None, processes: 2, rows: 100_000, worker: false };
        let (mut args, mut options) = (args.into_iter(), true);
        while let Some(arg) = args.next() {
            let option = arg.to_str().filter(|text| options && text.starts_with('-'));
            let mut number = |option| {
                let value = args.next().unwrap_or_default();
                let number = value.to_str().and_then(|value| value.parse().ok());
                number.ok_or_else(|| Failure::usage(format!("{option} cannot be {value:?}")))
            };
            match option {
                Some("--processes") => request.processes = number("--processes")?,
                Some("--rows") => request.rows = number("--rows")?,
                Some("--worker") => request.worker = true,
                Some("--") => options = false,
                Some("--help" | "-h") => return Err(Failure { status: 0, text: USAGE.into() }),
                Some(option) => return Err(Failure::usage(format!("no such option: {option}"))),
                None if request.path.is_some() => return Err(Failure::usage("more than one path")),
                None => request.path = Some(PathBuf::from(arg)),
            }
        }
        match request.processes {
            0 => Err(Failure::usage("--processes cannot be 0")),
            _ => Ok(request),
        }
    }

    /// Runs one of the processes that fill the array, and returns the number of parts that it filled.
    fn work(&self) -> Result<usize, Error> {
        work(self.path.as_deref().unwrap_or(Path::new("")), self.rows)
    }

    /// Runs the first process, which starts the others by the commands that `process` returns.
    pub(crate) fn run(
        &self,
        process: impl Fn(&Path, usize) -> io::Result<Command>,
        out: &mut impl Write,
    ) -> Result<(), Failure> {
        let temporary;
        let path = match &self.path {
            Some(path) => path,
            None => {
                temporary = tempfile::Builder::new().prefix("parallel-fill-").tempdir()?;
                &temporary.path().join("walks.npy")
            }
        };
        let before = self.fill(path, process, out)?;
        check(path, self.rows, out)?;
        if before {
            writeln!(out, "The file was already complete.")?;
        }
        Ok(())
    }

    /// Fills the array by several processes. Returns whether it was already complete.
    fn fill(
        &self,
        path: &Path,
        process: impl Fn(&Path, usize) -> io::Result<Command>,
        out: &mut impl Write,
    ) -> Result<bool, Failure> {
        let job = walks(path, self.rows).open()?;
        let (before, parts) = job.progress()?;
        let bytes = self.rows * size_of::<Walk>();
        let size = bytes as f64 / 1e6;
        writeln!(out, "array    {}: {} walks of {STEPS} steps, {size:.1} MB", path.display(), self.rows)?;
        if before == parts {
            // The process that filled the last part may have died before it deleted the sidecar.
            job.claim()?;
            return Ok(true);
        }
        writeln!(out, "workers  {} processes, {parts} parts, of which {before} are done", self.processes)?;
        out.flush()?;

        let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} parts, {eta} left")?;
        // Shown only if standard error is a terminal.
        let bar = ProgressBar::new(parts as u64).with_style(style).with_position(before as u64);
        bar.reset_eta();
        let start = Instant::now();
        let mut workers = Workers(Vec::new());
        for _ in 0..self.processes {
            workers.0.push(process(path, self.rows)?.spawn()?);
        }
        let running = |worker: &mut Child| Ok::<_, io::Error>(worker.try_wait()?.is_none());
        loop {
            let (done, _) = job.progress()?;
            bar.set_position(done as u64);
            if done == parts {
                break;
            }
            let mut alive = 0;
            for worker in &mut workers.0 {
                alive += usize::from(running(worker)?);
            }
            if alive == 0 && job.progress()?.0 < parts {
                bar.abandon();
                let text = format!("all processes ended with {done} of {parts} parts done; run this again to continue");
                return Err(Failure { status: 1, text });
            }
            thread::sleep(Duration::from_millis(20));
        }
        let seconds = start.elapsed().as_secs_f64();
        bar.finish_and_clear();
        // They have nothing left to do but to delete the sidecar, which this process does if they were killed.
        job.claim()?;
        let share = (parts - before) as f64 / parts as f64;
        let (rows, size) = (self.rows as f64 * share, size * share);
        writeln!(
            out,
            "filled   {rows:.0} walks in {seconds:.2} s: {:.0} walks/s, {:.1} MB/s, {:.0} million steps/s",
            rows / seconds,
            size / seconds,
            rows * f64::from(STEPS) / seconds / 1e6
        )?;
        Ok(false)
    }
}

/// The processes that were started. Dropping this waits for them, even after an error, because they continue on their
/// own.
struct Workers(Vec<Child>);

impl Drop for Workers {
    fn drop(&mut self) {
        for worker in &mut self.0 {
            let _ = worker.wait();
        }
    }
}

/// Returns the job, which is the same in all processes. It reserves disk blocks, so that a full disk is an error at
/// once.
fn walks(path: &Path, rows: usize) -> FillOptions<'_, Walk> {
    npy::create_options([rows]).reserve().fill(path).parts(PARTS)
}

/// Fills parts of the array until all are done, and returns the number of parts that this process filled.
pub(crate) fn work(path: &Path, rows: usize) -> Result<usize, Error> {
    walks(path, rows).run(|part| {
        let rows = part.rows();
        part.iter_mut().zip(rows).for_each(|(walk, row)| *walk = Walk::new(row as u64));
        Ok(())
    })
}

/// Computes some evenly spread walks again, and checks the row numbers of all.
fn check(path: &Path, rows: usize, out: &mut impl Write) -> Result<(), Failure> {
    let walks = npy::options::<Walk>().open_shared(path)?;
    let checked = CHECKED.min(rows);
    let (wrong, highest) = walks.read(|walks| {
        let mut again = (0..checked).map(|k| (k as u128 * rows as u128 / checked as u128) as usize);
        let numbers = walks.iter().zip(0..).position(|(walk, row)| walk.row != row || walk.steps != STEPS);
        let wrong = numbers.or_else(|| again.find(|&row| walks.at([row]) != Walk::new(row as u64)));
        (wrong.map(|row| (row, walks.at([row]))), walks.project(field!(Walk, highest)).max())
    })?;
    if let Some((row, walk)) = wrong {
        let text = format!("{}: row {row} is wrong: {walk:?}", path.display());
        return Err(Failure { status: 1, text });
    }
    let highest = highest.unwrap_or(0.0);
    writeln!(out, "checked  {checked} walks, computed again; the highest value of all is {highest:.1}")?;
    Ok(())
}
