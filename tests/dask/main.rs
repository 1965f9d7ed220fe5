//! Folders of `.npy` files that Dask reads where this crate wrote them, and the other way round.
#![cfg(feature = "derive")]

#[path = "../python/mod.rs"]
mod python;

use bytemuck::{Pod, Zeroable};
use mmap_array::element::Bytes;
use mmap_array::{Be, Le, Record, npy};
use python::Python;
use std::path::Path;

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
    let shards = |folder: &Path| {
        let mut shard = 0;
        std::iter::from_fn(move || {
            let path = Some(folder.join(format!("{shard}.npy"))).filter(|path| path.exists());
            shard += 1;
            path
        })
        .collect::<Vec<_>>()
    };
    let (mut next, mut sum) = (0, 0.0);
    let matrices = shards(&dir.path().join("matrix"));
    assert_eq!(matrices.len(), 10);
    for path in matrices {
        let matrix = npy::options::<Be<f32>>().open_shared(&path)?;
        matrix.read(|view| {
            for number in view.iter() {
                assert_eq!(number.get(), next as f32 / 2.0);
                next += 1;
            }
            sum += view.mean().unwrap() * view.len() as f64;
        })?;
    }
    assert_eq!((next, sum.round()), (30_000, (0..30_000).map(f64::from).sum::<f64>() / 2.0));
    let mut next = 0;
    for path in shards(&dir.path().join("records")) {
        for row in npy::options::<Row>().load(&path)?.iter() {
            assert_eq!((usize::from(row.id.get()), row.value.get()), (next, next as f64 / 4.0));
            assert_eq!(row.name, if next % 2 == 1 { "odd" } else { "ev" });
            next += 1;
        }
    }
    assert_eq!(next, 1000);
    Ok(())
}
