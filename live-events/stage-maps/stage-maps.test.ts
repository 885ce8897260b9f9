import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { must } from '../../foundation/index.ts';
import { createWriter } from '../../query-api/api-testing.ts';
import { account } from '../../query-api/audiences/audience-conditions-testing.ts';
import {
  conditions,
  memberIds,
  membersByOracle,
  worlds,
} from '../../query-api/audiences/audience-graphs-testing.ts';
import { testStartMs } from '../live-event-testing.ts';
import type { FakeLiveEvents } from '../live-events.fake.ts';
import { LevelStageMaps } from './level-stage-maps.ts';
import { testPlan, testSegment, testShow, watchedWhere } from './plan-testing.ts';
import { segmentMembers } from './segment-members.ts';
import type { StageMapsParts } from './stage-maps-parts.ts';
import { readsOf, TestMaps, unreliable } from './stage-maps-testing.ts';

const fans = testSegment({ key: 'fans', where: watchedWhere('t1') });
const curious = testSegment({ key: 'curious', where: watchedWhere('t2') });
const rest = testSegment({ key: 'rest' });
const plan = testPlan([fans, curious, rest]);

/** The event goes as soon as somebody has found it, while what is kept of it is read. */
function removesOnceRead(events: FakeLiveEvents, id: string): StageMapsParts['events'] {
  return {
    get: (asked) => {
      const found = events.get(asked);
      if (asked === id && found !== null) queueMicrotask(() => events.remove(id));
      return found;
    },
    list: () => events.list(),
    watch: (listener) => events.watch(listener),
    watchRemovals: (listener) => events.watchRemovals(listener),
  };
}

