//! Prints how loud each channel of a RIFF/WAVE file is, from its samples, mapped in place in any width and byte order.
//!
//! ```text
//! cargo run --release --example wav_peaks FILE
//! cargo run --release --example wav_peaks FILE --from 3600 --seconds 10 --blocks 60
//! ```
//!
//! The samples are an array of shape (frames, channels) somewhere in the file. Only the requested seconds are mapped,
//! even of a recording of a whole day. The chunks before the samples contain their position and type: unsigned integers
//! of 1 byte, signed integers of 2 to 8 bytes, or floats; little-endian, or big-endian in a RIFX file. Two channels are
//! viewed as records of a left and a right sample.
//!
//! For each channel, the program prints the lowest and the highest sample as stored, the peak and the root mean square
//! in decibels relative to full scale, and the peak of each block as a bar. If the file ends before its samples do, the
//! samples that are there are read. If it is truncated meanwhile, the program returns an error and prints nothing else.
#![forbid(unsafe_code)]

use bytemuck::{Pod, Zeroable};
use mmap_array::{
    ArrayView, Le, MmapArray, SharedArray,
    access::Shared,
    element::{BigEndian, ByteOrder, Endian, I24, I40, I48, I56, LittleEndian},
    field,
    view::IntoShape,
};
use std::error::Error;
use std::ffi::OsString;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "\
usage: wav_peaks FILE [OPTION]...
  --from SECONDS     the time at which to begin (0)
  --seconds SECONDS  the duration to read, at most (to the end)
  --blocks COUNT     the number of bars to draw (40)";

/// The number of chunks that are searched for the samples. A file may consist of any number of empty chunks.
const MOST_CHUNKS: u32 = 10_000;

/// The bars for the peak of a block, from silence to full scale.
const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

fn main() -> ExitCode {
    let printed = Request::parse(std::env::args_os().skip(1))
        .map_err(|error| (2, format!("{error}\n{USAGE}")))
        .and_then(|request| request.print(&mut io::stdout().lock()).map_err(|error| (1, error.to_string())));
    let Err((status, text)) = printed else { return ExitCode::SUCCESS };
    eprintln!("wav_peaks: {text}");
    ExitCode::from(status)
}

/// The arguments.
pub(crate) struct Request {
    file: PathBuf,
    from: f64,
    seconds: f64,
    blocks: usize,
}

impl Request {
    pub(crate) fn parse(mut args: impl Iterator<Item = OsString>) -> Result<Self, String> {
        let (mut file, mut from, mut seconds, mut blocks) = (None, 0.0, f64::INFINITY, 40);
        while let Some(arg) = args.next() {
            let Some(option) = arg.to_str().filter(|text| text.starts_with('-')) else {
                if file.replace(PathBuf::from(arg)).is_some() {
                    return Err("more than one file".into());
                }
                continue;
            };
            let value = args.next().and_then(|value| value.into_string().ok()).unwrap_or_default();
            let time = || value.parse().ok().filter(|seconds| *seconds >= 0.0);
            let wrong = || format!("{option} cannot be {value:?}");
            match option {
                "--from" => from = time().ok_or_else(wrong)?,
                "--seconds" => seconds = time().ok_or_else(wrong)?,
                "--blocks" => blocks = value.parse().map_err(|_| wrong())?,
                _ => return Err(format!("no such option: {option}")),
            }
        }
        Ok(Self { file: file.ok_or("no file")?, from, seconds, blocks })
    }

    /// Prints a description of the file, and the peaks of the requested part.
    pub(crate) fn print(&self, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
        let printed = File::open(&self.file).map_err(Into::into);
        let printed = printed.and_then(|file| Wave { file, request: self }.print(out));
        printed.map_err(|error| format!("{}: {error}", self.file.display()).into())
    }
}

/// The header of a chunk.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, packed)]
struct Chunk<W> {
    id: [u8; 4],
    size: W,
}

/// The chunk `fmt `, in words of 2 and of 4 bytes.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, packed)]
struct Format<H, W> {
    tag: H,
    channels: H,
    rate: W,
    bytes_per_second: W,
    bytes_per_frame: H,
    bits: H,
}

