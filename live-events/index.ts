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
