//! Records of every element type and in every layout. Each has its dtype in `records.py`, under its name.

use crate::values::{Value, sample};
use bytemuck::{AnyBitPattern, Pod, Zeroable};
use mmap_array::element::unit::{
    Attosecond, Day, Femtosecond, Generic, Hour, Microsecond, Millisecond, Minute, Month, Nanosecond, Picosecond,
    Second, Week, Year,
};
use mmap_array::{
    Be, Le, Record,
    element::{Bool, Bytes, DateTime64, TimeDelta64, Ucs4, Void},
};

#[derive(Clone, Copy, Zeroable, Pod, Record)]
#[repr(C, packed)]
pub(crate) struct Native {
    truth: Bool,
    i1: i8,
    i2: i16,
    i4: i32,
    i8: i64,
    u1: u8,
    u2: u16,
    u4: u32,
    u8: u64,
    f4: f32,
    f8: f64,
    text: Bytes<5>,
    name: Ucs4<3>,
    raw: Void<3>,
    time: DateTime64<Nanosecond>,
    week: DateTime64<Day, 7>,
    span: TimeDelta64<Millisecond>,
    spans: TimeDelta64<Second, 25>,
    count: TimeDelta64<Generic>,
}

#[derive(Clone, Copy, Zeroable, Pod, Record)]
#[repr(C)]
pub(crate) struct Turned {
    i2: Be<i16>,
    i4: Be<i32>,
    i8: Be<i64>,
    u2: Le<u16>,
    u4: Le<u32>,
    u8: Le<u64>,
    f4: Be<f32>,
    f8: Be<f64>,
    little: Le<f64>,
    name: Be<Ucs4<3>>,
    little_name: Le<Ucs4<2>>,
    time: Be<DateTime64<Microsecond>>,
    span: Le<TimeDelta64<Day>>,
}

#[cfg(all(feature = "half", feature = "num-complex"))]
#[derive(Clone, Copy, Zeroable, Pod, Record)]
#[repr(C, packed)]
pub(crate) struct Optional {
    f2: half::f16,
    c8: num_complex::Complex<f32>,
    c16: num_complex::Complex<f64>,
    big_f2: Be<half::f16>,
    little_c8: Le<num_complex::Complex<f32>>,
    big_c16: Be<num_complex::Complex<f64>>,
    plane: [[num_complex::Complex<f32>; 2]; 2],
}

#[allow(non_snake_case)]
#[derive(Clone, Copy, Zeroable, Pod, Record)]
#[repr(C)]
pub(crate) struct Units {
    Y: DateTime64<Year>,
    M: DateTime64<Month>,
    W: DateTime64<Week>,
    D: DateTime64<Day>,
    h: DateTime64<Hour>,
    m: DateTime64<Minute>,
    s: DateTime64<Second>,
    ms: DateTime64<Millisecond>,
    us: DateTime64<Microsecond>,
    ns: DateTime64<Nanosecond>,
    ps: DateTime64<Picosecond>,
    fs: DateTime64<Femtosecond>,
    r#as: DateTime64<Attosecond>,
    generic: DateTime64<Generic>,
}

#[derive(Clone, Copy, Zeroable, Pod, Record)]
#[repr(C)]
pub(crate) struct Point {
    x: f32,
    y: f32,
}

#[derive(Clone, Copy, Zeroable, Pod, Record)]
#[repr(C)]
pub(crate) struct Inner {
    a: u8,
    #[record(pad)]
    _gap: u8,
    b: u16,
    c: Bytes<3>,
    #[record(pad)]
    _tail: u8,
}

/// Padding of the compiler's, between and behind.
#[derive(Clone, Copy, AnyBitPattern, Record)]
#[repr(C)]
pub(crate) struct Aligned {
    flag: Bool,
    point: Point,
    class: u8,
    name: Ucs4<1>,
    inner: [[Inner; 3]; 2],
    half: i16,
    last: i8,
}

