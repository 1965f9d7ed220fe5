//! Tests of tables of `.npy` files: what they read, and what is refused.

#[path = "../../tests/python.rs"]
mod python;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{Float64Type, Int64Type, UInt32Type};
use arrow::util::pretty::pretty_format_batches;
use datafusion::error::Result;
use datafusion::physical_plan::displayable;
use datafusion::prelude::{SessionConfig, SessionContext};
use mmap_array::{ArrayView, DType, DynView, Order, npy, npz};
use mmap_array_datafusion::{NpyTable, RegisterNpy};
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

/// Saves records `[('id', '<u4'), ('t', '<i8'), ('x', '>f8'), ('s', 'S4')]`, in which `t` is `id / 10`.
fn save(path: &Path, ids: std::ops::Range<u32>) -> Result<()> {
    let dtype: DType = "[('id', '<u4'), ('t', '<i8'), ('x', '>f8'), ('s', 'S4')]".parse().unwrap();
    let record = |id: u32| {
        let (t, x) = (i64::from(id / 10), f64::from(id % 1000) / 8.0);
        [&id.to_le_bytes()[..], &t.to_le_bytes(), &x.to_be_bytes(), &[*b"one\0", *b"two\0"][id as usize % 2]].concat()
    };
    let bytes: Vec<u8> = ids.clone().flat_map(record).collect();
    write(path, &dtype, &bytes, ids.len())
}

fn write(path: &Path, dtype: &DType, bytes: &[u8], rows: usize) -> Result<()> {
    let make = || {
        let mut writer = npy::Writer::create_dyn(path, dtype.clone(), ())?;
        writer.write_rows(&DynView::from_bytes(bytes, dtype, rows)?)?;
        writer.finish().map(drop)
    };
    make().map_err(|error: mmap_array::Error| std::io::Error::from(error).into())
}

async fn ask(ctx: &SessionContext, question: &str) -> Result<RecordBatch> {
    let frame = ctx.sql(question).await?;
    let schema = frame.schema().inner().clone();
    Ok(concat_batches(&schema, &frame.collect().await?)?)
}

/// Returns the single number in an answer.
async fn number(ctx: &SessionContext, question: &str) -> Result<i64> {
    Ok(ask(ctx, question).await?.column(0).as_primitive::<Int64Type>().value(0))
}

/// Returns the scan of a query, as `EXPLAIN` prints it.
async fn scan(ctx: &SessionContext, question: &str) -> Result<String> {
    let plan = ctx.sql(question).await?.create_physical_plan().await?;
    let text = displayable(plan.as_ref()).indent(false).to_string();
    Ok(text.lines().filter(|line| line.contains("DataSourceExec")).collect::<Vec<_>>().join("\n"))
}

#[tokio::test]
async fn projections_limits_and_counts_read_what_they_need() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("a.npy");
    save(&path, 0..100_000)?;
    let ctx = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
    ctx.register_npy("a", &path)?;
    // Two columns of four, in the order that is asked for.
    let some = ask(&ctx, "SELECT x, id FROM a WHERE id % 30000 = 7 ORDER BY id").await?;
    assert_eq!(some.column(1).as_primitive::<UInt32Type>().values(), &[7, 30_007, 60_007, 90_007]);
    assert_eq!(some.column(0).as_primitive::<Float64Type>().values(), &[0.875; 4]);
    let text = scan(&ctx, "SELECT x, id FROM a WHERE id % 30000 = 7").await?;
    assert!(
        text.contains("file_groups={2 groups")
            && text.contains("projection=[id, x]")
            && text.contains("rows=100000 of 100000"),
        "{text}"
    );
    let text = scan(&ctx, "SELECT s FROM a LIMIT 5").await?;
    assert!(text.contains("projection=[s]") && text.contains("limit=5"), "{text}");
    assert_eq!(ask(&ctx, "SELECT s FROM a LIMIT 5").await?.num_rows(), 5);
    assert_eq!(ask(&ctx, "SELECT s FROM a LIMIT 5 OFFSET 99998").await?.num_rows(), 2);
    assert_eq!(number(&ctx, "SELECT count(*) FROM (SELECT s FROM a LIMIT 5)").await?, 5);
    assert_eq!(number(&ctx, "SELECT count(*) FROM (SELECT s FROM a LIMIT 5 OFFSET 99998)").await?, 2);
    // What is computed, renamed or said twice of columns.
    let some = ask(&ctx, "SELECT id AS i, id, id + 1, x AS id2, x FROM a WHERE id = 12").await?;
    assert_eq!((some.num_columns(), some.num_rows()), (5, 1));
    assert_eq!(some.column(3), some.column(4));
    // Counted by the header.
    assert_eq!(number(&ctx, "SELECT count(*) FROM a").await?, 100_000);
    assert_eq!(scan(&ctx, "SELECT count(*) FROM a").await?, "");
    // Rows without columns.
    assert_eq!(number(&ctx, "SELECT count(*) FROM a, (VALUES (1), (2)) AS b").await?, 200_000);
    assert_eq!(number(&ctx, "SELECT count(*) FROM a WHERE s = 'two'").await?, 50_000);
    Ok(())
}

