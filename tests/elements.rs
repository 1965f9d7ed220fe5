//! Element types in files: what is written is what NumPy would write, and what is read is what it says.

use bytemuck::{Pod, Zeroable};
use mmap_array::element::unit::{Day, Nanosecond};
use mmap_array::{
    ArrayView, Be, Element, Le, MmapArray, MmapArrayMut,
    element::{Bool, Bytes, DateTime64, I24, I40, I48, I56, TimeDelta64, U24, U40, U48, U56, Ucs4},
    field,
};
use std::fs;

/// `[('time', '>M8[ns]'), ('price', '>f8'), ('symbol', 'S4'), ('open', '?'), ('name', '<U2')]`: 29 bytes, nothing
/// aligned.
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
    use mmap_array::ErrorKind;
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

/// Bit patterns of integers of so many bytes in the bytes of a larger one: all, or a part of them where they are many.
fn patterns(bytes: usize) -> impl Iterator<Item = u64> + Clone {
    let all = 1_u64 << (8 * bytes);
    // A prime, so that all bytes take all values.
    let step = match (bytes, cfg!(debug_assertions)) {
        (3, false) => 1,
        (3, true) => 251,
        _ => (all / 100_000) | 1,
    };
    let edges = [0, 1, all / 2 - 1, all / 2, all / 2 + 1, all - 1];
    (0..all).step_by(usize::try_from(step).unwrap_or(usize::MAX)).chain(edges)
}

macro_rules! integers {
    ($($test:ident: $integer:ident $bytes:literal $wide:ident;)*) => {$(
        #[test]
        fn $test() {
            let upper = 64 - 8 * $bytes;
            // The sign, if there is one, is spread over the upper bits.
            let value = |bits: u64| match $wide::MIN {
                0 => bits as $wide,
                _ => ((bits << upper) as i64 >> upper) as $wide,
            };
            let bits: Vec<u64> = patterns($bytes).collect();
            let values: Vec<$wide> = bits.iter().map(|&bits| value(bits)).collect();
            let little: Vec<[u8; $bytes]> =
                bits.iter().map(|bits| std::array::from_fn(|byte| bits.to_le_bytes()[byte])).collect();
            let big: Vec<[u8; $bytes]> = little.iter().map(|&bytes| reversed(bytes)).collect();
            let (little, big) = (view(&little), view(&big));
            let (little, big) =
                (little.view_as::<Le<$integer>>().unwrap(), big.view_as::<Be<$integer>>().unwrap());
            assert_eq!(little.to_vec_as::<$wide>(), values);
            assert_eq!(big.to_vec_as::<$wide>(), values);
            assert_eq!(big.to_vec_as::<f64>(), values.iter().map(|&value| value as f64).collect::<Vec<_>>());
            assert_eq!(little.to_vec_as::<u16>(), values.iter().map(|&value| value as u16).collect::<Vec<_>>());
            let native = big.to_native_vec();
            assert!(native.iter().zip(&values).all(|(&native, &value)| native.get() == value));
            assert!(native.iter().zip(&values).all(|(&native, &value)| $integer::try_from(value).unwrap() == native));
            // The lowest bytes of wider ones.
            let wide: Vec<$wide> = values.iter().map(|value| value.wrapping_add(5 << (8 * $bytes - 1) << 1)).collect();
            assert_eq!(view(&wide).to_vec_as::<Be<$integer>>().len(), values.len());
            assert!(view(&wide).to_vec_as::<Be<$integer>>().iter().zip(&native).all(|(ours, native)| ours == native));

            let numbers = view(&values);
            assert_eq!((little.sum(), big.mean()), (numbers.sum(), numbers.mean()));
            assert_eq!(little.min().map(|least| least.get().get()), values.iter().min().copied());
            assert_eq!(big.max().map(|most| $wide::from(most)), values.iter().max().copied());
            assert_eq!($integer::MIN.get() as i128, if $wide::MIN == 0 { 0 } else { -1 << (8 * $bytes - 1) });
            let ones = (u64::MAX >> upper) as $wide;
            assert_eq!($integer::MAX.get(), $integer::MIN.get().wrapping_sub(1) & ones & $wide::MAX);
            assert!($integer::MIN < $integer::MAX && native[0] < native[1]);
            assert_eq!(view(&native).rows(1..3).to_string(), view(&values).rows(1..3).to_string());
            for beyond in [$wide::MAX, $integer::MAX.get() + 1, $integer::MIN.get().wrapping_sub(1)] {
                let error = $integer::try_from(beyond).unwrap_err().to_string();
                let (name, range) = (stringify!($integer), format!("{} to {}", $integer::MIN, $integer::MAX));
                let expected = format!("{beyond} does not fit in the {} bits of `{name}`, {range}", 8 * $bytes);
                assert_eq!(error, expected);
            }
            assert_eq!(view(&[-1e30_f64, f64::NAN, 2.9, 1e30]).to_vec_as::<$integer>(), [
                $integer::MIN, $integer::default(), $integer::from(2_u8), $integer::MAX
            ]);
            assert_eq!($integer::dtype(), format!("V{}", $bytes).parse().unwrap());
            assert_eq!((size_of::<Be<$integer>>(), align_of::<$integer>()), ($bytes, 1));
        }
    )*};
}
integers! {
    integers_of_3_bytes_with_a_sign: I24 3 i32;
    integers_of_3_bytes_without: U24 3 u32;
    integers_of_5_bytes_with_a_sign: I40 5 i64;
    integers_of_5_bytes_without: U40 5 u64;
    integers_of_6_bytes_with_a_sign: I48 6 i64;
    integers_of_6_bytes_without: U48 6 u64;
    integers_of_7_bytes_with_a_sign: I56 7 i64;
    integers_of_7_bytes_without: U56 7 u64;
}

fn view<T: Pod>(elements: &[T]) -> ArrayView<'_, T> {
    ArrayView::from_slice(elements, elements.len()).unwrap()
}

fn reversed<const N: usize>(mut bytes: [u8; N]) -> [u8; N] {
    bytes.reverse();
    bytes
}
