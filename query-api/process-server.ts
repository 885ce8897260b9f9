import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { Log } from '../foundation/index.ts';
import { Access } from './auth/access.ts';
import { sendRefusal } from './auth/refusal.ts';
import { listen, urlOf } from './listening.ts';
import { ProcessServerMetrics, type ProcessServerMetricsParts } from './observe/process-server-metrics.ts';
import { problem } from './problem.ts';
import { type GateOptions, refuseHost } from './request-gate.ts';

export interface ProcessServerOptions extends ProcessServerMetricsParts {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly gate: GateOptions;
  /** Why it should not be counted on now; null when it may. */
  readonly notReady: () => string | null;
  readonly log: Log;
  readonly newId: () => string;
}

export interface ProcessServer {
  /** Without a slash at the end. */
  readonly url: string;
  close(): Promise<void>;
}

const connectionsMax = 256;
const requestMs = 10_000;

/**
 * What whoever runs a process without an API asks it: `/healthz` (it lives), `/readyz` (it does its work) and `/metrics`, for
 * which `gate.token` is wanted where there is one.
 *
 * @throws StopError `PORT_IN_USE` or `CANNOT_LISTEN`.
 */
export async function startProcessServer(options: ProcessServerOptions): Promise<ProcessServer> {
  const metrics = new ProcessServerMetrics(options, () => performance.now());
  const access = new Access({ token: options.gate.token, jwt: null, policy: null });
  const server = http.createServer({ headersTimeout: requestMs, requestTimeout: requestMs });
  server.maxConnections = connectionsMax;
  server.maxHeadersCount = 100;
  server.on('request', (request, response) => void answer(request, response, { options, metrics, access }));
  try {
    await listen(server, options.host, options.port);
  } catch (error) {
    metrics.close();
    throw error;
  }
  server.on('error', (error) => options.log.error({ error }, 'A connection could not be accepted.'));
  return {
    url: urlOf(server),
    close: async () => {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      metrics.close();
    },
  };
}

interface Answering {
  readonly options: ProcessServerOptions;
  readonly metrics: ProcessServerMetrics;
  readonly access: Access;
}

/** Never rejects. */
async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { options, metrics, access }: Answering,
): Promise<void> {
  const requestId = options.newId();
  response.setHeader('cache-control', 'no-store');
  response.setHeader('x-content-type-options', 'nosniff');
  try {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      return problem(response, 405, 'METHOD_NOT_ALLOWED', 'This server takes GET.', requestId);
    }
    if (pathname === '/healthz' || pathname === '/livez') return sendHealth(response, null);
    if (pathname === '/readyz') return sendHealth(response, options.notReady());
    const stranger = refuseHost(request, options.gate);
    if (stranger !== null)
      return problem(response, stranger.status, stranger.code, stranger.message, requestId);
    const authentication = await access.authenticate(request.headers);
    if (authentication.kind === 'refused')
      return sendRefusal(response, authentication, requestId, options.log);
    if (pathname !== '/metrics') {
      const message = 'There is nothing here; /healthz, /readyz and /metrics are.';
      return problem(response, 404, 'NOT_FOUND', message, requestId);
    }
    const text = await metrics.text();
    response.writeHead(200, { 'content-type': metrics.contentType }).end(text);
  } catch (error) {
    options.log.error({ requestId, error }, 'A request failed on our side.');
    if (response.headersSent) response.destroy();
    else problem(response, 500, 'INTERNAL_SERVER_ERROR', 'Something failed on our side.', requestId);
  }
}

function sendHealth(response: ServerResponse, reason: string | null): void {
  response.writeHead(reason === null ? 200 : 503, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(reason === null ? { ok: true } : { ok: false, reason })}\n`);
}
