//! Printing of arrays as NumPy prints them.
//!
//! An array may be larger than memory, and is often first read by a person at a prompt, so printing must be cheap (only
//! the corners of a large array are read) and the output familiar. The rules are those of `arrayprint.py` in NumPy 2.4,
//! with the digits of its Dragon4, and the text is meant to equal NumPy's byte for byte.
//!
//! Printing takes two passes. The first reads the elements to be shown and builds a [`Formatter`] from them, which
//! determines the widths of words so that the columns line up. The second lays the words out in lines and brackets,
//! independently of their meaning. A new kind of element needs a variant of [`Item`] and perhaps one of [`Formatter`];
//! the layout remains the same.

mod decimal;
mod item;
mod number;
#[cfg(test)]
mod tests;
mod wide;

pub(crate) use item::Item;
use item::{align, is_block, spaces, width};
#[cfg(any(feature = "float8", feature = "half"))]
pub(crate) use number::six_digits;
use number::{FloatFormat, Real, complex_scalar};
use std::cell::Cell;
use std::fmt::{self, Write};
use std::slice;
pub(crate) use wide::{Rounding, Size, Wide};

impl Item {
    /// Returns the replacement for items that are not read after the limit.
    pub(crate) fn omitted() -> Self {
        Self::Text("...".into())
    }

    /// Formats a float, or the floats of a complex number, with at most `precision` digits after the point; any other
    /// item as it is.
    pub(crate) fn with_digits(&self, precision: usize) -> String {
        if Real::of(self).is_none() && Real::parts(self).is_none() {
            return self.to_string();
        }
        Formatter::new(&[self], Manner { precision, single: true, plain_floats: false }).word(self).trim().to_owned()
    }

    /// Returns the representation of the element of a 0-d array, which `str` prints as the element on its own, except
    /// that bytes are printed as NumPy 2.4's `repr` of them.
    pub(crate) fn of_array(self) -> Self {
        match self {
            Self::Bytes(text) => Self::Quoted(format!("np.bytes_({text})")),
            other => other,
        }
    }

    /// Writes the element on its own, with the formatter's precision and width.
    pub(crate) fn write_alone(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = f.precision().map_or_else(|| self.to_string(), |digits| self.with_digits(digits));
        match (f.width(), f.align()) {
            (None, _) => f.write_str(&text),
            (Some(width), Some(fmt::Alignment::Left)) => write!(f, "{text:<width$}"),
            (Some(width), Some(fmt::Alignment::Center)) => write!(f, "{text:^width$}"),
            (Some(width), _) => write!(f, "{text:>width$}"),
        }
    }

    /// Returns the subarray of `shape` whose element at a position in C order is `at(position)`, and whose elements
    /// have `leaves` scalars each.
    pub(crate) fn array(
        shape: Vec<usize>,
        leaves: usize,
        options: &PrintOptions,
        at: &mut dyn FnMut(usize) -> Item,
    ) -> Self {
        let len = shape.iter().fold(1, |size: usize, &len| size.saturating_mul(len));
        let mut edge_items = options.edges(&shape);
        // Nothing at all can be in a great many brackets.
        let brackets = shape.iter().fold(1, |size: usize, &len| size.saturating_mul(len.max(1)));
        if len == 0 && brackets > MOST_SHOWN {
            edge_items = Some(0);
        }
        if !options.take_room(brackets.min(MOST_SHOWN)) {
            return Self::omitted();
        }
        let (mut shown, mut hidden) = (Vec::new(), Vec::new());
        collect(&shape, edge_items, &mut |index| at(position(&shape, index)), &mut shown);
        // NumPy makes room for what it leaves out.
        if shown.len() < len && len.saturating_mul(leaves) < options.room.get() {
            hidden = (0..len).map(at).collect();
        }
        Self::Array { shape, edge_items, shown, hidden }
    }
}

/// Returns the position of an index in C order.
fn position(shape: &[usize], index: &[usize]) -> usize {
    shape.iter().zip(index).fold(0, |position, (len, index)| position * len + index)
}

