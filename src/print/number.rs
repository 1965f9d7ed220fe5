//! Floating-point numbers in decimal, as NumPy's Dragon4 writes them, alone and in columns.

use super::decimal::Decimal;
use super::item::{Item, align, spaces};
use super::wide::Wide;

/// The format of a column of floating-point numbers: NumPy's `FloatingFormat` in its default mode `maxprec`.
pub(super) struct FloatFormat {
    /// Whether every number is written with an exponent.
    exponential: bool,
    /// The minimum and maximum number of digits after the point.
    digits: (usize, usize),
    /// The width before the point.
    left: usize,
    /// The width after the point.
    right: usize,
    /// The number of digits of the exponent.
    exponent: usize,
    /// Whether positive numbers have a sign.
    plus: bool,
}

impl FloatFormat {
    pub(super) fn new(reals: &[Real], precision: usize, plus: bool) -> Self {
        let (finite, others): (Vec<Real>, Vec<Real>) = reals.iter().partition(|real| real.value.is_finite());
        let exponential = Real::need_exponent(&finite);
        let (mut left, mut right, mut exponent) = (0, 0, 2);
        for real in finite {
            let decimal = real.decimal(exponential, (0, precision));
            left = left.max(signed(decimal.whole, plus).len());
            right = right.max(decimal.fraction.len());
            exponent = exponent.max(decimal.exponent.abs().to_string().len());
        }
        let mut digits = (0, precision);
        if exponential {
            // All show the digits of the longest, and then the exponent.
            digits = (right, right);
            right += exponent + 2;
        }
        for real in others {
            left = left.max(signed(real.scalar(), plus).len().saturating_sub(right + 1));
        }
        Self { exponential, digits, left, right, exponent, plus }
    }

    pub(super) fn word(&self, real: Real) -> String {
        if !real.value.is_finite() {
            return align(signed(real.scalar(), self.plus), self.left + 1 + self.right);
        }
        let Decimal { whole, fraction, exponent } = real.decimal(self.exponential, self.digits);
        let tail = if self.exponential {
            format!("e{exponent:+0size$}", size = self.exponent + 1)
        } else {
            spaces(self.right.saturating_sub(fraction.len()))
        };
        format!("{}.{fraction}{tail}", align(signed(whole, self.plus), self.left))
    }
}

/// Returns the number, with a sign if positive numbers have one.
fn signed(number: String, plus: bool) -> String {
    if plus && !number.starts_with('-') { format!("+{number}") } else { number }
}

/// Formats a complex number on its own, as `str` does.
pub(super) fn complex_scalar((re, im): (Real, Real)) -> String {
    let part = |real: Real| {
        let text = real.scalar();
        text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
    };
    if re.value == 0.0 && re.value.is_sign_positive() {
        return format!("{}j", part(im));
    }
    format!("({}{}j)", part(re), signed(part(im), true))
}

/// A floating-point number as the `f64` of the same value, and the type that determines how many digits identify it.
#[derive(Clone, Copy)]
pub(super) struct Real {
    value: f64,
    size: FloatSize,
    /// The number itself if an `f64` cannot represent it, in which case `value` only stands in for it in comparisons.
    wide: Option<Wide>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum FloatSize {
    Half,
    Single,
    Double,
    Wide,
}

impl FloatSize {
    /// Returns the nearest number of the type.
    fn round(self, value: f64) -> f64 {
        match self {
            Self::Half => round_to_half(value),
            Self::Single => (value as f32).into(),
            Self::Double | Self::Wide => value,
        }
    }

    /// Returns the number from which an array's numbers are written with an exponent: ten to the power of the type's
    /// digits, at most 8.
    fn large(self) -> f64 {
        match self {
            Self::Half => 1e3,
            Self::Single => 1e6,
            Self::Double | Self::Wide => 1e8,
        }
    }
}

impl Real {
    pub(super) fn of(item: &Item) -> Option<Self> {
        let (value, size) = match *item {
            Item::F16(value) => (value.into(), FloatSize::Half),
            Item::F32(value) => (value.into(), FloatSize::Single),
            Item::F64(value) => (value, FloatSize::Double),
            Item::Wide(wide) => return Some(Self { value: wide.stand_in(), size: FloatSize::Wide, wide: Some(wide) }),
            _ => return None,
        };
        Some(Self { value, size, wide: None })
    }

    /// Returns the real and the imaginary part of a complex number.
    pub(super) fn parts(item: &Item) -> Option<(Self, Self)> {
        match *item {
            Item::Complex32([re, im]) => Self::of(&Item::F32(re)).zip(Self::of(&Item::F32(im))),
            Item::Complex64([re, im]) => Self::of(&Item::F64(re)).zip(Self::of(&Item::F64(im))),
            Item::ComplexWide([re, im]) => Self::of(&Item::Wide(re)).zip(Self::of(&Item::Wide(im))),
            _ => None,
        }
    }

    /// Returns whether numbers are too large, too small or too far apart to be written without an exponent. Decisions
    /// for `f32` are made in `f32`.
    fn need_exponent(finite: &[Real]) -> bool {
        let sizes = finite.iter().map(|real| real.value.abs());
        let max = sizes.clone().fold(0.0, f64::max);
        let min = sizes.filter(|&n| n > 0.0).fold(f64::INFINITY, f64::min);
        let size = finite.iter().map(|real| real.size).min().unwrap_or(FloatSize::Double);
        let far_apart = match Self::wide_extremes(finite) {
            Some((min, max)) => max.is_beyond_thousand_times(min),
            None => size.round(max / min) > 1e3,
        };
        max >= size.large() || min < size.round(1e-4) || far_apart
    }

