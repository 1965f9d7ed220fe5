//! `tokens`, against NumPy's windows of the same files.

#[allow(dead_code)]
#[path = "../../examples/tokens.rs"]
mod example;

use crate::python::Python;
use example::{Batches, run};
use mmap_array::{Element, Le, element::Scalar, npy};
use std::ffi::OsString;
use std::fs;
use std::path::Path;

fn printed(file: &Path, args: &str) -> Result<String, String> {
    let args: Vec<OsString> = [file.into()].into_iter().chain(args.split_whitespace().map(OsString::from)).collect();
    let mut out = Vec::new();
    run(&args, &mut out).map(|()| String::from_utf8(out).unwrap()).map_err(|error| error.to_string())
}

/// Compares batches with windows that are drawn as nanoGPT draws them, at the starts that the example has drawn.
const NUMPY: &str = r#"
import sys
import numpy as np
folder = sys.argv[1]
compared = 0
for dtype, lens in [('<u2', [30_000, 257]), ('<u4', [70_000, 17])]:
    for length in lens:
        data = np.memmap(f'{folder}/{length}.bin', dtype, 'r')
        starts, x, y = (np.load(f'{folder}/{length}.{name}.npy') for name in ['starts', 'x', 'y'])
        block = x.shape[1] // len(starts[0])
        for row in range(len(starts)):
            ix = starts[row].astype(int)
            assert ((0 <= ix) & (ix < len(data) - block)).all()
            assert (x[row] == np.concatenate([data[i:i + block] for i in ix])).all()
            assert (y[row] == np.concatenate([data[i + 1:i + 1 + block] for i in ix])).all()
            compared += len(ix)
print(compared)
"#;

const MAKE: &str = r#"
import sys
import numpy as np
rng = np.random.default_rng(1)
for dtype, lens in [('<u2', [30_000, 257]), ('<u4', [70_000, 17])]:
    for length in lens:
        rng.integers(0, np.iinfo(dtype).max, length, dtype, endpoint=True).tofile(f'{sys.argv[1]}/{length}.bin')
"#;

/// Saves ten batches of a file.
fn save<T: Scalar>(folder: &Path, len: usize, block: usize)
where
    Le<T>: Element,
{
    let mut batches = Batches::<T>::open(&folder.join(format!("{len}.bin")), block, 5, 42).unwrap();
    let path = |name| folder.join(format!("{len}.{name}.npy"));
    let mut starts = npy::Writer::<Le<u64>>::create(path("starts"), [5]).unwrap();
    let [mut x, mut y] = ["x", "y"].map(|name| npy::Writer::<Le<T>>::create(path(name), [5 * block]).unwrap());
    for _ in 0..10 {
        batches.draw().unwrap();
        starts.extend(batches.starts.iter().map(|&start| Le::new(start as u64))).unwrap();
        x.extend(batches.x.iter().map(|&token| Le::new(token))).unwrap();
        y.extend(batches.y.iter().map(|&token| Le::new(token))).unwrap();
    }
    starts.finish().unwrap();
    x.finish().unwrap();
    y.finish().unwrap();
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn batches_are_the_windows_that_numpy_takes_at_the_same_places() {
    let Some(python) = Python::get() else { return };
    let folder = tempfile::tempdir().unwrap();
    python.run(MAKE, [folder.path()]);
    save::<u16>(folder.path(), 30_000, 128);
    save::<u16>(folder.path(), 257, 256);
    save::<u32>(folder.path(), 70_000, 1);
    save::<u32>(folder.path(), 17, 3);
    assert_eq!(python.run(NUMPY, [folder.path()]).trim(), "200");
}

#[test]
fn every_window_is_drawn_equally_often_and_a_seed_draws_the_same_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.bin");
    fs::write(&path, (0..20_u16).flat_map(u16::to_le_bytes).collect::<Vec<u8>>()).unwrap();
    let mut batches = Batches::<u16>::open(&path, 4, 16_000, 3).unwrap();
    batches.draw().unwrap();
    let mut counts = [0; 16];
    for (start, (x, y)) in batches.starts.iter().zip(batches.x.chunks(4).zip(batches.y.chunks(4))) {
        let first = *start as u16;
        assert_eq!(
            (x, y),
            (&[first, first + 1, first + 2, first + 3][..], &[first + 1, first + 2, first + 3, first + 4][..])
        );
        counts[*start] += 1;
    }
    assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
    let again = |seed| {
        let mut batches = Batches::<u16>::open(&path, 4, 16_000, seed).unwrap();
        batches.draw().unwrap();
        batches.starts
    };
    assert!(again(3) == batches.starts && again(4) != batches.starts);
}

