//! Every input that cannot work: an error that says what is wrong, and the file as it was. Never a crash.

use mmap_array::array::Typed;
use mmap_array::{CreateOptions, ErrorKind, MmapArray, MmapArrayMut, fromfile, view::IntoShape};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::{TempDir, tempdir};

type Options<T> = mmap_array::Options<Typed<T>>;

fn file(bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempdir().unwrap();
    let path = folder.path().join("input");
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn options<T>() -> Options<T> {
    MmapArray::options()
}

fn create_options<T>(shape: impl IntoShape) -> CreateOptions<Typed<T>> {
    MmapArray::create_options(shape)
}

/// The error of opening a file in every mode, which must be the same, and the file unchanged.
fn refused(path: &Path, options: impl Fn() -> Options<u32>) -> mmap_array::Error {
    let before = fs::metadata(path).map(|metadata| (metadata.len(), metadata.permissions()));
    // SAFETY: opening fails, so there is no array.
    let read = unsafe { options().open(path) }.unwrap_err();
    // SAFETY: as above.
    let write = unsafe { options().open_mut(path) }.unwrap_err();
    // SAFETY: as above.
    let copy = unsafe { options().open_cow(path) }.unwrap_err();
    assert_eq!((read.kind(), read.kind()), (write.kind(), copy.kind()), "{read}, {write}, {copy}");
    assert_eq!(read.path(), Some(path));
    let after = fs::metadata(path).map(|metadata| (metadata.len(), metadata.permissions()));
    assert_eq!(before.ok(), after.ok());
    read
}

#[test]
fn an_offset_behind_the_end() {
    let (_folder, path) = file(&[0; 100]);
    for options in [
        || options().offset(104),
        || options().offset(104).shape(0),
        || options().offset(u64::MAX - 3),
        || options().offset(u64::MAX - 3).shape(1),
        || options().offset(1 << 40).shape([None, Some(2)]),
    ] {
        let error = refused(&path, options);
        assert_eq!(error.kind(), ErrorKind::PastEnd, "{error}");
        assert!(error.to_string().contains("is past the end of the file at byte 100"), "{error}");
    }
}

#[test]
fn a_shape_longer_than_the_file() {
    let (_folder, path) = file(&[0; 100]);
    let error = refused(&path, || options().offset(4).shape([5, 5]));
    assert_eq!((error.kind(), error.byte_range()), (ErrorKind::PastEnd, Some(4..104)));
    assert!(error.to_string().contains("[5, 5] elements of `u32` from byte 4 on need 100 bytes"), "{error}");
    assert_eq!(refused(&path, || options().shape(usize::MAX >> 4)).kind(), ErrorKind::PastEnd);
}

#[test]
fn a_tail_that_is_no_whole_element() {
    let (_folder, path) = file(&[0; 103]);
    let error = refused(&path, options);
    assert_eq!((error.kind(), error.byte_range()), (ErrorKind::PartialElement, Some(100..103)));
    assert!(error.to_string().contains("3 are left over"), "{error}");
    let error = refused(&path, || options().offset(8).shape([None, Some(10)]));
    assert_eq!((error.kind(), error.byte_range()), (ErrorKind::PartialElement, Some(88..103)));
    assert!(error.to_string().contains("not a whole number of rows of 40 bytes"), "{error}");
    let error = refused(&path, || options().offset(8).shape([Some(10), None]));
    assert!(error.to_string().contains("not a whole number of slices along the inferred axis of 40 bytes"), "{error}");
    // SAFETY: nobody else uses the file.
    assert_eq!(unsafe { options::<u32>().shape(25).open(&path) }.unwrap().len(), 25);
}

#[test]
fn shapes_and_offsets_that_overflow() {
    let (_folder, path) = file(&[0; 100]);
    let half = 1 << (usize::BITS / 2);
    for shape in [vec![half, half], vec![0, half, half], vec![usize::MAX >> 1, 1], vec![usize::MAX - 1]] {
        let error = refused(&path, || options().shape(&shape));
        assert_eq!(error.kind(), ErrorKind::Overflow, "{shape:?}: {error}");
        let error = MmapArrayMut::<u32>::anonymous(&shape).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Overflow, "{shape:?}: {error}");
    }
    // An offset near the end of what a file can be, plus a length that is fine by itself.
    let new = path.with_extension("new");
    // SAFETY: the file cannot be created.
    let error = unsafe { create_options::<u32>(100).offset(i64::MAX as u64 - 7).create(&new) }.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Overflow);
    assert!(!new.exists());
}

