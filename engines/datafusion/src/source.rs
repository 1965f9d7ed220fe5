//! The scan of a table: ranges of rows, of which each partition maps its own.
//!
//! It is a [`FileSource`], like the scan of Parquet files, because engines that send parts of a scan to other machines
//! can divide file sources. (Of other sources, each machine would read everything.)

use crate::files::Files;
use crate::shard::{Identity, execution};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::project_schema;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{
    FileGroup, FileOpenFuture, FileOpener, FileScanConfig, FileScanConfigBuilder, FileSource,
};
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::Result;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::object_store::ObjectStore;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::projection::{ProjectionExpr, ProjectionExprs};
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use datafusion::physical_plan::{DisplayFormatType, PhysicalExpr};
use futures::StreamExt;
use mmap_array::{DType, SharedDynArray};
use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A range of the rows of one shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) shard: usize,
    pub(crate) rows: Range<usize>,
}

/// The rows that a partition reads, in this order.
#[derive(Clone, Debug)]
pub(crate) struct Parts(pub(crate) Vec<Part>);

/// Divides rows among partitions as evenly as possible, in their order.
pub(crate) fn share_out(parts: &[Part], partitions: usize) -> Vec<Vec<Part>> {
    let total = count(parts);
    let partitions = partitions.clamp(1, total.max(1));
    let end_of = |partition: usize| (total as u128 * (partition as u128 + 1) / partitions as u128) as usize;
    let mut shared = vec![Vec::new(); partitions];
    let (mut partition, mut position) = (0, 0);
    for part in parts {
        let mut start = part.rows.start;
        while start < part.rows.end {
            while position == end_of(partition) {
                partition += 1;
            }
            let count = (part.rows.end - start).min(end_of(partition) - position);
            shared[partition].push(Part { shard: part.shard, rows: start..start + count });
            (start, position) = (start + count, position + count);
        }
    }
    shared
}

pub(crate) fn count(parts: &[Part]) -> usize {
    parts.iter().fold(0, |sum, part| sum.saturating_add(part.rows.len()))
}

/// The files of a table as a source of columns.
#[derive(Clone, Debug)]
pub(crate) struct NpySource {
    pub(crate) files: Arc<Files>,
    schema: TableSchema,
    /// The requested columns in order, by their indices in the table.
    pub(crate) columns: Vec<usize>,
    projection: ProjectionExprs,
    /// The number of rows of the scan; a part of it that is sent to another machine has fewer.
    rows: usize,
    batch_rows: usize,
    metrics: ExecutionPlanMetricsSet,
}

impl NpySource {
    /// Returns the scan of some columns of the rows of all partitions.
    pub(crate) fn scan(
        files: Arc<Files>,
        projection: Vec<usize>,
        partitions: Vec<Vec<Part>>,
        limit: Option<usize>,
    ) -> Result<FileScanConfig> {
        let rows = partitions.iter().fold(0_usize, |sum, parts| sum.saturating_add(count(parts)));
        let statistics = files.statistics_of(rows).with_fetch(limit, 0, 1)?;
        let orderings = files.orderings();
        let group = |parts: Vec<Part>| {
            let bytes = count(&parts).saturating_mul(files.rows.size());
            let shard = &files.shards[parts.first().map_or(0, |part| part.shard)];
            let file = PartitionedFile::new(shard.to_string(), bytes as u64).with_extension(Parts(parts));
            FileGroup::new(vec![file])
        };
        let groups = partitions.into_iter().map(group).collect();
        let all: Vec<usize> = (0..files.schema.fields().len()).collect();
        let source = Self {
            schema: TableSchema::from(Arc::clone(&files.schema)),
            projection: ProjectionExprs::from_indices(&all, &files.schema),
            columns: all,
            rows,
            batch_rows: 1,
            metrics: ExecutionPlanMetricsSet::new(),
            files: Arc::clone(&files),
        };
        Ok(FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), Arc::new(source))
            .with_projection_indices(Some(projection))?
            .with_file_groups(groups)
            .with_statistics(statistics)
            .with_output_ordering(orderings)
            // Each partition reads its own rows, and none of another's.
            .with_preserve_order(true)
            .with_limit(limit)
            .build())
    }

    /// Returns the source of a scan and the rows of its partitions, or `None` if the source is not one of this crate.
    #[cfg(feature = "proto")]
    pub(crate) fn of(scan: &FileScanConfig) -> Option<(&Self, Result<Vec<Vec<Part>>>)> {
        let source = scan.file_source().downcast_ref::<Self>()?;
        let parts = scan.file_groups.iter().map(|group| {
            let files = group.files().iter().map(|file| parts_of(file).map(|Parts(parts)| parts.clone()));
            Ok(files.collect::<Result<Vec<_>>>()?.concat())
        });
        Some((source, parts.collect()))
    }
}

fn parts_of(file: &PartitionedFile) -> Result<&Parts> {
    file.extension::<Parts>()
        .ok_or_else(|| execution(format!("{}: the plan does not contain which of its rows to read", file.path())))
}

impl FileSource for NpySource {
    fn create_file_opener(
        &self,
        _: Arc<dyn ObjectStore>,
        scan: &FileScanConfig,
        _: usize,
    ) -> Result<Arc<dyn FileOpener>> {
        Ok(Arc::new(Opener {
            files: Arc::clone(&self.files),
            columns: self.columns.clone(),
            limit: scan.limit.unwrap_or(usize::MAX),
            batch_rows: self.batch_rows,
        }))
    }

    fn table_schema(&self) -> &TableSchema {
        &self.schema
    }

    fn with_batch_size(&self, batch_rows: usize) -> Arc<dyn FileSource> {
        Arc::new(Self { batch_rows, ..self.clone() })
    }

