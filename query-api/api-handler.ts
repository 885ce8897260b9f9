import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GraphReader, JourneyPage, JourneyQuery } from '../graph-store/index.ts';
import type { ApiContext, QueryLimits } from './api-context.ts';
import { noExtension, routeOf } from './api-extension.ts';
import { AudienceRoutes } from './audiences/audience-routes.ts';
import { audiencesPath } from './audiences/audiences-path.ts';
import type { Access } from './auth/access.ts';
import type { Caller } from './auth/caller.ts';
import { refuseToken, sendRefusal } from './auth/refusal.ts';
import { BackfillRoutes, backfillPath } from './backfill-routes.ts';
import type { Cost } from './cost/field-cost.ts';
import { DeadLetterRoutes, deadLettersPath } from './dead-letter-routes.ts';
import { Deadline } from './deadline.ts';
import { GraphRoutes, graphsPath } from './graph-routes.ts';
import type { GraphqlEngine, GraphqlRequest, GraphqlResponse } from './graphql-engine.ts';
import { type Ide, idePolicy } from './ide-page.ts';
import { journeyPath, journeyQuestion, journeyTableOf } from './journey-table.ts';
import { metricsPath, type Observer } from './observe/observer.ts';
import type { QueryRun } from './observe/query-run.ts';
import { acceptedEncoder } from './page-encoder.ts';
import { forbidden } from './policy/forbidden.ts';
import { tellsUsedTo } from './policy/grant.ts';
import { problem } from './problem.ts';
import { ReadBudget } from './read-budget.ts';
import { readBody } from './request-body.ts';
import { isFromAnotherSite, refuseHost } from './request-gate.ts';
import type { ApiServerOptions } from './server.ts';
import type { StatusReader } from './status-reader.ts';
import { StepBudget } from './step-budget.ts';
import { StoreRoutes, storePath } from './store-routes.ts';
import { admitRequest, type TrafficCost } from './traffic-gate.ts';
import { createTraversalBudget } from './traversal/traversal-budget.ts';

const graphqlPath = '/graphql';
const graphqlAddress = new URL(graphqlPath, 'http://localhost');

/** Who may ask what, and what is seen of it. */
export interface HandlerParts {
  readonly access: Access;
  readonly observer: Observer;
}

