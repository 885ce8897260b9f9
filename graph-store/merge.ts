import type { TimePosition } from './graph-store.ts';

/** Oldest first: by event time, then by occurrence id. */
export function compareTimePositions(a: TimePosition, b: TimePosition): number {
  if (a.timeMs !== b.timeMs) return a.timeMs - b.timeMs;
  return a.occurrence < b.occurrence ? -1 : a.occurrence > b.occurrence ? 1 : 0;
}

/** The tombstones' times that bear on an occurrence; -1 where there is none. */
export interface Tombstones {
  readonly edgeMs: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/** A tombstone hides what is not newer than itself. */
export function visible(timeMs: number, tombstones: Tombstones): boolean {
  return timeMs > tombstones.edgeMs && timeMs > tombstones.fromMs && timeMs > tombstones.toMs;
}
