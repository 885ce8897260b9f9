import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Clock, systemClock } from '../foundation/index.ts';
import { edgeTypes, events, nodes, pack } from './conformance-graphs.ts';
import { advance, hop, journeyOf, source } from './conformance-subject.ts';
import type { GraphStore } from './graph-store.ts';
import type { GraphTable, GraphTableRow } from './graph-table.ts';
import type { Level } from './level.ts';
import { LevelInspection } from './leveldb-inspection.ts';
import { openLevel } from './leveldb-open.ts';
import { defaultLevelSettings } from './leveldb-protocol.ts';
import { restoreLevel } from './leveldb-restore.ts';
import { LevelTableRows } from './leveldb-table-rows.ts';
import { createMemoryStore } from './memory-store.ts';
import type { EventMutations, Property } from './model.ts';
import { Expiry, keptForEver, type TimeToLive } from './time-to-live.ts';

const nowMs = 7;
const clock: Clock = { ...systemClock, now: () => nowMs };
const tables: readonly GraphTable[] = [
  { kind: 'nodes', type: 'A' },
  { kind: 'nodes', type: 'B' },
  ...edgeTypes.map((type) => ({ kind: 'edges', type }) as const),
  { kind: 'steps' },
];

/** What the store's own reads say of everything in the small world. */
async function readsOf(store: GraphStore): Promise<Map<string, unknown[]>> {
  const found = new Map<string, unknown[]>();
  for (const of of nodes) {
    const view = await store.node(of);
    if (view !== null) add(found, `nodes ${of.type}`, view);
    for (const type of edgeTypes) {
      const page = await store.adjacency(hop(of, 'out', { type, limit: 1000, scanMax: 1000 }));
      for (const occurrence of page.occurrences) add(found, `edges ${type}`, occurrence);
    }
    for (const step of (await store.journey(journeyOf(of))).steps) add(found, 'steps', step);
  }
  return found;
}

function add(to: Map<string, unknown[]>, key: string, what: unknown): void {
  to.set(key, [...(to.get(key) ?? []), what]);
}

async function tablesOf(db: Level, rules: TimeToLive): Promise<Map<string, unknown[]>> {
  const found = new Map<string, unknown[]>();
  await using snapshot = db.snapshot();
  const reader = new LevelTableRows(db, snapshot, new Expiry(rules, nowMs));
  for (const table of tables) {
    const name = 'type' in table ? `${table.kind} ${table.type}` : table.kind;
    for await (const page of reader.pages(table)) for (const row of page) add(found, name, viewOf(row));
  }
  return found;
}

/** As a read gives it. */
function viewOf(row: GraphTableRow): unknown {
  if (row.kind === 'node') {
    const { kind: _, timeMs: __, ...view } = row;
    return view;
  }
  const { kind: _, ...view } = row;
  return view;
}

/** The reference with a graph, and the same graph as LevelDB has it. */
async function filled(batch: readonly EventMutations[], rules: TimeToLive = keptForEver) {
  const store = createMemoryStore(clock);
  const claim = await store.claim(source);
  await store.setTimeToLive(rules);
  await store.apply(advance(claim, 0, batch.length), pack(batch));
  const folder = await mkdtemp(join(tmpdir(), 'graph-store-tables-'));
  const db = await openLevel({ ...defaultLevelSettings, folder });
  onTestFinished(async () => {
    await db.close();
    await rm(folder, { recursive: true, force: true });
  });
  await restoreLevel(db, await store.snapshot());
  return { store, db, folder };
}

async function rowsOf(db: Level, table: GraphTable): Promise<(readonly GraphTableRow[])[]> {
  await using snapshot = db.snapshot();
  const pages: (readonly GraphTableRow[])[] = [];
  const reader = new LevelTableRows(db, snapshot, new Expiry(keptForEver, nowMs));
  for await (const page of reader.pages(table)) pages.push(page);
  return pages;
}

