//! Numbers as a picture: along one axis a line and a histogram, along two an image.
//!
//! Whatever their number, they are read one after another, and each falls into one of the picture's columns or cells.

use super::Failure;
use super::elements::{Elements, find_field, step};
use super::source::Source;
use mmap_array::{DType, DynView, dtype::Kind, dynamic::Value};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;

const WIDTH: u32 = 1000;
const HEIGHT: u32 = 700;

/// The most columns of a line, which has about as many pixels, and the most cells of an image along an axis.
const COLUMNS: usize = 800;
const CELLS: usize = 400;

/// An image is as many times longer than it is wide as the array, or the other way round, up to this.
const MOST_OBLONG: f64 = 6.0;

/// The bytes of items that are converted together.
const PIECE: usize = 1 << 16;

/// The width of the scale beside an image, and the shades in it.
const SCALE: u32 = 130;
const SHADES: usize = 200;

/// The bars of a histogram.
const BARS: usize = 60;

type Area<'a> = DrawingArea<BitMapBackend<'a>, Shift>;

pub(crate) fn draw(
    source: &Source,
    rows: Option<Range<usize>>,
    field: Option<&str>,
    target: &Path,
) -> Result<(), Failure> {
    source.check()?;
    let dtype = source.header.dtype();
    let mut shape = source.header.shape().to_vec();
    if let (Some(len), Some(rows)) = (shape.first_mut(), &rows) {
        *len = rows.len();
    }
    push_axes(dtype, field, &mut shape);
    let leaf = field.map_or(Ok(dtype), |path| find_field(dtype, path))?;
    let first = rows.as_ref().map_or(0, |rows| rows.start);
    let mut start = first as f64;
    let several_axes = shape.len() > 2;
    let several_rows = rows.as_ref().is_some_and(|rows| rows.len() > 1);
    if several_axes {
        if shape[0] == 1 {
            start = 0.0;
        }
        shape.retain(|&len| len != 1);
    }
    let mut numbers = Numbers { source, rows, field, start, least: f64::INFINITY, greatest: f64::NEG_INFINITY };
    // No system font is needed, and no other is found.
    register_font("sans-serif", FontStyle::Normal, dejavu::sans::regular())
        .map_err(|_| Failure::new("the font cannot be read"))?;
    let mut pixels = vec![0; (WIDTH * HEIGHT * 3) as usize];
    let area = BitMapBackend::with_buffer(&mut pixels, (WIDTH, HEIGHT)).into_drawing_area();
    area.fill(&WHITE).map_err(undrawn)?;
    match shape[..] {
        [] if several_axes => numbers.line(&area, 1, &leaf.to_string())?,
        [len] => numbers.line(&area, len, &leaf.to_string())?,
        [height, width] => numbers.image(&area, height, width, &leaf.to_string())?,
        _ => {
            let one_row = format!("; --rows {first}..{} takes one row of the first", first + 1);
            let hint = if shape.len() == 3 && several_rows { &one_row } else { "" };
            return Err(Failure::new(format!(
                "{} axes cannot be drawn, but one or two, besides those of length 1{hint}",
                shape.len()
            )));
        }
    }
    area.present().map_err(undrawn)?;
    drop(area);
    write(target, &pixels)
        .map_err(|error| Failure::new(format!("{}: the picture cannot be written: {error}", target.display())))
}

fn write(target: &Path, pixels: &[u8]) -> Result<(), png::EncodingError> {
    let mut encoder = png::Encoder::new(io::BufWriter::new(File::create(target)?), WIDTH, HEIGHT);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()
}

fn undrawn(error: impl std::error::Error) -> Failure {
    Failure::new(format!("the picture cannot be drawn: {error}"))
}

/// The axes of subarrays on the way to a field, and its own.
fn push_axes(dtype: &DType, field: Option<&str>, shape: &mut Vec<usize>) {
    match (dtype.kind(), field.and_then(|path| step(dtype, path))) {
        (Kind::Array { element, shape: axes }, _) => {
            shape.extend(axes);
            push_axes(element, field, shape);
        }
        (_, Some((found, inner))) => push_axes(&found.dtype, inner, shape),
        (_, None) => {}
    }
}

