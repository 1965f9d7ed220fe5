//! Statistics of each field, computed in one pass over the file.

use super::Failure;
use super::elements::{Elements, find_field};
use super::number::{write_f32, write_f64, write_int};
use super::source::Source;
use mmap_array::dtype::{Kind, RecordField, TimeUnit};
use mmap_array::dynamic::Value;
use mmap_array::element::LongDouble;
use mmap_array::{DType, DynView};
use std::io::{self, Write};
use std::ops::Range;

/// The number of bytes that are read and processed at once.
const PIECE: usize = 1 << 20;

/// The number of elements that are converted at once.
const RUN: usize = 1 << 14;

/// The number of values that are added without compensation: as many as NumPy adds without pairwise summation.
const FEW: usize = 128;

/// The statistics of all fields of an array.
pub(crate) struct Stats {
    columns: Vec<Column>,
}

/// The statistics of one field.
struct Column {
    name: String,
    /// The dtype of the elements with no other field than this one, or of elements without fields.
    part: DType,
    dtype: DType,
    summary: Summary,
}

/// The statistics of the values of a field that have been seen.
enum Summary {
    Int {
        min: i64,
        max: i64,
        sum: i128,
        count: u64,
    },
    UInt {
        min: u64,
        max: u64,
        sum: u128,
        count: u64,
    },
    Float(Floats),
    /// `long double`s: their minimum, maximum and number of infinities are exact, and `floats` are the nearest `f64`s.
    Long {
        extremes: Option<[LongDouble; 2]>,
        inf: u64,
        floats: Floats,
    },
    /// The real and the imaginary parts of complex numbers, and the minimum and maximum in lexicographic order.
    Complex {
        extremes: Option<[[f64; 2]; 2]>,
        re: Floats,
        im: Floats,
    },
    Time {
        min: i64,
        max: i64,
        sum: i128,
        count: u64,
        nat: u64,
    },
    /// Elements that are not numbers, which are only counted.
    Other {
        count: u64,
    },
}

struct Floats {
    count: u64,
    nan: u64,
    inf: u64,
    min: f64,
    max: f64,
    /// The sum and its rounding error, as in Neumaier's summation.
    sum: f64,
    rest: f64,
}

impl Stats {
    /// Computes the statistics of some rows of an array, or of one field of them.
    pub(crate) fn of(source: &Source, rows: Option<Range<usize>>, field: Option<&str>) -> Result<Self, Failure> {
        source.check(rows.as_ref())?;
        let mut columns = Vec::new();
        let mut leaf = field.map_or(Ok(&source.dtype), |path| find_field(&source.dtype, path))?;
        // The axes of subarrays are the view's.
        while let Kind::Array { element, .. } = leaf.kind() {
            leaf = element;
        }
        push_columns(leaf, field.unwrap_or(""), &|leaf| leaf, &mut columns)?;
        if source.nbytes == 0 {
            // There may be very many elements of no bytes, and are none of others.
            let count = source.shape.iter().skip(1).fold(1_u64, |count, &len| count.saturating_mul(len as u64));
            let count = count.saturating_mul(rows.map_or(1, |rows| rows.len() as u64));
            for column in &mut columns {
                if let Summary::Other { count: of } = &mut column.summary {
                    *of = count;
                }
            }
            return Ok(Self { columns });
        }
        let mut buffers = Buffers::default();
        let mut take = |view: &DynView<'_>| {
            let view = field.map_or_else(|| Ok(view.view()), |path| view.field(path))?;
            columns.iter_mut().try_for_each(|column| column.take(&view, &mut buffers))
        };
        let others = source.shape.get(1..).unwrap_or_default().iter().product::<usize>();
        let all = source.shape.first().copied().unwrap_or(1);
        let rows = rows.unwrap_or(0..1);
        let mut left = rows.len() * others;
        let mut elements = match rows.len() == all {
            true => Elements::stored(source)?,
            false => Elements::new(source, Some(rows))?,
        };
        while left > 0 {
            let count = left.min((PIECE / source.dtype.itemsize()).max(1));
            take(&DynView::from_bytes(elements.items(count * source.dtype.itemsize())?, &source.dtype, count)?)?;
            left -= count;
        }
        Ok(Self { columns })
    }

    /// Writes a table with a line for each field.
    pub(crate) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let mut lines = vec![["field", "dtype", "count", "nan", "inf", "min", "max", "mean"].map(str::to_owned)];
        for column in &self.columns {
            lines.push(column.cells()?);
        }
        // Without fields, there is nothing to name.
        let first = usize::from(matches!(&self.columns[..], [column] if column.name.is_empty()));
        let width = |cell: usize| lines.iter().map(|line| line[cell].chars().count()).max().unwrap_or(0);
        let widths: [usize; 8] = std::array::from_fn(width);
        for line in &lines {
            for cell in first..8 {
                let (text, width) = (&line[cell], widths[cell]);
                match cell {
                    _ if cell == first => write!(out, "{text:<width$}")?,
                    1 => write!(out, "  {text:<width$}")?,
                    _ => write!(out, "  {text:>width$}")?,
                }
            }
            writeln!(out)?;
        }
        Ok(())
    }
}

