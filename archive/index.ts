export type { ArchiveBatch, ArchiveFilter, ArchiveReader, PlannedFile } from './archive-reader.ts';
export type { ArchiveHeader, ArchivePlace, ArchiveRow } from './archive-row.ts';
export { ArchivedSchemas } from './archived-schemas.ts';
export { arrowStreamEncoder } from './arrow-encoder.ts';
export { ArrowReader, type ArrowReaderParts } from './arrow-reader.ts';
export { isContainerFile } from './avro-container.ts';
export type {
  Column,
  ColumnBatch,
  ColumnType,
  ColumnValue,
  ColumnValues,
  MapEntry,
  PlainKind,
  StructValue,
} from './columns.ts';
export { checkConditionalWrites } from './conditional-writes.ts';
export { type ContainerDatum, readContainerData } from './container-data.ts';
export { ContainerReader, type ContainerReaderParts, type Framing } from './container-reader.ts';
export {
  type ColumnIdsByPath,
  columnIdsByPath,
  eventColumnsOf,
  leftOutFields,
  planEventColumns,
} from './event-columns.ts';
export { type EventField, eventFields } from './event-fields.ts';
export { eventReaders, type ReadValue } from './event-values.ts';
export { decodeInteger } from './iceberg/bounds.ts';
export type { Catalog, TableVersion } from './iceberg/catalog.ts';
export { CatalogTable } from './iceberg/catalog-table.ts';
export { type DataFile, dataFileOf } from './iceberg/data-file.ts';
export { FileCatalog } from './iceberg/file-catalog.ts';
export type { ExpiryReport, IcebergTable } from './iceberg/iceberg-table.ts';
export { randomIds } from './iceberg/id-source.ts';
export { MetadataFileCatalog } from './iceberg/metadata-file-catalog.ts';
export { dayText, millisecondsOfDay, partitionDay } from './iceberg/partition-day.ts';
export { firstPartitionFieldId } from './iceberg/partition-spec.ts';
export { firstEventColumnId, rawColumns, topicProperty } from './iceberg/raw-columns.ts';
export { RestCatalog } from './iceberg/rest-catalog.ts';
export { keptSnapshots } from './iceberg/snapshot-expiry.ts';
export {
  carriedSummary,
  hasRemovedRows,
  positionsProperty,
  positionsSnapshot,
} from './iceberg/snapshot-summary.ts';
export { mayBeSwept } from './iceberg/sweep-mark.ts';
export { newTableMetadata } from './iceberg/table-creation.ts';
export { currentSchema, type TableMetadata } from './iceberg/table-metadata.ts';
export { TablePaths } from './iceberg/table-paths.ts';
export { IcebergReader } from './iceberg-reader.ts';
export { LocalObjectStore } from './local-object-store.ts';
export type { ObjectStore, StoredObject } from './object-store.ts';
export { parquetEncoder } from './parquet/parquet-encoder.ts';
export type { ParquetExpectations, ParquetFile, ParquetGroup } from './parquet/parquet-file.ts';
export { openParquet } from './parquet/parquet-reader.ts';
export type { ParquetLimits, ParquetSink, WrittenFile } from './parquet/parquet-sink.ts';
export { createParquet, type ParquetTarget } from './parquet/parquet-writer.ts';
export type { S3Limits, S3Parts, S3Place } from './s3-client.ts';
export { S3ObjectStore, type S3Target } from './s3-object-store.ts';
export type { S3Credentials } from './sigv4.ts';
export type { ExportRow, TableEncoder, TableNotes } from './table-encoder.ts';
export { tableNameOf } from './table-name.ts';
export { readTableSummary, type TableSummary } from './table-summary.ts';
