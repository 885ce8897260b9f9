import { describe, expect, it } from 'vitest';
import { type Log, silentLog } from '../../foundation/index.ts';
import type { JournalEntry } from '../live-event.ts';
import { FakeLiveJournal } from './live-journal.fake.ts';
import { LiveService, type LiveServiceLimits, liveServiceLimitsDefault } from './live-service.ts';
import { advanceTo, asking, createFight, startMs } from './live-testing.ts';

function start(over: Partial<LiveServiceLimits> = {}, journal = new FakeLiveJournal(), log: Log = silentLog) {
  const clock = { now: () => startMs, sleep: async () => undefined };
  const service = new LiveService({ journal, clock, log, limits: { ...liveServiceLimitsDefault, ...over } });
  const told: JournalEntry[] = [];
  service.watch((entry) => {
    // Whoever is told finds it in the journal and in the state.
    expect(journal.disk.entries).toContain(entry);
    expect(service.get(entry.event)).toBe(entry.after);
    told.push(entry);
  });
  return { service, journal, told };
}

describe('The service of live events', () => {
  it('lets commands of one event take turns, whatever is asked at the same time', async () => {
    const { service, told } = start();
    await service.run('a', createFight, asking);
    const from = 'announced';
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, () => service.run('a', { kind: 'advance', to: null, from }, asking)),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(told.map(({ sequence, after }) => [sequence, after.stage])).toEqual([
      [1, 'announced'],
      [2, 'lobby'],
    ]);
  });

  it('shows nothing and tells nobody before a change is durable', async () => {
    const { service, journal, told } = start();
    let written: () => void = () => undefined;
    journal.onWrite = () => new Promise((resolve) => (written = resolve));
    const creating = service.run('a', createFight, asking);
    await Promise.resolve();
    await Promise.resolve();
    expect(service.get('a')).toBe(null);
    expect(told).toEqual([]);
    written();
    await creating;
    expect(told).toHaveLength(1);
  });

  it('changes nothing when the journal cannot be written, and goes on afterwards', async () => {
    const { service, journal, told } = start();
    await service.run('a', createFight, asking);
    journal.isBroken = true;
    await expect(service.run('a', advanceTo(null), asking)).rejects.toMatchObject({
      code: 'LIVE_JOURNAL_WRITE_FAILED',
    });
    expect(service.get('a')).toMatchObject({ stage: 'announced', sequence: 1 });
    journal.isBroken = false;
    await service.run('a', advanceTo(null), asking);
    expect(told.map(({ sequence }) => sequence)).toEqual([1, 2]);
  });

  it('tells the others when a watcher fails, and logs that', async () => {
    const logged: object[] = [];
    const log = { ...silentLog, error: (fields: object) => void logged.push(fields) };
    const { service, journal } = start({}, new FakeLiveJournal(), log);
    service.watch(() => {
      throw new Error('a fault of the watcher');
    });
    const later: number[] = [];
    const stop = service.watch(({ sequence }) => later.push(sequence));
    await service.run('a', createFight, asking);
    stop();
    await service.run('a', advanceTo(null), asking);
    expect(later).toEqual([1]);
    expect(logged).toHaveLength(2);
    expect(journal.disk.entries).toHaveLength(2);
  });

  it('tries a command out without changing anything', async () => {
    const { service, told } = start();
    expect(service.tryOut('a', createFight, asking).after).toMatchObject({ stage: 'announced' });
    expect(() => service.tryOut('a', { kind: 'end' }, asking)).toThrow('There is no event a');
    expect(service.list()).toEqual([]);
    expect(told).toEqual([]);
  });

  it('keeps so many events and so many bytes of plans, those on their way included', async () => {
    const { service } = start({ eventsMax: 2, plansBytesMax: 10 });
    const create = (id: string, plan: string | null) => service.run(id, { ...createFight, plan }, asking);
    const outcomes = await Promise.allSettled([
      create('a', '12345'),
      create('b', '123456'),
      create('c', null),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    await expect(create('d', null)).rejects.toMatchObject({ code: 'LIVE_EVENTS_FULL' });
    await service.run('a', { kind: 'plan', plan: '1' }, asking);
    await service.run('c', { kind: 'plan', plan: '123456789' }, asking);
    await expect(service.run('a', { kind: 'plan', plan: '12' }, asking)).rejects.toMatchObject({
      code: 'LIVE_EVENTS_FULL',
    });
  });

  it('lets only so many commands of an event wait', async () => {
    const { service } = start({ waitingMax: 2 });
    const outcomes = await Promise.allSettled([
      service.run('a', createFight, asking),
      service.run('a', advanceTo(null), asking),
      service.run('a', advanceTo(null), asking),
      service.run('b', createFight, asking),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
    expect(outcomes[2]).toMatchObject({ reason: { code: 'LIVE_BUSY' } });
  });

  it('removes what is over, and gives its id to nobody else', async () => {
    const { service } = start();
    await service.run('a', createFight, asking);
    await expect(service.remove('a', asking)).rejects.toMatchObject({ code: 'LIVE_TRANSITION_REFUSED' });
    await service.run('a', { kind: 'cancel' }, asking);
    expect(service.wasRemoved('a')).toBe(false);
    await service.remove('a', asking);
    expect(service.get('a')).toBe(null);
    expect(service.wasRemoved('a')).toBe(true);
    await expect(service.remove('a', asking)).rejects.toMatchObject({ code: 'LIVE_EVENT_UNKNOWN' });
    await expect(service.run('a', createFight, asking)).rejects.toMatchObject({ code: 'LIVE_EVENT_EXISTS' });
  });

  it('keeps who removed an event and why, and tells of it once that is durable', async () => {
    const { service, journal } = start();
    const gone: string[] = [];
    const stop = service.watchRemovals((id) => {
      expect([...journal.disk.removed.keys()]).toEqual([id]);
      expect(service.get(id)).toBe(null);
      gone.push(id);
    });
    await service.run('a', createFight, asking);
    await service.run('a', { kind: 'cancel' }, asking);
    const why = { actor: 'token:eva', reason: 'a rehearsal', expectedVersion: null };
    expect(service.tryRemoval('a', why)).toMatchObject({ event: 'a', actor: 'token:eva' });
    const long = { ...why, reason: 'x'.repeat(501) };
    await expect(service.remove('a', long)).rejects.toMatchObject({ code: 'LIVE_EVENT_INVALID' });
    const stale = { ...why, expectedVersion: 99 };
    await expect(service.remove('a', stale)).rejects.toMatchObject({ code: 'LIVE_VERSION_STALE' });
    journal.isBroken = true;
    await expect(service.remove('a', why)).rejects.toMatchObject({ code: 'LIVE_JOURNAL_WRITE_FAILED' });
    expect(gone).toEqual([]);
    journal.isBroken = false;
    await service.remove('a', why);
    expect(gone).toEqual(['a']);
    stop();
    const { title } = createFight;
    expect(await service.removals(10)).toEqual([
      { event: 'a', title, stage: 'cancelled', timeMs: startMs, actor: 'token:eva', reason: 'a rehearsal' },
    ]);
  });

  it('begins with what the journal has', async () => {
    const { service, journal } = start();
    await service.run('a', createFight, asking);
    await service.run('b', createFight, asking);
    const again = start({}, new FakeLiveJournal(journal.disk));
    expect(again.service.list()).toEqual(service.list());
    expect((await again.service.history('a', 10)).map(({ command }) => command)).toEqual(['create']);
  });
});
