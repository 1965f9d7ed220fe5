//! Elements copied into memory: out of files, members of archives, and what cannot be mapped.

use mmap_array::{Be, DType, DynArray, Element, ErrorKind, Le, MmapArray, Order, npy};
use std::fs::{self, File};
use std::io::Read;
use std::path::PathBuf;
use tempfile::{TempDir, tempdir};

fn file(bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

/// The numbers 0 to `count`.
fn numbers(count: u32) -> Vec<u8> {
    (0..count).flat_map(u32::to_ne_bytes).collect()
}

/// What reads a byte at a time.
struct Slow<'a>(&'a [u8]);

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = buffer.len().min(1);
        self.0.read(&mut buffer[..most])
    }
}

#[test]
fn a_portion_is_loaded_as_it_is_mapped() {
    let (_folder, path) = file(&numbers(24));
    for (options, shape) in [
        (MmapArray::<u32>::options(), vec![24]),
        (MmapArray::options().offset(8), vec![22]),
        (MmapArray::options().offset(8).shape([2, 3]), vec![2, 3]),
        (MmapArray::options().offset(8).shape([2, 3]).order(Order::F), vec![2, 3]),
        (MmapArray::options().offset(16).shape([None, Some(4)]), vec![5, 4]),
        (MmapArray::options().offset(96), vec![0]),
        (MmapArray::options().offset(40).shape([0, 7]), vec![0, 7]),
        (MmapArray::options().shape(()), vec![]),
    ] {
        // SAFETY: nobody writes or truncates the file.
        let mapped = unsafe { options.open(&path) }.unwrap();
        let file = File::open(&path).unwrap();
        let bytes = fs::read(&path).unwrap();
        for loaded in [
            options.load(&path).unwrap(),
            options.load(&file).unwrap(),
            options.load_from(&bytes[..]).unwrap(),
            options.load_from(Slow(&bytes)).unwrap(),
        ] {
            assert_eq!((loaded.shape(), loaded.order()), (&shape[..], mapped.order()));
            assert_eq!((loaded.byte_offset(), loaded.path()), (0, None));
            assert_eq!(loaded[..], mapped[..]);
        }
    }
}

#[test]
fn what_is_loaded_can_be_written_and_outlives_the_file() {
    let (_folder, path) = file(&numbers(4));
    let mut loaded = MmapArray::<u32>::options().load(&path).unwrap();
    fs::remove_file(&path).unwrap();
    loaded[3] = 9;
    loaded.flush().unwrap();
    assert_eq!((loaded.grow(1).unwrap(), &loaded[..]), (5, &[0, 1, 2, 9, 0][..]));
}

#[test]
fn elements_are_loaded_from_any_byte_that_suits_their_type_in_the_file() {
    let (_folder, path) = file(&[&[0; 3][..], &1.5_f64.to_be_bytes()].concat());
    assert_eq!(MmapArray::<Be<f64>>::options().offset(3).load(&path).unwrap()[0].get(), 1.5);
    // In memory they are aligned, wherever they were.
    let loaded = MmapArray::<f64>::options().offset(3).load(&path).unwrap();
    assert_eq!(loaded[0].to_bits(), 1.5_f64.to_bits().to_be());
}

#[test]
fn what_lies_beyond_the_end_is_an_error_and_names_the_file() {
    let (_folder, path) = file(&numbers(6));
    let options = MmapArray::<u32>::options;
    for (options, kind) in [
        (options().offset(25), ErrorKind::PastEnd),
        (options().offset(u64::MAX - 3).shape(1), ErrorKind::PastEnd),
        (options().shape(7), ErrorKind::PastEnd),
        (options().offset(24).shape([1, 1]), ErrorKind::PastEnd),
        (options().shape(usize::MAX >> 1), ErrorKind::Overflow),
        (options().offset(1), ErrorKind::PartialElement),
        (options().shape([None, Some(4)]), ErrorKind::PartialElement),
        (options().shape([None, None]), ErrorKind::Shape),
    ] {
        // SAFETY: nothing is opened.
        assert_eq!(unsafe { options.open(&path) }.unwrap_err().kind(), kind);
        let error = options.load(&path).unwrap_err();
        assert_eq!((error.kind(), error.path()), (kind, Some(&*path)), "{error}");
        let bytes = fs::read(&path).unwrap();
        let error = options.load_from(&bytes[..]).unwrap_err();
        assert_eq!((error.kind(), error.path()), (kind, None), "{error}");
    }
    let missing = path.with_extension("none");
    assert_eq!(options().load(&missing).unwrap_err().path(), Some(&*missing));
    let (_folder, empty) = file(&[]);
    assert_eq!(options().load(&empty).unwrap_err().kind(), ErrorKind::EmptyFile);
    assert_eq!(options().shape([0, 2]).load(&empty).unwrap().shape(), [0, 2]);
}

