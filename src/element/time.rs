//! NumPy's `datetime64` and `timedelta64`: counts of a time unit in 64 bits.
//!
//! Files contain times as plain integers, whose meaning is in the dtype: `<M8[ns]` counts nanoseconds since 1970,
//! `<M8[25s]` spans of 25 seconds. Here it is in the type, so that the sum of a time in seconds and a span in
//! milliseconds does not compile. The calendar (see `calendar`) is needed only for text and for the types of other
//! crates.
//!
//! [`i64::MIN`] represents NaT, "not a time", which is to times what NaN is to floats: it is not equal to anything, and
//! the result of a computation with NaT, or one that overflows, is NaT. No arithmetic on times panics.

pub(super) mod text;
pub mod unit;

mod calendar;
#[cfg(feature = "chrono")]
mod chrono;
mod system;

use crate::dtype::{DType, Endianness, Kind, TimeUnit};
use crate::element::endian::{self, Scalar};
use crate::element::item::{Mark, write_marked};
use crate::element::number::{self, Ordered};
use crate::element::{Element, scalar};
use crate::error::{Error, Result};
use bytemuck::{Pod, Zeroable};
use byteorder::ByteOrder;
use calendar::Moment;

/// Returns the day number since 1970 of the time `count` units after 1970; `None` for generic units.
#[cfg(feature = "arrow")]
pub(crate) fn days_since_1970(count: i128, unit: crate::dtype::TimeUnit) -> Option<i128> {
    Moment::at(count, unit).map(|moment| moment.days)
}
use std::cmp::Ordering;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Add, AddAssign, Mul, MulAssign, Neg, Sub, SubAssign};
use std::str::FromStr;
use text::{span_text, time_text};
use unit::Unit;

/// A point in time, counted in spans of `N` units since the beginning of 1970: NumPy's `M8[ns]`, `M8[25s]`.
///
/// The calendar is the proleptic Gregorian calendar, days have 86,400 seconds, and there is no time zone: by convention
/// times are UTC. [`NAT`](Self::NAT) is not a time.
///
/// The units are in [`unit`](crate::element::unit). A time in an explicit byte order is `Be<DateTime64<…>>` or
/// `Le<DateTime64<…>>`: see [`Endian`](crate::element::Endian).
///
/// ```
/// use mmap_array::{element::{DateTime64, unit::{Day, Second}}, ArrayView};
///
/// let launch: DateTime64<Second> = "1969-07-16T13:32".parse()?;
/// assert_eq!(launch.count(), -14_552_880);
/// assert_eq!(launch.to_string(), "1969-07-16T13:32:00");
///
/// let view = ArrayView::from_slice(&[0_i64, 19_000, i64::MIN], 3)?.view_as::<DateTime64<Day>>()?;
/// assert_eq!(view.to_string(), "['1970-01-01' '2022-01-08'        'NaT']");
/// # Ok::<(), mmap_array::Error>(())
/// ```
#[repr(transparent)]
pub struct DateTime64<U: Unit, const N: u32 = 1> {
    count: i64,
    unit: PhantomData<U>,
}

/// A span of time, counted in spans of `N` units: NumPy's `m8[ns]`, `m8[25s]`.
///
/// [`NAT`](Self::NAT) is not a span. Years and months have no fixed length, so spans in them do not convert to types
/// that count days or seconds.
///
/// ```
/// use mmap_array::element::{DateTime64, TimeDelta64, unit::Day};
/// let start: DateTime64<Day> = "2020-02-28".parse()?;
/// let end = start + TimeDelta64::new(2);
/// assert_eq!(end.to_string(), "2020-03-01");
/// assert_eq!((end - start).to_string(), "2 days");
/// # Ok::<(), mmap_array::Error>(())
/// ```
#[repr(transparent)]
pub struct TimeDelta64<U: Unit, const N: u32 = 1> {
    count: i64,
    unit: PhantomData<U>,
}

