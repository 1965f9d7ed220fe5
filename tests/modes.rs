//! Every way to open or create a file, seen through a second, independent map and through plain `read`.

use mmap_array::{DynArray, Element, ErrorKind, MmapArray, MmapArrayMut, Order, array::Advice, fromfile};
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use tempfile::{TempDir, tempdir};

/// A folder, and a file in it of the numbers 0 to `count`.
fn file_of(count: u32) -> (TempDir, PathBuf) {
    let folder = tempdir().unwrap();
    let path = folder.path().join("numbers.u32");
    fs::write(&path, (0..count).flat_map(u32::to_ne_bytes).collect::<Vec<_>>()).unwrap();
    (folder, path)
}

fn open(path: &Path) -> MmapArray<u32> {
    // SAFETY: the tests of this file write a mapped file through its map only, while nobody reads the elements.
    unsafe { MmapArray::open(path) }.unwrap()
}

fn open_mut(path: &Path) -> MmapArrayMut<u32> {
    // SAFETY: as for `open`.
    unsafe { MmapArray::options().open_mut(path) }.unwrap()
}

fn create(path: &Path, shape: &[usize]) -> mmap_array::Result<MmapArrayMut<u32>> {
    // SAFETY: as for `open`.
    unsafe { MmapArray::create_options(shape).create(path) }
}

#[test]
fn what_is_written_through_one_map_is_read_through_another_and_by_read() {
    let (_folder, path) = file_of(10);
    let mut array = open_mut(&path);
    array[3] = 300;
    assert_eq!(open(&path)[3], 300);
    assert_eq!(fromfile::<u32>(&path, 0, None).unwrap()[3], 300);
}

#[test]
fn copy_on_write_changes_memory_and_never_the_file() {
    let (_folder, path) = file_of(10_000);
    // SAFETY: the file is not written.
    let mut array = unsafe { MmapArray::<u32>::options().open_cow(&path) }.unwrap();
    array.fill(7);
    assert!(array.iter().all(|&x| x == 7));
    let frozen = array.freeze();
    assert_eq!(frozen[9_999], 7);
    drop(frozen);
    assert!(fromfile::<u32>(&path, 0, None).unwrap().into_iter().eq(0..10_000));
}

#[test]
fn a_read_only_file_opens_to_read_and_copy_on_write_but_not_to_write() {
    let (_folder, path) = file_of(4);
    let file = File::open(&path).unwrap();
    // SAFETY: the file is not written.
    let mut cow = unsafe { MmapArray::<u32>::options().open_cow(&file) }.unwrap();
    cow[0] = 1;
    // SAFETY: as above.
    let error = unsafe { MmapArray::<u32>::options().open_mut(&file) }.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::PermissionDenied);
}

/// As sandboxes and some runtimes have them.
#[test]
#[cfg(target_os = "linux")]
fn an_open_file_is_that_of_its_thread_where_threads_have_descriptors_of_their_own() {
    use std::os::fd::AsRawFd;
    let (_folder, path) = file_of(4);
    let (_other_folder, other_path) = file_of(2);
    let write = |path: &Path| OpenOptions::new().read(true).write(true).open(path).unwrap();
    let (unshared, opened) = (std::sync::Barrier::new(2), std::sync::Barrier::new(2));
    std::thread::scope(|threads| {
        let thread = threads.spawn(|| {
            // SAFETY: from here on the descriptors of this thread are copies of the others', and its own.
            let left = unsafe { libc::unshare(libc::CLONE_FILES) };
            unshared.wait();
            opened.wait();
            let file = write(&path);
            // SAFETY: nobody else uses the file.
            let mut array = unsafe { MmapArray::<u32>::options().open_mut(&file) }.unwrap();
            array.fill(7);
            array.flush().unwrap();
            (left == 0).then(|| file.as_raw_fd())
        });
        unshared.wait();
        // For the process, and so for /proc/self, such a number is this file's.
        let others: Vec<_> = (0..50).map(|_| write(&other_path)).collect();
        opened.wait();
        let Some(number) = thread.join().unwrap() else { return println!("left out: descriptors cannot be unshared") };
        println!("{number} is another's: {}", others.iter().any(|file| file.as_raw_fd() == number));
    });
    assert_eq!(fs::read(&other_path).unwrap(), [0, 1_u32].map(u32::to_ne_bytes).concat());
    assert_eq!(fs::read(&path).unwrap(), 7_u32.to_ne_bytes().repeat(4));
}

