//! Archives as this crate writes them, and archives that nobody should have written.
#![cfg(feature = "npz")]

use mmap_array::npz::{Archive, Member, Writer};
use mmap_array::{ArrayView, Be, DynArrayMut, ErrorKind, MmapArrayMut, Order, Result, npy};
use std::fs;
use std::path::{Path, PathBuf};

mod random;
use random::Random;

fn write(path: &Path) {
    let mut writer = Writer::create(path).unwrap();
    writer.add("x", &ArrayView::from_slice(&[0.5, 1.5, 2.5, 3.5, 4.5, 5.5], [3, 2]).unwrap()).unwrap();
    writer.add("n", &ArrayView::from_slice(&[7_u8], ()).unwrap()).unwrap();
    writer.add("é/日本", &ArrayView::from_slice(&[Be::new(-2_i16); 5], 5).unwrap()).unwrap();
    writer.add("empty", &ArrayView::<f32>::from_slice(&[], [0, 3]).unwrap()).unwrap();
    writer.finish().unwrap();
}

fn archive() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    write(&path);
    (folder, path)
}

/// A member in memory, whatever its elements.
fn load(member: Member<'_>) -> Result<DynArrayMut> {
    npy::dyn_options().load(member)
}

/// What opening and reading a member says, where it fails.
fn failure(path: &Path, name: &str) -> (ErrorKind, String) {
    let archive = Archive::open(path).unwrap();
    let member = archive.member(name).unwrap();
    // SAFETY: nobody else uses the file.
    let error = unsafe { npy::dyn_options().open(member) }.map(|_| ()).unwrap_err();
    (error.kind(), error.to_string())
}

#[test]
fn members_are_mapped_at_multiples_of_64_bytes() {
    let (_folder, path) = archive();
    let archive = Archive::open(&path).unwrap();
    let names: Vec<_> = archive.members().map(|member| (member.name(), member.is_stored(), member.size())).collect();
    assert_eq!(names, [("x", true, 176), ("n", true, 129), ("é/日本", true, 138), ("empty", true, 128)]);
    for member in archive.members() {
        assert_eq!(member.data_offset().unwrap() % 64, 0, "{}", member.name());
    }
    // SAFETY: nobody else uses the file.
    let x = unsafe { npy::open::<f64>(archive.member("x").unwrap()) }.unwrap();
    assert_eq!((x.shape(), x.order(), &x[..]), (&[3, 2][..], Order::C, &[0.5, 1.5, 2.5, 3.5, 4.5, 5.5][..]));
    assert_eq!((x.byte_offset(), x.path()), (archive.member("x").unwrap().data_offset().unwrap(), Some(&*path)));
    // SAFETY: as above.
    let any = unsafe { npy::dyn_options().open(archive.member("é/日本").unwrap()) }.unwrap();
    assert_eq!(any.to_string(), "[-2 -2 -2 -2 -2]");
    // SAFETY: as above.
    let empty = unsafe { npy::open::<f32>(archive.member("empty").unwrap()) }.unwrap();
    assert_eq!(empty.shape(), [0, 3]);
    assert_eq!(*npy::load::<u8>(archive.member("n.npy").unwrap()).unwrap(), [7]);
}

#[test]
fn windows_of_members_are_those_of_files() {
    let (_folder, path) = archive();
    let archive = Archive::open(&path).unwrap();
    let x = archive.member("x").unwrap();
    let rows = npy::options::<f64>().rows(1..);
    // SAFETY: nobody else uses the file.
    assert_eq!(*unsafe { rows.open(x) }.unwrap(), [2.5, 3.5, 4.5, 5.5]);
    assert_eq!(*rows.load(x).unwrap(), [2.5, 3.5, 4.5, 5.5]);
    assert_eq!(npy::dyn_options().rows(1..).load(x).unwrap().to_string(), "[[2.5 3.5]\n [4.5 5.5]]");
    let part = npy::options::<f64>().segment(2, 3);
    // SAFETY: as above.
    assert_eq!(*unsafe { part.open(x) }.unwrap(), [4.5, 5.5]);
    let outside = npy::options::<f64>().rows(2..5);
    assert_eq!(outside.load(x).unwrap_err().kind(), ErrorKind::OutOfRange);
    // SAFETY: as above.
    assert_eq!(unsafe { outside.open(x) }.unwrap_err().kind(), ErrorKind::OutOfRange);
    assert_eq!(npy::load::<f32>(x).unwrap_err().kind(), ErrorKind::DTypeMismatch);
    let error = npy::dyn_options().max_header(9).header(x).unwrap_err();
    assert!(error.to_string().contains("the member \"x\": the header is"), "{error}");
}

