//! `.npy` files and requests that cannot work: an error that says what is wrong, the files as they were, and no memory
//! for what a header only claims.

use cap::Cap;
use mmap_array::array::Typed;
use mmap_array::npy::{self, FromHeader, Header, Npy};
use mmap_array::{DType, Error, ErrorKind, Le, Options, Order};
use std::alloc::System;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::{TempDir, tempdir};

/// All that the tests of this file may have of memory at one time. A larger allocation aborts them.
#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, 64 << 20);

fn file(bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempdir().unwrap();
    let path = folder.path().join("array.npy");
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

/// A whole file: two rows of three numbers.
fn whole(version: (u8, u8)) -> Vec<u8> {
    let dtype = DType::from_descr("'<i4'").unwrap();
    let header = Header::new(dtype, [2, 3], Order::C).unwrap().with_version(version).unwrap();
    let mut file = header.to_bytes().unwrap();
    file.extend((0..6_i32).flat_map(i32::to_le_bytes));
    file
}

/// The error of opening a file in every way, which must be of one kind, and the file unchanged.
#[track_caller]
fn refused(path: &Path) -> Error {
    refused_by(path, npy::options(), npy::dyn_options())
}

/// As before, with the most characters of a header.
#[track_caller]
fn refused_to(path: &Path, characters: usize) -> Error {
    refused_by(path, npy::options().max_header(characters), npy::dyn_options().max_header(characters))
}

/// As before, with options.
#[track_caller]
fn refused_by(path: &Path, options: Options<Typed<Le<i32>>, Npy>, any: Options<FromHeader, Npy>) -> Error {
    let before = fs::metadata(path).map(|metadata| (metadata.len(), metadata.modified().unwrap()));
    // SAFETY: opening fails, so there is no array, here and below.
    let error = unsafe { options.open(path) }.unwrap_err();
    // SAFETY: as above.
    let errors = [
        unsafe { options.open_mut(path) }.unwrap_err(),
        // SAFETY: as above.
        unsafe { options.open_cow(path) }.unwrap_err(),
        // SAFETY: as above.
        unsafe { any.open(path) }.unwrap_err(),
        // SAFETY: as above.
        unsafe { any.open_mut(path) }.unwrap_err(),
    ];
    for other in errors {
        assert_eq!((error.kind(), error.path()), (other.kind(), other.path()), "{error}\n{other}");
    }
    let after = fs::metadata(path).map(|metadata| (metadata.len(), metadata.modified().unwrap()));
    assert_eq!((before.ok(), error.path()), (after.ok(), Some(path)));
    error
}

#[test]
fn a_header_that_claims_4_gib_takes_no_memory() {
    for version in [2, 3] {
        for len in [u32::MAX, 1 << 31, 10_001] {
            let mut bytes = [b"\x93NUMPY", &[version, 0][..], &len.to_le_bytes()].concat();
            bytes.extend(b"{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3), }");
            let (_folder, path) = file(&bytes);
            let error = refused_to(&path, usize::MAX);
            assert_eq!(error.kind(), ErrorKind::Header);
            assert!(error.to_string().contains("ends at byte 59 of its header"), "{error}");
            // By itself, the limit comes first.
            let error = refused(&path);
            let expected =
                if version == 3 && len == 10_001 { "ends at byte 59" } else { "`max_header` raises the limit" };
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}

/// The file is as long as it claims to be, and most of it are holes.
#[test]
#[cfg_attr(windows, ignore = "files are not sparse without being told to be")]
fn a_header_of_4_gib_is_not_read() {
    let (_folder, path) = file(b"\x93NUMPY\x02\0\xff\xff\xff\xff{'descr': '<i4', ");
    File::options().write(true).open(&path).unwrap().set_len(1 << 33).unwrap();
    for error in [refused(&path), refused_to(&path, 1 << 20)] {
        assert_eq!(error.kind(), ErrorKind::Header);
        assert!(error.to_string().contains("4294967295 bytes long"), "{error}");
    }
}

#[test]
fn the_limit_counts_characters() {
    for (version, name, bytes) in [((1, 0), "é", 1), ((2, 0), "é", 1), ((3, 0), "é", 2), ((3, 0), "𝄞", 4)] {
        let dtype = DType::from_descr(&format!("[('{}', '<i4')]", name.repeat(200))).unwrap();
        let header = Header::new(dtype, [2], Order::C).unwrap().with_version(version).unwrap();
        let text = header.to_bytes().unwrap().len() - if version == (1, 0) { 10 } else { 12 };
        let characters = text - 200 * (bytes - 1);
        let (_folder, path) = file(&[header.to_bytes().unwrap(), vec![0; 8]].concat());
        // SAFETY: nobody else uses the file.
        let array = unsafe { npy::dyn_options().max_header(characters).open(&path) }.unwrap();
        assert_eq!(array.shape(), [2]);
        // SAFETY: as above.
        let error = unsafe { npy::dyn_options().max_header(characters - 1).open(&path) }.unwrap_err();
        assert!(error.to_string().contains("`max_header` raises the limit"), "{error}");
    }
}

#[test]
fn a_file_that_ends_anywhere_is_refused() {
    for version in [(1, 0), (2, 0), (3, 0)] {
        let whole = whole(version);
        let (_folder, path) = file(&whole);
        for len in 0..whole.len() {
            fs::write(&path, &whole[..len]).unwrap();
            let error = refused(&path);
            let (kind, range) =
                if len < 128 { (ErrorKind::Header, None) } else { (ErrorKind::PastEnd, Some(128..152)) };
            assert_eq!((error.kind(), error.byte_range()), (kind, range), "{version:?} {len}: {error}");
        }
    }
}

#[test]
fn a_file_that_became_shorter_or_another_since_it_was_open() {
    let (_folder, path) = file(&whole((1, 0)));
    // SAFETY: nobody else uses the file, and no array is open while it changes, here and below.
    drop(unsafe { npy::open::<Le<i32>>(&path) }.unwrap());
    let handle = File::options().read(true).write(true).open(&path).unwrap();
    handle.set_len(151).unwrap();
    assert_eq!(refused(&path).kind(), ErrorKind::PastEnd);
    // SAFETY: as above.
    assert_eq!(unsafe { npy::options::<Le<i32>>().open(&handle) }.unwrap_err().kind(), ErrorKind::PastEnd);
    handle.set_len(100).unwrap();
    assert_eq!(refused(&path).kind(), ErrorKind::Header);
    // Another array altogether, of the same size.
    let dtype = DType::from_descr("'<f4'").unwrap();
    let header = Header::new(dtype, [6], Order::C).unwrap();
    fs::write(&path, [header.to_bytes().unwrap(), vec![0; 24]].concat()).unwrap();
    // SAFETY: as above.
    let error = unsafe { npy::open::<Le<i32>>(&path) }.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DTypeMismatch);
    // SAFETY: as above.
    let error = unsafe { npy::create_options::<Le<f32>>([2, 3]).open_or_create(&path) }.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Header);
}

/// Header and elements come from one file, whatever the name leads to meanwhile.
#[test]
#[cfg_attr(windows, ignore = "Windows does not replace a file that is mapped")]
fn a_file_that_is_replaced_while_it_is_opened_is_the_old_or_the_new() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("array.npy");
    let put = |len: usize| {
        // SAFETY: nobody else uses the new file, which its name then leads to.
        let mut array = unsafe { npy::create::<Le<u64>>(folder.path().join("new.npy"), [len]) }.unwrap();
        array.fill((len as u64).into());
        drop(array);
        fs::rename(folder.path().join("new.npy"), &path).unwrap();
    };
    put(1);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            (1..400).for_each(|turn| put(if turn % 2 == 0 { 1 } else { 50_000 }));
            done.store(true, Ordering::Release);
        });
        let mut seen = [0, 0];
        while !done.load(Ordering::Acquire) {
            // SAFETY: a file that has a name here is not written any more.
            let array = unsafe { npy::open::<Le<u64>>(&path) }.unwrap();
            assert!(array.iter().all(|number| number.get() == array.len() as u64), "{:?}", array.shape());
            seen[usize::from(array.len() == 1)] += 1;
        }
        assert!(seen[0] + seen[1] > 0);
    });
}

