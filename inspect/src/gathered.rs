//! Arrays whose elements are not contiguous in one file: many files as one array, elements with strides, and packed
//! pixels.

use super::{Failure, tuple};
use mmap_array::access::Shared;
use mmap_array::npy::{Concat, FromHeader, Npy};
use mmap_array::packed::Packing;
use mmap_array::{DynView, Options, SharedArray, SharedDynArray};
use std::fmt;
use std::io::{self, Read};
use std::path::PathBuf;

/// The number of bytes of an array that are in memory at once.
const MOST: usize = 1 << 20;

/// An array whose elements are not contiguous in one file.
pub(crate) enum Gathered {
    /// The arrays of files, one after another along the first axis.
    Files { all: Concat<SharedDynArray>, paths: Vec<PathBuf>, options: Box<Options<FromHeader, Npy>> },
    /// Elements that are not contiguous, with their strides in bytes.
    Apart { array: SharedDynArray, strides: Vec<isize> },
    /// Rows of packed pixels as bytes, with the strides between the rows and the number of pixels in each row.
    Pixels { rows: SharedArray<u8>, strides: Vec<isize>, packed: Packed, width: usize },
}

/// The packing of pixels, and the number of bits of each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Packed {
    pub(crate) packing: Packing,
    pub(crate) bits: u32,
}

impl fmt::Display for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", format!("{:?}", self.packing).to_lowercase(), self.bits)
    }
}

impl Packed {
    /// Returns the packing with a name such as `mipi12`, if there is one.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let place = name.find(|character: char| character.is_ascii_digit())?;
        let packing = match &name[..place] {
            "mipi" => Packing::Mipi,
            "msb" => Packing::Msb,
            "lsb" => Packing::Lsb,
            _ => return None,
        };
        let bits = name[place..].parse().ok().filter(|_| !name[place..].starts_with('0'))?;
        packing.row_bytes(bits, 0).ok().map(|_| Self { packing, bits })
    }
}

impl Gathered {
    /// Checks that all elements are there.
    pub(crate) fn check(&self) -> mmap_array::Result<()> {
        match self {
            Self::Files { all, .. } => all.blocks().try_for_each(|block| block.map(drop)),
            Self::Apart { array, .. } => array.check(),
            Self::Pixels { rows, .. } => rows.check(),
        }
    }

    /// Returns the call that opens the array with elements of the type `element`, as Rust source. `from` is the
    /// argument of the call, as Rust source too.
    pub(crate) fn opening(&self, element: &str, from: &str, offset: u64, shape: &[usize]) -> String {
        let options = |element: &str, shape: &[usize], strides: &[isize]| {
            let format = format!(".offset({offset}).shape({shape:?}).strides({strides:?})");
            format!("mmap_array::MmapArray::<{element}>::options(){format}.open_shared({from})?")
        };
        match self {
            Self::Files { .. } => format!("mmap_array::npy::concat::<{element}>({from})?"),
            Self::Apart { strides, .. } => options(element, shape, strides),
            Self::Pixels { rows, strides, packed: Packed { packing, bits }, .. } => {
                let bytes = options("u8", rows.shape(), &[&strides[..], &[1]].concat());
                format!(
                    "{bytes}\n// mmap_array::packed::Packing::{packing:?}.unpack_rows({bits}, …) makes numbers of it"
                )
            }
        }
    }

    /// Returns a description of how the elements are mapped.
    pub(crate) fn described(&self) -> String {
        match self {
            Self::Files { paths, .. } => match paths.len() {
                1 => "when its rows are read".to_owned(),
                count => format!("file by file, each of the {count} when its rows are read"),
            },
            Self::Apart { strides, .. } => format!("in place, with strides of {} bytes", tuple(strides)),
            Self::Pixels { strides, packed, .. } if strides.is_empty() => format!("as bytes, unpacked by {packed}"),
            Self::Pixels { strides, packed, .. } => {
                format!("as rows of bytes with strides of {} bytes, unpacked by {packed}", tuple(strides))
            }
        }
    }

    /// Returns the keys and values that the array adds to a line of JSON.
    pub(crate) fn to_json(&self) -> String {
        let list = |strides: &[isize]| strides.iter().map(isize::to_string).collect::<Vec<_>>().join(",");
        match self {
            Self::Files { paths, .. } => format!(",\"files\":{}", paths.len()),
            Self::Apart { strides, .. } => format!(",\"strides\":[{}]", list(strides)),
            Self::Pixels { strides, packed, .. } => {
                format!(",\"strides\":[{}],\"packing\":\"{packed}\"", list(strides))
            }
        }
    }

