//! Archives with a member that any method has compressed.

use mmap_array::npz::Writer;
use std::fs;
use std::path::PathBuf;

/// An archive with a member of so many bytes that are compressed by a method, and an array behind it.
pub(crate) fn archive(method: u16, compressed: &[u8], size: u32, crc: u32) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let (name, stored) = (&b"member"[..], compressed.len() as u32);
    let fields = |offset: Option<u32>| {
        let mut fields = [&20_u16.to_le_bytes()[..], &[0; 2], &method.to_le_bytes(), &[0, 0, 0x21, 0]].concat();
        [crc, stored, size].iter().for_each(|number| fields.extend(number.to_le_bytes()));
        fields.extend((name.len() as u32).to_le_bytes());
        if let Some(offset) = offset {
            fields.extend([0; 10]);
            fields.extend(offset.to_le_bytes());
        }
        [&fields, name].concat()
    };
    let local = [&b"PK\x03\x04"[..], &fields(None), compressed].concat();
    let directory = [&b"PK\x01\x02\x14\0"[..], &fields(Some(0))].concat();
    let mut end = b"PK\x05\x06\0\0\0\0\x01\0\x01\0".to_vec();
    [directory.len(), local.len()].iter().for_each(|&number| end.extend((number as u32).to_le_bytes()));
    fs::write(&path, [&local[..], &directory, &end, &[0; 2]].concat()).unwrap();
    let mut writer = Writer::append(&path).unwrap();
    writer.add("x", &7_u8).unwrap();
    writer.finish().unwrap();
    (folder, path)
}

/// The checksum of the 3,000 bytes that are compressed below.
#[cfg(any(feature = "bzip2", feature = "lzma-rust2", feature = "ruzstd"))]
pub(crate) const CRC: u32 = 0xd1d0_a32a;

#[cfg(any(feature = "bzip2", feature = "lzma-rust2", feature = "ruzstd"))]
pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// A member of LZMA as Python's `zipfile` makes it.
#[cfg(feature = "lzma-rust2")]
pub(crate) const LZMA: &str = "\
    090405005d00008000000067fea04eb001d337286d0a1ae3862b844b388acbc1f4540cd04fc624c6fea025b33dc986d535d947e56a30904b\
    ac6cb60e51537a8df87929b1b435682e0b810f02e420539caa0e36144ac586ffffd7d90000";
