//! Formatting of times and spans by their count and unit.

use super::calendar::Moment;
use crate::dtype::TimeUnit;

impl TimeUnit {
    /// Returns the name of the unit in NumPy's texts.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Year => "years",
            Self::Month => "months",
            Self::Week => "weeks",
            Self::Day => "days",
            Self::Hour => "hours",
            Self::Minute => "minutes",
            Self::Second => "seconds",
            Self::Millisecond => "milliseconds",
            Self::Microsecond => "microseconds",
            Self::Nanosecond => "nanoseconds",
            Self::Picosecond => "picoseconds",
            Self::Femtosecond => "femtoseconds",
            Self::Attosecond => "attoseconds",
            Self::Generic => "generic time units",
        }
    }
}

/// Formats a time `count` spans of `spans_of` units after 1970, as NumPy prints it in arrays or on its own.
pub(in crate::element) fn time_text(count: i64, unit: TimeUnit, spans_of: u32, in_array: bool) -> String {
    let text = match Moment::of(count, unit, spans_of) {
        Some(moment) => moment.iso(unit),
        None => span_text(count, unit, spans_of, false),
    };
    if in_array { format!("'{text}'") } else { text }
}

/// Formats a span of `count` times `spans_of` units, as NumPy prints it in arrays or on its own.
pub(in crate::element) fn span_text(count: i64, unit: TimeUnit, spans_of: u32, in_array: bool) -> String {
    match (count == i64::MIN, in_array) {
        (true, true) => "'NaT'".into(),
        (true, false) => "NaT".into(),
        (false, true) => count.to_string(),
        (false, false) => format!("{} {}", i128::from(count) * i128::from(spans_of), unit.name()),
    }
}
