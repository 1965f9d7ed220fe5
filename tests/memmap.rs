//! What NumPy's own tests of `np.memmap` (`numpy/_core/tests/test_memmap.py`, NumPy 2.4) ask of it, asked of this
//! crate, one test for each under NumPy's name; after them, the edges that its documentation and code draw.
//!
//! Four are about Python's classes alone and have nothing to say here: that arithmetic and fancy indexing return arrays
//! of other classes (`test_arithmetic_drops_references`, `test_indexing_drops_references`), what a subclass returns
//! (`test_memmap_subclass`), and the classes, not the values, in `test_ufunc_return_ndarray`.

use mmap_array::array::Typed;
use mmap_array::{
    CreateOptions, ErrorKind, MmapArray, MmapArrayMut, Options, Order, Result,
    access::{CopyOnWrite, ReadOnly, ReadWrite, Stable},
    fromfile,
    view::IntoShape,
};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use tempfile::{TempDir, tempdir, tempfile};

/// `mmap.ALLOCATIONGRANULARITY` where it is largest.
const GRANULARITY: usize = 65536;

const SHAPE: [usize; 2] = [3, 4];

/// `arange(12)`, of which NumPy's tests make `SHAPE`.
fn data() -> Vec<f32> {
    (0..12).map(|number| number as f32).collect()
}

/// A folder, and a path in it that names nothing yet.
fn a_path() -> (TempDir, PathBuf) {
    let folder = tempdir().unwrap();
    let path = folder.path().join("mmap");
    (folder, path)
}

