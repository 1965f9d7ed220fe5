//! Columns of Arrow's have what pyarrow makes of the same `.npy` files.
#![cfg(feature = "arrow")]

#[path = "../../../tests/python/mod.rs"]
mod python;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, DurationSecondType, Float16Type, Float32Type, Int32Type, TimestampNanosecondType, TimestampSecondType,
    UInt8Type,
};
use arrow_array::{
    Array, ArrayRef, BinaryArray, Date32Array, FixedSizeListArray, Int32Array, ListArray, RecordBatch, StringArray,
    StringViewArray, TimestampMillisecondArray,
};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{DataType, Schema};
use mmap_array::interop::{ArrowOptions, FromArrow, ToArrow};
use mmap_array::{DType, DynArray, DynView, ErrorKind, MmapArray, MmapArrayMut, Order, npy};
use python::Python;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

fn write(path: &Path, batches: &[RecordBatch]) {
    let mut writer = StreamWriter::try_new(File::create(path).unwrap(), &batches[0].schema()).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
}

/// A folder of files that NumPy has written; `None` where there is no Python.
fn made() -> Option<(&'static Python, TempDir)> {
    let python = Python::get()?;
    let folder = tempfile::tempdir().unwrap();
    python.run(include_str!("make.py"), [folder.path()]);
    Some((python, folder))
}

/// The rows of a file as one batch and as three, of which one is of a shared array and one of memory.
fn batches(path: &Path) -> (RecordBatch, [RecordBatch; 3]) {
    // SAFETY: nobody else writes or truncates the file.
    let array = unsafe { npy::dyn_options().open(path).unwrap() };
    let all = array.to_record_batch(..).unwrap_or_else(|error| panic!("{error}"));
    let shared = npy::dyn_options().open_shared(path).unwrap();
    let loaded = npy::dyn_options().load(path).unwrap();
    assert_eq!(*loaded.arrow_schema().unwrap(), *all.schema());
    let cut = array.shape()[0] / 3;
    let parts = [
        array.to_record_batch(..cut).unwrap(),
        shared.to_record_batch(cut..2 * cut).unwrap(),
        loaded.to_record_batch(2 * cut..).unwrap(),
    ];
    for (number, part) in parts.iter().enumerate() {
        assert_eq!(*part, all.slice(number * cut, part.num_rows()), "{}", path.display());
    }
    (all, parts)
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn parts_of_every_dtype_are_those_of_the_whole() {
    let Some((_, folder)) = made() else { return };
    let files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() > 200, "{}", files.len());
    files.iter().for_each(|path| drop(batches(path)));
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
#[cfg_attr(target_endian = "big", ignore = "arrow-ipc writes the machine's order there and does not say so")]
#[cfg_attr(target_arch = "x86", ignore = "flatbuffers aligns 64-bit numbers to 4 bytes there, which pyarrow refuses")]
fn every_dtype_is_what_pyarrow_makes_of_the_same_file() {
    let Some((python, folder)) = made() else { return };
    let mut files = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let (all, parts) = batches(&path);
        write(&path.with_extension("arrows"), if files % 2 == 0 { &parts } else { std::slice::from_ref(&all) });
        files += 1;
    }
    let compared = python.run(include_str!("compare.py"), [folder.path()]);
    assert!(files > 200 && compared.trim().parse::<usize>().unwrap() > files, "{compared} columns of {files} files");
}

fn dtype(text: &str) -> DType {
    text.parse().unwrap()
}

/// The machine's order, as a dtype writes it.
const NATIVE: char = if cfg!(target_endian = "big") { '>' } else { '<' };

/// The address of a column's values.
fn address(array: &dyn Array) -> usize {
    let data = array.to_data();
    match data.buffers() {
        [] => address(&*arrow_array::make_array(data.child_data()[0].clone())),
        buffers => buffers[0].as_ptr().addr(),
    }
}

