//! Printing an array the way NumPy prints it.
//!
//! An array here may be larger than memory and is often read for the first
//! time by a person at a prompt, so printing it must be cheap (only the corners
//! of a large array are read) and must look familiar. NumPy settled both
//! questions long ago: the rules followed here are those of `arrayprint.py` in
//! NumPy 2.4, with the digits of its Dragon4, and the text is meant to equal
//! NumPy's byte for byte.
//!
//! Printing takes two passes. The first reads the elements that will be shown
//! and builds a [`Formatter`] from them, which knows how wide a word must be for
//! the columns to line up. The second lays the words out in lines and brackets,
//! knowing nothing of what they mean. A new kind of element needs a variant of
//! [`Item`] and perhaps one of [`Formatter`]; the layout stays as it is.

use std::fmt::{self, Write};
use std::{iter, slice};

/// One element, as the printer sees it.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    /// `True` or `False`.
    Bool(bool),
    /// An integer of any width and sign.
    Int(i128),
    /// A number printed with the digits that tell it from other `f32`s.
    F32(f32),
    /// A number printed with the digits that tell it from other `f64`s.
    F64(f64),
    /// A number printed with the digits that tell it from other `f16`s.
    #[cfg(feature = "half")]
    F16(half::f16),
    /// Two numbers, real and imaginary, with the digits of `f32`.
    #[cfg(feature = "num-complex")]
    Complex32([f32; 2]),
    /// The same with the digits of `f64`.
    #[cfg(feature = "num-complex")]
    Complex64([f64; 2]),
    /// Anything else, already text, possibly of several lines.
    Text(String),
    /// Text that is not brought to a common width: NumPy's strings, in their
    /// quotes.
    Quoted(String),
}

/// The element on its own, as `str` prints a NumPy scalar.
impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(true) => f.write_str("True"),
            Self::Bool(false) => f.write_str("False"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Text(text) | Self::Quoted(text) => f.write_str(text),
            number => match (Real::of(number), Real::parts(number)) {
                (Some(real), _) => f.write_str(&real.scalar()),
                (None, Some(parts)) => f.write_str(&complex_scalar(parts)),
                (None, None) => Ok(()),
            },
        }
    }
}

/// The settings of `numpy.set_printoptions` and `numpy.array2string`.
#[derive(Clone, Debug)]
pub(crate) struct PrintOptions {
    /// The most digits shown after the decimal point.
    pub(crate) precision: usize,
    /// An array of more elements than this is abridged; `usize::MAX` never is.
    pub(crate) threshold: usize,
    /// How many items an abridged axis shows at each end.
    pub(crate) edge_items: usize,
    /// The column at which lines wrap.
    pub(crate) line_width: usize,
    /// What stands between two elements.
    pub(crate) separator: &'static str,
    /// What the caller wrote on the line before the array: later lines are
    /// indented by its width.
    pub(crate) prefix: &'static str,
    /// What the caller will write after the array: lines leave room for it.
    pub(crate) suffix: &'static str,
    /// Whether an array of no axes prints as its element does on its own
    /// (`str`), rather than as an element of an array (`repr`).
    pub(crate) scalar: bool,
}

impl PrintOptions {
    /// NumPy's defaults for `str(a)`.
    pub(crate) fn str() -> Self {
        Self {
            precision: 8,
            threshold: 1000,
            edge_items: 3,
            line_width: 75,
            separator: " ",
            prefix: "",
            suffix: "",
            scalar: true,
        }
    }

    /// NumPy's defaults for the bracketed part of `repr(a)`.
    pub(crate) fn repr() -> Self {
        Self { separator: ", ", prefix: "array(", suffix: ")", scalar: false, ..Self::str() }
    }

    /// Whether an array of this shape is abridged.
    pub(crate) fn abridges(&self, shape: &[usize]) -> bool {
        // A product that saturates on the way to a zero still ends at zero.
        let size = shape.iter().fold(1, |size: usize, &n| size.saturating_mul(n));
        size > self.threshold
    }
}

/// An abridged array shows no more elements than this. NumPy has no such bound: of an array of 32 axes of two items each
/// it shows all 2^32.
const MOST_SHOWN: usize = 1 << 16;

fn few_are_shown(shape: &[usize], edge_items: usize) -> bool {
    let shown = shape.iter().map(|&len| if edge_items.saturating_mul(2) < len { 2 * edge_items.max(1) } else { len });
    shown.fold(1, usize::saturating_mul) <= MOST_SHOWN
}

