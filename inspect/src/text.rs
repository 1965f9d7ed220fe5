//! What a file is, and the array as NumPy prints it.

use super::source::Source;
use super::{Failure, Terminal, one_line, told, tuple};
use mmap_array::access::Shared;
use mmap_array::npy::{FromHeader, Npy};
use mmap_array::{DType, DynView, Options, dtype::Kind, npz::Archive};
use std::fmt::Write as _;
use std::io::Write;
use std::ops::Range;

/// The lines of the screen that the array leaves free, for the shell.
const FREE: usize = 2;

/// Describes the array and prints it, so that it fits the terminal if there is one.
pub(crate) fn of(
    source: &Source,
    rows: Option<Range<usize>>,
    field: Option<&str>,
    terminal: Option<Terminal>,
) -> Result<String, Failure> {
    source.check()?;
    let mut text = described(source);
    let lines = text.lines().count() + 1;
    let array = source.map(rows)?.try_read(|mut view| {
        if let Some(path) = field {
            view = view.field(path)?;
        }
        Ok::<_, Failure>(match terminal {
            None => view.to_string(),
            Some(terminal) => {
                let lines = terminal.lines.saturating_sub(lines + FREE);
                let text = fitted(&view, terminal.columns.max(20) - 1, lines);
                // A text alone may have characters that a terminal obeys.
                text.lines().map(one_line).collect::<Vec<_>>().join("\n")
            }
        })
    })?;
    let _ = write!(text, "\n{array}\n");
    Ok(text)
}

/// The array on so many lines of so many characters: whole if it can be, otherwise with as many items at each end of
/// its axes as there is room for.
fn fitted(view: &DynView<'_, Shared>, columns: usize, lines: usize) -> String {
    let printed = |threshold: usize, edge: usize| {
        view.display().line_width(columns).threshold(threshold).edge_items(edge).to_string()
    };
    // A record may be longer than a line, which the terminal then breaks.
    let height = |line: &str| line.chars().count().div_ceil(columns + 1).max(1);
    let fits = |text: &str| text.lines().map(height).sum::<usize>() <= lines;
    // Each number takes a character and the space before it, at least.
    if view.len().saturating_mul(leaves(view.dtype())) <= lines.saturating_mul(columns) {
        let whole = printed(usize::MAX, 3);
        if fits(&whole) {
            return whole;
        }
    }
    let (mut least, mut best) = (1, printed(0, 1));
    // The first that does not fit.
    let mut most = 1;
    while fits(&best) {
        most *= 2;
        let next = printed(0, most);
        if !fits(&next) || next.len() == best.len() {
            break;
        }
        (least, best) = (most, next);
    }
    while least + 1 < most {
        let middle = least.midpoint(most);
        let text = printed(0, middle);
        if fits(&text) { (least, best) = (middle, text) } else { most = middle }
    }
    best
}

/// The numbers and texts of an element.
fn leaves(dtype: &DType) -> usize {
    match dtype.kind() {
        Kind::Array { element, shape } => shape.iter().fold(leaves(element), |count, &len| count.saturating_mul(len)),
        Kind::Record { fields } => {
            fields.iter().fold(0, |count: usize, field| count.saturating_add(leaves(&field.dtype)))
        }
        _ => 1,
    }
}

fn described(source: &Source) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let mut line = |name: &str, value: &str| _ = writeln!(text, "{name:<8} {value}");
    if let Some((major, minor)) = source.version {
        line("version", &format!("{major}.{minor}"));
    }
    line("dtype", &source.dtype.to_string());
    line("shape", &tuple(&source.shape));
    line("order", &format!("{:?}", source.order));
    line("bytes", &format!("{} of {} each", source.nbytes, source.dtype.itemsize()));
    match source.data_offset {
        Some(offset) => {
            line("data", &format!("from byte {offset} on"));
            let aligned = match is_aligned(&source.dtype, offset, source.dtype.itemsize()) {
                true => "in place and aligned: every number lies at a multiple of its alignment",
                false => {
                    "in place, unaligned: `open_shared` and `load` read it, slices need `Le`, `Be` or a packed record"
                }
            };
            line("mapped", aligned);
        }
        None => line("mapped", "not at all: it is deflated"),
    }
    if matches!(source.dtype.kind(), Kind::Record { .. }) {
        let _ = write!(text, "\n{}\n", source.dtype.to_c());
    }
    text
}

/// Whether all numbers lie at multiples of their alignments, the first item being at `offset` and another after every
/// `step` bytes.
fn is_aligned(dtype: &DType, offset: u64, step: usize) -> bool {
    match dtype.kind() {
        Kind::Array { element, .. } => {
            is_aligned(element, offset, step) && is_aligned(element, offset, element.itemsize())
        }
        Kind::Record { fields } => {
            fields.iter().all(|field| is_aligned(&field.dtype, offset + field.offset as u64, step))
        }
        _ => offset % dtype.alignment().max(1) as u64 == 0 && step % dtype.alignment().max(1) == 0,
    }
}

/// The members of an archive, each on a line.
pub(crate) fn list_members(
    archive: &Archive,
    options: Options<FromHeader, Npy>,
    out: &mut impl Write,
) -> Result<(), Failure> {
    if archive.members().len() == 0 {
        writeln!(out, "an archive without members")?;
    }
    for member in archive.members() {
        let how = if member.is_stored() { "stored" } else { "deflated" };
        let name = one_line(member.name());
        match options.header(member) {
            Ok(header) => {
                let (dtype, shape) = (header.dtype(), tuple(header.shape()));
                writeln!(out, "{name}\t{shape}\t{dtype}\t{how}\t{} bytes", member.size())?;
            }
            Err(error) => writeln!(out, "{name}\t{}", one_line(&told(&error)))?,
        }
    }
    Ok(())
}
