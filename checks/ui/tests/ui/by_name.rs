//! What `field` and `fields` do not take.

use bytemuck::{AnyBitPattern, Pod, Zeroable};
use mmap_array::{ArrayView, ArrayViewMut, Record};

#[derive(Clone, Copy, Zeroable, Pod, Record)]
#[repr(C)]
struct Point {
    x: f32,
    y: u32,
}

/// With padding, so it cannot be written.
#[derive(Clone, Copy, AnyBitPattern, Record)]
#[repr(C)]
struct Padded {
    x: u8,
    y: u32,
}

#[derive(Clone, Copy, Zeroable, Pod)]
#[repr(C)]
struct Plain {
    x: f32,
}

fn main() {
    let points = [Point { x: 1.0, y: 2 }];
    let view = ArrayView::from_slice(&points, 1).unwrap();
    let _ = view.field::<usize>("y");

    let plain = [Plain { x: 1.0 }];
    let _ = ArrayView::from_slice(&plain, 1).unwrap().field::<f32>("x");

    let mut points = points;
    let _ = ArrayViewMut::from_slice_mut(&mut points, 1).unwrap().fields::<Padded>();
}
