import type { IncomingMessage, ServerResponse } from 'node:http';
import { JourneyGraphError, RefusedError } from '../foundation/index.ts';
import { type BackfillOperations, readBackfillAsk } from './backfill-operations.ts';
import { clientGone } from './client-gone.ts';
import { problem } from './problem.ts';
import { readBody } from './request-body.ts';
import { isFromAnotherSite } from './request-gate.ts';

export const backfillPath = '/backfill/';

/** A list of partitions is the longest that is asked. */
const bodyBytesMax = 131_072;
/** Each may look at a whole archive's manifests. */
const plansAtOnceMax = 2;

const methods = {
  list: 'GET',
  show: 'GET',
  plan: 'POST',
  run: 'POST',
  pause: 'POST',
  resume: 'POST',
  cancel: 'POST',
  forget: 'POST',
} as const;
type RouteName = keyof typeof methods;

/**
 * GET `/backfill/list` and `/backfill/show?id=`; POST `/backfill/plan` with what is asked as JSON, `/backfill/run` with the same or `?id=`, and
 * `/backfill/pause`, `/resume`, `/cancel`, `/forget` with `?id=`. A replay that was started goes on when its client goes away; a plan that is being made does not.
 */
export class BackfillRoutes {
  readonly #operations: BackfillOperations | null;
  #planning = 0;

  constructor(operations: BackfillOperations | null) {
    this.#operations = operations;
  }

  /** The gate has let the caller in. */
  async handle(
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    requestId: string,
  ): Promise<void> {
    const name = url.pathname.slice(backfillPath.length);
    const operations = this.#operations;
    const refuse = (status: number, code: string, message: string): void =>
      problem(response, status, code, message, requestId);
    if (operations === null)
      return refuse(
        404,
        'NOT_FOUND',
        'This process makes no replays, as `jg api` does not: ask a server that is `jg up`.',
      );
    if (!isRoute(name))
      return refuse(
        404,
        'NOT_FOUND',
        'There is nothing here; replays answer at /backfill/list, /show, /plan, /run, /pause, /resume, /cancel and /forget.',
      );
    const method = methods[name];
    if (request.method !== method) {
      response.setHeader('allow', method);
      return refuse(405, 'METHOD_NOT_ALLOWED', `/backfill/${name} takes ${method}.`);
    }
    if (isFromAnotherSite(request))
      return refuse(
        403,
        'CROSS_SITE',
        'A page of another site may not ask this; use the command `jg backfill`.',
      );
    const plans = name === 'plan' || name === 'run';
    if (plans && this.#planning >= plansAtOnceMax)
      return refuse(
        409,
        'BACKFILL_PLANNING',
        'The server makes plans for others now; ask again when that has ended.',
      );
    const gone = clientGone(response);
    if (plans) this.#planning += 1;
    try {
      const answer = await this.#answer(operations, name, request, url.searchParams, gone);
      if (gone.aborted) return;
      response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' });
      response.end(`${JSON.stringify(answer)}\n`);
    } catch (error) {
      if (gone.aborted) return;
      if (!(error instanceof JourneyGraphError)) throw error;
      // What is left of a body that was not read must not be taken for a next request.
      if (error.code === 'BACKFILL_ASK_INVALID') response.setHeader('connection', 'close');
      const { reaction } = error;
      problem(response, statusOf(error), error.code, error.message, requestId, { reaction });
    } finally {
      if (plans) this.#planning -= 1;
    }
  }

  async #answer(
    operations: BackfillOperations,
    name: RouteName,
    request: IncomingMessage,
    words: URLSearchParams,
    signal: AbortSignal,
  ): Promise<object> {
    const id = words.get('id');
    switch (name) {
      case 'list':
        return await operations.list(signal);
      case 'plan':
        return await operations.plan(readBackfillAsk(await bodyOf(request)), signal);
      case 'run':
        return await operations.run(id ?? readBackfillAsk(await bodyOf(request)), signal);
      default:
        return await operations[name](id ?? noId(), signal);
    }
  }
}

function isRoute(name: string): name is RouteName {
  return Object.hasOwn(methods, name);
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const reading = await readBody(request, bodyBytesMax);
  if (reading.kind === 'body') return reading.text;
  throw new RefusedError('BACKFILL_ASK_INVALID', `What is asked takes at most ${bodyBytesMax} bytes.`);
}

function noId(): never {
  throw new RefusedError('BACKFILL_ASK_INVALID', 'Name the backfill with ?id=.');
}

/** A person has to act: what is asked cannot be while things are as they are. */
function statusOf({ reaction }: JourneyGraphError): number {
  if (reaction === 'refused') return 400;
  return reaction === 'outage' ? 503 : 409;
}
