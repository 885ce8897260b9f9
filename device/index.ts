/** `journey-graph/device`. */
export { type DeviceCache, MemoryCache, StorageCache, type StorageLike } from './device-cache.ts';
export type { ConnectionState } from './device-connection.ts';
export { type DeviceClock, type DevicePorts, systemPorts } from './device-ports.ts';
export type { DeviceProblem, DeviceProblemCode } from './device-problem.ts';
export type { ConnectionGrant, WebSocketConstructor, WebSocketLike } from './device-socket.ts';
export {
  type DeviceLimits,
  type DeviceStatus,
  deviceLimitsDefault,
  LiveDevice,
  type LiveDeviceOptions,
} from './live-device.ts';
export { type DeviceKind, type Prefetch, readPrefetch, type Show } from './prefetch.ts';
export {
  type HttpPrefetchOptions,
  httpPrefetch,
  type PrefetchAnswer,
  type PrefetchQuestion,
  type PrefetchSource,
} from './prefetch-source.ts';
export {
  behindQuiet,
  clientJitterShare,
  type PrefetchLife,
  type QuietWindow,
  refreshAfterMs,
  refreshAtMs,
} from './prefetch-ttl.ts';
export {
  type Applied,
  type Broadcast,
  type Cursor,
  closeCodes,
  decodeCursor,
  encodeCursor,
  type Heartbeat,
  isKey,
  liveSocketPath,
  liveSubprotocol,
  messageBytesMax,
  noCursor,
  type Resync,
  type ResyncReason,
  readDeviceMessage,
  readHeartbeat,
  readServerMessage,
  type ServerMessage,
  tokenSubprotocolPrefix,
  type Welcome,
} from './protocol.ts';
export type { StopReason } from './reconnect.ts';
export { mayFollow, type Schedule, type ScheduledStage } from './stage-order.ts';
export type { OnStage, ShownStage } from './stage-renderer.ts';
