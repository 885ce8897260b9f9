import { describe, expect, it } from 'vitest';
import { must, systemClock } from '../../foundation/index.ts';
import { createMemoryStore, type EventMutations } from '../../graph-store/index.ts';
import { AuthorizedReader } from '../policy/authorized-reader.ts';
import { Grant } from '../policy/grant.ts';
import { callerWith, policyFrom } from '../policy/policy-testing.ts';
import { HandClock, owner, type Reader, stepOf, TestProcess, turns } from './live-testing.ts';
import type { SubscriptionParts } from './step-subscription.ts';

describe('A subscription to steps', () => {
  it('says first that it is in place, then brings what is applied in the order of applying, late events too', async () => {
    const process = new TestProcess();
    await process.write([stepOf(500, 1)]);
    const reader = await process.subscribe(null).pull();
    expect(reader.events).toMatchObject([{ step: null, recovered: null, reason: null }]);
    await process.write([stepOf(900, 2), stepOf(100, 3)]);
    await process.write([stepOf(700, 4), stepOf(1, 99, { type: 'Account', id: 'other' })]);
    await turns();
    expect(reader.steps).toEqual([2, 3, 4]);
    expect(reader.events.at(-1)?.step).toMatchObject({
      owner,
      domain: 'streaming',
      links: [{ edge: 'WATCHED' }],
    });
    await reader.stop();
  });

  it('taken up again goes on from the feed, and says so', async () => {
    const process = new TestProcess();
    const first = await process.subscribe(null).pull();
    await process.write([stepOf(500, 1), stepOf(600, 2)]);
    await turns();
    const cursor = first.cursor;
    await first.stop();
    await process.write([stepOf(50, 3), stepOf(700, 4)]);
    const second = await process.subscribe(cursor).pull();
    expect(second.events[0]).toMatchObject({ step: null, recovered: true, reason: null });
    expect(second.steps).toEqual([3, 4]);
    await second.stop();
  });

  it('after a restart goes on by time from the store, and says that late steps may be missing', async () => {
    const memory = createMemoryStore(systemClock);
    const before = new TestProcess({ memory });
    const first = await before.subscribe(null).pull();
    await before.write([stepOf(500, 1), stepOf(600, 2)]);
    await turns();
    const cursor = first.cursor;
    await before.write([stepOf(550, 3), stepOf(700, 4)]);
    const after = new TestProcess({ memory, epoch: 2n });
    after.startAt(before.position);
    const second = await after.subscribe(cursor).pull();
    expect(second.events[0]).toMatchObject({ step: null, recovered: false, reason: 'other-process' });
    expect(second.steps).toEqual([4]);
    await after.write([stepOf(650, 5)]);
    await turns();
    expect(second.steps).toEqual([4, 5]);
    await second.stop();
  });

  it('goes on from the cursor of a page, by time', async () => {
    const process = new TestProcess();
    await process.write([stepOf(500, 1), stepOf(600, 2)]);
    const cursor = { feed: null, place: { timeMs: 500, occurrence: 1n } };
    const reader = await process.subscribe(cursor).pull();
    expect(reader.events[0]).toMatchObject({ recovered: false, reason: 'place-only' });
    expect(reader.steps).toEqual([2]);
    await reader.stop();
  });

  it('is not recovered when nobody listened for longer than the grace, though nothing was recorded meanwhile', async () => {
    const clock = new HandClock();
    const process = new TestProcess({ clock, limits: { graceMs: 1000 } });
    const first = await process.subscribe(null).pull();
    const cursor = first.cursor;
    await first.stop();
    await clock.advance(999);
    const inTime = await process.subscribe(cursor).pull();
    expect(inTime.events[0]).toMatchObject({ recovered: true });
    await inTime.stop();
    await clock.advance(1000);
    await process.write([stepOf(500, 1)]);
    expect(process.journal.held.owners).toBe(0);
    const late = await process.subscribe(cursor).pull();
    expect(late.events[0]).toMatchObject({ recovered: false, reason: 'too-long-ago' });
    await late.stop();
  });

  it('loses and repeats nothing that was on its way to the store when it began', async () => {
    const process = new TestProcess();
    process.hold();
    const unseen = process.write([stepOf(500, 1)]);
    await turns();
    const cursor = { feed: null, place: { timeMs: 0, occurrence: 0n } };
    const reader = await process.subscribe(cursor).pull();
    expect(reader.events).toEqual([]);
    const seen = process.write([stepOf(400, 2)]);
    await turns();
    process.settle();
    await unseen;
    await turns();
    // The second one is in the store already, and comes when it is durable.
    expect(reader.steps).toEqual([1]);
    process.settle();
    await seen;
    await turns();
    expect(reader.steps).toEqual([1, 2]);
    await reader.stop();
  });

  it('fails as an outage when the store takes no batch for long, and can be tried again', async () => {
    const clock = new HandClock();
    const process = new TestProcess({ clock });
    process.hold();
    void process.write([stepOf(500, 1)]);
    await turns();
    const reader = await process.subscribe(null).pull();
    await clock.advance(5000);
    expect(reader.error).toMatchObject({ code: 'STORE_BEHIND', reaction: 'outage' });
    process.settle();
  });

  it('leaves out what was deleted before it could be delivered', async () => {
    const process = new TestProcess();
    const reader = await process.subscribe(null).pull(1);
    await process.write([stepOf(500, 1), stepOf(600, 2)]);
    await process.write([
      { timeMs: 550, rank: 0, occurrence: 9n, mutations: [{ kind: 'node-delete', node: owner }] },
    ]);
    await reader.pull();
    expect(reader.steps).toEqual([2]);
    await reader.stop();
  });

  it('brings an event that a producer sends twice once', async () => {
    const process = new TestProcess();
    const reader = await process.subscribe(null).pull();
    await process.write([stepOf(500, 1), stepOf(500, 1)]);
    await process.write([stepOf(500, 1)]);
    await turns();
    expect(reader.steps).toEqual([1]);
    await reader.stop();
  });

  it('ends at once when it is ended, also before it began and while it waits', async () => {
    const process = new TestProcess({ limits: { graceMs: 0 } });
    await process.subscribe(null).stop();
    const waiting = await process.subscribe(null).pull();
    await waiting.stop();
    expect(waiting.ended).toBe(true);
    expect(process.journal.held).toEqual({ owners: 0, steps: 0 });
  });

  it('is refused when too many owners are watched, unless nobody listens to one of them any more', async () => {
    const process = new TestProcess({ limits: { ownersMax: 1 } });
    const other = must(
      process.journal.watch({ type: 'Account', id: 'b' }, () => undefined),
      'the first fits',
    );
    expect(() => process.subscribe(null)).toThrow(/too many subscriptions/);
    other.close();
    await process.subscribe(null).stop();
  });
});

