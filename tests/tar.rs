//! Tar archives as programs write them, and archives that nobody should have written.
#![cfg(feature = "tar")]

use mmap_array::tar::{Archive, Member};
use mmap_array::{ArrayView, Be, DynArrayMut, ErrorKind, MmapArray, Order, Result, npy};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

mod random;
use random::Random;

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tar");
    (folder, path)
}

fn npy_file(array: &(impl npy::ArrayLike + ?Sized)) -> Vec<u8> {
    let mut bytes = Vec::new();
    npy::save_to(&mut bytes, array).unwrap();
    bytes
}

/// A header, with its checksum.
fn header(name: &str, kind: u8, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.as_old_mut().linkflag[0] = kind;
    header.set_size(size);
    header.set_cksum();
    header
}

/// A member: its header, and its contents with their padding.
fn member(name: &str, kind: u8, contents: &[u8]) -> Vec<u8> {
    let mut bytes = header(name, kind, contents.len() as u64).as_bytes().to_vec();
    bytes.extend(contents);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn pax(kind: u8, records: &[(&str, &str)]) -> Vec<u8> {
    let record = |&(key, value): &(&str, &str)| {
        let rest = key.len() + value.len() + 3;
        let len = (1..8).map(|digits| rest + digits).find(|len| len.to_string().len() + rest == *len).unwrap();
        format!("{len} {key}={value}\n")
    };
    member("pax", kind, records.iter().map(record).collect::<String>().as_bytes())
}

const END: [u8; 1024] = [0; 1024];

fn write(path: &Path, parts: &[&[u8]]) {
    fs::write(path, parts.concat()).unwrap();
}

fn load(member: Member<'_>) -> Result<DynArrayMut> {
    npy::dyn_options().load(member)
}

fn bytes_of(member: Member<'_>) -> Vec<u8> {
    MmapArray::<u8>::options().load(member).unwrap().to_vec()
}

/// An archive of arrays, with the members that the tests below know.
fn archive() -> (tempfile::TempDir, PathBuf) {
    let (folder, path) = folder();
    let mut builder = tar::Builder::new(File::create(&path).unwrap());
    let mut add = |name: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, bytes).unwrap();
    };
    let numbers: Vec<f64> = (0..6).map(f64::from).collect();
    add("x.npy", &npy_file(&ArrayView::from_slice(&numbers, [3, 2]).unwrap()));
    add("n.npy", &npy_file(&ArrayView::from_slice(&[7_u8], ()).unwrap()));
    add("sub/é.npy", &npy_file(&ArrayView::from_slice(&[Be::new(-2_i16); 5], 5).unwrap()));
    add("f.npy", &npy_file(&ArrayView::from_slice(&numbers, [3, 2]).unwrap().t()));
    add("raw", &[0xaa, 1, 0, 2, 0, 3, 0]);
    add("empty", &[]);
    builder.finish().unwrap();
    (folder, path)
}

#[test]
fn members_are_mapped_where_they_are() {
    let (_folder, path) = archive();
    let archive = Archive::open(&path).unwrap();
    archive.check().unwrap();
    let found: Vec<_> = archive.members().map(|member| (member.name(), member.offset(), member.size())).collect();
    let expected = [
        ("x.npy", 512, 176),
        ("n.npy", 1536, 129),
        ("sub/é.npy", 2560, 138),
        ("f.npy", 3584, 176),
        ("raw", 4608, 7),
        ("empty", 5632, 0),
    ];
    assert_eq!((found, archive.path()), (expected.to_vec(), &*path));
    // SAFETY: nobody else uses the file.
    let x = unsafe { npy::open::<f64>(archive.member("x.npy").unwrap()) };
    if cfg!(target_endian = "little") {
        let x = x.unwrap();
        assert_eq!((x.shape(), x.order(), &x[..]), (&[3, 2][..], Order::C, &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0][..]));
        assert_eq!((x.byte_offset(), x.path()), (512 + 128, Some(&*path)));
    }
    let dynamic = npy::dyn_options().open_shared(archive.member("sub/é.npy").unwrap()).unwrap();
    assert_eq!(dynamic.read(|view| view.to_string()).unwrap(), "[-2 -2 -2 -2 -2]");
    assert_eq!(*npy::load::<u8>(archive.member("n.npy").unwrap()).unwrap(), [7]);
    assert_eq!(npy::header(archive.member("f.npy").unwrap()).unwrap().order(), Order::F);
    let debug = format!("{archive:?} {:?}", archive.member("raw").unwrap());
    assert!(debug.contains("members: 6") && debug.contains("name: \"raw\""), "{debug}");
}

