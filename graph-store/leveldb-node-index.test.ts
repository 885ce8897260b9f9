import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { expect, it, onTestFinished, vi } from 'vitest';
import { must, systemClock } from '../foundation/index.ts';
import { pack } from './conformance-graphs.ts';
import { advance, dark, event, named, source, watched } from './conformance-subject.ts';
import { completeIndex, indexComplete } from './leveldb-node-index.ts';
import { openLevel } from './leveldb-open.ts';
import { defaultLevelSettings } from './leveldb-protocol.ts';
import { restoreLevel } from './leveldb-restore.ts';
import { openLevelStore } from './leveldb-store.ts';

it('A store of before there was an index of nodes gets one at its next start, stubs left out', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'graph-store-index-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const scan = async (): Promise<unknown> => {
    const store = await openLevelStore({ folder }, systemClock);
    try {
      const accounts = await store.bulk.scan({ type: 'Account', after: null, limit: 10 });
      const titles = await store.bulk.scan({ type: 'Title', after: null, limit: 10 });
      return [accounts.ids, accounts.share, titles.ids];
    } finally {
      await store.close();
    }
  };
  const store = await openLevelStore({ folder }, systemClock);
  await store.apply(
    advance(await store.claim(source), 0, 1),
    pack([event(1, [named('Ann'), watched(dark)])]),
  );
  await store.close();
  expect(await scan()).toEqual([['ann'], 1, []]);

  const db = new ClassicLevel<string, string>(folder);
  await db.clear({ gte: 'i', lt: 'j' });
  await db.del('mindex');
  await db.close();
  expect(await scan()).toEqual([['ann'], 1, []]);
});

it('A node that a sweep takes away is found no more, and found again when it comes back', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'graph-store-index-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const store = await openLevelStore({ folder }, { ...systemClock, now: () => 1_000 });
  onTestFinished(() => store.close());
  const claim = await store.claim(source);
  const accounts = async () => (await store.bulk.scan({ type: 'Account', after: null, limit: 10 })).ids;
  await store.apply(advance(claim, 0, 1), pack([event(1, [named('Ann')])]));
  await store.setTimeToLive({ nodes: { Account: 10 }, edges: {} });
  expect((await store.sweep(null, 100)).removed).toBe(1);
  expect(await accounts()).toEqual([]);
  await store.apply(advance(claim, 1, 2), pack([event(995, [named('Ann')])]));
  expect(await accounts()).toEqual(['ann']);
});

async function* rowsOf(
  rows: readonly (readonly [Buffer, Buffer])[],
): AsyncGenerator<readonly [Buffer, Buffer]> {
  yield* rows;
}

it('The mark of a complete index is put when the rows before it are on the disk, and by restoring as well', async () => {
  const around = await mkdtemp(join(tmpdir(), 'graph-store-index-'));
  onTestFinished(() => rm(around, { recursive: true }));
  const db = await openLevel({ ...defaultLevelSettings, folder: join(around, 'old') });
  onTestFinished(() => db.close());
  // Other files share the process, and a test that fails must not leave them a spy.
  onTestFinished(() => void vi.restoreAllMocks());
  const compact = vi.spyOn(db.raw, 'compactRange');
  const put = vi.spyOn(Object.getPrototypeOf(db.batch()), 'put');
  await completeIndex(db);
  expect(put.mock.calls).toEqual([[indexComplete, Buffer.from('1')]]);
  const [compacted, marked] = [compact, put].map(({ mock }) => mock.invocationCallOrder[0]);
  expect(compacted).toBeLessThan(must(marked, 'it was put'));
  expect(await db.get(indexComplete)).toBeDefined();

  const restored = await openLevel({ ...defaultLevelSettings, folder: join(around, 'restored') });
  onTestFinished(() => restored.close());
  await restoreLevel(restored, {
    sources: [],
    timeToLive: { nodes: {}, edges: {} },
    rows: () => rowsOf([]),
  });
  expect(await restored.get(indexComplete)).toBeDefined();
});