#[test]
fn a_reader_that_ends_too_early_or_boasts_is_an_error() {
    let options = MmapArray::<u32>::options().offset(4).shape(5);
    let error = options.load_from(&numbers(5)[..]).unwrap_err();
    assert_eq!((error.kind(), error.byte_range()), (ErrorKind::PastEnd, Some(4..24)), "{error}");
    struct Boaster;
    impl Read for Boaster {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            Ok(buffer.len() + 1)
        }
    }
    for options in [options, MmapArray::options()] {
        let error = options.load_from(Boaster).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    }
}

#[test]
fn arrays_behind_one_another_are_loaded_one_after_another() {
    let bytes = numbers(10);
    let mut reader = &bytes[..];
    assert_eq!(*MmapArray::<u32>::options().shape(3).load_from(&mut reader).unwrap(), [0, 1, 2]);
    assert_eq!(*MmapArray::<u32>::options().offset(4).shape(2).load_from(&mut reader).unwrap(), [4, 5]);
    let dynamic = DynArray::options(u32::dtype()).shape([1, 2]).load_from(&mut reader).unwrap();
    assert_eq!(dynamic.view().to_vec_as::<u32>().unwrap(), [6, 7]);
    assert_eq!(*MmapArray::<u32>::options().load_from(&mut reader).unwrap(), [8, 9]);
    assert!(reader.is_empty());
}

#[test]
fn elements_of_a_dtype_are_loaded() {
    let dtype: DType = "[('id', '>u2'), ('x', '<f4')]".parse().unwrap();
    let record = |id: u16, x: f32| [&id.to_be_bytes()[..], &x.to_le_bytes()].concat();
    let (_folder, path) = file(&[vec![0; 5], record(1, 0.5), record(2, -2.0)].concat());
    let options = DynArray::options(dtype).offset(5);
    for loaded in [
        options.clone().load(&path).unwrap(),
        options.clone().load(&File::open(&path).unwrap()).unwrap(),
        options.clone().load_from(File::open(&path).unwrap()).unwrap(),
    ] {
        assert_eq!(loaded.to_string(), "[(1,  0.5) (2, -2. )]");
    }
    let mut loaded = options.clone().shape([1, 1]).load(&path).unwrap();
    loaded.view_mut().field("x").unwrap().typed::<Le<f32>>().unwrap().fill(7.0.into());
    assert_eq!(loaded.to_string(), "[[(1, 7.)]]");
    assert_eq!(options.clone().shape(3).load(&path).unwrap_err().kind(), ErrorKind::PastEnd);
    assert_eq!(options.offset(6).load(&path).unwrap_err().kind(), ErrorKind::PartialElement);
    let nothing: DType = "V0".parse().unwrap();
    assert_eq!(DynArray::options(nothing.clone()).shape(9).load(&path).unwrap().len(), 9);
    assert_eq!(DynArray::options(nothing).load(&path).unwrap_err().kind(), ErrorKind::Shape);
}

