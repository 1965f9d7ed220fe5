//! Measures reading some rows of one tensor of a safetensors file into memory, from the path on.
//!
//! On one side, the header is read and checked by the crate safetensors, and the rows are a window that is opened and
//! copied; on the other, the whole file is mapped by memmap2, and the crate's `SafeTensors` slices the tensor. Both
//! must give the same bytes. A second table leaves out what is done once for each file: the rows of a tensor that is
//! open here, and there of a map whose header has been parsed.
//!
//! `cargo bench -p mmap-array-checks --bench safetensors`. The ratios are the time of this crate divided by the
//! other's.

#[path = "../../benches/common/mod.rs"]
mod common;
#[path = "../../benches/common/compare.rs"]
mod compare;

use compare::{compare, head};
use memmap2::Mmap;
use mmap_array::{Le, MmapArray, SharedArray};
use safetensors::slice::IndexOp;
use safetensors::tensor::{Dtype, Metadata, SafeTensors, TensorView, serialize_to_file};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;

/// The rows that are read of a tensor of 4,096, with 1,024 numbers each.
const ROWS: Range<usize> = 1000..1010;
const SHAPE: [usize; 2] = [4096, 1024];

fn main() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    for count in [2, 40] {
        let path = &*folder.path().join(format!("{count}.safetensors"));
        let bytes: Vec<u8> = (0..SHAPE[0] * SHAPE[1] * 2).map(|byte| (byte % 251) as u8).collect();
        let tensor = || TensorView::new(Dtype::BF16, SHAPE.to_vec(), &bytes).map_err(io::Error::other);
        let tensors: Vec<_> =
            (0..count).map(|number| Ok((format!("layer.{number}"), tensor()?))).collect::<io::Result<_>>()?;
        serialize_to_file(tensors, None, path).map_err(io::Error::other)?;
        head(&format!("10 rows of 2 KiB, {count} tensors of 8 MiB"), "mmap-array", "crate");
        compare("header and rows", (path, ours), (path, theirs));
        let map = map(path);
        let tensors = SafeTensors::deserialize(&map).map_err(io::Error::other)?;
        let tensor = &tensors.tensor("layer.1").map_err(io::Error::other)?;
        let ours = &tensor_of(path);
        compare("rows", (ours, rows), (tensor, sliced));
    }
    Ok(())
}

/// Returns the byte at which the tensor begins.
fn place(file: &File) -> u64 {
    let len = MmapArray::<Le<u64>>::options().shape(1).load(file).unwrap()[0].get();
    let json = MmapArray::<u8>::options().offset(8).shape(len as usize).load(file).unwrap();
    let metadata: Metadata = serde_json::from_slice(&json).unwrap();
    8 + len + metadata.info("layer.1").unwrap().data_offsets.0 as u64
}

/// Opens the tensor, or some of its rows.
fn open(file: &File, rows: Range<usize>) -> SharedArray<u8> {
    let row = 2 * SHAPE[1];
    let options = MmapArray::<u8>::options().offset(place(file) + (rows.start * row) as u64);
    options.shape([rows.len(), row]).open_shared(file).unwrap()
}

fn tensor_of(path: &Path) -> SharedArray<u8> {
    open(&File::open(path).unwrap(), 0..SHAPE[0])
}

fn rows(tensor: &SharedArray<u8>) -> Vec<u8> {
    tensor.read(|view| view.rows(ROWS).to_vec()).unwrap()
}

fn ours(path: &Path) -> Vec<u8> {
    open(&File::open(path).unwrap(), ROWS).read(|view| view.to_vec()).unwrap()
}

fn map(path: &Path) -> Mmap {
    // SAFETY: nobody else uses the file.
    unsafe { Mmap::map(&File::open(path).unwrap()) }.unwrap()
}

fn sliced(tensor: &TensorView<'_>) -> Vec<u8> {
    copied(tensor.slice(ROWS).unwrap())
}

fn theirs(path: &Path) -> Vec<u8> {
    let map = map(path);
    let tensors = SafeTensors::deserialize(&map).unwrap();
    let tensor = tensors.tensor("layer.1").unwrap();
    copied(tensor.slice(ROWS).unwrap())
}

fn copied<'a>(parts: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut rows = Vec::with_capacity(ROWS.len() * SHAPE[1] * 2);
    parts.for_each(|part| rows.extend_from_slice(part));
    rows
}