    /// Returns the smallest non-zero magnitude and the largest magnitude of numbers whose digits no `f64` has.
    fn wide_extremes(finite: &[Real]) -> Option<(Wide, Wide)> {
        let mut extremes: Option<(Wide, Wide)> = None;
        for real in finite.iter().filter(|real| real.value != 0.0) {
            let size = real.wide?.abs();
            let (min, max) = extremes.unwrap_or((size, size));
            extremes = Some((if size < min { size } else { min }, if size > max { size } else { max }));
        }
        extremes
    }

    /// Formats the number, which must be finite, in decimal: the shortest text that distinguishes it from all others of
    /// its type, with a minimum and a maximum number of digits after the point.
    fn decimal(self, exponential: bool, (least, most): (usize, usize)) -> Decimal {
        let value = self.value;
        let mut decimal = match (exponential, self.size, self.wide) {
            (_, _, Some(wide)) => wide.shortest(exponential),
            (_, FloatSize::Half, _) => Decimal::parse(&half_digits(value, exponential)),
            (true, FloatSize::Single, _) => Decimal::parse(&format!("{:e}", value as f32)),
            (true, ..) => Decimal::parse(&format!("{value:e}")),
            (false, FloatSize::Single, _) => Decimal::parse(&format!("{}", value as f32)),
            (false, ..) => Decimal::parse(&format!("{value}")),
        };
        let enough = decimal.fraction.len();
        let places = enough.max(least).min(most);
        if let Some(wide) = self.wide {
            if places != enough {
                decimal = wide.rounded(exponential, places);
            }
            return decimal.with_places(least, places);
        }
        let rounded = if exponential { format!("{value:.places$e}") } else { format!("{value:.places$}") };
        let reads_back = match self.size {
            FloatSize::Single => rounded.parse() == Ok(value as f32),
            size => rounded.parse().is_ok_and(|read| size.round(read) == value),
        };
        // To stop early or late, Dragon4 rounds the exact value, half to even; a
        // tie between two shortest texts it settles likewise. The shortest text
        // stands only where the nearest decimal does not read back as the
        // number, as can happen at a power of two.
        if places < enough || reads_back {
            decimal = Decimal::parse(&rounded);
        }
        decimal.with_places(least, places)
    }

    /// Formats the number on its own, as `str` does.
    pub(super) fn scalar(self) -> String {
        let size = self.value.abs();
        if !size.is_finite() {
            return self.value.to_string().to_lowercase();
        }
        let large = if self.size >= FloatSize::Double { 1e16 } else { self.size.large() };
        let is_small = self.wide.map_or(size < 1e-4, |wide| wide.abs() < Wide::TEN_THOUSANDTH);
        let exponential = size != 0.0 && (is_small || size >= large);
        let Decimal { whole, fraction, exponent } = self.decimal(exponential, (0, usize::MAX));
        match (exponential, fraction.as_str()) {
            (false, "") => format!("{whole}.0"),
            (false, _) => format!("{whole}.{fraction}"),
            (true, "") => format!("{whole}e{exponent:+03}"),
            (true, _) => format!("{whole}.{fraction}e{exponent:+03}"),
        }
    }
}

/// Formats the number in at most six digits, as C's `%g` and ml_dtypes do.
#[cfg(any(feature = "float8", feature = "half"))]
pub(crate) fn six_digits(number: f32) -> String {
    if number.is_nan() {
        return "nan".into();
    }
    if !number.is_finite() {
        return number.to_string();
    }
    let text = format!("{number:.5e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let short = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    match usize::try_from(5 - exponent) {
        Ok(places) if exponent >= -4 => short(&format!("{number:.places$}")),
        _ => format!("{}e{}{:02}", short(digits), if exponent < 0 { '-' } else { '+' }, exponent.abs()),
    }
}

/// Returns the nearest `f16`, ties to even; `f16::from_f64` ignores the lowest bits.
fn round_to_half(value: f64) -> f64 {
    let exponent = (value.to_bits() >> 52 & 0x7ff) as i32 - 1023;
    // The distance of two `f16`s there: a power of two, by which division is exact.
    let step = 2_f64.powi(exponent.max(-14) - 10);
    let rounded = (value / step).round_ties_even() * step;
    if rounded.abs() < 65_536.0 { rounded } else { f64::INFINITY.copysign(value) }
}

/// Returns the fewest digits that distinguish a finite `f16` from all others, which Rust does not compute.
fn half_digits(value: f64, exponential: bool) -> String {
    // The nearest decimal, or the nearest above: at a power of two there is more
    // room on that side.
    let above = value * (1.0 + 2_f64.powi(-12));
    let candidates = (0..5).flat_map(|places| [(value, places), (above, places)]);
    let text = |(near, places): (f64, usize)| format!("{near:.places$e}");
    let reads_back = |text: &str| text.parse().is_ok_and(|read| round_to_half(read) == value);
    let (near, places) = candidates.into_iter().find(|&near| reads_back(&text(near))).unwrap_or((value, 5));
    let shortest = text((near, places));
    if exponential {
        return shortest;
    }
    let exponent = Decimal::parse(&shortest).exponent;
    let places = usize::try_from(places as i32 - exponent).unwrap_or(0);
    format!("{near:.places$}")
}