#[test]
fn fortran_order_is_kept_and_its_rows_are_windows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let numbers: Vec<i32> = (0..12).collect();
    let view = ArrayView::from_slice(&numbers, [4, 3]).unwrap();
    let mut writer = Writer::create(&path).unwrap();
    writer.add("turned", &view.t()).unwrap();
    writer.add("every other", &view.slice((.., ..2))).unwrap();
    writer.finish().unwrap();
    let archive = Archive::open(&path).unwrap();
    let turned = archive.member("turned").unwrap();
    assert_eq!((turned.header().unwrap().order(), turned.header().unwrap().shape()), (Order::F, &[3, 4][..]));
    let rows = npy::options::<i32>().rows(1..3);
    // SAFETY: nobody else uses the file, here and below.
    assert_eq!(unsafe { rows.open(turned) }.unwrap_err().kind(), ErrorKind::NotContiguous);
    let expected = "[[ 1  4  7 10]\n [ 2  5  8 11]]";
    assert_eq!(npy::dyn_options().rows(1..3).load(turned).unwrap().to_string(), expected);
    // SAFETY: as above.
    assert_eq!(unsafe { rows.strided().open(turned) }.unwrap().view().to_string(), expected);
    // In memory they lie together, in the order of the file.
    let copy = rows.load(turned).unwrap();
    assert_eq!((copy.order(), copy.view().to_string()), (Order::F, expected.to_owned()));
    assert_eq!(*copy, [1, 2, 4, 5, 7, 8, 10, 11]);
    assert_eq!(load(archive.member("every other").unwrap()).unwrap().to_string(), view.slice((.., ..2)).to_string());
}

#[test]
fn an_archive_appears_whole_or_not_at_all() {
    let (folder, path) = archive();
    let before = fs::read(&path).unwrap();
    let mut writer = Writer::create(&path).unwrap();
    writer.add("a", &ArrayView::from_slice(&[1_u8], 1).unwrap()).unwrap();
    let error = writer.add("a", &ArrayView::from_slice(&[1_u8], 1).unwrap()).unwrap_err();
    assert!(error.kind() == ErrorKind::Archive && error.to_string().contains("already"), "{error}");
    drop(writer);
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    write(&path);
    assert_eq!(fs::read(&path).unwrap(), before, "the same arrays are the same bytes");
}

#[test]
fn what_is_refused_before_it_is_written_leaves_the_archive_as_it_was() {
    let (_folder, path) = archive();
    let mut writer = Writer::create(&path).unwrap();
    let one = ArrayView::from_slice(&[1_u8], 1).unwrap();
    writer.add("a", &one).unwrap();
    for (name, expected) in [
        ("a", "a member of that name exists already"),
        ("a\0b", "cannot contain a NUL"),
        (&"x".repeat(65_532), "a name of 65536 bytes is too long"),
    ] {
        let error = writer.add(name, &one).unwrap_err();
        assert!(error.kind() == ErrorKind::Archive && error.to_string().contains(expected), "{error}");
    }
    writer.add(&"x".repeat(65_531), &one).unwrap();
    writer.add("b", &one).unwrap();
    writer.finish().unwrap();
    let archive = Archive::open(&path).unwrap();
    assert_eq!(archive.members().map(|member| member.name().len()).collect::<Vec<_>>(), [1, 65_531, 1]);
    for member in archive.members() {
        assert_eq!(*npy::load::<u8>(member).unwrap(), [1]);
        assert_eq!(member.data_offset().unwrap() % 64, 0);
    }
}

