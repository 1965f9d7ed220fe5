//! Filling one array by many workers, any of which may die.
//!
//! NumPy's way to fill a large array by several processes is to cut it up beforehand, and to begin anew when one of
//! them dies, since nothing says what is missing. Here the workers claim parts as they go, and what is done is written
//! down.

use super::header::{Header, MAX_HEADER};
use super::options::{Npy, check_as_asked};
use super::sidecar::{Complete, Held, Job, MAX_PARTS, Next, Sidecar};
use super::window::split;
use crate::access::{Exclusive, ReadWrite};
use crate::array::format::sealed::NewFormat as _;
use crate::array::source::FileBytes;
use crate::array::{CreateOptions, MmapArrayMut, Options, StandIn, Typed};
use crate::element::Element;
use crate::error::{Error, ErrorKind, Result};
use crate::region::{self, OwnFile, Wait};
use crate::view::named::described;
use crate::view::{ArrayView, ArrayViewMut};
use std::fmt;
use std::fs;
use std::io;
use std::ops::{Deref, DerefMut, Range};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// The bytes of a part where nothing is said of them.
const PART_BYTES: u64 = 16 << 20;

type Progress<'a> = Box<dyn FnMut(usize, usize) + Send + 'a>;

/// A job of filling one array, part by part, by any number of processes and threads. Made by
/// [`npy::fill`](super::fill).
///
/// **Do not create the array yourself: the job does.** What is done is kept in a small file beside the array,
/// `.NAME.npy.fill`. When the array is complete it is marked so, by a tab in the place of a space of its header, and
/// the file beside it goes. Of a complete array nothing is filled, also where an earlier run filled it by another
/// function: [`run`](Self::run) returns 0, and with [`create_new`](Self::create_new) it is an error. An array that is
/// there without the mark and without that file is refused: one that another call has created, one whose file beside it
/// was lost. To begin anew, delete the array first, and the file beside it where it is not complete. An array that is
/// not complete is moved together with its file, within one file system; a copy of both is refused.
///
/// All workers make the same call. The first creates the array, of zeros; each claims parts that nobody has, fills
/// them, and marks them as done, until there are none left. So:
///
/// - a worker that dies, by whatever signal, loses its claim, and another one takes the part over;
/// - when all have died, or the power failed, the same call goes on where they were: a part is marked only after its
///   elements are on the disk.
///
/// The elements of a part that is claimed are in memory, zero at first, and are written to the file when it is done. So
/// all threads of a worker together need the memory of as many parts; where nothing is said, 16 MiB each. Nobody holds
/// references to the file, which is why no `unsafe` is needed: others may watch it by
/// [`open_shared`](Options::open_shared) meanwhile, and whoever writes to it spoils its values and nothing else.
/// [`append`](super::append) refuses an array that is being filled, and of one that grows by other ways the job ends
/// with an error.
///
/// A part gets its blocks on the disk when it is claimed, so that a full disk is an error then, or at the latest when
/// it is done, and the same call goes on once there is room. With [`reserve`](CreateOptions::reserve) all blocks are
/// taken when the array is created.
///
/// A process's claims are not those of its forks: a fork joins the job anew.
///
/// Workers share a machine: two of them write the same page, which network file systems do not put together.
///
/// ```
/// # #[cfg(any(target_os = "linux", target_os = "macos", windows))] {
/// use mmap_array::{Error, npy};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("squares.npy");
/// let job = npy::fill::<f64>(&path, [1000, 3]).parts(10).threads(2);
/// let filled = job.run(|part| {
///     for (row, values) in part.rows().zip(part.chunks_exact_mut(3)) {
///         values.fill((row * row) as f64);
///     }
///     Ok::<_, Error>(())
/// })?;
/// assert_eq!(filled, 10);
/// assert_eq!(npy::load::<f64>(&path)?[[999, 2]], 998_001.0);
/// # }
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct FillOptions<'a, T> {
    path: PathBuf,
    options: CreateOptions<Typed<T>, Npy>,
    cut: Cut,
    new: bool,
    threads: usize,
    progress: Option<Progress<'a>>,
}

#[derive(Clone, Copy)]
enum Cut {
    Default,
    Parts(usize),
    RowsPerPart(usize),
}

