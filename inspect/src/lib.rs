//! A program that shows what is in `.npy` and `.npz` files, and in files of raw numbers, of any size.
//!
//! ```text
//! mmap-inspect FILE[:MEMBER]... [--dtype D --offset B --shape S --order C|F --strides S] [--at B] [--concat]
//!              [--offsets FILE[:MEMBER]] [--rows A..B] [--field PATH]
//!              [--json | --jsonl | --csv | --rust | --stats | --plot OUT.png]
//! ```
//!
//! This library is the whole program, so that tests can call it as a function: see [`run`].
//!
//! Every way to show an array takes bounded memory: to print an array, only the items that are shown are read;
//! otherwise its rows are read block by block. A compressed array is read twice, the first time to check it before any
//! of it is written, unless `--rows` or `--offsets` select only some of its rows. A compressed array in Fortran order
//! is unpacked into a temporary file to be written as lines. The data of a pipe is copied into a temporary file. If a
//! file is cut short while it is read, that is an error, and everything printed before the error is what the file held.
#![forbid(unsafe_code)]

mod archive;
mod args;
mod corners;
mod csv;
mod elements;
mod gathered;
mod input;
mod json;
mod jsonl;
mod number;
mod output;
#[cfg(feature = "plot")]
mod plot;
mod ragged;
mod raw;
mod source;
mod spool;
mod stats;
mod text;

use args::{Args, Stored};
use clap::{CommandFactory, Parser};
use mmap_array::Options;
use mmap_array::npy::{self, FromHeader, Npy};
use output::Output;
use ragged::Ragged;
use raw::Raw;
use source::{Found, Source};
use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, Write};
use std::ops::Range;

/// The size of a terminal, in characters.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    /// The number of characters in a line.
    pub columns: usize,
    /// The number of lines on the screen.
    pub lines: usize,
}

/// A failure of the program, with its exit status.
#[derive(Debug)]
pub struct Failure {
    /// The exit status: 2 for wrong arguments, 1 for any other failure.
    pub status: u8,
    /// The message. With status 1 it has one line for each file that failed, and [`Display`](fmt::Display) writes the
    /// program's name before each line.
    pub text: String,
}

impl Failure {
    /// Creates a failure with status 1, whose text is on one line whatever the names of files and fields contain.
    fn new(text: impl Into<String>) -> Self {
        Self { status: 1, text: one_line(&text.into().replace(['\n', '\r'], " ")) }
    }

    /// Returns the failure with another text.
    fn map_text(self, change: impl FnOnce(String) -> String) -> Self {
        Self { status: self.status, text: change(self.text) }
    }

    fn usage(text: impl fmt::Display) -> Self {
        let error = Args::command().error(clap::error::ErrorKind::ArgumentConflict, text);
        Self { status: 2, text: error.render().to_string().trim_end().to_owned() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.status == 2 {
            return f.write_str(&self.text);
        }
        let mut separator = "";
        self.text
            .lines()
            .try_for_each(|line| write!(f, "{}mmap-inspect: {line}", std::mem::replace(&mut separator, "\n")))
    }
}

impl<E: Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(told(&error))
    }
}

/// What the library advises, and what this program does instead.
const OPTIONS: [(&str, &str); 11] = [
    ("`max_header`", "`--max-header N`"),
    ("give a shape: `[None]`, or one with an axis of 0", "say --shape -1, or a shape with an axis of 0"),
    ("; `fromfile` reads what cannot be mapped, and `npy::load` such `.npy` files", ""),
    (": `load` decompresses it", "; decompress it first"),
    (": `load` reads it into memory", "; extract it first"),
    ("`concat` takes files in any order", "--concat takes files in any order"),
    ("`npy::options` opens it", "it is shown without --offset and --dtype"),
    ("open it with `npz::Archive::open`", "show a member of it as FILE:MEMBER"),
    ("`refresh` maps the current contents", "run the program again"),
    ("give the shape [", "give --shape ["),
    ("which this crate never unpickles", "which are never unpickled"),
];

/// Returns the text of an error, with this program's options in place of the library's methods.
fn told(error: &impl Error) -> String {
    OPTIONS.into_iter().fold(error.to_string(), |text, (method, option)| text.replace(method, option))
}

