import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  FencedError,
  type Log,
  must,
  OutageError,
  StopError,
  silentLog,
  systemClock,
} from '../foundation/index.ts';
import { createMemoryStore, createMutationBatch, type Fates } from '../graph-store/index.ts';
import type { SourceBatch, SourceRecord } from './event-source.ts';
import { Pipeline, type PipelineLimits, type PipelineParts } from './pipeline.ts';
import {
  eventOf,
  fakeProcessor,
  goodRecords,
  HandSource,
  HeldStore,
  type Kind,
  limits,
  partsWith,
  recordOf,
  source,
  storeOver,
  turns,
  zeroFates,
} from './pipeline-testing.ts';

function start(parts: Partial<PipelineParts> = {}, own: Partial<PipelineLimits> = {}) {
  const hand = new HandSource();
  const held = new HeldStore();
  const ending = new AbortController();
  const pipeline = new Pipeline(partsWith({ source: hand, store: held.store, ...parts }), {
    ...limits,
    ...own,
  });
  const outcome = pipeline.run(ending.signal).then(
    () => null,
    (error: unknown) => error,
  );
  return { hand, held, ending, pipeline, outcome };
}

function batchOf(records: readonly SourceRecord[], part: Partial<SourceBatch> = {}): SourceBatch {
  const from = records[0]?.offset ?? 0n;
  const next = (records.at(-1)?.offset ?? -1n) + 1n;
  return { source, records, from, next, end: next + 100n, ...part };
}

function recorder(): { readonly log: Log; readonly lines: string[] } {
  const lines: string[] = [];
  const add = (_: object, message: string): void => void lines.push(message);
  return { lines, log: { ...silentLog, info: add, warn: add, error: add } };
}

const down = new OutageError('DOWN', 'the store is down');

describe('a failed apply in flight', () => {
  it('makes the source claim the partition again though no further batch comes', async () => {
    const { hand, held, pipeline, ending, outcome } = start();
    expect(await hand.handler.assigned(source)).toBe(null);
    await hand.handler.batch(batchOf(goodRecords(0n, 4)));
    expect(hand.reclaimed).toEqual([]);
    held.take().fail(down);
    await turns();
    expect(hand.reclaimed).toEqual([source]);
    expect(await hand.handler.assigned(source)).toBe(null);
    await hand.handler.batch(batchOf(goodRecords(0n, 4)));
    held.take().settle();
    await turns();
    expect(pipeline.status().fatesSinceStart).toMatchObject({ consumed: 4, applied: 4 });
    ending.abort();
    expect(await outcome).toBe(null);
  });

  it('is told by the batch under way instead', async () => {
    const { hand, held, ending, outcome } = start();
    await hand.handler.assigned(source);
    // Between 256 and 320 bytes an apply: the fifth waits for room.
    const batch = hand.handler.batch(batchOf(goodRecords(0n, 20)));
    await turns();
    expect(held.held.length).toBe(4);
    held.take().fail(down);
    await expect(batch).rejects.toBeInstanceOf(FencedError);
    expect(hand.reclaimed).toEqual([]);
    for (const apply of held.held) apply.fail(down);
    await turns();
    expect(hand.reclaimed).toEqual([]);
    ending.abort();
    expect(await outcome).toBe(null);
  });

  it('stops the pipeline and names the place when only a person can help', async () => {
    const { hand, held, outcome } = start();
    await hand.handler.assigned(source);
    await hand.handler.batch(batchOf(goodRecords(7n, 4)));
    held.take().fail(new StopError('STORE_CORRUPT', 'The store is damaged.'));
    const error = await outcome;
    expect(error).toMatchObject({
      code: 'STORE_CORRUPT',
      message: 'The pipeline of topic views, partition 0, offset 7 stopped: The store is damaged.',
      context: { topic: 'views', partition: 0, offset: 7n },
    });
    expect(hand.reclaimed).toEqual([]);
  });
});