const sorted = (found: Map<string, unknown[]>): unknown =>
  [...found]
    .map(([key, rows]) => [key, rows.map((row) => JSON.stringify(row, bigints)).sort()] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
/** Whatever the order of an object's fields. */
const bigints = (_key: string, value: unknown): unknown => {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
};

describe('Tables of a LevelDB store', () => {
  it.each<[string, TimeToLive]>([
    ['everything is kept', keptForEver],
    ['some types are kept for a while', { nodes: { A: 4 }, edges: { EE: 3 } }],
  ])('hold what its reads show, and nothing else, when %s', async (_what, rules) => {
    for (const batch of fc.sample(events(), { numRuns: 25, seed: 5 })) {
      const { store, db } = await filled(batch, rules);
      expect(sorted(await tablesOf(db, rules))).toEqual(sorted(await readsOf(store)));
    }
  });

  it('say of a node when it was mentioned last', async () => {
    const from = { type: 'A', id: 'x' };
    const to = { type: 'B', id: 'y' };
    const properties: Property[] = [['p', 1]];
    const { db } = await filled([
      { timeMs: 1, rank: 0, occurrence: 1n, mutations: [{ kind: 'node', node: from, properties }] },
      {
        timeMs: 5,
        rank: 0,
        occurrence: 2n,
        mutations: [{ kind: 'edge', type: 'E', from, to, properties: [] }],
      },
    ]);
    expect((await rowsOf(db, { kind: 'nodes', type: 'A' })).flat()).toMatchObject([
      { node: from, timeMs: 5, properties: [{ name: 'p', value: 1, timeMs: 1 }] },
    ]);
    const stubs = await rowsOf(db, { kind: 'nodes', type: 'B' });
    expect(stubs.flat()).toMatchObject([{ node: to, timeMs: 5, properties: [] }]);
  });

  it('come in pages, and a title with very many edges is passed over', async () => {
    const title = { type: 'Title', id: 'hit' };
    const { db } = await filled(
      Array.from({ length: 9_000 }, (_, i): EventMutations => {
        const from = { type: 'Account', id: `a${i}` };
        const watched = { kind: 'edge', type: 'WATCHED', from, to: title, properties: [] } as const;
        return { timeMs: i, rank: 0, occurrence: BigInt(i), mutations: [watched] };
      }),
    );
    const sizes = (await rowsOf(db, { kind: 'edges', type: 'WATCHED' })).map((page) => page.length);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(9_000);
    expect(Math.max(...sizes)).toBeLessThan(4_096 + 1_024);
    const titles = await rowsOf(db, { kind: 'nodes', type: 'Title' });
    expect(titles.flat()).toMatchObject([{ node: title, timeMs: 8_999 }]);
  });
});

describe('A thread that writes a table', () => {
  it.each<GraphTable>([
    { kind: 'nodes', type: 'Rare' },
    { kind: 'edges', type: 'RARE' },
  ])('ends on its way to the first of rare $kind when it is told to', async (table) => {
    const { folder } = await filled(
      Array.from({ length: 5_000 }, (_, i): EventMutations => {
        const node = { type: 'Account', id: `a${i}` };
        return {
          timeMs: i,
          rank: 0,
          occurrence: BigInt(i),
          mutations: [{ kind: 'node', node, properties: [] }],
        };
      }),
    );
    const module = new URL('./leveldb-table-thread.fake.ts', import.meta.url).href;
    const encoding = { module, options: null };
    const inspection = new LevelInspection(
      { ...defaultLevelSettings, folder },
      { kind: 'table', table, encoding, timeToLive: keptForEver, nowMs },
    );
    await inspection.ready();
    const piece = inspection.replies().next();
    const stopped = inspection.stop();
    await expect(piece).rejects.toMatchObject({
      code: 'STORE_READ_FAILED',
      message: expect.stringMatching(/^Reading .* was stopped before it had ended/),
    });
    await stopped;
  });
});
