//! Arrays cut up by value: each part is a thread's or a process's own, and together they are the array.

use mmap_array::{ErrorKind, MmapArray, MmapArrayMut, Order, fromfile};
use std::path::Path;
use std::process::Command;
use std::{env, fs, thread};
use tempfile::tempdir;

fn create(path: &Path, shape: &[usize], order: Order) -> MmapArrayMut<u32> {
    // SAFETY: the tests of this file use a mapped file through disjoint parts of its maps only.
    unsafe { MmapArray::create_options(shape).offset(12).order(order).create(path) }.unwrap()
}

#[test]
fn parts_are_as_equal_as_array_split_makes_them_and_cover_the_array() {
    for order in [Order::C, Order::F] {
        for (rows, count) in [(10, 3), (3, 10), (12, 4), (0, 2), (7, 1), (1, 1)] {
            let folder = tempdir().unwrap();
            let path = folder.path().join("whole");
            let shape = if order == Order::C { [rows, 5] } else { [5, rows] };
            let array = create(&path, &shape, order);
            let slowest = if order == Order::C { 0 } else { 1 };
            let mut offset = array.byte_offset();
            let mut lengths = Vec::new();
            for (k, mut part) in array.into_parts(count).unwrap().into_iter().enumerate() {
                assert_eq!((part.byte_offset(), part.order()), (offset, order));
                part.fill(k as u32);
                offset += part.len() as u64 * 4;
                lengths.push(part.shape()[slowest]);
            }
            let expected: Vec<_> = (0..count).map(|k| rows / count + usize::from(k < rows % count)).collect();
            assert_eq!(lengths, expected);
            let flat = fromfile::<u32>(&path, 12, None).unwrap();
            let filled = lengths.iter().enumerate().flat_map(|(k, &len)| vec![k as u32; len * 5]);
            assert!(flat.into_iter().eq(filled));
        }
    }
}

#[test]
fn threads_write_their_parts_at_once_even_on_one_page() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("shared");
    let parts = create(&path, &[1000, 7], Order::C).into_parts(8).unwrap();
    let workers: Vec<_> = (parts.into_iter().enumerate())
        .map(|(k, mut part)| {
            thread::spawn(move || {
                for round in 0..100 {
                    part.view_mut().map_in_place(|x| x + round);
                }
                for (i, x) in part.iter_mut().enumerate() {
                    *x += (k * 1_000_000 + i) as u32;
                }
                part.flush().unwrap();
                part.close()
            })
        })
        .collect();
    workers.into_iter().for_each(|worker| worker.join().unwrap().unwrap());
    let flat = fromfile::<u32>(&path, 12, None).unwrap();
    let expected = (0..8_u32).flat_map(|k| (0..125 * 7).map(move |i| k * 1_000_000 + i + 4950));
    assert!(flat.into_iter().eq(expected));
}

#[test]
fn a_part_flushes_evicts_and_shows_its_own_elements_only() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("whole");
    let (low, high) = create(&path, &[100, 100], Order::C).into_split_at(33).unwrap();
    let mut middle = high.into_rows(10..=20).unwrap();
    drop(low);
    middle.fill(1);
    middle.flush_rows(3..5).unwrap();
    middle.flush_async().unwrap();
    middle.evict(..).unwrap();
    assert_eq!((middle.shape(), middle.byte_offset()), (&[11, 100][..], 12 + 43 * 400));
    assert_eq!(middle.path(), Some(path.as_path()));
    drop(middle);
    let ones = fromfile::<u32>(&path, 12, None).unwrap().iter().filter(|&&x| x == 1).count();
    assert_eq!(ones, 1100);
}

#[test]
fn read_only_windows_share_the_map_and_outlive_the_array() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("whole");
    create(&path, &[50, 4], Order::C).iter_mut().zip(0..).for_each(|(x, i)| *x = i);
    // SAFETY: the file is not written any more.
    let array = unsafe { MmapArray::<u32>::options().offset(12).shape([50, 4]).open(&path) }.unwrap();
    let window = array.clone().into_rows(10..12).unwrap();
    let clone = array.clone();
    assert!(std::ptr::eq(&array[40], &window[0]));
    drop(array);
    let sum = thread::spawn(move || clone.view().sum()).join().unwrap();
    assert_eq!(sum, 199 * 200 / 2);
    assert_eq!(*window, [40, 41, 42, 43, 44, 45, 46, 47]);
    assert_eq!(window.into_rows(1..).unwrap().into_rows(..).unwrap()[[0, 3]], 47);
}

