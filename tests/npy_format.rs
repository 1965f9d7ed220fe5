//! What NumPy's own tests of the format (`numpy/lib/tests/test_format.py`, NumPy 2.4) ask of it, asked of this crate,
//! one test for each under NumPy's name.
//!
//! Left out is what there is none of here: `.npz` archives (`test_compressed_roundtrip`, `test_huge_header_npz`,
//! `test_large_archive`, `test_empty_npz`), unpickling (`test_pickle_python2_python3`), and dtypes with metadata
//! (`test_metadata_dtype`). Numbers outside a byte, in `test_bad_magic_args`, do not compile.

use mmap_array::npy::{self, Header, Npy};
use mmap_array::{CreateOptions, DType, DynArray, Element, ErrorKind, Le, MmapArray, Order, Result};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use tempfile::{TempDir, tempdir};

fn a_path() -> (TempDir, PathBuf) {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.npy");
    (folder, path)
}

fn a_file(bytes: &[u8]) -> (TempDir, PathBuf) {
    let (folder, path) = a_path();
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn dtype(descr: &str) -> DType {
    DType::from_descr(descr).unwrap_or_else(|error| panic!("{descr}: {error}"))
}

fn open(path: &Path) -> Result<DynArray> {
    open_with(npy::MAX_HEADER, path)
}

/// Opens a file whose header has no more than so many characters.
fn open_with(characters: usize, path: &Path) -> Result<DynArray> {
    // SAFETY: each test has files of its own, which it leaves alone while they are mapped.
    unsafe { npy::dyn_options().max_header(characters).open(path) }
}

fn read(bytes: &[u8]) -> Result<Header> {
    Header::read(&mut &bytes[..])
}

/// An array as it lies in a file.
struct Array {
    dtype: DType,
    shape: Vec<usize>,
    order: Order,
    data: Vec<u8>,
}

impl Array {
    /// Bytes that count.
    fn new(dtype: DType, shape: &[usize], order: Order) -> Self {
        let len = shape.iter().product::<usize>() * dtype.itemsize();
        Self { dtype, shape: shape.to_vec(), order, data: (0..len).map(|i| (i * 7 % 251) as u8).collect() }
    }

    /// The file that a program writes by itself: header, data.
    fn file(&self) -> Vec<u8> {
        let header = Header::new(self.dtype.clone(), &self.shape[..], self.order).unwrap();
        let mut file = Vec::new();
        header.write(&mut file).unwrap();
        assert_eq!(file.len() as u64, header.data_offset());
        file.extend(&self.data);
        file
    }

    /// What makes a file of it.
    fn options(&self) -> CreateOptions<DType, Npy> {
        npy::dyn_create_options(self.dtype.clone(), &self.shape[..]).order(self.order)
    }

    /// Writes the data into a file that `create` makes.
    fn create(&self, options: CreateOptions<DType, Npy>, path: &Path) -> Result<()> {
        // SAFETY: as for `open_with`.
        let mut array = unsafe { options.create(path) }?;
        if !self.data.is_empty() {
            let (order, len, byte) = (array.order(), array.len(), u8::dtype());
            let view = if order == Order::F { array.view_mut().t() } else { array.view_mut() };
            let mut target = view.reshape(len)?.view_as(&byte)?.typed::<u8>()?;
            target.as_slice_mut().unwrap().copy_from_slice(&self.data);
        }
        array.close()
    }

    #[track_caller]
    fn assert_is(&self, read: &DynArray) {
        assert_eq!((read.dtype(), read.shape(), read.order()), (&self.dtype, &self.shape[..], self.order));
        assert_eq!(read.as_bytes().unwrap(), self.data);
    }
}

/// NumPy's `basic_arrays`: without elements, without axes, of one axis, of two in both orders.
fn basic_arrays() -> Vec<Array> {
    let mut arrays = Vec::new();
    for kind in ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8", "c8", "c16"] {
        for order in "<>".chars() {
            let dtype = || dtype(&format!("'{order}{kind}'"));
            for shape in [&[0][..], &[], &[1500], &[30, 50]] {
                arrays.push(Array::new(dtype(), shape, Order::C));
            }
            arrays.push(Array::new(dtype(), &[50, 30], Order::F));
        }
    }
    arrays
}

