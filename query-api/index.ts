export { type QueryLimits, queryLimitsDefault } from './api-context.ts';
export type { LiveLimits } from './live/live-limits.ts';
export type { StepFeed } from './live/step-feed.ts';
export { journalLimitsDefault, StepJournal } from './live/step-journal.ts';
export type { GateOptions } from './request-gate.ts';
export { createSchema } from './schema.ts';
export { type ApiServer, type ApiServerOptions, startApiServer } from './server.ts';
export type { NodeWriteState, StatusReader, TopicState, TopicStateKind } from './status-reader.ts';
export type { StoreOperations } from './store-operations.ts';
