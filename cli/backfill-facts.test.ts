import { expect, it } from 'vitest';
import { loadSettings } from '../config/index.ts';
import { must, silentLog, systemClock } from '../foundation/index.ts';
import { createMemoryStore, createMutationBatch } from '../graph-store/index.ts';
import { MappingsInForce } from '../ingest/index.ts';
import { BundledRegistry, loadCatalog } from '../schemas/index.ts';
import { factsOf } from './backfill-facts.ts';

const topic = 'identity.account';

async function setUp() {
  const registry = BundledRegistry.of(await loadCatalog());
  const mappings = new MappingsInForce({ registry, clock: systemClock, random: () => 0.5, log: silentLog });
  const store = createMemoryStore(systemClock);
  const { version } = must(await registry.latest(`${topic}-value`), 'the catalog has accounts');
  const { settings } = loadSettings({ flags: {}, environment: {}, files: [] });
  const sources = { settings, store, registry, mappings, clock: systemClock };
  const embedded = {
    snapshot: () => store.snapshot(),
    deletedTypes: async () => ({ nodes: new Set<string>(), edges: new Set<string>() }),
  };
  const facts = (isEmbedded: boolean) =>
    factsOf({ ...sources, embeddedStore: isEmbedded ? embedded : null }, topic, new AbortController().signal);
  return { store, version, facts };
}

/** One event in the graph, written by that version of the mapping. */
async function applyBy(store: ReturnType<typeof createMemoryStore>, version: number): Promise<void> {
  const source = { cluster: 'c', topic, topicId: 't', partition: version };
  const { epoch } = await store.claim(source);
  const batch = createMutationBatch();
  const origin = { schemaId: 1, subject: `${topic}-value`, version };
  batch.add({
    ...{ timeMs: 1_000, rank: 0, occurrence: BigInt(version) },
    mutations: [
      { kind: 'node', node: { type: 'Account', id: `a${version}` }, properties: [['plan', 'BASIC']] },
    ],
    lineage: { offset: 0n, origin },
  });
  const fates = { consumed: 1, applied: 1, superseded: 0, filtered: 0, deadLettered: 0 };
  await store.apply({ source, epoch, from: 0n, next: 1n, fates, newestEventMs: 1_000 }, batch);
}

it('A plan knows by which versions of its mapping the graph was written', async () => {
  const { store, version, facts } = await setUp();
  expect((await facts(true)).subjects).toEqual([
    { subject: `${topic}-value`, version, appliedVersions: [], tables: [] },
  ]);
  await applyBy(store, version);
  await applyBy(store, version + 1);
  const [subject] = (await facts(true)).subjects;
  expect([...(subject?.appliedVersions ?? [])].sort()).toEqual([version, version + 1]);
});

it('What time to live hides of the types that a topic maps is known, and its tombstones feared where a store does not tell', async () => {
  const { store, facts } = await setUp();
  await store.setTimeToLive({ nodes: { Account: 60_000, Other: 5 }, edges: {} });
  const types = async (isEmbedded: boolean) => (await facts(isEmbedded)).hidden.types;
  const account = { kind: 'node', type: 'Account', beforeMs: expect.any(Number) };
  expect(await types(false)).toEqual([{ ...account, hasTombstones: true }]);
  expect(await types(true)).toEqual([{ ...account, hasTombstones: false }]);
});

it('A database server is not read as a whole for it: any version up to the one in force may have written', async () => {
  const { store, version, facts } = await setUp();
  const applied = async () => (await facts(false)).subjects[0]?.appliedVersions;
  expect(await applied()).toEqual([]);
  await applyBy(store, version);
  expect(await applied()).toEqual([version]);
});
