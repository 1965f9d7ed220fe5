//! Fields whose types no dtype describes.

use mmap_array::Record;
use std::marker::PhantomData;

#[derive(Clone, Copy, Record)]
#[repr(C)]
struct Fields {
    count: usize,
    flag: bool,
    pointer: *const u8,
    pairs: [(u8, u8); 4],
    nested: Plain,
    marker: PhantomData<u8>,
}

#[derive(Clone, Copy, Record)]
#[repr(transparent)]
struct Count(usize);

#[derive(Clone, Copy)]
#[repr(C)]
struct Plain {
    x: u8,
}

fn main() {}
