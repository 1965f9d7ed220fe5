//! A path to an element of an array, which `field!` does not take.

use mmap_array::field;

#[repr(C)]
struct Particle {
    id: u32,
    pos: [f32; 3],
}

#[repr(C)]
struct Star {
    inner: (u32, Particle),
}

fn main() {
    let _ = field!(Particle, pos[0]);
    let _ = field!(Star, inner.1.pos[2]);
}
