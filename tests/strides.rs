//! Elements of raw files with strides of the caller's own.

use mmap_array::{Be, DynArray, Element, ErrorKind, Le, MmapArray, Order};
use std::fs;
use std::path::PathBuf;

#[allow(dead_code)]
#[path = "python/mod.rs"]
mod python;
#[path = "random/mod.rs"]
mod random;
use python::Python;
use random::Random;

/// A folder that goes with the test, and a file of so many bytes.
fn file_of(len: usize) -> (tempfile::TempDir, PathBuf, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bytes");
    let bytes: Vec<u8> = (0..len).map(|n| (n * 7 + n / 256) as u8).collect();
    fs::write(&path, &bytes).unwrap();
    (folder, path, bytes)
}

/// A window of big-endian numbers of two bytes.
#[derive(Debug)]
struct Case {
    offset: u64,
    shape: Vec<usize>,
    strides: Vec<isize>,
}

impl Case {
    /// Mostly such as lie within so many bytes.
    fn random(random: &mut Random, len: usize) -> Self {
        let ndim = random.below(4) as usize;
        let shape: Vec<usize> = (0..ndim).map(|_| random.below(6) as usize).collect();
        let mut stride = || random.below(41) as isize - 20;
        Self { strides: shape.iter().map(|_| stride()).collect(), shape, offset: random.below(len as u64 + 10) }
    }

    /// The position in the file of every element in C order, which may be before it or behind its end.
    fn places(&self) -> Vec<i64> {
        let mut places = vec![self.offset as i64];
        for (&len, &stride) in self.shape.iter().zip(&self.strides) {
            places = places.iter().flat_map(|&at| (0..len as i64).map(move |n| at + n * stride as i64)).collect();
        }
        places
    }

    /// The elements, if all of them lie within the file, and whether two of them overlap.
    fn model(&self, bytes: &[u8]) -> (Option<Vec<u16>>, bool) {
        let places = self.places();
        let element = |&at: &i64| {
            let at = usize::try_from(at).ok()?;
            Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().unwrap()))
        };
        // Without elements, the offset counts.
        let all = if places.is_empty() && self.offset > bytes.len() as u64 { None } else { Some(()) };
        let mut sorted = places.clone();
        sorted.sort_unstable();
        let overlap = sorted.windows(2).any(|pair| pair[1] - pair[0] < 2);
        (all.and_then(|()| places.iter().map(element).collect()), overlap)
    }
}

fn numbers(view: mmap_array::ArrayView<'_, Be<u16>>) -> Vec<u16> {
    view.to_vec().into_iter().map(Be::get).collect()
}

