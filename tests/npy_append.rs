//! Rows added to the arrays of files.

use mmap_array::npy;
use mmap_array::{ArrayView, ErrorKind, Le, Order, Result};
use std::{fs, thread};

mod saved;
use saved::{folder, saved};

#[test]
fn rows_are_added_behind_those_that_are_there() {
    let (_folder, path) = folder();
    let rows: Vec<[Le<i16>; 2]> = (0..1200).map(|n| [Le::new(n), Le::new(-n)]).collect();
    let view = ArrayView::from_slice(&rows, rows.len()).unwrap();
    npy::save(&path, &rows[..0]).unwrap();
    for range in [0..0, 0..1, 1..9, 9..10, 10..99, 99..1000, 1000..1200] {
        assert_eq!(npy::append(&path, &view.rows(range.clone())).unwrap(), range.end);
        assert_eq!(fs::read(&path).unwrap(), saved(&rows[..range.end]));
    }
    // Columns behind those of a file in Fortran order.
    let turned = view.unpack().unwrap().t();
    npy::save(&path, &view.unpack().unwrap().rows(..9).t()).unwrap();
    assert_eq!(npy::header(&path).unwrap().order(), Order::F);
    assert_eq!(npy::append(&path, &turned.slice((.., 9..))).unwrap(), 1200);
    assert_eq!(fs::read(&path).unwrap(), saved(&turned));
}

#[test]
fn an_array_may_be_added_to_itself() {
    let (_folder, path) = folder();
    npy::save(&path, &vec![[1_u8, 2], [3, 4]]).unwrap();
    // SAFETY: nobody writes the elements that are mapped; more come behind them.
    let array = unsafe { npy::open::<u8>(&path) }.unwrap();
    assert_eq!(npy::append(&path, &array.view().step_axis(0, -1)).unwrap(), 4);
    assert_eq!(npy::load::<u8>(&path).unwrap()[..], [1, 2, 3, 4, 3, 4, 1, 2]);
}

#[test]
fn rows_that_cannot_be_added_change_nothing() {
    let (_folder, path) = folder();
    let file = saved(&vec![[1_u8, 2]; 9]);
    let pair = [[5_u8, 6]];
    type Case<'a> = (&'a [u8], &'a dyn Fn() -> Result<usize>, ErrorKind, &'a str);
    let cases: [Case<'_>; 8] = [
        (
            &file,
            &|| npy::append(&path, &[[5_i8, 6]]),
            ErrorKind::DTypeMismatch,
            "the rows have the dtype |i1, but the array has |u1",
        ),
        (&file, &|| npy::append(&path, &[5_u8, 6]), ErrorKind::Shape, "expected rows of shape [n, 2], found [2]"),
        (&file, &|| npy::append(&path, &[[5_u8; 3]]), ErrorKind::Shape, "found [1, 3]"),
        (&saved(&7_u8), &|| npy::append(&path, &7_u8), ErrorKind::OutOfRange, "0-d"),
        (&file[..140], &|| npy::append(&path, &pair), ErrorKind::PastEnd, "truncated"),
        (&file[..90], &|| npy::append(&path, &pair), ErrorKind::Header, "ends at byte"),
        (
            &[&file[..], b"more"].concat(),
            &|| npy::append(&path, &pair),
            ErrorKind::Unsupported,
            "truncate the file to 146 bytes if nobody needs them",
        ),
        (b"text", &|| npy::append(&path, &pair), ErrorKind::Header, ""),
    ];
    for (file, append, kind, text) in cases {
        fs::write(&path, file).unwrap();
        let error = append().unwrap_err();
        assert_eq!((error.kind(), error.path()), (kind, Some(&*path)), "{error}");
        assert!(error.to_string().contains(text), "{error}");
        assert_eq!(fs::read(&path).unwrap(), file);
    }
    fs::remove_file(&path).unwrap();
    assert_eq!(npy::append(&path, &pair).unwrap_err().kind(), ErrorKind::Io);
    assert!(!path.exists());
}

