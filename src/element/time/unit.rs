//! The units that [`DateTime64`](crate::element::DateTime64) and [`TimeDelta64`](crate::element::TimeDelta64) count in,
//! as types.

use crate::dtype::TimeUnit;

/// A unit of time. The trait is sealed; its types are NumPy's units.
///
/// ```
/// use mmap_array::{dtype::TimeUnit, element::unit::{Nanosecond, Unit}};
/// assert_eq!(Nanosecond::UNIT, TimeUnit::Nanosecond);
/// ```
pub trait Unit: Copy + Send + Sync + 'static + sealed::Sealed {
    /// The unit as a value.
    const UNIT: TimeUnit;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! units {
    ($($unit:ident $doc:literal)*) => {$(
        #[doc = $doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $unit {}

        impl sealed::Sealed for $unit {}
        impl Unit for $unit {
            const UNIT: TimeUnit = TimeUnit::$unit;
        }
    )*};
}
units! {
    Year "Years of the calendar: `Y`."
    Month "Months of the calendar: `M`."
    Week "Weeks of 7 days, which begin on Thursdays, as 1970 did: `W`."
    Day "Days of 86,400 seconds: `D`."
    Hour "Hours: `h`."
    Minute "Minutes: `m`."
    Second "Seconds: `s`."
    Millisecond "Thousandths of a second: `ms`."
    Microsecond "Millionths of a second: `us`."
    Nanosecond "10⁻⁹ seconds: `ns`."
    Picosecond "10⁻¹² seconds: `ps`."
    Femtosecond "10⁻¹⁵ seconds: `fs`."
    Attosecond "10⁻¹⁸ seconds: `as`."
    Generic "No unit, only numbers: NumPy's `M8` without brackets."
}