    fn projection(&self) -> Option<&ProjectionExprs> {
        Some(&self.projection)
    }

    fn try_pushdown_projection(&self, projection: &ProjectionExprs) -> Result<Option<Arc<dyn FileSource>>> {
        let projection = self.projection.try_merge(projection)?;
        // Only columns by their names, each once; expressions of columns are computed by the engine.
        let mut columns = Vec::new();
        for ProjectionExpr { expr, alias } in projection.iter() {
            match expr.downcast_ref::<Column>() {
                Some(column) if column.name() == alias && !columns.contains(&column.index()) => {
                    columns.push(column.index())
                }
                _ => return Ok(None),
            }
        }
        Ok(Some(Arc::new(Self { projection, columns, ..self.clone() })))
    }

    fn repartitioned(
        &self,
        _: usize,
        _: usize,
        _: Option<datafusion::physical_expr::LexOrdering>,
        _: &FileScanConfig,
    ) -> Result<Option<FileScanConfig>> {
        // The rows were divided when the scan was planned.
        Ok(None)
    }

    fn metrics(&self) -> &ExecutionPlanMetricsSet {
        &self.metrics
    }

    fn file_type(&self) -> &str {
        "npy"
    }

    fn fmt_extra(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, ", rows={} of {}, files={}", self.rows, self.files.total(), self.files.shards.len())
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        for expr in self.projection.expr_iter() {
            if f(&expr)? == TreeNodeRecursion::Stop {
                return Ok(TreeNodeRecursion::Stop);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    }
}

/// Opens the rows of a partition.
struct Opener {
    files: Arc<Files>,
    columns: Vec<usize>,
    limit: usize,
    batch_rows: usize,
}

impl FileOpener for Opener {
    fn open(&self, file: PartitionedFile) -> Result<FileOpenFuture> {
        let Parts(parts) = parts_of(&file)?.clone();
        let reader = Reader::new(Arc::clone(&self.files), &self.columns, parts, self.batch_rows, self.limit)?;
        Ok(Box::pin(async { Ok(futures::stream::iter(reader).boxed()) }))
    }
}

/// An iterator over batches of rows.
pub(crate) struct Reader {
    files: Arc<Files>,
    /// The schema of the requested columns.
    projected: SchemaRef,
    /// The dtype of the requested columns; `None` if the elements are not records.
    selected: Option<DType>,
    parts: VecDeque<Part>,
    open: Option<Open>,
    left: usize,
    batch_rows: usize,
}

/// The mapped rows of a shard.
struct Open {
    shard: usize,
    array: SharedDynArray,
    /// The number of the first mapped row in the shard.
    first: usize,
    /// The mapped rows that have not been read yet.
    rows: Range<usize>,
    /// The identity of the file.
    identity: Option<Identity>,
}

impl Reader {
    /// Reads some columns of the rows, in batches of at most `batch_rows` rows, and at most `limit` rows in total.
    pub(crate) fn new(
        files: Arc<Files>,
        columns: &[usize],
        parts: Vec<Part>,
        batch_rows: usize,
        limit: usize,
    ) -> Result<Self> {
        let projected = project_schema(&files.schema, Some(&columns.to_vec()))?;
        let selected = files.selected(columns)?;
        let batch_rows = files.batch_rows(selected.as_ref(), batch_rows);
        Ok(Self { files, projected, selected, parts: parts.into(), open: None, left: limit, batch_rows })
    }

    fn batch(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if self.left == 0 {
                return Ok(None);
            }
            if let Some(open) = self.open.as_mut().filter(|open| !open.rows.is_empty()) {
                let count = open.rows.len().min(self.batch_rows).min(self.left);
                let next = open.rows.start..open.rows.start + count;
                open.rows.start = next.end;
                self.left -= count;
                if self.projected.fields().is_empty() {
                    let counted = RecordBatchOptions::new().with_row_count(Some(count));
                    let schema = Arc::clone(&self.projected);
                    return Ok(Some(RecordBatch::try_new_with_options(schema, Vec::new(), &counted)?));
                }
                let (shard, options) = (&self.files.shards[open.shard], self.files.options());
                let batch = shard.batch(&open.array, open.first, next, self.selected.as_ref(), &options)?;
                return Ok(Some(RecordBatch::try_new(Arc::clone(&self.projected), batch.columns().to_vec())?));
            }
            if !self.map_next()? {
                return Ok(None);
            }
        }
    }

    /// Maps the next rows. Returns false if there are no more.
    fn map_next(&mut self) -> Result<bool> {
        let Some(Part { shard: number, mut rows }) = self.parts.pop_front() else { return Ok(false) };
        let before = self.open.take().filter(|open| open.shard == number);
        let left = rows.start + rows.len().min(self.files.mapped_rows())..rows.end;
        rows.end = left.start;
        if !left.is_empty() {
            self.parts.push_front(Part { shard: number, rows: left });
        }
        let shard = &self.files.shards[number];
        let (first, count) = (rows.start, rows.len());
        let array = shard.open(rows, &self.files.rows)?;
        // If the table was created on another machine, all rows of a shard must be from the file that was opened first.
        let identity = match shard.identity {
            None => shard.identity_now()?,
            known => known,
        };
        if before.is_some_and(|before| before.identity != identity) {
            return Err(execution(format!("{shard}: the file has been replaced while it was read")));
        }
        self.open = Some(Open { shard: number, array, first, rows: 0..count, identity });
        Ok(true)
    }
}

impl Iterator for Reader {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.batch();
        if batch.is_err() {
            // Nothing is read after an error.
            self.left = 0;
        }
        batch.transpose()
    }
}
