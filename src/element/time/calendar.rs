//! Points in time as days and fractions of a day, and their conversion to dates.
//!
//! All numbers have 128 bits, of which the largest count of the largest unit needs 106: intermediate results do not
//! overflow, and only the final result is checked for 64 bits. Dates are computed as in Howard Hinnant's
//! [`chrono`-compatible low-level date algorithms](https://howardhinnant.github.io/date_algorithms.html).

use crate::dtype::TimeUnit;
use crate::error::{Error, Result};

/// A point in time, with a resolution of an attosecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    /// Days since the beginning of 1970.
    pub(super) days: i128,
    /// Attoseconds since the beginning of the day, less than a day.
    pub(super) attos: i128,
}

pub(super) const ATTOS_PER_SECOND: i128 = 1_000_000_000_000_000_000;
pub(super) const SECONDS_PER_DAY: i128 = 86_400;
const ATTOS_PER_DAY: i128 = SECONDS_PER_DAY * ATTOS_PER_SECOND;

impl TimeUnit {
    /// Returns the length of the unit, or `None` if it is not constant.
    pub(super) fn attos(self) -> Option<i128> {
        Some(match self {
            Self::Year | Self::Month | Self::Generic => return None,
            Self::Week => 7 * ATTOS_PER_DAY,
            Self::Day => ATTOS_PER_DAY,
            Self::Hour => 3600 * ATTOS_PER_SECOND,
            Self::Minute => 60 * ATTOS_PER_SECOND,
            Self::Second => ATTOS_PER_SECOND,
            Self::Millisecond => ATTOS_PER_SECOND / 1000,
            Self::Microsecond => ATTOS_PER_SECOND / 1_000_000,
            Self::Nanosecond => ATTOS_PER_SECOND / 1_000_000_000,
            Self::Picosecond => 1_000_000,
            Self::Femtosecond => 1000,
            Self::Attosecond => 1,
        })
    }
}

/// A date of the proleptic Gregorian calendar.
struct Date {
    year: i128,
    /// From 1 to 12.
    month: i128,
    /// From 1.
    day: i128,
}

impl Date {
    /// Returns the date of a day number since 1970.
    fn of(days: i128) -> Self {
        // Years that begin in March have their leap day at the end; 400 of them have 146,097 days.
        let days = days + 719_468;
        let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let months = (5 * day_of_year + 2) / 153;
        let month = if months < 10 { months + 3 } else { months - 9 };
        let year = era * 400 + year_of_era + i128::from(month <= 2);
        Self { year, month, day: day_of_year - (153 * months + 2) / 5 + 1 }
    }

    /// Returns the day number since 1970.
    fn days(&self) -> i128 {
        let year = self.year - i128::from(self.month <= 2);
        let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let months = (self.month + 9) % 12;
        let day_of_year = (153 * months + 2) / 5 + self.day - 1;
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
    }

    fn days_of_month(&self) -> i128 {
        let leap = self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0);
        match self.month {
            2 => 28 + i128::from(leap),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }
}

impl Moment {
    /// Returns the moment of a stored time; `None` for NaT and generic units.
    pub(super) fn of(count: i64, unit: TimeUnit, spans_of: u32) -> Option<Self> {
        if count == i64::MIN { None } else { Self::at(i128::from(count) * i128::from(spans_of), unit) }
    }

    /// Returns the moment `count` units after 1970; `None` for generic units.
    pub(super) fn at(count: i128, unit: TimeUnit) -> Option<Self> {
        let months = match unit {
            TimeUnit::Year => count * 12,
            TimeUnit::Month => count,
            TimeUnit::Week => return Some(Self { days: count * 7, attos: 0 }),
            unit => {
                let attos = unit.attos()?;
                let per_day = ATTOS_PER_DAY / attos;
                return Some(Self { days: count.div_euclid(per_day), attos: count.rem_euclid(per_day) * attos });
            }
        };
        let date = Date { year: 1970 + months.div_euclid(12), month: 1 + months.rem_euclid(12), day: 1 };
        Some(Self { days: date.days(), attos: 0 })
    }

    /// Returns the number of whole spans of `spans_of` units since 1970; `None` if it does not fit in 64 bits, and for
    /// generic units.
    pub(super) fn floor(self, unit: TimeUnit, spans_of: u32) -> Option<i64> {
        let count = match unit {
            TimeUnit::Year => Date::of(self.days).year - 1970,
            TimeUnit::Month => {
                let date = Date::of(self.days);
                (date.year - 1970) * 12 + date.month - 1
            }
            TimeUnit::Week => self.days.div_euclid(7),
            unit => {
                let attos = unit.attos()?;
                self.days.checked_mul(ATTOS_PER_DAY / attos)?.checked_add(self.attos / attos)?
            }
        };
        let count = count.div_euclid(spans_of.into());
        i64::try_from(count).ok().filter(|&count| count != i64::MIN)
    }

