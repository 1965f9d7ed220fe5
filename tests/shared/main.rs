//! Arrays of files that others write, append to and cut.
#![forbid(unsafe_code)]

#[cfg(target_os = "linux")]
mod disks;
#[cfg(unix)]
mod faults;
#[cfg(target_os = "linux")]
#[path = "../fuse/mod.rs"]
mod fuse;
#[cfg(unix)]
mod handlers;
#[cfg(unix)]
mod hostile;
#[cfg(target_os = "linux")]
mod huge;
#[cfg(target_os = "linux")]
mod limits;
#[cfg(target_os = "linux")]
#[path = "../mounts/mod.rs"]
mod mounts;
#[cfg(unix)]
#[path = "../random/mod.rs"]
mod random;

use bytemuck::{Pod, Zeroable};
use mmap_array::access::Shared;
use mmap_array::{
    ArrayView, Be, DynArray, Error, ErrorKind, Le, MmapArray, Options, Order, Result, SharedArray, SharedDynArray,
    field, npy, shared,
};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    (folder, path)
}

/// The file cut to a length, as another program does it.
fn cut(path: &Path, len: u64) {
    File::options().write(true).open(path).unwrap().set_len(len).unwrap();
}

fn append(path: &Path, bytes: &[u8]) {
    File::options().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

fn truncated<T: std::fmt::Debug>(result: Result<T>, path: &Path, first: u64) {
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Truncated, Some(path)), "{error}");
    assert_eq!(error.byte_range().map(|bytes| bytes.start), Some(first), "{error}");
}

#[derive(Clone, Copy, Debug, PartialEq, Zeroable, Pod)]
#[repr(C, packed)]
struct Tick {
    side: u8,
    size: Be<u32>,
    price: Le<f64>,
}

fn ticks(count: usize) -> Vec<Tick> {
    (0..count).map(|n| Tick { side: n as u8, size: Be::new(n as u32 * 7), price: Le::new(n as f64 / 2.0) }).collect()
}

#[test]
fn elements_are_read_in_every_way_that_views_have() {
    let (_folder, path) = folder();
    let data = ticks(1000);
    fs::write(&path, [&[9; 5][..], bytemuck::cast_slice(&data)].concat()).unwrap();
    let array = MmapArray::<Tick>::options().offset(5).shape([100, 10]).open_shared(&path).unwrap();
    let whole = ArrayView::from_slice(&data, [100, 10]).unwrap();
    assert_eq!((array.shape(), array.ndim(), array.len(), array.byte_offset()), (&[100, 10][..], 2, 1000, 5));
    array
        .read(|view| {
            assert_eq!(view.to_vec(), data);
            assert!(view == whole);
            assert!(whole == view);
            assert!(view.iter().eq(data.iter().copied()));
            assert!(view.iter().rev().eq(data.iter().rev().copied()));
            assert_eq!((view.at([3, 4]), view.get([100, 0])), (data[34], None));
            let (prices, wanted) = (view.project(field!(Tick, price)), whole.project(field!(Tick, price)));
            assert_eq!((prices.sum(), prices.min(), prices.mean()), (wanted.sum(), wanted.min(), wanted.mean()));
            assert_eq!(prices.to_native_vec(), wanted.to_native_vec());
            let (sizes, wanted) = (view.project(field!(Tick, size)), whole.project(field!(Tick, size)));
            assert_eq!((sizes.sum(), sizes.max()), (wanted.sum(), wanted.max()));
            assert_eq!((sizes.to_vec_as::<f32>(), sizes.to_string()), (wanted.to_vec_as::<f32>(), wanted.to_string()));
            assert_eq!(sizes.t().step_axis(0, -3).to_vec(), wanted.t().step_axis(0, -3).to_vec());
            let bytes = view.view_as::<u8>().unwrap();
            assert_eq!((bytes.shape(), bytes.sum()), (&[100, 130][..], whole.view_as::<u8>().unwrap().sum()));
            let rows: Vec<_> = view.axis_iter(0).map(|row| row.at([0])).collect();
            assert_eq!(rows, whole.index_axis(1, 0).to_vec());
            let mut copy = Vec::new();
            view.write_to(&mut copy).unwrap();
            assert_eq!(copy, bytemuck::cast_slice::<_, u8>(&data));
        })
        .unwrap();
    assert_eq!(array.at([99, 9]).unwrap(), data[999]);
    assert_eq!((array.get([99, 10]).unwrap(), array.load().unwrap().to_vec()), (None, data.clone()));
    let mut chunked = Vec::new();
    for chunk in array.chunks(7) {
        chunked.extend_from_slice(&chunk.unwrap());
    }
    assert_eq!(chunked, data);
    assert_eq!(array.chunks(7).next().unwrap().unwrap().shape(), [7, 10]);
    let part = array.clone().into_rows(10..12);
    assert_eq!((part.shape(), part.byte_offset(), part.at([1, 0]).unwrap()), (&[2, 10][..], 5 + 1300, data[110]));
}

