//! Mapped arrays as text: what `print(arr)` and `repr(arr)` of an `np.memmap` show.
//!
//! The texts were recorded with NumPy 2.4.6 from a subclass of `np.memmap` of the same name and from the same files;
//! then NumPy's names of types, and its way to write a shape, were put into Rust's. `Debug` names the type where NumPy
//! leaves it out (`float64`, `int64`).

use bytemuck::{AnyBitPattern, NoUninit, Pod, Zeroable};
use mmap_array::array::Typed;
use mmap_array::{
    MmapArray, Options, Order,
    access::{ReadOnly, Stable},
    field,
};
use std::fmt::{self, Debug};
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::{TempDir, tempdir};

#[derive(Clone, Copy, Debug, Zeroable, Pod)]
#[repr(C, packed)]
struct Tick {
    side: u8,
    price: f64,
    size: i32,
}

const TICKS: [Tick; 5] = [
    Tick { side: 1, price: 101.25, size: 10 },
    Tick { side: 2, price: 101.5, size: -20 },
    Tick { side: 1, price: 99.875, size: 300 },
    Tick { side: 1, price: 100.0, size: 5 },
    Tick { side: 2, price: 0.5, size: 0 },
];

fn open<T>(options: Options<Typed<T>>, path: &Path) -> MmapArray<T>
where
    ReadOnly: Stable<T>,
{
    // SAFETY: each test has a file of its own, which it leaves alone while it is mapped.
    unsafe { options.open(path) }.unwrap()
}

/// A file of these elements behind a header of 24 bytes, mapped, and the folder it is in.
fn mapped<T: Pod>(elements: &[T], shape: &[usize], order: Order) -> (TempDir, MmapArray<T>) {
    let folder = tempdir().unwrap();
    let path = folder.path().join("data");
    fs::write(&path, [&[b'#'; 24], bytemuck::cast_slice::<T, u8>(elements)].concat()).unwrap();
    let array = open(MmapArray::options().offset(24).shape(shape).order(order), &path);
    (folder, array)
}

#[test]
fn floats_stand_with_their_points_below_each_other() {
    let (_folder, array) = mapped(&[0.1, -2.5, 100.0, 3.0, 1.0 / 3.0, 12.625], &[2, 3], Order::C);
    assert_eq!(
        array.to_string(),
        "\
[[  0.1         -2.5        100.        ]
 [  3.           0.33333333  12.625     ]]"
    );
    assert_eq!(
        format!("{array:?}"),
        "\
MmapArray([[  0.1       ,  -2.5       , 100.        ],
           [  3.        ,   0.33333333,  12.625     ]], dtype=f64)"
    );
    assert_eq!(
        format!("{array:.3}"),
        "\
[[  0.1    -2.5   100.   ]
 [  3.      0.333  12.625]]"
    );
}

#[test]
fn floats_that_are_none_or_far_apart_print_as_numpys() {
    let (_folder, array) = mapped(&[f32::NAN, 1.5, f32::NEG_INFINITY, 2e-3], &[4], Order::C);
    assert_eq!(array.to_string(), "[  nan 1.5    -inf 0.002]");
    assert_eq!(format!("{array:?}"), "MmapArray([  nan, 1.5  ,  -inf, 0.002], dtype=f32)");
    let (_folder, array) = mapped(&[1e-7_f32, 1.5, -3e9], &[3], Order::C);
    assert_eq!(array.to_string(), "[ 1.0e-07  1.5e+00 -3.0e+09]");
}

#[test]
fn an_array_in_fortran_order_prints_by_index_and_not_as_it_is_stored() {
    let numbers: Vec<i16> = (-2..10).collect();
    let (_folder, array) = mapped(&numbers, &[3, 4], Order::F);
    assert_eq!(
        array.to_string(),
        "\
[[-2  1  4  7]
 [-1  2  5  8]
 [ 0  3  6  9]]"
    );
    assert_eq!(
        format!("{array:?}"),
        "\
MmapArray([[-2,  1,  4,  7],
           [-1,  2,  5,  8],
           [ 0,  3,  6,  9]], dtype=i16)"
    );
    let turned = "\
ArrayView([[-2, -1,  0],
           [ 1,  2,  3],
           [ 4,  5,  6],
           [ 7,  8,  9]], dtype=i16)";
    assert_eq!(format!("{:?}", array.view().t()), turned);
}

