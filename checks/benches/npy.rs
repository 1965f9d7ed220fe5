//! Measures opening a `.npy` file, reading its first element and closing it.
//!
//! Four sides run in turns: `npy::open`, ndarray-npy's `view_npy` over a map made by memmap2, npyz, which reads through
//! a buffer and maps nothing, and `np.load(path, mmap_mode="r")` in a separate process that measures itself. All must
//! give the same number. The files are matrices of `f8`: one that fits into the processor's cache, and one of 64 GiB,
//! which is a hole except for its beginning.
//!
//! A second table compares opening 100 rows in the middle of a file of 1 TiB with 100 rows of a file of 1 MiB, which
//! must cost the same.
//!
//! `cargo bench --bench npy`. The ratios are the time of `npy::open` divided by the others': below 1 it is faster.
//! Without Python (`WITHOUT_PYTHON=1`), NumPy is skipped.

#[path = "../../benches/common/mod.rs"]
mod common;
#[path = "../../benches/common/compare.rs"]
mod compare;
#[path = "../../benches/common/numpy.rs"]
mod numpy;
#[path = "../../tests/python/mod.rs"]
mod python;

use common::{alternate, calls_per_slice, chosen, quartiles, ratios, show, time};
use compare::{compare, head};
use memmap2::Mmap;
use mmap_array::npy;
use ndarray::ArrayView2;
use ndarray_npy::ViewNpyExt;
use npyz::NpyFile;
use numpy::Numpy;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

const ROUNDS: usize = 401;
const FIRST: f64 = 1.5;

fn main() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut numpy = Numpy::start(folder.path())?;
    println!(
        "\n{:<26} {:>10} {:>10} {:>10} {:>10}",
        "open, first element, close", "npy::open", "view_npy", "npyz", "np.load"
    );
    for (name, rows) in [("1 MiB", 1 << 17), ("64 GiB", 1 << 33)] {
        if !chosen(name) {
            continue;
        }
        let path = &*folder.path().join(format!("{rows}.npy"));
        make(path, rows)?;
        let calls = calls_per_slice(path, &ours).max(calls_per_slice(path, &npyz));
        let mut sides: [Box<dyn FnMut() -> f64>; 3] = [
            Box::new(|| time(calls, path, &ours)),
            Box::new(|| time(calls, path, &view_npy)),
            Box::new(|| time(calls, path, &npyz)),
        ];
        assert!([ours(path), view_npy(path), npyz(path)].iter().all(|&first| first == FIRST));
        let [a, b, c] = &mut sides;
        let print = |times: &[Vec<f64>]| {
            print!("{name:<26}");
            times.iter().for_each(|times| print!(" {:>10}", show(quartiles(times.clone())[1])));
            print!("\n{:<26} {:>10}", "  npy::open over it", "");
            for other in &times[1..] {
                print!(" {:>10.3}", quartiles(ratios(&times[0], other))[1]);
            }
            println!();
        };
        match &mut numpy {
            None => print(&alternate(ROUNDS, [a, b, c])),
            Some(numpy) => {
                numpy.open(&format!("folder + '/{rows}.npy'"))?;
                assert_eq!(numpy.run("np.load(a, mmap_mode='r')[0, 0]")?, FIRST.to_le_bytes());
                let mut theirs = || numpy.time(calls).expect("NumPy answers");
                print(&alternate(ROUNDS, [a, b, c, &mut theirs]));
            }
        }
    }
    let (small, large) = (&*folder.path().join("1 MiB.npy"), &*folder.path().join("1 TiB.npy"));
    make(small, 1 << 17)?;
    make(large, 1 << 37)?;
    head("100 rows of two files: open, first element, close", "1 TiB", "1 MiB");
    compare("npy::options().rows(a..a + 100)", ((large, 1 << 33), hundred_rows), ((small, 1 << 13), hundred_rows));
    Ok(())
}

/// Creates a file of `len` numbers, in rows of 8.
fn make(path: &Path, len: usize) -> io::Result<()> {
    // SAFETY: nobody else uses the file.
    let mut array = unsafe { npy::create_options::<f64>([len / 8, 8]).rows(..1).create(path) }?;
    array[0] = FIRST;
    Ok(())
}

fn hundred_rows((path, start): (&Path, usize)) -> f64 {
    // SAFETY: the file is this program's own, and nothing writes or truncates it.
    unsafe { npy::options::<f64>().rows(start..start + 100).open(path) }.expect("the rows are there")[0]
}

fn ours(path: &Path) -> f64 {
    // SAFETY: the file is this program's own, and nothing writes or truncates it.
    unsafe { npy::open::<f64>(path) }.expect("the file is an array of f8")[0]
}

fn view_npy(path: &Path) -> f64 {
    let file = File::open(path).expect("the file exists");
    // SAFETY: the file is this program's own, and nothing writes or truncates it.
    let map = unsafe { Mmap::map(&file) }.expect("the file can be mapped");
    ArrayView2::<f64>::view_npy(&map).expect("the file is a matrix of f8")[[0, 0]]
}

fn npyz(path: &Path) -> f64 {
    let file = BufReader::new(File::open(path).expect("the file exists"));
    let mut numbers = NpyFile::new(file).expect("the file is an array").data::<f64>().expect("of f8");
    numbers.next().expect("it has a first element").expect("that can be read")
}