#[test]
fn numbers_of_every_kind_give_what_slices_give() {
    let (_folder, path) = folder();
    // All lengths around the numbers of elements that are loaded together, at an odd byte.
    let bytes: Vec<u8> = (0..70_001_u32).map(|n| (n.wrapping_mul(2_654_435_769) >> 21) as u8).collect();
    fs::write(&path, &bytes).unwrap();
    macro_rules! check {
        ($($number:ty),*) => {$(
            for len in (0..70).chain([255, 256, 1000, 8191]) {
                let size = size_of::<$number>();
                let options = MmapArray::<Le<$number>>::options().offset(1).shape(len);
                let array = options.open_shared(&path).unwrap();
                let slice = ArrayView::from_slice(&bytes[1..1 + len * size], len * size).unwrap();
                let slice = slice.view_as::<Le<$number>>().unwrap();
                let same = |shared: ArrayView<'_, Le<$number>, Shared>, slice: ArrayView<'_, Le<$number>>| {
                    let text = |sum| format!("{sum:?}");
                    assert_eq!(text(shared.sum()), text(slice.sum()));
                    assert_eq!(format!("{:?}", shared.mean()), format!("{:?}", slice.mean()));
                    assert_eq!(format!("{:?}", shared.min()), format!("{:?}", slice.min()));
                    assert_eq!(format!("{:?}", shared.max()), format!("{:?}", slice.max()));
                    let bits = |numbers: Vec<Le<$number>>| numbers.into_iter().map(|number| number.to_bytes()).collect::<Vec<_>>();
                    assert_eq!(bits(shared.to_vec()), bits(slice.to_vec()));
                    assert_eq!(bits(shared.iter().collect()), bits(slice.iter().collect()));
                    let native = |view: Vec<$number>| view.into_iter().map(|number| number.to_le_bytes()).collect::<Vec<_>>();
                    assert_eq!(native(shared.to_native_vec()), native(slice.to_native_vec()));
                    let wide = |view: Vec<f64>| view.into_iter().map(f64::to_bits).collect::<Vec<_>>();
                    assert_eq!(wide(shared.to_vec_as()), wide(slice.to_vec_as()));
                };
                array.read(|view| {
                    same(view.clone(), slice.clone());
                    same(view.step_axis(0, -1), slice.step_axis(0, -1));
                    same(view.step_axis(0, 3), slice.step_axis(0, 3));
                }).unwrap();
            }
        )*};
    }
    check!(i8, i16, i32, i64, u8, u16, u32, u64, f32, f64);
}

/// What is opened of a file: its shape, and the elements as text.
type Opened = (Vec<usize>, String);

fn shown<T: mmap_array::Element + bytemuck::AnyBitPattern>(array: Result<SharedArray<T>>) -> Opened {
    let array = array.unwrap();
    (array.shape().to_vec(), array.read(|view| view.to_string()).unwrap())
}

fn shown_dyn(array: Result<SharedDynArray>) -> Opened {
    let array = array.unwrap();
    (array.shape().to_vec(), array.read(|view| view.to_string()).unwrap())
}

#[test]
fn every_format_and_window_is_opened_shared() {
    let (folder, path) = folder();
    let numbers: Vec<i32> = (0..24).collect();
    let grid = ArrayView::from_slice(&numbers, [6, 4]).unwrap();
    npy::save(&path, &grid).unwrap();
    let turned = folder.path().join("turned.npy");
    npy::save(&turned, &grid.t()).unwrap();
    let options = npy::options::<i32>;
    let text = |view: ArrayView<'_, i32>| (view.shape().to_vec(), view.to_string());
    assert_eq!(shown(options().open_shared(&path)), text(grid.clone()));
    assert_eq!(shown(options().rows(2..4).open_shared(&path)), text(grid.rows(2..4)));
    assert_eq!(shown(options().segment(1, 4).open_shared(&path)), text(grid.rows(2..4)));
    let elements = ArrayView::from_slice(&numbers[5..9], [2, 2]).unwrap();
    assert_eq!(shown(options().elements(5..9).shape([2, 2]).open_shared(&path)), text(elements));
    // Rows in Fortran order, which are no slice.
    assert_eq!(shown(options().open_shared(&turned)), text(grid.t()));
    assert_eq!(shown(options().rows(1..3).open_shared(&turned)), text(grid.t().rows(1..3)));
    assert_eq!(shown(options().rows(1..3).strided().open_shared(&turned)), text(grid.t().rows(1..3)));
    let part = options().open_shared(&turned).unwrap().into_rows(1..4).into_rows(1..);
    assert_eq!(part.read(|view| view.to_vec()).unwrap(), grid.t().rows(2..4).to_vec());
    assert_eq!(part.load().unwrap().view().to_vec(), grid.t().rows(2..4).to_vec());
    let chunks = options().open_shared(&turned).unwrap();
    let rows: Vec<i32> = chunks.chunks(3).flat_map(|chunk| chunk.unwrap().view().to_vec()).collect();
    assert_eq!(rows, grid.t().to_vec());
    // Of a dtype that the file states, or that is given.
    assert_eq!(shown_dyn(npy::dyn_options().open_shared(&path)), text(grid.clone()));
    assert_eq!(shown_dyn(npy::dyn_options().rows(3..).open_shared(&turned)), text(grid.t().rows(3..)));
    let raw = DynArray::options("=i4".parse().unwrap()).offset(npy::header(&path).unwrap().data_offset()).shape([6, 4]);
    assert_eq!(shown_dyn(raw.open_shared(&path)), text(grid.clone()));
    // In copies of some rows, and rows over the same map.
    for file in [&path, &turned] {
        let any = npy::dyn_options().open_shared(file).unwrap();
        let whole = any.load().unwrap().to_string();
        for rows in 1..8 {
            let chunks: Vec<_> = any.chunks(rows).map(Result::unwrap).collect();
            let lens = chunks.iter().map(|chunk| chunk.shape()[0]);
            assert_eq!((chunks.len(), lens.sum::<usize>()), (any.shape()[0].div_ceil(rows), any.shape()[0]));
            let lines = chunks.iter().map(|chunk| chunk.to_string());
            let lines =
                lines.map(|chunk| chunk.replace(['[', ']'], " ").split_whitespace().collect::<Vec<_>>().join(" "));
            let together = lines.collect::<Vec<_>>().join(" ");
            assert_eq!(together, whole.replace(['[', ']'], " ").split_whitespace().collect::<Vec<_>>().join(" "));
        }
        let rows = any.clone().into_rows(1..3);
        assert_eq!(rows.shape()[0], 2);
        let part = any.read(|view| view.rows(1..3).to_string()).unwrap();
        assert_eq!(
            (rows.read(|rows| rows.to_string()).unwrap(), rows.load().unwrap().to_string()),
            (part.clone(), part)
        );
    }
    npy::save(folder.path().join("one.npy"), &7_i32).unwrap();
    let one = npy::dyn_options().open_shared(folder.path().join("one.npy")).unwrap();
    assert_eq!(one.chunks(5).map(|chunk| chunk.unwrap().to_string()).collect::<Vec<_>>(), ["7"]);
    let file = File::open(&path).unwrap();
    assert_eq!(shown(options().open_shared(&file)), text(grid.clone()));
    drop(file);
    #[cfg(feature = "npz")]
    {
        let archive = folder.path().join("a.npz");
        let mut writer = npy_archive(&archive);
        writer.add("grid", &grid).unwrap();
        writer.add("turned", &grid.t()).unwrap();
        writer.finish().unwrap();
        let archive = mmap_array::npz::Archive::open(&archive).unwrap();
        let member = |name| archive.member(name).unwrap();
        assert_eq!(shown(options().open_shared(member("grid"))), text(grid.clone()));
        assert_eq!(shown(options().rows(1..2).open_shared(member("turned"))), text(grid.t().rows(1..2)));
        assert_eq!(shown_dyn(npy::dyn_options().segment(0, 2).open_shared(member("grid"))), text(grid.rows(..3)));
        let mut again = options().open_shared(member("grid")).unwrap();
        assert!(!again.refresh().unwrap());
        assert_eq!(again.read(|view| view.to_vec()).unwrap(), numbers);
    }
}

