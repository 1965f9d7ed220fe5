//! What members of archives are besides stored and deflated arrays: other data, and what other methods have compressed.
#![cfg(feature = "npz")]

use mmap_array::npz::{Archive, Member, Writer};
use mmap_array::{ErrorKind, MmapArray, npy};
#[cfg(any(feature = "bzip2", feature = "lzma-rust2", feature = "ruzstd"))]
use std::fs;
use std::io::Read;
#[cfg(any(feature = "bzip2", feature = "lzma-rust2", feature = "ruzstd"))]
use std::path::PathBuf;

mod compressed;
#[cfg(feature = "lzma-rust2")]
use compressed::LZMA;
use compressed::archive;
#[cfg(any(feature = "bzip2", feature = "lzma-rust2", feature = "ruzstd"))]
use compressed::{CRC, bytes};
#[cfg(any(feature = "bzip2", feature = "lzma-rust2", feature = "ruzstd"))]
mod random;
#[cfg(any(feature = "bzip2", feature = "lzma-rust2", feature = "ruzstd"))]
use random::Random;

fn read(member: Member<'_>) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    member.reader()?.read_to_end(&mut bytes).map(|_| bytes)
}

#[test]
fn members_that_are_no_arrays_are_read_as_bytes() {
    let text = b"a text, which is no array";
    let (_folder, path) = archive(0, text, text.len() as u32, 0x4b9d_d025);
    let archive = Archive::open(&path).unwrap();
    let (member, x) = (archive.member("member").unwrap(), archive.member("x").unwrap());
    assert_eq!((member.is_npy().unwrap(), x.is_npy().unwrap()), (false, true));
    assert_eq!((member.compression(), member.is_stored()), ("stored".to_owned(), true));
    assert_eq!(read(member).unwrap(), text);
    // Mapped, and in windows.
    let mapped = MmapArray::<u8>::options().open_shared(member).unwrap();
    assert_eq!(mapped.read(|view| view.to_vec()).unwrap(), text);
    let window = MmapArray::<u8>::options().offset(2).shape(4).open_shared(member).unwrap();
    assert_eq!(window.read(|view| view.to_vec()).unwrap(), b"text");
    // SAFETY: nobody else uses the file.
    let fives = unsafe { MmapArray::<[u8; 5]>::options().open(member) }.unwrap();
    assert_eq!(*fives, [*b"a tex", *b"t, wh", *b"ich i", *b"s no ", *b"array"]);
    assert_eq!(*MmapArray::<u8>::options().load(member).unwrap(), *text);
    assert_eq!(*MmapArray::<u8>::options().offset(20).load(member).unwrap(), *b"array");
    let beyond = MmapArray::<u8>::options().offset(20).shape(6).open_shared(member).unwrap_err();
    assert_eq!(beyond.kind(), ErrorKind::PastEnd, "{beyond}");
    // An array is bytes as well: its header and its elements.
    assert_eq!(MmapArray::<u8>::options().load(x).unwrap().len(), 129);
    let error = npy::load::<u8>(member).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Header);
    assert!(MmapArray::<u8>::options().load(member).is_ok());
}