#[test]
fn the_order_of_a_stack_is_stated_by_a_file_and_nothing_else() {
    let folder = tempdir().unwrap();
    let error = npy::stack(&folder).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().contains("`concat` takes files in any order"), "{error}");
    let info = folder.path().join("info");
    std::fs::create_dir(&info).unwrap();
    assert_eq!(npy::stack(&folder).unwrap_err().kind(), ErrorKind::NotRegularFile);
    // A pipe does not wait for its other end.
    #[cfg(target_os = "linux")]
    {
        std::fs::remove_dir(&info).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, &info, rustix::fs::Mode::RWXU).unwrap();
        let error = npy::stack(&folder).unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::NotRegularFile, Some(&*info)));
        assert!(error.to_string().contains("a pipe"), "{error}");
    }
}

#[test]
fn what_is_no_file_says_so() {
    let folder = tempdir().unwrap();
    let directory = (folder.path().to_path_buf(), "a directory");
    #[cfg(not(target_os = "linux"))]
    let all = vec![directory];
    #[cfg(target_os = "linux")]
    let all = {
        let mut all = vec![directory];
        let pipe = folder.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
        all.push((pipe, "a pipe"));
        let socket = folder.path().join("socket");
        drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
        all.push((socket, "a socket"));
        all.push(("/dev/null".into(), "a device"));
        all
    };
    for (path, found) in all {
        // SAFETY: nothing is opened and nothing created, here and below.
        let errors = [
            refused(&path),
            npy::header(&path).unwrap_err(),
            // SAFETY: as above.
            unsafe { npy::create::<u8>(&path, [1]) }.unwrap_err(),
            // SAFETY: as above.
            unsafe { npy::create_options::<u8>([1]).open_or_create(&path) }.unwrap_err(),
        ];
        for error in errors {
            assert_eq!((error.kind(), error.path()), (ErrorKind::NotRegularFile, Some(&*path)), "{error}");
            assert!(error.to_string().contains(found), "{error}");
        }
        assert!(path.exists());
    }
    let missing = folder.path().join("missing.npy");
    let error = refused(&missing);
    assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::NotFound);
}