#[test]
fn an_open_file_is_mapped_whatever_its_position_and_may_be_closed() {
    use std::io::{Seek, SeekFrom};
    let (_folder, path) = file_of(10);
    let mut file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
    file.seek(SeekFrom::End(0)).unwrap();
    // SAFETY: nobody else uses the file.
    let mut array = unsafe { MmapArray::<u32>::options().offset(4).shape([3, 3]).open_mut(&file) }.unwrap();
    drop(file);
    array[[2, 2]] = 90;
    assert_eq!((array.path(), array.byte_offset()), (None, 4));
    assert_eq!(array.grow(1).unwrap(), 4);
    assert_eq!(fromfile::<u32>(&path, 36, None).unwrap(), [90, 0, 0, 0]);
}

#[test]
fn create_makes_a_file_of_zeros_that_ends_with_the_array() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("new");
    // SAFETY: nobody else uses the file.
    let mut array = unsafe { MmapArray::<u16>::create_options([2, 5]).offset(7 * 2).create(&path) }.unwrap();
    array.fill(u16::MAX);
    array.close().unwrap();
    let bytes = fs::read(&path).unwrap();
    assert_eq!((&bytes[..14], &bytes[14..]), (&[0; 14][..], &[0xff; 20][..]));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[cfg(unix)]
#[test]
fn create_replaces_a_file_and_leaves_its_old_readers_whole() {
    let (_folder, path) = file_of(5000);
    let old = open(&path);
    let mut new = create(&path, &[3]).unwrap();
    new.fill(9);
    assert!(old.iter().copied().eq(0..5000));
    assert_eq!(fromfile::<u32>(&path, 0, None).unwrap(), [9, 9, 9]);
}

/// Windows does not replace a file that is mapped: an error, and all is as it was.
#[cfg(windows)]
#[test]
fn create_fails_under_a_reader_and_leaves_everything_as_it_was() {
    let (folder, path) = file_of(5000);
    let old = open(&path);
    if let Err(error) = create(&path, &[3]) {
        assert_eq!(error.kind(), ErrorKind::Io);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(fromfile::<u32>(&path, 0, None).unwrap().len(), 5000);
    }
    assert!(old.iter().copied().eq(0..5000));
}

#[cfg(unix)]
#[test]
fn create_keeps_permissions_and_goes_through_symbolic_links() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, path) = file_of(5);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    create(&link, &[2]).unwrap().fill(1);
    assert!(link.is_symlink());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(fs::read(&path).unwrap().len(), 8);
}

/// What the bits of a program's owner were given to is gone with the old bytes.
#[cfg(unix)]
#[test]
fn create_does_not_take_over_the_bits_by_which_a_program_runs_as_its_owner() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, path) = file_of(5);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o6750)).unwrap();
    create(&path, &[2]).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o750);
}

