import cassandra from 'cassandra-driver';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Clock, must, silentLog, systemClock } from '../foundation/index.ts';
import { describeWith } from '../test/services/index.ts';
import type { NodeScanPage } from './bulk-reads.ts';
import type { BeforeWrite } from './cassandra-connection.ts';
import { lifeMax } from './cassandra-stamps.ts';
import { KeyspaceSubject } from './cassandra-subject-testing.ts';
import { events, pack, readEverything } from './conformance-graphs.ts';
import { NaiveGraph } from './conformance-oracle.ts';
import { shuffle } from './conformance-property.ts';
import { advance, ann, dark, event, hop, journeyOf, named, source, step, watched } from './conformance-subject.ts'; // biome-ignore format: one row
import type { GraphStore, OccurrenceView } from './graph-store.ts';
import { createMemoryStore } from './memory-store.ts';
import type { EventMutations } from './model.ts';
import { nodePrefix } from './rows.ts';

/** Pauses between attempts take no time here. */
const clock: Clock = { ...systemClock, sleep: () => systemClock.sleep(0) };

describeWith('cassandra')('The Cassandra store', (services) => {
  const subject = new KeyspaceSubject(services, 'cluster');
  const ask = (query: string): ReturnType<KeyspaceSubject['ask']> => subject.ask(query);
  const open = (...how: Parameters<KeyspaceSubject['open']>): ReturnType<KeyspaceSubject['open']> =>
    subject.open(...how);
  const inMemory = async (...batch: EventMutations[]): Promise<GraphStore> => {
    const memory = createMemoryStore(clock);
    await memory.apply(advance(await memory.claim(source), 0, 1), pack(batch));
    return memory;
  };
  const inTurn = async (store: GraphStore, list: readonly EventMutations[], size = 1): Promise<void> => {
    const claim = await store.claim(source);
    const from = Number(claim.next ?? 0n);
    for (let at = 0; at < list.length; at += size) {
      const part = list.slice(at, at + size);
      await store.apply(advance(claim, from + at, from + at + part.length), pack(part));
    }
  };

  describe('with buckets that fill at once', () => {
    /** Years, hours, seconds and milliseconds apart. */
    const spread = (list: readonly EventMutations[]): EventMutations[] =>
      list.map((one, i) => ({ ...one, timeMs: one.timeMs * ([4e10, 3.6e6, 1e3, 1][i % 4] ?? 1) }));

    it('reads what the reference reads, whatever came in whatever order and again', async () => {
      const list = spread(fc.sample(events(), { numRuns: 6, seed: 21 }).flat()).map((one, i) => ({
        ...one,
        occurrence: BigInt(i) * 0x1fff_ffff_ffff_fffn,
      }));
      const store = await open({ bucketRowsMax: 2 });
      await inTurn(store, shuffle(list, 3), 2);
      // Rows of the root come again when it is full, and land in narrower buckets.
      await inTurn(store, shuffle(list, 5), 4);
      expect(await readEverything(store)).toEqual(await readEverything(await inMemory(...list)));
      const levels = new Set(
        (await ask(`SELECT bucket FROM ${subject.keyspace}.buckets`)).map(([bucket]) => levelIn(bucket)),
      );
      expect(levels.size).toBeGreaterThan(3);
    });

    it('pages through a side both ways, from any time to any other', async () => {
      const list = Array.from({ length: 120 }, (_, i) =>
        event(1_700_000_000_000 + Math.round(i ** 5.2), [watched({ type: 'Title', id: `t${i}` }), step('d')]),
      );
      const store = await open({ bucketRowsMax: 2 });
      await inTurn(store, shuffle(list, 7), 3);
      const graph = new NaiveGraph(list);
      const times = list.map(({ timeMs }) => timeMs);
      for (const [since, until] of [
        [0, 119],
        [3, 90],
        [40, 41],
        [77, 119],
        [100, 110],
      ] as const) {
        const bounds = { sinceMs: times[since] ?? 0, untilMs: times[until] ?? 0 };
        const whole = graph.adjacency(hop(ann, 'out', { ...bounds, limit: 1_000 })).occurrences;
        expect(await allOf(store, bounds, 7)).toEqual(whole);
        for (const order of ['newest-first', 'oldest-first'] as const) {
          const query = journeyOf(ann, { ...bounds, order, limit: 1_000 });
          const { steps } = await store.journey(query);
          expect(steps.map(({ timeMs }) => timeMs)).toEqual(
            graph.journey(query).steps.map(({ timeMs }) => timeMs),
          );
        }
      }
    });

    it('is known to be divided for good, also where Cassandra itself forgets rows', async () => {
      const table = `${subject.keyspace}.edges_out`;
      const store = await open({ bucketRowsMax: 2 });
      await ask(`ALTER TABLE ${table} WITH default_time_to_live = 600`);
      await inTurn(
        store,
        [1, 2, 3, 4].map((time) => event(time * 1e6, [watched(dark)])),
      );
      const rows = await ask(`SELECT split, TTL(split), TTL(value) FROM ${table}`);
      await ask(`ALTER TABLE ${table} WITH default_time_to_live = 0`);
      expect(rows).toContainEqual([true, null, expect.any(Number)]);
    });

    it('is found by a store that opens later, and by one that did not know', async () => {
      const list = Array.from({ length: 40 }, (_, i) =>
        event(i * 1e6, [watched({ type: 'Title', id: `t${i}` })]),
      );
      const [first, late] = [await open({ bucketRowsMax: 2 }), await open({ bucketRowsMax: 2 })];
      await inTurn(first, list.slice(0, 20));
      // It has not heard that the root is full, and puts more there.
      await inTurn(late, list.slice(20, 30));
      await inTurn(await open({ bucketRowsMax: 2 }), list.slice(30));
      const all = await readEverything(await inMemory(...list));
      for (const store of subject.stores) expect((await store.digest()).hex).toBe(all.digest);
      expect((await late.adjacency(hop(ann, 'out'))).occurrences).toHaveLength(40);
    });

    it('keeps partitions at the size that it was told', async () => {
      const store = await open({ bucketRowsMax: 64 });
      const list = Array.from({ length: 6_000 }, (_, i) =>
        event(1_700_000_000_000 + i * 97_000, [{ ...watched(dark), from: { type: 'Account', id: `a${i}` } }]),
      );
      await inTurn(store, list, 50);
      const rows = await ask(`SELECT side, bucket FROM ${subject.keyspace}.edges_in`);
      const sizes = Map.groupBy(rows, (row) =>
        row.map((one) => (Buffer.isBuffer(one) ? one.toString('hex') : '')).join(' '),
      );
      const greatest = Math.max(...[...sizes.values()].map((partition) => partition.length));
      expect(greatest).toBeLessThanOrEqual(64 * 2);
      const { count, exact } = await store.degree({ ...hop(dark, 'in'), scanMax: 100 });
      expect(exact).toBe(false);
      expect(Math.abs(count - 6_000)).toBeLessThan(600);
      const newest = await store.adjacency(hop(dark, 'in', { limit: 10 }));
      expect(newest.occurrences.map(({ from }) => from.id)).toEqual(
        Array.from({ length: 10 }, (_, i) => `a${5_999 - i}`),
      );
    });
  });

  it('knows how many nodes there are, that they are up, and how many copies the keyspace has', async () => {
    const state = must((await open()).cluster, 'it is on several machines')();
    expect(state).toMatchObject({ nodesUp: state.nodes, copies: services.cassandra.replication });
    expect(state.nodes).toBeGreaterThanOrEqual(services.cassandra.replication);
  });

  it('keeps of a set what the reference keeps, and little more in the database', async () => {
    const store = await open();
    const list = Array.from({ length: 4_000 }, (_, i) =>
      event(i + 1, [
        { kind: 'node', node: ann, properties: [['tags', { set: 'add', elements: [`tag ${i}`] }]] },
      ]),
    );
    await inTurn(store, shuffle(list, 11), 100);
    const newest = Array.from({ length: 1_000 }, (_, i) => `tag ${3_000 + i}`);
    expect((await store.node(ann))?.properties).toEqual([{ name: 'tags', value: newest, timeMs: 4_000 }]);
    const [row] = await ask(`SELECT registers FROM ${subject.keyspace}.nodes`);
    expect(row?.[0] instanceof Map ? row[0].size : 0).toBeLessThan(2_200);
  });

  it('finds nodes of which every life has a row, among others, and comes to an end', async () => {
    const store = await open();
    const ids = ['ann', 'bob', 'cid'];
    const mutations = ids.map(
      (id) => ({ kind: 'node', node: { type: 'Account', id }, properties: [] }) as const,
    );
    await inTurn(store, [event(1, mutations)]);
    const query = `INSERT INTO ${subject.keyspace}.nodes (node, life, mentioned) VALUES (?, ?, 1)`;
    for (const id of ids) {
      const node = nodePrefix({ type: 'Account', id });
      const lives = Array.from({ length: lifeMax + 1 }, (_, life) => life);
      for (let at = 0; at < lives.length; at += 100)
        await Promise.all(lives.slice(at, at + 100).map((life) => subject.ask(query, [node, life])));
    }
    const found: string[] = [];
    let after: Uint8Array | null = null;
    do {
      const page: NodeScanPage = await store.bulk.scan({ type: 'Account', after, limit: 1 });
      found.push(...page.ids);
      after = page.next;
    } while (after !== null);
    expect(found.sort()).toEqual(ids);
  });

  describe('with two processes', () => {
    it('fences the older claimant of a partition, whose late writes change nothing', async () => {
      const [older, newer] = [await open(), await open()];
      const first = await older.claim(source);
      const old = event(1, [named('old'), watched(dark)]);
      await older.apply(advance(first, 0, 1), pack([old]));
      const second = await newer.claim(source);
      expect(second).toEqual({ epoch: 2, next: 1n });
      const next = event(2, [named('new'), step('d')]);
      await newer.apply(advance(second, 1, 2), pack([next]));
      const late = older.apply(advance(first, 1, 2), pack([next]));
      await expect(late).rejects.toMatchObject({ code: 'FENCED', reaction: 'fenced' });
      expect((await newer.digest()).hex).toBe((await (await inMemory(old, next)).digest()).hex);
      expect(await newer.sources()).toMatchObject([{ next: 2n, epoch: 2, fates: { consumed: 2 } }]);
    });

    it('gives claimants that race different epochs, of which the greatest alone applies', async () => {
      const claimants = [await open(), await open(), await open()];
      const claims = await Promise.all(claimants.map((store) => store.claim(source)));
      expect(new Set(claims.map(({ epoch }) => epoch)).size).toBe(3);
      const outcomes = await Promise.allSettled(
        claimants.map((store, i) =>
          store.apply(advance(claims[i] ?? { epoch: 0, next: null }, 0, 1), pack([event(1, [step('d')])])),
        ),
      );
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected']);
      expect(await claimants[0]?.sources()).toMatchObject([{ next: 1n, fates: { consumed: 1 } }]);
    });

    it('comes to one graph, with whatever clocks, when each applies a part and both a part', async () => {
      const wrong = (byMs: number): Clock => ({ ...clock, now: () => systemClock.now() + byMs });
      const [one, two] = [
        await open({}, { clock: wrong(300_000) }),
        await open({}, { clock: wrong(-300_000) }),
      ];
      const all = fc.sample(events(), { numRuns: 20, seed: 3 }).flat();
      const numbered = all.map((each, i) => ({ ...each, occurrence: BigInt(i) }));
      const other = { ...source, partition: 1 };
      const send = async (store: GraphStore, of: typeof source, list: EventMutations[]): Promise<void> => {
        const claim = await store.claim(of);
        await Promise.all(
          list.map((each, i) => store.apply(advance(claim, i, i + 1, { source: of }), pack([each]))),
        );
      };
      const third = Math.floor(numbered.length / 3);
      await Promise.all([
        send(one, source, numbered.slice(0, 2 * third)),
        send(two, other, numbered.slice(third).reverse()),
      ]);
      const reference = await inMemory(...numbered);
      for (const store of [one, two]) {
        expect((await store.digest()).hex).toBe((await reference.digest()).hex);
      }
    });

    it('sees within a second what the other learned: types, deletes and times to live', async () => {
      const [writer, reader] = [await open(), await open()];
      await inTurn(writer, [event(1, [watched(dark)]), event(2, [{ kind: 'node-delete', node: dark }])]);
      await writer.setTimeToLive({ nodes: { Account: 5 }, edges: {} });
      await systemClock.sleep(1_100);
      expect((await reader.adjacency(hop(ann, 'out'))).occurrences).toEqual([]);
      expect(reader.timeToLive()).toEqual({ nodes: { Account: 5 }, edges: {} });
    });
  });

  describe('when it is opened', () => {
    it('warns of one copy of everything and of two, and of more not', async () => {
      const warnings: string[] = [];
      await open({}, { log: { ...silentLog, warn: (_, message) => warnings.push(message) } });
      const few = ['one copy', '2 copies'][services.cassandra.replication - 1];
      const warning = expect.stringContaining(`${few} of each row in datacenter1`);
      expect(warnings).toEqual(few === undefined ? [] : [warning]);
    });
    it('is made by one of several that open it at once', async () => {
      const opened = await Promise.all([
        open({}, { clock: systemClock }),
        open({}, { clock: systemClock }),
        open({}, { clock: systemClock }),
      ]);
      await inTurn(must(opened[0], 'a store'), [event(1, [named('a')])]);
      expect((await opened[2]?.node(ann))?.properties).toHaveLength(1);
    });
    it('makes the tables that it began to make, though it was never told that it was let', async () => {
      const own = `${subject.keyspace}_begun`;
      const { lost, ...surroundings } = subject.answerLost("'migration'");
      const store = await open({ keyspace: own }, surroundings);
      expect(lost()).toBe(1);
      await inTurn(store, [event(1, [named('a')])]);
      expect((await store.node(ann))?.properties).toHaveLength(1);
      await store.close();
      await ask(`DROP KEYSPACE ${own}`);
    });
    it('makes the keyspace too, once, and goes on where a node has not heard yet of what another one made', async () => {
      const own = `${subject.keyspace}_own`;
      let unheard = 1;
      const beforeWrite: BeforeWrite = ([statement]) => {
        if (unheard === 0 || statement?.query.includes("'migration'") !== true) return;
        unheard -= 1;
        throw new cassandra.errors.ResponseError(
          cassandra.types.responseErrorCodes.invalid,
          'table meta does not exist',
        );
      };
      const opened = await Promise.all(
        [1, 2, 3].map(() => open({ keyspace: own }, { clock: systemClock, beforeWrite })),
      );
      await inTurn(must(opened[0], 'a store'), [event(1, [named('a')])]);
      expect((await opened[2]?.node(ann))?.properties).toHaveLength(1);
      expect(unheard).toBe(0);
      await Promise.all(opened.map((store) => store.close()));
      await ask(`DROP KEYSPACE ${own}`);
    });
    it.each(['one', 'local-one', 'local-quorum', 'quorum', 'each-quorum'] as const)(
      'takes epochs, positions and reads at consistency %s',
      async (consistency) => {
        const [older, newer] = [await open({ consistency }), await open({ consistency })];
        await inTurn(older, [event(1, [named('a'), watched(dark)])]);
        const claim = await newer.claim(source);
        expect(claim.epoch).toBe(2);
        // Of three copies one node confirmed, and another one may be asked: what was written may not be found yet.
        if (consistency.endsWith('one') && services.cassandra.replication > 1) return;
        expect(claim.next).toBe(1n);
        expect((await newer.adjacency(hop(ann, 'out'))).occurrences).toHaveLength(1);
        const late = older.apply(advance({ epoch: 1, next: 1n }, 1, 2), pack([event(2, [step('d')])]));
        await expect(late).rejects.toMatchObject({ code: 'FENCED' });
      },
    );
    it('refuses a group that was made while the one before it failed, and moves no position', async () => {
      let failing = true;
      const beforeWrite: BeforeWrite = (statements) => {
        const isFirst = statements.some(({ parameters }) =>
          parameters.some((one) => Buffer.isBuffer(one) && one.includes('first-title')),
        );
        if (!failing || !isFirst) return;
        throw new cassandra.errors.ResponseError(
          cassandra.types.responseErrorCodes.invalid,
          'refused by the test',
        );
      };
      const store = await open({ groupEventsMax: 2 }, { clock: systemClock, beforeWrite });
      const claim = await store.claim(source);
      const batches = ['first-title', 'second-title'].map((id, i) => [
        event(i + 1, [watched({ type: 'Title', id })]),
      ]);
      const applyAll = (by: typeof claim): Promise<unknown>[] =>
        batches.map((list, i) => store.apply(advance(by, i, i + 1), pack(list)));
      const outcomes = await Promise.allSettled(applyAll(claim));
      const errors = outcomes.map((one) => (one.status === 'rejected' ? one.reason : null));
      expect(errors[0]).toBeInstanceOf(Error);
      // By the failure of the first, not as one that came behind it.
      expect(errors[1]).toBe(errors[0]);
      failing = false;
      const again = await store.claim(source);
      expect(again).toEqual({ epoch: 2, next: null });
      await Promise.all(applyAll(again));
      expect((await store.adjacency(hop(ann, 'out'))).occurrences).toHaveLength(2);
      expect(await store.claim(source)).toEqual({ epoch: 3, next: 2n });
    });
    it('refuses tables that somebody began to make and did not finish, and says what to do', async () => {
      await ask(
        `CREATE TABLE IF NOT EXISTS ${subject.keyspace}.meta (part text, name text, value text, version int, PRIMARY KEY (part, name))`,
      );
      await ask(`DELETE FROM ${subject.keyspace}.meta WHERE part = 'graph' AND name = 'format' IF EXISTS`);
      await ask(
        `INSERT INTO ${subject.keyspace}.meta (part, name, value, version) VALUES ('graph', 'migration', 'x', 1) IF NOT EXISTS`,
      );
      const refusal = {
        code: 'STORE_SCHEMA_INCOMPLETE',
        reaction: 'stop',
        message: expect.stringContaining('DELETE FROM'),
      };
      await expect(open()).rejects.toMatchObject(refusal);
      await ask(`DELETE FROM ${subject.keyspace}.meta WHERE part = 'graph' AND name = 'migration' IF EXISTS`);
      await inTurn(await open(), [event(1, [named('a')])]);
    });
    it('refuses the graph of another version, and a keyspace that is none', async () => {
      await open();
      await ask(
        `UPDATE ${subject.keyspace}.meta SET value = '9/9' WHERE part = 'graph' AND name = 'format' IF EXISTS`,
      );
      await expect(open()).rejects.toMatchObject({ code: 'STORE_FORMAT', reaction: 'stop' });
      await expect(open({ keyspace: 'a;DROP' })).rejects.toMatchObject({ code: 'KEYSPACE_INVALID' });
      await ask(
        `UPDATE ${subject.keyspace}.meta SET value = '1/3' WHERE part = 'graph' AND name = 'format' IF EXISTS`,
      );
    });
    it('says where nobody answers', async () => {
      const nobody = open({ contactPoints: ['127.0.0.1:1'] });
      await expect(nobody).rejects.toMatchObject({ code: 'STORE_OPEN_FAILED', reaction: 'outage' });
    });
  });
});

function levelIn(bucket: unknown): number {
  return Buffer.isBuffer(bucket) ? (bucket.at(-1) ?? 0) : 0;
}

async function allOf(
  store: GraphStore,
  bounds: { readonly sinceMs: number; readonly untilMs: number },
  limit: number,
): Promise<OccurrenceView[]> {
  const found: OccurrenceView[] = [];
  for (let query = hop(ann, 'out', { ...bounds, limit }); ; ) {
    const page = await store.adjacency(query);
    found.push(...page.occurrences);
    if (page.occurrences.length < limit) return found;
    query = { ...query, after: page.last };
  }
}
