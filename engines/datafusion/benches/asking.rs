//! Measures queries of a hundred million records by DataFusion in `.npy`, Parquet and Arrow IPC files, and by DuckDB,
//! pandas and NumPy on the `.npy` file. All sides run in turns.
//!
//! ```text
//! cargo bench -p mmap-array-datafusion
//! ROWS=1000000 cargo bench -p mmap-array-datafusion
//! ```
//!
//! The files take up to 100 bytes for each record, 10 GB, in a folder under `target`, which is deleted at the end.

#[allow(dead_code)]
#[path = "../../../benches/common/mod.rs"]
mod common;
#[path = "../../tests/python.rs"]
mod python;

use arrow::util::pretty::pretty_format_batches;
use common::{alternate, quartiles, ratios, show};
use datafusion::error::Result;
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};
use mmap_array::bytemuck::{Pod, Zeroable};
use mmap_array::{Record, npy};
use mmap_array_datafusion::{NpyTable, RegisterNpy};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Instant;
use tokio::runtime::Runtime;

/// A record of 25 bytes, without padding. Prices are multiples of 1/8, so that sums are the same in every order.
#[derive(Clone, Copy, Pod, Zeroable, Record)]
#[bytemuck(crate = "mmap_array::bytemuck")]
#[repr(C, packed)]
struct Trade {
    time: i64,
    id: u32,
    symbol: u8,
    price: f32,
    size: u16,
    side: u8,
    fee: f32,
    venue: u8,
}

