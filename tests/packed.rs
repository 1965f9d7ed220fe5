//! Packed pixels are what a bit-by-bit model and NumPy say.

use mmap_array::packed::Packing;
use mmap_array::{ArrayView, ErrorKind, MmapArray};

#[allow(dead_code)]
#[path = "python/mod.rs"]
mod python;
#[path = "random/mod.rs"]
mod random;
use python::Python;
use random::Random;

const PACKINGS: [Packing; 3] = [Packing::Mipi, Packing::Msb, Packing::Lsb];
const BITS: [u32; 3] = [10, 12, 14];

/// The position of a bit of a pixel, counted from the least significant, in a row: a byte, and a bit of it.
fn place(packing: Packing, bits: u32, pixel: usize, bit: u32) -> (usize, u32) {
    let bits = bits as usize;
    match packing {
        Packing::Lsb => {
            let at = pixel * bits + bit as usize;
            (at / 8, at as u32 % 8)
        }
        Packing::Msb => {
            let at = pixel * bits + bits - 1 - bit as usize;
            (at / 8, 7 - at as u32 % 8)
        }
        _ => {
            let (count, low) = if bits == 12 { (2, 4) } else { (4, bits - 8) };
            let (first, within) = (pixel / count * (count * bits / 8), pixel % count);
            match (bit as usize).checked_sub(low) {
                Some(high) => (first + within, high as u32),
                None => {
                    let at = within * low + bit as usize;
                    (first + count + at / 8, at as u32 % 8)
                }
            }
        }
    }
}

fn packed(packing: Packing, bits: u32, pixels: &[u16]) -> Vec<u8> {
    let mut bytes = vec![0; packing.row_bytes(bits, pixels.len()).unwrap()];
    for (index, pixel) in pixels.iter().enumerate() {
        for bit in 0..bits {
            let (byte, place) = place(packing, bits, index, bit);
            bytes[byte] |= ((pixel >> bit & 1) as u8) << place;
        }
    }
    bytes
}

fn unpacked(packing: Packing, bits: u32, bytes: &[u8], len: usize) -> Vec<u16> {
    // What is there before does not stay.
    let mut pixels = vec![0xffff; len];
    packing.unpack(bits, bytes, &mut pixels).unwrap();
    pixels
}

#[test]
fn every_value_is_unpacked_at_every_place() {
    for (packing, bits) in PACKINGS.into_iter().flat_map(|packing| BITS.map(|bits| (packing, bits))) {
        // Neighbours that are all ones, all zeros, and others.
        for (first, step) in [(0, 1), (0x3fff, 0), (0, 0), (77, 4093)] {
            for place in 0..4 {
                let values = 0..1_u16 << bits;
                let mask = (1 << bits) - 1;
                let pixels: Vec<u16> = values
                    .flat_map(|value| {
                        let mut four =
                            [0, 1, 2, 3].map(|k: u16| value.wrapping_mul(step).wrapping_add(first + k) & mask);
                        four[place] = value;
                        four
                    })
                    .collect();
                let bytes = packed(packing, bits, &pixels);
                assert_eq!(bytes.len(), pixels.len() * bits as usize / 8);
                assert!(unpacked(packing, bits, &bytes, pixels.len()) == pixels, "{packing:?}, {bits} bits, {place}");
            }
        }
    }
}

#[test]
fn rows_of_any_length_are_unpacked_from_any_byte_on_without_those_behind() {
    let mut random = Random(9);
    for (packing, bits) in PACKINGS.into_iter().flat_map(|packing| BITS.map(|bits| (packing, bits))) {
        for len in (0..70).chain([999, 1000, 1001, 1002, 1003]) {
            let pixels: Vec<u16> = (0..len).map(|_| random.below(1 << bits) as u16).collect();
            let bytes = packed(packing, bits, &pixels);
            let others = packed(packing, bits, &vec![0xffff; len]);
            for start in 0..9 {
                // Bits that are nobody's do not matter, nor bytes behind.
                let mut row = vec![0xff; start];
                row.extend(&bytes);
                row.extend([0xff; 9]);
                row[start..].iter_mut().zip(&others).for_each(|(byte, others)| *byte |= !others);
                let used = start..start + bytes.len();
                assert_eq!(unpacked(packing, bits, &row[used], len), pixels, "{packing:?}, {bits} bits, {len}");
                assert_eq!(unpacked(packing, bits, &row[start..], len), pixels, "{packing:?}, {bits} bits, {len}");
                if let Some(short) = bytes.len().checked_sub(1) {
                    let error = packing.unpack(bits, &bytes[..short], &mut vec![0; len]).unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::SizeMismatch);
                    let text = format!("needs {} bytes, but has {short}", bytes.len());
                    assert!(error.to_string().contains(&text), "{error}");
                }
                // One is enough where the row is long.
                if len > 70 {
                    break;
                }
            }
        }
    }
}