#[test]
fn what_is_no_npy_file_says_so() {
    for bytes in [&b""[..], b"PK\x03\x04 and so on", b"\x93NUMPZ\x01\0", b"\0\0\0\0\0\0\0\0\0\0", b"\x93NUM"] {
        let (_folder, path) = file(bytes);
        assert_eq!(refused(&path).kind(), ErrorKind::Header, "{bytes:?}");
    }
}

#[test]
fn what_cannot_be_created_leaves_what_was_there() {
    let (folder, path) = file(b"old");
    let new = folder.path().join("new.npy");
    let half = 1_usize << (usize::BITS / 2);
    let shapes =
        [vec![half, half], vec![usize::MAX], vec![0, half, half], vec![usize::MAX / 8, 1], vec![1; 65], vec![1; 100]];
    for target in [&path, &new] {
        for shape in &shapes {
            // SAFETY: nothing is created, here and below.
            let error = unsafe { npy::create::<u64>(target, &shape[..]) }.unwrap_err();
            let kind = if shape.len() > 64 { ErrorKind::Shape } else { ErrorKind::Overflow };
            assert_eq!((error.kind(), error.path()), (kind, Some(&**target)), "{shape:?}: {error}");
            // SAFETY: as above.
            let error =
                unsafe { npy::dyn_create_options("u8".parse().unwrap(), &shape[..]).create(target) }.unwrap_err();
            assert_eq!(error.kind(), kind, "{shape:?}: {error}");
        }
        let options = npy::create_options::<u64>([2, 3]);
        for (options, kind) in [
            (options.align(48), ErrorKind::Header),
            (options.align(1 << 20), ErrorKind::Header),
            (options.version(4, 0), ErrorKind::Header),
            (options.segment(3, 3), ErrorKind::OutOfRange),
            (options.rows(5..7), ErrorKind::OutOfRange),
        ] {
            // SAFETY: as above.
            let error = unsafe { options.create(target) }.unwrap_err();
            assert_eq!((error.kind(), error.path()), (kind, Some(&**target)), "{error}");
        }
    }
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// `/dev/shm` is a file system in memory, which says at once that it has not so many blocks.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_at_creation_and_leaves_nothing() {
    let shm = Path::new("/dev/shm");
    let Ok(system) = rustix::fs::statvfs(shm) else { return println!("left out: no /dev/shm") };
    let Some(too_many) = isize::try_from(system.f_blocks * system.f_frsize + (1 << 20)).ok() else {
        return println!("left out: /dev/shm is larger than the address space");
    };
    let folder = tempfile::tempdir_in(shm).unwrap();
    let path = folder.path().join("large.npy");
    let shape = [too_many.unsigned_abs()];
    for existing in [false, true] {
        if existing {
            fs::write(&path, b"old").unwrap();
        }
        // SAFETY: the file cannot be created.
        let error = unsafe { npy::create_options::<u8>(shape).reserve().create(&path) }.unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::Io, Some(path.as_path())));
        assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::StorageFull);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), usize::from(existing));
    }
    assert_eq!(fs::read(&path).unwrap(), b"old");
}