#[test]
fn each_way_to_open_gives_the_elements_of_a_model_or_an_error() {
    let (_folder, path, bytes) = file_of(200);
    let mut random = Random(5);
    let (mut right, mut wrong, mut shared, mut written) = (0, 0, 0, 0);
    for _ in 0..3000 {
        let case = Case::random(&mut random, bytes.len());
        let (expected, overlap) = case.model(&bytes);
        let options = MmapArray::<Be<u16>>::options().offset(case.offset).shape(&case.shape).strides(&case.strides);
        let dynamic = DynArray::options(Be::<u16>::dtype()).offset(case.offset).shape(&case.shape);
        let dynamic = dynamic.strides(&case.strides);
        let Some(expected) = expected else {
            let before = case.places().iter().any(|&at| at < 0);
            let kind = if before { ErrorKind::OutOfRange } else { ErrorKind::PastEnd };
            let check = |error: mmap_array::Error| {
                assert_eq!((error.kind(), error.path()), (kind, Some(&*path)), "{case:?}: {error}");
            };
            check(options.load(&path).unwrap_err());
            check(options.open_shared(&path).unwrap_err());
            // SAFETY: nothing is opened.
            check(unsafe { options.open(&path) }.unwrap_err());
            check(dynamic.open_shared(&path).unwrap_err());
            assert_eq!(options.load_from(&bytes[..]).unwrap_err().kind(), kind, "{case:?}");
            wrong += 1;
            continue;
        };
        // SAFETY: nobody writes the file.
        let window = unsafe { options.open(&path) }.unwrap();
        assert_eq!((window.shape(), window.byte_offset()), (&case.shape[..], case.offset));
        assert_eq!(numbers(window.view()), expected, "{case:?}");
        for (axis, (&len, &stride)) in case.shape.iter().zip(&case.strides).enumerate() {
            assert!(len < 2 || window.view().strides()[axis] == stride || expected.is_empty());
        }
        assert_eq!(numbers(options.load(&path).unwrap().view()), expected, "{case:?}");
        assert_eq!(numbers(options.load_from(&bytes[..]).unwrap().view()), expected, "{case:?}");
        // SAFETY: as above.
        let array = unsafe { dynamic.clone().open(&path) }.unwrap();
        assert_eq!((array.shape(), array.byte_offset()), (&case.shape[..], case.offset));
        assert_eq!(numbers(array.typed().unwrap()), expected, "{case:?}");
        // In the order of the file they are where they follow one another.
        let in_order = case.places().windows(2).all(|pair| pair[1] == pair[0] + 2);
        assert_eq!(array.as_bytes().is_some(), in_order, "{case:?}");
        assert!(array.as_bytes().is_none_or(|bytes| bytes.len() == 2 * expected.len()));
        assert_eq!(array.into_typed::<Be<u16>>().is_ok(), in_order, "{case:?}");
        if random.below(4) == 0 {
            let array = options.open_shared(&path).unwrap();
            assert_eq!((array.shape(), array.byte_offset(), array.order()), (&case.shape[..], case.offset, Order::C));
            let same = |view: &[Be<u16>]| view.iter().map(|n| n.get()).eq(expected.iter().copied());
            assert!(same(&array.read(|view| view.to_vec()).unwrap()), "{case:?}");
            assert!(same(&array.load().unwrap()), "{case:?}");
            if let Some(&rows) = case.shape.first() {
                let copies: Vec<Be<u16>> = array.chunks(2).flat_map(|chunk| chunk.unwrap().to_vec()).collect();
                assert!(same(&copies), "{case:?}");
                let row = expected.len().checked_div(rows).unwrap_or(0);
                let (from, to) = (rows / 3, rows - rows / 3);
                let part = array.clone().into_rows(from..to);
                let part = part.read(|view| view.to_vec()).unwrap();
                assert!(part.iter().map(|n| n.get()).eq(expected[row * from..row * to].iter().copied()), "{case:?}");
            }
            let last: Vec<usize> = case.shape.iter().map(|len| len.saturating_sub(1)).collect();
            assert_eq!(array.get(&last).unwrap().map(Be::get), expected.last().copied(), "{case:?}");
            let dynamic = dynamic.clone().open_shared(&path).unwrap();
            assert_eq!(dynamic.try_read(|view| view.to_vec_as::<u16>()).unwrap(), expected);
            shared += 1;
        }
        // Only what is disjoint can be written.
        // SAFETY: nobody else has the file open.
        match unsafe { options.open_mut(&path) } {
            Ok(mut window) => {
                assert!(!overlap, "{case:?}");
                window.view_mut().map_in_place(|n| Be::new(!n.get()));
                assert!(numbers(window.view()).iter().zip(&expected).all(|(n, old)| *n == !old));
                window.flush().unwrap();
                let mut changed = bytes.clone();
                case.places().iter().for_each(|&at| (0..2).for_each(|n| changed[at as usize + n] ^= 0xff));
                assert_eq!(fs::read(&path).unwrap(), changed, "{case:?}");
                drop(window);
                let shared = options.open_shared_mut(&path).unwrap();
                shared.map_in_place(|n| Be::new(!n.get())).unwrap();
                assert_eq!(fs::read(&path).unwrap(), bytes);
                written += 1;
            }
            Err(error) => {
                assert_eq!((error.kind(), error.path()), (ErrorKind::Unsupported, Some(&*path)), "{error}");
                // SAFETY: as above.
                assert_eq!(unsafe { options.open_cow(&path) }.unwrap_err().kind(), ErrorKind::Unsupported);
                assert_eq!(options.open_shared_mut(&path).unwrap_err().kind(), ErrorKind::Unsupported);
                assert_eq!(dynamic.clone().open_shared_mut(&path).unwrap_err().kind(), ErrorKind::Unsupported);
                // SAFETY: as above.
                assert_eq!(unsafe { dynamic.open_mut(&path) }.unwrap_err().kind(), ErrorKind::Unsupported);
            }
        }
        right += 1;
    }
    println!("{right} right ({written} to write, {shared} shared), {wrong} wrong");
    assert!(right > 500 && wrong > 200 && written > 200 && shared > 100);
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn numpy_finds_the_same_elements_in_the_same_bytes_and_refuses_the_same() {
    let Some(python) = Python::get() else { return };
    let (folder, path, bytes) = file_of(200);
    let mut random = Random(11);
    let cases: Vec<Case> = (0..400).map(|_| Case::random(&mut random, bytes.len())).collect();
    let lines: Vec<String> =
        cases.iter().map(|Case { offset, shape, strides }| format!("({offset}, {shape:?}, {strides:?})\n")).collect();
    let listed = folder.path().join("cases");
    fs::write(&listed, lines.concat()).unwrap();
    let program = r#"
import ast, sys, numpy as np
buffer = np.memmap(sys.argv[1], np.uint8, "r")
for line in open(sys.argv[2]):
    offset, shape, strides = ast.literal_eval(line)
    try:
        print(np.ndarray(shape, ">u2", buffer, offset, strides).ravel().tolist())
    except (ValueError, TypeError):
        print("refused")
"#;
    let found = python.run(program, [path.as_os_str(), listed.as_os_str()]);
    let mut refused = 0;
    for (case, found) in cases.iter().zip(found.lines()) {
        let options = MmapArray::<Be<u16>>::options().offset(case.offset).shape(&case.shape).strides(&case.strides);
        match options.open_shared(&path).and_then(|array| array.read(|view| view.to_vec())) {
            Ok(elements) => {
                let elements: Vec<u16> = elements.into_iter().map(Be::get).collect();
                assert_eq!(format!("{elements:?}"), found, "{case:?}");
            }
            Err(error) => {
                assert_eq!(found, "refused", "{case:?}: {error}");
                refused += 1;
            }
        }
    }
    assert_eq!(found.lines().count(), cases.len());
    assert!((50..350).contains(&refused), "{refused}");
}

#[test]
fn an_axis_is_as_long_as_the_file_has_elements() {
    let (_folder, path, bytes) = file_of(100);
    let shape = |offset: u64, shape: &[Option<usize>], strides: &[isize]| {
        let options = MmapArray::<Le<u16>>::options().offset(offset).shape(shape).strides(strides);
        let array = options.open_shared(&path).map_err(|error| error.kind())?;
        // A pipe has no length.
        assert_eq!(options.load_from(&bytes[..]).unwrap().shape(), array.shape());
        Ok(array.shape().to_vec())
    };
    assert_eq!(shape(0, &[None], &[2]), Ok(vec![50]));
    assert_eq!(shape(1, &[None], &[2]), Ok(vec![49]));
    assert_eq!(shape(0, &[None], &[99]), Ok(vec![1]));
    assert_eq!(shape(0, &[None], &[98]), Ok(vec![2]));
    assert_eq!(shape(98, &[None], &[-98]), Ok(vec![2]));
    assert_eq!(shape(97, &[None], &[-98]), Ok(vec![1]));
    assert_eq!(shape(98, &[None], &[-1]), Ok(vec![99]));
    // Windows of 20 elements, 5 apart.
    assert_eq!(shape(0, &[None, Some(20)], &[10, 2]), Ok(vec![7, 20]));
    assert_eq!(shape(0, &[None, Some(50)], &[10, 2]), Ok(vec![1, 50]));
    assert_eq!(shape(0, &[None, Some(51)], &[10, 2]), Ok(vec![0, 51]));
    assert_eq!(shape(38, &[None, Some(20)], &[10, -2]), Ok(vec![7, 20]));
    assert_eq!(shape(36, &[None, Some(20)], &[10, -2]), Ok(vec![0, 20]));
    assert_eq!(shape(99, &[None], &[2]), Ok(vec![0]));
    assert_eq!(shape(101, &[None], &[2]), Err(ErrorKind::PastEnd));
    assert_eq!(shape(0, &[None, Some(0)], &[10, 2]), Err(ErrorKind::Shape));
    assert_eq!(shape(0, &[None, Some(3)], &[0, 2]), Err(ErrorKind::Shape));
    assert_eq!(shape(0, &[None, None], &[4, 2]), Err(ErrorKind::Shape));
    // Without a shape, one axis to the end.
    let fourths = MmapArray::<u8>::options().offset(3).strides([4]).open_shared(&path).unwrap();
    assert!(fourths.read(|view| view.iter().eq(bytes[3..].iter().step_by(4).copied())).unwrap());
    // What has been added is found again.
    let mut windows = MmapArray::<u8>::options().shape([None, Some(40)]).strides([20, 1]).open_shared(&path).unwrap();
    assert_eq!(windows.shape(), [4, 40]);
    fs::File::options().write(true).open(&path).unwrap().set_len(120).unwrap();
    assert!(windows.refresh().unwrap());
    assert_eq!((windows.shape(), windows.at([4, 39]).unwrap()), (&[5, 40][..], 0));
}

#[test]
fn what_no_file_can_have_is_an_error_before_anything_is_mapped() {
    let (_folder, path, _) = file_of(100);
    let kind = |offset: u64, shape: &[usize], strides: &[isize]| {
        let options = MmapArray::<u64>::options().offset(offset).shape(shape).strides(strides);
        let errors = [options.open_shared(&path).unwrap_err(), options.load_from(&[7; 100][..]).unwrap_err()];
        assert_eq!(errors[0].kind(), errors[1].kind(), "{errors:?}");
        errors[0].kind()
    };
    let (most, least) = (isize::MAX, isize::MIN);
    assert_eq!(kind(0, &[2, 2], &[8]), ErrorKind::Shape);
    assert_eq!(kind(0, &[2], &[8, 8]), ErrorKind::Shape);
    assert_eq!(kind(0, &[], &[8]), ErrorKind::Shape);
    assert_eq!(kind(0, &[1; 65], &[8; 65]), ErrorKind::Shape);
    assert_eq!(kind(0, &[1; 64], &[8; 65]), ErrorKind::Shape);
    assert_eq!(kind(0, &[3], &[most]), ErrorKind::Overflow);
    assert_eq!(kind(0, &[2], &[least]), ErrorKind::OutOfRange);
    assert_eq!(kind(u64::MAX, &[2], &[least]), ErrorKind::Overflow);
    assert_eq!(kind(u64::MAX, &[2], &[-8]), ErrorKind::PastEnd);
    assert_eq!(kind(u64::MAX, &[2], &[8]), ErrorKind::PastEnd);
    assert_eq!(kind(0, &[usize::MAX], &[0]), ErrorKind::Overflow);
    assert_eq!(kind(0, &[usize::MAX / 2, 3], &[0, 0]), ErrorKind::Overflow);
    assert_eq!(kind(0, &[0, usize::MAX], &[0, 0]), ErrorKind::Overflow);
    assert_eq!(kind(101, &[0], &[8]), ErrorKind::PastEnd);
    assert_eq!(kind(93, &[1], &[8]), ErrorKind::PastEnd);
    let far = MmapArray::<u8>::options().order(Order::F).shape([2, 2]).strides([2, 1]);
    assert_eq!(far.open_shared(&path).unwrap_err().kind(), ErrorKind::Shape);
    // An axis of one element has any stride.
    let one = MmapArray::<u8>::options().offset(99).shape([1, 1, 1]).strides([most, least, 0]);
    let one = one.open_shared_mut(&path).unwrap();
    one.set([0, 0, 0], 7).unwrap();
    assert_eq!(one.at([0; 3]).unwrap(), 7);
    let texts = [
        (MmapArray::<u8>::options().offset(3).shape(5).strides([-1]), "begin 1 bytes before the file"),
        (MmapArray::<u8>::options().shape(5).strides([25]), "[5] elements of `u8` with strides of [25] bytes"),
        (MmapArray::<u8>::options().shape([2, 2]).strides([1]), "1 strides were given for the 2 axes of [2, 2]"),
    ];
    for (options, text) in texts {
        let error = options.open_shared(&path).unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    }
}

#[test]
fn few_elements_of_a_large_file_are_opened_and_copied_without_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large");
    let len = 1 << 28;
    let file = fs::File::create_new(&path).unwrap();
    file.set_len(len).unwrap();
    for (offset, stride, count) in [(5, 25_000_000, 10), (len - 8, -25_000_000, 10), (0, 1 << 18, 1000)] {
        let options = MmapArray::<Le<u32>>::options().offset(offset).shape(count).strides([stride]);
        let array = options.open_shared_mut(&path).unwrap();
        (0..count).for_each(|n| array.set([n], Le::new(n as u32 + 1)).unwrap());
        let copy = options.load(&path).unwrap();
        assert!(copy.view().iter().map(Le::get).eq(1..=count as u32));
        assert!(array.load().unwrap().iter().map(|n| n.get()).eq(1..=count as u32));
    }
    // Near to one another they are read together, in either direction.
    for stride in [-100, 100, -3, 5] {
        let offset = if stride < 0 { len - 8 } else { 0 };
        let options = MmapArray::<Le<u32>>::options().offset(offset).shape(50_000).strides([stride]);
        let array = options.open_shared(&path).unwrap();
        let copy = options.load(&path).unwrap();
        assert!(array.read(|view| view == copy.view()).unwrap());
    }
}

