//! Opens arbitrary bytes as `.npz` archives. Each member is opened in place, loaded and read as a stream, or refused,
//! without a panic, in memory that the length of the archive bounds. A mapped member must lie within the archive, and
//! results that succeed must be the same bytes. Then a member is added to the archive, whose other members must stay as
//! they were.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mmap_array::npz::{Archive, Member, Writer};
use mmap_array::{ErrorKind, npy};
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

/// The memory that decoders may take besides: blocks of bzip2, dictionaries of lzma, and windows of zstd.
const BYTES_OF_DECODER: usize = 150 << 20;

/// The memory that creating a text may take.
const BYTES_OF_TEXT: usize = 64 << 20;

fuzz_target!(init: panic_without_limit(), |input: &[u8]| {
    let memory = BYTES + BYTES_PER_BYTE * input.len();
    let mut file = File::from(memfd_create("archive.npz", MemfdFlags::CLOEXEC).unwrap());
    file.write_all(input).unwrap();
    let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    let archive = match within(memory, || Archive::open(&path)) {
        Ok(archive) => archive,
        Err(error) => return assert_eq!(error.kind(), ErrorKind::Archive, "{error}"),
    };
    for member in archive.members().take(20) {
        check(member, input, memory);
    }
    let names = |archive: &Archive| archive.members().map(|member| member.name().to_owned()).collect::<Vec<_>>();
    let (old, bytes) = (names(&archive), all_bytes(&archive));
    if old.iter().any(|name| name == "added") {
        return;
    }
    let added = within(memory, || {
        let mut writer = Writer::append(&path)?;
        writer.add("added", &7_u8)?;
        writer.finish()
    });
    match added {
        Ok(()) => {
            let archive = Archive::open(&path).unwrap();
            assert_eq!(names(&archive), [&old[..], &["added".to_owned()]].concat());
            assert_eq!(*npy::load::<u8>(archive.member("added").unwrap()).unwrap(), [7]);
            for (before, after) in bytes.into_iter().zip(all_bytes(&archive)) {
                // What reached beyond the members of the old archive may lie within those of the new one.
                assert!(before.is_none() || before == after);
            }
        }
        Err(error) => {
            let mut after = Vec::new();
            File::open(&path).unwrap().read_to_end(&mut after).unwrap();
            assert!(after == input, "{error}");
        }
    }
});

/// The bytes of the first members that can be read.
fn all_bytes(archive: &Archive) -> Vec<Option<Vec<u8>>> {
    let read = |member: Member<'_>| {
        let mut bytes = Vec::new();
        member.reader().ok()?.take(1 << 20).read_to_end(&mut bytes).ok().map(|_| bytes)
    };
    archive.members().take(20).map(read).collect()
}

fn check(member: Member<'_>, input: &[u8], memory: usize) {
    let memory = match &*member.compression() {
        "stored" | "deflate" => memory,
        _ => memory + BYTES_OF_DECODER,
    };
    if member.size() > 16 << 20 {
        // The others are as good, and faster.
        return;
    }
    let streamed = within(memory, || member.reader()).and_then(|mut reader| {
        let mut bytes = Vec::new();
        // Deflate expands a byte to at most 1032 bytes.
        let read = within(memory + 3 * 1032 * input.len(), || reader.read_to_end(&mut bytes));
        Ok((read.is_ok(), bytes))
    });
    let header = within(memory, || member.header());
    // SAFETY: the file is this process's alone, and is not written while it is open.
    let mapped = within(memory, || unsafe { npy::dyn_options().open(member) });
    let loaded = within(memory, || npy::dyn_options().load(member));
    if let Ok(array) = &mapped {
        let header = header.as_ref().unwrap();
        assert!(member.is_stored());
        assert_eq!((array.dtype(), array.shape(), array.order()), (header.dtype(), header.shape(), header.order()));
        assert_eq!(array.byte_offset(), member.data_offset().unwrap());
        let (start, bytes) = (array.byte_offset() as usize, array.as_bytes().unwrap());
        assert_eq!(bytes, &input[start..][..bytes.len()]);
        let text = within(BYTES_OF_TEXT, || array.to_string());
        if let Ok(loaded) = &loaded {
            assert_eq!(within(BYTES_OF_TEXT, || loaded.to_string()), text);
        }
    }
    match loaded {
        Ok(array) => {
            assert!(mapped.is_ok() || !member.is_stored());
            let (read, whole) = streamed.unwrap();
            assert!(read && whole.len() as u64 == member.size(), "what is loaded has been checked");
            let bytes = array.as_bytes().unwrap();
            assert_eq!(bytes, &whole[header.unwrap().data_offset() as usize..][..bytes.len()]);
        }
        Err(error) => assert!(error.to_string().contains("the member"), "{error}"),
    }
}