#[tokio::test]
async fn partitions_give_each_row_once_in_order() -> Result<()> {
    let dir = tempfile::tempdir()?;
    for (number, ids) in [(0, 0..1), (1, 1..1), (2, 1..700), (3, 700..1003)] {
        save(&dir.path().join(format!("{number}.npy")), ids)?;
    }
    fs::write(dir.path().join("README"), "not an array")?;
    for partitions in [1, 2, 3, 7, 64] {
        for batch in [1, 10, 8192] {
            let config = SessionConfig::new().with_target_partitions(partitions).with_batch_size(batch);
            let ctx = SessionContext::new_with_config(config);
            ctx.register_npy("a", dir.path())?;
            let plan = ctx.sql("SELECT id FROM a").await?.create_physical_plan().await?;
            let mut ids = Vec::new();
            for partition in 0..plan.properties().output_partitioning().partition_count() {
                let batches =
                    datafusion::physical_plan::common::collect(plan.execute(partition, ctx.task_ctx())?).await?;
                for found in batches {
                    assert!(found.num_rows() <= batch);
                    ids.extend_from_slice(found.column(0).as_primitive::<UInt32Type>().values());
                }
            }
            assert!(ids.iter().copied().eq(0..1003), "{partitions} partitions, batches of {batch}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn filters_on_sorted_columns_find_their_rows() -> Result<()> {
    let dir = tempfile::tempdir()?;
    for number in 0..4 {
        save(&dir.path().join(format!("{number}.npy")), number * 1000..(number + 1) * 1000)?;
    }
    let whole = SessionContext::new();
    whole.register_npy("a", dir.path())?;
    let sorted = SessionContext::new();
    sorted.register_table("a", Arc::new(NpyTable::open(dir.path())?.sorted_by("t")?))?;
    let analyzed = SessionContext::new();
    let table = NpyTable::open(dir.path())?.analyze()?;
    assert_eq!(table.sorted_columns(), ["id", "t"]);
    analyzed.register_table("a", Arc::new(table))?;
    for (filter, found, chosen) in [
        ("t >= 150 AND t < 160", 100, 100),
        ("t = 200", 10, 10),
        ("t BETWEEN 95 AND 104", 100, 100),
        ("t > 398", 10, 10),
        ("t <= -1", 0, 0),
        ("350 < t", 490, 490),
        ("t < 100 AND t >= 300", 0, 0),
        ("t >= 150 AND x < 1", 16, 2500),
        ("t IS NULL", 0, 0),
    ] {
        let question = format!("SELECT count(*) FROM a WHERE {filter}");
        assert_eq!(number(&whole, &question).await?, found, "{filter}");
        assert_eq!(number(&sorted, &question).await?, found, "{filter}");
        assert_eq!(number(&analyzed, &question).await?, found, "{filter}");
        if filter != "t IS NULL" {
            let question = format!("SELECT id FROM a WHERE {filter}");
            let text = scan(&sorted, &question).await?;
            assert!(
                chosen == 0 && text.is_empty() || text.contains(&format!("rows={chosen} of 4000")),
                "{filter}: {text}"
            );
        }
    }
    for ctx in [&whole, &sorted, &analyzed] {
        let few = ask(ctx, "SELECT id FROM a WHERE t >= 100 AND id % 100 = 99 LIMIT 3").await?;
        assert_eq!(few.column(0).as_primitive::<UInt32Type>().values(), &[1099, 1199, 1299]);
        let few = ask(ctx, "SELECT t, id FROM a WHERE t >= 100 ORDER BY t, id LIMIT 2 OFFSET 5").await?;
        assert_eq!(few.column(1).as_primitive::<UInt32Type>().values(), &[1005, 1006]);
    }
    // Two columns of which both are sorted.
    let text = scan(&analyzed, "SELECT x FROM a WHERE t >= 100 AND id < 1005").await?;
    assert!(text.contains("rows=5 of 4000"), "{text}");
    // Sorted already.
    let plan = sorted.sql("SELECT t FROM a ORDER BY t").await?.create_physical_plan().await?;
    assert!(!displayable(plan.as_ref()).indent(false).to_string().contains("SortExec"));
    // The least and the greatest are known; files that cannot have what is asked for are left out.
    let ends = "SELECT min(t), max(t) FROM a";
    assert_eq!(scan(&analyzed, ends).await?, "");
    assert_eq!(ask(&analyzed, ends).await?, ask(&whole, ends).await?);
    let text = scan(&analyzed, "SELECT x FROM a WHERE id IN (5, 1005)").await?;
    assert!(text.contains("rows=2000 of 4000"), "{text}");
    assert!(NpyTable::open(dir.path())?.sorted_by("y").is_err());
    Ok(())
}

/// Filters find the same rows as a full scan, whatever a column of floats has at its ends.
#[tokio::test]
async fn floats_sorted_as_numpy_sorts_them_are_found() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    let at_the_end = [-inf, -2.0, -1.0, -0.0, 0.0, -0.0, 0.0, 1.0, 1.0, 2.0, inf, nan, -nan, nan, -nan];
    let without = [-inf, -2.0, -1.0, -0.0, 0.0, -0.0, 0.0, 1.0, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, inf];
    // Sorted to the engine, and not to NumPy.
    let first = [-nan, -nan, -inf, -2.0, -1.0, -0.0, 0.0, 1.0, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, inf];
    let never = [nan, -nan, nan, -nan, nan, -nan, nan, -nan, nan, -nan, nan, -nan, nan, -nan, nan];
    for (name, values, is_sorted) in
        [("end", at_the_end, true), ("without", without, true), ("first", first, false), ("never", never, true)]
    {
        let path = dir.path().join(format!("{name}.npy"));
        write(&path, &"<f8".parse().unwrap(), &values.map(f64::to_le_bytes).concat(), values.len())?;
        let whole = SessionContext::new_with_config(SessionConfig::new().with_batch_size(4));
        whole.register_npy("a", &path)?;
        let found = SessionContext::new_with_config(SessionConfig::new().with_batch_size(4));
        let table = NpyTable::open(&path)?.analyze()?;
        assert_eq!(table.sorted_columns().len(), usize::from(is_sorted), "{name}");
        found.register_table("a", Arc::new(table))?;
        let mut narrowed = 0;
        let bits = |batch: RecordBatch| -> Vec<u64> {
            batch.column(0).as_primitive::<Float64Type>().values().iter().map(|value| value.to_bits()).collect()
        };
        for operator in ["<", "<=", "=", ">=", ">"] {
            for bound in ["-3.0", "-1.0", "-0.0", "0.0", "0.5", "1.0", "1.5", "9.0", "'inf'", "'-inf'", "'nan'"] {
                let bound = format!("arrow_cast({bound}, 'Float64')");
                let question = format!("SELECT value FROM a WHERE value {operator} {bound}");
                assert_eq!(
                    bits(ask(&found, &question).await?),
                    bits(ask(&whole, &question).await?),
                    "{name}: {question}"
                );
                narrowed += usize::from(!scan(&found, &question).await?.contains("rows=15 of"));
            }
        }
        // Where all are NaN, none can be left out.
        assert!(narrowed > 20 || !is_sorted || name == "never", "{name}: {narrowed}");
        // What the engine makes of order is not left to NumPy's.
        for question in [
            "SELECT value FROM a ORDER BY value",
            "SELECT min(value) FROM a",
            "SELECT value FROM (SELECT value, count(*) AS n FROM a GROUP BY value) ORDER BY value",
            "SELECT arrow_cast(count(*) OVER (ORDER BY value), 'Float64') FROM a ORDER BY value",
        ] {
            assert_eq!(bits(ask(&found, question).await?), bits(ask(&whole, question).await?), "{name}: {question}");
        }
    }
    Ok(())
}

/// Statistics are correct for files without rows and for columns without values.
#[tokio::test]
async fn columns_without_values_are_analyzed() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let dtype: DType = "[('t', '<M8[s]'), ('h', '<f2'), ('s', 'S3'), ('b', '?'), ('v', '<i2', (2,))]".parse().unwrap();
    let record = |t: i64, h: u16, s: &[u8; 3]| [&t.to_le_bytes()[..], &h.to_le_bytes(), s, &[1], &[0; 4]].concat();
    let nat = i64::MIN;
    let shards = [
        vec![record(1, 0x3c00, b"a\0\0"), record(5, 0x4000, b"b\0\0"), record(nat, 0x4200, b"c\0\0")],
        vec![],
        vec![record(nat, 0x4400, b"d\0\0"); 2],
    ];
    for (number, records) in shards.iter().enumerate() {
        write(&dir.path().join(format!("{number}.npy")), &dtype, &records.concat(), records.len())?;
    }
    let (whole, found) = (SessionContext::new(), SessionContext::new());
    whole.register_npy("a", dir.path())?;
    let table = NpyTable::open(dir.path())?.analyze()?;
    assert_eq!(table.sorted_columns(), ["t", "h", "s", "b"]);
    found.register_table("a", Arc::new(table))?;
    for question in [
        "SELECT min(t), max(t), count(t), count(*) FROM a",
        "SELECT min(h), max(h), min(s), max(s), min(b) FROM a",
        "SELECT count(*) FROM a WHERE t >= '1970-01-01T00:00:02'",
        "SELECT count(*) FROM a WHERE t IS NULL",
        "SELECT s FROM a WHERE s > 'a' AND s <= 'c' ORDER BY s LIMIT 5",
        "SELECT h FROM a WHERE s > 'a' AND h < 4 LIMIT 1",
        "SELECT t FROM a ORDER BY t DESC NULLS LAST",
        "SELECT s, t FROM a WHERE t < '1970-01-01T00:00:09' OR s = 'd' ORDER BY s, t",
    ] {
        assert_eq!(ask(&found, question).await?, ask(&whole, question).await?, "{question}");
    }
    Ok(())
}

/// Batches of wide rows have few rows, and a partition maps few rows at a time.
#[tokio::test]
async fn wide_rows_come_few_at_a_time() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("images.npy");
    let scratch = npy::create_options::<f32>([300, 3, 200, 200]).scratch_in(dir.path());
    scratch.and_then(|scratch| Ok(scratch.persist(&path)?)).map_err(std::io::Error::from)?;
    let ctx = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(4));
    ctx.register_npy("a", &path)?;
    assert!(scan(&ctx, "SELECT value FROM a").await?.contains("file_groups={4 groups"));
    let (mut rows, mut most) = (0, 0);
    for batch in ctx.sql("SELECT value FROM a").await?.collect().await? {
        most = most.max(batch.num_rows());
        rows += batch.num_rows();
    }
    assert_eq!((rows, most), (300, (8 << 20) / (3 * 200 * 200 * 4)));
    NpyTable::open(&path)?.analyze()?;
    Ok(())
}