#[cfg(unix)]
#[test]
fn create_does_not_follow_a_symbolic_link_to_nothing() {
    let folder = tempdir().unwrap();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(folder.path().join("nothing"), &link).unwrap();
    assert!(create(&link, &[2]).unwrap_err().to_string().contains("symbolic link"));
    // SAFETY: nothing is created.
    let error = unsafe { MmapArray::<u32>::create_options(2).create_new(&link) }.unwrap_err();
    assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn create_new_refuses_a_file_that_exists_and_leaves_it() {
    let (folder, path) = file_of(5);
    // SAFETY: the file is not opened.
    let error = unsafe { MmapArray::<u32>::create_options(2).create_new(&path) }.unwrap_err();
    assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read(&path).unwrap().len(), 20);
    let fresh = folder.path().join("fresh");
    // SAFETY: nobody else uses the file.
    let mut array = unsafe { MmapArray::<u32>::create_options(2).create_new(&fresh) }.unwrap();
    array[1] = 5;
    assert_eq!(fromfile::<u32>(&fresh, 0, None).unwrap(), [0, 5]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn a_zero_length_array_maps_nothing_at_any_offset_of_a_file() {
    let (folder, path) = file_of(1 << 15);
    for offset in [0, 1, 4096, 65536, 131_071, 131_072] {
        // SAFETY: there is no element to be written by others.
        let array = unsafe { MmapArray::<u32>::options().offset(offset).shape([3, 0]).open(&path) }.unwrap();
        assert_eq!((array.len(), array.byte_offset()), (0, offset));
        assert_eq!(array.view().sum(), 0);
    }
    let mut empty = create(&folder.path().join("empty"), &[0, 4]).unwrap();
    empty.flush().unwrap();
    assert_eq!(empty.grow(2).unwrap(), 2);
    assert_eq!(*empty, [0; 8]);
}

#[test]
fn open_or_create_makes_a_raw_file_once_and_then_opens_it() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("shared");
    let options = MmapArray::<u32>::create_options([2, 3]).offset(8).order(Order::F);
    // SAFETY: nobody else uses the file, and the tests write it while nobody reads the elements.
    let open_or_create = || unsafe { options.open_or_create(&path) };
    let mut first = open_or_create().unwrap();
    assert_eq!((first.byte_offset(), first.order(), first.path()), (8, Order::F, Some(&*path)));
    assert_eq!(*first, [0; 6]);
    first[[1, 2]] = 7;
    let second = open_or_create().unwrap();
    assert_eq!((second.shape(), second[[1, 2]], second.order()), (&[2, 3][..], 7, Order::F));
    drop((first, second));
    assert_eq!(fs::metadata(&path).unwrap().len(), 32);
    // A raw file says no more of itself than its length.
    let other = MmapArray::<u32>::create_options(8);
    // SAFETY: as above.
    assert_eq!(unsafe { other.open_or_create(&path) }.unwrap()[7], 7);
    for len in [7, 9, 0] {
        // SAFETY: nothing is opened.
        let error = unsafe { MmapArray::<u32>::create_options(len).open_or_create(&path) }.unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::SizeMismatch, Some(&*path)), "{error}");
    }
    assert_eq!(fromfile::<u32>(&path, 0, None).unwrap(), [0, 0, 0, 0, 0, 0, 0, 7]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    // SAFETY: as above.
    let error = unsafe { MmapArray::<u32>::create_options([None, Some(2)]).open_or_create(&path) }.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape);
    // SAFETY: as above.
    let error = unsafe { MmapArray::<u32>::create_options(1).open_or_create(folder.path()) }.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotRegularFile);
    let dtype = u32::dtype();
    // SAFETY: as above.
    let array = unsafe { DynArray::create_options(dtype.clone(), [4, 2]).open_or_create(&path) }.unwrap();
    assert_eq!((array.shape(), array.at([3, 1]).to_string()), (&[4, 2][..], "7".into()));
    // SAFETY: nothing is opened.
    let error = unsafe { DynArray::create_options(dtype, 9).open_or_create(&path) }.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SizeMismatch);
}

#[test]
fn an_array_without_elements_is_opened_or_created_at_once() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("empty");
    let start = std::time::Instant::now();
    for _ in 0..3 {
        // SAFETY: nobody else uses the file.
        let array = unsafe { MmapArray::<u32>::create_options([0, 4]).open_or_create(&path) }.unwrap();
        assert_eq!(array.shape(), [0, 4]);
    }
    assert_eq!(fs::metadata(&path).unwrap().len(), 0);
    assert!(start.elapsed().as_secs() < 1, "it waits for nobody");
}

