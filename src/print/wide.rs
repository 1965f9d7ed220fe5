//! Floating-point numbers of more digits than an `f64` has, in decimal, as NumPy's Dragon4 writes them.
//!
//! Their exponents reach thousands, and no type of Rust represents them, so the digits are computed from integers of
//! arbitrary size: the algorithm of Steele and White in NumPy's form (`Dragon4` in `dragon4.c`).

use super::decimal::Decimal;
use std::cmp::Ordering;

/// A floating-point number with a mantissa of up to 128 bits.
#[derive(Clone, Copy, Debug)]
pub struct Wide {
    pub(crate) negative: bool,
    pub(crate) size: Size,
}

/// The magnitude of a number.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Size {
    Nan,
    Infinite,
    /// The mantissa times 2 to the power of the exponent.
    Finite {
        mantissa: u128,
        exponent: i32,
        /// Whether the next smaller number of the type is half as far away as the next larger one.
        uneven: bool,
    },
}

/// The treatment of bits that an `f64` cannot represent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rounding {
    /// Rounds to the nearest number, ties to even.
    Nearest,
    /// Discards the bits. A number that is too large becomes the largest number.
    Truncate,
    /// Sets the last bit to 1, so that a narrower float can be rounded without rounding twice.
    Odd,
}

macro_rules! of_integers {
    ($($integer:ident)*) => {$(
        impl From<$integer> for Wide {
            fn from(integer: $integer) -> Self {
                let mantissa = i128::from(integer).unsigned_abs();
                Self { negative: i128::from(integer) < 0, size: Size::Finite { mantissa, exponent: 0, uneven: false } }
            }
        }
    )*};
}
of_integers!(i8 i16 i32 i64 u8 u16 u32 u64);

impl From<f64> for Wide {
    fn from(number: f64) -> Self {
        let bits = number.to_bits();
        let (exponent, fraction) = ((bits >> 52 & 0x7ff) as i32, bits & ((1 << 52) - 1));
        let mantissa = u128::from(fraction | u64::from(exponent > 0) << 52);
        let size = match number {
            _ if number.is_nan() => Size::Nan,
            _ if number.is_infinite() => Size::Infinite,
            _ => Size::Finite { mantissa, exponent: exponent.max(1) - 1075, uneven: fraction == 0 && exponent > 1 },
        };
        Self { negative: number.is_sign_negative(), size }
    }
}

impl From<f32> for Wide {
    fn from(number: f32) -> Self {
        f64::from(number).into()
    }
}

impl PartialEq for Wide {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Wide {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        /// Returns the key that orders magnitudes: the power of 2 of the first bit, and the bits starting there.
        fn key(size: Size) -> Option<(i32, u128)> {
            match size {
                Size::Nan => None,
                Size::Infinite => Some((i32::MAX, 0)),
                Size::Finite { mantissa: 0, .. } => Some((i32::MIN, 0)),
                Size::Finite { mantissa, exponent, .. } => {
                    Some((exponent + mantissa.ilog2() as i32, mantissa << mantissa.leading_zeros()))
                }
            }
        }
        let (ours, theirs) = (key(self.size)?, key(other.size)?);
        let is_zero = |(power, _): (i32, u128)| power == i32::MIN;
        Some(match (self.negative, other.negative) {
            _ if is_zero(ours) && is_zero(theirs) => Ordering::Equal,
            (false, false) => ours.cmp(&theirs),
            (true, true) => theirs.cmp(&ours),
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
        })
    }
}

impl Wide {
    /// Truncates the number to an integer, saturating at the bounds of `i128`; `None` for NaN.
    pub(crate) fn integer(self) -> Option<i128> {
        let size = match self.size {
            Size::Nan => return None,
            Size::Infinite => i128::MAX.unsigned_abs(),
            Size::Finite { mantissa, exponent, .. } => match u32::try_from(exponent) {
                Ok(up) if up <= mantissa.leading_zeros() => mantissa << up,
                Ok(_) if mantissa > 0 => u128::MAX,
                Ok(_) => 0,
                Err(_) => mantissa.checked_shr(exponent.unsigned_abs()).unwrap_or(0),
            },
        };
        let size = i128::try_from(size).unwrap_or(i128::MAX);
        Some(if self.negative { -size } else { size })
    }

