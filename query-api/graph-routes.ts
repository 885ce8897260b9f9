import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { JourneyGraphError } from '../foundation/index.ts';
import type { CompareEvent } from '../graph-store/index.ts';
import { clientGone } from './client-gone.ts';
import { behindMaxDefault, type GraphOperations } from './graph-operations.ts';
import { problem } from './problem.ts';
import { isFromAnotherSite } from './request-gate.ts';
import { cutOffStalled } from './stalled-client.ts';

export const graphsPath = '/graphs/';

const differencesDefault = 100;
const differencesLargest = 100_000;

type Action = 'list' | 'compare' | 'switch' | 'back' | 'drop';
const methods: Readonly<Record<Action, 'GET' | 'POST'>> = {
  list: 'GET',
  compare: 'GET',
  switch: 'POST',
  back: 'POST',
  drop: 'POST',
};

/**
 * GET `/graphs/list` and `/graphs/compare?with=NAME&limit=N` (one JSON object a line, the verdict last), POST `/graphs/switch?to=NAME&behind=N`,
 * `/graphs/back?behind=N` and `/graphs/drop?name=NAME`.
 */
export class GraphRoutes {
  /** Null of a server whose graph is in Neo4j or Cassandra. */
  readonly #operations: GraphOperations | null;
  #isComparing = false;

  constructor(operations: GraphOperations | null) {
    this.#operations = operations;
  }

  /** The gate has let the caller in. */
  async handle(
    request: IncomingMessage,
    response: ServerResponse,
    { pathname, searchParams }: URL,
    requestId: string,
  ): Promise<void> {
    const operations = this.#operations;
    const action = actionOf(pathname);
    if (action === null) {
      const message = 'There is nothing here; see `jg graph --help` for what can be asked.';
      return problem(response, 404, 'NOT_FOUND', message, requestId);
    }
    if (operations === null) {
      const message =
        'This server keeps its graph in a database server (Neo4j, Cassandra), beside which there is no other one.';
      return problem(response, 404, 'STORE_IN_NEO4J', message, requestId);
    }
    if (request.method !== methods[action]) {
      response.setHeader('allow', methods[action]);
      return problem(response, 405, 'METHOD_NOT_ALLOWED', `This takes ${methods[action]}.`, requestId);
    }
    if (isFromAnotherSite(request)) {
      const message = 'A page of another site may not ask this; use the command `jg graph`.';
      return problem(response, 403, 'CROSS_SITE', message, requestId);
    }
    try {
      if (action === 'compare') return await this.#compare(operations, response, searchParams, requestId);
      sendJson(response, await answerOf(operations, action, searchParams));
    } catch (error) {
      if (response.headersSent || !(error instanceof JourneyGraphError)) {
        if (error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE') return;
        throw error;
      }
      problem(response, error.reaction === 'refused' ? 400 : 503, error.code, error.message, requestId);
    }
  }

  /** Reads both graphs whole, so one at a time. */
  async #compare(
    operations: GraphOperations,
    response: ServerResponse,
    query: URLSearchParams,
    requestId: string,
  ): Promise<void> {
    const limit = Number(query.get('limit') ?? differencesDefault);
    if (!Number.isSafeInteger(limit) || limit < 1 || limit > differencesLargest)
      return problem(response, 400, 'BAD_REQUEST', `\`limit\` is 1 to ${differencesLargest}.`, requestId);
    if (this.#isComparing)
      return problem(response, 409, 'GRAPH_BUSY', 'Graphs are being compared already.', requestId);
    this.#isComparing = true;
    try {
      const gone = clientGone(response);
      const events = await operations.compare(query.get('with') ?? '', limit);
      try {
        // Before the head is sent: a graph that cannot be opened is an answer of its own.
        const first = await events.next();
        if (gone.aborted) return;
        cutOffStalled(response);
        response.writeHead(200, { 'content-type': 'application/x-ndjson' });
        await pipeline(lines(first, events), response);
      } finally {
        // The other graph is open with the first event. A client that leaves before the second one ends `lines` where it has not begun to hold the rest.
        await events.return(undefined);
      }
    } finally {
      this.#isComparing = false;
    }
  }
}

function actionOf(pathname: string): Action | null {
  const name = pathname.slice(graphsPath.length);
  return name === 'list' || name === 'compare' || name === 'switch' || name === 'back' || name === 'drop'
    ? name
    : null;
}

async function answerOf(
  operations: GraphOperations,
  action: Exclude<Action, 'compare'>,
  query: URLSearchParams,
): Promise<unknown> {
  switch (action) {
    case 'list':
      return { graphs: await operations.list() };
    case 'switch':
      return await operations.switchTo(query.get('to') ?? '', behindOf(query));
    case 'back':
      return await operations.back(behindOf(query));
    default:
      await operations.drop(query.get('name') ?? '');
      return { dropped: query.get('name') };
  }
}

function behindOf(query: URLSearchParams): bigint {
  const given = query.get('behind') ?? '';
  return /^\d{1,18}$/.test(given) ? BigInt(given) : behindMaxDefault;
}

function sendJson(response: ServerResponse, answer: unknown): void {
  response
    .writeHead(200, { 'content-type': 'application/json; charset=utf-8' })
    .end(`${JSON.stringify(answer)}\n`);
}

async function* lines(
  first: IteratorResult<CompareEvent>,
  rest: AsyncGenerator<CompareEvent>,
): AsyncGenerator<string> {
  if (first.done !== true) yield `${JSON.stringify(first.value)}\n`;
  for await (const event of rest) yield `${JSON.stringify(event)}\n`;
}
