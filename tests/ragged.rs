//! Rows of different lengths.

use mmap_array::access::{Load, ReadOnly};
use mmap_array::view::{Offset, Ragged};
use mmap_array::{ArrayView, Be, DType, DynView, ErrorKind, Le, MmapArrayMut, Result, npy, shared};
use std::fmt::Debug;

mod random;
use random::Random;

fn view<T: bytemuck::Pod>(elements: &[T]) -> ArrayView<'_, T> {
    ArrayView::from_slice(elements, elements.len()).unwrap()
}

/// Every row of the data between offsets of one type, by each way to have them.
fn check_all<O: Offset + Debug + bytemuck::Pod>(data: &[u16], bounds: &[usize], offset: impl Fn(usize) -> O)
where
    ReadOnly: Load<O>,
{
    let offsets: Vec<O> = bounds.iter().map(|&bound| offset(bound)).collect();
    let rows = Ragged::new(view(data), view(&offsets)).unwrap();
    let expected: Vec<&[u16]> = bounds.windows(2).map(|pair| &data[pair[0]..pair[1]]).collect();
    rows.check().unwrap();
    assert_eq!((rows.len(), rows.is_empty()), (expected.len(), expected.is_empty()));
    let found: Vec<_> = rows.iter().map(|row| row.unwrap().to_vec()).collect();
    assert_eq!(found, expected, "{offsets:?}");
    for (index, &row) in expected.iter().enumerate() {
        assert_eq!(rows.row(index).unwrap().as_slice(), Some(row));
        assert_eq!(rows.get(index).unwrap().to_vec(), row);
    }
    assert!(rows.iter().rev().map(|row| row.unwrap().len()).eq(expected.iter().rev().map(|row| row.len())));
    let error = rows.row(rows.len()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfRange);
    assert_eq!(error.to_string(), format!("row {0} is outside the {0} ragged rows", rows.len()));
    assert!(rows.get(rows.len()).is_none() && rows.get(usize::MAX).is_none() && rows.row(usize::MAX).is_err());
}

#[test]
fn rows_are_the_slices_between_offsets_of_every_type() {
    let data: Vec<u16> = (0..1000).collect();
    let mut random = Random(1);
    let mut cases: Vec<Vec<usize>> = vec![vec![], vec![0], vec![1000], vec![0, 0], vec![0, 1000], vec![3, 3, 7, 7, 7]];
    for _ in 0..20 {
        let mut bounds: Vec<usize> = (0..random.below(40)).map(|_| random.below(1001) as usize).collect();
        bounds.sort_unstable();
        cases.push(bounds);
    }
    for bounds in &cases {
        check_all(&data, bounds, |bound| bound as i32);
        check_all(&data, bounds, |bound| bound as u32);
        check_all(&data, bounds, |bound| bound as i64);
        check_all(&data, bounds, |bound| bound as u64);
        check_all(&data, bounds, |bound| Le::new(bound as i32));
        check_all(&data, bounds, |bound| Be::new(bound as u32));
        check_all(&data, bounds, |bound| Be::new(bound as i64));
        check_all(&data, bounds, |bound| Le::new(bound as u64));
    }
    check_all(&[], &[0, 0, 0], |bound| bound as i32);
}

#[test]
fn data_of_several_axes_in_any_layout_have_rows_along_the_first() {
    let data: Vec<i32> = (0..24).collect();
    let all = ArrayView::from_slice(&data, [2, 3, 4]).unwrap();
    let offsets = [0_u32, 1, 4];
    // In Fortran order, with a stride, and backwards.
    for data in [all.t(), all.t().step_axis(1, -1), all.permute_axes([2, 0, 1])] {
        let rows = Ragged::new(data.clone(), view(&offsets)).unwrap();
        assert!(rows.row(0).unwrap() == data.rows(..1) && rows.row(1).unwrap() == data.rows(1..));
        assert_eq!(rows.row(1).unwrap().shape()[1..], data.shape()[1..]);
    }
    // Offsets that are not contiguous, at an odd address, as a column of a table.
    let bytes: Vec<u8> =
        [0_u64, 9, 2, 9, 3, 9].iter().fold(vec![0], |bytes, n| [bytes, n.to_le_bytes().to_vec()].concat());
    let table = ArrayView::from_slice(&bytes[1..], bytes.len() - 1).unwrap().view_as::<[Le<u64>; 2]>().unwrap();
    let offsets = table.view_as::<Le<u64>>().unwrap().step_axis(0, 2);
    let rows = Ragged::new(all.t(), offsets).unwrap();
    assert_eq!(rows.iter().map(|row| row.unwrap().shape()[0]).collect::<Vec<_>>(), [2, 1]);
}