#[test]
fn many_that_open_or_create_one_raw_file_share_it() {
    let folder = tempdir().unwrap();
    let path = &folder.path().join("shared");
    let together = &std::sync::Barrier::new(16);
    std::thread::scope(|scope| {
        for k in 0..16 {
            scope.spawn(move || {
                together.wait();
                // SAFETY: each thread writes an element of its own, and nobody reads any meanwhile.
                let mut array = unsafe { MmapArray::<u32>::create_options(16).open_or_create(path) }.unwrap();
                array[k] = k as u32 + 1;
                together.wait();
            });
        }
    });
    assert!(fromfile::<u32>(path, 0, None).unwrap().into_iter().eq(1..=16));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows))]
#[test]
fn a_lock_covers_the_elements_of_a_raw_file_and_goes_with_the_array() {
    let (folder, path) = file_of(30);
    let window = |start: u64, len: usize| MmapArray::<u32>::options().offset(4 * start).shape(len).lock_range();
    // SAFETY: whoever writes the file takes a lock, and nobody truncates it.
    let write = |start, len| unsafe { window(start, len).open_mut(&path) };
    // SAFETY: as above.
    let read = |start, len| unsafe { window(start, len).open(&path) };
    // SAFETY: as above.
    let copy = |start, len| unsafe { window(start, len).open_cow(&path) };
    let kind = |error: mmap_array::Error| {
        assert_eq!(error.path(), Some(&*path));
        error.kind()
    };
    let mine = write(10, 10).unwrap();
    for (start, len) in [(0, 11), (19, 11), (12, 1), (0, 30)] {
        assert_eq!(kind(write(start, len).unwrap_err()), ErrorKind::Locked);
        assert_eq!(kind(read(start, len).unwrap_err()), ErrorKind::Locked);
        assert_eq!(kind(copy(start, len).unwrap_err()), ErrorKind::Locked);
    }
    write(0, 10).unwrap();
    write(20, 10).unwrap();
    write(15, 0).unwrap();
    // Who asks for no lock is not kept out.
    assert_eq!(open(&path)[10], 10);
    // A part keeps the lock of the whole.
    let part = mine.into_rows(..1).unwrap();
    assert_eq!(kind(read(19, 1).unwrap_err()), ErrorKind::Locked);
    drop(part);
    let readers = (read(10, 10).unwrap(), read(15, 10).unwrap(), copy(0, 30).unwrap());
    assert_eq!(kind(write(24, 1).unwrap_err()), ErrorKind::Locked);
    drop(readers);
    write(0, 30).unwrap();

    let new = folder.path().join("new");
    let options = MmapArray::<u32>::create_options(4).offset(8).lock_range();
    // SAFETY: as above.
    let created = unsafe { options.create_new(&new) }.unwrap();
    // SAFETY: as above.
    let error = unsafe { options.open_or_create(&new) }.unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Locked, Some(&*new)));
    // SAFETY: as above.
    let before = unsafe { MmapArray::<u32>::options().shape(2).lock_range().open_mut(&new) };
    before.unwrap();
    drop(created);
    // SAFETY: as above.
    let opened = unsafe { options.open_or_create(&new) }.unwrap();
    // SAFETY: as above.
    let error = unsafe { MmapArray::<u32>::options().lock_range().open(&new) }.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    drop(opened);
    let dynamic = DynArray::options(u32::dtype()).lock_range();
    // SAFETY: as above.
    let first = unsafe { dynamic.clone().open_mut(&new) }.unwrap();
    // SAFETY: as above.
    assert_eq!(unsafe { dynamic.open(&new) }.unwrap_err().kind(), ErrorKind::Locked);
    drop(first);
}

