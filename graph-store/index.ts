export { type AppliedMapping, appliedMappings } from './applied-mappings.ts';
export {
  type BulkReads,
  type BulkThread,
  type FarEndsPage,
  type FarEndsQuery,
  type NodeCheck,
  type NodeScanPage,
  type NodeScanQuery,
  type PackedFarEndsPage,
  type PropertiesQuery,
  packedFarEnds,
  placeOf,
  verdict,
} from './bulk-reads.ts';
export { openCassandraStore } from './cassandra-opening.ts';
export type { CassandraSettings } from './cassandra-settings.ts';
export { encodeStepValue } from './codec.ts';
export type { DeletedTypes } from './deleted-types.ts';
export { endsOf } from './ends-page.ts';
export type {
  ComparedGraph,
  CompareEvent,
  CompareVerdict,
  DifferingRow,
  GraphDifference,
} from './graph-difference.ts';
export type {
  AdjacencyPage,
  AdjacencyQuery,
  Advance,
  Applied,
  Claim,
  ClusterState,
  DegreeQuery,
  DegreeView,
  EdgeQuery,
  EdgeView,
  EndsPage,
  Fates,
  Fold,
  GraphDigest,
  GraphEstimate,
  GraphReader,
  GraphSnapshot,
  GraphStore,
  JourneyPage,
  JourneyQuery,
  JourneyRows,
  Lineage,
  NodeView,
  OccurrencePosition,
  OccurrenceView,
  PackedStep,
  Restorable,
  SourcePartition,
  SourceStatus,
  StepView,
  Swept,
  TimeOrder,
  TimePosition,
} from './graph-store.ts';
export type {
  EdgeRow,
  EncodeTable,
  GraphTable,
  GraphTableEncoding,
  GraphTableRow,
  GraphTableSource,
  NodeRow,
  StepRow,
} from './graph-table.ts';
export { serveBulkReads } from './leveldb-bulk-serving.ts';
export type { LevelSettings } from './leveldb-protocol.ts';
export { restoreLevelFolder } from './leveldb-restored-folder.ts';
export { openLevelStore } from './leveldb-store.ts';
export { serveTable } from './leveldb-table-thread.ts';
export { lockHolderOf } from './lock-holder.ts';
export { createMemoryStore } from './memory-store.ts';
export {
  type EdgeDelete,
  type EdgeMutation,
  type EventLineage,
  type EventMutations,
  type EventOrigin,
  edgeKeyBytesMax,
  type Mutation,
  type NodeDelete,
  type NodeMutation,
  type NodeProperty,
  type NodeRef,
  nameBytesMax,
  nodeIdBytesMax,
  type Property,
  type PropertyValue,
  propertyTextBytesMax,
  type SetChange,
  type StepLink,
  type StepMutation,
} from './model.ts';
export { createMutationBatch, MutationBatch } from './mutation-batch.ts';
export { checkEdgeKey, checkNodeId } from './mutation-checks.ts';
export { addMutationCounts, countMutations, type MutationCounts, noMutations } from './mutation-counts.ts';
export { namedNodes } from './named-nodes.ts';
export { openNeo4jStore } from './neo4j-opening.ts';
export type { Neo4jSettings } from './neo4j-settings.ts';
export { ObservedWrites, type StoreWriter, type WriteObserver } from './observed-writes.ts';
export { OwnerSet, ownerKey } from './owner-set.ts';
export { PackedEvent } from './packed-event.ts';
export { edgeHead, linkHead, nameHead, stepHead, textValue, typeHead } from './packed-heads.ts';
export { type PackedIds, packIds } from './packed-ids.ts';
export { readsAtOnceMax } from './reads-at-once.ts';
export { SideDatabase, type SideDatabaseFailures } from './side-database.ts';
export {
  SnapshotEncoder,
  type SnapshotFooter,
  type SnapshotHeader,
  SnapshotReader,
  summaryOf,
} from './snapshot-file.ts';
export { encodeSource, type SourceJson } from './source-json.ts';
export {
  backfillSources,
  backfillTopicIdPrefix,
  isBackfill,
  isLetterLife,
  letterLifeOf,
  liveSources,
} from './source-life.ts';
export { type Span, StepParts } from './step-parts.ts';
export { type OwnedStepPlace, stepPlaces } from './step-places.ts';
export { journeyRowsOf } from './step-rows.ts';
export type {
  EmbeddedStore,
  SnapshotFile,
  StoreFault,
  StoreInspector,
  StoreStats,
  StoreVerdict,
  VerifyEvent,
} from './store-inspection.ts';
export { SwitchableStore } from './switchable-store.ts';
export type { DeclaredBy, TimeToLive } from './time-to-live.ts';
