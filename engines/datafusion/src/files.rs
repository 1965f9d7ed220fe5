//! The description of a table's files, which is all that a scan needs, on any machine.

use crate::shard::{Rows, Shard, external, planning};
use arrow::compute::SortOptions;
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, ScalarValue, Statistics};
use datafusion::error::Result;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use mmap_array::DType;
use mmap_array::interop::ArrowOptions;
use std::cmp::Ordering;
use std::sync::Arc;

/// The number of bytes of a file that are mapped at a time, so that pages that were read do not stay mapped.
const MAPPED: usize = 64 << 20;

/// The maximum number of bytes in a batch, unless one row has more.
const BATCH: usize = 8 << 20;

/// The files of a table, the type of their rows, and statistics of their values.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    pub(crate) shards: Vec<Shard>,
    pub(crate) rows: Rows,
    pub(crate) schema: SchemaRef,
    /// Whether `S` is read as bytes instead of text.
    pub(crate) binary: bool,
    /// The columns whose values never decrease.
    pub(crate) sorted: Vec<String>,
    /// Whether the engine keeps the rows of partitions in order between the stages of a query. One that runs on several
    /// machines does not: Ballista replaces repartitions that keep an order by shuffles that do not.
    pub(crate) keeps_order: bool,
    /// The statistics of each shard's columns, once they have been computed.
    pub(crate) statistics: Option<Vec<Arc<Statistics>>>,
}

impl Files {
    pub(crate) fn new(shards: Vec<Shard>, rows: Rows, binary: bool) -> Result<Self> {
        let all = shards.iter().try_fold(0_usize, |all, shard| all.checked_add(shard.rows));
        if all.is_none() {
            return Err(planning(format!("{}: the table has more rows than this machine can count", shards[0])));
        }
        if rows.size() == 0 {
            return Err(planning(format!("{}: {rows} have no bytes, and therefore no columns", shards[0])));
        }
        let schema = schema(&shards, &rows, binary)?;
        Ok(Self { shards, rows, schema, binary, sorted: Vec::new(), keeps_order: true, statistics: None })
    }

    /// Changes the schema to read `S` as bytes.
    pub(crate) fn set_binary(&mut self) -> Result<()> {
        (self.schema, self.binary) = (schema(&self.shards, &self.rows, true)?, true);
        Ok(())
    }

    pub(crate) fn options(&self) -> ArrowOptions {
        options(self.binary)
    }

    pub(crate) fn total(&self) -> usize {
        self.shards.iter().map(|shard| shard.rows).sum()
    }

    /// Returns the dtype of the columns in the given order, or `None` if the elements are not records.
    pub(crate) fn selected(&self, columns: &[usize]) -> Result<Option<DType>> {
        let dtype = &self.rows.dtype;
        if dtype.fields().is_empty() || columns.is_empty() {
            return Ok(None);
        }
        dtype.select(columns.iter().map(|&column| self.schema.field(column).name())).map(Some).map_err(external)
    }

    /// Returns the number of rows in a batch of the selected columns: `asked`, or fewer if they are wide.
    pub(crate) fn batch_rows(&self, selected: Option<&DType>, asked: usize) -> usize {
        let size = selected.map_or_else(|| self.rows.size(), |dtype| self.rows.size_of(dtype));
        asked.min(BATCH / size.max(1)).max(1)
    }

    /// Returns the number of rows of a file that are mapped at a time.
    pub(crate) fn mapped_rows(&self) -> usize {
        (MAPPED / self.rows.size()).max(1)
    }

    /// Returns the known orders of the rows, except by floats, because NumPy and the engine order NaN and negative
    /// zeros differently, and of none if the engine would lose it.
    pub(crate) fn orderings(&self) -> Vec<LexOrdering> {
        if !self.keeps_order {
            return Vec::new();
        }
        let ordering = |name: &String| {
            let place = self.schema.index_of(name).ok()?;
            if self.schema.field(place).data_type().is_floating() {
                return None;
            }
            // NumPy sorts NaT to the end.
            let options = SortOptions { descending: false, nulls_first: false };
            LexOrdering::new([PhysicalSortExpr::new(Arc::new(Column::new(name, place)), options)])
        };
        self.sorted.iter().filter_map(ordering).collect()
    }

    /// Returns the statistics of a scan of `rows` rows, which are exact for all rows and estimates for fewer.
    pub(crate) fn statistics_of(&self, rows: usize) -> Statistics {
        let bytes = Precision::Inexact(rows.saturating_mul(self.rows.size()));
        let of_column = |column: usize| match &self.statistics {
            None => ColumnStatistics::new_unknown(),
            Some(known) => {
                let merged = merged(known.iter().map(|shard| &shard.column_statistics[column]));
                if rows == self.total() { merged } else { merged.to_inexact() }
            }
        };
        let columns = (0..self.schema.fields().len()).map(of_column).collect();
        Statistics { num_rows: Precision::Exact(rows), total_byte_size: bytes, column_statistics: columns }
    }
}

/// Returns the statistics of a column of all files. Files without values do not contribute to the minimum and maximum.
fn merged<'a>(shards: impl Iterator<Item = &'a ColumnStatistics> + Clone) -> ColumnStatistics {
    fn extreme<'a>(values: impl Iterator<Item = &'a Precision<ScalarValue>>, wins: Ordering) -> Precision<ScalarValue> {
        let mut best: Option<ScalarValue> = None;
        for value in values {
            let Precision::Exact(value) = value else { return Precision::Absent };
            let order = best.as_ref().map(|best| value.partial_cmp(best));
            match order {
                _ if value.is_null() => {}
                Some(None) => return Precision::Absent,
                Some(Some(order)) if order != wins => {}
                _ => best = Some(value.clone()),
            }
        }
        best.map_or(Precision::Absent, Precision::Exact)
    }
    let nulls = shards.clone().map(|shard| match shard.null_count {
        Precision::Exact(count) => Some(count),
        _ => None,
    });
    ColumnStatistics::new_unknown()
        .with_null_count(nulls.sum::<Option<usize>>().map_or(Precision::Absent, Precision::Exact))
        .with_min_value(extreme(shards.clone().map(|shard| &shard.min_value), Ordering::Less))
        .with_max_value(extreme(shards.map(|shard| &shard.max_value), Ordering::Greater))
}

fn options(binary: bool) -> ArrowOptions {
    if binary { ArrowOptions::new() } else { ArrowOptions::new().bytes_as_utf8() }
}

/// Returns the schema of the rows, or an error with the name of the first file if an element has no type in Arrow.
fn schema(shards: &[Shard], rows: &Rows, binary: bool) -> Result<SchemaRef> {
    let shape = [&[shards[0].rows], &rows.shape[..]].concat();
    let schema: Schema =
        options(binary).schema(&rows.dtype, &shape).map_err(|error| planning(format!("{}: {error}", shards[0])))?;
    Ok(Arc::new(schema))
}
