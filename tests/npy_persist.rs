//! Arrays that are made without a name, and get one once they are finished.

use mmap_array::array::PersistError;
use mmap_array::npy;
use mmap_array::{DynArray, Error, ErrorKind, Le, MmapArrayMut, Order};
use std::fs;
use std::path::{Path, PathBuf};
use std::{env, io, thread};

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("array.npy");
    (folder, path)
}

/// The names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    names
}

/// A scratch file in a folder, of the numbers from one on.
fn counted(folder: &Path, shape: &[usize], order: Order) -> MmapArrayMut<Le<i32>> {
    let mut array = npy::create_options(shape).order(order).scratch_in(folder).unwrap();
    count(&mut array);
    array
}

fn count(array: &mut [Le<i32>]) {
    array.iter_mut().zip(1..).for_each(|(number, index)| number.set(index));
}

/// Folders of this file system and, where there is one, of another.
fn folders(target: &Path) -> Vec<PathBuf> {
    let shm = Path::new("/dev/shm");
    let all = [target.to_path_buf(), env::temp_dir(), shm.to_path_buf()];
    all.into_iter().filter(|folder| folder.is_dir()).collect()
}

#[test]
fn a_file_that_gets_its_name_is_the_one_that_has_it_from_the_beginning() {
    for (shape, order) in
        [(&[7, 3][..], Order::C), (&[3, 7], Order::F), (&[0, 3], Order::C), (&[0], Order::F), (&[], Order::C)]
    {
        let (folder, path) = folder();
        let expected = folder.path().join("expected");
        // SAFETY: nobody else uses the file.
        let mut array = unsafe { npy::create_options(shape).order(order).create(&expected) }.unwrap();
        count(&mut array);
        array.close().unwrap();
        for scratch in folders(folder.path()) {
            counted(&scratch, shape, order).persist(&path).unwrap();
            assert!(fs::read(&path).unwrap() == fs::read(&expected).unwrap(), "{shape:?} {}", scratch.display());
            fs::remove_file(&path).unwrap();
            counted(&scratch, shape, order).persist_new(&path).unwrap();
            assert!(fs::read(&path).unwrap() == fs::read(&expected).unwrap(), "{shape:?} {}", scratch.display());
            assert_eq!(names(folder.path()), ["array.npy", "expected"]);
        }
    }
}

#[test]
fn arrays_of_any_dtype_get_a_name() {
    let (folder, path) = folder();
    for scratch in folders(folder.path()) {
        let any = || {
            let dtype = "[('id', '<u2'), ('x', '>f4')]".parse().unwrap();
            let mut any = npy::dyn_create_options(dtype, 3).scratch_in(&scratch).unwrap();
            any.view_mut().field("id").unwrap().typed::<Le<u16>>().unwrap().fill(7.into());
            any
        };
        any().persist(&path).unwrap();
        assert_eq!(npy::dyn_options().load(&path).unwrap().to_string(), "[(7, 0.) (7, 0.) (7, 0.)]");
        assert_exists(any().persist_new(&path), &path);
        fs::remove_file(&path).unwrap();
        any().persist_new(&path).unwrap();
        assert_eq!(npy::header(&path).unwrap().shape(), [3]);
        assert_eq!(names(folder.path()), ["array.npy"]);
    }
}

#[test]
fn of_a_window_the_whole_file_gets_the_name() {
    let (folder, path) = folder();
    for scratch in folders(folder.path()) {
        let mut half = npy::create_options::<Le<i32>>([4, 2]).segment(1, 2).scratch_in(&scratch).unwrap();
        count(&mut half);
        half.persist(&path).unwrap();
        let loaded = npy::load::<Le<i32>>(&path).unwrap();
        assert_eq!((loaded.shape(), loaded.view().to_native_vec()), (&[4, 2][..], vec![0, 0, 0, 0, 1, 2, 3, 4]));
    }
}

#[test]
fn an_array_that_has_grown_gets_a_name() {
    let (folder, path) = folder();
    for scratch in folders(folder.path()) {
        let mut array = counted(&scratch, &[9, 2], Order::C);
        assert_eq!(array.grow(3).unwrap(), 12);
        count(&mut array);
        array.persist(&path).unwrap();
        let loaded = npy::load::<Le<i32>>(&path).unwrap();
        assert_eq!((loaded.shape(), loaded[23].get()), (&[12, 2][..], 24));
        assert_eq!(fs::metadata(&path).unwrap().len(), 128 + 24 * 4);
    }
}

