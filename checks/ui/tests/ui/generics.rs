//! Generic records with arguments that no dtype describes.

use mmap_array::{DType, Element, Record};

#[derive(Clone, Copy, Record)]
#[repr(C)]
struct Pair<T> {
    first: T,
    counts: [T; 2],
}

#[derive(Clone, Copy, Record)]
#[repr(C)]
struct Concrete<T> {
    first: T,
    count: usize,
}

fn dtype_of<T: Element>() -> DType {
    T::dtype()
}

fn main() {
    dtype_of::<Pair<f64>>();
    dtype_of::<Pair<isize>>();
}