/// Writes the array of `shape` whose element at an index is `at(index)`.
///
/// `at` is asked once for each element that is shown, and for no other.
pub(crate) fn write_array(
    out: &mut dyn Write,
    shape: &[usize],
    at: &mut dyn FnMut(&[usize]) -> Item,
    options: &PrintOptions,
) -> fmt::Result {
    if shape.contains(&0) {
        return out.write_str("[]");
    }
    if shape.is_empty() {
        let item = at(&[]);
        if options.scalar || matches!(item, Item::Bool(_)) {
            return write!(out, "{item}");
        }
        let formatter = Formatter::new(slice::from_ref(&item), options.precision);
        return out.write_str(&formatter.word(&item));
    }
    // Many short axes have no middle to leave out until the edges are narrower.
    let mut edges = (0..=options.edge_items.min(MOST_SHOWN)).rev();
    let edge_items = options.abridges(shape).then(|| edges.find(|&edge| few_are_shown(shape, edge)).unwrap_or(0));
    let mut items = Vec::new();
    collect(shape, edge_items, &mut Vec::new(), at, &mut items);
    let formatter = Formatter::new(&items, options.precision);

    let prefix = width(options.prefix);
    // A line leaves room for the bracket or separator that ends it, for the
    // brackets that close the other axes, and for the suffix.
    let end = width(options.separator.trim_end()).max(1);
    let ends = end + shape.len() - 1 + width(options.suffix);
    let mut layout = Layout {
        out,
        line: String::new(),
        column: prefix,
        room: options.line_width.saturating_sub(ends),
        separator: options.separator,
        edge_items,
        words: &mut items.iter().map(|item| formatter.word(item)),
    };
    layout.axis(shape, prefix)?;
    layout.out.write_str(&layout.line)
}

/// The positions shown along an axis of `len` items, `None` where some are left
/// out; `edge_items` is given if the array is abridged.
fn shown(len: usize, edge_items: Option<usize>) -> impl Iterator<Item = Option<usize>> {
    let edge = edge_items.filter(|edge| edge.saturating_mul(2) < len);
    // NumPy shows the last item even if asked for no edges.
    let (head, tail) = edge.map_or((0, len), |edge| (edge, edge.max(1)));
    let gap = edge.map(|_| None);
    (0..head).map(Some).chain(gap).chain((len.saturating_sub(tail)..len).map(Some))
}

/// Reads the items that are shown below `index`, in the order of printing.
fn collect(
    shape: &[usize],
    edge_items: Option<usize>,
    index: &mut Vec<usize>,
    at: &mut dyn FnMut(&[usize]) -> Item,
    items: &mut Vec<Item>,
) {
    let Some(&len) = shape.get(index.len()) else {
        return items.push(at(index));
    };
    for position in shown(len, edge_items).flatten() {
        index.push(position);
        collect(shape, edge_items, index, at, items);
        index.pop();
    }
}

/// Sets words in rows, and rows in nested brackets.
struct Layout<'a> {
    out: &'a mut dyn Write,
    /// The line being filled; what it ends with is dropped when it wraps.
    line: String,
    /// Where the next word goes: the width of the line.
    column: usize,
    /// The column that no word of a row should pass.
    room: usize,
    separator: &'static str,
    edge_items: Option<usize>,
    words: &'a mut dyn Iterator<Item = String>,
}

impl Layout<'_> {
    /// Prints the axes of `shape`, or a word if there are none, from the column
    /// `start` of every line it takes.
    fn axis(&mut self, shape: &[usize], start: usize) -> fmt::Result {
        let Some((&len, inner)) = shape.split_first() else {
            let word = self.words.next().unwrap_or_default();
            return self.word(&word, start);
        };
        self.push("[");
        for (count, position) in shown(len, self.edge_items).enumerate() {
            if count > 0 && inner.is_empty() {
                self.push(self.separator);
            } else if count > 0 {
                self.push(self.separator.trim_end());
                // One line break, and a blank line for each further axis.
                for _ in inner {
                    self.wrap(start + 1)?;
                }
            }
            match position {
                Some(_) => self.axis(inner, start + 1)?,
                None => self.word("...", start + 1)?,
            }
        }
        self.push("]");
        Ok(())
    }

    /// Adds a word, on a new line if it does not fit on this one. The lines of a
    /// word stay below each other.
    fn word(&mut self, word: &str, start: usize) -> fmt::Result {
        let widest = word.lines().map(width).max().unwrap_or(0);
        // A line that holds nothing yet is not wrapped: it would not help.
        if self.column > start && self.column.saturating_add(widest) > self.room {
            self.wrap(start)?;
        }
        let left = self.column;
        for (count, part) in word.lines().enumerate() {
            if count > 0 {
                self.wrap(left)?;
            }
            self.push(part);
        }
        // What follows stands clear of the widest line.
        self.push(&spaces((left + widest).saturating_sub(self.column)));
        Ok(())
    }

    fn push(&mut self, text: &str) {
        self.line.push_str(text);
        self.column += width(text);
    }

    /// Ends the line and begins the next at column `start`.
    fn wrap(&mut self, start: usize) -> fmt::Result {
        self.out.write_str(self.line.trim_end())?;
        self.out.write_char('\n')?;
        self.line = spaces(start);
        self.column = start;
        Ok(())
    }
}

