import type { Clock } from '../../foundation/index.ts';
import type { TableVersion } from './catalog.ts';
import { isList, type Json, type JsonObject } from './iceberg-json.ts';
import type { ExpiryPolicy } from './iceberg-table.ts';
import { isObject } from './json-fields.ts';
import { positionsSnapshot } from './snapshot-summary.ts';
import type { TableChange } from './table-commit.ts';
import { ancestors, type Snapshot, type TableMetadata } from './table-metadata.ts';

/** Takes snapshots out of the metadata; which files that frees is another matter. */
export class ExpiryChange implements TableChange {
  readonly #policy: ExpiryPolicy;
  readonly #clock: Clock;
  /** Of the try that was won. */
  expired: readonly Snapshot[] = [];

  constructor(policy: ExpiryPolicy, clock: Clock) {
    this.#policy = policy;
    this.#clock = clock;
  }

  async on({ metadata }: TableVersion): Promise<TableMetadata | null> {
    const kept = keptSnapshots(metadata, this.#policy);
    this.expired = metadata.snapshots.filter((snapshot) => !kept.has(snapshot.id));
    if (this.expired.length === 0) return null;
    return withoutSnapshots(metadata, kept, Math.max(this.#clock.now(), metadata.lastUpdatedMs));
  }

  isIn(): boolean {
    return false;
  }

  async lost(): Promise<void> {
    // It wrote no file.
  }
}

/**
 * Whatever a branch or tag names, the newest so many, the newest that has the archive's positions (without it nobody knows what is
 * in the table), and what was current at some time after the policy's: a reader may still be on it.
 */
export function keptSnapshots(metadata: TableMetadata, policy: ExpiryPolicy): ReadonlySet<bigint> {
  const kept = new Set<bigint>([...metadata.refs.values()].map((ref) => ref.snapshotId));
  const positions = positionsSnapshot(metadata);
  if (positions !== null) kept.add(positions.id);
  let place = 0;
  let succeededMs = Number.POSITIVE_INFINITY;
  const inLine = new Set<bigint>();
  for (const snapshot of ancestors(metadata)) {
    inLine.add(snapshot.id);
    if (place < Math.max(1, policy.snapshots) || succeededMs >= policy.olderThanMs) kept.add(snapshot.id);
    place += 1;
    succeededMs = snapshot.timestampMs;
  }
  for (const snapshot of metadata.snapshots) {
    // Not in line: staged, or rolled back from.
    if (!inLine.has(snapshot.id) && snapshot.timestampMs >= policy.olderThanMs) kept.add(snapshot.id);
  }
  return kept;
}

function withoutSnapshots(metadata: TableMetadata, kept: ReadonlySet<bigint>, nowMs: number): TableMetadata {
  // The log says what was current when: with a hole in it it would say something wrong, so it begins after the last one.
  const hole = metadata.snapshotLog.findLastIndex((entry) => !kept.has(entry.snapshotId));
  return {
    ...metadata,
    lastUpdatedMs: nowMs,
    snapshots: metadata.snapshots.filter((snapshot) => kept.has(snapshot.id)),
    snapshotLog: metadata.snapshotLog.slice(hole + 1),
    rest: withoutStatistics(metadata.rest, kept),
  };
}

function withoutStatistics(rest: JsonObject, kept: ReadonlySet<bigint>): JsonObject {
  const isKept = (item: Json): boolean => {
    const id = isObject(item) ? item['snapshot-id'] : null;
    return typeof id !== 'bigint' && typeof id !== 'number' ? true : kept.has(BigInt(id));
  };
  const entries = Object.entries(rest).map(([key, value]) => {
    const isStatistics = key === 'statistics' || key === 'partition-statistics';
    return [key, isStatistics && isList(value) ? value.filter(isKept) : value] as const;
  });
  return Object.fromEntries(entries);
}
