import { describe, expect, test } from 'vitest';
import { must, systemClock } from '../../foundation/index.ts';
import { createMemoryStore, createMutationBatch, type GraphStore } from '../../graph-store/index.ts';
import { compileMap, mapSettingsDefault, normalizers } from '../../processors/index.ts';
import { AvroSchema, compileMapping } from '../../schemas/index.ts';

/** A join table's row, and a title's: `id` is the row's own. */
interface Row {
  readonly id: string;
  readonly title: string;
  readonly genre: string | null;
}

interface Change {
  readonly op: 'c' | 'u' | 'd';
  readonly before: Row | null;
  readonly after: Row | null;
}

const row = {
  type: 'record',
  name: 'Value',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'title', type: 'string' },
    { name: 'genre', type: ['null', 'string'] },
  ],
};
const source = {
  type: 'record',
  name: 'Source',
  fields: [
    { name: 'ts_ms', type: 'long' },
    { name: 'lsn', type: ['null', 'long'] },
  ],
};
const fields = [
  { name: 'before', type: ['null', row] },
  { name: 'after', type: ['null', 'Value'] },
  { name: 'source', type: source },
  { name: 'op', type: 'string' },
];
const committedMs = Date.UTC(2026, 0, 1);

const inserted = (after: Row): Change => ({ op: 'c', before: null, after });
const deleted = (before: Row): Change => ({ op: 'd', before, after: null });
const rows = (id: string, title = 't-1', genre: string | null = 'Drama'): Row => ({ id, title, genre });

/** The graph after transactions one second apart, each change at its transaction's time and at a place of its own in the log. */
async function graphAfter(
  graph: object,
  ...transactions: readonly (readonly Change[])[]
): Promise<GraphStore> {
  const text = JSON.stringify({
    type: 'record',
    name: 'Envelope',
    fields,
    graph: { domain: 'd', time: 'source.ts_ms', rank: 'source.lsn', ...graph },
  });
  const plan = compileMapping({ subject: 's', version: 1 }, new AvroSchema(text), normalizers);
  const map = compileMap(plan, mapSettingsDefault);
  const batch = createMutationBatch();
  let changes = 0n;
  for (const [second, transaction] of transactions.entries()) {
    for (const change of transaction) {
      changes += 1n;
      const timeMs = committedMs + second * 1_000;
      const event = { ...change, source: { ts_ms: BigInt(timeMs), lsn: 100n + changes } };
      const mapped = must(map(event, timeMs), 'no condition leaves it out');
      batch.add({ ...mapped, occurrence: changes });
    }
  }
  const store = createMemoryStore(systemClock);
  const partition = { cluster: 'c', topic: 't', topicId: 'i', partition: 0 };
  const { epoch } = await store.claim(partition);
  const count = Number(changes);
  const fates = { consumed: count, applied: count, superseded: 0, filtered: 0, deadLettered: 0 };
  await store.apply({ source: partition, epoch, from: 0n, next: changes, fates, newestEventMs: 0 }, batch);
  return store;
}

async function titleIn(store: GraphStore): Promise<Record<string, unknown> | null> {
  const node = await store.node({ type: 'Title', id: 't-1' });
  return node === null ? null : Object.fromEntries(node.properties.map(({ name, value }) => [name, value]));
}

async function edgesIn(store: GraphStore): Promise<number> {
  const { occurrences } = await store.adjacency({
    of: { type: 'Title', id: 't-1' },
    type: 'HAS_GENRE',
    direction: 'out',
    sinceMs: 0,
    untilMs: committedMs + 60_000,
    limit: 100,
    scanMax: 1_000,
  });
  return occurrences.length;
}