#[test]
fn reserve_takes_the_blocks_and_a_sparse_file_takes_none() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("reserved");
    // SAFETY: nobody else uses the files.
    let array = unsafe { MmapArray::<u8>::create_options(1 << 20).reserve().create(&path) }.unwrap();
    assert!(array.iter().all(|&byte| byte == 0));
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::MetadataExt;
        let blocks = |path: &Path| fs::metadata(path).unwrap().blocks() * 512;
        assert!(blocks(&path) >= 1 << 20);
        create(&folder.path().join("sparse"), &[1 << 20]).unwrap();
        assert!(blocks(&folder.path().join("sparse")) < 1 << 16);
    }
}

#[test]
fn scratch_and_anonymous_are_zeros_and_leave_nothing_behind() {
    let folder = tempdir().unwrap();
    let mut scratch = MmapArray::<u32>::create_options([100, 100]).scratch_in(folder.path()).unwrap();
    scratch[[99, 99]] = 1;
    assert_eq!((scratch.view().sum(), scratch.path()), (1, None));
    scratch.flush().unwrap();
    assert_eq!(scratch.grow(1).unwrap(), 101);
    assert_eq!((scratch[[99, 99]], scratch[[100, 99]]), (1, 0));
    drop(scratch);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

    let mut memory = MmapArrayMut::<u32>::anonymous([100, 100]).unwrap();
    memory[[99, 99]] = 1;
    memory.flush().unwrap();
    assert_eq!(memory.grow(100_000).unwrap(), 100_100);
    assert_eq!((memory.view().sum(), memory.len()), (1, 10_010_000));
}

#[test]
fn grow_extends_the_file_by_zeros_along_the_slowest_axis() {
    let folder = tempdir().unwrap();
    for (order, grown) in [(Order::C, [5, 3]), (Order::F, [2, 6])] {
        let path = folder.path().join("grown");
        // SAFETY: nobody else uses the file.
        let mut array =
            unsafe { MmapArray::<u32>::create_options([2, 3]).offset(12).order(order).create(&path) }.unwrap();
        array.copy_from_slice(&[1, 2, 3, 4, 5, 6]);
        assert_eq!(array.grow(3).unwrap(), grown[order as usize]);
        assert_eq!(array.shape(), grown);
        array[6..].fill(7);
        drop(array);
        let flat = fromfile::<u32>(&path, 12, None).unwrap();
        assert_eq!(flat[..6], [1, 2, 3, 4, 5, 6]);
        assert!(flat[6..].iter().all(|&x| x == 7));
        assert_eq!(flat.len(), grown[0] * grown[1]);
    }
}

#[test]
fn grow_leaves_what_follows_the_array_and_other_parts_alone() {
    let (_folder, path) = file_of(10);
    // SAFETY: nobody else uses the file.
    let mut head = unsafe { MmapArray::<u32>::options().shape(4).open_mut(&path) }.unwrap();
    assert_eq!(head.grow(1).unwrap_err().kind(), ErrorKind::Unsupported);
    let mut parts = open_mut(&path).into_parts(2).unwrap();
    assert_eq!(parts[1].grow(1).unwrap_err().kind(), ErrorKind::Unsupported);
    parts.remove(0);
    assert_eq!(parts[0].grow(1).unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(open_mut(&path).grow(usize::MAX).unwrap_err().kind(), ErrorKind::Overflow);
    assert!(fromfile::<u32>(&path, 0, None).unwrap().into_iter().eq(0..10));
}

#[test]
fn grow_that_fails_leaves_the_array_and_the_file_as_they_were() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("odd");
    fs::write(&path, [1; 3]).unwrap();
    // SAFETY: nobody else uses the file.
    let mut array = unsafe { MmapArray::<u32>::options().offset(3).shape(0).open_mut(&path) }.unwrap();
    assert_eq!(array.grow(2).unwrap_err().kind(), ErrorKind::Misaligned);
    assert_eq!((array.shape(), array.len(), fs::read(&path).unwrap()), (&[0][..], 0, vec![1; 3]));
    assert_eq!(array.cast::<[u8; 4]>().unwrap().shape(), [0]);
}

