import { RoaringBitmap32 } from 'roaring-wasm';
import type { CoverageRecord } from './coverage-record.ts';

/**
 * Why a member did not apply a broadcast: the first step on its way that failed. In their order, each but for those of the reasons before it:
 * - `NEVER_PREFETCHED`: none of its devices has what it would show;
 * - `NEVER_CONNECTED`: none was connected to the event until the next broadcast;
 * - `DISCONNECTED_BEFORE`: was connected earlier, and not when this was sent;
 * - `TOO_SLOW`: closed as too slow while it was on its way;
 * - `SILENT`: it was sent, and nothing was heard.
 */
export const missingReasons = [
  'NEVER_PREFETCHED',
  'NEVER_CONNECTED',
  'DISCONNECTED_BEFORE',
  'TOO_SLOW',
  'SILENT',
] as const;
export type MissingReason = (typeof missingReasons)[number];

/** Members by the reason for which they are missing. Disposed of by whoever made it. */
export class Missing {
  readonly all: RoaringBitmap32;
  readonly #byReason: Readonly<Record<MissingReason, RoaringBitmap32>>;

  /** Of members 0 to `count - 1`. `prefetched`: null where that is not known, and then nobody is missing for it. */
  constructor(record: CoverageRecord, count: number, prefetched: RoaringBitmap32 | null) {
    this.all = RoaringBitmap32.fromRange(0, count);
    this.all.andNotInPlace(record.applied);
    const left = this.all.clone();
    /** Those of `members` who are left, who then are no more. */
    const take = (members: RoaringBitmap32): RoaringBitmap32 => {
      const taken = RoaringBitmap32.and(left, members);
      left.andNotInPlace(members);
      return taken;
    };
    const without = prefetched === null ? new RoaringBitmap32() : RoaringBitmap32.andNot(left, prefetched);
    const known = record.known();
    const unknown = RoaringBitmap32.andNot(left, known);
    this.#byReason = {
      NEVER_PREFETCHED: take(without),
      NEVER_CONNECTED: take(unknown),
      TOO_SLOW: take(record.dropped),
      SILENT: take(record.sent),
      DISCONNECTED_BEFORE: left,
    };
    for (const one of [without, known, unknown]) one.dispose();
  }

  count(reason: MissingReason): number {
    return this.#byReason[reason].size;
  }

  /** Numbers after one, in their order, with why. */
  page(
    reason: MissingReason | null,
    after: number | null,
    limit: number,
  ): readonly { readonly number: number; readonly reason: MissingReason }[] {
    const bitmap = reason === null ? this.all : this.#byReason[reason];
    const from = after === null ? 0 : bitmap.rank(after);
    return bitmap.sliceArray(from, from + limit).map((number) => ({
      number,
      reason: reason ?? this.#reasonOf(number),
    }));
  }

  #reasonOf(number: number): MissingReason {
    return missingReasons.find((reason) => this.#byReason[reason].has(number)) ?? 'DISCONNECTED_BEFORE';
  }

  dispose(): void {
    this.all.dispose();
    for (const reason of missingReasons) this.#byReason[reason].dispose();
  }
}
