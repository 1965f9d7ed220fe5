//! Dtypes that NumPy made, read here, and dtypes that were made here, read by NumPy: one line says all of each, and
//! both sides must say the same.

#[allow(dead_code)]
#[path = "../../tests/python/mod.rs"]
mod python;
#[path = "../../tests/numpy/told.rs"]
mod told;

use mmap_array::{
    DType,
    dtype::{Endianness, Kind, RecordField, TimeUnit},
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use python::Python;
use std::collections::HashSet;
use std::fs;
use told::{PROGRAM, layout, told};

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn every_dtype_of_numpys_is_read_as_numpy_lays_it_out() {
    let Some(python) = Python::get() else { return };
    let printed = python.run(PROGRAM, ["make", "3", "4000"]);
    let (mut read, mut paths) = (0, 0);
    for line in printed.split_terminator('\n') {
        let descr = line.split('\t').next().unwrap();
        let dtype = DType::from_descr(descr).unwrap_or_else(|error| panic!("{descr}: {error}"));
        assert_eq!(told(&dtype), line);
        read += 1;
        // A name with a dot in it may be the path of another field.
        if !dotted(&dtype) {
            paths += check_paths(&dtype, &dtype, &mut Vec::new(), 0);
        }
    }
    assert!(read > 4000 && paths > 4000, "{paths} paths in {read} dtypes");
}

fn dotted(dtype: &DType) -> bool {
    let names = |field: &RecordField| field.name.contains('.') || field.title.as_ref().is_some_and(|t| t.contains('.'));
    dtype.fields().iter().any(|field| names(field) || dotted(&field.dtype))
}

/// Every field is found by its path, at the sum of the offsets on the way. Returns how many there are.
fn check_paths(whole: &DType, part: &DType, path: &mut Vec<String>, start: usize) -> usize {
    let mut count = 0;
    for field in part.fields() {
        path.push(field.name.clone());
        assert_eq!(whole.field(&path.join(".")).unwrap(), (start + field.offset, &field.dtype), "{path:?}");
        count += 1 + check_paths(whole, &field.dtype, path, start + field.offset);
        path.pop();
    }
    count
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn numpy_reads_every_dtype_as_it_was_made() {
    let Some(python) = Python::get() else { return };
    // Where C's `long double` has no 16 bytes, NumPy has none of `f16` and `c32`.
    let longest = python.run(PROGRAM, ["long double"]).trim().parse().unwrap();
    let mut runner = TestRunner::deterministic();
    let strategy = record(longest);
    let random = (0..1500).map(|_| strategy.new_tree(&mut runner).unwrap().current());
    let dtypes: Vec<DType> = edges().into_iter().chain(random).collect();

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("descrs");
    fs::write(&path, dtypes.iter().map(|dtype| dtype.descr().unwrap() + "\n").collect::<String>()).unwrap();
    let printed = python.run(PROGRAM, ["read".as_ref(), path.as_os_str()]);
    let lines: Vec<&str> = printed.split_terminator('\n').collect();
    assert_eq!(lines.len(), dtypes.len());
    for (dtype, line) in dtypes.iter().zip(lines) {
        assert_eq!(told(dtype), line);
    }
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn records_told_by_offsets_are_laid_out_as_numpy_does() {
    let Some(python) = Python::get() else { return };
    let lines = python.run(PROGRAM, ["dicts", "11", "6000"]);
    let (mut read, mut printed, mut refused) = (0, 0, 0);
    for line in lines.split_terminator('\n') {
        let parts: Vec<&str> = line.split('\t').collect();
        match (parts[0].parse::<DType>(), &parts[1..]) {
            (Ok(dtype), [said, text]) => {
                assert_eq!((layout(&dtype).as_str(), parts[0]), (*said, parts[0]));
                if !text.is_empty() {
                    assert_eq!(text.parse::<DType>().unwrap_or_else(|error| panic!("{text}: {error}")), dtype);
                    printed += 1;
                }
                assert_eq!(dtype.to_string().parse::<DType>().unwrap(), dtype, "{dtype}");
                read += 1;
            }
            (Err(_), [refusal]) => {
                assert!(refusal.starts_with("refused: "));
                refused += 1;
            }
            (here, there) => panic!("{}: here {here:?}, in NumPy {there:?}", parts[0]),
        }
        assert!(DType::from_descr(parts[0]).is_err(), "a header with a dict: {line}");
    }
    assert!(printed > 1000 && refused > 500, "{read} read, {printed} as NumPy prints them, {refused} refused");
}

/// What `numpy.dtype` makes of texts, or that it refuses them.
const SHORT: &str = r#"
import random, sys, warnings
import numpy as np
warnings.simplefilter("ignore")
rng = random.Random(9)
words = ["i4", "f4", "f8", "?", "u1", "b", "S5", "U3", "V3", "c16", "M8[s]", "m8[25us]", "float64", "int8", "e", "c", "x9"]
repeats = [""] * 6 + ["3", "(2,)", "(2,3)", "(2, 3)", "( 4,)", "()", "0", "10 ", "(1,)", "2,", "02", "(2", "2)", "(,)"]
repeats += ["(0,2)", "2 3", "(2)", "00", "(2147483648,)", "99999999999999999999", "(9999,9999,99)"]
orders = [""] * 8 + ["<", ">", "=", "|"]
separators = [","] * 8 + [", ", " ,", " , ", ";", ",,", " "]
texts = ["i4,(10,)f4,i4", "(3,3)i4", "i4,f4", "(2)i4", "i4,", "3i4,", ",i4", " i4,f4", "i4,f4 ", "i4\t,\tf4", "\ti4,f4"]
texts += ["3", "()", "(2,)3i4", "3(2,)i4", "<>i4,i4", "<<i4,i4", "=<i4,i4", "-1i4", "+3i4", "(-1,)i4", "i4,O", "l,i4"]
texts += ["é,i4", "3é", "(a,)i4", "((2,),)i4", "i4(2,)f4", "M8[D]f4,i4", "M8[s,i4", "[s],i4", "f4,i4]", "0x2i4", "1_0i4"]
for _ in range(3000):
    parts = [rng.choice(orders) + rng.choice(repeats) + rng.choice(orders + [""] * 20) + rng.choice(words)
             for _ in range(rng.choice([1, 1, 2, 2, 3, 5]))]
    text = parts[0]
    for part in parts[1:]:
        text += rng.choice(separators) + part
    texts.append(text + rng.choice([""] * 8 + [",", " ", ", "]))
for text in texts:
    try:
        dtype = np.dtype(text)
        # A type that varies with the machine, and objects, are refused here.
        made = "varies" if "l" in text.split(",") or "O" in text else str(np.dtype([("a", dtype)]).descr)
    except Exception:
        made = "refused"
    print(text.replace("\t", "\0"), made, sep="\t")
"#;

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
#[cfg_attr(
    target_endian = "big",
    ignore = "NumPy runs on a machine of the other byte order, which short texts leave out"
)]
fn short_texts_are_read_as_numpy_does() {
    let Some(python) = Python::get() else { return };
    let (mut read, mut refused) = (0, 0);
    for line in python.run(SHORT, [""; 0]).lines() {
        let (text, made) = line.split_once('\t').unwrap();
        let text = text.replace('\0', "\t");
        let ours = text.parse::<DType>();
        if made == "refused" || made == "varies" {
            let error = ours.map(|dtype| panic!("{text:?} is {dtype}, which NumPy refuses")).unwrap_err();
            assert!(!error.to_string().is_empty());
            refused += 1;
            continue;
        }
        let ours = ours.unwrap_or_else(|error| panic!("{text:?}, which NumPy takes for {made}: {error}"));
        let field = DType::packed_record([("a", ours)]).unwrap();
        assert_eq!(field, DType::from_descr(made).unwrap(), "{text:?}");
        read += 1;
        // In a header it is refused, as before.
        let quoted = format!("'{text}'");
        assert!(!text.contains(',') || DType::from_descr(&quoted).is_err(), "{quoted}");
    }
    assert!(read > 500 && refused > 500, "{read} read, {refused} refused");
}

/// The largest, the deepest and those of the most parts.
fn edges() -> Vec<DType> {
    let scalar = |kind| DType::scalar(kind).unwrap();
    let byte = || scalar(Kind::UInt { size: 1, order: Endianness::NATIVE });
    let packed = |fields: Vec<(String, DType)>| DType::packed_record(fields).unwrap();
    let only = |dtype| packed(vec![("a".into(), dtype)]);
    vec![
        scalar(Kind::Void { len: 2147483647 }),
        scalar(Kind::Ucs4 { len: 536870911, order: Endianness::Big }),
        packed(vec![("a".into(), scalar(Kind::Bytes { len: 2147483646 })), ("b".into(), byte())]),
        only(DType::array(byte(), [2147483647]).unwrap()),
        only(DType::array(byte(), [0, 2147483647, 2147483647]).unwrap()),
        only(DType::array(byte(), [1; 64]).unwrap()),
        DType::record([], 2147483647).unwrap(),
        // As deep as this crate goes.
        (0..64).fold(byte(), |dtype, _| only(dtype)),
        packed((0..2000).map(|i| (format!("field {i}"), byte())).collect()),
    ]
}

// Dtypes at random ---------------------------------------------------------------------------------------------------

fn scalar(longest: usize) -> impl Strategy<Value = DType> {
    let order = || select(&[Endianness::Little, Endianness::Big][..]);
    let size = |sizes: &'static [usize]| select(sizes);
    let long = longest == 16;
    let floats: &[usize] = if long { &[2, 4, 8, 16] } else { &[2, 4, 8] };
    let complex: &[usize] = if long { &[8, 16, 32] } else { &[8, 16] };
    let units = [
        TimeUnit::Year,
        TimeUnit::Month,
        TimeUnit::Week,
        TimeUnit::Day,
        TimeUnit::Hour,
        TimeUnit::Minute,
        TimeUnit::Second,
        TimeUnit::Millisecond,
        TimeUnit::Microsecond,
        TimeUnit::Nanosecond,
        TimeUnit::Picosecond,
        TimeUnit::Femtosecond,
        TimeUnit::Attosecond,
        TimeUnit::Generic,
    ];
    let span = (select(units.to_vec()), prop_oneof![Just(1), 1..100_u32, Just(2147483647)], order(), any::<bool>());
    let kind = prop_oneof![
        Just(Kind::Bool),
        (size(&[1, 2, 4, 8]), order()).prop_map(|(size, order)| Kind::Int { size, order }),
        (size(&[1, 2, 4, 8]), order()).prop_map(|(size, order)| Kind::UInt { size, order }),
        (size(floats), order()).prop_map(|(size, order)| Kind::Float { size, order }),
        (size(complex), order()).prop_map(|(size, order)| Kind::Complex { size, order }),
        (0..40_usize).prop_map(|len| Kind::Bytes { len }),
        (0..40_usize, order()).prop_map(|(len, order)| Kind::Ucs4 { len, order }),
        (0..40_usize).prop_map(|len| Kind::Void { len }),
        span.prop_map(|(unit, count, order, point)| match point {
            true => Kind::DateTime64 { unit, count, order },
            false => Kind::TimeDelta64 { unit, count, order },
        }),
    ];
    kind.prop_map(|kind| DType::scalar(kind).unwrap())
}

fn name() -> impl Strategy<Value = String> {
    const PARTS: &[&str] = &[
        "x",
        "Y",
        "7",
        "_",
        ".",
        " ",
        "'",
        "\"",
        "\\",
        "\t",
        "\r\n",
        "\0",
        "\x1f",
        "\u{80}",
        "\u{a0}",
        "é",
        "Ω",
        "字",
        "\u{301}",
        "\u{feff}",
        "\u{2029}",
        "\u{f8ff}",
        "🦀",
        "\u{10fffe}",
        "[",
        ")",
        ",",
        "#",
        "\\N{",
        "', '<i4'), ('",
    ];
    vec(select(PARTS), 0..4).prop_map(|parts| parts.concat())
}

/// A field before it has its place: its name, perhaps a title, what it holds, the shapes of its subarrays and the bytes
/// of nothing in front of it.
type Unplaced = (String, Option<String>, DType, Vec<Vec<usize>>, usize);

fn record(longest: usize) -> impl Strategy<Value = DType> {
    let gap = || prop_oneof![3 => Just(0_usize), 1 => 0..20_usize];
    let whole = move |part: BoxedStrategy<DType>| {
        let shape = vec(prop_oneof![1 => Just(0_usize), 9 => 1..4_usize], 1..5);
        let shapes = prop_oneof![2 => Just(Vec::new()), 1 => vec(shape, 1..3)];
        let title = prop::option::weighted(0.2, name());
        (vec((name(), title, part, shapes, gap()), 0..5), gap()).prop_map(|(fields, tail)| placed(fields, tail))
    };
    let part = scalar(longest).prop_recursive(3, 40, 4, move |part| whole(part.boxed()));
    whole(part.boxed())
}

fn placed(unplaced: Vec<Unplaced>, tail: usize) -> DType {
    let mut taken = HashSet::new();
    let mut end = 0;
    let mut fields = Vec::new();
    for (name, title, mut dtype, shapes, gap) in unplaced {
        for shape in shapes {
            // Of elements without bytes NumPy makes no subarrays; larger ones tell no more.
            if (1..10_000).contains(&dtype.itemsize()) {
                dtype = DType::array(dtype, shape).unwrap();
            }
        }
        let title = title.filter(|title| *title != name && !taken.contains(title));
        let nameless =
            name.is_empty() && title.is_none() && matches!(dtype.kind(), Kind::Void { .. } | Kind::Array { .. });
        // A void field without a name is padding to NumPy, and `descr` refuses it.
        if nameless || !taken.insert(name.clone()) {
            continue;
        }
        taken.extend(title.clone());
        let offset = end + gap;
        end = offset + dtype.itemsize();
        let field = RecordField::new(name, offset, dtype);
        fields.push(match title {
            Some(title) => field.with_title(title),
            None => field,
        });
    }
    DType::record(fields, end + tail).unwrap()
}
