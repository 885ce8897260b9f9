export { type ApiContext, type QueryLimits, queryLimitsDefault } from './api-context.ts';
export { badInput } from './api-error.ts';
export {
  type ApiExtension,
  type ExtensionMetric,
  type ExtensionRequest,
  type ExtensionRoute,
  type ExtensionSocket,
  noExtension,
  type SchemaExtension,
} from './api-extension.ts';
export type { Audience, FreezeRequest } from './audiences/audience.ts';
export { aboutAudience } from './audiences/audience-about.ts';
export type { ExplainedCondition } from './audiences/audience-explanation.ts';
export type { InputContext as ConditionContext } from './audiences/audience-input.ts';
export { told } from './audiences/audience-resolving.ts';
export type { AudienceSegments, SegmentRun } from './audiences/audience-segments.ts';
export { AudienceStore, type AudienceStoreLimits } from './audiences/audience-store.ts';
export { audienceConditionType } from './audiences/audience-type.ts';
export { Audiences, type AudiencesParts } from './audiences/audiences.ts';
export { audiencesIn, type Condition, type Definition } from './audiences/condition.ts';
export { type ConditionReading, readConditionJson } from './audiences/condition-json.ts';
export type { AccessParts } from './auth/access.ts';
export type { Caller } from './auth/caller.ts';
export { JwksKeys } from './auth/jwks-keys.ts';
export { TokenVerifier } from './auth/token-verifier.ts';
export { publicKeys } from './auth/verification-keys.ts';
export {
  type BackfillAsk,
  type BackfillFormat,
  type BackfillOperations,
  backfillBounds,
  backfillFormats,
} from './backfill-operations.ts';
export { clientTypes } from './client-types/client-types.ts';
export type { FieldCost } from './cost/field-cost.ts';
export {
  type DeadLetterOperations,
  deadLetterBounds,
} from './dead-letter-operations.ts';
export {
  behindMaxDefault,
  type GraphOperations,
  type ListedGraph,
  type Switched,
} from './graph-operations.ts';
export type { LiveLimits } from './live/live-limits.ts';
export type { StepFeed } from './live/step-feed.ts';
export { journalLimitsDefault, StepJournal } from './live/step-journal.ts';
export {
  checkOperationFile,
  type OperationProblem,
  problemText as operationProblemText,
} from './operations/check-operation-file.ts';
export type { AboutTable, PageEncoder } from './page-encoder.ts';
export { type Claims, explainRead, type ReadExplanation } from './policy/explain-read.ts';
export { forbidden } from './policy/forbidden.ts';
export type { Policy } from './policy/policy.ts';
export { readPolicy } from './policy/policy-reader.ts';
export { problem } from './problem.ts';
export { type ProcessServer, type ProcessServerOptions, startProcessServer } from './process-server.ts';
export type { GateOptions } from './request-gate.ts';
export { bigIntScalar, dateTimeScalar, jsonScalar } from './scalars.ts';
export { createSchema } from './schema.ts';
export { schemaOfGraph } from './schema-in-force.ts';
export { type ApiServer, type ApiServerOptions, startApiServer } from './server.ts';
export type {
  MutationState,
  NodeWriteState,
  StatusReader,
  TopicState,
  TopicStateKind,
} from './status-reader.ts';
export type { StoreOperations, TableFormat, TableRequest } from './store-operations.ts';
export type { TrafficGate } from './traffic-gate.ts';