/// What the child of the next test does: grows arrays beyond the address space that it is left.
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
#[test]
#[ignore = "started by `grow_that_the_system_refuses_leaves_everything_as_it_was` with little address space"]
fn child() {
    let folder = tempdir().unwrap();
    let [raw, npy] = ["raw", "npy"].map(|name| folder.path().join(name));
    // SAFETY: nobody else uses the file.
    let whole = unsafe { mmap_array::npy::create::<u64>(&npy, [4, 8]) }.unwrap();
    // SAFETY: nobody else uses the file.
    let behind = unsafe { MmapArray::<u64>::create_options([4, 8]).offset(5 << 12).create(&raw) }.unwrap();
    let memory = MmapArrayMut::<u64>::anonymous([4, 8]).unwrap();
    for mut array in [whole, behind, memory] {
        array.iter_mut().zip(0..).for_each(|(element, number)| *element = number);
        let files = || [&raw, &npy].map(|path| fs::read(path).unwrap());
        let before = files();
        let error = array.grow(1 << 28).unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::Io, array.path()), "{error}");
        assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::OutOfMemory);
        assert!(files() == before);
        assert_eq!(array.shape(), [4, 8]);
        assert!(array.iter().copied().eq(0..32));
        // What was too much does not keep it from growing by less.
        assert_eq!(array.grow(1 << 10).unwrap(), 4 + (1 << 10));
        assert!(array[..32].iter().copied().eq(0..32) && array[32..].iter().all(|&element| element == 0));
        *array.last_mut().unwrap() = 1;
    }
}

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
fn grow_that_the_system_refuses_leaves_everything_as_it_was() {
    let mut shell = std::process::Command::new("sh");
    // A sanitizer's program needs more address space than there is, and does not even start.
    let limited = r#"ulimit -v 4194304; "$0" --list > /dev/null 2>&1 || exit 77; exec "$0" --exact child --ignored"#;
    let done = shell.arg("-c").arg(limited).arg(std::env::current_exe().unwrap()).output().unwrap();
    let told = String::from_utf8_lossy(&done.stdout);
    match done.status.code() {
        Some(77) => println!("left out: nothing runs in so little address space"),
        code => assert!(code == Some(0) && told.contains("1 passed"), "{told}"),
    }
}

