//! The files of a table.

use arrow::record_batch::RecordBatch;
use datafusion::error::{DataFusionError, Result};
use mmap_array::interop::ArrowOptions;
use mmap_array::{DType, ErrorKind, SharedDynArray, npy, npz};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

/// Converts an error of the library, which names the file, to one of the engine.
pub(crate) fn external(error: mmap_array::Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// Returns the text of an error with the number of a row counted from the first row of the file, not of the batch.
fn counted_from(text: &str, first: usize) -> String {
    let numbered = text.match_indices(" row ").find_map(|(at, word)| {
        let (before, rest) = text.split_at(at + word.len());
        let digits = rest.len() - rest.trim_start_matches(|character: char| character.is_ascii_digit()).len();
        let row: usize = rest[..digits].parse().ok()?;
        Some(format!("{before}{}{}", first + row, &rest[digits..]))
    });
    numbered.unwrap_or_else(|| format!("from row {first} on: {text}"))
}

/// An error of creating a batch from the rows of a file.
pub(crate) struct Unreadable(DataFusionError);

impl From<mmap_array::Error> for Unreadable {
    fn from(error: mmap_array::Error) -> Self {
        Self(external(error))
    }
}

impl From<Unreadable> for DataFusionError {
    fn from(Unreadable(error): Unreadable) -> Self {
        error
    }
}

pub(crate) fn planning(text: impl Into<String>) -> DataFusionError {
    DataFusionError::Plan(text.into())
}

pub(crate) fn execution(text: impl Into<String>) -> DataFusionError {
    DataFusionError::Execution(text.into())
}

/// The identity of a file on this machine, which differs from that of other files that have had its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    device: u64,
    number: u64,
}

impl Identity {
    /// Returns the identity of the file that has the name now, or `None` on systems that do not report it.
    pub(crate) fn of(path: &Path) -> io::Result<Option<Self>> {
        let metadata = fs::metadata(path)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            Ok(Some(Self { device: metadata.dev(), number: metadata.ino() }))
        }
        #[cfg(not(unix))]
        {
            drop(metadata);
            Ok(None)
        }
    }
}

/// One file, or one member of an archive, and the number of rows according to its header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shard {
    pub(crate) path: PathBuf,
    pub(crate) member: Option<String>,
    pub(crate) rows: usize,
    /// The identity of the file; `None` if the table was created on another machine.
    pub(crate) identity: Option<Identity>,
}

/// The type of the rows of all shards.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rows {
    pub(crate) dtype: DType,
    /// The lengths of all axes but the first.
    pub(crate) shape: Vec<usize>,
}

impl Rows {
    /// Returns the size of a row in bytes.
    pub(crate) fn size(&self) -> usize {
        self.size_of(&self.dtype)
    }

    /// Returns the size of a row in bytes if each element has the dtype.
    pub(crate) fn size_of(&self, dtype: &DType) -> usize {
        self.shape.iter().fold(dtype.itemsize(), |size, len| size.saturating_mul(*len))
    }

    /// Describes the first field of records that differs from others, or returns an empty text.
    fn difference(&self, others: &Self) -> String {
        let mut fields = self.dtype.fields().iter().zip(others.dtype.fields());
        match fields.find(|(our, their)| our != their) {
            Some((our, their)) if our.name == their.name => {
                format!("; the field {:?} is {}, not {}", our.name, our.dtype, their.dtype)
            }
            Some((our, their)) => format!("; it has the field {:?} instead of {:?}", our.name, their.name),
            None => String::new(),
        }
    }
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.shape[..] {
            [] => write!(f, "rows of {}", self.dtype),
            shape => write!(f, "rows of {} of shape {shape:?}", self.dtype),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        self.member.as_ref().map_or(Ok(()), |member| write!(f, ":{member}"))
    }
}

impl Shard {
    /// Reads the header, and checks that the rows can be mapped.
    pub(crate) fn find(path: &Path, member: Option<&str>) -> Result<(Self, Rows)> {
        if member.is_some() && path.is_dir() {
            return Err(planning(format!("{}: a folder has no members; name an archive", path.display())));
        }
        if path.to_string_lossy().contains(['*', '?']) && !path.exists() {
            return Err(planning(format!("{}: patterns are not expanded; name the folder", path.display())));
        }
        let mut shard = Self { path: path.to_owned(), member: member.map(str::to_owned), rows: 0, identity: None };
        let header = match member {
            None if path.extension().is_some_and(|extension| extension == "npz") => return Err(shard.is_an_archive()),
            None => npy::header(path),
            Some(member) => {
                let archive = npz::Archive::open(path).map_err(external)?;
                let member = archive.member(member).map_err(external)?;
                if !member.is_stored() {
                    return Err(planning(format!(
                        "{shard}: the member is compressed, so it cannot be mapped; `np.savez` stores members \
                         uncompressed"
                    )));
                }
                npy::header(member)
            }
        };
        let header = header.map_err(external)?;
        let [rows, shape @ ..] = header.shape() else {
            return Err(planning(format!("{shard}: an array without axes has no rows")));
        };
        shard.rows = *rows;
        shard.identity = shard.identity_now()?;
        let rows = Rows { dtype: header.dtype().clone(), shape: shape.to_vec() };
        // A compressed member and a file that is too short are errors before any query runs.
        shard.open(0..shard.rows, &rows)?;
        Ok((shard, rows))
    }

