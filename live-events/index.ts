export {
  broadcastOf,
  type JournalEntry,
  type LiveEvent,
  type LiveEvents,
  type Stage,
  type StageKind,
} from './live-event.ts';
export type {
  AudienceMembers,
  BroadcastLog,
  Delivery,
  DeliveryReport,
  DeviceClaims,
  History,
  RouterLink,
} from './ports.ts';
export { InProcessBroadcastLog } from './producer/in-process-broadcast-log.ts';
export {
  LiveProducer,
  type LiveProducerLimits,
  type LiveProducerParts,
  type LiveProducerStatus,
  liveProducerLimitsDefault,
} from './producer/live-producer.ts';
export { LevelLiveJournal } from './state/level-live-journal.ts';
export type { Asking, LiveCommand, StageMove } from './state/live-command.ts';
export {
  type LiveJournal,
  type LiveJournalLimits,
  liveJournalLimitsDefault,
  type PastEntry,
} from './state/live-journal.ts';
export {
  LiveService,
  type LiveServiceLimits,
  type LiveServiceParts,
  liveServiceLimitsDefault,
} from './state/live-service.ts';
