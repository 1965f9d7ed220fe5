//! `.npy` files: opened in place, windows of them, and created.

use mmap_array::array::Typed;
use mmap_array::npy::{self, Npy};
use mmap_array::{Be, ErrorKind, Le, Options, Order};
use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("array.npy");
    (folder, path)
}

/// A file of the numbers 0 to 23 in a shape.
fn counted(shape: &[usize], order: Order) -> (tempfile::TempDir, PathBuf) {
    let (folder, path) = folder();
    // SAFETY: nobody else uses the file.
    let mut array = unsafe { npy::create_options::<Le<i32>>(shape).order(order).create(&path) }.unwrap();
    array.iter_mut().enumerate().for_each(|(index, number)| number.set(index as i32));
    array.close().unwrap();
    (folder, path)
}

/// Options for numbers of the type of the files here.
fn options() -> Options<Typed<Le<i32>>, Npy> {
    npy::options()
}

fn open(path: &PathBuf, options: Options<Typed<Le<i32>>, Npy>) -> mmap_array::Result<(Vec<usize>, Vec<i32>)> {
    // SAFETY: nobody else uses the file.
    let array = unsafe { options.open(path) }?;
    Ok((array.shape().to_vec(), array.iter().map(|number| number.get()).collect()))
}

#[test]
fn a_created_file_is_what_numpy_writes() {
    let (_folder, path) = counted(&[2, 3], Order::C);
    let mut expected = b"\x93NUMPY\x01\0v\0{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3), }".to_vec();
    expected.resize(127, b' ');
    expected.push(b'\n');
    expected.extend((0..6_i32).flat_map(i32::to_le_bytes));
    assert_eq!(fs::read(&path).unwrap(), expected);
}

#[test]
fn windows_are_counted_in_rows_and_elements() {
    let (_folder, path) = counted(&[6, 4], Order::C);
    assert_eq!(open(&path, options().rows(1..3)).unwrap(), (vec![2, 4], (4..12).collect()));
    assert_eq!(open(&path, options().rows(..)).unwrap().0, [6, 4]);
    assert_eq!(open(&path, options().rows(6..)).unwrap(), (vec![0, 4], vec![]));
    assert_eq!(open(&path, options().elements(5..).shape([2, 3])).unwrap(), (vec![2, 3], (5..11).collect()));
    assert_eq!(open(&path, options().shape([None, Some(8)])).unwrap().0, [3, 8]);
    assert_eq!(open(&path, options().elements(20..)).unwrap(), (vec![4], (20..24).collect()));
    assert_eq!(open(&path, options().elements(24..)).unwrap(), (vec![0], vec![]));
    assert_eq!(open(&path, options().elements(7..).shape(())).unwrap(), (vec![], vec![7]));
    for (options, kind) in [
        (options().rows(5..7), ErrorKind::OutOfRange),
        (options().elements(25..), ErrorKind::OutOfRange),
        (options().elements(u64::MAX..).shape(1), ErrorKind::OutOfRange),
        (options().elements(20..).shape(5), ErrorKind::OutOfRange),
        (options().shape([usize::MAX, 2]), ErrorKind::Overflow),
        (options().elements(1..).shape([None, Some(8)]), ErrorKind::Shape),
        (options().segment(3, 3), ErrorKind::OutOfRange),
        (options().segment(0, 0), ErrorKind::OutOfRange),
    ] {
        let error = open(&path, options).unwrap_err();
        assert_eq!((error.kind(), error.path()), (kind, Some(&*path)), "{error}");
    }
}

