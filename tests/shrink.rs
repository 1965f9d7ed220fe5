//! Rows removed from arrays and their files.

use mmap_array::{ArrayView, Be, ErrorKind, Le, MmapArray, MmapArrayMut, Order, npy};
use std::fs;

mod saved;
use saved::{folder, saved};

/// What a killed `shrink` or `append` leaves: the mark in the header, and bytes behind the array.
fn left_behind(file: &[u8], count: usize) -> Vec<u8> {
    let mut file = file.to_vec();
    assert_eq!(file[126..128], *b" \n");
    file[126] = b'\t';
    [&file[..], &vec![7; count]].concat()
}

#[test]
fn a_raw_file_becomes_shorter_along_its_slowest_axis() {
    let (_folder, path) = folder();
    for (order, offset) in [(Order::C, 0), (Order::C, 6), (Order::F, 0), (Order::F, 4099), (Order::C, 70_001)] {
        let numbers: Vec<[u8; 2]> = (0..6000_u16).map(u16::to_be_bytes).collect();
        fs::write(&path, [&vec![9; offset][..], &numbers.concat()].concat()).unwrap();
        let shape = if order == Order::C { [2000, 3] } else { [3, 2000] };
        let options = MmapArray::<Be<u16>>::options().offset(offset as u64).shape(shape).order(order);
        // SAFETY: nobody else uses the file.
        let mut array = unsafe { options.open_mut(&path) }.unwrap();
        array[0] = Be::new(77);
        for left in [2000, 1999, 1366, 1365, 3, 1, 0_usize] {
            let axis = usize::from(order == Order::F);
            assert_eq!(array.shrink(array.shape()[axis] - left).unwrap(), left);
            let mut shape = [3; 2];
            shape[axis] = left;
            assert_eq!(array.shape(), shape);
            let expected = (0..3 * left as u16).map(|n| if n == 0 { 77 } else { n });
            assert!(array.iter().map(|n| n.get()).eq(expected), "{left} of {order:?} from {offset} on");
            assert_eq!(fs::metadata(&path).unwrap().len(), (offset + 6 * left) as u64);
        }
        assert!(fs::read(&path).unwrap().iter().all(|&byte| byte == 9));
        // What comes back is zero.
        assert_eq!(array.grow(5).unwrap(), 5);
        array[14] = Be::new(3);
        assert_eq!(array.shrink(1).unwrap(), 4);
        assert_eq!(array.grow(1).unwrap(), 5);
        assert!(array.iter().all(|n| n.get() == 0));
        array.close().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), (offset + 30) as u64);
    }
}

#[test]
fn a_npy_file_becomes_the_one_that_numpy_writes_for_what_is_left() {
    let (_folder, path) = folder();
    let rows: Vec<[Le<i32>; 2]> = (0..1200).map(|n| [Le::new(n), Le::new(-n)]).collect();
    let view = ArrayView::from_slice(&rows, rows.len()).unwrap();
    npy::save(&path, &view).unwrap();
    // SAFETY: nobody else uses the file.
    let mut array = unsafe { npy::open_mut::<[Le<i32>; 2]>(&path) }.unwrap();
    for left in [1200, 1000, 999, 512, 99, 10, 9, 1, 0] {
        assert_eq!(array.shrink(array.len() - left).unwrap(), left);
        assert_eq!(array[..], rows[..left]);
        assert_eq!(fs::read(&path).unwrap(), saved(&rows[..left]));
    }
    drop(array);
    assert_eq!(npy::append(&path, &rows[..3]).unwrap(), 3);
    // Columns, and as numbers with one axis more.
    let turned = view.unpack().unwrap().t();
    npy::save(&path, &turned).unwrap();
    // SAFETY: as above.
    let mut array = unsafe { npy::open_mut::<Le<i32>>(&path) }.unwrap();
    assert_eq!((array.order(), array.shape()), (Order::F, &[2, 1200][..]));
    assert_eq!(array.shrink(1193).unwrap(), 7);
    assert_eq!(array.view().t().to_vec(), rows[..7].concat());
    assert_eq!(fs::read(&path).unwrap(), saved(&turned.slice((.., ..7))));
    drop(array);
    // The last rows alone, which end where the file does.
    npy::save(&path, &rows).unwrap();
    // SAFETY: as above.
    let mut tail = unsafe { npy::options::<[Le<i32>; 2]>().rows(1000..).open_mut(&path) }.unwrap();
    assert_eq!(tail.shrink(200).unwrap(), 0);
    assert_eq!(fs::read(&path).unwrap(), saved(&rows[..1000]));
}