#[test]
fn windows_of_members_are_those_of_files() {
    let (_folder, path) = archive();
    let archive = Archive::open(&path).unwrap();
    let (x, f) = (archive.member("x.npy").unwrap(), archive.member("f.npy").unwrap());
    let rows = npy::options::<f64>().rows(1..);
    assert_eq!(rows.open_shared(x).unwrap().read(|view| view.to_vec()).unwrap(), [2.0, 3.0, 4.0, 5.0]);
    assert_eq!(*rows.load(x).unwrap(), [2.0, 3.0, 4.0, 5.0]);
    assert_eq!(*npy::options::<f64>().elements(5..).load(x).unwrap(), [5.0]);
    assert_eq!(*npy::options::<f64>().segment(2, 3).load(x).unwrap(), [4.0, 5.0]);
    assert_eq!(npy::dyn_options().rows(1..).load(f).unwrap().to_string(), "[[1. 3. 5.]]");
    // SAFETY: nobody else uses the file.
    let mapped = unsafe { rows.strided().open(f) }.unwrap();
    assert_eq!(mapped.view().to_vec(), [1.0, 3.0, 5.0]);
    // SAFETY: as above.
    let mut changed = unsafe { npy::options::<f64>().open_cow(x) }.unwrap();
    changed[0] = 9.0;
    assert_eq!(npy::load::<f64>(x).unwrap()[0], 0.0, "the file is unchanged");
    for (error, kind) in [
        (rows.open_shared_mut(x).map(drop).unwrap_err(), ErrorKind::Unsupported),
        (npy::options::<f64>().rows(2..5).load(x).map(drop).unwrap_err(), ErrorKind::OutOfRange),
        (npy::load::<f32>(x).map(drop).unwrap_err(), ErrorKind::DTypeMismatch),
        (npy::options::<f64>().lock_range().load(x).map(drop).unwrap_err(), ErrorKind::Unsupported),
        (load(archive.member("raw").unwrap()).map(drop).unwrap_err(), ErrorKind::Header),
        (load(archive.member("empty").unwrap()).map(drop).unwrap_err(), ErrorKind::Header),
    ] {
        assert_eq!((error.kind(), error.path()), (kind, Some(&*path)), "{error}");
        assert!(error.to_string().contains("a.tar: the member \""), "{error}");
    }
}

#[test]
fn raw_arrays_end_with_their_member() {
    let (_folder, path) = archive();
    let archive = Archive::open(&path).unwrap();
    let (raw, empty) = (archive.member("raw").unwrap(), archive.member("empty").unwrap());
    let words = MmapArray::<mmap_array::Le<u16>>::options();
    assert_eq!(words.offset(1).open_shared(raw).unwrap().read(|view| view.to_native_vec()).unwrap(), [1, 2, 3]);
    assert_eq!(words.offset(1).load(raw).unwrap().view().to_native_vec(), [1, 2, 3]);
    assert_eq!(words.offset(3).shape(1).load(raw).unwrap()[0], 2);
    assert_eq!(bytes_of(raw), [0xaa, 1, 0, 2, 0, 3, 0]);
    for (error, kind) in [
        (words.open_shared(raw).unwrap_err(), ErrorKind::PartialElement),
        (words.shape(4).open_shared(raw).unwrap_err(), ErrorKind::PastEnd),
        (words.offset(8).open_shared(raw).unwrap_err(), ErrorKind::PastEnd),
        (words.offset(u64::MAX).shape(1).open_shared(raw).unwrap_err(), ErrorKind::PastEnd),
    ] {
        assert_eq!(error.kind(), kind, "{error}");
    }
    assert_eq!(words.open_shared(empty).unwrap().shape(), [0]);
    let mut bytes = Vec::new();
    raw.reader().unwrap().read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, bytes_of(raw));
    assert_eq!(std::io::read_to_string(empty.reader().unwrap()).unwrap(), "");
}