#[test]
fn what_lies_as_arrow_has_it_is_not_copied_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("array");
    for (text, shape) in [
        ("f4", &[100, 6][..]),
        ("i1", &[600]),
        ("f2", &[600]),
        ("M8[ns]", &[600]),
        ("m8[s]", &[600]),
        ("V3", &[600]),
        ("(2,3)u8", &[100]),
        ("c16", &[300]),
    ] {
        let dtype = dtype(&text.replace("f4", &format!("{NATIVE}f4")).replace("u8", &format!("{NATIVE}u8")));
        let len = shape.iter().product::<usize>() * dtype.itemsize();
        fs::write(&path, (0..len).map(|n| n as u8).collect::<Vec<_>>()).unwrap();
        // SAFETY: nobody else writes or truncates the file.
        let array = unsafe { DynArray::options(dtype.clone()).shape(shape).open(&path).unwrap() };
        let options = ArrowOptions::new().complex_as_list();
        let batch = options.record_batch(&array, 1..).unwrap();
        let bytes = array.as_bytes().unwrap();
        let row = bytes.len() / shape[0];
        let column = batch.column(0);
        assert_eq!(address(&**column), bytes.as_ptr().addr() + row, "{text}");
        // Nobody else has the map then.
        let copy = ArrowOptions::new().complex_as_list().record_batch(&array.view(), 1..).unwrap();
        drop(array);
        assert_eq!(batch, copy);
        assert_ne!(address(&**column), address(&**copy.column(0)));
        // What has been found by itself cannot be written.
        assert!(column.to_data().buffers().iter().all(|buffer| buffer.clone().into_mutable().is_err()));
    }
}

#[test]
fn what_lies_otherwise_is_copied() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("array");
    let bytes: Vec<u8> = (0..96).collect();
    fs::write(&path, &bytes).unwrap();
    // SAFETY: nobody else writes or truncates the file.
    let open = |text: &str, offset| unsafe { DynArray::options(dtype(text)).offset(offset).open(&path).unwrap() };
    let numbers = |array: &DynArray| array.to_record_batch(..).unwrap().column(0).as_primitive::<Int32Type>().clone();
    let other = if NATIVE == '<' { '>' } else { '<' };
    let turned = open(&format!("{other}i4"), 0);
    assert!(numbers(&turned).values().iter().zip(bytes.chunks(4)).all(|(number, bytes)| {
        let bytes = bytes.try_into().unwrap();
        *number == if other == '>' { i32::from_be_bytes(bytes) } else { i32::from_le_bytes(bytes) }
    }));
    // Between two numbers of its own size.
    let odd = open(&format!("{NATIVE}i4"), 4 * 3 + 4);
    assert_eq!(address(&numbers(&odd)), odd.as_bytes().unwrap().as_ptr().addr());
    let odd = {
        // SAFETY: as above.
        unsafe { DynArray::options(dtype(&format!("{NATIVE}i4"))).offset(1).shape(5).open(&path).unwrap() }
    };
    assert_ne!(address(&numbers(&odd)), odd.as_bytes().unwrap().as_ptr().addr());
    assert!(numbers(&odd).values().iter().zip(bytes[1..].chunks(4)).all(|(n, b)| n.to_ne_bytes() == b));
    // SAFETY: as above.
    let columns = unsafe { DynArray::options(dtype("u1")).shape([8, 12]).order(Order::F).open(&path).unwrap() };
    let batch = columns.to_record_batch(2..4).unwrap();
    let list = batch.column(0).as_fixed_size_list();
    assert_eq!(list.value(0).as_primitive::<UInt8Type>().values()[..], (0..12).map(|n| 8 * n + 2).collect::<Vec<_>>());
    // An array that can be written is not lent.
    let mut counts = MmapArrayMut::<i32>::anonymous(4).unwrap();
    let dtype = <i32 as mmap_array::Element>::dtype();
    let batch = counts.view().to_dyn(&dtype).unwrap().to_record_batch(..).unwrap();
    counts.fill(7);
    assert_eq!(batch.column(0).as_primitive::<Int32Type>().values()[..], [0; 4]);
}

/// Fields of records with their types, and which can be null.
fn described(schema: &Schema) -> Vec<String> {
    let nullable = |nullable| if nullable { "?" } else { "" };
    let one = |field: &arrow_schema::FieldRef| {
        format!("{}: {}{}", field.name(), field.data_type(), nullable(field.is_nullable()))
    };
    schema.fields().iter().map(one).collect()
}

#[test]
fn a_schema_is_known_before_anything_is_read() {
    let text = "[('id', '<u4'), ('', '|V4'), (('price in cents', 'px'), '>i8'), ('t', '<M8[us]'), ('days', '<M8[D]', (2,)), \
                ('inner', [('a', '|b1'), ('b', '|S4')])]";
    let options = ArrowOptions::new();
    let schema = options.schema(&dtype(text), &[10]).unwrap();
    assert_eq!(
        described(&schema)[..5],
        [
            "id: UInt32",
            "px: Int64",
            "t: Timestamp(µs)?",
            "days: FixedSizeList(2 x Date32)",
            "inner: Struct(\"a\": non-null Boolean, \"b\": non-null Binary)"
        ]
    );
    assert_eq!(schema.field(1).metadata()["title"], "price in cents");
    // Where there are more axes, records are what lists hold.
    let schema = options.schema(&dtype("[('x', '<f4')]"), &[10, 2]).unwrap();
    assert_eq!(schema.fields().len(), 1);
    assert!(
        matches!(schema.field(0).data_type(), DataType::FixedSizeList(of, 2) if matches!(of.data_type(), DataType::Struct(_)))
    );
}