impl<T: Element> CreateOptions<Typed<T>, Npy>
where
    ReadWrite: Exclusive<T>,
{
    /// Returns a job of filling the array by many processes and threads, part by part. See
    /// [`npy::fill`](super::fill()), of which this is the form with options: order, version, alignment, blocks on the
    /// disk. A window among them is an error. With [`lock_range`](Self::lock_range) the elements of a part are locked
    /// while it is claimed, for those who open windows of the file with locks; a part that they have locked is left for
    /// later.
    ///
    /// ```
    /// # #[cfg(any(target_os = "linux", target_os = "macos", windows))] {
    /// use mmap_array::{Error, npy};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("ones.npy");
    /// let options = npy::create_options::<u8>([1000, 1000]).align(4096).reserve();
    /// let job = options.fill(&path).parts(4);
    /// let filled = job.run(|part| {
    ///     part.fill(1);
    ///     Ok::<_, Error>(())
    /// })?;
    /// assert_eq!(filled, 4);
    /// # }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn fill<'a>(self, path: impl AsRef<Path>) -> FillOptions<'a, T> {
        FillOptions::new(path.as_ref(), self)
    }
}

impl<'a, T: Element> FillOptions<'a, T>
where
    ReadWrite: Exclusive<T>,
{
    fn new(path: &Path, options: CreateOptions<Typed<T>, Npy>) -> Self {
        let path = path.to_path_buf();
        Self { path, options, cut: Cut::Default, new: false, threads: 1, progress: None }
    }

    /// Cuts the array into so many parts along the slowest axis, as [`segment`](CreateOptions::segment) does, or into
    /// single rows if there are fewer. Where nothing is said, parts have about 16 MiB.
    #[must_use]
    pub fn parts(mut self, count: usize) -> Self {
        self.cut = Cut::Parts(count);
        self
    }

    /// Cuts the array into parts of no more than so many rows (in Fortran order: indices of the last axis).
    #[must_use]
    pub fn rows_per_part(mut self, rows: usize) -> Self {
        self.cut = Cut::RowsPerPart(rows);
        self
    }

    /// Makes it an error that the array is there without the file beside it, as for
    /// [`File::create_new`](std::fs::File::create_new): of kind [`Io`](crate::ErrorKind::Io), which becomes
    /// [`AlreadyExists`](io::ErrorKind::AlreadyExists) as an [`io::Error`]. A job that is not complete is joined, and
    /// goes on, as without this.
    ///
    /// A worker that comes when the others have completed the array gets the error as well. So where workers start one
    /// after another, let the process that starts them [`open`](Self::open) the job with this, and the workers join
    /// without it.
    ///
    /// ```
    /// # #[cfg(any(target_os = "linux", target_os = "macos", windows))] {
    /// use mmap_array::{Error, npy};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("ones.npy");
    /// let job = || npy::fill::<u16>(&path, [100]).create_new();
    /// let ones = |part: &mut npy::Claim<'_, u16>| {
    ///     part.fill(1);
    ///     Ok::<_, Error>(())
    /// };
    /// assert_eq!(job().run(ones)?, 1);
    /// let again = std::io::Error::from(job().run(ones).unwrap_err());
    /// assert_eq!(again.kind(), std::io::ErrorKind::AlreadyExists);
    /// # }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn create_new(mut self) -> Self {
        self.new = true;
        self
    }

    /// The threads in which [`run`](Self::run) fills parts: 1 unless something else is said, and no more than there are
    /// parts.
    #[must_use]
    pub fn threads(mut self, count: usize) -> Self {
        self.threads = count;
        self
    }

    /// Has a function called by [`run`](Self::run) with the number of parts that are done, by whomever, and of all:
    /// at first, whenever it sees that there are more, and in the end.
    #[must_use]
    pub fn progress(mut self, progress: impl FnMut(usize, usize) + Send + 'a) -> Self {
        self.progress = Some(Box::new(progress));
        self
    }

    /// Creates the array or joins those who fill it.
    ///
    /// # Errors
    ///
    /// As for [`CreateOptions::open_or_create`]; [`OutOfRange`](crate::ErrorKind::OutOfRange) for an array without
    /// axes, 0 parts or more than 16,777,216; [`Sidecar`](crate::ErrorKind::Sidecar) where the file beside the array is
    /// damaged, or of a job that is not this one, or not there beside an array that is not complete, with what to do
    /// about it; [`Io`](crate::ErrorKind::Io) where the array is there already and [`create_new`](Self::create_new) was
    /// asked for; [`Unsupported`](crate::ErrorKind::Unsupported) where the system has no locks that belong to an open
    /// file: there are some on Linux, Android, Apple's systems and Windows.
    pub fn open(self) -> Result<Fill<T>> {
        if !self.options.format.is_whole() {
            let error = Error::out_of_range("a job fills the whole array; a window of it has parts of no use");
            return Err(error.in_file(Some(&self.path)));
        }
        let (dims, order) = self.options.shape_and_order().map_err(|error| error.in_file(Some(&self.path)))?;
        let rows = order.slowest_axis(dims.len()).map(|axis| dims[axis]);
        let plan = || {
            let asked = self.options.format.new_header(described::<T>()?, &dims, order)?;
            let parts = self.count(rows, asked.nbytes())?;
            if parts > 0 {
                // The longest; one that cannot be mapped is told before there is a file.
                let first = self.options.format.part(Some((0, parts)));
                first.lay_out(&self.options.elements, &dims, order)?.layout.span()?;
            }
            let job = Job::new(&asked.text()?, parts);
            Ok((asked, parts, job))
        };
        let (asked, parts, job) = plan().map_err(|error: Error| error.in_file(Some(&self.path)))?;
        // All who name the same file must meet at the same sidecar.
        let path = match self.path.is_symlink() {
            true => fs::canonicalize(&self.path)
                .map_err(|source| Error::io("follow the symbolic link", source).in_file(Some(&self.path)))?,
            // The same wherever the program goes meanwhile.
            false => region::absolute(&self.path),
        };
        let (sidecar, array) = self.join(&path, &job, || match self.options.new_file_alone(&path)? {
            Some(new) => Sidecar::begin(&path, &job, new),
            None => Ok(None),
        })?;
        let fill = Fill {
            array,
            asked,
            path: self.path,
            real: path,
            options: self.options.into_open(),
            rows: rows.unwrap_or(0),
            parts,
            next: AtomicUsize::new(0),
            complete: AtomicBool::new(sidecar.is_none()),
            sidecar,
        };
        let check = || {
            region::mappable_len(&fill.array)?;
            let header = fill.check_header()?;
            let mark = Complete::of(&fill.array, header.data_offset());
            match fill.sidecar.is_some() || mark.is_set().map_err(|source| Error::io("read the header", source))? {
                true => Ok(()),
                false => Err(not_ours(&fill.real)),
            }
        };
        check().map_err(|error| error.in_file(Some(&fill.path)))?;
        // Somebody may have the elements.
        fill.options_of(0).check(fill.bytes()).map_err(|error| error.in_file(Some(&fill.path)))?;
        Ok(fill)
    }

    /// Joins the job, or begins it; without a sidecar where the array is complete.
    fn join(
        &self,
        path: &Path,
        job: &Job,
        begin: impl Fn() -> Result<Option<(Sidecar, OwnFile)>>,
    ) -> Result<(Option<Sidecar>, OwnFile)> {
        let missing = |error: &Error| error.io_kind() == Some(io::ErrorKind::NotFound);
        let mut wait = Wait::new();
        // Each time round somebody else has begun or ended the job meanwhile.
        for _ in 0..MOST_CHANGES {
            // In this order: as the array gets its name after the sidecar, it is complete where the sidecar is missing.
            let array = OwnFile::open(|| region::open(path, false));
            let joined = match OwnFile::open(|| region::open(&Sidecar::name(path), true)) {
                // Where a file cannot get its name in one step, it is there with no bytes for a moment.
                Ok(file) if file.metadata().is_ok_and(|metadata| metadata.len() == 0) => None,
                Ok(file) => Sidecar::join(path, file, job)?,
                Err(error) if missing(&error) => match array {
                    Ok(_) if self.new => return Err(self.exists(path)),
                    Ok(array) => return Ok((None, array)),
                    Err(error) if missing(&error) => begin()?,
                    Err(error) => return Err(error),
                },
                Err(error) => return Err(error),
            };
            if let Some((sidecar, array)) = joined {
                return Ok((Some(sidecar), array));
            }
            wait.again();
        }
        let text = "the file says what is done of an array that is being filled, but is empty or comes and goes; delete it, \
                    and the array to begin anew";
        Err(Error::sidecar(text).damaged().in_file(Some(&Sidecar::name(path))))
    }

    fn exists(&self, path: &Path) -> Error {
        let text = format!(
            "the array is there already, and no file `{}` beside it says what of it is still to be filled; so it is \
             complete, or was not made by this job: delete it to begin anew",
            Sidecar::name(path).display()
        );
        Error::io("begin a new array", io::Error::new(io::ErrorKind::AlreadyExists, text)).in_file(Some(&self.path))
    }

    /// The number of parts.
    fn count(&self, rows: Option<usize>, nbytes: u64) -> Result<usize> {
        let Some(rows) = rows else {
            return Err(Error::out_of_range("an array without axes has no parts; give it one with `shape(…)`"));
        };
        let count = match self.cut {
            Cut::Parts(0) | Cut::RowsPerPart(0) => {
                return Err(Error::out_of_range("an array cannot be cut into 0 parts, nor into parts of 0 rows"));
            }
            Cut::Parts(count) => count.min(rows),
            Cut::RowsPerPart(len) => rows.div_ceil(len),
            Cut::Default => nbytes.div_ceil(PART_BYTES).min(MAX_PARTS.min(rows) as u64) as usize,
        };
        if count > MAX_PARTS {
            return Err(Error::out_of_range(format!("{count} parts are more than the {MAX_PARTS} that there can be")));
        }
        // Where there is nothing to be filled there are no parts.
        Ok(if nbytes == 0 { 0 } else { count })
    }

    /// Fills the array, together with all others who make this call, and returns once it is complete: how many parts
    /// this call has filled, 0 where others did it all or the array was complete before.
    ///
    /// Parts that others hold are waited for, and taken over should their holders die. The function gets a part and
    /// writes all its elements. Where it fails or panics, the part stays undone and free for others, and the error is
    /// returned, or the panic goes on, once the other threads are done with theirs.
    ///
    /// # Errors
    ///
    /// Those of the function and of [`open`](Self::open), and [`Io`](crate::ErrorKind::Io) where the system refuses.
    pub fn run<E: From<Error> + Send>(
        mut self,
        fill: impl Fn(&mut Claim<'_, T>) -> Result<(), E> + Sync,
    ) -> Result<usize, E> {
        let threads = self.threads.max(1);
        let progress = Mutex::new((None, self.progress.take()));
        let job = self.open()?;
        let stopped = AtomicBool::new(false);
        let report = || -> Result<()> {
            let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
            if let (last, Some(report)) = &mut *progress {
                let (done, parts) = job.seen_progress()?;
                if last.replace(done) != Some(done) {
                    report(done, parts);
                }
            }
            Ok(())
        };
        let work = || -> Result<usize, E> {
            let _stop = Stop(&stopped);
            let mut filled = 0;
            while let Some(mut part) = job.claim_unless(|| report().map(|()| stopped.load(Ordering::Relaxed)))? {
                fill(&mut part)?;
                part.done()?;
                filled += 1;
                report()?;
            }
            Ok(filled)
        };
        let joined = |worker: thread::ScopedJoinHandle<'_, _>| {
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        thread::scope(|scope| {
            // More threads than parts would find nothing to do.
            let others = (1..threads.min(job.parts)).map(|_| thread::Builder::new().spawn_scoped(scope, work));
            let others: Vec<_> = others.collect::<io::Result<_>>().map_err(|source| {
                drop(Stop(&stopped));
                Error::io("start a thread", source).in_file(Some(&job.path))
            })?;
            let mine = work();
            others.into_iter().map(joined).fold(mine, |all, filled| Ok(all? + filled?))
        })
    }
}

