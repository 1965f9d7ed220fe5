//! Statistics of columns for the planner: the minimum and maximum of each file, and whether the values never decrease.

use crate::files::Files;
use crate::source::{Part, Reader};
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::compute::cast;
use arrow::compute::kernels::cmp::lt_eq;
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, Statistics};
use datafusion::error::Result;
use datafusion::functions_aggregate::min_max::{MaxAccumulator, MinAccumulator};
use datafusion::logical_expr::Accumulator;
use std::sync::Arc;

/// The number of rows in a batch, unless they are wide.
const ROWS: usize = 1 << 16;

/// Reads all rows once and computes the statistics of each column, and which columns are sorted.
pub(crate) fn analyze(files: &mut Arc<Files>) -> Result<()> {
    let fields = files.schema.fields().clone();
    let mut sorted: Vec<Sorted> = fields.iter().map(|field| Sorted::new(field.data_type())).collect();
    let mut statistics = Vec::with_capacity(files.shards.len());
    for (number, shard) in files.shards.iter().enumerate() {
        let mut extremes =
            fields.iter().map(|field| Extremes::new(field.data_type())).collect::<Result<Vec<Extremes>>>()?;
        let all: Vec<usize> = (0..fields.len()).collect();
        let parts = vec![Part { shard: number, rows: 0..shard.rows }];
        for batch in Reader::new(Arc::clone(files), &all, parts, ROWS, usize::MAX)? {
            for ((column, extremes), sorted) in batch?.columns().iter().zip(&mut extremes).zip(&mut sorted) {
                extremes.update(column)?;
                sorted.update(column)?;
            }
        }
        let columns = extremes.into_iter().map(Extremes::finish).collect::<Result<_>>()?;
        statistics.push(Arc::new(Statistics {
            num_rows: Precision::Exact(shard.rows),
            total_byte_size: Precision::Inexact(shard.rows.saturating_mul(files.rows.size())),
            column_statistics: columns,
        }));
    }
    let files = Arc::make_mut(files);
    let named = fields.iter().zip(&sorted).filter(|(_, sorted)| sorted.is_so).map(|(field, _)| field.name());
    for name in named {
        if !files.sorted.contains(name) {
            files.sorted.push(name.clone());
        }
    }
    files.statistics = Some(statistics);
    Ok(())
}

/// Returns whether values of a type have an order on which the engine, `min` and `max` agree.
fn has_order(data_type: &DataType) -> bool {
    match data_type {
        DataType::Boolean | DataType::Utf8 | DataType::Binary => true,
        DataType::Interval(_) => false,
        other => other.is_primitive(),
    }
}

/// The minimum, the maximum and the number of nulls of a column of one file.
struct Extremes {
    both: Option<(MinAccumulator, MaxAccumulator)>,
    nulls: usize,
}

impl Extremes {
    fn new(data_type: &DataType) -> Result<Self> {
        let both = match has_order(data_type) {
            true => Some((MinAccumulator::try_new(data_type)?, MaxAccumulator::try_new(data_type)?)),
            false => None,
        };
        Ok(Self { both, nulls: 0 })
    }

    fn update(&mut self, column: &ArrayRef) -> Result<()> {
        self.nulls += column.null_count();
        let Some((least, greatest)) = &mut self.both else { return Ok(()) };
        least.update_batch(std::slice::from_ref(column))?;
        greatest.update_batch(std::slice::from_ref(column))
    }

    fn finish(self) -> Result<ColumnStatistics> {
        let statistics = ColumnStatistics::new_unknown();
        let Some((mut least, mut greatest)) = self.both else { return Ok(statistics) };
        Ok(statistics
            .with_null_count(Precision::Exact(self.nulls))
            .with_min_value(Precision::Exact(least.evaluate()?))
            .with_max_value(Precision::Exact(greatest.evaluate()?)))
    }
}

/// Whether the values of a column never decrease, over all files, in NumPy's order, with NaN and nulls at the end.
struct Sorted {
    is_so: bool,
    last: Option<ArrayRef>,
}

impl Sorted {
    fn new(data_type: &DataType) -> Self {
        Self { is_so: has_order(data_type), last: None }
    }

    fn update(&mut self, column: &ArrayRef) -> Result<()> {
        let len = column.len();
        if !self.is_so || len == 0 {
            return Ok(());
        }
        let within = Self::never_down(&column.slice(0, len - 1), &column.slice(1, len - 1))?;
        let from_last = self.last.as_ref().map_or(Ok(true), |last| Self::never_down(last, &column.slice(0, 1)))?;
        self.is_so = within && from_last;
        self.last = Some(column.slice(len - 1, 1));
        Ok(())
    }

    /// Returns whether each value is followed by one that is not less, or by null or NaN.
    fn never_down(before: &ArrayRef, after: &ArrayRef) -> Result<bool> {
        if before.data_type().is_floating() {
            // The engine orders NaN by its sign.
            let [before, after] = [cast(before, &DataType::Float64)?, cast(after, &DataType::Float64)?];
            let [before, after] = [&before, &after].map(|column| column.as_primitive::<Float64Type>().values());
            return Ok(before.iter().zip(after).all(|(before, after)| before <= after || after.is_nan()));
        }
        let ordered: BooleanArray = lt_eq(before, after)?;
        // A comparison with null is null, which is not counted as true.
        Ok(ordered.true_count() + after.null_count() == ordered.len())
    }
}
