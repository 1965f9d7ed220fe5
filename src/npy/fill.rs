//! Filling one array with many workers, any of which may die.
//!
//! With NumPy, several processes fill a large array after it was split beforehand, and start over if one of them dies,
//! because nothing records what is missing. Here the workers claim parts as they go, and the parts that are done are
//! recorded.

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

/// The default size of a part in bytes.
const PART_BYTES: u64 = 16 << 20;

type Progress<'a> = Box<dyn FnMut(usize, usize) + Send + 'a>;

/// A job that fills one array, part by part, with any number of processes and threads. Created by
/// [`npy::fill`](super::fill).
///
/// **Do not create the array yourself: the job does.** A small file beside the array, `.NAME.npy.fill`, called the
/// sidecar, records which parts are done. When the array is complete, a tab in place of a space of its header marks it
/// as complete, and the sidecar is deleted. A complete array is not filled again, even if an earlier run filled it with
/// another function: [`run`](Self::run) returns 0, or an error with [`create_new`](Self::create_new). An existing array
/// that has neither the mark nor a sidecar is refused, for example one that another call has created or whose sidecar
/// was lost. To begin anew, delete the array first, and also the sidecar if the array is not complete. An incomplete
/// array can be moved together with its sidecar within one file system; a copy of both is refused.
///
/// All workers make the same call. The first one creates the array, filled with zeros. Each worker claims free parts,
/// fills them and marks them as done, until none are left. So:
///
/// - a worker that dies, by whatever signal, loses its claim, and another worker takes over the part;
/// - if all workers die, or the power fails, the same call continues the job: a part is marked only after its elements
///   are on the disk.
///
/// The elements of a claimed part are in memory, zero at first, and are written to the file when the part is done. So a
/// worker needs memory for one part per thread, by default 16 MiB each. No references to the file exist, so no `unsafe`
/// is needed: others may watch the file with [`open_shared`](Options::open_shared) meanwhile, and a program that writes
/// to it changes values but causes no undefined behavior. [`append`](super::append) refuses an array that is being
/// filled, and if the array grows in another way, the job ends with an error.
///
/// The disk blocks of a part are allocated when it is claimed, so a full disk is an error then, or at the latest when
/// the part is done, and the same call continues the job once there is space. With [`reserve`](CreateOptions::reserve),
/// all blocks are allocated when the array is created.
///
/// A fork does not share the claims of its parent process: it must join the job anew.
///
/// All workers must run on the same machine, unless the file system keeps the pages of all hosts coherent and its locks
/// reach all of them: two workers may write to the same page, and most network file systems do not merge such writes.
/// See [many writers](crate::guide::processes).
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
    /// Returns a job that fills the array with many processes and threads, part by part.
    ///
    /// This is [`npy::fill`](super::fill()) with options: order, version, alignment, disk blocks. Selecting a window is
    /// an error. With [`lock_range`](Self::lock_range), the elements of a part are locked while it is claimed, for
    /// programs that open windows of the file with locks; a part that such a program has locked is left for later.
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

    /// Splits the array into `count` parts along the slowest axis, as [`segment`](CreateOptions::segment) does, or into
    /// single rows if there are fewer rows. Defaults to parts of about 16 MiB.
    #[must_use]
    pub fn parts(mut self, count: usize) -> Self {
        self.cut = Cut::Parts(count);
        self
    }

    /// Splits the array into parts of at most `rows` rows (in Fortran order: indices of the last axis).
    #[must_use]
    pub fn rows_per_part(mut self, rows: usize) -> Self {
        self.cut = Cut::RowsPerPart(rows);
        self
    }

    /// Makes it an error if the array exists without its sidecar, like [`File::create_new`](std::fs::File::create_new).
    ///
    /// The error has the kind [`Io`](crate::ErrorKind::Io) and, as an [`io::Error`], the kind
    /// [`AlreadyExists`](io::ErrorKind::AlreadyExists). A job that is not complete is joined and continued, as without
    /// this option.
    ///
    /// A worker that starts after other workers have completed the array gets the error as well. So if workers start
    /// one after another, [`open`](Self::open) the job with this option in the process that starts them, and let the
    /// workers join without it.
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

    /// Sets the number of threads in which [`run`](Self::run) fills parts. Defaults to 1. No more threads start than
    /// there are parts.
    #[must_use]
    pub fn threads(mut self, count: usize) -> Self {
        self.threads = count;
        self
    }

    /// Sets a function that [`run`](Self::run) calls with the number of parts that are done, by any worker, and the
    /// number of all parts.
    ///
    /// It is called at the beginning, whenever `run` sees that more parts are done, and at the end.
    #[must_use]
    pub fn progress(mut self, progress: impl FnMut(usize, usize) + Send + 'a) -> Self {
        self.progress = Some(Box::new(progress));
        self
    }

    /// Creates the array, or joins the workers that fill it.
    ///
    /// # Errors
    ///
    /// See [`CreateOptions::open_or_create`]. Also [`OutOfRange`](crate::ErrorKind::OutOfRange) for a window, for an
    /// array without axes, and for 0 parts or more than 16,777,216; [`Sidecar`](crate::ErrorKind::Sidecar) if the
    /// sidecar is damaged, belongs to another job, or is missing beside an array that is not complete, with advice on
    /// what to do; [`Io`](crate::ErrorKind::Io) if the array exists already and [`create_new`](Self::create_new) was
    /// set; [`Unsupported`](crate::ErrorKind::Unsupported) if the system has no locks that belong to an open file:
    /// Linux, Android, Apple's systems and Windows have them.
    pub fn open(self) -> Result<Fill<T>> {
        if !self.options.format.is_whole() {
            let error = Error::out_of_range("a job fills the whole array; a window cannot be selected");
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

    /// Joins the job, or begins it; without a sidecar if the array is complete.
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
        let text = "the file should record which parts of an array are filled, but is empty or appears and disappears; \
                    delete it and the array to begin anew";
        Err(Error::sidecar(text).damaged().in_file(Some(&Sidecar::name(path))))
    }

    fn exists(&self, path: &Path) -> Error {
        let text = format!(
            "the array exists already, and no file `{}` beside it records what is still to be filled, so it is \
             complete or was not created by this job; delete it to begin anew",
            Sidecar::name(path).display()
        );
        Error::io("begin a new array", io::Error::new(io::ErrorKind::AlreadyExists, text)).in_file(Some(&self.path))
    }

    /// Returns the number of parts.
    fn count(&self, rows: Option<usize>, nbytes: u64) -> Result<usize> {
        let Some(rows) = rows else {
            return Err(Error::out_of_range("an array without axes has no parts; give it an axis"));
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
            return Err(Error::out_of_range(format!("{count} parts are too many; at most {MAX_PARTS} are possible")));
        }
        // Where there is nothing to be filled there are no parts.
        Ok(if nbytes == 0 { 0 } else { count })
    }

    /// Fills the array together with all other workers that make this call, and returns once it is complete.
    ///
    /// Returns the number of parts that this call has filled, which is 0 if other workers filled all of them or the
    /// array was complete before.
    ///
    /// Waits for parts that other workers hold, and takes them over if those workers die. The function `fill` gets a
    /// part and writes all of its elements. If it fails or panics, the part stays undone and free for other workers;
    /// the error is returned, or the panic continues, once the other threads are done with their parts.
    ///
    /// # Errors
    ///
    /// Any error of the function `fill` and of [`open`](Self::open), and [`Io`](crate::ErrorKind::Io) if an I/O
    /// operation fails.
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

/// Returns the error for an existing array that is not known to be complete.
fn not_ours(path: &Path) -> Error {
    Error::sidecar(format!(
        "the array exists already, but no job has completed it, and no file `{}` beside it records which parts are \
         filled: another program has created the array or appended to it, or that file was lost or left where the \
         array was before (then move it here); delete the array to begin anew",
        Sidecar::name(path).display()
    ))
}

/// A guard that stops all threads when it is dropped: at the end of one of them, after an error or by a panic.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

const CHANGED: &str = "another program has changed the header while the array was being filled; begin anew";

/// The number of times that a job may begin and end while one process tries to join it.
const MOST_CHANGES: usize = 50;

/// A job that was joined, for programs with their own loop: [`FillOptions::run`] is built on it.
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
    /// The header that the array must have.
    asked: Header,
    /// The path as it was given, for errors.
    path: PathBuf,
    real: PathBuf,
    options: Options<Typed<T>, Npy>,
    /// The length of the slowest axis.
    rows: usize,
    parts: usize,
    /// The part at which to begin the next search: the one after the last claimed.
    next: AtomicUsize,
    complete: AtomicBool,
    /// `None` if the array was complete.
    sidecar: Option<Sidecar>,
}

