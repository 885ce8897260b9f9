import { RoaringBitmap32 } from 'roaring-wasm';
import type { CoverageRecord } from './coverage-record.ts';
import type { DelayHistogram } from './delay-histogram.ts';
import { Missing, type MissingReason, missingReasons } from './missing.ts';

/** Milliseconds from `at`, over those reached; null while there are none. Never below the true ones, and at most 4.5 % above; the last is exact. */
export interface ReachTimes {
  readonly t50Ms: number | null;
  readonly t99Ms: number | null;
  readonly t100Ms: number | null;
}

/** How far one broadcast came. Counts are of members, of whom each counts once. */
export interface Coverage {
  readonly event: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly stage: string;
  readonly at: number;
  /** Null of an event without an audience. */
  readonly audience: number | null;
  /** Had a socket when it was sent, or came while it held. */
  readonly connected: number;
  readonly sent: number;
  readonly applied: number;
  /** Of the audience, who applied it; null without one. */
  readonly share: number | null;
  readonly sentTimes: ReachTimes;
  readonly appliedTimes: ReachTimes;
  /** Each reason with its count; none without an audience. */
  readonly missing: readonly { readonly reason: MissingReason; readonly count: number }[];
}

export function coverageOf(record: CoverageRecord, prefetched: RoaringBitmap32 | null): Coverage {
  const { event, epoch, sequence, stage, at, audienceCount } = record.head;
  const applied = record.applied.size;
  return {
    event,
    epoch,
    sequence,
    stage,
    at,
    audience: audienceCount,
    connected: connectedTo(record),
    sent: record.sent.size,
    applied,
    share: audienceCount === null || audienceCount === 0 ? null : applied / audienceCount,
    sentTimes: timesOf(record.sentDelays),
    appliedTimes: timesOf(record.appliedDelays),
    missing: audienceCount === null ? [] : missingCounts(record, audienceCount, prefetched),
  };
}

function connectedTo({ sent, applied, dropped }: CoverageRecord): number {
  const connected = RoaringBitmap32.orMany([sent, applied, dropped]);
  const count = connected.size;
  connected.dispose();
  return count;
}

function timesOf(delays: DelayHistogram): ReachTimes {
  return { t50Ms: delays.quantile(0.5), t99Ms: delays.quantile(0.99), t100Ms: delays.quantile(1) };
}

function missingCounts(
  record: CoverageRecord,
  count: number,
  prefetched: RoaringBitmap32 | null,
): Coverage['missing'] {
  const missing = new Missing(record, count, prefetched);
  const counts = missingReasons.map((reason) => ({ reason, count: missing.count(reason) }));
  missing.dispose();
  return counts;
}
