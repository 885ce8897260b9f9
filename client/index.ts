/** `journey-graph/client`. */
export { JourneyGraphClientError } from './client-error.ts';
export { type JourneyStepMessage, journeySteps, type LiveStep, type SubscribeOptions } from './subscribe.ts';
