import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { StopError } from '../../foundation/index.ts';
import { refusal, refuse } from './connect-refusal.ts';
import type { Gateway } from './gateway.ts';

export interface GatewayServerParts {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  readonly gateway: Gateway;
  /** Origins of pages; this server has none of its own. */
  readonly allowedOrigins: ReadonlySet<string>;
  /** Why no devices should be sent here now; null when they may. */
  readonly notReady: () => string | null;
}

export interface GatewayServer {
  readonly port: number;
  close(): Promise<void>;
}

const headersMs = 10_000;

/**
 * Sockets of devices, `/healthz` (the process lives) and `/readyz` (devices may be sent here), and nothing else.
 *
 * @throws {StopError} when it cannot listen there.
 */
export async function startGatewayServer(parts: GatewayServerParts): Promise<GatewayServer> {
  const { gateway, host, allowedOrigins } = parts;
  const server = createServer({ headersTimeout: headersMs, requestTimeout: headersMs });
  server.on('request', (request, response) => answer(request, response, parts));
  server.on('upgrade', (request, connection, head) => {
    const { origin } = request.headers;
    if (origin !== undefined && !allowedOrigins.has(origin)) {
      connection.on('error', () => connection.destroy());
      refuse(connection, refusal('ORIGIN_NOT_ALLOWED'), 0);
    } else if (!gateway.upgrade(request, connection, head)) connection.destroy();
  });
  await listen(server, host, parts.port);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : parts.port;
  const close = async (): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  return { port, close };
}

function answer(
  { url, method }: IncomingMessage,
  response: ServerResponse,
  { notReady }: GatewayServerParts,
): void {
  const known = (method === 'GET' || method === 'HEAD') && (url === '/healthz' || url === '/readyz');
  const reason = url === '/readyz' ? notReady() : null;
  const status = known ? (reason === null ? 200 : 503) : 404;
  const body = known ? (reason === null ? { ok: true } : { ok: false, reason }) : { code: 'NOT_FOUND' };
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(`${JSON.stringify(body)}\n`);
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : null;
    if (code === 'EADDRINUSE') {
      const message = `Port ${port} on ${host} is in use: choose another with --port.`;
      throw new StopError('PORT_IN_USE', message, { cause, context: { setting: 'port' } });
    }
    const message = `Cannot listen on ${host} port ${port} (${code ?? 'unknown reason'}): check --host and --port.`;
    throw new StopError('CANNOT_LISTEN', message, { cause, context: { setting: 'host' } });
  }
}