#[test]
fn what_is_no_archive_and_what_is_not_in_it_is_said() {
    let (folder, path) = archive();
    let error = Archive::open(&path).unwrap().member("y").map(|_| ()).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Archive, Some(&*path)));
    assert!(
        error.to_string().contains(r#"there is no member "y"; the members are ["x", "n", "é/日本", "empty"]"#),
        "{error}"
    );
    let other = folder.path().join("b.npz");
    for bytes in [&b""[..], b"PK\x05\x06", b"\x93NUMPY", &[0; 1000]] {
        fs::write(&other, bytes).unwrap();
        let error = Archive::open(&other).map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Archive, "{error}");
    }
    let error = Archive::open(folder.path()).map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotRegularFile);
    let error = Archive::open(folder.path().join("none")).map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
}

/// The archive with the bytes at a place of each of its records changed: local headers, or the directory's.
fn patched(path: &Path, signature: &[u8; 4], at: usize, value: &[u8]) {
    let mut bytes = fs::read(path).unwrap();
    let records: Vec<usize> = (0..bytes.len() - 4).filter(|&start| bytes[start..start + 4] == *signature).collect();
    assert_eq!(records.len(), 4);
    for start in records {
        bytes[start + at..start + at + value.len()].copy_from_slice(value);
    }
    fs::write(path, bytes).unwrap();
}

const DIRECTORY: &[u8; 4] = b"PK\x01\x02";
const LOCAL: &[u8; 4] = b"PK\x03\x04";

#[test]
fn members_that_cannot_be_read_say_why() {
    for (signature, at, value, expected) in [
        (DIRECTORY, 8, &[1][..], "it is encrypted"),
        (DIRECTORY, 10, &[12], "it is compressed, so it cannot be mapped"),
        (DIRECTORY, 20, &[0xff, 0xff, 0xff, 0x7f], "reach beyond those of the archive's members"),
        (DIRECTORY, 20, &[100, 0, 0, 0], "cannot become"),
        (DIRECTORY, 42, &[0xff, 0xff, 0, 0], "broken"),
        (LOCAL, 0, b"XXXX", "the archive is broken: Invalid signature"),
        (LOCAL, 26, &[0xff, 0xff], "reach beyond those of the archive's members"),
        (LOCAL, 26, &[0, 0], "its bytes are those of \"\", according to the header"),
        (LOCAL, 30, b"y", "its bytes are those of \"y"),
    ] {
        let (_folder, path) = archive();
        patched(&path, signature, at, value);
        let (kind, text) = failure(&path, "x");
        assert!(text.contains("a.npz: the member \"x\": ") && text.contains(expected), "{expected}: {text}");
        assert!(matches!(kind, ErrorKind::Archive | ErrorKind::Header | ErrorKind::Unsupported), "{kind:?}: {text}");
    }
}

#[test]
fn members_are_equal_if_they_are_the_same() {
    let (_folder, path) = archive();
    let [one, other] = [Archive::open(&path).unwrap(), Archive::open(&path).unwrap()];
    let members: Vec<Member<'_>> = one.members().collect();
    for (index, member) in members.iter().enumerate() {
        assert_eq!(members.iter().position(|other| other == member), Some(index));
        assert!(other.members().all(|other| other != *member));
    }
    assert_eq!(one.member("x").unwrap(), members[0]);
    assert_eq!(one.file().metadata().unwrap().len(), fs::metadata(&path).unwrap().len());
}

#[test]
fn offsets_beyond_those_of_any_file_are_damage() {
    let (_folder, path) = archive();
    let bytes = fs::read(&path).unwrap();
    let end = bytes.len() - 22;
    for offset in [1 << 40, i64::MAX as u64 - 3, 1 << 63, u64::MAX - 3, u64::MAX] {
        // A locator of a Zip64 record, in front of an end that sends the reader there.
        let locator = [&b"PK\x06\x07"[..], &[0; 4], &offset.to_le_bytes(), &[1, 0, 0, 0]].concat();
        let broken = [&bytes[..end], &locator, b"PK\x05\x06", &[0xff; 16], &[0, 0]].concat();
        fs::write(&path, broken).unwrap();
        let error = Archive::open(&path).map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Archive, "{offset}: {error}");
        assert!(error.to_string().contains("was cut short, or its end is damaged"), "{offset}: {error}");
        assert_eq!(Archive::recover(&path).unwrap().members().count(), 4);
    }
}

