//! Names for arrays that were made without one: a file that is there whole or not at all.

use mmap_array::{DType, DynArray, Element, ErrorKind, MmapArray, MmapArrayMut, Order, npy};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::{TempDir, tempdir};

const SHAPE: [usize; 2] = [50, 3];

/// The numbers in the order of the file.
fn numbers() -> Vec<u16> {
    (0..150).map(|number| 7 * number).collect()
}

/// An array of them without a name, made in a folder.
fn scratch_in(folder: &Path) -> MmapArrayMut<u16> {
    let mut array = MmapArray::<u16>::create_options(SHAPE).scratch_in(folder).unwrap();
    array.copy_from_slice(&numbers());
    array
}

fn target() -> (TempDir, PathBuf) {
    let folder = tempdir().unwrap();
    let path = folder.path().join("array");
    (folder, path)
}

fn names(folder: &Path) -> Vec<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn bytes() -> Vec<u8> {
    bytemuck::cast_slice(&numbers()).to_vec()
}

#[test]
fn a_scratch_file_gets_its_name_once_it_is_finished() {
    for replace in [true, false] {
        let (folder, path) = target();
        let array = scratch_in(folder.path());
        assert!(names(folder.path()).is_empty() || cfg!(windows));
        if replace { array.persist(&path) } else { array.persist_new(&path) }.unwrap();
        assert_eq!(names(folder.path()), ["array"]);
        assert_eq!(fs::read(&path).unwrap(), bytes());
    }
}

#[test]
fn what_lies_before_the_elements_is_zero_and_the_order_is_the_files() {
    let (folder, path) = target();
    let options = MmapArray::<u16>::create_options(SHAPE).offset(6).order(Order::F);
    let mut array = options.scratch_in(&folder).unwrap();
    array[[1, 0]] = 5;
    array.persist(&path).unwrap();
    let file = fs::read(&path).unwrap();
    assert_eq!((file.len(), &file[..8]), (306, &[0; 8][..]));
    assert_eq!(file[8..10], 5_u16.to_ne_bytes());
}

#[test]
fn a_npy_file_is_byte_for_byte_the_one_that_is_saved() {
    let (folder, path) = target();
    for order in [Order::C, Order::F] {
        let mut array = npy::create_options::<u16>(SHAPE).order(order).scratch_in(&folder).unwrap();
        array.copy_from_slice(&numbers());
        let saved = folder.path().join("saved");
        npy::save(&saved, &array).unwrap();
        array.persist(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), fs::read(&saved).unwrap());
        assert_eq!(npy::header(&path).unwrap().order(), order);
        fs::remove_file(saved).unwrap();
        assert_eq!(names(folder.path()), ["array"]);
    }
}

#[test]
fn a_segment_of_a_new_npy_file_is_persisted_with_the_whole_file() {
    let (folder, path) = target();
    let mut part = npy::create_options::<u16>(SHAPE).segment(1, 2).scratch_in(&folder).unwrap();
    assert_eq!(part.shape(), [25, 3]);
    part.fill(9);
    part.persist(&path).unwrap();
    let whole = npy::load::<u16>(&path).unwrap();
    assert_eq!((whole.shape(), &whole[..75], &whole[75..]), (&SHAPE[..], &[0; 75][..], &[9; 75][..]));
}

#[test]
fn an_array_of_a_dtype_is_persisted_raw_and_as_npy() {
    let (folder, path) = target();
    let dtype: DType = "[('id', '<u2'), ('x', '>f8')]".parse().unwrap();
    let mut raw = DynArray::create_options(dtype.clone(), 3).scratch_in(&folder).unwrap();
    raw.view_mut().field("id").unwrap().typed::<mmap_array::Le<u16>>().unwrap().fill(1.into());
    raw.persist_new(&path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), [1, 0, 0, 0, 0, 0, 0, 0, 0, 0].repeat(3));
    let array = npy::dyn_create_options(dtype.clone(), [2, 2]).scratch_in(&folder).unwrap();
    array.persist(&path).unwrap();
    let header = npy::header(&path).unwrap();
    assert_eq!((header.dtype(), header.shape()), (&dtype, &[2, 2][..]));
    assert_eq!(names(folder.path()), ["array"]);
}

#[test]
fn what_was_grown_is_persisted_too() {
    let (folder, path) = target();
    let mut array = npy::create_options::<u16>(SHAPE).scratch_in(&folder).unwrap();
    array.copy_from_slice(&numbers());
    array.grow(1).unwrap();
    array[150..].fill(3);
    array.persist(&path).unwrap();
    let whole = npy::load::<u16>(&path).unwrap();
    assert_eq!((whole.shape(), &whole[..150], &whole[150..]), (&[51, 3][..], &numbers()[..], &[3; 3][..]));
}

