export { assert, must, unreachable } from './assert.ts';
export { Backoff, type BackoffLimits } from './backoff.ts';
export { type Clock, isAhead, type Random, type SteadyTime, steadyTime, systemClock } from './clock.ts';
export { countText } from './count-text.ts';
export { didYouMean } from './did-you-mean.ts';
export {
  BadDataError,
  type ErrorContext,
  type ErrorOptions,
  FencedError,
  JourneyGraphError,
  OutageError,
  type Reaction,
  RefusedError,
  StopError,
} from './error.ts';
export { hashes } from './hashes.ts';
export { hideWarning, type WarningSource } from './hidden-warning.ts';
export { type Log, silentLog } from './log.ts';
export { seededRandom } from './seeded-random.ts';
export { SingleFlight } from './single-flight.ts';
export { type UnfoldedBlock, unfoldSnappyBlock } from './snappy-block.ts';
export { TokenBucket } from './token-bucket.ts';