/// Adds a column for each scalar in an element. `within` returns the dtype of an element with no other part than the
/// given one.
fn push_columns(
    dtype: &DType,
    name: &str,
    within: &dyn Fn(DType) -> DType,
    columns: &mut Vec<Column>,
) -> Result<(), Failure> {
    match dtype.kind() {
        Kind::Array { element, shape } => {
            let array = |inner: DType| DType::array(inner, shape.clone());
            // A subarray of records is one of each of their fields.
            array((**element).clone())?;
            let within = |inner: DType| within(array(inner.clone()).unwrap_or(inner));
            push_columns(element, name, &within, columns)
        }
        Kind::Record { fields } => fields.iter().try_for_each(|field| {
            let size = dtype.itemsize();
            let record = |inner: DType| DType::record([RecordField::new("f", field.offset, inner)], size);
            let within = |inner: DType| within(record(inner.clone()).unwrap_or(inner));
            let joint = if name.is_empty() { "" } else { "." };
            push_columns(&field.dtype, &format!("{name}{joint}{}", super::one_line(&field.name)), &within, columns)
        }),
        kind => {
            let floats =
                || Floats { count: 0, nan: 0, inf: 0, min: f64::INFINITY, max: f64::NEG_INFINITY, sum: 0.0, rest: 0.0 };
            let summary = match kind {
                Kind::Bool | Kind::UInt { .. } => Summary::UInt { min: u64::MAX, max: 0, sum: 0, count: 0 },
                Kind::Int { .. } => Summary::Int { min: i64::MAX, max: i64::MIN, sum: 0, count: 0 },
                Kind::Float { size: 12 | 16, .. } => Summary::Long { extremes: None, inf: 0, floats: floats() },
                Kind::Float { .. } => Summary::Float(floats()),
                Kind::Complex { size: 8 | 16, .. } => Summary::Complex { extremes: None, re: floats(), im: floats() },
                Kind::DateTime64 { .. } | Kind::TimeDelta64 { .. } => {
                    Summary::Time { min: i64::MAX, max: i64::MIN, sum: 0, count: 0, nat: 0 }
                }
                _ => Summary::Other { count: 0 },
            };
            columns.push(Column { name: name.to_owned(), part: within(dtype.clone()), dtype: dtype.clone(), summary });
            Ok(())
        }
    }
}

#[derive(Default)]
struct Buffers {
    ints: Vec<i64>,
    uints: Vec<u64>,
    floats: Vec<f64>,
}

