//! Arrays that are read shared while NumPy stores to their files, cuts them and appends to them.
#![forbid(unsafe_code)]

use crate::python::Python;
use mmap_array::{Error, ErrorKind, MmapArray, SharedArray, npy};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

const PROGRAM: &str = include_str!("shared.py");
const LEN: usize = 20_000;
const INDEX: i64 = (1 << 40) - 1;

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("numbers");
    (folder, path)
}

/// NumPy's process, which ends when its input does.
struct Other(Child);

impl Other {
    fn start<const N: usize>(python: &Python, task: &str, path: &Path, numbers: [usize; N]) -> Self {
        let mut command = python.command();
        command.args(["-c", PROGRAM, task]).arg(path).args(numbers.map(|number| number.to_string()));
        Self(command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap())
    }

    fn is_running(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    /// Ends it, and waits until it is done.
    fn end(mut self) {
        drop(self.0.stdin.take());
        let status = self.0.wait().unwrap();
        assert!(status.success(), "{status}");
    }
}

/// Asserts that elements from an index on are those that NumPy has stored, in any of the file's states. Those that were
/// cut off at some time may be zero.
#[track_caller]
fn assert_stored(elements: &[i64], first: usize, floor: usize) {
    for (&element, index) in elements.iter().zip(first..) {
        let stored = (1..256).contains(&(element >> 40)) && element & INDEX == index as i64;
        assert!(stored || (element == 0 && index >= floor), "element {index} is {element:#x}");
    }
}

/// Reads the array in a way.
fn read(array: &SharedArray<i64>, way: usize, first: usize, floor: usize) -> Result<(), Error> {
    match way % 6 {
        0 => assert_stored(&array.read(|view| view.to_vec())?, first, floor),
        1 => assert_stored(&array.read(|view| view.iter().collect::<Vec<_>>())?, first, floor),
        2 => {
            let at = way * 7919 % array.len();
            assert_stored(&[array.at([at])?], first + at, floor);
        }
        3 => assert_stored(&array.load()?, first, floor),
        4 => {
            for (number, chunk) in array.chunks(3000).enumerate() {
                assert_stored(&chunk?, first + number * 3000, floor);
            }
        }
        _ => assert_stored(&array.clone().into_rows(..floor - first).read(|view| view.to_vec())?, first, floor),
    }
    Ok(())
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
#[cfg_attr(
    not(any(target_arch = "x86", target_arch = "x86_64", target_vendor = "apple")),
    ignore = "qemu's user mode dies of a lost page"
)]
fn every_element_is_one_that_numpy_has_stored() {
    let Some(python) = Python::get() else { return };
    let (_folder, path) = folder();
    let (mut good, mut lost) = (0, 0);
    for (seed, floor) in [1000, 2560, 15_000].into_iter().enumerate() {
        // Anew each time: no element below a floor is ever zero.
        python.run(PROGRAM, ["create".as_ref(), path.as_os_str(), LEN.to_string().as_ref()]);
        let start = npy::header(&path).unwrap().data_offset();
        let first = floor / 2;
        let mut whole = npy::options::<i64>().open_shared(&path).unwrap();
        let mut rest = npy::options::<i64>().rows(first..).open_shared(&path).unwrap();
        let mut other = Other::start(python, "change", &path, [floor, seed]);
        for way in 0..600 {
            for (array, first) in [(&mut whole, 0), (&mut rest, first)] {
                match read(array, way, first, floor) {
                    Ok(()) => good += 1,
                    Err(error) => {
                        assert_eq!((error.kind(), error.path()), (ErrorKind::Truncated, Some(&*path)), "{error}");
                        let from = error.byte_range().unwrap().start;
                        assert!(from >= start + 8 * floor as u64, "{error}");
                        assert_ne!(way % 6, 5, "what is before the end is never lost: {error}");
                        lost += 1;
                        // Until the file is as long as its header says.
                        while let Err(error) = array.refresh() {
                            assert_eq!(error.kind(), ErrorKind::PastEnd, "{error}");
                            assert!(other.is_running());
                        }
                    }
                }
            }
            if way % 100 == 0 {
                assert!(other.is_running());
            }
        }
        other.end();
        whole.refresh().unwrap();
        read(&whole, 0, 0, floor).unwrap();
    }
    println!("{good} reads gave elements, and {lost} found some lost");
    assert!(good > 500 && lost > 50, "{good} reads gave elements, and {lost} found some lost");
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
#[cfg_attr(
    not(any(target_arch = "x86", target_arch = "x86_64", target_vendor = "apple")),
    ignore = "qemu's user mode dies of a lost page"
)]
fn what_numpy_appends_is_there_whole() {
    let Some(python) = Python::get() else { return };
    let (_folder, path) = folder();
    const APPENDED: usize = 1 << 21;
    std::fs::write(&path, 0_i64.to_ne_bytes()).unwrap();
    let mut log = MmapArray::<i64>::options().offset(8).open_shared(&path).unwrap();
    let mut other = Other::start(python, "append", &path, [APPENDED]);
    let (mut lens, mut len) = (0, 0);
    loop {
        let was_running = other.is_running();
        lens += usize::from(log.refresh().unwrap());
        assert!(log.len() >= len, "{} elements, and {len} before", log.len());
        // Those that are new, and some from before.
        let from = len - len.min(100);
        len = log.len();
        let new = log.clone().into_rows(from..).read(|view| view.to_vec()).unwrap();
        assert!(new.iter().zip(from..).all(|(&element, index)| element == index as i64), "{from}..{len}");
        if !was_running {
            break;
        }
    }
    other.end();
    assert_eq!((len, log.read(|view| view.sum()).unwrap()), (APPENDED, (APPENDED as i128 - 1) * APPENDED as i128 / 2));
    println!("{lens} lengths were seen");
    assert!(lens > 1, "{lens} lengths were seen");
}

