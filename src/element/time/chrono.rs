//! Conversions from and to the types of the [chrono](::chrono) crate.
//!
//! chrono's `NaiveDateTime` corresponds to `datetime64`: a date and time of the Gregorian calendar without a time zone.
//! Its years range from −262,143 to 262,142 and its resolution is a nanosecond, so that times in units from nanoseconds
//! to years convert exactly, or else return an error. It is also the type of Arrow's crates and of database crates.

use super::calendar::{ATTOS_PER_SECOND, Moment, SECONDS_PER_DAY};
use super::unit::Unit;
use super::{DateTime64, TimeDelta64};
use crate::error::{Error, Result};
use ::chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};

const ATTOS_PER_NANOSECOND: i128 = ATTOS_PER_SECOND / 1_000_000_000;

/// Converts a time, which is UTC by NumPy's convention.
///
/// # Errors
///
/// Returns [`InvalidValue`](crate::ErrorKind::InvalidValue) for NaT, and for times that are finer than a nanosecond or
/// outside the range of chrono.
///
/// ```
/// use chrono::{DateTime, Utc};
/// use mmap_array::element::{DateTime64, unit::Second};
/// let time: DateTime<Utc> = DateTime64::<Second>::new(1_600_000_000).try_into()?;
/// assert_eq!(time.timestamp(), 1_600_000_000);
/// # Ok::<(), mmap_array::Error>(())
/// ```
impl<U: Unit, const N: u32> TryFrom<DateTime64<U, N>> for DateTime<Utc> {
    type Error = Error;

    fn try_from(time: DateTime64<U, N>) -> Result<Self> {
        let exact = time.moment().and_then(|Moment { days, attos }| {
            let seconds = days.checked_mul(SECONDS_PER_DAY)?.checked_add(attos / ATTOS_PER_SECOND)?;
            let attos = attos % ATTOS_PER_SECOND;
            let nanos = (attos % ATTOS_PER_NANOSECOND == 0).then_some(attos / ATTOS_PER_NANOSECOND)?;
            Self::from_timestamp(seconds.try_into().ok()?, nanos.try_into().ok()?)
        });
        exact.ok_or_else(|| {
            Error::invalid_value(format!("{time} cannot be represented exactly as a `chrono::DateTime`"))
        })
    }
}

/// Converts a time exactly.
///
/// # Errors
///
/// Returns [`InvalidValue`](crate::ErrorKind::InvalidValue) if the time is not a whole number of spans of the unit or
/// does not fit in 64 bits, and for leap seconds, which `datetime64` does not support.
///
/// ```
/// use chrono::DateTime;
/// use mmap_array::element::{DateTime64, unit::{Day, Millisecond}};
/// let time = DateTime::from_timestamp_millis(1_600_000_000_250).unwrap();
/// assert_eq!(DateTime64::<Millisecond>::try_from(time)?.to_string(), "2020-09-13T12:26:40.250");
/// assert!(DateTime64::<Day>::try_from(time).is_err());
/// # Ok::<(), mmap_array::Error>(())
/// ```
impl<U: Unit, const N: u32> TryFrom<DateTime<Utc>> for DateTime64<U, N> {
    type Error = Error;

    fn try_from(time: DateTime<Utc>) -> Result<Self> {
        let nanos = i128::from(time.timestamp_subsec_nanos());
        if nanos >= 1_000_000_000 {
            return Err(Error::invalid_value(format!("{} is a leap second", time.naive_utc())));
        }
        let (seconds, day) = (i128::from(time.timestamp()), SECONDS_PER_DAY);
        let attos = seconds.rem_euclid(day) * ATTOS_PER_SECOND + nanos * ATTOS_PER_NANOSECOND;
        Self::exactly(Moment { days: seconds.div_euclid(day), attos }, time.naive_utc())
    }
}

/// Converts a time exactly.
///
/// # Errors
///
/// Returns the errors of the conversion for `DateTime<Utc>`.
///
/// ```
/// use chrono::{Datelike, NaiveDateTime};
/// use mmap_array::element::{DateTime64, unit::Nanosecond};
/// let time: NaiveDateTime = "2020-09-13T12:26:40.25".parse::<DateTime64<Nanosecond>>()?.try_into()?;
/// assert_eq!(time.ordinal(), 257);
/// assert_eq!(DateTime64::<Nanosecond>::try_from(time)?.count(), 1_600_000_000_250_000_000);
/// # Ok::<(), mmap_array::Error>(())
/// ```
impl<U: Unit, const N: u32> TryFrom<DateTime64<U, N>> for NaiveDateTime {
    type Error = Error;

