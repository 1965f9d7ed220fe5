//! A line of values over their indices, and below it their histogram.

use super::numbers::{Numbers, label};
use super::{Area, CAPTION, HEIGHT, LABEL, WIDTH, scaled, undrawn};
use crate::Failure;
use plotters::prelude::*;

/// The largest number of columns of a line, which is about as many pixels wide.
const COLUMNS: usize = 800;

/// The number of bars in a histogram.
const BARS: usize = 60;

/// The space beside an axis for its labels, in pixels.
const BESIDE: u32 = 150;
const BELOW: u32 = 48;

impl Numbers<'_> {
    /// Draws the line and the histogram, and returns the size of the picture.
    pub(super) fn line(&mut self, area: &Area<'_>, len: usize, start: f64) -> Result<(u32, u32), Failure> {
        // The least and the greatest of each column, which are drawn as one line up and down.
        let columns = len.clamp(1, COLUMNS);
        let mut extremes = vec![None; columns];
        self.each(len, |position, number| {
            let column: &mut Option<(f64, f64)> = &mut extremes[scaled(position, len, columns)];
            let (least, greatest) = column.unwrap_or((number, number));
            *column = Some((least.min(number), greatest.max(number)));
        })?;
        let range = self.range()?;
        let (what, labelled) = (self.what(), self.label(&range));
        let (upper, lower) = area.split_vertically(HEIGHT * 3 / 5);
        let mut chart = ChartBuilder::on(&upper)
            .caption(self.caption(&[len]), ("sans-serif", CAPTION))
            .margin(12)
            .margin_right(60)
            .x_label_area_size(BELOW)
            .y_label_area_size(BESIDE)
            .build_cartesian_2d(start..start + (len as f64).max(1.0), range.clone())
            .map_err(undrawn)?;
        let mut mesh = chart.configure_mesh();
        mesh.light_line_style(TRANSPARENT).x_desc("index").y_desc(what).label_style(("sans-serif", LABEL));
        mesh.x_labels(len.clamp(2, 10)).y_labels(8).x_label_formatter(&label).y_label_formatter(&labelled);
        mesh.draw().map_err(undrawn)?;
        let x = |column: usize| start + column as f64 * len as f64 / columns as f64;
        // A line for each run of columns that have a number.
        for run in (0..columns).collect::<Vec<_>>().split(|&column| extremes[column].is_none()) {
            let points = run.iter().filter_map(|&column| Some((column, extremes[column]?)));
            let mut points: Vec<_> =
                points.flat_map(|(column, (least, greatest))| [(x(column), least), (x(column), greatest)]).collect();
            // One alone is a dot, or as wide as its column, which is a pixel wide.
            if let ([column], Some(&(_, value))) = (run, points.last()) {
                if columns == len {
                    let dot = Circle::new((x(*column), value), 3, BLUE.filled());
                    chart.draw_series([dot]).map_err(undrawn)?;
                    continue;
                }
                points.push((x(column + 1), value));
            }
            chart.draw_series(LineSeries::new(points, &BLUE)).map_err(undrawn)?;
        }

        let mut counts = [0_u64; BARS];
        let (first, width) = (range.start, (range.end - range.start) / BARS as f64);
        self.each(len, |_, number| counts[(((number - first) / width) as usize).min(BARS - 1)] += 1)?;
        let most = counts.iter().copied().max().unwrap_or(0).max(1) as f64;
        let longest = [range.start, range.end].map(|number| labelled(&number).len()).into_iter().max().unwrap_or(0);
        let mut chart = ChartBuilder::on(&lower)
            .margin(12)
            .margin_right(60)
            .x_label_area_size(BELOW)
            .y_label_area_size(BESIDE)
            .build_cartesian_2d(range, 0.0..most * 1.05)
            .map_err(undrawn)?;
        let mut mesh = chart.configure_mesh();
        mesh.light_line_style(TRANSPARENT).x_desc(what).y_desc("count").label_style(("sans-serif", LABEL));
        mesh.x_labels(if longest > 9 { 5 } else { 10 }).y_labels(6);
        mesh.x_label_formatter(&labelled).y_label_formatter(&label).draw().map_err(undrawn)?;
        let bar = |(index, &count): (usize, &u64)| {
            let left = first + index as f64 * width;
            Rectangle::new([(left, 0.0), (left + width, count as f64)], BLUE.mix(0.6).filled())
        };
        chart.draw_series(counts.iter().enumerate().map(bar)).map_err(undrawn)?;
        Ok((WIDTH, HEIGHT))
    }
}
