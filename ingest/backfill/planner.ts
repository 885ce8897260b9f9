import type { ArchiveFilter, ArchiveReader, PlannedFile } from '../../archive/index.ts';
import type { Clock } from '../../foundation/index.ts';
import {
  type BackfillPlan,
  type BackfillTarget,
  lifeOf,
  type PlanContent,
  type PlanIdentity,
  type PlannedMapping,
  type PlanRefusal,
  type PlanWarning,
  planId,
} from './backfill-plan.ts';
import { coverageOf, type IsExplained, orderFiles } from './file-coverage.ts';
import type { HiddenType, HiddenTypes } from './hidden-types.ts';
import { endOf } from './merged-rows.ts';

export interface PlanRequest {
  readonly topic: string;
  /** Which of the topics of that name; null when the archive has one alone. */
  readonly topicId: string | null;
  readonly into: BackfillTarget;
  readonly filter: ArchiveFilter;
  /** 0 the first time; each other number makes another plan of the same rows. */
  readonly repeat: number;
  readonly allow: {
    /** Go on where files are missing. */
    readonly gaps: boolean;
    /** Let today's mapping and today's rows of tables replace what older ones wrote. */
    readonly rewrite: boolean;
  };
  /**
   * Leave out files of which everything is hidden already. By the records' times, so an event that lies later than its record is
   * left out with it, and records without a time are.
   */
  readonly skipExpired: boolean;
}

/** What is known of a subject whose events the topic holds. */
export interface PlanSubject extends PlannedMapping {
  /** Versions by which what is in the graph was written; empty when nobody knows. */
  readonly appliedVersions: readonly number[];
  /** Which its mapping looks rows up in. */
  readonly tables: readonly string[];
}

export interface PlanParts {
  readonly reader: ArchiveReader;
  /** Where the archive is, for people. */
  readonly archive: string;
  readonly snapshotId: string | null;
  readonly subjects: readonly PlanSubject[];
  readonly hidden: HiddenTypes;
  /** Under which the live graph has positions of the topic. */
  readonly identities: readonly PlanIdentity[];
  /** Null when nobody knows why offsets are missing. */
  readonly isExplained: IsExplained | null;
  /** As last measured, within what is allowed; null when never. */
  readonly rowsPerSecond: number | null;
  readonly clock: Clock;
}

/** Looks at what the archive says of its files, and at no row. Writes nothing. */
export async function planBackfill(
  request: PlanRequest,
  parts: PlanParts,
  signal?: AbortSignal,
): Promise<BackfillPlan> {
  const { reader, clock } = parts;
  const { partitions } = request.filter;
  const found = orderFiles(await reader.files(request.filter, signal));
  // Gaps are those of the archive: files that lie in no wanted time are none.
  const all = orderFiles(await reader.files({ fromMs: null, untilMs: null, partitions }, signal));
  const topic = topicIdOf(request, found);
  const ofTopic = (file: PlannedFile): boolean => file.topicId === topic.topicId;
  const wanted = found.filter(ofTopic);
  const kept = await withoutExpired(wanted, request, parts, signal);
  const coverage = coverageOfAll(kept, all.filter(ofTopic), parts.isExplained ?? (() => false));
  const horizon = await horizonOf(request, parts, ofTopic, signal);
  const identity = identityOf(request, parts, topic.topicId);
  const warnings: PlanWarning[] = [
    ...subjectWarnings(parts.subjects),
    ...coverage.warnings,
    ...expiredWarning(wanted, kept),
    ...horizon,
    ...shadowWarnings(request, identity, kept),
  ];
  const content: PlanContent = {
    topic: request.topic,
    topicId: topic.topicId,
    into: request.into,
    filter: request.filter,
    archive: parts.archive,
    snapshotId: parts.snapshotId,
    files: kept,
    mappings: parts.subjects.map(({ subject, version }) => ({ subject, version })),
    repeat: request.repeat,
    identity,
  };
  const id = planId(content);
  const rows = kept.reduce((sum, file) => sum + file.rows, 0);
  const { rowsPerSecond } = parts;
  return {
    ...content,
    id,
    createdMs: clock.now(),
    rows,
    bytes: kept.reduce((sum, file) => sum + file.bytes, 0),
    estimateMs: rowsPerSecond === null || rowsPerSecond <= 0 ? null : (rows / rowsPerSecond) * 1_000,
    warnings,
    refusals: [...topic.refusals, ...coverage.refusals, ...requestRefusals(request, content, warnings)],
    life: lifeOf(content, id),
  };
}

