//! Texts of several types separated by commas, and of types after a number or a shape: `i4,(10,)f4`, `3i4`.
//!
//! `numpy.dtype` accepts these texts and names the fields `f0`, `f1` and so on; headers do not contain them. The rules
//! are those of `_commastring` in `numpy._core._internal`, as of NumPy 2.4.
//!
//! This module refuses a last part that is only a byte order, `i4,<`, which NumPy ignores, a number that is meant as a
//! length, `3S`, and a record of more than 2147483647 bytes, whose size overflows to a negative number in NumPy.

use super::descr::check_shape;
use super::literal::error_at;
use super::typestr::{self, MAX_ITEMSIZE, is_list};
use super::{DType, Endianness};
use crate::error::Result;

impl DType {
    /// Parses a text for which [`is_list`] holds.
    pub(super) fn from_short(text: &str) -> Result<Self> {
        let (mut rest, mut parts, mut is_record) = (text, Vec::new(), false);
        // As NumPy, which sees a shape in front by its comma.
        let unordered = text.strip_prefix(['<', '>', '=', '|']).unwrap_or(text);
        if unordered.starts_with('(') && !unordered.starts_with("()") && !text.contains(',') {
            return Err(error_at(text, 0, format!("there is no type {text:?}; a shape has a comma, as in (2,)i4")));
        }
        while !rest.is_empty() {
            let at = text.len() - rest.len();
            let (dtype, after) = part(rest).map_err(|what| error_at(text, at, what))?;
            parts.push(dtype);
            rest = after.trim_start();
            if let Some(next) = rest.strip_prefix(',') {
                (rest, is_record) = (next.trim_start(), true);
            } else if !rest.is_empty() {
                return Err(error_at(text, text.len() - rest.len(), "expected a comma"));
            }
        }
        let bytes = parts.iter().fold(0, |bytes: usize, part| bytes.saturating_add(part.itemsize()));
        if bytes > MAX_ITEMSIZE {
            return Err(error_at(text, 0, format!("a record of more than {MAX_ITEMSIZE} bytes, NumPy's maximum")));
        }
        match parts.pop() {
            Some(only) if !is_record => Ok(only),
            last => {
                Self::packed_record(parts.into_iter().chain(last).zip(0..).map(|(part, k)| (format!("f{k}"), part)))
            }
        }
    }
}

/// Parses the type at the start of a text, and returns the rest of the text.
fn part(text: &str) -> Result<(DType, &str), String> {
    let (first, rest) = order(text);
    let (repeats, rest) = repeats(rest);
    let (second, rest) = order(rest);
    let end = rest.find(|next: char| !next.is_ascii_alphanumeric() && next != '.' && next != '?').unwrap_or(rest.len());
    let unit = rest[end..].strip_prefix('[').and_then(|unit| {
        let len = unit.find(|next: char| !next.is_ascii_alphanumeric() && next != '.' && next != ',')?;
        (len > 0 && unit[len..].starts_with(']')).then_some(len + 2)
    });
    let (word, rest) = rest.split_at(end + unit.unwrap_or(0));
    let order = match (first, second) {
        (first, second) if [first, second].iter().all(Option::is_some) && known(first) != known(second) => {
            return Err(format!("{text:?} has two byte orders"));
        }
        (first, None) => first,
        (_, second) => second,
    };
    let other = if Endianness::NATIVE == Endianness::Little { '>' } else { '<' };
    let word = if order == Some(other) { format!("{other}{word}") } else { word.to_owned() };
    let dtype = match is_list(&word) {
        true => DType::from_short(&word).map_err(|error| error.to_string())?,
        false => typestr::parse(&word)?,
    };
    let Some(shape) = shape(repeats)? else { return Ok((dtype, rest)) };
    check_shape(&dtype, &shape)?;
    Ok((DType::array(dtype, shape).map_err(|error| error.to_string())?, rest))
}

/// Splits off a leading byte order.
fn order(text: &str) -> (Option<char>, &str) {
    let order = text.chars().next().filter(|first| "<>=|".contains(*first));
    (order, &text[order.map_or(0, char::len_utf8)..])
}

/// Replaces `=` by the byte order that it denotes.
fn known(order: Option<char>) -> Option<char> {
    let native = if Endianness::NATIVE == Endianness::Little { '<' } else { '>' };
    order.map(|order| if order == '=' { native } else { order })
}

/// Splits off the text of a leading shape: ` *[(]?[ ,0-9]*[)]? *`.
fn repeats(text: &str) -> (&str, &str) {
    let rest = text.trim_start_matches(' ');
    let rest = rest.strip_prefix('(').unwrap_or(rest);
    let rest = rest.trim_start_matches(|next: char| next.is_ascii_digit() || " ,".contains(next));
    let rest = rest.strip_prefix(')').unwrap_or(rest).trim_start_matches(' ');
    text.split_at(text.len() - rest.len())
}

/// Parses that text as Python does; an empty text is no shape.
fn shape(text: &str) -> Result<Option<Vec<usize>>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = || format!("{text:?} is not a shape such as 3 or (2,3)");
    let trimmed = text.trim_matches(' ');
    let inner = match (trimmed.strip_prefix('('), trimmed.ends_with(')')) {
        (Some(inner), true) => inner.strip_suffix(')').unwrap_or(inner).trim_matches(' '),
        (None, false) if !trimmed.is_empty() => trimmed,
        _ => return Err(wrong()),
    };
    if inner.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let numbers = inner.strip_suffix(',').unwrap_or(inner).split(',');
    let number = |number: &str| {
        let number = number.trim_matches(' ');
        let zeros = number.len() > 1 && number.starts_with('0') && number.bytes().any(|digit| digit != b'0');
        let is_number = !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()) && !zeros;
        // One beyond the address space is too large for a shape, which is what is said of it.
        is_number.then(|| number.parse().unwrap_or(usize::MAX)).ok_or_else(wrong)
    };
    numbers.map(number).collect::<Result<_, _>>().map(Some)
}
