import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { must, systemClock } from '../foundation/index.ts';
import {
  createMemoryStore,
  createMutationBatch,
  type EventMutations,
  type Fates,
  type Mutation,
} from '../graph-store/index.ts';
import type { SourceRecord } from './event-source.ts';
import {
  batchOf,
  eventOf,
  fakeProcessor,
  type Kind,
  recordOf,
  source,
  startPipeline,
  storeOver,
  zeroFates,
} from './pipeline-testing.ts';

function expectConserved(fates: Fates): void {
  expect(fates.applied + fates.superseded + fates.filtered + fates.deadLettered).toBe(fates.consumed);
}

const kinds = ['good', 'good', 'filtered', 'dead', 'unmappable'] as const satisfies readonly Kind[];

it('leaves the same graph wherever batches end, also when records share an event id and differ', async () => {
  // One event id, three versions of it: at two times, and at one time with two contents.
  const processor = {
    ...fakeProcessor(0),
    process: ({ value }: SourceRecord) => {
      const { timeMs, n }: { timeMs: number; n: number } = JSON.parse(String(value));
      const owner = { type: 'Account', id: 'a' };
      const step = {
        kind: 'step',
        owner,
        domain: 'd',
        action: 'x',
        links: [],
        properties: [['n', n]],
      } as const;
      return { kind: 'mapped', event: { timeMs, rank: 0, occurrence: 1n, mutations: [step] } } as const;
    },
  };
  const versions = [
    { timeMs: 1, n: 1 },
    { timeMs: 2, n: 1 },
    { timeMs: 1, n: 2 },
  ];
  const version = fc.nat(2).map((i) => Buffer.from(JSON.stringify(versions[i])));
  const property = fc.asyncProperty(fc.array(version, { minLength: 1, maxLength: 8 }), async (values) => {
    const graphs: string[] = [];
    for (const batchEventsMax of [1, 3, 100]) {
      const store = createMemoryStore(systemClock);
      const { hand, ending, outcome } = startPipeline({ store, processor }, { batchEventsMax });
      await hand.handler.assigned(source);
      const records = values.map((value, i) => ({ ...recordOf('good', 0, BigInt(i)), value }));
      await hand.handler.batch(batchOf(records));
      ending.abort();
      expect(await outcome).toBe(null);
      graphs.push((await store.digest()).hex);
    }
    expect(new Set(graphs).size).toBe(1);
  });
  await fc.assert(property, { numRuns: 60, seed: 20_261_121 });
});

it('counts what repeated records of a batch would have changed, and nothing of those that differ', async () => {
  const [from, to] = [
    { type: 'Account', id: 'a' },
    { type: 'Title', id: 't' },
  ];
  const mutations: readonly Mutation[] = [
    { kind: 'step', owner: from, domain: 'd', action: 'x', links: [], properties: [] },
    { kind: 'edge', type: 'WATCHED', from, to, properties: [] },
    { kind: 'edge', type: 'LIKED', from, to, properties: [] },
    { kind: 'edge-delete', type: 'HID', from, to },
    { kind: 'node', node: to, properties: [] },
    { kind: 'node-delete', node: { type: 'Ad', id: 'x' } },
  ];
  const event: EventMutations = { timeMs: 1, rank: 0, occurrence: 1n, mutations };
  const processor = { ...fakeProcessor(0), process: () => ({ kind: 'mapped', event }) as const };
  const store = createMemoryStore(systemClock);
  const { hand, pipeline, ending, outcome } = startPipeline({ store, processor }, { batchEventsMax: 100 });
  await hand.handler.assigned(source);
  const values = ['one', 'one', 'other', 'other', 'other'].map((value) => Buffer.from(value));
  await hand.handler.batch(batchOf(values.map((value, i) => ({ ...recordOf('good', 0, BigInt(i)), value }))));
  ending.abort();
  expect(await outcome).toBe(null);
  const { fatesSinceStart, supersededSinceStart } = pipeline.status();
  expect(fatesSinceStart).toMatchObject({ applied: 2, superseded: 3 });
  expect(supersededSinceStart).toEqual({ nodes: 3 * 2, edges: 3 * 3, steps: 3 });
});

