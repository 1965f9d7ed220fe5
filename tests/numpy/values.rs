//! Element types, with values that are hard to keep, and the words by which `records.py` tells them.

use bytemuck::Pod;
use mmap_array::element::unit::Unit;
use mmap_array::{
    Element,
    dtype::TimeUnit,
    element::{Bool, ByteOrder, Bytes, DateTime64, Endian, Scalar, TimeDelta64, Ucs4, Void},
};

/// An element whose values both sides can tell exactly.
pub(crate) trait Value: Element + Pod {
    /// Adds a word for each number, text or time in it.
    fn tell(&self, words: &mut Vec<String>);

    /// The edges of what the type can hold, and what gets lost on the way to text.
    fn samples() -> Vec<Self>;
}

/// The sample of a row; they come again and again.
pub(crate) fn sample<T: Value>(row: usize) -> T {
    let samples = T::samples();
    samples[row % samples.len()]
}

macro_rules! integers {
    ($($integer:ty)*) => {$(
        impl Value for $integer {
            fn tell(&self, words: &mut Vec<String>) {
                words.push(self.to_string());
            }

            fn samples() -> Vec<Self> {
                vec![Self::MIN, Self::MAX, 0, 1, Self::MAX / 3, Self::MAX - 1]
            }
        }
    )*};
}
integers!(i8 i16 i32 i64 u8 u16 u32 u64);

/// Floats are told by their bits.
macro_rules! floats {
    ($($float:ty: $bits:ty),*) => {$(
        impl Value for $float {
            fn tell(&self, words: &mut Vec<String>) {
                words.push(format!("{:x}", self.to_bits()));
            }

            fn samples() -> Vec<Self> {
                let nan = Self::NAN.to_bits();
                let sign = !(<$bits>::MAX >> 1);
                // The least numbers that there are, -0, and NaNs, one with something in it.
                let odd = [1, sign | 1, sign, nan, nan | sign, nan | 5].map(Self::from_bits);
                [Self::INFINITY, -Self::INFINITY, Self::MAX, Self::MIN, Self::EPSILON].into_iter().chain(odd).collect()
            }
        }
    )*};
}
floats!(f32: u32, f64: u64);
#[cfg(feature = "half")]
floats!(half::f16: u16);

#[cfg(feature = "num-complex")]
macro_rules! complex {
    ($($float:ty)*) => {$(
        impl Value for num_complex::Complex<$float> {
            fn tell(&self, words: &mut Vec<String>) {
                self.re.tell(words);
                self.im.tell(words);
            }

            fn samples() -> Vec<Self> {
                let parts = <$float>::samples();
                parts.iter().zip(parts.iter().rev()).map(|(&re, &im)| Self::new(re, im)).collect()
            }
        }
    )*};
}
#[cfg(feature = "num-complex")]
complex!(f32 f64);

impl Value for Bool {
    fn tell(&self, words: &mut Vec<String>) {
        words.push(self.to_string());
    }

    fn samples() -> Vec<Self> {
        [true, false, true].map(Self::from).to_vec()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl<const N: usize> Value for Bytes<N> {
    fn tell(&self, words: &mut Vec<String>) {
        words.push(hex(self.as_bytes()));
    }

    fn samples() -> Vec<Self> {
        let texts: [&[u8]; 8] = [b"", b"z", b"\xfe", b"\0z", b"z\0y", b"zy\0\0", b"'\"\\\n", &[b'm'; N]];
        texts.into_iter().filter_map(|text| Self::new(text).ok()).collect()
    }
}

impl<const N: usize> Value for Ucs4<N> {
    fn tell(&self, words: &mut Vec<String>) {
        words.push(self.units().iter().map(|unit| format!("{unit:x}")).collect::<Vec<_>>().join("."));
    }

    fn samples() -> Vec<Self> {
        let texts = ["", "ß", "語", "\0z", "z\0y", "zy\0", "\u{10ffff}"].map(Self::new);
        // Halves of surrogate pairs, which no Rust string holds.
        texts.into_iter().filter_map(Result::ok).chain([[0xdfff; N], [0xd800; N]].map(Self::from)).collect()
    }
}

impl<const N: usize> Value for Void<N> {
    fn tell(&self, words: &mut Vec<String>) {
        words.push(hex(self.as_bytes()));
    }

    fn samples() -> Vec<Self> {
        [[0; N], [0xff; N], std::array::from_fn(|i| 1 << (i % 8)), std::array::from_fn(|i| u8::from(i == 0))]
            .map(Self::from)
            .to_vec()
    }
}

/// The number that is stored and, but for times of no unit, the text.
impl<U: Unit, const N: u32> Value for DateTime64<U, N> {
    fn tell(&self, words: &mut Vec<String>) {
        words.push(match U::UNIT {
            TimeUnit::Generic => self.count().to_string(),
            _ => format!("{}={self}", self.count()),
        });
    }

    fn samples() -> Vec<Self> {
        [0, 1, -1, i64::MIN, 50, -50].map(Self::new).to_vec()
    }
}

impl<U: Unit, const N: u32> Value for TimeDelta64<U, N> {
    fn tell(&self, words: &mut Vec<String>) {
        words.push(format!("{}={self}", self.count()));
    }

    fn samples() -> Vec<Self> {
        [0, 1, -1, i64::MIN, 50, -50].map(Self::new).to_vec()
    }
}

impl<T: Scalar + Value, E: ByteOrder + 'static> Value for Endian<T, E> {
    fn tell(&self, words: &mut Vec<String>) {
        self.get().tell(words);
    }

    fn samples() -> Vec<Self> {
        T::samples().into_iter().map(Self::new).collect()
    }
}

impl<T: Value, const N: usize> Value for [T; N] {
    fn tell(&self, words: &mut Vec<String>) {
        self.iter().for_each(|value| value.tell(words));
    }

    fn samples() -> Vec<Self> {
        let mut values = T::samples().into_iter().cycle();
        (0..T::samples().len()).map(|_| std::array::from_fn(|_| values.next().unwrap())).collect()
    }
}