#[test]
fn deflated_members_are_read_as_bytes_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let mut writer = Writer::create(&path).unwrap();
    writer.add_compressed("x", &vec![7_u8; 10_000]).unwrap();
    writer.finish().unwrap();
    let archive = Archive::open(&path).unwrap();
    let x = archive.member("x").unwrap();
    assert_eq!((x.compression(), x.is_npy().unwrap(), x.size()), ("deflate".to_owned(), true, 10_128));
    assert_eq!(*MmapArray::<u8>::options().offset(10_120).load(x).unwrap(), [7; 8]);
    assert_eq!(MmapArray::<u8>::options().open_shared(x).unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn a_method_without_its_feature_names_it() {
    for (method, name, feature, is_there) in [
        (12, "bzip2", "bzip2", cfg!(feature = "bzip2")),
        (14, "lzma", "lzma-rust2", cfg!(feature = "lzma-rust2")),
        (93, "zstd", "ruzstd", cfg!(feature = "ruzstd")),
    ] {
        let (_folder, path) = archive(method, b"compressed", 10, 0);
        let archive = Archive::open(&path).unwrap();
        let member = archive.member("member").unwrap();
        assert_eq!(member.compression(), name);
        let error = read(member).unwrap_err().to_string();
        let expected = format!("it is compressed by {name}: enable the feature `{feature}` of this crate to read it");
        assert!(is_there || error.contains(&expected), "{error}");
        assert!(!is_there || !error.contains("feature"), "{error}");
    }
    let (_folder, path) = archive(98, b"compressed", 10, 0);
    let archive = Archive::open(&path).unwrap();
    let member = archive.member("member").unwrap();
    assert_eq!(member.compression(), "method 98");
    let error = member.is_npy().unwrap_err();
    assert!(error.kind() == ErrorKind::Archive && error.to_string().contains("compressed by method 98"), "{error}");
}

/// What each of the methods makes of it that are read here.
#[cfg(any(feature = "bzip2", feature = "lzma-rust2", feature = "ruzstd"))]
fn plain() -> Vec<u8> {
    (0..3000_u32).map(|i| (i * i / 7 % 11) as u8).collect()
}

/// Whatever byte is another, the member is read as it was or refused, and so where it is cut short.
#[cfg(any(feature = "bzip2", feature = "lzma-rust2", feature = "ruzstd"))]
#[track_caller]
fn assert_is_read(method: u16, compressed: &[u8], plain: &[u8], crc: u32) {
    let (_folder, path) = archive(method, compressed, plain.len() as u32, crc);
    let archive_of = |path: &PathBuf| Archive::open(path).unwrap();
    let opened = archive_of(&path);
    let member = opened.member("member").unwrap();
    assert!(read(member).unwrap() == plain);
    assert!(*MmapArray::<u8>::options().load(member).unwrap() == *plain);
    assert!(
        *MmapArray::<u8>::options().offset(plain.len() as u64 - 3).load(member).unwrap() == plain[plain.len() - 3..]
    );
    let good = fs::read(&path).unwrap();
    let step = compressed.len().div_ceil(200);
    for at in (36..36 + compressed.len()).step_by(step) {
        for change in [1, 0x80, 0xff] {
            let mut bad = good.clone();
            bad[at] ^= change;
            fs::write(&path, &bad).unwrap();
            match MmapArray::<u8>::options().load(archive_of(&path).member("member").unwrap()) {
                Ok(array) => assert!(*array == *plain, "byte {at}"),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Archive, "{error}"),
            }
        }
    }
    for len in (0..compressed.len()).step_by(step) {
        let (_folder, path) = archive(method, &compressed[..len], plain.len() as u32, crc);
        match MmapArray::<u8>::options().load(archive_of(&path).member("member").unwrap()) {
            // What is cut off is a checksum of the method's own.
            Ok(array) => assert!(*array == *plain && len + 20 > compressed.len(), "{len} bytes"),
            Err(error) => assert!(matches!(error.kind(), ErrorKind::Archive), "{len} bytes: {error}"),
        }
    }
    // More is not read than the directory says.
    let (_folder, path) = archive(method, compressed, plain.len() as u32 - 1, crc);
    let error = MmapArray::<u8>::options().load(archive_of(&path).member("member").unwrap()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Archive), "{error}");
}

/// As `bzip2` makes it.
#[cfg(feature = "bzip2")]
const BZIP2: &str = "\
    425a6839314159265359c6ea8c3800002640007bf0300136811003013552a6d9a2a052a8da9a1b515a8afed42bc2bc2b62bc2b82b6a3551b\
    51a51d09951ed465464560ac15b857a15e1582b42b50af0ac15e15d15d15d856856857615e8560ac15c15c15f0af923f0afc2bb0ac15a15b\
    856e15c15f42b62b0578560ac1582bc2bc2b42b0560ac15c15c15b2382ee48a70a1218dd518700";

#[test]
#[cfg(feature = "bzip2")]
fn members_of_bzip2_are_read() {
    assert_is_read(12, &bytes(BZIP2), &plain(), CRC);
}

#[test]
#[cfg(feature = "lzma-rust2")]
fn members_of_lzma_are_read() {
    assert_is_read(14, &bytes(LZMA), &plain(), CRC);
    // Whatever dictionary is asked for, no more is taken than there are bytes.
    let mut large = bytes(LZMA);
    large[5..9].fill(0xff);
    let (_folder, path) = archive(14, &large, 3000, CRC);
    assert!(read(Archive::open(&path).unwrap().member("member").unwrap()).unwrap() == plain());
}

