//! A matrix as an image: a shade for each value, with a scale beside the image, or three channels as colors.

use super::numbers::{Numbers, label};
use super::{Area, CAPTION, HEIGHT, LABEL, WIDTH, scaled, undrawn};
use crate::Failure;
use mmap_array::dtype::Kind;
use plotters::prelude::*;

/// The largest number of cells of an image along an axis.
const CELLS: usize = 400;

/// The largest ratio between the sides of an image. Up to this ratio, an image has the proportions of the array; beyond
/// it, the cells are not square, so that the labels of both axes have space.
const MOST_OBLONG: f64 = 2.5;

/// The space around an image, in pixels: for the labels beside and below it, and for margins.
const BESIDE: u32 = 100;
const BELOW: u32 = 48;
const MARGIN: u32 = 12;
const ABOVE: u32 = 27;

/// The width of the scale beside an image, in pixels, and the number of shades in it.
const SCALE: u32 = 190;
const SHADES: usize = 200;

/// The cells of an image and the space that it leaves free. An image is as large as its shape allows.
struct Place {
    rows: usize,
    columns: usize,
    /// The space that stays free on the right and below, in pixels.
    right: u32,
    below: u32,
}

impl Place {
    fn new(height: usize, width: usize, beside: u32) -> Self {
        let across = f64::from(WIDTH - beside - BESIDE - 2 * MARGIN);
        let down = f64::from(HEIGHT - BELOW - 2 * MARGIN - ABOVE);
        let oblong = (width.max(1) as f64 / height.max(1) as f64).clamp(1.0 / MOST_OBLONG, MOST_OBLONG);
        Self {
            rows: height.clamp(1, CELLS),
            columns: width.clamp(1, CELLS),
            right: (across - down * oblong).max(0.0) as u32,
            below: (down - across / oblong).max(0.0) as u32,
        }
    }

    /// Returns the size of the picture.
    fn size(&self) -> (u32, u32) {
        (WIDTH - self.right, HEIGHT - self.below)
    }

    fn cell(&self, row: usize, height: usize, column: usize, width: usize) -> usize {
        scaled(row, height, self.rows) * self.columns + scaled(column, width, self.columns)
    }

    /// Draws the cells and the axes.
    fn draw(
        &self,
        area: &Area<'_>,
        caption: &str,
        [height, width]: [usize; 2],
        start: f64,
        color: impl Fn(usize) -> RGBColor,
    ) -> Result<(), Failure> {
        let (across, down) = ((width as f64).max(1.0), (height as f64).max(1.0));
        let mut chart = ChartBuilder::on(area)
            .caption(caption, ("sans-serif", CAPTION))
            .margin(MARGIN)
            .margin_bottom(MARGIN + self.below)
            .x_label_area_size(BELOW)
            .y_label_area_size(BESIDE)
            // The first row is the uppermost.
            .build_cartesian_2d(0.0..across, start + down..start)
            .map_err(undrawn)?;
        // A label takes some ten pixels for each digit.
        let (pixels, _) = chart.plotting_area().dim_in_pixel();
        let digits = label(&across).len() as u32 + 2;
        let most = (pixels / (10 * digits)).clamp(2, 8) as usize;
        let mut mesh = chart.configure_mesh();
        mesh.disable_mesh().x_desc("column").y_desc("row").label_style(("sans-serif", LABEL));
        mesh.x_label_formatter(&label).y_label_formatter(&label);
        mesh.x_labels(width.clamp(2, most)).y_labels(height.clamp(2, 10)).draw().map_err(undrawn)?;
        let cell = |index: usize| {
            let (row, column) = ((index / self.columns) as f64, (index % self.columns) as f64);
            let x = |column: f64| column * across / self.columns as f64;
            let y = |row: f64| start + row * down / self.rows as f64;
            Rectangle::new([(x(column), y(row)), (x(column + 1.0), y(row + 1.0))], color(index).filled())
        };
        chart.draw_series((0..self.rows * self.columns).map(cell)).map_err(undrawn)?;
        Ok(())
    }
}

