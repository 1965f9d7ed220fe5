//! Many `.npy` files as one array.

#[path = "random/mod.rs"]
mod random;

use bytemuck::Pod;
#[cfg(feature = "derive")]
use bytemuck::Zeroable;
use mmap_array::element::{Number, Ordered};
use mmap_array::npy::{Block, Concat, TypedBlock};
use mmap_array::{ArrayView, Be, Element, ErrorKind, Le, MmapArray, SharedArray, SharedDynArray, npy};
use random::Random;
use std::fmt::Debug;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// A folder of files.
struct Folder {
    dir: tempfile::TempDir,
    paths: Vec<PathBuf>,
}

impl Folder {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), paths: Vec::new() }
    }

    /// Adds a file with an array in C order, or in Fortran order.
    fn push<T: Element + Pod>(&mut self, elements: &[T], shape: &[usize], fortran: bool) {
        let path = self.dir.path().join(format!("{}.npy", self.paths.len()));
        let view = ArrayView::from_slice(elements, shape).unwrap();
        match fortran {
            false => npy::save(&path, &view).unwrap(),
            true => {
                let copy: Vec<T> = view.t().to_vec();
                let reversed: Vec<usize> = shape.iter().rev().copied().collect();
                npy::save(&path, &ArrayView::from_slice(&copy, reversed).unwrap().t()).unwrap();
            }
        }
        self.paths.push(path);
    }

    /// Files of `rows` rows each, of consecutive numbers made by `make`.
    fn of<T: Element + Pod>(rows: &[usize], others: &[usize], make: impl Fn(usize) -> T) -> (Self, Vec<T>) {
        let (mut folder, mut all) = (Self::new(), Vec::new());
        let width: usize = others.iter().product();
        for &rows in rows {
            let elements: Vec<T> = (all.len()..all.len() + rows * width).map(&make).collect();
            folder.push(&elements, &[&[rows], others].concat(), false);
            all.extend(elements);
        }
        (folder, all)
    }
}