/// A page that the file ends in is mapped whole, so that others can store behind the end. That is nobody's element.
#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
#[cfg_attr(
    not(any(target_arch = "x86", target_arch = "x86_64", target_vendor = "apple")),
    ignore = "qemu's user mode dies of a lost page"
)]
fn what_numpy_stores_behind_the_end_is_no_element() {
    let Some(python) = Python::get() else { return };
    let (_folder, path) = folder();
    // Four pages, of which the second is cut in its middle.
    const FULL: usize = 4 * 512;
    let end = 700;
    let numbers: Vec<i64> = (1..=FULL as i64).collect();
    std::fs::write(&path, bytemuck::cast_slice::<_, u8>(&numbers)).unwrap();
    let options = MmapArray::<i64>::options();
    let mut array = options.open_shared(&path).unwrap();
    let written = options.open_shared_mut(&path).unwrap();
    let mut other = Other::start(python, "behind", &path, [end, 1024, FULL]);
    let mut said = String::new();
    BufReader::new(other.0.stdout.take().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said, "stored\n");
    let is_lost = |error: Error, at: usize| {
        assert_eq!((error.kind(), error.path()), (ErrorKind::Truncated, Some(&*path)), "{error}");
        assert_eq!(error.byte_range().unwrap().start, 8 * at as u64, "{error}");
    };
    let mut wanted = numbers[..end].to_vec();
    wanted[end - 1] = 77;
    let row = |at: usize| array.clone().into_rows(at..=at);
    assert_eq!(array.clone().into_rows(..end).read(|view| view.to_vec()).unwrap(), wanted);
    assert_eq!((row(0).at([0]).unwrap(), row(end - 1).at([0]).unwrap()), (1, 77));
    for at in [end, end + 1, 1023, 1024, FULL - 1] {
        is_lost(row(at).at([0]).unwrap_err(), at);
        is_lost(row(at).load().unwrap_err(), at);
        is_lost(array.at([at]).unwrap_err(), end);
    }
    is_lost(array.read(|view| view.sum()).unwrap_err(), end);
    // The same for bytes of which some are an element's half.
    let odd = MmapArray::<i64>::options().offset(4).shape(end).open_shared(&path).unwrap_err();
    assert_eq!(odd.kind(), ErrorKind::PastEnd, "{odd}");
    // Stores of this program are good before the end, and an error behind it.
    written.clone().into_rows(end - 2..end).fill(5).unwrap();
    is_lost(written.clone().into_rows(end..end + 1).fill(6).unwrap_err(), end);
    is_lost(written.set([end], 6).unwrap_err(), end);
    wanted[end - 2..].fill(5);
    assert!(array.refresh().unwrap());
    assert_eq!(array.read(|view| view.to_vec()).unwrap(), wanted);
    assert_eq!(options.open_shared(&path).unwrap().read(|view| view.to_vec()).unwrap(), wanted);
    other.end();
    assert_eq!(array.read(|view| view.to_vec()).unwrap(), wanted);
    assert_eq!(std::fs::read(&path).unwrap(), bytemuck::cast_slice::<_, u8>(&wanted));
}
