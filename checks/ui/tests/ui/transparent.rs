//! Transparent structs that are not simply one field.

use mmap_array::Record;
use std::marker::PhantomData;

#[derive(Record)]
#[repr(transparent)]
struct Unmarked<T>(u64, PhantomData<T>);

#[derive(Record)]
#[repr(transparent)]
struct Named {
    #[record(rename = "metres")]
    value: f64,
}

#[derive(Record)]
#[repr(transparent)]
struct Titled(#[record(title = "metres")] f64);

#[derive(Record)]
#[repr(transparent)]
struct Padding(#[record(pad)] u8);

fn main() {}
