//! Elements in the printer's representation.

use super::wide::Wide;

/// An element in the printer's representation.
#[derive(Clone, Debug)]
pub enum Item {
    /// `True` or `False`.
    Bool(bool),
    /// An integer of any width and sign.
    Int(i128),
    /// A number printed with the digits that distinguish it from other `f32`s.
    F32(f32),
    /// A number printed with the digits that distinguish it from other `f64`s.
    F64(f64),
    /// An `f16`, printed with the digits that distinguish it from other `f16`s.
    F16(f32),
    /// A complex number: the real and the imaginary part, printed as `f32`s.
    Complex32([f32; 2]),
    /// A complex number: the real and the imaginary part, printed as `f64`s.
    Complex64([f64; 2]),
    /// A number of more digits than an `f64` has.
    Wide(Wide),
    /// A complex number whose parts have more digits than an `f64` has.
    ComplexWide([Wide; 2]),
    /// Any other element as text, possibly of several lines.
    Text(String),
    /// Text that is not padded to a common width: NumPy's strings, in quotes.
    Quoted(String),
    /// Text of NumPy's bytes, not padded to a common width, to which the type is added if the array is 0-d.
    Bytes(String),
    /// The fields of a record.
    Record(Vec<Item>),
    /// A subarray: its shape, the elements that are shown, in the order of printing, and others that only affect the
    /// width.
    Array { shape: Vec<usize>, edge_items: Option<usize>, shown: Vec<Item>, hidden: Vec<Item> },
}

pub(super) fn width(text: &str) -> usize {
    text.chars().count()
}

pub(super) fn spaces(count: usize) -> String {
    " ".repeat(count)
}

/// Returns whether a word has several lines.
pub(super) fn is_block(word: &str) -> bool {
    word.lines().nth(1).is_some()
}

/// Returns the word padded on the left to `size`, unless it has several lines.
pub(super) fn align(word: String, size: usize) -> String {
    if is_block(&word) {
        return word;
    }
    spaces(size.saturating_sub(width(&word))) + &word
}
