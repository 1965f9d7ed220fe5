//! Serialization of tables and scans, for engines that send them to other machines: descriptions of files, not their
//! contents.
//!
//! Needs the feature `proto`. Each machine opens the files by the same paths.

use crate::files::Files;
use crate::shard::{Rows, Shard};
use crate::source::{NpySource, Part};
use crate::table::NpyTable;
use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::common::stats::Precision;
use datafusion::common::{Statistics, TableReference};
use datafusion::datasource::file_format::FileFormatFactory;
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{AggregateUDF, Extension, HigherOrderUDF, LogicalPlan, ScalarUDF, WindowUDF};
use datafusion::physical_expr_common::physical_expr::proto_decode::PhysicalExprDecodeCtx;
use datafusion::physical_expr_common::physical_expr::proto_encode::PhysicalExprEncodeCtx;
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};
use datafusion_proto::logical_plan::LogicalExtensionCodec;
use datafusion_proto::physical_plan::{PhysicalExtensionCodec, PhysicalProtoConverterExtension};
use prost::Message;
use std::sync::Arc;

/// The prefix of this crate's messages. No other protobuf message begins with it, because it would have a wire type
/// that does not exist. It contains the version, because all machines must have the same.
const MARK: &[u8] = concat!("npy", env!("CARGO_PKG_VERSION"), "\n").as_bytes();

#[derive(Clone, PartialEq, Message)]
struct ShardMessage {
    #[prost(string, tag = "1")]
    path: String,
    #[prost(string, optional, tag = "2")]
    member: Option<String>,
    #[prost(uint64, tag = "3")]
    rows: u64,
    #[prost(message, optional, tag = "4")]
    statistics: Option<datafusion_proto_common::Statistics>,
}

#[derive(Clone, PartialEq, Message)]
struct FilesMessage {
    #[prost(message, repeated, tag = "1")]
    shards: Vec<ShardMessage>,
    /// The dtype as NumPy writes it.
    #[prost(string, tag = "2")]
    dtype: String,
    #[prost(uint64, repeated, tag = "3")]
    shape: Vec<u64>,
    #[prost(bool, tag = "4")]
    binary: bool,
    #[prost(string, repeated, tag = "5")]
    sorted: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
struct PartMessage {
    #[prost(uint64, tag = "1")]
    shard: u64,
    #[prost(uint64, tag = "2")]
    start: u64,
    #[prost(uint64, tag = "3")]
    end: u64,
}

#[derive(Clone, PartialEq, Message)]
struct PartitionMessage {
    #[prost(message, repeated, tag = "1")]
    parts: Vec<PartMessage>,
}

#[derive(Clone, PartialEq, Message)]
struct ScanMessage {
    #[prost(message, optional, tag = "1")]
    files: Option<FilesMessage>,
    #[prost(uint64, repeated, tag = "2")]
    projection: Vec<u64>,
    #[prost(message, repeated, tag = "3")]
    partitions: Vec<PartitionMessage>,
    #[prost(uint64, optional, tag = "4")]
    limit: Option<u64>,
}

fn wrong(text: &str) -> DataFusionError {
    DataFusionError::Execution(format!("invalid message about `.npy` files from another machine: {text}"))
}

fn size(number: u64) -> Result<usize> {
    usize::try_from(number).map_err(|_| wrong("it has more rows than this machine can count"))
}

fn sizes(numbers: &[u64]) -> Result<Vec<usize>> {
    numbers.iter().map(|&number| size(number)).collect()
}

impl FilesMessage {
    fn new(files: &Files) -> Result<Self> {
        let all: Vec<usize> = (0..files.shards.len()).collect();
        let mut message = Self::of(files, &all)?;
        for (shard, known) in message.shards.iter_mut().zip(files.statistics.iter().flatten()) {
            shard.statistics = Some(known.as_ref().into());
        }
        Ok(message)
    }

    /// Creates the message of some shards, without statistics.
    fn of(files: &Files, numbers: &[usize]) -> Result<Self> {
        let shard = |&number: &usize| {
            let shard = &files.shards[number];
            let path = std::path::absolute(&shard.path)?;
            let path = path.to_str().ok_or_else(|| {
                DataFusionError::Plan(format!("{shard}: the path must be UTF-8, so that other machines can open it"))
            })?;
            Ok(ShardMessage {
                path: path.to_owned(),
                member: shard.member.clone(),
                rows: shard.rows as u64,
                statistics: None,
            })
        };
        Ok(Self {
            shards: numbers.iter().map(shard).collect::<Result<_>>()?,
            dtype: files.rows.dtype.to_string(),
            shape: files.rows.shape.iter().map(|&len| len as u64).collect(),
            binary: files.binary,
            sorted: files.sorted.clone(),
        })
    }