#[test]
fn overlapping_windows_are_reduced_and_printed_as_copies_of_them_are() {
    let (_folder, path, _) = file_of(5000);
    let bytes = |shape: &[usize], strides: &[isize], offset| {
        let options = MmapArray::<u8>::options().offset(offset).shape(shape).strides(strides);
        let copy = options.load(&path).unwrap();
        // SAFETY: nobody writes the file.
        let window = unsafe { options.open(&path) }.unwrap();
        let (view, copy) = (window.view(), copy.view());
        assert_eq!(view, copy);
        assert_eq!(
            (view.sum(), view.mean(), view.min(), view.max()),
            (copy.sum(), copy.mean(), copy.min(), copy.max())
        );
        assert_eq!((view.argmin(), view.argmax()), (copy.argmin(), copy.argmax()));
        assert!((view.var(0).unwrap() - copy.var(0).unwrap()).abs() < 1e-8);
        for axis in 0..shape.len() {
            assert_eq!(view.sum_axis(axis).unwrap(), copy.sum_axis(axis).unwrap());
            assert_eq!(view.max_axis(axis).unwrap(), copy.max_axis(axis).unwrap());
        }
        assert_eq!(view.to_string(), copy.to_string());
        let shared = options.open_shared(&path).unwrap();
        assert_eq!(shared.read(|view| (view.sum(), view.argmax(), view.to_string())).unwrap(), {
            (copy.sum(), copy.argmax(), copy.to_string())
        });
    };
    bytes(&[300, 1000], &[10, 1], 0);
    bytes(&[1000, 300], &[1, 10], 7);
    bytes(&[40, 5000], &[0, 1], 0);
    bytes(&[5000, 40], &[-1, 0], 4999);
    bytes(&[7, 9, 11], &[3, -3, 5], 24);
    bytes(&[500, 500], &[0, 0], 4999);
}