impl<T: Element> Fill<T>
where
    ReadWrite: Exclusive<T>,
{
    /// Claims a part that is not done and not claimed. Waits while other workers are filling all remaining parts;
    /// returns `None` once all parts are done.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io) if an I/O operation fails, for example because the disk is full;
    /// [`Sidecar`](crate::ErrorKind::Sidecar) if the sidecar was damaged meanwhile;
    /// [`Header`](crate::ErrorKind::Header) if the array's header was changed meanwhile;
    /// [`Unsupported`](crate::ErrorKind::Unsupported) in a fork of the process that opened the job.
    pub fn claim(&self) -> Result<Option<Claim<'_, T>>> {
        self.claim_unless(|| Ok(false))
    }

    /// Claims a part like [`claim`](Self::claim), but without waiting: returns `None` if no part is free.
    ///
    /// Unless the array [is complete](Self::is_complete), other workers are filling the remaining parts, and any of
    /// them may still die.
    ///
    /// # Errors
    ///
    /// See [`claim`](Self::claim).
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

    /// Claims a part, unless `stop`, which is called before each attempt, returns `true`.
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

    /// Returns the number of parts that are done, by any worker, and the number of all parts.
    ///
    /// # Errors
    ///
    /// See [`claim`](Self::claim).
    pub fn progress(&self) -> Result<(usize, usize)> {
        match &self.sidecar {
            Some(sidecar) => Ok((sidecar.done()?, self.parts)),
            None => Ok((self.parts, self.parts)),
        }
    }

    /// Returns the progress as of a moment ago, except for the parts that this job has done itself, which are up to
    /// date.
    fn seen_progress(&self) -> Result<(usize, usize)> {
        match &self.sidecar {
            Some(sidecar) if !self.is_complete() => Ok((sidecar.seen_done()?, self.parts)),
            _ => Ok((self.parts, self.parts)),
        }
    }

    /// Returns whether the array was complete when it was opened, or a claim has since found that it is.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete.load(Ordering::Acquire)
    }

    /// Reads the header and checks that it is the one that was asked for.
    fn check_header(&self) -> Result<Header> {
        let header = Header::of_file(&self.array, MAX_HEADER.max(self.asked.data_offset() as usize))?;
        check_as_asked(&header, &self.asked).map(|()| header)
    }

    /// Returns the options that open a part.
    fn options_of(&self, part: usize) -> Options<Typed<T>, Npy> {
        if self.parts == 0 { self.options } else { self.options.segment(part, self.parts) }
    }

    fn bytes(&self) -> FileBytes<'_> {
        FileBytes { file: &self.array, path: Some(&self.path), member: None }
    }
}

/// A part of an array that is being filled, claimed exclusively: its elements in memory, as a slice and as a view.
///
/// If it is dropped without [`done`](Self::done), the part is free again and not done.
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
    /// Returns the rows of the array that are in this part (in Fortran order: the indices of the last axis).
    #[must_use]
    pub fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }

    /// Returns the shape of the part.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        self.part.array.shape()
    }

    /// Returns a view of the part.
    #[must_use]
    pub fn view(&self) -> ArrayView<'_, T> {
        self.part.array.view()
    }

    /// Returns a writable view of the part.
    #[must_use]
    pub fn view_mut(&mut self) -> ArrayViewMut<'_, T> {
        self.part.array.view_mut()
    }

    /// Writes the elements to the disk, marks the part as done, and releases it.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io) if the elements or the mark cannot be written;
    /// [`Unsupported`](crate::ErrorKind::Unsupported) in a fork of the process that opened the job. The part is then
    /// free again and, as a rule, not done.
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