#[test]
fn more_than_one_axis_to_infer_or_none_that_could_be() {
    let (_folder, path) = file(&[0; 96]);
    assert_eq!(refused(&path, || options().shape([None, Some(3), None])).kind(), ErrorKind::Shape);
    assert_eq!(refused(&path, || options().shape([None, Some(0)])).kind(), ErrorKind::Shape);
    assert_eq!(refused(&path, || options().shape([1; 65])).kind(), ErrorKind::Shape);
    let new = path.with_extension("new");
    // SAFETY: the file cannot be created.
    let error = unsafe { create_options::<u32>([None, Some(3)]).create(&new) }.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape);
    assert!(!new.exists());
}

#[test]
fn a_misaligned_offset_names_the_next_aligned_one_and_the_type_to_use() {
    let (_folder, path) = file(&[7; 100]);
    let error = refused(&path, || options().offset(54).shape(10));
    assert_eq!((error.kind(), error.byte_range()), (ErrorKind::Misaligned, Some(54..94)));
    let text = error.to_string();
    assert!(text.contains("byte 54") && text.contains("aligned offset is 56"), "{text}");
    // What it advises works.
    if cfg!(target_endian = "little") {
        assert!(text.contains("the alignment of `u32`: use elements of type `Le<u32>` ("), "{text}");
        // SAFETY: nobody else uses the file.
        let numbers = unsafe { options::<mmap_array::Le<u32>>().offset(54).shape(10).open(&path) }.unwrap();
        assert_eq!(numbers[9], 0x0707_0707);
    } else {
        assert!(text.contains("the alignment of `u32`: use elements of type `Be<u32>` ("), "{text}");
    }
    // SAFETY: as above.
    let error = unsafe { options::<[u32; 2]>().offset(54).shape(5).open(&path) }.unwrap_err().to_string();
    assert!(error.contains("`[u8; 8]`") && error.contains("view_as::<[u32; 2]>()"), "{error}");
}

#[test]
fn create_at_a_misaligned_offset_leaves_the_target_as_it_was() {
    let (folder, path) = file(b"old");
    // SAFETY: the file is not replaced.
    let error = unsafe { create_options::<u32>(3).offset(2).create(&path) }.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misaligned);
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn an_empty_file() {
    let (_folder, path) = file(b"");
    let error = refused(&path, options);
    assert_eq!(error.kind(), ErrorKind::EmptyFile);
    let error = refused(&path, || options().shape([1, 2]));
    assert!(error.to_string().contains("it is empty"), "{error}");
    // SAFETY: nobody else uses the file.
    assert_eq!(unsafe { options::<u32>().shape([0, 2]).open(&path) }.unwrap().shape(), [0, 2]);
}

#[test]
fn an_empty_file_is_an_empty_array_of_the_shape_that_its_error_names() {
    let (_folder, path) = file(b"");
    let error = options::<u32>().open_shared(&path).unwrap_err();
    assert!(error.to_string().contains("give a shape: `[None]`, or one with an axis of 0"), "{error}");
    assert_eq!(options::<u32>().shape([None]).open_shared(&path).unwrap().shape(), [0]);
    assert_eq!(options::<u32>().shape([0, 3]).open_shared(&path).unwrap().shape(), [0, 3]);
}

#[test]
#[cfg(all(unix, target_pointer_width = "64"))]
fn more_than_the_address_space_has_says_what_limits_it() {
    let error = MmapArrayMut::<u8>::anonymous(1 << 62).unwrap_err();
    assert_eq!(error.io_error().unwrap().kind(), std::io::ErrorKind::OutOfMemory);
    let text = error.to_string();
    assert!(text.contains("`ulimit -v`") && text.contains("`sysctl vm.max_map_count`"), "{text}");
}

