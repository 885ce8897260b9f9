import type { TableEvolution } from './iceberg-table.ts';
import type { TableMetadata } from './table-metadata.ts';

/** Files that nothing referred to and that the store says were written before this time (milliseconds) may have been removed. */
const sweptProperty = 'jg.swept-before';
/** Between the clock of whoever writes files and the one that gives them their times. */
const clockSkewMs = 600_000;

/**
 * Whether files written from `writtenFromMs` on may be gone, though no snapshot ever had them: their writer slept for longer than an
 * expiry elsewhere lets such files lie. In a folder's catalog the mark is a version of its own, so a commit made on the version before it
 * is refused and looks again; a REST server does not compare properties, and there the look is only as late as the last load.
 */
export function mayBeSwept({ properties }: TableMetadata, writtenFromMs: number): boolean {
  const mark = Number(properties[sweptProperty] ?? Number.NEGATIVE_INFINITY);
  return !(mark < writtenFromMs - clockSkewMs);
}

/** To be committed before anything is removed; it never goes back. */
export function sweepMark({ properties }: TableMetadata, beforeMs: number): TableEvolution {
  const before = Number(properties[sweptProperty] ?? Number.NEGATIVE_INFINITY);
  return { changes: [], properties: { [sweptProperty]: String(Math.max(before, beforeMs)) } };
}
