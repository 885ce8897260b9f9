import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Duplex } from 'node:stream';
import { type Clock, type Log, silentLog, systemClock } from '../../foundation/index.ts';
import type { Router } from '../router/router.ts';
import { routerPath } from '../router/router-protocol.ts';
import { RouterServer, type RouterServerLimits, routerServerLimitsDefault } from '../router/router-server.ts';
import { RouterSocket } from './router-socket.ts';
import { type RouterSocketLimits, routerSocketLimitsDefault } from './router-socket-limits.ts';

export const routerSecret = 'a-secret-of-gateways';

export interface TestRouterServer {
  readonly url: string;
  readonly port: number;
  /** As a process that is killed does: every connection cut, nothing said. */
  kill(): Promise<void>;
}

/** @param port 0 for a free one. */
export async function startRouterServer(
  router: Router,
  port = 0,
  limits: Partial<RouterServerLimits> = {},
): Promise<TestRouterServer> {
  const sockets = new RouterServer({
    router,
    secret: routerSecret,
    limits: { ...routerServerLimitsDefault, ...limits },
    clock: systemClock,
    log: silentLog,
  });
  sockets.start();
  const server = createServer();
  const connections = new Set<Duplex>();
  server.on('connection', (connection) => {
    connections.add(connection);
    connection.on('close', () => connections.delete(connection));
  });
  server.on('upgrade', (request, connection, head) => {
    if (!sockets.upgrade(request, connection, head)) connection.destroy();
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : 0;
  const kill = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    for (const connection of connections) connection.destroy();
    await closed;
    sockets.close();
  };
  return { url: `ws://127.0.0.1:${bound}${routerPath}`, port: bound, kill };
}

export function dialRouter(
  url: string,
  options: {
    readonly gateway?: string;
    readonly secret?: string;
    readonly limits?: Partial<RouterSocketLimits>;
    readonly clock?: Clock;
    readonly log?: Log;
  } = {},
): RouterSocket {
  const {
    gateway = 'gateway-1',
    secret = routerSecret,
    limits,
    clock = systemClock,
    log = silentLog,
  } = options;
  return new RouterSocket({
    url,
    secret,
    gateway,
    socketsMax: 500,
    limits: { ...routerSocketLimitsDefault, backoffBaseMs: 5, backoffMaxMs: 50, openMs: 200, ...limits },
    clock,
    random: Math.random,
    log,
  });
}
