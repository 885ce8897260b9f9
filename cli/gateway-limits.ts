import type { Settings } from '../config/index.ts';
import { type GatewayLimits, gatewayLimits } from '../live-events/index.ts';

export function gatewayLimitsOf(settings: Settings): GatewayLimits {
  return gatewayLimits({
    socketsMax: settings['live.sockets.max'],
    connectsPerSecond: settings['live.connects.per.second'],
    socketBufferBytesMax: settings['live.socket.buffer.bytes'],
    lifetimeMs: settings['live.socket.lifetime.ms'],
    pingMs: settings['live.ping.ms'],
    drainMs: Math.min(settings['live.drain.ms'], settings['shutdown.timeout.ms'] / 2),
  });
}
