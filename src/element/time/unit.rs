//! The units of [`DateTime64`](crate::element::DateTime64) and [`TimeDelta64`](crate::element::TimeDelta64), as types.

use crate::dtype::TimeUnit;

/// A unit of time. The trait is sealed; its implementors are NumPy's units.
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
    Year "Calendar years: `Y`."
    Month "Calendar months: `M`."
    Week "Weeks of 7 days, counted from Thursday, the first day of 1970: `W`."
    Day "Days of 86,400 seconds: `D`."
    Hour "Hours: `h`."
    Minute "Minutes: `m`."
    Second "Seconds: `s`."
    Millisecond "Milliseconds: `ms`."
    Microsecond "Microseconds: `us`."
    Nanosecond "Nanoseconds: `ns`."
    Picosecond "Picoseconds, 10⁻¹² seconds: `ps`."
    Femtosecond "Femtoseconds, 10⁻¹⁵ seconds: `fs`."
    Attosecond "Attoseconds, 10⁻¹⁸ seconds: `as`."
    Generic "No unit: NumPy's `generic`, `M8` without brackets."
}