/// NumPy's `record_arrays`.
fn record_arrays() -> Vec<Array> {
    let plain = "[('x', '<i4', (2,)), ('y', '<f8', (2, 2)), ('z', '|u1')]";
    let nested = "[('x', '<i4', (2,)), ('Info', [('value', '<c16'), ('y2', '<f8'), ('Info2', [('name', '|S2'), \
                  ('value', '<c16', (2,)), ('y3', '<f8', (2,)), ('z3', '<u4', (2,))]), ('name', '|S2'), ('z2', '|b1')]), \
                  ('color', '|S2'), ('info', [('Name', '<U8'), ('Value', '<c16')]), ('y', '<f8', (2, 2)), ('z', '|u1')]";
    let mut arrays = vec![Array::new(dtype("[('c', ('<f8', (5,)), (2,))]"), &[1], Order::C)];
    for descr in [plain, nested] {
        arrays.push(Array::new(dtype(descr), &[2], Order::C));
        arrays.push(Array::new(dtype(&descr.replace('<', ">")), &[2], Order::C));
    }
    arrays
}

#[test]
fn test_roundtrip() {
    for array in basic_arrays().into_iter().chain(record_arrays()) {
        let (_folder, path) = a_file(&array.file());
        array.assert_is(&open(&path).unwrap());
    }
    // A view that is contiguous in no order.
    let (_folder, path) = a_path();
    let numbers: Vec<Le<i32>> = (0..1500).map(Le::new).collect();
    let whole = mmap_array::ArrayView::from_slice(&numbers, [30, 50]).unwrap();
    let view = whole.step_axis(0, -1).step_axis(1, 2);
    // SAFETY: as for `open_with`, here and below.
    let mut array = unsafe { npy::create::<Le<i32>>(&path, view.shape()) }.unwrap();
    array.view_mut().copy_from(&view);
    array.close().unwrap();
    // SAFETY: as above.
    let array: MmapArray<Le<i32>> = unsafe { npy::open(&path) }.unwrap();
    assert_eq!((array.shape(), array.to_vec()), (&[30, 25][..], view.to_vec()));
}

/// A reader that gives one to three bytes at a time.
struct Trickle<'a>(&'a [u8], usize);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 += 1;
        let len = buffer.len().min(self.1 % 3 + 1);
        self.0.read(&mut buffer[..len])
    }
}

#[test]
fn test_roundtrip_randsize() {
    for array in basic_arrays().into_iter().chain(record_arrays()) {
        let file = array.file();
        let mut reader = Trickle(&file, 0);
        let header = Header::read(&mut reader).unwrap();
        assert_eq!((header.dtype(), header.shape(), header.order()), (&array.dtype, &array.shape[..], array.order));
        // It is left at the first element, and not behind it.
        assert_eq!(reader.0, array.data);
    }
}

#[test]
fn test_roundtrip_truncated() {
    for array in basic_arrays() {
        let file = array.file();
        let (_folder, path) = a_file(&file[..file.len() - 1]);
        let kind = if array.data.is_empty() { ErrorKind::Header } else { ErrorKind::PastEnd };
        assert_eq!(open(&path).unwrap_err().kind(), kind);
    }
}

