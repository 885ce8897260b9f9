import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../foundation/index.ts';
import {
  createMemoryStore,
  type EventMutations,
  type GraphReader,
  type GraphStore,
  type Mutation,
  openLevelStore,
} from '../graph-store/index.ts';
import { createWriter, send, startTestApi } from './api-testing.ts';
import { openTestAudiences, type TestAudiences } from './audiences/audience-testing.ts';
import { callerWith, policyFrom } from './policy/policy-testing.ts';
import type { ApiServer } from './server.ts';
import { edgeType, graphWith } from './typed-edges/typed-edges-testing.ts';

/** By the name of the port's method; of `bulk` such as `bulk.check`. */
type Calls = Readonly<Record<string, number>>;

/** How often each method of the port is called, whichever there are. */
class CountedReader {
  readonly reader: GraphReader;
  #calls = new Map<string, number>();

  constructor(store: GraphReader) {
    const bulk = this.#counted(store.bulk, 'bulk.');
    this.reader = new Proxy(this.#counted(store, ''), {
      get: (target, name) => (name === 'bulk' ? bulk : Reflect.get(target, name)),
    });
  }

  take(): Calls {
    const calls = Object.fromEntries(this.#calls);
    this.#calls = new Map();
    return calls;
  }

  #counted<Port extends object>(port: Port, prefix: string): Port {
    return new Proxy(port, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        return (...given: readonly unknown[]): unknown => {
          const called = `${prefix}${String(name)}`;
          this.#calls.set(called, (this.#calls.get(called) ?? 0) + 1);
          return Reflect.apply(value, target, given);
        };
      },
    });
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

/** What there is by id, and of whom: an audience that was frozen before. */
const audience = 'audience(id: "audience-1")';
const policy = policyFrom(`
version: 1
scopes:
  own:
    operations: [node, journey, traverse, sharedNeighbours]
    nodes:
      Account: { rows: [{ property: country, equalsClaim: country }], fields: all }
      Title: { rows: all, fields: all }
      Device: { rows: [{ over: USED, direction: in, node: Account }], fields: all }
    edges: { "*": { fields: all } }
    steps: { "*": { fields: all } }
`);

/** More calls than here are a regression; fewer are to be written down. Of the embedded store where it is asked otherwise. */
type Table = Readonly<Record<string, readonly [query: string, calls: Calls, embedded?: Calls]>>;
const table: Table = {
  'a node': ['{ node(type: "Account", id: "a7") { properties } }', { node: 1 }],
  'a typed node': ['{ account(id: "a7") { country } }', { node: 1 }],
  'a typed node with its journey': [
    '{ account(id: "a7") { country journey { edges { node { time } } } } }',
    { node: 1, journey: 1 },
    { node: 1, journeyRows: 1 },
  ],
  'a journey': [
    '{ journey(of: {type: "Account", id: "a7"}) { edges { node { time } } } }',
    { journey: 1 },
    { journeyRows: 1 },
  ],
  'an edge': [
    '{ edge(type: "USED", from: {type: "Account", id: "a7"}, to: {type: "Device", id: "d7"}) { count } }',
    { edge: 1 },
  ],
  '1 hop': [`{ traverse(${from}, hops: [${out}]) { ${ids} } }`, { adjacencies: 1 }, { ends: 1 }],
  '1 hop with the properties of its nodes': [
    `{ traverse(${from}, hops: [${out}]) { hops { nodes { node { ... on Title { name } properties } } } } }`,
    { adjacencies: 1, nodes: 1 },
  ],
  // A hop from many nodes begins with some of them, to know what is too old to be asked of the others.
  '2 hops': [`{ traverse(${from}, hops: [${out}, ${back}]) { ${ids} } }`, { adjacencies: 3 }, { ends: 3 }],
  '2 hops with a condition on the nodes': [
    `{ traverse(${from}, hops: [${out}, {edge: "WATCHED", direction: IN, nodeWhere: {property: "country", eq: "DE"}}]) {
      hops { nodes { id node { ... on Account { country } } } } } }`,
    // The titles of the first hop are read for the answer; the accounts were read for the condition.
    { adjacencies: 3, nodes: 3 },
    { ends: 3, nodes: 3 },
  ],
  '3 hops': [
    `{ traverse(${from}, hops: [${out}, ${back}, ${out}]) { ${ids} } }`,
    { adjacencies: 5 },
    { ends: 5 },
  ],
  '3 hops of 20': [
    `{ traverse(${from}, hops: [{edge: "WATCHED", limit: 20}, {edge: "WATCHED", direction: IN, limit: 20}, {edge: "WATCHED", limit: 20}]) { ${ids} } }`,
    { adjacencies: 3 },
    { ends: 3 },
  ],
  'paths of two edges': [
    `{ paths(from: {type: "Account", id: "a7"}, to: {type: "Account", id: "a8"}, ${both}) { paths { length } } }`,
    { adjacencies: 2 },
    { ends: 2 },
  ],
  'no paths': [
    `{ paths(from: {type: "Account", id: "a7"}, to: {type: "Account", id: "nobody"}, ${both}) { paths { length } } }`,
    { adjacencies: 2 },
    { ends: 2 },
  ],
  'cycles of four edges': [
    `{ cycles(through: {type: "Account", id: "a7"}, ${both}, first: 1) { cycles { length } } }`,
    { adjacencies: 4 },
    { ends: 4 },
  ],
  'shared neighbours': [
    '{ sharedNeighbours(of: {type: "Account", id: "a7"}, over: {edge: "USED"}) { nodes { id shared } } }',
    { adjacencies: 2 },
    { ends: 2 },
  ],
  'a connection': [
    '{ account(id: "a7") { watched(first: 5) { edges { time nodeRef { id } } } } }',
    { node: 1, adjacencies: 1 },
  ],
  'a connection with the nodes that it leads to': [
    '{ account(id: "a7") { watched(first: 5) { edges { node { name } } } } }',
    { node: 1, adjacencies: 1, nodes: 1 },
  ],
  'connections of all nodes of a connection': [
    '{ account(id: "a7") { watched(first: 5) { edges { node { watchedFrom(first: 3) { edges { node { country } } } } } } } }',
    { node: 1, adjacencies: 2, nodes: 1 },
  ],
  'a connection with a condition on the nodes that it leads to': [
    '{ title(id: "t1") { watchedFrom(first: 5, where: {node: {country: {eq: "DE"}}}) { edges { node { country } } } } }',
    { node: 1, adjacencies: 1, nodes: 1 },
  ],
  'nodes that a router asks for': [
    '{ _entities(representations: [{__typename: "Account", id: "a1"}, {__typename: "Account", id: "a2"}, {__typename: "Title", id: "t1"}]) { ... on Account { country } } }',
    { nodes: 1 },
  ],
  "an audience's estimate": [
    '{ audienceEstimate(memberType: "Account", where: {did: {edge: "WATCHED", to: {nodes: [{type: "Title", id: "t1"}]}}}) { count } }',
    { 'bulk.farEnds': 1 },
    { 'bulk.packedFarEnds': 1 },
  ],
  'whether a member is in an audience': [`{ ${audience} { contains(id: "a2") } }`, {}],
  'why a member is in an audience': [
    `{ ${audience} { explain(id: "a2") { wasMember holdsNow } } }`,
    { 'bulk.properties': 2 },
  ],
  status: ['{ status { nodes edges } }', { sources: 1, estimate: 1 }],
};

