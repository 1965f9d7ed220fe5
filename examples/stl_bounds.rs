//! Prints the extent of a solid body from the triangles of its surface, a binary STL file that is an array of records.
//!
//! ```text
//! cargo run --release --example stl_bounds FILE
//! ```
//!
//! A header of 84 bytes is followed by a record of 50 bytes for each triangle, so that the floats of every other
//! triangle are not aligned as a `&f32` requires. The numbers are little-endian on every machine. The file is mapped as
//! an array of these records.
//! The corners are a view of it, of shape (triangles, 3, 3), from which the minimum and maximum of each coordinate are
//! computed. If the file is truncated meanwhile, the program returns an error and prints nothing else.
#![forbid(unsafe_code)]

use bytemuck::{Pod, Zeroable};
use mmap_array::{ArrayView, Le, MmapArray, SharedArray, access::Shared, field};
use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let (Some(file), None) = (args.next().filter(|arg| arg != "--help").map(PathBuf::from), args.next()) else {
        eprintln!("usage: stl_bounds FILE");
        return ExitCode::from(2);
    };
    match list(&file, &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("stl_bounds: {error}");
            ExitCode::FAILURE
        }
    }
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Header {
    text: [u8; 80],
    triangles: Le<u32>,
}

/// `Le` has no alignment, so these records of 50 bytes have no padding, packed or not.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Triangle {
    normal: [Le<f32>; 3],
    corners: [[Le<f32>; 3]; 3],
    attribute: Le<u16>,
}

/// Prints the extent, the area and the volume of the body.
pub(crate) fn list(path: &Path, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let (header, triangles) = match open(path) {
        // Some binary files begin with `solid` too, so only a file that cannot be read as binary is checked for it.
        Err(_) if begins_with(path, b"solid") => {
            let text = "an ASCII STL file, or a damaged binary one; only binary STL files can be read";
            return Err(format!("{}: {text}", path.display()).into());
        }
        opened => opened?,
    };
    let text = header.text.split(|&byte| byte == 0).next().unwrap_or_default();
    // The text is printed to a terminal, which must not interpret it.
    let text = String::from_utf8_lossy(text).trim().replace(char::is_control, "?");
    let (extents, (area, volume)) = triangles.try_read(|triangles| {
        // (triangle, corner, coordinate)
        let corners = triangles.project(field!(Triangle, corners)).unpack()?.unpack()?;
        let extents = [0, 1, 2].map(|axis| {
            let coordinates = corners.index_axis(2, axis);
            coordinates.min().zip(coordinates.max())
        });
        Ok::<_, mmap_array::Error>((extents, measure(&triangles)))
    })?;

    writeln!(out, "header    {text:?}")?;
    writeln!(out, "triangles {}", triangles.len())?;
    for (name, extent) in ["x", "y", "z"].into_iter().zip(extents) {
        if let Some((min, max)) = extent {
            writeln!(out, "{name:<9} {min:?} to {max:?}")?;
        }
    }
    writeln!(out, "area      {area:?}")?;
    writeln!(out, "volume    {volume:?} if the surface is closed")?;
    Ok(())
}

fn open(path: &Path) -> Result<(Header, SharedArray<Triangle>), Box<dyn Error>> {
    let header = MmapArray::<Header>::options().shape(1).open_shared(path)?.at(0)?;
    // Up to the end of the file, which must contain whole triangles.
    let triangles = MmapArray::<Triangle>::options().offset(size_of::<Header>() as u64).open_shared(path)?;
    let (said, found) = (header.triangles, triangles.len());
    if u64::try_from(found)? != u64::from(said.get()) {
        let text = format!("the header, at byte 80, states {said} triangles, but {found} follow it");
        return Err(format!("{}: {text}", path.display()).into());
    }
    Ok((header, triangles))
}

fn begins_with<const N: usize>(path: &Path, magic: &[u8; N]) -> bool {
    let start = MmapArray::<[u8; N]>::options().shape(1).open_shared(path).and_then(|start| start.at(0));
    start.is_ok_and(|start| start == *magic)
}

/// Returns the area of the triangles, and the volume between them and the origin. The volume of triangles that face the
/// origin is negative, so the sum is the volume of the body if the surface is closed.
fn measure(triangles: &ArrayView<'_, Triangle, Shared>) -> (f64, f64) {
    let (mut area, mut volume) = (0.0, 0.0);
    for triangle in triangles {
        let [a, b, c] = triangle.corners.map(|corner| corner.map(|x| f64::from(x.get())));
        let normal = cross(difference(b, a), difference(c, a));
        area += dot(normal, normal).sqrt() / 2.0;
        volume += dot(a, normal) / 6.0;
    }
    (area, volume)
}

fn difference(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|axis| a[axis] - b[axis])
}

fn cross([a, b, c]: [f64; 3], [d, e, f]: [f64; 3]) -> [f64; 3] {
    [b * f - c * e, c * d - a * f, a * e - b * d]
}

fn dot([a, b, c]: [f64; 3], [d, e, f]: [f64; 3]) -> f64 {
    a * d + b * e + c * f
}
