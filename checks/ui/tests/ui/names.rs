//! Names and titles that would find two fields.

use mmap_array::Record;

#[derive(Record)]
#[repr(C)]
struct Names {
    x: f32,
    #[record(rename = "x")]
    y: f32,
    #[record(rename = "type")]
    kind: u8,
    r#type: u8,
}

#[derive(Record)]
#[repr(C)]
struct Titles {
    #[record(title = "size")]
    len: u32,
    size: u32,
    #[record(title = "same")]
    same: u32,
    #[record(title = "len")]
    other: u32,
}

#[derive(Record)]
#[repr(C)]
struct Numbered(#[record(rename = "f1")] u8, u8);

fn main() {}