#[test]
fn windows_of_fortran_order_go_along_the_last_axis() {
    let (_folder, path) = counted(&[4, 6], Order::F);
    // SAFETY: nobody else uses the file.
    let whole = unsafe { npy::open::<Le<i32>>(&path) }.unwrap();
    assert_eq!((whole.order(), whole[[1, 0]].get(), whole[[0, 1]].get()), (Order::F, 1, 4));
    assert_eq!(open(&path, options().segment(1, 3)).unwrap(), (vec![4, 2], (8..16).collect()));
    assert_eq!(open(&path, options().elements(3..).shape([2, 2])).unwrap(), (vec![2, 2], (3..7).collect()));
    let error = open(&path, options().rows(1..3)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotContiguous);
    assert!(error.to_string().contains("strided()"), "{error}");
    // SAFETY: as above.
    let rows = unsafe { options().rows(1..3).strided().open(&path) }.unwrap();
    assert_eq!((rows.shape(), rows.byte_offset()), (&[2, 6][..], 132));
    assert!(rows.view() == whole.view().rows(1..3));
    // SAFETY: as above.
    let any = unsafe { npy::dyn_options().rows(1..3).open(&path) }.unwrap();
    assert_eq!(any.view().to_vec_as::<i32>().unwrap()[..3], [1, 5, 9]);
    assert_eq!((any.shape(), any.as_bytes()), (&[2, 6][..], None));
    assert_eq!(any.into_typed::<Le<i32>>().unwrap_err().error().kind(), ErrorKind::NotContiguous);
    assert_eq!(open(&path, options().rows(..4)).unwrap().0, [4, 6]);
}

#[test]
fn rows_in_fortran_order_are_written_and_nothing_between_them() {
    let (_folder, path) = counted(&[4, 6], Order::F);
    for (rows, number) in [(0..1, 100), (3..4, 103), (2..2, 9), (1..3, 101)] {
        // SAFETY: nobody else uses the file.
        let mut rows = unsafe { options().rows(rows).strided().open_mut(&path) }.unwrap();
        rows.view_mut().fill(number.into());
        rows.flush().unwrap();
    }
    assert_eq!(open(&path, options()).unwrap().1, [100, 101, 101, 103].repeat(6));
    // Any window opens so.
    for options in [options(), options().segment(1, 4), options().elements(3..).shape([2, 2])] {
        // SAFETY: nobody else uses the file.
        let window = unsafe { options.strided().open(&path) }.unwrap();
        let (shape, numbers) = open(&path, options).unwrap();
        assert_eq!((window.shape(), window.view().t().to_native_vec()), (&shape[..], numbers));
    }
}

#[test]
fn segments_are_those_of_array_split() {
    let (_folder, path) = counted(&[8, 3], Order::C);
    let lens = |n: usize| (0..n).map(|k| open(&path, options().segment(k, n)).unwrap().0[0]).collect::<Vec<_>>();
    assert_eq!((lens(1), lens(3), lens(5)), (vec![8], vec![3, 3, 2], vec![2, 2, 2, 1, 1]));
    assert_eq!(lens(9), [1, 1, 1, 1, 1, 1, 1, 1, 0]);
}

#[test]
fn all_segments_are_the_parts_of_the_open_array() {
    for (shape, order) in [([7, 3], Order::C), ([3, 7], Order::F), ([0, 3], Order::C)] {
        let (_folder, path) = counted(&shape, order);
        // SAFETY: nobody else uses the file.
        let parts = unsafe { npy::open::<Le<i32>>(&path) }.unwrap().into_parts(4).unwrap();
        let parts: Vec<_> = parts
            .iter()
            .map(|part| (part.shape().to_vec(), part.iter().map(|number| number.get()).collect::<Vec<i32>>()))
            .collect();
        let segments = options().segments(4);
        assert_eq!(segments.len(), 4);
        assert_eq!(segments.map(|segment| open(&path, segment).unwrap()).collect::<Vec<_>>(), parts, "{shape:?}");
    }
    assert_eq!(options().segments(0).count(), 0);
}

