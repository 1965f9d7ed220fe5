//! Archives whose directory is lost.
#![cfg(feature = "npz")]

use mmap_array::npz::{Archive, Member, Writer};
use mmap_array::{ErrorKind, MmapArray, npy};
use std::fs;
use std::io::Read;
use std::path::PathBuf;

mod random;
use random::Random;
mod zip;
use zip::Sizes;

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
    zip::entry(name, data, false, Sizes::Behind { signed, long }).bytes
}

/// One with sizes in front of it.
fn stored(name: &str, data: &[u8]) -> Vec<u8> {
    zip::entry(name, data, false, Sizes::InFront { long: false }).bytes
}

/// The names and the bytes of the members that are whole.
fn contents(archive: &Archive) -> Vec<(String, Vec<u8>)> {
    let read = |member: Member<'_>| {
        let mut bytes = Vec::new();
        let read = member.reader().and_then(|mut reader| Ok(reader.read_to_end(&mut bytes)?));
        read.is_ok().then(|| (member.name().to_owned(), bytes))
    };
    archive.members().filter_map(read).collect()
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
        assert!(archive.damaged().eq(cut.map(|(name, _)| *name)), "{len}");
    }
}

#[test]
fn recovered_members_are_opened_as_others_are() {
    let (_folder, path, bytes) = archive();
    fs::write(&path, &bytes[..bytes.len() - 30]).unwrap();
    let archive = Archive::recover(&path).unwrap();
    assert_eq!((archive.path(), names(&archive), archive.damaged().len()), (&*path, vec!["x", "é", "n"], 0));
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
    assert_eq!((open.damaged().len(), found.damaged().len()), (0, 0));
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
            assert!(archive.damaged().eq((cut > 0).then_some("m")));
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
    assert_eq!((names(&archive), archive.damaged().collect()), (vec!["x", "é"], vec!["n"]));
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
    assert_eq!((names(&archive), archive.damaged().collect()), (vec!["x", "é", "n", "n"], vec!["last"]));
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
        assert_eq!(archive.damaged().len(), 0);
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

#[test]
fn a_damaged_size_hides_no_other_member() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    for long in [false, true] {
        for sizes in
            [Sizes::InFront { long }, Sizes::Behind { signed: true, long }, Sizes::Behind { signed: false, long }]
        {
            let entries = ["a", "b", "c"].map(|name| zip::entry(name, &[name.as_bytes()[0]; 300], false, sizes));
            let size = match (sizes, long) {
                (Sizes::InFront { .. }, false) => 18,
                (Sizes::InFront { .. }, true) => 31 + 4,
                (Sizes::Behind { signed, .. }, _) => entries[1].data_end + if signed { 8 } else { 4 },
            };
            for (place, mask) in (0..3).flat_map(|place| (0..8).map(move |bit| (place, 1 << bit))) {
                let mut parts = entries.each_ref().map(|entry| entry.bytes.clone());
                // Both sizes in the same way.
                for at in [size, size + if long { 8 } else { 4 }] {
                    parts[1][at + place] ^= mask;
                }
                fs::write(&path, parts.concat()).unwrap();
                let archive = Archive::recover(&path).unwrap();
                assert_eq!(
                    (names(&archive), archive.damaged().collect()),
                    (vec!["a", "c"], vec!["b"]),
                    "{place} {mask}"
                );
                assert_eq!(contents(&archive).len(), 2);
            }
        }
    }
}

#[test]
fn an_empty_member_in_front_of_padding_hides_no_other_member() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    fs::write(&path, [stored("readme.txt", b""), vec![0; 64], stored("x.npy", b"x")].concat()).unwrap();
    let archive = Archive::recover(&path).unwrap();
    assert_eq!((names(&archive), archive.damaged().collect()), (vec!["x"], vec!["readme.txt"]));
    fs::write(&path, [stored("readme.txt", b""), stored("x.npy", b"x")].concat()).unwrap();
    let archive = Archive::recover(&path).unwrap();
    assert_eq!((names(&archive), archive.damaged().len()), (vec!["readme.txt", "x"], 0));
}