/// How the elements of one array become words.
enum Formatter {
    /// Each as it prints on its own, brought to a common width.
    Aligned { width: usize },
    /// Each with its point below the point of the others.
    Float(FloatFormat),
    /// Two numbers each: NumPy's `ComplexFloatingFormat`.
    Complex(FloatFormat, FloatFormat),
}

impl Formatter {
    /// The formatter for `items`, which are of one kind.
    fn new(items: &[Item], precision: usize) -> Self {
        let reals: Vec<Real> = items.iter().filter_map(Real::of).collect();
        if !reals.is_empty() {
            return Self::Float(FloatFormat::new(&reals, precision, false));
        }
        let (reals, imaginaries): (Vec<Real>, Vec<Real>) = items.iter().filter_map(Real::parts).unzip();
        if !reals.is_empty() {
            let imaginary = FloatFormat::new(&imaginaries, precision, true);
            return Self::Complex(FloatFormat::new(&reals, precision, false), imaginary);
        }
        let widths = items.iter().map(|item| match item {
            // NumPy makes room for `False` even where there is none.
            Item::Bool(_) => 5,
            Item::Text(text) if is_block(text) => 0,
            Item::Quoted(_) => 0,
            item => width(&item.to_string()),
        });
        Self::Aligned { width: widths.max().unwrap_or(0) }
    }

    fn word(&self, item: &Item) -> String {
        match (self, Real::of(item), Real::parts(item)) {
            (Self::Aligned { width }, ..) => align(item.to_string(), *width),
            (Self::Float(format), Some(real), _) => format.word(real),
            (Self::Complex(real, imaginary), _, Some((re, im))) => {
                let im = imaginary.word(im);
                let end = im.trim_end().len();
                format!("{}{}j{}", real.word(re), &im[..end], &im[end..])
            }
            (Self::Float(_) | Self::Complex(..), ..) => item.to_string(),
        }
    }
}

/// The columns of floating-point numbers: NumPy's `FloatingFormat` in the mode
/// `maxprec`, which is its default.
struct FloatFormat {
    /// Whether every number is written with an exponent.
    exponential: bool,
    /// The fewest and the most digits after the point.
    digits: (usize, usize),
    /// The width before the point.
    left: usize,
    /// The width after the point.
    right: usize,
    /// The digits of the exponent.
    exponent: usize,
    /// Whether positive numbers have a sign.
    plus: bool,
}

impl FloatFormat {
    fn new(reals: &[Real], precision: usize, plus: bool) -> Self {
        let (finite, others): (Vec<Real>, Vec<Real>) = reals.iter().partition(|real| real.value.is_finite());
        let exponential = Real::need_exponent(&finite);
        let (mut left, mut right, mut exponent) = (0, 0, 2);
        for real in finite {
            let decimal = real.decimal(exponential, (0, precision));
            left = left.max(signed(decimal.whole, plus).len());
            right = right.max(decimal.fraction.len());
            exponent = exponent.max(decimal.exponent.abs().to_string().len());
        }
        let mut digits = (0, precision);
        if exponential {
            // All show the digits of the longest, and then the exponent.
            digits = (right, right);
            right += exponent + 2;
        }
        for real in others {
            left = left.max(signed(real.scalar(), plus).len().saturating_sub(right + 1));
        }
        Self { exponential, digits, left, right, exponent, plus }
    }

    fn word(&self, real: Real) -> String {
        if !real.value.is_finite() {
            return align(signed(real.scalar(), self.plus), self.left + 1 + self.right);
        }
        let Decimal { whole, fraction, exponent } = real.decimal(self.exponential, self.digits);
        let tail = if self.exponential {
            format!("e{exponent:+0size$}", size = self.exponent + 1)
        } else {
            spaces(self.right.saturating_sub(fraction.len()))
        };
        format!("{}.{fraction}{tail}", align(signed(whole, self.plus), self.left))
    }
}

/// The number with a sign, if positive ones shall have one.
fn signed(number: String, plus: bool) -> String {
    if plus && !number.starts_with('-') { format!("+{number}") } else { number }
}

