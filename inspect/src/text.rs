//! The description of an array, and the array as NumPy prints it.

use super::corners::Corners;
use super::elements::find_field;
use super::ragged::Ragged;
use super::source::{Behind, Several, Source};
use super::spool::Spooled;
use super::{Failure, Terminal, one_line, told, tuple};
use mmap_array::npy::{self, FromHeader, Npy};
use mmap_array::{DType, DynView, Options, dtype::Kind};
use std::fmt::Write as _;
use std::fs;
use std::io::Write;
use std::ops::Range;

/// The number of lines on the screen that are left free for the shell.
const FREE: usize = 2;

/// Returns the description of an array and the array as it is printed, which fit the terminal if there is one.
pub(crate) fn of(
    source: &Source,
    rows: Option<Range<usize>>,
    field: Option<&str>,
    terminal: Option<Terminal>,
) -> Result<String, Failure> {
    source.check(rows.as_ref())?;
    let mut text = described(source, None, terminal)?;
    let dtype = field.map_or(Ok(&source.dtype), |path| find_field(&source.dtype, path))?;
    let mut shape = source.shape.clone();
    if let (Some(len), Some(rows)) = (shape.first_mut(), &rows) {
        *len = rows.len();
    }
    let array = match terminal {
        // The axes of a subarray that is a field are the array's.
        None if product(&shape).saturating_mul(subarray(dtype)) <= THRESHOLD => {
            printed(source, rows, field, usize::MAX, |view| view.to_string())?
        }
        None => printed(source, rows, field, EDGE, |view| view.display().threshold(0).edge_items(EDGE).to_string())?,
        Some(terminal) => {
            let columns = columns_of(terminal);
            let lines = terminal.lines.saturating_sub(height_of(&text, columns) + 1 + FREE);
            let (whole, edge) = edge_in(lines.saturating_mul(columns), &shape, dtype);
            let text = printed(source, rows, field, edge, |view| fitted(view, whole, edge, columns, lines))?;
            shortened(escaped(&text), columns, lines)
        }
    };
    let _ = write!(text, "\n{array}\n");
    Ok(text)
}

/// Returns the description of an array and the rows between the offsets, each printed as an array, which fit the
/// terminal if there is one.
pub(crate) fn of_ragged(
    source: &Source,
    ragged: &Ragged,
    field: Option<&str>,
    terminal: Option<Terminal>,
) -> Result<String, Failure> {
    let mut text = described(source, Some(ragged), terminal)?;
    let dtype = field.map_or(Ok(&source.dtype), |path| find_field(&source.dtype, path))?;
    let shape = |row: &Range<usize>| [&[row.len()], &source.shape[1..]].concat();
    let asked = ragged.asked();
    let Some(terminal) = terminal else {
        let items = |row: &Range<usize>| product(&shape(row)).saturating_mul(subarray(dtype));
        // As in NumPy, either all rows or some at each end.
        let is_short = asked <= THRESHOLD && items(&ragged.elements()?) <= THRESHOLD;
        let [head, tail] = if is_short || asked <= 2 * EDGE { [asked, 0] } else { [EDGE; 2] };
        let edge = |row: &Range<usize>| if items(row) <= THRESHOLD { usize::MAX } else { EDGE };
        let rows = ends(source, ragged, [head, tail], edge)?.ok_or_else(|| too_large(source))?;
        let printed = rows.iter().map(|(row, corners)| {
            let text = |view: &DynView<'_>| match items(row) <= THRESHOLD {
                true => view.to_string(),
                false => view.display().threshold(0).edge_items(EDGE).to_string(),
            };
            corners_printed(source, corners, field, text)
        });
        let printed = printed.collect::<Result<Vec<_>, _>>()?;
        let _ = write!(text, "\n{}", joined(&printed, (head + tail < asked).then_some(head)));
        return Ok(text);
    };
    let columns = columns_of(terminal);
    let lines = terminal.lines.saturating_sub(height_of(&text, columns) + 1 + FREE).max(1);
    // As many rows at each end as there may be room for.
    let each = least_lines(&[&[EDGE], &source.shape[1..]].concat());
    let [mut head, mut tail] = match (asked.saturating_mul(each) <= lines, (lines - 1) / each / 2) {
        (true, _) => [asked, 0],
        (false, 0) => [1, 0],
        (false, count) => [count; 2],
    };
    let height = |count: usize| ((lines - usize::from(count < asked)) / count.max(1)).max(1);
    let room = height(head + tail).saturating_mul(columns);
    let edge = |row: &Range<usize>| edge_in(room, &shape(row), dtype);
    let fewer = |head: usize, tail: usize| match head == 1 || tail == 0 {
        true => [(head + tail) / 2, 0],
        false => [head / 2, tail / 2],
    };
    let rows = loop {
        match ends(source, ragged, [head, tail], |row| edge(row).1)? {
            Some(rows) => break rows,
            None if head + tail > 1 => [head, tail] = fewer(head, tail),
            None => return Err(too_large(source)),
        }
    };
    loop {
        let count = head + tail;
        let printed = rows[..head].iter().chain(&rows[rows.len() - tail..]).map(|(row, corners)| {
            let (whole, edge) = edge(row);
            let fitted = |view: &DynView<'_>| fitted(view, whole, edge, columns, height(count));
            let text = corners_printed(source, corners, field, fitted)?;
            Ok(escaped(&text))
        });
        let printed = joined(&printed.collect::<Result<Vec<_>, Failure>>()?, (count < asked).then_some(head));
        if height_of(&printed, columns) <= lines || count <= 1 {
            let _ = write!(text, "\n{printed}");
            return Ok(text);
        }
        // Texts and records may be longer than a line.
        [head, tail] = fewer(head, tail);
    }
}