/// Fails at compile time for spans that NumPy does not support.
const fn assert_span<U: Unit, const N: u32>() {
    assert!(N > 0 && N <= i32::MAX as u32, "a time is counted in spans of 1 to 2147483647 units");
    assert!(N == 1 || !matches!(U::UNIT, TimeUnit::Generic), "a time in generic units is counted in spans of 1 unit");
}

/// The common implementation of both types: a number of spans in 64 bits.
macro_rules! counts {
    ($($time:ident: $kind:ident, $name:literal, $example:literal);*) => {$(
        impl<U: Unit, const N: u32> $time<U, N> {
            /// Not a time (NaT), represented by [`i64::MIN`].
            ///
            /// ```
            #[doc = concat!("use mmap_array::element::{", stringify!($time), ", unit::Second};")]
            #[doc = concat!("assert!(", stringify!($time), "::<Second>::NAT.is_nat());")]
            #[doc = concat!("assert!(", stringify!($time), "::<Second>::NAT != ", stringify!($time), "::NAT);")]
            /// ```
            pub const NAT: Self = Self { count: i64::MIN, unit: PhantomData };

            #[doc = concat!("Creates a ", $name, " of `count` times `N` units. [`i64::MIN`] represents NaT.")]
            ///
            /// ```
            #[doc = concat!("use mmap_array::element::{", stringify!($time), ", unit::Minute};")]
            #[doc = concat!("let half_hours = ", stringify!($time), "::<Minute, 30>::new(3);")]
            #[doc = concat!("assert_eq!(half_hours.count(), 3); // ", $example)]
            /// ```
            #[inline(always)]
            #[must_use]
            pub const fn new(count: i64) -> Self {
                const { assert_span::<U, N>() }
                Self { count, unit: PhantomData }
            }

            /// Returns the number of spans of `N` units, which is [`i64::MIN`] for NaT.
            #[inline(always)]
            #[must_use]
            pub const fn count(self) -> i64 {
                self.count
            }

            /// Returns `true` if this value is NaT. Comparing with `==` does not work, since NaT is not equal to
            /// itself.
            #[inline(always)]
            #[must_use]
            pub const fn is_nat(self) -> bool {
                self.count == i64::MIN
            }

            /// Returns the ordering in which NumPy sorts: by time, with NaT last. NaT is equal to itself in this
            /// ordering.
            ///
            /// ```
            #[doc = concat!("use mmap_array::element::{", stringify!($time), ", unit::Second};")]
            #[doc = concat!("let mut times = [", stringify!($time), "::<Second>::NAT, ", stringify!($time), "::new(1)];")]
            #[doc = concat!("times.sort_by(", stringify!($time), "::total_cmp);")]
            /// assert!(times[1].is_nat());
            /// ```
            #[must_use]
            pub fn total_cmp(&self, other: &Self) -> Ordering {
                // NaT is the least number; one less is the greatest.
                self.count.wrapping_sub(1).cmp(&other.count.wrapping_sub(1))
            }

            /// Returns the time of a computed number, NaT if the computation overflowed.
            #[inline(always)]
            fn or_nat(count: Option<i64>) -> Self {
                Self::new(count.unwrap_or(i64::MIN))
            }
        }

        impl<U: Unit, const N: u32> Clone for $time<U, N> {
            #[inline(always)]
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<U: Unit, const N: u32> Copy for $time<U, N> {}

        // SAFETY: transparent over an `i64`, beside a `PhantomData`, which has no bytes.
        unsafe impl<U: Unit, const N: u32> Zeroable for $time<U, N> {}
        // SAFETY: as above; `Copy` and 'static.
        unsafe impl<U: Unit, const N: u32> Pod for $time<U, N> {}

        impl<U: Unit, const N: u32> Element for $time<U, N> {
            fn dtype() -> DType {
                const { assert_span::<U, N>() }
                scalar(Kind::$kind { unit: U::UNIT, count: N, order: Endianness::NATIVE }, align_of::<Self>())
            }
        }

        impl<U: Unit, const N: u32> endian::sealed::Sealed for $time<U, N> {}

        impl<U: Unit, const N: u32> Scalar for $time<U, N> {
            type Bytes = [u8; 8];

            #[inline(always)]
            fn decode<E: ByteOrder>(bytes: [u8; 8]) -> Self {
                Self::new(i64::decode::<E>(bytes))
            }

            #[inline(always)]
            fn encode<E: ByteOrder>(self) -> [u8; 8] {
                self.count.encode::<E>()
            }
        }

        /// Returns the value whose count is 0, as in `np.zeros`.
        impl<U: Unit, const N: u32> Default for $time<U, N> {
            fn default() -> Self {
                Self::new(0)
            }
        }

        /// NaT is not equal to anything.
        impl<U: Unit, const N: u32> PartialEq for $time<U, N> {
            #[inline]
            fn eq(&self, other: &Self) -> bool {
                self.count == other.count && !self.is_nat()
            }
        }

        /// NaT is unordered; [`total_cmp`](Self::total_cmp) also orders NaT.
        impl<U: Unit, const N: u32> PartialOrd for $time<U, N> {
            #[inline]
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                (!self.is_nat() && !other.is_nat()).then(|| self.count.cmp(&other.count))
            }
        }

        impl<U: Unit, const N: u32> number::sealed::Sealed for $time<U, N> {}

        impl<U: Unit, const N: u32> Ordered for $time<U, N> {
            number::itself!();

            #[inline(always)]
            fn smaller(a: Self, b: Self) -> Self {
                // NaT is the least number.
                Self::new(a.count.min(b.count))
            }

            #[inline(always)]
            fn larger(a: Self, b: Self) -> Self {
                // One less than NaT is the greatest.
                Self::new(a.count.wrapping_sub(1).max(b.count.wrapping_sub(1)).wrapping_add(1))
            }

            #[inline(always)]
            fn is_same(a: Self, b: Self) -> bool {
                a.count == b.count
            }
        }

        /// Formats the value as `Display` does.
        impl<U: Unit, const N: u32> fmt::Debug for $time<U, N> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_marked(f, Mark::Text, |f| fmt::Display::fmt(self, f))
            }
        }
    )*};
}
counts! {
    DateTime64: DateTime64, "time", "01:30 on 1970-01-01";
    TimeDelta64: TimeDelta64, "span", "an hour and a half"
}

