export { type ContainerDatum, isContainerFile } from '../archive/index.ts';
export { archivedPositions, skippedOffsets } from './archive/archive-positions.ts';
export { reportTopic, type TopicArchiveReport } from './archive/archive-report.ts';
export { archiveToEnd } from './archive/archive-to-end.ts';
export { Archiver, type ArchiverLimits, type ArchiverParts } from './archive/archiver.ts';
export type { ArchivedPartition, ArchiverState, ArchiverStatus } from './archive/archiver-status.ts';
export {
  type CompactionLimits,
  type CompactionParts,
  type CompactionPlan,
  type CompactionReport,
  compact,
  planCompaction,
} from './archive/compaction.ts';
export { EventSchemas, type EventSchemasLimits } from './archive/event-schemas.ts';
export { type ExpiryLimits, type ExpiryPlan, expire, planExpiry } from './archive/expiry.ts';
export { TopicTable, type TopicTableParts } from './archive/topic-table.ts';
export { readContainerFile } from './avro-container-file.ts';
export {
  AvroRecordProcessor,
  type AvroRecordProcessorSettings,
  avroRecordProcessorDefaults,
  type SubjectStrategy,
  valueSubjectOf,
} from './avro-record-processor.ts';
export {
  type ArchiveSourceLimits,
  type ArchiveSourceParts,
  archiveSourceLimitsDefault,
} from './backfill/archive-source.ts';
export { BackfillDesk, type BackfillList, type PlannedBackfill } from './backfill/backfill-desk.ts';
export type {
  ArchivePlaceRequest,
  BackfillDeskLimits,
  BackfillDeskParts,
  BackfillRequest,
  OpenedArchive,
  TopicFacts,
} from './backfill/backfill-desk-parts.ts';
export {
  BackfillJournal,
  type JournalEntry,
  type JournalState,
} from './backfill/backfill-journal.ts';
export type {
  BackfillPlan,
  BackfillTarget,
  PlanIdentity,
  PlannedMapping,
  PlanRefusal,
  PlanWarning,
} from './backfill/backfill-plan.ts';
export type { BackfillProgress, BackfillState } from './backfill/backfill-progress.ts';
export type { BackfillLimits, BackfillParts } from './backfill/backfill-run.ts';
export type { IsExplained } from './backfill/file-coverage.ts';
export { type HiddenType, type HiddenTypes, hiddenTypes } from './backfill/hidden-types.ts';
export type { PlannedPartition, PlanSummary } from './backfill/plan-summary.ts';
export type {
  PlanParts,
  PlanRequest,
  PlanSubject,
} from './backfill/planner.ts';
export { LiveRateBudget, type RateBudget } from './backfill/rate-budget.ts';
export {
  type LiveHealth,
  type RateLimits,
  rateLimitsDefault,
  type Yielding,
} from './backfill/rate-control.ts';
export type { ReplayGraph } from './backfill/replay-graph.ts';
export { type KeptSchemas, ReplaySchemas } from './backfill/replay-schemas.ts';
export { type GraphUse, ShadowGraphs } from './backfill/shadow-graphs.ts';
export type { CompressionLimits } from './compression-codecs.ts';
export { type Framing, readFraming } from './confluent-framing.ts';
export type { DeadLetter, DeadLetterWriter } from './dead-letters.ts';
export {
  defaultEmbeddedLogSettings,
  type EmbeddedLog,
  type EmbeddedLogSettings,
  type LogRead,
  openEmbeddedLog,
} from './embedded-log.ts';
export { EmbeddedLogDeadLetters } from './embedded-log-dead-letters.ts';
export type { LogRecord } from './embedded-log-format.ts';
export { EmbeddedLogSource, type EmbeddedLogSourceSettings } from './embedded-log-source.ts';
export type { LogTopic } from './embedded-log-topic.ts';
export type {
  EventSource,
  SourceBatch,
  SourceEnd,
  SourceHandler,
  SourceHeader,
  SourceRecord,
} from './event-source.ts';
export { FreshnessHistogram } from './freshness-histogram.ts';
export { InFlightBudget } from './in-flight-budget.ts';
export {
  createKafkaClient,
  type KafkaConnection,
  type KafkaConnectionSettings,
  loadKafkaConnection,
} from './kafka-client.ts';
export { type KafkaConsumeSettings, kafkaConsumeDefaults } from './kafka-consume-settings.ts';
export {
  type KafkaDeadLetterParts,
  type KafkaDeadLetterSettings,
  KafkaDeadLetters,
  kafkaDeadLetterDefaults,
} from './kafka-dead-letters.ts';
export { installKafkaDecoders } from './kafka-decoders.ts';
export { type SampleEnd, type SampleRequest, type SampleStart, sampleKafkaTopic } from './kafka-samples.ts';
export { KafkaSource, type KafkaSourceParts } from './kafka-source.ts';
export { KafkaTopicIds, topicEnds } from './kafka-topic-ids.ts';
export { hideKafkajsTimeoutWarning } from './kafka-warning.ts';
export { LagMeter, type PartitionLag } from './lag-meter.ts';
export { EmbeddedLetterLog } from './letters/embedded-letter-log.ts';
export { KafkaLetterLog } from './letters/kafka-letter-log.ts';
export { LetterDesk, type RetryRequest, type ShowRequest } from './letters/letter-desk.ts';
export type { LetterLog } from './letters/letter-log.ts';
export type {
  LetterLine,
  LetterList,
  RetryEvent,
  ShownLetter,
  ShownValue,
  TopicRetry,
  TopicTrial,
} from './letters/letter-reports.ts';
export { LetterValues } from './letters/letter-value.ts';
export { RetryPlanFolder } from './letters/retry-plan-folder.ts';
export type { LogRetention, LogState } from './log-retention.ts';
export type { LookupTableStatus } from './lookup-table.ts';
export { LookupTables } from './lookup-tables.ts';
export type { MappingAlarm } from './mapping-slot.ts';
export {
  type MappingSettings,
  type MappingStatus,
  MappingsInForce,
  mappingSettingsDefault,
} from './mappings-in-force.ts';
export { type FreshnessObserver, Pipeline, type PipelineLimits, type PipelineParts } from './pipeline.ts';
export {
  addNodeWrites,
  type Gap,
  noNodeWrites,
  type PartitionStatus,
  type PipelineState,
  type PipelineStatus,
} from './pipeline-status.ts';
export type { Outcome, RecordProcessor } from './record-processor.ts';
export { StoreUpkeep, type StoreUpkeepSettings } from './store-upkeep.ts';