#[test]
fn arrays_without_elements_are_persisted() {
    let (folder, path) = target();
    MmapArray::<u32>::create_options([0, 4]).scratch_in(&folder).unwrap().persist(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), 0);
    MmapArray::<u32>::create_options([0, 4]).offset(8).scratch_in(&folder).unwrap().persist(&path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), [0; 8]);
    npy::create_options::<u32>([4, 0]).scratch_in(&folder).unwrap().persist(&path).unwrap();
    assert_eq!(npy::load::<u32>(&path).unwrap().shape(), [4, 0]);
    assert_eq!(names(folder.path()), ["array"]);
}

#[test]
fn a_target_that_exists_is_replaced_or_stays() {
    let (folder, path) = target();
    fs::write(&path, "old").unwrap();
    let error = scratch_in(folder.path()).persist_new(&path).unwrap_err().into_parts().0;
    assert_eq!((error.kind(), error.path()), (ErrorKind::Io, Some(&*path)));
    assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read(&path).unwrap(), b"old");
    scratch_in(folder.path()).persist(&path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), bytes());
    assert_eq!(names(folder.path()), ["array"]);
}

#[test]
fn whoever_reads_the_file_that_is_replaced_keeps_it() {
    let (folder, path) = target();
    fs::write(&path, [1; 300]).unwrap();
    // SAFETY: the file is replaced and not changed.
    let old = unsafe { MmapArray::<u8>::open(&path) }.unwrap();
    if let Err(error) = scratch_in(folder.path()).persist(&path) {
        // Windows does not replace a file that is mapped.
        assert!(cfg!(windows) && old.len() == 300, "{error}");
    }
    assert_eq!(*old, [1; 300]);
    drop(old);
    scratch_in(folder.path()).persist(&path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), bytes());
}

