//! The files of a concatenation, of which some are mapped.

use super::block::Block;
use crate::array::elements::{Layout, sealed::Described};
use crate::array::source::{Bytes, FileBytes, Want, sealed as source};
use crate::array::{Format, Options, Source};
use crate::dtype::DType;
use crate::error::{Error, Reason, Result};
use crate::npy::options::Npy;
use crate::region::{self, FileId};
use crate::shape::{Dims, Order};
use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The files of an array, and the function that opens them.
pub(super) struct Files<S> {
    files: Box<[Shard]>,
    /// The shape of all of them.
    dims: Dims,
    /// The dtype, if it is the one that the files state.
    dtype: Option<DType>,
    /// Whether all elements are in C order.
    is_contiguous: bool,
    open: Box<dyn Fn(Opened<'_>) -> Result<S> + Send + Sync>,
    mapped: Mutex<Mapped<S>>,
    /// The most files to keep mapped.
    most: usize,
}

/// A file, as it was when its header was read.
struct Shard {
    path: Box<Path>,
    id: FileId,
    order: Order,
    /// The number of rows up to the end of the file's.
    end: usize,
}

/// An open file with its path.
pub(super) struct Opened<'a> {
    file: &'a File,
    path: &'a Path,
}

impl Opened<'_> {
    fn bytes(&self) -> FileBytes<'_> {
        FileBytes { file: self.file, path: Some(self.path), member: None }
    }
}

impl Source for Opened<'_> {}
impl source::Source for Opened<'_> {
    fn lend<R>(self, _: Want, f: impl FnOnce(Bytes<'_>) -> Result<R>) -> Result<R> {
        f(Bytes::File(self.bytes()))
    }
}