    fn is_an_archive(&self) -> DataFusionError {
        let archive = match npz::Archive::open(&self.path) {
            Ok(archive) => archive,
            Err(error) => return external(error),
        };
        let members: Vec<String> = archive.members().map(|member| member.name().to_owned()).collect();
        planning(format!(
            "{self}: an archive has many arrays; name one of {members:?} by `open_member` or OPTIONS ('npy.member' '…')"
        ))
    }

    /// Returns the identity of the file that has the name now.
    pub(crate) fn identity_now(&self) -> Result<Option<Identity>> {
        Identity::of(&self.path).map_err(|error| execution(format!("{self}: {error}")))
    }

    /// Returns the `.npy` files of a folder except hidden ones, sorted by name.
    fn paths_in(folder: &Path) -> Result<Vec<PathBuf>> {
        let named = |error: io::Error| planning(format!("{}: the folder cannot be read: {error}", folder.display()));
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder).map_err(named)? {
            let entry = entry.map_err(named)?;
            let (path, name) = (entry.path(), entry.file_name());
            let is_hidden = name.as_encoded_bytes().starts_with(b".");
            if !is_hidden && path.extension().is_some_and(|extension| extension == "npy") {
                paths.push(path);
            }
        }
        paths.sort();
        if paths.is_empty() {
            return Err(planning(format!("{}: the folder has no `.npy` file", folder.display())));
        }
        Ok(paths)
    }

    /// Returns the shards of files and folders, one after another, which must have rows of the same type.
    pub(crate) fn find_all(places: &[PathBuf]) -> Result<(Vec<Self>, Rows)> {
        let mut found: Option<(Vec<Self>, Rows)> = None;
        for place in places {
            let paths = if place.is_dir() { Self::paths_in(place)? } else { vec![place.clone()] };
            for path in paths {
                let (shard, rows) = Self::find(&path, None)?;
                match &mut found {
                    None => found = Some((vec![shard], rows)),
                    Some((shards, first)) if *first == rows => shards.push(shard),
                    Some((shards, first)) => {
                        return Err(planning(format!(
                            "the files of a table must have rows of the same dtype and shape, but {} has {first}, and \
                             {shard} has {rows}{}",
                            shards[0],
                            rows.difference(first)
                        )));
                    }
                }
            }
        }
        found.ok_or_else(|| planning("a table must have at least one file"))
    }

    /// Creates a batch of some of the mapped rows, with all fields or the selected ones. `first` is the number of the
    /// first mapped row in the file.
    pub(crate) fn batch(
        &self,
        array: &SharedDynArray,
        first: usize,
        rows: Range<usize>,
        selected: Option<&DType>,
        options: &ArrowOptions,
    ) -> Result<RecordBatch> {
        let first = first + rows.start;
        let batch = array.try_read(|view| {
            let rows = view.rows(rows);
            let batch = match selected {
                Some(dtype) => rows.view_as(dtype).and_then(|rows| options.record_batch(&rows, ..)),
                None => options.record_batch(&rows, ..),
            };
            batch.map_err(|error| {
                let error = error.to_string();
                // The option has another name in the engine.
                let error = error.replace("without `bytes_as_utf8` it is bytes", "the option 'npy.binary' reads bytes");
                Unreadable(execution(format!("{self}: {}", counted_from(&error, first))))
            })
        });
        Ok(batch?)
    }

    /// Maps a range of the rows, which must exist and have the type that they had when the table was created.
    pub(crate) fn open(&self, rows: Range<usize>, expected: &Rows) -> Result<SharedDynArray> {
        let options = npy::dyn_options().rows(rows);
        let array = match &self.member {
            None => options.open_shared(&self.path),
            Some(member) => {
                npz::Archive::open(&self.path).and_then(|archive| options.open_shared(archive.member(member)?))
            }
        };
        let array = array.map_err(|error| match error.kind() {
            ErrorKind::OutOfRange => execution(format!(
                "{self}: the file had {} rows when the table was created, and has fewer now: {error}",
                self.rows
            )),
            _ => external(error),
        })?;
        let now = Rows { dtype: array.dtype().clone(), shape: array.shape()[1..].to_vec() };
        if now != *expected {
            return Err(execution(format!(
                "{self}: the file has {now}, but had {expected} when the table was created{}",
                now.difference(expected)
            )));
        }
        // Whether the file that was opened, or one that has replaced it since, has this identity: both must be the
        // table's.
        if self.identity.is_some() && self.identity_now()? != self.identity {
            return Err(execution(format!("{self}: the file has been replaced since the table was created")));
        }
        Ok(array)
    }
}

#[cfg(test)]
mod tests {
    use super::counted_from;

    #[test]
    fn rows_are_counted_from_the_first_of_the_file() {
        assert_eq!(counted_from("the text in row 26 is not UTF-8", 41_384), "the text in row 41410 is not UTF-8");
        assert_eq!(counted_from("a row too many", 7), "from row 7 on: a row too many");
    }
}
