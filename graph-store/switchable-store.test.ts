import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { pack } from './conformance-graphs.ts';
import { advance, ann, event, named, nameOf, source } from './conformance-subject.ts';
import { openLevelStore } from './leveldb-store.ts';
import type { EmbeddedStore } from './store-inspection.ts';
import { SwitchableStore } from './switchable-store.ts';

async function openStore(): Promise<EmbeddedStore> {
  const folder = await mkdtemp(join(tmpdir(), 'graph-store-switch-'));
  const store = await openLevelStore({ folder }, systemClock);
  onTestFinished(async () => {
    await store.close();
    await rm(folder, { recursive: true, force: true });
  });
  return store;
}

it('A store that another one replaces ends what is under way, and fences batches of claims that were made before', async () => {
  const first = await openStore();
  const second = await openStore();
  const store = new SwitchableStore(first);
  const claim = await store.claim(source);
  await store.apply(advance(claim, 0, 1), pack([event(1, [named('first')])]));

  const underWay = [
    store.node(ann),
    store.apply(advance(claim, 1, 2), pack([event(2, [named('late')])])),
  ] as const;
  const { before, idle } = store.replace(second);
  expect(before).toBe(first);
  await idle;
  // Both ended in the store that they were asked of.
  expect((await underWay[0])?.properties).toMatchObject([{ value: 'first' }]);
  await underWay[1];
  expect(await first.sources()).toMatchObject([{ next: 2n }]);

  expect(await store.node(ann)).toBeNull();
  const stale = store.apply(advance(claim, 2, 3), pack([event(3, [named('stale')])]));
  await expect(stale).rejects.toMatchObject({ code: 'FENCED' });
  const again = await store.claim(source);
  expect(again.next).toBeNull();
  await store.apply(advance(again, 0, 1), pack([event(1, [named('second')])]));
  expect(await nameOf(store)).toEqual([['second', 1]]);
  expect(await nameOf(first)).toEqual([['late', 2]]);
});

it('A claim that was under way when the store was replaced counts for nothing', async () => {
  const store = new SwitchableStore(await openStore());
  const claiming = store.claim(source);
  store.replace(await openStore());
  const claim = await claiming;
  const stale = store.apply(advance(claim, 0, 1), pack([event(1, [named('stale')])]));
  await expect(stale).rejects.toMatchObject({ code: 'FENCED' });
});

it('A store that another one replaces waits for a sample of its figures, and not for a count of every row, which ends with it', async () => {
  const [first, second, third] = [await openStore(), await openStore(), await openStore()];
  const store = new SwitchableStore(first);
  const leave = async (next: EmbeddedStore): Promise<void> => {
    const { before, idle } = store.replace(next);
    await idle;
    await before.close();
  };
  const sampled = expect(store.stats(false)).resolves.toMatchObject({ rows: 0 });
  await leave(second);
  await sampled;
  const counted = expect(store.stats(true)).rejects.toMatchObject({ reaction: 'outage' });
  await leave(third);
  await counted;
});