#[test]
fn a_npy_file_that_is_taken_for_raw_numbers() {
    let (_folder, path) = file(b"");
    mmap_array::npy::save(&path, &[1_u16, 2, 3]).unwrap();
    let error = options::<u32>().open_shared(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PartialElement);
    assert!(
        error
            .to_string()
            .ends_with("; it is a `.npy` file, which states what its elements are: `npy::options` opens it")
    );
    let error = options::<u32>().offset(1000).open_shared(&path).unwrap_err();
    assert!(error.to_string().contains("it is a `.npy` file"), "{error}");
    assert_eq!(options::<u16>().offset(128).open_shared(&path).unwrap().at([2]).unwrap(), 3);
}

#[test]
fn a_directory() {
    let folder = tempdir().unwrap();
    let error = refused(folder.path(), options);
    assert_eq!(error.kind(), ErrorKind::NotRegularFile);
    assert!(error.to_string().contains("a directory"), "{error}");
    // SAFETY: nothing is created.
    let error = unsafe { create_options::<u32>(1).create(folder.path()) }.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotRegularFile);
}

#[cfg(target_os = "linux")]
#[test]
fn a_pipe_does_not_wait_for_its_other_end() {
    let folder = tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
    let error = refused(&pipe, options);
    assert_eq!(error.kind(), ErrorKind::NotRegularFile);
    assert!(error.to_string().contains("a pipe"), "{error}");
    // SAFETY: nothing is created.
    let error = unsafe { create_options::<u32>(1).create(&pipe) }.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotRegularFile);
    assert!(pipe.exists());
}

#[cfg(target_os = "linux")]
#[test]
fn devices_and_files_of_proc() {
    for (path, found) in [("/dev/null", "a device"), ("/dev/zero", "a device")] {
        let error = refused(Path::new(path), options);
        assert_eq!(error.kind(), ErrorKind::NotRegularFile);
        assert!(error.to_string().contains(found), "{error}");
    }
    // SAFETY: opening fails.
    let error = unsafe { MmapArray::<u8>::open("/proc/self/status") }.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotRegularFile, "{error}");
    assert!(error.to_string().contains("`fromfile` reads"), "{error}");
    let text = fromfile::<u8>("/proc/self/status", 0, None).unwrap();
    assert!(text.starts_with(b"Name:"));
}

#[test]
fn a_file_that_is_not_there_or_has_no_parent_folder() {
    let folder = tempdir().unwrap();
    let error = refused(&folder.path().join("none"), options);
    assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::NotFound);
    let orphan = folder.path().join("no/such/file");
    // SAFETY: nothing is created.
    let error = unsafe { create_options::<u32>(1).create(&orphan) }.unwrap_err();
    assert!(error.to_string().contains("parent folder"), "{error}");
    assert_eq!(error.path(), Some(orphan.as_path()));
    assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::NotFound);
}

#[test]
fn a_read_only_file_opened_to_write() {
    let (_folder, path) = file(&[0; 100]);
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).unwrap();
    // SAFETY: nobody else uses the file.
    let opened = unsafe { options::<u32>().open_mut(&path) };
    // SAFETY: as above.
    let created = unsafe { create_options::<u32>(1).create(&path) };
    if may_write_read_only_files() {
        return; // the super-user may
    }
    for error in [opened.unwrap_err(), created.unwrap_err()] {
        assert_eq!((error.kind(), error.path()), (ErrorKind::Io, Some(path.as_path())));
        assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::PermissionDenied);
    }
    assert_eq!(fs::read(&path).unwrap(), [0; 100]);
}

fn may_write_read_only_files() -> bool {
    let (_folder, path) = file(b"probe");
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).unwrap();
    fs::OpenOptions::new().write(true).open(&path).is_ok()
}

/// `/dev/shm` is a file system in memory, which says at once that it has not so many blocks.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_at_creation_and_leaves_nothing() {
    let shm = Path::new("/dev/shm");
    let Ok(system) = rustix::fs::statvfs(shm) else { return println!("left out: no /dev/shm") };
    let Ok(too_many) = usize::try_from(system.f_blocks * system.f_frsize + (1 << 20)) else {
        return println!("left out: /dev/shm is larger than the address space");
    };
    if isize::try_from(too_many).is_err() {
        return println!("left out: /dev/shm is larger than the address space");
    }
    let folder = tempfile::tempdir_in(shm).unwrap();
    let path = folder.path().join("large");
    // SAFETY: the file cannot be created.
    let error = unsafe { create_options::<u8>(too_many).reserve().create(&path) }.unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Io, Some(path.as_path())));
    assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::StorageFull);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let error = create_options::<u8>(too_many).reserve().scratch_in(folder.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
}

