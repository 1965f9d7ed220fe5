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

/// Every member, opened in place where that can be and loaded in any case, says what NumPy says.
fn assert_reads_as_numpy(path: &Path) {
    let archive = Archive::open(path).unwrap();
    let expected = read_by_numpy(path);
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
    assert!(failure("bzipped").1.contains("compressed by"), "{}", failure("bzipped").1);
    assert!(failure("lzma").1.contains("compressed by"), "{}", failure("lzma").1);
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
