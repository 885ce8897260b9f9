import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { JourneyGraphError } from '../../foundation/index.ts';
import type { NodeRef } from '../../graph-store/index.ts';
import { problem } from '../problem.ts';
import type { Audiences } from './audiences.ts';

export const audiencesPath = '/audiences/';
const membersPath = /^\/audiences\/([A-Za-z0-9_-]{1,64})\/members$/;
/** A client that takes nothing for so long has gone. */
const stalledMs = 60_000;
/** Each holds a page of members, whatever the audience's size. */
const streamsMax = 16;

/**
 * GET `/audiences/ID/members`: all members, one JSON object a line, as fast as the client takes them. The last line is `{"end":true,…}`: without it the answer was
 * cut off.
 */
export class AudienceRoutes {
  readonly #audiences: Audiences | null;
  #streams = 0;

  constructor(audiences: Audiences | null) {
    this.#audiences = audiences;
  }

  /** The gate has let the caller in. */
  async handle(
    request: IncomingMessage,
    response: ServerResponse,
    pathname: string,
    requestId: string,
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
    try {
      await this.#send(this.#audiences, id, response, requestId);
    } finally {
      this.#streams -= 1;
    }
  }

  async #send(audiences: Audiences, id: string, response: ServerResponse, requestId: string): Promise<void> {
    const pages = audiences.members(id);
    response.setTimeout(stalledMs, () => response.destroy());
    try {
      // Before the head is sent: an audience that is not there is an answer of its own.
      const first = await pages.next();
      response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      await pipeline(Readable.from(lines(first, pages), { objectMode: false }), response);
    } catch (error) {
      const isGone = error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
      if (isGone) return;
      if (response.headersSent || !(error instanceof JourneyGraphError)) throw error;
      const status = error.code === 'AUDIENCE_UNKNOWN' ? 404 : error.reaction === 'refused' ? 409 : 503;
      problem(response, status, error.code, error.message, requestId);
    }
  }
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