#[test]
fn planes_are_set_apart_by_a_blank_line() {
    let numbers: Vec<u8> = (0..240).step_by(20).collect();
    let (_folder, array) = mapped(&numbers, &[2, 2, 3], Order::C);
    assert_eq!(
        array.to_string(),
        "\
[[[  0  20  40]
  [ 60  80 100]]

 [[120 140 160]
  [180 200 220]]]"
    );
    assert_eq!(
        format!("{array:?}"),
        "\
MmapArray([[[  0,  20,  40],
            [ 60,  80, 100]],

           [[120, 140, 160],
            [180, 200, 220]]], dtype=u8)"
    );
}

#[test]
fn one_element_and_none_print_as_numpys() {
    let (_folder, array) = mapped(&[2.5_f32], &[], Order::C);
    assert_eq!((array.to_string(), format!("{array:?}")), ("2.5".into(), "MmapArray(2.5, dtype=f32)".into()));
    let (_folder, array) = mapped::<f32>(&[], &[0, 3], Order::C);
    let debug = "MmapArray([], shape=[0, 3], dtype=f32)";
    assert_eq!((array.to_string(), format!("{array:?}")), ("[]".into(), debug.into()));
    let (_folder, array) = mapped::<u16>(&[], &[0], Order::C);
    assert_eq!((array.to_string(), format!("{array:?}")), ("[]".into(), "MmapArray([], dtype=u16)".into()));
}

#[test]
fn rows_that_are_too_long_wrap_at_column_75() {
    let powers: Vec<i32> = (0..25_i32).map(|number| number.pow(5)).collect();
    let (_folder, array) = mapped(&powers, &[25], Order::C);
    assert_eq!(
        array.to_string(),
        "\
[      0       1      32     243    1024    3125    7776   16807   32768
   59049  100000  161051  248832  371293  537824  759375 1048576 1419857
 1889568 2476099 3200000 4084101 5153632 6436343 7962624]"
    );
    assert_eq!(
        format!("{array:?}"),
        "\
MmapArray([      0,       1,      32,     243,    1024,    3125,    7776,
             16807,   32768,   59049,  100000,  161051,  248832,  371293,
            537824,  759375, 1048576, 1419857, 1889568, 2476099, 3200000,
           4084101, 5153632, 6436343, 7962624], dtype=i32)"
    );
    let large: Vec<u64> = (0..12).map(|number| number * 1_000_000_000_000_000).collect();
    let (_folder, array) = mapped(&large, &[2, 6], Order::C);
    assert_eq!(
        format!("{array:?}"),
        "\
MmapArray([[                0,  1000000000000000,  2000000000000000,
             3000000000000000,  4000000000000000,  5000000000000000],
           [ 6000000000000000,  7000000000000000,  8000000000000000,
             9000000000000000, 10000000000000000, 11000000000000000]],
          dtype=u64)"
    );
}