#[track_caller]
fn assert_exists<A>(persisted: Result<(), PersistError<A>>, path: &Path) {
    let error = persisted.unwrap_err().into_parts().0;
    assert_eq!((error.kind(), error.path()), (ErrorKind::Io, Some(path)), "{error}");
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::AlreadyExists);
}

#[test]
fn a_file_that_is_to_be_new_does_not_replace_another() {
    let (folder, path) = folder();
    for scratch in folders(folder.path()) {
        fs::write(&path, "old").unwrap();
        assert_exists(counted(&scratch, &[4], Order::C).persist_new(&path), &path);
        assert_eq!((fs::read(&path).unwrap(), names(folder.path())), (b"old".to_vec(), vec!["array.npy".to_owned()]));
        assert_exists(counted(&scratch, &[4], Order::C).persist_new(folder.path()), folder.path());
    }
}

#[test]
#[cfg(unix)]
fn symbolic_links_are_followed_but_not_by_a_file_that_is_to_be_new() {
    let (folder, path) = folder();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    for scratch in folders(folder.path()) {
        // It leads to nothing yet.
        assert_exists(counted(&scratch, &[4], Order::C).persist_new(&link), &link);
        assert_eq!(counted(&scratch, &[4], Order::C).persist(&link).unwrap_err().into_parts().0.path(), Some(&*link));
        assert_eq!(names(folder.path()), ["link"]);
        fs::write(&path, "old").unwrap();
        assert_exists(counted(&scratch, &[4], Order::C).persist_new(&link), &link);
        counted(&scratch, &[4], Order::C).persist(&link).unwrap();
        assert!(link.is_symlink() && npy::header(&path).unwrap().shape() == [4]);
        assert_eq!(names(folder.path()), ["array.npy", "link"]);
        fs::remove_file(&path).unwrap();
    }
}

#[test]
#[cfg(unix)]
fn permissions_are_those_of_the_file_that_is_replaced_or_of_a_new_one() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, path) = folder();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    fs::File::create(folder.path().join("new")).unwrap();
    let new = mode(&folder.path().join("new"));
    for scratch in folders(folder.path()) {
        counted(&scratch, &[4], Order::C).persist(&path).unwrap();
        assert_eq!(mode(&path), new, "{}", scratch.display());
        for kept in [0o600, 0o640, 0o664, 0o700] {
            fs::set_permissions(&path, fs::Permissions::from_mode(kept)).unwrap();
            counted(&scratch, &[4], Order::C).persist(&path).unwrap();
            assert_eq!(mode(&path), kept, "{}", scratch.display());
        }
        fs::remove_file(&path).unwrap();
    }
}

#[test]
#[cfg_attr(windows, ignore = "Windows does not replace files that are mapped")]
fn whoever_has_the_old_file_keeps_it() {
    let (folder, path) = folder();
    for scratch in folders(folder.path()) {
        counted(&scratch, &[4], Order::C).persist(&path).unwrap();
        // SAFETY: nobody writes or truncates the file; it is replaced.
        let old = unsafe { npy::open::<Le<i32>>(&path) }.unwrap();
        counted(&scratch, &[2, 2], Order::F).persist(&path).unwrap();
        assert_eq!((old.shape(), old.view().to_native_vec()), (&[4][..], vec![1, 2, 3, 4]));
        assert_eq!(npy::header(&path).unwrap().shape(), [2, 2]);
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn what_has_no_file_of_its_own_gets_no_name() {
    let (folder, path) = folder();
    let other = folder.path().join("other.npy");
    counted(folder.path(), &[4], Order::C).persist(&other).unwrap();
    let refused = |persisted: Result<(), Error>| {
        let error = persisted.unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::Unsupported, Some(&*path)), "{error}");
        // On Windows the files of arrays that live can be seen.
        assert!(cfg!(windows) || names(folder.path()) == ["other.npy"]);
    };
    refused(MmapArrayMut::<u8>::anonymous(4).unwrap().persist(&path).map_err(Error::from));
    refused(
        DynArray::create_options("<u4".parse().unwrap(), 4)
            .anonymous()
            .unwrap()
            .persist_new(&path)
            .map_err(Error::from),
    );
    refused(npy::load::<Le<i32>>(&other).unwrap().persist(&path).map_err(Error::from));
    refused(npy::dyn_options().load(&other).unwrap().persist(&path).map_err(Error::from));
    // SAFETY: nobody else uses the file, here and below.
    refused(unsafe { npy::open_mut::<Le<i32>>(&other) }.unwrap().persist(&path).map_err(Error::from));
    // SAFETY: as above.
    refused(unsafe { npy::dyn_options().open_mut(&other) }.unwrap().persist_new(&path).map_err(Error::from));
    // SAFETY: as above.
    let created = unsafe { npy::create_options::<u8>(4).create_new(folder.path().join("third")) }.unwrap();
    fs::remove_file(folder.path().join("third")).unwrap();
    refused(created.persist(&path).map_err(Error::from));
    // Parts of one map, and the last that is left of them.
    let mut parts = counted(folder.path(), &[4], Order::C).into_parts(2).unwrap();
    refused(parts.remove(0).persist(&path).map_err(Error::from));
    refused(parts.remove(0).persist(&path).map_err(Error::from));
}