    /// Rounds a number that is not 0 to `digits` binary digits, the last of which has an exponent of at least `least`.
    /// Returns these digits, or one more if rounding carries, and the exponent of the last.
    pub(crate) fn rounded_to(
        mantissa: u128,
        exponent: i32,
        digits: i32,
        least: i32,
        rounding: Rounding,
    ) -> (u128, i32) {
        let last = (mantissa.ilog2() as i32 + exponent - (digits - 1)).max(least);
        let below = last - exponent;
        let (kept, rest, half) = match u32::try_from(below) {
            Err(_) => (mantissa << -below, 0, 1),
            Ok(0) => (mantissa, 0, 1),
            Ok(below @ 1..=127) => (mantissa >> below, mantissa & ((1 << below) - 1), 1 << (below - 1)),
            Ok(128) => (0, mantissa, 1 << 127),
            Ok(_) => (0, 1, 2),
        };
        let up = match rounding {
            Rounding::Nearest => rest > half || (rest == half && kept % 2 == 1),
            Rounding::Truncate => false,
            Rounding::Odd => rest > 0 && kept % 2 == 0,
        };
        (kept + u128::from(up), last)
    }

    pub(crate) fn to_f64(self, rounding: Rounding) -> f64 {
        let size = match self.size {
            Size::Nan => f64::NAN,
            Size::Infinite => f64::INFINITY,
            Size::Finite { mantissa: 0, .. } => 0.0,
            Size::Finite { mantissa, exponent, .. } => {
                let (kept, last) = Self::rounded_to(mantissa, exponent, 53, -1074, rounding);
                // With the bit that no `f64` has, which carries over into the exponent.
                let bits = (i128::from(last + 1074) << 52) + kept as i128;
                let infinite = i128::from(f64::INFINITY.to_bits());
                match (bits < infinite, rounding) {
                    (true, _) => f64::from_bits(bits as u64),
                    (false, Rounding::Nearest) => f64::INFINITY,
                    (false, _) => f64::MAX,
                }
            }
        };
        if self.negative { -size } else { size }
    }

    /// The number of 128 bits that is nearest to 0.0001. It is less than the nearest x87 number, by less than the
    /// distance between two of those.
    pub(super) const TEN_THOUSANDTH: Self = Self {
        negative: false,
        size: Size::Finite { mantissa: 0x1_a36e_2eb1_c432_ca57_a786_c226_809d, exponent: -126, uneven: false },
    };

    pub(super) fn abs(self) -> Self {
        Self { negative: false, ..self }
    }

    /// Returns whether the number is more than 1000 times as large as another. Both must be finite.
    pub(super) fn is_beyond_thousand_times(self, other: Self) -> bool {
        let size = match other.size {
            // There is room for ten bits more.
            Size::Finite { mantissa, exponent, uneven } => {
                Size::Finite { mantissa: mantissa.saturating_mul(1000), exponent, uneven }
            }
            size => size,
        };
        self > Self { size, ..other }
    }

    /// Returns an `f64` that replaces the number in comparisons with `f64`s: a number that is too small becomes the
    /// smallest, and one that is too large becomes the largest.
    pub(super) fn stand_in(self) -> f64 {
        let value = self.to_f64(Rounding::Truncate);
        match self.size {
            Size::Finite { mantissa: 1.., .. } if value == 0.0 => f64::from_bits(1).copysign(value),
            _ => value,
        }
    }

    /// Returns the shortest text that distinguishes the number from all others of its type.
    pub(super) fn shortest(self, exponential: bool) -> Decimal {
        self.decimal(exponential, Scaled::shortest)
    }