impl Trade {
    fn new(row: usize) -> Self {
        let mixed = (row as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        Self {
            time: row as i64 * 10,
            id: row as u32,
            symbol: (mixed % 100) as u8,
            price: (mixed % 800) as f32 / 8.0,
            size: (mixed % 50) as u16,
            side: (mixed & 1) as u8,
            fee: (mixed % 16) as f32 / 8.0,
            venue: (mixed % 7) as u8,
        }
    }
}

/// The queries: a name, the SQL, an expression of a pandas frame `f`, and an expression of a NumPy array `a`.
const QUESTIONS: [[&str; 4]; 3] = [
    [
        "group by: count, avg, sum",
        "SELECT symbol, count(*), avg(price), sum(size) FROM trades GROUP BY symbol ORDER BY symbol",
        "f.groupby('symbol').agg({'price': ['size', 'mean'], 'size': 'sum'})",
        "[np.bincount(a['symbol'], w) for w in (None, a['price'], a['size'])]",
    ],
    ["one column of eight: sum", "SELECT sum(price) FROM trades", "f['price'].sum()", "a['price'].sum(dtype='f8')"],
    [
        "a filter: count, avg",
        "SELECT count(*), avg(price) FROM trades WHERE size > 40 AND venue = 3",
        "f[(f['size'] > 40) & (f['venue'] == 3)]['price'].agg(['size', 'mean'])",
        "a['price'][(a['size'] > 40) & (a['venue'] == 3)].mean(dtype='f8')",
    ],
];

const PROGRAM: &str = r#"
import sys, time
import duckdb, numpy as np, pandas as pd
folder = sys.argv[1]
def frame():
    a = np.load(folder + "/trades.npy", mmap_mode="r")
    return pd.DataFrame({name: a[name] for name in a.dtype.names})
def by_numpy(text):
    return eval(text, {"np": np, "a": np.load(folder + "/trades.npy", mmap_mode="r")})
def by_pandas(text):
    return eval(text, {"f": frame()})
def by_duckdb(text):
    trades = frame()
    return duckdb.sql(text).fetchall()
def by_duckdb_parquet(text):
    return duckdb.sql(text.replace("FROM trades", f"FROM '{folder}/trades.parquet'")).fetchall()
for line in sys.stdin:
    how, _, text = line.rstrip("\n").partition(" ")
    start = time.perf_counter()
    globals()[how](text)
    print(time.perf_counter() - start, flush=True)
"#;

/// Python in a separate process.
struct Beside(Child);

impl Beside {
    fn start(folder: &Path) -> Option<Self> {
        let python = python::python()?;
        let versions =
            "import duckdb, numpy, pandas; print(*(f'{m.__name__} {m.__version__}' for m in (duckdb, numpy, pandas)))";
        print!("{}", python.run(versions, [""; 0]));
        let mut command = python.command();
        command.args(["-c", PROGRAM]).arg(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        Some(Self(command.spawn().expect("Python starts")))
    }

    /// Returns the seconds that an answer takes.
    fn ask(&mut self, how: &str, text: &str) -> f64 {
        writeln!(self.0.stdin.as_mut().unwrap(), "{how} {text}").expect("Python listens");
        let mut answer = String::new();
        // The reader is dropped after one line, which loses nothing: there is one line for each question.
        BufReader::new(self.0.stdout.as_mut().unwrap()).read_line(&mut answer).expect("Python answers");
        answer.trim().parse().expect("Python answers with a time")
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn context(partitions: usize) -> SessionContext {
    SessionContext::new_with_config(SessionConfig::new().with_target_partitions(partitions))
}

/// Returns the seconds that an answer takes, and the answer.
fn ask(runtime: &Runtime, ctx: &SessionContext, sql: &str) -> Result<(f64, String)> {
    let start = Instant::now();
    let batches = runtime.block_on(async { ctx.sql(sql).await?.collect().await })?;
    let seconds = start.elapsed().as_secs_f64();
    Ok((seconds, pretty_format_batches(&batches)?.to_string()))
}

/// Prints a row for each side: its time, and the time of the first side divided by it.
fn print(name: &str, sides: &[(&str, Vec<f64>)]) {
    println!("\n{name}");
    for (side, times) in sides {
        let [low, ratio, high] = quartiles(ratios(&sides[0].1, times));
        let time = show(quartiles(times.clone())[1]);
        println!("  {side:<40} {time:>10} {ratio:>8.2}  {low:.2} to {high:.2}");
    }
}

fn main() -> Result<()> {
    let rows = std::env::var("ROWS").map_or(100_000_000, |rows| rows.parse().expect("ROWS is a number"));
    if let Ok(path) = std::env::var("MEASURE_MEMORY") {
        return measure(Path::new(&path));
    }
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let dir = tempfile::tempdir_in(target)?;
    let folder = dir.path();
    let (file, parquet, ipc) = (folder.join("trades.npy"), folder.join("trades.parquet"), folder.join("trades.arrow"));
    make(&file, rows)?;
    let runtime = Runtime::new()?;
    let rounds = if rows > 10_000_000 { 7 } else { 21 };
    let threads = std::thread::available_parallelism()?.get();
    println!("{rows} records of {} bytes, {threads} partitions, {rounds} rounds", size_of::<Trade>());

    let ours = context(threads);
    ours.register_npy("trades", &file)?;
    for (path, stored) in [(&parquet, "PARQUET OPTIONS ('format.compression' 'uncompressed')"), (&ipc, "ARROW")] {
        let copy = format!("COPY trades TO '{}' STORED AS {stored}", path.display());
        let (seconds, _) = ask(&runtime, &ours, &copy)?;
        let bytes = std::fs::metadata(path)?.len();
        println!("written as {}: {seconds:.1} s, {:.2} GB", stored.split(' ').next().unwrap(), bytes as f64 / 1e9);
    }
    let (of_parquet, of_ipc) = (context(threads), context(threads));
    runtime.block_on(async {
        of_parquet.register_parquet("trades", parquet.to_str().unwrap(), ParquetReadOptions::default()).await?;
        of_ipc.register_arrow("trades", ipc.to_str().unwrap(), Default::default()).await
    })?;
    let mut python = Beside::start(folder).map(std::cell::RefCell::new);

    for [name, sql, pandas, numpy] in QUESTIONS {
        let expected = ask(&runtime, &ours, sql)?.1;
        for other in [&of_parquet, &of_ipc] {
            assert_eq!(ask(&runtime, other, sql)?.1, expected, "{name}");
        }
        let time = |ctx: &SessionContext| ask(&runtime, ctx, sql).expect("an answer").0;
        let (mut a, mut b, mut c) = (|| time(&ours), || time(&of_parquet), || time(&of_ipc));
        let Some(python) = &mut python else {
            let [a, b, c] = alternate(rounds, [&mut a, &mut b, &mut c]);
            print(name, &[("npy", a), ("Parquet", b), ("Arrow IPC", c)]);
            continue;
        };
        let beside = |how: &str, text: &str| python.borrow_mut().ask(how, text);
        let [a, b, c, d, e, f, g] = alternate(
            rounds,
            [
                &mut a,
                &mut b,
                &mut c,
                &mut || beside("by_duckdb", sql),
                &mut || beside("by_duckdb_parquet", sql),
                &mut || beside("by_pandas", pandas),
                &mut || beside("by_numpy", numpy),
            ],
        );
        let sides = [
            ("npy", a),
            ("Parquet, uncompressed", b),
            ("Arrow IPC", c),
            ("DuckDB, np.load(mmap_mode=\"r\")", d),
            ("DuckDB, Parquet", e),
            ("pandas, np.load(mmap_mode=\"r\")", f),
            ("NumPy, np.load(mmap_mode=\"r\")", g),
        ];
        print(name, &sides);
    }

    // By a column that is sorted.
    let sorted = context(threads);
    sorted.register_table("trades", Arc::new(NpyTable::open(&file)?.sorted_by("time")?))?;
    let (from, to) = (rows as i64 * 5, rows as i64 * 5 + 1_000_000);
    let sql = format!("SELECT count(*), avg(price) FROM trades WHERE time >= {from} AND time < {to}");
    assert_eq!(ask(&runtime, &sorted, &sql)?.1, ask(&runtime, &of_parquet, &sql)?.1);
    let time = |ctx: &SessionContext| ask(&runtime, ctx, &sql).expect("an answer").0;
    let [a, b, c] = alternate(rounds, [&mut || time(&sorted), &mut || time(&of_parquet), &mut || time(&ours)]);
    print(
        "100,000 rows by a sorted column",
        &[("npy, sorted_by", a), ("Parquet, uncompressed", b), ("npy, scanned", c)],
    );

    // From nothing to the first row.
    let first = |register: &dyn Fn(&SessionContext)| {
        let start = Instant::now();
        let ctx = context(threads);
        register(&ctx);
        ask(&runtime, &ctx, "SELECT * FROM trades LIMIT 1").expect("an answer");
        start.elapsed().as_secs_f64()
    };
    let parquet_path = parquet.to_str().unwrap();
    let [a, b] = alternate(
        rounds,
        [&mut || first(&|ctx| ctx.register_npy("trades", &file).expect("a table")), &mut || {
            first(&|ctx| {
                let registered = ctx.register_parquet("trades", parquet_path, ParquetReadOptions::default());
                runtime.block_on(registered).expect("a table");
            })
        }],
    );
    print("opening, and the first row", &[("npy", a), ("Parquet, which was written before", b)]);

    let one = context(1);
    one.register_npy("trades", &file)?;
    let [_, sql, ..] = QUESTIONS[0];
    let time = |ctx: &SessionContext| ask(&runtime, ctx, sql).expect("an answer").0;
    let [a, b] = alternate(rounds, [&mut || time(&ours), &mut || time(&one)]);
    print("group by, by partitions", &[(&format!("{threads}"), a), ("1", b)]);

    println!("\npeak memory of a process that answers the first query once");
    for rows in [rows / 100, rows / 10, rows] {
        let file = folder.join(format!("of-{rows}.npy"));
        make(&file, rows)?;
        let output = Command::new(std::env::current_exe()?).env("MEASURE_MEMORY", &file).output()?;
        print!("  {rows:>12} records {}", String::from_utf8_lossy(&output.stdout));
        std::fs::remove_file(&file)?;
    }
    Ok(())
}

fn make(path: &Path, rows: usize) -> Result<()> {
    let make = || {
        let mut writer = npy::Writer::<Trade>::create(path, ())?;
        for start in (0..rows).step_by(1 << 16) {
            let trades: Vec<Trade> = (start..rows.min(start + (1 << 16))).map(Trade::new).collect();
            writer.write_rows(&trades)?;
        }
        writer.finish().map(drop)
    };
    make().map_err(|error: mmap_array::Error| std::io::Error::from(error).into())
}

/// Prints the memory that this process takes to answer the first query, with and without pages of files.
fn measure(path: &Path) -> Result<()> {
    let ctx = context(std::thread::available_parallelism()?.get());
    ctx.register_npy("trades", path)?;
    ask(&Runtime::new()?, &ctx, QUESTIONS[0][1])?;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map_or("", str::trim).to_owned();
    println!("{} peak, including file pages; {} anonymous at the end", of("VmHWM:"), of("RssAnon:"));
    Ok(())
}
