import { mkdtemp, readdir, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { silentLog } from '../../foundation/index.ts';
import { broadcastOf, type LiveEvent, type Removal } from '../live-event.ts';
import { LevelLiveJournal } from './level-live-journal.ts';
import type { LiveJournal } from './live-journal.ts';
import { LiveService, liveServiceLimitsDefault } from './live-service.ts';
import { advanceTo, asking, createFight, startMs } from './live-testing.ts';

const limits = { entriesMax: 20, removalsMax: 3 };

const removalOf = (event: string): Removal => ({
  ...{ event, title: event, stage: 'ended', timeMs: startMs },
  ...{ actor: 'operator', reason: `enough of ${event}` },
});

function serviceOf(journal: LiveJournal): LiveService {
  const clock = { now: () => startMs, sleep: async () => undefined };
  return new LiveService({ journal, clock, log: silentLog, limits: liveServiceLimitsDefault });
}

describe('The journal of live events', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'live-journal-'));
    onTestFinished(() => rm(folder, { recursive: true }));
  });
  const open = (): Promise<LevelLiveJournal> => LevelLiveJournal.open(folder, 5000, limits);

  /** Creates it and changes its plan so often: entries 1 to `changes` + 1. */
  async function filled(id: string, changes: number): Promise<LiveEvent> {
    const service = serviceOf(await open());
    await service.run(id, createFight, asking);
    let last = service.get(id);
    for (let i = 0; i < changes; i += 1)
      last = (await service.run(id, { kind: 'plan', plan: `p${i}` }, asking)).after;
    await service.close();
    if (last === null) throw new Error('nothing was created');
    return last;
  }

  it('gives back the newest state of each event, its plan as well, after it was opened again', async () => {
    const before = [await filled('a', 3), await filled('a.b', 1), await filled('a-b', 0)];
    const journal = await open();
    expect(journal.epoch).toBe(5000);
    expect(journal.events.toSorted((a, b) => b.sequence - a.sequence)).toEqual(before);
    const [newest, ...older] = await journal.last('a', 2);
    expect(newest).toMatchObject({ command: 'plan', sequence: 4, actor: 'operator' });
    expect(newest?.after).not.toHaveProperty('plan');
    expect(older).toHaveLength(1);
    expect(await journal.last('a.b', 100)).toHaveLength(2);
    expect(await journal.last('b', 100)).toEqual([]);
    await journal.close();
  });

  it('answers what followed a sequence, and null for what was trimmed, is ahead or is unknown', async () => {
    const event = await filled('a', 29);
    const journal = await open();
    expect(await journal.broadcastsAfter('a', 30)).toEqual([]);
    expect(await journal.broadcastsAfter('a', 29)).toEqual([broadcastOf(event)]);
    const all = await journal.broadcastsAfter('a', 10);
    expect(all?.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 20 }, (_, i) => 11 + i));
    expect(await journal.broadcastsAfter('a', 9)).toBe(null);
    expect(await journal.broadcastsAfter('a', 31)).toBe(null);
    expect(await journal.broadcastsAfter('b', 0)).toBe(null);
    await journal.close();
    const db = new ClassicLevel(folder);
    expect(await db.keys({ gte: 'ea', lt: 'f' }).all()).toHaveLength(20);
    await db.close();
  });

  it('answers without a hole or says that it cannot, while entries are appended and trimmed', async () => {
    const service = serviceOf(await open());
    await service.run('a', createFight, asking);
    let reads = 0;
    let isOver = false;
    const reader = async (): Promise<void> => {
      while (!isOver) {
        const newest = service.get('a')?.sequence ?? 0;
        const from = Math.max(0, newest - 1 - (reads % 20));
        const found = await service.broadcastsAfter('a', from);
        reads += 1;
        if (found === null) continue;
        expect(found.map(({ sequence }) => sequence)).toEqual(found.map((_, i) => from + 1 + i));
        expect(from + found.length).toBeGreaterThanOrEqual(newest);
      }
    };
    const reading = Promise.all([reader(), reader()]);
    for (let i = 0; i < 200; i += 1) await service.run('a', { kind: 'plan', plan: `${i}` }, asking);
    isOver = true;
    await reading;
    await service.close();
    expect(reads).toBeGreaterThan(50);
  });

  it('that begins another life has a greater epoch, first sequences and versions that no device holds', async () => {
    const before = await filled('a', 3);
    let journal = await open();
    await journal.remove(removalOf('nothing'));
    expect(await journal.renewEpoch(4000, 'local')).toBe(5001);
    const after = { ...before, epoch: 5001, sequence: 1, version: before.version + 1000 };
    expect(journal.events).toEqual([after]);
    expect(await journal.broadcastsAfter('a', 0)).toEqual([broadcastOf(after)]);
    await journal.close();
    journal = await open();
    expect(journal.events).toEqual([after]);
    const [renewed, ...older] = await journal.last('a', 100);
    expect(renewed).toMatchObject({ command: 'epoch', sequence: 1, actor: 'local' });
    expect(older.map(({ sequence }) => sequence)).toEqual([4, 3, 2, 1]);
    const service = serviceOf(journal);
    await service.run('a', advanceTo(null), asking);
    expect((await service.broadcastsAfter('a', 0))?.map(({ epoch }) => epoch)).toEqual([5001, 5001]);
    await service.close();
  });

  it('forgets an event that is removed but for its id, which is free in the next life', async () => {
    await filled('a', 3);
    await filled('b', 0);
    let journal = await open();
    await journal.setPublished('a', { epoch: 5000, sequence: 4 });
    await journal.remove(removalOf('a'));
    await journal.close();
    journal = await open();
    expect(journal.events.map(({ id }) => id)).toEqual(['b']);
    expect(journal.wasRemoved('a')).toBe(true);
    expect(journal.published('a')).toBe(null);
    expect(await journal.last('a', 100)).toEqual([]);
    await journal.renewEpoch(9000, 'local');
    expect(journal.wasRemoved('a')).toBe(false);
    await journal.close();
  });

  it('keeps who removed what through restarts and lives, the newest of them', async () => {
    for (const id of ['a', 'b', 'c', 'd', 'e']) await filled(id, 0);
    let journal = await open();
    await journal.remove(removalOf('nothing'));
    for (const id of ['a', 'b', 'c']) await journal.remove(removalOf(id));
    await journal.renewEpoch(9000, 'local');
    await journal.close();
    journal = await open();
    await journal.remove(removalOf('d'));
    expect(await journal.removals(2)).toEqual([removalOf('d'), removalOf('c')]);
    expect((await journal.removals(100)).map(({ event }) => event)).toEqual(['d', 'c', 'b']);
    await journal.close();
  });

  it('remembers what was published last', async () => {
    await filled('a', 1);
    let journal = await open();
    await journal.setPublished('a', { epoch: 5000, sequence: 2 });
    await journal.setPublished('gone', { epoch: 5000, sequence: 2 });
    await journal.close();
    journal = await open();
    expect(journal.published('a')).toEqual({ epoch: 5000, sequence: 2 });
    expect(journal.published('gone')).toBe(null);
    await journal.close();
  });

  it('has one writer', async () => {
    const journal = await open();
    await expect(open()).rejects.toMatchObject({ code: 'LIVE_JOURNAL_LOCKED', reaction: 'stop' });
    await journal.close();
  });

  it('refuses by name what another version wrote, what is no journal and what is damaged', async () => {
    await (await open()).close();
    const db = new ClassicLevel(folder);
    await db.put('mformat', '99');
    await db.close();
    await expect(open()).rejects.toMatchObject({ code: 'LIVE_JOURNAL_FORMAT' });
    await db.open();
    await db.del('mformat');
    await db.close();
    await expect(open()).rejects.toMatchObject({ code: 'LIVE_JOURNAL_FORMAT' });
    const manifest = (await readdir(folder)).find((name) => name.startsWith('MANIFEST'));
    await truncate(join(folder, manifest ?? 'none'), 3);
    await expect(open()).rejects.toMatchObject({ code: 'LIVE_JOURNAL_CORRUPT' });
  });
});