#[test]
fn options_choose_types() {
    let options = ArrowOptions::new().bytes_as_utf8().complex_as_list();
    let text = dtype("S4");
    let view = DynView::from_bytes("abc\0ö\0\0".as_bytes(), &text, 2).unwrap();
    let batch = options.record_batch(&view, ..).unwrap();
    assert_eq!(batch.column(0).as_string::<i32>().iter().collect::<Vec<_>>(), [Some("abc"), Some("ö")]);
    let complex = dtype(">c8");
    let bytes = [1.0_f32, 2.0, 3.0, 4.0].map(f32::to_be_bytes).concat();
    let view = DynView::from_bytes(&bytes, &complex, 2).unwrap();
    let batch = options.record_batch(&view, ..).unwrap();
    assert_eq!(
        batch.column(0).as_fixed_size_list().values().as_primitive::<Float32Type>().values()[..],
        [1.0, 2.0, 3.0, 4.0]
    );
    let batch = view.to_record_batch(1..).unwrap();
    let parts = batch.column(0).as_struct();
    assert_eq!(parts.column_by_name("im").unwrap().as_primitive::<Float32Type>().values()[..], [4.0]);
}

#[test]
fn nat_is_null_and_calendars_are_kept() {
    let counts = [i64::MIN, -1, 0, 50];
    let bytes = counts.map(i64::to_be_bytes).concat();
    let column = |text: &str| {
        let dtype = dtype(text);
        let view = DynView::from_bytes(&bytes, &dtype, 4).unwrap();
        view.to_record_batch(..).unwrap().column(0).clone()
    };
    let days = column(">M8[Y]");
    // 1969-01-01 and 2020-01-01.
    assert_eq!(days.as_primitive::<Date32Type>().iter().collect::<Vec<_>>(), [None, Some(-365), Some(0), Some(18_262)]);
    let days = column(">M8[2W]");
    assert_eq!(days.as_primitive::<Date32Type>().iter().collect::<Vec<_>>(), [None, Some(-14), Some(0), Some(700)]);
    let seconds = column(">M8[m]");
    let seconds = seconds.as_primitive::<TimestampSecondType>();
    assert_eq!(seconds.iter().collect::<Vec<_>>(), [None, Some(-60), Some(0), Some(3000)]);
    let spans = column(">m8[D]");
    let spans = spans.as_primitive::<DurationSecondType>();
    assert_eq!(spans.iter().collect::<Vec<_>>(), [None, Some(-86_400), Some(0), Some(4_320_000)]);
    let nanos = column(">M8[ns]");
    assert_eq!(nanos.as_primitive::<TimestampNanosecondType>().null_count(), 1);
}

#[test]
fn what_arrow_has_no_type_for_is_told_before_anything_is_read() {
    let refused = |text: &str, shape: &[usize]| {
        let error = ArrowOptions::new().schema(&dtype(text), shape).unwrap_err();
        (error.kind(), error.to_string())
    };
    let (kind, text) = refused("[('a', [('b', '<i4'), ('c', '<M8[ps]')])]", &[1]);
    assert_eq!(kind, ErrorKind::DType);
    assert!(text.contains("\"a.c\"") && text.contains("M8[ps]") && text.contains("nanoseconds"), "{text}");
    for text in ["M8", "m8[as]", "S0", "U0", "V0"] {
        assert_eq!(refused(text, &[1]).0, ErrorKind::DType, "{text}");
    }
    let (kind, text) = refused("[('x', '<f4'), ('none', '|S0')]", &[1]);
    assert_eq!(kind, ErrorKind::DType);
    assert!(text.contains("\"none\"") && text.contains("no bytes"), "{text}");
    assert_eq!(refused("f4", &[]).0, ErrorKind::Shape);
    if cfg!(target_pointer_width = "64") {
        assert_eq!(refused("f4", &[1, 1 << 31]).0, ErrorKind::Overflow);
    }
    // Rows without elements are rows all the same.
    let none = dtype("f4");
    let batch = DynView::from_bytes(&[], &none, [7, 0, 3]).unwrap().to_record_batch(2..).unwrap();
    assert_eq!((batch.num_rows(), batch.column(0).len()), (5, 5));
    assert_eq!(DynView::from_bytes(&[], &none, [0]).unwrap().to_record_batch(..).unwrap().num_rows(), 0);
}

