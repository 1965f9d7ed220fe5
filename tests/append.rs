//! Rows added to raw files.

use mmap_array::{ArrayView, Be, DynArray, Element, Error, ErrorKind, Le, MmapArray, Order, SharedArray, fromfile};
use std::{fs, thread};

/// A folder that goes with the test, and the path of a file there.
fn folder() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows");
    (folder, path)
}

#[test]
fn rows_are_added_behind_those_that_are_there() {
    let (_folder, path) = folder();
    let numbers: Vec<Be<i16>> = (0..3600).map(Be::new).collect();
    let view = ArrayView::from_slice(&numbers, [1200, 3]).unwrap();
    for (offset, order) in [(0, Order::C), (7, Order::C), (70_001, Order::C), (7, Order::F)] {
        fs::write(&path, vec![9; offset]).unwrap();
        let shape = if order == Order::C { [None, Some(3)] } else { [Some(3), None] };
        let options = MmapArray::<Be<i16>>::options().offset(offset as u64).shape(shape).order(order);
        for range in [0..0, 0..1, 1..9, 9..9, 9..1000, 1000..1200] {
            let rows = view.rows(range.clone());
            let rows = if order == Order::C { rows } else { rows.t() };
            assert_eq!(options.append(&path, &rows).unwrap(), range.end);
            let bytes: Vec<u8> = (0..3 * range.end as i16).flat_map(i16::to_be_bytes).collect();
            assert_eq!(fs::read(&path).unwrap(), [vec![9; offset], bytes].concat());
        }
        // Of any strides.
        let turned = if order == Order::C { view.step_axis(0, -1) } else { view.step_axis(0, -1).t() };
        assert_eq!(options.append(&path, &turned).unwrap(), 2400);
        let all = options.load(&path).unwrap();
        let added = if order == Order::C { all.rows(1200..) } else { all.view().slice((.., 1200..)) };
        assert_eq!(added, turned);
    }
    // Without a shape, elements.
    let options = MmapArray::<u32>::options().offset(2);
    fs::write(&path, [7, 7]).unwrap();
    assert_eq!(options.append(&path, &(&[1, 2, 3]).into()).unwrap(), 3);
    assert_eq!(options.append(&path, &(&vec![4]).into()).unwrap(), 4);
    assert_eq!(fromfile::<u32>(&path, 2, None).unwrap(), [1, 2, 3, 4]);
}