#[test]
fn what_cannot_be_cut_is_an_error_that_says_so() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("whole");
    // Of each error the array is dropped: Windows does not replace a file that is mapped.
    let error = create(&path, &[4, 3], Order::F).into_rows(1..2).unwrap_err().into_parts().0;
    assert_eq!((error.kind(), error.path()), (ErrorKind::NotContiguous, Some(path.as_path())));
    let error = create(&path, &[4, 3], Order::F).into_split_at(1).unwrap_err().into_parts().0;
    assert_eq!(error.kind(), ErrorKind::NotContiguous);
    let error = create(&path, &[], Order::C).into_parts(2).unwrap_err().into_parts().0;
    assert_eq!((error.kind(), error.path()), (ErrorKind::OutOfRange, Some(path.as_path())));
    assert_eq!(create(&path, &[], Order::C).into_parts(1).unwrap()[0].len(), 1);
    // One axis is the same in both orders.
    assert_eq!(create(&path, &[4], Order::F).into_rows(1..3).unwrap().len(), 2);
}

#[test]
fn rows_outside_panic_as_those_of_slices_do() {
    let array = || MmapArrayMut::<u32>::anonymous([4, 3]).unwrap();
    let text = |f: &dyn Fn()| {
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).unwrap_err();
        panic.downcast_ref::<String>().cloned().unwrap_or_else(|| panic.downcast_ref::<&str>().unwrap().to_string())
    };
    assert_eq!(text(&|| drop(array().into_rows(3..5))), "the range 3..5 is outside 0..4 along axis 0");
    assert_eq!(text(&|| drop(array().into_split_at(5))), "the range 0..5 is outside 0..4 along axis 0");
    assert_eq!(text(&|| drop(array().into_parts(0))), "an array cannot be cut into 0 parts");
    let point = || MmapArrayMut::<u32>::anonymous(()).unwrap();
    assert_eq!(text(&|| drop(point().into_rows(..))), "a 0-d array has no rows");
}

#[test]
fn an_array_comes_back_with_the_error_of_what_takes_it() {
    let array = || {
        let mut array = MmapArray::<u32>::create_options([4, 3]).order(Order::F).anonymous().unwrap();
        array.fill(7);
        array
    };
    let is_whole = |array: MmapArrayMut<u32>| array.iter().eq([7; 12].iter()) && array.order() == Order::F;
    assert!(is_whole(array().into_rows(1..2).unwrap_err().into_array()));
    assert!(is_whole(array().into_split_at(2).unwrap_err().into_array()));
    assert!(is_whole(array().cast::<u16>().unwrap_err().into_array()));
    assert!(is_whole(array().into_parts(usize::MAX).unwrap_err().into_array()));
    assert!(is_whole(array().persist("nowhere").unwrap_err().into_array().unwrap()));
    let any = array().into_dyn().unwrap();
    let (error, any) = any.into_typed::<f32>().unwrap_err().into_parts();
    assert_eq!(error.kind(), ErrorKind::DTypeMismatch);
    let mut array = any.into_typed::<u32>().unwrap();
    // It has its map for itself again, and can grow.
    assert_eq!(array.grow(1).unwrap(), 4);
    // `?` makes the crate's error of it, or the standard library's.
    let crates = || -> mmap_array::Result<MmapArray<u32>> { Ok(array.freeze().into_rows(1..2)?) };
    let error: std::io::Error = crates().unwrap_err().into();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
}

#[test]
fn rows_of_a_fortran_order_array_flush_and_prefetch_as_the_span_they_lie_in() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("whole");
    let mut array = create(&path, &[300, 200], Order::F);
    array.view_mut().index_axis(0, 7).fill(1);
    array.flush_rows(7..8).unwrap();
    array.prefetch(299..).unwrap();
    array.evict(..1).unwrap();
    assert_eq!((array.view().rows(7..8).sum(), array.view().sum()), (200, 200));
}

/// What the child of the next test does: writes the part that it is told.
#[test]
#[ignore = "started by `a_child_process_writes_its_part` with what it is to do"]
fn child() {
    let path = env::var("PART_OF").unwrap();
    // SAFETY: the parent writes the other elements only, and reads these when the child has ended.
    let mut part = unsafe { MmapArray::<u32>::options().offset(12 + 5000 * 4).shape(5000).open_mut(path) }.unwrap();
    part.iter_mut().zip(5000..).for_each(|(x, i)| *x = i);
    part.close().unwrap();
}

#[test]
#[cfg_attr(
    not(any(target_arch = "x86_64", target_vendor = "apple")),
    ignore = "under an emulator a test program cannot start itself"
)]
fn a_child_process_writes_its_part() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("whole");
    let mut array = create(&path, &[10_000], Order::C).into_rows(..5000).unwrap();
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", "child", "--ignored"]).env("PART_OF", &path);
    let mut child = child.spawn().unwrap();
    array.iter_mut().zip(0..).for_each(|(x, i)| *x = i);
    assert!(child.wait().unwrap().success());
    drop(array);
    assert!(fromfile::<u32>(&path, 12, None).unwrap().into_iter().eq(0..10_000));
    fs::remove_file(&path).unwrap();
}
