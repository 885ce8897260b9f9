import { isLoopback, type Settings, takesJwt } from '../config/index.ts';
import type { GateOptions } from '../query-api/index.ts';

/** Of a process without an API, which takes no JWT. Where those are taken and no token is set, nobody knows this one: as at `jg api`, its figures are nobody's then. */
export function processGate(settings: Settings, newId: () => string): GateOptions {
  return {
    token: settings['api.token'] ?? (takesJwt(settings) ? newId() : null),
    allowedHosts: settings['api.allowed.hosts'],
    anyHost: !isLoopback(settings.host),
  };
}
