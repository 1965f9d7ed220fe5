//! Measures filling a new array in a file by one process and by two.
//!
//! The file is a new `.npy` file of zeros without disk blocks, which is filled with the square roots of numbers, `f8`.
//! Each process opens the file, fills its own segment and closes the file: in this crate by
//! `npy::options().segment(k, n).open_mut`, in NumPy by `open_memmap(path, "r+")` and `np.sqrt(…, out=array[a:b])`. The
//! processes run before and after. The time is measured from when all are told to begin until the last is done. The
//! sides run in turns, and the file is created again for each. In the rows "written back", all processes wait until the
//! elements are on the disk (`flush`). `npy::fill` divides the array into 16 parts that the processes claim, and writes
//! each part to the disk before it marks it as done, for which NumPy has no counterpart. The rows "against segments"
//! compare it with segments.
//!
//! The first table measures one claim of a part of one row, including its lock, its bytes, its mark and a query of the
//! progress, for a million parts and for a hundred, on a file system in memory if there is one.
//!
//! `cargo bench --bench filling`. A ratio below 1 means that the left side is faster. Without Python
//! (`WITHOUT_PYTHON=1`), only the first table is printed.

#[allow(dead_code)]
mod common;
#[path = "common/numpy.rs"]
mod numpy;
#[path = "../tests/python/mod.rs"]
mod python;

use common::{alternate, chosen, quartiles, ratios, show};
use mmap_array::{Error, npy};
use numpy::Numpy;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::Instant;

const LEN: usize = (64 << 20) / size_of::<f64>();

fn main() -> io::Result<()> {
    if std::env::args().any(|arg| arg == "--worker") {
        return work();
    }
    if chosen("a claim of a million, of a hundred") {
        claims()?;
    }
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("filled.npy");
    let mut numpys = Vec::new();
    let mut workers = Vec::new();
    for _ in 0..2 {
        let Some(numpy) = Numpy::start(folder.path())? else {
            println!("WITHOUT_PYTHON is set: nothing to compare with");
            return Ok(());
        };
        numpys.push(numpy);
        workers.push(Worker::start()?);
    }
    println!("\n{:<54} {:>10} {:>10} {:>8}  quartiles", "64 MiB of f8 in a new file", "npy", "NumPy", "ratio");
    for processes in [1, 2] {
        let plural = if processes == 1 { "process" } else { "processes" };
        for (name, task, flushed, rounds) in [
            ("", "segment", false, 41),
            (", written back", "flushed", true, 11),
            (", npy::fill against written back", "fill", true, 11),
        ] {
            let name = format!("{processes} {plural}{name}");
            if !chosen(&name) {
                continue;
            }
            let (workers, numpys) = (&mut workers[..processes], &mut numpys[..processes]);
            for (k, numpy) in numpys.iter_mut().enumerate() {
                let (from, to) = (LEN * k / processes, LEN * (k + 1) / processes);
                let flush = if flushed { "m.flush()" } else { "None" };
                make(&path)?;
                numpy.open("folder + '/filled.npy'")?;
                let fill = format!("np.sqrt(np.arange({from}, {to}, dtype='f8'), out=m[{from}:{to}])[:1], {flush}");
                numpy.run(&format!("(lambda m: ({fill})[0])(np.lib.format.open_memmap(a, 'r+'))"))?;
            }
            let mut ours = || {
                // A job makes the file itself.
                if task == "fill" { fs::remove_file(&path).or_else(missing) } else { make(&path) }.expect("a new file");
                let seconds = Worker::all(workers, &format!("{task} {} {processes}", path.display()));
                seconds.expect("the workers answer")
            };
            let mut theirs = || {
                make(&path).expect("a new file");
                all(numpys)
            };
            for side in [&mut ours as &mut dyn FnMut() -> f64, &mut theirs] {
                side();
                check(&path);
            }
            let [ours, theirs] = alternate(rounds, [&mut ours, &mut theirs]);
            let [low, ratio, high] = quartiles(ratios(&ours, &theirs));
            let [ours, theirs] = [ours, theirs].map(|times| show(quartiles(times)[1]));
            println!("{name:<54} {ours:>10} {theirs:>10} {ratio:>8.3}  {low:.3} to {high:.3}");
        }
        for (name, task) in [("segments", "segment"), ("segments written back", "flushed")] {
            let name = format!("{processes} {plural}, npy::fill against {name}");
            if !chosen(&name) {
                continue;
            }
            let tell = std::cell::RefCell::new(&mut workers[..processes]);
            let time = |task: &str| {
                let made = if task == "fill" { fs::remove_file(&path).or_else(missing) } else { make(&path) };
                made.expect("a new file");
                let told = format!("{task} {} {processes}", path.display());
                Worker::all(&mut tell.borrow_mut(), &told).expect("the workers answer")
            };
            let [fill, segments] = alternate(11, [&mut || time("fill"), &mut || time(task)]);
            let [low, ratio, high] = quartiles(ratios(&fill, &segments));
            let [fill, segments] = [fill, segments].map(|times| show(quartiles(times)[1]));
            println!("{name:<54} {fill:>10} {segments:>10} {ratio:>8.3}  {low:.3} to {high:.3}");
        }
    }
    Ok(())
}