/// Returns the sum, NaT if either operand is, or `None` on overflow.
#[inline(always)]
fn checked(a: i64, b: i64, sum: impl Fn(i64, i64) -> Option<i64>) -> Option<i64> {
    if a == i64::MIN || b == i64::MIN {
        return Some(i64::MIN);
    }
    sum(a, b).filter(|&sum| sum != i64::MIN)
}

/// The arithmetic of a time or a span with a span.
macro_rules! sums {
    ($($left:ident),*) => {$(
        impl<U: Unit, const N: u32> $left<U, N> {
            /// Returns the sum, or `None` on overflow. The sum is NaT if either operand is.
            ///
            /// ```
            /// use mmap_array::element::unit::Day;
            #[doc = concat!("let last = mmap_array::element::", stringify!($left), "::<Day>::new(i64::MAX);")]
            /// assert_eq!(last.checked_add(mmap_array::element::TimeDelta64::new(1)), None);
            /// ```
            #[must_use]
            pub fn checked_add(self, span: TimeDelta64<U, N>) -> Option<Self> {
                checked(self.count, span.count, i64::checked_add).map(Self::new)
            }

            /// Returns the difference, or `None` on overflow. The difference is NaT if either operand is.
            #[must_use]
            pub fn checked_sub(self, span: TimeDelta64<U, N>) -> Option<Self> {
                checked(self.count, span.count, i64::checked_sub).map(Self::new)
            }
        }

        /// The sum is NaT if either operand is, and on overflow, where NumPy wraps around.
        impl<U: Unit, const N: u32> Add<TimeDelta64<U, N>> for $left<U, N> {
            type Output = Self;

            #[inline]
            fn add(self, span: TimeDelta64<U, N>) -> Self {
                self.checked_add(span).unwrap_or(Self::NAT)
            }
        }

        /// The difference is NaT if either operand is, and on overflow.
        impl<U: Unit, const N: u32> Sub<TimeDelta64<U, N>> for $left<U, N> {
            type Output = Self;

            #[inline]
            fn sub(self, span: TimeDelta64<U, N>) -> Self {
                self.checked_sub(span).unwrap_or(Self::NAT)
            }
        }

        impl<U: Unit, const N: u32> AddAssign<TimeDelta64<U, N>> for $left<U, N> {
            #[inline]
            fn add_assign(&mut self, span: TimeDelta64<U, N>) {
                *self = *self + span;
            }
        }

        impl<U: Unit, const N: u32> SubAssign<TimeDelta64<U, N>> for $left<U, N> {
            #[inline]
            fn sub_assign(&mut self, span: TimeDelta64<U, N>) {
                *self = *self - span;
            }
        }
    )*};
}
sums!(DateTime64, TimeDelta64);

