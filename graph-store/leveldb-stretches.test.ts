import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { must, systemClock } from '../foundation/index.ts';
import { crashAdvance, crashBatch, crashSource, crashSourceOf } from './crash-testing-batches.ts';
import type { GraphTable } from './graph-table.ts';
import { openLevel } from './leveldb-open.ts';
import { defaultLevelSettings } from './leveldb-protocol.ts';
import { openLevelStore } from './leveldb-store.ts';
import { LevelTableRows } from './leveldb-table-rows.ts';
import { folderFormat, folderFormatBefore, metaKey, stepsPrefix } from './rows.ts';
import type { EmbeddedStore } from './store-inspection.ts';
import { Expiry, keptForEver } from './time-to-live.ts';

const batches = 60;
const stretchBytes = 32 * 1024;
const account = { type: 'Account', id: 'a1' };

let around: string;
const folderOf = (name: string): string => join(around, name);

async function fill(
  name: string,
  settings: { readonly stretchBytes?: number },
  from: number,
  to: number,
): Promise<void> {
  const store = await openLevelStore({ folder: folderOf(name), windowBytesMax: 1, ...settings }, systemClock);
  const { epoch } = await store.claim(crashSource);
  for (let number = from; number < to; number += 1)
    await store.apply(crashAdvance(epoch, number), crashBatch(number));
  await store.close();
}

