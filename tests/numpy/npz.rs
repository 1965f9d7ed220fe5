//! Archives that NumPy wrote are read here, and those written here by NumPy.

use crate::python::Python;
use mmap_array::npz::{Archive, Member, Writer};
use mmap_array::{ArrayView, Be, DynArrayMut, ErrorKind, Result, element::Bytes, npy};
use std::fs;
use std::path::{Path, PathBuf};

fn made(what: &str) -> Option<(tempfile::TempDir, PathBuf)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    Python::get()?.run(include_str!("npz.py"), [what.as_ref(), path.as_os_str()]);
    Some((folder, path))
}

/// What NumPy says of an archive: for each name the shape, the bytes in C order and the text.
fn read_by_numpy(path: &Path) -> Vec<Vec<String>> {
    let printed = Python::get().unwrap().run(include_str!("npz.py"), ["read".as_ref(), path.as_os_str()]);
    printed.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// A member in memory.
fn load(member: Member<'_>) -> Result<DynArrayMut> {
    npy::dyn_options().load(member)
}

/// The names of the members, all of whose sums `zipfile` has checked.
fn names_by_zipfile(path: &Path) -> Vec<String> {
    let printed = Python::get().unwrap().run(include_str!("npz.py"), ["names".as_ref(), path.as_os_str()]);
    printed.lines().map(str::to_owned).collect()
}

/// Every member, opened in place where that can be and loaded in any case, says what NumPy says.
fn assert_reads_as_numpy(path: &Path) {
    assert_reads_as(&Archive::open(path).unwrap(), read_by_numpy(path));
}

fn assert_reads_as(archive: &Archive, expected: Vec<Vec<String>>) {
    assert!(!expected.is_empty() && archive.members().len() >= expected.len());
    for line in expected {
        let [name, descr, shape, text] = &line[..] else { panic!("{line:?}") };
        let member = archive.member(name).unwrap();
        let loaded = load(member).unwrap();
        assert_eq!(&loaded.dtype().descr().unwrap(), descr, "{name}");
        assert_eq!(&format!("{:?}", loaded.shape()), shape, "{name}");
        assert_eq!(&loaded.to_string().replace('\n', "\\n"), text, "{name}");
        if loaded.shape().first().is_some_and(|&rows| rows > 0) {
            let rows = npy::dyn_options().rows(1..).load(member).unwrap();
            assert!(rows.view().view() == loaded.view().view().rows(1..), "{name}");
            let last = npy::dyn_options().elements(loaded.len() as u64 - 1..).load(member);
            assert_eq!(
                last.unwrap().as_bytes(),
                loaded.as_bytes().and_then(|all| all.rchunks(loaded.dtype().itemsize()).next())
            );
        }
        // SAFETY: nobody else uses the file.
        match unsafe { npy::dyn_options().open(member) } {
            Ok(mapped) => {
                assert!(member.is_stored());
                assert!(mapped.view() == loaded.view().view(), "{name}");
                let header = member.header().unwrap();
                assert_eq!(mapped.byte_offset(), member.data_offset().unwrap(), "{name}");
                assert_eq!((header.shape(), header.order()), (mapped.shape(), mapped.order()));
            }
            Err(error) => {
                assert!(!member.is_stored() && error.kind() == ErrorKind::Unsupported, "{error}");
                assert!(error.to_string().contains("`load`"), "{error}");
            }
        }
    }
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn archives_of_numpy_read_as_in_numpy() {
    let Some((_folder, path)) = made("savez") else { return };
    assert_reads_as_numpy(&path);
    let stored = Archive::open(&path).unwrap();
    assert!(stored.members().all(|member| member.is_stored()));
    let (_folder, path) = made("savez_compressed").unwrap();
    assert_reads_as_numpy(&path);
    assert!(Archive::open(&path).unwrap().members().all(|member| !member.is_stored()));
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn unusual_archives_read_as_in_numpy() {
    for what in ["prepended", "zip64", "streamed", "mixed", "comment", "cp437"] {
        let Some((_folder, path)) = made(what) else { return };
        assert_reads_as_numpy(&path);
    }
    // The last of two members of one name, and a member whose whole name is asked for before one with `.npy` behind.
    let (_folder, path) = made("twice").unwrap();
    assert_reads_as_numpy(&path);
    let archive = Archive::open(&path).unwrap();
    assert_eq!(*npy::load::<u8>(archive.member("x").unwrap()).unwrap(), [2]);
    assert_eq!(*npy::load::<u8>(archive.member("y").unwrap()).unwrap(), [3]);
    assert_eq!(*npy::load::<u8>(archive.member("y.npy").unwrap()).unwrap(), [4]);
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn members_that_are_no_arrays_are_refused() {
    let Some((_folder, path)) = made("others") else { return };
    let archive = Archive::open(&path).unwrap();
    let failure = |name: &str| {
        let error = load(archive.member(name).unwrap()).map(|_| ()).unwrap_err();
        (error.kind(), error.to_string())
    };
    let names: Vec<_> = archive.members().map(|member| member.name()).collect();
    assert_eq!(names, ["readme.txt", "folder/", "objects", "bzipped", "lzma", "x"]);
    assert_eq!(failure("readme.txt").0, ErrorKind::Header);
    assert!(failure("folder/").1.contains("it is a folder"), "{}", failure("folder/").1);
    assert_eq!(failure("objects").0, ErrorKind::Header);
    for (name, method, feature, is_there) in [
        ("bzipped", "bzip2", "bzip2", cfg!(feature = "bzip2")),
        ("lzma", "lzma", "lzma-rust2", cfg!(feature = "lzma-rust2")),
    ] {
        assert_eq!(archive.member(name).unwrap().compression(), method);
        if !is_there {
            let expected = format!("it is compressed by {method}: enable the feature `{feature}` of this crate");
            assert!(failure(name).1.contains(&expected), "{}", failure(name).1);
        }
    }
    assert!(load(archive.member("x").unwrap()).is_ok());
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn deflated_members_that_are_damaged_are_refused() {
    let Some((_folder, path)) = made("savez_compressed") else { return };
    let good = fs::read(&path).unwrap();
    let find = |name: &[u8]| good.windows(name.len()).rposition(|window| window == name).unwrap();
    let directory = find(b"big.npy") - 46;
    let local = good.windows(7).position(|window| window == b"big.npy").unwrap();
    for (place, value, expected) in [
        (local + 600, &[0x55, 0xaa, 0x55, 0xaa][..], "it is damaged"),
        (directory + 16, &[1, 2, 3, 4], "it is damaged: Invalid checksum"),
        (directory + 24, &[200, 0, 0, 0], "the end of the archive member"),
        (directory + 24, &[0xff, 0xff, 0xff, 0x7f], "cannot become the 2147483647"),
    ] {
        let mut bytes = good.clone();
        bytes[place..place + value.len()].copy_from_slice(value);
        fs::write(&path, &bytes).unwrap();
        let archive = Archive::open(&path).unwrap();
        let error = load(archive.member("big").unwrap()).map(|_| ()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Archive | ErrorKind::PastEnd), "{error}");
        assert!(error.to_string().contains(expected), "{expected}: {error}");
    }
}

/// More than 4 GiB in front of the members, which take no room on the disk, and more members than 16 bits can count.
#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
#[cfg_attr(target_arch = "powerpc", ignore = "QEMU maps what lies above 4 GiB at the offset's lower 32 bits")]
fn archives_beyond_32_bits_read_as_in_numpy() {
    let Some((_folder, path)) = made("far") else { return };
    assert_reads_as_numpy(&path);
    let archive = Archive::open(&path).unwrap();
    assert!(archive.member("x").unwrap().data_offset().unwrap() > 5 << 30);
    let (_folder, path) = made("many").unwrap();
    let archive = Archive::open(&path).unwrap();
    assert_eq!(archive.members().len(), 66_000);
    let last = load(archive.member("65999").unwrap()).unwrap();
    assert_eq!(last.view().to_vec_as::<u16>().unwrap(), [463]);
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn numpy_and_zipfile_read_what_is_written_here() {
    let Some(_) = Python::get() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let numbers: Vec<Be<i32>> = (0..24).map(|number| Be::new(number * number - 50)).collect();
    let cube = ArrayView::from_slice(&numbers, [2, 3, 4]).unwrap();
    let texts = [Bytes::<5>::new("a").unwrap(), Bytes::new("it's").unwrap()];
    let mut writer = Writer::create(&path).unwrap();
    writer.add("cube", &cube).unwrap();
    writer.add("turned", &cube.t()).unwrap();
    writer.add("reversed", &cube.step_axis(0, -1)).unwrap();
    writer.add("a long name, that shifts what follows", &ArrayView::from_slice(&texts, 2).unwrap()).unwrap();
    writer.add("sub/é", &ArrayView::from_slice(&[[1.5_f32, -0.0]; 3], 3).unwrap()).unwrap();
    writer.add("../up", &ArrayView::from_slice(&[1_u8], ()).unwrap()).unwrap();
    writer.add("", &ArrayView::<u64>::from_slice(&[], 0).unwrap()).unwrap();
    writer.finish().unwrap();
    assert_eq!(read_by_numpy(&path).len(), 7);
    assert_reads_as_numpy(&path);
    let printed = Python::get().unwrap().run(include_str!("npz.py"), ["check".as_ref(), path.as_os_str()]);
    assert_eq!(printed, "7 members, all aligned\n");
    assert!(fs::metadata(&path).unwrap().len() < 4096);
}

#[test]
#[cfg(any(feature = "bzip2", feature = "lzma-rust2"))]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn members_of_other_methods_read_as_in_numpy() {
    let Some((_folder, path)) = made("others") else { return };
    let expected = read_by_numpy_without_objects(&path);
    let archive = Archive::open(&path).unwrap();
    let is_read = |line: &Vec<String>| match &*line[0] {
        "bzipped" => cfg!(feature = "bzip2"),
        "lzma" => cfg!(feature = "lzma-rust2"),
        _ => true,
    };
    let expected: Vec<_> = expected.into_iter().filter(is_read).collect();
    assert!(expected.len() > 1);
    assert_reads_as(&archive, expected);
}

/// As [`read_by_numpy`], of the arrays that NumPy reads without unpickling.
#[cfg(any(feature = "bzip2", feature = "lzma-rust2"))]
fn read_by_numpy_without_objects(path: &Path) -> Vec<Vec<String>> {
    let printed = Python::get().unwrap().run(include_str!("npz.py"), ["read_numbers".as_ref(), path.as_os_str()]);
    printed.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn numpy_reads_members_that_are_deflated_here() {
    let Some(_) = Python::get() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let numbers: Vec<i64> = (0..300_000).map(|number| number * number % 1000).collect();
    let square = ArrayView::from_slice(&numbers, [300, 1000]).unwrap();
    let mut writer = Writer::create(&path).unwrap();
    writer.add_compressed("square", &square).unwrap();
    writer.add_compressed("turned", &square.t()).unwrap();
    writer.add("stored", &vec![1.5_f32; 100]).unwrap();
    writer.add_compressed("é", &1_u8).unwrap();
    writer.add_compressed("empty", &Vec::<f64>::new()).unwrap();
    writer.finish().unwrap();
    assert_reads_as_numpy(&path);
    let printed = Python::get().unwrap().run(include_str!("npz.py"), ["check".as_ref(), path.as_os_str()]);
    assert_eq!(printed, "5 members, all aligned\n");
    // Not larger than what zlib makes of it, with one in a hundred more.
    let (_folder, of_numpy) = made("savez_compressed").unwrap();
    let big: Vec<i64> = (0..300_000).map(|number| number % 1000).collect();
    let mut writer = Writer::create(&path).unwrap();
    writer.add_compressed("big", &big).unwrap();
    writer.finish().unwrap();
    let size = |path: &Path| Archive::open(path).unwrap().member("big").unwrap().compressed_size();
    assert!(size(&path) < size(&of_numpy) * 101 / 100, "{} and {} bytes", size(&path), size(&of_numpy));
}

/// Archives of all kinds that Python writes are added to, and read by NumPy before, meanwhile and after.
#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn numpy_and_zipfile_read_archives_that_were_added_to() {
    for what in ["savez", "savez_compressed", "prepended", "zip64", "streamed", "mixed", "comment", "cp437", "far"] {
        let Some((folder, path)) = made(what) else { return };
        let (old, before) = (names_by_zipfile(&path), read_by_numpy(&path));
        let mut writer = Writer::append(&path).unwrap();
        writer.add("added", &(0..50_000_u32).collect::<Vec<_>>()).unwrap();
        writer.remove("x").unwrap();
        writer.add_compressed("x", &[1.5_f32, 2.5][..]).unwrap();
        assert_eq!(read_by_numpy(&path), before, "{what}: meanwhile");
        assert_reads_as_numpy(&path);
        if ["savez_compressed", "prepended", "streamed", "cp437"].contains(&what) {
            // What a killed writer leaves, and what another program makes of that.
            let left = folder.path().join("left.npz");
            fs::copy(&path, &left).unwrap();
            assert_eq!(read_by_numpy(&left), before, "{what}: left");
            if !old.contains(&"text.npy".to_owned()) {
                Python::get().unwrap().run(include_str!("npz.py"), ["append".as_ref(), left.as_os_str()]);
                assert_eq!(read_by_numpy(&left).len(), before.len() + 1, "{what}: added to by others");
                assert_reads_as_numpy(&left);
                let mut writer = Writer::append(&left).unwrap();
                writer.add("added", &1_u8).unwrap();
                writer.finish().unwrap();
                assert_eq!(read_by_numpy(&left).len(), before.len() + 2, "{what}: and again");
                assert_reads_as_numpy(&left);
            }
        }
        writer.finish().unwrap();
        let expected: Vec<_> = old.iter().filter(|name| *name != "x.npy").map(|name| &**name).collect();
        assert_eq!(names_by_zipfile(&path), [&expected[..], &["added.npy", "x.npy"]].concat(), "{what}");
        assert_reads_as_numpy(&path);
        let after = read_by_numpy(&path);
        assert_eq!(after.iter().find(|line| line[0] == "x").unwrap()[3], "[1.5 2.5]");
        assert_eq!(after.len(), before.len() + 1);
    }
    let (_folder, path) = made("many").unwrap();
    let mut writer = Writer::append(&path).unwrap();
    writer.add("added", &1_u8).unwrap();
    writer.finish().unwrap();
    assert_eq!(names_by_zipfile(&path).len(), 66_001);
    let archive = Archive::open(&path).unwrap();
    assert_eq!(*npy::load::<u8>(archive.member("added").unwrap()).unwrap(), [1]);
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn archives_of_numpy_that_were_cut_short_are_recovered() {
    for what in ["savez", "savez_compressed", "prepended", "zip64", "streamed", "mixed", "cp437", "twice"] {
        let Some((_folder, path)) = made(what) else { return };
        let before = read_by_numpy(&path);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 30]).unwrap();
        let error = Archive::open(&path).err().unwrap();
        let expected = if what == "prepended" { "not an archive" } else { "`npz::Archive::recover`" };
        assert!(error.to_string().contains(expected), "{what}: {error}");
        let archive = Archive::recover(&path).unwrap();
        assert_eq!(archive.damaged().len(), 0);
        assert_reads_as(&archive, before.clone());
        // In the middle of the last member.
        let directory = bytes.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
        fs::write(&path, &bytes[..directory - 5]).unwrap();
        let archive = Archive::recover(&path).unwrap();
        // That is no array, of which NumPy says nothing.
        let last = if what == "mixed" { "note.txt" } else { &before[before.len() - 1][0] };
        assert!(archive.damaged().eq([last]), "{what}");
        let rest = before.iter().filter(|line| line[0] != last).cloned();
        assert_reads_as(&archive, rest.collect());
    }
}
