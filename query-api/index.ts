export { type QueryLimits, queryLimitsDefault } from './api-context.ts';
export {
  checkOperationFile,
  type OperationProblem,
  problemText as operationProblemText,
} from './operations/check-operation-file.ts';
export type { GateOptions } from './request-gate.ts';
export { createSchema } from './schema.ts';
export { type ApiServer, type ApiServerOptions, startApiServer } from './server.ts';
export type { NodeWriteState, StatusReader, TopicState, TopicStateKind } from './status-reader.ts';
export type { StoreOperations } from './store-operations.ts';