#[test]
fn what_cannot_be_shrunk_is_an_error_and_stays() {
    let (_folder, path) = folder();
    let file = saved(&vec![[1_u8, 2]; 9]);
    let check = |file: &[u8], shrink: &dyn Fn() -> mmap_array::Result<usize>, kind, text: &str| {
        fs::write(&path, file).unwrap();
        let error = shrink().unwrap_err();
        assert_eq!((error.kind(), error.path()), (kind, Some(&*path)), "{error}");
        assert!(error.to_string().contains(text), "{error}");
        assert_eq!(fs::read(&path).unwrap(), file);
    };
    // SAFETY: nobody else uses the file.
    let open = || unsafe { npy::open_mut::<u8>(&path) }.unwrap();
    let (out, unsupported) = (ErrorKind::OutOfRange, ErrorKind::Unsupported);
    check(&file, &|| open().shrink(10), out, "cannot remove 10 rows from an array of shape [9, 2]");
    check(&saved(&7_u8), &|| open().shrink(1), out, "0-d");
    let behind = [&file[..], b"more"].concat();
    check(&behind, &|| open().shrink(1), unsupported, "truncate the file to 146 bytes if nobody needs them");
    // SAFETY: as above.
    let rows = || unsafe { npy::options::<u8>().rows(..5).open_mut(&path) }.unwrap();
    check(&file, &|| rows().shrink(1), unsupported, "cannot shrink: this is a window that ends at byte 138");
    // SAFETY: as above.
    let elements = || unsafe { npy::options::<u8>().elements(9..).open_mut(&path) }.unwrap();
    check(&file, &|| elements().shrink(1), unsupported, "a window of `elements`");
    let part = || {
        let mut parts = open().into_parts(2).unwrap();
        parts.last_mut().unwrap().shrink(1)
    };
    check(&file, &part, unsupported, "cannot shrink a part");
    // SAFETY: as above.
    let raw = || unsafe { MmapArray::<u8>::options().shape(100).open_mut(&path) }.unwrap();
    check(&file, &|| raw().shrink(1), unsupported, "the data between would be lost; open the whole file to shrink it");
    // An array of another type may have other rows.
    // SAFETY: as above.
    let bytes = || unsafe { npy::open_mut::<[u8; 2]>(&path) }.unwrap().cast::<u8>().unwrap();
    check(&file, &|| bytes().shrink(3), unsupported, "3 bytes from byte 143 on are not whole steps");
    assert_eq!(bytes().shrink(10).unwrap(), 8);
    assert_eq!(fs::read(&path).unwrap(), saved(&vec![[1_u8, 2]; 4]));
}

#[test]
fn arrays_in_memory_and_in_unnamed_files_become_shorter_too() {
    let folder = tempfile::tempdir().unwrap();
    for scratch in [false, true] {
        let options = MmapArray::<u32>::create_options([5000, 3]);
        let array = if scratch { options.scratch_in(&folder) } else { options.anonymous() };
        let mut array = array.unwrap();
        array.iter_mut().zip(1..).for_each(|(n, count)| *n = count);
        for left in [4999, 1500, 1, 0_usize] {
            assert_eq!(array.shrink(array.shape()[0] - left).unwrap(), left);
            assert!(array.iter().copied().eq(1..=3 * left as u32));
            // The page in which the array ends has nothing left behind it.
            assert_eq!(array.grow(3000).unwrap(), left + 3000);
            assert!(array[3 * left..].iter().all(|&n| n == 0), "{left}, {scratch}");
            assert_eq!(array.shrink(3000).unwrap(), left);
        }
        assert_eq!(array.shrink(1).unwrap_err().kind(), ErrorKind::OutOfRange);
    }
    let mut array = MmapArrayMut::<u8>::scratch(9).unwrap();
    array.fill(7);
    array.shrink(5).unwrap();
    let path = folder.path().join("named");
    array.persist(&path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), [7; 4]);
}

