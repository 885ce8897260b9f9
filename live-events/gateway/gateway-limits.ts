/** Those that operators set, and whose defaults are with the settings. */
export interface GatewaySettings {
  readonly socketsMax: number;
  readonly connectsPerSecond: number;
  /** Bytes that may wait for one socket's reader; beyond them it is closed. */
  readonly socketBufferBytesMax: number;
  readonly lifetimeMs: number;
  readonly pingMs: number;
  /** Sockets are closed over this long when the gateway shuts down. */
  readonly drainMs: number;
}

/** Bounds of one gateway. */
export interface GatewayLimits extends GatewaySettings {
  /** Connects whose token or event is being looked at. */
  readonly connectsPendingMax: number;
  readonly connectsBurst: number;
  readonly messagesPerSecond: number;
  readonly messagesBurst: number;
  /** How exactly pings, lifetimes and expiries are kept; while a broadcast is being written, five times as long at most. */
  readonly tickMs: number;
  /** The part of the lifetime that is random. */
  readonly lifetimeDitherMs: number;
  /** Within it, a device that was told to go comes back. */
  readonly reconnectSpreadMs: number;
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

export function gatewayLimits(settings: GatewaySettings): GatewayLimits {
  return {
    ...settings,
    connectsPendingMax: 2_000,
    connectsBurst: settings.connectsPerSecond,
    messagesPerSecond: 4,
    messagesBurst: 16,
    tickMs: 250,
    lifetimeDitherMs: Math.floor(settings.lifetimeMs / 6),
    reconnectSpreadMs: 5_000,
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
}