#[tokio::test]
async fn fortran_order_is_read() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("a.npy");
    let make = || {
        let mut scratch = npy::create_options::<f64>([1000, 3]).order(Order::F).scratch_in(dir.path())?;
        for row in 0..1000 {
            for column in 0..3 {
                scratch[[row, column]] = (row * 3 + column) as f64;
            }
        }
        scratch.persist(&path)?;
        Ok::<_, mmap_array::Error>(())
    };
    make().map_err(std::io::Error::from)?;
    let ctx = SessionContext::new_with_config(SessionConfig::new().with_batch_size(64).with_target_partitions(1));
    ctx.register_npy("a", &path)?;
    let (mut row, mut batches) = (0, 0);
    for batch in ctx.sql("SELECT value FROM a").await?.collect().await? {
        batches += 1;
        let values = batch.column(0).as_fixed_size_list().values().as_primitive::<Float64Type>().values().to_vec();
        let expected: Vec<f64> = (row * 3..row * 3 + values.len()).map(|value| value as f64).collect();
        assert_eq!(values, expected);
        row += batch.num_rows();
    }
    assert!(row == 1000 && batches > 10);
    Ok(())
}

#[tokio::test]
async fn times_with_nat_at_the_end_are_found() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("t.npy");
    let times = [0_i64, 86_400, 86_400, 200_000, 300_000, i64::MIN, i64::MIN];
    write(&path, &"<M8[s]".parse().unwrap(), &times.map(i64::to_le_bytes).concat(), times.len())?;
    let table = NpyTable::open(&path)?.analyze()?;
    assert_eq!(table.sorted_columns(), ["value"]);
    let ctx = SessionContext::new();
    ctx.register_table("a", Arc::new(table))?;
    for (filter, found, chosen) in [
        ("value >= '1970-01-02'", 4, 6),
        ("value >= '1970-01-02' AND value < '1970-01-03'", 2, 2),
        ("value < timestamp '1970-01-02'", 1, 1),
    ] {
        let question = format!("SELECT value FROM a WHERE {filter}");
        assert_eq!(ask(&ctx, &question).await?.num_rows(), found, "{filter}");
        let text = scan(&ctx, &question).await?;
        assert!(text.contains(&format!("rows={chosen} of 7")), "{text}");
    }
    assert_eq!(number(&ctx, "SELECT count(*) FROM a WHERE value IS NULL").await?, 2);
    Ok(())
}