#[test]
fn more_than_a_thousand_elements_are_abridged_along_their_long_axes() {
    let numbers: Vec<i32> = (0..1200).collect();
    let (_folder, array) = mapped(&numbers, &[4, 300], Order::F);
    assert_eq!(
        array.to_string(),
        "\
[[   0    4    8 ... 1188 1192 1196]
 [   1    5    9 ... 1189 1193 1197]
 [   2    6   10 ... 1190 1194 1198]
 [   3    7   11 ... 1191 1195 1199]]"
    );
    assert_eq!(
        format!("{array:?}"),
        "\
MmapArray([[   0,    4,    8, ..., 1188, 1192, 1196],
           [   1,    5,    9, ..., 1189, 1193, 1197],
           [   2,    6,   10, ..., 1190, 1194, 1198],
           [   3,    7,   11, ..., 1191, 1195, 1199]],
          shape=[4, 300], dtype=i32)"
    );
    let eighths: Vec<f32> = (0..1600).map(|number| number as f32 / 8.0).collect();
    let (_folder, array) = mapped(&eighths, &[40, 40], Order::C);
    assert_eq!(
        format!("{array:?}"),
        "\
MmapArray([[0.00000e+00, 1.25000e-01, 2.50000e-01, ..., 4.62500e+00,
            4.75000e+00, 4.87500e+00],
           [5.00000e+00, 5.12500e+00, 5.25000e+00, ..., 9.62500e+00,
            9.75000e+00, 9.87500e+00],
           [1.00000e+01, 1.01250e+01, 1.02500e+01, ..., 1.46250e+01,
            1.47500e+01, 1.48750e+01],
           ...,
           [1.85000e+02, 1.85125e+02, 1.85250e+02, ..., 1.89625e+02,
            1.89750e+02, 1.89875e+02],
           [1.90000e+02, 1.90125e+02, 1.90250e+02, ..., 1.94625e+02,
            1.94750e+02, 1.94875e+02],
           [1.95000e+02, 1.95125e+02, 1.95250e+02, ..., 1.99625e+02,
            1.99750e+02, 1.99875e+02]], shape=[40, 40], dtype=f32)"
    );
}

#[test]
fn a_field_of_records_prints_as_an_array_of_its_own() {
    let (_folder, ticks) = mapped(&TICKS, &[5], Order::C);
    assert_eq!(ticks.project(field!(Tick, side)).to_string(), "[1 2 1 1 2]");
    let prices = ticks.project(field!(Tick, price));
    assert_eq!(prices.to_string(), "[101.25  101.5    99.875 100.      0.5  ]");
    let debug = "ArrayView([101.25 , 101.5  ,  99.875, 100.   ,   0.5  ], dtype=f64)";
    assert_eq!(format!("{prices:?}"), debug);
    let sizes = ticks.project(field!(Tick, size)).step_axis(0, -2);
    assert_eq!(format!("{sizes:?}"), "ArrayView([  0, 300,  10], dtype=i32)");

    let (_folder, ticks) = mapped(&TICKS[..4], &[2, 2], Order::F);
    assert_eq!(
        ticks.project(field!(Tick, price)).to_string(),
        "\
[[101.25   99.875]
 [101.5   100.   ]]"
    );
}

#[test]
fn floats_print_as_the_integers_that_they_are_viewed_as() {
    let (_folder, array) = mapped(&[1.0_f32, -2.0, 0.5], &[3], Order::C);
    let bits = array.view().view_as::<u32>().unwrap();
    assert_eq!(bits.to_string(), "[1065353216 3221225472 1056964608]");
    let bits = array.cast::<u32>().unwrap();
    assert_eq!(format!("{bits:?}"), "MmapArray([1065353216, 3221225472, 1056964608], dtype=u32)");
}

#[test]
fn records_print_their_own_debug_text() {
    let (_folder, ticks) = mapped(&TICKS[3..], &[2], Order::C);
    assert_eq!(
        format!("{ticks:?}"),
        "\
MmapArray([Tick { side: 1, price: 100.0, size: 5 },
             Tick { side: 2, price: 0.5, size: 0 }], dtype=Tick)"
    );
}

/// A byte that counts how often it is printed.
#[derive(Clone, Copy, AnyBitPattern, NoUninit)]
#[repr(transparent)]
struct Counted(u8);

static PRINTED: AtomicUsize = AtomicUsize::new(0);

impl Debug for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        PRINTED.fetch_add(1, Ordering::Relaxed);
        write!(f, "{}", self.0)
    }
}