#[test]
fn what_a_killed_program_has_left_goes_and_what_others_have_put_there_does_not() {
    let (_folder, path) = folder();
    let file = saved(&vec![[1_u8, 2]; 9]);
    fs::write(&path, left_behind(&file, 1000)).unwrap();
    // SAFETY: nobody else uses the file.
    let mut array = unsafe { npy::open_mut::<[u8; 2]>(&path) }.unwrap();
    assert_eq!(array.shrink(0).unwrap(), 9);
    assert_eq!(fs::read(&path).unwrap(), file);
    drop(array);
    fs::write(&path, left_behind(&file, 3)).unwrap();
    // SAFETY: as above.
    let mut array = unsafe { npy::open_mut::<[u8; 2]>(&path) }.unwrap();
    assert_eq!(array.shrink(4).unwrap(), 5);
    assert_eq!(fs::read(&path).unwrap(), saved(&vec![[1_u8, 2]; 5]));
}

/// As small programs in other languages write them: no space for a mark, and none for NumPy's spaces.
#[test]
fn a_header_without_a_space_says_so_or_is_written_without_a_mark() {
    let (_folder, path) = folder();
    let bare = |text: &str, len: usize| {
        let start = [&b"\x93NUMPY\x01\0"[..], &(text.len() as u16 + 1).to_le_bytes(), text.as_bytes(), b"\n"].concat();
        [start, (0..len as u8).collect()].concat()
    };
    let dict = |len: usize| format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({len}, 2), }}");
    // SAFETY: nobody else uses the file.
    let open = || unsafe { npy::open_mut::<u8>(&path) }.unwrap();
    fs::write(&path, bare(&dict(12), 24)).unwrap();
    assert_eq!(open().shrink(1).unwrap(), 11);
    assert_eq!(fs::read(&path).unwrap(), bare(&dict(11), 22));
    assert_eq!(open().shrink(4).unwrap(), 7);
    assert_eq!(fs::read(&path).unwrap(), bare(&format!("{} ", dict(7)), 14));
    let dense = bare("{'descr':'|u1','fortran_order':False,'shape':(9,2)}", 18);
    fs::write(&path, &dense).unwrap();
    let error = open().shrink(1).unwrap_err();
    assert!(error.to_string().contains("has no space for the new length"), "{error}");
    assert_eq!((error.kind(), fs::read(&path).unwrap()), (ErrorKind::Unsupported, dense));
}

#[test]
#[cfg_attr(windows, ignore = "Windows does not let mapped files be cut")]
#[cfg_attr(
    not(any(target_arch = "x86", target_arch = "x86_64", target_vendor = "apple")),
    ignore = "qemu's user mode dies of a lost page"
)]
fn who_shares_the_file_is_told_what_is_lost() {
    let (_folder, path) = folder();
    npy::save(&path, &vec![[7_u8; 1000]; 90]).unwrap();
    let mut shared = npy::options::<u8>().open_shared(&path).unwrap();
    let first = npy::options::<u8>().rows(..40).open_shared(&path).unwrap();
    // SAFETY: the rows that are read meanwhile are others than those that go.
    let mut array = unsafe { npy::open_mut::<u8>(&path) }.unwrap();
    assert_eq!(shared.read(|view| view.len()).unwrap(), 90_000);
    array.shrink(50).unwrap();
    let error = shared.read(|view| view.sum()).unwrap_err();
    assert_eq!((error.kind(), error.byte_range()), (ErrorKind::Truncated, Some(40_128..90_128)));
    assert_eq!(first.read(|view| view.sum()).unwrap(), 280_000);
    assert!(shared.refresh().unwrap());
    assert_eq!((shared.shape(), shared.read(|view| view.sum()).unwrap()), (&[40, 1000][..], 280_000));
}

#[test]
#[cfg(windows)]
fn a_file_that_is_mapped_another_time_stays() {
    let (_folder, path) = folder();
    npy::save(&path, &vec![[7_u8; 1000]; 90]).unwrap();
    let file = fs::read(&path).unwrap();
    let shared = npy::options::<u8>().open_shared(&path).unwrap();
    // SAFETY: nobody else writes the file.
    let mut array = unsafe { npy::open_mut::<u8>(&path) }.unwrap();
    if let Err(error) = array.shrink(50) {
        assert_eq!(error.kind(), ErrorKind::Io);
        assert_eq!((array.shape(), array[89_999]), (&[90, 1000][..], 7));
        assert_eq!(shared.read(|view| view.sum()).unwrap(), 630_000);
        drop((array, shared));
        assert_eq!(fs::read(&path).unwrap(), file);
    }
}