/// Formats the element on its own, as `str` prints a NumPy scalar.
impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(true) => f.write_str("True"),
            Self::Bool(false) => f.write_str("False"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Text(text) | Self::Quoted(text) | Self::Bytes(text) => f.write_str(text),
            // As `str` prints a NumPy record: floats as they print on their own.
            Self::Record(_) | Self::Array { .. } => {
                let precision = PrintOptions::str().precision;
                f.write_str(&Formatter::new(&[self], Manner { precision, single: true, plain_floats: true }).word(self))
            }
            number => match (Real::of(number), Real::parts(number)) {
                (Some(real), _) => f.write_str(&real.scalar()),
                (None, Some(parts)) => f.write_str(&complex_scalar(parts)),
                (None, None) => Ok(()),
            },
        }
    }
}

/// The options of `numpy.set_printoptions` and `numpy.array2string`.
#[derive(Clone, Debug)]
pub struct PrintOptions {
    /// The maximum number of digits after the decimal point.
    pub(crate) precision: usize,
    /// The number of elements above which an array is abridged; `usize::MAX` never abridges.
    pub(crate) threshold: usize,
    /// The number of items that an abridged axis shows at each end.
    pub(crate) edge_items: usize,
    /// The column at which lines wrap.
    pub(crate) line_width: usize,
    /// The separator between two elements.
    pub(crate) separator: &'static str,
    /// The text that the caller wrote before the array: later lines are indented by its width.
    pub(crate) prefix: &'static str,
    /// The text that the caller will write after the array: lines leave space for it.
    pub(crate) suffix: &'static str,
    /// Whether a 0-d array prints as its element does on its own (`str`), rather than as an element of an array
    /// (`repr`).
    pub(crate) scalar: bool,
    /// The number of parts of records and subarrays that may still be read.
    pub(crate) room: Cell<usize>,
}

impl PrintOptions {
    /// Returns NumPy's defaults for `str(a)`.
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
            room: Cell::new(MOST_PARTS),
        }
    }

    /// Returns NumPy's defaults for the bracketed part of `repr(a)`.
    pub(crate) fn repr() -> Self {
        Self { separator: ", ", prefix: "array(", suffix: ")", scalar: false, ..Self::str() }
    }

    /// Returns whether an array of this shape is abridged.
    pub(crate) fn abridges(&self, shape: &[usize]) -> bool {
        // A product that saturates on the way to a zero still ends at zero.
        let size = shape.iter().fold(1, |size: usize, &n| size.saturating_mul(n));
        size > self.threshold
    }

    /// Returns whether `count` more parts of elements may be read, and counts them as read; if not, no further parts
    /// may be read.
    pub(crate) fn take_room(&self, count: usize) -> bool {
        let left = self.room.get().checked_sub(count);
        self.room.set(left.unwrap_or(0));
        left.is_some()
    }

    /// Returns the number of items that an abridged array of this shape shows at each end of an axis, or `None` if it
    /// is shown whole.
    fn edges(&self, shape: &[usize]) -> Option<usize> {
        // Many short axes have no middle to leave out until the edges are narrower.
        let mut edges = (0..=self.edge_items.min(MOST_SHOWN)).rev();
        self.abridges(shape).then(|| edges.find(|&edge| few_are_shown(shape, edge)).unwrap_or(0))
    }
}

/// The maximum number of elements that an abridged array shows. NumPy has no such limit: of an array of 64 axes of
/// length 2 it shows all 2^64 elements.
const MOST_SHOWN: usize = 1 << 16;

/// The maximum number of parts of records and subarrays that are read, after which dots stand for all others. NumPy has
/// no such limit.
const MOST_PARTS: usize = 1 << 19;

fn few_are_shown(shape: &[usize], edge_items: usize) -> bool {
    let shown = shape.iter().map(|&len| if edge_items.saturating_mul(2) < len { 2 * edge_items.max(1) } else { len });
    shown.fold(1, usize::saturating_mul) <= MOST_SHOWN
}

/// Writes the array of `shape` whose element at an index is `at(index)`.
///
/// Calls `at` once for each element that is shown, and for no other.
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
        let formatter =
            Formatter::new(&[&item], Manner { precision: options.precision, single: true, plain_floats: false });
        return out.write_str(&formatter.word(&item));
    }
    let edge_items = options.edges(shape);
    let mut items = Vec::new();
    collect(shape, edge_items, at, &mut items);
    let manner = Manner { precision: options.precision, single: false, plain_floats: false };
    let formatter = Formatter::new(&items.iter().collect::<Vec<_>>(), manner);

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

