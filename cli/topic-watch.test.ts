import { describe, expect, it } from 'vitest';
import { type Clock, OutageError, silentLog } from '../foundation/index.ts';
import type { SourcePartition, SourceStatus } from '../graph-store/index.ts';
import type { PipelineStatus, SourceEnd } from '../ingest/index.ts';
import { ingestNotReady } from './ingest-readiness.ts';
import { topicElsewhere, topicState } from './topic-states.ts';
import { TopicWatch } from './topic-watch.ts';

const fates = { consumed: 0, applied: 0, superseded: 0, filtered: 0, deadLettered: 0 };
const topic = 'views';

function partition(number: number, topicId = 'i'): SourcePartition {
  return { cluster: 'c', topic, topicId, partition: number };
}

/** A log and a store of which the test says how far they are. */
class Figures {
  nowMs = 10_000;
  ends: readonly SourceEnd[] | Error = [0, 1].map((number) => ({
    source: partition(number),
    low: 0n,
    end: 100n,
  }));
  sources: readonly SourceStatus[] | Error = [0, 1].map((number) => ({
    source: partition(number),
    epoch: 1,
    next: number === 0 ? 100n : 60n,
    fates,
    newestEventMs: 4_000,
  }));
  readonly clock: Clock = { now: () => this.nowMs, sleep: () => Promise.resolve() };
  readonly watch = new TopicWatch({
    store: { sources: async () => given(this.sources) },
    events: { topics: [topic], ends: async () => given(this.ends) },
    clock: this.clock,
    log: silentLog,
  });
}

function given<T>(what: T | Error): T {
  if (what instanceof Error) throw what;
  return what;
}

function pipeline(over: Partial<PipelineStatus> = {}): { status(): PipelineStatus } {
  const mine = {
    source: partition(1),
    assigned: true,
    position: 60n,
    end: 65n,
    lag: 5n,
    fatesSinceStart: fates,
    newestEventMs: 4_000,
  };
  return {
    status: () => ({
      topic,
      state: { kind: 'running' },
      reading: true,
      partitions: [mine],
      fatesSinceStart: fates,
      freshnessMs: 6_000,
      inFlightBytes: 0,
      nodeWritesSinceStart: { nodeWrites: 0, nodeWritesSuppressed: 0, nodeWritesCoalesced: 0 },
      supersededSinceStart: { nodes: 0, edges: 0, steps: 0 },
      gap: null,
      ...over,
    }),
  };
}

const outage = new OutageError('KAFKA_UNAVAILABLE', 'Nobody answers.');

describe('The watch over topics', () => {
  it('tells the lag of partitions that other processes read', async () => {
    const figures = new Figures();
    await figures.watch.look();
    expect(topicElsewhere(topic, figures.watch, figures.clock)).toEqual({
      topic,
      state: 'elsewhere',
      reason: null,
      freshnessMs: 6_000,
      partitions: [
        { partition: 0, topicId: 'i', lag: 0n, waitedMs: 0 },
        { partition: 1, topicId: 'i', lag: 40n, waitedMs: 6_000 },
      ],
    });
  });

  it.each(['ends', 'sources'] as const)(
    'knows nothing while the %s cannot be asked, and again afterwards',
    async (which) => {
      const figures = new Figures();
      const before = figures[which];
      figures[which] = outage;
      await figures.watch.look();
      expect(topicElsewhere(topic, figures.watch, figures.clock).partitions).toEqual([]);
      expect(figures.watch.storeAnswers).toBe(which === 'ends');
      Object.assign(figures, { [which]: before });
      await figures.watch.look();
      expect(topicElsewhere(topic, figures.watch, figures.clock).partitions).toHaveLength(2);
      expect(figures.watch.storeAnswers).toBe(true);
    },
  );

  it('counts a recreated topic alone, not the one that was there before', async () => {
    const figures = new Figures();
    figures.ends = [{ source: partition(0, 'j'), low: 0n, end: 7n }];
    await figures.watch.look();
    const { partitions, freshnessMs } = topicElsewhere(topic, figures.watch, figures.clock);
    expect(partitions).toMatchObject([{ partition: 0, topicId: 'j', lag: 7n }]);
    expect(freshnessMs).toBeNull();
  });
});