#[tokio::test]
async fn statements_make_tables() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let folder = dir.path().display();
    save(&dir.path().join("a.npy"), 0..10)?;
    save(&dir.path().join("b.npy"), 10..20)?;
    save(&dir.path().join("with space.npy"), 20..30)?;
    let mut archive = npz::Writer::create(dir.path().join("c.npz")).map_err(std::io::Error::from)?;
    archive.add("x", &[1.5, 2.5]).map_err(std::io::Error::from)?;
    archive.finish().map_err(std::io::Error::from)?;
    let ctx = SessionContext::new();
    ctx.register_npy_format();
    for (table, location, rest, rows) in [
        ("one", format!("'{folder}/a.npy'"), "", 10),
        ("url", format!("'file://{folder}/a.npy'"), "", 10),
        ("spaced", format!("'file://{folder}/with%20space.npy'"), "", 10),
        ("all", format!("'{folder}/'"), "WITH ORDER (id ASC) WITH ORDER (t)", 30),
        (
            "two",
            format!("('{folder}/b.npy', '{folder}/a.npy')"),
            "OPTIONS ('npy.analyze' 'true', 'npy.binary' 'true')",
            20,
        ),
        ("member", format!("'{folder}/c.npz'"), "OPTIONS ('npy.member' 'x')", 2),
    ] {
        let order = rest.strip_prefix("WITH").map_or("", |_| rest);
        let options = rest.strip_prefix("OPTIONS").map_or("", |_| rest);
        let create = format!("CREATE EXTERNAL TABLE {table} STORED AS NPY {order} LOCATION {location} {options}");
        ctx.sql(&create).await.map_err(|error| error.context(create))?;
        assert_eq!(number(&ctx, &format!("SELECT count(*) FROM {table}")).await?, rows, "{table}");
    }
    let first = ask(&ctx, "SELECT id, s FROM two LIMIT 1").await?;
    assert_eq!(first.column(0).as_primitive::<UInt32Type>().value(0), 10);
    assert_eq!(first.column(1).as_binary::<i32>().value(0), b"one");
    for (statement, expected) in [
        ("(id INT) STORED AS NPY LOCATION 'a.npy'", "declare no columns"),
        ("STORED AS NPY LOCATION 'no.npy'", "no.npy"),
        ("STORED AS NPY LOCATION 's3://bucket/a.npy'", "s3"),
        ("STORED AS NPY WITH ORDER (t DESC) LOCATION 'a.npy'", "ascending"),
        ("STORED AS NPY WITH ORDER (id ASC, t ASC) LOCATION 'a.npy'", "one column"),
        ("STORED AS NPY WITH ORDER (t ASC NULLS FIRST) LOCATION 'a.npy'", "nulls last"),
        ("STORED AS NPY LOCATION 'a.npy' OPTIONS ('npy.analyze' 'maybe')", "true or false"),
        ("STORED AS NPY LOCATION 'a.npy' OPTIONS ('npy.analyse' 'true')", "npy.analyze"),
        ("STORED AS NPY PARTITIONED BY (id) LOCATION 'a.npy'", ""),
        ("STORED AS NPY LOCATION 'c.npz' OPTIONS ('npy.member' 'y')", "y"),
    ] {
        let statement = match statement.contains("://") {
            true => statement.to_owned(),
            false => statement.replace("LOCATION '", &format!("LOCATION '{folder}/")),
        };
        let error = ctx.sql(&format!("CREATE EXTERNAL TABLE wrong {statement}")).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{statement}: {error}");
    }
    Ok(())
}

