//! Rows of one operation on one file, by a view, by a simple loop over the same file mapped by memmap2, and by NumPy.

use crate::common::{alternate, calls_per_slice, chosen, quartiles, ratios, show, time};
use crate::numpy::Numpy;
use bytemuck::{NoUninit, Pod, Zeroable, cast_slice};
use memmap2::{Mmap, MmapOptions};
use mmap_array::MmapArray;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// 13 bytes, like `np.dtype([("side", "u1"), ("size", "f4"), ("price", "f8")])`; most numbers are unaligned.
#[derive(Clone, Copy, Zeroable, Pod)]
#[repr(C, packed)]
pub(crate) struct Tick {
    pub(crate) side: u8,
    pub(crate) size: f32,
    pub(crate) price: f64,
}

impl Tick {
    pub(crate) fn new(i: usize) -> Self {
        Self { side: i as u8, size: value(i) as f32, price: value(i) }
    }
}

/// Returns an integer. The sums of these integers are small, so that sums of floats are the same in every order.
pub(crate) fn value(i: usize) -> f64 {
    (i * 7 % 31) as f64 - 15.0
}

/// A size of files, and NumPy if it is available.
pub(crate) struct Bench<'a, 'b> {
    folder: &'a Path,
    numpy: Option<&'a mut Numpy<'b>>,
    bytes: usize,
    rounds: usize,
}

impl<'a, 'b> Bench<'a, 'b> {
    /// Prints the head of the table of a size of files.
    pub(crate) fn new(folder: &'a Path, numpy: Option<&'a mut Numpy<'b>>, bytes: usize, rounds: usize) -> Self {
        let title = format!("files of {bytes} bytes, {rounds} rounds");
        print!("\n{title:<39} {:>10} {:>10} {:>8}", "view", "by hand", "/ hand");
        println!("{}", if numpy.is_some() { "      NumPy  / NumPy" } else { "" });
        Self { folder, numpy, bytes, rounds }
    }

    /// Creates a file of `start` and elements, and maps the elements as an array and the whole file by memmap2.
    pub(crate) fn file<T: Pod>(&self, start: &str, element: impl Fn(usize) -> T) -> io::Result<(MmapArray<T>, Mmap)> {
        let path = self.folder.join("file");
        // The old file is not overwritten, because it is still mapped.
        let _ = fs::remove_file(&path);
        let mut file = BufWriter::new(File::create(&path)?);
        file.write_all(start.as_bytes())?;
        for index in 0..self.bytes / size_of::<T>() {
            file.write_all(bytemuck::bytes_of(&element(index)))?;
        }
        file.into_inner()?;
        // SAFETY: the file is this program's own; nothing writes or truncates it.
        let array = unsafe { MmapArray::<T>::options().offset(start.len() as u64).open(&path)? };
        // SAFETY: as above.
        let map = unsafe { MmapOptions::new().map(&File::open(&path)?)? };
        Ok((array, map))
    }

    /// Opens the file in NumPy, by an expression.
    pub(crate) fn open(&mut self, array: &str) -> io::Result<()> {
        self.numpy.as_mut().map_or(Ok(()), |numpy| numpy.open(array))
    }

    /// Checks that all sides give the same result, then prints the time of a call of each, and the ratios.
    pub(crate) fn row<L: Copy, R: Copy, T: NoUninit, O: AsRef<[T]>>(
        &mut self,
        name: &str,
        (left_input, left): (L, impl Fn(L) -> O),
        (right_input, right): (R, impl Fn(R) -> O),
        operation: &str,
    ) -> io::Result<()> {
        if !chosen(name) {
            return Ok(());
        }
        let result = left(left_input);
        let expected: &[u8] = cast_slice(result.as_ref());
        assert!(expected == cast_slice::<T, u8>(right(right_input).as_ref()), "{name}: the loop differs");
        let calls = calls_per_slice(left_input, &left).max(calls_per_slice(right_input, &right));
        let mut view = || time(calls, left_input, &left);
        let mut hand = || time(calls, right_input, &right);
        let print_two = |view: &[f64], hand: &[f64]| {
            print!(
                "{name:<39} {:>10} {:>10} {:>8.2}",
                show(median(view)),
                show(median(hand)),
                median(&ratios(view, hand))
            );
        };
        let Some(numpy) = self.numpy.as_mut() else {
            let [view, hand] = alternate(self.rounds, [&mut view, &mut hand]);
            print_two(&view, &hand);
            println!();
            return Ok(());
        };
        assert!(expected == numpy.run(operation)?, "{name}: NumPy differs");
        let mut numpy = || numpy.time(calls).expect("NumPy answers");
        let [view, hand, numpy] = alternate(self.rounds, [&mut view, &mut hand, &mut numpy]);
        print_two(&view, &hand);
        println!(" {:>10} {:>8.2}", show(median(&numpy)), median(&ratios(&view, &numpy)));
        Ok(())
    }
}

fn median(values: &[f64]) -> f64 {
    quartiles(values.to_vec())[1]
}