/// The result is the span from the right operand to the left one. It is NaT if either operand is, and on overflow.
impl<U: Unit, const N: u32> Sub for DateTime64<U, N> {
    type Output = TimeDelta64<U, N>;

    #[inline]
    fn sub(self, other: Self) -> TimeDelta64<U, N> {
        TimeDelta64::or_nat(checked(self.count, other.count, i64::checked_sub))
    }
}

impl<U: Unit, const N: u32> Neg for TimeDelta64<U, N> {
    type Output = Self;

    #[inline]
    fn neg(self) -> Self {
        // NaT's negative is NaT.
        Self::new(self.count.wrapping_neg())
    }
}

/// The product is NaT if the span is, and on overflow.
impl<U: Unit, const N: u32> Mul<i64> for TimeDelta64<U, N> {
    type Output = Self;

    #[inline]
    fn mul(self, times: i64) -> Self {
        if self.is_nat() { self } else { Self::or_nat(self.count.checked_mul(times)) }
    }
}

impl<U: Unit, const N: u32> MulAssign<i64> for TimeDelta64<U, N> {
    #[inline]
    fn mul_assign(&mut self, times: i64) {
        *self = *self * times;
    }
}

impl<U: Unit, const N: u32> DateTime64<U, N> {
    /// Converts the time to other units, rounding towards the past: NumPy's `astype("M8[…]")`.
    ///
    /// The result is NaT for NaT, on overflow, and for conversions from or to [`unit::Generic`], which has no length.
    ///
    /// ```
    /// use mmap_array::element::{DateTime64, unit::{Day, Millisecond}};
    /// let time: DateTime64<Millisecond> = "1969-12-31T18:00".parse()?;
    /// let day: DateTime64<Day> = time.to_unit();
    /// assert_eq!(day.to_string(), "1969-12-31");
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[must_use]
    pub fn to_unit<V: Unit, const M: u32>(self) -> DateTime64<V, M> {
        DateTime64::or_nat(self.moment().and_then(|moment| moment.floor(V::UNIT, M)))
    }

    /// Returns the moment of this time; `None` for NaT and generic units.
    fn moment(self) -> Option<Moment> {
        Moment::of(self.count, U::UNIT, N)
    }

    /// Returns the time that is exactly the moment.
    fn exactly(moment: Moment, text: impl fmt::Display) -> Result<Self> {
        let time = Self::or_nat(moment.floor(U::UNIT, N));
        match time.moment() {
            Some(exact) if exact == moment => Ok(time),
            _ => Err(Error::invalid_value(format!(
                "{text} is not a whole number of {} since 1970 that fits in 64 bits",
                units::<U, N>()
            ))),
        }
    }
}