fn a_file(bytes: &[u8]) -> (TempDir, PathBuf) {
    let (folder, path) = a_path();
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn options<T>(shape: impl IntoShape) -> Options<Typed<T>> {
    MmapArray::options().shape(shape)
}

fn create_options<T>(shape: impl IntoShape) -> CreateOptions<Typed<T>> {
    MmapArray::create_options(shape)
}

/// Mode `"r"`.
fn open<T>(options: Options<Typed<T>>, path: &Path) -> Result<MmapArray<T>>
where
    ReadOnly: Stable<T>,
{
    // SAFETY: each test has files of its own, which it leaves alone while they are mapped.
    unsafe { options.open(path) }
}

/// Mode `"r+"`.
fn open_mut<T>(options: Options<Typed<T>>, path: &Path) -> Result<MmapArrayMut<T>>
where
    ReadWrite: Stable<T>,
{
    // SAFETY: as for `open`.
    unsafe { options.open_mut(path) }
}

/// Mode `"c"`.
fn open_cow<T>(options: Options<Typed<T>>, path: &Path) -> Result<MmapArray<T, CopyOnWrite>>
where
    CopyOnWrite: Stable<T>,
{
    // SAFETY: as for `open`.
    unsafe { options.open_cow(path) }
}

/// Mode `"w+"`.
fn create<T>(options: CreateOptions<Typed<T>>, path: &Path) -> Result<MmapArrayMut<T>>
where
    ReadWrite: Stable<T>,
{
    // SAFETY: as for `open`.
    unsafe { options.create(path) }
}

/// Mode `"r+"` of a file that is open.
fn map_mut<T>(options: Options<Typed<T>>, file: &File) -> Result<MmapArrayMut<T>>
where
    ReadWrite: Stable<T>,
{
    // SAFETY: as for `open`.
    unsafe { options.open_mut(file) }
}

/// What is written with mode `"w+"` is there for mode `"r"` when the array is dropped. That the second cannot be
/// written is its type's: `MmapArray<f32>` has no `DerefMut`.
#[test]
fn test_roundtrip() {
    let (_folder, path) = a_path();
    let mut fp = create(create_options(SHAPE), &path).unwrap();
    fp.copy_from_slice(&data());
    drop(fp);
    let newfp = open(options::<f32>(SHAPE), &path).unwrap();
    assert_eq!(newfp.shape(), SHAPE);
    assert_eq!(*newfp, data());
}

/// A path that names nothing is made a file of just the elements.
#[test]
fn test_open_with_filename() {
    let (_folder, path) = a_path();
    let mut fp = create(create_options(SHAPE), &path).unwrap();
    fp.copy_from_slice(&data());
    drop(fp);
    assert_eq!(fs::read(&path).unwrap(), data().into_iter().flat_map(f32::to_ne_bytes).collect::<Vec<_>>());
}

/// A file without a name can be mapped; unlike NumPy's `"r+"`, this does not give it the length.
#[test]
fn test_unnamed_file() {
    let file = tempfile().unwrap();
    assert_eq!(map_mut(options::<f32>(SHAPE), &file).unwrap_err().kind(), ErrorKind::PastEnd);
    file.set_len(48).unwrap();
    let fp = map_mut(options::<f32>(SHAPE), &file).unwrap();
    assert_eq!((fp.shape(), fp.path()), (&SHAPE[..], None));
}

/// The array tells its offset. NumPy's test puts an `f32` at byte 1, which no Rust reference can point to: that is an
/// error here, and the same bytes are read as an `f32` through a view.
#[test]
fn test_attributes() {
    let (_folder, path) = a_path();
    let mut fp = create(create_options::<[u8; 4]>(SHAPE).offset(1), &path).unwrap();
    assert_eq!(fp.byte_offset(), 1);
    fp.view_mut().view_as::<f32>().unwrap().set([2, 3], 1.5);
    drop(fp);
    let bytes = fs::read(&path).unwrap();
    assert_eq!((bytes.len(), &bytes[45..]), (49, &1.5_f32.to_ne_bytes()[..]));
    assert_eq!(open(options::<f32>(SHAPE).offset(1), &path).unwrap_err().kind(), ErrorKind::Misaligned);
}

/// The array tells its file, and so does an array of some of its rows.
#[test]
fn test_filename() {
    let (_folder, path) = a_path();
    let fp = create(create_options::<f32>(SHAPE), &path).unwrap();
    assert_eq!(fp.path(), Some(path.as_path()));
    let b = fp.into_rows(..1).unwrap();
    assert_eq!((b.path(), b.shape()), (Some(path.as_path()), &[1, 4][..]));
}

/// The path is the one that was given; NumPy's is made absolute.
#[test]
fn test_path() {
    let (folder, path) = a_path();
    let roundabout = folder.path().join(".").join("mmap");
    let fp = create(create_options::<f32>(SHAPE), &roundabout).unwrap();
    assert_eq!(fp.path().unwrap().as_os_str(), roundabout.as_os_str());
    assert!(path.exists());
}

/// A file that is passed in open has no name here: a `File` does not know it.
#[test]
fn test_filename_fileobj() {
    let (_folder, path) = a_file(&[0; 48]);
    let file = File::options().read(true).write(true).open(&path).unwrap();
    assert_eq!(map_mut(options::<f32>(SHAPE), &file).unwrap().path(), None);
}

/// Elements are read back before they are flushed, and are in the file after.
#[test]
fn test_flush() {
    let (_folder, path) = a_path();
    let mut fp = create(create_options(SHAPE), &path).unwrap();
    fp.copy_from_slice(&data());
    assert_eq!(fp.view().index_axis(0, 0).to_vec(), data()[..4]);
    fp.flush().unwrap();
    assert_eq!(fromfile::<f32>(&path, 0, None).unwrap(), data());
}

/// A view that goes does not take the map with it, and neither does an array when some of its rows are left.
#[test]
fn test_del() {
    let (_folder, path) = a_path();
    let mut fp_base = create(create_options::<f32>(SHAPE), &path).unwrap();
    fp_base.view_mut().index_axis(0, 0).fill(5.0);
    let fp_view = fp_base.view().slice((0..1,));
    assert_eq!(fp_view.to_vec(), [5.0; 4]);
    assert_eq!(fp_base[0], 5.0);
    fp_base[0] = 6.0;
    assert_eq!(fp_base[0], 6.0);

    let fp_base = fp_base.freeze();
    let rows = fp_base.clone().into_rows(..2).unwrap();
    let last = rows.clone().into_rows(1..).unwrap();
    drop(fp_base);
    assert_eq!(rows[..5], [6.0, 5.0, 5.0, 5.0, 0.0]);
    drop(rows);
    assert_eq!(*last, [0.0; 4]);
}

/// A slice of an array is the same memory, as a view and as an array of its own.
#[test]
fn test_slicing_keeps_references() {
    let (_folder, path) = a_path();
    let mut fp = create(create_options::<f32>(SHAPE), &path).unwrap();
    fp.view_mut().slice((..2, ..2)).fill(1.0);
    assert_eq!(*fp, [1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    let fp = fp.freeze();
    assert_eq!(fp.rows(1..).into_slice().unwrap().as_ptr_range(), fp[4..].as_ptr_range());
    assert_eq!(fp.clone().into_rows(1..).unwrap().as_ptr_range(), fp[4..].as_ptr_range());
}

/// A view of a view is of the same elements, and so are a clone and the slice that the array is.
#[test]
fn test_view() {
    let (_folder, path) = a_file(&[0; 48]);
    let fp = open(options::<f32>(SHAPE), &path).unwrap();
    let elements = fp.as_ptr_range();
    let new1 = fp.view();
    let new2 = new1.view();
    assert_eq!(new1.as_slice().unwrap().as_ptr_range(), elements);
    assert_eq!(new2.as_slice().unwrap().as_ptr_range(), elements);
    assert_eq!(fp.clone().as_ptr_range(), elements);
}

/// Reductions give NumPy's values, and in-place arithmetic goes to the file.
#[test]
fn test_ufunc_return_ndarray() {
    let (_folder, path) = a_path();
    let mut fp = create(create_options::<f32>(SHAPE), &path).unwrap();
    fp.copy_from_slice(&data());
    assert_eq!((fp.view().sum(), fp.view().mean()), (66.0, Some(5.5)));
    let down: Vec<f32> = fp.view().axis_iter(1).map(|column| column.sum()).collect();
    assert_eq!(down, [12.0, 15.0, 18.0, 21.0]);
    let across: Vec<f32> = fp.view().axis_iter(0).map(|row| row.sum()).collect();
    assert_eq!(across, [6.0, 22.0, 38.0]);

    fp.iter_mut().for_each(|x| *x += 1.0);
    fp.view_mut().map_in_place(|x| x + 1.0);
    drop(fp);
    assert_eq!(fromfile::<f32>(&path, 0, None).unwrap(), data().iter().map(|x| x + 2.0).collect::<Vec<_>>());
}

/// Slices are views of the file; picking single rows copies them.
#[test]
fn test_getitem() {
    let (_folder, path) = a_path();
    let mut fp = create(create_options(SHAPE), &path).unwrap();
    fp.copy_from_slice(&data());
    assert_eq!(fp.view().slice((1.., ..3)).to_vec(), [4.0, 5.0, 6.0, 8.0, 9.0, 10.0]);
    let mut picked: Vec<f32> = [0, 1].into_iter().flat_map(|row| fp.view().index_axis(0, row).to_vec()).collect();
    picked.fill(0.0);
    assert_eq!(*fp, data());
    fp.view_mut().slice((1.., ..3)).fill(-1.0);
    drop(fp);
    assert_eq!(fromfile::<f32>(&path, 16, 4).unwrap(), [-1.0, -1.0, -1.0, 7.0]);
}

/// An offset may lie in the middle of any page.
#[test]
fn test_mmap_offset_greater_than_allocation_granularity() {
    let (_folder, path) = a_path();
    let (size, offset) = (5 * GRANULARITY, GRANULARITY + 1);
    let mut fp = create(create_options::<u8>(size).offset(offset as u64), &path).unwrap();
    assert_eq!(fp.byte_offset(), offset as u64);
    (fp[0], fp[size - 1]) = (1, 2);
    drop(fp);
    let bytes = fs::read(&path).unwrap();
    assert_eq!((bytes.len(), bytes[offset], bytes[offset + size - 1]), (offset + size, 1, 2));
}

/// An array of no elements may begin on any page, and its file ends there.
#[test]
fn test_empty_array_with_offset_multiple_of_allocation_granularity() {
    let (_folder, path) = a_file(&[b'a'; GRANULARITY]);
    let offset = GRANULARITY as u64;
    assert_eq!(open_mut(options::<u8>(0).offset(offset), &path).unwrap().byte_offset(), offset);
    let fp = create(create_options::<u8>(0).offset(offset), &path).unwrap();
    assert_eq!((fp.byte_offset(), fp.shape()), (offset, &[0][..]));
    drop(fp);
    assert_eq!(fs::metadata(&path).unwrap().len(), offset);
}

/// Without a shape there is one axis over the whole file.
#[test]
fn test_no_shape() {
    let (_folder, path) = a_file(&[b'a'; 16]);
    assert_eq!(open(MmapArray::<f64>::options(), &path).unwrap().shape(), [2]);
}

/// An explicit shape without elements opens an empty file here, which NumPy refuses for mode `"r"`; without a shape an
/// empty file is an error. A new file without elements is empty, where NumPy's has one byte.
#[test]
fn test_empty_array() {
    let (_folder, path) = a_file(&[]);
    assert_eq!(open(options::<u8>([0, 4]), &path).unwrap().shape(), [0, 4]);
    assert_eq!(open(MmapArray::<u8>::options(), &path).unwrap_err().kind(), ErrorKind::EmptyFile);
    assert_eq!(open(options::<u8>([1, 4]), &path).unwrap_err().kind(), ErrorKind::PastEnd);

    // As in NumPy, twice: the second time the file is there.
    for _ in 0..2 {
        assert!(create(create_options::<u8>([0, 4]), &path).unwrap().is_empty());
        assert_eq!(fs::metadata(&path).unwrap().len(), 0);
    }
    assert_eq!(open_mut(options::<u8>([0, 4]), &path).unwrap().shape(), [0, 4]);
}

/// A shape is a number, an array, a vector or a slice of any length.
#[test]
fn test_shape_type() {
    let (_folder, path) = a_path();
    let check = |options: CreateOptions<Typed<u8>>, shape: &[usize]| {
        assert_eq!(create(options, &path).unwrap().shape(), shape);
        assert_eq!(fs::metadata(&path).unwrap().len(), shape.iter().product::<usize>() as u64);
    };
    check(create_options(3), &[3]);
    check(create_options(SHAPE), &SHAPE);
    check(create_options(SHAPE.to_vec()), &SHAPE);
    let borrowed: &[usize; 2] = &SHAPE;
    check(create_options(borrowed), &SHAPE);
    check(create_options(&SHAPE[..]), &SHAPE);
    check(create_options(()), &[]);
}

#[test]
fn a_tail_that_is_no_element_is_an_error_without_a_shape_and_left_out_with_one() {
    let (_folder, path) = a_file(&[1; 17]);
    let error = open(MmapArray::<f64>::options(), &path).unwrap_err();
    assert_eq!((error.kind(), error.byte_range()), (ErrorKind::PartialElement, Some(16..17)));
    assert_eq!(open(options::<f64>(2), &path).unwrap().shape(), [2]);
    assert_eq!(open(options::<f64>([None]), &path).unwrap_err().kind(), ErrorKind::PartialElement);
}

#[test]
fn an_offset_at_the_end_leaves_no_elements_and_one_beyond_it_is_an_error() {
    let (_folder, path) = a_file(&[1; 16]);
    let at = |offset| MmapArray::<f32>::options().offset(offset);
    assert_eq!(open(at(12), &path).unwrap().shape(), [1]);
    assert_eq!(open(at(16), &path).unwrap().shape(), [0]);
    assert_eq!(open_mut(at(16), &path).unwrap().shape(), [0]);
    assert_eq!(open(at(17), &path).unwrap_err().kind(), ErrorKind::PastEnd);
    assert_eq!(open_mut(at(20), &path).unwrap_err().kind(), ErrorKind::PastEnd);
}

/// As NumPy for `"r"` and `"c"`; for `"r+"` NumPy makes the file longer.
#[test]
fn a_shape_longer_than_the_file_is_an_error_in_every_mode_and_the_file_stays_as_it_was() {
    let (_folder, path) = a_file(&[1; 16]);
    let errors = [
        open(options::<f32>([5]), &path).map(drop).unwrap_err(),
        open_cow(options::<f32>([5]), &path).map(drop).unwrap_err(),
        open_mut(options::<f32>([5]), &path).map(drop).unwrap_err(),
    ];
    for error in errors {
        assert_eq!((error.kind(), error.byte_range()), (ErrorKind::PastEnd, Some(0..20)));
    }
    assert_eq!(fs::read(&path).unwrap(), [1; 16]);
}

#[test]
fn a_shape_shorter_than_the_file_does_not_cut_it_when_written() {
    let (_folder, path) = a_file(&[1; 16]);
    open_mut(options::<u8>([2, 3]).offset(4), &path).unwrap().fill(2);
    assert_eq!(fs::read(&path).unwrap(), [1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1]);
}

#[test]
fn what_is_written_copied_on_write_is_seen_by_the_array_alone() {
    let (_folder, path) = a_file(&[1; 16]);
    let mut fp = open_cow(options::<u8>([4, 4]), &path).unwrap();
    fp.view_mut().index_axis(1, 0).fill(9);
    assert_eq!(fp[..8], [9, 1, 1, 1, 9, 1, 1, 1]);
    drop(fp);
    assert_eq!(fs::read(&path).unwrap(), [1; 16]);
}

#[test]
fn a_new_file_needs_a_shape_and_replaces_all_that_an_old_one_held() {
    let (_folder, path) = a_file(&[1; 100]);
    assert_eq!(create(create_options::<f32>([None, Some(3)]), &path).unwrap_err().kind(), ErrorKind::Shape);
    assert_eq!(fs::read(&path).unwrap(), [1; 100]);
    drop(create(create_options::<f32>([2, 2]).offset(4), &path).unwrap());
    assert_eq!(fs::read(&path).unwrap(), [0; 20]);
}

/// `np.memmap(f, np.uint16, "r", shape=(2, 3), order="F")`
#[test]
fn in_fortran_order_the_first_index_runs_fastest_through_the_file() {
    let (_folder, path) = a_file(&(0..6_u16).flat_map(u16::to_ne_bytes).collect::<Vec<_>>());
    let fp = open(options::<u16>([2, 3]).order(Order::F), &path).unwrap();
    assert_eq!(*fp, [0, 1, 2, 3, 4, 5]);
    assert_eq!(fp.view().to_vec(), [0, 2, 4, 1, 3, 5]);
    assert_eq!((fp[[1, 0]], fp[[0, 1]], fp[[1, 2]]), (1, 2, 5));
    assert_eq!(fp.view().strides(), [2, 4]);
}

/// `shape=(-1, 3)`
#[test]
fn one_axis_follows_from_the_file() {
    let (_folder, path) = a_file(&[0; 40]);
    let fp = open(options::<f32>([None, Some(3)]).offset(4), &path).unwrap();
    assert_eq!(fp.shape(), [3, 3]);
    assert_eq!(open(options::<f32>([None, Some(4)]).offset(4), &path).unwrap_err().kind(), ErrorKind::PartialElement);
}

/// `shape=()`
#[test]
fn a_shape_of_no_axes_is_one_element() {
    let (_folder, path) = a_file(&[1.5_f64.to_ne_bytes(), 2.5_f64.to_ne_bytes()].concat());
    let fp = open(options::<f64>(()).offset(8), &path).unwrap();
    assert_eq!((fp.ndim(), fp.len(), fp[[]], fp.view().at(())), (0, 1, 2.5, 2.5));
    assert_eq!(open(options::<f64>(()).offset(16), &path).unwrap_err().kind(), ErrorKind::PastEnd);
}
