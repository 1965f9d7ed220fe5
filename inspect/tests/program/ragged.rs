//! Rows of different lengths, between offsets that another array has, against NumPy and SciPy.

use crate::{args, inspected, inspected_on};
use mmap_array::npy;
use mmap_inspect::{Failure, Terminal};
use std::fs;
use std::path::{Path, PathBuf};

fn ragged(data: &Path, offsets: &Path, rest: &str) -> Result<String, Failure> {
    inspected(args(data, rest).into_iter().chain(["--offsets".into(), offsets.into()]))
}

/// A file with offsets.
fn saved(folder: &Path, name: &str, offsets: &[i64]) -> PathBuf {
    let path = folder.join(name);
    npy::save(&path, offsets).unwrap();
    path
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn rows_are_what_lies_between_offsets() {
    let Some(python) = crate::python::Python::get() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // Data of several dtypes, shapes and orders, offsets of all types, and what NumPy prints and lists of each row.
    let make = "import sys, os, json, numpy as np\n\
                np.set_printoptions(linewidth=75)\n\
                os.chdir(sys.argv[1])\n\
                def case(name, data, lens, dtype, first=0):\n\
                \x20   os.mkdir(name)\n\
                \x20   offsets = first + np.concatenate([[0], np.cumsum(lens, dtype='i8')])\n\
                \x20   rows = [data[a:b] for a, b in zip(offsets, offsets[1:])]\n\
                \x20   np.save(f'{name}/data.npy', data)\n\
                \x20   np.save(f'{name}/offsets.npy', offsets.astype(dtype))\n\
                \x20   np.savez_compressed(f'{name}/both.npz', data=data, offsets=offsets.astype(dtype))\n\
                \x20   np.ascontiguousarray(data).tofile(f'{name}/raw')\n\
                \x20   shown = rows if data[offsets[0]:offsets[-1]].size <= 1000 else rows[:3] + ['...'] + rows[-3:]\n\
                \x20   open(f'{name}/text', 'w').write('\\n'.join(str(row) for row in shown) + '\\n')\n\
                \x20   lines = [json.dumps(row.tolist(), separators=(',', ':')) for row in rows]\n\
                \x20   open(f'{name}/lines', 'w').write('\\n'.join(lines) + '\\n')\n\
                \x20   np.save(f'{name}/some.npy', data[offsets[1]:offsets[-2]])\n\
                case('tokens', np.arange(20, dtype='<u2'), [3, 0, 7, 2], '<i8')\n\
                case('slice', (np.arange(30) / 4).astype('>f4'), [4, 1, 0, 9], '>i4', 5)\n\
                case('points', np.arange(36, dtype='<f8').reshape(12, 3), [2, 0, 5, 1], '<u4')\n\
                case('columns', np.asfortranarray(np.arange(48, dtype='<i2').reshape(12, 4)), [1, 6, 0, 5], '>u8')\n\
                case('many', np.arange(100000, dtype='<i4'), [index % 5 for index in range(3000)], '<i4')\n\
                case('long', np.arange(900000, dtype='>i4'), [5, 300000, 0, 7, 400000, 12, 1500], '<i8', 9)\n\
                case('blocks', np.arange(60000, dtype='<i2').reshape(1000, 20, 3), [9, 500, 1, 0, 2, 90, 4], '<i8')";
    python.run(make, [folder]);
    for name in ["tokens", "slice", "points", "columns", "many", "long", "blocks"] {
        let folder = folder.join(name);
        let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
        let (data, offsets, lines) = (folder.join("data.npy"), folder.join("offsets.npy"), read("lines"));
        let printed = ragged(&data, &offsets, "").unwrap();
        assert_eq!(printed.split_once("\n\n").unwrap().1, read("text"), "{name}");
        assert!(printed.contains(&format!("rows     {} between the offsets in ", lines.lines().count())), "{printed}");
        let jsonl = |data: &Path, offsets: &Path, rest: &str| {
            ragged(data, offsets, &format!("--jsonl {rest}")).unwrap().replace(".0,", ",").replace(".0]", "]")
        };
        let lines = lines.replace(".0,", ",").replace(".0]", "]");
        assert!(jsonl(&data, &offsets, "") == lines, "{name}");
        let some: Vec<&str> = lines.lines().collect();
        let some = some[1..some.len() - 1].iter().map(|line| format!("{line}\n")).collect::<String>();
        assert!(jsonl(&data, &offsets, "--rows 1..-1") == some, "{name}");
        // Members of an archive are unpacked, in one pass forwards.
        let member = |member: &str| PathBuf::from(format!("{}:{member}", folder.join("both.npz").display()));
        assert!(jsonl(&member("data"), &member("offsets"), "--rows 1..-1") == some, "{name}");
        let of_members = ragged(&member("data"), &member("offsets"), "").unwrap();
        assert_eq!(of_members.split_once("\n\n").unwrap().1, read("text"), "{name}");
        if name == "slice" {
            assert!(jsonl(&folder.join("raw"), &offsets, "--dtype >f4") == lines);
        }
        let stats = inspected(args(&folder.join("some.npy"), "--stats")).unwrap();
        assert_eq!(ragged(&data, &offsets, "--stats --rows 1..-1").unwrap(), stats, "{name}");
        let json = ragged(&data, &offsets, "--json").unwrap();
        assert!(json.ends_with(&format!(",\"ragged_rows\":{}}}\n", lines.lines().count())), "{json}");
    }
    let rust = ragged(&folder.join("slice/data.npy"), &folder.join("slice/offsets.npy"), "--rust").unwrap();
    // A machine's own order has no name.
    let offset = if cfg!(target_endian = "big") { "i32" } else { "mmap_array::Be<i32>" };
    assert!(rust.contains(&format!("mmap_array::npy::options::<{offset}>().open_shared(")), "{rust}");
    #[cfg(feature = "plot")]
    {
        let picture = folder.join("plot.png");
        let rest = format!("--rows 2 --plot {}", picture.display());
        ragged(&folder.join("tokens/data.npy"), &folder.join("tokens/offsets.npy"), &rest).unwrap();
        assert!(fs::read(&picture).unwrap().starts_with(b"\x89PNG"));
    }
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn the_rows_of_a_sparse_matrix_of_scipy_are_shown() {
    let Some(python) = crate::python::Python::get() else { return };
    let folder = tempfile::tempdir().unwrap();
    let lists = python.run(
        "import sys, json, numpy as np, scipy.sparse as sp\n\
         for kind, make in [('csr', sp.csr_array), ('csc', sp.csc_array)]:\n\
         \x20   dense = np.arange(600).reshape(20, 30) % 7 * (np.arange(600).reshape(20, 30) % 5 == 0)\n\
         \x20   matrix = make(dense.astype('<f4'))\n\
         \x20   sp.save_npz(f'{sys.argv[1]}/{kind}.npz', matrix, compressed=kind == 'csr')\n\
         \x20   for part in [matrix.data, matrix.indices]:\n\
         \x20       print(json.dumps([row.tolist() for row in np.split(part, matrix.indptr[1:-1])]))",
        [folder.path()],
    );
    let mut lists = lists.lines();
    for kind in ["csr", "csc"] {
        for part in ["data", "indices"] {
            let member = |name: &str| {
                PathBuf::from(format!("{}:{name}", folder.path().join(kind).with_extension("npz").display()))
            };
            let lines = ragged(&member(part), &member("indptr"), "--jsonl").unwrap();
            let list = format!("[{}]", lines.trim_end().replace(['\n', ','], ", ").replace("  ", " "));
            assert_eq!(list.replace(".0", ""), lists.next().unwrap().replace(".0", ""), "{kind} {part}");
        }
    }
}

#[test]
fn rows_fit_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let data =
        crate::saved(folder.path(), "data.npy", &(0..3000).map(|number| number as f32).collect::<Vec<_>>(), &[1000, 3]);
    let line =
        crate::saved(folder.path(), "line.npy", &(0..3000).map(|number| number as f32).collect::<Vec<_>>(), &[3000]);
    let few = saved(folder.path(), "few.npy", &[0_i64, 400, 400, 990]);
    let many = saved(folder.path(), "many.npy", &(0..=900).collect::<Vec<_>>());
    for (columns, lines) in [(80_usize, 24_usize), (40, 12), (200, 50), (20, 4), (10, 1)] {
        let on = |data: &Path, offsets: &Path, rest: &str| {
            let all = args(data, rest).into_iter().chain(["--offsets".into(), offsets.into()]);
            inspected_on(Some(Terminal { columns, lines }), all).unwrap()
        };
        for (data, offsets, least) in [(&data, &few, 11), (&data, &many, 9), (&line, &few, 3), (&line, &many, 3)] {
            let printed = on(data, offsets, "");
            let array = printed.split_once("\n\n").unwrap().1;
            let room = lines.saturating_sub(printed.lines().count() - array.lines().count() + 2);
            assert!(array.lines().count() <= room.max(least), "{columns} {lines}: {printed}");
            let cuts = array.lines().filter(|line| *line == "...").count();
            assert!(cuts == 1 || (cuts == 0 && offsets == &few), "{printed}");
            // All of the room is used where there are rows for it.
            if (data, offsets) == (&line, &many) && room > 3 {
                assert!(array.lines().count() + 1 >= room, "{columns} {lines}: {printed}");
            }
        }
        assert!(on(&line, &many, "--rows 7..8").ends_with("\n\n[7.]\n"));
        assert!(on(&line, &many, "--rows 7..7").ends_with(".npy\n\n"));
    }
}

#[test]
fn rows_of_several_axes_and_of_long_records_fit_the_terminal_too() {
    let folder = tempfile::tempdir().unwrap();
    let offsets = saved(folder.path(), "offsets.npy", &(0..=40).collect::<Vec<_>>());
    let raw = folder.path().join("raw");
    fs::write(&raw, vec![7; 60_000]).unwrap();
    let fields: Vec<String> = (0..12).map(|field| format!("('field{field}','<f8')")).collect();
    let records = format!("--dtype [{}] --shape 60", fields.join(","));
    for (columns, lines) in [(80, 24), (40, 12), (60, 40), (120, 30)] {
        for rest in ["--dtype u1 --shape 60,3,7", "--dtype u1 --shape 60,2,3,4", &records, "--dtype U300 --shape 48"] {
            let all = args(&raw, rest).into_iter().chain(["--offsets".into(), offsets.clone().into()]);
            let printed = inspected_on(Some(Terminal { columns, lines }), all).unwrap();
            let height = |line: &str| line.chars().count().div_ceil(columns).max(1);
            let needed: usize = printed.lines().map(height).sum();
            // One row is shown at least.
            let rows = printed.lines().filter(|line| line.starts_with('[')).count();
            assert!(needed <= lines || rows <= 1, "{rest} {columns} {lines}: {needed} lines\n{printed}");
        }
    }
}

#[test]
fn large_elements_of_many_rows_are_refused_before_they_fill_the_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large");
    fs::File::create(&path).unwrap().set_len(20_000_000_000).unwrap();
    let offsets = saved(folder.path(), "offsets.npy", &(0..=100).collect::<Vec<_>>());
    let failure = ragged(&path, &offsets, "--dtype S200000000").unwrap_err();
    assert!(
        failure
            .text
            .ends_with("large: the rows are too large to be printed; choose some by --rows, or print them by --jsonl"),
        "{failure}"
    );
}