#[test]
fn the_last_of_a_name_is_the_one_that_extraction_leaves() {
    let (_folder, path) = folder();
    write(
        &path,
        &[
            &member("a", b'0', b"1"),
            &member("./a", b'7', b"2"),
            &member("b", b'0', b"3"),
            &member("b", b'1', b""),
            &member("c", 0, b"4"),
            &member("c", b'2', b""),
            &member("old/", 0, b""),
            &member("new/", b'5', b""),
            &member("device", b'3', b""),
            &member("other", b'Z', b"contents"),
            &member(".//./d", b'0', b"5"),
            &END,
        ],
    );
    let archive = Archive::open(&path).unwrap();
    archive.check().unwrap();
    let names: Vec<_> = archive.members().map(|member| member.name()).collect();
    assert_eq!(names, ["a", "./a", "b", "c", ".//./d"]);
    assert_eq!(
        (bytes_of(archive.member("a").unwrap()), bytes_of(archive.member("./a").unwrap())),
        (vec![b'2'], vec![b'2'])
    );
    assert_eq!(bytes_of(archive.members().next().unwrap()), b"1", "an earlier one is still in the list");
    assert_eq!(bytes_of(archive.member("d").unwrap()), b"5");
    for (name, expected) in [
        ("b", "the member \"b\": it is a hard link to the member \"\", which is not in front of it"),
        ("c", "it is a symbolic link to \"\""),
        ("old/", "it is a folder"),
        ("new/", "it is a folder"),
        ("device", "it is of the type '3', not a regular file"),
        ("other", "it is of the type 'Z', not a regular file"),
        ("e", "there is no member \"e\"; the members are [\"a\", \"./a\", \"b\", \"c\", \".//./d\"]"),
    ] {
        let error = archive.member(name).unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::Archive, Some(&*path)), "{error}");
        assert!(error.to_string().ends_with(expected), "{error}");
        assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::InvalidInput);
    }
}

#[test]
fn hard_links_lead_to_what_is_in_front_of_them() {
    let (_folder, path) = folder();
    let link = |name: &str, to: &str| {
        let mut link = header(name, b'1', 0);
        link.as_old_mut().linkname[..to.len()].copy_from_slice(to.as_bytes());
        link.set_cksum();
        link.as_bytes().to_vec()
    };
    write(
        &path,
        &[
            &member("a", b'0', b"1"),
            // `tar -cf a.tar a .` writes a file that it meets twice as a link to itself.
            &link("./a", "a"),
            &link("b", "./a"),
            &link("c", "b"),
            &link("early", "late"),
            &member("late", b'0', b"2"),
            &link("late", "early"),
            &member("a", b'0', b"3"),
            &link("d", "a"),
            &member("folder", b'5', b""),
            &link("e", "folder"),
            &END,
        ],
    );
    let archive = Archive::open(&path).unwrap();
    assert_eq!(archive.members().map(bytes_of).collect::<Vec<_>>(), [b"1", b"2", b"3"]);
    for (name, expected) in [("a", b"3"), ("b", b"1"), ("c", b"1"), ("d", b"3")] {
        assert_eq!(bytes_of(archive.member(name).unwrap()), expected, "{name}");
    }
    assert_eq!(archive.member("c").unwrap().name(), "a");
    for (name, expected) in [
        ("early", "the member \"early\": it is a hard link to the member \"late\", which is not in front of it"),
        ("late", "the member \"early\": it is a hard link to the member \"late\", which is not in front of it"),
        ("e", "the member \"folder\": it is a folder"),
    ] {
        assert!(archive.member(name).unwrap_err().to_string().ends_with(expected), "{name}");
    }
}

#[test]
fn the_label_of_a_volume_states_no_size() {
    let (_folder, path) = folder();
    // As `tar -cf a.tar -V label a` writes it.
    let label = patched(header("label", b'V', 0), 124, &[0; 12]);
    write(&path, &[&label, &member("a", b'0', b"1"), &END]);
    let archive = Archive::open(&path).unwrap();
    archive.check().unwrap();
    assert_eq!(archive.members().map(bytes_of).collect::<Vec<_>>(), [b"1"]);
    assert!(archive.member("label").unwrap_err().to_string().ends_with("it is of the type 'V', not a regular file"));
}

#[test]
fn kinds_without_contents_are_not_skipped_by_their_size() {
    let (_folder, path) = folder();
    // As POSIX, Python and libarchive read them: a size of these is not that of contents.
    for kind in b'1'..=b'6' {
        let other = header("other", kind, 700);
        write(&path, &[other.as_bytes(), &member("a", b'0', b"1"), &END]);
        assert_eq!(bytes_of(Archive::open(&path).unwrap().member("a").unwrap()), b"1", "{kind}");
    }
    for kind in [b'7', b'Z', b'0'] {
        write(&path, &[&member("other", kind, &[b'x'; 700]), &member("a", b'0', b"1"), &END]);
        assert_eq!(bytes_of(Archive::open(&path).unwrap().member("a").unwrap()), b"1", "{kind}");
    }
}