#[test]
fn elements_do_not_reach_beyond_their_member() {
    let (_folder, path) = archive();
    // Both sizes of each member, without the last element of the first.
    patched(&path, DIRECTORY, 20, &[168, 0, 0, 0, 168, 0, 0, 0]);
    let (kind, text) = failure(&path, "x");
    assert_eq!(kind, ErrorKind::PastEnd, "{text}");
    let archive = Archive::open(&path).unwrap();
    assert_eq!(npy::load::<f64>(archive.member("x").unwrap()).unwrap_err().kind(), ErrorKind::PastEnd);
}

#[test]
fn damaged_elements_are_found_by_reading_all_of_them() {
    let (_folder, path) = archive();
    let mut bytes = fs::read(&path).unwrap();
    let offset = Archive::open(&path).unwrap().member("x").unwrap().data_offset().unwrap() as usize;
    bytes[offset] ^= 1;
    fs::write(&path, bytes).unwrap();
    let archive = Archive::open(&path).unwrap();
    let x = archive.member("x").unwrap();
    let error = npy::load::<f64>(x).unwrap_err();
    assert!(error.kind() == ErrorKind::Archive && error.to_string().contains("it is damaged"), "{error}");
    assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::InvalidData);
    let error = std::io::Error::from(archive.member("none").map(|_| ()).unwrap_err());
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    assert_eq!(npy::dyn_options().rows(2..).load(x).map(|_| ()).unwrap_err().kind(), ErrorKind::Archive);
    // SAFETY: nobody else uses the file.
    assert!(unsafe { npy::open::<f64>(x) }.is_ok(), "a map reads nothing, so it cannot know");
}

#[test]
fn any_archive_is_read_or_refused() {
    let (folder, path) = archive();
    let good = fs::read(&path).unwrap();
    let path = folder.path().join("b.npz");
    let mut random = Random(3);
    let (mut opened, mut loaded) = (0, 0);
    for _ in 0..1500 {
        let mut bytes = good.clone();
        for _ in 0..=random.below(3) {
            let at = random.below(bytes.len() as u64) as usize;
            random.damage(&mut bytes, at, 70);
        }
        fs::write(&path, &bytes).unwrap();
        let Ok(archive) = Archive::open(&path) else { continue };
        opened += 1;
        for member in archive.members() {
            // SAFETY: nobody else uses the file.
            if let Ok(array) = unsafe { npy::dyn_options().open(member) } {
                assert!(array.byte_offset() + (array.len() * array.dtype().itemsize()) as u64 <= bytes.len() as u64);
                let _ = array.to_string();
            }
            loaded += usize::from(load(member).is_ok());
        }
    }
    assert!(opened > 250 && loaded > 500, "{opened} opened, {loaded} loaded");
}

#[test]
fn many_members_and_many_bytes_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let array = MmapArrayMut::<u16>::anonymous([3]).unwrap();
    let mut writer = Writer::create(&path).unwrap();
    for number in 0..70_000 {
        writer.add(&number.to_string(), &array.view()).unwrap();
    }
    writer.finish().unwrap();
    let archive = Archive::open(&path).unwrap();
    assert_eq!(archive.members().len(), 70_000);
    let last = archive.member("69999").unwrap();
    // SAFETY: nobody else uses the file.
    assert_eq!(unsafe { npy::open::<u16>(last) }.unwrap().byte_offset() % 64, 0);
}

#[test]
fn a_npy_file_is_told_as_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    mmap_array::npy::save(&path, &vec![1_u8, 2]).unwrap();
    let error = Archive::open(&path).err().unwrap();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Archive, Some(path.as_path())));
    assert!(error.to_string().ends_with("not an archive but a `.npy` file: open it with `npy::open`"), "{error}");
}