#[test]
fn what_looks_like_a_header_hides_no_member() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let archive = ["a", "b", "c"].map(|name| stored(name, &[7; 300])).concat();
    let mut claims = stored("q", b"");
    // The sizes, and a checksum.
    claims[14..26].copy_from_slice(&[1, 2, 3, 4, 0x58, 2, 0, 0, 0x58, 2, 0, 0]);
    let mut long = claims.clone();
    long[26..30].copy_from_slice(&[0xff, 1, 0xff, 1]);
    let begun = [&claims[..14], &[0; 12], &claims[26..], b"half a member"].concat();
    let mut open = claims.clone();
    open[6] = 8;
    for (junk, damaged) in [(claims, vec!["q"]), (long, vec![]), (begun, vec!["q"]), (open, vec!["q"])] {
        let parts = [&b"#!/bin/sh\n"[..], &junk, b"......", &archive].concat();
        fs::write(&path, parts).unwrap();
        let archive = Archive::recover(&path).unwrap();
        assert_eq!((names(&archive), archive.damaged().collect()), (vec!["a", "b", "c"], damaged));
    }
}

#[test]
fn a_directory_that_is_no_longer_one_hides_no_member() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let old = ["a".to_owned(), "b".to_owned()];
    let members = |names: &[&str]| names.iter().flat_map(|name| stored(name, b"12345")).collect::<Vec<u8>>();
    for at in 0..zip::directory(&old).len() {
        let mut directory = zip::directory(&old);
        directory[at] ^= 0x40;
        fs::write(&path, [members(&["a", "b"]), directory, members(&["n", "m"])].concat()).unwrap();
        let archive = Archive::recover(&path).unwrap();
        assert_eq!((names(&archive), archive.damaged().len()), (vec!["a", "b", "n", "m"], 0), "{at}");
    }
}

#[test]
fn members_of_a_member_are_found_only_if_it_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let inner = [stored("inner", b"1"), streamed("other", b"2", true, false)].concat();
    for sizes in [Sizes::InFront { long: true }, Sizes::Behind { signed: true, long: false }] {
        let outer = zip::entry("outer", &inner, false, sizes);
        // Whatever is behind it: its checksum or its descriptor tells where it ends.
        for behind in [&stored("x", b"3")[..], b"", b"XX\x03\x04", &[0; 100]] {
            fs::write(&path, [&stored("a", b"4"), &outer.bytes, behind].concat()).unwrap();
            let archive = Archive::recover(&path).unwrap();
            assert_eq!(names(&archive)[..2], ["a", "outer"]);
            assert!(!names(&archive).contains(&"inner") && archive.damaged().len() == 0);
            assert_eq!(contents(&archive)[1].1, inner);
        }
        fs::write(&path, &outer.bytes[..outer.data_end - 1]).unwrap();
        let archive = Archive::recover(&path).unwrap();
        assert!(names(&archive).starts_with(&["inner"]) && archive.damaged().next() == Some("outer"));
    }
}

#[test]
fn damage_to_one_record_hides_no_other_member() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let (mut cases, mut told) = (0, 0);
    for seed in 0..3000 {
        let mut random = Random(seed);
        let Some(damaged) = zip::damaged(&mut |end| random.below(end)) else { continue };
        fs::write(&path, &damaged.bytes).unwrap();
        let archive = Archive::recover(&path).unwrap();
        let found = contents(&archive);
        // In their order, whatever is found of the damaged one, which may be readable.
        let mut rest = found.iter();
        let are_found = damaged.whole.iter().all(|member| rest.any(|found| found == member));
        assert!(are_found, "{seed}: {:?}", names(&archive));
        assert!(damaged.is_nested || found.len() <= damaged.whole.len() + 1, "{seed}: {:?}", names(&archive));
        cases += 1;
        told += usize::from(archive.damaged().len() > 0);
    }
    assert!(cases > 2500 && told > 700, "{cases} {told}");
}

#[test]
fn names_of_damaged_members_take_no_more_than_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let mut cut = stored("m", b"");
    cut[18..26].fill(0x7f);
    fs::write(&path, cut.repeat(10_000)).unwrap();
    let archive = Archive::recover(&path).unwrap();
    assert_eq!((archive.members().len(), archive.damaged().len()), (0, 10_000));
    // Names that overlap.
    cut[26..28].fill(0xff);
    fs::write(&path, cut.repeat(10_000)).unwrap();
    let archive = Archive::recover(&path).unwrap();
    assert_eq!(archive.damaged().len(), 0);
}