#[test]
fn an_array_may_be_added_to_itself_and_shared_readers_find_the_rows() {
    let (_folder, path) = folder();
    fs::write(&path, [1, 2, 3, 4]).unwrap();
    let options = MmapArray::<u8>::options().shape([None, Some(2)]);
    let mut array = options.open_shared(&path).unwrap();
    let append = |array: &SharedArray<u8>| array.try_read(|view| options.append(&path, &view.step_axis(0, -1)));
    assert_eq!(append(&array).unwrap(), 4);
    assert!(array.refresh().unwrap());
    assert_eq!(array.read(|view| view.to_vec()).unwrap(), [1, 2, 3, 4, 3, 4, 1, 2]);
    // One that is mapped may grow as well, and be added to by others afterwards.
    // SAFETY: nobody writes the elements that are mapped; more come behind them.
    let mut mapped = unsafe { options.open_mut(&path) }.unwrap();
    mapped.grow(1).unwrap();
    assert_eq!(append(&array).unwrap(), 9);
    assert_eq!(mapped.grow(1).unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn rows_that_cannot_be_added_change_nothing() {
    let (folder, path) = folder();
    let file = [9; 19];
    fs::write(&path, file).unwrap();
    let options = MmapArray::<u16>::options().offset(3);
    let pairs = ArrayView::from_slice(&[5_u16, 6], [1, 2]).unwrap();
    type Case<'a> = (&'a dyn Fn() -> Result<usize, Error>, ErrorKind, &'a str);
    let cases: &[Case<'_>] = &[
        (&|| options.shape([None, Some(3)]).append(&path, &pairs), ErrorKind::Shape, "shape [n, 3], found [1, 2]"),
        (&|| options.append(&path, &pairs), ErrorKind::Shape, "expected rows of shape [n], found [1, 2]"),
        (&|| options.shape([None, Some(2)]).append(&path, &pairs.index_axis(0, 0)), ErrorKind::Shape, "found [2]"),
        (&|| options.shape([4, 2]).append(&path, &pairs), ErrorKind::Shape, "the shape is [4, 2]: give `None`"),
        (&|| options.shape([Some(1), None]).append(&path, &pairs), ErrorKind::Shape, "along the first axis"),
        (
            &|| options.shape([None, Some(2)]).order(Order::F).append(&path, &pairs),
            ErrorKind::Shape,
            "along the last axis",
        ),
        (&|| options.shape([None::<usize>; 2]).append(&path, &pairs), ErrorKind::Shape, "2 axes to be inferred"),
        (&|| options.shape(()).append(&path, &pairs), ErrorKind::Shape, "the shape is []"),
        (&|| options.shape(vec![1; 65]).append(&path, &pairs), ErrorKind::Shape, "65 axes"),
        (&|| options.shape([None, Some(0)]).append(&path, &pairs), ErrorKind::Shape, "rows of no bytes"),
        (
            &|| options.shape([None, Some(usize::MAX)]).append(&path, &pairs),
            ErrorKind::Overflow,
            "exceed the address space",
        ),
        (
            &|| options.offset(0).shape([None, Some(2)]).append(&path, &pairs),
            ErrorKind::PartialElement,
            "3 are left over",
        ),
        (&|| options.offset(20).append(&path, &(&[1]).into()), ErrorKind::PastEnd, "the offset 20"),
        (&|| options.offset(u64::MAX).append(&path, &(&[1]).into()), ErrorKind::PastEnd, "past the end"),
    ];
    for (append, kind, text) in cases {
        let error = append().unwrap_err();
        assert_eq!((error.kind(), error.path()), (*kind, Some(&*path)), "{error}");
        assert!(error.to_string().contains(text), "{error}");
        assert_eq!(fs::read(&path).unwrap(), file);
    }
    let error = options.append(folder.path(), &(&[1]).into()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotRegularFile);
    let missing = folder.path().join("missing");
    assert_eq!(options.append(&missing, &(&[1]).into()).unwrap_err().kind(), ErrorKind::Io);
    assert!(!missing.exists());
}

#[test]
fn a_torn_row_is_an_error_until_it_is_cut() {
    let (_folder, path) = folder();
    let options = MmapArray::<Le<u32>>::options().offset(5).shape([None, Some(3)]);
    let rows: Vec<Le<u32>> = (0..6).map(Le::new).collect();
    let rows = ArrayView::from_slice(&rows, [2, 3]).unwrap();
    for torn in 1..12 {
        fs::write(&path, vec![1; 5]).unwrap();
        options.append(&path, &rows).unwrap();
        let whole = fs::read(&path).unwrap();
        fs::write(&path, [&whole[..], &vec![8; torn]].concat()).unwrap();
        let error = options.append(&path, &rows).unwrap_err();
        assert_eq!((error.kind(), error.byte_range()), (ErrorKind::PartialElement, Some(29..29 + torn as u64)));
        assert!(error.to_string().contains("give the file 29 bytes, as `cut_partial_row` does"), "{error}");
        assert_eq!(fs::read(&path).unwrap().len(), 29 + torn);
        assert_eq!(options.cut_partial_row(&path).unwrap(), torn as u64);
        assert_eq!(fs::read(&path).unwrap(), whole);
        assert_eq!(options.cut_partial_row(&path).unwrap(), 0);
        assert_eq!(options.append(&path, &rows).unwrap(), 4);
    }
    fs::write(&path, [1; 4]).unwrap();
    assert_eq!(options.cut_partial_row(&path).unwrap_err().kind(), ErrorKind::PastEnd);
    assert_eq!(options.shape([2, 3]).cut_partial_row(&path).unwrap_err().kind(), ErrorKind::Shape);
    let dynamic = DynArray::options("<u4".parse().unwrap());
    assert_eq!(dynamic.offset(1).cut_partial_row(&path).unwrap(), 3);
}

#[test]
fn rows_of_a_dtype_are_added_to_an_array_of_it() {
    let (_folder, path) = folder();
    let dtype = "[('id', '<u2'), ('xy', '<f4', (2,))]".parse::<mmap_array::DType>().unwrap();
    let mut rows = DynArray::create_options(dtype.clone(), 3).anonymous().unwrap();
    rows.view_mut().field("id").unwrap().typed::<Le<u16>>().unwrap().fill(7.into());
    fs::write(&path, []).unwrap();
    let options = DynArray::options(dtype);
    assert_eq!(options.clone().append(&path, &rows.view()).unwrap(), 3);
    assert_eq!(options.clone().append(&path, &rows.view().rows(1..)).unwrap(), 5);
    let expected = "[(7, [0., 0.]) (7, [0., 0.]) (7, [0., 0.]) (7, [0., 0.]) (7, [0., 0.])]";
    assert_eq!(options.load(&path).unwrap().to_string(), expected);
    let error = DynArray::options(u32::dtype()).append(&path, &rows.view()).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::DTypeMismatch, Some(&*path)), "{error}");
    // Subarrays, whose axes follow those of the array.
    fs::write(&path, []).unwrap();
    let pairs = DynArray::options("(2,)u1".parse().unwrap());
    let bytes = [1_u8, 2, 3, 4, 5, 6];
    let u1 = u8::dtype();
    let rows = ArrayView::from_slice(&bytes, [3, 2]).unwrap();
    assert_eq!(pairs.clone().append(&path, &rows.to_dyn(&u1).unwrap()).unwrap(), 3);
    assert_eq!(fs::read(&path).unwrap(), bytes);
    let error = pairs.clone().append(&path, &rows.t().to_dyn(&u1).unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape, "{error}");
    let turned = pairs.shape([Some(1), None]).order(Order::F);
    let rows = ArrayView::from_slice(&bytes, [1, 3, 2]).unwrap();
    let error = turned.append(&path, &rows.to_dyn(&u1).unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    let columns = DynArray::options(u1.clone()).shape([Some(2), None]).order(Order::F);
    let rows = ArrayView::from_slice(&bytes, [2, 3]).unwrap();
    assert_eq!(columns.append(&path, &rows.to_dyn(&u1).unwrap()).unwrap(), 6);
    assert_eq!(fs::read(&path).unwrap()[6..], [1, 4, 2, 5, 3, 6]);
}

#[test]
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows))]
fn all_rows_are_there_that_a_crowd_was_told_so_of() {
    let (_folder, path) = folder();
    fs::write(&path, []).unwrap();
    let options = MmapArray::<[u64; 2]>::options();
    let add = |thread: u64| {
        let mut added = 0;
        while added < 50 {
            match options.append(&path, &(&[[thread, added]]).into()) {
                Ok(_) => added += 1,
                Err(error) => {
                    assert_eq!((error.kind(), error.path()), (ErrorKind::Locked, Some(&*path)), "{error}");
                    thread::yield_now();
                }
            }
        }
    };
    thread::scope(|threads| (0..8).for_each(|thread| drop(threads.spawn(move || add(thread)))));
    let rows = fromfile::<[u64; 2]>(&path, 0, None).unwrap();
    assert_eq!(rows.len(), 400);
    for thread in 0..8 {
        assert!(rows.iter().filter(|row| row[0] == thread).map(|row| row[1]).eq(0..50));
    }
    if cfg!(windows) {
        return println!("left out: Windows does not cut files that are mapped");
    }
    // Who has locked the bytes behind the array keeps those out who ask for the lock.
    // SAFETY: nobody accesses the elements.
    let mut mine = unsafe { options.offset(6400 - 16).lock_range().open_mut(&path) }.unwrap();
    mine.grow(1).unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_len(6400).unwrap();
    let error = options.lock_range().append(&path, &(&[[0, 0]]).into()).unwrap_err();
    assert_eq!((error.kind(), error.byte_range()), (ErrorKind::Locked, Some(6400..6416)));
    assert_eq!(options.append(&path, &(&[[0, 0]]).into()).unwrap(), 401);
}