/// A complex number on its own, as `str` prints it.
fn complex_scalar((re, im): (Real, Real)) -> String {
    let part = |real: Real| {
        let text = real.scalar();
        text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
    };
    if re.value == 0.0 && re.value.is_sign_positive() {
        return format!("{}j", part(im));
    }
    format!("({}{}j)", part(re), signed(part(im), true))
}

/// A floating-point number, held as the `f64` of the same value, with the type
/// that says how many digits it takes to name.
#[derive(Clone, Copy)]
struct Real {
    value: f64,
    size: FloatSize,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum FloatSize {
    #[cfg(feature = "half")]
    Half,
    Single,
    Double,
}

impl FloatSize {
    /// The nearest number of the type.
    fn round(self, value: f64) -> f64 {
        match self {
            #[cfg(feature = "half")]
            Self::Half => round_to_half(value),
            Self::Single => (value as f32).into(),
            Self::Double => value,
        }
    }

    /// From where on an array's numbers are written with an exponent: ten to the
    /// type's digits, at most 8 of them.
    fn large(self) -> f64 {
        match self {
            #[cfg(feature = "half")]
            Self::Half => 1e3,
            Self::Single => 1e6,
            Self::Double => 1e8,
        }
    }
}

impl Real {
    fn of(item: &Item) -> Option<Self> {
        let (value, size) = match *item {
            #[cfg(feature = "half")]
            Item::F16(value) => (value.into(), FloatSize::Half),
            Item::F32(value) => (value.into(), FloatSize::Single),
            Item::F64(value) => (value, FloatSize::Double),
            _ => return None,
        };
        Some(Self { value, size })
    }

    /// The real and the imaginary part of a complex number.
    fn parts(item: &Item) -> Option<(Self, Self)> {
        match *item {
            #[cfg(feature = "num-complex")]
            Item::Complex32([re, im]) => Self::of(&Item::F32(re)).zip(Self::of(&Item::F32(im))),
            #[cfg(feature = "num-complex")]
            Item::Complex64([re, im]) => Self::of(&Item::F64(re)).zip(Self::of(&Item::F64(im))),
            _ => None,
        }
    }

    /// Whether numbers are too large, too small or too far apart to be written
    /// without an exponent. Whatever is decided for `f32` is decided in `f32`.
    fn need_exponent(finite: &[Real]) -> bool {
        let sizes = finite.iter().map(|real| real.value.abs());
        let max = sizes.clone().fold(0.0, f64::max);
        let min = sizes.filter(|&n| n > 0.0).fold(f64::INFINITY, f64::min);
        let size = finite.iter().map(|real| real.size).min().unwrap_or(FloatSize::Double);
        max >= size.large() || min < size.round(1e-4) || size.round(max / min) > 1e3
    }

    /// The number (which is finite) in decimal: the shortest text that tells it
    /// from every other of its type, but for a least and a most number of digits
    /// after the point.
    fn decimal(self, exponential: bool, (least, most): (usize, usize)) -> Decimal {
        let value = self.value;
        let mut decimal = Decimal::parse(&match (exponential, self.size) {
            #[cfg(feature = "half")]
            (_, FloatSize::Half) => half_digits(value, exponential),
            (true, FloatSize::Single) => format!("{:e}", value as f32),
            (true, FloatSize::Double) => format!("{value:e}"),
            (false, FloatSize::Single) => format!("{}", value as f32),
            (false, FloatSize::Double) => format!("{value}"),
        });
        let enough = decimal.fraction.len();
        let places = enough.max(least).min(most);
        let rounded = if exponential { format!("{value:.places$e}") } else { format!("{value:.places$}") };
        let reads_back = match self.size {
            FloatSize::Single => rounded.parse() == Ok(value as f32),
            size => rounded.parse().is_ok_and(|read| size.round(read) == value),
        };
        // To stop early or late, Dragon4 rounds the exact value, half to even; a
        // tie between two shortest texts it settles likewise. The shortest text
        // stands only where the nearest decimal does not read back as the
        // number, as can happen at a power of two.
        if places < enough || reads_back {
            decimal = Decimal::parse(&rounded);
        }
        let fraction = &mut decimal.fraction;
        fraction.extend(iter::repeat_n('0', places.saturating_sub(fraction.len())));
        while fraction.len() > least && fraction.ends_with('0') {
            fraction.pop();
        }
        decimal
    }

