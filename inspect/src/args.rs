//! The command-line arguments.

use super::gathered::Packed;
use clap::{ArgGroup, Parser, ValueEnum};
use clap_complete::Shell;
use mmap_array::{DType, Order};
use std::ffi::OsString;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Shows what is in `.npy` and `.npz` files, and in files of raw numbers, of any size.
///
/// Without an option it describes the array and prints it as NumPy does. Only the rows that are shown are read.
#[derive(Debug, Parser)]
#[command(name = "mmap-inspect", version, max_term_width = 100)]
#[command(group(ArgGroup::new("show").args(["json", "jsonl", "csv", "rust", "stats", "plot"])))]
#[command(group(
    ArgGroup::new("raw")
        .args(["dtype", "offset", "shape", "strides", "order"])
        .multiple(true)
        .conflicts_with_all(["max_header", "at", "concat"])
))]
pub(crate) struct Args {
    /// Files, members of `.npz` archives by the names that NumPy shows, or `-` for standard input.
    #[arg(value_name = "FILE[:MEMBER]", required_unless_present = "completions")]
    pub(crate) files: Vec<OsString>,

    /// Shows a part of the leading axis: `3` is one row, `5..9` four, `-5..` the last five, `..100` the first hundred.
    #[arg(long, value_name = "A..B", allow_hyphen_values = true, value_parser = Rows::parse)]
    pub(crate) rows: Option<Rows>,

    /// Shows one field of the records: `pos`, or `pos.x` of nested records.
    #[arg(long, value_name = "PATH")]
    pub(crate) field: Option<String>,

    /// Prints one line of JSON for each array, which describes all of it, whatever `--rows` and `--field` select.
    #[arg(long)]
    pub(crate) json: bool,

    /// Prints one line of JSON for each element of the leading axis.
    #[arg(long)]
    pub(crate) jsonl: bool,

    /// Prints comma-separated values, one line for each element of the leading axis; of records, a line of names first.
    #[arg(long)]
    pub(crate) csv: bool,

    /// Prints the Rust struct or type with which the crate `mmap-array` opens the file.
    #[arg(long)]
    pub(crate) rust: bool,

    /// Prints for each field the count, NaN and infinite counts, minimum, maximum and mean.
    #[arg(long)]
    pub(crate) stats: bool,

    /// Draws a PNG: one axis as a line and a histogram, two as an image, (height, width, 3) as colors.
    #[arg(long, value_name = "OUT.png", value_parser = png)]
    pub(crate) plot: Option<PathBuf>,

    /// Reads a file without a header as elements of this dtype [default: u1]: `f4`, `>i2`, `<M8[s]`, `S8`, `"[('id',
    /// '<u4'), ('x', '>f4')]"`; or as pixels of 10, 12 or 14 bits that share bytes: `mipi12`, `msb10`, `lsb14`.
    #[arg(long, value_name = "DTYPE", value_parser = Stored::parse, help_heading = "Files without a header")]
    pub(crate) dtype: Option<Stored>,

    /// Says at which byte the first element begins, for example `54` or `0x36` [default: 0].
    #[arg(long, value_name = "BYTES", value_parser = bytes, help_heading = "Files without a header")]
    pub(crate) offset: Option<u64>,

    /// Sets the number of elements along each axis; one can be -1, to follow from the file's length [default: -1].
    #[arg(
        long,
        value_name = "N,...",
        allow_hyphen_values = true,
        value_parser = Lens::parse,
        help_heading = "Files without a header"
    )]
    pub(crate) shape: Option<Lens>,

    /// Sets the distance in bytes from one element to the next along each axis, in place of `--order`; of packed
    /// pixels, along each axis but the last.
    #[arg(
        long,
        value_name = "BYTES,...",
        allow_hyphen_values = true,
        value_delimiter = ',',
        conflicts_with = "order",
        requires = "shape",
        help_heading = "Files without a header"
    )]
    pub(crate) strides: Option<Vec<isize>>,

    /// Says how the elements are stored: row by row (C) or column by column (F) [default: C].
    #[arg(long, value_name = "ORDER", help_heading = "Files without a header")]
    pub(crate) order: Option<StorageOrder>,

    /// Shows the array whose `.npy` header begins at this byte of the file, behind other data or another array.
    #[arg(long, value_name = "BYTE", value_parser = bytes)]
    pub(crate) at: Option<u64>,

    /// Shows many `.npy` files as one array, one after another along the first axis. A folder that Dask's
    /// `to_npy_stack` has written is one array without this option.
    #[arg(long, conflicts_with_all = ["at", "recover"])]
    pub(crate) concat: bool,

    /// Shows rows of different lengths: row i lies between the offsets i and i + 1 in this file.
    #[arg(long, value_name = "FILE[:MEMBER]", conflicts_with = "csv")]
    pub(crate) offsets: Option<OsString>,

    /// Shows the complete members of an archive that was cut short, and so has no directory, or that is damaged.
    #[arg(long)]
    pub(crate) recover: bool,

    /// Reads headers of up to this number of characters [default: 10000].
    #[arg(long, value_name = "N")]
    pub(crate) max_header: Option<usize>,

    /// Prints a script that completes these arguments in a shell.
    #[arg(long, value_name = "SHELL", exclusive = true)]
    pub(crate) completions: Option<Shell>,
}

