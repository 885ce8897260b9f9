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
export {
  type PrefetchAnswer,
  Prefetches,
  type PrefetchLimits,
  type PrefetchParts,
  prefetchLimitsDefault,
} from './prefetch/prefetch.ts';
export {
  type PrefetchFieldParts,
  prefetchFields,
  prefetchMutations,
} from './prefetch/prefetch-fields.ts';
export { type PrefetchRouteParts, prefetchRoute } from './prefetch/prefetch-route.ts';
export { audienceMembers } from './stage-maps/audience-members.ts';
export { LevelStageMaps } from './stage-maps/level-stage-maps.ts';
export { type LivePlan, planLimitsDefault, readLivePlan } from './stage-maps/live-plan.ts';
export {
  StageMaps,
  type StageMapsLimits,
  type StageMapsParts,
  stageMapsLimitsDefault,
} from './stage-maps/stage-maps.ts';
export { TouchedMembers } from './stage-maps/touched-members.ts';
