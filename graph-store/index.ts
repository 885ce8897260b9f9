export type {
  AdjacencyPage,
  AdjacencyQuery,
  Advance,
  Applied,
  Claim,
  EdgeView,
  Fates,
  GraphEstimate,
  GraphReader,
  GraphStore,
  JourneyPage,
  JourneyQuery,
  NodeView,
  OccurrenceView,
  SourcePartition,
  SourceStatus,
  StepView,
  TimeOrder,
  TimePosition,
} from './graph-store.ts';
export type { LevelSettings } from './leveldb-protocol.ts';
export { openLevelStore } from './leveldb-store.ts';
export { createMemoryStore } from './memory-store.ts';
export {
  type EdgeDelete,
  type EdgeMutation,
  type EventMutations,
  type Mutation,
  type NodeDelete,
  type NodeMutation,
  type NodeRef,
  nameBytesMax,
  nodeIdBytesMax,
  type Property,
  type PropertyValue,
  type StepLink,
  type StepMutation,
} from './model.ts';
export { checkNodeId, createMutationBatch, MutationBatch } from './mutation-batch.ts';