#[test]
fn offsets_that_are_none_of_the_array_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let data = crate::saved(folder, "data.npy", &[1.0, 2.0, 3.0], &[3]);
    let scalar = crate::saved(folder, "scalar.npy", &[1.0], &[]);
    let offsets = saved(folder, "offsets.npy", &[0_i64, 2, 3]);
    for rest in ["", "--jsonl", "--stats"] {
        for (name, offsets, expected) in [
            ("decreasing.npy", vec![0_i64, 2, 1], "row 1 begins at 2 but ends at 1: offsets must not decrease"),
            ("beyond.npy", vec![0, 2, 4], "row 1 is 2..4 of an array that has 3 along its first axis"),
            ("negative.npy", vec![-1, 2, 3], "row 0 is -1..2 of an array that has 3 along its first axis"),
            ("huge.npy", vec![0, i64::MAX], "row 0 is 0..9223372036854775807 of an array"),
        ] {
            let failure = ragged(&data, &saved(folder, name, &offsets), rest).unwrap_err();
            assert_eq!(failure.status, 1);
            assert!(
                failure.text.contains(&format!("{name}: {expected}")) && !failure.text.contains("data.npy"),
                "{failure}"
            );
        }
    }
    // Rows that are left out may be what decreases.
    let deflated = folder.join("deflated.npz");
    let mut writer = mmap_array::npz::Writer::create(&deflated).unwrap();
    writer.add_compressed("d", &(0..100).collect::<Vec<i32>>()).unwrap();
    writer.finish().unwrap();
    let long = crate::saved(folder, "long.npy", &[0.5; 100], &[100]);
    let member = PathBuf::from(format!("{}:d", deflated.display()));
    for (head, tail) in [([80_i64, 85, 90, 95], [0_i64, 2, 4, 6]), ([50, 60, 70, 80], [0, 2, 4, 100])] {
        let middle = [head[3]; 2000];
        let decreasing = saved(folder, "later.npy", &[&head[..], &middle, &tail].concat());
        for data in [&long, &member] {
            for terminal in [None, Some(Terminal { columns: 80, lines: 24 })] {
                let all = args(data, "").into_iter().chain(["--offsets".into(), decreasing.clone().into()]);
                let failure = inspected_on(terminal, all).unwrap_err();
                assert!(failure.text.starts_with(&decreasing.display().to_string()), "{failure}");
                assert!(failure.text.contains("offsets must not decrease"), "{failure}");
            }
        }
    }
    assert!(ragged(&scalar, &offsets, "").unwrap_err().text.contains("scalar.npy: a 0-d array has no rows"));
    assert!(ragged(&data, &data, "").unwrap_err().text.contains("but these are"));
    assert!(ragged(&data, &folder.join("none.npy"), "").unwrap_err().text.contains("none.npy: cannot open the file"));
    assert!(ragged(&data, &offsets, "--rows 2").unwrap_err().text.contains("offsets.npy: there is no row 2"));
    assert_eq!(ragged(&data, &offsets, "--csv").unwrap_err().status, 2);
    let several = [&data, &data].map(|path| path.clone().into_os_string());
    let several = inspected(several.into_iter().chain(["--offsets".into(), offsets.clone().into()]));
    assert_eq!(several.unwrap_err().status, 2);
    // Without offsets there are no rows, as in Arrow.
    for none in [&[][..], &[5_i64]] {
        let none = saved(folder, "no_rows.npy", none);
        assert_eq!(ragged(&data, &none, "--jsonl").unwrap(), "");
        assert!(ragged(&data, &none, "").unwrap().contains("rows     0 between"));
    }
    // Rows that are not asked for are not looked at.
    let beyond = saved(folder, "beyond.npy", &[0_i64, 2, 4]);
    assert_eq!(ragged(&data, &beyond, "--rows 0 --jsonl").unwrap(), "[1.0,2.0]\n");
    assert!(ragged(&data, &beyond, "--rows 0").unwrap().ends_with("\n\n[1. 2.]\n"));
    // Files that are cut short.
    let whole = fs::read(&offsets).unwrap();
    fs::write(&offsets, &whole[..whole.len() - 1]).unwrap();
    assert_eq!(ragged(&data, &offsets, "--rows 0 --jsonl").unwrap(), "[1.0,2.0]\n");
    let failure = ragged(&data, &offsets, "--jsonl").unwrap_err();
    assert!(failure.text.starts_with(&offsets.display().to_string()), "{failure}");
    assert!(!failure.text.contains("--rows"), "its rows are offsets: {failure}");
    fs::write(&offsets, &whole).unwrap();
    let bytes = fs::read(&data).unwrap();
    fs::write(&data, &bytes[..bytes.len() - 1]).unwrap();
    assert_eq!(ragged(&data, &offsets, "--rows 0 --jsonl").unwrap(), "[1.0,2.0]\n");
    let failure = ragged(&data, &offsets, "").unwrap_err();
    assert!(failure.text.starts_with(&data.display().to_string()), "{failure}");
    assert!(!failure.text.contains("--rows"), "its rows are elements: {failure}");
    // Files that have no offsets, or several.
    let several = folder.join("several.npy");
    fs::write(&several, [&whole[..], &whole].concat()).unwrap();
    assert!(ragged(&data, &several, "").unwrap_err().text.contains("several.npy: it has several arrays"));
    fs::write(&several, "0 2 3").unwrap();
    assert!(ragged(&data, &several, "").unwrap_err().text.ends_with("offsets need a header"));
    #[cfg(feature = "plot")]
    {
        let picture = saved(folder, "offsets.png", &[0, 1]);
        let failure = ragged(&long, &picture, &format!("--plot {}", picture.display())).unwrap_err();
        assert!(failure.text.ends_with("the picture would replace the offsets"), "{failure}");
    }
}