/// Files that are searched in vain from each of many places take no longer than others of their length.
#[cfg(target_os = "linux")]
#[test]
fn what_looks_like_many_records_is_read_once() {
    let Ok(folder) = tempfile::tempdir_in("/dev/shm") else { return println!("left out: no /dev/shm") };
    let path = folder.path().join("a.npz");
    // What this thread has read: bytes, and how many times.
    let read = || {
        let told = fs::read_to_string("/proc/thread-self/io").unwrap();
        let number = |field| told.lines().find_map(|line| line.strip_prefix(field)).unwrap().parse::<usize>().unwrap();
        ["rchar: ", "syscr: "].map(number)
    };
    let header = |flags: [u8; 2], sizes: [u8; 8], lens: [u8; 4]| {
        let method_and_time = [0; 6];
        [&b"PK\x03\x04\x14\0"[..], &flags, &method_and_time, &sizes[..4], &sizes, &lens].concat()
    };
    let (open, long_name, long) = ([8, 0], [0xff; 4], [0xff; 8]);
    let far = [0, 0, 8, 0, 0, 0, 8, 0];
    let mut units = Vec::new();
    for lens in [[1, 0, 0, 0], [0, 0x40, 0, 0], [0xff, 0xff, 0, 0], [1, 0, 0xff, 0xff], long_name] {
        for (flags, sizes) in [([0, 0], [0; 8]), ([0, 0], far), ([0, 0], long), ([0, 0], [1, 0, 0, 0, 1, 0, 0, 0])] {
            units.push(header(flags, sizes, lens));
        }
        units.push(header(open, [0; 8], lens));
    }
    // Without a zero, which ends a name.
    units.push([&b"PK\x03\x04\x3f\xff\xf7\xf7"[..], &[0xff; 22]].concat());
    units.extend([b"PK\x07\x08".to_vec(), b"PK\x03\x04\0".to_vec(), b"PK\x03\x04".to_vec(), b"PK\x01\x02".to_vec()]);
    units.push(streamed("m", b"", true, false));
    units.push(stored("m", b"1"));
    // Extra fields without content.
    units.push([header([0, 0], long, [1, 0, 0xff, 0xff]), vec![b'q', 0, 0, 0, 0]].concat());
    const LEN: usize = 1 << 19;
    let mut files: Vec<Vec<u8>> = units.iter().map(|unit| unit.repeat(LEN / unit.len())).collect();
    for seed in 0..30 {
        let mut random = Random(seed);
        let some: Vec<&Vec<u8>> =
            (0..2 + seed % 5).map(|_| &units[random.below(units.len() as u64) as usize]).collect();
        let mut bytes = Vec::new();
        while bytes.len() < LEN {
            bytes.extend(some[random.below(some.len() as u64) as usize]);
        }
        files.push(bytes);
    }
    // Members one within another, each with a descriptor of its own, the innermost first.
    let mut nested = Vec::new();
    let headers = 60_000 / 30;
    for _ in 0..LEN / 130_000 {
        let start = nested.len();
        for index in 0..headers {
            // All names end near the end of the headers.
            let len = ((headers - index) * 30 + 40) as u16;
            nested.extend(header(open, [0; 8], [len.to_le_bytes()[0], len.to_le_bytes()[1], (index % 200) as u8, 0]));
        }
        nested.extend([0; 300]);
        for index in (0..headers).rev() {
            let begin = start + headers * 30 + 70 + index % 200;
            let size = ((nested.len() - begin) as u32).to_le_bytes();
            nested.extend([&b"PK\x07\x08"[..], &[0; 4], &size, &size].concat());
        }
    }
    files.push(nested);
    for (index, bytes) in files.iter().enumerate() {
        for front in [&b""[..], b"x"] {
            fs::write(&path, [front, bytes].concat()).unwrap();
            let before = read();
            let archive = Archive::recover(&path);
            let after = read();
            let (count, times) = (after[0] - before[0], after[1] - before[1]);
            // The window, a checksum, and four bytes for each header.
            assert!(count < 10 * LEN + (1 << 20) && times < LEN / 20, "{index}: {count} bytes are read, {times} times");
            if let Ok(archive) = archive {
                let names = archive.members().map(|member| member.name()).chain(archive.damaged());
                assert!(names.map(|name| name.chars().count()).sum::<usize>() < LEN, "{index}");
            }
        }
    }
}
