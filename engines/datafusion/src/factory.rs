//! `CREATE EXTERNAL TABLE … STORED AS NPY`.

use crate::shard::planning;
use crate::table::NpyTable;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider, TableProviderFactory};
use datafusion::error::Result;
use datafusion::logical_expr::{CreateExternalTable, Expr, SortExpr};
use std::path::PathBuf;
use std::sync::Arc;
use url::Url;

/// Makes tables of `.npy` files, of folders, and of members of archives, by SQL:
///
/// ```sql
/// CREATE EXTERNAL TABLE trades STORED AS NPY LOCATION '/data/trades.npy';
/// CREATE EXTERNAL TABLE ticks STORED AS NPY LOCATION '/data/ticks/' WITH ORDER (time ASC);
/// CREATE EXTERNAL TABLE days STORED AS NPY LOCATION ('mon.npy', 'tue.npy') OPTIONS ('npy.analyze' 'true');
/// CREATE EXTERNAL TABLE x STORED AS NPY LOCATION '/data/arrays.npz' OPTIONS ('npy.member' 'x', 'npy.binary' 'true');
/// ```
///
/// The columns are the file's; such as are written in the statement are refused. `WITH ORDER` is
/// [`NpyTable::sorted_by`], each order of one column; `npy.analyze` is [`NpyTable::analyze`], `npy.binary`
/// [`NpyTable::bytes_as_binary`], and `npy.member` [`NpyTable::open_member`].
#[derive(Clone, Copy, Debug, Default)]
pub struct NpyTableFactory;

#[async_trait]
impl TableProviderFactory for NpyTableFactory {
    async fn create(&self, _: &dyn Session, cmd: &CreateExternalTable) -> Result<Arc<dyn TableProvider>> {
        if !cmd.schema.fields().is_empty() {
            return Err(planning("the columns of a table of `.npy` files are those of the files; name none"));
        }
        if !cmd.table_partition_cols.is_empty() {
            return Err(planning("a table of `.npy` files is not partitioned by columns of its folders' names"));
        }
        if cmd.unbounded {
            return Err(planning("a table of `.npy` files has the rows that they have, and is not unbounded"));
        }
        let (mut member, mut is_analyzed, mut is_binary) = (None, false, false);
        for (option, value) in &cmd.options {
            // The parser puts `format.` before names that have no dot.
            match option.to_ascii_lowercase().as_str() {
                "npy.member" => member = Some(value.as_str()),
                "npy.analyze" => is_analyzed = truth(option, value)?,
                "npy.binary" => is_binary = truth(option, value)?,
                _ => {
                    return Err(planning(format!(
                        "{option}: tables of `.npy` files have the options npy.member, npy.analyze and npy.binary"
                    )));
                }
            }
        }
        let locations: Vec<PathBuf> = cmd.locations.iter().map(|location| path(location)).collect::<Result<_>>()?;
        let mut table = match (member, &locations[..]) {
            (Some(member), [archive]) => NpyTable::open_member(archive, member)?,
            (Some(_), _) => return Err(planning("a member is one archive's; name one location")),
            (None, _) => NpyTable::open_all(&locations)?,
        };
        if is_binary {
            table = table.bytes_as_binary()?;
        }
        for order in &cmd.order_exprs {
            table = table.sorted_by(column(order)?)?;
        }
        Ok(Arc::new(if is_analyzed { table.analyze()? } else { table }))
    }
}

/// The path of a location, which may be a URL of a file.
fn path(location: &str) -> Result<PathBuf> {
    match Url::parse(location) {
        Ok(url) if url.scheme() == "file" => {
            url.to_file_path().map_err(|()| planning(format!("{location}: the URL names no file of this machine")))
        }
        Ok(url) if location.contains("://") => {
            Err(planning(format!("{location}: tables are of files, and {} is no file system's", url.scheme())))
        }
        _ => Ok(PathBuf::from(location)),
    }
}

fn truth(option: &str, value: &str) -> Result<bool> {
    value.parse().map_err(|_| planning(format!("{option} is true or false, not {value}")))
}

/// The column by which an order sorts.
fn column(order: &[SortExpr]) -> Result<&str> {
    match order {
        [SortExpr { expr: Expr::Column(column), asc: true, nulls_first: false }] => Ok(&column.name),
        _ => Err(planning("rows are sorted by one column, ascending, with nulls last: WITH ORDER (column ASC)")),
    }
}
