import type { Settings } from '../config/index.ts';
import type { Clock, Log } from '../foundation/index.ts';
import { type Router, RouterServer, routerPath, routerServerLimitsDefault } from '../live-events/index.ts';
import type { ApiExtension } from '../query-api/index.ts';
import { bearerOf, gatewaySecretOf } from './live-secrets.ts';

/** Takes the gateways of other processes (`jg gateway`), which show the key that lies in the data folder. */
export async function openRouterServer(
  settings: Settings,
  router: Router,
  clock: Clock,
  log: Log,
): Promise<RouterServer> {
  const secret = bearerOf(await gatewaySecretOf(settings));
  return new RouterServer({ router, secret, limits: routerServerLimitsDefault, clock, log });
}

export function withRouterSocket(extension: ApiExtension, gateways: RouterServer): ApiExtension {
  const upgrade: ApiExtension['sockets'][number]['upgrade'] = (request, connection, head) =>
    gateways.upgrade(request, connection, head);
  return { ...extension, sockets: [...extension.sockets, { path: routerPath, upgrade }] };
}
