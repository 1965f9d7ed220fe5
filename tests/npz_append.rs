//! Archives to which members are added, and from which members are removed, in place.
#![cfg(feature = "npz")]

use mmap_array::npz::{Archive, Writer};
use mmap_array::{ErrorKind, MmapArray, npy};
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

fn archive() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let mut writer = Writer::create(&path).unwrap();
    writer.add("x", &vec![0.5, 1.5, 2.5]).unwrap();
    writer.add("n", &7_u8).unwrap();
    writer.add("é/日本", &vec![[1_u16, 2], [3, 4]]).unwrap();
    writer.finish().unwrap();
    (folder, path)
}

fn names(path: &Path) -> Vec<String> {
    Archive::open(path).unwrap().members().map(|member| member.name().to_owned()).collect()
}

fn load(path: &Path, name: &str) -> Vec<u8> {
    let archive = Archive::open(path).unwrap();
    npy::load::<u8>(archive.member(name).unwrap()).unwrap().to_vec()
}

#[test]
fn members_are_added_behind_those_that_stay_where_they_are() {
    let (folder, path) = archive();
    let before = fs::read(&path).unwrap();
    let places: Vec<_> = Archive::open(&path).unwrap().members().map(|member| member.data_offset().unwrap()).collect();
    let x = || npy::options::<f64>().open_shared(Archive::open(&path).unwrap().member("x").unwrap()).unwrap();
    // Windows does not cut a file that is mapped.
    let mapped = (!cfg!(windows)).then(x);
    let mut writer = Writer::append(&path).unwrap();
    writer.add("y", &vec![9_u8; 100_000]).unwrap();
    writer.add_compressed("z", &vec![8_u8; 100_000]).unwrap();
    writer.add("0", &vec![1_u8; 3]).unwrap();
    writer.finish().unwrap();
    let after = fs::read(&path).unwrap();
    assert!(after.starts_with(&before), "no byte of the old archive changes");
    assert!(after.len() < before.len() + 102_000, "{} and {} bytes", before.len(), after.len());
    let archive = Archive::open(&path).unwrap();
    assert_eq!(names(&path), ["x", "n", "é/日本", "y", "z", "0"]);
    let now: Vec<_> = archive.members().filter_map(|member| member.data_offset().ok()).collect();
    assert_eq!(now[..3], places);
    assert!(now.iter().all(|offset| offset % 64 == 0), "{now:?}");
    assert_eq!(
        (load(&path, "y"), load(&path, "z"), load(&path, "0")),
        (vec![9; 100_000], vec![8; 100_000], vec![1; 3])
    );
    assert_eq!(mapped.unwrap_or_else(x).read(|view| view.to_vec()).unwrap(), [0.5, 1.5, 2.5]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn members_are_replaced_and_removed() {
    let (_folder, path) = archive();
    let mut writer = Writer::append(&path).unwrap();
    let error = writer.add("n", &8_u8).unwrap_err();
    assert!(error.kind() == ErrorKind::Archive && error.to_string().contains("`remove` it first"), "{error}");
    writer.remove("n").unwrap();
    let error = writer.remove("n").unwrap_err();
    assert!(error.kind() == ErrorKind::Archive && error.to_string().contains("no member of that name"), "{error}");
    writer.add("n", &8_u8).unwrap();
    writer.remove("é/日本.npy").unwrap();
    writer.add("new", &1_u8).unwrap();
    writer.remove("new").unwrap();
    writer.finish().unwrap();
    assert_eq!(names(&path), ["x", "n"]);
    assert_eq!(load(&path, "n"), [8]);
    // All of them, and some after that.
    let mut writer = Writer::append(&path).unwrap();
    writer.remove("x").unwrap();
    writer.remove("n").unwrap();
    writer.finish().unwrap();
    assert!(names(&path).is_empty());
    let mut writer = Writer::append(&path).unwrap();
    writer.add("n", &9_u8).unwrap();
    writer.finish().unwrap();
    assert_eq!(load(&path, "n"), [9]);
    // What was never in an archive that is made cannot be removed either, and what was can.
    let mut writer = Writer::create(&path).unwrap();
    writer.add("n", &1_u8).unwrap();
    writer.remove("n").unwrap();
    writer.add("n", &2_u8).unwrap();
    writer.finish().unwrap();
    assert_eq!((names(&path), load(&path, "n")), (vec!["n".to_owned()], vec![2]));
}

#[test]
fn a_writer_that_is_dropped_leaves_the_archive_as_it_was() {
    let (_folder, path) = archive();
    let before = fs::read(&path).unwrap();
    drop(Writer::append(&path).unwrap());
    assert!(fs::read(&path).unwrap() == before);
    let mut writer = Writer::append(&path).unwrap();
    writer.remove("x").unwrap();
    writer.add("large", &vec![1_u8; 1 << 20]).unwrap();
    assert!(fs::metadata(&path).unwrap().len() > before.len() as u64 + (1 << 20));
    assert_eq!(names(&path), ["x", "n", "é/日本"], "the old archive is read meanwhile");
    drop(writer);
    assert!(fs::read(&path).unwrap() == before);
}

#[test]
fn an_archive_is_extended_again_and_again() {
    let (_folder, path) = archive();
    let (mut expected, mut all) = (names(&path), vec![]);
    for number in 0..200_u32 {
        let mut writer = Writer::append(&path).unwrap();
        writer.add(&number.to_string(), &number).unwrap();
        writer.finish().unwrap();
        expected.push(number.to_string());
        all.push(number);
    }
    assert_eq!(names(&path), expected);
    let archive = Archive::open(&path).unwrap();
    let found = archive.members().skip(3).map(|member| npy::load::<u32>(member).unwrap()[0]);
    assert!(found.eq(all));
}

/// A guard is moved many times while many members are written.
#[test]
fn many_members_are_added_at_once() {
    let (_folder, path) = archive();
    let mut writer = Writer::append(&path).unwrap();
    for number in 0..70_000_u32 {
        writer.add(&number.to_string(), &[number; 3][..]).unwrap();
        if number % 7000 == 0 {
            assert_eq!(names(&path).len(), 3);
        }
    }
    writer.finish().unwrap();
    let archive = Archive::open(&path).unwrap();
    assert_eq!(archive.members().len(), 70_003);
    assert_eq!(*npy::load::<u32>(archive.member("69999").unwrap()).unwrap(), [69_999; 3]);
    drop(archive);
    let mut writer = Writer::append(&path).unwrap();
    writer.add("one more", &1_u8).unwrap();
    writer.finish().unwrap();
    assert_eq!(names(&path).len(), 70_004);
}

/// An archive whose members begin beyond 4 GiB: its directory is moved there, and what is between is a hole.
#[test]
#[cfg_attr(target_arch = "powerpc", ignore = "QEMU maps what lies above 4 GiB at the offset's lower 32 bits")]
#[cfg_attr(windows, ignore = "the bytes of a hole are written there")]
fn members_are_added_beyond_4_gib() {
    let (_folder, path) = archive();
    let bytes = fs::read(&path).unwrap();
    let directory = bytes.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
    let mut moved = bytes[directory..].to_vec();
    let end = moved.len() - 22;
    // The end says that there are numbers of 64 bits, and where.
    moved[end + 16..end + 20].copy_from_slice(&[0xff; 4]);
    let far = 5_u64 << 30;
    let mut end64 = b"PK\x06\x06".to_vec();
    end64.extend(44_u64.to_le_bytes());
    end64.extend([45, 3, 45, 0]);
    end64.extend([0; 8]);
    for number in [3, 3, end as u64, far] {
        end64.extend(number.to_le_bytes());
    }
    end64.extend(b"PK\x06\x07\0\0\0\0");
    end64.extend((far + end as u64).to_le_bytes());
    end64.extend([1, 0, 0, 0]);
    moved.splice(end..end, end64);
    let mut file = OpenOptions::new().write(true).open(&path).unwrap();
    file.seek(SeekFrom::Start(far)).unwrap();
    file.write_all(&moved).unwrap();
    drop(file);
    assert_eq!(names(&path), ["x", "n", "é/日本"]);
    for name in ["y", "z"] {
        let mut writer = Writer::append(&path).unwrap();
        writer.add(name, &vec![5_u8; 1000]).unwrap();
        assert_eq!(names(&path).len(), if name == "y" { 3 } else { 4 });
        writer.finish().unwrap();
    }
    let archive = Archive::open(&path).unwrap();
    assert!(archive.member("y").unwrap().data_offset().unwrap() > far);
    assert_eq!(archive.member("z").unwrap().data_offset().unwrap() % 64, 0);
    assert_eq!((names(&path).len(), load(&path, "y"), load(&path, "z")), (5, vec![5; 1000], vec![5; 1000]));
}

#[test]
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows))]
fn a_second_writer_is_told_that_the_archive_is_locked() {
    let (_folder, path) = archive();
    let mut first = Writer::append(&path).unwrap();
    first.add("y", &1_u8).unwrap();
    let error = Writer::append(&path).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Locked, Some(&*path)));
    first.finish().unwrap();
    let mut second = Writer::append(&path).unwrap();
    second.add("z", &1_u8).unwrap();
    second.finish().unwrap();
    assert_eq!(names(&path), ["x", "n", "é/日本", "y", "z"]);
}

