//! Prints statistics of a window of a FITS image, and draws it, without reading the rest of the file.
//!
//! ```text
//! cargo run --release --example fits_image FILE
//! cargo run --release --example fits_image FILE --hdu 1 --rows 100..200 --columns 50..150 --png OUT.png
//! ```
//!
//! Telescopes store images in FITS files. A FITS file is a sequence of header and data units (HDUs) in blocks of 2,880
//! bytes. A header is text in cards of 80 bytes, and is loaded as records. It contains the position of the data, the
//! type of their numbers, which are big-endian, and the position of the next HDU. Only the window's rows are mapped, as
//! an array of these numbers; the window's columns, a sample of it and its rows in the order of the picture are views
//! of this array. HDUs, planes, rows and columns are numbered from 0, and rows from the bottom of the picture. Tables
//! are skipped.
//!
//! The file may contain anything: if it is damaged, or truncated while it is read, the program returns an error that
//! describes the problem.
#![forbid(unsafe_code)]

use bytemuck::{Pod, Zeroable};
use mmap_array::{
    ArrayView, Be, Element, MmapArray, SharedArray,
    access::Shared,
    element::{Bytes, Ordered, Scalar},
};
use std::collections::BTreeMap;
use std::error::Error;
use std::ffi::OsString;
use std::fmt::{self, Display};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "\
usage: fits_image FILE [OPTION]...
  --hdu N               the header and data unit (the first with an image)
  --plane N[,N]...      the plane of a cube: one number per axis beyond rows and columns, slowest first (0,…)
  --rows A..B           the rows of the window, from the bottom (all)
  --columns A..B        the columns of the window (all)
  --png OUT.png         draws the window as a new file, the smallest value black, the largest white
  --percentiles LO..HI  draws these percentiles of about 65,000 pixels black and white (the extremes of all pixels)";

/// The size in bytes of a block; headers and data are padded to a multiple of it.
const BLOCK: u64 = 2880;

fn main() -> ExitCode {
    match run(std::env::args_os().skip(1), &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("fits_image: {}", failure.text);
            ExitCode::from(failure.status)
        }
    }
}

/// An error: the exit status of the program, and a text.
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

/// Runs the program with these arguments.
pub(crate) fn run(args: impl IntoIterator<Item = OsString>, out: &mut impl Write) -> Result<(), Failure> {
    let request = Request::parse(args.into_iter())?;
    let hdu = request.find()?;
    match hdu.header.require("BITPIX")? {
        8 => request.show::<u8>(&hdu, out),
        16 => request.show::<i16>(&hdu, out),
        32 => request.show::<i32>(&hdu, out),
        64 => request.show::<i64>(&hdu, out),
        -32 => request.show::<f32>(&hdu, out),
        // `Hdu::at` refuses all others.
        _ => request.show::<f64>(&hdu, out),
    }
}

/// The arguments.
struct Request {
    file: PathBuf,
    hdu: Option<u64>,
    plane: Option<Vec<u64>>,
    rows: Span,
    columns: Span,
    png: Option<PathBuf>,
    percentiles: Option<(f64, f64)>,
}

/// A range `A..B`, of which either bound may be missing.
type Span = (Option<u64>, Option<u64>);

impl Request {
    fn parse(mut args: impl Iterator<Item = OsString>) -> Result<Self, Failure> {
        let (mut file, mut hdu, mut plane, mut png, mut percentiles) = (None, None, None, None, None);
        let (mut rows, mut columns) = ((None, None), (None, None));
        while let Some(arg) = args.next() {
            let Some(option) = arg.to_str().filter(|text| text.starts_with('-')) else {
                if file.replace(PathBuf::from(arg)).is_some() {
                    return Err(Failure::usage("more than one file"));
                }
                continue;
            };
            let value = args.next().unwrap_or_default();
            let text = value.to_str().unwrap_or_default();
            let wrong = || Failure::usage(format!("{option} cannot be {value:?}"));
            match option {
                "--hdu" => hdu = Some(text.parse().map_err(|_| wrong())?),
                "--plane" => {
                    plane = Some(text.split(',').map(str::parse).collect::<Result<_, _>>().map_err(|_| wrong())?);
                }
                "--rows" => rows = span(text).ok_or_else(wrong)?,
                "--columns" => columns = span(text).ok_or_else(wrong)?,
                "--png" if !value.is_empty() => png = Some(PathBuf::from(value)),
                "--percentiles" => {
                    let (low, high): (f64, f64) =
                        span(text).and_then(|(low, high)| Some((low?, high?))).ok_or_else(wrong)?;
                    if !(0.0 <= low && low <= high && high <= 100.0) {
                        return Err(wrong());
                    }
                    percentiles = Some((low, high));
                }
                "--png" => return Err(wrong()),
                _ => return Err(Failure::usage(format!("no such option: {option}"))),
            }
        }
        let file = file.ok_or_else(|| Failure::usage("no file"))?;
        Ok(Self { file, hdu, plane, rows, columns, png, percentiles })
    }