it('takes no record for a repeat whose event has what was looked up: the next one may have found more', async () => {
  const step: Mutation = {
    ...{ kind: 'step', owner: { type: 'Account', id: 'a' }, domain: 'd', action: 'x', links: [] },
    properties: [],
  };
  const event: EventMutations = { timeMs: 1, rank: 0, occurrence: 1n, mutations: [step] };
  const processor = {
    ...fakeProcessor(0),
    process: () => ({ kind: 'mapped', event, hasRows: true }) as const,
  };
  const store = createMemoryStore(systemClock);
  const { hand, pipeline, ending, outcome } = startPipeline({ store, processor }, { batchEventsMax: 100 });
  await hand.handler.assigned(source);
  const same = [0n, 1n].map((offset) => ({ ...recordOf('good', 0, offset), value: Buffer.from('one') }));
  await hand.handler.batch(batchOf(same));
  ending.abort();
  expect(await outcome).toBe(null);
  expect(pipeline.status().fatesSinceStart).toMatchObject({ applied: 2, superseded: 0 });
});

describe('several partitions', () => {
  it('conserve every record at every moment, whenever and in whatever order applies settle', async () => {
    const partitionsArb = fc.array(fc.array(fc.nat(1_000), { maxLength: 40 }), {
      minLength: 2,
      maxLength: 4,
    });
    const property = fc.asyncProperty(partitionsArb, fc.infiniteStream(fc.nat(1_000)), async (ids, dice) => {
      const memory = createMemoryStore(systemClock);
      const flying: (() => void)[] = [];
      const store = storeOver(memory, {
        claim: (one) => memory.claim(one),
        // Durable in the order of the calls, told in any.
        apply: async (advance, mutations) => {
          const applied = await memory.apply(advance, mutations);
          await new Promise<void>((resolve) => flying.push(resolve));
          return applied;
        },
      });
      const { hand, pipeline, ending, outcome } = startPipeline({ store });
      const feeds = ids.map(async (numbers, partition) => {
        const one = { ...source, partition };
        const records = numbers.map((id, i) => {
          const kind = must(kinds[id % kinds.length], 'a kind');
          return recordOf(kind, id * 10 + partition, BigInt(i));
        });
        let from = (await hand.handler.assigned(one)) ?? 0n;
        while (from < BigInt(records.length)) {
          const part = records.slice(Number(from), Number(from) + 1 + (dice.next().value % 11));
          const next = from + BigInt(part.length);
          await hand.handler.batch({ source: one, records: part, from, next, end: BigInt(records.length) });
          from = next;
        }
      });
      let fed = false;
      const feeding = Promise.all(feeds).then(() => {
        fed = true;
      });
      while (!fed || flying.length > 0) {
        await new Promise((resolve) => setImmediate(resolve));
        const [told] = flying.splice(dice.next().value % Math.max(1, flying.length), 1);
        told?.();
        const { partitions, fatesSinceStart } = pipeline.status();
        expectConserved(fatesSinceStart);
        for (const one of partitions) expectConserved(one.fatesSinceStart);
        for (const one of await memory.sources()) expectConserved(one.fates);
      }
      await feeding;
      ending.abort();
      expect(await outcome).toBe(null);
      const count = ids.reduce((sum, numbers) => sum + numbers.length, 0);
      expect(pipeline.status().fatesSinceStart.consumed).toBe(count);
      const oracle = createMemoryStore(systemClock);
      const mutations = createMutationBatch();
      for (const [partition, numbers] of ids.entries()) {
        for (const id of numbers.map((number) => number * 10 + partition)) {
          if (kinds[((id - partition) / 10) % kinds.length] === 'good')
            mutations.add(eventOf(id, `a${id % 5}`));
        }
      }
      const { epoch } = await oracle.claim(source);
      await oracle.apply(
        { source, epoch, from: 0n, next: 1n, fates: zeroFates, newestEventMs: 0 },
        mutations,
      );
      expect((await memory.digest()).hex).toBe((await oracle.digest()).hex);
    });
    await fc.assert(property, { numRuns: 100, seed: 20_261_121 });
  });
});