impl Column {
    /// Adds the field of some elements to its statistics.
    fn take(&mut self, view: &DynView<'_>, buffers: &mut Buffers) -> Result<(), Failure> {
        let mut view = view.view_as(&self.part)?;
        // Every record on the way to the field has it alone.
        while matches!(view.dtype().kind(), Kind::Record { .. }) {
            view = view.field("f")?;
        }
        self.summary.take(&view, &self.dtype, buffers)
    }

    fn cells(&self) -> io::Result<[String; 8]> {
        let text = |write: &dyn Fn(&mut Vec<u8>) -> io::Result<()>| {
            let mut out = Vec::new();
            write(&mut out)?;
            Ok::<_, io::Error>(String::from_utf8_lossy(&out).into_owned())
        };
        let float = |number: f64| match number {
            number if number.is_nan() => Ok("nan".into()),
            f64::INFINITY => Ok("inf".into()),
            f64::NEG_INFINITY => Ok("-inf".into()),
            number => text(&|out| write_f64(number, out)),
        };
        // A number of the field's own width.
        let narrow = |number: f64| match self.dtype.kind() {
            Kind::Float { size: 4, .. } if number.is_finite() => text(&|out| write_f32(number as f32, out)),
            Kind::Float { size: 2, .. } if number.is_finite() => Ok(Value::F16(number as f32).to_string()),
            _ => float(number),
        };
        let none = || "-".to_owned();
        let (count, nan, inf, [min, max, mean]) = match &self.summary {
            Summary::Int { count, .. } | Summary::UInt { count, .. } if *count == 0 => {
                (*count, none(), none(), [none(), none(), none()])
            }
            Summary::Int { min, max, sum, count } => {
                let mean = float(*sum as f64 / *count as f64)?;
                (*count, none(), none(), [text(&|out| write_int(*min, out))?, text(&|out| write_int(*max, out))?, mean])
            }
            Summary::UInt { min, max, sum, count } => {
                let mean = float(*sum as f64 / *count as f64)?;
                let shown = |number: u64| match self.dtype.kind() {
                    Kind::Bool => Ok(if number == 0 { "False" } else { "True" }.to_owned()),
                    _ => text(&|out| write_int(number, out)),
                };
                (*count, none(), none(), [shown(*min)?, shown(*max)?, mean])
            }
            Summary::Float(floats) => {
                let shown = match floats.count == floats.nan {
                    true => [none(), none(), none()],
                    false => [narrow(floats.min)?, narrow(floats.max)?, float(floats.mean())?],
                };
                (floats.count, floats.nan.to_string(), floats.inf.to_string(), shown)
            }
            Summary::Long { extremes, inf, floats } => {
                let mean = match floats.inf > *inf {
                    // A number that no `f64` is near to.
                    true => none(),
                    false => float(floats.mean())?,
                };
                let [min, max] =
                    extremes.map_or_else(|| [none(), none()], |both| both.map(|number| number.to_string()));
                let mean = if extremes.is_some() { mean } else { none() };
                (floats.count, floats.nan.to_string(), inf.to_string(), [min, max, mean])
            }
            Summary::Complex { extremes, re, im } => {
                let narrow = |[re, im]: [f64; 2]| match self.dtype.kind() {
                    Kind::Complex { size: 8, .. } => Value::ComplexF32([re as f32, im as f32]).to_string(),
                    _ => Value::ComplexF64([re, im]).to_string(),
                };
                let shown = match extremes {
                    None => [none(), none(), none()],
                    Some([min, max]) => {
                        [narrow(*min), narrow(*max), Value::ComplexF64([re.mean(), im.mean()]).to_string()]
                    }
                };
                (re.count, re.nan.to_string(), re.inf.to_string(), shown)
            }
            Summary::Time { min, max, sum, count, nat } => {
                let mean = || match self.dtype.kind() {
                    // Rounded towards zero, as NumPy does.
                    Kind::TimeDelta64 { .. } => self.time((*sum / i128::from(*count - *nat)) as i64),
                    // Points in time cannot be added.
                    _ => none(),
                };
                let shown = match count == nat {
                    true => [none(), none(), none()],
                    false => [self.time(*min), self.time(*max), mean()],
                };
                (*count, nat.to_string(), none(), shown)
            }
            Summary::Other { count } => (*count, none(), none(), [none(), none(), none()]),
        };
        Ok([self.name.clone(), self.dtype.to_string(), count.to_string(), nan, inf, min, max, mean])
    }