#[tokio::test]
async fn arrays_of_any_dtype_are_tables() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("a.npy");
    let dtype: DType =
        "[('p', [('x', '<f4'), ('y', '<f4')]), ('v', '<i2', (2, 2)), ('z', '<c8'), ('u', '<U3'), ('raw', 'V3')]"
            .parse()
            .unwrap();
    let record = |n: u8| {
        let mut bytes = vec![0; dtype.itemsize()];
        bytes[..4].copy_from_slice(&f32::from(n).to_le_bytes());
        bytes[8] = n;
        bytes[24] = b'a' + n;
        bytes
    };
    write(&path, &dtype, &(0..3).flat_map(record).collect::<Vec<u8>>(), 3)?;
    let ctx = SessionContext::new();
    ctx.register_npy("a", &path)?;
    let some = ask(&ctx, "SELECT a.p['x'] AS x, v, z['re'], u, raw FROM a WHERE a.p['x'] > 0").await?;
    let printed = pretty_format_batches(&[some])?.to_string();
    assert!(printed.contains("| 2.0 | [[2, 0], [0, 0]] | 0.0"), "{printed}");
    // More axes are lists.
    let matrix = dir.path().join("matrix.npy");
    let view = ArrayView::from_slice(&[1.0, 2.0, 3.0, 4.0], [2, 2]).map_err(std::io::Error::from)?;
    npy::save(&matrix, &view).map_err(std::io::Error::from)?;
    ctx.register_npy("matrix", &matrix)?;
    let printed = pretty_format_batches(&[ask(&ctx, "SELECT value FROM matrix").await?])?.to_string();
    assert!(printed.contains("| [1.0, 2.0] |") && printed.contains("| [3.0, 4.0] |"), "{printed}");
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_a_table_is_said_when_it_is_made() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let path = |name: &str| dir.path().join(name);
    let refused = |path: &Path, expected: &[&str]| {
        let error = NpyTable::open(path).unwrap_err().to_string();
        for text in expected.iter().chain([&path.file_name().unwrap().to_str().unwrap()]) {
            assert!(error.contains(text), "{error}\nhas no {text}");
        }
    };
    refused(&path("none.npy"), &["No such file"]);
    fs::write(path("empty.npy"), "")?;
    refused(&path("empty.npy"), &["empty"]);
    fs::write(path("text.npy"), "time,price\n1,2\n")?;
    refused(&path("text.npy"), &["NUMPY"]);
    let header = |descr: &str, shape: &str, bytes: usize| {
        let mut header = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}");
        while (header.len() + 11) % 64 != 0 {
            header.push(' ');
        }
        header.push('\n');
        [b"\x93NUMPY\x01\0", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), &vec![0; bytes]].concat()
    };
    for (name, descr, shape, bytes, expected) in [
        ("object.npy", "'|O'", "(2,)", 16, "object"),
        ("field.npy", "[('a', '<i4'), ('b', '|O')]", "(2,)", 24, "object"),
        ("scalar.npy", "'<f8'", "()", 8, "axes"),
        ("picosecond.npy", "[('t', '<M8[ps]')]", "(2,)", 16, "t"),
        ("nothing.npy", "'|V0'", "(2,)", 0, "no bytes"),
        ("no_columns.npy", "'<f8'", "(3, 0)", 0, "no bytes"),
        ("many.npy", "'|u1'", "(4611686018427387904, 0)", 0, "no bytes"),
        ("nothing_more.npy", "[('a', '<i4'), ('b', '|S0')]", "(2,)", 8, "b"),
        ("short.npy", "'<f8'", "(20,)", 8, "20"),
        ("clash.npy", "[('a', '<i4'), ('a', '<i4')]", "(2,)", 16, "a"),
    ] {
        fs::write(path(name), header(descr, shape, bytes))?;
        refused(&path(name), &[expected]);
    }
    let (mixed, nothing) = (path("mixed"), path("nothing"));
    fs::create_dir(&mixed)?;
    save(&mixed.join("0.npy"), 0..5)?;
    fs::write(mixed.join("1.npy"), header("[('id', '>u4')]", "(2,)", 8))?;
    refused(&mixed, &["0.npy", "1.npy", "[('id', '>u4')]", "the field \"id\" is >u4, not <u4"]);
    fs::remove_file(mixed.join("1.npy"))?;
    // What file servers leave beside a file.
    fs::write(mixed.join("._0.npy"), "no array")?;
    assert!(NpyTable::open(&mixed).is_ok());
    let mut archive = npz::Writer::create(path("a.npz")).map_err(std::io::Error::from)?;
    archive.add("prices", &[1.5, 2.5]).map_err(std::io::Error::from)?;
    archive.finish().map_err(std::io::Error::from)?;
    refused(&path("a.npz"), &["prices", "npy.member"]);
    fs::create_dir(&nothing)?;
    refused(&nothing, &["no `.npy` file"]);
    Ok(())
}