#[test]
fn fromfile_says_where_a_file_ends() {
    let (_folder, path) = file(&[1; 103]);
    let kind = |offset, count: Option<usize>| fromfile::<u32>(&path, offset, count).unwrap_err().kind();
    assert_eq!(kind(104, None), ErrorKind::PastEnd);
    assert_eq!(kind(0, Some(26)), ErrorKind::PastEnd);
    assert_eq!(kind(0, Some(1 << (usize::BITS - 5))), ErrorKind::PastEnd);
    assert_eq!(kind(0, Some(usize::MAX)), ErrorKind::Overflow);
    assert_eq!(kind(0, None), ErrorKind::PartialElement);
    assert_eq!(fromfile::<u32>(&path, 3, None).unwrap().len(), 25);
    assert_eq!(fromfile::<u32>(&path, 103, None).unwrap().len(), 0);
    assert_eq!(fromfile::<u32>(&path, 103, 0).unwrap().len(), 0);
    let error = fromfile::<u32>(&path, 99, Some(2)).unwrap_err();
    assert_eq!((error.byte_range(), error.path()), (Some(99..107), Some(path.as_path())));
}

#[test]
fn fromfile_reads_what_takes_many_pieces() {
    let bytes: Vec<u8> = (0..(5 << 20) + 7).map(|at: u32| (at % 251) as u8).collect();
    let (_folder, path) = file(&bytes);
    type Three = [u8; 3];
    assert_eq!(fromfile::<u8>(&path, 0, None).unwrap(), bytes);
    assert_eq!(fromfile::<Three>(&path, 0, None).unwrap().as_flattened(), &bytes[..]);
    assert_eq!(fromfile::<Three>(&path, 2, 1_000_000).unwrap().as_flattened(), &bytes[2..][..3_000_000]);
    assert_eq!(fromfile::<Three>(&path, 1, None).unwrap_err().kind(), ErrorKind::PartialElement);
    // Elements larger than a piece.
    assert_eq!(fromfile::<[u8; 2 << 20]>(&path, 7, 2).unwrap().as_flattened(), &bytes[7..][..4 << 20]);
}

/// A device, whose length nobody knows.
#[test]
#[cfg(unix)]
fn fromfile_reads_as_many_as_are_asked_for_from_what_has_no_end() {
    let zeros = fromfile::<u16>("/dev/zero", 3, 2_000_001).unwrap();
    assert_eq!(zeros, vec![0; 2_000_001]);
}

#[test]
fn tofile_writes_over_the_file_that_it_is_a_map_of() {
    let (_folder, path) = file(&[1, 2, 3, 4]);
    // SAFETY: the mapped file is replaced and not changed.
    let array = unsafe { MmapArray::<u8>::open(&path) }.unwrap();
    match array.view().step_axis(0, -1).tofile(&path) {
        Ok(()) => assert_eq!(fs::read(&path).unwrap(), [4, 3, 2, 1]),
        // Windows does not replace a file that is mapped.
        Err(error) => assert!(cfg!(windows) && fs::read(&path).unwrap() == [1, 2, 3, 4], "{error}"),
    }
    assert_eq!(*array, [1, 2, 3, 4]);
}

#[test]
fn another_type_over_no_elements_still_must_fit_the_address_space() {
    let nothing = MmapArrayMut::<u8>::anonymous([1 << (usize::BITS - 4), 0]).unwrap();
    assert_eq!(nothing.view().view_as::<[u8; 16]>().unwrap_err().kind(), ErrorKind::Overflow);
    assert_eq!(nothing.cast::<[u8; 16]>().unwrap_err().error().kind(), ErrorKind::Overflow);
}

#[test]
fn more_parts_than_memory_can_count() {
    let array = MmapArrayMut::<u8>::anonymous(4).unwrap();
    assert_eq!(array.into_parts(usize::MAX).unwrap_err().error().kind(), ErrorKind::Overflow);
}