#[cfg(feature = "npz")]
fn npy_archive(path: &Path) -> mmap_array::npz::Writer {
    mmap_array::npz::Writer::create(path).unwrap()
}

#[test]
fn records_are_found_by_name_and_items_are_values_of_their_own() {
    let (_folder, path) = folder();
    let dtype = "[('id', '>u2'), ('pos', '<f4', (2,)), ('name', 'S3')]".parse().unwrap();
    let mut bytes = Vec::new();
    for n in 0..4_u8 {
        bytes.extend([0, n]);
        bytes.extend([f32::from(n), 0.5].map(f32::to_le_bytes).concat());
        bytes.extend([b'a' + n, 0, 0]);
    }
    fs::write(&path, &bytes).unwrap();
    let array = DynArray::options(dtype).open_shared(&path).unwrap();
    let value = array.at([2]).unwrap();
    let mmap_array::dynamic::Value::Record(record) = &value else { panic!("{value:?}") };
    assert_eq!(record.field("pos").unwrap().to_vec_as::<f32>().unwrap(), [2.0, 0.5]);
    assert_eq!(value.to_string(), "(2, [2.0, 0.5], b'c')");
    assert_eq!(array.get([4]).unwrap(), None);
    let ids = array.try_read(|view| view.field("id")?.to_vec_as::<u16>());
    assert_eq!(ids.unwrap(), [0, 1, 2, 3]);
    array
        .read(|view| {
            assert_eq!(view.iter().count(), 4);
            let other = view.clone();
            assert!(view == other);
            assert_eq!(view.field("name").unwrap().at([3]).to_text().as_deref(), Some("d"));
            assert_eq!(view.rows(1..2).to_string(), "[(1, [1. , 0.5], b'b')]");
        })
        .unwrap();
    let error = array.try_read(|view| view.field("px").map(|_| ())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownField);
    assert_eq!(array.load().unwrap().to_string(), array.read(|view| view.to_string()).unwrap());
}

#[test]
#[cfg_attr(windows, ignore = "Windows does not let mapped files be cut")]
#[cfg_attr(
    not(any(target_arch = "x86", target_arch = "x86_64", target_vendor = "apple")),
    ignore = "qemu's user mode dies of a lost page"
)]
fn a_file_that_is_cut_is_an_error_in_every_way() {
    let (_folder, path) = folder();
    let fresh = || {
        fs::write(&path, vec![7; 50_000]).unwrap();
        MmapArray::<u8>::options().offset(100).shape([499, 100]).open_shared(&path).unwrap()
    };
    type Way<'a> = (&'a str, &'a dyn Fn(&SharedArray<u8>) -> Result<u128>);
    let ways: [Way<'_>; 12] = [
        ("sum", &|array| array.read(|view| view.sum())),
        ("try_read", &|array| array.try_read(|view| Ok::<_, Error>(view.max().map_or(0, u128::from)))),
        ("loss outranks", &|array| {
            array.try_read(|view| view.reshape([7]).map(|view| view.sum())).map(|_| panic!("7 of 49900"))
        }),
        ("iter", &|array| array.read(|view| view.iter().map(u128::from).sum())),
        ("at", &|array| array.at([498, 99]).map(u128::from)),
        ("get", &|array| array.get([0, 0]).map(|element| element.map_or(0, u128::from))),
        ("load", &|array| array.load().map(|copy| copy.sum())),
        ("chunks", &|array| array.chunks(10).map(|chunk| Ok(chunk?.sum())).sum()),
        ("view and check", &|array| {
            let sum = array.view().sum();
            array.check().map(|()| sum)
        }),
        ("unchanged", &|array| array.read_unchanged(|view| view.sum())),
        ("text", &|array| array.read(|view| view.to_string()).map(|_| 0)),
        ("together", &|array| shared::read((array, array), |(left, right)| left.sum() + right.sum())),
    ];
    for (name, way) in ways {
        let array = fresh();
        way(&array).unwrap_or_else(|error| match name {
            "loss outranks" => 0,
            _ => panic!("{name}: {error}"),
        });
        // In the middle of a page, and on its boundary.
        for len in [40_961, 8192] {
            let array = fresh();
            cut(&path, len);
            let error = way(&array).map(|_| ()).unwrap_err();
            assert_eq!((error.kind(), error.path()), (ErrorKind::Truncated, Some(&*path)), "{name}: {error}");
            let first = error.byte_range().unwrap().start;
            assert!(first <= len.next_multiple_of(4096) && first >= len / 4096 * 4096, "{name}: {error}");
            assert!(error.to_string().contains(&format!("at byte {len}")), "{name}: {error}");
        }
    }
}

