//! Opens arbitrary bytes as tar archives. Each member is opened in place, loaded and read as a stream, or refused,
//! without a panic, in memory that the length of the archive bounds. A mapped member must lie within the archive, and
//! results that succeed must be the same bytes.
//!
//! The checksums of headers in the formats of USTAR and GNU tar are corrected first, because the fuzzer would hardly
//! find them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mmap_array::tar::{Archive, Member};
use mmap_array::{ErrorKind, MmapArray, npy};
use mmap_array_fuzz::{panic_without_limit, within};
use rustix::fs::{MemfdFlags, memfd_create};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::path::PathBuf;

/// The memory that opening, or reading a stream, may take: `BYTES` for buffers, and `BYTES_PER_BYTE` for each byte of
/// the archive.
const BYTES: usize = 1 << 20;
const BYTES_PER_BYTE: usize = 400;

/// The memory that creating a text may take.
const BYTES_OF_TEXT: usize = 64 << 20;

fuzz_target!(init: panic_without_limit(), |input: &[u8]| {
    let mut input = input.to_vec();
    for block in input.chunks_exact_mut(512).filter(|block| block[257..].starts_with(b"ustar")) {
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    let memory = BYTES + BYTES_PER_BYTE * input.len();
    let mut file = File::from(memfd_create("archive.tar", MemfdFlags::CLOEXEC).unwrap());
    file.write_all(&input).unwrap();
    let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    let archive = match within(memory, || Archive::open(&path)) {
        Ok(archive) => archive,
        Err(error) => {
            return assert!(matches!(error.kind(), ErrorKind::Archive | ErrorKind::Unsupported), "{error}");
        }
    };
    let whole = within(memory, || archive.check());
    let mut end = 0;
    for member in archive.members().take(20) {
        assert!(member.offset() % 512 == 0 && member.offset() >= end + 512, "members follow each other");
        end = member.offset() + member.size();
        assert!(whole.is_err() || end <= input.len() as u64);
        if let Err(error) = within(memory, || archive.member(member.name()).map(drop)) {
            assert!(matches!(error.kind(), ErrorKind::Archive | ErrorKind::Unsupported), "{error}");
        }
        check(member, &input, memory);
    }
});

fn check(member: Member<'_>, input: &[u8], memory: usize) {
    let start = member.offset() as usize;
    let Some(expected) = input.get(start..).and_then(|rest| rest.get(..usize::try_from(member.size()).ok()?)) else {
        // It is cut.
        assert!(within(memory, || member.reader()).is_err());
        let error = within(memory, || npy::dyn_options().open_shared(member)).unwrap_err();
        return assert_eq!(error.kind(), ErrorKind::Archive, "{error}");
    };
    let mut bytes = Vec::new();
    within(memory, || member.reader().unwrap().read_to_end(&mut bytes)).unwrap();
    assert_eq!(bytes, expected);
    let raw = within(memory, || MmapArray::<u8>::options().load(member)).unwrap();
    assert_eq!(*raw, *expected);
    let header = within(memory, || npy::header(member));
    // SAFETY: the file is this process's alone, and is not written while it is open.
    let mapped = within(memory, || unsafe { npy::dyn_options().open(member) });
    let loaded = within(memory, || npy::dyn_options().load(member));
    assert_eq!(mapped.is_ok(), loaded.is_ok());
    let (Ok(mapped), Ok(loaded)) = (mapped, loaded) else { return };
    let header = header.unwrap();
    assert_eq!((mapped.dtype(), mapped.shape(), mapped.order()), (header.dtype(), header.shape(), header.order()));
    assert_eq!(mapped.byte_offset(), member.offset() + header.data_offset());
    let bytes = mapped.as_bytes().unwrap();
    assert_eq!(bytes, &expected[header.data_offset() as usize..][..bytes.len()]);
    assert_eq!(loaded.as_bytes(), Some(bytes));
    assert_eq!(within(BYTES_OF_TEXT, || loaded.to_string()), within(BYTES_OF_TEXT, || mapped.to_string()));
}