#[test]
#[cfg_attr(windows, ignore = "Windows does not let open files be replaced")]
fn a_header_without_room_becomes_one_with_room() {
    let (folder, path) = folder();
    // As small programs in other languages write them.
    let bare = |order: &str, shape: &str, len: usize| {
        let text = format!("{{'descr': '|u1', 'fortran_order': {order}, 'shape': {shape}, }}\n");
        let start = [&b"\x93NUMPY\x01\0"[..], &(text.len() as u16).to_le_bytes(), text.as_bytes()].concat();
        [start, (0..len as u8).collect()].concat()
    };
    fs::write(&path, bare("False", "(9, 2)", 18)).unwrap();
    // SAFETY: nobody writes the file that is mapped: another takes its place.
    let mapped = unsafe { npy::open::<u8>(&path) }.unwrap();
    let all: Vec<[u8; 2]> = (0..12).map(|n| [2 * n, 2 * n + 1]).collect();
    for len in 10..=12 {
        assert_eq!(npy::append(&path, &all[len - 1..len]).unwrap(), len);
        assert_eq!(fs::read(&path).unwrap(), saved(&all[..len]));
    }
    assert!(mapped.iter().copied().eq(0..18));
    // The number has space, and the mark has not, by which the next call knows what a killed one has left.
    fs::write(&path, bare("False", "(10, 2)", 20)).unwrap();
    assert_eq!(npy::append(&path, &all[10..11]).unwrap(), 11);
    assert_eq!(fs::read(&path).unwrap(), saved(&all[..11]));
    fs::write(&path, bare("True", "(2, 9)", 18)).unwrap();
    let columns = ArrayView::from_slice(&all, 12).unwrap();
    assert_eq!(npy::append(&path, &columns.unpack().unwrap().t().slice((.., 9..))).unwrap(), 12);
    assert_eq!(fs::read(&path).unwrap(), saved(&columns.unpack().unwrap().t()));
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    // One that a program was killed over, with room for one digit more and not for two.
    let mut file = bare("False", "(8, 2)", 16);
    let end = file.iter().position(|&byte| byte == b'}').unwrap() + 1;
    assert_eq!(file[end], b'\n');
    file.insert(end, b'\t');
    file[8] += 1;
    file.extend([7; 5]);
    fs::write(&path, &file).unwrap();
    assert_eq!(npy::append(&path, &vec![[1_u8, 2]; 100]).unwrap(), 108);
    assert_eq!(npy::load::<u8>(&path).unwrap()[..16], (0..16).collect::<Vec<u8>>()[..]);
    // Behind the array of such a file nobody can tell what others have put there.
    let file = [&bare("False", "(9, 2)", 18)[..], b"more"].concat();
    fs::write(&path, &file).unwrap();
    assert_eq!(npy::append(&path, &all[..1]).unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(fs::read(&path).unwrap(), file);
}

#[test]
#[cfg(unix)]
fn a_header_that_would_change_in_several_sectors_at_once_is_replaced_once() {
    use std::os::unix::fs::MetadataExt;
    let (_folder, path) = folder();
    let fields: String = (0..60).map(|field| format!("(\"field{field}\", \"|u1\"), ")).collect();
    let text = format!("{{\"descr\": [{fields}], \"fortran_order\": False, \"shape\": (9,)}}");
    let text = format!("{text:1525}\n");
    let start = [&b"\x93NUMPY\x01\0"[..], &(text.len() as u16).to_le_bytes(), text.as_bytes()].concat();
    fs::write(&path, [start, (0..9 * 60).map(|n| n as u8).collect()].concat()).unwrap();
    let old = npy::dyn_options().load(&path).unwrap();
    let file = || fs::metadata(&path).unwrap().ino();
    let mut files = vec![file()];
    for len in 10..=12 {
        // Another file with the number of the first, which is deleted, would look like it.
        let _held = fs::File::open(&path).unwrap();
        assert_eq!(npy::append(&path, &old.view().rows(..1)).unwrap(), len);
        files.push(file());
    }
    assert!(files[0] != files[1] && files[1] == files[2] && files[2] == files[3], "{files:?}");
    let new = npy::dyn_options().load(&path).unwrap();
    assert_eq!((new.dtype(), new.shape()), (old.dtype(), &[12][..]));
    assert_eq!(new.view().rows(..9).to_string(), old.view().to_string());
    assert!((9..12).all(|row| new.view().index_axis(0, row).to_string() == old.view().index_axis(0, 0).to_string()));
}

#[test]
fn an_array_that_others_append_to_keeps_the_shape_it_was_made_with() {
    let (_folder, path) = folder();
    let options = npy::create_options::<u8>([4, 2]);
    let mut whole = options.open_or_create_shared(&path).unwrap();
    let mut last = options.segment(1, 2).open_or_create_shared(&path).unwrap();
    last.fill(7).unwrap();
    assert_eq!(npy::append(&path, &vec![[1_u8, 2]; 6]).unwrap(), 10);
    assert!(!whole.refresh().unwrap() && !last.refresh().unwrap());
    assert_eq!(whole.load().unwrap()[..], [0, 0, 0, 0, 7, 7, 7, 7]);
    assert_eq!(last.load().unwrap()[..], [7, 7, 7, 7]);
    // It is another array for whoever would make it now.
    assert_eq!(options.open_or_create_shared(&path).unwrap_err().kind(), ErrorKind::Header);
    if cfg!(windows) {
        return println!("left out: Windows does not cut files that are mapped");
    }
    // SAFETY: nobody else uses the elements by reference.
    assert_eq!(unsafe { npy::open_mut::<u8>(&path) }.unwrap().shrink(7).unwrap(), 3);
    assert_eq!(whole.refresh().unwrap_err().kind(), ErrorKind::Header);
}

#[test]
fn what_a_killed_program_has_left_is_cut_off_and_what_others_have_put_there_is_not() {
    let (_folder, path) = folder();
    let file = saved(&vec![[1_u8, 2]; 9]);
    let begun = {
        let mut file = file.clone();
        assert_eq!(file[126..128], *b" \n");
        file[126] = b'\t';
        [&file[..], &[0; 1000]].concat()
    };
    // A second array, as `np.save` puts it behind the first in a file that is open.
    let two = [&file[..], &file[..]].concat();
    fs::write(&path, &two).unwrap();
    assert_eq!(npy::append(&path, &[[5_u8, 6]]).unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(fs::read(&path).unwrap(), two);
    fs::write(&path, &begun).unwrap();
    assert_eq!(npy::append(&path, &[[1_u8, 2]]).unwrap(), 10);
    assert_eq!(fs::read(&path).unwrap(), saved(&vec![[1_u8, 2]; 10]));
    // The tab by which `fill` marks a complete array goes as well, whether or not that of a killed one is there.
    for front in [b"\t \n", b"\t\t\n"] {
        let mut filled = file.clone();
        filled[125..128].copy_from_slice(front);
        fs::write(&path, &filled).unwrap();
        assert_eq!(npy::append(&path, &[[1_u8, 2]]).unwrap(), 10);
        assert_eq!(fs::read(&path).unwrap(), saved(&vec![[1_u8, 2]; 10]));
    }
    if cfg!(windows) {
        return println!("left out: Windows does not cut files that are mapped");
    }
    fs::write(&path, &begun).unwrap();
    // SAFETY: nobody else uses the file.
    let mut array = unsafe { npy::open_mut::<[u8; 2]>(&path) }.unwrap();
    array.grow(1).unwrap();
    array[9] = [1, 2];
    array.close().unwrap();
    assert_eq!(fs::read(&path).unwrap(), saved(&vec![[1_u8, 2]; 10]));
}

#[test]
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows))]
fn all_rows_are_there_that_a_crowd_was_told_so_of() {
    let (_folder, path) = folder();
    npy::save(&path, &Vec::<[u64; 2]>::new()).unwrap();
    let add = |thread: u64| {
        let (mut added, mut locked) = (0, 0);
        while added < 50 {
            match npy::append(&path, &[[thread, added]]) {
                Ok(_) => added += 1,
                Err(error) => {
                    assert_eq!((error.kind(), error.path()), (ErrorKind::Locked, Some(&*path)), "{error}");
                    locked += 1;
                    thread::yield_now();
                }
            }
        }
        locked
    };
    let locked: usize = thread::scope(|threads| {
        let adding: Vec<_> = (0..8).map(|thread| threads.spawn(move || add(thread))).collect();
        adding.into_iter().map(|adding| adding.join().unwrap()).sum()
    });
    println!("{locked} were told to try again");
    let rows = npy::load::<[u64; 2]>(&path).unwrap();
    assert_eq!(rows.len(), 400);
    // Of each thread all, in the order in which they came.
    for thread in 0..8 {
        assert!(rows.iter().filter(|row| row[0] == thread).map(|row| row[1]).eq(0..50));
    }
}

#[test]
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows))]
fn an_array_that_grows_keeps_those_out_who_add_rows() {
    let (_folder, path) = folder();
    npy::save(&path, &vec![1_u8; 3]).unwrap();
    let add = || npy::append(&path, &[9_u8]);
    thread::scope(|threads| {
        let adding = threads.spawn(|| {
            (0..200)
                .filter(|_| match add() {
                    Ok(_) => true,
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
                        false
                    }
                })
                .count()
        });
        let mut grown = 0;
        for _ in 0..200 {
            // SAFETY: nobody writes the elements that are mapped, or makes the file shorter.
            let mut array = unsafe { npy::open_mut::<u8>(&path) }.unwrap();
            match array.grow(2) {
                Ok(_) => grown += 2,
                // The others were first, while it was opened or now.
                Err(error) => assert!([ErrorKind::Locked, ErrorKind::Unsupported].contains(&error.kind()), "{error}"),
            }
        }
        let (added, array) = (adding.join().unwrap(), npy::load::<u8>(&path).unwrap());
        assert_eq!(array.iter().filter(|&&byte| byte == 9).count(), added);
        assert_eq!(array.len(), 3 + added + grown);
    });
}
