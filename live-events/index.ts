export { coverageFields } from './coverage/coverage-fields.ts';
export type { CoverageSources } from './coverage/coverage-sources.ts';
export {
  CoverageStore,
  type CoverageStoreLimits,
  coverageStoreLimitsDefault,
} from './coverage/coverage-store.ts';
export { type CoverageLimits, CoverageTracker, coverageLimitsDefault } from './coverage/coverage-tracker.ts';
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