#[test]
#[cfg_attr(windows, ignore = "Windows does not let mapped files be cut")]
#[cfg_attr(
    not(any(target_arch = "x86", target_arch = "x86_64", target_vendor = "apple")),
    ignore = "qemu's user mode dies of a lost page"
)]
fn what_was_lost_stays_lost_until_it_is_refreshed() {
    let (_folder, path) = folder();
    fs::write(&path, [1; 20_000]).unwrap();
    let mut array = MmapArray::<u8>::options().open_shared(&path).unwrap();
    let (low, high) = (array.clone().into_rows(..8000), array.clone().into_rows(8000..));
    cut(&path, 10_000);
    truncated(high.read(|view| view.sum()), &path, 10_000);
    // The other part of the map has all that is its own.
    assert_eq!(low.read(|view| view.sum()).unwrap(), 8000);
    append(&path, &[2; 10_000]);
    let lost = high.check().unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::Truncated);
    assert!((8000..=12_288).contains(&lost.byte_range().unwrap().start), "{lost}");
    assert!(array.read(|view| view.sum()).is_err());
    assert!(!array.refresh().unwrap(), "as long as it was");
    assert_eq!(array.read(|view| view.sum()).unwrap(), 30_000);
    assert!(high.check().is_err(), "a part keeps the old map");
}

#[test]
#[cfg_attr(windows, ignore = "Windows does not let mapped files be cut")]
#[cfg_attr(
    not(any(target_arch = "x86", target_arch = "x86_64", target_vendor = "apple")),
    ignore = "qemu's user mode dies of a lost page"
)]
fn refresh_finds_what_was_appended() {
    let (_folder, path) = folder();
    npy::save(&path, &vec![[1_u16, 2]; 3]).unwrap();
    let mut array = npy::options::<u16>().open_shared(&path).unwrap();
    let mut rest = npy::options::<u16>().rows(2..).open_shared(&path).unwrap();
    let mut any = npy::dyn_options().open_shared(&path).unwrap();
    let old = array.clone();
    npy::append(&path, &vec![[3_u16, 4]; 1000]).unwrap();
    assert!(array.refresh().unwrap());
    assert_eq!(array.shape(), [1003, 2]);
    assert!(rest.refresh().unwrap() && any.refresh().unwrap());
    assert_eq!((rest.shape(), any.shape()), (&[1001, 2][..], &[1003, 2][..]));
    assert_eq!((old.shape(), old.read(|view| view.sum()).unwrap()), (&[3, 2][..], 9));
    assert_eq!(array.read(|view| view.sum()).unwrap(), 9 + 7000);
    assert!(!array.refresh().unwrap());
    // A file that becomes none any more, or another, leaves the array as it was.
    fs::write(&path, vec![0; 4200]).unwrap();
    assert_eq!(array.refresh().unwrap_err().kind(), ErrorKind::Header);
    assert_eq!(array.shape(), [1003, 2]);
    let mut other = Vec::new();
    npy::save_to(&mut other, &[1.5; 600]).unwrap();
    fs::write(&path, other).unwrap();
    assert_eq!(array.refresh().unwrap_err().kind(), ErrorKind::DTypeMismatch);
    assert_eq!(any.refresh().unwrap_err().kind(), ErrorKind::DTypeMismatch);
    assert_eq!(any.shape(), [1003, 2]);
}

#[test]
#[cfg_attr(windows, ignore = "Windows does not let mapped files be cut")]
fn rows_that_are_refreshed_are_those_rows_again() {
    let (_folder, path) = folder();
    for order in [Order::C, Order::F] {
        fs::write(&path, (0..60).collect::<Vec<u8>>()).unwrap();
        let shape = if order == Order::C { [None, Some(3)] } else { [Some(20), None] };
        let options = MmapArray::<u8>::options().shape(shape).order(order);
        let mut rows = options.open_shared(&path).unwrap().into_rows(10..20).into_rows(2..6);
        let before = rows.load().unwrap();
        let first = rows.byte_offset();
        assert!(!rows.refresh().unwrap());
        assert_eq!(rows.read(|view| view.to_vec()).unwrap(), before.view().to_vec());
        append(&path, &[9; 60]);
        assert_eq!(rows.refresh().unwrap(), order == Order::F, "there are more columns, or more rows elsewhere");
        assert_eq!((rows.shape()[0], rows.byte_offset()), (4, first));
        cut(&path, 30);
        if order == Order::C {
            assert_eq!(rows.refresh().unwrap_err().kind(), ErrorKind::OutOfRange);
            assert_eq!(rows.shape(), [4, 3], "it is as it was");
        } else {
            assert_eq!(rows.refresh().unwrap_err().kind(), ErrorKind::PartialElement);
        }
    }
}

#[test]
#[cfg_attr(windows, ignore = "Windows does not let mapped files be cut")]
#[cfg_attr(
    not(any(target_arch = "x86", target_arch = "x86_64", target_vendor = "apple")),
    ignore = "qemu's user mode dies of a lost page"
)]
fn a_window_behind_the_end_is_there_once_the_file_is_long_enough() {
    let (_folder, path) = folder();
    fs::write(&path, [1; 100]).unwrap();
    let options = MmapArray::<u8>::options().offset(50).shape(100);
    assert_eq!(options.open_shared(&path).unwrap_err().kind(), ErrorKind::PastEnd);
    let mut grown = MmapArray::<u8>::options().offset(50).open_shared(&path).unwrap();
    append(&path, &[2; 50]);
    assert!(grown.refresh().unwrap());
    assert_eq!((grown.len(), grown.at(99).unwrap()), (100, 2));
    assert_eq!(options.open_shared(&path).unwrap().read(|view| view.sum()).unwrap(), 150);
    // An empty array is one that nothing can be lost of.
    fs::write(&path, []).unwrap();
    let mut none = MmapArray::<u8>::options().shape([None, Some(4)]).open_shared(&path).unwrap();
    assert_eq!((none.shape(), none.read(|view| view.sum()).unwrap()), (&[0, 4][..], 0));
    append(&path, &[1; 8]);
    assert!(none.refresh().unwrap());
    assert_eq!((none.shape(), none.chunks(1).len()), (&[2, 4][..], 2));
}

