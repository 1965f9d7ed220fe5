//! Recovers arbitrary bytes as `.npz` archives by the headers of their members, without a panic, in memory that the
//! length of the archive bounds. Members must lie within the archive one behind another, and each is opened in place,
//! loaded and read as a stream, or refused. Of an archive that the bytes describe, one record is damaged: all other
//! members are found.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mmap_array::npz::{Archive, Member};
use mmap_array::{ErrorKind, MmapArray};
use mmap_array_fuzz::{panic_without_limit, within};
use rustix::fs::{MemfdFlags, memfd_create};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

#[path = "../../tests/zip/mod.rs"]
mod zip;

/// The memory that recovering may take: `BYTES` for buffers, and `BYTES_PER_BYTE` for each byte of the archive.
const BYTES: usize = 1 << 20;
const BYTES_PER_BYTE: usize = 400;

/// The memory that decoders may take: blocks of bzip2, and windows of zstd.
const BYTES_OF_DECODER: usize = 150 << 20;

/// The most bytes that are read of a member.
const BYTES_OF_MEMBER: u64 = 1 << 20;

fuzz_target!(init: panic_without_limit(), |input: &[u8]| {
    all_but_one(input);
    let memory = BYTES + BYTES_PER_BYTE * input.len();
    let (_file, path) = file(input);
    let archive = match within(memory, || Archive::recover(&path)) {
        Ok(archive) => archive,
        Err(error) => return assert_eq!(error.kind(), ErrorKind::Archive, "{error}"),
    };
    let mut last = 0;
    for member in archive.members() {
        // SAFETY: the file is this process's alone, and is not written while it is open.
        let mapped = within(memory, || unsafe { MmapArray::<u8>::options().shape(member.size() as usize).open(member) });
        if let Ok(array) = mapped {
            assert!(member.is_stored() && array.len() as u64 == member.compressed_size());
            let start = array.byte_offset() as usize;
            if !array.is_empty() {
                assert_eq!(&*array, &input[start..][..array.len()]);
                assert!(start >= last, "members lie one behind another");
                last = start + array.len();
            }
        }
    }
    for member in archive.members().take(20) {
        let Ok(mut reader) = within(BYTES_OF_DECODER, || member.reader()) else { continue };
        let mut bytes = Vec::new();
        let read = within(BYTES_OF_DECODER, || reader.by_ref().take(BYTES_OF_MEMBER).read_to_end(&mut bytes));
        if read.is_ok() {
            assert!(bytes.len() as u64 <= member.size());
        }
    }
});

/// A file in memory, and a path to it.
fn file(bytes: &[u8]) -> (File, PathBuf) {
    let mut file = File::from(memfd_create("archive.npz", MemfdFlags::CLOEXEC).unwrap());
    file.write_all(bytes).unwrap();
    let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    (file, path)
}

/// Damages an archive that the input describes, a choice by each two bytes, and recovers it.
fn all_but_one(input: &[u8]) {
    let mut choices = input.chunks(2).map(|two| two.iter().fold(0, |number, &byte| number << 8 | u64::from(byte)));
    let Some(damaged) = zip::damaged(&mut |end| choices.next().unwrap_or(0) % end) else { return };
    let (_file, path) = file(&damaged.bytes);
    let read = |path: &Path| {
        let archive = Archive::recover(path).unwrap();
        let read = |member: Member<'_>| {
            let mut bytes = Vec::new();
            let read = member.reader().ok()?.read_to_end(&mut bytes);
            read.is_ok().then(|| (member.name().to_owned(), bytes))
        };
        archive.members().filter_map(read).collect::<Vec<_>>()
    };
    // In their order, whatever is found of the damaged one.
    let found = read(&path);
    let mut rest = found.iter();
    assert!(damaged.whole.iter().all(|member| rest.any(|found| found == member)), "{:?}", damaged.bytes);
}