const hiding = {
  nodes: [
    { type: 'Title', id: 'after.title', optional: true, properties: { genre: 'after.genre' } },
    { as: 'gone', type: 'Title', id: 'before.title', optional: true, where: "op == 'd'", op: 'delete' },
  ],
};
const marking = {
  nodes: [
    {
      type: 'Title',
      id: { cel: "op == 'd' ? before.title : after.title" },
      properties: { genre: { path: 'after.genre', where: "op != 'd'" }, deleted: { cel: "op == 'd'" } },
    },
  ],
};
const asSet = {
  nodes: [
    {
      type: 'Title',
      id: 'after.title',
      optional: true,
      properties: { genres: { path: 'after.genre', set: 'add' } },
    },
    {
      as: 'before',
      type: 'Title',
      id: 'before.title',
      optional: true,
      where: "op == 'd'",
      properties: { genres: { path: 'before.genre', set: 'remove' } },
    },
  ],
};
const joined = (key?: string) => ({
  nodes: [
    { type: 'Title', id: 'after.title', optional: true },
    { type: 'Genre', id: 'after.genre', optional: true },
    { as: 'oldTitle', type: 'Title', id: 'before.title', optional: true, where: "op == 'd'" },
    { as: 'oldGenre', type: 'Genre', id: 'before.genre', optional: true, where: "op == 'd'" },
  ],
  edges: [
    { type: 'HAS_GENRE', from: 'Title', to: 'Genre', ...(key === undefined ? {} : { key: `after.${key}` }) },
    {
      type: 'HAS_GENRE',
      from: 'oldTitle',
      to: 'oldGenre',
      op: 'delete',
      ...(key === undefined ? {} : { key: `before.${key}` }),
    },
  ],
});

describe('a row that is deleted and inserted again in one transaction', () => {
  const replaced = [deleted(rows('1')), inserted(rows('1', 't-1', 'Crime'))];

  test('stays hidden until its next change, because the delete has the time of the insert', async () => {
    expect(await titleIn(await graphAfter(hiding, [inserted(rows('1'))], replaced))).toBeNull();
    const updated: Change = { op: 'u', before: null, after: rows('1', 't-1', 'Noir') };
    expect(await titleIn(await graphAfter(hiding, [inserted(rows('1'))], replaced, [updated]))).toEqual({
      genre: 'Noir',
    });
  });

  test('is there in a transaction of its own', async () => {
    const [first, second] = replaced;
    const apart = [[inserted(rows('1'))], [must(first, 'a delete')], [must(second, 'an insert')]];
    expect(await titleIn(await graphAfter(hiding, ...apart))).toEqual({ genre: 'Crime' });
  });

  test('is there where a delete is a property, since of properties the rank tells the last one', async () => {
    const first = [inserted(rows('1'))];
    expect(await titleIn(await graphAfter(marking, first, replaced))).toEqual({
      genre: 'Crime',
      deleted: false,
    });
    const gone = [...replaced, deleted(rows('1', 't-1', 'Crime'))];
    expect(await titleIn(await graphAfter(marking, first, gone))).toMatchObject({ deleted: true });
  });
});

describe('rows of a join table that are all deleted and inserted again in one transaction', () => {
  const before = [inserted(rows('1')), inserted(rows('2', 't-1', 'Crime'))];
  const emptied = [deleted(rows('1')), deleted(rows('2', 't-1', 'Crime'))];
  const filled = [inserted(rows('3')), inserted(rows('4', 't-1', 'Noir'))];

  test('leave the edges hidden that were there before', async () => {
    expect(await edgesIn(await graphAfter(joined(), before))).toBe(2);
    // Only the one that is new is seen.
    expect(await edgesIn(await graphAfter(joined(), before, [...emptied, ...filled]))).toBe(1);
  });

  test('leave their edges where each row’s own id is the key', async () => {
    expect(await edgesIn(await graphAfter(joined('id'), before))).toBe(2);
    expect(await edgesIn(await graphAfter(joined('id'), before, [...emptied, ...filled]))).toBe(2);
  });

  test('leave their elements where they are a set, since of elements the rank tells the last word', async () => {
    const store = await graphAfter(asSet, before, [...emptied, ...filled]);
    expect(await titleIn(store)).toEqual({ genres: ['Drama', 'Noir'] });
    const emptiedAgain = [...emptied, ...filled, deleted(rows('4', 't-1', 'Noir'))];
    expect(await titleIn(await graphAfter(asSet, before, emptiedAgain))).toEqual({ genres: ['Drama'] });
  });
});
