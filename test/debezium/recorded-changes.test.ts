import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BadDataError, must, systemClock } from '../../foundation/index.ts';
import {
  createMemoryStore,
  createMutationBatch,
  type EventMutations,
  type GraphStore,
} from '../../graph-store/index.ts';
import { processorOver, run } from '../../ingest/avro-record-testing.ts';
import type { SchemaRegistry, SubjectVersion } from '../../schemas/index.ts';
import { type RecordedTopic, readRecording } from './recording.ts';

const clock = { now: () => Date.UTC(2027, 0, 1), sleep: async () => undefined };
const mappingText = readFileSync(join(import.meta.dirname, 'titles.changes.graph.avsc'), 'utf8');
const readerId = 1_000;
const titles = 'catalog.public.titles';
const titlesFull = 'catalog.public.titles_full';

/** The registry as it was when the topic was recorded, under the ids that its bytes name, with our mapping beside it. */
function registryOf({ topic, subjects }: RecordedTopic, mapping: string | null): SchemaRegistry {
  const versions = subjects.flatMap(({ subject, schemas }) =>
    schemas.map(({ id, version, text }) => ({ subject, version, schema: { id, text } })),
  );
  if (mapping !== null) {
    versions.push({ subject: `${topic}-value.graph`, version: 1, schema: { id: readerId, text: mapping } });
  }
  const of = (subject: string): SubjectVersion[] => versions.filter((version) => version.subject === subject);
  return {
    schemaById: async (id) => {
      const found = versions.find(({ schema }) => schema.id === id);
      if (found !== undefined) return found.schema;
      throw new BadDataError('SCHEMA_NOT_FOUND', `There is no schema ${id}.`);
    },
    latest: async (subject) => of(subject).at(-1) ?? null,
    versions: async (subject) => of(subject),
    register: async () => {
      throw new Error('nothing is registered here');
    },
    close: async () => undefined,
  };
}

interface Read {
  readonly kinds: readonly string[];
  readonly events: readonly EventMutations[];
}

/** Every record of the topic through the processor, in the order in which it was written. */
async function readAll(topic: string, mapping: string | null): Promise<Read> {
  const recorded = readRecording(topic);
  const processor = await processorOver(registryOf(recorded, mapping), clock);
  const kinds: string[] = [];
  const events: EventMutations[] = [];
  for (const { offset, timestampMs, key, value, headers } of recorded.records) {
    const outcome = await run(processor, topic, {
      offset: BigInt(offset),
      timestampMs,
      key: key === null ? null : Buffer.from(key, 'base64'),
      value: value === null ? null : Buffer.from(value, 'base64'),
      headers: headers.map(({ name, value: text }) => ({ key: name, value: Buffer.from(text, 'base64') })),
    });
    kinds.push(outcome.kind);
    if (outcome.kind === 'mapped') events.push(outcome.event);
  }
  return { kinds, events };
}

/** Each table's records name its own types. */
function mappingFor(topic: string): string {
  return mappingText.replaceAll(titles, topic);
}

async function storeOf(events: readonly EventMutations[]): Promise<GraphStore> {
  const store = createMemoryStore(systemClock);
  const source = { cluster: 'c', topic: 't', topicId: 'i', partition: 0 };
  const { epoch } = await store.claim(source);
  const batch = createMutationBatch();
  for (const event of events) batch.add(event);
  const count = events.length;
  const fates = { consumed: count, applied: count, superseded: 0, filtered: 0, deadLettered: 0 };
  await store.apply({ source, epoch, from: 0n, next: BigInt(count), fates, newestEventMs: 0 }, batch);
  return store;
}

async function title(store: GraphStore, id: string): Promise<Record<string, unknown> | null> {
  const node = await store.node({ type: 'Title', id });
  return node === null ? null : Object.fromEntries(node.properties.map(({ name, value }) => [name, value]));
}

async function genres(store: GraphStore, id: string): Promise<string[]> {
  const { occurrences } = await store.adjacency({
    of: { type: 'Title', id },
    type: 'HAS_GENRE',
    direction: 'out',
    sinceMs: 0,
    untilMs: clock.now(),
    limit: 100,
    scanMax: 1_000,
  });
  return [...new Set(occurrences.map(({ to }) => to.id))].sort();
}

const fjord = {
  ageLimit: 6,
  asset: '6f1c0f5e-6a3b-4a57-9d27-0a6d1c5b7e01',
  availableAt: 1_740_860_100_000.001,
  details: '{"rating": "12"}',
  editedAt: 1_740_856_500_123.456,
  exclusive: true,
  kind: 'FILM',
  name: 'Fjord',
  price: '21.50',
  released: '2025-02-28',
  score: '7.25',
  startsAt: '20:15:00.500000',
  synopsis: 'fjord '.repeat(350),
};