#[test]
fn rows_of_no_elements_are_there_in_either_order() {
    let (_folder, path) = folder();
    fs::write(&path, [1; 10]).unwrap();
    for order in [Order::C, Order::F] {
        for shape in [[5, 0], [0, 5]] {
            let options = MmapArray::<u16>::options().offset(10).shape(shape).order(order);
            let array = options.open_shared(&path).unwrap();
            let lens: Vec<_> = array.chunks(2).map(|chunk| chunk.unwrap().shape()[0]).collect();
            assert_eq!(lens, if shape[0] == 5 { vec![2, 2, 1] } else { vec![] });
            let rows = array.into_rows(shape[0]..);
            assert_eq!((rows.shape(), rows.read(|view| view.sum()).unwrap()), (&[0, shape[1]][..], 0));
        }
        let array = MmapArray::<u16>::options().shape([5]).order(order).open_shared(&path).unwrap();
        assert!(array.into_rows(5..).is_empty());
    }
    let array = MmapArray::<u16>::options().shape([5, 0]).order(Order::F).open_shared(&path).unwrap();
    assert_eq!(array.into_rows(2..4).load().unwrap().shape(), [2, 0]);
}

#[test]
fn what_was_written_meanwhile_is_found() {
    let (_folder, path) = folder();
    fs::write(&path, [1; 8192]).unwrap();
    let array = MmapArray::<u8>::options().open_shared(&path).unwrap();
    let any = DynArray::options("u1".parse().unwrap()).open_shared(&path).unwrap();
    assert_eq!(array.read_unchanged(|view| view.sum()).unwrap(), 8192);
    let write = || {
        // Longer than the steps in which file systems count time.
        std::thread::sleep(std::time::Duration::from_millis(20));
        let mut file = File::options().write(true).open(&path).unwrap();
        file.write_all(&[1]).unwrap();
    };
    let error = array.read_unchanged(|view| (write(), view.sum())).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Changed, Some(&*path)), "{error}");
    assert_eq!(any.read_unchanged(|_| write()).unwrap_err().kind(), ErrorKind::Changed);
    assert_eq!(any.read_unchanged(|view| view.len()).unwrap(), 8192);
}

#[test]
fn elements_are_written_while_others_read() {
    let (_folder, path) = folder();
    fs::write(&path, vec![0; 13 * 100]).unwrap();
    let array = MmapArray::<Tick>::options().shape([10, 10]).open_shared_mut(&path).unwrap();
    let reader = MmapArray::<Tick>::options().shape([10, 10]).open_shared(&path).unwrap();
    let tick = ticks(8)[7];
    array.set([3, 4], tick).unwrap();
    assert_eq!((reader.at([3, 4]).unwrap(), array.at([3, 4]).unwrap()), (tick, tick));
    array.write(|view| view.project(field!(Tick, price)).index_axis(0, 5).fill(Le::new(2.5))).unwrap();
    assert_eq!(reader.read(|view| view.project(field!(Tick, price)).sum()).unwrap(), 25.0 + 3.5);
    array.write(|view| view.project(field!(Tick, size)).map_in_place(|size| (size + 1).into())).unwrap();
    assert_eq!(reader.read(|view| view.project(field!(Tick, size)).sum()).unwrap(), 49 + 100);
    let all = ticks(100);
    array.copy_from(&ArrayView::from_slice(&all, [10, 10]).unwrap()).unwrap();
    array.flush().unwrap();
    assert_eq!(fs::read(&path).unwrap(), bytemuck::cast_slice::<_, u8>(&all));
    array.copy_from(&ArrayView::from_slice(&all, [10, 10]).unwrap().t()).unwrap();
    assert_eq!(reader.read(|view| view.t().to_vec()).unwrap(), all);
    array.fill(tick).unwrap();
    assert_eq!(array.read(|view| view.to_vec()).unwrap(), [tick; 100]);
    let error = array.write(|view| view.get([10, 0]).map(|_| ())).unwrap();
    assert_eq!(error, None);
}

#[test]
#[cfg_attr(windows, ignore = "Windows does not let mapped files be cut")]
#[cfg_attr(
    not(any(target_arch = "x86", target_arch = "x86_64", target_vendor = "apple")),
    ignore = "qemu's user mode dies of a lost page"
)]
fn stores_to_what_was_lost_are_an_error_and_the_others_stay() {
    let (_folder, path) = folder();
    fs::write(&path, vec![0_u8; 40_960]).unwrap();
    let array = MmapArray::<u8>::options().open_shared_mut(&path).unwrap();
    array.write(|view| view.rows(..4096).fill(5)).unwrap();
    cut(&path, 20_480);
    array.write(|view| view.rows(8192..8200).fill(6)).unwrap_err();
    truncated(array.set(40_000, 9), &path, 20_480);
    truncated(array.read(|view| view.sum()), &path, 20_480);
    let file = fs::read(&path).unwrap();
    assert_eq!((file.len(), &file[..2], &file[8192..8201]), (20_480, &[5, 5][..], &[6, 6, 6, 6, 6, 6, 6, 6, 0][..]));
}

#[test]
fn what_cannot_be_opened_says_why() {
    let (folder, path) = folder();
    let open = |options: Options<_>| options.open_shared(&path).map(|_: SharedArray<u32>| ()).unwrap_err();
    assert_eq!(open(MmapArray::<u32>::options()).kind(), ErrorKind::Io);
    fs::write(&path, [1; 10]).unwrap();
    assert_eq!(open(MmapArray::<u32>::options()).kind(), ErrorKind::PartialElement);
    assert_eq!(open(MmapArray::<u32>::options().shape(3)).kind(), ErrorKind::PastEnd);
    fs::write(&path, []).unwrap();
    assert_eq!(open(MmapArray::<u32>::options()).kind(), ErrorKind::EmptyFile);
    let error = MmapArray::<u8>::options().open_shared(folder.path()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotRegularFile | ErrorKind::Io), "{error}");
    // At any byte: elements are loaded by value.
    fs::write(&path, [1; 9]).unwrap();
    let array = MmapArray::<u32>::options().offset(1).order(Order::F).open_shared(&path).unwrap();
    assert_eq!(array.read(|view| view.to_vec()).unwrap(), [0x0101_0101; 2]);
    #[cfg(feature = "npz")]
    {
        let archive = mmap_array::npz::Archive::open(&path);
        assert!(archive.is_err());
    }
}

