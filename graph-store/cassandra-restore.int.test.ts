import { describe, expect, it } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { describeWith } from '../test/services/index.ts';
import { CassandraConnection, type Statement } from './cassandra-connection.ts';
import { CassandraOrigins } from './cassandra-origins.ts';
import { restoreRows } from './cassandra-restore.ts';
import { spoolSnapshot } from './cassandra-rows.ts';
import { type CassandraSettings, defaultCassandraSettings } from './cassandra-settings.ts';
import { KeyspaceSubject } from './cassandra-subject-testing.ts';
import { pack } from './conformance-graphs.ts';
import { advance, ann, dark, event, hop, named, source, step, watched } from './conformance-subject.ts'; // biome-ignore format: one row
import type { GraphSnapshot, GraphStore, Restorable } from './graph-store.ts';
import { decodeOrigin } from './lineage.ts';
import { createMemoryStore } from './memory-store.ts';
import type { EventMutations, EventOrigin } from './model.ts';

const origin = (schemaId: number): EventOrigin => ({ schemaId, subject: 'plays-value', version: 1 });
const from = (one: EventMutations, offset: number, schemaId = 1): EventMutations => ({
  ...one,
  lineage: { offset: BigInt(offset), origin: origin(schemaId) },
});

describeWith('cassandra')('A snapshot of a graph in Cassandra', (services) => {
  const subject = new KeyspaceSubject(services, 'restore');
  const open = (...how: Parameters<KeyspaceSubject['open']>): ReturnType<KeyspaceSubject['open']> =>
    subject.open(...how);

  it('has the origin of every row, also where another process numbers one meanwhile', async () => {
    const store = await open();
    const claim = await store.claim(source);
    await store.apply(advance(claim, 0, 1), pack([from(event(1, [watched(dark)]), 0, 1)]));
    await using connection = connectionTo(subject.settings());
    await connection.connect();
    const origins = new CassandraOrigins(connection);
    let applied = 0;
    const meanwhile = async (): Promise<void> => {
      applied += 1;
      await store.apply(advance(claim, 1, 2), pack([from(event(2, [watched(dark)]), 1, 2)]));
    };
    await using spooled = await spoolSnapshot(connection, {
      all: async () => {
        const all = await origins.all();
        await meanwhile();
        return all;
      },
    });
    expect(applied).toBe(1);
    const memory = createMemoryStore(systemClock);
    await memory.restore({ sources: [], timeToLive: store.timeToLive(), rows: () => spooled.rows() });
    const { occurrences } = await memory.adjacency(hop(ann, 'out'));
    expect(occurrences.length).toBeGreaterThan(0);
    expect(occurrences.map(({ lineage }) => lineage?.schemaId)).toEqual(occurrences.map(() => 1));
  });

  describe('that was restored in part', () => {
    const id = 'one-graph';
    const count = 3 * restoreRows + 500;

    /** A graph of more rows than are restored at once. */
    const graph = async (): Promise<GraphStore> => {
      const memory = createMemoryStore(systemClock);
      const claim = await memory.claim(source);
      const list = Array.from({ length: count }, (_, i) =>
        from(
          event(i + 1, [
            watched({ type: 'Title', id: `t${i % 700}` }),
            ...(i % 50 === 0 ? [named(`n${i}`), step('d')] : []),
          ]),
          i,
        ),
      );
      await memory.apply(advance(claim, 0, count), pack(list));
      await memory.setTimeToLive({ nodes: { Ad: 5 }, edges: {} });
      return memory;
    };
    const restorable = (
      { sources, timeToLive }: GraphSnapshot,
      rows: Restorable['rows'],
      graphId = id,
    ): Restorable => ({
      id: graphId,
      sources,
      timeToLive,
      rows,
    });
    /** Breaks off behind so many rows, as a process that is killed does. */
    const cutAt = (snapshot: GraphSnapshot, rowsMax: number): Restorable['rows'] =>
      async function* () {
        let at = 0;
        for await (const row of snapshot.rows()) {
          at += 1;
          if (at > rowsMax) throw new TypeError('an invented end');
          yield row;
        }
      };

    it('goes on behind the rows that it has, and comes to the same graph', async () => {
      const memory = await graph();
      await using snapshot = await memory.snapshot();
      const killed = await open({ resume: id });
      await expect(
        killed.restore(restorable(snapshot, cutAt(snapshot, 2 * restoreRows + 300))),
      ).rejects.toThrow('invented');
      await killed.close();

      const incomplete = { code: 'STORE_RESTORE_INCOMPLETE', reaction: 'stop' };
      await expect(open()).rejects.toMatchObject({
        ...incomplete,
        message: expect.stringContaining('jg store copy'),
      });
      await expect(open({ resume: 'another' })).rejects.toMatchObject(incomplete);

      const written: Statement[] = [];
      const store = await open({ resume: id }, { beforeWrite: (statements) => written.push(...statements) });
      await expect(store.node(ann)).rejects.toMatchObject(incomplete);
      const other = restorable(snapshot, () => snapshot.rows(), 'another');
      await expect(store.restore(other)).rejects.toMatchObject(incomplete);
      await store.restore(restorable(snapshot, () => snapshot.rows()));

      expect((await store.digest()).hex).toBe((await memory.digest()).hex);
      expect(await store.estimate()).toMatchObject({ edges: expect.any(Number), nodes: expect.any(Number) });
      expect(await store.sources()).toEqual(await memory.sources());
      expect(store.timeToLive()).toMatchObject({ nodes: { Ad: 5 } });
      const edges = written.filter(({ query }) => query.includes('.edges_out ')).length;
      expect(edges).toBeGreaterThan(0);
      expect(edges).toBeLessThan(count - restoreRows);
      expect(await (await open()).claim(source)).toEqual({ epoch: 2, next: BigInt(count) });
    }, 120_000);

    it('is no other one’s where the answer to its beginning was lost', async () => {
      const memory = createMemoryStore(systemClock);
      await memory.apply(
        advance(await memory.claim(source), 0, 1),
        pack([from(event(1, [watched(dark)]), 0)]),
      );
      await using snapshot = await memory.snapshot();
      await open();
      const { lost, ...surroundings } = subject.answerLost("'graph', ?, ?, 1) IF NOT EXISTS");
      const store = await open({}, surroundings);
      const { sources, timeToLive } = snapshot;
      await store.restore({ sources, timeToLive, rows: () => snapshot.rows() });
      expect(lost()).toBe(1);
      expect((await store.digest()).hex).toBe((await memory.digest()).hex);
    });

    it('counts what it has as it counted it before', async () => {
      const memory = await graph();
      await using snapshot = await memory.snapshot();
      const whole = await open();
      await whole.restore(restorable(snapshot, () => snapshot.rows()));
      const wanted = await whole.estimate();
      await subject.takeAnother();
      const killed = await open({ resume: id });
      await expect(killed.restore(restorable(snapshot, cutAt(snapshot, restoreRows + 1)))).rejects.toThrow(
        'invented',
      );
      const store = await open({ resume: id });
      await store.restore(restorable(snapshot, () => snapshot.rows()));
      expect(await store.estimate()).toEqual(wanted);
    }, 120_000);

    it('cannot go on without its id, and says so', async () => {
      const memory = await graph();
      await using snapshot = await memory.snapshot();
      const { sources, timeToLive } = snapshot;
      const killed = await open();
      await expect(killed.restore({ sources, timeToLive, rows: cutAt(snapshot, 1) })).rejects.toThrow(
        'invented',
      );
      await expect(open({ resume: id })).rejects.toMatchObject({ code: 'STORE_RESTORE_INCOMPLETE' });
    });
  });

  it('brings origins that keep their rows when the graph is restored and goes on', async () => {
    const memory = createMemoryStore(systemClock);
    await memory.apply(
      advance(await memory.claim(source), 0, 1),
      pack([from(event(1, [watched(dark)]), 0, 5)]),
    );
    const store = await open();
    await using snapshot = await memory.snapshot();
    for await (const [, value] of snapshot.rows()) {
      expect(decodeOrigin(value).schemaId).toBe(5);
      break;
    }
    await store.restore(snapshot);
    const claim = await store.claim(source);
    await store.apply(advance(claim, 1, 2), pack([from(event(2, [watched(dark)]), 1, 6)]));
    const { occurrences } = await store.adjacency(hop(ann, 'out'));
    expect(occurrences.map(({ lineage }) => lineage?.schemaId)).toEqual([6, 5]);
  });
});

function connectionTo(settings: Pick<CassandraSettings, 'contactPoints' | 'dataCenter' | 'keyspace'>) {
  const connection = new CassandraConnection(
    { ...defaultCassandraSettings, ...settings },
    systemClock,
    () => 0.5,
  );
  return Object.assign(connection, { [Symbol.asyncDispose]: () => connection.close() });
}
