//! A look into `.npy` and `.npz` files of any size: what they are, what is in them, and how it looks.
//!
//! ```text
//! cargo install --path . --example inspect
//! inspect FILE[:MEMBER] [--rows A..B] [--field PATH] [--max-header N] [--json | --jsonl | --plot OUT.png]
//! ```
//!
//! It shows how a program finds out what a file holds: the header by itself, the dtype field by field, windows of rows,
//! members of archives in place where they are stored and as a stream where they are deflated. Without an option it
//! prints that, and the array as NumPy prints it; of an archive without a member, its members. `--json` is one line for
//! programs. `--jsonl` writes every element of the leading axis as a line, in no more memory for a large file than for a
//! small one: deflated members are read twice, to check them before a line is written, and in Fortran order, or to be
//! printed, from a temporary file. The checksums of stored ones, which are read in place, are not checked. `--plot`
//! draws numbers along one axis as a line and a histogram, along two as an image.
//!
//! A file that is cut meanwhile is an error, and what was printed before is what it held.
#![forbid(unsafe_code)]

#[path = "inspect/elements.rs"]
mod elements;
#[path = "inspect/jsonl.rs"]
mod jsonl;
#[path = "inspect/plot.rs"]
mod plot;
#[path = "inspect/source.rs"]
mod source;

use mmap_array::npy::{self, FromHeader, Npy};
use mmap_array::{DType, Options, Order, dtype::Kind};
use source::Source;
use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "\
usage: inspect FILE[:MEMBER] [OPTION]...
  MEMBER           of an archive (.npz): the name that NumPy shows
  --rows A..B      a range of the leading axis: 5..6 is one row; A or B may be left out
  --field PATH     one field of the records: pos, or pos.x of records in records
  --max-header N   reads headers of up to so many characters (10000)
  --json           one line of JSON: what the file is
  --jsonl          a line of JSON for each element of the leading axis
  --plot OUT.png   a picture: a line and a histogram along one axis, an image along two";

fn main() -> ExitCode {
    let mut out = BufWriter::new(io::stdout().lock());
    match run(std::env::args_os().skip(1), &mut out) {
        // Who reads may have seen enough.
        Ok(()) => ExitCode::from(out.flush().is_err_and(|error| error.kind() != io::ErrorKind::BrokenPipe) as u8),
        Err(failure) if failure.status == 0 => {
            println!("{}", failure.text);
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("inspect: {}", failure.text);
            ExitCode::from(failure.status)
        }
    }
}

/// An error as the shell sees it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: u8,
    pub(crate) text: String,
}

impl Failure {
    /// On one line, whatever the names of files and fields are.
    fn new(text: impl Into<String>) -> Self {
        Self { status: 1, text: text.into().replace(['\n', '\r'], " ") }
    }

    fn usage(text: impl Display) -> Self {
        Self { status: 2, text: format!("{text}\n{USAGE}") }
    }
}

impl<E: Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(told(&error))
    }
}

/// What an error says, with this program's option where the library names its own.
pub(crate) fn told(error: &impl Error) -> String {
    error.to_string().replace("`max_header`", "`--max-header N`")
}

/// The whole program but for its exit status.
pub(crate) fn run(args: impl IntoIterator<Item = OsString>, out: &mut impl Write) -> Result<(), Failure> {
    let request = Request::parse(args.into_iter())?;
    let Some(source) = Source::open(&request.file, request.options())? else {
        return match request.show {
            Show::Text if request.rows.is_none() && request.field.is_none() => {
                source::list_members(&request.file, request.options(), out)
            }
            _ => Err(Failure::new(source::which_member(&request.file)?)),
        };
    };
    let rows = request.rows_of(&source)?;
    let field = request.field.as_deref();
    if let Some(path) = field {
        elements::find_field(source.header.dtype(), path)?;
    }
    let shown = match &request.show {
        Show::Text => print(&source, rows, field, out),
        Show::Json => json(&source, out),
        Show::Jsonl => jsonl::write(&source, rows, field, out),
        Show::Plot(path) => plot::draw(&source, rows, field, path),
    };
    // Where the file has become shorter meanwhile, that is the reason.
    shown.map_err(|failure| source.check().err().unwrap_or(failure))
}

/// What is asked for.
struct Request {
    file: OsString,
    rows: Option<(Option<usize>, Option<usize>)>,
    field: Option<String>,
    max_header: Option<usize>,
    show: Show,
}

enum Show {
    Text,
    Json,
    Jsonl,
    Plot(PathBuf),
}