#[test]
fn aligned_segments_begin_on_pages() {
    let (_folder, path) = folder();
    for (rows, row) in [(10_000, 3), (100, 1000), (7, 5), (4097, 1)] {
        // SAFETY: nobody else uses the file, here and below.
        drop(unsafe { npy::create_options::<Le<i16>>([rows, row]).align(4096).create(&path) }.unwrap());
        for count in [1, 2, 3, 7] {
            let mut end = 4096;
            for part in 0..count {
                // SAFETY: as above.
                let mine = unsafe { npy::options::<Le<i16>>().segment_aligned(part, count).open(&path) }.unwrap();
                assert_eq!(mine.byte_offset(), end);
                assert!(mine.byte_offset() % 4096 == 0 || mine.is_empty(), "{rows} {row} {part} {count}");
                end += 2 * mine.len() as u64;
            }
            assert_eq!(end, 4096 + 2 * rows as u64 * row as u64);
        }
    }
    // SAFETY: as above.
    drop(unsafe { npy::create::<[u8; 4096]>(&path, [10]) }.unwrap());
    // SAFETY: as above.
    let error = unsafe { npy::options::<[u8; 4096]>().segment_aligned(0, 2).open(&path) }.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("align(4096)"), "{error}");
}

#[test]
fn elements_that_are_arrays_are_further_axes() {
    let (_folder, path) = folder();
    // SAFETY: nobody else uses the file, here and below.
    let mut array = unsafe { npy::create::<[Le<f32>; 3]>(&path, [4]) }.unwrap();
    array[3] = [1.0, 2.0, 3.0].map(Le::new);
    array.close().unwrap();
    assert_eq!(npy::header(&path).unwrap().shape(), [4, 3]);
    // SAFETY: as above.
    let numbers = unsafe { npy::open::<Le<f32>>(&path) }.unwrap();
    assert_eq!((numbers.shape(), numbers[[3, 1]].get()), (&[4, 3][..], 2.0));
    // SAFETY: as above.
    let rows = unsafe { npy::options::<[Le<f32>; 3]>().rows(3..).open(&path) }.unwrap();
    assert_eq!((rows.shape(), rows[0][2].get()), (&[1][..], 3.0));
    // SAFETY: as above.
    let error = unsafe { npy::open::<[Le<f32>; 2]>(&path) }.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DTypeMismatch);
    // SAFETY: as above.
    let error = unsafe { npy::create_options::<[Le<f32>; 2]>([4]).order(Order::F).create(&path) }.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape);
}

#[test]
fn another_type_is_an_error_that_says_what_would_do() {
    let (_folder, path) = folder();
    // SAFETY: nobody else uses the file, here and below.
    drop(unsafe { npy::create::<Be<f64>>(&path, [2]) }.unwrap());
    // SAFETY: as above.
    let error = unsafe { npy::open::<Le<f64>>(&path) }.unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::DTypeMismatch, Some(&*path)));
    let fit = if cfg!(target_endian = "little") { "`Be<f64>` would do" } else { "`f64` would do" };
    assert!(error.to_string().contains("the elements are >f8, not <f8") && error.to_string().ends_with(fit), "{error}");
    // SAFETY: as above.
    assert_eq!(unsafe { npy::dyn_options().open(&path) }.unwrap().dtype().to_string(), ">f8");
}

#[test]
fn a_file_whose_elements_begin_anywhere_opens_as_what_lies_anywhere() {
    let (_folder, path) = folder();
    let order = if cfg!(target_endian = "little") { '<' } else { '>' };
    let text = format!("{{'shape': (2,), 'descr': '{order}f8', 'fortran_order': False}}");
    let mut file = b"\x93NUMPY\x01\0".to_vec();
    file.extend((text.len() as u16).to_le_bytes());
    file.extend(text.bytes());
    let start = file.len();
    file.extend([1.5_f64, 2.5].map(f64::to_ne_bytes).concat());
    fs::write(&path, file).unwrap();
    assert_ne!(start % 8, 0);
    // SAFETY: nobody else uses the file, here and below.
    let error = unsafe { npy::open::<f64>(&path) }.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misaligned);
    // SAFETY: as above.
    let any = unsafe { npy::dyn_options().open(&path) }.unwrap();
    assert_eq!((any.byte_offset(), any.to_string().as_str()), (start as u64, "[1.5 2.5]"));
}