function topicIdOf(
  { topic, topicId }: PlanRequest,
  files: readonly PlannedFile[],
): { readonly topicId: string; readonly refusals: readonly PlanRefusal[] } {
  const ids = [...new Set(files.map((file) => file.topicId))].sort();
  if (topicId !== null) return { topicId, refusals: [] };
  const refusals =
    ids.length < 2
      ? []
      : [
          {
            code: 'BACKFILL_TOPIC_IDS',
            message: `The archive has ${ids.length} topics of the name ${topic}, one made after the other: ${ids.join(', ')}. Say which one.`,
          },
        ];
  return { topicId: ids[0] ?? '', refusals };
}

async function withoutExpired(
  files: readonly PlannedFile[],
  request: PlanRequest,
  { hidden, reader }: PlanParts,
  signal?: AbortSignal,
): Promise<readonly PlannedFile[]> {
  if (!request.skipExpired || !hidden.hidesAll) return files;
  const beforeMs = Math.min(...hidden.types.map((one) => one.beforeMs));
  const fromMs = Math.max(beforeMs, request.filter.fromMs ?? beforeMs);
  const still = await reader.files({ ...request.filter, fromMs }, signal);
  const nameOf = ({ key, partition }: PlannedFile): string => `${partition} ${key}`;
  const names = new Set(still.map(nameOf));
  return files.filter((file) => names.has(nameOf(file)));
}

function expiredWarning(
  wanted: readonly PlannedFile[],
  kept: readonly PlannedFile[],
): readonly PlanWarning[] {
  const files = wanted.length - kept.length;
  if (files === 0) return [];
  const rowsOf = (some: readonly PlannedFile[]): number => some.reduce((sum, { rows }) => sum + rows, 0);
  return [{ kind: 'expired', files, rows: rowsOf(wanted) - rowsOf(kept) }];
}

/** Of the whole archive between the first and the last file that is wanted. */
function coverageOfAll(
  kept: readonly PlannedFile[],
  all: readonly PlannedFile[],
  isExplained: IsExplained,
): { readonly warnings: readonly PlanWarning[]; readonly refusals: readonly PlanRefusal[] } {
  const partitions = [...new Set(kept.map(({ partition }) => partition))];
  const found = partitions.map((partition) => {
    const own = kept.filter((file) => file.partition === partition);
    const first = own[0]?.firstOffset ?? 0n;
    const end = endOf(own);
    const between = all.filter(
      (file) => file.partition === partition && file.lastOffset >= first && file.firstOffset < end,
    );
    return coverageOf(between, isExplained);
  });
  return {
    warnings: found.flatMap(({ warnings }) => warnings),
    refusals: found.flatMap(({ refusals }) => refusals),
  };
}

function subjectWarnings(subjects: readonly PlanSubject[]): readonly PlanWarning[] {
  return subjects.flatMap(({ subject, version, appliedVersions: applied, tables }): PlanWarning[] => {
    const differs = applied.some((one) => one !== version);
    return [
      ...(differs ? [{ kind: 'mapping-differs', subject, version, applied } as const] : []),
      ...(tables.length > 0 ? [{ kind: 'look-ups', subject, tables } as const] : []),
    ];
  });
}

