import type { SubscriptionLimits } from './step-subscription.ts';

export interface LiveLimits extends SubscriptionLimits {
  readonly socketsMax: number;
  /** Of those, sockets that have not yet said who they are. */
  readonly strangersMax: number;
  readonly subscriptionsPerSocketMax: number;
  /** From the connection to `connection_init`, milliseconds. */
  readonly initMs: number;
  /** A socket is pinged so often, and cut when it has not answered by the next time, milliseconds. */
  readonly pingMs: number;
  /** How long one message may wait for its reader, milliseconds. */
  readonly slowMs: number;
  /** Bytes of a socket that its reader has not taken; one message may exceed it. */
  readonly bufferedBytesMax: number;
  /** Messages that a client may send at once, and in the long run; frames of ping, and of pong that nobody asked for, count too. */
  readonly messagesBurst: number;
  readonly messagesPerSecond: number;
}

export const liveLimitsDefault: LiveLimits = {
  pollMs: 2000,
  readyMs: 5000,
  socketsMax: 1024,
  strangersMax: 256,
  subscriptionsPerSocketMax: 32,
  initMs: 3000,
  pingMs: 12_000,
  slowMs: 10_000,
  bufferedBytesMax: 1_048_576,
  messagesBurst: 200,
  messagesPerSecond: 20,
};

/** Beyond those of graphql-transport-ws; documented in docs/api.md. None of them keeps a client from connecting again. */
export const closeCodes = {
  goingAway: 1001,
  failed: 1011,
  tryLater: 1013,
  initTimeout: 4408,
  tooSlow: 4430,
  tokenExpired: 4431,
  tooManyMessages: 4432,
  otherGraph: 4433,
} as const;