#[test]
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows))]
fn rows_that_go_are_no_longer_locked_and_an_array_that_shrinks_keeps_others_out() {
    let (_folder, path) = folder();
    npy::save(&path, &vec![1_u8; 30]).unwrap();
    // SAFETY: nobody writes the elements that are mapped but through it.
    let mut array = unsafe { npy::options::<u8>().lock_range().open_mut(&path) }.unwrap();
    array.shrink(10).unwrap();
    if !cfg!(windows) {
        npy::append(&path, &[2_u8; 5]).unwrap();
        // SAFETY: as above.
        drop(unsafe { npy::options::<u8>().rows(20..).lock_range().open_mut(&path) }.unwrap());
    }
    // SAFETY: nobody reads them.
    let mine = unsafe { npy::options::<u8>().rows(15..).lock_range().open(&path) };
    assert_eq!(mine.unwrap_err().kind(), ErrorKind::Locked);
    drop(array);
    npy::save(&path, &vec![1_u8; 500]).unwrap();
    std::thread::scope(|threads| {
        let adding = threads.spawn(|| {
            let add = |_: &usize| match npy::append(&path, &[9_u8]) {
                Ok(_) => true,
                Err(error) => {
                    // On Windows, what a shrinking array has left cannot be cut off as long as it is mapped.
                    let expected = error.kind() == ErrorKind::Locked || cfg!(windows) && error.kind() == ErrorKind::Io;
                    assert!(expected, "{error}");
                    false
                }
            };
            (0..100).filter(add).count()
        });
        let mut removed = 0;
        for _ in 0..100 {
            // SAFETY: nobody else makes the file shorter but by what lies behind the array, or writes what is in it.
            let mut array = unsafe { npy::open_mut::<u8>(&path) }.unwrap();
            match array.shrink(2) {
                Ok(_) => removed += 2,
                // The others were first, while it was opened or now.
                Err(error) => assert!([ErrorKind::Locked, ErrorKind::Unsupported].contains(&error.kind()), "{error}"),
            }
        }
        let added = adding.join().unwrap();
        assert_eq!(npy::load::<u8>(&path).unwrap().len(), 500 + added - removed);
        assert_eq!(fs::metadata(&path).unwrap().len(), 128 + (500 + added - removed) as u64);
    });
}

/// The kernel maps the file again elsewhere, if there is room elsewhere by then.
#[test]
#[cfg(target_os = "linux")]
fn an_array_whose_file_cannot_be_cut_is_as_it_was() {
    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
    use std::io::Write;
    const LEN: usize = 1 << 20;
    let mut file = std::fs::File::from(memfd_create("sealed", MemfdFlags::ALLOW_SEALING).unwrap());
    file.write_all(&[7; LEN]).unwrap();
    fcntl_add_seals(&file, SealFlags::SHRINK).unwrap();
    for _ in 0..8 {
        let other = MmapArrayMut::<u8>::anonymous(LEN / 4 * 7).unwrap();
        // SAFETY: nobody else uses the file.
        let mut array = unsafe { MmapArray::<u8>::options().open_mut(&file) }.unwrap();
        drop(other);
        array.shrink(LEN / 2).unwrap_err();
        assert_eq!(array.shape(), [LEN]);
        assert!(array.iter().all(|&byte| byte == 7));
        array[LEN - 1] = 7;
    }
}

#[test]
fn no_rows_leave_the_file_as_it_is() {
    let (_folder, path) = folder();
    let file = saved(&[1_u8, 2, 3]);
    fs::write(&path, &file).unwrap();
    // SAFETY: nobody else uses the file.
    let mut array = unsafe { npy::open_mut::<u8>(&path) }.unwrap();
    assert_eq!((array.grow(0).unwrap(), array.shrink(0).unwrap()), (3, 3));
    assert_eq!(fs::read(&path).unwrap(), file);
    assert_eq!(npy::append(&path, &Vec::<u8>::new()).unwrap(), 3);
    assert_eq!(fs::read(&path).unwrap(), file);
}
