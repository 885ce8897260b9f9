import { RoaringBitmap32 } from 'roaring-wasm';
import { assert, type Clock } from '../../foundation/index.ts';
import type { LevelStageMaps } from '../stage-maps/level-stage-maps.ts';
import type { ServedMaps } from '../stage-maps/served-maps.ts';
import type { SegmentRow } from '../stage-maps/stage-map-rows.ts';
import { type CoverageHead, decodeCoverage, encodeCoverage } from './coverage-bytes.ts';
import { RecentRate } from './recent-rate.ts';

export interface SegmentCoverage {
  readonly key: string;
  readonly members: number;
  /** With a fresh copy. */
  readonly fresh: number;
}

export interface CoverageCounts {
  /** Of the audience. */
  readonly total: number;
  /** With a copy of what serves now, for the schedule that holds now. */
  readonly fresh: number;
  /** With an older copy. */
  readonly stale: number;
  readonly newPerSecond: number;
  readonly segments: readonly SegmentCoverage[];
}

interface Covered {
  head: CoverageHead;
  /** Positions in the audience. */
  readonly fresh: RoaringBitmap32;
  readonly stale: RoaringBitmap32;
  readonly rate: RecentRate;
  /** Recorded since it was written last. */
  isDirty: boolean;
}

/**
 * Which members of each event's audience have fetched what serves now, on whatever device: bitmaps of positions. A copy is stale when the schedule has changed, and when what the member is shown
 * has: who is shown the same by another version has what they need.
 *
 * Written by `flush`; a crash forgets what came since, so that fewer are counted than have a copy until they come back. Only members that a minor version moved within the
 * last moments before a crash may be counted with what they were shown before.
 */
export class PrefetchCoverage {
  readonly #store: Pick<LevelStageMaps, 'coverage' | 'putCoverage'>;
  readonly #clock: Clock;
  readonly #covered = new Map<string, Covered>();

  constructor(store: Pick<LevelStageMaps, 'coverage' | 'putCoverage'>, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** What was written of an event before, if it is about what serves now. To be called once for each that serves, before any `record` or `counts`. */
  async load(served: ServedMaps, schedule: number): Promise<void> {
    const { event } = served.version;
    const bytes = await this.#store.coverage(event);
    assert(!this.#covered.has(event), 'nobody is recorded before what was written is there');
    if (bytes === null) return;
    const { head, fresh, stale } = decodeCoverage(bytes);
    const covered: Covered = { head, fresh, stale, rate: new RecentRate(), isDirty: false };
    this.#covered.set(event, covered);
    if (head.audience !== served.version.audience) clear(covered);
    else if (head.major !== served.version.major) outdate(covered);
    covered.head = { ...headOf(served), schedule: head.schedule };
    this.#current(served, schedule);
  }

  record(served: ServedMaps, schedule: number, position: number): void {
    const covered = this.#current(served, schedule);
    if (!covered.fresh.tryAdd(position)) return;
    covered.stale.delete(position);
    covered.rate.count(this.#clock.now());
    covered.isDirty = true;
  }

  counts(served: ServedMaps, schedule: number): CoverageCounts {
    const { fresh, stale, rate } = this.#current(served, schedule);
    const { version, bitmaps } = served;
    return {
      total: version.members,
      fresh: fresh.size,
      stale: stale.size,
      newPerSecond: rate.perSecond(this.#clock.now()),
      segments: version.segments.map(({ key, members }, i) => ({
        key,
        members,
        fresh: bitmaps[i]?.andCardinality(fresh) ?? 0,
      })),
    };
  }

  /** Who has a copy, fresh or not; the caller disposes of it. Null where nobody was here, and while what serves is of another audience: its positions are other members. */
  members(event: string, audience: string): RoaringBitmap32 | null {
    const covered = this.#covered.get(event);
    if (covered?.head.audience !== audience) return null;
    return RoaringBitmap32.or(covered.fresh, covered.stale);
  }

  /** What serves has changed: who is shown otherwise than before has a stale copy. */
  changed(before: ServedMaps | null, after: ServedMaps): void {
    const covered = this.#covered.get(after.version.event);
    if (covered === undefined) return;
    if (before === null || before.version.audience !== after.version.audience) clear(covered);
    else {
      const same = shownTheSame(before, after);
      const outdated = RoaringBitmap32.andNot(covered.fresh, same);
      covered.stale.orInPlace(outdated);
      covered.fresh.andInPlace(same);
      outdated.dispose();
      same.dispose();
    }
    covered.head = { ...headOf(after), schedule: covered.head.schedule };
    covered.isDirty = true;
  }

  /** Of those that do not serve any more nothing is kept in memory. */
  forgetBut(serves: (event: string) => boolean): void {
    for (const [event, { fresh, stale }] of this.#covered) {
      if (serves(event)) continue;
      fresh.dispose();
      stale.dispose();
      this.#covered.delete(event);
    }
  }

  /** Throws OutageError LIVE_MAPS_WRITE_FAILED; then it is written with the next. */
  async flush(serves: (event: string) => boolean): Promise<void> {
    this.forgetBut(serves);
    for (const [event, covered] of this.#covered) {
      // Asked again: while another was written its rows may have been dropped, and would stay if this one followed.
      if (!covered.isDirty || !serves(event)) continue;
      covered.isDirty = false;
      try {
        await this.#store.putCoverage(event, encodeCoverage(covered.head, covered.fresh, covered.stale));
      } catch (error) {
        covered.isDirty = true;
        throw error;
      }
    }
  }

  dispose(): void {
    this.forgetBut(() => false);
  }

  #current(served: ServedMaps, schedule: number): Covered {
    const { event } = served.version;
    const known = this.#covered.get(event);
    const covered: Covered = known ?? {
      head: { ...headOf(served), schedule },
      fresh: new RoaringBitmap32(),
      stale: new RoaringBitmap32(),
      rate: new RecentRate(),
      isDirty: false,
    };
    if (known === undefined) this.#covered.set(event, covered);
    if (covered.head.schedule !== schedule) {
      outdate(covered);
      covered.head = { ...covered.head, schedule };
    }
    return covered;
  }
}

/** Members in segments of both versions that show the same on every kind of device. */
function shownTheSame(before: ServedMaps, after: ServedMaps): RoaringBitmap32 {
  const byShown = Map.groupBy(before.version.segments.keys(), (i) => shownBy(before.version.segments[i]));
  const same = new RoaringBitmap32();
  for (const [i, segment] of after.version.segments.entries()) {
    for (const from of byShown.get(shownBy(segment)) ?? []) {
      const [was, is] = [before.bitmaps[from], after.bitmaps[i]];
      if (was === undefined || is === undefined) continue;
      const both = RoaringBitmap32.and(was, is);
      same.orInPlace(both);
      both.dispose();
    }
  }
  return same;
}

function shownBy(segment: SegmentRow | undefined): string {
  if (segment === undefined) return '';
  const { tv, phone, tablet, web } = segment.payloads;
  return `${tv} ${phone} ${tablet} ${web}`;
}

function headOf({ version: { audience, major } }: ServedMaps): Omit<CoverageHead, 'schedule'> {
  return { audience, major };
}

function outdate(covered: Covered): void {
  covered.stale.orInPlace(covered.fresh);
  covered.fresh.clear();
  covered.isDirty = true;
}

function clear(covered: Covered): void {
  covered.fresh.clear();
  covered.stale.clear();
  covered.isDirty = true;
}