    /// The number as `str` prints it on its own.
    fn scalar(self) -> String {
        let size = self.value.abs();
        if !size.is_finite() {
            return self.value.to_string().to_lowercase();
        }
        let large = if self.size == FloatSize::Double { 1e16 } else { self.size.large() };
        let exponential = size != 0.0 && !(1e-4..large).contains(&size);
        let Decimal { whole, fraction, exponent } = self.decimal(exponential, (0, usize::MAX));
        match (exponential, fraction.as_str()) {
            (false, "") => format!("{whole}.0"),
            (false, _) => format!("{whole}.{fraction}"),
            (true, "") => format!("{whole}e{exponent:+03}"),
            (true, _) => format!("{whole}.{fraction}e{exponent:+03}"),
        }
    }
}

/// The nearest `f16`, half to even; `f16::from_f64` leaves out the last bits.
#[cfg(feature = "half")]
fn round_to_half(value: f64) -> f64 {
    let exponent = (value.to_bits() >> 52 & 0x7ff) as i32 - 1023;
    // The distance of two `f16`s there: a power of two, by which division is exact.
    let step = 2_f64.powi(exponent.max(-14) - 10);
    let rounded = (value / step).round_ties_even() * step;
    if rounded.abs() < 65_536.0 { rounded } else { f64::INFINITY.copysign(value) }
}

/// The fewest digits that tell a finite `f16` from every other, which Rust does
/// not find by itself.
#[cfg(feature = "half")]
fn half_digits(value: f64, exponential: bool) -> String {
    // The nearest decimal, or the nearest above: at a power of two there is more
    // room on that side.
    let above = value * (1.0 + 2_f64.powi(-12));
    let candidates = (0..5).flat_map(|places| [(value, places), (above, places)]);
    let text = |(near, places): (f64, usize)| format!("{near:.places$e}");
    let reads_back = |text: &str| text.parse().is_ok_and(|read| round_to_half(read) == value);
    let (near, places) = candidates.into_iter().find(|&near| reads_back(&text(near))).unwrap_or((value, 5));
    let shortest = text((near, places));
    if exponential {
        return shortest;
    }
    let exponent = Decimal::parse(&shortest).exponent;
    let places = usize::try_from(places as i32 - exponent).unwrap_or(0);
    format!("{near:.places$}")
}

/// A finite number as text: `whole.fraction`, times ten to the `exponent`.
struct Decimal {
    /// The digits before the point, after the sign if there is one.
    whole: String,
    fraction: String,
    exponent: i32,
}

impl Decimal {
    fn parse(text: &str) -> Self {
        let (number, exponent) = text.split_once('e').unwrap_or((text, ""));
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        Self { whole: whole.to_owned(), fraction: fraction.to_owned(), exponent: exponent.parse().unwrap_or(0) }
    }
}

fn width(text: &str) -> usize {
    text.chars().count()
}

fn spaces(count: usize) -> String {
    " ".repeat(count)
}

/// Whether a word has several lines.
fn is_block(word: &str) -> bool {
    word.lines().nth(1).is_some()
}

/// The word with spaces before it to fill `size`, unless it has several lines.
fn align(word: String, size: usize) -> String {
    if is_block(&word) {
        return word;
    }
    spaces(size.saturating_sub(width(&word))) + &word
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFINITY: f64 = f64::INFINITY;
    const NAN: f64 = f64::NAN;

    fn with(options: PrintOptions, shape: &[usize], items: Vec<Item>) -> String {
        let mut out = String::new();
        let mut at = |index: &[usize]| {
            let place = index.iter().zip(shape).fold(0, |place, (i, n)| place * n + i);
            items[place].clone()
        };
        write_array(&mut out, shape, &mut at, &options).unwrap();
        out
    }

    fn str(shape: &[usize], items: Vec<Item>) -> String {
        with(PrintOptions::str(), shape, items)
    }

    fn repr(shape: &[usize], items: Vec<Item>) -> String {
        with(PrintOptions::repr(), shape, items)
    }

    fn bools<const N: usize>(values: [bool; N]) -> Vec<Item> {
        values.map(Item::Bool).into()
    }

    fn ints<const N: usize>(values: [i128; N]) -> Vec<Item> {
        values.map(Item::Int).into()
    }

    fn f32s<const N: usize>(values: [f32; N]) -> Vec<Item> {
        values.map(Item::F32).into()
    }

    fn f64s<const N: usize>(values: [f64; N]) -> Vec<Item> {
        values.map(Item::F64).into()
    }

    fn texts<const N: usize>(values: [&str; N]) -> Vec<Item> {
        values.map(|text| Item::Text(text.into())).into()
    }

    fn count(size: i128) -> Vec<Item> {
        (0..size).map(Item::Int).collect()
    }

    // What is expected below is what NumPy 2.4.6 prints.

    #[test]
    fn an_array_of_many_short_axes_shows_few_elements() {
        let mut asked = 0;
        let mut text = String::new();
        let mut at = |_: &[usize]| {
            asked += 1;
            Item::Int(7)
        };
        write_array(&mut text, &[2; 32], &mut at, &PrintOptions::str()).unwrap();
        assert!(asked <= MOST_SHOWN && text.len() < 10_000 && text.contains("..."), "{asked} {text}");
        let mut many = String::new();
        write_array(&mut many, &[6; 8], &mut |_| Item::Int(7), &PrintOptions::str()).unwrap();
        assert!(many.len() < 1_000_000);
    }

    #[test]
    fn integers_and_booleans() {
        // Integers share a width.
        assert_eq!(str(&[3], ints([1, -20, 300])), "[  1 -20 300]");
        // The widest integers fit.
        assert_eq!(str(&[2], ints([u64::MAX.into(), 0])), "[18446744073709551615                    0]");
        // And the most negative.
        assert_eq!(str(&[2], ints([i64::MIN.into(), 7])), "[-9223372036854775808                    7]");
        // Booleans leave room for `False`.
        assert_eq!(repr(&[2], bools([true, true])), "[ True,  True]");
    }

    #[test]
    fn floats_without_exponent() {
        // Decimal points stand below each other.
        assert_eq!(
            str(&[3, 1], f64s([1.5, -20.25, 300.0])),
            "\
[[  1.5 ]
 [-20.25]
 [300.  ]]"
        );
        // There are no more than 8 digits after the point.
        assert_eq!(str(&[2], f64s([1.0 / 3.0, 0.1])), "[0.33333333 0.1       ]");
        // An `f32` prints the digits it takes to name an `f32`.
        assert_eq!(str(&[2], f32s([0.1, 1.0 / 3.0])), "[0.1        0.33333334]");
        // A tie between shortest digits goes to even.
        assert_eq!(str(&[1], f64s([67_108_864.0 + 1.0 / 512.0])), "[67108864.00195312]");
        // Precision is the most digits shown.
        let options = PrintOptions { precision: 2, ..PrintOptions::str() };
        assert_eq!(with(options, &[2], f64s([0.125, 9.996])), "[ 0.12 10.  ]");
        // `nan` and `inf` end where the numbers do.
        assert_eq!(str(&[4], f64s([1.25, NAN, INFINITY, -INFINITY])), "[1.25  nan  inf -inf]");
        // With no number beside them, they have a width of their own.
        assert_eq!(str(&[2], f64s([NAN, -INFINITY])), "[ nan -inf]");
    }