/// Writes `repr(a)`: the prefix, the array of `shape`, its shape if the elements do not show it, and `dtype=`.
pub(crate) fn write_repr(
    f: &mut fmt::Formatter<'_>,
    prefix: &'static str,
    shape: &[usize],
    dtype: &str,
    at: &mut dyn FnMut(&[usize], &PrintOptions) -> Item,
) -> fmt::Result {
    let mut options = PrintOptions { prefix, suffix: ",", ..PrintOptions::repr() };
    options.precision = f.precision().unwrap_or(options.precision);
    let mut text = String::from(prefix);
    write_array(&mut text, shape, &mut |index| at(index, &options), &options)?;
    text.push(',');
    let mut extra = String::new();
    if options.abridges(shape) || (shape.contains(&0) && shape.len() != 1) {
        extra = format!("shape={shape:?}, ");
    }
    extra += &format!("dtype={dtype})");
    let last_line = text.rsplit('\n').next().map_or(0, width);
    let break_line = last_line + 1 + extra.len() > options.line_width;
    let spacer = if break_line { format!("\n{}", spaces(prefix.len())) } else { " ".into() };
    write!(f, "{text}{spacer}{extra}")
}

/// Returns the positions shown along an axis of `len` items, with `None` for omitted ones; `edge_items` is given if the
/// array is abridged.
fn shown(len: usize, edge_items: Option<usize>) -> impl Iterator<Item = Option<usize>> {
    // NumPy shows the last item even if asked for no edges.
    let edge = edge_items.filter(|edge| edge.saturating_add((*edge).max(1)) < len);
    let (head, tail) = edge.map_or((0, len), |edge| (edge, edge.max(1)));
    let gap = edge.map(|_| None);
    (0..head).map(Some).chain(gap).chain((len.saturating_sub(tail)..len).map(Some))
}

/// Reads the items that are shown, in the order of printing.
fn collect(shape: &[usize], edge_items: Option<usize>, at: &mut dyn FnMut(&[usize]) -> Item, items: &mut Vec<Item>) {
    if shape.contains(&0) {
        return;
    }
    let positions: Vec<Vec<usize>> = shape.iter().map(|&len| shown(len, edge_items).flatten().collect()).collect();
    // The place of each axis among its positions, and what they are: the last axis goes first.
    let mut places = vec![0; shape.len()];
    let mut index: Vec<usize> = positions.iter().map(|positions| positions[0]).collect();
    loop {
        items.push(at(&index));
        let next = (0..shape.len()).rev().find(|&axis| places[axis] + 1 < positions[axis].len());
        let Some(next) = next else { return };
        places[next] += 1;
        places[next + 1..].fill(0);
        for axis in next..shape.len() {
            index[axis] = positions[axis][places[axis]];
        }
    }
}

/// The layout of words in rows, and of rows in nested brackets.
struct Layout<'a> {
    out: &'a mut dyn Write,
    /// The line being filled; trailing white space is dropped when it wraps.
    line: String,
    /// The column of the next word: the width of the line.
    column: usize,
    /// The column that no word of a row should exceed.
    room: usize,
    separator: &'static str,
    edge_items: Option<usize>,
    words: &'a mut dyn Iterator<Item = String>,
}

impl Layout<'_> {
    /// Prints the axes of `shape`, or a word if there are none, from the column `start` of every line.
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

    /// Adds a word, on a new line if it does not fit on this one. The lines of a word are aligned with each other.
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

    /// Ends the line and begins the next one at column `start`.
    fn wrap(&mut self, start: usize) -> fmt::Result {
        self.out.write_str(self.line.trim_end())?;
        self.out.write_char('\n')?;
        self.line = spaces(start);
        self.column = start;
        Ok(())
    }
}

/// The options shared by the words of all elements.
#[derive(Clone, Copy)]
struct Manner {
    /// The maximum number of digits after a point.
    precision: usize,
    /// Whether the element is not in an array, or in a 0-d array: then a truth value is not padded for the width of
    /// others.
    single: bool,
    /// Whether floats print as they do on their own.
    plain_floats: bool,
}

/// The conversion of the elements of one array into words.
enum Formatter {
    /// Each element as it prints on its own, padded to a common width.
    Aligned { width: usize },
    /// Floats with aligned points.
    Float(FloatFormat),
    /// Complex numbers: NumPy's `ComplexFloatingFormat`.
    Complex(FloatFormat, FloatFormat),
    /// Fields in parentheses, each formatted as a column of its own: NumPy's `StructuredVoidFormat`.
    Record(Vec<Formatter>),
    /// Elements in brackets, all on one line: NumPy's `SubArrayFormat`.
    Array(Box<Formatter>),
}

