export { type QueryLimits, queryLimitsDefault } from './api-context.ts';
export { clientTypes } from './client-types/client-types.ts';
export type { GateOptions } from './request-gate.ts';
export { createSchema } from './schema.ts';
export { schemaOfGraph } from './schema-in-force.ts';
export { type ApiServer, type ApiServerOptions, startApiServer } from './server.ts';
export type { NodeWriteState, StatusReader, TopicState, TopicStateKind } from './status-reader.ts';
export type { StoreOperations } from './store-operations.ts';