#[test]
fn a_file_that_is_shorter_than_its_header_says_is_refused_in_every_window() {
    let (_folder, path) = counted(&[6, 4], Order::C);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    let any = npy::dyn_options;
    for (options, any) in [
        (options(), any()),
        (options().rows(..1), any().rows(..1)),
        (options().segment(0, 2), any().segment(0, 2)),
        (options().shape(1), any().shape(1)),
    ] {
        let error = open(&path, options).unwrap_err();
        assert_eq!((error.kind(), error.byte_range()), (ErrorKind::PastEnd, Some(128..224)));
        // SAFETY: nobody else uses the file, here and below.
        let error = unsafe { options.open_mut(&path) }.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PastEnd);
        // SAFETY: as above.
        assert_eq!(unsafe { any.open(&path) }.unwrap_err().kind(), ErrorKind::PastEnd);
    }
    for len in 0..128 {
        fs::write(&path, &whole[..len]).unwrap();
        assert_eq!(open(&path, options()).unwrap_err().kind(), ErrorKind::Header, "{len}");
    }
    // What follows the array is nobody's.
    fs::write(&path, [&whole[..], b"more"].concat()).unwrap();
    assert_eq!(open(&path, options()).unwrap().1.len(), 24);
}

#[test]
fn of_many_that_open_or_create_one_creates_and_all_open() {
    let (folder, path) = folder();
    let workers: Vec<_> = (0..8)
        .map(|part| {
            let path = path.clone();
            std::thread::spawn(move || {
                // SAFETY: each thread writes its own segment.
                let mine = unsafe { npy::create_options::<Le<u32>>([1000, 2]).segment(part, 8).open_or_create(&path) };
                mine.unwrap().fill((part as u32 + 1).into());
            })
        })
        .collect();
    workers.into_iter().for_each(|worker| worker.join().unwrap());
    // SAFETY: nobody else uses the file, here and below.
    let array = unsafe { npy::open::<Le<u32>>(&path) }.unwrap();
    assert!(array.iter().enumerate().all(|(index, number)| number.get() == (index / 250 + 1) as u32));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    // SAFETY: as above.
    let error = unsafe { npy::create_options::<Le<u32>>([1000, 3]).open_or_create(&path) }.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Header);
    // SAFETY: as above.
    let error = unsafe { npy::create_options::<Le<f32>>([1000, 2]).open_or_create(&path) }.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DTypeMismatch);
    // SAFETY: as above.
    let error = unsafe { npy::create_options::<Le<u32>>([1]).create_new(&path) }.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
}

