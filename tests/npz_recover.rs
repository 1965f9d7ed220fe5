//! Archives whose directory is lost.
#![cfg(feature = "npz")]

use mmap_array::npz::{Archive, Member, Writer};
use mmap_array::{ErrorKind, MmapArray, npy};
use std::fs;
use std::io::Read;
use std::path::PathBuf;

mod random;
use random::Random;

fn archive() -> (tempfile::TempDir, PathBuf, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let mut writer = Writer::create(&path).unwrap();
    writer.add("x", &vec![[0.5, 1.5], [2.5, 3.5], [4.5, 5.5]]).unwrap();
    writer.add_compressed("é", &(0..10_000_u32).collect::<Vec<_>>()).unwrap();
    writer.add("n", &7_u8).unwrap();
    writer.finish().unwrap();
    let bytes = fs::read(&path).unwrap();
    (folder, path, bytes)
}

fn names(archive: &Archive) -> Vec<&str> {
    archive.members().map(|member| member.name()).collect()
}

/// The offsets of the local headers, and of the directory.
fn places(bytes: &[u8]) -> Vec<usize> {
    let starts = |kind: u8| (0..bytes.len() - 4).filter(move |&at| bytes[at..at + 4] == [b'P', b'K', kind, kind + 1]);
    let directory = starts(1).next().unwrap();
    starts(3).chain([directory]).collect()
}

/// An entry of a zip file by hand, whose sizes are behind it in one of the forms that there are.
fn streamed(name: &str, data: &[u8], signed: bool, long: bool) -> Vec<u8> {
    let mut bytes = b"PK\x03\x04\x14\0\x08\0\0\0\0\0\x21\0".to_vec();
    bytes.extend([0; 12]);
    bytes.extend((name.len() as u16).to_le_bytes());
    bytes.extend([0; 2]);
    bytes.extend(name.as_bytes());
    bytes.extend(data);
    let mut crc = u32::MAX;
    for &byte in data {
        crc ^= u32::from(byte);
        (0..8).for_each(|_| crc = crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 });
    }
    if signed {
        bytes.extend(b"PK\x07\x08");
    }
    bytes.extend((!crc).to_le_bytes());
    for _ in 0..2 {
        match long {
            true => bytes.extend((data.len() as u64).to_le_bytes()),
            false => bytes.extend((data.len() as u32).to_le_bytes()),
        }
    }
    bytes
}

#[test]
fn members_are_found_wherever_the_file_is_cut() {
    let (_folder, path, bytes) = archive();
    let places = places(&bytes);
    assert_eq!(places.len(), 4);
    let all = ["x", "é", "n"];
    for len in (0..bytes.len()).rev().filter(|len| len % 7 == 0 || places.iter().any(|at| at.abs_diff(*len) < 50)) {
        fs::write(&path, &bytes[..len]).unwrap();
        let error = Archive::open(&path).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Archive);
        if len >= 4 {
            let text = error.to_string();
            assert!(text.contains("cut short") && text.contains("`npz::Archive::recover`"), "{len}: {text}");
        }
        let whole = places[1..].iter().filter(|&&end| end <= len).count();
        let archive = Archive::recover(&path);
        if len < 4 {
            assert!(archive.err().unwrap().to_string().contains("not an archive: it contains no header"));
            continue;
        }
        let archive = archive.unwrap();
        assert_eq!(names(&archive), all[..whole], "{len}");
        // The name is whole, and the bytes are not.
        let cut = all.iter().zip(&places).nth(whole).filter(|(name, at)| len >= *at + 30 + name.len() + 4);
        assert_eq!(archive.cut_member(), cut.map(|(name, _)| *name), "{len}");
    }
}

