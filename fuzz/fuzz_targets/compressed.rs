//! Loads arbitrary bytes as compressed `.npy` files, without a panic and in bounded memory. What loads is the array
//! that is in the decompressed bytes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mmap_array::npy;
use mmap_array_fuzz::{panic_without_limit, within};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::path::PathBuf;

/// Twice the largest window that a frame of Zstandard may have, its blocks, and the buffers.
const MEMORY: usize = (256 << 20) + (4 << 20);

/// The maximum number of decompressed bytes that are looked at.
const MOST: u64 = 1 << 20;

fuzz_target!(init: panic_without_limit(), |input: &[u8]| {
    let Some((&kind, rest)) = input.split_first() else { return };
    // Otherwise few inputs would get beyond the first bytes.
    let magic: &[u8] = if kind % 2 == 0 { &[0x1f, 0x8b, 8, 0] } else { &[0x28, 0xb5, 0x2f, 0xfd] };
    let mut file =
        File::from(rustix::fs::memfd_create("array.npy", rustix::fs::MemfdFlags::CLOEXEC).unwrap());
    file.write_all(magic).unwrap();
    file.write_all(rest).unwrap();
    let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    let header = within(MEMORY, || npy::header(&path));
    let mut bytes = Vec::new();
    let read = within(MEMORY, || npy::reader(&path).unwrap().take(MOST).read_to_end(&mut bytes));
    if let Ok(header) = &header {
        assert_eq!(npy::Header::read(&mut &bytes[..]).unwrap(), *header);
    }
    // Of what is longer than is looked at, nothing is known.
    if bytes.len() as u64 == MOST {
        return;
    }
    let loaded = within(MEMORY, || npy::dyn_options().load(&path));
    match (read, loaded) {
        (Ok(_), Ok(array)) => {
            let header = header.unwrap();
            let start = header.data_offset() as usize;
            assert_eq!(array.as_bytes().unwrap(), &bytes[start..start + header.nbytes() as usize]);
        }
        (Ok(_), Err(error)) => assert!(npy::dyn_options().load_from(&bytes[..]).is_err(), "{error}"),
        // What follows the array is read too, for the checksum.
        (Err(error), Ok(_)) => panic!("the array loads, but the file cannot be decompressed: {error}"),
        (Err(_), Err(_)) => {}
    }
});
