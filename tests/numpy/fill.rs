//! Arrays that NumPy's and Rust's workers fill together, each its own parts, are right for both.

use crate::python::Python;
use bytemuck::{Pod, Zeroable};
use mmap_array::{Error, Le, Record, element::Bytes, npy};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;

const PROGRAM: &str = include_str!("fill.py");
const LEN: usize = 10_007;

#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable, Record)]
#[repr(C)]
struct Row {
    row: Le<u32>,
    root: Le<f64>,
    tag: Bytes<3>,
}

impl Row {
    fn new(row: usize) -> Self {
        let tag = format!("r{:02}", row % 100).as_str().try_into().unwrap();
        Self { row: Le::new(row as u32), root: Le::new((row as f64).sqrt()), tag }
    }
}

/// The part `k` of `n`, filled by this process through a map of its own.
fn fill(path: &Path, k: usize, n: usize) {
    // SAFETY: the others write other segments, and nobody truncates the file.
    let mut part = unsafe { npy::options::<Row>().segment(k, n).open_mut(path) }.unwrap();
    // Rows know where they are: the parts before this one are as long as NumPy's `array_split` makes them.
    let first = k * (LEN / n) + k.min(LEN % n);
    part.iter_mut().zip(first..).for_each(|(row, index)| *row = Row::new(index));
    part.close().unwrap();
}

/// A process of NumPy's that fills a part.
fn start(python: &Python, path: &Path, k: usize, n: usize) -> Child {
    let mut command = python.command();
    command.args(["-c", PROGRAM, "fill"]).arg(path).args([k.to_string(), n.to_string()]);
    command.stderr(Stdio::inherit()).spawn().unwrap()
}

#[track_caller]
fn assert_right(python: &Python, path: &Path) {
    assert_eq!(python.run(PROGRAM, ["check".as_ref(), path.as_os_str()]), "right\n");
    // SAFETY: nobody writes or truncates the file any more.
    let array = unsafe { npy::open::<Row>(path) }.unwrap();
    assert_eq!(array.shape(), [LEN]);
    assert!(array.iter().enumerate().all(|(index, row)| *row == Row::new(index)));
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.npy");
    (folder, path)
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn numpys_workers_fill_what_rust_created() {
    let Some(python) = Python::get() else { return };
    let (_folder, path) = folder();
    // SAFETY: nobody else uses the file, and the array goes at once.
    drop(unsafe { npy::create::<Row>(&path, [LEN]) }.unwrap());
    let workers: Vec<Child> = (0..3).map(|k| start(python, &path, k, 3)).collect();
    workers.into_iter().for_each(|mut worker| assert!(worker.wait().unwrap().success()));
    assert_right(python, &path);
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn workers_fill_what_numpy_created() {
    let Some(python) = Python::get() else { return };
    let (_folder, path) = folder();
    python.run(PROGRAM, ["create".as_ref(), path.as_os_str()]);
    thread::scope(|scope| {
        (0..4).for_each(|k| {
            drop(scope.spawn({
                let path = &path;
                move || fill(path, k, 4)
            }))
        });
    });
    assert_right(python, &path);
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn both_fill_segments_of_one_file_at_once() {
    let Some(python) = Python::get() else { return };
    let (_folder, path) = folder();
    python.run(PROGRAM, ["create".as_ref(), path.as_os_str()]);
    // The ends of the parts lie within pages, which both write.
    let workers: Vec<Child> = [0, 2, 4].map(|k| start(python, &path, k, 6)).into();
    [1, 3, 5].iter().for_each(|&k| fill(&path, k, 6));
    workers.into_iter().for_each(|mut worker| assert!(worker.wait().unwrap().success()));
    assert_right(python, &path);
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
#[cfg_attr(
    not(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows)),
    ignore = "`npy::fill` needs locks of open files"
)]
fn numpy_reads_what_a_job_has_filled() {
    let Some(python) = Python::get() else { return };
    let (folder, path) = folder();
    let job = npy::fill::<Row>(&path, [LEN]).parts(30).threads(3);
    let filled = job.run(|part| {
        let rows = part.rows();
        part.iter_mut().zip(rows).for_each(|(row, index)| *row = Row::new(index));
        Ok::<_, Error>(())
    });
    filled.unwrap();
    assert_right(python, &path);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