#[test]
fn values_that_do_not_fit_are_named_by_field_and_row() {
    let refused = |text: &str, bytes: &[u8], options: ArrowOptions| {
        let dtype = dtype(text);
        let view = DynView::from_bytes(bytes, &dtype, [bytes.len() / dtype.itemsize()]).unwrap();
        let error = options.record_batch(&view, ..).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidValue);
        error.to_string()
    };
    let options = ArrowOptions::new();
    let text = refused("[('t', '>M8[D]', (2,))]", &[[0_u8; 8], [0; 8], [0; 8], [1; 8]].concat(), options);
    assert!(text.contains("\"t\"") && text.contains("row 1"), "{text}");
    let text = refused(">m8[W]", &[[0_u8; 8], [0x7f; 8]].concat(), options);
    assert!(text.contains("row 1") && text.contains("64 bits"), "{text}");
    let text = refused(">U2", &[0, 0, 0, 65, 0, 0, 0, 0, 0, 0, 0, 66, 0, 0x11, 0, 0], options);
    assert!(text.contains("row 1") && text.contains("0x110000"), "{text}");
    let text = refused("[('s', '|S2')]", b"ab\xc3a", options.bytes_as_utf8());
    assert!(text.contains("\"s\"") && text.contains("row 1") && text.contains("UTF-8"), "{text}");
    let view = DynView::from_bytes(&[1, 2], &DType::from_descr("'|u1'").unwrap(), 2).unwrap().to_record_batch(1..4);
    assert_eq!(view.unwrap_err().kind(), ErrorKind::OutOfRange);
}

#[test]
#[cfg(unix)]
#[cfg_attr(
    not(any(target_arch = "x86", target_arch = "x86_64", target_vendor = "apple")),
    ignore = "qemu's user mode dies of a lost page"
)]
fn of_a_file_that_is_cut_a_batch_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("array.npy");
    npy::save(&path, &vec![mmap_array::Be::new(1.5_f32); 1 << 20]).unwrap();
    let array = npy::dyn_options().open_shared(&path).unwrap();
    assert_eq!(array.to_record_batch(1000..2000).unwrap().num_rows(), 1000);
    File::options().write(true).open(&path).unwrap().set_len(1 << 20).unwrap();
    assert_eq!(array.to_record_batch(1 << 19..).unwrap_err().kind(), ErrorKind::Truncated);
}

#[test]
fn typed_arrays_make_batches_too() {
    let halves = MmapArrayMut::<[u8; 2]>::anonymous(3).unwrap().freeze();
    let batch = halves.to_record_batch(1..).unwrap();
    assert_eq!(batch.column(0).as_fixed_size_list().len(), 2);
    let bits = dtype(&format!("{NATIVE}f2"));
    let view = DynView::from_bytes(&[0; 6], &bits, 3).unwrap();
    assert_eq!(view.to_record_batch(..).unwrap().column(0).as_primitive::<Float16Type>().len(), 3);
    let _: fn(&MmapArray<f32>) -> RecordBatch = |array| array.to_record_batch(..).unwrap();
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn what_is_written_back_is_what_was_read() {
    let Some((_, folder)) = made() else { return };
    let mut files = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        // The others are the same elements with more axes.
        if !name.starts_with("plain") && !name.starts_with("record") {
            continue;
        }
        // SAFETY: nobody else writes or truncates the file.
        let array = unsafe { npy::dyn_options().open(&path).unwrap() };
        let batch = array.to_record_batch(..).unwrap();
        let has_interval = |field: &arrow_schema::FieldRef| matches!(field.data_type(), DataType::Interval(_));
        let kept: Vec<usize> =
            (0..batch.num_columns()).filter(|&column| !has_interval(&batch.schema().fields()[column])).collect();
        let batch = batch.project(&kept).unwrap();
        if kept.is_empty() {
            continue;
        }
        let back = folder.path().join("back");
        let halves = [batch.slice(0, 30), batch.slice(30, batch.num_rows() - 30)];
        FromArrow::new().nulls_as_nan().save(&back, &halves).unwrap_or_else(|error| panic!("{name}: {error}"));
        let again = npy::dyn_options().load(&back).unwrap();
        assert_eq!(again.to_record_batch(..).unwrap().columns(), batch.columns(), "{name}");
        files += 1;
    }
    assert!(files > 60, "{files}");
}

