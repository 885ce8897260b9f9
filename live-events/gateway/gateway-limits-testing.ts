import { type GatewayLimits, gatewayLimits } from './gateway-limits.ts';

/** Far from what most tests reach. */
export const ampleGatewayLimits: GatewayLimits = gatewayLimits({
  socketsMax: 100_000,
  connectsPerSecond: 1_000,
  socketBufferBytesMax: 65_536,
  lifetimeMs: 1_800_000,
  pingMs: 25_000,
  drainMs: 10_000,
});