    #[test]
    fn floats_with_exponent() {
        // An exponent is used from 1e8.
        assert_eq!(str(&[2], f64s([1e8, 1e6])), "[1.e+08 1.e+06]");
        // But not below.
        assert_eq!(str(&[1], f64s([99_999_999.0])), "[99999999.]");
        // It is used from 1e6 for `f32`.
        assert_eq!(str(&[1], f32s([1e6])), "[1.e+06]");
        // It is used below 1e-4, leaving zero aside.
        assert_eq!(str(&[2], f64s([0.00009, -0.0])), "[ 9.e-05 -0.e+00]");
        // It is used when one number is more than 1000 times another.
        assert_eq!(str(&[2], f64s([0.1, 101.0])), "[1.00e-01 1.01e+02]");
        // But not 1000 times.
        assert_eq!(str(&[2], f64s([0.125, 125.0])), "[  0.125 125.   ]");
        // All show the digits of the longest.
        assert_eq!(str(&[3], f64s([1.25e10, -3.0, NAN])), "[ 1.25e+10 -3.00e+00       nan]");
        // Exponents share a width.
        assert_eq!(str(&[3], f64s([5e-324, f64::MAX, 1.0])), "[4.94065646e-324 1.79769313e+308 1.00000000e+000]");
        // An `f32` may be subnormal or the largest.
        assert_eq!(str(&[2], f32s([1e-45, f32::MAX])), "[1.4012985e-45 3.4028235e+38]");
    }