/// The error of an array that is there and is not known to be complete.
fn not_ours(path: &Path) -> Error {
    Error::sidecar(format!(
        "the array is there already, but no job has filled it to its end, and no file `{}` beside it says what is done: it \
         was made by somebody else, or appended to since, or that file was lost, or left where the array was before: move it \
         here then; delete the array to begin anew",
        Sidecar::name(path).display()
    ))
}

/// Has all threads stop when one does: at the end, by an error, by a panic.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

const CHANGED: &str = "somebody else has changed the header while the array is being filled; begin anew";

/// How often a job may begin and end while one process tries to join it.
const MOST_CHANGES: usize = 50;

/// A job that was joined: what [`FillOptions::run`] is made of, for those who have a loop of their own.
///
/// ```
/// # #[cfg(any(target_os = "linux", target_os = "macos", windows))] {
/// use mmap_array::npy;
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("ones.npy");
/// let job = npy::fill::<u16>(&path, [100]).parts(3).open()?;
/// while let Some(mut part) = job.claim()? {
///     part.fill(1);
///     part.done()?;
/// }
/// assert!(job.is_complete());
/// # }
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Fill<T> {
    array: OwnFile,
    /// What the array is to be.
    asked: Header,
    /// As it was given, for errors.
    path: PathBuf,
    real: PathBuf,
    options: Options<Typed<T>, Npy>,
    /// The length of the slowest axis.
    rows: usize,
    parts: usize,
    /// Where to look for the next part: behind the last.
    next: AtomicUsize,
    complete: AtomicBool,
    /// `None` where the array was complete.
    sidecar: Option<Sidecar>,
}

