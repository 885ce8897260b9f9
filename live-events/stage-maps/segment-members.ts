import { RoaringBitmap32 } from 'roaring-wasm';
import type { AudienceSegments, SegmentRun } from '../../query-api/index.ts';
import type { LivePlan } from './live-plan.ts';
import type { ServedMaps } from './served-maps.ts';

/** Of work under way, for whoever waits. */
export interface MapsProgress {
  /** Those done. */
  segments: number;
  segmentsInAll: number;
  /** Members that are in one of them. */
  members: number;
}

interface Evaluated {
  readonly segments: AudienceSegments;
  readonly audience: string;
  readonly run: SegmentRun;
}

/**
 * The members of each segment, by position: those that its condition holds for and none before it. Asked of one condition after the other and not of one member after
 * the other: each is answered from the side on which it is cheapest. The caller lets go of the bitmaps.
 */
export async function segmentMembers(
  { segments, audience, run }: Evaluated,
  plan: LivePlan,
  size: number,
  progress: MapsProgress,
): Promise<readonly RoaringBitmap32[]> {
  const taken = new RoaringBitmap32();
  const found: RoaringBitmap32[] = [];
  try {
    for (const { where } of plan.segments) {
      const members = new RoaringBitmap32();
      found.push(members);
      if (where === null) members.addRange(0, size);
      else {
        for await (const ids of segments.holding(audience, where, run)) {
          const positions = await segments.positionsOf(audience, ids);
          members.addMany(positions.filter((one) => one !== null));
        }
      }
      members.andNotInPlace(taken);
      taken.orInPlace(members);
      members.runOptimize();
      progress.segments += 1;
      progress.members = taken.size;
    }
    return found;
  } catch (error) {
    for (const bitmap of found) bitmap.dispose();
    throw error;
  } finally {
    taken.dispose();
  }
}

export interface Move {
  readonly position: number;
  readonly from: number;
  readonly to: number;
}

/** Which of these are in another segment now than in what is served. Whoever is no member of the audience is passed over. */
export async function movesOf(
  { segments, audience, run }: Evaluated,
  plan: LivePlan,
  served: ServedMaps,
  ids: readonly string[],
): Promise<readonly Move[]> {
  const positions = await segments.positionsOf(audience, ids);
  const members = ids.filter((_id, i) => positions[i] !== null);
  const conditions = plan.segments.flatMap(({ where }) => (where === null ? [] : [where]));
  const first = await segments.firstHolding(served.version.memberType, conditions, members, run);
  const firstOf = new Map(members.map((id, i) => [id, first[i] ?? null]));
  const moves: Move[] = [];
  for (const [i, id] of ids.entries()) {
    const position = positions[i] ?? null;
    if (position === null) continue;
    const to = firstOf.get(id) ?? conditions.length;
    const from = served.indexOf(position);
    if (from !== to) moves.push({ position, from, to });
  }
  return moves;
}

/** The bitmaps with the moves made, those that none concerns being the same ones as before. */
export function movedBitmaps(
  bitmaps: readonly RoaringBitmap32[],
  moves: readonly Move[],
): readonly RoaringBitmap32[] {
  return bitmaps.map((bitmap, i) => {
    const gone = moves.filter(({ from }) => from === i).map(({ position }) => position);
    const come = moves.filter(({ to }) => to === i).map(({ position }) => position);
    if (gone.length === 0 && come.length === 0) return bitmap;
    const next = bitmap.clone();
    next.removeMany(gone);
    next.addMany(come);
    next.runOptimize();
    return next;
  });
}