#[test]
fn recovered_members_are_opened_as_others_are() {
    let (_folder, path, bytes) = archive();
    fs::write(&path, &bytes[..bytes.len() - 30]).unwrap();
    let archive = Archive::recover(&path).unwrap();
    assert_eq!((archive.path(), names(&archive), archive.cut_member()), (&*path, vec!["x", "é", "n"], None));
    let x = archive.member("x").unwrap();
    assert_eq!((x.is_stored(), x.size(), x.data_offset().unwrap() % 64), (true, 176, 0));
    // SAFETY: nobody else uses the file.
    let mapped = unsafe { npy::open::<f64>(x) }.unwrap();
    assert_eq!(*mapped, [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]);
    let rows = npy::options::<f64>().rows(1..).open_shared(x).unwrap();
    assert_eq!(rows.read(|view| view.to_vec()).unwrap(), [2.5, 3.5, 4.5, 5.5]);
    let numbers = npy::load::<u32>(archive.member("é").unwrap()).unwrap();
    assert!(numbers.iter().copied().eq(0..10_000));
    assert_eq!(*npy::load::<u8>(archive.member("n").unwrap()).unwrap(), [7]);
    // It is found again in the file, which Windows does not cut while it is mapped.
    if cfg!(not(windows)) {
        let mut shared = npy::options::<f64>().open_shared(x).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 40]).unwrap();
        shared.refresh().unwrap();
        assert_eq!(shared.at([2, 1]).unwrap(), 5.5);
    }
}

#[test]
fn an_archive_that_is_whole_is_recovered_too() {
    let (_folder, path, _) = archive();
    let (open, found) = (Archive::open(&path).unwrap(), Archive::recover(&path).unwrap());
    assert_eq!(names(&open), names(&found));
    for (one, other) in open.members().zip(found.members()) {
        let sizes = |member: Member<'_>| (member.size(), member.compressed_size(), member.is_stored());
        assert_eq!(sizes(one), sizes(other));
        assert!(npy::dyn_options().load(other).is_ok());
    }
    assert_eq!((open.cut_member(), found.cut_member()), (None, None));
}

#[test]
fn members_whose_sizes_are_behind_them_are_found_in_each_form() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    // Data that look like the records that are looked for, and an archive within the archive.
    let inner = streamed("inner", b"inner", true, false);
    let datas =
        [&b""[..], b"1", b"PK\x07\x08", b"PK\x03\x04 PK\x01\x02 PK\x07\x08 and so on", &inner, &[b'P'; 100_000]];
    for (signed, long) in [(true, false), (false, false), (true, true), (false, true)] {
        let parts: Vec<Vec<u8>> = datas.iter().map(|data| streamed("m", data, signed, long)).collect();
        let bytes = parts.concat();
        for cut in [0, 1, 5, 30] {
            fs::write(&path, &bytes[..bytes.len() - cut]).unwrap();
            let archive = Archive::recover(&path).unwrap();
            let read = |member: Member<'_>| {
                let mut bytes = Vec::new();
                member.reader().unwrap().read_to_end(&mut bytes).map(|_| bytes).unwrap()
            };
            let found: Vec<_> = archive.members().map(read).collect();
            let whole = datas.len() - usize::from(cut > 0);
            assert_eq!(found.len(), whole, "{signed} {long} {cut}");
            assert!(found == datas[..whole]);
            assert_eq!(archive.cut_member(), (cut > 0).then_some("m"));
        }
        // Another record follows.
        fs::write(&path, [&bytes[..], b"PK\x03"].concat()).unwrap();
        assert_eq!(Archive::recover(&path).unwrap().members().len(), datas.len());
    }
}

/// What a program leaves that is killed before it writes the sizes into the header.
#[test]
fn a_member_that_was_only_begun_is_not_found() {
    let (_folder, path, bytes) = archive();
    let places = places(&bytes);
    let mut begun = bytes[..places[3] - 1].to_vec();
    begun[places[2] + 14..places[2] + 26].fill(0);
    fs::write(&path, &begun).unwrap();
    let archive = Archive::recover(&path).unwrap();
    assert_eq!((names(&archive), archive.cut_member()), (vec!["x", "é"], Some("n")));
}

