import { createHash } from 'node:crypto';
import type { RoaringBitmap32 } from 'roaring-wasm';
import { type Clock, OutageError, RefusedError } from '../../foundation/index.ts';
import type { GraphReader } from '../../graph-store/index.ts';
import type { Audiences, ConditionContext, SegmentRun } from '../../query-api/index.ts';
import type { LiveEvent } from '../live-event.ts';
import type { LevelStageMaps } from './level-stage-maps.ts';
import { type LivePlan, readLivePlan } from './live-plan.ts';
import { payloadsOf } from './payloads.ts';
import { type MapsProgress, type Move, movedBitmaps, movesOf, segmentMembers } from './segment-members.ts';
import { ServedMaps } from './served-maps.ts';
import type { MapsVersion, SegmentRow } from './stage-map-rows.ts';

export interface MaterializerParts {
  readonly audiences: Pick<Audiences, 'get' | 'segments'>;
  readonly reader: GraphReader;
  readonly store: LevelStageMaps;
  /** What conditions are read with. */
  readonly context: () => Omit<ConditionContext, 'nowMs'>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export interface Materialized {
  readonly served: ServedMaps;
  readonly plan: LivePlan;
}

/** Makes versions of stage maps; who asks for which, and when, is `StageMaps`. One at a time. */
export class Materializer {
  readonly #parts: MaterializerParts;
  readonly #run: SegmentRun;

  constructor(parts: MaterializerParts) {
    this.#parts = parts;
    this.#run = { reader: parts.reader, signal: parts.signal, abandoned };
  }

  /** Throws RefusedError (LIVE_EVENT_UNPLANNED, LIVE_AUDIENCE_NOT_READY). */
  memberTypeOf(event: LiveEvent): string {
    return this.#audienceOf(event).memberType;
  }

