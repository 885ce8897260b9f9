import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FeedBench, stageBroadcast } from './event-feed-testing.ts';
import type { Session } from './session.ts';
import type { FakeWire } from './wire.fake.ts';

const step = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant('take' as const) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('join' as const), behind: fc.nat(6) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('leave' as const), which: fc.nat(1_000) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('turn' as const) }) },
);

describe('the feed of an event', () => {
  it('tells each session, whoever comes and goes meanwhile, what follows its greeting: forward, once, and to the newest', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 80, size: 'max' }),
        fc.integer({ min: 1, max: 4 }),
        async (steps, slice) => {
          const bench = new FeedBench({ fanOutSockets: slice, historyBroadcastsMax: 8 });
          let newest = 10;
          for (let sequence = 1; sequence <= newest; sequence += 1) bench.feed.take(stageBroadcast(sequence));
          const there: { session: Session; wire: FakeWire }[] = [];
          const all: FakeWire[] = [];
          for (const [index, one] of steps.entries()) {
            if (one.do === 'take') {
              newest += 1;
              bench.feed.take(stageBroadcast(newest));
            } else if (one.do === 'join') {
              const joined = bench.join(`tv-${index}`, { epoch: 1_000, sequence: newest - one.behind });
              there.push(joined);
              all.push(joined.wire);
              const missed = Array.from({ length: one.behind }, (_, at) => newest - one.behind + 1 + at);
              expect(joined.wire.received.map(({ sequence }) => sequence)).toEqual([newest, ...missed]);
            } else if (one.do === 'leave') {
              const [left] = there.splice(one.which % Math.max(1, there.length), 1);
              if (left !== undefined) bench.feed.leave(left.session);
            } else await bench.clock.turn();
          }
          await bench.settle();
          expect(new Set(bench.feed.sessions)).toEqual(new Set(there.map(({ session }) => session)));
          for (const { wire } of there) expect(wire.received.at(-1)?.sequence).toBe(newest);
          for (const { received } of all) {
            const sequences = received.slice(1).map(({ sequence }) => sequence);
            expect(sequences).toEqual([...new Set(sequences)].toSorted((one, other) => one - other));
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('has no hole in what a session hears as long as a pass is over before the next broadcast', async () => {
    const bench = new FeedBench({ fanOutSockets: 2 });
    bench.feed.take(stageBroadcast(1));
    const { wire } = bench.join('tv-1', { epoch: 0, sequence: 0 });
    for (let other = 0; other < 9; other += 1) bench.join(`other-${other}`, { epoch: 0, sequence: 0 });
    for (let sequence = 2; sequence < 50; sequence += 1) {
      bench.feed.take(stageBroadcast(sequence));
      await bench.settle();
    }
    expect(wire.received.map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: 49 }, (_, at) => at + 1),
    );
    expect(bench.metrics.collapsed).toBe(0);
  });

  it('reaches the last ones however fast broadcasts come', async () => {
    const bench = new FeedBench({ fanOutSockets: 1 });
    bench.feed.take(stageBroadcast(1));
    const wires = Array.from(
      { length: 5 },
      (_, at) => bench.join(`tv-${at}`, { epoch: 0, sequence: 0 }).wire,
    );
    for (let sequence = 2; sequence < 30; sequence += 1) {
      bench.feed.take(stageBroadcast(sequence));
      await bench.clock.turn();
    }
    for (const { received } of wires) expect(received.length).toBeGreaterThan(4);
  });

  it('closes who has too much waiting, and no other', async () => {
    const bench = new FeedBench({ socketBufferBytesMax: 1_000, fanOutSockets: 1 });
    bench.feed.take(stageBroadcast(1));
    const [slow, ...others] = Array.from({ length: 4 }, (_, at) =>
      bench.join(`tv-${at}`, { epoch: 0, sequence: 0 }),
    );
    if (slow !== undefined) slow.wire.stalled = true;
    for (let sequence = 2; sequence < 30; sequence += 1) {
      bench.feed.take(stageBroadcast(sequence));
      await bench.settle();
    }
    expect(slow?.wire).toMatchObject({ closed: 4408 });
    expect(slow?.wire.outlet.writableLength).toBeLessThanOrEqual(1_000);
    for (const { wire } of others) {
      expect(wire.closed).toBeNull();
      expect(wire.received).toHaveLength(29);
    }
  });

  it('writes no frame behind the close frame of who is sent away while it writes to all', async () => {
    const bench = new FeedBench({ fanOutSockets: 1 });
    bench.feed.take(stageBroadcast(1));
    const joined = Array.from({ length: 6 }, (_, at) => bench.join(`tv-${at}`, { epoch: 0, sequence: 0 }));
    bench.feed.take(stageBroadcast(2));
    await bench.clock.turn();
    const [reached, , , next, last] = joined;
    for (const one of [reached, next, last]) {
      if (one === undefined) continue;
      bench.feed.leave(one.session);
      one.wire.shut(4408);
    }
    await bench.settle();
    expect(joined.map(({ wire }) => wire.received.at(-1)?.sequence)).toEqual([2, 2, 2, 1, 1, 2]);
  });

  it('reports every delivery once, in batches of the size allowed, however many there are', async () => {
    const bench = new FeedBench({ reportDeliveriesMax: 3, reportPendingMax: 10 });
    bench.feed.take(stageBroadcast(1));
    const joined = Array.from({ length: 7 }, (_, at) => bench.join(`tv-${at}`, { epoch: 0, sequence: 0 }));
    for (let sequence = 2; sequence <= 6; sequence += 1) {
      bench.feed.take(stageBroadcast(sequence));
      for (const { session } of joined) bench.feed.applied(session, { epoch: 1_000, sequence }, null);
    }
    expect(bench.ledger.pending).toBeLessThan(10 + 2 * 7);
    const flushed = bench.ledger.flush();
    await bench.settle();
    await flushed;
    const named = (what: 'sent' | 'applied', sequence: number): readonly string[] =>
      bench.reports
        .filter((report) => report.sequence === sequence)
        .flatMap((report) => report[what].map(({ device }) => device))
        .toSorted();
    const everybody = joined.map(({ session }) => session.device);
    for (let sequence = 1; sequence <= 6; sequence += 1) expect(named('sent', sequence)).toEqual(everybody);
    for (let sequence = 2; sequence <= 6; sequence += 1)
      expect(named('applied', sequence)).toEqual(everybody);
    expect(Math.max(...bench.reports.map(({ sent, applied }) => Math.max(sent.length, applied.length)))).toBe(
      3,
    );
  });
});