/// The resident memory of this program, in bytes at the least; 0 where it is not told.
fn resident() -> usize {
    let pages = fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|pages| pages.split(' ').nth(1)?.parse::<usize>().ok());
    4096 * pages.unwrap_or(0)
}

#[test]
#[cfg_attr(windows, ignore = "files are not sparse under Windows and Wine: this one would be written in full, 8 GiB")]
#[cfg_attr(target_pointer_width = "32", ignore = "a 32-bit address space has no room for 8 GiB")]
fn printing_an_array_of_eight_gib_reads_its_corners_only() {
    const ROWS: u64 = 1 << 17;
    const ROW: u64 = 1 << 16;
    let folder = tempdir().unwrap();
    let path = folder.path().join("sparse");
    let mut file = File::create(&path).unwrap();
    file.set_len(ROWS * ROW).unwrap();
    // The last of these is not shown, or the columns would be three wide.
    for (row, column, number) in [(0, 0, 1), (1, ROW - 1, 2), (ROWS - 2, 2, 3), (ROWS - 1, ROW - 1, 44), (5, 5, 200)] {
        file.seek(SeekFrom::Start(row * ROW + column)).unwrap();
        file.write_all(&[number]).unwrap();
    }
    let array = open(MmapArray::<Counted>::options().shape([ROWS as usize, ROW as usize]), &path);
    let before = resident();
    let (text, counted) = (array.view().view_as::<u8>().unwrap().to_string(), format!("{array:?}"));
    let grown = resident().saturating_sub(before);
    assert_eq!(
        text,
        "\
[[ 1  0  0 ...  0  0  0]
 [ 0  0  0 ...  0  0  2]
 [ 0  0  0 ...  0  0  0]
 ...
 [ 0  0  0 ...  0  0  0]
 [ 0  0  3 ...  0  0  0]
 [ 0  0  0 ...  0  0 44]]"
    );
    assert_eq!(
        counted,
        "\
MmapArray([[ 1,  0,  0, ...,  0,  0,  0],
           [ 0,  0,  0, ...,  0,  0,  2],
           [ 0,  0,  0, ...,  0,  0,  0],
           ...,
           [ 0,  0,  0, ...,  0,  0,  0],
           [ 0,  0,  3, ...,  0,  0,  0],
           [ 0,  0,  0, ...,  0,  0, 44]],
          shape=[131072, 65536], dtype=Counted)"
    );
    assert_eq!(PRINTED.load(Ordering::Relaxed), 36);
    assert!(grown < 256 << 20, "{grown} bytes have come in");
}

/// `str(np.array(b"ab"))`, `str(np.zeros((), "V3"))`, `str(np.array(b"ab")[()])` and so on, of NumPy 2.4.6.
#[test]
fn text_and_bytes_without_axes_print_as_in_numpy() {
    use mmap_array::{ArrayView, DType, DynView, element::Bytes, element::Ucs4, element::Void};
    let bytes = [Bytes::<4>::new("it's").unwrap()];
    let view = ArrayView::from_slice(&bytes, ()).unwrap();
    assert_eq!((view.to_string(), view.at(()).to_string()), (r#"np.bytes_(b"it's")"#.into(), "it's".into()));
    assert_eq!(ArrayView::from_slice(&bytes, 1).unwrap().to_string(), r#"[b"it's"]"#);
    let text = [Ucs4::<2>::new("ab").unwrap()];
    assert_eq!(ArrayView::from_slice(&text, ()).unwrap().to_string(), "ab");
    let void = [Void::from([0, 1, 0xab])];
    assert_eq!(ArrayView::from_slice(&void, ()).unwrap().to_string(), r"b'\x00\x01\xAB'");
    let dtype: DType = "S2".parse().unwrap();
    let view = DynView::from_bytes(b"ab", &dtype, ()).unwrap();
    assert_eq!((view.to_string(), view.at(()).to_string()), ("np.bytes_(b'ab')".into(), "b'ab'".into()));
}