/// Runs the program, and writes its standard output to `out`.
///
/// `args` are the program's arguments, of which the first is its name. `terminal` is the size of the terminal if `out`
/// is one: arrays are then printed so that they fit it.
///
/// # Errors
///
/// Returns the message and the exit status if the arguments are wrong, a file cannot be shown, or `out` cannot be
/// written. It is no error if the reader of `out` has closed it.
pub fn run(
    args: impl IntoIterator<Item = OsString>,
    terminal: Option<Terminal>,
    out: impl Write,
) -> Result<(), Failure> {
    let mut out = Output::new(out);
    let ran = run_to(args, terminal, &mut out);
    match out.finish() {
        Ok(()) => ran,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::new(format!("standard output: {error}"))),
    }
}

fn run_to(
    args: impl IntoIterator<Item = OsString>,
    terminal: Option<Terminal>,
    out: &mut Output<impl Write>,
) -> Result<(), Failure> {
    let mut args = match Args::try_parse_from(with_stdin_named(args)) {
        Ok(args) => args,
        Err(error) if error.use_stderr() => {
            return Err(Failure { status: 2, text: error.render().to_string().trim_end().to_owned() });
        }
        Err(help) => return Ok(write!(out, "{}", help.render())?),
    };
    for file in args.files.iter_mut().chain(&mut args.offsets) {
        *file = spool::stdin_as_dash(std::mem::take(file));
    }
    let args = args;
    if let Some(shell) = args.completions {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Args::command(), "mmap-inspect", &mut script);
        return Ok(out.write_all(&script)?);
    }
    if args.files.iter().chain(&args.offsets).filter(|file| spool::is_stdin(file)).count() > 1 {
        return Err(Failure::usage("standard input can be read once, but is given twice"));
    }
    if args.files.len() > 1 && !args.concat {
        if args.plot.is_some() {
            return Err(Failure::usage("--plot draws one array, but several files are given"));
        }
        if args.offsets.is_some() {
            return Err(Failure::usage("--offsets divides one array into rows, but several files are given"));
        }
    }
    if !cfg!(feature = "plot") && args.plot.is_some() {
        return Err(Failure::usage("this program was built without its feature \"plot\", which draws pictures"));
    }
    if args.concat {
        let files = args.files.iter().map(|file| spool::regular(file)).collect::<Result<Vec<_>, _>>()?;
        let renamed = |failure| files.iter().fold(failure, |failure, file| file.renamed(failure));
        let paths = files.iter().map(|file| file.argument().into()).collect();
        let mut source = Source::concat(paths, options(&args)).map_err(renamed)?;
        files.iter().for_each(|file| source.rename(file));
        return show(&args, &source, None, out, terminal, |_| Ok(())).map_err(renamed);
    }
    let mut failures: Vec<String> = Vec::new();
    let mut first = true;
    for file in &args.files {
        let shown = show_file(&args, file, terminal, first, out);
        if out.has_failed() {
            break;
        }
        first &= shown.is_err();
        failures.extend(shown.err().map(|failure| failure.text));
    }
    if failures.is_empty() { Ok(()) } else { Err(Failure { status: 1, text: failures.join("\n") }) }
}

/// Returns the arguments with members of standard input, `-:x`, as `/dev/stdin:x`, which clap does not take for an
/// option.
fn with_stdin_named(args: impl IntoIterator<Item = OsString>) -> impl Iterator<Item = OsString> {
    let command = Args::command();
    // `--offsets` is the only option whose value may be such a member.
    let takes_other = move |arg: &OsStr| {
        let name = arg.to_str().and_then(|text| text.strip_prefix("--")).filter(|&name| name != "offsets");
        let is_named = |arg: &&clap::Arg| name.is_some() && arg.get_long() == name;
        command.get_arguments().find(is_named).is_some_and(|arg| arg.get_action().takes_values())
    };
    let mut is_value = false;
    args.into_iter().map(move |arg| {
        let is_value = std::mem::replace(&mut is_value, takes_other(&arg));
        match arg.to_str().and_then(|text| text.strip_prefix("-:")) {
            Some(member) if !is_value => format!("{}:{member}", spool::STDIN).into(),
            _ => arg,
        }
    })
}