#[test]
#[cfg_attr(windows, ignore = "Windows does not let mapped files be cut")]
#[cfg_attr(
    not(any(target_arch = "x86", target_arch = "x86_64", target_vendor = "apple")),
    ignore = "qemu's user mode dies of a lost page"
)]
fn what_is_saved_of_a_file_that_is_cut_gets_no_name() {
    let (folder, path) = folder();
    let target = folder.path().join("target");
    fs::write(&path, vec![3; 40_000]).unwrap();
    let array = MmapArray::<u8>::options().shape([200, 200]).open_shared(&path).unwrap();
    let any = DynArray::options("u1".parse().unwrap()).shape([200, 200]).open_shared(&path).unwrap();
    npy::save(&target, &array).unwrap();
    assert_eq!(npy::load::<u8>(&target).unwrap().shape(), [200, 200]);
    npy::save(&target, &any).unwrap();
    array.tofile(&target).unwrap();
    assert_eq!(fs::read(&target).unwrap(), vec![3; 40_000]);
    cut(&path, 10_000);
    truncated(npy::save(&target, &array), &path, 10_000);
    truncated(npy::save(&target, &any), &path, 10_000);
    truncated(array.tofile(&target), &path, 10_000);
    truncated(npy::save_to(&mut Vec::new(), &array), &path, 10_000);
    assert_eq!(fs::read(&target).unwrap(), vec![3; 40_000]);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2, "nothing is left over");
    let mut writer = npy::Writer::<u8>::create(&target, [200]).unwrap();
    truncated(writer.write_rows(&array), &path, 10_000);
    assert!(writer.finish().is_err());
    npy::save(&target, &vec![[1_u8; 200]]).unwrap();
    let before = fs::read(&target).unwrap();
    truncated(npy::append(&target, &array), &path, 10_000);
    assert_eq!(fs::read(&target).unwrap(), before);
}

#[test]
#[cfg(feature = "rayon")]
#[cfg_attr(
    not(any(target_arch = "x86", target_arch = "x86_64", target_vendor = "apple")),
    ignore = "qemu's user mode dies of a lost page"
)]
fn all_processors_read_it() {
    use rayon::iter::{IndexedParallelIterator, ParallelIterator};
    let (_folder, path) = folder();
    let numbers: Vec<u32> = (0..100_000).collect();
    fs::write(&path, bytemuck::cast_slice::<_, u8>(&numbers)).unwrap();
    let array = MmapArray::<u32>::options().shape([100, 1000]).open_shared(&path).unwrap();
    let all = || array.read(|view| view.par_iter().map(u64::from).sum::<u64>());
    let rows = || array.read(|view| view.par_axis_iter(0).map(|row| row.sum()).sum::<u128>());
    let chunks = || array.read(|view| view.par_axis_chunks(1, 300).map(|part| part.sum()).collect::<Vec<_>>());
    assert_eq!((all().unwrap(), rows().unwrap()), (4_999_950_000, 4_999_950_000));
    assert_eq!(chunks().unwrap().into_iter().sum::<u128>(), 4_999_950_000);
    assert_eq!(array.read(|view| view.par_iter().rev().position_first(|n| n == 7)).unwrap(), Some(99_992));
    if cfg!(unix) {
        cut(&path, 200_000);
        truncated(all(), &path, 200_000);
        truncated(rows(), &path, 200_000);
        truncated(chunks(), &path, 200_000);
    }
}

#[test]
fn no_change_of_another_thread_is_lost() {
    let (_folder, path) = folder();
    fs::write(&path, [0; 64]).unwrap();
    let open = || MmapArray::<u64>::options().open_shared_mut(&path).unwrap();
    // Two maps of one file, and two threads on each.
    let (one, other) = (open(), open());
    std::thread::scope(|threads| {
        for array in [&one, &one, &other, &other] {
            threads.spawn(move || {
                for n in 0..5000 {
                    array.write(|view| view.fetch_add([n % 4], 1)).unwrap();
                    array.fetch_max([5], n as u64).unwrap();
                }
            });
        }
        threads.spawn(|| (0..5000).for_each(|_| assert!(one.at([0]).unwrap() <= 5000)));
    });
    assert_eq!(one.read(|view| view.to_vec()).unwrap(), [5000, 5000, 5000, 5000, 0, 4999, 0, 0]);
    assert_eq!(one.fetch_min([5], 7).unwrap(), 4999);
    assert_eq!((one.compare_exchange([5], 7, 8).unwrap(), one.compare_exchange([5], 7, 9).unwrap()), (Ok(7), Err(8)));
    let floats = MmapArray::<f32>::options().open_shared_mut(&path).unwrap();
    floats.set([15], 0.5).unwrap();
    assert_eq!((floats.fetch_add([15], 1.25).unwrap(), floats.fetch_max([15], f32::NAN).unwrap()), (0.5, 1.75));
    assert_eq!((floats.fetch_min([15], -1.0).unwrap(), floats.at([15]).unwrap()), (1.75, -1.0));
    let signed = MmapArray::<i32>::options().open_shared_mut(&path).unwrap();
    assert_eq!((signed.fetch_add([14], -3).unwrap(), signed.fetch_min([14], -9).unwrap()), (0, -3));
    assert_eq!((signed.fetch_max([14], i32::MAX).unwrap(), signed.fetch_add([14], 1).unwrap()), (-9, i32::MAX));
    assert_eq!(signed.at([14]).unwrap(), i32::MIN);
    let odd = MmapArray::<u32>::options().offset(1).shape(2).open_shared_mut(&path).unwrap();
    let error = odd.fetch_add([0], 1).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Unsupported, Some(&*path)), "{error}");
}