impl<T: Element> Fill<T>
where
    ReadWrite: Exclusive<T>,
{
    /// Claims a part that is not done and that nobody has. Waits where all that are left are being filled by others;
    /// `None` once all are done.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io) where the system refuses, as it does where the disk is full;
    /// [`Sidecar`](crate::ErrorKind::Sidecar) where somebody has damaged the sidecar meanwhile;
    /// [`Unsupported`](crate::ErrorKind::Unsupported) in a fork of the process that opened the job.
    pub fn claim(&self) -> Result<Option<Claim<'_, T>>> {
        self.claim_unless(|| Ok(false))
    }

    /// As [`claim`](Self::claim), without waiting: `None` where nothing is free. Unless the array
    /// [is complete](Self::is_complete), others are filling the rest, one of whom may yet die.
    ///
    /// # Errors
    ///
    /// As for [`claim`](Self::claim).
    pub fn try_claim(&self) -> Result<Option<Claim<'_, T>>> {
        let Some(sidecar) = &self.sidecar else { return Ok(None) };
        let claimed = sidecar.next(self.next.load(Ordering::Relaxed), |held| {
            match self.options_of(held.part).stand_in(self.bytes()) {
                Ok(part) => Ok(Some((held, part))),
                // By somebody who is no worker, and has it open with a lock.
                Err(error) if error.kind() == ErrorKind::Locked => Ok(None),
                Err(error) => Err(error.in_file(Some(&self.path))),
            }
        })?;
        match claimed {
            Next::Busy => Ok(None),
            Next::Complete => {
                if !self.complete.load(Ordering::Acquire) {
                    sidecar.finish(|| {
                        let header = self.check_header().map_err(|error| error.in_file(Some(&self.path)))?;
                        let set = Complete::of(&self.array, header.data_offset()).set(&self.real);
                        set.map_err(|source| Error::io("mark the array as complete", source).in_file(Some(&self.path)))
                    })?;
                    self.complete.store(true, Ordering::Release);
                }
                Ok(None)
            }
            Next::Part((held, part)) => {
                self.next.store(held.part + 1, Ordering::Relaxed);
                let rows = split(self.rows, held.part, self.parts)..split(self.rows, held.part + 1, self.parts);
                let row = self.asked.nbytes() / self.rows as u64;
                let [start, end] = [rows.start, rows.end].map(|at| self.asked.data_offset() + row * at as u64);
                if part.bytes != (start..end) {
                    // Somebody has changed the header.
                    let error = self.check_header().err().unwrap_or_else(|| Error::sidecar(CHANGED));
                    return Err(error.in_file(Some(&self.path)));
                }
                Ok(Some(Claim { fill: self, part, rows, held }))
            }
        }
    }

    /// Claims a part, unless what is asked at each look says to stop.
    fn claim_unless(&self, stop: impl Fn() -> Result<bool>) -> Result<Option<Claim<'_, T>>> {
        let mut wait = Wait::new();
        loop {
            if stop()? {
                return Ok(None);
            }
            let claim = self.try_claim()?;
            if claim.is_some() || self.is_complete() {
                stop()?;
                return Ok(claim);
            }
            wait.again();
        }
    }

    /// The parts that are done, by whomever, and all.
    ///
    /// # Errors
    ///
    /// As for [`claim`](Self::claim).
    pub fn progress(&self) -> Result<(usize, usize)> {
        match &self.sidecar {
            Some(sidecar) => Ok((sidecar.done()?, self.parts)),
            None => Ok((self.parts, self.parts)),
        }
    }

    /// The same as it was a moment ago, but of the parts that this job has done itself.
    fn seen_progress(&self) -> Result<(usize, usize)> {
        match &self.sidecar {
            Some(sidecar) if !self.is_complete() => Ok((sidecar.seen_done()?, self.parts)),
            _ => Ok((self.parts, self.parts)),
        }
    }

    /// Whether the array was complete when it was opened, or a claim has since found that it is.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete.load(Ordering::Acquire)
    }

    /// Reads the header, which must be what was asked for.
    fn check_header(&self) -> Result<Header> {
        let header = Header::of_file(&self.array, MAX_HEADER.max(self.asked.data_offset() as usize))?;
        check_as_asked(&header, &self.asked).map(|()| header)
    }

    /// The options by which a part is opened.
    fn options_of(&self, part: usize) -> Options<Typed<T>, Npy> {
        if self.parts == 0 { self.options } else { self.options.segment(part, self.parts) }
    }

    fn bytes(&self) -> FileBytes<'_> {
        FileBytes { file: &self.array, path: Some(&self.path), member: None }
    }
}