/// Opens a file, calls `f` with it, and names it in errors.
fn open<R>(path: &Path, f: impl FnOnce(Opened<'_>, FileId) -> Result<R>) -> Result<R> {
    let open = || {
        let file = region::open(path, false)?;
        let id = FileId::of(&file).map_err(|source| Error::io("identify the file", source))?;
        f(Opened { file: &file, path }, id)
    };
    open().map_err(|error: Error| error.in_file(Some(path)))
}

impl<S: Block> Files<S> {
    /// Reads the headers of files, whose arrays `open_one` opens. `check` checks the layout of each.
    pub(super) fn read<E: Described, P: AsRef<Path>>(
        options: &Options<E, Npy>,
        paths: impl IntoIterator<Item = P>,
        check: impl Fn(&Layout) -> Result<()>,
        open_one: impl Fn(Opened<'_>) -> Result<S> + Send + Sync + 'static,
    ) -> Result<Self>
    where
        Npy: Format<E>,
    {
        if !options.format.is_whole() || options.locks() {
            return Err(Error::unsupported(
                "many files are opened as one whole array and without locks; select rows of the array with `rows`",
            ));
        }
        let mut files: Vec<Shard> = Vec::new();
        let mut first: Option<Layout> = None;
        for path in paths {
            let path = path.as_ref();
            open(path, |opened, id| {
                let layout = options.find(&opened.bytes())?;
                check(&layout)?;
                let Some(&rows) = layout.dims.first() else {
                    return Err(Error::shape("the array has no axes, so it cannot be concatenated"));
                };
                if let (Some(first), Some(shard)) = (&first, files.first()) {
                    check_fit(&layout, first, &shard.path)?;
                }
                let end = files.last().map_or(0, |last| last.end).checked_add(rows);
                let end = end.ok_or_else(|| Error::overflow("the array", "its rows cannot be counted"))?;
                // One axis has no order.
                let order = if layout.dims.len() < 2 { Order::C } else { layout.order };
                files.push(Shard { path: path.into(), id, order, end });
                first.get_or_insert(layout);
                Ok(())
            })?;
        }
        let (Some(first), Some(last)) = (first, files.last()) else {
            return Err(Error::shape("there is no file to concatenate, and so no shape; give one path at least"));
        };
        let dims = first.dims.with(0, last.end);
        // That the elements can be counted; their bytes need not fit the address space.
        dims.checked_len(1).map_err(|_| Error::overflow("the array", format!("{dims} elements cannot be counted")))?;
        // What is kept of as many maps takes less than 1 MiB.
        let most = if S::KEEPS_FILE { (region::most_open_files() / 4).clamp(1, 1000) } else { 1 << 11 };
        let count = files.len();
        Ok(Self {
            is_contiguous: files.iter().all(|shard| shard.order == Order::C),
            files: files.into(),
            dims,
            dtype: first.dtype,
            open: Box::new(open_one),
            mapped: Mutex::new(Mapped::new(count)),
            most,
        })
    }
}

/// Checks that an array can follow the first, which is in the file at `path`.
fn check_fit(layout: &Layout, first: &Layout, path: &Path) -> Result<()> {
    if layout.dims.len() != first.dims.len() || layout.dims[1..] != first.dims[1..] {
        return Err(Error::shape(format!(
            "an array of shape {} cannot follow the one of shape {} in {}: all lengths but the first must be equal",
            layout.dims,
            first.dims,
            path.display()
        )));
    }
    match (&layout.dtype, &first.dtype) {
        (Some(found), Some(wanted)) if found != wanted => {
            let text = format!("the elements are {found}, not {wanted} as those in {}", path.display());
            Err(Reason::DTypeMismatch(text).error())
        }
        _ => Ok(()),
    }
}

impl<S> Files<S> {
    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    /// Returns the shape of all files.
    pub(super) fn dims(&self) -> &Dims {
        &self.dims
    }

    pub(super) fn dtype(&self) -> Option<&DType> {
        self.dtype.as_ref()
    }

    pub(super) fn is_contiguous(&self) -> bool {
        self.is_contiguous
    }

    /// Returns the rows of a file, counted from the first of all files.
    fn rows(&self, file: usize) -> Range<usize> {
        let start = file.checked_sub(1).map_or(0, |before| self.files[before].end);
        start..self.files[file].end
    }

    /// Returns the file of a row of the array, and its row there.
    pub(super) fn find(&self, row: usize) -> (usize, usize) {
        let file = self.files.partition_point(|file| file.end <= row);
        (file, row - self.rows(file).start)
    }

    /// Returns the number of rows from `row` to the end of its file.
    pub(super) fn rows_from(&self, row: usize) -> usize {
        self.files[self.find(row).0].end - row
    }

    /// Returns the files that have some of these rows, with the rows of each, counted from its first.
    pub(super) fn within(
        &self,
        rows: Range<usize>,
    ) -> impl DoubleEndedIterator<Item = (usize, Range<usize>)> + use<'_, S> {
        let first = self.files.partition_point(|file| file.end <= rows.start);
        let last = self.files.partition_point(|file| file.end < rows.end);
        let files = if rows.is_empty() { 0..0 } else { first..last + 1 };
        files.filter_map(move |file| {
            let all = self.rows(file);
            let part = all.start.max(rows.start) - all.start..all.end.min(rows.end) - all.start;
            (!part.is_empty()).then_some((file, part))
        })
    }

    fn mapped(&self) -> MutexGuard<'_, Mapped<S>> {
        self.mapped.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Block> Files<S> {
    /// Returns the array of a file, which is mapped if it is not.
    pub(super) fn get(&self, file: usize) -> Result<Arc<S>> {
        if let Some(block) = self.mapped().get(file) {
            return Ok(block);
        }
        // Nobody waits for the disk here who has another file; two that map the same one do so twice.
        let block = match self.map(file) {
            Err(error) if error.io_error().is_some_and(region::is_exhausted) => {
                let mapped = std::mem::replace(&mut *self.mapped(), Mapped::new(self.files.len()));
                drop(mapped);
                self.map(file)
            }
            mapped => mapped,
        };
        let block = Arc::new(block?);
        let unmapped = self.mapped().insert(file, Arc::clone(&block), self.most);
        drop(unmapped);
        Ok(block)
    }

    fn map(&self, file: usize) -> Result<S> {
        let shard = &self.files[file];
        let dims = self.dims.with(0, self.rows(file).len());
        open(&shard.path, |opened, id| {
            if id != shard.id {
                return Err(Reason::Replaced("another file has its name".into()).error());
            }
            let block = (self.open)(opened)?;
            let (shape, order) = (block.shape(), block.order());
            let is_same = shape.len() == dims.len() && shape[1..] == dims[1..] && block.dtype() == self.dtype.as_ref();
            let (rows, has_order) = (shape.first().copied().unwrap_or(0), dims.len() < 2 || order == shard.order);
            match is_same && has_order {
                true if rows == dims[0] => Ok(block),
                // Rows have been added, and the others are where they were.
                true if rows > dims[0] && shard.order == Order::C => block.into_rows(0..dims[0]),
                _ => {
                    let text = format!(
                        "the array has the shape {shape:?} in {order:?} order, not {dims} in {:?} order{}",
                        shard.order,
                        block.dtype().map_or(String::new(), |dtype| format!(", and the dtype {dtype}"))
                    );
                    Err(Reason::Replaced(text).error())
                }
            }
        })
    }
}

/// The mapped arrays, each at the place of its file, and these files in any order.
struct Mapped<S> {
    blocks: Box<[Option<Arc<S>>]>,
    files: Vec<usize>,
    /// The last of a sequence of numbers that look random.
    random: u32,
}

impl<S> Mapped<S> {
    /// Creates a place for each of `count` files.
    fn new(count: usize) -> Self {
        Self { blocks: (0..count).map(|_| None).collect(), files: Vec::new(), random: 0 }
    }

    fn get(&self, file: usize) -> Option<Arc<S>> {
        self.blocks[file].clone()
    }

    /// Adds an array, and returns one that is no longer kept: any of them, so that of files that are read again and
    /// again, one after another, some are still mapped. Those that were used last would be the ones that are needed
    /// last.
    fn insert(&mut self, file: usize, block: Arc<S>, most: usize) -> Option<Arc<S>> {
        let replaced = self.blocks[file].replace(block);
        if replaced.is_some() {
            return replaced;
        }
        if self.files.len() < most {
            self.files.push(file);
            return None;
        }
        // From Numerical Recipes, 3rd edition, 7.1; of such numbers, the upper bits are the better ones.
        self.random = self.random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let place = (u64::from(self.random) * self.files.len() as u64) >> 32;
        let other = std::mem::replace(&mut self.files[place as usize], file);
        self.blocks[other].take()
    }
}