/// Within `read`, before it asks.
#[test]
#[cfg_attr(windows, ignore = "Windows does not let mapped files be cut")]
#[cfg_attr(
    not(any(target_arch = "x86", target_arch = "x86_64", target_vendor = "apple")),
    ignore = "qemu's user mode dies of a lost page"
)]
fn a_view_that_has_lost_elements_is_saved_nowhere() {
    let (folder, path) = folder();
    fs::write(&path, vec![7; 100_000]).unwrap();
    let array = MmapArray::<u8>::options().shape([1000, 100]).open_shared(&path).unwrap();
    let raw = array.clone();
    let (target, rows) = (folder.path().join("target"), folder.path().join("rows.npy"));
    fs::write(&target, "old").unwrap();
    npy::save(&rows, &vec![[1_u8; 100]; 2]).unwrap();
    let mut writer = npy::Writer::<u8, _>::create(folder.path().join("written.npy"), [100]).unwrap();
    let error = array.read(|view| {
        cut(&path, 50_050);
        let whole = view.t();
        let lost = [npy::save(&target, &view), npy::save(&target, &whole), whole.tofile(&target), view.tofile(&target)];
        let more = [npy::append(&rows, &view).map(drop), writer.write_rows(&view.rows(400..600))];
        let dtype = "u1".parse().unwrap();
        let dynamic = view.to_dyn(&dtype).unwrap();
        for error in lost.into_iter().chain(more).chain([npy::save(&target, &dynamic)]) {
            let error = error.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Truncated, "{error}");
            assert_ne!(error.path(), Some(&*target), "{error}");
            assert_eq!(error.byte_range().map(|bytes| bytes.start), Some(50_050), "{error}");
        }
        // Of rows that are there still nothing is lost, whichever way they lie.
        npy::save(folder.path().join("good.npy"), &view.rows(..500)).unwrap();
        npy::save(folder.path().join("turned.npy"), &view.rows(..500).step_axis(0, -3).t()).unwrap();
        let error = npy::save(&target, &view.rows(..501).step_axis(0, -1)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Truncated, "{error}");
    });
    truncated(error, &path, 50_050);
    assert_eq!(fs::read_to_string(&target).unwrap(), "old");
    assert_eq!(npy::load::<u8>(&rows).unwrap().shape(), [2, 100]);
    assert!(writer.finish().is_err());
    assert!(npy::load::<u8>(folder.path().join("good.npy")).unwrap().iter().all(|&byte| byte == 7));
    // Of a view that nobody asks about.
    assert_eq!(raw.view().tofile(&target).unwrap_err().kind(), ErrorKind::Truncated);
}

#[test]
fn a_copy_of_what_is_cut_on_the_way_is_whole_or_an_error() {
    const LEN: usize = 1 << 18;
    let (_folder, path) = folder();
    let file = File::create(&path).unwrap();
    for round in 0..200 {
        fs::write(&path, vec![1; LEN]).unwrap();
        let array = MmapArray::<u8>::options().open_shared(&path).unwrap();
        let copy = std::thread::scope(|threads| {
            threads.spawn(|| {
                (0..round * 200).for_each(|_| std::hint::spin_loop());
                // Windows does not let a file be cut that is mapped.
                let _ = file.set_len(LEN as u64 - 4000);
            });
            array.load()
        });
        match copy {
            Ok(copy) => assert!(copy.iter().all(|&byte| byte == 1), "round {round}"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Truncated, "{error}"),
        }
    }
}

/// What is stored to lost pages takes memory, of which there may be less than the file had.
#[cfg(target_os = "linux")]
#[test]
#[cfg_attr(not(any(target_arch = "x86", target_arch = "x86_64")), ignore = "qemu's user mode dies of a lost page")]
fn an_array_that_is_lost_while_it_is_written_whole_takes_little_memory() {
    let (_folder, path) = folder();
    const LEN: usize = 512 << 20;
    let memory = || {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
    };
    for (shape, order) in
        [([LEN >> 10, 1 << 10], Order::C), ([1, LEN], Order::C), ([LEN >> 10, 1 << 10], Order::F), ([LEN, 1], Order::F)]
    {
        let zeros = File::create(&path).unwrap();
        zeros.set_len(LEN as u64).unwrap();
        let array = MmapArray::<u8>::options().shape(shape).order(order).open_shared_mut(&path).unwrap();
        let source = MmapArray::<u8>::create_options(shape).order(order).scratch().unwrap();
        zeros.set_len(0).unwrap();
        let before = memory();
        truncated(array.fill(7), &path, 0);
        truncated(array.map_in_place(|byte| byte + 1), &path, 0);
        truncated(array.copy_from(&source.view()), &path, 0);
        // Other tests of this process have memory too.
        assert!(memory() < before + (LEN >> 1), "{shape:?}, {order:?}: {before} bytes before, {} after", memory());
    }
}

#[test]
#[cfg_attr(windows, ignore = "Windows does not let mapped files be replaced")]
fn rows_of_rows_are_found_again_however_often_they_are_cut() {
    let (_folder, path) = folder();
    fs::write(&path, (0..100).collect::<Vec<u8>>()).unwrap();
    let open = || MmapArray::<u8>::options().shape([None, Some(2)]).open_shared(&path).unwrap();
    let mut rows = (0..40).fold(open(), |rows, _| rows.into_rows(1..));
    assert_eq!(rows.clone().into_rows(2..=3).read(|view| view.to_vec()).unwrap(), [84, 85, 86, 87]);
    fs::write(&path, (0..100).map(|n| n + 100).collect::<Vec<u8>>()).unwrap();
    assert!(!rows.refresh().unwrap());
    assert_eq!((rows.shape(), rows.at([0, 1]).unwrap()), (&[10, 2][..], 181));
    append(&path, &[1, 2]);
    assert!(!rows.refresh().unwrap(), "they are the same rows");
    // As deep as a stack would not be.
    let mut same = (0..200_000).fold(rows, |rows, _| rows.into_rows(..));
    assert!(!same.refresh().unwrap());
    drop(same);
}