#[test]
fn an_archive_is_told_as_one_and_an_empty_file_too() {
    for start in [&b"PK\x03\x04\x14\0\0\0\x08\0"[..], b"PK\x05\x06\0\0\0\0"] {
        let (_folder, path) = file(start);
        let text = refused(&path).to_string();
        assert!(
            text.contains("it is a zip archive, as `np.savez` writes: open it with `npz::Archive::open`"),
            "{text}"
        );
    }
    let (_folder, path) = file(b"");
    let text = refused(&path).to_string();
    assert!(text.ends_with("the file ends within the first 8 bytes of a `.npy` file, after 0 of 8 bytes"), "{text}");
}

#[test]
fn a_window_does_not_grow_and_the_error_does_not_say_to_cut_the_file() {
    let (_folder, path) = file(&whole((1, 0)));
    // SAFETY: nobody else uses the file, here and below.
    let mut window = unsafe { npy::options::<Le<i32>>().rows(..1).open_mut(&path) }.unwrap();
    let text = window.grow(1).unwrap_err().to_string();
    assert!(
        text.ends_with("the file's array, of shape [2, 3], ends at byte 152; open the whole array to grow it"),
        "{text}"
    );
    // SAFETY: as above.
    let mut raw = unsafe { mmap_array::MmapArray::<u8>::options().offset(128).shape(12).open_mut(&path) }.unwrap();
    let text = raw.grow(1).unwrap_err().to_string();
    assert!(text.ends_with("the data between would become elements; open the whole file to grow it"), "{text}");
    drop((window, raw));

    let mut longer = whole((1, 0));
    longer.push(7);
    fs::write(&path, &longer).unwrap();
    // SAFETY: as above.
    let mut array = unsafe { npy::open_mut::<Le<i32>>(&path) }.unwrap();
    let text = array.grow(1).unwrap_err().to_string();
    assert!(text.ends_with("truncate the file to 152 bytes if nobody needs them"), "{text}");
    assert_eq!(fs::read(&path).unwrap(), longer);
}
