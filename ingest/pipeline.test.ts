import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BadDataError,
  type Clock,
  FencedError,
  OutageError,
  StopError,
  silentLog,
} from '../foundation/index.ts';
import {
  createMemoryStore,
  createMutationBatch,
  type EventMutations,
  type GraphStore,
} from '../graph-store/index.ts';
import type { DeadLetterWriter } from './dead-letters.ts';
import type { EventSource, SourceBatch, SourceHandler, SourceRecord } from './event-source.ts';
import { Pipeline, type PipelineLimits, type PipelineParts } from './pipeline.ts';
import type { Outcome, RecordProcessor } from './record-processor.ts';

const limits: PipelineLimits = {
  batchEventsMax: 4,
  batchBytesMax: 4_096,
  inFlightBytesMax: 1_024,
  sliceMs: 5,
  onGap: 'stop',
  retry: { baseMs: 10, maxMs: 1_000 },
};
const source = { cluster: 'c', topic: 'views', topicId: 'id', partition: 0 };
type Kind = 'good' | 'filtered' | 'dead' | 'unmappable' | 'late-schema';

/** Time moves only when somebody sleeps. */
function fakeClock(): Clock {
  let now = 1_000_000;
  return {
    now: () => now,
    sleep: async (delayMs) => {
      now += delayMs;
    },
  };
}

function recordOf(kind: Kind, id: number, offset: bigint): SourceRecord {
  return {
    offset,
    timestampMs: 1,
    key: null,
    value: Buffer.from(JSON.stringify({ kind, id })),
    headers: null,
  };
}

function eventOf(id: number, nodeId: string): EventMutations {
  const node = { type: 'Account', id: nodeId };
  return {
    timeMs: 1_000 + id,
    rank: 0,
    occurrence: BigInt(id),
    mutations: [{ kind: 'node', node, properties: [['n', id]] }],
  };
}

/** Each life of the process has another one: the schema has to be loaded again. */
function fakeProcessor(loadFailures: number): RecordProcessor {
  let failuresLeft = loadFailures;
  let loaded = false;
  return {
    process(record): Outcome {
      const { kind, id }: { kind: Kind; id: number } = JSON.parse(String(record.value));
      if (kind === 'filtered') return { kind };
      if (kind === 'dead') return { kind, stage: 'decode', error: new BadDataError('X', 'rubbish') };
      if (kind === 'late-schema' && !loaded) return { kind: 'needs-schema', schemaId: 7 };
      return { kind: 'mapped', event: eventOf(id, kind === 'unmappable' ? '' : `a${id % 5}`) };
    },
    async load() {
      failuresLeft -= 1;
      if (failuresLeft >= 0) throw new OutageError('REGISTRY_UNREACHABLE', 'no answer');
      loaded = true;
    },
  };
}

/** Hands the records over and obeys the port; `disturb` may revoke in the middle, and says how many records to take. */
function fakeSource(records: readonly SourceRecord[], disturb: () => number): EventSource {
  const end = (records.at(-1)?.offset ?? -1n) + 1n;
  async function follow(handler: SourceHandler, signal: AbortSignal): Promise<void> {
    let from = (await handler.assigned(source)) ?? 0n;
    while (from < end && !signal.aborted) {
      const dice = disturb();
      const left = records.filter(({ offset }) => offset >= from);
      const part = left.slice(0, 1 + (dice % 9));
      const next = left.length === part.length ? end : (part.at(-1)?.offset ?? from) + 1n;
      const handed = handler.batch({ source, records: part, from, next, end });
      if (dice % 5 === 0) {
        handler.revoked(source);
        await handed;
        from = (await handler.assigned(source)) ?? 0n;
        continue;
      }
      await handed;
      from = next;
    }
  }
  return {
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
    ends: async () => [{ source, end }],
    report: () => undefined,
  };
}

function partsWith(parts: Partial<PipelineParts>): PipelineParts {
  return {
    source: fakeSource([], () => 1),
    processor: fakeProcessor(0),
    deadLetters: { write: async () => undefined, close: async () => undefined },
    store: createMemoryStore(),
    clock: fakeClock(),
    random: () => 0.5,
    log: silentLog,
    freshness: null,
    ...parts,
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
  return {
    ...{ node: store.node.bind(store), journey: store.journey.bind(store), edge: store.edge.bind(store) },
    ...{ adjacency: store.adjacency.bind(store), sources: store.sources.bind(store) },
    ...{
      estimate: store.estimate.bind(store),
      digest: store.digest.bind(store),
      close: store.close.bind(store),
    },
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
  };
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
        const memory = createMemoryStore();
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
        const oracle = createMemoryStore();
        const mutations = createMutationBatch();
        const kindsSeen = records.map((record) => ({ record, ...JSON.parse(String(record.value)) }));
        for (const { kind, id } of kindsSeen) {
          if (kind === 'good' || kind === 'late-schema') mutations.add(eventOf(id, `a${id % 5}`));
        }
        const { epoch } = await oracle.claim(source);
        const next = (records.at(-1)?.offset ?? 0n) + 1n;
        await oracle.apply({ source, epoch, from: 0n, next, fates: zero, newestEventMs: 0 }, mutations);
        expect(await memory.digest()).toBe(await oracle.digest());
        const [status] = await memory.sources();
        const fates = status?.fates ?? zero;
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
    const memory = createMemoryStore();
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
    const memory = createMemoryStore();
    let largest = 0;
    const apply: GraphStore['apply'] = async (advance, mutations) => {
      await new Promise((resolve) => setImmediate(resolve));
      largest = Math.max(largest, pipeline.status().inFlightBytes);
      return await memory.apply(advance, mutations);
    };
    const store = Object.assign(Object.create(memory), {
      apply,
      claim: memory.claim.bind(memory),
    });
    const records = Array.from({ length: 500 }, (_, i) => recordOf('good', i, BigInt(i)));
    const pipeline: Pipeline = new Pipeline(
      partsWith({ store, source: fakeSource(records, () => 8) }),
      limits,
    );
    await pipeline.run(new AbortController().signal);
    expect(largest).toBeGreaterThan(limits.inFlightBytesMax / 4);
    expect(largest).toBeLessThanOrEqual(limits.inFlightBytesMax);
  });

  it('names topic, partition and offset when it stops', async () => {
    const processor: RecordProcessor = {
      process: () => ({ kind: 'needs-schema', schemaId: 9 }),
      load: async () => {
        throw new StopError('REGISTRY_REFUSED', 'The registry refused the login.');
      },
    };
    const pipeline = new Pipeline(
      partsWith({ processor, source: fakeSource([recordOf('good', 1, 5n)], () => 7) }),
      limits,
    );
    const running = pipeline.run(new AbortController().signal);
    await expect(running).rejects.toMatchObject({
      code: 'REGISTRY_REFUSED',
      context: { topic: 'views', partition: 0 },
    });
    expect(pipeline.status().state.kind).toBe('stopped');
  });

  it('moves its position over holes and filtered records', async () => {
    const memory = createMemoryStore();
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

const zero = { consumed: 0, applied: 0, superseded: 0, filtered: 0, deadLettered: 0 };
