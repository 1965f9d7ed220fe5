//! The memory that archives take, whatever the size of what is in them.
#![cfg(feature = "npz")]

use cap::Cap;
use mmap_array::MmapArray;
use mmap_array::npz::{Archive, Writer};
use std::alloc::System;
use std::fs::File;
use std::io;

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

/// Runs a function that may have so many more bytes at one time than there are now. A larger allocation aborts the
/// test.
fn within<R>(bytes: usize, f: impl FnOnce() -> R) -> R {
    HEAP.set_limit(HEAP.allocated() + bytes).unwrap();
    let result = f();
    HEAP.set_limit(usize::MAX).unwrap();
    result
}

#[test]
fn archives_of_large_arrays_take_less_than_1_mib() {
    const MIB: usize = 1 << 20;
    const LEN: usize = 16 << 20;
    let folder = tempfile::tempdir().unwrap();
    let (path, large) = (folder.path().join("a.npz"), folder.path().join("large"));
    File::create(&large).unwrap().set_len(LEN as u64).unwrap();
    let array = MmapArray::<u8>::options().open_shared(&large).unwrap();
    for append in [false, true] {
        within(MIB, || {
            let mut writer = if append { Writer::append(&path).unwrap() } else { Writer::create(&path).unwrap() };
            let name = |method: &str| format!("{method} {append}");
            writer.add(&name("stored"), &array).unwrap();
            writer.add_compressed(&name("deflated"), &array).unwrap();
            writer.finish().unwrap();
        });
    }
    for open in [Archive::open, Archive::recover] {
        within(MIB, || {
            let archive = open(&path).unwrap();
            assert_eq!(archive.members().len(), 4);
            for member in archive.members() {
                assert!(member.is_npy().unwrap());
                let count = io::copy(&mut member.reader().unwrap(), &mut io::sink()).unwrap();
                assert_eq!(count, 128 + LEN as u64);
            }
        });
    }
}