#[test]
fn whoever_comes_second_opens_what_is_there_of_any_dtype() {
    let (folder, path) = folder();
    let dtype = || "[('id', '<u2'), ('x', '>f4')]".parse().unwrap();
    for part in [0, 2, 1, 0] {
        // SAFETY: nobody else uses the file, here and below.
        let mut mine = unsafe { npy::dyn_create_options(dtype(), [3]).segment(part, 3).open_or_create(&path) }.unwrap();
        let mut ids = mine.view_mut().field("id").unwrap().typed::<Le<u16>>().unwrap();
        ids.fill((part as u16 + 1).into());
    }
    assert_eq!(npy::dyn_options().load(&path).unwrap().to_string(), "[(1, 0.) (2, 0.) (3, 0.)]");
    let whole = fs::read(&path).unwrap();
    for (options, kind) in [
        (npy::dyn_create_options(dtype(), [4]), ErrorKind::Header),
        (npy::dyn_create_options(dtype(), [3, 1]), ErrorKind::Header),
        (npy::dyn_create_options("<u2".parse().unwrap(), [3]), ErrorKind::DTypeMismatch),
        (npy::dyn_create_options(dtype(), [3]).segment(3, 3), ErrorKind::OutOfRange),
        (npy::dyn_create_options(dtype(), [None]), ErrorKind::Shape),
    ] {
        // SAFETY: as above.
        let error = unsafe { options.open_or_create(&path) }.unwrap_err();
        assert_eq!((error.kind(), error.path()), (kind, Some(&*path)), "{error}");
    }
    // One that is too short for its header.
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    // SAFETY: as above.
    let error = unsafe { npy::dyn_create_options(dtype(), [3]).open_or_create(&path) }.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PastEnd);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn growing_rewrites_the_shape() {
    for (order, shape, grown) in [(Order::C, [9, 2], [12, 2]), (Order::F, [2, 9], [2, 12])] {
        let (_folder, path) = folder();
        // SAFETY: nobody else uses the file, here and below.
        let mut array = unsafe { npy::create_options::<Le<i32>>(shape).order(order).create(&path) }.unwrap();
        array.fill(7.into());
        assert_eq!(array.grow(3).unwrap(), 12);
        array.close().unwrap();
        assert_eq!(npy::header(&path).unwrap().shape(), grown);
        // It is the file that NumPy would have made of it.
        // SAFETY: as above.
        let mut again =
            unsafe { npy::create_options::<Le<i32>>(grown).order(order).create(path.with_extension("2")) }.unwrap();
        again[..18].fill(7.into());
        again.close().unwrap();
        assert_eq!(fs::read(&path).unwrap(), fs::read(path.with_extension("2")).unwrap());
        // A window that ends where the file ends grows it too.
        // SAFETY: as above.
        let mut tail = unsafe { options().segment(1, 2).open_mut(&path) }.unwrap();
        assert_eq!(tail.grow(1).unwrap(), 7);
        // SAFETY: as above.
        let mut head = unsafe { options().segment(0, 2).open_mut(&path) }.unwrap();
        assert_eq!(head.grow(1).unwrap_err().kind(), ErrorKind::Unsupported);
        // SAFETY: as above.
        let mut odd = unsafe { options().elements(1..).open_mut(&path) }.unwrap();
        assert_eq!(odd.grow(1).unwrap_err().kind(), ErrorKind::Unsupported);
        assert_eq!(npy::header(&path).unwrap().shape().iter().product::<usize>(), 26);
    }
}

#[test]
fn an_array_behind_other_data_does_not_grow() {
    let (_folder, path) = folder();
    let mut file = vec![7; 5];
    npy::save_to(&mut file, &[1_u8, 2, 3]).unwrap();
    fs::write(&path, file).unwrap();
    // SAFETY: nobody else writes or truncates the file.
    let mut array = unsafe { npy::options::<u8>().at(5).open_mut(&path) }.unwrap();
    let error = array.grow(1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("does not begin at the beginning of the file"), "{error}");
    array[0] = 9;
    assert_eq!(fs::read(&path).unwrap()[5 + 128..], [9, 2, 3]);
    let error = npy::options::<u8>().at(6).load(&path).unwrap_err();
    assert!(error.to_string().contains("from byte 6 on: not a `.npy` file"), "{error}");
    let error = npy::options::<u8>().at(1 << 40).load(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PastEnd, "{error}");
    assert_eq!(npy::options::<u8>().at(u64::MAX).open_shared(&path).unwrap_err().kind(), ErrorKind::PastEnd);
}