    /// Formats the moment as ISO 8601, with the precision of the unit.
    pub(super) fn iso(self, unit: TimeUnit) -> String {
        let Date { year, month, day } = Date::of(self.days);
        let (seconds, attos) = (self.attos / ATTOS_PER_SECOND, self.attos % ATTOS_PER_SECOND);
        let mut text = format!("{year:04}");
        let parts = [
            (TimeUnit::Month, '-', month),
            (TimeUnit::Week, '-', day),
            (TimeUnit::Hour, 'T', seconds / 3600),
            (TimeUnit::Minute, ':', seconds / 60 % 60),
            (TimeUnit::Second, ':', seconds % 60),
        ];
        for (from, separator, number) in parts {
            if unit >= from {
                text += &format!("{separator}{number:02}");
            }
        }
        if let (true, Some(one)) = (unit >= TimeUnit::Millisecond, unit.attos()) {
            let places = (ATTOS_PER_SECOND / one).ilog10() as usize;
            text += &format!(".{:0places$}", attos / one);
        }
        text
    }

    /// Parses an ISO 8601 text, and returns the first moment of its last part.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let mut parser = Parser { text, at: 0 };
        let moment = parser.moment().filter(|_| parser.at == text.len());
        moment.ok_or_else(|| parser.error())
    }
}

/// A parser that reads a text from left to right.
struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn error(&self) -> Error {
        const SHOWN: usize = 60;
        let (start, rest) = (self.text.chars().take(SHOWN).collect::<String>(), self.text.chars().nth(SHOWN));
        let (more, at) = (if rest.is_some() { "…" } else { "" }, self.at);
        let zone = match self.text.get(at..) {
            Some("Z" | "z") => ": time zones are not supported; leave it out if UTC is meant",
            Some(rest) if at > 10 && rest.starts_with(['+', '-']) => {
                ": time zones are not supported; convert it to UTC first"
            }
            _ => "; the format is 2020-12-31 or 2020-12-31T23:59:59.5",
        };
        Error::invalid_value(format!("{start:?}{more} is not a date or time, from byte {at} on{zone}"))
    }

    fn moment(&mut self) -> Option<Moment> {
        let mut date = Date { year: self.year()?, month: 1, day: 1 };
        let mut attos = 0;
        if self.take(b"-") {
            date.month = self.two_digits(1, 12)?;
            if self.take(b"-") {
                date.day = self.two_digits(1, date.days_of_month())?;
                if self.take(b"T ") {
                    attos = self.time()?;
                }
            }
        }
        Some(Moment { days: date.days(), attos })
    }

    fn time(&mut self) -> Option<i128> {
        let mut seconds = self.two_digits(0, 23)? * 3600;
        let mut attos = 0;
        if self.take(b":") {
            seconds += self.two_digits(0, 59)? * 60;
            if self.take(b":") {
                seconds += self.two_digits(0, 59)?;
                if self.take(b".") {
                    let mut one = ATTOS_PER_SECOND;
                    while let Some(digit) = self.digit().filter(|_| one > 1) {
                        one /= 10;
                        attos += digit * one;
                        self.at += 1;
                    }
                }
            }
        }
        Some(seconds * ATTOS_PER_SECOND + attos)
    }

    /// Parses a year of any number of digits that fits in 64 bits.
    fn year(&mut self) -> Option<i128> {
        let negative = self.text.starts_with('-');
        let _ = self.take(b"+-");
        self.digit()?;
        let mut year = 0_i128;
        while let Some(digit) = self.digit() {
            year = year * 10 + digit;
            if year > i64::MAX.into() {
                return None;
            }
            self.at += 1;
        }
        Some(if negative { -year } else { year })
    }

    fn two_digits(&mut self, least: i128, most: i128) -> Option<i128> {
        let tens = self.digit()?;
        self.at += 1;
        let number = tens * 10 + self.digit()?;
        if !(least..=most).contains(&number) {
            self.at -= 1;
            return None;
        }
        self.at += 1;
        Some(number)
    }

    fn digit(&self) -> Option<i128> {
        let byte = self.text.as_bytes().get(self.at).filter(|byte| byte.is_ascii_digit())?;
        Some(i128::from(byte - b'0'))
    }

    /// Consumes the next character if it is one of these.
    fn take(&mut self, one_of: &[u8]) -> bool {
        let found = self.text.as_bytes().get(self.at).is_some_and(|byte| one_of.contains(byte));
        self.at += usize::from(found);
        found
    }
}
