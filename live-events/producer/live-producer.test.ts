import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { must } from '../../foundation/index.ts';
import { type FakeDisk, fakeDisk } from '../state/live-journal.fake.ts';
import { advanceTo, asking, createFight, minuteMs, move, startMs } from '../state/live-testing.ts';
import { kill, type Life, startLife } from './producer-testing.ts';
import { VirtualClock } from './virtual-clock.fake.ts';

describe('The producer', () => {
  let clock: VirtualClock;
  let disk: FakeDisk;
  let lives: Life[];
  beforeEach(() => {
    clock = new VirtualClock(startMs);
    disk = fakeDisk();
    lives = [];
  });
  afterEach(async () => {
    const stopping = lives.map(({ producer }) => producer.stop());
    await clock.pass(10_000);
    await Promise.all(stopping);
  });
  const start = (limits = {}): Life => {
    const life = startLife(disk, clock, () => 0.5, limits);
    lives.push(life);
    return life;
  };
  const stagesOf = ({ broadcasts }: Life): readonly string[] =>
    broadcasts.published.map(({ stage }) => stage);
  const lastAt = ({ broadcasts }: Life): number =>
    (must(broadcasts.published.at(-1), 'one was published').at - startMs) / minuteMs;

  it('enters each stage at its moment and publishes it', async () => {
    const life = start();
    await life.service.run('f', createFight, asking);
    const late: number[] = [];
    life.service.watch(({ command, timeMs, after }) => {
      if (command === 'clock') late.push(timeMs - after.at);
    });
    await clock.pass(130 * minuteMs);
    expect(stagesOf(life)).toEqual(['announced', 'lobby', 'live', 'round-2', 'ended', 'replay']);
    expect(life.broadcasts.published.map(({ at }) => (at - startMs) / minuteMs)).toEqual([
      0, 30, 60, 70, 90, 120,
    ]);
    expect(late).toEqual([0, 0, 0, 0, 0]);
    expect(disk.entries.map(({ actor }) => actor).slice(1)).toEqual(Array(5).fill('clock'));
  });

  it('goes by the schedule in force: moved later, moved earlier, by hand, cancelled', async () => {
    const life = start();
    for (const id of ['later', 'earlier', 'by-hand', 'off']) await life.service.run(id, createFight, asking);
    await life.service.run('later', move('lobby', 40), asking);
    await life.service.run('earlier', move('lobby', 20), asking);
    await life.service.run('by-hand', move('lobby', null), asking);
    await life.service.run('off', { kind: 'cancel' }, asking);
    await clock.pass(30 * minuteMs);
    const stages = (): readonly unknown[] =>
      ['later', 'earlier', 'by-hand', 'off'].map((id) => life.service.get(id)?.stage);
    expect(stages()).toEqual(['announced', 'lobby', 'announced', 'cancelled']);
    await clock.pass(10 * minuteMs);
    expect(stages()).toEqual(['lobby', 'lobby', 'announced', 'cancelled']);
    await clock.pass(1000 * minuteMs);
    expect(stages()).toEqual(['replay', 'replay', 'announced', 'cancelled']);
  });

  it('is woken for a stage that is due before its wait is over', async () => {
    const life = start();
    await clock.pass(10);
    await life.service.run('f', createFight, asking);
    await life.service.run('f', move('lobby', 1 / 600), asking);
    await clock.pass(100);
    expect(disk.entries.at(-1)).toMatchObject({ command: 'clock', timeMs: startMs + 100 });
  });

  it('notices within its longest wait that the clock was set forward', async () => {
    const life = start({ waitMsMax: 1000 });
    await life.service.run('f', createFight, asking);
    await clock.pass(10 * minuteMs);
    clock.set(22 * minuteMs);
    await clock.pass(1000);
    expect(stagesOf(life)).toEqual(['announced', 'lobby']);
    expect(lastAt(life)).toBe(30);
  });

  it('waits again when the clock was set back', async () => {
    const life = start();
    await life.service.run('f', createFight, asking);
    await clock.pass(29 * minuteMs);
    clock.set(-10 * minuteMs);
    await clock.pass(5 * minuteMs);
    expect(stagesOf(life)).toEqual(['announced']);
    await clock.pass(6 * minuteMs);
    expect(stagesOf(life)).toEqual(['announced', 'lobby']);
  });

  it('enters the newest of what became due while nothing ran, as one entry', async () => {
    const first = start();
    await first.service.run('f', createFight, asking);
    await clock.pass(0);
    kill(first);
    await clock.pass(75 * minuteMs);
    const second = start();
    await clock.pass(0);
    expect(stagesOf(second)).toEqual(['round-2']);
    expect(lastAt(second)).toBe(70);
    expect(disk.entries.map(({ command }) => command)).toEqual(['create', 'clock']);
  });

  it('publishes after a start what was journaled and perhaps not published, and nothing else', async () => {
    const first = start();
    for (const id of ['told', 'lost', 'away']) await first.service.run(id, createFight, asking);
    await clock.pass(0);
    first.broadcasts.mode = 'lost';
    await first.service.run('lost', advanceTo(null), asking);
    await clock.pass(0);
    first.broadcasts.mode = 'away';
    await first.service.run('away', advanceTo(null), asking);
    await first.service.run('away', advanceTo(null), asking);
    await clock.pass(0);
    kill(first);
    const second = start();
    await clock.pass(0);
    expect(second.broadcasts.published.map(({ event, sequence }) => [event, sequence])).toEqual([
      ['away', 3],
      ['lost', 2],
    ]);
  });

  it('publishes every event anew in another life of the journal', async () => {
    const first = start();
    await first.service.run('f', createFight, asking);
    await clock.pass(0);
    kill(first);
    disk = { ...disk, epoch: 2000 };
    disk.entries.splice(
      0,
      1,
      ...disk.entries.map((entry) => ({ ...entry, after: { ...entry.after, epoch: 2000 } })),
    );
    const second = start();
    await clock.pass(0);
    expect(second.broadcasts.published).toMatchObject([{ event: 'f', epoch: 2000, sequence: 1 }]);
  });

  it('keeps the newest of each event while broadcasts cannot be published, and goes on at once afterwards', async () => {
    const life = start({ lanes: 2 });
    life.broadcasts.mode = 'away';
    for (let i = 0; i < 20; i += 1) await life.service.run(`f${i}`, createFight, asking);
    await life.service.run('f3', advanceTo(null), asking);
    await clock.pass(20_000);
    expect(life.producer.status).toEqual({ unpublishedCount: 20, failingSinceMs: startMs });
    // Two lanes, each at least every 5 s and with a pause between: not twenty events in a row.
    expect(life.broadcasts.attempts).toBeLessThan(40);
    await life.service.run('f3', advanceTo(null), asking);
    life.broadcasts.mode = 'takes';
    await clock.pass(5000);
    expect(life.producer.status).toEqual({ unpublishedCount: 0, failingSinceMs: null });
    const sequences = Map.groupBy(life.broadcasts.published, ({ event }) => event);
    expect(sequences.size).toBe(20);
    expect(sequences.get('f3')?.map(({ sequence }) => sequence)).toEqual([3]);
  });

  it('publishes all that is taken, in order, and only the newest of what is too much', async () => {
    const life = start({ waitingMax: 4 });
    let release: () => void = () => undefined;
    await life.service.run('f', createFight, asking);
    await clock.pass(0);
    life.broadcasts.onWay = async ({ sequence }) => {
      if (sequence === 2 || sequence === 6) await new Promise<void>((resolve) => (release = resolve));
    };
    const plans = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i += 1) await life.service.run('f', { kind: 'plan', plan: `${i}` }, asking);
    };
    await plans(4);
    release();
    await clock.pass(0);
    const sequences = (): readonly number[] => life.broadcasts.published.map(({ sequence }) => sequence);
    expect(sequences()).toEqual([1, 2, 3, 4, 5]);
    await plans(6);
    release();
    await clock.pass(0);
    // 6 was on its way, 7 to 10 waited, and 11 was one too many.
    expect(sequences()).toEqual([1, 2, 3, 4, 5, 6, 11]);
  });

  it('publishes what came while one was on its way that then failed', async () => {
    const life = start();
    let fail: (error: Error) => void = () => undefined;
    life.broadcasts.onWay = () => new Promise((_resolve, reject) => (fail = reject));
    await life.service.run('f', createFight, asking);
    await clock.pass(0);
    await life.service.run('f', advanceTo(null), asking);
    life.broadcasts.onWay = async () => undefined;
    fail(new Error('away'));
    await clock.pass(5000);
    expect(stagesOf(life)).toEqual(['lobby']);
  });

  it('tries again when a stage is due that cannot be journaled', async () => {
    const life = start();
    await life.service.run('f', createFight, asking);
    life.journal.isBroken = true;
    await clock.pass(31 * minuteMs);
    expect(life.service.get('f')?.stage).toBe('announced');
    life.journal.isBroken = false;
    await clock.pass(5000);
    expect(life.service.get('f')?.stage).toBe('lobby');
    expect(lastAt(life)).toBe(30);
  });

  it('goes on when it cannot be noted what was published', async () => {
    const life = start();
    await life.service.run('f', createFight, asking);
    await life.service.run('f', advanceTo(null), asking);
    life.journal.isBroken = true;
    await clock.pass(1000);
    expect(stagesOf(life)).toEqual(['announced', 'lobby']);
    expect(life.producer.status.unpublishedCount).toBe(0);
  });
});
