import type { PlannedFile } from '../../archive/index.ts';
import type { PlanRefusal, PlanWarning } from './backfill-plan.ts';

/** So many files of one partition may share an offset: all of them are open at a time. */
export const overlapFilesMax = 32;
/** Of one kind and partition; more are the same mistake. */
const namedMax = 20;

export interface Coverage {
  readonly warnings: readonly PlanWarning[];
  readonly refusals: readonly PlanRefusal[];
}

/** Says why no file has these offsets, such as a commit of the archiver that covers them; false when nobody knows. */
export type IsExplained = (partition: number, from: bigint, until: bigint) => boolean;

export function orderFiles(files: readonly PlannedFile[]): readonly PlannedFile[] {
  return [...files].sort(
    (a, b) =>
      a.partition - b.partition ||
      compare(a.firstOffset, b.firstOffset) ||
      compare(a.sequence, b.sequence) ||
      compare(a.key, b.key),
  );
}

/** What the bounds of one partition's files, in order, say without reading them. */
export function coverageOf(files: readonly PlannedFile[], isExplained: IsExplained): Coverage {
  const warnings: PlanWarning[] = [];
  const refusals: PlanRefusal[] = files.flatMap(impossible);
  const [first] = files;
  if (first === undefined) return { warnings, refusals };
  const { partition } = first;
  let furthest = first;
  let open: readonly PlannedFile[] = [first];
  let covered = sizeOf(first);
  let rows = BigInt(first.rows);
  let overlaps = 0;
  let gaps = 0;
  for (const file of files.slice(1)) {
    rows += BigInt(file.rows);
    open = [...open.filter(({ lastOffset }) => lastOffset >= file.firstOffset), file];
    if (open.length === overlapFilesMax + 1) refusals.push(tooDeep(file));
    const next = furthest.lastOffset + 1n;
    if (file.firstOffset > next && !isExplained(partition, next, file.firstOffset)) {
      gaps += 1;
      if (gaps <= namedMax) warnings.push(gap(partition, next, furthest, file));
    } else if (file.firstOffset < next) {
      overlaps += 1;
      if (overlaps <= namedMax) warnings.push(overlap(partition, furthest, file));
    }
    covered += file.lastOffset < next ? 0n : file.lastOffset + 1n - max(next, file.firstOffset);
    if (file.lastOffset > furthest.lastOffset) furthest = file;
  }
  if (overlaps === 0 && covered > rows) warnings.push({ kind: 'holes', partition, offsets: covered - rows });
  return { warnings, refusals };
}

function gap(partition: number, from: bigint, before: PlannedFile, behind: PlannedFile): PlanWarning {
  return { kind: 'gap', partition, from, until: behind.firstOffset, before: before.key, behind: behind.key };
}

function overlap(partition: number, before: PlannedFile, file: PlannedFile): PlanWarning {
  const until = before.lastOffset < file.lastOffset ? before.lastOffset + 1n : file.lastOffset + 1n;
  return { kind: 'overlap', partition, from: file.firstOffset, until, files: [before.key, file.key] };
}

/** More rows than offsets: two rows of it have one offset, or it is not what it says. */
function impossible(file: PlannedFile): readonly PlanRefusal[] {
  if (file.rows >= 0 && BigInt(file.rows) <= sizeOf(file)) return [];
  const message = `The file ${file.key} of partition ${file.partition} is said to have ${file.rows} rows for offsets ${file.firstOffset} to ${file.lastOffset}, one of them at most each: rewrite it.`;
  return [{ code: 'BACKFILL_FILE_IMPOSSIBLE', message }];
}

function tooDeep({ key, partition, firstOffset }: PlannedFile): PlanRefusal {
  const message = `More than ${overlapFilesMax} files of partition ${partition} share offset ${firstOffset}, ${key} among them: compact the archive first.`;
  return { code: 'BACKFILL_OVERLAP_TOO_DEEP', message };
}

function sizeOf({ firstOffset, lastOffset }: PlannedFile): bigint {
  return lastOffset + 1n - firstOffset;
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function compare<T extends bigint | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