    #[cfg(feature = "half")]
    #[test]
    fn halves_have_their_own_digits() {
        let f16s = |values: &[f32]| values.iter().map(|&value| Item::F16(half::f16::from_f32(value))).collect();
        // Four digits tell most of them.
        assert_eq!(str(&[3], f16s(&[1.0 / 3.0, 0.1, -2.0])), "[ 0.3333  0.1    -2.    ]");
        // An exponent is used from 1000.
        assert_eq!(str(&[3], f16s(&[1.0, 0.5, 1000.0])), "[1.e+00 5.e-01 1.e+03]");
        // But not below.
        assert_eq!(str(&[2], f16s(&[160.75, 999.5])), "[160.8 999.5]");
        // The least and the greatest.
        assert_eq!(str(&[2], f16s(&[6e-8, 65504.0])), "[5.96e-08 6.55e+04]");
        // At a power of two the nearest text of four digits is another number's.
        assert_eq!(str(&[1], f16s(&[0.015625])), "[0.01563]");
        // What `f16::from_f64` rounds wrongly.
        assert_eq!(str(&[1], vec![Item::F16(half::f16::from_bits(987))]), "[5.88e-05]");
        // Alone, an exponent is used from 1000, too.
        assert_eq!(str(&[], f16s(&[1234.0])), "1.234e+03");
        assert_eq!(repr(&[], f16s(&[-0.0])), "-0.");
    }