    fn time(&self, count: i64) -> String {
        match *self.dtype.kind() {
            Kind::DateTime64 { unit: TimeUnit::Generic, .. } => count.to_string(),
            Kind::DateTime64 { unit, count: spans_of, .. } => Value::DateTime64(count, unit, spans_of).to_string(),
            Kind::TimeDelta64 { unit, count: spans_of, .. } => Value::TimeDelta64(count, unit, spans_of).to_string(),
            _ => count.to_string(),
        }
    }
}

/// Calls `f` with parts of a view of at most [`RUN`] elements, in any order.
fn runs(view: &DynView<'_>, f: &mut impl FnMut(&DynView<'_>) -> Result<(), Failure>) -> Result<(), Failure> {
    if view.len() <= RUN {
        return if view.is_empty() { Ok(()) } else { f(view) };
    }
    // The longest axis of the outermost ones, so that what lies together stays so.
    let axis = view.shape().iter().position(|&len| len > 1).unwrap_or(0);
    let len = view.shape()[axis];
    let step = (RUN / (view.len() / len)).max(1).min(len.div_ceil(2));
    for start in (0..len).step_by(step) {
        runs(&view.slice_axis(axis, start..len.min(start + step)), f)?;
    }
    Ok(())
}

impl Summary {
    fn take(&mut self, view: &DynView<'_>, dtype: &DType, buffers: &mut Buffers) -> Result<(), Failure> {
        if let Self::Other { count } = self {
            *count += view.len() as u64;
            return Ok(());
        }
        let Buffers { ints, uints, floats } = buffers;
        // Times are counts of 64 bits.
        let order = match *dtype.kind() {
            Kind::DateTime64 { order, .. } | Kind::TimeDelta64 { order, .. } => Some(order),
            _ => None,
        };
        let counts = order.map(|order| DType::scalar(Kind::Int { size: 8, order })).transpose()?;
        runs(view, &mut |view| {
            match self {
                Self::Int { min, max, sum, count } => {
                    ints.resize(view.len(), 0);
                    view.copy_to_as(ints)?;
                    (*min, *max) = ints.iter().fold((*min, *max), |(min, max), &x| (min.min(x), max.max(x)));
                    // No overflow: there are fewer than 2^15, of 64 bits.
                    *sum += ints.iter().map(|&x| i128::from(x)).sum::<i128>();
                    *count += ints.len() as u64;
                }
                Self::UInt { min, max, sum, count } => {
                    uints.resize(view.len(), 0);
                    view.copy_to_as(uints)?;
                    (*min, *max) = uints.iter().fold((*min, *max), |(min, max), &x| (min.min(x), max.max(x)));
                    *sum += uints.iter().map(|&x| u128::from(x)).sum::<u128>();
                    *count += uints.len() as u64;
                }
                Self::Float(of) => {
                    floats.resize(view.len(), 0.0);
                    view.copy_to_as(floats)?;
                    floats.chunks(FEW).for_each(|few| of.take(few));
                }
                Self::Long { extremes, inf, floats: of } => {
                    let infinity = LongDouble::from(f64::INFINITY);
                    floats.clear();
                    for value in view.iter() {
                        let Value::LongDouble(number) = value else { continue };
                        floats.push(number.to_f64());
                        if number.is_nan() {
                            continue;
                        }
                        *inf += u64::from(number == infinity || number == LongDouble::from(f64::NEG_INFINITY));
                        widen(extremes, number);
                    }
                    floats.chunks(FEW).for_each(|few| of.take(few));
                }
                Self::Complex { extremes, re, im } => {
                    floats.resize(view.len(), 0.0);
                    view.re()?.copy_to_as(floats)?;
                    let mut other = vec![0.0_f64; view.len()];
                    view.im()?.copy_to_as(&mut other)?;
                    let infinite =
                        floats.iter().zip(&other).filter(|(re, im)| re.is_infinite() || im.is_infinite()).count();
                    // A number of which a part is NaN is NaN.
                    for (re, im) in floats.iter_mut().zip(&mut other) {
                        if re.is_nan() || im.is_nan() {
                            (*re, *im) = (f64::NAN, f64::NAN);
                            continue;
                        }
                        widen(extremes, [*re, *im]);
                    }
                    let before = re.inf;
                    floats.chunks(FEW).for_each(|few| re.take(few));
                    other.chunks(FEW).for_each(|few| im.take(few));
                    re.inf = before + infinite as u64;
                }
                Self::Time { min, max, sum, count, nat } => {
                    ints.resize(view.len(), 0);
                    let counts = counts.as_ref().ok_or_else(|| Failure::new("a time without a byte order"))?;
                    view.view_as(counts)?.copy_to_as(ints)?;
                    *count += ints.len() as u64;
                    for &time in &*ints {
                        if time == i64::MIN {
                            *nat += 1;
                        } else {
                            (*min, *max) = ((*min).min(time), (*max).max(time));
                            *sum += i128::from(time);
                        }
                    }
                }
                Self::Other { .. } => {}
            }
            Ok(())
        })
    }
}