/// Compares all that an array of files can do with a view of all its elements.
fn check<S: TypedBlock>(all: &Concat<S>, model: &ArrayView<'_, S::Element>, exact: bool, random: &mut Random)
where
    S::Element: Number + Ordered + PartialEq + Debug,
    <S::Element as Number>::Sum: Into<Sum> + Copy,
    <S::Element as Number>::Mean: Into<Sum> + Copy,
{
    assert_eq!((all.shape(), all.ndim(), all.len()), (model.shape(), model.ndim(), model.len()));
    assert_eq!(all.is_empty(), model.is_empty());
    assert_eq!(*all.load().unwrap(), model.to_vec());
    assert_eq!(all.iter().map(Result::unwrap).collect::<Vec<_>>(), model.to_vec());
    for _ in 0..5 {
        let index: Vec<usize> = model.shape().iter().map(|&len| random.below(len as u64 + 1) as usize).collect();
        assert_eq!(all.get(&index).unwrap(), model.get(&index), "{index:?}");
        if model.get(&index).is_some() {
            assert_eq!(all.at(&index).unwrap(), model.at(&index));
        }
    }
    let near = |ours: Sum, theirs: Sum, exact: bool| ours.is(theirs, exact);
    assert!(near(all.sum().unwrap().into(), model.sum().into(), exact), "the sum of {:?}", model.shape());
    let means = (all.mean().unwrap().map(Into::into), model.mean().map(Into::into));
    assert!(matches!(means, (None, None)) || near(means.0.unwrap(), means.1.unwrap(), exact));
    assert_eq!((all.min().unwrap(), all.max().unwrap()), (model.min(), model.max()));
    assert_eq!((all.argmin().unwrap(), all.argmax().unwrap()), (model.argmin(), model.argmax()));
    let axes: Vec<usize> = (0..model.ndim()).collect();
    for axes in [&axes[..], &axes[..1], &axes[1..], &axes[axes.len() - 1..]] {
        let (shape, sums) = all.sum_axis(axes).unwrap();
        let (expected, theirs) = model.sum_axis(axes).unwrap();
        assert_eq!(shape, expected);
        let is_same = sums.len() == theirs.len()
            && sums
                .into_iter()
                .zip(theirs)
                .all(|(one, other)| near(one.into(), other.into(), exact && !axes.contains(&0)));
        assert!(is_same, "the sums of {:?} along {axes:?}", model.shape());
        match (all.min_axis(axes), model.min_axis(axes)) {
            (Ok(ours), Ok(theirs)) => assert_eq!(ours, theirs),
            (Err(ours), Err(theirs)) => assert_eq!(ours.to_string(), theirs.to_string()),
            (ours, theirs) => panic!("{ours:?} and {theirs:?}"),
        }
        match (all.max_axis(axes), model.max_axis(axes)) {
            (Ok(ours), Ok(theirs)) => assert_eq!(ours, theirs),
            (ours, theirs) => assert_eq!(ours.is_err(), theirs.is_err()),
        }
        match (all.mean_axis(axes), model.mean_axis(axes)) {
            (Ok((shape, ours)), Ok((expected, theirs))) => {
                assert_eq!(shape, expected);
                assert!(ours.into_iter().zip(theirs).all(|(one, other)| near(one.into(), other.into(), false)));
            }
            (ours, theirs) => assert_eq!(ours.is_err(), theirs.is_err()),
        }
    }
}

/// A sum of any type.
#[derive(Clone, Copy, Debug)]
enum Sum {
    Integer(i128),
    Float(f64),
}

impl Sum {
    fn is(self, other: Self, exact: bool) -> bool {
        match (self, other) {
            (Self::Integer(one), Self::Integer(other)) => one == other,
            (Self::Float(one), Self::Float(other)) if exact => one.to_bits() == other.to_bits(),
            (Self::Float(one), Self::Float(other)) => (one - other).abs() <= 1e-5 * one.abs().max(1.0),
            _ => false,
        }
    }
}

macro_rules! sums {
    ($($T:ty: $Sum:ident;)*) => {$(
        impl From<$T> for Sum {
            fn from(sum: $T) -> Self {
                Self::$Sum(sum as _)
            }
        }
    )*};
}
sums! { i128: Integer; u128: Integer; f32: Float; f64: Float; }

/// Arrays of random shapes in files of random lengths, and random windows of them, by value and by reference.
fn compare<T: Number + Ordered + PartialEq + Debug + 'static>(seed: u64, make: impl Fn(u64) -> T)
where
    T::Sum: Into<Sum>,
    T::Mean: Into<Sum>,
{
    let mut random = Random(seed);
    for round in 0..6 {
        let others: Vec<usize> = (0..random.below(4)).map(|_| [0, 1, 2, 3, 5, 11][random.below(6) as usize]).collect();
        let width: usize = others.iter().product();
        let (mut folder, mut all, mut rows, mut in_c_order) = (Folder::new(), Vec::new(), 0, true);
        for _ in 0..random.below(6) + 1 {
            let len = [0, 1, 2, 7, 40, 200][random.below(6) as usize];
            let elements: Vec<T> = (0..len * width).map(|_| make(random.below(1 << 20))).collect();
            let fortran = round % 3 == 2 && random.below(2) == 1;
            folder.push(&elements, &[&[len], &others[..]].concat(), fortran);
            in_c_order &= npy::header(folder.paths.last().unwrap()).unwrap().order() == mmap_array::Order::C;
            all.extend(elements);
            rows += len;
        }
        let model = ArrayView::from_slice(&all, [&[rows], &others[..]].concat()).unwrap();
        let shared = npy::concat::<T>(&folder.paths).unwrap();
        // SAFETY: nobody else has the files.
        let stable = unsafe { npy::options::<T>().open_all(&folder.paths) }.unwrap();
        check(&shared, &model, in_c_order, &mut random);
        check(&stable, &model, in_c_order, &mut random);
        for _ in 0..4 {
            let start = random.below(rows as u64 + 1) as usize;
            let end = start + random.below((rows - start) as u64 + 1) as usize;
            check(&shared.rows(start..end), &model.rows(start..end), in_c_order, &mut random);
            check(&stable.rows(start..end), &model.rows(start..end), in_c_order, &mut random);
            let again = shared.rows(start..).rows(..end - start);
            assert_eq!(*again.load().unwrap(), model.rows(start..end).to_vec());
            let blocks: Vec<T> =
                again.blocks().flat_map(|block| block.unwrap().read(|view| view.to_vec()).unwrap()).collect();
            assert_eq!(blocks, model.rows(start..end).to_vec());
        }
    }
}

#[test]
fn files_are_one_array_of_numbers_in_either_byte_order() {
    compare::<u8>(1, |number| number as u8);
    compare::<i32>(2, |number| number as i32 - (1 << 19));
    compare::<f32>(3, |number| number as f32 / 7.0 - 100.0);
    compare::<f64>(4, |number| 1.0 / (number as f64 + 1.0));
    compare::<Be<u16>>(5, |number| (number as u16).into());
    compare::<Be<f64>>(6, |number| (number as f64 / 3.0).into());
    compare::<Le<f32>>(7, |number| (number as f32 / 3.0).into());
}

#[test]
fn a_sum_does_not_depend_on_where_the_files_begin() {
    let numbers: Vec<f32> = (0..5000).map(|n| ((n * 7919) % 1000) as f32 / 3.0 - 100.0).collect();
    let mut random = Random(9);
    for _ in 0..50 {
        let (mut folder, mut start) = (Folder::new(), 0);
        let len = random.below(numbers.len() as u64) as usize + 1;
        while start < len {
            let most = [1, 5, 130, 1000, 5000][random.below(5) as usize];
            let end = len.min(start + random.below(most) as usize + 1);
            folder.push(&numbers[start..end], &[end - start], false);
            start = end;
        }
        let model = ArrayView::from_slice(&numbers[..len], len).unwrap();
        let all = npy::concat::<f32>(&folder.paths).unwrap();
        assert_eq!(all.sum().unwrap().to_bits(), model.sum().to_bits());
        assert_eq!(all.mean().unwrap().unwrap().to_bits(), model.mean().unwrap().to_bits());
        let (ours, theirs) = (all.var(1).unwrap().unwrap(), model.var(1).unwrap());
        assert!(ours.is_nan() && theirs.is_nan() || (ours - theirs).abs() <= 1e-12 * theirs, "{ours} {theirs}");
        assert_eq!(all.std(0).unwrap(), all.var(0).unwrap().map(f64::sqrt));
    }
    let (folder, _) = Folder::of::<f64>(&[2, 1], &[], |_| -0.0);
    assert!(npy::concat::<f64>(&folder.paths).unwrap().sum().unwrap().is_sign_positive());
}

#[test]
fn nan_is_found_in_whichever_file_it_is() {
    let mut folder = Folder::new();
    folder.push(&[3.0, 1.0, 1.0], &[3], false);
    folder.push(&[1.0, f64::NAN, 7.0], &[3], false);
    folder.push(&[f64::NAN, 0.0], &[2], false);
    let all = npy::concat::<f64>(&folder.paths).unwrap();
    assert!(all.min().unwrap().unwrap().is_nan() && all.max().unwrap().unwrap().is_nan());
    assert_eq!((all.argmin().unwrap(), all.argmax().unwrap()), (Some(4), Some(4)));
    let before = all.rows(..4);
    assert_eq!((before.argmin().unwrap(), before.argmax().unwrap()), (Some(1), Some(0)));
}

#[cfg(feature = "derive")]
#[derive(Clone, Copy, Debug, PartialEq, Zeroable, Pod, mmap_array::Record)]
#[repr(C, packed)]
struct Tick {
    side: u8,
    price: Be<f64>,
}

#[test]
#[cfg(feature = "derive")]
fn records_are_read_by_value_by_field_and_by_dtype() {
    let make = |n: usize| Tick { side: n as u8, price: (n as f64 / 2.0).into() };
    let (folder, ticks) = Folder::of(&[10, 0, 3], &[], make);
    let all = npy::concat::<Tick>(&folder.paths).unwrap();
    assert_eq!((all.at(11).unwrap(), &*all.load().unwrap()), (ticks[11], &ticks[..]));
    let mut sum = 0.0;
    for block in all.rows(4..).blocks() {
        sum += block.unwrap().read(|view| view.project(mmap_array::field!(Tick, price)).sum()).unwrap();
    }
    assert_eq!(sum, (4..13).map(|n| n as f64 / 2.0).sum::<f64>());

    let any: Concat<SharedDynArray> = npy::dyn_options().open_shared_all(&folder.paths).unwrap();
    assert_eq!((any.dtype().to_string().as_str(), any.shape()), ("[('side', '|u1'), ('price', '>f8')]", &[13][..]));
    let texts: Vec<String> =
        any.rows(9..11).blocks().map(|block| block.unwrap().read(|view| view.to_string()).unwrap()).collect();
    assert_eq!(texts, ["[(9, 4.5)]", "[(10, 5.)]"]);
}

#[test]
fn subarrays_are_elements() {
    let (folder, all) = Folder::of::<u16>(&[2, 3], &[3], |n| n as u16);
    let points = npy::concat::<[u16; 3]>(&folder.paths).unwrap();
    assert_eq!((points.shape(), points.at(4).unwrap()), (&[5][..], [12, 13, 14]));
    assert_eq!(points.load().unwrap().concat(), all);
}

#[test]
fn files_that_do_not_fit_are_named_with_both_shapes_or_dtypes() {
    let (mut folder, _) = Folder::of::<u16>(&[2, 3], &[3, 2], |n| n as u16);
    folder.push(&[0_u16; 12], &[2, 2, 3], false);
    let error = npy::concat::<u16>(&folder.paths).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Shape, Some(&*folder.paths[2])));
    let text = error.to_string();
    assert!(text.contains("an array of shape [2, 2, 3] cannot follow the one of shape [2, 3, 2] in "), "{text}");
    assert!(text.contains(folder.paths[0].to_str().unwrap()), "{text}");

    let mut folder = Folder::new();
    folder.push(&[1_u16], &[1], false);
    folder.push(&[1_u32], &[1], false);
    for error in [
        npy::concat::<u16>(&folder.paths).map(drop).unwrap_err(),
        npy::dyn_options().open_shared_all(&folder.paths).map(drop).unwrap_err(),
    ] {
        assert_eq!((error.kind(), error.path()), (ErrorKind::DTypeMismatch, Some(&*folder.paths[1])));
        let text = error.to_string();
        assert!(text.contains("u4, not ") && text.contains("u2"), "{text}");
    }

    let mut folder = Folder::new();
    folder.push(&[1_u16], &[], false);
    let error = npy::concat::<u16>(&folder.paths).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Shape, Some(&*folder.paths[0])));
    assert!(error.to_string().ends_with("the array has no axes, so it cannot be concatenated"), "{error}");

    let error = npy::concat::<u16>([""; 0]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape);
    let error = npy::concat::<u16>(["there is no such file"]).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Io, Some(Path::new("there is no such file"))));
}

