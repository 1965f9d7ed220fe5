//! A record that is not `Copy`.

use mmap_array::Record;

#[derive(Record)]
#[repr(C)]
struct Point {
    x: f32,
}

fn main() {}
