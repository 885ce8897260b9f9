export { liveFileRoutes } from './api/file-routes.ts';
export { checkScope, writeScope as liveWriteScope } from './api/live-access.ts';
export { createLiveFields, type LiveFieldsParts } from './api/live-fields.ts';
export { hideTypeStrippingWarning } from './api/type-stripping-warning.ts';
export { useOfAudience } from './audience-use.ts';
export { coverageFields } from './coverage/coverage-fields.ts';
export type { CoverageSources } from './coverage/coverage-sources.ts';
export {
  CoverageStore,
  type CoverageStoreLimits,
  coverageStoreLimitsDefault,
} from './coverage/coverage-store.ts';
export { type CoverageLimits, CoverageTracker, coverageLimitsDefault } from './coverage/coverage-tracker.ts';
export { hasBegun as hasLiveBegun, startOf as liveStartOf } from './event-times.ts';
export { bundledScenario, bundledScenarioNames } from './game-day/bundled-scenarios.ts';
export { bundledConstants, type FleetConstants, readConstants } from './game-day/fleet-constants.ts';
export type { PreflightFacts } from './game-day/preflight.ts';
export { type PreflightSource, preflightFields } from './game-day/preflight-field.ts';
export {
  type RealOptions,
  type RealResult,
  type RealTarget,
  realBounds,
  rehearseWithSockets,
} from './game-day/real-sockets.ts';
export { type RehearsalProgress, rehearse } from './game-day/rehearsal.ts';
export type { RehearsalResult } from './game-day/rehearsal-result.ts';
export { renderReport } from './game-day/report.ts';
export type { Scenario } from './game-day/scenario.ts';
export { readScenario } from './game-day/scenario-reader.ts';
export { judge, type Verdict } from './game-day/verdict.ts';
export { createDeviceTokens, type DeviceTokens } from './gateway/device-tokens.ts';
export { Gateway, type GatewayParts } from './gateway/gateway.ts';
export { type GatewayLimits, gatewayLimits } from './gateway/gateway-limits.ts';
export type { GatewayMetrics } from './gateway/gateway-metrics.ts';
export { type GatewayServer, type GatewayServerParts, startGatewayServer } from './gateway/gateway-server.ts';
export { RouterLinks } from './gateway/router-links.ts';
export { RouterSocket, type RouterSocketParts } from './gateway/router-socket.ts';
export { type RouterSocketLimits, routerSocketLimitsDefault } from './gateway/router-socket-limits.ts';
export type {
  JournalEntry,
  LiveEvent,
  LiveEvents,
  Stage,
  StageKind,
} from './live-event.ts';
export type {
  AudienceMembers,
  BroadcastLog,
  Delivery,
  DeliveryReport,
  DeviceClaims,
  History,
  LinkListener,
  RouterLink,
} from './ports.ts';
export {
  type PrefetchAnswer,
  Prefetches,
  type PrefetchLimits,
  type PrefetchParts,
} from './prefetch/prefetch.ts';
export { type PrefetchFieldParts, prefetchFields, prefetchMutations } from './prefetch/prefetch-fields.ts';
export { type PrefetchRouteParts, prefetchRoute } from './prefetch/prefetch-route.ts';
export { InProcessBroadcastLog } from './producer/in-process-broadcast-log.ts';
export { isRefusal } from './producer/kafka-broadcast-failure.ts';
export {
  type KafkaBroadcastLimits,
  KafkaBroadcastLog,
  type KafkaBroadcastParts,
  kafkaBroadcastLimitsDefault,
} from './producer/kafka-broadcast-log.ts';
export {
  LiveProducer,
  type LiveProducerLimits,
  type LiveProducerParts,
  type LiveProducerStatus,
  liveProducerLimitsDefault,
} from './producer/live-producer.ts';
export { InProcessLink } from './router/in-process-link.ts';
export {
  KafkaSubscriptionTable,
  type KafkaSubscriptionTableParts,
} from './router/kafka-subscription-table.ts';
export { Router, type RouterLimits, type RouterParts, routerLimitsDefault } from './router/router.ts';
export { routerPath } from './router/router-protocol.ts';
export {
  RouterServer,
  type RouterServerLimits,
  type RouterServerParts,
  routerServerLimitsDefault,
} from './router/router-server.ts';
export { SubscriptionLog } from './router/subscription-log.ts';
export {
  MemorySubscriptionTable,
  type Subscription,
  type SubscriptionChange,
  type SubscriptionTable,
} from './router/subscription-table.ts';
export { audienceMembers } from './stage-maps/audience-members.ts';
export { LevelStageMaps } from './stage-maps/level-stage-maps.ts';
export type { LivePlan } from './stage-maps/live-plan.ts';
export { StageMaps } from './stage-maps/stage-maps.ts';
export type { StageMapsLimits, StageMapsParts } from './stage-maps/stage-maps-parts.ts';
export { TouchedMembers } from './stage-maps/touched-members.ts';
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
export {
  type EventPool,
  type EventPoolRule,
  EventPools,
  eventOfAddress,
  readEventPool,
} from './traffic/event-pool.ts';
export type { LoadMeter } from './traffic/load-window.ts';
export { type LogSamplingLimits, logSamplingLimitsDefault, sampledLog } from './traffic/log-sampling.ts';
export type { Refusal } from './traffic/refusal.ts';
export {
  classOf,
  type RequestClass,
  raiseClassScope,
} from './traffic/request-class.ts';
export {
  type Admission,
  type Outcome,
  requestClassesOf,
  TrafficControl,
  type TrafficLimits,
  type TrafficState,
  trafficLimitsDefault,
} from './traffic/traffic-control.ts';