  /** Throws RefusedError (LIVE_EVENT_UNPLANNED, LIVE_PLAN_INVALID). */
  planOf(event: LiveEvent, plannedAtMs: number): LivePlan {
    if (event.plan === null) throw unplanned(event.id, 'plan');
    return readLivePlan(event.plan, event, { ...this.#parts.context(), nowMs: plannedAtMs });
  }

  /** As {@link planOf}; null where that throws RefusedError. */
  planOrNull(event: LiveEvent, plannedAtMs: number): LivePlan | null {
    try {
      return this.planOf(event, plannedAtMs);
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      return null;
    }
  }

  /** Looks at all members. Durable when it resolves. Throws what reading audiences and the graph does, and OutageError LIVE_MAPS_ABANDONED. */
  async whole(event: LiveEvent, progress: MapsProgress): Promise<Materialized> {
    const { store, clock, audiences } = this.#parts;
    const beganMs = clock.now();
    const audience = this.#audienceOf(event);
    const plan = this.planOf(event, beganMs);
    progress.segmentsInAll = plan.segments.length;
    await store.begin(event.id);
    const evaluated = { segments: audiences.segments, audience: audience.id, run: this.#run };
    const bitmaps = await segmentMembers(evaluated, plan, audience.size, progress);
    const payloads = await payloadsOf(plan.segments);
    const from = store.bitmapMax(event.id) + 1;
    const nowMs = clock.now();
    const version: MapsVersion = {
      event: event.id,
      major: (store.newest(event.id)?.major ?? 0) + 1,
      minor: 0,
      audience: audience.id,
      memberType: audience.memberType,
      members: audience.size,
      planHash: planHashOf(event),
      outsiders: plan.outsiders,
      plannedAtMs: beganMs,
      madeAtMs: nowMs,
      tookMs: nowMs - beganMs,
      payloads: payloads.rows,
      segments: plan.segments.map(({ key, reason }, i) => ({
        key,
        reason,
        payloads: payloads.ofSegments[i] ?? { tv: '', phone: '', tablet: '', web: '' },
        ...rowOf(bitmaps[i], from + i),
      })),
    };
    const missing = [...payloads.compressed].filter(([hash]) => !store.hasPayload(hash));
    const served = new ServedMaps(version, bitmaps);
    await this.#put(served, new Map(missing), new Set(bitmaps));
    return { served, plan };
  }

  /** Looks at these again; null when none of them has moved. */
  async moved(
    served: ServedMaps,
    plan: LivePlan,
    ids: readonly string[],
  ): Promise<{ readonly served: ServedMaps; readonly moves: readonly Move[] } | null> {
    const { store, clock, audiences } = this.#parts;
    const { version } = served;
    const beganMs = clock.now();
    const evaluated = { segments: audiences.segments, audience: version.audience, run: this.#run };
    const moves = await movesOf(evaluated, plan, served, ids);
    if (moves.length === 0) return null;
    const bitmaps = movedBitmaps(served.bitmaps, moves);
    const fresh = new Set(bitmaps.filter((bitmap) => !served.bitmaps.includes(bitmap)));
    let number = store.bitmapMax(version.event);
    const segments: SegmentRow[] = version.segments.map((row, i) => {
      const bitmap = bitmaps[i];
      return bitmap === undefined || !fresh.has(bitmap) ? row : { ...row, ...rowOf(bitmap, ++number) };
    });
    const nowMs = clock.now();
    const next: MapsVersion = {
      ...version,
      minor: version.minor + 1,
      madeAtMs: nowMs,
      tookMs: nowMs - beganMs,
      segments,
    };
    const made = new ServedMaps(next, bitmaps);
    await this.#put(made, new Map(), fresh);
    return { served: made, moves };
  }

  /** Of bitmaps that are not kept they are let go of. */
  async #put(
    made: ServedMaps,
    payloads: ReadonlyMap<string, Uint8Array>,
    fresh: ReadonlySet<RoaringBitmap32>,
  ): Promise<void> {
    try {
      const written = made.bitmaps.flatMap((bitmap, i) => {
        const row = made.version.segments[i];
        return row === undefined || !fresh.has(bitmap) ? [] : [[row.bitmap, bitmap] as const];
      });
      const bitmaps = written.map(([number, bitmap]) => [number, bitmap.serialize('portable')] as const);
      await this.#parts.store.put(made.version, { bitmaps: new Map(bitmaps), payloads });
    } catch (error) {
      for (const bitmap of fresh) bitmap.dispose();
      throw error;
    }
  }

  #audienceOf(event: LiveEvent): { readonly id: string; readonly memberType: string; readonly size: number } {
    if (event.audience === null) throw unplanned(event.id, 'audience');
    const audience = this.#parts.audiences.get(event.audience);
    if (audience?.state === 'READY') return audience.row;
    throw new RefusedError(
      'LIVE_AUDIENCE_NOT_READY',
      `The audience ${event.audience} of event ${event.id} ${audience === null ? 'is not there' : `is ${audience.state}`}; freeze one, then name it.`,
    );
  }
}

/** What a version was made of: a version of another is out of date. */
export function planHashOf({ plan, audience, stages }: LiveEvent): string {
  const keys = stages.map(({ key }) => key).join(' ');
  return createHash('sha256').update(`${audience}\0${keys}\0${plan}`).digest('base64url').slice(0, 22);
}

function rowOf(
  bitmap: RoaringBitmap32 | undefined,
  number: number,
): Pick<SegmentRow, 'members' | 'bitmap' | 'bitmapBytes'> {
  return {
    members: bitmap?.size ?? 0,
    bitmap: number,
    bitmapBytes: bitmap?.getSerializationSizeInBytes('portable') ?? 0,
  };
}

function unplanned(event: string, what: string): RefusedError {
  return new RefusedError(
    'LIVE_EVENT_UNPLANNED',
    `Event ${event} has no ${what}, so there is nothing to show of it; give it one first.`,
  );
}

const abandoned = (): Error =>
  new OutageError(
    'LIVE_MAPS_ABANDONED',
    'The stage maps were not made: the server was stopped before that had ended; it begins again when it starts.',
  );