#[test]
fn a_member_that_is_deflated_is_refused_by_name() -> Result<()> {
    let Some(python) = python::python() else { return Ok(()) };
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("a.npz");
    let save = "import numpy as np, sys; np.savez_compressed(sys.argv[1], x=np.arange(1000.0))";
    python.run(save, [&path]);
    let error = NpyTable::open_member(&path, "x").unwrap_err().to_string();
    assert!(error.contains("a.npz:x: the member is compressed"), "{error}");
    let error = NpyTable::open_member(&path, "y").unwrap_err().to_string();
    assert!(error.contains("a.npz") && error.contains("y"), "{error}");
    Ok(())
}

/// If a file is truncated, replaced or removed after its table was created, queries fail.
#[tokio::test]
async fn files_that_change_are_errors() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("a.npy");
    let fresh = || -> Result<SessionContext> {
        save(&path, 0..100_000)?;
        let ctx = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
        ctx.register_npy("a", &path)?;
        Ok(ctx)
    };
    let question = "SELECT sum(x) FROM a";
    let ctx = fresh()?;
    File::options().write(true).open(&path)?.set_len(1 << 20)?;
    let error = ask(&ctx, question).await.unwrap_err().to_string();
    assert!(error.contains("a.npy") && error.contains("100000"), "{error}");
    let ctx = fresh()?;
    save(&path, 0..10)?;
    let error = ask(&ctx, question).await.unwrap_err().to_string();
    assert!(error.contains("a.npy") && error.contains("had 100000 rows"), "{error}");
    // As many rows of the same dtype, in another file.
    #[cfg(unix)]
    {
        let ctx = fresh()?;
        save(&path, 0..100_000)?;
        let error = ask(&ctx, question).await.unwrap_err().to_string();
        assert!(error.contains("a.npy") && error.contains("replaced"), "{error}");
    }
    let ctx = fresh()?;
    fs::remove_file(&path)?;
    let error = ask(&ctx, question).await.unwrap_err().to_string();
    assert!(error.contains("a.npy"), "{error}");
    let ctx = fresh()?;
    npy::save(&path, &vec![1.5; 200_000]).map_err(std::io::Error::from)?;
    let error = ask(&ctx, question).await.unwrap_err().to_string();
    assert!(error.contains("a.npy") && error.contains("<f8"), "{error}");

    // While a query runs: what was read is good, and then comes the error.
    let ctx = fresh()?;
    let plan = ctx.sql("SELECT id FROM a").await?.create_physical_plan().await?;
    let mut rows = plan.execute(0, ctx.task_ctx())?;
    let first = futures::StreamExt::next(&mut rows).await.unwrap()?;
    assert_eq!(first.column(0).as_primitive::<UInt32Type>().value(100), 100);
    File::options().write(true).open(&path)?.set_len(4096)?;
    let mut errors = 0;
    while let Some(batch) = futures::StreamExt::next(&mut rows).await {
        match batch {
            Ok(batch) => assert_eq!(errors, 0, "{} rows after the error", batch.num_rows()),
            Err(error) => {
                errors += 1;
                assert!(error.to_string().contains("a.npy"), "{error}");
            }
        }
    }
    assert_eq!(errors, 1);
    Ok(())
}