/// The numbers of an array, which may be gone through several times.
struct Numbers<'a> {
    source: &'a Source,
    rows: Option<Range<usize>>,
    field: Option<&'a str>,
    /// The number of the first row.
    start: f64,
    /// Of those that are finite.
    least: f64,
    greatest: f64,
}

impl Numbers<'_> {
    /// Goes through all of them, in C order.
    fn each(&mut self, len: usize, mut f: impl FnMut(usize, f64)) -> Result<(), Failure> {
        let mut elements = Elements::new(self.source, self.rows.clone())?;
        let mut position = 0;
        let (mut least, mut greatest) = (f64::INFINITY, f64::NEG_INFINITY);
        let mut take = |number: f64| {
            if number.is_finite() {
                (least, greatest) = (least.min(number), greatest.max(number));
                f(position, number);
            }
            position += 1;
        };
        let (dtype, field) = (self.source.header.dtype(), self.field);
        let items = self.source.header.shape().get(1..).unwrap_or_default().iter().product::<usize>()
            * self.rows.as_ref().map_or(1, |rows| rows.len());
        let mut left = if len == 0 { 0 } else { items };
        while left > 0 {
            let count = left.min((PIECE / dtype.itemsize().max(1)).max(1));
            match elements.piece(dtype, field, count)? {
                Some(numbers) => numbers.into_iter().for_each(&mut take),
                None => (0..count).try_for_each(|_| elements.numbers(dtype, field, &mut take))?,
            }
            left -= count;
        }
        (self.least, self.greatest) = (least, greatest);
        Ok(())
    }

    /// The range of the values, never empty nor so narrow that an axis has no labels.
    fn range(&self) -> Result<Range<f64>, Failure> {
        let (least, greatest) = if self.least > self.greatest { (0.0, 1.0) } else { (self.least, self.greatest) };
        let largest = greatest.abs().max(least.abs());
        if largest > 1e300 {
            return Err(Failure::new(format!(
                "numbers from {least:e} to {greatest:e} cannot be drawn: they are too large"
            )));
        }
        let margin = if greatest - least > largest * 1e-9 && largest > 1e-300 { 0.0 } else { largest.max(1e-9) * 0.5 };
        Ok(least - margin..greatest + margin)
    }

    fn line(&mut self, area: &Area<'_>, len: usize, dtype: &str) -> Result<(), Failure> {
        // The least and the greatest of each column, which are drawn as one line up and down.
        let columns = len.clamp(1, COLUMNS);
        let mut extremes = vec![None; columns];
        self.each(len, |position, number| {
            let column: &mut Option<(f64, f64)> = &mut extremes[scaled(position, len, columns)];
            let (least, greatest) = column.unwrap_or((number, number));
            *column = Some((least.min(number), greatest.max(number)));
        })?;
        let range = self.range()?;
        let (upper, lower) = area.split_vertically(HEIGHT * 3 / 5);
        let start = self.start;
        let mut chart = ChartBuilder::on(&upper)
            .caption(format!("{len} x {dtype}"), ("sans-serif", 20))
            .margin(12)
            .margin_right(40)
            .x_label_area_size(45)
            .y_label_area_size(100)
            .build_cartesian_2d(start..start + (len as f64).max(1.0), range.clone())
            .map_err(undrawn)?;
        let mut mesh = chart.configure_mesh();
        mesh.light_line_style(TRANSPARENT).x_desc("index").y_desc("value");
        mesh.x_labels(len.clamp(2, 10)).x_label_formatter(&label).y_label_formatter(&label).draw().map_err(undrawn)?;
        let x = |column: usize| start + column as f64 * len as f64 / columns as f64;
        let points = extremes.iter().enumerate().filter_map(|(column, range)| Some((x(column), (*range)?)));
        let points = points.flat_map(|(x, (least, greatest))| [(x, least), (x, greatest)]);
        chart.draw_series(LineSeries::new(points, &BLUE)).map_err(undrawn)?;

        let mut counts = [0_u64; BARS];
        let (first, width) = (range.start, (range.end - range.start) / BARS as f64);
        self.each(len, |_, number| counts[(((number - first) / width) as usize).min(BARS - 1)] += 1)?;
        let most = counts.iter().copied().max().unwrap_or(0).max(1) as f64;
        let mut chart = ChartBuilder::on(&lower)
            .margin(12)
            .margin_right(40)
            .x_label_area_size(45)
            .y_label_area_size(100)
            .build_cartesian_2d(range, 0.0..most * 1.05)
            .map_err(undrawn)?;
        let mut mesh = chart.configure_mesh();
        mesh.light_line_style(TRANSPARENT).x_desc("value").y_desc("count");
        mesh.x_label_formatter(&label).y_label_formatter(&label).draw().map_err(undrawn)?;
        let bar = |(index, &count): (usize, &u64)| {
            let left = first + index as f64 * width;
            Rectangle::new([(left, 0.0), (left + width, count as f64)], BLUE.mix(0.6).filled())
        };
        chart.draw_series(counts.iter().enumerate().map(bar)).map_err(undrawn)?;
        Ok(())
    }

    fn image(&mut self, area: &Area<'_>, height: usize, width: usize, dtype: &str) -> Result<(), Failure> {
        // The mean of each cell.
        let (rows, columns) = (height.clamp(1, CELLS), width.clamp(1, CELLS));
        let mut cells = vec![(0.0, 0_u64); rows * columns];
        self.each(height.saturating_mul(width), |position, number| {
            let cell = scaled(position / width, height, rows) * columns + scaled(position % width, width, columns);
            cells[cell].0 += number;
            cells[cell].1 += 1;
        })?;
        let range = self.range()?;
        let start = self.start;
        let (across, down) = ((width as f64).max(1.0), (height as f64).max(1.0));
        // What there is besides labels and margins, of which the image takes what its shape allows.
        let (room_across, room_down) = (f64::from(WIDTH - SCALE) - 124.0, f64::from(HEIGHT) - 100.0);
        let oblong = (across / down).clamp(1.0 / MOST_OBLONG, MOST_OBLONG);
        let unused = (room_across - room_down * oblong).max(0.0) as u32;
        let unused_below = (room_down - room_across / oblong).max(0.0) as u32;
        let (whole, scale) = area.split_horizontally(WIDTH - SCALE - unused);
        let (scale, _) = scale.split_horizontally(SCALE);
        let mut chart = ChartBuilder::on(&whole)
            .caption(format!("{height} x {width} x {dtype}"), ("sans-serif", 20))
            .margin(12)
            .margin_bottom(12 + unused_below)
            .x_label_area_size(45)
            .y_label_area_size(100)
            // The first row is the uppermost.
            .build_cartesian_2d(0.0..across, start + down..start)
            .map_err(undrawn)?;
        let mut mesh = chart.configure_mesh();
        mesh.disable_mesh().x_desc("column").y_desc("row").x_label_formatter(&label).y_label_formatter(&label);
        mesh.x_labels(width.clamp(2, 8)).y_labels(height.clamp(2, 10)).draw().map_err(undrawn)?;
        let cell = |(index, &(sum, count)): (usize, &(f64, u64))| {
            let (row, column) = ((index / columns) as f64, (index % columns) as f64);
            let at = |row: f64, column: f64| (column * across / columns as f64, start + row * down / rows as f64);
            let mean = (sum / count as f64 - range.start) / (range.end - range.start);
            let color = if count == 0 { WHITE } else { ViridisRGB::get_color(mean as f32) };
            Rectangle::new([at(row, column), at(row + 1.0, column + 1.0)], color.filled())
        };
        chart.draw_series(cells.iter().enumerate().map(cell)).map_err(undrawn)?;

        let mut chart = ChartBuilder::on(&scale)
            .margin(12)
            .margin_top(39)
            .margin_bottom(57 + unused_below)
            .y_label_area_size(SCALE - 40)
            .build_cartesian_2d(0.0..1.0, range.clone())
            .map_err(undrawn)?;
        let mut mesh = chart.configure_mesh();
        mesh.disable_mesh().disable_x_axis().label_style(("sans-serif", 13)).y_label_formatter(&label);
        mesh.set_tick_mark_size(LabelAreaPosition::Left, 5).y_labels(if unused_below > 200 { 4 } else { 10 });
        mesh.draw().map_err(undrawn)?;
        let step = (range.end - range.start) / SHADES as f64;
        let shade = |index: usize| {
            let low = range.start + index as f64 * step;
            let color = ViridisRGB::get_color(index as f32 / SHADES as f32);
            Rectangle::new([(0.0, low), (1.0, low + step)], color.filled())
        };
        chart.draw_series((0..SHADES).map(shade)).map_err(undrawn)?;
        Ok(())
    }
}