#[test]
fn what_is_no_archive_is_not_added_to() {
    let (folder, path) = archive();
    let bytes = fs::read(&path).unwrap();
    let other = folder.path().join("b.npz");
    for cut in [0, 10, bytes.len() - 30] {
        fs::write(&other, &bytes[..cut]).unwrap();
        assert_eq!(Writer::append(&other).unwrap_err().kind(), ErrorKind::Archive);
        assert!(fs::read(&other).unwrap() == bytes[..cut]);
    }
    assert_eq!(Writer::append(folder.path()).unwrap_err().kind(), ErrorKind::NotRegularFile);
    assert_eq!(Writer::append(folder.path().join("none")).unwrap_err().kind(), ErrorKind::Io);
}

#[test]
fn what_a_killed_writer_has_left_is_cut_off() {
    let (folder, path) = archive();
    let before = fs::read(&path).unwrap();
    let left = folder.path().join("left.npz");
    let mut writer = Writer::append(&path).unwrap();
    writer.add("y", &vec![1_u8; 200_000]).unwrap();
    fs::copy(&path, &left).unwrap();
    drop(writer);
    assert_eq!(names(&left), ["x", "n", "é/日本"]);
    let archive = Archive::open(&left).unwrap();
    assert_eq!(*npy::load::<f64>(archive.member("x").unwrap()).unwrap(), [0.5, 1.5, 2.5]);
    drop(archive);
    drop(Writer::append(&left).unwrap());
    assert!(fs::read(&left).unwrap() == before);
    // In a file that only looks as if it were one, nothing is cut off: another program has written behind the guard.
    let mut writer = Writer::append(&path).unwrap();
    writer.add("y", &vec![1_u8; 200_000]).unwrap();
    fs::copy(&path, &left).unwrap();
    drop(writer);
    let mut bytes = fs::read(&left).unwrap();
    let directory = bytes.windows(4).rposition(|bytes| bytes == b"PK\x01\x02").unwrap();
    bytes.insert(directory, 0);
    fs::write(&left, &bytes).unwrap();
    drop(Writer::append(&left));
    assert!(fs::read(&left).unwrap() == bytes);
}