#[tokio::test]
async fn bytes_that_are_no_text_are_the_columns_error() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("a.npy");
    let dtype: DType = "[('id', 'u1'), ('s', 'S2')]".parse().unwrap();
    write(&path, &dtype, b"\x01ok\x02\xff\xfe", 2)?;
    let ctx = SessionContext::new();
    ctx.register_npy("text", &path)?;
    ctx.register_table("bytes", Arc::new(NpyTable::open(&path)?.bytes_as_binary()?))?;
    assert_eq!(ask(&ctx, "SELECT id FROM text").await?.num_rows(), 2);
    let error = ask(&ctx, "SELECT s FROM text").await.unwrap_err().to_string();
    assert!(error.contains("a.npy") && error.contains("\"s\"") && error.contains("npy.binary"), "{error}");
    assert!(NpyTable::open(&path)?.analyze().unwrap_err().to_string().contains("npy.binary"));
    // The row is that of the file.
    let long = dir.path().join("long.npy");
    let mut bytes = b"\x01ok".repeat(20_000);
    bytes[3 * 15_000 + 1] = 0xff;
    write(&long, &dtype, &bytes, 20_000)?;
    ctx.register_npy("long", &long)?;
    let error = ask(&ctx, "SELECT s FROM long").await.unwrap_err().to_string();
    let number = |after: &str| -> usize {
        let digits = error.split(after).nth(1).unwrap_or_default();
        digits.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap_or_default()
    };
    assert_eq!(number("from row ") + number("the text in row "), 15_000, "{error}");
    assert_eq!(ask(&ctx, "SELECT s FROM bytes").await?.column(0).as_binary::<i32>().value(1), b"\xff\xfe");
    Ok(())
}

#[cfg(feature = "proto")]
mod proto {
    use super::{RegisterNpy, Result, SessionConfig, SessionContext, ask, number, save, scan};
    use datafusion::physical_plan::collect;
    use datafusion_proto::bytes::{
        logical_plan_from_bytes_with_extension_codec, logical_plan_to_bytes_with_extension_codec,
        physical_plan_from_bytes_with_extension_codec, physical_plan_to_bytes_with_extension_codec,
    };
    use datafusion_proto::logical_plan::DefaultLogicalExtensionCodec;
    use datafusion_proto::physical_plan::DefaultPhysicalExtensionCodec;
    use mmap_array_datafusion::NpyTable;
    use mmap_array_datafusion::proto::{NpyLogicalCodec, NpyPhysicalCodec};
    use std::sync::Arc;