#[test]
fn test_file_truncated() {
    for array in basic_arrays() {
        let (_folder, path) = a_path();
        array.create(array.options(), &path).unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        file.set_len(file.metadata().unwrap().len() - 1).unwrap();
        let error = open(&path).unwrap_err();
        assert_eq!(error.path(), Some(&*path));
        let why = if array.data.is_empty() { "the file ends at byte" } else { "the header declares" };
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[test]
fn test_long_str() {
    let array = Array::new(dtype("'<U262145'"), &[1], Order::C);
    let (_folder, path) = a_file(&array.file());
    array.assert_is(&open(&path).unwrap());
}

#[test]
fn test_memmap_roundtrip() {
    for array in basic_arrays().into_iter().chain(record_arrays()) {
        let (_folder, path) = a_path();
        array.create(array.options(), &path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), array.file());
        array.assert_is(&open(&path).unwrap());
    }
}

#[test]
fn test_load_padded_dtype() {
    for descr in [
        // Aligned.
        "[('f0', '|i1'), ('', '|V3'), ('f1', '<i4'), ('f2', '|i1'), ('', '|V3')]",
        // At offsets of their own.
        "[('', '|V1'), ('a', '<i4'), ('', '|V1'), ('b', '<i4')]",
        // Nested.
        "[('c', '<i4'), ('d', [('', '|V1'), ('a', '<i4'), ('', '|V1'), ('b', '<i4')])]",
        // A field without a name.
        "[('a', '<i4'), ('', '<i4'), ('b', '<i4')]",
        // Titles.
        "[('', '|V1'), (('aa', 'a'), '<i4'), ('', '|V1'), (('bb', 'b'), '<i4')]",
        // Nothing but padding.
        "[('', '|V8')]",
    ] {
        let array = Array::new(dtype(descr), &[3], Order::C);
        let file = array.file();
        assert!(String::from_utf8_lossy(&file).contains(descr));
        let (_folder, path) = a_file(&file);
        array.assert_is(&open(&path).unwrap());
    }
}

#[test]
fn test_python2_python3_interoperability() {
    // NumPy's `win64python2.npy`.
    let mut file =
        b"\x93NUMPY\x01\0F\0{'descr': '<f8', 'fortran_order': False, 'shape': (2L,), }           \n".to_vec();
    file.extend([1.0_f64; 2].map(f64::to_le_bytes).concat());
    let (_folder, path) = a_file(&file);
    let array = open(&path).unwrap();
    assert_eq!((array.byte_offset(), array.shape()), (80, &[2][..]));
    assert_eq!(array.view().to_vec_as::<f64>().unwrap(), [1.0; 2]);
}

#[test]
fn test_pickle_disallow() {
    // The beginnings of NumPy's `py2-np0-objarr.npy` and `py3-objarr.npy`.
    for (descr, data) in [("'|O8'", &b"\x80\x02cnumpy.core._internal\n"[..]), ("'|O'", b"\x80\x03cnumpy")] {
        let text = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (4,), }}           \n");
        let len = (text.len() as u16).to_le_bytes();
        let (_folder, path) = a_file(&[b"\x93NUMPY\x01\0", &len[..], text.as_bytes(), data].concat());
        let error = open(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Header);
        assert!(error.to_string().contains("Python objects"), "{error}");
    }
}

#[test]
fn test_descr_to_dtype() {
    let padded = "[('a', '|i1'), ('', '|V3'), ('b', '|i1'), ('', '|V3')]";
    for descr in [
        "[('a', '|i1'), ('', '|V1'), ('b', '<i2'), ('c', '<i4')]".to_owned(),
        format!("[('x', ({padded}, (3,)), (4,))]"),
        "[('x', ('<f8', (5,)), (2,))]".to_owned(),
        format!("[('a', (([('a', '<i8'), ('b', {padded})], (3,)), (4,)), (5,))]"),
    ] {
        let array = Array::new(dtype(&descr), &[3], Order::C);
        assert_eq!(array.dtype.descr().unwrap(), descr);
        let (_folder, path) = a_file(&array.file());
        array.assert_is(&open(&path).unwrap());
    }
}

/// 500 fields with long names, whose header version 1 cannot hold.
fn large() -> Array {
    let fields: Vec<String> = (0..500).map(|i| format!("('{}', '<f8')", i.to_string().repeat(100))).collect();
    Array::new(dtype(&format!("[{}]", fields.join(", "))), &[10], Order::C)
}

#[test]
fn test_version_2_0() {
    let array = large();
    let header = Header::new(array.dtype.clone(), &array.shape[..], Order::C).unwrap();
    assert_eq!((header.version(), header.data_offset() % 64), ((2, 0), 0));
    let file = array.file();
    assert_eq!(Header::read_limited(&mut &file[..], 200_000).unwrap(), header);
    assert_eq!(header.with_version((1, 0)).unwrap_err().kind(), ErrorKind::Header);
}

#[test]
fn test_version_2_0_memmap() {
    let array = large();
    let (folder, path) = a_path();
    let error = array.create(array.options().version(1, 0), &path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Header);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    for options in [array.options().version(2, 0), array.options()] {
        array.create(options, &path).unwrap();
        array.assert_is(&open_with(200_000, &path).unwrap());
    }
}