    fn error(&self, text: impl Display) -> Failure {
        Failure::new(format!("{}: {text}", self.file.display()))
    }

    /// Maps elements of the file; `what` names them in errors.
    fn map<T: Pod>(&self, what: impl Display, offset: u64, shape: &[usize]) -> Result<SharedArray<T>, Failure> {
        let options = MmapArray::options().offset(offset).shape(shape);
        options.open_shared(&self.file).map_err(|error| Failure::new(format!("{what}: {error}")))
    }

    /// Finds the requested HDU by reading one header after another.
    fn find(&self) -> Result<Hdu, Failure> {
        let file_len = fs::metadata(&self.file).map_err(|error| self.error(error))?.len();
        let mut offset = 0;
        for number in 0.. {
            if number > 0 && offset >= file_len {
                let wanted = self.hdu.map_or("image with pixels".into(), |hdu| format!("HDU {hdu}"));
                return Err(self.error(format!("has no {wanted} among its {number} HDUs")));
            }
            let hdu = Hdu::at(self, number, offset)?;
            match self.hdu {
                Some(wanted) if wanted > number => {}
                None if hdu.no_image.is_some() => {}
                _ => match hdu.no_image {
                    Some(what) => return Err(self.error(format!("HDU {number} is {what}"))),
                    None => return Ok(hdu),
                },
            }
            offset = hdu.end;
        }
        unreachable!("the offset grows with each HDU, and so reaches the end of any file first")
    }

    /// Prints statistics of the window, and draws it if requested.
    fn show<P: Pixel>(&self, hdu: &Hdu, out: &mut impl Write) -> Result<(), Failure> {
        // The first axis is the one along a row.
        let (width, height) = (hdu.axes[0], hdu.axes.get(1).copied().unwrap_or(1));
        let cube = hdu.axes.get(2..).unwrap_or_default();
        let rows = self.range("rows", self.rows, height)?;
        let columns = self.range("columns", self.columns, width)?;
        let plane = self.plane.clone().unwrap_or_else(|| vec![0; cube.len()]);
        let inside = plane.len() == cube.len() && plane.iter().zip(cube.iter().rev()).all(|(index, len)| index < len);
        if !inside {
            let lens: Vec<u64> = cube.iter().rev().copied().collect();
            return Err(self.error(format!("has planes of shape {lens:?}, but no plane {plane:?}")));
        }
        // None of this exceeds the length of the data, which `Hdu::at` has computed.
        let number = plane.iter().zip(cube.iter().rev()).fold(0, |number, (index, len)| number * len + index);
        let offset = hdu.data + (number * height + rows.start) * width * size_of::<P>() as u64;
        let lens = [rows.end - rows.start, width, columns.start, columns.end].map(usize::try_from);
        let [Ok(len), Ok(width), Ok(left), Ok(right)] = lens else {
            return Err(self.error(format!("a row of {width} pixels exceeds this machine's address space")));
        };

        let what = format!("rows {rows:?} of HDU {}", hdu.number);
        let mapped = self.map::<Be<P>>(what, offset, &[len, width])?;
        let meaning = Meaning::of(&hdu.header)?;
        let (found, shades) = mapped.read(|pixels| {
            let window = pixels.slice((.., left..right));
            let found = Statistics::of(&window, &meaning);
            let shades = match self.percentiles {
                Some(percentiles) => meaning.percentiles(&window, percentiles),
                None => found.extremes.map(|(min, max)| (min.to_f64(), max.to_f64())),
            };
            (found, shades)
        })?;
        let (black, white) = shades.unwrap_or_default();
        if let Some(path) = &self.png {
            let shade = |pixel: P| match pixel.is_blank(meaning.blank) {
                true => 0,
                // The cast saturates at 0 and 255, and converts NaN to 0.
                false => ((meaning.value(pixel.number()).to_f64() - black) / (white - black) * 255.0 + 0.5) as u8,
            };
            let error = |error: Box<dyn Error>| Failure::new(format!("{}: {error}", path.display()));
            // An existing file is never replaced: it could be the image itself.
            let file = File::create_new(path).map_err(|cannot| error(cannot.into()))?;
            let made = mapped.try_read(|pixels| picture(file, &pixels.slice((.., left..right)), shade));
            made.inspect_err(|_| drop(fs::remove_file(path))).map_err(error)?;
        }

        let name = hdu.header.text("EXTNAME").map_or_else(String::new, |name| format!(" {name:?}"));
        let (dtype, start, shape) = (Be::<P>::dtype(), hdu.data, hdu.axes.iter().rev().collect::<Vec<_>>());
        writeln!(out, "HDU {}{name}: {shape:?} pixels of {dtype} from byte {start} on", hdu.number)?;
        let of = if cube.is_empty() { String::new() } else { format!(" of plane {plane:?}") };
        writeln!(out, "rows {rows:?}, columns {columns:?}{of}, mapped from byte {offset} on\n")?;
        writeln!(out, "pixels  {}", len * (right - left))?;
        writeln!(out, "blank   {}", found.blank)?;
        if let Some((min, max)) = found.extremes {
            writeln!(out, "min     {min}\nmax     {max}\nmean    {:?}", found.mean)?;
        }
        if let Some(path) = &self.png {
            writeln!(out, "\n{}: {black:?} is black, {white:?} is white", path.display())?;
        }
        Ok(())
    }

