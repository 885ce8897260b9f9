import { expect, it } from 'vitest';
import { OutageError, StopError, systemClock } from '../foundation/index.ts';
import { createMemoryStore, createMutationBatch } from '../graph-store/index.ts';
import type { PipelineState, PipelineStatus } from '../ingest/index.ts';
import { figureReader } from './status.ts';

function pipeline(topic: string, state: PipelineState): { status(): PipelineStatus } {
  const fatesSinceStart = { consumed: 5, applied: 4, superseded: 0, filtered: 0, deadLettered: 1 };
  const nodeWritesSinceStart = { nodeWrites: 0, nodeWritesSuppressed: 0, nodeWritesCoalesced: 0 };
  const rest = {
    reading: true,
    partitions: [],
    freshnessMs: null,
    inFlightBytes: 0,
    nodeWritesSinceStart,
    supersededSinceStart: { nodes: 0, edges: 0, steps: 0 },
    gap: null,
  };
  return { status: () => ({ topic, state, fatesSinceStart, ...rest }) };
}

const freshness = { quantileLately: () => 14 };
const running: PipelineState = { kind: 'running' };

it('says once why several topics are paused, by name while they are few', async () => {
  const paused: PipelineState = { kind: 'paused', why: 'the disk is full', sinceMs: 0 };
  const store = createMemoryStore(systemClock);
  const few = [pipeline('a', paused), pipeline('b', running), pipeline('c', paused)];
  const read = await figureReader({ store, pipelines: few, freshness })();
  expect(read.troubles).toEqual(['a, c paused: the disk is full']);
  expect(read.consumedSinceStart).toBe(15);
  const many = ['a', 'b', 'c', 'd'].map((topic) => pipeline(topic, paused));
  expect((await figureReader({ store, pipelines: many, freshness })()).troubles).toEqual([
    '4 topics paused: the disk is full',
  ]);
});

it('keeps the last known figures while the store cannot be read, and says so', async () => {
  let failure: Error | null = null;
  const store = {
    sources: async () => [],
    estimate: async () => {
      if (failure !== null) throw failure;
      return { nodes: 7, edges: 9, relativeError: 0 };
    },
  };
  const read = figureReader({ store, pipelines: [pipeline('a', running)], freshness });
  expect(await read()).toMatchObject({ nodes: 7, edges: 9, troubles: [] });
  failure = new OutageError('STORE_CLOSED', 'The store is closed.');
  expect(await read()).toMatchObject({ nodes: 7, edges: 9, troubles: ['The store is closed.'] });
  failure = new StopError('STORE_CORRUPT', 'The store is damaged.');
  await expect(read()).rejects.toBe(failure);
  failure = null;
  expect(await read()).toMatchObject({ troubles: [] });
});

it('says in one line what a mapping has wrong', async () => {
  const why = 'The mapping cannot be compiled:\n- `graph.time` is nothing\n- `graph.nodes` is empty';
  const pipelines = [pipeline('a', { kind: 'stopped', code: 'MAPPING_INVALID', why })];
  const read = await figureReader({ store: createMemoryStore(systemClock), pipelines, freshness })();
  expect(read.troubles).toEqual([
    'a stopped: The mapping cannot be compiled: - `graph.time` is nothing - `graph.nodes` is empty',
  ]);
});

it('counts the dead letters of topics as they flow, not those of replays', async () => {
  const store = createMemoryStore(systemClock);
  for (const topicId of ['live', 'backfill:1']) {
    const source = { cluster: 'c', topic: 'a', topicId, partition: 0 };
    const { epoch } = await store.claim(source);
    const fates = { consumed: 3, applied: 0, superseded: 0, filtered: 0, deadLettered: 3 };
    await store.apply({ source, epoch, from: 0n, next: 3n, fates, newestEventMs: 1 }, createMutationBatch());
  }
  expect(await figureReader({ store, pipelines: [], freshness })()).toMatchObject({ deadLetters: 3 });
});