#[test]
fn names_come_from_the_header_that_states_them_last() {
    let long = "x/".repeat(200) + "é";
    let (_folder, path) = folder();
    let mut prefixed = tar::Header::new_ustar();
    prefixed.set_path(format!("{}/name", "p".repeat(100))).unwrap();
    prefixed.set_size(1);
    prefixed.set_cksum();
    let long_and_nul = [long.as_bytes(), b"\0\0"].concat();
    let mut not_utf8 = header("", b'0', 1);
    not_utf8.as_old_mut().name[..4].copy_from_slice(b"\xff.\xc3\xa9");
    not_utf8.set_cksum();
    let padded = |bytes: &[u8]| [bytes, b"1", &[0; 511]].concat();
    write(
        &path,
        &[
            &pax(b'g', &[("comment", "abc"), ("mtime", "1.5")]),
            &padded(prefixed.as_bytes()),
            &[member("long", b'L', &long_and_nul), member("cut", b'0', b"1")].concat(),
            &[pax(b'x', &[("path", &long), ("comment", "a=b\n3 c"), ("uid", "7")]), member("cut", b'0', b"1")].concat(),
            &[pax(b'X', &[("path", "solaris")]), member("cut", b'0', b"1")].concat(),
            &[pax(b'x', &[("path", "first"), ("path", "")]), member("header's", b'0', b"1")].concat(),
            &[member("long", b'L', b"gnu"), pax(b'x', &[("path", "pax")]), member("cut", b'0', b"1")].concat(),
            &padded(not_utf8.as_bytes()),
            &[member("link", b'K', b"target"), member("hard", b'1', b"")].concat(),
            &[pax(b'x', &[("linkpath", "to pax")]), member("soft", b'2', b"")].concat(),
            &END,
        ],
    );
    let archive = Archive::open(&path).unwrap();
    archive.check().unwrap();
    let names: Vec<_> = archive.members().map(|member| member.name()).collect();
    let prefixed = "p".repeat(100) + "/name";
    assert_eq!(names, [&prefixed, &long, &long, "solaris", "header's", "pax", "\u{fffd}.é"]);
    assert!(archive.members().all(|member| bytes_of(member) == b"1"));
    assert!(archive.member("hard").unwrap_err().to_string().contains("a hard link to the member \"target\", which"));
    assert!(archive.member("soft").unwrap_err().to_string().ends_with("a symbolic link to \"to pax\""));
}