describe('A subscription beside other writers', () => {
  it('looks into the store now and then, and brings its own process at once', async () => {
    const memory = createMemoryStore(systemClock);
    const clock = new HandClock();
    const own = new TestProcess({ memory, clock, complete: false });
    const other = new TestProcess({ memory, clock, epoch: 2n });
    const reader = await own.subscribe(null).pull();
    await other.write([stepOf(500, 1)], 1);
    await own.write([stepOf(600, 2)]);
    await turns();
    expect(reader.steps).toEqual([2]);
    await clock.advance(2000);
    expect(reader.steps).toEqual([2, 1]);
    await other.write([stepOf(700, 3)], 1);
    await clock.advance(1999);
    expect(reader.steps).toEqual([2, 1]);
    await clock.advance(1);
    expect(reader.steps).toEqual([2, 1, 3]);
    const again = await own.subscribe(reader.cursor).pull();
    expect(again.events[0]).toMatchObject({ recovered: false, reason: 'many-writers' });
    await reader.stop();
    await again.stop();
  });

  it('looks into it as often when the clock is set back', async () => {
    const memory = createMemoryStore(systemClock);
    const clock = new HandClock();
    const own = new TestProcess({ memory, clock, complete: false });
    const other = new TestProcess({ memory, clock, epoch: 2n });
    const reader = await own.subscribe(null).pull();
    clock.set(-900_000);
    await other.write([stepOf(500, 1)], 1);
    await clock.advance(2000);
    expect(reader.steps).toEqual([1]);
    await reader.stop();
  });

  it('taken up again repeats nothing that was delivered before its last look into the store', async () => {
    const clock = new HandClock();
    const own = new TestProcess({ clock, complete: false });
    await own.write([stepOf(100, 1)]);
    const reader = await own.subscribe(null).pull();
    await own.write([stepOf(500, 2), stepOf(600, 3)]);
    await clock.advance(2000);
    await own.write([stepOf(700, 4)]);
    await turns();
    expect(reader.steps).toEqual([2, 3, 4]);
    expect(reader.cursor?.place).toEqual({ timeMs: 600, occurrence: 3n });
    await reader.stop();
    const again = await own.subscribe(reader.cursor).pull();
    expect(again.steps).toEqual([4]);
    await again.stop();
  });

  it('looks into the store also while its own process always has a step for it, and its place follows', async () => {
    const memory = createMemoryStore(systemClock);
    const clock = new HandClock();
    const own = new TestProcess({ memory, clock, complete: false });
    const other = new TestProcess({ memory, clock, epoch: 2n });
    const reader = await own.subscribe(null).pull(1);
    await own.write([stepOf(500, 1), stepOf(600, 2), stepOf(800, 3)]);
    await other.write([stepOf(700, 4)], 1);
    const places: number[] = [];
    for (let pulled = 0; pulled < 4; pulled += 1) {
      await reader.pull(1);
      places.push(reader.cursor?.place.timeMs ?? -1);
      await clock.advance(2000);
    }
    expect(reader.steps).toEqual([1, 4, 2, 3]);
    expect(places).toEqual([0, 500, 600, 800]);
    await reader.stop();
  });

  it('lets no cursor lie behind a step that is on its way to the store, however often it looks meanwhile', async () => {
    const memory = createMemoryStore(systemClock);
    const clock = new HandClock();
    const own = new TestProcess({ memory, clock, complete: false });
    const other = new TestProcess({ memory, clock, epoch: 2n });
    const reader = await own.subscribe(null).pull();
    own.hold();
    const held = own.write([stepOf(500, 1)]);
    await turns();
    await clock.advance(2000);
    await other.write([stepOf(700, 2)], 1);
    await clock.advance(2000);
    expect(reader.steps).toEqual([2]);
    expect(reader.cursor?.place.timeMs).toBe(0);
    own.settle();
    await held;
    await turns();
    await clock.advance(2000);
    await other.write([stepOf(800, 3)], 1);
    await clock.advance(2000);
    expect(reader.steps).toEqual([2, 1, 3]);
    expect(reader.cursor?.place).toEqual({ timeMs: 800, occurrence: 3n });
    await reader.stop();
  });

  it('brings what lies behind a step on its way once, though it looks there again', async () => {
    const memory = createMemoryStore(systemClock);
    const clock = new HandClock();
    const own = new TestProcess({ memory, clock, complete: false });
    const other = new TestProcess({ memory, clock, epoch: 2n });
    const first = await own.subscribe(null).pull();
    await first.stop();
    own.hold();
    const held = own.write([stepOf(500, 1)]);
    await other.write([stepOf(700, 2)], 1);
    const waiting = await own.subscribe(first.cursor).pull();
    expect(waiting.steps).toEqual([2]);
    own.settle();
    await held;
    await turns();
    await clock.advance(2000);
    expect(waiting.steps).toEqual([2, 1]);
    await waiting.stop();
  });
});

