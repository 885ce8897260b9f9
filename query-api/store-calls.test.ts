import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import {
  createMemoryStore,
  type EventMutations,
  type GraphReader,
  type Mutation,
} from '../graph-store/index.ts';
import { ask, createWriter, startTestApi } from './api-testing.ts';
import { graphOf } from './graph-schema-testing.ts';
import type { ApiServer } from './server.ts';

const counted = ['node', 'nodes', 'journey', 'adjacency', 'adjacencies', 'degree', 'edge'] as const;
type Calls = Partial<Record<(typeof counted)[number], number>>;

/** How often each method of the port is called. */
class CountedReader {
  readonly reader: GraphReader;
  #calls: Calls = {};

  constructor(store: GraphReader) {
    this.reader = new Proxy(store, {
      get: (target, name) => {
        const method = counted.find((one) => one === name);
        if (method !== undefined) this.#calls = { ...this.#calls, [method]: (this.#calls[method] ?? 0) + 1 };
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  take(): Calls {
    const calls = this.#calls;
    this.#calls = {};
    return calls;
  }
}

const startMs = Date.UTC(2026, 0, 1);
const accounts = 200;
const titles = 60;

/** Each account watches ten titles, signs in on two devices, and has a country. */
function* household(): Generator<EventMutations> {
  let index = 0;
  const event = (mutation: Mutation): EventMutations => {
    index += 1;
    return { timeMs: startMs + index, rank: 0, occurrence: BigInt(index), mutations: [mutation] };
  };
  for (let account = 0; account < accounts; account += 1) {
    const from = { type: 'Account', id: `a${account}` };
    yield event({ kind: 'node', node: from, properties: [['country', account % 2 === 0 ? 'DE' : 'FR']] });
    yield event({ kind: 'step', owner: from, domain: 'd', action: 'joined', links: [], properties: [] });
    for (let at = 0; at < 10; at += 1) {
      const to = { type: 'Title', id: `t${(account * 7 + at) % titles}` };
      yield event({ kind: 'edge', type: 'WATCHED', from, to, properties: [] });
    }
    for (const device of [account, account + 1]) {
      yield event({
        kind: 'edge',
        type: 'USED',
        from,
        to: { type: 'Device', id: `d${device}` },
        properties: [],
      });
    }
  }
}

const from = 'from: [{type: "Account", id: "a7"}]';
const out = '{edge: "WATCHED"}';
const back = '{edge: "WATCHED", direction: IN}';
const ids = 'hops { nodes { type id time via { from { id } } } } completeness { complete }';
const both = 'over: [{edge: "WATCHED", direction: BOTH}]';

/** More calls than here are a regression; fewer are to be written down. */
const table: Readonly<Record<string, readonly [query: string, calls: Calls]>> = {
  'a node': ['{ node(type: "Account", id: "a7") { properties } }', { node: 1 }],
  'a typed node': ['{ account(id: "a7") { country } }', { node: 1 }],
  'a typed node with its journey': [
    '{ account(id: "a7") { country journey { edges { node { time } } } } }',
    { node: 1, journey: 1 },
  ],
  'a journey': ['{ journey(of: {type: "Account", id: "a7"}) { edges { node { time } } } }', { journey: 1 }],
  'an edge': [
    '{ edge(type: "USED", from: {type: "Account", id: "a7"}, to: {type: "Device", id: "d7"}) { count } }',
    { edge: 1 },
  ],
  '1 hop': [`{ traverse(${from}, hops: [${out}]) { ${ids} } }`, { adjacencies: 1 }],
  '1 hop with the properties of its nodes': [
    `{ traverse(${from}, hops: [${out}]) { hops { nodes { node { ... on Title { name } properties } } } } }`,
    { adjacencies: 1, nodes: 1 },
  ],
  // A hop from many nodes begins with some of them, to know what is too old to be asked of the others.
  '2 hops': [`{ traverse(${from}, hops: [${out}, ${back}]) { ${ids} } }`, { adjacencies: 3 }],
  '2 hops with a condition on the nodes': [
    `{ traverse(${from}, hops: [${out}, {edge: "WATCHED", direction: IN, nodeWhere: {property: "country", eq: "DE"}}]) {
      hops { nodes { id node { ... on Account { country } } } } } }`,
    // The titles of the first hop are read for the answer; the accounts were read for the condition.
    { adjacencies: 3, nodes: 3 },
  ],
  '3 hops': [`{ traverse(${from}, hops: [${out}, ${back}, ${out}]) { ${ids} } }`, { adjacencies: 5 }],
  '3 hops of 20': [
    `{ traverse(${from}, hops: [{edge: "WATCHED", limit: 20}, {edge: "WATCHED", direction: IN, limit: 20}, {edge: "WATCHED", limit: 20}]) { ${ids} } }`,
    { adjacencies: 3 },
  ],
  'paths of two edges': [
    `{ paths(from: {type: "Account", id: "a7"}, to: {type: "Account", id: "a8"}, ${both}) { paths { length } } }`,
    { adjacencies: 2 },
  ],
  'no paths': [
    `{ paths(from: {type: "Account", id: "a7"}, to: {type: "Account", id: "nobody"}, ${both}) { paths { length } } }`,
    { adjacencies: 2 },
  ],
  'cycles of four edges': [
    `{ cycles(through: {type: "Account", id: "a7"}, ${both}, first: 1) { cycles { length } } }`,
    { adjacencies: 4 },
  ],
  'shared neighbours': [
    '{ sharedNeighbours(of: {type: "Account", id: "a7"}, over: {edge: "USED"}) { nodes { id shared } } }',
    { adjacencies: 2 },
  ],
};

describe('The store is called', () => {
  let server: ApiServer;
  let reader: CountedReader;
  beforeAll(async () => {
    const clock = { ...systemClock, now: () => startMs + 86_400_000 };
    const store = createMemoryStore(clock);
    await (await createWriter(store))([...household()]);
    reader = new CountedReader(store);
    const graph = graphOf({ Account: { country: 'text' }, Title: { name: 'text' }, Device: {} });
    server = await startTestApi({ clock, reader: reader.reader, status: { graphSchema: () => graph } });
  });
  afterAll(() => server.close());

  it.each(Object.entries(table))('for %s', async (_name, [query, calls]) => {
    const { text } = await ask(server, query);
    expect(JSON.parse(text).errors).toBeUndefined();
    expect(reader.take()).toEqual(calls);
  });
});