#[test]
fn sparse_members_are_stepped_over_and_say_what_they_are() {
    let (_folder, path) = folder();
    let mut sparse = header("old", b'S', 700);
    let extended = |more: u8| [&[1_u8; 504][..], &[more; 8]].concat();
    let old = |sparse: &tar::Header, extensions: &[u8]| [sparse.as_bytes(), extensions, &[b'x'; 1024]].concat();
    let plain = old(&sparse, &[]);
    sparse.as_gnu_mut().unwrap().set_is_extended(true);
    sparse.set_cksum();
    let longer = old(&sparse, &[extended(1), extended(1), extended(0)].concat());
    let records = [("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "new")];
    let new =
        [pax(b'x', &[&records[..], &[("path", "GNUSparseFile.1/new")]].concat()), member("cut", b'0', &[b'x'; 700])];
    for (name, sparse) in [("old", plain), ("old", longer), ("new", new.concat())] {
        write(&path, &[&sparse, &member("a", b'0', b"1"), &END]);
        let archive = Archive::open(&path).unwrap();
        archive.check().unwrap();
        assert_eq!(archive.members().map(bytes_of).collect::<Vec<_>>(), [b"1"], "{name}");
        let error = archive.member(name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("it is stored as a sparse file, without its holes"), "{error}");
    }
}

#[test]
fn sizes_beyond_octal_digits_are_read_and_contents_are_skipped() {
    let (_folder, path) = folder();
    let size = (1_u64 << 40) + 5;
    let binary = header("big", b'0', size).as_bytes().to_vec();
    let decimal = [pax(b'x', &[("size", &size.to_string())]), header("big", b'0', 3).as_bytes().to_vec()].concat();
    for start in [binary, decimal] {
        write(&path, &[&start]);
        let end = start.len() as u64 + size.next_multiple_of(512);
        // Where a file cannot be that long, there is nothing to test.
        if File::options().write(true).open(&path).unwrap().set_len(end).is_err() {
            return;
        }
        let last = [&member("last", b'0', b"1")[..], &END].concat();
        let mut file = File::options().append(true).open(&path).unwrap();
        if std::io::Write::write_all(&mut file, &last).is_err() {
            return;
        }
        let begin = Instant::now();
        let archive = Archive::open(&path).unwrap();
        assert!(begin.elapsed() < Duration::from_secs(5), "a terabyte is not read");
        archive.check().unwrap();
        assert_eq!(archive.member("big").unwrap().size(), size);
        assert_eq!(archive.member("last").unwrap().offset(), end + 512);
        assert_eq!(bytes_of(archive.member("last").unwrap()), b"1");
        let window = MmapArray::<u8>::options().offset(size - 5).open_shared(archive.member("big").unwrap()).unwrap();
        assert_eq!(window.len(), 5);
    }
}

#[test]
fn compressed_archives_and_other_files_say_what_they_are() {
    let (folder, path) = folder();
    for (start, program) in [
        (&b"\x1f\x8b\x08\0"[..], "`gzip -d`"),
        (b"BZh91AY", "`bzip2 -d`"),
        (b"\xfd7zXZ\0", "`xz -d`"),
        (b"\x28\xb5\x2f\xfd", "`zstd -d`"),
        (b"\x04\x22\x4d\x18", "`lz4 -d`"),
        (b"LZIP\x01", "`lzip -d`"),
        (b"\x1f\x9d\x90", "`compress -d`"),
    ] {
        for len in [start.len(), 511, 512, 2000] {
            fs::write(&path, [start, &vec![7; len - start.len()]].concat()).unwrap();
            let error = Archive::open(&path).unwrap_err();
            assert_eq!((error.kind(), error.path()), (ErrorKind::Unsupported, Some(&*path)), "{error}");
            assert!(
                error.to_string().contains("the file is compressed") && error.to_string().contains(program),
                "{error}"
            );
        }
    }
    // A name may begin as a compressed file does.
    write(&path, &[&member("BZh", b'0', b"1"), &END]);
    assert_eq!(bytes_of(Archive::open(&path).unwrap().member("BZh").unwrap()), b"1");
    for (bytes, expected) in [
        (vec![], "not a tar archive: the file is empty"),
        (vec![0; 511], "there is no valid header in its first 512 bytes"),
        (vec![1; 512], "there is no valid header in its first 512 bytes"),
        (b"PK\x03\x04".repeat(200), "a zip file: open it with `npz::Archive::open`"),
        (npy_file(&vec![0_u8; 1000]), "not a tar archive but a `.npy` file: open it with `npy::open`"),
        (npy_file(&vec![0_u8; 3]), "not a tar archive but a `.npy` file: open it with `npy::open`"),
    ] {
        fs::write(&path, bytes).unwrap();
        let error = Archive::open(&path).unwrap_err();
        assert!(error.kind() == ErrorKind::Archive && error.to_string().contains(expected), "{error}");
        assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::InvalidData);
    }
    fs::write(&path, END).unwrap();
    let archive = Archive::open(&path).unwrap();
    assert!(archive.check().is_ok() && archive.members().next().is_none(), "an archive may be empty");
    assert_eq!(Archive::open(folder.path()).unwrap_err().kind(), ErrorKind::NotRegularFile);
    assert_eq!(Archive::open(folder.path().join("none")).unwrap_err().kind(), ErrorKind::Io);
}

#[test]
fn whole_members_in_front_of_a_cut_are_found() {
    let (_folder, path) = archive();
    let whole = fs::read(&path).unwrap();
    let members: Vec<(String, u64, u64)> = {
        let archive = Archive::open(&path).unwrap();
        archive.members().map(|member| (member.name().to_owned(), member.offset(), member.size())).collect()
    };
    let mark = members.last().unwrap().1 as usize;
    for cut in (0..whole.len()).filter(|cut| cut % 41 == 0 || cut % 512 < 2) {
        fs::write(&path, &whole[..cut]).unwrap();
        let Ok(archive) = Archive::open(&path) else {
            assert!(cut < 512, "{cut}");
            continue;
        };
        assert!(cut >= 512);
        let listed = members.iter().filter(|(_, start, _)| *start <= cut as u64);
        for (name, start, size) in listed {
            let found = archive.member(name).unwrap();
            assert_eq!((found.offset(), found.size()), (*start, *size));
            let opened = MmapArray::<u8>::options().open_shared(found);
            if start + size <= cut as u64 {
                let expected = &whole[*start as usize..][..*size as usize];
                assert_eq!(opened.map(|array| array.read(|view| view.to_vec()).unwrap()).unwrap_or_default(), expected);
            } else {
                let error = opened.unwrap_err();
                assert_eq!((error.kind(), error.byte_range()), (ErrorKind::Archive, Some(*start..start + size)));
                assert!(error.to_string().contains(&format!("the end of the file at byte {cut}")), "{error}");
                assert!(found.reader().is_err() && load(found).is_err() && npy::header(found).is_err());
            }
        }
        let unlisted = members.iter().filter(|(_, start, _)| *start > cut as u64);
        for (name, ..) in unlisted {
            let error = archive.member(name).unwrap_err().to_string();
            assert!(
                error.contains("there is no member") && error.contains("it is cut, or still being written"),
                "{error}"
            );
        }
        match archive.check() {
            Ok(()) => assert!(cut >= mark + 512, "{cut}"),
            Err(error) => {
                assert!(cut < mark + 512, "{cut}: {error}");
                assert_eq!((error.kind(), error.path()), (ErrorKind::Archive, Some(&*path)));
                assert_eq!(error.byte_range().unwrap().start, cut as u64);
                assert!(error.to_string().contains(&format!("the file ends at byte {cut}")), "{error}");
            }
        }
    }
}

/// A header whose field at `at` has these bytes.
fn patched(mut header: tar::Header, at: usize, bytes: &[u8]) -> Vec<u8> {
    header.as_mut_bytes()[at..at + bytes.len()].copy_from_slice(bytes);
    header.set_cksum();
    header.as_bytes().to_vec()
}

#[test]
fn headers_that_nobody_should_write_end_the_list() {
    let file = || header("bad", b'0', 0);
    let boast = |kind: u8, size: u64| header("bad", kind, size).as_bytes().to_vec();
    let after = |start: Vec<u8>| [start, member("bad", b'0', b"")].concat();
    for (bad, expected) in [
        (patched(file(), 124, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), "a header states no valid size"),
        (patched(file(), 124, b"\x80\0\0\x01\0\0\0\0\0\0\0\0"), "a header states no valid size"),
        (patched(file(), 124, b"\xc0\0\0\0\0\0\0\0\0\0\0\0"), "a header states no valid size"),
        (patched(file(), 124, b"\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff"), "a header states a size beyond 2^64"),
        (patched(file(), 124, b"-0000000001\0"), "a header states no valid size"),
        (patched(file(), 124, b"00000000008\0"), "a header states no valid size"),
        (patched(file(), 124, b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff"), "within the member \"bad\""),
        (file().as_bytes().map(|byte| byte.wrapping_add(u8::from(byte == b'b'))).to_vec(), "the checksum of a header"),
        (vec![b'x'; 512], "the checksum of a header is wrong"),
        (boast(b'L', 1 << 60), "a long name or a PAX header has more than 1 MiB"),
        (boast(b'K', (1 << 20) + 1), "a long name or a PAX header has more than 1 MiB"),
        (boast(b'x', 1 << 33), "a long name or a PAX header has more than 1 MiB"),
        (boast(b'g', 1 << 20), "before the zeros that end an archive; it is cut"),
        (boast(b'L', u64::MAX), "a header states a size beyond 2^64"),
        (after(member("", b'x', b"7 path=")), "a record of a PAX header is malformed"),
        (after(member("", b'x', b"7 path=\n")), "a record of a PAX header is malformed"),
        (after(member("", b'x', b"8 path=x\n")), "a record of a PAX header is malformed"),
        (after(member("", b'x', b"0 path=x\n")), "a record of a PAX header is malformed"),
        (after(member("", b'x', b"1 path=x\n")), "a record of a PAX header is malformed"),
        (after(member("", b'x', b"-8 path=x\n")), "a record of a PAX header is malformed"),
        (after(member("", b'x', b"99999999999999999999 path=x\n")), "a record of a PAX header is malformed"),
        (after(member("", b'x', b"path=x\n")), "a record of a PAX header is malformed"),
        (after(member("", b'x', b" \n")), "a record of a PAX header is malformed"),
        (after(member("", b'x', b"7 path\n")), "a record of a PAX header has no value"),
        (after(pax(b'x', &[("size", "-1")])), "the size in a PAX header is not a number"),
        (after(pax(b'x', &[("size", "+1")])), "the size in a PAX header is not a number"),
        (after(pax(b'x', &[("size", "18446744073709551616")])), "the size in a PAX header is not a number"),
        (after(pax(b'x', &[("size", "18446744073709551615")])), "a header states a size beyond 2^64"),
        (after(pax(b'g', &[("path", "everything")])), "a global PAX header states the name or the size of members"),
        (after(pax(b'g', &[("size", "0")])), "a global PAX header states the name or the size of members"),
        (pax(b'x', &[("path", "nothing")]), "an extended header is of a member that does not follow"),
        (member("", b'L', b"nothing"), "an extended header is of a member that does not follow"),
        (patched(header("bad", b'S', 0), 482, b"\x01"), "before the zeros that end an archive; it is cut"),
    ] {
        let (_folder, path) = folder();
        // A sparse header goes on until a block says that it is the last.
        let end = if bad[156] == b'S' { vec![0xff; 2048] } else { END.to_vec() };
        write(&path, &[&member("good", b'0', b"1"), &bad, &end]);
        let archive = Archive::open(&path).unwrap();
        assert_eq!(bytes_of(archive.member("good").unwrap()), b"1");
        let error = archive.check().unwrap_err();
        assert!(error.kind() == ErrorKind::Archive && error.to_string().contains(expected), "{expected}: {error}");
        assert!(archive.members().filter(|member| member.name() != "bad").count() == 1);
        let absent = archive.member("absent").unwrap_err().to_string();
        assert!(absent.contains("there is no member \"absent\"") && absent.contains(expected), "{absent}");
        // In front of all members, it is the archive that cannot be read.
        write(&path, &[&bad, &end]);
        match Archive::open(&path) {
            Ok(archive) => assert!(archive.member("bad").is_ok(), "{expected}"),
            Err(error) => assert_eq!((error.kind(), error.path()), (ErrorKind::Archive, Some(&*path)), "{error}"),
        }
    }
}

#[test]
fn names_and_attributes_may_have_a_mebibyte() {
    let (_folder, path) = folder();
    let long = "n".repeat((1 << 20) - 1);
    // With the keys and the other record, it is nearly 1 MiB.
    let attribute = "v".repeat((1 << 20) - 100);
    let records = pax(b'x', &[("SCHILY.xattr.a", &attribute), ("path", "b")]);
    write(
        &path,
        &[
            &member("", b'L', format!("{long}\0").as_bytes()),
            &member("a", b'0', b"1"),
            &records,
            &member("cut", b'0', b"2"),
            &END,
        ],
    );
    let archive = Archive::open(&path).unwrap();
    archive.check().unwrap();
    assert_eq!(bytes_of(archive.member(&long).unwrap()), b"1");
    assert_eq!(bytes_of(archive.member("b").unwrap()), b"2");
}

#[test]
fn checksums_of_signed_bytes_are_accepted() {
    let (_folder, path) = folder();
    let mut old = header("a", b'0', 1);
    old.as_old_mut().name[1..3].copy_from_slice("é".as_bytes());
    let sum: i64 = old
        .as_bytes()
        .iter()
        .enumerate()
        .map(|(at, &byte)| i64::from(if (148..156).contains(&at) { b' ' } else { byte } as i8))
        .sum();
    old.as_old_mut().cksum = *format!("{sum:06o}\0 ").as_bytes().first_chunk().unwrap();
    write(&path, &[old.as_bytes(), b"1", &[0; 511], &END]);
    assert_eq!(bytes_of(Archive::open(&path).unwrap().member("aé").unwrap()), b"1");
}

#[test]
fn an_archive_that_is_written_anew_meanwhile_is_noticed() {
    let (_folder, path) = folder();
    write(&path, &[&member("a", b'0', b"1"), &member("b", b'0', b"2"), &END]);
    let archive = Archive::open(&path).unwrap();
    write(&path, &[&member("c", b'0', &[b'3'; 600]), &END]);
    assert!(archive.member("a").unwrap().reader().is_err());
    let error = MmapArray::<u8>::options().open_shared(archive.member("b").unwrap()).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Archive, Some(&*path)));
    assert!(error.to_string().contains("its header is no longer in front of its bytes"), "{error}");
}

