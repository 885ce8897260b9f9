import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { assert, type Clock, type Log, StopError } from '../foundation/index.ts';
import type { GraphReader } from '../graph-store/index.ts';
import type { QueryLimits } from './api-context.ts';
import { ApiHandler } from './api-handler.ts';
import type { Audiences } from './audiences/audiences.ts';
import { GraphqlEngine } from './graphql-engine.ts';
import { Ide } from './ide-page.ts';
import type { GateOptions } from './request-gate.ts';
import type { StatusReader } from './status-reader.ts';
import type { StoreOperations } from './store-operations.ts';

export interface ApiServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly reader: GraphReader;
  readonly status: StatusReader;
  /** Null when the store keeps no files of its own. */
  readonly operations: StoreOperations | null;
  /** Null of a server that keeps none; whoever opened them closes them, after the server. */
  readonly audiences: Audiences | null;
  readonly limits: QueryLimits;
  readonly gate: GateOptions;
  /** Shown in the IDE when it opens. */
  readonly defaultQuery: string;
  /** How long running requests may take to end when the server closes. */
  readonly closeMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /** A new request id, such as a UUID. */
  readonly newId: () => string;
}

export interface ApiServer {
  /** Without a slash at the end, such as `http://127.0.0.1:4000`. */
  readonly url: string;
  /** Takes no more requests, lets running ones end within the bound, then cuts what is left. Idempotent. */
  close(): Promise<void>;
}

const connectionsMax = 2048;

/**
 * Listens and answers.
 *
 * @throws StopError `PORT_IN_USE` or `CANNOT_LISTEN`.
 */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const engine = new GraphqlEngine(options.limits, options);
  await engine.start();
  const handler = new ApiHandler(options, engine, new Ide(options.defaultQuery));
  const server = http.createServer((request, response) => {
    void handler.handle(request, response);
  });
  // A client may take its time to ask, but not for ever.
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;
  server.maxHeadersCount = 100;
  // More are dropped as they come.
  server.maxConnections = connectionsMax;
  try {
    await listen(server, options.host, options.port);
  } catch (error) {
    await engine.stop();
    throw error;
  }
  // Such as no file descriptor left for a new connection: the ones there are go on.
  server.on('error', (error) => options.log.error({ error }, 'The API could not accept a connection.'));
  const address = server.address();
  assert(address !== null && typeof address === 'object', 'a listening TCP server has an address');
  const closing = { done: null as Promise<void> | null };
  return {
    url: `http://${hostText(address)}:${address.port}`,
    close: () => {
      closing.done ??= close(server, engine, options);
      return closing.done;
    },
  };
}

function hostText({ address, family }: AddressInfo): string {
  if (address === '0.0.0.0' || address === '::') return 'localhost';
  return family === 'IPv6' ? `[${address}]` : address;
}

function listen(server: http.Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause: NodeJS.ErrnoException): void => reject(listenError(cause, host, port));
    server.once('error', fail);
    server.listen(port, host, () => {
      server.off('error', fail);
      resolve();
    });
  });
}

function listenError(cause: NodeJS.ErrnoException, host: string, port: number): StopError {
  if (cause.code === 'EADDRINUSE') {
    const message = `Port ${port} on ${host} is in use, perhaps by another Journey Graph: choose another with --port.`;
    return new StopError('PORT_IN_USE', message, { cause, context: { setting: 'port' } });
  }
  const message = `Cannot listen on ${host} port ${port} (${cause.code ?? 'unknown reason'}): check --host and --port.`;
  return new StopError('CANNOT_LISTEN', message, { cause, context: { setting: 'host' } });
}

async function close(server: http.Server, engine: GraphqlEngine, options: ApiServerOptions): Promise<void> {
  const limit = new AbortController();
  // Node closes the idle connections with it.
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  await Promise.race([closed, options.clock.sleep(options.closeMs, limit.signal)]);
  limit.abort();
  server.closeAllConnections();
  await closed;
  await engine.stop();
}
