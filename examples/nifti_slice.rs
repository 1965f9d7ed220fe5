//! Prints the shape of a NIfTI-1 volume, and saves its middle slice along each axis, without reading the rest.
//!
//! ```text
//! cargo run --release --example nifti_slice SCAN.nii OUT_DIR
//! cargo run --release --example nifti_slice
//! ```
//!
//! Medical scanners' images are stored as NIfTI-1 files: a header of 348 bytes in either byte order, and the voxels in
//! Fortran order from the byte on that the header states. The header is loaded as a record whose dtype is that of a
//! Rust struct, in the byte order of the file; the volume is mapped with the dtype that the header states.
//!
//! The slices are `OUT_DIR/axis0.npy`, NumPy's `volume[n // 2]`, `OUT_DIR/axis1.npy`, `volume[:, n // 2]`, and so on.
//! Existing files of these names are replaced. The slices have the stored numbers, in the byte order of the volume; the
//! scaling that makes values of them is printed. A slice is created completely or not at all.
//!
//! Without arguments, the program creates a volume, and deletes it and its slices at the end.
#![forbid(unsafe_code)]

use bytemuck::{Pod, Zeroable};
use mmap_array::{DType, DynArray, Element, MmapArray, Order, Record, dtype::Endianness, element::Bytes, npy};
use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: nifti_slice [FILE.nii OUT_DIR]";

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let done = match &args[..] {
        [] => demonstrate(&mut io::stdout().lock()),
        [file, folder] => save_slices(file.as_ref(), folder.as_ref(), &mut io::stdout().lock()),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    let Err(error) = done else { return ExitCode::SUCCESS };
    eprintln!("nifti_slice: {error}");
    ExitCode::FAILURE
}

/// The header, <https://nifti.nimh.nih.gov/pub/dist/src/niftilib/nifti1.h>, with the fields that are used here.
#[derive(Clone, Copy, Pod, Zeroable, Record)]
#[repr(C)]
struct Header {
    sizeof_hdr: i32,
    #[record(pad)]
    _before_dim: [u8; 36],
    /// The number of axes, and their lengths.
    dim: [i16; 8],
    #[record(pad)]
    _before_datatype: [u8; 14],
    datatype: i16,
    #[record(pad)]
    _before_vox_offset: [u8; 36],
    vox_offset: f32,
    scl_slope: f32,
    scl_inter: f32,
    #[record(pad)]
    _before_magic: [u8; 224],
    magic: Bytes<4>,
}

/// Creates a volume with a ball in it, and prints one of its slices.
pub(crate) fn demonstrate(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::Builder::new().prefix("nifti-slice-").tempdir()?;
    let file = folder.path().join("ball.nii");
    let (dim, magic) = ([3, 24, 16, 12, 1, 1, 1, 1], Bytes::new("n+1")?);
    let (datatype, vox_offset, scl_slope, scl_inter) = (4, 352.0, 0.5, -10.0);
    let some = Header { sizeof_hdr: 348, dim, datatype, vox_offset, scl_slope, scl_inter, magic, ..Zeroable::zeroed() };
    let voxel = |index: i32| {
        let (x, y, z) = (index % 24 - 12, index / 24 % 16 - 8, index / (24 * 16) - 6);
        let depth = 36 - x * x - y * y - z * z;
        (depth.max(0) as i16).to_ne_bytes()
    };
    let voxels: Vec<u8> = (0..24 * 16 * 12).flat_map(voxel).collect();
    fs::write(&file, [bytemuck::bytes_of(&some), &[0; 4], &voxels].concat())?;
    save_slices(&file, folder.path(), out)?;
    let slice = npy::dyn_options().open_shared(folder.path().join("axis0.npy"))?;
    writeln!(out, "axis0.npy, transposed:\n{}", slice.read(|slice| slice.t().to_string())?)?;
    Ok(())
}