    /// Returns the number with `places` digits after the point.
    pub(super) fn rounded(self, exponential: bool, places: usize) -> Decimal {
        self.decimal(exponential, |scaled| {
            let places = i32::try_from(places).unwrap_or(i32::MAX);
            let whole = if exponential { 1 } else { scaled.first + 1 };
            scaled.rounded(places.saturating_add(whole))
        })
    }

    /// Places the digits that `find` returns, with the power of ten of the first, around a point.
    fn decimal(self, exponential: bool, find: impl FnOnce(Scaled) -> (Vec<u8>, i32)) -> Decimal {
        let (digits, first) = match self.size {
            Size::Finite { mantissa: mantissa @ 1.., exponent, uneven } => {
                find(Scaled::new(mantissa, exponent, uneven))
            }
            _ => (Vec::new(), 0),
        };
        let digit = |power: i32| {
            let place = usize::try_from(first - power).ok();
            char::from(b'0' + place.and_then(|place| digits.get(place)).copied().unwrap_or(0))
        };
        let last = first + 1 - digits.len() as i32;
        let mut whole = String::from(if self.negative { "-" } else { "" });
        if exponential {
            whole.push(digit(first));
            return Decimal { whole, fraction: (last..first).rev().map(digit).collect(), exponent: first };
        }
        whole.extend((0..=first.max(0)).rev().map(digit));
        Decimal { whole, fraction: (last..0).rev().map(digit).collect(), exponent: 0 }
    }
}

/// A number as a fraction, and its distances to the midpoints between it and the adjacent numbers.
struct Scaled {
    /// The number divided by 10 to the power of `first`, times `one`.
    value: Large,
    one: Large,
    below: Large,
    above: Large,
    /// Whether the midpoints round to this number.
    even: bool,
    /// The power of ten of the first digit.
    first: i32,
}

impl Scaled {
    /// Creates the fraction of a number whose mantissa is not 0.
    fn new(mantissa: u128, exponent: i32, uneven: bool) -> Self {
        let (up, down) = (exponent.max(0).unsigned_abs(), exponent.min(0).unsigned_abs());
        // In quarters of the mantissa's last bit.
        let mut value = Large::new(mantissa).shifted(up + 2);
        let mut one = Large::new(4).shifted(down);
        let (mut below, mut above) = (Large::new(if uneven { 1 } else { 2 }).shifted(up), Large::new(2).shifted(up));
        // At most one less than it is.
        let estimate = (mantissa as f64).log10() + f64::from(exponent) * std::f64::consts::LOG10_2 - 1e-9;
        let mut first = estimate.floor() as i32;
        let power = Large::power_of_ten(first.unsigned_abs());
        if first > 0 {
            one = power.product(&one);
        } else {
            [&mut value, &mut below, &mut above].into_iter().for_each(|number| *number = power.product(number));
        }
        let ten = one.times(10);
        if value.compare(&ten).is_ge() {
            (one, first) = (ten, first + 1);
        }
        Self { value, one, below, above, even: mantissa % 2 == 0, first }
    }

    /// Removes the digit before the point and returns it.
    fn digit(&mut self) -> u8 {
        let mut digit = 0;
        while self.value.compare(&self.one).is_ge() {
            self.value.subtract(&self.one);
            digit += 1;
        }
        digit
    }

    fn shortest(mut self) -> (Vec<u8>, i32) {
        let mut digits = Vec::new();
        loop {
            digits.push(self.digit());
            let middle = |order: Ordering| if self.even { order.is_le() } else { order.is_lt() };
            let down = middle(self.value.compare(&self.below));
            let up = middle(self.one.compare(&self.value.plus(&self.above)));
            if down || up {
                let nearest_is_above = self.is_nearer_above(&digits);
                return carried(digits, self.first, if down == up { nearest_is_above } else { up });
            }
            self.value = self.value.times(10);
            self.below = self.below.times(10);
            self.above = self.above.times(10);
        }
    }