async function within<T>(name: string, work: (store: EmbeddedStore) => Promise<T>): Promise<T> {
  const store = await openLevelStore({ folder: folderOf(name) }, systemClock);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

describe('A store in stretches and one without, with the same events,', () => {
  beforeAll(async () => {
    around = await mkdtemp(join(tmpdir(), 'graph-store-stretches-'));
    await fill('plain', {}, 0, batches);
    await fill('stretched', { stretchBytes }, 0, batches / 2);
    // Opened again in between: what fills a stretch, and where they begin, is remembered.
    await fill('stretched', { stretchBytes }, batches / 2, batches);
    return () => rm(around, { recursive: true });
  });

  it('are not the same to LevelDB', async () => {
    const counts: number[] = [];
    for (const name of ['plain', 'stretched']) {
      const level = await openLevel({ ...defaultLevelSettings, folder: folderOf(name) });
      counts.push(level.stretches.count);
      expect((await level.raw.keys({ gte: Buffer.of(0x80), limit: 1 }).all()).length).toBe(
        name === 'plain' ? 0 : 1,
      );
      await level.close();
    }
    expect(counts[0]).toBe(1);
    expect(counts[1]).toBeGreaterThan(5);
  });

  it('have one digest, and verify as the same rows without a fault', async () => {
    const seen = [];
    for (const name of ['plain', 'stretched']) {
      seen.push(
        await within(name, async (store) => {
          const { hex } = await store.digest();
          for await (const event of store.verify(10)) {
            if (event.kind === 'verdict')
              return { hex, ...event.verdict, sources: [], otherRows: 0, bytes: 0 };
          }
          throw new TypeError('verifying ended without a verdict');
        }),
      );
    }
    expect(seen[0]).toMatchObject({ faults: 0, digest: seen[0]?.hex });
    expect(seen[0]?.rows.steps).toBe(batches * 50);
    expect(seen[1]).toEqual(seen[0]);
  });

  it('are counted alike', async () => {
    const seen = [];
    for (const name of ['plain', 'stretched']) seen.push(await within(name, (store) => store.stats(true)));
    const [plain, stretched] = seen;
    const of = must(plain, 'it was counted');
    const { rowsByKind, rowsByType, oldestEventMs, newestEventMs, unknownRows, rows } = of;
    expect(stretched).toMatchObject({
      rowsByKind,
      rowsByType,
      oldestEventMs,
      newestEventMs,
      unknownRows,
      rows,
    });
    expect(unknownRows).toBe(0);
  });

  it('compare as equal, and as differing in what differs', async () => {
    const verdictOf = (other: string): Promise<unknown> =>
      within('plain', async (store) => {
        let last: unknown = null;
        for await (const event of store.compare(folderOf(other), 10)) last = event;
        return last;
      });
    expect(await verdictOf('stretched')).toMatchObject({ verdict: { isEqual: true, differences: 0 } });
    await fill('longer', { stretchBytes }, 0, batches + 1);
    expect(await verdictOf('longer')).toMatchObject({ verdict: { isEqual: false } });
  });

  it.each<GraphTable>([
    { kind: 'nodes', type: 'Account' },
    { kind: 'nodes', type: 'Title' },
    { kind: 'edges', type: 'WATCHED' },
    { kind: 'steps' },
  ])('give the same table of %o', async (table) => {
    const seen: unknown[][] = [];
    for (const name of ['plain', 'stretched']) {
      const level = await openLevel({ ...defaultLevelSettings, folder: folderOf(name) });
      const snapshot = level.snapshot();
      const found: unknown[] = [];
      const reader = new LevelTableRows(level, snapshot, new Expiry(keptForEver, 0));
      for await (const page of reader.pages(table)) found.push(...page);
      await snapshot.close();
      await level.close();
      seen.push(found);
    }
    expect(seen[0]?.length).toBeGreaterThan(10);
    expect(seen[1]).toEqual(seen[0]);
  });

  it('have snapshots of which the same store comes', async () => {
    const digest = await within('plain', async (store) => (await store.digest()).hex);
    const restored = await openLevelStore({ folder: folderOf('restored'), stretchBytes }, systemClock);
    await within('stretched', async (store) => {
      await using snapshot = await store.snapshot();
      await restored.restore(snapshot);
    });
    expect((await restored.digest()).hex).toBe(digest);
    await restored.close();
    const level = await openLevel({ ...defaultLevelSettings, folder: folderOf('restored') });
    // All of it is the first stretch, which is full, and what comes after goes behind all of it.
    expect(level.stretches.newestMs).toBe((batches - 1) * 100 + 99);
    expect(level.stretches.bytes).toBeGreaterThan(stretchBytes);
    expect((await level.get(metaKey.format))?.toString()).toBe(folderFormat);
    await level.close();
    await fill('restored', { stretchBytes: 1 }, batches, batches + 2);
    await fill('plain-longer', {}, 0, batches + 2);
    const longer = await within('plain-longer', async (store) => (await store.digest()).hex);
    expect(await within('restored', async (store) => (await store.digest()).hex)).toBe(longer);
  });

  it('answer a journey page by page alike, from either end', async () => {
    for (const order of ['newest-first', 'oldest-first'] as const) {
      const pages: unknown[] = [];
      for (const name of ['plain', 'stretched']) {
        pages.push(
          await within(name, async (store) => {
            const found: unknown[] = [];
            for (let after = null; ; ) {
              const page = await store.journey({
                ...{ of: account, sinceMs: 200, untilMs: 5000, domains: null, order, after },
                ...{ limit: 3, scanMax: 1000, bytesMax: 2 ** 20 },
              });
              found.push(...page.steps.map(({ timeMs }) => timeMs));
              if (!page.more || page.last === null) return found;
              after = page.last;
            }
          }),
        );
      }
      expect(pages[0]).toMatchObject({ length: expect.any(Number) });
      expect(pages[1]).toEqual(pages[0]);
    }
  });

  it('are what a store of the format before becomes, which is read once for its newest event', async () => {
    const folder = folderOf('older');
    await fill('older', {}, 0, 2);
    const before = await openLevel({ ...defaultLevelSettings, folder });
    // As a version wrote it that knew of no stretches.
    await before.put(metaKey.format, Buffer.from(folderFormatBefore), { sync: true });
    await before.raw.del(metaKey.stretches);
    await before.close();
    const formatOf = async (): Promise<string> => {
      const level = await openLevel({ ...defaultLevelSettings, folder });
      const format = must(await level.get(metaKey.format), 'a store has a format').toString();
      await level.close();
      return format;
    };
    // Whoever only looks leaves it as it is, for the version that wrote it.
    await within('older', (store) => store.digest());
    expect(await formatOf()).toBe(folderFormatBefore);
    expect(await within('older', (store) => store.stats(false))).toMatchObject({
      format: folderFormatBefore,
    });
    await fill('older', { stretchBytes: 1 }, 2, 4);
    expect(await formatOf()).toBe(folderFormat);
    const level = await openLevel({ ...defaultLevelSettings, folder });
    // Nothing of before lies behind the boundary: what is put again lands on itself.
    expect(level.stretches.count).toBeGreaterThan(1);
    const steps = await level.keys({
      gte: stepsPrefix(account),
      lt: Buffer.concat([stepsPrefix(account), Buffer.of(0xff)]),
    });
    expect(new Set(steps.map(String)).size).toBe(steps.length);
    await level.close();
  });
});

it('Late events go where the events of their time are, and what is delivered again lies once', async () => {
  const root = await mkdtemp(join(tmpdir(), 'graph-store-late-'));
  onTestFinished(() => rm(root, { recursive: true }));
  const folder = join(root, 'data');
  const store = await openLevelStore({ folder, windowBytesMax: 1, stretchBytes }, systemClock);
  onTestFinished(() => store.close());
  const rowsAfter = async (partition: number): Promise<unknown> => {
    const { epoch } = await store.claim(crashSourceOf(partition));
    // The same events for each partition, so that all of the second one's are there and nearly all are late.
    for (let number = 0; number < 20; number += 1)
      await store.apply(crashAdvance(epoch, number, partition), crashBatch(number));
    for await (const event of store.verify(10)) {
      if (event.kind !== 'verdict') continue;
      const { faults, rows, digest } = event.verdict;
      return { faults, rows, digest };
    }
    throw new TypeError('verifying ended without a verdict');
  };
  const once = await rowsAfter(0);
  expect(once).toMatchObject({ faults: 0, rows: { steps: 20 * 50 } });
  expect(await rowsAfter(1)).toEqual(once);
});

describe('Verifying a store in stretches', () => {
  it('names a row that lies in another stretch than its time says, and a newest event that is not the newest', async () => {
    const root = await mkdtemp(join(tmpdir(), 'graph-store-misplaced-'));
    onTestFinished(() => rm(root, { recursive: true }));
    const folder = join(root, 'data');
    const store = await openLevelStore({ folder, windowBytesMax: 1, stretchBytes }, systemClock);
    const { epoch } = await store.claim(crashSource);
    for (let number = 0; number < 20; number += 1)
      await store.apply(crashAdvance(epoch, number), crashBatch(number));
    await store.close();
    const level = await openLevel({ ...defaultLevelSettings, folder });
    expect(level.stretches.count).toBeGreaterThan(1);
    const prefix = stepsPrefix(account);
    const [newest] = await level.keys({
      gte: prefix,
      lt: Buffer.concat([prefix, Buffer.of(0xff)]),
      limit: 1,
    });
    const key = must(newest, 'the account has steps');
    const value = must((await level.getOccurrences([key]))[0], 'the newest is there');
    await level.raw.del(level.stretches.storedKey(key));
    await level.put(key, value);
    const row: object = JSON.parse(
      must(await level.get(metaKey.stretches), 'it says where they begin').toString(),
    );
    await level.put(metaKey.stretches, Buffer.from(JSON.stringify({ ...row, newestMs: 1500 })));
    await level.close();
    const damaged = await openLevelStore({ folder }, systemClock);
    onTestFinished(() => damaged.close());
    const seen: unknown[] = [];
    for await (const event of damaged.verify(10)) seen.push(event);
    const what = (text: RegExp) => expect.objectContaining({ what: expect.stringMatching(text) });
    expect(seen.at(-1)).toMatchObject({
      verdict: { faults: 2, firstFaults: [what(/another stretch/), what(/newer than it says/)] },
    });
  });
});
