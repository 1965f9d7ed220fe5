//! What is no struct with a layout that a file could have.

use mmap_array::Record;

#[derive(Record)]
enum Side {
    Buy,
    Sell,
}

#[derive(Record)]
#[repr(C)]
union Either {
    int: u32,
    float: f32,
}

#[derive(Record)]
struct NoRepr {
    x: u8,
}

#[derive(Record)]
#[repr(Rust)]
struct RustRepr {
    x: u8,
}

#[derive(Record)]
#[repr(packed(2))]
struct OnlyPacked {
    x: u8,
}

#[derive(Record)]
#[repr(align(16))]
struct OnlyAligned {
    x: u8,
}

#[derive(Record)]
#[repr(C)]
struct Borrows<'a, 'b, T> {
    x: &'a T,
    y: &'b T,
}

fn main() {}