    /// Returns `count` digits.
    fn rounded(mut self, count: i32) -> (Vec<u8>, i32) {
        let first = self.first;
        let Ok(count) = usize::try_from(count) else { return (Vec::new(), 0) };
        if count == 0 {
            self.one = self.one.times(10);
            return carried(Vec::new(), first, self.is_nearer_above(&[0]));
        }
        let mut digits = vec![self.digit()];
        while digits.len() < count && !self.value.is_zero() {
            self.value = self.value.times(10);
            digits.push(self.digit());
        }
        let up = self.is_nearer_above(&digits);
        carried(digits, first, up)
    }

    /// Returns whether the remainder after the digits is more than half, or half after an odd digit.
    fn is_nearer_above(&self, digits: &[u8]) -> bool {
        match self.value.times(2).compare(&self.one) {
            Ordering::Less => false,
            Ordering::Equal => digits.last().is_some_and(|digit| digit % 2 == 1),
            Ordering::Greater => true,
        }
    }
}

/// Returns the digits, with the last incremented if they are rounded up, and the power of ten of the first.
fn carried(mut digits: Vec<u8>, first: i32, up: bool) -> (Vec<u8>, i32) {
    if !up {
        return (digits, first);
    }
    while digits.last() == Some(&9) {
        digits.pop();
    }
    match digits.last_mut() {
        Some(digit) => *digit += 1,
        None => return (vec![1], first + 1),
    }
    (digits, first)
}

/// An integer of arbitrary size, in parts of 32 bits, the lowest first and without trailing zeros.
#[derive(Clone)]
struct Large(Vec<u32>);

impl Large {
    fn new(number: u128) -> Self {
        let mut number = Self((0..4).map(|part| (number >> (32 * part)) as u32).collect());
        number.trim();
        number
    }

    fn trim(&mut self) {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }

    fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    fn shifted(&self, bits: u32) -> Self {
        let mut parts = vec![0; (bits / 32) as usize];
        parts.extend_from_slice(&self.0);
        Self(parts).times(1 << (bits % 32))
    }

    fn times(&self, factor: u32) -> Self {
        let mut carry = 0;
        let mut parts = Vec::with_capacity(self.0.len() + 1);
        for &part in &self.0 {
            let product = u64::from(part) * u64::from(factor) + carry;
            parts.push(product as u32);
            carry = product >> 32;
        }
        parts.push(carry as u32);
        let mut product = Self(parts);
        product.trim();
        product
    }

    fn power_of_ten(power: u32) -> Self {
        /// 5 to the power of 13, the largest power of 5 in 32 bits.
        const MANY: u32 = 1_220_703_125;
        let mut fives = Self::new(5_u128.pow(power % 13));
        for _ in 0..power / 13 {
            fives = fives.times(MANY);
        }
        fives.shifted(power)
    }

    fn product(&self, other: &Self) -> Self {
        let parts = other.0.iter().zip(0..).map(|(&part, place)| self.times(part).shifted(32 * place));
        parts.fold(Self(Vec::new()), |sum, part| sum.plus(&part))
    }

    fn plus(&self, other: &Self) -> Self {
        let (mut parts, mut carry) = (Vec::new(), 0);
        for index in 0..self.0.len().max(other.0.len()) {
            let part = |of: &Self| u64::from(of.0.get(index).copied().unwrap_or(0));
            let sum = part(self) + part(other) + carry;
            parts.push(sum as u32);
            carry = sum >> 32;
        }
        parts.push(carry as u32);
        let mut sum = Self(parts);
        sum.trim();
        sum
    }

    /// Subtracts a number that is not greater.
    fn subtract(&mut self, other: &Self) {
        let mut borrow = false;
        for (index, part) in self.0.iter_mut().enumerate() {
            let (less, under) = part.overflowing_sub(other.0.get(index).copied().unwrap_or(0));
            let (less, under_again) = less.overflowing_sub(borrow.into());
            (*part, borrow) = (less, under || under_again);
        }
        self.trim();
    }

