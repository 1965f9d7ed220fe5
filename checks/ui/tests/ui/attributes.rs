//! What `#[record(…)]` does not take.

use mmap_array::Record;

#[derive(Record)]
#[repr(C)]
#[record(rename = "Records")]
struct OnStruct {
    x: u8,
}

#[derive(Record)]
#[repr(C)]
#[record(packed)]
struct UnknownOnStruct {
    x: u8,
}

#[derive(Record)]
#[repr(C)]
#[record(crate = "not a path")]
struct NoPath {
    x: u8,
}

#[derive(Record)]
#[repr(C)]
struct OnFields {
    #[record(name = "a")]
    unknown: u8,
    #[record(crate = "mmap_array")]
    of_struct: u8,
    #[record(rename = "")]
    empty: u8,
    #[record(rename = "a", rename = "b")]
    twice: u8,
    #[record(title = "a")]
    #[record(title = "b")]
    twice_apart: u8,
    #[record(pad, rename = "a")]
    padding_renamed: u8,
    #[record(title = "a", pad)]
    padding_titled: u8,
    #[record(rename = 5)]
    no_text: u8,
    #[record(rename)]
    no_value: u8,
    #[record(pad = true)]
    value: u8,
    #[record]
    nothing: u8,
}

fn main() {}