/** One HTTP request: health checks, the IDE, GraphQL or the store's operations. Answers every request once and never throws. */
export class ApiHandler {
  readonly #options: ApiServerOptions;
  readonly #engine: GraphqlEngine;
  readonly #ide: Ide;
  readonly #operators: readonly (readonly [
    string,
    StoreRoutes | DeadLetterRoutes | BackfillRoutes | GraphRoutes,
  ])[];
  readonly #access: Access;
  readonly #observer: Observer;
  readonly #audiences: AudienceRoutes;

  constructor(options: ApiServerOptions, engine: GraphqlEngine, ide: Ide, parts: HandlerParts) {
    this.#options = options;
    this.#engine = engine;
    this.#ide = ide;
    this.#access = parts.access;
    this.#observer = parts.observer;
    this.#operators = [
      [storePath, new StoreRoutes(options.operations, options)],
      [graphsPath, new GraphRoutes(options.graphs ?? null)],
      [deadLettersPath, new DeadLetterRoutes(options.deadLetters ?? null, options.clock)],
      [backfillPath, new BackfillRoutes(options.backfills ?? null)],
    ];
    this.#audiences = new AudienceRoutes(options.audiences, options.clock, options.encoders);
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const requestId = this.#options.newId();
    const arrivedMs = this.#observer.received(request, response);
    response.setHeader('x-request-id', requestId);
    response.setHeader('x-content-type-options', 'nosniff');
    response.setHeader('referrer-policy', 'no-referrer');
    response.setHeader('cache-control', 'no-store');
    try {
      await this.#route(request, response, requestId, arrivedMs);
    } catch (error) {
      this.#options.log.error({ requestId, error }, 'A request failed on our side.');
      if (response.headersSent) response.destroy();
      else problem(response, 500, 'INTERNAL_SERVER_ERROR', 'Something failed on our side.', requestId);
    }
  }

  async #route(
    request: IncomingMessage,
    response: ServerResponse,
    requestId: string,
    arrivedMs: number,
  ): Promise<void> {
    const url = addressOf(request.url ?? '/');
    if (url === null) return problem(response, 400, 'BAD_REQUEST', 'The address is not a URL.', requestId);
    const { pathname, search } = url;
    const health = healthStatus(pathname, this.#options.status);
    if (health !== null) return plain(response, health);
    const stranger = refuseHost(request, this.#options.gate);
    if (stranger !== null)
      return problem(response, stranger.status, stranger.code, stranger.message, requestId);
    const wantsPage = request.method === 'GET' && (request.headers.accept ?? '').includes('text/html');
    if (pathname === '/' || (pathname === graphqlPath && wantsPage && search === '')) {
      // Before the token: a browser that opens a page can send none, and the page holds no data.
      return this.#page(request, response, requestId);
    }
    const route = routeOf((this.#options.extension ?? noExtension).routes, pathname);
    if (route?.isOpen === true)
      return await route.handle(request, response, { url, requestId, caller: null, grant: null });
    const authentication = await this.#access.authenticate(request.headers);
    if (authentication.kind === 'refused')
      return sendRefusal(response, authentication, requestId, this.#options.log);
    const { caller } = authentication;
    const asked = { headers: request.headers, path: pathname, search, caller };
    const cost = admitRequest(this.#options.traffic ?? null, asked, response, requestId);
    if (cost === null) return;
    const exchange = { request, response, requestId, arrivedMs, caller, cost };
    if (pathname === graphqlPath) return await this.#graphql(exchange, search);
    if (pathname === journeyPath) return await this.#journey(exchange, url);
    if (pathname === metricsPath && !refuseToken(response, caller, '`/metrics`', requestId))
      return await this.#metrics(request, response, requestId);
    // The whole graph, which no policy narrows.
    for (const [path, routes] of this.#operators) {
      if (!pathname.startsWith(path)) continue;
      if (refuseToken(response, caller, `What is under ${path}`, requestId)) return;
      return await routes.handle(request, response, url, requestId);
    }
    if (pathname.startsWith(audiencesPath)) {
      const grant = this.#access.grantOf(caller);
      if (grant !== null && !(grant.seesEverything && grant.allows('audience'))) {
        const { message, extensions } = forbidden('audience');
        return problem(response, 403, 'FORBIDDEN', message, requestId, { forbidden: extensions.forbidden });
      }
      return await this.#audiences.handle(request, response, pathname, requestId, caller);
    }
    if (route !== null) {
      const grant = this.#access.grantOf(caller);
      return await route.handle(request, response, { url, requestId, caller, grant });
    }
    problem(response, 404, 'NOT_FOUND', 'There is nothing here; GraphQL is at /graphql.', requestId);
  }

  async #page(request: IncomingMessage, response: ServerResponse, requestId: string): Promise<void> {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      return problem(response, 405, 'METHOD_NOT_ALLOWED', 'The page takes GET.', requestId);
    }
    const { etag, html, gzipped } = await this.#ide.page();
    response.setHeader('etag', etag);
    response.setHeader('cache-control', 'private, no-cache');
    response.setHeader('vary', 'accept-encoding');
    response.setHeader('content-security-policy', idePolicy);
    if (request.headers['if-none-match'] === etag) {
      response.writeHead(304).end();
      return;
    }
    const zipped = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
    const body = zipped ? gzipped : html;
    if (zipped) response.setHeader('content-encoding', 'gzip');
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-length': body.length });
    response.end(request.method === 'HEAD' ? undefined : body);
  }

  async #metrics(request: IncomingMessage, response: ServerResponse, requestId: string): Promise<void> {
    if (request.method === 'GET') return await this.#observer.sendMetrics(response);
    response.setHeader('allow', 'GET');
    problem(response, 405, 'METHOD_NOT_ALLOWED', 'The metrics take GET.', requestId);
  }

  async #graphql(exchange: Exchange, search: string): Promise<void> {
    const { request, response, requestId } = exchange;
    if (request.method !== 'GET' && request.method !== 'POST') {
      response.setHeader('allow', 'GET, POST');
      return problem(
        response,
        405,
        'METHOD_NOT_ALLOWED',
        'GraphQL takes POST, or GET for a query.',
        requestId,
      );
    }
    const { limits } = this.#options;
    await this.#within(exchange, async (deadline, context) => {
      const reading = await deadline.race(readBody(request, limits.bodyBytesMax));
      if (reading === null || reading.kind === 'too-large') {
        // The rest is not read: the connection ends with the answer.
        response.setHeader('connection', 'close');
        return reading === null
          ? problem(
              response,
              408,
              'REQUEST_TIMEOUT',
              `The body took longer than ${limits.deadlineMs} ms.`,
              requestId,
            )
          : problem(
              response,
              413,
              'REQUEST_TOO_LARGE',
              `A request takes at most ${limits.bodyBytesMax} bytes.`,
              requestId,
            );
      }
      if (reading.kind === 'aborted') return;
      const body = parseJson(reading.text, request);
      if (body === notJson) return problem(response, 400, 'BAD_REQUEST', 'The body is not JSON.', requestId);
      const query = { method: request.method ?? 'GET', search, headers: request.headers, body };
      const answer = await this.#execute(query, deadline, context, exchange);
      if (answer !== null) send(response, answer, requestId);
    });
  }

  /** One page of a journey as a table: a query like any other, answered in another format. */
  async #journey(exchange: Exchange, { searchParams }: URL): Promise<void> {
    const { request, response, requestId } = exchange;
    const encoders = this.#options.encoders ?? [];
    const encoder = acceptedEncoder(encoders, request.headers.accept);
    if (request.method !== 'GET') {
      response.setHeader('allow', 'GET');
      return problem(response, 405, 'METHOD_NOT_ALLOWED', 'A journey is read with GET.', requestId);
    }
    if (isFromAnotherSite(request))
      return problem(response, 403, 'CROSS_SITE', 'A page of another site may not ask this.', requestId);
    if (encoder === null) {
      const message = `A journey is given as a table here: accept ${encoders.map(({ mime }) => mime).join(' or ')}; as JSON it is asked in GraphQL.`;
      return problem(response, 406, 'NOT_ACCEPTABLE', message, requestId);
    }
    await this.#within(exchange, async (deadline, context) => {
      const body = journeyQuestion(searchParams);
      const headers = { 'content-type': 'application/json' };
      const query = { method: 'POST', search: '', headers, body };
      const answer = await this.#execute(query, deadline, context, exchange);
      const table = answer === null ? null : journeyTableOf(answer);
      if (answer !== null && table === null) return send(response, answer, requestId);
      if (table === null) return;
      response.writeHead(200, { 'content-type': encoder.mime, vary: 'accept' });
      for await (const part of encoder.steps(onePage(table.steps), table.about)) response.write(part);
      response.end();
    });
  }

  /** Runs `work` with a deadline and with what a query may use. */
  async #within(
    { request, response, requestId, arrivedMs, caller, cost }: Exchange,
    work: (deadline: Deadline, context: ApiContext) => Promise<void>,
  ): Promise<void> {
    const deadline = new Deadline(this.#options.clock, this.#options.limits.deadlineMs);
    const run = this.#observer.begin(request, response, requestId, arrivedMs);
    // Also when its caller goes away before the answer.
    response.once('close', () => deadline.stop());
    try {
      // What runs on after the deadline reads no more; its result is dropped.
      await work(deadline, this.#context(run, deadline.signal, caller));
    } finally {
      deadline.stop();
      cost.downstreamCalls = run.used.calls;
    }
  }

  /** Null when it took too long, which the caller has been told. */
  async #execute(
    query: GraphqlRequest,
    deadline: Deadline,
    context: ApiContext,
    { response, requestId }: Exchange,
  ): Promise<GraphqlResponse | null> {
    const answer = await deadline.race(this.#engine.execute(query, context));
    if (answer !== null) return answer;
    const message = `The query took longer than ${this.#options.limits.deadlineMs} ms.`;
    problem(response, 503, 'DEADLINE_EXCEEDED', message, requestId);
    return null;
  }

  /** What an event of a subscription is answered with, budgets of its own included. */
  liveContext(requestId: string, caller: Caller): ApiContext {
    return this.#context(this.#observer.beginLive(requestId), new AbortController().signal, caller);
  }

  #context(run: QueryRun, signal: AbortSignal, caller: Caller): ApiContext {
    const { status, limits, clock, log, audiences } = this.#options;
    const budget = budgetOf(caller, limits);
    const steps = new StepBudget(limits.pageMax);
    const reads = new ReadBudget(limits.readsMax);
    const grant = this.#access.grantOf(caller);
    const tellsUsed = tellsUsedTo(grant);
    const readerOf = (its: QueryRun): GraphReader =>
      this.#access.readerOf(grant, this.#observer.readerFor(its, { budget, signal, tellsUsed }));
    const reader = readerOf(run);
    const readerOfEvents = {
      journey: (query: JourneyQuery): Promise<JourneyPage> =>
        this.#observer.apart(run, 'event', (its) => readerOf(its).journey(query)),
    };
    const job: ApiContext['job'] = (stage, work) => this.#observer.apart(run, stage, work);
    const readerOfJobs = this.#access.readerOf(grant, this.#options.reader);
    const { requestId } = run;
    const traversals = createTraversalBudget(limits, clock, signal, { budget, run, grant });
    return {
      reader,
      readerOfJobs,
      readerOfEvents,
      job,
      status,
      limits,
      clock,
      log,
      requestId,
      steps,
      reads,
      caller,
      grant,
      budget,
      signal,
      run,
      traversals,
      audiences,
    };
  }
}

