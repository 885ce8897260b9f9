import type { BackfillPlan, BackfillTarget, PlannedMapping, PlanRefusal } from './backfill-plan.ts';
import { endOf } from './merged-rows.ts';
import { warningText } from './plan-text.ts';

/** A plan as people and scripts see it: all of it fits JSON, and its size goes by partitions and not by files. */
export interface PlanSummary {
  readonly id: string;
  readonly topic: string;
  readonly topicId: string;
  readonly into: BackfillTarget;
  readonly archive: string;
  readonly snapshotId: string | null;
  readonly from: string | null;
  readonly until: string | null;
  readonly repeat: number;
  readonly files: number;
  readonly rows: number;
  readonly bytes: number;
  /** Null when no rate was ever measured. */
  readonly estimateMs: number | null;
  readonly partitions: readonly PlannedPartition[];
  readonly mappings: readonly PlannedMapping[];
  readonly warnings: readonly { readonly kind: string; readonly message: string }[];
  /** None: it may run. */
  readonly refusals: readonly PlanRefusal[];
}

export interface PlannedPartition {
  readonly partition: number;
  readonly files: number;
  readonly rows: number;
  readonly firstOffset: string;
  /** One past the last. */
  readonly endOffset: string;
}

export function summaryOf(plan: BackfillPlan): PlanSummary {
  const { id, topic, topicId, into, archive, snapshotId, filter, repeat, rows, bytes } = plan;
  const partitions = [...Map.groupBy(plan.files, ({ partition }) => partition)].map(([partition, files]) => ({
    partition,
    files: files.length,
    rows: files.reduce((sum, file) => sum + file.rows, 0),
    firstOffset: String(files[0]?.firstOffset ?? 0n),
    endOffset: String(endOf(files)),
  }));
  return {
    ...{ id, topic, topicId, into, archive, snapshotId },
    from: timeText(filter.fromMs),
    until: timeText(filter.untilMs),
    ...{ repeat, files: plan.files.length, rows, bytes, estimateMs: plan.estimateMs, partitions },
    mappings: plan.mappings,
    warnings: plan.warnings.map((warning) => ({ kind: warning.kind, message: warningText(warning) })),
    refusals: plan.refusals,
  };
}

function timeText(timeMs: number | null): string | null {
  return timeMs === null ? null : new Date(timeMs).toISOString();
}
