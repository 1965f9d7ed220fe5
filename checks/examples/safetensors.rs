//! Lists the tensors of a safetensors file, and prints rows of one of them in place.
//!
//! ```text
//! cargo run --release --features float8,half --example safetensors MODEL.safetensors
//! cargo run --release --features float8,half --example safetensors MODEL.safetensors NAME 100..104
//! cargo run --release --features float8,half --example safetensors
//! ```
//!
//! A file consists of the length of its header, the header, which is JSON, and the tensors, which may lie at any byte.
//! The crate safetensors checks the header; it needs the header alone, not the whole file. The rows are mapped as a
//! window of the file, and printed as NumPy prints them, with an ellipsis if there are many. So the program reads the
//! header and some pages of one tensor, whatever the size of the file.
//!
//! Without arguments, the program creates a file, and deletes it at the end.
#![forbid(unsafe_code)]

use float8::{F8E4M3, F8E5M2};
use half::bf16;
use mmap_array::element::{Float8E4M3Fnuz, Float8E5M2Fnuz, Float8E8M0Fnu};
use mmap_array::{DynArray, Element, Le, MmapArray, bytemuck::AnyBitPattern};
use safetensors::tensor::{Dtype, Metadata, TensorView, serialize_to_file};
use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::ops::Range;
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: safetensors [FILE [NAME [FROM..TO]]]";

/// The largest header in bytes, as in the crate safetensors.
const MAX_HEADER: u64 = 100_000_000;

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let Err(error) = run(&args, &mut io::stdout().lock()) else { return ExitCode::SUCCESS };
    eprintln!("safetensors: {error}");
    ExitCode::FAILURE
}

/// Runs the program with these arguments.
pub(crate) fn run(args: &[OsString], out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let [file, texts @ ..] = args else { return demonstrate(out) };
    let file = Path::new(file);
    match texts.iter().map(|arg| arg.to_str()).collect::<Option<Vec<_>>>().as_deref() {
        Some([]) => list(file, out),
        Some([name]) => print(file, name, None, out),
        Some([name, rows]) => {
            let bounds = rows.split_once("..").and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?));
            let rows = bounds.ok_or_else(|| format!("expected rows as FROM..TO, found {rows:?}\n{USAGE}"))?;
            print(file, name, Some(rows), out)
        }
        _ => Err(USAGE.into()),
    }
}

/// Creates a file with two tensors, lists them, and prints rows of each.
fn demonstrate(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::Builder::new().prefix("safetensors-").tempdir()?;
    let file = folder.path().join("model.safetensors");
    let weights: Vec<u8> = (0..64 * 4).flat_map(|n| bf16::from_f32(n as f32 / 8.0).to_le_bytes()).collect();
    let scales: Vec<u8> = (0..64).flat_map(|n| (n as f32).sqrt().to_le_bytes()).collect();
    let tensors = [
        ("layer.weight", TensorView::new(Dtype::BF16, vec![64, 4], &weights)?),
        ("layer.scale", TensorView::new(Dtype::F32, vec![64], &scales)?),
    ];
    serialize_to_file(tensors, None, &file)?;
    list(&file, out)?;
    print(&file, "layer.weight", Some(30..33), out)?;
    print(&file, "layer.scale", Some(0..5), out)
}

/// Returns the byte at which the tensors begin, and what the header states about them.
fn header(file: &Path) -> Result<(u64, Metadata), Box<dyn Error>> {
    let refused = |text: String| -> Box<dyn Error> { format!("{}: {text}", file.display()).into() };
    let len = MmapArray::<Le<u64>>::options().shape(1).open_shared(file)?.at(0)?.get();
    if len > MAX_HEADER {
        return Err(refused(format!(
            "expected a safetensors file, found a header of {len} bytes, more than {MAX_HEADER}"
        )));
    }
    let json = MmapArray::<u8>::options().offset(8).shape(len as usize).load(file)?;
    let metadata = serde_json::from_slice::<Metadata>(&json).map_err(|error| refused(format!("header: {error}")))?;
    let (data, data_len, file_len) = (8 + len, metadata.data_len(), fs::metadata(file)?.len());
    if file_len.checked_sub(data) != Some(data_len as u64) {
        let text = format!("the header states {data_len} bytes of tensors from byte {data} on");
        return Err(refused(format!("{text}, but the file has {file_len} bytes")));
    }
    Ok((data, metadata))
}