#[test]
fn options_of_a_single_file_are_refused_for_many() {
    let (folder, _) = Folder::of::<u16>(&[2, 3], &[], |n| n as u16);
    for options in [npy::options::<u16>().rows(1..), npy::options().elements(1..), npy::options().lock_range()] {
        assert_eq!(options.open_shared_all(&folder.paths).unwrap_err().kind(), ErrorKind::Unsupported);
    }
    let error = npy::options::<u16>().max_header(10).open_shared_all(&folder.paths).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Header, Some(&*folder.paths[0])));
}

#[test]
fn more_elements_than_can_be_counted_are_an_error() {
    let mut folder = Folder::new();
    for file in 0..3 {
        // No elements, and as many rows as there can be.
        let rows = isize::MAX as usize;
        let header = npy::Header::new(u8::dtype(), [rows, 0], mmap_array::Order::C).unwrap();
        let path = folder.dir.path().join(file.to_string());
        fs::write(&path, header.to_bytes().unwrap()).unwrap();
        folder.paths.push(path);
    }
    let one = npy::concat::<u8>(&folder.paths[..1]).unwrap();
    assert_eq!((one.len(), one.sum().unwrap(), one.iter().count()), (0, 0, 0));
    assert_eq!(one.sum_axis(1).unwrap_err().kind(), ErrorKind::Overflow);
    assert_eq!(one.sum_axis(0).unwrap(), (vec![0], vec![]));
    for count in 2..=3 {
        let error = npy::concat::<u8>(&folder.paths[..count]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Overflow, "{error}");
    }
}