#[test]
#[cfg_attr(windows, ignore = "Windows does not let mapped files be replaced")]
fn shared_members_are_found_by_their_names_after_the_archive_was_replaced() {
    let (_folder, path) = folder();
    let file = |value: u8, len: usize| npy_file(&vec![value; len]);
    write(&path, &[&member("x", b'0', &file(2, 1000)), &END]);
    let shared = |name: &str| npy::options::<u8>().open_shared(Archive::open(&path).unwrap().member(name)?);
    let mut x = shared("x").unwrap();
    assert_eq!(x.read(|view| view.sum()).unwrap(), 2000);
    write(&path, &[&member("w", b'0', &file(5, 100)), &member("x", b'0', &file(2, 1000)), &END]);
    assert!(x.refresh().unwrap(), "it lies elsewhere");
    assert_eq!(x.read(|view| view.sum()).unwrap(), 2000);
    assert!(!x.refresh().unwrap());
    // The name is written in another way, and the array is shorter.
    let long = member("", b'L', b"./x\0");
    write(&path, &[&long, &member("cut", b'0', &file(3, 10)), &member("w", b'0', &file(5, 1000)), &END]);
    assert!(x.refresh().unwrap());
    assert_eq!((x.len(), x.read(|view| view.sum()).unwrap()), (10, 30));
    // A second one of the name is the last.
    let both = [member("x", b'0', &file(3, 10)), member("x", b'0', &file(4, 10))].concat();
    write(&path, &[&both, &END]);
    x.refresh().unwrap();
    assert_eq!(x.at([0]).unwrap(), 4);
    let archive = Archive::open(&path).unwrap();
    let mut first = npy::options::<u8>().open_shared(archive.members().next().unwrap()).unwrap();
    assert!(!first.refresh().unwrap() && first.at([0]).unwrap() == 3, "it is still the first");
    for gone in [member("w", b'0', &file(5, 1000)), member("x", b'1', b""), vec![1; 5000]] {
        write(&path, &[&gone, &END]);
        let error = x.refresh().unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::Archive, Some(&*path)), "{error}");
        assert_eq!(x.len(), 10, "it is as it was");
        assert_eq!(first.refresh().unwrap_err().kind(), ErrorKind::Archive);
    }
}