#[test]
fn an_archive_to_which_members_were_added_is_recovered() {
    let (_folder, path, _) = archive();
    let mut writer = Writer::append(&path).unwrap();
    writer.remove("n").unwrap();
    writer.add("n", &8_u8).unwrap();
    writer.add("last", &vec![1_u8; 1000]).unwrap();
    writer.finish().unwrap();
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 600]).unwrap();
    // It is not taken for the old archive.
    assert!(Archive::open(&path).err().unwrap().to_string().contains("`npz::Archive::recover`"));
    let archive = Archive::recover(&path).unwrap();
    assert_eq!((names(&archive), archive.cut_member()), (vec!["x", "é", "n", "n"], Some("last")));
    assert_eq!(*npy::load::<u8>(archive.member("n").unwrap()).unwrap(), [8]);
}

#[test]
fn other_data_in_front_of_and_between_members_are_skipped() {
    let (_folder, path, bytes) = archive();
    let places = places(&bytes);
    let middle = [&bytes[..places[1]], &[7; 70_000], b"PK\x03\x04 PK\x03\x04", &bytes[places[1]..places[3]]].concat();
    for front in [&b""[..], b"#!/bin/sh\n", &[0; 100_000], b"PK\x03\x04\xff"] {
        fs::write(&path, [front, &middle].concat()).unwrap();
        let archive = Archive::recover(&path).unwrap();
        assert_eq!(names(&archive), ["x", "é", "n"]);
        assert_eq!(archive.cut_member(), None);
        assert_eq!(*npy::load::<u8>(archive.member("n").unwrap()).unwrap(), [7]);
        assert_eq!(npy::load::<u32>(archive.member("é").unwrap()).unwrap().len(), 10_000);
    }
}

#[test]
fn what_is_no_archive_is_not_recovered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    for bytes in [&b""[..], b"PK", b"PK\x05\x06", b"\x93NUMPY", &[0; 200_000]] {
        fs::write(&path, bytes).unwrap();
        let error = Archive::recover(&path).err().unwrap();
        assert_eq!((error.kind(), error.path()), (ErrorKind::Archive, Some(&*path)));
    }
    assert_eq!(Archive::recover(folder.path()).err().unwrap().kind(), ErrorKind::NotRegularFile);
    assert_eq!(Archive::recover(folder.path().join("none")).err().unwrap().kind(), ErrorKind::Io);
}

#[test]
fn any_file_is_recovered_or_refused() {
    let (folder, _, good) = archive();
    let good = [good, streamed("s", &[1; 500], true, false), streamed("t", &[2; 50], false, true)].concat();
    let path = folder.path().join("b.npz");
    let mut random = Random(5);
    let (mut found, mut loaded) = (0, 0);
    for _ in 0..1500 {
        let mut bytes = good.clone();
        for _ in 0..=random.below(3) {
            let at = random.below(bytes.len() as u64) as usize;
            random.damage(&mut bytes, at, 70);
        }
        fs::write(&path, &bytes).unwrap();
        let Ok(archive) = Archive::recover(&path) else { continue };
        for member in archive.members() {
            found += 1;
            loaded += usize::from(MmapArray::<u8>::options().load(member).is_ok());
        }
    }
    assert!(found > 3000 && loaded > 2500, "{found} found, {loaded} loaded");
}

/// Files that are searched in vain from each of many places take no longer than others of their length.
#[test]
fn what_looks_like_many_records_is_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let descriptors = b"PK\x07\x08".repeat(1 << 18);
    let mut header = streamed("m", b"", true, false);
    header.truncate(31);
    let mut long = header.clone();
    long[6] = 0;
    long[18..26].fill(0xfe);
    let files =
        [[&header[..], &descriptors].concat(), header.repeat(1 << 15), [b"x", &long.repeat(1 << 15)[..]].concat()];
    let begun = std::time::Instant::now();
    for bytes in files {
        fs::write(&path, bytes).unwrap();
        if let Ok(archive) = Archive::recover(&path) {
            assert!(archive.members().len() < 10);
        }
    }
    // Reading 64 KiB for each of them takes minutes.
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}
