import { describe, expect, it } from 'vitest';
import { must, OutageError } from '../../foundation/index.ts';
import { watchedTitle } from '../../query-api/audiences/audience-conditions-testing.ts';
import { testStartMs } from '../live-event-testing.ts';
import { testShow } from '../stage-maps/plan-testing.ts';
import { TestMaps } from '../stage-maps/stage-maps-testing.ts';
import type { PrefetchCopy, Prefetches, PrefetchParts } from './prefetch.ts';
import { closedPlan, createPrefetches, fansPlan, openFans, openPrefetches } from './prefetch-testing.ts';

async function copyOf(prefetches: Prefetches, member: string): Promise<PrefetchCopy> {
  const answer = await prefetches.prefetch('fight-1', member, 'tv', null);
  if (answer.kind !== 'copy') throw new Error(answer.kind);
  return answer;
}

describe('a prefetch', () => {
  it('has what the member is shown, why, and for how long', async () => {
    await using test = await openFans();
    const prefetches = await openPrefetches(test);
    const copy = await copyOf(prefetches, 'Account:a');
    expect(copy).toMatchObject({
      version: 1,
      segment: 'fans',
      reason: 'because of fans',
      ttlMs: 3_600_000,
      expiresAt: test.clock.now() + 3_600_000,
      spreadMs: 900_000,
      quiet: { from: testStartMs - 600_000, until: testStartMs + 7_800_000 },
    });
    expect(copy.stageMap.value).toEqual({ live: testShow({ title: 'for fans' }) });
    expect(JSON.parse(copy.stageMap.text)).toEqual(copy.stageMap.value);
    expect(copy.stages.map(({ key }) => key)).toEqual(['announced', 'lobby', 'live', 'ended']);
    expect(await copyOf(prefetches, 'Account:b')).toMatchObject({ segment: 'rest' });
    await prefetches.close();
  });

  it('is not given again to whoever has it, until the schedule or what they are shown changes', async () => {
    await using test = await openFans();
    const prefetches = await openPrefetches(test);
    const { etag } = await copyOf(prefetches, 'Account:a');
    const again = (tag: string) => prefetches.prefetch('fight-1', 'Account:a', 'tv', tag);
    expect(await again(etag)).toMatchObject({ kind: 'not-modified', etag, ttlMs: 3_600_000 });
    expect(await again(`"other", W/${etag}`)).toMatchObject({ kind: 'not-modified' });
    expect(await again('"other"')).toMatchObject({ kind: 'copy', etag });
    const event = must(test.events.get('fight-1'), 'it is there');
    test.events.change('reschedule', { ...event, version: 2 });
    expect(await again(etag)).toMatchObject({ kind: 'copy', version: 2 });
    await prefetches.close();
  });

  it('is for a short time while what it says is about to be replaced', async () => {
    await using test = await openFans();
    const prefetches = await openPrefetches(test);
    const event = must(test.events.get('fight-1'), 'it is there');
    test.events.change('plan', { ...event, version: 2, plan: closedPlan });
    expect(await copyOf(prefetches, 'Account:a')).toMatchObject({ version: 2, ttlMs: 120_000 });
    await test.maps.turn();
    expect(await copyOf(prefetches, 'Account:a')).toMatchObject({ version: 2, ttlMs: 3_600_000 });
    await prefetches.close();
  });

  it('lets nobody expire while the event is on', async () => {
    await using test = await openFans();
    const prefetches = await openPrefetches(test);
    test.clock.nowMs = testStartMs - 1_800_000;
    const { ttlMs, quiet } = await copyOf(prefetches, 'Account:a');
    expect(test.clock.nowMs + Math.floor(ttlMs * 0.9)).toBeGreaterThanOrEqual(
      must(quiet, 'there is one').until,
    );
    const soon = prefetches.refreshCurve('fight-1', 30, 30);
    expect(soon.every(({ perSecond }) => perSecond === 0)).toBe(true);
    const day = prefetches.refreshCurve('fight-1', 24 * 60, 10);
    expect(day.reduce((sum, { perSecond }) => sum + perSecond * 8640, 0)).toBeCloseTo(1);
    await prefetches.close();
  });

  it('is for those outside of the audience as the plan says', async () => {
    await using open = await openFans();
    const first = await openPrefetches(open);
    expect(await copyOf(first, 'Account:stranger')).toMatchObject({ segment: 'rest' });
    expect(await copyOf(first, 'Title:t1')).toMatchObject({ segment: 'rest' });
    expect(first.coverage('fight-1')).toMatchObject({ fresh: 0 });
    await first.close();
    await using closed = await openFans(closedPlan);
    const second = await openPrefetches(closed);
    await expect(copyOf(second, 'Account:stranger')).rejects.toMatchObject({ code: 'LIVE_OUTSIDER' });
    expect(await copyOf(second, 'Account:b')).toMatchObject({ segment: 'rest' });
    await second.close();
  });

  it('is refused of no event, to nobody, and before there is anything', async () => {
    await using test = await TestMaps.open();
    await test.accounts('a');
    await test.planned(fansPlan);
    await test.start();
    const prefetches = await openPrefetches(test);
    const ask = (event: string, member: string) => prefetches.prefetch(event, member, 'tv', null);
    await expect(ask('other', 'Account:a')).rejects.toMatchObject({ code: 'LIVE_EVENT_UNKNOWN' });
    await expect(ask('fight-1', 'Account:a')).rejects.toMatchObject({ code: 'LIVE_MAPS_NOT_READY' });
    for (const member of [
      '',
      'a',
      ':a',
      'Account:',
      'Acc ount:a',
      'Account:\0',
      `Account:${'x'.repeat(9999)}`,
    ])
      await expect(ask('fight-1', member)).rejects.toMatchObject({ code: 'INVALID_MEMBER' });
    await prefetches.close();
  });
});