#[test]
fn of_a_truncated_file_the_rows_that_are_complete_open_if_asked_for() {
    for (order, rows, whole) in [(Order::C, 5, [5, 3]), (Order::F, 3, [5, 3])] {
        let (_folder, path) = counted(&whole, order);
        let full = fs::read(&path).unwrap();
        let row = (full.len() - 128) / rows;
        let elements: Vec<i32> =
            full[128..].chunks(4).map(|four| i32::from_le_bytes(four.try_into().unwrap())).collect();
        for len in 128..=full.len() {
            fs::write(&path, &full[..len]).unwrap();
            let left = (len - 128) / row;
            let shape = if order == Order::C { [left, 3] } else { [5, left] };
            let refused = options().open_shared(&path);
            assert_eq!(refused.is_err(), len < full.len());
            if let Err(error) = refused {
                assert!(error.to_string().contains("`allow_truncated` opens the rows that are complete"), "{error}");
            }
            let options = options().allow_truncated();
            let shared = options.open_shared(&path).unwrap();
            assert_eq!(shared.shape(), shape);
            let elements: Vec<_> = elements[..left * row / 4].iter().map(|&element| Le::new(element)).collect();
            let loaded = options.load(&path).unwrap();
            assert_eq!((loaded.shape(), &loaded[..]), (&shape[..], &elements[..]));
            let streamed = options.load_from(&full[..len]).unwrap();
            assert_eq!((streamed.shape(), &streamed[..]), (&shape[..], &elements[..]));
            assert_eq!(options.elements(left as u64 * row as u64 / 4..).load(&path).unwrap().len(), 0);
            assert_eq!(npy::header(&path).unwrap().shape(), whole);
        }
    }
    let (_folder, path) = counted(&[], Order::C);
    let full = fs::read(&path).unwrap();
    fs::write(&path, &full[..130]).unwrap();
    assert_eq!(options().allow_truncated().load(&path).unwrap_err().kind(), ErrorKind::PastEnd);
}

#[test]
fn what_follows_an_array_that_may_be_truncated_is_not_read() {
    let mut file = Vec::new();
    npy::save_to(&mut file, &[Le::new(1), Le::new(2)]).unwrap();
    npy::save_to(&mut file, &[Le::new(3)]).unwrap();
    let mut reader = &file[..];
    assert_eq!(options().allow_truncated().load_from(&mut reader).unwrap().len(), 2);
    assert_eq!(*options().allow_truncated().load_from(&mut reader).unwrap(), [3]);
    // Of what has no end neither.
    let endless = file[..136].chain(std::io::repeat(0));
    assert_eq!(*options().allow_truncated().load_from(endless).unwrap(), [1, 2]);
}

#[test]
fn rows_that_arrive_in_a_truncated_file_are_found_later() {
    let (_folder, path) = counted(&[4, 2], Order::C);
    let full = fs::read(&path).unwrap();
    fs::write(&path, &full[..full.len() - 9]).unwrap();
    let mut array = options().allow_truncated().open_shared(&path).unwrap();
    assert_eq!(array.shape(), [2, 2]);
    fs::File::options().append(true).open(&path).unwrap().write_all(&full[full.len() - 9..full.len() - 8]).unwrap();
    array.refresh().unwrap();
    assert_eq!((array.shape(), array.at([2, 1]).unwrap()), (&[3, 2][..], Le::new(5)));
    // SAFETY: nobody else writes or truncates the file.
    let mut mapped = unsafe { options().allow_truncated().open_mut(&path) }.unwrap();
    let error = mapped.grow(1).unwrap_err();
    assert!(error.to_string().contains("the array may be truncated"), "{error}");
}

#[test]
fn what_follows_the_last_array_of_a_file_is_an_error() {
    let (_folder, path) = counted(&[2], Order::C);
    let mut all = fs::read(&path).unwrap();
    npy::save_to(&mut all, &[[1_u8, 2], [3, 4]]).unwrap();
    fs::write(&path, &all).unwrap();
    let found: Vec<_> = npy::headers(&path).unwrap().map(Result::unwrap).collect();
    assert_eq!(found.iter().map(|(at, header)| (*at, header.nbytes())).collect::<Vec<_>>(), [(0, 8), (136, 4)]);
    all.extend(b"{}");
    fs::write(&path, &all).unwrap();
    let mut headers = npy::headers(&path).unwrap().skip(2);
    let error = headers.next().unwrap().unwrap_err();
    assert!(error.to_string().contains("array.npy: from byte 268 on: the file ends within"), "{error}");
    assert!(headers.next().is_none());
    fs::write(&path, &all[..100]).unwrap();
    assert!(npy::headers(&path).unwrap().next().unwrap().is_err());
    fs::write(&path, &all[..266]).unwrap();
    assert_eq!(npy::headers(&path).unwrap().filter(Result::is_ok).count(), 2);
    fs::write(&path, b"").unwrap();
    assert!(npy::headers(&path).unwrap().next().unwrap().is_err());
}