/// Such data are in front of the archive as a program that unpacks it, and the offsets do not count them.
#[test]
fn an_archive_behind_other_data_stays_one() {
    let (_folder, path) = archive();
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, [&[b'#'; 100][..], &bytes].concat()).unwrap();
    assert_eq!(load(&path, "n"), [7]);
    for number in 0..3_u8 {
        let mut writer = Writer::append(&path).unwrap();
        writer.add(&number.to_string(), &number).unwrap();
        assert_eq!(names(&path).len(), 3 + usize::from(number));
        writer.finish().unwrap();
    }
    assert_eq!(names(&path), ["x", "n", "é/日本", "0", "1", "2"]);
    assert_eq!((load(&path, "n"), load(&path, "2")), (vec![7], vec![2]));
    // The offsets count them from now on.
    let end = fs::read(&path).unwrap();
    let offset = u32::from_le_bytes(*end[end.len() - 6..].first_chunk().unwrap());
    assert!(end[offset as usize..].starts_with(b"PK\x01\x02"));
    // Where 32 bits do not, nothing is added.
    let mut last = bytes.clone();
    let directory = last.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    last[directory + 42..directory + 46].copy_from_slice(&(u32::MAX - 50).to_le_bytes());
    let last = [&[b'#'; 100][..], &last].concat();
    fs::write(&path, &last).unwrap();
    let error = Writer::append(&path).unwrap_err();
    assert!(error.kind() == ErrorKind::Unsupported && error.to_string().contains("follows 100 bytes"), "{error}");
    assert!(fs::read(&path).unwrap() == last);
}

#[test]
fn the_comment_of_an_archive_is_kept() {
    let (_folder, path) = archive();
    let mut bytes = fs::read(&path).unwrap();
    let end = bytes.len() - 2;
    bytes[end..].copy_from_slice(&5_u16.to_le_bytes());
    bytes.extend(b"hello");
    fs::write(&path, bytes).unwrap();
    let mut writer = Writer::append(&path).unwrap();
    writer.add("y", &1_u8).unwrap();
    writer.finish().unwrap();
    assert!(fs::read(&path).unwrap().ends_with(b"\x05\0hello"));
    assert_eq!(names(&path).len(), 4);
}

