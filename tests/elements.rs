//! Element types in files: what is written is what NumPy would write, and what is read is what it says.

use bytemuck::{Pod, Zeroable};
use mmap_array::element::unit::{Day, Nanosecond};
use mmap_array::{
    Be, Le, MmapArray, MmapArrayMut,
    element::{Bool, Bytes, DateTime64, TimeDelta64, Ucs4},
    field,
};
use std::fs;

/// `[('time', '>M8[ns]'), ('price', '>f8'), ('symbol', 'S4'), ('open', '?'), ('name', '<U2')]`: 29 bytes, nothing aligned.
#[derive(Clone, Copy, Zeroable, Pod)]
#[cfg_attr(feature = "derive", derive(mmap_array::Record))]
#[repr(C)]
struct Trade {
    time: Be<DateTime64<Nanosecond>>,
    price: Be<f64>,
    symbol: Bytes<4>,
    open: Bool,
    name: Le<Ucs4<2>>,
}

/// `np.array([('2020-03-05T13:17:09.5', 1.5, b'abc', True, 'é'), ('NaT', -2, b'', False, '')], …).tobytes()`.
const FILE: [u8; 58] = *b"\x15\xf9j\xda9\xa5w\x00\x3f\xf8\0\0\0\0\0\0abc\0\x01\xe9\0\0\0\0\0\0\0\
    \x80\0\0\0\0\0\0\0\xc0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

#[test]
fn records_of_every_kind_are_read_in_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trades");
    fs::write(&path, FILE).unwrap();
    // SAFETY: nobody else uses the file.
    let trades = unsafe { MmapArray::<Trade>::open(&path) }.unwrap();
    assert_eq!(trades[0].time.to_string(), "2020-03-05T13:17:09.500000000");
    assert_eq!(trades.project(field!(Trade, price)).sum(), -0.5);
    assert_eq!(trades.project(field!(Trade, price)).to_native_vec(), [1.5, -2.0]);
    assert_eq!(trades.project(field!(Trade, symbol)).to_string(), "[b'abc' b'']");
    assert_eq!(trades.project(field!(Trade, open)).sum(), 1);
    assert_eq!(trades.project(field!(Trade, name)).at([0]), Le::new(Ucs4::new("é").unwrap()));
    let times = trades.project(field!(Trade, time));
    assert!(times.to_native_vec()[1].is_nat());
    assert_eq!(times.to_string(), "['2020-03-05T13:17:09.500000000'                           'NaT']");
}

#[test]
fn what_is_written_is_the_same_bytes_on_every_machine() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trades");
    // SAFETY: nobody else uses the file.
    let mut trades = unsafe { MmapArray::<Trade>::create_options(2).create(&path) }.unwrap();
    trades[0] = Trade {
        time: "2020-03-05T13:17:09.5".parse().unwrap(),
        price: 1.5.into(),
        symbol: "abc".parse().unwrap(),
        open: true.into(),
        name: "é".parse().unwrap(),
    };
    trades[1].time = DateTime64::NAT.into();
    trades.view_mut().project(field!(Trade, price)).copy_from_native(&[1.5, -2.0]);
    trades.close().unwrap();
    assert_eq!(fs::read(&path).unwrap(), FILE);
}

#[test]
fn a_column_of_times_is_worked_with_in_place() {
    let mut days = MmapArrayMut::<DateTime64<Day>>::anonymous(3).unwrap();
    days.copy_from_slice(&["2020-02-28", "NaT", "2020-12-31"].map(|day| day.parse().unwrap()));
    days.view_mut().map_in_place(|day| day + TimeDelta64::new(1));
    assert_eq!(days.to_string(), "['2020-02-29'        'NaT' '2021-01-01']");
    assert!(days.view().max().is_some_and(|last| last.is_nat()));
}

#[cfg(feature = "derive")]
#[test]
fn the_dtype_is_numpys_and_finds_the_fields() {
    use mmap_array::{ArrayView, Element, ErrorKind};
    let descr = "[('time', '>M8[ns]'), ('price', '>f8'), ('symbol', '|S4'), ('open', '|b1'), ('name', '<U2')]";
    assert_eq!(Trade::dtype().descr().unwrap(), descr);
    let trades = ArrayView::from_slice(bytemuck::cast_slice::<u8, Trade>(&FILE), 2).unwrap();
    assert_eq!(trades.field::<Be<f64>>("price").unwrap().max(), Some(Be::new(1.5)));
    assert_eq!(trades.field::<Le<f64>>("price").unwrap_err().kind(), ErrorKind::DTypeMismatch);
    assert_eq!(trades.field::<Bytes<5>>("symbol").unwrap_err().kind(), ErrorKind::DTypeMismatch);
}

#[test]
fn an_array_of_what_cannot_be_described_is_bytes() {
    #[derive(Clone, Copy)]
    struct Liar(#[allow(dead_code)] u8);
    impl mmap_array::Element for Liar {
        fn dtype() -> mmap_array::DType {
            mmap_array::DType::scalar(mmap_array::dtype::Kind::Void { len: isize::MAX as usize }).unwrap()
        }
    }
    assert_eq!(<[Liar; 2] as mmap_array::Element>::dtype().to_string(), "|V2");
}
