import { mkdtemp, readdir, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import fc from 'fast-check';
import { RoaringBitmap32 } from 'roaring-wasm';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { AudienceStore } from './audience-store.ts';

const limits = { countMax: 10, bytesMax: 2 ** 20 };

describe('The store of audiences', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'audience-store-'));
    onTestFinished(() => rm(folder, { recursive: true }));
  });

  it('refuses by name what another version wrote, and what is no store of audiences', async () => {
    await (await AudienceStore.open(folder, limits)).close();
    const db = new ClassicLevel(folder);
    await db.put('mformat', '99');
    await db.close();
    await expect(AudienceStore.open(folder, limits)).rejects.toMatchObject({ code: 'AUDIENCES_FORMAT' });
    await db.open();
    await db.del('mformat');
    await db.put('x', 'y');
    await db.close();
    await expect(AudienceStore.open(folder, limits)).rejects.toMatchObject({ code: 'AUDIENCES_FORMAT' });
  });

  it('refuses by name a folder that is damaged', async () => {
    await (await AudienceStore.open(folder, limits)).close();
    const manifest = (await readdir(folder)).find((name) => name.startsWith('MANIFEST'));
    await truncate(join(folder, manifest ?? 'none'), 3);
    await expect(AudienceStore.open(folder, limits)).rejects.toMatchObject({ code: 'AUDIENCES_CORRUPT' });
  });

  it('gives each member one number for ever, however many come and whenever it is asked', async () => {
    const calls = fc.array(
      fc.record({
        type: fc.constantFrom('Account', 'Profile'),
        ids: fc.uniqueArray(
          fc.nat({ max: 3000 }).map((n) => `m${n}é`),
          { minLength: 1, maxLength: 400 },
        ),
        expected: fc.constantFrom(0, 100, 100_000, 10_000_000),
        reopens: fc.boolean(),
      }),
      { minLength: 1, maxLength: 8 },
    );
    let runs = 0;
    const property = fc.asyncProperty(calls, async (asked) => {
      const own = join(folder, `${++runs}`);
      let store = await AudienceStore.open(own, limits);
      const known = new Map<string, number>();
      for (const { type, ids, expected, reopens } of asked) {
        const numbers = await store.numbersOf(type, ids, expected);
        for (const [i, id] of ids.entries()) {
          const name = `${type} ${id}`;
          expect(numbers[i]).toBe(known.get(name) ?? numbers[i]);
          known.set(name, numbers[i] ?? -1);
        }
        if (!reopens) continue;
        await store.close();
        store = await AudienceStore.open(own, limits);
      }
      // No two share one, and none was left out.
      expect([...known.values()].sort((a, b) => a - b)).toEqual([...known.keys()].map((_name, i) => i));
      const row = { id: 'x', name: 'n', key: 'k', memberType: 'Account', definition: '{}', askedBy: null, frozenAtMs: 0, tookMs: 0, cutShort: 0, sources: [], sourcesAfter: [] }; // biome-ignore format: one row
      await store.put(row, new RoaringBitmap32([...known.values()]));
      const { members } = await store.page('x', null, known.size);
      expect(members.map(({ type, id }) => known.get(`${type} ${id}`))).toEqual(members.map((_one, i) => i));
      await store.close();
    });
    // A look by fewer expected members once missed what one by more had written.
    const again = (expected: number) => ({ type: 'Account', ids: ['m0é'], expected, reopens: true });
    await fc.assert(property, { numRuns: 15, examples: [[[again(10_000_000), again(0)]]] });
    expect(runs).toBeGreaterThanOrEqual(15);
  }, 60_000);
});
