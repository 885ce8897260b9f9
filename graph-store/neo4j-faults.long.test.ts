import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../foundation/index.ts';
import { describeWith, startNeo4j, startTimeoutMs } from '../test/services/index.ts';
import { events, pack } from './conformance-graphs.ts';
import { advance, ann, dark, event, hop, named, source, step, watched } from './conformance-subject.ts';
import { CutProxy } from './cut-proxy.fake.ts';
import type { GraphStore } from './graph-store.ts';
import { createMemoryStore } from './memory-store.ts';
import type { EventMutations, NodeRef } from './model.ts';
import type { Neo4jSettings } from './neo4j-settings.ts';
import { openNeo4jStore } from './neo4j-store.ts';
import { ask, removeNamespaces } from './neo4j-testing.ts';

const start = `faults-${process.pid}-`;
/** Pauses between attempts take no time here. */
const clock: Clock = { ...systemClock, sleep: () => systemClock.sleep(0) };
let opened = 0;

describeWith('neo4j')('The Neo4j store', (services) => {
  let namespace = '';
  let stores: GraphStore[] = [];

  beforeEach(() => {
    opened += 1;
    namespace = `${start}${opened}`;
  });
  afterEach(async () => {
    await Promise.all(stores.splice(0).map((store) => store.close()));
  });
  afterAll(() => removeNamespaces(services.neo4j, start));

  const open = async (changes: Partial<Neo4jSettings> = {}): ReturnType<typeof openNeo4jStore> => {
    const store = await openNeo4jStore({ ...services.neo4j, namespace, ...changes }, clock, () => 0.5);
    stores = [...stores, store];
    return store;
  };
  const inMemory = async (...batches: EventMutations[]): Promise<string> => {
    const memory = createMemoryStore(clock);
    const claim = await memory.claim(source);
    await memory.apply(advance(claim, 0, 1), pack(batches));
    return (await memory.digest()).hex;
  };

  describe('with two processes', () => {
    it('fences the older claimant of a partition', async () => {
      const [older, newer] = [await open(), await open()];
      const first = await older.claim(source);
      await older.apply(advance(first, 0, 1), pack([event(1, [named('old')])]));
      const second = await newer.claim(source);
      expect(second).toEqual({ epoch: 2, next: 1n });
      const late = older.apply(advance(first, 1, 2), pack([event(9, [named('zombie')])]));
      await expect(late).rejects.toMatchObject({ code: 'FENCED', reaction: 'fenced' });
      await newer.apply(advance(second, 1, 2), pack([event(2, [named('new')])]));
      expect((await older.node(ann))?.properties).toEqual([{ name: 'name', value: 'new', timeMs: 2 }]);
      expect((await newer.sources())[0]).toMatchObject({ next: 2n, epoch: 2, fates: { consumed: 2 } });
    });

    it('gives two that claim at once different epochs, of which the greater alone applies', async () => {
      const claimants = [await open(), await open(), await open()];
      const claims = await Promise.all(claimants.map((store) => store.claim(source)));
      expect(claims.map(({ epoch }) => epoch).toSorted((a, b) => a - b)).toEqual([1, 2, 3]);
      const outcomes = await Promise.allSettled(
        claimants.map((store, i) =>
          store.apply(advance(claims[i] ?? { epoch: 0, next: null }, 0, 1), pack([event(1, [step('d')])])),
        ),
      );
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected']);
      expect((await claimants[0]?.sources())?.[0]).toMatchObject({
        next: 1n,
        epoch: 3,
        fates: { consumed: 1 },
      });
    });

    it('loses nothing when both write the same nodes, edges and types at once', async () => {
      const [one, two] = [await open({ groupEventsMax: 30 }), await open({ groupEventsMax: 30 })];
      const other = { ...source, partition: 1 };
      const all = fc.sample(events(), { numRuns: 30, seed: 3 }).flat();
      const numbered = all.map((each, i) => ({ ...each, occurrence: BigInt(i) }));
      const send = async (store: GraphStore, of: typeof source, list: EventMutations[]): Promise<void> => {
        const claim = await store.claim(of);
        await Promise.all(
          chunks(list, 10).map((batch, i) =>
            store.apply(advance(claim, i * 10, i * 10 + batch.length, { source: of }), pack(batch)),
          ),
        );
      };
      // Half of them come to both, in opposite orders.
      const half = Math.floor(numbered.length / 2);
      const overlap = Math.floor(half / 2);
      await Promise.all([
        send(one, source, numbered.slice(0, half + overlap)),
        send(two, other, numbered.slice(half - overlap).reverse()),
      ]);
      expect((await one.digest()).hex).toBe(await inMemory(...numbered));
      const consumed = (await one.sources()).map(({ fates }) => fates.consumed);
      expect(consumed).toEqual([half + overlap, numbered.length - half + overlap]);
      const [doubled] = await ask(
        services.neo4j,
        `MATCH ()-[r:E|EE]->() WHERE r.jgOut STARTS WITH $start
         WITH r.jgOut AS key, count(*) AS times WHERE times > 1 RETURN count(key) AS keys`,
        { start: `${namespace}/` },
      );
      expect(doubled).toEqual({ keys: 0n });
    });
  });

  describe('read while it writes', () => {
    it('shows whole batches only, however large they are', async () => {
      const [rows, batches] = [500, 12];
      const store = await open({ groupEventsMax: rows });
      const claim = await store.claim(source);
      // Of all times: what a commit adds comes in front of and behind wherever a read is.
      const batch = (): EventMutations[] =>
        Array.from({ length: rows }, (_, i) => event(i, [watched({ type: 'Title', id: `t${i}` })]));
      let applying = true;
      const applied = Promise.all(
        Array.from({ length: batches }, (_, i) =>
          store.apply(advance(claim, i * rows, (i + 1) * rows), pack(batch())),
        ),
      ).finally(() => {
        applying = false;
      });
      const limit = rows * batches;
      const seen = new Set<number>();
      while (applying) {
        const { occurrences } = await store.adjacency(hop(ann, 'out', { limit, scanMax: limit }));
        seen.add(occurrences.length);
      }
      await applied;
      expect([...seen].filter((count) => count % rows !== 0)).toEqual([]);
      expect(seen.size).toBeGreaterThan(1);
    });
  });

  describe('whose connection is cut', () => {
    it('neither loses nor doubles a batch, wherever in it that happens', async () => {
      const proxy = await CutProxy.to(services.neo4j.uri);
      const store = await open({ uri: proxy.uri });
      const claim = await store.claim(source);
      const applied: EventMutations[] = [];
      let cuts = 0;
      for (let pieces = 1, wasCut = true; wasCut; pieces += 1) {
        const next = event(pieces, [named(`n${pieces}`), step('d'), watched(dark)]);
        const at = applied.length;
        proxy.cutAfter(pieces);
        await store.apply(advance(claim, at, at + 1), pack([next]));
        applied.push(next);
        wasCut = !proxy.isArmed;
        if (wasCut) cuts += 1;
        proxy.disarm();
      }
      // The begin, the queries, the commit.
      expect(cuts).toBeGreaterThan(4);
      const [position] = await store.sources();
      expect(position).toMatchObject({ next: BigInt(applied.length), fates: { consumed: applied.length } });
      expect((await store.digest()).hex).toBe(await inMemory(...applied));
      await proxy.dispose();
    });

    it('says so when it stays away, takes no batch behind a lost one, and goes on after a claim', async () => {
      const proxy = await CutProxy.to(services.neo4j.uri);
      const store = await open({ uri: proxy.uri });
      const claim = await store.claim(source);
      await store.apply(advance(claim, 0, 1), pack([event(1, [named('a')])]));
      proxy.shut();
      const lost = store.apply(advance(claim, 1, 2), pack([event(2, [named('b')])]));
      const behind = store.apply(advance(claim, 2, 3), pack([event(3, [named('c')])]));
      await expect(lost).rejects.toMatchObject({ code: 'STORE_WRITE_FAILED', reaction: 'outage' });
      await expect(behind).rejects.toMatchObject({ reaction: 'outage' });
      await expect(store.node(ann)).rejects.toMatchObject({ code: 'STORE_READ_FAILED', reaction: 'outage' });
      proxy.open();
      const later = store.apply(advance(claim, 2, 3), pack([event(3, [named('c')])]));
      await expect(later).rejects.toMatchObject({ code: 'STORE_NOT_CLAIMED' });
      expect(await store.claim(source)).toEqual({ epoch: 2, next: 1n });
      await proxy.dispose();
    });
  });

  describe('given names that mean something to Cypher', () => {
    const hostile: NodeRef = { type: 'A`) DETACH DELETE (n) //', id: "x'`\\u0060" };

    it('keeps them, and lets none into a query', async () => {
      const store = await open();
      const claim = await store.claim(source);
      const quoting = 'W`]->() DELETE r //';
      const batch = [
        event(1, [
          { kind: 'node', node: hostile, properties: [['p`} //', 1], ['jgRow', 'x'], ['plain', 'y']] }, // biome-ignore format: one row
          { kind: 'node', node: { type: 'JgStore', id: namespace }, properties: [['jgKey', 'x']] },
          { kind: 'edge', type: quoting, from: hostile, to: ann, properties: [['jgOut', 'x'], ['`', 1]] }, // biome-ignore format: one row
          { kind: 'edge', type: `${quoting} `, from: hostile, to: ann, properties: [] },
          { kind: 'edge', type: 'jgEdge', from: ann, to: hostile, properties: [] },
          { kind: 'edge', type: 'MATCH', from: ann, to: hostile, properties: [] },
        ]),
      ];
      await store.apply(advance(claim, 0, 1), pack(batch));
      await store.apply(advance(claim, 1, 2), pack(batch));
      expect((await store.digest()).hex).toBe(await inMemory(...batch));
      const page = await store.adjacency({ ...hop(hostile, 'out'), type: quoting });
      expect(page.occurrences.map(({ to, type }) => [to, type])).toEqual([[ann, quoting]]);
      expect((await store.adjacency({ ...hop(hostile, 'in'), type: 'MATCH' })).occurrences).toHaveLength(1);
      expect((await store.node(hostile))?.properties.map(({ name }) => name)).toEqual([
        'jgRow',
        'p`} //',
        'plain',
      ]);
    });

    it('shows people the labels, types and properties of the graph schema', async () => {
      const store = await open();
      const claim = await store.claim(source);
      const account: EventMutations['mutations'][number] = { kind: 'node', node: ann, properties: [['name', 'Ann'], ['n', 7n], ['x', 0.5], ['tags', { set: 'add', elements: ['b', 'a'] }], ['none', null]] }; // biome-ignore format: one row
      await store.apply(advance(claim, 0, 1), pack([event(5, [account, watched(dark, [['seconds', 30n]])])]));
      const read = (): ReturnType<typeof ask> =>
        ask(
          services.neo4j,
          `MATCH (a:Account {jgId: 'ann'})-[w:WATCHED]->(t:Title) WHERE a.jgKey STARTS WITH $start
           RETURN a.name, a.n, a.x, a.tags, a.none, w.seconds, w.jgTime, t.jgId`,
          { start: `${namespace}/` },
        );
      const shown = { 'a.n': 7n, 'a.x': 0.5, 'a.tags': ['a', 'b'], 'a.none': null };
      const edge = { 'w.seconds': 30n, 'w.jgTime': 5n, 't.jgId': 'dark' };
      expect(await read()).toEqual([{ 'a.name': 'Ann', ...shown, ...edge }]);
      await store.apply(advance(claim, 1, 2), pack([event(6, [{ kind: 'node-delete', node: ann }]), event(7, [named('B')])])); // biome-ignore format: one row
      const gone = { 'a.n': null, 'a.x': null, 'a.tags': null, 'a.none': null };
      expect(await read()).toEqual([{ 'a.name': 'B', ...gone, ...edge }]);
    });
  });

  describe('beyond what a degree may look at', () => {
    it("answers Neo4j's own count, declared as no exact one", async () => {
      const store = await open();
      const claim = await store.claim(source);
      const many = Array.from({ length: 40 }, (_, i) => event(i, [watched({ type: 'Title', id: `t${i}` })]));
      await store.apply(advance(claim, 0, 40), pack(many));
      const query = { of: ann, type: 'WATCHED', direction: 'out', sinceMs: 0, untilMs: 100 } as const;
      expect(await store.degree({ ...query, scanMax: 40 })).toEqual({ count: 40, exact: true });
      expect(await store.degree({ ...query, scanMax: 39 })).toEqual({ count: 40, exact: false });
      expect(await store.degree({ ...query, untilMs: 10, scanMax: 39 })).toEqual({ count: 10, exact: true });
    });
  });

  describe('opening', () => {
    const drop = async (): Promise<void> => {
      await ask(services.neo4j, 'DROP CONSTRAINT jg_step IF EXISTS');
      await ask(services.neo4j, 'DROP INDEX somebodys IF EXISTS');
    };

    it('makes a constraint that lacks', async () => {
      await drop();
      await open();
      const found = await ask(services.neo4j, "SHOW CONSTRAINTS YIELD name WHERE name = 'jg_step'");
      expect(found).toEqual([{ name: 'jg_step' }]);
    });

    it('stops by name when something stands against a constraint', async () => {
      await drop();
      await ask(services.neo4j, 'CREATE INDEX somebodys FOR (s:JgStep) ON (s.jgKey)');
      await expect(open()).rejects.toMatchObject({ code: 'STORE_SCHEMA_REFUSED', reaction: 'stop' });
      await drop();
      await open();
    });

    it('stops by name when an index has the name of a constraint, and says what to drop', async () => {
      await drop();
      await ask(services.neo4j, 'CREATE INDEX jg_step FOR (s:JgStep) ON (s.jgTime)');
      await expect(open()).rejects.toMatchObject({
        code: 'STORE_SCHEMA_REFUSED',
        message: expect.stringContaining('DROP INDEX `jg_step`'),
      });
      await ask(services.neo4j, 'DROP INDEX jg_step');
      await open();
    });

    it('stops by name at a graph of another format', async () => {
      await open();
      await ask(services.neo4j, "MATCH (s:JgStore {jgKey: $key}) SET s.format = '0'", {
        key: `${namespace}/`,
      });
      await expect(open()).rejects.toMatchObject({ code: 'STORE_FORMAT', reaction: 'stop' });
    });

    it('refuses a namespace that could reach into another one', async () => {
      await expect(open({ namespace: 'a/b' })).rejects.toMatchObject({ code: 'NAMESPACE_INVALID' });
    });

    it('says that nobody answers, and which database there is not', async () => {
      const nobody = open({ uri: 'bolt://127.0.0.1:1' });
      await expect(nobody).rejects.toMatchObject({ code: 'STORE_OPEN_FAILED', reaction: 'outage' });
      const nowhere = open({ database: 'nowhere' });
      await expect(nowhere).rejects.toMatchObject({ code: 'STORE_DATABASE_UNUSABLE', reaction: 'stop' });
    });
  });
});

describeWith('java')('The Neo4j store at a server with a password', () => {
  const password = 'canary-of-the-right-password';
  let server: Awaited<ReturnType<typeof startNeo4j>> | null = null;
  const open = (credentials: Neo4jSettings['credentials']): Promise<GraphStore> =>
    openNeo4jStore({ uri: server?.uri ?? '', credentials }, clock, () => 0.5);

  beforeAll(async () => {
    server = await startNeo4j({ password });
  }, startTimeoutMs);
  afterAll(() => server?.dispose());

  it.each([
    ['a wrong password', { user: 'neo4j', password: 'canary-of-a-wrong-password' }],
    ['no password', null],
  ])('stops by name with %s, and tells nobody', async (_what, credentials) => {
    const error: unknown = await open(credentials).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: 'STORE_FORBIDDEN', reaction: 'stop' });
    expect(JSON.stringify([String(error), error])).not.toContain('canary');
  });

  it('opens with the right one', async () => {
    const store = await open({ user: 'neo4j', password });
    expect(await store.sources()).toEqual([]);
    await store.close();
  });
});

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
}