/// A part of an array that is being filled, which nobody else has: its elements, as a slice and as a view, in memory.
///
/// Dropped without [`done`](Self::done) it is free again, and not done.
pub struct Claim<'a, T> {
    fill: &'a Fill<T>,
    part: StandIn<MmapArrayMut<T>>,
    rows: Range<usize>,
    held: Held<'a>,
}

impl<T> Claim<'_, T>
where
    ReadWrite: Exclusive<T>,
{
    /// Which rows of the array these are (in Fortran order: which indices of the last axis).
    #[must_use]
    pub fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }

    /// The part's own shape.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        self.part.array.shape()
    }

    /// A view of the part.
    #[must_use]
    pub fn view(&self) -> ArrayView<'_, T> {
        self.part.array.view()
    }

    /// A writable view of the part.
    #[must_use]
    pub fn view_mut(&mut self) -> ArrayViewMut<'_, T> {
        self.part.array.view_mut()
    }

    /// Writes the elements to the disk, marks the part as done, and lets it go.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io) where they, or the mark, cannot be written. The part is free again then, and as a
    /// rule not done.
    pub fn done(self) -> Result<()> {
        let Self { fill: Fill { array: file, path, real, .. }, part: StandIn { array, bytes, .. }, held, .. } = &self;
        held.done(|| {
            // Opened for these elements alone, so that an error of writing them is told here and not to another claim.
            let own = region::reopen(file, real);
            let written = own.and_then(|own| region::write_through(&own, bytes.start, array.as_bytes()));
            written.map_err(|source| {
                Error::io("write the elements of the part", source).at_bytes(bytes.clone()).in_file(Some(path))
            })
        })
    }
}

impl<T> Deref for Claim<'_, T>
where
    ReadWrite: Exclusive<T>,
{
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.part.array
    }
}

impl<T> DerefMut for Claim<'_, T>
where
    ReadWrite: Exclusive<T>,
{
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.part.array
    }
}

impl<T> fmt::Debug for FillOptions<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FillOptions").field("path", &self.path).field("options", &self.options).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Fill<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fill").field("path", &self.path).field("parts", &self.parts).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Claim<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim")
            .field("rows", &self.rows)
            .field("shape", &self.part.array.shape())
            .finish_non_exhaustive()
    }
}
