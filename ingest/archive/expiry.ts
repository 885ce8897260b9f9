import {
  type DataFile,
  type ExpiryReport,
  type IcebergTable,
  keptSnapshots,
  millisecondsOfDay,
} from '../../archive/index.ts';
import { must } from '../../foundation/index.ts';
import { archivedFile } from './archived-file.ts';

export interface ExpiryLimits {
  /** The newest so many snapshots stay. */
  readonly snapshotsMin: number;
  readonly olderThanMs: number;
  /** Whole days before it leave the table; null: rows stay for ever. */
  readonly rowsBeforeMs: number | null;
}

export interface ExpiryPlan {
  readonly snapshotId: bigint | null;
  /** Whose rows are all older than the topic's retention in the archive. */
  readonly files: readonly DataFile[];
  readonly rows: number;
  readonly bytes: number;
  readonly snapshots: number;
}

/** What expiry would do now. Files go for good only once no snapshot that is kept has them. */
export async function planExpiry(table: IcebergTable, limits: ExpiryLimits): Promise<ExpiryPlan> {
  const { metadata } = await table.load();
  const policy = { snapshots: limits.snapshotsMin, olderThanMs: limits.olderThanMs };
  const kept = keptSnapshots(metadata, policy);
  const snapshots = metadata.snapshots.filter((snapshot) => !kept.has(snapshot.id)).length;
  const { rowsBeforeMs } = limits;
  if (rowsBeforeMs === null) return { snapshotId: null, files: [], rows: 0, bytes: 0, snapshots };
  const all = await table.files();
  const files = all.files.filter((file) => {
    const day = archivedFile(file)?.day ?? null;
    return day !== null && (day + 1) * millisecondsOfDay <= rowsBeforeMs;
  });
  return {
    snapshotId: all.snapshotId,
    files,
    rows: files.reduce((sum, file) => sum + file.rows, 0),
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    snapshots,
  };
}

export async function expire(
  table: IcebergTable,
  plan: ExpiryPlan,
  limits: ExpiryLimits,
): Promise<ExpiryReport> {
  if (plan.files.length > 0)
    await table.remove(plan.files, must(plan.snapshotId, 'a snapshot has the files'));
  return await table.expire({ snapshots: limits.snapshotsMin, olderThanMs: limits.olderThanMs });
}