#[test]
#[cfg(target_os = "linux")]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
fn an_error_of_the_system_leaves_the_old_rows() {
    let (_folder, path) = folder();
    fs::write(&path, [1; 100]).unwrap();
    // No more than so many bytes, in a process of its own.
    let script = r#"ulimit -f 1; trap '' XFSZ; exec "$0" --exact too_long --ignored --nocapture"#;
    let mut child = std::process::Command::new("bash");
    child.arg("-c").arg(script).arg(std::env::current_exe().unwrap()).env("TARGET", &path);
    let output = child.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(fs::read(&path).unwrap(), [1; 100]);
}

#[test]
#[cfg(target_os = "linux")]
#[ignore = "started by `an_error_of_the_system_leaves_the_old_rows`"]
fn too_long() {
    let path = std::env::var_os("TARGET").unwrap();
    let rows = mmap_array::MmapArrayMut::<u8>::anonymous(5000).unwrap();
    let error = MmapArray::<u8>::options().append(&path, &rows.view()).unwrap_err();
    assert_eq!((error.kind(), error.io_error().unwrap().kind()), (ErrorKind::Io, std::io::ErrorKind::FileTooLarge));
}

#[test]
fn one_raw_file_is_opened_or_created_by_many_that_share_it() {
    let (folder, path) = folder();
    let together = &std::sync::Barrier::new(8);
    let options = MmapArray::<u32>::create_options([8, 3]).offset(10).order(Order::F);
    let path = &path;
    thread::scope(|threads| {
        for k in 0..8 {
            threads.spawn(move || {
                together.wait();
                let array = options.offset(8).open_or_create_shared(path).unwrap();
                assert_eq!((array.shape(), array.order(), array.byte_offset()), (&[8, 3][..], Order::F, 8));
                array.set([k, 2], k as u32 + 1).unwrap();
            });
        }
    });
    let numbers = fromfile::<u32>(path, 8, None).unwrap();
    assert!(numbers[..16].iter().all(|&n| n == 0) && numbers[16..].iter().copied().eq(1..=8));
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    // Bytes and packed numbers may begin anywhere; others may not.
    let error = options.offset(10).open_or_create_shared(folder.path().join("other")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misaligned);
    for options in [options.offset(12), MmapArray::<u32>::create_options(25).offset(8)] {
        let error = options.open_or_create_shared(path).unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::SizeMismatch, Some(&**path)), "{error}");
    }
    let dynamic = DynArray::create_options("<u4".parse().unwrap(), [6, 4]).offset(8);
    let mut array = dynamic.clone().open_or_create_shared(path).unwrap();
    assert_eq!(array.at([5, 3]).unwrap().to_string(), if cfg!(target_endian = "big") { "134217728" } else { "8" });
    // What it was to be it is, after the file has changed as well.
    assert!(!array.refresh().unwrap());
    // It keeps its shape when others append to the file.
    let more = ArrayView::from_slice(&[9_u32; 12], [6, 2]).unwrap();
    let append = MmapArray::<u32>::options().offset(8).shape([Some(6), None]).order(Order::F);
    assert_eq!(append.append(path, &more).unwrap(), 6);
    assert!(!array.refresh().unwrap() && array.shape() == [6, 4] && array.at([5, 3]).is_ok());
    let error = dynamic.clone().open_or_create_shared(path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SizeMismatch, "{error}");
    if cfg!(windows) {
        return println!("left out: Windows does not cut files that are mapped");
    }
    fs::write(path, [0; 103]).unwrap();
    assert_eq!(array.refresh().unwrap_err().kind(), ErrorKind::SizeMismatch);
    fs::remove_file(path).unwrap();
    let made = dynamic.reserve().open_or_create_shared(path).unwrap();
    assert_eq!((made.shape(), fs::read(path).unwrap()), (&[6, 4][..], vec![0; 104]));
    // One that is empty, and is added to.
    let log = folder.path().join("log");
    let empty = MmapArray::<u16>::create_options([0, 2]).open_or_create_shared(&log).unwrap();
    assert!(empty.is_empty());
    let rows = ArrayView::from_slice(&[1_u16, 2, 3, 4], [2, 2]).unwrap();
    assert_eq!(MmapArray::options().shape([None, Some(2)]).append(&log, &rows).unwrap(), 2);
    assert_eq!(fromfile::<u16>(&log, 0, None).unwrap(), [1, 2, 3, 4]);
}

#[test]
fn rows_are_not_added_to_a_npy_file_as_if_it_were_raw() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npy");
    mmap_array::npy::save(&path, &[1_u8, 2]).unwrap();
    let before = std::fs::read(&path).unwrap();
    let rows = mmap_array::ArrayView::from_slice(&[3_u8], 1).unwrap();
    let error = mmap_array::MmapArray::<u8>::options().offset(128).append(&path, &rows).unwrap_err();
    assert!(error.to_string().contains("`npy::append` adds rows to it"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}
