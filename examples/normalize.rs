//! Subtracts the mean of each pixel from a stack of images, which may be larger than memory.
//!
//! ```text
//! cargo run --release --example normalize STACK.npy OUT.npy
//! cargo run --release --example normalize
//! ```
//!
//! The stack is an array of real numbers of any type and byte order, whose leading axis counts the images. The result
//! is an array of `f32` of the same shape. The file is read twice, some images at a time: once to compute the means, in
//! `f64`, and once to subtract them. A progress bar shows the progress. The result is created completely or not at all.
//!
//! NumPy, in memory: `(stack - stack.mean(axis=0, dtype="f8")).astype("f4")`.
//!
//! Without arguments, the program creates a stack of noise, and deletes it and the result at the end.
#![forbid(unsafe_code)]

use indicatif::{ProgressBar, ProgressStyle};
use mmap_array::{ArrayView, ArrayViewMut, Le, npy};
use std::error::Error;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

const USAGE: &str = "usage: normalize [STACK.npy OUT.npy]";

/// The number of bytes of numbers that are in memory at a time, unless one image has more.
const AT_ONCE: usize = 64 << 20;

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let done = match &args[..] {
        [] => demonstrate(&mut io::stdout().lock()),
        [stack, out] => normalize(stack.as_ref(), out.as_ref(), &mut io::stdout().lock()),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    let Err(error) = done else { return ExitCode::SUCCESS };
    eprintln!("normalize: {error}");
    ExitCode::FAILURE
}

/// Creates a stack in which each pixel has a different offset, and removes the offsets.
fn demonstrate(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::Builder::new().prefix("normalize-").tempdir()?;
    let (stack, normal): (PathBuf, PathBuf) = (folder.path().join("stack.npy"), folder.path().join("normal.npy"));
    let mut writer = npy::Writer::<Le<u16>>::create(&stack, [480, 640])?;
    let mut state = 1_u64;
    writer.extend((0..300 * 480 * 640).map(|pixel| {
        // Knuth's MMIX generator, whose upper bits are the noise.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Le::new((pixel % (480 * 640) / 100) as u16 + (state >> 56) as u16)
    }))?;
    writer.finish()?;
    normalize(&stack, &normal, out)?;
    let normal = npy::options::<f32>().open_shared(&normal)?;
    let (lowest, highest) = normal.read(|view| view.min_max())?.ok_or("an empty stack")?;
    let (_, means) = normal.read(|view| view.mean_axis(0))??;
    let largest = means.iter().fold(0.0, |largest: f64, mean| largest.max(mean.abs()));
    writeln!(
        out,
        "checked  values from {lowest:.1} to {highest:.1}, the mean of every pixel below {:.0e}",
        largest + 1e-9
    )?;
    Ok(())
}

/// Subtracts the mean of each pixel from the stack in one file, and writes the differences to another.
pub(crate) fn normalize(stack: &Path, target: &Path, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let images = npy::dyn_options().open_shared(stack)?;
    let Some((&count, image_shape)) = images.shape().split_first() else {
        return Err(format!("{} has no axes; expected a leading axis of images", stack.display()).into());
    };
    let shape = |images: usize| [&[images], image_shape].concat();
    let mut writer = npy::Writer::<f32>::create(target, image_shape)?;
    if images.is_empty() {
        writer.write_rows(&ArrayView::<f32>::from_slice(&[], &shape(count)[..])?)?;
        writer.finish()?;
        writeln!(out, "normal   {}: no pixels", target.display())?;
        return Ok(());
    }
    // The shape is not larger than the file, which has been checked.
    let pixels = image_shape.iter().product::<usize>();
    let at_once = (AT_ONCE / pixels.saturating_mul(size_of::<f64>())).max(1);
    let mut means = Vec::new();
    means.try_reserve_exact(pixels)?;
    means.resize(pixels, 0.0);
    writeln!(out, "stack    {}: {count} images of shape {image_shape:?}, {}", stack.display(), images.dtype())?;

    // Shown only if standard error is a terminal.
    let style = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} images, {eta} left")?;
    let bar = ProgressBar::new(count as u64).with_style(style);
    let start = Instant::now();

    bar.set_prefix("means   ");
    for chunk in images.chunks(at_once) {
        let chunk = chunk?;
        let (images, numbers) = (chunk.shape()[0], chunk.view().to_vec_as::<f64>()?);
        let (_, sums) = ArrayView::from_slice(&numbers, [images, pixels])?.sum_axis(0)?;
        means.iter_mut().zip(sums).for_each(|(mean, sum)| *mean += sum / count as f64);
        bar.inc(images as u64);
    }

    bar.reset();
    bar.set_prefix("subtract");
    for chunk in images.chunks(at_once) {
        let chunk = chunk?;
        let (images, numbers) = (chunk.shape()[0], chunk.view().to_vec_as::<f64>()?);
        let mut normal = vec![0.0; numbers.len()];
        let numbers = ArrayView::from_slice(&numbers, [images, pixels])?;
        ArrayViewMut::from_slice_mut(&mut normal, [images, pixels])?.map_rows_from(&numbers, |image, normal| {
            for ((normal, number), mean) in normal.iter_mut().zip(image).zip(&means) {
                *normal = (number - mean) as f32;
            }
        });
        writer.write_rows(&ArrayView::from_slice(&normal, &shape(images)[..])?)?;
        bar.inc(images as u64);
    }
    bar.finish_and_clear();
    writer.finish()?;
    let (seconds, size) = (start.elapsed().as_secs_f64(), (count * pixels * images.dtype().itemsize()) as f64 / 1e6);
    writeln!(out, "normal   {}: {size:.1} MB in {seconds:.2} s, read twice", target.display())?;
    Ok(())
}