describe('A subscription by a caller limited to some domains', () => {
  const policy = policyFrom(`
version: 1
scopes:
  streams:
    operations: [journeySteps]
    nodes: { '*': { rows: all, fields: all } }
    steps: { streaming: { fields: all } }
`);
  const hidden = (timeMs: number, id: number): EventMutations => {
    const step = { kind: 'step', owner, domain: 'ads', action: 'saw', links: [], properties: [] } as const;
    return { timeMs, rank: 0, occurrence: BigInt(id), mutations: [step] };
  };
  const limitsOf = (process: TestProcess): Pick<SubscriptionParts, 'reader' | 'limits'> => ({
    reader: {
      journey: (query) =>
        new AuthorizedReader(process.memory, new Grant(policy, callerWith(['streams']))).journey(query),
    },
    limits: { lookbackMs: Number.MAX_SAFE_INTEGER, scanRowsMax: 3 },
  });

  it('begins though more of the newest steps are hidden than may be looked at', async () => {
    const process = new TestProcess();
    await process.write([stepOf(1, 1), ...[2, 3, 4, 5].map((id) => hidden(id, id))]);
    const reader = await process.subscribe(null, process.journal, limitsOf(process)).pull();
    expect(reader.error).toBeNull();
    expect(reader.events).toMatchObject([{ step: null, recovered: null }]);
    expect(reader.cursor?.place).toEqual({ timeMs: 0, occurrence: 0n });
    await process.write([stepOf(9, 9)]);
    await turns();
    expect(reader.steps).toEqual([9]);
    await reader.stop();
  });

  it('is refused then beside other writers, where the store is read on from the newest step', async () => {
    const process = new TestProcess({ complete: false });
    await process.write([stepOf(1, 1), ...[2, 3, 4, 5].map((id) => hidden(id, id))]);
    const reader = await process.subscribe(null, process.journal, limitsOf(process)).pull();
    expect(reader.error).toMatchObject({ extensions: { code: 'QUERY_TOO_LARGE' } });
  });
});