#[test]
fn atomic_changes_need_strides_of_whole_elements() {
    let (_folder, path, _) = file_of(96);
    let options = MmapArray::<u32>::options().offset(8);
    let array = options.shape(3).strides([12]).open_shared_mut(&path).unwrap();
    array.set([2], 5).unwrap();
    assert_eq!((array.fetch_add([2], 1).unwrap(), array.at([2]).unwrap()), (5, 6));
    let array = options.shape(3).strides([13]).open_shared_mut(&path).unwrap();
    let error = array.fetch_add([0], 1).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Unsupported, Some(&*path)));
    assert!(error.to_string().contains("13 bytes apart"), "{error}");
}

#[test]
#[cfg(feature = "npz")]
fn strides_stay_within_a_member_of_an_archive() {
    use mmap_array::npz::{Archive, Writer};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all.npz");
    let mut writer = Writer::create(&path).unwrap();
    writer.add("a", &vec![7_u8; 100]).unwrap();
    writer.add("b", &(0..100).collect::<Vec<u8>>()).unwrap();
    writer.finish().unwrap();
    let archive = Archive::open(&path).unwrap();
    // The member is a `.npy` file with a header of 128 bytes.
    let last = MmapArray::<u8>::options().offset(227);
    let options = last.shape(10).strides([-11]);
    let array = options.open_shared(archive.member("b").unwrap()).unwrap();
    assert!(array.read(|view| view.iter().eq((0..=99).rev().step_by(11))).unwrap());
    assert_eq!(options.load(archive.member("b").unwrap()).unwrap().view().at([9]), 0);
    for (options, kind) in
        [(last.shape(22).strides([-11]), ErrorKind::OutOfRange), (last.shape(2).strides([1]), ErrorKind::PastEnd)]
    {
        assert_eq!(options.open_shared(archive.member("b").unwrap()).unwrap_err().kind(), kind);
    }
}
