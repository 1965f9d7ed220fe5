//! Conversions from and to the times of the standard library.

use super::calendar::{ATTOS_PER_SECOND, Moment, SECONDS_PER_DAY};
use super::unit::Unit;
use super::{DateTime64, TimeDelta64, units};
use crate::error::{Error, Result};
use std::time::{Duration, SystemTime};

const ATTOS_PER_NANOSECOND: i128 = ATTOS_PER_SECOND / 1_000_000_000;

/// Converts a time exactly. It is UTC by NumPy's convention.
///
/// # Errors
///
/// Returns [`InvalidValue`](crate::ErrorKind::InvalidValue) for NaT, and for times that a `SystemTime` cannot represent
/// exactly: times outside its range or finer than its resolution (1 nanosecond; 100 on Windows).
///
/// ```
/// use mmap_array::element::{DateTime64, unit::Day};
/// use std::time::{Duration, SystemTime};
/// let time = SystemTime::try_from(DateTime64::<Day>::new(1))?;
/// assert_eq!(time, SystemTime::UNIX_EPOCH + Duration::from_secs(86_400));
/// # Ok::<(), mmap_array::Error>(())
/// ```
impl<U: Unit, const N: u32> TryFrom<DateTime64<U, N>> for SystemTime {
    type Error = Error;

    fn try_from(time: DateTime64<U, N>) -> Result<Self> {
        let system = time.moment().and_then(|moment| {
            let whole = moment.attos % ATTOS_PER_NANOSECOND == 0;
            let nanos = moment.days.checked_mul(SECONDS_PER_DAY * 1_000_000_000)?;
            let nanos = nanos.checked_add(moment.attos / ATTOS_PER_NANOSECOND).filter(|_| whole)?;
            let distance = duration(nanos.checked_abs()?)?;
            let system =
                if nanos < 0 { Self::UNIX_EPOCH.checked_sub(distance) } else { Self::UNIX_EPOCH.checked_add(distance) };
            // Where the clock has coarser steps, it has gone to one of them.
            system.filter(|&system| since_1970(system) == nanos)
        });
        system.ok_or_else(|| Error::invalid_value(format!("{time} cannot be represented exactly as a `SystemTime`")))
    }
}

/// Converts a time exactly.
///
/// # Errors
///
/// Returns [`InvalidValue`](crate::ErrorKind::InvalidValue) if the time is not a whole number of spans of the unit or
/// does not fit in 64 bits.
///
/// ```
/// use mmap_array::element::{DateTime64, unit::Second};
/// use std::time::{Duration, SystemTime};
/// let time = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
/// assert_eq!(DateTime64::<Second>::try_from(time)?.to_string(), "1969-12-31T23:59:59");
/// # Ok::<(), mmap_array::Error>(())
/// ```
impl<U: Unit, const N: u32> TryFrom<SystemTime> for DateTime64<U, N> {
    type Error = Error;

    fn try_from(system: SystemTime) -> Result<Self> {
        let nanos = since_1970(system);
        let per_day = SECONDS_PER_DAY * 1_000_000_000;
        let attos = nanos.rem_euclid(per_day) * ATTOS_PER_NANOSECOND;
        let moment = Moment { days: nanos.div_euclid(per_day), attos };
        Self::exactly(moment, format_args!("the time {nanos} nanoseconds after 1970"))
    }
}

/// Converts a span exactly.
///
/// # Errors
///
/// Returns [`InvalidValue`](crate::ErrorKind::InvalidValue) for NaT, for spans that are negative, finer than a
/// nanosecond or too long for a `Duration`, and for all spans in years, months or generic units, which have no fixed
/// length.
///
/// ```
/// use mmap_array::element::{TimeDelta64, unit::Minute};
/// use std::time::Duration;
/// assert_eq!(Duration::try_from(TimeDelta64::<Minute>::new(2))?, Duration::from_secs(120));
/// # Ok::<(), mmap_array::Error>(())
/// ```
impl<U: Unit, const N: u32> TryFrom<TimeDelta64<U, N>> for Duration {
    type Error = Error;

    fn try_from(span: TimeDelta64<U, N>) -> Result<Self> {
        let exact = span.nanos().and_then(duration);
        exact.ok_or_else(|| Error::invalid_value(format!("{span} cannot be represented exactly as a `Duration`")))
    }
}

/// Converts a duration exactly.
///
/// # Errors
///
/// Returns [`InvalidValue`](crate::ErrorKind::InvalidValue) if the duration is not a whole number of spans of the unit
/// or does not fit in 64 bits.
///
/// ```
/// use mmap_array::element::{TimeDelta64, unit::Millisecond};
/// use std::time::Duration;
/// assert_eq!(TimeDelta64::<Millisecond>::try_from(Duration::from_secs(2))?.count(), 2000);
/// # Ok::<(), mmap_array::Error>(())
/// ```
impl<U: Unit, const N: u32> TryFrom<Duration> for TimeDelta64<U, N> {
    type Error = Error;

    fn try_from(duration: Duration) -> Result<Self> {
        // Of at most 2^94 nanoseconds.
        let nanos = i128::from(duration.as_secs()) * 1_000_000_000 + i128::from(duration.subsec_nanos());
        Self::from_nanos(nanos)
    }
}

impl<U: Unit, const N: u32> TimeDelta64<U, N> {
    /// Returns the length in nanoseconds, if that is a whole number.
    pub(super) fn nanos(self) -> Option<i128> {
        if self.is_nat() {
            return None;
        }
        let units = i128::from(self.count()) * i128::from(N);
        // One of the two is 1, or a nanosecond itself.
        let (attos, nano) = (U::UNIT.attos()?, ATTOS_PER_NANOSECOND);
        if attos >= nano {
            units.checked_mul(attos / nano)
        } else {
            let per_nano = nano / attos;
            (units % per_nano == 0).then_some(units / per_nano)
        }
    }

    /// Returns the span of the given number of nanoseconds.
    pub(super) fn from_nanos(nanos: i128) -> Result<Self> {
        let count = || {
            let (attos, nano) = (U::UNIT.attos()?, ATTOS_PER_NANOSECOND);
            let (per_unit, per_nano) = ((attos / nano).max(1), (nano / attos).max(1));
            let (of, units) = (per_unit.checked_mul(N.into())?, nanos.checked_mul(per_nano)?);
            let count = (units % of == 0).then_some(units / of)?;
            i64::try_from(count).ok().filter(|&count| count != i64::MIN)
        };
        let wrong = || {
            Error::invalid_value(format!(
                "{nanos} nanoseconds are not a whole number of {} that fits in 64 bits",
                units::<U, N>()
            ))
        };
        count().map(Self::new).ok_or_else(wrong)
    }
}

/// Returns the duration of the given number of nanoseconds.
fn duration(nanos: i128) -> Option<Duration> {
    let secs = u64::try_from(nanos.div_euclid(1_000_000_000)).ok()?;
    let nanos = u32::try_from(nanos.rem_euclid(1_000_000_000)).ok()?;
    Some(Duration::new(secs, nanos))
}

/// Returns the nanoseconds since 1970, negative before.
fn since_1970(time: SystemTime) -> i128 {
    let nanos = |span: Duration| i128::from(span.as_secs()) * 1_000_000_000 + i128::from(span.subsec_nanos());
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => nanos(after),
        Err(before) => -nanos(before.duration()),
    }
}
