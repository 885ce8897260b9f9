import { describe, expect, it } from 'vitest';
import {
  FencedError,
  type Log,
  OutageError,
  StopError,
  silentLog,
  systemClock,
} from '../foundation/index.ts';
import {
  batchOf,
  fakeProcessor,
  goodRecords,
  recordOf,
  source,
  startPipeline,
  turns,
  zeroFates,
} from './pipeline-testing.ts';

function recorder(): { readonly log: Log; readonly lines: string[] } {
  const lines: string[] = [];
  const add = (_: object, message: string): void => void lines.push(message);
  return { lines, log: { ...silentLog, info: add, warn: add, error: add } };
}

const down = new OutageError('DOWN', 'the store is down');

describe('a failed apply in flight', () => {
  it('makes the source claim the partition again though no further batch comes', async () => {
    const { hand, held, pipeline, ending, outcome } = startPipeline();
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
    const { hand, held, ending, outcome } = startPipeline();
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
    const { hand, held, outcome } = startPipeline();
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
    const { hand, held, ending, outcome } = startPipeline();
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
    const { hand, held, pipeline, ending, outcome } = startPipeline();
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
    const { hand, held, pipeline, ending, outcome } = startPipeline();
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
    const { hand, held, pipeline, ending, outcome } = startPipeline({ log });
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
    const { hand, held, pipeline, ending, outcome } = startPipeline();
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
    const { hand, outcome, pipeline } = startPipeline();
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
    const { hand, held, ending, outcome } = startPipeline({ log }, { onGap: 'skip' });
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
    const { hand, outcome } = startPipeline({}, { onGap });
    await hand.handler.assigned(source);
    expect(hand.handler.gap(source, 10n, 3n)).toBe('stop');
    expect(await outcome).toMatchObject({ code: 'LOG_TRUNCATED', context: { offset: 10n } });
  });
});

describe('a source that passes over records', () => {
  it('is asked again a few times, and then stopped by name', async () => {
    const { hand, held, outcome } = startPipeline();
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
    const { hand, held, ending, outcome } = startPipeline(
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
    const { hand, held, ending, outcome } = startPipeline({ log, processor: fakeProcessor(2) });
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
    const { hand, outcome } = startPipeline({
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
