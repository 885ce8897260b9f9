import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Clock, JourneyGraphError } from '../foundation/index.ts';
import { clientGone } from './client-gone.ts';
import { type DeadLetterOperations, deadLetterBounds } from './dead-letter-operations.ts';
import { problem } from './problem.ts';
import { isFromAnotherSite } from './request-gate.ts';

export const deadLettersPath = '/dead-letters/';

const progressEveryMs = 500;
const { newestMax, limitMax, limitDefault } = deadLetterBounds;

/**
 * GET `/dead-letters/list` and `/dead-letters/letter`, POST `/dead-letters/retry`: one of them at a time, since each reads all letters. A
 * retry answers a JSON object a line and ends when its client goes away: what was applied by then stays.
 */
export class DeadLetterRoutes {
  readonly #operations: DeadLetterOperations | null;
  readonly #clock: Clock;
  #isBusy = false;

  constructor(operations: DeadLetterOperations | null, clock: Clock) {
    this.#operations = operations;
    this.#clock = clock;
  }

  /** The gate has let the caller in. */
  async handle(
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    requestId: string,
  ): Promise<void> {
    const name = url.pathname.slice(deadLettersPath.length);
    const operations = this.#operations;
    if (operations === null) {
      const message = 'Another process keeps the dead letters: ask the one that is `jg api --keeps`.';
      return problem(response, 404, 'NOT_FOUND', message, requestId);
    }
    if (!isRoute(name)) {
      const message = 'There is nothing here; dead letters answer at /dead-letters/list, /letter and /retry.';
      return problem(response, 404, 'NOT_FOUND', message, requestId);
    }
    const method = name === 'retry' ? 'POST' : 'GET';
    if (request.method !== method) {
      response.setHeader('allow', method);
      return problem(
        response,
        405,
        'METHOD_NOT_ALLOWED',
        `/dead-letters/${name} takes ${method}.`,
        requestId,
      );
    }
    if (isFromAnotherSite(request)) {
      const message = 'A page of another site may not ask this; use the command `jg dlq`.';
      return problem(response, 403, 'CROSS_SITE', message, requestId);
    }
    if (this.#isBusy) {
      const message =
        'The server is reading its dead letters for somebody else now; ask again when that has ended.';
      return problem(response, 409, 'DLQ_BUSY', message, requestId);
    }
    this.#isBusy = true;
    const gone = clientGone(response);
    try {
      await this.#answer(operations, name, response, url.searchParams, gone);
    } catch (error) {
      if (gone.aborted) return;
      if (!(error instanceof JourneyGraphError)) throw error;
      if (response.headersSent)
        response.end(lineOf({ kind: 'failed', code: error.code, message: error.message }));
      else problem(response, error.reaction === 'refused' ? 400 : 503, error.code, error.message, requestId);
    } finally {
      this.#isBusy = false;
    }
  }

  async #answer(
    operations: DeadLetterOperations,
    name: RouteName,
    response: ServerResponse,
    words: URLSearchParams,
    signal: AbortSignal,
  ): Promise<void> {
    if (name === 'retry') return await this.#retry(operations, response, words, signal);
    const answer =
      name === 'list'
        ? await operations.list(
            {
              topic: words.get('topic'),
              reason: words.get('reason'),
              sinceMs: words.has('since') ? number(words.get('since'), Number.MAX_SAFE_INTEGER) : null,
              newest: number(words.get('newest') ?? '0', newestMax),
            },
            signal,
          )
        : await operations.show(
            {
              topic: words.get('topic') ?? '',
              partition: number(words.get('partition'), 1_000_000),
              offset: BigInt(/^\d{1,18}$/.exec(words.get('offset') ?? '')?.[0] ?? '0'),
              withValue: words.get('value') === 'true',
            },
            signal,
          );
    if (signal.aborted) return;
    response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' });
    response.end(lineOf(answer));
  }

  async #retry(
    operations: DeadLetterOperations,
    response: ServerResponse,
    words: URLSearchParams,
    signal: AbortSignal,
  ): Promise<void> {
    const request = {
      topic: words.get('topic'),
      limit: number(words.get('limit') ?? String(limitDefault), limitMax),
      // Applying has to be asked for.
      dryRun: words.get('dryRun') !== 'false',
    };
    let saidMs = Number.NEGATIVE_INFINITY;
    for await (const event of operations.retry(request, signal)) {
      const nowMs = this.#clock.now();
      const isProgress = 'kind' in event && event.kind === 'progress';
      if (isProgress && Math.abs(nowMs - saidMs) < progressEveryMs) continue;
      saidMs = nowMs;
      if (!response.headersSent) response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      response.write(lineOf(event));
    }
    response.end();
  }
}

type RouteName = 'list' | 'letter' | 'retry';

function isRoute(name: string): name is RouteName {
  return name === 'list' || name === 'letter' || name === 'retry';
}

function lineOf(answer: object): string {
  return `${JSON.stringify(answer)}\n`;
}

/** What is no number, or too large a one, counts as the nearest that is. */
function number(text: string | null, max: number): number {
  const value = Number(/^\d{1,16}$/.exec(text ?? '')?.[0] ?? 0);
  return Math.min(value, max);
}
