import {
  type Clock,
  type Log,
  type SteadyTime,
  silentLog,
  steadyTime,
  systemClock,
} from '../foundation/index.ts';
import {
  createMemoryStore,
  createMutationBatch,
  type EventMutations,
  type GraphReader,
  type StoreWriter,
} from '../graph-store/index.ts';
import { type QueryLimits, queryLimitsDefault } from './api-context.ts';
import { type ApiExtension, noExtension } from './api-extension.ts';
import type { Audiences } from './audiences/audiences.ts';
import type { LiveLimits } from './live/live-limits.ts';
import type { StepFeed } from './live/step-feed.ts';
import { StepJournal } from './live/step-journal.ts';
import type { GateOptions } from './request-gate.ts';
import { type ApiServer, type ApiServerOptions, startApiServer } from './server.ts';
import type { StatusReader } from './status-reader.ts';
import type { StoreOperations } from './store-operations.ts';
import type { TrafficGate } from './traffic-gate.ts';

export interface TestApiOptions {
  readonly reader?: GraphReader;
  readonly status?: Partial<StatusReader>;
  readonly operations?: StoreOperations;
  readonly deadLetters?: ApiServerOptions['deadLetters'];
  readonly backfills?: ApiServerOptions['backfills'];
  readonly graphs?: ApiServerOptions['graphs'];
  readonly audiences?: Audiences;
  readonly port?: number;
  readonly limits?: Partial<QueryLimits>;
  readonly feed?: StepFeed;
  readonly live?: Partial<LiveLimits>;
  readonly gate?: Partial<GateOptions>;
  readonly access?: ApiServerOptions['access'];
  readonly federation?: boolean;
  readonly clock?: Clock;
  readonly steadyMs?: SteadyTime;
  readonly log?: Log;
  readonly closeMs?: number;
  readonly introspection?: boolean;
  readonly suggestions?: boolean;
  readonly persisted?: { readonly file: string; readonly only: boolean };
  readonly slowMs?: number;
  readonly extension?: ApiExtension;
  readonly traffic?: TrafficGate;
}

/** A real server on a free port of loopback. */
export async function startTestApi(options: TestApiOptions = {}): Promise<ApiServer> {
  let ids = 0;
  return await startApiServer({
    host: '127.0.0.1',
    port: options.port ?? 0,
    reader: options.reader ?? createMemoryStore(systemClock),
    status: {
      version: '0',
      startedAtMs: 0,
      topics: () => [],
      graphSchema: () => ({ nodeTypes: [], edgeTypes: [], domains: [] }),
      mappings: () => [],
      tables: () => [],
      nodeWrites: () => ({ written: 0, suppressed: 0, coalesced: 0 }),
      supersededMutations: () => ({ node: 0, edge: 0, step: 0 }),
      ready: () => true,
      freshnessQuantileMs: () => null,
      ...options.status,
    },
    feed: options.feed ?? new StepJournal({ clock: options.clock ?? systemClock, epoch: 1n, complete: true }),
    live: options.live ?? {},
    operations: options.operations ?? null,
    deadLetters: options.deadLetters ?? null,
    backfills: options.backfills ?? null,
    graphs: options.graphs ?? null,
    audiences: options.audiences ?? null,
    limits: { ...queryLimitsDefault, ...options.limits },
    gate: { token: null, allowedHosts: [], anyHost: false, ...options.gate },
    access: options.access ?? { jwt: null, policy: null },
    federation: options.federation ?? false,
    defaultQuery: '{ status { version } }',
    closeMs: options.closeMs ?? 1000,
    clock: options.clock ?? systemClock,
    steadyMs: options.steadyMs ?? steadyTime,
    log: options.log ?? silentLog,
    newId: () => `request-${++ids}`,
    introspection: options.introspection ?? true,
    suggestions: options.suggestions ?? true,
    persisted: options.persisted ?? null,
    slowMs: options.slowMs ?? Number.POSITIVE_INFINITY,
    extension: options.extension ?? noExtension,
    traffic: options.traffic ?? null,
  });
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}

export async function ask(
  server: ApiServer,
  query: string,
  variables: Readonly<Record<string, unknown>> = {},
): Promise<Answer> {
  return await send(server, JSON.stringify({ query, variables }));
}

export async function send(
  server: ApiServer,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
  return { status: response.status, text: await response.text(), headers: response.headers };
}

/** Applies events to a store as a pipeline would, one batch a call. */
export async function createWriter(
  store: StoreWriter,
): Promise<(events: readonly EventMutations[]) => Promise<void>> {
  const source = { cluster: 'c', topic: 't', topicId: 'i', partition: 0 };
  const { epoch } = await store.claim(source);
  let next = 0n;
  return async (events) => {
    const batch = createMutationBatch();
    for (const event of events) batch.add(event);
    const from = next;
    next += BigInt(events.length);
    const count = events.length;
    const fates = { consumed: count, applied: count, superseded: 0, filtered: 0, deadLettered: 0 };
    await store.apply({ source, epoch, from, next, fates, newestEventMs: 0 }, batch);
  };
}

export function stepAt(timeMs: number, occurrence: bigint, domain = 'streaming'): EventMutations {
  const owner = { type: 'Account', id: 'a' };
  const step = { kind: 'step', owner, domain, action: 'watched', links: [], properties: [] } as const;
  return { timeMs, occurrence, rank: 0, mutations: [step] };
}