/// The extension of the chunk `fmt `, which follows if the tag states it. Its own tag is the beginning of a GUID.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, packed)]
struct Extension<H, W> {
    size: H,
    bits: H,
    speakers: W,
    tag: W,
    middle: [H; 2],
    last: [u8; 8],
}

/// The chunk `ds64`, which contains sizes of more than 32 bits.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Sizes {
    riff: Le<u64>,
    data: Le<u64>,
}

/// A frame of two channels.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, packed)]
struct Stereo<S> {
    left: S,
    right: S,
}

/// A sample as stored in a file of byte order `E`.
trait Sample<E>: Pod {
    type Value: Display;

    /// Returns the stored number.
    fn value(self) -> Self::Value;

    /// Returns the stored number, scaled so that full scale is from -1 to 1.
    fn level(self) -> f64;

    /// Returns the lowest and the highest sample, or `None` if there are no samples.
    fn extremes(samples: &ArrayView<Self, Shared>) -> Option<(Self, Self)>;
}

macro_rules! numbers {
    ($($number:ty as $value:ty: $full:expr),*) => {$(
        impl<E: ByteOrder> Sample<E> for Endian<$number, E>
        where
            Self: Pod,
        {
            type Value = $value;

            fn value(self) -> $value {
                self.get().into()
            }

            fn level(self) -> f64 {
                <$value>::from(self.get()) as f64 / $full
            }

            fn extremes(samples: &ArrayView<Self, Shared>) -> Option<(Self, Self)> {
                samples.min().zip(samples.max())
            }
        }
    )*};
}
numbers! {
    i16 as i16: 32768.0, I24 as i32: 8_388_608.0, i32 as i32: 2_147_483_648.0, I40 as i64: 549_755_813_888.0,
    I48 as i64: 140_737_488_355_328.0, I56 as i64: 36_028_797_018_963_968.0, i64 as i64: 9_223_372_036_854_775_808.0,
    f32 as f32: 1.0, f64 as f64: 1.0
}

/// Samples of at most 8 bits, which are unsigned.
impl<E> Sample<E> for u8 {
    type Value = u8;

    fn value(self) -> u8 {
        self
    }

    fn level(self) -> f64 {
        (f64::from(self) - 128.0) / 128.0
    }

    fn extremes(samples: &ArrayView<Self, Shared>) -> Option<(Self, Self)> {
        samples.min().zip(samples.max())
    }
}

/// The function [`Wave::rows`] for a type of samples.
type Rows<'a> = fn(&Wave<'a>, u64, [usize; 2]) -> Result<Vec<String>, Box<dyn Error>>;

/// The description of the samples in the file.
struct Known<'a> {
    kind: &'static str,
    rows: Rows<'a>,
    bits: u16,
    bytes: usize,
    channels: usize,
    rate: u32,
}

struct Wave<'a> {
    file: File,
    request: &'a Request,
}

impl<'a> Wave<'a> {
    /// Maps records of the file; `what` names them in errors.
    fn map<T: Pod>(&self, what: &str, offset: u64, shape: impl IntoShape) -> Result<SharedArray<T>, Box<dyn Error>> {
        let options = MmapArray::options().offset(offset).shape(shape);
        options.open_shared(&self.file).map_err(|error| format!("{what}: {error}").into())
    }

    fn print(&self, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
        let [id, _, form] = self.map::<[[u8; 4]; 3]>("the first bytes", 0, 1)?.at(0)?;
        match (&id, &form) {
            (b"RIFF" | b"RF64" | b"BW64", b"WAVE") => self.print_in::<LittleEndian>(out),
            (b"RIFX", b"WAVE") => self.print_in::<BigEndian>(out),
            _ => Err("not a RIFF/WAVE file".into()),
        }
    }