    fn try_from(time: DateTime64<U, N>) -> Result<Self> {
        DateTime::<Utc>::try_from(time).map(|time| time.naive_utc())
    }
}

/// Converts a time exactly.
///
/// # Errors
///
/// Returns the errors of the conversion for `DateTime<Utc>`.
impl<U: Unit, const N: u32> TryFrom<NaiveDateTime> for DateTime64<U, N> {
    type Error = Error;

    fn try_from(time: NaiveDateTime) -> Result<Self> {
        time.and_utc().try_into()
    }
}

/// Converts the beginning of a day to its date.
///
/// # Errors
///
/// Returns the errors of the conversion for `DateTime<Utc>`, and [`InvalidValue`](crate::ErrorKind::InvalidValue) if
/// the time is not the beginning of a day.
///
/// ```
/// use chrono::{NaiveDate, Weekday, Datelike};
/// use mmap_array::element::{DateTime64, unit::Day};
/// let date = NaiveDate::try_from(DateTime64::<Day>::new(18_518))?;
/// assert_eq!(date.weekday(), Weekday::Sun);
/// assert_eq!(DateTime64::<Day>::try_from(date)?.count(), 18_518);
/// # Ok::<(), mmap_array::Error>(())
/// ```
impl<U: Unit, const N: u32> TryFrom<DateTime64<U, N>> for NaiveDate {
    type Error = Error;

    fn try_from(time: DateTime64<U, N>) -> Result<Self> {
        let exact = NaiveDateTime::try_from(time)?;
        if exact.time() != NaiveTime::MIN {
            return Err(Error::invalid_value(format!("{time} is not a whole day")));
        }
        Ok(exact.date())
    }
}

/// Converts a date to the beginning of the day.
///
/// # Errors
///
/// Returns the errors of the conversion for `DateTime<Utc>`.
impl<U: Unit, const N: u32> TryFrom<NaiveDate> for DateTime64<U, N> {
    type Error = Error;

    fn try_from(date: NaiveDate) -> Result<Self> {
        date.and_time(NaiveTime::MIN).try_into()
    }
}

/// Converts a span exactly.
///
/// # Errors
///
/// Returns [`InvalidValue`](crate::ErrorKind::InvalidValue) for NaT, for spans that are finer than a nanosecond or
/// outside the range of chrono (292 million years), and for all spans in years, months or generic units, which have no
/// fixed length.
///
/// ```
/// use chrono::TimeDelta;
/// use mmap_array::element::{TimeDelta64, unit::Microsecond};
/// let span = TimeDelta::try_from(TimeDelta64::<Microsecond>::new(-1_500_000))?;
/// assert_eq!(span.num_milliseconds(), -1500);
/// assert_eq!(TimeDelta64::<Microsecond>::try_from(span)?.count(), -1_500_000);
/// # Ok::<(), mmap_array::Error>(())
/// ```
impl<U: Unit, const N: u32> TryFrom<TimeDelta64<U, N>> for TimeDelta {
    type Error = Error;

    fn try_from(span: TimeDelta64<U, N>) -> Result<Self> {
        let exact = span.nanos().and_then(|nanos| {
            let seconds = nanos.div_euclid(1_000_000_000).try_into().ok()?;
            Self::new(seconds, nanos.rem_euclid(1_000_000_000).try_into().ok()?)
        });
        exact.ok_or_else(|| {
            Error::invalid_value(format!("{span} cannot be represented exactly as a `chrono::TimeDelta`"))
        })
    }
}

/// Converts a span exactly.
///
/// # Errors
///
/// Returns [`InvalidValue`](crate::ErrorKind::InvalidValue) if the span is not a whole number of spans of the unit or
/// does not fit in 64 bits.
impl<U: Unit, const N: u32> TryFrom<TimeDelta> for TimeDelta64<U, N> {
    type Error = Error;

    fn try_from(span: TimeDelta) -> Result<Self> {
        // Both parts have the sign of the whole.
        Self::from_nanos(i128::from(span.num_seconds()) * 1_000_000_000 + i128::from(span.subsec_nanos()))
    }
}