/// The type of a raw file's elements.
#[derive(Clone, Debug)]
pub(crate) enum Stored {
    Elements(DType),
    Pixels(Packed),
}

impl Stored {
    fn parse(text: &str) -> Result<Self, String> {
        match Packed::named(text) {
            Some(packed) => Ok(Self::Pixels(packed)),
            None => text.parse().map(Self::Elements).map_err(|error: mmap_array::Error| error.to_string()),
        }
    }
}

/// The order in which a raw file's elements are stored.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum StorageOrder {
    #[value(name = "C")]
    C,
    #[value(name = "F")]
    F,
}

impl From<StorageOrder> for Order {
    fn from(order: StorageOrder) -> Self {
        match order {
            StorageOrder::C => Self::C,
            StorageOrder::F => Self::F,
        }
    }
}

/// A range of rows along the leading axis, in which negative numbers count from its end.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Rows {
    start: Option<i64>,
    end: Option<i64>,
    /// Whether the argument is `start` alone, without dots.
    single: bool,
}

impl Rows {
    fn parse(text: &str) -> Result<Self, String> {
        let bound = |text: &str| match text {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| format!("{text:?} is not a row number")),
        };
        match text.split_once("..") {
            Some((start, end)) => Ok(Self { start: bound(start)?, end: bound(end)?, single: false }),
            None if text.is_empty() => Err("expected 3, 5..9, -5.. or ..100, for example".into()),
            None => Ok(Self { start: bound(text)?, end: None, single: true }),
        }
    }

    /// Returns the rows of an axis of length `len`, or an error if it does not have all of them.
    pub(crate) fn of(self, len: usize) -> Result<Range<usize>, String> {
        let place = |bound: i64| if bound < 0 { i128::from(bound) + len as i128 } else { bound.into() };
        let start = self.start.map_or(0, place);
        let end = if self.single { start + 1 } else { self.end.map_or(len as i128, place) };
        match (usize::try_from(start), usize::try_from(end)) {
            (Ok(start), Ok(end)) if start <= end && end <= len => Ok(start..end),
            _ if self.single => Err(format!("there is no row {}: the array has {len}", self.start.unwrap_or(0))),
            _ => {
                let bound = |bound: Option<i64>| bound.map_or_else(String::new, |bound| bound.to_string());
                Err(format!("there are no rows {}..{}: the array has {len}", bound(self.start), bound(self.end)))
            }
        }
    }
}

/// The lengths of axes that `--shape` gives, with `None` for -1.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Lens(pub(crate) Vec<Option<usize>>);

impl Lens {
    fn parse(text: &str) -> Result<Self, String> {
        let axis = |text: &str| match text.trim() {
            "-1" => Ok(None),
            text => text.parse().map(Some).map_err(|_| format!("{text:?} is not the length of an axis")),
        };
        let text = text.trim().trim_start_matches(['(', '[']).trim_end_matches([')', ']']).trim_end_matches(',');
        if text.is_empty() {
            return Ok(Self(Vec::new()));
        }
        text.split(',').map(axis).collect::<Result<_, _>>().map(Self)
    }
}

fn bytes(text: &str) -> Result<u64, String> {
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let number = hexadecimal.map_or_else(|| text.parse(), |digits| u64::from_str_radix(digits, 16));
    number.map_err(|_| "expected the number of a byte, such as 54 or 0x36".into())
}

fn png(text: &str) -> Result<PathBuf, String> {
    let path = Path::new(text);
    match path.extension() {
        Some(extension) if extension.eq_ignore_ascii_case("png") => Ok(path.into()),
        _ => Err("a PNG file is written, whose name must end in .png".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn rows_are_numbers_ranges_and_counted_from_the_end() {
        let of = |text: &str| Rows::parse(text).and_then(|rows| rows.of(10));
        for (text, rows) in [
            ("3", 3..4),
            ("-1", 9..10),
            ("5..9", 5..9),
            ("-5..", 5..10),
            ("..-5", 0..5),
            ("..", 0..10),
            ("10..", 10..10),
            ("-10..-9", 0..1),
        ] {
            assert_eq!(of(text), Ok(rows), "{text}");
        }
        for text in ["", "x", "1..x", "10", "-11", "2..1", "0..11", "-11..", "18446744073709551615", "1..2..3"] {
            assert!(of(text).is_err(), "{text}");
        }
        assert_eq!(
            Rows::parse("9223372036854775807").and_then(|rows| rows.of(10)),
            Err("there is no row 9223372036854775807: the array has 10".into())
        );
    }

    #[test]
    fn offsets_are_decimal_or_hexadecimal() {
        assert_eq!([bytes("54"), bytes("0x36"), bytes("0X0")], [Ok(54), Ok(54), Ok(0)]);
        assert!(["", "0x", "-1", "1e3", "0x10000000000000000"].iter().all(|text| bytes(text).is_err()));
        assert_eq!(["(2, -1)", "[2,-1]"].map(Lens::parse), [(); 2].map(|()| Ok(Lens(vec![Some(2), None]))));
        assert!(Lens::parse("2,-3").is_err() && Lens::parse("2,,3").is_err());
    }
}