    /// Returns the bytes of consecutive elements in C order, from element `first` on, as many as are held in memory at
    /// once.
    fn portion(&self, first: u64) -> Result<Vec<u8>, Failure> {
        match self {
            Self::Files { all, .. } => {
                let row = all.shape()[1..].iter().map(|&len| len as u64).product::<u64>();
                let rows = all.rows((first / row) as usize..);
                // The block is what is left of the file with that row.
                let block =
                    rows.blocks().next().unwrap_or_else(|| Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()));
                Ok(block?.read(|view| portion(&view, first % row))?)
            }
            Self::Apart { array, .. } => Ok(array.read(|view| portion(&view, first))?),
            Self::Pixels { rows, packed, width, .. } => {
                let shape = rows.shape();
                let count: usize = shape[..shape.len() - 1].iter().product();
                let row = (first / *width as u64) as usize;
                let mut pixels = vec![0; *width * (MOST / 2 / *width).clamp(1, count - row)];
                rows.try_read(|view| {
                    for (row, pixels) in (row..).zip(pixels.chunks_exact_mut(*width)) {
                        let mut row_of_bytes = view.view();
                        let mut left = row;
                        for axis in (0..shape.len() - 1).rev() {
                            row_of_bytes = row_of_bytes.index_axis(axis, left % shape[axis]);
                            left /= shape[axis];
                        }
                        packed.packing.unpack_rows(packed.bits, &row_of_bytes, pixels)?;
                    }
                    Ok::<_, mmap_array::Error>(())
                })?;
                let skipped = (first % *width as u64) as usize;
                Ok(pixels[skipped..].iter().flat_map(|pixel| pixel.to_ne_bytes()).collect())
            }
        }
    }
}

/// Returns the bytes of the elements of a view from element `first` on: those of one slice of the view, at most
/// [`MOST`] bytes unless one element is larger.
fn portion(view: &DynView<'_, Shared>, mut first: u64) -> Vec<u8> {
    let shape = view.shape().to_vec();
    let mut part = view.view();
    for (axis, &len) in shape.iter().enumerate() {
        let inner: u64 = shape[axis + 1..].iter().map(|&len| len as u64).product();
        let index = (first / inner) as usize;
        first %= inner;
        let bytes = inner.saturating_mul(view.dtype().itemsize() as u64);
        if first == 0 && (bytes <= MOST as u64 || inner == 1) {
            let count = (MOST as u64 / bytes.max(1)).clamp(1, (len - index) as u64) as usize;
            return part.slice_axis(0, index..index + count).to_bytes();
        }
        part = part.index_axis(0, index);
    }
    part.to_bytes()
}

/// The bytes of an array's elements in C order, read forwards.
pub(crate) struct Portions<'a> {
    array: &'a Gathered,
    size: usize,
    /// The number of bytes of all elements.
    len: u64,
    /// Some of the bytes, the position of their first, and how many of them have been read.
    held: Vec<u8>,
    start: u64,
    read: usize,
}

impl<'a> Portions<'a> {
    pub(crate) fn new(array: &'a Gathered, size: usize, len: u64) -> Self {
        Self { array, size, len, held: Vec::new(), start: 0, read: 0 }
    }

    /// Skips the bytes before `position`, which has not been read yet.
    pub(crate) fn skip_to(&mut self, position: u64) {
        match usize::try_from(position - self.start) {
            Ok(place) if place <= self.held.len() => self.read = place,
            _ => {
                self.held.clear();
                (self.start, self.read) = (position, 0);
            }
        }
    }
}

impl Read for Portions<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.held.len() {
            let position = self.start + self.held.len() as u64;
            if position >= self.len {
                return Ok(0);
            }
            let within = (position % self.size as u64) as usize;
            let held = self.array.portion(position / self.size as u64);
            self.held = held.map_err(|failure| io::Error::other(failure.text))?;
            (self.start, self.read) = (position - within as u64, within);
        }
        let count = (&self.held[self.read..]).read(buffer)?;
        self.read += count;
        Ok(count)
    }
}
