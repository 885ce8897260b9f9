import { systemClock } from '../../foundation/index.ts';
import {
  createMemoryStore,
  type EventMutations,
  type GraphReader,
  type GraphStore,
  type Property,
} from '../../graph-store/index.ts';
import type { EdgeTypeSchema, GraphSchema, PropertyKind } from '../../schemas/index.ts';
import { ask, createWriter, startTestApi, type TestApiOptions } from '../api-testing.ts';
import { graphOf } from '../graph-schema-testing.ts';
import type { ApiServer } from '../server.ts';

const by = { declaredBy: ['test-value'] };
export const nowMs = Date.UTC(2026, 0, 1);
export const clock = { ...systemClock, now: () => nowMs };

export function edgeType(
  name: string,
  ends: readonly (readonly [from: string, to: string])[],
  properties: Readonly<Record<string, PropertyKind>> = {},
): EdgeTypeSchema {
  return {
    name,
    ends: ends.map(([from, to]) => ({ from, to, ...by })),
    keyed: false,
    properties: Object.entries(properties).map(([property, kind]) => ({
      name: property,
      kind,
      many: false,
      fold: 'last',
      ...by,
    })),
    ttlMs: null,
    ...by,
  };
}

/** `{ Account: { plan: 'text' } }` and edge types as the graph schema that says so. */
export function graphWith(
  types: Parameters<typeof graphOf>[0],
  ...edgeTypes: readonly EdgeTypeSchema[]
): GraphSchema {
  return { ...graphOf(types), edgeTypes };
}

export const watchedGraph = graphWith(
  { Account: { country: 'text' }, Title: { name: 'text', year: 'integer' } },
  edgeType('WATCHED', [['Account', 'Title']], {
    seconds: 'integer',
    device: 'text',
    finished_at: 'timestamp',
  }),
);

let occurrences = 0n;

/** One event that leads from an account to a title. */
export function watchedAt(
  agoMs: number,
  account: string,
  titles: readonly string[],
  properties: readonly Property[] = [],
): EventMutations {
  occurrences += 1n;
  const from = { type: 'Account', id: account };
  return {
    timeMs: nowMs - agoMs,
    rank: 0,
    occurrence: occurrences,
    mutations: titles.map((id) => ({
      kind: 'edge',
      type: 'WATCHED',
      from,
      to: { type: 'Title', id },
      properties,
    })),
  };
}

export function nodeAt(type: string, id: string, properties: readonly Property[]): EventMutations {
  occurrences += 1n;
  const node = { kind: 'node', node: { type, id }, properties } as const;
  return { timeMs: nowMs - 1000, rank: 0, occurrence: occurrences, mutations: [node] };
}

export interface CountedReader {
  readonly reader: GraphReader;
  /** Names of the calls that came, with how many were asked at once. */
  readonly calls: string[];
  /** What reads of many fail with; null while they do not. */
  failing: Error | null;
}

/** A reader that says which calls of the port it got. */
export function counted(store: GraphReader): CountedReader {
  const calls: string[] = [];
  const state: { failing: Error | null } = { failing: null };
  const reader: GraphReader = {
    node: (ref) => {
      calls.push('node');
      return store.node(ref);
    },
    nodes: (refs) => {
      calls.push(`nodes ${refs.length}`);
      return store.nodes(refs);
    },
    journey: (query) => {
      calls.push('journey');
      return store.journey(query);
    },
    bulk: store.bulk,
    adjacency: (query) => {
      calls.push('adjacency');
      return store.adjacency(query);
    },
    adjacencies: (queries) => {
      calls.push(`adjacencies ${queries.length}`);
      if (state.failing !== null) return Promise.reject(state.failing);
      return store.adjacencies(queries);
    },
    degree: (query) => store.degree(query),
    edge: (query) => store.edge(query),
    sources: () => store.sources(),
    estimate: () => store.estimate(),
  };
  return Object.assign(state, { reader, calls });
}

export interface TestGraph extends Pick<CountedReader, 'failing'> {
  readonly store: GraphStore;
  readonly server: ApiServer;
  readonly calls: string[];
  write(...events: readonly EventMutations[]): Promise<void>;
  // biome-ignore lint/suspicious/noExplicitAny: an answer is whatever was asked for
  ask(query: string, variables?: Readonly<Record<string, unknown>>): Promise<any>;
}

/** A real server over a memory store, whose graph schema can change meanwhile. Close `server` afterwards. */
export async function startTestGraph(
  graph: () => GraphSchema = () => watchedGraph,
  options: TestApiOptions = {},
): Promise<TestGraph> {
  const store = createMemoryStore(clock);
  const write = await createWriter(store);
  const reads = counted(store);
  const { reader, calls } = reads;
  const server = await startTestApi({
    reader,
    clock,
    ...options,
    status: { ...options.status, graphSchema: graph },
  });
  return {
    store,
    server,
    calls,
    get failing() {
      return reads.failing;
    },
    set failing(error) {
      reads.failing = error;
    },
    write: (...events) => write(events),
    ask: async (query, variables) => JSON.parse((await ask(server, query, variables)).text),
  };
}