/// Prints the name, dtype and shape of each tensor, and the byte at which it begins.
fn list(file: &Path, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let (data, metadata) = header(file)?;
    let mut tensors: Vec<_> = metadata.tensors().into_iter().collect();
    // Tensors without elements begin where the next one does.
    tensors.sort_by_cached_key(|(name, info)| (info.data_offsets, name.clone()));
    for (name, info) in tensors {
        // The name is quoted, because it may contain what a terminal would interpret.
        writeln!(out, "{:>12} {:?} {:?} {name:?}", data + info.data_offsets.0 as u64, info.dtype, info.shape)?;
    }
    Ok(())
}

/// Prints rows of a tensor, or all of it.
fn print(file: &Path, name: &str, rows: Option<Range<usize>>, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let (data, metadata) = header(file)?;
    let refused = |text: &str| format!("{}, tensor {name:?}: {text}", file.display());
    let info = metadata.info(name).ok_or_else(|| refused("does not exist; list the file to see those that do"))?;
    let ((start, end), mut shape) = (info.data_offsets, info.shape.clone());
    let mut offset = data + start as u64;
    if let Some(rows) = rows {
        let text = || refused(&format!("has shape {:?}, and no rows {rows:?}", info.shape));
        let len = shape.first_mut().filter(|len| rows.start <= rows.end && rows.end <= **len).ok_or_else(text)?;
        // Without any rows, nothing is skipped.
        offset += (end - start).checked_div(*len).map_or(0, |row_bytes| (rows.start * row_bytes) as u64);
        *len = rows.len();
    }
    let descr = match info.dtype {
        Dtype::BOOL => "?",
        Dtype::U8 => "u1",
        Dtype::I8 => "i1",
        Dtype::U16 => "<u2",
        Dtype::I16 => "<i2",
        Dtype::U32 => "<u4",
        Dtype::I32 => "<i4",
        Dtype::U64 => "<u8",
        Dtype::I64 => "<i8",
        Dtype::F16 => "<f2",
        Dtype::F32 => "<f4",
        Dtype::F64 => "<f8",
        Dtype::C64 => "<c8",
        // NumPy does not have the others.
        Dtype::BF16 => return print_typed::<Le<bf16>>(file, offset, &shape, out),
        Dtype::F8_E4M3 => return print_typed::<F8E4M3>(file, offset, &shape, out),
        Dtype::F8_E5M2 => return print_typed::<F8E5M2>(file, offset, &shape, out),
        Dtype::F8_E8M0 => return print_typed::<Float8E8M0Fnu>(file, offset, &shape, out),
        Dtype::F8_E4M3FNUZ => return print_typed::<Float8E4M3Fnuz>(file, offset, &shape, out),
        Dtype::F8_E5M2FNUZ => return print_typed::<Float8E5M2Fnuz>(file, offset, &shape, out),
        dtype => return Err(refused(&format!("its dtype, {dtype:?}, has no whole bytes, and cannot be mapped")).into()),
    };
    let tensor = DynArray::options(descr.parse()?).offset(offset).shape(shape).open_shared(file)?;
    writeln!(out, "{}", tensor.read(|tensor| tensor.to_string())?)?;
    Ok(())
}

/// Prints a tensor of elements for which NumPy has no dtype.
fn print_typed<T>(file: &Path, offset: u64, shape: &[usize], out: &mut impl Write) -> Result<(), Box<dyn Error>>
where
    T: Element + AnyBitPattern,
{
    let tensor = MmapArray::<T>::options().offset(offset).shape(shape).open_shared(file)?;
    writeln!(out, "{}", tensor.read(|tensor| tensor.to_string())?)?;
    Ok(())
}
