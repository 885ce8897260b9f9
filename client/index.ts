/** `journey-graph/client`. */
export {
  type ClientCode,
  type GraphqlError,
  JourneyGraphClientError,
  retryableCodes,
} from './client-error.ts';
export { type ClientOptions, createClient, type GraphClient } from './graph-client.ts';
export type { JourneyNodeRef, JourneyPage, JourneyQuery, JourneyStep } from './journey-pages.ts';
export type { ClientPorts } from './pause.ts';
export type { GraphShape, GraphTable, Selected, Selection, TableField } from './selection.ts';
export { type JourneyStepMessage, journeySteps, type LiveStep, type SubscribeOptions } from './subscribe.ts';
export type { RequestOptions } from './transport.ts';
