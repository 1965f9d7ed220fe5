//! The numbers of an array, one after another, which can be read several times.

use crate::Failure;
use crate::elements::{Elements, find_field, step};
use crate::source::Source;
use mmap_array::dtype::{Kind, TimeUnit};
use mmap_array::dynamic::Value;
use mmap_array::{DType, DynView};
use std::ops::Range;

/// The number of bytes of items that are converted together.
const PIECE: usize = 1 << 16;

/// The numbers of an array, which can be read several times.
pub(super) struct Numbers<'a> {
    source: &'a Source,
    rows: Option<Range<usize>>,
    field: Option<&'a str>,
    /// The dtype of the numbers, without the axes of subarrays.
    pub(super) dtype: &'a DType,
    /// The smallest and the largest of the finite numbers that [`each`](Self::each) has read.
    pub(super) least: f64,
    pub(super) greatest: f64,
    /// The number of values that are not finite.
    missing: u64,
}

impl<'a> Numbers<'a> {
    /// Returns the numbers of some rows, or of one field of them, and the lengths of their axes.
    pub(super) fn of(
        source: &'a Source,
        rows: Option<Range<usize>>,
        field: Option<&'a str>,
    ) -> Result<(Self, Vec<usize>), Failure> {
        let mut shape = source.shape.clone();
        if let (Some(len), Some(rows)) = (shape.first_mut(), &rows) {
            *len = rows.len();
        }
        push_axes(&source.dtype, field, &mut shape);
        let mut dtype = field.map_or(Ok(&source.dtype), |path| find_field(&source.dtype, path))?;
        while let Kind::Array { element, .. } = dtype.kind() {
            dtype = element;
        }
        match dtype.kind() {
            Kind::Bool | Kind::Int { .. } | Kind::UInt { .. } | Kind::Float { size: 2 | 4 | 8, .. } => {}
            Kind::Complex { size: 8 | 16, .. } | Kind::DateTime64 { .. } | Kind::TimeDelta64 { .. } => {}
            Kind::Record { fields } => {
                let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).take(20).collect();
                return Err(Failure::new(format!(
                    "records cannot be drawn; choose a field of numbers by --field, one of {names:?}"
                )));
            }
            Kind::Float { .. } => return Err(Failure::new(format!("floats of {dtype} are not drawn"))),
            _ => return Err(Failure::new(format!("elements of {dtype} are no numbers, and cannot be drawn"))),
        }
        let (least, greatest) = (f64::INFINITY, f64::NEG_INFINITY);
        Ok((Self { source, rows, field, dtype, least, greatest, missing: 0 }, shape))
    }

    /// Returns the name of the values, which describes their axis.
    pub(super) fn what(&self) -> &'static str {
        match self.dtype.kind() {
            Kind::Complex { .. } => "magnitude",
            Kind::DateTime64 { .. } => "time",
            _ => "value",
        }
    }

    /// Returns the caption of a picture of an array with this shape.
    pub(super) fn caption(&self, shape: &[usize]) -> String {
        let mut text = self.field.map_or_else(String::new, |field| format!("{field}: "));
        shape.iter().for_each(|len| text.push_str(&format!("{len} x ")));
        text.push_str(&self.dtype.to_string());
        if self.missing > 0 {
            let what = if self.is_time() { "NaT" } else { "not finite" };
            text.push_str(&format!(", {} {what}", self.missing));
        }
        if let (Kind::DateTime64 { unit, count, .. }, true) = (self.dtype.kind(), self.least.is_finite()) {
            let first = Value::DateTime64(self.least as i64, *unit, *count).to_string();
            text.push_str(&format!(", from {}", first.split('T').next().unwrap_or_default()));
        }
        text
    }

    /// Calls `f` with the position and the value of each finite number, in C order.
    pub(super) fn each(&mut self, len: usize, mut f: impl FnMut(usize, f64)) -> Result<(), Failure> {
        let mut elements = Elements::new(self.source, self.rows.clone())?;
        let mut position = 0;
        let (mut least, mut greatest) = (f64::INFINITY, f64::NEG_INFINITY);
        let mut missing = 0;
        let mut take = |number: f64| {
            missing += u64::from(!number.is_finite());
            if number.is_finite() {
                (least, greatest) = (least.min(number), greatest.max(number));
                f(position, number);
            }
            position += 1;
        };
        let (dtype, field) = (&self.source.dtype, self.field);
        let items = self.source.shape.get(1..).unwrap_or_default().iter().product::<usize>()
            * self.rows.as_ref().map_or(1, |rows| rows.len());
        let mut left = if len == 0 { 0 } else { items };
        while left > 0 {
            let count = left.min((PIECE / dtype.itemsize().max(1)).max(1));
            match self.piece(&mut elements, count)? {
                Some(numbers) => numbers.into_iter().for_each(&mut take),
                None => (0..count).try_for_each(|_| elements.numbers(dtype, field, &mut take))?,
            }
            left -= count;
        }
        (self.least, self.greatest, self.missing) = (least, greatest, missing);
        Ok(())
    }

    /// Returns the numbers of the next `count` items, or of one field of them, converted together. If they have to be
    /// converted one by one, reads nothing and returns `None`.
    fn piece(&self, elements: &mut Elements<'_>, count: usize) -> Result<Option<Vec<f64>>, Failure> {
        let (dtype, is_time) = (&self.source.dtype, self.is_time());
        if is_time || dtype.itemsize() > PIECE {
            return Ok(None);
        }
        let bytes = elements.items(count * dtype.itemsize())?;
        let view = DynView::from_bytes(bytes, dtype, count)?;
        let view = self.field.map_or_else(|| Ok(view.clone()), |path| view.field(path))?;
        if !matches!(self.dtype.kind(), Kind::Complex { .. }) {
            return Ok(Some(view.to_vec_as()?));
        }
        let (re, im) = (view.re()?.to_vec_as::<f64>()?, view.im()?.to_vec_as::<f64>()?);
        Ok(Some(re.into_iter().zip(im).map(|(re, im)| re.hypot(im)).collect()))
    }

    fn is_time(&self) -> bool {
        matches!(self.dtype.kind(), Kind::DateTime64 { .. } | Kind::TimeDelta64 { .. })
    }

    /// Returns the range of the values, which is neither empty nor so narrow that an axis has no labels.
    pub(super) fn range(&self) -> Result<Range<f64>, Failure> {
        let (least, greatest) = if self.least > self.greatest { (0.0, 1.0) } else { (self.least, self.greatest) };
        let largest = greatest.abs().max(least.abs());
        if largest > 1e300 {
            return Err(Failure::new(format!(
                "numbers from {least:e} to {greatest:e} cannot be drawn: they are too large"
            )));
        }
        let margin = if greatest - least > largest * 1e-12 && largest > 1e-300 { 0.0 } else { largest.max(1e-9) * 0.5 };
        Ok(least - margin..greatest + margin)
    }

    /// Returns a function that formats the labels of an axis of values with this range.
    pub(super) fn label(&self, range: &Range<f64>) -> impl Fn(&f64) -> String + use<> {
        let time = match *self.dtype.kind() {
            Kind::DateTime64 { unit, count, .. } if unit != TimeUnit::Generic => Some((unit, count)),
            _ => None,
        };
        // Within some days, the times of the day too.
        let days = time.map_or(0.0, |(unit, count)| (range.end - range.start) * f64::from(count) * days(unit));
        move |number| match time {
            None => label(number),
            Some((unit, count)) => date(&Value::DateTime64(*number as i64, unit, count).to_string(), days),
        }
    }
}

