export {
  type BulkReads,
  type FarEndsPage,
  type FarEndsQuery,
  type NodeScanPage,
  type NodeScanQuery,
  type PropertiesQuery,
  placeOf,
} from './bulk-reads.ts';
export { encodeStepValue } from './codec.ts';
export type {
  AdjacencyPage,
  AdjacencyQuery,
  Advance,
  Applied,
  Claim,
  DegreeQuery,
  DegreeView,
  EdgeQuery,
  EdgeView,
  Fates,
  Fold,
  GraphDigest,
  GraphEstimate,
  GraphReader,
  GraphSnapshot,
  GraphStore,
  JourneyPage,
  JourneyQuery,
  Lineage,
  NodeView,
  OccurrencePosition,
  OccurrenceView,
  SourcePartition,
  SourceStatus,
  StepView,
  Swept,
  TimeOrder,
  TimePosition,
} from './graph-store.ts';
export type { LevelSettings } from './leveldb-protocol.ts';
export { openLevelStore } from './leveldb-store.ts';
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
  type SetChange,
  type StepLink,
  type StepMutation,
} from './model.ts';
export { createMutationBatch, MutationBatch } from './mutation-batch.ts';
export { checkEdgeKey, checkNodeId } from './mutation-checks.ts';
export { namedNodes } from './named-nodes.ts';
export { openNeo4jStore } from './neo4j-opening.ts';
export type { Neo4jSettings } from './neo4j-settings.ts';
export { ObservedWrites, type StoreWriter, type WriteObserver } from './observed-writes.ts';
export { OwnerSet, ownerKey } from './owner-set.ts';
export { readsAtOnceMax } from './reads-at-once.ts';
export { SideDatabase, type SideDatabaseFailures } from './side-database.ts';
export {
  type SnapshotFooter,
  type SnapshotHeader,
  SnapshotReader,
} from './snapshot-file.ts';
export { encodeSource, type SourceJson } from './source-json.ts';
export { isLetterLife, letterLifeOf } from './source-life.ts';
export { type OwnedStepPlace, stepPlaces } from './step-places.ts';
export type {
  EmbeddedStore,
  SnapshotFile,
  StoreFault,
  StoreInspector,
  StoreStats,
  StoreVerdict,
  VerifyEvent,
} from './store-inspection.ts';
export type { DeclaredBy, TimeToLive } from './time-to-live.ts';
