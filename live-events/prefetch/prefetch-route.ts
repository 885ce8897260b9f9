import type { IncomingMessage, ServerResponse } from 'node:http';
import { JourneyGraphError, type Random } from '../../foundation/index.ts';
import { type ExtensionRequest, type ExtensionRoute, problem } from '../../query-api/index.ts';
import { isDeviceKind } from '../stage-maps/show.ts';
import type { Prefetches } from './prefetch.ts';
import { refusesPrefetch } from './prefetch-access.ts';
import { prefetchText } from './prefetch-json.ts';

export interface PrefetchRouteParts {
  readonly prefetches: Pick<Prefetches, 'prefetch'>;
  readonly random: Random;
}

export const prefetchPrefix = '/live/events/';
const path = /^\/live\/events\/([A-Za-z0-9._-]{1,64})\/prefetch$/;
/** Seconds after which to ask again while there is nothing, or something is down; some longer than others. */
const retryAfterSeconds = { least: 10, most: 60 } as const;

const statuses: Readonly<Record<string, number>> = {
  LIVE_EVENT_UNKNOWN: 404,
  // Of an event that is over: until then its audience is kept.
  AUDIENCE_UNKNOWN: 404,
  INVALID_MEMBER: 400,
  LIVE_OUTSIDER: 403,
  LIVE_MAPS_NOT_READY: 503,
};

/** GET `/live/events/EVENT/prefetch?member=Type:id&device=tv`, as PROTOCOL.md, 3, has it. */
export function prefetchRoute(parts: PrefetchRouteParts): ExtensionRoute {
  return {
    prefix: prefetchPrefix,
    isOpen: false,
    handle: (request, response, asked) => handle(parts, request, response, asked),
  };
}

async function handle(
  parts: PrefetchRouteParts,
  request: IncomingMessage,
  response: ServerResponse,
  asked: ExtensionRequest,
): Promise<void> {
  const { url, requestId, caller } = asked;
  const refuse = (status: number, code: string, message: string): void =>
    problem(response, status, code, message, requestId);
  const event = path.exec(url.pathname)?.[1];
  if (event === undefined)
    return refuse(404, 'NOT_FOUND', 'There is nothing here; /live/events/EVENT/prefetch is.');
  if (request.method !== 'GET') {
    response.setHeader('allow', 'GET');
    return refuse(405, 'METHOD_NOT_ALLOWED', 'It is fetched with GET.');
  }
  const member = url.searchParams.get('member') ?? '';
  const device = url.searchParams.get('device');
  const why = refusesPrefetch(caller, member);
  if (why !== null) return refuse(403, 'FORBIDDEN', why);
  // Who needs no token is trusted for where they are, which a page of another site that they look at is not.
  const site = request.headers['sec-fetch-site'];
  if (caller?.kind === 'local' && site !== undefined && site !== 'same-origin' && site !== 'none')
    return refuse(403, 'CROSS_SITE', 'A page of another site may not ask this without a token.');
  if (!isDeviceKind(device)) return refuse(400, 'BAD_USER_INPUT', '`device` is tv, phone, tablet or web.');
  try {
    const known = request.headers['if-none-match'] ?? null;
    const answer = await parts.prefetches.prefetch(event, member, device, known);
    response.setHeader('etag', answer.etag);
    // Whole seconds, none taken off: one that is too short could end within the quiet window.
    response.setHeader('cache-control', `private, max-age=${Math.ceil(answer.ttlMs / 1000)}`);
    response.setHeader('vary', 'Authorization');
    if (answer.kind === 'not-modified') {
      response.writeHead(304).end();
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end(prefetchText(answer));
  } catch (error) {
    refused(parts, error, response, refuse);
  }
}

/** Throws what is no answer to the one who asks. */
function refused(
  { random }: PrefetchRouteParts,
  error: unknown,
  response: ServerResponse,
  refuse: (status: number, code: string, message: string) => void,
): void {
  if (!(error instanceof JourneyGraphError) || response.headersSent) throw error;
  const status = error.retryable ? 503 : statuses[error.code];
  if (status === undefined) throw error;
  if (status === 503) {
    const { least, most } = retryAfterSeconds;
    response.setHeader('retry-after', String(least + Math.floor((most - least) * random())));
  }
  refuse(status, error.code, error.message);
}
