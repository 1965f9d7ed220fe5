//! The SQL statement `CREATE EXTERNAL TABLE … STORED AS NPY`.

use crate::shard::planning;
use crate::table::NpyTable;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider, TableProviderFactory};
use datafusion::error::Result;
use datafusion::logical_expr::{CreateExternalTable, Expr, SortExpr};
use std::path::PathBuf;
use std::sync::Arc;
use url::Url;

/// Creates tables of `.npy` files, folders and members of archives by SQL:
///
/// ```sql
/// CREATE EXTERNAL TABLE trades STORED AS NPY LOCATION '/data/trades.npy';
/// CREATE EXTERNAL TABLE ticks STORED AS NPY LOCATION '/data/ticks/' WITH ORDER (time ASC);
/// CREATE EXTERNAL TABLE days STORED AS NPY LOCATION ('mon.npy', 'tue.npy') OPTIONS ('npy.analyze' 'true');
/// CREATE EXTERNAL TABLE x STORED AS NPY LOCATION '/data/arrays.npz' OPTIONS ('npy.member' 'x', 'npy.binary' 'true');
/// ```
///
/// The columns are those of the files; a statement that declares columns is an error. `WITH ORDER` corresponds to
/// [`NpyTable::sorted_by`], with one column for each order; `npy.analyze` to [`NpyTable::analyze`], `npy.binary` to
/// [`NpyTable::bytes_as_binary`], and `npy.member` to [`NpyTable::open_member`].
#[derive(Clone, Copy, Debug, Default)]
pub struct NpyTableFactory;

#[async_trait]
impl TableProviderFactory for NpyTableFactory {
    async fn create(&self, _: &dyn Session, cmd: &CreateExternalTable) -> Result<Arc<dyn TableProvider>> {
        if !cmd.schema.fields().is_empty() {
            return Err(planning("the columns of a table of `.npy` files are those of the files; declare no columns"));
        }
        if !cmd.table_partition_cols.is_empty() {
            return Err(planning("tables of `.npy` files do not support PARTITIONED BY"));
        }
        if cmd.unbounded {
            return Err(planning("tables of `.npy` files cannot be unbounded"));
        }
        let (mut member, mut is_analyzed, mut is_binary) = (None, false, false);
        for (option, value) in &cmd.options {
            // The parser puts `format.` before names that have no dot.
            match option.to_ascii_lowercase().as_str() {
                "npy.member" => member = Some(value.as_str()),
                "npy.analyze" => is_analyzed = truth(option, value)?,
                "npy.binary" => is_binary = truth(option, value)?,
                other => {
                    let name = other.strip_prefix("format.").unwrap_or(other);
                    return Err(planning(format!(
                        "{name} is not an option of `.npy` tables; expected npy.member, npy.analyze or npy.binary"
                    )));
                }
            }
        }
        let locations: Vec<PathBuf> = cmd.locations.iter().map(|location| path(location)).collect::<Result<_>>()?;
        let mut table = match (member, &locations[..]) {
            (Some(member), [archive]) => NpyTable::open_member(archive, member)?,
            (Some(_), _) => return Err(planning("npy.member needs exactly one location, the archive")),
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

/// Returns the path of a location, which may be the URL of a file.
fn path(location: &str) -> Result<PathBuf> {
    match Url::parse(location) {
        Ok(url) if url.scheme() == "file" => {
            url.to_file_path().map_err(|()| planning(format!("{location}: the URL does not name a local file")))
        }
        Ok(url) if location.contains("://") => {
            Err(planning(format!("{location}: expected a path or a `file` URL, found the scheme `{}`", url.scheme())))
        }
        _ => Ok(PathBuf::from(location)),
    }
}

fn truth(option: &str, value: &str) -> Result<bool> {
    value.to_ascii_lowercase().parse().map_err(|_| planning(format!("{option} must be true or false, not {value}")))
}

/// Returns the column of an order.
fn column(order: &[SortExpr]) -> Result<&str> {
    match order {
        [SortExpr { expr: Expr::Column(column), asc: true, nulls_first: false }] => Ok(&column.name),
        _ => Err(planning("an order must be one column, ascending, with nulls last: WITH ORDER (column ASC)")),
    }
}
