//! What a dtype is, in one line, as `told.py` says it too.

use mmap_array::{
    DType,
    dtype::{Endianness, Kind, RecordField, TimeUnit},
};

pub(crate) const PROGRAM: &str = include_str!("told.py");

/// What `told` in `told.py` says of a dtype, said by this crate.
pub(crate) fn told(dtype: &DType) -> String {
    let descr = |dtype: &DType| dtype.descr().unwrap_or_else(|error| panic!("{dtype:?}: {error}"));
    let turned = |order| descr(&dtype.clone().with_endianness(order));
    let (little, big) = (turned(Endianness::Little), turned(Endianness::Big));
    format!("{}\t{}\t{little}\t{big}", descr(dtype), layout(dtype))
}

/// As `layout` in `told.py`.
pub(crate) fn layout(dtype: &DType) -> String {
    let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    let sign = |order: &Endianness| match order {
        Endianness::Little => '<',
        Endianness::Big => '>',
    };
    let itemsize = dtype.itemsize();
    let scalar = match dtype.kind() {
        Kind::Array { element, shape } => return format!("{shape:?}*{}={itemsize}", layout(element)),
        Kind::Record { fields } => {
            let field = |RecordField { name, title, offset, dtype, .. }: &RecordField| {
                let title = title.as_ref().map_or(String::new(), |title| format!("/{}", hex(title)));
                format!("{}{title}@{offset}:{}", hex(name), layout(dtype))
            };
            return format!("{{{}}}={itemsize}", fields.iter().map(field).collect::<Vec<_>>().join(" "));
        }
        Kind::Bool => "b|".into(),
        Kind::Int { size: 1, .. } => "i|".into(),
        Kind::UInt { size: 1, .. } => "u|".into(),
        Kind::Int { order, .. } => format!("i{}", sign(order)),
        Kind::UInt { order, .. } => format!("u{}", sign(order)),
        Kind::Float { order, .. } => format!("f{}", sign(order)),
        Kind::Complex { order, .. } => format!("c{}", sign(order)),
        Kind::Bytes { .. } => "S|".into(),
        Kind::Ucs4 { order, .. } => format!("U{}", sign(order)),
        Kind::Void { .. } => "V|".into(),
        Kind::DateTime64 { unit, count, order } => format!("M{}{count}{}", sign(order), unit_name(*unit)),
        Kind::TimeDelta64 { unit, count, order } => format!("m{}{count}{}", sign(order), unit_name(*unit)),
        other => panic!("{other:?} is new"),
    };
    format!("{scalar}={itemsize}/{}", dtype.alignment())
}

fn unit_name(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Year => "Y",
        TimeUnit::Month => "M",
        TimeUnit::Week => "W",
        TimeUnit::Day => "D",
        TimeUnit::Hour => "h",
        TimeUnit::Minute => "m",
        TimeUnit::Second => "s",
        TimeUnit::Millisecond => "ms",
        TimeUnit::Microsecond => "us",
        TimeUnit::Nanosecond => "ns",
        TimeUnit::Picosecond => "ps",
        TimeUnit::Femtosecond => "fs",
        TimeUnit::Attosecond => "as",
        TimeUnit::Generic => "generic",
    }
}