    fn range(&self, what: &str, (start, end): Span, len: u64) -> Result<Range<u64>, Failure> {
        let (start, end) = (start.unwrap_or(0), end.unwrap_or(len));
        if start < end && end <= len {
            return Ok(start..end);
        }
        Err(self.error(format!("has {what} 0..{len}, but no window of {what} {start}..{end}")))
    }
}

fn span<N: std::str::FromStr>(text: &str) -> Option<(Option<N>, Option<N>)> {
    let (start, end) = text.split_once("..")?;
    let parse = |text: &str| if text.is_empty() { Some(None) } else { text.parse().ok().map(Some) };
    Some((parse(start)?, parse(end)?))
}

/// A card of a header: `BITPIX  =                  -32 / comment`.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Card {
    keyword: Bytes<8>,
    indicator: Bytes<2>,
    value: Bytes<70>,
}

/// The values of a header that this program uses.
struct Header {
    /// The beginning of errors about this header.
    place: String,
    /// The byte at which the data begin.
    end: u64,
    /// The text of each value, and the byte at which its card begins.
    values: BTreeMap<String, (u64, String)>,
}

impl Header {
    /// The keywords that are kept, besides those of the axes, of which there are at most 999.
    const KEPT: [&'static str; 13] = [
        "SIMPLE", "XTENSION", "EXTNAME", "BITPIX", "NAXIS", "PCOUNT", "GCOUNT", "GROUPS", "ZIMAGE", "BSCALE", "BZERO",
        "BLANK", "END",
    ];

    fn read(request: &Request, number: u64, start: u64) -> Result<Self, Failure> {
        let place = format!("{}: HDU {number}", request.file.display());
        let first = if number == 0 { "SIMPLE" } else { "XTENSION" };
        let mut header = Self { place, end: start, values: BTreeMap::new() };
        loop {
            let what = format!("HDU {number}, whose header from byte {start} on has not ended yet");
            let cards = request.map::<Card>(what, header.end, &[BLOCK as usize / size_of::<Card>()])?.load()?;
            for (card, offset) in cards.iter().zip((header.end..).step_by(size_of::<Card>())) {
                let keyword = card.keyword.as_bytes().trim_ascii_end();
                if offset == start && (keyword != first.as_bytes() || card.indicator != "= ") {
                    let found = card.keyword.as_bytes().escape_ascii();
                    return Err(header.error(offset, format!("expected the keyword {first}, found \"{found}\"")));
                }
                let Ok(keyword) = std::str::from_utf8(keyword) else { continue };
                let axis = keyword.strip_prefix("NAXIS").is_some_and(|number| number.parse::<u16>().is_ok());
                if !axis && !Self::KEPT.contains(&keyword) {
                    continue;
                }
                if keyword == "END" {
                    header.end += BLOCK;
                    return Ok(header);
                }
                // If a keyword is repeated, its first value is used.
                if card.indicator == "= " && !header.values.contains_key(keyword) {
                    let text = card.value.to_string();
                    let value = value(&text).ok_or_else(|| {
                        header.error(offset, format!("{keyword} is {:?}, a string without its end quote", text.trim()))
                    })?;
                    if !value.is_empty() {
                        header.values.insert(keyword.into(), (offset, value));
                    }
                }
            }
            header.end += BLOCK;
        }
    }