/** Of a caller under a policy: who may see what is looked up, for all nodes at once. */
const restricted: Table = {
  'a node': ['{ account(id: "a8") { country } }', { nodes: 1 }],
  'a node over an edge': ['{ device(id: "d8") { id } }', { nodes: 2, adjacencies: 1 }],
  'a journey': [
    '{ journey(of: {type: "Account", id: "a8"}) { edges { node { time } } } }',
    { nodes: 1, journey: 1 },
  ],
  'a connection': [
    '{ account(id: "a8") { watched(first: 5) { edges { node { name } } } } }',
    { nodes: 3, adjacencies: 1 },
  ],
  'a connection to nodes of which some are hidden': [
    '{ title(id: "t1") { watchedFrom(first: 5) { edges { node { country } } } } }',
    // Half of its accounts are hidden: the page is filled up.
    { nodes: 4, adjacencies: 2 },
  ],
  '2 hops': [
    '{ traverse(from: [{type: "Account", id: "a8"}], hops: [{edge: "WATCHED"}, {edge: "WATCHED", direction: IN}]) { hops { nodes { id } } } }',
    { nodes: 3, adjacencies: 3 },
  ],
  'nodes that a router asks for': [
    '{ _entities(representations: [{__typename: "Account", id: "a8"}, {__typename: "Account", id: "a9"}]) { ... on Account { country } } }',
    { nodes: 1 },
  ],
};

interface Opened {
  readonly store: GraphStore;
  close(): Promise<void>;
}
const engines: Readonly<Record<string, (clock: Clock) => Promise<Opened>>> = {
  'in memory': async (clock) => ({ store: createMemoryStore(clock), close: async () => undefined }),
  embedded: async (clock) => {
    const folder = await mkdtemp(join(tmpdir(), 'store-calls-'));
    const store = await openLevelStore({ folder }, clock);
    const close = async (): Promise<void> => {
      await store.close();
      await rm(folder, { recursive: true });
    };
    return { store, close };
  },
};

describe.each(Object.entries(engines))('The store %s is called', (name, open) => {
  let server: ApiServer;
  let reader: CountedReader;
  let kept: TestAudiences;
  let opened: Opened;
  beforeAll(async () => {
    const clock = { ...systemClock, now: () => startMs + 86_400_000 };
    opened = await open(clock);
    await (await createWriter(opened.store))([...household()]);
    reader = new CountedReader(opened.store);
    kept = await openTestAudiences({ clock });
    const where = { kind: 'member', where: { kind: 'all', of: [] } } as const;
    await kept.frozen(opened.store, where);
    const graph = graphWith(
      { Account: { country: 'text' }, Title: { name: 'text' }, Device: {} },
      edgeType('WATCHED', [['Account', 'Title']]),
      edgeType('USED', [['Account', 'Device']]),
    );
    const caller = callerWith(['own'], { country: 'DE' });
    server = await startTestApi({
      clock,
      reader: reader.reader,
      audiences: kept.audiences,
      federation: true,
      access: { jwt: { verify: async () => ({ kind: 'caller', caller }) }, policy },
      gate: { token: 'operator' },
      status: { graphSchema: () => graph },
    });
  });
  afterAll(async () => {
    await server.close();
    await kept[Symbol.asyncDispose]();
    await opened.close();
  });

  async function callsOf(query: string, token: string): Promise<Calls> {
    reader.take();
    const headers = { authorization: `Bearer ${token}` };
    const { text } = await send(server, JSON.stringify({ query }), headers);
    expect(JSON.parse(text).errors).toBeUndefined();
    return reader.take();
  }

  it.each(Object.entries(table))('for %s', async (_name, [query, calls, embedded = calls]) => {
    expect(await callsOf(query, 'operator')).toEqual(name === 'embedded' ? embedded : calls);
  });

  it.each(Object.entries(restricted))(
    'for %s of a caller under a policy',
    async (_name, [query, calls, embedded = calls]) => {
      expect(await callsOf(query, 'member')).toEqual(name === 'embedded' ? embedded : calls);
    },
  );
});
