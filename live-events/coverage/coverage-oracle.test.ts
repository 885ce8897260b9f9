import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { must } from '../../foundation/index.ts';
import type { Delivery, DeliveryReport } from '../ports.ts';
import { FakeAudience, liveEventAt, reportOf, startTestCoverage } from './coverage-testing.ts';
import { missingReasons } from './missing.ts';

const members = 12;
const sequences = 4;

/** All reports as they came, and everything asked of them by going through all. */
class NaiveCoverage {
  readonly #reports: DeliveryReport[] = [];
  #begun = 0;
  /** Who had prefetched when it was superseded. */
  readonly #prefetched = new Map<number, ReadonlySet<number>>();

  begin(prefetched: ReadonlySet<number>): void {
    this.#prefetched.set(this.#begun, prefetched);
    this.#begun += 1;
  }

  report(report: DeliveryReport): void {
    if (report.sequence <= this.#begun && report.epoch === 1) this.#reports.push(report);
  }

  figures(sequence: number, now: ReadonlySet<number>): unknown {
    const own = this.#reports.filter((one) => one.sequence === sequence);
    const sent = firstDelays(own.map((one) => one.sent));
    const applied = firstDelays(own.map((one) => one.applied));
    const dropped = new Set(own.flatMap((one) => one.dropped));
    const earlier = new Set(
      this.#reports
        .filter((one) => one.sequence < sequence)
        .flatMap((one) => [...[...one.sent, ...one.applied].map(({ member }) => member), ...one.dropped]),
    );
    const prefetched = this.#prefetched.get(sequence) ?? now;
    const missing = Array.from({ length: members }, (_one, number) => number).flatMap((number) => {
      const member = `Account:a${number}`;
      if (applied.has(member)) return [];
      if (!prefetched.has(number)) return [{ number, member, reason: 'NEVER_PREFETCHED' }];
      if (dropped.has(member)) return [{ number, member, reason: 'TOO_SLOW' }];
      if (sent.has(member)) return [{ number, member, reason: 'SILENT' }];
      const reason = earlier.has(member) ? 'DISCONNECTED_BEFORE' : 'NEVER_CONNECTED';
      return [{ number, member, reason }];
    });
    return {
      sent: sent.size,
      applied: applied.size,
      connected: new Set([...sent.keys(), ...applied.keys(), ...dropped]).size,
      sentLastMs: sent.size === 0 ? null : Math.max(...sent.values()),
      appliedLastMs: applied.size === 0 ? null : Math.max(...applied.values()),
      counts: missingReasons.map((reason) => missing.filter((one) => one.reason === reason).length),
      missing,
    };
  }
}

function firstDelays(reports: readonly (readonly Delivery[])[]): ReadonlyMap<string, number> {
  const first = new Map<string, number>();
  for (const report of reports) {
    const earlier = new Set(first.keys());
    for (const { member, delayMs } of report) {
      if (Number(member.slice('Account:a'.length)) >= members || earlier.has(member)) continue;
      first.set(member, Math.min(first.get(member) ?? delayMs, delayMs));
    }
  }
  return first;
}

const delivery = fc.record({
  // Some beyond the audience.
  member: fc.nat({ max: members + 1 }).map((n) => `Account:a${n}`),
  device: fc.constantFrom('tv', 'phone'),
  delayMs: fc.nat({ max: 50 }),
});
const someone = fc.array(delivery, { maxLength: 6 });
const step = fc.oneof(
  { weight: 2, arbitrary: fc.constant({ kind: 'begin' } as const) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('report' as const),
      sequence: fc.integer({ min: 1, max: sequences }),
      epoch: fc.constantFrom(1, 1, 1, 2),
      sent: someone,
      applied: someone,
      dropped: fc.array(
        fc.nat({ max: members - 1 }).map((n) => `Account:a${n}`),
        { maxLength: 2 },
      ),
      again: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' } as const) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('prefetch' as const), number: fc.nat({ max: members - 1 }) }),
  },
);

describe('Coverage beside a naive count', () => {
  it('says the same of reports that come twice, late, of other epochs, between restarts, with little memory', async () => {
    const audience = new FakeAudience('everybody', members);
    let asserted = 0;
    const property = fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const folder = await mkdtemp(join(tmpdir(), 'coverage-oracle-'));
      let prefetched: ReadonlySet<number> = new Set();
      const options = {
        audience,
        prefetched: () => [...prefetched],
        limits: { openMax: 2, numbersKeptMax: 6 },
      };
      const naive = new NaiveCoverage();
      let coverage = await startTestCoverage(folder, options);
      let begun = 0;
      for (const one of [{ kind: 'begin' } as const, ...steps]) {
        if (one.kind === 'prefetch') prefetched = new Set([...prefetched, one.number]);
        else if (one.kind === 'begin' && begun < sequences) {
          await coverage.settled();
          begun += 1;
          naive.begin(prefetched);
          coverage.begin(liveEventAt(begun));
        } else if (one.kind === 'report') {
          const report = reportOf(one.sequence, one);
          naive.report(report);
          coverage.report(report);
          if (one.again) coverage.report(report);
        } else if (one.kind === 'restart') {
          await coverage.close();
          coverage = await startTestCoverage(folder, options);
        }
        await coverage.settled();
      }
      for (let sequence = 1; sequence <= begun; sequence++) {
        const found = must(await coverage.coverage('fight-1', sequence), 'it was begun');
        const key = { event: 'fight-1', epoch: 1, sequence };
        expect({
          sent: found.sent,
          applied: found.applied,
          connected: found.connected,
          sentLastMs: found.sentTimes.t100Ms,
          appliedLastMs: found.appliedTimes.t100Ms,
          counts: found.missing.map(({ count }) => count),
          missing: await coverage.missing(key, { reason: null, first: members, after: null }),
        }).toEqual(naive.figures(sequence, prefetched));
        asserted += 1;
      }
      await coverage.close();
      await rm(folder, { recursive: true });
    });
    await fc.assert(property, { seed: 20_261_121, numRuns: 60 });
    expect(asserted).toBeGreaterThan(100);
  }, 60_000);
});