    fn error(&self, offset: u64, text: impl Display) -> Failure {
        Failure::new(format!("{}, the card at byte {offset}: {text}", self.place))
    }

    fn text(&self, keyword: &str) -> Option<&str> {
        self.values.get(keyword).map(|(_, value)| value.as_str())
    }

    fn integer(&self, keyword: &str) -> Result<Option<i64>, Failure> {
        let Some((offset, value)) = self.values.get(keyword) else { return Ok(None) };
        let wrong = |_| self.error(*offset, format!("{keyword} is {value:?}; expected an integer"));
        value.parse().map(Some).map_err(wrong)
    }

    fn real(&self, keyword: &str) -> Result<Option<f64>, Failure> {
        let Some((offset, value)) = self.values.get(keyword) else { return Ok(None) };
        // The exponent's letter may be a D.
        let number = value.replace(['D', 'd'], "e").parse().ok().filter(|number: &f64| number.is_finite());
        number.map(Some).ok_or_else(|| self.error(*offset, format!("{keyword} is {value:?}; expected a finite number")))
    }

    fn require(&self, keyword: &str) -> Result<i64, Failure> {
        self.integer(keyword)?.ok_or_else(|| Failure::new(format!("{}: its header has no {keyword}", self.place)))
    }

    /// Returns a value that must not be negative.
    fn count(&self, keyword: &str) -> Result<Option<u64>, Failure> {
        let Some(count) = self.integer(keyword)? else { return Ok(None) };
        u64::try_from(count).map(Some).map_err(|_| self.error(self.values[keyword].0, format!("{keyword} is {count}")))
    }
}

/// Returns the value in the last 70 bytes of a card, without quotes and without the comment after it.
fn value(text: &str) -> Option<String> {
    let Some(mut rest) = text.trim_start().strip_prefix('\'') else {
        return text.split('/').next().map(|value| value.trim().into());
    };
    let mut value = String::new();
    loop {
        let (part, behind) = rest.split_once('\'')?;
        value.push_str(part);
        // Two quotes stand for one.
        match behind.strip_prefix('\'') {
            Some(behind) => rest = behind,
            None => return Some(value.trim_end().into()),
        }
        value.push('\'');
    }
}

/// A header and data unit.
struct Hdu {
    number: u64,
    header: Header,
    /// The lengths of the axes, the fastest-varying first.
    axes: Vec<u64>,
    /// The bytes at which the data and the next HDU begin.
    data: u64,
    end: u64,
    /// A description of the HDU, if it is not an image with pixels.
    no_image: Option<String>,
}