/// Returns the number of lines that an array takes if as many items are left out as possible.
fn least_lines(shape: &[usize]) -> usize {
    match shape {
        [] | [_] => 1,
        [len, inner @ ..] => {
            // Arrays within an array have empty lines between them.
            let between = (len.min(&3) - usize::from(*len > 0)) * (inner.len() - 1);
            len.min(&2) * least_lines(inner) + usize::from(*len > 2) + between
        }
    }
}

/// Returns the elements of each of the first `head` and the last `tail` rows, and those of its items that are printed.
/// Returns `None` if these items are too large.
#[allow(clippy::type_complexity, reason = "each pair is a row")]
fn ends(
    source: &Source,
    ragged: &Ragged,
    [head, tail]: [usize; 2],
    edge: impl Fn(&Range<usize>) -> usize,
) -> Result<Option<Vec<(Range<usize>, Corners)>>, Failure> {
    let asked = ragged.asked();
    let mut rows = ragged.rows(0..head)?;
    rows.extend(ragged.rows(asked - tail..asked)?);
    ragged.check_order(&rows)?;
    if let [first, .., last] | [first @ last] = &rows[..] {
        source.check(Some(&(first.start..last.end)))?;
    }
    let corners = Corners::read_each(source, &rows, edge)?;
    Ok(corners.map(|corners| rows.into_iter().zip(corners).collect()))
}

/// Returns the failure to hold all rows in memory that are to be printed.
fn too_large(source: &Source) -> Failure {
    let text = "the rows are too large to be printed; choose some by --rows, or print them by --jsonl";
    Failure::new(format!("{}: {text}", source.name))
}

/// Joins rows one below another. With `left_out`, dots after that many rows stand for rows that are left out.
fn joined(rows: &[String], left_out: Option<usize>) -> String {
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        let dots = if left_out == Some(number) { "...\n" } else { "" };
        let _ = writeln!(text, "{dots}{row}");
    }
    if left_out.is_some_and(|left_out| left_out >= rows.len()) {
        text.push_str("...\n");
    }
    text
}

/// Escapes what a terminal obeys. A text alone may have such characters.
fn escaped(text: &str) -> String {
    text.lines().map(one_line).collect::<Vec<_>>().join("\n")
}

/// Returns the number of columns that are used of a terminal.
fn columns_of(terminal: Terminal) -> usize {
    terminal.columns.max(20) - 1
}

/// Returns the number of lines that a text takes on a terminal of `columns + 1` columns, which breaks longer lines.
fn height_of(text: &str, columns: usize) -> usize {
    text.lines().map(|line| line.chars().count().div_ceil(columns + 1).max(1)).sum()
}

/// Returns whether all items of an array may fit into `room` characters, and how many items may fit at each end of its
/// axes: `usize::MAX` if all may.
fn edge_in(room: usize, shape: &[usize], dtype: &DType) -> (bool, usize) {
    // Each number takes a character and the space before it, at least.
    if product(shape).saturating_mul(leaves(dtype)) <= room {
        return (true, usize::MAX);
    }
    let fits = |edge: usize| shape.iter().fold(1, |count: usize, &len| count.saturating_mul(len.min(2 * edge))) <= room;
    (false, (1..=room / 2).rev().find(|&edge| fits(edge)).unwrap_or(1))
}

fn product(lens: &[usize]) -> usize {
    lens.iter().fold(1, |count, &len| count.saturating_mul(len))
}

/// The largest number of items that NumPy prints without leaving some out.
const THRESHOLD: usize = 1000;

