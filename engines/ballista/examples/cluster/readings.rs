//! Shards of readings, each of which continues the previous one.

use datafusion::error::Result;
use mmap_array::bytemuck::{Pod, Zeroable};
use mmap_array::{Be, Record, npy};
use std::fs;
use std::path::Path;

#[derive(Clone, Copy, Pod, Zeroable, Record)]
#[bytemuck(crate = "mmap_array::bytemuck")]
#[repr(C, packed)]
pub(crate) struct Reading {
    time: i64,
    sensor: u16,
    value: Be<f32>,
}

/// Creates a folder of shards with a number of rows each.
pub(crate) fn make(folder: &Path, shards: usize, rows: usize) -> Result<()> {
    fs::create_dir(folder)?;
    for shard in 0..shards {
        let reading = |row: usize| Reading {
            time: row as i64,
            sensor: (row * 7 % 1000) as u16,
            value: Be::new((row % 64) as f32 / 4.0),
        };
        let readings: Vec<Reading> = (shard * rows..(shard + 1) * rows).map(reading).collect();
        npy::save(folder.join(format!("{shard:02}.npy")), &readings).map_err(std::io::Error::from)?;
    }
    Ok(())
}
