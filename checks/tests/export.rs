//! `export`, against pyarrow, which reads what it wrote and makes the same of the arrays.

#![cfg(feature = "arrow")]

#[allow(dead_code)]
#[path = "../examples/export.rs"]
mod example;
#[allow(dead_code)]
#[path = "../../tests/python/mod.rs"]
mod python;

use mmap_array::npy;
use python::Python;
use std::fs;

const MAKE: &str = r#"
import sys, numpy as np
folder = sys.argv[1]
rng = np.random.default_rng(5)
trades = np.zeros(300_000, [('symbol', 'U5'), ('time', '<M8[us]'), ('px', '>f8'), ('size', '<i4'), ('pair', '<u2', (2,))])
trades['symbol'] = rng.choice(['AAPL', 'IBM', 'ÖMV', ''], 300_000)
trades['time'] = rng.integers(0, 10**15, 300_000)
trades['time'][::1000] = np.datetime64('NaT')
trades['px'] = rng.random(300_000)
trades['size'] = rng.integers(-9, 9, 300_000)
trades['pair'] = rng.integers(0, 9, (300_000, 2))
np.save(f'{folder}/trades.npy', trades)
np.save(f'{folder}/image.npy', np.asfortranarray(rng.integers(0, 255, (200, 30, 3)).astype('u1')))
np.save(f'{folder}/numbers.npy', rng.random(3_000_000))
np.save(f'{folder}/none.npy', np.zeros(0, '<i8'))
"#;

const COMPARE: &str = r#"
import glob, sys, numpy as np, pyarrow as pa, pyarrow.feather, pyarrow.parquet
compared = 0
for path in glob.glob(f'{sys.argv[1]}/*.npy'):
    array = np.load(path)
    for table in [pa.parquet.read_table(path.replace('.npy', '.parquet')), pa.feather.read_table(path.replace('.npy', '.arrow'))]:
        assert table.num_rows == len(array)
        names = array.dtype.names or ['value']
        assert table.column_names == list(names)
        for name in names:
            want = array[name] if array.dtype.names else array
            got = table[name].combine_chunks()
            if want.ndim > 1:
                while pa.types.is_fixed_size_list(got.type):
                    got = got.flatten()
                want = np.ascontiguousarray(want).ravel()
            assert got.equals(pa.array(want.astype(want.dtype.newbyteorder('=')))), (path, name)
            compared += 1
print(compared)
"#;

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
#[cfg_attr(target_endian = "big", ignore = "Arrow's crates write the machine's order there and do not say so")]
#[cfg_attr(target_arch = "x86", ignore = "flatbuffers aligns 64-bit numbers to 4 bytes there, which pyarrow refuses")]
fn what_pyarrow_reads_is_what_numpy_loads() {
    let Some(python) = Python::get() else { return };
    let folder = tempfile::tempdir().unwrap();
    python.run(MAKE, [folder.path()]);
    for name in ["trades", "image", "numbers", "none"] {
        let array = folder.path().join(format!("{name}.npy"));
        for kind in ["parquet", "arrow"] {
            let mut out = Vec::new();
            example::export(&array, &array.with_extension(kind), &mut out).unwrap();
            let rows = npy::header(&array).unwrap().shape()[0];
            assert!(String::from_utf8(out).unwrap().contains(&format!("{rows} rows")));
        }
    }
    assert_eq!(python.run(COMPARE, [folder.path()]).trim(), "16");
}

#[test]
fn what_cannot_be_exported_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (array, target) = (folder.path().join("array.npy"), folder.path().join("out.arrow"));
    npy::save(&array, &[1.5]).unwrap();
    let refused = |target: &std::path::Path| example::export(&array, target, &mut Vec::new()).unwrap_err().to_string();
    assert!(refused(&folder.path().join("out.csv")).contains("expected a .parquet, .arrow or .feather file"));
    let dtype = "[('when', '<M8[ps]')]".parse::<mmap_array::DType>().unwrap();
    let records = mmap_array::DynView::from_bytes(&[0; 8], &dtype, 1).unwrap();
    npy::save(&array, &records).unwrap();
    let text = refused(&target);
    assert!(text.contains("array.npy") && text.contains("\"when\""), "{text}");
    let left: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["array.npy"]);
}
