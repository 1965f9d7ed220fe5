//! The table, and how the filters of a query select rows.

use crate::analyze::analyze;
use crate::bisect::{Bound, bounds, narrow};
use crate::factory::NpyTableFactory;
use crate::files::Files;
use crate::shard::Shard;
use crate::source::{NpySource, count, share_out};
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::pruning::PrunableStatistics;
use datafusion::common::{DFSchema, Statistics};
use datafusion::datasource::TableType;
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionContext;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A table of the rows of one `.npy` file, of a stored member of an archive, or of several files, one after another.
///
/// Each field of a record is a column; any other array is one column, `value`. See [`mmap_array::interop::arrow`] for
/// the types.
///
/// When the table is created, the header of each file is read, for its number of rows, its dtype and the shape of a
/// row. All files must have the same dtype and shape of rows. Rows that are appended later are not seen. If a file has
/// fewer rows when a query reads it, or another dtype, or was replaced by another file, the query fails with an error
/// that names the file. Elements that others write into the file are read. Queries for the number of rows, and after
/// [`analyze`](Self::analyze) for the minimum and maximum of a column, are answered without reading rows.
#[derive(Clone, Debug)]
pub struct NpyTable {
    pub(crate) files: Arc<Files>,
}

impl NpyTable {
    /// Creates a table of a file, or of a folder, whose `.npy` files are parts of the table in the order of their
    /// names. Reads the header of each file.
    ///
    /// # Errors
    ///
    /// Returns an error that names the file if a header cannot be read, if a file is shorter than its header states, if
    /// an element has no type in Arrow, or if the files differ in dtype or shape.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_all([path])
    }

    /// Creates a table of files and folders, one after another.
    ///
    /// # Errors
    ///
    /// The errors of [`open`](Self::open), and an error if there are no paths.
    pub fn open_all<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Result<Self> {
        let paths: Vec<PathBuf> = paths.into_iter().map(|path| path.as_ref().to_owned()).collect();
        let (shards, rows) = Shard::find_all(&paths)?;
        Ok(Self { files: Arc::new(Files::new(shards, rows, false)?) })
    }

    /// Creates a table of a member of an archive. The member must be stored uncompressed, because compressed members
    /// cannot be mapped.
    ///
    /// # Errors
    ///
    /// The errors of [`open`](Self::open), and an error if there is no such member or it is compressed.
    pub fn open_member(path: impl AsRef<Path>, member: &str) -> Result<Self> {
        let (shard, rows) = Shard::find(path.as_ref(), Some(member))?;
        Ok(Self { files: Arc::new(Files::new(vec![shard], rows, false)?) })
    }

    /// Declares that the values of a column never decrease, from row to row and from file to file, in NumPy's order:
    /// NaN and NaT are at the end. Filters on the column then find their rows by bisection. Queries sorted by the
    /// column need no sort, unless it is a column of floats.
    ///
    /// If the declaration is wrong, queries with such filters miss rows. [`analyze`](Self::analyze) determines which
    /// columns are sorted.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no such column.
    pub fn sorted_by(mut self, column: &str) -> Result<Self> {
        self.files.schema.field_with_name(column)?;
        let files = Arc::make_mut(&mut self.files);
        if !files.sorted.iter().any(|sorted| sorted == column) {
            files.sorted.push(column.to_owned());
        }
        Ok(self)
    }

    /// Reads byte strings, NumPy's `S`, as Arrow's `Binary`. By default they are text, and a query that reads bytes
    /// that are not UTF-8 fails.
    ///
    /// # Errors
    ///
    /// Only errors that creating the table would have returned.
    pub fn bytes_as_binary(mut self) -> Result<Self> {
        let files = Arc::make_mut(&mut self.files);
        files.set_binary()?;
        // The statistics of columns of text do not apply to columns of bytes.
        files.statistics = None;
        Ok(self)
    }

    /// Reads all rows once, and computes the minimum, the maximum and the number of nulls of each column in each file,
    /// and which columns are sorted as for [`sorted_by`](Self::sorted_by). Columns of types without an order, such as
    /// lists, are ignored. Queries then skip files that cannot have matching rows, and find rows by bisection. The
    /// minimum and maximum of a whole column are known without a scan.
    ///
    /// The files must not change afterwards, otherwise queries may return wrong results.
    ///
    /// # Errors
    ///
    /// Returns an error if a file cannot be read.
    pub fn analyze(mut self) -> Result<Self> {
        analyze(&mut self.files)?;
        Ok(self)
    }

    /// Returns the columns that are known to be sorted, by [`sorted_by`](Self::sorted_by) and
    /// [`analyze`](Self::analyze).
    pub fn sorted_columns(&self) -> &[String] {
        &self.files.sorted
    }

    /// Returns the bounds that filters set on sorted columns.
    fn bounds(&self, filters: &[Expr]) -> Vec<(&str, Vec<Bound>)> {
        let of = |column: &'_ String| filters.iter().flat_map(|filter| bounds(filter, column)).collect();
        let all = self.files.sorted.iter().map(|column| (column.as_str(), of(column)));
        all.filter(|(_, bounds): &(_, Vec<Bound>)| !bounds.is_empty()).collect()
    }

    /// Returns which files can have rows that match the filters, by the statistics of their columns.
    fn chosen(&self, state: &dyn Session, filters: &[Expr]) -> Result<Vec<bool>> {
        let all = vec![true; self.files.shards.len()];
        let (Some(statistics), Some(filter)) = (&self.files.statistics, conjunction(filters.iter().cloned())) else {
            return Ok(all);
        };
        let schema = DFSchema::try_from(Arc::clone(&self.files.schema))?;
        let filter = state.create_physical_expr(filter, &schema)?;
        let predicate =
            PruningPredicateBuilder::new().with_file_schema(Arc::clone(&self.files.schema)).try_build(filter)?;
        predicate.prune(&PrunableStatistics::new(statistics.clone(), Arc::clone(&self.files.schema)))
    }
}

