//! Rows of different lengths: the elements of an array between the offsets that another one has.

use super::args::Rows;
use super::elements::{Elements, Number};
use super::source::{Found, Source};
use super::spool::{self, Spooled};
use super::{Failure, tuple};
use mmap_array::Options;
use mmap_array::dtype::Kind;
use mmap_array::npy::{FromHeader, Npy};
use std::ffi::OsStr;
use std::io::Write;
use std::ops::Range;

/// Some of the rows into which offsets divide an array.
pub(crate) struct Ragged {
    offsets: Source,
    /// The length of the array's first axis.
    len: usize,
    rows: Range<usize>,
    _spooled: Spooled,
}

impl Ragged {
    /// Opens the offsets of an array's rows, of which some are asked for.
    pub(crate) fn open(
        file: &OsStr,
        options: Options<FromHeader, Npy>,
        data: &Source,
        rows: Option<Rows>,
    ) -> Result<Self, Failure> {
        let spooled = spool::regular(file)?;
        let found = Source::open(spooled.path(), options, None, false).and_then(|found| match found {
            Found::One(source) => Ok(*source),
            Found::Several(several) => Err(several.which()),
        });
        let mut offsets = found.map_err(|failure| spooled.renamed(failure))?;
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
        Ok(Self { offsets, len, rows, _spooled: spooled })
    }

    /// The array of the offsets.
    pub(crate) fn offsets(&self) -> &Source {
        &self.offsets
    }

    /// The number of all rows.
    pub(crate) fn len(&self) -> usize {
        self.offsets.shape[0].saturating_sub(1)
    }

    /// The number of rows that are asked for.
    pub(crate) fn asked(&self) -> usize {
        self.rows.len()
    }

    /// The elements of all rows that are asked for. Every row is checked.
    pub(crate) fn elements(&self) -> Result<Range<usize>, Failure> {
        let mut all: Option<Range<usize>> = None;
        self.each(0..self.asked(), |row| {
            all.get_or_insert(row.clone()).end = row.end;
            Ok(())
        })?;
        Ok(all.unwrap_or_default())
    }

    /// The elements of each of some of the rows that are asked for, of which the first is row 0.
    pub(crate) fn rows(&self, rows: Range<usize>) -> Result<Vec<Range<usize>>, Failure> {
        let mut found = Vec::new();
        self.each(rows, |row| {
            found.push(row);
            Ok(())
        })?;
        Ok(found)
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
                return Err(self.offsets.about(Failure::new("the offsets have been changed meanwhile")));
            }
            (next, shape[0]) = (row.end, row.len());
            Ok(elements.write_lines(1, &shape, &data.dtype, field, out)?)
        })
    }

    /// Calls `f` with the elements of each of some of the rows that are asked for.
    fn each(&self, rows: Range<usize>, mut f: impl FnMut(Range<usize>) -> Result<(), Failure>) -> Result<(), Failure> {
        if rows.is_empty() {
            return Ok(());
        }
        let rows = self.rows.start + rows.start..self.rows.start + rows.end;
        let about = |failure| self.offsets.about(failure);
        let read = rows.start..rows.end + 1;
        self.offsets.check(Some(&read)).map_err(about)?;
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
                        "row {row} begins at {start} but ends at {end}: offsets must not decrease; those of rows with \
                         these lengths are the cumulative sums of the lengths, beginning with 0"
                    ),
                };
                return Err(about(Failure::new(text)));
            };
            f(first..last)?;
            start = end;
        }
        Ok(())
    }
}