/// A number at an axis, without digits that say nothing.
fn label(number: &f64) -> String {
    // Steps of a tenth add up to a little more or less.
    let rounded: f64 = format!("{number:.11e}").parse().unwrap_or(*number);
    match rounded.abs() {
        0.0 => "0".into(),
        1e-4..1e9 => rounded.to_string(),
        _ => format!("{rounded:e}"),
    }
}

/// The cell of so many into which a position of so many falls.
fn scaled(position: usize, len: usize, cells: usize) -> usize {
    let len = len.max(1);
    match position.checked_mul(cells) {
        Some(product) => product / len,
        None => (position as u128 * cells as u128 / len as u128) as usize,
    }
}

impl Elements<'_> {
    /// The numbers of so many items, or of one field of them, converted together; `None`, and nothing is read, where they
    /// have to be taken one by one.
    fn piece(&mut self, dtype: &DType, field: Option<&str>, count: usize) -> Result<Option<Vec<f64>>, Failure> {
        let leaf = field.map_or(Ok(dtype), |path| find_field(dtype, path))?;
        let element = if let Kind::Array { element, .. } = leaf.kind() { element } else { leaf };
        let number = matches!(
            element.kind(),
            Kind::Bool | Kind::Int { .. } | Kind::UInt { .. } | Kind::Float { size: 2 | 4 | 8, .. }
        );
        if !number || dtype.itemsize() > PIECE {
            return Ok(None);
        }
        let bytes = self.items(count * dtype.itemsize())?;
        let view = DynView::from_bytes(bytes, dtype, count)?;
        let view = field.map_or_else(|| Ok(view.clone()), |path| view.field(path))?;
        Ok(Some(view.to_vec_as()?))
    }

    /// The numbers of an item, or of one field of it.
    fn numbers(&mut self, dtype: &DType, field: Option<&str>, take: &mut impl FnMut(f64)) -> Result<(), Failure> {
        match (dtype.kind(), field.and_then(|path| step(dtype, path))) {
            (Kind::Array { element, shape: axes }, _) => {
                (0..axes.iter().product()).try_for_each(|_| self.numbers(element, field, take))
            }
            (_, Some((found, inner))) => {
                self.skip(found.offset)?;
                self.numbers(&found.dtype, inner, take)?;
                Ok(self.skip(dtype.itemsize() - found.offset - found.dtype.itemsize())?)
            }
            (Kind::Bool | Kind::Int { .. } | Kind::UInt { .. } | Kind::Float { size: 2 | 4 | 8, .. }, None) => {
                take(self.value(dtype)?.as_f64().unwrap_or(f64::NAN));
                Ok(())
            }
            (Kind::DateTime64 { .. } | Kind::TimeDelta64 { .. }, None) => {
                take(match self.value(dtype)? {
                    Value::DateTime64(i64::MIN, ..) | Value::TimeDelta64(i64::MIN, ..) => f64::NAN,
                    Value::DateTime64(count, ..) | Value::TimeDelta64(count, ..) => count as f64,
                    _ => f64::NAN,
                });
                Ok(())
            }
            (Kind::Record { fields }, None) => {
                let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).take(20).collect();
                Err(Failure::new(format!("records cannot be drawn, but a field of numbers: --field, one of {names:?}")))
            }
            _ => Err(Failure::new(format!("elements of {dtype} are no numbers, and cannot be drawn"))),
        }
    }
}