#[test]
fn batches_of_other_programs_become_records() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records.npy");
    let list = FixedSizeListArray::from_iter_primitive::<Int32Type, _, _>(
        [Some([Some(1), Some(2)]), Some([Some(3), Some(4)]), Some([Some(5), Some(6)])],
        2,
    );
    let times = TimestampMillisecondArray::from(vec![Some(5), None, Some(-1)]).with_timezone("+01:00");
    let text = vec!["", "zwölf", "🦀"];
    // Arrow's own views have their bytes in another order on big-endian machines.
    let text: ArrayRef = match cfg!(target_endian = "big") {
        true => Arc::new(StringArray::from(text)),
        false => Arc::new(StringViewArray::from(text)),
    };
    let days = Date32Array::from(vec![0, -1, 20_000]);
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("list", Arc::new(list) as ArrayRef, false),
        ("t", Arc::new(times), true),
        ("text", text, false),
        ("day", Arc::new(days), false),
    ])
    .unwrap();
    let refused = FromArrow::new().save(&path, std::slice::from_ref(&batch)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidValue);
    assert!(refused.to_string().contains("\"t\"") && refused.to_string().contains("row 1"), "{refused}");
    assert!(!path.exists() && fs::read_dir(&folder).unwrap().count() == 0);

    // Slices begin within their buffers.
    let parts = [batch.slice(0, 1), batch.slice(1, 2)];
    FromArrow::new().nulls_as_nan().save(&path, &parts).unwrap();
    let records = npy::dyn_options().load(&path).unwrap();
    assert_eq!(
        records.to_string(),
        "[([1, 2], '1970-01-01T00:00:00.005', '', '1970-01-01')\n ([3, 4],                     'NaT', 'zwölf', '1969-12-31')\n \
         ([5, 6], '1969-12-31T23:59:59.999', '🦀', '2024-10-04')]"
    );
}

#[test]
fn what_no_dtype_is_for_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records.npy");
    fs::write(&path, "here before").unwrap();
    let batch = |name: &str, column: ArrayRef| RecordBatch::try_from_iter([(name, column)]).unwrap();
    let refused = |batch: &RecordBatch, way: &FromArrow| {
        let error = way.save(&path, std::slice::from_ref(batch)).unwrap_err();
        assert_eq!(fs::read_to_string(&path).unwrap(), "here before");
        (error.kind(), error.to_string())
    };
    let way = FromArrow::new().nulls_as_nan();
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1)])]);
    let (kind, text) = refused(&batch("some", Arc::new(lists)), &way);
    assert_eq!(kind, ErrorKind::DType);
    assert!(text.contains("\"some\"") && text.contains("List"), "{text}");
    let (kind, text) = refused(&batch("n", Arc::new(Int32Array::from(vec![Some(1), None]))), &way);
    assert_eq!(kind, ErrorKind::InvalidValue);
    assert!(text.contains("\"n\"") && text.contains("row 1"), "{text}");
    let long = batch("s", Arc::new(StringArray::from(vec!["ab", "abc"])));
    let (kind, text) = refused(&long, &way.clone().text_len("s", 2));
    assert_eq!(kind, ErrorKind::InvalidValue);
    assert!(text.contains("row 1") && text.contains("3 characters") && text.contains("room for 2"), "{text}");
    let zero = batch("s", Arc::new(BinaryArray::from(vec![&b"ab"[..], b"a\0"])));
    assert_eq!(refused(&zero, &way).0, ErrorKind::InvalidValue);
    assert_eq!(way.save(&path, &[]).unwrap_err().kind(), ErrorKind::Shape);
    let unknown = way.create(&path, &long.schema()).unwrap_err();
    assert!(unknown.to_string().contains("`text_len`"), "{unknown}");
    let mut writer = way.clone().text_len("s", 9).create(&path, &long.schema()).unwrap();
    writer.write(&long).unwrap();
    let other = writer.write(&batch("s", Arc::new(Int32Array::from(vec![1])))).unwrap_err();
    assert_eq!(other.kind(), ErrorKind::DTypeMismatch);
    writer.write(&long).unwrap();
    writer.finish().unwrap();
    assert_eq!(npy::dyn_options().load(&path).unwrap().to_string(), "[('ab',) ('abc',) ('ab',) ('abc',)]");
}