fn claims() -> io::Result<()> {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir())?;
    let path = folder.path().join("filled.npy");
    let claim = |parts: usize, jobs: usize| {
        let begun = Instant::now();
        for _ in 0..jobs {
            fs::remove_file(&path).or_else(missing).expect("a new file");
            let job = npy::fill::<u8>(&path, [parts]).rows_per_part(1).progress(|_, _| {});
            let filled = job.run(|part| {
                part.fill(1);
                Ok::<_, Error>(())
            });
            assert_eq!(filled.expect("a file in memory"), parts);
        }
        begun.elapsed().as_secs_f64() / (parts * jobs) as f64
    };
    let [million, hundred] = alternate(3, [&mut || claim(1_000_000, 1), &mut || claim(100, 1000)]);
    let [low, ratio, high] = quartiles(ratios(&million, &hundred));
    let [million, hundred] = [million, hundred].map(|times| show(quartiles(times)[1]));
    println!(
        "\n{:<54} {:>10} {:>10} {:>8}  quartiles",
        "one claim, of so many parts of one row", "1,000,000", "100", "ratio"
    );
    println!("{:<54} {million:>10} {hundred:>10} {ratio:>8.3}  {low:.3} to {high:.3}", "");
    Ok(())
}

/// Replaces the file by a new file of zeros.
fn make(path: &Path) -> io::Result<()> {
    fs::remove_file(path).or_else(missing)?;
    // SAFETY: nobody else uses the file, and the array goes at once.
    unsafe { npy::create::<f64>(path, [LEN]) }?;
    Ok(())
}

fn missing(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

fn check(path: &Path) {
    // SAFETY: the workers are done, and nothing else writes or truncates the file.
    let array = unsafe { npy::open::<f64>(path) }.expect("the file is an array");
    assert!(array.len() == LEN && array.iter().enumerate().all(|(index, &root)| root == (index as f64).sqrt()));
}

/// Returns the seconds until all of NumPy's processes have run their last operation once.
fn all(numpys: &mut [Numpy]) -> f64 {
    let start = Instant::now();
    thread::scope(|scope| {
        for numpy in numpys {
            scope.spawn(|| numpy.time(1).expect("NumPy answers"));
        }
    });
    start.elapsed().as_secs_f64()
}

/// A process of this program that fills arrays as instructed.
struct Worker {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Worker {
    fn start() -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.arg("--worker").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (Some(questions), Some(answers)) = (child.stdin.take(), child.stdout.take()) else { unreachable!() };
        Ok(Self { child, questions, answers: BufReader::new(answers) })
    }

    /// Returns the seconds until all workers have done a task, each with its own number.
    fn all(workers: &mut [Self], task: &str) -> io::Result<f64> {
        let start = Instant::now();
        for (k, worker) in workers.iter_mut().enumerate() {
            writeln!(worker.questions, "{k} {task}")?;
        }
        for worker in workers {
            let mut answer = String::new();
            worker.answers.read_line(&mut answer)?;
            if answer != "done\n" {
                return Err(io::Error::other("a worker ended"));
            }
        }
        Ok(start.elapsed().as_secs_f64())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a worker, which reads tasks line by line, as `NUMBER TASK PATH PROCESSES`.
fn work() -> io::Result<()> {
    for line in io::stdin().lines() {
        let line = line?;
        let (rest, processes) = line.rsplit_once(' ').unwrap_or_default();
        let mut words = rest.splitn(3, ' ');
        let [k, task, path] = [(); 3].map(|()| words.next().unwrap_or_default());
        let number = |text: &str| text.parse::<usize>().map_err(io::Error::other);
        let (k, n) = (number(k)?, number(processes)?);
        if task == "fill" {
            let job = npy::fill::<f64>(path, [LEN]).parts(16);
            job.run(|part| {
                let first = part.rows().start;
                fill(part, first);
                Ok::<_, Error>(())
            })?;
        } else {
            // SAFETY: each process writes its own segment, and nobody truncates the file.
            let mut part = unsafe { npy::options::<f64>().segment(k, n).open_mut(path) }?;
            fill(&mut part, LEN * k / n);
            if task == "flushed" {
                part.flush()?;
            }
        }
        println!("done");
    }
    Ok(())
}

fn fill(numbers: &mut [f64], first: usize) {
    numbers.iter_mut().zip(first..).for_each(|(number, index)| *number = (index as f64).sqrt());
}
