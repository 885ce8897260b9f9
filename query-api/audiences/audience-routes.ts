import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Clock, JourneyGraphError } from '../../foundation/index.ts';
import type { NodeRef } from '../../graph-store/index.ts';
import type { Caller } from '../auth/caller.ts';
import { acceptedEncoder, type PageEncoder } from '../page-encoder.ts';
import { problem } from '../problem.ts';
import { cutOffStalled, stalledMs } from '../stalled-client.ts';
import { aboutAudience } from './audience-about.ts';
import type { Audiences } from './audiences.ts';

const membersPath = /^\/audiences\/([A-Za-z0-9_-]{1,64})\/members$/;
/** Each holds a page of members, whatever the audience's size. */
const streamsMax = 16;
/** Whoever takes members more slowly than this is cut off, and may take them by pages: a slot is nobody's for ever. */
const membersPerSecondLeast = 1000;
/** Longer than any timer takes. */
const streamMsMax = 2 ** 31 - 1;

/** What a stream ends with when the client has gone, and when it is cut off. */
const endings: ReadonlySet<unknown> = new Set(['ERR_STREAM_PREMATURE_CLOSE', 'ABORT_ERR']);

type StreamedAudiences = Pick<Audiences, 'get' | 'members'>;

/**
 * GET `/audiences/ID/members`: all members, one JSON object a line, as fast as the client takes them. The last line is `{"end":true,…}`: without it the answer was
 * cut off. As a table where the client accepts one.
 */
export class AudienceRoutes {
  readonly #audiences: StreamedAudiences | null;
  readonly #clock: Clock;
  readonly #encoders: readonly PageEncoder[];
  #streams = 0;

  constructor(audiences: StreamedAudiences | null, clock: Clock, encoders: readonly PageEncoder[] = []) {
    this.#audiences = audiences;
    this.#clock = clock;
    this.#encoders = encoders;
  }

  /** The gate has let the caller in, whose token may expire while they read: then the answer is cut off. */
  async handle(
    request: IncomingMessage,
    response: ServerResponse,
    pathname: string,
    requestId: string,
    { expiresAtMs }: Pick<Caller, 'expiresAtMs'>,
  ): Promise<void> {
    const id = membersPath.exec(pathname)?.[1];
    if (id === undefined || this.#audiences === null) {
      const message =
        'There is nothing here; members are at /audiences/ID/members, all else is asked in GraphQL.';
      return problem(response, 404, 'NOT_FOUND', message, requestId);
    }
    if (request.method !== 'GET') {
      response.setHeader('allow', 'GET');
      return problem(response, 405, 'METHOD_NOT_ALLOWED', 'Members are read with GET.', requestId);
    }
    const site = request.headers['sec-fetch-site'];
    if (site !== undefined && site !== 'same-origin' && site !== 'none') {
      return problem(
        response,
        403,
        'CROSS_SITE',
        'A page of another site may not ask this; use `jg audience`.',
        requestId,
      );
    }
    if (this.#streams >= streamsMax) {
      const message = `${streamsMax} clients are reading members already; ask again when one has ended.`;
      return problem(response, 429, 'AUDIENCES_BUSY', message, requestId);
    }
    this.#streams += 1;
    const encoder = acceptedEncoder(this.#encoders, request.headers.accept);
    const ended = new AbortController();
    const late = new AbortController();
    void this.#clock
      .sleep(this.#mayTakeMs(this.#audiences, id, expiresAtMs), ended.signal)
      .then(() => late.abort());
    try {
      await this.#send({ audiences: this.#audiences, id, encoder }, response, requestId, late.signal);
    } finally {
      ended.abort();
      this.#streams -= 1;
    }
  }

  #mayTakeMs(audiences: StreamedAudiences, id: string, expiresAtMs: number | null): number {
    const audience = audiences.get(id);
    const size = audience?.state === 'READY' ? audience.row.size : 0;
    const bySizeMs = stalledMs + Math.ceil((1000 * size) / membersPerSecondLeast);
    const untilExpiryMs = expiresAtMs === null ? streamMsMax : expiresAtMs - this.#clock.now();
    return Math.max(0, Math.min(bySizeMs, untilExpiryMs, streamMsMax));
  }

  async #send(
    { audiences, id, encoder }: Asked,
    response: ServerResponse,
    requestId: string,
    signal: AbortSignal,
  ): Promise<void> {
    const pages = audiences.members(id);
    cutOffStalled(response);
    try {
      // Before the head is sent: an audience that is not there is an answer of its own.
      const first = await pages.next();
      const audience = audiences.get(id);
      const about = audience?.state === 'READY' ? aboutAudience(audience.row) : {};
      const bytes =
        encoder === null
          ? Readable.from(lines(first, pages), { objectMode: false })
          : Readable.from(encoder.members(pagesOf(first, pages), about), { objectMode: false });
      response.writeHead(200, { 'content-type': encoder?.mime ?? 'application/x-ndjson', vary: 'accept' });
      await pipeline(bytes, response, { signal });
    } catch (error) {
      if (error instanceof Error && 'code' in error && endings.has(error.code)) return;
      if (response.headersSent || !(error instanceof JourneyGraphError)) throw error;
      const status = error.code === 'AUDIENCE_UNKNOWN' ? 404 : error.reaction === 'refused' ? 409 : 503;
      problem(response, status, error.code, error.message, requestId);
    } finally {
      // A client that leaves with the first page ends what reads `pages` where that has not begun to hold them.
      await pages.return(undefined);
    }
  }
}

interface Asked {
  readonly audiences: StreamedAudiences;
  readonly id: string;
  /** Null for lines of JSON. */
  readonly encoder: PageEncoder | null;
}

async function* pagesOf(
  first: IteratorResult<readonly NodeRef[]>,
  rest: AsyncGenerator<readonly NodeRef[]>,
): AsyncGenerator<readonly NodeRef[]> {
  if (first.done !== true) yield first.value;
  yield* rest;
}

async function* lines(
  first: IteratorResult<readonly NodeRef[]>,
  rest: AsyncGenerator<readonly NodeRef[]>,
): AsyncGenerator<string> {
  let count = 0;
  const textOf = (page: readonly NodeRef[]): string => {
    count += page.length;
    return page.map(({ type, id }) => `${JSON.stringify({ type, id })}\n`).join('');
  };
  if (first.done !== true) yield textOf(first.value);
  for await (const page of rest) yield textOf(page);
  yield `${JSON.stringify({ end: true, members: count })}\n`;
}
