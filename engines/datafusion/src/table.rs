//! The table: which files it has, and how a query's filters choose their rows.

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

/// Rows of one `.npy` file, of a stored member of an archive, or of several files, one after another.
///
/// Records are a column for each field; of other arrays there is one, `value`. See
/// [`mmap_array::interop::arrow`] for the types.
///
/// The files are looked at when the table is made: how many rows each has, and that all have rows of one dtype and shape.
/// Rows that are appended later are not seen. A file that has fewer rows then, or another dtype, or that another file has
/// taken the name of, is the error of a query that reads it, and is named. What others write into it is read. Numbers of
/// rows are answered without a look, and so are, after [`analyze`](Self::analyze), the least and the greatest values.
#[derive(Clone, Debug)]
pub struct NpyTable {
    pub(crate) files: Arc<Files>,
}

impl NpyTable {
    /// Makes a table of a file, or of a folder, whose `.npy` files are parts of it in the order of their names. Of each the
    /// header is read.
    ///
    /// # Errors
    ///
    /// Where a header cannot be read or a file is shorter than its header says, where an element has no type in Arrow, and
    /// where the files differ in dtype or shape, with the file's name.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_all([path])
    }

    /// Makes a table of files and folders, one after another.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open), and where there are none.
    pub fn open_all<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Result<Self> {
        let paths: Vec<PathBuf> = paths.into_iter().map(|path| path.as_ref().to_owned()).collect();
        let (shards, rows) = Shard::find_all(&paths)?;
        Ok(Self { files: Arc::new(Files::new(shards, rows, false)?) })
    }

    /// Makes a table of a member of an archive, which must be stored as it is: one that is deflated cannot be mapped.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    pub fn open_member(path: impl AsRef<Path>, member: &str) -> Result<Self> {
        let (shard, rows) = Shard::find(path.as_ref(), Some(member))?;
        Ok(Self { files: Arc::new(Files::new(vec![shard], rows, false)?) })
    }

    /// Says that the values of a column never go down, from row to row and from file to file, as NumPy sorts: with NaN and
    /// NaT at the end. Filters on it then find their rows by bisection, and sorting by it costs nothing.
    ///
    /// Where that is not so, queries with such filters miss rows. [`analyze`](Self::analyze) finds out.
    ///
    /// # Errors
    ///
    /// Where there is no such column.
    pub fn sorted_by(mut self, column: &str) -> Result<Self> {
        self.files.schema.field_with_name(column)?;
        let files = Arc::make_mut(&mut self.files);
        if !files.sorted.iter().any(|sorted| sorted == column) {
            files.sorted.push(column.to_owned());
        }
        Ok(self)
    }

    /// Reads fields of bytes, NumPy's `S`, as Arrow's `Binary`. Otherwise they are text, and bytes that are no UTF-8 are a
    /// query's error.
    ///
    /// # Errors
    ///
    /// None that the table itself has not had.
    pub fn bytes_as_binary(mut self) -> Result<Self> {
        let files = Arc::make_mut(&mut self.files);
        files.set_binary()?;
        // What is known of a column of text is not known of one of bytes.
        files.statistics = None;
        Ok(self)
    }

    /// Goes through all rows once, and finds out the least and the greatest value of each column in each file, how many are
    /// null, and which columns never go down, as [`sorted_by`](Self::sorted_by) says. Queries leave out the files that cannot
    /// have what they ask for, and find rows by bisection; what is asked of whole columns is answered without a scan.
    ///
    /// The files must not change afterwards.
    ///
    /// # Errors
    ///
    /// Where a file cannot be read.
    pub fn analyze(mut self) -> Result<Self> {
        analyze(&mut self.files)?;
        Ok(self)
    }

    /// The columns whose values are known never to go down, by [`sorted_by`](Self::sorted_by) and
    /// [`analyze`](Self::analyze).
    pub fn sorted_columns(&self) -> &[String] {
        &self.files.sorted
    }

    /// The bounds that filters set on columns that are sorted.
    fn bounds(&self, filters: &[Expr]) -> Vec<(&str, Vec<Bound>)> {
        let of = |column: &'_ String| filters.iter().flat_map(|filter| bounds(filter, column)).collect();
        let all = self.files.sorted.iter().map(|column| (column.as_str(), of(column)));
        all.filter(|(_, bounds): &(_, Vec<Bound>)| !bounds.is_empty()).collect()
    }

    /// Which files can have rows that fulfil the filters, by what is known of their columns.
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
            // Among the rows that are found may be some that do not fulfil it.
            if finds { TableProviderFilterPushDown::Inexact } else { TableProviderFilterPushDown::Unsupported }
        };
        Ok(filters.iter().map(push).collect())
    }
}

/// What a [`SessionContext`] can do with `.npy` files.
pub trait RegisterNpy {
    /// Registers a file or a folder as a table. See [`NpyTable::open`].
    ///
    /// # Errors
    ///
    /// As for [`NpyTable::open`], and where there is a table of that name.
    fn register_npy(&self, name: &str, path: impl AsRef<Path>) -> Result<()>;

    /// Makes `CREATE EXTERNAL TABLE … STORED AS NPY LOCATION '…'` known. See [`NpyTableFactory`].
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