#[cfg(unix)]
#[test]
fn an_array_whose_file_was_made_shorter_does_not_grow_and_says_why() {
    let (_folder, path) = file_of(10);
    let mut array = open_mut(&path);
    // No element is touched from here on.
    File::options().write(true).open(&path).unwrap().set_len(8).unwrap();
    let error = array.grow(1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("the file ends at byte 8, and the array at byte 40"), "{error}");
    assert_eq!(fs::metadata(&path).unwrap().len(), 8);
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_added_to_a_reserved_file_is_reserved_too() {
    use std::os::unix::fs::MetadataExt;
    let folder = tempdir().unwrap();
    let path = folder.path().join("reserved");
    // SAFETY: nobody else uses the file.
    let mut array = unsafe { MmapArray::<u8>::create_options(1 << 20).reserve().create(&path) }.unwrap();
    array.grow(1 << 20).unwrap();
    assert!(fs::metadata(&path).unwrap().blocks() * 512 >= 2 << 20);
}

#[test]
fn advice_and_eviction_change_nothing_that_is_read() {
    let (_folder, path) = file_of(100_000);
    let mut array = open_mut(&path);
    array[50_000] = 1;
    for advice in [Advice::Normal, Advice::Random, Advice::Sequential, Advice::WillNeed] {
        array.advise(advice).unwrap();
    }
    #[cfg(target_os = "linux")]
    for advice in [Advice::Cold, Advice::PageOut, Advice::DontDump, Advice::DoDump, Advice::PopulateRead] {
        // Not every kernel, and no emulator, has all of them: what counts is that nothing changes.
        let _ = array.advise(advice);
    }
    array.prefetch(10..20_000).unwrap();
    array.prefetch(..).unwrap();
    array.prefetch(5..5).unwrap();
    array.evict(..).unwrap();
    assert_eq!((array[50_000], array[99_999]), (1, 99_999));
    assert_eq!(array.prefetch(..100_001).unwrap_err().kind(), ErrorKind::OutOfRange);
}

#[test]
fn what_lives_in_memory_alone_is_never_evicted() {
    let (_folder, path) = file_of(10);
    let mut memory = MmapArrayMut::<u32>::anonymous(10).unwrap();
    memory[3] = 5;
    // SAFETY: the file is not written.
    let mut cow = unsafe { MmapArray::<u32>::options().open_cow(&path) }.unwrap();
    cow[3] = 5;
    assert_eq!(memory.evict(..).unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(cow.freeze().evict(..).unwrap_err().kind(), ErrorKind::Unsupported);
    let frozen = memory.freeze();
    assert_eq!(frozen.evict(..).unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(frozen[3], 5);
}

#[cfg(unix)]
#[test]
fn locking_covers_a_part_at_any_byte() {
    let (_folder, path) = file_of(100_000);
    let part = open(&path).into_rows(1..1000).unwrap();
    part.lock().unwrap();
    part.unlock().unwrap();
    // The map's unlocked pages can be given up again.
    part.evict(..).unwrap();
    assert_eq!(part[0], 1);
}

#[test]
fn populate_reads_the_same() {
    let (_folder, path) = file_of(100_000);
    // SAFETY: nobody writes the file.
    let array = unsafe { MmapArray::<u32>::options().offset(40).populate().open(&path) }.unwrap();
    assert!(array.iter().copied().eq(10..100_000));
}

#[test]
fn one_axis_follows_from_the_file_in_either_order() {
    let (_folder, path) = file_of(24);
    for (shape, order, expected, at) in [
        ([None, Some(4)], Order::C, [6, 4], 4),
        ([Some(4), None], Order::F, [4, 6], 1),
        ([None, Some(4)], Order::F, [6, 4], 1),
        ([Some(3), None], Order::C, [3, 8], 8),
    ] {
        // SAFETY: nobody writes the file.
        let array = unsafe { MmapArray::<u32>::options().shape(shape).order(order).open(&path) }.unwrap();
        assert_eq!((array.shape(), array[[1, 0]]), (&expected[..], at));
    }
}

/// A `memfd`, which Linux can seal; under qemu and on other systems there may be none.
#[cfg(target_os = "linux")]
#[test]
fn a_sealed_file_opens_without_unsafe_and_an_unsealed_one_does_not() {
    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
    use std::io::Write;
    let mut file = File::from(memfd_create("sealed", MemfdFlags::ALLOW_SEALING).unwrap());
    file.write_all(&[1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
    let options = || MmapArray::<u8>::options().offset(1).shape([Some(1), None]);
    assert_eq!(options().open_sealed(&file).unwrap_err().kind(), ErrorKind::NotImmutable);
    fcntl_add_seals(&file, SealFlags::SHRINK).unwrap();
    assert_eq!(options().open_sealed(&file).unwrap_err().kind(), ErrorKind::NotImmutable);
    fcntl_add_seals(&file, SealFlags::WRITE).unwrap();
    let array = options().open_sealed(&file).unwrap();
    assert_eq!((array.shape(), &*array), (&[1, 7][..], &[2, 3, 4, 5, 6, 7, 8][..]));
    assert_eq!(options().shape(9).open_sealed(&file).unwrap_err().kind(), ErrorKind::PastEnd);
    assert_eq!(MmapArray::<u8>::options().shape(0).open_sealed(&file).unwrap().len(), 0);
}
