import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { pack } from './conformance-graphs.ts';
import { advance, dark, event, named, source, watched } from './conformance-subject.ts';
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