    /// Returns the files as described by another machine, without opening any.
    fn files(&self) -> Result<Files> {
        let dtype = self.dtype.parse().map_err(|error: mmap_array::Error| wrong(&error.to_string()))?;
        let (mut shards, mut statistics) = (Vec::new(), Vec::new());
        for shard in &self.shards {
            let path = shard.path.clone().into();
            shards.push(Shard { path, member: shard.member.clone(), rows: size(shard.rows)?, identity: None });
            if let Some(known) = &shard.statistics {
                statistics.push(Statistics::try_from(known)?);
            }
        }
        if shards.is_empty() {
            return Err(wrong("it names no file"));
        }
        let mut files = Files::new(shards, Rows { dtype, shape: sizes(&self.shape)? }, self.binary)?;
        let fields = files.schema.fields();
        let fits = |known: &Statistics| known.column_statistics.len() == fields.len();
        if statistics.len() == files.shards.len() && statistics.iter().all(fits) {
            // The conversion to messages makes some types wider.
            for (column, field) in
                statistics.iter_mut().flat_map(|known| known.column_statistics.iter_mut().zip(fields))
            {
                for value in [&mut column.min_value, &mut column.max_value] {
                    *value = match &*value {
                        Precision::Exact(value) => {
                            value.cast_to(field.data_type()).map_or(Precision::Absent, Precision::Exact)
                        }
                        _ => Precision::Absent,
                    };
                }
            }
            files.statistics = Some(statistics.into_iter().map(Arc::new).collect());
        }
        for column in &self.sorted {
            files.schema.field_with_name(column)?;
        }
        files.sorted.clone_from(&self.sorted);
        // Parts of the query run elsewhere.
        files.keeps_order = false;
        Ok(files)
    }
}

impl ScanMessage {
    fn new(source: &NpySource, partitions: &[Vec<Part>], limit: Option<usize>) -> Result<Self> {
        // The message of a task contains its own files only.
        let mut numbers: Vec<usize> = partitions.iter().flatten().map(|part| part.shard).collect();
        numbers.sort_unstable();
        numbers.dedup();
        if numbers.is_empty() {
            numbers.push(0);
        }
        let place = |shard: usize| numbers.partition_point(|number| *number < shard) as u64;
        let part = |part: &Part| PartMessage {
            shard: place(part.shard),
            start: part.rows.start as u64,
            end: part.rows.end as u64,
        };
        let partition = |parts: &Vec<Part>| PartitionMessage { parts: parts.iter().map(part).collect() };
        Ok(Self {
            files: Some(FilesMessage::of(&source.files, &numbers)?),
            projection: source.columns.iter().map(|&column| column as u64).collect(),
            partitions: partitions.iter().map(partition).collect(),
            limit: limit.map(|limit| limit as u64),
        })
    }

    fn scan(&self) -> Result<FileScanConfig> {
        let files = self.files.as_ref().ok_or_else(|| wrong("it names no files"))?.files()?;
        let projection = sizes(&self.projection)?;
        if projection.iter().any(|&column| column >= files.schema.fields().len()) {
            return Err(wrong("it names a column that the files do not have"));
        }
        let part = |part: &PartMessage| {
            let (shard, start, end) = (size(part.shard)?, size(part.start)?, size(part.end)?);
            let rows =
                files.shards.get(shard).ok_or_else(|| wrong("it names a file that is not part of the table"))?.rows;
            if start > end || end > rows {
                return Err(wrong("it names rows that the file does not have"));
            }
            Ok(Part { shard, rows: start..end })
        };
        let partition = |partition: &PartitionMessage| partition.parts.iter().map(part).collect::<Result<Vec<Part>>>();
        let partitions = self.partitions.iter().map(partition).collect::<Result<Vec<_>>>()?;
        NpySource::scan(Arc::new(files), projection, partitions, self.limit.map(size).transpose()?)
    }
}

fn encode(message: &impl Message, buf: &mut Vec<u8>) {
    buf.extend_from_slice(MARK);
    buf.extend_from_slice(&message.encode_to_vec());
}

/// Decodes a message, or returns `None` if the bytes are not a message of this crate.
fn decode<M: Message + Default>(buf: &[u8]) -> Option<Result<M>> {
    let Some(message) = buf.strip_prefix(MARK) else {
        let text = "it has another version; all machines must have the same version";
        return buf.starts_with(&MARK[..3]).then(|| Err(wrong(text)));
    };
    Some(M::decode(message).map_err(|error| wrong(&error.to_string())))
}

/// Delegates functions to the inner codec.
macro_rules! functions_of_inner {
    () => {
        functions_of_inner! {
            try_decode_udf, try_encode_udf: ScalarUDF;
            try_decode_higher_order_function, try_encode_higher_order_function: HigherOrderUDF;
            try_decode_udaf, try_encode_udaf: AggregateUDF;
            try_decode_udwf, try_encode_udwf: WindowUDF;
        }
    };
    ($($decode:ident, $encode:ident: $Function:ty;)*) => {$(
        fn $decode(&self, name: &str, buf: &[u8]) -> Result<Arc<$Function>> {
            self.inner.$decode(name, buf)
        }

        fn $encode(&self, node: &$Function, buf: &mut Vec<u8>) -> Result<()> {
            self.inner.$encode(node, buf)
        }
    )*};
}

/// A codec of logical plans that encodes [`NpyTable`]s and delegates everything else to another codec.
#[derive(Debug)]
pub struct NpyLogicalCodec {
    inner: Arc<dyn LogicalExtensionCodec>,
}

impl NpyLogicalCodec {
    /// Creates a codec that delegates everything but this crate's tables to `inner`.
    pub fn new(inner: Arc<dyn LogicalExtensionCodec>) -> Self {
        Self { inner }
    }
}

impl LogicalExtensionCodec for NpyLogicalCodec {
    fn try_decode(&self, buf: &[u8], inputs: &[LogicalPlan], ctx: &TaskContext) -> Result<Extension> {
        self.inner.try_decode(buf, inputs, ctx)
    }