impl Hdu {
    fn at(request: &Request, number: u64, offset: u64) -> Result<Self, Failure> {
        let header = Header::read(request, number, offset)?;
        if let Some("F") = header.text("SIMPLE") {
            return Err(header.error(offset, "SIMPLE is F: the file does not conform to the standard"));
        }
        let bits = header.require("BITPIX")?;
        if ![8, 16, 32, 64, -32, -64].contains(&bits) {
            let offset = header.values["BITPIX"].0;
            return Err(header.error(offset, format!("BITPIX is {bits}; expected 8, 16, 32, 64, -32 or -64")));
        }
        let count = header.require("NAXIS")?;
        if !(0..=999).contains(&count) {
            return Err(header.error(header.values["NAXIS"].0, format!("NAXIS is {count}; expected 0 to 999")));
        }
        let axis = |axis| {
            let keyword = format!("NAXIS{axis}");
            let missing = || Failure::new(format!("{}: its header has no {keyword}", header.place));
            header.count(&keyword)?.ok_or_else(missing)
        };
        let axes: Vec<u64> = (1..=count).map(axis).collect::<Result<_, _>>()?;

        let groups = number == 0 && header.text("GROUPS") == Some("T") && axes.first() == Some(&0);
        let (parameters, repeats) = (header.count("PCOUNT")?.unwrap_or(0), header.count("GCOUNT")?.unwrap_or(1));
        let factors = if groups { &axes[1..] } else { &axes };
        let pixels = if axes.is_empty() { Some(0) } else { factors.iter().try_fold(1, |a: u64, b| a.checked_mul(*b)) };
        let bytes = pixels.and_then(|pixels| {
            pixels.checked_add(parameters)?.checked_mul(repeats)?.checked_mul(bits.unsigned_abs() / 8)
        });
        let end = bytes.and_then(|bytes| header.end.checked_add(bytes)?.checked_next_multiple_of(BLOCK));
        let end = end.ok_or_else(|| {
            let claim = format!("axes of {axes:?}, {parameters} parameters, {repeats} groups");
            Failure::new(format!("{}: its header claims {claim}: more bytes than any file has", header.place))
        })?;

        let no_image = match header.text("XTENSION") {
            Some("IMAGE" | "IUEIMAGE") => None,
            None if groups => Some("random groups, not an image".into()),
            None => None,
            Some(_) if header.text("ZIMAGE") == Some("T") => {
                Some("a compressed image, which cannot be mapped; decompress it with `funpack`".into())
            }
            Some(other) => Some(format!("an extension of the kind {other:?}, not an image")),
        };
        let no_pixels = || pixels == Some(0) || repeats == 0;
        let no_image = no_image.or_else(|| no_pixels().then(|| format!("an image of shape {axes:?}, without pixels")));
        Ok(Self { number, data: header.end, end, axes, no_image, header })
    }
}

/// The value of a pixel, or the sum of several pixels.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Number {
    Integer(i128),
    Real(f64),
}

impl Number {
    fn to_f64(self) -> f64 {
        match self {
            Self::Integer(number) => number as f64,
            Self::Real(number) => number,
        }
    }
}

impl Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => write!(f, "{number}"),
            Self::Real(number) => write!(f, "{number:?}"),
        }
    }
}

/// A type of pixel.
trait Pixel: Scalar + mmap_array::element::Number + Ordered {
    fn number(self) -> Number;
    /// Returns whether the pixel is blank: it represents no value.
    fn is_blank(self, blank: Option<i64>) -> bool;
    /// Returns the sum of pixels, which is exact for integers.
    fn sum(pixels: impl Iterator<Item = Self>) -> Number;
    /// Returns the sum of a view by the crate's loops: several pixels at a time, and floats pairwise.
    fn sum_all(pixels: &ArrayView<'_, Be<Self>, Shared>) -> Number;
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl Pixel for $integer {
            fn number(self) -> Number {
                Number::Integer(self.into())
            }

            fn is_blank(self, blank: Option<i64>) -> bool {
                blank == Some(self.into())
            }

            fn sum(pixels: impl Iterator<Item = Self>) -> Number {
                Number::Integer(pixels.map(i128::from).sum())
            }

            fn sum_all(pixels: &ArrayView<'_, Be<Self>, Shared>) -> Number {
                // Fewer than 2^64, each below 2^64.
                Number::Integer(pixels.sum() as i128)
            }
        }
    )*};
}
integers!(u8, i16, i32, i64);

macro_rules! floats {
    ($($float:ty),*) => {$(
        impl Pixel for $float {
            fn number(self) -> Number {
                Number::Real(self.into())
            }

            fn is_blank(self, _: Option<i64>) -> bool {
                self.is_nan()
            }

            fn sum(pixels: impl Iterator<Item = Self>) -> Number {
                Number::Real(pixels.map(f64::from).sum())
            }

            fn sum_all(pixels: &ArrayView<'_, Be<Self>, Shared>) -> Number {
                // The mean is taken in 64 bits, also that of 32-bit floats.
                Number::Real(pixels.mean().map_or(0.0, |mean| mean * pixels.len() as f64))
            }
        }
    )*};
}
floats!(f32, f64);

/// The conversion of stored numbers to values.
struct Meaning {
    scale: f64,
    zero: f64,
    blank: Option<i64>,
}