#[test]
fn test_huge_header() {
    let fields: Vec<String> = (0..10_001).map(|i| format!("('f{i}', '<i4')")).collect();
    let array = Array::new(dtype(&format!("[{}]", fields.join(", "))), &[], Order::C);
    let (_folder, path) = a_file(&array.file());
    for error in [open(&path).unwrap_err(), open_with(20_000, &path).unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Header);
        assert!(error.to_string().contains("`max_header` raises the limit"), "{error}");
    }
    for most in [180_000, usize::MAX] {
        array.assert_is(&open_with(most, &path).unwrap());
    }
}

#[test]
fn test_write_version() {
    let header = Header::new(dtype("'<i8'"), [1], Order::C).unwrap();
    for version in [(1, 0), (2, 0), (3, 0)] {
        assert_eq!(header.clone().with_version(version).unwrap().version(), version);
    }
    for version in [(1, 1), (0, 0), (0, 1), (2, 2), (255, 255)] {
        let error = header.clone().with_version(version).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Header);
        assert!(error.to_string().contains("1.0, 2.0 and 3.0"), "{error}");
        let (folder, path) = a_path();
        let array = Array::new(dtype("'<i8'"), &[1], Order::C);
        array.create(array.options().version(version.0, version.1), &path).unwrap_err();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[test]
fn test_read_magic() {
    let header = Header::new(f64::dtype(), [3, 6], Order::C).unwrap();
    for version in [(1, 0), (2, 0)] {
        let file = header.clone().with_version(version).unwrap().to_bytes().unwrap();
        assert_eq!(file[..6], *b"\x93NUMPY");
        assert_eq!((file[6], file[7]), version);
        assert_eq!(read(&file).unwrap().version(), version);
    }
}

const MALFORMED_MAGIC: &[&[u8]] = &[
    b"\x92NUMPY\x01\x00",
    b"\x00NUMPY\x01\x00",
    b"\x93numpy\x01\x00",
    b"\x93MATLB\x01\x00",
    b"\x93NUMPY\x01",
    b"\x93NUMPY",
    b"",
];

#[test]
fn test_read_magic_bad_magic() {
    let valid = Header::new(f64::dtype(), [3], Order::C).unwrap().to_bytes().unwrap();
    for magic in MALFORMED_MAGIC {
        assert_eq!(read(magic).unwrap_err().kind(), ErrorKind::Header);
        let rest = if magic.len() == 8 { &valid[8..] } else { &[] };
        let (_folder, path) = a_file(&[magic, rest].concat());
        assert_eq!(open(&path).unwrap_err().kind(), ErrorKind::Header);
    }
}

#[test]
fn test_read_version_1_0_bad_magic() {
    let valid = Header::new(f64::dtype(), [3], Order::C).unwrap().to_bytes().unwrap();
    for version in [[1, 1], [0, 0], [0, 1], [2, 2], [255, 255]] {
        let error = read(&[b"\x93NUMPY", &version[..], &valid[8..]].concat()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Header);
        assert!(error.to_string().contains(&format!("version {}.{}", version[0], version[1])), "{error}");
    }
    // The version is one, and nothing follows.
    assert_eq!(read(b"\x93NUMPY\x02\x00").unwrap_err().kind(), ErrorKind::Header);
}

#[test]
fn test_large_header() {
    let header = |descr: &str| Header::new(dtype(descr), [], Order::C).unwrap();
    assert_eq!(header("'<i8'").with_version((1, 0)).unwrap().data_offset(), 128);
    let large = format!("[('{}', '<i8')]", "x".repeat(256 * 256));
    let error = header(&large).with_version((1, 0)).unwrap_err();
    assert!(error.to_string().contains("too long for version 1.0"), "{error}");
    assert_eq!(header(&large).version(), (2, 0));
}

#[test]
fn test_read_array_header_1_0() {
    let mut file = Array::new(dtype("'<f8'"), &[3, 6], Order::C).file();
    let mut reader = io::Cursor::new(&mut file);
    let header = Header::read(&mut reader).unwrap();
    assert_eq!((header.shape(), header.order(), header.dtype()), (&[3, 6][..], Order::C, &dtype("'<f8'")));
    assert_eq!((reader.position(), reader.position() % 64), (header.data_offset(), 0));
}

#[test]
fn test_read_array_header_2_0() {
    let header = Header::new(dtype("'<f8'"), [3, 6], Order::C).unwrap().with_version((2, 0)).unwrap();
    let mut reader = io::Cursor::new([&header.to_bytes().unwrap()[..], &[0; 144]].concat());
    assert_eq!(Header::read(&mut reader).unwrap(), header);
    assert_eq!((reader.position(), reader.position() % 64), (header.data_offset(), 0));
}

#[test]
fn test_bad_header() {
    for (file, why) in [
        (&b"\x93NUMPY\x01\0"[..], "the header's length"),
        (b"\x93NUMPY\x01\x001", "the header's length"),
        (b"\x93NUMPY\x01\0\x01\0", "ends at byte 0 of its header"),
        (
            b"\x93NUMPY\x01\x006\x00{'descr': 'x', 'shape': (1, 2), }                    \n",
            "has no key 'fortran_order'",
        ),
        (
            b"\x93NUMPY\x01\0v\0{'descr': 'x', 'extrakey': -1, 'fortran_order': False, 'shape': (1, 2), }\
              \n                                            ",
            "only the keys 'descr', 'fortran_order' and 'shape'",
        ),
    ] {
        let error = read(file).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Header);
        assert!(error.to_string().contains(why), "{error}");
    }
}

