//! Draws random batches of windows from a file of tokens, as the training loops of language models do.
//!
//! ```text
//! cargo run --release --example tokens TOKENS.bin
//! cargo run --release --example tokens TOKENS.bin BLOCK BATCH SEED --dtype u32
//! cargo run --release --example tokens
//! ```
//!
//! The file consists of little-endian integers and nothing else, such as the `train.bin` of nanoGPT. A batch has two
//! arrays of shape (BATCH, BLOCK): a row of `x` is `data[i:i + BLOCK]` for a random `i`, and the same row of `y`, which
//! the model is to predict, is `data[i + 1:i + 1 + BLOCK]`. The program prints the beginning of one batch, and then how
//! many batches it copies in a second. The file may be larger than memory; only the pages of the windows are read.
//!
//! Without arguments, the program creates a file of random tokens, and deletes it at the end.
#![forbid(unsafe_code)]

use bytemuck::Zeroable;
use mmap_array::{Element, Le, MmapArray, SharedArray, element::Scalar};
use std::error::Error;
use std::ffi::OsString;
use std::fmt::Debug;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

const USAGE: &str = "usage: tokens [FILE [BLOCK [BATCH [SEED]]]] [--dtype u16|u32]";

/// The number of batches that are timed, unless this takes more than a second.
const TIMED: u32 = 10_000;

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let Err(error) = run(&args, &mut io::stdout().lock()) else { return ExitCode::SUCCESS };
    eprintln!("tokens: {error}");
    ExitCode::FAILURE
}

/// Runs the program with these arguments.
pub(crate) fn run(args: &[OsString], out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let (args, dtype) = match args {
        [args @ .., option, dtype] if option == "--dtype" => (args, dtype.to_str()),
        _ => (args, Some("u16")),
    };
    let [file, numbers @ ..] = args else { return demonstrate(out) };
    // The defaults are nanoGPT's.
    let mut values = [1024, 12, 1337];
    for (place, number) in numbers.iter().enumerate() {
        let value = number.to_str().and_then(|text| text.parse().ok()).zip(values.get_mut(place));
        let (number, value) = value.ok_or_else(|| format!("unexpected argument: {number:?}\n{USAGE}"))?;
        *value = number;
    }
    let (file, [block, batch, seed]) = (file.as_ref(), values);
    match dtype {
        Some("u16") => measure(Batches::<u16>::open(file, block, batch, seed as u64)?, out),
        Some("u32") => measure(Batches::<u32>::open(file, block, batch, seed as u64)?, out),
        _ => Err(format!("expected the dtype u16 or u32\n{USAGE}").into()),
    }
}

/// Creates a file of ten million tokens of GPT-2's vocabulary, and draws batches from it.
fn demonstrate(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::Builder::new().prefix("tokens-").tempdir()?;
    let file = folder.path().join("train.bin");
    let mut random = Random(1);
    let tokens = (0..10_000_000).flat_map(|_| (random.below(50_257) as u16).to_le_bytes());
    fs::write(&file, tokens.collect::<Vec<u8>>())?;
    run(&[file.into()], out)
}

/// Random windows of a file of tokens.
pub(crate) struct Batches<T: Scalar> {
    tokens: SharedArray<Le<T>>,
    random: Random,
    block: usize,
    /// The index of each window's first token.
    pub(crate) starts: Vec<usize>,
    /// The windows, one after another.
    pub(crate) x: Vec<T>,
    /// The token after each token of the windows.
    pub(crate) y: Vec<T>,
}

impl<T: Scalar> Batches<T>
where
    Le<T>: Element,
{
    pub(crate) fn open(file: &Path, block: usize, batch: usize, seed: u64) -> Result<Self, Box<dyn Error>> {
        let tokens = MmapArray::<Le<T>>::options().open_shared(file)?;
        if block == 0 || block >= tokens.len() {
            let (file, len) = (file.display(), tokens.len());
            let text = format!("expected a BLOCK from 1 on that leaves one token to predict, found {block}");
            return Err(format!("{file}: has {len} tokens; {text}").into());
        }
        let len = block.checked_mul(batch).ok_or("BLOCK * BATCH is too large")?;
        let (starts, x, y) = (zeros(batch)?, zeros(len)?, zeros(len)?);
        Ok(Self { tokens, random: Random(seed), block, starts, x, y })
    }

    /// Replaces the batch with another.
    pub(crate) fn draw(&mut self) -> mmap_array::Result<()> {
        let Self { tokens, random, block, starts, x, y } = self;
        starts.fill_with(|| random.below((tokens.len() - *block) as u64) as usize);
        // The file is checked once for the whole batch.
        tokens.read(|tokens| {
            let rows = x.chunks_exact_mut(*block).zip(y.chunks_exact_mut(*block));
            for ((x, y), &start) in rows.zip(starts.iter()) {
                tokens.rows(start..start + *block).copy_to_native(x);
                tokens.rows(start + 1..start + 1 + *block).copy_to_native(y);
            }
        })
    }
}

/// Returns zeros, or an error if allocation fails.
fn zeros<N: Copy + Zeroable>(len: usize) -> Result<Vec<N>, Box<dyn Error>> {
    let mut zeros = Vec::new();
    zeros.try_reserve_exact(len).map_err(|error| format!("a batch of {len} numbers: {error}"))?;
    zeros.resize(len, N::zeroed());
    Ok(zeros)
}

/// Prints the beginning of a batch, and the number of batches in a second.
fn measure<T: Scalar + Debug>(mut batches: Batches<T>, out: &mut impl Write) -> Result<(), Box<dyn Error>>
where
    Le<T>: Element,
{
    batches.draw()?;
    let (block, batch, dtype) = (batches.block, batches.starts.len(), Le::<T>::dtype());
    let shown = &..block.min(8).min(batches.x.len());
    writeln!(out, "tokens   {} of {dtype}, {batch} windows of {block} in a batch", batches.tokens.len())?;
    writeln!(out, "starts   {:?}", batches.starts.iter().take(8).collect::<Vec<_>>())?;
    writeln!(out, "x[0]     {:?}", &batches.x[*shown])?;
    writeln!(out, "y[0]     {:?}", &batches.y[*shown])?;
    let (start, mut count) = (Instant::now(), 0);
    while count < TIMED && start.elapsed() < Duration::from_secs(1) {
        batches.draw()?;
        count += 1;
    }
    let rate = f64::from(count) / start.elapsed().as_secs_f64();
    let megatokens = rate * batches.x.len() as f64 / 1e6;
    writeln!(out, "speed    {rate:.0} batches/s, {megatokens:.0} million tokens/s")?;
    Ok(())
}

/// Vigna's SplitMix64.
struct Random(u64);

impl Random {
    /// Returns a number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((u128::from(bits ^ (bits >> 31)) * u128::from(end)) >> 64) as u64
    }
}
