import { beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../foundation/index.ts';
import type { JournalEntry, LiveEvent } from '../live-event.ts';
import { FakeLiveEvents } from '../live-events.fake.ts';
import { CoverageStore } from './coverage-store.ts';
import {
  coverageFolder,
  deliveries,
  FakeAudience,
  liveEventAt,
  reportOf,
  startTestCoverage,
  stillClock,
  WakingClock,
} from './coverage-testing.ts';
import type { CoverageTracker, FollowedEvents } from './coverage-tracker.ts';

const audience = new FakeAudience('everybody', 8);
const all = { reason: null, first: 100, after: null };
const one = (sequence: number) => ({ event: 'fight-1', epoch: 1, sequence });

async function missingNames(coverage: CoverageTracker, sequence: number): Promise<readonly string[]> {
  const found = await coverage.missing(one(sequence), all);
  return found.map(({ member, reason }) => `${member} ${reason}`);
}

describe('Coverage of a broadcast', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await coverageFolder();
  });

  it('says how many of the audience got and applied it by when', async () => {
    const coverage = await startTestCoverage(folder, { audience });
    coverage.begin(liveEventAt(1));
    coverage.report(reportOf(1, { sent: deliveries('a0@3', 'a1@5', 'a2@9'), dropped: ['Account:a3'] }));
    coverage.report(reportOf(1, { applied: deliveries('a0@10', 'a1@20') }));
    expect(await coverage.coverage('fight-1', null)).toEqual({
      event: 'fight-1',
      epoch: 1,
      sequence: 1,
      stage: 'live',
      at: 1000,
      audience: 8,
      connected: 4,
      sent: 3,
      applied: 2,
      share: 0.25,
      sentTimes: { t50Ms: 5, t99Ms: 9, t100Ms: 9 },
      appliedTimes: { t50Ms: 10, t99Ms: 20, t100Ms: 20 },
      missing: [
        { reason: 'NEVER_PREFETCHED', count: 0 },
        { reason: 'NEVER_CONNECTED', count: 4 },
        { reason: 'DISCONNECTED_BEFORE', count: 0 },
        { reason: 'TOO_SLOW', count: 1 },
        { reason: 'SILENT', count: 1 },
      ],
    });
    await coverage.close();
  });

  it('names those who are missing by the first step on their way that failed', async () => {
    const coverage = await startTestCoverage(folder, { audience, prefetched: () => [0, 1, 2, 3, 4, 6] });
    coverage.begin(liveEventAt(1));
    coverage.report(reportOf(1, { sent: deliveries('a1', 'a2', 'a7') }));
    coverage.begin(liveEventAt(2));
    const sent = deliveries('a0', 'a2', 'a4', 'a5');
    coverage.report(reportOf(2, { sent, applied: deliveries('a4'), dropped: ['Account:a3'] }));
    const expected = [
      'Account:a0 SILENT',
      'Account:a1 DISCONNECTED_BEFORE',
      'Account:a2 SILENT',
      'Account:a3 TOO_SLOW',
      'Account:a5 NEVER_PREFETCHED',
      'Account:a6 NEVER_CONNECTED',
      'Account:a7 NEVER_PREFETCHED',
    ];
    expect(await missingNames(coverage, 2)).toEqual(expected);
    const silent = { reason: 'SILENT', first: 1, after: null } as const;
    const [first] = await coverage.missing(one(2), silent);
    expect(first).toMatchObject({ member: 'Account:a0', number: 0 });
    expect(await coverage.missing(one(2), { ...silent, after: 0 })).toMatchObject([{ member: 'Account:a2' }]);
    expect(await coverage.missing(one(2), { ...silent, after: 2 })).toEqual([]);
    await coverage.close();
  });

  it('keeps who had prefetched when a broadcast was superseded', async () => {
    let prefetched = [0];
    const coverage = await startTestCoverage(folder, {
      audience: new FakeAudience('everybody', 2),
      prefetched: () => prefetched,
    });
    coverage.begin(liveEventAt(1));
    coverage.begin(liveEventAt(2));
    await coverage.settled();
    prefetched = [0, 1];
    expect(await missingNames(coverage, 1)).toEqual([
      'Account:a0 NEVER_CONNECTED',
      'Account:a1 NEVER_PREFETCHED',
    ]);
    expect(await missingNames(coverage, 2)).toEqual([
      'Account:a0 NEVER_CONNECTED',
      'Account:a1 NEVER_CONNECTED',
    ]);
    await coverage.close();
  });

  it('asks for those of its own audience, who are others than those of the audience whose stage maps still serve', async () => {
    const coverage = await startTestCoverage(folder, {
      audience: new FakeAudience('everybody', 2),
      prefetched: (of) => (of === 'everybody' ? [1] : null),
    });
    coverage.begin(liveEventAt(1));
    coverage.begin(liveEventAt(2, { audience: null }));
    expect(await missingNames(coverage, 1)).toEqual([
      'Account:a0 NEVER_PREFETCHED',
      'Account:a1 NEVER_CONNECTED',
    ]);
    await coverage.close();
  });

  it('counts a member with several devices once, by the first', async () => {
    const coverage = await startTestCoverage(folder, { audience });
    coverage.begin(liveEventAt(1));
    coverage.report(reportOf(1, { applied: deliveries('a0.tv@50', 'a0@20') }));
    coverage.report(reportOf(1, { gateway: 'g2', applied: deliveries('a0.web@10', 'a1@30') }));
    expect(await coverage.coverage('fight-1', 1)).toMatchObject({
      applied: 2,
      appliedTimes: { t50Ms: 20, t100Ms: 30 },
    });
    await coverage.close();
  });

  it('counts the delays of a change within a stage from when it was made, also after a restart', async () => {
    const coverage = await startTestCoverage(folder, { audience });
    coverage.begin(liveEventAt(1), async () => 1000);
    coverage.begin(liveEventAt(2, { version: 2 }), async () => 901_000);
    const sent = deliveries('a0@900005', 'a1@900040');
    coverage.report(reportOf(2, { sent, applied: deliveries('a0@900010', 'a2@899990') }));
    expect(await coverage.coverage('fight-1', 2)).toMatchObject({
      at: 1000,
      sentTimes: { t50Ms: 5, t100Ms: 40 },
      appliedTimes: { t50Ms: 0, t100Ms: 10 },
    });
    await coverage.close();
    const again = await startTestCoverage(folder, { audience });
    again.report(reportOf(2, { sent: deliveries('a3@900100') }));
    expect(await again.coverage('fight-1', 2)).toMatchObject({ sentTimes: { t100Ms: 100 } });
    again.begin(liveEventAt(3, { stage: 'ended', stageKind: 'ended', at: 950_000 }), async () => 950_001);
    again.report(reportOf(3, { sent: deliveries('a0@7') }));
    expect(await again.coverage('fight-1', 3)).toMatchObject({ sentTimes: { t100Ms: 7 } });
    await again.close();
  });

  it('takes a report that comes late for its own broadcast, and who sent it for connected before the next', async () => {
    const coverage = await startTestCoverage(folder, { audience: new FakeAudience('everybody', 1) });
    coverage.begin(liveEventAt(1));
    coverage.begin(liveEventAt(2));
    coverage.report(reportOf(1, { sent: deliveries('a0@4') }));
    expect(await coverage.coverage('fight-1', 1)).toMatchObject({ sent: 1 });
    expect(await coverage.coverage('fight-1', 2)).toMatchObject({ sent: 0 });
    expect(await missingNames(coverage, 2)).toEqual(['Account:a0 DISCONNECTED_BEFORE']);
    await coverage.close();
  });

  it('says of reports about other journals, and about members of no audience, that they are none of its own', async () => {
    const coverage = await startTestCoverage(folder, { audience });
    coverage.begin(liveEventAt(1));
    coverage.report(reportOf(1, { epoch: 2, sent: deliveries('a0') }));
    coverage.report(reportOf(1, { event: 'fight-2', sent: deliveries('a0') }));
    coverage.report(reportOf(1, { sent: deliveries('a99', 'b1'), dropped: ['Profile:a1'] }));
    expect(await coverage.coverage('fight-1', 1)).toMatchObject({ sent: 0, connected: 0 });
    expect(await coverage.coverage('fight-2', null)).toBeNull();
    expect(coverage.unknownReports).toBe(2);
    await coverage.close();
  });

  it('shows the newest epoch first, and does not let an older one begin again', async () => {
    const coverage = await startTestCoverage(folder, { audience });
    coverage.begin(liveEventAt(5));
    coverage.begin(liveEventAt(1, { epoch: 2 }));
    coverage.begin(liveEventAt(6));
    coverage.report(reportOf(5, { sent: deliveries('a0') }));
    await coverage.settled();
    const found = await coverage.coverages('fight-1', 10);
    expect(found.map(({ epoch, sequence, sent }) => ({ epoch, sequence, sent }))).toEqual([
      { epoch: 2, sequence: 1, sent: 0 },
      { epoch: 1, sequence: 5, sent: 1 },
    ]);
    await coverage.close();
  });

  it('counts members of an event without an audience, though it cannot say who is missing', async () => {
    const coverage = await startTestCoverage(folder);
    coverage.begin(liveEventAt(1, { audience: null }));
    const sent = [...deliveries('a0', 'a1'), { member: 'Profile:a1', device: 'tv', delayMs: 1 }];
    coverage.report(reportOf(1, { sent }));
    coverage.report(reportOf(1, { sent: deliveries('a1.tv') }));
    expect(await coverage.coverage('fight-1', 1)).toMatchObject({ sent: 3, audience: null, share: null });
    expect(await missingNames(coverage, 1)).toEqual([]);
    await coverage.close();
  });

  it('leaves out what comes faster than it is counted, and says how much that was', async () => {
    const coverage = await startTestCoverage(folder, { audience, limits: { deliveriesWaitingMax: 3 } });
    coverage.begin(liveEventAt(1));
    coverage.report(reportOf(1, { sent: deliveries('a0', 'a1') }));
    coverage.report(reportOf(1, { sent: deliveries('a2', 'a3') }));
    await coverage.settled();
    coverage.report(reportOf(1, { sent: deliveries('a4', 'a5') }));
    expect(await coverage.coverage('fight-1', 1)).toMatchObject({ sent: 4 });
    expect(coverage.lostDeliveries).toBe(2);
    await coverage.close();
  });

  it('can be read after a restart, and goes on from there', async () => {
    const first = await startTestCoverage(folder, { audience, prefetched: () => [0, 1, 2] });
    first.begin(liveEventAt(1));
    first.report(reportOf(1, { sent: deliveries('a0@3', 'a1@5'), applied: deliveries('a0@9') }));
    const before = await first.coverage('fight-1', 1);
    await first.close();
    const second = await startTestCoverage(folder, { audience });
    expect(await second.coverage('fight-1', 1)).toEqual(before);
    second.begin(liveEventAt(1));
    second.report(reportOf(1, { applied: deliveries('a0@20', 'a1@30') }));
    second.begin(liveEventAt(2));
    expect(await second.coverage('fight-1', 1)).toMatchObject({ applied: 2, appliedTimes: { t50Ms: 9 } });
    // Nobody keeps any more who has prefetched; those connected before are known still.
    expect((await missingNames(second, 2)).slice(0, 3)).toEqual([
      'Account:a0 DISCONNECTED_BEFORE',
      'Account:a1 DISCONNECTED_BEFORE',
      'Account:a2 NEVER_CONNECTED',
    ]);
    await second.close();
  });

  it('is written while its broadcast holds, so that a crash loses the last seconds only', async () => {
    const wakes: (() => void)[] = [];
    const sleeping = Promise.withResolvers<void>();
    const clock = {
      now: stillClock.now,
      sleep: (delayMs: number, signal?: AbortSignal): Promise<void> => {
        if (wakes.length > 0) sleeping.resolve();
        return Promise.race([
          stillClock.sleep(delayMs, signal),
          new Promise<void>((resolve) => wakes.push(resolve)),
        ]);
      },
    };
    const coverage = await startTestCoverage(folder, { audience, clock });
    coverage.begin(liveEventAt(1));
    coverage.report(reportOf(1, { sent: deliveries('a0') }));
    await coverage.settled();
    wakes[0]?.();
    await sleeping.promise;
    // What is in the folder now is what a crash would leave.
    const { cp } = await import('node:fs/promises');
    const copy = await coverageFolder();
    await cp(folder, copy, { recursive: true });
    const after = await startTestCoverage(copy, { audience });
    expect(await after.coverage('fight-1', 1)).toMatchObject({ sent: 1 });
    await after.close();
    await coverage.close();
  });

  it('keeps so many broadcasts of an event, and of all events; the oldest go', async () => {
    const coverage = await startTestCoverage(folder, {
      audience,
      limits: { openMax: 2 },
      store: { broadcastsMax: 5, broadcastsOfEventMax: 3 },
    });
    for (let sequence = 1; sequence <= 4; sequence++) {
      coverage.begin(liveEventAt(sequence));
      coverage.report(reportOf(sequence, { sent: deliveries('a0') }));
    }
    for (let n = 1; n <= 3; n++) coverage.begin(liveEventAt(1, { id: `other-${n}` }));
    await coverage.settled();
    const kept = await coverage.coverages('fight-1', 10);
    expect(kept.map(({ sequence, sent }) => ({ sequence, sent }))).toEqual([
      { sequence: 4, sent: 1 },
      { sequence: 3, sent: 1 },
    ]);
    expect(await coverage.coverages('other-1', 10)).toHaveLength(1);
    await coverage.close();
  });

  it('refuses by name to tell members of an audience that is gone', async () => {
    const first = await startTestCoverage(folder, { audience });
    first.begin(liveEventAt(1));
    await first.close();
    const second = await startTestCoverage(folder);
    expect(await second.coverage('fight-1', 1)).toMatchObject({ audience: 8 });
    await expect(second.missing(one(1), all)).rejects.toMatchObject({ code: 'COVERAGE_AUDIENCE_GONE' });
    await second.close();
  });

  it('forgets what is removed, reports that come later included, and at the start what was removed before', async () => {
    const events = new FakeLiveEvents(liveEventAt(1), liveEventAt(1, { id: 'fight-2' }));
    const first = await startTestCoverage(folder, { audience });
    const stop = first.follow(events);
    await first.settled();
    events.remove('fight-1');
    first.report(reportOf(1, { sent: deliveries('a1@20') }));
    await first.settled();
    expect(first.unknownReports).toBe(1);
    expect(await first.coverages('fight-1', 10)).toEqual([]);
    expect(await first.coverages('fight-2', 10)).toHaveLength(1);
    stop();
    await first.close();
    // While nothing follows: as a crash between the removal and what comes of it.
    events.remove('fight-2');
    const second = await startTestCoverage(folder, { audience });
    second.follow(events);
    await second.settled();
    expect(await second.coverages('fight-2', 10)).toEqual([]);
    await second.close();
    const store = await CoverageStore.open(folder);
    expect(store.count).toBe(0);
    await store.close();
  });

  it('counts a change that was journaled just before a crash from when it was made, and from its stage where the journal does not say', async () => {
    const before = [liveEventAt(1), liveEventAt(1, { id: 'fight-2' })];
    const events = new FakeLiveEvents(...before);
    const first = await startTestCoverage(folder, { audience });
    const stop = first.follow(events);
    await first.settled();
    stop();
    await first.close();
    events.change('plan', liveEventAt(2, { version: 2 }), 901_000);
    const unsaid = new FakeLiveEvents(liveEventAt(2, { id: 'fight-2', version: 2 }));
    const clock = { ...stillClock, now: () => 902_000 };
    const second = await startTestCoverage(folder, { audience, clock });
    second.follow(events);
    second.follow(unsaid);
    second.report(reportOf(2, { sent: deliveries('a0@901040') }));
    second.report(reportOf(2, { event: 'fight-2', sent: deliveries('a0@901040') }));
    expect(await second.coverage('fight-1', 2)).toMatchObject({ sentTimes: { t100Ms: 1040 } });
    expect(await second.coverage('fight-2', 2)).toMatchObject({ sentTimes: { t100Ms: 901_040 } });
    await second.close();
  });

  it('keeps the figures of events that the journal knows nothing of, as after it was moved away', async () => {
    const first = await startTestCoverage(folder, { audience });
    first.follow(new FakeLiveEvents(liveEventAt(1)));
    first.report(reportOf(1, { sent: deliveries('a1@20') }));
    await first.settled();
    await first.close();
    const second = await startTestCoverage(folder, { audience });
    second.follow(new FakeLiveEvents());
    await second.settled();
    expect(await second.coverages('fight-1', 10)).toMatchObject([{ sequence: 1, sent: 1 }]);
    await second.close();
  });

  it('begins later what could not begin, in the order in which it was made, and counts what is reported from then on', async () => {
    let isOut = true;
    const clock = new WakingClock();
    const coverage = await startTestCoverage(folder, { audience, clock, isOut: () => isOut });
    coverage.begin(liveEventAt(1));
    coverage.begin(liveEventAt(2));
    coverage.report(reportOf(2, { sent: deliveries('a0', 'a1') }));
    await coverage.settled();
    await clock.wake();
    expect(await coverage.coverages('fight-1', 10)).toEqual([]);
    expect(coverage).toMatchObject({ unbegunBroadcasts: 2, lostDeliveries: 2, unknownReports: 0 });
    isOut = false;
    await clock.wake();
    expect(coverage.unbegunBroadcasts).toBe(0);
    coverage.report(reportOf(2, { sent: deliveries('a2') }));
    const found = await coverage.coverages('fight-1', 10);
    expect(found.map(({ sequence, sent }) => [sequence, sent])).toEqual([
      [2, 1],
      [1, 0],
    ]);
    await coverage.close();
  });

  it('begins with the first report that comes when the outage is over, and loses nothing of it', async () => {
    let isOut = true;
    const coverage = await startTestCoverage(folder, { audience, isOut: () => isOut });
    coverage.begin(liveEventAt(1));
    await coverage.settled();
    isOut = false;
    coverage.report(reportOf(1, { sent: deliveries('a0') }));
    expect(await coverage.coverage('fight-1', null)).toMatchObject({ sequence: 1, sent: 1 });
    expect(coverage).toMatchObject({ unbegunBroadcasts: 0, lostDeliveries: 0 });
    await coverage.close();
  });

  it('gives up the oldest of too many that could not begin, by name, and those of an event that is removed', async () => {
    let isOut = true;
    const said: string[] = [];
    const log = { ...silentLog, error: (_fields: object, message: string) => said.push(message) };
    const limits = { unbegunMax: 2 };
    const coverage = await startTestCoverage(folder, { audience, isOut: () => isOut, log, limits });
    for (const id of ['fight-1', 'fight-2', 'fight-3']) coverage.begin(liveEventAt(1, { id }));
    coverage.forget('fight-3');
    await coverage.settled();
    expect(said).toContainEqual(expect.stringContaining('fight-1, epoch 1, sequence 1 are given up'));
    expect(coverage.unbegunBroadcasts).toBe(1);
    isOut = false;
    for (const event of ['fight-1', 'fight-2', 'fight-3']) coverage.report(reportOf(1, { event }));
    await coverage.settled();
    const kept = ['fight-1', 'fight-2', 'fight-3'].map((id) => coverage.coverages(id, 10));
    expect((await Promise.all(kept)).map(({ length }) => length)).toEqual([0, 1, 0]);
    await coverage.close();
  });

  it('lets none go for one that can begin, alone or behind those of its event that waited, however many wait', async () => {
    let isOut = true;
    const said: string[] = [];
    const log = { ...silentLog, error: (_fields: object, message: string) => said.push(message) };
    const limits = { unbegunMax: 2 };
    const coverage = await startTestCoverage(folder, { audience, isOut: () => isOut, log, limits });
    for (const id of ['fight-1', 'fight-2']) coverage.begin(liveEventAt(1, { id }));
    coverage.begin(liveEventAt(1, { id: 'fight-3', audience: null }));
    await coverage.settled();
    expect(coverage.unbegunBroadcasts).toBe(2);
    expect(await coverage.coverages('fight-3', 10)).toHaveLength(1);
    isOut = false;
    coverage.begin(liveEventAt(2, { id: 'fight-2' }));
    await coverage.settled();
    expect(coverage.unbegunBroadcasts).toBe(1);
    const begun = await coverage.coverages('fight-2', 10);
    expect(begun.map(({ sequence }) => sequence)).toEqual([2, 1]);
    coverage.report(reportOf(1, { event: 'fight-1', sent: deliveries('a0') }));
    expect(await coverage.coverage('fight-1', null)).toMatchObject({ sequence: 1, sent: 1 });
    expect(said.filter((message) => message.includes('given up'))).toEqual([]);
    await coverage.close();
  });

  it('follows the journal from what holds now', async () => {
    const listeners = new Set<(entry: JournalEntry) => void>();
    const events: FollowedEvents = {
      epoch: 1,
      get: () => liveEventAt(3),
      list: () => [liveEventAt(3)],
      broadcastsAfter: async () => [],
      watch: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      watchRemovals: () => () => undefined,
      wasRemoved: () => false,
      history: async () => [],
    };
    const entry = (after: LiveEvent): JournalEntry => ({
      event: after.id, sequence: after.sequence, timeMs: 0, actor: 'clock', command: 'clock', reason: null, after,
    }); // biome-ignore format: one row
    const coverage = await startTestCoverage(folder, { audience });
    const stop = coverage.follow(events);
    for (const listener of listeners) listener(entry(liveEventAt(4)));
    await coverage.settled();
    expect((await coverage.coverages('fight-1', 10)).map(({ sequence }) => sequence)).toEqual([4, 3]);
    stop();
    expect(listeners.size).toBe(0);
    await coverage.close();
  });
});
