//! Rows of different lengths: the elements of an array between the offsets in another array.

use super::args::Rows;
use super::elements::{Elements, Number};
use super::source::{Found, Several, Source};
use super::spool::{self, Spooled};
use super::{Failure, tuple};
use mmap_array::dtype::Kind;
use std::ffi::OsStr;
use std::io::Write;
use std::ops::Range;

/// Some of the rows into which offsets divide an array.
pub(crate) struct Ragged {
    offsets: Source,
    /// The length of the array's first axis.
    len: usize,
    rows: Range<usize>,
    spooled: Spooled,
}

impl Ragged {
    /// Opens the array of offsets in `file`, which divide `data` into rows, and selects some of the rows.
    pub(crate) fn open(
        file: &OsStr,
        most: usize,
        recover: bool,
        data: &Source,
        rows: Option<Rows>,
    ) -> Result<Self, Failure> {
        let from_pipe = |text: String| text.replace("mmap-inspect - <", "--offsets - <");
        let spooled = spool::regular(file).map_err(|failure| failure.map_text(from_pipe))?;
        let found = Source::open(spooled.argument(), most, None, recover).and_then(|found| match found {
            Found::One(source) => Ok(*source),
            Found::Several(Several::Arrays(path, _)) => {
                let text = "it has several arrays, one after another; offsets must be alone in a file or a member";
                Err(Failure::new(format!("{}: {text}", path.display())))
            }
            Found::Several(several) => Err(several.which()),
        });
        // That option is for the data.
        let with_header =
            |text: String| text.replace("; --dtype reads a file of raw numbers", "; offsets need a header");
        let mut offsets = found.map_err(|failure| spooled.renamed(failure).map_text(with_header))?;
        offsets.rename(&spooled);
        let refused = |text: String| Failure::new(format!("{}: {text}", offsets.name));
        let &len = data.shape.first().ok_or_else(|| Failure::new(format!("{}: a 0-d array has no rows", data.name)))?;
        let (dtype, shape) = (&offsets.dtype, &offsets.shape);
        if !matches!(dtype.kind(), Kind::Int { size: 4 | 8, .. } | Kind::UInt { size: 4 | 8, .. }) || shape.len() != 1 {
            let text = "offsets are integers of 4 or 8 bytes along one axis, but these are";
            return Err(refused(format!("{text} {dtype} of shape {}", tuple(shape))));
        }
        // No offsets are no rows, as in Arrow.
        let rows = rows.unwrap_or_default().of(shape[0].saturating_sub(1)).map_err(refused)?;
        Ok(Self { offsets, len, rows, spooled })
    }

    /// Returns the array of the offsets.
    pub(crate) fn offsets(&self) -> &Source {
        &self.offsets
    }

    /// Returns the number of all rows.
    pub(crate) fn len(&self) -> usize {
        self.offsets.shape[0].saturating_sub(1)
    }

    /// Returns the number of selected rows.
    pub(crate) fn asked(&self) -> usize {
        self.rows.len()
    }

    /// Returns the range of the elements of all selected rows. Every row is checked.
    pub(crate) fn elements(&self) -> Result<Range<usize>, Failure> {
        let mut all: Option<Range<usize>> = None;
        self.each(0..self.asked(), |row| {
            all.get_or_insert(row.clone()).end = row.end;
            Ok(())
        })?;
        Ok(all.unwrap_or_default())
    }

    /// Returns the elements of each of some rows, counted from the first selected one.
    pub(crate) fn rows(&self, rows: Range<usize>) -> Result<Vec<Range<usize>>, Failure> {
        let mut found = Vec::new();
        self.each(rows, |row| {
            found.push(row);
            Ok(())
        })?;
        Ok(found)
    }

    /// Checks that no row ends after the start of the next one, even if rows between them are left out.
    pub(crate) fn check_order(&self, rows: &[Range<usize>]) -> Result<(), Failure> {
        for (row, later) in rows.iter().zip(rows.iter().skip(1)) {
            if row.end > later.start {
                let text = format!("a row ends at {} but a later one begins at {}", row.end, later.start);
                return Err(self.about(Failure::new(format!("{text}: offsets must not decrease"))));
            }
        }
        Ok(())
    }

    /// Returns a failure to read the offsets, with their name, and without the advice to use `--rows`.
    fn about(&self, failure: Failure) -> Failure {
        without_rows(self.spooled.renamed(self.offsets.about(failure)))
    }

    /// Writes each row as a line of JSON.
    pub(crate) fn write_jsonl(
        &self,
        data: &Source,
        field: Option<&str>,
        all: Range<usize>,
        out: &mut impl Write,
    ) -> Result<(), Failure> {
        data.check(Some(&all))?;
        let mut elements = Elements::new(data, Some(all.clone()))?;
        let mut shape = data.shape.clone();
        let mut next = all.start;
        self.each(0..self.asked(), |row| {
            if row.start != next || row.end > all.end {
                return Err(self.about(Failure::new("the offsets have been changed meanwhile")));
            }
            (next, shape[0]) = (row.end, row.len());
            Ok(elements.write_lines(1, &shape, &data.dtype, field, out)?)
        })
    }

    /// Calls `f` with the elements of each of some rows, counted from the first selected one.
    fn each(&self, rows: Range<usize>, mut f: impl FnMut(Range<usize>) -> Result<(), Failure>) -> Result<(), Failure> {
        if rows.is_empty() {
            return Ok(());
        }
        let rows = self.rows.start + rows.start..self.rows.start + rows.end;
        // If the file has become shorter meanwhile, that is the reason.
        let about = |failure| self.about(self.offsets.check(None).err().unwrap_or(failure));
        let read = rows.start..rows.end + 1;
        self.offsets.check(Some(&read)).map_err(|failure| self.about(failure))?;
        let mut offsets = Elements::new(&self.offsets, Some(read)).map_err(about)?;
        let mut next = || match offsets.number(&self.offsets.dtype) {
            Ok(Number::Int(offset)) => Ok(i128::from(offset)),
            Ok(Number::UInt(offset)) => Ok(i128::from(offset)),
            Ok(_) => Err(Failure::new("an offset is no integer")),
            Err(error) => Err(error.into()),
        };
        let mut start = next().map_err(about)?;
        for row in rows {
            let end = next().map_err(about)?;
            let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
            let Some((first, last)) = range.filter(|&(first, last)| first <= last && last <= self.len) else {
                let text = match start <= end {
                    true => {
                        format!("row {row} is {start}..{end} of an array that has {} along its first axis", self.len)
                    }
                    false => format!(
                        "row {row} begins at {start} but ends at {end}: offsets must not decrease; if these numbers \
                         are the lengths of the rows, the offsets are their cumulative sums, beginning with 0"
                    ),
                };
                return Err(self.about(Failure::new(text)));
            };
            f(first..last)?;
            start = end;
        }
        Ok(())
    }
}

/// Removes the advice to use `--rows`, whose numbers would be those of an array's own rows.
pub(crate) fn without_rows(failure: Failure) -> Failure {
    failure.map_text(|mut text| {
        if let Some(at) = text.find("; --rows ") {
            text.truncate(at);
        }
        text
    })
}