    /// Reads one chunk after another until the samples are found, and prints them.
    fn print_in<E: ByteOrder + 'static>(&self, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
        let (mut known, mut large) = (None, None);
        let mut at = 12;
        for _ in 0..MOST_CHUNKS {
            let chunk = self.map::<Chunk<Endian<u32, E>>>("the chunks", at, 1)?.at(0)?;
            let size = chunk.size.get();
            at += size_of_val(&chunk) as u64;
            match &chunk.id {
                b"ds64" => large = Some(self.map::<Sizes>("the sizes", at, 1)?.at(0)?.data.get()),
                b"fmt " => known = Some(self.known::<E>(at, size)?),
                b"data" => {
                    let known = known.ok_or("the chunk `data` comes before the chunk `fmt `, which describes it")?;
                    let size = large.filter(|_| size == u32::MAX).unwrap_or(size.into());
                    return self.print_known(&known, at, size, out);
                }
                _ => {}
            }
            // A chunk of odd size is followed by a byte of padding.
            at += u64::from(size) + u64::from(size % 2);
        }
        Err(format!("no samples in the first {MOST_CHUNKS} chunks").into())
    }

    /// Reads the description of the samples in the chunk `fmt `.
    fn known<E: ByteOrder + 'static>(&self, at: u64, size: u32) -> Result<Known<'a>, Box<dyn Error>> {
        let plain = self.map::<Format<Endian<u16, E>, Endian<u32, E>>>("the format", at, 1)?.at(0)?;
        let mut tag = plain.tag.get().into();
        if tag == 0xfffe && size >= 40 {
            let at = at + size_of_val(&plain) as u64;
            let more = self.map::<Extension<Endian<u16, E>, Endian<u32, E>>>("the extended format", at, 1)?.at(0)?;
            if (more.middle.map(Endian::get), more.last) == ([0, 16], [0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71]) {
                tag = more.tag.get();
            }
        }
        let (channels, frame, bits) = (plain.channels.get(), plain.bytes_per_frame.get(), plain.bits.get());
        let (rate, flow) = (plain.rate.get(), plain.bytes_per_second.get());
        if size < 16 || rate == 0 || channels == 0 || frame % channels != 0 {
            let text = format!("{channels} channels in frames of {frame} bytes at {rate} Hz, in a {size}-byte chunk");
            return Err(format!("invalid format: {text}").into());
        }
        if u64::from(rate) * u64::from(frame) != u64::from(flow) {
            return Err(format!("{rate} frames of {frame} bytes per second are not {flow} bytes per second").into());
        }
        let bytes = frame / channels;
        let (kind, rows): (_, Rows<'a>) = match (tag, bytes, bits) {
            (1, 1, 1..=8) => ("unsigned integers", Self::rows::<u8, E>),
            (1, 2, 9..=16) => ("integers", Self::rows::<Endian<i16, E>, E>),
            (1, 3, 9..=24) => ("integers", Self::rows::<Endian<I24, E>, E>),
            (1, 4, 9..=32) => ("integers", Self::rows::<Endian<i32, E>, E>),
            (1, 5, 9..=40) => ("integers", Self::rows::<Endian<I40, E>, E>),
            (1, 6, 9..=48) => ("integers", Self::rows::<Endian<I48, E>, E>),
            (1, 7, 9..=56) => ("integers", Self::rows::<Endian<I56, E>, E>),
            (1, 8, 9..=64) => ("integers", Self::rows::<Endian<i64, E>, E>),
            (3, 4, 32) => ("floats", Self::rows::<Endian<f32, E>, E>),
            (3, 8, 64) => ("floats", Self::rows::<Endian<f64, E>, E>),
            (1, ..) => return Err(format!("integers of {bits} bits in {bytes} bytes are not supported").into()),
            (3, ..) => return Err(format!("floats of {bits} bits in {bytes} bytes are not supported").into()),
            _ => {
                let name = [(2, "ADPCM"), (6, "A-law"), (7, "\u{b5}-law"), (0x11, "IMA ADPCM"), (0x55, "MP3")];
                let name = name.into_iter().find(|&(known, _)| known == tag).map_or("unknown", |(_, name)| name);
                return Err(format!("its samples are {name} (format {tag:#x}); expected integers or floats").into());
            }
        };
        Ok(Known { kind, rows, bits, bytes: bytes.into(), channels: channels.into(), rate })
    }

    /// Prints the requested part of the samples, which begin at a byte and have `size` bytes according to their chunk.
    fn print_known(&self, known: &Known<'a>, at: u64, size: u64, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
        let there = size.min(self.file.metadata()?.len().saturating_sub(at));
        let frame = (known.bytes * known.channels) as u64;
        let frames = there / frame;
        let in_frames = |seconds: f64| (seconds * f64::from(known.rate)).round() as u64;
        let from = in_frames(self.request.from);
        if from > frames {
            let seconds = frames as f64 / f64::from(known.rate);
            return Err(format!("it ends after {seconds} seconds, before second {}", self.request.from).into());
        }
        let count = in_frames(self.request.seconds).min(frames - from);
        let (offset, shape) = (at + from * frame, [usize::try_from(count)?, known.channels]);
        let rows = (known.rows)(self, offset, shape)?;
        let Known { kind, bits, bytes, channels, rate, .. } = known;
        writeln!(out, "channels: {channels}, of {kind} of {bits} bits (bytes: {bytes}), {rate} Hz")?;
        writeln!(out, "{count} frames from frame {from} of {frames}, at byte {offset}")?;
        if there < size {
            writeln!(out, "the file ends early: it has {there} of {size} bytes")?;
        }
        writeln!(out, "\n{:<8} {:>20} {:>20} {:>8} {:>8}", "Channel", "Lowest", "Highest", "Peak/dB", "RMS/dB")?;
        rows.iter().try_for_each(|row| writeln!(out, "{row}"))?;
        Ok(())
    }

    /// Returns a line for each channel of the samples at a byte.
    fn rows<S: Sample<E>, E>(&self, offset: u64, shape: [usize; 2]) -> Result<Vec<String>, Box<dyn Error>> {
        self.map::<S>("the samples", offset, shape)?.try_read(|samples| {
            if shape[1] == 2 {
                let stereo = samples.view_as::<Stereo<S>>()?.index_axis(1, 0);
                let (left, right) = (field!(Stereo<S>, left), field!(Stereo<S>, right));
                return Ok(vec![self.row("left", &stereo.project(left)), self.row("right", &stereo.project(right))]);
            }
            let channel = |index| self.row(&format!("{}", index + 1), &samples.index_axis(1, index));
            Ok((0..shape[1]).map(channel).collect())
        })
    }

    fn row<S: Sample<E>, E>(&self, name: &str, samples: &ArrayView<S, Shared>) -> String {
        // The addition of 0.0 avoids -0.00.
        let decibels = |level: f64| format!("{:.2}", (2000.0 * level.log10()).round() / 100.0 + 0.0);
        let nothing = || ["-"; 4].map(String::from);
        let [lowest, highest, most, rms] = S::extremes(samples).map_or_else(nothing, |(lowest, highest)| {
            let squares: f64 = samples.iter().map(|sample| sample.level() * sample.level()).sum();
            let rms = (squares / samples.len() as f64).sqrt();
            [lowest.value().to_string(), highest.value().to_string(), decibels(loudest(lowest, highest)), decibels(rms)]
        });
        let (len, blocks) = (samples.len() as u128, self.request.blocks.min(samples.len()) as u128);
        let bound = |block| (block * len / blocks) as usize;
        let bars = (0..blocks).map(|block| BARS[bar(peak(&samples.rows(bound(block)..bound(block + 1))))]);
        let bars: String = bars.collect();
        format!("{name:<8} {lowest:>20} {highest:>20} {most:>8} {rms:>8} |{bars}|")
    }
}

/// Returns the level of the sample farthest from silence.
fn peak<S: Sample<E>, E>(samples: &ArrayView<S, Shared>) -> f64 {
    S::extremes(samples).map_or(0.0, |(lowest, highest)| loudest(lowest, highest))
}

fn loudest<S: Sample<E>, E>(lowest: S, highest: S) -> f64 {
    lowest.level().abs().max(highest.level().abs())
}

/// Returns the index of a bar: 0 for silence, 8 for full scale and above.
fn bar(level: f64) -> usize {
    (8.0 * level).ceil().clamp(0.0, 8.0) as usize
}