/// Shows a file as the arguments ask. If several files are shown as text, each has a heading, with an empty line before
/// it unless it is the `first`.
fn show_file(
    args: &Args,
    file: &OsStr,
    terminal: Option<Terminal>,
    first: bool,
    out: &mut Output<impl Write>,
) -> Result<(), Failure> {
    let several = args.files.len() > 1;
    let is_text = !(args.json || args.jsonl || args.csv || args.rust || args.plot.is_some());
    let heading = |out: &mut Output<_>| match several && is_text {
        true => writeln!(out, "{}{}", if first { "" } else { "\n" }, one_line(&file.to_string_lossy())),
        false => Ok(()),
    };
    let named = several.then(|| file.to_string_lossy());
    let spooled = spool::regular(file)?;
    let options = options(args);
    let path = spooled.argument();
    let source = match raw(args) {
        Some(raw) => Source::raw(path, &raw, args.recover),
        None => match Source::open(path, most(args), args.at, args.recover) {
            Ok(Found::One(source)) => Ok(*source),
            Ok(Found::Several(several)) => {
                // Several arrays, which are described or listed.
                let is_all = args.rows.is_none() && args.field.is_none() && args.offsets.is_none();
                let shown = match is_all {
                    true if args.json => json::write_several(&several, options, &spooled, named.as_deref(), out),
                    true if is_text && !args.stats => {
                        heading(out)?;
                        text::list(&several, options, &spooled, out)
                    }
                    _ => Err(several.which()),
                };
                return shown.map_err(|failure| spooled.renamed(failure));
            }
            Err(failure) => Err(failure),
        },
    };
    let mut source = source.map_err(|failure| spooled.renamed(failure))?;
    source.rename(&spooled);
    show(args, &source, named.as_deref(), out, terminal, heading).map_err(|failure| spooled.renamed(failure))
}

/// Returns the maximum length of a header, in characters.
fn most(args: &Args) -> usize {
    args.max_header.unwrap_or(npy::MAX_HEADER)
}

/// Returns the options for reading headers.
fn options(args: &Args) -> Options<FromHeader, Npy> {
    npy::dyn_options().max_header(most(args))
}

/// Returns the format that the arguments give for files without a header, or `None` if they give none.
fn raw(args: &Args) -> Option<Raw> {
    let (shape, strides) = (args.shape.as_ref().map(|shape| shape.0.clone()), args.strides.clone());
    let (dtype, packed) = match args.dtype.clone() {
        None if args.offset.is_none() && shape.is_none() && strides.is_none() && args.order.is_none() => return None,
        None => (None, None),
        Some(Stored::Elements(dtype)) => (Some(dtype), None),
        Some(Stored::Pixels(packed)) => (None, Some(packed)),
    };
    let order = args.order.map(Into::into).unwrap_or_default();
    Some(Raw { dtype, offset: args.offset, shape, order, strides, packed })
}

/// Shows an array as the arguments ask, after a heading if the output is text.
fn show<W: Write>(
    args: &Args,
    source: &Source,
    named: Option<&str>,
    out: &mut Output<W>,
    terminal: Option<Terminal>,
    heading: impl FnOnce(&mut Output<W>) -> io::Result<()>,
) -> Result<(), Failure> {
    let open = |file| Ragged::open(file, most(args), args.recover, source, args.rows);
    let ragged = args.offsets.as_deref().map(open).transpose()?;
    let ragged = ragged.as_ref();
    let rows = match ragged {
        Some(ragged) if args.jsonl || args.stats || args.plot.is_some() => Some(ragged.elements()?),
        // Only the rows that are shown are read.
        Some(_) => None,
        None => rows_of(args, source)?,
    };
    let field = args.field.as_deref();
    if let Some(path) = field {
        elements::find_field(&source.dtype, path).map_err(|failure| source.about(failure))?;
    }
    let shown = if args.json {
        json::write(source, ragged, named, out)
    } else if args.jsonl {
        match (ragged, rows) {
            (Some(ragged), Some(elements)) => ragged.write_jsonl(source, field, elements, out),
            (_, rows) => jsonl::write(source, rows, field, out),
        }
    } else if args.csv {
        csv::write(source, rows, field, out)
    } else if args.rust {
        write_rust(source, ragged, field, out)
    } else if args.stats {
        stats::Stats::of(source, rows, field).and_then(|stats| {
            heading(out)?;
            Ok(stats.write(out)?)
        })
    } else if let Some(path) = &args.plot {
        match ragged {
            Some(ragged) if ragged.offsets().is(path) => {
                Err(Failure::new(format!("{}: the picture would replace the offsets", ragged.offsets().name)))
            }
            _ => plotted(source, rows, field, path),
        }
    } else {
        let text = match ragged {
            Some(ragged) => text::of_ragged(source, ragged, field, terminal),
            None => text::of(source, rows, field, terminal),
        };
        text.and_then(|text| {
            heading(out)?;
            Ok(out.write_all(text.as_bytes())?)
        })
    };
    // If the file has become shorter meanwhile, that is the reason.
    let shown = shown.map_err(|failure| match out.has_failed() {
        true => failure,
        false if ragged.is_some_and(|ragged| ragged.offsets().is_named_in(&failure)) => failure,
        false => source.about(source.check(None).err().unwrap_or(failure)),
    });
    // Rows of the array itself are none of those that offsets make.
    if ragged.is_some() { shown.map_err(ragged::without_rows) } else { shown }
}

