export { type ContainerDatum, isContainerFile, readContainerFile } from './avro-container-file.ts';
export {
  AvroRecordProcessor,
  type AvroRecordProcessorSettings,
  avroRecordProcessorDefaults,
  type SubjectStrategy,
  valueSubjectOf,
} from './avro-record-processor.ts';
export { type CompressionLimits, installCompressionCodecs } from './compression-codecs.ts';
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
export {
  type KafkaDeadLetterParts,
  type KafkaDeadLetterSettings,
  KafkaDeadLetters,
  kafkaDeadLetterDefaults,
} from './kafka-dead-letters.ts';
export { type SampleEnd, type SampleRequest, type SampleStart, sampleKafkaTopic } from './kafka-samples.ts';
export { type KafkaConsumeSettings, kafkaConsumeDefaults } from './kafka-session.ts';
export { KafkaSource, type KafkaSourceParts } from './kafka-source.ts';
export { KafkaTopicIds } from './kafka-topic-ids.ts';
export { hideKafkajsTimeoutWarning } from './kafka-warning.ts';
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
