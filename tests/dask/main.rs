//! Folders of `.npy` files that Dask reads where this crate wrote them, and the other way round.
#![cfg(feature = "derive")]

#[path = "../python/mod.rs"]
mod python;

use bytemuck::{Pod, Zeroable};
use mmap_array::element::Bytes;
use mmap_array::{Be, ErrorKind, Le, Record, npy};
use python::Python;
use std::fs;

const STACK: &str = include_str!("stack.py");

/// `[('time', '<i8'), ('side', 'S1'), ('size', '<u4'), ('price', '>f4')]`
#[derive(Clone, Copy, Pod, Zeroable, Record)]
#[repr(C, packed)]
struct Tick {
    time: Le<i64>,
    side: Bytes<1>,
    size: Le<u32>,
    price: Be<f32>,
}

fn tick(row: usize) -> Tick {
    let side = if row % 3 == 0 { "b" } else { "s" };
    Tick {
        time: (row as i64 * 1000).into(),
        side: Bytes::new(side).unwrap(),
        size: (row as u32 % 50).into(),
        price: (row as f32 / 8.0).into(),
    }
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn dask_computes_over_shards_that_are_written_here() -> mmap_array::Result<()> {
    let Some(python) = Python::get() else { return Ok(()) };
    let dir = tempfile::tempdir().unwrap();
    let mut start = 0;
    for (shard, rows) in [1000, 1, 777, 2048].into_iter().enumerate() {
        let ticks: Vec<Tick> = (start..start + rows).map(tick).collect();
        npy::save(dir.path().join(format!("{shard}.npy")), &ticks)?;
        start += rows;
    }
    let printed = python.run(STACK, ["read".as_ref(), dir.path().as_os_str()]);
    let found: Vec<f64> = printed.split_whitespace().map(|number| number.parse().unwrap()).collect();
    let ticks: Vec<Tick> = (0..start).map(tick).collect();
    let sizes = |ticks: &[&Tick]| ticks.iter().map(|tick| f64::from(tick.size.get())).sum::<f64>();
    let (all, bought): (Vec<&Tick>, _) =
        (ticks.iter().collect(), ticks.iter().filter(|tick| tick.side == "b").collect::<Vec<_>>());
    let mean = ticks.iter().map(|tick| f64::from(tick.price.get())).sum::<f64>() / start as f64;
    let most = f64::from(ticks[start - 1].price.get());
    assert_eq!(found, [start as f64, sizes(&all), mean, most, sizes(&bought)]);
    Ok(())
}

/// `[('id', '<u2'), ('value', '>f8'), ('name', 'S3')]`
#[derive(Clone, Copy, Pod, Zeroable, Record)]
#[repr(C, packed)]
struct Row {
    id: Le<u16>,
    value: Be<f64>,
    name: Bytes<3>,
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn what_dask_writes_is_read_here() -> mmap_array::Result<()> {
    let Some(python) = Python::get() else { return Ok(()) };
    let dir = tempfile::tempdir().unwrap();
    python.run(STACK, ["write".as_ref(), dir.path().as_os_str()]);
    let files = npy::stack(dir.path().join("matrix"))?;
    assert_eq!(files.len(), 10);
    let matrix = npy::concat::<Be<f32>>(files)?;
    assert_eq!(matrix.shape(), [10_000, 3]);
    for (index, number) in matrix.iter().enumerate() {
        assert_eq!(number?.get(), index as f32 / 2.0);
    }
    assert_eq!(matrix.mean()?, Some(29_999.0 / 4.0));
    let records = npy::concat::<Row>(npy::stack(dir.path().join("records"))?)?;
    assert_eq!(records.len(), 1000);
    for (index, row) in records.iter().enumerate() {
        let row = row?;
        assert_eq!((usize::from(row.id.get()), row.value.get()), (index, index as f64 / 4.0));
        assert_eq!(row.name, if index % 2 == 1 { "odd" } else { "ev" });
    }
    Ok(())
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn stacks_of_all_dtypes_and_protocols_are_read_along_the_first_axis() -> mmap_array::Result<()> {
    let Some(python) = Python::get() else { return Ok(()) };
    let dir = tempfile::tempdir().unwrap();
    let printed = python.run(STACK, ["stacks".as_ref(), dir.path().as_os_str()]);
    let mut read = 0;
    for line in printed.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let folder = dir.path().join(words[0]);
        for protocol in 2..=5 {
            fs::copy(folder.join(format!("info.{protocol}")), folder.join("info")).unwrap();
            if words[2] == "refused" {
                let error = npy::stack(&folder).unwrap_err();
                assert_eq!((error.kind(), error.path()), (ErrorKind::Unsupported, Some(&*folder.join("info"))));
                continue;
            }
            let files = npy::stack(&folder)?;
            assert_eq!(files.len().to_string(), words[1]);
            let all = npy::dyn_options().open_shared_all(files)?;
            let whole = npy::dyn_options().load(folder.join("whole.npy"))?;
            assert_eq!((all.dtype(), all.shape()), (whole.dtype(), whole.shape()));
            let mut start = 0;
            for block in all.blocks() {
                let block = block?;
                let end = start + block.shape()[0];
                let theirs = whole.view().rows(start..end).to_string();
                assert_eq!(block.read(|view| view.to_string())?, theirs, "{line}");
                start = end;
            }
            assert_eq!(start, whole.shape()[0]);
            read += 1;
        }
    }
    assert!(read > 50, "{printed}");
    for (name, text) in [("numpy", "does not state the `axis` as a number"), ("zero", "not a pickle of protocol 2")] {
        let folder = dir.path().join("other");
        fs::create_dir_all(&folder).unwrap();
        fs::rename(dir.path().join(name), folder.join("info")).unwrap();
        let error = npy::stack(&folder).unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::Header, Some(&*folder.join("info"))));
        assert!(error.to_string().contains(text), "{error}");
    }
    let error = npy::stack(dir.path()).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Io, Some(&*dir.path().join("info"))));
    Ok(())
}