#[test]
fn the_beginning_of_a_batch_and_its_speed_are_printed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.bin");
    fs::write(&path, 0x0001_0002_u32.to_le_bytes().repeat(50)).unwrap();
    // The first batch of all seeds is of the only window.
    let text = printed(&path, "99 2").unwrap();
    assert!(text.starts_with("tokens   100 of <u2, 2 windows of 99 in a batch\nstarts   [0, 0]\n"), "{text}");
    assert!(text.contains("x[0]     [2, 1, 2, 1, 2, 1, 2, 1]\ny[0]     [1, 2, 1, 2, 1, 2, 1, 2]\nspeed  "), "{text}");
    let text = printed(&path, "49 1 7 --dtype u32").unwrap();
    assert!(text.contains("50 of <u4, 1 windows of 49") && text.contains("x[0]     [65538, 65538, "), "{text}");
}

#[test]
fn the_demonstration_draws_from_its_own_file() {
    let mut out = Vec::new();
    run(&[], &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.starts_with("tokens   10000000 of <u2, 12 windows of 1024 in a batch\n"), "{text}");
}

#[test]
fn files_without_a_window_and_arguments_that_make_no_sense_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.bin");
    fs::write(&path, [7; 200]).unwrap();
    for (args, text) in [
        ("", "tokens.bin: has 100 tokens; expected a BLOCK from 1 on that leaves one token to predict, found 1024"),
        ("100", "found 100"),
        ("0", "found 0"),
        ("50 1 1 --dtype u32", "tokens.bin: has 50 tokens"),
        ("x", "unexpected argument: \"x\""),
        ("1 1 1 1", "unexpected argument: \"1\""),
        ("10 1 1 --dtype i8", "expected the dtype u16 or u32"),
        ("10 --dtype", "unexpected argument: \"--dtype\""),
        ("--fast", "unexpected argument: \"--fast\""),
    ] {
        let error = printed(&path, args).unwrap_err();
        assert!(error.contains(text), "{args}: {error}");
    }
    let most = usize::MAX;
    assert!(printed(&path, &format!("3 {most}")).unwrap_err().contains("BLOCK * BATCH is too large"));
    assert!(printed(&path, &format!("1 {most}")).unwrap_err().contains("a batch of"));
    for (len, text) in [(0, "empty"), (199, "not a whole number of")] {
        fs::write(&path, vec![7; len]).unwrap();
        let error = printed(&path, "10").unwrap_err();
        assert!(error.contains("tokens.bin") && error.contains(text), "{error}");
    }
    assert!(printed(&folder.path().join("none.bin"), "").unwrap_err().contains("none.bin"));
}

#[test]
#[cfg_attr(windows, ignore = "Windows does not let mapped files be cut")]
#[cfg_attr(
    not(any(target_arch = "x86", target_arch = "x86_64", target_vendor = "apple")),
    ignore = "qemu's user mode dies of a lost page"
)]
fn a_file_that_is_cut_is_an_error_and_no_batch_of_zeros() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.bin");
    fs::write(&path, vec![7; 200_000]).unwrap();
    let mut batches = Batches::<u16>::open(&path, 1000, 10, 1).unwrap();
    batches.draw().unwrap();
    assert!(batches.x.iter().chain(&batches.y).all(|&token| token == 0x0707));
    fs::File::options().write(true).open(&path).unwrap().set_len(5000).unwrap();
    let error = batches.draw().unwrap_err();
    assert_eq!(error.kind(), mmap_array::ErrorKind::Truncated, "{error}");
}
