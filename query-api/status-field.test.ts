import { describe, expect, it } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { createMemoryStore, createMutationBatch, type GraphStore } from '../graph-store/index.ts';
import { ask, startTestApi } from './api-testing.ts';
import type { StatusReader, TopicState } from './status-reader.ts';

const startedAtMs = Date.UTC(2026, 0, 1);

async function status(reader: GraphStore, topics: readonly TopicState[]): Promise<unknown> {
  const reading: Partial<StatusReader> = {
    version: '1.2.3',
    startedAtMs,
    topics: () => topics,
    freshnessQuantileMs: (share) => share * 100,
    nodeWrites: () => ({ written: 3, suppressed: 2, coalesced: 2 ** 40 }),
    supersededMutations: () => ({ node: 0, edge: 0, step: 0 }),
  };
  const server = await startTestApi({ reader, status: reading });
  try {
    const { text } = await ask(
      server,
      `{ status { nodeWrites { written suppressed coalesced } nodes edges relativeError freshnessP50Ms freshnessP99Ms version startedAt topics {
        topic topicId partition position lag waitedMs freshnessMs epoch consumed applied superseded filtered deadLettered state reason }
        backfills { topic backfill partition position consumed applied superseded filtered deadLettered } } }`,
    );
    return JSON.parse(text).data.status;
  } finally {
    await server.close();
  }
}

/** Claims a partition and moves it on, as its pipeline would. */
async function advance(store: GraphStore, topicId: string, next: bigint): Promise<void> {
  const source = { cluster: 'c', topic: 'games', topicId, partition: 0 };
  const { epoch } = await store.claim(source);
  const fates = { consumed: 15, applied: 8, superseded: 4, filtered: 2, deadLettered: 1 };
  const position = { source, epoch, from: 0n, next, fates, newestEventMs: 5 };
  await store.apply(position, createMutationBatch());
}

function running(topicId: string, lag: bigint | null): TopicState {
  const partitions = [{ partition: 0, topicId, lag, waitedMs: 12 }];
  return { topic: 'games', state: 'running', reason: null, freshnessMs: 7, partitions };
}

describe('The status', () => {
  it('joins what the store keeps of a partition with what its pipeline knows', async () => {
    const store = createMemoryStore(systemClock);
    await advance(store, 'life-1', 2n ** 60n);
    expect(await status(store, [running('life-1', 3n)])).toEqual({
      nodeWrites: { written: 3, suppressed: 2, coalesced: 2 ** 40 },
      nodes: 0,
      edges: 0,
      relativeError: expect.any(Number),
      freshnessP50Ms: 50,
      freshnessP99Ms: 99,
      version: '1.2.3',
      startedAt: '2026-01-01T00:00:00.000Z',
      backfills: [],
      topics: [
        {
          topic: 'games',
          topicId: 'life-1',
          partition: 0,
          position: '1152921504606846976',
          lag: 3,
          waitedMs: 12,
          freshnessMs: 7,
          epoch: 1,
          consumed: 15,
          applied: 8,
          superseded: 4,
          filtered: 2,
          deadLettered: 1,
          state: 'RUNNING',
          reason: null,
        },
      ],
    });
  });

  it('gives the lag to the life of the topic that runs, not to the one it was recreated from', async () => {
    const store = createMemoryStore(systemClock);
    await advance(store, 'life-1', 100n);
    await advance(store, 'life-2', 10n);
    const rows = await status(store, [running('life-2', 3n)]);
    expect(rows).toHaveProperty('topics', [
      expect.objectContaining({ position: 100, lag: null }),
      expect.objectContaining({ position: 10, lag: 3 }),
    ]);
  });

  it('shows replays apart: no topic counts their records', async () => {
    const store = createMemoryStore(systemClock);
    await advance(store, 'life-1', 100n);
    await advance(store, 'backfill:0a1b', 30n);
    const rows = await status(store, [running('life-1', 3n)]);
    expect(rows).toMatchObject({ topics: [{ topicId: 'life-1', position: 100, consumed: 15 }] });
    expect(rows).toHaveProperty('backfills', [
      {
        ...{ topic: 'games', backfill: '0a1b', partition: 0, position: 30 },
        ...{ consumed: 15, applied: 8, superseded: 4, filtered: 2, deadLettered: 1 },
      },
    ]);
  });

  it.each([
    ['idle', 'IDLE', null],
    ['running', 'RUNNING', null],
    ['paused', 'PAUSED', 'The registry does not answer.'],
    ['finished', 'FINISHED', null],
    ['stopped', 'STOPPED', 'Offsets 5 to 9 are gone.'],
  ] as const)('shows a topic that is %s although no partition was claimed', async (state, shown, reason) => {
    const topic = { topic: 'ads', state, reason, freshnessMs: null, partitions: [] };
    expect(await status(createMemoryStore(systemClock), [topic])).toHaveProperty('topics', [
      expect.objectContaining({ topic: 'ads', partition: null, position: null, epoch: null, lag: null }),
    ]);
    expect(await status(createMemoryStore(systemClock), [topic])).toMatchObject({
      topics: [{ state: shown, reason, consumed: 0, deadLettered: 0 }],
    });
  });
});