#[async_trait]
impl TableProvider for NpyTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.files.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn statistics(&self) -> Option<Statistics> {
        Some(self.files.statistics_of(self.files.total()))
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let parts = narrow(&self.files, &self.chosen(state, filters)?, &self.bounds(filters))?;
        let projection = projection.cloned().unwrap_or_else(|| (0..self.files.schema.fields().len()).collect());
        let selected = self.files.selected(&projection)?;
        let batches = count(&parts).div_ceil(self.files.batch_rows(selected.as_ref(), state.config().batch_size()));
        let partitions = share_out(&parts, state.config().target_partitions().min(batches));
        let scan = NpySource::scan(Arc::clone(&self.files), projection, partitions, limit)?;
        Ok(DataSourceExec::from_data_source(scan))
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let push = |filter: &&Expr| {
            let finds = self.files.statistics.is_some() || !self.bounds(std::slice::from_ref(*filter)).is_empty();
            // The rows that are found may include some that do not match.
            if finds { TableProviderFilterPushDown::Inexact } else { TableProviderFilterPushDown::Unsupported }
        };
        Ok(filters.iter().map(push).collect())
    }
}

/// Methods of a [`SessionContext`] for `.npy` files.
pub trait RegisterNpy {
    /// Registers a file or a folder as a table. See [`NpyTable::open`].
    ///
    /// # Errors
    ///
    /// The errors of [`NpyTable::open`], and an error if a table of that name exists.
    fn register_npy(&self, name: &str, path: impl AsRef<Path>) -> Result<()>;

    /// Enables `CREATE EXTERNAL TABLE … STORED AS NPY LOCATION '…'`. See [`NpyTableFactory`].
    fn register_npy_format(&self);
}

impl RegisterNpy for SessionContext {
    fn register_npy(&self, name: &str, path: impl AsRef<Path>) -> Result<()> {
        self.register_table(name, Arc::new(NpyTable::open(path)?)).map(drop)
    }

    fn register_npy_format(&self) {
        self.state_ref().write().table_factories_mut().insert("NPY".to_owned(), Arc::new(NpyTableFactory));
    }
}
