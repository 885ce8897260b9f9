import type { EventLineage, EventMutations } from './model.ts';
import { eventKeyBytes, eventLineageBytes, rankBytes, tag } from './packed-format.ts';

/** With its tag. */
export const eventHeadBytes = 1 + rankBytes + eventKeyBytes + eventLineageBytes;

export interface EventHead extends Pick<EventMutations, 'timeMs' | 'rank' | 'occurrence'> {
  readonly lineage?: EventLineage | undefined;
}

/** What each of an event's mutations belongs to. `origin` is that of its lineage, by its place in the batch's list; 0 where there is none. */
export function writeEventHead(
  view: DataView,
  start: number,
  { timeMs, rank, occurrence, lineage }: EventHead,
  origin: number,
): void {
  view.setUint8(start, tag.event);
  view.setUint32(start + 1, Math.floor(rank / 2 ** 32));
  view.setUint32(start + 5, rank >>> 0);
  const at = start + 1 + rankBytes;
  // Inverted, so that in key order the newest comes first; the words as well, so that ties reverse exactly.
  const inverted = Number.MAX_SAFE_INTEGER - timeMs;
  view.setUint32(at, Math.floor(inverted / 2 ** 32));
  view.setUint32(at + 4, inverted >>> 0);
  view.setBigUint64(at + 8, occurrence);
  view.setUint32(at + 8, ~view.getUint32(at + 8));
  view.setUint32(at + 12, ~view.getUint32(at + 12));
  view.setUint16(at + eventKeyBytes, origin);
  view.setBigUint64(at + eventKeyBytes + 2, lineage?.offset ?? 0n);
}
