import type { BackfillDesk, BackfillList, PlannedBackfill, PlanSummary } from '../ingest/index.ts';
import type { BackfillAsk, BackfillOperations } from '../query-api/index.ts';
import { requestOf } from './backfill-desk.ts';
import type { GraphqlEndpoint } from './graphql-client.ts';
import { OperatorClient } from './operator-client.ts';

/** What the commands ask, of a server or of a folder. */
export interface BackfillTarget extends BackfillOperations {
  /** Whether what was started goes on without the command. */
  readonly goesOn: boolean;
  plan(ask: BackfillAsk, signal: AbortSignal): Promise<PlanSummary>;
  run(of: string | BackfillAsk, signal: AbortSignal): Promise<PlannedBackfill>;
  list(signal: AbortSignal): Promise<BackfillList>;
  show(id: string, signal: AbortSignal): Promise<PlannedBackfill>;
  pause(id: string, signal: AbortSignal): Promise<PlannedBackfill>;
  resume(id: string, signal: AbortSignal): Promise<PlannedBackfill>;
  cancel(id: string, signal: AbortSignal): Promise<PlannedBackfill>;
  forget(id: string, signal: AbortSignal): Promise<PlannedBackfill>;
}

/** Of this process. */
export function deskTarget(desk: BackfillDesk): BackfillTarget {
  return {
    goesOn: false,
    plan: (ask, signal) => desk.plan(requestOf(ask), signal),
    run: (of, signal) => desk.start(typeof of === 'string' ? of : requestOf(of), signal),
    list: () => desk.list(),
    show: (id) => desk.show(id),
    pause: (id) => desk.pause(id),
    resume: (id, signal) => desk.resume(id, signal),
    cancel: (id) => desk.cancel(id),
    forget: (id) => desk.forget(id),
  };
}

/** Of a running server, over HTTP; `signal` ends every request. */
export class BackfillClient implements BackfillTarget {
  readonly goesOn = true;
  readonly #client: OperatorClient;

  constructor(endpoint: GraphqlEndpoint, signal: AbortSignal) {
    this.#client = new OperatorClient(endpoint, signal);
  }

  async plan(ask: BackfillAsk): Promise<PlanSummary> {
    const plan: PlanSummary = JSON.parse(await this.#post('plan', JSON.stringify(ask)));
    return plan;
  }

  async run(of: string | BackfillAsk): Promise<PlannedBackfill> {
    if (typeof of === 'string') return await this.#one('run', of);
    const started: PlannedBackfill = JSON.parse(await this.#post('run', JSON.stringify(of)));
    return started;
  }

  async list(): Promise<BackfillList> {
    const list: BackfillList = JSON.parse(await this.#client.text('/backfill/list'));
    return list;
  }

  async show(id: string): Promise<PlannedBackfill> {
    const shown: PlannedBackfill = JSON.parse(
      await this.#client.text(`/backfill/show?${new URLSearchParams({ id })}`),
    );
    return shown;
  }

  pause(id: string): Promise<PlannedBackfill> {
    return this.#one('pause', id);
  }

  resume(id: string): Promise<PlannedBackfill> {
    return this.#one('resume', id);
  }

  cancel(id: string): Promise<PlannedBackfill> {
    return this.#one('cancel', id);
  }

  forget(id: string): Promise<PlannedBackfill> {
    return this.#one('forget', id);
  }

  async #one(name: string, id: string): Promise<PlannedBackfill> {
    const answer: PlannedBackfill = JSON.parse(
      await this.#post(`${name}?${new URLSearchParams({ id })}`, null),
    );
    return answer;
  }

  #post(path: string, body: string | null): Promise<string> {
    return this.#client.text(`/backfill/${path}`, 'POST', body);
  }
}
