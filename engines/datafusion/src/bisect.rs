//! Finding the rows that can match filters on a sorted column, by bisection.

use crate::files::Files;
use crate::source::Part;
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use mmap_array::{DType, SharedDynArray};
use std::cmp::Ordering;
use std::collections::HashMap;
use std::ops::Range;

/// A condition on a column: a comparison of its values with one value.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    operator: Operator,
    value: ScalarValue,
}

impl Bound {
    fn new(operator: Operator, value: &ScalarValue) -> Option<Self> {
        // For some parts of the engine -0.0 is less than 0.0, but NumPy sorts them as equal: both are included.
        let operator = match (operator, float(value)) {
            (_, Some(value)) if value.is_nan() => return None,
            (Operator::Gt, Some(0.0)) => Operator::GtEq,
            (Operator::Lt, Some(0.0)) => Operator::LtEq,
            _ => operator,
        };
        let ordered = [Operator::Eq, Operator::Lt, Operator::LtEq, Operator::Gt, Operator::GtEq];
        (ordered.contains(&operator) && !value.is_null()).then(|| Self { operator, value: value.clone() })
    }
}

/// Returns the bounds that a filter sets on a column, or none if the filter has another form.
pub(crate) fn bounds(filter: &Expr, column: &str) -> Vec<Bound> {
    let found = match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            return [bounds(left, column), bounds(right, column)].concat();
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match (&**left, &**right) {
            (Expr::Column(named), Expr::Literal(value, _)) if named.name == column => [Bound::new(*op, value), None],
            (Expr::Literal(value, _), Expr::Column(named)) if named.name == column => {
                [op.swap().and_then(|operator| Bound::new(operator, value)), None]
            }
            _ => return Vec::new(),
        },
        Expr::Between(between) if !between.negated => match (&*between.expr, &*between.low, &*between.high) {
            (Expr::Column(named), Expr::Literal(low, _), Expr::Literal(high, _)) if named.name == column => {
                [Bound::new(Operator::GtEq, low), Bound::new(Operator::LtEq, high)]
            }
            _ => return Vec::new(),
        },
        _ => return Vec::new(),
    };
    found.into_iter().flatten().collect()
}

/// Returns the value of a float of any width.
fn float(value: &ScalarValue) -> Option<f64> {
    match value {
        ScalarValue::Float16(value) => value.map(f64::from),
        ScalarValue::Float32(value) => value.map(f64::from),
        ScalarValue::Float64(value) => *value,
        _ => None,
    }
}

/// Compares a value of the column with a bound in NumPy's order, in which NaN and NaT come last. Returns `None` if they
/// have different types.
fn compare(value: &ScalarValue, bound: &ScalarValue) -> Option<Ordering> {
    if value.is_null() {
        return Some(Ordering::Greater);
    }
    match (float(value), float(bound)) {
        (Some(value), Some(bound)) => Some(value.partial_cmp(&bound).unwrap_or(Ordering::Greater)),
        _ => value.partial_cmp(bound),
    }
}

/// A column of all files, one after another, of which single values are read.
struct Values<'a> {
    files: &'a Files,
    selected: Option<DType>,
    /// The shards that are mapped.
    open: HashMap<usize, SharedDynArray>,
    /// The number of rows before each shard, and the number of all rows.
    starts: Vec<usize>,
}

impl<'a> Values<'a> {
    fn new(files: &'a Files, column: &str) -> Result<Self> {
        let mut starts = vec![0];
        for shard in &files.shards {
            starts.push(starts[starts.len() - 1] + shard.rows);
        }
        let selected = files.selected(&[files.schema.index_of(column)?])?;
        Ok(Self { files, selected, open: HashMap::new(), starts })
    }

    /// Returns the value in a row, counted over all files.
    fn at(&mut self, row: usize) -> Result<ScalarValue> {
        // A shard without rows begins at the same row as the next, so the last shard that begins there is the right
        // one.
        let number = self.starts.partition_point(|start| *start <= row) - 1;
        let (shard, row) = (&self.files.shards[number], row - self.starts[number]);
        if !self.open.contains_key(&number) {
            // No more than 64 shards stay mapped.
            if self.open.len() == 64 {
                self.open.clear();
            }
            self.open.insert(number, shard.open(0..shard.rows, &self.files.rows)?);
        }
        let batch = shard.batch(&self.open[&number], 0, row..row + 1, self.selected.as_ref(), &self.files.options())?;
        ScalarValue::try_from_array(batch.column(0), 0)
    }

    /// Returns the number of leading rows for which `is_before` is true, or `None` if values cannot be compared.
    fn count(&mut self, is_before: impl Fn(&ScalarValue) -> Option<bool>) -> Result<Option<usize>> {
        let (mut low, mut high) = (0, self.starts[self.starts.len() - 1]);
        while low < high {
            let middle = low + (high - low) / 2;
            match is_before(&self.at(middle)?) {
                Some(true) => low = middle + 1,
                Some(false) => high = middle,
                None => return Ok(None),
            }
        }
        Ok(Some(low))
    }
}

/// Returns the rows of all files that can match the bounds on a column, as one range or two ascending ranges. They are
/// found by reading a few rows. The ranges may include rows that do not match.
fn ranges(files: &Files, column: &str, bounds: &[Bound]) -> Result<Vec<Range<usize>>> {
    let total = files.total();
    let mut values = Values::new(files, column)?;
    let mut rows = 0..total;
    for Bound { operator, value: bound } in bounds {
        let below = |value: &ScalarValue| compare(value, bound).map(|order| order == Ordering::Less);
        let up_to = |value: &ScalarValue| compare(value, bound).map(|order| order != Ordering::Greater);
        let (from, to) = match operator {
            Operator::Gt => (values.count(up_to)?, None),
            Operator::GtEq => (values.count(below)?, None),
            Operator::Lt => (None, values.count(below)?),
            Operator::LtEq => (None, values.count(up_to)?),
            _ => (values.count(below)?, values.count(up_to)?),
        };
        rows.start = rows.start.max(from.unwrap_or(0));
        rows.end = rows.end.min(to.unwrap_or(total));
    }
    rows.end = rows.end.max(rows.start);
    let mut found = vec![rows.clone()];
    if bounds.iter().any(|bound| float(&bound.value).is_some()) {
        // For the engine a NaN with a sign is less than any number, but NumPy sorts it to the end.
        let numbers = values.count(|value| Some(float(value).is_some_and(|value| !value.is_nan())))?;
        found.push(numbers.unwrap_or(total).max(rows.end)..total);
    }
    Ok(found)
}

/// Returns the rows of the chosen shards that can match the bounds on all of the columns.
pub(crate) fn narrow(files: &Files, is_chosen: &[bool], bounds: &[(&str, Vec<Bound>)]) -> Result<Vec<Part>> {
    let mut left: Vec<Range<usize>> = std::iter::once(0..files.total()).collect();
    for (column, bounds) in bounds {
        let found = ranges(files, column, bounds)?;
        let both = |one: &Range<usize>, other: &Range<usize>| one.start.max(other.start)..one.end.min(other.end);
        left = left.iter().flat_map(|one| found.iter().map(move |other| both(one, other))).collect();
        left.retain(|rows| !rows.is_empty());
    }
    let mut parts = Vec::new();
    for rows in left {
        let mut start = 0;
        for (number, shard) in files.shards.iter().enumerate() {
            let within = rows.start.max(start)..rows.end.min(start + shard.rows);
            if is_chosen[number] && !within.is_empty() {
                parts.push(Part { shard: number, rows: within.start - start..within.end - start });
            }
            start += shard.rows;
        }
    }
    Ok(parts)
}
