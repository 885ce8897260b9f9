import type { RoaringBitmap32 } from 'roaring-wasm';
import {
  type Clock,
  type Log,
  must,
  OutageError,
  type Random,
  RefusedError,
} from '../../foundation/index.ts';
import type { AudienceSegments } from '../../query-api/index.ts';
import { isOver, startOf } from '../event-times.ts';
import { knownEvent } from '../known-event.ts';
import type { LiveEvent, LiveEvents, StageKind } from '../live-event.ts';
import type { LevelStageMaps } from '../stage-maps/level-stage-maps.ts';
import type { ServedMaps } from '../stage-maps/served-maps.ts';
import type { DeviceKind } from '../stage-maps/show.ts';
import type { SegmentRow } from '../stage-maps/stage-map-rows.ts';
import type { StageMaps } from '../stage-maps/stage-maps.ts';
import { matchesEtag } from './etag.ts';
import { readMember } from './member.ts';
import { PositionLookups } from './position-lookups.ts';
import { type CoverageCounts, PrefetchCoverage } from './prefetch-coverage.ts';
import { type PrefetchOutlook, prefetchOutlook } from './prefetch-outlook.ts';
import { type QuietLimits, quietLimitsDefault, quietWindow } from './quiet-window.ts';
import { type CurvePoint, curveLimitsDefault, RefreshCurve } from './refresh-curve.ts';
import { comesBack, type TtlLimits, timeToLive, ttlLimitsDefault } from './ttl.ts';

export interface PrefetchLimits {
  readonly ttl: TtlLimits;
  readonly quiet: QuietLimits;
  /** The longest time to live of what is about to be replaced: the plan has changed, and its stage maps are being made. */
  readonly outdatedTtlMs: number;
  /** What of the audience is to have a fresh copy by the start, from 0 to 1. */
  readonly shareWanted: number;
  /** Between two times that who has fetched is written: what a crash forgets. */
  readonly flushMs: number;
}

export const prefetchLimitsDefault: PrefetchLimits = {
  ttl: ttlLimitsDefault,
  quiet: quietLimitsDefault,
  outdatedTtlMs: 120_000,
  shareWanted: 0.95,
  flushMs: 5000,
};

export interface PrefetchParts {
  readonly events: Pick<LiveEvents, 'get'>;
  readonly maps: StageMaps;
  readonly segments: Pick<AudienceSegments, 'positionsOf'>;
  readonly store: Pick<LevelStageMaps, 'coverage' | 'putCoverage' | 'events'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

interface Life {
  /** Quoted, as HTTP has it. */
  readonly etag: string;
  readonly ttlMs: number;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

/** What a device fetches. PROTOCOL.md, 3. */
export interface PrefetchCopy extends Life {
  readonly kind: 'copy';
  /** Of the schedule. */
  readonly version: number;
  readonly stages: readonly {
    readonly key: string;
    readonly kind: StageKind;
    readonly startsAtMs: number | null;
  }[];
  readonly stageMap: { readonly text: string; readonly value: unknown };
  readonly segment: string;
  readonly reason: string;
  readonly quiet: { readonly from: number; readonly until: number } | null;
  readonly spreadMs: number;
}

export type PrefetchAnswer = PrefetchCopy | (Life & { readonly kind: 'not-modified' });

/** Replaced while it was looked at so often in a row is not what happens. */
const attemptsMax = 4;

/** Answers devices that fetch ahead, and knows who has: how many of the audience, when they come back, and whether enough will have by the start. */
export class Prefetches {
  readonly #parts: PrefetchParts;
  readonly #limits: PrefetchLimits;
  readonly #coverage: PrefetchCoverage;
  /** By event; of those that serve. */
  readonly #curves = new Map<string, RefreshCurve>();
  readonly #positions: PositionLookups;
  readonly #stop = new AbortController();
  readonly #unwatch: () => void;
  #running: Promise<void> = Promise.resolve();
  /** Whoever was recorded before would take the place of what was written: the next write has the whole of an event. */
  #isOpen = false;