/// Returns `seconds` or `25 seconds`, for errors.
fn units<U: Unit, const N: u32>() -> String {
    let name = U::UNIT.name();
    if N == 1 { name.into() } else { format!("{N} {name}") }
}

/// Formats the time as ISO 8601 with the precision of the unit, as `str(np.datetime64(…))` and `np.datetime_as_string`
/// do, or as `NaT`.
///
/// The text is `2020` for years, `2020-03` for months, `2020-03-05` for weeks and days, `2020-03-05T13` for hours, and
/// so on to `2020-03-05T13:17:09.123456789012345678`. Years have at least four characters, including the sign of a year
/// before 0. The text is correct even where NumPy's own numbers overflow (days beyond the year 25,252,734,927,766,553).
///
/// Times in generic units print as `5 generic time units`; NumPy refuses to print them. `{:-}` formats the time as
/// NumPy prints it in arrays: in quotes.
///
/// ```
/// use mmap_array::element::{DateTime64, unit::{Microsecond, Month, Year}};
/// assert_eq!(DateTime64::<Month>::new(-1).to_string(), "1969-12");
/// assert_eq!(DateTime64::<Microsecond>::new(-1).to_string(), "1969-12-31T23:59:59.999999");
/// assert_eq!(DateTime64::<Year>::new(-1971).to_string(), "-001");
/// ```
impl<U: Unit, const N: u32> fmt::Display for DateTime64<U, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&time_text(self.count, U::UNIT, N, f.sign_minus()))
    }
}

/// Formats the span as its number of units and the unit, as `str(np.timedelta64(…))` does: `5 seconds`, or as `NaT`.
/// `{:-}` formats the span as NumPy prints it in arrays: the stored number alone, or `'NaT'`.
///
/// ```
/// use mmap_array::element::{TimeDelta64, unit::Second};
/// let span = TimeDelta64::<Second, 25>::new(-3);
/// assert_eq!(span.to_string(), "-75 seconds");
/// assert_eq!(format!("{span:-}"), "-3");
/// ```
impl<U: Unit, const N: u32> fmt::Display for TimeDelta64<U, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&span_text(self.count, U::UNIT, N, f.sign_minus()))
    }
}

/// Parses ISO 8601 as NumPy does: `2020`, `2020-03`, `2020-03-05`, then `T` or a space and `13`, `13:17` or `13:17:09`,
/// which may have up to 18 digits after a point. A year may have any number of digits and a sign. `NaT` in any case,
/// and the empty text, are NaT.
///
/// Parts finer than the unit are truncated towards the past, as in NumPy: `2020-03-05T13` in days is `2020-03-05`.
///
/// # Errors
///
/// Returns [`InvalidValue`](crate::ErrorKind::InvalidValue) for any other text, and for times that do not fit in 64
/// bits, which wrap around in NumPy. Unlike in NumPy, which accepts them with a warning, time zones (`Z`, `+01:00`) are
/// refused, as are `today`, `now`, and white space.
///
/// ```
/// use mmap_array::element::{DateTime64, unit::{Day, Nanosecond}};
/// assert_eq!("2020-03-05".parse::<DateTime64<Day>>()?.count(), 18326);
/// assert!("".parse::<DateTime64<Day>>()?.is_nat());
/// assert!("2020-02-30".parse::<DateTime64<Day>>().is_err());
/// assert!("3000-01-01".parse::<DateTime64<Nanosecond>>().is_err());
/// # Ok::<(), mmap_array::Error>(())
/// ```
impl<U: Unit, const N: u32> FromStr for DateTime64<U, N> {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text.is_empty() || text.eq_ignore_ascii_case("nat") {
            return Ok(Self::NAT);
        }
        let moment = Moment::parse(text)?;
        match moment.floor(U::UNIT, N) {
            Some(count) => Ok(Self::new(count)),
            None => Err(Error::invalid_value(format!(
                "{text} is outside the range of 64 bits that count {} since 1970",
                units::<U, N>()
            ))),
        }
    }
}

#[cfg(test)]
mod tests;