#[test]
fn rows_with_padding_and_of_any_strides_are_unpacked() {
    let mut random = Random(3);
    for (packing, bits) in PACKINGS.into_iter().flat_map(|packing| BITS.map(|bits| (packing, bits))) {
        for (height, width, padding) in
            [(3, 10, 0), (4, 7, 5), (1, 64, 3), (9, 1, 1), (5, 33, 31), (2, 0, 4), (0, 9, 0)]
        {
            let pixels: Vec<u16> = (0..height * width).map(|_| random.below(1 << bits) as u16).collect();
            let needed = packing.row_bytes(bits, width).unwrap();
            let rows: Vec<&[u16]> = (0..height).map(|row| &pixels[row * width..][..width]).collect();
            let bytes: Vec<u8> =
                rows.iter().flat_map(|row| [packed(packing, bits, row), vec![0xff; padding]].concat()).collect();
            let view = ArrayView::from_slice(&bytes, [height, needed + padding]).unwrap();
            let unpack = |view: &ArrayView<'_, u8>| {
                let mut pixels = vec![0xffff; height * width];
                packing.unpack_rows(bits, view, &mut pixels).unwrap();
                pixels
            };
            assert_eq!(unpack(&view), pixels);
            let backwards: Vec<u16> = rows.iter().rev().copied().collect::<Vec<_>>().concat();
            assert_eq!(unpack(&view.step_axis(0, -1)), backwards);
            assert_eq!(unpack(&view.insert_axis(0).unwrap().insert_axis(2).unwrap()), pixels);
            // Every other byte, as of a camera that writes two frames at once.
            let doubled: Vec<u8> = bytes.iter().flat_map(|&byte| [byte, !byte]).collect();
            let doubled = ArrayView::from_slice(&doubled, [height, 2 * (needed + padding)]).unwrap();
            assert_eq!(unpack(&doubled.step_axis(1, 2)), pixels);
            if needed > 0 && height > 0 {
                let short = view.slice((.., ..needed - 1));
                let error = packing.unpack_rows(bits, &short, &mut vec![0; height * width]).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::SizeMismatch);
            }
            if height > 1 {
                let error = packing.unpack_rows(bits, &view, &mut vec![0; height * width + 1]).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Shape, "{error}");
            }
        }
    }
}

#[test]
fn a_file_that_others_may_change_is_unpacked_too_and_into_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("frames");
    let (packing, bits, header) = (Packing::Mipi, 12, 17);
    let pixels: Vec<u16> = (0..2 * 30 * 41).map(|n| n as u16 * 7 % 4096).collect();
    let rows = pixels.chunks(41).map(|row| [packed(packing, bits, row), vec![9; 2]].concat());
    let bytes = [vec![1; header], rows.collect::<Vec<_>>().concat()].concat();
    std::fs::write(&path, bytes).unwrap();
    let options = MmapArray::<u8>::options().offset(header as u64).shape([2, 30, 65]);
    let frames = options.open_shared(&path).unwrap();
    let mut target = MmapArray::<u16>::create_options([2, 30, 41]).scratch_in(&folder).unwrap();
    frames.try_read(|view| packing.unpack_rows(bits, &view, &mut target)).unwrap();
    assert_eq!(target[..], pixels);
    let mut second = vec![0; 30 * 41];
    frames.try_read(|view| packing.unpack_rows(bits, &view.index_axis(0, 1), &mut second)).unwrap();
    assert_eq!(second, pixels[30 * 41..]);
}