#[test]
#[should_panic(expected = "index [3, 0] is outside an array of shape [3, 2]")]
fn an_index_outside_panics() {
    let (folder, _) = Folder::of::<u8>(&[2, 1], &[2], |n| n as u8);
    let _ = npy::concat::<u8>(&folder.paths).unwrap().at([3, 0]);
}

#[test]
#[should_panic(expected = "the range 2..4 is outside 0..3 along axis 0")]
fn a_window_outside_panics() {
    let (folder, _) = Folder::of::<u8>(&[2, 1], &[2], |n| n as u8);
    let _ = npy::concat::<u8>(&folder.paths).unwrap().rows(2..4);
}

/// The number of maps of the folder's files.
#[cfg(target_os = "linux")]
fn maps(folder: &Folder) -> usize {
    let (maps, folder) = (fs::read_to_string("/proc/self/maps").unwrap(), folder.dir.path().to_str().unwrap());
    maps.lines().filter(|line| line.contains(folder)).count()
}

/// The number of the folder's files that are open.
#[cfg(target_os = "linux")]
fn open_files(folder: &Folder) -> usize {
    let files = fs::read_dir("/proc/self/fd").unwrap().filter_map(|file| fs::read_link(file.ok()?.path()).ok());
    files.filter(|path| path.starts_with(folder.dir.path())).count()
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_is_mapped_when_it_is_needed_and_not_before() {
    let (folder, _) = Folder::of::<u32>(&[100; 20], &[50], |n| n as u32);
    let all = npy::concat::<u32>(&folder.paths).unwrap();
    let window = all.rows(450..650);
    assert_eq!((maps(&folder), open_files(&folder)), (0, 0));
    assert_eq!(all.at([250, 1]).unwrap(), 250 * 50 + 1);
    assert_eq!((maps(&folder), open_files(&folder)), (1, 1));
    window.sum().unwrap();
    assert_eq!((maps(&folder), open_files(&folder)), (4, 4));
    let clone = all.clone();
    clone.sum().unwrap();
    assert_eq!((maps(&folder), open_files(&folder)), (20, 20));
    drop((all, window));
    assert_eq!(maps(&folder), 20);
    let block = clone.blocks().next_back().unwrap().unwrap();
    drop(clone);
    assert_eq!((maps(&folder), open_files(&folder)), (1, 1));
    drop(block);
    // SAFETY: nobody else has the files.
    let all = unsafe { npy::options::<u32>().open_all(&folder.paths) }.unwrap();
    all.sum().unwrap();
    assert_eq!((maps(&folder), open_files(&folder)), (20, 0));
}

#[test]
fn a_replaced_file_is_an_error_that_names_it() {
    let (folder, _) = Folder::of::<u32>(&[10; 3], &[2], |n| n as u32);
    let all = npy::concat::<u32>(&folder.paths).unwrap();
    // Another file of the same name and shape.
    npy::save(&folder.paths[1], &vec![[7_u32, 7]; 10]).unwrap();
    assert_eq!(all.rows(..10).sum().unwrap(), (0..20).sum::<u128>());
    assert_eq!(all.at([29, 1]).unwrap(), 59);
    let errors = [
        all.sum().map(drop),
        all.at([10, 0]).map(drop),
        all.load().map(drop),
        all.iter().try_for_each(|n| n.map(drop)),
    ];
    for error in errors.map(Result::unwrap_err) {
        assert_eq!((error.kind(), error.path()), (ErrorKind::Changed, Some(&*folder.paths[1])), "{error}");
    }
    assert_eq!(all.blocks().map(|block| block.is_ok()).collect::<Vec<_>>(), [true, false, true]);
    fs::remove_file(&folder.paths[1]).unwrap();
    let error = all.sum().unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Io, Some(&*folder.paths[1])));
}