/// Returns the approximate number of days in a unit of time.
fn days(unit: TimeUnit) -> f64 {
    match unit {
        TimeUnit::Year => 365.0,
        TimeUnit::Month => 30.0,
        TimeUnit::Week => 7.0,
        TimeUnit::Day => 1.0,
        TimeUnit::Hour => 1.0 / 24.0,
        TimeUnit::Minute => 1.0 / 1440.0,
        TimeUnit::Second => 1.0 / 86_400.0,
        TimeUnit::Millisecond => 1e-3 / 86_400.0,
        TimeUnit::Microsecond => 1e-6 / 86_400.0,
        TimeUnit::Nanosecond => 1e-9 / 86_400.0,
        TimeUnit::Picosecond => 1e-12 / 86_400.0,
        TimeUnit::Femtosecond => 1e-15 / 86_400.0,
        _ => 1e-18 / 86_400.0,
    }
}

/// Formats a time as a label of an axis that spans `days` days.
fn date(text: &str, days: f64) -> String {
    match text.split_once('T') {
        Some((date, _)) if days > 400.0 => date.to_owned(),
        Some((date, time)) if days > 2.0 => format!("{date} {}", time.get(..5).unwrap_or(time)),
        Some((_, time)) if days > 1e-3 => time.get(..8).unwrap_or(time).to_owned(),
        Some((_, time)) => time.to_owned(),
        None => text.to_owned(),
    }
}

/// Formats a number as a label of an axis, without digits that come from rounding.
pub(super) fn label(number: &f64) -> String {
    // Steps of a tenth add up to a little more or less.
    let rounded: f64 = format!("{number:.11e}").parse().unwrap_or(*number);
    match rounded.abs() {
        0.0 => "0".into(),
        1e-4..1e9 => rounded.to_string(),
        _ => format!("{rounded:e}"),
    }
}

/// Adds the axes of the subarrays on the way to a field, and the field's own axes.
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

impl Elements<'_> {
    /// Calls `take` with each number of the next item, or of one field of it.
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
            (_, None) => {
                take(match self.value(dtype)? {
                    Value::DateTime64(i64::MIN, ..) | Value::TimeDelta64(i64::MIN, ..) => f64::NAN,
                    Value::DateTime64(count, ..) | Value::TimeDelta64(count, ..) => count as f64,
                    Value::ComplexF32([re, im]) => f64::from(re).hypot(im.into()),
                    Value::ComplexF64([re, im]) => re.hypot(im),
                    value => value.as_f64().unwrap_or(f64::NAN),
                });
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_times_have_what_tells_them_apart() {
        let text = "2020-03-05T12:34:56.789";
        let labels = [1000.0, 100.0, 0.5, 1e-6].map(|days| date(text, days));
        assert_eq!(labels, ["2020-03-05", "2020-03-05 12:34", "12:34:56", "12:34:56.789"]);
        assert_eq!(date("1999", 4000.0), "1999");
        assert_eq!([0.1 + 0.2, 1e10, 0.0, 123.0].map(|number| label(&number)), ["0.3", "1e10", "0", "123"]);
    }
}