/// Saves the middle slices of the volume in a file to a folder, which is created if it does not exist.
pub(crate) fn save_slices(file: &Path, folder: &Path, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let refused = |text: String| -> Box<dyn Error> { format!("{}: {text}", file.display()).into() };
    // The first field is the size of the header, and so tells the byte order.
    let start: [u8; 4] = MmapArray::options().shape(1).open_shared(file)?.at(0)?;
    let order = match u32::from_le_bytes(start) {
        348 => Endianness::Little,
        0x5c01_0000 => Endianness::Big,
        540 | 0x1c02_0000 => return Err(refused("a NIfTI-2 file; only NIfTI-1 files can be read".into())),
        _ if start[..2] == [0x1f, 0x8b] => {
            return Err(refused("is compressed, and cannot be mapped; decompress it with `gunzip --keep`".into()));
        }
        _ => {
            let found = start.escape_ascii();
            return Err(refused(format!(
                "expected 348, the size of a NIfTI-1 header, in its first bytes, found {found}"
            )));
        }
    };
    let header = DynArray::options(Header::dtype().with_endianness(order)).shape(1).load(file)?;
    let numbers = |name| header.view().field(name).and_then(|field| field.to_vec_as::<f64>());
    match &header.view().field("magic")?.to_bytes()[..] {
        b"n+1\0" => {}
        b"ni1\0" => {
            let text = "the header of a pair; only single files can be read: save it as .nii (nibabel: nib.save)";
            return Err(refused(text.into()));
        }
        magic => return Err(refused(format!("expected \"n+1\\0\" at byte 344, found \"{}\"", magic.escape_ascii()))),
    }
    // The lengths have 16 bits, so the conversions are exact.
    let dim: Vec<usize> = numbers("dim")?.iter().map(|&len| len.max(0.0) as usize).collect();
    let shape = dim[1..].get(..dim[0]).filter(|shape| !shape.is_empty() && !shape.contains(&0));
    let shape = shape.ok_or_else(|| refused(format!("expected 1 to 7 axes with voxels, found dim = {dim:?}")))?;
    let descr = match numbers("datatype")?[0] as i16 {
        2 => "u1",
        4 => "i2",
        8 => "i4",
        16 => "f4",
        32 => "c8",
        64 => "f8",
        128 => "[('R', 'u1'), ('G', 'u1'), ('B', 'u1')]",
        256 => "i1",
        512 => "u2",
        768 => "u4",
        1024 => "i8",
        1280 => "u8",
        1792 => "c16",
        2304 => "[('R', 'u1'), ('G', 'u1'), ('B', 'u1'), ('A', 'u1')]",
        code => return Err(refused(format!("datatype is {code}; expected numbers of 8 to 64 bits, or colors"))),
    };
    let offset = numbers("vox_offset")?[0];
    if !(352.0..1e15).contains(&offset) || offset.fract() != 0.0 {
        return Err(refused(format!("vox_offset is {offset:?}; expected a byte from 352 on")));
    }
    let dtype = descr.parse::<DType>()?.with_endianness(order);
    let volume = DynArray::options(dtype).offset(offset as u64).shape(shape).order(Order::F).open_shared(file)?;
    writeln!(out, "volume  {}: shape {shape:?}, {} from byte {offset} on", file.display(), volume.dtype())?;
    match (numbers("scl_slope")?[0], numbers("scl_inter")?[0]) {
        (slope, inter) if slope != 0.0 && slope.is_finite() => {
            writeln!(out, "scaling value = {slope:?} * stored + {inter:?}")?;
        }
        _ => writeln!(out, "scaling none: the values are the stored numbers")?,
    }
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for (axis, len) in shape.iter().enumerate() {
        let (slice, index) = (folder.join(format!("axis{axis}.npy")), len / 2);
        volume.try_read(|volume| npy::save(&slice, &volume.index_axis(axis, index)))?;
        writeln!(out, "axis {axis}  index {index} of {len}: {}", slice.display())?;
    }
    Ok(())
}
