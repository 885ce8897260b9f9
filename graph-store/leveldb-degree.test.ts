import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { advance, source } from './conformance-subject.ts';
import type { GraphStore } from './graph-store.ts';
import { openLevelStore } from './leveldb-store.ts';
import { createMutationBatch } from './mutation-batch.ts';

const rows = 60_000;
const rowsPerBatch = 2_000;
const yearMs = 365 * 86_400_000;
const title = { type: 'Title', id: 'supernode' };
const seed = 7;

/** Event times of a title: how members come to it. */
const shapes = {
  evenly: (random: () => number) => random() * yearMs,
  'most of them in two days of a year': (random: () => number) =>
    random() < 0.8 ? (100 + random() * 2) * 86_400_000 : random() * yearMs,
  'by day, hardly at night': (random: () => number) =>
    (Math.floor(random() * 365) + 0.5 + (random() + random() + random() - 1.5) / 4) * 86_400_000,
} as const;

describe('The degree of a supernode in LevelDB', () => {
  let folder: string;
  let store: GraphStore;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'graph-store-degree-'));
    // Smaller than the rows, so that some lie in files and some in memory.
    store = await openLevelStore({ folder, writeBufferBytes: 2 ** 20 }, systemClock);
  });
  afterEach(async () => {
    await store.close();
    await rm(folder, { recursive: true });
  });

  async function fill(timeOf: (random: () => number) => number): Promise<void> {
    let state = seed;
    const random = (): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    };
    const claim = await store.claim(source);
    for (let first = 0; first < rows; first += rowsPerBatch) {
      const batch = createMutationBatch();
      for (let i = first; i < first + rowsPerBatch; i += 1) {
        const from = { type: 'Account', id: `acc-${Math.floor(random() * 1e6)}` };
        const occurrence = (BigInt(Math.floor(random() * 2 ** 32)) << 32n) | BigInt(i);
        const edge = { kind: 'edge', type: 'WATCHED', from, to: title, properties: [['n', i]] } as const;
        batch.add({ timeMs: Math.floor(timeOf(random)), rank: 0, occurrence, mutations: [edge] });
      }
      await store.apply(advance(claim, first, first + rowsPerBatch), batch);
    }
  }

  const ask = { of: title, type: 'WATCHED', direction: 'in', sinceMs: 0, untilMs: 2 * yearMs } as const;

  it.each(Object.keys(shapes))('is estimated within a tenth, looking at few rows: %s', async (name) => {
    const [, timeOf] = Object.entries(shapes).find(([shape]) => shape === name) ?? [];
    if (timeOf === undefined) throw new Error(`no shape is called ${name}`);
    await fill(timeOf);
    expect(await store.degree({ ...ask, scanMax: rows })).toEqual({ count: rows, exact: true });
    const estimated = await store.degree({ ...ask, scanMax: 1_000 });
    expect(estimated.exact).toBe(false);
    expect(Math.abs(estimated.count / rows - 1), `seed ${seed}, estimated ${estimated.count}`).toBeLessThan(
      0.1,
    );
    // Of a part of the time as well: what lies outside does not count.
    const half = { ...ask, untilMs: yearMs / 2 };
    const exact = await store.degree({ ...half, scanMax: rows });
    expect(exact.exact).toBe(true);
    const part = await store.degree({ ...half, scanMax: 1_000 });
    expect(Math.abs(part.count / exact.count - 1), `seed ${seed}, ${part.count} of half`).toBeLessThan(0.1);
  });
});