    fn compare(&self, other: &Self) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The digits of an `f64` are those that Rust computes.
    #[test]
    fn doubles_are_as_they_are() {
        let mut bits = 1_u64;
        let random = (0..150).map(|_| {
            bits = bits.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            f64::from_bits(bits)
        });
        let powers = (0..52)
            .step_by(7)
            .map(|power| f64::from_bits(1 << power))
            .chain((1..2047).step_by(41).map(|power| f64::from_bits(power << 52)));
        let chosen = [0.5, 9.5, 99.5, 0.1, 1e22, 1e23, 5e-324, f64::MAX, 123_456.5, 0.0009765625, 2.5, 3.5];
        for value in random.chain(powers).chain(chosen).filter(|value| value.is_finite() && *value != 0.0) {
            let wide = Wide::from(value);
            for rounding in [Rounding::Nearest, Rounding::Truncate, Rounding::Odd] {
                assert_eq!(wide.to_f64(rounding), value);
            }
            let text = |decimal: Decimal, exponential: bool| {
                let point = if decimal.fraction.is_empty() { "" } else { "." };
                let exponent = if exponential { format!("e{}", decimal.exponent) } else { String::new() };
                format!("{}{point}{}{exponent}", decimal.whole, decimal.fraction)
            };
            // Of two that are as short and as near, Rust takes the larger, and NumPy the even one.
            for (exponential, rust) in [(true, format!("{value:e}")), (false, format!("{value}"))] {
                let shortest = wide.shortest(exponential);
                let places = shortest.fraction.len();
                let even = if exponential { format!("{value:.places$e}") } else { format!("{value:.places$}") };
                let ours = text(shortest, exponential);
                assert!(ours == rust || (ours == even && ours.len() == rust.len()), "{ours}, not {rust}");
            }
            for places in 0..20 {
                let zeros = |mut decimal: Decimal| {
                    decimal.fraction.extend(std::iter::repeat_n('0', places - decimal.fraction.len()));
                    decimal
                };
                assert_eq!(text(zeros(wide.rounded(true, places)), true), format!("{value:.places$e}"));
                assert_eq!(text(zeros(wide.rounded(false, places)), false), format!("{value:.places$}"), "{value:e}");
            }
        }
    }

    #[test]
    fn what_an_f64_has_no_room_for_is_rounded() {
        let wide = |mantissa: u128, exponent| Wide {
            negative: false,
            size: Size::Finite { mantissa, exponent, uneven: false },
        };
        let all = |number: Wide| [Rounding::Nearest, Rounding::Truncate, Rounding::Odd].map(|how| number.to_f64(how));
        let one = 1_u128 << 63;
        let next = 1.0 + f64::EPSILON;
        assert_eq!(all(wide(one | 1, -63)), [1.0, 1.0, next]);
        assert_eq!(all(wide(one | 1 << 10, -63)), [1.0, 1.0, next]);
        assert_eq!(all(wide(one | 3 << 10, -63)), [1.0 + 2.0 * f64::EPSILON, next, next]);
        assert_eq!(all(wide(u128::MAX, -128)), [1.0, 1.0 - f64::EPSILON / 2.0, 1.0 - f64::EPSILON / 2.0]);
        assert_eq!(all(wide(1, 1024)), [f64::INFINITY, f64::MAX, f64::MAX]);
        assert_eq!(all(wide(1, 16_000)), [f64::INFINITY, f64::MAX, f64::MAX]);
        let least = f64::from_bits(1);
        assert_eq!(all(wide(1, -1075)), [0.0, 0.0, least]);
        assert_eq!(all(wide(3, -1076)), [least, 0.0, least]);
        assert_eq!(all(wide(3, -1075)), [2.0 * least, least, least]);
        assert_eq!(all(wide(1 << 127, -1202)), [0.0, 0.0, least]);
        assert_eq!(all(wide(1 << 127 | 1, -1202)), [least, 0.0, least]);
        assert_eq!(all(wide(1 << 127, -16_000)), [0.0, 0.0, least]);
    }
}
