import type { ArchivePlace } from '../../archive/index.ts';
import type { Clock } from '../../foundation/index.ts';
import type { Fates } from '../../graph-store/index.ts';
import type { Cut } from './archive-source.ts';
import type { BackfillPlan } from './backfill-plan.ts';
import type { Yielding } from './rate-control.ts';

export type BackfillState = 'planned' | 'running' | 'paused' | 'yielding' | 'done' | 'failed' | 'cancelled';

/** What a person watches; all of it fits JSON. */
export interface BackfillProgress {
  readonly id: string;
  readonly topic: string;
  readonly state: BackfillState;
  /** Why it is slower than it may be. */
  readonly yieldsTo: Yielding | null;
  readonly failure: { readonly code: string; readonly message: string } | null;
  /** Durable, duplicates and rows outside of the filter included. */
  readonly rowsDone: number;
  readonly rowsTotal: number;
  /** Over the last seconds. */
  readonly rowsPerSecond: number;
  /** Null while nothing moves. */
  readonly etaMs: number | null;
  readonly activeMs: number;
  readonly fates: Fates;
  readonly duplicates: number;
  readonly outside: number;
  /** Where each partition is read. */
  readonly at: readonly ArchivePlace[];
}

const windowMs = 10_000;
const samplesMax = 40;
const sampleMs = windowMs / samplesMax;

/** Rows a second over the last ten seconds. */
export class RateMeter {
  readonly #clock: Clock;
  #samples: { readonly atMs: number; readonly rows: number }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** With the rows so far. */
  note(rows: number): void {
    const atMs = this.#clock.now();
    const last = this.#samples.at(-1);
    if (last !== undefined && atMs < last.atMs) this.#samples = [];
    if (last === undefined || atMs < last.atMs || atMs - last.atMs >= sampleMs)
      this.#samples.push({ atMs, rows });
    const first = this.#samples.findIndex((sample) => sample.atMs > atMs - windowMs);
    // One from before the window stays, or a rate below one batch in ten seconds would be none.
    if (first > 1) this.#samples.splice(0, first - 1);
  }

  perSecond(rows: number): number {
    const [first] = this.#samples;
    if (first === undefined) return 0;
    const tookMs = this.#clock.now() - first.atMs;
    return tookMs <= 0 ? 0 : ((rows - first.rows) * 1_000) / tookMs;
  }

  clear(): void {
    this.#samples = [];
  }
}

export function rowsOf(cuts: Iterable<Cut>): { read: number; duplicates: number; outside: number } {
  const sum = { read: 0, duplicates: 0, outside: 0 };
  for (const { read, duplicates, outside } of cuts) {
    sum.read += read;
    sum.duplicates += duplicates;
    sum.outside += outside;
  }
  return sum;
}

/** Rows outside that are met twice after a kill are counted twice until the end, so never more than there are. */
export function rowsDone({ rows }: BackfillPlan, cuts: Iterable<Cut>): number {
  const { read, outside } = rowsOf(cuts);
  return Math.min(rows, read + outside);
}