/** One request of a caller who was let in. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  /** By the stopwatch of metrics. */
  readonly arrivedMs: number;
  readonly caller: Caller;
  readonly cost: TrafficCost;
}

async function* onePage<T>(rows: readonly T[]): AsyncGenerator<readonly T[]> {
  yield rows;
}

/** Null of one that is no URL. Most are GraphQL's own, which need not be parsed each time. */
function addressOf(url: string): URL | null {
  return url === graphqlPath ? graphqlAddress : URL.parse(url, 'http://localhost');
}

/** A policy can only lower what one query may spend. */
function budgetOf({ costBudget }: Caller, { budget }: QueryLimits): Cost {
  return costBudget === null ? budget : { ...budget, rows: Math.min(budget.rows, costBudget) };
}

/** Alive while anything answers at all; ready while requests should come here. Both carry nothing to protect. */
function healthStatus(pathname: string, status: Pick<StatusReader, 'ready'>): 200 | 503 | null {
  if (pathname === '/livez' || pathname === '/healthz') return 200;
  if (pathname === '/readyz') return status.ready() ? 200 : 503;
  return null;
}

const notJson = Symbol('not JSON');

function parseJson(text: string, request: IncomingMessage): unknown {
  if (request.method !== 'POST') return undefined;
  // Anything but JSON is Apollo's to refuse: that is its guard against forms from other sites.
  if (!/^application\/(.*\+)?json\b/i.test(request.headers['content-type'] ?? '')) return text;
  try {
    return JSON.parse(text);
  } catch {
    return notJson;
  }
}

/** Apollo refuses some requests before any resolver runs; those errors get their request id here. */
function send(response: ServerResponse, answer: GraphqlResponse, requestId: string): void {
  for (const [name, value] of answer.headers) response.setHeader(name, value);
  response.setHeader('cache-control', 'no-store');
  const body = answer.status >= 400 ? withRequestId(answer.body, requestId) : answer.body;
  // Without it the body would go in chunks.
  response.setHeader('content-length', Buffer.byteLength(body));
  response.writeHead(answer.status);
  response.end(body);
}

function withRequestId(body: string, requestId: string): string {
  const parsed: { errors?: { extensions?: object }[] } = JSON.parse(body);
  if (!Array.isArray(parsed.errors)) return body;
  const errors = parsed.errors.map((error) => ({ ...error, extensions: { ...error.extensions, requestId } }));
  return `${JSON.stringify({ ...parsed, errors })}\n`;
}

function plain(response: ServerResponse, status: 200 | 503): void {
  response.writeHead(status, { 'content-type': 'text/plain' }).end(status === 200 ? 'ok\n' : 'not ready\n');
}
