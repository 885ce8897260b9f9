import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FencedError, OutageError, systemClock } from '../foundation/index.ts';
import { createMemoryStore, createMutationBatch, type GraphStore } from '../graph-store/index.ts';
import type { DeadLetterWriter } from './dead-letters.ts';
import type { EventSource, SourceBatch, SourceHandler, SourceRecord } from './event-source.ts';
import { Pipeline } from './pipeline.ts';
import {
  eventOf,
  fakeProcessor,
  limits,
  partsWith,
  recordOf,
  source,
  storeOver,
  turns,
  zeroFates,
} from './pipeline-testing.ts';

/** Hands the records over and obeys the port; `disturb` may revoke in the middle, and says how many records to take. */
function fakeSource(records: readonly SourceRecord[], disturb: () => number): EventSource {
  const end = (records.at(-1)?.offset ?? -1n) + 1n;
  let reclaimed = false;
  async function follow(handler: SourceHandler, signal: AbortSignal): Promise<void> {
    reclaimed = false;
    let from = (await handler.assigned(source)) ?? 0n;
    // At the end it stays as long as an apply may still fail.
    for (let quiet = 0; quiet < 20 && !signal.aborted; ) {
      if (reclaimed) throw new FencedError('the handler asks to begin anew');
      if (from >= end) {
        quiet += 1;
        await turns();
        continue;
      }
      const dice = disturb();
      const left = records.filter(({ offset }) => offset >= from);
      const part = left.slice(0, 1 + (dice % 9));
      const next = left.length === part.length ? end : (part.at(-1)?.offset ?? from) + 1n;
      const handed = handler.batch({ source, records: part, from, next, end });
      if (dice % 5 === 0) {
        handler.revoked(source);
        await handed;
        reclaimed = false;
        from = (await handler.assigned(source)) ?? 0n;
        continue;
      }
      await handed;
      from = next;
    }
  }
  return {
    reading: true,
    topic: 'views',
    async run(handler, signal) {
      for (;;) {
        try {
          await follow(handler, signal);
          return;
        } catch (error) {
          if (!(error instanceof FencedError)) throw error;
        }
      }
    },
    ends: async () => [{ source, low: 0n, end }],
    report: () => undefined,
    reclaim: () => {
      reclaimed = true;
    },
  };
}

const kinds = ['good', 'good', 'good', 'filtered', 'dead', 'unmappable', 'late-schema'] as const;
const recordsArb = fc
  .array(fc.record({ kind: fc.constantFrom(...kinds), id: fc.nat(30), hole: fc.nat(2) }), { maxLength: 60 })
  .map((rows) => {
    let offset = 0n;
    return rows.map(({ kind, id, hole }) => {
      offset += BigInt(hole) + 1n;
      // An id says its kind, so that duplicates are duplicates in all respects.
      return recordOf(kinds[id % kinds.length] ?? kind, id, offset);
    });
  });

function disturbedStore(
  store: GraphStore,
  dice: () => number,
  applied: bigint[],
  kill: () => void,
): GraphStore {
  let down = false;
  return storeOver(store, {
    async claim(one) {
      if (dice() % 4 === 0) throw new OutageError('DOWN', 'the store is down');
      down = false;
      return await store.claim(one);
    },
    async apply(advance, mutations) {
      const roll = dice() % 12;
      if (roll === 2) kill();
      if (roll === 0) down = true;
      if (down) throw new OutageError('DOWN', 'the store is down');
      if (roll === 1) await store.claim(source);
      const result = await store.apply(advance, mutations);
      applied.push(advance.next);
      return result;
    },
  });
}

