export { type QueryLimits, queryLimitsDefault } from './api-context.ts';
export { AudienceStore, type AudienceStoreLimits } from './audiences/audience-store.ts';
export {
  type Audience,
  Audiences,
  type AudiencesParts,
  type FreezeRequest,
} from './audiences/audiences.ts';
export type { Condition, Definition } from './audiences/condition.ts';
export type { GateOptions } from './request-gate.ts';
export { createSchema } from './schema.ts';
export { type ApiServer, type ApiServerOptions, startApiServer } from './server.ts';
export type { NodeWriteState, StatusReader, TopicState, TopicStateKind } from './status-reader.ts';
export type { StoreOperations } from './store-operations.ts';