/// An array at the end of a large file, where another program wrote it.
#[test]
#[cfg_attr(windows, ignore = "files are not sparse without being told to be")]
fn test_large_file_support() {
    const START: u64 = 5_368_709_120;
    let (_folder, path) = a_path();
    let mut file = File::options().create_new(true).read(true).write(true).open(&path).unwrap();
    file.seek(SeekFrom::Start(START)).unwrap();
    let header = Header::new(Le::<i64>::dtype(), [5], Order::C).unwrap();
    header.write(&mut file).unwrap();
    file.write_all(&(0..5_i64).flat_map(i64::to_le_bytes).collect::<Vec<u8>>()).unwrap();

    file.seek(SeekFrom::Start(START)).unwrap();
    let read = Header::read(&mut file).unwrap();
    assert_eq!(read, header);
    let options = MmapArray::<Le<i64>>::options().offset(START + read.data_offset()).shape(read.shape());
    // SAFETY: nobody else uses the file.
    let array = unsafe { options.open(&path) }.unwrap();
    assert_eq!(array.view().to_native_vec(), [0, 1, 2, 3, 4]);
}

#[test]
fn test_unicode_field_names() {
    let array = Array::new(dtype("[('int', '<i8'), ('整形', '<i8')]"), &[4], Order::C);
    for options in [array.options().version(3, 0), array.options()] {
        let (_folder, path) = a_path();
        array.create(options, &path).unwrap();
        assert_eq!(npy::header(&path).unwrap().version(), (3, 0));
        array.assert_is(&open(&path).unwrap());
    }
    for (major, minor) in [(1, 0), (2, 0)] {
        let (_folder, path) = a_path();
        let error = array.create(array.options().version(major, minor), &path).unwrap_err();
        assert!(error.to_string().contains("outside Latin-1"), "{error}");
    }
}

#[test]
fn test_header_growth_axis() {
    for (order, spaces, expected) in
        [(Order::C, 22, 128), (Order::C, 23, 192), (Order::F, 23, 128), (Order::F, 24, 192)]
    {
        // NumPy's test has a dtype's `repr` for the `descr`: `dtype([…])`.
        let dtype = dtype(&format!("[('{}', '<i8')]", " ".repeat(spaces + "dtype()".len())));
        // Of NumPy's 10 to the power of 0 to 20 those that an array of 16 bytes a row can have.
        for len in (0..18).filter_map(|digits| usize::try_from(10_u64.pow(digits)).ok()) {
            let shape = if order == Order::F { [2, len] } else { [len, 2] };
            let header = Header::new(dtype.clone(), shape, order).unwrap();
            assert_eq!((header.data_offset(), header.to_bytes().unwrap().len()), (expected, expected as usize));
        }
    }
}