#[test]
fn what_is_written_in_pieces_is_written_whole() {
    let (_folder, path) = folder();
    // Rows and columns of which few make a piece, and one that is cut itself.
    for (shape, order) in [([5, 500_000], Order::C), ([500_000, 5], Order::F), ([1, 2_500_000], Order::C)] {
        fs::write(&path, vec![0; shape[0] * shape[1] * 8]).unwrap();
        let array = MmapArray::<u64>::options().shape(shape).order(order).open_shared_mut(&path).unwrap();
        array.fill(7).unwrap();
        array.map_in_place(|number| number + 1).unwrap();
        let found = array.read(|view| (view.min(), view.max(), view.sum())).unwrap();
        assert_eq!(found, (Some(8), Some(8), array.len() as u128 * 8));
        for source_order in [Order::C, Order::F] {
            let mut source = MmapArray::<u64>::create_options(shape).order(source_order).anonymous().unwrap();
            source.iter_mut().enumerate().for_each(|(index, number)| *number = index as u64);
            array.copy_from(&source.view()).unwrap();
            assert!(array.read(|view| view == source.view()).unwrap(), "{shape:?}, {order:?}, {source_order:?}");
        }
    }
}

/// On machines that load words at any address.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[test]
fn a_number_is_copied_whole_to_wherever_it_goes() {
    let (_folder, path) = folder();
    const LEN: usize = 512;
    fs::write(&path, vec![0; LEN * 8]).unwrap();
    let written = MmapArray::<u64>::options().open_shared_mut(&path).unwrap();
    let read = MmapArray::<Le<u64>>::options().open_shared(&path).unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let mut number = 0_u64;
            while !stop.load(std::sync::atomic::Ordering::SeqCst) {
                number = !number;
                written.fill(number).unwrap();
            }
        });
        let mut bytes = vec![0_u8; LEN * 8 + 16];
        let torn = (0..2000).find_map(|round| {
            let target: &mut [Le<u64>] = bytemuck::cast_slice_mut(&mut bytes[round % 16..][..LEN * 8]);
            read.read(|view| view.copy_to(target)).unwrap();
            target.iter().map(|number| number.get()).find(|number| ![0, u64::MAX].contains(number))
        });
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
        assert_eq!(torn, None);
    });
}

#[cfg(feature = "npz")]
#[test]
#[cfg_attr(windows, ignore = "Windows does not let mapped files be replaced")]
fn a_member_of_an_archive_that_is_written_anew_is_found_by_its_name() {
    let (folder, path) = folder();
    let archive = |members: &[(&str, f64, usize)]| {
        let new = folder.path().join("new.npz");
        let mut writer = npy_archive(&new);
        for &(name, value, len) in members {
            writer.add(name, &vec![value; len]).unwrap();
        }
        writer.finish().unwrap();
        // As `np.savez` does: the same file, from its beginning.
        fs::write(&path, fs::read(new).unwrap()).unwrap();
    };
    archive(&[("x", 2.0, 1000)]);
    let member = |name| npy::options::<f64>().open_shared(mmap_array::npz::Archive::open(&path).unwrap().member(name)?);
    let mut array = member("x").unwrap();
    assert_eq!(array.read(|view| view.sum()).unwrap(), 2000.0);
    archive(&[("w", 5.0, 1000), ("x", 2.0, 1000)]);
    assert!(array.refresh().unwrap(), "it lies elsewhere");
    assert_eq!(array.read(|view| view.sum()).unwrap(), 2000.0);
    archive(&[("x", 3.0, 10), ("w", 5.0, 1000)]);
    assert!(array.refresh().unwrap());
    assert_eq!((array.len(), array.read(|view| view.sum()).unwrap()), (10, 30.0));
    archive(&[("w", 5.0, 1000)]);
    let error = array.refresh().unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Archive, Some(&*path)), "{error}");
    fs::write(&path, vec![0; 100_000]).unwrap();
    assert_eq!(array.refresh().unwrap_err().kind(), ErrorKind::Archive);
    assert_eq!(array.len(), 10, "it is as it was");
    archive(&[("x", 7.0, 4)]);
    assert!(array.refresh().unwrap());
    assert_eq!(array.read(|view| view.to_vec()).unwrap(), [7.0; 4]);
}

#[cfg(feature = "npz")]
#[test]
#[cfg_attr(windows, ignore = "Windows does not let mapped files be replaced")]
fn one_of_two_members_of_one_name_stays_the_one_that_it_is() {
    let (_folder, path) = folder();
    let write = |names: [&str; 2]| {
        let mut writer = npy_archive(&path.with_extension("new"));
        writer.add("a", &vec![1_u8; 10]).unwrap();
        writer.add("b", &vec![2_u8; 10]).unwrap();
        writer.finish().unwrap();
        let mut bytes = fs::read(path.with_extension("new")).unwrap();
        for (from, to) in [b"a.npy", b"b.npy"].into_iter().zip(names) {
            let places: Vec<usize> = (0..bytes.len() - 5).filter(|&at| bytes[at..].starts_with(from)).collect();
            places.iter().for_each(|&at| bytes[at..at + 5].copy_from_slice(to.as_bytes()));
        }
        fs::write(&path, bytes).unwrap();
        mmap_array::npz::Archive::open(&path).unwrap()
    };
    let archive = write(["x.npy", "x.npy"]);
    let mut both = archive.members().map(|member| npy::options::<u8>().open_shared(member).unwrap());
    let (mut first, mut last) = (both.next().unwrap(), both.next().unwrap());
    assert!(!first.refresh().unwrap() && !last.refresh().unwrap());
    assert_eq!((first.at([0]).unwrap(), last.at([0]).unwrap()), (1, 2));
    write(["x.npy", "y.npy"]);
    assert_eq!(first.refresh().unwrap_err().kind(), ErrorKind::Archive, "there is only one of them");
    assert!(last.refresh().unwrap());
    assert_eq!(last.at([0]).unwrap(), 1, "the only one is the last");
}