/// The memory that adding takes is that of a buffer and of the directory, whatever is added.
#[test]
fn a_member_of_a_mapped_file_is_added() {
    let (folder, path) = archive();
    let large = folder.path().join("large");
    File::create(&large).unwrap().set_len(3 << 20).unwrap();
    let array = MmapArray::<u8>::options().open_shared(&large).unwrap();
    let mut writer = Writer::append(&path).unwrap();
    writer.add("large", &array).unwrap();
    writer.finish().unwrap();
    let archive = Archive::open(&path).unwrap();
    let mut bytes = Vec::new();
    archive.member("large").unwrap().reader().unwrap().read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes.len(), 128 + (3 << 20));
}

#[test]
fn an_archive_that_was_cut_is_not_taken_for_the_old_one() {
    let (_folder, path) = archive();
    let old = fs::read(&path).unwrap();
    // Members are added, or removed, or all are removed. What follows the old archive is another record each time.
    for (added, removed) in [(true, false), (false, true), (false, false)] {
        fs::write(&path, &old).unwrap();
        let mut writer = Writer::append(&path).unwrap();
        let removed = if removed { &["n"][..] } else { &["x", "n", "é/日本"] };
        removed.iter().filter(|_| !added).for_each(|name| writer.remove(name).unwrap());
        if added {
            writer.add("new", &vec![1_u8; 50]).unwrap();
        }
        writer.finish().unwrap();
        let new = fs::read(&path).unwrap();
        for len in old.len()..=new.len() {
            fs::write(&path, &new[..len]).unwrap();
            match Archive::open(&path) {
                Ok(archive) if len == old.len() => assert_eq!(archive.members().len(), 3),
                Ok(archive) => assert_eq!((archive.members().len() == 3, len), (false, new.len())),
                Err(error) => {
                    assert!(error.to_string().contains("was cut short, or its end is damaged"), "{len}: {error}");
                }
            }
        }
    }
}

#[test]
fn a_writer_without_changes_leaves_the_archive_as_it_is() {
    let (_folder, path) = archive();
    let old = fs::read(&path).unwrap();
    Writer::append(&path).unwrap().finish().unwrap();
    let mut writer = Writer::append(&path).unwrap();
    assert_eq!(writer.remove("none").unwrap_err().kind(), ErrorKind::Archive);
    writer.finish().unwrap();
    assert!(fs::read(&path).unwrap() == old);
    // What was added and removed again is one.
    let mut writer = Writer::append(&path).unwrap();
    writer.add("new", &1_u8).unwrap();
    writer.remove("new").unwrap();
    writer.finish().unwrap();
    assert_eq!(names(&path), ["x", "n", "é/日本"]);
}

#[test]
fn members_whose_names_differ_only_in_bytes_that_no_name_has_are_not_removed_together() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let mut writer = Writer::create(&path).unwrap();
    for name in ["é1", "é2", "other"] {
        writer.add(name, &1_u8).unwrap();
    }
    writer.finish().unwrap();
    // Bytes that are no UTF-8, of which each becomes the same character.
    let mut bytes = fs::read(&path).unwrap();
    for place in 0..bytes.len() - 3 {
        if bytes[place..].starts_with("é1".as_bytes()) {
            bytes[place..place + 3].copy_from_slice(b"a\xfe\x31");
        } else if bytes[place..].starts_with("é2".as_bytes()) {
            bytes[place..place + 3].copy_from_slice(b"a\xff\x31");
        }
    }
    fs::write(&path, bytes).unwrap();
    assert_eq!(names(&path), ["a\u{fffd}1", "a\u{fffd}1", "other"]);
    let mut writer = Writer::append(&path).unwrap();
    let error = writer.remove("a\u{fffd}1").unwrap_err();
    assert!(error.to_string().contains("stored as different bytes, so none of them is removed"), "{error}");
    writer.remove("other").unwrap();
    writer.finish().unwrap();
    assert_eq!(names(&path), ["a\u{fffd}1", "a\u{fffd}1"]);
}

#[test]
fn many_members_are_replaced_at_once() {
    let (_folder, path) = archive();
    let mut writer = Writer::append(&path).unwrap();
    (0..3000).for_each(|number: u16| writer.add(&number.to_string(), &number).unwrap());
    writer.finish().unwrap();
    let mut writer = Writer::append(&path).unwrap();
    for number in (0..3000_u16).rev() {
        writer.remove(&number.to_string()).unwrap();
        writer.add(&number.to_string(), &(number + 1)).unwrap();
    }
    writer.finish().unwrap();
    let archive = Archive::open(&path).unwrap();
    assert_eq!(archive.members().len(), 3003);
    assert_eq!(archive.members().nth(3).unwrap().name(), "2999");
    assert_eq!(npy::load::<u16>(archive.member("1234").unwrap()).unwrap()[0], 1235);
}