/// Takes a number into the smallest and the largest one.
fn widen<T: PartialOrd + Copy>(extremes: &mut Option<[T; 2]>, number: T) {
    let [min, max] = extremes.get_or_insert([number; 2]);
    if number < *min {
        *min = number;
    }
    if number > *max {
        *max = number;
    }
}

impl Floats {
    fn take(&mut self, numbers: &[f64]) {
        const LANES: usize = 8;
        let mut nan = [0_u64; LANES];
        let mut inf = [0_u64; LANES];
        let (mut min, mut max, mut sum) = ([f64::INFINITY; LANES], [f64::NEG_INFINITY; LANES], [0.0; LANES]);
        let mut one = |lane: usize, x: f64| {
            nan[lane] += u64::from(x.is_nan());
            inf[lane] += u64::from(x.abs() == f64::INFINITY);
            min[lane] = if x < min[lane] { x } else { min[lane] };
            max[lane] = if x > max[lane] { x } else { max[lane] };
            sum[lane] += if x.is_nan() { 0.0 } else { x };
        };
        let (chunks, rest) = numbers.split_at(numbers.len() - numbers.len() % LANES);
        for chunk in chunks.chunks_exact(LANES) {
            for (lane, &x) in chunk.iter().enumerate() {
                one(lane, x);
            }
        }
        for (lane, &x) in rest.iter().enumerate() {
            one(lane, x);
        }
        self.count += numbers.len() as u64;
        self.nan += nan.iter().sum::<u64>();
        self.inf += inf.iter().sum::<u64>();
        self.min = min.into_iter().fold(self.min, f64::min);
        self.max = max.into_iter().fold(self.max, f64::max);
        // In pairs, as the lanes are.
        let [a, b, c, d, e, f, g, h] = sum;
        let part = ((a + b) + (c + d)) + ((e + f) + (g + h));
        let total = self.sum + part;
        if total.is_finite() {
            self.rest +=
                if self.sum.abs() >= part.abs() { (self.sum - total) + part } else { (part - total) + self.sum };
        }
        self.sum = total;
    }

    /// Returns the mean of the values that are not NaN.
    fn mean(&self) -> f64 {
        let sum = if self.sum.is_finite() { self.sum + self.rest } else { self.sum };
        sum / (self.count - self.nan) as f64
    }
}