#[cfg(feature = "plot")]
fn plotted(
    source: &Source,
    rows: Option<Range<usize>>,
    field: Option<&str>,
    path: &std::path::Path,
) -> Result<(), Failure> {
    plot::draw(source, rows, field, path)
}

#[cfg(not(feature = "plot"))]
fn plotted(_: &Source, _: Option<Range<usize>>, _: Option<&str>, _: &std::path::Path) -> Result<(), Failure> {
    Err(Failure::new("this program was built without pictures"))
}

/// Returns the rows that the arguments select, all of which exist, or `None` for a 0-d array, which has no rows.
fn rows_of(args: &Args, source: &Source) -> Result<Option<Range<usize>>, Failure> {
    match (source.shape.first(), args.rows) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(Failure::new(format!("{}: a 0-d array has no rows", source.name))),
        (Some(&len), asked) => {
            let rows = asked.unwrap_or_default().of(len);
            rows.map(Some).map_err(|text| Failure::new(format!("{}: {text}", source.name)))
        }
    }
}

/// Writes a Rust struct or type for the elements, or for one field of them.
fn write_rust(
    source: &Source,
    ragged: Option<&Ragged>,
    field: Option<&str>,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let dtype = field.map_or(Ok(&source.dtype), |path| elements::find_field(&source.dtype, path))?;
    let text = dtype.to_rust().map_err(|error| Failure::new(format!("{}: {error}", source.name)))?;
    out.write_all(text.as_bytes())?;
    if field.is_none() {
        let element = if text.contains("\ntype Element") || text.starts_with("type") { "Element" } else { "Row" };
        writeln!(out, "\n// {}", source.opening(element))?;
    }
    let is_array = field.is_none() && !source.is_concat();
    if let Some(offsets) = ragged.filter(|_| is_array).map(Ragged::offsets) {
        let text = offsets.dtype.to_rust()?;
        let integer = text.rsplit("= ").next().unwrap_or_default().trim_end().trim_end_matches(';');
        let integer = integer.replace("Be<", "mmap_array::Be<").replace("Le<", "mmap_array::Le<");
        let text = "mmap_array::view::Ragged::new(data, offsets) has the rows, with the offsets";
        writeln!(out, "// {text}\n// {}", offsets.opening(&integer))?;
    }
    Ok(())
}

/// Formats a shape or strides as a Python tuple.
fn tuple<N: ToString>(shape: &[N]) -> String {
    match shape {
        [one] => format!("({},)", one.to_string()),
        shape => format!("({})", shape.iter().map(N::to_string).collect::<Vec<_>>().join(", ")),
    }
}

/// Escapes line breaks, tabs, other control characters, and characters that change the direction of the text.
fn one_line(text: &str) -> String {
    let plain = |character: char| match character {
        // Those that turn the direction of a line, or end it.
        '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => character.escape_default().to_string(),
        control if control.is_control() => control.escape_default().to_string(),
        plain => plain.into(),
    };
    text.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use std::{fs, io, path::Path};

    /// Returns what is in all files of a folder.
    fn sources(folder: &Path) -> io::Result<String> {
        let mut all = String::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            all += &if path.is_dir() { sources(&path)? } else { fs::read_to_string(&path)? };
        }
        Ok(all)
    }

    #[test]
    fn what_is_replaced_in_the_librarys_texts_is_in_them() {
        let text = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../src")).unwrap();
        // A text that goes on in the next line.
        let lines: Vec<&str> = text.split("\\\n").map(str::trim_start).collect();
        let text = lines.concat();
        let advice = super::OPTIONS.map(|(method, _)| method);
        for method in advice.into_iter().chain([super::source::ALLOW_TRUNCATED]) {
            // The library makes this one of two.
            let parts =
                if method == "give the shape [" { vec!["give {fit}", "\"the shape {}\""] } else { vec![method] };
            assert!(parts.into_iter().all(|part| text.contains(part)), "{method}");
        }
    }
}
