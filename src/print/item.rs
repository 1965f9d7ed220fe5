//! What is printed: one element, and the word that stands for it.

use super::wide::Wide;

/// One element, as the printer sees it.
#[derive(Clone, Debug)]
pub enum Item {
    /// `True` or `False`.
    Bool(bool),
    /// An integer of any width and sign.
    Int(i128),
    /// A number printed with the digits that tell it from other `f32`s.
    F32(f32),
    /// A number printed with the digits that tell it from other `f64`s.
    F64(f64),
    /// A number printed with the digits that tell it from other `f16`s, of which it is one.
    F16(f32),
    /// Two numbers, real and imaginary, with the digits of `f32`.
    Complex32([f32; 2]),
    /// The same with the digits of `f64`.
    Complex64([f64; 2]),
    /// A number of more digits than an `f64` has.
    Wide(Wide),
    /// Two of them, real and imaginary.
    ComplexWide([Wide; 2]),
    /// Anything else, already text, possibly of several lines.
    Text(String),
    /// Text that is not brought to a common width: NumPy's strings, in their
    /// quotes.
    Quoted(String),
    /// The same of NumPy's bytes, to which it adds their type where an array
    /// has no axes.
    Bytes(String),
    /// The fields of a record.
    Record(Vec<Item>),
    /// A subarray: its shape, the elements that are shown in the order of
    /// printing, and others that only make room.
    Array { shape: Vec<usize>, edge_items: Option<usize>, shown: Vec<Item>, hidden: Vec<Item> },
}

pub(super) fn width(text: &str) -> usize {
    text.chars().count()
}

pub(super) fn spaces(count: usize) -> String {
    " ".repeat(count)
}

/// Whether a word has several lines.
pub(super) fn is_block(word: &str) -> bool {
    word.lines().nth(1).is_some()
}

/// The word with spaces before it to fill `size`, unless it has several lines.
pub(super) fn align(word: String, size: usize) -> String {
    if is_block(&word) {
        return word;
    }
    spaces(size.saturating_sub(width(&word))) + &word
}