describe.each([titles, titlesFull])('the changes of %s, as Debezium published them', (topic) => {
  test('are read from their bytes: rows map, tombstones and the truncate say nothing', async () => {
    const { kinds, events } = await readAll(topic, mappingFor(topic));
    expect(kinds.length).toBe(18);
    // The tombstones of a changed primary key and of a delete, then the truncate.
    expect(kinds.flatMap((kind, index) => (kind === 'filtered' ? [index] : []))).toEqual([10, 13, 16]);
    expect(kinds.filter((kind) => kind === 'mapped')).toHaveLength(15);
    const ranks = events.map(({ rank }) => rank);
    expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
    // Three rows of one snapshot, and the delete and the insert of a changed primary key, stand at one place of the log.
    expect(new Set(ranks).size).toBe(ranks.length - 3);
  });

  test('leave the rows as the table had them, each type without loss', async () => {
    const store = await storeOf((await readAll(topic, mappingFor(topic))).events);
    expect(await title(store, 't-1')).toEqual(fjord);
    expect(await title(store, 't-3')).toMatchObject({
      name: 'Finale',
      price: '9999999.99',
      score: '-0.001',
      released: '1969-12-31',
      availableAt: 946_684_799_999.999,
      startsAt: '00:00:00.000000',
      exclusive: false,
    });
    expect(await title(store, 't-5')).toMatchObject({ name: 'Deep Sea', ageLimit: 12, price: null });
  });

  test('hide a deleted row and one under its former primary key', async () => {
    const store = await storeOf((await readAll(topic, mappingFor(topic))).events);
    expect(await title(store, 't-2')).toBeNull();
    expect(await title(store, 't-4')).toBeNull();
    expect(await title(store, 't-40')).toMatchObject({ name: 'Night Train', price: '0.05', synopsis: null });
    expect(await genres(store, 't-2')).toEqual([]);
  });

  test('give one graph in whatever order they arrive', async () => {
    const { events } = await readAll(topic, mappingFor(topic));
    const digest = (await (await storeOf(events)).digest()).hex;
    const order = fc.shuffledSubarray([...events], { minLength: events.length });
    await fc.assert(
      fc.asyncProperty(order, async (shuffled) => {
        expect((await (await storeOf(shuffled)).digest()).hex).toBe(digest);
      }),
      { numRuns: 100 },
    );
  });

  test('are not undone by the snapshot that is read again after them', async () => {
    const { events } = await readAll(topic, mappingFor(topic));
    const snapshot = events.slice(0, 3);
    const store = await storeOf([...events, ...snapshot]);
    expect((await store.digest()).hex).toBe((await (await storeOf(events)).digest()).hex);
    expect(await title(store, 't-1')).toEqual(fjord);
    expect(await title(store, 't-2')).toBeNull();
  });
});

describe('what the table’s replica identity decides', () => {
  test('FULL: a value that went from a list takes its edge along', async () => {
    const store = await storeOf((await readAll(titlesFull, mappingFor(titlesFull))).events);
    expect(await genres(store, 't-1')).toEqual(['Nature']);
    expect(await genres(store, 't-40')).toEqual(['Thriller']);
  });

  test('DEFAULT: nobody knows what a list was before, nor a long value under a new primary key', async () => {
    const store = await storeOf((await readAll(titles, mappingFor(titles))).events);
    expect(await genres(store, 't-1')).toEqual(['Drama', 'Nature']);
    expect(await genres(store, 't-40')).toEqual([]);
    expect(await store.node({ type: 'Genre', id: '__debezium_unavailable_value' })).toBeNull();
  });

  test('DEFAULT: an update holds a placeholder in place of a long value', () => {
    const held = ({ value }: { value: string | null }): boolean =>
      Buffer.from(value ?? '', 'base64').includes('__debezium_unavailable_value');
    expect(readRecording(titles).records.filter(held).length).toBeGreaterThan(2);
    expect(readRecording(titlesFull).records.filter(held)).toEqual([]);
  });
});

test('Without a rank two changes in one transaction are told apart by their content, and that is wrong', async () => {
  const { rank, ...graph } = JSON.parse(mappingText).graph;
  expect(rank).toBe('source.lsn');
  const unranked = JSON.stringify({ ...JSON.parse(mappingText), graph });
  const store = await storeOf((await readAll(titles, unranked)).events);
  expect(must(await title(store, 't-3'), 't-3').name).toBe('Zenith');
});

test('The topic of transactions has no mapping and is filtered', async () => {
  const { kinds } = await readAll('catalog.transaction', null);
  expect(kinds.length).toBeGreaterThan(20);
  expect(new Set(kinds)).toEqual(new Set(['filtered']));
});
