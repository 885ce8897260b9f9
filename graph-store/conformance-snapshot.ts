import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { events, pack, readEverything } from './conformance-graphs.ts';
import { assertProperty } from './conformance-property.ts';
import { advance, ann, dark, event, hop, journeyOf, named, propertyTimeoutOf, type StoreHarness, type Subject, source, step, watched } from './conformance-subject.ts'; // biome-ignore format: one row
import type { GraphSnapshot, GraphStore } from './graph-store.ts';
import { originKey } from './lineage.ts';
import { createMemoryStore } from './memory-store.ts';
import type { EventMutations, EventOrigin } from './model.ts';

type Restorable = Pick<GraphSnapshot, 'sources' | 'timeToLive' | 'rows'>;

const origin: EventOrigin = { schemaId: 7, subject: 'plays-value', version: 1 };
const other: EventOrigin = { schemaId: -1, subject: 'plays-value.graph', version: 2 };
const idle = { cluster: 'c1', topic: 'plays', topicId: 'life-1', partition: 5 };

/** A graph at one position goes out and comes back the same. */
export function describeSnapshots(subject: Subject, harness: StoreHarness): void {
  const from = (one: EventMutations, offset: bigint, of = origin): EventMutations => ({
    ...one,
    lineage: { offset, origin: of },
  });
  const clock = { ...systemClock, now: () => subject.nowMs };
  /** Runs with another empty store of this adapter. */
  const withOther = async (work: (other: GraphStore) => Promise<void>): Promise<void> => {
    const store = await harness.open(clock);
    try {
      await work(store);
    } finally {
      await harness.dispose(store);
    }
  };
  const carry = async (store: GraphStore, to: GraphStore): Promise<void> => {
    await using snapshot = await store.snapshot();
    await to.restore(snapshot);
  };
  const numbered = (batch: readonly EventMutations[]): EventMutations[] =>
    batch.map((one, i) => ({ ...one, occurrence: BigInt(i + 1) }));

  describe('snapshot and restore', () => {
    it('hold the graph at their position while batches go on being applied', async () => {
      const batch = numbered(fc.sample(events(), { numRuns: 40, seed: 11 }).flat());
      const half = Math.floor(batch.length / 2);
      const applyOne = (one: EventMutations, at: number): Promise<unknown> =>
        subject.store.apply(advance(subject.claim, at, at + 1), pack([one]));
      const applying = batch.slice(0, half).map((one, i) => applyOne(one, i));
      const early = await subject.store.snapshot();
      await Promise.all(applying);
      const late = await subject.store.snapshot();
      const rest = batch.slice(half).map((one, i) => applyOne(one, half + i));
      const readEarly = restorable(early);
      await Promise.all(rest);
      for (const snapshot of [await readEarly, await restorable(late)]) {
        const count = Number(snapshot.sources[0]?.next ?? -1);
        const oracle = createMemoryStore(clock);
        const claim = await oracle.claim(source);
        const prefix = batch.slice(0, count);
        if (count > 0) await oracle.apply(advance(claim, 0, count), pack(prefix));
        const restored = createMemoryStore(clock);
        await restored.restore(snapshot);
        expect((await restored.digest()).hex).toBe((await oracle.digest()).hex);
      }
      expect(Number(late.sources[0]?.next)).toBe(half);
      expect((await subject.store.sources())[0]?.next).toBe(BigInt(batch.length));
      await early[Symbol.asyncDispose]();
      await late[Symbol.asyncDispose]();
    });

    it('give the same reads, whichever adapter takes the graph over', {
      timeout: propertyTimeoutOf(harness),
    }, async () => {
      const property = fc.asyncProperty(events(), async (batch) => {
        const memory = createMemoryStore(clock);
        const claim = await memory.claim(source);
        await memory.apply(advance(claim, 0, batch.length), pack(batch));
        const wanted = await readEverything(memory);
        await withOther(async (restored) => {
          await carry(memory, restored);
          expect(await readEverything(restored)).toEqual(wanted);
          const back = createMemoryStore(clock);
          await carry(restored, back);
          expect(await readEverything(back)).toEqual(wanted);
          expect(await rowsOf(back)).toEqual(await rowsOf(memory));
        });
      });
      await assertProperty(harness.propertyRuns, property);
    });

    it('keep estimates, lineage, positions and times to live', async () => {
      await subject.apply(
        from(event(1, [named('a'), watched(dark), step('d')]), 2n ** 62n, other),
        from(event(2, [named('b'), { kind: 'edge-delete', type: 'LIKED', from: ann, to: dark }]), 5n),
      );
      await subject.store.claim(idle);
      const rules = { nodes: { Ad: 5 }, edges: { WATCHED: 1000 }, declaredBy: { nodes: {}, edges: {} } };
      await subject.store.setTimeToLive(rules);
      await withOther(async (restored) => {
        await carry(subject.store, restored);
        expect(await restored.estimate()).toEqual(await subject.store.estimate());
        expect(await restored.sources()).toEqual(await subject.store.sources());
        expect(restored.timeToLive()).toEqual(rules);
        expect(await restored.node(ann)).toEqual(await subject.store.node(ann));
        for (const query of [hop(ann, 'out'), hop(dark, 'in')]) {
          expect(await restored.adjacency(query)).toEqual(await subject.store.adjacency(query));
          expect((await restored.adjacency(query)).occurrences[0]?.lineage?.offset).toBe(2n ** 62n);
        }
        expect(await restored.journey(journeyOf(ann))).toEqual(await subject.store.journey(journeyOf(ann)));
      });
    });

    it('give the origins of lineage first, in the order of their numbers', async () => {
      const count = 12;
      const batch = Array.from({ length: count }, (_, i) =>
        from(event(i + 1, [step('d')]), BigInt(i), { ...origin, version: i + 1 }),
      );
      await subject.apply(...batch);
      await using snapshot = await subject.store.snapshot();
      const keys = (await collected(snapshot.rows())).map(([key]) => key.toString('hex'));
      const wanted = Array.from({ length: count }, (_, i) => originKey(i + 1).toString('hex'));
      expect(keys.slice(0, count)).toEqual(wanted);
    });

    it('let the claimant go on where it was, with a higher epoch', async () => {
      await subject.apply(from(event(1, [named('a'), watched(dark)]), 0n));
      await subject.store.claim(idle);
      await withOther(async (restored) => {
        await carry(subject.store, restored);
        await expect(
          restored.apply(advance(subject.claim, 1, 2), pack([event(2, [named('stale')])])),
        ).rejects.toMatchObject({ code: 'STORE_NOT_CLAIMED' });
        expect(await restored.claim(idle)).toEqual({ epoch: 2, next: null });
        const claim = await restored.claim(source);
        expect(claim).toEqual({ epoch: subject.claim.epoch + 1, next: 1n });
        const next = [
          from(event(2, [named('b'), watched(dark), step('d')]), 1n, other),
          from(event(3, [{ kind: 'edge-delete', type: 'LIKED', from: ann, to: dark }]), 2n),
        ];
        await restored.apply(advance(claim, 1, 3), pack(next));
        await subject.apply(...next);
        expect((await restored.digest()).hex).toBe((await subject.store.digest()).hex);
        expect(await restored.estimate()).toEqual(await subject.store.estimate());
        expect(await restored.node(ann)).toEqual(await subject.store.node(ann));
      });
    });

    it('refuse a store that holds something already, and leave it as it was', async () => {
      await subject.apply(event(1, [named('a')]));
      await withOther(async (second) => {
        await second.claim(idle);
        await expect(carry(subject.store, second)).rejects.toMatchObject({
          code: 'STORE_NOT_EMPTY',
          reaction: 'refused',
        });
        expect(await second.claim(idle)).toEqual({ epoch: 2, next: null });
        expect(await second.node(ann)).toBeNull();
      });
    });

    it('do nothing where the same graph was restored, and refuse it once a partition was claimed', async () => {
      await subject.apply(event(1, [named('a'), watched(dark)]));
      await subject.store.claim(idle);
      await using snapshot = await subject.store.snapshot();
      const taken = await restorable(snapshot);
      const rows = (): never => {
        throw new TypeError('what is there is not read again');
      };
      await withOther(async (restored) => {
        await restored.restore({ ...taken, id: 'one' });
        await restored.restore({ ...taken, id: 'one', rows });
        const refused = { code: 'STORE_NOT_EMPTY', reaction: 'refused' };
        for (const other of [
          { ...taken, id: 'two', rows },
          { ...taken, rows },
        ])
          await expect(restored.restore(other)).rejects.toMatchObject(refused);
        expect((await restored.digest()).hex).toBe((await subject.store.digest()).hex);
        expect(await restored.sources()).toEqual(await subject.store.sources());
        await restored.claim(idle);
        await expect(restored.restore({ ...taken, id: 'one', rows })).rejects.toMatchObject(refused);
        expect(await restored.node(ann)).toEqual(await subject.store.node(ann));
      });
    });

    const { reopen } = harness;
    if (reopen !== null) {
      it('know the same graph again when the store was closed in between', async () => {
        await subject.apply(event(1, [named('a'), watched(dark)]));
        await using snapshot = await subject.store.snapshot();
        const taken = await restorable(snapshot);
        let store = await harness.open(clock);
        try {
          await store.restore({ ...taken, id: 'one' });
          store = await reopen(store, clock);
          await store.restore({ ...taken, id: 'one' });
          expect((await store.digest()).hex).toBe((await subject.store.digest()).hex);
          await expect(store.restore({ ...taken, id: 'two' })).rejects.toMatchObject({
            code: 'STORE_NOT_EMPTY',
          });
        } finally {
          await harness.dispose(store);
        }
      });
    }

    it('leave nothing that counts as a store when they fail half-way', async () => {
      await subject.apply(event(1, [named('a')]), event(2, [watched(dark)]));
      await withOther(async (second) => {
        const snapshot = await subject.store.snapshot();
        async function* broken(): AsyncGenerator<readonly [Buffer, Buffer]> {
          for await (const row of snapshot.rows()) {
            yield row;
            throw new TypeError('an invented failure');
          }
        }
        const { sources, timeToLive } = snapshot;
        await expect(second.restore({ sources, timeToLive, rows: broken })).rejects.toThrow('an invented');
        const refusal = { code: 'STORE_RESTORE_INCOMPLETE', reaction: 'stop' };
        await expect(second.node(ann)).rejects.toMatchObject(refusal);
        await expect(second.claim(source)).rejects.toMatchObject(refusal);
        await snapshot[Symbol.asyncDispose]();
      });
    });
  });
}

/** Read to its end now; restored later. */
async function restorable(snapshot: GraphSnapshot): Promise<Restorable> {
  const rows = await collected(snapshot.rows());
  return { ...pick(snapshot), rows: () => inTurn(rows) };
}

function pick({ sources, timeToLive }: GraphSnapshot): Pick<GraphSnapshot, 'sources' | 'timeToLive'> {
  return { sources, timeToLive };
}

async function* inTurn<T>(list: readonly T[]): AsyncGenerator<T> {
  yield* list;
}

async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

async function rowsOf(store: GraphStore): Promise<readonly string[]> {
  await using snapshot = await store.snapshot();
  const rows = await collected(snapshot.rows());
  return rows.map(([key, value]) => `${key.toString('hex')} ${value.toString('hex')}`).sort();
}