#[test]
fn any_archive_is_read_or_refused() {
    let (folder, path) = archive();
    let records = pax(b'x', &[("path", "long"), ("size", "3"), ("comment", "c")]);
    let more = [records, member("x", b'0', b"123"), member("", b'L', b"name\0"), member("s", b'S', b"")].concat();
    let good = [more, fs::read(&path).unwrap()].concat();
    let path = folder.path().join("b.tar");
    let mut random = Random(3);
    let (mut opened, mut loaded, mut damaged) = (0, 0, 0);
    for _ in 0..1500 {
        let mut bytes = good.clone();
        for _ in 0..=random.below(3) {
            let block = random.below(bytes.len().div_ceil(512) as u64) as usize * 512;
            let within = if random.below(2) == 0 { random.below(512) } else { 124 + random.below(40) };
            let at = (block + within as usize).min(bytes.len() - 1);
            random.damage(&mut bytes, at, 700);
        }
        // Most of the headers are valid again.
        for block in bytes.chunks_exact_mut(512).filter(|block| block[257..].starts_with(b"ustar")) {
            if random.below(20) > 0 {
                let mut header = tar::Header::from_byte_slice(block).clone();
                header.set_cksum();
                block.copy_from_slice(header.as_bytes());
            }
        }
        fs::write(&path, &bytes).unwrap();
        let archive = match Archive::open(&path) {
            Ok(archive) => archive,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Archive, "{error}");
                continue;
            }
        };
        opened += 1;
        damaged += usize::from(archive.check().is_err());
        for member in archive.members() {
            let Ok(array) = MmapArray::<u8>::options().load(member) else {
                assert!(member.offset() + member.size() > bytes.len() as u64 || member.size() == 0);
                continue;
            };
            assert_eq!(*array, bytes[member.offset() as usize..][..member.size() as usize]);
            if let Ok(array) = load(member) {
                let _ = array.to_string();
                loaded += 1;
            }
        }
    }
    assert!(opened > 500 && loaded > 500 && damaged > 250, "{opened} opened, {loaded} loaded, {damaged} damaged");
}
