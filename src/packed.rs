//! Pixels of 10, 12 and 14 bits that share bytes, as cameras store them, unpacked into `u16`.
//!
//! An array of packed pixels has no element type, since a pixel may begin within a byte. So a file of them is opened as
//! bytes, of which each row may have more than its pixels need, and [`Packing::unpack_rows`] turns rows into numbers.
//!
//! ```
//! use mmap_array::{Error, MmapArray, packed::Packing};
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("frame.raw");
//! # std::fs::write(&path, [0xff; 480 * 1000])?;
//! // 640 pixels of 12 bits take 960 bytes, and rows begin every 1000 bytes.
//! let frame = MmapArray::<u8>::options().shape([480, 1000]).open_shared(&path)?;
//! let mut pixels = vec![0; 480 * 640];
//! frame.try_read(|view| Packing::Mipi.unpack_rows(12, &view, &mut pixels))?;
//! assert_eq!(pixels[480 * 640 - 1], 4095);
//! # Ok::<(), std::io::Error>(())
//! ```

use crate::access::{self, Load, Reading};
use crate::error::{Error, Reason, Result};
use crate::view::ArrayView;
use crate::view::shaping::Shaped;
use crate::view::wide::{self, Kernel};
use std::borrow::Cow;

/// A packing of pixels of 10, 12 or 14 bits into bytes.
///
/// | packing | 10 bits | 12 bits | 14 bits | also known as |
/// | --- | --- | --- | --- | --- |
/// | [`Mipi`](Self::Mipi) | 4 pixels in 5 bytes | 2 in 3 | 4 in 7 | MIPI CSI-2 `RAW10`, `RAW12`, `RAW14`; V4L2 [`SRGGB10P`], `SRGGB12P`, `SRGGB14P` |
/// | [`Msb`](Self::Msb) | 4 in 5 | 2 in 3 | 4 in 7 | DNG and TIFF (`FillOrder` 1) |
/// | [`Lsb`](Self::Lsb) | 4 in 5 | 2 in 3 | 4 in 7 | GenICam `Mono10p`, `Mono12p`, `Mono14p`, `BayerRG12p` |
///
/// The three differ in the order of the bits. GigE Vision's older `Mono12Packed` is none of them.
///
/// [`SRGGB10P`]: https://docs.kernel.org/userspace-api/media/v4l/pixfmt-srggb10p.html
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Packing {
    /// The high 8 bits of each pixel of a group, one byte each, and then the low bits of all of them, from the least
    /// significant bit of their first byte on. A row ends with a whole group.
    Mipi,
    /// A stream of bits, from the most significant bit of each byte and each pixel on: `np.unpackbits(a)`.
    Msb,
    /// A stream of bits, from the least significant bit of each byte and each pixel on: `np.unpackbits(a,
    /// bitorder="little")`.
    Lsb,
}