describe('the pipeline', () => {
  it('loses and doubles nothing through outages, fences, revokes and kills', {
    timeout: 60_000,
  }, async () => {
    const property = fc.asyncProperty(
      recordsArb,
      fc.infiniteStream(fc.nat(1_000)),
      async (records, stream) => {
        const diceLeft = { count: 400 };
        // The trouble ends at some time; 1 is the throw that disturbs nothing but batches of two records.
        const dice = (): number => (diceLeft.count-- > 0 ? stream.next().value : 7);
        const memory = createMemoryStore(systemClock);
        const dlq = new Set<bigint>();
        const applied: bigint[] = [];
        const deadLetters: DeadLetterWriter = {
          async write(letters) {
            if (dice() % 3 === 0) throw new OutageError('DOWN', 'the log is down');
            for (const { record } of letters) dlq.add(record.offset);
          },
          close: async () => undefined,
        };
        for (let done = false; !done; ) {
          const life = new AbortController();
          const store = disturbedStore(memory, dice, applied, () => life.abort());
          const processor = fakeProcessor(dice() % 4);
          const pipeline = new Pipeline(
            partsWith({ source: fakeSource(records, dice), store, processor, deadLetters }),
            limits,
          );
          await pipeline.run(life.signal);
          done = !life.signal.aborted;
        }
        const oracle = createMemoryStore(systemClock);
        const mutations = createMutationBatch();
        const kindsSeen = records.map((record) => ({ record, ...JSON.parse(String(record.value)) }));
        for (const { kind, id } of kindsSeen) {
          if (kind === 'good' || kind === 'late-schema') mutations.add(eventOf(id, `a${id % 5}`));
        }
        const { epoch } = await oracle.claim(source);
        const next = (records.at(-1)?.offset ?? 0n) + 1n;
        await oracle.apply({ source, epoch, from: 0n, next, fates: zeroFates, newestEventMs: 0 }, mutations);
        expect((await memory.digest()).hex).toBe((await oracle.digest()).hex);
        const [status] = await memory.sources();
        const fates = status?.fates ?? zeroFates;
        expect(fates.consumed).toBe(records.length);
        expect(fates.applied + fates.superseded + fates.filtered + fates.deadLettered).toBe(fates.consumed);
        expect(fates.filtered).toBe(kindsSeen.filter(({ kind }) => kind === 'filtered').length);
        const dead = kindsSeen.filter(({ kind }) => kind === 'dead' || kind === 'unmappable');
        expect(fates.deadLettered).toBe(dead.length);
        expect(dead.every(({ record }) => dlq.has(record.offset))).toBe(true);
        expect(applied).toEqual([...applied].sort((a, b) => Number(a - b)));
      },
    );
    await fc.assert(property, { numRuns: 300, seed: 20_261_121 });
  });

  it('pauses while dead letters cannot be written, says so, and goes on', async () => {
    const memory = createMemoryStore(systemClock);
    const states: string[] = [];
    let failures = 3;
    const written: bigint[] = [];
    const pipeline: Pipeline = new Pipeline(
      partsWith({
        store: memory,
        source: fakeSource([recordOf('dead', 1, 0n), recordOf('good', 2, 1n)], () => 7),
        deadLetters: {
          async write(letters) {
            states.push(pipeline.status().state.kind);
            failures -= 1;
            if (failures >= 0) throw new OutageError('DOWN', 'the log is down');
            written.push(...letters.map(({ record }) => record.offset));
          },
          close: async () => undefined,
        },
      }),
      limits,
    );
    await pipeline.run(new AbortController().signal);
    expect(states).toEqual(['running', 'paused', 'paused', 'paused']);
    expect(written).toEqual([0n]);
    expect((await memory.sources())[0]).toMatchObject({ next: 2n, fates: { consumed: 2, deadLettered: 1 } });
  });

  it('holds no more bytes in flight than its limit', async () => {
    const memory = createMemoryStore(systemClock);
    let largest = 0;
    const apply: GraphStore['apply'] = async (advance, mutations) => {
      await new Promise((resolve) => setImmediate(resolve));
      largest = Math.max(largest, pipeline.status().inFlightBytes);
      return await memory.apply(advance, mutations);
    };
    const store = storeOver(memory, { apply, claim: (one) => memory.claim(one) });
    const records = Array.from({ length: 500 }, (_, i) => recordOf('good', i, BigInt(i)));
    const pipeline: Pipeline = new Pipeline(
      partsWith({ store, source: fakeSource(records, () => 8) }),
      limits,
    );
    await pipeline.run(new AbortController().signal);
    expect(largest).toBeGreaterThan(limits.inFlightBytesMax / 4);
    expect(largest).toBeLessThanOrEqual(limits.inFlightBytesMax);
  });

  it('moves its position over holes and filtered records', async () => {
    const memory = createMemoryStore(systemClock);
    const run = async (handler: SourceHandler): Promise<void> => {
      await handler.assigned(source);
      const batch: SourceBatch = { source, records: [], from: 0n, next: 10n, end: 10n };
      await handler.batch(batch);
    };
    const pipeline = new Pipeline(
      partsWith({ store: memory, source: { ...fakeSource([], () => 7), run } }),
      limits,
    );
    await pipeline.run(new AbortController().signal);
    expect((await memory.sources())[0]?.next).toBe(10n);
  });
});
