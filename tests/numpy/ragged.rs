//! Ragged rows are those of `np.split`, and of pyarrow's lists and strings.

use crate::python::Python;
use mmap_array::access::{Load, ReadOnly};
use mmap_array::view::{Offset, Ragged};
use mmap_array::{ArrayView, Be, DynArrayMut, Element, Le, MmapArray, npy};
use std::path::Path;

/// The lines that NumPy prints for the rows: their shapes and bytes.
fn lines<O: Element + Offset>(data: &DynArrayMut, offsets: &Path) -> Vec<[String; 2]>
where
    ReadOnly: Load<O>,
    mmap_array::access::ReadWrite: Load<O> + mmap_array::access::Stable<O>,
{
    let offsets = npy::load::<O>(offsets).unwrap();
    let rows = Ragged::new(data.view(), offsets.view()).unwrap();
    rows.check().unwrap();
    let line = |row: mmap_array::DynView<'_>| {
        let shape: Vec<String> = row.shape().iter().map(ToString::to_string).collect();
        let comma = if shape.len() == 1 { "," } else { "" };
        let bytes: String = row.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        [format!("({}{comma})", shape.join(", ")), bytes]
    };
    rows.iter().map(|row| line(row.unwrap())).collect()
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn ragged_rows_are_those_that_numpy_and_pyarrow_split() {
    let Some(python) = Python::get() else { return };
    let folder = tempfile::tempdir().unwrap();
    let printed = python.run(include_str!("ragged.py"), [folder.path()]);
    let expected: Vec<Vec<&str>> = printed.lines().map(|line| line.split('\t').collect()).collect();
    let of = |name: &str, kind: &str| -> Vec<[String; 2]> {
        let lines = expected.iter().filter(|line| line[0] == name && line[1] == kind);
        lines.map(|line| [line[2].to_owned(), line[3].to_owned()]).collect()
    };
    for name in ["u2", "f8", "f", "record"] {
        let data = npy::dyn_options().load(folder.path().join(format!("{name}.npy"))).unwrap();
        let check = |kind: &str, lines: fn(&DynArrayMut, &Path) -> Vec<[String; 2]>| {
            let expected = of(name, kind);
            assert_eq!(expected.len(), 29);
            assert_eq!(lines(&data, &folder.path().join(format!("{name}{kind}.npy"))), expected, "{name} {kind}");
        };
        check("i4le", lines::<Le<i32>>);
        check("i4be", lines::<Be<i32>>);
        check("u4le", lines::<Le<u32>>);
        check("u4be", lines::<Be<u32>>);
        check("i8le", lines::<Le<i64>>);
        check("i8be", lines::<Be<i64>>);
        check("u8le", lines::<Le<u64>>);
        check("u8be", lines::<Be<u64>>);
    }

    // The sums of lengths that the documentation gives.
    let lengths = npy::load::<Le<u16>>(folder.path().join("lengths.npy")).unwrap();
    let mut offsets = vec![0_i64];
    for length in lengths.iter() {
        offsets.push(offsets[offsets.len() - 1] + i64::from(length.get()));
    }
    let cumulative = npy::load::<Le<i64>>(folder.path().join("cumulative.npy")).unwrap();
    assert_eq!(cumulative.view().to_native_vec(), offsets);

    // Arrow's offsets and values; a slice's offsets begin elsewhere.
    for name in ["lists", "sliced"] {
        let values = MmapArray::<Le<i32>>::options().load(folder.path().join(format!("{name}.data"))).unwrap();
        let offsets = MmapArray::<Le<i32>>::options().load(folder.path().join(format!("{name}.offsets"))).unwrap();
        let rows = Ragged::new(values.view(), offsets.view()).unwrap();
        let text = |row: ArrayView<'_, Le<i32>>| [row.len().to_string(), format!("{:?}", row.to_native_vec())];
        assert_eq!(rows.iter().map(|row| text(row.unwrap())).collect::<Vec<_>>(), of(name, "arrow"), "{name}");
    }
    let bytes = MmapArray::<u8>::options().load(folder.path().join("texts.data")).unwrap();
    let offsets = MmapArray::<Le<i64>>::options().shape(5).load(folder.path().join("texts.offsets")).unwrap();
    let rows = Ragged::new(bytes.view(), offsets.view()).unwrap();
    let texts: Vec<_> = rows.iter().map(|row| String::from_utf8(row.unwrap().to_vec()).unwrap()).collect();
    assert_eq!(texts, ["", "añb", "語", "x"]);
}