    #[cfg(feature = "num-complex")]
    #[test]
    fn complex_numbers() {
        let c16s = |values: &[[f64; 2]]| values.iter().copied().map(Item::Complex64).collect();
        // Parts stand below each other, the imaginary ones with a sign.
        assert_eq!(str(&[3], c16s(&[[1.0, 2.0], [-3.25, -0.5], [NAN, 0.0]])), "[ 1.  +2.j  -3.25-0.5j   nan+0.j ]");
        // Each part has its own format.
        assert_eq!(str(&[2], c16s(&[[0.0, 1e20], [1.0, -1.0]])), "[0.+1.e+20j 1.-1.e+00j]");
        // `inf` and `nan` end where the numbers do.
        assert_eq!(
            str(&[2, 1], c16s(&[[1.0 / 3.0, 1.0 / 3.0], [INFINITY, -INFINITY]])),
            "\
[[0.33333333+0.33333333j]
 [       inf       -infj]]"
        );
        assert_eq!(repr(&[1], c16s(&[[NAN, NAN]])), "[nan+nanj]");
        // Parts of `f32` have the digits of `f32`.
        assert_eq!(str(&[1], vec![Item::Complex32([0.1, 1.0 / 3.0])]), "[0.1+0.33333334j]");
        // Alone, as Python prints one.
        assert_eq!(str(&[], c16s(&[[1.0, -0.0]])), "(1-0j)");
        assert_eq!(str(&[], c16s(&[[0.0, 2.0]])), "2j");
        assert_eq!(str(&[], vec![Item::Complex32([1e6, f32::NAN])]), "(1e+06+nanj)");
        assert_eq!(repr(&[], c16s(&[[1.0, 2.0]])), "1.+2.j");
    }

    #[test]
    fn arrays_of_no_axes_and_of_no_elements() {
        // `str` is that of the element alone.
        assert_eq!(str(&[], f64s([1.5])), "1.5");
        // Which takes an exponent from 1e16.
        assert_eq!(str(&[], f64s([1e20])), "1e+20");
        // Or from 1e6 for f32.
        assert_eq!(str(&[], f32s([1_234_567.0])), "1.234567e+06");
        // `repr` is that of an element among others.
        assert_eq!(repr(&[], f64s([1e20])), "1.e+20");
        // Except that a boolean is not padded.
        assert_eq!(repr(&[], bools([true])), "True");
        // No elements are always one pair of brackets.
        assert_eq!(repr(&[3, 0, 2], vec![]), "[]");
    }

    #[test]
    fn rows_and_brackets() {
        // A row wraps at column 75.
        assert_eq!(
            str(&[30], count(30)),
            "\
[ 0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16 17 18 19 20 21 22 23
 24 25 26 27 28 29]"
        );
        // And goes on under the prefix.
        assert_eq!(
            repr(&[22], count(22)),
            "\
[ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16,
       17, 18, 19, 20, 21]"
        );
        // With room for the suffix and the closing brackets.
        let options = PrintOptions { line_width: 20, suffix: "))", ..PrintOptions::repr() };
        assert_eq!(
            with(options, &[1, 5], count(5)),
            "\
[[0, 1, 2,
        3, 4]]"
        );
        // A word too wide for any line is not moved.
        let options = PrintOptions { line_width: 2, ..PrintOptions::str() };
        assert_eq!(
            with(options, &[2], ints([12345, 6])),
            "\
[12345
     6]"
        );
        // A matrix has a row to a line.
        assert_eq!(
            repr(&[2, 3], count(6)),
            "\
[[0, 1, 2],
       [3, 4, 5]]"
        );
        // Planes are set apart by a blank line.
        assert_eq!(
            str(&[2, 2, 2], count(8)),
            "\
[[[0 1]
  [2 3]]

 [[4 5]
  [6 7]]]"
        );
        // And volumes by two.
        assert_eq!(
            repr(&[2, 1, 2, 1], count(4)),
            "\
[[[[0],
         [1]]],


       [[[2],
         [3]]]]"
        );
    }

    #[test]
    fn abridging() {
        // An array as large as the threshold prints whole.
        assert_eq!(str(&[1, 1000], count(1000)).len(), 4113);
        // A larger one keeps three items at each end.
        assert_eq!(repr(&[1001], count(1001)), "[   0,    1,    2, ...,  998,  999, 1000]");
        // Along its long axes only.
        assert_eq!(
            str(&[6, 200], count(1200)),
            "\
[[   0    1    2 ...  197  198  199]
 [ 200  201  202 ...  397  398  399]
 [ 400  401  402 ...  597  598  599]
 [ 600  601  602 ...  797  798  799]
 [ 800  801  802 ...  997  998  999]
 [1000 1001 1002 ... 1197 1198 1199]]"
        );
        // Or as many as asked for.
        let options = PrintOptions { threshold: 5, edge_items: 1, ..PrintOptions::str() };
        assert_eq!(
            with(options, &[3, 3, 2], count(18)),
            "\
[[[ 0  1]
  ...
  [ 4  5]]

 ...

 [[12 13]
  ...
  [16 17]]]"
        );
        // The format follows what is shown.
        let options = PrintOptions { threshold: 2, edge_items: 1, ..PrintOptions::str() };
        assert_eq!(with(options, &[3], f64s([1.0, 1e-9, 2.5])), "[1.  ... 2.5]");
    }

    #[test]
    fn text_is_aligned_and_keeps_its_lines() {
        // Words of one line end in one column.
        assert_eq!(str(&[2], texts(["é", "(1, 2)"])), "[     é (1, 2)]");
        // As NumPy 2.4.6 prints objects with these representations.
        assert_eq!(repr(&[2], texts(["x: 1\ny: 22", "x: 3"])), "[x: 1\n       y: 22, x: 3]");
        // Strings are not aligned.
        let strings = ["'a'", "'bbb'"].map(|text| Item::Quoted(text.into()));
        assert_eq!(str(&[2], strings.into()), "['a' 'bbb']");
        // Alone, text is left as it is.
        assert_eq!(repr(&[], texts(["x: 1\ny: 22"])), "x: 1\ny: 22");
    }

    #[test]
    fn only_what_is_shown_is_read() {
        let mut read = Vec::new();
        let mut out = String::new();
        let mut at = |index: &[usize]| {
            read.push(index.to_vec());
            Item::Int(7)
        };
        let shape = [1 << 20, 1 << 20];
        write_array(&mut out, &shape, &mut at, &PrintOptions::str()).unwrap();
        assert_eq!(read.len(), 36);
        assert_eq!(read[35], [(1 << 20) - 1, (1 << 20) - 1]);
        assert_eq!(out.lines().count(), 7);
        assert_eq!(out.lines().last(), Some(" [7 7 7 ... 7 7 7]]"));
    }

    #[test]
    fn a_size_past_usize_is_abridged() {
        let options = PrintOptions::str();
        assert!(options.abridges(&[usize::MAX, usize::MAX]));
        assert!(!options.abridges(&[usize::MAX, usize::MAX, 0]));
        let mut out = String::new();
        write_array(&mut out, &[usize::MAX; 2], &mut |_| Item::Bool(true), &options).unwrap();
        assert_eq!(out.lines().count(), 7);
    }

    #[test]
    fn no_setting_is_too_small_or_too_large() {
        for extreme in [0, usize::MAX] {
            let options = PrintOptions {
                precision: extreme,
                threshold: extreme,
                edge_items: extreme,
                line_width: extreme,
                ..PrintOptions::repr()
            };
            for number in [0.1, 5e-324, f64::MAX, NAN] {
                with(options.clone(), &[2], f64s([number, -1.0]));
            }
            let long = "x".repeat(100_000);
            with(options, &[1, 3], texts([&long, "", "\n\n"]));
        }
        // NumPy, too, shows the last item.
        let options = PrintOptions { threshold: 0, edge_items: 0, ..PrintOptions::str() };
        assert_eq!(with(options, &[9], count(9)), "[... 8]");
    }

    #[test]
    fn items_of_unlike_kinds_print() {
        let items = vec![Item::F64(1.5), Item::Int(2), Item::F32(0.1)];
        assert_eq!(str(&[3], items), "[1.5 2 0.1]");
    }
}