impl Formatter {
    /// Creates the formatter for `items`, which are of one kind.
    fn new(items: &[&Item], manner: Manner) -> Self {
        let Manner { precision, single, plain_floats } = manner;
        match items.first() {
            Some(Item::Record(fields)) => {
                let column = |field: usize| -> Vec<&Item> {
                    let fields = items.iter().filter_map(|item| match item {
                        Item::Record(fields) => fields.get(field),
                        _ => None,
                    });
                    fields.collect()
                };
                return Self::Record((0..fields.len()).map(|field| Self::new(&column(field), manner)).collect());
            }
            Some(Item::Array { .. }) => {
                let elements = items.iter().flat_map(|item| match item {
                    Item::Array { shown, hidden, .. } => shown.iter().chain(hidden),
                    _ => [].iter().chain(&[]),
                });
                return Self::Array(Box::new(Self::new(
                    &elements.collect::<Vec<_>>(),
                    Manner { single: false, ..manner },
                )));
            }
            _ => {}
        }
        let reals: Vec<Real> = items.iter().filter_map(|item| Real::of(item)).collect();
        if !reals.is_empty() && !plain_floats {
            return Self::Float(FloatFormat::new(&reals, precision, false));
        }
        let (reals, imaginaries): (Vec<Real>, Vec<Real>) = items.iter().filter_map(|item| Real::parts(item)).unzip();
        if !reals.is_empty() {
            let imaginary = FloatFormat::new(&imaginaries, precision, true);
            return Self::Complex(FloatFormat::new(&reals, precision, false), imaginary);
        }
        let widths = items.iter().map(|item| match item {
            // NumPy makes room for `False` even where there is none.
            Item::Bool(_) if !single => 5,
            Item::Text(text) if is_block(text) => 0,
            Item::Quoted(_) | Item::Bytes(_) => 0,
            item if Real::of(item).is_some() => 0,
            item => width(&item.to_string()),
        });
        Self::Aligned { width: widths.max().unwrap_or(0) }
    }

    fn word(&self, item: &Item) -> String {
        match (self, item) {
            (Self::Record(columns), Item::Record(fields)) => {
                let words: Vec<String> = columns.iter().zip(fields).map(|(column, field)| column.word(field)).collect();
                let comma = if words.len() == 1 { "," } else { "" };
                format!("({}{comma})", words.join(", "))
            }
            (Self::Array(format), Item::Array { shape, edge_items, shown, .. }) => {
                let mut word = String::new();
                format.brackets(&mut word, shape, *edge_items, &mut shown.iter());
                word
            }
            (Self::Float(format), item) => Real::of(item).map_or_else(|| item.to_string(), |real| format.word(real)),
            (Self::Complex(real, imaginary), item) => {
                let Some((re, im)) = Real::parts(item) else { return item.to_string() };
                let im = imaginary.word(im);
                let end = im.trim_end().len();
                format!("{}{}j{}", real.word(re), &im[..end], &im[end..])
            }
            (Self::Aligned { width }, item) => align(item.to_string(), *width),
            (Self::Record(_) | Self::Array(_), item) => item.to_string(),
        }
    }

    /// Appends the elements of a subarray, which has at least one axis, in brackets.
    fn brackets(
        &self,
        word: &mut String,
        shape: &[usize],
        edge_items: Option<usize>,
        items: &mut slice::Iter<'_, Item>,
    ) {
        // What is left of each axis whose bracket is open, and whether something is in it.
        let mut open = vec![(false, shown(shape[0], edge_items))];
        word.push('[');
        while let Some((begun, positions)) = open.last_mut() {
            let Some(position) = positions.next() else {
                word.push(']');
                open.pop();
                continue;
            };
            word.push_str(if std::mem::replace(begun, true) { ", " } else { "" });
            match (position, shape.get(open.len())) {
                (None, _) => word.push_str("..."),
                (Some(_), Some(&len)) => {
                    word.push('[');
                    open.push((false, shown(len, edge_items)));
                }
                (Some(_), None) => word.push_str(&items.next().map(|item| self.word(item)).unwrap_or_default()),
            }
        }
    }
}
