//! Tests of SQL queries of real tables, compared with the answers of DuckDB and pandas on the same files.

#[path = "../../tests/python.rs"]
mod python;

use arrow::ipc::writer::FileWriter;
use datafusion::error::Result;
use datafusion::prelude::{SessionConfig, SessionContext};
use mmap_array_datafusion::{NpyTable, RegisterNpy};
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

const FLIGHTS: &str = include_str!("../../tests/flights.py");

/// Runs all queries, and writes the answers.
async fn answer(ctx: &SessionContext, folder: &Path, answers: &Path) -> Result<usize> {
    fs::create_dir(answers)?;
    let mut asked = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "sql") {
            let frame = ctx.sql(&fs::read_to_string(&path)?).await?;
            let schema = frame.schema().inner().clone();
            let name = path.with_extension("arrow");
            let mut writer = FileWriter::try_new(File::create(answers.join(name.file_name().unwrap()))?, &schema)?;
            for batch in frame.collect().await? {
                writer.write(&batch)?;
            }
            writer.finish()?;
            asked += 1;
        }
    }
    Ok(asked)
}

#[tokio::test]
async fn answers_are_those_of_duckdb_and_pandas() -> Result<()> {
    let Some(python) = python::python() else { return Ok(()) };
    let dir = tempfile::tempdir()?;
    let folder = dir.path();
    let made = python.run(FLIGHTS, ["make".as_ref(), folder.as_os_str()]);
    for (kind, config) in [
        ("file", SessionConfig::new().with_target_partitions(1)),
        ("parts", SessionConfig::new().with_target_partitions(3).with_batch_size(1000)),
        ("folder", SessionConfig::new()),
        ("analyzed", SessionConfig::new()),
    ] {
        let ctx = SessionContext::new_with_config(config);
        for name in ["weather", "airlines", "airports", "planes"] {
            ctx.register_npy(name, folder.join(format!("{name}.npy")))?;
        }
        let flights = match kind {
            "file" => NpyTable::open(folder.join("flights.npy"))?,
            "parts" => NpyTable::open(folder.join("flights.npy"))?.sorted_by("time_hour")?,
            "folder" => NpyTable::open(folder.join("months"))?,
            _ => NpyTable::open(folder.join("months"))?.analyze()?,
        };
        assert_eq!(
            flights.sorted_columns().iter().any(|column| column == "time_hour"),
            kind == "parts" || kind == "analyzed"
        );
        ctx.register_table("flights", Arc::new(flights))?;
        let answers = folder.join(kind);
        let asked = answer(&ctx, folder, &answers).await?;
        let compared = python.run(FLIGHTS, ["compare".as_ref(), folder.as_os_str(), answers.as_os_str()]);
        assert_eq!((asked.to_string(), compared.trim()), (made.trim().to_owned(), made.trim()), "{kind}");
    }
    Ok(())
}