/// The number of items that NumPy prints at each end of an axis of a larger array.
const EDGE: usize = 3;

/// Reads the items at the ends of all axes, and returns them as `print` formats them.
fn printed(
    source: &Source,
    rows: Option<Range<usize>>,
    field: Option<&str>,
    edge: usize,
    print: impl FnOnce(&DynView<'_>) -> String,
) -> Result<String, Failure> {
    corners_printed(source, &Corners::read(source, rows, edge)?, field, print)
}

fn corners_printed(
    source: &Source,
    Corners { bytes, shape }: &Corners,
    field: Option<&str>,
    print: impl FnOnce(&DynView<'_>) -> String,
) -> Result<String, Failure> {
    let view = DynView::from_bytes(bytes, &source.dtype, &shape[..])?;
    Ok(match field {
        None => print(&view),
        Some(path) => print(&view.field(path)?),
    })
}

/// Formats an array for `lines` lines of `columns` characters: all of it if `is_whole` and it fits, otherwise as many
/// items at each end of its axes as fit, at least one and no more than `most`, the number that has been read.
fn fitted(view: &DynView<'_>, is_whole: bool, most: usize, columns: usize, lines: usize) -> String {
    let printed = |threshold: usize, edge: usize| {
        view.display().line_width(columns).threshold(threshold).edge_items(edge).to_string()
    };
    let fits = |text: &str| height_of(text, columns) <= lines;
    if is_whole {
        let whole = printed(usize::MAX, EDGE);
        if fits(&whole) {
            return whole;
        }
    }
    let (mut least, mut best) = (1, printed(0, 1));
    // The first that does not fit.
    let mut next = 1;
    while fits(&best) && next < most {
        next = (next * 2).min(most);
        let text = printed(0, next);
        if !fits(&text) || text.len() == best.len() {
            break;
        }
        (least, best) = (next, text);
    }
    while least + 1 < next {
        let middle = least.midpoint(next);
        let text = printed(0, middle);
        if fits(&text) { (least, best) = (middle, text) } else { next = middle }
    }
    best
}

/// Returns a text without lines in the middle if it has more than `lines` on the screen, as arrays of many axes and
/// large records have even if one item is printed at each end of all axes.
fn shortened(text: String, columns: usize, lines: usize) -> String {
    if height_of(&text, columns) <= lines {
        return text;
    }
    let mut on_screen = Vec::new();
    for line in text.lines() {
        let characters: Vec<char> = line.chars().collect();
        on_screen.extend(characters.chunks(columns).map(String::from_iter));
        // An empty line is one, too.
        if characters.is_empty() {
            on_screen.push(String::new());
        }
    }
    let shown = lines.max(2) - 1;
    let (head, tail) = (shown.div_ceil(2), shown / 2);
    let (head, tail) = (&on_screen[..head], &on_screen[on_screen.len() - tail..]);
    [head, &["...".to_owned()], tail].concat().join("\n")
}

/// Returns the number of items in a subarray, or 1 for any other element.
fn subarray(dtype: &DType) -> usize {
    match dtype.kind() {
        Kind::Array { element, shape } => product(shape).saturating_mul(subarray(element)),
        _ => 1,
    }
}

/// Returns the number of scalars in an element.
fn leaves(dtype: &DType) -> usize {
    match dtype.kind() {
        Kind::Array { element, shape } => product(shape).saturating_mul(leaves(element)),
        Kind::Record { fields } => {
            fields.iter().fold(0, |count: usize, field| count.saturating_add(leaves(&field.dtype)))
        }
        _ => 1,
    }
}

fn described(source: &Source, ragged: Option<&Ragged>, terminal: Option<Terminal>) -> Result<String, Failure> {
    let mut text = String::new();
    // Writing to a string does not fail.
    let mut line = |name: &str, value: &str| _ = writeln!(text, "{name:<8} {value}");
    if let Some(member) = source.other_member() {
        line("file", &format!("{}, which is no `.npy` file: its bytes", one_line(member)));
    }
    if let Some((major, minor)) = source.version {
        line("version", &format!("{major}.{minor}"));
    }
    let mut dtype = source.dtype.to_string();
    // That of a large record would fill the screen.
    let most = terminal.map_or(usize::MAX, |terminal| columns_of(terminal) * (terminal.lines / 4).max(1));
    if dtype.chars().nth(most).is_some() {
        dtype = dtype.chars().take(most - 3).chain("...".chars()).collect();
    }
    line("dtype", &dtype);
    line("shape", &tuple(&source.shape));
    line("order", &format!("{:?}", source.order));
    line("bytes", &format!("{} of {} each", source.nbytes, source.dtype.itemsize()));
    if let Some(complete) = source.complete_rows()? {
        let all = source.shape.first().copied().unwrap_or_default();
        line("file", &format!("ends before the array does: {complete} of {all} rows are complete"));
    }
    if let Some(offset) = source.data_offset {
        line("data", &format!("from byte {offset} on"));
    }
    match (source.gathered(), source.data_offset) {
        (Some(array), _) => line("mapped", &array.described()),
        (None, Some(offset)) => {
            let aligned = match is_aligned(&source.dtype, offset, source.dtype.itemsize()) {
                true => "in place and aligned: every number lies at a multiple of its alignment",
                false => {
                    "in place, unaligned: `open_shared` and `load` read it, slices need `Le`, `Be` or a packed record"
                }
            };
            line("mapped", aligned);
        }
        (None, None) => {
            line("mapped", &format!("not at all: it is compressed by {}", source.compression().unwrap_or_default()))
        }
    }
    if let Some(ragged) = ragged {
        line("rows", &format!("{} between the offsets in {}", ragged.len(), one_line(&ragged.offsets().name)));
    }
    match source.behind()? {
        Some(Behind { array: Some((byte, true)), .. }) => {
            line("behind", &format!("another array, shown by --at {byte}"))
        }
        Some(Behind { array: Some((byte, false)), .. }) => {
            line("behind", &format!("another array, which cannot be read: --at {byte} says why"));
        }
        Some(Behind { bytes, .. }) if source.is_concat() => {
            line("behind", &format!("{bytes} bytes after the arrays of the files, which are not shown"));
        }
        Some(Behind { bytes, .. }) if source.is_file() => {
            line("behind", &format!("{bytes} bytes, which are no `.npy` array"));
        }
        Some(Behind { bytes, .. }) => {
            line("behind", &format!("{bytes} bytes, which are not shown: unpack the file first"))
        }
        None => {}
    }
    if matches!(source.dtype.kind(), Kind::Record { .. }) {
        let declared = source.dtype.to_c();
        // On a screen that the declaration would fill, the array is what is shown.
        let has_room = |terminal: Terminal| {
            let columns = columns_of(terminal);
            height_of(&text, columns) + height_of(&declared, columns) < terminal.lines * 2 / 3
        };
        if terminal.is_none_or(has_room) {
            let _ = write!(text, "\n{declared}\n");
        }
    }
    Ok(text)
}

/// Returns whether every number lies at a multiple of its alignment, if the first item begins at byte `offset` and the
/// next ones follow at intervals of `step` bytes.
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

/// Writes a list of several arrays, each on a line.
pub(crate) fn list(
    several: &Several,
    options: Options<FromHeader, Npy>,
    spooled: &Spooled,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let archive = match several {
        Several::Members(archive) => archive,
        Several::Arrays(path, most) => {
            let len = fs::metadata(path)?.len();
            for found in npy::headers(path)?.max_header(*most) {
                match found {
                    Ok((byte, header)) => {
                        let (dtype, shape) = (header.dtype(), tuple(header.shape()));
                        let end = byte.saturating_add(header.data_offset()).saturating_add(header.nbytes());
                        let mark = if end > len { ", of which the file has not all" } else { "" };
                        writeln!(out, "--at {byte}\t{shape}\t{dtype}\t{} bytes{mark}", header.nbytes())?;
                    }
                    Err(error) => writeln!(out, "{}", one_line(&spooled.rename(&told(&error))))?,
                }
            }
            return Ok(());
        }
    };
    let mut is_empty = true;
    for member in archive.members() {
        is_empty = false;
        let how = match &*member.how() {
            "deflate" => "deflated".to_owned(),
            how => how.to_owned(),
        };
        let name = one_line(member.name());
        match member.header(options) {
            Ok(header) => {
                let (dtype, shape) = (header.dtype(), tuple(header.shape()));
                writeln!(out, "{name}\t{shape}\t{dtype}\t{how}\t{} bytes", member.size())?;
            }
            Err(_) if member.is_other() => writeln!(out, "{name}\tno .npy file\t{how}\t{} bytes", member.size())?,
            Err(error) => writeln!(out, "{name}\t{}", one_line(&spooled.rename(&told(&error))))?,
        }
    }
    if is_empty {
        match archive.is_tar() {
            true => {
                writeln!(out, "a tar archive without members, or raw numbers that are 0: --dtype says what they are")?
            }
            false => writeln!(out, "an archive without members")?,
        }
    }
    if let Some(damage) = archive.damage() {
        writeln!(out, "{}", one_line(&spooled.rename(&damage)))?;
    }
    Ok(())
}