describe('the coverage of a prefetch', () => {
  const fresh = (prefetches: Prefetches) => {
    const counts = must(prefetches.coverage('fight-1'), 'it serves');
    return [counts.fresh, counts.stale, ...counts.segments.map((one) => one.fresh)];
  };

  it('counts each member once, by segment, and says whether enough will have fetched', async () => {
    await using test = await openFans();
    const prefetches = await openPrefetches(test, { shareWanted: 0.5 });
    expect(prefetches.coverage('fight-1')?.outlook).toMatchObject({ atRisk: 4, isEnough: false });
    for (const id of ['a', 'a', 'b']) await copyOf(prefetches, `Account:${id}`);
    expect(fresh(prefetches)).toEqual([2, 0, 1, 1]);
    expect(prefetches.coverage('fight-1')?.outlook).toMatchObject({ isEnough: true, newPerSecond: 0.2 });
    await prefetches.close();
  });

  it('is stale when the schedule changes, and for those who are shown otherwise than before', async () => {
    await using test = await openFans();
    const prefetches = await openPrefetches(test);
    for (const id of ['a', 'b', 'c']) await copyOf(prefetches, `Account:${id}`);
    await test.watched('b', 't1');
    await test.maps.turn();
    expect(fresh(prefetches)).toEqual([2, 1, 1, 1]);
    await copyOf(prefetches, 'Account:b');
    expect(fresh(prefetches)).toEqual([3, 0, 2, 1]);
    test.maps.materialize('fight-1');
    await test.maps.turn();
    expect(test.maps.report('fight-1').version).toBe('2.0');
    expect(fresh(prefetches)).toEqual([3, 0, 2, 1]);
    const event = must(test.events.get('fight-1'), 'it is there');
    test.events.change('reschedule', { ...event, version: 2 });
    expect(fresh(prefetches)).toEqual([0, 3, 0, 0]);
    await prefetches.close();
  });

  it('is there again after a restart, and forgets no more than came since it was written last', async () => {
    await using test = await openFans();
    const prefetches = await openPrefetches(test);
    await copyOf(prefetches, 'Account:a');
    await prefetches.flush();
    await copyOf(prefetches, 'Account:b');
    // As after a crash: it is never closed.
    await test.start();
    const again = await openPrefetches(test);
    expect(fresh(again)).toEqual([1, 0, 1, 0]);
    await again.close();
    const audience = await test.audiences.frozen(test.graph, { kind: 'all', of: [] }, 'another');
    const event = must(test.events.get('fight-1'), 'it is there');
    if (audience.state !== 'READY') throw new Error(JSON.stringify(audience));
    test.events.change('audience', { ...event, audience: audience.row.id });
    await test.maps.turn();
    const other = await openPrefetches(test);
    expect(fresh(other)).toEqual([0, 0, 0, 0]);
    await other.close();
  });

  it('is of the audience whose stage maps serve, and of no other, as while those of the next are made', async () => {
    await using test = await openFans();
    const prefetches = await openPrefetches(test);
    await copyOf(prefetches, 'Account:d');
    const others = await test.audiences.frozen(test.graph, { kind: 'not', of: watchedTitle('t1') }, 'others');
    const event = must(test.events.get('fight-1'), 'it is there');
    if (others.state !== 'READY' || event.audience === null) throw new Error(JSON.stringify(others));
    const copies = (audience: string): readonly number[] | null => {
      const members = prefetches.membersWithCopy('fight-1', audience);
      const positions = members?.toArray() ?? null;
      members?.dispose();
      return positions;
    };
    test.events.change('audience', { ...event, audience: others.row.id });
    const { segments } = test.audiences.audiences;
    expect(copies(event.audience)).toEqual(await segments.positionsOf(event.audience, ['d']));
    expect(copies(others.row.id)).toBe(null);
    await test.maps.turn();
    expect([copies(event.audience), copies(others.row.id)]).toEqual([null, []]);
    await copyOf(prefetches, 'Account:d');
    expect(copies(others.row.id)).toEqual(await segments.positionsOf(others.row.id, ['d']));
    await prefetches.close();
  });

  it('is what it was before a restart, however early devices and operators ask', async () => {
    await using test = await openFans();
    const prefetches = await openPrefetches(test);
    for (const id of ['a', 'b']) await copyOf(prefetches, `Account:${id}`);
    await prefetches.close();
    await test.start();
    const again = createPrefetches(test);
    expect(again.coverage('fight-1')).toBe(null);
    await expect(copyOf(again, 'Account:c')).rejects.toMatchObject({ code: 'LIVE_MAPS_NOT_READY' });
    await again.flush();
    await again.open();
    expect(fresh(again)).toEqual([2, 0, 1, 1]);
    await copyOf(again, 'Account:c');
    await again.close();
    await test.start();
    const third = await openPrefetches(test);
    expect(fresh(third)).toEqual([3, 0, 1, 2]);
    await third.close();
  });

  it('is not written behind the drop of an event that is removed meanwhile', async () => {
    await using test = await openFans();
    await test.planned(fansPlan, 'fight-2');
    await test.maps.turn();
    const store: PrefetchParts['store'] = {
      events: () => [],
      coverage: async () => null,
      putCoverage: async (event, bytes) => {
        await test.store.putCoverage(event, bytes);
        if (event === 'fight-1') test.events.remove('fight-2');
        await test.maps.turn();
      },
    };
    const prefetches = await openPrefetches(test, {}, () => 0, store);
    await copyOf(prefetches, 'Account:a');
    await prefetches.prefetch('fight-2', 'Account:a', 'tv', null);
    await prefetches.flush();
    expect(await test.store.coverage('fight-1')).not.toBe(null);
    expect(await test.store.coverage('fight-2')).toBe(null);
    expect([...test.store.known()]).toEqual(['fight-1']);
    await prefetches.close();
  });

  it('is written while it runs, and goes on after a write that failed', async () => {
    await using test = await openFans();
    const wrote = Promise.withResolvers<void>();
    let tries = 0;
    const store = {
      events: () => [],
      coverage: async () => null,
      putCoverage: async () => {
        tries += 1;
        if (tries === 1) throw new OutageError('LIVE_MAPS_WRITE_FAILED', 'The disk is full; free space.');
        wrote.resolve();
      },
    };
    const prefetches = await openPrefetches(test, {}, () => 0, store);
    prefetches.run();
    await copyOf(prefetches, 'Account:a');
    await wrote.promise;
    expect(tries).toBe(2);
    await prefetches.close();
  });
});
