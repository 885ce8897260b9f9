import neo4j from 'neo4j-driver';
import { afterAll, afterEach, expect, it } from 'vitest';
import { type Clock, systemClock } from '../foundation/index.ts';
import { describeWith } from '../test/services/index.ts';
import { pack } from './conformance-graphs.ts';
import { advance, ann, dark, event, named, source, watched } from './conformance-subject.ts';
import type { GraphStore, Restorable } from './graph-store.ts';
import { createMemoryStore } from './memory-store.ts';
import type { EventMutations, NodeRef } from './model.ts';
import { openNeo4jStore } from './neo4j-store.ts';
import { ask, removeNamespaces } from './neo4j-testing.ts';

const start = `fences-${process.pid}-`;
const id = 'one-graph';

describeWith('neo4j')('A graph in Neo4j that others work at too', (services) => {
  const stores: GraphStore[] = [];
  let graph = 0;
  let nowMs = 0;
  const clock: Clock = { ...systemClock, now: () => nowMs };
  afterEach(async () => {
    await Promise.all(stores.splice(0).map((store) => store.close()));
    nowMs = 0;
    graph += 1;
  });
  afterAll(() => removeNamespaces(services.neo4j, start));

  const open = async (resume?: string): Promise<GraphStore> => {
    const settings = { ...services.neo4j, namespace: `${start}${graph}` };
    const more = resume === undefined ? {} : { resume };
    const store = await openNeo4jStore({ ...settings, ...more }, clock, () => 0.5);
    stores.push(store);
    return store;
  };

  /** A graph of one event, whose rows come when `go` says so. */
  const restorable = async (go: Promise<void>): Promise<Restorable> => {
    const memory = createMemoryStore(clock);
    const old = [event(1, [named('old'), watched(dark)])];
    await memory.apply(advance(await memory.claim(source), 0, 1), pack(old));
    const { sources, timeToLive, rows } = await memory.snapshot();
    async function* later(): ReturnType<typeof rows> {
      for await (const row of rows()) {
        await go;
        yield row;
      }
    }
    return { id, sources, timeToLive, rows: later };
  };

  it('gives nobody a partition while it is being restored, and does when it is', async () => {
    const standby = await open();
    const restoring = await open();
    const go = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const { rows, ...rest } = await restorable(go.promise);
    async function* noted(): ReturnType<typeof rows> {
      begun.resolve();
      yield* rows();
    }
    const restored = restoring.restore({ ...rest, rows: noted });
    await begun.promise;
    await expect(standby.claim(source)).rejects.toMatchObject({
      code: 'STORE_BEING_RESTORED',
      reaction: 'outage',
    });
    expect(await standby.sources()).toEqual([]);
    go.resolve();
    await restored;
    expect(await standby.claim(source)).toMatchObject({ epoch: 2, next: 1n });
  });

  it('is not written over by a restore that was overtaken by another one of the same graph', async () => {
    const late = await open(id);
    const go = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const { rows, ...rest } = await restorable(go.promise);
    async function* noted(): ReturnType<typeof rows> {
      begun.resolve();
      yield* rows();
    }
    const overtaken = late.restore({ ...rest, rows: noted });
    await begun.promise;
    const other = await open(id);
    await other.restore(await restorable(Promise.resolve()));
    await other.apply(advance(await other.claim(source), 1, 2), pack([event(2, [named('new')])]));
    go.resolve();
    await expect(overtaken).rejects.toMatchObject({ code: 'STORE_NOT_EMPTY' });
    expect((await other.node(ann))?.properties).toEqual([expect.objectContaining({ value: 'new' })]);
    expect(await other.sources()).toMatchObject([{ next: 2n }]);
  });

  it('keeps a deleted edge deleted whose newer delete is committed while the sweep waits for it', async () => {
    const store = await open();
    const unfollow = (timeMs: number): EventMutations =>
      event(timeMs, [{ kind: 'edge-delete', type: 'FOLLOWS', from: ann, to: dark }]);
    await store.apply(advance(await store.claim(source), 0, 1), pack([unfollow(10)]));
    await store.setTimeToLive({ nodes: {}, edges: { FOLLOWS: 1_000 } });
    await store.apply(advance(await store.claim(source), 1, 2), pack([event(1_000_000, [named('x')])]));
    nowMs = 1_000_000;
    const { uri, credentials } = services.neo4j;
    const token = credentials === null ? undefined : neo4j.auth.basic(credentials.user, credentials.password);
    const driver = neo4j.driver(uri, token, { useBigInt: true });
    try {
      const session = driver.session();
      const transaction = session.beginTransaction();
      // As another process writes it, and has not committed yet.
      const newer =
        'MATCH (x:JgEdgeTombstone) WHERE x.jgKey STARTS WITH $start SET x.jgTime = 999999 RETURN count(x) AS count';
      const { records } = await transaction.run(newer, { start: `${start}${graph}/` });
      expect(records[0]?.get('count')).toBe(1n);
      const swept = store.sweep(null, 1_000);
      const blocked =
        "SHOW TRANSACTIONS YIELD status, currentQuery WHERE status STARTS WITH 'Blocked' RETURN status";
      await expect.poll(async () => (await ask(services.neo4j, blocked)).length, { timeout: 20_000 }).toBe(1);
      await transaction.commit();
      await session.close();
      expect(await swept).toMatchObject({ removed: 0 });
    } finally {
      await driver.close();
    }
  });

  it('counts a node as there that more hidden edges mention than one look passes over, until they are swept', async () => {
    const ad: NodeRef = { type: 'Ad', id: 'ad' };
    const saw = (number: number): EventMutations => {
      const from = { type: 'Viewer', id: `v${number}` };
      return event(100 + number, [{ kind: 'edge', type: 'SAW', from, to: ad, properties: [] }]);
    };
    const store = await open();
    const apply = async (from: number, count: number): Promise<void> => {
      const events = Array.from({ length: count }, (_, index) => saw(from + index));
      await store.apply(advance(await store.claim(source), from, from + count), pack(events));
    };
    await apply(0, 4_096);
    await store.setTimeToLive({ nodes: { Viewer: 1_000 }, edges: {} });
    nowMs = 1_000_000;
    expect(await store.node(ad)).toBeNull();
    await apply(4_096, 1);
    expect(await store.node(ad)).toEqual({ node: ad, properties: [], lineage: null });
    await store.setTimeToLive({ nodes: { Viewer: 1_000 }, edges: { SAW: 1_000 } });
    expect(await store.node(ad)).toBeNull();
  });
});
