import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Clock, JourneyGraphError, type Log } from '../foundation/index.ts';
import { problem } from './problem.ts';
import { isFromAnotherSite } from './request-gate.ts';
import { cutOffStalled } from './stalled-client.ts';
import { sendTable, tableRequestOf } from './store-export-route.ts';
import type { StoreOperations, TableRequest } from './store-operations.ts';
import { sendSnapshot } from './store-snapshot-route.ts';
import { sendStats } from './store-stats-route.ts';
import { sendVerdict } from './store-verify-route.ts';

export const storePath = '/store/';

interface Parts {
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * What an operator asks of the store: GET `/store/snapshot`, `/store/verify`, `/store/export` and `/store/stats`. All but the last, and that with
 * `exact`, read everything, so one of them runs at a time; none has the deadline of a query, but each ends when its client goes away.
 */
export class StoreRoutes {
  /** Null of a server whose graph is in Neo4j or Cassandra. */
  readonly #operations: StoreOperations | null;
  readonly #parts: Parts;
  /** What reads everything now, for people. */
  #running: string | null = null;

  constructor(operations: StoreOperations | null, parts: Parts) {
    this.#operations = operations;
    this.#parts = parts;
  }

  /** The gate has let the caller in. */
  async handle(
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    requestId: string,
  ): Promise<void> {
    const operations = this.#operations;
    const route = routeOf(url);
    if (route === null) {
      const message =
        'There is nothing here; the store answers at /store/snapshot, /store/verify, /store/export and /store/stats.';
      return problem(response, 404, 'NOT_FOUND', message, requestId);
    }
    if (typeof route === 'string') return problem(response, 400, 'BAD_REQUEST', route, requestId);
    if (operations === null) {
      const message =
        'This server keeps its graph in a database server, of which `jg store` and `jg export` know nothing: use the own tools of Neo4j or Cassandra for backups, checks and figures.';
      return problem(response, 404, 'STORE_IN_NEO4J', message, requestId);
    }
    if (request.method !== 'GET') {
      response.setHeader('allow', 'GET');
      return problem(response, 405, 'METHOD_NOT_ALLOWED', 'The store takes GET.', requestId);
    }
    if (isFromAnotherSite(request)) {
      const message = 'A page of another site may not ask this; use the command `jg store`.';
      return problem(response, 403, 'CROSS_SITE', message, requestId);
    }
    if (!route.readsEverything) return await this.#run(operations, route, response, requestId);
    if (this.#running !== null) {
      const message = `The server is reading its whole store for another ${this.#running} now; ask again when that has ended.`;
      return problem(response, 409, 'STORE_BUSY', message, requestId);
    }
    this.#running = route.name;
    try {
      await this.#run(operations, route, response, requestId);
    } finally {
      this.#running = null;
    }
  }

  async #run(
    operations: StoreOperations,
    route: Route,
    response: ServerResponse,
    requestId: string,
  ): Promise<void> {
    cutOffStalled(response);
    try {
      switch (route.name) {
        case 'snapshot':
          return await sendSnapshot(operations, response);
        case 'verify':
          return await sendVerdict(operations, response, this.#parts.clock);
        case 'export':
          return await sendTable(operations, response, route.request);
        default:
          return await sendStats(operations, response, route.readsEverything);
      }
    } catch (error) {
      if (response.headersSent || !(error instanceof JourneyGraphError)) {
        if (isClientGone(error)) return;
        // An answer that has begun can only be cut off, which its reader notices.
        throw error;
      }
      problem(response, error.reaction === 'refused' ? 400 : 503, error.code, error.message, requestId);
    }
  }
}

type Route =
  | { readonly name: 'snapshot' | 'verify' | 'stats'; readonly readsEverything: boolean }
  | { readonly name: 'export'; readonly readsEverything: true; readonly request: TableRequest };

/** Null where there is nothing; a sentence where something is asked for that makes no sense. */
function routeOf({ pathname, searchParams }: URL): Route | string | null {
  switch (pathname) {
    case `${storePath}snapshot`:
      return { name: 'snapshot', readsEverything: true };
    case `${storePath}verify`:
      return { name: 'verify', readsEverything: true };
    case `${storePath}export`: {
      const request = tableRequestOf(searchParams);
      return typeof request === 'string' ? request : { name: 'export', readsEverything: true, request };
    }
    case `${storePath}stats`:
      return { name: 'stats', readsEverything: searchParams.get('exact') === 'true' };
    default:
      return null;
  }
}

function isClientGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}
