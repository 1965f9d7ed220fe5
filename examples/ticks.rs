//! Appends trades to a file, follows a file that another program appends to, and computes prices by minute.
//!
//! ```text
//! cargo run --release --example ticks append TRADES.npy 10000
//! cargo run --release --example ticks follow TRADES.npy 100
//! cargo run --release --example ticks minutes TRADES.npy
//! cargo run --release --example ticks
//! ```
//!
//! The file is a `.npy` array of records, which NumPy reads as it is. `append` creates it if it does not exist, and
//! adds trades in batches; after each batch the file is complete and on the disk. `follow` prints the trades that are
//! added from now on, at most as many as stated, and ends after ten seconds without any. `minutes` prints the open,
//! high, low and close price and the volume of each minute with trades, in one pass over the file, some rows at a time.
//! They are those of pandas' `resample("1min")` if the trades are in the order of their times. Trades without a time,
//! and prices that are NaN, are left out.
//!
//! Without arguments, the program does all three with a temporary file, and deletes it at the end.
#![forbid(unsafe_code)]

use bytemuck::{Pod, Zeroable};
use mmap_array::element::unit::{Minute, Nanosecond};
use mmap_array::element::{Bytes, DateTime64, TimeDelta64};
use mmap_array::{Le, Record, SharedArray, npy};
use std::collections::BTreeMap;
use std::error::Error;
use std::ffi::OsString;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

const USAGE: &str = "usage: ticks [append FILE COUNT | follow FILE [COUNT] | minutes FILE]";

/// The number of trades that are appended or read at a time.
const BLOCK: usize = 1 << 12;

/// The time without new trades after which `follow` ends.
const IDLE: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let mut out = BufWriter::new(io::stdout().lock());
    let done = run(&args, &mut out).and_then(|()| Ok(out.flush()?));
    let Err(error) = done else { return ExitCode::SUCCESS };
    eprintln!("ticks: {error}");
    ExitCode::FAILURE
}

/// Runs the program with these arguments.
pub(crate) fn run(args: &[OsString], out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let texts: Vec<&str> = args.iter().map(|arg| arg.to_str().unwrap_or_default()).collect();
    let count = |text: &str| text.parse().map_err(|_| format!("COUNT cannot be {text:?}\n{USAGE}"));
    match texts[..] {
        [] => demonstrate(out),
        ["append", _, number] => append(args[1].as_ref(), count(number)?, out),
        ["follow", _] => follow(args[1].as_ref(), usize::MAX, IDLE, out),
        ["follow", _, number] => follow(args[1].as_ref(), count(number)?, IDLE, out),
        ["minutes", _] => minutes(args[1].as_ref(), out),
        _ => Err(USAGE.into()),
    }
}

/// A trade, packed as NumPy packs records: `[('time', '<M8[ns]'), ('price', '<f8'), ('size', '<u4'), ('side', 'S1')]`.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable, Record)]
#[repr(C, packed)]
pub(crate) struct Trade {
    pub(crate) time: Le<DateTime64<Nanosecond>>,
    pub(crate) price: Le<f64>,
    pub(crate) size: Le<u32>,
    /// Whether the buyer (`B`) or the seller (`S`) was waiting.
    pub(crate) side: Bytes<1>,
}

fn demonstrate(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::Builder::new().prefix("ticks-").tempdir()?;
    let file = folder.path().join("trades.npy");
    append(&file, 500, out)?;
    thread::scope(|scope| {
        // In practice, this is another process.
        let writer = scope.spawn(|| {
            thread::sleep(Duration::from_millis(200));
            append(&file, 5, &mut io::sink()).map_err(|error| error.to_string())
        });
        follow(&file, 5, IDLE, out)?;
        Ok::<_, Box<dyn Error>>(writer.join().map_err(|_| "the writer panicked")??)
    })?;
    minutes(&file, out)
}