function requestRefusals(
  request: PlanRequest,
  { files, topic }: PlanContent,
  warnings: readonly PlanWarning[],
): readonly PlanRefusal[] {
  const refusals: PlanRefusal[] = [];
  if (files.length === 0)
    refusals.push({
      code: 'BACKFILL_EMPTY',
      message: `The archive has no file of topic ${topic} that the filter lets through.`,
    });
  const gap = warnings.find((warning) => warning.kind === 'gap');
  if (gap !== undefined && !request.allow.gaps)
    refusals.push({
      code: 'BACKFILL_GAP',
      message: `No file has offsets ${gap.from} to ${gap.until - 1n} of partition ${gap.partition}, between ${gap.before} and ${gap.behind}: restore the missing file, or allow gaps.`,
    });
  const rewrites = warnings.filter(({ kind }) => kind === 'mapping-differs' || kind === 'look-ups');
  if (rewrites.length > 0 && request.into === 'live' && !request.allow.rewrite) {
    const subjects = [
      ...new Set(rewrites.flatMap((warning) => ('subject' in warning ? [warning.subject] : []))),
    ];
    refusals.push({
      code: 'BACKFILL_REWRITES',
      message: `Edges and steps of ${subjects.join(', ')} would be written anew by another mapping, or with today's rows of tables: replay into a shadow and compare, or allow to rewrite.`,
    });
  }
  return refusals;
}

/**
 * Whose positions a replay moves: the topic's own in a shadow that gets its whole history, so that what flows goes on from there once it is
 * switched to. Null for a life of its own.
 */
function identityOf(request: PlanRequest, { identities }: PlanParts, topicId: string): PlanIdentity | null {
  if (request.into === 'live' || !isWhole(request)) return null;
  return identities.find((one) => one.topicId === topicId) ?? null;
}

/** Whatever is missing then is refused. */
function isWhole({ filter, allow, skipExpired }: PlanRequest): boolean {
  const { fromMs, untilMs, partitions, fromOffset } = filter;
  const isFiltered = fromMs !== null || untilMs !== null || partitions !== null || fromOffset !== undefined;
  return !isFiltered && !allow.gaps && !skipExpired;
}

function shadowWarnings(
  request: PlanRequest,
  identity: PlanIdentity | null,
  kept: readonly PlannedFile[],
): readonly PlanWarning[] {
  if (request.into === 'live') return [];
  if (identity === null) return [{ kind: 'own-life', isWhole: isWhole(request) }];
  const byPartition = Map.groupBy(kept, ({ partition }) => partition);
  return [...byPartition].flatMap(([partition, files]): PlanWarning[] => {
    const from = files[0]?.firstOffset ?? 0n;
    return from === 0n ? [] : [{ kind: 'begins-late', partition, from }];
  });
}

/** Whether some of it is older than what time to live hides. */
async function horizonOf(
  { filter, into }: PlanRequest,
  { hidden, reader }: PlanParts,
  ofTopic: (file: PlannedFile) => boolean,
  signal?: AbortSignal,
): Promise<readonly PlanWarning[]> {
  const isOlder = async (beforeMs: number): Promise<boolean> => {
    if (filter.fromMs !== null && filter.fromMs >= beforeMs) return false;
    const untilMs = Math.min(beforeMs, filter.untilMs ?? beforeMs);
    return (await reader.files({ ...filter, untilMs }, signal)).some(ofTopic);
  };
  const older: HiddenType[] = [];
  for (const one of hidden.types) if (await isOlder(one.beforeMs)) older.push(one);
  if (older.length === 0) return [];
  const beforeMs = Math.max(...older.map((one) => one.beforeMs));
  const warnings: PlanWarning[] = [{ kind: 'hidden', types: older.map(({ type }) => type), beforeMs }];
  const deleted = older.filter(({ hasTombstones }) => hasTombstones).map(({ type }) => type);
  // A shadow gets the deletes of the same history.
  if (deleted.length > 0 && into === 'live') warnings.push({ kind: 'tombstones', types: deleted, beforeMs });
  return warnings;
}
