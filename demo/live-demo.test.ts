import { expect, it } from 'vitest';
import { type Clock, OutageError, silentLog } from '../foundation/index.ts';
import { readLivePlan } from '../live-events/stage-maps/live-plan.ts';
import { testContext } from '../live-events/stage-maps/plan-testing.ts';
import { FakeLiveJournal } from '../live-events/state/live-journal.fake.ts';
import { LiveService, liveServiceLimitsDefault } from '../live-events/state/live-service.ts';
import { asking, createFight } from '../live-events/state/live-testing.ts';
import { LiveDemo, type LiveDemoEvent, liveDemoTimesDefault } from './index.ts';

const beganMs = Date.UTC(2026, 10, 21, 20);

/** The demo beside the service it commands, with a clock that ends after so long. */
function fixture(untilMs: number) {
  let nowMs = beganMs;
  const stop = new AbortController();
  const clock: Clock = {
    now: () => nowMs,
    sleep: async (delayMs) => {
      nowMs += delayMs;
      if (nowMs - beganMs >= untilMs) stop.abort();
    },
  };
  const journal = new FakeLiveJournal();
  const live = new LiveService({ journal, clock, log: silentLog, limits: liveServiceLimitsDefault });
  const made: LiveDemoEvent[] = [];
  const failures: Error[] = [];
  const demo = new LiveDemo({
    commands: {
      audience: async () => 'everybody',
      create: async (event) => {
        const failure = failures.shift();
        if (failure !== undefined) throw failure;
        const { id, ...rest } = event;
        await live.run(id, { kind: 'create', ...rest }, asking);
        made.push(event);
      },
      list: () => live.list().map(({ id, stageKind }) => ({ id, isOver: stageKind === 'ended' })),
      remove: (id) => live.remove(id, asking),
    },
    clock,
    random: () => 0.3,
    times: liveDemoTimesDefault,
  });
  return { demo, live, made, failures, stop };
}

it('Makes an event every three minutes, whose plan and schedule are taken', async () => {
  const { demo, made, live, stop } = fixture(9 * 60_000);
  await demo.play(stop.signal);
  expect(made.map(({ stages }) => stages.map(({ startsAtMs }) => (startsAtMs - beganMs) / 1000))).toEqual([
    [0, 60, 90, 150],
    [180, 240, 270, 330],
    [360, 420, 450, 510],
  ]);
  for (const { id, plan, title } of made) {
    const event = live.get(id);
    expect(event).toMatchObject({ title, stage: 'announced', audience: 'everybody' });
    const { segments } = readLivePlan(plan, event ?? { stages: [] }, testContext);
    expect(segments.map(({ key }) => key)).toEqual(['viewers', 'players', 'everybody']);
    for (const { maps } of segments) {
      expect([...maps.tv.keys()]).toEqual(['announced', 'lobby', 'live', 'ended']);
      expect(maps.tv.get('live')?.player).toBe('enter');
    }
  }
});

it('Clears away what is over but for the last, and nothing of anybody else', async () => {
  const { demo, live, made, stop } = fixture(60 * 60_000);
  await live.run('fight-1', createFight, asking);
  await live.run('fight-1', { kind: 'end' }, asking);
  live.watch(({ command, event }) => {
    // As soon as it is there, so that it may be removed.
    if (command === 'create') queueMicrotask(() => void live.run(event, { kind: 'end' }, asking));
  });
  await demo.play(stop.signal);
  expect(made).toHaveLength(20);
  expect(live.list().map(({ id }) => id)).toEqual([
    ...made
      .slice(-6)
      .map(({ id }) => id)
      .reverse(),
    'fight-1',
  ]);
});

it('Waits for what is down, and does not hide a bug', async () => {
  const { demo, made, failures, stop } = fixture(6 * 60_000);
  failures.push(new OutageError('DISK_FULL', 'no room'), new OutageError('DISK_FULL', 'no room'));
  await demo.play(stop.signal);
  expect(made.length).toBe(2);
  const broken = fixture(60_000);
  const bug = new TypeError('a bug');
  broken.failures.push(bug);
  await expect(broken.demo.play(broken.stop.signal)).rejects.toBe(bug);
});