/// Adds random trades after the last one in the file.
pub(crate) fn append(file: &Path, count: usize, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    if !file.exists() {
        npy::create_options::<Trade>([0]).open_or_create_shared(file)?;
    }
    let trades = open(file)?;
    let (mut time, mut price) = match trades.len().checked_sub(1) {
        Some(last) => trades.at(last).map(|last| (last.time.get(), last.price.get()))?,
        None => ("2026-01-02T09:30".parse()?, 100.0),
    };
    // Knuth's MMIX generator, whose upper bits are random.
    let mut state = trades.len() as u64;
    let mut random = |end: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % end
    };
    let (mut left, mut len) = (count, trades.len());
    while left > 0 {
        let batch = (0..left.min(BLOCK)).map(|_| {
            time += TimeDelta64::new(random(1_000_000_000) as i64);
            price = ((price * 100.0).round() + random(7) as f64 - 3.0) / 100.0;
            let (size, side) = (100 * (1 + random(10) as u32), if random(2) == 0 { *b"B" } else { *b"S" });
            Trade { time: Le::new(time), price: Le::new(price), size: Le::new(size), side: Bytes::from(side) }
        });
        let batch: Vec<Trade> = batch.collect();
        len = npy::append(file, &batch)?;
        left -= batch.len();
    }
    writeln!(out, "{}: {count} trades added, {len} in all", file.display())?;
    Ok(())
}

/// Prints trades as they are added, until there are `count` or none comes for the time `idle`.
pub(crate) fn follow(file: &Path, count: usize, idle: Duration, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let mut trades = open(file)?;
    let mut seen = trades.len();
    let end = seen.saturating_add(count);
    writeln!(out, "{}: {seen} trades; waiting for more", file.display())?;
    out.flush()?;
    let mut last = Instant::now();
    while seen < end && last.elapsed() < idle {
        trades.refresh()?;
        let len = trades.len();
        if len < seen {
            return Err(format!("{}: had {seen} trades, has only {len} now", file.display()).into());
        } else if len == seen {
            thread::sleep(Duration::from_millis(20));
            continue;
        }
        // Each block is a complete copy, or an error before anything of it is printed.
        for block in trades.clone().into_rows(seen..len.min(end)).chunks(BLOCK) {
            for &Trade { time, price, size, side } in block?.iter() {
                writeln!(out, "{time} {price:?} {size} {side}")?;
            }
        }
        out.flush()?;
        (seen, last) = (len, Instant::now());
    }
    Ok(())
}

/// Prints open, high, low and close price and volume of each minute with trades.
pub(crate) fn minutes(file: &Path, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let mut minutes: BTreeMap<i64, ([f64; 4], u64)> = BTreeMap::new();
    for block in open(file)?.chunks(BLOCK) {
        for trade in block?.iter().filter(|trade| !trade.time.get().is_nat()) {
            let minute = trade.time.get().to_unit::<Minute, 1>().count();
            let ([open, high, low, close], volume) = minutes.entry(minute).or_insert(([f64::NAN; 4], 0));
            let price = trade.price.get();
            // The minimum and the maximum of a number and NaN are the number.
            (*high, *low) = (high.max(price), low.min(price));
            *open = if open.is_nan() { price } else { *open };
            *close = if price.is_nan() { *close } else { price };
            *volume += u64::from(trade.size.get());
        }
    }
    writeln!(out, "{:16} {:>9} {:>9} {:>9} {:>9} {:>9}", "minute", "open", "high", "low", "close", "volume")?;
    for (minute, ([open, high, low, close], volume)) in minutes {
        let minute = DateTime64::<Minute>::new(minute);
        writeln!(out, "{minute} {open:>9} {high:>9} {low:>9} {close:>9} {volume:>9}")?;
    }
    Ok(())
}

/// Opens the trades in a file, along one axis whatever the shape of the array.
fn open(file: &Path) -> mmap_array::Result<SharedArray<Trade>> {
    npy::options::<Trade>().elements(..).open_shared(file)
}