#[test]
fn offsets_that_are_none_of_the_data_are_errors_that_name_them() {
    fn texts<O: Offset + bytemuck::Pod>(offsets: &[O]) -> Vec<Option<String>>
    where
        ReadOnly: Load<O>,
    {
        let data = [1_u8, 2, 3, 4];
        let rows = Ragged::new(view(&data), view(offsets)).unwrap();
        let results: Vec<Result<_>> = rows.iter().collect();
        for (index, result) in results.iter().enumerate() {
            assert_eq!(rows.get(index).is_some(), result.is_ok());
        }
        let texts: Vec<_> = results.iter().map(|result| result.as_ref().err().map(ToString::to_string)).collect();
        let first = results.into_iter().find_map(Result::err);
        assert_eq!(
            rows.check().map_err(|error| error.to_string()),
            first.as_ref().map_or(Ok(()), |e| Err(e.to_string()))
        );
        if let Some(error) = first {
            assert_eq!(error.kind(), ErrorKind::OutOfRange);
            assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::InvalidData);
        }
        texts
    }
    let outside = |row: usize, start: &str, end: &str| {
        Some(format!(
            "row {row} is {start}..{end} of the data, which have only 4 rows: the offsets must count rows of the data, \
             not bytes, and be those of these data"
        ))
    };
    let decrease = |row: usize, start: &str, end: &str| {
        Some(format!(
            "row {row} begins at {start} but ends at {end}: offsets must not decrease; those of rows with these \
             lengths are the cumulative sums of the lengths, beginning with 0"
        ))
    };
    assert_eq!(texts(&[0, 4, 4, 5]), [None, None, outside(2, "4", "5")]);
    assert_eq!(texts(&[0, 3, 2, 4]), [None, decrease(1, "3", "2"), None]);
    assert_eq!(texts(&[-1, 2, i32::MIN]), [outside(0, "-1", "2"), decrease(1, "2", "-2147483648")]);
    assert_eq!(texts(&[-3_i64, -1]), [outside(0, "-3", "-1")]);
    let most = "18446744073709551615";
    assert_eq!(texts(&[u64::MAX, u64::MAX, 0]), [outside(0, most, most), decrease(1, most, "0")]);
    assert_eq!(texts(&[Be::new(i64::MAX), Be::new(0)]), [decrease(0, "9223372036854775807", "0")]);
    assert_eq!(texts(&[Le::new(5_u32), Le::new(5)]), [outside(0, "5", "5")]);
}

#[test]
fn what_has_no_rows_and_what_are_no_offsets_is_refused() {
    let point = ArrayView::from_slice(&[1_u8], ()).unwrap();
    let error = Ragged::new(point, view(&[0_i32])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape, "{error}");
    let table = ArrayView::from_slice(&[0_i32, 1], [1, 2]).unwrap();
    let error = Ragged::new(view(&[1_u8]), table).unwrap_err();
    assert_eq!(error.to_string(), "the offsets of ragged rows must have one axis, but their shape is [1, 2]");
    assert_eq!(error.kind(), ErrorKind::Shape);
    let rows = Ragged::new(view(&[1_u8]), view(&[0_i32, 1])).unwrap();
    assert_eq!(format!("{rows:?}"), "Ragged { rows: 1, .. }");
}

#[test]
fn dynamic_data_have_rows_too() {
    let dtype = DType::from_descr("[('a', '>i2'), ('b', 'u1')]").unwrap();
    let bytes: Vec<u8> = (0..12).collect();
    let data = DynView::from_bytes(&bytes, &dtype, 4).unwrap();
    let offsets = [0_i64, 3, 4];
    let rows = Ragged::new(data, view(&offsets)).unwrap();
    rows.check().unwrap();
    assert_eq!(rows.row(0).unwrap().to_string(), "[(   1, 2) ( 772, 5) (1543, 8)]");
    assert_eq!(rows.row(1).unwrap().field("b").unwrap().typed::<u8>().unwrap().to_vec(), [11]);
}

#[test]
fn rows_outlive_what_they_were_asked_of() {
    let data = MmapArrayMut::<u8>::anonymous(5).unwrap();
    let offsets = [0_u32, 2, 5];
    let last = {
        let rows = Ragged::new(data.view(), view(&offsets)).unwrap();
        rows.row(1).unwrap()
    };
    assert_eq!(last.len(), 3);
}

#[test]
fn shared_rows_are_right_or_an_error_while_the_offsets_change() {
    const LEN: u64 = 1000;
    let folder = tempfile::tempdir().unwrap();
    let (data, offsets) = (folder.path().join("data.npy"), folder.path().join("offsets.npy"));
    npy::save(&data, &(0..LEN).collect::<Vec<_>>()).unwrap();
    npy::save(&offsets, &vec![0_u64; 11]).unwrap();
    let data = npy::options::<u64>().open_shared(&data).unwrap();
    let writer = npy::options::<u64>().open_shared_mut(&offsets).unwrap();
    let offsets = npy::options::<u64>().open_shared(&offsets).unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    let (mut right, mut wrong) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut random = Random(5);
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let value = if random.below(4) == 0 { u64::MAX - random.below(3) } else { random.below(LEN + 2) };
                writer.set([random.below(11) as usize], value).unwrap();
            }
        });
        for _ in 0..20_000 {
            shared::read((&data, &offsets), |(data, offsets)| {
                for row in Ragged::new(data, offsets).unwrap().iter() {
                    match row {
                        // Each row is a range of the data, whatever the offsets are by now.
                        Ok(row) => {
                            let first = if row.is_empty() { 0 } else { row.at([0]) };
                            assert!(row.len() as u64 <= LEN && first < LEN);
                            assert!(row.is_empty() || row.at([row.len() - 1]) == first + row.len() as u64 - 1);
                            right += 1;
                        }
                        Err(error) => {
                            assert_eq!(error.kind(), ErrorKind::OutOfRange);
                            wrong += 1;
                        }
                    }
                }
            })
            .unwrap();
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    assert!(right > 0 && wrong > 0, "{right} right, {wrong} wrong");
}