describe('Readers that do not read', () => {
  it('a thousand of them on one member are told once each, hold nothing, and keep nobody waiting', async () => {
    const process = new TestProcess({ limits: { ownerStepsMax: 50 } });
    const slow: Reader[] = [];
    for (let i = 0; i < 1000; i += 1) slow.push(process.subscribe(null));
    await Promise.all(slow.map((reader) => reader.pull(1)));
    const quick = await process.subscribe(null).pull();
    for (let i = 1; i <= 200; i += 10) {
      await process.write(Array.from({ length: 10 }, (_, k) => stepOf(1000 + i + k, i + k)));
      await turns();
    }
    expect(quick.steps).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
    expect(quick.cuts).toEqual([]);
    expect(slow.filter(({ cuts }) => cuts.join() === 'too-slow')).toHaveLength(1000);
    expect(process.journal.held).toEqual({ owners: 1, steps: 50 });
    const late = must(slow[0], 'there are a thousand');
    await late.pull();
    expect([late.ended, late.steps]).toEqual([true, []]);
    await Promise.all([...slow, quick].map((reader) => reader.stop()));
  });

  it('of many owners share one bound: the owner that was quiet longest loses its oldest steps', async () => {
    const process = new TestProcess({ limits: { stepsMax: 3 } });
    const quiet = { type: 'Account', id: 'quiet' };
    const watch = must(
      process.journal.watch(quiet, () => undefined),
      'it fits',
    );
    const reader = await process.subscribe(null).pull();
    await process.write([stepOf(1, 1, quiet), stepOf(2, 2, quiet)]);
    await process.write([stepOf(3, 3), stepOf(4, 4)]);
    expect(process.journal.held.steps).toBe(3);
    expect(watch.next(0)).toMatchObject({ timeMs: 2 });
    watch.close();
    await reader.stop();
  });
});