    #[tokio::test]
    async fn plans_are_sent_as_bytes() -> Result<()> {
        let dir = tempfile::tempdir()?;
        save(&dir.path().join("0.npy"), 0..6000)?;
        save(&dir.path().join("1.npy"), 6000..9000)?;
        let logical = NpyLogicalCodec::new(Arc::new(DefaultLogicalExtensionCodec {}));
        let physical = NpyPhysicalCodec::new(Arc::new(DefaultPhysicalExtensionCodec {}));
        let ctx = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
        for (kind, table) in [
            ("plain", NpyTable::open(dir.path())?),
            ("analyzed", NpyTable::open(dir.path())?.bytes_as_binary()?.analyze()?),
        ] {
            ctx.register_table(kind, Arc::new(table))?;
            // Another session, which knows of no table.
            let other = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
            let question =
                format!("SELECT t, sum(x), min(s) FROM {kind} WHERE t >= 590 AND t < 610 GROUP BY t ORDER BY t");
            let expected = ask(&ctx, &question).await?;
            assert_eq!(expected.num_rows(), 20);

            let frame = ctx.sql(&question).await?;
            let bytes = logical_plan_to_bytes_with_extension_codec(frame.logical_plan(), &logical)?;
            let plan = logical_plan_from_bytes_with_extension_codec(&bytes, &other.task_ctx(), &logical)?;
            let schema = expected.schema();
            let answer = other.execute_logical_plan(plan).await?.collect().await?;
            assert_eq!(arrow::compute::concat_batches(&schema, &answer)?, expected, "{kind}");

            let plan = frame.create_physical_plan().await?;
            let bytes = physical_plan_to_bytes_with_extension_codec(plan, &physical)?;
            let plan = physical_plan_from_bytes_with_extension_codec(&bytes, &other.task_ctx(), &physical)?;
            let answer = collect(plan, other.task_ctx()).await?;
            assert_eq!(arrow::compute::concat_batches(&schema, &answer)?, expected, "{kind}");
        }
        for question in [
            "SELECT x, id FROM plain WHERE id % 7 = 3",
            "SELECT s, t, id FROM analyzed LIMIT 7000",
            "SELECT x FROM plain LIMIT 0",
        ] {
            let plan = ctx.sql(question).await?.create_physical_plan().await?;
            let bytes = physical_plan_to_bytes_with_extension_codec(plan, &physical)?;
            let plan = physical_plan_from_bytes_with_extension_codec(&bytes, &ctx.task_ctx(), &physical)?;
            let (schema, answer) = (plan.schema(), collect(plan, ctx.task_ctx()).await?);
            assert_eq!(arrow::compute::concat_batches(&schema, &answer)?, ask(&ctx, question).await?, "{question}");
        }
        assert_eq!(number(&ctx, "SELECT count(*) FROM plain WHERE t < 10").await?, 100);
        assert!(scan(&ctx, "SELECT id FROM analyzed WHERE t < 10").await?.contains("rows=100 of"));
        Ok(())
    }

    /// No bytes make the codecs panic.
    #[tokio::test]
    async fn bytes_that_are_no_plan_are_errors() -> Result<()> {
        use datafusion_proto::logical_plan::LogicalExtensionCodec;
        use datafusion_proto::physical_plan::{DefaultPhysicalProtoConverter, PhysicalExtensionCodec};
        let dir = tempfile::tempdir()?;
        save(&dir.path().join("0.npy"), 0..10)?;
        let ctx = SessionContext::new();
        ctx.register_npy("a", dir.path())?;
        let logical = NpyLogicalCodec::new(Arc::new(DefaultLogicalExtensionCodec {}));
        let physical = NpyPhysicalCodec::new(Arc::new(DefaultPhysicalExtensionCodec {}));
        let table = ctx.table_provider("a").await?;
        let (mut bytes, mut scan) = (Vec::new(), Vec::new());
        logical.try_encode_table_provider(&"a".into(), table.clone(), &mut bytes)?;
        let plan = table.scan(&ctx.state(), None, &[], None).await?;
        physical.try_encode(plan, &mut scan, &DefaultPhysicalProtoConverter {})?;
        let (task, schema) = (ctx.task_ctx(), table.schema());
        let (mut refused, mut taken) = (0, 0);
        for at in 0..scan.len() {
            for change in [1, 2, 0x40, 0x7f, 0x80, 0xff] {
                let mut changed = scan.clone();
                changed[at] ^= change;
                let plan = physical.try_decode(&changed, &[], &task, &DefaultPhysicalProtoConverter {});
                match plan {
                    Ok(_) => taken += 1,
                    Err(_) => refused += 1,
                }
                let cut = physical.try_decode(&changed[..at], &[], &task, &DefaultPhysicalProtoConverter {});
                refused += usize::from(cut.is_err());
                if let Some(byte) = bytes.get(at) {
                    let mut changed = bytes.clone();
                    changed[at] = byte ^ change;
                    let _ = logical.try_decode_table_provider(&changed, &"a".into(), schema.clone(), &task);
                }
            }
        }
        assert!(refused > 100 && taken > 100, "{refused} refused, {taken} taken");
        let mut other = bytes.clone();
        other[3] ^= 1;
        let error =
            logical.try_decode_table_provider(&other, &"a".into(), schema.clone(), &task).unwrap_err().to_string();
        assert!(error.contains("version"), "{error}");
        Ok(())
    }
}