describe('stage maps', () => {
  it('of an event that is removed are dropped, who has fetched them with them', async () => {
    await using test = await TestMaps.open();
    await test.accounts('a');
    await test.planned(plan);
    await test.planned(plan, 'fight-2');
    const maps = await test.start();
    await maps.turn();
    await test.store.putCoverage('fight-1', Buffer.from('who'));
    test.events.remove('fight-1');
    await maps.turn();
    expect(maps.served('fight-1')).toBe(null);
    expect([...test.store.known()]).toEqual(['fight-2']);
    expect(await test.store.coverage('fight-1')).toBe(null);
    expect(maps.served('fight-2')).not.toBe(null);
    // What the other is shown too stays.
    const [hash] = must(maps.served('fight-2'), 'it serves').version.payloads.map((one) => one.hash);
    expect(await test.store.payload(must(hash, 'it has some'))).not.toBe(null);
  });

  it('of events that were removed while nothing ran are dropped at the start, also what was begun or fetched only', async () => {
    await using test = await TestMaps.open();
    await test.accounts('a');
    await test.planned(plan);
    await (await test.start()).turn();
    await test.store.begin('fight-3');
    await test.store.putCoverage('fight-4', Buffer.from('who'));
    await test.stop();
    test.events.remove('fight-1');
    await test.start();
    expect([...test.store.known()]).toEqual([]);
    expect(await test.store.coverage('fight-4')).toBe(null);
    await test.start();
    expect([...test.store.known()]).toEqual([]);
  });

  it('of an event that is removed while they are opened are dropped with the first turn', async () => {
    await using test = await TestMaps.open();
    await test.accounts('a');
    await test.planned(plan);
    await (await test.start()).turn();
    await test.stop();
    const maps = await test.start({}, { events: removesOnceRead(test.events, 'fight-1') });
    expect(test.events.get('fight-1')).toBe(null);
    await maps.turn();
    expect(maps.served('fight-1')).toBe(null);
    expect([...test.store.known()]).toEqual([]);
  });

  it('put each member into the first segment whose condition holds', async () => {
    await using test = await TestMaps.open();
    await test.accounts('a', 'b', 'c', 'd');
    await test.watched('a', 't1');
    await test.watched('a', 't2');
    await test.watched('b', 't2');
    await test.planned(plan);
    const maps = await test.start();
    expect(maps.report('fight-1')).toMatchObject({ state: 'WAITING', version: null });
    await maps.turn();
    expect(await test.segmentsOf('a', 'b', 'c', 'd', 'nobody')).toEqual([
      'fans',
      'curious',
      'rest',
      'rest',
      'rest',
    ]);
    expect(maps.report('fight-1')).toMatchObject({
      state: 'READY',
      version: '1.0',
      members: 4,
      payloads: 3,
      segments: [
        { key: 'fans', reason: 'because of fans', members: 1 },
        { key: 'curious', members: 1 },
        { key: 'rest', members: 2 },
      ],
    });
  });

  it('have the members of a naive look at each of them, whatever the graph and the conditions', async () => {
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(worlds(), conditions(), conditions(), async (events, first, second) => {
        await using one = await TestMaps.open();
        await (await createWriter(one.graph))(events);
        const audience = await one.audiences.frozen(one.graph, { kind: 'all', of: [] }, 'all');
        if (audience.state !== 'READY') throw new Error(JSON.stringify(audience));
        const show = { tv: new Map(), phone: new Map(), tablet: new Map(), web: new Map() };
        const segment = (where: typeof first | null) => ({ key: 'k', reason: 'r', where, maps: show });
        const found = await segmentMembers(
          {
            segments: one.audiences.audiences.segments,
            audience: audience.row.id,
            run: { reader: one.graph, signal: new AbortController().signal, abandoned: () => new Error() },
          },
          {
            outsiders: 'default',
            freezeAtMs: null,
            segments: [segment(first), segment(second), segment(null)],
          },
          audience.row.size,
          { segments: 0, segmentsInAll: 3, members: 0 },
        );
        const positions = await one.audiences.audiences.segments.positionsOf(audience.row.id, memberIds);
        const inFirst = membersByOracle(events, first);
        const inSecond = membersByOracle(events, second);
        for (const [i, id] of memberIds.entries()) {
          const expected = inFirst.includes(id) ? 0 : inSecond.includes(id) ? 1 : 2;
          expect(found.map((bitmap) => bitmap.has(positions[i]))).toEqual(
            [0, 1, 2].map((n) => n === expected),
          );
        }
        for (const bitmap of found) bitmap.dispose();
        runs += 1;
      }),
      { numRuns: 30 },
    );
    expect(runs).toBeGreaterThanOrEqual(30);
  });

  it('move members whose journeys changed, in a minor version that says so', async () => {
    await using test = await TestMaps.open();
    await test.accounts('a', 'b', 'c');
    await test.planned(plan);
    const maps = await test.start();
    await maps.turn();
    const told: (string | null)[] = [];
    maps.watch((before, after) => told.push(`${before?.version.minor} ${after.version.minor}`));
    await test.watched('b', 't2');
    await test.watched('stranger', 't2');
    expect(maps.report('fight-1').following).toMatchObject({ waiting: 2 });
    await maps.turn();
    expect(await test.segmentsOf('a', 'b', 'c')).toEqual(['rest', 'curious', 'rest']);
    expect(maps.report('fight-1')).toMatchObject({
      version: '1.1',
      segments: [{ members: 0 }, { members: 1 }, { members: 2 }],
      following: { waiting: 0, evaluated: 2, moved: 1, wholePasses: 1 },
    });
    await test.watched('b', 't2');
    await maps.turn();
    expect(maps.report('fight-1').version).toBe('1.1');
    await test.write({ kind: 'node-delete', node: account('b') });
    await maps.turn();
    expect(await test.segmentsOf('b')).toEqual(['rest']);
    expect(told).toEqual(['0 1', '1 2']);
  });

  it('look at no more members in a turn than they may, and at all when too many changed to know who', async () => {
    await using test = await TestMaps.open(4);
    await test.accounts('a', 'b', 'c', 'd', 'e', 'f');
    await test.planned(plan);
    const maps = await test.start({ passMembersMax: 2, wholePassMs: 1000 });
    await maps.turn();
    for (const id of ['a', 'b', 'c']) await test.watched(id, 't1');
    await maps.turn();
    expect(maps.report('fight-1').following).toMatchObject({ evaluated: 2, waiting: 1 });
    await maps.turn();
    expect(await test.segmentsOf('a', 'b', 'c', 'd')).toEqual(['fans', 'fans', 'fans', 'rest']);
    for (const id of ['b', 'c', 'd', 'e', 'f']) await test.watched(id, 't1');
    await maps.turn();
    expect(maps.report('fight-1').following).toMatchObject({ wholePasses: 1, waiting: 0 });
    test.clock.nowMs += 1000;
    await maps.turn();
    expect(maps.report('fight-1')).toMatchObject({ version: '2.0', following: { wholePasses: 2 } });
    expect(await test.segmentsOf('a', 'd', 'e', 'f')).toEqual(['fans', 'fans', 'fans', 'fans']);
  });

  it('serve after a restart as they were, and then follow what was applied meanwhile', async () => {
    await using test = await TestMaps.open();
    await test.accounts('a', 'b');
    await test.watched('a', 't1');
    await test.planned(plan);
    await (await test.start()).turn();
    await test.stop();
    await test.watched('b', 't1');
    const maps = await test.start();
    expect(await test.segmentsOf('a', 'b')).toEqual(['fans', 'rest']);
    const { segments } = must(maps.served('fight-1'), 'it serves').version;
    const text = await maps.payload(must(segments[0], 'there are three').payloads.tv);
    expect(text?.value).toEqual({ live: testShow({ title: 'for fans' }) });
    await maps.turn();
    expect(await test.segmentsOf('a', 'b')).toEqual(['fans', 'fans']);
  });

  it('begin anew when they were interrupted before any served, though the event is over', async () => {
    await using test = await TestMaps.open();
    await test.accounts('a');
    await test.planned(plan);
    const event = must(test.events.get('fight-1'), 'it is there');
    // So that nothing but the interruption makes it begin.
    test.events.change('end', { ...event, stage: 'ended', stageKind: 'ended' });
    await test.start();
    await test.store.begin('fight-1');
    const maps = await test.start();
    expect(maps.report('fight-1')).toMatchObject({ state: 'WAITING', version: null });
    await maps.turn();
    expect(maps.report('fight-1')).toMatchObject({ state: 'FROZEN', version: '1.0' });
    expect(test.store.begun()).toEqual([]);
  });

  it('are made again when the plan changes, keep the version before, and forget those that came earlier', async () => {
    await using test = await TestMaps.open();
    await test.accounts('a');
    await test.planned(plan);
    const maps = await test.start();
    await maps.turn();
    const payloadOf = () => must(maps.served('fight-1')?.version.segments.at(-1), 'it serves').payloads.tv;
    const hashes = [payloadOf()];
    for (const title of ['second', 'third']) {
      const show = { live: testShow({ title }) };
      const event = must(test.events.get('fight-1'), 'it is there');
      test.events.change('plan', { ...event, plan: testPlan([testSegment({ key: 'rest', show })]) });
      expect(maps.report('fight-1').state).toBe('WAITING');
      await maps.turn();
      hashes.push(payloadOf());
    }
    expect(maps.report('fight-1')).toMatchObject({ version: '3.0', payloads: 1 });
    await test.stop();
    const store = await LevelStageMaps.open(`${test.folder}/maps`);
    const kept = await Promise.all(hashes.map((hash) => store.payload(hash)));
    expect(kept.map((text) => text !== null)).toEqual([false, true, true]);
    await store.close();
  });

  it('keep one payload for all who are shown the same', async () => {
    await using test = await TestMaps.open();
    await test.accounts('a');
    const show = { live: testShow() };
    const same = [
      testSegment({ key: 'x', where: watchedWhere('t1'), show }),
      testSegment({ key: 'y', show, devices: { tv: { live: { badge: 'LIVE' } } } }),
    ];
    await test.planned(testPlan(same));
    const maps = await test.start();
    await maps.turn();
    expect(maps.report('fight-1').payloads).toBe(2);
  });

  it('say why they cannot be made, and are made once that is mended', async () => {
    await using test = await TestMaps.open();
    await test.accounts('a');
    const maps = await test.start();
    expect(() => maps.materialize('other')).toThrow(expect.objectContaining({ code: 'LIVE_EVENT_UNKNOWN' }));
    await test.planned(testPlan([testSegment({ key: 'rest', show: { lounge: testShow() } })]));
    await maps.turn();
    expect(maps.report('fight-1')).toMatchObject({ state: 'FAILED', failure: { code: 'LIVE_PLAN_INVALID' } });
    expect(() => maps.materialize('fight-1')).toThrow(expect.objectContaining({ code: 'LIVE_PLAN_INVALID' }));
    const event = must(test.events.get('fight-1'), 'it is there');
    test.events.change('audience', { ...event, plan, audience: 'gone' });
    await maps.turn();
    expect(maps.report('fight-1').failure).toMatchObject({ code: 'LIVE_AUDIENCE_NOT_READY' });
    test.events.change('plan', { ...event, plan });
    await maps.turn();
    expect(maps.report('fight-1')).toMatchObject({ state: 'READY', failure: null });
  });

  it('are refused for more events than may be, and take the place of those that are over', async () => {
    await using test = await TestMaps.open();
    await test.accounts('a');
    await test.planned(plan);
    const maps = await test.start({ eventsMax: 1 });
    await maps.turn();
    await test.planned(plan, 'fight-2');
    expect(() => maps.materialize('fight-2')).toThrow(expect.objectContaining({ code: 'LIVE_MAPS_FULL' }));
    const event = must(test.events.get('fight-1'), 'it is there');
    test.events.change('end', { ...event, stage: 'ended', stageKind: 'ended' });
    expect(maps.materialize('fight-2').state).toBe('WAITING');
    await maps.turn();
    expect(maps.report('fight-2').state).toBe('READY');
  });

  it('are tried again after something outside did not answer, and what served goes on', async () => {
    await using test = await TestMaps.open();
    await test.accounts('a');
    await test.planned(plan);
    const graph = unreliable(test.graph);
    const maps = await test.start({ retryMs: 1000 }, { reader: graph.reader });
    await maps.turn();
    graph.isDown = true;
    await test.watched('a', 't1');
    await maps.turn();
    expect(maps.report('fight-1')).toMatchObject({ state: 'FAILED', failure: { code: 'STORE_CLOSED' } });
    expect(await test.segmentsOf('a')).toEqual(['rest']);
    graph.isDown = false;
    await maps.turn();
    expect(maps.report('fight-1').state).toBe('FAILED');
    test.clock.nowMs += 1000;
    await maps.turn();
    expect(maps.report('fight-1')).toMatchObject({ state: 'READY', version: '2.0', failure: null });
    expect(await test.segmentsOf('a')).toEqual(['fans']);
  });

  it('look at everybody now and then where other processes write the same graph', async () => {
    await using test = await TestMaps.open();
    await test.accounts('a');
    await test.planned(plan);
    const maps = await test.start({ wholePassMs: 1000 }, { seesAllWrites: false });
    await maps.turn();
    await test.watchedElsewhere('a', 't1');
    await maps.turn();
    expect(await test.segmentsOf('a')).toEqual(['rest']);
    test.clock.nowMs += 1000;
    await maps.turn();
    expect(await test.segmentsOf('a')).toEqual(['fans']);
  });

  it('look at everybody when more wait than it is worth to look at one by one', async () => {
    await using test = await TestMaps.open();
    await test.accounts('a', 'b', 'c', 'd', 'e', 'f');
    await test.planned(plan);
    const maps = await test.start({ passMembersMax: 1, wholePassMs: 0 });
    await maps.turn();
    await test.watched('a', 't1');
    await maps.turn();
    expect(maps.report('fight-1').following.wholePasses).toBe(1);
    for (const id of ['b', 'c', 'd']) await test.watched(id, 't1');
    await maps.turn();
    await maps.turn();
    expect(maps.report('fight-1').following).toMatchObject({ wholePasses: 2, waiting: 0 });
    expect(await test.segmentsOf('b', 'c', 'd', 'e')).toEqual(['fans', 'fans', 'fans', 'rest']);
  });

  it('look at everybody again when the graph is another one, also when they were being made of the one before, but not once the event is frozen', async () => {
    await using test = await TestMaps.open();
    await test.accounts('a');
    await test.planned(plan);
    let isReplacing = false;
    const reader = readsOf(test.graph, () => {
      if (isReplacing) test.touched.touchAll();
      isReplacing = false;
    });
    const maps = await test.start({ wholePassMs: 1000 }, { reader });
    const pass = async (): Promise<string | null> => {
      await maps.turn();
      test.clock.nowMs += 1000;
      await maps.turn();
      return maps.report('fight-1').version;
    };
    expect(await pass()).toBe('1.0');
    test.touched.touchAll();
    // What the graphs differ in no batch of this process named.
    await test.watchedElsewhere('a', 't1');
    expect(await pass()).toBe('2.0');
    expect(await test.segmentsOf('a')).toEqual(['fans']);
    isReplacing = true;
    maps.materialize('fight-1');
    expect(await pass()).toBe('3.0');
    expect(isReplacing).toBe(false);
    expect(await pass()).toBe('4.0');
    expect(await pass()).toBe('4.0');
    test.clock.nowMs = testStartMs;
    test.touched.touchAll();
    expect(await pass()).toBe('4.0');
  });

  it('have what was on its way to the store when they began to be made', async () => {
    await using test = await TestMaps.open();
    await test.accounts('a');
    await test.planned(plan);
    const order: string[] = [];
    const maps = await test.start({}, { reader: readsOf(test.graph, () => order.push('read')) });
    const gate = Promise.withResolvers<void>();
    const { durable } = await test.watchedBehind(gate.promise, 'a', 't1');
    const turned = maps.turn();
    // Reads of a disk, which give whoever does not wait for the batch the time to read as well.
    for (let i = 0; i < 50 && order.length === 0; i += 1) await test.store.coverage('fight-1');
    order.push('durable');
    gate.resolve();
    await durable;
    await turned;
    await maps.turn();
    expect(order.slice(0, 2)).toEqual(['durable', 'read']);
    expect(await test.segmentsOf('a')).toEqual(['fans']);
  });

  it('are made by themselves while they run, at once when somebody asks, and end when they are closed', async () => {
    await using test = await TestMaps.open();
    await test.accounts('a');
    const maps = await test.start();
    maps.run();
    await test.planned(plan);
    expect(await maps.settled('fight-1', 30_000)).toMatchObject({ state: 'READY', version: '1.0' });
    maps.materialize('fight-1');
    expect(await maps.settled('fight-1', 30_000)).toMatchObject({ state: 'READY', version: '2.0' });
    await test.stop();
    expect(() => test.maps).toThrow();
  });
});