#[test]
fn a_file_with_another_array_is_an_error_and_one_with_more_rows_is_not() {
    let (folder, _) = Folder::of::<u32>(&[10; 3], &[2], |n| n as u32);
    let rewrite = |elements: &[[u32; 2]]| {
        let mut bytes = Vec::new();
        npy::save_to(&mut bytes, elements).unwrap();
        // In place, so that it is the same file.
        fs::write(&folder.paths[1], bytes).unwrap();
    };
    let open = || npy::concat::<u32>(&folder.paths).unwrap();
    let all = open();
    rewrite(&[[1, 2]; 11]);
    assert_eq!((all.shape(), all.rows(10..20).sum().unwrap()), (&[30, 2][..], 30));
    // Windows rewrites no file that is mapped.
    drop(all);
    rewrite(&[[1, 2]; 10]);
    let all = open();
    rewrite(&[[1, 2]; 9]);
    let error = all.sum().unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Changed, Some(&*folder.paths[1])));
    assert!(error.to_string().contains("has the shape [9, 2] in C order, not [10, 2] in C order"), "{error}");

    rewrite(&[[1, 2]; 10]);
    let (all, any) = (open(), npy::dyn_options().open_shared_all(&folder.paths).unwrap());
    let mut bytes = Vec::new();
    npy::save_to(&mut bytes, &[[1.0_f32, 2.0]; 10]).unwrap();
    fs::write(&folder.paths[1], bytes).unwrap();
    let error = all.sum().unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::DTypeMismatch, Some(&*folder.paths[1])));
    let error = any.blocks().nth(1).unwrap().unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Changed, Some(&*folder.paths[1])));

    rewrite(&[[1, 2]; 10]);
    let all = open();
    File::options().write(true).open(&folder.paths[1]).unwrap().set_len(150).unwrap();
    let error = all.at([10, 0]).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::PastEnd, Some(&*folder.paths[1])));
}