#[test]
fn a_name_that_cannot_be_given_leaves_nothing() {
    let (folder, path) = folder();
    fs::write(&path, "old").unwrap();
    let targets = [
        (folder.path().to_path_buf(), ErrorKind::NotRegularFile),
        (folder.path().join("none").join("array.npy"), ErrorKind::Io),
        (path.join("array.npy"), ErrorKind::Io),
    ];
    for scratch in folders(folder.path()) {
        for (target, kind) in &targets {
            let error = counted(&scratch, &[4], Order::C).persist(target).unwrap_err().into_parts().0;
            assert_eq!((error.kind(), error.path()), (*kind, Some(&**target)), "{error}");
            let error = counted(&scratch, &[4], Order::C).persist_new(target).unwrap_err().into_parts().0;
            assert_eq!((error.kind(), error.path()), (ErrorKind::Io, Some(&**target)), "{error}");
        }
        assert_eq!((fs::read(&path).unwrap(), names(folder.path())), (b"old".to_vec(), vec!["array.npy".to_owned()]));
    }
}

#[test]
fn blocks_and_locks_of_a_scratch_file_are_no_matter_of_its_name() {
    let (folder, path) = folder();
    let mut array = npy::create_options([100]).reserve().populate().scratch_in(folder.path()).unwrap();
    count(&mut array);
    array.persist(&path).unwrap();
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows))]
    {
        let mut array = npy::create_options::<Le<i32>>([100]).lock_range().scratch_in(folder.path()).unwrap();
        count(&mut array);
        array.persist(&path).unwrap();
        // SAFETY: nobody else uses the file.
        drop(unsafe { npy::options::<Le<i32>>().lock_range().open_mut(&path) }.unwrap());
    }
    assert_eq!(npy::load::<Le<i32>>(&path).unwrap()[99].get(), 100);
}

#[test]
fn of_many_files_that_are_to_be_new_one_gets_the_name() {
    let (folder, path) = folder();
    for scratch in folders(folder.path()) {
        let given: usize = thread::scope(|scope| {
            let persist = || match counted(&scratch, &[1000], Order::C).persist_new(&path) {
                Ok(()) => 1,
                Err(error) => {
                    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::AlreadyExists);
                    0
                }
            };
            let workers: Vec<_> = (0..8).map(|_| scope.spawn(persist)).collect();
            workers.into_iter().map(|worker| worker.join().unwrap()).sum()
        });
        assert_eq!((given, names(folder.path())), (1, vec!["array.npy".to_owned()]));
        assert_eq!(npy::load::<Le<i32>>(&path).unwrap()[999].get(), 1000);
        fs::remove_file(&path).unwrap();
    }
}

#[test]
#[cfg_attr(windows, ignore = "Windows does not replace files that are open")]
fn whoever_opens_the_name_finds_a_whole_array() {
    let (folder, path) = folder();
    counted(folder.path(), &[1], Order::C).persist(&path).unwrap();
    for scratch in folders(folder.path()) {
        thread::scope(|scope| {
            let persist =
                |len: usize| (0..30).for_each(|_| counted(&scratch, &[len], Order::C).persist(&path).unwrap());
            let workers = [1000, 20_000].map(|len| scope.spawn(move || persist(len)));
            while !workers.iter().all(|worker| worker.is_finished()) {
                let loaded = npy::load::<Le<i32>>(&path).unwrap();
                assert!(loaded.iter().zip(1..).all(|(number, index)| number.get() == index), "{}", loaded.len());
            }
        });
        assert_eq!(names(folder.path()), ["array.npy"]);
    }
}
