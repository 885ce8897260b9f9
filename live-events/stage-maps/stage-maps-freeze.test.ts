import { describe, expect, it } from 'vitest';
import { must, silentLog } from '../../foundation/index.ts';
import { testStartMs } from '../live-event-testing.ts';
import { testPlan, testSegment, watchedWhere } from './plan-testing.ts';
import { readsOf, TestMaps, unreliable } from './stage-maps-testing.ts';

const fans = testSegment({ key: 'fans', where: watchedWhere('t1') });
const rest = testSegment({ key: 'rest' });
const plan = testPlan([fans, rest]);

describe('stage maps of an event that freezes', () => {
  it('change no more from the freeze on, but for what was applied before it', async () => {
    await using test = await TestMaps.open();
    await test.accounts('a', 'b');
    await test.planned(plan);
    const maps = await test.start();
    await maps.turn();
    await test.watched('a', 't1');
    test.clock.nowMs = testStartMs;
    await maps.turn();
    expect(await test.segmentsOf('a', 'b')).toEqual(['fans', 'rest']);
    expect(maps.report('fight-1').state).toBe('FROZEN');
    await test.watched('b', 't1');
    await maps.turn();
    expect(await test.segmentsOf('b')).toEqual(['rest']);
    const again = await test.start();
    await again.turn();
    expect(await test.segmentsOf('a', 'b')).toEqual(['fans', 'rest']);
    expect(again.report('fight-1')).toMatchObject({ state: 'FROZEN', version: '1.1' });
  });

  it('look at all that was applied before the freeze, however many turns that takes, and at nothing later', async () => {
    await using test = await TestMaps.open();
    await test.accounts('a', 'b', 'c');
    await test.planned(plan);
    const maps = await test.start({ passMembersMax: 1, wholePassMs: 1e9 });
    await maps.turn();
    for (const id of ['a', 'b']) await test.watched(id, 't1');
    test.clock.nowMs = testStartMs;
    await maps.turn();
    await test.watched('c', 't1');
    for (let turn = 0; turn < 3; turn += 1) await maps.turn();
    expect(await test.segmentsOf('a', 'b', 'c')).toEqual(['fans', 'fans', 'rest']);
  });

  it('follow journeys again when the event is moved while what waited at its freeze is looked at', async () => {
    await using test = await TestMaps.open();
    await test.accounts('a', 'b', 'c');
    await test.planned(plan);
    const event = must(test.events.get('fight-1'), 'it is there');
    const movedBy = (ms: number): void => {
      const stages = event.stages.map((one) =>
        one.kind === 'live' ? { ...one, startsAtMs: testStartMs + ms } : one,
      );
      test.events.change('reschedule', { ...event, stages });
    };
    let movesByMs: number | null = null;
    const reader = readsOf(test.graph, () => {
      if (movesByMs !== null) movedBy(movesByMs);
      movesByMs = null;
    });
    const maps = await test.start({ passMembersMax: 2, wholePassMs: 1e9 }, { reader });
    await maps.turn();
    // While the last of them are looked at.
    await test.watched('a', 't1');
    test.clock.nowMs = testStartMs;
    movesByMs = 60_000;
    await maps.turn();
    expect(movesByMs).toBe(null);
    await test.watched('b', 't1');
    await maps.turn();
    expect(maps.report('fight-1').state).toBe('WAITING');
    await maps.turn();
    expect(maps.report('fight-1').state).toBe('READY');
    expect(await test.segmentsOf('a', 'b', 'c')).toEqual(['fans', 'fans', 'rest']);
    // While there are more.
    for (const id of ['a', 'b', 'c']) await test.watched(id, 't2');
    test.clock.nowMs = testStartMs + 60_000;
    movesByMs = 120_000;
    await maps.turn();
    expect(maps.report('fight-1').following.waiting).toBe(1);
    await test.watched('c', 't1');
    await maps.turn();
    expect(maps.report('fight-1').state).toBe('WAITING');
    await maps.turn();
    expect(maps.report('fight-1').state).toBe('READY');
    expect(await test.segmentsOf('c')).toEqual(['fans']);
    await test.watched('c', 't3');
    expect(maps.report('fight-1').following.waiting).toBe(1);
  });

  it('freeze when the plan says so', async () => {
    await using test = await TestMaps.open();
    await test.accounts('a');
    await test.planned(testPlan([fans, rest], { freezeAt: new Date(testStartMs - 3_600_000).toISOString() }));
    const maps = await test.start();
    await maps.turn();
    expect(maps.report('fight-1').state).toBe('READY');
    test.clock.nowMs = testStartMs - 3_600_000;
    await maps.turn();
    await test.watched('a', 't1');
    await maps.turn();
    expect(await test.segmentsOf('a')).toEqual(['rest']);
  });

  it('stay as they are when they were interrupted and the event froze meanwhile', async () => {
    await using test = await TestMaps.open();
    await test.accounts('a');
    await test.planned(plan);
    await (await test.start()).turn();
    await test.store.begin('fight-1');
    await test.stop();
    await test.watched('a', 't1');
    test.clock.nowMs = testStartMs;
    const maps = await test.start();
    await maps.turn();
    expect(maps.report('fight-1')).toMatchObject({ state: 'FROZEN', version: '1.0' });
    expect(await test.segmentsOf('a')).toEqual(['rest']);
    expect(test.store.begun()).toEqual([]);
  });

  it('are not made anew in the middle of an event after an outage before it, unless somebody asks', async () => {
    await using test = await TestMaps.open();
    await test.accounts('a', 'b');
    await test.planned(plan);
    const graph = unreliable(test.graph);
    const maps = await test.start({ retryMs: 30_000 }, { reader: graph.reader });
    await maps.turn();
    test.clock.nowMs = testStartMs - 20_000;
    graph.isDown = true;
    await test.watched('a', 't1');
    await maps.turn();
    const failed = { state: 'FAILED', version: '1.0', failure: { code: 'STORE_CLOSED' } };
    expect(maps.report('fight-1')).toMatchObject(failed);
    graph.isDown = false;
    test.clock.nowMs = testStartMs + 10_000;
    await test.watched('b', 't1');
    await maps.turn();
    expect(maps.report('fight-1')).toMatchObject(failed);
    expect(await test.segmentsOf('a', 'b')).toEqual(['rest', 'rest']);
    // Whoever asks is not let down by an outage either.
    graph.isDown = true;
    maps.materialize('fight-1');
    await maps.turn();
    expect(maps.report('fight-1')).toMatchObject(failed);
    graph.isDown = false;
    test.clock.nowMs += 30_000;
    await maps.turn();
    expect(maps.report('fight-1')).toMatchObject({ state: 'FROZEN', version: '2.0', failure: null });
    expect(await test.segmentsOf('a', 'b')).toEqual(['fans', 'fans']);
  });

  it('are not made anew when the freeze comes before the pass that they wait for', async () => {
    await using test = await TestMaps.open();
    await test.accounts('a');
    await test.planned(plan);
    const limits = { wholePassMs: 1000 };
    const maps = await test.start(limits, { seesAllWrites: false });
    await maps.turn();
    // Wants a look at everybody, a second from when there was one.
    await maps.turn();
    await test.watchedElsewhere('a', 't1');
    test.clock.nowMs = testStartMs;
    await maps.turn();
    expect(maps.report('fight-1')).toMatchObject({ state: 'FROZEN', version: '1.0' });
    test.clock.nowMs = testStartMs - 1000;
    const again = await test.start(limits, { seesAllWrites: false });
    expect(again.report('fight-1').state).toBe('WAITING');
    test.clock.nowMs = testStartMs;
    const settled = again.settled('fight-1', 30_000);
    await again.turn();
    expect(await settled).toMatchObject({ state: 'FROZEN', version: '1.0' });
    expect(await test.segmentsOf('a')).toEqual(['rest']);
  });

  it('are of the graph that is switched to right after all members were looked at, though it freezes soon', async () => {
    await using test = await TestMaps.open();
    await test.accounts('a');
    await test.planned(plan);
    const said: string[] = [];
    const log = { ...silentLog, warn: (_fields: object, message: string) => said.push(message) };
    const maps = await test.start({}, { log });
    test.clock.nowMs = testStartMs - 60_000;
    await maps.turn();
    // What the graphs differ in no batch of this process named.
    await test.watchedElsewhere('a', 't1');
    test.touched.touchAll();
    await maps.turn();
    await maps.turn();
    test.clock.nowMs = testStartMs;
    await maps.turn();
    expect(maps.report('fight-1')).toMatchObject({ state: 'FROZEN', version: '2.0' });
    expect(await test.segmentsOf('a')).toEqual(['fans']);
    expect(said).toEqual([]);
  });

  const before = 'The event froze before all members were looked at again.';
  it.each([
    ['more changed than are kept, and their pass was to come later', 300_000, 3, false, [before]],
    ['more changed than are kept, and their pass is due then', 60_000, 3, false, [before]],
    ['the graph became another one after the last turn before it', 300_000, 0, true, [before]],
    ['all who changed are known, and are looked at', 300_000, 2, false, []],
  ])(
    'say once at the freeze when members were not looked at: %s',
    async (_what, wholePassMs, changed, isReplaced, warnings) => {
      await using test = await TestMaps.open(2);
      const ids = ['a', 'b', 'c'];
      await test.accounts(...ids);
      await test.planned(plan);
      const said: string[] = [];
      const log = { ...silentLog, warn: (_fields: object, message: string) => said.push(message) };
      const maps = await test.start({ wholePassMs, passMembersMax: 1 }, { log });
      test.clock.nowMs = testStartMs - 60_000;
      await maps.turn();
      for (const id of ids.slice(0, changed)) await test.watched(id, 't1');
      await maps.turn();
      if (isReplaced) test.touched.touchAll();
      test.clock.nowMs = testStartMs;
      for (let turn = 0; turn < 4; turn += 1) await maps.turn();
      expect(maps.report('fight-1')).toMatchObject({ state: 'FROZEN', following: { wholePasses: 1 } });
      expect(said).toEqual(warnings);
    },
  );
});
