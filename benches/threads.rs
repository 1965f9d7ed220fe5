//! Measures sums, copies and sums along axes of a file of 1 GiB in the page cache, on all processors and on one.
//!
//! `cargo bench --bench threads --features rayon`. The ratio is the time of the method with `par_` divided by the time
//! of the method without; rayon uses as many threads as there are processors. The numbers are small integers, so that
//! sums are the same in every order.

mod common;
#[allow(dead_code)]
#[path = "common/compare.rs"]
mod compare;

use compare::{compare_in, head};
use mmap_array::{Be, MmapArray};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};

const BYTES: usize = 1 << 30;
const ROUNDS: usize = 15;

fn main() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("file");
    let mut file = BufWriter::new(File::create(&path)?);
    for index in 0..BYTES / 4 {
        file.write_all(&((index * 7 % 31) as f32 - 15.0).to_ne_bytes())?;
    }
    file.into_inner()?.sync_all()?;
    // Reads the whole file into the page cache.
    fs::read(&path).map(drop)?;

    head(&format!("a file of 1 GiB, {} threads", rayon::current_num_threads()), "threads", "one");
    // SAFETY: the file is this program's own; nothing writes or truncates it.
    let array = unsafe { MmapArray::<f32>::options().shape([None, Some(1024)]).open(&path)? };
    let view = &array.view();
    compare_in(ROUNDS, "par_sum(), f4", (view, |v| v.par_sum()), (view, |v| v.sum()));
    compare_in(ROUNDS, "par_min(), f4", (view, |v| v.par_min()), (view, |v| v.min()));
    compare_in(
        ROUNDS,
        "par_var(0), f4",
        (view, |v| v.par_var(0).map(f64::round)),
        (view, |v| v.var(0).map(f64::round)),
    );
    compare_in(ROUNDS, "par_sum_axis(0), f4", (view, |v| v.par_sum_axis(0).ok()), (view, |v| v.sum_axis(0).ok()));
    compare_in(ROUNDS, "par_sum_axis(1), f4", (view, |v| v.par_sum_axis(1).ok()), (view, |v| v.sum_axis(1).ok()));
    compare_in(ROUNDS, "par_to_vec(), f4", (view, |v| v.par_to_vec()), (view, |v| v.to_vec()));
    // SAFETY: as above.
    let array = unsafe { MmapArray::<Be<u32>>::options().open(&path)? };
    let view = &array.view();
    compare_in(ROUNDS, "par_sum(), >u4", (view, |v| v.par_sum()), (view, |v| v.sum()));
    compare_in(ROUNDS, "par_to_native_vec(), >u4", (view, |v| v.par_to_native_vec()), (view, |v| v.to_native_vec()));
    Ok(())
}