  constructor(parts: PrefetchParts, limits: PrefetchLimits = prefetchLimitsDefault) {
    this.#parts = parts;
    this.#limits = limits;
    this.#coverage = new PrefetchCoverage(parts.store, parts.clock);
    this.#positions = new PositionLookups(parts.segments);
    this.#unwatch = parts.maps.watch((before, after) => this.#coverage.changed(before, after));
  }

  /** What was written before is there when it resolves; until then nobody is given anything. After the stage maps were opened. */
  async open(): Promise<void> {
    const { store, events, maps } = this.#parts;
    for (const id of store.events()) {
      const [event, served] = [events.get(id), maps.served(id)];
      if (event !== null && served !== null) await this.#coverage.load(served, event.version);
    }
    this.#isOpen = true;
  }

  /** Writes who has fetched each `flushMs`, until {@link close}. */
  run(): void {
    this.#running = this.#flushes();
  }

  async close(): Promise<void> {
    this.#unwatch();
    this.#stop.abort();
    await this.#running;
    await this.flush();
    this.#coverage.dispose();
  }

  /**
   * `member`: `Type:id`. Throws RefusedError (LIVE_EVENT_UNKNOWN, AUDIENCE_UNKNOWN, INVALID_MEMBER, LIVE_MAPS_NOT_READY, LIVE_OUTSIDER) or OutageError (AUDIENCES_READ_FAILED,
   * LIVE_MAPS_READ_FAILED).
   */
  async prefetch(
    id: string,
    member: string,
    device: DeviceKind,
    ifNoneMatch: string | null,
  ): Promise<PrefetchAnswer> {
    const { event, served, position } = await this.#placeOf(id, member);
    if (!this.#isOpen) throw notReady(id);
    const segment = served.segmentOf(position);
    const nowMs = this.#parts.clock.now();
    const quiet = quietWindow(event, nowMs, this.#limits.quiet);
    const ttlMs = timeToLive(nowMs, quiet, this.#ttlOf(id), this.#parts.random);
    const etag = `"${event.version}.${segment.payloads[device]}"`;
    const life: Life = { etag, ttlMs, expiresAt: nowMs + ttlMs };
    const isSame = ifNoneMatch !== null && matchesEtag(ifNoneMatch, etag);
    // Read before it counts as fetched: what cannot be read nobody has.
    const stageMap = isSame ? null : await this.#stageMap(segment.payloads[device]);
    this.#record(event, served, position, nowMs, ttlMs);
    if (stageMap === null) return { kind: 'not-modified', ...life };
    return {
      kind: 'copy',
      ...life,
      version: event.version,
      stages: event.stages.map(({ key, kind, startsAtMs }) => ({ key, kind, startsAtMs })),
      stageMap,
      segment: segment.key,
      reason: segment.reason,
      quiet: quiet === null ? null : { from: quiet.fromMs, until: quiet.untilMs },
      spreadMs: this.#limits.ttl.spreadMs,
    };
  }

  /** Which segment somebody is in, and why that is so. Throws as {@link prefetch}. */
  async segmentOf(id: string, member: string): Promise<SegmentRow> {
    const { served, position } = await this.#placeOf(id, member);
    return served.segmentOf(position);
  }

  /** Null while no stage maps serve, or who has fetched is not known yet. Throws RefusedError LIVE_EVENT_UNKNOWN. */
  coverage(id: string): (CoverageCounts & { readonly outlook: PrefetchOutlook }) | null {
    const event = knownEvent(this.#parts.events, id);
    const served = this.#parts.maps.served(id);
    if (served === null || !this.#isOpen) return null;
    const counts = this.#coverage.counts(served, event.version);
    const outlook = prefetchOutlook({
      total: counts.total,
      members: counts.fresh,
      newPerSecond: counts.newPerSecond,
      startsAtMs: isOver(event) ? null : startOf(event),
      nowMs: this.#parts.clock.now(),
      shareWanted: this.#limits.shareWanted,
    });
    return { ...counts, outlook };
  }

  /** Members of this audience who have a copy, by their positions; the caller disposes of it. Null where nobody was here, and while what serves is of another audience. */
  membersWithCopy(id: string, audience: string): RoaringBitmap32 | null {
    return this.#coverage.members(id, audience);
  }

  /** When devices come back, predicted; empty where none was here. `minutes` are from now on, a day's at most. */
  refreshCurve(id: string, minutes: number, points: number): readonly CurvePoint[] {
    knownEvent(this.#parts.events, id);
    const nowMs = this.#parts.clock.now();
    return this.#curves.get(id)?.points(nowMs, nowMs, nowMs + minutes * 60_000, points) ?? [];
  }

  /** Throws OutageError LIVE_MAPS_WRITE_FAILED. */
  async flush(): Promise<void> {
    const { events, maps } = this.#parts;
    const serves = (id: string): boolean => events.get(id) !== null && maps.served(id) !== null;
    for (const id of this.#curves.keys()) if (!serves(id)) this.#curves.delete(id);
    await this.#coverage.flush(serves);
  }

  async #flushes(): Promise<void> {
    const { clock, log } = this.#parts;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await clock.sleep(this.#limits.flushMs, signal);
      try {
        await this.flush();
      } catch (error) {
        log.warn({ error }, 'Who has fetched could not be written; it is tried again.');
      }
    }
  }

  /** Another version, even of another audience, may serve when the member's position is known; then it is asked again. */
  async #placeOf(
    id: string,
    member: string,
  ): Promise<{
    readonly event: LiveEvent;
    readonly served: ServedMaps;
    readonly position: number | null;
  }> {
    const ref = readMember(member);
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      knownEvent(this.#parts.events, id);
      const { audience, memberType } = this.#served(id).version;
      const isOfType = ref.type === memberType;
      const position = isOfType ? await this.#positions.positionOf(audience, ref.id) : null;
      const served = this.#served(id);
      if (served.version.audience !== audience) continue;
      if (position === null && served.version.outsiders === 'refuse') throw outsider(id, member);
      return { event: knownEvent(this.#parts.events, id), served, position };
    }
    throw busy(id);
  }

  #served(id: string): ServedMaps {
    const served = this.#parts.maps.served(id);
    if (served !== null) return served;
    throw notReady(id);
  }

  /** Who fetches between a change of the plan and its stage maps gets what was, and is to come back for what is. */
  #ttlOf(id: string): TtlLimits {
    const { ttl, outdatedTtlMs } = this.#limits;
    if (!this.#parts.maps.isOutdated(id)) return ttl;
    return { ...ttl, ttlMs: Math.min(ttl.ttlMs, outdatedTtlMs) };
  }

  async #stageMap(hash: string): Promise<PrefetchCopy['stageMap']> {
    const found = await this.#parts.maps.payload(hash);
    return must(found, 'what serves, and what served before it, is kept');
  }

  #record(event: LiveEvent, looked: ServedMaps, position: number | null, nowMs: number, ttlMs: number): void {
    let curve = this.#curves.get(event.id);
    if (curve === undefined) {
      curve = new RefreshCurve(nowMs, curveLimitsDefault);
      this.#curves.set(event.id, curve);
    }
    const { earliestMs, latestMs } = comesBack(ttlMs);
    curve.add(nowMs, nowMs + earliestMs, nowMs + latestMs);
    // Replaced while its text was read: then the device has an older copy, which is not counted.
    const served = this.#parts.maps.served(event.id);
    if (position !== null && served === looked) this.#coverage.record(served, event.version, position);
  }
}

function notReady(event: string): RefusedError {
  return new RefusedError(
    'LIVE_MAPS_NOT_READY',
    `There is nothing to fetch of event ${event} yet: its stage maps are not made, or not read since the start; ask again later.`,
  );
}

function outsider(event: string, member: string): RefusedError {
  return new RefusedError(
    'LIVE_OUTSIDER',
    `${member.slice(0, 100)} is not invited to event ${event}; its plan has nothing for those outside of the audience.`,
  );
}

function busy(event: string): OutageError {
  return new OutageError(
    'LIVE_MAPS_CHANGING',
    `The audience of event ${event} changed while it was asked for; ask again.`,
  );
}