impl Numbers<'_> {
    /// Draws the image and its scale, and returns the size of the picture.
    pub(super) fn image(
        &mut self,
        area: &Area<'_>,
        height: usize,
        width: usize,
        start: f64,
    ) -> Result<(u32, u32), Failure> {
        let place = Place::new(height, width, SCALE);
        // The mean of each cell.
        let mut cells = vec![(0.0, 0_u64); place.rows * place.columns];
        self.each(height.saturating_mul(width), |position, number| {
            let cell = place.cell(position / width, height, position % width, width);
            cells[cell].0 += number;
            cells[cell].1 += 1;
        })?;
        let range = self.range()?;
        let labelled = self.label(&range);
        let (whole, scale) = area.split_horizontally(WIDTH - SCALE - place.right);
        let (scale, _) = scale.split_horizontally(SCALE);
        let caption = self.caption(&[height, width]);
        place.draw(&whole, &caption, [height, width], start, |cell| {
            let (sum, count) = cells[cell];
            let mean = (sum / count as f64 - range.start) / (range.end - range.start);
            if count == 0 { WHITE } else { ViridisRGB::get_color(mean as f32) }
        })?;

        let mut chart = ChartBuilder::on(&scale)
            .margin(MARGIN)
            .margin_top(MARGIN + ABOVE)
            .margin_bottom(MARGIN + BELOW + place.below)
            .right_y_label_area_size(SCALE - 50)
            .build_cartesian_2d(0.0..1.0, range.clone())
            .map_err(undrawn)?;
        let mut chart = {
            let step = (range.end - range.start) / SHADES as f64;
            let shade = |index: usize| {
                let low = range.start + index as f64 * step;
                let color = ViridisRGB::get_color(index as f32 / SHADES as f32);
                Rectangle::new([(0.0, low), (1.0, low + step)], color.filled())
            };
            chart.draw_series((0..SHADES).map(shade)).map_err(undrawn)?;
            chart.set_secondary_coord(0.0..1.0, range)
        };
        let mut mesh = chart.configure_secondary_axes();
        mesh.label_style(("sans-serif", LABEL)).y_label_formatter(&labelled);
        mesh.set_all_tick_mark_size(4).y_labels(if place.below > 200 { 5 } else { 10 }).x_labels(0);
        mesh.draw().map_err(undrawn)?;
        Ok(place.size())
    }

    /// Returns whether `channels` numbers are a color: three unsigned integers of 8 or 16 bits, four with opacity, or
    /// three floats, which must be from 0 to 1.
    pub(super) fn are_colors(&self, channels: usize) -> bool {
        match self.dtype.kind() {
            Kind::UInt { size: 1 | 2, .. } => matches!(channels, 3 | 4),
            Kind::Float { .. } => channels == 3,
            _ => false,
        }
    }

    /// Draws three channels as red, green and blue, and a fourth as opacity over white. Returns the size of the
    /// picture.
    pub(super) fn colors(
        &mut self,
        area: &Area<'_>,
        [height, width, channels]: [usize; 3],
        start: f64,
    ) -> Result<(u32, u32), Failure> {
        let place = Place::new(height, width, 0);
        let most = match self.dtype.kind() {
            Kind::UInt { size: 1, .. } => 255.0,
            Kind::UInt { .. } => 65535.0,
            _ => 1.0,
        };
        let mut cells = vec![([0.0; 4], [0_u64; 4]); place.rows * place.columns];
        self.each(height.saturating_mul(width).saturating_mul(channels), |position, number| {
            let (pixel, channel) = (position / channels, position % channels);
            let (sums, count) = &mut cells[place.cell(pixel / width, height, pixel % width, width)];
            sums[channel] += (number / most).clamp(0.0, 1.0);
            count[channel] += 1;
        })?;
        if most == 1.0 && (self.least < 0.0 || self.greatest > 1.0) {
            let (least, greatest) = (self.least, self.greatest);
            return Err(Failure::new(format!(
                "three floats are drawn as a color from 0 to 1, but these are from {least} to {greatest}; \
                 --rows selects one row, drawn as an image without colors, or rows within that range"
            )));
        }
        let caption = self.caption(&[height, width, channels]);
        let (whole, _) = area.split_horizontally(WIDTH - place.right);
        place.draw(&whole, &caption, [height, width], start, |cell| {
            let (sums, count) = cells[cell];
            let mean: [f64; 4] = std::array::from_fn(|channel| sums[channel] / count[channel].max(1) as f64);
            let opacity = if channels == 4 { mean[3] } else { 1.0 };
            let [red, green, blue] =
                [0, 1, 2].map(|channel| (255.0 * (mean[channel] * opacity + 1.0 - opacity)).round() as u8);
            if count == [0; 4] { WHITE } else { RGBColor(red, green, blue) }
        })?;
        Ok(place.size())
    }
}