#[test]
fn long_rows_are_unpacked_in_pieces_as_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows");
    let mut random = Random(5);
    let bytes: Vec<u8> = (0..500_000).map(|_| random.below(256) as u8).collect();
    std::fs::write(&path, &bytes).unwrap();
    let shared = MmapArray::<u8>::options().open_shared(&path).unwrap();
    let backwards: Vec<u8> = bytes.iter().rev().copied().collect();
    for (packing, bits) in PACKINGS.into_iter().flat_map(|packing| BITS.map(|bits| (packing, bits))) {
        for len in [65_535, 65_536, 65_537, 131_072, 250_003] {
            let expected = unpacked(packing, bits, &bytes, len);
            let mut pixels = vec![0; len];
            let row = ArrayView::from_slice(&bytes, bytes.len()).unwrap();
            packing.unpack_rows(bits, &row, &mut pixels).unwrap();
            assert!(pixels == expected, "{len} pixels, {packing:?}, {bits} bits");
            pixels.fill(0);
            shared.try_read(|row| packing.unpack_rows(bits, &row, &mut pixels)).unwrap();
            assert!(pixels == expected, "{len} shared pixels, {packing:?}, {bits} bits");
            let expected = unpacked(packing, bits, &backwards, len);
            shared.try_read(|row| packing.unpack_rows(bits, &row.step_axis(0, -1), &mut pixels)).unwrap();
            assert!(pixels == expected, "{len} pixels backwards, {packing:?}, {bits} bits");
        }
    }
}

#[test]
fn what_cannot_be_unpacked_is_an_error() {
    for packing in PACKINGS {
        for bits in [0, 1, 8, 11, 13, 15, 16, 17, u32::MAX] {
            let error = packing.unpack(bits, &[0; 100], &mut [0; 2]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(error.to_string().contains("pixels of 10, 12 and 14 bits can"), "{error}");
            assert_eq!(packing.row_bytes(bits, 0).unwrap_err().kind(), ErrorKind::Unsupported);
        }
        assert_eq!(packing.row_bytes(12, usize::MAX).unwrap_err().kind(), ErrorKind::Overflow);
        let none = ArrayView::from_slice(&[7_u8], ()).unwrap();
        assert_eq!(packing.unpack_rows(12, &none, &mut []).unwrap_err().kind(), ErrorKind::Shape);
        let empty = ArrayView::from_slice(&[0_u8; 0], [0, 5]).unwrap();
        packing.unpack_rows(12, &empty, &mut []).unwrap();
        assert_eq!(packing.unpack_rows(12, &empty, &mut [0]).unwrap_err().kind(), ErrorKind::Shape);
        assert_eq!(packing.unpack_rows(9, &empty, &mut []).unwrap_err().kind(), ErrorKind::Unsupported);
        // More rows of no bytes than can be counted.
        let shape = [1 << (usize::BITS / 2), 1 << (usize::BITS / 2 - 2), 0, 0];
        let many = ArrayView::from_slice(&[0_u8; 0], shape);
        assert!(many.is_err() || packing.unpack_rows(12, &many.unwrap(), &mut []).is_ok());
    }
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn numpy_unpacks_the_same_pixels_from_the_same_bytes() {
    let Some(python) = Python::get() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bytes");
    let mut random = Random(21);
    // Whole groups of each packing.
    let bytes: Vec<u8> = (0..4 * 5 * 3 * 7 * 50).map(|_| random.below(256) as u8).collect();
    std::fs::write(&path, &bytes).unwrap();
    let program = r#"
import sys, numpy as np
a = np.fromfile(sys.argv[1], "u1")
out = sys.argv[2]

def from_bits(bits, order):
    stream = np.unpackbits(a, bitorder=order).reshape(-1, bits).astype("<u2")
    powers = np.arange(bits) if order == "little" else np.arange(bits)[::-1]
    return (stream << powers.astype("<u2")).sum(axis=1, dtype="<u2")

def mipi(bits):
    # As rawpy's users and V4L2's documentation have it: high bytes, then low bits.
    count = 2 if bits == 12 else 4
    g = a.reshape(-1, count * bits // 8).astype("<u4")
    low = sum(g[:, count + k] << 8 * k for k in range(g.shape[1] - count))
    pixels = [g[:, k] << bits - 8 | low >> k * (bits - 8) & (1 << bits - 8) - 1 for k in range(count)]
    return np.stack(pixels, axis=1).astype("<u2")

for bits in 10, 12, 14:
    mipi(bits).tofile(f"{out}/Mipi{bits}")
    from_bits(bits, "big").tofile(f"{out}/Msb{bits}")
    from_bits(bits, "little").tofile(f"{out}/Lsb{bits}")
"#;
    python.run(program, [path.as_os_str(), folder.path().as_os_str()]);
    for (packing, bits) in PACKINGS.into_iter().flat_map(|packing| BITS.map(|bits| (packing, bits))) {
        let expected = std::fs::read(folder.path().join(format!("{packing:?}{bits}"))).unwrap();
        let pixels = unpacked(packing, bits, &bytes, bytes.len() * 8 / bits as usize);
        assert!(pixels.iter().flat_map(|pixel| pixel.to_le_bytes()).eq(expected), "{packing:?}, {bits} bits");
    }
}