#[cfg(feature = "ruzstd")]
mod zstd {
    use super::*;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    /// As `zstd` makes it of a file, and of a pipe.
    pub(super) const FRAMES: [&str; 2] = [
        "28b52ffd64b80a85010062c408892122021122128c958bf1c5bce06ea404cd6dfb23606556434f4f664eec415dca81a40200688382afa75cb5\
         07d450fef9",
        "28b52ffd045885010062c408892122021122128c958bf1c5bce06ea404cd6dfb23606556434f4f664eec415dca81a40200688382afa75cb5\
         07d450fef9",
    ];

    #[test]
    fn members_of_zstd_are_read() {
        for frame in FRAMES {
            assert_is_read(93, &bytes(frame), &plain(), CRC);
            // The number that the method had before.
            assert_is_read(20, &bytes(frame), &plain(), CRC);
        }
    }

    #[test]
    fn frames_follow_each_other_and_others_are_skipped() {
        let skipped = [&b"\x50\x2a\x4d\x18\x05\0\0\0"[..], b"hello"].concat();
        let all = [&skipped, &bytes(FRAMES[0])[..], &skipped, &bytes(FRAMES[1]), &skipped].concat();
        let (_folder, path) = archive(93, &all, 6000, 0xb708_ffc4);
        let twice = [plain(), plain()].concat();
        assert!(read(Archive::open(&path).unwrap().member("member").unwrap()).unwrap() == twice);
    }

    #[test]
    fn large_members_are_read_in_parts() {
        let large: Vec<u8> = (0..5_000_000_u32).map(|i| (i / 1000 * 7 % 251) as u8).collect();
        let crc = large.iter().fold(u32::MAX, |crc, &byte| {
            (0..8).fold(crc ^ u32::from(byte), |crc, _| crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
        });
        let compressed = compress_to_vec(&large[..], CompressionLevel::Fastest);
        let (_folder, path) = archive(93, &compressed, large.len() as u32, !crc);
        assert!(
            *MmapArray::<u8>::options().load(Archive::open(&path).unwrap().member("member").unwrap()).unwrap()
                == *large
        );
    }

    #[test]
    fn a_window_that_is_too_large_is_refused() {
        // 256 MiB, and a frame of one part with 2³² bytes.
        for header in [
            &[0x28, 0xb5, 0x2f, 0xfd, 0, 18 << 3, 1, 0, 0][..],
            &[0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0],
        ] {
            let (_folder, path) = archive(93, header, 10, 0);
            let error = read(Archive::open(&path).unwrap().member("member").unwrap()).unwrap_err();
            assert!(error.to_string().contains("is larger than 134217728 bytes"), "{error}");
        }
    }
}

/// Whatever is compressed, it is read or refused, in bounded time and without a panic.
#[test]
#[cfg(any(feature = "bzip2", feature = "lzma-rust2", feature = "ruzstd"))]
fn any_compressed_bytes_are_read_or_refused() {
    let mut state = Random(9);
    let mut random = |end: usize| state.below(end as u64) as usize;
    let members = [
        #[cfg(feature = "bzip2")]
        (12, bytes(BZIP2)),
        #[cfg(feature = "lzma-rust2")]
        (14, bytes(LZMA)),
        #[cfg(feature = "ruzstd")]
        (93, bytes(zstd::FRAMES[0])),
    ];
    let rounds = std::env::var("ROUNDS").map_or(500, |rounds| rounds.parse().unwrap());
    for (method, compressed) in members {
        let (_folder, path) = archive(method, &compressed, 3000, CRC);
        let good = fs::read(&path).unwrap();
        for _ in 0..rounds {
            let mut bad = good.clone();
            for _ in 0..1 + random(4) {
                let at = 36 + random(compressed.len());
                match random(3) {
                    0 => bad[at] ^= 1 << random(8),
                    1 => bad[at] = random(256) as u8,
                    _ => {
                        let end = (at + random(20)).min(36 + compressed.len());
                        bad[at..end].reverse();
                    }
                }
            }
            fs::write(&path, &bad).unwrap();
            let archive = Archive::open(&path).unwrap();
            if let Ok(bytes) = read(archive.member("member").unwrap()) {
                assert!(bytes == plain());
            }
        }
    }
}