    fn try_encode(&self, node: &Extension, buf: &mut Vec<u8>) -> Result<()> {
        self.inner.try_encode(node, buf)
    }

    fn try_decode_table_provider(
        &self,
        buf: &[u8],
        table_ref: &TableReference,
        schema: SchemaRef,
        ctx: &TaskContext,
    ) -> Result<Arc<dyn TableProvider>> {
        match decode::<FilesMessage>(buf) {
            Some(message) => Ok(Arc::new(NpyTable { files: Arc::new(message?.files()?) })),
            None => self.inner.try_decode_table_provider(buf, table_ref, schema, ctx),
        }
    }

    fn try_encode_table_provider(
        &self,
        table_ref: &TableReference,
        node: Arc<dyn TableProvider>,
        buf: &mut Vec<u8>,
    ) -> Result<()> {
        match node.downcast_ref::<NpyTable>() {
            Some(table) => {
                encode(&FilesMessage::new(&table.files)?, buf);
                Ok(())
            }
            None => self.inner.try_encode_table_provider(table_ref, node, buf),
        }
    }

    fn try_decode_file_format(&self, buf: &[u8], ctx: &TaskContext) -> Result<Arc<dyn FileFormatFactory>> {
        self.inner.try_decode_file_format(buf, ctx)
    }

    fn try_encode_file_format(&self, buf: &mut Vec<u8>, node: Arc<dyn FileFormatFactory>) -> Result<()> {
        self.inner.try_encode_file_format(buf, node)
    }

    functions_of_inner!();
}

/// A codec of physical plans that encodes scans of [`NpyTable`]s and delegates everything else to another codec.
#[derive(Debug)]
pub struct NpyPhysicalCodec {
    inner: Arc<dyn PhysicalExtensionCodec>,
}

impl NpyPhysicalCodec {
    /// Creates a codec that delegates everything but this crate's tables to `inner`.
    pub fn new(inner: Arc<dyn PhysicalExtensionCodec>) -> Self {
        Self { inner }
    }
}

impl PhysicalExtensionCodec for NpyPhysicalCodec {
    fn try_decode(
        &self,
        buf: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        ctx: &TaskContext,
        proto_converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match decode::<ScanMessage>(buf) {
            Some(message) => Ok(DataSourceExec::from_data_source(message?.scan()?)),
            None => self.inner.try_decode(buf, inputs, ctx, proto_converter),
        }
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        buf: &mut Vec<u8>,
        proto_converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        let exec = node.downcast_ref::<DataSourceExec>();
        let scan = exec.and_then(|exec| exec.data_source().downcast_ref::<FileScanConfig>());
        match scan.and_then(|scan| Some((NpySource::of(scan)?, scan.limit))) {
            Some(((source, partitions), limit)) => {
                encode(&ScanMessage::new(source, &partitions?, limit)?, buf);
                Ok(())
            }
            None => self.inner.try_encode(node, buf, proto_converter),
        }
    }

    fn try_decode_expr(
        &self,
        buf: &[u8],
        inputs: &[Arc<dyn PhysicalExpr>],
        ctx: &PhysicalExprDecodeCtx<'_>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        self.inner.try_decode_expr(buf, inputs, ctx)
    }

    fn try_encode_expr(
        &self,
        node: &Arc<dyn PhysicalExpr>,
        buf: &mut Vec<u8>,
        ctx: &PhysicalExprEncodeCtx<'_>,
    ) -> Result<()> {
        self.inner.try_encode_expr(node, buf, ctx)
    }

    functions_of_inner!();
}

#[cfg(test)]
mod tests {
    use super::FilesMessage;

    /// Messages are checked like the headers of files.
    #[test]
    fn rows_of_no_bytes_are_refused() {
        let message = |shape: &[u64]| {
            let shard = super::ShardMessage { path: "/shared/a.npy".to_owned(), rows: 2, ..Default::default() };
            FilesMessage { shards: vec![shard], dtype: "<f8".to_owned(), shape: shape.to_vec(), ..Default::default() }
        };
        assert!(message(&[3]).files().is_ok());
        let error = message(&[3, 0]).files().unwrap_err().to_string();
        assert!(error.contains("/shared/a.npy") && error.contains("no bytes"), "{error}");
    }
}
