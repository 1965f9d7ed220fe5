//! Arrays whose elements do not follow one another in a file, against NumPy: many files, strides, packed pixels.

use crate::{args, inspected};
use std::ffi::OsString;
use std::fs;
use std::path::Path;

fn concat(folder: &Path, files: &[&str], rest: &str) -> Result<String, mmap_inspect::Failure> {
    let files = files.iter().map(|name| folder.join(name).into_os_string());
    inspected(files.chain(["--concat".into()]).chain(rest.split_whitespace().map(OsString::from)))
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn many_files_are_one_array() {
    let Some(python) = crate::python::Python::get() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // Files in either order, with no row, and with rows larger than what is read at once, and what NumPy makes of them.
    let make = "import sys, os, numpy as np\n\
                np.set_printoptions(linewidth=75)\n\
                os.chdir(sys.argv[1])\n\
                def case(name, a, cuts):\n\
                \x20   os.mkdir(name)\n\
                \x20   for i, part in enumerate(np.split(a, cuts)):\n\
                \x20       np.save(f'{name}/{i}.npy', np.asfortranarray(part) if i % 2 else part)\n\
                \x20   open(f'{name}/text', 'w').write(str(a))\n\
                \x20   np.save(f'{name}/whole.npy', a)\n\
                case('small', np.arange(60, dtype='<i2').reshape(10, 3, 2), [4, 4, 9])\n\
                case('line', np.arange(5000, dtype='>f8'), [1, 2500])\n\
                case('records', np.array([(i, i / 4, 'ab') for i in range(9)], '>u4,<f2,U2'), [3, 6])\n\
                case('wide', np.arange(900000, dtype='<f4').reshape(3, 2, 150000), [1, 2])";
    python.run(make, [folder]);
    for (name, count) in [("small", 4), ("line", 3), ("records", 3), ("wide", 3)] {
        let folder = folder.join(name);
        let files: Vec<String> = (0..count).map(|file| format!("{file}.npy")).collect();
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let whole = |rest: &str| inspected(args(&folder.join("whole.npy"), rest)).unwrap();
        let text = fs::read_to_string(folder.join("text")).unwrap();
        let printed = concat(&folder, &files, "").unwrap();
        assert!(printed.ends_with(&format!("\n\n{text}\n")), "{name}: {printed}");
        assert!(printed.contains(&format!("each of the {count} when its rows are read")), "{printed}");
        for rest in ["--jsonl", "--csv", "--stats", "--jsonl --rows 1..3", "--csv --rows -1", "--stats --rows 2"] {
            assert_eq!(concat(&folder, &files, rest).unwrap(), whole(rest), "{name} {rest}");
        }
        let json = concat(&folder, &files, "--json").unwrap();
        let of_whole = whole("--json");
        let shape = of_whole.split_once("\"shape\":").unwrap().1.split_once(",\"data").unwrap().0;
        assert!(json.contains(&format!("\"shape\":{shape},")), "{json}");
        assert!(json.ends_with(&format!(",\"files\":{count}}}\n")), "{json}");
        assert!(concat(&folder, &files, "--rust").unwrap().contains("mmap_array::npy::concat::<"));
    }
    #[cfg(feature = "plot")]
    {
        let small = folder.join("small");
        let picture = small.join("plot.png");
        concat(&small, &["0.npy", "2.npy"], &format!("--rows 0 --plot {}", picture.display())).unwrap();
        assert!(fs::read(&picture).unwrap().starts_with(b"\x89PNG"));
    }
}

#[test]
fn files_that_do_not_fit_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    crate::saved(folder, "a.npy", &[1.0; 6], &[3, 2]);
    crate::saved(folder, "b.npy", &[1.0; 6], &[2, 3]);
    fs::write(folder.join("c.npy"), "no header").unwrap();
    for (files, expected) in [
        (["a.npy", "b.npy"], "b.npy: an array of shape [2, 3] cannot follow the one of shape [3, 2] in"),
        (["a.npy", "c.npy"], "c.npy: not a `.npy` file"),
        (["a.npy", "d.npy"], "d.npy: cannot open the file"),
    ] {
        let failure = concat(folder, &files, "").unwrap_err();
        assert!(failure.status == 1 && failure.text.contains(expected), "{}", failure.text);
    }
    assert_eq!(concat(folder, &["a.npy", "a.npy"], "--rows 7").unwrap_err().status, 1);
    for rest in ["--at 0", "--recover", "--dtype f4"] {
        assert_eq!(concat(folder, &["a.npy"], rest).unwrap_err().status, 2, "{rest}");
    }
    // Of a file that is cut, what is complete is not taken for all of it.
    let whole = fs::read(folder.join("a.npy")).unwrap();
    fs::write(folder.join("a.npy"), &whole[..whole.len() - 1]).unwrap();
    let failure = concat(folder, &["a.npy"], "").unwrap_err();
    assert!(failure.text.contains("a.npy: "), "{}", failure.text);
    let failure = inspected([folder]).unwrap_err();
    assert!(failure.text.contains("a folder, and not a stack that Dask has written; `--concat`"), "{}", failure.text);
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn a_stack_of_dask_is_one_array() {
    let Some(python) = crate::python::Python::get() else { return };
    let folder = tempfile::tempdir().unwrap();
    let make = "import sys, os, pickle, numpy as np\n\
                os.chdir(sys.argv[1])\n\
                a = np.arange(12, dtype='>i4').reshape(6, 2)\n\
                for i, part in enumerate(np.split(a, [1, 4])): np.save(f'{i}.npy', part)\n\
                info = {'chunks': ((1, 3, 2), (2,)), 'dtype': a.dtype, 'axis': 0}\n\
                pickle.dump(info, open('info', 'wb'))";
    python.run(make, [folder.path()]);
    let lines = inspected(args(folder.path(), "--jsonl --rows 3..5")).unwrap();
    assert_eq!(lines, "[6,7]\n[8,9]\n");
    assert!(
        inspected(args(folder.path(), "--rust")).unwrap().contains("npy::concat::<Element>(mmap_array::npy::stack(")
    );
    fs::remove_file(folder.path().join("1.npy")).unwrap();
    assert!(inspected([folder.path()]).unwrap_err().text.contains("1.npy"));
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn strides_are_those_of_numpy() {
    let Some(python) = crate::python::Python::get() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bytes");
    fs::write(&path, (0..4000_u32).flat_map(|byte| (byte * 7).to_le_bytes()).collect::<Vec<u8>>()).unwrap();
    for (dtype, offset, shape, strides) in [
        ("<u2", 0, "5", "8"),
        (">i4", 3, "4,3", "2,5"),
        ("<f8", 8000, "3,2", "-16,1"),
        ("|u1", 7, "2,3,4", "0,1,0"),
        ("<u4", 0, "600,700", "4,4"),
        ("<i2", 9, "0,3", "1,1"),
    ] {
        let numpy = python.run(
            "import sys, numpy as np\n\
             np.set_printoptions(linewidth=75)\n\
             path, dtype, offset, shape, strides = sys.argv[1:]\n\
             numbers = lambda text: tuple(int(number) for number in text.split(','))\n\
             buffer = open(path, 'rb').read()\n\
             print(np.ndarray(numbers(shape), dtype, buffer, int(offset), numbers(strides)))",
            [path.to_str().unwrap(), dtype, &offset.to_string(), shape, strides],
        );
        let rest = format!("--dtype {dtype} --offset {offset} --shape {shape} --strides {strides}");
        let printed = inspected(args(&path, &rest)).unwrap();
        assert_eq!(printed.split_once("\n\n").unwrap().1.trim_end(), numpy.trim_end(), "{rest}");
        let json = inspected(args(&path, &format!("{rest} --json"))).unwrap();
        assert!(json.ends_with(&format!(",\"strides\":[{strides}]}}\n")), "{json}");
        assert!(inspected(args(&path, &format!("{rest} --rust"))).unwrap().contains(".strides(["));
    }
    for (rest, status) in [
        ("--shape 5 --strides 8,8", 1),
        ("--shape 5,1 --strides 8,x", 2),
        ("--strides 8", 2),
        ("--shape 5 --strides 8 --order F", 2),
        ("--shape 5 --strides -8", 1),
        ("--shape 9000 --strides 8", 1),
    ] {
        let failure = inspected(args(&path, rest)).unwrap_err();
        assert_eq!(failure.status, status, "{rest}: {}", failure.text);
    }
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn packed_pixels_are_unpacked() {
    let Some(python) = crate::python::Python::get() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pixels");
    fs::write(&path, (0..9000_u32).map(|byte| (byte * byte / 7) as u8).collect::<Vec<u8>>()).unwrap();
    let bits = "import sys, numpy as np\n\
                np.set_printoptions(linewidth=75)\n\
                path, order, bits, offset, height, width, row = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])\n\
                a = np.fromfile(path, 'u1', offset=offset)[:height * row].reshape(height, row)\n\
                b = np.unpackbits(a, axis=1, bitorder=order)[:, :width * bits].reshape(height, width, bits)\n\
                powers = 2 ** np.arange(bits)\n\
                print((b @ (powers if order == 'little' else powers[::-1])).astype('u2'))";
    for (name, order, count) in [("msb", "big", 10), ("msb", "big", 12), ("lsb", "little", 12), ("lsb", "little", 14)] {
        for (height, width, padding) in [(5_usize, 8_usize, 0), (60, 40, 3), (1, 6, 0), (2, 3000, 9)] {
            let row = (width * count).div_ceil(8) + padding;
            let height = height.min(8980 / row);
            let strides = if padding > 0 { format!("--strides {row}") } else { String::new() };
            let rest = format!("--dtype {name}{count} --offset 11 --shape {height},{width} {strides}");
            let printed = inspected(args(&path, &rest)).unwrap();
            let numbers: Vec<String> = [count, 11, height, width, row].iter().map(usize::to_string).collect();
            let mut given = vec![path.to_str().unwrap(), order];
            given.extend(numbers.iter().map(String::as_str));
            let numpy = python.run(bits, given);
            assert_eq!(printed.split_once("\n\n").unwrap().1.trim_end(), numpy.trim_end(), "{rest}");
        }
    }
    fs::write(&path, [0x12, 0x45, 0x63, 0x78, 0xab, 0xc9]).unwrap();
    assert_eq!(inspected(args(&path, "--dtype mipi12 --shape -1,2 --jsonl")).unwrap(), "[291,1110]\n[1929,2748]\n");
    let json = inspected(args(&path, "--dtype mipi12 --shape 2 --json")).unwrap();
    assert!(
        json.ends_with(
            ",\"shape\":[2],\"data_offset\":0,\"itemsize\":2,\"nbytes\":4,\"strides\":[],\"packing\":\"mipi12\"}\n"
        ),
        "{json}"
    );
    assert!(
        inspected(args(&path, "--dtype mipi12 --shape 2 --rust")).unwrap().contains("Packing::Mipi.unpack_rows(12, ")
    );
    for (rest, status) in [
        ("--dtype mipi12", 1),
        ("--dtype mipi12 --shape 2,-1", 1),
        ("--dtype mipi12 --shape 3,2", 1),
        ("--dtype mipi12 --shape 2,2 --strides 3,1", 1),
        ("--dtype mipi12 --shape 2,2 --order F", 1),
        ("--dtype mipi13 --shape 2", 2),
        ("--dtype mipi012 --shape 2", 2),
        ("--dtype msb --shape 2", 2),
    ] {
        let failure = inspected(args(&path, rest)).unwrap_err();
        assert_eq!(failure.status, status, "{rest}: {}", failure.text);
    }
}

#[test]
fn elements_that_lie_apart_in_a_member_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let mut writer = mmap_array::npz::Writer::create(&path).unwrap();
    writer.add("x", &[1_u8, 2, 3, 4, 5, 6]).unwrap();
    writer.add_compressed("y", &[0_u8; 6]).unwrap();
    writer.finish().unwrap();
    let member = |name: &str, rest: &str| inspected(args(Path::new(&format!("{}:{name}", path.display())), rest));
    assert_eq!(member("x", "--offset 128 --shape -1,2 --strides 2,1 --jsonl").unwrap(), "[1,2]\n[3,4]\n[5,6]\n");
    assert_eq!(member("x", "--offset 129 --dtype lsb12 --shape 1,2 --csv").unwrap(), "770,64\n");
    let rust = member("x", "--offset 128 --shape 2 --strides 3 --rust").unwrap();
    assert!(rust.contains("a.npz\")?.member(\"x\")?)?"), "{rust}");
    let failure = member("y", "--offset 128 --shape 2 --strides 3").unwrap_err();
    assert!(failure.text.contains("compressed"), "{}", failure.text);
}
