//! Decimal numbers as the digits before and after the point.

/// A finite number as text: `whole.fraction`, times ten to the `exponent`.
pub(super) struct Decimal {
    /// The digits before the point, after the sign, if any.
    pub(super) whole: String,
    pub(super) fraction: String,
    pub(super) exponent: i32,
}

impl Decimal {
    /// Pads the fraction with zeros to `places` digits, then removes trailing zeros down to `least` digits.
    pub(super) fn with_places(mut self, least: usize, places: usize) -> Self {
        let fraction = &mut self.fraction;
        fraction.extend(std::iter::repeat_n('0', places.saturating_sub(fraction.len())));
        while fraction.len() > least && fraction.ends_with('0') {
            fraction.pop();
        }
        self
    }

    pub(super) fn parse(text: &str) -> Self {
        let (number, exponent) = text.split_once('e').unwrap_or((text, ""));
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        Self { whole: whole.to_owned(), fraction: fraction.to_owned(), exponent: exponent.parse().unwrap_or(0) }
    }
}
