//! Queries `.npy` files in SQL.
//!
//! ```text
//! cargo run --release --example query
//! cargo run --release --example query -- 'SELECT …' trades=trades.npy quotes=folder/
//! ```
//!
//! Without arguments, the program creates a temporary file of a million trades, and deletes it at the end.
#![forbid(unsafe_code)]

use datafusion::error::{DataFusionError, Result};
use datafusion::prelude::SessionContext;
use mmap_array::{DType, DynView, npy};
use mmap_array_datafusion::{NpyTable, RegisterNpy};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("query: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let ctx = SessionContext::new();
    ctx.register_npy_format();
    if let [question, tables @ ..] = &args[..] {
        for table in tables {
            let (name, path) = table
                .split_once('=')
                .ok_or_else(|| DataFusionError::Plan(format!("{table}: expected a table as name=path")))?;
            ctx.register_npy(name, path)?;
        }
        return ctx.sql(question).await?.show().await;
    }
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("trades.npy");
    make(&path).map_err(std::io::Error::from)?;
    ctx.register_table("trades", Arc::new(NpyTable::open(&path)?.sorted_by("time")?))?;
    for question in [
        "SELECT count(*) AS trades, min(time) AS first, max(time) AS last FROM trades",
        "SELECT symbol, sum(price * size) / sum(size) AS vwap, sum(size) AS volume FROM trades GROUP BY symbol ORDER BY symbol",
        "SELECT * FROM trades WHERE time >= '1970-01-12T00:00:00' ORDER BY time LIMIT 3",
    ] {
        println!("{question}");
        ctx.sql(question).await?.show().await?;
    }
    Ok(())
}

/// Creates a file of a million trades, one each second.
fn make(path: &Path) -> mmap_array::Result<()> {
    let dtype: DType = "[('symbol', 'S4'), ('time', '<M8[ms]'), ('price', '>f8'), ('size', '<u4')]".parse()?;
    let mut writer = npy::Writer::create_dyn(path, dtype.clone(), ())?;
    for thousand in 0..1000_u32 {
        let record = |trade: u32| {
            let time = i64::from(1000 * thousand + trade) * 1000;
            let symbol = [*b"AAPL", *b"IBM\0", *b"MSFT"][trade as usize % 3];
            let price = 100.0 + f64::from(trade % 97) / 8.0;
            [&symbol[..], &time.to_le_bytes(), &price.to_be_bytes(), &(trade % 50).to_le_bytes()].concat()
        };
        let rows: Vec<u8> = (0..1000).flat_map(record).collect();
        writer.write_rows(&DynView::from_bytes(&rows, &dtype, 1000)?)?;
    }
    writer.finish().map(drop)
}