impl Request {
    fn parse(mut args: impl Iterator<Item = OsString>) -> Result<Self, Failure> {
        let (mut file, mut rows, mut field, mut max_header, mut show) = (None, None, None, None, None);
        while let Some(arg) = args.next() {
            let Some(option) = arg.to_str().filter(|text| text.starts_with("--") || *text == "-h") else {
                if file.replace(arg).is_some() {
                    return Err(Failure::usage("more than one file"));
                }
                continue;
            };
            let asked = match option {
                "--json" => Some(Show::Json),
                "--jsonl" => Some(Show::Jsonl),
                "--help" | "-h" => return Err(Failure { status: 0, text: USAGE.into() }),
                "--rows" | "--field" | "--max-header" | "--plot" => {
                    let value = args.next().ok_or_else(|| Failure::usage(format!("{option} needs a value")))?;
                    let wrong = || Failure::usage(format!("{option} cannot be {value:?}"));
                    let text = || value.to_str().ok_or_else(wrong);
                    match option {
                        "--rows" => rows = Some(range(text()?).ok_or_else(|| wrong_rows(&value))?),
                        "--field" => field = Some(text()?.to_owned()),
                        "--max-header" => max_header = Some(text()?.parse().map_err(|_| wrong())?),
                        "--plot" if !is_png(Path::new(&value)) => {
                            let text =
                                format!("--plot writes a PNG file, whose name ends in .png, which {value:?} does not");
                            return Err(Failure::usage(text));
                        }
                        _ => {}
                    }
                    (option == "--plot").then(|| Show::Plot(value.into()))
                }
                _ => return Err(Failure::usage(format!("no such option: {option}"))),
            };
            if asked.is_some() && show.is_some() {
                return Err(Failure::usage("only one of --json, --jsonl and --plot can be given"));
            }
            show = asked.or(show);
        }
        let file = file.ok_or_else(|| Failure::usage("no file"))?;
        Ok(Self { file, rows, field, max_header, show: show.unwrap_or(Show::Text) })
    }

    fn options(&self) -> Options<FromHeader, Npy> {
        self.max_header.map_or(npy::dyn_options(), |most| npy::dyn_options().max_header(most))
    }

    /// The rows that are asked for, which are there; `None` of a 0-d array, which has none.
    fn rows_of(&self, source: &Source) -> Result<Option<Range<usize>>, Failure> {
        match (source.header.shape().first(), self.rows) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(Failure::new("a 0-d array has no rows")),
            (Some(&len), asked) => {
                let (start, end) = asked.unwrap_or_default();
                let (start, end) = (start.unwrap_or(0), end.unwrap_or(len));
                if start > end || end > len {
                    return Err(Failure::new(format!("there are no rows {start}..{end}, but 0..{len}")));
                }
                Ok(Some(start..end))
            }
        }
    }
}

/// `A..B`, of which either may be left out.
fn range(text: &str) -> Option<(Option<usize>, Option<usize>)> {
    let (start, end) = text.split_once("..")?;
    let bound = |text: &str| if text.is_empty() { Some(None) } else { text.parse().ok().map(Some) };
    Some((bound(start)?, bound(end)?))
}

fn wrong_rows(value: &OsStr) -> Failure {
    let row = value.to_str().and_then(|text| text.parse::<usize>().ok());
    let end = row.and_then(|row| Some((row, row.checked_add(1)?)));
    let hint = end.map_or_else(String::new, |(row, end)| format!("; one row is {row}..{end}"));
    Failure::usage(format!("--rows cannot be {value:?}{hint}"))
}

fn is_png(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png"))
}

/// What the file is, and the array as NumPy prints it.
fn print(
    source: &Source,
    rows: Option<Range<usize>>,
    field: Option<&str>,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let header = &source.header;
    let text = source.map()?.try_read(|mut view| {
        if let Some(path) = field {
            view = view.field(path)?;
        }
        if let Some(rows) = rows {
            view = view.rows(rows);
        }
        Ok::<_, Failure>(view.to_string())
    })?;
    let (major, minor) = header.version();
    writeln!(out, "version  {major}.{minor}")?;
    writeln!(out, "dtype    {}", header.dtype())?;
    writeln!(out, "shape    {}", tuple(header.shape()))?;
    writeln!(out, "order    {:?}", header.order())?;
    writeln!(out, "bytes    {} of {} each", header.nbytes(), header.dtype().itemsize())?;
    match source.data_offset {
        Some(offset) => {
            writeln!(out, "data     from byte {offset} on")?;
            let aligned = match is_aligned(header.dtype(), offset, header.dtype().itemsize()) {
                true => "in place and aligned: every number lies at a multiple of its alignment",
                false => "in place, unaligned: some numbers lie at no multiple of their alignment",
            };
            writeln!(out, "mapped   {aligned}")?;
        }
        None => writeln!(out, "mapped   not at all: it is deflated")?,
    }
    if matches!(header.dtype().kind(), Kind::Record { .. }) {
        writeln!(out, "\n{}", header.dtype().to_c())?;
    }
    writeln!(out, "\n{text}")?;
    Ok(())
}

/// A shape as Python writes it.
fn tuple(shape: &[usize]) -> String {
    match shape {
        [one] => format!("({one},)"),
        shape => format!("({})", shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
    }
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

/// What the file is, for programs.
fn json(source: &Source, out: &mut impl Write) -> Result<(), Failure> {
    source.check()?;
    let header = &source.header;
    let (major, minor) = header.version();
    write!(out, "{{\"version\":[{major},{minor}],\"descr\":")?;
    jsonl::write_text(&header.dtype().descr()?, out)?;
    let shape: Vec<String> = header.shape().iter().map(usize::to_string).collect();
    let offset = source.data_offset.map_or_else(|| "null".into(), |offset| offset.to_string());
    writeln!(
        out,
        ",\"fortran_order\":{},\"shape\":[{}],\"data_offset\":{offset},\"itemsize\":{},\"nbytes\":{}}}",
        header.order() == Order::F,
        shape.join(","),
        header.dtype().itemsize(),
        header.nbytes()
    )?;
    Ok(())
}