describe('an assignment', () => {
  it('that comes while a batch runs ends that batch quietly, and nothing more of it is applied', async () => {
    const { hand, held, ending, outcome } = start();
    await hand.handler.assigned(source);
    const old = hand.handler.batch(batchOf(goodRecords(0n, 40)));
    await turns();
    expect(held.held.map(({ advance }) => advance.from)).toEqual([0n, 4n, 8n, 12n]);
    expect(await hand.handler.assigned(source)).toBe(null);
    const late = held.held.splice(0);
    for (const apply of late) apply.settle();
    await old;
    expect(held.held).toEqual([]);
    expect((await held.memory.sources())[0]).toMatchObject({ epoch: 2, next: 0n, fates: zeroFates });
    await hand.handler.batch(batchOf(goodRecords(0n, 4)));
    held.take().settle();
    await turns();
    expect((await held.memory.sources())[0]).toMatchObject({ epoch: 2, next: 4n });
    expect(hand.reclaimed).toEqual([]);
    ending.abort();
    expect(await outcome).toBe(null);
  });

  it('that is revoked lets what is in flight become durable, and reports it no more', async () => {
    const { hand, held, pipeline, ending, outcome } = start();
    await hand.handler.assigned(source);
    await hand.handler.batch(batchOf(goodRecords(0n, 8)));
    hand.handler.revoked(source);
    for (const apply of held.held.splice(0)) apply.settle();
    await turns();
    expect(hand.reported).toEqual([]);
    expect(pipeline.status()).toMatchObject({ inFlightBytes: 0, fatesSinceStart: { consumed: 8 } });
    expect(await hand.handler.assigned(source)).toBe(8n);
    // The next owner tells it, though nothing more may come to be read.
    expect(hand.reported).toEqual([8n]);
    ending.abort();
    expect(await outcome).toBe(null);
  });

  it('that is revoked takes its failures with it', async () => {
    const { hand, held, pipeline, ending, outcome } = start();
    await hand.handler.assigned(source);
    await hand.handler.batch(batchOf(goodRecords(0n, 4)));
    hand.handler.revoked(source);
    held.take().fail(down);
    await turns();
    expect(hand.reclaimed).toEqual([]);
    expect(pipeline.status().state.kind).toBe('running');
    ending.abort();
    expect(await outcome).toBe(null);
  });

  it('of a recreated topic is said by name, starts from its own position and keeps the counts', async () => {
    const { log, lines } = recorder();
    const { hand, held, pipeline, ending, outcome } = start({ log });
    await hand.handler.assigned(source);
    await hand.handler.batch(batchOf(goodRecords(0n, 8)));
    held.take().settle();
    await turns();
    const again = { ...source, topicId: 'id2' };
    hand.handler.revoked(source);
    expect(await hand.handler.assigned(again)).toBe(null);
    // Of the old topic, and late.
    held.take().settle();
    await turns();
    expect(await hand.handler.assigned(again)).toBe(null);
    expect(lines).toEqual([
      "Topic views was recreated: partition 0 is read from the new topic's own position.",
    ]);
    const { partitions, fatesSinceStart } = pipeline.status();
    expect(partitions.map((one) => one.source.topicId)).toEqual(['id2']);
    expect(fatesSinceStart.consumed).toBe(8);
    ending.abort();
    expect(await outcome).toBe(null);
  });
});

describe('the end', () => {
  it('waits for what is in flight', async () => {
    const { hand, held, pipeline, ending, outcome } = start();
    await hand.handler.assigned(source);
    await hand.handler.batch(batchOf(goodRecords(0n, 4)));
    let ended = false;
    void outcome.then(() => {
      ended = true;
    });
    ending.abort();
    await turns();
    expect(ended).toBe(false);
    held.take().settle();
    expect(await outcome).toBe(null);
    expect(pipeline.status()).toMatchObject({ state: { kind: 'finished' }, fatesSinceStart: { applied: 4 } });
  });
});

describe('a gap', () => {
  it('stops the pipeline by name', async () => {
    const { hand, outcome, pipeline } = start();
    await hand.handler.assigned(source);
    expect(hand.handler.gap(source, 3n, 10n)).toBe('stop');
    expect(await outcome).toMatchObject({
      code: 'LOG_GAP',
      message: expect.stringContaining('Records 3 to 9 of partition 0 of topic views are gone from the log.'),
      context: { topic: 'views', partition: 0, offset: 3n },
    });
    expect(pipeline.status().gap).toMatchObject({ expected: 3n, found: 10n });
  });

  it('is gone over, with an alarm, when the operator allows it', async () => {
    const { log, lines } = recorder();
    const { hand, held, ending, outcome } = start({ log }, { onGap: 'skip' });
    await held.memory.claim(source);
    await hand.handler.assigned(source);
    await hand.handler.batch(batchOf(goodRecords(0n, 4)));
    held.take().settle();
    expect(hand.handler.gap(source, 4n, 10n)).toBe('skip');
    await hand.handler.batch(batchOf(goodRecords(10n, 4)));
    held.take().settle();
    await turns();
    expect((await held.memory.sources())[0]).toMatchObject({ next: 14n, fates: { consumed: 8 } });
    expect(lines).toContain('Records 4 to 9 of partition 0 of topic views are gone from the log.');
    ending.abort();
    expect(await outcome).toBe(null);
  });

  it.each(['stop', 'skip'] as const)('behind the end of the log always stops (%s)', async (onGap) => {
    const { hand, outcome } = start({}, { onGap });
    await hand.handler.assigned(source);
    expect(hand.handler.gap(source, 10n, 3n)).toBe('stop');
    expect(await outcome).toMatchObject({ code: 'LOG_TRUNCATED', context: { offset: 10n } });
  });
});