/// The same around 64-bit numbers.
#[derive(Clone, Copy, AnyBitPattern, Record)]
#[repr(C)]
#[cfg_attr(target_arch = "x86", allow(dead_code, reason = "it lies otherwise there"))]
pub(crate) struct Wide {
    flag: Bool,
    time: DateTime64<Second>,
    class: u8,
    value: f64,
    last: i8,
}

#[derive(Clone, Copy, Zeroable, Pod, Record)]
#[repr(C)]
pub(crate) struct Filled {
    id: u16,
    #[record(pad)]
    _gap: [u8; 6],
    value: f64,
    code: Bytes<1>,
    #[record(pad)]
    _tail: [u8; 7],
}

#[derive(Clone, Copy, Zeroable, Pod, Record)]
#[repr(C, packed)]
pub(crate) struct Deep {
    deep: [i32; 2],
    word: Bytes<2>,
}

#[derive(Clone, Copy, Zeroable, Pod, Record)]
#[repr(C, packed)]
pub(crate) struct Pair<T>
where
    T: Copy,
{
    first: T,
    second: T,
}

#[derive(Clone, Copy, Zeroable, Pod, Record)]
#[repr(C, packed)]
pub(crate) struct Outer {
    inner: Deep,
    pair: Pair<i16>,
}

#[derive(Clone, Copy, Zeroable, Pod, Record)]
#[repr(C, packed)]
pub(crate) struct Nested {
    kind: i8,
    point: Point,
    corners: [Point; 2],
    grid: [[u16; 3]; 2],
    cube: [[[Be<f32>; 3]; 1]; 2],
    lattice: [[[Point; 2]; 2]; 1],
    none: [[[f64; 3]; 0]; 2],
    outer: Outer,
}

#[derive(Clone, Copy, Zeroable, Pod, Record)]
#[repr(C)]
pub(crate) struct Titled {
    #[record(title = "flux density in W/m²")]
    flux: f32,
    #[record(title = "")]
    id: u32,
    #[record(rename = "p", title = "it's \"both\"")]
    point: Point,
}

#[derive(Clone, Copy, Zeroable, Pod, Record)]
#[repr(C)]
pub(crate) struct Named {
    #[record(rename = "it's")]
    single: i16,
    #[record(rename = "say \"hi\"")]
    double: i16,
    #[record(rename = "both'\"")]
    both: i16,
    #[record(rename = "back\\slash")]
    backslash: i16,
    #[record(rename = "tab\tand\nline")]
    control: i16,
    #[record(rename = "point.x")]
    dotted: i16,
    #[record(rename = "température °C")]
    latin: i16,
    語: i16,
    #[record(rename = " ")]
    space: i16,
    #[record(rename = "\0")]
    nul: i16,
}

#[derive(Clone, Copy, AnyBitPattern, Record)]
#[repr(C, packed(2))]
pub(crate) struct Halved(u8, u64, u8);

#[derive(Clone, Copy, Zeroable, Pod, Record)]
#[repr(transparent)]
pub(crate) struct Metres(f32);

#[derive(Clone, Copy, Zeroable, Pod, Record)]
#[repr(C)]
pub(crate) struct Numbered(u8, #[record(pad)] [u8; 3], u32, #[record(rename = "last")] Metres, [i16; 2]);

/// What is told of the records inside others, and what is written into them.
macro_rules! parts {
    ($($record:ty { $($field:tt)* })*) => {$(
        impl Value for $record {
            fn tell(&self, words: &mut Vec<String>) {
                $({ self.$field }.tell(words);)*
            }

            fn samples() -> Vec<Self> {
                let sampled = |row| {
                    let mut record = Self::zeroed();
                    $(record.$field = sample(row);)*
                    record
                };
                (0..7).map(sampled).collect()
            }
        }
    )*};
}
parts! {
    Point { x y }
    Inner { a b c }
    Deep { deep word }
    Pair<i16> { first second }
    Outer { inner pair }
    Metres { 0 }
}