/// More than what is read at once, with other elements between the rows, from a file and from a stream.
#[test]
fn rows_in_fortran_order_are_copied_together() {
    let (_folder, path) = file(&[]);
    let whole: Vec<u32> = (0..5000 * 40).collect();
    let array = mmap_array::ArrayView::from_slice(&whole, [40, 5000]).unwrap();
    npy::save(&path, &array.t()).unwrap();
    assert_eq!(npy::header(&path).unwrap().order(), Order::F);
    let bytes = fs::read(&path).unwrap();
    for rows in [0..0, 0..1, 17..4000, 4999..5000, 5000..5000, 0..5000] {
        let options = npy::options::<u32>().rows(rows.clone());
        let expected = array.t().rows(rows.clone()).to_vec();
        for loaded in [
            options.load(&path).unwrap(),
            options.load(&File::open(&path).unwrap()).unwrap(),
            options.load_from(&bytes[..]).unwrap(),
        ] {
            assert_eq!((loaded.shape(), loaded.order()), (&[rows.len(), 40][..], Order::F));
            assert_eq!(loaded.view().to_vec(), expected);
        }
        let dynamic = npy::dyn_options().rows(rows).load(&path).unwrap();
        assert_eq!(dynamic.typed::<u32>().unwrap().to_vec(), expected);
    }
    let options = npy::options::<u32>().rows(4000..5001);
    assert_eq!(options.load(&path).unwrap_err().kind(), ErrorKind::OutOfRange);
    let cut = npy::options::<u32>().rows(1..3).load_from(&bytes[..bytes.len() - 20_000]).unwrap_err();
    assert_eq!(cut.kind(), ErrorKind::PastEnd, "{cut}");
}

/// A member's bytes are the file: with its header, where the options are of raw files.
#[cfg(feature = "npz")]
#[test]
fn members_of_archives_are_loaded_raw_and_by_windows() {
    use mmap_array::npz;
    let (_folder, path) = file(&[]);
    let mut writer = npz::Writer::create(&path).unwrap();
    writer.add("x", &vec![1_u16, 2, 3, 4]).unwrap();
    writer.finish().unwrap();
    let archive = npz::Archive::open(&path).unwrap();
    let member = archive.member("x").unwrap();
    assert_eq!(*MmapArray::<[u8; 6]>::options().shape(1).load(member).unwrap(), [*b"\x93NUMPY"]);
    assert_eq!(MmapArray::<u8>::options().load(member).unwrap().len() as u64, member.size());
    assert_eq!(*npy::options::<u16>().elements(1..3).load(member).unwrap(), [2, 3]);
    assert_eq!(npy::options::<u16>().elements(1..6).load(member).unwrap_err().kind(), ErrorKind::OutOfRange);
    let long = MmapArray::<u8>::options().shape(member.size() as usize + 1).load(member).unwrap_err();
    assert_eq!((long.kind(), long.path()), (ErrorKind::PastEnd, Some(&*path)), "{long}");
}

#[cfg(target_os = "linux")]
#[test]
fn pipes_devices_and_files_of_proc_are_loaded() {
    use rustix::fs::{CWD, Mode, mkfifoat};
    let folder = tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    mkfifoat(CWD, &pipe, Mode::RWXU).unwrap();
    let through_pipe = |bytes: Vec<u8>, load: &dyn Fn()| {
        std::thread::scope(|scope| {
            let pipe = &pipe;
            scope.spawn(move || fs::write(pipe, bytes));
            load();
        });
    };
    through_pipe(numbers(1000), &|| {
        let loaded = MmapArray::<u32>::options().offset(40).shape([None, Some(3)]).load(&pipe).unwrap();
        assert_eq!((loaded.shape(), loaded[[0, 0]], loaded[[329, 2]]), (&[330, 3][..], 10, 999));
    });
    through_pipe(numbers(1000), &|| {
        let file = File::open(&pipe).unwrap();
        assert_eq!(*MmapArray::<u32>::options().shape(2).load(&file).unwrap(), [0, 1]);
        // A pipe goes on where it was.
        assert_eq!(*MmapArray::<u32>::options().shape(2).load(&file).unwrap(), [2, 3]);
        assert_eq!(MmapArray::<u32>::options().load(&file).unwrap()[995], 999);
    });
    through_pipe(numbers(3), &|| {
        let error = MmapArray::<u32>::options().shape(4).load(&pipe).unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::PastEnd, Some(&*pipe)), "{error}");
    });
    let status = MmapArray::<u8>::options().load("/proc/self/status").unwrap();
    assert!(status.starts_with(b"Name:"));
    let maximum = MmapArray::<u8>::options().offset(1).load("/proc/sys/kernel/pid_max").unwrap();
    assert_eq!(*maximum, mmap_array::fromfile::<u8>("/proc/sys/kernel/pid_max", 1, None).unwrap()[..]);
    let zeros = DynArray::options(u16::dtype()).offset(3).shape([1000, 1000]).load("/dev/zero").unwrap();
    assert!(zeros.as_bytes().unwrap().iter().all(|&byte| byte == 0));
    assert!(MmapArray::<u8>::options().load(folder.path()).is_err());
}
