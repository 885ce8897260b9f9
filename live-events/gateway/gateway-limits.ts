/** Bounds of one gateway. */
export interface GatewayLimits {
  readonly socketsMax: number;
  /** Connects whose token or event is being looked at. */
  readonly connectsPendingMax: number;
  readonly connectsPerSecond: number;
  readonly connectsBurst: number;
  /** Bytes that may wait for one socket's reader; beyond them it is closed. */
  readonly socketBufferBytesMax: number;
  readonly messagesPerSecond: number;
  readonly messagesBurst: number;
  readonly pingMs: number;
  /** How exactly pings, lifetimes and expiries are kept. */
  readonly tickMs: number;
  readonly lifetimeMs: number;
  /** The part of the lifetime that is random. */
  readonly lifetimeDitherMs: number;
  /** Within it, a device that was told to go comes back. */
  readonly reconnectSpreadMs: number;
  /** Sockets are closed over this long when the gateway shuts down. */
  readonly drainMs: number;
  /** What a closing socket has for the closing handshake. */
  readonly closeMs: number;
  readonly eventsMax: number;
  /** An event is given up this long after its last socket. */
  readonly eventIdleMs: number;
  readonly historyBroadcastsMax: number;
  /** Where a device missed more, it gets the newest alone. */
  readonly replayBroadcastsMax: number;
  /** Different questions to the journal at a time. */
  readonly historyRequestsMax: number;
  /** Sockets written to before other work gets its turn. */
  readonly fanOutSockets: number;
  readonly reportMs: number;
  /** Deliveries of one report. */
  readonly reportDeliveriesMax: number;
  /** Deliveries that wait to be reported; beyond them they are reported at once. */
  readonly reportPendingMax: number;
  /** What a refusal says of how often to try before a long rest. */
  readonly retriesMax: number;
  readonly retryMsMax: number;
}

export const gatewayLimitsDefault: GatewayLimits = {
  socketsMax: 100_000,
  connectsPendingMax: 2_000,
  connectsPerSecond: 1_000,
  connectsBurst: 1_000,
  socketBufferBytesMax: 65_536,
  messagesPerSecond: 4,
  messagesBurst: 16,
  pingMs: 25_000,
  tickMs: 250,
  lifetimeMs: 1_800_000,
  lifetimeDitherMs: 300_000,
  reconnectSpreadMs: 5_000,
  drainMs: 10_000,
  closeMs: 5_000,
  eventsMax: 1_000,
  eventIdleMs: 60_000,
  historyBroadcastsMax: 64,
  replayBroadcastsMax: 32,
  historyRequestsMax: 256,
  fanOutSockets: 2_000,
  reportMs: 1_000,
  reportDeliveriesMax: 1_000,
  reportPendingMax: 200_000,
  retriesMax: 5,
  retryMsMax: 30_000,
};