#[test]
fn a_header_without_room_keeps_its_array_from_growing() {
    let (_folder, path) = folder();
    let text = "{'descr': '|u1', 'fortran_order': False, 'shape': (9,), }\n";
    let mut file = b"\x93NUMPY\x01\0".to_vec();
    file.extend((text.len() as u16).to_le_bytes());
    file.extend(text.bytes());
    file.extend([7; 9]);
    fs::write(&path, &file).unwrap();
    // SAFETY: nobody else uses the file.
    let mut array = unsafe { npy::open_mut::<u8>(&path) }.unwrap();
    let error = array.grow(1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!((array.len(), fs::read(&path).unwrap()), (9, file));
}

/// Where holes in files cost nothing, and maps reach above 4 GiB.
#[test]
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
fn a_window_of_a_terabyte_takes_its_own_pages_alone() {
    let (_folder, path) = folder();
    let rows = 1 << 36;
    // SAFETY: nobody else uses the file, here and below.
    drop(unsafe { npy::create_options::<[Le<f64>; 2]>([rows]).rows(..0).create(&path) }.unwrap());
    assert_eq!(fs::metadata(&path).unwrap().len(), (1 << 40) + 128);
    for start in [0, 12_345_678_901, rows - 1000] {
        let options = npy::options::<[Le<f64>; 2]>().rows(start..start + 1000);
        // SAFETY: as above.
        let mut window = unsafe { options.open_mut(&path) }.unwrap();
        window[999] = [(start as f64).into(), 0.5.into()];
        window.close().unwrap();
        // SAFETY: as above.
        let window = unsafe { options.open(&path) }.unwrap();
        assert_eq!((window.shape(), window[999][0].get(), window[0][0].get()), (&[1000][..], start as f64, 0.0));
        // No more of the file can be in memory through this window than is mapped: 16,000 bytes lie in 5 pages at most.
        let mapped = mapping_of(window.as_ptr() as usize);
        assert!((16_000..=5 * rustix::param::page_size()).contains(&mapped.len()), "{mapped:x?}");
    }
    // As many kilobytes in blocks on the disk as were written in pages.
    use std::os::unix::fs::MetadataExt;
    assert!(fs::metadata(&path).unwrap().blocks() * 512 < 1 << 20);
}

/// The addresses of the mapping that an address lies in.
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
fn mapping_of(address: usize) -> std::ops::Range<usize> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let range = |line: &str| {
        let (start, end) = line.split_once(' ')?.0.split_once('-')?;
        Some(usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?)
    };
    maps.lines().filter_map(range).find(|mapping| mapping.contains(&address)).unwrap()
}

#[test]
fn bytes_between_the_elements_are_not_given_out() {
    let (_folder, path) = counted(&[4, 3], Order::F);
    // SAFETY: nobody else uses the file, here and below.
    let rows = unsafe { npy::dyn_options().rows(..2).open(&path) }.unwrap();
    assert_eq!(rows.as_bytes(), None);
    // SAFETY: as above.
    assert_eq!(unsafe { npy::dyn_options().rows(..4).open(&path) }.unwrap().as_bytes().unwrap().len(), 48);
}