describe('A topic that this process reads', () => {
  it('goes by its pipeline where that reads, and by the watch for what others read', async () => {
    const figures = new Figures();
    await figures.watch.look();
    expect(topicState(pipeline(), figures.watch)).toMatchObject({
      state: 'running',
      partitions: [
        { partition: 0, lag: 0n },
        { partition: 1, lag: 5n, waitedMs: 6_000 },
      ],
    });
  });

  it('has waited for nothing once its pipeline has caught up, whatever the watch saw before', async () => {
    const figures = new Figures();
    await figures.watch.look();
    const [mine] = pipeline().status().partitions;
    const caughtUp = pipeline({ partitions: mine === undefined ? [] : [{ ...mine, lag: 0n }] });
    expect(topicState(caughtUp, figures.watch).partitions[1]).toMatchObject({ lag: 0n, waitedMs: 0 });
  });

  it('goes by the watch while its pipeline is paused and hears of no end', async () => {
    const figures = new Figures();
    await figures.watch.look();
    const paused = pipeline({ state: { kind: 'paused', why: 'the store is away', sinceMs: 1 } });
    expect(topicState(paused, figures.watch).partitions[1]).toMatchObject({ lag: 40n });
  });

  it('goes by its pipeline alone before the first look', () => {
    expect(topicState(pipeline(), new Figures().watch).partitions).toEqual([
      { partition: 1, topicId: 'i', lag: 5n, waitedMs: null },
    ]);
  });
});

describe('A process that ingests', () => {
  const ready = (figures: Figures, over: Partial<Parameters<typeof ingestNotReady>[0]> = {}) =>
    ingestNotReady({
      pipelines: [pipeline()],
      mappings: { hasLooked: true },
      watch: figures.watch,
      signal: new AbortController().signal,
      lagMsMax: 60_000,
      ...over,
    });

  it('is ready when it reads its partitions, and when it has none', async () => {
    const figures = new Figures();
    await figures.watch.look();
    expect(ready(figures)).toBeNull();
    expect(ready(figures, { pipelines: [pipeline({ partitions: [] })] })).toBeNull();
  });

  it.each([
    ['while it is going away', { signal: AbortSignal.abort() }, 'it is going away'],
    [
      'before mappings were looked for',
      { mappings: { hasLooked: false } },
      'mappings have not been looked for yet',
    ],
    [
      'before it knows its partitions',
      { pipelines: [pipeline({ reading: false })] },
      'its partitions of topic views are not known yet',
    ],
    [
      'while a pipeline is paused',
      { pipelines: [pipeline({ state: { kind: 'paused', why: 'a secret', sinceMs: 1 } })] },
      'topic views is paused',
    ],
    [
      'once one has stopped',
      { pipelines: [pipeline({ state: { kind: 'stopped', code: 'KAFKA_GAP', why: 'a secret' } })] },
      'topic views has stopped: KAFKA_GAP',
    ],
    [
      'while one of its own partitions is too far behind',
      { lagMsMax: 5_000 },
      'partition 1 of topic views is 6 s behind',
    ],
  ] as const)('is not ready %s', async (_name, over, reason) => {
    const figures = new Figures();
    await figures.watch.look();
    expect(ready(figures, over)).toBe(reason);
  });

  it('is not held up by a partition of another process, nor while the log cannot be asked; by a store that does not answer it is', async () => {
    const figures = new Figures();
    await figures.watch.look();
    const elsewhere = pipeline({ partitions: [] });
    expect(ready(figures, { lagMsMax: 5_000, pipelines: [elsewhere] })).toBeNull();
    figures.ends = outage;
    await figures.watch.look();
    expect(ready(figures, { lagMsMax: 5_000 })).toBeNull();
    figures.sources = outage;
    await figures.watch.look();
    expect(ready(figures)).toBe('the store does not answer');
  });
});
