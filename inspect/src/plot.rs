//! Numbers as a picture: one axis as a line and a histogram, two axes as an image, (height, width, 3) as colors.
//!
//! The numbers are read one after another, however many there are, and each falls into one of the picture's columns or
//! cells.

mod image;
mod line;
mod numbers;

use super::Failure;
use super::source::Source;
use numbers::Numbers;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};
use std::io;
use std::ops::Range;
use std::path::Path;

/// The size of a picture, in pixels; an image may be smaller.
const WIDTH: u32 = 1000;
const HEIGHT: u32 = 700;

/// The size of captions and of labels, in pixels.
const CAPTION: i32 = 20;
const LABEL: i32 = 14;

type Area<'a> = DrawingArea<BitMapBackend<'a>, Shift>;

pub(crate) fn draw(
    source: &Source,
    rows: Option<Range<usize>>,
    field: Option<&str>,
    target: &Path,
) -> Result<(), Failure> {
    source.check(rows.as_ref())?;
    if source.is(target) {
        return Err(Failure::new(format!("{}: the picture would replace the file itself", source.name)));
    }
    let first = rows.as_ref().map_or(0, |rows| rows.start);
    let several_rows = rows.as_ref().is_some_and(|rows| rows.len() > 1);
    let (mut numbers, mut shape) = Numbers::of(source, rows, field)?;
    let is_color = match shape[..] {
        [.., height, width, channels] if height > 1 && width > 1 => numbers.are_colors(channels),
        _ => false,
    };
    let mut start = first as f64;
    let several_axes = shape.len() > 2;
    if several_axes {
        if shape[0] == 1 {
            start = 0.0;
        }
        shape.retain(|&len| len != 1);
    }
    // No system font is needed, and no other is found.
    register_font("sans-serif", FontStyle::Normal, dejavu::sans::regular())
        .map_err(|_| Failure::new("the font cannot be read"))?;
    let mut pixels = vec![0; (WIDTH * HEIGHT * 3) as usize];
    let area = BitMapBackend::with_buffer(&mut pixels, (WIDTH, HEIGHT)).into_drawing_area();
    area.fill(&WHITE).map_err(undrawn)?;
    let (width, height) = match shape[..] {
        [] if several_axes => numbers.line(&area, 1, start)?,
        [len] => numbers.line(&area, len, start)?,
        [height, width] => numbers.image(&area, height, width, start)?,
        [height, width, channels] if is_color => numbers.colors(&area, [height, width, channels], start)?,
        _ => {
            let one_row = format!("; --rows {first} takes one row of the first");
            let hint = if shape.len() == 3 && several_rows { &one_row } else { "" };
            return Err(Failure::new(format!(
                "{} axes cannot be drawn, only one or two, not counting axes of length 1{hint}",
                shape.len()
            )));
        }
    };
    area.present().map_err(undrawn)?;
    drop(area);
    let lines = pixels.chunks_exact(3 * WIDTH as usize).take(height as usize);
    let pixels: Vec<u8> = lines.flat_map(|line| &line[..3 * width as usize]).copied().collect();
    write(target, &pixels, width, height)
        .map_err(|error| Failure::new(format!("{}: the picture cannot be written: {error}", target.display())))
}

/// Writes the picture to a temporary file in the same folder and renames it, so that no incomplete picture is left.
fn write(target: &Path, pixels: &[u8], width: u32, height: u32) -> Result<(), png::EncodingError> {
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    #[cfg_attr(not(unix), allow(unused_mut))]
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As of any file that a program makes, but for what the umask forbids.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder)?;
    encode(io::BufWriter::new(&mut file), pixels, width, height)?;
    file.persist(target).map_err(|error| error.error)?;
    Ok(())
}

fn encode(out: impl io::Write, pixels: &[u8], width: u32, height: u32) -> Result<(), png::EncodingError> {
    let mut encoder = png::Encoder::new(out, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()
}

fn undrawn(error: impl std::error::Error) -> Failure {
    Failure::new(format!("the picture cannot be drawn: {error}"))
}

/// Returns the cell, out of `cells`, into which a position out of `len` falls.
fn scaled(position: usize, len: usize, cells: usize) -> usize {
    let len = len.max(1);
    match position.checked_mul(cells) {
        Some(product) => product / len,
        None => (position as u128 * cells as u128 / len as u128) as usize,
    }
}
