import type { Settings } from '../config/index.ts';
import { steadyTime } from '../foundation/index.ts';
import {
  createDeviceTokens,
  Gateway,
  type GatewayServer,
  RouterLinks,
  RouterSocket,
  routerSocketLimitsDefault,
  startGatewayServer,
} from '../live-events/index.ts';
import { type CommandIo, type ExitCode, exitCodes } from './command-io.ts';
import { gatewayLimitsOf } from './gateway-limits.ts';
import { bearerOf, liveGatewaySecretFile, liveTokenKeyFile, readLiveSecret } from './live-secrets.ts';
import { createLog } from './log.ts';

export interface GatewayOptions {
  /** `ws://HOST:PORT/live/gateway` */
  readonly routers: readonly string[];
  /** Null: below the data folder. */
  readonly tokenKey: string | null;
  readonly gatewayKey: string | null;
  readonly id: string | null;
  readonly listen: { readonly host: string; readonly port: number };
  readonly json: boolean;
}

const statusEveryMs = 5_000;

/** Serves devices' sockets until the signal aborts; then sends them away, spread over `live.drain.ms`. */
export async function runGateway(
  settings: Settings,
  options: GatewayOptions,
  io: CommandIo,
): Promise<ExitCode> {
  const { clock, random } = io;
  const log = createLog(settings, io);
  const tokens = await createDeviceTokens(
    await readLiveSecret(
      options.tokenKey ?? settings['live.token.key.file'] ?? liveTokenKeyFile(settings.data),
    ),
    clock,
  );
  const gatewayKey =
    options.gatewayKey ?? settings['live.gateway.key.file'] ?? liveGatewaySecretFile(settings.data);
  const secret = bearerOf(await readLiveSecret(gatewayKey));
  const id = options.id ?? io.newId();
  const links = new RouterLinks(
    options.routers.map(
      (url) =>
        new RouterSocket({
          url,
          secret,
          gateway: id,
          socketsMax: settings['live.sockets.max'],
          limits: routerSocketLimitsDefault,
          clock,
          random,
          log,
        }),
    ),
  );
  const allowedOrigins = new Set(settings['live.allowed.origins']);
  const limits = gatewayLimitsOf(settings);
  const gateway = new Gateway({
    id,
    link: links,
    tokens,
    allowedOrigins,
    limits,
    clock,
    steadyMs: steadyTime,
    random,
    log,
  });
  const notReady = (): string | null => {
    if (io.signal.aborted) return 'it is going away';
    return links.connected ? null : 'it has no connection to a router';
  };
  const { host, port } = options.listen;
  const server = await startGatewayServer({ host, port, gateway, allowedOrigins, notReady });
  gateway.start();
  say(io, options, server, id, host);
  try {
    while (!io.signal.aborted) {
      await clock.sleep(statusEveryMs, io.signal);
      showStatus(io, options, gateway, links.connected);
    }
  } finally {
    await gateway.close();
    links.close();
    await server.close();
  }
  return exitCodes.ok;
}

function say(
  io: CommandIo,
  options: GatewayOptions,
  { port }: GatewayServer,
  id: string,
  host: string,
): void {
  if (options.json) io.out(`${JSON.stringify({ gateway: id, host, port, routers: options.routers })}\n`);
  else io.out(`Gateway ${id} takes devices at ws://${host}:${port}/live/socket; Ctrl-C sends them away.\n`);
}

function showStatus(io: CommandIo, { json }: GatewayOptions, gateway: Gateway, connected: boolean): void {
  const { metrics } = gateway;
  if (json) {
    io.out(`${JSON.stringify({ connected, ...metrics })}\n`);
    return;
  }
  const router = connected ? 'connected' : 'NO ROUTER';
  io.out(
    `${router} · sockets ${metrics.sockets} · sent ${metrics.sent} · applied ${metrics.applied} · too slow ${metrics.closed[4408] ?? 0}\n`,
  );
}
