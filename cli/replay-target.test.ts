import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadSettings } from '../config/index.ts';
import { systemClock } from '../foundation/index.ts';
import { appliedMappings, createMemoryStore, createMutationBatch } from '../graph-store/index.ts';
import { ShadowGraphs } from '../ingest/index.ts';
import { fakeIo } from './command-io.fake.ts';
import { temporaryFolder } from './export-testing.ts';
import { openShadow } from './graph-store-in-use.ts';
import { openReplayTarget, withShadow } from './replay-target.ts';

const rules = { nodes: { Account: 60_000 }, edges: {} };

async function setUp() {
  const data = await temporaryFolder();
  const { settings } = loadSettings({ flags: { data }, environment: {}, files: [] });
  const io = fakeIo({ clock: systemClock });
  const live = createMemoryStore(systemClock);
  const shadows = new ShadowGraphs((name) => openShadow(settings, name, rules, io));
  const applied = (name: string) => withShadow(name, shadows, settings, io, appliedMappings);
  return { data, settings, io, live, shadows, applied };
}

it('A plan asks the second graph by which mappings it was written, and makes none that is missing', async () => {
  const { data, live, shadows, applied } = await setUp();
  expect(await applied('b')).toEqual([]);
  expect(existsSync(join(data, 'graphs'))).toBe(false);

  const { writes, close } = await openReplayTarget({ shadow: 'b' }, live, shadows);
  const source = { cluster: 'c', topic: 'accounts', topicId: 't', partition: 0 };
  const { epoch } = await writes.claim(source);
  const batch = createMutationBatch();
  const origin = { schemaId: 1, subject: 'accounts-value', version: 7 };
  const node = { type: 'Account', id: 'a' };
  batch.add({
    ...{ timeMs: 1_000, rank: 0, occurrence: 1n, lineage: { offset: 0n, origin } },
    mutations: [{ kind: 'node', node, properties: [['plan', 'BASIC']] }],
  });
  const fates = { consumed: 1, applied: 1, superseded: 0, filtered: 0, deadLettered: 0 };
  await writes.apply({ source, epoch, from: 0n, next: 1n, fates, newestEventMs: 1_000 }, batch);
  // While it is written to.
  expect(await applied('b')).toEqual([{ subject: 'accounts-value', version: 7 }]);
  await close();
  expect(shadows.isUsed('b')).toBe(false);
  const { graph, release } = await shadows.use('b');
  expect(graph.timeToLive()).toEqual(rules);
  await release();
  expect(await live.sources()).toEqual([]);
});

it('A graph in a database server has no second one beside it', async () => {
  const { settings, io, live } = await setUp();
  const refused = { code: 'GRAPH_SINGLE', reaction: 'refused' };
  await expect(openReplayTarget({ shadow: 'b' }, live, null)).rejects.toMatchObject(refused);
  await expect(withShadow('b', null, settings, io, async () => null)).rejects.toMatchObject(refused);
  expect((await openReplayTarget('live', live, null)).writes).toBe(live);
});