#[cfg(unix)]
#[test]
fn permissions_are_those_of_the_file_that_is_replaced_or_of_a_new_file() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let (folder, path) = target();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    fs::write(folder.path().join("usual"), "").unwrap();
    let elsewhere = tempdir().unwrap();
    for made_in in [folder.path(), elsewhere.path()] {
        scratch_in(made_in).persist(&path).unwrap();
        assert_eq!(mode(&path), mode(&folder.path().join("usual")));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        // Through a symbolic link, which stays.
        let link = elsewhere.path().join("link");
        symlink(&path, &link).unwrap();
        scratch_in(made_in).persist(&link).unwrap();
        assert!(link.is_symlink());
        assert_eq!((mode(&path), fs::read(&path).unwrap()), (0o640, bytes()));
        assert!(scratch_in(made_in).persist_new(&link).is_err());
        fs::remove_file(&link).unwrap();
        fs::remove_file(&path).unwrap();
    }
    assert!(names(elsewhere.path()).is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn between_two_file_systems_a_copy_gets_the_name() {
    use std::os::unix::fs::MetadataExt;
    let Ok(shm) = tempfile::tempdir_in("/dev/shm") else { return println!("left out: no /dev/shm") };
    let (folder, _) = target();
    let device = |folder: &TempDir| fs::metadata(folder).unwrap().dev();
    if device(&shm) == device(&folder) {
        return println!("left out: the temporary folder is in memory");
    }
    for (made_in, named_in) in [(&shm, &folder), (&folder, &shm)] {
        let path = named_in.path().join("array");
        let mut array = MmapArray::<u16>::create_options(SHAPE).offset(2).scratch_in(made_in).unwrap();
        array.copy_from_slice(&numbers());
        array.persist_new(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), [&[0; 2][..], &bytes()].concat());
        fs::write(&path, "old").unwrap();
        assert!(scratch_in(made_in.path()).persist_new(&path).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        scratch_in(made_in.path()).persist(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), bytes());
        assert_eq!((names(named_in.path()), names(made_in.path())), (vec!["array".into()], vec![]));
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn what_shares_its_map_or_has_no_scratch_file_is_refused() {
    let (folder, path) = target();
    let refused = |array: MmapArrayMut<u16>| {
        let error = array.persist(&path).unwrap_err().into_parts().0;
        assert_eq!((error.kind(), error.path()), (ErrorKind::Unsupported, Some(&*path)), "{error}");
        error.to_string()
    };
    let (low, high) = scratch_in(folder.path()).into_split_at(20).unwrap();
    assert!(refused(low).contains("a part"));
    // The other part does not become the whole.
    assert!(refused(high).contains("a part"));
    let one = scratch_in(folder.path()).into_parts(1).unwrap().remove(0);
    one.persist(&path).unwrap();
    fs::remove_file(&path).unwrap();

    assert!(refused(MmapArrayMut::anonymous(SHAPE).unwrap()).contains("not in a scratch file"));
    let named = folder.path().join("named");
    // SAFETY: nobody else uses the file.
    let created = unsafe { MmapArray::create_options(SHAPE).create(&named) };
    assert!(refused(created.unwrap()).contains("not in a scratch file"));
    // SAFETY: as above.
    assert!(refused(unsafe { MmapArray::open_mut(&named) }.unwrap()).contains("not in a scratch file"));
    let memory = DynArray::create_options(u16::dtype(), 3).anonymous().unwrap();
    assert_eq!(memory.persist_new(&path).unwrap_err().into_parts().0.kind(), ErrorKind::Unsupported);
    assert_eq!(names(folder.path()), ["named"]);
}

#[test]
fn a_failure_leaves_the_folder_as_it_was() {
    let (folder, _) = target();
    let below = folder.path().join("folder");
    fs::create_dir(&below).unwrap();
    let error = scratch_in(folder.path()).persist(&below).unwrap_err().into_parts().0;
    assert_eq!((error.kind(), error.path()), (ErrorKind::NotRegularFile, Some(&*below)), "{error}");
    assert!(scratch_in(folder.path()).persist_new(&below).is_err());
    let nowhere = folder.path().join("no/such/array");
    let error = scratch_in(folder.path()).persist(&nowhere).unwrap_err().into_parts().0;
    assert!(error.to_string().contains("parent folder"), "{error}");
    assert_eq!((error.kind(), error.path()), (ErrorKind::Io, Some(&*nowhere)));
    assert_eq!(names(folder.path()), ["folder"]);
    assert!(names(&below).is_empty());
}

#[test]
fn of_many_that_persist_a_new_file_one_does() {
    let (folder, path) = target();
    let persisted = |number: u16| -> bool {
        let mut array = scratch_in(folder.path());
        array.fill(number);
        array.persist_new(&path).is_ok()
    };
    let first = std::thread::scope(|scope| {
        let all: Vec<_> = (0..8)
            .map(|number| {
                let persisted = &persisted;
                scope.spawn(move || persisted(number))
            })
            .collect();
        let done: Vec<bool> = all.into_iter().map(|one| one.join().unwrap()).collect();
        assert_eq!(done.iter().filter(|&&done| done).count(), 1, "{done:?}");
        done.iter().position(|&done| done).unwrap()
    });
    assert_eq!(fs::read(&path).unwrap(), (first as u16).to_ne_bytes().repeat(150));
    assert_eq!(names(folder.path()), ["array"]);
}

#[test]
fn what_is_found_out_beforehand_gives_the_file_no_name_at_all() {
    let (folder, _) = target();
    let targets = ["", "x/", "/", "..", &"n".repeat(300)];
    for target in targets {
        for replace in [true, false] {
            let path = if target.is_empty() { PathBuf::new() } else { folder.path().join(target) };
            let array = scratch_in(folder.path());
            let failed = if replace { array.persist(&path) } else { array.persist_new(&path) }.unwrap_err();
            let (error, array) = failed.into_parts();
            let array = array.unwrap_or_else(|| panic!("{target:?}: {error}"));
            assert_eq!(array[..], numbers()[..], "{target:?}");
            assert!(names(folder.path()).is_empty() || cfg!(windows), "{target:?}");
            // And it can still get one.
            let path = folder.path().join("array");
            array.persist(&path).unwrap();
            assert_eq!(fs::read(&path).unwrap(), bytes());
            fs::remove_file(&path).unwrap();
        }
    }
}

/// Of a private file nobody sees the new content under any name, not for a moment.
#[cfg(target_os = "linux")]
#[test]
fn permissions_are_narrowed_before_the_file_has_a_name() {
    use std::os::unix::fs::PermissionsExt;
    use std::sync::atomic::{AtomicBool, Ordering};
    let (folder, path) = target();
    fs::write(&path, "old").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut seen = Vec::new();
            while !done.load(Ordering::Relaxed) {
                for entry in fs::read_dir(folder.path()).unwrap().flatten() {
                    seen.extend(entry.metadata().map(|metadata| metadata.permissions().mode() & 0o777));
                }
            }
            seen
        });
        (0..50).for_each(|_| scratch_in(folder.path()).persist(&path).unwrap());
        done.store(true, Ordering::Relaxed);
        assert!(watcher.join().unwrap().iter().all(|&mode| mode == 0o600));
    });
}

#[test]
fn the_parent_of_a_name_alone_is_a_folder() {
    let parent = std::path::Path::new("name.npy").parent().unwrap();
    assert_eq!(mmap_array::MmapArray::<u8>::create_options(3).scratch_in(parent).unwrap().len(), 3);
}