impl Meaning {
    fn of(header: &Header) -> Result<Self, Failure> {
        let (scale, zero) = (header.real("BSCALE")?.unwrap_or(1.0), header.real("BZERO")?.unwrap_or(0.0));
        Ok(Self { scale, zero, blank: header.integer("BLANK")? })
    }

    /// Returns the integer to add if values remain integers. FITS stores an unsigned integer minus `BZERO`, as a signed
    /// one.
    fn shift(&self) -> Option<i128> {
        let whole = self.scale == 1.0 && self.zero.fract() == 0.0 && self.zero.abs() < 2.0_f64.powi(64);
        whole.then_some(self.zero as i128)
    }

    fn value(&self, stored: Number) -> Number {
        match (stored, self.shift()) {
            (Number::Integer(stored), Some(shift)) => Number::Integer(stored + shift),
            _ => Number::Real(self.zero + self.scale * stored.to_f64()),
        }
    }

    fn mean(&self, sum: Number, count: usize) -> f64 {
        match (sum, self.shift()) {
            (Number::Integer(sum), Some(shift)) => (sum + shift * count as i128) as f64 / count as f64,
            _ => self.zero + self.scale * (sum.to_f64() / count as f64),
        }
    }

    /// Returns two percentiles of a sample of at most 256 evenly spaced rows and columns.
    fn percentiles<P: Pixel>(
        &self,
        window: &ArrayView<'_, Be<P>, Shared>,
        (low, high): (f64, f64),
    ) -> Option<(f64, f64)> {
        let step = |axis: usize| window.shape()[axis].div_ceil(256) as isize;
        let sample = window.step_axis(0, step(0)).step_axis(1, step(1)).into_iter().map(Be::get);
        let sample = sample.filter(|pixel| !pixel.is_blank(self.blank));
        let mut sample: Vec<f64> = sample.map(|pixel| self.value(pixel.number()).to_f64()).collect();
        sample.sort_by(f64::total_cmp);
        let last = sample.len().checked_sub(1)?;
        let at = |percent: f64| sample[(percent / 100.0 * last as f64) as usize];
        Some((at(low), at(high)))
    }
}

/// The statistics of a window.
struct Statistics {
    /// The number of blank pixels.
    blank: usize,
    /// The smallest and the largest value of the other pixels, if there are any.
    extremes: Option<(Number, Number)>,
    /// The mean of the other pixels.
    mean: f64,
}

impl Statistics {
    fn of<P: Pixel>(window: &ArrayView<'_, Be<P>, Shared>, meaning: &Meaning) -> Self {
        let pixels = || window.iter().map(Be::get).filter(|pixel| !pixel.is_blank(meaning.blank));
        let count = pixels().count();
        let (extremes, sum) = if count == window.len() {
            let number = |pixel: Be<P>| pixel.get().number();
            (window.min().map(number).zip(window.max().map(number)), P::sum_all(window))
        } else {
            let numbers = || pixels().map(P::number);
            let min = numbers().reduce(|a, b| if b < a { b } else { a });
            (min.zip(numbers().reduce(|a, b| if b > a { b } else { a })), P::sum(pixels()))
        };
        let extremes = extremes.map(|(min, max)| (meaning.value(min), meaning.value(max)));
        // A negative scale swaps the smallest and the largest.
        let extremes = extremes.map(|(min, max)| if max < min { (max, min) } else { (min, max) });
        Self { blank: window.len() - count, extremes, mean: meaning.mean(sum, count) }
    }
}

/// Writes a picture, beginning with its top row, which is the last row of the window.
fn picture<P: Pixel>(
    file: File,
    window: &ArrayView<'_, Be<P>, Shared>,
    shade: impl Fn(P) -> u8,
) -> Result<(), Box<dyn Error>> {
    let [width, height] = [1, 0].map(|axis| u32::try_from(window.shape()[axis]));
    let mut file = BufWriter::new(file);
    let mut encoder = png::Encoder::new(&mut file, width?, height?);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    let mut stream = writer.stream_writer()?;
    for row in window.step_axis(0, -1).axis_iter(0) {
        let shades: Vec<u8> = row.iter().map(|pixel| shade(pixel.get())).collect();
        stream.write_all(&shades)?;
    }
    stream.finish()?;
    writer.finish()?;
    Ok(file.flush()?)
}