describe('a source that passes over records', () => {
  it('is asked again a few times, and then stopped by name', async () => {
    const { hand, held, outcome } = start();
    await hand.handler.assigned(source);
    await hand.handler.batch(batchOf(goodRecords(0n, 4)));
    held.take().settle();
    await turns();
    const skipping = batchOf(goodRecords(6n, 4));
    for (let round = 0; round < 3; round += 1) {
      await expect(hand.handler.batch(skipping)).rejects.toBeInstanceOf(FencedError);
      expect(await hand.handler.assigned(source)).toBe(4n);
    }
    await hand.handler.batch(skipping);
    expect(await outcome).toMatchObject({ code: 'SOURCE_SKIPPED', context: { offset: 4n } });
    expect(held.held).toEqual([]);
  });
});

describe('a slice', () => {
  it.each([
    ['gives the rest of the process its turn when it is over', 1, true],
    ['runs through while there is time', 0, false],
  ] as const)('%s', async (_, stepMs, yields) => {
    let now = 0;
    const clock = {
      now: () => {
        now += stepMs;
        return now;
      },
      sleep: systemClock.sleep,
    };
    let others = 0;
    let going = true;
    const work = (): void => {
      others += 1;
      if (going) setImmediate(work);
    };
    const seen: number[] = [];
    const processor = fakeProcessor(0);
    const { hand, held, ending, outcome } = start(
      {
        clock,
        processor: {
          load: processor.load,
          process(record, one, seenMs) {
            seen.push(others);
            return processor.process(record, one, seenMs);
          },
        },
      },
      { batchEventsMax: 10_000, batchBytesMax: 10 ** 6, inFlightBytesMax: 10 ** 6 },
    );
    await hand.handler.assigned(source);
    setImmediate(work);
    await hand.handler.batch(batchOf(goodRecords(0n, 1_000)));
    going = false;
    expect(seen.length).toBe(1_000);
    expect((seen.at(-1) ?? 0) > (seen[0] ?? 0)).toBe(yields);
    held.take().settle();
    ending.abort();
    expect(await outcome).toBe(null);
  });
});

describe('a schema that has to be loaded', () => {
  it('is waited for through outages, in place', async () => {
    const { log, lines } = recorder();
    const { hand, held, ending, outcome } = start({ log, processor: fakeProcessor(2) });
    await hand.handler.assigned(source);
    await hand.handler.batch(batchOf([recordOf('good', 1, 0n), recordOf('late-schema', 2, 1n)]));
    expect(lines).toEqual(['Paused: Could not load schema 7: no answer', 'Resumed.']);
    const apply = held.take();
    expect(apply.advance).toMatchObject({ from: 0n, next: 2n, fates: { consumed: 2, applied: 2 } });
    apply.settle();
    ending.abort();
    expect(await outcome).toBe(null);
  });

  it('names the record that needs it when a person has to act', async () => {
    const { hand, outcome } = start({
      processor: {
        process: () => ({ kind: 'needs-schema', schemaId: 9 }),
        load: async () => {
          throw new StopError('REGISTRY_REFUSED', 'The registry refused the login.');
        },
      },
    });
    await hand.handler.assigned(source);
    const batch = batchOf([recordOf('good', 1, 5n)], { from: 0n });
    await expect(hand.handler.batch(batch)).rejects.toMatchObject({ code: 'REGISTRY_REFUSED' });
    expect(await outcome).toMatchObject({
      message: 'The pipeline of topic views, partition 0, offset 5 stopped: The registry refused the login.',
      context: { topic: 'views', partition: 0, offset: 5n },
    });
  });
});

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
      const { hand, ending, outcome } = start({ store, processor }, { batchEventsMax });
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
      const { hand, pipeline, ending, outcome } = start({ store });
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