#[test]
fn only_whole_steps_of_the_files_own_array_make_it_grow() {
    // In Fortran order the steps are columns, and these rows are none.
    let (_folder, path) = counted(&[5, 1], Order::F);
    // SAFETY: nobody else uses the file, here and below.
    let mut rows = unsafe { options().rows(2..).open_mut(&path) }.unwrap();
    assert_eq!(rows.grow(1).unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(open(&path, options()).unwrap(), (vec![5, 1], (0..5).collect()));
    // Nor are bytes of elements of four.
    let (_folder, path) = counted(&[4], Order::C);
    // SAFETY: as above.
    let mut bytes = unsafe { npy::open_mut::<Le<i32>>(&path) }.unwrap().cast::<u8>().unwrap();
    assert_eq!(bytes.grow(1).unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(bytes.grow(4).unwrap(), 20);
    assert_eq!(open(&path, options()).unwrap(), (vec![5], vec![0, 1, 2, 3, 0]));
}

#[test]
#[cfg(unix)]
fn a_file_that_is_open_to_append_does_not_grow() {
    let (_folder, path) = counted(&[5], Order::C);
    let before = fs::read(&path).unwrap();
    let file = fs::OpenOptions::new().read(true).append(true).open(&path).unwrap();
    // SAFETY: nobody else uses the file.
    let mut array = unsafe { options().open_mut(&file) }.unwrap();
    assert_eq!(array.grow(3).unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!((array.len(), fs::read(&path).unwrap()), (5, before));
}

#[test]
fn a_header_keeps_its_version_and_alignment() {
    let header = npy::Header::new("<f8".parse().unwrap(), [3], Order::C).unwrap();
    let header = header.with_version((3, 0)).unwrap().with_alignment(4096).unwrap();
    assert_eq!((header.version(), header.data_offset()), ((3, 0), 4096));
    let bytes = header.to_bytes().unwrap();
    let read = npy::Header::read(&mut &bytes[..]).unwrap();
    assert_eq!((&read, read.to_bytes().unwrap()), (&header, bytes));
    assert_eq!(header.with_alignment(16_384).unwrap_err().kind(), ErrorKind::Header);
}

#[test]
fn arrays_of_no_bytes_are_cut_anywhere() {
    let (_folder, path) = folder();
    for shape in [[0, 3], [4, 0]] {
        // SAFETY: nobody else uses the file, here and below.
        drop(unsafe { npy::create::<Le<i32>>(&path, shape) }.unwrap());
        let lens = (0..3).map(|part| open(&path, options().segment_aligned(part, 3)).unwrap().0[0]);
        assert_eq!(lens.sum::<usize>(), shape[0]);
    }
}

#[test]
fn a_file_of_one_axis_is_what_was_asked_for_in_either_order() {
    let (_folder, path) = counted(&[5], Order::F);
    // SAFETY: nobody else uses the file.
    assert_eq!(unsafe { npy::create_options::<Le<i32>>([5]).open_or_create(&path) }.unwrap().len(), 5);
}

#[test]
fn rows_and_segments_have_their_shape() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npy");
    npy::save(&path, &(0..12).collect::<Vec<i32>>()).unwrap();
    for options in [npy::options::<i32>().rows(4..), npy::options().segment(1, 2)] {
        assert_eq!(options.shape([2, 2]).load(&path).unwrap_err().kind(), ErrorKind::Shape);
    }
    assert_eq!(*npy::options::<i32>().elements(4..).shape([2, 2]).load(&path).unwrap(), [4, 5, 6, 7]);
    assert_eq!(*npy::options::<i32>().shape([2, 2]).rows(4..6).load(&path).unwrap(), [4, 5]);
}

#[test]
#[cfg(any(target_os = "linux", target_os = "macos", windows))]
fn what_is_loaded_is_locked_by_its_path_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npy");
    npy::save(&path, &(0..12).collect::<Vec<i32>>()).unwrap();
    let options = npy::options::<i32>().lock_range();
    options.load(&path).unwrap();
    let file = std::fs::File::open(&path).unwrap();
    assert_eq!(options.load(&file).unwrap_err().kind(), ErrorKind::Unsupported);
    // Anew, since on Windows to read at a byte moves a file's position.
    let file = std::fs::File::open(&path).unwrap();
    assert_eq!(options.load_from(&file).unwrap_err().kind(), ErrorKind::Unsupported);
    // SAFETY: nobody else uses the file.
    let _held = unsafe { options.open_mut(&path) }.unwrap();
    assert_eq!(options.load(&path).unwrap_err().kind(), ErrorKind::Locked);
}
