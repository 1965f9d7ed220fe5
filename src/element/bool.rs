//! Booleans: NumPy's `b1`.

use crate::dtype::{DType, Kind};
use crate::element::number::{self, Number, Ordered};
use crate::element::series::Series;
use crate::element::{Element, scalar};
use bytemuck::{Pod, Zeroable};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Not;

/// A truth value of one byte: NumPy's `b1`. Every byte other than 0 is true.
///
/// ```
/// use mmap_array::{element::Bool, ArrayView};
/// let mask = ArrayView::from_slice(&[0_u8, 1, 255], 3)?.view_as::<Bool>()?;
/// assert!(mask.at([2]).get());
/// assert_eq!(mask.sum(), 2); // how many are true
/// assert_eq!(mask.to_string(), "[False  True  True]");
/// # Ok::<(), mmap_array::Error>(())
/// ```
#[derive(Clone, Copy, Default)]
#[repr(transparent)]
pub struct Bool(u8);

// SAFETY: transparent over a byte.
unsafe impl Zeroable for Bool {}
// SAFETY: as above; `Copy` and 'static.
unsafe impl Pod for Bool {}

impl Element for Bool {
    /// Returns `|b1`.
    fn dtype() -> DType {
        scalar(Kind::Bool, align_of::<Self>())
    }
}

impl Bool {
    /// Returns `true` unless the byte is 0.
    #[inline(always)]
    #[must_use]
    pub fn get(self) -> bool {
        self.0 != 0
    }
}

/// Converts `false` to 0 and `true` to 1.
impl From<bool> for Bool {
    #[inline(always)]
    fn from(truth: bool) -> Self {
        Self(truth.into())
    }
}

impl From<Bool> for bool {
    #[inline(always)]
    fn from(truth: Bool) -> Self {
        truth.get()
    }
}

impl Not for Bool {
    type Output = bool;

    fn not(self) -> bool {
        !self.get()
    }
}

impl PartialEq for Bool {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl PartialEq<bool> for Bool {
    fn eq(&self, other: &bool) -> bool {
        self.get() == *other
    }
}

impl Eq for Bool {}

impl PartialOrd for Bool {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Bool {
    fn cmp(&self, other: &Self) -> Ordering {
        self.get().cmp(&other.get())
    }
}

impl Hash for Bool {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.get().hash(state);
    }
}

/// Formats the value as `true` or `false`. In arrays it is `True` or `False`, as in NumPy.
impl fmt::Display for Bool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.get(), f)
    }
}

impl fmt::Debug for Bool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.get(), f)
    }
}

impl number::sealed::Sealed for Bool {}

/// Conversions from numbers: every number other than 0 is true.
macro_rules! is_not_zero {
    ($($number:ident $from:ident),*) => {$(
        #[inline(always)]
        fn $from(number: $number) -> Self {
            (number != 0 as $number).into()
        }
    )*};
}

impl Number for Bool {
    type Sum = u128;
    type Mean = f64;
    const ZERO: u128 = 0;

    #[inline(always)]
    fn add(a: u128, b: u128) -> u128 {
        a + b
    }

    #[inline(always)]
    fn sum_run(len: usize, run: impl Series<Self>) -> u128 {
        u8::sum_run(len, run.map(|truth: Self| u8::from(truth.get())))
    }

    #[inline(always)]
    fn mean_run(len: usize, run: impl Series<Self>) -> f64 {
        Self::sum_run(len, run) as f64
    }

    number::lane_in_integer!(u64, u64::MAX, |element| element.get());
    number::mean_in_f64!(|element| f64::from(u8::from(element.get())));

    #[inline(always)]
    fn to_number<T: Number>(self) -> T {
        T::of_u8(self.get().into())
    }

    is_not_zero! {
        i8 of_i8, i16 of_i16, i32 of_i32, i64 of_i64,
        u8 of_u8, u16 of_u16, u32 of_u32, u64 of_u64,
        f32 of_f32, f64 of_f64
    }
}

impl Ordered for Bool {
    number::itself!();

    #[inline(always)]
    fn smaller(a: Self, b: Self) -> Self {
        (a.get() & b.get()).into()
    }

    #[inline(always)]
    fn larger(a: Self, b: Self) -> Self {
        (a.get() | b.get()).into()
    }

    #[inline(always)]
    fn is_same(a: Self, b: Self) -> bool {
        a.get() == b.get()
    }
}
