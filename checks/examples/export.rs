//! Exports any `.npy` file to Parquet or to an Arrow IPC file, streaming.
//!
//! ```text
//! cargo run --release --features arrow --example export ARRAY.npy OUT.parquet
//! cargo run --release --features arrow --example export ARRAY.npy OUT.arrow
//! cargo run --release --features arrow --example export
//! ```
//!
//! The extension determines the format: `.parquet`, or `.arrow` or `.feather` for IPC. Each field of a record becomes a
//! column; any other array becomes one column, `value`, in which further axes are lists. Some megabytes of rows are in
//! memory at a time, whatever the size of the file, and each batch is checked: if the file is truncated meanwhile, the
//! export fails. The result is created completely or not at all.
//!
//! pyarrow reads from it the same values as it converts from `np.load` of the same file.
//!
//! Without arguments, the program creates and exports a temporary file, and deletes everything at the end.
#![forbid(unsafe_code)]

use arrow_array::RecordBatch;
use arrow_ipc::writer::FileWriter;
use mmap_array::interop::ToArrow;
use mmap_array::{DType, DynView, npy};
use parquet::arrow::ArrowWriter;
use std::error::Error;
use std::ffi::OsString;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: export [ARRAY.npy OUT.parquet|OUT.arrow|OUT.feather]";

/// The number of bytes of rows that are in memory at a time, unless one row has more.
const AT_ONCE: usize = 8 << 20;

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let done = match &args[..] {
        [] => demonstrate(&mut io::stdout().lock()),
        [array, out] => export(array.as_ref(), out.as_ref(), &mut io::stdout().lock()),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    let Err(error) = done else { return ExitCode::SUCCESS };
    eprintln!("export: {error}");
    ExitCode::FAILURE
}

/// Creates a file of a million trades, and exports it to both formats.
fn demonstrate(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::Builder::new().prefix("export-").tempdir()?;
    let trades = folder.path().join("trades.npy");
    let dtype: DType = "[('symbol', 'S4'), ('time', '<M8[ms]'), ('price', '>f8'), ('size', '<u4')]".parse()?;
    let mut writer = npy::Writer::create_dyn(&trades, dtype.clone(), ())?;
    for hour in 0..1000_u32 {
        let record = |trade: u32| {
            let time = i64::from(hour) * 3_600_000 + i64::from(trade) * 3600;
            let symbol = [*b"AAPL", *b"IBM\0"][trade as usize % 2];
            let price = 100.0 + f64::from(trade % 97) / 8.0;
            [&symbol[..], &time.to_le_bytes(), &price.to_be_bytes(), &trade.to_le_bytes()].concat()
        };
        let rows: Vec<u8> = (0..1000).flat_map(record).collect();
        writer.write_rows(&DynView::from_bytes(&rows, &dtype, 1000)?)?;
    }
    writer.finish()?;
    for name in ["trades.parquet", "trades.arrow"] {
        export(&trades, &folder.path().join(name), out)?;
    }
    Ok(())
}

/// Writes the rows of an array to a file in the format of its extension.
pub(crate) fn export(array: &Path, target: &Path, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let rows = npy::dyn_options().open_shared(array)?;
    let schema = rows.arrow_schema()?;
    let count = rows.shape()[0];
    let row_bytes = rows.shape()[1..].iter().product::<usize>() * rows.dtype().itemsize();
    let at_a_time = AT_ONCE.checked_div(row_bytes).unwrap_or(AT_ONCE).max(1);
    let batches = (0..count).step_by(at_a_time).map(|start| -> mmap_array::Result<RecordBatch> {
        rows.to_record_batch(start..count.min(start.saturating_add(at_a_time)))
    });
    // The file is created beside its target, and gets the target's name last.
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let new = tempfile::NamedTempFile::new_in(folder)?;
    let file = BufWriter::new(new.reopen()?);
    match target.extension().and_then(|extension| extension.to_str()) {
        Some("parquet") => {
            let mut writer = ArrowWriter::try_new(file, schema, None)?;
            for batch in batches {
                writer.write(&batch?)?;
                // Otherwise a row group is in memory until it has a million rows.
                if writer.in_progress_size() >= AT_ONCE {
                    writer.flush()?;
                }
            }
            writer.close()?;
        }
        Some("arrow" | "feather") => {
            let mut writer = FileWriter::try_new(file, &schema)?;
            for batch in batches {
                writer.write(&batch?)?;
            }
            writer.finish()?;
        }
        _ => return Err(format!("{}: expected a .parquet, .arrow or .feather file; {USAGE}", target.display()).into()),
    }
    new.as_file().sync_all()?;
    let bytes = new.as_file().metadata()?.len();
    new.persist(target)?;
    let columns = rows.arrow_schema()?.fields().len();
    writeln!(out, "{}: {count} rows, {columns} columns, {bytes} bytes", target.display())?;
    Ok(())
}