impl Packing {
    /// Returns the number of bytes that a row of pixels takes, without padding.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::ErrorKind::Unsupported) if a pixel does not have 10, 12 or 14 bits;
    /// [`Overflow`](crate::ErrorKind::Overflow) if there are too many bytes for the address space.
    ///
    /// ```
    /// use mmap_array::packed::Packing;
    /// assert_eq!(Packing::Lsb.row_bytes(10, 1001)?, 1252);
    /// assert_eq!(Packing::Mipi.row_bytes(10, 1001)?, 1255);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn row_bytes(self, bits: u32, pixels: usize) -> Result<usize> {
        let group = match bits {
            10 | 14 => 4,
            12 => 2,
            _ => {
                let text = format!("pixels of {bits} bits cannot be unpacked; pixels of 10, 12 and 14 bits can");
                return Err(Error::unsupported(text));
            }
        };
        let bytes = match self {
            Self::Mipi => pixels.div_ceil(group).checked_mul(group * bits as usize / 8),
            // Eight pixels end with a byte.
            Self::Msb | Self::Lsb => (pixels / 8)
                .checked_mul(bits as usize)
                .and_then(|bytes| bytes.checked_add((pixels % 8 * bits as usize).div_ceil(8))),
        };
        bytes.ok_or_else(|| Error::overflow("the row", format!("{pixels} pixels of {bits} bits")))
    }

    /// Unpacks the pixels of one row of bytes, as many as `pixels` takes. Bytes behind them are ignored.
    ///
    /// # Errors
    ///
    /// [`SizeMismatch`](crate::ErrorKind::SizeMismatch) if there are fewer bytes than
    /// [`row_bytes`](Self::row_bytes); [`Unsupported`](crate::ErrorKind::Unsupported) if a pixel does not have 10, 12
    /// or 14 bits.
    ///
    /// ```
    /// use mmap_array::packed::Packing;
    /// let mut pixels = [0; 2];
    /// Packing::Mipi.unpack(12, &[0x12, 0x45, 0x63], &mut pixels)?;
    /// assert_eq!(pixels, [0x123, 0x456]);
    /// Packing::Msb.unpack(12, &[0x12, 0x34, 0x56], &mut pixels)?;
    /// assert_eq!(pixels, [0x123, 0x456]);
    /// Packing::Lsb.unpack(12, &[0x23, 0x61, 0x45], &mut pixels)?;
    /// assert_eq!(pixels, [0x123, 0x456]);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn unpack(self, bits: u32, bytes: &[u8], pixels: &mut [u16]) -> Result<()> {
        let needed = self.row_bytes(bits, pixels.len())?;
        let Some(bytes) = bytes.get(..needed) else {
            return Err(too_short(bytes.len(), pixels.len(), bits, needed));
        };
        match (self, bits) {
            (Self::Mipi, 10) => wide::run(Row::<10, MIPI> { bytes, pixels }),
            (Self::Mipi, 12) => wide::run(Row::<12, MIPI> { bytes, pixels }),
            (Self::Mipi, _) => wide::run(Row::<14, MIPI> { bytes, pixels }),
            (Self::Msb, 10) => wide::run(Row::<10, MSB> { bytes, pixels }),
            (Self::Msb, 12) => wide::run(Row::<12, MSB> { bytes, pixels }),
            (Self::Msb, _) => wide::run(Row::<14, MSB> { bytes, pixels }),
            (Self::Lsb, 10) => wide::run(Row::<10, LSB> { bytes, pixels }),
            (Self::Lsb, 12) => wide::run(Row::<12, LSB> { bytes, pixels }),
            (Self::Lsb, _) => wide::run(Row::<14, LSB> { bytes, pixels }),
        }
        Ok(())
    }

    /// Unpacks the pixels of all rows of a view of bytes, whose last axis is that of the bytes of a row. Each row
    /// begins with a pixel, and may have more bytes than its pixels take.
    ///
    /// `pixels` gets the rows one after another, in C order, without padding; their width is its length divided by the
    /// number of rows. The view may have any number of axes and any strides. If it is a view of a file that others may
    /// change, call this within [`try_read`](crate::SharedArray::try_read).
    ///
    /// # Errors
    ///
    /// [`Shape`](crate::ErrorKind::Shape) if `pixels` cannot be divided into as many rows as the view has, or the view
    /// is 0-d; [`SizeMismatch`](crate::ErrorKind::SizeMismatch) if rows have fewer bytes than
    /// [`row_bytes`](Self::row_bytes); [`Unsupported`](crate::ErrorKind::Unsupported) if a pixel does not have 10, 12
    /// or 14 bits.
    ///
    /// ```
    /// use mmap_array::{ArrayView, packed::Packing};
    /// let bytes = [0x12, 0x45, 0x63, 0, 0x78, 0xab, 0xc9, 0]; // rows of three bytes, and one of padding
    /// let rows = ArrayView::from_slice(&bytes, [2, 4])?;
    /// let mut pixels = [0; 4];
    /// Packing::Mipi.unpack_rows(12, &rows, &mut pixels)?;
    /// assert_eq!(pixels, [0x123, 0x456, 0x789, 0xabc]);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn unpack_rows<A>(self, bits: u32, rows: &ArrayView<'_, u8, A>, pixels: &mut [u16]) -> Result<()>
    where
        A: Reading + Load<u8>,
    {
        let Some((&len, outer)) = rows.shape().split_last() else {
            return Err(Error::shape("a 0-d view has no rows of pixels"));
        };
        // Also of rows of no bytes there may be more than can be counted.
        let count = outer.iter().try_fold(1_usize, |count, &len| count.checked_mul(len));
        let width = match count {
            Some(0) if pixels.is_empty() => return self.row_bytes(bits, 0).map(drop),
            Some(count) if count > 0 && pixels.len() % count == 0 => pixels.len() / count,
            _ => {
                let (found, shape) = (pixels.len(), rows.shape());
                let text = format!("{found} pixels cannot be divided into the rows of bytes of shape {shape:?}");
                return Err(Error::shape(text));
            }
        };
        let needed = self.row_bytes(bits, width)?;
        if needed > len {
            return Err(too_short(len, width, bits, needed));
        }
        if width > 0 {
            self.unpack_each(bits, &rows.slice_axis(rows.ndim() - 1, ..needed), &mut pixels.chunks_exact_mut(width))?;
        }
        Ok(())
    }

    fn unpack_each<'a, A>(
        self,
        bits: u32,
        rows: &ArrayView<'_, u8, A>,
        pixels: &mut impl Iterator<Item = &'a mut [u16]>,
    ) -> Result<()>
    where
        A: Reading + Load<u8>,
    {
        if rows.ndim() > 1 {
            return (0..rows.shape()[0]).try_for_each(|row| self.unpack_each(bits, &rows.index_axis(0, row), pixels));
        }
        // There are as many as there are rows.
        let pixels = pixels.next().unwrap_or_default();
        for (piece, pixels) in pixels.chunks_mut(PIECE).enumerate() {
            let start = piece * (PIECE / 8 * bits as usize);
            let bytes = rows.slice_axis(0, start..start + self.row_bytes(bits, pixels.len())?);
            let bytes = match bytes.strides()[0] == 1 || bytes.len() == 1 {
                // SAFETY: the bytes of the view, which follow one another and are there as long as it is borrowed.
                true => unsafe { access::bytes::<A>(bytes.raw().ptr, bytes.len()) },
                false => Cow::Owned(bytes.to_vec()),
            };
            self.unpack(bits, &bytes, pixels)?;
        }
        Ok(())
    }
}

