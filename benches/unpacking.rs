//! Measures unpacking pixels of 10, 12 and 14 bits into `u16`.
//!
//! Each row unpacks one file of packed pixels into the same memory each time, executed in turns by
//! `Packing::unpack_rows`, by a plain loop over the same file mapped by memmap2, which unpacks one group of pixels
//! after another, and by NumPy on `np.memmap` of the same file, in a separate process that measures itself, with whole
//! columns at a time and into memory that exists. All three must give the same pixels.
//!
//! `cargo bench --bench unpacking`. The columns `/ hand` and `/ NumPy` are the crate's time divided by the others':
//! below 1 the crate is faster. An image of 4000 x 3000 pixels is read from the page cache, one of 4000 x 10 from the
//! processor's. Without Python (`WITHOUT_PYTHON=1`), NumPy is skipped.

#[allow(dead_code)]
#[path = "common/beside.rs"]
mod beside;
mod common;
#[path = "common/numpy.rs"]
mod numpy;
#[path = "../tests/python/mod.rs"]
mod python;

use beside::Bench;
use mmap_array::{ArrayView, packed::Packing};
use numpy::Numpy;
use std::cell::RefCell;
use std::io;

const WIDTH: usize = 4000;

/// A packing, the loop by hand for a group of its bytes, and NumPy's operation on groups `b` of bytes, into pixels `o`.
struct Case {
    name: &'static str,
    packing: Packing,
    bits: u32,
    group: usize,
    hand: fn(&[u8], &mut [u16]),
    numpy: &'static str,
}

const CASES: [Case; 4] = [
    Case {
        name: "12 bits, MIPI",
        packing: Packing::Mipi,
        bits: 12,
        group: 2,
        hand: |bytes, pixels| {
            for (b, o) in bytes.chunks_exact(3).zip(pixels.chunks_exact_mut(2)) {
                o[0] = u16::from(b[0]) << 4 | u16::from(b[2] & 15);
                o[1] = u16::from(b[1]) << 4 | u16::from(b[2] >> 4);
            }
        },
        numpy: "np.left_shift(b[:, :2], 4, out=o, dtype='u2'), np.bitwise_or(o[:, 0], b[:, 2] & 15, out=o[:, 0]), \
                np.bitwise_or(o[:, 1], b[:, 2] >> 4, out=o[:, 1])",
    },
    Case {
        name: "10 bits, MIPI",
        packing: Packing::Mipi,
        bits: 10,
        group: 4,
        hand: |bytes, pixels| {
            for (b, o) in bytes.chunks_exact(5).zip(pixels.chunks_exact_mut(4)) {
                for k in 0..4 {
                    o[k] = u16::from(b[k]) << 2 | u16::from(b[4] >> (2 * k) & 3);
                }
            }
        },
        numpy: "np.left_shift(b[:, :4], 2, out=o, dtype='u2'), \
                [np.bitwise_or(o[:, k], b[:, 4] >> 2 * k & 3, out=o[:, k]) for k in range(4)]",
    },
    Case {
        name: "12 bits, most significant bit first",
        packing: Packing::Msb,
        bits: 12,
        group: 2,
        hand: |bytes, pixels| {
            for (b, o) in bytes.chunks_exact(3).zip(pixels.chunks_exact_mut(2)) {
                o[0] = u16::from(b[0]) << 4 | u16::from(b[1] >> 4);
                o[1] = u16::from(b[1] & 15) << 8 | u16::from(b[2]);
            }
        },
        numpy: "np.left_shift(b[:, 0], 4, out=o[:, 0], dtype='u2'), \
                np.bitwise_or(o[:, 0], b[:, 1] >> 4, out=o[:, 0]), \
                np.left_shift(b[:, 1] & 15, 8, out=o[:, 1], dtype='u2'), \
                np.bitwise_or(o[:, 1], b[:, 2], out=o[:, 1])",
    },
    Case {
        name: "12 bits, least significant bit first",
        packing: Packing::Lsb,
        bits: 12,
        group: 2,
        hand: |bytes, pixels| {
            for (b, o) in bytes.chunks_exact(3).zip(pixels.chunks_exact_mut(2)) {
                o[0] = u16::from(b[0]) | u16::from(b[1] & 15) << 8;
                o[1] = u16::from(b[1] >> 4) | u16::from(b[2]) << 4;
            }
        },
        numpy: "np.left_shift(b[:, 1] & 15, 8, out=o[:, 0], dtype='u2'), \
                np.bitwise_or(o[:, 0], b[:, 0], out=o[:, 0]), \
                np.left_shift(b[:, 2], 4, out=o[:, 1], dtype='u2'), \
                np.bitwise_or(o[:, 1], b[:, 1] >> 4, out=o[:, 1])",
    },
];

fn main() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut numpy = Numpy::start(folder.path())?;
    if numpy.is_none() {
        println!("WITHOUT_PYTHON is set: no column for NumPy");
    }
    for (height, rounds) in [(10, 401), (3000, 31)] {
        for Case { name, packing, bits, group, hand, numpy: operation } in CASES {
            let (pixels, row) = (WIDTH * height, packing.row_bytes(bits, WIDTH)?);
            let mut bench = Bench::new(folder.path(), numpy.as_mut(), row * height, rounds);
            let (array, map) = &bench.file("", |i| (i * 7 + i / 251) as u8)?;
            let rows: ArrayView<'_, u8> = array.view().reshape([height, row])?;
            let [ours, theirs] = [(); 2].map(|()| RefCell::new(vec![0; pixels]));
            // Of all pixels a few are returned, so that nothing else is measured.
            let few = |pixels: &[u16]| [pixels[0], pixels[pixels.len() / 2], pixels[pixels.len() - 1]];
            let unpack = |rows: &ArrayView<'_, u8>| {
                let pixels = &mut *ours.borrow_mut();
                packing.unpack_rows(bits, rows, pixels).expect("rows of pixels");
                few(pixels)
            };
            let by_hand = |bytes: &[u8]| {
                let pixels = &mut *theirs.borrow_mut();
                hand(bytes, pixels);
                few(pixels)
            };
            unpack(&rows);
            by_hand(map);
            assert!(*ours.borrow() == *theirs.borrow(), "{name}: the loop differs");
            let bytes = group * bits as usize / 8;
            bench.open(&format!(
                "(np.memmap(folder + '/file', 'u1', 'r').reshape(-1, {bytes}), np.empty(({}, {group}), 'u2'))",
                pixels / group
            ))?;
            let last = format!("o.reshape(-1)[[0, {}, -1]]", pixels / 2);
            let operation = format!("(lambda b, o: ({operation}, {last})[-1])(*a)");
            bench.row(name, (&rows, unpack), (&map[..], by_hand), &operation)?;
        }
    }
    Ok(())
}