#[test]
#[cfg_attr(windows, ignore = "Windows does not let mapped files be cut")]
#[cfg_attr(
    not(any(target_arch = "x86", target_arch = "x86_64", target_vendor = "apple")),
    ignore = "qemu's user mode dies of a lost page"
)]
fn a_file_that_is_cut_while_it_is_mapped_is_an_error_that_names_it() {
    let (folder, _) = Folder::of::<u32>(&[10_000; 3], &[], |n| n as u32);
    let all = npy::concat::<u32>(&folder.paths).unwrap();
    let sum = all.sum().unwrap();
    assert_eq!(sum, (0..30_000).sum::<u128>());
    File::options().write(true).open(&folder.paths[1]).unwrap().set_len(128 + 4 * 5000).unwrap();
    let error = all.sum().unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Truncated, Some(&*folder.paths[1])), "{error}");
    assert_eq!(error.byte_range(), Some(128 + 4 * 5000..128 + 4 * 10_000));
    for error in [all.at(19_999).map(drop), all.load().map(drop), all.rows(14_999..15_001).max().map(drop)] {
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Truncated);
    }
    // Its first rows are there.
    assert_eq!(all.rows(9_999..15_000).sum().unwrap(), (9_999..15_000).sum::<u128>());
    let mut elements = all.iter();
    assert!(elements.by_ref().any(|element| element.is_err()));
    assert!(elements.next().is_none());
}

#[test]
fn fortran_order_by_reference_has_blocks_that_are_whole() {
    let mut folder = Folder::new();
    folder.push(&[1, 2, 3, 4, 5, 6], &[3, 2], true);
    folder.push(&[7, 8], &[1, 2], true);
    // SAFETY: nobody else has the files.
    let all = unsafe { npy::options::<i32>().open_all(&folder.paths) }.unwrap();
    let slices: Vec<Vec<i32>> = all.blocks().map(|block| block.unwrap().to_vec()).collect();
    assert_eq!(slices, [vec![1, 3, 5, 2, 4, 6], vec![7, 8]]);
    let window = all.rows(1..);
    let blocks: Vec<Result<MmapArray<i32>, ErrorKind>> = window.blocks().map(|b| b.map_err(|e| e.kind())).collect();
    assert_eq!(blocks[0].as_ref().unwrap_err(), &ErrorKind::NotContiguous);
    assert_eq!((window.sum().unwrap(), &*window.load().unwrap()), (33, &[3, 4, 5, 6, 7, 8][..]));
}

#[test]
fn elements_that_are_not_aligned_are_refused_by_reference_and_read_by_value() {
    let mut folder = Folder::new();
    let mut bytes = Vec::new();
    npy::save_to(&mut bytes, &[1_u32, 2]).unwrap();
    // The header is a byte longer.
    let len = u16::from_le_bytes([bytes[8], bytes[9]]) + 1;
    bytes[8..10].copy_from_slice(&len.to_le_bytes());
    bytes.insert(126, b' ');
    let path = folder.dir.path().join("odd.npy");
    fs::write(&path, bytes).unwrap();
    folder.paths.push(path);
    assert_eq!(npy::concat::<u32>(&folder.paths).unwrap().sum().unwrap(), 3);
    // SAFETY: nobody else has the files.
    let error = unsafe { npy::options::<u32>().open_all(&folder.paths) }.unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Misaligned, Some(&*folder.paths[0])));
}

#[test]
fn many_threads_read_one_array() {
    let (folder, _) = Folder::of::<u32>(&[50; 30], &[], |n| n as u32);
    let all = npy::concat::<u32>(&folder.paths).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4_u64 {
            let all = &all;
            scope.spawn(move || {
                let mut random = Random(thread);
                for _ in 0..2000 {
                    let row = random.below(1500) as usize;
                    assert_eq!(all.at(row).unwrap(), row as u32);
                }
                assert_eq!(all.rows(7..1499).sum().unwrap(), (7..1499).sum::<u128>());
            });
        }
    });
}

#[test]
fn arrays_cross_threads_with_their_elements() {
    fn check<T: Send + Sync + Clone + Debug + 'static>() {}
    check::<Concat<SharedArray<f64>>>();
    check::<Concat<MmapArray<[u8; 3]>>>();
    check::<Concat<SharedDynArray>>();
    fn is_block<S: Block>() {}
    is_block::<SharedDynArray>();
}