fn too_short(found: usize, pixels: usize, bits: u32, needed: usize) -> Error {
    let text = format!("a row of {pixels} pixels of {bits} bits needs {needed} bytes, but has {found}");
    Reason::SizeMismatch(text).error()
}

/// The number of pixels of a row that are unpacked at once, of which the bytes may have to be copied. Eight pixels end
/// with a byte in each packing.
const PIECE: usize = 1 << 16;

// The packings, as constants of a kernel.
const MIPI: u8 = 0;
const MSB: u8 = 1;
const LSB: u8 = 2;

/// A kernel that unpacks a row, which has all bytes of its pixels.
///
/// Four pixels take `BITS / 2` bytes in each packing, which are loaded as one number of eight bytes. Shifts move the
/// bits of each pixel to a 16-bit part of another number, so that the compiler needs no loops over bits, and does the
/// same for several groups of four at once where there are wide instructions.
struct Row<'a, 'b, const BITS: u32, const PACKING: u8> {
    bytes: &'a [u8],
    pixels: &'b mut [u16],
}

impl<const BITS: u32, const PACKING: u8> Kernel for Row<'_, '_, BITS, PACKING> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { bytes, pixels } = self;
        let group = BITS as usize / 2;
        // As many as can be loaded without what lies behind the row.
        let wide = bytes.len().checked_sub(8).map_or(0, |last| last / group + 1).min(pixels.len() / 4);
        let (whole, rest) = pixels.split_at_mut(4 * wide);
        for (pixels, bytes) in whole.chunks_exact_mut(4).zip(bytes.windows(8).step_by(group)) {
            let mut eight = [0; 8];
            eight.copy_from_slice(bytes);
            pixels.copy_from_slice(&four::<BITS, PACKING>(eight));
        }
        for (pixels, bytes) in rest.chunks_mut(4).zip(bytes.chunks(group).skip(wide)) {
            let mut eight = [0; 8];
            eight[..bytes.len()].copy_from_slice(bytes);
            pixels.copy_from_slice(&four::<BITS, PACKING>(eight)[..pixels.len()]);
        }
    }
}

/// Returns the four pixels that the first `BITS / 2` bytes contain.
#[inline(always)]
fn four<const BITS: u32, const PACKING: u8>(bytes: [u8; 8]) -> [u16; 4] {
    let (little, low) = (u64::from_le_bytes(bytes), BITS - 8);
    let lanes = match (PACKING, BITS) {
        (MSB, _) => {
            let big = u64::from_be_bytes(bytes);
            lanes(big, [64 - BITS, 64 - 2 * BITS, 64 - 3 * BITS, 64 - 4 * BITS], BITS)
        }
        (LSB, _) => lanes(little, [0, BITS, 2 * BITS, 3 * BITS], BITS),
        // Two groups of two.
        (_, 12) => lanes(little, [0, 8, 24, 32], 8) << low | lanes(little, [16, 20, 40, 44], low),
        _ => lanes(little, [0, 8, 16, 24], 8) << low | lanes(little, [32, 32 + low, 32 + 2 * low, 32 + 3 * low], low),
    };
    [lanes as u16, (lanes >> 16) as u16, (lanes >> 32) as u16, (lanes >> 48) as u16]
}

/// Returns four 16-bit parts, each with `width` bits of a number from the bit in `from` on.
#[inline(always)]
fn lanes(number: u64, from: [u32; 4], width: u32) -> u64 {
    let lane = |lane: u32| {
        let (from, to) = (from[lane as usize], 16 * lane);
        let moved = if from >= to { number >> (from - to) } else { number << (to - from) };
        moved & ((1 << width) - 1) << to
    };
    lane(0) | lane(1) | lane(2) | lane(3)
}
